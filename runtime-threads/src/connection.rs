//! A connection: its reader, and the two ways in which it is written to.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use ringchat_core::{DownReason, LinkId, Origin};
use ringchat_driver::{FrameReader, Trust, WriteQueue};

use crate::crew::{Crew, lock};
use crate::node::{Job, Node};
use crate::send::write_at_once;

/// What the node, the reader and the writer of a connection share.
#[derive(Debug)]
struct Shared {
    /// Blocking; what the node writes does not wait.
    stream: TcpStream,
    backlog: Mutex<WriteQueue>,
}

/// The node's side of a connection. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    trust: Trust,
    crew: Crew,
}

impl Connection {
    /// Takes a connected socket and starts its reader.
    pub(crate) fn open(
        link: LinkId,
        origin: Origin,
        stream: TcpStream,
        node: Arc<Node>,
        crew: &Crew,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let shared = Arc::new(Shared { stream, backlog: Mutex::default() });
        let trust = Trust::new(origin);
        let (reading, inbox) = (Arc::clone(&shared), FrameReader::new(trust.clone()));
        crew.start("ringchat-read", move || read(link, &reading.stream, inbox, &node))?;
        Ok(Self { shared, trust, crew: crew.clone() })
    }
}

impl ringchat_driver::Connection for Connection {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DownReason> {
        let mut backlog = lock(&self.shared.backlog);
        let mut rest = bytes;
        if backlog.is_idle() {
            rest = write_at_once(&self.shared.stream, bytes).map_err(|_| DownReason::Io)?;
        }
        if rest.is_empty() || !backlog.push(rest)? {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        self.crew.start("ringchat-write", move || write(&shared)).map_err(|_| DownReason::Io)
    }

    fn trust(&mut self) {
        self.trust.give();
    }

    fn finish(&mut self) {
        let mut backlog = lock(&self.shared.backlog);
        backlog.finish();
        if backlog.is_finished() {
            end(&self.shared.stream, Shutdown::Write);
        }
    }

    fn abort(&mut self) {
        end(&self.shared.stream, Shutdown::Both);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        end(&self.shared.stream, Shutdown::Both);
    }
}

/// The body of a writer: writes what waits until nothing does.
fn write(shared: &Shared) {
    while let Some(bytes) = next_bytes(shared) {
        if (&shared.stream).write_all(&bytes).is_err() {
            // The reader finds the end, and tells.
            end(&shared.stream, Shutdown::Both);
            return;
        }
    }
}

fn next_bytes(shared: &Shared) -> Option<Vec<u8>> {
    let mut backlog = lock(&shared.backlog);
    let bytes = backlog.take();
    if backlog.is_finished() {
        end(&shared.stream, Shutdown::Write);
    }
    bytes
}

/// The body of a reader: hands on what comes until the connection ends.
fn read(link: LinkId, stream: &TcpStream, mut inbox: FrameReader, node: &Arc<Node>) {
    let reason = loop {
        let read = match (&*stream).read(inbox.spare()) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break DownReason::Io,
        };
        let (envelopes, end) = inbox.advance(read);
        if !envelopes.is_empty() && node.put(Job::Received(link, envelopes)).is_err() {
            return;
        }
        if let Some(reason) = end {
            break reason;
        }
    };
    if node.put(Job::Down(link, reason)).is_err() {
        return;
    }
    if let DownReason::Protocol(_) = reason {
        // The other end may still read our greeting; bytes left unread would reset the connection.
        discard(stream, inbox.spare());
        let _ = node.put(Job::Down(link, DownReason::Eof));
    }
}

fn discard(mut stream: &TcpStream, rest: &mut [u8]) {
    while matches!(stream.read(rest), Ok(1..)) {}
}

/// Ends one or both directions. An error means that there is nothing to end any more.
fn end(stream: &TcpStream, how: Shutdown) {
    drop(stream.shutdown(how));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringchat_core::limits::LINK_QUEUE_BYTES;
    use ringchat_driver::Connection as _;
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(20);
    const CHUNK: usize = 16 * 1024;

    struct Pair {
        connection: Connection,
        peer: TcpStream,
        node: Arc<Node>,
        crew: Crew,
    }

    fn pair() -> Pair {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let node = Node::without_engine();
        let crew = Crew::default();
        let connection =
            Connection::open(LinkId(1), Origin::Accepted, stream, Arc::clone(&node), &crew).unwrap();
        Pair { connection, peer, node, crew }
    }

    #[test]
    fn what_the_socket_does_not_take_at_once_arrives_in_order() {
        let Pair { mut connection, mut peer, node, crew } = pair();
        let all: Vec<u8> = (0..u32::MAX).flat_map(u32::to_be_bytes).take(768 * CHUNK).collect();
        for chunk in all.chunks(CHUNK) {
            connection.send(chunk).unwrap();
        }
        assert!(!lock(&connection.shared.backlog).is_idle(), "the socket takes less than all at once");
        connection.finish();
        let mut came = Vec::new();
        peer.read_to_end(&mut came).unwrap();
        assert!(came == all);
        drop((peer, connection));
        crew.join();
        assert!(matches!(node.jobs()[..], [Job::Down(LinkId(1), _)]));
    }

    #[test]
    fn a_peer_that_never_reads_overflows() {
        let Pair { mut connection, peer, crew, .. } = pair();
        let mut sent = 0;
        while connection.send(&[0; CHUNK]) != Err(DownReason::Overflow) {
            sent += CHUNK;
            assert!(sent < 4 * LINK_QUEUE_BYTES, "no end of what is queued");
        }
        assert!(sent >= LINK_QUEUE_BYTES);
        connection.abort();
        crew.join();
        drop(peer);
    }

    #[test]
    fn a_peer_that_resets_ends_reader_and_writer() {
        let Pair { mut connection, peer, node, crew } = pair();
        while lock(&connection.shared.backlog).is_idle() {
            connection.send(&[0; CHUNK]).unwrap();
        }
        // Closing with bytes unread resets.
        drop(peer);
        crew.join();
        assert!(matches!(node.jobs()[..], [Job::Down(LinkId(1), _)]));
    }
}
