//! Bodies compressed by gzip or deflate, opened here and not by the client (which opens Brotli): servers say that a body is compressed
//! which is not, in an old or a double name (`x-gzip`, `gzip, gzip`: RFC 9110 §8.4.1.3), call `deflate` what bears no zlib header, or do
//! not say it at all. The bytes decide, and a label that lies costs nothing.
//!
//! Bounded by what comes out. On failure: a word for what is wrong.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// What bodies may be compressed by.
pub const ACCEPTED: &str = "gzip, deflate, br";

/// Most times a body is compressed.
const LAYERS: usize = 3;
/// How gzip begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// So many bytes are looked at to know text from what is compressed.
const LOOKED_AT: usize = 512;

/// Why a compressed body gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spoilt {
    #[error("contenu compressé trop grand une fois ouvert")]
    TooLarge,
    #[error("contenu compressé abîmé ou incomplet")]
    Broken,
}

/// Whether a body is compressed by gzip.
#[must_use]
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// Whether a `Content-Encoding` says that something is to be opened.
#[must_use]
pub fn is_said(encodings: &str) -> bool {
    encodings.split(',').any(|e| Encoding::of(e).is_some())
}

/// How a layer is compressed.
#[derive(Clone, Copy)]
enum Encoding {
    Gzip,
    Deflate,
}

impl Encoding {
    fn of(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" | "x-deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// The body itself, of at most `limit` bytes, of one that is said to be compressed so (the last name first); one that is not is as it is.
///
/// # Errors
/// It is larger, or broken.
pub fn opened_as(encodings: &str, mut bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, Spoilt> {
    for encoding in encodings.rsplit(',').filter_map(Encoding::of).take(LAYERS) {
        bytes = match encoding {
            Encoding::Gzip => opened(bytes, limit)?,
            Encoding::Deflate if is_text(&bytes) => bytes,
            Encoding::Deflate if is_zlib(&bytes) => bounded(ZlibDecoder::new(bytes.as_slice()), limit)?,
            Encoding::Deflate => bounded(DeflateDecoder::new(bytes.as_slice()), limit)?,
        };
    }
    Ok(bytes)
}

/// The body itself, of at most `limit` bytes; one that is not compressed by gzip is as it is.
///
/// # Errors
/// It is larger, or broken.
pub fn opened(mut bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, Spoilt> {
    for _ in 0..LAYERS {
        if !is_gzip(&bytes) {
            break;
        }
        bytes = bounded(MultiGzDecoder::new(bytes.as_slice()), limit)?;
    }
    Ok(bytes)
}

fn bounded(from: impl Read, limit: usize) -> Result<Vec<u8>, Spoilt> {
    let mut out = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    from.take(most).read_to_end(&mut out).map_err(|_| Spoilt::Broken)?;
    if out.len() > limit { Err(Spoilt::TooLarge) } else { Ok(out) }
}

/// Whether a body begins as zlib does (RFC 1950 §2.2): a method, a window, and a check of both.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..] if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

/// Whether a body begins as text: what is compressed holds signs that no text does.
fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let written = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A sign cut in two by the end of the head.
        Err(e) => e.error_len().is_none(),
    };
    written && head.iter().all(|b| *b >= 0x20 || b.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_compressed_once_or_twice_or_not_is_read() {
        let text = b"<rss/>".to_vec();
        for body in [text.clone(), gzip(&text), gzip(&gzip(&text))] {
            assert_eq!(opened(body, 100), Ok(text.clone()));
        }
        assert!(["gzip", "x-gzip", "X-GZIP", "gzip, gzip", "identity, x-gzip", "deflate"].iter().all(|e| is_said(e)));
        assert!(["identity", "none", "utf-8", "br", ""].iter().all(|e| !is_said(e)));
    }

    /// iipc/warctools 395, httpx 1735: the label says one thing and the bytes another.
    #[test]
    fn a_label_that_lies_costs_nothing() {
        let text = "<rss>Entretien des écoles, été 2027</rss>".repeat(20).into_bytes();
        for (label, body) in [
            ("gzip", text.clone()),
            ("deflate", text.clone()),
            ("deflate, gzip", text.clone()),
            ("gzip", gzip(&text)),
            ("deflate", zlib(&text)),
            ("deflate", raw(&text)),
            ("DEFLATE", raw(&text)),
            ("deflate, gzip", gzip(&raw(&text))),
            ("identity, gzip", gzip(&text)),
            ("utf-8", text.clone()),
        ] {
            assert_eq!(opened_as(label, body, 10_000), Ok(text.clone()), "{label}");
        }
        // A sign of two bytes at the edge of what is looked at.
        let cut = format!("{}é suite", "a".repeat(LOOKED_AT - 1)).into_bytes();
        assert_eq!(opened_as("deflate", cut.clone(), 10_000), Ok(cut));
    }

    #[test]
    fn a_bomb_or_a_torn_body_is_said() {
        let bomb = gzip(&gzip(&vec![b' '; 4_000_000]));
        assert_eq!(opened(bomb, 1_000_000), Err(Spoilt::TooLarge));
        let blanks = vec![b' '; 4_000_000];
        assert_eq!(opened_as("deflate", zlib(&blanks), 1_000_000), Err(Spoilt::TooLarge));
        assert_eq!(opened_as("deflate", raw(&blanks), 1_000_000), Err(Spoilt::TooLarge));
        let text = b"some words that are torn apart on their way";
        for (label, whole) in [("gzip", gzip(text)), ("deflate", zlib(text)), ("deflate", raw(text))] {
            assert_eq!(opened_as(label, whole[..whole.len() / 2].to_vec(), 1_000), Err(Spoilt::Broken), "{label}");
        }
    }
}
