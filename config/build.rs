//! Packs the large tables: as text they are a twentieth of the program, and each is read once.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::DeflateEncoder;

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?);
    for name in ["communes", "learned"] {
        let table = format!("rules/{name}.tsv");
        println!("cargo::rerun-if-changed={table}");
        let mut packed =
            DeflateEncoder::new(File::create(out.join(name).with_extension("deflate"))?, Compression::best());
        packed.write_all(&fs::read(table)?)?;
        packed.finish()?;
    }
    Ok(())
}
