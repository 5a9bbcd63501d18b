//! Judges `text-jsonl` lines of standard input, one assessment a line: the judgement alone, without sources or channels.
//!
//! `cargo run -p vigie-classify --example classify [-- --explain] < notices.jsonl`. `--explain` shows how each statement is read: its
//! words and their concepts. `published` (YYYY-MM-DD) of a line is the day it was published. A line that is no notice ends the run with its number.

use std::io::{BufRead, Write};

use vigie_classify::document::Document;
use vigie_classify::statement::{Units, statements};
use vigie_classify::{classify, plain};
use vigie_domain::Notice;

fn main() -> std::io::Result<()> {
    let explain = std::env::args().any(|a| a == "--explain");
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let fault = |e: String| std::io::Error::other(format!("line {}: {e}", number + 1));
        let value: serde_json::Value = serde_json::from_str(&line?).map_err(|e| fault(e.to_string()))?;
        let part = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let mut notice = plain::notice(&part("id"), &part("title"), &part("text"));
        notice.published = part("published").parse().ok();
        if explain {
            show(&notice, &mut out)?;
        }
        let text = serde_json::to_string(&classify(&notice)).map_err(|e| fault(e.to_string()))?;
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// The statements of a notice with their concepts.
fn show(notice: &Notice, out: &mut impl Write) -> std::io::Result<()> {
    let doc = Document::of(notice);
    let units = Units::of(&doc, &vigie_classify::anchors::Anchors::of(doc.text()));
    let all: Vec<usize> = (0..units.list.len()).collect();
    for s in statements(&doc, &units, &all) {
        let words = |h: &vigie_classify::lexicon::Hit| {
            s.tokens[h.from..h.to].iter().map(|t| t.word.as_ref()).collect::<Vec<_>>().join(" ")
        };
        let hits: Vec<String> = s.hits.iter().map(|h| format!("{:?}[{}]", h.concept, words(h))).collect();
        let unit = s.unit;
        writeln!(
            out,
            "{} heading={} ticked={:?} row={:?} | {} | {}",
            s.index,
            unit.is_heading,
            unit.ticked,
            unit.row,
            &doc.text()[unit.range.clone()],
            hits.join(" ")
        )?;
    }
    Ok(())
}
