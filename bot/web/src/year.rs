//! « Mon année, notre année »: from seen to won, as a plot and as tables; and the report of what contracts won gave, to print.
//!
//! A structure sees its own. A network sees the sum over the members who agreed to be counted, never fewer than five in a cell, never
//! a name (`service/funnel`).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::subscription::Role;
use vigie_domain::{Permission, french};
use vigie_service::funnel::{self, By, FEWEST, Line, Rung, Track};
use vigie_service::impact::{self, Figures};

use super::frame::{Decider, Fields, Posted, Shown, Site, Trouble};
use super::period::{Bounds, Period};
use super::tables;

/// Heads of the columns, after the group's.
const HEADS: [&str; 9] =
    ["Repérés", "Lus", "Analysés", "Répondus", "Gagnés", "Perdus", "Sans suite", "Abandonnés", "Écartés"];

/// The year that an address names, or this one; its first moment and the first after it, in Paris.
fn year(fields: &Fields, now: DateTime<Utc>) -> Result<(Period, Bounds), Trouble> {
    let year = Period::year_named(fields.one("annee"), now).ok_or_else(Trouble::no_page)?;
    Ok((year, year.bounds().ok_or_else(Trouble::no_page)?))
}

fn by(fields: &Fields) -> (By, &'static str, &'static str) {
    By::ALL.into_iter().find(|(_, word, _)| *word == fields.one("par")).unwrap_or(By::ALL[0])
}

/// A line as a page shows it.
#[derive(serde::Serialize)]
struct Row {
    name: String,
    cells: Vec<String>,
}

fn name(by: By, key: &str) -> String {
    if by == By::Month
        && let Ok(day) = NaiveDate::parse_from_str(&format!("{key}-01"), "%Y-%m-%d")
    {
        return french::month(day);
    }
    if key.is_empty() { "Non précisé".to_owned() } else { key.to_owned() }
}

fn row(by: By, key: &str, line: &Line) -> Row {
    Row { name: name(by, key), cells: line.cells().map(|c| c.procedures.to_string()).collect() }
}

/// What is shown of a year: its lines, the whole, and what is said of the rest.
struct Table {
    rows: Vec<Row>,
    total: Vec<Option<usize>>,
    left_out: usize,
    counted: Option<(usize, usize)>,
    reasons: Vec<(String, usize)>,
}

async fn table(
    site: &Site,
    person: &vigie_domain::Subscriber,
    period: (DateTime<Utc>, DateTime<Utc>),
    by: By,
) -> Result<Table, Trouble> {
    if person.role == Role::Network {
        let (tracks, counted, all) = funnel::of_network(&site.service, person, period).await?;
        let shared = funnel::shared(&tracks, by);
        let rows = shared.lines.into_iter().map(|(key, cells)| Row {
            name: name(by, &key),
            cells: cells.into_iter().map(|n| n.to_string()).collect(),
        });
        let counted = Some((counted, all));
        return Ok(Table {
            rows: rows.collect(),
            total: shared.total,
            left_out: shared.left_out,
            counted,
            reasons: funnel::shared_reasons(&tracks),
        });
    }
    let tracks: Vec<Track> = funnel::of_structure(&site.service, person.structure(), period).await?;
    let lines = funnel::table(&tracks, by);
    Ok(Table {
        rows: lines.iter().map(|(key, line)| row(by, key, line)).collect(),
        total: funnel::total(&tracks).cells().map(|c| Some(c.procedures)).collect(),
        left_out: 0,
        counted: None,
        reasons: funnel::reasons(&tracks),
    })
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let (year, within) = year(&fields, now)?;
    let (by, word, label) = by(&fields);
    let person = &signed.session.person;
    let shown = table(&site, person, within, by).await?;
    let at = |rung: Rung| shown.total.get(rung as usize).copied().flatten();
    let bars: Vec<(&str, Option<usize>)> = Rung::ALL.into_iter().map(|r| (r.in_french(), at(r))).collect();
    // A rate stands beside its counts, and only where both may be shown.
    let rate = at(Rung::Answered).zip(at(Rung::Won)).and_then(|(answered, won)| {
        let share = funnel::won_share(answered, won)?;
        let many = |n: usize| if n > 1 { "s" } else { "" };
        Some(format!("{won} gagné{} sur {answered} répondu{} : {share}\u{a0}%", many(won), many(answered)))
    });
    let ways: Vec<(&str, &str, bool)> = By::ALL.into_iter().map(|(b, word, label)| (word, label, b == by)).collect();
    let values = context! {
        year => year.word(), before => year.before().map(Period::word), after => year.after(now).map(Period::word), word => word, label => label,
        heads => HEADS, ways => Serde(ways), rows => Serde(shown.rows), bars => Serde(&bars), rate => rate,
        most => bars.iter().filter_map(|(_, n)| *n).max().unwrap_or(0).max(1), left_out => shown.left_out, fewest => FEWEST,
        total => Serde(shown.total), counted => Serde(shown.counted), reasons => Serde(shown.reasons),
        network => person.role == Role::Network,
    };
    Ok(site.page(&signed.visitor, "annee.html", values))
}

