//! Where a subscription looks: départements, intercommunalities, circles around a commune. Pure.
//!
//! They are one condition: any of them is enough. A notice that names no commune is taken by its département where the
//! territory reaches into it, and the reason says that the place is not known precisely: it is not lost.

use serde::{Deserialize, Serialize};

use crate::commune::{Commune, Communes};
use crate::{Department, Place, french};

/// Widest circle, in kilometres.
pub const MAX_KM: u16 = 300;

/// A circle around a commune's town hall.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    /// INSEE code of the commune.
    pub commune: String,
    /// Radius in kilometres.
    pub km: u16,
}

/// Why a place was taken, or the nearest one was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Near {
    /// At that distance of the middle of a circle.
    Around {
        /// The commune of the notice.
        place: String,
        /// The middle of the circle.
        of: String,
        /// Kilometres between them, rounded.
        km: u16,
        radius: u16,
    },
    /// In an intercommunality.
    Epci {
        /// The commune of the notice.
        place: String,
        epci: String,
    },
    /// Somewhere in a département that the territory reaches into.
    Unsure { department: Department },
}

impl Near {
    /// As a person reads it: `à 12 km de Lens, dans votre rayon de 30 km`.
    #[must_use]
    pub fn in_french(&self) -> String {
        match self {
            Self::Around { place, of, km: 0, .. } if place == of => format!("à {place} même"),
            Self::Around { place, of, km, radius } => {
                let side = if km <= radius { "dans votre rayon" } else { "hors de votre rayon" };
                format!("{place}, à {km}\u{a0}km {}, {side} de {radius}\u{a0}km", french::of(of))
            }
            Self::Epci { place, epci } => format!("{place} ({epci})"),
            Self::Unsure { department } => {
                format!("lieu précis inconnu dans le département {department}\u{a0}: à vérifier")
            }
        }
    }

    /// The same where it met, in short: `Lens`, `Liévin (3 km)`.
    #[must_use]
    pub fn briefly(&self) -> String {
        match self {
            Self::Around { place, km: 0, .. } | Self::Epci { place, .. } => place.clone(),
            Self::Around { place, km, .. } => format!("{place} ({km}\u{a0}km)"),
            Self::Unsure { .. } => self.in_french(),
        }
    }
}

/// The part of a filter that speaks of places.
#[derive(Debug, Clone, Copy)]
pub struct Territory<'a> {
    pub departments: &'a [Department],
    /// SIRENs of intercommunalities.
    pub epcis: &'a [String],
    pub around: &'a [Around],
}

/// What a territory says of a part of a notice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    pub departments: Vec<Department>,
    /// What met, more precisely; where nothing did, how near it came.
    pub near: Vec<Near>,
    /// Whether it is taken.
    pub taken: bool,
}

