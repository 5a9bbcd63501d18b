//! How much a notice offers: what colours and the order of digests follow, the same on every surface. Pure.

use crate::{Assessment, ProvisionKind};

/// How much a notice offers to structures, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Nothing that was recognised.
    None,
    /// A trade of theirs, or words to be verified.
    Light,
    /// A clause or a criterion.
    Medium,
    /// Reserved, or insertion itself.
    Strong,
}

impl Strength {
    /// What this verdict offers.
    #[must_use]
    pub fn of(a: &Assessment) -> Self {
        Self::of_provisions(a.provisions.iter().map(|p| p.kind), !a.sectors.is_empty())
    }

    /// What provisions offer, beside a trade of theirs or not.
    #[must_use]
    pub fn of_provisions(provisions: impl IntoIterator<Item = ProvisionKind>, trades: bool) -> Self {
        let of = |kind| match kind {
            ProvisionKind::Reserved | ProvisionKind::InsertionService => Self::Strong,
            ProvisionKind::ExecutionClause | ProvisionKind::AwardCriterion => Self::Medium,
            ProvisionKind::Other | ProvisionKind::ToVerify => Self::Light,
            ProvisionKind::SocialConditionNotSeen => Self::None,
        };
        let least = if trades { Self::Light } else { Self::None };
        provisions.into_iter().map(of).max().unwrap_or(least).max(least)
    }

    /// A name for style sheets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Strong => "strong",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, NoticeKind, Provision};

    #[test]
    fn a_reservation_is_more_than_a_clause_and_a_clause_more_than_a_trade() {
        let mut a = Assessment::new("1", NoticeKind::Call);
        let mut seen = vec![Strength::of(&a)];
        a.sectors.push("nettoyage".into());
        seen.push(Strength::of(&a));
        for kind in [ProvisionKind::SocialConditionNotSeen, ProvisionKind::ExecutionClause, ProvisionKind::Reserved] {
            a.provisions.push(Provision::new(kind, Evidence::default()));
            seen.push(Strength::of(&a));
        }
        assert_eq!(seen, [Strength::None, Strength::Light, Strength::Light, Strength::Medium, Strength::Strong]);
    }
}
