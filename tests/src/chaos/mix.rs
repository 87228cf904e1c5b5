//! The faults of a run, and how often they happen.

use std::fmt;
use std::str::FromStr;

use ringchat_sim::oracles::FaultModel;
use ringchat_sim::{Lie, Lies, Rng};

/// How often each kind of event happens, relative to the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A user says something.
    pub say: u32,
    /// A process joins.
    pub join: u32,
    /// A member leaves in order.
    pub leave: u32,
    /// Up to half of the members are killed at one instant.
    pub kill: u32,
    /// A machine loses power, mostly for good.
    pub power_off: u32,
    /// A process is killed and started again at the same address.
    pub restart: u32,
    /// A connection breaks.
    pub break_link: u32,
    /// A connection breaks at one end only.
    pub half_open: u32,
    /// A process freezes for a while.
    pub freeze: u32,
    /// A process freezes for a while, and no other, while the room is well.
    pub sleep: u32,
    /// The same, and a connection of that process breaks just before.
    pub unlinked_sleep: u32,
    /// A clock jumps.
    pub jump: u32,
    /// The ticks of a process come late for a while.
    pub late: u32,
    /// A process reads slowly for a while.
    pub slow: u32,
    /// The queues of a process are short for a while. Links fail when their queue is full.
    pub short_queues: u32,
    /// One direction between two processes is cut for a while.
    pub cut: u32,
    /// The network falls into two to four parts for a while.
    pub partition: u32,
    /// Dials are refused or time out for a while.
    pub bad_dials: u32,
    /// Liars come and go, and read or do not read.
    pub lie: u32,
    /// The kinds of lies that liars tell, if there are any.
    pub lies: Option<Lies>,
    /// The fault that stays when all others have ended.
    pub lasting: Lasting,
}

/// The fault that stays, in some of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lasting {
    /// Nothing.
    #[default]
    Nothing,
    /// A member is frozen.
    Frozen,
    /// A member is frozen, the network has fallen apart, or one way between two members is cut.
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Say,
    Join,
    Leave,
    Kill,
    PowerOff,
    Restart,
    BreakLink,
    HalfOpen,
    Freeze,
    Sleep,
    UnlinkedSleep,
    Jump,
    Late,
    Slow,
    ShortQueues,
    Cut,
    Partition,
    BadDials,
    Lie,
}

impl Faults {
    /// Whether nothing happens after which a live member may be taken for dead.
    pub fn crash_only(&self) -> bool {
        self.fault_model() == FaultModel::CrashOnly
    }

    /// The strongest fault model that a run with these faults keeps to.
    pub(super) fn fault_model(&self) -> FaultModel {
        let only = |kinds: fn(Kind) -> bool| {
            self.weights().iter().all(|(weight, kind)| *weight == 0 || kinds(*kind))
                && self.lasting == Lasting::Nothing
        };
        if self.lies.is_some() {
            FaultModel::Lies
        } else if only(Kind::is_crash) {
            FaultModel::CrashOnly
        } else if only(|kind| kind.is_crash() || kind.is_sleep()) {
            FaultModel::OneSleeps
        } else {
            FaultModel::Any
        }
    }

    pub(super) fn weights(&self) -> [(u32, Kind); 19] {
        [
            (self.say, Kind::Say),
            (self.join, Kind::Join),
            (self.leave, Kind::Leave),
            (self.kill, Kind::Kill),
            (self.power_off, Kind::PowerOff),
            (self.restart, Kind::Restart),
            (self.break_link, Kind::BreakLink),
            (self.half_open, Kind::HalfOpen),
            (self.freeze, Kind::Freeze),
            (self.sleep, Kind::Sleep),
            (self.unlinked_sleep, Kind::UnlinkedSleep),
            (self.jump, Kind::Jump),
            (self.late, Kind::Late),
            (self.slow, Kind::Slow),
            (self.short_queues, Kind::ShortQueues),
            (self.cut, Kind::Cut),
            (self.partition, Kind::Partition),
            (self.bad_dials, Kind::BadDials),
            (self.lie, Kind::Lie),
        ]
    }

    /// Leaves out each kind of fault in half of the runs: runs with few kinds reach states that other kinds hide.
    fn some_of(self, rng: &mut Rng) -> Self {
        let mut maybe = |weight: u32| if rng.chance(500) { weight } else { 0 };
        Self {
            say: self.say,
            join: maybe(self.join),
            leave: maybe(self.leave),
            kill: maybe(self.kill),
            power_off: maybe(self.power_off),
            restart: maybe(self.restart),
            break_link: maybe(self.break_link),
            half_open: maybe(self.half_open),
            freeze: maybe(self.freeze),
            sleep: self.sleep,
            unlinked_sleep: self.unlinked_sleep,
            jump: maybe(self.jump),
            late: maybe(self.late),
            slow: maybe(self.slow),
            short_queues: maybe(self.short_queues),
            cut: maybe(self.cut),
            partition: maybe(self.partition),
            bad_dials: maybe(self.bad_dials),
            lie: self.lie,
            lies: self.lies,
            lasting: self.lasting,
        }
    }
}

impl Kind {
    /// Whether no live member is taken for dead after this.
    fn is_crash(self) -> bool {
        use Kind::{BadDials, Cut, Freeze, HalfOpen, Jump, Late, Partition, ShortQueues, Slow};
        let impairs =
            matches!(self, HalfOpen | Freeze | Jump | Late | Slow | ShortQueues | Cut | Partition | BadDials);
        !impairs && !self.is_sleep()
    }

