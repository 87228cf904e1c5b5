//! The body of the fuzz target of whole rings. A test replays its corpus.

use std::time::Duration;

use ringchat_core::Text;

use ringchat_sim::oracles::{FaultModel, Shape, Violation};
use ringchat_sim::{Death, Heal, HostId, Lies, Life, Place, Property, Quality, World};

/// The most members at the start.
const MEMBERS: u8 = 5;
/// The most processes that start in one run.
const PROCESSES: usize = 12;
/// The most events in one run.
const STEPS: usize = 64;
/// From this on, the first byte of an event tells of lies.
const LIES: u8 = 240;
/// How long the members may take to get in.
const JOINING: Duration = Duration::from_secs(15);
/// How long the members may take to agree once the faults have stopped.
const AGREEING: Duration = Duration::from_secs(40);
/// How long the room has to be quiet in the end.
const QUIET: Duration = Duration::from_secs(5);

/// Plays what `data` tells to a ring. Panics if a property does not hold, or if the members do not come to rest once
/// the faults have stopped.
///
/// The first byte of `data` gives the number of members, the second the seed of the network, and then three bytes give
/// each event: what happens, to which member, and how long after the event before. The first event that tells of lies makes
/// the member a liar, and the bits of its second byte are what it lies about; each later one is what the liar sends.
pub fn ring(data: &[u8]) {
    let [members, seed, schedule @ ..] = data else { return };
    let lies = schedule.chunks_exact(3).take(STEPS).any(|step| step.first() >= Some(&LIES));
    let mut ring = Ring::new(u64::from(*seed), if lies { FaultModel::Lies } else { FaultModel::Any });
    let outcome = ring.run(2 + members % (MEMBERS - 1), schedule);
    assert_eq!(outcome, Ok(()), "a promise is broken");
}

struct Ring {
    world: World,
    liar: Option<HostId>,
    places: Place,
    /// How many processes have started.
    processes: usize,
    sayings: usize,
}

impl Ring {
    fn new(seed: u64, fault_model: FaultModel) -> Self {
        Self {
            world: World::new(seed, Quality::GOOD, fault_model, false),
            liar: None,
            places: 0,
            processes: 0,
            sayings: 0,
        }
    }

    fn run(&mut self, members: u8, schedule: &[u8]) -> Result<(), Violation> {
        let first = self.place();
        self.world.create(first);
        for _ in 1..members {
            let place = self.place();
            self.world.join(place, &[first]);
        }
        if !self.world.run_until(JOINING, Duration::from_millis(5), everybody_is_in)? {
            return Err(Violation::new(self.world.now(), Property::NewcomersGetIn, "not everybody is in"));
        }
        for step in schedule.chunks_exact(3).take(STEPS) {
            if let &[what, whom, when] = step {
                let when = u64::from(when);
                self.world.run_for(Duration::from_micros(when * when * 50))?;
                self.happen(what, usize::from(whom))?;
            }
        }
        self.end_faults()?;
        self.agree()?;
        self.all_are_heard()?;
        self.world.run_for(Duration::from_secs(3))?;
        self.world.be_quiet(QUIET)
    }

    fn happen(&mut self, what: u8, whom: usize) -> Result<(), Violation> {
        let alive = self.world.alive();
        let Some(&host) = alive.get(whom % alive.len().max(1)) else { return Ok(()) };
        if what >= LIES {
            self.lie(host, what, whom);
            return Ok(());
        }
        let place = self.world.place(host);
        match what % 20 {
            0 => self.join(place),
            1 if self.stays(host) && self.others_stay(host) => self.world.leave(host)?,
            2 if self.others_stay(host) => self.world.kill(host, Death::Killed),
            3 if self.others_stay(host) => self.world.kill(host, Death::PowerOff),
            1..=3 => {}
            4 => self.world.break_link(host, whom / alive.len()),
            5 => self.world.freeze(host),
            6 => self.world.thaw(host)?,
            7 => self.world.make_late(host, Duration::from_millis(whom as u64 * 4)),
            8 => self.world.slow(host, Some(1 + whom as u64 * 64)),
            9 => self.world.slow(host, None),
            10 => self.cut(whom),
            11 => self.partition(whom),
            12 => self.world.heal(if whom & 1 == 0 { Heal::Deliver } else { Heal::Reset }),
            13 => self.world.jump(host, i64::try_from(whom).unwrap_or(0) * 10_000),
            16 if self.others_stay(host) => self.restart(host),
            17 => self.dial_badly(whom),
            18 => self.say(host, 1, 16 * 1024 - 64)?,
            _ => self.say(host, 1 + whom % 4, 0)?,
        }
        Ok(())
    }

