//! Territory: départements, places of performance, and the time zone a bare local time belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spelling::key;

/// A département code as INSEE writes it: `01`…`95`, `2A`, `2B`, or `971`…`988` overseas.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Department(String);

impl Department {
    /// Reads a code; a single digit gains its zero, `20` is read as Corse-du-Sud. `None` when no such département.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.trim().to_ascii_uppercase();
        let code = match code.as_str() {
            "20" => "2A".to_owned(),
            short if short.len() == 1 => format!("0{short}"),
            "2A" | "2B" => code,
            other => other.trim_start_matches("FR-").to_owned(),
        };
        let valid = match code.as_str() {
            "2A" | "2B" => true,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse::<u16>() {
                Ok(n) if digits.len() == 2 => (1..=95).contains(&n) && n != 20,
                Ok(n) if digits.len() == 3 => (971..=978).contains(&n) || (984..=988).contains(&n),
                _ => false,
            },
            _ => false,
        };
        valid.then_some(Self(code))
    }

    /// The départements that a code written by a person or a publisher means: `20` is all of Corsica. Empty where it means none.
    #[must_use]
    pub fn written(text: &str) -> Vec<Self> {
        if matches!(text.trim(), "20" | "FR-20") {
            return ["2A", "2B"].map(|code| Self(code.to_owned())).into();
        }
        Self::parse(text).into_iter().collect()
    }

    /// The département of a French postcode; Corsica is told apart by its third digit (201 → 2A, 202/206 → 2B).
    #[must_use]
    pub fn of_postcode(postcode: &str) -> Option<Self> {
        let digits = postcode.trim();
        if digits.len() != 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match &digits[..2] {
            // Served from beyond a border: Paray-Vieille-Poste, Saint-Barthélemy, Saint-Martin.
            _ if digits == "94390" => Self::parse("91"),
            _ if digits == "97133" => Self::parse("977"),
            _ if digits == "97150" => Self::parse("978"),
            "20" => Self::parse(if matches!(&digits[2..3], "0" | "1") { "2A" } else { "2B" }),
            "97" | "98" => Self::parse(&digits[..3]),
            two => Self::parse(two),
        }
    }

    /// The département of a NUTS 2021 level-3 code. `None` for wider codes and foreign ones.
    #[must_use]
    pub fn of_nuts(nuts: &str) -> Option<Self> {
        NUTS3.iter().find(|(code, _)| nuts.eq_ignore_ascii_case(code)).and_then(|(_, dep)| Self::parse(dep))
    }

    /// The départements of a NUTS 2021 level-2 code ("FRH0": Bretagne); none for others.
    #[must_use]
    pub fn of_wide_nuts(nuts: &str) -> Vec<Self> {
        let within = |code: &str| nuts.len() == 4 && code.get(..4).is_some_and(|c| c.eq_ignore_ascii_case(nuts));
        NUTS3.iter().filter(|(code, _)| within(code)).filter_map(|(_, dep)| Self::parse(dep)).collect()
    }

    /// The code, such as `2A` or `974`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// IANA name of the time zone in which a bare local time of this territory is meant.
    #[must_use]
    pub fn time_zone(&self) -> &'static str {
        match self.0.as_str() {
            "971" | "977" | "978" => "America/Guadeloupe",
            "972" => "America/Martinique",
            "973" => "America/Cayenne",
            "974" => "Indian/Reunion",
            "975" => "America/Miquelon",
            "976" => "Indian/Mayotte",
            "986" => "Pacific/Wallis",
            "987" => "Pacific/Tahiti",
            "988" => "Pacific/Noumea",
            _ => "Europe/Paris",
        }
    }
}

impl fmt::Display for Department {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a contract or a lot is carried out, as precisely as the notice says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Town name as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Five-digit postcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// NUTS code of any level (BT-5071).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nuts: Option<String>,
}

impl Place {
    /// The département this place lies in, from the postcode first (with the town, where one postcode serves two départements),
    /// then from a level-3 NUTS code.
    #[must_use]
    pub fn department(&self) -> Option<Department> {
        let beyond = |postcode: &str| {
            let mut rows = BEYOND_THE_BORDER.iter().filter(|(code, ..)| *code == postcode.trim()).peekable();
            rows.peek()?; // hardly any postcode: no name is spelled for it
            let city = key(self.city.as_deref()?);
            Department::parse(rows.find(|(_, town, _)| *town == city)?.2)
        };
        self.postcode
            .as_deref()
            .and_then(|postcode| beyond(postcode).or_else(|| Department::of_postcode(postcode)))
            .or_else(|| self.nuts.as_deref().and_then(Department::of_nuts))
    }
}

/// Postcode, town (as [`key`] writes it) and département of the communes whose post comes from the département next door, which
/// has towns of that postcode too (La Poste, Base officielle des codes postaux).
const BEYOND_THE_BORDER: &[(&str, &str, &str)] = &[
    ("01200", "eloise", "74"),
    ("01410", "lajoux", "39"),
    ("01590", "chancia", "39"),
    ("01590", "lavancia epercy", "39"),
    ("05110", "claret", "04"),
    ("05110", "curbans", "04"),
    ("05130", "piegut", "04"),
    ("05130", "venterol", "04"),
    ("05160", "pontis", "04"),
    ("05700", "villebois les pins", "26"),
    ("06260", "la rochette", "04"),
    ("06260", "saint pierre", "04"),
    ("13780", "riboux", "83"),
    ("21340", "change", "71"),
    ("33220", "fougueyrolles", "24"),
    ("33220", "port sainte foy et ponchapt", "24"),
    ("37160", "buxeuil", "86"),
    ("42620", "saint pierre laval", "03"),
    ("43450", "leyvaux", "15"),
    ("48250", "laveyrune", "07"),
    ("52100", "saint eulien", "51"),
    ("52100", "sapignicourt", "51"),
];

