//! The threads that read from a connected socket and write to it.

use std::io::{Read, Write};
use std::net::TcpStream;

use ringchat_driver::{JobQueue, LinkReader, SharedSocket};

use crate::waiting::put;

/// The body of a reader: puts what comes until the connection or the room ends.
pub(crate) fn read(mut socket: &TcpStream, mut reader: LinkReader<TcpStream>, jobs: &JobQueue<TcpStream>) {
    while !reader.is_done() {
        let read = socket.read(reader.spare());
        if reader.advance(read).try_for_each(|job| put(jobs, job)).is_err() {
            break;
        }
    }
}

/// The body of a writer: writes what waits until nothing does.
pub(crate) fn write(socket: &SharedSocket<TcpStream>) {
    while let Some(bytes) = socket.next_bytes() {
        if socket.socket().write_all(&bytes).is_err() {
            return socket.abort();
        }
    }
}
