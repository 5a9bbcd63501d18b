//! The front page, and the search: buyer type × provision × sector × place × state, and words.
//!
//! A page holds a bounded number of rows and leads to the next by its last row; counting stops at a bound. So a search that
//! matches ten thousand procedures costs what one that matches twenty does.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_domain::{BuyerType, Department, Phase, ProvisionKind, Stage, french};
use vigie_notifier::card::{provision_label, short};
use vigie_store::StoreError;
use vigie_store::search::{Query, SearchRow, Sort};
use vigie_watcher::classify::fold::fold;

use super::chips;
use super::frame::{Client, Fields, Shown, Site, Trouble, Visitor};
use super::words;
use vigie_service::ingest::search_row;
use vigie_service::sources::blocks;
use vigie_service::visibility;

/// Procedures on the front page.
const FRONT_PAGE: usize = 30;
/// Score from which a procedure stands on the front page.
const FRONT_PAGE_SCORE: u8 = 20;
/// Rows on a page of results.
pub(crate) const ROWS: usize = 20;
/// Counting stops there.
const COUNT: u32 = 1_000;
/// Rows whose words are looked through for what a misspelt word may have meant.
const VOCABULARY: i64 = 800;
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
    /// How strong the verdict is, 0–3.
    strength: u8,
    state: &'static str,
    /// The class of its state.
    state_class: &'static str,
    /// It can be answered, now or later.
    open: bool,
    /// It was corrected, and can still be answered.
    modified: bool,
    /// What became of it, in one line: its winners, why there are none; empty where that is not known.
    became: String,
    deadline: Option<String>,
    left: Option<String>,
    /// What the visitor's own structure decided.
    stage: Option<&'static str>,
}

impl Row {
    pub(crate) fn of(f: &SearchRow, stage: Option<Stage>, now: DateTime<Utc>) -> Self {
        let state = f.state_at(now);
        let closes = f.closes.map(|at| at.with_timezone(&Paris).fixed_offset());
        Self {
            procedure: f.procedure.clone(),
            title: f.title.clone(),
            buyer: if f.buyer.is_empty() { "Acheteur non précisé".to_owned() } else { f.buyer.clone() },
            place: place(&f.departments),
            strength: chips::strength_of_row(f),
            verdict: if chips::strength_of_row(f) == 0 { String::new() } else { short(&f.verdict, 90) },
            state: state.label(),
            state_class: state.phase.as_str(),
            open: state.phase.takes_answers(),
            modified: state.modified,
            became: match state.phase.is_settled() && !state.detail(now).is_empty() {
                true => state.in_french(now),
                false => String::new(),
            },
            deadline: closes.map(|at| french::date(at.date_naive())),
            left: closes.filter(|_| state.phase.takes_answers()).map(|at| french::days_left(at, now)),
            stage: stage.filter(|s| s.is_decision()).map(Stage::in_french),
        }
    }
}

