//! The frame "who may bid": contracts and lots kept for EA and ESAT, SIAE, both, prisons or the social economy (L2113-12 to
//! L2113-16, former articles 15 and 36; concessions L3113-1).
//!
//! Four ways to say it: something of the contract is *reserved*; *only* such structures may bid; bidders *must be* such; an
//! article of reservation is *applied*. A reservation to a profession, of a car park, of hours of work is none of these.

use std::ops::Range;

use vigie_domain::{Beneficiary, Provision};

pub(super) use super::beneficiary::narrow_by_object;
use super::beneficiary::{Found, Told, combine, found, grouped, narrow, told};
pub use super::beneficiary::{article_of, lots_of};
use super::destined;
use super::finding::Reading;
use super::intention;
use super::learned::Kind;
pub use super::lexicon::{ARTICLES, STRUCTURES};
use super::lexicon::{Concept, Hit};
use super::polarity;
use super::quantity::Unit;
use super::refusal;
use super::statement::Statement;
use super::token::mark;

/// What no reservation does without.
const WHO: &[Concept] = &[
    Concept::Reserve,
    Concept::OrdinaryBidder,
    Concept::Sheltered,
    Concept::WorkIntegration,
    Concept::ShelteredAndIntegration,
    Concept::SocialEconomy,
    Concept::Prison,
    Concept::ArticleSheltered,
    Concept::ArticleIntegration,
    Concept::ArticleBoth,
    Concept::ArticleSocialEconomy,
];

/// Reads every reservation the text tells; marks the statements it explains.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    let mut found: Vec<Found> = Vec::new();
    let who =
        |s: &Statement<'_>| s.says.any(WHO) || s.unit.ticked == Some(true) && s.heading_or_before(Concept::Reserve);
    for (at, s) in statements.iter().enumerate().filter(|(_, s)| who(s)) {
        // A study of how to buy, and papers of bidders, close nothing, unless the contract is said to be reserved.
        let aside = reading.about.studied || s.says.any(&[Concept::TalkAboutClauses, Concept::BidderPaper]);
        let closes = (s.says.any(&[Concept::Only, Concept::MustBe]) || excepts(s)) && !fills_a_form(s);
        if aside && !closes && !asserted(s) {
            let out = destined::paper_or_out(reading, s, statements.get(at + 1));
            explained.extend((!out.is_empty()).then_some(s.index));
            found.extend(out);
            continue;
        }
        let known = found.len();
        if let Some(more) = goes_on(s, found.last()) {
            explained.push(s.index);
            found.push(more);
            continue;
        }
        found.extend(reserved(reading, s));
        if found.len() == known {
            found.extend(only(reading, s));
        }
        if found.len() == known {
            found.extend(refusal::others_refused(reading, s, statements.get(at + 1)));
        }
        if found.len() == known {
            found.extend(must_be(reading, s));
        }
        if found.len() == known {
            found.extend(destined::read(reading, s, statements.get(at + 1)));
        }
        if found.len() == known {
            found.extend(applied(reading, s));
        }
        let denied = s.of(Concept::Reserve).any(|h| polarity::settled(s, h));
        if found.len() > known || denied {
            explained.push(s.index);
        }
        if s.unit.ticked != Some(true) && s.scarcely_tells(Kind::Reserved) {
            found.truncate(known);
        }
    }
    for s in statements {
        bind(reading, s, &mut found, explained);
    }
    narrow(reading, statements, &mut found, explained);
    let mut provisions = combine(reading, found);
    intention::mark(&mut provisions);
    provisions
}

/// "On ne consulte que des structures d'insertion".
fn excepts(s: &Statement<'_>) -> bool {
    s.any_of(STRUCTURES).any(|h| {
        (h.from.saturating_sub(6)..h.from).any(|i| {
            matches!(s.tokens[i].word.as_ref(), "que" | "qu") && s.has_word(i.saturating_sub(6), i, &["ne", "n"])
        })
    })
}

/// "Le candidat coche la case", "la rubrique C2 du formulaire reste vierge".
fn fills_a_form(s: &Statement<'_>) -> bool {
    s.says.has(Concept::BidderPaper)
        && s.has_one(0, s.tokens.len(), words_of!("case coche cocher rubrique rubriques cadre dc1 dc2 formulaire"))
}

