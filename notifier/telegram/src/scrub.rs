//! The token stands in the address of every call. It is taken out of every error and every text of the server before anyone
//! sees it, whatever the path of the address.

use secrecy::SecretString;
use vigie_config::secret::expose;

/// What stands where the token stood.
const HIDDEN: &str = "JETON";

/// Takes the token out of words.
#[derive(Clone)]
pub struct Scrub(pub(crate) SecretString);

impl Scrub {
    /// The words without the token.
    #[must_use]
    pub fn clean(&self, words: &str) -> String {
        let token = expose(&self.0);
        let mut clean = words.replace(token, HIDDEN);
        // As an address writes it.
        let escaped = token.replace(':', "%3A");
        if escaped != token {
            clean = clean.replace(&escaped, HIDDEN).replace(&token.replace(':', "%3a"), HIDDEN);
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "123456:AAF7-g0gYncWnm5IyfZlpPRqRRv6kNAGlao";

    #[test]
    fn the_server_s_own_words_are_scrubbed_too() {
        let scrub = Scrub(SecretString::from(TOKEN));
        let page = format!("no such page: /bot{TOKEN}/x, /bot{}/x", TOKEN.replace(':', "%3A"));
        assert_eq!(scrub.clean(&page), "no such page: /botJETON/x, /botJETON/x");
    }
}
