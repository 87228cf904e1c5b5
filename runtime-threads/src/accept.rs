//! The listening socket and the thread that accepts.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use ringchat_driver::{Accepting, JobQueue};

use crate::task_group::TaskGroup;
use crate::waiting::put;

/// How long to try to wake the thread that accepts.
const WAKE_TIMEOUT: Duration = Duration::from_millis(100);

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
        jobs: JobQueue<TcpStream>,
        tasks: &TaskGroup,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let listener = Arc::new(listener);
        let (stop, stopped) = mpsc::sync_channel(0);
        let accepting = Arc::clone(&listener);
        tasks.start("ringchat-accept", move || accept(&accepting, &jobs, &stopped))?;
        Ok(Self { listener, addr, stop: Some(stop) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop = None;
        // On Linux this wakes the thread that accepts; elsewhere a connection does.
        if rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both).is_err() {
            drop(TcpStream::connect_timeout(&self.addr, WAKE_TIMEOUT));
        }
    }
}

fn accept(listener: &TcpListener, jobs: &JobQueue<TcpStream>, stopped: &Receiver<()>) {
    let mut accepting = Accepting::new(jobs.clone());
    loop {
        let job = accepting.job(listener.accept());
        let pause = job.as_ref().err().copied().unwrap_or_default();
        let has_ended = stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected);
        if has_ended || job.is_ok_and(|job| put(jobs, job).is_err()) {
            break;
        }
    }
}
