//! Announces the room of a session while that is this member's duty.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringchat_core::{Instant, Name, Notice};
use ringchat_driver::Clock;

use super::duty::Duty;
use super::found::{FoundRoom, FoundRooms, Wanted};
use super::record::{Record, RoomTag};
use super::{Network, NetworkError, search};

/// How often what others announce is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What the user may know of the announcement of the room. Clones share whether there is one.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// What the room is called; if it is private, by the user alone.
    pub(crate) name: Name,
    /// Whether the announcement does without that name.
    pub(crate) is_private: bool,
    /// Where this member listens, which may not be where others reach it.
    pub(crate) listen: SocketAddr,
    is_announced: Arc<AtomicBool>,
    has_twin: Arc<AtomicBool>,
}

impl Listing {
    /// A room that is announced, or not, by a member that listens at `listen`.
    #[cfg(test)]
    pub(crate) fn sham(name: &str, is_announced: bool, listen: SocketAddr) -> Self {
        let is_announced = Arc::new(AtomicBool::new(is_announced));
        let has_twin = Arc::default();
        Self { name: Name::new(name).unwrap(), is_private: false, listen, is_announced, has_twin }
    }

    /// The same, if another room of its name is announced.
    #[cfg(test)]
    pub(crate) fn with_twin(self) -> Self {
        self.has_twin.store(true, Ordering::Relaxed);
        self
    }

    /// Whether this member announces the room just now.
    pub(crate) fn is_announced(&self) -> bool {
        self.is_announced.load(Ordering::Relaxed)
    }

    /// Whether another room of its name is announced just now, so that the name does not tell which one is meant.
    pub(crate) fn has_twin(&self) -> bool {
        self.has_twin.load(Ordering::Relaxed)
    }
}

/// An announcement goes out within a second, or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of an announcement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// The room is announced.
    Yes,
    /// It cannot be, and why.
    No(String),
    /// Somebody else announces another room of its name.
    Twin(FoundRoom),
}

/// Announces the room of a session, or does nothing if the user did not ask for it.
#[derive(Default)]
pub(crate) struct Announcer(Option<Active>);

struct Active {
    listing: Listing,
    network: Option<Network>,
    problem: Option<String>,
    /// When what is announced was given to the network.
    since: Option<Instant>,
    duty: Duty,
    clock: Clock,
    /// What is announced, and what others announce. `None` before this member is in the room.
    room: Option<(Record, FoundRooms)>,
    /// Whether the user knows of another room of this name.
    is_twin_told: bool,
    /// The address on whose network it is announced.
    ip: IpAddr,
}

impl Announcer {
    /// An announcer of the room called `name`, which may be private, on the `network` of `ip` if there is one.
    pub(super) fn new(
        name: Name,
        ip: IpAddr,
        is_private: bool,
        network: Result<Network, NetworkError>,
    ) -> Self {
        let clock = Clock::start();
        let listen = SocketAddr::new(ip, 0);
        let listing =
            Listing { name, is_private, listen, is_announced: Arc::default(), has_twin: Arc::default() };
        let (network, problem) = match network {
            Ok(network) => (Some(network), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let duty = Duty::new(clock.now());
        let (since, room_of, is_twin_told) = (None, None, false);
        Self(Some(Active { listing, network, problem, since, duty, clock, room: room_of, is_twin_told, ip }))
    }

    /// What the user may know of the announcement; `None` if the user did not ask for one.
    pub(crate) fn listing(&self) -> Option<Listing> {
        self.0.as_ref().map(|active| active.listing.clone())
    }

    /// This member listens at `addr`.
    pub(crate) fn listens(&mut self, addr: SocketAddr) {
        if let Some(active) = &mut self.0 {
            active.listing.listen = addr;
        }
    }

    /// Takes note of what happens in the room, and ends with it.
    pub(crate) fn note(&mut self, notice: &Notice) {
        let Some(active) = &mut self.0 else { return };
        active.duty.note(notice, active.clock.now());
        match notice {
            Notice::Ready { room, .. } => {
                let (tag, name) = (RoomTag::of(*room), active.listing.name.clone());
                let name = (!active.listing.is_private).then_some(name);
                let addrs = [active.own()].into();
                let wanted = name.clone().map_or(Wanted::Private(tag), Wanted::Named);
                let found = FoundRooms::looking_for(wanted);
                active.room.get_or_insert((Record { tag, name, addrs }, found));
            }
            Notice::Ended(_) => self.0 = None,
            _ => {}
        }
    }

    /// Begins or ends to announce the room, if it is time. Gives what is new.
    pub(crate) fn look(&mut self) -> Option<Announced> {
        self.0.as_mut()?.look()
    }

    /// How long until it wants to look again. `None` for ever.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.0.as_ref().filter(|active| active.network.is_some()).map(|_| LOOK)
    }
}

impl Active {
    /// The address that is announced.
    fn own(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.listing.listen.port())
    }

    fn look(&mut self) -> Option<Announced> {
        if let Some(problem) = self.problem.take() {
            return Some(Announced::No(problem));
        }
        let own = self.own();
        let ((record, found), network) = (self.room.as_mut()?, self.network.as_mut()?);
        while let Some(heard) = network.heard() {
            search::note(heard, found);
        }
        let twin = found.twin(record.tag, own);
        self.listing.has_twin.store(twin.is_some(), Ordering::Relaxed);
        if !self.is_twin_told
            && let Some(twin) = twin
        {
            self.is_twin_told = true;
            return Some(Announced::Twin(twin));
        }
        let now = self.clock.now();
        match (self.duty.announces(found.has_other(record.tag, own), now), self.since) {
            (true, None) => {
                self.since = Some(now);
                let failed = network.announce(record, own).err();
                self.problem = failed.map(|error| error.to_string());
                None
            }
            (false, Some(_)) => {
                self.since = None;
                network.withdraw();
                self.listing.is_announced.store(false, Ordering::Relaxed);
                None
            }
            (true, Some(since)) => self.follow(since, now),
            (false, None) => None,
        }
    }

    /// What became of the announcement that the network was given at `since`.
    fn follow(&mut self, since: Instant, now: Instant) -> Option<Announced> {
        if self.listing.is_announced() {
            return None;
        }
        if self.network.as_mut()?.has_announced() {
            self.listing.is_announced.store(true, Ordering::Relaxed);
            return Some(Announced::Yes);
        }
        if now.since(since) < PATIENCE {
            return None;
        }
        self.network = None;
        let why = "this network takes no announcement, or another program keeps port 5353 for itself";
        Some(Announced::No(why.to_owned()))
    }
}
