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
use super::quantity::{Quantity, Unit};
use super::reserved::{STRUCTURES, lots_of};
use super::statement::Statement;
use super::token::mark;
use super::undertaking::{bound_after_all, done_by, future, strict_duty, undertakes};
use super::volume::{Owed, Volume, counts, share_of_work, volumes};

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
        // "Assistance à la mise en œuvre des clauses sociales": the clauses it speaks of are of other contracts.
        if reading.studied && !(s.says.any(&[Concept::Winner, Concept::Contract]) && s.says.has(Concept::Duty)) {
            explained.extend(s.says.has(Concept::TalkAboutClauses).then_some(s.index));
            continue;
        }
        if let Some(mut o) = owes(reading, statements, at, &reserved, explained) {
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

/// "Article 8 - Clause sociale", and below it who takes over whom: the heading's own sense of the words.
fn about_staff_below(statements: &[Statement<'_>], at: usize, hit: &Hit) -> bool {
    const WORK: &[Concept] =
        &[Concept::InsertionAction, Concept::FarFromWork, Concept::WorkIntegration, Concept::Sheltered];
    let s = &statements[at];
    let below = || statements[at + 1..].iter().take(3).filter(|b| b.unit.line - s.unit.line <= 3);
    s.unit.is_heading
        && !s.has_word(hit.from, hit.to, &["insertion"])
        && below().any(|b| b.says.has(Concept::StaffMatter))
        && !below().any(|b| b.says.any(WORK))
}

/// Why a statement owes work, if it does.
fn owes(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    at: usize,
    reserved: &[usize],
    explained: &mut Vec<usize>,
) -> Option<Owed> {
    let s = &statements[at];
    if s.unit.ticked == Some(false)
        || s.says.has(Concept::TalkAboutClauses)
        || s.previous.has(Concept::TalkAboutClauses) && !s.says.has(Concept::Duty)
    {
        explained.push(s.index);
        return None;
    }
    let work = |q: &Quantity| matches!(q.unit, Unit::Hours | Unit::FullTime);
    if s.says.has(Concept::BidderPaper) && !s.says.has(Concept::ClauseName) && !s.numbers.iter().any(work) {
        return None;
    }
    // "Réservé aux organismes dont l'objet est l'insertion" describes who may bid.
    let goes_on = s.previous.has(Concept::Reserve) && s.says.any(STRUCTURES) && !s.says.has(Concept::Winner);
    let described = !reserved.contains(&s.index) && !goes_on;
    let mut hit = named(s, explained).or_else(|| below_article(s));
    if hit.is_some_and(|(h, _)| about_staff_below(statements, at, &h)) {
        explained.push(s.index);
        return None;
    }
    if hit.is_none() && described && !buyer_speaks(s) {
        hit = laid_on_winner(reading, s, explained)
            .or_else(|| work_given(reading, statements, at))
            .or_else(|| volume_of_heading(s));
    }
    let (hit, named) = hit?;
    // "Critère insertion : heures proposées au-delà des 300 heures imposées": both.
    let beyond = s
        .tokens
        .iter()
        .position(|t| t.word == "dela")
        .is_some_and(|i| s.numbers.iter().any(|q| q.unit == Unit::Hours && q.from > i && q.from - i <= 6));
    if criterion::weighs(statements, at, &hit) && !beyond
        || s.says.has(Concept::StaffMatter)
            && !s.says.any(&[Concept::InsertionAction, Concept::FarFromWork, Concept::ClauseName, Concept::SocialDuty])
    {
        return None;
    }
    let range = s.bytes(&hit);
    let mut lots = lots_of(reading, s, &range);
    if let Some(at) = bound_after_all(s) {
        let from = s.tokens[at].range.start;
        lots = reading.mentions(&(from..s.unit.range.end)).into_iter().flat_map(|m| m.lots).collect();
    }
    // "1er lot : néant. Lot 2 : 300 heures."
    if s.tokens.last().is_some_and(|t| matches!(t.word.as_ref(), "neant" | "non")) {
        lots.clear();
    }
    if polarity::spares(s, &hit) {
        let spared = reading.lots_within(&(range.end..range.end), &(range.end..s.unit.range.end));
        lots = if spared.is_empty() {
            Vec::new()
        } else {
            reading.lots.iter().filter(|l| !spared.contains(l)).cloned().collect()
        };
    }
    // "Objectif social promu : Possibilités d'emploi …" is a form's wording.
    let optional = s.says.has(Concept::Optional)
        && !s.has_word(0, 3, &["objectif"])
        && !s.has_word(0, s.tokens.len(), &["obligatoire", "obligatoirement"]);
    Some(Owed { at: 0, range, lots, named, optional })
}

/// "clause sociale", "heures d'insertion": the name suffices, unless denied.
fn named(s: &Statement<'_>, explained: &mut Vec<usize>) -> Option<(Hit, bool)> {
    // "Insertion : ☐ lot réservé ☒ clause, lots 1 et 2".
    if s.unit.ticked == Some(true)
        && s.heading.has(Concept::InsertionAction)
        && let Some(from) = s.tokens.iter().position(|t| t.word == "clause")
    {
        let hit = Hit { concept: Concept::ClauseName, from, to: from + 1 };
        return (!polarity::void(s, &hit)).then_some((hit, true));
    }
    // A table of hours for such people names what it counts in its head.
    if s.unit.cell && s.unit.is_heading && s.has_word(0, s.tokens.len(), &["heures"]) {
        let people = s.any_of(&[Concept::FarFromWork, Concept::InsertionAction]).next().copied();
        if let Some(hit) = people.filter(|h| !polarity::void(s, h) && !s.says.has(Concept::ServiceTalk)) {
            return Some((hit, true));
        }
    }
    // "Gros œuvre | oui - 200 h", in the column "Insertion".
    let column = s.unit.cell && s.unit.row.is_some() && s.heading.any(&[Concept::InsertionAction, Concept::ClauseName]);
    if column && !s.heading.any(&[Concept::Criterion, Concept::Reserve]) && s.has_word(0, 1, &["oui"]) {
        return Some((Hit { concept: Concept::ClauseName, from: 0, to: 1 }, true));
    }
    let hits: Vec<&Hit> = s.of(Concept::ClauseName).collect();
    // "Clauses sociale et environnementale - Clause sociale : 0 heure": the label heads what is denied.
    if let [label, .., last] = hits.as_slice()
        && label.from <= 4
        && s.tokens[last.from].after(mark::ITEM)
        && polarity::denied_by_answer(s, last)
    {
        explained.push(s.index);
        return None;
    }
    if hits.iter().any(|h| polarity::settled(s, h)) {
        explained.push(s.index);
    }
    let again = bound_after_all(s).is_some();
    let hit = hits.iter().find(|h| again || !polarity::void(s, h))?;
    let about_staff = s.says.has(Concept::StaffMatter)
        && !s.says.any(&[Concept::FarFromWork, Concept::InsertionAction])
        && !s.tokens[hit.from..hit.to].iter().any(|t| t.word == "insertion");
    // "Article 12 : clauses sociales et environnementales" heads both; what it asks stands below.
    let both = s.unit.is_heading
        && s.says.has(Concept::BundledMerit)
        && !s.says.any(&[Concept::InsertionAction, Concept::FarFromWork]);
    if both {
        return None;
    }
    let rate = s.says.has(Concept::ServiceTalk) && s.tokens[hit.from].word.starts_with("taux");
    (!about_staff && !rate).then_some((**hit, true))
}

/// "Le titulaire devra mettre en œuvre une action d'insertion", "effort d'insertion obligatoire fixé à 900 heures".
fn laid_on_winner(reading: &Reading<'_>, s: &Statement<'_>, explained: &mut Vec<usize>) -> Option<(Hit, bool)> {
    if !s.says.any(&[Concept::InsertionAction, Concept::SocialDuty]) {
        return None;
    }
    // A percentage alone may be of anything.
    let firm = s.numbers.iter().any(|q| {
        q.unit != Unit::Percent && counts(s, q, false) && matches!(q.unit, Unit::Hours | Unit::FullTime)
            || q.unit == Unit::Percent && share_of_work(s, q)
    });
    let quantity = has_volume(s) && (firm || s.says.any(&[Concept::Duty, Concept::Winner, Concept::GiveWork]))
        || s.numbers.iter().any(|q| q.unit == Unit::Hours && s.has_word(q.to, q.to + 1, &["pour", "par"]));
    for hit in s.any_of(&[Concept::InsertionAction, Concept::SocialDuty]) {
        if hit.concept == Concept::SocialDuty && s.says.has(Concept::OtherSocial) && !quantity {
            continue;
        }
        if polarity::void(s, hit) {
            if polarity::settled(s, hit) {
                explained.push(s.index);
            }
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
            quantity
                && (duty || firm || s.says.has(Concept::Winner))
                && s.heading_or_own(&[Concept::SocialDuty])
                && !served
                || s.says.has(Concept::FarFromWork) && s.says.has(Concept::GiveWork) && duty
                || s.says.any(&[Concept::WorkIntegration, Concept::Sheltered])
                    && s.says.has(Concept::Winner)
                    && s.says.has(Concept::Subcontract)
        };
        // "Action d'insertion : elle vise tous les lots, hormis le 4".
        let binds = ["vise", "visent", "concerne", "concernent", "applique", "appliquent", "porte", "portent"];
        let labelled = about_insertion
            && !bare
            && hit.from <= 2
            && s.tokens.get(hit.to).is_some_and(|t| t.after(mark::COLON))
            && s.has_word(hit.to, hit.to + 5, &binds)
            && s.has_word(hit.to, s.tokens.len(), &["lot", "lots"]);
        // "Nature : ☒ insertion": an option ticked.
        let ticked = about_insertion
            && s.unit.ticked == Some(true)
            && s.tokens.len() <= 6
            && !s.heading.any(&[Concept::Reserve, Concept::Criterion]);
        if holds || labelled || ticked {
            return Some((*hit, false));
        }
    }
    None
}

/// "L'entreprise confiera 320 heures à des personnes qui peinent à accéder à un emploi", "10 % de la main-d'œuvre sera recrutée parmi
/// les demandeurs d'emploi", "devra sous-traiter à une entreprise adaptée".
fn work_given(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize) -> Option<(Hit, bool)> {
    let s = &statements[at];
    if !s.says.any(&[Concept::FarFromWork, Concept::WorkIntegration, Concept::Sheltered]) {
        return None;
    }
    let quantity = has_volume(s);
    let given = |h: &Hit| s.of(Concept::GiveWork).any(|g| g.from < h.from || g.from >= h.to);
    let people = s.of(Concept::FarFromWork).find(|h| !polarity::void(s, h) && (given(h) || done_by(s, h)));
    // "La Ville emploie … ; les entreprises ne sont soumises à rien": the winner of another clause is none here.
    let part =
        |h: &Hit| s.clause_start(h.from, mark::ITEM | mark::STOP)..s.clause_end(h.to - 1, mark::ITEM | mark::STOP);
    let winner =
        people.is_none_or(|h| s.of(Concept::Winner).any(|w| part(h).contains(&w.from))) && s.says.has(Concept::Winner);
    let asked = winner || s.heading.any(&[Concept::SocialDuty, Concept::ClauseName]) && s.says.has(Concept::Duty);
    if s.says.has(Concept::StaffMatter) && !quantity {
        return None;
    }
    if let Some(hit) = people {
        let served = reading.served || s.says.has(Concept::ServiceTalk);
        let amount = s.has_word(0, s.tokens.len(), &["heures", "part", "partie", "quota", "volume", "temps"]);
        let duty = amount && s.says.has(Concept::Reserve)
            || s.says.has(Concept::Duty) && (asked || s.says.has(Concept::Contract))
            || (asked || s.says.has(Concept::Contract)) && amount
            || asked && future(s);
        let other = s.says.has(Concept::OtherSocial) && !quantity;
        let open = s.says.any(&[Concept::Bid, Concept::Reserve]) || served;
        let imposed = strict_duty(s) && !open;
        let disabled = s.tokens[hit.from..hit.to].iter().any(|t| t.word.starts_with("handicap"));
        let hired = s.tokens.iter().enumerate().any(|(i, t)| {
            let duty_of_employment = t.word == "emploi" && i > 1 && s.has_word(i - 2, i, &["obligation"]);
            (i < hit.from || i >= hit.to)
                && ["embauch", "recrut", "emplo", "confi", "heure", "travail", "recour", "salarie"]
                    .iter()
                    .any(|w| t.word.starts_with(w))
                && !t.word.starts_with("travailleur")
                && !duty_of_employment
        });
        let share = s.numbers.iter().any(|q| q.unit == Unit::Percent && share_of_work(s, q));
        let quantity = quantity || hours_below(reading, statements, at);
        const GIVEN: &[&str] = &[
            "revient",
            "reviennent",
            "confiee",
            "confiees",
            "reservee",
            "reservees",
            "effectuee",
            "effectuees",
            "accomplies",
            "accomplie",
            "executee",
            "executees",
            "realisees",
            "realisee",
        ];
        let duty = duty || amount && s.has_word(0, s.tokens.len(), GIVEN) && !s.says.has(Concept::Reserve);
        if other || disabled && !hired && !quantity {
            return None;
        }
        if share {
            return Some((*hit, false));
        }
        let describes = s.any_of(STRUCTURES).any(|t| t.from <= hit.from && hit.to <= t.to);
        let asked_all_the_same = quantity && s.says.has(Concept::Winner) && !s.says.has(Concept::ServiceTalk);
        let at_least = s.has_word(0, s.tokens.len(), &["moins", "minimum"]) && hired && !open;
        let site = hired || s.has_word(0, s.tokens.len(), &["chantier"]);
        let promised = (undertakes(s) || at_least) && !open || imposed && site;
        if !describes && (!served || asked_all_the_same) && (quantity || duty || promised) {
            return Some((*hit, false));
        }
    }
    let structure = s.any_of(&[Concept::WorkIntegration, Concept::Sheltered]).find(|h| {
        let sub = s.of(Concept::Subcontract).any(|c| {
            c.to <= h.from && h.from - c.to <= 16
                || (quantity || strict_duty(s)) && c.from >= h.to && c.from - h.to <= 10
        });
        (sub || done_by(s, h)) && !polarity::void(s, h)
    })?;
    const ASKED: &[&str] =
        &["demande", "demandee", "attendu", "attendue", "exige", "exigee", "requis", "prevoit", "prevu"];
    let bound = strict_duty(s)
        || s.has_word(0, structure.from, ASKED)
        || future(s)
        || quantity && s.says.has(Concept::Winner)
        || s.says.has(Concept::Only) && s.of(Concept::Winner).any(|w| w.to <= structure.from);
    let who = s.says.any(&[Concept::Winner]);
    let invited = s.says.has(Concept::Optional) && s.says.has(Concept::Bid);
    (who && !invited
        && (bound || done_by(s, structure))
        && !s.has_word(0, structure.from, &["qui", "pourra", "pourront", "peut", "peuvent", "candidats"]))
    .then_some((*structure, false))
}

/// "Article 12 – Insertion", and below it "12.1 Publics : …", "12.2 Volume : voir annexe".
fn below_article(s: &Statement<'_>) -> Option<(Hit, bool)> {
    let headed = s.heading.any(&[Concept::InsertionAction, Concept::ClauseName])
        && !s.heading.any(&[Concept::Criterion, Concept::Reserve, Concept::Selection, Concept::NotInsertion]);
    let publics = s.has_word(0, 4, &["public", "publics", "beneficiaires"]);
    let hit = s
        .of(Concept::FarFromWork)
        .find(|h| !polarity::void(s, h))
        .filter(|_| headed && publics && s.unit.heading.is_some())?;
    s.tokens[..hit.from].iter().chain(&s.tokens[hit.from..]).any(|t| t.after(mark::COLON)).then_some((*hit, true))
}

/// "La collectivité emploie douze personnes …": the buyer speaks of itself.
fn buyer_speaks(s: &Statement<'_>) -> bool {
    const BUYERS: &[&str] = &[
        "collectivite",
        "ville",
        "commune",
        "departement",
        "region",
        "metropole",
        "mairie",
        "etat",
        "agglomeration",
        "etablissement",
        "lycee",
        "ecole",
        "college",
        "association",
        "foyer",
        "centre",
        "bailleur",
        "restaurant",
    ];
    // "142 agents dont 9 …": its staff.
    let staff =
        s.tokens.first().is_some_and(|t| t.is_number()) && s.has_word(1, 2, &["agents", "salaries", "employes"]);
    (staff || s.has_word(0, 3, BUYERS) && !s.says.any(&[Concept::Contract]))
        && !s.numbers.iter().any(|q| q.unit == Unit::Hours)
        && !s.of(Concept::Winner).any(|w| w.from < 12)
}

/// "À ce titre : - lot 2 : trois cent cinquante heures ; …": a list of lots with their hours below.
fn hours_below(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize) -> bool {
    let line = statements[at].unit.line;
    statements[at + 1..].iter().take(4).take_while(|b| b.unit.line - line <= 3).any(|b| {
        b.tokens.len() <= 20
            && b.numbers.iter().any(|q| q.unit == Unit::Hours && q.value >= 10.0)
            && !reading.mentions(&b.unit.range).is_empty()
            && !b.says.any(&[Concept::Criterion, Concept::Reserve])
    })
}

/// "12.1 Le volume est fixé à 420 heures" under "Obligation sociale".
fn volume_of_heading(s: &Statement<'_>) -> Option<(Hit, bool)> {
    let social = s.heading.any(&[Concept::SocialDuty, Concept::ClauseName])
        || s.heading.has(Concept::InsertionAction)
            && !s.heading.has(Concept::Criterion)
            && s.has_word(0, 4, &["volume", "volumes", "heures"])
        || s.previous.any(&[Concept::ClauseName]) && s.has_word(0, s.tokens.len(), &["volume", "lots", "lot"]);
    let denied =
        s.any_of(&[Concept::Deny]).any(|d| matches!(s.tokens[d.from].word.as_ref(), "sans" | "aucun" | "aucune"));
    if !social
        || denied
        || !(s.says.any(&[Concept::Winner, Concept::Duty, Concept::GiveWork, Concept::FarFromWork])
            || s.has_word(0, 4, &["volume", "volumes"]))
    {
        return None;
    }
    let q = s
        .numbers
        .iter()
        .find(|q| matches!(q.unit, Unit::Hours | Unit::Percent | Unit::FullTime) && counts(s, q, false))?;
    (q.unit != Unit::Percent || s.says.any(&[Concept::FarFromWork]))
        .then_some((Hit { concept: Concept::SocialDuty, from: q.from, to: q.to }, false))
}

fn has_volume(s: &Statement<'_>) -> bool {
    let labelled = s.has_word(0, s.tokens.len(), &["heures"]);
    if labelled
        && s.numbers.iter().any(|q| q.unit == Unit::None && s.tokens[q.from].after(mark::COLON) && q.value >= 10.0)
    {
        return true;
    }
    // "5 % de la puissance", "20 % des places" are no work.
    let insertion = s.says.any(&[Concept::ClauseName, Concept::InsertionAction]);
    s.numbers.iter().any(|q| match q.unit {
        Unit::Hours | Unit::FullTime => counts(s, q, false),
        Unit::Percent => counts(s, q, false) && (insertion || share_of_work(s, q)),
        _ => false,
    })
}

/// A social condition that does not say which.
fn unnamed(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    for_structures: bool,
    explained: &mut Vec<usize>,
) -> Vec<Provision> {
    for (at, s) in statements.iter().enumerate().filter(|(_, s)| s.unit.ticked != Some(false)) {
        let condition = s.of(Concept::SocialDuty).find(|h| !polarity::void(s, h));
        let Some(hit) = condition else { continue };
        let of_execution = s.says.any(&[Concept::Duty]) && s.says.any(&[Concept::Contract, Concept::Winner])
            || s.has_word(0, s.tokens.len(), &["execution"]);
        if !of_execution
            || s.says.any(&[Concept::StaffMatter, Concept::TalkAboutClauses, Concept::OtherSocial])
            || criterion::weighs(statements, at, hit)
        {
            continue;
        }
        explained.push(s.index);
        let evidence = reading.doc.evidence_within(s.bytes(hit), &s.context);
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

/// One provision for each volume, and one for the lots that owe without a number.
fn provisions(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    owed: &[Owed],
    volumes: &[Volume],
) -> Vec<Provision> {
    let strongest = owed.iter().min_by_key(|o| (!o.named, statements[o.at].index == 0, o.at)).unwrap_or(&owed[0]);
    let mandatory =
        Some(!owed.iter().any(|o| o.optional) || owed.iter().any(|o| !o.optional && o.named && owed.len() > 1));
    let article = cited_article(statements, owed);
    let quote = |range: &Range<usize>, within: &Range<usize>| {
        let context = statements.iter().find(|s| s.unit.range == *within).map_or(within, |s| &s.context);
        reading.doc.evidence_within(range.clone(), context)
    };
    let base = |lots: Vec<String>, range: Range<usize>, within: &Range<usize>| {
        let mut p = Provision::new(ProvisionKind::ExecutionClause, quote(&range, within));
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
                    p.evidence = quote(&first.range, &first.within);
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
