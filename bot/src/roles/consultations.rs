//! Files of consultations that people gave are read in the background, one consultation after the other.

use std::time::Duration;

use tokio::sync::watch::Receiver;
use vigie_consultation::Reader;
use vigie_service::{Failure, Service, consultation};

/// Longest wait before it is looked whether another process took in files; those of this one are read at once.
const LOOK: Duration = Duration::from_secs(4);
/// Pause after a failure.
const AGAIN: Duration = Duration::from_secs(30);

/// The reader of this process, at work in the system's folder for temporary files.
///
/// # Errors
/// This program does not know its own file.
pub fn reader() -> Result<Reader, Failure> {
    Reader::open().map_err(|e| {
        Failure::new(format!("lecture des consultations : {e}"), "programme", "relancez-le depuis son fichier")
    })
}

/// Reads until told to stop; a reading that is under way then is left, and read again by the next process.
pub async fn run(service: &Service, reader: &Reader, mut stopping: Receiver<bool>) {
    reader.sweep();
    loop {
        let pause = tokio::select! {
            read = consultation::read_next(service, reader) => match read {
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(e) => {
                    tracing::error!("consultations not read: {}", e.what);
                    AGAIN
                }
            },
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        tokio::select! {
            () = service.consultations_given.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Reads all that waits.
///
/// # Errors
/// The database fails, or the folder for readings cannot be written.
pub async fn drain(service: &Service, reader: &Reader) -> Result<(), Failure> {
    while consultation::read_next(service, reader).await? {}
    Ok(())
}
