//! The frame "work owed": execution clauses (L2112-2, L2112-2-1; former article 14 of the code and article 38 of ordonnance
//! 2015-899; concessions L3114-2), with hours, share and lots.
//!
//! A statement owes work when it *names* a clause, when it lays an action of insertion or a social duty *on the winner*, when it gives
//! *work to people* far from employment, or when it tells the volume of what its heading named. Denial, tense and condition are
//! [`polarity`]'s; what is weighed is the criterion's; a service for such people asks nothing of the winner.

use std::ops::Range;

use vigie_domain::{Provision, ProvisionKind};

use super::criterion;
use super::finding::Reading;
use super::lexicon::{Concept, Hit};
use super::numbers::LotMention;
use super::polarity;
use super::quantity::{Quantity, Unit, quantities};
use super::reserved::{STRUCTURES, lots_of};
use super::statement::{Statement, mark};

/// Yearly hours of one full-time post: the legal duration (Code du travail L3121-41).
const HOURS_A_YEAR: f64 = 1607.0;

/// What one statement owes.
#[derive(Debug)]
struct Owed {
    /// Position among the statements.
    at: usize,
    range: Range<usize>,
    lots: Vec<String>,
    /// It names the clause; else it only describes it.
    named: bool,
    optional: bool,
}

/// Hours or a share, for some lots.
#[derive(Debug, Clone)]
struct Volume {
    range: Range<usize>,
    within: Range<usize>,
    lots: Vec<String>,
    value: f64,
    upper: Option<f64>,
    unit: Unit,
    total: bool,
}

/// Reads every execution clause the text tells; marks the statements it explains. A social condition that does not say which is one
/// where the contract is `for_structures` anyway, else another consideration with a doubt.
#[must_use]
pub fn read(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    for_structures: bool,
    explained: &mut Vec<usize>,
) -> Vec<Provision> {
    let reserved = explained.clone();
    let mut owed: Vec<Owed> = Vec::new();
    for (at, s) in statements.iter().enumerate() {
        if let Some(mut o) = owes(reading, s, &reserved, explained) {
            explained.push(s.index);
            // "Ce volume est fixé à …": of the lots of the sentence before.
            if o.lots.is_empty()
                && !o.named
                && let Some(last) = owed.last().filter(|l| at - l.at <= 2 && !reading.speaks_of_all(&s.unit.range))
            {
                o.lots.clone_from(&last.lots);
            }
            owed.push(Owed { at, ..o });
        }
    }
    for o in &mut owed {
        bind(reading, statements, o);
    }
    if owed.is_empty() {
        return unnamed(reading, statements, for_structures, explained);
    }
    let volumes = volumes(reading, statements, &owed, explained);
    provisions(reading, statements, &owed, &volumes)
}

/// "Concerne les lots 1 à 3.": the next sentence tells the lots.
fn bind(reading: &Reading<'_>, statements: &[Statement<'_>], o: &mut Owed) {
    if !o.lots.is_empty() {
        return;
    }
    let line = statements[o.at].unit.line;
    for s in statements[o.at + 1..].iter().take(4).take_while(|s| s.unit.line - line <= 3) {
        let concerns = s.has_word(0, 4, &["concerne", "concernent", "concernes", "lots"])
            && !s.says.any(&[Concept::Reserve, Concept::Deny, Concept::ClauseName]);
        let soumis = s.has_word(0, s.tokens.len(), &["y"])
            && s.has_word(0, s.tokens.len(), &["soumis", "concernes"])
            && !s.says.has(Concept::Deny);
        // "Pas soumis pour le lot 1 ; en revanche les lots 2 et 3 y sont soumis."
        let text = reading.doc.text();
        let bound = |m: &&LotMention| {
            let start = text[s.unit.range.start..m.range.start]
                .rfind(';')
                .map_or(s.unit.range.start, |i| s.unit.range.start + i);
            let head = text[start..m.range.start].trim_start_matches([' ', ';']);
            !(head.starts_with("pas ") || head.starts_with("non ") || head.contains(" pas ") || head.contains("aucun"))
        };
        if (concerns || soumis)
            && let Some(m) = reading.mentions(&s.unit.range).iter().find(bound)
        {
            o.lots.clone_from(&m.lots);
            return;
        }
    }
}

