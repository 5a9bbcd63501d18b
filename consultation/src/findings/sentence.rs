//! Sentences of a piece, with the headings they stand under.

use std::ops::Range;

use vigie_classify::fold::fold;
use vigie_classify::pattern;

use crate::written::Written;

// What stands for something named before.
pattern!(
    GOES_ON,
    r"^(?:[-–•* ]*)(?:(?:ensuite|puis|apres quoi|au-dela|par la suite),? )?(?:ceux d[ue]s?|celles? d[ue]s?|celui d[ue]s?|rien (?:aux?|pour|sur)|sauf|hors|hormis|excepte|elles?|ils?|celles?-ci|ceux-ci|celui-ci|leur|son|sa|cette|ce|cet|ces|rien de tel|il n'y en a) |\bce (?:taux|delai|montant|pourcentage|seuil|minimum|plafond)\b|\ba ce titre\b|\bcette (?:somme|garantie|duree)\b|\bn'y en a\b|\bn'en (?:est|sera)\b|\bne le (?:sont|est) pas\b|^aux? (?:autres )?(?:lots?|ensembles?) [a-z0-9]{1,2}\b|^(?:(?:pour|sur) )?(?:les? |l')(?:autres )?(?:lots? [a-z0-9]{1,2}|autres?)\b"
);

/// A sentence, an item of a list or a row of a table.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub(crate) range: Range<usize>,
    pub(crate) folded: String,
    pub(crate) article: Option<usize>,
    pub(crate) is_heading: bool,
    /// What labels it ("Validité : 90 jours", "Questions. Elles sont posées…"), folded; empty where nothing does.
    pub(crate) label: String,
    /// Index of its line.
    pub(crate) line: usize,
}

impl Sentence {
    /// Whether it speaks of what the sentence before it spoke of, without naming it: "Elles ne le sont pas pour le lot 2".
    pub(crate) fn goes_on(&self) -> bool {
        GOES_ON.is_match(&self.folded)
    }
}

impl Sentence {
    /// Its parts between these marks, each a sentence with the same label.
    pub(crate) fn cut(&self, piece: &Written, mark: char) -> Vec<Self> {
        let mut at = self.range.start;
        let parts = piece.text[self.range.clone()].split(mark).map(|part| {
            let blank = part.len() - part.trim_start().len();
            let range = at + blank..at + part.trim_end().len().max(blank);
            at += part.len() + mark.len_utf8();
            let folded = fold(&piece.judged()[range.clone()]);
            Self { range, folded, article: self.article, is_heading: false, label: self.label.clone(), line: self.line }
        });
        parts.collect()
    }
}

/// The sentences of a piece, in order.
pub(crate) fn sentences(piece: &Written) -> Vec<Sentence> {
    let mut out = Vec::new();
    for (i, line) in piece.lines.iter().enumerate() {
        // The label of a paragraph is that of its sentences.
        let mut of_line = String::new();
        for range in split(&piece.text, &line.range) {
            let folded = match range == line.range {
                true => line.folded.clone(),
                false => fold(&piece.judged()[range.clone()]),
            };
            // "5.2 Garantie : néant." is a heading and what stands under it in one.
            let label = label(&piece.text[range.clone()]).filter(|_| !line.is_heading || answers(&folded));
            let is_heading = line.is_heading && label.is_none();
            if let Some(label) = label {
                of_line = fold(label);
            }
            let (article, label) = (line.article, of_line.clone());
            out.push(Sentence { range, folded, article, is_heading, label, line: i });
        }
    }
    out
}

/// The few words that name what a sentence is about, in front of a colon or of a full stop.
fn label(words: &str) -> Option<&str> {
    /// Longest label, in bytes.
    const LONGEST: usize = 64;
    let words = words.trim_start_matches(|c: char| !c.is_alphabetic());
    let dot = words.find(". ").filter(|at| is_label(&words[..*at]));
    let colon = words.find(':').filter(|at| *at <= LONGEST && names_matter(words[..*at].trim_end()));
    let end = match (dot, colon) {
        (Some(dot), Some(colon)) => dot.min(colon),
        (dot, colon) => dot.or(colon)?,
    };
    Some(words[..end].trim_end())
}

