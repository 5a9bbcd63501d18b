//! Verdicts are given on one thread of the process.
//!
//! The classifier's patterns keep what they learn of a text's shape for each thread that uses them: on every thread of the
//! runtime that is some ten megabytes each, learnt anew each time. One thread judges thousands of notices a second.
//!
//! A notice whose judging panics costs itself: whoever asked is told, and the thread goes on with the next one.

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vigie_domain::{Assessment, Notice};
use vigie_watcher::boundary::{self, ReaderFailed};
use vigie_watcher::classify;

/// A verdict, and how long it took.
type Verdict = (Assessment, Duration);

/// A notice to be judged, and who waits for the verdict.
struct Case {
    notice: Notice,
    answer: oneshot::Sender<Result<Verdict, ReaderFailed>>,
}

/// The thread that judges; it begins with the first notice, and ends with its owner.
#[derive(Debug, Default)]
pub struct Judge(Mutex<Option<mpsc::Sender<Case>>>);

impl Judge {
    /// The verdict on a notice.
    ///
    /// # Errors
    /// The classifier panicked over it.
    pub(super) async fn verdict(&self, notice: &Notice) -> Result<Verdict, ReaderFailed> {
        let (answer, answered) = oneshot::channel();
        if let Err(case) = self.hand_in(Case { notice: notice.clone(), answer }) {
            return judge(&case.notice); // no thread could be made
        }
        match answered.await {
            Ok(verdict) => verdict,
            Err(_) => judge(notice),
        }
    }

    fn hand_in(&self, case: Case) -> Result<(), Box<Case>> {
        let mut cases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let case = match cases.as_ref() {
            Some(cases) => match cases.send(case) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(case)) => case,
            },
            None => case,
        };
        let (sender, receiver) = mpsc::channel::<Case>();
        let work = move || {
            for Case { notice, answer } in receiver {
                // Who no longer waits has gone.
                let _ = answer.send(judge(&notice));
            }
        };
        if thread::Builder::new().name("judge".to_owned()).spawn(work).is_err() {
            return Err(Box::new(case));
        }
        let sent = sender.send(case).map_err(|mpsc::SendError(case)| Box::new(case));
        *cases = Some(sender);
        sent
    }
}

fn judge(notice: &Notice) -> Result<Verdict, ReaderFailed> {
    let began = Instant::now();
    boundary::caught(|| (classify::classify(notice), began.elapsed()))
}

#[cfg(test)]
mod tests {
    use vigie_domain::NoticeKind;

    use super::*;

    #[tokio::test]
    async fn a_verdict_is_the_classifier_s_and_comes_from_one_thread() {
        let judge = Judge::default();
        for n in 0..3 {
            let mut notice = Notice::new("t", n.to_string(), NoticeKind::Call);
            notice.title = format!("Nettoyage des locaux, site {n}");
            assert_eq!(judge.verdict(&notice).await.unwrap().0, classify::classify(&notice));
        }
        assert!(judge.0.lock().unwrap().is_some());
    }
}
