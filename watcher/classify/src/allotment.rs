//! Lots that a plain text announces: a line a lot, a block of a form, or a list within one line.
//!
//! A block of text speaks of its lot until the next one, a form's part about the whole contract, or an article of a rule book.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memchr_iter;
use memchr::memmem::Finder;
use vigie_domain::Lot;

use super::document::{Document, LotBlock, Span};

impl Document {
    /// Blocks of plain text that speak of one lot: `LOT_NO: 3`, or a line `Lot n° 3 : …`.
    pub(super) fn find_lot_blocks(&self) -> Vec<LotBlock> {
        let mut blocks: Vec<LotBlock> = Vec::new();
        for span in self.spans.iter().filter(|s| s.lot.is_none() && s.field != "title") {
            let range = self.folded.original(span.folded.clone());
            let Some(text) = self.original.get(range.clone()) else { continue };
            let within = |at: usize| at.clamp(range.start, range.end) - range.start;
            let of_lots = self.lines_naming_lots(span).into_iter().map(|l| within(l.start)..within(l.end));
            let opened: Vec<(usize, String)> = of_lots.filter_map(|l| Some((l.start, lot_number(&text[l])?))).collect();
            // A list of more lots than lines name.
            let listed = listed_lines(text);
            if listed.len() > opened.len() {
                for (id, line) in listed {
                    let folded =
                        self.folded.position(range.start + line.start)..self.folded.position(range.start + line.end);
                    if !folded.is_empty() {
                        blocks.push(LotBlock { id, range: folded });
                    }
                }
                continue;
            }
            let Some((first, _)) = opened.first() else { continue };
            let mut ends: Vec<usize> = Vec::new();
            let mut mark = 0;
            let mut at = *first;
            let breaks = memchr_iter(b'\n', &text.as_bytes()[*first..]).map(|i| first + i + 1);
            for end in breaks.chain(std::iter::once(text.len())) {
                let line = &text[at..end];
                let opens = opened.get(mark).is_some_and(|(start, _)| *start == at);
                mark += usize::from(opens);
                let of_section = || text[opened[mark - 1].0..].trim_start().starts_with("5.1");
                if !opens && (ends_lots(line) || opens_article(line) && !of_section()) {
                    ends.push(at);
                }
                at = end;
            }
            let marks: Vec<(usize, String)> =
                opened.into_iter().map(|(at, id)| (self.block_start(text, at), id)).collect();
            for (i, (start, id)) in marks.iter().enumerate() {
                let next = marks.get(i + 1).map_or(text.len(), |(s, _)| *s);
                let end = ends.iter().copied().find(|e| e > start).map_or(next, |e| e.min(next));
                let folded =
                    self.folded.position(range.start + start)..self.folded.position(range.start + end.max(*start));
                if !folded.is_empty() {
                    blocks.push(LotBlock { id: id.clone(), range: folded });
                }
            }
        }
        blocks
    }

