//! What could not be read, of every source and channel: why, its bytes as they came, and read again, after an upgrade for one.

use std::sync::Arc;

use axum::extract::{Path, State};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_service::put_aside::{self, Again};

use super::at;
use crate::browse::Choice;
use crate::downloads::{BYTES, download};
use crate::frame::{Fields, Operator, Posted, Shown, Site, Trouble, Visitor};

/// Records shown.
const ROWS: i64 = 200;
/// Most records read again at once.
const MAX_AGAIN: usize = 50;

#[derive(serde::Serialize)]
pub(super) struct Row {
    id: String,
    at: String,
    /// Where it came from.
    from: String,
    record: String,
    reason: String,
    size: String,
    /// When it was last read again in vain.
    tried: Option<String>,
    /// It can be asked for again here.
    again: bool,
}

/// The way by which something came, as people call it: a source by its name.
fn way(source: &str) -> &str {
    match source {
        "mailbox" => "boîte aux lettres",
        "telegram" => "Telegram",
        "matrix" => "Matrix",
        other => other,
    }
}

/// Records of one source, or of all, newest first.
pub(super) async fn rows(site: &Site, source: &str, most: i64) -> Result<Vec<Row>, Trouble> {
    let rows = site.service.store.put_aside_of(source, most).await?;
    Ok(rows
        .into_iter()
        .map(|r| Row {
            id: r.id,
            at: at(r.at),
            again: way(&r.source) == r.source,
            from: way(&r.source).to_owned(),
            record: r.record_id.map(|id| short(&id, 80)).unwrap_or_default(),
            reason: short(&r.reason, 200),
            size: french::number(r.bytes as f64),
            tried: r.tried.map(at),
        })
        .collect())
}

pub(crate) async fn put_aside(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    site.service.store.saw(&operator.session.person.id, "", "liste des enregistrements illisibles", now).await?;
    page(&site, &operator.visitor, fields.one("source"), "", true).await
}

/// Reads again what was chosen, and says what came of it.
pub(crate) async fn act_on_put_aside(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let who = &posted.session.person.id;
    let chosen: Vec<&str> = posted.fields.all("enregistrement").take(MAX_AGAIN).collect();
    if chosen.is_empty() {
        return Err(Trouble::bad("Choisissez ce qui est à relire."));
    }
    let mut came = Vec::with_capacity(chosen.len());
    for id in chosen {
        came.push(put_aside::retry(&site.service, who, id).await?);
    }
    let well = came.iter().any(|again| matches!(again, Again::Read(_) | Again::SourceAsked));
    let said = match came.as_slice() {
        [one] => one.line(),
        several => summary(several),
    };
    page(&site, &posted.visitor, posted.fields.one("source"), &said, well).await
}

/// What came of several, in a sentence.
fn summary(several: &[Again]) -> String {
    let count = |is: fn(&Again) -> bool| several.iter().filter(|again| is(again)).count();
    let read = count(|a| matches!(a, Again::Read(_)));
    let asked = count(|a| *a == Again::SourceAsked);
    let not = several.len() - read - asked;
    let mut said = Vec::new();
    for (n, one, many) in [
        (read, "relu", "relus"),
        (
            asked,
            "attend que sa source soit relue, dans la minute",
            "attendent que leur source soit relue, dans la minute",
        ),
        (not, "reste illisible", "restent illisibles"),
    ] {
        match n {
            0 => {}
            1 => said.push(format!("1 {one}")),
            n => said.push(format!("{n} {many}")),
        }
    }
    format!("{}.", said.join(" ; "))
}

async fn page(site: &Site, visitor: &Visitor, source: &str, said: &str, well: bool) -> Shown {
    let counts = site.service.store.put_aside_counts().await?;
    let all: i64 = counts.iter().map(|(_, n)| *n).sum();
    let sources: Vec<Choice> = counts
        .iter()
        .map(|(id, n)| Choice { value: id.clone(), label: format!("{} ({n})", way(id)), on: id == source })
        .collect();
    let rows = rows(site, source, ROWS).await?;
    let values = context! {
        can_retry => rows.iter().any(|r| r.again), more => all > ROWS, rows => Serde(rows), sources => Serde(sources),
        source => source, days => site.service.settings.retention.quarantine_days, said => said, well => well,
        most => MAX_AGAIN,
    };
    Ok(site.page(visitor, "illisibles.html", values))
}

/// Gives the bytes of a record that was put aside, as they came.
pub(crate) async fn put_aside_bytes(
    State(site): State<Arc<Site>>,
    operator: Operator,
    Path(id): Path<String>,
) -> Shown {
    let store = &site.service.store;
    let raw = store.raw_of_put_aside(&id).await?.ok_or_else(Trouble::no_page)?;
    let now = site.service.clock.now();
    store.saw(&operator.session.person.id, "", "enregistrement illisible, téléchargé", now).await?;
    Ok(download(BYTES, "illisible.bin", raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_several_is_one_sentence() {
        let several =
            [Again::Read(2), Again::Read(0), Again::SourceAsked, Again::Unreadable("x".into()), Again::Unknown];
        assert_eq!(
            summary(&several),
            "2 relus ; 1 attend que sa source soit relue, dans la minute ; 2 restent illisibles."
        );
    }
}
