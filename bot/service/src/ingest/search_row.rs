//! The row by which a procedure is found: made from its notice and its verdict, pure but for the writing.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveTime, Utc};
use vigie_domain::procedure::{Snapshot, Status};
use vigie_domain::state::open_until;
use vigie_domain::{Assessment, BuyerType, Notice, NoticeKind, ProvisionKind};
use vigie_notifier::card::{short, verdict};
use vigie_store::search::SearchRow;
use vigie_store::{Store, StoreError};
use vigie_watcher::classify::fold::fold;

use super::contracts;

/// Longest text in which words are looked for: a contract of 173 lots must not weigh on every search.
const MAX_WORDS: usize = 4_000;
/// Procedures made searchable in one transaction.
const BATCH: i64 = 100;

/// The row of a procedure that stands as `state` says, of which this notice tells.
#[must_use]
pub fn row(procedure: &str, notice: &Notice, a: &Assessment, state: &Snapshot, now: DateTime<Utc>) -> SearchRow {
    let closes = state.closes().or_else(|| a.deadline()).map(|at| at.with_timezone(&Utc));
    let published = notice.published.map(|day| day.and_time(NaiveTime::MIN).and_utc()).filter(|at| *at < now);
    let at = published.unwrap_or(now);
    let opened = state.published.unwrap_or(at.date_naive());
    // What is about to be concluded without a call never was open.
    let never_open = state.status == Status::Intended;
    // What ends a procedure offers nothing: its state says the rest.
    let ends = a.notice_kind.is_result() || a.notice_kind == NoticeKind::Cancellation;
    let provisions: BTreeSet<&str> = a.provisions.iter().map(|p| p.kind.as_str()).collect();
    let mut words = format!("{} {}", a.title, a.buyer.as_deref().unwrap_or_default());
    for lot in a.lots.iter().take_while({
        let mut room = MAX_WORDS;
        move |l| {
            room = room.saturating_sub(l.title.len());
            room > 0
        }
    }) {
        words.push(' ');
        words.push_str(&lot.title);
    }
    SearchRow {
        procedure: procedure.to_owned(),
        title: short(&a.title, 240),
        buyer: short(a.buyer.as_deref().unwrap_or_default(), 160),
        siren: notice.buyer.siren().unwrap_or_default().to_owned(),
        buyer_type: BuyerType::of(&notice.buyer),
        verdict: if ends { String::new() } else { verdict(a) },
        sectors: a.sectors.clone(),
        departments: a.departments.clone(),
        provisions: KINDS.into_iter().filter(|k| provisions.contains(k.as_str())).collect(),
        published: Snapshot { published: Some(opened), ..state.in_short() },
        score: a.score,
        closes,
        until: if never_open { at } else { closes.unwrap_or(open_until(opened)) },
        at,
        words: format!(" {} ", fold(&words).trim()),
        restricted: !notice.visibility.is_public(),
    }
}

/// Every kind of provision, in the order of filters.
pub const KINDS: [ProvisionKind; 7] = [
    ProvisionKind::Reserved,
    ProvisionKind::ExecutionClause,
    ProvisionKind::AwardCriterion,
    ProvisionKind::InsertionService,
    ProvisionKind::Other,
    ProvisionKind::ToVerify,
    ProvisionKind::SocialConditionNotSeen,
];

/// Makes searchable what an earlier version of this program ingested, with the contracts it tells of; gives how many procedures.
///
/// # Errors
/// The database fails; what was done stays done.
pub async fn catch_up(store: &Store, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut done = 0;
    loop {
        let missing = store.unsearchable(BATCH).await?;
        if missing.is_empty() {
            return Ok(done);
        }
        let mut rows = Vec::with_capacity(missing.len());
        let mut results = Vec::new();
        for procedure in &missing {
            let mut notices = store.notices_of(procedure).await?;
            if notices.iter().any(|n| n.notice.visibility.is_public()) {
                notices.retain(|n| n.notice.visibility.is_public());
            }
            let main = notices.iter().find(|n| !n.notice.kind.is_follow_up()).or(notices.first());
            let Some(main) = main else { continue };
            let first = Snapshot::of(&main.assessment);
            let state = notices.iter().fold(first, |state, n| state.followed_by(&n.assessment));
            let mut row = row(procedure, &main.notice, &main.assessment, &state, now);
            row.at = row.at.min(main.first_seen);
            rows.push(row);
            if notices.iter().any(|n| n.notice.kind.is_result()) {
                results.push(procedure.clone());
            }
        }
        done += rows.len();
        store.put_search_rows(&rows).await?;
        for procedure in results {
            let mut tx = store.begin_alert(now).await?;
            contracts::refresh(&mut tx, &procedure, true).await?;
            tx.commit().await?;
        }
    }
}
