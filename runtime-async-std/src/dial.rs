//! Dials, each a task of its own.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use async_channel::Receiver;
use ringchat_core::DialId;
use ringchat_driver::{DIAL_TIMEOUT, Job, JobQueue};

use crate::connection::Tcp;
use crate::put::put;
use crate::rt;
use crate::task_group::unless;

/// The body of a dial, which ends with [`Job::Dialed`] unless `dropped` is closed before.
pub(crate) async fn dial(dial: DialId, addr: SocketAddr, jobs: JobQueue<Tcp>, dropped: Receiver<Infallible>) {
    if let Some(dialed) = unless(&dropped, connect(addr)).await {
        // After the end of the room nobody waits for the answer.
        let _ = put(&jobs, Job::Dialed(dial, dialed)).await;
    }
}

async fn connect(addr: SocketAddr) -> io::Result<Tcp> {
    let connected = rt::timeout(DIAL_TIMEOUT, rt::connect(addr)).await;
    connected.unwrap_or_else(|| Err(ErrorKind::TimedOut.into())).map(Tcp)
}