/// Why a statement owes work, if it does.
fn owes(reading: &Reading<'_>, s: &Statement<'_>, reserved: &[usize], explained: &mut Vec<usize>) -> Option<Owed> {
    if s.unit.ticked == Some(false)
        || s.says.has(Concept::TalkAboutClauses)
        || s.previous.has(Concept::TalkAboutClauses) && !s.says.has(Concept::Duty)
    {
        explained.push(s.index);
        return None;
    }
    // "Réservé aux organismes dont l'objet est l'insertion" describes who may bid.
    let goes_on = s.previous.has(Concept::Reserve) && s.says.any(STRUCTURES) && !s.says.has(Concept::Winner);
    let described = !reserved.contains(&s.index) && !goes_on;
    let mut hit = named(s, explained);
    if hit.is_none() && described {
        hit = laid_on_winner(reading, s, explained).or_else(|| work_given(reading, s)).or_else(|| volume_of_heading(s));
    }
    let (hit, named) = hit?;
    if criterion::weighs(s, &hit)
        || s.says.has(Concept::StaffMatter)
            && !s.says.any(&[Concept::InsertionAction, Concept::FarFromWork, Concept::ClauseName, Concept::SocialDuty])
    {
        return None;
    }
    let range = s.bytes(&hit);
    let mut lots = lots_of(reading, s, &range);
    if polarity::spares(s, &hit) {
        let spared = reading.lots_within(&(range.end..range.end), &(range.end..s.unit.range.end));
        lots = if spared.is_empty() {
            Vec::new()
        } else {
            reading.lots.iter().filter(|l| !spared.contains(l)).cloned().collect()
        };
    }
    let optional = s.says.has(Concept::Optional) && !s.has_word(0, s.tokens.len(), &["obligatoire", "obligatoirement"]);
    Some(Owed { at: 0, range, lots, named, optional })
}

/// "clause sociale", "heures d'insertion": the name suffices, unless denied.
fn named(s: &Statement<'_>, explained: &mut Vec<usize>) -> Option<(Hit, bool)> {
    let hits: Vec<&Hit> = s.of(Concept::ClauseName).collect();
    if hits.iter().any(|h| polarity::void(s, h)) {
        explained.push(s.index);
    }
    let hit = hits.iter().find(|h| !polarity::void(s, h))?;
    let about_staff = s.says.has(Concept::StaffMatter)
        && !s.says.any(&[Concept::FarFromWork, Concept::InsertionAction])
        && !s.tokens[hit.from..hit.to].iter().any(|t| t.word == "insertion");
    let rate = s.says.has(Concept::ServiceTalk) && s.tokens[hit.from].word.starts_with("taux");
    (!about_staff && !rate).then_some((**hit, true))
}

/// "Le titulaire devra mettre en œuvre une action d'insertion", "effort d'insertion obligatoire fixé à 900 heures".
fn laid_on_winner(reading: &Reading<'_>, s: &Statement<'_>, explained: &mut Vec<usize>) -> Option<(Hit, bool)> {
    // A percentage alone may be of anything.
    let firm = quantities(&s.tokens).iter().any(|q| {
        q.unit != Unit::Percent && counts(s, q, false) && matches!(q.unit, Unit::Hours | Unit::FullTime)
            || q.unit == Unit::Percent && share_of_work(s, q)
    });
    let quantity = has_volume(s) && (firm || s.says.any(&[Concept::Duty, Concept::Winner, Concept::GiveWork]))
        || quantities(&s.tokens).iter().any(|q| q.unit == Unit::Hours && s.has_word(q.to, q.to + 1, &["pour", "par"]));
    for hit in s.any_of(&[Concept::InsertionAction, Concept::SocialDuty]) {
        if polarity::void(s, hit) {
            explained.push(s.index);
            continue;
        }
        let about_insertion = hit.concept == Concept::InsertionAction;
        let bare = about_insertion && hit.to - hit.from == 1;
        let duty = s.any_of(&[Concept::Duty, Concept::Optional]).any(|d| d.from < hit.from || d.from >= hit.to)
            || future(s) && s.says.has(Concept::Winner);
        let laid = s.any_of(&[Concept::Winner, Concept::Contract, Concept::Optional]).next().is_some()
            || s.says.has(Concept::Duty);
        let asked = s.heading.any(&[Concept::SocialDuty, Concept::ClauseName]);
        let served = reading.served || s.says.has(Concept::ServiceTalk) && !quantity;
        let holds = if about_insertion {
            quantity && (!served || s.says.has(Concept::Winner))
                || duty && laid && !served && (!bare || s.says.any(&[Concept::GiveWork, Concept::FarFromWork]))
                || asked && !served
        } else {
            quantity && (duty || s.says.has(Concept::Winner)) && s.heading_or_own(&[Concept::SocialDuty]) && !served
                || s.says.has(Concept::FarFromWork) && s.says.has(Concept::GiveWork) && duty
        };
        // "Nature : ☒ insertion": an option ticked.
        let ticked = about_insertion
            && s.unit.ticked == Some(true)
            && s.tokens.len() <= 6
            && !s.heading.any(&[Concept::Reserve, Concept::Criterion]);
        if holds || ticked {
            return Some((*hit, false));
        }
    }
    None
}

