//! From the boxes of a page's words to its text in reading order.
//!
//! Words at one height make a row; wide gaps part it into segments. A page whose segments are two columns of prose is read column by
//! column; elsewhere, segments side by side are cells of a table, and what a cell wraps joins it. Lines that wrapped are put together,
//! since a sentence is read whole. What a document repeats at the head and foot of its pages is left out: it would cut the sentences
//! that go on overleaf. Linear in the words, but for sorting them.

use std::collections::HashMap;
use std::ops::Range;

use vigie_classify::pattern;

use crate::written::is_open_ended;

/// A word and its box, in points from the page's upper left corner.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) text: String,
}

impl Word {
    fn middle(&self) -> f64 {
        f64::midpoint(self.top, self.bottom)
    }

    fn height(&self) -> f64 {
        (self.bottom - self.top).max(1.0)
    }
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) width: f64,
    pub(super) words: Vec<Word>,
}

/// Words of one row with no wide gap between them.
#[derive(Debug, Clone)]
struct Segment {
    left: f64,
    right: f64,
    first_word: f64,
    text: String,
    /// Left and right edge of each word, and where it starts in the text.
    words: Vec<(f64, f64, usize)>,
}

impl Segment {
    /// The segment of one word.
    fn of(word: &Word) -> Self {
        Self {
            left: word.left,
            right: word.right,
            first_word: word.right - word.left,
            text: word.text.clone(),
            words: vec![(word.left, word.right, 0)],
        }
    }

    /// Appends what stands behind a space.
    fn append(&mut self, next: &Self) {
        self.text.push(' ');
        let at = self.text.len();
        self.text.push_str(&next.text);
        self.words.extend(next.words.iter().map(|w| (w.0, w.1, at + w.2)));
        self.right = self.right.max(next.right);
    }

    /// Its two parts where a space as wide as `least` lies over `x`.
    fn split(&self, x: f64, least: f64) -> Option<(Self, Self)> {
        let at = self.words.windows(2).position(|w| w[0].1 <= x && w[1].0 >= x && w[1].0 - w[0].1 >= least)?;
        let (before, after) = self.words.split_at(at + 1);
        let cut = after[0].2;
        let part = |words: &[(f64, f64, usize)], text: &str, from: usize| Self {
            left: words[0].0,
            right: words.iter().map(|w| w.1).fold(0.0, f64::max),
            first_word: words[0].1 - words[0].0,
            text: text.trim().to_owned(),
            words: words.iter().map(|w| (w.0, w.1, w.2 - from)).collect(),
        };
        Some((part(before, &self.text[..cut], 0), part(after, &self.text[cut..], cut)))
    }
}

/// A line as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Printed {
    pub(super) text: String,
    /// Set larger than the text of the document, and short: a heading.
    pub(super) title: bool,
}

/// Words at one height.
#[derive(Debug, Clone)]
struct Row {
    middle: f64,
    height: f64,
    /// Set larger than the text of the document.
    large: bool,
    segments: Vec<Segment>,
}

