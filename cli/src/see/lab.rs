//! `ringchat lab`: a page on which one does things to a simulated room.

use std::env;
use std::io;
use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};
use ringchat_lab::{Lab, LabError};
use ringchat_picture::page::served;
use serde_json::{Value, json};
use thiserror::Error;

use super::USAGE;
use super::serve::{ServeError, Server};
use super::sim::{SimError, script_at};
use crate::line::Line;
use crate::system::signals::Ending;
use crate::wording;

/// The room at the beginning, if no other is asked for: six members, of which the last leads.
const ROOM: &str = "ring 6 2 4 1 3 5 seed 7 delay 9ms
name 1 ada
name 2 bob
name 3 cyd
name 4 dan
name 5 eve
name 6 fay
";

/// Open a page in the browser, on which you do things to a simulated room: kill a leader, cut a link, go back and try
/// something else. Its members are the same nodes as in a real room.
#[derive(ArgsInfo, FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(
    help_triggers("--help", "-h"),
    example = "Six members:   {command_name}",
    example = "A task:        {command_name} --exercise 4",
    example = "Your own room: {command_name} --script kill.txt",
    note = "The page is for the browsers of this machine, and for whoever has its address. Over SSH no browser is opened; \
            the command that brings the page to your machine is printed. A script is what ringchat sim plays. Ctrl-C ends \
            the lab.",
    error_code(1, "the system lacks something"),
    error_code(2, "usage, or a script that is none"),
    error_code(5, "the port is taken")
)]
pub(super) struct LabFlags {
    /// the port of the page (any free one)
    #[argh(option, arg_name = "port")]
    port: Option<String>,

    /// print the address of the page, and open no browser
    #[argh(switch)]
    no_open: bool,

    /// begin with what this file says, or standard input if it is -
    #[argh(option, arg_name = "file")]
    script: Option<String>,

    /// begin with this exercise (1 to 10)
    #[argh(option, arg_name = "number")]
    exercise: Option<String>,
}

/// The reason why there is no lab.
#[derive(Debug, Error)]
enum LabCommandError {
    #[error("{0} (ringchat lab --help tells more)")]
    Usage(String),
    #[error(transparent)]
    Script(#[from] SimError),
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("the system takes no handler of signals ({0}); end other programs")]
    Signals(io::Error),
}

impl LabCommandError {
    fn exit(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Lab(_) => ExitCode::from(USAGE),
            Self::Script(error) => error.exit(),
            Self::Serve(ServeError::Port { .. }) => ExitCode::from(5),
            Self::Serve(_) | Self::Signals(_) => ExitCode::FAILURE,
        }
    }
}

/// Does what the words after `ringchat lab` ask for.
pub(super) fn run(args: &[String]) -> ExitCode {
    let flags: LabFlags = match crate::parse("ringchat lab", args) {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    match flags.serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Line::complaint(&error.to_string()).to_stderr();
            error.exit()
        }
    }
}

impl LabFlags {
    /// Serves the lab until a signal ends it.
    fn serve(&self) -> Result<(), LabCommandError> {
        let port = self.port()?;
        let mut lab = self.lab()?;
        // Before anybody knows the address, so that the program always ends in order.
        let ending = Ending::new().map_err(LabCommandError::Signals)?;
        let server = Server::start(port, served(), move |question| lab.ask(question))?;
        self.show(&server);
        ending.wait();
        if server.refused() > 0 {
            let requests = wording::counted(server.refused(), "request was", "requests were");
            Line::complaint(&format!("{requests} refused, which did not come from the page")).to_stderr();
        }
        Ok(())
    }

    fn port(&self) -> Result<u16, LabCommandError> {
        let Some(port) = &self.port else { return Ok(0) };
        port.parse()
            .map_err(|_| LabCommandError::Usage(format!("--port must be a port, 0 to 65535, not {port:?}")))
    }

    /// The lab with the room that is asked for.
    fn lab(&self) -> Result<Lab, LabCommandError> {
        let Some(number) = &self.exercise else {
            let script = self.script.as_deref().map(script_at).transpose()?;
            return Ok(Lab::new(script.as_deref().unwrap_or(ROOM))?);
        };
        if self.script.is_some() {
            return Err(LabCommandError::Usage("an exercise has a script; leave --script out".to_owned()));
        }
        let wrong = |_| LabCommandError::Usage(format!("--exercise must be a number, not {number:?}"));
        let question = json!({"ask": "exercise", "n": number.parse::<u64>().map_err(wrong)?});
        let mut lab = Lab::new(ROOM)?;
        let answer = lab.ask(&question.to_string());
        match serde_json::from_str::<Value>(&answer).unwrap_or_default().pointer("/error/message") {
            Some(message) => Err(LabCommandError::Usage(message.as_str().unwrap_or_default().to_owned())),
            None => Ok(lab),
        }
    }

    /// Tells where the lab is, and opens it if the browser of the user can be on this machine.
    fn show(&self, server: &Server) {
        let url = server.url();
        // Without a reader the lab goes on: the browser may be open.
        let _ = crate::print(&format!("{url}\n"));
        if self.no_open {
            return;
        }
        if let Ok(connection) = env::var("SSH_CONNECTION") {
            let _ = crate::print(&over_ssh(&connection, server.port()));
        } else if open::that_detached(url).is_err() {
            // The error is in the words of programs.
            Line::complaint("no browser can be opened; open the address yourself").to_stderr();
        }
    }
}

/// How the page comes to the machine of a user who is here by SSH.
fn over_ssh(connection: &str, port: u16) -> String {
    // The address and the port of the user's end, then those of this one.
    let here = connection.split(' ').nth(2).unwrap_or("this-machine");
    format!("on your machine, run this, then open the address there: ssh -L {port}:127.0.0.1:{port} {here}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> LabFlags {
        LabFlags::from_args(&["ringchat", "lab"], &line.split_whitespace().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_is_asked_for_is_checked_before_anything_is_served() {
        for line in [
            "--port 65536",
            "--exercise many",
            "--exercise 99",
            "--exercise 1 --script x",
            "--script nowhere",
        ] {
            let error = flags(line).serve().unwrap_err();
            assert_eq!(error.exit(), ExitCode::from(USAGE), "{line}: {error}");
        }
        assert!(ringchat_sim::scenario::parse(ROOM).is_ok_and(|room| room.names.len() == 6));
    }

    #[test]
    fn over_ssh_the_command_names_this_machine() {
        let line = over_ssh("10.0.0.9 51000 10.0.0.5 22", 4000);
        assert!(line.ends_with(" ssh -L 4000:127.0.0.1:4000 10.0.0.5\n"), "{line}");
    }
}
