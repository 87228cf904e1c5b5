//! One TCP connection: two ends, and the bytes on their way between them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

use ringchat_core::limits::{MAX_FRAME, MAX_GREETING};
use ringchat_core::wire::FrameDecoder;
use ringchat_core::{DialFailure, DialId, Instant, LinkId, NodeId};

use super::HostId;
use super::handshake::Handshake;
use super::secure::Secure;

/// What travels in one direction of a connection, first in, first out.
#[derive(Clone, Debug)]
pub(super) enum Packet {
    /// The last of the three handshake packets: the other end may accept.
    Accept,
    /// Bytes.
    Data(Vec<u8>),
    /// No more bytes follow.
    Fin,
    /// The connection is broken.
    Reset,
}

/// The state of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is no connection yet.
    Dialing,
    /// The driver opens the link. The node does not know of it yet.
    Opening,
    /// The node uses the link.
    Up,
    /// The node has closed the link; the driver still reads up to the other end's close.
    Closing,
    /// The node was told that the link is down, or never was told that it was up.
    Down,
}

/// How far the closing of a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fin {
    /// Not asked for.
    No,
    /// To be sent after what is queued.
    Wanted,
    /// Sent.
    Sent,
}

/// The bytes of one direction.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Bytes that the driver has written and the kernel has not yet taken.
    pub(super) queue: Vec<u8>,
    pub(super) fin: Fin,
    /// Packets under way, each with an event of its own.
    pub(super) in_flight: VecDeque<Packet>,
    /// Packets that a cut holds back.
    pub(super) held: VecDeque<Packet>,
    /// How many bytes the kernel has taken that are not yet read at the other end.
    pub(super) unread: usize,
    /// When the last packet arrives; nothing overtakes it.
    pub(super) last_arrival: Instant,
    /// Whether it waits to be pumped.
    pub(super) dirty: bool,
}

/// One end.
#[derive(Debug)]
pub(super) struct End {
    /// The process. The acceptor is known when the first handshake packet has found it.
    pub(super) host: Option<HostId>,
    pub(super) phase: Phase,
    /// While the link opens.
    pub(super) handshake: Option<Handshake>,
    /// The real link, if links are real.
    pub(super) secure: Option<Secure>,
    pub(super) decoder: FrameDecoder,
    /// Bytes that have arrived and are not read yet, because the process reads slowly.
    pub(super) inbox: VecDeque<u8>,
    /// The direction in which this end sends.
    pub(super) out: Flow,
}

/// A connection, or the attempt to make one.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) dial: DialId,
    pub(super) target: SocketAddr,
    /// Who has to answer.
    pub(super) expected: Option<NodeId>,
    pub(super) began: Instant,
    /// The dialer's end, then the acceptor's.
    pub(super) ends: [End; 2],
}

impl Connection {
    pub(super) fn new(
        dialer: HostId,
        dial: DialId,
        target: SocketAddr,
        expected: Option<NodeId>,
        began: Instant,
    ) -> Self {
        let ends = [End::new(Some(dialer), MAX_FRAME, began), End::new(None, MAX_GREETING, began)];
        Self { dial, target, expected, began, ends }
    }
}

impl Connection {
    /// A connection that a stranger has made, of whom no process knows.
    pub(super) fn of_stranger(target: SocketAddr, acceptor: HostId, began: Instant) -> Self {
        let ends = [End::new(None, 0, began), End::new(Some(acceptor), MAX_GREETING, began)];
        Self { dial: DialId(0), target, expected: None, began, ends }
    }

    /// Whether it stands at both ends, or nothing of it is left.
    pub(super) fn is_settled(&self) -> bool {
        let [dialer, acceptor] = &self.ends;
        let stands = dialer.phase == Phase::Up && acceptor.phase == Phase::Up;
        let is_over = dialer.phase == Phase::Down && matches!(acceptor.phase, Phase::Dialing | Phase::Down);
        stands || (is_over && self.is_silent())
    }

    /// Whether nothing is under way on it.
    pub(super) fn is_silent(&self) -> bool {
        self.ends.iter().all(|end| end.out.in_flight.is_empty() && end.out.held.is_empty())
    }
}

impl End {
    fn new(host: Option<HostId>, limit: usize, now: Instant) -> Self {
        let out = Flow {
            queue: Vec::new(),
            fin: Fin::No,
            in_flight: VecDeque::new(),
            held: VecDeque::new(),
            unread: 0,
            last_arrival: now,
            dirty: false,
        };
        let decoder = FrameDecoder::new(limit);
        Self {
            host,
            phase: Phase::Dialing,
            handshake: None,
            secure: None,
            decoder,
            inbox: VecDeque::new(),
            out,
        }
    }

    /// Whether the driver reads what comes.
    pub(super) fn reads(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Up | Phase::Closing)
    }

    /// Gives bytes to the real link, or to the handshake, or to the decoder once the link is open.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        if let Some(secure) = &mut self.secure {
            return secure.read(bytes);
        }
        if let Some(handshake) = &mut self.handshake {
            return handshake.read(bytes);
        }
        while !bytes.is_empty() {
            let spare = self.decoder.spare();
            let (now, later) = bytes.split_at(bytes.len().min(spare.len()));
            spare[..now.len()].copy_from_slice(now);
            self.decoder.advance(now.len());
            bytes = later;
        }
    }

    /// Whether the driver opens the link.
    pub(super) fn is_opening(&self) -> bool {
        self.phase == Phase::Opening
    }

    /// What a dialer is told if the other end closes the connection before the link is open; an acceptor is told nothing.
    pub(super) fn closed(&self) -> Option<DialFailure> {
        match (&self.secure, &self.handshake) {
            (Some(secure), _) => secure.closed(),
            (None, handshake) => handshake.as_ref()?.closed(),
        }
    }

    /// Forgets how the link is opened, and its keys.
    pub(super) fn forget_link(&mut self) {
        self.handshake = None;
        self.secure = None;
    }

    /// Frees what an end that is down does not need.
    pub(super) fn bury(&mut self) {
        self.phase = Phase::Down;
        self.forget_link();
        self.decoder = FrameDecoder::new(0);
        self.inbox = VecDeque::new();
        self.out.queue = Vec::new();
    }
}

/// The number of the connection, and of its end: the dialer's 0, the acceptor's 1.
pub(super) fn place(link: LinkId) -> (usize, usize) {
    (usize::try_from(link.0 / 2).unwrap_or(usize::MAX), usize::from(link.0 % 2 == 1))
}

/// The link of an end.
pub(super) fn link(connection: usize, side: usize) -> LinkId {
    LinkId((connection * 2 + side) as u64)
}

/// The other end.
pub(super) fn peer(link: LinkId) -> LinkId {
    LinkId(link.0 ^ 1)
}
