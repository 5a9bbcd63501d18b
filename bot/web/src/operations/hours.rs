//! Hours of an operation: owed by lot, planned and done by month, lot, company and modality, as a plot and as tables; typed here one by
//! one. People are counted, never named.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::NaiveDate;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::operation::hours::{HoursRow, People, month_written};
use vigie_domain::operation::plan::{self, ModalitySum, MonthSum};
use vigie_domain::operation::{Hours, LotOwed, MAX_LINE, Modality};
use vigie_domain::{Lot, Operation, french};
use vigie_notifier::card::short;
use vigie_service::operations::hours_table::{checked, count};
use vigie_service::operations::tables::{day, siret};
use vigie_store::operation_hours::{OperationHours, OperationLot};
use vigie_watcher::zones;

use super::{Follower, found};
use crate::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};

/// Rows shown of the table; the file has them all.
const MAX_ROWS: usize = 120;
/// Months of the plot: the last ones.
const MAX_MONTHS: usize = 36;
/// Height and width of the plot, in its own units.
const HEIGHT: f64 = 100.0;
const MONTH_WIDTH: f64 = 20.0;

/// A month of the plot: two bars side by side.
#[derive(Debug, PartialEq, serde::Serialize)]
struct Bars {
    label: String,
    planned: String,
    done: String,
    x: f64,
    planned_height: f64,
    done_height: f64,
}

/// The bars of months, the tallest as high as the plot.
fn bars(months: &[MonthSum]) -> Vec<Bars> {
    let most = months.iter().map(|m| m.planned.max(m.done).0).max().unwrap_or(0).max(1) as f64;
    let height = |h: Hours| (h.0 as f64 / most * HEIGHT * 10.0).round() / 10.0;
    months
        .iter()
        .enumerate()
        .map(|(n, m)| Bars {
            label: french::month(m.month),
            planned: m.planned.to_string(),
            done: m.done.to_string(),
            x: n as f64 * MONTH_WIDTH,
            planned_height: height(m.planned),
            done_height: height(m.done),
        })
        .collect()
}

#[derive(serde::Serialize)]
struct Row {
    month: String,
    /// As forms name it.
    word: String,
    lot: String,
    company: String,
    /// The same in full, as the form sends it back.
    whole_company: String,
    siret: String,
    modality: &'static str,
    modality_word: &'static str,
    planned: String,
    done: String,
    people: String,
    remark: String,
}

fn row(r: &HoursRow) -> Row {
    let People { all, quarters, women, disabled } = r.people;
    let of = [(quarters, "QPV"), (women, if women == Some(1) { "femme" } else { "femmes" }), (disabled, "handicap")];
    let of: Vec<String> = of.into_iter().filter_map(|(n, word)| Some(format!("{} {word}", n?))).collect();
    let people = match (all, of.is_empty()) {
        (None, true) => String::new(),
        (all, empty) => {
            let all = all.map(|n| n.to_string()).unwrap_or_default();
            if empty { all } else { format!("{all} (dont {})", of.join(", ")) }
        }
    };
    Row {
        month: french::month(r.month),
        word: r.month.format("%Y-%m").to_string(),
        lot: r.lot.clone(),
        company: short(&r.company, 80),
        whole_company: r.company.clone(),
        siret: r.siret.clone().unwrap_or_default(),
        modality: r.modality.in_french(),
        modality_word: r.modality.as_str(),
        planned: r.planned.to_string(),
        done: r.done.to_string(),
        people,
        remark: short(&r.remark, 160),
    }
}

/// A bar of the plot by modality: of hours done.
#[derive(Debug, PartialEq, serde::Serialize)]
struct ModalityBar {
    label: String,
    done: String,
    share: String,
    /// Of [`HEIGHT`], which stands for all hours done.
    width: f64,
}

/// The bars of modalities by which hours were done, in the order of reports, each as long as its share.
fn modality_bars(sums: &[ModalitySum]) -> Vec<ModalityBar> {
    let all: Hours = sums.iter().map(|m| m.done).sum();
    sums.iter()
        .filter_map(|m| {
            let share = percent(m.done, all).filter(|_| !m.done.is_none())?;
            let width = (m.done.0 as f64 / all.0 as f64 * HEIGHT * 10.0).round() / 10.0;
            Some(ModalityBar { label: french::capital(m.modality.in_french()), done: m.done.to_string(), share, width })
        })
        .collect()
}

