//! What a structure does about a procedure, lot by lot: from spotted to won.
//!
//! ```text
//! Spotted → Read → Go | NoGo(reason) → Preparing(alone | joint) → Submitted → Won | Lost | NoAward | Abandoned
//! ```
//!
//! A decision belongs to a *structure*, not to a person: colleagues who share a SIRET share it, whichever channel they
//! answer on; nobody else ever sees it. People change their minds, so a decision may move in any direction; only what no
//! one decided (Spotted, Read) never takes the place of what someone did.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::subscription::Role;
use crate::words::words;
use crate::{Department, Filter, Sector, Subscriber};

/// Where a structure stands with a procedure or one of its lots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Told of it.
    #[default]
    Spotted,
    /// Someone opened its page, or acted on the message.
    Read,
    /// They will look into it.
    Go,
    /// They will not answer.
    NoGo,
    /// They write their tender.
    Preparing,
    /// The tender is handed in.
    Submitted,
    /// Awarded to them.
    Won,
    /// Awarded to someone else.
    Lost,
    /// Awarded to nobody (sans suite, infructueux: BT-142, BT-144).
    NoAward,
    /// They gave up after a go.
    Abandoned,
}

words!(Stage);

impl Stage {
    /// Every stage, in the order of the funnel.
    pub const ALL: [Self; 10] = [
        Self::Spotted,
        Self::Read,
        Self::Go,
        Self::NoGo,
        Self::Preparing,
        Self::Submitted,
        Self::Won,
        Self::Lost,
        Self::NoAward,
        Self::Abandoned,
    ];

    /// Those of a structure that went for it and did not say what came of it.
    pub const WENT_FOR_IT: [Self; 3] = [Self::Go, Self::Preparing, Self::Submitted];

    /// Whether the structure has made up its mind.
    #[must_use]
    pub fn is_decided(self) -> bool {
        !matches!(self, Self::Spotted | Self::Read)
    }

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Spotted => "repéré",
            Self::Read => "lu",
            Self::Go => "on y va",
            Self::NoGo => "écarté",
            Self::Preparing => "en préparation",
            Self::Submitted => "remis",
            Self::Won => "gagné",
            Self::Lost => "perdu",
            Self::NoAward => "sans suite",
            Self::Abandoned => "abandonné",
        }
    }

    /// Whether a person decided it; the others merely happened.
    #[must_use]
    pub fn is_decision(self) -> bool {
        !matches!(self, Self::Spotted | Self::Read)
    }

    /// Whether reminders of dates go out.
    #[must_use]
    pub fn wants_reminders(self) -> bool {
        matches!(self, Self::Go | Self::Preparing)
    }

    /// Whether they will not answer, or answer no more.
    #[must_use]
    pub fn declines(self) -> bool {
        matches!(self, Self::NoGo | Self::Abandoned)
    }

    /// Whether nothing is left to do or to wait for.
    #[must_use]
    pub fn is_done_with(self) -> bool {
        matches!(self, Self::NoGo | Self::Won | Self::Lost | Self::NoAward | Self::Abandoned)
    }

    /// Whether `next` may take the place of this one.
    #[must_use]
    pub fn gives_way_to(self, next: Self) -> bool {
        next.is_decision() || (self == Self::Spotted && next == Self::Read)
    }
}

/// Why a structure does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// Not with this buyer.
    Buyer,
    /// Too far.
    Place,
    Trade,
    /// Too large, or too small.
    Size,
    /// Too little time left.
    Time,
    /// Our price was not the best: of a bid that lost.
    Price,
    /// Our offer was not the best but for its price: of a bid that lost.
    Quality,
    Other,
}

words!(Refusal);

impl Refusal {
    /// Every reason why not, as offered.
    pub const ALL: [Self; 6] = [Self::Trade, Self::Place, Self::Size, Self::Time, Self::Buyer, Self::Other];
    /// Every reason why a bid lost, as offered.
    pub const OF_LOSS: [Self; 3] = [Self::Price, Self::Quality, Self::Other];

    /// The reasons that a stage takes.
    #[must_use]
    pub fn of(stage: Stage) -> &'static [Self] {
        match stage {
            Stage::NoGo | Stage::Abandoned => &Self::ALL,
            Stage::Lost => &Self::OF_LOSS,
            _ => &[],
        }
    }

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Buyer => "pas cet acheteur",
            Self::Place => "trop loin",
            Self::Trade => "pas notre métier",
            Self::Size => "pas à notre taille",
            Self::Time => "délai trop court",
            Self::Price => "notre prix",
            Self::Quality => "notre note technique",
            Self::Other => "autre raison",
        }
    }
}

/// What a structure decided about a procedure, or one lot of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The structure: see [`Subscriber::structure`].
    pub structure: String,
    pub procedure: String,
    /// The lot; empty = the whole procedure.
    pub lot: String,
    pub stage: Stage,
    /// Why not, where it was left out or abandoned; why, where it lost.
    pub refusal: Option<Refusal>,
    /// Prepared with others (groupement), where that was said.
    pub joint: Option<bool>,
    /// Who takes care of it, as they are called.
    pub assignee: String,
    pub note: String,
    /// A reminder the person asked for.
    pub remind_at: Option<DateTime<Utc>>,
    /// Who decided last, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

impl Decision {
    /// A decision on a whole procedure, with nothing said but the stage.
    #[must_use]
    pub fn new(structure: &str, procedure: &str, stage: Stage, by: &str, at: DateTime<Utc>) -> Self {
        Self {
            structure: structure.to_owned(),
            procedure: procedure.to_owned(),
            lot: String::new(),
            stage,
            refusal: None,
            joint: None,
            assignee: String::new(),
            note: String::new(),
            remind_at: None,
            by: by.to_owned(),
            at,
        }
    }

