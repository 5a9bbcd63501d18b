//! The area that an organisation of facilitators serves: said once for all colleagues, followed by their subscriptions, and named to
//! readers of messages about its markets, the nearest facilitator first.

use std::collections::BTreeSet;

use vigie_config::rules;
use vigie_domain::service_area::{Area, MAX_PLACES, ServiceArea, Spot, Within};
use vigie_domain::{Around, Buyer, Cadence, Department, Filter, ProvisionKind, Subscriber};
use vigie_notifier::card::short;
use vigie_store::journal::NoticeRow;
use vigie_store::search::Query;
use vigie_store::{StoreError, derived_id};

use crate::ingest::search_row::KINDS;
use crate::place_input;
use crate::service::Service;
use crate::subscriptions;

/// Longest name and contact, in characters.
pub const MAX_TEXT: usize = 200;
/// Most départements whose facilitators are looked up for one message.
const MAX_DEPARTMENTS: usize = 3;
/// Radius of the circle by which a subscription means one commune, in kilometres: town halls of two communes are farther apart.
const ONE_COMMUNE: u16 = 1;

/// The area of an organisation; an empty one where it said none.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, structure: &str) -> Result<ServiceArea, StoreError> {
    Ok(service.store.service_area(structure).await?.map(|(area, _)| area).unwrap_or_default())
}

/// An area as people write it: one entry a line or between commas; what cannot be read is told with its field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written<'a> {
    pub departments: &'a str,
    pub epcis: &'a str,
    pub communes: &'a str,
    pub buyers: &'a str,
    pub quarters: &'a str,
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ';', ',']).map(str::trim).filter(|e| !e.is_empty())
}

