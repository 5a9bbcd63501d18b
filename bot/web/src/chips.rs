//! The colours of a row: how strong what it offers is, and how it stands. Strength and state never share a colour, so that a
//! reserved market that closes tomorrow shows both. Pure.

use vigie_domain::{Assessment, ProvisionKind};
use vigie_store::search::{SearchRow, State};

/// How strong what a procedure offers is: 3 reserved to structures, or made for insertion; 2 a clause or a criterion; 1 a trade
/// or a doubt; 0 nothing.
pub(crate) fn strength(provisions: impl IntoIterator<Item = ProvisionKind>, trades: bool) -> u8 {
    let of = |kind| match kind {
        ProvisionKind::Reserved | ProvisionKind::InsertionService => 3,
        ProvisionKind::ExecutionClause | ProvisionKind::AwardCriterion => 2,
        ProvisionKind::Other | ProvisionKind::ToVerify => 1,
        ProvisionKind::SocialConditionNotSeen => 0,
    };
    provisions.into_iter().map(of).max().unwrap_or(0).max(u8::from(trades))
}

pub(crate) fn strength_of(a: &Assessment) -> u8 {
    strength(a.provisions.iter().map(|p| p.kind), !a.sectors.is_empty())
}

pub(crate) fn strength_of_row(row: &SearchRow) -> u8 {
    strength(row.provisions.iter().copied(), !row.sectors.is_empty())
}

/// The class of a state in the style sheet.
pub(crate) fn state_class(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Planned => "planned",
        State::Closed => "closed",
        State::Awarded => "awarded",
        State::Cancelled => "cancelled",
    }
}
