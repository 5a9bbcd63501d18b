//! The monthly table: what an organisation settles once (model, columns, their names, filters, day), and the table of any month, the same
//! bytes each time.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{Datelike, Months, NaiveDate};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::operation::Programme;
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_service::operations::report::{self, Column, Layout, Model, Monthly};
use vigie_service::operations::tables::departments;
use vigie_service::operations::unseen;
use vigie_watcher::zones;

use super::{Follower, programmes};
use crate::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};
use crate::period;
use crate::tables::csv;

/// Rows shown on the page; the file has them all.
const MAX_ROWS: usize = 60;
/// Longest name of a column.
const MAX_NAME: usize = 80;
/// Latest day: every month has it.
const LAST_DAY: u32 = 28;

/// The month before this one, unless the address names another.
fn month_of(site: &Site, fields: &Fields) -> Result<NaiveDate, Trouble> {
    let now = site.service.clock.now();
    let unreadable = || Trouble::bad("Mois illisible : par exemple 2027-03.");
    match fields.one("mois") {
        "" => period::named("", now).and_then(|m| m.checked_sub_months(Months::new(1))).ok_or_else(unreadable),
        word => period::named(word, now).ok_or_else(unreadable),
    }
}

/// What the form holds beside its columns: as it stands, or as it was typed and why it cannot be taken.
struct Held {
    departments: String,
    day: String,
    fault: Option<String>,
    /// It was kept just now.
    kept: bool,
}

/// A table as the page shows it: what is the same on every row is said once, what is empty on every row is only named. The file has every
/// column.
struct Folded<'a> {
    /// Name, and the class of its cells: `n` figures, `long` words that need room.
    head: Vec<(&'a str, &'static str)>,
    rows: Vec<Vec<&'a str>>,
    /// Name and value of the columns that are the same on every row.
    alike: Vec<(&'a str, &'a str)>,
    empty: Vec<&'a str>,
}

impl<'a> Folded<'a> {
    fn of(table: &'a Monthly, layout: &Layout) -> Self {
        let mut out = Self { head: Vec::new(), rows: Vec::new(), alike: Vec::new(), empty: Vec::new() };
        let Some(first) = table.rows.first() else { return out };
        let mut kept = Vec::new();
        for (n, (name, (column, _))) in table.head.iter().zip(&layout.columns).enumerate() {
            let same = table.rows.iter().all(|r| r[n] == first[n]);
            match (same, first[n].as_str()) {
                (true, "") => out.empty.push(name),
                (true, value) if table.rows.len() > 1 && !column.is_figure() => out.alike.push((name, value)),
                _ => {
                    out.head.push((name, class_of(*column)));
                    kept.push(n);
                }
            }
        }
        let rows = table.rows.iter().take(MAX_ROWS);
        out.rows = rows.map(|r| kept.iter().map(|n| r[*n].as_str()).collect()).collect();
        out
    }
}

fn class_of(column: Column) -> &'static str {
    match column {
        c if c.is_figure() => "n",
        Column::Operation | Column::Object | Column::Remark | Column::Trades | Column::Link => "long",
        _ => "",
    }
}

/// What was settled, or the model that the address names: another is looked at, and taken along, before it is chosen.
fn looked_at(settled: Layout, fields: &Fields) -> Layout {
    match Model::ALL.into_iter().find(|m| m.as_str() == fields.one("modele") && *m != settled.model) {
        Some(model) => Layout { columns: Layout::of(model).columns, model, ..settled },
        None => settled,
    }
}

pub(crate) async fn show(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let structure = follower.session.structure();
    let (layout, day) = report::layout(&site.service, structure).await?;
    let layout = looked_at(layout, &fields);
    let places: Vec<&str> = layout.departments.iter().map(vigie_domain::Department::as_str).collect();
    let day = if day == 0 { String::new() } else { day.to_string() };
    let held = Held { departments: places.join(", "), day, fault: None, kept: fields.one("fait") == "garde" };
    page(&site, (&follower.visitor, structure), &layout, held, month_of(&site, &fields)?).await
}

