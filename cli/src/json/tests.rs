use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, mpsc};

use ringchat_core::wire::Run;
use ringchat_core::{
    Chat, Departure, ElectionPhase, Epoch, Index, Member, Name, NodeId, Occasion, RingReason, RoomId, Roster,
    Stats, Text,
};
use serde_json::json;

use super::command::JsonCommand;
use super::input::{AwaitedSender, SaidText};
use super::*;
use crate::attention::BellKind;
use crate::chat_log::ChatLog;
use crate::see::TraceStatus;
use crate::session::{Query, Teller};
use crate::trust::{KnownFile, full_key};

const LONG: Duration = Duration::from_secs(10);

struct Shown {
    frontend: Json,
    people: People,
    sender: AwaitedSender,
    lines: Receiver<String>,
}

fn gap(lost: u64) -> String {
    gap_line(Stamp(4), lost)
}

impl Shown {
    fn new() -> Self {
        Self::with(TalkSettings::default())
    }

    fn with(talk: TalkSettings) -> Self {
        let (sender, lines) = mpsc::channel();
        let writer =
            LineWriter::start(move |lines| sender.send(lines).map_err(io::Error::other), gap, |_| {})
                .unwrap();
        let (sender, awaited) = awaited();
        let people = People::new([0xab; 32], None, None, KnownFile::at(None).0);
        Self {
            frontend: Json::new(writer, RuntimeKind::AsyncStd, false, awaited, talk, None),
            people,
            sender,
            lines,
        }
    }

    fn notice(&mut self, lamport: u64, notice: &Notice) {
        let log = &mut ChatLog::none();
        Teller { log, frontend: &mut self.frontend, people: &mut self.people }.show(Stamp(lamport), notice);
    }