/// "L'entreprise confiera 320 heures à des personnes qui peinent à accéder à un emploi", "10 % de la main-d'œuvre sera recrutée parmi
/// les demandeurs d'emploi", "devra sous-traiter à une entreprise adaptée".
fn work_given(reading: &Reading<'_>, s: &Statement<'_>) -> Option<(Hit, bool)> {
    let quantity = has_volume(s);
    let given = |h: &Hit| s.of(Concept::GiveWork).any(|g| g.from < h.from || g.from >= h.to);
    let people = s.of(Concept::FarFromWork).find(|h| !polarity::void(s, h) && given(h));
    let asked = s.says.any(&[Concept::Winner])
        || s.heading.any(&[Concept::SocialDuty, Concept::ClauseName, Concept::Contract]) && s.says.has(Concept::Duty);
    if let Some(hit) = people {
        let served = reading.served || s.says.has(Concept::ServiceTalk);
        let amount = s.has_word(0, s.tokens.len(), &["heures", "part", "partie", "quota", "volume"]);
        let duty = amount && s.says.has(Concept::Reserve) || s.says.has(Concept::Duty) && (asked || s.says.has(Concept::Contract))
            || (asked || s.says.has(Concept::Contract)) && amount
            || asked && future(s);
        let other = s.says.has(Concept::OtherSocial) && !quantity;
        let disabled = s.tokens[hit.from..hit.to].iter().any(|t| t.word.starts_with("handicap"));
        let hired = s.tokens.iter().any(|t| {
            ["embauch", "recrut", "emplo", "confi", "heure", "travail"].iter().any(|w| t.word.starts_with(w))
                && !t.word.starts_with("travailleur")
        });
        let share = quantities(&s.tokens).iter().any(|q| q.unit == Unit::Percent && share_of_work(s, q));
        if other || disabled && !hired && !quantity {
            return None;
        }
        if share {
            return Some((*hit, false));
        }
        let describes = s.any_of(STRUCTURES).any(|t| t.from <= hit.from && hit.to <= t.to);
        let asked_all_the_same = quantity && s.says.has(Concept::Winner) && !s.says.has(Concept::ServiceTalk);
        if !describes && (!served || asked_all_the_same) && (quantity || duty) {
            return Some((*hit, false));
        }
    }
    let structure = s.any_of(&[Concept::WorkIntegration, Concept::Sheltered]).find(|h| {
        let sub = s
            .of(Concept::Subcontract)
            .any(|c| c.to <= h.from && h.from - c.to <= 16 || quantity && c.from >= h.to && c.from - h.to <= 8);
        sub && !polarity::void(s, h)
    })?;
    let bound = strict_duty(s) || future(s) || quantity && s.says.has(Concept::Winner);
    let who = s.says.any(&[Concept::Winner]);
    (who && bound && !s.has_word(0, structure.from, &["qui", "pourra", "pourront", "peut", "peuvent", "candidats"]))
        .then_some((*structure, false))
}

/// "12.1 Le volume est fixé à 420 heures" under "Obligation sociale".
fn volume_of_heading(s: &Statement<'_>) -> Option<(Hit, bool)> {
    let social = s.heading.any(&[Concept::SocialDuty, Concept::ClauseName])
        || s.previous.any(&[Concept::ClauseName]) && s.has_word(0, s.tokens.len(), &["volume", "lots", "lot"]);
    let denied =
        s.any_of(&[Concept::Deny]).any(|d| matches!(s.tokens[d.from].word.as_ref(), "sans" | "aucun" | "aucune"));
    if !social || denied || !s.says.any(&[Concept::Winner, Concept::Duty, Concept::GiveWork, Concept::FarFromWork]) {
        return None;
    }
    let q = quantities(&s.tokens)
        .into_iter()
        .find(|q| matches!(q.unit, Unit::Hours | Unit::Percent | Unit::FullTime) && counts(s, q, false))?;
    (q.unit != Unit::Percent || s.says.any(&[Concept::FarFromWork]))
        .then_some((Hit { concept: Concept::SocialDuty, from: q.from, to: q.to }, false))
}