impl Row {
    fn words(&self) -> String {
        self.segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The lines of each page.
pub(super) fn lines(pages: &[Page]) -> Vec<Vec<Printed>> {
    let large = large(pages);
    let mut rows: Vec<Vec<Row>> = pages.iter().map(|page| rows(page, large)).collect();
    drop_running_lines(&mut rows);
    rows.iter_mut().for_each(|page| align(page));
    rows.into_iter().zip(pages).map(|(rows, page)| text(rows, page.width)).collect()
}

/// From which height on words are set larger than the text: a little over the height of most letters; beyond all heights where so many
/// are large that it is no matter of headings.
fn large(pages: &[Page]) -> f64 {
    /// How much larger.
    const LARGER: f64 = 1.12;
    let mut letters: HashMap<u64, usize> = HashMap::new();
    for word in pages.iter().flat_map(|p| &p.words) {
        *letters.entry((word.height() * 4.0) as u64).or_default() += word.text.len();
    }
    let Some((usual, _)) = letters.iter().max_by_key(|(height, n)| (**n, **height)) else { return f64::MAX };
    let least = *usual as f64 / 4.0 * LARGER;
    let all: usize = letters.values().sum();
    let beyond: usize = letters.iter().filter(|(h, _)| **h as f64 / 4.0 > least).map(|(_, n)| n).sum();
    if beyond * 5 > all { f64::MAX } else { least }
}

fn rows(page: &Page, large: f64) -> Vec<Row> {
    let mut words: Vec<&Word> = page.words.iter().collect();
    words.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    let mut lines: Vec<Vec<&Word>> = Vec::new();
    for word in words {
        match lines.last_mut() {
            // Compared with the line's first word, so that slanted text does not pull a line down the page.
            Some(line) if (word.middle() - line[0].middle()).abs() < line[0].height().min(word.height()) * 0.5 => {
                line.push(word);
            }
            _ => lines.push(vec![word]),
        }
    }
    lines.into_iter().map(|words| row(words, large)).collect()
}

fn row(mut words: Vec<&Word>, large: f64) -> Row {
    words.sort_by(|a, b| a.left.total_cmp(&b.left));
    let height = words.iter().map(|w| w.height()).fold(1.0, f64::max);
    let mut gaps: Vec<f64> = words.windows(2).map(|w| (w[1].left - w[0].right).max(0.0)).collect();
    gaps.sort_by(f64::total_cmp);
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or_default();
    // Justified lines have wide spaces everywhere: only what is wide beside them parts cells.
    let wide = (height * 0.95).max(if gaps.len() >= 4 { usual * 2.2 } else { 0.0 });
    let mut segments: Vec<Segment> = Vec::new();
    for word in &words {
        match segments.last_mut() {
            Some(last) if word.left - last.right < wide => {
                // A word drawn in two pieces (small capitals, ligatures) has no space inside.
                if word.left - last.right > height * 0.08 {
                    last.append(&Segment::of(word));
                } else {
                    last.text.push_str(&word.text);
                    last.right = last.right.max(word.right);
                    if let Some(piece) = last.words.last_mut() {
                        piece.1 = piece.1.max(word.right);
                    }
                }
            }
            _ => segments.push(Segment::of(word)),
        }
    }
    // A bullet, or the number of a heading, stands far from its words.
    let mut merged: Vec<Segment> = Vec::new();
    for segment in segments {
        match merged.last_mut() {
            Some(last) if is_marker(&last.text) && segment.left - last.right < height * 5.0 => {
                last.append(&segment);
            }
            _ => merged.push(segment),
        }
    }
    let middle = words.first().map_or(0.0, |w| w.middle());
    let large = words.iter().all(|w| w.height() > large);
    Row { middle, height, large, segments: merged }
}

/// Whether these words only open a line: "•", "–", "5.2", "a)".
fn is_marker(text: &str) -> bool {
    let text = text.trim();
    let number = || {
        let bare = text.trim_end_matches(['.', ')', '-', '–', ':', ' ']);
        let parts = bare.split('.').all(|p| !p.is_empty() && p.len() <= 2 && p.bytes().all(|b| b.is_ascii_digit()));
        let letter = bare.len() == 1 && text.len() == 2;
        (parts && (bare.contains('.') || text.len() > bare.len())) || letter
    };
    text.chars().count() <= 2 && text.chars().all(|c| !c.is_alphanumeric()) || text == "o" || number()
}

/// Takes out what stands on most pages, but for its numbers, within the first and last rows.
fn drop_running_lines(pages: &mut [Vec<Row>]) {
    /// Rows looked at, at each end; of two pages, only the very first and the very last.
    const EDGE: usize = 3;
    let edge = if pages.len() < 3 { 1 } else { EDGE };
    if pages.len() < 2 {
        return;
    }
    let key = |row: &Row| row.words().chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let is_edge = |i: usize, n: usize| i < edge || i + edge >= n;
    let mut seen: HashMap<String, usize> = HashMap::new();
    for rows in pages.iter() {
        let edge = rows.iter().enumerate().filter(|(i, _)| is_edge(*i, rows.len())).map(|(_, r)| key(r));
        let mut once: Vec<String> = edge.collect();
        once.sort();
        once.dedup();
        for line in once {
            *seen.entry(line).or_default() += 1;
        }
    }
    let many = (pages.len() / 2).max(pages.len().min(3));
    for rows in pages.iter_mut() {
        let n = rows.len();
        let mut i = 0;
        rows.retain(|row| {
            i += 1;
            !(is_edge(i - 1, n) && seen.get(&key(row)).is_some_and(|times| *times >= many))
        });
    }
}

/// Parts cells that nearly touch: where rows around have a cell begin, a word that begins there behind more than a space begins one too.
fn align(rows: &mut [Row]) {
    /// Rows looked at, each way.
    const AROUND: usize = 5;
    /// Of which so many must have the cell.
    const AGREE: usize = 2;
    let edges: Vec<Vec<f64>> = rows.iter().map(|r| r.segments.iter().skip(1).map(|s| s.left).collect()).collect();
    for i in 0..rows.len() {
        let near = edges[i.saturating_sub(AROUND)..(i + AROUND + 1).min(rows.len())].iter();
        let near: Vec<&Vec<f64>> = near.filter(|e| !e.is_empty()).collect();
        if near.len() < AGREE {
            continue;
        }
        let height = rows[i].height;
        let is_edge = |x: f64| near.iter().filter(|e| e.iter().any(|l| (l - x).abs() < 1.0)).count() >= AGREE;
        let mut out = Vec::with_capacity(rows[i].segments.len());
        for mut segment in std::mem::take(&mut rows[i].segments) {
            let cut = |s: &Segment| {
                let gap = s.words.windows(2).find(|w| w[1].0 - w[0].1 > height * 0.36 && is_edge(w[1].0))?;
                s.split(f64::midpoint(gap[0].1, gap[1].0), 0.0)
            };
            while let Some((before, after)) = cut(&segment) {
                if is_marker(&before.text) {
                    break;
                }
                out.push(before);
                segment = after;
            }
            out.push(segment);
        }
        rows[i].segments = out;
    }
}

fn text(rows: Vec<Row>, width: f64) -> Vec<Printed> {
    let mut out = Vec::new();
    match gutter(&rows, width) {
        None => blocks(&rows, &mut out),
        Some(gutter) => {
            let mut columns = (Vec::new(), Vec::new());
            for mut row in rows {
                // What stands in both columns at one height, and nearly touches.
                let cut = |s: Segment| match s.split(gutter, row.height * 0.6) {
                    Some((left, right)) => vec![left, right],
                    None => vec![s],
                };
                row.segments = std::mem::take(&mut row.segments).into_iter().flat_map(cut).collect();
                let spans = row.segments.iter().any(|s| s.left < gutter && s.right > gutter);
                if spans {
                    blocks(&std::mem::take(&mut columns.0), &mut out);
                    blocks(&std::mem::take(&mut columns.1), &mut out);
                    blocks(&[row], &mut out);
                    continue;
                }
                let (left, right): (Vec<_>, Vec<_>) = row.segments.into_iter().partition(|s| s.right <= gutter);
                for (side, segments) in [(&mut columns.0, left), (&mut columns.1, right)] {
                    if !segments.is_empty() {
                        let segments = justified(segments);
                        side.push(Row { middle: row.middle, height: row.height, large: row.large, segments });
                    }
                }
            }
            blocks(&columns.0, &mut out);
            blocks(&columns.1, &mut out);
        }
    }
    noted(unbroken(out))
}

// A note at the foot of a page, behind its number.
pattern!(NOTE, r"^(?P<n>[0-9]{1,2})[.)]?\s+(?:\|\s+)?(?P<text>[\p{L}«].*)$");

/// Sets the notes at the foot of a page behind the lines that call them, as word processors keep them, without their numbers: what a note
/// says, it says of the words that call it.
fn noted(mut lines: Vec<Printed>) -> Vec<Printed> {
    /// Lines looked at, from the foot.
    const FOOT: usize = 24;
    let number = |line: &Printed| NOTE.captures(&line.text).and_then(|c| c["n"].parse::<u32>().ok());
    // The last row of numbers that go on by one, where each is called above.
    let mut notes: Vec<(usize, usize, Range<usize>)> = Vec::new();
    let mut next: Option<u32> = None;
    for i in (lines.len().saturating_sub(FOOT)..lines.len()).rev() {
        let Some(n) = number(&lines[i]).filter(|n| next.is_none_or(|next| n + 1 == next)) else {
            // What a note wraps, or the number of the page.
            match next.is_none() && lines.len() - i <= 3 || notes.is_empty() {
                true => continue,
                false => break,
            }
        };
        // One whose call is not seen stays where it is.
        let call = (0..i).rev().find_map(|l| Some((l, called(&lines[l].text, n)?)));
        notes.extend(call.map(|(line, call)| (i, line, call)));
        next = Some(n);
    }
    // From the foot up, so that the lines before keep their places; of one line, the last call first.
    let item = |l: &Printed| l.text.starts_with(['-', '–', '•', '▪', '\u{f0b7}']) || l.text.contains(" | ");
    let mut behind: HashMap<usize, Vec<Printed>> = HashMap::new();
    for (i, line, call) in notes {
        let text = NOTE.captures(&lines[i].text).map(|c| c["text"].to_owned()).unwrap_or_default();
        lines[line].text.replace_range(call.clone(), "");
        // In prose, behind the sentence that calls it.
        let rest = &lines[line].text[call.start..];
        if let Some(end) = rest.find(". ").filter(|_| !item(&lines[line]) && text.ends_with('.')) {
            lines[line].text.insert_str(call.start + end + 1, &format!(" {text}"));
            lines[i].text.clear();
            continue;
        }
        lines[i].text = text;
        // Not into the midst of a list.
        let mut at = line;
        while at + 1 < i && item(&lines[at]) && item(&lines[at + 1]) {
            at += 1;
        }
        behind.entry(at).or_default().insert(0, Printed { text: std::mem::take(&mut lines[i].text), title: false });
    }
    let mut out = Vec::with_capacity(lines.len());
    for (i, line) in lines.into_iter().enumerate() {
        out.extend(Some(line).filter(|l| !l.text.is_empty()));
        out.extend(behind.remove(&i).unwrap_or_default());
    }
    out
}

/// Where words call the note of this number: right behind a word, or before the mark that ends one.
fn called(text: &str, n: u32) -> Option<Range<usize>> {
    pattern!(CALL, r"(?:\p{Ll}{3}[»)]?|%|\b20[0-9]{2})(?P<call> ?(?P<n>[0-9]{1,2}))(?P<end>\s?[.,;:)]|\s|$)");
    CALL.captures_iter(text).find_map(|c| {
        let (call, end) = (c.name("call")?, c.name("end")?.as_str().trim());
        let parted = call.as_str().starts_with(' ');
        // "lot 2 :" and "article 5." are no calls.
        let counts = parted && (end.is_empty() || names_number(&text[..call.start()]));
        (c["n"].parse() == Ok(n) && !counts).then(|| call.range())
    })
}

/// Whether a number behind these words belongs to them: "lot 2", "article 5".
fn names_number(before: &str) -> bool {
    const NAMES: [&str; 16] = [
        "lot", "lots", "article", "articles", "page", "annexe", "critère", "note", "phase", "niveau", "indice",
        "clause", "chapitre", "titre", "point", "tranche",
    ];
    let last = before.rsplit([' ', '(', '’', '\'']).next().unwrap_or_default().to_lowercase();
    NAMES.contains(&last.as_str())
}

/// Joins a line to the one before where its sentence goes on: it opens with a small letter, and nothing ended the long line before.
fn unbroken(lines: Vec<Printed>) -> Vec<Printed> {
    /// Shortest line that a word did not fit into, in characters.
    const LONG: usize = 36;
    let mut out: Vec<Printed> = Vec::with_capacity(lines.len());
    for Printed { text: line, title } in lines {
        let goes_on = |before: &String| {
            let digits = before.ends_with(|c: char| c.is_ascii_digit());
            // "… de 5" and "000 000 euros", "… le 27" and "janvier".
            let thousands = digits && line.len() > 3 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit);
            let figure = digits || before.ends_with(['%', '€', ')', '»', '°']);
            if figure
                && (thousands || line.starts_with(';'))
                && before.chars().count() >= LONG
                && !before.contains(" | ")
            {
                return true;
            }
            (before.ends_with(|c: char| c.is_lowercase() || c == ',') || figure || line.starts_with('='))
                && before.chars().count() >= LONG
                && !before.contains(" | ")
                && !line.contains(" | ")
                && (line.starts_with(|c: char| c.is_lowercase() || c == '=')
                    || is_open_ended(before) && line.starts_with(char::is_uppercase))
        };
        match out.last_mut() {
            Some(before)
                if !title
                    && !before.title
                    && goes_on(&before.text)
                    && !is_marker(line.split(' ').next().unwrap_or_default()) =>
            {
                join(&mut before.text, &line);
            }
            _ => out.push(Printed { text: line, title }),
        }
    }
    out
}

/// Words drawn far apart, so that the line fills its column, are one segment: cells are not parted so evenly.
fn justified(segments: Vec<Segment>) -> Vec<Segment> {
    let gaps: Vec<f64> = segments.windows(2).map(|w| w[1].left - w[0].right).collect();
    let (least, most) = (gaps.iter().copied().fold(f64::MAX, f64::min), gaps.iter().copied().fold(0.0, f64::max));
    let words: usize = segments.iter().map(|s| s.words.len()).sum();
    if gaps.len() < 2 || most > least * 1.35 || words > segments.len() + 1 {
        return segments;
    }
    let mut all = segments.into_iter();
    let Some(mut line) = all.next() else { return Vec::new() };
    all.for_each(|s| line.append(&s));
    vec![line]
}

/// Where the space between two columns of prose is, if the page has two.
fn gutter(rows: &[Row], width: f64) -> Option<f64> {
    /// Rows that both columns must have.
    const ENOUGH: usize = 8;
    if rows.len() < ENOUGH {
        return None;
    }
    let candidates = (0..=20).map(|i| width * (0.40 + 0.01 * f64::from(i)));
    let crossed = |x: f64| rows.iter().filter(|r| r.segments.iter().any(|s| s.left < x && s.right > x)).count();
    let best = candidates.map(|x| (crossed(x), x)).min_by_key(|(n, x)| (*n, (x - width / 2.0).abs() as u64))?;
    let (crossing, x) = best;
    let side = |left: bool| {
        let segments = rows.iter().flat_map(|r| &r.segments).filter(|s| if left { s.right <= x } else { s.left >= x });
        let of: Vec<(f64, f64)> = segments.map(|s| (s.left, s.right)).collect();
        let start = of.iter().map(|s| s.0).fold(f64::MAX, f64::min);
        let end = of.iter().map(|s| s.1).fold(0.0, f64::max);
        // Prose fills its column; cells of tables do not.
        let full = of.iter().filter(|s| s.1 - s.0 > 0.75 * (end - start)).count();
        (of.len(), full, end - start)
    };
    let is_prose = |(n, full, span): (usize, usize, f64)| n >= ENOUGH && full * 5 >= n * 2 && span > width * 0.2;
    (crossing * 4 <= rows.len() && is_prose(side(true)) && is_prose(side(false))).then_some(x)
}

/// Rows that stand close together, one block after another.
fn blocks(rows: &[Row], out: &mut Vec<Printed>) {
    let margin = rows.iter().flat_map(|r| &r.segments).map(|s| s.right).fold(0.0, f64::max);
    let usual = pitch(rows);
    let mut block: Vec<&Row> = Vec::new();
    for row in rows {
        let close = block.last().is_none_or(|b| {
            let down = row.middle - b.middle;
            b.large == row.large && (down < 1.32 * b.height.max(row.height) || down < usual)
        });
        if !close {
            block_text(&std::mem::take(&mut block), margin, out);
        }
        block.push(row);
    }
    block_text(&block, margin, out);
}

/// From one line of prose to the next, with a little more; where lines of prose are few, from one line of a cell to the next where rows of tables
/// stand further apart. Zero where neither tells, or where lines are so far apart that each is a paragraph.
fn pitch(rows: &[Row]) -> f64 {
    /// Lines from which a page has a pitch.
    const ENOUGH: usize = 6;
    let lines = rows.windows(2).filter(|w| w[0].segments.len() == 1 && w[1].segments.len() == 1);
    let mut down: Vec<(f64, f64)> = lines.map(|w| (w[1].middle - w[0].middle, w[1].height)).collect();
    if down.len() < ENOUGH {
        return pitch_of_cells(rows);
    }
    down.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (usual, height) = down[down.len() / 2];
    if usual < 2.2 * height { usual * 1.08 } else { 0.0 }
}

fn pitch_of_cells(rows: &[Row]) -> f64 {
    /// How many lines must stand as close as the closest.
    const ENOUGH: usize = 3;
    let apart = |w: &[Row]| (w[1].middle - w[0].middle, w[1].height);
    let down: Vec<(f64, f64)> = rows.windows(2).map(apart).filter(|(down, height)| *down > 0.8 * height).collect();
    let Some((least, height)) = down.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0)) else { return 0.0 };
    let close = down.iter().filter(|(d, _)| *d < least * 1.08).count();
    let further = down.iter().filter(|(d, _)| *d > least * 1.25 && *d < 3.0 * height).count();
    if close >= ENOUGH && further >= ENOUGH && least < 1.7 * height { least * 1.08 } else { 0.0 }
}

