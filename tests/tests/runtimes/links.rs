//! The part of the suite that is about links: what strangers see, and somebody on the way.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ringchat_core::secure::{LinkError, Secret};
use ringchat_core::{DialFailure, DownReason, Ending, Fault, JoinFailure, Notice, Start};

use super::conformance::{Member, config};
use super::other_end::{Client, OtherEnd, insider, somebody};
use super::relay::{Relay, Tamper};
use super::{DEADLINE, Runtime};

/// A short silence after which a peer is suspected, so that strangers are closed soon.
const DETECT: Duration = Duration::from_millis(200);

/// How long a stranger may take.
const PATIENCE: Duration = Duration::from_millis(400);

const SECRET: [u8; Secret::BYTES] = [7; Secret::BYTES];

fn secret() -> Secret {
    Secret::new(SECRET)
}

/// A member that leads a room of its own, open or private, and closes strangers soon.
fn leader<R: Runtime>(secret: Option<Secret>) -> Member<R> {
    let mut config = config("leader", Start::Create).with_detect(DETECT);
    config.secret = secret;
    let mut leader = Member::with(config);
    leader.wait_ready(1);
    leader
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// What comes until the end of the connection.
fn until_closed(mut stream: TcpStream) -> Vec<u8> {
    let mut came = Vec::new();
    match stream.read_to_end(&mut came) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    came
}

fn is_undisturbed<R: Runtime>(leader: &mut Member<R>) {
    leader.say("still here");
    leader.wait_text("still here");
    let stats = leader.report().stats;
    assert_eq!((stats.faults, stats.links), (0, 0), "the node heard of strangers");
}

/// Nothing tells where the member stopped to understand what came: it says nothing, and the end comes when the time of each
/// stranger is over.
pub(crate) fn a_stranger_gets_no_byte_whatever_it_sends<R: Runtime>() {
    let mut leader = leader::<R>(Some(secret()));
    let (_, open) = OtherEnd::dial(somebody(7), None);
    let (_, other_secret) = OtherEnd::dial(insider(7, &Secret::new([8; Secret::BYTES])), None);
    let mut other_version = OtherEnd::dial(insider(7, &secret()), None).1;
    other_version[0] += 1;
    let (_, mut altered) = OtherEnd::dial(insider(7, &secret()), None);
    altered[40] ^= 1;
    let wrong = [0x5a; 66];
    let all = [
        b"",
        &b"GET / HTTP/1.1\r\nHost: ring\r\n\r\n"[..],
        &wrong[..64],
        &wrong[..65],
        &wrong,
        &[0xff; 3000],
        &open,
        &other_secret,
        &other_version,
        &altered,
    ];
    let strangers = all.map(|bytes| {
        let (mut stream, bytes) = (connect(leader.addr()), bytes.to_vec());
        thread::spawn(move || {
            let start = Instant::now();
            stream.write_all(&bytes).unwrap();
            let came = until_closed(stream);
            (came, start.elapsed())
        })
    });
    for (stranger, bytes) in strangers.into_iter().zip(all) {
        let (came, after) = stranger.join().unwrap();
        assert_eq!(came, b"", "{} bytes are answered", bytes.len());
        assert!(
            after + Duration::from_millis(50) >= PATIENCE,
            "{} bytes are refused after {after:?}",
            bytes.len()
        );
    }
    is_undisturbed(&mut leader);
}

pub(crate) fn a_recording_is_answered_once_and_opens_nothing<R: Runtime>() {
    let mut leader = leader::<R>(None);
    let (mut end, first) = OtherEnd::dial(somebody(7), None);
    let answers = [(); 3].map(|()| {
        let mut stream = connect(leader.addr());
        stream.write_all(&first).unwrap();
        until_closed(stream)
    });
    assert_eq!(answers.each_ref().map(Vec::len), [170, 0, 0]);
    let proof = end.hear(&answers[0]).unwrap();
    // The proof fits only the link whose handshake it signs.
    let (_, again) = OtherEnd::dial(somebody(7), None);
    let mut stream = connect(leader.addr());
    stream.write_all(&[again, proof].concat()).unwrap();
    assert_eq!(until_closed(stream).len(), 170);
    is_undisturbed(&mut leader);
}

pub(crate) fn whoever_looks_for_another_is_closed_without_a_byte<R: Runtime>() {
    let mut leader = leader::<R>(None);
    let dial = |expected| Client::dial(connect(leader.addr()), somebody(7), expected);
    let refused = dial(Some(somebody(8).id())).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::UnexpectedEof);
    let me = leader.report().me.id;
    assert_eq!(dial(Some(me)).unwrap().end.peer(), Some(me));
    leader.say("still here");
    leader.wait_text("still here");
}

/// The contact is reached, and is the leader, but says nothing.
pub(crate) fn a_room_answers_nobody_with_another_secret<R: Runtime>() {
    let (other, none) = (Secret::new([8; Secret::BYTES]), None);
    for (of_room, of_newcomer) in
        [(Some(secret()), none.clone()), (none, Some(secret())), (Some(secret()), Some(other))]
    {
        let leader = leader::<R>(of_room);
        let contacts = vec![leader.addr()];
        let mut config =
            config("newcomer", Start::Join { contacts }).with_join_timeout(Duration::from_secs(2));
        (config.detect, config.secret) = (DETECT, of_newcomer);
        let mut newcomer = Member::<R>::with(config);
        let unanswered = JoinFailure::Dial(DialFailure::Unanswered);
        let tried = vec![(leader.addr(), unanswered)];
        assert_eq!(newcomer.wait_ending(), Ending::JoinFailed { tried });
    }
}

