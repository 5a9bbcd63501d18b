//! DOCX and ODT: paragraphs in order, tables row by row, notes behind the paragraph that calls them.
//!
//! Both keep their text as XML; one walk serves them, told by a small table of what each element means. What was deleted under
//! revision is not text. Headers, footers and drawings are left out.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use zip::ZipArchive;

use crate::limits::{MAX_TEXT, MAX_UNPACKED};
use crate::piece::{Passage, Place, Text, Unread};

pub(super) fn docx(path: &Path) -> Result<Text, Unread> {
    let mut archive = open(path)?;
    let notes = part(&mut archive, "word/footnotes.xml").map(|xml| Walk::notes(&xml)).unwrap_or_default();
    let body = part(&mut archive, "word/document.xml")?;
    Ok(Walk::over(&body, notes))
}

pub(super) fn odt(path: &Path) -> Result<Text, Unread> {
    let mut archive = open(path)?;
    if part(&mut archive, "META-INF/manifest.xml").is_ok_and(|m| m.contains("encryption-data")) {
        return Err(Unread::Encrypted);
    }
    let body = part(&mut archive, "content.xml")?;
    Ok(Walk::over(&body, HashMap::new()))
}

fn open(path: &Path) -> Result<ZipArchive<File>, Unread> {
    let file = File::open(path).map_err(|e| Unread::Broken(e.to_string()))?;
    ZipArchive::new(file).map_err(|_| Unread::Broken("le document est incomplet".to_owned()))
}

