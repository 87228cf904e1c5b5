//! Options become the text of a scenario.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use ringchat_core::limits::MAX_ROSTER;
use ringchat_sim::Place;
use ringchat_sim::scenario::{
    Scenario, ScenarioAction, Statement, brief, parse_time, place_called, usual_name,
};

use super::flags::SimFlags;

/// The words for the members that have a role at that time.
const ROLES: [&str; 6] = ["leader", "next", "prev", "opposite", "others", "all"];

/// How many members begin, unless it is said.
const NODES: &str = "5";

/// How long a run lasts at most, unless it is said.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a run goes on when everything is well again.
const AFTERWARDS: &str = "until time within 1s\n";

/// The place that a number or a name stands for.
fn place_of(word: &str) -> Result<Place, String> {
    place_called(word).ok_or_else(|| {
        format!("{:?} is no place; write a number from 1 to {MAX_ROSTER}, or ada, bob and so on", brief(word))
    })
}

/// The scenario that the options tell.
///
/// # Errors
/// What is wrong with them, in words.
pub(super) fn of_flags(flags: &SimFlags) -> Result<String, String> {
    let ring = ring(flags)?;
    let deeds = Deeds::of(flags, &ring)?;
    let mut text = "ring".to_owned();
    for place in &ring {
        let _ = write!(text, " {place}");
    }
    text.push_str(&head(flags)?);
    for place in &deeds.places {
        let _ = writeln!(text, "name {place} {}", usual_name(*place));
    }
    let last = deeds.lines.last().map_or(Duration::ZERO, |(time, _, _)| *time);
    for (_, time, deed) in &deeds.lines {
        let _ = writeln!(text, "at {time} {deed}");
    }
    let longest = flags.longest.as_deref().map_or(Ok(LONGEST), |time| moment("--for", time))?;
    let left = longest.checked_sub(last).filter(|left| left.as_millis() > 0);
    let left = left.ok_or("everything has to happen before the time of --for; give more")?;
    text.push_str(&end(left, deeds.is_open));
    Ok(text)
}

/// What a script that waits for nothing waits for at its end, and the line before which it does: the first of what it
/// expects there.
pub(super) fn end_of(scenario: &Scenario) -> Option<(String, Option<usize>)> {
    let mut last = Duration::ZERO;
    let mut is_open = false;
    for (_, statement) in &scenario.statements {
        match statement {
            Statement::Until(..) => return None,
            Statement::At(time, action) => {
                last = last.max(*time);
                is_open = match action {
                    ScenarioAction::Cut(..) | ScenarioAction::Partition(_) => true,
                    ScenarioAction::Heal(_) => false,
                    _ => is_open,
                };
            }
            _ => {}
        }
    }
    let expects = |(_, statement): &&(usize, Statement)| {
        matches!(statement, Statement::Expect(_) | Statement::ExpectNot(_))
    };
    let before = scenario.statements.iter().rev().take_while(expects).last().map(|(line, _)| *line);
    Some((end(LONGEST.saturating_sub(last).max(Duration::from_secs(1)), is_open), before))
}

/// Waits until everything is well again. While something stays cut that may never be, and time passes.
fn end(left: Duration, is_open: bool) -> String {
    let left = left.as_millis();
    if is_open {
        format!("until time within {left}ms\n")
    } else {
        format!("until converged within {left}ms\n{AFTERWARDS}")
    }
}

/// What stands behind the ring: the seed, and the times.
fn head(flags: &SimFlags) -> Result<String, String> {
    let seed = flags.seed.as_deref().unwrap_or("1");
    let number: u64 =
        seed.parse().map_err(|_| format!("--seed must be a whole number, not {:?}", brief(seed)))?;
    let mut text = format!(" seed {number}");
    if let Some(delay) = &flags.delay {
        moment("--delay", delay)?;
        let _ = write!(text, " delay {delay}");
    }
    if let Some(detect) = &flags.detect_ms {
        let wrong = || {
            format!("--detect-ms must be a number of milliseconds, 10 to 1000000000, not {:?}", brief(detect))
        };
        let ms =
            detect.parse().ok().filter(|ms: &u64| (10..=1_000_000_000).contains(ms)).ok_or_else(wrong)?;
        let _ = write!(text, " detect {ms}ms");
    }
    text.push('\n');
    Ok(text)
}

fn ring(flags: &SimFlags) -> Result<Vec<Place>, String> {
    match (&flags.nodes, &flags.ring) {
        (Some(_), Some(_)) => Err("--ring tells how many members there are; leave --nodes out".to_owned()),
        (_, Some(ring)) => ring.split(',').map(|word| place_of(word.trim())).collect(),
        (nodes, None) => {
            let nodes = nodes.as_deref().unwrap_or(NODES);
            let count = nodes.parse().ok().filter(|count| (1..=MAX_ROSTER).contains(count));
            let count = count
                .ok_or_else(|| format!("--nodes must be from 1 to {MAX_ROSTER}, not {:?}", brief(nodes)))?;
            Ok((1..).take(count).collect())
        }
    }
}

