//! Notifications of browsers (Web Push): the message encrypted for one browser (RFC 8291 over RFC 8188) and the proof of who sends it
//! (VAPID, RFC 8292). Pure but for random numbers; the network is not ours.
//!
//! An address holds all that a browser gave: its push service's address, and behind `#` its public key and its secret, which no client
//! ever sends. The primitives are those of aws-lc-rs; what stands here is the order in which the two standards put them.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use url::Url;

use super::links;
use crate::channels::Envelope;

/// Length of a point of P-256, uncompressed, and of a browser's secret.
const POINT: usize = 65;
const AUTH: usize = 16;
/// Size of a record: one record holds the message (RFC 8291, 4).
const RECORD: u32 = 4_096;
/// Longest text of a notification, in characters: browsers show two or three lines, and no push service takes more than a record.
const MAX_TEXT: usize = 400;
const MAX_TITLE: usize = 120;
/// How long a push service keeps what a browser that is away did not take, in seconds.
const TTL: &str = "86400";
/// How long a proof holds: 24 h at most (RFC 8292, 2).
const PROOF_LASTS: Duration = Duration::hours(12);
/// Longest topic, in characters of its alphabet (RFC 8030, 5.4).
const MAX_TOPIC: usize = 32;

/// A browser that takes notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// Where its push service takes messages for it.
    pub endpoint: Url,
    key: Vec<u8>,
    auth: Vec<u8>,
}

impl Browser {
    /// Reads the address of one; `None` where it is none.
    #[must_use]
    pub fn read(address: &str) -> Option<Self> {
        let mut endpoint = Url::parse(address).ok()?;
        let (key, auth) = endpoint.fragment()?.split_once('.')?;
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let (key, auth) = (decoded(key)?, decoded(auth)?);
        endpoint.set_fragment(None);
        let fits = key.len() == POINT && key[0] == 4 && auth.len() == AUTH && endpoint.host().is_some();
        fits.then_some(Self { endpoint, key, auth })
    }

    /// The address of the browser that gave these three words.
    #[must_use]
    pub fn written(endpoint: &str, key: &str, auth: &str) -> String {
        format!("{}#{}.{}", endpoint.split('#').next().unwrap_or_default(), key.trim(), auth.trim())
    }

    /// A message that only this browser reads.
    #[must_use]
    pub fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut salt = [0_u8; 16];
        fill(&mut salt).ok()?;
        self.encrypt_with(plain, &salt, &PrivateKey::generate(&ECDH_P256).ok()?)
    }

    fn encrypt_with(&self, plain: &[u8], salt: &[u8; 16], own: &PrivateKey) -> Option<Vec<u8>> {
        let public = own.compute_public_key().ok()?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, &self.key);
        let prk = agree(own, peer, (), |shared| Ok(hmac(&self.auth, &[shared]))).ok()?;
        let input = hmac(&prk, &[b"WebPush: info\0", &self.key, public.as_ref(), &[1]]);
        let prk = hmac(salt, &[&input]);
        let key = hmac(&prk, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = hmac(&prk, &[b"Content-Encoding: nonce\0", &[1]]);
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).ok()?);
        let mut record = plain.to_vec();
        record.push(2); // the last record
        let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).ok()?;
        sealing.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).ok()?;
        let mut out = Vec::with_capacity(16 + 4 + 1 + POINT + record.len());
        out.extend_from_slice(salt);
        out.extend_from_slice(&RECORD.to_be_bytes());
        out.push(u8::try_from(POINT).ok()?);
        out.extend_from_slice(public.as_ref());
        out.extend_from_slice(&record);
        (out.len() <= RECORD as usize).then_some(out)
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The key of an installation, by which push services know who sends.
pub struct Sender {
    pair: EcdsaKeyPair,
    public: Vec<u8>,
}

