//! Real nodes on the simulated network: their driver, and everything that users and faults can do to them.

mod driver;
mod insider;
mod quiesce;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroU64;
use core::slice;
use core::time::Duration;
use ringchat_core::secure::Identity;

#[cfg(feature = "ablation")]
use ringchat_core::Rule;
use ringchat_core::limits::LINK_QUEUE_BYTES;
use ringchat_core::{
    Action, Command, Config, Epoch, Input, Instant, Name, Node, NodeId, Report, Seed, Start, Text, View,
};

use self::insider::Insider;
use crate::network::{Death, Heal, HostId, Network, Quality};
use crate::oracles::{FaultModel, States, Tokens, Transcripts, Violation};
use crate::rng::Rng;
use crate::schedule::Schedule;
use crate::trace::{Trace, kind};

/// The place of a process: a number from 1 that decides its address. A restarted process has the place of the former.
pub type Place = u32;

/// The address of a place.
pub fn addr_of(place: Place) -> SocketAddr {
    let [_, a, b, c] = place.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, a, b, c)), 4000)
}

/// The id of a place's process in the life called `incarnation`. Higher places have greater ids.
pub fn id_of(place: Place, incarnation: NonZeroU64) -> NodeId {
    NodeId::new(identity_of(place).key(), incarnation)
}

/// The key pair of a place. It signs cheaply, and proves nothing.
fn identity_of(place: Place) -> Identity {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&place.to_be_bytes());
    Identity::sham(key)
}

/// The place of an id.
pub fn place_of(id: NodeId) -> Place {
    let [a, b, c, d, ..] = *id.key();
    Place::from_be_bytes([a, b, c, d])
}

/// The state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The process runs.
    Running,
    /// The process is stopped, and may go on.
    Frozen,
    /// The process was killed, or its machine has lost power.
    Dead,
    /// The process has ended by itself.
    Ended,
}

#[derive(Clone, Debug)]
struct Process {
    node: Node,
    place: Place,
    label: String,
    life: Life,
    /// How much the clock of the process is ahead of the world's, in microseconds.
    offset: i64,
    /// The time of the next planned tick.
    wake: Option<Instant>,
    /// How much too late ticks may come.
    lateness: Duration,
    /// What the user will say as soon as the node takes it.
    unsaid: VecDeque<Text>,
    /// Whether the user leaves once everything is said.
    leaving: bool,
    /// What the process knows if it lies.
    insider: Option<Insider>,
}

/// Counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// How many inputs were handed to nodes.
    pub steps: u64,
    /// How many messages were sent, by kind.
    pub sent: BTreeMap<&'static str, u64>,
    /// How many bytes they had, by kind.
    pub bytes: BTreeMap<&'static str, u64>,
    /// How many tokens were sent, by epoch.
    pub elects: BTreeMap<Epoch, u64>,
    /// The views in which rings have merged.
    pub merges: BTreeSet<View>,
    /// How many faults happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

/// The nodes, the network, and the oracles that watch them.
#[derive(Clone, Debug)]
pub struct World {
    now: Instant,
    rng: Rng,
    network: Network,
    processes: Vec<Process>,
    places: BTreeMap<Place, HostId>,
    timers: Schedule<HostId>,
    detect: Duration,
    join_timeout: Duration,
    trace: Trace,
    transcripts: Transcripts,
    states: States,
    tokens: Tokens,
    counts: Counts,
    outbox: Vec<Action>,
    #[cfg(feature = "ablation")]
    ablated: &'static [Rule],
}