fn percent(part: Hours, of: Hours) -> Option<String> {
    part.percent_of(of).map(|p| french::number((p * 10.0).round() / 10.0))
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    follower: Follower,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let o = found(&site, &follower.session, &id).await?;
    let after = match fields.one("fait") {
        "garde" => After::Done("C’est enregistré."),
        "retire" => After::Done("C’est retiré."),
        _ => After::Nothing,
    };
    page(&site, (&follower.visitor, follower.session.structure()), &o, after).await
}

/// The fields of the form of hours, and of that of a holder.
const OF_HOURS: [&str; 12] = [
    "mois",
    "lot",
    "entreprise",
    "siret",
    "modalite",
    "prevues",
    "realisees",
    "personnes",
    "quartiers",
    "femmes",
    "handicap",
    "remarque",
];
const OF_HOLDER: [&str; 6] = ["lot", "entreprise", "siret", "dues", "debut", "fin"];

/// What the page follows.
enum After<'a> {
    Nothing,
    /// What was done, in a word.
    Done(&'static str),
    Refused(Typed<'a>),
}

/// A form that cannot be taken: it is shown again as it was typed, with what is wrong.
struct Typed<'a> {
    fields: &'a Fields,
    fault: String,
    /// That of a holder, not that of hours.
    of_holder: bool,
}

