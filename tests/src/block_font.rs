//! A font in which every letter is the same block: with it, a page looks alike on every machine, whatever fonts that has.
//!
//! Half an em wide, as letters are on average; spaces are as wide, and empty. TrueType (OpenType 1.9), without hints.

use std::path::Path;

/// Units of the em square.
const EM: u16 = 1000;
/// Width of every letter.
const ADVANCE: u16 = 500;
/// Highest and lowest point of a line.
const ASCENT: i16 = 900;
const DESCENT: i16 = -250;
/// The block: left, bottom, right, top.
const BLOCK: [i16; 4] = [40, 0, 460, 600];
/// Glyphs, after that of what is missing.
const LETTER: u16 = 1;
const SPACE: u16 = 2;
/// Characters that are written: Latin with its accents, Greek and Cyrillic; punctuation, arrows and signs.
const RANGES: [(u16, u16); 2] = [(0x20, 0x4ff), (0x2000, 0x2bff)];

/// Writes the font and a configuration of fontconfig that knows no other; gives the path of the configuration.
///
/// # Errors
/// The folder cannot be written to.
pub fn install(dir: &Path) -> std::io::Result<std::path::PathBuf> {
    let fonts = dir.join("fonts");
    std::fs::create_dir_all(&fonts)?;
    std::fs::write(fonts.join("block.ttf"), font())?;
    let config = dir.join("fonts.conf");
    let cache = dir.join("font-cache");
    let text = format!(
        "<?xml version=\"1.0\"?><fontconfig><dir>{}</dir><cachedir>{}</cachedir></fontconfig>",
        fonts.display(),
        cache.display()
    );
    std::fs::write(&config, text)?;
    Ok(config)
}

