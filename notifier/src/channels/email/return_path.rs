//! The return address of each message: its token says which delivery an error report or an answer is about.
//!
//! ```text
//! retours+ 4f0c…(24)  9a31…(12) @exemple.fr
//!          delivery   signature
//! ```
//!
//! The token is short, in small letters and figures (some servers fold the case of addresses), and signed: a report that
//! nobody was sent a message for suspends nobody, and an answer decides for nobody else. It never goes out of date: reports
//! come days later, answers months later. A change of the key makes old ones unknown.

use hmac::{Hmac, Mac};
use lettre::Address;
use sha2::Sha256;

/// Length of a delivery's identifier.
const ID: usize = 24;
/// Length of the signature: 48 bits, more than anybody can try by mail.
const SIGNATURE: usize = 12;
/// Longest local part of an address (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Part of what is signed, so that no other signature of the key serves here.
const PURPOSE: &[u8] = b"return-path\0";

/// Return addresses of one installation.
#[derive(Clone)]
pub struct ReturnPath {
    before: String,
    after: String,
    key: Vec<u8>,
}

impl ReturnPath {
    /// Reads a pattern, an address with one `*`.
    ///
    /// # Errors
    /// Why it cannot serve, in French.
    pub fn new(pattern: &str, key: &[u8]) -> Result<Self, String> {
        let pattern = pattern.trim().to_lowercase();
        let (before, after) = pattern.split_once('*').ok_or("il y manque l’étoile qui tient la place du jeton")?;
        let made = Self { before: before.to_owned(), after: after.to_owned(), key: key.to_vec() };
        let sample: Address = made.of(&"0".repeat(ID)).parse().map_err(|_| "ce n’est pas une adresse")?;
        if sample.user().len() > MAX_LOCAL || after.contains('*') || !after.contains('@') {
            return Err(format!(
                "une seule étoile, avant l’arobase, et {} caractères autour d’elle au plus",
                MAX_LOCAL - ID - SIGNATURE
            ));
        }
        Ok(made)
    }

    /// The return address of a delivery.
    #[must_use]
    pub fn of(&self, delivery: &str) -> String {
        format!("{}{delivery}{}{}", self.before, self.signature(delivery), self.after)
    }

    /// The delivery that a return address belongs to, if it is one of ours.
    #[must_use]
    pub fn delivery<'a>(&self, address: &'a str) -> Option<&'a str> {
        let inner = self.inner(address)?;
        let (delivery, signature) = inner.split_at_checked(inner.len().checked_sub(SIGNATURE)?)?;
        let mac = self.mac(delivery)?;
        let given: Option<Vec<u8>> =
            (0..SIGNATURE / 2).map(|i| u8::from_str_radix(signature.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        mac.verify_truncated_left(&given?).is_ok().then_some(delivery)
    }

    fn inner<'a>(&self, address: &'a str) -> Option<&'a str> {
        let address = address.trim();
        let end = address.len().checked_sub(self.after.len())?;
        let (inner, after) = address.split_at_checked(end)?;
        let (before, inner) = inner.split_at_checked(self.before.len())?;
        let ours = before.eq_ignore_ascii_case(&self.before) && after.eq_ignore_ascii_case(&self.after);
        (ours
            && inner.len() == ID + SIGNATURE
            && inner.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()))
        .then_some(inner)
    }

    fn signature(&self, delivery: &str) -> String {
        let tag = self.mac(delivery).map(|m| m.finalize().into_bytes());
        tag.map(|tag| hex::encode(&tag[..SIGNATURE / 2])).unwrap_or_default()
    }

    fn mac(&self, delivery: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(PURPOSE);
        mac.update(delivery.as_bytes());
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERY: &str = "0123456789abcdef01234567";

    fn path() -> ReturnPath {
        ReturnPath::new("Retours+*@Exemple.fr", b"une clef de seize octets").unwrap()
    }

    #[test]
    fn a_return_address_leads_back_to_its_delivery_alone() {
        let address = path().of(DELIVERY);
        assert!(
            address.starts_with("retours+0123") && address.ends_with("@exemple.fr") && address.len() < 60,
            "{address}"
        );
        assert_eq!(path().delivery(&address), Some(DELIVERY));
        let folded = address.replace("retours", "RETOURS").replace("exemple", "Exemple");
        assert_eq!(path().delivery(&folded), Some(DELIVERY));
        assert_eq!(path().delivery(&address.replace("0123", "0124")), None, "another delivery");
        assert_eq!(path().delivery(&address.replace("exemple.fr", "example.fr")), None);
        let other = ReturnPath::new("retours+*@exemple.fr", b"une autre clef, plus longue").unwrap();
        assert_eq!(other.delivery(&address), None, "signed by another key");
    }

    #[test]
    fn a_pattern_that_cannot_serve_is_said() {
        for wrong in ["retours@exemple.fr", "retours+*", "*@*.fr", &format!("{}*@exemple.fr", "a".repeat(29))] {
            assert!(ReturnPath::new(wrong, b"k").is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_address_but_ours_leads_anywhere(address in "\\PC{0,80}|retours\\+[0-9a-f]{30,40}@exemple.fr") {
            proptest::prop_assert_eq!(path().delivery(&address), None);
        }
    }
}
