//! Real nodes on the simulated network: their driver, and everything that users and faults can do to them.

mod driver;
mod faults;
#[cfg(feature = "sham")]
mod insider;
mod quiesce;
mod telling;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroU64;
use core::slice;
use core::time::Duration;

#[cfg(feature = "ablation")]
use ringchat_core::Rule;
use ringchat_core::limits::BACKLOG_TEXTS;
use ringchat_core::secure::{Credentials, Identity, Secret};
use ringchat_core::trace::Tracing;
use ringchat_core::{
    Action, Command, Config, Epoch, Input, Instant, Name, Node, NodeId, Report, Seed, Stamp, Start, Text,
    View,
};

#[cfg(feature = "sham")]
use self::insider::Insider;
#[cfg(feature = "sham")]
pub use self::insider::{FalseAddress, Lie, Lies};
pub use self::telling::HostStep;
pub(crate) use self::telling::WorldDeed;
use crate::network::{Death, HostId, Network, Quality};
use crate::oracles::{Dials, FaultModel, States, Tokens, Transcripts, Violation};
use crate::rng::Rng;
use crate::schedule::Schedule;
use crate::trace::Trace;

/// The place of a process: a number from 1 that decides its address. A restarted process has the place of the former.
pub type Place = u32;

/// The address of a place.
pub fn addr_of(place: Place) -> SocketAddr {
    let [_, a, b, c] = place.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, a, b, c)), 4000)
}

/// The id of a place's process in the life called `incarnation`. Higher places have greater ids.
#[cfg(feature = "sham")]
pub fn id_of(place: Place, incarnation: NonZeroU64) -> NodeId {
    NodeId::new(cheap_identity_of(place).key(), incarnation)
}

/// The key pair of a place. It signs cheaply, and proves nothing.
#[cfg(feature = "sham")]
fn cheap_identity_of(place: Place) -> Identity {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&place.to_be_bytes());
    Identity::sham(key)
}

// Without cheap keys all are real.
#[cfg(not(feature = "sham"))]
use self::real_identity_of as cheap_identity_of;

/// The real key pair of a place.
fn real_identity_of(place: Place) -> Identity {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&place.to_be_bytes());
    Identity::from_seed(seed)
}

/// The place of an id with a sham key.
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
    /// The process was killed or is frozen for ever, or its machine has lost power.
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
    #[cfg(feature = "sham")]
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
    /// The processes that took part in elections, by epoch.
    pub voters: BTreeMap<Epoch, Voters>,
    /// How many members have begun new lives.
    pub new_lives: u32,
    /// The views in which rings have merged.
    pub merges: BTreeSet<View>,
    /// How many faults happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// By how much a receipt has moved the Lamport clock of a traced process at most.
    pub leap: u64,
}

/// The processes that took part in an election.
#[derive(Clone, Debug, Default)]
pub struct Voters {
    /// The processes that sent a token. If somebody won, these are all members of the new ring.
    pub sent: BTreeSet<HostId>,
    /// How many stood before they saw a token.
    pub began: u64,
}

/// The nodes, the network, and the oracles that watch them.
#[derive(Debug)]
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
    tracing: Tracing,
    /// Whether signs of life are traced like all else.
    traces_beats: bool,
    steps: Vec<HostStep>,
    deeds: Vec<WorldDeed>,
    transcripts: Transcripts,
    states: States,
    tokens: Tokens,
    dials: Dials,
    counts: Counts,
    outbox: Vec<Action>,
    /// The secret of the room, if keys and links are real.
    secret: Option<Secret>,
    /// What people call the members at some places.
    names: BTreeMap<Place, Name>,
    /// The Lamport time of each process that is traced.
    clocks: BTreeMap<HostId, Stamp>,
    /// The processes that have told something of an election.
    heard: BTreeSet<(HostId, Epoch)>,
    #[cfg(feature = "ablation")]
    ablated: &'static [Rule],
}

