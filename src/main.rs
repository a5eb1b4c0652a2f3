//! The `f2b` command; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    f2b::cli::main()
}
