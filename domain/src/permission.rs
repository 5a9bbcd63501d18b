//! Who may do what: the one table of roles and permissions. Pages, API, chats, mails and commands ask [`Role::may`]; none has a
//! rule of its own. What belongs to one structure is a question of its own, asked besides: see `Subscriber::structure`.

use crate::subscription::Role;

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Answer for a structure, write its notes, have its dates: everything about decisions.
    Decide,
    /// Say that a verdict is wrong and what holds instead; others report it.
    CorrectVerdict,
    /// Read the monthly table of the clauses of a territory.
    ReadClauseTable,
    /// Keep the operations of one's organisation: what is calibrated, awarded and done under social clauses.
    FollowOperations,
    /// Pass a notice on to the members of a network.
    PassOn,
    /// Open a call for partners, and read who positions itself on which lot.
    Coordinate,
    /// Show everybody a lead of one's own structure.
    PublishLead,
    /// Look after sources, deliveries, people and their access; see what is not public; publish any structure's lead.
    Operate,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 8] = [
        Self::Decide,
        Self::CorrectVerdict,
        Self::ReadClauseTable,
        Self::FollowOperations,
        Self::PassOn,
        Self::Coordinate,
        Self::PublishLead,
        Self::Operate,
    ];
}

impl Role {
    /// Every role, in the order shown to operators.
    pub const ALL: [Self; 5] = [Self::Structure, Self::Facilitator, Self::Network, Self::Subscriber, Self::Operator];

    /// The table.
    #[must_use]
    pub const fn may(self, what: Permission) -> bool {
        match self {
            Self::Structure => {
                matches!(what, Permission::Decide | Permission::Coordinate | Permission::PublishLead)
            }
            Self::Facilitator => {
                matches!(
                    what,
                    Permission::CorrectVerdict
                        | Permission::ReadClauseTable
                        | Permission::FollowOperations
                        | Permission::PublishLead
                )
            }
            Self::Network => matches!(
                what,
                Permission::Decide | Permission::PassOn | Permission::Coordinate | Permission::PublishLead
            ),
            Self::Subscriber => false,
            Self::Operator => !matches!(what, Permission::PassOn | Permission::Coordinate),
        }
    }

    /// As a person reads it.
    #[must_use]
    pub const fn in_french(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Facilitator => "facilitateur",
            Self::Network => "réseau",
            Self::Subscriber => "abonné",
            Self::Operator => "exploitant",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_decides_nothing_and_who_decides_corrects_nothing() {
        for reader in [Role::Facilitator, Role::Subscriber] {
            assert!(!reader.may(Permission::Decide), "{reader:?}");
        }
        for role in Role::ALL {
            assert_eq!(role.may(Permission::Operate), role == Role::Operator);
            let corrects = role.may(Permission::CorrectVerdict);
            assert_eq!(corrects, role.may(Permission::ReadClauseTable), "{role:?}");
        }
        assert!(Permission::ALL.iter().all(|p| Role::ALL.iter().any(|r| r.may(*p))), "nothing is for nobody");
    }
}
