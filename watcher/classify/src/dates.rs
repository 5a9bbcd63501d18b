//! Dates told by the text: visits (and whether missing one makes the offer irregular), questions, deadlines.
//!
//! Each moment is of the kind that the nearest word before it names, in its statement, else in its heading or the lines above it. A
//! moved date counts at its new day ("reportée du 6 au 13 mars", "au lieu de … lire …"); a visit may have several days.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use vigie_domain::{DateKind, TypedDate};

use super::anchors::Topic;
use super::finding::Reading;
use super::fold::fold;
use super::lexicon::{Concept, Concepts, Lexicon};
use super::near::has_moment;
use super::quantity::{Unit as Measure, quantities};
use super::statement::{Unit, Units};
use super::time_of_day;
use super::token::{Token, mark};
use super::tokenizer::tokens;
use super::when::{self, Reference, When, moments};
pub use super::when::{day, written};

/// What a word before a date says the date is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cue {
    /// Of the kind named.
    Kind(DateKind),
    /// A bound ("limite", "au plus tard"), of something not named.
    Bound,
    /// Something no bidder waits for: a publication, a start, a law.
    Other,
}

/// Farthest word that may name a date's kind, in words.
const REACH: usize = 45;
/// Statements above a date that may name its kind.
const ABOVE: usize = 3;

/// A moment of the text with what it is for.
struct Read {
    kind: DateKind,
    when: When,
    range: Range<usize>,
    unit: usize,
    moved: bool,
}

