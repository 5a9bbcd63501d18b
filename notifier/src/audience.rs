//! Who should hear of a notice: an index over subscriptions, so that cost grows with matches and not with subscriptions.
//!
//! Each subscription is filed under what it asks for most precisely: (sector, département) pairs, else sectors, else
//! départements, else buyers, else a list of the rest. A notice looks into the few drawers it has the keys of and tests
//! only what it finds there. The index carries the store's subscription version; the caller compares it inside the ingest
//! transaction and rebuilds before trusting a stale one.

use std::collections::{BTreeMap, HashMap, HashSet};

use vigie_config::rules;
use vigie_domain::subscription::{Candidate, Dimension, Match};
use vigie_domain::{Access, Cadence, Subscriber, Subscription, access};

use crate::fit::{self, Fit};

/// Where a subscription is filed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Drawer {
    SectorAndDepartment(String, String),
    Sector(String),
    /// Asks for a sector and for départements: looked into when the notice names no place.
    SectorSomewhere(String),
    Department(String),
    /// Asks for départements only: looked into when the notice names no place.
    Somewhere,
    Buyer(String),
    Rest,
}

/// Why one person hears of a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The person.
    pub subscriber: String,
    /// The subscription that met; of several, the most urgent rhythm, then the best fit.
    pub subscription: String,
    /// Its rhythm.
    pub cadence: Cadence,
    /// What met.
    pub found: Match,
    /// How well it suits them.
    pub fit: Fit,
    /// The subscription gives nothing now: the person is not told.
    pub paused: bool,
}

/// The index.
#[derive(Debug, Default)]
pub struct Index {
    version: i64,
    entries: Vec<(Subscription, Subscriber)>,
    drawers: HashMap<Drawer, Vec<u32>>,
    reads_text: bool,
}

impl Index {
    /// Files every subscription. `fold` brings the words of filters to the spelling of the text they are looked for in.
    #[must_use]
    pub fn build(version: i64, mut entries: Vec<(Subscription, Subscriber)>, fold: impl Fn(&str) -> String) -> Self {
        let mut drawers: HashMap<Drawer, Vec<u32>> = HashMap::new();
        for (i, (subscription, _)) in entries.iter_mut().enumerate() {
            subscription.filter = std::mem::take(&mut subscription.filter).with_words_folded(&fold);
            for drawer in drawers_of(&subscription.filter) {
                drawers.entry(drawer).or_default().push(u32::try_from(i).unwrap_or(u32::MAX));
            }
        }
        let reads_text = entries.iter().any(|(s, _)| s.filter.reads_text());
        Self { version, entries, drawers, reads_text }
    }

    /// The version of the subscriptions it was built from.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Whether any filter looks for words: else the caller need not fold the text.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        self.reads_text
    }

    /// Number of subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody subscribes to anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Everyone whom the notice concerns, once each.
    #[must_use]
    pub fn hits(&self, candidate: &Candidate<'_>) -> Vec<Hit> {
        let mut tried: HashSet<u32> = HashSet::new();
        let mut best: BTreeMap<&str, Hit> = BTreeMap::new();
        for drawer in keys_of(candidate) {
            for i in self.drawers.get(&drawer).into_iter().flatten() {
                if !tried.insert(*i) {
                    continue;
                }
                let Some((subscription, subscriber)) = self.entries.get(*i as usize) else { continue };
                let Ok(found) = subscription.filter.test(candidate) else { continue };
                let Some(found) = access::narrowed(subscriber.role, &subscriber.profile, candidate.assessment, found)
                else {
                    continue;
                };
                let fit = fit::weigh(&subscriber.profile, candidate.assessment, &found);
                let hit = Hit {
                    subscriber: subscriber.id.clone(),
                    subscription: subscription.id.clone(),
                    cadence: subscription.cadence,
                    found,
                    fit,
                    paused: subscription.is_paused(candidate.now),
                };
                match best.get(subscriber.id.as_str()) {
                    Some(known) if rank(known) >= rank(&hit) => {}
                    _ => {
                        best.insert(&subscriber.id, hit);
                    }
                }
            }
        }
        best.into_values().collect()
    }

    /// For one person: the hit, or for each of their subscriptions the dimension that rules the notice out.
    #[must_use]
    pub fn explain(&self, subscriber: &str, candidate: &Candidate<'_>) -> Vec<(String, Result<Match, Dimension>)> {
        self.entries
            .iter()
            .filter(|(_, s)| s.id == subscriber)
            .map(|(subscription, person)| {
                let met = subscription.filter.test(candidate).and_then(|found| {
                    let can = access::narrowed(person.role, &person.profile, candidate.assessment, found);
                    can.ok_or(Dimension::Access)
                });
                (subscription.id.clone(), met)
            })
            .collect()
    }
}