pub(crate) fn members_of_a_private_room_talk<R: Runtime>() {
    let mut leader = leader::<R>(Some(secret()));
    let start = Start::Join { contacts: vec![leader.addr()] };
    let mut other = Member::<R>::with(config("other", start).with_secret(secret()));
    other.wait_ready(2);
    other.say("among us");
    leader.wait_text("among us");
}

/// Two members whose one link goes through a relay.
fn through_a_relay<R: Runtime>() -> (Member<R>, Member<R>, Relay) {
    let leader = leader::<R>(None);
    let relay = Relay::to(leader.addr());
    let start = Start::Join { contacts: vec![relay.addr()] };
    let mut other = Member::<R>::with(config("other-member", start));
    other.wait_ready(2);
    leader.say("first");
    other.wait_text("first");
    (leader, other, relay)
}

pub(crate) fn a_byte_that_is_changed_on_the_way_breaks_that_link_and_no_more<R: Runtime>() {
    for how in [Tamper::Flip, Tamper::Drop, Tamper::Repeat, Tamper::Reorder] {
        let (mut leader, mut other, relay) = through_a_relay::<R>();
        relay.tamper(how);
        leader.say("second");
        let (mut faulty, mut heard) = (false, false);
        other.wait("the fault and the text", |notice| {
            match notice {
                Notice::Fault { reason: Fault::Link(DownReason::Link(error)), .. } => {
                    assert!(
                        matches!(error, LinkError::BadRecord | LinkError::ShortRecord),
                        "{how:?}: {error}"
                    );
                    faulty = true;
                }
                Notice::Chat(chat) => heard |= chat.lines().any(|line| line.text == "second"),
                Notice::Left { .. } | Notice::LeftBehind => panic!("{how:?}: {notice:?}"),
                _ => {}
            }
            (faulty && heard).then_some(())
        });
        other.say("third");
        leader.wait_text("third");
        assert_eq!((leader.report().members.len(), relay.connections()), (2, 1), "{how:?}");
    }
}

pub(crate) fn nothing_of_what_is_said_can_be_read_on_the_way<R: Runtime>() {
    let (mut leader, mut other, relay) = through_a_relay::<R>();
    let said = "a text that nobody reads who is not meant to";
    other.say(said);
    leader.wait_text(said);
    leader.say(said);
    other.wait_text(said);
    assert!(relay.seen() > 1000 && relay.connections() == 1, "the relay was passed by");
    for (what, bytes) in [
        ("a text", &said.as_bytes()[..12]),
        ("a name", b"other-member"),
        ("a name", b"leader"),
        ("an address", &[127, 0, 0, 1]),
        ("a key", &leader.report().me.id.key()[..8]),
        ("a key", &other.report().me.id.key()[..8]),
    ] {
        assert!(!relay.has_seen(bytes), "{what} can be read");
    }
}

/// A number that a direction of a link uses twice, or out of order, breaks the link.
pub(crate) fn many_who_talk_at_once_break_no_link<R: Runtime>() {
    const LINES: usize = 500;
    let (mut leader, mut other, relay) = through_a_relay::<R>();
    let long = "x".repeat(2000);
    let talkers: Vec<_> = (0..8)
        .map(|talker| {
            let from = if talker % 2 == 0 { &leader } else { &other };
            let long = long.clone();
            from.start_talking((0..LINES).map(move |n| format!("{talker} {n} {long}")))
        })
        .collect();
    let heard = [&mut leader, &mut other].map(|member| member.texts(8 * LINES).len());
    for talker in talkers {
        talker.join().unwrap();
    }
    assert_eq!(heard, [8 * LINES; 2]);
    assert_eq!((relay.connections(), leader.report().stats.faults, other.report().stats.faults), (1, 0, 0));
}

pub(crate) fn a_connection_cut_inside_a_record_harms_nobody<R: Runtime>() {
    let mut leader = leader::<R>(None);
    let mut client = Client::dial(connect(leader.addr()), somebody(7), None).unwrap();
    let record = client.end.seal(&[0, 0, 1, 0, 1, 2, 3]);
    client.stream.write_all(&record[..record.len() - 1]).unwrap();
    client.stream.shutdown(Shutdown::Write).unwrap();
    until_closed(client.stream);
    is_undisturbed(&mut leader);
}

pub(crate) fn idle_connections_do_not_disturb<R: Runtime>() {
    let mut leader = leader::<R>(None);
    let idle: Vec<TcpStream> = (0..500).map(|_| connect(leader.addr())).collect();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    other.say("through the crowd");
    leader.wait_text("through the crowd");
    assert!(idle.into_iter().all(|stranger| until_closed(stranger).is_empty()));
}

/// All members of a room may be behind one address, and strangers too.
pub(crate) fn a_hundred_open_links_from_one_address_while_strangers_hold_forty<R: Runtime>() {
    let leader = leader::<R>(None);
    let strangers: Vec<TcpStream> = (0..40).map(|_| connect(leader.addr())).collect();
    let me = leader.report().me.id;
    let addr = leader.addr();
    let dials: Vec<_> = (0..100)
        .map(|number| {
            thread::spawn(move || {
                Client::dial(connect(addr), somebody(100 + number), Some(me)).map(|client| client.end.peer())
            })
        })
        .collect();
    for dial in dials {
        assert_eq!(dial.join().unwrap().unwrap(), Some(me));
    }
    drop(strangers);
}
