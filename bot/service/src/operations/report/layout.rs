//! What an organisation chooses of its table: what its rows are, its columns with their order and names, its filters. The columns are those
//! of the tables that facilitators send.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use vigie_domain::Department;
use vigie_domain::operation::{OperationQuery, Programme};

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Model {
    /// A row an operation, lot, company and modality.
    #[default]
    Monthly,
    /// A row a modality.
    Modalities,
    /// A row a purchase that is planned: those that are followed, and those of the territory that nobody follows yet.
    Planned,
    /// A row a provision published in the month on the territory.
    Clauses,
}

impl Model {
    pub const ALL: [Self; 4] = [Self::Monthly, Self::Modalities, Self::Clauses, Self::Planned];

    /// The word used in addresses of pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Monthly => "mensuel, par opération",
            Self::Modalities => "par modalité",
            Self::Planned => "achats programmés",
            Self::Clauses => "nouvelles clauses du mois",
        }
    }

    /// Whether its rows are hours.
    #[must_use]
    pub fn counts_hours(self) -> bool {
        matches!(self, Self::Monthly | Self::Modalities)
    }

    /// Its columns, in the order of the model.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        use Column as C;
        match self {
            Self::Monthly => &[
                C::Month,
                C::Territory,
                C::Buyer,
                C::Operation,
                C::Lot,
                C::Company,
                C::Siret,
                C::Facilitator,
                C::Owed,
                C::PlannedInMonth,
                C::DoneInMonth,
                C::DoneInAll,
                C::Share,
                C::Modality,
                C::Remark,
                C::Reference,
                C::Programme,
            ],
            Self::Modalities => {
                &[C::Month, C::Modality, C::DoneInMonth, C::Share, C::People, C::Quarters, C::Women, C::Disabled]
            }
            Self::Planned => &[
                C::NextDate,
                C::Buyer,
                C::Operation,
                C::Amount,
                C::Trades,
                C::InReach,
                C::Opinion,
                C::State,
                C::Calibrated,
                C::Territory,
                C::Facilitator,
                C::Reference,
                C::Programme,
            ],
            Self::Clauses => {
                &[C::PublishedOn, C::Source, C::Buyer, C::Object, C::Lots, C::Provision, C::Asked, C::Closes, C::Link]
            }
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Column {
    Month,
    Territory,
    Buyer,
    Operation,
    Reference,
    Programme,
    Lot,
    Company,
    Siret,
    Facilitator,
    Owed,
    PlannedInMonth,
    DoneInMonth,
    DoneInAll,
    Share,
    Modality,
    Remark,
    People,
    Quarters,
    Women,
    Disabled,
    NextDate,
    Amount,
    Calibrated,
    Opinion,
    State,
    Trades,
    InReach,
    PublishedOn,
    Source,
    Object,
    Lots,
    Provision,
    Asked,
    Closes,
    Link,
}

impl Column {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether its cells are figures.
    #[must_use]
    pub fn is_figure(self) -> bool {
        use Column as C;
        matches!(
            self,
            C::Owed
                | C::PlannedInMonth
                | C::DoneInMonth
                | C::DoneInAll
                | C::Share
                | C::People
                | C::Quarters
                | C::Women
                | C::Disabled
                | C::Amount
                | C::Calibrated
                | C::InReach
        )
    }

    /// The name that it bears unless the organisation gives it another.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Month => "Mois",
            Self::Territory => "Territoire",
            Self::Buyer => "Acheteur",
            Self::Operation => "Opération",
            Self::Reference => "Référence",
            Self::Programme => "Programme",
            Self::Lot => "Lot",
            Self::Company => "Entreprise",
            Self::Siret => "SIRET",
            Self::Facilitator => "Facilitateur",
            Self::Owed => "Heures dues",
            Self::PlannedInMonth => "Heures prévues dans le mois",
            Self::DoneInMonth => "Heures réalisées dans le mois",
            Self::DoneInAll => "Heures réalisées en tout par l’entreprise",
            Self::Share => "Part (%)",
            Self::Modality => "Modalité",
            Self::Remark => "Remarque",
            Self::People => "Personnes",
            Self::Quarters => "dont QPV",
            Self::Women => "dont femmes",
            Self::Disabled => "dont handicap",
            Self::NextDate => "Date prévue",
            Self::Amount => "Montant (€)",
            Self::Calibrated => "Heures calibrées",
            Self::Opinion => "Avis",
            Self::State => "État",
            Self::Trades => "Métiers",
            Self::InReach => "Structures à portée",
            Self::PublishedOn => "Date",
            Self::Source => "Source",
            Self::Object => "Objet",
            Self::Lots => "Lots",
            Self::Provision => "Disposition",
            Self::Asked => "Heures ou part",
            Self::Closes => "Date limite",
            Self::Link => "Lien",
        }
    }
}

/// What an organisation chose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    pub model: Model,
    /// In their order, each with the name that stands above it.
    pub columns: Vec<(Column, String)>,
    pub programme: Option<Programme>,
    pub departments: Vec<Department>,
    /// Words of the buyer's name, or its SIREN.
    pub buyer: String,
}

impl Layout {
    /// A model as it comes.
    #[must_use]
    pub fn of(model: Model) -> Self {
        let columns = model.columns().iter().map(|c| (*c, c.in_french().to_owned())).collect();
        Self { model, columns, ..Self::default() }
    }

    pub(super) fn query(&self) -> OperationQuery {
        OperationQuery {
            departments: self.departments.clone(),
            buyer: self.buyer.clone(),
            programme: self.programme,
            ..OperationQuery::default()
        }
    }
}
