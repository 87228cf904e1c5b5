//! What a node is given at its start, and every time-out that follows from it.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::num::NonZeroU64;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::ids::{NodeId, RoomId};
use crate::name::Name;
use crate::secure::{Identity, Secret};
use crate::trace::Tracing;

/// How a node comes into a room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// It creates the room, and leads it.
    Create,
    /// It joins the room through any of these members, tried in turn.
    Join {
        /// The addresses of members of the room. To join without any fails at once.
        contacts: Vec<SocketAddr>,
    },
}

/// The settings of a node.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Where others reach this node (the bound port, never 0).
    pub addr: SocketAddr,
    /// Where the driver listens, if that is not where others reach this node: behind a router, or in a container.
    pub listen: Option<SocketAddr>,
    /// What people call this node.
    pub name: Name,
    /// How this node comes into a room.
    pub start: Start,
    /// The silence after which a peer is suspected, to be given up half as much later; most other times follow from it.
    /// Clamped to 10 ms to 1 h.
    pub detect: Duration,
    /// How long this node tries to get in.
    pub join_timeout: Duration,
    /// The key pair of this node. Without one, it gets a new one for this stay.
    pub identity: Option<Identity>,
    /// The secret of a private room. Without one, the room is open.
    pub secret: Option<Secret>,
    /// How much this node tells of what it does. Usually nothing.
    pub trace: Tracing,
    /// How many of the last texts a newcomer is shown that were said before it came. Usually none; at most
    /// [`BACKLOG_TEXTS`](crate::limits::BACKLOG_TEXTS).
    pub backlog: usize,
}

impl Config {
    /// The usual silence after which a peer is suspected.
    pub const DETECT: Duration = Duration::from_secs(1);
    /// The usual time to try to get in.
    pub const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

    /// Settings with the usual times, for an open room and a key pair of this stay.
    pub fn new(addr: SocketAddr, name: Name, start: Start) -> Self {
        let (detect, join_timeout) = (Self::DETECT, Self::JOIN_TIMEOUT);
        Self {
            addr,
            listen: None,
            name,
            start,
            detect,
            join_timeout,
            identity: None,
            secret: None,
            trace: Tracing::Off,
            backlog: 0,
        }
    }

    /// The same settings, but the driver listens here, and others are told [`addr`](Self::addr).
    #[must_use]
    pub fn listening_on(self, listen: SocketAddr) -> Self {
        Self { listen: Some(listen), ..self }
    }

    /// The same settings, but a peer is suspected after this silence.
    #[must_use]
    pub fn with_detect(self, detect: Duration) -> Self {
        Self { detect, ..self }
    }

    /// The same settings, but this node tries for so long to get in.
    #[must_use]
    pub fn with_join_timeout(self, join_timeout: Duration) -> Self {
        Self { join_timeout, ..self }
    }

    /// The same settings, but so many of the last texts are shown that were said before this node came.
    #[must_use]
    pub fn with_backlog(self, backlog: usize) -> Self {
        Self { backlog, ..self }
    }

    /// How long an address that is dialed may take until the link is open: then the dial has failed. It is half the time to
    /// get in if that is short, so that a newcomer that gives up can tell why the contact did not answer.
    pub fn dial_patience(&self) -> Duration {
        let times = Times::new(self.detect);
        (self.join_timeout / 2).clamp(times.dial(), times.detect)
    }

    /// How long the other end of an accepted connection may take to prove who it is.
    pub fn stranger_patience(&self) -> Duration {
        Times::new(self.detect).greeting()
    }

    /// How long it may take until a room of so many members is one again, once a member that lied or died has gone: the
    /// time of an election and of a merge, with the silence before each. Members that were led apart may first spend
    /// [`Config::JOIN_TIMEOUT`] on asking to come back. The members of a ring that was led to a far higher epoch than the
    /// others come over one by one, in new lives: for each of these an election, and the time until it has found the
    /// others.
    pub fn reunion(detect: Duration, members: usize, new_lives: u32) -> Duration {
        let times = Times::new(detect);
        let election = Times::election_delay(members) + 3 * Times::election(members);
        let silence = times.detect + times.dial();
        let merge = 2 * Times::PROBE + 2 * times.admission() + Times::unsynced(members);
        let comes_over = times.dial() + Times::election(members) + Times::PROBE;
        2 * silence + election + merge + Self::JOIN_TIMEOUT + comes_over * new_lives
    }

