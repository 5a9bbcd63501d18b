//! How the hours done stand beside those planned and owed: totals, shares by modality, month by month, what is still to be worked, and
//! what is late. Pure.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};

use super::calibration::{Line, Sheet};
use super::hours::company_key;
use super::{Hours, HoursRow, LotOwed, Modality};
use crate::Lot;

/// Share of the plan, in percent, below which what was done is told.
const BELOW: i64 = 80;
/// Hours that have to be missing before anything is told: less is noise.
const MISSING: Hours = Hours::whole(35);
/// Share of what an even pace would have given, in percent, below which it is told: sites seldom go at an even pace.
const UNEVEN: i64 = 50;

/// Totals of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub owed: Hours,
    pub planned: Hours,
    pub done: Hours,
}

/// Planned and done in one month, and done in all by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSum {
    pub month: NaiveDate,
    pub planned: Hours,
    pub done: Hours,
    pub planned_in_all: Hours,
    pub done_in_all: Hours,
}

/// Hours of one modality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModalitySum {
    pub modality: Modality,
    pub planned: Hours,
    pub done: Hours,
    /// People counted, where they were: the most of any month of each company, since who works on is counted every month.
    pub people: Option<u32>,
}

/// Owed, planned and done in all.
#[must_use]
pub fn totals(rows: &[HoursRow], lots: &[LotOwed]) -> Totals {
    Totals {
        owed: lots.iter().map(|l| l.owed).sum(),
        planned: rows.iter().map(|r| r.planned).sum(),
        done: rows.iter().map(|r| r.done).sum(),
    }
}

/// Every month from the first to the last of which something is known; months between them that nobody spoke of are there with nothing.
#[must_use]
pub fn months(rows: &[HoursRow]) -> Vec<MonthSum> {
    sums(rows.iter())
}

fn sums<'a>(rows: impl Iterator<Item = &'a HoursRow>) -> Vec<MonthSum> {
    /// Longest span shown month by month.
    const MOST: usize = 240;
    let mut sums: BTreeMap<NaiveDate, (Hours, Hours)> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row.month).or_default();
        *sum = (sum.0 + row.planned, sum.1 + row.done);
    }
    let (Some(first), Some(last)) = (sums.keys().next().copied(), sums.keys().next_back().copied()) else {
        return Vec::new();
    };
    let (mut planned_in_all, mut done_in_all) = (Hours::NONE, Hours::NONE);
    let every = std::iter::successors(Some(first), |m| m.checked_add_months(Months::new(1)));
    every
        .take_while(|m| *m <= last)
        .take(MOST)
        .map(|month| {
            let (planned, done) = sums.get(&month).copied().unwrap_or_default();
            planned_in_all = planned_in_all + planned;
            done_in_all = done_in_all + done;
            MonthSum { month, planned, done, planned_in_all, done_in_all }
        })
        .collect()
}

/// Hours by modality, in the order of reports; those without hours are left out.
#[must_use]
pub fn modalities(rows: &[HoursRow]) -> Vec<ModalitySum> {
    Modality::ALL
        .into_iter()
        .filter_map(|modality| {
            let of: Vec<&HoursRow> = rows.iter().filter(|r| r.modality == modality).collect();
            let (planned, done) = (of.iter().map(|r| r.planned).sum(), of.iter().map(|r| r.done).sum());
            let mut most: BTreeMap<(String, String), u32> = BTreeMap::new();
            for row in &of {
                if let Some(n) = row.people.all {
                    let known =
                        most.entry((row.lot.clone(), company_key(row.siret.as_deref(), &row.company))).or_default();
                    *known = n.max(*known);
                }
            }
            let people = (!most.is_empty()).then(|| most.values().sum());
            (planned != Hours::NONE || done != Hours::NONE).then_some(ModalitySum { modality, planned, done, people })
        })
        .collect()
}

/// Hours of a lot that are still to be worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToWork {
    /// Number of the lot; empty = the whole.
    pub lot: String,
    /// Its trades, as the calibration names them; empty where it has none.
    pub trade: String,
    pub hours: Hours,
    /// From which day its contracts expect them.
    pub starts: Option<NaiveDate>,
}

