//! What is told of a simulated room: a report, JSON, pictures, traces.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ringchat_picture::trace::{MergedRun, TraceReader};
use ringchat_picture::{Format, RunReport, Wanted, draw, report};
use ringchat_sim::scenario::{Failure, Performance, Scenario, Survivor, brief};
use ringchat_trace::TraceRecord;
use serde_json::json;

use super::flags::SimFlags;
use super::{Script, SimError, write};
use crate::wording::{counted, list, members};

/// A run that was played, and what there is to tell of it.
pub(super) struct Told<'a> {
    script: &'a Script,
    scenario: &'a Scenario,
    performance: Performance,
    run: MergedRun,
    report: RunReport,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        script: &'a Script,
        scenario: &'a Scenario,
        performance: Performance,
    ) -> Result<Self, SimError> {
        let mut reader = TraceReader::default();
        performance.lives.iter().try_for_each(|life| reader.life(life))?;
        let run = reader.finish(None)?;
        let report = report(&run, performance.gathered.0);
        Ok(Self { script, scenario, performance, run, report })
    }

    /// What does not hold, with the line.
    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.performance.result.as_ref().err()?;
        let line = self.performance.line;
        let of_line = match (self.script.own_line(line), self.words(line).as_str()) {
            (_, "") => "while the first ring gathers".to_owned(),
            (line, words) if self.script.is_wait(self.performance.line) => {
                format!("what the script waits for after line {line}, {words:?}")
            }
            (line, words) => format!("line {line}, {words:?}"),
        };
        Some(match failure {
            Failure::Unmet { instead, .. } if line == 0 => {
                let delay = self.scenario.delay;
                format!(
                    "the first ring does not gather, over links of up to {delay:?}: {instead}; make the delay smaller"
                )
            }
            Failure::Unmet { instead, .. } => format!("{of_line}, does not hold: {instead}"),
            Failure::Violation(violation) => format!("{of_line}: a promise is broken: {violation}"),
            Failure::Parse(error) => error.to_string(),
        })
    }

    /// The words of a line of the script; empty if it has no such line.
    fn words(&self, line: usize) -> String {
        let words = line.checked_sub(1).and_then(|before| self.script.text().lines().nth(before));
        words.map(|words| brief(words.trim())).unwrap_or_default()
    }

    /// What could not be done, in one line; empty if all was.
    fn undone(&self) -> String {
        let undone = self.performance.undone.iter();
        let each: Vec<String> =
            undone.map(|undone| format!("{:?} ({})", self.words(undone.line), undone.why)).collect();
        if each.is_empty() { String::new() } else { format!("Not done: {}.\n", each.join(", ")) }
    }

    /// For people.
    pub(super) fn report(&self) -> String {
        let Scenario { seed, delay, .. } = self.scenario;
        let ring = self.ring();
        let leader = |(n, name): (usize, String)| if n == 0 { name + "*" } else { name };
        let names: Vec<String> = ring.into_iter().enumerate().map(leader).collect();
        let mut text = format!(
            "{} in ring order: {} (* leads); seed {seed}, links up to {delay:?}\n",
            members(names.len()),
            names.join(" ")
        );
        for line in &self.report.lines {
            let _ = writeln!(text, "{line}");
        }
        text.push_str(&self.undone());
        let _ = writeln!(text, "{}", self.end());
        let steps = self.performance.counts.steps;
        let kept = match &self.performance.result {
            Err(Failure::Violation(violation)) => format!("broken: {}", violation.property),
            _ => "all kept".to_owned(),
        };
        let _ = writeln!(text, "Promises checked after each of {}: {kept}.", counted(steps, "step", "steps"));
        text
    }

    /// The names of the first ring.
    fn ring(&self) -> Vec<String> {
        let name = |place: &u32| {
            let named = self.scenario.names.iter().find(|(of, _)| of == place);
            named.map_or_else(|| format!("m{place}"), |(_, name)| name.to_string())
        };
        self.scenario.ring.iter().map(name).collect()
    }

    /// Who is there at the end, and what they have shown.
    fn end(&self) -> String {
        let Some(rings) = &self.performance.rings else {
            return "At the end a live member is in no ring.".to_owned();
        };
        let lost = match self.performance.lost {
            Some(0) | None => "nothing is lost".to_owned(),
            Some(lost) => format!("{lost} lost"),
        };
        if let [ring] = rings.as_slice()
            && let [first, others @ ..] = ring.as_slice()
            && others.iter().all(|other| other.shown == first.shown)
        {
            let messages =
                counted(u64::try_from(first.shown.len()).unwrap_or(u64::MAX), "message", "messages");
            let (who, shows) = match others.len() {
                0 => (format!("{} alone", first.label), "shows"),
                _ => (format!("All {}", members(ring.len())), "show the same"),
            };
            return format!("{who} {shows} {messages}; {lost}.");
        }
        let shown = |it: &Survivor| format!("{} shows {}", it.label, it.shown.len());
        let rings: Vec<String> =
            rings.iter().map(|ring| list(&ring.iter().map(shown).collect::<Vec<_>>())).collect();
        match rings.as_slice() {
            [] => "Nobody is left.".to_owned(),
            [one] => format!("One ring: {one}; {lost}."),
            several => format!("{} rings: {}; {lost}.", several.len(), several.join(" | ")),
        }
    }

    /// For programs: one object.
    pub(super) fn json(&self) -> String {
        let Performance { counts, rings, lost, line, result, gathered, undone, .. } = &self.performance;
        let rings = rings.as_ref().map(|rings| {
            let member = |it: &Survivor| json!({"name": it.label, "shown": it.shown.len()});
            rings.iter().map(|ring| ring.iter().map(member).collect::<Vec<_>>()).collect::<Vec<_>>()
        });
        let failure = self.failure().map(|what| json!({"line": self.script.own_line(*line), "what": what}));
        let undone = undone.iter();
        let undone: Vec<_> = undone
            .map(|undone| json!({"line": self.script.own_line(undone.line), "what": self.words(undone.line), "why": undone.why}))
            .collect();
        let told = json!({
            "seed": self.scenario.seed,
            "ring": self.ring(),
            "gathered_us": gathered.0,
            "elections": self.report.elections,
            "election_messages": counts.elects.values().sum::<u64>(),
            "messages": counts.sent,
            "steps": counts.steps,
            "rings": rings,
            "lost": lost,
            "promises_kept": !matches!(result, Err(Failure::Violation(_))),
            "undone": undone,
            "failure": failure,
        });
        format!("{told}\n")
    }

    /// The content of the file of each member: all of its lives.
    fn traces(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for life in &self.performance.lives {
            // A name may have anything in it that is visible, and a script may come from anybody.
            let plain = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
            let name: String = life.header.name.chars().map(plain).collect();
            let bytes = files.entry(format!("{name}.ndjson")).or_default();
            TraceRecord::Header(life.header.clone()).write(bytes);
            life.lines.iter().for_each(|line| TraceRecord::Line(line.clone()).write(bytes));
        }
        files
    }
}

impl SimFlags {
    /// Writes all files that are asked for.
    pub(super) fn write(&self, told: &Told<'_>) -> Result<(), SimError> {
        if let Some(folder) = &self.trace {
            let failed = |why| SimError::Unwritable { path: folder.clone(), why };
            fs::create_dir_all(folder).map_err(failed)?;
            for (name, bytes) in told.traces() {
                write(&Path::new(folder).join(name).display().to_string(), bytes)?;
            }
        }
        for (path, format) in [(&self.html, Format::Html), (&self.svg, Format::Svg)] {
            if let Some(path) = path {
                write(path, draw(&told.run, format, &Wanted::default())?.content)?;
            }
        }
        Ok(())
    }

    /// Checks that the folder for traces is new or empty of them.
    pub(super) fn check_folder(&self) -> Result<(), SimError> {
        let Some(folder) = &self.trace else { return Ok(()) };
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let mut names = entries.flatten().map(|entry| entry.path());
        if names.any(|name| name.extension().is_some_and(|ending| ending == "ndjson")) {
            return Err(SimError::OtherTraces(folder.clone()));
        }
        Ok(())
    }
}
