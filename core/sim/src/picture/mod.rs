//! Pictures of a run.

pub mod page;