/// NUTS 2021 level 3 → département (Commission Delegated Regulation (EU) 2019/1755).
const NUTS3: &[(&str, &str)] = &[
    ("FR101", "75"),
    ("FR102", "77"),
    ("FR103", "78"),
    ("FR104", "91"),
    ("FR105", "92"),
    ("FR106", "93"),
    ("FR107", "94"),
    ("FR108", "95"),
    ("FRB01", "18"),
    ("FRB02", "28"),
    ("FRB03", "36"),
    ("FRB04", "37"),
    ("FRB05", "41"),
    ("FRB06", "45"),
    ("FRC11", "21"),
    ("FRC12", "58"),
    ("FRC13", "71"),
    ("FRC14", "89"),
    ("FRC21", "25"),
    ("FRC22", "39"),
    ("FRC23", "70"),
    ("FRC24", "90"),
    ("FRD11", "14"),
    ("FRD12", "50"),
    ("FRD13", "61"),
    ("FRD21", "27"),
    ("FRD22", "76"),
    ("FRE11", "59"),
    ("FRE12", "62"),
    ("FRE21", "02"),
    ("FRE22", "60"),
    ("FRE23", "80"),
    ("FRF11", "67"),
    ("FRF12", "68"),
    ("FRF21", "08"),
    ("FRF22", "10"),
    ("FRF23", "51"),
    ("FRF24", "52"),
    ("FRF31", "54"),
    ("FRF32", "55"),
    ("FRF33", "57"),
    ("FRF34", "88"),
    ("FRG01", "44"),
    ("FRG02", "49"),
    ("FRG03", "53"),
    ("FRG04", "72"),
    ("FRG05", "85"),
    ("FRH01", "22"),
    ("FRH02", "29"),
    ("FRH03", "35"),
    ("FRH04", "56"),
    ("FRI11", "24"),
    ("FRI12", "33"),
    ("FRI13", "40"),
    ("FRI14", "47"),
    ("FRI15", "64"),
    ("FRI21", "19"),
    ("FRI22", "23"),
    ("FRI23", "87"),
    ("FRI31", "16"),
    ("FRI32", "17"),
    ("FRI33", "79"),
    ("FRI34", "86"),
    ("FRJ11", "11"),
    ("FRJ12", "30"),
    ("FRJ13", "34"),
    ("FRJ14", "48"),
    ("FRJ15", "66"),
    ("FRJ21", "09"),
    ("FRJ22", "12"),
    ("FRJ23", "31"),
    ("FRJ24", "32"),
    ("FRJ25", "46"),
    ("FRJ26", "65"),
    ("FRJ27", "81"),
    ("FRJ28", "82"),
    ("FRK11", "03"),
    ("FRK12", "15"),
    ("FRK13", "43"),
    ("FRK14", "63"),
    ("FRK21", "01"),
    ("FRK22", "07"),
    ("FRK23", "26"),
    ("FRK24", "38"),
    ("FRK25", "42"),
    ("FRK26", "69"),
    ("FRK27", "73"),
    ("FRK28", "74"),
    ("FRL01", "04"),
    ("FRL02", "05"),
    ("FRL03", "06"),
    ("FRL04", "13"),
    ("FRL05", "83"),
    ("FRL06", "84"),
    ("FRM01", "2A"),
    ("FRM02", "2B"),
    ("FRY10", "971"),
    ("FRY20", "972"),
    ("FRY30", "973"),
    ("FRY40", "974"),
    ("FRY50", "976"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postcodes_lead_to_their_department() {
        let code = |p| Department::of_postcode(p).map(|d| d.0);
        assert_eq!(code("59000").as_deref(), Some("59"));
        assert_eq!(code("20000").as_deref(), Some("2A"));
        assert_eq!(code("20290").as_deref(), Some("2B"));
        assert_eq!(code("97410").as_deref(), Some("974"));
        assert_eq!(code("9741"), None);
        assert_eq!(code("94390").as_deref(), Some("91"));
        assert_eq!(code("97150").as_deref(), Some("978"));
    }

    #[test]
    fn a_postcode_of_two_departments_asks_for_the_town() {
        let of = |city: &str, postcode: &str| {
            let place = Place { city: Some(city.into()), postcode: Some(postcode.into()), nuts: None };
            place.department().map(|d| d.0)
        };
        assert_eq!(of("Éloise", "01200").as_deref(), Some("74"));
        assert_eq!(of("Valserhône", "01200").as_deref(), Some("01"));
        assert_eq!(of("PORT STE FOY ET PONCHAPT", "33220").as_deref(), Some("24"));
        assert_eq!(of("", "33220").as_deref(), Some("33"));
    }

    #[test]
    fn overseas_buyers_have_their_own_clock() {
        let zone = |d| Department::parse(d).map(|d| d.time_zone());
        assert_eq!(zone("974"), Some("Indian/Reunion"));
        assert_eq!(zone("75"), Some("Europe/Paris"));
    }

    #[test]
    fn every_nuts_row_names_a_department_that_exists() {
        for (nuts, dep) in NUTS3 {
            assert!(Department::parse(dep).is_some(), "{nuts} → {dep}");
        }
        assert_eq!(NUTS3.len(), 101);
    }
}