/// Reads the dates of the text; `known` are kinds that a structured field already gave; `open`: bids are awaited.
#[must_use]
pub fn read(
    reading: &Reading<'_>,
    units: &Units,
    zone: Tz,
    known: &[DateKind],
    published: Option<NaiveDate>,
    open: bool,
) -> Vec<TypedDate> {
    let wanted = wanted(reading, units);
    let words: Vec<(usize, Vec<Token<'_>>)> =
        wanted.iter().map(|i| (*i, tokens(reading.doc.text(), &units.list[*i].range))).collect();
    let told = || words.iter().flat_map(|(_, t)| moments(t, None)).map(|w| w.day.year()).max();
    let year = || told().or_else(|| year_in(reading.doc.text()));
    let reference = published.map(Reference::Day).or_else(|| year().map(Reference::Year));
    let mut found: Vec<Read> = Vec::new();
    for (index, words) in &words {
        found.extend(of_unit(reading, units, *index, words, reference));
    }
    // A visit and questions come before the bids: where no year is written, it is the deadline's, or the one before.
    let deadline = found.iter().filter(|r| r.kind == DateKind::Tender && !r.when.undated).map(|r| r.when.day).max();
    for r in found.iter_mut().filter(|r| r.when.undated && matches!(r.kind, DateKind::Visit | DateKind::Questions)) {
        if deadline.is_some_and(|d| r.when.day > d) {
            r.when.day = r.when.day.with_year(r.when.day.year() - 1).unwrap_or(r.when.day);
        }
    }
    let mut out = Vec::new();
    visits(reading, units, zone, &found, &mut out);
    let closing_known = known.contains(&DateKind::Tender) || known.contains(&DateKind::Participation);
    for kind in [DateKind::Questions, DateKind::Participation, DateKind::Tender] {
        let given = known.contains(&kind) || kind != DateKind::Questions && closing_known;
        if given {
            continue;
        }
        let of_kind: Vec<&Read> = found.iter().filter(|r| r.kind == kind).collect();
        // Deadlines have their time of day; what has none may be of something else.
        let timed = || of_kind.iter().find(|r| kind != DateKind::Questions && r.when.time.is_some());
        let chosen = of_kind.iter().rev().find(|r| r.moved).or_else(timed).or(of_kind.first());
        // One is chosen for the whole, wherever it stands.
        out.extend(chosen.map(|r| TypedDate { lot: None, ..typed(reading, units, zone, r) }));
    }
    if open && !closing_known && !out.iter().any(|d| matches!(d.kind, DateKind::Tender | DateKind::Participation)) {
        out.extend(bare_deadline(reading, reference, zone, &found));
    }
    if !known.contains(&DateKind::Questions) && !out.iter().any(|d| d.kind == DateKind::Questions) {
        out.extend(days_before_tender(reading, &words, &out, zone));
    }
    out
}

/// Where no words name a deadline: the moment of a line that nothing else claims, first one told to be new, then one that stands alone
/// ("7. 25 février 2027, 12:00"), beside a word of bids ("Plis dématérialisés, 11 janvier 2027, 17 h 30") or bounded ("avant le 20 décembre").
fn bare_deadline(reading: &Reading<'_>, reference: Option<Reference>, zone: Tz, found: &[Read]) -> Option<TypedDate> {
    words!(
        BESIDE,
        "date fin limite echeance delai consultation inchangee heure heures locale depot lundi mardi mercredi jeudi vendredi
         samedi avant maintenu maintenue mayotte reunion martinique guadeloupe guyane paris"
    );
    words!(
        CLOSING,
        "remis remise remettre rendre plis pli offre offres devis candidature candidatures proposition propositions reponse reponses
         reponds repondez repondre envoyez adressez deposer depot retour close clos cloture clot ferme fermeture delai dernier
         echeance limite soumission tarif tarifs disponibilites adresser dossier dossiers envoi envoyer envois transmettre"
    );
    /// Most lines looked at, far above any real notice without a deadline.
    const MOST: usize = 400;
    let doc = reading.doc;
    let lines = doc.lines();
    let told = lines.iter().take(MOST).flat_map(|line| {
        let line = doc.folded_line(line);
        let words = if has_moment(&doc.text()[line.clone()]) { tokens(doc.text(), &line) } else { Vec::new() };
        moments(&words, reference).into_iter().filter_map(move |when| {
            let parts = |i: &usize| words[*i].ends_sentence() || words[*i].after(mark::ITEM);
            let start = (1..=when.from).rev().find(parts).unwrap_or(0);
            let end = (when.to..words.len()).find(parts).unwrap_or(words.len());
            let sentence = || words[start..when.from].iter().chain(&words[when.to.min(end)..end]);
            let alone = sentence().all(|t| t.word.len() <= 3 || BESIDE.contains(t.word.as_ref()));
            // "2027-01-15T12:00:00" is a machine's, of anything.
            let stamp = words[when.from..when.to].iter().any(|t| t.is_number() && t.word.contains('t'));
            let claimed = matches!(
                cue(&words, start, when.from),
                Some(Cue::Other | Cue::Kind(DateKind::Visit | DateKind::Questions))
            );
            let stands = when::range(&words, &when);
            let claimed = claimed || found.iter().any(|r| r.range.start < stands.end && stands.start < r.range.end);
            let closes = sentence().any(|t| CLOSING.contains(t.word.as_ref()));
            let bounded = words[when.from.saturating_sub(3)..when.from]
                .iter()
                .any(|t| matches!(t.word.as_ref(), "avant" | "jusqu" | "pour" | "ici" | "delai"));
            let near = &words[when.from.saturating_sub(4)..when.from];
            // "Au lieu de 7 janvier 2027, lire 14 janvier 2027.", "la date du 21 décembre est remplacée par celle du 11 janvier".
            let given_up = words[when.to..].iter().take(4).any(|t| t.begins(&["remplac"]));
            let replaced = given_up
                || near.iter().any(|t| t.word == "lieu" || t.begins(FORMERLY))
                    && !near.iter().any(|t| t.word == "lire");
            let moved = moves(&words[start..end]) || near.iter().any(|t| t.word == "lire");
            let rank = match (claimed || stamp || replaced, when.time.is_some()) {
                (true, _) => return None,
                (false, true) if moved => 0,
                (false, true) if alone || closes => 1,
                (false, false) if bounded && (closes || alone) => 2,
                // The one moment of a text that has a time of day, or that is bounded.
                (false, true) => 3,
                (false, false) if bounded => 4,
                _ => return None,
            };
            Some((rank, when, stands, line.clone()))
        })
    });
    let told: Vec<_> = told.collect();
    let only = |n: u8| told.iter().filter(|(rank, ..)| *rank == n).count() == 1;
    let may = [only(3), only(4)];
    let counts = |rank: u8| rank < 3 || may[usize::from(rank - 3)];
    let (_, when, range, line) = told.into_iter().filter(|(rank, ..)| counts(*rank)).min_by_key(|(rank, ..)| *rank)?;
    let (at, has_time) = when.at(zone);
    let evidence = doc.evidence_within(range, &line);
    let (quote, field) = (evidence.quote, evidence.field);
    Some(TypedDate { kind: DateKind::Tender, at, has_time, mandatory: false, quote, field, lot: None })
}

/// The latest day that a text tells with its year.
pub(crate) fn newest(text: &str) -> Option<NaiveDate> {
    let of_line = |line: &str| {
        let line = fold(line);
        let told = if has_moment(&line) { moments(&tokens(&line, &(0..line.len())), None) } else { Vec::new() };
        told.into_iter().filter(|w| !w.undated).map(|w| w.day).max()
    };
    text.lines().filter_map(of_line).max()
}

/// The first year that a text names.
fn year_in(text: &str) -> Option<i32> {
    let head = &text[..text.floor_char_boundary(20_000)];
    head.match_indices("20").find_map(|(i, _)| {
        let number = head.get(i..i + 4).filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?;
        let alone = !head[..i].ends_with(|c: char| c.is_ascii_alphanumeric())
            && !head[i + 4..].starts_with(|c: char| c.is_ascii_alphanumeric());
        number.parse().ok().filter(|y| alone && (2015..=2060).contains(y))
    })
}

fn typed(reading: &Reading<'_>, units: &Units, zone: Tz, r: &Read) -> TypedDate {
    let (at, has_time) = r.when.at(zone);
    let evidence = reading.doc.evidence_within(r.range.clone(), &units.list[r.unit].range);
    TypedDate {
        kind: r.kind,
        at,
        has_time,
        mandatory: false,
        quote: evidence.quote,
        field: evidence.field,
        lot: reading.doc.lot_at(r.range.start).map(str::to_owned),
    }
}

/// Units that hold a word of dates, and a digit.
fn wanted(reading: &Reading<'_>, units: &Units) -> Vec<usize> {
    /// Far above any real notice, so that hostile text stays cheap.
    const MOST: usize = 3000;
    let mut windows =
        [Topic::Visit, Topic::Closing, Topic::Question].map(|topic| reading.anchors.windows(topic).iter().peekable());
    let mut held = |unit: &Unit| {
        windows.iter_mut().fold(false, |held, windows| {
            while windows.next_if(|w| w.end <= unit.range.start).is_some() {}
            held | windows.peek().is_some_and(|w| w.start < unit.range.end)
        })
    };
    let tells = |unit: &Unit| {
        let text = &reading.doc.text()[unit.range.clone()];
        has_moment(text) || text.contains("jour") || text.contains("j-")
    };
    units.list.iter().enumerate().filter(|(_, u)| held(u) && tells(u)).map(|(i, _)| i).take(MOST).collect()
}

fn of_unit(
    reading: &Reading<'_>,
    units: &Units,
    index: usize,
    words: &[Token<'_>],
    reference: Option<Reference>,
) -> Vec<Read> {
    let unit = &units.list[index];
    if unit.ticked == Some(false) {
        return Vec::new();
    }
    let mut found = moments(words, reference);
    // "Date : 11/09/2026", and on the next line "Heure locale : 11:45" or "11:45".
    // "Jour limite : 20 janvier 2027. Heure limite : 12 h."
    if let (Some(last), Some(next)) = (found.last_mut(), units.list.get(index + 1).filter(|n| n.line <= unit.line + 1))
        && last.time.is_none()
    {
        let text = reading.doc.text()[next.range.clone()].trim();
        let below = next.line > unit.line && last.to == words.len();
        let alone = text.len() <= 12 && text.starts_with(|c: char| c.is_ascii_digit()) && below;
        if alone || text.starts_with("heure") || text.starts_with("time_receipt") {
            last.time = time_of_day::time_in(&tokens(reading.doc.text(), &next.range));
        }
    }
    // "Avant 11:00 heure locale, le 20 janvier 2027", "Heure de clôture : 10 h (locale) le 14 janvier".
    if let [only] = found.as_mut_slice()
        && only.time.is_none()
        && words[..only.from].iter().any(|t| matches!(t.word.as_ref(), "heure" | "avant"))
    {
        only.time = time_of_day::time_in(&words[..only.from]);
    }
    // "Date : ☒ 06/01 ☐ 13/01   Heure : ☒ 11h ☐ 16h".
    if let Some(last) = found.last_mut().filter(|w| unit.ticked == Some(true) && w.time.is_none()) {
        let beside =
            units.list.iter().skip(index + 1).take_while(|n| n.line == unit.line).filter(|n| n.ticked == Some(true));
        last.time = beside.into_iter().find_map(|n| time_of_day::time_in(&tokens(reading.doc.text(), &n.range)));
    }
    let kept = words.iter().position(|t| t.begins(&["maintenu", "inchang"]));
    let moves = kept.is_none() && moves(words);
    // "Maintenue au 18 décembre, malgré les demandes de report au 8 janvier."
    if kept.is_some()
        && let Some(despite) = words.iter().position(|t| t.word == "malgre")
    {
        found.retain(|w| w.from < despite);
    }
    let mut out: Vec<Read> = Vec::new();
    let mut floor = 0;
    let mut last: Option<Cue> = units
        .list
        .get(index.wrapping_sub(1))
        .filter(|p| {
            p.line == unit.line
                && words.first().is_some_and(|t| matches!(t.word.as_ref(), "elle" | "celle" | "celles" | "elles"))
        })
        .map(|_| Cue::Kind(DateKind::Visit))
        .filter(|_| above_speaks_of_visit(reading, units, index));
    for (i, when) in found.iter().enumerate() {
        let own = cue(words, floor, when.from);
        let chain = own.is_none() || when.from - floor <= 3;
        let named = own
            .or(if chain { last } else { None })
            .or_else(|| if i == 0 { above(reading, units, index) } else { None });
        // "Au lieu de : …, lire : …": what a correction moves is the deadline, where it does not say.
        let corrected =
            || words[when.from.saturating_sub(3)..when.from].iter().any(|t| t.word == "lire").then_some(Cue::Bound);
        // "Le 21 décembre à 18 h, clôture."
        let closes = || {
            let next = words.get(when.to)?;
            // "La date du 17 décembre à 11 h est maintenue pour la remise des offres."
            let kept = (when.to..words.len().min(when.to + 8)).any(|i| {
                let behind = words[i + 1..].iter().take(2).map(|t| t.word.as_ref());
                words[i].word == "pour" && behind.into_iter().any(|w| matches!(w, "remise" | "reception" | "depot"))
            });
            (kept || next.after(mark::COMMA) && matches!(next.word.as_ref(), "cloture" | "limite"))
                .then_some(Cue::Kind(DateKind::Tender))
        };
        let named = named.or_else(corrected).or_else(closes);
        let bound = bounded(words, when, floor) || named_above_bound(own, unit);
        let cue = match named {
            Some(Cue::Bound) => Some(Cue::Kind(nearest_noun(reading, units, index).unwrap_or(DateKind::Tender))),
            Some(Cue::Kind(kind)) if kind != DateKind::Visit && own.is_some() && !bound => None,
            other => other,
        };
        last = cue.or(named);
        floor = when.to;
        let replaced = words[when.from.saturating_sub(2)..when.from].iter().any(|t| t.word == "place")
                && words[when.from.saturating_sub(4)..when.from].iter().any(|t| t.word == "lieu")
                || words[when.from.saturating_sub(7)..when.from].windows(2).any(|w| w[0].word == "au" && w[1].word == "lieu")
                && !words[when.from.saturating_sub(3)..when.from].iter().any(|t| t.word == "lire")
                || words[when.from.saturating_sub(2)..when.from].iter().any(|t| t.word == "non" || t.begins(FORMERLY))
                || words.get(when.to..).is_some_and(|w| w.iter().take(3).any(|t| t.begins(&["caduc", "caduq"])))
                || found.get(i + 1).is_some() && words[when.to..].iter().take(3).any(|t| t.begins(&["remplac"]))
                // "14/12/2026 à 12:00 devient 04/01/2027".
                || words.get(when.to).is_some_and(|t| t.word.starts_with("devien")) && found.get(i + 1).is_some();
        let annulled = words[when.to..]
            .iter()
            .take(6)
            .any(|t| ["annul", "deplace", "report", "decal", "repouss"].iter().any(|w| t.word.starts_with(w)))
            && found.get(i + 1).is_some()
            && kind_is_visit(named)
            // "Prévue le 5 mars, n'aura lieu que le 19".
            || found.get(i + 1).is_some_and(|n| {
                let between = &words[when.to..n.from];
                between.iter().any(|t| t.word == "que") && between.iter().any(|t| t.word == "lieu")
            });
        // "Au lieu de :", on the line before.
        let replaced_below = || {
            let above = index.checked_sub(1).map(|p| &units.list[p]).filter(|p| unit.line - p.line <= 1);
            let text = above.map_or("", |p| &reading.doc.text()[p.range.clone()]);
            text.trim_end_matches([' ', ':']).ends_with("au lieu de")
        };
        // "reçues du 5 janvier au 4 février": an interval closes at its end.
        let interval = when.from > 0
            && words[when.from - 1].word == "du"
            && found.get(i + 1).is_some_and(|n| n.from <= when.to + 3)
            && !kind_is_visit(named);
        let from = interval
            || replaced_below()
            || annulled
            || moves
                && when.from > 0
                && words[when.from - 1].word == "du"
                && found.get(i + 1).is_some_and(|n| n.from <= when.to + 3);
        if let (Some(Cue::Kind(kind)), false) = (cue, replaced || from) {
            // "La limite du 14 décembre à 17 h est repoussée au 21": at the same hour.
            let hour = when.time.or_else(|| found[..i].iter().rev().find_map(|w| w.time).filter(|_| moves));
            let when = When { time: hour, ..when.clone() };
            out.push(Read { kind, range: when::range(words, &when), when, unit: index, moved: moves });
        }
    }
    out
}

/// Whether words move a date: "reportée", "nouvelle", "elle passe au 12".
fn moves(words: &[Token<'_>]) -> bool {
    let passes = |w: &[Token<'_>]| w[0].word == "passe" && matches!(w[1].word.as_ref(), "au" | "du");
    words.iter().any(|t| t.begins(MOVES)) || words.windows(2).any(passes)
}

/// What moves a date.
const MOVES: &[&str] = &[
    "report", "prorog", "prolong", "remplac", "chang", "decal", "repouss", "lire", "deplace", "nouvelle", "devien",
    "gliss", "recul", "portee",
];
/// What a date was before it moved.
const FORMERLY: &[&str] = &["initialement", "ancien", "precedemment", "auparavant"];

fn kind_is_visit(cue: Option<Cue>) -> bool {
    cue == Some(Cue::Kind(DateKind::Visit))
}

/// A date under a heading needs no bound of its own.
fn named_above_bound(own: Option<Cue>, unit: &Unit) -> bool {
    own.is_none() && unit.heading.is_some()
}

/// The nearest word between two tokens that says what a date is of.
fn cue(words: &[Token<'_>], floor: usize, at: usize) -> Option<Cue> {
    let start = floor.max(at.saturating_sub(REACH));
    let mut bound = None;
    // Where the word that bounds it stands.
    let mut bound_at = at;
    let mut noun = None;
    // "30 jours après la publication de l'avis, soit le 6 août": what stands before "soit" only counts the days.
    let restated = words[start..at].iter().any(|t| t.word == "soit");
    // What "J-10 de la date limite" counts from is not what the day is of.
    let counted = (start..at).rev().find(|i| restated && matches!(words[*i].word.as_ref(), "j" | "jours" | "jour"));
    let at = counted.unwrap_or(at);
    for i in (start..at).rev() {
        let word = words[i].word.as_ref();
        // "Réponse 5 : oui, le 9 décembre": the answer's label.
        let label = i == 0 && matches!(word, "question" | "reponse") && words.get(1).is_some_and(Token::is_number);
        if label && at > 2 {
            break;
        }
        let before = |n: usize, list: &[&str]| {
            words[i.saturating_sub(n).max(start)..i].iter().any(|t| list.iter().any(|w| t.word.starts_with(w)))
        };
        let kind = match word {
            "visite" | "visites" | "visiter" => Some(DateKind::Visit),
            // "Réunion sur place".
            "reunion" | "rendez"
                if words[i + 1..at].iter().take(3).any(|t| matches!(t.word.as_ref(), "place" | "site")) =>
            {
                Some(DateKind::Visit)
            }
            // "Fin de la consultation : 21.01.2027", "Échéance : lundi 8 février 2027".
            "fin" if words[i + 1..at].iter().take(3).any(|t| t.word == "consultation") => Some(DateKind::Tender),
            "echeance" if i == 0 && words.get(1).is_some_and(|t| t.after(mark::COLON)) => Some(DateKind::Tender),
            "question" | "questions" | "renseignements" | "precisions" | "renseignement" => Some(DateKind::Questions),
            "dossier" | "documents"
                if before(6, &["telecharg", "retrait", "retir"])
                    || words[i + 1..at]
                        .iter()
                        .any(|t| t.word.starts_with("telecharg") || t.word.starts_with("retir")) =>
            {
                return Some(Cue::Other);
            }
            "informations" | "information" if before(3, &["demande", "complement"]) => Some(DateKind::Questions),
            w if words_of!(
                "offre offres pli plis rendu propositions proposition reponse reponses devis remise remises reception depot
                 date_receipt_tenders retour retours retourner dlro dlo repondre rendre soumissions dossiers saisie"
            )
            .contains(w) =>
            {
                Some(DateKind::Tender)
            }
            "candidature" | "candidatures" | "participation" | "manifestation" | "manifestations" => {
                Some(DateKind::Participation)
            }
            _ => None,
        };
        if let Some(kind) = kind {
            let between = &words[i + 1..at];
            let behind = |list: &[&str]| between.iter().any(|t| list.iter().any(|w| t.word.starts_with(w)));
            let of_offers = kind != DateKind::Visit
                && (before(3, &["ouverture", "validite", "examen", "analyse", "valable", "ouvert"])
                    || behind(&["valable", "validite", "maintenu"]));
            // "Réponses de l'acheteur : 25/01/2027".
            let of_buyer = word.starts_with("reponse")
                && behind(&["acheteur", "pouvoir", "collectivite", "maitre", "apportee", "publie", "diffuse"]);
            if of_offers || of_buyer {
                return Some(Cue::Other);
            }
            // "Questions au plus tard six jours avant la date limite fixée au 18 mars": the deadline's day.
            let from_deadline = ["avant", "limite"].iter().all(|w| words[i + 1..at].iter().any(|t| t.word == *w))
                && words[i + 1..at].iter().any(|t| matches!(t.word.as_ref(), "jours" | "j" | "fixee"));
            if kind == DateKind::Questions && from_deadline && !restated {
                return Some(Cue::Kind(DateKind::Tender));
            }
            // "candidatures et offres": offers.
            if kind == DateKind::Participation && (before(6, &["offre", "pli"]) || noun == Some(DateKind::Tender)) {
                return Some(Cue::Kind(DateKind::Tender));
            }
            if kind == DateKind::Tender
                && matches!(word, "remise" | "remises" | "reception" | "depot" | "reponse" | "retour")
                && noun.is_none()
            {
                noun = Some(kind);
                continue;
            }
            // "Visite du dépôt le 11 décembre": there it is a place.
            return Some(Cue::Kind(noun.filter(|_| kind != DateKind::Visit).unwrap_or(kind)));
        }
        if noun.is_some() && words[i + 1].after(mark::COMMA | mark::ITEM | mark::STOP) {
            break;
        }
        match word {
            // "Nouvelle date : 12/02/2027".
            "date" if before(1, &["nouvelle"]) => bound = Some(Cue::Bound),
            "delai" if before(1, &["dernier"]) => (bound, bound_at) = (Some(Cue::Bound), i),
            "limite" | "limites" | "lirnite" | "cloture" | "terme" | "butoir" | "echeance" | "tard" | "jusqu" | "jusque" | "fermeture"
            | "deadline" => (bound, bound_at) = (Some(Cue::Bound), i),
            // "(rectificatif du 27/11/2026)".
            "rectificatif" | "erratum" if i + 3 >= at => return Some(Cue::Other),
            w if words_of!(
                "publication publie notification demarrage debut commencement signature compter conclusion ordonnance loi decret
                 arrete livraison achevement deliberation commission jury resultats parution envoye attribution conclu accord
                 convention election effet validite rendez reunion audition auditions echantillon echantillons maquette travaux
                 chantier depasse depasser"
            )
            .contains(w)
                || w == "ligne" && before(2, &["mise", "mis"]) =>
            {
                // "Un seul fichier, envoyé par la plateforme d'ici le 22 janvier".
                if word == "envoye"
                    && words[i + 1..at].iter().any(|t| matches!(t.word.as_ref(), "ici" | "avant" | "tard"))
                {
                    continue;
                }
                // "Offres et échantillons pour le 8 janvier".
                if word.starts_with("echantillon") && before(2, &["offre", "pli"]) {
                    continue;
                }
                // "Offres de l'accord-cadre : 25 février".
                if word == "accord" && words.get(i + 1).is_some_and(|t| t.word == "cadre") {
                    continue;
                }
                // "Visite sur rendez-vous le 14 janvier".
                if restated || word == "rendez" && before(8, &["visite"]) {
                    continue;
                }
                // "Mise en ligne lundi, fermeture le 15 janvier": what is bounded is said behind.
                let parted = |i: usize| words[i].after(mark::COMMA | mark::STOP | mark::ITEM);
                let own = bound.filter(|_| (i + 1..=bound_at.min(at.saturating_sub(1))).any(parted));
                return noun.map(Cue::Kind).or(own).or(Some(Cue::Other));
            }
            "avis" if before(5, &["envoi", "date"]) => return Some(Cue::Other),
            _ => {}
        }
    }
    noun.map(Cue::Kind).or(bound)
}

/// Whether words bound the date: "limite", "au plus tard", "pour le", "Plis : 2 avril".
fn bounded(words: &[Token<'_>], when: &When, floor: usize) -> bool {
    words!(
        BOUNDS,
        "limite limites lirnite recevoir repondre cloture butoir tard avant apres jusqu jusque parvenir parviennent recu recus recue recues transmis
         transmises remis remises deposer deposes deposees remettre attendu attendues attendus remise reception depot
         fixee fixe reportee reporte prorogee lire pour dernier posees posent envoi transmission date_receipt_tenders
         echeance delai retour reponse reponses decalee repoussee rendre dlro dlo arretent arrete closes clos recommandee conseillee soit fin"
    );
    let start = floor.max(when.from.saturating_sub(REACH));
    let said = words[start..when.from].iter().any(|t| BOUNDS.contains(t.word.as_ref()));
    let behind = words[when.from..]
        .iter()
        .take(when.to - when.from + 6)
        .any(|t| matches!(t.word.as_ref(), "tard" | "dernier" | "limite"));
    // "Plis : 2 avril 2026", "Offres le 8 avril".
    let label = when.from > 0 && {
        let mut at = when.from;
        while at > start
            && matches!(
                words[at - 1].word.as_ref(),
                "le" | "lundi" | "mardi" | "mercredi" | "jeudi" | "vendredi" | "samedi" | "dimanche"
            )
            && !words[at].after(mark::COLON | mark::ITEM)
        {
            at -= 1;
        }
        words[at].after(mark::COLON | mark::ITEM)
            || at > 0
                && matches!(
                    words[at - 1].word.as_ref(),
                    "offre" | "offres" | "pli" | "plis" | "devis" | "propositions" | "reponse" | "reponses"
                )
    };
    // "Offres dématérialisées au 13 janvier".
    let until = when.from > 0 && words[when.from - 1].word == "au";
    said || behind || label || until
}

/// Most words of a line that labels the next one.
const LABEL: usize = 14;

/// What the heading and the lines above a statement name.
fn above(reading: &Reading<'_>, units: &Units, index: usize) -> Option<Cue> {
    let heading = units.list[index].heading;
    let near =
        // The title labels nothing.
        (index.saturating_sub(ABOVE).max(1)..index).rev().filter(|i| units.list[index].line - units.list[*i].line <= ABOVE);
    heading.into_iter().chain(near).find_map(|i| {
        let words = tokens(reading.doc.text(), &units.list[i].range);
        // A line that told its own date says nothing of the next one's, unless this one mends it.
        let own = moments(&words, Some(Reference::Year(2000)));
        let mends = words.iter().any(|t| t.word == "lieu");
        // A whole sentence says what it says, and labels nothing.
        if heading != Some(i) && words.len() > LABEL && own.is_empty() && !mends {
            return None;
        }
        let from = own.last().filter(|_| !mends).map_or(0, |w| w.to);
        cue(&words, from, words.len())
    })
}

/// "Elle a lieu le …" behind a sentence about a visit.
fn above_speaks_of_visit(reading: &Reading<'_>, units: &Units, index: usize) -> bool {
    index.checked_sub(1).is_some_and(|i| reading.doc.text()[units.list[i].range.clone()].contains("visite"))
}

/// The nearest thing named above that a bound may be of.
fn nearest_noun(reading: &Reading<'_>, units: &Units, index: usize) -> Option<DateKind> {
    // "Candidatures non conformes : écartées." names no deadline of theirs.
    let labels = |u: &Unit| {
        let text = &reading.doc.text()[u.range.clone()];
        let says = |words: &[&str]| words.iter().any(|w| text.contains(w));
        says(&["candidatur", "participation", "manifestation"])
            && (u.is_heading || says(&["remise des", "reception", "depot", "limite"]))
    };
    match above(reading, units, index) {
        Some(Cue::Kind(DateKind::Participation))
            if !units.list[index.saturating_sub(ABOVE)..index].iter().any(labels) =>
        {
            None
        }
        Some(Cue::Kind(kind)) if kind != DateKind::Visit => Some(kind),
        _ => None,
    }
}

/// "Les questions sont posées au moins huit jours avant la date limite": counted back from the deadline.
fn days_before_tender(
    reading: &Reading<'_>,
    words: &[(usize, Vec<Token<'_>>)],
    dates: &[TypedDate],
    zone: Tz,
) -> Option<TypedDate> {
    let tender = dates.iter().find(|d| d.kind == DateKind::Tender)?;
    words.iter().find_map(|(_, t)| {
        let asked = t.iter().any(|x| {
            matches!(x.word.as_ref(), "questions" | "question" | "renseignements" | "renseignement" | "precisions")
        });
        let before = t.iter().any(|x| x.word == "avant") && t.iter().any(|x| x.word == "limite" || x.word == "remise");
        let (from, to, days) = if asked && before { days_told(t)? } else { return None };
        if days > 60.0 {
            return None;
        }
        let day = tender.at.date_naive() - chrono::Days::new(days as u64);
        let when = When { from, to, day, time: None, clock: None, undated: false };
        let (at, has_time) = when.at(zone);
        let range = t[0].range.start..t[t.len() - 1].range.end;
        let evidence = reading.doc.evidence_within(t[from].range.clone(), &range);
        Some(TypedDate {
            kind: DateKind::Questions,
            at,
            has_time,
            mandatory: false,
            quote: evidence.quote,
            field: evidence.field,
            lot: None,
        })
    })
}

/// "huit jours", "J-10": where it stands, and how many.
fn days_told(words: &[Token<'_>]) -> Option<(usize, usize, f64)> {
    let counted =
        quantities(words).into_iter().find(|q| q.unit == Measure::Days && words[q.to - 1].word.starts_with("jour"));
    let short = || {
        (1..words.len()).find_map(|i| {
            let days =
                words[i].word.parse().ok().filter(|_| words[i - 1].word == "j" && words[i].after(mark::HYPHEN))?;
            Some((i - 1, i + 1, days))
        })
    };
    counted.map(|q| (q.from, q.to, q.value)).or_else(short)
}

fn visits(reading: &Reading<'_>, units: &Units, zone: Tz, found: &[Read], out: &mut Vec<TypedDate>) {
    let asked = |r: &Read| reading.doc.text()[units.list[r.unit].range.clone()].trim_end().ends_with('?');
    let visits = || found.iter().filter(|r| r.kind == DateKind::Visit);
    // "La visite du 2 décembre est-elle maintenue ? Elle est reportée au 7": the answer tells it.
    let told = |r: &Read| !asked(r) || !visits().any(|o| o.moved && o.unit > r.unit);
    for r in visits().filter(|r| told(r) && !aside(reading, &units.list[r.unit])) {
        let mut date = typed(reading, units, zone, r);
        date.mandatory = compulsory(reading, units, r.unit);
        if !out.iter().any(|d| d.kind == DateKind::Visit && d.at == date.at && d.lot == date.lot) {
            out.push(date);
        }
    }
}

/// Concepts of a unit's words.
fn says(reading: &Reading<'_>, unit: &Unit) -> Concepts {
    let words = tokens(reading.doc.text(), &unit.range);
    let mut says = Concepts::default();
    for hit in Lexicon::embedded().find(&words, |_| false) {
        says.add(hit.concept);
    }
    says
}

/// A visit that is none of the site by bidders.
fn aside(reading: &Reading<'_>, unit: &Unit) -> bool {
    says(reading, unit).has(Concept::VisitAside)
}

/// The first compulsory visit: where it is named, and its statement.
#[must_use]
pub fn compulsory_visit(reading: &Reading<'_>, units: &Units) -> Option<(Range<usize>, Range<usize>)> {
    let mut w = 0;
    let windows = reading.anchors.windows(Topic::Visit);
    units.list.iter().enumerate().find_map(|(i, unit)| {
        while windows.get(w).is_some_and(|x| x.end <= unit.range.start) {
            w += 1;
        }
        windows.get(w).filter(|x| x.start < unit.range.end)?;
        let at = unit.range.start + reading.doc.text()[unit.range.clone()].find("visite")?;
        let holds = unit.ticked != Some(false) && !aside(reading, unit) && compulsory(reading, units, i);
        holds.then(|| (at..at + 6, unit.range.clone()))
    })
}

/// Whether a bidder who stays away is out: its statement says so, the option ticked, or the sentence beside it about the visit.
fn compulsory(reading: &Reading<'_>, units: &Units, index: usize) -> bool {
    let unit = &units.list[index];
    let text = |u: &Unit| &reading.doc.text()[u.range.clone()];
    let mut said = says(reading, unit);
    if unit.ticked == Some(true) || unit.is_heading {
        // The option ticked counts, not its neighbours.
        let options =
            units.list.iter().skip(index + 1).take(4).filter(|u| u.line == unit.line && u.ticked == Some(true));
        said = options.fold(said, |s, o| s.with(says(reading, o)));
    } else if let Some(next) = units.list.get(index + 1).filter(|n| n.line - unit.line <= 1 && n.ticked.is_none()) {
        let about = ["visite", "elle ", "l'absence", "sous peine", "irreguli"].iter().any(|w| text(next).contains(w));
        if about && !text(next).contains("pas de visite") {
            said = said.with(says(reading, next));
        }
    }
    let before = index.checked_sub(1).map(|p| &units.list[p]);
    // "Visite obligatoire : Oui", and below it when.
    let answered = before
        .filter(|p| unit.line - p.line <= 1)
        .map(text)
        .is_some_and(|t| t.contains("visite") && t.contains("obligatoire") && t.trim_end().ends_with("oui"));
    if answered {
        return true;
    }
    if let Some(previous) =
        before.filter(|p| p.line == unit.line && p.ticked != Some(false) && text(p).contains("visite"))
    {
        said = said.with(says(reading, previous));
    }
    said.has(Concept::Compulsory) && !said.has(Concept::NotCompulsory)
}
