//! The message as it travels: plain text and HTML, equal in content, and the headers that servers and programs go by.
//!
//! - Message-ID is derived from the delivery; a correction, a cancellation or an award refers to the messages before it
//!   (RFC 5322 §3.6.4), so that it lands in their thread.
//! - `List-Unsubscribe` with one click (RFC 2369, RFC 8058); `List-Id` (RFC 2919); `Auto-Submitted` (RFC 3834).
//! - No word from outside makes a header: subjects hold no control characters (`crate::message`), and lettre encodes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::message::header::ContentType;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Mime};

use super::Email;
use crate::channels::Envelope;
use crate::message::File;

/// Most messages of a thread that are named besides the first one: a header must stay short (RFC 5322 §2.1.1).
const MAX_REFERENCES: usize = 12;

/// Most bytes of one encoded word: 60 signs of base64, within the 75 that RFC 2047 §2 allows the whole.
const WORD: usize = 45;

/// A subject whose words would themselves be read as encoded ones (« =?utf-8?B?…?= »): all of it is encoded, so that it is shown as it
/// was written.
fn as_written(subject: &str) -> HeaderValue {
    let mut words: Vec<String> = vec![String::new()];
    for c in subject.chars() {
        // The first line bears the name of the header too.
        let most = if words.len() == 1 { WORD - "Subject: ".len() } else { WORD };
        if words.last().is_none_or(|w| w.len() + c.len_utf8() > most) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let encoded: Vec<String> = words.iter().map(|w| format!("=?utf-8?B?{}?=", BASE64.encode(w))).collect();
    let name = HeaderName::new_from_ascii_str("Subject");
    HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), encoded.join("\r\n "))
}

impl Email {
    pub(super) fn compose(&self, envelope: &Envelope<'_>, to: &Address) -> Result<String, String> {
        let message = envelope.message;
        let own_address = self.return_path.as_ref().map(|r| r.of(envelope.key));
        let subject = vigie_domain::visible(&message.subject).into_owned();
        let mut builder = Mime::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(subject.clone())
            .message_id(Some(self.message_id(envelope.key)))
            .date_now();
        let answers_to = own_address.as_deref().filter(|_| self.answers).and_then(|a| a.parse::<Address>().ok());
        if let Some(address) = answers_to {
            builder = builder.reply_to(Mailbox::new(self.from.name.clone(), address));
        } else if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let thread: Vec<String> = envelope.thread.iter().map(|k| self.message_id(k)).collect();
        if let (Some(first), Some(last)) = (thread.first(), thread.last()) {
            let recent = thread[1..].iter().rev().take(MAX_REFERENCES).rev();
            let named: Vec<&str> = std::iter::once(first).chain(recent).map(String::as_str).collect();
            builder = builder.in_reply_to(last.clone()).references(named.join(" "));
        }
        let plain = SinglePart::plain(message.text().to_owned());
        let said = match message.html() {
            Some(html) => MultiPart::alternative().singlepart(plain).singlepart(SinglePart::html(html.to_owned())),
            None => MultiPart::mixed().singlepart(plain),
        };
        let mime = match message.files.as_slice() {
            [] if message.html().is_none() => builder.singlepart(SinglePart::plain(message.text().to_owned())),
            [] => builder.multipart(said),
            files => {
                let table = ContentType::parse("text/csv; charset=utf-8; header=present").map_err(|e| e.to_string())?;
                let attached = |f: &File| Attachment::new(f.name.clone()).body(f.content.clone(), table.clone());
                let whole = MultiPart::mixed().multipart(said);
                builder.multipart(files.iter().map(attached).fold(whole, MultiPart::singlepart))
            }
        };
        let mut mime = mime.map_err(|e| e.to_string())?;
        let headers = mime.headers_mut();
        if subject.contains("=?") {
            headers.insert_raw(as_written(&subject));
        }
        let mut add = |name: &'static str, value: String| {
            headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value))
        };
        // No vacation answer to this, please.
        add("Auto-Submitted", "auto-generated".to_owned());
        // Exchange and Outlook go by this one ([MS-OXCMAIL] §2.1.3.2.20).
        add("X-Auto-Response-Suppress", "All".to_owned());
        add("List-Id", format!("Vigie <alertes.{}>", self.from.email.domain()));
        let by_mail = own_address.filter(|_| self.answers).map(|a| format!("<mailto:{a}?subject=stop>"));
        let by_page = message.unsubscribe.as_ref().map(|url| format!("<{url}>"));
        if by_page.is_some() {
            add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        }
        let ways: Vec<String> = by_page.into_iter().chain(by_mail).collect();
        if !ways.is_empty() {
            add("List-Unsubscribe", ways.join(", "));
        }
        let bytes = match &self.signer {
            Some(signer) => signer.sign(&mime.formatted())?,
            None => mime.formatted(),
        };
        // What is not ASCII is encoded, or in UTF-8.
        String::from_utf8(bytes).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Body, Message};

    /// B27: words of a title that look like encoded ones were decoded by whoever read the mail.
    #[test]
    fn a_subject_is_read_as_it_was_written() {
        for written in [
            "Nettoyage =?utf-8?B?QmNjOiB4QHkuZnI=?= des écoles",
            "=?iso-8859-1?Q?a?=",
            &format!("{} =?x?", "é🧹 ".repeat(60)),
        ] {
            let message = Mime::builder()
                .from("a@b.example".parse().unwrap())
                .to("c@d.example".parse().unwrap())
                .subject("x")
                .singlepart(SinglePart::plain("x".to_owned()));
            let mut message = message.unwrap();
            message.headers_mut().insert_raw(as_written(written));
            let bytes = message.formatted();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.lines().all(|line| line.is_ascii() && line.len() <= 78), "{text}");
            assert_eq!(text.matches("Subject:").count(), 1, "{text}");
            let header = text.split("Subject: ").nth(1).unwrap().replace("\r\n ", " ");
            let words = header.lines().next().unwrap().split(' ');
            let decoded = words.map(|word| {
                let inside = word.strip_prefix("=?utf-8?B?").and_then(|w| w.strip_suffix("?=")).unwrap();
                String::from_utf8(BASE64.decode(inside).unwrap()).unwrap()
            });
            assert_eq!(decoded.collect::<String>(), written);
        }
    }

    #[test]
    fn a_table_comes_with_its_mail_byte_for_byte() {
        let email = super::super::tests::plain(None);
        let content = "\u{feff}Mois;Réalisées\n2027-03;104,5\n".as_bytes().to_vec();
        let file = File { name: "vigie-mensuel-2027-03.csv".into(), content: content.clone() };
        let body = Body::Mail { text: "Prêt".into(), html: "<p>Prêt</p>".into() };
        let message = Message { subject: "Prêt".into(), body, unsubscribe: None, files: vec![file] };
        let envelope =
            Envelope { to: "a@b.example", key: "ab", thread: &[], resend: false, message: &message, buttons: &[] };
        let text = email.compose(&envelope, &"a@b.example".parse().unwrap()).unwrap();
        assert!(text.contains("multipart/mixed") && text.contains("multipart/alternative"), "{text}");
        assert!(text.contains("attachment; filename=\"vigie-mensuel-2027-03.csv\""), "{text}");
        let part = text.split("filename=").nth(1).unwrap().split("\r\n\r\n").nth(1).unwrap();
        let encoded: String = part.split("\r\n--").next().unwrap().split_whitespace().collect();
        assert_eq!(BASE64.decode(encoded).unwrap(), content);
    }
}