impl Written<'_> {
    /// Reads it: the area and, for each field, what cannot be read of it.
    #[must_use]
    pub fn read(&self) -> (Area, Vec<(&'static str, String)>) {
        let (mut area, mut faults) = (Area::default(), Vec::new());
        fn fill<T: PartialEq>(
            text: &str,
            name: &'static str,
            faults: &mut Vec<(&'static str, String)>,
            read: impl Fn(&str) -> Result<T, String>,
        ) -> Vec<T> {
            let mut out = Vec::new();
            for entry in entries(text) {
                match read(entry) {
                    Ok(one) if out.contains(&one) => {}
                    Ok(_) if out.len() >= MAX_PLACES => {
                        faults.push((name, format!("{MAX_PLACES} entrées au plus")));
                        break;
                    }
                    Ok(one) => out.push(one),
                    Err(why) => faults.push((name, why)),
                }
            }
            out
        }
        let unknown = |text: &str| format!("je ne connais pas le département « {} »", short(text, 40));
        area.departments =
            fill(self.departments, "departements", &mut faults, |t| Department::parse(t).ok_or_else(|| unknown(t)));
        area.epcis = fill(self.epcis, "epci", &mut faults, |t| place_input::epci(t).map(|e| e.siren.to_owned()));
        area.communes =
            fill(self.communes, "communes", &mut faults, |t| place_input::commune(t).map(|c| c.code.to_owned()));
        area.buyers = fill(self.buyers, "acheteurs", &mut faults, |t| {
            Buyer::clean_siret(t).ok_or_else(|| format!("« {} » n’est ni un SIREN ni un SIRET", short(t, 40)))
        });
        area.quarters = fill(self.quarters, "quartiers", &mut faults, |t| match t.chars().count() {
            4..=80 => Ok(t.split_whitespace().collect::<Vec<_>>().join(" ")),
            _ => Err(format!("le nom d’un quartier a de 4 à 80 caractères : « {} »", short(t, 40))),
        });
        (area, faults)
    }
}

/// An area as [`Written`] reads it, field by field: départements, intercommunalities, communes, buyers, quarters.
#[must_use]
pub fn lines(area: &Area) -> [String; 5] {
    let table = rules::communes();
    let epci = |siren: &String| {
        // A name that two intercommunalities bear is told by its number.
        let name = table.epci(siren).map(|e| e.name).filter(|name| table.epcis_meant(name).len() == 1);
        name.filter(|n| !n.contains([',', ';'])).unwrap_or(siren).to_owned()
    };
    let commune = |code: &String| {
        let label = table.by_code(code).map(|c| c.label()).filter(|label| table.meant(label).len() == 1);
        label.unwrap_or_else(|| code.clone())
    };
    [
        area.departments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        area.epcis.iter().map(epci).collect::<Vec<_>>().join("\n"),
        area.communes.iter().map(commune).collect::<Vec<_>>().join("\n"),
        area.buyers.join("\n"),
        area.quarters.join("\n"),
    ]
}

/// Says the area of an organisation; subscriptions of colleagues that follow it are changed with it.
///
/// # Errors
/// The database fails.
pub async fn settle(service: &Service, person: &Subscriber, area: &ServiceArea) -> Result<(), StoreError> {
    let (structure, now) = (person.structure(), service.clock.now());
    let reach = area.area.reach(rules::communes());
    service.store.put_service_area(structure, area, (&reach, &person.name), now).await?;
    for colleague in service.store.people_of(structure).await? {
        if follows(service, &colleague).await? {
            follow(service, &colleague, &area.area).await?;
        }
    }
    Ok(())
}

/// Where an organisation said no area, the places that a person of it subscribed to are its area, for colleagues to correct: départements
/// and intercommunalities as they are, a circle by its commune.
///
/// # Errors
/// The database fails.
pub async fn begin(service: &Service, person: &Subscriber) -> Result<(), StoreError> {
    if service.store.service_area(person.structure()).await?.is_some() {
        return Ok(());
    }
    let mut area = Area::default();
    for one in service.store.subscriptions_of(&person.id).await? {
        area.departments.extend(one.filter.departments);
        area.epcis.extend(one.filter.epcis);
        area.communes.extend(one.filter.around.into_iter().map(|a| a.commune));
    }
    area.departments.sort();
    area.departments.dedup();
    for list in [&mut area.epcis, &mut area.communes] {
        list.sort();
        list.dedup();
        list.truncate(MAX_PLACES);
    }
    if area.is_empty() {
        return Ok(());
    }
    settle(service, person, &ServiceArea { area, ..ServiceArea::default() }).await
}

/// Parts of an area that are subscriptions of their own: in one, all conditions hold together.
const PARTS: [&str; 3] = ["places", "buyers", "quarters"];

fn subscription_id(person: &str, part: &str) -> String {
    derived_id(&["service area", person, part])
}

/// Whether a person hears of what is published in the area of their organisation.
///
/// # Errors
/// The database fails.
pub async fn follows(service: &Service, person: &Subscriber) -> Result<bool, StoreError> {
    let mine = service.store.subscriptions_of(&person.id).await?;
    Ok(mine.iter().any(|s| PARTS.iter().any(|part| s.id == subscription_id(&person.id, part))))
}

/// Has a person hear of what is published in an area. What they refined of it otherwise stands.
///
/// # Errors
/// The database fails.
pub async fn follow(service: &Service, person: &Subscriber, area: &Area) -> Result<(), StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let mine = store.subscriptions_of(&person.id).await?;
    let provisions: Vec<ProvisionKind> =
        KINDS.into_iter().filter(|k| *k != ProvisionKind::SocialConditionNotSeen).collect();
    for part in PARTS {
        let id = subscription_id(&person.id, part);
        let stands = mine.iter().find(|s| s.id == id);
        let before =
            stands.map_or_else(|| Filter { provisions: provisions.clone(), ..Filter::default() }, |s| s.filter.clone());
        let around = |code: &String| Around { commune: code.clone(), km: ONE_COMMUNE };
        let (filter, name, any) = match part {
            "places" => (
                Filter {
                    departments: area.departments.clone(),
                    epcis: area.epcis.clone(),
                    around: area.communes.iter().map(around).collect(),
                    ..before
                },
                "Notre territoire",
                !(area.departments.is_empty() && area.epcis.is_empty() && area.communes.is_empty()),
            ),
            "buyers" => (Filter { buyers: area.buyers.clone(), ..before }, "Nos acheteurs", !area.buyers.is_empty()),
            _ => (
                Filter { words: area.quarters.clone(), departments: area.reach(rules::communes()), ..before },
                "Nos quartiers",
                !area.quarters.is_empty(),
            ),
        };
        if any {
            store.take_in_hand(&person.id).await?;
            store.put_subscription_as((&person.id, &id), (&filter, Cadence::Auto, name), now).await?;
        } else if stands.is_some() {
            subscriptions::remove(service, &person.id, &id).await?;
        }
    }
    Ok(())
}

/// Has a person hear of it no more.
///
/// # Errors
/// The database fails.
pub async fn unfollow(service: &Service, person: &Subscriber) -> Result<(), StoreError> {
    for part in PARTS {
        subscriptions::remove(service, &person.id, &subscription_id(&person.id, part)).await?;
    }
    Ok(())
}

/// A search that finds what may be in an area, by département and buyer; [`holds`] then says what is. `None` for an area that holds
/// nothing. Quarters alone are looked for everywhere.
#[must_use]
pub fn query(area: &Area) -> Option<Query> {
    let sirens: BTreeSet<String> = area.buyers.iter().filter_map(|b| b.get(..9).map(str::to_owned)).collect();
    let departments = area.reach(rules::communes());
    (!area.is_empty()).then(|| Query { departments, buyers: sirens.into_iter().collect(), ..Query::default() })
}

