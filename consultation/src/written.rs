//! A piece's text as one, with the way back to page and article: what is read of it is read here, and quoted from here.
//!
//! Lines of a table of contents are left out: they repeat headings under the wrong page.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use vigie_classify::fold::fold;
use vigie_classify::pattern;

use crate::piece::{Kind, Place, Text};

// "5.2 Clause sociale ........ 11"
pattern!(LEADER, r"(?:\.{3,}|…{2,}|(?:\. ){3,}|_{3,})[ |]*[0-9]{1,3}[ |]*$");
// What follows a bullet and is a heading nevertheless.
pattern!(OPENED, r"^(?i:article|art\.)\s*[0-9]|^[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?\s+\p{Lu}");
// The number of an article, and its title, folded only in its letters.
pattern!(
    NUMBERED,
    r"^(?P<word>(?i:article|art\.?)\s*(?:n°\s*)?)?(?P<n>[0-9]{1,2}(?:[.-][0-9]{1,2}){0,3}|[IVX]{1,5}|(?i:premier))(?P<mark>\s*[.):°–—-]+)?\s*[|]?\s*(?P<title>.*)$"
);

/// Where words stand, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Name of the file.
    pub piece: String,
    /// What the file is.
    pub kind: Kind,
    pub place: Place,
    /// Number of the article, or its title where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

impl std::fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.piece.rsplit('/').next().unwrap_or(&self.piece);
        match self.kind {
            Kind::Other => write!(f, "{file}")?,
            kind => write!(f, "{} ({file})", kind.label())?,
        }
        if let Some(article) = &self.article {
            match article.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase() && article.len() <= 5) {
                true => write!(f, ", art. {article}")?,
                false => write!(f, ", « {article} »")?,
            }
        }
        write!(f, ", {}", self.place)
    }
}

/// A heading.
#[derive(Debug, Clone)]
pub(crate) struct Article {
    /// Where it starts in the text.
    pub(crate) at: usize,
    /// Its number, where it has one.
    pub(crate) number: Option<String>,
    /// Its title, folded.
    pub(crate) title: String,
    /// As it is shown.
    shown: String,
}

impl Article {
    /// How deep: "5" is 1, "5.2" is 2.
    pub(crate) fn depth(&self) -> usize {
        self.number.as_ref().map_or(1, |n| n.split(['.', '-']).count())
    }
}

/// A line and what is asked of it often.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) range: Range<usize>,
    pub(crate) folded: String,
    /// Index of the article that it stands under.
    pub(crate) article: Option<usize>,
    pub(crate) is_heading: bool,
}

/// A piece's text.
#[derive(Debug, Clone)]
pub struct Written {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// All passages, parted by line breaks.
    pub text: String,
    /// The same, byte for byte, but for words that the judgement must not read ([`crate::homonyms`]); empty where there are none.
    pub(crate) judged: String,
    marks: Vec<(usize, Place)>,
    pub(crate) articles: Vec<Article>,
    pub(crate) lines: Vec<Line>,
}

impl Written {
    /// Joins what was read of a piece.
    #[must_use]
    pub fn of(name: &str, kind: Kind, read: &Text) -> Self {
        let mut out = Self {
            name: name.to_owned(),
            kind,
            text: String::with_capacity(read.len() + read.passages.len()),
            judged: String::new(),
            marks: Vec::new(),
            articles: Vec::new(),
            lines: Vec::new(),
        };
        for passage in &read.passages {
            let contents = contents_page(&passage.text);
            let mut overleaf = matches!(passage.place, Place::Page(_));
            out.marks.push((out.text.len(), passage.place.clone()));
            for line in passage.text.lines() {
                if LEADER.is_match(line) || contents && ends_with_page(line) {
                    continue;
                }
                if !(std::mem::take(&mut overleaf) && out.goes_on(line.trim())) {
                    out.push_line(line.trim(), passage.heading);
                }
            }
        }
        out
    }

