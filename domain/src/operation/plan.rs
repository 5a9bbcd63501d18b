//! How the hours done stand beside those planned and owed: totals, shares by modality, month by month, and what is late. Pure.

use std::collections::BTreeMap;

use chrono::{Months, NaiveDate};

use super::hours::company_key;
use super::{Hours, HoursRow, LotOwed, Modality};

/// Share of the plan, in percent, below which what was done is told.
const BELOW: i64 = 80;
/// Hours that have to be missing before anything is told: less is noise.
const MISSING: Hours = Hours::whole(35);

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

/// Why somebody should look at an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Late {
    /// By the end of that month less was done than planned.
    Below { month: NaiveDate, planned: Hours, done: Hours },
    /// Hours are planned for that month, which is over, and nothing was said of it.
    Unsaid { month: NaiveDate, planned: Hours },
    /// The contract of a lot is over, and hours that it owed are missing.
    Missing { lot: String, company: String, owed: Hours, done: Hours },
}

/// What is late at a day. A month is looked at from the 15th of the next one on: companies send their tables by then.
#[must_use]
pub fn late(rows: &[HoursRow], lots: &[LotOwed], today: NaiveDate) -> Vec<Late> {
    let mut out = Vec::new();
    let over = |month: NaiveDate| {
        let next = month.checked_add_months(Months::new(1));
        next.and_then(|n| n.checked_add_days(chrono::Days::new(14))).is_some_and(|day| day <= today)
    };
    if let Some(sum) = months(rows).into_iter().rfind(|m| over(m.month)) {
        let missing = sum.planned_in_all - sum.done_in_all;
        if sum.planned > Hours::NONE && sum.done == Hours::NONE {
            out.push(Late::Unsaid { month: sum.month, planned: sum.planned });
        } else if missing >= MISSING && sum.done_in_all.0 * 100 < sum.planned_in_all.0 * BELOW {
            out.push(Late::Below { month: sum.month, planned: sum.planned_in_all, done: sum.done_in_all });
        }
    }
    for lot in lots.iter().filter(|l| l.ends.is_some_and(|end| end < today)) {
        let key = company_key(lot.siret.as_deref(), &lot.company);
        let its =
            |r: &&HoursRow| r.lot == lot.lot && (key.is_empty() || company_key(r.siret.as_deref(), &r.company) == key);
        let done: Hours = rows.iter().filter(its).map(|r| r.done).sum();
        if lot.owed - done >= MISSING {
            let (lot, company, owed) = (lot.lot.clone(), lot.company.clone(), lot.owed);
            out.push(Late::Missing { lot, company, owed, done });
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
        assert_eq!(late(&rows, &[], day("2027-02-14")), []);
        let below = Late::Below { month: month(1), planned: Hours::whole(200), done: Hours::whole(100) };
        assert_eq!(late(&rows, &[], day("2027-02-15")), [below]);
        assert_eq!(late(&rows, &[], day("2027-03-15")), [Late::Unsaid { month: month(2), planned: Hours::whole(200) }]);
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
}
