//! `docs/SUMMARY.md` ends with every decision, by number and title.

use super::{keep, root};

const BEFORE: &str = "- [Decisions](decisions.md)\n";

#[test]
fn the_summary_of_the_book_ends_with_every_decision() {
    let docs = root().join("docs");
    let there = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let (head, _) = there.split_once(BEFORE).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(docs.join("decisions"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    files.sort();
    let number = regex::Regex::new(r"^#\s*(?:\d+\s*[.:–-]?\s*)?").unwrap();
    let lines = files.iter().map(|file| {
        let text = std::fs::read_to_string(docs.join("decisions").join(file)).unwrap();
        let title = number.replace(text.lines().next().unwrap_or_default(), "").trim().to_owned();
        let mut letters = title.chars();
        let title: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        format!("  - [{} {title}](decisions/{file})\n", &file[..4])
    });
    let made = format!("{head}{BEFORE}{}", lines.collect::<String>());
    keep("SUMMARY.md", &made);
}
