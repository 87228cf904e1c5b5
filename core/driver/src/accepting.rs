//! What a runtime does with the results of accepting.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::transport::Job;

/// How long to wait when no connection can be accepted, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// Turns the results of accepting into jobs. A series of failures is logged once.
#[derive(Debug, Default)]
pub struct Accepting {
    failing: bool,
}

impl Accepting {
    /// The job to put after a result of accepting.
    ///
    /// # Errors
    /// If no connection was accepted: how long to wait before the next attempt.
    pub fn job<S>(&mut self, accepted: io::Result<(S, SocketAddr)>) -> Result<Job<S>, Duration> {
        let failed_before = self.failing;
        self.failing = accepted.is_err();
        match accepted {
            Ok((socket, remote)) => Ok(Job::Accepted(socket, remote)),
            Err(error) => {
                if !failed_before {
                    log::warn!("cannot accept a connection: {error}");
                }
                Err(PAUSE)
            }
        }
    }
}
