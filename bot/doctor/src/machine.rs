//! The machine: room on the disks, the clock, secrets that others may read, backups.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, Duration, Utc};
use url::Url;
use vigie_config::Secret;
use vigie_config::settings::Settings;
use vigie_service::backup;
use vigie_watcher::sources::boamp;

use crate::{Finding, Ground, bytes, database, probe, span};

/// Less room than that: a page of a source may no longer be stored.
const NO_ROOM: u64 = 200 << 20;
/// Less room than that is worth a look.
const LITTLE_ROOM: u64 = 2 << 30;
/// Days of growth that must fit.
const DAYS_AHEAD: u64 = 30;
/// A clock that is off by more misses deadlines and refuses links.
const CLOCK_FAULT: Duration = Duration::minutes(2);
/// A clock that is off by more is worth a look.
const CLOCK_LOOK: Duration = Duration::seconds(20);
/// The daily backup may be late by so much.
const BACKUP_AGE: Duration = Duration::hours(36);

/// What is free on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) free: u64,
    pub(crate) total: u64,
}

pub(crate) async fn look(ground: &Ground<'_>) -> Vec<Finding> {
    let mut lines = disks(ground).await;
    lines.push(backups(ground));
    lines.extend(secrets(ground.settings, ground.file));
    lines
}

/// The disks that the database, the backups and the account in rooms stand on, one line each.
async fn disks(ground: &Ground<'_>) -> Vec<Finding> {
    let database = ground.store.as_ref().ok().and_then(|s| s.file().map(Path::to_owned));
    let database = database.or_else(|| ground.settings.store.url.as_deref().and_then(vigie_store::sqlite_path));
    let (size, growth) = match &ground.store {
        Ok(store) => {
            let since = ground.now.date_naive().checked_sub_days(Days::new(DAYS_AHEAD)).unwrap_or_default();
            let days = store.sizes_since(since).await.unwrap_or_default();
            (store.bytes().await.unwrap_or(0), database::growth(&days))
        }
        Err(_) => (0, None),
    };
    let matrix = ground.settings.matrix.as_ref().map(|m| m.store.as_path());
    let places = [database.as_deref(), ground.settings.backup.dir.as_deref(), matrix];
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    if ground.settings.store.url.as_ref().is_some_and(|u| u.starts_with("postgres")) {
        let found = "celui de PostgreSQL ne se voit pas d’ici";
        lines.push(Finding::look("disk", "disque", found, "surveillez la place sur son serveur : df -h"));
    }
    for path in places.into_iter().flatten() {
        let Some(there) = existing(path) else { continue };
        let Ok(device) = std::fs::metadata(&there).map(|m| m.dev()) else { continue };
        if seen.contains(&device) {
            continue;
        }
        seen.push(device);
        lines.push(match room(&there) {
            Ok(room) => judge_room(&there, room, size, growth),
            Err(e) => Finding::look("disk", "disque", format!("{} : {e}", there.display()), "vérifiez ce disque"),
        });
    }
    lines
}

/// The path, or the nearest folder above it that is there.
fn existing(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|p| p.exists()).map(Path::to_owned)
}

fn room(path: &Path) -> std::io::Result<Room> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(Room { free: disk.f_bavail * disk.f_frsize, total: disk.f_blocks * disk.f_frsize })
}

fn judge_room(path: &Path, room: Room, database: u64, growth: Option<u64>) -> Finding {
    let said = format!("{} libres sur {} ({})", bytes(room.free), bytes(room.total), path.display());
    let fix = "libérez de la place, ou agrandissez ce disque ; « vigie backup --keep 2 » ne garde que deux sauvegardes";
    if room.free < NO_ROOM {
        return Finding::fault("disk", "disque", said, fix);
    }
    if room.free < database {
        return Finding::fault("disk", "disque", format!("{said} : une copie de la base n’y tient plus"), fix);
    }
    match growth.filter(|g| *g > 0).map(|g| room.free / g) {
        Some(days) if days < DAYS_AHEAD => {
            Finding::look("disk", "disque", format!("{said} : plein dans {days} jours à ce rythme"), fix)
        }
        _ if room.free < LITTLE_ROOM => Finding::look("disk", "disque", said, fix),
        _ => Finding::good("disk", "disque", said),
    }
}

