//! Random runs: a ring, faults of chosen kinds at random times, then peace, and what must hold after it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::time::Duration;

use ringchat_core::{Instant, Rule, Text};

use super::network::{Death, Heal, HostId, Quality};
use super::rng::Rng;
use super::world::{Counts, Life, Place, World};
use crate::oracles::{Promises, Shape, Violation};

/// How often each kind of thing happens, in relation to the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Somebody says something.
    pub say: u32,
    /// Somebody comes in.
    pub join: u32,
    /// Somebody leaves in order.
    pub leave: u32,
    /// Up to half of the members are killed at one instant.
    pub kill: u32,
    /// A machine loses power.
    pub power_off: u32,
    /// A process is killed and started again at the same address.
    pub restart: u32,
    /// A connection breaks.
    pub break_link: u32,
    /// A process freezes for a while.
    pub freeze: u32,
    /// A clock jumps.
    pub jump: u32,
    /// The ticks of a process come late for a while.
    pub late: u32,
    /// A process reads slowly for a while.
    pub slow: u32,
    /// One way between two is cut for a while.
    pub cut: u32,
    /// Some are cut off from the others for a while.
    pub partition: u32,
    /// Dials are refused or time out for a while.
    pub bad_dials: u32,
}

impl Faults {
    /// Whether nothing happens after which a live member may be taken for dead.
    pub fn crash_only(&self) -> bool {
        self.weights().iter().all(|(weight, kind)| *weight == 0 || kind.is_crash())
    }

    fn weights(&self) -> [(u32, Kind); 14] {
        [
            (self.say, Kind::Say),
            (self.join, Kind::Join),
            (self.leave, Kind::Leave),
            (self.kill, Kind::Kill),
            (self.power_off, Kind::PowerOff),
            (self.restart, Kind::Restart),
            (self.break_link, Kind::BreakLink),
            (self.freeze, Kind::Freeze),
            (self.jump, Kind::Jump),
            (self.late, Kind::Late),
            (self.slow, Kind::Slow),
            (self.cut, Kind::Cut),
            (self.partition, Kind::Partition),
            (self.bad_dials, Kind::BadDials),
        ]
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Say,
    Join,
    Leave,
    Kill,
    PowerOff,
    Restart,
    BreakLink,
    Freeze,
    Jump,
    Late,
    Slow,
    Cut,
    Partition,
    BadDials,
}

impl Kind {
    /// Whether no live member is taken for dead after this.
    fn is_crash(self) -> bool {
        !matches!(
            self,
            Self::Freeze
                | Self::Jump
                | Self::Late
                | Self::Slow
                | Self::Cut
                | Self::Partition
                | Self::BadDials
        )
    }

    fn removes(self) -> bool {
        matches!(self, Self::Leave | Self::Kill | Self::PowerOff | Self::Restart)
    }
}

/// A named choice of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mix {
    /// Nothing but talk, joins and leaves.
    Calm,
    /// Crashes, restarts and broken connections too.
    Crash,
    /// And processes that freeze, tick late or read slowly.
    Freeze,
    /// And cuts of the network.
    Cut,
    /// A different choice of kinds in each run, from all of them.
    #[default]
    All,
}

impl Mix {
    fn draw(self, rng: &mut Rng) -> Faults {
        let calm = Faults { say: 60, join: 4, leave: 4, ..Faults::default() };
        let crash = Faults { kill: 5, power_off: 3, restart: 3, break_link: 3, ..calm };
        let freeze = Faults { freeze: 5, jump: 2, late: 4, slow: 2, ..crash };
        let cut = Faults { cut: 4, partition: 3, bad_dials: 2, ..freeze };
        match self {
            Self::Calm => calm,
            Self::Crash => crash,
            Self::Freeze => freeze,
            Self::Cut => cut,
            Self::All => some_of(*rng.pick(&[crash, freeze, cut]).unwrap_or(&cut), rng),
        }
    }
}

