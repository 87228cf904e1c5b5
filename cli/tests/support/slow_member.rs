//! A member in this process that can stop reading while it still sends signs of life, as a program does that hangs or
//! whose machine is far too busy.

use ringchat_core::secure::Identity;
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ringchat_core::secure::Sealer;
use ringchat_core::wire::{Beat, Envelope, Message, encode};
use ringchat_core::{
    Action, Config, DialFailure, DialId, DownReason, Index, Input, LinkId, Name, Node, NodeId, Notice,
    Origin, RoomId, Seed, Stamp, Start,
};

use super::other_end::{Client, somebody};

/// The deadline of everything that is not measured.
const PATIENCE: Duration = Duration::from_secs(30);

/// The number of the member's key pair.
const ME: u8 = 9;

/// The time between two signs of life while the member does not read.
const BEAT: Duration = Duration::from_millis(200);

/// A member in this process. It ends when dropped.
pub(crate) struct SlowMember {
    control: SyncSender<Control>,
    notices: Receiver<Notice>,
}

enum Control {
    StopReading,
    ReadOn,
}

impl SlowMember {
    /// Joins the room of `contact` and waits until this is a member.
    pub(crate) fn join(contact: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let start = Start::Join { contacts: vec![contact.parse().unwrap()] };
        let config = Config::new(addr, Name::new("slow").unwrap(), start);
        let (control, orders) = sync_channel(0);
        let (notify, notices) = sync_channel(100_000);
        thread::spawn(move || Driver::new(config, listener, notify).run(&orders));
        let member = Self { control, notices };
        member.wait(|notice| matches!(notice, Notice::Ready { .. }));
        member
    }

    /// Makes the member stop reading and only send signs of life.
    pub(crate) fn stop_reading(&self) {
        self.control.send(Control::StopReading).unwrap();
    }

    /// Makes the member read again.
    pub(crate) fn read_on(&self) {
        self.control.send(Control::ReadOn).unwrap();
    }

    /// Waits for a notice that is `wanted`.
    pub(crate) fn wait(&self, wanted: impl Fn(&Notice) -> bool) {
        let start = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            if wanted(&self.notices.recv_timeout(left).expect("the slow member waited in vain")) {
                return;
            }
        }
    }
}

/// A simple driver: one thread that writes and connects, and one reader thread per link.
struct Driver {
    node: Node,
    start: Instant,
    inputs: Receiver<Input>,
    to_node: SyncSender<Input>,
    accepted: Receiver<Client>,
    /// The inputs caused by executed actions.
    echo: VecDeque<Input>,
    links: BTreeMap<LinkId, (TcpStream, Sealer)>,
    next_link: u64,
    notify: SyncSender<Notice>,
    /// The Lamport time of the last message sent.
    room: RoomId,
    stamp: Stamp,
}

