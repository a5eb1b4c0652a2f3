//! The `f2b` command; everything else is in the library.

fn main() {}
