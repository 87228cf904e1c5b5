//! The tasks of a room: one accepts, and each reader, writer and dial is one.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_channel::Sender;
use ringchat_core::DialId;
use ringchat_driver::{JobQueue, LinkReader, SharedSocket, Transport};

use crate::accept::accept;
use crate::connection::{Tcp, read, write};
use crate::dial::dial;
use crate::rt::TcpListener;
use crate::task_group::TaskGroup;

/// Starts the tasks of a room.
pub(crate) struct Tasks {
    jobs: JobQueue<Tcp>,
    group: TaskGroup,
    /// Dropped with the transport, to stop accepting.
    _listening: Sender<Infallible>,
}

impl Tasks {
    /// Starts to accept.
    pub(crate) fn start(listener: TcpListener, jobs: JobQueue<Tcp>, group: TaskGroup) -> Self {
        let (listening, stopped) = async_channel::bounded(1);
        group.start(accept(listener, jobs.clone(), stopped));
        Self { jobs, group, _listening: listening }
    }
}

impl Transport for Tasks {
    type Socket = Tcp;
    /// Closing this channel ends the dial.
    type Dial = Sender<Infallible>;

    fn start_reader(&self, socket: Arc<SharedSocket<Tcp>>, reader: LinkReader<Tcp>) -> io::Result<()> {
        self.group.start(read(socket, reader, self.jobs.clone()));
        Ok(())
    }

    fn start_writer(&self, socket: Arc<SharedSocket<Tcp>>) -> io::Result<()> {
        self.group.start(write(socket));
        Ok(())
    }

    fn start_dial(&self, id: DialId, addr: SocketAddr) -> io::Result<Self::Dial> {
        let (kept, dropped) = async_channel::bounded(1);
        self.group.start(dial(id, addr, self.jobs.clone(), dropped));
        Ok(kept)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;
    use crate::rt::timeout;
    use futures::executor::block_on;
    use ringchat_core::limits::LINK_QUEUE_BYTES;
    use ringchat_core::secure::{Credentials, Identity};
    use ringchat_core::{DownReason, LinkId};
    use ringchat_driver::{Connection, Door, Job, Jobs, Refused, TurnOwner, lock};
    use std::io::Read;
    use std::net::{self, Ipv4Addr};
    use std::num::NonZeroU64;
    use std::sync::Mutex;
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(20);
    const CHUNK: usize = 16 * 1024;

    /// Keeps all jobs.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Job<Tcp>>>);

    impl Jobs<Tcp> for Kept {
        fn put(&self, job: Job<Tcp>) -> Result<TurnOwner, Refused<Job<Tcp>>> {
            lock(&self.0).push(job);
            Ok(TurnOwner::Other)
        }
    }

    struct Pair {
        connection: Connection<Tcp>,
        transport: Tasks,
        peer: net::TcpStream,
        jobs: Arc<Kept>,
        group: TaskGroup,
    }

    impl Pair {
        fn new() -> Self {
            let bind = || block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
            let (jobs, listener, group) = (Arc::new(Kept::default()), bind(), TaskGroup::new());
            let transport = Tasks::start(bind(), jobs.clone(), group.clone());
            let peer = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            peer.set_read_timeout(Some(DEADLINE)).unwrap();
            let (stream, _) = block_on(listener.accept()).unwrap();
            let door = Door::new(Credentials::open(Identity::from_seed([1; 32]), NonZeroU64::MIN));
            let connection = Connection::accept(&transport, LinkId(1), Tcp(stream), &door).unwrap();
            Self { connection, transport, peer, jobs, group }
        }

        fn send(&self, chunk: &[u8]) -> Result<(), DownReason> {
            self.connection.send(&self.transport, chunk)
        }

        /// Waits for all tasks, and tells whether the end of the connection was the only job.
        fn ends(self) -> bool {
            drop((self.peer, self.transport));
            assert!(block_on(timeout(DEADLINE, self.group.join())).is_some(), "a task goes on");
            drop(self.connection);
            matches!(lock(&self.jobs.0)[..], [Job::Down(LinkId(1), _)])
        }
    }

    #[test]
    fn what_the_socket_does_not_take_at_once_arrives_in_order() {
        let mut pair = Pair::new();
        let all: Vec<u8> = (0..u32::MAX).flat_map(u32::to_be_bytes).take(768 * CHUNK).collect();
        for chunk in all.chunks(CHUNK) {
            pair.send(chunk).unwrap();
        }
        assert!(!pair.connection.is_idle(), "the socket takes less than all at once");
        pair.connection.finish();
        let mut came = Vec::new();
        pair.peer.read_to_end(&mut came).unwrap();
        assert!(came == all);
        assert!(pair.ends());
    }

    #[test]
    fn a_peer_that_never_reads_overflows() {
        let pair = Pair::new();
        let mut sent = 0;
        while pair.send(&[0; CHUNK]) != Err(DownReason::Overflow) {
            sent += CHUNK;
            assert!(sent < 4 * LINK_QUEUE_BYTES, "no end of what is queued");
        }
        assert!(sent >= LINK_QUEUE_BYTES);
        pair.connection.abort();
        assert!(pair.ends());
    }

    #[test]
    fn a_peer_that_resets_ends_reader_and_writer() {
        let pair = Pair::new();
        while pair.connection.is_idle() {
            pair.send(&[0; CHUNK]).unwrap();
        }
        // Closing with bytes unread resets.
        assert!(pair.ends());
    }
}
