//! The language of scenarios: what a line can say.
//!
//! TARGET is a number, a name, `leader`, `next`, `prev`, `opposite`, `all` or `others` ([`Target`]). TIME is a number of
//! seconds or milliseconds: `1.5s`, `20ms`.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use ringchat_core::{Name, Occasion};

use crate::{Heal, Place};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The places of the first ring, in ring order: `nodes COUNT` or `ring PLACE...`. The first member creates the
    /// room.
    pub ring: Vec<Place>,
    /// The source of delays, of the cuts between pieces of a write, and of ids: `seed NUMBER`.
    pub seed: u64,
    /// The longest one-way delay: `delay TIME`.
    pub delay: Duration,
    /// The silence after which a member suspects a peer: `detect TIME`.
    pub detect: Duration,
    /// What people call the members at some places: `name PLACE NAME`. The lines below may use these names as targets.
    pub names: Vec<(Place, Name)>,
    /// The statements, each with the number of its line, from 1.
    pub statements: Vec<(usize, Statement)>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `at TIME ACTION`: the action happens this long after the last `until`.
    At(Duration, ScenarioAction),
    /// `until CONDITION within TIME`: time passes until the condition holds. Later times count from here.
    Until(Condition, Duration),
    /// `expect CONDITION`: the condition holds now.
    Expect(Condition),
    /// `expect not CONDITION`: the condition does not hold now.
    ExpectNot(Condition),
    /// `quiet for TIME`: only heartbeats are sent for this time.
    Quiet(Duration),
}

/// Something that users do, or that happens to processes and to the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScenarioAction {
    /// `say TARGET TEXT`.
    Say(Vec<Target>, String),
    /// `flood TARGET COUNT`: so many messages are said at once.
    Flood(Vec<Target>, u64),
    /// `crash TARGET...`: the processes are killed at one instant.
    Crash(Vec<Target>),
    /// `power-off TARGET...`: the machines lose power at one instant.
    PowerOff(Vec<Target>),
    /// `restart TARGET... via CONTACT`: the process is killed, and another one starts at its address.
    Restart(Vec<Target>, Target),
    /// `freeze TARGET...`: the process stops until `thaw`.
    Freeze(Vec<Target>),
    /// `sleep TARGET`: the process stops until `thaw`, while all others are well; the run keeps its strict properties.
    Sleep(Target),
    /// `thaw TARGET...`: the process goes on.
    Thaw(Vec<Target>),
    /// `leave TARGET...`: the user leaves.
    Leave(Vec<Target>),
    /// `join PLACE... via CONTACT...`: a process starts where none lives, and tries the contacts in turn.
    Join(Vec<Target>, Vec<Target>),
    /// `cut FROM TO`: nothing gets through from one to the other.
    Cut(Target, Target),
    /// `partition TARGET...`: nothing gets through between these and all others.
    Partition(Vec<Target>),
    /// `heal`, or `heal reset`: all cuts and partitions end.
    Heal(Heal),
    /// One of the [`Impairment`]s begins or ends.
    Impair(Impairment),
}

/// Something that impairs a process or its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impairment {
    /// `freeze-for-ever TARGET...`: the process stops, and counts as dead.
    FreezeForEver(Vec<Target>),
    /// `break TARGET...`: one connection of each breaks; with `link N` at the end, the connection of that number.
    Break(Vec<Target>, usize),
    /// `half-open TARGET...`: like `break`, but only the target's own end breaks.
    HalfOpen(Vec<Target>, usize),
    /// `slow TARGET BYTES`: the process reads this many bytes a second; 0 removes the bound.
    Slow(Target, u64),
    /// `late TARGET TIME`: ticks come up to this much too late.
    Late(Target, Duration),
    /// `clock TARGET forward TIME`, `clock TARGET back TIME`: the clock jumps, by so many microseconds here.
    Jump(Target, i64),
    /// `queues TARGET BYTES`: a connection breaks when more bytes wait to be sent on it.
    Queues(Target, usize),
    /// `dials refused COUNT`, `dials lost COUNT`: dials fail; 0 ends it.
    Dials(BadDials),
}

/// How dials fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadDials {
    /// So many dials of a thousand are refused.
    Refused(u32),
    /// So many dials of a thousand time out.
    Lost(u32),
}

impl ScenarioAction {
    /// Whether a live member may be taken for dead after this.
    pub fn is_more_than_a_crash(&self) -> bool {
        !matches!(
            self,
            Self::Say(..)
                | Self::Flood(..)
                | Self::Crash(_)
                | Self::PowerOff(_)
                | Self::Restart(..)
                | Self::Leave(_)
                | Self::Join(..)
                | Self::Sleep(_)
                | Self::Thaw(_)
                | Self::Impair(Impairment::Break(..))
        )
    }
}

/// The processes that a line addresses, looked up when the line takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The newest process of a place.
    At(Place),
    /// The leader.
    Leader,
    /// The member after the leader.
    Next,
    /// The member before the leader.
    Prev,
    /// The member half-way round the ring from the leader.
    Opposite,
    /// All members.
    All,
    /// All members but the leader.
    Others,
}

/// How many messages an election takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// This many.
    Exactly(u64),
    /// The fewest that theory knows: one for each of its members.
    Best,
    /// The most that theory knows: 2n - 1 if one member of n began, n(n + 1)/2 if several did.
    Worst,
}

/// A statement about the room that holds or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `converged`: all live members form one ring, and lack nothing.
    Converged,
    /// `merged`: all live members form rings, and no ring looks for a member of another.
    Merged,
    /// `settled`: all live members form rings.
    Settled,
    /// `new-leader`: the room has a leader, and not that of the last `until`.
    NewLeader,
    /// `shown-by TARGET TEXT`, `shown-by-all TEXT`.
    ShownBy(Target, String),
    /// `live TARGET TEXT`, `while-away TARGET TEXT`, `other-ring TARGET TEXT`: shown as said on this occasion.
    ShownAs(Occasion, Target, String),
    /// `members N`: N members are alive.
    Members(usize),
    /// `rings N`: all live members form N rings.
    Rings(usize),
    /// `elections N`: elections were held in N epochs at most.
    Elections(usize),
    /// `election-messages N`, `election-messages best`, `election-messages worst`: the newest election took so many.
    ElectionMessages(Messages),
    /// `lost N`: so many messages of live members are missing somewhere in their ring, whether or not that was told as a
    /// gap.
    Lost(usize),
    /// `faults N`: live members have found N peers to break the protocol.
    Faults(u64),
    /// `ready TARGET`: the process is a member, or was one.
    Ready(Target),
    /// `ended TARGET`: the process has ended in order.
    Ended(Target),
    /// `left-behind TARGET`: the user was told that the room went on without the process.
    LeftBehind(Target),
    /// `gap TARGET`: the user was told that messages are missing.
    Gap(Target),
    /// `cut-off TARGET`: the user was told that the process is too slow.
    CutOff(Target),
    /// `leads TARGET`.
    Leads(Target),
    /// `time`: always holds. `until time within TIME` lets this much time pass.
    Time,
}
