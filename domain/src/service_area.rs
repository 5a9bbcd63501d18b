//! The area that an organisation of facilitators serves, as it is: intercommunalities, communes, buyers, quarters, départements. Pure.
//!
//! The finer a place meets, the nearer the facilitator: who follows the buyer comes before who follows the commune, the intercommunality,
//! the département. A place that is known by its département alone is met with doubt where the area reaches into it.

use serde::{Deserialize, Serialize};

use crate::commune::{Communes, key};
use crate::{Department, Place, french};

/// Most entries of each list.
pub const MAX_PLACES: usize = 400;

/// Where something is bought and done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spot<'a> {
    pub places: &'a [Place],
    pub departments: &'a [Department],
    /// SIREN or SIRET of the buyer.
    pub buyer: Option<&'a str>,
    /// What is bought, in words: quarters are looked for in them.
    pub words: &'a str,
}

/// An area. What is empty adds nothing; an empty area holds no place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Area {
    /// Départements served as a whole.
    pub departments: Vec<Department>,
    /// SIRENs of intercommunalities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epcis: Vec<String>,
    /// INSEE codes of communes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub communes: Vec<String>,
    /// SIREN or SIRET of buyers, wherever they buy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buyers: Vec<String>,
    /// Names of priority quarters (QPV), as words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quarters: Vec<String>,
}

/// By what a spot is within an area, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    /// It is one of the buyers.
    Buyer,
    /// A quarter, by its name.
    Quarter(String),
    /// A commune, by its name.
    Commune(String),
    /// An intercommunality, by its name.
    Epci(String),
    Department(Department),
    /// Somewhere in a département into which the area reaches.
    Unsure(Department),
}

impl Within {
    /// Whether it is more precise than a département.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        !matches!(self, Self::Department(_) | Self::Unsure(_))
    }
}

impl Area {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.departments.is_empty() && self.buyers.is_empty() && !self.is_fine()
    }

    /// Whether it is more precise than départements, in places.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        !(self.epcis.is_empty() && self.communes.is_empty() && self.quarters.is_empty())
    }

    /// Every département that it reaches into; buyers and quarters alone say none.
    #[must_use]
    pub fn reach(&self, communes: &Communes) -> Vec<Department> {
        let mut out = self.departments.clone();
        out.extend(self.reach_in_part(communes));
        out.sort();
        out.dedup();
        out
    }

    /// Départements into which its communes and intercommunalities reach.
    #[must_use]
    pub fn reach_in_part(&self, communes: &Communes) -> Vec<Department> {
        let mut out: Vec<Department> =
            self.epcis.iter().flat_map(|siren| communes.departments_of(siren)).cloned().collect();
        out.extend(self.communes.iter().filter_map(|code| communes.by_code(code)?.department()));
        out
    }

    /// Whether it follows a buyer.
    #[must_use]
    pub fn follows(&self, buyer: &str) -> bool {
        // A SIREN stands for all establishments; two SIRETs are one establishment each.
        let same =
            |mine: &str| mine == buyer || (mine.len() == 9 || buyer.len() == 9) && mine.get(..9) == buyer.get(..9);
        self.buyers.iter().any(|mine| same(mine))
    }

    /// How a spot is within; the nearest way where several hold, `None` where it is not.
    #[must_use]
    pub fn holds(&self, spot: &Spot<'_>, communes: &Communes) -> Option<Within> {
        if spot.buyer.is_some_and(|buyer| self.follows(buyer)) {
            return Some(Within::Buyer);
        }
        if !self.quarters.is_empty() {
            let words = format!(" {} ", key(spot.words));
            let named = |quarter: &&String| {
                let quarter = key(quarter);
                !quarter.is_empty() && words.contains(&format!(" {quarter} "))
            };
            if let Some(quarter) = self.quarters.iter().find(named) {
                return Some(Within::Quarter(quarter.clone()));
            }
        }
        let mut best: Option<Within> = None;
        let mut vague = spot.places.is_empty();
        if !(self.epcis.is_empty() && self.communes.is_empty()) {
            for place in spot.places {
                let here = communes.locate(place);
                vague |= here.is_empty();
                for commune in here {
                    let within = if self.communes.iter().any(|code| code == commune.code) {
                        Some(Within::Commune(commune.name.to_owned()))
                    } else {
                        let epci = self.epcis.iter().find(|siren| communes.belongs(&commune, siren));
                        epci.map(|siren| {
                            Within::Epci(communes.epci(siren).map_or(siren.as_str(), |e| e.name).to_owned())
                        })
                    };
                    best = [best, within].into_iter().flatten().min();
                }
            }
        }
        if best.is_some() {
            return best;
        }
        if let Some(whole) = spot.departments.iter().find(|d| self.departments.contains(d)) {
            return Some(Within::Department(whole.clone()));
        }
        let reach = if vague { self.reach_in_part(communes) } else { Vec::new() };
        spot.departments.iter().find(|d| reach.contains(d)).map(|d| Within::Unsure(d.clone()))
    }

    /// `CA de Lens - Liévin, Douai et 3 acheteurs`.
    #[must_use]
    pub fn in_french(&self, communes: &Communes) -> String {
        let mut out: Vec<String> = self.departments.iter().map(|d| format!("département {d}")).collect();
        out.extend(
            self.epcis.iter().map(|siren| communes.epci(siren).map_or_else(|| siren.clone(), |e| e.name.to_owned())),
        );
        match self.communes.as_slice() {
            [] => {}
            few if few.len() <= 4 => {
                out.extend(few.iter().map(|code| communes.by_code(code).map_or_else(|| code.clone(), |c| c.label())));
            }
            many => out.push(french::plural(many.len(), "commune")),
        }
        out.extend(self.quarters.iter().map(|q| format!("quartier {q}")));
        if !self.buyers.is_empty() {
            out.push(french::plural(self.buyers.len(), "acheteur"));
        }
        french::list(&out)
    }
}