/// What is not paused, then what is not closed to them, then the sooner rhythm, then the better fit.
fn rank(hit: &Hit) -> (bool, bool, u32, u8) {
    const DAY: u32 = 1440;
    let minutes = match hit.cadence {
        Cadence::Instant => 0,
        // What presses comes at once.
        Cadence::Auto => 1,
        Cadence::Daily => DAY,
        Cadence::Weekly => 7 * DAY,
        Cadence::Every(every) => every.minutes(),
    };
    (!hit.paused, hit.found.access != Access::Closed, u32::MAX - minutes, hit.fit.score)
}

fn drawers_of(filter: &vigie_domain::Filter) -> Vec<Drawer> {
    let territory = filter.territory();
    let reach = if territory.is_fine() { territory.reach(rules::communes()) } else { filter.departments.clone() };
    let (sectors, departments) = (&filter.sectors, &reach);
    if !sectors.is_empty() && !departments.is_empty() {
        let pairs = sectors
            .iter()
            .flat_map(|s| departments.iter().map(|d| Drawer::SectorAndDepartment(s.clone(), d.as_str().to_owned())));
        return pairs.chain(sectors.iter().map(|s| Drawer::SectorSomewhere(s.clone()))).collect();
    }
    if !sectors.is_empty() {
        return sectors.iter().map(|s| Drawer::Sector(s.clone())).collect();
    }
    if !departments.is_empty() {
        return departments
            .iter()
            .map(|d| Drawer::Department(d.as_str().to_owned()))
            .chain([Drawer::Somewhere])
            .collect();
    }
    if !filter.buyers.is_empty() {
        return filter.buyers.iter().map(|b| Drawer::Buyer(siren(b).to_owned())).collect();
    }
    vec![Drawer::Rest]
}

/// The first nine digits: a buyer may be asked for by SIREN or SIRET.
fn siren(siret: &str) -> &str {
    siret.get(..9).unwrap_or(siret)
}

