//! A server for one page and what the page asks, for the browsers of this machine alone.

mod connection;
mod head;
mod key;
mod refusal;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ringchat_driver::Clock;
use ringchat_picture::page::Served;
use thiserror::Error;

use self::key::PageKey;
use self::refusal::Refusal;

/// Connections at a time. A browser opens at most six.
const MAX_CONNECTIONS: usize = 16;

/// How long to wait when the system accepts no connection, as when it has no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The reason why there is no page.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    /// The port is taken, or not for this user.
    #[error("no page can be served at port {port} ({why}); choose another, or none for any free one")]
    Port {
        /// The port that is asked for.
        port: u16,
        /// What the system says.
        why: io::Error,
    },
    /// The system has no random bytes.
    #[error("the system gives no random bytes ({0}); end other programs")]
    Random(#[from] getrandom::Error),
    /// The system has no more threads.
    #[error("the system gives no thread ({0}); end other programs")]
    Thread(io::Error),
}

/// A page that is served until this is dropped.
pub(crate) struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

/// What answers the questions of the page.
type Answer = Box<dyn FnMut(&str) -> String + Send>;

/// What the threads of a server share.
struct Shared {
    port: u16,
    key: PageKey,
    page: String,
    policy: String,
    clock: Clock,
    answer: Mutex<Answer>,
    refused: AtomicU64,
    open: AtomicUsize,
    is_over: AtomicBool,
}

impl Server {
    /// Serves a page at `port` of the loopback address, or at a free port if it is 0. Questions of the page go
    /// to `answer`, one after the other.
    ///
    /// # Errors
    /// If the port cannot be had, or the system lacks something else.
    pub(crate) fn start(
        port: u16,
        Served { html, policy }: Served,
        answer: impl FnMut(&str) -> String + Send + 'static,
    ) -> Result<Self, ServeError> {
        let failed = |why| ServeError::Port { port, why };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            port: addr.port(),
            key: PageKey::draw()?,
            page: html,
            policy,
            clock: Clock::start(),
            answer: Mutex::new(Box::new(answer)),
            refused: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        thread::Builder::new()
            .name("page".into())
            .spawn(move || accept(&listener, &served))
            .map_err(ServeError::Thread)?;
        Ok(Self { addr, shared })
    }

    /// The address of the page with its key, which opens it.
    pub(crate) fn url(&self) -> String {
        // A fragment is in no request and in no referrer.
        format!("http://{}/#k={}", self.addr, self.shared.key.shown())
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// How many requests were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // It wakes the thread that accepts.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Shared {
    fn answer(&self, question: &str) -> String {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer(question)
    }

    fn count_refusal(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// A place among the connections, free again when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        match accepted {
            Ok((stream, _)) => admit(stream, shared),
            Err(_) => thread::park_timeout(PAUSE),
        }
    }
}

/// Serves the connection in a thread of its own if there is a place for it.
fn admit(stream: TcpStream, shared: &Arc<Shared>) {
    // Only this thread adds, so there are never more.
    if shared.open.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
        return connection::refuse(stream, shared, Refusal::Crowded);
    }
    shared.open.fetch_add(1, Ordering::Relaxed);
    let served = Arc::clone(shared);
    let started = thread::Builder::new().name("page".into()).spawn(move || {
        let _place = Place(&served.open);
        connection::serve(stream, &served);
    });
    if started.is_err() {
        shared.open.fetch_sub(1, Ordering::Relaxed);
    }
}