/// Leaves out each kind of fault every other time: runs with few kinds reach what others hide.
fn some_of(faults: Faults, rng: &mut Rng) -> Faults {
    let mut maybe = |weight: u32| if rng.chance(500) { weight } else { 0 };
    Faults {
        say: faults.say,
        join: maybe(faults.join),
        leave: maybe(faults.leave),
        kill: maybe(faults.kill),
        power_off: maybe(faults.power_off),
        restart: maybe(faults.restart),
        break_link: maybe(faults.break_link),
        freeze: maybe(faults.freeze),
        jump: maybe(faults.jump),
        late: maybe(faults.late),
        slow: maybe(faults.slow),
        cut: maybe(faults.cut),
        partition: maybe(faults.partition),
        bad_dials: maybe(faults.bad_dials),
    }
}

/// A word that names no mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMix;

impl fmt::Display for UnknownMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mixes are calm, crash, freeze, cut and all")
    }
}

impl std::error::Error for UnknownMix {}

impl FromStr for Mix {
    type Err = UnknownMix;

    fn from_str(word: &str) -> Result<Self, UnknownMix> {
        match word {
            "calm" => Ok(Self::Calm),
            "crash" => Ok(Self::Crash),
            "freeze" => Ok(Self::Freeze),
            "cut" => Ok(Self::Cut),
            "all" => Ok(Self::All),
            _ => Err(UnknownMix),
        }
    }
}

/// What a run is to be like.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Decides everything else.
    pub seed: u64,
    /// How many members at the start; none means 2 to 10, by the seed.
    pub nodes: Option<u32>,
    /// Which faults.
    pub mix: Mix,
    /// Whether to keep the trace.
    pub trace: bool,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first violation, if any.
    pub result: Result<(), Violation>,
    /// The trace, if it was kept.
    pub trace: String,
    /// Counts.
    pub counts: Counts,
    /// Messages that the oracles checked.
    pub checked: u64,
    /// Virtual time.
    pub time: Instant,
}

/// How long the members may take to get in.
const JOINING: Duration = Duration::from_secs(15);
/// How long they may take to agree once the faults have stopped.
const AGREEING: Duration = Duration::from_secs(40);
/// And for each member: a dead machine takes half of `detect` to be passed over.
const AGREEING_EACH: Duration = Duration::from_millis(500);
/// How long nothing but heartbeats may be sent in the end.
const QUIET: Duration = Duration::from_secs(5);

/// Does one run. A panic of a node is a violation like any other.
pub fn run(options: Options) -> Outcome {
    run_without(&[], options)
}

/// Does one run of nodes that lack these rules.
pub fn run_without(rules: &'static [Rule], options: Options) -> Outcome {
    let mut chaos = Chaos::new(options);
    chaos.world.ablate(rules);
    let result = catch_unwind(AssertUnwindSafe(|| chaos.run()))
        .unwrap_or_else(|panic| Err(chaos.violation("panic", words(&*panic))));
    let Chaos { world, .. } = chaos;
    Outcome {
        result,
        trace: world.trace().to_owned(),
        checked: world.room().checked(),
        time: world.now(),
        counts: world.counts().clone(),
    }
}

/// What a node said when it panicked.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

struct Chaos {
    rng: Rng,
    world: World,
    nodes: u32,
    faults: Faults,
    /// What the ways are like when nothing is wrong with them.
    quality: Quality,
    /// What ends later, and when.
    later: BTreeMap<(Instant, u64), Undo>,
    free_places: Vec<Place>,
    sayings: u64,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Thaw(HostId),
    Punctual(HostId),
    Fast(HostId),
    Heal,
    GoodDials,
}