    fn is_sleep(self) -> bool {
        matches!(self, Self::Sleep | Self::UnlinkedSleep)
    }

    pub(super) fn removes(self) -> bool {
        matches!(self, Self::Leave | Self::Kill | Self::PowerOff | Self::Restart)
    }
}

/// A named choice of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mix {
    /// Talk, joins and leaves alone.
    Calm,
    /// Like `Calm`, with crashes, restarts and broken connections.
    Crash,
    /// Talk while one member after another sleeps, mostly the leader.
    Sleep,
    /// Like `Sleep`, and mostly a connection of the sleeper breaks just before.
    Unlinked,
    /// Like `Crash`, with processes that freeze, tick late or read slowly.
    Freeze,
    /// Like `Freeze`, with cuts of the network.
    Cut,
    /// Like `Cut`, with a fault that stays in the end.
    Lasting,
    /// Like `Crash`, with partitions, and with a member that lies until it dies in the end.
    Insider,
    /// Some kinds of `Crash`, with members that lie until they die in the end. Their lies are of some kinds of all. Both are
    /// chosen anew for each run.
    Liars,
    /// Some kinds of all, chosen anew for each run.
    #[default]
    All,
}

impl Mix {
    /// All mixes, in the order in which they take turns.
    pub const EACH: [Self; 10] = [
        Self::Calm,
        Self::Crash,
        Self::Sleep,
        Self::Unlinked,
        Self::Freeze,
        Self::Cut,
        Self::Lasting,
        Self::Insider,
        Self::Liars,
        Self::All,
    ];

    /// The mix whose turn it is in the run of this seed.
    pub fn of_seed(seed: u64) -> Self {
        let turn = seed % Self::EACH.len() as u64;
        usize::try_from(turn).ok().and_then(|turn| Self::EACH.get(turn)).copied().unwrap_or_default()
    }

    pub(super) fn draw(self, rng: &mut Rng) -> Faults {
        let calm = Faults { say: 60, join: 4, leave: 4, ..Faults::default() };
        let crash = Faults { kill: 5, power_off: 3, restart: 3, break_link: 3, ..calm };
        let freeze = Faults { freeze: 5, jump: 2, late: 4, slow: 2, short_queues: 2, half_open: 2, ..crash };
        let cut = Faults { cut: 4, partition: 3, bad_dials: 2, ..freeze };
        let all = [crash, freeze, Faults { lasting: Lasting::Frozen, ..freeze }, cut];
        match self {
            Self::Calm => calm,
            Self::Crash => crash,
            Self::Sleep => Faults { say: 60, sleep: 6, ..Faults::default() },
            Self::Unlinked => Faults { say: 60, sleep: 2, unlinked_sleep: 8, ..Faults::default() },
            Self::Freeze => freeze,
            Self::Cut => cut,
            Self::Insider => Faults { partition: 2, lies: Some(Lies::of(&[Lie::Words])), ..crash },
            Self::Liars => Faults { lie: 4, lies: Some(Lies::draw(rng)), ..crash.some_of(rng) },
            Self::Lasting => Faults { lasting: Lasting::Any, ..cut.some_of(rng) },
            Self::All => rng.pick(&all).unwrap_or(&cut).some_of(rng),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Crash => "crash",
            Self::Sleep => "sleep",
            Self::Unlinked => "unlinked",
            Self::Freeze => "freeze",
            Self::Cut => "cut",
            Self::Lasting => "lasting",
            Self::Insider => "insider",
            Self::Liars => "liars",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMix;

impl fmt::Display for UnknownMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the mixes are calm, crash, sleep, unlinked, freeze, cut, lasting, insider, liars and all",
        )
    }
}

impl std::error::Error for UnknownMix {}

impl FromStr for Mix {
    type Err = UnknownMix;

    fn from_str(word: &str) -> Result<Self, UnknownMix> {
        Self::EACH.into_iter().find(|mix| mix.name() == word).ok_or(UnknownMix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_known_by_its_name() {
        for mix in Mix::EACH {
            assert_eq!(mix.to_string().parse(), Ok(mix));
        }
        assert_eq!("".parse::<Mix>(), Err(UnknownMix));
    }

    #[test]
    fn the_mixes_take_turns() {
        let turns: Vec<Mix> = (20..30).map(Mix::of_seed).collect();
        assert_eq!(turns, Mix::EACH);
    }

    #[test]
    fn the_mixes_keep_to_their_promises() {
        let mut rng = Rng::new(1);
        let mut draw = |mix: Mix| (0..100).map(|_| mix.draw(&mut rng)).collect::<Vec<_>>();
        assert!(draw(Mix::Crash).iter().all(Faults::crash_only));
        for mix in [Mix::Sleep, Mix::Unlinked] {
            assert!(draw(mix).iter().all(|faults| faults.fault_model() == FaultModel::OneSleeps));
        }
        assert!(!draw(Mix::Freeze).iter().any(Faults::crash_only));
        assert!(!draw(Mix::Cut).iter().any(Faults::crash_only));
        assert!(!draw(Mix::Lasting).iter().any(Faults::crash_only));
        for mix in [Mix::Insider, Mix::Liars] {
            assert!(draw(mix).iter().all(|faults| faults.fault_model() == FaultModel::Lies));
        }
        assert!(draw(Mix::All).iter().any(Faults::crash_only));
    }
}