fn strict_duty(s: &Statement<'_>) -> bool {
    s.has_word(
        0,
        s.tokens.len(),
        &[
            "doit",
            "doivent",
            "devra",
            "devront",
            "oblige",
            "obligation",
            "tenu",
            "tenue",
            "tenus",
            "engage",
            "engagent",
            "impose",
            "imposee",
            "obligatoirement",
        ],
    )
}

/// Whether a verb of giving work stands in the future or present of the winner ("confiera", "recourt", "embauchera").
fn future(s: &Statement<'_>) -> bool {
    s.any_of(&[Concept::GiveWork, Concept::Subcontract]).any(|h| {
        let word = s.tokens[h.from].word.as_ref();
        ["era", "eront", "ra", "ront", "rt", "rent", "ecrute", "onfie", "ffecte", "mploie", "obilise", "eserve"]
            .iter()
            .any(|e| word.ends_with(e))
            || s.tokens[h.from].word == "a"
            || word == "fait"
            || s.has_word(h.from.saturating_sub(2), h.from, &["a", "fera", "feront"])
    })
}

fn has_volume(s: &Statement<'_>) -> bool {
    let labelled = s.has_word(0, s.tokens.len(), &["heures"]);
    if labelled
        && quantities(&s.tokens)
            .iter()
            .any(|q| q.unit == Unit::None && s.tokens[q.from].after(mark::COLON) && q.value >= 10.0)
    {
        return true;
    }
    quantities(&s.tokens)
        .iter()
        .any(|q| matches!(q.unit, Unit::Hours | Unit::Percent | Unit::FullTime) && counts(s, q, false))
}

/// Whether a quantity may be a volume of work: not a delay, a time of day, a penalty, a rate by the euro. `told`: the words around call
/// it insertion.
fn counts(s: &Statement<'_>, q: &Quantity, told: bool) -> bool {
    let before = |n: usize, words: &[&str]| s.has_word(q.from.saturating_sub(n), q.from, words);
    let behind = |n: usize, words: &[&str]| s.has_word(q.to, q.to + n, words);
    let moved = before(3, &["lieu"]) && before(4, &["au"]);
    let rate = behind(
        3,
        &[
            "semaine",
            "jour",
            "ouvrees",
            "hebdomadaires",
            "stagiaires",
            "stagiaire",
            "etudes",
            "ingenierie",
            "formation",
        ],
    ) || behind(7, &["tranche"])
        && (0..7).any(|i| {
            s.has_word(q.to + i, q.to + i + 1, &["tranche"]) && s.has_word(q.to + i + 1, q.to + i + 2, &["de"])
        })
        || behind(2, &["pour"]) && behind(6, &["€", "euros", "eur"]);
    let delay =
        before(3, &["sous", "delai", "delais", "preavis", "intervention", "ouverture", "formation", "formations"])
            || q.value <= 48.0 && before(1, &["pendant"])
            || before(2, &["dans", "les"]) && before(2, &["dans"]);
    let places = q.unit == Unit::Percent
        && behind(4, &["places", "place", "berceaux", "marches", "stagiaires", "repas", "logements"]);
    let clock = q.unit == Unit::Hours
        && q.value <= 24.0
        && (before(1, &["a", "de", "avant"]) && behind(2, &["a", "le"]) || before(2, &["heures", "h"]));
    let penalty = before(4, &["€", "euros"]) && before(2, &["par"]);
    let merit =
        s.has_word(0, q.from, &["qualite", "performance", "performances", "pertinence", "valeur", "connaissance"]);
    let weight = q.unit == Unit::Percent
        && !share_of_work(s, q)
        && (merit || !told && !s.says.any(&[Concept::ClauseName, Concept::FarFromWork, Concept::InsertionAction]));
    !(places || moved || rate || delay || clock || penalty || weight) && q.value > 0.0
}

