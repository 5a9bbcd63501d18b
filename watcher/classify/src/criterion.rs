//! The frame "what is judged": award criteria on social performance (L2152-7, R2152-7; former article 53), with their weight.
//!
//! An item of a list of criteria is one when it speaks of insertion or of social merit. A bundled "environnementales et sociales", RSE
//! or "développement durable" criterion is none; "insertion dans le site" belongs to architects; a weight is not a share of work.

use vigie_domain::{Evidence, Provision, ProvisionKind, notice::Criterion};

use super::finding::Reading;
use super::lexicon::{Concept, Hit};
use super::polarity;
use super::quantity::{Quantity, Unit};
use super::reserved::lots_of;
use super::statement::Statement;
use super::token::mark;
use super::volume::share_of_work;

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
    for (at, s) in statements.iter().enumerate().filter(|(_, s)| s.unit.ticked != Some(false)) {
        // A form tells name, description and weight of a criterion on lines of their own.
        let described = (s.heading.has(Concept::Criterion) || s.previous.has(Concept::Criterion))
            && s.tokens.first().is_some_and(|t| matches!(t.word.as_ref(), "nom" | "description"))
            && s.any_of(SOCIAL).next().is_some()
            && (!reading.served || s.says.any(&[Concept::SocialMerit, Concept::GiveWork]));
        let below = if described { weight_below(statements, at) } else { None };
        if let (Some(hit), Some(weight)) =
            (s.any_of(SOCIAL).find(|h| !bundled(s, h) && h.concept != Concept::ClauseName), below)
        {
            explained.push(s.index);
            push(&mut out, reading, s, hit, Some(weight));
            continue;
        }
        let Some((hit, weight)) = s.any_of(SOCIAL).find_map(|h| holds(reading, s, h).then(|| (*h, weight(s, h))))
        else {
            continue;
        };
        explained.push(s.index);
        let weight = weight.or_else(|| weight_below(statements, at));
        push(&mut out, reading, s, &hit, weight);
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
        Provision::new(ProvisionKind::AwardCriterion, reading.doc.evidence_within(s.bytes(hit), &s.unit.range));
    provision.weight = weight;
    provision.lots = lots;
    provision.article = Some("R2152-7".to_owned());
    out.push(provision);
}

/// Whether the item of a hit bundles other merits ("environnementales et sociales").
fn bundled(s: &Statement<'_>, hit: &Hit) -> bool {
    let (from, to) = item(s, hit);
    let within = |c: Concept| s.of(c).any(|h| h.from >= from && h.to <= to);
    within(Concept::BundledMerit) && !within(Concept::InsertionAction) && !within(Concept::FarFromWork)
}

/// Whether what a hit names is weighed rather than owed: used by the frame of clauses too.
#[must_use]
pub fn weighs(s: &Statement<'_>, hit: &Hit) -> bool {
    let (from, to) = item(s, hit);
    // "10 % des heures sont confiées …" is owed, whatever criterion stands beside it.
    let share =
        s.numbers.iter().any(|q| q.unit == Unit::Percent && share_of_work(s, q) && q.from >= from && q.from < hit.from);
    if share && !s.of(Concept::Criterion).any(|c| c.from < hit.from) {
        return false;
    }
    let all = &s.numbers;
    if all.iter().any(|q| q.unit == Unit::Points && q.value <= 100.0)
        && !all.iter().any(|q| q.unit == Unit::Hours || q.unit == Unit::Percent && share_of_work(s, q))
    {
        return true;
    }
    let judged = s.of(Concept::Criterion).any(|c| c.from >= from.saturating_sub(3) && c.from < to && !negated(s, c));
    let listed = weights(s).count() >= 2 || s.heading.has(Concept::Criterion);
    let mine = item_weight(s, hit).is_some();
    let after_list = s.previous.has(Concept::Criterion)
        && !s.says.has(Concept::Duty)
        && s.tokens[from].after(mark::ITEM | mark::COLON);
    after_list
        || judged && !denies_criterion(s)
        || listed && mine && !owed_in(s, from, to)
        || s.heading.has(Concept::Criterion) && mine
}

