//! Requests and answers, as objects of JSON.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use ringchat_sim::Place;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::LabError;

/// What the lab can be asked for. All times are microseconds of virtual time since the run began.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub(crate) enum Request {
    /// What there is.
    Hello,
    /// A run of its own.
    Start { script: String },
    /// The run that an exercise begins with.
    Exercise { n: u64 },
    /// A run that is another one up to `at`, and goes on with a deed. With `keep` both stay.
    Do {
        run: u64,
        at: u64,
        deed: String,
        #[serde(default)]
        keep: bool,
    },
    /// The run without its last deed, and without what came after it, in place of the run.
    Undo { run: u64 },
    /// Another script in place of the run.
    Edit { run: u64, script: String },
    /// The run up to `to`, and what a page lacks of it that has the version `have`.
    More {
        run: u64,
        to: u64,
        #[serde(default)]
        have: u64,
        /// What is later is played, but not shown yet; the goal tells nothing of it.
        #[serde(default)]
        seen: Option<u64>,
    },
    /// A guess of the member that will lead next.
    Guess { run: u64, who: String },
    /// No more of the run.
    Close { run: u64 },
}

/// A member of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MemberAnswer {
    pub(crate) place: Place,
    pub(crate) name: String,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunAnswer {
    pub(crate) run: u64,
    pub(crate) label: String,
    pub(crate) parent: Option<u64>,
    pub(crate) exercise: Option<u64>,
    pub(crate) script: String,
    /// None if the room has not gathered within the steps for that.
    pub(crate) gathered: Option<u64>,
    pub(crate) members: Vec<MemberAnswer>,
    /// The member that will lead next, as somebody has guessed.
    pub(crate) guess: Option<String>,
}

/// An exercise.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ExerciseAnswer {
    pub(crate) n: u64,
    pub(crate) title: &'static str,
    pub(crate) task: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) teaches: &'static str,
}

/// How far an exercise is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GoalAnswer {
    pub(crate) done: bool,
    pub(crate) words: String,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailureAnswer {
    /// The line of the script; 0 for none of them.
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Hello {
        kind: &'static str,
        runs: Vec<RunAnswer>,
        current: u64,
        exercises: Vec<ExerciseAnswer>,
    },
    Run(RunAnswer),
    More {
        run: u64,
        version: u64,
        now: u64,
        busy: bool,
        failure: Option<FailureAnswer>,
        goal: Option<GoalAnswer>,
        part: Box<RawValue>,
    },
    Guess {
        run: u64,
        guess: String,
    },
    Close {
        runs: Vec<RunAnswer>,
    },
    Error {
        error: ErrorAnswer,
    },
}

/// An error.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorAnswer {
    code: &'static str,
    message: String,
}

impl From<LabError> for Answer {
    fn from(error: LabError) -> Self {
        use alloc::string::ToString as _;
        Self::Error { error: ErrorAnswer { code: error.code(), message: error.to_string() } }
    }
}
