//! From a notice to an assessment: what it offers to structures, lot by lot, with the words that prove it.
//!
//! | module | does |
//! |---|---|
//! | [`fold`] | one spelling, with the way back to the original |
//! | `title` | what the title says of the whole contract |
//! | [`document`], `allotment` | passages as one text: lines, quotes; lots that the text announces |
//! | [`anchors`], `near` | one pass for all anchor words; which lines are cut into statements |
//! | [`statement`] with `table`, `sentences`, `context`, `anaphora`, [`token`], [`tokenizer`] | sentences, cells, options, with their headings and words, and what they take over |
//! | [`vocabulary`], [`lexicon`] | words as the table `config/rules/lexicon.tsv` knows them; the concepts they make |
//! | [`polarity`] | denial, lifting, condition, tense |
//! | [`numerals`], [`quantity`], [`when`], `time_of_day` | numbers with units; days and times |
//! | [`reserved`] with `beneficiary`, `destined`, [`clause`] with `given`, `undertaking`, `amount`, `volume`, [`criterion`], [`service`], [`other`] | frames: provisions told by the text |
//! | [`learned`], `unexplained` | what no frame explains: weighed by what was learned, told with a doubt, shown as doubt, or let go |
//! | [`outcome`] | what became of lots, where only a text says it |
//! | [`codes`] | provisions told by structured fields, joined with the text's |
//! | [`dates`], [`facts`], [`place`] with `mention`, [`lot_place`] with `label` | what else a person needs to decide |
//! | [`sectors`] | trades, from CPV and from words |
//! | [`zones`] | the local time of a département |
//! | [`verdict`] | routes, kinds, score, reasons |
//!
//! Pure, deterministic, linear in the input; never fails: a text that says nothing gives an assessment that says so.
//! Invariants: each provision has a quote that stands in the text, or the path of a field.

// First: its macros are used by the others.
#[macro_use]
pub mod pattern;

pub(crate) mod allotment;
mod amount;
mod anaphora;
pub mod anchors;
pub(crate) mod beneficiary;
pub mod clause;
pub mod codes;
mod context;
pub mod criterion;
pub mod dates;
mod department_names;
mod destined;
pub mod document;
pub mod facts;
pub mod finding;
pub mod fold;
mod given;
mod intention;
mod label;
pub mod learned;
pub mod lexicon;
pub mod lot_place;
mod mention;
pub(crate) mod near;
pub mod numbers;
pub mod numerals;
pub mod other;
pub mod outcome;
pub mod place;
pub mod plain;
pub mod polarity;
pub mod quantity;
mod refusal;
pub mod reserved;
mod schedule;
pub mod sectors;
mod sentences;
pub mod service;
pub mod statement;
pub(crate) mod table;
mod time_of_day;
pub mod title;
pub mod token;
pub mod tokenizer;
mod undertaking;
mod unexplained;
pub mod verdict;
pub mod vocabulary;
pub(crate) mod volume;
pub mod when;
pub mod zones;

use std::cell::LazyCell;

use chrono::NaiveDate;
use vigie_config::rules::SOCIAL_CONDITION_SINCE;
use vigie_domain::{
    Assessment, Beneficiary, Department, Evidence, Lot, Notice, NoticeKind, Place, Provision, ProvisionKind,
    assessment::AssessedLot,
};

use anchors::Anchors;
use document::Document;
use finding::Reading;
use lexicon::Concept;
use statement::Units;
use title::About;

/// Judges a notice.
#[must_use]
pub fn classify(notice: &Notice) -> Assessment {
    let doc = Document::of(notice);
    let lots = lots(notice, &doc);
    with_reading(notice, &doc, &lots, |reading, units| judge(notice, &lots, reading, units))
}

