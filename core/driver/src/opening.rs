//! What a room needs from the system before its node can start.

use std::net::{SocketAddr, TcpListener};

use ringchat_core::Config;

use crate::error::OpenError;

/// A bound listening socket, and what was drawn at random for a new node.
#[derive(Debug)]
pub struct Opening {
    pub(crate) config: Config,
    pub(crate) seed: [u8; 32],
}

impl Opening {
    /// Binds `config.addr`, where port 0 stands for any free port, and draws the node's seed.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system gives no random bytes.
    pub fn new(config: Config) -> Result<(Self, TcpListener), OpenError> {
        let failed = |error| OpenError::Listen { addr: config.addr, error };
        let listener = TcpListener::bind(config.addr).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(OpenError::Random)?;
        Ok((Self { config: Config { addr, ..config }, seed }, listener))
    }

    /// The bound address, through which others join.
    pub fn addr(&self) -> SocketAddr {
        self.config.addr
    }
}
