//! `lockgate`: arguments to exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    lockgate::cli::run(std::env::args_os())
}
