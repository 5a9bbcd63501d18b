//! Social provisions of the Code de la commande publique, each with the evidence that decided it.

use serde::{Deserialize, Serialize};

/// For whom a contract or lot is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beneficiary {
    /// EA and ESAT (L2113-12).
    Disability,
    /// SIAE (L2113-13).
    Insertion,
    /// Both together (L2113-14).
    Both,
    /// Production in prison (L2113-13-1).
    Prison,
    /// Companies of the social economy, for health, social and cultural services (L2113-15, L2113-16).
    SocialEconomy,
    /// Reserved, the notice does not say for whom.
    Unspecified,
}

/// What a buyer asks, grants or reserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionKind {
    /// Only some structures may bid (L2113-12 to L2113-16; concessions L3113-1 and following).
    Reserved,
    /// The winner must give work to people far from employment (L2112-2, L2112-2-1; concessions L3114-2).
    ExecutionClause,
    /// Social performance weighs in the choice (L2152-7, R2152-7).
    AwardCriterion,
    /// The object itself is insertion (R2123-1 3°).
    InsertionService,
    /// Above the EU thresholds since 22 August 2026, yet no social condition stands in the notice (L2112-2-1): a hint.
    SocialConditionNotSeen,
    /// Another social consideration (learning contracts, immersion periods, equality…).
    Other,
    /// Words that speak of work for people far from employment or of reserved access, and that no rule explains nor denies: to be
    /// read by a person, never an alarm.
    ToVerify,
}

impl ProvisionKind {
    /// The word used in JSON, filters and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::ExecutionClause => "execution_clause",
            Self::AwardCriterion => "award_criterion",
            Self::InsertionService => "insertion_service",
            Self::SocialConditionNotSeen => "social_condition_not_seen",
            Self::Other => "other",
            Self::ToVerify => "to_verify",
        }
    }
}

/// The words, or the field, that decided. At least one of `quote` and `field` is present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Path of the passage or code in the source's own names.
    pub field: Option<String>,
    /// Verbatim words; `None` where only a code says it.
    pub quote: Option<String>,
}

impl Evidence {
    /// The field of what a person said in the place of what was read.
    pub const CORRECTION: &str = "correction";

    /// A person's word, without words of the notice.
    #[must_use]
    pub fn corrected() -> Self {
        Self { field: Some(Self::CORRECTION.to_owned()), quote: None }
    }
}

/// The doubt of what a buyer only means to reserve.
pub const INTENDED: &str = "réservation envisagée";

/// One social provision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provision {
    /// What it is.
    pub kind: ProvisionKind,
    /// For whom, when reserved.
    pub beneficiary: Option<Beneficiary>,
    /// Lots it binds to; empty = all.
    pub lots: Vec<String>,
    /// Hours of insertion asked, for the lots named.
    pub hours: Option<f64>,
    /// Upper end, where the text gives a range ("300 à 400 heures").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_max: Option<f64>,
    /// The hours are those of each year of the contract.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hours_yearly: bool,
    /// Share of hours, 0–100.
    pub percent: Option<f64>,
    /// Weight of the criterion, 0–100.
    pub weight: Option<f64>,
    /// Whether the winner is bound; `None` where the question makes no sense.
    pub mandatory: Option<bool>,
    /// Article of the Code de la commande publique cited or implied.
    pub article: Option<String>,
    /// Where it was read.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// A doubt worth telling, in French ("la case dit oui, le texte dit non").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Provision {
    /// A provision of `kind` for all lots, proven by `evidence`.
    #[must_use]
    pub fn new(kind: ProvisionKind, evidence: Evidence) -> Self {
        Self {
            kind,
            beneficiary: None,
            lots: Vec::new(),
            hours: None,
            hours_max: None,
            hours_yearly: false,
            percent: None,
            weight: None,
            mandatory: None,
            article: None,
            evidence,
            doubt: None,
        }
    }

    /// Whether the buyer only means to ask for it: words of a planned purchase, not yet those of a call.
    #[must_use]
    pub fn is_intended(&self) -> bool {
        self.doubt.as_deref() == Some(INTENDED)
    }

    /// Whether it holds for `lot` (`None` = the procedure as a whole).
    #[must_use]
    pub fn covers(&self, lot: Option<&str>) -> bool {
        self.lots.is_empty() || lot.is_none_or(|l| self.lots.iter().any(|x| x == l))
    }
}
