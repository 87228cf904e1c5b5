//! The script of a run: the text of a scenario, which grows by deeds and is cut at a time.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use ringchat_core::{Instant, Name};
use ringchat_sim::Place;
use ringchat_sim::scenario::{
    ParseError, Scenario, ScenarioAction, Statement, Target, parse, place_called, usual_name,
};

use crate::ask::MemberAnswer;
use crate::bounds;
use crate::error::LabError;

/// A script that the lab can play. Each place of its first ring has a name, and so has each that joins.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) scenario: Scenario,
}

impl Script {
    /// Reads a script, and adds lines that name those without a name.
    pub(crate) fn new(text: &str) -> Result<Self, LabError> {
        let named = named(text.trim_end());
        let scenario = parse(&named.text)
            .map_err(|error| LabError::NoScript(ParseError { line: named.own_line(error.line), ..error }))?;
        let script = Self { text: named.text, scenario };
        bounds::check(&script.scenario, script.places().len())?;
        Ok(script)
    }

    /// The places of the first ring in ring order, and then of all that join.
    fn places(&self) -> Vec<Place> {
        let mut places = self.scenario.ring.clone();
        let mut known: BTreeSet<Place> = places.iter().copied().collect();
        for (_, statement) in &self.scenario.statements {
            if let Statement::At(_, ScenarioAction::Join(who, _)) = statement {
                let joins = who.iter().filter_map(|who| match who {
                    Target::At(place) => Some(*place),
                    _ => None,
                });
                places.extend(joins.filter(|place| known.insert(*place)));
            }
        }
        places
    }

    pub(crate) fn members(&self) -> Vec<MemberAnswer> {
        let names: BTreeMap<Place, &Name> =
            self.scenario.names.iter().map(|(place, name)| (*place, name)).collect();
        let name = |place| names.get(&place).map_or_else(|| format!("m{place}"), ToString::to_string);
        self.places().into_iter().map(|place| MemberAnswer { place, name: name(place) }).collect()
    }

    /// The script up to the moment `at`, and then a deed. The first ring had gathered at `gathered`, and the statements
    /// were `done` at these times.
    pub(crate) fn with_deed(
        &self,
        (gathered, done): (Instant, &[Instant]),
        at: Instant,
        deed: &str,
    ) -> Result<Self, LabError> {
        let deed = deed.trim();
        if deed.contains(char::is_control) {
            return Err(LabError::NoDeed("it takes one line".into()));
        }
        let played = self.scenario.statements.iter().zip(done).take_while(|(_, done)| **done <= at);
        let kept = played.clone().count();
        let is_until = |statement: &Statement| matches!(statement, Statement::Until(..));
        let zero = played.filter(|((_, statement), _)| is_until(statement)).map(|(_, done)| *done).last();
        let time = seconds(at.since(zero.unwrap_or(gathered)).as_micros());
        let text = format!("{}\nat {time} {deed}", self.cut(kept));
        Self::new(&text).map_err(|error| match error {
            LabError::NoScript(error) => LabError::NoDeed(error.problem),
            other => other,
        })
    }

    /// The script up to its last deed.
    pub(crate) fn without_last_deed(&self) -> Result<Self, LabError> {
        let is_deed = |(_, statement): &(usize, Statement)| matches!(statement, Statement::At(..));
        let last = self.scenario.statements.iter().rposition(is_deed).ok_or(LabError::NoDeeds)?;
        Self::new(&self.cut(last))
    }

    /// The last deed, in words of the script.
    pub(crate) fn last_deed(&self) -> Option<&str> {
        let mut deeds = self.text.lines().rev().map(str::trim).filter_map(|line| line.strip_prefix("at "));
        deeds.next().and_then(|deed| deed.trim_start().split_once(char::is_whitespace)).map(|(_, deed)| deed)
    }

    /// The text up to so many statements. What is said of the first ring and of names stays.
    fn cut(&self, kept: usize) -> String {
        let end = self.scenario.statements.get(kept).map_or(usize::MAX, |(line, _)| *line);
        let stays = |(number, line): &(usize, &str)| *number < end || is_head(line);
        let lines: Vec<&str> = (1..).zip(self.text.lines()).filter(stays).map(|(_, line)| line).collect();
        lines.join("\n")
    }
}

/// Whether a line tells of the room, and of nothing that happens in it.
fn is_head(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some("nodes" | "ring" | "name"))
}

/// A script in which places have names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The script.
    pub text: String,
    /// The line after which names were added, from 1.
    after: usize,
    /// How many lines were added.
    added: usize,
}

impl Named {
    /// The line of the script as it was written, for a line of this one. A line that was added stands for the one before.
    pub fn own_line(&self, line: usize) -> usize {
        line.saturating_sub(self.added).max(line.min(self.after))
    }
}

/// Adds lines with the usual names (ada, bob and so on) for the places of a script that have none. A room that is too large
/// for the lab, and a text that is no script, stay as they are.
pub fn named(text: &str) -> Named {
    let same = || Named { text: text.into(), after: 0, added: 0 };
    let head: Vec<&str> = text.lines().filter(|line| is_head(line)).collect();
    // What is wrong is said of the whole script.
    let Ok(scenario) = parse(&head.join("\n")) else { return same() };
    let mut places: BTreeSet<Place> = scenario.ring.iter().copied().collect();
    places.extend(text.lines().flat_map(newcomers));
    if places.len() > bounds::MAX_PLACES {
        return same();
    }
    let mut names: BTreeMap<Place, String> =
        scenario.names.iter().map(|(place, name)| (*place, name.to_string())).collect();
    let mut lines = String::new();
    for place in places {
        let name = usual_name(place);
        if !names.contains_key(&place) && !names.values().any(|other| *other == name) {
            let _ = write!(lines, "\nname {place} {name}");
            names.insert(place, name);
        }
    }
    let begins = |line: &&str| matches!(line.split_whitespace().next(), Some("nodes" | "ring"));
    let Some(first) = text.lines().position(|line| begins(&line)) else { return same() };
    let with = |(at, line): (usize, &str)| if at == first { format!("{line}{lines}") } else { line.into() };
    let end = if text.ends_with('\n') { "\n" } else { "" };
    let text = text.lines().enumerate().map(with).collect::<Vec<_>>().join("\n") + end;
    Named { text, after: first.saturating_add(1), added: lines.matches('\n').count() }
}

/// The places that join in a line.
fn newcomers(line: &str) -> impl Iterator<Item = Place> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let who = match words.as_slice() {
        ["at", _, "join", rest @ ..] => rest.to_vec(),
        _ => Vec::new(),
    };
    who.into_iter().take_while(|word| *word != "via").filter_map(place_called)
}

/// Microseconds as a time of a script.
pub(crate) fn seconds(micros: u128) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short}s")
}
