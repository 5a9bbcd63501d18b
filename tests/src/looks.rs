//! How pages and mails look, kept as small pictures: a cell of ten by ten pixels is one point of them. A change of looks is seen as
//! a picture that differs. `VIGIE_LOOKS=compare` compares, `VIGIE_LOOKS=renew` writes anew what differs; without it nothing is compared.
//!
//! With the [block font](crate::block_font) pages look alike on every machine. What remains (how a browser draws the edge of a box, a
//! control a pixel higher) is passed over: a cell is alike if one near by is.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Pixels of a cell, each way.
const CELL: usize = 10;
/// How far away a cell may stand: down or up, left or right.
const NEAR: (usize, usize) = (2, 1);
/// How much a colour may differ, of 255.
const SHADE: u8 = 28;
/// Share of the cells that may differ.
const TOLERATED: f64 = 0.002;
/// How much longer or shorter a picture may be.
const LENGTH: f64 = 0.02;

/// A picture of opaque pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// Row by row, red, green and blue.
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Reads a PNG of eight bits a channel, not interlaced, as browsers write them; `None` where it is none.
    #[must_use]
    pub fn read(png: &[u8]) -> Option<Self> {
        let mut rest = png.strip_prefix(SIGNATURE)?;
        let (mut header, mut packed) = (None, Vec::new());
        while let Some((size, after)) = rest.split_first_chunk::<4>() {
            let (kind, after) = after.split_first_chunk::<4>()?;
            let (data, after) = after.split_at_checked(u32::from_be_bytes(*size) as usize)?;
            match kind {
                b"IHDR" => header = Some(data),
                b"IDAT" => packed.extend_from_slice(data),
                _ => {}
            }
            rest = after.get(4..)?;
        }
        let (width, more) = header?.split_first_chunk::<4>()?;
        let (height, more) = more.split_first_chunk::<4>()?;
        let (width, height) = (u32::from_be_bytes(*width) as usize, u32::from_be_bytes(*height) as usize);
        let channels = match more {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            _ => return None,
        };
        let mut lines = Vec::new();
        ZlibDecoder::new(packed.as_slice()).read_to_end(&mut lines).ok()?;
        let pixels = unfiltered(&lines, width * channels, channels)?;
        let pixels = pixels.chunks_exact(channels).map(|p| [p[0], p[1], p[2]]).collect::<Vec<_>>();
        (pixels.len() == width * height).then_some(Self { width, height, pixels })
    }

    /// The same as a PNG.
    ///
    /// # Errors
    /// Never: what is written goes to memory.
    pub fn write(&self) -> std::io::Result<Vec<u8>> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        for line in self.pixels.chunks(self.width.max(1)) {
            packed.write_all(&[0])?;
            packed.write_all(line.as_flattened())?;
        }
        let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        let header = [side(self.width).as_slice(), &side(self.height), &[8, 2, 0, 0, 0]].concat();
        let mut out = SIGNATURE.to_vec();
        for (kind, data) in [(b"IHDR", header), (b"IDAT", packed.finish()?), (b"IEND", Vec::new())] {
            let mut sum = flate2::Crc::new();
            sum.update(kind);
            sum.update(&data);
            out.extend(side(data.len()));
            out.extend(kind);
            out.extend(&data);
            out.extend(sum.sum().to_be_bytes());
        }
        Ok(out)
    }

    /// One point for each cell: its mean, in few shades.
    #[must_use]
    pub fn coarse(&self) -> Self {
        let (width, height) = (self.width.div_ceil(CELL), self.height.div_ceil(CELL));
        let mean = |n: usize| {
            let (left, top) = (n % width * CELL, n / width * CELL);
            let rows = top..(top + CELL).min(self.height);
            let cell = rows.flat_map(|y| {
                let line = y * self.width;
                &self.pixels[line + left..line + (left + CELL).min(self.width)]
            });
            let (mut sum, mut count) = ([0_u32; 3], 0);
            for pixel in cell {
                count += 1;
                for (sum, part) in sum.iter_mut().zip(pixel) {
                    *sum += u32::from(*part);
                }
            }
            sum.map(|s| u8::try_from(s / count.max(1)).unwrap_or(u8::MAX) & 0xfc)
        };
        Self { width, height, pixels: (0..width * height).map(mean).collect() }
    }

    /// This picture with another to its right.
    #[must_use]
    pub fn beside(&self, other: &Self) -> Self {
        let (width, height) = (self.width + other.width, self.height.max(other.height));
        let at = |x: usize, y: usize| match x.checked_sub(self.width) {
            None => self.at(x, y),
            Some(x) => other.at(x, y),
        };
        let pixels = (0..width * height).map(|n| at(n % width, n / width).unwrap_or([0; 3])).collect();
        Self { width, height, pixels }
    }

    fn at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        (x < self.width && y < self.height).then(|| self.pixels[y * self.width + x])
    }

    /// The share of this picture's cells that nothing near by in the other is like; all of it where their sizes differ.
    #[must_use]
    pub fn unlike(&self, other: &Self) -> f64 {
        let longer = self.height.abs_diff(other.height);
        if self.width != other.width || longer as f64 > (LENGTH * self.height as f64).max(NEAR.0 as f64) {
            return 1.0;
        }
        let lost = |n: &usize| {
            let (x, y) = (n % self.width, n / self.width);
            let rows = y.saturating_sub(NEAR.0)..=y + NEAR.0;
            let mut near = rows.flat_map(|y| (x.saturating_sub(NEAR.1)..=x + NEAR.1).map(move |x| (x, y)));
            let own = self.pixels[*n];
            let alike = |there: [u8; 3]| own.iter().zip(there).all(|(a, b)| a.abs_diff(b) <= SHADE);
            !near.any(|(x, y)| other.at(x, y).is_some_and(alike))
        };
        (0..self.pixels.len()).filter(lost).count() as f64 / self.pixels.len().max(1) as f64
    }
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The lines of a PNG without the filters that stand before each.
#[allow(clippy::needless_range_loop, reason = "a byte is read beside the one before it and the one above")]
fn unfiltered(lines: &[u8], stride: usize, channels: usize) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(lines.len());
    let mut above = vec![0_u8; stride];
    for line in lines.chunks_exact(stride + 1) {
        let (filter, bytes) = line.split_first()?;
        let mut now = bytes.to_vec();
        for n in 0..stride {
            let left = n.checked_sub(channels).map_or(0, |n| now[n]);
            let corner = n.checked_sub(channels).map_or(0, |n| above[n]);
            let guess = match filter {
                0 => 0,
                1 => left,
                2 => above[n],
                3 => u8::midpoint(left, above[n]),
                4 => nearest(left, above[n], corner),
                _ => return None,
            };
            now[n] = now[n].wrapping_add(guess);
        }
        out.extend_from_slice(&now);
        above = now;
    }
    Some(out)
}

