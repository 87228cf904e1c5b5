//! A connected socket, and the tasks that read from it and write to it.

use std::io;
use std::net::Shutdown;

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use ringchat_driver::{Ended, Jobs, LinkReader, SharedSocket, Socket};

use crate::rt::TcpStream;
use crate::waiting::put;

/// A socket, which the reader and the writer share.
#[derive(Debug)]
pub(crate) struct Tcp(pub(crate) TcpStream);

impl Socket for Tcp {
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes).now_or_never().unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

/// The body of a reader: puts what comes until the connection or the room ends.
pub(crate) async fn read(
    socket: &SharedSocket<Tcp>,
    mut reader: LinkReader,
    jobs: &dyn Jobs<Tcp>,
) -> Result<(), Ended> {
    while !reader.is_done() {
        let read = (&socket.socket().0).read(reader.spare()).await;
        for job in reader.advance(read) {
            put(jobs, job).await?;
        }
    }
    Ok(())
}

/// The body of a writer: writes what waits until nothing does.
pub(crate) async fn write(socket: &SharedSocket<Tcp>) {
    while let Some(bytes) = socket.next_bytes() {
        if (&socket.socket().0).write_all(&bytes).await.is_err() {
            return socket.abort();
        }
    }
}
