//! The frame "what is judged": award criteria on social performance (L2152-7, R2152-7; former article 53), with their weight.
//!
//! An item of a list of criteria is one when it speaks of insertion or of social merit. A bundled "environnementales et sociales", RSE
//! or "développement durable" criterion is none; "insertion dans le site" belongs to architects; a weight is not a share of work.

use vigie_domain::{Evidence, Provision, ProvisionKind, notice::Criterion};

use super::amount::{of_a_lot, share_of_work};
use super::finding::Reading;
use super::given::only_a_place;
use super::learned::Kind;
use super::lexicon::{Concept, Hit};
use super::polarity;
use super::quantity::{Quantity, Unit};
use super::reserved::lots_of;
use super::statement::Statement;
use super::token::{Token, mark};

/// What makes an item a social one.
const SOCIAL: &[Concept] = &[
    Concept::SocialMerit,
    Concept::InsertionAction,
    Concept::FarFromWork,
    Concept::ClauseName,
    Concept::SocialDuty,
    Concept::WorkIntegration,
    Concept::Sheltered,
];

/// Reads every social criterion the text tells; marks the statements it explains.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    let mut out: Vec<Provision> = Vec::new();
    let likely = |s: &Statement<'_>| s.unit.ticked != Some(false) && !s.hardly_tells(Kind::Criterion);
    for (at, s) in statements.iter().enumerate().filter(|(_, s)| likely(s)) {
        let named = s.any_of(SOCIAL).find(|h| holds(reading, statements, at, h)).copied();
        let Some(hit) = named.or_else(|| bare(s).filter(|h| holds(reading, statements, at, h))) else { continue };
        let weight = weight_of(statements, at, &hit);
        // A study names the criteria of others; its own have weights.
        if reading.about.studied && weight.is_none() {
            continue;
        }
        explained.push(s.index);
        push(&mut out, reading, s, &hit, weight);
    }
    out
}

/// The criteria that some statements, at their positions, name by some words.
pub(super) fn of_hits(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    hits: impl Iterator<Item = (usize, Hit)>,
) -> Vec<Provision> {
    let mut out = Vec::new();
    for (at, hit) in hits {
        push(&mut out, reading, &statements[at], &hit, weight_of(statements, at, &hit));
    }
    out
}

/// Adds a criterion, or the lots and weight of one known already.
fn push(out: &mut Vec<Provision>, reading: &Reading<'_>, s: &Statement<'_>, hit: &Hit, weight: Option<f64>) {
    let lots = lots_of(reading, s, &s.bytes(hit));
    if let Some(known) = out.iter_mut().find(|p| p.weight == weight || weight.is_none() || p.weight.is_none()) {
        known.weight = known.weight.or(weight);
        if !known.lots.is_empty() {
            let more: Vec<String> = lots.into_iter().filter(|l| !known.lots.contains(l)).collect();
            known.lots.extend(more);
        }
        return;
    }
    let mut provision =
        Provision::new(ProvisionKind::AwardCriterion, reading.doc.evidence_within(s.bytes(hit), &s.context));
    provision.weight = weight;
    provision.lots = lots;
    provision.article = Some("R2152-7".to_owned());
    out.push(provision);
}

/// "Social : 15", "Note sociale (20 %)": the adjective alone is a criterion where the item says nothing else.
fn bare(s: &Statement<'_>) -> Option<Hit> {
    let at = s.tokens.iter().position(|t| matches!(t.word.as_ref(), "social" | "sociale" | "sociales" | "sociaux"))?;
    let hit = Hit { concept: Concept::SocialMerit, from: at, to: at + 1 };
    let (from, to) = item(s, &hit);
    words!(
        BESIDE,
        "critere sous valeur note performance performances qualite volet aspect aspects dimension offre part
         ponderation coef coefficient points pts approche demarche engagement engagements merite social sociale
         sociales sociaux des les pour"
    );
    let alone = |t: &Token<'_>| t.word.len() <= 2 || t.is_number() || BESIDE.contains(t.word.as_ref());
    let other =
        s.any_of(&[Concept::NotSocial, Concept::StaffMatter, Concept::ClauseName]).any(|h| h.from < to && h.to > from);
    (s.tokens[from..to].iter().all(alone) && !other).then_some(hit)
}

