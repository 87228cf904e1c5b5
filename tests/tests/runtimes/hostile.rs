//! A member that floods a room of either runtime over real sockets: what the process of another member holds then.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use ringchat_core::limits::{MAX_TEXT, TAIL_BYTES};
use ringchat_core::secure::{Identity, Signature};
use ringchat_core::wire::{Envelope, Join, Message, Proven, Run, Sync, encode};
use ringchat_core::{Config, Epoch, Member, Name, RoomId, Seq, Stamp, Start, Text, TextRun, UnixTime, View};
use snow::resolvers::RingResolver;

use super::other_end::{Client, somebody};
use super::resources::{resident, wait_text};
use super::{DEADLINE, Runtime};

const MIB: u64 = 1024 * 1024;

/// The bytes of one submission.
const RUN: u64 = 4 * MAX_TEXT as u64;

/// A member that is played by hand, acknowledges nothing, and says whatever it likes.
struct Hostile {
    client: Client,
    me: Member,
    identity: Identity,
    room: RoomId,
    view: View,
    said: u64,
}

impl Hostile {
    /// Comes in, as a member should.
    fn enter(addr: SocketAddr, number: u8) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let who = somebody(number).with_resolver(|| Box::new(RingResolver));
        // Nobody listens there.
        let me = Member::new(who.id(), ([127, 0, 0, number], 1).into(), Name::new("hostile").unwrap());
        let mut client = Client::dial(stream, who, None).unwrap();
        let join = Join { me: me.clone(), contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() };
        client
            .send(&Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message: Message::Join(join) })
            .unwrap();
        let (room, view) = loop {
            let Envelope { room, message, .. } = client.receive().unwrap();
            if let Message::Elected(elected) = message {
                break (room, elected.cfg.view);
            }
        };
        let identity = Identity::from_seed([number; 32]);
        Self { client, me, identity, room, view, said: 0 }
    }

    /// The next thing that it says.
    fn run(&mut self) -> Vec<Proven<Run>> {
        let texts = TextRun::new(&[(); 4].map(|()| Text::new(&"x".repeat(MAX_TEXT)).unwrap())).unwrap();
        let (first, stamp) = (Seq(self.said + 1), Stamp(self.said + 1));
        self.said += texts.len() as u64;
        let (origin, at, signature) = (self.me.clone().into(), UnixTime(0), Signature::NONE);
        let said = Run { origin, first, stamp, texts, at, signature };
        vec![Proven::sign(said, self.room, &self.identity).unwrap()]
    }

    /// The bytes of a message.
    fn frame(&self, message: Message) -> Vec<u8> {
        let mut frame = Vec::new();
        encode(&Envelope { room: self.room, stamp: Stamp(1), message }, &mut frame).unwrap();
        frame
    }

    fn submission(&mut self) -> Vec<u8> {
        let (view, said) = (self.view, self.run());
        self.frame(Message::Submit { view, said })
    }

    fn log(&self, tail: Vec<Proven<Run>>, more: bool) -> Vec<u8> {
        self.frame(Message::Sync(Sync { view: self.view, history: Vec::new(), tail, more }))
    }

    /// Reads on, so that a write which waits for the other end ends with it.
    fn end_when_closed(&self) {
        let mut stream = self.client.stream.try_clone().unwrap();
        thread::spawn(move || {
            drop(io::copy(&mut stream, &mut io::sink()));
            drop(stream.shutdown(Shutdown::Both));
        });
    }

    /// Sends messages. Tells whether the link still stands.
    fn send(&mut self, frames: &[u8]) -> bool {
        let records = self.client.end.seal(frames);
        self.client.stream.write_all(&records).is_ok()
    }
}

/// One member after the other submits while the leader holds, shows its log again and again without reading the answers, and
/// shows a log without an end.
pub(crate) fn a_hostile_member_makes_nobody_hold_much<R: Runtime>() {
    let addr = ([127, 0, 0, 1], 0).into();
    let config = Config::new(addr, Name::new("victim").unwrap(), Start::Create).with_detect(DEADLINE);
    let (room, mut events) = R::open(config).unwrap();
    let before = resident();
    let grown = || resident().saturating_sub(before) / MIB;

    let mut hostile = Hostile::enter(R::addr(&room), 7);
    let sync = hostile.log(Vec::new(), false);
    assert!(hostile.send(&sync));
    // What lies unacknowledged makes the leader hold.
    for _ in 0..20 {
        let submission = hostile.submission();
        assert!(hostile.send(&submission));
    }
    let submission = hostile.submission();
    for _ in 0..48 * MIB / RUN {
        assert!(hostile.send(&submission));
    }
    let report = R::report(&room).unwrap();
    assert!(report.stats.history_bytes < 2 * MIB, "the leader does not hold");
    let flooded = grown();
    assert!(flooded < 24, "a flood of submissions makes it hold {flooded} MiB");

    let syncs = sync.repeat(500);
    while hostile.send(&syncs) {}
    let unread = grown();
    assert!(unread < 64, "answers that are not read make it hold {unread} MiB");

    let mut hostile = Hostile::enter(R::addr(&room), 8);
    hostile.end_when_closed();
    let mut shown = 0;
    loop {
        let tail = hostile.run();
        let part = hostile.log(tail, true);
        if !hostile.send(&part) {
            break;
        }
        shown += RUN;
        assert!(shown < 2 * TAIL_BYTES as u64, "a log without an end is taken");
    }
    let with_tail = grown();
    assert!(with_tail < 128, "a log without an end makes it hold {with_tail} MiB");

    R::say(&room, Text::new("still here").unwrap()).unwrap();
    wait_text::<R>(&mut events, "still here");
    println!("{flooded}, {unread} and {with_tail} MiB");
    R::leave(&room);
    R::wait(&room);
}