    /// The same settings, but for the holder of `identity`.
    #[must_use]
    pub fn with_identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// The same settings, but for the private room of those that know `secret`.
    #[must_use]
    pub fn with_secret(self, secret: Secret) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// The same settings, but this node tells so much of what it does.
    #[must_use]
    pub fn with_trace(self, trace: Tracing) -> Self {
        Self { trace, ..self }
    }
}

/// All that is random about a node, drawn before its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seed {
    /// The key pair of the member, the same in all its lives.
    pub identity: Identity,
    /// Which life of the member this is.
    pub incarnation: NonZeroU64,
    /// The room, should the node create one; that of the secret if the room is private. Not [`RoomId::UNKNOWN`].
    pub room: RoomId,
    /// Decides the node's jitter, and its incarnations should it have to begin a new life.
    pub jitter: [u8; 32],
}

impl Seed {
    /// Draws what `config` leaves open. `fill` fills what it is given with bytes of the system's random source.
    ///
    /// # Errors
    /// The first error of `fill`.
    pub fn draw<E>(config: &Config, mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut private = Zeroizing::new([0; 32]);
        let (mut incarnation, mut room, mut jitter) = ([0; 8], [0; RoomId::BYTES], [0; 32]);
        for bytes in [private.as_mut_slice(), &mut incarnation, &mut room, &mut jitter] {
            fill(bytes)?;
        }
        let incarnation = NonZeroU64::new(u64::from_be_bytes(incarnation)).unwrap_or(NonZeroU64::MIN);
        let room = if RoomId(room) == RoomId::UNKNOWN { RoomId([1; RoomId::BYTES]) } else { RoomId(room) };
        let room = config.secret.as_ref().map_or(room, Secret::room);
        let identity = config.identity.clone().unwrap_or_else(|| Identity::from_seed(*private));
        Ok(Self { identity, incarnation, room, jitter })
    }

    /// The id of the node.
    pub fn id(&self) -> NodeId {
        NodeId::new(self.identity.key(), self.incarnation)
    }
}

/// The times of the protocol, all but a few fixed ones derived from `detect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Times {
    /// Silence after which a peer is suspected.
    pub(crate) detect: Duration,
}

impl Times {
    /// A member acknowledges chat at the latest so long after it came.
    pub(crate) const ACK_DELAY: Duration = Duration::from_millis(40);
    /// Further suspicions within this become one entry.
    pub(crate) const SUSPECT_WINDOW: Duration = Duration::from_millis(100);
    /// Skipped successors are tried again after this, then after twice as long, and so on.
    pub(crate) const RESEEK: Duration = Duration::from_secs(1);
    /// The longest pause between two dials to a member that cannot be reached.
    pub(crate) const RESEEK_MOST: Duration = Duration::from_secs(16);
    /// A newcomer that no contact let in asks again after this.
    pub(crate) const JOIN_RETRY: Duration = Duration::from_millis(100);
    /// A leaver waits this long for its messages to be stable.
    pub(crate) const DRAIN: Duration = Duration::from_secs(10);
    /// A leaver waits this long for its removal.
    pub(crate) const LEAVE: Duration = Duration::from_secs(1);
    /// A member that cannot link to the same elected leader for the second time within this stays alone.
    pub(crate) const UNREACHABLE_LEADER: Duration = Duration::from_secs(10);
    /// A member cut off twice within this is removed.
    pub(crate) const SLOW_TWICE: Duration = Duration::from_secs(30);
    /// Before the third life that a node has to begin in a row it waits this long, and then twice as long each time.
    pub(crate) const LIFE_PAUSE: Duration = Duration::from_secs(1);
    /// The longest pause before a life.
    pub(crate) const LONGEST_LIFE_PAUSE: Duration = Duration::from_mins(1);
    /// Each lost member that was met at its address is looked for this often.
    pub(crate) const PROBE: Duration = Duration::from_secs(5);
    /// Lost members are remembered this long.
    pub(crate) const ABSENT: Duration = Duration::from_hours(1);

    pub(crate) fn new(detect: Duration) -> Self {
        Self { detect: detect.clamp(Duration::from_millis(10), Duration::from_hours(1)) }
    }

