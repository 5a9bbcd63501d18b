//! The index beside a test of every subscription.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vigie_config::rules;
use vigie_domain::assessment::AssessedLot;
use vigie_domain::subscription::{Candidate, Dimension, Profile, Role};
use vigie_domain::territory::Around;
use vigie_domain::{
    Assessment, Cadence, Cpv, Department, Evidence, Filter, Lot, Notice, NoticeKind, Place, Provision, ProvisionKind,
    Subscriber, Subscription,
};

use super::{Index, explain, hit};

fn anybody() -> Subscriber {
    Subscriber { id: "a".into(), name: String::new(), role: Role::Structure, profile: Profile::default() }
}

/// Everyone's subscriptions, and the index that is to find them.
#[derive(Debug, Default)]
struct World {
    index: Index,
    people: BTreeMap<u32, Vec<Subscription>>,
}

impl World {
    fn of(filters: Vec<Filter>) -> Self {
        let mut world = Self::default();
        for (person, filter) in (0..).zip(filters) {
            world.set(person, vec![filter]);
        }
        world
    }

    fn set(&mut self, person: u32, filters: Vec<Filter>) {
        self.index.set(person, &filters);
        let subscriptions = filters.into_iter().enumerate().map(|(n, filter)| Subscription {
            id: format!("{person}-{n}"),
            subscriber: person.to_string(),
            filter,
            cadence: if n == 0 { Cadence::Daily } else { Cadence::Instant },
            paused_until: None,
            name: String::new(),
        });
        self.people.insert(person, subscriptions.collect());
    }

    /// Those whom a test of everything finds.
    fn scanned(&self, c: &Candidate<'_>) -> Vec<u32> {
        let takes = |subscriptions: &Vec<Subscription>| subscriptions.iter().any(|s| s.filter.test(c).is_ok());
        self.people.iter().filter(|(_, subscriptions)| takes(subscriptions)).map(|(person, _)| *person).collect()
    }

    /// Those whom the index finds and their conditions take.
    fn found(&self, c: &Candidate<'_>) -> Vec<u32> {
        let mut people = self.index.candidates(c);
        people.retain(|person| hit(&anybody(), &self.people[person], c).is_some());
        people
    }
}

fn assessment(sectors: &[&str], departments: &[&str], lots: Vec<AssessedLot>) -> Assessment {
    Assessment {
        title: "t".into(),
        departments: departments.iter().filter_map(|d| Department::parse(d)).collect(),
        lots,
        sectors: sectors.iter().map(|s| (*s).to_owned()).collect(),
        score: 30,
        ..Assessment::new("1", NoticeKind::Call)
    }
}

fn candidate<'a>(notice: &'a Notice, assessment: &'a Assessment) -> Candidate<'a> {
    Candidate { notice, assessment, folded: " nettoyage du linge ", now: chrono::Utc::now(), communes: rules::communes }
}

fn lot(id: &str, sector: &str, department: &str) -> AssessedLot {
    AssessedLot {
        id: id.into(),
        sectors: vec![sector.into()],
        departments: Department::parse(department).into_iter().collect(),
        ..AssessedLot::default()
    }
}

fn filter(sectors: &[&str], departments: &[&str]) -> Filter {
    Filter {
        sectors: sectors.iter().map(|s| (*s).to_owned()).collect(),
        departments: departments.iter().filter_map(|d| Department::parse(d)).collect(),
        ..Filter::default()
    }
}

#[test]
fn sector_and_place_must_meet_on_the_same_lot() {
    let notice = Notice::new("t", "1", NoticeKind::Call);
    let a = assessment(&["a", "b"], &["59", "06"], vec![lot("1", "a", "59"), lot("2", "b", "06")]);
    let c = candidate(&notice, &a);
    let world = World::of(vec![filter(&["a"], &["06"]), filter(&["b"], &["06"])]);
    assert_eq!(world.found(&c), [1]);
    let met = hit(&anybody(), &world.people[&1], &c).unwrap();
    assert_eq!(met.found.lots, ["2"]);
    assert_eq!(explain(&anybody(), &world.people[&0], &c)[0].1, Err(Dimension::Department));
}

/// A facilitator of the Rhône does not hear of a lot reserved in the Gironde, though the procedure as a whole names no place.
#[test]
fn provision_and_place_must_meet_on_the_same_lot() {
    let notice = Notice::new("t", "1", NoticeKind::Call);
    let mut a = assessment(&["a"], &[], vec![lot("1", "a", "86"), lot("2", "a", "33")]);
    let reserved = Provision::new(ProvisionKind::Reserved, Evidence { field: Some("f".into()), quote: None });
    a.provisions = vec![Provision { lots: vec!["2".into()], ..reserved }];
    let asks = |code: &str| Filter { provisions: vec![ProvisionKind::Reserved], ..filter(&[], &[code]) };
    let world = World::of(vec![asks("33"), asks("86"), asks("69")]);
    assert_eq!(world.found(&candidate(&notice, &a)), [0]);
    assert_eq!(explain(&anybody(), &world.people[&2], &candidate(&notice, &a))[0].1, Err(Dimension::Department));
}

