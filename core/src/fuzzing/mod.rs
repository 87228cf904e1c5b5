//! The bodies of the fuzz targets. Tests replay their corpora.
//!
//! Each takes any bytes, and panics if they break a property: of the wire format in [`decode`] and [`roundtrip`], of
//! the node in [`node()`], of tickets in [`ticket()`].

mod codec;
mod link;
mod node;
mod peer;
mod script;
mod ticket;

pub use codec::{decode, roundtrip};
pub use link::{link, record};
pub use node::{BIRTH, CAST, born, escape, node};
pub use ticket::ticket;
