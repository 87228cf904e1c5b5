//! The task that accepts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_channel::Receiver;
use ringchat_driver::{Job, Jobs};

use crate::connection::Tcp;
use crate::rt::{self, TcpListener};
use crate::task_group::unless;
use crate::waiting::put;

/// How long to wait when no connection can be accepted, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// The body of the task that accepts, until `stopped` is closed.
pub(crate) async fn accept(listener: TcpListener, jobs: Arc<dyn Jobs<Tcp>>, stopped: Receiver<Infallible>) {
    let mut failing = false;
    while let Some(accepted) = unless(&stopped, listener.accept()).await {
        match accepted {
            Ok((stream, remote)) => {
                failing = false;
                if put(&*jobs, Job::Accepted(Tcp(stream), remote)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !failing {
                    log::warn!("cannot accept a connection: {error}");
                }
                failing = true;
                unless(&stopped, rt::sleep(PAUSE)).await;
            }
        }
    }
}