    fn objects(self) -> Vec<Value> {
        self.frontend.writer.finish(LONG);
        let lines: String = self.lines.try_iter().collect();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn bob() -> Arc<Member> {
    let id = NodeId::new([0xab; 32], NonZeroU64::MIN);
    Member::new(id, "10.0.0.5:5000".parse().unwrap(), Name::new("bob").unwrap()).into()
}

fn message(seq: u64, mine: bool, text: &str) -> Notice {
    let (first, texts) = (Seq(seq), Text::new(text).unwrap().into());
    let said = Run::sham(RoomId::UNKNOWN, bob(), first, Stamp(1), texts);
    Notice::Chat(Chat {
        index: Index(40 + seq),
        said,
        mine,
        known_as: None,
        occasion: Occasion::Live,
        hidden: 0,
    })
}

#[test]
fn who_asked_for_a_room_on_the_network_is_told_of_it() {
    let mut shown = Shown::new();
    let ready = || Notice::Ready {
        me: bob(),
        leader: bob(),
        members: Roster::alone(Member::clone(&bob())),
        room: RoomId::UNKNOWN,
    };
    shown.notice(7, &ready());
    shown.frontend.listing = Some(Listing::sham("staff", false, "0.0.0.0:5000".parse().unwrap()));
    shown.notice(7, &ready());
    shown.frontend.announced(Stamp(8));
    let objects = shown.objects();
    assert_eq!((objects[0].get("room"), objects[0].get("listen")), (None, None));
    assert_eq!((&objects[1]["room"], &objects[1]["listen"]), (&json!("staff"), &json!("0.0.0.0:5000")));
    assert_eq!(objects[2], json!({"event": "announced", "room": "staff", "lamport": 8}));
}

#[test]
fn every_notice_has_the_documented_form() {
    let id = "ab".repeat(32) + "0000000000000001";
    let key = full_key(&[0xab; 32]);
    let member = json!({"id": id, "name": "bob", "addr": "10.0.0.5:5000", "key": key});
    let mut shown = Shown::new();
    let notices = [
        Notice::Ready {
            me: bob(),
            leader: bob(),
            members: Roster::alone(Member::clone(&bob())),
            room: RoomId::UNKNOWN,
        },
        message(2, false, "a\n\u{1b}\u{2028}"),
        Notice::Gap { from: bob(), count: 3 },
        Notice::Joined { member: bob() },
        Notice::Left { member: bob(), reason: Departure::Lost },
        Notice::Ring { prev: bob(), next: bob(), reason: RingReason::Repair },
        Notice::Election { phase: ElectionPhase::Swallow, candidate: bob(), epoch: Epoch(3) },
        Notice::Leader { member: bob(), epoch: Epoch(3) },
    ];
    for notice in &notices {
        shown.notice(7, notice);
    }
    assert_eq!(
        shown.objects(),
        [
            json!({"event": "ready", "me": member, "leader": member, "members": [member],
                   "runtime": "async-std", "key": key, "privacy": "open", "lamport": 7}),
            json!({"event": "message", "seq": 42, "from": member, "text": "a\n\u{1b}\u{2028}", "mine": false,
                   "replayed": false, "at": 0, "lamport": 7}),
            json!({"event": "gap", "from": member, "count": 3, "lamport": 7}),
            json!({"event": "joined", "member": member, "lamport": 7}),
            json!({"event": "left", "member": member, "reason": "lost", "lamport": 7}),
            json!({"event": "ring", "prev": member, "next": member, "reason": "repair", "lamport": 7}),
            json!({"event": "election", "phase": "swallow", "candidate": member, "epoch": 3, "lamport": 7}),
            json!({"event": "leader", "member": member, "epoch": 3, "lamport": 7}),
        ]
    );
}

#[test]
fn own_messages_bring_their_refs_back_also_past_a_gap() {
    let mut shown = Shown::new();
    for reference in [Some(json!("a")), None, Some(json!(3))] {
        shown.sender.said.send(SaidText { reference, waiting: false }).unwrap();
    }
    shown.notice(1, &message(1, true, "x"));
    shown.notice(2, &message(3, true, "z"));
    let objects = shown.objects();
    assert_eq!(objects[1], json!({"event": "sent", "ref": "a", "seq": 41, "lamport": 1}));
    assert_eq!(objects[3], json!({"event": "sent", "ref": 3, "seq": 43, "lamport": 2}));
}

fn report() -> Notice {
    Notice::Report(Box::new(Report {
        me: Member::clone(&bob()),
        leader: None,
        epoch: Epoch(3),
        members: Roster::alone(Member::clone(&bob())),
        prev: Member::clone(&bob()),
        next: Member::clone(&bob()),
        lamport: Stamp(9),
        stats: Stats { shown: 5, ..Stats::default() },
    }))
}

#[test]
fn questions_are_answered_in_turn() {
    let mut shown = Shown::new();
    for (query, reference) in
        [(Query::Members, None), (Query::Ring, Some(json!("r"))), (Query::Stats, Some(json!(7)))]
    {
        shown.sender.asked.send((query, reference)).unwrap();
    }
    for _ in 0..4 {
        shown.notice(9, &report());
    }
    let objects = shown.objects();
    assert_eq!(objects.len(), 3);
    assert_eq!((&objects[0]["event"], &objects[0]["leader"]), (&json!("members"), &Value::Null));
    assert_eq!((&objects[1]["event"], &objects[1]["reason"]), (&json!("ring"), &json!("asked")));
    assert_eq!((&objects[2]["event"], &objects[2]["shown"]), (&json!("stats"), &json!(5)));
    let references: Vec<_> = objects.iter().map(|object| object.get("ref")).collect();
    assert_eq!(references, [None, Some(&json!("r")), Some(&json!(7))]);
    assert!(objects.iter().all(|object| object["lamport"] == 9));
}

#[test]
fn the_last_messages_and_the_leader_are_told_when_asked_for() {
    let mut shown = Shown::new();
    for (seq, text) in [(1, "one"), (2, "two"), (3, "three")] {
        shown.notice(1, &message(seq, false, text));
    }
    for query in [Query::Last(2), Query::Leader] {
        shown.sender.asked.send((query, Some(json!("r")))).unwrap();
        shown.notice(9, &report());
    }
    let objects = shown.objects();
    let (last, leader) = (&objects[3], &objects[4]);
    let texts: Vec<&Value> = last["messages"].as_array().unwrap().iter().map(|kept| &kept["text"]).collect();
    assert_eq!((&last["event"], &last["ref"]), (&json!("last"), &json!("r")));
    assert_eq!(texts, ["two", "three"]);
    assert!(last["messages"][0]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{last}");
    assert_eq!(*leader, json!({"event": "leader", "member": null, "epoch": 3, "ref": "r", "lamport": 9}));
}

#[test]
fn times_and_mentions_are_told_to_those_that_ask() {
    let talk = TalkSettings { times: true, bell: Some(BellKind::Mentions), ..TalkSettings::default() };
    let mut shown = Shown::with(talk);
    shown.notice(
        1,
        &Notice::Ready {
            me: bob(),
            leader: bob(),
            members: Roster::alone(Member::clone(&bob())),
            room: RoomId::UNKNOWN,
        },
    );
    shown.notice(1, &message(1, false, "@Bob, hello"));
    shown.notice(1, &message(2, false, "hello all"));
    shown.notice(1, &message(1, true, "I am Bob"));
    let objects = shown.objects();
    let messages: Vec<&Value> = objects.iter().filter(|object| object["event"] == "message").collect();
    assert_eq!(messages.iter().map(|told| &told["mention"]).collect::<Vec<_>>(), [true, false, false]);
    for message in messages {
        let time = message["time"].as_str().unwrap();
        assert_eq!((time.len(), &time[..2]), ("2026-11-28T20:01:02.345Z".len(), "20"));
    }
}

#[test]
fn a_message_that_waits_is_told_to_those_that_ask_and_brings_its_ref_back_twice() {
    let mut shown = Shown::new();
    for (reference, waiting) in [("a", false), ("b", true)] {
        shown.sender.said.send(SaidText { reference: Some(json!(reference)), waiting }).unwrap();
    }
    shown.notice(1, &Notice::Held { seq: Seq(1) });
    shown.notice(1, &Notice::Held { seq: Seq(2) });
    shown.notice(2, &message(1, true, "x"));
    shown.notice(2, &message(2, true, "y"));
    let objects = shown.objects();
    assert_eq!(objects[0], json!({"event": "waiting", "ref": "b", "for": "leader", "lamport": 1}));
    assert_eq!((&objects[2]["ref"], &objects[4]["ref"]), (&json!("a"), &json!("b")));
}

#[test]
fn events_that_the_reader_missed_are_a_gap() {
    let mut shown = Shown::new();
    shown.frontend.missed(Stamp(3), 7);
    shown.notice(4, &message(1, false, "x"));
    let objects = shown.objects();
    assert_eq!(objects[0], json!({"event": "gap", "count": 7, "reason": "output", "lamport": 4}));
    assert_eq!(objects[1]["event"], "message");
}

#[test]
fn the_last_lines_tell_what_went_wrong() {
    let lines = last_lines(Stamp(5), &SessionOutcome::failed(3, "join_timeout", "nobody".into()));
    let objects: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        objects,
        [
            json!({"event": "error", "code": "join_timeout", "message": "nobody", "fatal": true, "lamport": 5}),
            json!({"event": "bye", "reason": "error", "lamport": 5}),
        ]
    );
}

#[test]
fn what_waited_for_a_room_that_was_never_entered_is_answered_before_the_end() {
    let mut shown = Shown::new();
    for line in [r#"{"command":"say","text":"hi","ref":"a"}"#, r#"{"command":"members","ref":"b"}"#] {
        assert_eq!(shown.sender.early.put(JsonCommand::parse(line.as_bytes()).unwrap()), None);
    }
    shown.frontend.bye(Stamp(5), &SessionOutcome { exit: 0, reason: "quit", error: None });
    let objects = shown.objects();
    for (object, reference) in objects.iter().zip(["a", "b"]) {
        assert_eq!((&object["code"], &object["ref"]), (&json!("not_taken"), &json!(reference)));
    }
    assert_eq!((objects.len(), &objects[2]["event"]), (3, &json!("bye")));
}

#[test]
fn keys_tickets_and_warnings_have_the_documented_form() {
    let key = full_key(&[0xab; 32]);
    let id = "ab".repeat(32) + "0000000000000001";
    let member = json!({"id": id, "name": "bob", "addr": "10.0.0.5:5000", "key": key});
    let mut shown = Shown::new();
    for query in [
        Query::Ticket,
        Query::Keys,
        Query::Verify { who: "bob".into(), key: key.clone() },
        Query::Verify { who: "bob".into(), key: full_key(&[1; 32]) },
        Query::Verify { who: "eve".into(), key: key.clone() },
    ] {
        shown.sender.asked.send((query, Some(json!("r")))).unwrap();
        shown.notice(9, &report());
    }
    shown.notice(9, &Notice::Forged { by: bob(), author: bob() });
    shown.notice(9, &Notice::Forked { author: bob() });
    let id_of_other = NodeId::new([0xab; 32], NonZeroU64::MAX);
    let other = Member::new(id_of_other, "10.0.0.6:5000".parse().unwrap(), Name::new("bob").unwrap());
    let members = Roster::new(vec![Member::clone(&bob()), other]).unwrap();
    shown.notice(9, &Notice::Ready { me: bob(), leader: bob(), members, room: RoomId::UNKNOWN });
    let objects = shown.objects();
    assert_eq!((&objects[0]["code"], &objects[0]["ref"]), (&json!("no_ticket"), &json!("r")));
    let short_key = ringchat_core::secure::ShortKey::new(&[0xab; 32]).to_string();
    let mut listed = member.clone();
    listed["short_key"] = json!(short_key);
    listed["mark"] = json!("own");
    listed["in_ticket"] = json!(false);
    assert_eq!(objects[1], json!({"event": "keys", "members": [listed], "ref": "r", "lamport": 9}));
    assert_eq!(objects[2], json!({"event": "verified", "member": member, "ref": "r", "lamport": 9}));
    assert_eq!((&objects[3]["code"], &objects[3]["fatal"]), (&json!("other_key"), &json!(false)));
    let message = "nobody here is called eve; the answer to keys has all members";
    assert_eq!((&objects[4]["code"], &objects[4]["message"]), (&json!("nobody"), &json!(message)));
    assert_eq!(objects[5], json!({"event": "forged", "by": member, "author": member, "lamport": 9}));
    assert_eq!(objects[6], json!({"event": "forked", "author": member, "lamport": 9}));
    let mut other = member;
    other["id"] = json!("ab".repeat(32) + "ffffffffffffffff");
    other["addr"] = json!("10.0.0.6:5000");
    assert_eq!(objects[8], json!({"event": "same_key", "member": other, "lamport": 9}));
}

#[test]
fn a_trace_that_has_ended_is_none_and_says_why() {
    let status = |ended: Option<&str>| TraceStatus {
        path: "a".into(),
        size: 7,
        limit: 9,
        ended: ended.map(str::to_owned),
    };
    let line = |status| -> Value {
        serde_json::from_str(&JsonEvent::traced(Some(&status), None).line(Stamp(3))).unwrap()
    };
    assert_eq!(
        line(status(None)),
        json!({"event": "trace", "file": "a", "bytes": 7, "limit": 9, "lamport": 3})
    );
    assert_eq!(
        line(status(Some("is full"))),
        json!({"event": "trace", "file": null, "ended": "the trace a is full", "lamport": 3})
    );
}
