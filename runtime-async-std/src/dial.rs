//! Dials, each a task of its own.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use async_channel::Receiver;
use ringchat_core::{DialFailure, DialId};
use ringchat_driver::DIAL_TIMEOUT;

use crate::crew::unless;
use crate::node::{Job, Node};
use crate::rt::{self, TcpStream};

/// The body of a dial, which ends with [`Job::Dialed`] unless `stopped` is closed before.
pub(crate) async fn dial(dial: DialId, addr: SocketAddr, node: Arc<Node>, stopped: Receiver<Infallible>) {
    if let Some(dialed) = unless(&stopped, connect(addr)).await {
        let _ = node.put(Job::Dialed(dial, addr, dialed)).await;
    }
}

async fn connect(addr: SocketAddr) -> Result<TcpStream, DialFailure> {
    match rt::timeout(DIAL_TIMEOUT, rt::connect(addr)).await {
        Some(connected) => connected.map_err(|error| failure(&error)),
        None => Err(DialFailure::TimedOut),
    }
}

fn failure(error: &io::Error) -> DialFailure {
    match error.kind() {
        ErrorKind::ConnectionRefused => DialFailure::Refused,
        ErrorKind::TimedOut => DialFailure::TimedOut,
        _ => DialFailure::Unreachable,
    }
}
