//! The table of words serves: each of its concepts is asked for by a frame, each of its social forms is in reach of the pass that
//! chooses the statements to read.

use std::collections::HashMap;

use vigie_classify::anchors::{Anchors, Topic};
use vigie_classify::lexicon::Concept;

/// Concepts that make a statement worth reading by themselves.
const SOCIAL: &[&str] = &[
    "sheltered",
    "work_integration",
    "sheltered_and_integration",
    "social_economy",
    "prison",
    "far_from_work",
    "clause_name",
    "insertion_action",
    "social_duty",
    "social_merit",
    "integration_object",
    "other_social",
    "ordinary_bidder",
];

/// What may stand between the words of a form.
const BETWEEN: &[&str] =
    &["", "de ", "d'", "du ", "des ", "en ", "l'", "a l'", "par le ", "par l'", "sans ", "au ", "une "];

/// Acronyms and numbers of articles: too short to be looked for as pieces of words.
fn too_short(form: &str) -> bool {
    form.len() <= 3 || form.starts_with(|c: char| c.is_ascii_digit())
}

#[test]
fn every_social_form_is_within_reach_of_an_anchor() {
    let table = vigie_config::rules::LEXICON;
    let lines = || table.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t'));
    let groups: HashMap<&str, &str> = lines().filter(|(name, _)| name.starts_with('@')).collect();
    let mut unreached = Vec::new();
    for (name, forms) in lines().filter(|(name, _)| SOCIAL.contains(name)) {
        for form in forms.split(" ; ").filter(|f| !too_short(f)) {
            let words: Vec<String> = form
                .split(' ')
                .filter(|w| *w != "..")
                .map(|w| groups.get(w).copied().unwrap_or(w).split('|').next().unwrap_or_default().replace('*', ""))
                .map(|w| vigie_classify::fold::fold(&w))
                .collect();
            let reached = BETWEEN.iter().any(|b| {
                let text = format!(" {} ", words.join(&format!(" {b}")));
                ["", "s"].iter().any(|plural| {
                    Anchors::of(&text.replace("public ", &format!("public{plural} "))).any(Topic::Social)
                        || Anchors::of(&format!("{}{plural} ", text.trim_end())).any(Topic::Social)
                })
            });
            if !reached {
                unreached.push(format!("{name}: {form}"));
            }
        }
    }
    assert!(unreached.is_empty(), "no anchor for\n{}", unreached.join("\n"));
}

#[test]
fn every_concept_is_used_by_a_frame() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut code = String::new();
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a readable entry").path();
        let source = std::fs::read_to_string(&path).expect("a readable source");
        // The lexicon itself asks only for what swallows other words.
        let from = if path.ends_with("lexicon.rs") { source.find("const SWALLOWS").unwrap_or(source.len()) } else { 0 };
        code.push_str(&source[from..]);
    }
    let unused: Vec<String> =
        Concept::ALL.iter().map(|c| format!("Concept::{c:?}")).filter(|name| !code.contains(name.as_str())).collect();
    assert!(unused.is_empty(), "no frame asks for {}", unused.join(", "));
}
