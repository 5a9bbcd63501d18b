//! The first page of whoever signed in: the markets of a structure; the territory of who follows its clauses; what was told to
//! who only reads. Strangers have the front page of [`super::browse`].

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Duration, FixedOffset, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{DateKind, DeliveryState, Permission, Phase, Stage, french};
use vigie_notifier::card::short;
use vigie_service::my_markets::{self, Market};
use vigie_service::{open_now, preferences};
use vigie_store::StoreError;

use super::browse::{self, Row};
use super::cookies::Session;
use super::frame::{Fields, Shown, Site, Visitor};
use super::preferences::waiting;

/// Rows of one list.
const MAX_ROWS: usize = 60;
/// Open markets shown to who was told of none that waits for them.
const OPEN: usize = 8;
/// Days of what was told, for who only reads.
const TOLD_DAYS: i64 = 30;
/// Alerts read for it.
const ALERTS: i64 = 200;

pub(crate) async fn front(State(site): State<Arc<Site>>, visitor: Visitor, fields: Fields) -> Shown {
    match visitor.session.clone() {
        None => browse::front(&site, &visitor).await,
        Some(session) if session.person.role.may(Permission::Decide) => {
            markets(&site, &visitor, &session, fields.one("fait")).await
        }
        Some(session) => told(&site, &visitor, &session).await,
    }
}

/// A market of the structure, as its home shows it.
#[derive(serde::Serialize)]
struct Line {
    #[serde(flatten)]
    row: Row,
    /// What is next: its name, its day, and how long is left.
    next: Option<(&'static str, String, String)>,
    /// What is next comes before the closing, which is then said too.
    before_closing: bool,
    /// Where the structure stands, by lot where lots were answered.
    stages: Vec<String>,
    /// Who does it.
    who: String,
    note: String,
    /// What an answer from here sends back as seen.
    seen: String,
    /// The structure left it out: it may come back to it.
    declined: bool,
    /// The procedure has its result: what became of the structure's tender is to be said.
    ended: bool,
}

impl Line {
    fn of(m: &Market, now: DateTime<Utc>) -> Self {
        let whole = m.decisions.iter().find(|d| d.lot.is_empty());
        let leading = m.leading();
        let stage = |d: &vigie_domain::Decision| {
            let lot = if d.lot.is_empty() { String::new() } else { format!("lot {} : ", d.lot) };
            let why = d.refusal.map(|r| format!(" ({})", r.in_french())).unwrap_or_default();
            format!("{lot}{}{why}", d.stage.in_french())
        };
        Self {
            row: Row::of(&m.row, None, now),
            next: m.next.map(|(kind, at)| (next_label(kind), day_and_hour(at), french::days_left(at, now))),
            before_closing: m.next.is_some_and(|(kind, _)| matches!(kind, DateKind::Visit | DateKind::Questions)),
            stages: match m.decisions.len() {
                0..=4 => m.decisions.iter().map(stage).collect(),
                n => vec![format!("{} lots répondus", n)],
            },
            who: leading
                .map(|d| if d.assignee.is_empty() { d.by.clone() } else { d.assignee.clone() })
                .unwrap_or_default(),
            note: leading.map(|d| d.note.clone()).unwrap_or_default(),
            seen: whole.map(vigie_domain::Decision::mark).unwrap_or_default(),
            declined: leading.is_some_and(|d| d.stage.declines()),
            ended: m.row.state_at(now).phase.is_settled(),
        }
    }
}

fn next_label(kind: DateKind) -> &'static str {
    match kind {
        DateKind::Visit => "Visite le",
        DateKind::Questions => "Questions jusqu’au",
        DateKind::Participation => "Candidature à rendre avant le",
        DateKind::Tender => "À rendre avant le",
    }
}

/// `12 janvier à 12 h`; 23:59 stands for a day without an hour.
fn day_and_hour(at: DateTime<FixedOffset>) -> String {
    let day = french::date(at.date_naive());
    match french::told_clock(at) {
        end if end == "23\u{a0}h\u{a0}59" => day,
        clock => format!("{day} à {clock}"),
    }
}

