//! What is kept of consultations is sealed (XChaCha20-Poly1305): whoever holds the database, or a copy of it, reads nothing without the
//! secret of the settings. Where they name none, the key stands in the database, and the seal only proves that nothing was changed.
//!
//! A seal names its structure: moved to the row of another one it does not open. One that was made under another secret does not
//! open either; what it held is to be given again.

use std::io::{Read, Write};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};
use vigie_store::StoreError;

use crate::service::Service;

/// Bytes of a nonce, drawn for each seal.
const NONCE: usize = 24;
/// Longest document that is opened, in bytes: more than any reading gives.
const MAX_OPENED: u64 = 256 * 1024 * 1024;

/// Seals and opens for one structure.
#[derive(Clone)]
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    structure: String,
}

/// It could not be sealed: the system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("rien n’a pu être chiffré")]
pub(super) struct Unsealable;

impl Seal {
    /// The seal of a structure.
    pub(super) async fn of(service: &Service, structure: &str) -> Result<Self, StoreError> {
        let key: [u8; 32] = match service.derived_key("consultation") {
            Some(key) => key,
            None => Sha256::digest(service.store.sealing_key().await?.as_bytes()).into(),
        };
        Ok(Self { cipher: XChaCha20Poly1305::new(&key.into()), structure: structure.to_owned() })
    }

    /// Bytes, sealed.
    pub(super) fn close(&self, bytes: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Unsealable)?;
        let payload = Payload { msg: bytes, aad: self.structure.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Unsealable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed; `None` where it does not open.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: rest, aad: self.structure.as_bytes() };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }

    /// A document, made smaller and sealed.
    pub(super) fn close_document<T: serde::Serialize>(&self, document: &T) -> Result<Vec<u8>, Unsealable> {
        let json = serde_json::to_vec(document).map_err(|_| Unsealable)?;
        let mut small = DeflateEncoder::new(Vec::new(), Compression::fast());
        small.write_all(&json).map_err(|_| Unsealable)?;
        self.close(&small.finish().map_err(|_| Unsealable)?)
    }

    /// The document that was sealed; `None` where it does not open, or is of a version that is not known any more.
    pub(super) fn open_document<T: serde::de::DeserializeOwned>(&self, sealed: &[u8]) -> Option<T> {
        let small = self.open(sealed)?;
        let mut json = Vec::new();
        DeflateDecoder::new(small.as_slice()).take(MAX_OPENED).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(key: u8, structure: &str) -> Seal {
        Seal { cipher: XChaCha20Poly1305::new(&[key; 32].into()), structure: structure.to_owned() }
    }

    #[test]
    fn what_is_sealed_opens_for_its_structure_alone_and_hides_its_words() {
        let (mine, others, other_key) = (seal(1, "1"), seal(1, "2"), seal(2, "1"));
        let sealed = mine.close_document(&vec!["pénalité de 30 €"; 200]).unwrap();
        assert_eq!(mine.open_document::<Vec<String>>(&sealed).unwrap().len(), 200);
        assert!(!sealed.windows(4).any(|w| w == b"nali"));
        assert!(others.open(&sealed).is_none() && other_key.open(&sealed).is_none());
        let mut changed = sealed.clone();
        changed[40] ^= 1;
        assert!(mine.open(&changed).is_none() && mine.open(&[]).is_none() && mine.open(&[0; 30]).is_none());
        assert_ne!(mine.close(b"x").unwrap(), mine.close(b"x").unwrap(), "each seal has a nonce of its own");
    }
}