/// Whether a short line says, behind its colon, what it is about: a refusal, or a figure with its unit.
fn answers(folded: &str) -> bool {
    pattern!(
        VALUE,
        r"(?::|\.) (?:.{0,40}[0-9] ?(?:%|€|euros|jours|mois|h\b)|neant|sans objet|non\b|oui\b|aucun|pas d|.{0,60}\.$)"
    );
    VALUE.is_match(folded)
}

/// Whether words name a matter, and say nothing: no verb, few words, a capital in front.
fn names_matter(words: &str) -> bool {
    const MOST: usize = 8;
    pattern!(
        NUMBERED,
        r"^(?i:article|art\.?|chapitre|titre|clause|partie|section|annexe|lots?|tranche|phase|poste|étape)\b"
    );
    let fits = words.chars().count() >= 3
        && !NUMBERED.is_match(words)
        && words.split(' ').count() <= MOST
        && !words.contains([',', ';', '|', '.']);
    fits && words.starts_with(char::is_uppercase) && !fold(words).split([' ', '\'']).any(is_verb)
}

/// Whether a word says something of somebody, as no title does.
fn is_verb(word: &str) -> bool {
    const VERBS: [&str; 16] = [
        "est", "sont", "a", "ont", "peut", "peuvent", "doit", "doivent", "sera", "seront", "ne", "se", "produit",
        "remet", "comprend", "contient",
    ];
    VERBS.contains(&word)
}

/// A line cut behind full stops that end a sentence, and wherever it goes on longer than any sentence does: what is read of one may cost
/// the square of its length.
pub(crate) fn split(text: &str, line: &Range<usize>) -> Vec<Range<usize>> {
    /// Longest sentence, in bytes.
    const LONGEST: usize = 6_000;
    let mut out = at_full_stops(text, line);
    if out.iter().any(|r| r.len() > LONGEST) {
        out = out.into_iter().flat_map(|r| chunks(text, r, LONGEST)).collect();
    }
    out
}

/// A range in parts of at most so many bytes, cut at blanks.
fn chunks(text: &str, range: Range<usize>, most: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = range.start;
    while range.end - start > most {
        let limit = text.floor_char_boundary(start + most);
        let cut = text[start..limit].rfind(' ').filter(|at| *at > 0).map_or(limit, |at| start + at);
        out.push(start..cut);
        start = cut + usize::from(text[cut..].starts_with(' '));
    }
    out.push(start..range.end);
    out
}

fn at_full_stops(text: &str, line: &Range<usize>) -> Vec<Range<usize>> {
    let words = &text[line.clone()];
    let mut out = Vec::new();
    let mut start = 0;
    for (i, _) in words.match_indices(['.', '?', '!']) {
        let rest = &words[i + 1..];
        let next = rest.trim_start();
        let ends = rest.starts_with([' ', '\u{a0}', '\u{202f}'])
            && next.starts_with(|c: char| c.is_uppercase() || c == '«' || c.is_ascii_digit());
        // "M. Durand", "art. 5", "n. 3", "5.2. Objet": no ends.
        let numbers = |w: &str| w.contains('.') && w.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let short = words[start..i].rsplit([' ', '(', '’', '\'']).next().is_some_and(|w| {
            let opens = w.len() == i - start;
            let letters = w.chars().count();
            // "M.", "St.", "n."; "un an." ends.
            let mixed = w.starts_with(char::is_uppercase) && w.chars().any(char::is_lowercase);
            // "… à 12 h. Les questions": the hour of a clock ends a sentence as well.
            let hour = w == "h" && words[start..i - 1].trim_end().ends_with(|c: char| c.is_ascii_digit());
            if hour && next.starts_with(char::is_uppercase) {
                return false;
            }
            let cut = letters == 1 && w.chars().all(char::is_alphabetic) || mixed;
            let named = cut && names(&words[start..i - w.len()]);
            letters <= 2 && (opens || cut && !named)
                || ["art", "tél", "Tél", "réf", "env"].contains(&w)
                || numbers(w) && !cites(&words[start..i - w.len()])
        });
        // "le suivi prévu.6 Le deuxième": the call of a note.
        let call = rest.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=2).contains(&call)
            && words[..i].ends_with(char::is_alphabetic)
            && rest[call..].starts_with(' ')
            && rest[call..].trim_start().starts_with(char::is_uppercase)
        {
            let end = i + 1 + call;
            out.push(line.start + start..line.start + end);
            start = end + (words[end..].len() - words[end..].trim_start().len());
            continue;
        }
        if ends && !short && !is_label(&words[start..i]) {
            out.push(line.start + start..line.start + i + 1);
            start = i + 1 + (rest.len() - next.len());
        }
    }
    if start < words.len() {
        out.push(line.start + start..line.end);
    }
    out
}

