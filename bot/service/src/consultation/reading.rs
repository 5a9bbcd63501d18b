//! Files that wait are read: one consultation at a time in a process, whoever gave it; what they say goes to the page of the procedure
//! and to the addresses that asked.

use chrono::Duration;
use tokio::sync::watch;
use vigie_consultation::{Consultation, Given, Kind, Piece, Progress, Reader, Unread};
use vigie_domain::{Alert, AlertKind, Channel};
use vigie_notifier::card::short;
use vigie_store::consultations::{ConsultationRow, ReadingState, WaitingFile};
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use super::seal::Seal;
use super::shown::Known;
use super::{unsealed, words};
use crate::error::Failure;
use crate::service::Service;

/// Times a reading may be begun before its files are given up.
pub const MAX_TRIES: u32 = 3;
/// How long a consultation is one reader's; what it reads is noted more often.
const LEASE: Duration = Duration::minutes(3);
/// Longest time without a note of how far a reading is: its lease begins anew with each.
const STILL_READING: std::time::Duration = std::time::Duration::from_secs(60);
/// Between two notes of how far a reading is.
const NOTED_EVERY: std::time::Duration = std::time::Duration::from_millis(700);

/// What is said of files that were sealed under another secret.
const NOT_OURS: &str = "le secret de cette installation a changé depuis : donnez-le de nouveau";

/// Reads the consultation that waits longest; `false` where none waits.
///
/// # Errors
/// The database fails, or the folder for readings cannot be written: the files go on waiting.
pub async fn read_next(service: &Service, reader: &Reader) -> Result<bool, Failure> {
    let store = &service.store;
    let holder = service.lease_holder.as_str();
    let Some((row, tries)) = store.claim_consultation(holder, LEASE, service.clock.now()).await? else {
        return Ok(false);
    };
    let files = store.waiting_files(&row.id).await?;
    let seal = Seal::of(service, &row.structure).await?;
    let earlier = earlier(service, &seal, &row).await?;
    let ids: Vec<String> = files.iter().map(|f| f.id.clone()).collect();
    let answered: Vec<String> = answer_to(&files);
    if tries >= MAX_TRIES {
        let kept = sealed(&seal, &earlier)?;
        if !store.put_reading(&row.id, holder, (&kept.0, &kept.1), &ids, ReadingState::Failed).await? {
            return Ok(true); // removed meanwhile, or another's
        }
        tracing::error!(consultation = %row.id, "its reading ended the process several times: given up");
        tell(service, &row, &answered, &ids, Word::End(words::FAILED)).await?;
        return Ok(true);
    }
    let (given, closed) = opened(&seal, files);
    let read = match read(service, reader, given, &Waiting { row: &row, addresses: &answered, files: &ids }).await {
        Ok(read) => read,
        Err(e) => {
            // Not the files' fault: the try does not count.
            store.give_back_consultation(&row.id).await?;
            return Err(e);
        }
    };
    let read = if closed.is_empty() { read } else { read.with(Consultation::gather(closed, Vec::new())) };
    let names: Vec<String> = read.pieces.iter().map(|p| p.name.clone()).collect();
    let all = earlier.with(read);
    let kept = sealed(&seal, &all)?;
    if !store.put_reading(&row.id, holder, (&kept.0, &kept.1), &ids, ReadingState::Read).await? {
        return Ok(true); // removed meanwhile, or another's
    }
    tracing::info!(consultation = %row.id, pieces = names.len(), "consultation read");
    if !answered.is_empty() {
        let owner = match store.address(&answered[0]).await? {
            Some(address) => store.subscriber(&address.subscriber).await?,
            None => None,
        };
        let notice = super::shown::notice_of(service, owner.as_ref(), &row.procedure).await?;
        let known = Known::just_read(all);
        let text = words::brief(&known.sections(notice.as_ref()), service.procedure_url(&row.procedure).as_deref());
        tell(service, &row, &answered, &ids, Word::End(&text)).await?;
    }
    Ok(true)
}

/// The addresses that are to hear of it, once each.
fn answer_to(files: &[WaitingFile]) -> Vec<String> {
    let mut out: Vec<String> = files.iter().map(|f| f.answer_to.clone()).filter(|a| !a.is_empty()).collect();
    out.sort();
    out.dedup();
    out
}

/// What was read of it before.
async fn earlier(service: &Service, seal: &Seal, row: &ConsultationRow) -> Result<Consultation, StoreError> {
    if row.findings.is_empty() {
        return Ok(Consultation::default());
    }
    let texts = service.store.consultation_texts(&row.id).await?;
    Ok(seal.open_document(&texts).unwrap_or_default())
}

/// Files as the reader takes them; and those whose seal does not open.
fn opened(seal: &Seal, files: Vec<WaitingFile>) -> (Vec<Given>, Vec<Piece>) {
    let (mut given, mut closed) = (Vec::new(), Vec::new());
    for file in files {
        match seal.open(&file.content) {
            Some(bytes) => given.push(Given { name: file.name, bytes }),
            None => closed.push(Piece {
                name: file.name,
                kind: Kind::Other,
                outcome: Err(Unread::Refused(NOT_OURS.to_owned())),
            }),
        }
    }
    (given, closed)
}