    /// Joins the first line of a page to the last one of the page before, where a sentence goes on overleaf.
    fn goes_on(&mut self, line: &str) -> bool {
        let Some(last) = self.lines.last_mut() else { return false };
        let before = &self.text[last.range.clone()];
        let open = before.ends_with(|c: char| c.is_lowercase() || c == ',') && before.chars().count() > 40;
        if !open
            || last.is_heading
            || before.contains(" | ")
            || !line.starts_with(char::is_lowercase)
            || line.contains(" | ")
        {
            return false;
        }
        // The line break makes way for a space: the page's mark stands behind it already.
        self.text.truncate(last.range.end);
        self.text.push(' ');
        self.text.push_str(line);
        last.range.end = self.text.len();
        last.folded = fold(&self.text[last.range.clone()]);
        self.text.push('\n');
        true
    }

    fn push_line(&mut self, line: &str, heading: bool) {
        if line.is_empty() {
            return;
        }
        let at = self.text.len();
        let opening = article(line, heading);
        let is_heading = opening.as_ref().is_some_and(|o| o.is_heading);
        let found = opening.map(|Opening { number, title, .. }| {
            let shown = number.clone().unwrap_or_else(|| line.chars().take(80).collect());
            Article { at, number, title: fold(&title), shown }
        });
        self.articles.extend(found);
        self.text.push_str(line);
        let article = self.articles.len().checked_sub(1);
        self.lines.push(Line { range: at..self.text.len(), folded: fold(line), article, is_heading });
        self.text.push('\n');
    }