/// Paeth's predictor.
fn nearest(left: u8, above: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(above) - i16::from(corner);
    let far = |from: u8| (guess - i16::from(from)).abs();
    if far(left) <= far(above) && far(left) <= far(corner) {
        left
    } else if far(above) <= far(corner) {
        above
    } else {
        corner
    }
}

/// Whether looks are compared, or kept anew.
#[must_use]
pub fn asked() -> bool {
    std::env::var("VIGIE_LOOKS").is_ok_and(|word| ["compare", "renew"].contains(&word.as_str()))
}

/// Compares how something looks with the picture kept of it, or keeps it where `VIGIE_LOOKS` says `renew`.
///
/// # Errors
/// What differs, where the new picture stands and how to keep it; or the file cannot be written.
pub fn keep(name: &str, picture: &Picture) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let renew = std::env::var("VIGIE_LOOKS").is_ok_and(|word| word == "renew");
    keep_in(&root.join("looks"), &root.join("../target/looks"), (name, picture), renew)
}

fn keep_in(kept: &Path, aside: &Path, (name, picture): (&str, &Picture), renew: bool) -> Result<(), String> {
    let file = kept.join(format!("{name}.png"));
    let put = |file: &PathBuf| {
        let png = picture.write().and_then(|png| {
            std::fs::create_dir_all(file.parent().unwrap_or(kept))?;
            std::fs::write(file, png)
        });
        png.map_err(|e| format!("{} : {e}", file.display()))
    };
    let known = std::fs::read(&file).ok().and_then(|png| Picture::read(&png));
    let unlike = known.as_ref().map_or(1.0, |known| known.unlike(picture).max(picture.unlike(known)));
    if unlike <= TOLERATED {
        return Ok(());
    }
    if renew {
        return put(&file);
    }
    let new = aside.join(format!("{name}.png"));
    put(&new)?;
    let share = 100.0 * unlike;
    let what = if known.is_some() { format!("looks different ({share:.1} % of it)") } else { "is new".to_owned() };
    Err(format!("{name} {what}: see {} beside {}. If it is meant: VIGIE_LOOKS=renew", new.display(), file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of that height: a dark bar on top, a button at `x`.
    fn page(height: usize, x: usize, button: [u8; 3]) -> Picture {
        let pixel = |n: usize| match (n % 390, n / 390) {
            (_, 0..40) => [20, 30, 40],
            (col, 100..140) if (x..x + 120).contains(&col) => button,
            _ => [250; 3],
        };
        Picture { width: 390, height, pixels: (0..390 * height).map(pixel).collect() }
    }

    #[test]
    fn a_picture_is_read_as_it_was_written() {
        let picture = page(300, 20, [10, 120, 70]);
        assert_eq!(Picture::read(&picture.write().unwrap()).as_ref(), Some(&picture));
        assert_eq!(Picture::read(b"no picture"), None);
        let both = picture.coarse().beside(&picture.coarse());
        assert_eq!((both.width, both.height), (78, 30));
    }

    #[test]
    fn each_filter_of_a_line_is_undone() {
        // Two lines of two grey pixels, each filter over the values 10, 20 / 30, 40.
        let line = |filter: u8, a: u8, b: u8| vec![filter, a, a, a, b, b, b];
        let first = line(0, 10, 20);
        for second in [line(0, 30, 40), line(1, 30, 10), line(2, 20, 20), line(3, 25, 15), line(4, 20, 10)] {
            let out = unfiltered(&[first.clone(), second.clone()].concat(), 6, 3).unwrap();
            assert_eq!(out, [10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40], "{second:?}");
        }
    }

    #[test]
    fn a_pixel_is_passed_over_and_a_change_is_seen() {
        let green = [10, 120, 70];
        let unlike = |a: Picture, b: Picture| a.coarse().unlike(&b.coarse()).max(b.coarse().unlike(&a.coarse()));
        let before = || page(1200, 20, green);
        assert!(unlike(before(), page(1204, 24, green)) <= TOLERATED);
        assert!(unlike(before(), page(1200, 20, [150, 30, 30])) > TOLERATED, "another colour");
        assert!(unlike(before(), page(1200, 200, green)) > TOLERATED, "elsewhere");
        assert!(unlike(before(), page(1400, 20, green)) > TOLERATED, "longer");
    }

    #[test]
    fn what_is_unlike_what_was_kept_is_said_and_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let (kept, aside) = (dir.path().join("kept"), dir.path().join("aside"));
        let picture = page(300, 20, [10, 120, 70]).coarse();
        let new = keep_in(&kept, &aside, ("page", &picture), false).unwrap_err();
        assert!(new.contains("is new") && aside.join("page.png").exists(), "{new}");
        keep_in(&kept, &aside, ("page", &picture), true).unwrap();
        keep_in(&kept, &aside, ("page", &picture), false).unwrap();
        let other = page(300, 200, [10, 120, 70]).coarse();
        assert!(keep_in(&kept, &aside, ("page", &other), false).unwrap_err().contains("looks different"));
    }
}