fn block_text(block: &[&Row], margin: f64, out: &mut Vec<Printed>) {
    let several = block.iter().filter(|r| r.segments.len() > 1).count();
    let apart = || {
        let overlap = |a: &Segment, b: &Segment| a.left < b.right && b.left < a.right;
        block.windows(2).any(|w| !w[0].segments.iter().any(|a| w[1].segments.iter().any(|b| overlap(a, b))))
    };
    match several {
        0 if !apart() => prose(block, margin, out),
        0 | 1 => out.push(Printed { text: cells(block), title: false }),
        _ => {
            // Every row that has several cells is a row of the table; what wraps belongs to the one above.
            let mut one: Vec<&Row> = Vec::new();
            for row in block {
                // What wraps in several columns has nothing in the first, or goes on there in small letters.
                let wraps = one.first().is_some_and(|first: &&Row| {
                    let column = &first.segments[0];
                    let in_a_column = |s: &Segment| first.segments.iter().any(|c| (c.left - s.left).abs() < 2.0);
                    let goes_on = || {
                        row.segments.len() < first.segments.len()
                            && row.segments.iter().all(in_a_column)
                            && row.segments.iter().all(|s| s.text.starts_with(char::is_lowercase))
                    };
                    first.segments.len() > 1 && (row.segments.iter().all(|s| s.left > column.right) || goes_on())
                });
                // The heading behind a table belongs to no cell of it.
                if let [segment] = row.segments.as_slice()
                    && opens_article(&segment.text)
                {
                    emit(&std::mem::take(&mut one), margin, out);
                    prose(&[row], margin, out);
                    continue;
                }
                if row.segments.len() > 1 && !one.is_empty() && !wraps {
                    emit(&std::mem::take(&mut one), margin, out);
                }
                one.push(row);
            }
            emit(&one, margin, out);
        }
    }
}

