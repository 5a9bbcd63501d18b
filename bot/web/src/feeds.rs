//! A person's calendar of visits and deadlines, and a feed of their alerts, at private addresses.
//!
//! An address is signed, names a row and ends when its owner removes that row. Whoever knows it reads what it gives, and nothing
//! else: it opens no page. What is made is pure ([`calendar`], [`feed`]).

use std::sync::Arc;

use atom_syndication::{Content, Entry, Feed, FixedDateTime, Link, Person, Text};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use icalendar::{Calendar, Component, Event, EventLike, EventStatus};
use vigie_domain::event::Event as Meeting;
use vigie_domain::{
    Cause, Contract, DateKind, Decision, NoticeKind, Permission, ProcedureState, Stage, Subscriber, TypedDate, french,
};
use vigie_notifier::after_award::renewal_line;
use vigie_notifier::card::{self, Card, alert_label, short};
use vigie_store::journal::NoticeRow;
use vigie_store::self_service::OwnAlert;
use vigie_store::tokens::Scope;
use vigie_store::{StoreError, derived_id};

use super::frame::{Shown, Site, Trouble};
use super::procedure::title_of;
use vigie_service::after_award::renewals;
use vigie_service::alert_card;
use vigie_service::events;
use vigie_service::links::{Purpose, contract_path};
use vigie_watcher::zones;

/// Alerts in the feed.
const ALERTS: i64 = 50;
/// Procedures in the calendar.
const PROCEDURES: i64 = 300;
/// How long a visit is shown to last: notices seldom say.
const VISIT: Duration = Duration::hours(1);
/// How long a reader may keep what it got.
const KEEP: HeaderValue = HeaderValue::from_static("private, max-age=900");

/// The owner of a private address.
async fn owner(site: &Site, purpose: Purpose, scope: Scope, token: &str) -> Result<Subscriber, Trouble> {
    let unknown = || {
        Trouble::unknown(
            "Adresse inconnue",
            "Cette adresse privée est incomplète, ou a été révoquée. Reprenez-la depuis votre compte.",
        )
    };
    let now = site.service.clock.now();
    let id = site.service.open_token(purpose, token, now).map_err(|_| unknown())?;
    let (token, owner) = site.service.store.token_by_id(id, now).await?.ok_or_else(unknown)?;
    let may = scope != Scope::Calendar || owner.role.may(Permission::Decide);
    if may && token.scopes == [scope] { Ok(owner) } else { Err(unknown()) }
}

/// A date to keep.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    procedure: String,
    title: String,
    buyer: String,
    date: TypedDate,
    /// Every change raises it.
    sequence: u32,
    stamp: DateTime<Utc>,
    /// No longer to be kept: called off, awarded, or given up.
    off: bool,
    /// How it ended, where it did.
    ended: Option<String>,
    note: String,
}

async fn due(site: &Site, decision: &Decision) -> Result<Vec<Due>, StoreError> {
    let notices = site.service.store.notices_of(&decision.procedure).await?;
    let whole = |n: &&NoticeRow| n.notice.kind == NoticeKind::Correction || !n.notice.kind.is_follow_up();
    let Some(main) = notices.iter().rev().find(whole).or(notices.last()) else { return Ok(Vec::new()) };
    let latest = notices.iter().map(|n| n.first_seen).max().unwrap_or(main.first_seen);
    let versions: i64 = notices.iter().map(|n| n.version).sum();
    let now = site.service.clock.now();
    let published = site.service.store.state_of(&decision.procedure).await?;
    let state = published.map(|p| ProcedureState::of(&p, &decision.lot, now));
    let over = state.as_ref().is_none_or(|s| s.phase.is_settled());
    let off = over || decision.stage.declines();
    let ended = state.filter(|s| s.phase.is_settled()).map(|s| s.in_french(now));
    let kept = |d: &&TypedDate| decision.lot.is_empty() || d.lot.as_ref().is_none_or(|l| *l == decision.lot);
    Ok(main
        .assessment
        .dates
        .iter()
        .filter(kept)
        .map(|date| Due {
            procedure: decision.procedure.clone(),
            title: title_of(&main.notice, &main.assessment),
            buyer: short(main.assessment.buyer.as_deref().unwrap_or_default(), 160),
            date: date.clone(),
            sequence: u32::try_from(versions - 1).unwrap_or(0) + u32::from(off),
            stamp: latest.max(decision.at),
            off,
            ended: ended.clone(),
            note: short(&decision.assignee, 80),
        })
        .collect())
}

