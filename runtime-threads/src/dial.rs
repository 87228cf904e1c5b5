//! Dials. A turn of the node begins each; a thread of its own waits for the answer.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use ringchat_core::{DialFailure, DialId};
use ringchat_driver::DIAL_TIMEOUT;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use socket2::{Domain, Socket, Type};

use crate::crew::Crew;
use crate::node::{Job, Node};

/// A dial under way, to be kept until [`Job::Dialed`] answers it.
#[derive(Debug)]
pub(crate) struct Dial(TcpStream);

impl Dial {
    /// Begins a dial.
    pub(crate) fn start(
        dial: DialId,
        addr: SocketAddr,
        node: Arc<Node>,
        crew: &Crew,
    ) -> Result<Self, DialFailure> {
        let stream = begin(addr).map_err(|error| failure(&error))?;
        let kept = stream.try_clone().map_err(|error| failure(&error))?;
        let answer = move || {
            let dialed = finish(stream).map_err(|error| failure(&error));
            let _ = node.put(Job::Dialed(dial, addr, dialed));
        };
        crew.start("ringchat-dial", answer).map_err(|error| failure(&error))?;
        Ok(Self(kept))
    }

    /// Ends the dial, so that nobody waits for it.
    pub(crate) fn cancel(&self) {
        // It fails if the dial has failed.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

/// Begins to connect, without waiting.
fn begin(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&addr.into()) {
        Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => Err(error),
        Ok(()) | Err(_) => Ok(socket.into()),
    }
}

/// Waits until the connection stands, and makes it a blocking one.
fn finish(stream: TcpStream) -> io::Result<TcpStream> {
    let timeout = Timespec::try_from(DIAL_TIMEOUT).map_err(io::Error::other)?;
    let mut connected = [PollFd::new(&stream, PollFlags::OUT)];
    if retry_on_intr(|| poll(&mut connected, Some(&timeout)))? == 0 {
        return Err(ErrorKind::TimedOut.into());
    }
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn failure(error: &io::Error) -> DialFailure {
    match error.kind() {
        ErrorKind::ConnectionRefused => DialFailure::Refused,
        ErrorKind::TimedOut => DialFailure::TimedOut,
        _ => DialFailure::Unreachable,
    }
}
