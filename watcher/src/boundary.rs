//! Where bytes from outside are read: what is not short, off the threads that everything else waits on; and so that a reader that
//! panics costs what it was reading and no more.
//!
//! Readers themselves are bounded in work and memory (`html`, `tree::check`, limits of fetched bodies and mails); this keeps what
//! is left from harming neighbours. What ends the whole process cannot be caught: whoever keeps the record of what is read
//! counts it before, and puts it aside after [`MAX_ATTEMPTS`] tries.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

/// A reader that panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("la lecture a échoué ({0})")]
pub struct ReaderFailed(String);

/// Runs a reader. On the service's runtime the thread's other tasks move on elsewhere meanwhile.
///
/// # Errors
/// The reader panicked; nothing of what it made is kept.
pub fn read<T>(work: impl FnOnce() -> T) -> Result<T, ReaderFailed> {
    let guarded = || catch_unwind(AssertUnwindSafe(work)).map_err(|panic| failed(panic.as_ref()));
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(guarded),
        _ => guarded(),
    }
}

/// What is longer than this is read alone, in bytes: reading takes several times what it reads.
const LARGE: usize = 1024 * 1024;
/// Held by whoever reads something large.
static LARGE_ONE: Mutex<()> = Mutex::new(());

/// What is no longer than this is read where it is, in bytes: the way to another thread costs more than reading it.
const SHORT: usize = 32 * 1024;

/// Runs a reader of so many bytes: short ones on this very thread, of large ones one at a time in this process.
///
/// # Errors
/// The reader panicked; nothing of what it made is kept.
pub fn read_whole<T>(length: usize, work: impl FnOnce() -> T) -> Result<T, ReaderFailed> {
    if length <= SHORT {
        return caught(work);
    }
    read(|| {
        let _alone = (length > LARGE).then(|| LARGE_ONE.lock().unwrap_or_else(PoisonError::into_inner));
        work()
    })
}

/// Reads on this very thread, which must not be one of the runtime's if there is much to read.
///
/// # Errors
/// The reader panicked; nothing of what it made is kept.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, ReaderFailed> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| failed(panic.as_ref()))
}

/// In what words a panic was raised.
pub(crate) fn failed(panic: &(dyn std::any::Any + Send)) -> ReaderFailed {
    let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    ReaderFailed(words.unwrap_or("sans message").chars().take(200).collect())
}

/// Readings of one record that may end the process before it is put aside.
pub const MAX_ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_panic_costs_what_was_read() {
        assert_eq!(read(|| 1), Ok(1));
        let refused = read(|| -> u8 { panic!("trop {}", "profond") }).unwrap_err();
        assert!(refused.to_string().contains("trop profond"), "{refused}");
    }

    #[test]
    fn a_large_one_that_panics_leaves_the_place_to_the_next() {
        assert!(read_whole(LARGE + 1, || panic!("trop")).is_err());
        assert_eq!(read_whole(LARGE + 1, || read_whole(LARGE, || 1)), Ok(Ok(1)));
    }

    /// B4: with a single thread, another task goes on while a reader waits for it: a reader on that thread would wait for ever.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_tasks_go_on_while_a_reader_works() {
        let reading = tokio::spawn(async {
            static DONE: AtomicBool = AtomicBool::new(false);
            tokio::spawn(async { DONE.store(true, Ordering::SeqCst) });
            read(|| {
                while !DONE.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            })
        });
        assert_eq!(reading.await.unwrap(), Ok(()));
    }
}
