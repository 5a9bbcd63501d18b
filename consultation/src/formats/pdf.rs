//! PDF, through poppler's `pdftotext`: words with their boxes, page by page, put in reading order by `layout`.
//!
//! Why not a reader in Rust: `docs/decisions/0103-files-of-a-consultation.md`. The converter inherits every limit of this process.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::layout::{Page, Printed, Word};
use super::office::entity;
use crate::limits::{CPU_SECONDS, MAX_PAGES};
use crate::piece::{Passage, Place, Text, Unread};
use crate::sandbox::computed_too_long;

pub(super) fn read(path: &Path, pdftotext: Option<&Path>) -> Result<Text, Unread> {
    let program = pdftotext.ok_or(Unread::NoConverter)?;
    let spawned = Command::new(program)
        .args(["-bbox", "-enc", "UTF-8", "-l", &MAX_PAGES.to_string()])
        .arg(path)
        .arg("-")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|_| Unread::NoConverter)?;
    // Read aside, so that a talkative converter never waits for us.
    let complaints = child.stderr.take().map(|stderr| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.take(16 * 1024).read_to_string(&mut text);
            text
        })
    });
    let pages = child.stdout.take().map(|out| pages(BufReader::new(out))).unwrap_or_default();
    // What is still to come is not waited for.
    let _ = child.kill();
    let status = child.wait().ok();
    let too_slow = status.is_some_and(computed_too_long);
    let complaints = complaints.and_then(|c| c.join().ok()).unwrap_or_default().to_lowercase();
    if pages.is_empty() {
        return Err(match () {
            () if complaints.contains("password") => Unread::Encrypted,
            () if complaints.contains("not allowed") => {
                Unread::Refused("son auteur a interdit d’en copier le texte".to_owned())
            }
            () if too_slow => Unread::TooSlow(CPU_SECONDS),
            () if status.is_some_and(|s| s.code().is_none()) => Unread::Died,
            () => Unread::Broken("le PDF ne s’ouvre pas".to_owned()),
        });
    }
    let mut text = text(pages);
    if too_slow {
        let last = text.pages.unwrap_or_default();
        text.cut =
            Some(format!("lu jusqu’à la page {last} : la suite demande plus de {CPU_SECONDS} secondes de calcul"));
    }
    Ok(text)
}

fn text(pages: Vec<Page>) -> Text {
    let count = pages.len() as u32;
    let texts = super::layout::lines(&pages);
    let mut out = Text { pages: Some(count), ..Text::default() };
    for (i, lines) in texts.into_iter().enumerate() {
        let number = i as u32 + 1;
        if lines.iter().all(|l| l.text.trim().is_empty()) {
            out.mute_pages.push(number);
            continue;
        }
        // A heading is a passage of its own.
        let mut goes_on = false;
        for Printed { text, title } in lines {
            match out.passages.last_mut().filter(|_| goes_on && !title) {
                Some(passage) => {
                    passage.text.push('\n');
                    passage.text.push_str(&text);
                }
                None => out.passages.push(Passage { heading: title, ..Passage::new(Place::Page(number), text) }),
            }
            goes_on = !title;
        }
    }
    if count >= MAX_PAGES {
        out.cut = Some(format!("lu jusqu’à la page {count}"));
    }
    out
}

/// The pages of the converter's XHTML, as far as it goes.
fn pages(out: impl std::io::BufRead) -> Vec<Page> {
    let mut reader = Reader::from_reader(out);
    let mut buffer = Vec::new();
    let mut pages: Vec<Page> = Vec::new();
    let mut word: Option<Word> = None;
    while let Ok(event) = reader.read_event_into(&mut buffer) {
        match event {
            Event::Eof => break,
            Event::Start(start) | Event::Empty(start) => match start.name().as_ref() {
                "page" => pages.push(Page { width: number(&start, "width"), words: Vec::new() }),
                "word" => word = Some(boxed(&start)),
                _ => {}
            },
            Event::End(end) if end.name().as_ref() == "word" => {
                let found = word.take().filter(|w| !w.text.trim().is_empty());
                if let (Some(page), Some(word)) = (pages.last_mut(), found) {
                    page.words.push(word);
                }
            }
            Event::Text(text) => word.iter_mut().for_each(|w| w.text.push_str(&text)),
            Event::GeneralRef(reference) => {
                let character = entity(&reference);
                word.iter_mut().for_each(|w| w.text.push_str(&character));
            }
            _ => {}
        }
        buffer.clear();
    }
    pages
}

fn boxed(start: &BytesStart<'_>) -> Word {
    let at = |name| number(start, name);
    Word { left: at("xMin"), right: at("xMax"), top: at("yMin"), bottom: at("yMax"), text: String::new() }
}

fn number(start: &BytesStart<'_>, name: &str) -> f64 {
    let value = start.try_get_attribute(name).ok().flatten().and_then(|a| a.value.parse::<f64>().ok());
    value.filter(|n| n.is_finite()).unwrap_or_default()
}
