//! The words of a mail, whatever charset its parts declare, and the addresses that stand in its HTML alone.
//!
//! A part without charset, or that declares ASCII and holds more, goes through the same detection as pages ([`crate::charset`]).
//! On failure: what the mail library made of the part.

use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use crate::charset;
use crate::html::{plain_text, text_with_links};
use crate::links;

/// Most lines of headers of a mail, in all its parts, and most bytes of them: a mail has some tens, of some kilobytes in all. Each address
/// or parameter of two bytes costs the reader fifty.
const MAX_HEADER_LINES: usize = 20_000;
const MAX_HEADER_BYTES: usize = 512 * 1024;
/// Most lines that may part a mail, and most mails within it: each costs the reader memory, and each mail within another its turn.
const MAX_MARKS: usize = 2_000;
const MAX_MAILS: usize = 50;
/// Most parts among which the words of a mail are looked for.
const MAX_BODIES: usize = 20;

/// Reads a mail whose shape is one that a mail may have. What would cost the reader much more than its bytes is refused before.
///
/// # Errors
/// Says in French why it is not read.
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, &'static str> {
    let (mut marks, mut mails, mut headers, mut header_bytes, mut in_headers) = (0, 0, 0, 0, true);
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            in_headers = false;
        } else if line.starts_with(b"--") {
            marks += 1;
            in_headers = true;
        } else if in_headers {
            headers += 1;
            header_bytes += line.len();
            mails += usize::from(holds_a_mail(line));
        }
    }
    if marks > MAX_MARKS || mails > MAX_MAILS || headers > MAX_HEADER_LINES || header_bytes > MAX_HEADER_BYTES {
        return Err("courriel fait de trop de parties");
    }
    MessageParser::default().parse(bytes).ok_or("courriel vide ou illisible")
}

/// Whether a header says that what follows is a mail.
fn holds_a_mail(line: &[u8]) -> bool {
    [&b"message/rfc822"[..], b"message/global"]
        .iter()
        .any(|kind| line.windows(kind.len()).any(|w| w.eq_ignore_ascii_case(kind)))
}

/// The text of a part; `None` when it holds none.
fn part_text(mail: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let (PartType::Text(read) | PartType::Html(read)) = &part.body else { return None };
    let declared = part.content_type().and_then(|t| t.attribute("charset")).unwrap_or_default().to_ascii_lowercase();
    let trusted =
        !matches!(declared.as_str(), "" | "us-ascii" | "ascii" | "ansi_x3.4-1968") && !read.contains('\u{fffd}');
    if trusted || read.is_ascii() {
        return Some(read.to_string());
    }
    // Of a mail within a mail, places are told in the outer one: what stands there is taken only where it says the same.
    let said = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let place = part.raw_body_offset() as usize..part.raw_end_offset() as usize;
    let detected = mail.raw_message().get(place).and_then(|raw| {
        let bytes = match part.encoding {
            Encoding::None => raw.to_vec(),
            Encoding::QuotedPrintable => mail_parser::decoders::quoted_printable::quoted_printable_decode(raw)?,
            Encoding::Base64 => mail_parser::decoders::base64::base64_decode(raw)?,
        };
        Some(charset::decode_html(&bytes, None))
    });
    Some(detected.filter(|text| said(text) == said(read)).unwrap_or_else(|| read.to_string()))
}

/// The HTML of a mail, or nothing: its first that says something. Programs that put a file first leave an empty page above it.
#[must_use]
pub fn html_of(mail: &Message<'_>) -> String {
    let mut pages = mail.html_bodies().filter(|p| p.is_text_html()).filter_map(|p| part_text(mail, p)).take(MAX_BODIES);
    let first = pages.next().unwrap_or_default();
    if has_words(&plain_text(&first)) {
        return first;
    }
    pages.find(|page| has_words(&plain_text(page))).unwrap_or(first)
}

fn plain_of(mail: &Message<'_>) -> Option<String> {
    // Pictures may stand before the words.
    let texts = mail.text_bodies().take(MAX_BODIES).take_while(|p| !p.is_text_html()).filter(|p| p.is_text());
    texts.filter_map(|p| part_text(mail, p)).find(|text| has_words(text))
}

/// Whether anything stands in it but blanks, seen or not.
fn has_words(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{fffc}'))
}

/// The mail's text: its plain part, else its HTML without markup.
#[must_use]
pub fn text_of(mail: &Message<'_>) -> String {
    plain_of(mail).unwrap_or_else(|| plain_text(&html_of(mail)))
}

