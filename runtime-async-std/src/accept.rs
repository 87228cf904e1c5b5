//! The task that accepts.

use std::convert::Infallible;

use async_channel::Receiver;
use ringchat_driver::{Accepting, JobQueue};

use crate::connection::Tcp;
use crate::put::put;
use crate::rt::{self, TcpListener};
use crate::task_group::unless;

/// The body of the task that accepts, until `stopped` is closed.
pub(crate) async fn accept(listener: TcpListener, jobs: JobQueue<Tcp>, stopped: Receiver<Infallible>) {
    let mut accepting = Accepting::new(jobs.clone());
    while let Some(accepted) = unless(&stopped, listener.accept()).await {
        match accepting.job(accepted.map(|(stream, remote)| (Tcp(stream), remote))) {
            Ok(job) => {
                if put(&jobs, job).await.is_err() {
                    return;
                }
            }
            Err(pause) => drop(unless(&stopped, rt::sleep(pause)).await),
        }
    }
}