    /// How often all links are looked over, at most.
    pub(crate) fn sweep(self) -> Duration {
        self.detect / 10
    }

    /// A node is woken at least this often.
    pub(crate) fn rest(self) -> Duration {
        self.sweep() * 3
    }

    /// A node that has not run for longer than this has slept, and may have been given up meanwhile: a dial to it may have
    /// failed, which may have begun a little before the node stopped.
    pub(crate) fn absence(self) -> Duration {
        self.dial().saturating_sub(self.sweep())
    }

    /// How long a dial may take until the peer's Hello came back.
    pub(crate) fn dial(self) -> Duration {
        self.detect / 2
    }

    /// A ring link that sent nothing for this long sends a heartbeat, at the end that begins.
    pub(crate) fn ring_beat(self) -> Duration {
        self.detect / 4
    }

    /// Any other link that sent nothing for this long sends a heartbeat, at the end that begins.
    pub(crate) fn idle_beat(self) -> Duration {
        self.detect * 2
    }

    /// Silence on a link that is not of the ring after which its peer is suspected.
    pub(crate) fn idle_silence(self) -> Duration {
        self.detect * 5
    }

    /// How long a newcomer may take from its entry to its Sync.
    pub(crate) fn admission(self) -> Duration {
        self.detect * 2
    }

    /// How long a contact, or the leader that it named, may take until its first message came. The driver gives up a link
    /// that does not open sooner, and tells why it did not.
    pub(crate) fn first_answer(self) -> Duration {
        self.detect.saturating_add(self.detect / 4)
    }

    /// How long an accepted link may take to introduce itself.
    pub(crate) fn greeting(self) -> Duration {
        self.detect * 2
    }

    /// How long a link without a role stays.
    pub(crate) fn linger(self) -> Duration {
        self.detect
    }

    /// An unsynced member of a ring of `n` is given up after this: the news of its leader goes once round the
    /// ring.
    pub(crate) fn unsynced(n: usize) -> Duration {
        Self::election(n).saturating_add(Duration::from_secs(2))
    }

    /// How long a member of a ring of `n` that is not next to the lost leader leaves the election to the one that is:
    /// until the token could have gone once round the ring.
    pub(crate) fn election_delay(n: usize) -> Duration {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        Duration::from_millis(300).saturating_add(Duration::from_millis(2).saturating_mul(n))
    }

    /// An election among `n` that has found no leader and lost no member for so long goes on without some members. An
    /// honest newcomer that was let in, and not welcomed before the leader died, passes on no token while it asks again,
    /// until it gives up.
    pub(crate) fn fruitless(n: usize) -> Duration {
        Self::election(n).saturating_mul(3).saturating_add(Config::JOIN_TIMEOUT)
    }

    /// How long an election among `n` may take before the next one, jitter not included.
    pub(crate) fn election(n: usize) -> Duration {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        Duration::from_secs(1).saturating_add(Duration::from_millis(50).saturating_mul(n))
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use core::net::Ipv4Addr;

    use super::*;

    fn config() -> Config {
        Config::new((Ipv4Addr::LOCALHOST, 5000).into(), Name::new("a").unwrap(), Start::Create)
    }

    fn drawn(config: &Config) -> Seed {
        let Ok(seed) = Seed::draw(config, |bytes| {
            bytes.fill(7);
            Ok::<(), Infallible>(())
        });
        seed
    }

    #[test]
    fn a_dial_that_is_not_answered_fails_before_the_time_to_get_in_has_passed() {
        let patience = |join_timeout| config().with_join_timeout(join_timeout).dial_patience();
        assert_eq!(patience(Config::JOIN_TIMEOUT), Config::DETECT);
        assert_eq!(patience(Config::DETECT), Config::DETECT / 2);
        assert_eq!(patience(Duration::ZERO), Config::DETECT / 2);
    }

    #[test]
    fn what_the_settings_tell_is_not_drawn() {
        let (identity, secret) = (Identity::from_seed([1; 32]), Secret::new([2; Secret::BYTES]));
        let told = drawn(&config().with_identity(identity.clone()).with_secret(secret.clone()));
        assert_eq!((told.identity, told.room), (identity, secret.room()));
        let open = drawn(&config());
        assert_eq!((open.identity, open.room), (Identity::from_seed([7; 32]), RoomId([7; RoomId::BYTES])));
    }
}