/// Whether a percentage is a share of hours, time or staff.
pub(super) fn share_of_work(s: &Statement<'_>, q: &Quantity) -> bool {
    s.has_word(
        q.to,
        q.to + 8,
        &["heures", "temps", "main", "masse", "effectif", "effectifs", "volume", "travail", "postes"],
    ) && !s.has_word(q.to, q.to + 2, &["prix"])
}

/// A social condition that does not say which.
fn unnamed(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    for_structures: bool,
    explained: &mut Vec<usize>,
) -> Vec<Provision> {
    for s in statements.iter().filter(|s| s.unit.ticked != Some(false)) {
        let condition = s.of(Concept::SocialDuty).find(|h| !polarity::void(s, h));
        let Some(hit) = condition else { continue };
        let of_execution = s.says.any(&[Concept::Duty]) && s.says.any(&[Concept::Contract, Concept::Winner])
            || s.has_word(0, s.tokens.len(), &["execution"]);
        if !of_execution
            || s.says.any(&[Concept::StaffMatter, Concept::TalkAboutClauses, Concept::OtherSocial])
            || criterion::weighs(s, hit)
        {
            continue;
        }
        explained.push(s.index);
        let evidence = reading.doc.evidence_within(s.bytes(hit), &s.unit.range);
        if for_structures {
            let mut p = Provision::new(ProvisionKind::ExecutionClause, evidence);
            p.mandatory = Some(true);
            p.lots = lots_of(reading, s, &s.bytes(hit));
            return vec![p];
        }
        let mut p = Provision::new(ProvisionKind::Other, evidence);
        p.doubt = Some("condition sociale dont l’avis ne dit pas la nature : à vérifier au CCAP".to_owned());
        return vec![p];
    }
    Vec::new()
}

/// Hours and shares of what is owed: of its own statements, of the list or table below, of the sentence after.
fn volumes(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    owed: &[Owed],
    explained: &mut Vec<usize>,
) -> Vec<Volume> {
    let mut out: Vec<Volume> = Vec::new();
    let owing: Vec<usize> = owed.iter().map(|o| o.at).collect();
    for o in owed {
        let s = &statements[o.at];
        out.extend(of_statement(reading, s, Some(o), false));
        let hours_awaited = s.has_word(0, s.tokens.len(), &["heures", "heure", "volume", "nombre"]);
        for next in o.at + 1..statements.len().min(o.at + 40) {
            let below = &statements[next];
            if owing.contains(&next) || below.unit.ticked == Some(false) {
                break;
            }
            let lot_line = below.tokens.first().is_some_and(|t| matches!(t.word.as_ref(), "lot" | "lots"))
                || below.unit.row.is_some();
            let said = below.says.any(&[Concept::DenyAnswer]) && !below.tokens.iter().any(|t| t.is_number());
            let cue = below.has_word(
                0,
                below.tokens.len(),
                &[
                    "volume", "minimum", "nombre", "objectif", "lire", "part", "realiser", "soit", "porte", "quota",
                    "total",
                ],
            );
            // The head of a table says what its columns hold.
            if below.unit.is_heading
                && below.tokens.len() <= 4
                && !lot_line
                && !cue
                && next - o.at <= 8
                && below.unit.cell
            {
                continue;
            }
            let other =
                below.says.any(&[Concept::Criterion, Concept::Reserve]) || below.unit.is_heading && !lot_line && !cue;
            let follows = next - o.at <= 3
                && cue
                && below.says.any(&[Concept::Duty, Concept::Winner, Concept::GiveWork, Concept::ClauseName])
                || next - o.at <= 2 && cue;
            if other || said && !lot_line || !(lot_line || follows) {
                // A title may stand some lines above the table it names.
                let of_title = s.index == 0 && next - o.at <= 14 && !below.says.has(Concept::Criterion);
                if lot_line || next - o.at <= 2 && !other || of_title {
                    continue;
                }
                break;
            }
            let of_hours = || {
                let head = below.unit.heading.and_then(|h| statements.iter().find(|x| x.index == h));
                head.is_some_and(|h| h.has_word(0, h.tokens.len(), &["heures", "heure", "h"]))
            };
            let bare = if below.unit.row.is_some() { of_hours() } else { lot_line && hours_awaited };
            let mut found = of_statement(reading, below, None, bare);
            // What goes on with a statement is of its lots.
            for v in found.iter_mut().filter(|v| v.lots.is_empty() && !v.total) {
                v.lots.clone_from(&o.lots);
            }
            if !found.is_empty() {
                explained.push(below.index);
            }
            out.extend(found);
        }
    }
    settle(out)
}