impl Sender {
    /// The key made of these bytes; `None` where they are none, which happens to one in four thousand million.
    #[must_use]
    pub fn of(secret: &[u8; 32]) -> Option<Self> {
        let public =
            PrivateKey::from_private_key(&ECDH_P256, secret).ok()?.compute_public_key().ok()?.as_ref().to_vec();
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, secret, &public).ok()?;
        Some(Self { pair, public })
    }

    /// Its public half, as a browser is given it (`applicationServerKey`).
    #[must_use]
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }

    /// The value of `Authorization` for the push service at that address. `contact` is where its operator may write to: `mailto:` or the
    /// web (RFC 8292, 2.1).
    #[must_use]
    pub fn proof(&self, endpoint: &Url, contact: &str, now: DateTime<Utc>) -> Option<String> {
        let claims = json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": (now + PROOF_LASTS).timestamp(),
            "sub": contact,
        });
        let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({ "typ": "JWT", "alg": "ES256" })), encode(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.as_ref()), self.public()))
    }
}

/// The headers beside the proof: how long it is kept, and under which topic a second attempt takes the place of the first.
#[must_use]
pub fn headers(envelope: &Envelope<'_>) -> Vec<(&'static str, String)> {
    let topic = envelope.key.chars().filter(char::is_ascii_alphanumeric).take(MAX_TOPIC).collect();
    vec![
        ("content-type", "application/octet-stream".to_owned()),
        ("content-encoding", "aes128gcm".to_owned()),
        ("ttl", TTL.to_owned()),
        ("urgency", "normal".to_owned()),
        ("topic", topic),
    ]
}

/// What the browser shows, before it is encrypted: a title, some lines, and the page that a click opens. `home` is opened where the
/// message leads nowhere.
#[must_use]
pub fn shown(envelope: &Envelope<'_>, home: Option<&str>) -> Vec<u8> {
    let message = envelope.message;
    let text = message.chat().typeset();
    let lines: Vec<&str> = text.text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let url = links(envelope).into_iter().map(|link| link.url).next().or_else(|| home.map(str::to_owned));
    json!({
        "title": super::cut(&message.subject, MAX_TITLE),
        "body": super::cut(&lines.join("\n"), MAX_TEXT),
        "url": url,
        "tag": envelope.key,
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, message};
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Verifying};

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, appendix A: its keys, its salt, its message, byte for byte.
    #[test]
    fn the_example_of_the_standard() {
        let browser = Browser::read(&Browser::written(
            "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        ))
        .unwrap();
        let own =
            PrivateKey::from_private_key(&ECDH_P256, &bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt: [u8; 16] = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let body = browser.encrypt_with(b"When I grow up, I want to be a watermelon", &salt, &own).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn a_proof_is_for_one_push_service_and_for_half_a_day() {
        let sender = Sender::of(&[7; 32]).unwrap();
        let now = DateTime::from_timestamp(1_795_248_000, 0).unwrap();
        let endpoint = Url::parse("https://push.example.net:8443/push/abc?x=1").unwrap();
        let proof = sender.proof(&endpoint, "mailto:camille@vigie.example", now).unwrap();
        let (token, key) = proof.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, sender.public());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        Verifying::new(&ECDSA_P256_SHA256_FIXED, bytes(key)).verify(signed.as_bytes(), &bytes(signature)).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&bytes(signed.split_once('.').unwrap().1)).unwrap();
        assert_eq!(claims["aud"], "https://push.example.net:8443");
        assert_eq!(claims["exp"], now.timestamp() + 12 * 3600);
        assert_eq!(claims["sub"], "mailto:camille@vigie.example");
    }

    #[test]
    fn what_is_shown_fits_one_record_whatever_its_length() {
        let (mut message, buttons) = (message(), buttons());
        message.subject = "é".repeat(5_000);
        let shown = shown(&envelope(&message, &buttons), None);
        let browser = Browser::read(&Browser::written(
            "https://push.example.net/x",
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        ));
        assert!(browser.unwrap().encrypt(&shown).unwrap().len() <= RECORD as usize);
        let read: serde_json::Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(read["url"], "https://vigie.example/repondre/t?mot=oui");
    }

    #[test]
    fn an_address_that_is_none_of_a_browser_is_not_read() {
        for wrong in ["", "https://push.example.net/x", "https://push.example.net/x#a.b", "pas une adresse#BCVx.BTBZ"] {
            assert_eq!(Browser::read(wrong), None, "{wrong}");
        }
    }
}
