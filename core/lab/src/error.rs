//! Why a request is not done.

use alloc::string::String;

use ringchat_sim::scenario::ParseError;
use thiserror::Error;

use crate::bounds::{MAX_PLACES, MAX_REQUEST, MAX_SHOWN, MAX_SHOWN_BYTES, MAX_STARTS, MAX_STATEMENTS};

/// Why the lab does not do what it is asked for. Its words tell a person what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LabError {
    /// The request is too long.
    #[error("a request has at most {MAX_REQUEST} bytes; shorten the script")]
    TooLong,
    /// The request is none.
    #[error("no request of the lab: {0}")]
    NoRequest(String),
    /// No run has this number.
    #[error("there is no run {0}; start one, or ask for hello to see which there are")]
    NoRun(u64),
    /// No exercise has this number.
    #[error("there is no exercise {0}; they are numbered from 1 to {1}")]
    NoExercise(u64, usize),
    /// The script is no scenario.
    #[error("this script cannot be played: {0}")]
    NoScript(ParseError),
    /// The deed is none.
    #[error("{0}; a deed is what follows the time in a line of a script, such as crash leader")]
    NoDeed(String),
    /// Too many members.
    #[error("a room of the lab has at most {MAX_PLACES} places; take fewer members")]
    Places,
    /// Too many statements.
    #[error("a script of the lab has at most {MAX_STATEMENTS} statements; leave some out")]
    Statements,
    /// Too many processes.
    #[error("a script of the lab starts at most {MAX_STARTS} processes; let fewer join and restart")]
    Starts,
    /// Too much is said.
    #[error(
        "too much is said: all members together may show {MAX_SHOWN} messages and {MAX_SHOWN_BYTES} bytes; say less"
    )]
    Said,
    /// The run is not played so far.
    #[error("the run is played up to {0} only; let it play on first")]
    NotYet(String),
    /// The room has not gathered by then.
    #[error("the room is still gathering by then; {0}")]
    Gathering(String),
    /// The run has ended before that.
    #[error("the run has ended because something does not hold; go back to before that")]
    Ended,
    /// There is no deed.
    #[error("there is no deed to take back; the script has none")]
    NoDeeds,
    /// The exercise needs no guess.
    #[error("there is nothing to guess in this run; start exercise 1")]
    NoGuess,
    /// The election is over.
    #[error("the election is over; start the exercise again, and guess before you play it")]
    LateGuess,
    /// Nobody has this name.
    #[error("no member is called {0:?}; guess one of the room")]
    NoMember(String),
}

impl LabError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong | Self::Places | Self::Statements | Self::Starts | Self::Said => "too-much",
            Self::NoRequest(_) => "request",
            Self::NoRun(_) => "run",
            Self::NoExercise(..) => "exercise",
            Self::NoScript(_) => "script",
            Self::NoDeed(_) => "deed",
            Self::NotYet(_) | Self::Gathering(_) | Self::Ended => "time",
            Self::NoDeeds => "undo",
            Self::NoGuess | Self::LateGuess | Self::NoMember(_) => "guess",
        }
    }
}
