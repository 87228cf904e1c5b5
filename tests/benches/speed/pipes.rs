//! A member that is the program `ringchat --json`, spoken to through pipes.

use std::env::current_exe;
use std::fs::remove_file;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio, id};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::agent::{Ear, Voice, answer};
use crate::clock;
use crate::control::{Answer, Start, System};

/// Lines that are gathered before they are written.
const GATHERED: usize = 16 * 1024;
/// Bytes read at once.
const READ: usize = 64 * 1024;

/// What the program prints, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Ready {
        me: Member,
        members: Vec<Member>,
    },
    Message {
        text: String,
    },
    Joined {},
    Left {
        member: Member,
        reason: String,
    },
    Gap {
        count: u64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    addr: SocketAddr,
}

struct Speaker {
    process: u32,
    stdin: ChildStdin,
    gathered: Vec<u8>,
}

/// Starts the program. What it prints is heard on a thread of its own.
pub(super) fn open(start: &Start, ear: &Arc<Ear>) -> Result<Box<dyn Voice>> {
    // It was built into the same folder as this program.
    let mut command = Command::new(current_exe()?.with_file_name("ringchat"));
    command.args(["--json", "--log-file", "/dev/null", "-n", &format!("m{}", start.me)]);
    match start.contact {
        Some(contact) => command.args(["--join-timeout", "60", &contact.to_string()]),
        None => command.arg("-l"),
    };
    let trace = (start.system == System::PipesTraced)
        .then(|| std::env::temp_dir().join(format!("ringchat-{}-{}.ndjson", id(), start.me)));
    command.args(trace.iter().flat_map(|path| ["--trace".as_ref(), path.as_os_str()]));
    // Where no folder can be made, each member has a key of this run, and nothing is kept.
    command.env("XDG_DATA_HOME", "/dev/null").env("XDG_STATE_HOME", "/dev/null");
    // What it says to people is for nobody here.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().context("no standard input")?;
    let stdout = child.stdout.take().context("no standard output")?;
    let process = child.id();
    let mut hearer = Hearer { ear: Arc::clone(ear), size: usize::from(start.size), members: 0, trace };
    std::thread::spawn(move || {
        let end = match hearer.hear_all(stdout) {
            Ok(()) => child.wait().map_or_else(|error| error.to_string(), |status| status.to_string()),
            Err(error) => format!("{error:#}"),
        };
        // If this cannot be told, nobody is there to be told.
        let _ = answer(&Answer::Failed(format!("the program has ended: {end}")));
    });
    Ok(Box::new(Speaker { process, stdin, gathered: Vec::new() }))
}

impl Voice for Speaker {
    fn process(&self) -> Option<u32> {
        Some(self.process)
    }

    fn say(&mut self, text: &str, more: bool) -> Result<()> {
        writeln!(self.gathered, r#"{{"command":"say","text":"{text}"}}"#)?;
        if !more || self.gathered.len() >= GATHERED {
            self.stdin.write_all(&self.gathered)?;
            self.gathered.clear();
        }
        Ok(())
    }
}

struct Hearer {
    ear: Arc<Ear>,
    size: usize,
    members: usize,
    /// What the program writes its trace to.
    trace: Option<PathBuf>,
}

impl Hearer {
    fn hear_all(&mut self, stdout: impl Read) -> Result<()> {
        for line in BufReader::with_capacity(READ, stdout).lines() {
            self.take(serde_json::from_str(&line?)?)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Message { text } => return self.ear.hear([text.as_bytes()]),
            Event::Gap { count } => bail!("{count} texts are missing"),
            Event::Ready { me, members } => {
                // The program goes on writing, and nothing is left in the end.
                self.trace.take().map_or(Ok(()), remove_file)?;
                answer(&Answer::Joined { addr: Some(me.addr), at: clock::now() })?;
                return self.count(members.len());
            }
            Event::Joined {} => return self.count(self.members + 1),
            Event::Left { member, reason } => {
                if reason == "lost" {
                    self.ear.lost(&member.name);
                }
                return self.count(self.members.saturating_sub(1));
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn count(&mut self, members: usize) -> Result<()> {
        let grown = members > self.members;
        self.members = members;
        if grown && members == self.size { answer(&Answer::Gathered) } else { Ok(()) }
    }
}
