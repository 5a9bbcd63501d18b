//! What a reader of one topic hands back: a provision's worth of evidence, still tied to its place in the text.

use std::ops::Range;

use super::anchors::{Anchors, Topic};
use super::document::Document;
use super::numbers::{lot_mentions, speaks_of_all_lots};

/// Everything a reader needs.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The text.
    pub doc: &'a Document,
    /// Where to look.
    pub anchors: &'a Anchors,
}

/// Most matches one expression may give in one document; far above any real notice, so that hostile text stays cheap.
const MAX_MATCHES: usize = 400;

impl<'a> Reading<'a> {
    /// Matches of an expression within the windows of a topic.
    pub fn matches(&self, topic: Topic, expression: &'static regex::Regex) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let (doc, anchors) = (self.doc, self.anchors);
        anchors
            .windows(topic)
            .iter()
            .flat_map(move |w| expression.find_iter(&doc.text()[w.clone()]).map(move |m| w.start + m.start()..w.start + m.end()))
            .take(MAX_MATCHES)
    }

    /// Text after `at`, up to `n` bytes, cut at the end of the sentence.
    #[must_use]
    pub fn rest_of_sentence(&self, at: usize, n: usize) -> &'a str {
        let text = self.doc.after(at, n);
        let bytes = text.as_bytes();
        let end = (0..bytes.len().saturating_sub(1)).find(|i| {
            let next = bytes[i + 1] == b' ';
            match bytes[*i] {
                b'.' | b';' | b'?' => next,
                // "(…) nouvelle phrase", but not "lot 2) nettoyage"
                b')' => next && *i > 0 && !bytes[i - 1].is_ascii_digit() && bytes.get(i + 2).is_some_and(u8::is_ascii_lowercase),
                _ => false,
            }
        });
        &text[..end.unwrap_or(text.len())]
    }

    /// Text before `at`, up to `n` bytes, from the start of the sentence.
    #[must_use]
    pub fn start_of_sentence(&self, at: usize, n: usize) -> &'a str {
        let text = self.doc.before(at, n);
        let cut = text.as_bytes().windows(2).rposition(|w| matches!(w[0], b'.' | b';') && w[1] == b' ').map_or(0, |i| i + 2);
        &text[cut..]
    }

    /// Lots that a statement at `range` binds to; empty = all.
    ///
    /// The nearest lots named before it in its sentence count, else those named just after, else the lot of the
    /// block of text it stands in. "Pour l'ensemble des lots" binds to all.
    #[must_use]
    pub fn lots(&self, range: &Range<usize>) -> Vec<String> {
        let before = self.start_of_sentence(range.start, 200);
        let after = self.rest_of_sentence(range.end, 110);
        if speaks_of_all_lots(before) || speaks_of_all_lots(after) {
            return Vec::new();
        }
        let named_before = lot_mentions(before).pop();
        // The words of the statement itself may hold the number ("reserver le lot 2").
        let named_inside = lot_mentions(&format!("{}{}", &self.doc.text()[range.clone()], self.doc.after(range.end, 8))).pop();
        let named_after = || lot_mentions(after).into_iter().next().filter(|m| m.range.start <= 90);
        if let Some(mention) = named_inside.or(named_before).or_else(named_after) {
            return mention.lots;
        }
        self.doc.lot_at(range.start).map(|l| vec![l.to_owned()]).unwrap_or_default()
    }
}