/// "Le lot 3 est réservé", "marché réservé": not "des marchés réservés".
fn asserted(s: &Statement<'_>) -> bool {
    words!(SAYS, "est sont sera seront marche lot consultation procedure");
    // "Dans l'hypothèse d'un marché réservé", "relatives aux marchés réservés": the kind of contract, not this one.
    let a_kind = |r: &Hit| {
        s.has_word(r.from.saturating_sub(3), r.from, &["d", "un", "aux"])
            && !s.has_word(r.from.saturating_sub(1), r.from, &["est", "sera"])
    };
    s.of(Concept::Reserve)
        .any(|r| s.has_one(r.from.saturating_sub(1), r.from, &SAYS) && !a_kind(r) && !polarity::void(s, r))
}

/// "Marché réservé aux EA", "le lot 3 est réservé", "réservation : oui".
fn reserved(reading: &Reading<'_>, s: &Statement<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    // "Marchés réservés : le marché est réservé …": a label, when the statement goes on to say it.
    let label = |r: &Hit| {
        s.tokens.get(r.to).is_some_and(|t| t.after(mark::COLON)) && s.of(Concept::Reserve).any(|o| o.from > r.to)
    };
    let anchors: Vec<&Hit> =
        s.of(Concept::Reserve).filter(|r| !label(r) && !polarity::void(s, r) && speaks_of_access(s, r)).collect();
    let Some(first) = anchors.first() else { return out };
    // Structures named behind a reservation, up to one that is denied.
    let stop = s.of(Concept::Reserve).filter(|r| r.from > first.from && polarity::denied(s, r)).map(|r| r.from).min();
    let right: Vec<&Hit> = s
        .any_of(STRUCTURES)
        .filter(|h| {
            h.to > first.from
                && stop
                    .is_none_or(|e| h.from < e || s.any_of(&[Concept::Reserve]).any(|r| r.from > e && r.from < h.from))
        })
        .filter(|h| !polarity::denied_by_answer(s, h))
        .collect();
    let people = s.of(Concept::FarFromWork).any(|p| {
        p.from >= first.to
            && p.from - first.to <= 4
            && right.iter().all(|h| p.from < h.from)
            && !s.any_of(ARTICLES).any(|_| true)
    });
    if people {
        return out;
    }
    let left: Vec<&Hit> = s.any_of(STRUCTURES).filter(|h| h.to <= first.from).collect();
    let mut targets = if right.is_empty() { left } else { right };
    // "Réservation : handicap", "réservé, handicap ou IAE": the field stands for its structures.
    let field = (first.to..s.tokens.len().min(first.to + 4)).find(|i| s.tokens[*i].word == "handicap");
    let field = field
        .filter(|i| {
            s.tokens[*i].after(mark::COLON | mark::COMMA | mark::ITEM) || s.has_word(i + 1, i + 2, &["ou", "et"])
        })
        .map(|i| Hit { concept: Concept::Sheltered, from: i, to: i + 1 });
    targets.splice(0..0, field.iter());
    // "réservés à l'insertion par l'activité économique": the field stands for its structures.
    let field: Vec<Hit> = s
        .of(Concept::InsertionAction)
        .filter(|h| targets.is_empty() && h.from >= first.to && h.from - first.to <= 3)
        .map(|h| Hit { concept: Concept::WorkIntegration, ..*h })
        .collect();
    if let Some(hit) = field.first() {
        return grouped(reading, s, &[hit], first);
    }
    if targets.is_empty() {
        let articles: Vec<&Hit> = s.any_of(ARTICLES).collect();
        if !articles.is_empty() {
            return grouped(reading, s, &articles, first);
        }
        for anchor in anchors {
            if let Some(lots) = unnamed(reading, s, anchor) {
                out.push(found(reading, s, reading_range(s, anchor), Told::Words(Beneficiary::Unspecified), lots));
            }
        }
        return out;
    }
    grouped(reading, s, &targets, first)
}

/// "- à des structures d'insertion …": the next item of a list of those a reservation is for.
fn goes_on(s: &Statement<'_>, last: Option<&Found>) -> Option<Found> {
    let last = last.filter(|f| s.index.checked_sub(f.unit).is_some_and(|d| (1..=2).contains(&d)))?;
    let first =
        s.tokens.first().filter(|t| matches!(t.word.as_ref(), "a" | "aux" | "au" | "des" | "les" | "et" | "ou"))?;
    let item = first.after(mark::ITEM) || matches!(first.word.as_ref(), "et" | "ou");
    let hits: Vec<&Hit> = s.any_of(STRUCTURES).collect();
    let early = hits.first().is_some_and(|h| h.from <= 3);
    if !(item && early) || s.says.any(&[Concept::Reserve]) {
        return None;
    }
    let told = told(&hits)?;
    Some(Found {
        range: s.bytes(hits[0]),
        told,
        lots: last.lots.clone(),
        all: last.all,
        article: last.article.clone(),
        unit: s.index,
        within: s.context.clone(),
    })
}

