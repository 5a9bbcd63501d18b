//! « Toujours en veille » : once a month, word to those who heard of nothing: what was looked at, and which of their
//! criteria ruled it out. An empty digest makes no message; a month of silence must not look like a fault.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Timelike, Utc};
use vigie_domain::subscription::{Dimension, Rhythm};
use vigie_domain::{Alert, AlertKind, Subscriber, french};
use vigie_notifier::audience::explain;
use vigie_notifier::rhythm;
use vigie_store::digests::Unheard;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::{classify, zones};

use crate::ingest;
use crate::ingest::audience::subscriptions_of;
use crate::service::Service;

/// How long someone hears of nothing before they are told why.
const SILENT_FOR: Duration = Duration::days(30);
/// How often such people are looked for.
const LOOK_EVERY: Duration = Duration::hours(1);
/// Most people told in one look; the others wait for the next.
const AT_ONCE: i64 = 200;

/// What became of the notices of a month for one person.
#[derive(Debug, Default)]
struct Tally {
    seen: usize,
    /// Met, but published before they subscribed, or known to them.
    met: usize,
    refused: BTreeMap<&'static str, usize>,
}

/// Tells those who heard of nothing for a month; gives their number.
///
/// # Errors
/// The database fails.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if !service.store.take_chore("watching", LOOK_EVERY, now).await? {
        return Ok(0);
    }
    let unheard = service.store.unheard(now - SILENT_FOR, AT_ONCE).await?;
    if unheard.is_empty() {
        return Ok(0);
    }
    let rhythms = service.store.rhythms().await?;
    let mut due: Vec<(Subscriber, Unheard)> = Vec::new();
    for one in unheard {
        let Some(person) = service.store.subscriber(&one.subscriber).await? else { continue };
        let rhythm = rhythms.get(&person.id).copied().unwrap_or_default();
        if is_their_hour(service, &person, &rhythm, now) {
            due.push((person, one));
        }
    }
    let tallies = look(service, &due, now).await?;
    for ((person, one), tally) in due.iter().zip(&tallies) {
        let alert = Alert::word(AlertKind::Account, derived_id(&["watching", &person.id, &one.since.to_rfc3339()]));
        let body = body(tally, one.since.max(now - SILENT_FOR));
        service.store.tell(&person.id, &alert, &body, now).await?;
        service.deliveries_queued.notify_one();
    }
    Ok(due.len())
}

/// Whether a person may be written to of what does not press: at the hour of their digests or later that day, outside their quiet hours.
pub(crate) fn is_their_hour(service: &Service, person: &Subscriber, rhythm: &Rhythm, now: DateTime<Utc>) -> bool {
    let zone = zones::zone(person.profile.departments.first());
    let times = rhythm::own_times(rhythm, service.digest_times_in(zone));
    now.with_timezone(&zone).hour() >= u32::from(times.hour) && !rhythm::is_quiet(rhythm, times, now)
}

/// One reading of the month's notices for all of them.
async fn look(service: &Service, due: &[(Subscriber, Unheard)], now: DateTime<Utc>) -> Result<Vec<Tally>, StoreError> {
    let mut tallies: Vec<Tally> = due.iter().map(|_| Tally::default()).collect();
    if due.is_empty() {
        return Ok(tallies);
    }
    let mut subscriptions = Vec::with_capacity(due.len());
    for (person, _) in due {
        subscriptions.push(subscriptions_of(&service.store, &person.id).await?);
    }
    let mut pages = service.store.notices_since(now - SILENT_FOR);
    while let Some(page) = pages.next().await? {
        for row in &page {
            let folded = classify::searchable(&row.notice, &row.assessment.lots);
            let candidate = ingest::candidate(row, &folded, row.first_seen);
            for (((person, _), theirs), tally) in due.iter().zip(&subscriptions).zip(&mut tallies) {
                tally.seen += 1;
                let verdicts = explain(person, theirs, &candidate);
                match verdicts.iter().find_map(|(_, v)| v.as_ref().err()) {
                    Some(dimension) if verdicts.iter().all(|(_, v)| v.is_err()) => {
                        *tally.refused.entry(Dimension::in_french(*dimension)).or_default() += 1;
                    }
                    _ => tally.met += 1,
                }
            }
        }
    }
    Ok(tallies)
}

/// First line: the title.
fn body(tally: &Tally, since: DateTime<Utc>) -> String {
    let day = french::date(since.with_timezone(&chrono_tz::Europe::Paris).date_naive());
    let count = |n: usize| french::number(n as f64);
    let mut lines = vec!["Vigie veille toujours pour vous".to_owned()];
    if tally.seen == 0 {
        lines.push(format!("Aucun avis n’a été publié par les sources veillées depuis le {day}."));
        return lines.join("\n");
    }
    lines.push(format!(
        "Depuis le {day}, {} avis ont été lus. Aucun ne vous a été envoyé. Voici pourquoi :",
        count(tally.seen)
    ));
    let mut refused: Vec<_> = tally.refused.iter().collect();
    refused.sort_by_key(|(word, n)| (std::cmp::Reverse(**n), **word));
    lines.extend(refused.iter().map(|(word, n)| {
        format!("•\u{a0}{} écarté{} par le critère « {word} »", count(**n), if **n > 1 { "s" } else { "" })
    }));
    if tally.met > 0 {
        lines.push(format!(
            "•\u{a0}{} publié{} avant le début de votre veille",
            count(tally.met),
            if tally.met > 1 { "s" } else { "" }
        ));
    }
    if let Some((word, _)) = refused.first() {
        lines.push(format!("Si cela vous étonne, élargissez d’abord le critère « {word} »."));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_criterion_that_rules_out_most_comes_first() {
        let tally = Tally { seen: 12, met: 0, refused: BTreeMap::from([("département", 2), ("secteur", 10)]) };
        let text = body(&tally, DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Vigie veille toujours pour vous");
        assert!(
            lines[1].contains("12 avis") && lines[2].contains("10 écartés") && lines[2].contains("secteur"),
            "{text}"
        );
        assert!(lines[4].ends_with("« secteur »."), "{text}");
    }
}
