//! Signatures of Standard Webhooks (github.com/standard-webhooks, "Specification", version 1): over the identifier of the message, the
//! moment of the attempt and the bytes of the body, with a key that the receiver has too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Begins a key as people copy it.
pub const PREFIX: &str = "whsec_";

/// A key as people copy it.
#[must_use]
pub fn key_in_words(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The value of `webhook-signature`.
#[must_use]
pub fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the reference implementation (PyPI `standardwebhooks` 1.0) makes of the same.
    #[test]
    fn a_signature_is_the_one_of_the_reference_implementation() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(key_in_words(&key), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = "{\"type\":\"alert.new\",\"data\":{\"text\":\"Réservé aux EA\"}}";
        let signed = sign(&key, "0123456789abcdef01234567", 1_795_248_000, body.as_bytes());
        assert_eq!(signed.as_deref(), Some("v1,eDtfEioHjHkpKYPwp10m+7ngdUrcGP0wMERRZcLqhoU="));
    }
}
