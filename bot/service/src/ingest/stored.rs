//! What is stored of a notice, of its procedure and of the people it may concern, as loaded for a plan.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use vigie_domain::procedure::Statement;
use vigie_domain::{Assessment, Notice, Provision};
use vigie_store::ingest::{KnownNotice, KnownProcedure, Told, Untold};

use super::carried::Carried;
use super::hourly_cap::HourlyLoad;

/// What is stored of a notice and of its procedure.
#[derive(Debug, Default)]
pub struct Stored {
    /// The notice's earlier version.
    pub notice: Option<KnownNotice>,
    /// What that earlier version said.
    pub said: Option<Notice>,
    /// The verdict on that earlier version.
    pub previous: Option<Assessment>,
    /// The procedure it belongs to; none yet for a first notice.
    pub procedure: Option<KnownProcedure>,
    /// Provisions that a person put in the place of the verdict's.
    pub corrected: Option<Vec<Provision>>,
    /// A correction of another notice of the procedure.
    pub carried: Option<Carried>,
    /// The verdict on the procedure's latest other notice, where this one only follows it up.
    pub earlier: Option<Assessment>,
    /// What other notices of the procedure say of themselves, where this one is new to it: one of them may be later.
    pub others: Vec<Statement>,
    /// A notice that only follows others up, with what it inherits of them: whom it concerns is asked of that.
    pub whole: Option<Notice>,
    /// What people were told of the procedure, latest first.
    pub told: Vec<Told>,
}

/// Which procedure a notice belongs to.
#[derive(Debug, Default)]
pub struct Match {
    /// The procedure.
    pub procedure: Option<KnownProcedure>,
    /// Others that this notice shows to be the same one.
    pub duplicates: Vec<String>,
}

/// What is stored of people whom a notice may concern.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// How much they had at once of late.
    pub load: HourlyLoad,
    /// Those whose line about the procedure waits in a digest, and when that digest is due.
    pub lines: HashMap<String, DateTime<Utc>>,
    /// What of the procedure was to be told to each and is replaced before it left, in its order.
    pub untold: HashMap<String, Vec<Untold>>,
}