fn label(kind: DateKind, mandatory: bool) -> &'static str {
    match (kind, mandatory) {
        (DateKind::Visit, true) => "Visite obligatoire",
        (DateKind::Visit, false) => "Visite",
        (DateKind::Questions, _) => "Dernier jour des questions",
        (DateKind::Participation, _) => "Candidature à remettre",
        (DateKind::Tender, _) => "Offre à remettre",
    }
}

/// The calendar (RFC 5545) of these dates. `base` is the address of the pages.
#[must_use]
pub(crate) fn calendar(dues: &[Due], ends: &[(Contract, DateTime<Utc>)], meetings: &[Meeting], base: &str) -> String {
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0"));
    calendar.append_property(("PRODID", "-//Vigie//Agenda//FR"));
    calendar.append_property(("CALSCALE", "GREGORIAN"));
    calendar.name("Vigie – visites et échéances");
    calendar.ttl(&Duration::hours(1));
    let mut seen = std::collections::BTreeSet::new();
    for d in dues {
        let lot = d.date.lot.as_deref().unwrap_or_default();
        let kind = label(d.date.kind, false);
        let uid = format!("{}@vigie", derived_id(&["calendar", &d.procedure, kind, lot]));
        if !seen.insert(uid.clone()) {
            continue;
        }
        let of_lot = if lot.is_empty() { String::new() } else { format!(" (lot {})", short(lot, 20)) };
        let mut event = Event::new();
        event.uid(&uid).timestamp(d.stamp).sequence(d.sequence);
        event.summary(&format!("{}{of_lot} – {}", label(d.date.kind, d.date.mandatory), short(&d.title, 120)));
        let who = if d.note.is_empty() { String::new() } else { format!("\nSuivi\u{a0}: {}", d.note) };
        let said = d.date.quote.as_deref().map(|q| format!("\n« {} »", short(q, 300))).unwrap_or_default();
        let ended = d.ended.as_deref().map(|e| format!("{e}\n")).unwrap_or_default();
        event.description(&format!("{ended}{}\n{}{who}{said}", d.buyer, french::moment(&d.date)));
        event.url(&format!("{base}/procedure/{}", d.procedure));
        let at = d.date.at.with_timezone(&Utc);
        if !d.date.has_time {
            // Without an end: a day lasts a day (RFC 5545 §3.6.1), and an end on the same day would last nothing.
            event.starts(d.date.at.date_naive());
        } else if d.date.kind == DateKind::Visit {
            event.starts(at).ends(at + VISIT);
        } else {
            // A moment: an end would have to come later (RFC 5545 §3.8.2.2).
            event.starts(at);
        }
        event.status(if d.off { EventStatus::Cancelled } else { EventStatus::Confirmed });
        calendar.push(event.done());
    }
    for (contract, told) in ends {
        let Some(end) = contract.ends else { continue };
        let mut event = Event::new();
        event.uid(&format!("{}@vigie", derived_id(&["contract", &contract.procedure, &contract.lot]))).timestamp(*told);
        let estimated = if end.is_estimated() { "estimée " } else { "" };
        event.summary(&format!("Fin {estimated}du contrat – {}", short(&contract.title, 120)));
        event.description(&format!("{}\n{}", contract.buyer.name, renewal_line(contract)));
        event.url(&format!("{base}{}", contract_path(&contract.procedure, &contract.lot)));
        event.starts(end.on);
        calendar.push(event.done());
    }
    for meeting in meetings {
        let mut event = Event::new();
        event.uid(&format!("{}@vigie", derived_id(&["meeting", &meeting.id]))).timestamp(meeting.at);
        event.summary(&format!("Rencontre – {}", short(&meeting.title, 120)));
        if !meeting.place.is_empty() {
            event.location(&short(&meeting.place, 160));
        }
        if meeting.link.is_empty() {
            event.url(&format!("{base}/rencontres"));
        } else {
            event.url(&meeting.link);
        }
        match meeting.time {
            // Where it is held, the clocks are those of Paris, or its place says another hour.
            Some(time) => event.starts(zones::local(meeting.day.and_time(time), Paris).with_timezone(&Utc)),
            None => event.starts(meeting.day),
        };
        calendar.push(event.done());
    }
    calendar.done().to_string()
}

