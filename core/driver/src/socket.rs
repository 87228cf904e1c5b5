//! What a turn does to a socket, without waiting.

use std::io;
use std::net::{Shutdown, TcpStream};

/// A connected stream socket. No call waits.
pub trait Socket: Send + Sync + 'static {
    /// From now on small writes go out at once.
    ///
    /// # Errors
    /// If the connection is broken.
    fn send_promptly(&self) -> io::Result<()>;

    /// Writes what the socket takes at once, and tells how many bytes that was.
    ///
    /// # Errors
    /// `WouldBlock` if the socket takes nothing now; any other error if the connection is broken.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Ends one or both directions, so that the reader and the writer stop.
    ///
    /// # Errors
    /// If that direction has ended before.
    fn end(&self, how: Shutdown) -> io::Result<()>;
}

/// A blocking socket.
impl Socket for TcpStream {
    fn send_promptly(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::net::{SendFlags, send};

        Ok(send(self, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }

    /// Leaves everything to the writer: not every system lets one call on a blocking socket return without waiting.
    /// macOS ignores `MSG_DONTWAIT` when it sends.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    fn write_now(&self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }
}