/// What is still to be worked of each lot: what its companies owe, else what was calibrated, less what was done; in the order of lots.
#[must_use]
pub fn to_work(sheet: Option<&Sheet>, rows: &[HoursRow], lots: &[LotOwed]) -> Vec<ToWork> {
    let lines = sheet.map_or(&[][..], |s| &s.lines);
    let mut named: Vec<&str> =
        lots.iter().map(|l| l.lot.as_str()).chain(lines.iter().map(|l| l.lot.as_str())).collect();
    named.sort_by_key(|lot| Lot::order(lot));
    named.dedup();
    let of = |lot: &str| {
        let (held, planned) = (lots.iter().filter(|l| l.lot == lot), lines.iter().filter(|l| l.lot == lot));
        let owed: Hours = held.clone().map(|l| l.owed).sum();
        let asked = if owed.is_none() { planned.clone().map(Line::hours).sum() } else { owed };
        let done: Hours = rows.iter().filter(|r| r.lot == lot).map(|r| r.done).sum();
        let mut trades: Vec<&str> = planned.map(|l| l.trade.as_str()).filter(|t| !t.is_empty()).collect();
        trades.dedup();
        let starts = held.filter_map(|l| l.starts).min();
        (asked > done).then(|| ToWork { lot: lot.to_owned(), trade: trades.join(", "), hours: asked - done, starts })
    };
    named.into_iter().filter_map(of).collect()
}

/// Why somebody should look at an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Late {
    /// By the end of that month less was done than planned: for a lot, or in all where the lot is empty.
    Below { lot: String, month: NaiveDate, planned: Hours, done: Hours },
    /// Hours are planned for that month, which is over, and nothing was said of it: for a lot, or at all.
    Unsaid { lot: String, month: NaiveDate, planned: Hours },
    /// By the end of that month far less was done for a lot than an even pace over its days gives, and no plan says why.
    Behind { lot: String, company: String, month: NaiveDate, owed: Hours, due: Hours, done: Hours },
    /// The contract of a lot is over, and hours that it owed are missing.
    Missing { lot: String, company: String, owed: Hours, done: Hours },
}

/// Hours that count for the holder of a lot: all of the lot's where it alone holds it, whoever of its subcontractors did them; else its own.
fn of_lot<'a>(
    rows: &'a [HoursRow],
    lots: &[LotOwed],
    lot: &'a LotOwed,
) -> impl Iterator<Item = &'a HoursRow> + use<'a> {
    let key = company_key(lot.siret.as_deref(), &lot.company);
    let alone = key.is_empty() || lots.iter().filter(|l| l.lot == lot.lot).count() == 1;
    rows.iter().filter(move |r| r.lot == lot.lot && (alone || company_key(r.siret.as_deref(), &r.company) == key))
}

/// What was done of each lot, in the order of `lots`.
#[must_use]
pub fn done_of(rows: &[HoursRow], lots: &[LotOwed]) -> Vec<Hours> {
    lots.iter().map(|lot| of_lot(rows, lots, lot).map(|r| r.done).sum()).collect()
}

/// What a lot would have given by a day at an even pace from its first day to its last one; `None` where these are not known, or the
/// day is not within.
fn due_by(lot: &LotOwed, day: NaiveDate) -> Option<Hours> {
    let (from, to) = (lot.starts?, lot.ends?);
    let (gone, all) = ((day - from).num_days() + 1, (to - from).num_days() + 1);
    (gone > 0 && gone <= all).then(|| Hours(lot.owed.0.saturating_mul(gone) / all))
}

