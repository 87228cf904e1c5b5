//! The program as a process. Windows keeps no memory of a program that crashes unless somebody set it up to, limits no
//! handles, and stops no programs.

/// The variable that tells the name of the user's account.
pub(crate) const USER: &str = "USERNAME";

/// Does nothing.
pub(crate) fn dump_no_core() {}

/// Does nothing.
pub(crate) fn take_all_descriptors() {}

/// Does nothing.
pub(crate) fn stop() {}

/// Whether the key that stops a program must do nothing: always.
pub(crate) fn never_stops() -> bool {
    true
}
