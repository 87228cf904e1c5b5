//! The only place that names `async_std`: sockets, tasks and timers. Everything else is written against
//! `futures`, so that another executor needs a change here alone.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use futures::executor::ThreadPool;

pub(crate) use async_std::net::{TcpListener, TcpStream};
pub(crate) use async_std::task::{sleep, yield_now};

/// One thread for all tasks; none if none can be had. Executor threads of async-std take turns with its reactor's at
/// waiting for sockets, and all wake each other for it, several times for each thing that happens.
static TASKS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let thread = ThreadPool::builder().pool_size(1).name_prefix("ringchat-tasks").create();
    thread.ok()
});

/// Runs `task` beside everything else. The task itself reports its end.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    match &*TASKS {
        Some(thread) => thread.spawn_ok(task),
        None => drop(async_std::task::spawn(task)),
    }
}

/// What `future` gives, if it does so within `limit`.
pub(crate) async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    async_std::future::timeout(limit, future).await.ok()
}

/// Connects.
pub(crate) async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(addr).await
}
