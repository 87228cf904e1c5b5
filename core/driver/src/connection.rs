//! The sending side of a connection: what the socket does not take at once goes to a writer.

use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use ringchat_core::secure::Link;
use ringchat_core::{DownReason, LinkId, NodeId};

use crate::door::Door;
use crate::host::lock;
use crate::link_reader::{LinkReader, Trust};
use crate::socket::Socket;
use crate::transport::Transport;
use crate::write_queue::WriteQueue;

/// What the node, the reader and the writer of a connection share.
#[derive(Debug)]
pub struct SharedSocket<S> {
    socket: S,
    writes: Mutex<WriteQueue>,
}

impl<S: Socket> SharedSocket<S> {
    /// The socket itself, to read and to write.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// The next bytes for the writer. `None` ends the writer: then nothing waits.
    pub fn next_bytes(&self) -> Option<Vec<u8>> {
        let mut writes = lock(&self.writes);
        let bytes = writes.take();
        if writes.is_finished() {
            self.end(Shutdown::Write);
        }
        bytes
    }

    /// Ends both directions. The writer calls this after an error; the reader then finds the end and reports it.
    pub fn abort(&self) {
        self.end(Shutdown::Both);
    }

    /// Whether no writer runs.
    pub fn is_idle(&self) -> bool {
        lock(&self.writes).is_idle()
    }

    /// Writes what the socket takes at once and keeps the rest. Tells whether a writer has to be started.
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<bool, DownReason> {
        let mut writes = lock(&self.writes);
        let rest = if writes.is_idle() { self.write_at_once(bytes)? } else { bytes };
        if rest.is_empty() { Ok(false) } else { writes.push(rest) }
    }

    /// Writes until the socket takes no more; gives the rest.
    fn write_at_once<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], DownReason> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.socket.write_now(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(DownReason::Io),
            }
        }
        Ok(rest)
    }

    /// Ends one or both directions. An error means that they have ended before.
    fn end(&self, how: Shutdown) {
        drop(self.socket.end(how));
    }
}

/// The node's side of a connection. Dropping it ends the connection.
#[derive(Debug)]
pub struct Connection<S: Socket> {
    shared: Arc<SharedSocket<S>>,
    trust: Trust,
}

impl<S: Socket> Connection<S> {
    /// Takes a socket that was accepted and starts its reader, which opens a link.
    ///
    /// # Errors
    /// If the connection is broken, or the system gives no random bytes, or the transport cannot start a reader.
    pub fn accept<T: Transport<Socket = S>>(
        transport: &T,
        id: LinkId,
        socket: S,
        door: &Door,
    ) -> io::Result<Self> {
        let link = Link::accept(&door.credentials(), Door::ephemeral()?).map_err(io::Error::other)?;
        Self::start(transport, id, socket, door, link, Trust::new(false))
    }

    /// Takes a socket that was dialed and starts its reader, which opens a link to whoever is `expected`, or to anybody.
    ///
    /// # Errors
    /// If the connection is broken, or the system gives no random bytes, or the transport cannot start a reader or a
    /// writer.
    pub(crate) fn dial<T: Transport<Socket = S>>(
        transport: &T,
        id: LinkId,
        socket: S,
        door: &Door,
        expected: Option<NodeId>,
    ) -> io::Result<Self> {
        let dialed = Link::dial(&door.credentials(), Door::ephemeral()?, expected);
        let (link, first) = dialed.map_err(io::Error::other)?;
        let connection = Self::start(transport, id, socket, door, link, Trust::new(true))?;
        connection.send(transport, &first).map_err(io::Error::other)?;
        Ok(connection)
    }

    fn start<T: Transport<Socket = S>>(
        transport: &T,
        id: LinkId,
        socket: S,
        door: &Door,
        link: Link,
        trust: Trust,
    ) -> io::Result<Self> {
        socket.send_promptly()?;
        let writes = Mutex::new(WriteQueue::new(door.write_pool()));
        let shared = Arc::new(SharedSocket { socket, writes });
        let reader = LinkReader::new(id, link, trust.clone(), door.clone(), Arc::clone(&shared));
        transport.start_reader(Arc::clone(&shared), reader)?;
        Ok(Self { shared, trust })
    }

    /// Writes what the socket takes at once and leaves the rest to a writer.
    ///
    /// # Errors
    /// `Overflow` if too much waits already, `Io` if the connection is broken. The caller aborts it.
    pub fn send<T: Transport<Socket = S>>(&self, transport: &T, bytes: &[u8]) -> Result<(), DownReason> {
        if self.shared.send(bytes)? { self.start_writer(transport) } else { Ok(()) }
    }

    /// Starts the writer that bytes wait for.
    ///
    /// # Errors
    /// `Io` if the transport cannot. The caller aborts the connection.
    pub(crate) fn start_writer<T: Transport<Socket = S>>(&self, transport: &T) -> Result<(), DownReason> {
        transport.start_writer(Arc::clone(&self.shared)).map_err(|_| DownReason::Io)
    }

    /// From now on the reader takes frames of every length.
    pub(crate) fn trust(&self) {
        self.trust.give();
    }

    /// Writes what waits, then ends the sending direction. The reader reads on to the end.
    pub fn finish(&self) {
        let mut writes = lock(&self.shared.writes);
        writes.finish();
        if writes.is_finished() {
            self.shared.end(Shutdown::Write);
        }
    }

    /// Ends both directions now.
    pub fn abort(&self) {
        self.shared.abort();
    }

    /// Whether no writer runs.
    pub fn is_idle(&self) -> bool {
        self.shared.is_idle()
    }
}

impl<S: Socket> Drop for Connection<S> {
    fn drop(&mut self) {
        self.abort();
    }
}
