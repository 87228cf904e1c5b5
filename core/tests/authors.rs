//! What members say, and what becomes of it when others lie about it, lose it or forget it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use cast::member;
use pair::{LINK, Pair, cfg, chat, entry, peer, run, said};
use ringchat_core::limits::{MAX_STAMP, MAX_TEXT, RUN_BYTES};
use ringchat_core::wire::{
    Body, Change, DecodeError, Deliver, Elected, Entry, Install, Join, Message, Proven, Run, Sync, ViewSpan,
};
use ringchat_core::{
    Action, Chat, CloseMode, Departure, DialId, DownReason, Epoch, Index, Input, LinkId, Member, Name,
    Notice, Origin, RoomId, Roster, Seq, Stamp, Start, Text, TextRun, UnixTime,
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
    // A full run does not wait for what was said before.
    let batch = vec!["x".repeat(MAX_TEXT); RUN_BYTES / MAX_TEXT];
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

#[test]
fn a_pumped_clock_in_what_somebody_signed_moves_no_other_clock_and_is_nobodys_fault() {
    let texts = TextRun::from(Text::new("later than all").unwrap());
    let pumped = Run::sham(RoomId([1; 16]), peer().into(), Seq(3), Stamp(MAX_STAMP - 1), texts);
    let mut pair = Pair::with_member();
    assert_eq!(shown(&pair.told_of(&[entry(3, pumped.clone(), 0)], 0)), ["later than all"]);
    assert!(pair.say("now").iter().all(|said| said.stamp < Stamp(1000)));
    let mut leader = Pair::with_leader();
    assert_eq!(shown(&leader.come_to_leader(vec![pumped])), ["later than all"]);
    assert!(leader.say("now").is_empty(), "a leader places what it says itself");
    assert!(leader.node.lamport() < Stamp(1000));
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
    let of_carol = |entry: &Entry| match &entry.body {
        Body::Chat { said, .. } if said.origin.id == member(3).id => Some(said.first),
        _ => None,
    };
    assert_eq!(pair.node.log_entries().filter_map(of_carol).collect::<Vec<_>>(), [Seq(2)]);
}

/// Its log begins with what was said before it came, and the log of the next leader begins later.
#[test]
fn a_newcomer_does_not_miss_what_was_said_before_it_came() {
    let mut pair = Pair::new(Start::Join { contacts: vec![cast::addr(2)] });
    pair.link_up(Origin::Dialed(DialId(1)));
    pair.elect(1);
    let before = [entry(0, said(&member(3), 1, &["before"]), 0), pair.opened(1, 1)];
    assert_eq!(shown(&pair.told_of_install(1, 0, &before)), [] as [&str; 0]);
    pair.elect(2);
    let install = Install {
        base: Index(2),
        end: Index(3),
        origins: [(member(3).id, Seq(1))].into(),
        history: vec![ViewSpan { view: cfg(1).view, end: Index(2) }],
        ..pair.to_install(2, 0)
    };
    let mut told = pair.notices(Message::Install(install));
    let (view, entries) = (cfg(2).view, vec![pair.opened(2, 2)]);
    told.extend(pair.notices(Message::Deliver(Deliver { view, entries, stable: Index(0) })));
    assert!(pair.node.is_normal());
    assert_eq!(gaps(&told), []);
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
    assert_eq!((forked(&told), shown(&told)), (vec![&peer()], vec![]), "no part of a run is shown");
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

/// The leader counts more of the node than the node has said: in the header of an install, whether that tells all numbers
/// or only the node's.
fn overcounted(pair: &mut Pair, base: u64) -> Vec<Action> {
    pair.elect(2);
    let me = pair.node.me().id;
    let origins = [(me, Seq(1 << 40))].into();
    let install = Install { base: Index(base), end: Index(base), origins, ..pair.to_install(2, 3) };
    pair.receive(LINK, Message::Install(install))
}

/// The node comes back as the member that it is now. Returns what it submits.
fn comes_back(pair: &mut Pair, dial: DialId) -> Vec<Proven<Run>> {
    let link = LinkId(2);
    pair.handle(Input::LinkUp { link, origin: Origin::Dialed(dial), remote: cast::addr(2), peer: peer().id });
    let elected = Elected { cfg: cfg(3), roster: pair.roster(), history: Vec::new() };
    pair.receive(link, Message::Elected(elected));
    let out = pair.receive(link, Message::Install(pair.to_install(3, 3)));
    assert!(pair.node.is_normal());
    pair::submitted(out)
}

#[test]
fn a_member_of_which_the_room_counts_too_much_takes_a_new_life_and_says_again_what_waits() {
    for base in [3, 9] {
        let mut pair = Pair::with_member();
        let before = pair.node.me().clone();
        pair.say("mine");
        let out = overcounted(&mut pair, base);
        let me = pair.node.me().clone();
        assert!(me.id.key() == before.id.key() && me.id != before.id && me.addr() == before.addr());
        assert!(out.contains(&Action::Close { link: LINK, mode: CloseMode::Abort }));
        let told = |action: &Action| match action {
            Action::Notify { notice: Notice::NewLife { me }, .. } => Some(me.id),
            Action::NewLife { id } => Some(*id),
            _ => None,
        };
        assert_eq!(out.iter().filter_map(told).collect::<Vec<_>>(), [me.id, me.id]);
        let dial = |action: &Action| if let Action::Dial { dial, .. } = action { Some(*dial) } else { None };
        let next = pair.handle(Input::Tick);
        let dial = out.iter().chain(&next).find_map(dial).unwrap();
        let again = comes_back(&mut pair, dial);
        let again: Vec<_> =
            again.iter().map(|said| (said.origin.id, said.first, said.at, &said.texts)).collect();
        assert_eq!(again, [(me.id, Seq(1), UnixTime(7), &Text::new("mine").unwrap().into())]);
    }
}

#[test]
fn an_author_of_which_a_leader_counted_too_much_is_heard_all_the_same() {
    let mut pair = Pair::with_member();
    pair.elect(2);
    let origins = [(peer().id, Seq(1 << 40))].into();
    let install = Install { base: Index(9), end: Index(9), origins, ..pair.to_install(2, 3) };
    let told = pair.notices(Message::Install(install));
    assert_eq!(gaps(&told), [(4000, (1 << 40) - 2)]);
    // Another leader knows better.
    pair.elect(3);
    let origins = [(peer().id, Seq(2))].into();
    let install = Install { base: Index(3), origins, ..pair.to_install(3, 0) };
    let mut news = chat(3, 3, 3);
    news.view = cfg(3).view;
    let install = Install { end: Index(4), ..install };
    assert_eq!(pair.faults(Message::Install(install)), []);
    let deliver = Deliver { view: cfg(3).view, entries: vec![news], stable: Index(0) };
    assert_eq!(shown(&pair.notices(Message::Deliver(deliver))), ["x"]);
    assert!(pair.node.is_normal());
}

#[test]
fn a_member_takes_a_new_life_if_the_room_counts_what_has_no_place() {
    for (counted, begins) in [(0, false), (1, true)] {
        let mut pair = Pair::with_member();
        let before = pair.node.me().id;
        pair.say("mine");
        pair.elect(2);
        let origins = [(before, Seq(counted))].into();
        pair.receive(LINK, Message::Install(Install { origins, ..pair.to_install(2, 3) }));
        assert_eq!(pair.node.me().id != before, begins);
    }
}

#[test]
fn a_member_takes_a_new_life_if_its_key_says_more_elsewhere() {
    let mut pair = Pair::with_member();
    let me = pair.node.me().clone();
    let told = pair.told_of(&[entry(3, said(&me, 1, &["from a copy"]), 0)], 0);
    assert!(matches!(&told[..], [Notice::NewLife { me: new }] if new.id != me.id), "{told:?}");
    assert_eq!(pair.node.log_len(), Index(3));
}

#[test]
fn a_leader_tells_a_member_how_much_the_room_counts_of_it() {
    let mut pair = Pair::with_member();
    pair.leave_alone();
    assert_eq!(pair.install_for_peer(), [(peer().id, Seq(2))].into());
}

#[cfg(feature = "ablation")]
#[test]
#[should_panic(expected = "Overcounted")]
fn a_member_is_never_heard_again_if_it_takes_no_new_life() {
    let mut pair = Pair::new(Start::Join { contacts: vec![cast::addr(2)] });
    pair.node.ablate(&[ringchat_core::Rule::NewLife]);
    pair.join();
    overcounted(&mut pair, 9);
}

#[cfg(feature = "ablation")]
#[test]
fn old_messages_come_back_if_the_departed_are_not_remembered() {
    let mut pair = after_carol(|pair| pair.node.ablate(&[ringchat_core::Rule::RememberDeparted]));
    assert_eq!(shown(&pair.told_of(&[entry(1209, said(&member(3), 1, &["hello"]), 0)], 0)), ["hello"]);
}

#[test]
fn a_member_of_whose_run_the_log_counts_a_part_says_all_of_it_anew_when_it_leads() {
    let mut pair = Pair::with_member();
    pair.say_all(&["one", "two", "three"]);
    let me = pair.node.me().clone();
    assert_eq!(pair.deliver(&[entry(3, said(&me, 1, &["one", "other"]), 0)]), []);
    pair.leave_alone();
    assert!(pair.node.is_leader());
    assert_eq!(pair.node.waiting(), 0);
    let said =
        |entry: &Entry| if let Body::Chat { said, .. } = &entry.body { Some(said.clone()) } else { None };
    let last = pair.node.log_entries().rev().find_map(said).unwrap();
    assert_eq!((last.first, last.texts.iter().collect::<Vec<_>>()), (Seq(4), vec!["one", "two", "three"]));
}
