//! What a runtime provides, and what its readers and dials bring.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ringchat_core::secure::Opened;
use ringchat_core::wire::Envelope;
use ringchat_core::{DialId, DownReason, LinkId};

use crate::connection::SharedSocket;
use crate::link_reader::LinkReader;
use crate::refused::Refused;
use crate::scheduler::TurnOwner;
use crate::socket::Socket;

/// What starts the threads or tasks of a runtime. No call waits.
///
/// Dropping a transport stops listening.
pub trait Transport: Send + 'static {
    /// A connected socket.
    type Socket: Socket;
    /// A dial under way. Dropping it ends the dial, unless the dial is answered.
    type Dial: Send;

    /// Starts to read: `reader` turns what is read into jobs.
    ///
    /// # Errors
    /// If the system gives no thread.
    fn start_reader(
        &self,
        socket: Arc<SharedSocket<Self::Socket>>,
        reader: LinkReader<Self::Socket>,
    ) -> io::Result<()>;

    /// Starts to write the bytes of [`SharedSocket::next_bytes`], until there are none.
    ///
    /// # Errors
    /// If the system gives no thread.
    fn start_writer(&self, socket: Arc<SharedSocket<Self::Socket>>) -> io::Result<()>;

    /// Starts a dial, which [`Job::Dialed`] answers within [`DIAL_TIMEOUT`](crate::DIAL_TIMEOUT).
    ///
    /// # Errors
    /// If the system gives no socket or thread.
    fn start_dial(&self, dial: DialId, addr: SocketAddr) -> io::Result<Self::Dial>;
}

/// Something that happened on the network, for the next turn.
#[derive(Debug)]
pub enum Job<S> {
    /// A connection was accepted from this address.
    Accepted(S, SocketAddr),
    /// A connection waits to be accepted, but the process or the system has no descriptor left for it.
    Crowded,
    /// A dial has led to a connection, or to none.
    Dialed(DialId, io::Result<S>),
    /// Bytes of the handshake of a link wait for a writer.
    Unwritten(LinkId),
    /// A link is open.
    Opened(LinkId, Box<Opened>),
    /// Messages came in; those of one read. Without any, only part of one came.
    Received {
        /// The link.
        link: LinkId,
        /// The messages, in order.
        envelopes: Vec<Envelope>,
        /// How many bytes they had.
        bytes: usize,
    },
    /// The receiving side of a link has ended.
    Down(LinkId, DownReason),
}

impl<S> Job<S> {
    /// How many bytes came with it.
    pub(crate) fn bytes(&self) -> usize {
        if let Self::Received { bytes, .. } = self { *bytes } else { 0 }
    }
}

/// The place where readers, dials and the listening socket put their jobs.
pub type JobQueue<S> = Arc<dyn Jobs<S>>;

/// What takes jobs.
pub trait Jobs<S>: Send + Sync {
    /// Puts a job at the end. If the node was idle this call runs the turn, and says so.
    ///
    /// # Errors
    /// If too many jobs wait, or the room has ended.
    fn put(&self, job: Job<S>) -> Result<TurnOwner, Refused<Job<S>>>;
}