/// Construction and queries.
impl World {
    /// A world without processes, in which `seed` decides everything.
    pub fn new(seed: u64, quality: Quality, fault_model: FaultModel, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            now: Instant::ZERO,
            network: Network::new(rng.fork(), quality),
            rng,
            processes: Vec::new(),
            places: BTreeMap::new(),
            timers: Schedule::default(),
            detect: Config::DETECT,
            join_timeout: Config::JOIN_TIMEOUT,
            trace: Trace::new(trace),
            transcripts: Transcripts::new(fault_model),
            states: States::default(),
            tokens: Tokens::default(),
            counts: Counts::default(),
            outbox: Vec::new(),
            #[cfg(feature = "ablation")]
            ablated: &[],
        }
    }

    /// Sets the times in the configuration of processes that start later.
    pub fn set_times(&mut self, detect: Duration, join_timeout: Duration) {
        self.detect = detect;
        self.join_timeout = join_timeout;
    }

    /// Takes rules away from nodes that start later, to see that the oracles notice.
    #[cfg(feature = "ablation")]
    pub fn ablate(&mut self, rules: &'static [Rule]) {
        self.ablated = rules;
        self.tokens.ties_by_id = rules.contains(&Rule::HashedTies);
        if rules.contains(&Rule::SignedWords) {
            self.network.believe_all();
        }
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The lines of the trace.
    pub fn trace(&self) -> &str {
        self.trace.lines()
    }

    /// What the processes have shown.
    pub fn transcripts(&self) -> &Transcripts {
        &self.transcripts
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many links have failed because a driver's queue was full.
    pub fn overflows(&self) -> u64 {
        self.network.overflows()
    }

    /// The newest process of a place.
    pub fn at(&self, place: Place) -> Option<HostId> {
        self.places.get(&place).copied()
    }

    /// The name of a process in traces: its place, followed by a letter if it is not the first there.
    pub fn label(&self, host: HostId) -> &str {
        &self.processes[host.0].label
    }

    fn next_label(&self, place: Place) -> String {
        match self.processes.iter().filter(|process| process.place == place).count() {
            0 => format!("{place}"),
            1 => format!("{place}b"),
            earlier => format!("{place}x{}", earlier + 1),
        }
    }

    /// The place of a process.
    pub fn place(&self, host: HostId) -> Place {
        self.processes[host.0].place
    }

    /// The state of a process.
    pub fn life(&self, host: HostId) -> Life {
        self.processes[host.0].life
    }

    /// The node of a process.
    pub fn node(&self, host: HostId) -> &Node {
        &self.processes[host.0].node
    }

    /// All processes that run or are frozen.
    pub fn alive(&self) -> Vec<HostId> {
        let alive = |host: &HostId| matches!(self.life(*host), Life::Running | Life::Frozen);
        (0..self.processes.len()).map(HostId).filter(alive).collect()
    }

    /// The live processes that are or were members, in the order in which they started.
    pub fn members(&self) -> Vec<HostId> {
        self.alive().into_iter().filter(|&host| self.transcripts.of(host).ready.is_some()).collect()
    }

    /// Whether the user has left or is about to.
    pub fn is_leaving(&self, host: HostId) -> bool {
        self.processes[host.0].leaving
    }

    /// The report that a process would give now.
    pub fn report(&self, host: HostId) -> Report {
        let node = self.node(host);
        let member = |id: Option<NodeId>| id.and_then(|id| node.roster().find(id)).cloned();
        let leader = Some(node.view().leader).filter(|_| node.is_normal());
        Report {
            me: node.me().clone(),
            leader: member(leader),
            epoch: node.view().epoch,
            members: node.roster().clone(),
            prev: member(node.prev()).unwrap_or_else(|| node.me().clone()),
            next: member(node.next()).unwrap_or_else(|| node.me().clone()),
            lamport: node.lamport(),
            stats: node.stats(),
        }
    }

    /// The reports of all live processes.
    pub fn reports(&self) -> Vec<(HostId, Report)> {
        self.alive().into_iter().map(|host| (host, self.report(host))).collect()
    }
}

/// What users do.
impl World {
    /// Starts a process.
    pub fn start(&mut self, place: Place, start: Start) -> HostId {
        let addr = addr_of(place);
        let label = self.next_label(place);
        self.trace.event(self.now, format_args!("{label} starts: {start:?}"));
        if let Some(earlier) = self.at(place).filter(|&earlier| self.life(earlier) != Life::Ended) {
            self.kill(earlier, Death::Killed);
        }
        let host = self.network.start(addr);
        let mut config = Config::new(addr, name_of(place), start);
        config.detect = self.detect;
        config.join_timeout = self.join_timeout;
        let incarnation = NonZeroU64::new(self.rng.bits()).unwrap_or(NonZeroU64::MIN);
        let (identity, room, jitter) = (identity_of(place), self.rng.room(), self.rng.jitter());
        let seed = Seed { identity, incarnation, room, jitter };
        let offset = 1_000_000i64.saturating_sub_unsigned(self.now.0);
        let node = Node::new(config, seed, shifted(self.now, offset));
        self.processes.push(Process {
            node,
            place,
            label: label.clone(),
            life: Life::Running,
            offset,
            wake: None,
            lateness: Duration::ZERO,
            unsaid: VecDeque::new(),
            leaving: false,
            insider: None,
        });
        #[cfg(feature = "ablation")]
        self.processes[host.0].node.ablate(self.ablated);
        self.places.insert(place, host);
        self.transcripts.enter(label);
        self.plan(host);
        host
    }

    /// Starts a process that creates the room.
    pub fn create(&mut self, place: Place) -> HostId {
        self.start(place, Start::Create)
    }

    /// Starts a process that joins through these places.
    pub fn join(&mut self, place: Place, contacts: &[Place]) -> HostId {
        self.start(place, Start::Join { contacts: contacts.iter().map(|&place| addr_of(place)).collect() })
    }

    /// The user says something, as soon as the node takes it.
    ///
    /// # Errors
    /// The first violation.
    pub fn say(&mut self, host: HostId, text: &Text) -> Result<(), Violation> {
        self.say_all(host, slice::from_ref(text))
    }

    /// The user says several things at once.
    ///
    /// # Errors
    /// The first violation.
    pub fn say_all(&mut self, host: HostId, texts: &[Text]) -> Result<(), Violation> {
        let process = &self.processes[host.0];
        // A user who leaves may go on typing. The node decides whether it takes that.
        let takes = !process.leaving || (process.life == Life::Running && process.node.can_say());
        if !takes || !matches!(process.life, Life::Running | Life::Frozen) {
            return Ok(());
        }
        self.processes[host.0].unsaid.extend(texts.iter().cloned());
        self.user(host)?;
        self.settle()
    }

    /// The user leaves once everything is said.
    ///
    /// # Errors
    /// The first violation.
    pub fn leave(&mut self, host: HostId) -> Result<(), Violation> {
        let process = &mut self.processes[host.0];
        if core::mem::replace(&mut process.leaving, true) {
            return Ok(());
        }
        if process.unsaid.is_empty() && process.life == Life::Running {
            self.feed(host, vec![Input::Command(Command::Leave)])?;
        }
        self.settle()
    }
}

/// Faults.
impl World {
    /// A process dies.
    pub fn kill(&mut self, host: HostId, death: Death) {
        if !matches!(self.life(host), Life::Running | Life::Frozen) {
            return;
        }
        self.count_fault(if death == Death::Killed { "kill" } else { "power off" });
        self.trace.event(self.now, format_args!("{} dies: {death:?}", self.processes[host.0].label));
        self.processes[host.0].life = Life::Dead;
        self.transcripts.exit(host);
        self.network.kill(host, death);
        self.network.flush();
    }

    /// A process stops.
    pub fn freeze(&mut self, host: HostId) {
        if self.life(host) == Life::Running {
            self.count_fault("freeze");
            self.trace.event(self.now, format_args!("{} freezes", self.processes[host.0].label));
            self.processes[host.0].life = Life::Frozen;
            self.network.freeze(host);
        }
    }

    /// A process stops, while all others run well.
    pub fn sleep(&mut self, host: HostId) {
        if self.life(host) == Life::Running {
            self.transcripts.sleep(host);
            self.freeze(host);
        }
    }

    /// A process stops for ever. Its kernel still takes connections and bytes. The oracles take it for dead.
    pub fn freeze_for_ever(&mut self, host: HostId) {
        if self.life(host) == Life::Running {
            self.count_fault("freeze for ever");
            self.trace.event(self.now, format_args!("{} freezes for ever", self.processes[host.0].label));
            self.processes[host.0].life = Life::Dead;
            self.transcripts.exit(host);
            self.network.freeze(host);
        }
    }

    /// A frozen process goes on. Its late tick, what has arrived meanwhile and what its user has typed come in any
    /// order.
    ///
    /// # Errors
    /// The first violation.
    pub fn thaw(&mut self, host: HostId) -> Result<(), Violation> {
        if self.life(host) != Life::Frozen {
            return Ok(());
        }
        self.trace.event(self.now, format_args!("{} goes on", self.processes[host.0].label));
        self.processes[host.0].life = Life::Running;
        self.network.thaw(host);
        if self.rng.chance(300) {
            self.user(host)?;
        }
        if self.rng.chance(500) {
            self.tick(host)?;
        }
        self.settle()?;
        self.tick(host)?;
        self.settle()?;
        self.user(host)?;
        self.settle()
    }

    /// From now on nothing gets through from one place to another.
    pub fn cut(&mut self, from: Place, to: Place) {
        self.count_fault("cut");
        self.trace.event(self.now, format_args!("the way from {from} to {to} is cut"));
        self.network.cut(addr_of(from), addr_of(to));
    }

    /// From now on nothing gets through between these places and all others. Several calls make a partition of more
    /// than two sides.
    pub fn partition(&mut self, side: &[Place]) {
        self.count_fault("partition");
        self.trace.event(self.now, format_args!("{side:?} are cut off"));
        self.network.wall(side.iter().map(|&place| addr_of(place)).collect());
    }

    /// Whether each of two processes can reach the other.
    pub fn are_connected(&self, a: HostId, b: HostId) -> bool {
        let [a, b] = [a, b].map(|host| addr_of(self.place(host)));
        !self.network.is_cut(a, b) && !self.network.is_cut(b, a)
    }

    /// All cuts end.
    pub fn heal(&mut self, how: Heal) {
        self.trace.event(self.now, format_args!("all cuts end: {how:?}"));
        self.network.heal(how);
        self.network.flush();
    }

    /// One connection of the process breaks.
    pub fn break_link(&mut self, host: HostId, n: usize) {
        self.count_fault("broken link");
        self.trace.event(self.now, format_args!("a connection of {} breaks", self.processes[host.0].label));
        self.network.break_nth(host, n);
        self.network.flush();
    }

    /// The process's end of a connection breaks. The other end learns it when it sends.
    pub fn half_open(&mut self, host: HostId, n: usize) {
        self.count_fault("half-open link");
        self.trace
            .event(self.now, format_args!("a connection of {} is half open", self.processes[host.0].label));
        self.network.half_open_nth(host, n);
        self.network.flush();
    }

    /// From now on a link of the process fails when this many bytes are queued for it.
    pub fn bound_queues(&mut self, host: HostId, bytes: usize) {
        if bytes < LINK_QUEUE_BYTES {
            self.count_fault("short queues");
        }
        self.trace.event(self.now, format_args!("{} queues {bytes} bytes", self.processes[host.0].label));
        self.network.bound_queues(host, bytes);
    }

    /// A process reads this many bytes a second from now on, or as many as it can.
    pub fn slow(&mut self, host: HostId, bytes_per_second: Option<u64>) {
        if bytes_per_second.is_some() {
            self.count_fault("slow");
        }
        self.trace.event(
            self.now,
            format_args!("{} reads {bytes_per_second:?} bytes a second", self.processes[host.0].label),
        );
        self.network.slow(host, bytes_per_second);
    }

    /// The ticks of a process come up to `lateness` too late from now on.
    pub fn make_late(&mut self, host: HostId, lateness: Duration) {
        if !lateness.is_zero() {
            self.count_fault("late ticks");
        }
        self.trace
            .event(self.now, format_args!("{} ticks up to {lateness:?} late", self.processes[host.0].label));
        self.processes[host.0].lateness = lateness;
    }

    /// The clock of a process jumps by so many microseconds.
    pub fn jump(&mut self, host: HostId, by: i64) {
        self.count_fault("clock jump");
        self.trace
            .event(self.now, format_args!("the clock of {} jumps by {by} us", self.processes[host.0].label));
        self.processes[host.0].offset += by;
        self.processes[host.0].wake = None;
        self.plan(host);
    }

    /// Sets the quality of the network from now on.
    pub fn set_quality(&mut self, quality: Quality) {
        self.trace.event(self.now, format_args!("{quality:?}"));
        self.network.set_quality(quality);
    }

    fn count_fault(&mut self, fault: &'static str) {
        *self.counts.faults.entry(fault).or_default() += 1;
    }
}

/// The passing of time.
impl World {
    /// Lets the next event happen. Returns false if there is none.
    ///
    /// # Errors
    /// The first violation.
    pub fn step(&mut self) -> Result<bool, Violation> {
        let (network, timer) = (self.network.next_at(), self.timers.next_at());
        let Some(at) = network.into_iter().chain(timer).min() else { return Ok(false) };
        self.now = self.now.max(at);
        self.network.set_now(at);
        if network == Some(at) {
            self.network.advance();
        } else if let Some((at, host)) = self.timers.pop()
            && self.processes[host.0].wake == Some(at)
        {
            self.processes[host.0].wake = None;
            self.tick(host)?;
        }
        self.settle()?;
        Ok(true)
    }

    /// Lets everything happen up to `end`.
    ///
    /// # Errors
    /// The first violation.
    pub fn run_to(&mut self, end: Instant) -> Result<(), Violation> {
        while self.next_at().is_some_and(|at| at <= end) {
            self.step()?;
        }
        self.now = self.now.max(end);
        self.network.set_now(end);
        Ok(())
    }

    /// Lets everything happen for `time`.
    ///
    /// # Errors
    /// The first violation.
    pub fn run_for(&mut self, time: Duration) -> Result<(), Violation> {
        self.run_to(self.now.after(time))
    }

    /// Lets everything happen until `done` holds, checked every `pace`, or until `limit` is over. Returns whether it
    /// holds.
    ///
    /// # Errors
    /// The first violation.
    pub fn run_until(
        &mut self,
        limit: Duration,
        pace: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<bool, Violation> {
        let end = self.now.after(limit);
        while !done(self) {
            if self.now >= end {
                return Ok(false);
            }
            self.run_for(pace)?;
        }
        Ok(true)
    }

    fn next_at(&self) -> Option<Instant> {
        self.network.next_at().into_iter().chain(self.timers.next_at()).min()
    }
}

fn shifted(time: Instant, by: i64) -> Instant {
    Instant(time.0.saturating_add_signed(by))
}

pub(crate) fn name_of(place: Place) -> Name {
    // A letter and digits are always a name.
    Name::new(&format!("m{place}")).unwrap_or_else(|error| unreachable!("{error}"))
}
