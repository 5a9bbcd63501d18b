//! Every consultation of the fixtures, scored: a thing is right if it is found with its figures, in its file, on its page.
//!
//! The page is the one where the converter's plain text (or, for pieces without pages, the reader's own passages) has the words named
//! in `expected.json`, so that what is scored does not say by itself where it is right.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use vigie_classify::fold::fold;
use vigie_consultation::contradiction::{Announced, contradictions};
use vigie_consultation::{Amount, Consultation, Envelope, Finding, Given, Place, Text, What};
use vigie_domain::{Notice, NoticeKind, Passage, ProvisionKind};

/// Right, missed, invented.
#[derive(Default, Clone, Copy)]
struct Score {
    right: usize,
    missed: usize,
    invented: usize,
}

impl Score {
    fn f1(self) -> f64 {
        let all = 2 * self.right + self.missed + self.invented;
        if all == 0 { 1.0 } else { 2.0 * self.right as f64 / all as f64 }
    }
}

/// Least F1 of each kind.
const LEAST: f64 = 0.95;

pub fn run() -> Result<String, String> {
    if !super::has_converter()? {
        return Ok("skipped: no pdftotext".to_owned());
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut scores: BTreeMap<&'static str, Score> = BTreeMap::new();
    let mut told = String::new();
    let mut folders: Vec<_> =
        std::fs::read_dir(super::fixtures().join("texts")).map_err(|e| e.to_string())?.flatten().collect();
    folders.sort_by_key(std::fs::DirEntry::file_name);
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        if !only.is_empty() && !only.split(',').any(|o| o == name) {
            continue;
        }
        let expected = std::fs::read(folder.path().join("expected.json")).map_err(|e| e.to_string())?;
        let expected: Value = serde_json::from_slice(&expected).map_err(|e| format!("{name}: {e}"))?;
        let case = Case::read(&name, &expected)?;
        for (kind, score, lines) in case.scores(&expected) {
            let sum = scores.entry(kind).or_default();
            sum.right += score.right;
            sum.missed += score.missed;
            sum.invented += score.invented;
            for line in lines {
                told.push_str(&format!("  {name} {kind}: {line}\n"));
            }
        }
    }
    let mut table = String::new();
    let mut short = false;
    for (kind, s) in &scores {
        table.push_str(&format!(
            "  {kind:<15} right {:>4}  missed {:>3}  invented {:>3}  F1 {:.3}\n",
            s.right,
            s.missed,
            s.invented,
            s.f1()
        ));
        short |= s.f1() < LEAST;
    }
    let verbose = short || std::env::var_os("VERBOSE").is_some();
    let all = if verbose { format!("{told}{table}") } else { table };
    if short { Err(all) } else { Ok(all) }
}

struct Case {
    read: Consultation,
    /// Plain text of each page of each file, folded.
    pages: BTreeMap<String, Vec<(Place, String)>>,
}

impl Case {
    fn read(name: &str, expected: &Value) -> Result<Self, String> {
        let folder = super::fixtures().join("files").join(name);
        let mut given = Vec::new();
        let mut pages = BTreeMap::new();
        for file in expected["files"].as_array().into_iter().flatten() {
            let file = file[1].as_str().unwrap_or_default().to_owned();
            let path = folder.join(&file);
            let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            if file.ends_with(".pdf") {
                pages.insert(file.clone(), plain_pages(&path)?);
            }
            given.push(Given { name: file, bytes });
        }
        if expected["zip"].as_bool() == Some(true) {
            given = vec![Given { name: "dossier.zip".to_owned(), bytes: super::hostile::zip(&given) }];
        }
        let read = super::read(given)?;
        for piece in &read.pieces {
            if let Some(Text { pages: None, passages, .. }) = piece.text() {
                let of = passages.iter().map(|p| (p.place.clone(), fold(&p.text))).collect();
                pages.insert(piece.name.clone(), of);
            }
        }
        Ok(Self { read, pages })
    }

    /// Whether a finding stands where the words do.
    fn is_at(&self, finding: &Finding, file: &str, words: &str) -> bool {
        let words = fold(words);
        let Some(pages) = self.pages.get(file) else { return false };
        let mut places = pages.iter().filter(|(_, text)| text.contains(words.trim())).map(|(place, _)| place);
        finding.at.piece == file && places.any(|p| *p == finding.at.place)
    }

    fn scores(&self, expected: &Value) -> Vec<(&'static str, Score, Vec<String>)> {
        vec![
            self.provisions(expected),
            self.dates(expected),
            self.criteria(expected),
            self.required(expected),
            self.terms(expected),
            self.contradictions(expected),
            self.files(expected),
        ]
    }

