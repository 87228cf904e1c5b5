//! The threads of a room: one accepts, and each reader, writer and dial has one.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use ringchat_core::DialId;
use ringchat_driver::{JobQueue, LinkReader, SharedSocket, Transport};

use crate::accept::Listening;
use crate::connection::{read, write};
use crate::dial::Dial;
use crate::task_group::TaskGroup;

/// Starts the threads of a room.
pub(crate) struct Threads {
    jobs: JobQueue<TcpStream>,
    tasks: TaskGroup,
    /// Dropped with the transport, to stop accepting.
    _listening: Listening,
}

impl Threads {
    /// Starts to accept.
    pub(crate) fn start(
        listener: TcpListener,
        jobs: JobQueue<TcpStream>,
        tasks: TaskGroup,
    ) -> io::Result<Self> {
        let listening = Listening::start(listener, jobs.clone(), &tasks)?;
        Ok(Self { jobs, tasks, _listening: listening })
    }
}

impl Transport for Threads {
    type Socket = TcpStream;
    type Dial = Dial;

    fn start_reader(
        &self,
        socket: Arc<SharedSocket<TcpStream>>,
        reader: LinkReader<TcpStream>,
    ) -> io::Result<()> {
        let jobs = self.jobs.clone();
        self.tasks.start("ringchat-read", move || read(socket.socket(), reader, &jobs))
    }

    fn start_writer(&self, socket: Arc<SharedSocket<TcpStream>>) -> io::Result<()> {
        self.tasks.start("ringchat-write", move || write(&socket))
    }

    fn start_dial(&self, dial: DialId, addr: SocketAddr) -> io::Result<Dial> {
        Dial::start(dial, addr, self.jobs.clone(), &self.tasks)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;
    use ringchat_core::limits::LINK_QUEUE_BYTES;
    use ringchat_core::secure::{Credentials, Identity};
    use ringchat_core::{DownReason, LinkId};
    use ringchat_driver::{Connection, Door, Job, Jobs, Refused, TurnOwner, lock};
    use std::io::Read;
    use std::net::Ipv4Addr;
    use std::num::NonZeroU64;
    use std::sync::Mutex;
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(20);
    const CHUNK: usize = 16 * 1024;

    /// Keeps all jobs.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Job<TcpStream>>>);

    impl Jobs<TcpStream> for Kept {
        fn put(&self, job: Job<TcpStream>) -> Result<TurnOwner, Refused<Job<TcpStream>>> {
            lock(&self.0).push(job);
            Ok(TurnOwner::Other)
        }
    }

    struct Pair {
        connection: Connection<TcpStream>,
        transport: Threads,
        peer: TcpStream,
        jobs: Arc<Kept>,
    }

    impl Pair {
        fn new() -> Self {
            let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let (jobs, listener) = (Arc::new(Kept::default()), bind());
            let transport = Threads::start(bind(), jobs.clone(), TaskGroup::default()).unwrap();
            let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            peer.set_read_timeout(Some(DEADLINE)).unwrap();
            let (stream, _) = listener.accept().unwrap();
            let door = Door::new(Credentials::open(Identity::from_seed([1; 32]), NonZeroU64::MIN));
            let connection = Connection::accept(&transport, LinkId(1), stream, &door).unwrap();
            Self { connection, transport, peer, jobs }
        }

        fn send(&self, chunk: &[u8]) -> Result<(), DownReason> {
            self.connection.send(&self.transport, chunk)
        }

        /// Ends the connection, waits for all threads, and tells whether the end was the only job.
        fn ends(self) -> bool {
            let tasks = self.transport.tasks.clone();
            drop((self.connection, self.peer, self.transport));
            tasks.join();
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
        assert!(pair.ends());
    }

    #[test]
    fn a_peer_that_resets_ends_reader_and_writer() {
        let pair = Pair::new();
        while pair.connection.is_idle() {
            pair.send(&[0; CHUNK]).unwrap();
        }
        // Closing with bytes unread resets.
        let Pair { connection, transport, peer, jobs } = pair;
        drop(peer);
        let tasks = transport.tasks.clone();
        drop(transport);
        tasks.join();
        assert!(matches!(lock(&jobs.0)[..], [Job::Down(LinkId(1), _)]));
        drop(connection);
    }
}
