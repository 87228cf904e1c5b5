//! A transport for tests: it records what is written and starts nothing.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use ringchat_core::{Config, DialId, Instant, LinkId, Seed};

use crate::connection::{Connection, SharedSocket};
use crate::door::Door;
use crate::host::lock;
use crate::link_reader::LinkReader;
use crate::other_end::{OtherEnd, somebody};
use crate::socket::Socket;
use crate::transport::{Job, Transport};

pub(crate) const START: Instant = Instant(1);

pub(crate) fn addr() -> SocketAddr {
    ([127, 0, 0, 1], 4000).into()
}

/// The same seed each time.
pub(crate) fn seed(config: &Config) -> Seed {
    let Ok(seed) = Seed::draw(config, |bytes| {
        bytes.fill(7);
        Ok::<(), Infallible>(())
    });
    seed
}

/// The door of whoever has number 1.
pub(crate) fn door() -> Door {
    Door::new(somebody(1))
}

/// The reader of a connection that was accepted, and its socket.
pub(crate) fn accepted() -> (LinkReader<FakeSocket>, FakeSocket) {
    let (transport, socket) = (FakeTransport::default(), FakeSocket::default());
    let connection = Connection::accept(&transport, LinkId(1), socket.clone(), &door());
    drop(connection);
    let reader = lock(&transport.readers).pop();
    (reader.unwrap(), socket)
}

/// The reader of a link that is open, and the other end of that.
pub(crate) fn opened() -> (LinkReader<FakeSocket>, OtherEnd) {
    let (mut reader, socket) = accepted();
    let (mut other, first) = OtherEnd::dial(somebody(2), None);
    let jobs = open(&mut reader, &socket, &mut other, first);
    assert!(matches!(jobs[..], [Job::Opened(..)]), "{jobs:?}");
    (reader, other)
}

/// Lets a link open between a reader and its other end, of which the first message is under way. Gives the jobs.
pub(crate) fn open(
    reader: &mut LinkReader<FakeSocket>,
    socket: &FakeSocket,
    other: &mut OtherEnd,
    first: Vec<u8>,
) -> Vec<Job<FakeSocket>> {
    let (mut jobs, mut bytes) = (Vec::new(), first);
    while !bytes.is_empty() {
        reader.spare()[..bytes.len()].copy_from_slice(&bytes);
        jobs.extend(reader.advance(Ok(bytes.len())));
        bytes = other.hear(&socket.record().writes.drain(..).collect::<Vec<_>>().concat()).unwrap();
    }
    jobs
}

/// What was done to a socket, and what it does.
#[allow(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// What each write brought.
    pub(crate) writes: Vec<Vec<u8>>,
    /// Whether writing fails.
    pub(crate) broken: bool,
    /// Whether it takes nothing now.
    pub(crate) full: bool,
    pub(crate) finished: bool,
    pub(crate) aborted: bool,
}

/// A socket that takes everything, unless it is broken.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeSocket(Arc<Mutex<Record>>);

impl FakeSocket {
    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.0)
    }
}

impl Socket for FakeSocket {
    fn send_promptly(&self) -> io::Result<()> {
        Ok(())
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut record = self.record();
        if record.full {
            return Err(ErrorKind::WouldBlock.into());
        }
        record.writes.push(bytes.to_vec());
        if record.broken { Err(ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        let mut record = self.record();
        match how {
            Shutdown::Both => record.aborted = true,
            Shutdown::Read | Shutdown::Write => record.finished = true,
        }
        Ok(())
    }
}

/// Starts nothing. A dial never ends.
#[derive(Default)]
pub(crate) struct FakeTransport {
    pub(crate) readers: Mutex<Vec<LinkReader<FakeSocket>>>,
}

impl Transport for FakeTransport {
    type Socket = FakeSocket;
    type Dial = ();

    fn start_reader(
        &self,
        _socket: Arc<SharedSocket<FakeSocket>>,
        reader: LinkReader<FakeSocket>,
    ) -> io::Result<()> {
        lock(&self.readers).push(reader);
        Ok(())
    }

    fn start_writer(&self, _socket: Arc<SharedSocket<FakeSocket>>) -> io::Result<()> {
        Ok(())
    }

    fn start_dial(&self, _dial: DialId, _addr: SocketAddr) -> io::Result<()> {
        Ok(())
    }
}
