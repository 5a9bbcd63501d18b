//! Hours and shares of a clause: which quantities are volumes of work, and which lots each is for.
//!
//! "lot 1 : 300 h, lot 2 : 150 h", "300 h (lot 1)", "respectivement 300 et 180 heures", a table, a list below, the sentence after. A
//! delay, a time of day, a penalty, a rate by the euro is none; a total beside its parts is dropped.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::ops::Range;

use super::amount::{counts, has_volume, named_amounts, of_a_lot, replaced, set_at, share_of_work};
use super::anaphora;
use super::finding::Reading;
use super::learned::{self, Kind};
use super::lexicon::Concept;
use super::numbers::LotMention;
use super::quantity::{Quantity, Unit};
use super::schedule;
use super::statement::Statement;
use super::token::mark;
use super::when::MONTHS;

/// What one statement owes.
#[derive(Debug)]
pub(super) struct Owed {
    /// Position among the statements.
    pub(super) at: usize,
    pub(super) range: Range<usize>,
    pub(super) lots: Vec<String>,
    /// It names the clause; else it only describes it.
    pub(super) named: bool,
    pub(super) optional: bool,
}

/// Statements looked through behind one for the hours of its list or table.
const ROWS: usize = 90;

/// Fewer hours than these, told without their unit in a sentence, are numbers of something else.
const LEAST_LISTED: f64 = 5.0;

/// Yearly hours of one full-time post: the legal duration (Code du travail L3121-41).
const HOURS_A_YEAR: f64 = 1607.0;

/// Hours or a share, for some lots.
#[derive(Debug, Clone)]
pub(super) struct Volume {
    pub(super) range: Range<usize>,
    pub(super) within: Range<usize>,
    pub(super) lots: Vec<String>,
    pub(super) value: f64,
    pub(super) upper: Option<f64>,
    pub(super) unit: Unit,
    pub(super) total: bool,
    /// Told for each year.
    pub(super) yearly: bool,
    /// Told for each of its lots.
    pub(super) each: bool,
    /// "Ici porté à 7,5 %": it takes the place of the one told before.
    pub(super) instead: bool,
}