    fn provisions(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let found: Vec<_> = self.read.provisions().filter(|(p, _)| p.kind != ProvisionKind::Other).collect();
        self.match_all(
            "provisions",
            list(expected, "provisions"),
            found.len(),
            |e, i| {
                let (p, f) = found[i];
                let same = |key: &str, n: Option<f64>| e[key].as_f64() == n;
                let beneficiary =
                    p.beneficiary.map(|b| serde_json::to_value(b).unwrap_or_default()).unwrap_or_default();
                let lots: Vec<&str> = e["lots"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                p.kind.as_str() == e["kind"]
                    && p.lots == lots
                    && same("hours", p.hours)
                    && same("percent", p.percent)
                    && same("weight", p.weight)
                    && beneficiary == e["beneficiary"]
                    && self.is_at(f, text(e, "file"), text(e, "words"))
            },
            |i| {
                let (p, f) = found[i];
                format!(
                    "{:?} lots {:?} h {:?} % {:?} w {:?} b {:?} at {} « {} »",
                    p.kind, p.lots, p.hours, p.percent, p.weight, p.beneficiary, f.at, f.quote
                )
            },
        )
    }

    fn dates(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let found: Vec<_> = self.of(|w| matches!(w, What::Date(_)));
        self.match_all(
            "dates",
            list(expected, "dates"),
            found.len(),
            |e, i| {
                let What::Date(d) = &found[i].what else { return false };
                let kind = serde_json::to_value(d.kind).unwrap_or_default();
                kind == e["kind"]
                    && d.at.format("%Y-%m-%dT%H:%M").to_string() == text(e, "at")
                    && self.is_at(found[i], text(e, "file"), text(e, "words"))
            },
            |i| format!("{:?} at {}", found[i].what, found[i].at),
        )
    }

    fn criteria(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let found: Vec<_> = self.of(|w| matches!(w, What::Criterion { .. }));
        self.match_all(
            "criteria",
            list(expected, "criteria"),
            found.len(),
            |e, i| {
                let What::Criterion { name, weight, .. } = &found[i].what else { return false };
                let words = e[2].as_str().unwrap_or_default();
                fold(name).contains(&fold(e[0].as_str().unwrap_or_default()))
                    && *weight == e[1].as_f64()
                    && self.is_at(found[i], &found[i].at.piece, words)
            },
            |i| format!("{:?} at {} « {} »", found[i].what, found[i].at, found[i].quote),
        )
    }

    fn required(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let found: Vec<_> = self.of(|w| matches!(w, What::Required { .. }));
        self.match_all(
            "required",
            list(expected, "required"),
            found.len(),
            |e, i| {
                let What::Required { name, envelope } = &found[i].what else { return false };
                let wanted = match e[0].as_str() {
                    Some("candidature") => Envelope::Candidature,
                    Some("winner") => Envelope::Winner,
                    _ => Envelope::Tender,
                };
                let words = e[1].as_str().unwrap_or_default();
                *envelope == wanted
                    && fold(name).contains(&fold(words))
                    && self.is_at(found[i], &found[i].at.piece, words)
            },
            |i| format!("{:?} at {}", found[i].what, found[i].at),
        )
    }

    /// A term is right if the surest sentence, or the second, tells it; sentences beyond those expected are not counted as invented
    /// unless their term is not expected at all and they give a figure.
    fn terms(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let mut score = Score::default();
        let mut lines = Vec::new();
        for e in list(expected, "terms") {
            let term = e[0].as_str().unwrap_or_default();
            let found = self.of_term(term);
            let right = found.iter().take(2).any(|f| {
                let What::Term { amount, .. } = &f.what else { return false };
                let told = amount.as_ref().map_or(Value::Null, amount_as_json);
                (e[1].is_null() || same_amount(&told, &e[1]))
                    && self.is_at(f, e[2].as_str().unwrap_or_default(), e[3].as_str().unwrap_or_default())
            });
            if right {
                score.right += 1;
            } else {
                score.missed += 1;
                let got: Vec<String> = found.iter().map(|f| format!("{:?} {} « {} »", f.what, f.at, f.quote)).collect();
                lines.push(format!("missed {e} got {got:?}"));
            }
        }
        let known: Vec<&str> = list(expected, "terms").iter().filter_map(|e| e[0].as_str()).collect();
        for f in &self.read.findings {
            if let What::Term { term, amount: Some(_), .. } = &f.what {
                let name = serde_json::to_value(term).unwrap_or_default();
                if !known.iter().any(|k| name == **k) {
                    score.invented += 1;
                    lines.push(format!("invented {:?} at {} « {} »", f.what, f.at, f.quote));
                }
            }
        }
        ("terms", score, lines)
    }

    fn contradictions(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let notice = expected["notice"].as_str().map(|text| {
            let mut notice = Notice::new("test", "1", NoticeKind::Call);
            notice.passages.push(Passage { field: "texte".to_owned(), lot: None, text: text.to_owned() });
            Announced::read(&notice)
        });
        let found = contradictions(&self.read, notice.as_ref());
        let wanted: Vec<&str> = list(expected, "contradictions").iter().filter_map(Value::as_str).collect();
        let mut score = Score::default();
        let told: Vec<String> = found.iter().map(|c| format!("{}: {} / {}", c.about, c.there, c.here)).collect();
        if !wanted.is_empty() {
            let right = found.iter().any(|c| wanted.iter().all(|w| c.there.contains(w) || c.here.contains(w)));
            if right { score.right += 1 } else { score.missed += 1 }
        }
        // A notice of the fixtures may contradict the pieces in its date as well.
        score.invented += if wanted.is_empty() { found.len() } else { found.len().saturating_sub(2) };
        let lines = if score.missed + score.invented > 0 { vec![format!("{told:?}")] } else { Vec::new() };
        ("contradictions", score, lines)
    }

    fn files(&self, expected: &Value) -> (&'static str, Score, Vec<String>) {
        let wanted: Vec<&str> = list(expected, "unread").iter().filter_map(Value::as_str).collect();
        let mut score = Score::default();
        let mut lines = Vec::new();
        for piece in &self.read.pieces {
            match piece.outcome.is_err() == wanted.contains(&piece.name.as_str()) {
                true => score.right += 1,
                false => {
                    score.missed += 1;
                    lines.push(format!("{}: {:?}", piece.name, piece.outcome.as_ref().err()));
                }
            }
        }
        ("files", score, lines)
    }

    fn of(&self, wanted: impl Fn(&What) -> bool) -> Vec<&Finding> {
        self.read.findings.iter().filter(|f| wanted(&f.what)).collect()
    }

    fn of_term(&self, name: &str) -> Vec<&Finding> {
        self.of(|w| matches!(w, What::Term { term, .. } if serde_json::to_value(term).is_ok_and(|t| t == name)))
    }

    /// Each expected thing takes one found thing that is it.
    fn match_all(
        &self,
        kind: &'static str,
        expected: &[Value],
        found: usize,
        is: impl Fn(&Value, usize) -> bool,
        show: impl Fn(usize) -> String,
    ) -> (&'static str, Score, Vec<String>) {
        let mut taken = vec![false; found];
        let mut score = Score::default();
        let mut lines = Vec::new();
        for e in expected {
            match (0..found).find(|i| !taken[*i] && is(e, *i)) {
                Some(i) => {
                    taken[i] = true;
                    score.right += 1;
                }
                None => {
                    score.missed += 1;
                    lines.push(format!("missed {e}"));
                }
            }
        }
        for i in (0..found).filter(|i| !taken[*i]) {
            score.invented += 1;
            lines.push(format!("invented {}", show(i)));
        }
        (kind, score, lines)
    }
}

/// The same unit and the same number, however it is written.
fn same_amount(told: &Value, wanted: &Value) -> bool {
    let as_f64 = |v: &Value| {
        v.as_object().and_then(|o| o.iter().next()).map(|(unit, n)| (unit.clone(), n.as_f64(), n.as_bool()))
    };
    as_f64(told) == as_f64(wanted)
}

fn amount_as_json(amount: &Amount) -> Value {
    match amount {
        Amount::Euros(n) => serde_json::json!({ "euros": n }),
        Amount::Percent(n) => serde_json::json!({ "percent": n }),
        Amount::Days(n) => serde_json::json!({ "days": n }),
        Amount::Months(n) => serde_json::json!({ "months": n }),
        Amount::Allowed(yes) => serde_json::json!({ "allowed": yes }),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The converter's plain text of each page.
fn plain_pages(path: &Path) -> Result<Vec<(Place, String)>, String> {
    let out = std::process::Command::new("pdftotext").arg(path).arg("-").output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok(text.split('\u{c}').enumerate().map(|(i, page)| (Place::Page(i as u32 + 1), fold(page))).collect())
}
