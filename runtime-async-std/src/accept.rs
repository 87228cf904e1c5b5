//! The listening socket and the task that accepts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_channel::Receiver;

use crate::crew::unless;
use crate::node::{Job, Node};
use crate::rt::{self, TcpListener};

/// How long to wait when no connection can be accepted, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// The body of the task that accepts, until `stopped` is closed.
pub(crate) async fn accept(listener: TcpListener, node: Arc<Node>, stopped: Receiver<Infallible>) {
    let mut failing = false;
    while let Some(accepted) = unless(&stopped, listener.accept()).await {
        match accepted {
            Ok((stream, remote)) => {
                failing = false;
                if node.put(Job::Accepted(stream, remote)).await.is_err() {
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