async fn page(
    site: &Site,
    (visitor, structure): (&Visitor, &str),
    layout: &Layout,
    held: Held,
    first: NaiveDate,
) -> Shown {
    let (settled, sent_on) = report::layout(&site.service, structure).await?;
    let settled = settled.model;
    let table = report::monthly(&site.service, structure, layout, first).await?;
    let shown = Folded::of(&table, layout);
    let now = period::named("", site.service.clock.now()).ok_or_else(Trouble::no_page)?;
    let months: Vec<(String, String, bool)> = (0..24)
        .filter_map(|n| now.checked_sub_months(Months::new(n)))
        .map(|m| (period::word(m), french::month(m), m == first))
        .collect();
    // Chosen columns in their order, then the others of the model.
    let chosen: Vec<(&str, String, usize)> =
        layout.columns.iter().enumerate().map(|(n, (c, name))| (c.as_str(), name.clone(), n + 1)).collect();
    let others: Vec<(&str, &str)> = layout
        .model
        .columns()
        .iter()
        .filter(|c| !layout.columns.iter().any(|(chosen, _)| chosen == *c))
        .map(|c| (c.as_str(), c.in_french()))
        .collect();
    let elsewhere = layout.departments.is_empty() && unseen::area(&site.service, structure).await?.is_empty();
    let values = context! {
        no_place => layout.model == Model::Clauses && elsewhere, of_clauses => layout.model == Model::Clauses,
        month => french::month(first), word => period::word(first), months => Serde(months),
        models => Serde(Model::ALL.map(|m| (m.as_str(), french::capital(m.in_french()), m == layout.model))),
        model => layout.model.as_str(),
        chosen => Serde(chosen), others => Serde(others),
        programmes => Serde(programmes(layout.programme)), departments => &held.departments, buyer => &layout.buyer,
        sent_on => Some(sent_on).filter(|day| *day > 0).map(nth),
        next_sending => next_sending(sent_on, zones::paris_day(site.service.clock.now())).map(french::date), day => &held.day, fault => &held.fault, kept => held.kept, last_day => LAST_DAY,
        head => Serde(shown.head), rows => Serde(shown.rows), alike => Serde(shown.alike), empty => Serde(shown.empty),
        counts => layout.model.counts_hours(), count => table.rows.len(), more => table.rows.len().saturating_sub(MAX_ROWS), done => table.done.to_string(),
        max_name => MAX_NAME, settled => settled == layout.model,
    };
    let status = if held.fault.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(site.page_as(status, visitor, "tableau-mensuel.html", values))
}

/// The next day on which the table is sent, behind today.
fn next_sending(day: u32, today: NaiveDate) -> Option<NaiveDate> {
    let of_month = today.with_day(day)?;
    if of_month > today { Some(of_month) } else { of_month.checked_add_months(Months::new(1)) }
}

/// A day of a month as it is said.
fn nth(day: u32) -> String {
    if day == 1 { "1er".to_owned() } else { day.to_string() }
}

/// The columns that a form chooses: those with a place, in the order of their places. Of two that share one, that which was put there (`before`: how
/// they stood) is first.
fn columns(fields: &Fields, model: Model, before: &[(Column, String)]) -> Vec<(Column, String)> {
    let stood =
        |c: Column, place: u32| before.iter().position(|(b, _)| *b == c).is_some_and(|n| n + 1 == place as usize);
    let mut chosen: Vec<(u32, Column, String)> = model
        .columns()
        .iter()
        .filter_map(|c| {
            let place: u32 = fields.one(&format!("place_{}", c.as_str())).parse().ok().filter(|p| *p > 0)?;
            let name = short(fields.one(&format!("nom_{}", c.as_str())), MAX_NAME);
            Some((place, *c, if name.is_empty() { c.in_french().to_owned() } else { name }))
        })
        .collect();
    chosen.sort_by_key(|(place, c, _)| (*place, stood(*c, *place)));
    chosen.into_iter().map(|(_, c, name)| (c, name)).collect()
}