/// "ne constitue pas un critère", "n'est pas notée": what is not judged may still be owed.
fn denies_criterion(s: &Statement<'_>) -> bool {
    s.of(Concept::Criterion).any(|c| negated(s, c))
}

fn negated(s: &Statement<'_>, c: &Hit) -> bool {
    let ne = (c.from.saturating_sub(8)..c.from).any(|i| matches!(s.tokens[i].word.as_ref(), "ne" | "n"));
    ne && s.has_word(c.from.saturating_sub(6), c.from + 1, &["pas", "plus", "aucun"])
}

fn holds(reading: &Reading<'_>, s: &Statement<'_>, hit: &Hit) -> bool {
    let (from, to) = item(s, hit);
    let within = |concept: Concept| s.of(concept).any(|h| h.from >= from && h.to <= to);
    // "Les offres sont jugées selon trois critères. 6.1 : … ; 6.3 : contribution … à l'accès à l'emploi …"
    let after_list = s.previous.has(Concept::Criterion)
        && !s.says.has(Concept::Duty)
        && s.tokens[from].after(mark::ITEM | mark::COLON);
    let list = after_list
        || s.says.has(Concept::Criterion)
            && weights(s).count() >= 2
            && item_weight(s, hit).is_some()
            && !denies_criterion(s);
    let own_criterion = list
        || s.of(Concept::Criterion).any(|c| c.from >= from.saturating_sub(12) && c.from < to + 6 && !negated(s, c));
    let listed = s.says.has(Concept::Criterion) || s.heading.has(Concept::Criterion) || weights(s).count() >= 2;
    let weight = item_weight(s, hit);
    let ranked = from <= 1
        && s.unit.range.len() < 160
        && (s.tokens.first().is_some_and(super::token::Token::is_number)
            || !s.says.any(&[Concept::Duty])
            || hit.concept == Concept::SocialMerit);
    let points = s
        .numbers
        .iter()
        .any(|q| q.unit == Unit::Points && q.from >= from && q.to <= to && !s.says.has(Concept::Winner));
    let judged = points
        || own_criterion && (weight.is_some() || !s.says.has(Concept::Winner))
        || weight.is_some() && (listed || ranked);
    let insertion = s.of(Concept::InsertionAction).any(|h| h.from >= from && h.to <= to && h.to - h.from > 1);
    let bundled = bundled(s, hit);
    if s.says.has(Concept::ClauseName) && !own_criterion && !s.heading.has(Concept::Criterion) {
        return false;
    }
    let social = match hit.concept {
        Concept::ClauseName => own_criterion || s.heading.has(Concept::Criterion) && weight.is_some(),
        Concept::SocialDuty => weight.is_some() && !bundled && !s.has_word(0, s.tokens.len(), &["execution"]),
        Concept::WorkIntegration | Concept::Sheltered => {
            s.has_word(from, to, &["part", "heures", "emploi", "recours", "sous"])
        }
        _ => true,
    };
    let served = (reading.served || s.has_word(from, to, &["questionnaire", "diplomes", "etudiants"]))
        && !insertion
        && !within(Concept::SocialMerit)
        && !within(Concept::GiveWork);
    let sold = within(Concept::BidderMerit) || s.says.has(Concept::Selection) || s.heading.has(Concept::Selection);
    let work = s.says.any(&[Concept::Winner]) && owed_in(s, from, to) && !own_criterion;
    judged
        && social
        && !bundled
        && !served
        && !sold
        && !work
        && !polarity::void(s, hit)
        && !s.says.has(Concept::TalkAboutClauses)
        && !denied_criterion(s, hit)
}

/// "Le critère insertion ne sera pas retenu".
fn denied_criterion(s: &Statement<'_>, hit: &Hit) -> bool {
    let (from, to) = item(s, hit);
    s.of(Concept::Criterion).any(|c| c.from + 8 >= from && c.from <= to && (polarity::denied(s, c) || negated(s, c)))
}

