//! The database: whether it opens, is whole, takes writes, how it grows, and what it is slow at; and the versions of all of it.

use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use vigie_domain::french;
use vigie_store::{Slowest, Store};

use crate::{Finding, Ground, PATIENCE, bytes};

/// Days over which growth is measured.
const GROWTH_DAYS: u64 = 30;
/// A write that takes longer makes everything else wait.
const SLOW_WRITE: Duration = Duration::from_millis(500);
/// Days over which the slowest statement is looked for.
const SLOW_DAYS: u64 = 7;
/// A statement that takes longer keeps somebody waiting, in milliseconds.
const SLOW_STATEMENT_MS: i64 = 2_000;
/// How its line is called.
const SLOWEST: &str = "requête la plus lente";
/// How long a large file may be read through.
const READ_THROUGH: Duration = Duration::from_secs(30);

pub(crate) async fn look(ground: &Ground<'_>) -> Vec<Finding> {
    let store = match &ground.store {
        Ok(store) => *store,
        Err((why, remedy)) => return vec![Finding::fault("database", "base", why.clone(), remedy.clone())],
    };
    let (whole, size, write, slow) =
        tokio::join!(integrity(store), size(store, ground), write(store), slowest(store, ground));
    vec![whole, size, write, slow]
}

/// The versions of the program, of the engine and of the schema: what a report of a fault begins with.
pub(crate) async fn versions(ground: &Ground<'_>) -> Finding {
    let program = format!("Vigie {}", ground.version);
    let engine = match &ground.store {
        Ok(store) => tokio::time::timeout(PATIENCE, store.engine_and_step()).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    let found = match engine {
        Some((engine, step)) => format!("{program} ; {engine}, base à l’étape {step}"),
        None => program,
    };
    Finding::good("version", "version", found)
}

async fn slowest(store: &Store, ground: &Ground<'_>) -> Finding {
    let since = ground.now.date_naive().checked_sub_days(Days::new(SLOW_DAYS)).unwrap_or_default();
    match tokio::time::timeout(PATIENCE, store.slowest_since(since)).await {
        Ok(Ok(slowest)) => judge_slowest(slowest.as_ref()),
        Ok(Err(e)) => Finding::fault("slow", SLOWEST, e.to_string(), "vérifiez la base"),
        Err(_) => Finding::look("slow", SLOWEST, "la base ne répond pas", "vérifiez la base"),
    }
}

fn judge_slowest(slowest: Option<&Slowest>) -> Finding {
    let Some(slowest) = slowest else {
        return Finding::good("slow", SLOWEST, format!("aucune lenteur en {SLOW_DAYS} jours"));
    };
    let said = format!("{} ms, le {} : {}", slowest.ms, french::date(slowest.day), slowest.statement);
    match slowest.ms > SLOW_STATEMENT_MS {
        true => {
            let fix = "la base est sur un disque lent, ou elle a beaucoup grandi : voyez iostat ; sur PostgreSQL, lancez ANALYZE, et joignez cette ligne à votre demande d’aide";
            Finding::look("slow", SLOWEST, said, fix)
        }
        false => Finding::good("slow", SLOWEST, said),
    }
}

async fn integrity(store: &Store) -> Finding {
    let restore = "arrêtez le service, puis remettez la dernière sauvegarde : vigie restore DOSSIER";
    match tokio::time::timeout(READ_THROUGH, store.damage()).await {
        Ok(Ok(None)) if store.file().is_none() => {
            Finding::good("database", "base", "ouverte ; PostgreSQL vérifie lui-même ses pages")
        }
        Ok(Ok(None)) => Finding::good("database", "base", "ouverte et relue, sans défaut"),
        Ok(Ok(Some(why))) => Finding::fault("database", "base", format!("abîmée : {why}"), restore),
        Ok(Err(e)) => Finding::fault("database", "base", e.to_string(), restore),
        Err(_) => Finding::look(
            "database",
            "base",
            format!("trop grande pour être relue en {} s", READ_THROUGH.as_secs()),
            "une sauvegarde la relit entièrement : vigie backup",
        ),
    }
}

async fn size(store: &Store, ground: &Ground<'_>) -> Finding {
    let since = ground.now.date_naive().checked_sub_days(Days::new(GROWTH_DAYS)).unwrap_or_default();
    let read = async { Ok::<_, vigie_store::StoreError>((store.bytes().await?, store.sizes_since(since).await?)) };
    match read.await {
        Err(e) => Finding::fault("size", "taille de la base", e.to_string(), "vérifiez la base"),
        Ok((now, days)) => Finding::good(
            "size",
            "taille de la base",
            match growth(&days) {
                Some(a_day) => format!("{}, {} de plus par jour", bytes(now), bytes(a_day)),
                None => format!("{}, croissance encore inconnue", bytes(now)),
            },
        ),
    }
}

/// Bytes a day by which it grew; `None` before two days are known.
pub(crate) fn growth(days: &[(NaiveDate, u64)]) -> Option<u64> {
    let ((first, from), (last, to)) = (days.first()?, days.last()?);
    let over = u64::try_from((*last - *first).num_days()).ok().filter(|d| *d > 0)?;
    Some(to.saturating_sub(*from) / over)
}

async fn write(store: &Store) -> Finding {
    let started = Instant::now();
    match tokio::time::timeout(PATIENCE, store.prove_write()).await {
        Ok(Ok(())) => {
            let took = started.elapsed();
            let said = format!("une écriture faite et relue en {} ms", took.as_millis());
            match took > SLOW_WRITE {
                true => {
                    let fix = "le disque est lent, ou un autre programme l’occupe : voyez iostat, et où est la base";
                    Finding::look("write", "écriture", said, fix)
                }
                false => Finding::good("write", "écriture", said),
            }
        }
        Ok(Err(e)) => {
            let fix =
                "libérez de la place, et vérifiez que le compte du service peut écrire dans le dossier de la base";
            Finding::fault("write", "écriture", e.to_string(), fix)
        }
        Err(_) => Finding::fault(
            "write",
            "écriture",
            format!("rien n’a pu être écrit en {} s", PATIENCE.as_secs()),
            "un autre processus garde la base : voyez lequel (fuser), et redémarrez le service",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn the_slowest_statement_is_named_and_one_that_keeps_people_waiting_is_to_be_looked_at() {
        let of = |ms| Slowest {
            day: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
            statement: "SELECT title FROM search".into(),
            ms,
        };
        assert_eq!(judge_slowest(None).state, State::Good);
        let quick = judge_slowest(Some(&of(120)));
        assert!(quick.state == State::Good && quick.found.contains("120 ms, le 21 novembre 2026"), "{quick:?}");
        let slow = judge_slowest(Some(&of(2_001)));
        assert!(slow.state == State::Look && slow.found.contains("SELECT title") && !slow.remedy.is_empty());
    }

    #[test]
    fn growth_is_what_was_added_over_the_days_that_are_known() {
        let day = |n: u32| NaiveDate::from_ymd_opt(2026, 11, n).unwrap();
        assert_eq!(growth(&[]), None);
        assert_eq!(growth(&[(day(1), 10)]), None);
        assert_eq!(growth(&[(day(1), 1000), (day(3), 900), (day(11), 2000)]), Some(100));
        assert_eq!(growth(&[(day(1), 1000), (day(2), 10)]), Some(0), "one that shrank does not grow");
    }
}