/// Whether words open an article by the shape of their number: "3.2 Pièces de l’offre", "Article 4".
fn opens_article(text: &str) -> bool {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let number = first.trim_end_matches(['.', ')', '-']);
    let parts: Vec<&str> = number.split('.').collect();
    let digits = |p: &&str| (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit());
    let numbered = parts.len() >= 2 && parts.iter().all(digits) && rest.starts_with(char::is_uppercase);
    let word = first.trim_end_matches('.').to_lowercase();
    let worded = ["article", "art", "chapitre", "titre", "partie", "section"].contains(&word.as_str())
        && rest.starts_with(|c: char| c.is_ascii_digit());
    let roman = !number.is_empty() && number.len() <= 5 && number.chars().all(|c| matches!(c, 'I' | 'V' | 'X'));
    let numbered = numbered || roman && rest.starts_with(['–', '—', '-', '.', ')']);
    (numbered || worded) && !text.ends_with(['.', ';', ',', '%', ')'])
}

/// One row of a table with what it wraps, or lines of prose before a table.
fn emit(rows: &[&Row], margin: f64, out: &mut Vec<Printed>) {
    if rows.is_empty() {
        return;
    }
    match rows.iter().any(|r| r.segments.len() > 1) {
        false => prose(rows, margin, out),
        true => {
            // A line as wide as the page is prose that follows.
            let widest = rows[0].segments.iter().map(|s| s.right - s.left).fold(0.0, f64::max);
            let wraps = rows[1..]
                .iter()
                .take_while(|r| r.segments.len() > 1 || r.segments.iter().all(|s| s.right - s.left <= widest * 1.3))
                .count();
            out.push(Printed { text: cells(&rows[..=wraps]), title: false });
            if wraps + 1 < rows.len() {
                prose(&rows[wraps + 1..], margin, out);
            }
        }
    }
}

