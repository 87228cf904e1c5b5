//! The record of a random run: a line that says which run it is, the lines of its trace, and a line that says how it
//! ended. A run can be repeated from its record.

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use super::{Mix, RunOutcome, run};
use crate::ablation::{Ablation, AblationError};

/// A record begins with this word and the version of the program that wrote it.
const PROGRAM: &str = "simulate";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything that decides a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Decides everything that the other fields leave open.
    pub seed: u64,
    /// How many members there are at the start; none means 2 to 10, by the seed.
    pub nodes: Option<u32>,
    /// The faults.
    pub mix: Mix,
    /// The rules that the nodes lack.
    pub ablation: Ablation,
    /// Whether keys and links are real, and somebody without the secret attacks them, unless promises are strict.
    pub secure: bool,
}

impl Recipe {
    /// A run whose seed decides the number of members, of nodes that enforce all rules.
    pub fn new(seed: u64, mix: Mix) -> Self {
        Self { seed, nodes: None, mix, ablation: Ablation::NONE, secure: false }
    }

    /// Runs, and keeps no trace. A panic of a node is a violation like any other.
    pub fn run(&self) -> RunOutcome {
        run(self, false)
    }

    /// Runs, and keeps the trace.
    pub fn trace(&self) -> RunOutcome {
        run(self, true)
    }

    /// Runs, and writes the record.
    pub fn record(&self) -> (RunOutcome, String) {
        let outcome = self.trace();
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
        if self.secure {
            f.write_str(" --secure")?;
        }
        if self.ablation == Ablation::NONE { Ok(()) } else { write!(f, " --without {}", self.ablation) }
    }
}

impl FromStr for Recipe {
    type Err = RecordError;

    fn from_str(line: &str) -> Result<Self, RecordError> {
        let mut words = line.split_whitespace();
        if words.next() != Some(PROGRAM) {
            return Err(RecordError::NoRecord);
        }
        // The record of another version may still repeat.
        words.next();
        let mut recipe = Self::new(0, Mix::default());
        while let Some(option) = words.next() {
            match option {
                "--seeds" => drop(parse::<u64>(&mut words)?),
                "--first-seed" => recipe.seed = parse(&mut words)?,
                "--faults" => recipe.mix = parse(&mut words)?,
                "--nodes" => recipe.nodes = Some(parse(&mut words)?),
                "--secure" => recipe.secure = true,
                "--without" => recipe.ablation = words.next().unwrap_or_default().parse()?,
                _ => return Err(RecordError::NoRecord),
            }
        }
        Ok(recipe)
    }
}

fn parse<T: FromStr>(words: &mut SplitWhitespace<'_>) -> Result<T, RecordError> {
    words.next().and_then(|word| word.parse().ok()).ok_or(RecordError::NoRecord)
}

/// The reason why a run cannot be repeated from the first line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The line does not say which run it is.
    NoRecord,
    /// The nodes of the run lack rules that this build cannot take away.
    Ablation(AblationError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecord => {
                write!(
                    f,
                    "its first line is not one of a recorded run (\"{PROGRAM} {VERSION} --seeds 1 ...\")"
                )
            }
            Self::Ablation(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<AblationError> for RecordError {
    fn from(error: AblationError) -> Self {
        Self::Ablation(error)
    }
}

/// The first line in which two records of one run differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line, from 1.
    pub line: usize,
    /// The line of the first record; empty if it has ended.
    pub then: String,
    /// The line of the second record; empty if it has ended.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the code no longer does what was recorded; line {} is the first to differ", self.line)?;
        writeln!(f, "recorded: {}", self.then)?;
        write!(f, "now:      {}", self.now)
    }
}

/// The first difference between two records, apart from the versions that wrote them.
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

    #[test]
    fn a_recipe_is_read_from_what_it_says() {
        let plain = Recipe::new(7, Mix::Cut);
        for recipe in [plain, Recipe { nodes: Some(5), ..plain }, Recipe { secure: true, ..plain }] {
            assert_eq!(recipe.to_string().parse(), Ok(recipe));
        }
    }

    #[cfg(feature = "ablation")]
    #[test]
    fn a_recipe_names_the_rules_that_its_nodes_lack() {
        let ablation = Ablation::of(&ringchat_core::Rule::ALL[1..3]);
        let recipe = Recipe { ablation, ..Recipe::new(7, Mix::Cut) };
        assert_eq!(recipe.to_string().parse(), Ok(recipe));
    }

    #[cfg(not(feature = "ablation"))]
    #[test]
    fn a_recipe_of_nodes_that_lack_rules_is_refused_for_that() {
        let line = format!("{} --without Resubmit", Recipe::new(7, Mix::Cut));
        assert_eq!(line.parse::<Recipe>(), Err(RecordError::Ablation(AblationError::NotBuilt)));
    }

    #[test]
    fn a_line_that_is_no_recipe_is_refused() {
        for line in ["", "simulate 1 --seed", "simulate 1 --first-seed x", "check 1", "simulate 1 --nodes"] {
            assert_eq!(line.parse::<Recipe>(), Err(RecordError::NoRecord), "{line}");
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
