//! One text in as many messages as a chat needs.
//!
//! Each part holds at most so many UTF-16 units, which is how Telegram and JavaScript clients count, and at most
//! [`MAX_SPANS`] spans. A part ends, best first, at an empty line, a line, a sentence, a word; never within a link, unless
//! the link alone is too long for a part; never within a character. Words and styles come through whole: only white space
//! at the ends of parts is dropped.

use super::{Rich, Span, Style};

/// Most spans of one part: Telegram shows about a hundred and ignores the rest (Bot API, "Formatting options").
const MAX_SPANS: usize = 100;

impl Rich {
    /// Length in UTF-16 units.
    #[must_use]
    pub fn utf16_len(&self) -> usize {
        self.text.chars().map(char::len_utf16).sum()
    }

    /// Cuts the text into parts of at most `limit` UTF-16 units (at least 2). One part, the text itself, where it fits.
    #[must_use]
    pub fn split(self, limit: usize) -> Vec<Self> {
        let limit = limit.max(2);
        if self.utf16_len() <= limit && self.spans.len() <= MAX_SPANS {
            return vec![self];
        }
        let mut parts = Vec::new();
        let mut from = 0;
        loop {
            from += self.text[from..].len() - self.text[from..].trim_start().len();
            if from >= self.text.len() {
                return parts;
            }
            let to = self.cut(from, self.furthest(from, limit));
            parts.push(self.slice(from, from + self.text[from..to].trim_end().len()));
            from = to;
        }
    }

    /// The last byte that a part beginning at `from` may hold.
    fn furthest(&self, from: usize, limit: usize) -> usize {
        let mut units = 0;
        let fits = |(_, c): &(usize, char)| {
            units += c.len_utf16();
            units <= limit
        };
        let end =
            self.text[from..].char_indices().take_while(fits).last().map_or(from, |(i, c)| from + i + c.len_utf8());
        // Spans are sorted by where they begin: the first one too many ends the part.
        match self.spans.iter().filter(|s| s.end > from).nth(MAX_SPANS) {
            Some(extra) if extra.start > from => end.min(extra.start),
            _ => end,
        }
    }

    /// Where the part beginning at `from` ends, at `furthest` or before.
    fn cut(&self, from: usize, furthest: usize) -> usize {
        if furthest == self.text.len() {
            return furthest;
        }
        let part = &self.text[from..furthest];
        let outside_links = |at: &usize| {
            *at > from && !self.spans.iter().any(|s| matches!(s.style, Style::Link(_)) && s.start < *at && *at < s.end)
        };
        // A break in the first half would make a short part for little gain.
        let late = |at: &usize| *at - from > part.len() / 2;
        let after = |sign: &'static str| {
            part.rmatch_indices(sign).map(move |(i, s)| from + i + s.len()).filter(outside_links).find(late)
        };
        let sentence = [". ", "! ", "? ", "… ", "\u{a0}» "].into_iter().filter_map(after).max();
        let breaks = after("\n\n").or_else(|| after("\n")).or(sentence).or_else(|| after(" "));
        breaks
            .or_else(|| (furthest > from).then_some(furthest).filter(outside_links))
            .or_else(|| part.rmatch_indices(char::is_whitespace).map(|(i, s)| from + i + s.len()).find(outside_links))
            .or_else(|| self.before_link(from, furthest))
            .unwrap_or(furthest)
    }

    /// The beginning of the link that `furthest` would cut.
    fn before_link(&self, from: usize, furthest: usize) -> Option<usize> {
        let cut = |s: &&Span| matches!(s.style, Style::Link(_)) && s.start < furthest && furthest < s.end;
        self.spans.iter().find(cut).map(|s| s.start).filter(|start| *start > from)
    }

    /// The words from one byte to another, with the styles they bear.
    fn slice(&self, from: usize, to: usize) -> Self {
        let within = |s: &Span| {
            let (start, end) = (s.start.max(from), s.end.min(to));
            (start < end).then(|| Span { start: start - from, end: end - from, style: s.style.clone() })
        };
        Self { text: self.text[from..to].to_owned(), spans: self.spans.iter().filter_map(within).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(parts: &[Rich]) -> String {
        parts.iter().flat_map(|p| p.text.chars()).filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn a_text_that_fits_stays_as_it_is() {
        let rich = Rich::parse("<b>Réservé</b> 🎯").unwrap();
        assert_eq!(rich.clone().split(10), [rich]);
    }

    #[test]
    fn parts_end_at_a_paragraph_then_a_line_then_a_sentence_then_a_word() {
        let ends = |text: &str, limit| Rich::plain(text).split(limit)[0].text.clone();
        assert_eq!(ends("un deux trois\n\nqua\ncinq six sept", 24), "un deux trois");
        assert_eq!(ends("un deux trois\nquatre. cinq", 22), "un deux trois");
        assert_eq!(ends("Premier mot. Deuxième mot encore", 20), "Premier mot.");
        assert_eq!(ends("un deux trois quatre", 12), "un deux");
        assert_eq!(ends("🎯🎯🎯🎯", 5), "🎯🎯");
    }

    #[test]
    fn a_link_goes_whole_into_one_part() {
        let rich = Rich::parse("aa <a href=\"https://a.fr\">lire tout l’avis ici</a> zz").unwrap();
        let parts = rich.split(20);
        let links: Vec<&str> = parts.iter().flat_map(|p| p.spans.iter().map(|s| &p.text[s.start..s.end])).collect();
        assert_eq!(links, ["lire tout l’avis ici"], "{parts:?}");
    }

    #[test]
    fn no_part_holds_more_links_than_telegram_shows() {
        let html = "<a href=\"https://a.fr\">x</a>\n".repeat(250);
        let parts = Rich::parse(&html).unwrap().split(4096);
        assert_eq!(parts.iter().map(|p| p.spans.len()).sum::<usize>(), 250);
        assert!(parts.iter().all(|p| p.spans.len() <= MAX_SPANS));
    }

    proptest::proptest! {
        /// Nothing is lost, every part fits and is something, every style stays within its words.
        #[test]
        fn parts_hold_everything(
            pieces in proptest::collection::vec(("[a-zé🎯. \n]{0,60}", 0..4usize), 0..30),
            limit in 2..200usize,
        ) {
            let mut rich = Rich::default();
            for (text, kind) in pieces {
                let style = [Style::Bold, Style::Quote, Style::Link("https://a.fr".into()), Style::Italic][kind].clone();
                let spans = if text.is_empty() { vec![] } else { vec![Span { start: 0, end: text.len(), style }] };
                rich.push(&Rich { text, spans });
            }
            let before = words(std::slice::from_ref(&rich));
            let parts = rich.split(limit);
            proptest::prop_assert_eq!(words(&parts), before);
            for part in &parts {
                proptest::prop_assert!(part.utf16_len() <= limit);
                for s in &part.spans {
                    proptest::prop_assert!(s.start < s.end && part.text.get(s.start..s.end).is_some());
                }
            }
        }
    }
}