pub(crate) async fn settle(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let fields = &posted.fields;
    let model = Model::ALL
        .into_iter()
        .find(|m| m.as_str() == fields.one("modele"))
        .ok_or_else(|| Trouble::bad("Choisissez un modèle."))?;
    let (places, unknown) = match departments(fields.one("departements")) {
        Ok(places) => (places, None),
        Err(why) => (Vec::new(), Some(french::capital(&format!("{why}.")))),
    };
    let (settled, _) = report::layout(&site.service, posted.session.structure()).await?;
    let before = if settled.model == model { settled.columns } else { Layout::of(model).columns };
    let chosen = columns(fields, model, &before);
    let no_column =
        chosen.is_empty().then(|| "Gardez au moins une colonne : donnez-lui une place, 1 par exemple.".to_owned());
    let mut layout = Layout {
        model,
        columns: chosen,
        programme: Programme::parse(fields.one("programme")),
        departments: places,
        buyer: short(fields.one("acheteur"), 100),
    };
    let day = match fields.one("jour") {
        "" => Ok(0),
        text => {
            text.parse().ok().filter(|d| *d <= LAST_DAY).ok_or_else(|| format!("Le jour d’envoi va de 1 à {LAST_DAY}."))
        }
    };
    let day = match (no_column.or(unknown), day) {
        (None, Ok(day)) => day,
        (fault, day) => {
            if layout.columns.is_empty() {
                layout.columns = Layout::of(model).columns;
            }
            let (departments, typed) = (short(fields.one("departements"), 400), short(fields.one("jour"), 10));
            let held = Held { departments, day: typed, fault: fault.or(day.err()), kept: false };
            let month = month_of(&site, &Fields::default())?;
            return page(&site, (&posted.visitor, posted.session.structure()), &layout, held, month).await;
        }
    };
    let (structure, now) = (posted.session.structure(), site.service.clock.now());
    site.service.store.put_monthly_table(structure, (&layout, day), posted.session.name(), now).await?;
    Ok(Redirect::to("/operations/tableau?fait=garde").into_response())
}

pub(crate) async fn file(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let structure = follower.session.structure();
    let first = month_of(&site, &fields)?;
    let (layout, _) = report::layout(&site.service, structure).await?;
    let layout = looked_at(layout, &fields);
    let table = report::monthly(&site.service, structure, &layout, first).await?;
    csv(&format!("mensuel-{}", period::word(first)), &table.head, &table.rows)
}

#[cfg(test)]
mod tests {
    use vigie_domain::operation::Hours;

    use super::*;

    #[test]
    fn what_is_the_same_on_every_row_is_said_once_and_what_is_empty_only_named() {
        let columns = [Column::Month, Column::Lot, Column::Remark, Column::Owed];
        let layout = Layout { columns: columns.map(|c| (c, c.in_french().to_owned())).to_vec(), ..Layout::default() };
        let rows = [["2026-11", "1", "", "0"], ["2026-11", "2", "", "0"]];
        let table = Monthly {
            head: layout.columns.iter().map(|(_, name)| name.clone()).collect(),
            rows: rows.iter().map(|r| r.map(str::to_owned).to_vec()).collect(),
            done: Hours::NONE,
        };
        let folded = Folded::of(&table, &layout);
        assert_eq!(folded.alike, [("Mois", "2026-11")]);
        assert_eq!(folded.empty, ["Remarque"]);
        assert_eq!(folded.head, [("Lot", ""), ("Heures dues", "n")]);
        assert_eq!(folded.rows, [["1", "0"], ["2", "0"]]);
        let one = Monthly { rows: table.rows[..1].to_vec(), ..table };
        assert_eq!(Folded::of(&one, &layout).head.len(), 3, "a single row is shown whole");
    }

    #[test]
    fn columns_stand_where_their_places_say_under_the_names_given() {
        let pairs =
            [("place_done_in_month", "1"), ("nom_done_in_month", "Faites"), ("place_month", "2"), ("place_lot", "0")];
        let fields = Fields::of(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec());
        let chosen = columns(&fields, Model::Monthly, &[]);
        assert_eq!(chosen, [(Column::DoneInMonth, "Faites".to_owned()), (Column::Month, "Mois".to_owned())]);
        let pairs = [("place_month", "1"), ("place_done_in_month", "1"), ("place_lot", "2")];
        let fields = Fields::of(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec());
        let before = [Column::Month, Column::Lot, Column::DoneInMonth].map(|c| (c, String::new()));
        let order: Vec<Column> = columns(&fields, Model::Monthly, &before).into_iter().map(|(c, _)| c).collect();
        assert_eq!(order, [Column::DoneInMonth, Column::Month, Column::Lot], "what was put first is first");
    }

    #[test]
    fn another_model_is_looked_at_and_taken_along_before_it_is_chosen() {
        let asks = |model: &str| Fields::of(vec![("modele".to_owned(), model.to_owned())]);
        let mine = Layout { columns: vec![(Column::Month, "Mon mois".to_owned())], ..Layout::of(Model::Monthly) };
        for same in ["", "monthly", "inconnu"] {
            assert_eq!(looked_at(mine.clone(), &asks(same)).columns, mine.columns, "{same}");
        }
        let other = looked_at(mine.clone(), &asks(Model::Clauses.as_str()));
        assert_eq!((other.model, other.columns), (Model::Clauses, Layout::of(Model::Clauses).columns));
    }
}