/// Volumes of one statement, each with its lots; `bare`: numbers without a unit are hours (a list under "Nombre d'heures").
fn of_statement(reading: &Reading<'_>, s: &Statement<'_>, owed: Option<&Owed>, bare: bool) -> Vec<Volume> {
    let told = owed.is_some();
    let all = quantities(&s.tokens);
    let mentions = reading.mentions(&s.unit.range);
    let in_mention = |q: &Quantity| {
        let at = s.tokens[q.from].range.start;
        mentions.iter().any(|m| m.range.contains(&at))
    };
    let hours_word = s.has_word(0, s.tokens.len(), &["heures", "heure"]);
    let list = told && hours_word && mentions.len() >= 2;
    let mut found: Vec<Quantity> = Vec::new();
    for q in all {
        let counted = match q.unit {
            Unit::Hours => {
                counts(s, &q, told)
                    && (q.value > 48.0
                        || !mentions.is_empty()
                        || told
                            && (s.has_word(q.to, q.to + 4, &["insertion"])
                                || s.has_word(
                                    q.from.saturating_sub(4),
                                    q.from,
                                    &["minimum", "moins", "soit", "volume", "insertion", "sociale"],
                                )))
            }
            Unit::FullTime => true,
            Unit::Percent if s.unit.row.is_some() => true,
            Unit::Percent => {
                counts(s, &q, told)
                    && (told || share_of_work(s, &q))
                    && (!s.has_word(q.to, q.to + 4, &["montant"]) || s.has_word(q.to, q.to + 7, &["main"]))
                    && !is_weight(s, &q)
            }
            Unit::None => {
                let labelled =
                    s.tokens[q.from].after(mark::COLON) && hours_word && q.value >= if told { 5.0 } else { 10.0 };
                ((bare || list) && !in_mention(&q) && !s.tokens[q.from].after(mark::HYPHEN) || labelled)
                    && s.tokens[q.from].is_number()
                    && q.value > 0.0
                    && (bare && s.unit.row.is_some()
                        || s.tokens[q.from].after(mark::COLON | mark::ITEM | mark::OPEN)
                        || list)
                    && !s.has_word(q.from.saturating_sub(1), q.from, &["article", "annexe", "lot", "lots", "n"])
            }
            _ => false,
        };
        if counted {
            let unit = if q.unit == Unit::None { Unit::Hours } else { q.unit };
            found.push(Quantity { unit, ..q });
        }
    }
    // "1,5 ETP, soit 2 410 heures": the hours count; "600 heures par an, soit 2 400 heures": what "soit" tells.
    if found.iter().any(|q| q.unit == Unit::Hours) {
        found.retain(|q| q.unit != Unit::FullTime);
    }
    if let Some(after) =
        found.iter().position(|q| q.unit == Unit::Hours && s.has_word(q.from.saturating_sub(1), q.from, &["soit"]))
    {
        let kept = found[after].clone();
        let larger = found[..after].iter().filter(|q| q.unit == Unit::Hours).all(|q| q.value <= kept.value);
        if !larger && mentions.len() <= 1 {
            found.remove(after);
        }
        found.retain(|q| !larger || q.unit != Unit::Hours || q.from >= kept.from || !q.a_year && !mentions.is_empty());
    }
    distribute(reading, s, owed, &mentions, found)
}

/// "prix 40 %, délais 10 %": a weight, not a share.
fn is_weight(s: &Statement<'_>, q: &Quantity) -> bool {
    s.says.has(Concept::Criterion) && !share_of_work(s, q)
}

