//! Scenarios: runs that a person can read, as text.
//!
//! ```text
//! nodes 5 seed 42              members 1 to 5, in this ring order; 1 creates the room
//! at 1s say 3 hello
//! at 2s crash leader next      both at one instant
//! until converged within 5s    from here on, times are counted from zero again
//! expect shown-by-all hello
//! ```
//!
//! All deeds and conditions stand in [`ScenarioAction`], [`Impairment`] and [`Condition`]. The oracles watch every run.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;
mod parse;

pub use parse::{
    BadDials, Condition, Impairment, ParseError, Scenario, ScenarioAction, Statement, Target, parse,
};

use core::fmt;
use core::slice;
use core::time::Duration;

#[cfg(feature = "ablation")]
use ringchat_core::Rule;
use ringchat_core::{Ending, Instant, NodeId, Text};

use crate::oracles::{FaultModel, Shape, Violation};
use crate::{Death, HostId, Life, Quality, World, place_of};

/// Why a scenario did not go as written.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The text is no scenario.
    Parse(ParseError),
    /// An oracle found something.
    Violation(Violation),
    /// Something expected is not so.
    Unmet {
        /// The line, from 1; 0 for the gathering of the first ring.
        line: usize,
        /// What is so instead.
        instead: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Violation(violation) => violation.fmt(f),
            Self::Unmet { line, instead } => write!(f, "line {line} does not hold: {instead}"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// How often conditions are looked at.
const PACE: Duration = Duration::from_millis(5);
/// How long the first ring may take to gather, for each member.
const GATHERING: Duration = Duration::from_secs(10);

/// Plays a scenario; the trace comes with it, whatever came of it.
pub fn play(text: &str) -> (Result<(), Failure>, String) {
    play_in(text, |_| {})
}

/// Plays a scenario of nodes that lack these rules.
#[cfg(feature = "ablation")]
pub fn play_without(rules: &'static [Rule], text: &str) -> (Result<(), Failure>, String) {
    play_in(text, |world| world.ablate(rules))
}

/// Plays a scenario in a world that `prepare` has changed.
fn play_in(text: &str, prepare: impl FnOnce(&mut World)) -> (Result<(), Failure>, String) {
    match parse(text) {
        Err(error) => (Err(Failure::Parse(error)), String::new()),
        Ok(scenario) => {
            let mut play = Play::new(&scenario, true);
            prepare(&mut play.world);
            let result = play.run(&scenario);
            (result, play.world.trace().to_owned())
        }
    }
}

/// What somebody who is there at the end of a scenario has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Target: a place, and a letter if it is not the first there.
    pub who: String,
    /// All texts, in the order in which they were shown.
    pub shown: Vec<String>,
}

/// Plays a scenario without a trace; the rings at its end, and what their members have shown.
///
/// # Errors
/// If it does not go as written, or ends while somebody is in no ring.
pub fn play_to_end(text: &str) -> Result<Vec<Vec<Survivor>>, Failure> {
    let scenario = parse(text).map_err(Failure::Parse)?;
    let mut play = Play::new(&scenario, false);
    play.run(&scenario)?;
    let chat = |&host: &HostId| {
        let shown = play.world.transcripts().of(host).texts.iter().cloned();
        Survivor { who: play.world.label(host).to_owned(), shown: shown.collect() }
    };
    let rings = play.world.rings(Shape::SomeRings)?;
    Ok(rings.iter().map(|ring| ring.iter().map(chat).collect()).collect())
}

struct Play {
    world: World,
    /// What the ways are like when nothing is wrong with them.
    quality: Quality,
    /// From when times are counted.
    zero: Instant,
    leader: Option<NodeId>,
}

impl Play {
    fn new(scenario: &Scenario, trace: bool) -> Self {
        let more = |(_, step): &(usize, Statement)| matches!(step, Statement::At(_, action) if action.is_more_than_a_crash());
        let any = scenario.steps.iter().any(more);
        let sleeps =
            scenario.steps.iter().any(|(_, step)| matches!(step, Statement::At(_, ScenarioAction::Sleep(_))));
        let fault_model = match (any, sleeps) {
            (true, _) => FaultModel::Any,
            (false, true) => FaultModel::OneSleeps,
            (false, false) => FaultModel::CrashOnly,
        };
        let quality = Quality { most: scenario.delay, ..Quality::GOOD };
        let world = World::new(scenario.seed, quality, fault_model, trace);
        Self { world, quality, zero: Instant::ZERO, leader: None }
    }

    fn run(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        self.gather(scenario)?;
        for (line, step) in &scenario.steps {
            match step {
                Statement::At(time, action) => {
                    self.world.run_to(self.zero.after(*time))?;
                    self.act(action)?;
                }
                Statement::Until(condition, limit) => self.wait(*line, condition, *limit)?,
                Statement::Quiet(time) => self.world.be_quiet(*time)?,
                Statement::Expect(condition) => {
                    self.holds(condition).map_err(|instead| Failure::Unmet { line: *line, instead })?;
                }
                Statement::ExpectNot(condition) => {
                    if self.holds(condition).is_ok() {
                        return Err(Failure::Unmet { line: *line, instead: "it is so".into() });
                    }
                }
            }
        }
        Ok(())
    }

    /// Each joins after the one before it, so that the ring is in the order written.
    fn gather(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let mut last = None;
        for &place in &scenario.ring {
            let host = match last {
                None => self.world.create(place),
                Some(contact) => self.world.join(place, &[contact]),
            };
            last = Some(place);
            let ready = |world: &World| world.transcripts().of(host).ready.is_some();
            if !self.world.run_until(GATHERING, PACE, ready)? {
                return Err(Failure::Unmet { line: 0, instead: format!("{place} does not get in") });
            }
        }
        self.wait(0, &Condition::Converged, GATHERING)
    }

    fn wait(&mut self, line: usize, condition: &Condition, limit: Duration) -> Result<(), Failure> {
        if *condition == Condition::Time {
            self.world.run_for(limit)?;
        } else {
            let end = self.world.now().after(limit);
            while let Err(instead) = self.holds(condition) {
                if self.world.now() >= end {
                    return Err(Failure::Unmet { line, instead });
                }
                self.world.run_for(PACE)?;
            }
        }
        self.zero = self.world.now();
        self.leader = self.current_leader().map(|(id, _)| id);
        Ok(())
    }

    fn act(&mut self, action: &ScenarioAction) -> Result<(), Failure> {
        match action {
            ScenarioAction::Say(who, text) => self.say(who, slice::from_ref(text))?,
            ScenarioAction::Flood(who, count) => {
                let texts: Vec<String> = (1..=*count).map(|n| format!("flood {n}")).collect();
                self.say(who, &texts)?;
            }
            ScenarioAction::Crash(who) => {
                self.each(who).into_iter().for_each(|h| self.world.kill(h, Death::Killed))
            }
            ScenarioAction::PowerOff(who) => {
                self.each(who).into_iter().for_each(|h| self.world.kill(h, Death::PowerOff));
            }
            ScenarioAction::Restart(who, contact) => {
                let contacts: Vec<_> = self.each(&[*contact]).iter().map(|&h| self.world.place(h)).collect();
                for host in self.each(who) {
                    self.world.join(self.world.place(host), &contacts);
                }
            }
            ScenarioAction::Freeze(who) => self.each(who).into_iter().for_each(|h| self.world.freeze(h)),
            ScenarioAction::Sleep(who) => self.those(*who).into_iter().for_each(|h| self.world.sleep(h)),
            ScenarioAction::Thaw(who) => self.each(who).into_iter().try_for_each(|h| self.world.thaw(h))?,
            ScenarioAction::Leave(who) => self.each(who).into_iter().try_for_each(|h| self.world.leave(h))?,
            ScenarioAction::Join(who, contacts) => self.join(who, contacts),
            ScenarioAction::Cut(from, to) => {
                for (from, to) in self.each(&[*from]).into_iter().zip(self.each(&[*to])) {
                    self.world.cut(self.world.place(from), self.world.place(to));
                }
            }
            ScenarioAction::Partition(who) => {
                let side: Vec<_> = self.each(who).iter().map(|&h| self.world.place(h)).collect();
                self.world.partition(&side);
            }
            ScenarioAction::Heal(how) => self.world.heal(*how),
            ScenarioAction::Impair(impairment) => self.impair(impairment),
        }
        Ok(())
    }

    /// Makes something go badly, or well again.
    fn impair(&mut self, impairment: &Impairment) {
        match impairment {
            Impairment::FreezeForEver(who) => {
                self.each(who).into_iter().for_each(|h| self.world.freeze_for_ever(h));
            }
            Impairment::Break(who, n) => {
                self.each(who).into_iter().for_each(|h| self.world.break_link(h, *n))
            }
            Impairment::HalfOpen(who, n) => {
                self.each(who).into_iter().for_each(|h| self.world.half_open(h, *n));
            }
            Impairment::Slow(who, pace) => {
                let pace = (*pace > 0).then_some(*pace);
                self.those(*who).into_iter().for_each(|h| self.world.slow(h, pace));
            }
            Impairment::Late(who, most) => {
                self.those(*who).into_iter().for_each(|h| self.world.make_late(h, *most));
            }
            Impairment::Jump(who, by) => self.those(*who).into_iter().for_each(|h| self.world.jump(h, *by)),
            Impairment::Queues(who, bytes) => {
                self.those(*who).into_iter().for_each(|h| self.world.bound_queues(h, *bytes));
            }
            Impairment::Dials(how) => {
                let (refusals, time_outs) = match *how {
                    BadDials::Refused(count) => (count, 0),
                    BadDials::Lost(count) => (0, count),
                };
                self.world.set_quality(Quality { refusals, time_outs, ..self.quality });
            }
        }
    }

    fn say(&mut self, who: &[Target], texts: &[String]) -> Result<(), Violation> {
        let short = |text| Text::new(text).unwrap_or_else(|error| unreachable!("a line is shorter: {error}"));
        let texts: Vec<Text> = texts.iter().map(|text| short(text)).collect();
        self.each(who).into_iter().try_for_each(|host| self.world.say_all(host, &texts))
    }

    fn join(&mut self, who: &[Target], contacts: &[Target]) {
        let place = |contact: &Target| match *contact {
            Target::At(place) => vec![place],
            other => self.those(other).into_iter().map(|host| self.world.place(host)).collect(),
        };
        let contacts: Vec<_> = contacts.iter().flat_map(place).collect();
        for who in who {
            if let Target::At(place) = who {
                self.world.join(*place, &contacts);
            }
        }
    }
}

/// Target and what.
impl Play {
    /// Those meant, all looked up before anything happens to one of them.
    fn each(&self, who: &[Target]) -> Vec<HostId> {
        who.iter().flat_map(|&who| self.those(who)).collect()
    }

    fn those(&self, who: Target) -> Vec<HostId> {
        match who {
            Target::At(place) => self.world.at(place).into_iter().collect(),
            Target::All => self.world.members(),
            Target::Others => {
                let leader = self.current_leader().map(|(_, host)| host);
                self.world.members().into_iter().filter(|&host| Some(host) != leader).collect()
            }
            Target::Leader => self.current_leader().into_iter().map(|(_, host)| host).collect(),
            Target::Next => self.seen_from_leader(|ring| ring.first().copied()),
            Target::Prev => self.seen_from_leader(|ring| ring.last().copied()),
            Target::Opposite => self.seen_from_leader(|ring| ring.get(ring.len() / 2).copied()),
        }
    }

    /// The one whom `pick` picks from the ring, which starts after the leader.
    fn seen_from_leader(&self, pick: impl Fn(&[NodeId]) -> Option<NodeId>) -> Vec<HostId> {
        let ring = self
            .current_leader()
            .map(|(leader, host)| self.world.node(host).roster().after(leader).collect::<Vec<_>>());
        let picked = ring.and_then(|ring| pick(&ring));
        picked.and_then(|id| self.world.at(place_of(id))).into_iter().collect()
    }

    /// The live leader of the highest epoch that a running member reports.
    fn current_leader(&self) -> Option<(NodeId, HostId)> {
        let reports = self.world.reports().into_iter();
        let running = reports.filter(|(host, _)| self.world.life(*host) == Life::Running);
        let led = running.filter_map(|(_, report)| Some((report.epoch, report.leader?.id)));
        let (_, id) = led.max()?;
        Some((id, self.world.at(place_of(id))?))
    }

    fn holds(&self, condition: &Condition) -> Result<(), String> {
        let is = |so: bool, instead: &str| if so { Ok(()) } else { Err(instead.to_owned()) };
        match condition {
            Condition::Converged => self.agreed(Shape::OneRing).map(|_| ()),
            Condition::Merged => self.agreed(Shape::Merged).map(|_| ()),
            Condition::Settled => self.agreed(Shape::SomeRings).map(|_| ()),
            Condition::Rings(count) => {
                let rings = self.agreed(Shape::SomeRings)?.len();
                is(rings == *count, &format!("there are {rings} rings"))
            }
            Condition::NewLeader => {
                let leader = self.current_leader().map(|(id, _)| id);
                is(leader.is_some() && leader != self.leader, "the leader is the same or none")
            }
            Condition::ShownBy(who, text) => self.shown_by(*who, text),
            Condition::ShownAs(occasion, who, text) => self.every(
                *who,
                |host| self.world.transcripts().of(host).showed_as(text, *occasion),
                &format!("does not show it as {occasion:?}"),
            ),
            Condition::Members(count) => {
                let members = self.world.members().len();
                is(members == *count, &format!("there are {members}"))
            }
            Condition::Elections(most) => {
                let elections = self.world.counts().elects.len();
                is(elections <= *most, &format!("there were {elections}"))
            }
            Condition::Faults(count) => {
                let faults: u64 = self.world.reports().iter().map(|(_, report)| report.stats.faults).sum();
                is(faults == *count, &format!("there are {faults}"))
            }
            Condition::Ready(who) => {
                self.every(*who, |host| self.world.transcripts().of(host).ready.is_some(), "is not in")
            }
            Condition::Ended(who) => {
                let ended = |host| {
                    let ending = self.world.transcripts().of(host).ending.as_ref();
                    self.world.life(host) == Life::Ended && ending == Some(&Ending::Left { unsure: 0 })
                };
                self.every(*who, ended, "has not ended in order")
            }
            Condition::LeftBehind(who) => self.every(
                *who,
                |host| self.world.transcripts().of(host).left_behind > 0,
                "was not left behind",
            ),
            Condition::Gap(who) => {
                self.every(*who, |host| self.world.transcripts().of(host).has_gap(), "was told of no gap")
            }
            Condition::CutOff(who) => {
                self.every(*who, |host| self.world.transcripts().of(host).cut_off > 0, "was not cut off")
            }
            Condition::Leads(who) => {
                let leader = self.current_leader().map(|(_, host)| host);
                self.every(*who, |host| Some(host) == leader, "does not lead")
            }
            Condition::Time => Ok(()),
        }
    }

    fn every(&self, who: Target, so: impl Fn(HostId) -> bool, not: &str) -> Result<(), String> {
        let those = self.those(who);
        match those.iter().find(|&&host| !so(host)) {
            Some(&host) => Err(format!("{} {not}", self.world.label(host))),
            None if those.is_empty() => Err("there is nobody of that kind".into()),
            None => Ok(()),
        }
    }

    fn shown_by(&self, who: Target, text: &str) -> Result<(), String> {
        self.every(who, |host| self.world.transcripts().of(host).showed(text), "does not show it")
    }

    fn agreed(&self, shape: Shape) -> Result<Vec<Vec<HostId>>, String> {
        self.world.rings(shape).map_err(|violation| violation.to_string())
    }
}
