//! For whom a contract is reserved: by the structures a statement names, else by its articles; and what several statements about
//! it say together.
//!
//! The buyer's words win over boxes of forms, and a beneficiary named wins over none.

use std::ops::Range;

use vigie_domain::{Beneficiary, Provision, ProvisionKind};

use super::finding::Reading;
use super::lexicon::{ARTICLES, Concept, Hit, STRUCTURES};
use super::polarity;
use super::statement::Statement;

/// How a reservation was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// In the buyer's words.
    Words(Beneficiary),
    /// The box of a form that names disability and insertion at once.
    WorkshopBox,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) told: Told,
    pub(super) lots: Vec<String>,
    pub(super) all: bool,
    pub(super) article: Option<String>,
    /// Index of its statement, and where that stands.
    pub(super) unit: usize,
    pub(super) within: Range<usize>,
}

/// For whom, by the structures named, else by the articles.
pub(super) fn told(hits: &[&Hit]) -> Option<Told> {
    let has = |c: Concept| hits.iter().any(|h| h.concept == c);
    let (sheltered, integration) = (has(Concept::Sheltered), has(Concept::WorkIntegration));
    if has(Concept::ShelteredAndIntegration) {
        return Some(Told::WorkshopBox);
    }
    let who = match (sheltered, integration) {
        (true, true) => Beneficiary::Both,
        (true, false) if has(Concept::ArticleIntegration) && has(Concept::ArticleSheltered) => Beneficiary::Both,
        (true, false) => Beneficiary::Disability,
        (false, true) => Beneficiary::Insertion,
        (false, false) if has(Concept::Prison) => Beneficiary::Prison,
        (false, false) if has(Concept::SocialEconomy) => Beneficiary::SocialEconomy,
        (false, false) if has(Concept::ArticleBoth) => Beneficiary::Both,
        (false, false) if has(Concept::ArticleSheltered) && has(Concept::ArticleIntegration) => Beneficiary::Both,
        (false, false) if has(Concept::ArticleSheltered) => Beneficiary::Disability,
        (false, false) if has(Concept::ArticleIntegration) => Beneficiary::Insertion,
        (false, false) if has(Concept::ArticleSocialEconomy) => Beneficiary::SocialEconomy,
        (false, false) => return None,
    };
    Some(Told::Words(who))
}

/// The buyer's words win over boxes, and a beneficiary named wins over none.
pub(super) fn combine(reading: &Reading<'_>, statements: Vec<Found>) -> Vec<Provision> {
    let named: Vec<Beneficiary> = statements
        .iter()
        .filter_map(|s| match s.told {
            Told::Words(who) if who != Beneficiary::Unspecified => Some(who),
            _ => None,
        })
        .collect();
    let social = |w: &Beneficiary| matches!(w, Beneficiary::Disability | Beneficiary::Insertion | Beneficiary::Both);
    let narrowed = named.iter().any(social);
    let by_words = !named.is_empty();
    // "Marché réservé." beside a box: the box says for whom, the words for which lots.
    let boxed = statements.iter().find_map(|s| match s.told {
        Told::WorkshopBox => Some(Beneficiary::Both),
        Told::Words(_) => None,
    });
    let mut out: Vec<Provision> = Vec::new();
    let mut all_lots: Vec<Beneficiary> = Vec::new();
    // Lots that words speak of; words without lots speak of all.
    let worded: Vec<Vec<String>> =
        statements.iter().filter(|s| s.told != Told::WorkshopBox).map(|s| s.lots.clone()).collect();
    let covered = |lots: &[String]| worded.iter().any(|w| w.is_empty() || lots.iter().any(|l| w.contains(l)));
    for s in statements {
        let beneficiary = match s.told {
            Told::WorkshopBox if by_words && (s.lots.is_empty() || covered(&s.lots)) => continue,
            Told::WorkshopBox => Beneficiary::Both,
            // The same reservation told again without its beneficiary.
            Told::Words(Beneficiary::Unspecified) if by_words && s.lots.is_empty() => continue,
            Told::Words(Beneficiary::Unspecified) if by_words => named[0],
            Told::Words(Beneficiary::Unspecified) => boxed.unwrap_or(Beneficiary::Unspecified),
            Told::Words(who) if narrowed && !social(&who) && s.lots.is_empty() => continue,
            Told::Words(who) => who,
        };
        let same = out.iter_mut().find(|p| p.beneficiary == Some(beneficiary));
        if let Some(known) = same {
            if known.evidence.field.as_deref() == Some("title") {
                known.evidence = reading.doc.evidence_within(s.range.clone(), &s.within);
            }
            if s.all || all_lots.contains(&beneficiary) {
                known.lots.clear();
                all_lots.push(beneficiary);
            } else {
                merge_lots(&mut known.lots, s.lots);
            }
            known.article = known.article.take().or(s.article);
            continue;
        }
        let mut provision =
            Provision::new(ProvisionKind::Reserved, reading.doc.evidence_within(s.range.clone(), &s.within));
        provision.beneficiary = Some(beneficiary);
        provision.lots = s.lots;
        if s.all {
            all_lots.push(beneficiary);
        }
        provision.article = s.article.or_else(|| article_of(beneficiary).map(str::to_owned));
        out.push(provision);
    }
    drop_box_beside_words(out)
}