/// Gives each quantity its lots: "lot 1 : 300 h, lot 2 : 150 h", "300 h (lot 1), 150 h (lot 2)", "respectivement 300 et 180 heures".
fn distribute(
    reading: &Reading<'_>,
    s: &Statement<'_>,
    owed: Option<&Owed>,
    mentions: &[LotMention],
    found: Vec<Quantity>,
) -> Vec<Volume> {
    let position = |q: &Quantity| s.tokens[q.from].range.start;
    let range = |q: &Quantity| s.tokens[q.from].range.start..s.tokens[q.to - 1].range.end;
    let own = owed.map(|o| o.lots.clone()).unwrap_or_default();
    let volume = |q: &Quantity, lots: Vec<String>, total: bool| {
        let full_time = q.unit == Unit::FullTime;
        Volume {
            range: range(q),
            within: s.unit.range.clone(),
            lots,
            value: if full_time { (q.value * HOURS_A_YEAR).round() } else { q.value },
            upper: q.upper,
            unit: if full_time { Unit::Hours } else { q.unit },
            total,
        }
    };
    if let Some(row) = &s.unit.row {
        return found.iter().map(|q| volume(q, vec![row.clone()], false)).collect();
    }
    // Each of a list of lots, in order.
    let respectively = s.tokens.iter().position(|t| t.word == "respectivement");
    if let Some(told) = respectively
        && let Some(m) = mentions.iter().find(|m| m.lots.len() >= 2)
    {
        let mut values: Vec<Quantity> = quantities(&s.tokens)
            .into_iter()
            .filter(|q| {
                position(q) > m.range.end
                    && (q.from > told || s.tokens[told].range.start < m.range.end)
                    && matches!(q.unit, Unit::Hours | Unit::None | Unit::Percent)
            })
            .collect();
        values.truncate(m.lots.len());
        let unit = values.iter().map(|q| q.unit).find(|u| *u != Unit::None).unwrap_or(Unit::Hours);
        if values.len() == m.lots.len() {
            return m
                .lots
                .iter()
                .zip(values)
                .map(|(l, q)| volume(&Quantity { unit, ..q }, vec![l.clone()], false))
                .collect();
        }
    }
    // "02 (120 heures), 06 (84 heures)", "1 - 150 h ; 2 - 300 h".
    let numbered = |q: &Quantity| {
        let lot = q.from.checked_sub(1).map(|i| &s.tokens[i]).filter(|t| t.is_number() && t.word.len() <= 3)?;
        s.tokens[q.from]
            .after(mark::OPEN | mark::ITEM | mark::COLON)
            .then(|| vec![vigie_domain::Lot::clean_id(&lot.word)])
    };
    if found.len() >= 2
        && found.iter().all(|q| numbered(q).is_some())
        && s.has_word(0, s.tokens.len(), &["lot", "lots"])
    {
        return found.iter().map(|q| volume(q, numbered(q).unwrap_or_default(), false)).collect();
    }
    let behind = match (mentions.first(), found.first()) {
        (Some(m), Some(q)) => m.range.start > position(q) || several_behind(mentions, &found, &position),
        _ => false,
    };
    let many = found.len() > 1;
    found
        .iter()
        .enumerate()
        .map(|(i, q)| {
            let at = position(q);
            let next = found.get(i + 1).map_or(usize::MAX, &position);
            let total = s.has_word(q.from.saturating_sub(3), q.from, &["total", "totale", "global"])
                || s.has_word(q.to, q.to + 3, &["dont"]);
            let lots = if mentions.is_empty() {
                own.clone()
            } else if behind {
                mentions
                    .iter()
                    .find(|m| m.range.start > at && m.range.start < next && m.range.start - at < 120)
                    .map_or_else(|| if many { Vec::new() } else { own.clone() }, |m| m.lots.clone())
            } else {
                mentions.iter().rev().find(|m| m.range.end <= at).map_or_else(|| own.clone(), |m| m.lots.clone())
            };
            let lots = if total || q.each && mentions.is_empty() { Vec::new() } else { lots };
            let all = reading.speaks_of_all(&s.unit.range) && !many;
            volume(q, if all { own.clone() } else { lots }, total)
        })
        .collect()
}

/// Whether lots stand behind their quantities though a lot was named first ("clause pour deux lots : 300 h (lot 1)").
fn several_behind(mentions: &[LotMention], found: &[Quantity], position: &impl Fn(&Quantity) -> usize) -> bool {
    let rest = mentions.get(1..).unwrap_or_default();
    if rest.len() == found.len() && found.len() >= 2 && rest.iter().zip(found).all(|(m, q)| m.range.start > position(q))
    {
        return true;
    }
    let singles: Vec<&LotMention> = mentions.iter().filter(|m| m.lots.len() == 1).collect();
    mentions.first().is_some_and(|m| m.lots.len() > 1)
        && found.len() >= 2
        && singles.len() == found.len()
        && singles.iter().zip(found).all(|(m, q)| m.range.start > position(q))
}

