//! One reserved contract of 173 lots over a département: staff for its schools and buildings. Each of twenty structures hears of
//! exactly its lots, planned without a database.
//!
//! Which lots are whose is worked out from the distance between town halls, not by the code under test.

use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use vigie_config::rules::{self, communes};
use vigie_domain::commune::Commune;
use vigie_domain::subscription::{Candidate, Profile, Rhythm, Role};
use vigie_domain::{
    Around, Cadence, Department, Filter, Lot, Notice, NoticeKind, Passage, StructureKind, Subscriber, Subscription,
};
use vigie_notifier::card::Why;
use vigie_notifier::due::DigestTimes;
use vigie_service::ingest::plan::{self, Planner};
use vigie_service::ingest::stored::{People, Stored};
use vigie_service::ingest::{Audience, content_hash};
use vigie_store::audience::Person;
use vigie_watcher::classify;

/// Communes of the Pas-de-Calais with a school, and how many lots each has.
const TOWNS: [&str; 34] = [
    "Arras",
    "Lens",
    "Liévin",
    "Béthune",
    "Calais",
    "Boulogne-sur-Mer",
    "Saint-Omer",
    "Hénin-Beaumont",
    "Bruay-la-Buissière",
    "Carvin",
    "Berck",
    "Étaples",
    "Outreau",
    "Le Portel",
    "Auchel",
    "Lillers",
    "Avion",
    "Harnes",
    "Bully-les-Mines",
    "Noeux-les-Mines",
    "Courrières",
    "Oignies",
    "Saint-Pol-sur-Ternoise",
    "Frévent",
    "Montreuil-sur-Mer",
    "Desvres",
    "Marquise",
    "Guînes",
    "Ardres",
    "Bapaume",
    "Vitry-en-Artois",
    "Beaurains",
    "Dainville",
    "Aire-sur-la-Lys",
];
/// Lots that name no commune: in doubt they are everybody's.
const NOWHERE: [usize; 3] = [57, 111, 170];

fn town(lot: usize) -> Option<&'static str> {
    (!NOWHERE.contains(&lot)).then(|| TOWNS[lot * 7 % TOWNS.len()])
}

/// A title as buyers write it: the town behind a comma, a dash, "de", in brackets, in capitals.
fn title(lot: usize) -> String {
    let names = ["Jean-Moulin", "Paul Langevin", "Anatole France", "Denis Saurat", "Simone Veil"];
    let school = names[lot % names.len()];
    match (town(lot), lot % 5) {
        (None, _) => format!("Bâtiment départemental n° {lot}"),
        (Some(town), 0) => format!("Collège {school}, {town}"),
        (Some(town), 1) => format!("Collège {school} – {town}"),
        (Some(town), 2) => format!("Maison du Département Solidarité de {town}"),
        (Some(town), 3) => format!("Collège {school} ({town})"),
        (Some(town), _) => format!("Collège {school} à {town}"),
    }
}

fn contract() -> Notice {
    let mut notice = Notice::new("boamp", "26-173", NoticeKind::Call);
    notice.title =
        "Mise à disposition de personnel pour le remplacement d'agents dans les collèges et bâtiments".into();
    notice.buyer.name = "Département du Pas-de-Calais".into();
    notice.departments.extend(Department::parse("62"));
    notice.lots = (1..=173).map(|n| Lot { id: n.to_string(), title: title(n), ..Lot::default() }).collect();
    notice.passages.push(Passage {
        field: "t".into(),
        lot: None,
        text: "Tous les lots sont réservés aux structures d'insertion par l'activité économique (article L2113-13)."
            .into(),
    });
    notice
}

/// Twenty structures: a centre and a radius each (0 = the whole département), and what they are.
const STRUCTURES: [(&str, u16, StructureKind); 20] = [
    ("Arras", 10, StructureKind::Ai),
    ("Arras", 25, StructureKind::Etti),
    ("Lens", 5, StructureKind::Ai),
    ("Lens", 15, StructureKind::Ai),
    ("Liévin", 8, StructureKind::Etti),
    ("Béthune", 12, StructureKind::Ai),
    ("Calais", 20, StructureKind::Ai),
    ("Calais", 1, StructureKind::Etti),
    ("Boulogne-sur-Mer", 15, StructureKind::Ai),
    ("Saint-Omer", 18, StructureKind::Ai),
    ("Hénin-Beaumont", 9, StructureKind::Ai),
    ("Berck", 20, StructureKind::Ai),
    ("Montreuil-sur-Mer", 12, StructureKind::Ai),
    ("Bapaume", 6, StructureKind::Ai),
    ("Frévent", 30, StructureKind::Etti),
    ("Lillers", 14, StructureKind::Ai),
    ("Carvin", 40, StructureKind::Etti),
    ("Arras", 0, StructureKind::Etti),
    // A structure that sells services, and one to which the reservation is closed.
    ("Arras", 0, StructureKind::Ei),
    ("Lens", 30, StructureKind::Ea),
];