/// Hours and shares of what is owed: of its own statements, of the list or table below, of the sentence after.
pub(super) fn volumes(
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
        // "Ces heures sont à faire exécuter par …": those that the sentence before tells.
        let told =
            s.has_word(0, 3, &["ces", "ce"]) && s.has_word(0, 4, &["heures", "volume", "volumes", "nombre", "quota"]);
        // "Il s'agit du nombre d'heures que l'entreprise devra faire exécuter par …"
        let these = told || s.has_word(0, 4, &["agit"]) && s.has_word(0, 7, &["nombre", "heures", "volume"]);
        let told_before = statements[..o.at].iter().enumerate().rev().take(5).take_while(|(i, b)| {
            these && !owing.contains(i) && s.unit.line - b.unit.line <= 4 && !b.numbers.is_empty()
        });
        for (_, before) in told_before {
            out.extend(of_statement(reading, before, None, true));
        }
        // A form tells the hours of a lot on the line before its social objective.
        let described =
            o.at.checked_sub(1).map(|b| &statements[b]).filter(|b| {
                b.has_word(0, 1, &["description"]) && b.tokens.len() <= 8 && s.unit.line - b.unit.line <= 1
            });
        for mut v in described.into_iter().flat_map(|b| of_statement(reading, b, None, false)) {
            v.lots = reading.doc.lot_at(v.range.start).map(|l| vec![l.to_owned()]).unwrap_or_default();
            out.push(v);
        }
        let hours_awaited = s.has_word(0, s.tokens.len(), &["heures", "heure", "volume", "nombre"]);
        for next in o.at + 1..statements.len().min(o.at + ROWS) {
            let below = &statements[next];
            if below.unit.ticked == Some(false) {
                continue;
            }
            if owing.contains(&next) {
                break;
            }
            // "Gros œuvre (lot 1) ....... 525".
            let ends_with_number = || {
                hours_awaited
                    && below
                        .numbers
                        .last()
                        .is_some_and(|q| q.unit == Unit::None && q.to == below.tokens.len() && q.value >= LEAST_LISTED)
            };
            let counted = || {
                below.tokens.len() <= 12 && (below.numbers.iter().any(|q| q.unit == Unit::Hours) || ends_with_number())
            };
            // "14.2 Lot 1 : …": behind the number of a paragraph.
            let first = below.tokens.iter().find(|t| !(t.is_number() && t.word.contains('.')));
            let lot_line = first.is_some_and(|t| matches!(t.word.as_ref(), "lot" | "lots" | "lot_no"))
                || begins_with_code(below)
                    && (below.tokens.len() <= 4 || counted() || hours_awaited && lists_codes(below))
                || below.unit.row.is_some()
                || hours_awaited && begins_with_lot(below).is_some() && below.tokens.len() <= 20
                || counted() && !reading.mentions(&below.unit.range).is_empty()
                || counted() && !reading.lots_of_label(&below.unit.range).is_empty();
            let said = below.says.any(&[Concept::DenyAnswer]) && !below.tokens.iter().any(|t| t.is_number());
            let cue = below.has_one(
                0,
                below.tokens.len(),
                words_of!("volume volumes minimum nombre objectif lire part realiser soit porte quota idem total"),
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
            let hours = || {
                below.numbers.iter().any(|q| matches!(q.unit, Unit::Hours | Unit::Percent) && counts(below, q, true))
            };
            // "Lot 2 … Idem : 1 900 heures."
            let idem = next - o.at <= 6 && below.has_word(0, 2, &["idem"]) && hours();
            // "Conditions d'exécution : 640 heures", in the part of a form about the lot that owes it.
            let of_block = || {
                let lot = reading.doc.lot_at(below.unit.range.start);
                below.has_word(0, 5, &["execution"]) && hours() && lot.is_some_and(|lot| o.lots == [lot])
            };
            // "- Heures : 84"
            let labelled = next - o.at <= 3 && below.has_word(0, 3, &["heures", "heure"]) && has_volume(below);
            let follows = idem
                || of_block()
                || labelled
                || next - o.at <= 2 && anaphora::refers_back(below) && hours()
                || next - o.at <= 3
                    && cue
                    && below.says.any(&[Concept::Duty, Concept::Winner, Concept::GiveWork, Concept::ClauseName])
                || (next - o.at <= 2 || below.unit.line - s.unit.line <= 2) && cue;
            if other || said && !lot_line || !(lot_line || follows) {
                // A title may stand some lines above the table it names.
                let of_title = s.index == 0 && next - o.at <= 14 && !below.says.has(Concept::Criterion);
                if lot_line || next - o.at <= 2 && !other || of_title {
                    continue;
                }
                break;
            }
            // "Au lieu de 300, lire 450": hours, where hours are spoken of.
            let mended = below.has_word(0, below.tokens.len(), &["lire"]);
            let bare = if below.unit.row.is_some() {
                below_hours(statements, below)
            } else {
                (lot_line || mended) && hours_awaited
            };
            let row = row_of_lots(below).filter(|_| hours_awaited);
            let mut found = row.map_or_else(|| of_statement(reading, below, None, bare), |row| vec![row]);
            // What goes on with a statement is of its lots.
            let block = reading.doc.lot_at(below.unit.range.start).filter(|_| idem && o.lots.len() == 1);
            let lots = block.map_or_else(|| o.lots.clone(), |lot| vec![lot.to_owned()]);
            for v in found.iter_mut().filter(|v| v.lots.is_empty() && !v.total) {
                v.lots.clone_from(&lots);
            }
            if !found.is_empty() {
                explained.push(below.index);
            }
            out.extend(found);
        }
    }
    for (rows, listed) in schedule::read(reading, statements, owed) {
        let known =
            |v: &Volume| out.iter().any(|k| k.unit == v.unit && k.lots == v.lots && (k.value - v.value).abs() < 0.5);
        if listed.iter().all(known) {
            continue;
        }
        let within = |v: &Volume| listed.iter().any(|l| l.within == v.within);
        out.retain(|v| v.unit != Unit::Hours || !(v.lots.is_empty() || within(v)));
        out.extend(listed);
        explained.extend(rows);
    }
    if out.is_empty() {
        out = orphans(reading, statements, owed, explained);
    }
    settle(out)
}