/// Each volume once; a total beside its parts is dropped.
fn settle(mut found: Vec<Volume>) -> Vec<Volume> {
    found.sort_by_key(|v| v.range.start);
    let mut once: Vec<Volume> = Vec::new();
    for v in found {
        let same = |k: &Volume| {
            k.unit == v.unit
                && (k.range.start == v.range.start
                    || (k.lots == v.lots || k.lots.is_empty() || v.lots.is_empty()) && (k.value - v.value).abs() < 0.5)
        };
        match once.iter_mut().find(|k| same(k)) {
            Some(known) if known.lots.is_empty() && !v.lots.is_empty() => *known = v,
            Some(_) => {}
            None => once.push(v),
        }
    }
    let by_lot: f64 = once.iter().filter(|v| v.unit == Unit::Hours && !v.lots.is_empty()).map(|v| v.value).sum();
    let parts = once.iter().filter(|v| v.unit == Unit::Hours && !v.lots.is_empty()).count();
    once.retain(|v| {
        v.unit != Unit::Hours
            || !v.lots.is_empty()
            || !(v.total && parts > 0 || parts > 1 && (v.value - by_lot).abs() < 0.5)
    });
    once
}

/// One provision for each volume, and one for the lots that owe without a number.
fn provisions(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    owed: &[Owed],
    volumes: &[Volume],
) -> Vec<Provision> {
    let strongest = owed.iter().min_by_key(|o| (!o.named, o.at)).unwrap_or(&owed[0]);
    let mandatory =
        Some(!owed.iter().any(|o| o.optional) || owed.iter().any(|o| !o.optional && o.named && owed.len() > 1));
    let article = cited_article(statements, owed);
    let base = |lots: Vec<String>, range: Range<usize>, within: &Range<usize>| {
        let mut p = Provision::new(ProvisionKind::ExecutionClause, reading.doc.evidence_within(range, within));
        p.lots = lots;
        p.mandatory = mandatory;
        p.article = article.clone();
        p
    };
    let mut out: Vec<Provision> = Vec::new();
    for v in volumes.iter().filter(|v| v.unit == Unit::Hours) {
        let mut p = base(v.lots.clone(), v.range.clone(), &v.within);
        p.hours = Some(v.value);
        p.hours_max = v.upper;
        out.push(p);
    }
    let told: Vec<String> = out.iter().flat_map(|p| p.lots.clone()).collect();
    let mut without: Vec<String> = owed.iter().flat_map(|o| o.lots.clone()).filter(|l| !told.contains(l)).collect();
    without.sort_by_key(|l| (l.parse::<u32>().unwrap_or(u32::MAX), l.clone()));
    without.dedup();
    let for_all = owed.iter().any(|o| o.named && o.lots.is_empty()) || owed.iter().all(|o| o.lots.is_empty());
    if out.is_empty() || (!without.is_empty() && !out.iter().any(|p| p.lots.is_empty())) {
        let lots = if for_all && out.is_empty() && without.is_empty() { Vec::new() } else { without };
        let anchor = owed.iter().find(|o| o.named && o.lots.iter().any(|l| lots.contains(l))).unwrap_or(strongest);
        out.push(base(lots, anchor.range.clone(), &statements[anchor.at].unit.range));
    }
    let shares: Vec<&Volume> = volumes.iter().filter(|v| v.unit == Unit::Percent).collect();
    match shares.as_slice() {
        [] => {}
        [first, rest @ ..] if rest.iter().all(|o| (o.value - first.value).abs() < 0.01) => {
            for p in &mut out {
                p.percent = Some(first.value);
                if p.hours.is_none() {
                    p.evidence = reading.doc.evidence_within(first.range.clone(), &first.within);
                }
                if p.lots.is_empty() && p.hours.is_none() && rest.is_empty() {
                    p.lots.clone_from(&first.lots);
                }
            }
        }
        several => {
            out.retain(|p| p.hours.is_some());
            for v in several {
                let mut p = base(v.lots.clone(), v.range.clone(), &v.within);
                p.percent = Some(v.value);
                out.push(p);
            }
        }
    }
    out
}

fn cited_article(statements: &[Statement<'_>], owed: &[Owed]) -> Option<String> {
    let cited = owed
        .iter()
        .flat_map(|o| &statements[o.at].tokens)
        .find(|t| t.word.starts_with("l2112-2") || t.word.starts_with("l3114-2"));
    Some(cited.map_or_else(|| "L2112-2".to_owned(), |t| t.word.to_uppercase()))
}