fn reading_range(s: &Statement<'_>, hit: &Hit) -> Range<usize> {
    s.bytes(hit)
}

/// Whether "réservé" closes the access to the contract: not hours of work, not a profession.
pub(super) fn speaks_of_access(s: &Statement<'_>, r: &Hit) -> bool {
    let start = s.clause_start(r.from, mark::STOP | mark::ITEM).max(r.from.saturating_sub(9));
    let work = ["heures", "heure", "temps", "part", "postes", "poste", "volume", "main", "h", "%", "etp"];
    let described = |i: usize| s.any_of(STRUCTURES).any(|h| h.from <= i && i < h.to);
    let owed_before = (start..r.from).any(|i| work.contains(&s.tokens[i].word.as_ref()) && !described(i));
    let verb = matches!(s.tokens[r.from].word.as_ref(), "reserver" | "reservera" | "reserveront" | "reserve");
    let reach = if verb { 16 } else { 6 };
    let owed_behind = s.has_word(r.to, r.to + reach, &["heures", "heure", "%", "h", "etp"]) && {
        let structure = s.any_of(STRUCTURES).map(|h| h.from).find(|f| *f >= r.to);
        let amount = (r.to..s.tokens.len().min(r.to + reach))
            .find(|i| matches!(s.tokens[*i].word.as_ref(), "heures" | "heure" | "%" | "h" | "etp"));
        amount.is_some_and(|a| structure.is_none_or(|f| a < f))
    } || s.has_word(r.to, r.to + 4, &["temps"])
        || (r.to..s.tokens.len().min(r.to + 4))
            .any(|i| s.tokens[i].word == "part" && s.has_word(i + 1, i + 2, &["de", "du", "des"]));
    let volume = s.any_of(STRUCTURES).next().is_none()
        && s.numbers.iter().any(|q| matches!(q.unit, Unit::Hours | Unit::FullTime));
    let structure = s.any_of(STRUCTURES).map(|h| h.from).filter(|f| *f >= r.to).min();
    let profession = s.of(Concept::OtherProfession).any(|p| {
        let near = p.from >= r.to && p.from - r.to <= 6 && s.clause_end(r.to - 1, mark::STOP | mark::ITEM) > p.from;
        let first = structure.is_none_or(|f| p.from < f);
        near && first
    });
    let aside = s.of(Concept::ReserveAside).any(|a| a.from <= r.from && r.to <= a.to)
        || s.of(Concept::ShelteredProgramme).any(|p| p.from >= r.to && p.from - r.to <= 6)
        || is_noun(s, r);
    !(owed_before || owed_behind || volume || profession || aside)
}

/// "La réserve incendie", "les réserves": the noun, not the participle.
fn is_noun(s: &Statement<'_>, r: &Hit) -> bool {
    matches!(s.tokens[r.from].word.as_ref(), "reserve" | "reserves")
        && r.from > 0
        && matches!(
            s.tokens[r.from - 1].word.as_ref(),
            "la" | "une" | "les" | "des" | "toute" | "sa" | "ses" | "en" | "cette"
        )
        && s.tokens[r.from].before == 0
        && !s.has_word(r.to, r.to + 4, &["faveur", "profit", "benefice"])
        // "Mis en réserve pour les ateliers et chantiers d'insertion".
        && !(s.has_word(r.to, r.to + 1, &["pour"]) && s.has_word(r.from.saturating_sub(2), r.from, &["mis", "mise", "mises"]))
}