/// Rows that are one row of a table: each column's words together.
fn cells(rows: &[&Row]) -> String {
    let mut columns: Vec<(f64, f64, String)> = Vec::new();
    for segment in rows.iter().flat_map(|r| &r.segments) {
        match columns.iter_mut().find(|c| segment.left < c.1 && c.0 < segment.right) {
            Some(column) => {
                column.0 = column.0.min(segment.left);
                column.1 = column.1.max(segment.right);
                column.2.push(' ');
                column.2.push_str(&segment.text);
            }
            None => columns.push((segment.left, segment.right, segment.text.clone())),
        }
    }
    columns.sort_by(|a, b| a.0.total_cmp(&b.0));
    columns.into_iter().map(|c| c.2).collect::<Vec<_>>().join(" | ")
}

/// Lines of prose; one that stopped because its next word did not fit goes on with the next.
fn prose(rows: &[&Row], margin: f64, out: &mut Vec<Printed>) {
    let mut line = String::new();
    let mut before: Option<&Segment> = None;
    let mut large = false;
    // From one line to the next within a paragraph: the least there is here.
    let down = |w: &[&Row]| w[1].middle - w[0].middle;
    let pitch = rows.windows(2).map(down).filter(|d| *d > 1.0).fold(f64::MAX, f64::min);
    let mut last = rows.first().map_or(0.0, |r| r.middle);
    for (row, segment) in rows.iter().flat_map(|r| r.segments.iter().map(move |s| (r, s))) {
        let (row_large, further) = (row.large, row.middle - last > pitch * 1.12);
        last = row.middle;
        // A heading stands for itself; one that wrapped goes on below as any line does.
        if row_large != large {
            close(&mut line, large, out);
            (large, before) = (row_large, None);
        }
        let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
        let word = first(&segment.text);
        // "Lot 12 …", "Lot 13 …": rows, however near their cells.
        let same =
            word.starts_with(char::is_uppercase) && word.len() > 2 && before.is_some_and(|b| first(&b.text) == word);
        // A full line may end a paragraph: the next is set a little apart, or is a heading.
        let ended = line.ends_with(['.', ';', ':', '?', '!']);
        let headed = further && opens_article(&line) && segment.text.starts_with(char::is_uppercase);
        let apart = headed || ended && (further || opens_article(&segment.text));
        let opens = same || apart || is_marker(&word);
        let wrapped = before.is_some_and(|b| b.right + segment.first_word + 1.0 > margin);
        if !wrapped || opens {
            close(&mut line, large, out);
        }
        join(&mut line, &segment.text);
        before = Some(segment);
    }
    close(&mut line, large, out);
}