/// Something that lasts, and ends for all of its kind at once.
struct Span {
    from: Duration,
    /// None if it never ends.
    to: Option<Duration>,
    /// Whether the end is the end of others too.
    ends_all: bool,
    is_freeze: bool,
}

/// What happens.
struct Deeds {
    /// All places that members have.
    places: BTreeSet<Place>,
    /// When, as read and as written, and what.
    lines: Vec<(Duration, String, String)>,
    spans: Vec<Span>,
    /// Whether the network is still cut at the end.
    is_open: bool,
    /// Who joins at a place that somebody has or had, and the words for it.
    returners: Vec<(Place, String)>,
}

impl Deeds {
    fn of(flags: &SimFlags, ring: &[Place]) -> Result<Self, String> {
        let places = ring.iter().copied().collect();
        let mut deeds =
            Self { places, lines: Vec::new(), spans: Vec::new(), is_open: false, returners: Vec::new() };
        deeds.joins(&flags.join)?;
        deeds.check_joins(&[&flags.kill, &flags.power_off, &flags.leave])?;
        for (option, verb, all, end) in [
            ("--kill", "crash", &flags.kill, ""),
            ("--power-off", "power-off", &flags.power_off, ""),
            ("--restart", "restart", &flags.restart, " via all"),
            ("--leave", "leave", &flags.leave, ""),
        ] {
            for deed in all {
                let (who, time) = at(option, deed)?;
                let deed = format!("{verb} {}{end}", deeds.all_of(option, who)?);
                deeds.add(option, time, deed)?;
            }
        }
        deeds.speech(flags)?;
        flags.freeze.iter().try_for_each(|deed| deeds.freeze(deed))?;
        flags.cut.iter().try_for_each(|deed| deeds.cut(deed))?;
        flags.partition.iter().try_for_each(|deed| deeds.partition(deed))?;
        deeds.check_ends()?;
        // Those of one time stay in the order of the options.
        deeds.lines.sort_by_key(|(time, ..)| *time);
        Ok(deeds)
    }

    fn joins(&mut self, joins: &[String]) -> Result<(), String> {
        let option = "--join";
        for deed in joins {
            let (who, rest) = at(option, deed)?;
            let place = place_of(who)?;
            if !self.places.insert(place) {
                self.returners.push((place, deed.clone()));
            }
            let (time, contact) = rest.split_once(':').unwrap_or((rest, "all"));
            let contact = self.who(option, contact)?;
            self.add(option, time, format!("join {place} via {contact}"))?;
        }
        Ok(())
    }

    /// Checks that whoever joins where somebody was before may be the only one there. `ends` are the options that may end
    /// the one before.
    fn check_joins(&self, ends: &[&Vec<String>]) -> Result<(), String> {
        let named = |who: &str, place| {
            who.split(',').any(|word| place_called(word.trim()).is_none_or(|it| it == place))
        };
        for (place, deed) in &self.returners {
            let mut ends = ends.iter().flat_map(|deeds| deeds.iter());
            if !ends.any(|end| end.split_once('@').is_some_and(|(who, _)| named(who, *place))) {
                return Err(format!(
                    "--join lets a new member join, and {} is there already in {:?}; choose another place, or --restart it",
                    usual_name(*place),
                    brief(deed)
                ));
            }
        }
        Ok(())
    }

    fn speech(&mut self, flags: &SimFlags) -> Result<(), String> {
        for (option, verb, all) in [("--say", "say", &flags.say), ("--flood", "flood", &flags.flood)] {
            for deed in all {
                let (who, rest) = at(option, deed)?;
                let (time, what) =
                    rest.split_once(':').filter(|(_, what)| !what.trim().is_empty()).ok_or_else(|| {
                        format!(
                            "{option} needs something after the time, as in 2@1.5s:..., not {:?}",
                            brief(deed)
                        )
                    })?;
                if what.contains(char::is_control) {
                    return Err(format!("{option} takes one line of text, not {:?}", brief(what)));
                }
                let deed = format!("{verb} {} {what}", self.who(option, who)?);
                self.add(option, time, deed)?;
            }
        }
        Ok(())
    }

    fn freeze(&mut self, deed: &str) -> Result<(), String> {
        let option = "--freeze";
        let (who, times) = at(option, deed)?;
        let is_role = who.split(',').any(|word| ROLES.contains(&word));
        let who = self.all_of(option, who)?;
        let (from, to) = span(times);
        let verb = if to.is_some() { "freeze" } else { "freeze-for-ever" };
        let span = Span {
            from: moment(option, from)?,
            to: to.map(|to| moment(option, to)).transpose()?,
            ends_all: is_role,
            is_freeze: true,
        };
        self.add(option, from, format!("{verb} {who}"))?;
        if let Some(to) = to {
            // The leader of that time is not the one that stands still.
            let who = if is_role { "all" } else { &who };
            self.add(option, to, format!("thaw {who}"))?;
            self.spans.push(span);
        }
        Ok(())
    }

