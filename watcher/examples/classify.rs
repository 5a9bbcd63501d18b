//! Judges `text-jsonl` lines of standard input, one assessment a line: the judgement alone, without sources or channels.
//!
//! `cargo run -p vigie-watcher --example classify < notices.jsonl`. A line that is no notice ends the run with its number.

use std::io::{BufRead, Write};

use vigie_watcher::classify::{classify, plain};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let fault = |e: String| std::io::Error::other(format!("line {}: {e}", number + 1));
        let value: serde_json::Value = serde_json::from_str(&line?).map_err(|e| fault(e.to_string()))?;
        let part = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let assessment = classify(&plain::notice(&part("id"), &part("title"), &part("text")));
        let text = serde_json::to_string(&assessment).map_err(|e| fault(e.to_string()))?;
        writeln!(out, "{text}")?;
    }
    Ok(())
}
