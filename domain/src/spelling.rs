//! One spelling of the names of places, people and bodies, so that what is the same is found the same.

/// One spelling of a name: no accents, no signs, `saint` for `st`.
#[must_use]
pub fn key(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    write_key(name, &mut plain);
    plain
}

/// Writes the [`key`] of a name behind `plain`.
pub(crate) fn write_key(name: &str, plain: &mut String) {
    let mut word = plain.len();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            c if c.is_ascii_alphanumeric() => plain.push(c),
            'à' | 'â' | 'ä' | 'á' | 'ã' => plain.push('a'),
            'ç' => plain.push('c'),
            'è' | 'é' | 'ê' | 'ë' => plain.push('e'),
            'ì' | 'í' | 'î' | 'ï' => plain.push('i'),
            'ñ' => plain.push('n'),
            'ò' | 'ó' | 'ô' | 'ö' => plain.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => plain.push('u'),
            'ÿ' | 'ý' => plain.push('y'),
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            // A letter and its sign apart, as some systems paste them.
            '\u{300}'..='\u{36f}' => {}
            _ => end_word(plain, &mut word),
        }
    }
    end_word(plain, &mut word);
    if plain.ends_with(' ') {
        plain.pop();
    }
}

/// Ends the word that began at `word`, if there is one.
fn end_word(plain: &mut String, word: &mut usize) {
    match &plain[*word..] {
        "" => return,
        "st" => plain.replace_range(*word.., "saint"),
        "ste" => plain.replace_range(*word.., "sainte"),
        _ => {}
    }
    plain.push(' ');
    *word = plain.len();
}
