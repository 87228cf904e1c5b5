use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::mpsc::{self, Receiver, SyncSender, sync_channel};

use ringchat_core::secure::Secret;
use ringchat_core::wire::Run;
use ringchat_core::{Chat, Epoch, Index, NodeId, Report, RoomId, Seq, Stats, Text};

use super::*;
use crate::calendar::Calendar;
use crate::chat_log::ChatLog;
use crate::line_writer::LineWriter;
use crate::printer::Rendering;
use crate::session::Teller;
use crate::trust::KnownFile;

mod talk;

/// A screen, the queue of its requests, and the lines that it showed.
struct Shown {
    screen: Screen,
    people: People,
    ask: SyncSender<Request>,
    lines: Receiver<String>,
}

fn gap(lost: u64) -> String {
    Rendering::Plain.render(&wording::unshown(lost, true))
}

impl Shown {
    fn new(own: bool, log: bool) -> Self {
        Self::with(own, log, People::new([0xff; 32], None, None, KnownFile::at(None).0))
    }

    /// A screen in the room of these people.
    fn with(own: bool, log: bool, people: People) -> Self {
        let (sender, lines) = mpsc::channel();
        let writer =
            LineWriter::start(move |lines| sender.send(lines).map_err(io::Error::other), gap, |_| {})
                .unwrap();
        let (ask, asked) = sync_channel(8);
        let screen = Screen::new(
            Printer::Writer { writer, rendering: Rendering::Plain, calendar: Calendar::new(false, false) },
            Show {
                own,
                log,
                commands: true,
                acts: !own,
                is_meant_open: false,
                greets_alone: false,
                listing: None,
                patience: Duration::ZERO,
            },
            asked,
            TalkSettings::default(),
            Roll::default(),
            || UnixTime(0),
        );
        Self { screen, people, ask, lines }
    }

    /// Asks, and lets the node report.
    fn ask(&mut self, request: Request, members: &[Member]) {
        self.ask.send(request).unwrap();
        self.notice(&report(members, None));
    }

    fn notice(&mut self, notice: &Notice) {
        let log = &mut ChatLog::none();
        Teller { log, frontend: &mut self.screen, people: &mut self.people }.show(Stamp(9), notice);
    }

    fn lines(self) -> Vec<String> {
        self.screen.printer.finish(Duration::from_secs(10));
        self.lines.try_iter().collect::<String>().lines().map(str::to_owned).collect()
    }
}

fn member(name: &str, port: u16) -> Member {
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let mut key = [0; 32];
    key[..2].copy_from_slice(&port.to_be_bytes());
    Member::new(NodeId::new(key, NonZeroU64::MIN), addr, Name::new(name).unwrap())
}

fn ready(members: &[Member]) -> Notice {
    Notice::Ready {
        me: members[0].clone().into(),
        leader: members[0].clone().into(),
        members: Roster::new(members.to_vec()).unwrap(),
        room: RoomId::UNKNOWN,
    }
}

fn message(from: Member, seq: u64, mine: bool) -> Notice {
    let (first, texts) = (Seq(seq), Text::new("hi").unwrap().into());
    let said = Run::sham(RoomId::UNKNOWN, from.into(), first, Stamp(12), texts);
    Notice::Chat(Chat { index: Index(4), said, mine, known_as: None, occasion: Occasion::Live, hidden: 0 })
}

fn report(members: &[Member], leader: Option<Member>) -> Notice {
    Notice::Report(Box::new(Report {
        me: members[0].clone(),
        leader,
        epoch: Epoch(3),
        members: Roster::new(members.to_vec()).unwrap(),
        prev: members[0].clone(),
        next: members[0].clone(),
        lamport: Stamp(9),
        stats: Stats::default(),
    }))
}

#[test]
fn messages_and_system_lines_have_the_forms_of_the_original() {
    let (alice, bob, carol) = (member("Alice", 1), member("Bob", 2), member("Carol", 3));
    let mut shown = Shown::new(false, false);
    shown.notice(&Notice::Joined { member: bob.clone().into() });
    shown.notice(&message(bob.clone(), 1, false));
    shown.notice(&message(alice, 1, true));
    shown.notice(&Notice::Left { member: bob.clone().into(), reason: Departure::Quit });
    shown.notice(&Notice::Left { member: bob.into(), reason: Departure::Lost });
    shown.notice(&Notice::Leader { member: carol.into(), epoch: Epoch(4) });
    assert_eq!(
        shown.lines(),
        [
            "/// Bob joined the ring! ///",
            "> Bob(127.0.0.1:2)[12]: hi",
            "/// Bob left the ring ///",
            "/// Bob was lost ///",
            "/// Carol leads now (epoch 4) ///",
        ]
    );
}

