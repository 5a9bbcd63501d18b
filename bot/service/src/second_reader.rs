//! A second reader for statements in doubt, where the settings name one: what is to be asked, within the day's budget, and what
//! comes of an answer.
//!
//! An answer makes of a doubt a provision that is marked as such; it never removes one, and tells nobody anew but those whom the
//! notice concerns with it. A notice is asked about once for each content. What a person corrected meanwhile, or a newer version,
//! stands. On failure the doubt stays, and is asked about again; an answer that makes no sense is noted and not asked for again.

use chrono::{DateTime, Duration, NaiveTime, Utc};
use vigie_domain::{AlertKind, Assessment, Notice, Provision, ProvisionKind};
use vigie_store::journal::NoticeRow;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::assistant::{Doubt, MARK};
use vigie_watcher::{classify, zones};

use crate::ingest::{Turn, content_hash};
use crate::service::Service;
use crate::verdict_correction::{Telling, put_verdict};

/// Doubts of notices older than that are nobody's concern any more.
const SINCE: Duration = Duration::days(7);
/// Words around a quote that are sent with it, in bytes.
const AROUND: usize = 400;

/// A notice with doubts to be asked about.
#[derive(Debug)]
pub struct Doubtful {
    pub row: NoticeRow,
    /// Hash of its content.
    pub content_hash: String,
    /// Where each doubt stands among its provisions, and what is asked of it.
    pub doubts: Vec<(usize, Doubt)>,
}

/// What is to be asked next: at most `batch` statements, within what is left of the day's budget.
///
/// # Errors
/// The database fails.
pub async fn next(service: &Service, now: DateTime<Utc>) -> Result<Vec<Doubtful>, StoreError> {
    let Some(assistant) = &service.settings.judgement.assistant else { return Ok(Vec::new()) };
    let midnight = zones::paris_day(now).and_time(NaiveTime::MIN);
    let since = zones::local(midnight, chrono_tz::Europe::Paris).with_timezone(&Utc);
    let left = assistant.statements_a_day.saturating_sub(service.store.statements_asked(since).await?);
    let mut room = usize::try_from(left.min(assistant.batch)).unwrap_or(0);
    let mut out = Vec::new();
    for (id, content_hash) in service.store.unread_doubts(now - SINCE, assistant.batch).await? {
        let Some(row) = service.store.notice(&id).await? else { continue };
        let doubts = doubts_of(&row.notice, &row.assessment);
        if doubts.len() > room {
            break;
        }
        room -= doubts.len();
        if doubts.is_empty() {
            service.store.note_second_reading(&id, &content_hash, 0, "rien à demander", now).await?;
            continue;
        }
        out.push(Doubtful { row, content_hash, doubts });
    }
    Ok(out)
}

/// The doubts of a verdict, each with the words around its quote.
fn doubts_of(notice: &Notice, assessment: &Assessment) -> Vec<(usize, Doubt)> {
    let doubts = assessment.provisions.iter().enumerate().filter(|(_, p)| p.kind == ProvisionKind::ToVerify);
    doubts
        .filter_map(|(at, p)| {
            let quote = p.evidence.quote.as_deref()?;
            Some((at, Doubt { statement: around(notice, quote), lots: p.lots.clone() }))
        })
        .collect()
}

/// A quote with the words around it, as published.
fn around(notice: &Notice, quote: &str) -> String {
    let found = notice.passages.iter().find_map(|p| Some((p.text.as_str(), p.text.find(quote)?)));
    let Some((text, at)) = found else { return quote.to_owned() };
    let from = text.ceil_char_boundary(at.saturating_sub(AROUND));
    let to = text.floor_char_boundary((at + quote.len() + AROUND).min(text.len()));
    text[from..to].to_owned()
}

/// Keeps what an answer says of a notice's doubts, in their order; gives how many became provisions.
///
/// # Errors
/// The database fails; nothing is kept.
pub async fn answered(
    service: &Service,
    doubtful: &Doubtful,
    readings: &[Option<Provision>],
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let read = readings.iter().flatten().count();
    let asked = u32::try_from(doubtful.doubts.len()).unwrap_or(u32::MAX);
    if read > 0 {
        keep(service, doubtful, readings).await?;
    }
    let outcome = if read > 0 { "lu" } else { "rien de plus" };
    service.store.note_second_reading(&doubtful.row.id, &doubtful.content_hash, asked, outcome, now).await?;
    Ok(read)
}

/// Notes an answer that makes no sense: it took its part of the budget, and is not asked for again.
///
/// # Errors
/// The database fails.
pub async fn senseless(
    service: &Service,
    doubtful: &[Doubtful],
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for one in doubtful {
        let asked = u32::try_from(one.doubts.len()).unwrap_or(u32::MAX);
        service.store.note_second_reading(&one.row.id, &one.content_hash, asked, why, now).await?;
    }
    Ok(())
}

async fn keep(service: &Service, doubtful: &Doubtful, readings: &[Option<Provision>]) -> Result<(), StoreError> {
    let (mut tx, mut turn) = Turn::begin(service, None).await?;
    let row = &doubtful.row;
    let known = tx.known_notice(&row.id).await?;
    let stands = known.is_some_and(|k| k.content_hash == doubtful.content_hash && k.version == row.version);
    let corrected = tx.corrected_provisions(&row.id).await?.is_some();
    if !stands || corrected || content_hash(&row.notice) != doubtful.content_hash {
        // A newer version, or a person's own word: the doubts of this one are gone.
        return Ok(());
    }
    let assessment = with_readings(row, &doubtful.doubts, readings);
    let telling = Telling {
        id: derived_id(&["second-reading", &row.id, &doubtful.content_hash]),
        kind: AlertKind::New,
        silent: true,
    };
    put_verdict(&mut tx, &mut turn, row, &assessment, telling).await?;
    drop(turn);
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

/// The verdict with what was read in the place of its doubts. The reason that heads it says so.
fn with_readings(row: &NoticeRow, doubts: &[(usize, Doubt)], readings: &[Option<Provision>]) -> Assessment {
    let mut provisions = row.assessment.provisions.clone();
    for ((at, _), reading) in doubts.iter().zip(readings) {
        if let (Some(place), Some(reading)) = (provisions.get_mut(*at), reading) {
            *place = reading.clone();
        }
    }
    let mut assessment = classify::with_provisions(&row.notice, &row.assessment, provisions);
    let known = &row.assessment.reasons;
    for reason in assessment.reasons.iter_mut().filter(|r| !known.contains(r)) {
        *reason = format!("{reason} ({MARK})");
    }
    assessment
}

#[cfg(test)]
mod tests {
    use vigie_domain::{NoticeKind, Passage};

    use super::*;

    #[test]
    fn a_quote_is_sent_with_the_words_around_it() {
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        let text = format!("{}associera des publics du PLIE{}", "é".repeat(500), "à".repeat(500));
        notice.passages.push(Passage { field: "t".into(), lot: None, text });
        let sent = around(&notice, "associera des publics du PLIE");
        assert!(sent.contains("associera des publics du PLIE") && sent.len() < 2 * AROUND + 60, "{}", sent.len());
        assert_eq!(around(&notice, "ailleurs"), "ailleurs");
    }
}
