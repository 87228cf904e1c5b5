//! The room, as a program that embeds it sees it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::vec::Drain;
use std::{error, fmt, io};

use async_channel::Receiver;
use ringchat_core::{Config, Text};
use ringchat_driver::{CommandQueue, Ended, Event};

use crate::crew::closed;
use crate::node::Node;
use crate::notices::{self, Notices, Outlet};
use crate::rt::{self, TcpListener};

/// A room that this process is a member of, or is about to be.
///
/// Share it between tasks by reference or in an [`Arc`]. Dropping it leaves the room.
#[derive(Debug)]
pub struct Room {
    addr: SocketAddr,
    node: Arc<Node>,
    /// Closed when the keeper's task has ended.
    ended: Receiver<Infallible>,
}

impl Room {
    /// Binds `config.addr` (port 0 is any free one) and starts the node. It comes into the room, or does
    /// not, later: see [`Notice::Ready`](ringchat_core::Notice::Ready) and
    /// [`Notice::Ended`](ringchat_core::Notice::Ended).
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system denies randomness.
    pub async fn open(config: Config) -> Result<(Self, Notices), OpenError> {
        let (outlet, queue) = notices::queue();
        let room = Self::start(config, outlet).await?;
        let notices = Notices::new(queue, Arc::clone(&room.node));
        Ok((room, notices))
    }

    /// Like [`open`](Self::open), but hands all events of a turn to `sink` at once: no queue, and nobody has to
    /// wake up.
    ///
    /// `sink` is called by whoever runs the node, a task of the room or one that says something. It
    /// holds up the room, so it must not wait for anything, also not in [`say`](Self::say). It is dropped when the
    /// room has ended.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub async fn open_with(
        config: Config,
        sink: impl FnMut(Drain<'_, Event>) + Send + 'static,
    ) -> Result<Self, OpenError> {
        Self::start(config, notices::sink(sink)).await
    }

    async fn start(config: Config, outlet: Outlet) -> Result<Self, OpenError> {
        let listen = |source| OpenError::Listen { addr: config.addr, source };
        let listener = TcpListener::bind(config.addr).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(OpenError::Random)?;

        let node = Node::start(Config { addr, ..config }, seed, listener, outlet);
        let (running, ended) = async_channel::bounded(1);
        let kept = Arc::clone(&node);
        rt::spawn(async move {
            kept.keep().await;
            drop(running);
        });
        Ok(Self { addr, node, ended })
    }

    /// Where this member listens, and others may join.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Says something to all. Waits while the room can take no more; nothing that was taken is dropped.
    ///
    /// # Errors
    /// If the room was left.
    pub async fn say(&self, text: Text) -> Result<(), Ended> {
        self.node.command(move |queue| queue.say(&text)).await
    }

    /// Asks for a [`Notice::Report`](ringchat_core::Notice::Report), which comes with the other notices.
    /// Takes its turn among what was said.
    ///
    /// # Errors
    /// If the room was left.
    pub async fn report(&self) -> Result<(), Ended> {
        self.node.command(CommandQueue::report).await
    }

    /// Leaves the room once what was said has been taken. Does not wait: the notices end with
    /// [`Notice::Ended`](ringchat_core::Notice::Ended). Doing it again does nothing.
    pub fn leave(&self) {
        self.node.leave();
    }

    /// Waits until the room has ended, and every task and socket of it is gone. It does not leave.
    pub async fn join(&self) {
        closed(&self.ended).await;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Why a room cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be listened on.
    Listen {
        /// Which.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gives no random bytes.
    Random(getrandom::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { addr, source } if source.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "{addr} is in use by another program; choose another port, or 0 for any free one")
            }
            Self::Listen { addr, source } => {
                write!(f, "cannot listen on {addr} ({source}); choose an address of this machine")
            }
            Self::Random(source) => write!(f, "the system gives no random bytes ({source}); try again later"),
        }
    }
}

impl error::Error for OpenError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } => Some(source),
            Self::Random(source) => Some(source),
        }
    }
}
