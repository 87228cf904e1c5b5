//! The listening socket and the thread that accepts.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use ringchat_driver::{Job, Jobs};

use crate::connection::Tcp;
use crate::task_group::TaskGroup;
use crate::waiting::until_taken;

/// How long to wait when no connection can be accepted, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket. Dropping it ends the thread that accepts.
#[derive(Debug)]
pub(crate) struct Listening {
    listener: Arc<TcpListener>,
    addr: SocketAddr,
    /// Never used; dropping it stops the thread.
    stop: Option<SyncSender<()>>,
}

impl Listening {
    /// Starts the thread that accepts.
    pub(crate) fn start(
        listener: TcpListener,
        jobs: Arc<dyn Jobs<Tcp>>,
        tasks: &TaskGroup,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let listener = Arc::new(listener);
        let (stop, stopped) = mpsc::sync_channel(0);
        let accepting = Arc::clone(&listener);
        tasks.start("ringchat-accept", move || accept(&accepting, &*jobs, &stopped))?;
        Ok(Self { listener, addr, stop: Some(stop) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop = None;
        // On Linux this wakes the thread that accepts; elsewhere a connection does.
        if rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both).is_err() {
            drop(TcpStream::connect_timeout(&self.addr, PAUSE));
        }
    }
}

fn accept(listener: &TcpListener, jobs: &dyn Jobs<Tcp>, stopped: &Receiver<()>) {
    let mut failing = false;
    loop {
        let accepted = listener.accept();
        let failed = accepted.is_err();
        let pause = if failed { PAUSE } else { Duration::ZERO };
        if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        match accepted {
            Ok((stream, remote)) => {
                if until_taken(Job::Accepted(Tcp(stream), remote), |job| jobs.put(job)).is_err() {
                    return;
                }
            }
            Err(error) if !failing => log::warn!("cannot accept a connection: {error}"),
            Err(_) => {}
        }
        failing = failed;
    }
}
