//! What members say, and what becomes of it when others lie about it, lose it or forget it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use cast::member;
use pair::{LINK, Pair, cfg, chat, entry, peer, run, said};
use ringchat_core::limits::{BATCH_BYTES, MAX_TEXT};
use ringchat_core::wire::{Body, Change, DecodeError, Deliver, Entry, Join, Message, Sync};
use ringchat_core::{
    Action, Chat, Departure, DownReason, Epoch, Index, Input, Member, Name, Notice, Roster, Seq, Start,
    UnixTime,
};

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
    notices.iter().filter_map(chat_of).flat_map(|chat| chat.said.texts.iter()).collect()
}

fn chat_of(notice: &Notice) -> Option<&Chat> {
    if let Notice::Chat(chat) = notice { Some(chat) } else { None }
}

#[test]
fn an_author_is_told_once_what_a_gap_swallowed_of_its_own() {
    let mut pair = Pair::with_member();
    let lost = pair.say("lost");
    // A full batch does not wait for what was said before.
    let batch = vec!["x".repeat(MAX_TEXT); BATCH_BYTES / MAX_TEXT];
    let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
    let found = pair.say_all(&batch);
    let told = pair.told_of(&[entry(3, found[0].clone(), 1)], 0);
    let swallowed = Notice::Swallowed { first: Seq(1), count: 1, waiting: lost };
    assert!(told.contains(&swallowed), "{told:?}");
    assert_eq!((shown(&told), gaps(&told)), (batch, vec![]));
    // After an election the same entry comes again.
    pair.elect(2);
    let mut again = entry(4, found[0].clone(), 1);
    again.view = cfg(2).view;
    let opened = pair.opened(2, 3);
    assert_eq!(pair.install(2, 3, &[opened, again.clone()]), []);
    let next = pair.say("next");
    let mut next = entry(again.end().0, next[0].clone(), 0);
    next.view = cfg(2).view;
    let deliver = Deliver { view: cfg(2).view, entries: vec![next], stable: Index(0) };
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
    let join = Join { me: bob.clone(), contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() };
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

/// The members of whom it is told that they signed two different things.
fn forked(notices: &[Notice]) -> Vec<&Member> {
    notices.iter().filter_map(forker_of).collect()
}

fn forker_of(notice: &Notice) -> Option<&Member> {
    if let Notice::Forked { author } = notice { Some(author) } else { None }
}

#[test]
fn two_different_things_under_one_number_are_told_once_and_the_leaders_order_decides() {
    let mut pair = Pair::with_member();
    let told = pair.told_of(&[entry(3, said(&peer(), 2, &["other", "words"]), 0)], 0);
    assert_eq!((forked(&told), shown(&told)), (vec![&peer()], vec!["other", "words"]));
    let told = pair.told_of(&[entry(5, said(&peer(), 1, &["again"]), 0)], 0);
    assert_eq!((forked(&told), shown(&told)), (vec![], vec![]));
    assert_eq!(pair.node.log_len(), Index(6));
}

#[test]
fn the_same_words_under_the_same_numbers_are_no_fork() {
    let mut pair = Pair::with_member();
    assert_eq!(forked(&pair.told_of(&[chat(3, 2, 2)], 0)), [] as [&Member; 0]);
}

#[test]
fn a_fork_in_a_tail_is_told_by_the_leader() {
    let mut pair = Pair::with_member();
    pair.leave_alone();
    let told = pair.come_to_leader(vec![said(&peer(), 2, &["other words"])]);
    assert_eq!((forked(&told), shown(&told)), (vec![&peer()], vec![]));
}

#[test]
fn a_fork_across_a_partition_is_told_when_the_logs_become_one() {
    let mut pair = Pair::with_member();
    pair.elect(2);
    let mut other = entry(3, said(&peer(), 2, &["other words"]), 0);
    other.view = cfg(2).view;
    let told = pair.told_of_install(2, 2, &[pair.opened(2, 2), other]);
    assert_eq!((forked(&told), shown(&told)), (vec![&peer()], vec![]));
}

#[test]
fn who_passes_on_words_that_their_author_did_not_sign_is_told() {
    let mut pair = Pair::with_member();
    let author = pair.node.me().id;
    let reason = DownReason::Protocol(DecodeError::Forged { author });
    let out = pair.handle(Input::LinkDown { link: LINK, reason });
    let forged = Notice::Forged { by: peer().into(), author: pair.node.me().clone().into() };
    let told = |action: &Action| matches!(action, Action::Notify { notice, .. } if *notice == forged);
    assert!(out.iter().any(told), "{out:?}");
}

#[test]
fn a_line_shows_the_name_that_was_signed_and_the_one_in_the_roster_if_that_is_another() {
    let mut pair = Pair::with_member();
    let alias = Member::new(peer().id, peer().addr(), Name::new("alias").unwrap());
    let told = pair.told_of(&[chat(3, 3, 3), entry(4, said(&alias, 4, &["hello"]), 0)], 0);
    let lines = told.iter().filter_map(chat_of).flat_map(Chat::lines);
    let lines: Vec<_> = lines.map(|line| (line.from.name.clone(), line.known_as.cloned(), line.at)).collect();
    let (known, at) = (peer().name, UnixTime(0));
    assert_eq!(lines, [(known.clone(), None, at), (alias.name, Some(known), at)]);
}

#[cfg(feature = "ablation")]
#[test]
fn old_messages_come_back_if_the_departed_are_not_remembered() {
    let mut pair = after_carol(|pair| pair.node.ablate(&[ringchat_core::Rule::RememberDeparted]));
    assert_eq!(shown(&pair.told_of(&[entry(1209, said(&member(3), 1, &["hello"]), 0)], 0)), ["hello"]);
}
