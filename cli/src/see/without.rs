//! What stands in for pages and pictures in a program that was built without them.

use std::process::ExitCode;

use argh::SubCommandInfo;
use ringchat_core::Name;
use thiserror::Error;

use super::{Recorder, SeeOrder, SeeStatus};

/// The commands that need pictures.
const COMMANDS: [&str; 3] = ["lab", "sim", "trace"];

/// There is no page, ever.
#[derive(Debug, Error)]
#[error("this program was built without pictures; build it with the feature `see`")]
pub(crate) struct SeeError;

impl SeeError {
    /// The exit code of a program that was to begin with a page.
    #[allow(clippy::unused_self, reason = "as in a program that has pages")]
    pub(crate) fn exit(&self) -> u8 {
        super::USAGE
    }
}

/// No page of this member.
pub(crate) struct Live;

impl Live {
    /// No page.
    pub(crate) fn new(_recorder: Recorder, _name: Name, _port: u16) -> Self {
        Self
    }

    /// Obeys no order.
    ///
    /// # Errors
    /// If there is to be a page.
    #[allow(clippy::unused_self, reason = "as in a program that has pages")]
    pub(crate) fn obey(&self, order: SeeOrder) -> Result<Option<SeeStatus>, SeeError> {
        match order {
            SeeOrder::On => Err(SeeError),
            SeeOrder::Off | SeeOrder::Tell => Ok(None),
        }
    }
}

/// Refuses a command that needs pictures. None if `command` is none.
pub(crate) fn run(command: &str, _args: &[String]) -> Option<ExitCode> {
    COMMANDS.contains(&command).then(|| crate::usage("ringchat", &SeeError.to_string()))
}

/// The commands that work: none.
pub(crate) fn commands() -> Vec<SubCommandInfo> {
    Vec::new()
}
