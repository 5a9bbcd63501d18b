//! The frame "work owed": execution clauses (L2112-2, L2112-2-1; former article 14 of the code and article 38 of ordonnance
//! 2015-899; concessions L3114-2), with hours, share and lots.
//!
//! A statement owes work when it *names* a clause, when it lays an action of insertion or a social duty *on the winner*, when it gives
//! *work to people* far from employment, or when it tells the volume of what its heading named. Denial, tense and condition are
//! [`polarity`]'s; what is weighed is the criterion's; a service for such people asks nothing of the winner.

use std::ops::Range;

use vigie_domain::{Provision, ProvisionKind};

use super::amount::{counts, has_volume, share_of_work};
use super::criterion;
use super::finding::Reading;
use super::given::{below_article, buyer_speaks, labelled, listed_below, seen_to, volume_of_heading, work_given};
use super::learned::{ANYTHING, Kind};
use super::lexicon::{Concept, Hit};
use super::numbers::LotMention;
use super::polarity;
use super::quantity::{Quantity, Unit};
use super::reserved::{STRUCTURES, lots_of};
use super::statement::Statement;
use super::token::mark;
use super::undertaking::{bound_after_all, future};
use super::volume::{Owed, Volume, volumes};

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
    for (at, s) in statements.iter().enumerate().filter(|(_, s)| !s.hardly_tells(Kind::Clause)) {
        // "Assistance à la mise en œuvre des clauses sociales": the clauses it speaks of are of other contracts.
        let of_others = s.has_word(0, s.tokens.len(), &["dce", "marches", "entreprises"]);
        if reading.about.studied
            && (of_others || !(s.says.any(&[Concept::Winner, Concept::Contract]) && s.says.has(Concept::Duty)))
        {
            explained.extend(s.says.has(Concept::TalkAboutClauses).then_some(s.index));
            continue;
        }
        if let Some(mut o) = owes(reading, statements, at, &reserved, explained) {
            explained.push(s.index);
            if taken_back_later(reading, statements, at) {
                continue;
            }
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
    if owed.is_empty() {
        return unnamed(reading, statements, for_structures, explained);
    }
    of_owed(reading, statements, owed, explained)
}

/// The provisions of statements that owe work, with their volumes and lots; none of `owed` gives none.
pub(super) fn of_owed(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    mut owed: Vec<Owed>,
    explained: &mut Vec<usize>,
) -> Vec<Provision> {
    for o in &mut owed {
        bind(reading, statements, o);
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
            && !s.says.any(&[Concept::Reserve, Concept::Deny, Concept::ClauseName])
            && !(s.has_word(0, 12, &["ne", "n"]) && s.has_word(0, 12, &["pas"]));
        let soumis = s.has_word(0, s.tokens.len(), &["y"])
            && s.has_word(0, s.tokens.len(), &["soumis", "concernes"])
            && !s.says.has(Concept::Deny)
            // "Le lot 2 n'y est pas soumis"; "… n'y est pas soumis, les autres y sont soumis".
            && (!s.has_word(0, s.tokens.len(), &["pas"]) || reading.mentions(&s.unit.range).len() > 1);
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

/// "4.2 Clause sociale : l'office a retenu un seuil de … . La part étant inférieure, aucune clause n'est imposée ici.": what the same
/// article says no to in the end, for the whole contract and without a number.
fn taken_back_later(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize) -> bool {
    const OF_IT: &[&str] =
        &["clause", "action", "heure", "obligation", "condition", "engagement", "exigence", "disposition"];
    let s = &statements[at];
    if has_volume(s) || reading.lots.len() > 1 && !reading.mentions(&s.unit.range).is_empty() {
        return false;
    }
    let same_article = statements[at + 1..].iter().take(5).take_while(|b| {
        b.unit.line - s.unit.line <= 3
            && (b.unit.line == s.unit.line
                || b.unit.heading == Some(s.index)
                || b.unit.heading == s.unit.heading && !b.unit.is_heading)
    });
    let denies = |b: &Statement<'_>| {
        (0..b.tokens.len()).any(|i| {
            matches!(b.tokens[i].word.as_ref(), "aucun" | "aucune" | "pas")
                && (i + 1..i + if b.tokens[i].word == "pas" { 5 } else { 3 })
                    .any(|k| b.tokens.get(k).is_some_and(|t| OF_IT.iter().any(|w| t.word.starts_with(w))))
                && b.has_word(i.saturating_sub(4), i + 8, &["n", "ne"])
        })
    };
    same_article.into_iter().any(|b| denies(b) && !b.has_word(0, b.tokens.len(), &["lot", "lots", "autre", "autres"]))
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
    // "Tous les lots comporteront des heures pour …; le lot de nettoyage sera réservé": two things.
    let apart = s.any_of(&[Concept::FarFromWork, Concept::InsertionAction]).any(|h| {
        let part = |marks| s.clause_start(h.from, marks)..s.clause_end(h.to - 1, marks);
        let says = |part: &Range<usize>, concepts: &[Concept]| s.any_of(concepts).any(|r| part.contains(&r.from));
        let (item, clause) = (part(mark::ITEM), part(mark::ITEM | mark::COMMA));
        // "… réservé à des entreprises adaptées ; le lot 2 est ouvert, mais le candidat y fait travailler 90 heures de personnes …"
        let counted = |q: &Quantity| q.unit == Unit::Hours && clause.contains(&q.from) && counts(s, q, true);
        !says(&item, &[Concept::Reserve, Concept::Only, Concept::Bid]) && s.has_word(item.start, item.end, &["heures"])
            || !says(&clause, &[Concept::Reserve, Concept::Only]) && s.numbers.iter().any(counted)
    });
    let described = (!reserved.contains(&s.index) || apart) && !goes_on;
    let mut hit = named(s, explained).or_else(|| below_article(statements, at));
    // "La participation est réservée à des opérateurs dont l'objectif est l'insertion sociale" describes them.
    if reserved.contains(&s.index)
        && hit.is_some_and(|(h, _)| {
            !s.tokens[h.from..h.to].iter().any(|t| t.word.starts_with("clause") || t.word.starts_with("heure"))
        })
        && !has_volume(s)
    {
        hit = None;
    }
    if hit.is_some_and(|(h, _)| about_staff_below(statements, at, &h)) {
        explained.push(s.index);
        return None;
    }
    if hit.is_none() && described && !buyer_speaks(s) {
        hit = laid_on_winner(reading, s, explained)
            .or_else(|| work_given(reading, statements, at))
            .or_else(|| volume_of_heading(s))
            .or_else(|| listed_below(reading, statements, at))
            .or_else(|| seen_to(reading, s))
            .or_else(|| labelled(reading, s));
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
        && !s.has_word(0, s.tokens.len(), &["obligatoire", "obligatoirement"])
        && !s.of(Concept::Optional).all(|o| {
            // "Possibilités d'emploi", "au choix par sous-traitance ou embauche" leave nothing to the winner's will.
            s.has_word(o.to, o.to + 2, &["emploi"])
                || s.tokens[o.to - 1].word == "choix"
                // "Libre de son organisation".
                || s.tokens[o.from].word == "libre" && s.has_word(o.to, o.to + 1, &["de"])
        });
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
    // "Insertion : oui, une personne du PLIE".
    let labelled = s.of(Concept::InsertionAction).find(|h| {
        h.from <= 2
            && s.tokens.get(h.to).is_some_and(|t| t.word == "oui" && t.after(mark::COLON | mark::ASK))
            && !s.heading.any(&[Concept::Reserve, Concept::Criterion])
    });
    if let Some(hit) = labelled.filter(|_| s.unit.ticked != Some(false)) {
        return Some((*hit, true));
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
    // "Charges sociales garanties (« option clauses sociales »)".
    let of_charges = |h: &Hit| {
        s.tokens[h.from..h.to].iter().any(|t| ["charge", "fiscale", "prevoyance"].iter().any(|w| t.word.starts_with(w)))
    };
    let charges = s.of(Concept::NotSocial).any(of_charges)
        && !s.says.any(&[Concept::FarFromWork, Concept::InsertionAction, Concept::Winner])
        && s.numbers.iter().all(|q| q.unit != Unit::Hours)
        && !s.tokens[hit.from..hit.to].iter().any(|t| t.word == "insertion");
    if charges {
        explained.push(s.index);
        return None;
    }
    // "Campagne de promotion de l'emploi des personnes handicapées": what is bought, where nobody is bound to it.
    let promoted = s.tokens[hit.from].word.starts_with("promo")
        && !s.says.any(&[Concept::Winner, Concept::Contract, Concept::Duty])
        && !has_volume(s)
        && !s.unit.is_heading;
    if promoted {
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
        let served = reading.about.served || s.says.has(Concept::ServiceTalk) && !quantity;
        // "8h d'insertion par tranche de 10 000 €": an amount, if only a rate.
        let counted = s.numbers.iter().any(|q| q.unit == Unit::Hours && q.to <= hit.from && hit.from - q.to <= 1);
        let holds = if about_insertion {
            counted
                || quantity && (!served || s.says.has(Concept::Winner))
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

/// A social condition that does not say which.
fn unnamed(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    for_structures: bool,
    explained: &mut Vec<usize>,
) -> Vec<Provision> {
    /// The likelihood of anything at all below which a statement asks nothing.
    const LEAST: f32 = 0.09;
    let asks = |s: &Statement<'_>| s.unit.ticked != Some(false) && s.chances.is_none_or(|c| c[ANYTHING] >= LEAST);
    for (at, s) in statements.iter().enumerate().filter(|(_, s)| asks(s)) {
        // A title, "Annexe 1 – Dispositions sociales", only names what follows.
        let condition = s.of(Concept::SocialDuty).find(|h| s.index > 0 && !polarity::void(s, h));
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
    let Some(strongest) = owed.iter().min_by_key(|o| (!o.named, statements[o.at].index == 0, o.at)) else {
        return Vec::new();
    };
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
        // "240 heures chacun": as much for each lot.
        let groups = match v.each && v.lots.len() > 1 {
            true => v.lots.iter().map(|lot| vec![lot.clone()]).collect(),
            false => vec![v.lots.clone()],
        };
        out.extend(groups.into_iter().map(|lots| Provision {
            hours: Some(v.value),
            hours_max: v.upper,
            hours_yearly: v.yearly,
            ..base(lots, v.range.clone(), &v.within)
        }));
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