/// Construction and queries.
impl World {
    /// From now on the room is private, and keys and links are real. To be called before a process starts.
    #[must_use]
    pub fn with_real_keys(self) -> Self {
        Self { secret: Some(Secret::new([7; Secret::BYTES])), ..self }
    }

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
            tracing: Tracing::Off,
            traces_beats: true,
            steps: Vec::new(),
            deeds: Vec::new(),
            transcripts: Transcripts::new(fault_model),
            states: States::default(),
            tokens: Tokens::default(),
            dials: Dials::default(),
            counts: Counts::default(),
            outbox: Vec::new(),
            secret: None,
            names: BTreeMap::new(),
            clocks: BTreeMap::new(),
            heard: BTreeSet::new(),
            #[cfg(feature = "ablation")]
            ablated: &[],
        }
    }

    /// Sets the times in the configuration of processes that start later.
    pub fn set_times(&mut self, detect: Duration, join_timeout: Duration) {
        self.detect = detect;
        self.join_timeout = join_timeout;
    }

    /// Gives the processes that start later at a place this name, in place of `m` and the number of the place.
    pub fn set_name(&mut self, place: Place, name: Name) {
        self.names.insert(place, name);
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

    /// The process that has or had this id last.
    pub fn of_id(&self, id: NodeId) -> Option<HostId> {
        self.processes.iter().rposition(|process| process.node.me().id == id).map(HostId)
    }

    /// The name of a process in traces: its place, followed by a letter if it is not the first there.
    pub fn label(&self, host: HostId) -> &str {
        &self.processes[host.0].label
    }

    fn next_label(&self, place: Place) -> String {
        let earlier = self.processes.iter().filter(|process| process.place == place).count();
        if let Some(name) = self.names.get(&place) {
            return if earlier == 0 { format!("{name}") } else { format!("{name}#{}", earlier + 1) };
        }
        match earlier {
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

    /// How many processes have started.
    pub fn processes(&self) -> usize {
        self.processes.len()
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

    /// Whether no process is about to hear of a connection that came or went.
    pub fn has_settled_links(&self) -> bool {
        self.network.is_settled()
    }

    /// Whether nothing is under way between processes, so that a connection that breaks loses nothing.
    pub fn has_silent_links(&self) -> bool {
        self.network.is_silent()
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
        self.start_told(place, addr_of(place), start)
    }

    /// Starts a process that tells others that it listens at `told`.
    fn start_told(&mut self, place: Place, told: SocketAddr, start: Start) -> HostId {
        let addr = addr_of(place);
        let label = self.next_label(place);
        self.trace.event(self.now, format_args!("{label} starts: {start:?}"));
        if let Some(earlier) = self.at(place).filter(|&earlier| self.life(earlier) != Life::Ended) {
            self.kill(earlier, Death::Killed);
        }
        let mut config = Config::new(told, self.name_of(place), start);
        config.detect = self.detect;
        config.join_timeout = self.join_timeout;
        config.trace = self.tracing;
        config.backlog = [BACKLOG_TEXTS, 3, 0][self.processes.len() % 3];
        let incarnation = incarnation(&mut self.rng);
        let identity = self.identity_of(place);
        let (room, jitter) = (self.rng.room(), self.rng.jitter());
        let seed = Seed { identity, incarnation, room, jitter };
        let host = self.network.start(addr, seed.id());
        self.network.set_patience(host, config.dial_patience(), config.stranger_patience());
        let seed = self.secure(host, &mut config, seed);
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
            #[cfg(feature = "sham")]
            insider: None,
        });
        #[cfg(feature = "ablation")]
        self.processes[host.0].node.ablate(self.ablated);
        self.places.insert(place, host);
        self.transcripts.enter(label, &self.name_of(place));
        self.plan(host);
        host
    }

    fn name_of(&self, place: Place) -> Name {
        let usual = || Name::new(&format!("m{place}"));
        // A letter and digits are always a name.
        self.names.get(&place).cloned().map_or_else(usual, Ok).unwrap_or_else(|error| unreachable!("{error}"))
    }

    fn identity_of(&self, place: Place) -> Identity {
        if self.secret.is_some() { real_identity_of(place) } else { cheap_identity_of(place) }
    }

    /// The id that a process gets which starts now at the place, where none runs.
    pub fn next_id(&self, place: Place) -> NodeId {
        NodeId::new(self.identity_of(place).key(), incarnation(&mut self.rng.clone()))
    }

    /// Gives the process the secret of the room, and real links, if this world has them.
    fn secure(&mut self, host: HostId, config: &mut Config, seed: Seed) -> Seed {
        let Some(secret) = self.secret.clone() else { return seed };
        let seed = Seed { room: secret.room(), ..seed };
        config.secret = Some(secret);
        self.network.secure(host, Credentials::of(config, &seed));
        seed
    }

    /// Starts a process that creates the room.
    pub fn create(&mut self, place: Place) -> HostId {
        self.start(place, Start::Create)
    }

    /// Starts a process that joins through these places.
    pub fn join(&mut self, place: Place, contacts: &[Place]) -> HostId {
        self.start(place, join_through(contacts))
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
        let mut unbounded = u64::MAX;
        self.run_within(end, &mut unbounded).map(drop)
    }

    /// Lets everything happen up to `end`, with at most so many steps; those that it takes are gone from them. Returns
    /// whether they were enough.
    pub(crate) fn run_within(&mut self, end: Instant, steps: &mut u64) -> Result<bool, Violation> {
        while self.next_at().is_some_and(|at| at <= end) {
            let Some(left) = steps.checked_sub(1) else { return Ok(false) };
            *steps = left;
            self.step()?;
        }
        self.now = self.now.max(end);
        self.network.set_now(end);
        Ok(true)
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

fn join_through(contacts: &[Place]) -> Start {
    Start::Join { contacts: contacts.iter().map(|&place| addr_of(place)).collect() }
}

fn incarnation(rng: &mut Rng) -> NonZeroU64 {
    NonZeroU64::new(rng.bits()).unwrap_or(NonZeroU64::MIN)
}

fn shifted(time: Instant, by: i64) -> Instant {
    Instant(time.0.saturating_add_signed(by))
}
