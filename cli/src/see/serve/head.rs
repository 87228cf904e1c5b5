//! The head of a request, and whether the page may have sent it.

use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::key::PageKey;
use super::refusal::Refusal;

/// The longest head, in bytes.
pub(super) const MAX_HEAD: usize = 8 * 1024;

/// The longest body, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// The most lines of a head. A browser sends about twenty.
const MAX_HEADERS: usize = 64;

/// The header in which the page sends its key.
const KEY: &str = "X-Ringchat-Key";

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The page.
    Page,
    /// An answer to the question in the body, which has so many bytes.
    Ask(usize),
}

/// What the request at the beginning of `bytes` wants, and how long its head is. None if more of it has to come.
///
/// # Errors
/// If it is not granted.
pub(super) fn read(bytes: &[u8], port: u16, key: &PageKey) -> Result<Option<(Wish, usize)>, Refusal> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Complete(length)) if length <= MAX_HEAD => {
            let (method, path) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
            Headers(request.headers).wish(method, path, port, key).map(|wish| Some((wish, length)))
        }
        Ok(Status::Partial) if bytes.len() < MAX_HEAD => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(Refusal::LongHead),
        Err(_) => Err(Refusal::Malformed),
    }
}

/// The lines of a head after the first.
struct Headers<'a>(&'a [Header<'a>]);

impl<'a> Headers<'a> {
    fn wish(&self, method: &str, path: &str, port: u16, key: &PageKey) -> Result<Wish, Refusal> {
        self.check_origin(port)?;
        match (path, method) {
            ("/", "GET") => Ok(Wish::Page),
            ("/ask", "POST") => self.question(key),
            ("/", _) => Err(Refusal::Method("GET")),
            ("/ask", _) => Err(Refusal::Method("POST")),
            _ => Err(Refusal::NoSuchPath),
        }
    }

    /// Checks that no other page has sent the request. A name that leads to this machine does not make it this page.
    fn check_origin(&self, port: u16) -> Result<(), Refusal> {
        let host = self.only("Host")?.ok_or(Refusal::Foreign)?;
        let is_here = ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{port}"));
        let origin = self.only("Origin")?.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
        let site = self.only("Sec-Fetch-Site")?.is_none_or(|site| ["same-origin", "none"].contains(&site));
        if is_here && origin && site { Ok(()) } else { Err(Refusal::Foreign) }
    }

    fn question(&self, key: &PageKey) -> Result<Wish, Refusal> {
        if !self.only(KEY)?.is_some_and(|given| key.is(given)) {
            return Err(Refusal::Foreign);
        }
        let kind = self.only("Content-Type")?.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            return Err(Refusal::NoJson);
        }
        if self.only("Transfer-Encoding")?.is_some() {
            return Err(Refusal::Malformed);
        }
        let length = self.only("Content-Length")?.ok_or(Refusal::NoLength)?;
        // A sign is no digit.
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::Malformed);
        }
        let length = length.parse().ok().filter(|length| *length <= MAX_BODY);
        length.map(Wish::Ask).ok_or(Refusal::LongBody)
    }

    /// The value of a header that may be there once.
    fn only(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut found = self.0.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let (first, second) = (found.next(), found.next());
        if second.is_some() {
            return Err(Refusal::Malformed);
        }
        let text = |header: &Header<'a>| str::from_utf8(header.value).map_err(|_| Refusal::Malformed);
        first.map(text).transpose()
    }
}
