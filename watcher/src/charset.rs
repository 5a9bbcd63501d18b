//! Bytes as text. The declared charset may lie, and nothing is dropped for its encoding alone.

/// Bytes as text: a byte-order mark first, then the declared charset if the bytes are valid in it, then UTF-8, then
/// windows-1252, in which every byte means something. The XML declaration is rewritten to what was found.
#[must_use]
pub fn decode_xml(bytes: &[u8]) -> String {
    let declared = || {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_string();
        let at = head.find("encoding=")? + "encoding=".len();
        let name = head[at..].trim_start_matches(['"', '\'']).split(['"', '\'']).next()?.to_owned();
        encoding_rs::Encoding::for_label(name.as_bytes())
    };
    let mut text = if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        encoding.decode(bytes).0.into_owned()
    } else if let Some(encoding) = wide(bytes) {
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    } else if let Ok(utf8) = std::str::from_utf8(bytes) {
        utf8.to_owned()
    } else {
        let named = declared().filter(|e| *e != encoding_rs::UTF_8).map(|e| e.decode_without_bom_handling(bytes));
        match named {
            Some((text, false)) => text.into_owned(),
            _ => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        }
    };
    // The declaration may stand behind white space or noise; wherever it is, what it says of the encoding holds no more.
    if let Some((start, end)) = text.find("<?xml ").and_then(|start| Some((start, start + text[start..].find("?>")?))) {
        text.replace_range(start..end + 2, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    }
    text
}

/// A file of text that says nothing of its letters: a byte-order mark first, then UTF-8, then windows-1252.
#[must_use]
pub fn plain_text(bytes: &[u8]) -> String {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    std::str::from_utf8(bytes)
        .map_or_else(|_| encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), str::to_owned)
}

/// UTF-16 without a mark, known by how `<?` looks in it (XML 1.0, appendix F).
fn wide(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match bytes.get(..4)? {
        [0, b'<', 0, b'?'] => Some(encoding_rs::UTF_16BE),
        [b'<', 0, b'?', 0] => Some(encoding_rs::UTF_16LE),
        _ => None,
    }
}

/// XML whose ampersands are references: a bare one becomes `&amp;`, a name that only HTML knows (`&eacute;`) and a number of
/// windows-1252 (`&#146;`) become what they mean. What stands in CDATA and comments is left alone.
#[must_use]
pub fn repair_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        let verbatim = [("<![CDATA[", "]]>"), ("<!--", "-->")].into_iter().find(|(start, _)| here.starts_with(start));
        let taken = match verbatim {
            Some((_, end)) => here.find(end).map_or(here.len(), |i| i + end.len()),
            None if here.starts_with('<') => 1,
            None => {
                let (written, taken) = reference(here);
                out.push_str(&written);
                rest = &here[taken..];
                continue;
            }
        };
        out.push_str(&here[..taken]);
        rest = &here[taken..];
    }
    out.push_str(rest);
    out
}

/// The reference at the start of `text` as XML may write it, and its length in `text`.
fn reference(text: &str) -> (String, usize) {
    /// Longest name of HTML, with ampersand and semicolon.
    const LONGEST: usize = 34;
    let bare = || ("&amp;".to_owned(), 1);
    let window = &text[..text.floor_char_boundary(LONGEST)];
    let Some(end) = window.find(';') else { return bare() };
    let name = &window[..=end];
    if matches!(name, "&amp;" | "&lt;" | "&gt;" | "&quot;" | "&apos;") {
        return (name.to_owned(), name.len());
    }
    let meant = crate::html::decode(name);
    if meant == name || meant.ends_with(';') {
        return bare();
    }
    let safe = meant.chars().map(|c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        // As a raw one, which XML 1.0 §2.2 forbids.
        c if c.is_control() && !c.is_whitespace() => String::new(),
        c => c.to_string(),
    });
    (safe.collect(), name.len())
}

/// A page as text: a byte-order mark first, then the charset of its header, then the one its `<meta>` declares, then
/// UTF-8 where the bytes are valid in it, then windows-1252.
#[must_use]
pub fn decode_html(bytes: &[u8], content_type: Option<&str>) -> String {
    let named = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let rest = lower.split("charset=").nth(1)?.trim_start_matches(['"', '\'']).to_owned();
        let label = rest.split(['"', '\'', ';', '>', ' ', '/']).next()?.to_owned();
        encoding_rs::Encoding::for_label(label.as_bytes())
    };
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]);
    // A page of UTF-16 holds a zero beside every sign of markup: one that says so and holds none is in something else.
    let wide = bytes[..bytes.len().min(2048)].contains(&0);
    let is_possible =
        |e: &&'static encoding_rs::Encoding| wide || ![encoding_rs::UTF_16LE, encoding_rs::UTF_16BE].contains(e);
    for encoding in [content_type.and_then(named), named(&head)].into_iter().flatten().filter(is_possible) {
        if let (text, false) = encoding.decode_without_bom_handling(bytes) {
            return text.into_owned();
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(utf8) => utf8.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_whatever_it_declares() {
        let latin = b"<meta charset=\"iso-8859-15\"><p>March\xe9 \xa4";
        assert!(decode_html(latin, None).ends_with("Marché €"));
        assert!(decode_html("<p>Marché".as_bytes(), Some("text/html; charset=utf-8")).ends_with("Marché"));
        assert!(decode_html(b"<p>March\xe9", Some("text/html; charset=utf-8")).ends_with("Marché"), "the header lies");
        for (bytes, header) in [
            ("<p>Marché".as_bytes().to_vec(), Some("text/html; charset=utf-16")),
            ("<meta charset=utf-16le><p>Marché".as_bytes().to_vec(), None),
            ("<p>Marché".encode_utf16().flat_map(u16::to_le_bytes).collect(), Some("text/html; charset=utf-16le")),
            ("<p>Marché".encode_utf16().flat_map(u16::to_be_bytes).collect(), Some("text/html; charset=utf-16be")),
        ] {
            assert!(decode_html(&bytes, header).ends_with("Marché"), "{header:?}");
        }
    }
}
