//! DKIM (RFC 6376): a signature over the finished message, where the installation has a key. Otherwise the relay signs.
//!
//! `rsa-sha256`, relaxed canonicalisation of header and body. The key is used through aws-lc, which the TLS of this program
//! stands on: the mail library's own signing brings an RSA whose timing leaks (RUSTSEC-2023-0071).
//!
//! What one-click unsubscription asks for (RFC 8058 §4) is signed, and what must not be added on the way is signed as absent:
//! a second `From` or `Subject` breaks the signature. A key that cannot serve is refused when the program starts.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

/// Headers signed, where they are; each of [`ONCE`] also as absent a second time.
const SIGNED: [&str; 14] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "auto-submitted",
    "mime-version",
    "content-type",
];
/// Headers of which none may be added on the way.
const ONCE: [&str; 7] = ["from", "to", "subject", "date", "reply-to", "list-unsubscribe", "list-unsubscribe-post"];
/// Longest selector: one label of a name in DNS.
const MAX_SELECTOR: usize = 63;
/// Characters of a signature on one line of its header.
const LINE: usize = 72;

/// A key and where its public half is found: `selector._domainkey.domain`.
pub struct Signer {
    domain: String,
    selector: String,
    key: RsaKeyPair,
}

impl Signer {
    /// Reads a private RSA key in PEM (PKCS#8 or PKCS#1), of 2048 bits at least.
    ///
    /// # Errors
    /// Why it cannot serve, in French.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Self, String> {
        let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if selector.is_empty() || selector.len() > MAX_SELECTOR || !selector.chars().all(label) {
            return Err(format!("le sélecteur « {selector} » n’est pas un nom de DNS"));
        }
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            Ok(_) => return Err("la clé n’est pas une clé RSA".to_owned()),
            Err(_) => return Err("la clé n’est pas au format PEM".to_owned()),
        };
        let key = key.map_err(|_| "la clé RSA est illisible, ou trop courte (2048 bits au moins)".to_owned())?;
        Ok(Self { domain: domain.to_lowercase(), selector: selector.to_owned(), key })
    }

    /// The record that receivers look for: its name and its text.
    #[must_use]
    pub fn record(&self) -> (String, String) {
        // A public key in SubjectPublicKeyInfo: the algorithm's identifier, then the key as a bit string.
        const RSA: [u8; 15] =
            [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
        let mut bits = vec![0];
        bits.extend_from_slice(self.key.public_key().as_ref());
        let inner = [RSA.as_slice(), &der(0x03, &bits)].concat();
        let text = format!("v=DKIM1; k=rsa; p={}", BASE64.encode(der(0x30, &inner)));
        (format!("{}._domainkey.{}", self.selector, self.domain), text)
    }

    /// The message, signed: the same bytes after one more header.
    ///
    /// # Errors
    /// It has no header, or cannot be signed.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let end = message.windows(4).position(|w| w == b"\r\n\r\n").ok_or("message sans en-tête")?;
        let (head, body) = (&message[..end + 2], &message[end + 4..]);
        let fields = fields(head);
        let mut names = Vec::new();
        let mut input = Vec::new();
        for name in SIGNED {
            if let Some((_, value)) = fields.iter().rev().find(|(n, _)| n == name) {
                input.extend_from_slice(&relaxed_field(name, value));
                input.extend_from_slice(b"\r\n");
                names.push(name);
            }
            names.extend(ONCE.contains(&name).then_some(name));
        }
        let hash = BASE64.encode(Sha256::digest(relaxed_body(body)));
        let unsigned = format!(
            "v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s={};\r\n\th={};\r\n\tbh={hash};\r\n\tb=",
            self.domain,
            self.selector,
            names.chunks(5).map(|line| line.join(":")).collect::<Vec<_>>().join(":\r\n\t ")
        );
        input.extend_from_slice(&relaxed_field("dkim-signature", unsigned.as_bytes()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &input, &mut signature)
            .map_err(|_| "la clé DKIM ne signe pas".to_owned())?;
        let text = BASE64.encode(signature);
        let lines: Vec<&str> = text.as_bytes().chunks(LINE).filter_map(|l| std::str::from_utf8(l).ok()).collect();
        let header = format!("DKIM-Signature: {unsigned}{}\r\n", lines.join("\r\n\t "));
        Ok([header.as_bytes(), message].concat())
    }
}

/// A value in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u16::try_from(content.len()) {
        Ok(n) if n < 0x80 => out.push(n.to_be_bytes()[1]),
        Ok(n) => out.extend_from_slice(&[0x82, n.to_be_bytes()[0], n.to_be_bytes()[1]]),
        // No key is that long.
        Err(_) => return Vec::new(),
    }
    out.extend_from_slice(content);
    out
}

/// Header fields: names in small letters, values as they stand.
fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    for line in lines(head) {
        match (line.first(), out.last_mut()) {
            (Some(b' ' | b'\t'), Some((_, value))) => value.extend_from_slice(line),
            _ => {
                let at = line.iter().position(|b| *b == b':').unwrap_or(line.len());
                let name = String::from_utf8_lossy(&line[..at]).trim_end().to_lowercase();
                out.push((name, line.get(at + 1..).unwrap_or_default().to_vec()));
            }
        }
    }
    out
}

/// Lines without their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.windows(2).position(|w| w == b"\r\n");
        let (line, after) = at.map_or((rest, &rest[rest.len()..]), |at| (&rest[..at], &rest[at + 2..]));
        rest = after;
        Some(line)
    })
}

/// White space as one space, none at the end (RFC 6376 §3.4.4).
fn relaxed(line: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(line.len());
    for byte in line {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            other => out.push(*other),
        }
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
    out
}

/// A field without the end of its last line (RFC 6376 §3.4.2).
fn relaxed_field(name: &str, value: &[u8]) -> Vec<u8> {
    let unfolded: Vec<u8> = value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let value = relaxed(&unfolded);
    [name.as_bytes(), b":", value.strip_prefix(b" ").unwrap_or(&value)].concat()
}

/// The body without empty lines at its end (RFC 6376 §3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = lines(body).map(relaxed).collect();
    while all.last().is_some_and(Vec::is_empty) {
        all.pop();
    }
    let mut out = all.join(b"\r\n".as_slice());
    if !out.is_empty() {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_canonical() {
        // RFC 6376 §3.4.5.
        let head = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let shown: Vec<Vec<u8>> = fields(head).iter().map(|(n, v)| relaxed_field(n, v)).collect();
        assert_eq!(shown, [b"a:X".to_vec(), b"b:Y Z".to_vec()]);
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
    }

    #[test]
    fn a_key_that_cannot_serve_is_refused_in_words() {
        assert!(Signer::new("vigie.example", "s", "rien").err().unwrap().contains("PEM"));
        let pem = "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
        assert!(Signer::new("vigie.example", "s", pem).err().unwrap().contains("RSA"));
        assert!(Signer::new("vigie.example", "pas un nom", "rien").err().unwrap().contains("sélecteur"));
    }
}
