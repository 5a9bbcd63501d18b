//! Makes `config/rules/learned.tsv` out of `corpus/*.jsonl` and `tests/wordings.jsonl`: `cargo run --release -p vigie-classify --example learn`.
//!
//! A text of the corpus is a statement or two with the kinds that people say it tells (`social`: something to look at, of no certain kind), or a whole
//! notice with its `quotes`, the words that tell them: what stands elsewhere in it tells nothing certain. What no frame explains is learned as the kinds
//! that no frame reads; what a frame explains, with half the weight, as all of them. Weights minimise the squared weights and, `COST` times, the logistic
//! losses, by accelerated gradients from zero, so that the same texts give the same table.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a tool of whoever changes the corpus: it says what it made, or stops"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use vigie_classify::learned::{self, ANYTHING, BIAS, COLUMNS, KINDS};
use vigie_classify::statement::Statement;
use vigie_classify::title::About;
use vigie_classify::{fold, tokenizer};

const COST: f32 = 30.0;
const STEPS: usize = 3000;
/// Things said by fewer statements are not learned.
const OFTEN: usize = 2;
/// Weights below this are not written.
const LEAST: f32 = 0.08;
/// How much a statement counts that stands beside the quote of its text.
const BESIDE_QUOTE: f32 = 0.2;

/// A statement as a vector of length one.
struct Example {
    things: Vec<(usize, f32)>,
    tells: [bool; COLUMNS],
    counts: f32,
}

/// A text that people read.
struct Text {
    title: String,
    text: String,
    labels: [bool; COLUMNS],
    /// The words that tell its kinds, each with those that they tell; none where the text is all of them.
    quotes: Vec<(BTreeSet<String>, [bool; COLUMNS])>,
}

impl Text {
    fn of(row: &Value, labels: [bool; COLUMNS]) -> Self {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let quotes = row["quotes"].as_array().into_iter().flatten();
        let quotes = quotes.map(|q| (words_of(q["quote"].as_str().unwrap_or_default()), of_labels(q)));
        Self { title: text("title"), text: text("text"), labels, quotes: quotes.collect() }
    }
}

fn main() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut told: Vec<(BTreeMap<String, f32>, [bool; COLUMNS], f32)> = Vec::new();
    let mut texts = Vec::new();
    let mut read = Vec::new();
    for (file, labels) in
        [("corpus/statements.jsonl", of_labels as fn(&Value) -> [bool; COLUMNS]), ("tests/wordings.jsonl", of_wording)]
    {
        let lines = std::fs::read_to_string(home.join(file)).expect("the corpus");
        read.push(lines.clone());
        let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        texts.extend(rows.map(|row| Text::of(&row, labels(&row))));
    }
    for Text { title, text, labels, quotes } in &texts {
        let notice = vigie_classify::plain::notice("corpus", title, text);
        let mut of_text = Vec::new();
        vigie_classify::each_statement(&notice, |s, all, framed| {
            if s.unit.ticked == Some(false) || learned::social(s).is_none() {
                return;
            }
            let mut labels = *labels;
            if !quotes.is_empty() {
                let told = quotes.iter().filter(|(quote, _)| tells_quote(s, quote)).map(|(_, labels)| *labels);
                let Some(of_quotes) = told.reduce(|a, b| std::array::from_fn(|k| a[k] || b[k])) else {
                    of_text.push((s.index, things_of(s, all, framed.about), [false; COLUMNS], BESIDE_QUOTE));
                    return;
                };
                labels = of_quotes;
            }
            let read = learned::ORDER.map(|kind| framed.told.contains(&kind));
            let missing: [bool; KINDS] = std::array::from_fn(|k| labels[k] && !read[k]);
            let of_kind = labels[..KINDS].contains(&true);
            let (tells, counts) = match framed.explained {
                true => (labels, 0.5),
                // Something else of the text tells all that it tells.
                false if of_kind && !missing.contains(&true) => ([false; COLUMNS], 0.2),
                false => (std::array::from_fn(|k| missing.get(k).copied().unwrap_or(labels[ANYTHING])), 1.0),
            };
            of_text.push((s.index, things_of(s, all, framed.about), tells, counts));
        });
        // The title says what is bought, not what is asked.
        let only = of_text.len() == 1;
        told.extend(
            of_text
                .into_iter()
                .filter(|(at, ..)| *at > 0 || only)
                .map(|(_, things, tells, counts)| (things, tells, counts)),
        );
    }
    let mut often: BTreeMap<&str, usize> = BTreeMap::new();
    for thing in told.iter().flat_map(|(things, ..)| things.keys()) {
        *often.entry(thing).or_default() += 1;
    }
    let names: Vec<&str> = often.into_iter().filter(|(_, n)| *n >= OFTEN).map(|(name, _)| name).collect();
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (*name, i)).collect();
    let examples: Vec<Example> = told
        .iter()
        .map(|(things, tells, counts)| {
            let known = things.iter().filter_map(|(name, w)| Some((*places.get(name.as_str())?, *w)));
            Example { things: known.collect(), tells: *tells, counts: *counts }
        })
        .collect();
    let weights: Vec<Vec<f32>> = (0..COLUMNS).map(|kind| learn(&examples, kind, names.len())).collect();
    let mut out = String::from(
        "# What was learned of statements (watcher/classify/corpus), by the example `learn` of vigie-classify: what a statement may say, and its weight for\n# reservation, execution clause, award criterion, insertion service, and anything at all. Not written by hand: a new wording is a line of the corpus.\n",
    );
    writeln!(out, "{} {:016x}", learned::OF_CORPUS, learned::fnv(&read.concat())).expect("a string");
    let mut row = |name: &str, place: usize| {
        let cells: Vec<f32> = weights.iter().map(|of_kind| of_kind[place]).collect();
        if cells.iter().any(|w| w.abs() >= LEAST) {
            let cells: Vec<String> = cells.iter().map(|w| format!("{w:.2}")).collect();
            writeln!(out, "{name}\t{}", cells.join("\t")).expect("a string");
        }
    };
    row(BIAS, names.len());
    names.iter().enumerate().for_each(|(place, name)| row(name, place));
    std::fs::write(home.join("../../config/rules/learned.tsv"), &out).expect("the table");
    println!(
        "{} statements, {} things, {} rows, {} bytes",
        examples.len(),
        names.len(),
        out.lines().count(),
        out.len()
    );
}