#[test]
fn a_trade_of_which_no_lot_speaks_is_not_lost() {
    let notice = Notice::new("t", "1", NoticeKind::Call);
    let mute = AssessedLot { sectors: vec![], ..lot("1", "", "59") };
    let a = assessment(&["a", "b"], &["59"], vec![mute, lot("2", "b", "59")]);
    let c = candidate(&notice, &a);
    let world = World::of(vec![filter(&["a"], &["59"]), filter(&["b"], &["59"]), filter(&["a"], &["06"])]);
    let lots = |person: u32| hit(&anybody(), &world.people[&person], &c).unwrap().found.lots;
    assert_eq!(world.found(&c), [0, 1]);
    assert_eq!((lots(0), lots(1)), (vec![], vec!["2".to_owned()]));
    assert_eq!(explain(&anybody(), &world.people[&2], &c)[0].1, Err(Dimension::Department));
}

#[test]
fn a_trade_of_which_no_lot_speaks_is_where_the_lots_are() {
    let notice = Notice::new("t", "1", NoticeKind::Call);
    let a = assessment(&["a", "b"], &["06", "59"], vec![lot("1", "b", "59"), lot("2", "b", "62")]);
    let world = World::of(vec![filter(&["a"], &["06"]), filter(&["a"], &["62"]), filter(&["a"], &["59", "62"])]);
    let c = candidate(&notice, &a);
    assert_eq!(explain(&anybody(), &world.people[&0], &c)[0].1, Err(Dimension::Department));
    assert_eq!(hit(&anybody(), &world.people[&1], &c).unwrap().found.lots, ["2"]);
    assert_eq!(hit(&anybody(), &world.people[&2], &c).unwrap().found.lots, Vec::<String>::new());
}

#[test]
fn a_notice_without_a_place_is_not_lost() {
    let notice = Notice::new("t", "1", NoticeKind::Call);
    let a = assessment(&["a"], &[], vec![]);
    let world = World::of(vec![filter(&["a"], &["59"]), filter(&[], &["59"])]);
    assert_eq!(world.found(&candidate(&notice, &a)), [0, 1]);
}

#[test]
fn of_several_subscriptions_the_most_urgent_speaks() {
    let notice = Notice::new("t", "1", NoticeKind::Call);
    let a = assessment(&["a"], &["59"], vec![]);
    let mut world = World::default();
    world.set(7, vec![filter(&["a"], &["59"]), filter(&[], &[])]);
    assert_eq!(world.index.len(), 2);
    let met = hit(&anybody(), &world.people[&7], &candidate(&notice, &a)).unwrap();
    assert_eq!((met.subscription.as_str(), met.cadence), ("7-1", Cadence::Instant));
}

#[test]
fn an_index_is_worn_once_most_of_it_is_dead() {
    let mut index = Index::default();
    let (one, other) = (filter(&["a"], &["59"]), filter(&["b"], &["59"]));
    let mut changes = 0;
    while !index.is_worn() {
        index.set(changes % 10, [&one, &other]);
        changes += 1;
    }
    assert_eq!(index.len(), 20);
    assert!((5_000..6_000).contains(&changes), "{changes}");
}

/// Few enough values that much of what is drawn meets.
mod drawn {
    use super::*;