impl Chaos {
    fn new(options: Options) -> Self {
        let mut rng = Rng::new(options.seed);
        let faults = options.mix.draw(&mut rng);
        let promises = if faults.crash_only() { Promises::CrashOnly } else { Promises::Any };
        let nodes = options.nodes.unwrap_or_else(|| 2 + u32::try_from(rng.below(9)).unwrap_or(0));
        let mut free_places: Vec<Place> = (1..=nodes + 100).collect();
        rng.shuffle(&mut free_places);
        let most = rng.pick(&[1, 2, 10, 50]).copied().map_or(Quality::GOOD.most, Duration::from_millis);
        let quality = Quality { most, ..Quality::GOOD };
        let world = World::new(rng.bits(), quality, promises, options.trace);
        Self { rng, world, quality, nodes, faults, later: BTreeMap::new(), free_places, sayings: 0 }
    }

    fn run(&mut self) -> Result<(), Violation> {
        self.gather()?;
        let end = self.world.now().after(self.rng.between(Duration::from_secs(1), Duration::from_secs(8)));
        while self.world.now() < end {
            let pause = self.rng.between(Duration::ZERO, Duration::from_millis(120));
            self.wait(pause)?;
            self.act()?;
        }
        self.make_peace()?;
        self.agree()?;
        self.all_are_heard()?;
        self.world.run_for(Duration::from_secs(3))?;
        self.world.be_quiet(QUIET)
    }

    /// A ring, joined one after the other or all at once, through anybody.
    fn gather(&mut self) -> Result<(), Violation> {
        let at_once = self.rng.chance(300);
        let mut places = Vec::new();
        for n in 0..self.nodes {
            let place = self.free_places.pop().unwrap_or(n);
            match self.rng.pick(&places).copied() {
                None => self.world.create(place),
                Some(contact) => self.world.join(place, &[contact]),
            };
            places.push(place);
            if !at_once || n == 0 {
                self.all_are_in()?;
            }
        }
        self.all_are_in()
    }

    fn all_are_in(&mut self) -> Result<(), Violation> {
        let all_in = |world: &World| world.members().len() == world.alive().len();
        if self.world.run_until(JOINING, Duration::from_millis(5), all_in)? {
            return Ok(());
        }
        let (members, alive) = (self.world.members().len(), self.world.alive().len());
        Err(self.violation("join", format!("{members} of {alive} are members")))
    }

    fn violation(&self, property: &'static str, detail: String) -> Violation {
        Violation::new(self.world.now(), property, detail)
    }

    /// Lets time pass, and ends what is to end in it.
    fn wait(&mut self, time: Duration) -> Result<(), Violation> {
        let end = self.world.now().after(time);
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, _), undo) = entry.remove_entry();
            self.world.run_to(at)?;
            self.undo(undo)?;
        }
        self.world.run_to(end)
    }

    fn later(&mut self, least: u64, most: u64, undo: Undo) {
        let after = self.rng.between(Duration::from_millis(least), Duration::from_millis(most));
        let end = self.world.now().after(after);
        let number = self.later.len() as u64 + self.sayings;
        self.later.insert((end, number), undo);
    }

    fn undo(&mut self, undo: Undo) -> Result<(), Violation> {
        match undo {
            Undo::Thaw(host) => self.world.thaw(host)?,
            Undo::Punctual(host) => self.world.make_late(host, Duration::ZERO),
            Undo::Fast(host) => self.world.slow(host, None),
            Undo::GoodDials => self.world.set_quality(self.quality),
            Undo::Heal => {
                let how = if self.rng.chance(500) { Heal::Deliver } else { Heal::Reset };
                self.world.heal(how);
            }
        }
        Ok(())
    }
}

/// The faults.
impl Chaos {
    fn act(&mut self) -> Result<(), Violation> {
        let weights = self.faults.weights();
        let mut draw = self.rng.below(weights.iter().map(|(weight, _)| u64::from(*weight)).sum());
        for (weight, kind) in weights {
            if draw < u64::from(weight) {
                return self.do_one(kind);
            }
            draw -= u64::from(weight);
        }
        Ok(())
    }