/// What a form holds: as typed, or empty.
fn held(names: &[&'static str], typed: Option<&Fields>) -> BTreeMap<&'static str, String> {
    names.iter().map(|name| (*name, typed.map(|fields| fields.one(name).to_owned()).unwrap_or_default())).collect()
}

async fn page(site: &Site, (visitor, structure): (&Visitor, &str), o: &Operation, after: After<'_>) -> Shown {
    let (done_now, typed) = match after {
        After::Nothing => ("", None),
        After::Done(word) => (word, None),
        After::Refused(typed) => ("", Some(typed)),
    };
    let store = &site.service.store;
    let rows: Vec<HoursRow> = store.hours_of(structure, Some(&o.id)).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<LotOwed> = store.lots_of(structure, Some(&o.id)).await?.into_iter().map(|l| l.lot).collect();
    let now = site.service.clock.now();
    let today = zones::paris_day(now);
    let totals = plan::totals(&rows, &lots);
    let months = plan::months(&rows);
    let shown = &months[months.len().saturating_sub(MAX_MONTHS)..];
    let by_modality = plan::modalities(&rows);
    let modalities: Vec<_> = by_modality
        .iter()
        .map(|m| {
            (m.modality.in_french(), m.planned.to_string(), m.done.to_string(), percent(m.done, totals.done), m.people)
        })
        .collect();
    let by_month: Vec<(String, String, String, String, String)> = shown
        .iter()
        .rev()
        .map(|m| {
            let all = (m.planned_in_all.to_string(), m.done_in_all.to_string());
            (french::month(m.month), m.planned.to_string(), m.done.to_string(), all.0, all.1)
        })
        .collect();
    let owed: Vec<_> = lots
        .iter()
        .map(|l| {
            let dates = match (l.starts, l.ends) {
                (None, None) => String::new(),
                (Some(from), None) => format!("depuis le {}", french::date(from)),
                (None, Some(to)) => format!("jusqu’au {}", french::date(to)),
                (Some(from), Some(to)) => format!("du {} au {}", french::date(from), french::date(to)),
            };
            context! {
                lot => &l.lot, company => short(&l.company, 120), whole_company => &l.company, siret => l.siret.as_deref().unwrap_or_default(),
                owed => l.owed.to_string(), field => l.owed.in_table(), dates => dates, published => l.published,
                starts => l.starts.map(|d| d.to_string()).unwrap_or_default(),
                ends => l.ends.map(|d| d.to_string()).unwrap_or_default(),
            }
        })
        .collect();
    let late = vigie_service::operations::late(&site.service, o, now).await?;
    let of = |holder: bool| typed.as_ref().filter(|t| t.of_holder == holder).map(|t| t.fields);
    let (mut hours, holder) = (held(&OF_HOURS, of(false)), held(&OF_HOLDER, of(true)));
    if of(false).is_none() {
        hours.insert("mois", today.format("%m/%Y").to_string());
        // Which way hours are done is somebody's to say: nothing is said for them.
        hours.insert("modalite", Modality::Other.as_str().to_owned());
        if let [only] = lots.as_slice() {
            hours.insert("entreprise", only.company.clone());
        }
    }
    let listed: Vec<Row> = rows.iter().rev().take(MAX_ROWS).map(row).collect();
    let values = context! {
        id => &o.id, reference => &o.reference, title => &o.title, buyer => &o.buyer,
        owed => totals.owed.to_string(), planned => totals.planned.to_string(), done => totals.done.to_string(),
        of_owed => percent(totals.done, totals.owed), of_planned => percent(totals.done, totals.planned),
        bars => Serde(bars(shown)), width => shown.len() as f64 * MONTH_WIDTH, height => HEIGHT,
        by_month => Serde(by_month), modalities => Serde(modalities),
        shares => Serde(modality_bars(&by_modality)), most => HEIGHT,
        lots => owed, late => late, rows => Serde(listed), more => rows.len().saturating_sub(MAX_ROWS),
        choices => Serde(Modality::ALL.map(|m| (m.as_str(), if m == Modality::Other { "autre, ou pas encore connue" } else { m.in_french() }))),
        done_now => done_now, max => MAX_LINE, hours => Serde(hours), holder => Serde(holder), of_holder => of(true).is_some(),
        fault => typed.as_ref().map(|t| t.fault.clone()),
    };
    let status = if typed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(site.page_as(status, visitor, "heures.html", values))
}

fn line(fields: &Fields, name: &str) -> Result<String, Trouble> {
    let text = fields.one(name).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > MAX_LINE {
        return Err(Trouble::bad(format!("{MAX_LINE} caractères au plus dans « {name} ».")));
    }
    Ok(text)
}

fn lot_of(fields: &Fields) -> Result<String, Trouble> {
    let lot = line(fields, "lot")?;
    Ok(if lot.is_empty() { lot } else { Lot::clean_id(&lot) })
}

fn hours_of(fields: &Fields, name: &str) -> Result<Hours, Trouble> {
    let text = fields.one(name);
    Hours::written(text)
        .ok_or_else(|| Trouble::bad(format!("Heures illisibles « {} » : par exemple 120 ou 120,5.", short(text, 40))))
}

/// The row that a form says.
fn read(fields: &Fields, today: NaiveDate) -> Result<HoursRow, Trouble> {
    let month = month_written(fields.one("mois"))
        .ok_or_else(|| Trouble::bad("Mois illisible : par exemple mars 2027 ou 2027-03."))?;
    let modality = Modality::parse(fields.one("modalite")).ok_or_else(|| Trouble::bad("Choisissez une modalité."))?;
    let people = |name: &str| match fields.one(name) {
        "" => Ok(None),
        text => count(text).map(Some).ok_or_else(|| Trouble::bad("Un nombre de personnes s’écrit en chiffres.")),
    };
    let row = HoursRow {
        siret: siret(fields.one("siret"), "entreprise").map_err(|why| Trouble::bad(french::capital(&why)))?,
        planned: hours_of(fields, "prevues")?,
        done: hours_of(fields, "realisees")?,
        people: People {
            all: people("personnes")?,
            quarters: people("quartiers")?,
            women: people("femmes")?,
            disabled: people("handicap")?,
        },
        remark: line(fields, "remarque")?,
        ..HoursRow::new(month, &lot_of(fields)?, &line(fields, "entreprise")?, modality)
    };
    checked(&row, today).map_err(|why| Trouble::bad(french::capital(&why)))?;
    Ok(row)
}

/// Writes hours of one month, lot, company and modality, or takes them away.
pub(crate) async fn write(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let o = found(&site, &posted.session, &id).await?;
    let (structure, fields) = (posted.session.structure(), &posted.fields);
    let row = match read(fields, zones::paris_day(site.service.clock.now())) {
        Ok(row) => row,
        Err(why) => {
            let typed = Typed { fields, fault: why.text, of_holder: false };
            return page(&site, (&posted.visitor, structure), &o, After::Refused(typed)).await;
        }
    };
    let away = fields.one("faire") == "retirer";
    if away {
        site.service.store.remove_hours(structure, &o.id, &row).await?;
    } else {
        let hours = [OperationHours { operation: o.id.clone(), row }];
        vigie_service::operations::write_hours(&site.service, structure, &hours).await?;
    }
    let done = if away { "retire" } else { "garde" };
    Ok(Redirect::to(&format!("/operations/{id}/heures?fait={done}")).into_response())
}

/// What the holder of a lot owes, as a form says.
fn owed(fields: &Fields) -> Result<LotOwed, Trouble> {
    let date = |name: &str| match fields.one(name) {
        "" => Ok(None),
        text => day(text).map(Some).ok_or_else(|| Trouble::bad("Jour illisible : par exemple 15/03/2027.")),
    };
    let lot = LotOwed {
        lot: lot_of(fields)?,
        company: line(fields, "entreprise")?,
        siret: siret(fields.one("siret"), "entreprise").map_err(|why| Trouble::bad(french::capital(&why)))?,
        owed: hours_of(fields, "dues")?,
        starts: date("debut")?,
        ends: date("fin")?,
        published: false,
    };
    lot.ends_after_its_start().map_err(|why| Trouble::bad(french::capital(&why)))?;
    Ok(lot)
}

/// Writes what the holder of a lot owes, or takes it away.
pub(crate) async fn owe(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let o = found(&site, &posted.session, &id).await?;
    let (structure, fields) = (posted.session.structure(), &posted.fields);
    let lot = match owed(fields) {
        Ok(lot) => lot,
        Err(why) => {
            let typed = Typed { fields, fault: why.text, of_holder: true };
            return page(&site, (&posted.visitor, structure), &o, After::Refused(typed)).await;
        }
    };
    let store = &site.service.store;
    if fields.one("faire") == "retirer" {
        store.remove_lot(structure, &o.id, &lot).await?;
    } else {
        store.put_lots(structure, &[OperationLot { operation: o.id.clone(), lot }]).await?;
    }
    Ok(Redirect::to(&format!("/operations/{id}/heures#lots")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_bar_is_as_high_as_the_plot_and_no_hours_are_no_bar() {
        let month = chrono::NaiveDate::from_ymd_opt(2027, 3, 1).unwrap();
        let sum = |planned, done| MonthSum {
            month,
            planned: Hours::whole(planned),
            done: Hours::whole(done),
            planned_in_all: Hours::NONE,
            done_in_all: Hours::NONE,
        };
        let drawn = bars(&[sum(100, 50), sum(0, 200)]);
        assert_eq!((drawn[0].planned_height, drawn[0].done_height), (50.0, 25.0));
        assert_eq!((drawn[1].planned_height, drawn[1].done_height, drawn[1].x), (0.0, 100.0, 20.0));
        assert_eq!(bars(&[sum(0, 0)])[0].done_height, 0.0);
    }

    #[test]
    fn a_contract_that_ends_before_it_begins_is_refused() {
        let of = |starts: &str, ends: &str| {
            let pairs = [("entreprise", "Bâti Nord"), ("dues", "350"), ("debut", starts), ("fin", ends)];
            owed(&Fields::of(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec())).map_err(|why| why.text)
        };
        assert!(of("01/10/2026", "01/11/2026").is_ok());
        assert!(of("01/11/2026", "01/11/2026").is_ok());
        assert!(of("", "01/11/2026").is_ok());
        let why = of("01/11/2026", "01/10/2026").unwrap_err();
        assert!(why.contains("avant"), "{why}");
    }

    #[test]
    fn modalities_are_bars_of_what_was_done_each_as_long_as_its_share() {
        let sum = |modality, planned, done| ModalitySum {
            modality,
            planned: Hours::whole(planned),
            done: Hours::whole(done),
            people: None,
        };
        let drawn = modality_bars(&[
            sum(Modality::Direct, 0, 100),
            sum(Modality::Temporary, 0, 300),
            sum(Modality::Geiq, 50, 0),
        ]);
        let shown: Vec<(&str, &str, f64)> =
            drawn.iter().map(|b| (b.label.as_str(), b.share.as_str(), b.width)).collect();
        assert_eq!(shown, [("Embauche directe", "25", 25.0), ("Intérim d’insertion", "75", 75.0)]);
        assert_eq!(modality_bars(&[sum(Modality::Direct, 10, 0)]), []);
    }
}