fn part(archive: &mut ZipArchive<File>, name: &str) -> Result<String, Unread> {
    let entry = archive.by_name(name).map_err(|_| Unread::Broken("le document est incomplet".to_owned()))?;
    let most = MAX_UNPACKED / 4;
    let mut bytes = Vec::new();
    entry.take(most + 1).read_to_end(&mut bytes).map_err(|_| Unread::Broken("le document est abîmé".to_owned()))?;
    if bytes.len() as u64 > most {
        return Err(Unread::TooLarge("il grossit démesurément une fois ouvert".to_owned()));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What an element means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Paragraph,
    Heading,
    Table,
    Row,
    Cell,
    List,
    Note,
    /// What is inside is not text of the document.
    Skipped,
    Other,
}

fn element(name: &str) -> Element {
    match name {
        "w:p" | "text:p" => Element::Paragraph,
        "text:h" => Element::Heading,
        "w:tbl" | "table:table" => Element::Table,
        "w:tr" | "table:table-row" => Element::Row,
        "w:tc" | "table:table-cell" => Element::Cell,
        "text:list" => Element::List,
        "w:footnote" | "text:note" => Element::Note,
        "w:delText"
        | "w:instrText"
        | "mc:Fallback"
        | "w:sectPr"
        | "text:tracked-changes"
        | "office:annotation"
        | "text:note-citation"
        | "text:sequence-decls"
        | "office:forms"
        | "text:table-of-content" => Element::Skipped,
        _ => Element::Other,
    }
}

/// A walk over the XML of a document.
#[derive(Default)]
struct Walk {
    out: Vec<Passage>,
    /// Paragraphs so far.
    number: u32,
    /// Text of the paragraph, or of the cell, at hand.
    text: String,
    /// Cells of the row at hand; a table inside a cell is part of its text.
    row: Vec<String>,
    /// How many tables are open around it.
    tables: u32,
    is_heading: bool,
    /// The paragraph at hand is an item of a list: its bullet is no text, and says that it is one of several.
    is_item: bool,
    /// Lists of ODT that are open.
    lists: u32,
    /// Notes called by the paragraph at hand.
    called: Vec<String>,
    /// Text of the paragraph that an ODT note interrupts.
    interrupted: Option<String>,
    size: usize,
    cut: bool,
}

impl Walk {
    fn over(xml: &str, notes: HashMap<String, String>) -> Text {
        let mut walk = Self::default();
        walk.run(xml, &notes, &mut HashMap::new());
        let cut = walk.cut.then(|| "la suite dépasse ce qui est lu d’une pièce".to_owned());
        Text { passages: walk.out, cut, ..Text::default() }
    }

    /// The notes of a DOCX, by their numbers.
    fn notes(xml: &str) -> HashMap<String, String> {
        let mut notes = HashMap::new();
        Self::default().run(xml, &HashMap::new(), &mut notes);
        notes
    }

    fn run(&mut self, xml: &str, notes: &HashMap<String, String>, found: &mut HashMap<String, String>) {
        let mut reader = Reader::from_str(xml);
        let mut skipping = 0u32;
        let mut note = String::new();
        // A document cut short gives what stands before the cut.
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Eof => break,
                Event::Start(start) if skipping > 0 || element(start.name().as_ref()) == Element::Skipped => {
                    skipping += 1
                }
                Event::End(_) if skipping > 0 => skipping -= 1,
                _ if skipping > 0 => {}
                Event::Start(start) => {
                    self.mark(&start, notes);
                    match element(start.name().as_ref()) {
                        Element::Heading => self.is_heading = true,
                        Element::Table => self.tables += 1,
                        Element::List => self.lists += 1,
                        Element::Note => {
                            note = attribute(&start, "w:id").unwrap_or_default();
                            self.interrupted = Some(std::mem::take(&mut self.text));
                        }
                        _ => {}
                    }
                }
                Event::Empty(start) => self.mark(&start, notes),
                Event::End(end) => match element(end.name().as_ref()) {
                    Element::Note => {
                        let words = std::mem::take(&mut self.text).trim().to_owned();
                        self.text = self.interrupted.take().unwrap_or_default();
                        if note.is_empty() {
                            self.called.push(words);
                        } else {
                            found.insert(std::mem::take(&mut note), words);
                        }
                    }
                    Element::Paragraph | Element::Heading if self.interrupted.is_some() => self.text.push(' '),
                    Element::Paragraph | Element::Heading if self.tables > 0 => self.text.push(' '),
                    Element::Paragraph | Element::Heading => self.end_paragraph(),
                    Element::Cell if self.tables == 1 => self.row.push(one_line(&std::mem::take(&mut self.text))),
                    Element::Row if self.tables == 1 => self.end_row(),
                    Element::Table => self.tables = self.tables.saturating_sub(1),
                    Element::List => self.lists = self.lists.saturating_sub(1),
                    _ => {}
                },
                Event::Text(text) => self.say(&text),
                Event::CData(text) => self.say(&text),
                Event::GeneralRef(reference) => self.say(entity(&reference).as_str()),
                _ => {}
            }
            if self.size > MAX_TEXT {
                self.cut = true;
                break;
            }
        }
    }

    /// What an element says by being there.
    fn mark(&mut self, start: &BytesStart<'_>, notes: &HashMap<String, String>) {
        match start.name().as_ref() {
            "w:ta" | "text:ta" | "text:s" | "w:br" | "text:line-break" => self.text.push(' '),
            "w:numPr" => self.is_item = true,
            "w:noBreakHyphen" => self.text.push('-'),
            "w:pStyle" => {
                let style = attribute(start, "w:val").unwrap_or_default().to_lowercase();
                self.is_heading |= (style.starts_with("heading") || style.starts_with("titre")) && self.tables == 0;
            }
            "w:footnoteReference" => {
                let note = attribute(start, "w:id").and_then(|id| notes.get(&id).cloned());
                self.called.extend(note.filter(|n| !n.is_empty()));
            }
            _ => {}
        }
    }

    fn say(&mut self, words: &str) {
        // Line breaks of the XML itself are white space.
        let flat = words.replace(['\n', '\r', '\t'], " ");
        self.size += flat.len();
        self.text.push_str(&flat);
    }

    fn end_paragraph(&mut self) {
        self.number += 1;
        let text = one_line(&std::mem::take(&mut self.text));
        let heading = std::mem::take(&mut self.is_heading);
        let item = std::mem::take(&mut self.is_item) || self.lists > 0;
        if !text.is_empty() {
            self.push(if item && !heading { format!("• {text}") } else { text });
            if let Some(last) = self.out.last_mut() {
                last.heading = heading;
            }
        }
        self.push_notes();
    }

    fn end_row(&mut self) {
        self.number += 1;
        let row = std::mem::take(&mut self.row).join(" | ");
        if !row.trim_matches([' ', '|']).is_empty() {
            self.push(row);
        }
        self.push_notes();
    }

    fn push_notes(&mut self) {
        for note in std::mem::take(&mut self.called) {
            self.push(format!("Note : {note}"));
        }
    }

    fn push(&mut self, text: String) {
        self.out.push(Passage { place: Place::Paragraph(self.number.max(1)), text, heading: false });
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    Some(start.try_get_attribute(name).ok().flatten()?.value.to_string())
}

/// One of the five entities of XML, or a character by its number; others say nothing.
pub(super) fn entity(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    quick_xml::escape::resolve_predefined_entity(reference.as_ref()).unwrap_or_default().to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