#[test]
fn counts_agree_with_their_nouns() {
    let counted = |count| {
        let Notice::Report(mut report) = report(&[member("Alice", 1)], None) else { panic!("no report") };
        let stats = &mut report.stats;
        (stats.links, stats.faults, stats.election_messages) = (count, count, count);
        (stats.history, stats.history_bytes) = (count, count);
        answers::stats(&report).join("\n")
    };
    let one = counted(1);
    assert!(one.contains(" 1 link, 1 fault of others"), "{one}");
    assert!(one.contains(" 1 message sent; history: 1 entry, 1 byte"), "{one}");
    let two = counted(2);
    assert!(two.contains(" 2 links, 2 faults of others"), "{two}");
    assert!(two.contains(" 2 messages sent; history: 2 entries, 2 bytes"), "{two}");
}

#[test]
fn the_first_ready_tells_how_to_join_the_own_key_and_that_all_can_read() {
    let mut shown = Shown::new(false, false);
    shown.notice(&ready(&[member("Alice", 1)]));
    shown.notice(&ready(&[member("Alice", 1), member("Bob", 2)]));
    let lines = shown.lines();
    assert_eq!(lines.len(), 5);
    assert!(lines[1].contains("ringchat 127.0.0.1:1"));
    assert_eq!(lines[2], format!("/// your key is {} ///", ShortKey::new(member("Alice", 1).id.key())));
    assert_eq!(
        lines[3],
        "/// open room: encrypted, but whoever reaches 127.0.0.1:1 can come in, read and write; --private keeps \
         strangers out ///"
    );
    assert_eq!(lines[4], "/// back in the ring: 2 members, you lead ///");
}

#[test]
fn a_leader_that_leads_on_is_told_once() {
    let alice = member("Alice", 1);
    let mut shown = Shown::new(false, false);
    shown.notice(&ready(&[alice.clone(), member("Bob", 2)]));
    let leader = |member: Member, epoch| Notice::Leader { member: member.into(), epoch: Epoch(epoch) };
    shown.notice(&leader(alice.clone(), 2));
    shown.notice(&leader(member("Bob", 2), 3));
    shown.notice(&leader(member("Bob", 2), 4));
    shown.notice(&leader(alice, 5));
    assert_eq!(shown.lines()[4..], ["/// Bob leads now (epoch 3) ///", "/// Alice leads now (epoch 5) ///"]);
}

#[test]
fn two_people_of_one_name_are_told_apart() {
    let (bob, other) = (member("Bob", 2), member("Bob", 3));
    let mut shown = Shown::new(false, false);
    shown.notice(&ready(&[member("Alice", 1), bob.clone()]));
    shown.notice(&Notice::Joined { member: other.into() });
    shown.notice(&Notice::Left { member: bob.into(), reason: Departure::Quit });
    shown.notice(&Notice::Leader { member: member("Bob", 3).into(), epoch: Epoch(2) });
    assert_eq!(
        shown.lines()[4..],
        [
            "/// Bob(127.0.0.1:3) joined the ring! ///",
            "/// Bob(127.0.0.1:2) left the ring ///",
            "/// Bob leads now (epoch 2) ///",
        ]
    );
}

fn replayed(seq: u64, occasion: Occasion) -> Notice {
    let texts = Text::new("there").unwrap().into();
    let said = Run::sham(RoomId::UNKNOWN, member("Bob", 2).into(), Seq(seq), Stamp(7), texts);
    Notice::Chat(Chat { index: Index(seq), said, mine: false, known_as: None, occasion, hidden: 0 })
}

#[test]
fn texts_said_while_the_user_was_away_are_set_apart() {
    let mut shown = Shown::new(false, false);
    shown.notice(&replayed(1, Occasion::WhileAway));
    shown.notice(&replayed(2, Occasion::WhileAway));
    shown.screen.caught_up();
    shown.screen.caught_up();
    shown.notice(&replayed(3, Occasion::WhileAway));
    shown.notice(&Notice::Joined { member: member("Carol", 3).into() });
    assert_eq!(
        shown.lines(),
        [
            "/// while you were away: ///",
            "> Bob(127.0.0.1:2)[7]: there",
            "> Bob(127.0.0.1:2)[7]: there",
            "/// now ///",
            "/// while you were away: ///",
            "> Bob(127.0.0.1:2)[7]: there",
            "/// now ///",
            "/// Carol joined the ring! ///",
        ]
    );
}