/// A statement bound to lots makes one about "the contract" an echo of it: the lots stay.
fn merge_lots(known: &mut Vec<String>, more: Vec<String>) {
    if known.is_empty() {
        *known = more;
        return;
    }
    for lot in more {
        if !known.contains(&lot) {
            known.push(lot);
        }
    }
}

/// Disability and insertion for the same lots are "both"; "both" says no more than a narrower statement for the same lots.
fn drop_box_beside_words(provisions: Vec<Provision>) -> Vec<Provision> {
    let mut out: Vec<Provision> = Vec::new();
    for p in provisions {
        let social = |b: Option<Beneficiary>| {
            matches!(b, Some(Beneficiary::Disability | Beneficiary::Insertion | Beneficiary::Both))
        };
        let same = |lots: &[String]| lots.len() == p.lots.len() && lots.iter().all(|l| p.lots.contains(l));
        match out.iter_mut().find(|o| social(o.beneficiary) && social(p.beneficiary) && same(&o.lots)) {
            Some(known) if known.beneficiary != p.beneficiary => {
                known.beneficiary = Some(Beneficiary::Both);
                known.article = Some("L2113-14".to_owned());
            }
            Some(_) => {}
            None => out.push(p),
        }
    }
    out
}

/// Where insertion is the object and only a form's box reserves it, the object tells for whom: people in schemes of
/// insertion by economic activity work in structures of that kind, disabled workers in the others.
pub(super) fn narrow_by_object(told: &mut [Provision], text: &str) {
    let by_activity = text.contains("insertion par l'activite economique");
    let disabled = ["travailleurs handicapes", "entreprises adaptees", "esat"].iter().any(|w| text.contains(w));
    let who = match (by_activity, disabled) {
        (true, false) => Beneficiary::Insertion,
        (false, true) => Beneficiary::Disability,
        _ => return,
    };
    let a_box = |p: &Provision| {
        let quote = p.evidence.quote.as_deref().map(super::fold::fold).unwrap_or_default();
        quote.contains("restricted_sheltered") || quote.contains("ateliers proteges et a des operateurs")
    };
    for p in told.iter_mut().filter(|p| p.beneficiary == Some(Beneficiary::Both)) {
        if a_box(p) {
            p.beneficiary = Some(who);
            p.article = article_of(who).map(str::to_owned);
        }
    }
}

/// One finding for each set of lots that the targets are bound to.
pub(super) fn grouped(reading: &Reading<'_>, s: &Statement<'_>, targets: &[&Hit], anchor: &Hit) -> Vec<Found> {
    let mut groups: Vec<(Vec<String>, Vec<&Hit>)> = Vec::new();
    for target in targets {
        let from = if target.from >= anchor.to { target } else { anchor };
        let lots = if of_the_whole(reading, s) { Vec::new() } else { lots_of(reading, s, &s.bytes(from)) };
        match groups.iter_mut().find(|(known, _)| *known == lots) {
            Some((_, hits)) => hits.push(target),
            None => groups.push((lots, vec![target])),
        }
    }
    let alone = groups.len() == 1;
    groups
        .into_iter()
        .filter_map(|(lots, hits)| {
            let articles: Vec<&Hit> = s.any_of(ARTICLES).filter(|_| alone).collect();
            let told = told(hits.iter().copied().chain(articles.iter().copied()).collect::<Vec<_>>().as_slice())?;
            let start = s.bytes(anchor).start.min(s.bytes(hits[0]).start);
            let end = s.bytes(anchor).end.max(s.bytes(hits[hits.len() - 1]).end);
            let range = if alone { start..end } else { s.bytes(hits[0]).start..s.bytes(hits[hits.len() - 1]).end };
            Some(found(reading, s, range, told, lots))
        })
        .collect()
}

/// What stands below the last lot of a flat text may be about the whole again: "la consultation qui suivra est réservée".
fn of_the_whole(reading: &Reading<'_>, s: &Statement<'_>) -> bool {
    s.unit.row.is_none()
        && s.has_word(0, s.tokens.len(), &["consultation", "procedure", "avis"])
        && !s.has_word(0, s.tokens.len(), &["lot", "lots"])
        && reading.doc.block_end(s.unit.range.start).is_some()
}

pub(super) fn found(
    reading: &Reading<'_>,
    s: &Statement<'_>,
    range: Range<usize>,
    told: Told,
    lots: Vec<String>,
) -> Found {
    let head = &reading.doc.text()[s.unit.range.start..range.start.max(s.unit.range.start)];
    let all = super::numbers::speaks_of_all_lots(head) && lots.is_empty();
    let article =
        s.any_of(ARTICLES).next().map(|h| s.tokens[h.from].word.to_uppercase()).filter(|a| a.starts_with("L2"));
    Found { range, told, lots, all, article, unit: s.index, within: s.context.clone() }
}

