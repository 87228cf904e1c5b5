//! A room in a process that runs out of file descriptors. One test, so that it has the process for itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[path = "suite/descriptors.rs"]
mod descriptors;

use std::net::Ipv4Addr;
use std::time::Duration;

use ringchat_core::{Config, Name, Start};
use ringchat_threads::Room;

#[test]
fn a_lack_of_descriptors_passes() {
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    let config = Config::new(addr, Name::new("member").unwrap(), Start::Create);
    // Connections that do not introduce themselves are not to be cut off here.
    let (room, _notices) = Room::open(Config { detect: Duration::from_hours(1), ..config }).unwrap();
    descriptors::a_lack_of_descriptors_passes(room.addr());
}
