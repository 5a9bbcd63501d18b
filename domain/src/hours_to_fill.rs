//! Hours of a clause that are to be worked: a facilitator tells structures and prescribers who asked for it which trade, where, from when
//! and how many; they answer; what was kept of the answers fills it, and then it is closed.
//!
//! An answer is read by its structure and by the facilitator's organisation, by nobody else. No worker has a name here.

use chrono::{DateTime, NaiveDate, Utc};
use strum::{EnumString, IntoStaticStr};

use crate::operation::Hours;
use crate::reach::Reach;
use crate::words::words;
use crate::{Communes, Department, Sector, french};

/// How hours to be worked stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FillState {
    #[default]
    Open,
    /// What was kept of the answers makes all of it.
    Filled,
    /// Whoever told it takes it back.
    Withdrawn,
}

words!(FillState);

/// Hours to be worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoursToFill {
    pub id: String,
    /// The organisation that tells it.
    pub structure: String,
    /// As it is called.
    pub organisation: String,
    /// The operation they belong to; empty = none of those followed here.
    pub operation: String,
    /// Trade, in words.
    pub trade: String,
    /// The same, where it is one of the taxonomy.
    pub sector: Option<Sector>,
    /// Where, in words: a commune, a quarter.
    pub place: String,
    /// INSEE code of the commune, where it is one.
    pub commune: String,
    pub departments: Vec<Department>,
    pub starts: Option<NaiveDate>,
    pub hours: Hours,
    /// Whom to reach, and how.
    pub contact: String,
    pub note: String,
    /// Last day on which it is answered.
    pub until: NaiveDate,
    pub state: FillState,
    /// Who told it, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

impl HoursToFill {
    /// Whether it can be answered.
    #[must_use]
    pub fn is_open(&self, today: NaiveDate) -> bool {
        self.state == FillState::Open && self.until >= today
    }

    /// « 400 heures de maçonnerie à Lens, à partir du 4 mars 2027 ».
    #[must_use]
    pub fn in_french(&self) -> String {
        let from = self.starts.map(|d| format!(", à partir du {}", french::date(d))).unwrap_or_default();
        format!("{}\u{a0}heures : {} – {}{from}", self.hours, self.trade, self.place)
    }

    /// Whether whoever works there and in that is to hear of it.
    #[must_use]
    pub fn suits(&self, reader: &Reach<'_>, communes: &Communes) -> bool {
        reader.works_in(self.sector.as_ref()) && reader.is_near(&self.commune, &self.departments, communes)
    }
}

/// What a structure answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoursAnswer {
    pub offer: String,
    pub structure: String,
    /// As it is called.
    pub name: String,
    pub yes: bool,
    /// How many hours it can take; none = it did not say.
    pub hours: Hours,
    pub note: String,
    /// How many of them the facilitator keeps.
    pub kept: Hours,
    /// Who answered, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_answered_until_their_last_day_while_they_are_open() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let open = HoursToFill { until: day("2027-03-04"), ..HoursToFill::default() };
        assert!(open.is_open(day("2027-03-04")) && !open.is_open(day("2027-03-05")));
        assert!(!HoursToFill { state: FillState::Filled, ..open }.is_open(day("2027-03-04")));
    }
}