    fn some<T: Clone + std::fmt::Debug + 'static>(of: &[T], most: usize) -> impl Strategy<Value = Vec<T>> + use<T> {
        proptest::collection::vec(proptest::sample::select(of.to_vec()), 0..=most)
    }

    fn strings(of: &[&str], most: usize) -> impl Strategy<Value = Vec<String>> + use<> {
        some(&of.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), most)
    }

    fn departments() -> impl Strategy<Value = Vec<Department>> {
        some(&["59", "62", "06", "75"].map(|d| Department::parse(d).unwrap()), 2)
    }

    const KINDS: [NoticeKind; 4] =
        [NoticeKind::Call, NoticeKind::Award, NoticeKind::Correction, NoticeKind::PriorInformation];
    const PROVISIONS: [ProvisionKind; 3] =
        [ProvisionKind::Reserved, ProvisionKind::ExecutionClause, ProvisionKind::Other];
    const BUYERS: [&str; 4] = ["215903501", "21590350100017", "130005481", "1300"];

    fn around() -> impl Strategy<Value = Vec<Around>> {
        some(&[Around { commune: "62498".into(), km: 30 }, Around { commune: "59350".into(), km: 5 }], 1)
    }

    pub(super) fn filter() -> impl Strategy<Value = Filter> {
        let what = (strings(&["a", "b", "c"], 2), strings(&["9", "909", "45", ""], 1), some(&PROVISIONS, 2));
        let place = (departments(), strings(&["200093201"], 1), around());
        let rest = (
            some(&KINDS, 2),
            strings(&BUYERS, 1),
            strings(&BUYERS, 1),
            strings(&["linge", "neige"], 2),
            strings(&["neige", "voirie"], 1),
            0_u8..60,
            proptest::option::of(0.0_f64..100_000.0),
        );
        let weigh = |(what, place, rest): (_, _, _)| {
            let ((sectors, cpv, provisions), (departments, epcis, around)) = (what, place);
            let (notice_kinds, buyers, excluded_buyers, words, excluded_words, min_score, min_amount) = rest;
            Filter {
                sectors,
                cpv,
                provisions,
                departments,
                epcis,
                around,
                notice_kinds,
                buyers,
                excluded_buyers,
                words,
                excluded_words,
                min_score,
                min_amount,
                ..Filter::default()
            }
        };
        // Each condition is often left out: all at once meet nothing.
        (what, place, rest, any::<u8>()).prop_map(move |(what, place, rest, left_out)| {
            let mut filter = weigh((what, place, rest));
            let out = |bit: u8| left_out & (1 << bit) != 0;
            if out(0) {
                filter.sectors.clear();
            }
            if out(1) {
                filter.cpv.clear();
            }
            if out(2) {
                filter.provisions.clear();
            }
            if out(3) {
                (filter.departments, filter.epcis, filter.around) = Default::default();
            }
            if out(4) {
                filter.buyers.clear();
            }
            if out(5) {
                filter.words.clear();
            }
            if out(6) {
                filter.notice_kinds.clear();
            }
            if out(7) {
                filter.min_amount = None;
            }
            filter
        })
    }

    fn cpv() -> impl Strategy<Value = Vec<Cpv>> {
        some(&["90910000", "45000000", "90500000"].map(|c| Cpv::parse(c).unwrap()), 2)
    }

    fn places() -> impl Strategy<Value = Vec<Place>> {
        let place = |city: &str, postcode: &str| Place {
            city: Some(city.to_owned()),
            postcode: Some(postcode.to_owned()),
            nuts: None,
        };
        some(&[place("Lille", "59000"), place("Lens", "62300"), place("Nice", "06000")], 1)
    }

    fn lots() -> impl Strategy<Value = Vec<(AssessedLot, Vec<Place>)>> {
        let one = (strings(&["a", "b", "c"], 2), departments(), cpv(), places());
        proptest::collection::vec(one, 0..3).prop_map(|lots| {
            let lot = |(n, (sectors, departments, cpv, places)): (usize, (_, _, _, _))| {
                (AssessedLot { id: n.to_string(), sectors, departments, cpv, ..AssessedLot::default() }, places)
            };
            lots.into_iter().enumerate().map(lot).collect()
        })
    }

    pub(super) fn notice() -> impl Strategy<Value = (Notice, Assessment)> {
        let whole = (strings(&["a", "b", "c"], 2), strings(&["a", "b"], 1), departments(), cpv(), places());
        let about = (
            proptest::sample::select(KINDS.to_vec()),
            proptest::option::of(proptest::sample::select(BUYERS.to_vec())),
            proptest::option::of(0.0_f64..100_000.0),
            0_u8..100,
            some(&PROVISIONS, 2),
        );
        (whole, about, lots()).prop_map(|((sectors, side, departments, cpv, places), about, lots)| {
            let (kind, siret, estimated_value, score, provisions) = about;
            let mut notice = Notice::new("t", "1", kind);
            notice.buyer.siret = siret.map(str::to_owned);
            (notice.estimated_value, notice.places) = (estimated_value, places);
            let given = |(lot, places): &(AssessedLot, Vec<Place>)| Lot {
                id: lot.id.clone(),
                places: places.clone(),
                ..Lot::default()
            };
            notice.lots = lots.iter().map(given).collect();
            let evidence = || Evidence { field: Some("f".into()), quote: None };
            let judged = Assessment {
                notice_kind: kind,
                sectors,
                side_sectors: side,
                departments,
                cpv,
                score,
                provisions: provisions.into_iter().map(|p| Provision::new(p, evidence())).collect(),
                ..assessment(&[], &[], lots.into_iter().map(|(lot, _)| lot).collect())
            };
            (notice, judged)
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever people ask for, and however they change it, the index finds exactly those whom a test of everything finds.
    #[test]
    fn the_index_agrees_with_a_scan_through_changes(
        changes in proptest::collection::vec((0_u32..8, proptest::collection::vec(drawn::filter(), 0..3)), 1..25),
        notices in proptest::collection::vec(drawn::notice(), 1..4),
    ) {
        let mut world = World::default();
        for (person, filters) in changes {
            world.set(person, filters);
            for (notice, assessment) in &notices {
                let c = candidate(notice, assessment);
                prop_assert_eq!(world.found(&c), world.scanned(&c));
            }
        }
        prop_assert_eq!(world.index.len(), world.people.values().map(Vec::len).sum::<usize>());
    }
}
