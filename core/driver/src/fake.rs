//! A transport for tests: it records what is written and starts nothing.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use ringchat_core::{Config, DialId, Instant, Seed};

use crate::connection::SharedSocket;
use crate::host::lock;
use crate::link_reader::LinkReader;
use crate::socket::Socket;
use crate::transport::Transport;

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

/// What was done to a socket.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// What each write brought.
    pub(crate) writes: Vec<Vec<u8>>,
    /// Whether writing fails.
    pub(crate) broken: bool,
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
    pub(crate) readers: Mutex<Vec<LinkReader>>,
}

impl Transport for FakeTransport {
    type Socket = FakeSocket;
    type Dial = ();

    fn start_reader(&self, _socket: Arc<SharedSocket<FakeSocket>>, reader: LinkReader) -> io::Result<()> {
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
