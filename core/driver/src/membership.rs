//! The start of a node, and the hold that its user has on it.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::ops::Deref;
use std::sync::Arc;

use ringchat_core::{Config, Seed};

use crate::error::OpenError;
use crate::event_stream::EventSink;
use crate::events::TurnEvents;
use crate::host::Host;
use crate::transport::{JobQueue, Transport};

/// The user's hold on a host. Dropping it leaves the room.
pub struct Membership<T: Transport>(Arc<Host<T>>);

impl<T: Transport> Membership<T> {
    /// Binds `config.listen`, else `config.addr`, where port 0 stands for any free port, draws the node's seed, and starts
    /// the node over the transport that `start` gives. Each turn hands its events to `hear`. The caller starts the worker.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system gives no random bytes, or no thread to `start`.
    pub fn start(
        mut config: Config,
        hear: impl FnMut(TurnEvents<'_>) + Send + 'static,
        start: impl FnOnce(TcpListener, JobQueue<T::Socket>) -> io::Result<T>,
    ) -> Result<Self, OpenError> {
        let wanted = config.listen.unwrap_or(config.addr);
        let failed = |error| OpenError::Listen { addr: wanted, error };
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        if config.listen.is_none() {
            config.addr = bound;
        } else if config.addr.port() == 0 {
            config.addr.set_port(bound.port());
        }
        let seed = Seed::draw(&config, getrandom::fill).map_err(OpenError::Random)?;
        let host = Arc::new(Host::new(config.addr));
        let transport = start(listener, host.clone()).map_err(OpenError::Thread)?;
        host.start(config, seed, transport, EventSink::new(hear));
        Ok(Self(host))
    }

    /// The host, for the worker.
    pub fn host(&self) -> Arc<Host<T>> {
        Arc::clone(&self.0)
    }
}

impl<T: Transport> Deref for Membership<T> {
    type Target = Host<T>;

    fn deref(&self) -> &Host<T> {
        &self.0
    }
}

impl<T: Transport> fmt::Debug for Membership<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Transport> Drop for Membership<T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
