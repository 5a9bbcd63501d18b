//! The front page, and the search: buyer type × provision × sector × place × state, and words.
//!
//! A page holds a bounded number of rows and leads to the next by its last row; counting stops at a bound. So a search that
//! matches ten thousand procedures costs what one that matches twenty does.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_domain::{BuyerType, Department, ProvisionKind, Stage, french};
use vigie_notifier::card::{provision_label, short};
use vigie_store::StoreError;
use vigie_store::search::{Query, SearchRow, State as Stand};
use vigie_watcher::classify::fold::fold;

use super::frame::{Fields, Shown, Site, Visitor};
use vigie_service::ingest::search_row;

/// Procedures on the front page.
const FRONT_PAGE: usize = 30;
/// Score from which a procedure stands on the front page.
const FRONT_PAGE_SCORE: u8 = 20;
/// Rows on a page of results.
pub(crate) const ROWS: usize = 20;
/// Counting stops there.
const COUNT: u32 = 1_000;
/// Most words looked for, and the longest of them.
const MAX_WORDS: usize = 8;
const MAX_WORD: usize = 60;
/// Départements named on a row.
const PLACES: usize = 3;

/// A procedure as lists show it.
#[derive(serde::Serialize)]
pub(crate) struct Row {
    procedure: String,
    title: String,
    buyer: String,
    place: String,
    verdict: String,
    state: &'static str,
    state_class: &'static str,
    deadline: Option<String>,
    left: Option<String>,
    /// What the visitor's own structure decided.
    stage: Option<&'static str>,
}

impl Row {
    fn of(f: &SearchRow, stage: Option<Stage>, now: DateTime<Utc>) -> Self {
        let state = f.state_at(now);
        let closes = f.closes.map(|at| at.with_timezone(&Paris).fixed_offset());
        Self {
            procedure: f.procedure.clone(),
            title: f.title.clone(),
            buyer: if f.buyer.is_empty() { "Acheteur non précisé".to_owned() } else { f.buyer.clone() },
            place: place(&f.departments),
            verdict: short(&f.verdict, 90),
            state: state.in_french(),
            state_class: match state {
                Stand::Open => "",
                Stand::Planned => "warn",
                Stand::Cancelled => "stop",
                Stand::Closed | Stand::Awarded => "plain",
            },
            deadline: closes.map(|at| french::date(at.date_naive())),
            left: closes.filter(|_| state == Stand::Open).map(|at| french::days_left(at, now)),
            stage: stage.filter(|s| s.is_decision()).map(Stage::in_french),
        }
    }
}

/// `Nord (59), Pas-de-Calais (62) et 3 autres`.
pub(crate) fn place(departments: &[Department]) -> String {
    let rules = Rules::embedded();
    let named: Vec<String> =
        departments.iter().take(PLACES).map(|d| format!("{} ({d})", rules.department_name(d.as_str()))).collect();
    match departments.len().saturating_sub(PLACES) {
        0 => french::list(&named),
        1 => format!("{} et un autre département", named.join(", ")),
        n => format!("{} et {n} autres départements", named.join(", ")),
    }
}

/// Rows as the visitor sees them, with what their structure decided.
pub(crate) async fn rows(site: &Site, visitor: &Visitor, found: &[SearchRow]) -> Result<Vec<Row>, StoreError> {
    let now = site.service.clock.now();
    let stages = match &visitor.session {
        Some(session) => stages(site, session.structure(), found).await?,
        None => HashMap::new(),
    };
    Ok(found.iter().map(|f| Row::of(f, stages.get(&f.procedure).copied(), now)).collect())
}

/// What one structure decided about these procedures as a whole.
async fn stages(site: &Site, structure: &str, found: &[SearchRow]) -> Result<HashMap<String, Stage>, StoreError> {
    let mut out = HashMap::new();
    for f in found {
        let decisions = site.service.store.decisions_on(structure, &f.procedure).await?;
        if let Some(d) = decisions.iter().find(|d| d.lot.is_empty()).or(decisions.first()) {
            out.insert(f.procedure.clone(), d.stage);
        }
    }
    Ok(out)
}

pub(crate) async fn front(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let now = site.service.clock.now();
    let worth = Query { min_score: FRONT_PAGE_SCORE, ..Query::default() };
    let found = site.service.store.search(&worth, None, FRONT_PAGE, now).await?.rows;
    let rows = rows(&site, &visitor, &found).await?;
    let total = french::number(site.service.store.notice_count().await? as f64);
    Ok(site.page(&visitor, "accueil.html", context! { rows => Serde(rows), total => total }))
}

/// What a query asks for; words it does not know are left out, as is what no procedure can be.
pub(crate) fn query(fields: &Fields) -> Query {
    let rules = Rules::embedded();
    Query {
        words: fold(fields.one("q"))
            .split_whitespace()
            .filter(|w| w.len() > 1)
            .take(MAX_WORDS)
            .map(|w| w.chars().take(MAX_WORD).collect())
            .collect(),
        buyer_types: fields.all("acheteur").filter_map(BuyerType::parse).collect(),
        provisions: fields
            .all("disposition")
            .filter_map(|w| search_row::KINDS.into_iter().find(|k: &ProvisionKind| k.as_str() == w))
            .collect(),
        sectors: fields.all("secteur").filter(|s| rules.is_sector(s)).map(str::to_owned).collect(),
        departments: fields.all("departement").filter_map(Department::parse).collect(),
        state: match fields.one("etat") {
            "tous" => None,
            word => Some(Stand::parse(word).unwrap_or_default()),
        },
        min_score: 0,
        between: None,
    }
}