/// `Nord (59), Pas-de-Calais (62) et 3 autres`.
pub(crate) fn place(departments: &[Department]) -> String {
    let rules = Rules::embedded();
    let named: Vec<String> = departments.iter().take(PLACES).map(|d| rules.department_label(d.as_str())).collect();
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

/// The front page of strangers.
pub(crate) async fn front(site: &Site, visitor: &Visitor) -> Shown {
    let now = site.service.clock.now();
    let worth = Query { min_score: FRONT_PAGE_SCORE, state: Some(Phase::Open), ..Query::default() };
    let found = site.service.store.search(&worth, None, FRONT_PAGE, now).await?.rows;
    let rows = rows(site, visitor, &found).await?;
    let total = french::number(site.service.store.notice_count().await? as f64);
    Ok(site.page(visitor, "accueil.html", context! { rows => Serde(rows), total => total }))
}

/// What a query asks for; words it does not know are left out, as is what no procedure can be.
pub(crate) fn query(fields: &Fields) -> Query {
    let rules = Rules::embedded();
    Query {
        words: words::searched(fields.one("q")),
        buyer_types: fields.all("acheteur").filter_map(BuyerType::parse).collect(),
        provisions: fields
            .all("disposition")
            .filter_map(|w| search_row::KINDS.into_iter().find(|k: &ProvisionKind| k.as_str() == w))
            .collect(),
        sectors: fields.all("secteur").filter(|s| rules.is_sector(s)).map(str::to_owned).collect(),
        departments: fields.all("departement").filter_map(Department::parse).collect(),
        state: match fields.one("etat") {
            "tous" => None,
            word => Some(Phase::parse(word).unwrap_or(Phase::Open)),
        },
        sort: Sort::parse(fields.one("tri")).unwrap_or_default(),
        committed: fields.one("spaser") == "oui",
        ..Query::default()
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

fn states(chosen: Option<Phase>) -> Vec<Choice> {
    let choice =
        |p: Phase| Choice { value: p.as_str().to_owned(), label: p.in_french().to_owned(), on: chosen == Some(p) };
    let any = Choice { value: "tous".to_owned(), label: "Tous".to_owned(), on: chosen.is_none() };
    Phase::ALL.into_iter().map(choice).chain([any]).collect()
}

fn buyer_types(chosen: &[BuyerType]) -> Vec<Choice> {
    let choice = |t: BuyerType| Choice {
        value: t.as_str().to_owned(),
        label: t.in_french().to_owned(),
        on: chosen.contains(&t),
    };
    BuyerType::ALL.into_iter().map(choice).collect()
}

/// The procedure whose notice bears that number, if the visitor may see it.
pub(crate) async fn by_number(site: &Site, visitor: &Visitor, number: &str) -> Result<Option<String>, Trouble> {
    let mut keys = vec![format!("record:{number}"), format!("publication:{number}")];
    let blocks = blocks(&site.service.settings, &site.service.store).await?;
    let sources = blocks.iter().flat_map(|s| [s.id.as_str(), s.kind.as_str()]);
    keys.extend(sources.chain(["boamp", "ted"]).map(|source| format!("record:{source}:{number}")));
    keys.dedup();
    let store = &site.service.store;
    for procedure in store.procedures_of_keys(&keys).await? {
        let reader = visitor.session.as_ref().map(|s| &s.person);
        let notices = store.notices_of(&procedure).await?;
        if !visibility::visible(&site.service, reader, notices).await?.is_empty() {
            return Ok(Some(procedure));
        }
    }
    Ok(None)
}

/// The same search as a subscription: its words, sectors, places and provisions.
fn as_subscription(fields: &Fields) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    let marks = ['«', '»', '“', '”', '"'];
    let words = fields.one("q").replace(marks, " ").split_whitespace().collect::<Vec<_>>().join(" ");
    if !words.is_empty() {
        out.append_pair("mots", &words);
    }
    for (name, to) in
        [("secteur", "secteur"), ("departement", "departement"), ("disposition", "disposition"), ("acheteur", "type")]
    {
        for value in fields.all(name) {
            out.append_pair(to, value);
        }
    }
    out.finish()
}

pub(crate) async fn search(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    client: Client,
    fields: Fields,
) -> Result<Response, Trouble> {
    let now = site.service.clock.now();
    let store = &site.service.store;
    let written = fields.one("q");
    let number = words::number(written);
    if let Some(number) = number
        && let Some(procedure) = by_number(&site, &visitor, number).await?
    {
        return Ok(Redirect::to(&format!("/procedure/{procedure}")).into_response());
    }
    let mut query = query(&fields);
    let mut page = store.search(&query, after(fields.one("apres")), ROWS, now).await?;
    let mut meant = None;
    if page.rows.is_empty() && number.is_none() && !query.words.is_empty() && site.costly(client).is_ok() {
        let corrected = words::meant(&query.words, &store.latest_words(VOCABULARY).await?);
        if let Some(corrected) = corrected {
            let other = Query { words: corrected.clone(), ..query.clone() };
            let found = store.search(&other, None, ROWS, now).await?;
            if !found.rows.is_empty() {
                (query, page, meant) = (other, found, Some(corrected.join(" ")));
            }
        }
    }
    let whole = fields.one("apres").is_empty() && page.next.is_none();
    let n = match u32::try_from(page.rows.len()) {
        // All of it is here: nothing is counted by reading the table a second time.
        Ok(n) if whole => n,
        _ => store.search_count(&query, COUNT, now).await?,
    };
    let count = match n {
        0 => "Aucun marché".to_owned(),
        1 => "1\u{a0}marché".to_owned(),
        n if n >= COUNT => format!("Plus de {}\u{a0}marchés", french::number(f64::from(COUNT - 1))),
        n => format!("{}\u{a0}marchés", french::number(f64::from(n))),
    };
    let mut rest = fields.query_without(&["apres"]);
    if let Some(meant) = &meant {
        let others = fields.query_without(&["apres", "q"]);
        let q: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", meant).finish();
        rest = if others.is_empty() { q } else { format!("{q}&{others}") };
    }
    let next = page.next.as_ref().map(|n| format!("/chercher?{rest}&apres={}", place_of(n)).replace("?&", "?"));
    let first = (!fields.one("apres").is_empty()).then(|| format!("/chercher?{rest}"));
    // Of what is looked for in one state, what there is in the others.
    let others = match (page.rows.is_empty() && number.is_none() && fields.one("apres").is_empty(), query.state) {
        (true, Some(_)) => store.search_count(&Query { state: None, ..query.clone() }, COUNT, now).await?,
        _ => 0,
    };
    let others = (others > 0).then(|| {
        let rest = fields.query_without(&["apres", "etat"]);
        (
            french::counted(usize::try_from(others).unwrap_or(usize::MAX), "marché", "marchés"),
            format!("/chercher?{rest}&etat=tous").replace("?&", "?"),
        )
    });
    let rows = rows(&site, &visitor, &page.rows).await?;
    let sorts: Vec<Choice> = Sort::ALL
        .into_iter()
        .map(|s| Choice {
            value: s.as_str().to_owned(),
            label: match s {
                Sort::Newest => "les plus récents".to_owned(),
                Sort::Closing => "clôture la plus proche".to_owned(),
            },
            on: s == query.sort,
        })
        .collect();
    Ok(site.page(
        &visitor,
        "chercher.html",
        context! {
            q => written,
            meant => meant,
            unknown_number => number.filter(|_| page.rows.is_empty()),
            count => count,
            rows => Serde(rows),
            next => next,
            first => first,
            csv => format!("/tableaux/recherche.csv?{rest}"),
            others => others,
            alert => as_subscription(&fields),
            refined => !(query.sectors.is_empty() && query.provisions.is_empty() && query.buyer_types.is_empty() && query.departments.is_empty() && !query.committed),
            sorts => Serde(sorts),
            states => Serde(states(query.state)),
            buyer_types => Serde(buyer_types(&query.buyer_types)),
            provisions => Serde(provisions(&query.provisions)),
            sectors => Serde(sectors(&query.sectors)),
            departments => Serde(departments(&query.departments)),
            committed => Serde([Choice {
                value: "oui".to_owned(),
                label: "acheteurs dotés d’un SPASER".to_owned(),
                on: query.committed,
            }]),
        },
    ))
}
