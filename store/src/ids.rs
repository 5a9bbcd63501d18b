//! Identifiers and secrets: derived from what they stand for, drawn by chance, or kept as a hash.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use vigie_domain::Notice;

use crate::error::StoreError;
use crate::sql::SqlError;

/// A short identifier derived from its parts: the same parts give the same one.
#[must_use]
pub fn derived_id(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(&digest.finalize()[..12])
}

/// Hash of a notice's content: what makes a new version.
#[must_use]
pub fn content_hash(notice: &Notice) -> String {
    let bytes = serde_json::to_vec(notice).unwrap_or_default();
    hex::encode(&Sha256::digest(&bytes)[..16])
}

/// Characters of an identifier that tell its moment: milliseconds since 1970, in hexadecimal.
const MOMENT: usize = 11;

/// As [`derived_id`], behind the moment at which it is made: what is written together stands together in an index, where
/// identifiers without order touch a page each (RFC 9562 §2.1).
#[must_use]
pub fn ordered_id(now: DateTime<Utc>, parts: &[&str]) -> String {
    behind(&format!("{:0MOMENT$x}", now.timestamp_millis().max(0)), parts)
}

/// As [`derived_id`], behind the moment of `head`: it stands where that one does.
pub(crate) fn id_beside(head: &str, parts: &[&str]) -> String {
    behind(head.get(..MOMENT).unwrap_or_default(), parts)
}

fn behind(moment: &str, parts: &[&str]) -> String {
    let derived = derived_id(parts);
    format!("{moment}{}", &derived[moment.len().min(derived.len())..])
}

/// 32 characters that nobody can guess.
///
/// # Errors
/// The system gives no random numbers.
pub fn random() -> Result<String, StoreError> {
    Ok(hex::encode(random_bytes()?))
}

/// 16 bytes that nobody can guess.
pub(crate) fn random_bytes() -> Result<[u8; 16], StoreError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| SqlError::Io(std::io::Error::other(e.to_string())))?;
    Ok(bytes)
}

/// The hash under which a secret is kept.
#[must_use]
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_one_moment_stand_together_and_later_ones_behind() {
        let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0).unwrap();
        let (first, second, later) = (
            ordered_id(at(1_700_000_000), &["b"]),
            ordered_id(at(1_700_000_000), &["a"]),
            ordered_id(at(1_700_000_001), &["c"]),
        );
        assert_eq!(first, ordered_id(at(1_700_000_000), &["b"]), "the same parts give the same one");
        assert!(first != second && first < later && second < later);
        assert_eq!(first.len(), derived_id(&["b"]).len());
        let beside = id_beside(&first, &["x"]);
        assert!(beside < later && beside[..MOMENT] == first[..MOMENT] && beside != id_beside(&first, &["y"]));
        assert_eq!(ordered_id(at(-1), &["a"]).len(), first.len());
    }
}
