//! Records that were put aside, read again: after an upgrade that reads more, or once a declared page was repaired.
//!
//! A record is read by the reader of its source as it reads it now, from the bytes that were kept. What is read comes in as it does at
//! a poll; what still cannot be read stays, with why not. A reader that reads records with their page alone is asked for the page
//! again, whole; its record stays until it is read or is too old to be kept.

use std::sync::Arc;

use vigie_domain::{Notice, french};
use vigie_store::quarantine::Quarantined;
use vigie_watcher::sources::{self as readers, Memory, PutAside};

use crate::error::Failure;
use crate::ingest::{self, Outcome};
use crate::service::Service;
use crate::sources::{self, Watched};

/// Where a notice stood that was read, and that the database could not take in.
pub const IN_DATABASE: &str = "base de données";

/// What became of a wish to read a record again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// It was read: so many notices came in that were not known so. It is put aside no more.
    Read(usize),
    /// It still cannot be read; says why.
    Unreadable(String),
    /// Its source is read anew, whole.
    SourceAsked,
    /// Its source is not watched any more.
    NotWatched,
    /// It is no record of a source: a mail, something said in a chat.
    NoSource,
    /// There is no such record.
    Unknown,
}

impl Again {
    /// In a sentence for whoever asked.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Read(0) => "Enregistrement relu : il n’apporte rien de nouveau, et n’est plus de côté.".to_owned(),
            Self::Read(n) => format!("Enregistrement relu : {} pris, et plus rien de côté.", french::plural(*n, "avis")),
            Self::Unreadable(why) => format!("Toujours illisible : {why}."),
            Self::SourceAsked => {
                "Cette source se lit page entière : elle va être relue dans la minute. Ce qu’elle montre encore sera pris ; l’enregistrement reste ici.".to_owned()
            }
            Self::NotWatched => "Sa source n’est plus veillée : remettez-la d’abord en route.".to_owned(),
            Self::NoSource => {
                "Ce n’est pas un avis d’une source : téléchargez-le pour voir ce qui a été dit, et répondez vous-même.".to_owned()
            }
            Self::Unknown => "Cet enregistrement n’est plus de côté.".to_owned(),
        }
    }
}

/// Reads a record again, as `who`.
///
/// # Errors
/// The database fails.
pub async fn retry(service: &Service, who: &str, id: &str) -> Result<Again, Failure> {
    let store = &service.store;
    let Some(record) = store.put_aside_record(id).await? else { return Ok(Again::Unknown) };
    let blocks = sources::blocks(&service.settings, store).await?;
    let Some(block) = blocks.iter().find(|b| b.id == record.source) else {
        let of_a_source = store.source(&record.source).await?.last_attempt.is_some();
        return Ok(if of_a_source { Again::NotWatched } else { Again::NoSource });
    };
    let watched = sources::watched(block)?;
    let again = read(service, &watched, id, record).await?;
    let now = service.clock.now();
    let said = match &again {
        Again::Read(n) => format!("enregistrement mis de côté relu par {who} : {} pris", french::plural(*n, "avis")),
        Again::Unreadable(why) => format!("enregistrement mis de côté relu par {who}, toujours illisible : {why}"),
        _ => format!("lecture entière demandée par {who} pour un enregistrement mis de côté"),
    };
    store.note("source", &block.id, &said, now).await?;
    Ok(again)
}

async fn read(service: &Service, watched: &Watched, id: &str, record: Quarantined) -> Result<Again, Failure> {
    let (store, now) = (&service.store, service.clock.now());
    let (notices, bad) = if record.place == IN_DATABASE {
        match serde_json::from_slice::<Notice>(&record.raw) {
            Ok(notice) => (vec![notice], Vec::new()),
            Err(e) => return still(service, id, format!("avis gardé dans une forme qui n’est plus lue : {e}")).await,
        }
    } else {
        let kept =
            PutAside { record_id: record.record_id.as_deref(), place: &record.place, raw: &record.raw, at: record.at };
        match readers::again(watched.source.as_ref(), &kept) {
            Some(page) => (page.notices, page.bad),
            None => {
                ask_anew(service, &watched.block.id).await?;
                return Ok(Again::SourceAsked);
            }
        }
    };
    if let (true, Some(bad)) = (notices.is_empty(), bad.first()) {
        return still(service, id, bad.reason.clone()).await;
    }
    let mut own: Vec<Arc<Notice>> = Vec::new();
    for notice in watched.own(notices) {
        // What its source said since is later than what was put aside.
        let written = service.store.notice_written(&notice.key()).await?;
        if written.is_none_or(|at| at <= record.at) {
            own.push(notice);
        }
    }
    let notices = own;
    let mut taken = 0;
    for outcome in ingest::ingest_page(service, &notices, None).await? {
        match outcome {
            Ok(Outcome::Stored(_)) => taken += 1,
            Ok(Outcome::Unchanged) => {}
            Err(e) => return still(service, id, e.to_string()).await,
        }
    }
    // What of a mail is still unreadable is kept by itself.
    for bad in bad {
        let rest = Quarantined {
            source: record.source.clone(),
            record_id: bad.record_id,
            place: bad.place,
            reason: bad.reason,
            raw: bad.raw,
            at: now,
        };
        store.quarantine(&rest).await?;
    }
    store.drop_put_aside(id).await?;
    service.deliveries_queued.notify_one();
    Ok(Again::Read(taken))
}

async fn still(service: &Service, id: &str, why: String) -> Result<Again, Failure> {
    service.store.still_put_aside(id, &why, service.clock.now()).await?;
    Ok(Again::Unreadable(why))
}

/// Has a source read anew, whole: what it remembers of the state of its pages is forgotten, what it took in is not.
async fn ask_anew(service: &Service, source: &str) -> Result<(), Failure> {
    let known = service.store.source_memory(source).await?;
    if let Ok(memory) = serde_json::from_str::<Memory>(&known)
        && let Ok(bare) = serde_json::to_string(&Memory { cursor: memory.cursor, ..Memory::default() })
    {
        service.store.replace_source_memory(source, &known, &bare).await?;
    }
    Ok(service.store.poll_soon(source, service.clock.now()).await?)
}
