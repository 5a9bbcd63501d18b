//! Files that wait are read: one consultation at a time in a process, whoever gave it; what they say goes to the page of the procedure
//! and to the addresses that asked.

use chrono::Duration;
use tokio::sync::watch;
use vigie_consultation::{Consultation, Given, Kind, Piece, Progress, Reader, Unread};
use vigie_domain::{Alert, AlertKind};
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
/// How long a consultation is one reader's: longer than any reading lasts.
const LEASE: Duration = Duration::minutes(3);
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
    let Some((row, tries)) = store.claim_consultation(&service.lease_holder, LEASE, service.clock.now()).await? else {
        return Ok(false);
    };
    let files = store.waiting_files(&row.id).await?;
    let seal = Seal::of(service, &row.structure).await?;
    let earlier = earlier(service, &seal, &row).await?;
    let ids: Vec<String> = files.iter().map(|f| f.id.clone()).collect();
    let answered: Vec<String> = answer_to(&files);
    if tries >= MAX_TRIES {
        let kept = sealed(&seal, &earlier)?;
        store.put_reading(&row.id, (&kept.0, &kept.1), &ids, ReadingState::Failed).await?;
        tracing::error!(consultation = %row.id, "its reading ended the process several times: given up");
        tell(service, &row, &answered, &ids, words::FAILED).await?;
        return Ok(true);
    }
    let (given, closed) = opened(&seal, files);
    let read = match read(service, reader, &row.id, given).await {
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
    if !store.put_reading(&row.id, (&kept.0, &kept.1), &ids, ReadingState::Read).await? {
        return Ok(true); // removed meanwhile
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
        tell(service, &row, &answered, &ids, &text).await?;
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

/// Reads, and notes how far it is.
async fn read(service: &Service, reader: &Reader, id: &str, given: Vec<Given>) -> Result<Consultation, Failure> {
    let (tell, mut told) = watch::channel(None::<Progress>);
    let reading = reader.read(given, move |progress| {
        let _ = tell.send(Some(progress));
    });
    let noting = async {
        while told.changed().await.is_ok() {
            let progress = told.borrow_and_update().clone();
            if let Some(Progress { done, of, .. }) = progress {
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                // What cannot be noted is shown a little later.
                let _ = service.store.set_reading_progress(id, count(done), count(of)).await;
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

/// Says a text at the addresses that gave the files; once for the same files.
async fn tell(
    service: &Service,
    row: &ConsultationRow,
    addresses: &[String],
    files: &[String],
    text: &str,
) -> Result<(), StoreError> {
    let store = &service.store;
    let title = store.search_rows(std::slice::from_ref(&row.procedure)).await?.pop().map(|r| r.title);
    let about = title.map(|t| format!("À propos de « {} ».\n", short(&t, 120))).unwrap_or_default();
    for id in addresses {
        let Some(address) = store.address(id).await?.filter(|a| a.state == AddressState::Active) else { continue };
        let mut parts = vec!["consultation", id.as_str()];
        parts.extend(files.iter().map(String::as_str));
        let alert = Alert::word(AlertKind::Account, derived_id(&parts));
        let body = format!("{}\n{about}{text}", words::SUBJECT);
        store.answer(&address, &alert, &row.procedure, &body, service.clock.now()).await?;
    }
    service.deliveries_queued.notify_one();
    Ok(())
}
