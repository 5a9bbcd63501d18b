//! `fuzz`: runs the targets of `vigie_tests::fuzz` for as long as asked, one after another.
//!
//! `cargo run --release -p vigie-tests -- fuzz --cpu-seconds 600 [--target NAME] [--seed S]` prints one line a target,
//! `target=… inputs=… cpu_s=… crashes=…`, and ends with exit code 1 if one crashed; the input is then kept in its corpus.

use std::io::Write;
use std::time::Instant;

use sha2::{Digest, Sha256};
use vigie_tests::fuzz::{Mutator, TARGETS, Target, corpus_dir};
use vigie_tests::service::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Processor time each, in seconds
    #[arg(long, default_value_t = 60)]
    cpu_seconds: u64,
    /// This target alone
    #[arg(long)]
    target: Option<String>,
    /// Seed of the inputs
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Inputs between two looks at the clock.
const AT_ONCE: u64 = 200;

pub(crate) fn run(args: &Args) -> Outcome<bool> {
    let mut good = true;
    for target in TARGETS.iter().filter(|t| args.target.as_deref().is_none_or(|name| name == t.name)) {
        let (inputs, spent, crashes) = try_out(target, args);
        good &= crashes == 0;
        let line = format!("target={} inputs={inputs} cpu_s={spent:.0} crashes={crashes}", target.name);
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(good)
}

fn try_out(target: &Target, args: &Args) -> (u64, f64, usize) {
    let mut mutator = Mutator::new(target.name, args.seed);
    let (began, wall) = (cpu_seconds(), Instant::now());
    let spent = || cpu_seconds().zip(began).map_or_else(|| wall.elapsed().as_secs_f64(), |(now, began)| now - began);
    let (mut inputs, mut crashes) = (0, 0);
    while spent() < args.cpu_seconds as f64 && crashes < 10 {
        for _ in 0..AT_ONCE {
            let input = mutator.next_input();
            inputs += 1;
            if std::panic::catch_unwind(|| (target.run)(&input)).is_err() {
                crashes += 1;
                keep(target.name, &input);
            }
        }
    }
    (inputs, spent(), crashes)
}

/// Processor time of this process; `None` where the system does not say.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|ns| ns / 1e9)
}

fn keep(target: &str, input: &[u8]) {
    let name = hex::encode(&Sha256::digest(input)[..6]);
    let dir = corpus_dir(target);
    let kept = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(dir.join(format!("crash-{name}")), input));
    if let Err(e) = kept {
        let _ = writeln!(std::io::stderr(), "input not kept: {e}");
    }
}
