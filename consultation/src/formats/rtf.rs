//! RTF: its words, paragraph by paragraph.
//!
//! Kept readers of RTF give styled runs and lose tables, or take only ASCII; words alone need the groups, the destinations to pass
//! over, and the three ways to write a letter (a byte of Windows' encoding, a code unit, itself).

use encoding_rs::WINDOWS_1252;

use crate::limits::MAX_TEXT;
use crate::piece::{Passage, Place, Text, Unread};

/// Groups that hold no text of the document.
const DESTINATIONS: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "header",
    "footer",
    "headerl",
    "headerr",
    "headerf",
    "footerl",
    "footerr",
    "footerf",
    "object",
    "themedata",
    "datastore",
    "listtable",
    "listoverridetable",
    "generator",
    "xmlnstbl",
    "fldinst",
    "bkmkstart",
    "bkmkend",
    "rsidtbl",
    "latentstyles",
    "filetbl",
    "revtbl",
];

/// Deepest nesting of groups; word processors stay under 30.
const MAX_DEPTH: usize = 500;

pub(super) fn read(bytes: &[u8]) -> Result<Text, Unread> {
    let mut reader = Rtf { bytes, at: 0, groups: vec![Group { muted: false, skip: 1 }], out: Paragraphs::default() };
    reader.run()?;
    reader.out.end();
    Ok(Text { passages: reader.out.passages, ..Text::default() })
}

#[derive(Clone, Copy)]
struct Group {
    muted: bool,
    /// Characters that stand in for a code unit, to be passed over.
    skip: usize,
}

#[derive(Default)]
struct Paragraphs {
    passages: Vec<Passage>,
    number: u32,
    text: String,
    size: usize,
}

impl Paragraphs {
    fn end(&mut self) {
        self.number += 1;
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.text.clear();
        let text = text.trim_matches([' ', '|']);
        if !text.is_empty() {
            self.passages.push(Passage::new(Place::Paragraph(self.number), text.to_owned()));
        }
    }

    fn push(&mut self, c: char) {
        self.size += c.len_utf8();
        self.text.push(c);
    }
}

struct Rtf<'a> {
    bytes: &'a [u8],
    at: usize,
    groups: Vec<Group>,
    out: Paragraphs,
}

impl Rtf<'_> {
    fn run(&mut self) -> Result<(), Unread> {
        let mut high = None;
        while let Some(&b) = self.bytes.get(self.at) {
            if self.out.size > MAX_TEXT {
                break;
            }
            self.at += 1;
            match b {
                b'{' if self.groups.len() > MAX_DEPTH => return Err(Unread::Broken("groupes sans fin".to_owned())),
                b'{' => self.groups.push(self.group()),
                b'}' => {
                    if self.groups.len() > 1 {
                        self.groups.pop();
                    }
                }
                b'\\' => self.control(&mut high),
                b'\r' | b'\n' => {}
                _ => self.say(&[b]),
            }
        }
        Ok(())
    }

    fn group(&self) -> Group {
        self.groups.last().copied().unwrap_or(Group { muted: false, skip: 1 })
    }

    fn say(&mut self, bytes: &[u8]) {
        if !self.group().muted {
            WINDOWS_1252.decode_without_bom_handling(bytes).0.chars().for_each(|c| self.out.push(c));
        }
    }

    fn mute(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            group.muted = true;
        }
    }

    fn control(&mut self, high: &mut Option<u16>) {
        let Some(&first) = self.bytes.get(self.at) else { return };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            match first {
                b'\'' => {
                    let digits = self.bytes.get(self.at..self.at + 2).and_then(|d| std::str::from_utf8(d).ok());
                    let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                    self.at = (self.at + 2).min(self.bytes.len());
                    self.say(&byte.map_or_else(Vec::new, |b| vec![b]));
                }
                b'~' => self.say(b" "),
                b'_' => self.say(b"-"),
                b'*' => self.mute(),
                b'\\' | b'{' | b'}' => self.say(&[first]),
                _ => {}
            }
            return;
        }
        let word = self.take(|b| b.is_ascii_alphabetic());
        let sign = self.bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(sign);
        let digits = self.take(|b| b.is_ascii_digit());
        let number = digits.parse::<i64>().ok().map(|n| if sign { -n } else { n });
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match (word.as_str(), number) {
            ("u", Some(n)) => self.unit(n.rem_euclid(65_536) as u16, high),
            ("uc", Some(n)) => {
                if let Some(group) = self.groups.last_mut() {
                    group.skip = n.clamp(0, 16) as usize;
                }
            }
            // A data block: as many bytes as it says.
            ("bin", Some(n)) => self.at = (self.at + n.clamp(0, i64::from(u32::MAX)) as usize).min(self.bytes.len()),
            ("par" | "sect" | "page" | "row" | "nestrow", _) if !self.group().muted => self.out.end(),
            ("cell" | "nestcell", _) if !self.group().muted => self.out.text.push_str(" | "),
            ("tab" | "line" | "emspace" | "enspace", _) => self.say(b" "),
            ("rquote" | "lquote", _) => self.say(b"\x92"),
            ("ldblquote" | "rdblquote", _) => self.say(b"\""),
            ("endash" | "emdash", _) => self.say(b"\x96"),
            ("bullet", _) => self.say(b"\x95"),
            (word, _) if DESTINATIONS.contains(&word) => self.mute(),
            _ => {}
        }
    }

    /// A code unit, and what stands in for it passed over.
    fn unit(&mut self, unit: u16, high: &mut Option<u16>) {
        let decoded = match (*high, unit) {
            (_, 0xd800..0xdc00) => {
                *high = Some(unit);
                None
            }
            (Some(first), _) => {
                *high = None;
                char::decode_utf16([first, unit]).next().and_then(Result::ok)
            }
            (None, _) => char::from_u32(u32::from(unit)),
        };
        let group = self.group();
        if let Some(c) = decoded.filter(|_| !group.muted) {
            self.out.push(c);
        }
        for _ in 0..group.skip {
            match self.bytes.get(self.at) {
                Some(b'\\') if self.bytes.get(self.at + 1) == Some(&b'\'') => {
                    self.at = (self.at + 4).min(self.bytes.len())
                }
                Some(b'\\' | b'{' | b'}') | None => break,
                Some(_) => self.at += 1,
            }
        }
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(40).take_while(|b| wanted(**b)).count();
        self.at += length;
        rest[..length].iter().map(|b| char::from(*b)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn words(rtf: &str) -> Vec<String> {
        read(rtf.as_bytes()).unwrap().passages.into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn letters_are_read_however_they_are_written() {
        let rtf = r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 P\'e9nalit\u233 ?s \{1\}\par 500\~heures\par}";
        assert_eq!(words(rtf), ["Pénalités {1}", "500 heures"]);
    }

    #[test]
    fn rows_keep_their_cells() {
        assert_eq!(
            words(r"{\rtf1 Prix\cell 60 %\cell\row Technique\cell 40 %\cell\row}"),
            ["Prix | 60 %", "Technique | 40 %"]
        );
    }

    #[test]
    fn what_breaks_off_gives_what_stands_before() {
        assert_eq!(words(r"{\rtf1 Un\par Deux\'"), ["Un", "Deux"]);
        assert_eq!(words(r"{\rtf1\bin99999999 x"), Vec::<String>::new());
    }
}
