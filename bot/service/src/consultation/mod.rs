//! The files of a consultation: given by whatever door, read in the background, shown to the structure that gave them and to nobody
//! else.
//!
//! ```text
//! page, mail, chat → give() → sealed files that wait → read_next() → child processes → findings and texts, sealed; the files go
//! ```
//!
//! Invariants: a file is kept until it was read and no longer; what is kept is sealed; every reader names its structure. On failure
//! (a process that dies, a folder that cannot be written) the files go on waiting, and are given up after [`MAX_TRIES`] times, in
//! words.

mod documents;
mod reading;
mod seal;
mod share;
mod shown;
pub mod words;

pub use documents::{Fetched, address as documents_address, fetch_documents};
pub use reading::{MAX_TRIES, read_next};
pub use share::{Shared, sayable, share_clause};
pub use shown::{Known, Verdict, announced, known, last_known};
pub use vigie_consultation::contradiction::Announced;

use sha2::{Digest, Sha256};
use vigie_consultation::limits::MAX_INPUT;
use vigie_domain::Subscriber;
use vigie_store::StoreError;
use vigie_store::consultations::GivenFiles;
use vigie_store::people::Address;

use crate::error::Failure;
use crate::leads::{File, file_name};
use crate::service::Service;
use seal::Seal;

/// Most files given at once.
pub const MAX_FILES: usize = 60;
/// Most bytes given at once.
pub const MAX_GIVEN: usize = 48 * 1024 * 1024;
/// Most bytes of one structure that wait to be read.
const MAX_WAITING: i64 = 2 * MAX_GIVEN as i64;

const _: () = assert!(MAX_GIVEN <= MAX_INPUT, "what a door takes in, a reading reads");

/// What came of giving files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gave {
    /// So many wait to be read.
    Files(usize),
    /// None was given, or all are empty.
    Nothing,
    /// More than a door takes at once.
    TooMuch,
    /// Others of the same structure wait already.
    Busy,
}

impl Gave {
    /// What is said of it.
    #[must_use]
    pub fn in_french(self) -> String {
        match self {
            Self::Files(1) => "Le fichier est reçu : sa lecture prend une minute au plus.".to_owned(),
            Self::Files(n) => format!("{n}\u{a0}fichiers sont reçus : leur lecture prend une minute au plus."),
            Self::Nothing => "Aucun fichier n’est arrivé, ou tous sont vides.".to_owned(),
            Self::TooMuch => format!(
                "C’est trop à la fois : {MAX_FILES}\u{a0}fichiers et {}\u{a0}Mo au plus. Donnez d’abord le RC, le CCAP, l’acte d’engagement et les annexes ; les plans n’apprennent rien ici.",
                MAX_GIVEN / 1_048_576
            ),
            Self::Busy => {
                "D’autres fichiers de votre structure attendent d’être lus : recommencez dans une minute.".to_owned()
            }
        }
    }
}

/// Takes in files of a procedure's consultation, for the structure of who gives them. `answer_to`: the address that hears what they say;
/// the page of the procedure shows it anyway. Whoever calls has looked whether the person may see the procedure.
///
/// # Errors
/// The database fails; nothing is kept.
pub async fn give(
    service: &Service,
    person: &Subscriber,
    procedure: &str,
    files: Vec<File>,
    answer_to: Option<&Address>,
) -> Result<Gave, Failure> {
    let size: usize = files.iter().map(|f| f.content.len()).sum();
    if size == 0 {
        return Ok(Gave::Nothing);
    }
    if files.len() > MAX_FILES || size > MAX_GIVEN {
        return Ok(Gave::TooMuch);
    }
    let seal = Seal::of(service, person.structure()).await?;
    let sealed = tokio::task::spawn_blocking(move || {
        let one = |f: File| {
            let fingerprint = hex::encode(&Sha256::digest(&f.content)[..16]);
            Ok((file_name(&f.name), seal.close(&f.content)?, fingerprint))
        };
        files.into_iter().map(one).collect::<Result<Vec<_>, seal::Unsealable>>()
    });
    let sealed = sealed.await.map_err(|e| unsealed(&e))?.map_err(|e| unsealed(&e))?;
    let name = if person.name.is_empty() { "Un membre de votre structure" } else { &person.name };
    let given = GivenFiles {
        structure: person.structure(),
        procedure,
        subscriber: &person.id,
        name,
        answer_to: answer_to.map_or("", |a| a.id.as_str()),
        files: &sealed,
    };
    if !service.store.give_consultation_files(&given, MAX_WAITING, service.clock.now()).await? {
        return Ok(Gave::Busy);
    }
    service.consultations_given.notify_one();
    Ok(Gave::Files(sealed.len()))
}

fn unsealed(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("fichiers non gardés : {why}"), "consultation", "signalez cette erreur")
}

/// Removes all that a structure gave of a procedure's consultation, and what was read of it; `false` where there was nothing.
///
/// # Errors
/// The database fails.
pub async fn forget(service: &Service, structure: &str, procedure: &str) -> Result<bool, StoreError> {
    service.store.remove_consultation(structure, procedure).await
}
