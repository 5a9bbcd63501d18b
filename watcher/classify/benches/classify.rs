//! Speed of judgement: MB/s, notices/s, and the ratio to one bare pass of the anchor automaton over the same folded text.
//!
//! `cargo bench -p vigie-classify [-- SECONDS]`. Reads the labelled notices of the shared data (`VIGIE_SHARED`)
//! where they are there, else text made here. Processor time, so that neighbours do not count; compare ratios within one run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vigie_classify::{anchors, classify, fold::fold, plain};
use vigie_domain::Notice;

fn notices() -> Vec<Notice> {
    let root = std::env::var_os("VIGIE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let recorded = std::fs::read_to_string(root.join("gold/notices.jsonl")).ok();
    let recorded = recorded.map(|text| {
        text.lines()
            .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok())
            .map(|v| {
                plain::notice(
                    v["id"].as_str().unwrap_or_default(),
                    v["title"].as_str().unwrap_or_default(),
                    v["text"].as_str().unwrap_or_default(),
                )
            })
            .collect::<Vec<_>>()
    });
    recorded.unwrap_or_else(|| {
        let text = "Le présent marché de travaux comporte une clause d'insertion de 300 heures. Les offres sont remises par voie électronique. ".repeat(60);
        (0..300).map(|n| plain::notice(&n.to_string(), "Travaux", &text)).collect()
    })
}

/// Seconds that this thread has run on a processor, where the system tells them; else seconds on the wall.
fn now(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|t| t.split(' ').next().and_then(|n| n.parse::<f64>().ok()));
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// Runs until `time` is over, at least three rounds; gives the processor time of the fastest round.
fn fastest(time: Duration, mut round: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut best = f64::MAX;
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < time {
        let t = now(start);
        round();
        best = best.min(now(start) - t);
        rounds += 1;
    }
    best
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(3.0);
    let time = Duration::from_secs_f64(seconds);
    let notices = notices();
    let texts: Vec<String> = notices.iter().flat_map(|n| n.passages.iter().map(|p| p.text.clone())).collect();
    let folded: Vec<String> = texts.iter().map(|t| fold(t)).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let bare = fastest(time, || {
        std::hint::black_box(folded.iter().map(|t| anchors::count(t)).sum::<usize>());
    });
    let folding = fastest(time, || {
        std::hint::black_box(texts.iter().map(|t| fold(t).len()).sum::<usize>());
    });
    let whole = fastest(time, || {
        std::hint::black_box(notices.iter().map(|n| classify(n).provisions.len()).sum::<usize>());
    });
    let mb = bytes as f64 / 1e6;
    let _ = writeln!(
        std::io::stdout(),
        "{{\"notices\": {}, \"mb\": {mb:.2}, \"bare_pass_mb_s\": {:.0}, \"fold_mb_s\": {:.0}, \"classify_mb_s\": {:.1}, \"notices_s\": {:.0}, \"ratio_to_bare\": {:.1}, \"ratio_to_fold_and_bare\": {:.1}}}",
        notices.len(),
        mb / bare,
        mb / folding,
        mb / whole,
        notices.len() as f64 / whole,
        whole / bare,
        whole / (bare + folding),
    );
}
