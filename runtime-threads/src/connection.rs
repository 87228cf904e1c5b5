//! A connected socket, and the threads that read from it and write to it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use ringchat_driver::{Ended, Jobs, LinkReader, SharedSocket, Socket};

use crate::waiting::until_taken;

/// A blocking socket, which the reader and the writer share.
#[derive(Debug)]
pub(crate) struct Tcp(pub(crate) TcpStream);

impl Socket for Tcp {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::net::{SendFlags, send};

        Ok(send(&self.0, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }

    /// Leaves all to the writer: not every system lets one call on a blocking socket return without waiting. macOS
    /// ignores `MSG_DONTWAIT` when it sends.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    fn write_now(&self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

/// The body of a reader: puts what comes until the connection or the room ends.
pub(crate) fn read(
    mut socket: &TcpStream,
    mut reader: LinkReader,
    jobs: &dyn Jobs<Tcp>,
) -> Result<(), Ended> {
    while !reader.is_done() {
        let read = socket.read(reader.spare());
        for job in reader.advance(read) {
            until_taken(job, |job| jobs.put(job))?;
        }
    }
    Ok(())
}

/// The body of a writer: writes what waits until nothing does.
pub(crate) fn write(socket: &SharedSocket<Tcp>) {
    while let Some(bytes) = socket.next_bytes() {
        if (&socket.socket().0).write_all(&bytes).is_err() {
            return socket.abort();
        }
    }
}