/// Whether a few words with a full stop are the label of what follows: "Retenue de garantie. Néant."
fn is_label(words: &str) -> bool {
    /// Most words of a label.
    const WORDS: usize = 4;
    // "2. Retenue de garantie. Néant."
    let words = words.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' ' | '-' | '–'));
    let spelt = words.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '’' | '\'' | '-'));
    let long = words.chars().count() >= 4 && words.split(' ').count() <= WORDS;
    let pronoun = ["elle", "elles", "il", "ils", "on", "nous", "vous", "ce", "cela", "ceci", "celle-ci", "celui-ci"];
    let first = words.split([' ', '’', '\'']).next().unwrap_or_default().to_lowercase();
    spelt
        && long
        && !pronoun.contains(&first.as_str())
        && words.starts_with(char::is_uppercase)
        && !words.split([' ', '’', '\'']).any(is_verb)
}

/// Whether a letter behind these words is the name of a lot: "le lot B. Aucune garantie…".
fn names(before: &str) -> bool {
    let last = before.trim_end().rsplit([' ', '’', '\'']).next().unwrap_or_default();
    ["lot", "lots", "et", "secteur", "zone", "tranche", "ou"].contains(&last)
}

/// Whether a number behind these words is the article that they cite, so that a full stop may end the sentence behind it.
fn cites(before: &str) -> bool {
    let last = before.trim_end().rsplit([' ', '’', '\'']).next().unwrap_or_default();
    ["article", "articles", "clause", "paragraphe", "point", "chapitre", "section", "et"].contains(&last)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn sentences_end_where_they_end() {
        let noted = "Le volume est de 700 (lot 2). Le suivi est prévu.6 Le deuxième est jugé.";
        let cut: Vec<&str> = split(noted, &(0..noted.len())).into_iter().map(|r| &noted[r]).collect();
        assert_eq!(cut, ["Le volume est de 700 (lot 2).", "Le suivi est prévu.6", "Le deuxième est jugé."]);
        let text = "Selon l’art. 5, M. Durand vient. Il part à 12 h. 5.2. Suite du texte";
        let cut: Vec<&str> = split(text, &(0..text.len())).into_iter().map(|r| &text[r]).collect();
        assert_eq!(cut, ["Selon l’art. 5, M. Durand vient.", "Il part à 12 h. 5.2. Suite du texte"]);
        let text = "Elle est de 5 % pour le lot B. Aucune garantie n’est due. Contact : tél. 02 00 00 00 00.";
        assert_eq!(split(text, &(0..text.len())).len(), 3);
        let text = "Retenue de garantie. Néant. Bénéficiaires. Allocataires du RSA, jeunes sans emploi.";
        let cut: Vec<&str> = split(text, &(0..text.len())).into_iter().map(|r| &text[r]).collect();
        assert_eq!(cut, ["Retenue de garantie. Néant.", "Bénéficiaires. Allocataires du RSA, jeunes sans emploi."]);
        let text = "Le plafond est celui de la clause 7.3. L’état tardif coûte 50 €.";
        assert_eq!(split(text, &(0..text.len())).len(), 2);
        let long = "mot ".repeat(4_000);
        let cut = split(&long, &(0..long.len()));
        assert!(cut.len() == 3 && cut.iter().all(|r| r.len() <= 6_000 && !long[r.clone()].starts_with(' ')));
        let text = "Lot 1 : 700 heures par période d’un an. Ces volumes sont fermes.";
        assert_eq!(split(text, &(0..text.len())).len(), 2);
    }
}
