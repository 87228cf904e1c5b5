//! Why a request is not granted.

use thiserror::Error;

/// The reason why a request is refused: the status of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    /// It is no request of HTTP, or has a body that the server does not take.
    #[error("400 Bad Request")]
    Malformed,
    /// It comes from another page than the one served here, or without its key.
    #[error("403 Forbidden")]
    Foreign,
    /// It is for something else than the page.
    #[error("404 Not Found")]
    NoSuchPath,
    /// It asks to do something else than get the page or ask.
    #[error("405 Method Not Allowed\r\nAllow: {0}")]
    Method(&'static str),
    /// It did not come in time.
    #[error("408 Request Timeout")]
    Slow,
    /// It does not tell how long its body is.
    #[error("411 Length Required")]
    NoLength,
    /// Its body is too long.
    #[error("413 Content Too Large")]
    LongBody,
    /// Its body is no JSON.
    #[error("415 Unsupported Media Type")]
    NoJson,
    /// Its head is too long.
    #[error("431 Request Header Fields Too Large")]
    LongHead,
    /// There are too many connections.
    #[error("503 Service Unavailable")]
    Crowded,
}