    /// A member begins to lie, or the one that lies sends what nobody waits for.
    fn lie(&mut self, host: HostId, what: u8, whom: usize) {
        let choice = u64::from(what) << 8 | whom as u64;
        match self.liar {
            Some(liar) if self.world.life(liar) == Life::Running => self.world.forge(liar, choice),
            None if self.others_stay(host) => {
                self.world.corrupt(host, Lies::of_bits(u8::try_from(whom).unwrap_or(u8::MAX)));
                self.liar = Some(host);
            }
            _ => {}
        }
    }

    /// A place that no process has had.
    fn place(&mut self) -> Place {
        self.places += 1;
        self.processes += 1;
        self.places
    }

    fn join(&mut self, contact: Place) {
        if self.processes < PROCESSES {
            let place = self.place();
            self.world.join(place, &[contact]);
        }
    }

    /// A process is killed, and another one starts at its place.
    fn restart(&mut self, host: HostId) {
        if self.processes < PROCESSES {
            let place = self.world.place(host);
            self.world.kill(host, Death::Killed);
            let contacts: Vec<Place> =
                self.world.members().into_iter().map(|host| self.world.place(host)).collect();
            self.processes += 1;
            self.world.join(place, &contacts);
        }
    }

    /// Some dials are refused or time out, although a process listens.
    fn dial_badly(&mut self, how: usize) {
        let share = u32::try_from(how * 2).unwrap_or(0);
        let (refusals, time_outs) = if how & 1 == 0 { (share, 0) } else { (0, share) };
        self.world.set_quality(Quality { refusals, time_outs, ..Quality::GOOD });
    }

    /// Whether the process runs, and its user does not leave.
    fn stays(&self, host: HostId) -> bool {
        self.world.life(host) == Life::Running && !self.world.is_leaving(host)
    }

    /// Whether the room goes on without this member.
    fn others_stay(&self, host: HostId) -> bool {
        self.world.members().iter().any(|other| *other != host && self.stays(*other))
    }

    fn say(&mut self, host: HostId, count: usize, filling: usize) -> Result<(), Violation> {
        let texts: Vec<Text> = (0..count).map(|_| self.text(host, filling)).collect();
        self.world.say_all(host, &texts)
    }

    fn text(&mut self, host: HostId, filling: usize) -> Text {
        self.sayings += 1;
        let text = format!("{} says {}{}", self.world.label(host), self.sayings, "x".repeat(filling));
        Text::new(&text).unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// One direction between two places is cut.
    fn cut(&mut self, which: usize) {
        let places = self.places as usize;
        let (from, to) = (1 + which % places, 1 + which / places % places);
        if let (Ok(from), Ok(to)) = (Place::try_from(from), Place::try_from(to))
            && from != to
        {
            self.world.cut(from, to);
        }
    }

    /// The places whose bits are set are cut off from the others.
    fn partition(&mut self, which: usize) {
        let side: Vec<Place> = (1..=self.places).filter(|place| which >> (place % 8) & 1 == 1).collect();
        self.world.partition(&side);
    }

    fn end_faults(&mut self) -> Result<(), Violation> {
        if let Some(liar) = self.liar {
            self.world.kill(liar, Death::Killed);
        }
        self.world.heal(Heal::Deliver);
        self.world.set_quality(Quality::GOOD);
        for host in self.world.alive() {
            self.world.thaw(host)?;
            self.world.make_late(host, Duration::ZERO);
            self.world.slow(host, None);
        }
        Ok(())
    }

    /// All live members agree, and nothing is lost.
    fn agree(&mut self) -> Result<(), Violation> {
        let end = self.world.now().after(AGREEING);
        while let Err(violation) = self.world.rings(Shape::Merged) {
            if self.world.now() >= end {
                return Err(violation);
            }
            self.world.run_for(Duration::from_millis(50))?;
        }
        Ok(())
    }

    /// Each member hears what each other member of its ring says now.
    fn all_are_heard(&mut self) -> Result<(), Violation> {
        let alive = self.world.alive();
        let last: Vec<(HostId, Text)> = alive.into_iter().map(|host| (host, self.text(host, 0))).collect();
        for (host, text) in &last {
            self.world.say(*host, text)?;
        }
        // All may agree before the last fault is noticed, so its consequences are waited for.
        self.world.run_for(Duration::from_secs(2))?;
        self.agree()?;
        for ring in self.world.rings(Shape::Merged)? {
            for (from, text) in last.iter().filter(|(from, _)| ring.contains(from)) {
                if !ring.iter().all(|&to| self.world.transcripts().of(to).showed(text.as_str())) {
                    let detail = format!("{} is not heard in the end", self.world.label(*from));
                    return Err(Violation::new(self.world.now(), Property::NothingLost, detail));
                }
            }
        }
        Ok(())
    }
}

fn everybody_is_in(world: &World) -> bool {
    world.members().len() == world.alive().len()
}