/// What an organisation of facilitators says of itself: its area, and who is asked there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceArea {
    /// As it is called: « PLIE du Valenciennois ».
    pub name: String,
    /// How to reach it: address, telephone, whom to ask for.
    pub contact: String,
    /// Messages about markets of the area name it to their readers.
    pub shown: bool,
    #[serde(flatten)]
    pub area: Area,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commune::tests::few;

    fn departments(codes: &[&str]) -> Vec<Department> {
        codes.iter().filter_map(|c| Department::parse(c)).collect()
    }

    fn at(city: &str, postcode: &str) -> Vec<Place> {
        vec![Place { city: Some(city.into()), postcode: Some(postcode.into()), nuts: None }]
    }

    fn within(area: &Area, places: &[Place], codes: &[&str], buyer: Option<&str>, words: &str) -> Option<Within> {
        area.holds(&Spot { places, departments: &departments(codes), buyer, words }, few())
    }

    #[test]
    fn the_nearest_way_in_which_an_area_holds_a_place_is_told() {
        let area = Area {
            epcis: vec!["200093201".into()],
            communes: vec!["62498".into()],
            buyers: vec!["216204982".into(), "26590671900017".into()],
            quarters: vec!["Les Oliveaux".into()],
            departments: departments(&["33"]),
        };
        let of = |city: &str, code: &str, d: &str| within(&area, &at(city, code), &[d], None, "");
        assert_eq!(of("Lille", "59000", "59"), Some(Within::Epci("Métropole Européenne de Lille".into())));
        assert_eq!(of("Lens", "62300", "62"), Some(Within::Commune("Lens".into())));
        assert_eq!(of("Liévin", "62800", "62"), None, "a commune beside it, though in the same département");
        assert_eq!(of("Bordeaux", "33000", "33"), Some(Within::Department(departments(&["33"]).remove(0))));
        let near_lens = |buyer: &str| within(&area, &at("Liévin", "62800"), &["62"], Some(buyer), "");
        assert_eq!(near_lens("21620498200012"), Some(Within::Buyer), "any establishment of a SIREN");
        assert_eq!(near_lens("26590671900017"), Some(Within::Buyer));
        assert_eq!(near_lens("26590671900025"), None, "another establishment than the one named");
        let said = within(&area, &[], &["59"], None, "Réhabilitation du quartier des OLIVEAUX : les Oliveaux, lot 2");
        assert_eq!(said, Some(Within::Quarter("Les Oliveaux".into())));
    }

    #[test]
    fn a_place_known_by_its_departement_alone_is_unsure() {
        let area = Area { epcis: vec!["200093201".into()], ..Area::default() };
        assert!(matches!(within(&area, &[], &["59"], None, ""), Some(Within::Unsure(_))));
        assert_eq!(within(&area, &[], &["33"], None, ""), None);
        assert_eq!(within(&area, &at("Marseille", "13001"), &["13"], None, ""), None);
        assert_eq!(within(&Area::default(), &[], &["59"], None, ""), None, "an empty area holds nothing");
        assert!(
            Within::Buyer < Within::Commune(String::new())
                && Within::Epci(String::new()) < Within::Unsure(departments(&["59"]).remove(0))
        );
    }

    #[test]
    fn an_area_is_said_in_a_line_and_comes_back_as_it_was_written() {
        let area = Area {
            epcis: vec!["200093201".into()],
            communes: vec!["62498".into()],
            buyers: vec!["216204982".into()],
            ..Area::default()
        };
        assert_eq!(area.in_french(few()), "Métropole Européenne de Lille, Lens (62) et 1\u{a0}acheteur");
        assert_eq!(area.reach(few()), departments(&["59", "62"]));
        let whole = ServiceArea { name: "PLIE".into(), contact: "x@plie.example".into(), shown: true, area };
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<ServiceArea>(&text).unwrap(), whole);
    }
}