/// A reservation without its beneficiary: gives its lots. A bare heading says nothing.
fn unnamed(reading: &Reading<'_>, s: &Statement<'_>, r: &Hit) -> Option<Vec<String>> {
    let next = s.tokens.get(r.to);
    let word = s.tokens[r.from].word.as_ref();
    let informs = s.has_word(0, r.from, &["information", "informations", "propres"]) && s.tokens.len() <= r.to + 1;
    let bare = s.tokens.len() == r.to && s.trailing.contains(':');
    let yes = next.is_some_and(|t| t.word == "oui");
    let asked = s.tokens[r.to..].iter().any(|t| t.word == "oui" && t.after(mark::COLON | mark::ASK))
        || s.unit.ticked == Some(true);
    if informs || bare && !asked {
        return None;
    }
    // "réservé aux …" to somebody whom the lexicon does not know.
    let to_others = (r.to..s.clause_end(r.to - 1, mark::STOP | mark::ITEM | mark::COLON | mark::CLOSE).min(r.to + 10))
        .any(|i| {
            matches!(s.tokens[i].word.as_ref(), "a" | "aux" | "au")
                && !s.has_one(
                    i + 1,
                    i + 3,
                    words_of!("ces ce cette lot lots titre sens regard compter article l profit benefice"),
                )
        });
    if to_others && !asked {
        return None;
    }
    let contract = s.of(Concept::Contract).any(|c| {
        let before = c.to <= r.from && r.from - c.to <= 8;
        let behind = c.from >= r.to && c.from - r.to <= 6 && (word.starts_with("reservation") || word == "reserver");
        before || behind
    });
    let of_a_lot = s.unit.row.is_some() || reading.doc.lot_at(s.unit.range.start).is_some();
    let in_brackets = s.tokens[r.from].after(mark::OPEN)
        && of_a_lot
        && s.tokens.get(r.to).is_none_or(|t| t.after(mark::CLOSE | mark::COMMA));
    let alone = s.tokens.len() <= r.to && r.from == 0 && of_a_lot;
    // "réservation" is a noun of many uses: only with its answer, or of a lot or contract.
    let noun = word.starts_with("reservation");
    let said = contract
        && (!noun
            || asked
            || s.has_word(r.from.saturating_sub(3), r.from, &["objet"])
                && !s.has_word(r.to, r.to + 1, &["de", "d", "des", "du"]));
    (said || in_brackets || alone || yes && s.tokens.len() <= r.to + 2).then(|| lots_of(reading, s, &s.bytes(r)))
}

