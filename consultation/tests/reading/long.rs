//! A file of 400 pages, made here: read whole, its clause found on its page. How long it took is told, not asserted.

use std::time::Instant;

use vigie_consultation::{Given, Place};

/// A PDF of so many pages of prose; page 317 holds a clause.
fn pdf(pages: usize) -> Vec<u8> {
    let mut objects: Vec<String> = vec![
        String::new(),
        String::new(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut kids = String::new();
    for page in 1..=pages {
        let mut text = String::from("BT /F1 10 Tf 14 TL 60 780 Td ");
        for line in 0..48 {
            let words = match (page, line) {
                (317, 10) => {
                    "Le titulaire reserve au moins 640 heures de travail a des personnes en insertion.".to_owned()
                }
                (317, _) => format!("Ligne {line} de la page du present cahier."),
                _ => format!(
                    "Page {page}, ligne {line} : les prestations sont executees selon les regles de l'art et le calendrier."
                ),
            };
            text.push_str(&format!("({words}) Tj T* "));
        }
        text.push_str("ET");
        let content = objects.len() + 1;
        objects.push(format!("<</Length {}>>\nstream\n{text}\nendstream", text.len()));
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {content} 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
        ));
        kids.push_str(&format!("{} 0 R ", content + 1));
    }
    objects[0] = "<</Type/Catalog/Pages 2 0 R>>".to_owned();
    objects[1] = format!("<</Type/Pages/Kids[{kids}]/Count {pages}>>");
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    offsets.iter().for_each(|o| out.extend(format!("{o:010} 00000 n \n").bytes()));
    out.extend(format!("trailer<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF", objects.len() + 1).bytes());
    out
}

pub fn run() -> Result<String, String> {
    if !super::has_converter()? {
        return Ok("skipped: no pdftotext".to_owned());
    }
    let bytes = pdf(400);
    let begun = Instant::now();
    let read = super::read(vec![Given { name: "CCAP.pdf".to_owned(), bytes }])?;
    let took = begun.elapsed();
    let pages = read.pieces.first().and_then(|p| p.text()).and_then(|t| t.pages);
    if pages != Some(400) {
        return Err(format!("{pages:?} pages read: {:?}", read.pieces.first().map(|p| p.outcome.as_ref().err())));
    }
    let found = read.provisions().find(|(p, _)| p.hours == Some(640.0)).map(|(_, f)| f.at.place.clone());
    match found {
        Some(Place::Page(317)) => Ok(format!("  400 pages in {:.1} s\n", took.as_secs_f64())),
        other => Err(format!("the clause of page 317: {other:?}")),
    }
}