    fn cut(&mut self, deed: &str) -> Result<(), String> {
        let option = "--cut";
        let (who, times) = at(option, deed)?;
        let (a, b) =
            who.split_once('>').ok_or_else(|| format!("{option} takes WHO>WHO@T, not {:?}", brief(deed)))?;
        let (from, to) = (self.who(option, a)?, self.who(option, b)?);
        if from == to {
            return Err(format!("{option} takes two members, and {:?} names one twice", brief(who)));
        }
        self.cut_off(option, times, &[format!("cut {from} {to}")])
    }

    fn partition(&mut self, deed: &str) -> Result<(), String> {
        let option = "--partition";
        let (sides, times) = at(option, deed)?;
        let sides: Vec<&str> = sides.split('|').collect();
        let sides = sides.iter().map(|side| self.all_of(option, side)).collect::<Result<Vec<_>, _>>()?;
        let mut named = BTreeSet::new();
        if let Some(twice) = sides.iter().flat_map(|side| side.split(' ')).find(|who| !named.insert(*who)) {
            return Err(format!(
                "{option} puts {twice} on one side only, and {:?} names it twice",
                brief(deed)
            ));
        }
        if sides.len() == 1 && named.len() >= self.places.len() {
            return Err(format!("{option} leaves nobody on the other side in {:?}", brief(deed)));
        }
        // The last side is what the others leave, unless there is one only.
        let apart = sides.len().saturating_sub(1).max(1);
        let deeds: Vec<String> = sides.iter().take(apart).map(|side| format!("partition {side}")).collect();
        self.cut_off(option, times, &deeds)
    }

    fn cut_off(&mut self, option: &str, times: &str, deeds: &[String]) -> Result<(), String> {
        let (from, to) = span(times);
        for deed in deeds {
            self.add(option, from, deed.clone())?;
        }
        let span = Span {
            from: moment(option, from)?,
            to: to.map(|to| moment(option, to)).transpose()?,
            ends_all: true,
            is_freeze: false,
        };
        self.spans.push(span);
        self.is_open |= to.is_none();
        to.map_or(Ok(()), |to| self.add(option, to, "heal".to_owned()))
    }

    /// Checks that what lasts ends after it begins, and that no end comes too early for another.
    fn check_ends(&self) -> Result<(), String> {
        for span in &self.spans {
            let Some(end) = span.to else { continue };
            if end <= span.from {
                return Err("what lasts from one time to another has to end after it begins".to_owned());
            }
            let lasts = |other: &&Span| other.from < end && other.to.is_none_or(|to| to > end);
            let same = |other: &&Span| other.is_freeze == span.is_freeze;
            if span.ends_all && self.spans.iter().filter(same).any(|other| lasts(&other)) {
                return Err(if span.is_freeze {
                    "two freezes overlap, and one is of a role; name both members".to_owned()
                } else {
                    "all cuts and partitions heal at once; let them end at the same time".to_owned()
                });
            }
        }
        Ok(())
    }

    fn add(&mut self, option: &str, time: &str, deed: String) -> Result<(), String> {
        let at = moment(option, time)?;
        self.lines.push((at, time.to_owned(), deed));
        Ok(())
    }

    /// Several members.
    fn all_of(&self, option: &str, who: &str) -> Result<String, String> {
        let all: Vec<String> = who.split(',').map(|word| self.who(option, word)).collect::<Result<_, _>>()?;
        Ok(all.join(" "))
    }

    /// A member, or a role.
    fn who(&self, option: &str, word: &str) -> Result<String, String> {
        let word = word.trim();
        if ROLES.contains(&word) {
            return Ok(word.to_owned());
        }
        let unknown = |_| {
            let roles = ROLES.join(", ");
            format!("{option}: {:?} is nobody; write ada, bob and so on, or 1, 2, 3, or {roles}", brief(word))
        };
        let place = place_of(word).map_err(unknown)?;
        if self.places.contains(&place) {
            Ok(usual_name(place))
        } else {
            Err(format!(
                "{option}: nobody is at the place of {:?}; let more begin with --nodes, or join with --join",
                brief(word)
            ))
        }
    }
}

/// What stands before the time of a deed, and the rest.
fn at<'a>(option: &str, deed: &'a str) -> Result<(&'a str, &'a str), String> {
    deed.split_once('@')
        .ok_or_else(|| format!("{option} needs a time, as in leader@2s, not {:?}", brief(deed)))
}

/// The beginning and the end of `T..T`, or the beginning alone.
fn span(times: &str) -> (&str, Option<&str>) {
    times.split_once("..").map_or((times, None), |(from, to)| (from, Some(to)))
}

fn moment(option: &str, time: &str) -> Result<Duration, String> {
    parse_time(time).map_err(|error| format!("{option}: {error}"))
}