pub(crate) async fn csv(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let (_, within) = year(&fields, now)?;
    let (by, _, label) = by(&fields);
    let shown = table(&site, &signed.session.person, within, by).await?;
    let mut rows: Vec<Vec<String>> =
        shown.rows.into_iter().map(|r| std::iter::once(r.name).chain(r.cells).collect()).collect();
    let few = || format!("moins de {FEWEST} structures");
    let total = shown.total.iter().map(|n| n.map_or_else(few, |n| n.to_string()));
    rows.push(std::iter::once("Ensemble".to_owned()).chain(total).collect());
    let head: Vec<&str> = std::iter::once(label).chain(HEADS).collect();
    tables::csv("annee", &head, &rows)
}

/// A contract won, with the figures that the structure typed.
#[derive(serde::Serialize)]
struct Won {
    procedure: String,
    lot: String,
    title: String,
    buyer: String,
    day: String,
    amount: Option<i64>,
    hours_planned: Option<i64>,
    hours_done: Option<i64>,
    people: Option<i64>,
    exits: Option<i64>,
}

fn won(one: impact::Won) -> Won {
    Won {
        day: french::date(one.at.with_timezone(&Paris).date_naive()),
        procedure: one.procedure,
        lot: one.lot,
        title: one.title,
        buyer: one.buyer,
        amount: one.figures.amount,
        hours_planned: one.figures.hours_planned,
        hours_done: one.figures.hours_done,
        people: one.figures.people,
        exits: one.figures.exits,
    }
}

pub(crate) async fn report(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let (year, within) = year(&fields, now)?;
    let person = &signed.session.person;
    let all = impact::won(&site.service, person.structure(), within).await?;
    let clients: std::collections::BTreeSet<String> = all.iter().map(|w| w.buyer.clone()).collect();
    let client = fields.one("client");
    let listed: Vec<impact::Won> = all.into_iter().filter(|w| client.is_empty() || w.buyer == client).collect();
    let sum = impact::sum(&listed);
    let name = vigie_service::partner_calls::name_of(&site.service, person.structure()).await?;
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("annee", &year.word())
        .append_pair("client", client)
        .finish();
    let values = context! {
        year => year.word(), before => year.before().map(Period::word), after => year.after(now).map(Period::word), structure => name, client => client,
        query => query,
        clients => Serde(clients), won => Serde(listed.into_iter().map(won).collect::<Vec<_>>()), sum => Serde(sum),
        today => french::date(now.with_timezone(&Paris).date_naive()),
    };
    Ok(site.page(&signed.visitor, "bilan.html", values))
}

pub(crate) async fn report_csv(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let (_, within) = year(&fields, now)?;
    let client = fields.one("client");
    let all = impact::won(&site.service, signed.session.structure(), within).await?;
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .filter(|w| client.is_empty() || w.buyer == client)
        .map(|w| {
            let f = &w.figures;
            vec![
                w.title.clone(),
                w.lot.clone(),
                w.buyer.clone(),
                tables::day(w.at),
                number(f.amount),
                number(f.hours_planned),
                number(f.hours_done),
                number(f.people),
                number(f.exits),
            ]
        })
        .collect();
    let head = [
        "objet",
        "lot",
        "client",
        "gagne_le",
        "montant_ht",
        "heures_prevues",
        "heures_faites",
        "personnes",
        "sorties_positives",
    ];
    tables::csv("bilan", &head, &rows)
}

/// Writes the figures of one contract won.
pub(crate) async fn put_figures(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let (session, fields) = (&posted.session, &posted.fields);
    session.may(Permission::Decide)?;
    let number = |name: &str| -> Result<Option<i64>, Trouble> {
        let written: String =
            fields.one(name).chars().filter(|c| !c.is_whitespace() && !matches!(c, '\u{202f}' | '€')).collect();
        if written.is_empty() {
            return Ok(None);
        }
        written.parse::<i64>().ok().filter(|n| (0..=impact::MOST).contains(n)).map(Some).ok_or_else(|| {
            Trouble::bad("Un nombre entier, sans virgule : rien n’est enregistré. Revenez en arrière pour corriger.")
        })
    };
    let figures = Figures {
        amount: number("montant")?,
        hours_planned: number("prevues")?,
        hours_done: number("faites")?,
        people: number("personnes")?,
        exits: number("sorties")?,
    };
    let of = (fields.one("marche"), fields.one("lot"));
    if !impact::put(&site.service, &session.person, session.name(), of, figures).await? {
        return Err(Trouble::no_page());
    }
    let year: String = fields.one("annee").chars().filter(char::is_ascii_digit).take(4).collect();
    Ok(Redirect::to(&format!("/bilan?annee={year}")).into_response())
}

/// Whether a structure's year is counted in that of a network that it is a member of.
pub(crate) async fn count_in(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let session = &posted.session;
    session.may(Permission::Decide)?;
    let network = posted.fields.one("reseau");
    let Some(network) = session.person.profile.networks.iter().find(|n| *n == network) else {
        return Err(Trouble::no_page());
    };
    let chosen = posted.fields.one("do") == "compter";
    vigie_service::network::count_in(&site.service, &session.person, network, chosen).await?;
    Ok(Redirect::to("/groupements").into_response())
}
