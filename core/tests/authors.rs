//! What members say, and what becomes of it when others lie about it, lose it or forget it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use cast::member;
use pair::{Pair, cfg, chat, entry, run, said};
use ringchat_core::wire::{Body, Change, Entry, Message, Sync};
use ringchat_core::{Departure, Index, Notice, Roster, Seq, Start};

/// The gaps that are told: whose, and how many messages.
fn gaps(notices: &[Notice]) -> Vec<(u16, u64)> {
    let gap = |notice: &Notice| match notice {
        Notice::Gap { from, count } => Some((from.addr().port(), *count)),
        _ => None,
    };
    notices.iter().filter_map(gap).collect()
}

/// The texts that are shown.
fn shown(notices: &[Notice]) -> Vec<&str> {
    let texts =
        |notice| if let &Notice::Chat(ref chat) = notice { Some(chat.said.texts.iter()) } else { None };
    notices.iter().filter_map(texts).flatten().collect()
}

#[test]
fn an_author_is_told_once_what_a_gap_swallowed_of_its_own() {
    let mut pair = Pair::with_member();
    let lost = pair.say("lost");
    let found = pair.say("found");
    let told = pair.told_of(&[entry(3, found[0].clone(), 1)], 0);
    let swallowed = Notice::Swallowed { first: Seq(1), count: 1, waiting: lost };
    assert!(told.contains(&swallowed), "{told:?}");
    assert_eq!((shown(&told), gaps(&told)), (vec!["found"], vec![]));
    // After an election the same entry comes again.
    pair.elect(2);
    let mut again = entry(4, found[0].clone(), 1);
    again.view = cfg(2).view;
    let opened = pair.opened(2, 3);
    assert_eq!(pair.install(2, 3, &[opened, again]), []);
    let next = pair.say("next");
    let mut next = entry(5, next[0].clone(), 0);
    next.view = cfg(2).view;
    let deliver = ringchat_core::wire::Deliver { view: cfg(2).view, entries: vec![next], stable: Index(0) };
    let told = pair.notices(Message::Deliver(deliver));
    assert!(!told.iter().any(|notice| matches!(notice, Notice::Swallowed { .. })), "{told:?}");
}

#[test]
fn a_gap_that_the_entry_hides_is_told_to_whoever_knows_the_author() {
    let mut pair = Pair::with_member();
    let told = pair.told_of(&[chat(3, 5, 3)], 0);
    assert_eq!(gaps(&told), [(4000, 2)]);
}

#[test]
fn a_member_that_says_more_than_the_log_ever_held_is_heard_and_the_gap_is_told() {
    let mut pair = Pair::with_leader();
    let bob = member(2);
    let join = ringchat_core::wire::Join {
        me: bob.clone(),
        contact: None,
        epoch: ringchat_core::Epoch(0),
        generation: 1,
        ring: Vec::new(),
    };
    pair.notices(Message::Join(join));
    let view = pair.node.view();
    let sync = Sync { view, history: Vec::new(), tail: Vec::new(), more: false };
    pair.notices(Message::Sync(sync));
    let submit = Message::Submit { view, said: vec![said(&bob, 5, &["here again"])] };
    let told = pair.notices(submit.clone());
    assert_eq!((gaps(&told), shown(&told)), (vec![(4000, 4)], vec!["here again"]));
    assert_eq!(shown(&pair.notices(submit)), [] as [&str; 0], "a double");
}

/// Carol has come, has said one thing and has left; and so much was said since that the log has forgotten her.
fn after_carol(forgets: impl Fn(&mut Pair)) -> Pair {
    let mut pair = Pair::new(Start::Join { contacts: vec![cast::addr(2)] });
    forgets(&mut pair);
    pair.join();
    let carol = member(3);
    let edit = |index: u64, n: u64, gone: Vec<_>, joined: Vec<_>| {
        let change = Change::Edit { gone, joined, merged: false };
        let mut cfg = cfg(1);
        cfg.n = n;
        Entry { body: Body::Membership { cfg, change: change.into() }, ..chat(index, 1, index) }
    };
    let comes = |index, n, who| edit(index, n, vec![], vec![(member(who), member(2).id)]);
    let goes = |index, n, who| edit(index, n, vec![(member(who), Departure::Quit)], vec![]);
    let told = pair.told_of(&[comes(3, 1, 3), entry(4, said(&carol, 1, &["hello"]), 0), goes(5, 2, 3)], 6);
    assert_eq!(shown(&told), ["hello"]);
    pair.told_of(&[run(6, 3, 6, 300), run(306, 303, 306, 300), run(606, 603, 606, 300)], 906);
    pair.told_of(&[run(906, 903, 906, 300), run(1206, 1203, 1206, 1)], 1207);
    pair.told_of(&[comes(1207, 3, 4), run(1208, 1204, 1208, 1)], 1209);
    pair
}

#[test]
fn what_a_member_said_before_it_departed_for_good_is_not_shown_again() {
    let old = || said(&member(3), 1, &["hello"]);
    let mut pair = after_carol(|_| {});
    assert_eq!(shown(&pair.told_of(&[entry(1209, old(), 0)], 0)), [] as [&str; 0]);
    assert_eq!(pair.node.log_len(), Index(1210), "the leader's order decides");
    let told = pair.told_of(&[entry(1210, said(&member(3), 2, &["back"]), 0)], 0);
    assert_eq!((shown(&told), gaps(&told)), (vec!["back"], vec![]));
}

#[test]
fn what_a_member_said_before_it_departed_for_good_is_not_sequenced_from_a_tail() {
    let mut pair = after_carol(|_| {});
    pair.leave_alone();
    assert_eq!(pair.node.roster(), &Roster::alone(pair.node.me().clone()));
    let told = pair.come_to_leader(vec![said(&member(3), 1, &["hello"]), said(&member(3), 2, &["news"])]);
    assert_eq!(shown(&told), ["news"]);
}

#[cfg(feature = "ablation")]
#[test]
fn old_messages_come_back_if_the_departed_are_not_remembered() {
    let mut pair = after_carol(|pair| pair.node.ablate(&[ringchat_core::Rule::RememberDeparted]));
    assert_eq!(shown(&pair.told_of(&[entry(1209, said(&member(3), 1, &["hello"]), 0)], 0)), ["hello"]);
}