fn owed_in(s: &Statement<'_>, from: usize, to: usize) -> bool {
    s.has_word(
        from,
        to,
        &["devra", "devront", "doit", "doivent", "engage", "reserve", "consacre", "soumis", "comporte", "prevoit"],
    ) || s.of(Concept::Duty).any(|d| d.from >= from && d.to <= to && s.tokens[d.from].word.starts_with("oblig"))
}

/// The item of a list that holds a hit: between commas, semicolons, bullets.
fn item(s: &Statement<'_>, hit: &Hit) -> (usize, usize) {
    (
        s.clause_start(hit.from, mark::COMMA | mark::ITEM | mark::STOP),
        s.clause_end(hit.to - 1, mark::COMMA | mark::ITEM | mark::STOP),
    )
}

/// Weights of a statement: points, percents that share no work, numbers behind a colon or in brackets.
fn weights<'s>(s: &'s Statement<'_>) -> impl Iterator<Item = Quantity> + use<'s> {
    s.numbers.iter().filter(|q| is_weight(s, q)).cloned()
}

fn is_weight(s: &Statement<'_>, q: &Quantity) -> bool {
    if !(0.0..=100.0).contains(&q.value) {
        return false;
    }
    match q.unit {
        Unit::Points => true,
        Unit::Percent if s.has_word(q.to, q.to + 3, &["places", "place", "berceaux"]) => false,
        Unit::Percent => !share_of_work(s, q) || s.has_word(q.from.saturating_sub(1), q.from, &["pondere"]),
        Unit::None => {
            let t = &s.tokens[q.from];
            let label = t.after(mark::COLON | mark::OPEN)
                || q.from > 0
                    && (s.tokens[q.from - 1].word.starts_with("ponder")
                        || s.tokens[q.from - 1].word == "sur"
                        || s.tokens[q.from - 1].word == "ac_weighting");
            let judged = s.says.has(Concept::Criterion)
                || s.has_word(0, s.tokens.len(), &["prix", "technique", "points"])
                || s.heading.has(Concept::Criterion);
            let listed =
                s.has_word(0, s.tokens.len(), &["prix"]) && weighted_price(s) || s.heading.has(Concept::Criterion);
            let ends_item = q.to == s.tokens.len() || s.tokens[q.to].after(mark::COMMA | mark::ITEM | mark::STOP);
            if listed && ends_item && q.from > 0 && s.tokens[q.from].before & !mark::CLOSE == 0 && t.is_number() {
                return true;
            }
            judged && label && t.is_number() && (q.to == s.tokens.len() || s.tokens[q.to].before != 0)
        }
        _ => false,
    }
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
    let mine = all.iter().find(|q| q.from >= hit.to && q.from < to);
    let told_behind = || {
        // "Insertion sociale - Pondération : 20": the weight is the next item.
        let end = s.clause_end(to.min(s.tokens.len() - 1), mark::COMMA | mark::STOP);
        let next = s.tokens.get(to).is_some_and(|t| {
            t.word.starts_with("ponder")
                || t.word == "ac_weighting"
                || t.word == "note"
                || t.word == "notee"
                || t.word == "noté"
                || t.is_number()
        });
        all.iter().find(|q| next && q.from >= to && q.from <= end)
    };
    let before = || all.iter().find(|q| q.from >= from && q.to <= hit.from);
    mine.or_else(told_behind).or_else(before).map(|q| q.value)
}

fn weight(s: &Statement<'_>, hit: &Hit) -> Option<f64> {
    item_weight(s, hit).or_else(|| {
        let all: Vec<Quantity> = weights(s).collect();
        all.iter().find(|q| q.from >= hit.to).or(if all.len() == 1 { all.first() } else { None }).map(|q| q.value)
    })
}

/// A form tells the weight some lines below: "Nombre critère d'attribution : 10".
fn weight_below(statements: &[Statement<'_>], at: usize) -> Option<f64> {
    let line = statements[at].unit.line;
    statements[at + 1..].iter().take(6).take_while(|s| s.unit.line - line <= 6).find_map(|s| {
        let labelled = s.has_word(0, 4, &["nombre", "ponderation", "poids", "valeur", "ac_weighting"])
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