fn commune(town: &str) -> Commune {
    let found = communes().named(town, Department::parse("62").as_ref());
    assert_eq!(found.len(), 1, "{town}");
    found[0]
}

/// The lots around a town, by the distance of town halls; those that name none are everybody's.
fn around(centre: &str, km: u16) -> Vec<String> {
    let near = |town: &str| commune(town).km_to(&commune(centre)).is_some_and(|d| d <= f64::from(km));
    (1..=173).filter(|n| town(*n).is_none_or(near)).map(|n| n.to_string()).collect()
}

fn person(n: usize, (centre, km, kind): (&str, u16, StructureKind)) -> (Subscription, Subscriber) {
    let filter = match km {
        0 => Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() },
        km => Filter { around: vec![Around { commune: commune(centre).code.to_owned(), km }], ..Filter::default() },
    };
    let id = format!("s{n:02}");
    let subscription = Subscription {
        id: format!("sub-{id}"),
        subscriber: id.clone(),
        filter,
        cadence: Cadence::Instant,
        paused_until: None,
        name: String::new(),
    };
    let profile = Profile { kind: Some(kind), ..Profile::default() };
    (subscription, Subscriber { id, name: String::new(), role: Role::Structure, profile })
}

#[test]
fn each_of_twenty_structures_hears_of_exactly_its_lots() {
    let now: DateTime<Utc> = Paris.with_ymd_and_hms(2026, 11, 24, 10, 0, 0).unwrap().with_timezone(&Utc);
    let mut audience = Audience::default();
    for (n, structure) in STRUCTURES.iter().enumerate() {
        let (subscription, subscriber) = person(n, *structure);
        let subscriptions = vec![subscription];
        let (rhythm, addresses) = (Rhythm::default(), Vec::new());
        let routes = vigie_domain::Routes::default();
        audience.add(Arc::new(Person {
            number: 1,
            subscriber,
            rhythm,
            routes,
            away: None,
            subscriptions,
            addresses,
            tastes: Vec::new(),
        }));
    }
    let times = DigestTimes { hour: 8, weekday: chrono::Weekday::Mon, days: vigie_domain::Days::ALL, zone: Paris };
    let planner = Planner::with_paces(&audience, None, (times, 0), now);
    let notice = contract();
    let stored = Stored::default();
    let plan = plan::notice(&notice, &content_hash(&notice), classify::classify(&notice), &stored, now);
    assert_eq!(plan.assessment.lots.len(), 173);
    let assessment = &plan.assessment;
    let candidate = Candidate { notice: &notice, assessment, folded: " ", now, communes: rules::communes };
    let audiences = planner.audiences(&candidate, &[]);
    let shares = planner.people(audiences, &plan.alert, plan.silent, &plan.assessment, &People::default()).shares;
    let heard = |n: usize| {
        let (share, _) = shares.iter().find(|(s, _)| s.subscriber == format!("s{n:02}"))?;
        Some((share.disposition, serde_json::from_str::<Why>(&share.reasons).unwrap().found))
    };
    for (n, (centre, km, kind)) in STRUCTURES.iter().enumerate() {
        let heard = heard(n);
        match kind {
            StructureKind::Ei => assert_eq!(heard, None, "an EI lends no staff"),
            StructureKind::Ea => assert_eq!(heard, None, "closed to an EA: told only to who asks for it"),
            _ if *km == 0 => assert_eq!(heard.unwrap().1.lots, Vec::<String>::new(), "all of them"),
            _ => {
                let expected = around(centre, *km);
                assert!(expected.len() > NOWHERE.len() && expected.len() < 173, "{centre} {km}: {}", expected.len());
                assert_eq!(heard.unwrap().1.lots, expected, "{centre}, {km} km");
            }
        }
    }
}
