//! HTML, through the reader that the watcher uses. That one gives words alone: what they are (an item, a cell, a heading) is written
//! into the markup before it reads.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::by_lines;
use crate::piece::Text;

/// In front of a heading's words, while they are read.
const HEADING: &str = "[[#]]";

/// What is written in place of markup, in this order; ASCII, as the document may be in any encoding that holds it.
static WRITTEN: LazyLock<Vec<(Regex, &'static [u8])>> = LazyLock::new(|| {
    let rules: [(&str, &'static [u8]); 5] = [
        // A paragraph in a cell breaks no line.
        (r"(?i)(<t[dh]\b[^>]*>)\s*<p\b[^>]*>", b"$1"),
        (r"(?i)</p>\s*(</t[dh]>)", b"$1"),
        (r"(?i)</t[dh]>\s*<t[dh]\b[^>]*>", b" | "),
        (r"(?i)<li\b[^>]*>(?:\s*<p\b[^>]*>)?\s*", b"$0- "),
        (r"(?i)<h[1-6]\b[^>]*>\s*", b"$0[[#]]"),
    ];
    rules.into_iter().filter_map(|(rule, with)| Some((Regex::new(rule).ok()?, with))).collect()
});

pub(super) fn read(bytes: &[u8], lines: fn(&[u8]) -> String) -> Text {
    let mut marked = Cow::Borrowed(bytes);
    for (rule, with) in WRITTEN.iter() {
        marked = Cow::Owned(rule.replace_all(&marked, *with).into_owned());
    }
    let mut passages = by_lines(&lines(&marked));
    for passage in &mut passages {
        let text = passage.text.trim();
        passage.heading = text.starts_with(HEADING);
        passage.text = text.replace(HEADING, "").trim().to_owned();
    }
    passages.retain(|p| !p.text.is_empty());
    Text { passages, ..Text::default() }
}
