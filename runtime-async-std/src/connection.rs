//! A connected socket, and the tasks that read from it and write to it.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::Arc;

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use ringchat_driver::{JobQueue, LinkReader, SharedSocket, Socket};

use crate::put::put;
use crate::rt::TcpStream;

/// A socket that never blocks.
#[derive(Debug)]
pub(crate) struct Tcp(pub(crate) TcpStream);

impl Socket for Tcp {
    fn send_promptly(&self) -> io::Result<()> {
        self.0.set_nodelay(true)
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes).now_or_never().unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

/// The body of a reader: puts what comes until the connection or the room ends.
pub(crate) async fn read(socket: Arc<SharedSocket<Tcp>>, mut reader: LinkReader<Tcp>, jobs: JobQueue<Tcp>) {
    while !reader.is_done() {
        let read = (&socket.socket().0).read(reader.spare()).await;
        for job in reader.advance(read) {
            if put(&jobs, job).await.is_err() {
                return;
            }
        }
    }
}

/// The body of a writer: writes what waits until nothing does.
pub(crate) async fn write(socket: Arc<SharedSocket<Tcp>>) {
    while let Some(bytes) = socket.next_bytes() {
        if (&socket.socket().0).write_all(&bytes).await.is_err() {
            return socket.abort();
        }
    }
}