    fn do_one(&mut self, kind: Kind) -> Result<(), Violation> {
        if kind.removes() && self.rng.chance(500) {
            self.rush()?;
        }
        match kind {
            Kind::Say => return self.say(),
            Kind::Leave => {
                if let Some(host) = self.dispensable() {
                    return self.world.leave(host);
                }
            }
            Kind::Join => self.join(),
            Kind::Kill => self.kill(),
            Kind::PowerOff => {
                if let Some(host) = self.dispensable() {
                    self.world.kill(host, Death::PowerOff);
                }
            }
            Kind::Restart => self.restart(),
            Kind::Cut | Kind::Partition => self.cut(matches!(kind, Kind::Partition)),
            Kind::BadDials => {
                let (refusals, time_outs) = if self.rng.chance(500) { (400, 0) } else { (0, 400) };
                self.world.set_quality(Quality { refusals, time_outs, ..self.quality });
                self.later(100, 2000, Undo::GoodDials);
            }
            _ => self.trouble(kind),
        }
        Ok(())
    }

    /// Something that is wrong with one process, mostly for a while.
    fn trouble(&mut self, kind: Kind) {
        let Some(host) = self.rng.pick(&self.world.alive()).copied() else { return };
        match kind {
            Kind::BreakLink => self.world.break_link(host, self.rng.index(1 << 16)),
            Kind::Freeze => {
                self.world.freeze(host);
                self.later(20, 4000, Undo::Thaw(host));
            }
            Kind::Jump => {
                let forward = self.rng.chance(700);
                let by = i64::try_from(self.rng.below(3_000_000)).unwrap_or(0);
                self.world.jump(host, if forward { by } else { -by / 10 });
            }
            Kind::Late => {
                let lateness = self.rng.between(Duration::ZERO, Duration::from_millis(1500));
                self.world.make_late(host, lateness);
                self.later(500, 4000, Undo::Punctual(host));
            }
            Kind::Slow => {
                self.world.slow(host, Some(1 + self.rng.below(200_000)));
                self.later(500, 4000, Undo::Fast(host));
            }
            _ => {}
        }
    }

    fn say(&mut self) -> Result<(), Violation> {
        let Some(host) = self.rng.pick(&self.world.alive()).copied() else { return Ok(()) };
        let burst = if self.rng.chance(100) { 1 + self.rng.below(30) } else { 1 };
        let long = self.rng.chance(10);
        for _ in 0..burst {
            let text = self.text(host, long);
            self.world.say(host, &text)?;
        }
        Ok(())
    }

    /// Some talk at one instant, and what follows happens while their messages are on the way.
    fn rush(&mut self) -> Result<(), Violation> {
        for _ in 0..=self.rng.below(4) {
            self.say()?;
        }
        let pause = self.rng.between(Duration::ZERO, self.quality.most * 2);
        self.wait(pause)
    }

    fn text(&mut self, host: HostId, long: bool) -> Text {
        self.sayings += 1;
        let filling = if long { self.rng.index(16_000) } else { 0 };
        let text = format!("{} says {} {}", self.world.label(host), self.sayings, "x".repeat(filling));
        // The longest is well below the limit.
        Text::new(&text).unwrap_or_else(|error| unreachable!("{error}"))
    }

    fn join(&mut self) {
        let Some(contact) = self.rng.pick(&self.world.alive()).copied() else { return };
        let mut contacts = vec![self.world.place(contact)];
        contacts.extend(self.steady().first().map(|&host| self.world.place(host)));
        if let Some(place) = self.free_places.pop() {
            self.world.join(place, &contacts);
        }
    }

    fn kill(&mut self) {
        let most = if self.rng.chance(300) { 1 + self.steady().len() / 2 } else { 1 };
        for _ in 0..most {
            if let Some(host) = self.dispensable() {
                self.world.kill(host, Death::Killed);
            }
        }
    }

