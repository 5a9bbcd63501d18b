//! The `vigie` binary. See `vigie --help`.

use std::io::Write;
use std::process::ExitCode;

use vigie_bot::commands::{self, french};

/// Stack of a thread, in bytes: an answer in a chat goes through many calls, each of which keeps all that it may have to do. Memory that
/// is not used is not taken.
const STACK: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    // Before anything takes memory or opens a file: a child that reads a stranger's file has tight limits.
    if let Some(code) = commands::read::child() {
        return code;
    }
    let cli = french::parse();
    // Two providers may end up compiled in; one must be chosen before any TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "le programme ne peut pas démarrer : {e}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::from(if failure.usage { 2 } else { 1 })
        }
    }
}
