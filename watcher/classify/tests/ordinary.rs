//! Ordinary real notices raise no false alarm and hardly a doubt: read from the shared data (`VIGIE_SHARED`) where it is there.
#![expect(clippy::expect_used, reason = "tests may panic: that is how they fail")]

use std::path::{Path, PathBuf};

use vigie_classify::{classify, plain};
use vigie_domain::{Notice, ProvisionKind};

/// False alarms at most, and doubts at most, in so many notices.
const ALARMS: (usize, usize) = (1, 500);
const DOUBTS: (usize, usize) = (1, 50);

fn shared(path: &str) -> Option<Vec<serde_json::Value>> {
    let root = std::env::var_os("VIGIE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(text.lines().map(|l| serde_json::from_str(l).expect("a line of the shared data is readable")).collect())
}

fn part<'a>(value: &'a serde_json::Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Judges ordinary notices; titles of what was set apart above the bound fail with their quotes.
fn judge(notices: impl Iterator<Item = Notice>) {
    let (mut read, mut alarms, mut doubts) = (0, Vec::new(), Vec::new());
    for notice in notices {
        read += 1;
        for p in classify(&notice).provisions {
            let said = format!("{}: {:?} {:?}", notice.title, p.kind, p.evidence.quote);
            match p.kind {
                ProvisionKind::Reserved
                | ProvisionKind::ExecutionClause
                | ProvisionKind::AwardCriterion
                | ProvisionKind::InsertionService => alarms.push(said),
                ProvisionKind::ToVerify => doubts.push(said),
                _ => {}
            }
        }
    }
    assert!(read > 0, "nothing read");
    assert!(alarms.len() * ALARMS.1 <= read * ALARMS.0, "{} alarms of {read}:\n{}", alarms.len(), alarms.join("\n"));
    assert!(doubts.len() * DOUBTS.1 <= read * DOUBTS.0, "{} doubts of {read}:\n{}", doubts.len(), doubts.join("\n"));
}

#[test]
fn ordinary_real_notices_raise_no_alarm() {
    let (Some(notices), Some(labels)) = (shared("gold/notices.jsonl"), shared("gold/labels.jsonl")) else { return };
    let presumed: Vec<&str> =
        labels.iter().filter(|l| part(l, "confidence") == "presumed").map(|l| part(l, "id")).collect();
    let ordinary = notices.iter().filter(|n| presumed.contains(&part(n, "id")));
    judge(ordinary.map(|n| plain::notice(part(n, "id"), part(n, "title"), part(n, "text"))));
}

/// Titles that name insertion, a reservation or structures may be right: they are read by a person, not judged here.
#[test]
fn real_titles_raise_no_alarm() {
    let Some(titles) = shared("data/boamp/summaries_real_10000.jsonl") else { return };
    let social = ["insertion", "reserve", "esat", "adaptee", "handicap", "social", "eloigne"];
    let ordinary = titles.iter().map(|t| part(t, "objet")).filter(|title| {
        let folded = vigie_classify::fold::fold(title);
        !social.iter().any(|w| folded.contains(w))
    });
    judge(ordinary.map(|title| plain::notice("t", title, title)));
}
