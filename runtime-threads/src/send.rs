//! Writing to a socket without waiting, where the system can.

use std::io;
use std::net::TcpStream;

/// Writes as much as the socket takes without waiting; gives the rest.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn write_at_once<'a>(stream: &TcpStream, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
    use rustix::io::Errno;
    use rustix::net::{SendFlags, send};

    let mut rest = bytes;
    while !rest.is_empty() {
        match send(stream, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rest)
}

/// Leaves all to the writer. The sockets block, because readers share them, and not every system lets one call be
/// made without waiting: macOS ignores `MSG_DONTWAIT` when it sends.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) fn write_at_once<'a>(_stream: &TcpStream, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
    Ok(bytes)
}
