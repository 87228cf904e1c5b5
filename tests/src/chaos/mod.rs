//! Random runs: a ring, faults of some kinds at random times, and then the checks of a room that comes to rest.

mod actions;
mod liars;
mod mix;
mod quiesce;
mod record;
mod totals;

pub use mix::{Faults, Lasting, Mix, UnknownMix};
pub use record::{Difference, Recipe, RecordError, difference};
pub use totals::Totals;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ringchat_core::Instant;
use ringchat_core::limits::LINK_QUEUE_BYTES;

use ringchat_sim::oracles::Violation;
use ringchat_sim::{Counts, Heal, HostId, Place, Property, Quality, Rng, World};

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The first violation, if any.
    pub result: Result<(), Violation>,
    /// The trace, if it was kept.
    pub trace: String,
    /// The counts.
    pub counts: Counts,
    /// How many messages the oracles have checked.
    pub checked: u64,
    /// How long the run took, in virtual time.
    pub time: Instant,
    /// How long after the last fault all members agreed. None if they did not, or if two of them could never link.
    pub agreed_after: Option<Duration>,
}

/// How long the members may take to get in.
const JOINING: Duration = Duration::from_secs(15);

/// Runs once; keeps the trace if `trace`.
fn run(recipe: &Recipe, trace: bool) -> RunOutcome {
    let mut chaos = Chaos::new(recipe, trace);
    recipe.ablation.prepare_world(&mut chaos.world);
    let result = catch_unwind(AssertUnwindSafe(|| chaos.run()))
        .unwrap_or_else(|panic| Err(chaos.violation(Property::NoPanic, message(&*panic))));
    let Chaos { world, agreed_after, .. } = chaos;
    let mut counts = world.counts().clone();
    counts.faults.insert("full queue", world.overflows());
    counts.faults.retain(|_, count| *count > 0);
    RunOutcome {
        result,
        trace: world.trace().to_owned(),
        checked: world.transcripts().checked(),
        time: world.now(),
        agreed_after,
        counts,
    }
}

/// The message of a panic, if it is text.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

struct Chaos {
    rng: Rng,
    world: World,
    nodes: u32,
    faults: Faults,
    /// The quality of the network without faults.
    quality: Quality,
    /// The faults that end later, by time.
    later: BTreeMap<(Instant, u64), Undo>,
    free_places: Vec<Place>,
    /// How many entries `later` has had.
    delayed: u64,
    sayings: u64,
    /// When a connection was broken last.
    broken: Option<Instant>,
    /// Whether somebody without the secret attacks the links. What is left out of a link can make it fall silent, and a live
    /// member look dead, so nobody attacks where promises are strict.
    outsider: bool,
    /// Who was there before a member began to lie. A newcomer that a liar lets in may know nobody else.
    before_lies: Vec<HostId>,
    agreed_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Thaw(HostId),
    Punctual(HostId),
    Fast(HostId),
    LongQueues(HostId),
    Reboot(Place),
    Heal,
    GoodDials,
}

/// The longest way of a message where a member sleeps whose link has just broken: a new link has a tenth of `detect` to stand.
const FAST: Duration = Duration::from_millis(10);

impl Chaos {
    fn new(recipe: &Recipe, trace: bool) -> Self {
        let mut rng = Rng::new(recipe.seed);
        let faults = recipe.mix.draw(&mut rng);
        let fault_model = faults.fault_model();
        let nodes = recipe.nodes.unwrap_or_else(|| 2 + u32::try_from(rng.below(9)).unwrap_or(0));
        let mut free_places: Vec<Place> = (1..=nodes + 100).collect();
        rng.shuffle(&mut free_places);
        let most = rng.pick(&[1, 2, 10, 50]).copied().map_or(Quality::GOOD.most, Duration::from_millis);
        let most = if faults.unlinked_sleep > 0 { most.min(FAST) } else { most };
        let quality = Quality { most, ..Quality::GOOD };
        let world = World::new(rng.bits(), quality, fault_model, trace);
        let world = if recipe.secure { world.with_real_keys() } else { world };
        let later = BTreeMap::new();
        Self {
            rng,
            world,
            quality,
            nodes,
            faults,
            later,
            free_places,
            delayed: 0,
            sayings: 0,
            broken: None,
            outsider: recipe.secure && !fault_model.is_strict(),
            before_lies: Vec::new(),
            agreed_after: None,
        }
    }

    fn run(&mut self) -> Result<(), Violation> {
        self.gather()?;
        if let Some(lies) = self.faults.lies {
            self.before_lies = self.world.alive();
            self.corrupt_one(lies);
        }
        let end = self.world.now().after(self.rng.between(Duration::from_secs(1), Duration::from_secs(8)));
        while self.world.now() < end {
            let pause = self.rng.between(Duration::ZERO, Duration::from_millis(120));
            self.wait(pause)?;
            self.act()?;
        }
        self.liars_go();
        self.end_faults()?;
        match self.something_lasts() {
            None => self.all_come_to_rest(),
            Some(apart) => self.others_go_on(apart),
        }
    }

    /// Starts the ring. Its members join one after another or all at once, each through a random one.
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
        Err(self.violation(Property::NewcomersGetIn, format!("{members} of {alive} are members")))
    }

    fn violation(&self, property: Property, detail: String) -> Violation {
        Violation::new(self.world.now(), property, detail)
    }

    /// Lets time pass, and ends the faults that end in it.
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
        self.delayed += 1;
        self.later.insert((end, self.delayed), undo);
    }

    fn undo(&mut self, undo: Undo) -> Result<(), Violation> {
        match undo {
            Undo::Thaw(host) => self.world.thaw(host)?,
            Undo::Punctual(host) => self.world.make_late(host, Duration::ZERO),
            Undo::Fast(host) => self.world.slow(host, None),
            Undo::LongQueues(host) => self.world.bound_queues(host, LINK_QUEUE_BYTES),
            Undo::Reboot(place) => self.come_back(place),
            Undo::GoodDials => self.world.set_quality(self.quality),
            Undo::Heal => {
                let how = if self.rng.chance(500) { Heal::Deliver } else { Heal::Reset };
                self.world.heal(how);
            }
        }
        Ok(())
    }
}