    /// In forms the title of a lot stands on the line before its number.
    fn block_start(&self, text: &str, mark: usize) -> usize {
        // "LOT_NO: 1 Patrimoine de la Sarthe": its title stands behind it.
        let line = text[mark..].trim_start().lines().next().unwrap_or_default();
        let is_form = line.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("lot_no"))
            && !line.trim_end().ends_with(char::is_alphabetic);
        let window = mark.saturating_sub(400);
        let window = (window..=mark).find(|i| text.is_char_boundary(*i)).unwrap_or(mark);
        if line.starts_with("II.2.") {
            return mark;
        }
        if let Some(heading) = text[window..mark].rfind("II.2.1)") {
            return window + heading;
        }
        if !is_form {
            return mark;
        }
        let head = text[..mark].trim_end_matches(['\n', '\r']);
        let start = head.rfind('\n').map_or(0, |i| i + 1);
        // A sentence or a label with its value is no title.
        let title = !head[start..].trim_end().ends_with('.') && !head[start..].contains(": ");
        if title { start } else { mark }
    }

    /// Lots that blocks of plain text announce, with their titles.
    #[must_use]
    pub fn lots_in_text(&self) -> Vec<Lot> {
        let mut lots: Vec<Lot> = Vec::new();
        for block in &self.blocks {
            if lots.iter().any(|l| l.id == block.id) {
                continue;
            }
            let words = self.original.get(self.folded.original(block.range.clone())).unwrap_or_default();
            lots.push(Lot { id: block.id.clone(), title: lot_title(words), ..Lot::default() });
        }
        // "Lot 1 : Méré ; lot 2 : Galluis." on one line.
        if lots.len() < 2 {
            let named = self.lots_in_a_line();
            if named.len() > lots.len() {
                return named;
            }
        }
        lots
    }

    /// The lines of a passage that hold the word: most do not, and expressions need not look at them.
    fn lines_naming_lots(&self, passage: &Span) -> Vec<Range<usize>> {
        static LOT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("lot"));
        let mut out = Vec::new();
        let mut end = 0;
        let text = &self.folded.text[passage.folded.clone()];
        for found in LOT.find_iter(text.as_bytes()) {
            let at = self.origin(passage.folded.start + found);
            if at < end {
                continue;
            }
            let start = self.original[..at].rfind('\n').map_or(0, |i| i + 1);
            end = self.original[at..].find('\n').map_or(self.original.len(), |i| at + i);
            out.push(start..end);
        }
        out
    }

    /// "lots 1 (terrassement), 2 (ouvrages) et 3 (signalisation)": each number before its title in brackets.
    fn lots_in_brackets(&self) -> Option<Vec<Lot>> {
        pattern!(
            LIST,
            r"(?i)\blots?[ ]+(1[ ]?\([^()\n]{3,60}\)(?:[ ]?,?[ ]?(?:et[ ])?(?:lot[ ])?[0-9]{1,2}[ ]?\([^()\n]{3,60}\))+)"
        );
        pattern!(ONE, r"([0-9]{1,2})[ ]?\(([^()\n]{3,60})\)");
        let spans = self.spans.iter().filter(|s| s.field != "title");
        spans.flat_map(|span| self.lines_naming_lots(span)).find_map(|line| {
            let list = LIST.captures(&self.original[line])?;
            let items =
                ONE.captures_iter(list.get(1)?.as_str()).filter_map(|c| Some((c.get(1)?.as_str(), c.get(2)?.as_str())));
            Some(rising(items)).filter(|lots| lots.len() >= 2)
        })
    }

    /// "Lot 1 Valgaudemar - Lot 2 Champsaur / lot 3 Ubaye": the lots of a line that names at least two, in order, each before its title.
    fn lots_in_a_row(&self) -> Option<Vec<Lot>> {
        pattern!(NAMED, r"(?i)\blot\s*(?:n\s?[°ºo]\.?\s?)?0*([0-9]{1,3}|[A-H]\b)\s*[:–.-]?\s*");
        let spans = self.spans.iter().filter(|s| s.field != "title");
        spans.flat_map(|span| self.lines_naming_lots(span)).filter(|l| l.len() < 2000).find_map(|line| {
            let line = &self.original[line];
            let named: Vec<_> = NAMED.captures_iter(line).filter_map(|c| Some((c.get(0)?, c.get(1)?))).collect();
            let ends = named.iter().skip(1).map(|(whole, _)| whole.start()).chain([line.len()]);
            let lots: Vec<Lot> = named
                .iter()
                .zip(ends)
                .map(|((whole, id), end)| {
                    let title = line[whole.end()..end].split(['.', ';']).next().unwrap_or_default();
                    let title = title.trim_matches(|c: char| !c.is_alphanumeric() && c != ')').trim();
                    Lot { id: Lot::clean_id(id.as_str()), title: title.to_owned(), ..Lot::default() }
                })
                .collect();
            let first = |id: &str| matches!(id, "1" | "a" | "A");
            let in_order = lots.windows(2).all(|w| match (w[0].id.parse::<u32>(), w[1].id.parse::<u32>()) {
                (Ok(a), Ok(b)) => b == a + 1,
                _ => w[0].id < w[1].id,
            });
            let titled =
                |l: &Lot| l.title.starts_with(char::is_alphabetic) && (3..=80).contains(&l.title.chars().count());
            (lots.len() >= 2 && lots.first().is_some_and(|l| first(&l.id)) && in_order && lots.iter().all(titled))
                .then_some(lots)
        })
    }

    /// Lots that one sentence or line lists with their titles, at least two, in rising order.
    fn lots_in_a_line(&self) -> Vec<Lot> {
        pattern!(
            LISTED,
            r"(?i)(?:^|[.;,:(]\s+|\s[–-]\s+|\bet\s+(?:le\s+|du\s+)?)\(?lots?\s*(?:n\s?[°ºo]\.?\s?)?0*([0-9]{1,3}|[A-H]\b)\s*(?:\s*[:–]\s*|\s-\s*|\.\s?[-–]\s*|\s*\()(\p{L}[^;.|)\n]{2,120})"
        );
        let mut lots: Vec<Lot> = Vec::new();
        for span in self.spans.iter().filter(|s| s.field != "title") {
            for c in self
                .lines_naming_lots(span)
                .into_iter()
                .filter(|l| l.len() < 2000)
                .map(|l| &self.original[l])
                .flat_map(|l| LISTED.captures_iter(l))
                .take(MAX_LISTED)
            {
                let (Some(id), Some(title)) = (c.get(1), c.get(2)) else { continue };
                let order =
                    |id: &str| id.parse::<u32>().ok().or_else(|| id.bytes().next().map(|b| u32::from(b) + 1000));
                let rises = lots.last().and_then(|l| order(&l.id)) < order(&id.as_str().to_uppercase());
                if rises {
                    let title = title.as_str().split(", lot").next().unwrap_or_default().trim().to_owned();
                    lots.push(Lot { id: Lot::clean_id(id.as_str()), title, ..Lot::default() });
                }
            }
        }
        if lots.len() >= 2 {
            return lots;
        }
        if let Some(lots) = self.lots_in_a_row().or_else(|| self.lots_in_brackets()) {
            return lots;
        }
        // "Six lots : 1 démolition ; 2 façades ; …", "lot 1 amont, lot 2 médian, lot 3 aval".
        pattern!(NUMBERED, r"(?i)\blots(?:\s\p{Ll}+)?\s?:\s?(1[ .)-]+[^\n]{4}[^\n]*)");
        // "1 plâtrerie, 2 peinture, 3 sols souples": the sign before the second number parts them all.
        let parted = |list: &str| {
            let at = list.find(" 2").unwrap_or(list.len());
            let sign = list[..at].trim_end().chars().next_back().filter(|c| !c.is_alphanumeric()).unwrap_or(';');
            list.split(sign)
                .map(str::trim)
                .filter_map(|item| item.split_once([' ', '.', ')']))
                .map(|(id, t)| (id.to_owned(), t.trim_matches([' ', '.', '-', ')', '–']).to_owned()))
                .collect::<Vec<_>>()
        };
        pattern!(BARE, r"(?i)\blot\s+([0-9]{1,3})\s+(\p{Ll}[^,;.\n]{1,60})");
        for span in self.spans.iter().filter(|s| s.field != "title") {
            let lines: Vec<&str> = self.lines_naming_lots(span).into_iter().map(|l| &self.original[l]).collect();
            let captured = lines.iter().filter(|l| l.contains(':')).find_map(|l| NUMBERED.captures(l));
            let numbered = captured.and_then(|c| c.get(1)).map(|m| {
                let list = &m.as_str()[..m.as_str().floor_char_boundary(MAX_LIST)];
                let items = parted(list);
                rising(items.iter().map(|(id, title)| (id.as_str(), title.as_str())))
            });
            let bare = || {
                let best = lines.iter().map(|l| {
                    rising(BARE.captures_iter(l).filter_map(|c| Some((c.get(1)?.as_str(), c.get(2)?.as_str()))))
                });
                best.max_by_key(Vec::len).filter(|lots| lots.len() >= 3)
            };
            if let Some(lots) = numbered.filter(|l| l.len() >= 2).or_else(bare) {
                return lots;
            }
        }
        Vec::new()
    }
}

