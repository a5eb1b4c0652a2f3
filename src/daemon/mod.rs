//! The server: what runs for as long as the machine does.

pub mod log;
