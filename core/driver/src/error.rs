//! What can go wrong for the user of a room.

use std::io;
use std::net::SocketAddr;

/// The room was left, or never entered: it takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the room was left; open it again to go on")]
pub struct Ended;

/// Why a room cannot be opened. The text names the cause, so there is no `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be listened on.
    #[error("{}", listen_text(*addr, error))]
    Listen {
        /// The address of the config.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes ({0}); try again later")]
    Random(getrandom::Error),
    /// The system gives no thread.
    #[error("the system gives no thread ({0}); end other programs")]
    Thread(io::Error),
}

fn listen_text(addr: SocketAddr, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::AddrInUse {
        format!("{addr} is in use by another program; choose another port, or 0 for any free one")
    } else {
        format!("cannot listen on {addr} ({error}); choose an address of this machine")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn the_text_names_the_cause_and_no_source_repeats_it() {
        let addr = SocketAddr::from(([192, 0, 2, 1], 4000));
        let error = OpenError::Listen { addr, error: io::ErrorKind::AddrNotAvailable.into() };
        assert!(error.source().is_none());
        let text = error.to_string();
        assert!(text.starts_with("cannot listen on 192.0.2.1:4000 ("), "{text}");
        let error = OpenError::Listen { addr, error: io::ErrorKind::AddrInUse.into() };
        assert!(error.to_string().starts_with("192.0.2.1:4000 is in use"), "{error}");
    }
}
