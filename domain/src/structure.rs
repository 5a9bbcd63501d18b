//! Kinds of structure of the inclusive economy, and how each supplies its work.
//!
//! Sources: Code du travail L5132-4 (SIAE), L5213-13 (EA), L5213-13-1 (EATT), L1253-1 (GEIQ); Code de l'action
//! sociale et des familles L344-2 (ESAT).

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::{Beneficiary, commune};

/// A kind of structure.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
pub enum StructureKind {
    /// Entreprise d'insertion.
    Ei,
    /// Association intermédiaire.
    Ai,
    /// Atelier et chantier d'insertion.
    Aci,
    /// Entreprise de travail temporaire d'insertion.
    Etti,
    /// Entreprise d'insertion par le travail indépendant.
    Eiti,
    /// Groupement d'employeurs pour l'insertion et la qualification.
    Geiq,
    /// Entreprise adaptée.
    Ea,
    /// Entreprise adaptée de travail temporaire.
    Eatt,
    /// Établissement ou service d'accompagnement par le travail.
    Esat,
    /// Structure producing in prison (service de l'emploi pénitentiaire and concessionaires).
    Sep,
}

/// How a structure sells: decides whether a need suits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupplyMode {
    /// People on loan (mise à disposition).
    Staff,
    /// A service with a result.
    Service,
    Goods,
}

/// The kinds' names in full, as keys ([`commune::key`]); those of the law (Code du travail L5132-4, L5213-13, L5213-13-1,
/// L1253-1; Code de l'action sociale L344-2; Code pénitentiaire L412-3), and what people say for them.
const NAMES: [(&str, StructureKind); 14] = [
    ("entreprise d insertion", StructureKind::Ei),
    ("association intermediaire", StructureKind::Ai),
    ("atelier et chantier d insertion", StructureKind::Aci),
    ("ateliers et chantiers d insertion", StructureKind::Aci),
    ("chantier d insertion", StructureKind::Aci),
    ("entreprise de travail temporaire d insertion", StructureKind::Etti),
    ("entreprise d insertion par le travail independant", StructureKind::Eiti),
    ("groupement d employeurs pour l insertion et la qualification", StructureKind::Geiq),
    ("entreprise adaptee", StructureKind::Ea),
    ("entreprise adaptee de travail temporaire", StructureKind::Eatt),
    ("etablissement et service d aide par le travail", StructureKind::Esat),
    ("etablissement ou service d aide par le travail", StructureKind::Esat),
    ("etablissement et service d accompagnement par le travail", StructureKind::Esat),
    ("structure d emploi penitentiaire", StructureKind::Sep),
];

impl StructureKind {
    /// Every kind, in the order shown to people.
    pub const ALL: [Self; 10] = [
        Self::Ei,
        Self::Ai,
        Self::Aci,
        Self::Etti,
        Self::Eiti,
        Self::Geiq,
        Self::Ea,
        Self::Eatt,
        Self::Esat,
        Self::Sep,
    ];