#[test]
fn texts_said_before_the_user_came_are_set_apart() {
    let mut shown = Shown::new(false, false);
    shown.notice(&replayed(1, Occasion::BeforeJoin));
    shown.notice(&replayed(2, Occasion::BeforeJoin));
    shown.notice(&message(member("Bob", 2), 3, false));
    assert_eq!(
        shown.lines(),
        [
            "/// said before you came ///",
            "> Bob(127.0.0.1:2)[7]: there",
            "> Bob(127.0.0.1:2)[7]: there",
            "/// now ///",
            "> Bob(127.0.0.1:2)[12]: hi",
        ]
    );
}

#[test]
fn texts_of_another_ring_are_set_apart() {
    let mut shown = Shown::new(false, false);
    shown.notice(&replayed(1, Occasion::OtherRing));
    shown.notice(&replayed(2, Occasion::OtherRing));
    shown.notice(&message(member("Bob", 2), 3, false));
    assert_eq!(
        shown.lines(),
        [
            "/// said in the other ring: ///",
            "> Bob(127.0.0.1:2)[7]: there",
            "> Bob(127.0.0.1:2)[7]: there",
            "/// said in this ring: ///",
            "> Bob(127.0.0.1:2)[12]: hi",
        ]
    );
}

#[test]
fn a_message_that_waits_is_said_to_wait_and_then_to_be_delivered() {
    let mut shown = Shown::new(false, false);
    shown.notice(&Notice::Held { seq: Seq(2) });
    shown.notice(&message(member("Alice", 1), 1, true));
    shown.notice(&message(member("Alice", 1), 2, true));
    assert_eq!(
        shown.lines(),
        ["/// your message waits until the ring has a leader ///", "/// your message was delivered ///"]
    );
}

#[test]
fn a_message_that_waits_for_a_silent_leader_is_said_to_wait_and_then_to_be_delivered() {
    let members = [member("Alice", 1), member("Bob", 2)];
    let mut shown = Shown::new(false, false);
    shown.notice(&Notice::Held { seq: Seq(1) });
    (1..=3).for_each(|seq| shown.ask(Request::Said(Seq(seq)), &members));
    assert_eq!(shown.screen.due(), Some(Duration::ZERO));
    shown.screen.caught_up();
    assert_eq!(shown.screen.due(), None);
    shown.screen.caught_up();
    (1..=3).for_each(|seq| shown.notice(&message(members[0].clone(), seq, true)));
    assert_eq!(
        shown.lines(),
        [
            "/// your message waits until the ring has a leader ///",
            "/// your message waits for the leader to answer ///",
            "/// your messages were delivered ///"
        ]
    );
}

#[test]
fn of_many_messages_that_wait_the_user_is_told_once() {
    let mut shown = Shown::new(false, false);
    for first in [1, 51] {
        (first..first + 50).for_each(|seq| shown.notice(&Notice::Held { seq: Seq(seq) }));
        (first..first + 50).for_each(|seq| shown.notice(&message(member("Alice", 1), seq, true)));
    }
    let once =
        ["/// your message waits until the ring has a leader ///", "/// your messages were delivered ///"];
    assert_eq!(shown.lines(), [once, once].concat());
}

#[test]
fn in_a_pipe_own_messages_stand_in_their_place() {
    let mut shown = Shown::new(true, false);
    shown.notice(&Notice::Held { seq: Seq(1) });
    shown.notice(&message(member("Alice", 1), 1, true));
    assert_eq!(shown.lines(), ["> Alice(127.0.0.1:1)[12]: hi"]);
}

#[test]
fn questions_are_answered_in_turn() {
    let members = [member("alice", 1), member("bob", 2), member("carol", 3)];
    let mut shown = Shown::new(false, false);
    let tell = Request::Tell(vec!["no such command".to_owned()]);
    let all = Request::Members(String::new());
    for request in [Request::Ring, Request::Leader, tell, all, Request::Members("bo".into()), Request::Leader]
    {
        shown.ask.send(request).unwrap();
    }
    for _ in 0..5 {
        shown.notice(&report(&members, Some(members[2].clone())));
    }
    shown.notice(&report(&members, None));
    shown.notice(&report(&members, None));
    assert_eq!(
        shown.lines(),
        [
            "/// ring: alice -> bob -> carol* -> alice (epoch 3) ///",
            "/// carol leads (epoch 3) ///",
            "/// no such command ///",
            "/// 3 members ///",
            "/// alice(127.0.0.1:1), you ///",
            "/// bob(127.0.0.1:2) ///",
            "/// carol(127.0.0.1:3), leads ///",
            "/// 1 of 3 members ///",
            "/// bob(127.0.0.1:2) ///",
            "/// nobody leads just now; the ring elects ///",
        ]
    );
}

