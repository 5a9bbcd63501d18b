//! What kind of body a buyer is, as regional platforms let people filter: told by its SIREN where the number tells it, else by
//! its name.
//!
//! Numbers of public bodies say what they are (INSEE, répertoire Sirene: a SIREN that begins with 1 is the State's, with 2 a
//! local authority's or a public hospital's; the second digit tells which). Nothing is guessed from the SIREN of others.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::words::words;
use crate::{Buyer, BuyerKind};

/// A kind of buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BuyerType {
    /// The State: ministries, préfectures, national bodies, universities.
    State,
    /// A région.
    Region,
    /// A département.
    Department,
    /// A commune or its social service.
    Commune,
    /// Communes together: métropole, communauté, syndicat.
    Intercommunal,
    /// Health and social care.
    Health,
    Housing,
    /// A private company or association.
    Private,
    /// Another, or not known.
    Other,
}

words!(BuyerType);

impl BuyerType {
    /// Every kind, in the order shown.
    pub const ALL: [Self; 9] = [
        Self::Commune,
        Self::Intercommunal,
        Self::Department,
        Self::Region,
        Self::State,
        Self::Health,
        Self::Housing,
        Self::Private,
        Self::Other,
    ];

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::State => "État et ses établissements",
            Self::Region => "région",
            Self::Department => "département",
            Self::Commune => "commune",
            Self::Intercommunal => "intercommunalité, syndicat",
            Self::Health => "hôpital, médico-social",
            Self::Housing => "logement social",
            Self::Private => "acheteur privé",
            Self::Other => "autre",
        }
    }

    /// The kind of that buyer.
    #[must_use]
    pub fn of(buyer: &Buyer) -> Self {
        if buyer.kind == BuyerKind::Private {
            return Self::Private;
        }
        let name = format!(" {} ", plain(&buyer.name));
        let says = |words: &[&str]| words.iter().any(|w| name.contains(w));
        // What a name says of housing and care is finer than what a number says.
        if says(&[" hlm", " habitat ", " office public de l habitat", " bailleur", " logement", " opac ", " oph "]) {
            return Self::Housing;
        }
        if says(&[
            " hopital",
            " hopitaux",
            " hospitalier",
            " chu ",
            " chru ",
            " ehpad ",
            " sante ",
            " aphp ",
            " ap hp ",
        ]) {
            return Self::Health;
        }
        match buyer.siren().map(|s| s.split_at(2).0) {
            Some("21") => return Self::Commune,
            Some("22") => return Self::Department,
            Some("23") => return Self::Region,
            Some("20" | "24" | "25") => return Self::Intercommunal,
            Some("26") if says(&[" ccas ", " action sociale ", " caisse des ecoles "]) => return Self::Commune,
            Some("26") => return Self::Health,
            Some("27") => return Self::Housing,
            Some(two) if two.starts_with('1') => return Self::State,
            _ => {}
        }
        let by_name: [(Self, &[&str]); 5] = [
            (
                Self::Intercommunal,
                &[
                    " metropole",
                    " communaute ",
                    " syndicat ",
                    " agglomeration ",
                    " smictom ",
                    " sivom ",
                    " sivu ",
                    " siaep ",
                    " cc ",
                ],
            ),
            (Self::Department, &[" departement ", " conseil departemental ", " sdis "]),
            (Self::Region, &[" region ", " conseil regional "]),
            (Self::Commune, &[" commune ", " mairie ", " ville de ", " ville d ", " ccas "]),
            (
                Self::State,
                &[
                    " ministere ",
                    " prefecture ",
                    " universite ",
                    " crous ",
                    " direction regionale ",
                    " rectorat ",
                    " etat ",
                    " cnrs ",
                    " douanes ",
                    " chambre de commerce ",
                    " armee ",
                ],
            ),
        ];
        by_name.iter().find(|(_, words)| says(words)).map_or(Self::Other, |(kind, _)| *kind)
    }
}

/// Lower case, no accents, one space between words.
fn plain(name: &str) -> String {
    let folded: String = name
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'à' | 'â' => 'a',
            'î' | 'ï' => 'i',
            'ô' => 'o',
            'ù' | 'û' => 'u',
            'ç' => 'c',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_tells_first_and_the_name_where_it_does_not() {
        let of = |name: &str, siret: Option<&str>| {
            BuyerType::of(&Buyer { name: name.into(), siret: siret.map(str::to_owned), ..Buyer::default() })
        };
        for (name, siret, kind) in [
            ("Ville de Lille", Some("21590350100017"), BuyerType::Commune),
            ("Département du Nord", Some("22590001801244"), BuyerType::Department),
            ("Métropole européenne de Lille", None, BuyerType::Intercommunal),
            ("CHU de Lille", Some("26590671900017"), BuyerType::Health),
            ("CCAS de Roubaix", Some("26590512500017"), BuyerType::Commune),
            ("Vilogia Habitat", None, BuyerType::Housing),
            ("Préfecture du Nord", Some("17590001700019"), BuyerType::State),
            ("Conseil régional Hauts-de-France", None, BuyerType::Region),
            ("Société Exemple", Some("552100554"), BuyerType::Other),
        ] {
            assert_eq!(of(name, siret), kind, "{name}");
        }
        assert!(BuyerType::ALL.into_iter().all(|t| BuyerType::parse(t.as_str()) == Some(t)));
    }
}
