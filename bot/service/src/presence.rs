//! Who of a structure is here, and when each of them is written to: what reminders and words about operations ask before they tell.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Timelike, Utc};
use vigie_domain::subscription::Rhythm;
use vigie_domain::{Absence, Subscriber};
use vigie_notifier::due::DigestTimes;
use vigie_notifier::rhythm;
use vigie_store::StoreError;
use vigie_watcher::zones;

use crate::service::Service;

/// The people, and how messages come to each.
pub(crate) struct People {
    people: Vec<Subscriber>,
    rhythms: HashMap<String, Rhythm>,
    /// Those who are away now.
    absences: HashMap<String, Absence>,
    times: DigestTimes,
}

impl People {
    /// # Errors
    /// The database fails.
    pub(crate) async fn read(service: &Service) -> Result<Self, StoreError> {
        let (people, rhythms) = (service.store.subscribers().await?, service.store.rhythms().await?);
        let mut absences = service.store.absences().await?;
        absences.retain(|_, away| away.holds(service.clock.now()));
        Ok(Self { people, rhythms, absences, times: service.digest_times() })
    }

    /// Everybody.
    pub(crate) fn all(&self) -> &[Subscriber] {
        &self.people
    }

    /// The people of a structure, by name.
    pub(crate) fn of(&self, structure: &str) -> Vec<&Subscriber> {
        let mut out: Vec<&Subscriber> = self.people.iter().filter(|p| p.structure() == structure).collect();
        out.sort_by_key(|p| (&p.name, &p.id));
        out
    }

    pub(crate) fn is_here(&self, person: &Subscriber) -> bool {
        !self.absences.contains_key(&person.id)
    }

    /// The colleague who stands in for somebody who is away, where they are here themselves.
    pub(crate) fn stand_in_of(&self, person: &Subscriber) -> Option<&Subscriber> {
        let id = self.absences.get(&person.id)?.stand_in.as_deref()?;
        self.people.iter().find(|p| p.id == id && p.structure() == person.structure() && self.is_here(p))
    }

    pub(crate) fn rhythm(&self, person: &Subscriber) -> Rhythm {
        self.rhythms.get(&person.id).copied().unwrap_or_default()
    }

    pub(crate) fn times(&self, person: &Subscriber) -> DigestTimes {
        let zone = zones::zone(person.profile.departments.first());
        rhythm::own_times(&self.rhythm(person), DigestTimes { zone, ..self.times })
    }

    pub(crate) fn is_quiet(&self, person: &Subscriber, now: DateTime<Utc>) -> bool {
        rhythm::is_quiet(&self.rhythm(person), self.times(person), now)
    }

    /// Whether the hour of a person's digests is there: on one of their days, at their hour or later, outside their quiet hours.
    pub(crate) fn is_hour_of(&self, person: &Subscriber, now: DateTime<Utc>) -> bool {
        let times = self.times(person);
        let local = now.with_timezone(&times.zone);
        local.hour() >= u32::from(times.hour) && times.days.holds(local.weekday()) && !self.is_quiet(person, now)
    }

    /// Those who are told what concerns `in_charge`, among colleagues: they themselves; who stands in for them while they are away; all
    /// who are here where that is nobody.
    pub(crate) fn readers<'a>(
        &'a self,
        in_charge: Option<&'a Subscriber>,
        colleagues: &[&'a Subscriber],
    ) -> Vec<&'a Subscriber> {
        let own = in_charge.filter(|p| self.is_here(p)).or_else(|| self.stand_in_of(in_charge?));
        match own.filter(|p| colleagues.iter().any(|c| c.id == p.id)) {
            Some(one) => vec![one],
            None => colleagues.iter().copied().filter(|p| self.is_here(p)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, TimeZone, Weekday};
    use chrono_tz::Europe::Paris;
    use vigie_domain::subscription::{Profile, QuietHours, Role};
    use vigie_domain::{Days, subscription};

    use super::*;

    fn person(id: &str) -> Subscriber {
        let profile = Profile { siret: Some("26620001400011".into()), ..Profile::default() };
        Subscriber { id: id.into(), name: id.into(), role: Role::Facilitator, profile }
    }

    fn people(rhythms: &[(&str, subscription::Rhythm)], away: &[(&str, Option<&str>)]) -> People {
        let until = Utc::now() + Duration::days(9_000);
        let absence = |s: &Option<&str>| Absence { from: None, until, stand_in: s.map(str::to_owned) };
        People {
            people: ["ana", "bea", "cyr"].map(person).to_vec(),
            rhythms: rhythms.iter().map(|(id, r)| ((*id).to_owned(), *r)).collect(),
            absences: away.iter().map(|(id, s)| ((*id).to_owned(), absence(s))).collect(),
            times: DigestTimes { hour: 8, weekday: Weekday::Mon, days: Days::ALL, zone: Paris },
        }
    }

    #[test]
    fn what_is_in_somebodys_charge_goes_to_them_else_to_who_stands_in_else_to_all_who_are_here() {
        let told = |p: &People, who: Option<&str>| {
            let all = p.of("26620001400011");
            let who = who.and_then(|id| all.iter().find(|p| p.id == id).copied());
            p.readers(who, &all).iter().map(|p| p.id.clone()).collect::<Vec<_>>()
        };
        let here = people(&[], &[]);
        assert_eq!(told(&here, Some("ana")), ["ana"]);
        assert_eq!(told(&here, None), ["ana", "bea", "cyr"]);
        assert_eq!(told(&people(&[], &[("ana", Some("bea"))]), Some("ana")), ["bea"]);
        assert_eq!(told(&people(&[], &[("ana", None)]), Some("ana")), ["bea", "cyr"]);
        let both = people(&[], &[("ana", Some("bea")), ("bea", None)]);
        assert_eq!(told(&both, Some("ana")), ["cyr"], "who stands in is away too");
    }

    #[test]
    fn the_hour_is_each_persons_own() {
        let at = |text: &str| {
            let wall = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
            Paris.from_local_datetime(&wall).earliest().unwrap().with_timezone(&Utc)
        };
        let early = Rhythm { digest_hour: Some(6), ..Rhythm::default() };
        let mondays = Rhythm { digest_days: Days::of([0]), ..Rhythm::default() };
        let quiet = Rhythm { quiet: Some(QuietHours { from: 8, to: 10 }), ..Rhythm::default() };
        let p = people(&[("ana", early), ("bea", mondays), ("cyr", quiet)], &[]);
        // A Tuesday.
        let at_hour = |id: &str, when: &str| p.is_hour_of(&person(id), at(when));
        assert!(at_hour("ana", "2026-11-24 06:00") && !at_hour("ana", "2026-11-24 05:59"));
        assert!(!at_hour("bea", "2026-11-24 09:00") && at_hour("bea", "2026-11-23 09:00"));
        assert!(!at_hour("cyr", "2026-11-24 09:00") && at_hour("cyr", "2026-11-24 10:00"));
    }
}