    /// What a page that shows it sends back with an answer, so that an answer to what no longer stands is known; empty while
    /// nobody decided.
    #[must_use]
    pub fn mark(&self) -> String {
        if self.stage.is_decision() {
            format!("{}.{}", self.stage.as_str(), self.at.timestamp_millis())
        } else {
            String::new()
        }
    }
}

impl Subscriber {
    /// The structure whose decisions this person shares: colleagues are known by their SIRET; a person without one stands
    /// alone.
    #[must_use]
    pub fn structure(&self) -> &str {
        self.profile.siret.as_deref().filter(|s| !s.is_empty()).unwrap_or(&self.id)
    }

    /// Whether they say to be a facilitator and wait for somebody who may to give them the role.
    #[must_use]
    pub fn asks_to_be_facilitator(&self) -> bool {
        self.profile.says_facilitator && self.role == Role::Subscriber
    }
}

/// How a subscription may be narrowed after a no-go.
#[derive(Debug, Clone, PartialEq)]
pub enum Narrowing {
    /// Without this buyer (SIRET).
    Buyer(String),
    Sectors(Vec<Sector>),
    Departments(Vec<Department>),
    /// With no circle wider than that, in kilometres.
    Circle(u16),
    /// Only what leaves that many days.
    Lead(i64),
    /// Only what is worth less, in euros.
    Below(f64),
    /// Only what is worth more, in euros.
    Above(f64),
}

/// The filter narrowed; `None` where nothing would change, or where it would let nothing, or everything, through.
#[must_use]
pub fn narrowed(filter: &Filter, narrowing: &Narrowing) -> Option<Filter> {
    let mut narrow = filter.clone();
    match narrowing {
        Narrowing::Buyer(siret) if narrow.excluded_buyers.contains(siret) => {}
        Narrowing::Buyer(siret) => narrow.excluded_buyers.push(siret.clone()),
        Narrowing::Sectors(gone) => narrow.sectors.retain(|s| !gone.contains(s)),
        Narrowing::Departments(gone) => narrow.departments.retain(|d| !gone.contains(d)),
        Narrowing::Circle(km) => narrow.around.iter_mut().for_each(|a| a.km = a.km.min((*km).max(1))),
        Narrowing::Lead(days) => narrow.min_lead_days = narrow.min_lead_days.max(Some(*days)),
        Narrowing::Below(value) => narrow.max_amount = Some(narrow.max_amount.unwrap_or(f64::MAX).min(*value)),
        Narrowing::Above(value) => narrow.min_amount = Some(narrow.min_amount.unwrap_or(0.0).max(*value)),
    }
    // An empty condition asks for everything.
    let nowhere = |f: &Filter| f.departments.is_empty() && f.epcis.is_empty() && f.around.is_empty();
    let opened = narrow.sectors.is_empty() && !filter.sectors.is_empty() || nowhere(&narrow) && !nowhere(filter);
    (narrow != *filter && !opened && narrow.faults().is_empty()).then_some(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_merely_happened_never_replaces_a_decision() {
        for stage in Stage::ALL {
            assert!(!stage.gives_way_to(Stage::Spotted), "{stage:?}");
            assert_eq!(stage.gives_way_to(Stage::Read), stage == Stage::Spotted, "{stage:?}");
            assert!(stage.gives_way_to(Stage::NoGo), "people change their minds: {stage:?}");
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
        }
    }

    #[test]
    fn a_reason_narrows_once_and_never_opens() {
        let departments = |codes: &[&str]| codes.iter().filter_map(|c| Department::parse(c)).collect::<Vec<_>>();
        let filter = Filter {
            sectors: vec!["a".into(), "b".into()],
            departments: departments(&["59", "62"]),
            around: vec![crate::Around { commune: "62498".into(), km: 30 }],
            ..Filter::default()
        };
        for (narrowing, holds) in [
            (Narrowing::Buyer("21590350100017".into()), "excluded_buyers: [\"21590350100017\"]"),
            (Narrowing::Sectors(vec!["a".into()]), "sectors: [\"b\"]"),
            (Narrowing::Departments(departments(&["59"])), "departments: [Department(\"62\")]"),
            (Narrowing::Circle(20), "km: 20"),
            (Narrowing::Lead(12), "min_lead_days: Some(12)"),
            (Narrowing::Below(90_000.0), "max_amount: Some(90000.0)"),
            (Narrowing::Above(20_000.0), "min_amount: Some(20000.0)"),
        ] {
            let narrow = narrowed(&filter, &narrowing).unwrap();
            assert!(format!("{narrow:?}").contains(holds), "{narrow:?}");
            assert_eq!(narrowed(&narrow, &narrowing), None, "twice: {narrowing:?}");
        }
        for opens in
            [Narrowing::Sectors(filter.sectors.clone()), Narrowing::Circle(40), Narrowing::Sectors(vec!["z".into()])]
        {
            assert_eq!(narrowed(&filter, &opens), None, "{opens:?}");
        }
        let nord = Filter { departments: departments(&["59"]), ..Filter::default() };
        assert_eq!(
            narrowed(&nord, &Narrowing::Departments(departments(&["59"]))),
            None,
            "nowhere would mean everywhere"
        );
        let dear = Filter { min_amount: Some(50_000.0), ..Filter::default() };
        assert_eq!(narrowed(&dear, &Narrowing::Below(40_000.0)), None);
    }
}
