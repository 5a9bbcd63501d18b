//! Programs that measure the service, try to break it, or stand in for what surrounds it. One binary, since each link of the
//! service takes as long as building this crate: `cargo run --release -p vigie-tests -- NAME [OPTIONS]`; `--help` lists them.
//!
//! A program prints what it found on standard output and ends with exit code 1 where that is not good enough or where it
//! could not finish (why is on standard error).

mod programs;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use programs::Program;

#[tokio::main]
async fn main() -> ExitCode {
    match Program::parse().run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "{e}");
            ExitCode::FAILURE
        }
    }
}