/// How a procedure is within an area, by where its notices say that it is bought and done: the nearest way.
#[must_use]
pub fn holds(area: &Area, notices: &[NoticeRow]) -> Option<Within> {
    let held = notices.iter().filter_map(|row| {
        let places: Vec<_> =
            row.notice.places.iter().chain(row.notice.lots.iter().flat_map(|l| &l.places)).cloned().collect();
        let words =
            row.notice.lots.iter().fold(row.assessment.title.clone(), |all, lot| format!("{all} {}", lot.title));
        let spot = Spot {
            places: &places,
            departments: &row.assessment.departments,
            buyer: row.notice.buyer.siret.as_deref(),
            words: &words,
        };
        area.holds(&spot, rules::communes())
    });
    held.min()
}

/// Whether what [`query`] found is to be shown: an empty area, or one of whole départements, asks no further.
#[must_use]
pub fn lets_through(area: &Area, notices: &[NoticeRow]) -> bool {
    !area.is_fine() && area.buyers.is_empty() || holds(area, notices).is_some()
}

/// The lines that name who looks after clauses where something is bought and done, the nearest first: those who follow the buyer, the
/// commune, the intercommunality, then those of the whole département; those of whom that is not known only where there is nobody else.
/// `reader` needs no help from themselves, nor from their own organisation.
///
/// # Errors
/// The database fails.
pub async fn facilitators(
    service: &Service,
    spot: &Spot<'_>,
    (reader, most): (Option<&str>, usize),
) -> Result<Vec<String>, StoreError> {
    let (mut name, mut addresses, mut own) = (String::new(), Vec::new(), String::new());
    if let Some(reader) = reader {
        let person = service.store.subscriber(reader).await?;
        own = person.as_ref().map(|p| p.structure().to_owned()).unwrap_or_default();
        name = person.map(|s| s.name).unwrap_or_default();
        addresses = service.store.addresses(reader).await?.into_iter().map(|a| a.value).collect();
    }
    let table = rules::communes();
    let mut found: Vec<(Within, String)> = Vec::new();
    for department in spot.departments.iter().take(MAX_DEPARTMENTS) {
        for (structure, area) in service.store.shown_service_areas(department).await? {
            if let Some(within) = area.area.holds(spot, table).filter(|_| structure != own) {
                found.push((within, format!("Facilitateur des clauses : {} ({})", area.name, area.contact)));
            }
        }
        for one in service.store.facilitators(department).await? {
            if let Some(within) = one.area().holds(spot, table).filter(|_| !one.is(&name, &addresses)) {
                found.push((within, one.in_french()));
            }
        }
    }
    found.sort();
    let sure = found.iter().any(|(within, _)| !matches!(within, Within::Unsure(_)));
    let mut out: Vec<String> = Vec::new();
    for (within, line) in found {
        if !out.contains(&line) && out.len() < most && !(sure && matches!(within, Within::Unsure(_))) {
            out.push(line);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_read_as_people_write_it_and_written_as_it_is_read() {
        let written = Written {
            departments: "59, 2A",
            epcis: "Métropole Européenne de Lille\n246200364",
            communes: "Lens (62); 62510",
            buyers: "216 204 982\n26590671900017",
            quarters: "Les Oliveaux",
        };
        let (area, faults) = written.read();
        assert_eq!(faults, []);
        assert_eq!(area.departments.len(), 2);
        assert_eq!(area.epcis, ["200093201", "246200364"]);
        assert_eq!(area.communes, ["62498", "62510"]);
        assert_eq!(area.buyers, ["216204982", "26590671900017"]);
        let [departments, epcis, communes, buyers, quarters] = lines(&area);
        let again = Written {
            departments: &departments,
            epcis: &epcis,
            communes: &communes,
            buyers: &buyers,
            quarters: &quarters,
        };
        assert_eq!(again.read(), (area, vec![]));
        let wrong =
            Written { departments: "lune", epcis: "nulle part", communes: "Saint-Martin", buyers: "12", quarters: "a" };
        let fields: Vec<&str> = wrong.read().1.into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["departements", "epci", "communes", "acheteurs", "quartiers"]);
    }

    #[test]
    fn intercommunalities_of_any_name_come_back() {
        // A name is looked for among all of them: some of each part of the table are enough.
        let epcis: Vec<String> = rules::communes().epcis().step_by(60).map(|e| e.siren.to_owned()).collect();
        let area = Area { epcis, ..Area::default() };
        let [_, epcis, ..] = lines(&area);
        assert_eq!(Written { epcis: &epcis, ..Written::default() }.read(), (area, vec![]));
    }
}