/// What a statement says, by name.
fn things_of(s: &Statement<'_>, all: &[Statement<'_>], about: About) -> BTreeMap<String, f32> {
    let name = |parts: [learned::Part<'_>; 3]| {
        parts.iter().map(|p| p.text).filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let mut things: BTreeMap<String, f32> = BTreeMap::new();
    learned::features(s, about, &mut |parts, weight| *things.entry(name(parts)).or_default() += weight);
    let length = things.values().map(|w| w * w).sum::<f32>().sqrt();
    things.values_mut().for_each(|w| *w /= length);
    let mut around: BTreeSet<String> = BTreeSet::new();
    learned::background(all, &mut |parts| {
        around.insert(name(parts));
    });
    let each = learned::BACKGROUND / (around.len() as f32).sqrt().max(1.0);
    things.extend(around.into_iter().map(|name| (name, each)));
    things
}

/// The words of a quote, as statements have them.
fn words_of(quote: &str) -> BTreeSet<String> {
    let folded = fold::fold(quote);
    tokenizer::tokens(&folded, &(0..folded.len())).iter().map(|t| t.word.to_string()).collect()
}

/// Whether a statement holds most of a quote, or a quote most of a statement.
fn tells_quote(s: &Statement<'_>, quote: &BTreeSet<String>) -> bool {
    let own: BTreeSet<&str> = s.tokens.iter().map(|t| t.word.as_ref()).collect();
    let common = own.iter().filter(|w| quote.contains(**w)).count();
    common * 10 >= quote.len().min(own.len()) * 6 && common > 1
}

/// The weights of one kind; the last one is the bias.
fn learn(examples: &[Example], kind: usize, things: usize) -> Vec<f32> {
    let most = examples.iter().map(|e| e.counts).sum::<f32>();
    // The curvature is at most that of all examples alike, bias included.
    let step = 1.0 / (1.0 + COST * most * 0.7 * 0.25);
    let mut weights = vec![0.0_f32; things + 1];
    let mut ahead = weights.clone();
    let mut momentum = 1.0_f32;
    for _ in 0..STEPS {
        let mut gradient: Vec<f32> = ahead.clone();
        for e in examples {
            let sum = e.things.iter().map(|(i, w)| ahead[*i] * w).sum::<f32>() + ahead[things];
            let wanted = if e.tells[kind] { 1.0 } else { 0.0 };
            let slope = COST * e.counts * (1.0 / (1.0 + (-sum).exp()) - wanted);
            e.things.iter().for_each(|(i, w)| gradient[*i] += slope * w);
            gradient[things] += slope;
        }
        let next: Vec<f32> = ahead.iter().zip(&gradient).map(|(w, g)| w - step * g).collect();
        let faster = f32::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
        let carry = (momentum - 1.0) / faster;
        ahead = next.iter().zip(&weights).map(|(n, w)| n + carry * (n - w)).collect();
        (weights, momentum) = (next, faster);
    }
    weights
}

fn of_labels(row: &Value) -> [bool; COLUMNS] {
    let labels = row["labels"].as_array().cloned().unwrap_or_default();
    let kinds = ["reserved", "clause", "criterion", "service"].map(|kind| labels.iter().any(|l| l == kind));
    with_anything(kinds, labels.iter().any(|l| l == "social"))
}

/// The kinds, and whether a text tells anything.
fn with_anything([a, b, c, d]: [bool; KINDS], social: bool) -> [bool; COLUMNS] {
    [a, b, c, d, social || a || b || c || d]
}

fn of_wording(row: &Value) -> [bool; COLUMNS] {
    let says = |key: &str| match &row["expect"][key] {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let kinds = [
        says("reserved"),
        says("clause") || says("hours") || says("percent"),
        says("criterion") || says("weight"),
        says("insertion_service"),
    ];
    with_anything(kinds, says("other"))
}