/// Calls `read` with all that readers need of a notice.
fn with_reading<T>(notice: &Notice, doc: &Document, lots: &[Lot], read: impl FnOnce(&Reading<'_>, &Units) -> T) -> T {
    let anchors = Anchors::of(doc.text());
    let mut ids: Vec<String> = lots.iter().map(|l| l.id.clone()).collect();
    if ids.is_empty() {
        // "La consultation comporte quatre lots": enough to know which "les deux derniers" are.
        ids = (1..=numbers::announced_lots(doc.text())).map(|n| n.to_string()).collect();
    }
    let titles: Vec<String> =
        lots.iter().map(|l| fold::fold(&l.title).trim_matches([' ', '-', '–', '.']).to_owned()).collect();
    let about = About::title(&notice.title);
    let reading = Reading { doc, anchors: &anchors, lots: &ids, titles: &titles, about };
    read(&reading, &Units::of(doc, &anchors))
}

fn judge(notice: &Notice, lots: &[Lot], reading: &Reading<'_>, units: &Units) -> Assessment {
    let mut provisions = provisions(notice, reading, units, lots.len());
    // A lot named by a place only ("Secteur Nord") is of the procedure's trade.
    let of_the_title = LazyCell::new(|| sectors::of(&notice.cpv, &notice.title, &[]));
    let sectors_of_lots: Vec<_> = lots.iter().map(|l| lot_sectors(l, || of_the_title.clone())).collect();
    let titles: Vec<&str> = lots.iter().map(|l| l.title.as_str()).collect();
    let mut sectors = sectors::of(&notice.cpv, &notice.title, &titles);
    for s in sectors_of_lots.iter().flatten() {
        if !sectors.contains(s) {
            sectors.push(s.clone());
        }
    }
    let has_clause = provisions.iter().any(|p| p.kind == ProvisionKind::ExecutionClause);
    let side_sectors = if has_clause { sectors::beside(notice) } else { Vec::new() };
    provisions.extend(social_condition_not_seen(notice, &provisions));
    let verdict =
        verdict::decide(&verdict::Grounds { notice, provisions: &provisions, sectors: &sectors, lots: lots.len() });
    let known: Vec<_> = notice.dates.iter().map(|d| d.kind).collect();
    let mut dates = notice.dates.clone();
    let open = !notice.kind.is_result() && notice.kind != NoticeKind::Cancellation;
    dates.extend(dates::read(reading, units, zone_of(notice), &known, notice.published, open));
    Assessment {
        id: notice.record_id.clone(),
        notice_kind: notice.kind,
        title: one_line(&notice.title),
        buyer: Some(one_line(&notice.buyer.name)).filter(|n| !n.is_empty()),
        cpv: notice.cpv.clone(),
        departments: departments(notice, lots),
        dates,
        lots: assessed_lots(notice, lots, sectors_of_lots),
        provisions,
        sectors,
        side_sectors,
        routes: verdict.routes,
        eligible_kinds: verdict.eligible_kinds,
        facts: facts::read(reading, units, notice),
        awards: notice.awards.clone(),
        score: verdict.score,
        reasons: verdict.reasons,
    }
}

/// Where the notice says that it is carried out; beside it, where lots that its text announces say so of themselves.
fn departments(notice: &Notice, lots: &[Lot]) -> Vec<Department> {
    let mut out = notice.departments.clone();
    let announced: Vec<&Department> =
        if notice.lots.is_empty() { lots.iter().flat_map(|l| &l.departments).collect() } else { Vec::new() };
    // One lot may name a town in passing.
    if announced.iter().any(|d| *d != announced[0]) || out.is_empty() {
        for d in announced {
            if !out.contains(d) {
                out.push(d.clone());
            }
        }
    }
    out
}

/// The assessment of a notice with the provisions that a person said hold: routes, kinds, score and reasons follow them.
#[must_use]
pub fn with_provisions(notice: &Notice, assessment: &Assessment, provisions: Vec<Provision>) -> Assessment {
    let grounds =
        verdict::Grounds { notice, provisions: &provisions, sectors: &assessment.sectors, lots: assessment.lots.len() };
    let verdict = verdict::decide(&grounds);
    let has_clause = provisions.iter().any(|p| p.kind == ProvisionKind::ExecutionClause);
    Assessment {
        side_sectors: if has_clause { sectors::beside(notice) } else { Vec::new() },
        routes: verdict.routes,
        eligible_kinds: verdict.eligible_kinds,
        score: verdict.score,
        reasons: verdict.reasons,
        provisions,
        ..assessment.clone()
    }
}

/// White space collapsed to single spaces: titles hold line breaks and tabs.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text that word filters look into: title, lots and passages, folded, letters and digits, one space at both ends.
#[must_use]
pub fn searchable(notice: &Notice, lots: &[AssessedLot]) -> String {
    let mut all = notice.title.clone();
    for part in lots.iter().map(|l| &l.title).chain(notice.passages.iter().map(|p| &p.text)) {
        all.push(' ');
        all.push_str(part);
    }
    format!(" {} ", fold::fold(&all).trim())
}

fn zone_of(notice: &Notice) -> chrono_tz::Tz {
    let seat = notice.buyer.place.department();
    zones::zone(seat.as_ref().or(notice.departments.first()))
}

/// Lots of the form, else those the text announces.
fn lots(notice: &Notice, doc: &Document) -> Vec<Lot> {
    if !notice.lots.is_empty() {
        return notice.lots.clone();
    }
    let mut lots = doc.lots_in_text();
    for lot in &mut lots {
        lot.departments = place::of_lot(&lot.title);
    }
    lots
}

fn provisions(notice: &Notice, reading: &Reading<'_>, units: &Units, lot_count: usize) -> Vec<Provision> {
    let mut coded = codes::read(&notice.codes);
    let mut statements = social(reading, units);
    unexplained::weigh(&mut statements, reading.about);
    let mut explained = Vec::new();
    let mut told = frames(notice, reading, &statements, lot_count, &mut explained);
    if anaphora::join(&mut statements, &explained) {
        unexplained::weigh(&mut statements, reading.about);
        explained.clear();
        told = frames(notice, reading, &statements, lot_count, &mut explained);
    }
    told.extend(other::read(reading, &statements, &mut explained));
    let rest = unexplained::read(reading, &statements, &mut explained, &told);
    if rest.iter().any(|p| p.kind == ProvisionKind::InsertionService) {
        told.retain(beside_service);
    }
    told.extend(rest);
    for (lot, like) in reading.lots_like_others() {
        for p in told.iter_mut().filter(|p| p.lots.contains(&like) && !p.lots.contains(&lot)) {
            p.lots.push(lot.clone());
        }
    }
    let hint = coded.hint.take();
    let mut joined = codes::join(coded, told, lot_count);
    let classed = |p: &Provision| p.kind != ProvisionKind::SocialConditionNotSeen;
    if let (Some(evidence), false) = (hint, joined.iter().any(classed)) {
        let mut p = Provision::new(ProvisionKind::Other, evidence);
        p.doubt = Some("le formulaire annonce une considération sociale sans dire laquelle : à vérifier au règlement de consultation et au CCAP".to_owned());
        joined.push(p);
    }
    joined
}

/// The statements about social matters.
fn social<'a>(reading: &Reading<'a>, units: &'a Units) -> Vec<statement::Statement<'a>> {
    let mut statements = statement::statements(reading.doc, units, &wanted(reading, units));
    context::set(reading.doc, &mut statements);
    if speaks_of_things(&statements) {
        statement::forget(&mut statements, Concept::InsertionAction);
    }
    statements
}

/// What each frame reads in the statements; those it explains are marked.
fn frames(
    notice: &Notice,
    reading: &Reading<'_>,
    statements: &[statement::Statement<'_>],
    lot_count: usize,
    explained: &mut Vec<usize>,
) -> Vec<Provision> {
    let mut told = reserved::read(reading, statements, explained);
    let for_structures = told
        .iter()
        .any(|p| matches!(p.beneficiary, Some(Beneficiary::Disability | Beneficiary::Insertion | Beneficiary::Both)));
    let service = service::read(reading, statements, explained);
    let clauses = clause::read(reading, statements, for_structures, explained);
    let listed = criterion::read_listed(&notice.criteria);
    if listed.is_empty() {
        let criteria = criterion::read(reading, statements, explained);
        told.extend(criteria.into_iter().filter(|p| service.is_empty() || beside_service(p)));
    } else {
        told.extend(merge_same_criterion(listed, lot_count));
    }
    told.extend(clauses.into_iter().filter(|p| service.is_empty() || beside_service(p)));
    if !service.is_empty() {
        reserved::narrow_by_object(&mut told, reading.doc.text());
    }
    told.extend(service);
    told
}

/// Whether a provision is told beside an insertion service. Its hours and publics are the service itself: only what calls itself a clause is one. Its
/// quality is its own: only social merit is a social criterion.
fn beside_service(p: &Provision) -> bool {
    let says = |words: &[&str]| {
        let quote = p.evidence.quote.as_deref().map(fold::fold).unwrap_or_default();
        words.iter().any(|w| quote.contains(w))
    };
    match p.kind {
        ProvisionKind::ExecutionClause => says(&["clause"]),
        ProvisionKind::AwardCriterion => says(&["social", "medico", "emploi", "performance"]),
        _ => true,
    }
}

/// Whether "insertion" is of things throughout ("insertion paysagère", "kit d'insertion"): a text uses a word in one sense, and nothing
/// here is about people.
fn speaks_of_things(statements: &[statement::Statement<'_>]) -> bool {
    const PEOPLE: &[Concept] =
        &[Concept::FarFromWork, Concept::ClauseName, Concept::WorkIntegration, Concept::Sheltered, Concept::SocialDuty];
    const WORDS: &[&str] =
        &["sociale", "sociales", "professionnelle", "professionnelles", "economique", "activite", "emploi", "travail"];
    let social = |s: &statement::Statement<'_>| {
        s.says.any(PEOPLE) || s.of(Concept::InsertionAction).any(|h| s.has_word(h.from, h.to, WORDS))
    };
    statements.iter().any(|s| s.says.has(Concept::NotInsertion)) && !statements.iter().any(social)
}

/// Most statements read of one document: far above any real notice, so that hostile text stays cheap.
const MAX_STATEMENTS: usize = 3000;

/// Units that hold a social word, and the few behind each that may go on with what it says.
fn wanted(reading: &Reading<'_>, units: &Units) -> Vec<usize> {
    const GOES_ON: usize = 8;
    const UNDER_HEADING: usize = 12;
    /// Units before one that it may point back at: "315 pour chacun des lots. Ces heures sont à faire par …".
    const BEFORE: usize = 3;
    let windows = reading.anchors.windows(anchors::Topic::Social);
    let mut out = Vec::new();
    let mut window = 0;
    let mut until = 0;
    for (i, unit) in units.list.iter().enumerate() {
        while windows.get(window).is_some_and(|w| w.end <= unit.range.start) {
            window += 1;
        }
        let social = windows.get(window).is_some_and(|w| w.start < unit.range.end);
        if social {
            let floor = out.last().map_or(0, |last| last + 1).max(i.saturating_sub(BEFORE));
            out.extend((floor..i).filter(|before| units.list[*before].social));
            until = until.max(i + if unit.is_heading { UNDER_HEADING } else { GOES_ON });
        }
        let in_table = unit.row.is_some() && out.last() == i.checked_sub(1).as_ref();
        if unit.social && (social || in_table || i <= until && until > 0) {
            out.push(i);
        }
        if out.len() == MAX_STATEMENTS {
            break;
        }
    }
    out
}

/// The same criterion repeated lot by lot is one provision.
fn merge_same_criterion(listed: Vec<Provision>, lot_count: usize) -> Vec<Provision> {
    let mut out: Vec<Provision> = Vec::new();
    for p in listed {
        match out.iter_mut().find(|o| o.evidence.quote == p.evidence.quote && o.weight == p.weight) {
            Some(known) if !known.lots.is_empty() => known.lots.extend(p.lots),
            Some(_) => {}
            None => out.push(p),
        }
    }
    for p in &mut out {
        p.lots.dedup();
        if lot_count > 1 && p.lots.len() == lot_count {
            p.lots.clear();
        }
    }
    out
}

fn lot_sectors(lot: &Lot, of_the_title: impl Fn() -> Vec<String>) -> Vec<String> {
    let own = sectors::of(&lot.cpv, &lot.title, &[]);
    if own.is_empty() && lot.cpv.is_empty() { of_the_title() } else { own }
}

fn assessed_lots(notice: &Notice, lots: &[Lot], sectors: Vec<Vec<String>>) -> Vec<AssessedLot> {
    lots.iter()
        .zip(sectors)
        .map(|(lot, sectors)| {
            let (places, departments) = where_of(notice, lot);
            AssessedLot {
                id: lot.id.clone(),
                title: one_line(&lot.title),
                cpv: lot.cpv.clone(),
                departments,
                places,
                sectors,
            }
        })
        .collect()
}

/// Where a lot is carried out: as its form says, else at the commune that its title or text names, else as the procedure.
fn where_of(notice: &Notice, lot: &Lot) -> (Vec<Place>, Vec<Department>) {
    let known = if lot.departments.is_empty() { &notice.departments } else { &lot.departments };
    if lot.places.iter().any(|p| p.city.is_some()) {
        return (Vec::new(), known.clone());
    }
    let texts = notice.passages.iter().filter(|p| p.lot.as_deref() == Some(lot.id.as_str())).map(|p| p.text.as_str());
    let places = lot_place::places(&lot.title, texts, known);
    let departments = departments_of(&places);
    if departments.is_empty() { (places, known.clone()) } else { (places, departments) }
}

/// Above the EU thresholds, launched since the law applies, and no social condition in sight: a hint, since clauses often
/// stand only in the CCAP.
fn social_condition_not_seen(notice: &Notice, provisions: &[Provision]) -> Option<Provision> {
    let (y, m, d) = SOCIAL_CONDITION_SINCE;
    let since = NaiveDate::from_ymd_opt(y, m, d)?;
    let concerned =
        notice.above_eu_threshold && notice.kind == NoticeKind::Call && notice.published.is_some_and(|p| p >= since);
    let seen = provisions.iter().any(|p| p.kind != ProvisionKind::AwardCriterion);
    if !concerned || seen {
        return None;
    }
    let evidence = Evidence { field: Some("above_eu_threshold".to_owned()), quote: None };
    let mut p = Provision::new(ProvisionKind::SocialConditionNotSeen, evidence);
    p.article = Some("L2112-2-1".to_owned());
    Some(p)
}

/// Départements of a list of places, each once.
#[must_use]
pub fn departments_of(places: &[Place]) -> Vec<Department> {
    let mut out = Vec::new();
    for d in places.iter().filter_map(Place::department) {
        if !out.contains(&d) {
            out.push(d);
        }
    }
    out
}

/// Calls `f` with each statement about social matters that a notice tells, in order, with all of them, and with what frames make of it: what weights
/// are learned from.
pub fn each_statement(
    notice: &Notice,
    mut f: impl FnMut(&statement::Statement<'_>, &[statement::Statement<'_>], &Framed),
) {
    let doc = Document::of(notice);
    let lots = lots(notice, &doc);
    with_reading(notice, &doc, &lots, |reading, units| {
        let mut explained = Vec::new();
        let statements = social(reading, units);
        let told = frames(notice, reading, &statements, lots.len(), &mut explained);
        let mut framed = Framed { about: reading.about, told: told.iter().map(|p| p.kind).collect(), explained: false };
        for s in &statements {
            framed.explained = explained.contains(&s.index);
            f(s, &statements, &framed);
        }
    });
}

/// What frames make of a notice and of one of its statements.
#[derive(Debug)]
pub struct Framed {
    /// What its title says that the contract is about.
    pub about: About,
    /// The kinds of provisions that they read in it.
    pub told: Vec<ProvisionKind>,
    /// Whether a frame explains the statement.
    pub explained: bool,
}
