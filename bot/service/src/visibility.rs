//! Who may see a notice: anybody, those who were told of it, or the structure that brought it. Pages and the API ask here, at
//! each use.

use vigie_domain::{Alert, AlertKind, Permission, Subscriber, Visibility};
use vigie_store::journal::NoticeRow;
use vigie_store::search::Tells;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::procedure as likeness;

use crate::ingest::plan::News;
use crate::ingest::{Turn, content_hash, search_row, tell};
use crate::service::Service;

/// The notices that `reader` may see; nobody in particular where there is none.
///
/// # Errors
/// The database fails.
pub async fn visible(
    service: &Service,
    reader: Option<&Subscriber>,
    notices: Vec<NoticeRow>,
) -> Result<Vec<NoticeRow>, StoreError> {
    let mut out = Vec::with_capacity(notices.len());
    for row in notices {
        if may_see(service, reader, &row).await? {
            out.push(row);
        }
    }
    Ok(out)
}

/// The notices of a procedure that `reader` may see.
///
/// # Errors
/// The database fails.
pub async fn notices_of(
    service: &Service,
    reader: Option<&Subscriber>,
    procedure: &str,
) -> Result<Vec<NoticeRow>, StoreError> {
    visible(service, reader, service.store.notices_of(procedure).await?).await
}

async fn may_see(service: &Service, reader: Option<&Subscriber>, row: &NoticeRow) -> Result<bool, StoreError> {
    if row.notice.visibility.is_public() {
        return Ok(true);
    }
    let Some(reader) = reader else { return Ok(false) };
    let own = row.notice.visibility.structure() == Some(reader.structure());
    if own || reader.role.may(Permission::Operate) {
        return Ok(true);
    }
    match row.notice.visibility {
        Visibility::Told => service.store.was_told(&reader.id, &row.id).await,
        Visibility::Public | Visibility::Structure(_) => Ok(false),
    }
}

/// Whether a person may show everybody what a structure brought: one of its members whose role may, or an operator.
#[must_use]
pub fn may_publish(person: &Subscriber, row: &NoticeRow) -> bool {
    let own = row.notice.visibility.structure();
    own.is_some_and(|structure| {
        person.role.may(Permission::Operate)
            || person.role.may(Permission::PublishLead) && person.structure() == structure
    })
}

/// Shows everybody what a structure brought, and tells those whom it concerns; gives their number. `None` where there was
/// nothing to publish, or somebody has just done it.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn publish(service: &Service, person: &Subscriber, row: &NoticeRow) -> Result<Option<usize>, StoreError> {
    if !may_publish(person, row) {
        return Ok(None);
    }
    let mut notice = row.notice.clone();
    notice.visibility = Visibility::Public;
    let hash = content_hash(&notice);
    let (mut tx, mut turn) = Turn::begin(service, None).await?;
    let now = tx.now();
    let known = tx.known_notice(&row.id).await?;
    if known.is_none_or(|k| k.content_hash != content_hash(&row.notice)) {
        return Ok(None); // it is not what was shown any more
    }
    let Some(procedure) = tx.procedure(&row.procedure).await? else { return Ok(None) };
    tx.put_procedure(&procedure.id, &procedure.title, &procedure.snapshot, &likeness::keys(&notice)).await?;
    tx.put_notice(&notice, &row.assessment, &hash, &procedure.id).await?;
    let search = search_row::row(&procedure.id, &notice, &row.assessment, &procedure.snapshot, now);
    tx.put_search_row(&search, Tells::All).await?;
    if let Some(portrait) = likeness::portrait(&notice, &row.assessment.dates) {
        let written = serde_json::to_string(&portrait).unwrap_or_default();
        tx.put_portrait(&row.id, &procedure.id, &portrait.bucket(), &written).await?;
    }
    let alert = Alert {
        id: derived_id(&["published", &row.id]),
        kind: AlertKind::New,
        procedure: procedure.id.clone(),
        notice: row.id.clone(),
        changes: Vec::new(),
    };
    let told = tx.told(&procedure.id).await?;
    let news = News { silent: true, over: false };
    let concerned = tell(&mut tx, &mut turn, &notice, &row.assessment, &alert, news, &told).await?;
    drop(turn);
    tx.commit().await?;
    service
        .store
        .note(
            "lead",
            &row.id,
            &format!("publiée par {}", if person.name.is_empty() { &person.id } else { &person.name }),
            now,
        )
        .await?;
    service.deliveries_queued.notify_one();
    Ok(Some(concerned.told))
}