/// "Seules les EA peuvent soumissionner", "ne pourra être attribué qu'à un ESAT", "EA / ESAT uniquement".
fn only(reading: &Reading<'_>, s: &Statement<'_>) -> Vec<Found> {
    let asserted = |h: &&Hit| !polarity::denied(s, h) && !polarity::supposed(s, h);
    let mut structures: Vec<&Hit> = s.any_of(STRUCTURES).filter(asserted).collect();
    // "Seules les organisations répondant à l'article L. 2113-15": the article stands for those it names.
    // "Réservation : ☒ insertion par l'activité économique ☐ handicap": the field stands for its structures.
    if structures.is_empty()
        && s.unit.ticked == Some(true)
        && s.tokens.len() <= 8
        && s.heading_or_before(Concept::Reserve)
    {
        let field = s.tokens.iter().position(|t| matches!(t.word.as_ref(), "insertion" | "iae" | "handicap"));
        let other = s.says.any(&[Concept::ClauseName, Concept::Criterion])
            || s.has_word(0, s.tokens.len(), &["clause", "critere", "volume"]);
        if let Some(from) = field.filter(|_| !other) {
            let disability = s.tokens[from].word == "handicap";
            let concept = if disability { Concept::Sheltered } else { Concept::WorkIntegration };
            let hit = Hit { concept, from, to: from + 1 };
            return grouped(reading, s, &[&hit], &hit);
        }
    }
    if structures.is_empty() {
        structures =
            s.any_of(ARTICLES).filter(asserted).filter(|_| s.says.any(&[Concept::Bid, Concept::Contract])).collect();
    }
    let Some(first) = structures.first() else { return Vec::new() };
    let last = structures[structures.len() - 1];
    let near = |a: usize, b: usize| a.abs_diff(b) <= 14;
    let restricted = s.any_of(&[Concept::Only]).find(|o| {
        let word = s.tokens[o.from].word.as_ref();
        // "répondre seules ou en groupement"; "un espace dédié à …" speaks of what follows it alone.
        let alone_or = word.starts_with("seul") && s.has_word(o.to, o.to + 1, &["ou"]);
        let forward = ["dedi", "vise", "limit", "restrei"].iter().any(|w| word.starts_with(w));
        let beside = if forward {
            structures.iter().any(|h| h.from >= o.to && h.from - o.to <= 8)
        } else {
            near(o.to, first.from) || near(last.to, o.from)
        };
        beside && !alone_or && !polarity::denied(s, o)
    });
    let excepting = (0..first.from).rev().take(18).find(|i| {
        matches!(s.tokens[*i].word.as_ref(), "que" | "qu")
            && s.has_word(s.clause_start(*i, mark::STOP | mark::ITEM).max(i.saturating_sub(20)), *i, &["ne", "n"])
    });
    // "EA / ESAT" in the column that says who may bid; "confié obligatoirement à un opérateur de l'IAE".
    let column = s.unit.cell
        && s.unit.row.is_some()
        && s.tokens.len() <= 14
        && (s.heading.any(&[Concept::Bid, Concept::Reserve, Concept::Addressed])
            || s.any_of(ARTICLES).next().is_some());
    let entrusted = (0..first.from).rev().take(8).find(|i| {
        s.tokens[*i].begins(&["confi", "attribu"])
            && s.has_word(i.saturating_sub(3), *i + 4, &["obligatoirement", "sera", "seront"])
            || matches!(s.tokens[*i].word.as_ref(), "passe" | "passes")
                && s.has_word(i + 1, i + 2, &["avec"])
                && !s.says.has(Concept::Past)
                && s.of(Concept::Contract).any(|c| c.to <= *i || s.tokens[c.from].word == "lot")
                && !s.of(Concept::Winner).any(|w| w.to <= *i)
    });
    // "Marché réservé à : ☒ EA/ESAT".
    let ticked = s.unit.ticked == Some(true) && (s.heading.has(Concept::Reserve) || s.before.has(Concept::Reserve));
    let given = entrusted.or((column || ticked || labelled(s, first)).then_some(first.from)).map(|i| Hit {
        concept: Concept::Only,
        from: i,
        to: i + 1,
    });
    if let Some(anchor) = given {
        return grouped(reading, s, &structures, &anchor);
    }
    let Some(anchor) =
        restricted.copied().or_else(|| excepting.map(|i| Hit { concept: Concept::Only, from: i, to: i + 1 }))
    else {
        return Vec::new();
    };
    let of_access =
        s.any_of(&[Concept::Bid, Concept::Contract, Concept::Addressed]).any(|h| h.from.abs_diff(anchor.from) <= 30)
            || s.unit.row.is_some()
            || s.heading.any(&[Concept::Bid, Concept::Reserve, Concept::Contract])
            || s.previous.has(Concept::Bid)
            || excepting.is_some() && s.tokens.len() <= 24 && s.previous.any(&[Concept::Addressed, Concept::Contract]);
    // "Secteur B : EI, ACI et ETTI exclusivement".
    let closes = s.of(Concept::Only).any(|o| {
        o.from >= last.to
            && o.from - last.to <= 1
            && s.clause_end(o.from, mark::COMMA | mark::ITEM | mark::STOP | mark::CLOSE) == o.to
    }) && !s.says.any(&[Concept::Winner, Concept::Subcontract]);
    let of_access = of_access || closes;
    let owed = s.any_of(&[Concept::Subcontract]).any(|h| h.to <= first.from && first.from - h.to <= 12)
        && !s.any_of(&[Concept::Bid]).any(|h| near(h.from, anchor.from));
    let segment =
        s.clause_start(first.from, mark::ITEM | mark::STOP)..s.clause_end(last.to - 1, mark::ITEM | mark::STOP);
    let volume = s.numbers.iter().any(|q| matches!(q.unit, Unit::Hours) && segment.contains(&q.from));
    // "Le contrat ne saurait être confié qu'à un ESAT" speaks of the contract, not of a part that the winner passes on.
    let whole = (excepting.is_some()
        || s.has_word(first.from.saturating_sub(8), first.from, &["exclusivement", "uniquement"]))
        && s.of(Concept::Contract).any(|c| c.to <= first.from)
        && !s.says.has(Concept::Winner);
    let owed = owed && !whole;
    if !of_access || owed || volume {
        return Vec::new();
    }
    grouped(reading, s, &structures, &anchor)
}

/// "Éligibilité : ACI, EI", "Type de structure admis : ESAT": a label of access, and nothing but structures behind it.
fn labelled(s: &Statement<'_>, first: &Hit) -> bool {
    let label = first.from.checked_sub(1).map_or(0, |_| first.from);
    let colon = (1..=label).rev().find(|i| s.tokens[*i].after(mark::COLON | mark::ASK));
    let Some(colon) =
        colon.filter(|c| (first.from - c <= 2 || s.tokens[*c].after(mark::ASK) && first.from - c <= 4) && *c <= 8)
    else {
        return false;
    };
    // "Prestataire recherché : SIAE ou EA".
    let sought = s.has_word(0, colon, &["recherche", "recherches", "recherchee", "recherchees"]);
    let access = s.any_of(&[Concept::Bid, Concept::Only, Concept::Addressed]).any(|h| h.to <= colon)
        && !s.any_of(&[Concept::Winner, Concept::Criterion]).any(|h| h.to <= colon);
    (access || sought)
        && !s.has_word(0, colon, &["nom", "organisme", "acheteur"])
        && !s.of(Concept::Reserve).any(|r| polarity::denied(s, r))
        && !s.says.any(&[Concept::OrdinaryBidder, Concept::Subcontract, Concept::Past, Concept::BidderPaper])
        && (sought || !s.says.has(Concept::Winner))
        && !s.has_word(0, s.tokens.len(), &["tous", "toutes", "tout", "toute"])
}

