//! Identifiers and secrets: derived from what they stand for, drawn by chance, or kept as a hash.

use sha2::{Digest, Sha256};

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