/// Longest list of lots within a line, in bytes.
const MAX_LIST: usize = 1_500;

/// Lots out of numbers and titles, as long as the numbers count up from 1.
fn rising<'a>(items: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Lot> {
    let counted = items.enumerate().take_while(|(i, (id, _))| id.parse() == Ok(i + 1));
    counted
        .map(|(_, (id, title))| Lot { id: id.to_owned(), title: title.trim().to_owned(), ..Lot::default() })
        .collect()
}

/// Most lots read from lists within lines.
const MAX_LISTED: usize = 300;

/// The number of the lot that a line opens: `LOT_NO: 3`, `- Lot n° 3 : …`, `Lot 3 Nettoyage`. Only lines that start with
/// the word are looked at closely.
fn lot_number(line: &str) -> Option<String> {
    pattern!(
        LINE_MARK,
        r"(?i)^(?:lot_no ?:|lot-|lots?[ \t]*(?:n[°ºo]s?\.?|numéro|numero|:)?)[ \t]*:?[ \t]*(?:LOT-)?0*([0-9]{1,3}(?:[a-z]\b)?)(?:[ \t]*(?:$|[:.\-–)(]|lots?\b)|[ \t]+(?-i:\p{Lu}))|^lot[ \t]+(?-i:([A-H]))[ \t]*[:\-–]"
    );
    // "5.1 Lot : LOT-0003": the number of a section before it.
    let start =
        line.trim_start_matches([' ', '\t', '-', '–', '•', '*', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.']);
    // "II.2.1) Lot n° 3".
    let start = start
        .strip_prefix("II.2.")
        .map_or(start, |s| s.trim_start_matches(|c: char| c.is_ascii_digit() || c == ')' || c == ' '));
    if !start.get(..3).is_some_and(|w| w.eq_ignore_ascii_case("lot")) {
        return None;
    }
    LINE_MARK.captures(start.trim_end()).and_then(|c| c.get(1).or(c.get(2))).map(|id| Lot::clean_id(id.as_str()))
}

/// The lines of a list of lots below a line that announces it, with their numbers or letters: "6 corps d'état :", "1. Démolition", "2. Menuiseries".
fn listed_lines(text: &str) -> Vec<(String, Range<usize>)> {
    pattern!(
        ANNOUNCES,
        r"(?i)\b(?:lots|corps d['’][ée]tat|allotissement|d[ée]composition|d[ée]coupage)\b[^\n]{0,90}$|^[ \t]*\|[ \t]*(?:n°[ \t]*(?:de[ \t]*)?)?lot[ \t]*\|"
    );
    pattern!(OF_OTHERS, r"(?i)crit[èe]res?|pond[ée]r|not[ée]e?s?\b|pi[èe]ces?\b|documents?|visites?");
    pattern!(
        ITEM,
        r"^[ \t>]*[-–•*□☐☒|]?[ \t]*(?:(?:n°[ \t]*|L)?0?(?P<n>[1-9][0-9]?)|(?P<l>[A-H]))(?:[ \t]*[.)–:|-]+[ \t]*|[ \t]+)(?P<t>\p{L}[^\n]{2,})"
    );
    pattern!(MERIT, r"(?i)^(?:prix|valeur|d[ée]lais?|qualit[ée]|m[ée]thodo|m[ée]moire)\b");
    let mut listed: Vec<(String, Range<usize>)> = Vec::new();
    let mut announced = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let item = if announced { ITEM.captures(line) } else { None };
        let item = item.filter(|c| !c.name("t").is_some_and(|t| MERIT.is_match(t.as_str())));
        let id = item.and_then(|c| c.name("n").or(c.name("l")).map(|m| m.as_str().to_owned()));
        let due = |id: &str| match id.parse::<usize>() {
            Ok(n) => n == listed.len() + 1,
            Err(_) => id.bytes().next() == u8::try_from(listed.len()).ok().map(|n| b'A' + n),
        };
        match id.filter(|id| due(id)) {
            Some(id) => listed.push((id, range)),
            // A blank line, or the rule below the head of a table.
            None if line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '|' | '-' | ':')).is_empty() => {}
            None if listed.len() >= 2 => break,
            None => {
                listed.clear();
                announced = ANNOUNCES.is_match(line.trim_end()) && !OF_OTHERS.is_match(line);
            }
        }
    }
    if listed.len() < 2 {
        listed.clear();
    }
    listed
}

