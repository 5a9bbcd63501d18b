//! How a person is written to, as they settle it: one use case for the page and the chats, and one set of words.
//!
//! Digest hour and days, quiet hours, what presses, messages an hour, the channel of each kind of message, the order in which
//! channels take over, and an absence with who stands in.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use vigie_domain::preferences::{Absence, Days, MessageKind};
use vigie_domain::subscription::{QuietHours, Rhythm};
use vigie_domain::{Channel, Subscriber, french};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::preferences::Preferences;
use vigie_watcher::zones;

use crate::error::Failure;
use crate::service::Service;
use crate::{membership, subscriptions};

/// Most messages an hour that may be asked for.
pub const MAX_PER_HOUR: u16 = 1_000;

/// Days away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment away; none = now.
    pub from: Option<DateTime<Utc>>,
    /// The return.
    pub until: DateTime<Utc>,
}

/// What somebody reads who is away and has no colleague here.
pub const NO_COLLEAGUE: &str = "Aucun collègue de votre organisation ne reçoit les alertes de Vigie : personne ne peut vous remplacer. Un collègue est quelqu’un du même SIRET que vous : il le donne en s’inscrivant, ou la personne qui gère Vigie l’écrit pour lui, et pour vous si vous n’en avez pas.";

/// One thing to settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Local hour of digests; none = the installation's.
    DigestHour(Option<u8>),
    DigestDays(Days),
    Quiet(Option<QuietHours>),
    /// What presses may come in quiet hours.
    UrgentPasses(bool),
    /// Messages an hour before the rest is grouped; 0 = no limit, none = the installation's.
    PerHour(Option<u16>),
    /// The one channel of a kind of message; none = every address in use.
    Route(MessageKind, Option<Channel>),
    Order(Vec<Channel>),
    /// Away for that time; none = here.
    Away(Option<Period>),
    /// Who stands in, by identifier; none = nobody.
    StandIn(Option<String>),
    /// Whether they are told, once a month, of a subscription that gives too much or nothing.
    Advice(bool),
}

/// What can be settled, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    DigestHour,
    DigestDays,
    Quiet,
    Urgent,
    PerHour,
    Route(MessageKind),
    Order,
    Away,
    Advice,
}

impl Setting {
    /// Every setting.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::DigestHour, Self::DigestDays, Self::Quiet, Self::Urgent, Self::PerHour];
        all.extend(MessageKind::ALL.map(Self::Route));
        all.extend([Self::Order, Self::Away, Self::Advice]);
        all
    }

    /// What it is called.
    #[must_use]
    pub fn in_french(self) -> String {
        match self {
            Self::DigestHour => "Heure des résumés".to_owned(),
            Self::DigestDays => "Jours des résumés".to_owned(),
            Self::Quiet => "Heures de silence".to_owned(),
            Self::Urgent => "Pendant le silence, ce qui est urgent".to_owned(),
            Self::PerHour => "Messages par heure".to_owned(),
            Self::Route(kind) => french::capital(kind.in_french()),
            Self::Order => "Si un canal ne répond plus".to_owned(),
            Self::Away => "Absence".to_owned(),
            Self::Advice => "Abonnement trop large ou trop étroit".to_owned(),
        }
    }
}

impl Change {
    /// What it settles.
    #[must_use]
    pub fn setting(&self) -> Setting {
        match self {
            Self::DigestHour(_) => Setting::DigestHour,
            Self::DigestDays(_) => Setting::DigestDays,
            Self::Quiet(_) => Setting::Quiet,
            Self::UrgentPasses(_) => Setting::Urgent,
            Self::PerHour(_) => Setting::PerHour,
            Self::Route(kind, _) => Setting::Route(*kind),
            Self::Order(_) => Setting::Order,
            Self::Away(_) | Self::StandIn(_) => Setting::Away,
            Self::Advice(_) => Setting::Advice,
        }
    }

    /// Whether the settings file speaks of it too.
    fn is_of_file(&self) -> bool {
        matches!(
            self,
            Self::DigestHour(_) | Self::DigestDays(_) | Self::Quiet(_) | Self::UrgentPasses(_) | Self::PerHour(_)
        )
    }
}

/// How a person is written to, with what they may choose from.
#[derive(Debug, Clone)]
pub struct Standing {
    pub preferences: Preferences,
    /// Who can stand in for them.
    pub colleagues: Vec<Subscriber>,
    /// Channels of their addresses in use, each once.
    pub in_use: Vec<Channel>,
    /// The installation's digest hour and messages an hour.
    defaults: (u8, u32),
    zone: Tz,
    now: DateTime<Utc>,
}

