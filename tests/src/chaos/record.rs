//! A random run as a text that it can be done again from: a line that says which run it is, the lines of its
//! trace, and a line that says how it ended.

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use super::{Mix, Options, Outcome, run_without};
use crate::ablation::Without;

/// The version that recorded a run is known by this word and the one after it.
const PROGRAM: &str = "simulate";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that decides a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its seed.
    pub seed: u64,
    /// Members at the start; none means 2 to 10, by the seed.
    pub nodes: Option<u32>,
    /// Its faults.
    pub mix: Mix,
    /// The rules that its nodes do without.
    pub without: Without,
}

impl Recipe {
    /// Does the run; its trace is kept if `trace`.
    pub fn run(&self, trace: bool) -> Outcome {
        let Self { seed, nodes, mix, without } = *self;
        run_without(without.0, Options { seed, nodes, mix, trace })
    }

    /// Does the run, and tells it.
    pub fn record(&self) -> (Outcome, String) {
        let outcome = self.run(true);
        let end = match &outcome.result {
            Ok(()) => "all promises are kept".to_owned(),
            Err(violation) => violation.to_string(),
        };
        let text = format!("{self}\n{}end: {end}\n", outcome.trace);
        (outcome, text)
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PROGRAM} {VERSION} --seeds 1 --first-seed {} --faults {}", self.seed, self.mix)?;
        if let Some(nodes) = self.nodes {
            write!(f, " --nodes {nodes}")?;
        }
        if self.without.0.is_empty() { Ok(()) } else { write!(f, " --without {}", self.without) }
    }
}

impl FromStr for Recipe {
    type Err = NoRecord;

    fn from_str(line: &str) -> Result<Self, NoRecord> {
        let mut words = line.split_whitespace();
        if words.next() != Some(PROGRAM) {
            return Err(NoRecord);
        }
        // What another version recorded may still go the same way.
        words.next();
        let mut recipe = Self { seed: 0, nodes: None, mix: Mix::default(), without: Without::default() };
        while let Some(option) = words.next() {
            match option {
                "--seeds" => drop(parse::<u64>(&mut words)?),
                "--first-seed" => recipe.seed = parse(&mut words)?,
                "--faults" => recipe.mix = parse(&mut words)?,
                "--nodes" => recipe.nodes = Some(parse(&mut words)?),
                "--without" => recipe.without = parse(&mut words)?,
                _ => return Err(NoRecord),
            }
        }
        Ok(recipe)
    }
}

fn parse<T: FromStr>(words: &mut SplitWhitespace<'_>) -> Result<T, NoRecord> {
    words.next().and_then(|word| word.parse().ok()).ok_or(NoRecord)
}

/// The first line of a file does not say which run it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRecord;

impl fmt::Display for NoRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its first line is not one of a recorded run (\"{PROGRAM} {VERSION} --seeds 1 ...\")")
    }
}

impl std::error::Error for NoRecord {}

/// Where two records of one run differ first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line, from 1.
    pub line: usize,
    /// What stands there in the first; empty if it has ended.
    pub then: String,
    /// What stands there in the second; empty if it has ended.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the code does not do any more what was recorded; line {} is the first to differ",
            self.line
        )?;
        writeln!(f, "recorded: {}", self.then)?;
        write!(f, "now:      {}", self.now)
    }
}

/// Where two records differ first, the versions that made them apart.
pub fn difference(then: &str, now: &str) -> Option<Difference> {
    let (mut then, mut now) = (then.lines().skip(1), now.lines().skip(1));
    for line in 2.. {
        match (then.next(), now.next()) {
            (None, None) => break,
            (then, now) if then == now => {}
            (then, now) => {
                let [then, now] = [then, now].map(|line| line.unwrap_or_default().to_owned());
                return Some(Difference { line, then, now });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringchat_core::Rule;

    #[test]
    fn a_recipe_is_read_from_what_it_says() {
        let plain = Recipe { seed: 7, nodes: None, mix: Mix::Cut, without: Without::default() };
        let full = Recipe { nodes: Some(5), without: Without(&Rule::ALL[1..3]), ..plain };
        for recipe in [plain, full] {
            assert_eq!(recipe.to_string().parse(), Ok(recipe));
        }
    }

    #[test]
    fn a_line_that_is_no_recipe_is_refused() {
        for line in ["", "simulate 1 --seed", "simulate 1 --first-seed x", "check 1", "simulate 1 --nodes"] {
            assert_eq!(line.parse::<Recipe>(), Err(NoRecord), "{line}");
        }
    }

    #[test]
    fn the_first_line_that_differs_is_told() {
        assert_eq!(difference("v1\na\nb", "v2\na\nb"), None);
        let differs = |then: &str, now: &str| difference(then, now).map(|found| found.line);
        assert_eq!(differs("v\na\nb", "v\na\nc"), Some(3));
        assert_eq!(differs("v\na", "v\na\nc"), Some(3));
        assert_eq!(differs("v\na\nb", "v"), Some(2));
    }
}