/// "Les candidats doivent être des entreprises de l'ESS", "doit justifier de son conventionnement d'entreprise d'insertion".
fn must_be(reading: &Reading<'_>, s: &Statement<'_>) -> Vec<Found> {
    let bound = s.of(Concept::MustBe).next().copied().or_else(|| {
        let duty = (0..s.tokens.len()).find(|i| {
            matches!(s.tokens[*i].word.as_ref(), "doit" | "doivent" | "devra" | "devront")
                && s.of(Concept::Proof).any(|p| p.from > *i && p.from - i <= 4)
        })?;
        Some(Hit { concept: Concept::MustBe, from: duty, to: duty + 1 })
    });
    let Some(bound) = bound else { return Vec::new() };
    let subject = s.has_one(
        bound.from.saturating_sub(6),
        bound.from + 2,
        words_of!(
            "candidat candidats structure operateur operateurs soumissionnaire soumissionnaires entreprises
        repondants acces participation prestataire requis prerequis candidature candidatures attributaire titulaire"
        ),
    );
    let structures: Vec<&Hit> =
        s.any_of(STRUCTURES).filter(|h| h.from >= bound.from && h.from - bound.from <= 50).collect();
    let void = structures.iter().any(|h| polarity::void(s, h)) || s.has_word(0, bound.from, &["qui", "si"]);
    if !subject
        || structures.is_empty()
        || void
        || s.any_of(&[Concept::Subcontract]).any(|h| h.from > bound.from && structures.iter().any(|t| h.to <= t.from))
    {
        return Vec::new();
    }
    grouped(reading, s, &structures, &bound)
}

/// "L'acheteur fait application des articles L. 2113-12 à L. 2113-14 pour la totalité des prestations."
fn applied(reading: &Reading<'_>, s: &Statement<'_>) -> Vec<Found> {
    let articles: Vec<&Hit> = s
        .any_of(ARTICLES)
        .chain(s.of(Concept::Prison))
        .filter(|h| s.tokens[h.from].word.starts_with("l2113") && !polarity::void(s, h))
        .collect();
    let Some(first) = articles.first() else { return Vec::new() };
    let applies = s.has_one(
        first.from.saturating_sub(8),
        first.from,
        words_of!("application vertu titre fondement relevent releve applique sens dispositif soumis soumise regime"),
    );
    let subject = s.any_of(&[Concept::Contract]).next().is_some() || s.has_word(0, first.from, &["acheteur"]);
    let open = s.of(Concept::Reserve).any(|r| polarity::denied(s, r));
    let bidders = open || s.has_word(0, first.from, &["candidats", "candidat", "dispositions", "soumissionnaires"]);
    let faculty = s.has_word(0, s.tokens.len(), &["faculte", "possibilite", "avance"]);
    if !applies || !subject || bidders || faculty {
        return Vec::new();
    }
    grouped(reading, s, &articles, first)
}

/// "La réservation ne porte que sur le lot n° 1": binds what was told of the whole contract.
fn bind(reading: &Reading<'_>, s: &Statement<'_>, found: &mut [Found], explained: &mut Vec<usize>) {
    let speaks = s.of(Concept::Reserve).next().is_some()
        && s.has_word(0, s.tokens.len(), &["porte", "concerne", "applique", "concernes", "limitee", "vise"]);
    let denied =
        s.any_of(&[Concept::Reserve]).any(|h| polarity::denied(s, h)) && !s.has_word(0, s.tokens.len(), &["que", "qu"]);
    if !speaks
        || denied
        || s.any_of(STRUCTURES).next().is_some()
        || found.iter().any(|f| f.unit == s.index && !f.lots.is_empty())
    {
        return;
    }
    if let Some(m) = reading.mentions(&s.unit.range).first() {
        for f in found.iter_mut().filter(|f| f.lots.is_empty()) {
            f.lots.clone_from(&m.lots);
            explained.push(s.index);
        }
    }
}