/// Reads how a person is written to.
///
/// # Errors
/// The database fails.
pub async fn standing(service: &Service, person: &Subscriber) -> Result<Standing, Failure> {
    let store = &service.store;
    let mut colleagues = Vec::new();
    if let Some(siret) = &person.profile.siret {
        for colleague in membership::members(service, siret).await?.into_iter().filter(|c| c.id != person.id) {
            if !store.active_addresses(&colleague.id).await?.is_empty() {
                colleagues.push(colleague);
            }
        }
    }
    let mut in_use: Vec<Channel> = Vec::new();
    for address in store.active_addresses(&person.id).await? {
        if !in_use.contains(&address.channel) {
            in_use.push(address.channel);
        }
    }
    let pace = &service.settings.pace;
    Ok(Standing {
        preferences: store.preferences(&person.id).await?,
        colleagues,
        in_use,
        defaults: (pace.digest_hour, pace.instant_per_hour),
        zone: zones::zone(person.profile.departments.first()),
        now: service.clock.now(),
    })
}

/// What came of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// They stand; whether the person's rhythm followed the settings file until now.
    Done { was_of_file: bool },
    /// Nothing is changed; why, in French.
    Refused(String),
}

/// Settles some things for a person: all of them, or none where one is impossible.
///
/// # Errors
/// The database fails.
pub async fn apply(service: &Service, person: &Subscriber, changes: &[Change]) -> Result<Settled, Failure> {
    let standing = standing(service, person).await?;
    let mut wanted = standing.preferences.clone();
    for change in changes {
        if let Err(why) = standing.put(&mut wanted, change) {
            return Ok(Settled::Refused(why));
        }
    }
    if let Some(fault) = wanted.rhythm.fault() {
        return Ok(Settled::Refused(french::capital(&fault)));
    }
    let store = &service.store;
    let was_of_file = changes.iter().any(Change::is_of_file) && store.take_in_hand(&person.id).await?;
    set_rhythm(service, &person.id, &wanted.rhythm).await?;
    store.set_routes(&person.id, &wanted.routes).await?;
    store.set_absence(&person.id, wanted.away.as_ref()).await?;
    if wanted.unadvised != standing.preferences.unadvised {
        store.set_advice(&person.id, !wanted.unadvised).await?;
    }
    Ok(Settled::Done { was_of_file })
}

/// Gives a person a rhythm; what waits for a digest of theirs follows its hour and days.
///
/// # Errors
/// The database fails.
pub async fn set_rhythm(service: &Service, person: &str, rhythm: &Rhythm) -> Result<(), StoreError> {
    let before = service.store.preferences(person).await?.rhythm;
    service.store.set_rhythm(person, rhythm).await?;
    if (before.digest_hour, before.digest_days) != (rhythm.digest_hour, rhythm.digest_days) {
        subscriptions::follow_times(service, person).await?;
    }
    Ok(())
}

impl Standing {
    /// Puts a change into the preferences that are wanted.
    fn put(&self, wanted: &mut Preferences, change: &Change) -> Result<(), String> {
        match change {
            Change::DigestHour(hour) => wanted.rhythm.digest_hour = *hour,
            Change::DigestDays(days) => wanted.rhythm.digest_days = *days,
            Change::Quiet(quiet) => wanted.rhythm.quiet = *quiet,
            Change::UrgentPasses(passes) => wanted.rhythm.urgent_passes = *passes,
            Change::PerHour(Some(n)) if *n > MAX_PER_HOUR => {
                return Err(format!(
                    "{n} messages par heure, c’est trop : {MAX_PER_HOUR} au plus, ou « sans limite »."
                ));
            }
            Change::PerHour(n) => wanted.rhythm.per_hour = *n,
            Change::Route(kind, None) => drop(wanted.routes.channels.remove(kind)),
            Change::Route(kind, Some(channel)) => {
                self.has(*channel)?;
                wanted.routes.channels.insert(*kind, *channel);
            }
            Change::Order(order) => {
                // One that rests keeps its place.
                let new = order.iter().filter(|c| !self.preferences.routes.order.contains(c));
                new.into_iter().try_for_each(|channel| self.has(*channel))?;
                wanted.routes.order.clone_from(order);
            }
            Change::Advice(wants) => wanted.unadvised = !wants,
            Change::Away(None) => wanted.away = None,
            Change::Away(Some(period)) if period.until <= self.now => {
                return Err("Cette date est passée : donnez le jour de votre retour.".to_owned());
            }
            Change::Away(Some(period)) if period.from.is_some_and(|from| from >= period.until) => {
                return Err("Le retour vient après le départ : donnez les deux jours dans l’ordre.".to_owned());
            }
            Change::Away(Some(period)) => {
                let stand_in = wanted.away.take().filter(|a| a.stands(self.now)).and_then(|a| a.stand_in);
                let from = period.from.filter(|from| *from > self.now);
                wanted.away = Some(Absence { from, until: period.until, stand_in });
            }
            Change::StandIn(who) => {
                let Some(away) = wanted.away.as_mut().filter(|a| a.stands(self.now)) else {
                    if who.is_none() {
                        return Ok(());
                    }
                    return Err("Dites d’abord jusqu’à quand vous êtes absent.".to_owned());
                };
                if who.as_ref().is_some_and(|id| !self.colleagues.iter().any(|c| c.id == *id)) {
                    return Err("Cette personne n’est pas de votre structure, ou ne reçoit rien de Vigie.".to_owned());
                }
                away.stand_in.clone_from(who);
            }
        }
        Ok(())
    }

