//! `GET /api/v1/changes`: what the owner of a token was told, in order, after a cursor. A program that keeps the cursor misses nothing and
//! gets nothing twice.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use vigie_domain::Cause;
use vigie_service::alert_card;
use vigie_store::tokens::Scope;

use super::api::{Program, wrong};
use super::frame::{Fields, Shown, Site};

/// Changes of a page, by default and at most.
const ROWS: (i64, i64) = (50, 100);
/// What was written less long ago waits for the next request: another transaction that began before may still end.
const SETTLES: Duration = Duration::seconds(10);

/// Where a page ended: the moment in milliseconds, and the identifier of the last change.
fn read(cursor: &str) -> Option<(DateTime<Utc>, String)> {
    let (at, id) = cursor.split_once('-')?;
    let known = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    Some((DateTime::from_timestamp_millis(at.parse().ok()?)?, id.to_owned())).filter(|_| known)
}

pub(crate) async fn changes(State(site): State<Arc<Site>>, program: Program, fields: Fields) -> Shown {
    program.may(Scope::Alerts)?;
    let limit = match fields.one("limit") {
        "" => ROWS.0,
        text => text.parse().ok().filter(|n| (1..=ROWS.1).contains(n)).ok_or_else(|| wrong("limit : de 1 à 100"))?,
    };
    let cursor = fields.one("cursor");
    let after = match cursor {
        "" => (DateTime::UNIX_EPOCH, String::new()),
        text => read(text).ok_or_else(|| wrong("cursor : reprenez la valeur de next"))?,
    };
    let (service, me) = (&site.service, &program.owner().id);
    let until = service.clock.now() - SETTLES;
    let rows = service.store.told_after(me, (after.0, &after.1), until, limit).await?;
    let next = rows.last().map_or_else(|| cursor.to_owned(), |(id, at, _)| format!("{}-{id}", at.timestamp_millis()));
    let more = rows.len() as i64 == limit;
    let mut changes: Vec<Value> = Vec::with_capacity(rows.len());
    for (id, at, alert) in rows {
        for item in service.store.items_of("", me, &Cause::Alert(alert)).await? {
            // What cannot be read back is the operator's to see, and stops nobody.
            if let Ok(card) = alert_card::read(service, &item).await? {
                let told = alert_card::told(service, &item.procedure, &card);
                changes.push(json!({ "id": id, "at": at, "alert": told }));
            }
        }
    }
    Ok(Json(json!({ "changes": changes, "next": next, "more": more })).into_response())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_cursor_is_what_was_given() {
        assert!(read("1795248000000-0a1b2c").is_some_and(|(_, id)| id == "0a1b2c"));
        for odd in ["x", "12", "-", "a-b", "1-../x", "99999999999999999999-a"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