    fn restart(&mut self) {
        let Some(host) = self.dispensable() else { return };
        let place = self.world.place(host);
        self.world.kill(host, Death::Killed);
        let contacts: Vec<Place> = self.steady().iter().map(|&host| self.world.place(host)).collect();
        self.world.join(place, &contacts);
    }

    fn cut(&mut self, both_ways: bool) {
        let mut places: Vec<Place> = self.world.alive().iter().map(|&host| self.world.place(host)).collect();
        self.rng.shuffle(&mut places);
        if both_ways {
            places.truncate(1 + self.rng.index(places.len()));
            self.world.partition(&places);
        } else if let [from, to, ..] = places[..] {
            self.world.cut(from, to);
        }
        self.later(100, 5000, Undo::Heal);
    }

    /// Members that run and stay.
    fn steady(&self) -> Vec<HostId> {
        let steady = |host: &HostId| self.world.life(*host) == Life::Running && !self.world.is_leaving(*host);
        self.world.members().into_iter().filter(steady).collect()
    }

    /// A member that may go, since another one stays; often the leader.
    fn dispensable(&mut self) -> Option<HostId> {
        let steady = self.steady();
        let leader = steady.iter().find(|&&host| self.world.node(host).is_leader()).copied();
        if steady.len() < 2 {
            None
        } else if self.rng.chance(300) && leader.is_some() {
            leader
        } else {
            self.rng.pick(&steady).copied()
        }
    }
}

/// Peace.
impl Chaos {
    fn make_peace(&mut self) -> Result<(), Violation> {
        for undo in std::mem::take(&mut self.later).into_values() {
            self.undo(undo)?;
        }
        Ok(())
    }

    fn shape(&self) -> Shape {
        if self.faults.crash_only() { Shape::OneRing } else { Shape::Merged }
    }

    /// All that live agree, and nothing is lost.
    fn agree(&mut self) -> Result<(), Violation> {
        let end = self.world.now().after(AGREEING + AGREEING_EACH * self.nodes);
        while let Err(violation) = self.world.rings(self.shape()) {
            if self.world.now() >= end {
                return Err(violation);
            }
            self.world.run_for(Duration::from_millis(50))?;
        }
        Ok(())
    }

    /// Whatever anybody says now, all of its ring hear.
    fn all_are_heard(&mut self) -> Result<(), Violation> {
        let last: Vec<(HostId, Text)> =
            self.world.alive().into_iter().map(|host| (host, self.text(host, false))).collect();
        for (host, text) in &last {
            self.world.say(*host, text)?;
        }
        self.world.run_for(Duration::from_secs(1))?;
        let rings = self.world.rings(self.shape())?;
        for ring in &rings {
            for (from, text) in last.iter().filter(|(from, _)| ring.contains(from)) {
                let deaf = ring.iter().find(|&&to| !self.world.room().history(to).showed(text.as_str()));
                if let Some(&deaf) = deaf {
                    let (from, deaf) = (self.world.label(*from), self.world.label(deaf));
                    return Err(self.violation("L1", format!("{deaf} does not hear {from} in the end")));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_known_by_its_name() {
        assert_eq!("cut".parse(), Ok(Mix::Cut));
        assert_eq!("".parse::<Mix>(), Err(UnknownMix));
    }

    #[test]
    fn the_mixes_keep_to_their_promises() {
        let mut rng = Rng::new(1);
        let mut draw = |mix: Mix| (0..100).map(|_| mix.draw(&mut rng)).collect::<Vec<_>>();
        assert!(draw(Mix::Crash).iter().all(Faults::crash_only));
        assert!(!draw(Mix::Freeze).iter().any(Faults::crash_only));
        assert!(!draw(Mix::Cut).iter().any(Faults::crash_only));
        assert!(draw(Mix::All).iter().any(Faults::crash_only));
    }
}