/// The place at which a page begins: `moment-procedure`.
pub(crate) fn after(text: &str) -> Option<(DateTime<Utc>, &str)> {
    let (at, procedure) = text.split_once('-')?;
    Some((DateTime::from_timestamp_millis(at.parse().ok()?)?, procedure))
}

pub(crate) fn place_of(next: &(DateTime<Utc>, String)) -> String {
    format!("{}-{}", next.0.timestamp_millis(), next.1)
}

/// An option of a form.
#[derive(serde::Serialize)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) on: bool,
}

/// A group of options.
#[derive(serde::Serialize)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) options: Vec<Choice>,
}

/// Sectors by group, in the order of the French alphabet.
pub(crate) fn sectors(chosen: &[String]) -> Vec<Group> {
    let rules = Rules::embedded();
    let mut groups: Vec<Group> = Vec::new();
    for (slug, row) in rules.sectors() {
        let label = rules.group_label(&row.group);
        let choice = Choice { value: slug.to_owned(), label: row.label.clone(), on: chosen.iter().any(|c| c == slug) };
        match groups.iter_mut().find(|g| g.label == label) {
            Some(group) => group.options.push(choice),
            None => groups.push(Group { label: label.to_owned(), options: vec![choice] }),
        }
    }
    groups.iter_mut().for_each(|g| g.options.sort_by_key(|o| fold(&o.label)));
    groups.sort_by_key(|g| fold(&g.label));
    groups
}

pub(crate) fn departments(chosen: &[Department]) -> Vec<Choice> {
    let choice = |(code, name): (&str, &str)| Choice {
        value: code.to_owned(),
        label: format!("{code} {name}"),
        on: chosen.iter().any(|d| d.as_str() == code),
    };
    Rules::embedded().departments().map(choice).collect()
}

pub(crate) fn provisions(chosen: &[ProvisionKind]) -> Vec<Choice> {
    let choice = |k: ProvisionKind| Choice {
        value: k.as_str().to_owned(),
        label: provision_label(k).to_owned(),
        on: chosen.contains(&k),
    };
    search_row::KINDS.into_iter().map(choice).collect()
}

fn states(chosen: Option<Stand>) -> Vec<Choice> {
    let choice =
        |s: Stand| Choice { value: s.as_str().to_owned(), label: s.in_french().to_owned(), on: chosen == Some(s) };
    let any = Choice { value: "tous".to_owned(), label: "tous".to_owned(), on: chosen.is_none() };
    Stand::ALL.into_iter().map(choice).chain([any]).collect()
}

fn buyer_types(chosen: &[BuyerType]) -> Vec<Choice> {
    let choice = |t: BuyerType| Choice {
        value: t.as_str().to_owned(),
        label: t.in_french().to_owned(),
        on: chosen.contains(&t),
    };
    BuyerType::ALL.into_iter().map(choice).collect()
}

pub(crate) async fn search(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, super::frame::Trouble> {
    let now = site.service.clock.now();
    let query = query(&fields);
    let page = site.service.store.search(&query, after(fields.one("apres")), ROWS, now).await?;
    let whole = fields.one("apres").is_empty() && page.next.is_none();
    let n = match u32::try_from(page.rows.len()) {
        // All of it is here: nothing is counted by reading the table a second time.
        Ok(n) if whole => n,
        _ => site.service.store.search_count(&query, COUNT, now).await?,
    };
    let count = match n {
        0 => "Aucun marché".to_owned(),
        1 => "1\u{a0}marché".to_owned(),
        n if n >= COUNT => format!("Plus de {}\u{a0}marchés", french::number(f64::from(COUNT - 1))),
        n => format!("{}\u{a0}marchés", french::number(f64::from(n))),
    };
    let rest = fields.query_without(&["apres"]);
    let next = page.next.as_ref().map(|n| format!("/chercher?{rest}&apres={}", place_of(n)).replace("?&", "?"));
    let first = (!fields.one("apres").is_empty()).then(|| format!("/chercher?{rest}"));
    let rows = rows(&site, &visitor, &page.rows).await?;
    Ok(site.page(
        &visitor,
        "chercher.html",
        context! {
            q => fields.one("q"),
            count => count,
            rows => Serde(rows),
            next => next,
            first => first,
            csv => format!("/tableaux/recherche.csv?{rest}"),
            refined => !(query.sectors.is_empty() && query.provisions.is_empty() && query.buyer_types.is_empty() && query.departments.is_empty()) ,
            states => Serde(states(query.state)),
            buyer_types => Serde(buyer_types(&query.buyer_types)),
            provisions => Serde(provisions(&query.provisions)),
            sectors => Serde(sectors(&query.sectors)),
            departments => Serde(departments(&query.departments)),
        },
    ))
}