/// Findings without texts, and all of it, both sealed.
fn sealed(seal: &Seal, all: &Consultation) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let closed = |document: &Consultation| seal.close_document(document).map_err(|e| unsealed(&e));
    Ok((closed(&all.without_texts())?, closed(all)?))
}

/// Who waits for a reading, and of what.
struct Waiting<'a> {
    row: &'a ConsultationRow,
    addresses: &'a [String],
    files: &'a [String],
}

/// How long a reading lasts before those who wait in a chat are told how far it is.
const WORD_AFTER: std::time::Duration = std::time::Duration::from_secs(8);

/// Whether those who wait are told how far a reading is: once, where much is left.
fn is_worth_a_word(since: std::time::Duration, done: usize, of: usize) -> bool {
    since >= WORD_AFTER && done > 0 && done + 2 < of
}

/// Reads, and notes how far it is; of a long reading, chats hear it once.
async fn read(
    service: &Service,
    reader: &Reader,
    given: Vec<Given>,
    waiting: &Waiting<'_>,
) -> Result<Consultation, Failure> {
    let (sender, mut told) = watch::channel(None::<Progress>);
    let reading = reader.read(given, move |progress| {
        let _ = sender.send(Some(progress));
    });
    let id = waiting.row.id.as_str();
    let begun = tokio::time::Instant::now();
    let noting = async {
        let mut said = waiting.addresses.is_empty();
        // It ends with the reading; until then what is known is noted anew though nothing moved.
        while !matches!(tokio::time::timeout(STILL_READING, told.changed()).await, Ok(Err(_))) {
            // Nothing yet while an archive is opened.
            let (done, of) = told.borrow_and_update().as_ref().map_or((0, 0), |p| (p.done, p.of));
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let (holder, lease) = (service.lease_holder.as_str(), service.clock.now() + LEASE);
            // What cannot be noted is shown a little later.
            let _ = service.store.set_reading_progress(id, holder, (count(done), count(of)), lease).await;
            if !said && is_worth_a_word(begun.elapsed(), done, of) {
                said = true;
                let word = words::progress(done, of);
                let Waiting { row, addresses, files } = waiting;
                if let Err(e) = tell(service, row, addresses, files, Word::Progress(&word)).await {
                    tracing::warn!("how far a reading is was not told: {e}");
                }
            }
            tokio::time::sleep(NOTED_EVERY).await;
        }
    };
    let (read, ()) = tokio::join!(reading, noting);
    read.map_err(|e| {
        Failure::new(
            format!("dossier de travail : {e}"),
            "lecture des consultations",
            "vérifiez la place et les droits du dossier temporaire",
        )
    })
}

/// What is said of a reading.
#[derive(Clone, Copy)]
enum Word<'a> {
    /// How far it is; in chats only, a mail would be one too many.
    Progress(&'a str),
    /// What came of it.
    End(&'a str),
}

/// Says a text at the addresses that gave the files; once for the same files.
async fn tell(
    service: &Service,
    row: &ConsultationRow,
    addresses: &[String],
    files: &[String],
    word: Word<'_>,
) -> Result<(), StoreError> {
    let (text, matter, in_chats) = match word {
        Word::Progress(text) => (text, "consultation progress", true),
        Word::End(text) => (text, "consultation", false),
    };
    let store = &service.store;
    let title = store.search_rows(std::slice::from_ref(&row.procedure)).await?.pop().map(|r| r.title);
    let about = title.map(|t| format!("À propos de « {} ».\n", short(&t, 120))).unwrap_or_default();
    for id in addresses {
        let Some(address) = store.address(id).await?.filter(|a| a.state == AddressState::Active) else { continue };
        if in_chats && address.channel == Channel::Email {
            continue;
        }
        let mut parts = vec![matter, id.as_str()];
        parts.extend(files.iter().map(String::as_str));
        let alert = Alert::word(AlertKind::Account, derived_id(&parts));
        let body = match word {
            Word::Progress(_) => format!("{text}\n{about}"),
            Word::End(_) => format!("{}\n{about}{text}", words::SUBJECT),
        };
        store.answer(&address, &alert, &row.procedure, &body, service.clock.now()).await?;
    }
    service.deliveries_queued.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_long_reading_is_told_of_while_much_is_left() {
        let long = WORD_AFTER;
        assert!(is_worth_a_word(long, 12, 30));
        assert!(!is_worth_a_word(long - Duration::from_millis(1), 12, 30), "soon told whole");
        assert!(!is_worth_a_word(long, 28, 30) && !is_worth_a_word(long, 0, 30) && !is_worth_a_word(long, 1, 3));
        assert_eq!(words::progress(12, 30), "Lecture en cours : 12\u{a0}pièces lues sur 30. La suite arrive ici.");
    }
}
