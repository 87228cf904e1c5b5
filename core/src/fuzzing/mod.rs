//! The bodies of the fuzz targets. Ordinary tests replay their corpora.
//!
//! Each takes any bytes, and panics if a property does not hold for them: of the wire format in [`decode`] and
//! [`roundtrip`], of the node in [`node()`].

mod codec;
mod node;
mod peer;
mod script;

pub use codec::{decode, roundtrip};
pub use node::{BIRTH, CAST, born, escape, node};
