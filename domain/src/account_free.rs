//! Addresses of the web without the account and the password that stood in them (`https://moi:secret@a.example/x`).
//!
//! Whoever publishes a notice, or copies a link, may not know that it holds them; what everybody reads shows none.

use std::borrow::Cow;

/// What ends the part of an address that may hold an account.
fn ends_authority(c: char) -> bool {
    matches!(c, '/' | '?' | '#' | '<' | '>' | '"' | '«' | '»') || c.is_whitespace()
}

/// The text, its addresses without accounts.
#[must_use]
pub fn without_accounts(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    for (at, mark) in text.match_indices("://") {
        let scheme = text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let begins = at + mark.len();
        if begins < kept || !["http", "https", "ftp", "ftps"].iter().any(|s| s.eq_ignore_ascii_case(scheme)) {
            continue;
        }
        let rest = &text[begins..];
        let authority = &rest[..rest.find(ends_authority).unwrap_or(rest.len())];
        if let Some(sign) = authority.rfind('@') {
            out.push_str(&text[kept..begins]);
            kept = begins + sign + 1;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_account() {
        for (written, shown) in [
            ("https://user:pw@m.example/a", "https://m.example/a"),
            (
                "Voir HTTP://moi@m.example, ou FTP://a:b@f.example/x.zip.",
                "Voir HTTP://m.example, ou FTP://f.example/x.zip.",
            ),
            ("(https://a:b@c:d@m.example?q=1)", "(https://m.example?q=1)"),
            ("https://:@m.example «https://é:ü@n.example»", "https://m.example «https://n.example»"),
            ("https://a@https://b@c.example", "https://https://c.example"),
        ] {
            assert_eq!(without_accounts(written), shown, "{written}");
        }
        for kept in [
            "https://a.example/@moi",
            "https://a.example/?q=moi@b.example",
            "https://a.example",
            "moi@a.example",
            "https:// moi@a.example",
            "://a@b",
            "mailto://moi@a.example",
            "https://",
        ] {
            assert!(matches!(without_accounts(kept), Cow::Borrowed(_)), "{kept}");
        }
    }
}
