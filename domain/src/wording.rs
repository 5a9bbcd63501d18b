//! Whether a text holds words that somebody looks for: whole words, in either number, however they are joined.
//!
//! Texts and words come folded (small letters without accents). `sol` is not found in « isolation »; `école` is found in
//! « écoles », `espaces verts` in « espaces-verts »; a star stands for any ending (`nett*`).

/// Most signs between two words that follow each other, as in « espaces - verts ».
const MAX_BETWEEN: usize = 4;

/// Whether `text` holds `words`, in their order. Nothing holds no words.
#[must_use]
pub fn holds(text: &str, words: &str) -> bool {
    let words: Vec<&str> =
        words.split(|c: char| !c.is_alphanumeric() && c != '*').filter(|w| !stem(w).is_empty()).collect();
    let Some(first) = words.first() else { return false };
    let looked_for = stem(first);
    let mut at = 0;
    while let Some(found) = text[at..].find(looked_for) {
        let start = at + found;
        let begins = text[..start].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        if begins && follows(&text[start..], &words) {
            return true;
        }
        at = start + looked_for.len();
    }
    false
}

/// Whether `text` begins with `words`.
fn follows(text: &str, words: &[&str]) -> bool {
    let mut rest = text;
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            let next = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
            if rest[..rest.len() - next.len()].chars().count() > MAX_BETWEEN {
                return false;
            }
            rest = next;
        }
        match behind(rest, word) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

/// What follows `word`, which `text` begins with.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(stem(word))?;
    if word.ends_with('*') {
        return Some(rest.trim_start_matches(char::is_alphanumeric));
    }
    let ends = |rest: &&str| !rest.starts_with(char::is_alphanumeric);
    [Some(rest), rest.strip_prefix(['s', 'x'])].into_iter().flatten().find(ends)
}

/// A word without its star, or the letter of its plural.
fn stem(word: &str) -> &str {
    match word.strip_suffix('*') {
        Some(start) => start,
        None if word.len() > 3 => {
            word.strip_suffix('s').or_else(|| word.strip_suffix("ux").map(|_| &word[..word.len() - 1])).unwrap_or(word)
        }
        None => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_in_either_number_and_however_joined() {
        for (text, words) in [
            ("revetement de sol souple", "sol"),
            ("nettoyage des ecoles", "ecole"),
            ("nettoyage de l'ecole jaures", "ecoles"),
            ("entretien des espaces-verts", "espaces verts"),
            ("entretien d'un espace vert", "espaces verts"),
            ("fourniture de bureaux", "bureau"),
            ("fourniture d'un bureau", "bureaux"),
            ("nettoyage", "nett*"),
            ("eau et assainissement", "eau"),
            ("travaux a lens", "lens"),
            ("lot 2 : menage", "lot 2"),
        ] {
            assert!(holds(text, words), "{words} in {text}");
        }
    }

    #[test]
    fn words_inside_words_or_far_apart_are_not() {
        for (text, words) in [
            ("isolation thermique", "sol"),
            ("console de jeu", "sol"),
            ("bureau d'etudes", "eau"),
            ("espaces publics et verts", "espaces verts"),
            ("nettoyage", "nett"),
            ("lot 22 : menage", "lot 2"),
            ("menage", ""),
            ("menage", " ,*"),
            ("🎉", "🎉*"),
        ] {
            assert!(!holds(text, words), "{words} in {text}");
        }
    }
}