/// Whether a cell stands under a head that names hours.
pub(super) fn below_hours(statements: &[Statement<'_>], cell: &Statement<'_>) -> bool {
    let head = cell.unit.heading.and_then(|h| statements.iter().find(|x| x.index == h));
    head.is_some_and(|h| h.has_word(0, h.tokens.len(), &["heures", "heure", "h"]))
}

/// The number of the lot that a row of a table begins with, before its title: "01 Désamiantage …", "lot 2 Tourcoing …".
fn begins_with_lot(s: &Statement<'_>) -> Option<String> {
    let first = s.tokens.iter().position(|t| t.word != "lot")?;
    let (code, title) = (&s.tokens[first], s.tokens.get(first + 1)?);
    let numbered = code.is_number() && code.word.len() <= 2 && first <= 1;
    // "7. Date limite : 12 heures" is an article.
    (numbered && title.before == 0 && !title.is_number() && title.word.len() > 2)
        .then(|| vigie_domain::Lot::clean_id(&code.word))
}

/// What the row of a table gives a lot, as the number that ends it: "01 Désamiantage 310", "02 Façades ....... 700 h".
fn row_of_lots(s: &Statement<'_>) -> Option<Volume> {
    let lot = begins_with_lot(s)?;
    let q = s.numbers.last().filter(|q| matches!(q.unit, Unit::None | Unit::Hours) && q.value >= LEAST_LISTED)?;
    let ends = q.from > 2 && s.tokens[q.to..].iter().all(|t| matches!(t.word.as_ref(), "h" | "heures" | "par" | "an"));
    ends.then(|| Volume {
        range: s.tokens[q.from].range.start..s.tokens[q.to - 1].range.end,
        within: s.unit.range.clone(),
        lots: vec![lot],
        value: q.value,
        upper: None,
        unit: Unit::Hours,
        total: false,
        yearly: q.a_year,
        each: false,
        instead: false,
    })
}

/// Hours that stand near what is owed and that nothing else explains, where no statement tells how much: "Il faut comprendre : terrassement 455 heures".
/// What was learned says whether they are a clause's.
fn orphans(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    owed: &[Owed],
    explained: &mut Vec<usize>,
) -> Vec<Volume> {
    /// How many statements before and behind what is owed.
    const NEAR: usize = 16;
    /// From which likelihood.
    const LIKELY: f32 = 0.6;
    let near = |at: usize| owed.iter().min_by_key(|o| o.at.abs_diff(at)).filter(|o| o.at.abs_diff(at) <= NEAR);
    let mut out = Vec::new();
    let around = LazyCell::new(|| learned::around(statements));
    for (at, s) in statements.iter().enumerate() {
        let counts = s.unit.ticked != Some(false) && s.numbers.iter().any(|q| q.unit == Unit::Hours && q.value >= 20.0);
        let Some(o) = near(at).filter(|_| counts && !explained.contains(&s.index)) else { continue };
        if learned::chances(s, reading.about, &around)[Kind::Clause as usize] < LIKELY {
            continue;
        }
        let of_none = Owed { at, range: o.range.clone(), lots: Vec::new(), named: false, optional: false };
        let mut found = of_statement(reading, s, Some(&of_none), false);
        let block = reading.doc.lot_at(s.unit.range.start);
        for v in found.iter_mut().filter(|v| v.lots.is_empty() && !v.total) {
            v.lots = block.map_or_else(|| o.lots.clone(), |lot| vec![lot.to_owned()]);
        }
        if !found.is_empty() {
            explained.push(s.index);
        }
        out.extend(found);
    }
    out
}

/// Volumes of one statement, each with its lots; `bare`: numbers without a unit are hours (a list under "Nombre d'heures").
fn of_statement(reading: &Reading<'_>, s: &Statement<'_>, owed: Option<&Owed>, bare: bool) -> Vec<Volume> {
    let told = owed.is_some();
    let all = s.numbers.clone();
    let mentions = reading.mentions(&s.unit.range);
    let in_mention = |q: &Quantity| {
        let at = s.tokens[q.from].range.start;
        mentions.iter().any(|m| m.range.contains(&at))
    };
    let hours_word = s.has_word(0, s.tokens.len(), &["heures", "heure"]);
    let list = told && hours_word && (mentions.len() >= 2 || named_amounts(s));
    let mut found: Vec<Quantity> = Vec::new();
    for q in all {
        let counted = match q.unit {
            Unit::Hours => {
                // "Une partie des travaux (30 h) avec des personnes en insertion".
                let of_people = told && q.value >= 10.0 && s.says.has(Concept::FarFromWork);
                counts(s, &q, told)
                    && (q.value > 48.0
                        || of_people
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
                    && (!s.has_word(q.to, q.to + 4, &["montant"])
                        || s.has_word(q.to, q.to + 12, &["realiser", "confier", "executer"])
                        || s.has_word(q.to, q.to + 7, &["main"])
                        || s.has_word(q.to, q.to + 12, &["remunerer", "remunere", "remunerent"]))
                    && !is_weight(s, &q)
            }
            // "L'ordonnance du 23 juillet 2015", "II.2.4) Conditions d'exécution".
            Unit::None if of_a_date(s, &q) || numbers_a_paragraph(s, &q) => false,
            Unit::None => {
                let labelled = hours_word
                    && (s.tokens[q.from].after(mark::COLON) || told && set_at(s, &q))
                    && q.value >= if told { 5.0 } else { 10.0 };
                let falls = s.has_word(q.to, q.to + 1, &["a"])
                    && s.has_word(
                        q.from.saturating_sub(2),
                        q.from,
                        &["ramenee", "ramene", "ramenees", "abaissee", "reduit"],
                    );
                ((bare || list && q.value >= LEAST_LISTED)
                    && (q.from > 0 || s.unit.row.is_some())
                    && !falls
                    && !s.tokens[q.from].after(mark::SLASH)
                    && !in_mention(&q)
                    && !s.tokens[q.from].after(mark::HYPHEN)
                    || labelled)
                    && (s.tokens[q.from].is_number() || q.to - q.from >= 2)
                    && q.value > 0.0
                    && (bare && (s.unit.row.is_some() || q.from > 0 && s.tokens[q.from - 1].word == "lire")
                        || s.tokens[q.from].after(mark::COLON | mark::ITEM | mark::OPEN)
                        || s.has_word(q.to, q.to + 1, &["pour"])
                        || bare && mentions.len() >= 2 && s.tokens[q.from].after(mark::COMMA)
                        || labelled
                        || list)
                    && !s.has_one(
                        q.from.saturating_sub(1),
                        q.from,
                        words_of!("article annexe lot lots n lot_no ccap ccag cctp rc art question questions"),
                    )
                    && !replaced(s, &q)
            }
            _ => false,
        };
        if counted {
            let unit = if q.unit == Unit::None { Unit::Hours } else { q.unit };
            // "Porté de 300 à 450 heures": the new volume.
            let raised =
                s.has_word(q.from.saturating_sub(3), q.from, &["porte", "portee", "portees", "passe", "releve"]);
            match q.upper.filter(|_| raised) {
                Some(value) => found.push(Quantity { unit, value, upper: None, ..q }),
                None => found.push(Quantity { unit, ..q }),
            }
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
    // "400 heures la première année, puis 500 heures chaque année suivante": the first year's.
    let of_later_years = |q: &Quantity| {
        s.has_word(q.from.saturating_sub(2), q.from, &["puis", "ensuite"])
            && s.tokens[q.to..]
                .iter()
                .take(6)
                .any(|t| ["annee", "an", "reconduction"].iter().any(|w| t.word.starts_with(w)))
            && found.iter().any(|o| o.unit == q.unit && o.to <= q.from)
    };
    let later: Vec<usize> = found.iter().filter(|q| of_later_years(q)).map(|q| q.from).collect();
    found.retain(|q| !later.contains(&q.from));
    // "Passe de 1 100 à 740 heures": what it was.
    let was = |q: &Quantity| {
        let next = s.numbers.iter().find(|o| o.from > q.from);
        next.is_some_and(|n| n.from == q.to + 1 && n.unit == Unit::Hours && s.has_word(q.to, n.from, &["a"]))
            && s.has_one(
                q.from.saturating_sub(3),
                q.from,
                words_of!("passe passent passera ramene ramenee ramenees reduit reduite reduites porte portee portees"),
            )
    };
    found.retain(|q| !was(q));
    // "175 h (dont 35 h au titre de la mise en service)": a part.
    let part = |q: &Quantity| {
        mentions.len() <= 1 && s.has_word(q.from.saturating_sub(1), q.from, &["dont"]) && found_before(&found, q)
    };
    let parts: Vec<usize> = found.iter().filter(|q| part(q)).map(|q| q.from).collect();
    found.retain(|q| !parts.contains(&q.from));
    // "6 000 heures sur 4 ans (1 500 h annuelles)", "1 800 h réparties : 60 % au lot 2 et 40 % au lot 5": the whole.
    let whole: Vec<f64> = found.iter().filter(|q| q.unit == Unit::Hours && !q.a_year).map(|q| q.value).collect();
    let of_whole =
        |q: &Quantity| q.a_year && whole.iter().any(|w| (2..=10).any(|n| (q.value * f64::from(n) - w).abs() < 0.5));
    found.retain(|q| {
        !(q.unit == Unit::Hours && of_whole(q) || q.unit == Unit::Percent && !whole.is_empty() && of_a_lot(s, q))
    });
    distribute(reading, s, owed, &mentions, found)
}

/// "Un poste, à plein temps, pendant six mois": the part of a year that a post lasts.
fn part_of_a_year(s: &Statement<'_>, q: &Quantity) -> f64 {
    let months = s.numbers.iter().find(|m| m.unit == Unit::Months && m.from >= q.to && m.from - q.to <= 10);
    months.filter(|m| (1.0..12.0).contains(&m.value)).map_or(1.0, |m| m.value / 12.0)
}

/// Whether a larger amount of its unit stands before one.
fn found_before(found: &[Quantity], q: &Quantity) -> bool {
    found.iter().any(|o| o.to <= q.from && o.unit == q.unit && o.value > q.value)
}

/// Whether a number is of a day: a month stands beside it.
fn of_a_date(s: &Statement<'_>, q: &Quantity) -> bool {
    s.has_word(q.to, q.to + 1, &MONTHS) || s.has_word(q.from.saturating_sub(1), q.from, &MONTHS)
}

/// Whether a number is that of the paragraph which a statement begins: "II.2.4) …", "3.2 …".
fn numbers_a_paragraph(s: &Statement<'_>, q: &Quantity) -> bool {
    q.from <= 1 && s.tokens[q.from].word.contains('.') && q.value < 100.0
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
            value: if full_time { (q.value * HOURS_A_YEAR * part_of_a_year(s, q)).round() } else { q.value },
            upper: q.upper,
            unit: if full_time { Unit::Hours } else { q.unit },
            total,
            yearly: q.a_year,
            each: q.each,
            instead: q.unit == Unit::Percent && s.has_word(q.from.saturating_sub(2), q.from, &["porte", "portee"]),
        }
    };
    if let Some(row) = &s.unit.row {
        return found.iter().map(|q| volume(q, vec![row.clone()], false)).collect();
    }
    // Amounts of one unit, where any of them tells it, for lots in their order.
    let in_order = |m: &LotMention, values: &[Quantity]| -> Vec<Volume> {
        let unit = values.iter().map(|q| q.unit).find(|u| *u != Unit::None).unwrap_or(Unit::Hours);
        let of_unit = |q: &Quantity| Quantity { unit, ..q.clone() };
        m.lots.iter().zip(values).map(|(lot, q)| volume(&of_unit(q), vec![lot.clone()], false)).collect()
    };
    // Each of a list of lots, in order: "lots 1 et 2 : respectivement 300 et 180 heures", "300 h et 180 h".
    let respectively = s.tokens.iter().position(|t| t.word == "respectivement");
    let alone = mentions.len() == 1 && !found.iter().any(|q| q.each);
    let counted = |q: &&Quantity| matches!(q.unit, Unit::Hours | Unit::None | Unit::Percent);
    if let Some(m) = mentions.iter().find(|m| m.lots.len() >= 2)
        && let hours = found.iter().filter(|q| position(q) > m.range.end).count()
        && (respectively.is_some() || alone && hours == m.lots.len())
    {
        let behind = s.numbers.iter().filter(|q| position(q) > m.range.end).filter(counted);
        let told = respectively.filter(|at| s.tokens[*at].range.start > m.range.end).unwrap_or_default();
        let mut values: Vec<Quantity> = behind.clone().filter(|q| q.from > told).cloned().collect();
        // "À raison de 420, 210 et 280 heures respectivement": the last ones before it.
        let before: Vec<Quantity> = behind.clone().filter(|q| q.to <= told).cloned().collect();
        if values.len() < m.lots.len() && before.len() >= m.lots.len() {
            values = before[before.len() - m.lots.len()..].to_vec();
        }
        if values.len() < m.lots.len() {
            values = found.iter().filter(|q| position(q) > m.range.end).cloned().collect();
        }
        values.truncate(m.lots.len());
        if values.len() == m.lots.len() {
            return in_order(m, &values);
        }
    }
    // "140, 205 et 70 heures respectivement pour les lots 1, 2 et 3".
    if let Some(m) = mentions.iter().find(|m| m.lots.len() >= 2 && respectively.is_some()) {
        let before: Vec<Quantity> =
            s.numbers.iter().filter(|q| position(q) < m.range.start).filter(counted).cloned().collect();
        if before.len() >= m.lots.len() {
            return in_order(m, &before[before.len() - m.lots.len()..]);
        }
    }
    // "2 400 heures pour le premier, 700 pour le deuxième": of the lots owed, in their order.
    let ordinal = |q: &Quantity| {
        const ORDINALS: [&str; 6] = ["premier", "deuxieme", "troisieme", "quatrieme", "cinquieme", "sixieme"];
        let named = s.tokens.get(q.to + 2).filter(|_| s.has_word(q.to, q.to + 1, &["pour"]))?;
        let named = if named.word == "second" { "deuxieme" } else { named.word.as_ref() };
        own.get(ORDINALS.iter().position(|o| *o == named)?).cloned()
    };
    let placed: Vec<Volume> = s
        .numbers
        .iter()
        .filter(|q| matches!(q.unit, Unit::Hours | Unit::None))
        .filter_map(|q| Some(volume(&Quantity { unit: Unit::Hours, ..q.clone() }, vec![ordinal(q)?], false)))
        .collect();
    if placed.len() >= 2 {
        return placed;
    }
    if let [q] = found.as_slice()
        && let Some(lot) = code_before(s, q)
    {
        return vec![volume(q, vec![lot], false)];
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
        && (s.has_word(0, s.tokens.len(), &["lot", "lots"]) || found.len() >= 3)
    {
        return found.iter().map(|q| volume(q, numbered(q).unwrap_or_default(), false)).collect();
    }
    // "Terrassement 455 heures, ouvrages 175 heures", "1 900 h au gros œuvre, 240 h au carrelage": each by the title of its lot.
    if mentions.is_empty() && found.len() >= 2 {
        let apart = |lots: &Vec<Option<String>>| {
            let known = lots.iter().flatten().collect::<BTreeSet<_>>().len();
            known >= 2 && lots.iter().flatten().count() == known
        };
        if let Some(lots) = lots_beside(reading, s, &found).into_iter().find(apart) {
            return found.iter().zip(lots).map(|(q, lot)| volume(q, lot.into_iter().collect(), false)).collect();
        }
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
                || mentions.len() != 1 && s.has_word(q.to, q.to + 3, &["dont"]);
            let lots = if mentions.is_empty() {
                let labelled = reading.lots_of_label(&s.unit.range);
                if labelled.is_empty() { own.clone() } else { labelled }
            } else if behind {
                mentions
                    .iter()
                    .find(|m| m.range.start > at && m.range.start < next && m.range.start - at < 120)
                    .map_or_else(|| if many { Vec::new() } else { own.clone() }, |m| m.lots.clone())
            } else {
                mentions.iter().rev().find(|m| m.range.end <= at).map_or_else(|| own.clone(), |m| m.lots.clone())
            };
            // A lot's own total is the lot's.
            let whole = s.has_word(q.from.saturating_sub(3), q.from, &["operation", "marche", "general", "lots"]);
            let of_all = total && (own.len() != 1 || !mentions.is_empty() || whole) || q.each && mentions.is_empty();
            let lots = if of_all { Vec::new() } else { lots };
            let all = reading.speaks_of_all(&s.unit.range) && !many;
            volume(q, if all { own.clone() } else { lots }, total)
        })
        .collect()
}

/// The lot whose title stands before each quantity, and the one whose title stands behind it.
pub(super) fn lots_beside(reading: &Reading<'_>, s: &Statement<'_>, found: &[Quantity]) -> [Vec<Option<String>>; 2] {
    let text = reading.doc.text();
    let start = |q: &Quantity| s.tokens[q.from].range.start;
    let end = |q: &Quantity| s.tokens[q.to - 1].range.end;
    let before = |i: usize| if i == 0 { s.unit.range.start } else { end(&found[i - 1]) };
    let behind = |i: usize| found.get(i + 1).map_or(s.unit.range.end, start);
    let titled = |from: usize, to: usize| reading.lot_titled_in(&text[from.min(to)..to]);
    let every = 0..found.len();
    [
        every.clone().map(|i| titled(before(i), start(&found[i]))).collect(),
        every.map(|i| titled(end(&found[i]), behind(i).max(end(&found[i])))).collect(),
    ]
}

/// The lot by whose number or letter a line begins that tells some hours and nothing else: "01 : 620 h", "B – 140 heures".
fn code_before(s: &Statement<'_>, q: &Quantity) -> Option<String> {
    let alone = q.unit == Unit::Hours && q.value > 0.0 && q.from == 1 && q.to + 3 > s.tokens.len();
    (alone && begins_with_code(s)).then(|| vigie_domain::Lot::clean_id(&s.tokens[0].word))
}

/// Whether a line begins as an item of a list of lots does: "01 : …", "B – …".
fn begins_with_code(s: &Statement<'_>) -> bool {
    let [code, next, ..] = s.tokens.as_slice() else { return false };
    let letter = code.word.len() == 1 && matches!(code.word.as_bytes()[0], b'a'..=b'h');
    (code.is_number() && code.word.len() <= 2 || letter)
        && next.after(mark::COLON | mark::ITEM | mark::OPEN | mark::CLOSE)
}

/// Whether a line lists lots by their codes, each with an amount: "01 : cent quarante ; 02 : trois cent quinze".
fn lists_codes(s: &Statement<'_>) -> bool {
    let codes = s.tokens.iter().enumerate().filter(|(i, t)| {
        t.is_number() && t.word.len() <= 2 && s.tokens.get(i + 1).is_some_and(|n| n.after(mark::COLON))
    });
    codes.count() >= 2
}

/// Whether lots stand behind their quantities though a lot was named first ("clause pour deux lots : 300 h (lot 1)").
fn several_behind(mentions: &[LotMention], found: &[Quantity], position: &impl Fn(&Quantity) -> usize) -> bool {
    let rest = mentions.get(1..).unwrap_or_default();
    // "L1 = 266 h ; L2 = 84 h ; L3 = sans": each before its own.
    let beside = mentions.first().zip(found.first()).is_some_and(|(m, q)| position(q).saturating_sub(m.range.end) <= 4);
    if !beside
        && rest.len() == found.len()
        && found.len() >= 2
        && rest.iter().zip(found).all(|(m, q)| m.range.start > position(q))
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
    if let Some(last) = found.iter().rposition(|v| v.instead) {
        let share = |v: &Volume| v.unit == Unit::Percent;
        let mut at = 0;
        found.retain(|v| {
            at += 1;
            !share(v) || at > last
        });
    }
    let mut once: Vec<Volume> = Vec::new();
    // "Nord 35 h, centre 35 h, sud 49 h": items of a list may be alike.
    let listed: Vec<usize> =
        found.iter().map(|v| found.iter().filter(|o| o.unit == Unit::Hours && o.within == v.within).count()).collect();
    for (v, listed) in found.into_iter().zip(listed) {
        let same = |k: &Volume| {
            k.unit == v.unit
                && (listed < 3 || k.within != v.within || k.range.start == v.range.start)
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
    // "400 h (lots 1 et 2 : 200 h chacun)".
    let each: f64 = once.iter().filter(|v| v.unit == Unit::Hours).map(|v| v.value * v.lots.len() as f64).sum();
    // A total below the last of a list stands in that lot's block.
    let of_the_others = |v: &Volume| v.total && parts > 2 && (by_lot - 2.0 * v.value).abs() < 0.5;
    once.retain(|v| {
        v.unit != Unit::Hours
            || !v.lots.is_empty() && !of_the_others(v)
            || v.lots.is_empty()
                && !(v.total && parts > 0
                    || parts > 1 && (v.value - by_lot).abs() < 0.5
                    || parts > 0 && (v.value - each).abs() < 0.5)
    });
    once
}