async fn markets(site: &Site, visitor: &Visitor, session: &Session, done: &str) -> Shown {
    let now = site.service.clock.now();
    let store = &site.service.store;
    let mine = my_markets::of(&site.service, session.structure()).await?;
    let lines = |list: &[Market]| list.iter().take(MAX_ROWS).map(|m| Line::of(m, now)).collect::<Vec<_>>();
    let subscribed = !store.subscriptions_of(&session.person.id).await?.is_empty();
    // Nothing that was told waits: what was open before is not passed over in silence.
    let open = match subscribed && mine.to_decide.is_empty() {
        true => open_now::of(&site.service, &session.person, OPEN).await?,
        false => Vec::new(),
    };
    let open: Vec<(String, String)> = open.into_iter().map(|m| (m.procedure, short(&m.title, 140))).collect();
    let alarms = match session.person.role.may(Permission::Operate) {
        true => Some(alarms(site).await?),
        false => None,
    };
    Ok(site.page(
        visitor,
        "marches.html",
        context! {
            away => preferences::standing(&site.service, &session.person).await?.away_in_french(),
            questions => Serde(waiting(site, session).await?),
            to_decide => Serde(lines(&mine.to_decide)),
            to_decide_count => mine.to_decide.len(),
            going => Serde(lines(&mine.going)),
            unsaid => Serde(lines(&mine.unsaid)),
            waiting => Serde(lines(&mine.waiting)),
            decided => Serde(lines(&mine.done)),
            won => mine.done.iter().filter(|m| m.leading().is_some_and(|d| d.stage == Stage::Won)).count(),
            subscribed => subscribed,
            open => open,
            alarms => alarms,
            done => match done {
                "note" => "C’est noté.",
                "ouvert" => "Ce marché prend encore des offres : son résultat se dit une fois la date limite passée.",
                "clos" => "Ce marché n’est plus ouvert : rien n’est noté.",
                "autre" => "Un collègue a répondu entre-temps : sa réponse est gardée, voyez-la sur la page du marché.",
                _ => "",
            },
        },
    ))
}

/// What an operator should look at, in a few words; empty when all is well.
async fn alarms(site: &Site) -> Result<String, StoreError> {
    let open = site.service.store.alarm_count().await?;
    let queue = site.service.store.queue().await?;
    let dead = queue.iter().find(|(s, _)| *s == DeliveryState::Dead).map_or(0, |(_, n)| *n);
    let mut parts = Vec::new();
    if open > 0 {
        parts.push(format!("{} sur les sources", french::plural(usize::try_from(open).unwrap_or(0), "alarme")));
    }
    if dead > 0 {
        let n = usize::try_from(dead).unwrap_or(0);
        parts.push(format!("{} refusé{}", french::plural(n, "envoi"), if n > 1 { "s" } else { "" }));
    }
    Ok(parts.join(", "))
}

/// For who decides nothing: what they were told of late, open ones first.
async fn told(site: &Site, visitor: &Visitor, session: &Session) -> Shown {
    let now = site.service.clock.now();
    let store = &site.service.store;
    let since = now - Duration::days(TOLD_DAYS);
    let mut procedures: Vec<String> = Vec::new();
    for alert in store.own_alerts(&session.person.id, ALERTS).await? {
        if alert.at >= since && !procedures.contains(&alert.procedure) {
            procedures.push(alert.procedure);
        }
    }
    let mut found = store.search_rows(&procedures).await?;
    let place = |id: &String| procedures.iter().position(|p| p == id);
    found.sort_by_key(|f| (!f.state_at(now).phase.takes_answers(), place(&f.procedure)));
    let in_phase = |wanted: fn(Phase) -> bool| found.iter().filter(|f| wanted(f.state_at(now).phase)).count();
    // What is not published yet takes answers of a kind, and is open to none.
    let planned = in_phase(|phase| phase == Phase::Planned);
    let open = in_phase(Phase::takes_answers) - planned;
    let rows: Vec<Row> = found.iter().take(MAX_ROWS).map(|f| Row::of(f, None, now)).collect();
    let month = french::month(now.with_timezone(&Paris).date_naive());
    Ok(site.page(
        visitor,
        "signales.html",
        context! {
            away => preferences::standing(&site.service, &session.person).await?.away_in_french(),
            questions => Serde(waiting(site, session).await?),
            rows => Serde(rows),
            open => open,
            planned => planned,
            days => TOLD_DAYS,
            month => month,
            subscribed => !store.subscriptions_of(&session.person.id).await?.is_empty(),
        },
    ))
}
