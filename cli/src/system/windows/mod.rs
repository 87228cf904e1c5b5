//! How Windows does it.

pub(crate) mod files;
pub(crate) mod hidden_input;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod terminal;
