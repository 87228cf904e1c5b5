//! Dials, each on a thread of its own.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::SyncSender;

use ringchat_core::driver::DIAL_TIMEOUT;
use ringchat_core::{DialFailure, DialId};

use crate::crew::Crew;
use crate::node::Job;

/// Begins a dial, which ends with [`Job::Dialed`].
///
/// # Errors
/// If no thread can be started.
pub(crate) fn start(
    dial: DialId,
    addr: SocketAddr,
    jobs: SyncSender<Job>,
    crew: &Crew,
) -> Result<(), DialFailure> {
    let connect = move || {
        let dialed = TcpStream::connect_timeout(&addr, DIAL_TIMEOUT).map_err(|error| failure(&error));
        drop(jobs.send(Job::Dialed(dial, addr, dialed)));
    };
    crew.start("ringchat-dial", connect).map_err(|_| DialFailure::Unreachable)
}

fn failure(error: &io::Error) -> DialFailure {
    match error.kind() {
        ErrorKind::ConnectionRefused => DialFailure::Refused,
        ErrorKind::TimedOut => DialFailure::TimedOut,
        _ => DialFailure::Unreachable,
    }
}
