//! Addresses of mailboxes as people type them, brought to one spelling, so that one mailbox is one address.

use url::Host;
use vigie_domain::visible;

/// Longest address (RFC 5321 §4.5.3.1.3, without its angle brackets).
const MAX_LEN: usize = 254;

/// The one spelling of an address: without what nobody sees, in small letters, its domain as A-labels (RFC 5891 §4.4).
///
/// # Errors
/// What is wrong, in French: it is no address, or holds letters that look like others (а in Cyrillic, ο in Greek).
pub fn canonical(written: &str) -> Result<String, String> {
    let text = visible(written.trim()).to_lowercase();
    let wrong = || format!("« {} » n’est pas une adresse électronique", written.trim());
    if text.len() > MAX_LEN || text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c)) {
        return Err(wrong());
    }
    let (local, domain) = text.split_once('@').ok_or_else(wrong)?;
    if local.is_empty() || !domain.contains('.') || domain.contains('@') || domain.split('.').any(str::is_empty) {
        return Err(wrong());
    }
    if let Some(strange) = text.chars().find(|c| c.is_alphabetic() && !is_latin(*c)) {
        return Err(format!(
            "l’adresse « {text} » contient « {strange} », qui n’est pas une lettre latine : retapez-la"
        ));
    }
    match Host::parse(domain) {
        Ok(Host::Domain(domain)) => Ok(format!("{local}@{domain}")),
        _ => Err(wrong()),
    }
}

/// Whether a letter is of the Latin alphabet, with or without signs (Unicode blocks Latin-1 Supplement to Latin Extended-B, and
/// Latin Extended Additional) or one of their combining marks.
fn is_latin(letter: char) -> bool {
    letter.is_ascii() || matches!(letter, '\u{aa}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_spelling() {
        for (written, kept) in [
            (" Jeanne@Atelier.Example ", "jeanne@atelier.example"),
            ("jeanne@société.fr", "jeanne@xn--socit-esab.fr"),
            ("jeanne@xn--socit-esab.fr", "jeanne@xn--socit-esab.fr"),
            ("bob\u{200b}@exemple.fr", "bob@exemple.fr"),
            ("jéanne.untel+vigie@exemple.fr", "jéanne.untel+vigie@exemple.fr"),
        ] {
            assert_eq!(canonical(written).as_deref(), Ok(kept), "{written}");
        }
    }

    #[test]
    fn what_is_no_address_or_looks_like_another_is_refused() {
        for written in ["", "jeanne", "@exemple.fr", "a@b", "a@b..fr", "a b@exemple.fr", "a@b@exemple.fr", "a@1.2.3.4"]
        {
            assert!(canonical(written).unwrap_err().contains("n’est pas une adresse"), "{written}");
        }
        for written in ["bob@ex\u{435}mple.fr", "b\u{3bf}b@exemple.fr"] {
            assert!(canonical(written).unwrap_err().contains("lettre latine"), "{written}");
        }
    }
}
