//! What a structure knows of a consultation, for every surface.

use chrono::{DateTime, Utc};
use vigie_consultation::contradiction::{Announced, Contradiction, contradictions};
use vigie_consultation::passages::{self, Hit};
use vigie_consultation::{Consultation, answer};
use vigie_domain::{NoticeKind, Subscriber};
use vigie_store::StoreError;
use vigie_store::consultations::ReadingState;
use vigie_store::journal::NoticeRow;
use vigie_watcher::zones;

use super::seal::Seal;
use super::words::{self, Said, Section};
use crate::service::Service;
use crate::visibility;

/// Passages shown for words that are looked for.
const HITS: usize = 12;

/// What a structure knows of a procedure's consultation.
#[derive(Debug, Clone)]
pub struct Known {
    pub state: ReadingState,
    /// Pieces read, of those known so far, while it is being read.
    pub progress: (u32, u32),
    /// When the last files were given, and by whom.
    pub at: DateTime<Utc>,
    pub given_by: String,
    /// What was read of it; `None` before the first reading ended.
    pub read: Option<Consultation>,
    /// What was read does not open: it was sealed under another secret.
    pub closed: bool,
    ids: Vec<String>,
}

/// What a structure knows of a procedure's consultation, without its texts; `None` where it gave nothing.
///
/// # Errors
/// The database fails.
pub async fn known(service: &Service, structure: &str, procedure: &str) -> Result<Option<Known>, StoreError> {
    let rows = service.store.consultations_of(structure, procedure).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let seal = Seal::of(service, structure).await?;
    let waiting = rows.iter().find(|r| r.state == ReadingState::Waiting).unwrap_or(last);
    let mut out = Known {
        state: waiting.state,
        progress: (waiting.done, waiting.of),
        at: last.at,
        given_by: last.given_by.clone(),
        read: None,
        closed: false,
        ids: rows.iter().map(|r| r.id.clone()).collect(),
    };
    for row in rows.iter().filter(|r| !r.findings.is_empty()) {
        match seal.open_document::<Consultation>(&row.findings) {
            Some(more) => out.read = Some(out.read.take().unwrap_or_default().with(more)),
            None => out.closed = true,
        }
    }
    Ok(Some(out))
}

/// What a structure knows of the consultation that it gave last, and of which procedure it is.
///
/// # Errors
/// The database fails.
pub async fn last_known(service: &Service, structure: &str) -> Result<Option<(String, Known)>, StoreError> {
    let Some(procedure) = service.store.last_consultation(structure).await? else { return Ok(None) };
    Ok(known(service, structure, &procedure).await?.map(|known| (procedure, known)))
}

/// The notice that a consultation is held against: the latest call of its procedure that this person may see.
pub(super) async fn notice_of(
    service: &Service,
    reader: Option<&Subscriber>,
    procedure: &str,
) -> Result<Option<Announced>, StoreError> {
    Ok(announced(&visibility::notices_of(service, reader, procedure).await?))
}

/// The notice that a consultation is held against, of those that a reader may see: the latest call.
#[must_use]
pub fn announced(notices: &[NoticeRow]) -> Option<Announced> {
    let is_call = |k: NoticeKind| k == NoticeKind::Correction || !k.is_follow_up();
    let latest = notices.iter().rev().find(|n| is_call(n.notice.kind))?;
    Some(Announced::of(latest.assessment.clone(), &latest.notice.passages))
}

impl Known {
    pub(super) fn just_read(read: Consultation) -> Self {
        Self {
            state: ReadingState::Read,
            progress: (0, 0),
            at: DateTime::UNIX_EPOCH,
            given_by: String::new(),
            read: Some(read),
            closed: false,
            ids: Vec::new(),
        }
    }

    /// Whether files wait to be read, or are being read.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.state == ReadingState::Waiting
    }

    fn against(&self, notice: Option<&Announced>) -> Vec<Contradiction> {
        self.read.as_ref().map(|read| contradictions(read, notice)).unwrap_or_default()
    }

    /// All that is said, what matters most first.
    #[must_use]
    pub fn sections(&self, notice: Option<&Announced>) -> Vec<Section> {
        self.read.as_ref().map(|read| words::sections(read, &self.against(notice))).unwrap_or_default()
    }

    /// What the structure's verdict takes of it: provisions with where they stand, what contradicts the notice, and whether a clause was
    /// looked for in vain.
    #[must_use]
    pub fn verdict(&self, notice: Option<&Announced>) -> Verdict {
        let Some(read) = self.read.as_ref().filter(|r| r.is_read()) else { return Verdict::default() };
        let provisions = words::provisions(read);
        Verdict {
            searched: provisions.is_empty(),
            pieces: read.pieces.iter().filter(|p| p.outcome.is_ok()).count(),
            provisions,
            contradictions: self.against(notice).iter().map(words::contradicted).collect(),
        }
    }

    /// Passages that answer words, best first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn search(&self, service: &Service, structure: &str, wanted: &str) -> Result<Vec<Hit>, StoreError> {
        let whole = self.whole(service, structure).await?;
        let wanted = wanted.to_owned();
        let found = tokio::task::spawn_blocking(move || passages::search(&whole, &wanted, HITS)).await;
        Ok(found.unwrap_or_default())
    }

    /// The answer begun, as a DOCX; `None` where nothing was read.
    ///
    /// # Errors
    /// The database fails.
    pub async fn answer(
        &self,
        service: &Service,
        person: &Subscriber,
        procedure: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.read.as_ref().is_some_and(Consultation::is_read) {
            return Ok(None);
        }
        let whole = self.whole(service, person.structure()).await?;
        let notice = notice_of(service, Some(person), procedure).await?;
        let subject = notice.map_or_else(answer::Subject::default, |n| answer::Subject {
            title: n.assessment.title,
            buyer: n.assessment.buyer.unwrap_or_default(),
            lots: Vec::new(),
        });
        let candidate = candidate(service, person).await?;
        let today = zones::paris_day(service.clock.now());
        let made = tokio::task::spawn_blocking(move || answer::docx(&whole, &subject, &candidate, today)).await;
        Ok(made.ok().and_then(Result::ok))
    }

    async fn whole(&self, service: &Service, structure: &str) -> Result<Consultation, StoreError> {
        let seal = Seal::of(service, structure).await?;
        let mut out = Consultation::default();
        for id in &self.ids {
            let sealed = service.store.consultation_texts(id).await?;
            if let Some(more) = seal.open_document(&sealed) {
                out = out.with(more);
            }
        }
        Ok(out)
    }
}

/// What a structure's verdict takes of a consultation.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    pub provisions: Vec<Said>,
    pub contradictions: Vec<Said>,
    /// A clause was looked for and is not there.
    pub searched: bool,
    /// Pieces that could be read.
    pub pieces: usize,
}

/// What the public directory and the person's own profile say of the structure; nothing else is filled in.
async fn candidate(service: &Service, person: &Subscriber) -> Result<answer::Candidate, StoreError> {
    let siret = person.profile.siret.clone();
    let known = match &siret {
        Some(siret) => service.store.structure(siret).await?,
        None => None,
    };
    let name = known.map(|s| s.name).unwrap_or_default();
    Ok(answer::Candidate { name, siret, address: None, mail: None })
}
