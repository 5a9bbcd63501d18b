//! Verdicts are given on two threads of the process: one for short notices, one for long ones.
//!
//! The classifier's patterns keep what they learn of a text's shape for each thread that uses them: on every thread of the
//! runtime that is some megabytes each, learnt anew each time. One thread judges thousands of ordinary notices a second. A text
//! that takes long to read has the other thread, so that it delays other long ones and nobody else; several short ones of a
//! page make the way together, as many as one of the longest short ones would take.
//!
//! A notice whose judging panics costs itself: whoever asked is told, and the thread goes on with the next one.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vigie_domain::{Assessment, Notice};
use vigie_watcher::boundary::{self, ReaderFailed};
use vigie_watcher::classify;

/// Text of a long notice, in bytes: some milliseconds of reading, and far above an ordinary notice.
const LONG: usize = 64 << 10;

/// A verdict, and how long it took; or why there is none.
pub(super) type Verdict = Result<(Assessment, Duration), ReaderFailed>;

/// Notices to be judged, and who waits for the verdicts.
struct Case {
    notices: Vec<Arc<Notice>>,
    answer: oneshot::Sender<Vec<Verdict>>,
}

/// Those who judge.
#[derive(Debug, Default)]
pub struct Judge {
    short: Worker,
    long: Worker,
}

impl Judge {
    /// The verdicts on some notices, in their order.
    pub(super) async fn verdicts(&self, notices: &[Arc<Notice>]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(notices.len());
        for case in cases(notices) {
            let worker = if length(&case[0]) < LONG { &self.short } else { &self.long };
            verdicts.extend(worker.verdicts(case).await);
        }
        verdicts
    }
}

/// The text of a notice, in bytes.
fn length(notice: &Notice) -> usize {
    let lots = notice.lots.iter().map(|l| l.title.len());
    notice.title.len() + lots.chain(notice.passages.iter().map(|p| p.text.len())).sum::<usize>()
}

/// Neighbours that are judged together: a long one alone, short ones up to the length of a long one.
fn cases(notices: &[Arc<Notice>]) -> impl Iterator<Item = &[Arc<Notice>]> {
    let mut together = 0;
    notices.chunk_by(move |one, next| {
        together += length(one);
        let fits = together + length(next) < LONG;
        if !fits {
            together = 0;
        }
        fits
    })
}

/// A thread that judges; it begins with its first notice, and ends with its owner.
#[derive(Debug, Default)]
struct Worker(Mutex<Option<mpsc::Sender<Case>>>);

impl Worker {
    async fn verdicts(&self, notices: &[Arc<Notice>]) -> Vec<Verdict> {
        let (answer, answered) = oneshot::channel();
        // Where no thread could be made, or it has ended, they are judged here.
        if self.hand_in(Case { notices: notices.to_vec(), answer })
            && let Ok(verdicts) = answered.await
        {
            return verdicts;
        }
        notices.iter().map(|n| judge(n)).collect()
    }

    /// Whether somebody will answer.
    fn hand_in(&self, case: Case) -> bool {
        let mut cases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let case = match cases.as_ref() {
            Some(cases) => match cases.send(case) {
                Ok(()) => return true,
                Err(mpsc::SendError(case)) => case,
            },
            None => case,
        };
        let (sender, receiver) = mpsc::channel::<Case>();
        let work = move || {
            for Case { notices, answer } in receiver {
                // Who no longer waits has gone.
                let _ = answer.send(notices.iter().map(|n| judge(n)).collect());
            }
        };
        if thread::Builder::new().name("judge".to_owned()).spawn(work).is_err() {
            return false;
        }
        let sent = sender.send(case).is_ok();
        *cases = Some(sender);
        sent
    }
}

fn judge(notice: &Notice) -> Verdict {
    let began = Instant::now();
    boundary::caught(|| (classify::classify(notice), began.elapsed()))
}

#[cfg(test)]
mod tests {
    use vigie_domain::{NoticeKind, notice::Passage};

    use super::*;

    fn notice(n: usize, length: usize) -> Arc<Notice> {
        let mut notice = Notice::new("t", n.to_string(), NoticeKind::Call);
        notice.title = format!("Nettoyage des locaux, site {n}");
        notice.passages = vec![Passage { field: "t".to_owned(), lot: None, text: "x".repeat(length) }];
        Arc::new(notice)
    }

    #[tokio::test]
    async fn verdicts_are_the_classifier_s_in_the_order_of_the_notices() {
        let judge = Judge::default();
        let notices: Vec<_> =
            [10, 40_000, 200_000, 10, 40_000, 40_000].into_iter().enumerate().map(|(n, l)| notice(n, l)).collect();
        let verdicts = judge.verdicts(&notices).await;
        assert_eq!(verdicts.len(), notices.len());
        for (notice, verdict) in notices.iter().zip(verdicts) {
            assert_eq!(verdict.unwrap().0, classify::classify(notice));
        }
        assert!(judge.verdicts(&[]).await.is_empty());
    }

    #[test]
    fn a_long_text_is_judged_alone_and_short_ones_together_up_to_its_length() {
        let notices: Vec<_> =
            [10, 10, 40_000, 40_000, 200_000, 10, 300_000, 300_000].into_iter().map(|l| notice(0, l)).collect();
        let lengths: Vec<usize> = cases(&notices).map(<[_]>::len).collect();
        assert_eq!(lengths, [3, 1, 1, 1, 1, 1]);
    }

    /// The thread of short notices is free while a long one waits for its turn.
    #[tokio::test]
    async fn a_long_text_does_not_hold_up_a_short_one() {
        let judge = Judge::default();
        // Nobody takes what is handed in here: a text that is never read to its end.
        let (endless, kept) = mpsc::channel();
        *judge.long.0.lock().unwrap() = Some(endless);
        let long = [notice(1, LONG)];
        let waiting = judge.verdicts(&long);
        tokio::pin!(waiting);
        let short = [notice(2, 10)];
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("nobody has read it"),
            verdicts = judge.verdicts(&short) => assert_eq!(verdicts.len(), 1),
        }
        // Whoever waited is answered all the same.
        drop(kept);
        assert_eq!(waiting.await.len(), 1);
    }
}
