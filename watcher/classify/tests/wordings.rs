//! A table of wordings (`wordings.jsonl`): each line a title, a text, and what a facilitator would sign. And properties that
//! hold for any text.
#![expect(clippy::expect_used, reason = "tests may panic: that is how they fail")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde::Deserialize;
use vigie_classify::{classify, plain};
use vigie_domain::{Assessment, Provision, ProvisionKind};

#[derive(Deserialize)]
struct Case {
    id: String,
    title: String,
    text: String,
    expect: Expect,
}

#[derive(Deserialize)]
struct Reserved {
    beneficiary: String,
    lots: BTreeSet<String>,
}

/// What is expected; what is left out is not looked at, except the four classes: left out = none.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    reserved: Vec<Reserved>,
    clause: bool,
    /// A number for all lots, or numbers by lot.
    hours: Option<serde_json::Value>,
    percent: Option<f64>,
    percents: Option<BTreeMap<String, f64>>,
    lots: Option<BTreeSet<String>>,
    mandatory: Option<bool>,
    criterion: bool,
    weight: Option<f64>,
    insertion_service: bool,
    /// Another social consideration.
    other: Option<bool>,
    dates: Option<BTreeSet<String>>,
    facts: Option<BTreeSet<String>>,
    /// Facts that must be among those found.
    facts_have: Option<BTreeSet<String>>,
    value: Option<BTreeMap<String, f64>>,
    kind: Option<String>,
    /// Upper end of the hours.
    hours_max: Option<f64>,
    /// Moments by kind of date, local, to the minute.
    at: Option<BTreeMap<String, Vec<String>>>,
    departments: Option<Vec<String>>,
    buyer: Option<String>,
}

/// The table, or the one that `VIGIE_WORDINGS` names: that is how the share of fresh wordings read at once is taken.
fn cases() -> Vec<Case> {
    let other = std::env::var_os("VIGIE_WORDINGS").map(|path| std::fs::read_to_string(path).expect("a readable table"));
    other
        .as_deref()
        .unwrap_or(include_str!("wordings.jsonl"))
        .lines()
        .map(|l| serde_json::from_str(l).expect("a line of the table is readable"))
        .collect()
}

fn judge(title: &str, text: &str) -> Assessment {
    classify(&plain::notice("x", title, text))
}

fn of(a: &Assessment, kind: ProvisionKind) -> Vec<&Provision> {
    a.provisions.iter().filter(|p| p.kind == kind).collect()
}

fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).expect("serializable").as_str().unwrap_or_default().to_owned()
}

/// What differs between a verdict and what is expected of it.
fn differences(a: &Assessment, e: &Expect) -> Vec<String> {
    let mut out = Vec::new();
    let mut check = |what: &str, want: String, got: String| {
        if want != got {
            out.push(format!("{what}: want {want}, got {got}"));
        }
    };
    let reserved: BTreeSet<_> = of(a, ProvisionKind::Reserved)
        .iter()
        .map(|p| (word(p.beneficiary), p.lots.iter().cloned().collect::<BTreeSet<_>>()))
        .collect();
    let wanted: BTreeSet<_> = e.reserved.iter().map(|r| (r.beneficiary.clone(), r.lots.clone())).collect();
    check("reserved", format!("{wanted:?}"), format!("{reserved:?}"));
    let clauses = of(a, ProvisionKind::ExecutionClause);
    check("clause", e.clause.to_string(), (!clauses.is_empty()).to_string());
    if e.clause {
        check_hours(&clauses, e, &mut check);
    }
    if let Some(lots) = &e.lots {
        let got: BTreeSet<String> = clauses.iter().flat_map(|p| p.lots.clone()).collect();
        check("lots", format!("{lots:?}"), format!("{got:?}"));
    }
    if let (Some(mandatory), Some(first)) = (e.mandatory, clauses.first()) {
        check("mandatory", format!("{:?}", Some(mandatory)), format!("{:?}", first.mandatory));
    }
    let criteria = of(a, ProvisionKind::AwardCriterion);
    check("criterion", e.criterion.to_string(), (!criteria.is_empty()).to_string());
    if let (Some(weight), Some(first)) = (e.weight, criteria.first()) {
        check("weight", format!("{:?}", Some(weight)), format!("{:?}", first.weight));
    }
    check("insertion_service", e.insertion_service.to_string(), a.has(ProvisionKind::InsertionService).to_string());
    if let Some(other) = e.other {
        check("other", other.to_string(), a.has(ProvisionKind::Other).to_string());
    }
    if let Some(dates) = &e.dates {
        let got: BTreeSet<String> = a.dates.iter().map(|d| word(d.kind)).collect();
        check("dates", format!("{dates:?}"), format!("{got:?}"));
    }
    if let Some(facts) = &e.facts {
        let got: BTreeSet<String> = a.facts.iter().map(|f| word(f.kind)).collect();
        check("facts", format!("{facts:?}"), format!("{got:?}"));
    }
    for (kind, value) in e.value.iter().flatten() {
        let got = a.facts.iter().find(|f| word(f.kind) == *kind).and_then(|f| f.value);
        check(kind, format!("{:?}", Some(*value)), format!("{got:?}"));
    }
    if let Some(kind) = &e.kind {
        check("kind", kind.clone(), a.notice_kind.as_str().to_owned());
    }
    check_places_and_moments(a, e, &mut check);
    out
}

