//! A meeting worth going to: business meetings, information days, sourcing. It has a day, and nothing is said of it after that day.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::reach::Reach;
use crate::{Communes, Department, french};

/// A meeting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// The structure whose people wrote it; empty = a source brought it.
    pub structure: String,
    pub title: String,
    pub day: NaiveDate,
    pub time: Option<NaiveTime>,
    /// Where, in words.
    pub place: String,
    /// INSEE code of the commune, where it is one.
    pub commune: String,
    /// Départements; none = for everybody, as what is held at a distance.
    pub departments: Vec<Department>,
    /// Where one registers, or reads more.
    pub link: String,
    /// Who wrote it, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

impl Event {
    /// Whether there is still something to say of it.
    #[must_use]
    pub fn is_ahead(&self, today: NaiveDate) -> bool {
        self.day >= today
    }

    /// Whether whoever works there may want to go.
    #[must_use]
    pub fn suits(&self, reader: &Reach<'_>, communes: &Communes) -> bool {
        self.departments.is_empty() || reader.is_near(&self.commune, &self.departments, communes)
    }

    /// « 12 mars 2027 à 14 h, Lens (62) : Rencontre des acheteurs ».
    #[must_use]
    pub fn in_french(&self) -> String {
        let place = if self.place.is_empty() { String::new() } else { format!(", {}", self.place) };
        format!("{}{place} : {}", self.moment(), self.title)
    }

    /// « 12 mars 2027 à 14 h 30 ».
    #[must_use]
    pub fn moment(&self) -> String {
        let time = self
            .time
            .map(|t| format!(" à {}", french::clock(self.day.and_time(t).and_utc().fixed_offset())))
            .unwrap_or_default();
        format!("{}{time}", french::date(self.day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commune::tests::few;

    #[test]
    fn a_meeting_is_said_until_its_day_to_those_who_are_near() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let departments = |code: &str| Department::parse(code).into_iter().collect::<Vec<_>>();
        let event = Event {
            title: "Rencontre des acheteurs".into(),
            day: day("2027-03-12"),
            time: NaiveTime::from_hms_opt(14, 30, 0),
            place: "Lens (62)".into(),
            commune: "62498".into(),
            departments: departments("62"),
            ..Event::default()
        };
        assert_eq!(event.in_french(), "12 mars 2027 à 14\u{a0}h\u{a0}30, Lens (62) : Rencontre des acheteurs");
        assert!(event.is_ahead(day("2027-03-12")) && !event.is_ahead(day("2027-03-13")));
        let (here, away) = (departments("62"), departments("33"));
        assert!(event.suits(&Reach { departments: &here, ..Reach::default() }, few()));
        assert!(!event.suits(&Reach { departments: &away, ..Reach::default() }, few()));
        let remote = Event { departments: Vec::new(), ..event };
        assert!(remote.suits(&Reach { departments: &away, ..Reach::default() }, few()));
    }
}