    fn has(&self, channel: Channel) -> Result<(), String> {
        if self.in_use.contains(&channel) {
            return Ok(());
        }
        Err(format!("Vous n’avez aucune adresse en service {}.", channel.in_french()))
    }

    /// The colleague of that identifier, as they are called.
    #[must_use]
    pub fn called(&self, id: &str) -> Option<String> {
        let colleague = self.colleagues.iter().find(|c| c.id == id)?;
        Some(if colleague.name.is_empty() { "un collègue".to_owned() } else { short(&colleague.name, 60) })
    }

    /// How a setting stands, in words: the same on the page and in chats.
    #[must_use]
    pub fn value(&self, setting: Setting) -> String {
        let rhythm = &self.preferences.rhythm;
        match setting {
            Setting::DigestHour => match rhythm.digest_hour {
                Some(hour) => format!("{hour} h"),
                None => format!("{} h, l’heure habituelle", self.defaults.0),
            },
            Setting::DigestDays => rhythm.digest_days.in_french(),
            Setting::Quiet => {
                rhythm.quiet.map_or_else(|| "aucune".to_owned(), |q| format!("de {} h à {} h", q.from, q.to))
            }
            Setting::Urgent => if rhythm.urgent_passes { "vient quand même" } else { "attend aussi" }.to_owned(),
            Setting::PerHour => match rhythm.per_hour {
                Some(n) => at_most(u32::from(n)),
                None => format!("{}, comme d’habitude", at_most(self.defaults.1)),
            },
            Setting::Route(kind) => match self.preferences.routes.channels.get(&kind) {
                Some(channel) => channel.in_french().to_owned(),
                None => "partout".to_owned(),
            },
            Setting::Order => match self.preferences.routes.order.as_slice() {
                [] => "un autre prend le relais".to_owned(),
                order => order.iter().map(|c| c.noun()).collect::<Vec<_>>().join(", puis "),
            },
            Setting::Advice => match self.preferences.unadvised {
                true => "ne m’est pas signalé".to_owned(),
                false => "m’est signalé une fois par mois".to_owned(),
            },
            Setting::Away => match self.absence() {
                None => "aucune".to_owned(),
                Some(away) => {
                    let day = french::date(away.until.with_timezone(&self.zone).date_naive());
                    let leaves = self.leaves().map(|day| format!("départ le {}, ", french::date(day)));
                    let who = away.stand_in.as_deref().and_then(|id| self.called(id));
                    let who = who.map_or_else(|| "personne ne remplace".to_owned(), |name| format!("{name} remplace"));
                    format!("{}retour le {day}, {who}", leaves.unwrap_or_default())
                }
            },
        }
    }

    /// Where they are away or will be, that they are, until when, and who stands in, in a sentence.
    #[must_use]
    pub fn away_in_french(&self) -> Option<String> {
        let away = self.absence()?;
        let (from, when) = match self.leaves() {
            Some(day) => (format!("Vous serez absent du {} au", french::date(day)), "entre ces deux jours"),
            None => ("Vous êtes absent jusqu’au".to_owned(), "d’ici là"),
        };
        let back = french::date(away.until.with_timezone(&self.zone).date_naive());
        let who = away.stand_in.as_deref().and_then(|id| self.called(id));
        let who = who.map_or_else(
            || "personne ne reçoit à votre place".to_owned(),
            |name| format!("{name} reçoit à votre place ce qui vous serait venu"),
        );
        Some(format!("{from} {back}, jour de votre retour : aucun nouveau marché ne vous est signalé {when}, {who}."))
    }

