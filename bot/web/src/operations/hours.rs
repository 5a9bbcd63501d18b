//! Hours of an operation: owed by lot, planned and done by month, lot, company and modality, as a plot and as tables; typed here one by
//! one. People are counted, never named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{Months, NaiveDate};
use minijinja::context;
use minijinja::value::Serde;
use url::form_urlencoded::Serializer;
use vigie_domain::operation::hours::{HoursRow, People, company_key, month_written};
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
    lot: String,
    company: String,
    modality: &'static str,
    planned: String,
    done: String,
    people: String,
    remark: String,
    /// The fields that say which it is.
    key: Vec<(&'static str, String)>,
    /// The same as a query: it opens the row in the form.
    query: String,
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
        lot: r.lot.clone(),
        company: short(&r.company, 80),
        modality: r.modality.in_french(),
        planned: r.planned.to_string(),
        done: r.done.to_string(),
        people,
        remark: short(&r.remark, 160),
        query: Serializer::new(String::new()).extend_pairs(key_fields(r)).finish(),
        key: key_fields(r).to_vec(),
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
    let after = match (fields.one("fait"), fields.one("mois")) {
        ("garde", _) => After::Kept(&fields),
        ("titulaire", _) => After::Holder,
        (_, "") => After::Nothing,
        _ => After::Opened(&fields),
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

/// The fields that say which row is meant.
const OF_KEY: [&str; 5] = ["mois", "lot", "entreprise", "siret", "modalite"];

/// What the page follows.
enum After<'a> {
    Nothing,
    /// What a holder owes was written.
    Holder,
    /// A row was written: these fields say which.
    Kept(&'a Fields),
    /// A row is to be changed.
    Opened(&'a Fields),
    /// A row was taken away.
    Removed(HoursRow),
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
    let store = &site.service.store;
    let rows: Vec<HoursRow> = store.hours_of(structure, Some(&o.id)).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<LotOwed> = store.lots_of(structure, Some(&o.id)).await?.into_iter().map(|l| l.lot).collect();
    let named = |fields: &Fields| {
        let key = key_row(fields, &rows, &lots).ok()?.key();
        rows.iter().find(|r| r.key() == key)
    };
    let mut done_now = Vec::new();
    let (mut begun, mut removed, mut typed, mut whole) = (None, None, None, false);
    match after {
        After::Nothing => {}
        After::Holder => done_now = vec!["C’est enregistré : ce que doivent les titulaires est à jour.".to_owned()],
        After::Kept(fields) => {
            done_now = named(fields).map(|row| told(row, &rows, &lots)).unwrap_or_default();
            begun = Some(next_row(fields));
        }
        After::Opened(fields) => {
            begun = named(fields).map(row_fields);
            whole = begun.is_some();
        }
        After::Removed(row) => {
            done_now = vec![format!("C’est retiré : {}.", in_words(&row))];
            removed = Some(row_fields(&row));
        }
        After::Refused(refused) => typed = Some(refused),
    }
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
    let late = vigie_service::operations::late_in_french(o, &rows, &lots, today);
    let standings = plan::standings(&rows, &lots, today);
    let of = |holder: bool| typed.as_ref().filter(|t| t.of_holder == holder).map(|t| t.fields);
    let (mut hours, mut holder) = (held(&OF_HOURS, of(false)), held(&OF_HOLDER, of(true)));
    if of(true).is_none() {
        // The first lot that was calibrated and that nobody holds yet.
        let calibrated = store.sheet(structure, &o.id).await?.map(|s| s.by_lot()).unwrap_or_default();
        if let Some((lot, owed)) = calibrated.into_iter().find(|(lot, _)| !lots.iter().any(|l| l.lot == *lot)) {
            holder.insert("lot", lot);
            holder.insert("dues", owed.in_table());
        }
    }
    if let Some(begun) = begun {
        hours.extend(begun);
    } else if of(false).is_none() {
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
        of_planned => percent(totals.done, planned_so_far(&standings, totals.planned)),
        standings => Serde(if standings.len() > 1 { standings.into_iter().map(standing).collect() } else { Vec::new() }), whole => whole,
        removed => removed.map(Serde), awaited => plan::awaited(&rows, today).map(|(month, day)| {
            format!("{} : tous n’ont pas encore rendu leurs heures. Ce mois est comparé à ce qui était prévu à partir du {}, ou dès que chacun a rendu les siennes.", french::capital(&french::month(month)), french::date(day))
        }),
        known_lots => known_lots(&rows, &lots), known_companies => known_companies(&rows, &lots),
        owed => totals.owed.to_string(), planned => totals.planned.to_string(), done => totals.done.to_string(),
        of_owed => percent(totals.done, totals.owed),
        bars => Serde(bars(shown)), width => shown.len() as f64 * MONTH_WIDTH, height => HEIGHT,
        by_month => Serde(by_month), modalities => Serde(modalities),
        shares => Serde(modality_bars(&by_modality)), most => HEIGHT,
        lots => owed, late => late, rows => Serde(listed), more => rows.len().saturating_sub(MAX_ROWS),
        choices => Serde(Modality::ALL.map(|m| (m.as_str(), if m == Modality::Other { "autre, ou pas encore connue" } else { m.in_french() }))),
        done_now => Serde(done_now), max => MAX_LINE, hours => Serde(hours), holder => Serde(holder), of_holder => of(true).is_some(),
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

/// Which row a form means: its month, lot, company and modality; of no row that stands, a company has its number where its holding a lot tells it.
fn key_row(fields: &Fields, known: &[HoursRow], lots: &[LotOwed]) -> Result<HoursRow, Trouble> {
    let month = month_written(fields.one("mois"))
        .ok_or_else(|| Trouble::bad("Mois illisible : par exemple 11/2026 ou novembre 2026."))?;
    let modality = Modality::parse(fields.one("modalite")).ok_or_else(|| Trouble::bad("Choisissez une modalité."))?;
    let mut row = HoursRow {
        siret: siret(fields.one("siret"), "entreprise").map_err(|why| Trouble::bad(french::capital(&why)))?,
        ..HoursRow::new(month, &lot_of(fields)?, &line(fields, "entreprise")?, modality)
    };
    if !known.iter().any(|k| k.key() == row.key()) {
        row.adopt_number(lots.iter());
    }
    Ok(row)
}

/// The row that a form says, over what stands for its key: a field left empty leaves what is there, unless the form showed the whole row.
fn read(fields: &Fields, (known, lots): (&[HoursRow], &[LotOwed]), today: NaiveDate) -> Result<HoursRow, Trouble> {
    let mut row = key_row(fields, known, lots)?;
    let whole = fields.one("tout") == "oui";
    if let Some(before) = known.iter().find(|k| k.key() == row.key()).filter(|_| !whole) {
        row = HoursRow { company: row.company, siret: row.siret, ..before.clone() };
    }
    let hours = |name: &str, field: &mut Hours| -> Result<(), Trouble> {
        if whole || !fields.one(name).is_empty() {
            *field = hours_of(fields, name)?;
        }
        Ok(())
    };
    hours("prevues", &mut row.planned)?;
    hours("realisees", &mut row.done)?;
    let People { all, quarters, women, disabled } = &mut row.people;
    for (name, field) in [("personnes", all), ("quartiers", quarters), ("femmes", women), ("handicap", disabled)] {
        match fields.one(name) {
            "" if whole => *field = None,
            "" => {}
            text => {
                let number = count(text).ok_or_else(|| Trouble::bad("Un nombre de personnes s’écrit en chiffres."))?;
                *field = Some(number);
            }
        }
    }
    if whole || !fields.one("remarque").is_empty() {
        row.remark = line(fields, "remarque")?;
    }
    checked(&row, today).map_err(|why| Trouble::bad(french::capital(&why)))?;
    Ok(row)
}

/// The fields that say which row is meant, as the form holds them.
fn key_fields(row: &HoursRow) -> [(&'static str, String); OF_KEY.len()] {
    let values = [
        row.month.format("%m/%Y").to_string(),
        row.lot.clone(),
        row.company.clone(),
        row.siret.clone().unwrap_or_default(),
        row.modality.as_str().to_owned(),
    ];
    std::array::from_fn(|n| (OF_KEY[n], values[n].clone()))
}

/// A row as the form holds it.
fn row_fields(row: &HoursRow) -> BTreeMap<&'static str, String> {
    let count = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    let hours = |h: Hours| if h.is_none() { String::new() } else { h.in_table() };
    let figures = [
        ("prevues", hours(row.planned)),
        ("realisees", hours(row.done)),
        ("personnes", count(row.people.all)),
        ("quartiers", count(row.people.quarters)),
        ("femmes", count(row.people.women)),
        ("handicap", count(row.people.disabled)),
        ("remarque", row.remark.clone()),
    ];
    key_fields(row).into_iter().chain(figures).collect()
}

/// What the form holds behind a row that was written: the same lot, company and modality, of the month that was asked for.
fn next_row(fields: &Fields) -> BTreeMap<&'static str, String> {
    let mut next: BTreeMap<&'static str, String> = held(&OF_KEY, Some(fields));
    let month = month_written(fields.one("mois"));
    let month =
        if fields.one("puis") == "suivant" { month.and_then(|m| m.checked_add_months(Months::new(1))) } else { month };
    if let Some(month) = month {
        next.insert("mois", month.format("%m/%Y").to_string());
    }
    next
}

/// A row in words: its month, lot, company and modality.
fn in_words(row: &HoursRow) -> String {
    let lot = if row.lot.is_empty() { String::new() } else { format!("lot {}", row.lot) };
    let company = if row.company.is_empty() { "sans entreprise".to_owned() } else { short(&row.company, 80) };
    let parts = [french::month(row.month), lot, company, row.modality.in_french().to_owned()];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What was written, and what may be a slip of the pen in it.
fn told(row: &HoursRow, rows: &[HoursRow], lots: &[LotOwed]) -> Vec<String> {
    let (key, planned) = (row.key(), row.planned);
    let company = &key.2;
    let others: Vec<&HoursRow> = rows.iter().filter(|r| r.key() != key).collect();
    let holders: Vec<(&LotOwed, String)> =
        lots.iter().map(|l| (l, company_key(l.siret.as_deref(), &l.company))).collect();
    let mut out = vec![format!(
        "C’est enregistré : {} : {}, {}.",
        in_words(row),
        french::agreed(&planned.to_string(), "heure prévue", "heures prévues"),
        french::agreed(&row.done.to_string(), "réalisée", "réalisées")
    )];
    let twice = others.iter().filter(|r| r.month == row.month && r.lot == row.lot).find(|r| {
        let without_company = r.company.is_empty() != row.company.is_empty();
        without_company && !r.planned.is_none() && !planned.is_none()
    });
    if let Some(r) = twice {
        let of = if r.company.is_empty() { "sans entreprise" } else { "d’une entreprise" };
        out.push(format!(
            "{} {of} sont déjà écrites pour ce mois et ce lot : elles s’ajoutent. Si ce sont les mêmes, retirez l’une des deux lignes.",
            french::agreed(&r.planned.to_string(), "heure prévue", "heures prévues")
        ));
    }
    let held = holders.iter().find(|(l, by)| !l.lot.is_empty() && by == company);
    if let Some((lot, _)) = held.filter(|_| row.lot.is_empty() && !row.company.is_empty()) {
        out.push(format!("Cette entreprise tient le lot {} : la ligne est écrite sans lot.", lot.lot));
    }
    let lot_known =
        row.lot.is_empty() || lots.iter().any(|l| l.lot == row.lot) || others.iter().any(|r| r.lot == row.lot);
    if !lot_known && (!lots.is_empty() || rows.len() > 1) {
        out.push(format!("Le lot {} est nouveau dans cette opération.", row.lot));
    }
    let company_known = row.company.is_empty()
        || known_companies(rows, lots).len() <= 1
        || holders.iter().any(|(_, by)| by == company)
        || others.iter().any(|r| r.key().2 == *company);
    if !company_known {
        out.push(format!("« {} » est une entreprise nouvelle dans cette opération.", short(&row.company, 80)));
    }
    out
}

/// Lots that were spoken of, in their order.
fn known_lots(rows: &[HoursRow], lots: &[LotOwed]) -> Vec<String> {
    let named = lots.iter().map(|l| &l.lot).chain(rows.iter().map(|r| &r.lot)).filter(|l| !l.is_empty());
    let mut out: Vec<String> = named.cloned().collect::<BTreeSet<_>>().into_iter().collect();
    out.sort_by(|a, b| Lot::order(a).cmp(&Lot::order(b)));
    out
}

/// Companies that were spoken of, each once.
fn known_companies(rows: &[HoursRow], lots: &[LotOwed]) -> Vec<String> {
    let named = lots
        .iter()
        .map(|l| (l.siret.as_deref(), &l.company))
        .chain(rows.iter().map(|r| (r.siret.as_deref(), &r.company)))
        .filter(|(_, name)| !name.is_empty());
    let by_key: BTreeMap<String, String> =
        named.map(|(siret, name)| (company_key(siret, name), name.clone())).collect();
    by_key.into_values().collect()
}

/// What was planned up to the end of the last month that is over; all that was planned, where none is.
fn planned_so_far(standings: &[plan::Standing], planned: Hours) -> Hours {
    let over: Hours = standings.iter().map(|s| s.planned).sum();
    if over.is_none() { planned } else { over }
}

/// A line of the table of lots and companies.
#[derive(serde::Serialize)]
struct ShownStanding {
    lot: String,
    company: String,
    owed: String,
    planned: String,
    done: String,
    /// What is missing of the plan by now, in words.
    gap: String,
    behind: bool,
}

fn standing(s: plan::Standing) -> ShownStanding {
    let missing = s.planned - s.done;
    let behind = missing > Hours::NONE;
    ShownStanding {
        lot: if s.lot.is_empty() { "–".to_owned() } else { s.lot },
        company: if s.company.is_empty() { "sans entreprise".to_owned() } else { short(&s.company, 80) },
        owed: if s.owed.is_none() { "–".to_owned() } else { s.owed.to_string() },
        planned: s.planned.to_string(),
        done: s.done.to_string(),
        gap: match (behind, s.planned.is_none()) {
            (true, _) => format!("{} de moins que prévu", french::agreed(&missing.to_string(), "heure", "heures")),
            (false, true) => "rien de prévu à ce jour".to_owned(),
            (false, false) => "à jour".to_owned(),
        },
        behind,
    }
}

/// Writes hours of one month, lot, company and modality, or takes them away.
pub(crate) async fn write(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let o = found(&site, &posted.session, &id).await?;
    let (structure, fields) = (posted.session.structure(), &posted.fields);
    let known: Vec<HoursRow> =
        site.service.store.hours_of(structure, Some(&o.id)).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<LotOwed> =
        site.service.store.lots_of(structure, Some(&o.id)).await?.into_iter().map(|l| l.lot).collect();
    let row = match read(fields, (&known, &lots), zones::paris_day(site.service.clock.now())) {
        Ok(row) => row,
        Err(why) => {
            let typed = Typed { fields, fault: why.text, of_holder: false };
            return page(&site, (&posted.visitor, structure), &o, After::Refused(typed)).await;
        }
    };
    if fields.one("faire") == "retirer" {
        site.service.store.remove_hours(structure, &o.id, &row).await?;
        return page(&site, (&posted.visitor, structure), &o, After::Removed(row)).await;
    }
    let query = Serializer::new(String::new())
        .append_pair("fait", "garde")
        .append_pair("puis", fields.one("puis"))
        .extend_pairs(key_fields(&row))
        .finish();
    let hours = [OperationHours { operation: o.id.clone(), row }];
    vigie_service::operations::write_hours(&site.service, structure, &hours).await?;
    Ok(Redirect::to(&format!("/operations/{id}/heures?{query}#fait")).into_response())
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
        // Its number may be what is corrected: the holder is the same.
        let before = LotOwed { siret: siret(fields.one("avant"), "entreprise").ok().flatten(), ..lot.clone() };
        if fields.has("avant") && before.siret != lot.siret {
            store.remove_lot(structure, &o.id, &before).await?;
        }
        store.put_lots(structure, &[OperationLot { operation: o.id.clone(), lot }]).await?;
    }
    Ok(Redirect::to(&format!("/operations/{id}/heures?fait=titulaire#fait")).into_response())
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