/// The bytes of the font.
#[must_use]
pub fn font() -> Vec<u8> {
    // In the order of their names, as the format wants.
    let tables: [(&[u8; 4], Vec<u8>); 10] = [
        (b"OS/2", os2()),
        (b"cmap", cmap()),
        (b"glyf", glyph()),
        (b"head", head()),
        (b"hhea", hhea()),
        (b"hmtx", words(&[ADVANCE, 0, ADVANCE, 40, ADVANCE, 0])),
        (b"loca", loca()),
        (b"maxp", [long(&[0x0001_0000]), words(&[3, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])].concat()),
        (b"name", name()),
        (b"post", [long(&[0x0003_0000, 0]), words(&[0xff9c, 50]), long(&[1, 0, 0, 0, 0])].concat()),
    ];
    let count = u16::try_from(tables.len()).unwrap_or(0);
    let mut out = [long(&[0x0001_0000]), words(&[count, 128, 3, count * 16 - 128])].concat();
    let mut at = out.len() + 16 * tables.len();
    let mut body = Vec::new();
    for (tag, table) in &tables {
        out.extend_from_slice(*tag);
        let (start, size) = (u32::try_from(at).unwrap_or(0), u32::try_from(table.len()).unwrap_or(0));
        out.extend(long(&[sum(table), start, size]));
        body.extend_from_slice(table);
        body.resize(body.len().next_multiple_of(4), 0);
        at = 12 + 16 * tables.len() + body.len();
    }
    out.extend(body);
    out
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

fn long(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

/// A signed value as it stands in a table.
fn bits(value: i16) -> u16 {
    value.cast_unsigned()
}

fn sum(table: &[u8]) -> u32 {
    let word = |c: &[u8]| c.iter().chain([0; 3].iter()).take(4).fold(0_u32, |n, b| n << 8 | u32::from(*b));
    table.chunks(4).map(word).fold(0, u32::wrapping_add)
}

/// Where each glyph stands: what is missing and the space have no outline.
fn loca() -> Vec<u8> {
    let end = u32::try_from(glyph().len()).unwrap_or(0);
    long(&[0, 0, end, end])
}

/// The block.
fn glyph() -> Vec<u8> {
    let [left, bottom, right, top] = BLOCK.map(bits);
    let header = words(&[1, left, bottom, right, top, 3, 0]);
    let flags = vec![1_u8; 4];
    let across = words(&[left, 0, bits(BLOCK[2] - BLOCK[0]), 0]);
    let up = words(&[bottom, bits(BLOCK[3] - BLOCK[1]), 0, bits(BLOCK[1] - BLOCK[3])]);
    [header, flags, across, up].concat()
}

/// Format 4, glyph by glyph within each range.
fn cmap() -> Vec<u8> {
    let segments = RANGES.len() + 1;
    let count = u16::try_from(segments).unwrap_or(0);
    let (mut ends, mut starts, mut offsets, mut glyphs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (n, (first, last)) in RANGES.into_iter().enumerate() {
        starts.push(first);
        ends.push(last);
        offsets.push(u16::try_from(2 * (segments - n + glyphs.len())).unwrap_or(0));
        glyphs.extend((first..=last).map(|c| if is_space(c) { SPACE } else { LETTER }));
    }
    let deltas = [vec![0; RANGES.len()], vec![1]].concat();
    starts.push(0xffff);
    ends.push(0xffff);
    offsets.push(0);
    let lists = [words(&ends), words(&[0]), words(&starts), words(&deltas), words(&offsets), words(&glyphs)].concat();
    let length = u16::try_from(14 + lists.len()).unwrap_or(0);
    let table = [words(&[4, length, 0, count * 2, 4, 1, count * 2 - 4]), lists].concat();
    [words(&[0, 1, 3, 1]), long(&[12]), table].concat()
}

fn is_space(c: u16) -> bool {
    matches!(c, 0x20 | 0xa0 | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f)
}

fn head() -> Vec<u8> {
    let [left, bottom, right, top] = BLOCK.map(bits);
    [
        long(&[0x0001_0000, 0x0001_0000, 0, 0x5f0f_3cf5]),
        words(&[0b11, EM]),
        vec![0; 16],
        words(&[left, bottom, right, top, 0, 8, 2, 1, 0]),
    ]
    .concat()
}

fn hhea() -> Vec<u8> {
    let values = [bits(ASCENT), bits(DESCENT), 0, ADVANCE, 40, 40, 460, 1, 0, 0, 0, 0, 0, 0, 0, 3];
    [long(&[0x0001_0000]), words(&values)].concat()
}

fn os2() -> Vec<u8> {
    let below = DESCENT.unsigned_abs();
    [
        words(&[4, ADVANCE, 400, 5, 0, 650, 600, 0, 75, 650, 600, 0, 350, 50, 300, 0]),
        vec![2, 0, 5, 3, 0, 0, 0, 0, 0, 0],
        long(&[0b11, 0, 0, 0]),
        b"NONE".to_vec(),
        words(&[0x40, 0x20, 0x2bff, bits(ASCENT), bits(DESCENT), 0, bits(ASCENT), below]),
        long(&[1, 0]),
        words(&[600, 600, 0, 0x20, 0]),
    ]
    .concat()
}

fn name() -> Vec<u8> {
    let texts = [(1_u16, "Block"), (2, "Regular"), (4, "Block Regular"), (6, "Block-Regular")];
    let (mut records, mut strings) = (Vec::new(), Vec::new());
    for (id, text) in texts {
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let (size, at) = (u16::try_from(utf16.len()).unwrap_or(0), u16::try_from(strings.len()).unwrap_or(0));
        records.extend(words(&[3, 1, 0x409, id, size, at]));
        strings.extend(utf16);
    }
    [words(&[0, 4, 6 + 12 * 4]), records, strings].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_tables_have_the_sizes_of_the_format() {
        for (table, size) in [(os2(), 96), (head(), 54), (hhea(), 36)] {
            assert_eq!(table.len(), size);
        }
        let font = font();
        assert!(font.len() < 20_000 && font.len().is_multiple_of(4), "{}", font.len());
    }
}