    /// Which kinds of message come by one channel alone, for somebody with several; nothing where all come everywhere.
    #[must_use]
    pub fn routes_in_french(&self) -> String {
        let chosen = self.preferences.routes.channels.iter().filter(|(_, channel)| self.in_use.contains(channel));
        let lines: Vec<String> =
            chosen.map(|(kind, channel)| format!("{} {}", kind.in_french(), channel.in_french())).collect();
        match lines.is_empty() || self.in_use.len() < 2 {
            true => " Vos alertes y viennent.".to_owned(),
            false => format!(" « Mes réglages » dit : {} ; le reste partout.", lines.join(", ")),
        }
    }

    /// Their local time.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Their absence, where they are away or will be.
    #[must_use]
    pub fn absence(&self) -> Option<&Absence> {
        self.preferences.away.as_ref().filter(|a| a.stands(self.now))
    }

    /// The day on which an absence that is ahead begins.
    #[must_use]
    pub fn leaves(&self) -> Option<chrono::NaiveDate> {
        let from = self.absence()?.from.filter(|from| *from > self.now)?;
        Some(from.with_timezone(&self.zone).date_naive())
    }

    /// The day of their return, where they are away or will be.
    #[must_use]
    pub fn returns(&self) -> Option<chrono::NaiveDate> {
        Some(self.absence()?.until.with_timezone(&self.zone).date_naive())
    }
}

fn at_most(n: u32) -> String {
    if n == 0 { "sans limite".to_owned() } else { format!("{n} au plus, le reste groupé") }
}

/// What to say of changes that were made, a line each setting.
///
/// # Errors
/// The database fails.
pub async fn said(service: &Service, person: &Subscriber, changes: &[Change]) -> Result<Vec<String>, Failure> {
    let standing = standing(service, person).await?;
    let mut lines: Vec<String> = Vec::new();
    for change in changes {
        let setting = change.setting();
        let line = format!("{} : {}.", setting.in_french(), standing.value(setting));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use vigie_domain::subscription::{Profile, Role};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn standing() -> Standing {
        let luc =
            Subscriber { id: "luc".into(), name: "Luc".into(), role: Role::Facilitator, profile: Profile::default() };
        Standing {
            preferences: Preferences::default(),
            colleagues: vec![luc],
            in_use: vec![Channel::Email, Channel::Mattermost],
            defaults: (8, 10),
            zone: chrono_tz::Europe::Paris,
            now: at("2026-11-30T22:00:00+01:00"),
        }
    }

    #[test]
    fn an_absence_is_said_with_its_days_and_who_stands_in() {
        let mut s = standing();
        assert_eq!(s.away_in_french(), None);
        let until = at("2026-12-15T00:00:00+01:00");
        s.preferences.away = Some(Absence { from: None, until, stand_in: None });
        let said = s.away_in_french().unwrap();
        assert!(said.starts_with("Vous êtes absent jusqu’au 15 décembre 2026") && said.contains("personne"), "{said}");
        let from = Some(at("2026-12-03T00:00:00+01:00"));
        s.preferences.away = Some(Absence { from, until, stand_in: Some("luc".into()) });
        let said = s.away_in_french().unwrap();
        assert!(said.starts_with("Vous serez absent du 3 décembre 2026 au 15 décembre 2026"), "{said}");
        assert!(said.contains("Luc reçoit à votre place"), "{said}");
        s.now = at("2026-12-16T08:00:00+01:00");
        assert_eq!(s.away_in_french(), None, "back");
    }

    /// A message to try said by mail that alerts would come there, of somebody whose alerts came by a chat alone.
    #[test]
    fn a_message_to_try_says_what_comes_by_one_channel_alone() {
        let mut s = standing();
        assert_eq!(s.routes_in_french(), " Vos alertes y viennent.");
        s.preferences.routes.channels.insert(MessageKind::Instant, Channel::Mattermost);
        let said = s.routes_in_french();
        assert!(said.contains("alertes immédiates sur Mattermost") && said.contains("le reste partout"), "{said}");
        s.in_use = vec![Channel::Email];
        assert_eq!(s.routes_in_french(), " Vos alertes y viennent.", "what is out of use carries nothing");
    }
}