/// Whether everybody who planned hours in a month said what was done in it; not where nobody planned any. What was planned before a company was
/// chosen is said by whichever company says hours of the lot.
fn is_said<'a>(rows: impl Iterator<Item = &'a HoursRow>, month: NaiveDate) -> bool {
    let mut said: BTreeMap<&str, BTreeMap<String, bool>> = BTreeMap::new();
    for row in rows.filter(|r| r.month == month) {
        let company = company_key(row.siret.as_deref(), &row.company);
        *said.entry(row.lot.as_str()).or_default().entry(company).or_default() |= row.done > Hours::NONE;
    }
    let of_lot = |companies: &BTreeMap<String, bool>| {
        let any = companies.values().any(|done| *done);
        any && companies.iter().all(|(company, done)| *done || company.is_empty())
    };
    !said.is_empty() && said.values().all(of_lot)
}

/// The first day behind a month, where that is over at `today`.
fn behind(month: NaiveDate, today: NaiveDate) -> Option<NaiveDate> {
    month.checked_add_months(Months::new(1)).filter(|next| *next <= today)
}

/// The 15th of the month behind one: companies have sent their tables by then.
fn due_on(month: NaiveDate) -> Option<NaiveDate> {
    month.checked_add_months(Months::new(1))?.checked_add_days(Days::new(14))
}

/// The month that is over and of which somebody has still to say what was done, with the day from which it is looked at all the same.
#[must_use]
pub fn awaited(rows: &[HoursRow], today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let month = today.with_day(1)?.checked_sub_months(Months::new(1))?;
    let planned: Hours = rows.iter().filter(|r| r.month == month).map(|r| r.planned).sum();
    let day = due_on(month).filter(|day| today < *day)?;
    (planned > Hours::NONE && !is_said(rows.iter(), month)).then_some((month, day))
}

/// What is late of some rows: of a lot, or of all where it is empty.
fn late_of(rows: &[&HoursRow], lot: &str, today: NaiveDate) -> Option<Late> {
    let over = |month: NaiveDate| {
        behind(month, today).is_some()
            && (due_on(month).is_some_and(|day| day <= today) || is_said(rows.iter().copied(), month))
    };
    let sum = sums(rows.iter().copied()).into_iter().rfind(|m| over(m.month))?;
    let missing = sum.planned_in_all - sum.done_in_all;
    if sum.planned > Hours::NONE && sum.done == Hours::NONE {
        return Some(Late::Unsaid { lot: lot.to_owned(), month: sum.month, planned: sum.planned });
    }
    let below = missing >= MISSING && sum.done_in_all.0 * 100 < sum.planned_in_all.0 * BELOW;
    let (planned, done) = (sum.planned_in_all, sum.done_in_all);
    below.then(|| Late::Below { lot: lot.to_owned(), month: sum.month, planned, done })
}

/// How the hours of a company for a lot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub lot: String,
    /// Empty where none is chosen.
    pub company: String,
    pub owed: Hours,
    /// Up to the end of the last month that is over.
    pub planned: Hours,
    /// In all.
    pub done: Hours,
}

/// How each company of each lot stands, in the order of lots. What was planned of a lot before its one company was chosen is that company's.
#[must_use]
pub fn standings(rows: &[HoursRow], lots: &[LotOwed], today: NaiveDate) -> Vec<Standing> {
    let mut by_lot: BTreeMap<(u32, &str), BTreeMap<String, Standing>> = BTreeMap::new();
    for row in rows {
        let companies = by_lot.entry(Lot::order(&row.lot)).or_default();
        let one = standing_of(companies, (&row.lot, &row.company), row.siret.as_deref());
        one.done = one.done + row.done;
        if behind(row.month, today).is_some() {
            one.planned = one.planned + row.planned;
        }
    }
    for lot in lots {
        let companies = by_lot.entry(Lot::order(&lot.lot)).or_default();
        let one = standing_of(companies, (&lot.lot, &lot.company), lot.siret.as_deref());
        one.owed = one.owed + lot.owed;
    }
    for companies in by_lot.values_mut().filter(|companies| companies.len() == 2) {
        if let Some(nobody) = companies.remove("")
            && let Some(one) = companies.values_mut().next()
        {
            (one.owed, one.planned, one.done) =
                (one.owed + nobody.owed, one.planned + nobody.planned, one.done + nobody.done);
        }
    }
    by_lot.into_values().flat_map(BTreeMap::into_values).collect()
}