/// Lots of a statement at a range: those of its row of a table, else those that its words bind it to.
#[must_use]
pub fn lots_of(reading: &Reading<'_>, s: &Statement<'_>, range: &Range<usize>) -> Vec<String> {
    match &s.unit.row {
        Some(lot) => vec![lot.clone()],
        None => reading.lots_within(range, &s.unit.range),
    }
}

/// The article under which such a reservation is made, when the text cites none.
#[must_use]
pub fn article_of(beneficiary: Beneficiary) -> Option<&'static str> {
    match beneficiary {
        Beneficiary::Disability => Some("L2113-12"),
        Beneficiary::Insertion => Some("L2113-13"),
        Beneficiary::Both => Some("L2113-14"),
        Beneficiary::Prison => Some("L2113-13-1"),
        Beneficiary::SocialEconomy => Some("L2113-15"),
        Beneficiary::Unspecified => None,
    }
}

/// A statement that names structures beside a reservation that does not say for whom, or only ticks the box of both, tells it:
/// "Peuvent répondre les structures d'insertion", "Article L. 2113-13", "Type de structure : SIAE".
pub(super) fn narrow(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    found: &mut [Found],
    explained: &mut Vec<usize>,
) {
    let open: Vec<usize> = (0..found.len())
        .filter(|i| matches!(found[*i].told, Told::Words(Beneficiary::Unspecified) | Told::WorkshopBox))
        .collect();
    for i in open {
        let at = found[i].unit;
        let said = statements
            .iter()
            .filter(|s| s.unit.ticked != Some(false) && s.index != at && s.index.abs_diff(at) <= 40)
            .filter(|s| {
                s.any_of(&[Concept::Bid, Concept::Proof, Concept::MustBe]).next().is_some()
                    || s.heading.any(&[Concept::Reserve])
                    || s.unit.row.is_some() && statements.iter().any(|x| x.index == at && x.unit.line == s.unit.line)
                    || s.has_word(0, 6, &["type", "article", "articles"])
                    || s.unit.ticked == Some(true)
            });
        let told = said
            .filter_map(|s| {
                let hits: Vec<&Hit> = s
                    .any_of(STRUCTURES)
                    .chain(s.any_of(ARTICLES))
                    .filter(|h| !polarity::void(s, h) && h.concept != Concept::ShelteredAndIntegration)
                    .collect();
                let named = told(&hits)?;
                Some((s.index.abs_diff(at), s, s.bytes(hits[0]), named))
            })
            .min_by_key(|(distance, ..)| *distance);
        // "… insertion comme handicap. Réservation : Oui".
        let both = |s: &Statement<'_>| {
            let says = |word: &str| s.tokens.iter().any(|t| t.word.starts_with(word));
            s.index + 1 == at && s.tokens.len() <= 30 && says("insertion") && says("handicap")
        };
        // "Le lot 4 est désormais réservé à ces mêmes structures": those of a sentence before, whatever becomes of them there.
        let same =
            told.is_none() && statements.iter().any(|s| s.index == at && s.has_word(0, s.tokens.len(), &["memes"]));
        let before = || {
            statements.iter().rev().filter(|s| s.index < at && at - s.index <= 4).find_map(|s| {
                let hits: Vec<&Hit> = s.any_of(STRUCTURES).collect();
                self::told(&hits)
            })
        };
        if let Some(who) = before().filter(|_| same) {
            found[i].told = who;
            continue;
        }
        if told.is_none() && found[i].told != Told::WorkshopBox && statements.iter().any(both) {
            found[i].told = Told::Words(Beneficiary::Both);
        }
        if let Some((_, s, range, Told::Words(who))) = told {
            let index = s.index;
            if found[i].told == Told::Words(Beneficiary::Unspecified) || who != Beneficiary::Both {
                explained.push(index);
            }
            if found[i].told == Told::Words(Beneficiary::Unspecified)
                || matches!(who, Beneficiary::Disability | Beneficiary::Insertion)
            {
                // The buyer's own words are a better quote than a form's box.
                if s.says.any(STRUCTURES) || s.says.has(Concept::Reserve) {
                    (found[i].range, found[i].within) = (range, s.context.clone());
                }
                found[i].told = Told::Words(who);
                // "… à des équipes en insertion : les lots B et D ne sont ouverts qu'à elles."
                if found[i].lots.is_empty() && s.says.any(STRUCTURES) && !reading.speaks_of_all(&s.unit.range) {
                    let named = reading.mentions(&s.unit.range);
                    found[i].lots = named.first().map(|m| m.lots.clone()).unwrap_or_default();
                }
            }
        }
    }
}