    /// The acronym shown to people and used in JSON.
    #[must_use]
    pub fn acronym(self) -> &'static str {
        self.into()
    }

    /// Reads an acronym in any case, or its words in full (« entreprise adaptée », « association intermédiaire »).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let in_full = || {
            let key = commune::key(text);
            NAMES.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
        };
        text.parse().ok().or_else(in_full)
    }

    /// The kinds that a sentence names: by their names in full, of one or of several, or by acronyms where two stand together (« ai »
    /// alone is a verb).
    #[must_use]
    pub fn named_in(text: &str) -> Vec<Self> {
        let singular = |word: &str| match word.strip_suffix('s') {
            Some(one) if one.chars().count() > 3 => one.to_owned(),
            _ => word.to_owned(),
        };
        let in_singular = |text: &str| text.split(' ').map(singular).collect::<Vec<_>>().join(" ");
        let key = format!(" {} ", in_singular(&commune::key(text)));
        // The longest first: « entreprise d’insertion par le travail indépendant » names no EI.
        let mut rest = key;
        let mut found: Vec<Self> = Vec::new();
        let mut names: Vec<(String, Self)> =
            NAMES.iter().map(|(name, kind)| (format!(" {} ", in_singular(name)), *kind)).collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, kind) in names {
            if rest.contains(&name) {
                rest = rest.replace(&name, " | ");
                found.push(kind);
            }
        }
        let words = text.split(|c: char| !c.is_alphanumeric());
        let acronyms: Vec<Self> = words.filter_map(|w| Self::ALL.into_iter().find(|k| k.acronym() == w)).collect();
        if acronyms.iter().any(|k| acronyms[0] != *k) || !found.is_empty() {
            found.extend(acronyms);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// `true` for the SIAE proper (Code du travail L5132-4).
    #[must_use]
    pub fn is_siae(self) -> bool {
        matches!(self, Self::Ei | Self::Ai | Self::Aci | Self::Etti | Self::Eiti)
    }

    /// How this kind supplies its work.
    #[must_use]
    pub fn supply_modes(self) -> &'static [SupplyMode] {
        match self {
            Self::Ai | Self::Etti | Self::Eatt | Self::Geiq => &[SupplyMode::Staff],
            Self::Ei | Self::Aci | Self::Ea | Self::Esat | Self::Sep => &[SupplyMode::Service, SupplyMode::Goods],
            Self::Eiti => &[SupplyMode::Service],
        }
    }

    /// Whether this kind may bid for what is reserved to `beneficiary` (L2113-12 to L2113-15).
    #[must_use]
    pub fn may_bid(self, beneficiary: Beneficiary) -> bool {
        let disability = matches!(self, Self::Ea | Self::Eatt | Self::Esat);
        match beneficiary {
            Beneficiary::Disability => disability,
            Beneficiary::Insertion => self.is_siae(),
            Beneficiary::Both => disability || self.is_siae(),
            Beneficiary::Prison => self == Self::Sep,
            Beneficiary::SocialEconomy => self != Self::Sep,
            Beneficiary::Unspecified => true,
        }
    }

    /// Whether hours worked by people of this structure can count for an insertion clause (CCAG 2021, art. 16.1/20.1).
    #[must_use]
    pub fn delivers_clause_hours(self) -> bool {
        !matches!(self, Self::Eiti | Self::Sep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_kinds_in_full_or_by_acronyms_that_stand_together() {
        use StructureKind::{Aci, Ai, Ei, Eiti, Esat, Etti};
        for (text, kinds) in [
            ("réservé aux entreprises d'insertion et associations intermédiaires", vec![Ei, Ai]),
            ("Marché réservé aux associations intermédiaires (article L2113-13).", vec![Ai]),
            ("réservé aux SIAE (EI, ACI, ETTI)", vec![Ei, Aci, Etti]),
            ("J’AI LU LE RÈGLEMENT", vec![]),
            ("une entreprise d’insertion par le travail indépendant", vec![Eiti]),
            ("les établissements et services d’aide par le travail", vec![Esat]),
            ("réservé aux structures d’insertion", vec![]),
        ] {
            let mut kinds = kinds;
            kinds.sort_unstable();
            assert_eq!(StructureKind::named_in(text), kinds, "{text}");
        }
    }

    #[test]
    fn a_kind_is_read_by_its_acronym_or_its_name() {
        for (text, kind) in [
            (" ea ", Some(StructureKind::Ea)),
            ("Entreprise adaptée", Some(StructureKind::Ea)),
            ("Atelier et chantier d’insertion", Some(StructureKind::Aci)),
            ("ASSOCIATION INTERMÉDIAIRE", Some(StructureKind::Ai)),
            ("Entreprise", None),
            ("", None),
        ] {
            assert_eq!(StructureKind::parse(text), kind, "{text}");
        }
    }
}