/// The clock, against what a server of the first source says in its answer.
pub(crate) async fn clock(ground: &Ground<'_>) -> Vec<Finding> {
    let what = "horloge";
    let Some(url) = reference(ground.settings) else {
        return vec![Finding::look("clock", what, "rien à quoi la comparer", "activez une source lue par le web")];
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    vec![match probe::look(&url).await {
        Ok(probe::Seen { date: Some(theirs), .. }) => judge_clock(ground.now, theirs, &host),
        Ok(_) => Finding::look("clock", what, format!("{host} ne dit pas l’heure"), "vérifiez : timedatectl"),
        Err(e) => {
            let fix = "vérifiez la connexion de cette machine ; l’heure : timedatectl";
            Finding::look("clock", what, format!("pas comparée, {host} ne répond pas : {e}"), fix)
        }
    }]
}

/// A server of somebody else, as the first source that is read over the web names it.
fn reference(settings: &Settings) -> Option<Url> {
    settings.source.iter().filter(|s| s.enabled).find_map(|source| match (&source.url, source.kind.as_str()) {
        (Some(url), _) => Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https")),
        (None, "boamp") => Url::parse(boamp::DEFAULT_URL).ok(),
        _ => None,
    })
}

fn judge_clock(ours: DateTime<Utc>, theirs: DateTime<Utc>, host: &str) -> Finding {
    let off = ours - theirs;
    let fix = "réglez l’heure sur un serveur de temps : timedatectl set-ntp true, puis redémarrez le service";
    let side = if off > Duration::zero() { "en avance" } else { "en retard" };
    let apart = |off: Duration| match off.num_minutes() {
        0 | 1 => format!("{} s", off.num_seconds()),
        _ => span(off),
    };
    match off.abs() {
        off if off > CLOCK_FAULT => {
            Finding::fault("clock", "horloge", format!("{side} de {} sur {host}", apart(off)), fix)
        }
        off if off > CLOCK_LOOK => {
            Finding::look("clock", "horloge", format!("{side} de {} sur {host}", apart(off)), fix)
        }
        _ => Finding::good("clock", "horloge", format!("à l’heure de {host}, à {} s près", off.num_seconds().abs())),
    }
}

fn backups(ground: &Ground<'_>) -> Finding {
    let what = "sauvegardes";
    if ground.settings.store.url.as_ref().is_some_and(|u| u.starts_with("postgres")) {
        let found = "PostgreSQL se sauvegarde par ses propres outils, que Vigie ne voit pas";
        return Finding::look("backup", what, found, "vérifiez votre pg_dump ou votre archivage (docs/operator.md)");
    }
    let Some(dir) = &ground.settings.backup.dir else {
        let fix = "ajoutez [backup] dir = \"…\" au fichier de configuration, de préférence sur un autre disque";
        return Finding::look("backup", what, "le service n’en fait pas", fix);
    };
    judge_backup(dir, backup::newest(dir).map(|(made, _)| made), ground.now)
}

fn judge_backup(dir: &Path, newest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    let (what, dir) = ("sauvegardes", dir.display());
    match newest {
        None => Finding::look("backup", what, format!("aucune encore dans {dir}"), "faites-en une : vigie backup"),
        Some(made) if now - made > BACKUP_AGE => {
            let found = format!("la dernière a {} ({dir})", span(now - made));
            let fix = "voyez pourquoi dans les journaux, libérez de la place, puis : vigie backup";
            Finding::fault("backup", what, found, fix)
        }
        Some(made) => Finding::good("backup", what, format!("la dernière a {} ({dir})", span(now - made))),
    }
}

/// Files of secrets that cannot be read, or that everybody may read; nothing where all is well.
fn secrets(settings: &Settings, file: Option<&Path>) -> Vec<Finding> {
    let email = settings.email.as_ref();
    let matrix = settings.matrix.as_ref();
    let named = [
        settings.store.password.as_ref(),
        settings.web.secret.as_ref(),
        email.and_then(|e| e.password.as_ref()),
        email.and_then(|e| e.dkim.as_ref()).map(|d| &d.key),
        settings.mailbox.as_ref().map(|m| &m.password),
        matrix.map(|m| &m.password),
        matrix.map(|m| &m.store_key),
        settings.telegram.as_ref().map(|t| &t.token),
        settings.judgement.assistant.as_ref().and_then(|a| a.key.as_ref()),
    ];
    let mut lines = Vec::new();
    for secret in named.into_iter().flatten() {
        if let Err(e) = secret.read() {
            let fix = "définissez ce secret, ou donnez au compte du service le droit de le lire";
            lines.push(Finding::fault("secrets", "secrets", e.to_string(), fix));
            continue;
        }
        let Secret::File(path) = secret else { continue };
        let open = std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o007 != 0);
        if open {
            let found = format!("tout le monde peut lire {}", path.display());
            lines.push(Finding::fault("secrets", "secrets", found, format!("chmod o= {}", path.display())));
        }
    }
    let writable = |path: &&Path| std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o022 != 0);
    if let Some(path) = file.filter(writable) {
        let found = format!("d’autres que leur propriétaire peuvent écrire dans {}", path.display());
        lines.push(Finding::fault("secrets", "secrets", found, format!("chmod go-w {}", path.display())));
    }
    if lines.is_empty() {
        lines.push(Finding::good("secrets", "secrets", "lisibles par qui doit les lire"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_disk_is_judged_by_what_must_still_fit() {
        let judged = |free: u64, database: u64, growth: Option<u64>| {
            judge_room(Path::new("/var"), Room { free, total: 100 * GIB }, database, growth)
        };
        assert_eq!(judged(50 * GIB, GIB, Some(1 << 20)).state, State::Good);
        assert_eq!(judged(100 << 20, 0, None).state, State::Fault, "nearly nothing is left");
        let copy = judged(3 * GIB, 4 * GIB, None);
        assert!(copy.state == State::Fault && copy.found.contains("copie") && !copy.remedy.is_empty(), "{copy:?}");
        let soon = judged(10 * GIB, GIB, Some(GIB));
        assert!(soon.state == State::Look && soon.found.contains("plein dans 10 jours"), "{soon:?}");
        assert_eq!(judged(GIB, 0, None).state, State::Look);
    }

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let judged = |seconds: i64| judge_clock(now + Duration::seconds(seconds), now, "boamp.example");
        assert_eq!(judged(1).state, State::Good);
        assert_eq!(judged(-45).state, State::Look);
        let ahead = judged(3 * 86_400);
        assert!(ahead.state == State::Fault && ahead.found.contains("en avance de 3 jours"), "{ahead:?}");
        assert!(judged(-7200).found.contains("en retard de 2 heures"));
    }

    #[test]
    fn a_backup_that_is_late_is_a_fault() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let judged = |age: Option<i64>| judge_backup(Path::new("/b"), age.map(|h| now - Duration::hours(h)), now);
        assert_eq!(judged(Some(20)).state, State::Good);
        assert_eq!(judged(None).state, State::Look);
        let late = judged(Some(96));
        assert!(late.state == State::Fault && late.found.contains("4 jours"), "{late:?}");
    }
}
