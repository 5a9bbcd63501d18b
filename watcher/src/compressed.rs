//! Bodies that arrive compressed though nobody opened them on the way: by a server that says so in an old or a double name
//! (`x-gzip`, `gzip, gzip`: RFC 9110 §8.4.1.3), or does not say so at all. Bounded by what comes out of them.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// Most times a body is compressed.
const LAYERS: usize = 3;
/// How gzip begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why a compressed body gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spoilt {
    #[error("contenu compressé (gzip) trop grand une fois ouvert")]
    TooLarge,
    #[error("contenu compressé (gzip) abîmé ou incomplet")]
    Broken,
}

/// Whether a body is compressed by gzip.
#[must_use]
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// Whether a `Content-Encoding` names gzip, under whichever of its names.
#[must_use]
pub fn says_gzip(encoding: &str) -> bool {
    encoding.split(',').any(|e| matches!(e.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip"))
}

/// The body itself, of at most `limit` bytes; one that is not compressed is as it is.
///
/// # Errors
/// It is larger, or broken.
pub fn opened(mut bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, Spoilt> {
    for _ in 0..LAYERS {
        if !is_gzip(&bytes) {
            break;
        }
        let mut out = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        MultiGzDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut out).map_err(|_| Spoilt::Broken)?;
        if out.len() > limit {
            return Err(Spoilt::TooLarge);
        }
        bytes = out;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_compressed_once_or_twice_or_not_is_read() {
        let text = b"<rss/>".to_vec();
        for body in [text.clone(), gzip(&text), gzip(&gzip(&text))] {
            assert_eq!(opened(body, 100), Ok(text.clone()));
        }
        assert!(["gzip", "x-gzip", "X-GZIP", "gzip, gzip", "identity, x-gzip"].iter().all(|e| says_gzip(e)));
        assert!(["identity", "br", ""].iter().all(|e| !says_gzip(e)));
    }

    #[test]
    fn a_bomb_or_a_torn_body_is_said() {
        let bomb = gzip(&gzip(&vec![b' '; 4_000_000]));
        assert_eq!(opened(bomb, 1_000_000), Err(Spoilt::TooLarge));
        let whole = gzip(b"some words that are torn apart on their way");
        assert_eq!(opened(whole[..whole.len() / 2].to_vec(), 1_000), Err(Spoilt::Broken));
    }
}
