//! Plain text, in UTF-8, UTF-16 with its mark, or the encoding of Windows.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::by_lines;
use crate::piece::{Text, Unread};

pub(super) fn read(bytes: &[u8]) -> Result<Text, Unread> {
    let text = decode(bytes);
    let strange = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    if strange * 20 > text.chars().count() {
        return Err(Unread::Unknown("contenu binaire".to_owned()));
    }
    Ok(Text { passages: by_lines(&text), ..Text::default() })
}

/// As UTF-8 where it is, else by its mark, else as Windows writes in France.
fn decode(bytes: &[u8]) -> String {
    match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0.into_owned(),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => WINDOWS_1252.decode(bytes).0.into_owned(),
        },
    }
}