/// The mail's text with its links, none of them wrapped: its plain part where that holds one that `wanted` accepts, else its
/// HTML with the address of each link behind its words.
#[must_use]
pub fn text_with_addresses(mail: &Message<'_>, wanted: impl Fn(&str) -> bool) -> String {
    let plain = plain_of(mail).map(|t| links::unwrap_all(&t)).unwrap_or_default();
    if wanted(&plain) {
        return plain;
    }
    let marked_up = links::unwrap_all(&text_with_links(&html_of(mail)));
    if wanted(&marked_up) || plain.is_empty() { marked_up } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(head: &str, body: &[u8]) -> String {
        let mut mail = format!("From: a@b.example\r\nSubject: x\r\n{head}\r\n\r\n").into_bytes();
        mail.extend_from_slice(body);
        text_of(&MessageParser::default().parse(&mail).unwrap()).trim().to_owned()
    }

    /// B1: what a reader makes of a mail is bounded by its bytes: what is made of nothing but parts is refused before.
    #[test]
    fn a_mail_made_of_nothing_but_parts_is_refused_and_a_large_one_is_read() {
        let head = "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
        let hostile = [
            format!("{head}{}", "--b\r\n\r\nx\r\n".repeat(100_000)),
            format!("{head}{}", "--b\r\nContent-Type: message/rfc822\r\n\r\n".repeat(1_000)),
            format!("{head}{}", "--b\r\nContent-Type: MESSAGE/RFC822\r\n\r\n".repeat(100)),
            format!("From: a@b.example\r\n{}\r\nx", "X-A: b\r\n".repeat(200_000)),
            format!("From: a@b.example\r\nTo: a{}\r\n\r\nx", ",a".repeat(300_000)),
        ];
        for mail in &hostile {
            assert_eq!(parse(mail.as_bytes()).err(), Some("courriel fait de trop de parties"));
        }
        let large = format!("{head}--b\r\n\r\n{}\r\n--b--", "Une ligne -- de texte.\r\n".repeat(90_000));
        assert!(parse(large.as_bytes()).is_ok());
        assert!(parse(b"").is_err());
    }

    /// Attack (MimeKit#505): programs that put a file first leave an empty text, or an empty page, above it.
    #[test]
    fn the_words_below_a_file_are_read() {
        let file = "--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: inline; filename=a.pdf\r\n\r\n%PDF\r\n";
        let picture = "--b\r\nContent-Type: image/png\r\nContent-Disposition: inline\r\n\r\nPNG\r\n";
        let plain = |words: &str| format!("--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n");
        let page = |words: &str| format!("--b\r\nContent-Type: text/html\r\n\r\n<body>{words}</body>\r\n");
        for (parts, read) in [
            (format!("{}{file}{}", plain("\r\n"), plain("Oui, on y va")), "Oui, on y va"),
            (format!("{file}{}", plain("Oui")), "Oui"),
            (format!("{picture}{}", plain("Oui")), "Oui"),
            (format!("{}{picture}{}", plain(""), page("Non")), "Non"),
            (format!("{}{file}{}", page("<br>\u{feff}"), page("Non merci")), "Non merci"),
            (format!("{}{file}{}", plain("Oui"), plain("-- la liste")), "Oui"),
            (format!("{}{file}{}", plain("\r\n"), page("Plus tard")), "Plus tard"),
        ] {
            let body = format!("{parts}--b--\r\n");
            assert_eq!(text("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b", body.as_bytes()), read);
        }
    }

    /// A14: a charset that is missing or wrong costs no letter.
    #[test]
    fn letters_survive_a_charset_that_is_missing_or_wrong() {
        for (head, body, read) in [
            ("Content-Type: text/html", &b"<p>March\xe9 \x96 l\x92offre</p>"[..], "Marché – l’offre"),
            ("Content-Type: text/html", b"<meta charset=iso-8859-15><p>12 \xa4</p>", "12 €"),
            ("Content-Type: text/plain; charset=us-ascii", "Marché réservé".as_bytes(), "Marché réservé"),
            ("Content-Type: text/plain", b"R\xe9serv\xe9", "Réservé"),
            (
                "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: quoted-printable",
                b"March=C3=A9",
                "Marché",
            ),
            ("Content-Type: text/html\r\nContent-Transfer-Encoding: base64", b"PHA+TWFyY2jpPC9wPg==", "Marché"),
            ("Content-Type: text/plain; charset=utf-8", b"March\xe9", "Marché"),
            ("Content-Type: text/plain; charset=iso-8859-1", b"March\xe9", "Marché"),
        ] {
            assert_eq!(text(head, body), read, "{head}");
        }
    }
}
