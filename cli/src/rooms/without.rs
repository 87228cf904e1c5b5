//! What stands in for the network in a program that was built without rooms on it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use super::record::Record;

/// Nothing is announced or found, ever.
#[derive(Debug, Error)]
#[error("this program was built without rooms on the network; build it with the feature `rooms`")]
pub(crate) struct NetworkError;

impl NetworkError {
    /// The exit code of a program that needs what others announce.
    #[allow(clippy::unused_self, reason = "as in a program that has rooms on the network")]
    pub(crate) fn exit(&self) -> u8 {
        crate::USAGE
    }
}

/// What is never heard.
#[allow(dead_code, reason = "as in a program that has rooms on the network")]
pub(crate) enum Heard {
    /// The announcement called so says this.
    Came(String, Record),
    /// The announcement called so was taken back.
    Went(String),
}

/// There is none.
pub(crate) enum Network {}

impl Network {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn open(_ip: IpAddr) -> Result<Self, NetworkError> {
        Err(NetworkError)
    }

    pub(crate) fn hear(&mut self, _within: Duration) -> Option<Heard> {
        match *self {}
    }

    pub(crate) fn heard(&mut self) -> Option<Heard> {
        match *self {}
    }

    pub(crate) fn has_announced(&mut self) -> bool {
        match *self {}
    }

    pub(crate) fn announce(&mut self, _record: &Record, _addr: SocketAddr) -> Result<(), NetworkError> {
        match *self {}
    }

    pub(crate) fn withdraw(&mut self) {
        match *self {}
    }
}