/// Whether a line begins an article of a rule book: "3.5 …", "Article 4 – …", "Art. 4".
fn opens_article(line: &str) -> bool {
    let start = line.trim_start();
    let number = start.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let dotted = start[..number].trim_end_matches('.').contains('.') && start[number..].starts_with(' ') && number >= 3;
    dotted
        || ["Article ", "ARTICLE ", "Art. "]
            .iter()
            .any(|w| start.strip_prefix(w).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())))
}

/// Whether a line begins the part of a form that speaks of the whole contract again.
fn ends_lots(line: &str) -> bool {
    let start = line.trim_start();
    let headings: &[&str] = match start.bytes().next() {
        Some(b'I') => &["III.", "III)", "IV.", "IV)", "Informations pratiques"],
        Some(b'V') => &["VI.", "VI)"],
        Some(b'S') => &[
            "Section III",
            "Section IV",
            "Section VI",
            "Section 6",
            "Section 8",
            "Section 9",
            "Section 10",
            "Situation propre",
        ],
        Some(b'C') => &["Conditions de participation", "Critères d'attribution :", "Critères d’attribution :"],
        Some(b'U') => &["Une lettre de candidature"],
        Some(b'D') => &["DATE_RECEIPT"],
        Some(b'L') => &["Le marché est réservé"],
        Some(b'<') => &["<<"],
        _ => &[],
    };
    headings.iter().any(|h| start.starts_with(h))
}