impl Driver {
    fn new(config: Config, listener: TcpListener, notify: SyncSender<Notice>) -> Self {
        // These queues hold nothing: what the node does not take stays in the sockets.
        let (to_node, inputs) = sync_channel(0);
        let (to_accept, accepted) = sync_channel(0);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let to_accept = to_accept.clone();
                thread::spawn(move || {
                    if let Ok(link) = Client::accept(stream, somebody(ME)) {
                        drop(to_accept.send(link));
                    }
                });
            }
        });
        let start = Instant::now();
        let (identity, room) = (Identity::from_seed([ME; 32]), RoomId([9; 16]));
        let seed = Seed { identity, incarnation: NonZeroU64::MIN, room, jitter: [9; 32] };
        let node = Node::new(config, seed, ringchat_core::Instant::ZERO);
        Self {
            node,
            start,
            inputs,
            to_node,
            accepted,
            echo: VecDeque::new(),
            links: BTreeMap::new(),
            next_link: 0,
            notify,
            room: RoomId::UNKNOWN,
            stamp: Stamp::default(),
        }
    }

    fn run(mut self, orders: &Receiver<Control>) {
        self.handle(Input::Tick);
        loop {
            match orders.try_recv() {
                Ok(Control::StopReading) if !self.idle(orders) => return,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                _ => {}
            }
            if let Ok(link) = self.accepted.try_recv() {
                let up = self.link_up(link, Origin::Accepted);
                self.handle(up);
            }
            match self.inputs.recv_timeout(Duration::from_millis(5)) {
                Ok(input) => self.handle(input),
                Err(_) => self.handle(Input::Tick),
            }
        }
    }

    /// Sends signs of life until told to read on. Returns false if the test is over.
    fn idle(&mut self, orders: &Receiver<Control>) -> bool {
        loop {
            match orders.recv_timeout(BEAT) {
                Ok(_) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let links: Vec<LinkId> = self.links.keys().copied().collect();
            for link in links {
                self.stamp = self.stamp.next();
                let beat = Beat { view: None, cfg: None, stable: Index::default() };
                let message = Message::Pong(beat);
                self.send(link, &Envelope { room: self.room, stamp: self.stamp, message });
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.echo.push_back(input);
        while let Some(input) = self.echo.pop_front() {
            let micros = u64::try_from(self.start.elapsed().as_micros()).unwrap();
            let mut actions = Vec::new();
            self.node.handle(ringchat_core::Instant(micros), input, &mut actions);
            for action in actions {
                self.execute(action);
            }
        }
    }

    fn execute(&mut self, action: Action) {
        match action {
            Action::Dial { dial, addr, expected } => self.dial(dial, addr, expected),
            Action::Send { link, envelope } => self.send(link, &envelope),
            Action::Multicast { links, envelope } => {
                for link in links {
                    self.send(link, &envelope);
                }
            }
            Action::Close { link, .. } => {
                if let Some((stream, _)) = self.links.remove(&link) {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
            Action::Notify { notice, .. } => drop(self.notify.send(notice)),
            Action::Trust { .. } | Action::NewLife { .. } | Action::Trace { .. } | Action::Halt { .. } => {}
        }
    }

    fn dial(&mut self, dial: DialId, addr: SocketAddr, expected: Option<NodeId>) {
        let failed = |reason| Input::DialFailed { dial, reason };
        let next = match TcpStream::connect(addr) {
            Ok(stream) => match Client::dial(stream, somebody(ME), expected) {
                Ok(link) => self.link_up(link, Origin::Dialed(dial)),
                Err(_) => failed(DialFailure::Broken),
            },
            Err(_) => failed(DialFailure::Refused),
        };
        self.echo.push_back(next);
    }

    fn link_up(&mut self, opened: Client, origin: Origin) -> Input {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        let (remote, peer) = (opened.stream.peer_addr().unwrap(), opened.end.peer().unwrap());
        let (reader, stream, sealer) = opened.split().unwrap();
        let to_node = self.to_node.clone();
        self.links.insert(link, (stream, sealer));
        thread::spawn(move || read(reader, link, &to_node));
        Input::LinkUp { link, origin, remote, peer }
    }

    fn send(&mut self, link: LinkId, envelope: &Envelope) {
        (self.room, self.stamp) = (envelope.room, envelope.stamp);
        let mut bytes = Vec::new();
        encode(envelope, &mut bytes).unwrap();
        if let Some((stream, sealer)) = self.links.get_mut(&link) {
            // The reader notices a peer that is gone.
            let _ = stream.write_all(sealer.seal(&bytes, &mut Vec::new()).unwrap());
        }
    }
}

/// Passes the messages of a link to the driver until the link ends.
fn read(mut reader: Client, link: LinkId, to_node: &SyncSender<Input>) {
    while let Ok(envelope) = reader.receive() {
        if to_node.send(Input::Received { link, envelope }).is_err() {
            return;
        }
    }
    let _ = to_node.send(Input::LinkDown { link, reason: DownReason::Eof });
}
