//! A connection: its reader, and the two ways in which it is written to.

use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use ringchat_core::{DownReason, LinkId, Origin};
use ringchat_driver::{FrameReader, Trust, WriteQueue};

use crate::crew::{Crew, lock};
use crate::node::{Job, Node};
use crate::rt::TcpStream;

/// What the node, the reader and the writer of a connection share.
#[derive(Debug)]
struct Shared {
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
        crew.start(async move { read(link, &reading.stream, inbox, &node).await });
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
        self.crew.start(async move { write(&shared).await });
        Ok(())
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

/// Writes as much as the socket takes without waiting; gives the rest.
fn write_at_once<'a>(mut stream: &TcpStream, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.write(rest).now_or_never() {
            Some(written) => rest = rest.get(written?..).unwrap_or_default(),
            None => break,
        }
    }
    Ok(rest)
}

/// The body of a writer: writes what waits until nothing does.
async fn write(shared: &Shared) {
    while let Some(bytes) = next_bytes(shared) {
        if (&shared.stream).write_all(&bytes).await.is_err() {
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
async fn read(link: LinkId, mut stream: &TcpStream, mut inbox: FrameReader, node: &Arc<Node>) {
    let reason = loop {
        let Ok(read) = stream.read(inbox.spare()).await else { break DownReason::Io };
        let (envelopes, end) = inbox.advance(read);
        if !envelopes.is_empty() && node.put(Job::Received(link, envelopes)).await.is_err() {
            return;
        }
        if let Some(reason) = end {
            break reason;
        }
    };
    if node.put(Job::Down(link, reason)).await.is_err() {
        return;
    }
    if let DownReason::Protocol(_) = reason {
        // The other end may still read our greeting; bytes left unread would reset the connection.
        discard(stream, inbox.spare()).await;
        let _ = node.put(Job::Down(link, DownReason::Eof)).await;
    }
}

async fn discard(mut stream: &TcpStream, rest: &mut [u8]) {
    while matches!(stream.read(rest).await, Ok(1..)) {}
}

/// Ends one or both directions. An error means that there is nothing to end any more.
fn end(stream: &TcpStream, how: Shutdown) {
    drop(stream.shutdown(how));
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use ringchat_core::limits::LINK_QUEUE_BYTES;
    use ringchat_driver::Connection as _;
    use std::io::Read;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use crate::rt::{TcpListener, timeout};

    const DEADLINE: Duration = Duration::from_secs(20);
    const CHUNK: usize = 16 * 1024;

    struct Pair {
        connection: Connection,
        peer: std::net::TcpStream,
        node: Arc<Node>,
        crew: Crew,
    }

    fn pair() -> Pair {
        let listener = block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        let (stream, _) = block_on(listener.accept()).unwrap();
        let node = Node::without_engine();
        let crew = Crew::new();
        let connection =
            Connection::open(LinkId(1), Origin::Accepted, stream, Arc::clone(&node), &crew).unwrap();
        Pair { connection, peer, node, crew }
    }

    fn join(crew: Crew) {
        assert!(block_on(timeout(DEADLINE, crew.join())).is_some(), "a task goes on");
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
        join(crew);
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
        drop(connection);
        join(crew);
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
        drop(connection);
        join(crew);
        assert!(matches!(node.jobs()[..], [Job::Down(LinkId(1), _)]));
    }
}
