//! A connection: one request, one answer.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use ringchat_core::Instant;
use ringchat_driver::Clock;

use super::Shared;
use super::head::{self, MAX_BODY, MAX_HEAD, Wish};
use super::refusal::Refusal;

/// How long a request may take to come in, and after that its answer to go out.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a request has no answer.
enum Unanswered {
    /// It is refused, which the client is told.
    Refused(Refusal),
    /// The client is gone, or has asked nothing.
    Gone,
}

impl From<Refusal> for Unanswered {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Answers the request of a connection, and closes it.
pub(super) fn serve(stream: TcpStream, shared: &Shared) {
    let mut client = Client::new(stream, shared.clock);
    match request(&mut client, shared) {
        Ok(Request::Page) => client.answer("200 OK", "text/html; charset=utf-8", &shared.page, shared),
        Ok(Request::Ask(question)) => {
            client.answer("200 OK", "application/json", &shared.answer(&question), shared);
        }
        Err(Unanswered::Refused(refusal)) => client.refuse(refusal, shared),
        Err(Unanswered::Gone) => {}
    }
}

/// Refuses a connection whatever it asks.
pub(super) fn refuse(stream: TcpStream, shared: &Shared, refusal: Refusal) {
    shared.count_refusal();
    let mut client = Client::new(stream, shared.clock);
    // The thread that accepts must not wait for a client.
    client.deadline = shared.clock.now();
    let _ = client.stream.set_nonblocking(true);
    let _ = client.stream.write_all(&head_of(&refusal.to_string(), "text/plain", 0, shared));
}

/// A request that is granted.
enum Request {
    Page,
    Ask(String),
}

fn request(client: &mut Client, shared: &Shared) -> Result<Request, Unanswered> {
    let mut bytes = Vec::new();
    let (wish, head) = loop {
        client.read(&mut bytes, MAX_HEAD)?;
        if let Some(read) = head::read(&bytes, shared.port, &shared.key)? {
            break read;
        }
    };
    let Wish::Ask(length) = wish else { return Ok(Request::Page) };
    let mut body = bytes.split_off(head);
    while body.len() < length {
        client.read(&mut body, length)?;
    }
    body.truncate(length);
    String::from_utf8(body).map(Request::Ask).map_err(|_| Refusal::Malformed.into())
}

/// The other end of a connection.
struct Client {
    stream: TcpStream,
    clock: Clock,
    /// When it has to be done with what it does.
    deadline: Instant,
    /// Whether anything has come from there.
    has_asked: bool,
}

impl Client {
    fn new(stream: TcpStream, clock: Clock) -> Self {
        Self { stream, clock, deadline: clock.now().after(PATIENCE), has_asked: false }
    }

    /// The time that is left. None if there is none.
    fn left(&self) -> Option<Duration> {
        Some(self.clock.until(self.deadline)).filter(|left| !left.is_zero())
    }

    /// Appends what comes next, so that there are at most `most` bytes.
    fn read(&mut self, bytes: &mut Vec<u8>, most: usize) -> Result<(), Unanswered> {
        let mut chunk = [0; 4096];
        let space = most.saturating_sub(bytes.len()).min(chunk.len());
        let chunk = chunk.get_mut(..space).unwrap_or_default();
        let left = self.left().ok_or_else(|| self.gave_up(Refusal::Slow))?;
        match self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(chunk)) {
            Ok(0) => Err(self.gave_up(Refusal::Malformed)),
            Ok(count) => {
                self.has_asked = true;
                bytes.extend(chunk.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(self.gave_up(Refusal::Slow)),
                io::ErrorKind::Interrupted => Ok(()),
                _ => Err(Unanswered::Gone),
            },
        }
    }

    /// No more of a request comes. Browsers open connections that they may never use.
    fn gave_up(&self, refusal: Refusal) -> Unanswered {
        if self.has_asked { refusal.into() } else { Unanswered::Gone }
    }

    fn refuse(&mut self, refusal: Refusal, shared: &Shared) {
        shared.count_refusal();
        let status = refusal.to_string();
        self.answer(&status, "text/plain", status.lines().next().unwrap_or_default(), shared);
        self.hear_out();
    }

    fn answer(&mut self, status: &str, kind: &str, body: &str, shared: &Shared) {
        self.deadline = self.clock.now().after(PATIENCE);
        let mut bytes = head_of(status, kind, body.len(), shared);
        bytes.extend(body.as_bytes());
        let mut rest = bytes.as_slice();
        while let Some(left) = self.left().filter(|_| !rest.is_empty()) {
            match self.stream.set_write_timeout(Some(left)).and_then(|()| self.stream.write(rest)) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Takes the rest of a request that is refused. To close before would take the answer away from the client.
    fn hear_out(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let mut bytes = Vec::new();
        while bytes.len() < MAX_HEAD + MAX_BODY && self.read(&mut bytes, MAX_HEAD + MAX_BODY).is_ok() {}
    }
}

/// The head of an answer. Its last lines forbid whatever the page does not need.
fn head_of(status: &str, kind: &str, length: usize, shared: &Shared) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: {kind}\r\n\
         Content-Length: {length}\r\n\
         Connection: close\r\n\
         Content-Security-Policy: {}\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Referrer-Policy: no-referrer\r\n\
         Cache-Control: no-store\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\n\r\n",
        shared.policy
    )
    .into_bytes()
}
