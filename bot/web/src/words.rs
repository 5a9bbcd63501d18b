//! What people type into the search: words and phrases, plurals, numbers of notices, and what a misspelt word may have meant.
//! Pure.

use std::collections::HashMap;

use vigie_watcher::classify::fold::fold;

/// Most words looked for, and the longest of them.
const MAX_WORDS: usize = 8;
const MAX_WORD: usize = 60;

/// What is looked for: phrases between quotation marks as they stand, other words without their plural.
pub(crate) fn searched(text: &str) -> Vec<String> {
    let marked: String = text.chars().map(|c| if "«»“”„\"".contains(c) { '"' } else { c }).collect();
    let mut out = Vec::new();
    for (n, part) in marked.split('"').enumerate() {
        let folded = fold(part);
        if n % 2 == 1 {
            let phrase = folded.split_whitespace().collect::<Vec<_>>().join(" ");
            if phrase.len() > 1 {
                out.push(phrase);
            }
            continue;
        }
        let words = folded.split(|c: char| c.is_whitespace() || ",;".contains(c)).filter(|w| w.len() > 1);
        out.extend(words.map(|w| singular(w).to_owned()));
    }
    out.truncate(MAX_WORDS);
    out.iter_mut().for_each(|w| *w = w.chars().take(MAX_WORD).collect());
    out
}

/// A folded word without its plural: what is left stands in the singular and in the plural alike.
fn singular(word: &str) -> &str {
    if word.len() < 5 || word.bytes().any(|b| b.is_ascii_digit()) {
        return word;
    }
    word.strip_suffix("aux").map_or_else(
        || word.strip_suffix(['s', 'x']).unwrap_or(word),
        // hopitaux, hopital; travaux, travail; eaux keeps its stem.
        |stem| if stem.ends_with('e') { &word[..word.len() - 1] } else { &word[..word.len() - 2] },
    )
}

/// The number of a notice, where that is what was typed: `26-131001`, `123456-2026`, `boamp:26-131001`.
pub(crate) fn number(text: &str) -> Option<&str> {
    let text = text.trim().trim_matches(['«', '»', '"', '\u{a0}', ' ']);
    let (_, bare) = text.rsplit_once(':').unwrap_or(("", text));
    let digits = bare.bytes().filter(u8::is_ascii_digit).count();
    let plain = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    (plain && digits >= 4 && bare.contains('-') && bare.len() <= 40 && digits * 2 >= bare.len()).then_some(text)
}

/// The words as they may have been meant: each that stands in no text is replaced by the nearest that does, the most frequent of
/// equals. `None` where nothing is near, or all stand somewhere already.
pub(crate) fn meant(words: &[String], texts: &[String]) -> Option<Vec<String>> {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for word in texts.iter().flat_map(|t| t.split(|c: char| !c.is_alphanumeric())).filter(|w| w.len() > 3) {
        *counts.entry(word).or_default() += 1;
    }
    let mut changed = false;
    let mut out = Vec::with_capacity(words.len());
    for word in words {
        if word.contains(' ') || word.len() < 4 || texts.iter().any(|t| t.contains(word.as_str())) {
            out.push(word.clone());
            continue;
        }
        let most = if word.len() >= 8 { 2 } else { 1 };
        let near = counts
            .iter()
            .filter_map(|(known, n)| Some((distance(word, singular(known), most)?, u32::MAX - n, *known)))
            .min()?;
        out.push(singular(near.2).to_owned());
        changed = true;
    }
    changed.then_some(out)
}

/// How many letters are missing, too many, wrong or swapped; `None` beyond `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|d| *d <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_stay_whole_and_plurals_are_found_in_the_singular() {
        assert_eq!(searched("« linge plat » Écoles"), ["linge plat", "ecole"]);
        assert_eq!(searched("\"espaces verts\""), ["espaces verts"]);
        assert_eq!(searched("hôpitaux, travaux locaux"), ["hopita", "trava", "loca"]);
        assert_eq!(searched("bus 26-12345 eaux"), ["bus", "26-12345", "eaux"]);
        assert!(searched("x « »").is_empty());
    }

    #[test]
    fn numbers_of_notices_are_known() {
        for (text, known) in [
            ("26-131001", true),
            (" « 26-131001 » ", true),
            ("123456-2026", true),
            ("boamp:26-131001", true),
            ("blanchisserie", false),
            ("lot 2", false),
            ("2026", false),
            ("sous-traitance 59000", false),
        ] {
            assert_eq!(number(text).is_some(), known, "{text}");
        }
    }

    #[test]
    fn a_misspelt_word_is_met_with_the_nearest_one() {
        let texts = [" blanchisserie du linge ".to_owned(), " nettoyage des vitres, blanchisseries ".to_owned()];
        let said = |w: &str| meant(&[w.to_owned()], &texts).map(|w| w.join(" "));
        assert_eq!(said("blanchiserie").as_deref(), Some("blanchisserie"));
        assert_eq!(said("netoyage").as_deref(), Some("nettoyage"));
        assert_eq!(said("nettoygae").as_deref(), Some("nettoyage"), "two letters swapped");
        assert_eq!(said("linge"), None, "it stands somewhere");
        assert_eq!(said("informatique"), None, "nothing is near");
    }
}