/// The title of a lot out of its block: what follows the number on its line, or the line before a `LOT_NO:`.
fn lot_title(block: &str) -> String {
    pattern!(
        HEAD,
        r"(?i)^[ \t\-–•*]*(?:(?:5\.1[ \t]+)?lot(?:_no|-)|(?:5\.1[ \t]+)?lots?[ \t]*(?:n[°ºo]s?\.?|numéro|numero)?)[ \t]*:?[ \t]*(?:(?:LOT-)?[0-9]{1,4}[a-z]?|(?-i:[A-H])[ \t]*[:\-–])[ \t]*[:.\-–)]*[ \t]*"
    );
    pattern!(FORM, r"(?i)^(?:II\.2\.1\)\s*)?(?:(?:Intitulé|Titre|Title|Description)\s*:\s*)?");
    pattern!(
        NUMBER,
        r"^[ \t>–•*□☐☒|-]*(?:(?:n°[ \t]*|L)?0*[0-9]{1,3}|[A-H])(?:[ \t]*[.)–:|-]+[ \t]*|[ \t]+)(?P<t>\p{L}[^|]*)"
    );
    pattern!(BRACKET, r"[ \t]*\([^()]*\)[ \t]*$");
    let title = block.lines().map(str::trim).find_map(|line| {
        let line = FORM.replace(line, "");
        // An item of a list: its number, and what brackets add.
        let listed =
            NUMBER.captures(&line).and_then(|c| c.name("t")).map(|t| BRACKET.replace(t.as_str(), "").into_owned());
        let title = listed.unwrap_or_else(|| HEAD.replace(&line, "").trim().to_owned());
        (!title.is_empty() && !title.starts_with("II.") && !title.to_lowercase().starts_with("lot_no")).then_some(title)
    });
    title.unwrap_or_default().chars().take(200).collect()
}
