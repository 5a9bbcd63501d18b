//! The verdict on a notice: what it offers to structures, lot by lot, and why.
//!
//! Invariant: every [`Provision`] carries a quote or a field; `score` is 0–100 and explained by `reasons`.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use crate::{Cpv, Department, Evidence, NoticeKind, Provision, ProvisionKind, Sector, StructureKind, TypedDate};

/// A way in that a procedure offers to a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Reserved contract or lot.
    Reserved,
    /// Open contract in the trades of structures: bid alone.
    DirectBid,
    /// Bid together with a company or other structures.
    JointBid,
    /// Offer subcontracting, staff on loan or candidates to the one who owes insertion hours.
    SubcontractOrStaff,
    /// Make yourself known before the call.
    Sourcing,
    /// A private buyer.
    PrivateSupply,
}

/// A fact needed to decide, besides dates and provisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// A visit is demanded (or offered) without a date the text gives.
    Visit,
    /// Duration of the contract, in months where it can be computed.
    Duration,
    /// Number of renewals.
    Renewals,
    /// Duration and renewals together, in months: the latest end.
    LatestEnd,
    /// Maximum of a framework agreement, in euros without tax: not a value.
    FrameworkMaximum,
    /// How many lots one bidder may win, or bid for.
    LotCap,
    /// Form of a joint bid the buyer imposes.
    JointBidForm,
    /// Minimum yearly turnover.
    MinimumTurnover,
    /// Staff must be taken over (reprise du personnel).
    StaffTakeover,
    /// A certificate, licence or agreement asked for.
    Certificate,
}

/// A fact with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionFact {
    /// What it is about.
    pub kind: FactKind,
    /// Number in the unit of `kind`, when one could be read.
    pub value: Option<f64>,
    /// Where it was read.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// The lot concerned; `None` = the whole procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

/// What is known of one lot after judgement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AssessedLot {
    /// Lot number.
    pub id: String,
    /// Title.
    pub title: String,
    /// Codes.
    pub cpv: Vec<Cpv>,
    /// Départements of performance (those of the procedure where the lot says nothing).
    pub departments: Vec<Department>,
    /// Communes that its title or text names; empty = as the form, or the procedure, says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<crate::Place>,
    /// Sectors of this lot.
    #[serde(default)]
    pub sectors: Vec<Sector>,
}

/// The verdict. Its JSON form is the contract of `vigie classify` (`docs/classify.schema.json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The source's own identifier of the notice.
    pub id: String,
    /// What the notice announces.
    pub notice_kind: NoticeKind,
    /// Title, white space collapsed.
    pub title: String,
    /// Name of the buyer; `None` when the notice gives none.
    pub buyer: Option<String>,
    /// Codes, main one first.
    pub cpv: Vec<Cpv>,
    /// Départements of performance.
    pub departments: Vec<Department>,
    /// Typed dates, structured ones first.
    pub dates: Vec<TypedDate>,
    /// Lots.
    pub lots: Vec<AssessedLot>,
    /// Social provisions.
    pub provisions: Vec<Provision>,
    /// Sectors of the whole procedure (union of the lots').
    pub sectors: Vec<Sector>,
    /// Sectors of needs beside the main object (site cleaning on a building site…).
    #[serde(default)]
    pub side_sectors: Vec<Sector>,
    /// Ways in.
    pub routes: Vec<Route>,
    /// Kinds of structure that may answer or take part.
    pub eligible_kinds: Vec<StructureKind>,
    /// Facts needed to decide.
    #[serde(default)]
    pub facts: Vec<DecisionFact>,
    /// Winners, on award notices.
    #[serde(default)]
    pub awards: Vec<crate::notice::Award>,
    /// What the notice offers to structures in general, 0–100.
    pub score: u8,
    /// Why, in French, strongest first.
    pub reasons: Vec<String>,
}

impl Assessment {
    /// The verdict on a notice that says nothing.
    #[must_use]
    pub fn new(id: impl Into<String>, notice_kind: NoticeKind) -> Self {
        Self {
            id: id.into(),
            notice_kind,
            title: String::new(),
            buyer: None,
            cpv: Vec::new(),
            departments: Vec::new(),
            dates: Vec::new(),
            lots: Vec::new(),
            provisions: Vec::new(),
            sectors: Vec::new(),
            side_sectors: Vec::new(),
            routes: Vec::new(),
            eligible_kinds: Vec::new(),
            facts: Vec::new(),
            awards: Vec::new(),
            score: 0,
            reasons: Vec::new(),
        }
    }

    /// The closing moment of the procedure (see [`crate::date::closing`]).
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<FixedOffset>> {
        crate::date::closing(&self.dates)
    }

    /// Whether some provision is of `kind`.
    #[must_use]
    pub fn has(&self, kind: ProvisionKind) -> bool {
        self.provisions.iter().any(|p| p.kind == kind)
    }

    /// Title of a lot, empty when unknown.
    #[must_use]
    pub fn lot_title(&self, id: &str) -> &str {
        self.lots.iter().find(|l| l.id == id).map_or("", |l| l.title.as_str())
    }
}