    /// The words of a range, on one line.
    #[must_use]
    pub fn words(&self, range: Range<usize>) -> String {
        self.text.get(range).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where the words at `at` stand.
    #[must_use]
    pub fn whereabouts(&self, at: usize) -> Whereabouts {
        let mark = self.marks.partition_point(|m| m.0 <= at).saturating_sub(1);
        let place = self.marks.get(mark).map_or(Place::Line(1), |m| m.1.clone());
        let article = self.articles.partition_point(|a| a.at <= at).checked_sub(1);
        Whereabouts {
            piece: self.name.clone(),
            kind: self.kind,
            place,
            article: article.map(|i| self.articles[i].shown.clone()),
        }
    }

    /// The article in which a place is.
    pub(crate) fn article_at(&self, at: usize) -> Option<&Article> {
        self.articles.partition_point(|a| a.at <= at).checked_sub(1).map(|i| &self.articles[i])
    }

    /// The text as it is judged.
    pub(crate) fn judged(&self) -> &str {
        if self.judged.is_empty() { &self.text } else { &self.judged }
    }

    /// Where a quote of what is judged stands first.
    #[must_use]
    pub fn find(&self, quote: &str) -> Option<usize> {
        self.judged().find(quote)
    }

    /// Titles of the article of a line and of those around it, folded.
    pub(crate) fn headings(&self, article: Option<usize>) -> String {
        let Some(index) = article else { return String::new() };
        let mut depth = self.articles[index].depth();
        let mut out = self.articles[index].title.clone();
        for above in self.articles[..index].iter().rev().take(60) {
            if above.depth() < depth {
                depth = above.depth();
                out.push_str(" / ");
                out.push_str(&above.title);
            }
        }
        out
    }
}

/// What a line opens.
#[derive(Debug, PartialEq, Eq)]
struct Opening {
    number: Option<String>,
    /// Empty where the line is a numbered sentence, and no heading.
    title: String,
    is_heading: bool,
}

/// The article that a line opens: a heading, or a numbered sentence ("5.2 Le titulaire réserve…").
fn article(line: &str, styled: bool) -> Option<Opening> {
    // A list that a word processor numbers by articles: "• Article 9 : Clause sociale".
    let bare = line.trim_start_matches(['•', '\u{f0b7}', '-', '–']).trim_start();
    let line = if bare.len() < line.len() && OPENED.is_match(bare) { bare } else { line };
    /// Longest heading, in characters.
    const LONGEST: usize = 140;
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Lu}|^[«(]").ok());
    let found = NUMBERED.captures(line).and_then(|c| {
        let (number, title) = (c.name("n")?.as_str(), c.name("title")?.as_str().trim());
        let number = if number.eq_ignore_ascii_case("premier") { "1".to_owned() } else { number.replace('-', ".") };
        let word = c.name("word").is_some();
        let marked = c.name("mark").is_some();
        let dotted = number.contains('.');
        let roman = !number.starts_with(|c: char| c.is_ascii_digit());
        let opens = LETTER.as_ref().is_some_and(|l| l.is_match(title));
        let dated = title.starts_with(|c: char| c.is_ascii_digit());
        // A row of a table is numbered for itself.
        if dated || !word && title.contains(" | ") {
            return None;
        }
        let long = line.chars().count() > LONGEST;
        let sentence = long || title.ends_with([';', ',']) || title.ends_with('.') && title.split(' ').count() > 4;
        if sentence {
            return (opens && (word || dotted)).then(|| Opening {
                number: Some(number),
                title: String::new(),
                is_heading: false,
            });
        }
        let fits = match (word, dotted, roman) {
            (true, ..) => title.is_empty() || opens || marked,
            (false, _, true) => marked && opens,
            (false, true, _) => opens,
            (false, false, _) => (marked || styled || is_shouted(title)) && opens,
        };
        fits.then(|| Opening { number: Some(number), title: title.to_owned(), is_heading: true })
    });
    let styled = styled.then(|| Opening { number: None, title: line.to_owned(), is_heading: true });
    found.or(styled)
}

fn is_shouted(title: &str) -> bool {
    title.chars().filter(|c| c.is_alphabetic()).count() >= 4 && !title.chars().any(char::is_lowercase)
}

/// Whether a passage is a table of contents without leaders: many short lines that end with a page number.
fn contents_page(text: &str) -> bool {
    let numbered = text.lines().filter(|l| ends_with_page(l)).count();
    numbered >= 8 && numbered * 2 >= text.lines().count()
}

fn ends_with_page(line: &str) -> bool {
    let line = line.trim_end_matches([' ', '|']);
    let digits = line.bytes().rev().take_while(u8::is_ascii_digit).count();
    let before = line[..line.len() - digits].trim_end_matches([' ', '|']);
    (1..=3).contains(&digits) && before.ends_with(char::is_alphabetic) && article(before, false).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::piece::Passage;

    fn heading(line: &str) -> Option<String> {
        article(line, false).filter(|a| a.is_heading).and_then(|a| a.number)
    }

    #[test]
    fn headings_are_told_from_sentences() {
        for (line, number) in [
            ("ARTICLE 5 – CLAUSE SOCIALE", "5"),
            ("Article 5.2 : Modalités", "5.2"),
            ("5.2. Pénalités", "5.2"),
            ("5-2 Pénalités", "5.2"),
            ("7 CLAUSE D’INSERTION", "7"),
            ("3) Critères de jugement", "3"),
            ("II – Critères", "II"),
        ] {
            assert_eq!(heading(line).as_deref(), Some(number), "{line}");
        }
        for line in
            ["12 mois à compter de la notification", "500 heures d’insertion", "2 Rue de la Paix", "1. le prix ;"]
        {
            assert_eq!(heading(line), None, "{line}");
        }
    }

    #[test]
    fn words_are_found_on_their_page_under_their_article() {
        let page = |n, text: &str| Passage::new(Place::Page(n), text.to_owned());
        let text = Text {
            passages: vec![
                page(2, "5.2 Pénalités ........ 11\n5.1 Objet ....... 10"),
                page(10, "ARTICLE 5 – CLAUSE SOCIALE\nLe titulaire réserve\n5.1 Objet"),
                page(11, "5.2 Pénalités\nIl encourt 20 € par heure."),
            ],
            ..Text::default()
        };
        let written = Written::of("CCAP.pdf", Kind::Ccap, &text);
        let at = written.find("20 € par heure").unwrap();
        assert_eq!(written.whereabouts(at).to_string(), "CCAP (CCAP.pdf), art. 5.2, p. 11");
        assert!(!written.text.contains("....."));
    }
}
