//! Rooms of real nodes in virtual time.

#![no_std]

mod property;

pub use property::Property;