fn check_places_and_moments(a: &Assessment, e: &Expect, check: &mut impl FnMut(&str, String, String)) {
    if let Some(facts) = &e.facts_have {
        let got: BTreeSet<String> = a.facts.iter().map(|f| word(f.kind)).filter(|k| facts.contains(k)).collect();
        check("facts", format!("{facts:?}"), format!("{got:?}"));
    }
    if let Some(wanted) = &e.at {
        let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for d in &a.dates {
            got.entry(word(d.kind)).or_default().push(d.at.format("%Y-%m-%dT%H:%M").to_string());
        }
        check("at", format!("{wanted:?}"), format!("{got:?}"));
    }
    if let Some(wanted) = &e.departments {
        let got: Vec<&str> = a.departments.iter().map(vigie_domain::Department::as_str).collect();
        check("departments", format!("{wanted:?}"), format!("{got:?}"));
    }
    if let Some(wanted) = &e.buyer {
        check("buyer", wanted.clone(), a.buyer.clone().unwrap_or_default());
    }
    if e.hours_max.is_some() {
        let got = of(a, ProvisionKind::ExecutionClause).iter().find_map(|p| p.hours_max);
        check("hours_max", format!("{:?}", e.hours_max), format!("{got:?}"));
    }
}

fn check_hours(clauses: &[&Provision], e: &Expect, check: &mut impl FnMut(&str, String, String)) {
    let by_lot = |value: fn(&Provision) -> Option<f64>| -> BTreeMap<String, f64> {
        clauses
            .iter()
            .filter_map(|p| Some((p, value(p)?)))
            .flat_map(|(p, v)| p.lots.iter().map(move |l| (l.clone(), v)))
            .collect()
    };
    match &e.hours {
        Some(serde_json::Value::Object(wanted)) => {
            let wanted: BTreeMap<String, f64> =
                wanted.iter().filter_map(|(k, v)| Some((k.clone(), v.as_f64()?))).collect();
            check("hours", format!("{wanted:?}"), format!("{:?}", by_lot(|p| p.hours)));
        }
        wanted => {
            let got: Vec<f64> = clauses.iter().filter_map(|p| p.hours).collect();
            let wanted: Vec<f64> = match wanted {
                Some(serde_json::Value::Array(several)) => {
                    several.iter().filter_map(serde_json::Value::as_f64).collect()
                }
                one => one.as_ref().and_then(serde_json::Value::as_f64).into_iter().collect(),
            };
            check("hours", format!("{wanted:?}"), format!("{got:?}"));
        }
    }
    match &e.percents {
        Some(wanted) => check("percents", format!("{wanted:?}"), format!("{:?}", by_lot(|p| p.percent))),
        None => check("percent", format!("{:?}", e.percent), format!("{:?}", clauses.iter().find_map(|p| p.percent))),
    }
}