/// Ends a line, a heading where it is set large and reads like one.
fn close(line: &mut String, large: bool, out: &mut Vec<Printed>) {
    let from = out.len();
    flush(line, out);
    for printed in &mut out[from..] {
        printed.title = large && is_title(&printed.text);
    }
}

fn flush(line: &mut String, out: &mut Vec<Printed>) {
    if !line.is_empty() {
        out.push(Printed { text: std::mem::take(line), title: false });
    }
}

/// Whether words that are set large are a heading: few, and no sentence, nor the value of a label.
fn is_title(text: &str) -> bool {
    const LONGEST: usize = 90;
    const WORDS: usize = 12;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 4
        && text.chars().count() <= LONGEST
        && text.split(' ').count() <= WORDS
        && !text.ends_with(['.', ';', ',', ':'])
        && !text.contains(" : ")
        && !text.starts_with(|c: char| c.is_lowercase() || matches!(c, '•' | '–' | '-' | '*'))
}

/// Joins a line to the one before; a word cut at the end of a line is made whole.
fn join(line: &mut String, next: &str) {
    /// These keep their hyphen.
    const WITH_HYPHEN: &[&str] = &[
        "ci",
        "là",
        "peut",
        "celui",
        "celle",
        "ceux",
        "non",
        "sous",
        "demi",
        "rendez",
        "savoir",
        "sociale",
        "socio",
        "quatre",
        "vingt",
        "trente",
        "quarante",
        "cinquante",
        "soixante",
        "dix",
        "au",
        "après",
        "avant",
        "semi",
        "mi",
        "porte",
        "hors",
        "compte",
        "mieux",
        "vice",
        "tiers",
        "quasi",
        "main",
        "maître",
    ];
    if let Some(cut) = line.strip_suffix(['-', '\u{ad}', '‐'])
        && next.starts_with(char::is_lowercase)
        && cut.ends_with(char::is_alphabetic)
    {
        let word = cut.rsplit([' ', '’', '\'']).next().unwrap_or_default().to_lowercase();
        if !WITH_HYPHEN.contains(&word.as_str()) {
            line.truncate(cut.len());
        }
        line.push_str(next);
        return;
    }
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(next);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of a line at a height, from a left edge; a letter is five points wide.
    fn line(page: &mut Page, left: f64, top: f64, text: &str) {
        let mut at = left;
        for word in text.split(' ') {
            let right = at + 5.0 * word.chars().count() as f64;
            page.words.push(Word { left: at, right, top, bottom: top + 11.0, text: word.to_owned() });
            at = right + 3.0;
        }
    }

    /// The text of each page.
    fn texts(pages: &[Page]) -> Vec<String> {
        let text = |page: Vec<Printed>| page.into_iter().map(|l| l.text).collect::<Vec<_>>().join("\n");
        lines(pages).into_iter().map(text).collect()
    }

    #[test]
    fn what_is_set_larger_than_the_text_is_a_heading() {
        let mut page = page();
        for i in 0..6 {
            line(&mut page, 50.0, 100.0 + 12.0 * f64::from(i), "Le titulaire rend compte de ses heures au syndicat.");
        }
        page.words.push(Word { left: 50.0, right: 110.0, top: 200.0, bottom: 216.0, text: "Visites".to_owned() });
        line(&mut page, 50.0, 230.0, "Elles sont libres.");
        let titles: Vec<String> = lines(&[page]).remove(0).into_iter().filter(|l| l.title).map(|l| l.text).collect();
        assert_eq!(titles, ["Visites"]);
    }

    fn page() -> Page {
        Page { width: 600.0, words: Vec::new() }
    }

    #[test]
    fn a_line_that_wrapped_is_one_and_a_new_paragraph_is_not() {
        let mut page = page();
        line(
            &mut page,
            50.0,
            100.0,
            "Le titulaire réserve à des personnes éloignées de l’emploi un volume minimal de huit cents heures de",
        );
        line(&mut page, 50.0, 112.0, "500 heures par an.");
        line(&mut page, 50.0, 124.0, "Autre chose.");
        let text = texts(&[page]).remove(0);
        assert!(text.ends_with("heures de 500 heures par an.\nAutre chose."), "{text}");
    }

    #[test]
    fn cells_side_by_side_are_a_row_with_what_they_wrap() {
        let mut page = page();
        line(&mut page, 50.0, 100.0, "Critère");
        line(&mut page, 400.0, 100.0, "Poids");
        line(&mut page, 50.0, 120.0, "Valeur technique et");
        line(&mut page, 400.0, 126.0, "60 %");
        line(&mut page, 50.0, 132.0, "environnementale");
        line(&mut page, 50.0, 152.0, "Prix");
        line(&mut page, 400.0, 152.0, "40 %");
        assert_eq!(
            texts(&[page]).remove(0),
            "Critère | Poids\nValeur technique et environnementale | 60 %\nPrix | 40 %"
        );
    }

    #[test]
    fn notes_stand_behind_what_calls_them() {
        let mut page = page();
        line(&mut page, 50.0, 100.0, "Les offres parviennent le 8 juin avant midi1.");
        line(&mut page, 50.0, 130.0, "Le lot 2 est attribué à part 2 ; voir le cahier.");
        line(&mut page, 50.0, 160.0, "Les prix sont fermes.");
        line(&mut page, 50.0, 700.0, "1 Seule fait foi l’horloge de la plateforme.");
        line(&mut page, 50.0, 730.0, "2 Il est réservé aux entreprises adaptées.");
        assert_eq!(
            texts(&[page]).remove(0),
            "Les offres parviennent le 8 juin avant midi.\nSeule fait foi l’horloge de la plateforme.\n\
             Le lot 2 est attribué à part ; voir le cahier.\nIl est réservé aux entreprises adaptées.\nLes prix sont fermes."
        );
        assert_eq!(called("pour le lot 2 ; puis", 2), None);
        assert_eq!(called("une surface de 20 m2.", 2), None);
    }

    #[test]
    fn a_heading_behind_a_table_is_no_cell_of_it() {
        let mut page = page();
        for (i, (left, right)) in [("C1", "Formulaire"), ("C2", "Attestation")].into_iter().enumerate() {
            line(&mut page, 50.0, 100.0 + 12.0 * i as f64, left);
            line(&mut page, 120.0, 100.0 + 12.0 * i as f64, right);
        }
        line(&mut page, 50.0, 124.0, "3.2 Pièces");
        line(&mut page, 50.0, 136.0, "O1");
        line(&mut page, 120.0, 136.0, "Mémoire");
        assert_eq!(texts(&[page]).remove(0), "C1 | Formulaire\nC2 | Attestation\n3.2 Pièces\nO1 | Mémoire");
    }

    #[test]
    fn two_columns_of_prose_are_read_one_after_the_other() {
        let mut page = page();
        for i in 0..12 {
            let top = 100.0 + 12.0 * f64::from(i);
            line(&mut page, 50.0, top, "la colonne de gauche va jusqu’à son bord");
            line(&mut page, 320.0, top, "et celle de droite commence en haut ici");
        }
        let text = texts(&[page]).remove(0);
        assert!(text.find("de droite").unwrap() > text.rfind("de gauche").unwrap(), "{text}");
    }

    #[test]
    fn what_every_page_repeats_is_left_out() {
        let pages: Vec<Page> = (1..=4)
            .map(|n| {
                let mut page = page();
                line(&mut page, 50.0, 20.0, "Ville de Lens – CCAP");
                line(&mut page, 50.0, 100.0, ["Un", "Deux", "Trois", "Quatre"][n - 1]);
                line(&mut page, 500.0, 800.0, &format!("Page {n} sur 4"));
                page
            })
            .collect();
        assert_eq!(texts(&pages), ["Un", "Deux", "Trois", "Quatre"]);
    }
}
