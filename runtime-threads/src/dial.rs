//! Dials. A turn of the node begins each; a thread of its own waits for the answer.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Weak};

use ringchat_core::DialId;
use ringchat_driver::{DIAL_TIMEOUT, Job, JobQueue};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use socket2::{Domain, Socket, Type};

use crate::task_group::TaskGroup;
use crate::waiting::put;

/// A dial under way. Dropping it ends the dial, unless the dial is answered.
#[derive(Debug)]
pub(crate) struct Dial(Weak<TcpStream>);

impl Dial {
    /// Begins a dial, which ends with [`Job::Dialed`].
    pub(crate) fn start(
        dial: DialId,
        addr: SocketAddr,
        jobs: JobQueue<TcpStream>,
        tasks: &TaskGroup,
    ) -> io::Result<Self> {
        let stream = Arc::new(begin(addr)?);
        let kept = Arc::downgrade(&stream);
        tasks.start("ringchat-dial", move || {
            // After the end of the room nobody waits for the answer.
            let _ = put(&jobs, Job::Dialed(dial, finish(stream)));
        })?;
        Ok(Self(kept))
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        if let Some(stream) = self.0.upgrade() {
            // An error means that the dial has failed already.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

/// Begins to connect, without waiting.
fn begin(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&addr.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        Ok(()) | Err(_) => Ok(socket.into()),
    }
}

/// Whether the connection is being made. Windows says so with another error than all others.
fn is_under_way(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INPROGRESS | Errno::WOULDBLOCK))
}

/// Waits until the connection stands, and makes it a blocking one.
fn finish(stream: Arc<TcpStream>) -> io::Result<TcpStream> {
    let timeout = Timespec::try_from(DIAL_TIMEOUT).map_err(io::Error::other)?;
    let mut connected = [PollFd::new(&*stream, PollFlags::OUT)];
    if retry_on_intr(|| poll(&mut connected, Some(&timeout)))? == 0 {
        return Err(ErrorKind::TimedOut.into());
    }
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    stream.set_nonblocking(false)?;
    // Only the end of the dial holds it a second time, for a moment.
    Arc::into_inner(stream).ok_or_else(|| ErrorKind::Interrupted.into())
}
