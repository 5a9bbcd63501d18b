//! A browser that takes notifications, as a push service's double sees it: its keys, and the reading of what it was sent. Written apart
//! from what sends, from RFC 8188, 8291 and 8292.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Verifying};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::hooks::Taken;
use crate::service::Outcome;

/// A browser.
pub struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived(salt: &[u8], secret: &[u8], info: &[&[u8]], length: usize) -> Outcome<Vec<u8>> {
    let mut out = vec![0; length];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(length)).and_then(|okm| okm.fill(&mut out)).map_err(|_| "no key comes of it")?;
    Ok(out)
}

impl Browser {
    /// A browser with keys of its own.
    ///
    /// # Errors
    /// No key can be made.
    pub fn new(auth: [u8; 16]) -> Outcome<Self> {
        let private = PrivateKey::generate(&ECDH_P256).map_err(|_| "no key")?;
        let public = private.compute_public_key().map_err(|_| "no key")?.as_ref().to_vec();
        Ok(Self { private, public, auth })
    }

    /// `p256dh` and `auth`, as a page is given them.
    #[must_use]
    pub fn keys(&self) -> (String, String) {
        (URL_SAFE_NO_PAD.encode(&self.public), URL_SAFE_NO_PAD.encode(self.auth))
    }

    /// What it shows of what was posted for it.
    ///
    /// # Errors
    /// The body is not encrypted for this browser, or is cut or altered.
    pub fn reads(&self, taken: &Taken) -> Outcome<Value> {
        let body = taken.bytes.as_ref();
        if taken.headers.get("content-encoding").map(|v| v.as_bytes()) != Some(b"aes128gcm") {
            return Err("content-encoding is not aes128gcm".into());
        }
        let (salt, rest) = body.split_at_checked(16).ok_or("no salt")?;
        let (size, rest) = rest.split_at_checked(4).ok_or("no record size")?;
        let size = u32::from_be_bytes(size.try_into()?) as usize;
        let (length, rest) = rest.split_first().ok_or("no key length")?;
        let (key, record) = rest.split_at_checked(usize::from(*length)).ok_or("no key")?;
        if record.len() > size || body.len() > 4_096 {
            return Err("more than one record".into());
        }
        let peer = UnparsedPublicKey::new(&ECDH_P256, key);
        let shared = agree(&self.private, peer, "no agreement", |shared| Ok(shared.to_vec()))?;
        let input = derived(&self.auth, &shared, &[b"WebPush: info\0", &self.public, key], 32)?;
        let content = derived(salt, &input, &[b"Content-Encoding: aes128gcm\0"], 16)?;
        let nonce = derived(salt, &input, &[b"Content-Encoding: nonce\0"], 12)?;
        let opening = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content).map_err(|_| "no key")?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| "no nonce")?;
        let mut record = record.to_vec();
        let plain = opening.open_in_place(nonce, Aad::empty(), &mut record).map_err(|_| "not for this browser")?;
        let end = plain.iter().rposition(|b| *b != 0).ok_or("empty")?;
        if plain[end] != 2 {
            return Err("not the last record".into());
        }
        Ok(serde_json::from_slice(&plain[..end])?)
    }
}

/// Who sent it, as a push service checks it: the claims of the proof, where its signature holds and its key is that one.
///
/// # Errors
/// There is no proof, or it does not hold.
pub fn sender(taken: &Taken, application_key: &str) -> Outcome<Value> {
    let proof = taken.headers.get("authorization").ok_or("no proof")?.to_str()?;
    let (token, key) = proof.strip_prefix("vapid t=").and_then(|p| p.split_once(", k=")).ok_or("no VAPID")?;
    if key != application_key {
        return Err("another key than the browser was given".into());
    }
    let (signed, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    Verifying::new(&ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(key)?)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "the signature does not hold")?;
    let (head, claims) = signed.split_once('.').ok_or("no claims")?;
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head)?)?;
    if head["alg"] != "ES256" {
        return Err("not ES256".into());
    }
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?)
}