fn keys_of(candidate: &Candidate<'_>) -> HashSet<Drawer> {
    let assessment = candidate.assessment;
    let lots = &assessment.lots;
    let sectors: HashSet<&String> =
        assessment.sectors.iter().chain(&assessment.side_sectors).chain(lots.iter().flat_map(|l| &l.sectors)).collect();
    let departments: HashSet<&str> = assessment
        .departments
        .iter()
        .chain(lots.iter().flat_map(|l| &l.departments))
        .map(vigie_domain::Department::as_str)
        .collect();
    let some_part_without_place = assessment.departments.is_empty();
    let mut keys = HashSet::from([Drawer::Rest]);
    for sector in sectors {
        keys.insert(Drawer::Sector(sector.clone()));
        if some_part_without_place {
            keys.insert(Drawer::SectorSomewhere(sector.clone()));
        }
        keys.extend(departments.iter().map(|d| Drawer::SectorAndDepartment(sector.clone(), (*d).to_owned())));
    }
    keys.extend(departments.iter().map(|d| Drawer::Department((*d).to_owned())));
    if some_part_without_place {
        keys.insert(Drawer::Somewhere);
    }
    if let Some(siret) = &candidate.notice.buyer.siret {
        keys.insert(Drawer::Buyer(siren(siret).to_owned()));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vigie_domain::assessment::AssessedLot;
    use vigie_domain::subscription::{Profile, Role};
    use vigie_domain::{Assessment, Department, Filter, Notice, NoticeKind};

    fn assessment(sectors: &[&str], departments: &[&str], lots: Vec<AssessedLot>) -> Assessment {
        Assessment {
            id: "1".into(),
            notice_kind: NoticeKind::Call,
            title: "t".into(),
            buyer: None,
            cpv: vec![],
            departments: departments.iter().filter_map(|d| Department::parse(d)).collect(),
            dates: vec![],
            lots,
            provisions: vec![],
            sectors: sectors.iter().map(|s| (*s).to_owned()).collect(),
            side_sectors: vec![],
            routes: vec![],
            eligible_kinds: vec![],
            facts: vec![],
            awards: vec![],
            score: 30,
            reasons: vec![],
        }
    }

    fn candidate<'a>(notice: &'a Notice, assessment: &'a Assessment) -> Candidate<'a> {
        Candidate { notice, assessment, folded: " ", now: chrono::Utc::now(), communes: rules::communes }
    }

    fn lot(id: &str, sector: &str, department: &str) -> AssessedLot {
        AssessedLot {
            id: id.into(),
            sectors: vec![sector.into()],
            departments: Department::parse(department).into_iter().collect(),
            ..AssessedLot::default()
        }
    }

    fn entry(n: usize, filter: Filter) -> (Subscription, Subscriber) {
        let id = format!("s{n}");
        (
            Subscription {
                id: format!("sub{n}"),
                subscriber: id.clone(),
                filter,
                cadence: Cadence::Instant,
                paused_until: None,
            },
            Subscriber { id, name: String::new(), role: Role::Structure, profile: Profile::default() },
        )
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
        let index =
            Index::build(1, vec![entry(0, filter(&["a"], &["06"])), entry(1, filter(&["b"], &["06"]))], str::to_owned);
        let hits = index.hits(&c);
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].subscriber.as_str(), hits[0].found.lots.clone()), ("s1", vec!["2".to_owned()]));
        assert_eq!(index.explain("s0", &c)[0].1, Err(Dimension::Department));
    }

    #[test]
    fn a_trade_of_which_no_lot_speaks_is_not_lost() {
        let notice = Notice::new("t", "1", NoticeKind::Call);
        let mute = AssessedLot { sectors: vec![], ..lot("1", "", "59") };
        let a = assessment(&["a", "b"], &["59"], vec![mute, lot("2", "b", "59")]);
        let c = candidate(&notice, &a);
        let people = [filter(&["a"], &["59"]), filter(&["b"], &["59"]), filter(&["a"], &["06"])];
        let index = Index::build(1, people.into_iter().enumerate().map(|(n, f)| entry(n, f)).collect(), str::to_owned);
        let hits: Vec<_> = index.hits(&c).into_iter().map(|h| (h.subscriber, h.found.lots)).collect();
        assert_eq!(hits, [("s0".to_owned(), vec![]), ("s1".to_owned(), vec!["2".to_owned()])]);
        assert_eq!(index.explain("s2", &c)[0].1, Err(Dimension::Department));
    }

    #[test]
    fn a_notice_without_a_place_is_not_lost() {
        let notice = Notice::new("t", "1", NoticeKind::Call);
        let a = assessment(&["a"], &[], vec![]);
        let c = candidate(&notice, &a);
        let index =
            Index::build(1, vec![entry(0, filter(&["a"], &["59"])), entry(1, filter(&[], &["59"]))], str::to_owned);
        assert_eq!(index.hits(&c).len(), 2);
    }

    proptest! {
        /// The index finds exactly whom a test of every subscription finds.
        #[test]
        fn the_index_agrees_with_a_scan(
            filters in proptest::collection::vec((proptest::collection::vec("[abc]", 0..3), proptest::collection::vec("59|62|06|75", 0..3)), 0..25),
            lots in proptest::collection::vec(("[abc]", "59|62|06|75"), 0..4),
            sectors in proptest::collection::vec("[abc]", 0..3),
            departments in proptest::collection::vec("59|62|06|75", 0..3),
        ) {
            let entries: Vec<_> = filters.iter().enumerate().map(|(n, (s, d))| {
                let (s, d): (Vec<&str>, Vec<&str>) = (s.iter().map(String::as_str).collect(), d.iter().map(String::as_str).collect());
                entry(n, filter(&s, &d))
            }).collect();
            let lots = lots.iter().enumerate().map(|(n, (s, d))| lot(&n.to_string(), s, d)).collect();
            let (s, d): (Vec<&str>, Vec<&str>) = (sectors.iter().map(String::as_str).collect(), departments.iter().map(String::as_str).collect());
            let a = assessment(&s, &d, lots);
            let notice = Notice::new("t", "1", NoticeKind::Call);
            let c = candidate(&notice, &a);
            let mut scanned: Vec<String> = entries.iter().filter(|(s, _)| s.filter.test(&c).is_ok()).map(|(s, _)| s.subscriber.clone()).collect();
            scanned.sort();
            let found: Vec<String> = Index::build(1, entries, str::to_owned).hits(&c).into_iter().map(|h| h.subscriber).collect();
            let mut found = found; found.sort();
            prop_assert_eq!(found, scanned);
        }
    }
}
