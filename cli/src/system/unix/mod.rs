//! How Linux, macOS and their like do it.

pub(crate) mod files;
pub(crate) mod hidden_input;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod terminal;
