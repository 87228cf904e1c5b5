//! A small server on this machine that gives the served page, and answers its questions as a test wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ringchat_picture::page::served;

/// What the page has to send with each question.
pub(crate) const KEY: &str = "0123456789abcdef";

/// A server, until the tests end.
pub(crate) struct Host {
    /// The address with the key.
    pub(crate) address: String,
    /// Whether it answers; else it hangs up on everybody.
    pub(crate) answers: Arc<AtomicBool>,
}

impl Host {
    /// Lets `answer` answer the questions of pages.
    pub(crate) fn new(answer: impl FnMut(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/#k={KEY}", listener.local_addr().unwrap());
        let answers = Arc::new(AtomicBool::new(true));
        let (open, answer) = (Arc::clone(&answers), Arc::new(Mutex::new(answer)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = Arc::clone(&answer);
                if open.load(Ordering::Relaxed) {
                    thread::spawn(move || talk(stream.unwrap(), |asked| (answer.lock().unwrap())(asked)));
                }
            }
        });
        Self { address, answers }
    }
}

/// One request, one answer.
fn talk(stream: TcpStream, answer: impl FnOnce(&str) -> String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length, mut key) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        key |= lower.trim() == format!("x-ringchat-key: {KEY}");
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let page = served();
    let (status, kind, content) = if head.starts_with("GET / ") {
        ("200 OK", "text/html; charset=utf-8", page.html)
    } else if head.starts_with("POST /ask ") && key {
        ("200 OK", "application/json", answer(std::str::from_utf8(&body).unwrap()))
    } else if key || head.starts_with("GET ") {
        ("404 Not Found", "text/plain", String::new())
    } else {
        ("403 Forbidden", "text/plain", String::new())
    };
    let policy = page.policy;
    let _ = write!(
        reader.into_inner(),
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Security-Policy: {policy}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
        content.len()
    );
}
