//! Where sentences and headings begin and end, and whether what stands below one says no to it.

use std::ops::Range;

use super::anaphora;
use super::document::Document;
use super::lexicon::Concepts;
use super::statement::{MAX_HEADING, Units};
use super::tokenizer::tokens;

/// Whether a line is a heading: short, and ended by a colon or begun by a number or a word that heads articles.
pub(super) fn is_heading(text: &str) -> bool {
    let text = text.trim();
    if text.len() > MAX_HEADING || text.is_empty() {
        return false;
    }
    if text.ends_with(':')
        || text.len() < 90 && (text.starts_with("critere") || text.starts_with("sous-critere")) && !text.contains(',')
    {
        return true;
    }
    let first = text.as_bytes()[0];
    let numbered =
        first.is_ascii_digit() || text.starts_with("article ") || text.starts_with("section ") || roman(text);
    let open = text.ends_with('.') || text.ends_with(';') || text.contains(" : ");
    !open && (numbered && text.len() < 90 || text.split(' ').count() <= 6)
}

/// The number that a line begins with: `12`, `12.1`.
pub(super) fn numbering(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let text = text.strip_prefix("article ").unwrap_or(text);
    let end = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let number = text[..end].trim_end_matches('.');
    let marked = text[end..].starts_with([' ', ')', '-'])
        && (text[..end].contains('.') || text[end..].starts_with(')') || text[end..].starts_with(" -"));
    (!number.is_empty() && number.len() <= 8 && marked).then_some(number)
}

pub(super) fn roman(text: &str) -> bool {
    let numeral = text.bytes().take_while(|b| matches!(b, b'i' | b'v' | b'x')).count();
    numeral > 0 && matches!(text.as_bytes().get(numeral), Some(b'.' | b')' | b'-'))
}

/// The sentences of a line. A question keeps its answer.
pub(super) fn sentences(doc: &Document, line: &Range<usize>) -> Vec<Range<usize>> {
    let text = doc.text();
    let bytes = text.as_bytes();
    // Only a letter begins a sentence without a space.
    let glued = |at: usize| bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase) && doc.is_glued(at);
    let mut out = Vec::new();
    let mut start = line.start;
    for at in memchr::memchr3_iter(b'.', b'?', b'!', &bytes[line.clone()]).map(|i| line.start + i) {
        let behind = &text[at + 1..line.end];
        let next = behind.trim_start_matches(['"', ')', ' ', '\u{bb}']);
        let spaced = behind.starts_with([' ', '\u{bb}', '"']) || next.is_empty();
        let ends = match bytes[at] {
            b'.' => {
                let word = &text[start..at];
                let last = word.rsplit([' ', '(', '\'']).next().unwrap_or_default();
                let acronym =
                    last.len() >= 3 && last.split('.').all(|p| p.len() == 1 && p.as_bytes()[0].is_ascii_alphabetic());
                let abbreviation = acronym
                    || ABBREVIATIONS.contains(last)
                    || last.len() == 1 && last.as_bytes()[0].is_ascii_alphabetic();
                // "3.", "Réponse 5.", "Lot 1.": what they number goes on.
                let label = word.trim().strip_suffix(last).unwrap_or_default().trim_end();
                let numbering = last.bytes().all(|b| b.is_ascii_digit())
                    && (label.is_empty() && last.len() <= 3
                        || matches!(label, "article" | "art" | "art." | "question" | "reponse" | "lot"));
                // "Clause sociale ........ non": dots that lead to an answer.
                let leader =
                    (bytes[..at].ends_with(b"..") || next.starts_with(':') || bytes.get(at + 1) == Some(&b'.'))
                        && !behind.trim().is_empty();
                // "200 h/an à charge du titul. (oblig.) et …": a sentence begins with a capital.
                let abbreviation = abbreviation || spaced && last.len() <= 9 && doc.small_letter_behind(at);
                (spaced && !abbreviation && !numbering && !last.is_empty() && !leader) || (!spaced && glued(at))
            }
            b'?' => {
                let answer = next.trim_start_matches([':', '-', ' ']);
                let is_answer = ["oui", "non", "r :", "r:", "r. ", "reponse", "sans objet", "neant"]
                    .iter()
                    .any(|w| answer.starts_with(w))
                    || text[start..at].trim_start().starts_with("qui ");
                spaced && !is_answer
            }
            _ => spaced,
        };
        if ends {
            out.push(start..at + 1);
            start = at + 1;
        }
    }
    if !text[start..line.end].trim().is_empty() {
        out.push(start..line.end);
    }
    out
}

// Words that end with a full stop without ending a sentence.
words!(
    ABBREVIATIONS,
    "art cf ex env min max n no p mme dr tel st ste av bd nb etc ins inser soc janv fevr avr juil sept oct nov dec al ref i.e e.a e.s.a s.i.a inf sup hab"
);

/// Whether the statement under a heading denies what the heading names.
pub(super) fn says_no_below(doc: &Document, units: &Units, index: usize) -> bool {
    let Some(next) =
        units.list.get(index + 1).filter(|n| n.heading == Some(index) || n.line - units.list[index].line <= 1)
    else {
        return false;
    };
    // The sentences of the heading's own line, where it goes on.
    let same_line = units.list[index + 1..].iter().take(4).filter(|n| n.line == units.list[index].line);
    if same_line
        .clone()
        .any(|n| doc.text()[n.range.clone()].contains(" aucun") || doc.text()[n.range.clone()].contains("derogation"))
    {
        return true;
    }
    // "Marchés réservés. Au lieu de : « lot 3 ». Lire : « sans objet »."
    let mended = units.list[index + 1..].iter().take(3).map(|u| doc.text()[u.range.clone()].trim_start());
    if mended.filter_map(|t| t.strip_prefix("lire")).any(|t| t.contains("sans objet") || t.contains("neant")) {
        return true;
    }
    let text = doc.text()[next.range.clone()].trim_start_matches([' ', '-', '–', ':', '«', '[', '(', '"']);
    const NO: &[&str] =
        &["sans objet", "neant", "non ", "non.", "non,", "aucun", "pas de ", "so.", "n/a", "non concern"];
    let head = &text[..text.floor_char_boundary(160)];
    let negated = [
        " n'est pas ",
        " ne sont pas ",
        " n'est prevu",
        " ne comporte ",
        " n'a pas ",
        " ne prevoit ",
        " n'y a pas ",
        "n'est pas ",
        " ne fait l'objet d'aucun",
        " n'est exige",
        " ne s'applique",
        " ne trouve",
        " ne figure",
        " ne contient",
    ]
    .iter()
    .any(|w| head.contains(w));
    let deals = head.contains("pas") || head.contains("aucun");
    !text.contains("heures d")
        && (NO.iter().any(|w| text.starts_with(w))
            || text.trim() == "non"
            || negated && deals && !head.contains(" mais ") && !head.contains("titulaire"))
}

/// Whether the sentence behind one takes back what it names: "l'acheteur n'en a pas retenu".
pub(super) fn taken_back_below(doc: &Document, units: &Units, index: usize, says: Concepts) -> bool {
    let Some(next) = units.list.get(index + 1).filter(|n| n.line - units.list[index].line <= 1 && !n.cell) else {
        return false;
    };
    let text = &doc.text()[next.range.clone()];
    let may = text.contains(" n'") || text.contains(" ne ") || text.contains("celui-ci") || text.contains(" a tou");
    may && anaphora::takes_back(&tokens(doc.text(), &next.range), says)
}