impl Territory<'_> {
    /// Whether it is more precise than départements.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        !(self.epcis.is_empty() && self.around.is_empty())
    }

    /// Every département that it reaches into.
    #[must_use]
    pub fn reach(&self, communes: &Communes) -> Vec<Department> {
        let mut out = self.departments.to_vec();
        out.extend(self.epcis.iter().flat_map(|siren| communes.departments_of(siren)).cloned());
        out.extend(self.around.iter().flat_map(|a| communes.departments_around(&a.commune, a.km)));
        out.sort();
        out.dedup();
        out
    }

    fn reaches(&self, department: &Department, communes: &Communes) -> bool {
        self.epcis.iter().any(|siren| communes.departments_of(siren).contains(department))
            || self.around.iter().any(|a| communes.touches(department, &a.commune, a.km))
    }

    /// Whether a part of a notice carried out in these départements is within, by départements alone. A notice that names no
    /// place at all may be anywhere: it is let through rather than lost.
    #[must_use]
    pub fn by_department(&self, departments: &[Department]) -> Verdict {
        let met: Vec<Department> = departments.iter().filter(|d| self.departments.contains(d)).cloned().collect();
        let taken = self.departments.is_empty() || departments.is_empty() || !met.is_empty();
        Verdict { departments: met, near: Vec::new(), taken }
    }

    /// Whether a part of a notice carried out in these places is within. `departments` are those known of it, by whatever way.
    #[must_use]
    pub fn test(&self, places: &[Place], departments: &[Department], communes: &Communes) -> Verdict {
        let mut verdict = self.by_department(departments);
        if !self.is_fine() {
            return verdict;
        }
        verdict.taken = !verdict.departments.is_empty();
        let (mut farther, mut named, mut vague) = (Vec::new(), false, places.is_empty());
        for place in places {
            let here = communes.locate(place);
            vague |= here.is_empty();
            for commune in here {
                named = true;
                match self.near(&commune, communes) {
                    Ok(near) if !verdict.near.contains(&near) => verdict.near.push(near),
                    Ok(_) => {}
                    Err(near) => farther.extend(near),
                }
            }
        }
        verdict.taken |= !verdict.near.is_empty();
        if verdict.taken {
            return verdict;
        }
        if !named && departments.is_empty() {
            return Verdict { taken: true, ..verdict };
        }
        // A place given only by its département, beside others or alone.
        let somewhere = |d: &&Department| vague && self.reaches(d, communes);
        if let Some(department) = departments.iter().find(somewhere) {
            verdict.near.push(Near::Unsure { department: department.clone() });
            verdict.taken = true;
            return verdict;
        }
        let beyond =
            |near: &Near| if let Near::Around { km, radius, .. } = near { km.saturating_sub(*radius) } else { 0 };
        verdict.near = farther.into_iter().min_by_key(beyond).into_iter().collect();
        verdict
    }

    /// Why a commune is within; else how far it is, where that can be told.
    fn near(&self, commune: &Commune, communes: &Communes) -> Result<Near, Option<Near>> {
        let place = commune.name.to_owned();
        if let Some(siren) = self.epcis.iter().find(|siren| communes.belongs(commune, siren)) {
            let epci = communes.epci(siren).map_or_else(|| (*siren).clone(), |e| e.name.to_owned());
            return Ok(Near::Epci { place, epci });
        }
        let mut nearest: Option<(f64, Near)> = None;
        for around in self.around {
            let Some(centre) = communes.by_code(&around.commune) else { continue };
            let Some(km) = centre.km_to(commune) else { continue };
            // Just outside must not read as within.
            let rounded = if km > f64::from(around.km) { km.ceil() } else { km.round() };
            let near = Near::Around {
                place: place.clone(),
                of: centre.name.to_owned(),
                // A distance on Earth fits.
                km: rounded.min(f64::from(u16::MAX)) as u16,
                radius: around.km,
            };
            if km <= f64::from(around.km) {
                return Ok(near);
            }
            let beyond = km - f64::from(around.km);
            if nearest.as_ref().is_none_or(|(least, _)| beyond < *least) {
                nearest = Some((beyond, near));
            }
        }
        Err(nearest.map(|(_, near)| near))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commune::tests::few;

    fn at(city: &str, postcode: &str) -> Place {
        Place {
            city: Some(city.to_owned()).filter(|c| !c.is_empty()),
            postcode: Some(postcode.to_owned()).filter(|p| !p.is_empty()),
            nuts: None,
        }
    }

    fn departments(codes: &[&str]) -> Vec<Department> {
        codes.iter().filter_map(|c| Department::parse(c)).collect()
    }

    fn lens(km: u16) -> Vec<Around> {
        vec![Around { commune: "62498".into(), km }]
    }

    fn said(territory: Territory<'_>, places: &[Place], codes: &[&str]) -> (bool, Vec<String>) {
        let verdict = territory.test(places, &departments(codes), few());
        (verdict.taken, verdict.near.iter().map(Near::in_french).collect())
    }

    #[test]
    fn a_circle_takes_what_is_near_enough_and_says_how_near() {
        let circle = lens(30);
        let territory = Territory { departments: &[], epcis: &[], around: &circle };
        let words = |text: &str| vec![text.to_owned()];
        assert_eq!(
            said(territory, &[at("Lille", "59000")], &["59"]),
            (true, words("Lille, à 28\u{a0}km de Lens, dans votre rayon de 30\u{a0}km"))
        );
        assert_eq!(said(territory, &[at("", "62300")], &["62"]), (true, words("à Lens même")));
        assert_eq!(
            said(territory, &[at("Marcq-en-Barœul", "59700")], &["59"]),
            (false, words("Marcq-en-Barœul, à 33\u{a0}km de Lens, hors de votre rayon de 30\u{a0}km"))
        );
        assert!(said(territory, &[at("Marcq-en-Barœul", ""), at("", "62800")], &["59", "62"]).0);
    }

    #[test]
    fn a_place_known_by_its_departement_alone_is_taken_and_said_to_be_unsure() {
        let circle = lens(30);
        let territory = Territory { departments: &[], epcis: &[], around: &circle };
        let unsure = "lieu précis inconnu dans le département 59\u{a0}: à vérifier".to_owned();
        assert_eq!(said(territory, &[], &["59"]), (true, vec![unsure.clone()]));
        assert_eq!(said(territory, &[at("CHU", "59037")], &["59"]), (true, vec![unsure]));
        assert_eq!(said(territory, &[], &["33"]), (false, vec![]), "the circle does not reach there");
        assert_eq!(said(territory, &[], &[]), (true, vec![]), "a notice without any place is not lost");
        assert!(!said(territory, &[at("Marcq-en-Barœul", "59700")], &["59"]).0, "named, and outside");
        let narrow = lens(5);
        let territory = Territory { around: &narrow, ..territory };
        assert!(!said(territory, &[], &["59"]).0, "five kilometres stay in the Pas-de-Calais");
    }

    #[test]
    fn departements_intercommunalities_and_circles_add_up() {
        let (nord, circle, epcis) = (departments(&["33"]), lens(5), vec!["200093201".to_owned()]);
        let territory = Territory { departments: &nord, epcis: &epcis, around: &circle };
        assert!(said(territory, &[at("Bordeaux", "33000")], &["33"]).0);
        assert_eq!(
            said(territory, &[at("Lille", "59000")], &["59"]),
            (true, vec!["Lille (Métropole Européenne de Lille)".to_owned()])
        );
        assert!(said(territory, &[at("Liévin", "62800")], &["62"]).0);
        assert!(!said(territory, &[at("Villefargeau", "89240")], &["89"]).0);
        let reach: Vec<String> = territory.reach(few()).iter().map(ToString::to_string).collect();
        assert_eq!(reach, ["33", "59", "62"]);
        let none = Territory { departments: &[], epcis: &[], around: &[] };
        assert_eq!(said(none, &[at("Lille", "59000")], &["59"]), (true, vec![]));
    }

    #[test]
    fn a_territory_of_greater_paris_is_told_from_the_whole() {
        let (whole, part) = (vec!["200054781".to_owned()], vec!["200057867".to_owned()]);
        let of = |epcis: &[String], city: &str, postcode: &str, d: &str| {
            said(Territory { departments: &[], epcis, around: &[] }, &[at(city, postcode)], &[d]).0
        };
        assert!(of(&whole, "Saint-Denis", "93200", "93") && of(&part, "Saint-Denis", "93200", "93"));
        assert!(of(&whole, "Paris", "75001", "75") && !of(&part, "Paris", "75001", "75"));
    }
}