pub(crate) async fn agenda(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Shown {
    let token = token.strip_suffix(".ics").unwrap_or(&token);
    let owner = owner(&site, Purpose::Calendar, Scope::Calendar, token).await?;
    let mut dues = Vec::new();
    for decision in site.service.store.own_decisions(owner.structure(), PROCEDURES).await? {
        // What was given up after a go stays, called off: calendars that hold it must take it away.
        let kept = matches!(
            decision.stage,
            Stage::Go | Stage::Preparing | Stage::Submitted | Stage::Abandoned | Stage::Won | Stage::Lost
        );
        if kept {
            dues.extend(due(&site, &decision).await?);
        }
    }
    let ends = renewals::ends_of(&site.service, owner.structure(), site.service.clock.now()).await?;
    let meetings = events::ahead(&site.service, Some(&owner)).await?;
    let body = calendar(&dues, &ends, &meetings, &base(&site));
    Ok(of_kind("text/calendar; charset=utf-8", body, Some("vigie.ics")))
}

/// The address of the pages, as outsiders know it.
pub(crate) fn base(site: &Site) -> String {
    let web = &site.service.settings.web;
    web.public_url.as_deref().map_or_else(|| format!("http://{}", web.listen), |u| u.trim_end_matches('/').to_owned())
}

fn of_kind(kind: &'static str, body: String, file: Option<&str>) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, KEEP);
    let disposition = file.and_then(|f| HeaderValue::from_str(&format!("inline; filename=\"{f}\"")).ok());
    response.headers_mut().extend(disposition.map(|d| (header::CONTENT_DISPOSITION, d)));
    response
}

/// An alert to be listed, as a message tells it; nothing of it where what it is made from cannot be read any more.
struct Item {
    alert: OwnAlert,
    card: Option<Card>,
}

/// What an alert says, a line each: the same as a message about it, in the same order.
fn lines(card: &Card) -> Vec<String> {
    let open = card.state.open;
    let place = if card.place.is_empty() { String::new() } else { format!(" – {}", card.place) };
    let mut lines = vec![if open { card.verdict.clone() } else { card.state.line.clone() }];
    lines.extend(card.state.words.as_ref().filter(|_| !open).map(|w| format!("« {w} »")));
    lines.extend(card.remark.clone());
    lines.push(format!("{}{place}", card.buyer));
    lines.extend(card.changes.iter().cloned());
    lines.extend(card.answer_by.clone());
    lines.extend(card.visits_in_short.iter().cloned());
    lines.extend(card.description.clone());
    let settled: [&[String]; 2] = [&card.winners, &card.unawarded];
    lines.extend(settled.concat());
    lines.extend(card.documents.as_ref().filter(|_| open).map(|url| format!("{}\u{a0}: {url}", card.documents_label)));
    lines.retain(|l| !l.is_empty());
    lines
}

/// The feed (RFC 4287) of these alerts.
fn feed(items: &[Item], owner: &str, base: &str, own_url: &str, now: DateTime<Utc>) -> Feed {
    let host =
        url::Url::parse(base).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_else(|| "vigie".to_owned());
    let tag = |what: &str| format!("tag:{host},2026:{what}");
    let link = |href: String, rel: &str, kind: &str| Link {
        href,
        rel: rel.to_owned(),
        mime_type: Some(kind.to_owned()),
        ..Link::default()
    };
    let stamp = |at: DateTime<Utc>| FixedDateTime::from(at);
    let entries: Vec<Entry> = items
        .iter()
        .map(|i| {
            let what = i.card.as_ref().map_or_else(|| alert_label(i.alert.kind), |card| card.status.as_str());
            let title = i.card.as_ref().map_or("", |card| card.title.as_str());
            let lines = i.card.as_ref().map(lines).unwrap_or_default();
            Entry {
                title: Text::plain(format!("{what} : {title}")),
                id: tag(&format!("alerte/{}", i.alert.id)),
                updated: stamp(i.alert.at),
                published: Some(stamp(i.alert.at)),
                links: vec![link(format!("{base}/procedure/{}", i.alert.procedure), "alternate", "text/html")],
                content: Some(Content {
                    content_type: Some("text".to_owned()),
                    value: Some(lines.join("\n")),
                    ..Content::default()
                }),
                ..Entry::default()
            }
        })
        .collect();
    Feed {
        title: Text::plain("Vigie – mes alertes"),
        id: tag(&format!("fil/{}", derived_id(&["feed", owner]))),
        updated: stamp(items.iter().map(|i| i.alert.at).max().unwrap_or(now)),
        authors: vec![Person { name: "Vigie".to_owned(), ..Person::default() }],
        links: vec![
            link(own_url.to_owned(), "self", "application/atom+xml"),
            link(base.to_owned(), "alternate", "text/html"),
        ],
        lang: Some("fr".to_owned()),
        entries,
        ..Feed::default()
    }
}

pub(crate) async fn atom(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Shown {
    let owner = owner(&site, Purpose::Feed, Scope::Feed, &token).await?;
    let mut items = Vec::new();
    let (service, now) = (&site.service, site.service.clock.now());
    for alert in service.store.own_alerts(&owner.id, ALERTS).await? {
        let told = service.store.items_of("", &owner.id, &Cause::Alert(alert.id.clone())).await?;
        let part = match told.first() {
            Some(told) => alert_card::read(service, told).await?.ok(),
            None => None,
        };
        items.push(Item { alert, card: part.map(|part| card::card(&part.item(), now)) });
    }
    let base = base(&site);
    let feed = feed(&items, &owner.id, &base, &format!("{base}/fil/{token}"), now);
    let body = feed.write_to(Vec::new()).ok().and_then(|b| String::from_utf8(b).ok()).ok_or_else(|| {
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "Fil indisponible", "Réessayez dans un instant.")
    })?;
    Ok(of_kind("application/atom+xml; charset=utf-8", body, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A22: a day without an hour ended on the day it began, and lasted nothing.
    #[test]
    fn a_day_without_an_hour_lasts_that_day() {
        let at = DateTime::parse_from_rfc3339("2027-01-12T23:59:00+01:00").unwrap();
        let due = |kind, has_time| Due {
            procedure: "p".into(),
            title: "Linge".into(),
            buyer: "Ville".into(),
            date: TypedDate { kind, at, has_time, mandatory: false, quote: None, field: None, lot: None },
            sequence: 0,
            stamp: at.with_timezone(&Utc),
            off: false,
            ended: None,
            note: String::new(),
        };
        for kind in [DateKind::Tender, DateKind::Visit, DateKind::Questions] {
            let day = calendar(&[due(kind, false)], &[], &[], "https://vigie.example");
            assert!(day.contains("DTSTART;VALUE=DATE:20270112"), "{day}");
            assert!(!day.contains("DTEND"), "{day}");
        }
        let visit = calendar(&[due(DateKind::Visit, true)], &[], &[], "https://vigie.example");
        assert!(visit.contains("DTSTART:20270112T225900Z") && visit.contains("DTEND:20270112T235900Z"), "{visit}");
    }

    #[test]
    fn a_meeting_stands_in_the_calendar_at_its_hour_or_for_its_day() {
        let meeting = Meeting {
            id: "m".into(),
            title: "Rencontre des acheteurs".into(),
            day: chrono::NaiveDate::from_ymd_opt(2027, 1, 12).unwrap(),
            time: chrono::NaiveTime::from_hms_opt(14, 30, 0),
            place: "Lens (62)".into(),
            ..Meeting::default()
        };
        let one = calendar(&[], &[], std::slice::from_ref(&meeting), "https://vigie.example");
        assert!(
            one.contains("DTSTART:20270112T133000Z") && one.contains("Rencontre – Rencontre des acheteurs"),
            "{one}"
        );
        let whole = calendar(&[], &[], &[Meeting { time: None, ..meeting }], "https://vigie.example");
        assert!(whole.contains("DTSTART;VALUE=DATE:20270112") && !whole.contains("DTEND"), "{whole}");
    }
}