#[test]
fn another_key_than_the_verified_one_is_told_beside_the_name() {
    let members = [member("me", 1), member("bob", 2), member("bob", 3)];
    let [key, other] = [&members[1], &members[2]].map(|member| ShortKey::new(member.id.key()).to_string());
    let mut shown = Shown::new(false, false);
    let verify = Request::Verify { who: "127.0.0.1:2".into(), key: key.clone() };
    for request in [verify, Request::Members("bob".into()), Request::Keys("bob".into())] {
        shown.ask.send(request).unwrap();
        shown.notice(&report(&members, None));
    }
    let lines = shown.lines();
    let instead = format!(", but you verified the key {key} as bob");
    assert_eq!(
        lines[2..4],
        ["/// bob(127.0.0.1:2) ///".to_owned(), format!("/// bob(127.0.0.1:3){instead} ///")]
    );
    assert!(
        lines[4].starts_with(&format!("/// bob(127.0.0.1:2) {key}, verified as bob; in full")),
        "{lines:?}"
    );
    assert!(
        lines[5].starts_with(&format!("/// bob(127.0.0.1:3) {other}, new to you{instead}; in full")),
        "{lines:?}"
    );
}

#[test]
fn members_that_share_a_key_are_told_with_their_keys() {
    let again = |life: u64| {
        let bob = member("bob", 2);
        let id = NodeId::new(*bob.id.key(), NonZeroU64::new(life).unwrap());
        Member::new(id, ([127, 0, 0, 2], u16::try_from(life).unwrap()).into(), bob.name)
    };
    let members = [vec![member("me", 1)], (2..=6).map(again).collect()].concat();
    let mut shown = Shown::new(false, false);
    for part in ["me(", "127.0.0.2:2)"] {
        shown.ask.send(Request::Keys(part.into())).unwrap();
        shown.notice(&report(&members, None));
    }
    let lines = shown.lines();
    assert!(!lines[0].contains("the same key"), "{lines:?}");
    let others = "the same key as bob(127.0.0.2:3), bob(127.0.0.2:4), bob(127.0.0.2:5) and 1 more; in full";
    assert!(lines[1].contains(others), "{lines:?}");
}

#[test]
fn the_log_is_shown_when_asked_for_but_nothing_twice() {
    let bob = member("Bob", 2);
    let election = Notice::Election {
        phase: ringchat_core::ElectionPhase::Forward,
        candidate: bob.clone().into(),
        epoch: Epoch(2),
    };
    let mut shown = Shown::new(false, true);
    shown.notice(&election);
    shown.notice(&message(bob.clone(), 1, false));
    assert_eq!(
        shown.lines(),
        ["9: election of epoch 2: Bob(127.0.0.1:2) passed on", "> Bob(127.0.0.1:2)[12]: hi",]
    );
    let mut quiet = Shown::new(false, false);
    quiet.notice(&election);
    assert!(quiet.lines().is_empty());
}

#[test]
fn missed_lines_are_reported() {
    let mut shown = Shown::new(false, false);
    shown.screen.missed(Stamp(1), 7);
    shown.notice(&message(member("Bob", 2), 1, false));
    let lines = shown.lines();
    assert!(lines[0].contains("7 lines were not shown"));
    assert_eq!(lines.len(), 2);
    assert!(gap(1).contains("1 line was not shown"));
}

#[test]
fn giving_up_joining_is_not_leaving_the_ring() {
    let mut shown = Shown::new(false, false);
    shown.notice(&Notice::Ended(Ending::Left { unsure: 0 }));
    assert_eq!(shown.lines(), ["/// gave up joining ///"]);
    let mut shown = Shown::new(false, false);
    shown.notice(&ready(&[member("Alice", 1)]));
    shown.notice(&Notice::Ended(Ending::Left { unsure: 0 }));
    assert_eq!(shown.lines().last().map(String::as_str), Some("/// you left the ring ///"));
}

#[test]
fn a_private_room_shows_the_own_key_and_how_others_come_in() {
    let alice = member("Alice", 1);
    let key = ShortKey::new(alice.id.key());
    let people =
        People::new(*alice.id.key(), Some(Secret::new([5; Secret::BYTES])), None, KnownFile::at(None).0);
    let mut shown = Shown::with(false, false, people);
    shown.notice(&ready(&[alice]));
    assert_eq!(
        shown.lines()[1..],
        [
            format!("/// private and encrypted; your key is {key} ///"),
            "/// /ticket shows what others need to come in; give it to nobody else ///".to_owned(),
        ]
    );
}

