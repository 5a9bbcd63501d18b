//! The contract of `vigie classify`: every real record gives an object that the schema accepts; anything else an answer or
//! one clear line.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use vigie_tests::servers::vigie;
use vigie_tests::shared;

fn schema() -> jsonschema::Validator {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/classify.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn classify(files: &[PathBuf]) -> (Vec<Value>, String, Option<i32>) {
    let out = Command::new(vigie()).arg("classify").args(files).output().unwrap();
    let objects = String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    (objects, String::from_utf8(out.stderr).unwrap(), out.status.code())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn the_examples_of_the_documentation_are_valid() {
    let schema = schema();
    let examples =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/classify.examples.jsonl")).unwrap();
    let lines: Vec<&str> = examples.lines().collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let value: Value = serde_json::from_str(line).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

#[test]
fn every_real_boamp_record_gives_a_valid_object_under_its_own_id() {
    let Some(dir) = shared::data("data/boamp") else { return };
    let schema = schema();
    let (objects, complaints, _) = classify(&files(&dir));
    let refused = complaints.lines().filter(|l| l.contains(" : ") && l.starts_with('/')).count();
    let mut invalid = Vec::new();
    for object in &objects {
        if let Some(fault) = schema.iter_errors(object).next() {
            invalid.push(format!("{}: {fault}", object["id"]));
        }
        assert!(object["id"].as_str().is_some_and(|i| i.len() > 4 && i.as_bytes()[2] == b'-'), "{}", object["id"]);
    }
    assert!(objects.len() > 10_000, "{}", objects.len());
    assert!(invalid.is_empty(), "{invalid:?}");
    assert!(refused * 100 <= objects.len(), "{complaints}");
}

#[test]
fn any_other_file_gives_an_answer_or_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        write("empty", b""),
        write("binary", &(0..=255).collect::<Vec<u8>>()),
        write("truncated.json", b"{\"results\": [{\"idweb\""),
        write("truncated.xml", b"<ANNONCE><GESTION>"),
        write("other.json", b"{\"hello\": 1}"),
        write("list.json", b"[1, 2]"),
        write("text", "Bonjour, voici un texte.".as_bytes()),
    ];
    for case in &cases {
        let (objects, complaint, code) = classify(std::slice::from_ref(case));
        assert!(objects.is_empty(), "{case:?}");
        assert_eq!(code, Some(1), "{case:?}");
        assert!(
            complaint.lines().next().is_some_and(|l| l.contains(" : ") && l.contains('(')),
            "{case:?}: {complaint}"
        );
    }
    let page = write("page.html", "<html><head><title>Avis</title></head><body><p>Marché réservé aux ESAT et entreprises adaptées.</p></body></html>".as_bytes());
    let (objects, _, code) = classify(&[page]);
    assert_eq!((code, objects[0]["provisions"][0]["beneficiary"].as_str()), (Some(0), Some("disability")));
}