/// Whether the item of a hit bundles other merits ("environnementales et sociales").
fn bundled(s: &Statement<'_>, hit: &Hit) -> bool {
    let (from, to) = item(s, hit);
    // "Engagement sociétal / Recours à l'IAE / 10 %": cells.
    let from = (from..=hit.from).rev().find(|i| *i > 0 && s.tokens[*i].after(mark::SLASH)).unwrap_or(from);
    let within = |c: Concept| s.of(c).any(|h| h.from >= from && h.to <= to);
    within(Concept::BundledMerit) && !within(Concept::InsertionAction) && !within(Concept::FarFromWork)
}

/// Whether what a hit names is weighed rather than owed: used by the frame of clauses too.
///
/// It is when its sentence judges it, or when its item bears a weight among others, or below a heading or a line that announces
/// criteria.
#[must_use]
pub fn weighs(statements: &[Statement<'_>], at: usize, hit: &Hit) -> bool {
    let s = &statements[at];
    let (from, to) = item(s, hit);
    // "10 % des heures sont confiées …" is owed, whatever criterion stands beside it.
    let share =
        s.numbers.iter().any(|q| q.unit == Unit::Percent && share_of_work(s, q) && q.from >= from && q.from < hit.from);
    if share && !s.of(Concept::Criterion).any(|c| c.from < hit.from)
        || denies_criterion(s)
        || s.says.has(Concept::NotWeighed)
    {
        return false;
    }
    // "22.1 Une action d'insertion : 8 % la première année, 10 % ensuite", under "Clause sociale".
    if s.heading.has(Concept::ClauseName) && !s.heading_or_own(&[Concept::Criterion, Concept::OtherMerit]) {
        return false;
    }
    // "10.3 Insertion 20 % : le nombre de personnes qu'il affectera", under "Notation": what is offered.
    let listed_with_weight = s.heading.has(Concept::Criterion) && enumerated(s) && item_weight(s, hit).is_some();
    let owed = owed_in(s, from, to) && !listed_with_weight;
    let hours = s.numbers.iter().any(|q| q.unit == Unit::Hours && q.from >= from && q.to <= to);
    let weighted = item_weight(s, hit).is_some() || cell_weight(statements, at).is_some();
    let points = s.numbers.iter().any(|q| q.unit == Unit::Points && q.value <= 100.0 && q.from >= from && q.to <= to);
    // "Clause d'insertion : 400 heures", below the criteria of a form: named a clause and counted in hours, it is owed.
    if hit.concept == Concept::ClauseName && hours && !points && !s.says.has(Concept::Criterion) {
        return false;
    }
    let announced = s.heading.has(Concept::Criterion) || s.previous.has(Concept::Criterion);
    // "Nom : Insertion sociale | Pondération : 10".
    let weighed_beside = s.unit.cell
        && statements[at + 1..]
            .iter()
            .take(3)
            .any(|c| c.unit.line == s.unit.line && c.has_word(0, 1, &["ponderation", "poids", "coefficient"]));
    let listed = announced
        || weighed_beside
        || s.says.has(Concept::Criterion)
        || weights(s).count() >= 2
        || s.says.has(Concept::OtherMerit)
        || s.before.any(&[Concept::Criterion, Concept::OtherMerit]);
    let opens = s.tokens[from].after(mark::ITEM | mark::COLON)
        || from <= 1 && (enumerated(s) || s.heading.has(Concept::Criterion));
    let short = s.unit.range.len() < 160;
    let ranked = short
        && (from <= 1 && enumerated(s) && !hours
            || merit(s, from, to) && !s.says.any(&[Concept::Winner, Concept::Duty]));
    judged(s, hit, weighted, owed || hours)
        || points && !hours && !owed
        || weighted && (listed || ranked) && !owed
        || announced && opens && !owed && !hours && !s.says.has(Concept::Duty) && (weighted || short || from > 1)
        || described(statements, at) && weight_below(statements, at).is_some()
}

/// Whether the item of a list that holds a hit bears a weight.
#[must_use]
pub fn bears_weight(s: &Statement<'_>, hit: &Hit) -> bool {
    item_weight(s, hit).is_some()
}

/// Whether a statement tells weights of several things.
#[must_use]
pub fn lists_weights(s: &Statement<'_>) -> bool {
    weights(s).nth(1).is_some()
}

/// A form tells name, description and weight of a criterion on lines of their own.
fn described(statements: &[Statement<'_>], at: usize) -> bool {
    let s = &statements[at];
    (s.heading.has(Concept::Criterion) || s.previous.has(Concept::Criterion))
        && s.tokens.first().is_some_and(|t| matches!(t.word.as_ref(), "nom" | "description"))
}

/// Whether a word of judging rules the item of a hit: in the item, before it (a list), or behind ("constitue le troisième critère").
fn judged(s: &Statement<'_>, hit: &Hit, weighted: bool, owed: bool) -> bool {
    let (from, to) = item(s, hit);
    // "Un critère social et une clause d'insertion": two things.
    let and_a = |at: usize| {
        s.has_word(at.saturating_sub(3), at, &["et", "ainsi"])
            && s.has_word(at.saturating_sub(2), at, &["un", "une", "des"])
    };
    let among = weights(s).next().is_some();
    s.of(Concept::Criterion).filter(|c| !negated(s, c) && !polarity::denied(s, c)).any(|c| {
        if c.to <= hit.from {
            let apart = hit.concept == Concept::ClauseName && and_a(hit.from) && !weighted;
            // "Critères : 1) prix 50 2) délai 30 3) …": the label is of all items.
            let label = c.from == 0 && s.tokens.get(c.to).is_some_and(|t| t.after(mark::COLON));
            let same = c.from + 3 >= from || label && !owed;
            !apart && (same || !owed && (weighted || !among || from - c.from.min(from) <= 12))
        } else if c.from < hit.to {
            true
        } else {
            let broken = (hit.to..c.from + 1).any(|i| s.tokens[i].after(mark::ITEM | mark::STOP));
            let beyond = owed && c.from >= to;
            c.from < to + 20 && !broken && !and_a(c.from) && !beyond
        }
    })
}

/// Whether words of merit make an item one that is judged.
fn merit(s: &Statement<'_>, from: usize, to: usize) -> bool {
    const MERIT: &[&str] = &[
        "qualite",
        "qualites",
        "pertinence",
        "modalites",
        "niveau",
        "ambition",
        "performance",
        "performances",
        "contribution",
        "valeur",
        "propose",
        "proposes",
        "proposee",
        "proposees",
        "dela",
        "politique",
        "demarche",
        "demarches",
    ];
    s.has_word(from, to, MERIT) || s.any_of(&[Concept::SocialMerit]).any(|h| h.from >= from && h.to <= to)
}

/// "ne constitue pas un critère", "n'est pas notée": what is not judged may still be owed.
fn denies_criterion(s: &Statement<'_>) -> bool {
    s.of(Concept::Criterion).any(|c| negated(s, c))
}

fn negated(s: &Statement<'_>, c: &Hit) -> bool {
    let ne = (c.from.saturating_sub(8)..c.from).any(|i| matches!(s.tokens[i].word.as_ref(), "ne" | "n"));
    ne && s.has_word(c.from.saturating_sub(6), c.from + 1, &["pas", "plus", "aucun"])
}

fn holds(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize, hit: &Hit) -> bool {
    let s = &statements[at];
    if !weighs(statements, at, hit) || s.says.has(Concept::TalkAboutClauses) || bundled(s, hit) {
        return false;
    }
    let (from, to) = item(s, hit);
    let within = |concept: Concept| s.of(concept).any(|h| h.from >= from && h.to <= to);
    let insertion = s.of(Concept::InsertionAction).any(|h| h.from >= from && h.to <= to && h.to - h.from > 1);
    let weight = weight_of(statements, at, hit);
    // "Nature de l'accompagnement social": how the service bought is done.
    let taught = s.has_word(from, to, &["stagiaires", "apprenants"]) && hit.concept == Concept::SocialMerit;
    let own = taught
        || s.has_word(hit.from.saturating_sub(2), hit.to, &["accompagnement"])
            && s.has_word(from, hit.to, &["nature", "contenu", "qualite"])
            && !s.has_word(
                from,
                to,
                &["emploi", "insertion", "professionnel", "professionnelle", "socioprofessionnel"],
            )
            && hit.concept == Concept::SocialMerit;
    let social = match hit.concept {
        _ if own => false,
        Concept::SocialDuty => weight.is_some() && !s.has_word(0, s.tokens.len(), &["execution"]),
        Concept::WorkIntegration | Concept::Sheltered => {
            within(Concept::GiveWork) && !s.says.any(&[Concept::Reserve, Concept::Only])
                || within(Concept::Subcontract)
                || s.has_word(from, to, &["part", "heures", "emploi"])
        }
        Concept::FarFromWork if only_a_place(s, hit) => false,
        // "Qualité de l'accueil des personnes handicapées" is the service bought.
        Concept::FarFromWork if s.tokens[hit.from..hit.to].iter().any(|t| t.word.starts_with("handicap")) => {
            let work = [
                "emplo",
                "embauch",
                "recrut",
                "confi",
                "affect",
                "heure",
                "insertion",
                "sous",
                "recours",
                "associ",
                "equipe",
                "place",
            ];
            s.tokens[from..to]
                .iter()
                .any(|t| t.word.starts_with("travail") || work.iter().any(|w| t.word.starts_with(w)))
        }
        _ => true,
    };
    let served = (reading.about.served
        || s.has_word(from, to, &["questionnaire", "diplomes", "etudiants", "menages", "usagers"]))
        && !insertion
        && !within(Concept::SocialMerit)
        && !within(Concept::GiveWork);
    // "Facultative, sans effet sur la note".
    let sold = within(Concept::BidderMerit)
        || s.says.has(Concept::NotWeighed)
        || s.says.has(Concept::Selection)
        || s.heading.has(Concept::Selection) && !s.says.has(Concept::Criterion)
        || s.says.has(Concept::BidderPaper) && weight.is_none();
    social
        && !served
        && !sold
        && !s.says.has(Concept::StaffMatter)
        && !polarity::void(s, hit)
        && !denied_criterion(s, hit)
}

/// "Le critère insertion ne sera pas retenu".
fn denied_criterion(s: &Statement<'_>, hit: &Hit) -> bool {
    let (from, to) = item(s, hit);
    s.of(Concept::Criterion).any(|c| c.from + 8 >= from && c.from <= to && (polarity::denied(s, c) || negated(s, c)))
}

/// "3. …", "c) …": an item of a list.
fn enumerated(s: &Statement<'_>) -> bool {
    s.tokens.first().is_some_and(Token::is_number)
        || s.tokens.first().is_some_and(|t| t.word.len() == 1) && s.tokens.get(1).is_some_and(|t| t.after(mark::CLOSE))
}

fn owed_in(s: &Statement<'_>, from: usize, to: usize) -> bool {
    s.has_one(
        from,
        to,
        words_of!(
            "devra devront doit doivent engage reserve reservera consacre consacrera confiera affectera
        soumis comporte comprend contient prevoit"
        ),
    ) || s.of(Concept::Duty).any(|d| d.from >= from && d.to <= to && s.tokens[d.from].word.starts_with("oblig"))
}

/// The item of a list that holds a hit: between commas, semicolons, bullets; commas within brackets part nothing.
fn item(s: &Statement<'_>, hit: &Hit) -> (usize, usize) {
    let mut depth = 0_i32;
    let (mut start, mut end) = (0, s.tokens.len());
    for (i, t) in s.tokens.iter().enumerate() {
        depth = (depth - i32::from(t.after(mark::CLOSE))).max(0) + i32::from(t.after(mark::OPEN));
        // "… et un critère …", "… et une clause …": another thing begins.
        let another = t.word == "et"
            && s.tokens.get(i + 1).is_some_and(|n| matches!(n.word.as_ref(), "un" | "une" | "des" | "le" | "la"))
            && s.any_of(&[Concept::Criterion, Concept::ClauseName]).any(|h| h.from == i + 2);
        if i > 0 && (t.after(mark::ITEM | mark::STOP) || depth == 0 && t.after(mark::COMMA) || another) {
            if i <= hit.from {
                start = i;
            } else if i >= hit.to {
                end = i;
                break;
            }
        }
    }
    (start, end)
}

/// Weights of a statement: points, percents that share no work, coefficients, numbers behind a colon or in brackets.
fn weights<'s>(s: &'s Statement<'_>) -> impl Iterator<Item = Quantity> + use<'s> {
    s.numbers.iter().filter(|q| is_weight(s, q)).cloned()
}

fn is_weight(s: &Statement<'_>, q: &Quantity) -> bool {
    if !(0.0..=100.0).contains(&q.value) {
        return false;
    }
    let before = |words: &[&str]| q.from > 0 && words.iter().any(|w| s.tokens[q.from - 1].word.starts_with(w));
    match q.unit {
        Unit::Points => true,
        Unit::Percent if s.has_word(q.to, q.to + 3, &["places", "place", "berceaux", "marches", "recettes"]) => false,
        // "Une clause sociale de 3 %": its share.
        Unit::Percent
            if before(&["de"]) && s.has_word(q.from.saturating_sub(3), q.from, &["clause", "sociale", "insertion"]) =>
        {
            false
        }
        Unit::Percent if of_a_lot(s, q) && s.numbers.iter().any(|h| h.unit == Unit::Hours) => false,
        Unit::Percent => !share_of_work(s, q) || before(&["ponder"]),
        Unit::None => {
            let t = &s.tokens[q.from];
            if !t.is_number() || names_a_lot(s, q.from) {
                return false;
            }
            // "Pondération : 50 prix ; 30 technique ; 20 emploi de publics fragiles".
            let leads = |i: usize| s.tokens[i].is_number() && s.tokens[i].after(mark::ITEM | mark::COLON);
            if s.says.has(Concept::Criterion)
                && leads(q.from)
                && s.tokens.get(q.to).is_some_and(|n| !n.is_number())
                && (0..s.tokens.len()).filter(|i| leads(*i)).count() >= 3
            {
                return true;
            }
            // "- insertion /10".
            let over = t.after(mark::SLASH)
                && s.heading_or_before(Concept::Criterion)
                && q.from > 0
                && !s.tokens[q.from - 1].is_number();
            if over || before(&["ponder", "coef", "ac_weighting", "poids", "bareme"]) {
                return true;
            }
            let judged = s.says.any(&[Concept::Criterion, Concept::OtherMerit])
                || s.heading.has(Concept::Criterion)
                || s.before.has(Concept::OtherMerit);
            let listed = s.has_word(0, s.tokens.len(), &["prix"]) && weighted_price(s)
                || s.heading.has(Concept::Criterion)
                || s.before.has(Concept::Criterion) && enumerated(s);
            let ends_item = q.to == s.tokens.len()
                || s.tokens[q.to].after(mark::COMMA | mark::COLON | mark::ITEM | mark::STOP | mark::SLASH | mark::OPEN);
            if listed && ends_item && q.from > 0 && t.before & !mark::CLOSE == 0 {
                return true;
            }
            // "2.3 engagement …, 8": the last number of a line of a list.
            let last = q.to == s.tokens.len()
                && t.after(mark::COMMA)
                && enumerated(s)
                && s.before.any(&[Concept::Criterion, Concept::OtherMerit]);
            if last {
                return true;
            }
            // "C3 : place donnée aux publics … 15."
            let short =
                q.to == s.tokens.len() && s.unit.range.len() < 110 && t.before & !mark::CLOSE == 0 && q.from > 2;
            if short && s.before.has(Concept::OtherMerit) && s.tokens.iter().take(4).any(|t| t.after(mark::COLON)) {
                return true;
            }
            let label =
                t.after(mark::COLON | mark::OPEN) || t.after(mark::ITEM) && ends_item && q.from > 0 || before(&["sur"]);
            let shared =
                s.says.has(Concept::Criterion) && s.has_word(q.to, q.to + 1, &["pour", "sur"]) && q.value < 100.0;
            judged && (label && (q.to == s.tokens.len() || s.tokens[q.to].before != 0 || before(&["sur"])) || shared)
        }
        _ => false,
    }
}

/// Whether a number names a lot: "pour le lot 3", "les lots 3 et 4", "lot n° 2".
fn names_a_lot(s: &Statement<'_>, at: usize) -> bool {
    let joins = |i: &usize| {
        s.tokens[*i].is_number() || matches!(s.tokens[*i].word.as_ref(), "et" | "n" | "no" | "a" | "au" | "numero")
    };
    let before = (0..at).rev().find(|i| !joins(i));
    before.is_some_and(|i| matches!(s.tokens[i].word.as_ref(), "lot" | "lots"))
}

/// "prix 40, qualité 45": numbers end the items.
fn weighted_price(s: &Statement<'_>) -> bool {
    (0..s.tokens.len()).any(|i| {
        s.tokens[i].word == "prix"
            && s.tokens.get(i + 1).is_some_and(|t| t.is_number() && t.before & !(mark::COLON | mark::OPEN) == 0)
    })
}

/// The weight of the item that holds a hit.
fn item_weight(s: &Statement<'_>, hit: &Hit) -> Option<f64> {
    let (from, to) = item(s, hit);
    let all: Vec<Quantity> = weights(s).collect();
    // "(0,50) … (0,20)": parts of one.
    let sum: f64 = all.iter().map(|q| q.value).sum();
    let scale = if all.iter().all(|q| q.value <= 1.0) && (0.5..=1.05).contains(&sum) { 100.0 } else { 1.0 };
    let mine = all.iter().find(|q| q.from >= hit.to && q.from < to);
    let told_behind = || {
        // "Insertion sociale - Pondération : 20": the weight is the next item.
        let end = s.clause_end(to.min(s.tokens.len() - 1), mark::COMMA | mark::STOP);
        let next = s.tokens.get(to).is_some_and(|t| {
            ["ponder", "coef", "ac_weighting", "not", "poids"].iter().any(|w| t.word.starts_with(w)) || t.is_number()
        });
        all.iter().find(|q| next && q.from >= to && q.from <= end.min(to + 6))
    };
    // "Et, pour quinze pour cent, la part confiée à …".
    let led = |q: &&Quantity| q.to == from && q.from > 0 && s.tokens[q.from - 1].word == "pour";
    let before = || all.iter().rev().find(|q| q.from >= from && q.to <= hit.from).or_else(|| all.iter().find(led));
    // "L'accompagnement et le tutorat proposés, ainsi que leurs perspectives, pour 10 %": the only weight up to the semicolon.
    let in_segment = || {
        let end = s.clause_end(hit.to - 1, mark::ITEM | mark::STOP);
        let mut of_it =
            all.iter().filter(|q| q.from >= s.clause_start(hit.from, mark::ITEM | mark::STOP) && q.from < end);
        of_it.next().filter(|_| of_it.next().is_none()).filter(|q| q.from >= hit.to)
    };
    mine.or_else(told_behind).or_else(in_segment).or_else(before).map(|q| q.value * scale)
}

/// The weight of what a hit names: its item's, its row's, the statement's only one, or one told some lines below.
fn weight_of(statements: &[Statement<'_>], at: usize, hit: &Hit) -> Option<f64> {
    let s = &statements[at];
    item_weight(s, hit)
        .or_else(|| cell_weight(statements, at))
        .or_else(|| {
            let all: Vec<Quantity> = weights(s).collect();
            let behind = all.iter().find(|q| q.from >= hit.to);
            behind.or_else(|| all.iter().rev().find(|q| q.to <= hit.from)).map(|q| q.value)
        })
        .or_else(|| weight_below(statements, at))
}

/// The weight in another cell of a row: a number alone, in a column that counts neither hours nor money.
fn cell_weight(statements: &[Statement<'_>], at: usize) -> Option<f64> {
    let s = &statements[at];
    if !s.unit.cell {
        return None;
    }
    let row = statements[at + 1..].iter().take(4).take_while(|c| c.unit.line == s.unit.line);
    row.filter(|c| c.tokens.len() <= 2).find_map(|c| {
        let counted = c.unit.heading.and_then(|h| statements.iter().find(|x| x.index == h)).is_some_and(|h| {
            h.has_word(0, h.tokens.len(), &["heures", "heure", "h", "montant", "euros", "effectif", "nombre"])
        });
        let q = c.numbers.first().filter(|_| !counted)?;
        (matches!(q.unit, Unit::None | Unit::Percent | Unit::Points) && q.value <= 100.0).then_some(q.value)
    })
}

/// A form tells the weight some lines below: "Nombre critère d'attribution : 10".
fn weight_below(statements: &[Statement<'_>], at: usize) -> Option<f64> {
    let line = statements[at].unit.line;
    statements[at + 1..].iter().take(6).take_while(|s| s.unit.line - line <= 6).find_map(|s| {
        let labelled = s.has_word(0, 4, &["nombre", "chiffre", "ponderation", "poids", "valeur", "ac_weighting"])
            && s.says.has(Concept::Criterion);
        weights(s).next().filter(|_| labelled).map(|q| q.value)
    })
}

/// Reads the criteria that a form lists field by field, where the context is known.
#[must_use]
pub fn read_listed(criteria: &[Criterion]) -> Vec<Provision> {
    criteria
        .iter()
        .filter(|c| is_social(&c.name))
        .map(|c| {
            let evidence = Evidence { field: Some(c.field.clone()), quote: Some(c.name.trim().to_owned()) };
            let mut provision = Provision::new(ProvisionKind::AwardCriterion, evidence);
            provision.weight = c.weight.filter(|w| (0.0..=100.0).contains(w));
            provision.lots = c.lot.iter().cloned().collect();
            provision.article = Some("R2152-7".to_owned());
            provision
        })
        .collect()
}

/// Whether the name of a criterion is social.
fn is_social(name: &str) -> bool {
    let folded = super::fold::fold(name);
    let tokens = super::tokenizer::tokens(&folded, &(0..folded.len()));
    let hits = super::lexicon::Lexicon::embedded().find(&tokens, |_| false);
    let has = |wanted: &[Concept]| hits.iter().any(|h| wanted.contains(&h.concept));
    let bare = tokens.len() <= 12
        && tokens.iter().any(|t| matches!(t.word.as_ref(), "social" | "sociale" | "sociales" | "sociaux"));
    let other = has(&[Concept::NotInsertion, Concept::NotSocial, Concept::BidderMerit]);
    let insertion = has(&[Concept::InsertionAction]);
    (has(SOCIAL) || bare) && !other && (!has(&[Concept::BundledMerit]) || insertion)
}
