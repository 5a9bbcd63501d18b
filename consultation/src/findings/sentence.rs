//! Sentences of a piece, with the headings they stand under.

use std::ops::Range;

use vigie_classify::fold::fold;

use crate::written::Written;

/// A sentence, an item of a list or a row of a table.
#[derive(Debug)]
pub(crate) struct Sentence {
    pub(crate) range: Range<usize>,
    pub(crate) folded: String,
    pub(crate) article: Option<usize>,
    pub(crate) is_heading: bool,
}

/// The sentences of a piece, in order.
pub(crate) fn sentences(piece: &Written) -> Vec<Sentence> {
    let mut out = Vec::new();
    for line in &piece.lines {
        for range in split(&piece.text, &line.range) {
            let folded = match range == line.range {
                true => line.folded.clone(),
                false => fold(&piece.judged()[range.clone()]),
            };
            out.push(Sentence { range, folded, article: line.article, is_heading: line.is_heading });
        }
    }
    out
}

/// A line cut behind full stops that end a sentence.
pub(crate) fn split(text: &str, line: &Range<usize>) -> Vec<Range<usize>> {
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
            let cut = letters == 1 && w.chars().all(char::is_alphabetic) || w.starts_with(char::is_uppercase);
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
    const VERBS: [&str; 8] = ["est", "sont", "a", "ont", "peut", "doit", "ne", "se"];
    let spelt = words.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '’' | '\'' | '-'));
    let long = words.chars().count() >= 4 && words.split(' ').count() <= WORDS;
    spelt && long && words.starts_with(char::is_uppercase) && !words.split([' ', '’', '\'']).any(|w| VERBS.contains(&w))
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
        let text = "Lot 1 : 700 heures par période d’un an. Ces volumes sont fermes.";
        assert_eq!(split(text, &(0..text.len())).len(), 2);
    }
}