fn standing_of<'a>(
    companies: &'a mut BTreeMap<String, Standing>,
    (lot, company): (&str, &str),
    siret: Option<&str>,
) -> &'a mut Standing {
    let fresh = || Standing {
        lot: lot.to_owned(),
        company: company.to_owned(),
        owed: Hours::NONE,
        planned: Hours::NONE,
        done: Hours::NONE,
    };
    companies.entry(company_key(siret, company)).or_insert_with(fresh)
}

/// What is late at a day, lot by lot. A month is looked at once it is over and everybody of the lot said theirs; else from the 15th of the next
/// one on: companies send their tables by then.
#[must_use]
pub fn late(rows: &[HoursRow], lots: &[LotOwed], today: NaiveDate) -> Vec<Late> {
    let mut out = Vec::new();
    let mut of_lots: BTreeMap<(u32, &str), Vec<&HoursRow>> = BTreeMap::new();
    for row in rows {
        of_lots.entry(Lot::order(&row.lot)).or_default().push(row);
    }
    if of_lots.len() > 1 {
        out.extend(of_lots.iter().filter_map(|((_, lot), rows)| late_of(rows, lot, today)));
    }
    // Little is missing of each lot, or there is one alone.
    if out.is_empty() {
        out.extend(late_of(&rows.iter().collect::<Vec<_>>(), "", today));
    }
    // The last day of the last month whose tables are due.
    let looked_at = today.checked_sub_days(Days::new(14)).and_then(|d| d.with_day(1)?.pred_opt());
    for lot in lots {
        let done: Hours = of_lot(rows, lots, lot).map(|r| r.done).sum();
        let (named, company, owed) = (lot.lot.clone(), lot.company.clone(), lot.owed);
        if lot.ends.is_some_and(|end| end < today) {
            if owed - done >= MISSING {
                out.push(Late::Missing { lot: named, company, owed, done });
            }
            continue;
        }
        // Where what is planned comes near to what is owed, the plan is what hours stand beside.
        let planned: Hours = of_lot(rows, lots, lot).map(|r| r.planned).sum();
        let Some(day) = looked_at.filter(|_| planned.0.saturating_mul(100) < owed.0.saturating_mul(BELOW)) else {
            continue;
        };
        let (Some(month), Some(due)) = (day.with_day(1), due_by(lot, day)) else { continue };
        let by_then: Hours = of_lot(rows, lots, lot).filter(|r| r.month <= month).map(|r| r.done).sum();
        if due - by_then >= MISSING && by_then.0.saturating_mul(100) < due.0.saturating_mul(UNEVEN) {
            out.push(Late::Behind { lot: named, company, month, owed, due, done: by_then });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::hours::People;
    use super::*;

    fn month(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, n, 1).unwrap()
    }

    fn row(n: u32, modality: Modality, planned: i64, done: i64) -> HoursRow {
        HoursRow {
            planned: Hours::whole(planned),
            done: Hours::whole(done),
            ..HoursRow::new(month(n), "1", "Martin SARL", modality)
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_to_be_worked_is_what_is_owed_else_calibrated_less_what_was_done() {
        let line = |lot: &str, trade: &str| Line {
            lot: lot.into(),
            trade: trade.into(),
            amount: 1_000_000,
            share: 5_000,
            rate: 500,
            cost: 3_000,
        };
        let sheet = Sheet { lines: vec![line("2", "peinture"), line("1", "maçonnerie")], ..Sheet::default() };
        let of = |lots: &[LotOwed], rows: &[HoursRow]| -> Vec<(String, String, Hours)> {
            to_work(Some(&sheet), rows, lots).into_iter().map(|w| (w.lot, w.trade, w.hours)).collect()
        };
        let whole = Hours::whole;
        let calibrated = [("1", "maçonnerie", whole(833)), ("2", "peinture", whole(833))];
        let named = |(lot, trade, hours): (&str, &str, Hours)| (lot.to_owned(), trade.to_owned(), hours);
        assert_eq!(of(&[], &[]), calibrated.map(named));
        let held = LotOwed { lot: "1".into(), owed: whole(900), ..LotOwed::default() };
        let month = NaiveDate::from_ymd_opt(2027, 3, 1).unwrap();
        let done = HoursRow { done: whole(100), ..HoursRow::new(month, "1", "Martin", Modality::Direct) };
        let all = HoursRow { done: whole(833), ..HoursRow::new(month, "2", "Durand", Modality::Direct) };
        assert_eq!(of(&[held], &[done, all]), [named(("1", "maçonnerie", whole(800)))], "the second is done");
    }

    #[test]
    fn hours_add_up_by_month_and_by_modality() {
        let counted =
            |n| HoursRow { people: People { all: Some(n), ..People::default() }, ..row(1, Modality::Direct, 0, 0) };
        let rows = [
            row(1, Modality::Direct, 100, 80),
            row(3, Modality::Temporary, 100, 150),
            HoursRow { month: month(3), ..counted(4) },
            HoursRow { month: month(4), ..counted(3) },
        ];
        let sums = months(&rows);
        assert_eq!(sums.len(), 4, "a month that nobody spoke of is there");
        assert_eq!((sums[1].planned, sums[1].done_in_all), (Hours::NONE, Hours::whole(80)));
        assert_eq!((sums[2].planned_in_all, sums[2].done_in_all), (Hours::whole(200), Hours::whole(230)));
        let by = modalities(&rows);
        assert_eq!(by.iter().map(|m| m.modality).collect::<Vec<_>>(), [Modality::Direct, Modality::Temporary]);
        assert_eq!(by[0].people, Some(4), "who works on is not counted twice");
        let lot = LotOwed { owed: Hours::whole(833), ..LotOwed::default() };
        let wanted = Totals { owed: Hours::whole(833), planned: Hours::whole(200), done: Hours::whole(230) };
        assert_eq!(totals(&rows, &[lot]), wanted);
        assert!(months(&[]).is_empty() && modalities(&[]).is_empty());
    }

    #[test]
    fn what_is_late_is_told_once_the_month_is_over_and_its_tables_are_due() {
        let rows = [row(1, Modality::Direct, 200, 100), row(2, Modality::Direct, 200, 0)];
        let below =
            Late::Below { lot: String::new(), month: month(1), planned: Hours::whole(200), done: Hours::whole(100) };
        assert_eq!(late(&rows, &[], day("2027-01-31")), [], "the month is not over");
        assert_eq!(
            late(&rows, &[], day("2027-02-01")),
            std::slice::from_ref(&below),
            "it is over, and its table is there"
        );
        let other = HoursRow { lot: "2".into(), ..row(1, Modality::Direct, 200, 0) };
        let waits = [rows[0].clone(), other];
        let first =
            Late::Below { lot: "1".into(), month: month(1), planned: Hours::whole(200), done: Hours::whole(100) };
        assert_eq!(
            late(&waits, &[], day("2027-02-14")),
            std::slice::from_ref(&first),
            "the table of the other lot is not due yet"
        );
        assert_eq!(awaited(&waits, day("2027-02-14")), Some((month(1), day("2027-02-15"))));
        assert_eq!(awaited(&rows, day("2027-02-14")), None, "everybody said theirs");
        let second = Late::Unsaid { lot: "2".into(), month: month(1), planned: Hours::whole(200) };
        assert_eq!(late(&waits, &[], day("2027-02-15")), [first, second]);
        assert_eq!(late(&rows, &[], day("2027-02-15")), [below]);
        assert_eq!(
            late(&rows, &[], day("2027-03-15")),
            [Late::Unsaid { lot: String::new(), month: month(2), planned: Hours::whole(200) }]
        );
        let fine = [row(1, Modality::Direct, 200, 170), row(2, Modality::Direct, 10, 1)];
        assert_eq!(late(&fine, &[], day("2027-02-20")), [], "a little less is no news");
        let lot = LotOwed {
            lot: "1".into(),
            company: "MARTIN sarl".into(),
            owed: Hours::whole(500),
            ends: Some(day("2027-06-30")),
            ..LotOwed::default()
        };
        assert_eq!(late(&fine, std::slice::from_ref(&lot), day("2027-06-30")), [], "its last day is not over");
        let told = late(&fine, &[lot], day("2027-07-01"));
        assert!(matches!(&told[0], Late::Missing { done, .. } if *done == Hours::whole(171)), "{told:?}");
    }

    #[test]
    fn a_plan_from_before_a_company_was_chosen_is_that_companys() {
        let plan = HoursRow { company: String::new(), ..row(1, Modality::Other, 120, 0) };
        let done = row(1, Modality::Direct, 0, 40);
        let rows = [plan, done];
        assert_eq!(awaited(&rows, day("2027-02-02")), None, "the lot's one company said its hours");
        assert!(matches!(&late(&rows, &[], day("2027-02-02"))[..], [Late::Below { .. }]));
        let lot =
            LotOwed { lot: "1".into(), company: "MARTIN sarl".into(), owed: Hours::whole(500), ..LotOwed::default() };
        let standing = Standing {
            lot: "1".into(),
            company: "Martin SARL".into(),
            owed: Hours::whole(500),
            planned: Hours::whole(120),
            done: Hours::whole(40),
        };
        assert_eq!(standings(&rows, &[lot], day("2027-02-02")), [standing]);
        let other = HoursRow { company: "Intérim".into(), lot: "10".into(), ..row(2, Modality::Temporary, 50, 5) };
        let of = standings(&[other, rows[1].clone(), rows[0].clone()], &[], day("2027-02-02"));
        let told: Vec<(&str, &str, Hours)> =
            of.iter().map(|s| (s.lot.as_str(), s.company.as_str(), s.planned)).collect();
        assert_eq!(
            told,
            [("1", "Martin SARL", Hours::whole(120)), ("10", "Intérim", Hours::NONE)],
            "lots in their order, months that are over"
        );
    }

    #[test]
    fn hours_without_a_plan_stand_beside_what_is_owed_over_the_days_of_the_lot() {
        let lot = LotOwed {
            lot: "1".into(),
            company: "Martin SARL".into(),
            owed: Hours::whole(1_200),
            starts: Some(day("2027-01-01")),
            ends: Some(day("2027-12-31")),
            ..LotOwed::default()
        };
        let of = |rows: &[HoursRow], at: &str| late(rows, std::slice::from_ref(&lot), day(at));
        assert_eq!(of(&[], "2027-02-14"), [], "the tables of January are not due yet");
        let told = of(&[row(1, Modality::Direct, 0, 20)], "2027-04-15");
        let wanted = Late::Behind {
            lot: "1".into(),
            company: "Martin SARL".into(),
            month: month(3),
            owed: Hours::whole(1_200),
            // 90 days of 365.
            due: Hours(1_200 * 100 * 90 / 365),
            done: Hours::whole(20),
        };
        assert_eq!(told, [wanted]);
        assert_eq!(of(&[row(1, Modality::Direct, 0, 150)], "2027-04-15"), [], "half of an even pace is a pace");
        let whole = [row(1, Modality::Direct, 20, 20), row(11, Modality::Direct, 1_000, 0)];
        assert_eq!(of(&whole, "2027-04-15"), [], "a plan of all that is owed says when");
        let part = [row(1, Modality::Direct, 66, 66)];
        assert!(
            matches!(of(&part, "2027-05-20")[..], [Late::Behind { .. }]),
            "a plan of a part says nothing of the rest"
        );
        let lent = HoursRow { company: "Intérim du bassin".into(), ..row(1, Modality::Temporary, 0, 150) };
        assert_eq!(of(&[lent], "2027-04-15"), [], "who lends to the one holder works for it");
        let open = LotOwed { ends: None, ..lot.clone() };
        assert_eq!(late(&[], &[open], day("2027-09-01")), [], "without its last day no pace is known");
        let told = of(&[], "2028-01-01");
        assert!(matches!(told[..], [Late::Missing { .. }]), "once it is over, what is missing is told: {told:?}");
    }
}