#[test]
fn who_is_alone_on_a_machine_is_told_how_to_begin_a_room_on_the_network() {
    let hint = "/// only this machine can join; for your network: ringchat -l --room NAME ///";
    for greets_alone in [false, true] {
        let mut shown = Shown::new(false, false);
        shown.screen.show.greets_alone = greets_alone;
        shown.notice(&ready(&[member("Alice", 1)]));
        assert_eq!(shown.lines().iter().any(|line| line == hint), greets_alone);
    }
    let mut shown = Shown::new(false, false);
    shown.screen.show.greets_alone = true;
    let [alice, bob] = [member("Alice", 1), member("Bob", 2)];
    shown.notice(&Notice::Ready {
        me: alice.clone().into(),
        leader: bob.clone().into(),
        members: Roster::new(vec![alice, bob]).unwrap(),
        room: RoomId::UNKNOWN,
    });
    assert!(!shown.lines().iter().any(|line| line == hint), "the room of another");
}

#[test]
fn a_ticket_stands_on_a_line_of_its_own_and_is_said_to_be_for_this_machine_if_it_is() {
    for (ip, is_only_here) in [([127, 0, 0, 1], true), ([10, 0, 0, 1], false)] {
        let alice = member("Alice", 1);
        let alice = Member::new(alice.id, (ip, 1).into(), alice.name);
        let secret = Secret::new([5; Secret::BYTES]);
        let people = People::new(*alice.id.key(), Some(secret.clone()), None, KnownFile::at(None).0);
        let mut shown = Shown::with(false, false, people);
        shown.ask.send(Request::Ticket).unwrap();
        shown.notice(&report(&[alice], None));
        let lines = shown.lines();
        let ticket: ringchat_core::secure::Ticket = lines[1].parse().unwrap();
        assert_eq!((ticket.secret(), ticket.addrs()), (&secret, [(ip, 1).into()].as_slice()));
        assert_eq!(
            lines.iter().any(|line| line.contains("for this machine only")),
            is_only_here,
            "{lines:?}"
        );
    }
}

#[test]
fn a_name_that_the_room_lists_otherwise_is_shown_with_both_names_and_the_key() {
    let listed = member("Mallory", 2);
    let signed = Member::new(listed.id, listed.addr(), Name::new("Bob").unwrap());
    let key = ShortKey::new(listed.id.key());
    let mut shown = Shown::new(false, false);
    shown.notice(&ready(&[member("Alice", 1), listed.clone()]));
    let Notice::Chat(chat) = message(signed, 1, false) else { panic!("no chat") };
    shown.notice(&Notice::Chat(Chat { known_as: Some(listed.name), ..chat }));
    assert_eq!(
        shown.lines().last(),
        Some(&format!("> Bob(127.0.0.1:2 {key}, in the room as Mallory)[12]: hi"))
    );
}

#[test]
fn a_text_of_another_time_is_shown_with_its_authors_clock() {
    let said = |now: fn() -> UnixTime| {
        let mut shown = Shown::new(false, false);
        shown.screen.now = now;
        shown.notice(&message(member("Bob", 2), 1, false));
        shown.lines().remove(0)
    };
    let mut shown = Shown::new(true, false);
    shown.screen.now = || UnixTime(500);
    shown.notice(&message(member("Alice", 1), 1, true));
    assert_eq!(shown.lines(), ["> Alice(127.0.0.1:1)[12]: hi"], "it waited for a leader");
    assert_eq!(said(|| UnixTime(120)), "> Bob(127.0.0.1:2)[12]: hi");
    assert_eq!(said(|| UnixTime(121)), "> Bob(127.0.0.1:2, 1970-01-01 00:00 UTC by its clock)[12]: hi");
}

#[test]
fn words_that_their_author_did_not_sign_and_forks_are_warned_of() {
    let mut shown = Shown::new(false, false);
    let (carol, bob) = (member("Carol", 3), member("Bob", 2));
    shown.notice(&Notice::Forged { by: carol.into(), author: bob.clone().into() });
    shown.notice(&Notice::Forked { author: bob.into() });
    assert_eq!(
        shown.lines(),
        [
            "/// WARNING: Carol passed on a message that Bob did not sign; it is not shown, and Carol was cut off ///",
            "/// WARNING: Bob said two different things as one message; others may see the other one ///",
        ]
    );
}
