//! The table of what was learned is that of the corpus, can be read, and knows what it was made of.

use vigie_classify::learned::{COLUMNS, OF_CORPUS, fnv};
use vigie_classify::{classify, plain};
use vigie_domain::ProvisionKind;

const CORPUS: &str = include_str!("../corpus/statements.jsonl");
const WORDINGS: &str = include_str!("wordings.jsonl");

#[test]
fn the_table_was_made_of_this_corpus() {
    let made_of = vigie_config::rules::learned().lines().find_map(|l| l.strip_prefix(OF_CORPUS)).map(str::trim);
    let corpus = format!("{:016x}", fnv(&[CORPUS, WORDINGS].concat()));
    assert_eq!(made_of, Some(corpus.as_str()), "cargo run --release -p vigie-classify --example learn");
}

#[test]
fn every_row_has_a_number_for_each_kind() {
    let rows: Vec<&str> = vigie_config::rules::learned().lines().filter(|l| !l.starts_with('#')).collect();
    assert!(rows.len() > 10_000, "{}", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.split('\t').skip(1).collect();
        assert!(cells.len() == COLUMNS && cells.iter().all(|c| c.parse::<f32>().is_ok()), "{row}");
    }
}

/// What it was made of is read right, nearly always: a change of words, frames or thresholds that makes it forget is seen here.
#[test]
fn what_was_taught_is_known() {
    let (mut told, mut taught, mut alarms, mut ordinary) = (0, 0, Vec::new(), 0);
    for line in CORPUS.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let kinds: Vec<ProvisionKind> =
            classify(&plain::notice("corpus", text("title"), text("text"))).provisions.iter().map(|p| p.kind).collect();
        let labels: Vec<&str> = row["labels"].as_array().into_iter().flatten().filter_map(|l| l.as_str()).collect();
        for label in &labels {
            let kind = match *label {
                "reserved" => ProvisionKind::Reserved,
                "clause" => ProvisionKind::ExecutionClause,
                "criterion" => ProvisionKind::AwardCriterion,
                "service" => ProvisionKind::InsertionService,
                _ => continue,
            };
            taught += 1;
            told += usize::from(kinds.contains(&kind));
        }
        let sure = |k: &&ProvisionKind| !matches!(k, ProvisionKind::ToVerify | ProvisionKind::Other);
        if labels.is_empty() {
            ordinary += 1;
            alarms.extend(kinds.iter().find(sure).map(|k| format!("{k:?} {}", text("text"))));
        }
    }
    assert!(told * 100 >= taught * 88, "{told} of {taught}");
    assert!(alarms.len() * 100 <= ordinary * 4, "{} of {ordinary}:\n{}", alarms.len(), alarms.join("\n"));
}
