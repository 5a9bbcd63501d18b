//! What the torment counts.

use std::collections::BTreeMap;
use std::io::Write;

/// What is counted at the end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) lost: usize,
    pub(super) unexpected: usize,
    pub(super) duplicated: usize,
    unrecorded: usize,
    pub(super) ambiguous: usize,
    pub(super) kills: usize,
    pub(super) messages: usize,
    /// Kills at each crash point.
    pub(super) at_points: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub(super) fn good(&self) -> bool {
        self.lost == 0 && self.unexpected == 0 && self.unrecorded == 0
    }

    pub(super) fn lose(&mut self, reader: &str, what: &str) {
        self.lost += 1;
        let _ = writeln!(std::io::stderr(), "{reader} never got {what}");
    }

    pub(super) fn surprise(&mut self, reader: &str, what: &str, times: usize) {
        self.unexpected += times;
        let _ = writeln!(std::io::stderr(), "{reader} got {what}, which was not due ({times})");
    }

    /// Messages that arrived again, and attempts that say that they might have arrived.
    pub(super) fn repeat(&mut self, reader: &str, times: usize, doubtful: usize) {
        self.duplicated += times;
        self.ambiguous += doubtful;
        if times > doubtful {
            self.unrecorded += times - doubtful;
            let _ = writeln!(std::io::stderr(), "{reader} got {times} messages again; {doubtful} are on record");
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.unrecorded > 0 {
            writeln!(f, "{} messages arrived twice without a record that they might have", self.unrecorded)?;
        }
        write!(f, "messages={}", self.messages)?;
        for (point, kills) in &self.at_points {
            write!(f, " {point}={kills}")?;
        }
        writeln!(f)?;
        write!(
            f,
            "lost={} unexpected={} duplicated={} ambiguous={} kills={}",
            self.lost, self.unexpected, self.duplicated, self.ambiguous, self.kills
        )
    }
}