#[test]
fn every_wording_is_read_as_a_facilitator_would() {
    let cases = cases();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|c| {
            let found = differences(&judge(&c.title, &c.text), &c.expect);
            (!found.is_empty()).then(|| format!("{} {}\n    {}", c.id, c.text, found.join("\n    ")))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(!cases.is_empty());
}

#[test]
fn every_quote_stands_in_its_text_and_every_span_has_a_field() {
    for c in cases() {
        let a = judge(&c.title, &c.text);
        let whole = format!("{}\n{}", c.title, c.text);
        let quotes = a.provisions.iter().map(|p| &p.evidence).chain(a.facts.iter().map(|f| &f.evidence));
        for evidence in quotes {
            let quote = evidence.quote.as_deref().unwrap_or_default();
            assert!(!quote.is_empty() && whole.contains(quote), "{}: {quote}", c.id);
            assert!(evidence.field.is_some(), "{}", c.id);
        }
    }
}

#[test]
fn a_paragraph_about_something_else_changes_nothing_that_is_told() {
    let unrelated = "Les plis sont remis par voie électronique sur le profil d'acheteur. Le tribunal administratif est compétent pour tout recours.";
    // What is in doubt is weighed with what else the text says.
    let told = |p: &&Provision| !matches!(p.kind, ProvisionKind::ToVerify);
    let classes =
        |a: &Assessment| a.provisions.iter().filter(told).map(|p| (p.kind, p.beneficiary)).collect::<Vec<_>>();
    let changed = |c: &Case| {
        let alone = classes(&judge(&c.title, &c.text));
        let with = classes(&judge(&c.title, &format!("{unrelated}\n\n{}\n\n{unrelated}", c.text)));
        (alone != with).then(|| format!("{}: {}: {alone:?}, {with:?}", c.id, c.text))
    };
    let changed: Vec<String> = cases().iter().filter_map(changed).collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// Cost grows with the text and not with its square: each of these took from 16 s to minutes before it was bounded.
#[test]
fn a_megabyte_of_one_wording_is_judged() {
    for word in [
        "visite obligatoire le 12 mars 2027 ",
        "clause d'insertion ",
        "lot 1 ",
        "L. 2113-12 réservé ",
        "Lot n° 3 : x\n",
    ] {
        let text = word.repeat(1_000_000 / word.len());
        let a = judge(&text, &text);
        assert!(a.provisions.iter().all(|p| p.evidence.quote.as_deref().is_none_or(|q| text.contains(q))), "{word}");
    }
}

#[test]
fn capitals_and_lost_accents_change_no_verdict() {
    // Acronyms of two letters mean nothing in capitals, so only the words are tried.
    for text in [
        "Marché réservé aux entreprises adaptées et aux établissements d'aide par le travail.",
        "Le marché comporte une clause d'insertion de 300 heures.",
    ] {
        let kinds = |t: &str| {
            judge("Entretien", t)
                .provisions
                .iter()
                .map(|p| (p.kind, p.beneficiary, p.hours.map(f64::to_bits)))
                .collect::<Vec<_>>()
        };
        assert!(!kinds(text).is_empty());
        assert_eq!(kinds(text), kinds(&text.to_uppercase()));
        assert_eq!(kinds(text), kinds(&text.replace(['é', 'è'], "\u{fffd}")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Splitting one contract into lots that each carry the same words loses no provision.
    #[test]
    fn lots_lose_no_provision(n in 1usize..8, hours in 100u32..5000) {
        let lots: Vec<String> = (1..=n).map(|i| format!("Lot n° {i} : Secteur {i}\nClause d'insertion de {hours} heures d'insertion.")).collect();
        let a = judge("Entretien", &format!("Allotissement\n{}", lots.join("\n")));
        let found: BTreeSet<String> = of(&a, ProvisionKind::ExecutionClause).iter().flat_map(|p| p.lots.clone()).collect();
        prop_assert_eq!(found.len(), n);
        let sum: f64 = a.provisions.iter().filter_map(|p| p.hours).sum();
        prop_assert!((sum - f64::from(hours) * n as f64).abs() < 0.5, "{}", sum);
    }

    /// Any text gives an answer, and quotes are verbatim.
    #[test]
    fn any_text_is_judged(text in "(clause|insertion|réservé|lot|n°|[0-9]{1,4}|h|%|ESAT|visite|obligatoire|le|12/01/2027|marché|\\.|,|;|\n|\\(|\\)|é|œ|’|-| ){0,80}") {
        let a = judge("", &text);
        for p in &a.provisions {
            let quote = p.evidence.quote.as_deref().unwrap_or_default();
            prop_assert!(text.contains(quote), "{:?}", quote);
        }
    }
}

/// What feeds and scanners hand over at their worst, five megabytes of it.
#[test]
fn five_megabytes_of_anything_get_an_answer_with_words_that_stand_in_it() {
    const SIZE: usize = 5_000_000;
    let noise: Vec<u8> = (0..SIZE as u64).map(|i| (i.wrapping_mul(6_364_136_223_846_793_005) >> 33) as u8).collect();
    let long = |part: &str| part.repeat(SIZE / part.len());
    let cases: [(&str, String, bool); 6] = [
        ("binary", String::from_utf8_lossy(&noise[..SIZE / 4]).into_owned(), false),
        ("markup", long("<div class=\"lot\"><p>&nbsp;<b>Marché</b></td></tr>{ \"clause\": [ </p>"), false),
        ("capitals", long("LE MARCHÉ COMPORTE UNE CLAUSE D'INSERTION SOCIALE DE 300 HEURES. "), true),
        ("spaced", long("l e  m a r c h é  e s t  r é s e r v é  a u x  E S A T . "), false),
        ("foreign", long("Der Auftrag ist nicht vorbehalten. Η σύμβαση. Договор не зарезервирован. 契約 "), false),
        ("no stop", long("le titulaire reserve visite duree lot 3 maximum insertion seul "), true),
    ];
    for (name, text, says_something) in cases {
        let a = judge(name, &text);
        for p in &a.provisions {
            assert!(p.evidence.quote.as_deref().is_some_and(|q| text.contains(q)), "{name}");
        }
        assert!(says_something || a.provisions.is_empty(), "{name}: {:?}", a.provisions);
    }
    assert!(judge("", "").provisions.is_empty());
}
