//! Where the dialogue stands, and where it goes.

use serde::{Deserialize, Serialize};
use vigie_service::breadth::Way;

use vigie_domain::{Around, Cadence, Department, Filter, ProvisionKind, Sector, StructureKind, Subscription};

/// A question of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Which structure, by its SIRET.
    Siret,
    /// Is it this one?
    Known,
    /// What kind of structure.
    Kind,
    /// Which trades.
    Sectors,
    /// Where.
    Places,
    /// Which provisions.
    Provisions,
    /// How often.
    Rhythm,
    /// Is that right?
    Confirm,
    /// Any other condition?
    Refine,
    /// How is it to be called?
    Name,
}

impl Step {
    /// The word in buttons.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Siret => "siret",
            Self::Known => "known",
            Self::Kind => "kind",
            Self::Sectors => "sectors",
            Self::Places => "places",
            Self::Provisions => "provisions",
            Self::Rhythm => "rhythm",
            Self::Confirm => "confirm",
            Self::Refine => "refine",
            Self::Name => "name",
        }
    }

    pub(super) fn before(self) -> Self {
        match self {
            Self::Siret | Self::Known | Self::Kind => Self::Siret,
            Self::Sectors => Self::Kind,
            Self::Places => Self::Sectors,
            Self::Provisions => Self::Places,
            Self::Rhythm => Self::Provisions,
            Self::Confirm => Self::Rhythm,
            Self::Refine | Self::Name => Self::Confirm,
        }
    }
}

/// A subscription on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The question that waits.
    pub step: Step,
    /// The structure's SIRET, where it was found in the directory.
    #[serde(default)]
    pub siret: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its kind.
    #[serde(default)]
    pub kind: Option<StructureKind>,
    /// Trades; empty = all.
    #[serde(default)]
    pub sectors: Vec<Sector>,
    /// Places; these and the next two empty = everywhere.
    #[serde(default)]
    pub departments: Vec<Department>,
    /// Intercommunalities.
    #[serde(default)]
    pub epcis: Vec<String>,
    /// Circles.
    #[serde(default)]
    pub around: Vec<Around>,
    /// Provisions; empty = any, or none.
    #[serde(default)]
    pub provisions: Vec<ProvisionKind>,
    /// Rhythm.
    #[serde(default)]
    pub cadence: Option<Cadence>,
    /// Other conditions.
    #[serde(default)]
    pub more: Filter,
    /// Trades named that are not settled yet, in order: none is dropped without a word.
    #[serde(default)]
    pub unsettled: Vec<Unsettled>,
    /// The commune that waits for its distance, as it is written.
    #[serde(default)]
    pub distance_of: Option<String>,
    /// The subscription that is changed, by identifier; none = a new one.
    #[serde(default)]
    pub changes: Option<String>,
    /// How its owner calls it.
    #[serde(default)]
    pub title: String,
    /// Changes that would help, where it would give too much or nothing, as they were proposed last.
    #[serde(default)]
    pub ways: Vec<Way>,
}

/// A word that may mean several trades.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsettled {
    /// As it was said.
    pub word: String,
    /// What it may mean.
    pub choices: Vec<Sector>,
}

impl Draft {
    /// What it would ask for.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            sectors: self.sectors.clone(),
            departments: self.departments.clone(),
            epcis: self.epcis.clone(),
            around: self.around.clone(),
            provisions: self.provisions.clone(),
            ..self.more.clone()
        }
    }

    /// The same, asking for that.
    #[must_use]
    pub fn asking(self, filter: &Filter) -> Self {
        let Filter { sectors, departments, epcis, around, provisions, .. } = filter.clone();
        let more = Filter {
            sectors: Vec::new(),
            departments: Vec::new(),
            epcis: Vec::new(),
            around: Vec::new(),
            provisions: Vec::new(),
            ..filter.clone()
        };
        Self { sectors, departments, epcis, around, provisions, more, ways: Vec::new(), ..self }
    }

    /// A subscription as it stands, to be changed by its owner.
    #[must_use]
    pub fn of(subscription: &Subscription, kind: Option<StructureKind>) -> Self {
        let bare = Self {
            step: Step::Confirm,
            siret: None,
            name: String::new(),
            kind,
            sectors: Vec::new(),
            departments: Vec::new(),
            epcis: Vec::new(),
            around: Vec::new(),
            provisions: Vec::new(),
            cadence: Some(subscription.cadence),
            more: Filter::default(),
            unsettled: Vec::new(),
            distance_of: None,
            changes: Some(subscription.id.clone()),
            title: subscription.name.clone(),
            ways: Vec::new(),
        };
        bare.asking(&subscription.filter)
    }

    /// The question after one that is answered: whoever changes a subscription comes back to it as a whole.
    pub(super) fn onward(&self, step: Step) -> Step {
        if self.changes.is_some() { Step::Confirm } else { step }
    }

    pub(super) fn back(&self) -> Step {
        if self.changes.is_some() { Step::Confirm } else { self.step.before() }
    }

    /// What the first trade that is not settled may mean.
    pub(super) fn choices(&self) -> &[Sector] {
        self.unsettled.first().map_or(&[], |u| u.choices.as_slice())
    }

    pub(super) fn is_everywhere(&self) -> bool {
        self.departments.is_empty() && self.epcis.is_empty() && self.around.is_empty()
    }

    pub(super) fn without_places(self) -> Self {
        Self { departments: Vec::new(), epcis: Vec::new(), around: Vec::new(), distance_of: None, ..self }
    }
}

/// Where the dialogue goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The question of the draft is to be asked, after that word.
    Ask(Draft, String),
    /// Nothing was understood: the same question, and why.
    Again(Draft, String),
    /// The directory is to be asked for this SIRET; `found` goes on.
    LookUp(Draft, String),
    /// The subscription is to be kept.
    Save(Draft),
    /// They left.
    Cancelled,
}
