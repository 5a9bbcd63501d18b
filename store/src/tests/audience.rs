//! Following the audience: two processes on one database, through every kind of change.

use std::collections::{BTreeMap, BTreeSet};

use vigie_domain::subscription::{Profile, Rhythm, Role, Subscriber};
use vigie_domain::{Cadence, Channel, Department, Filter};

use super::{Empty, at, person};
use crate::Store;
use crate::address::AddressState;
use crate::audience::{Changes, Person};
use crate::invitations::{NewInvitation, Taken};
use crate::people::NewSubscriber;
use crate::retention::Keep;

/// A process that follows the audience: everybody's conditions, and all it ever read of people.
struct Follower {
    store: Store,
    version: i64,
    filters: BTreeMap<i64, BTreeSet<String>>,
    people: BTreeMap<i64, Person>,
}

impl Follower {
    async fn open(url: &str) -> Self {
        let store = Store::open(url).await.unwrap();
        Self { store, version: 0, filters: BTreeMap::new(), people: BTreeMap::new() }
    }

    /// Applies what changed; gives how many people did, `None` = everybody was read anew.
    async fn follow(&mut self) -> Option<usize> {
        let Changes { version, people } = self.store.audience_changes(self.version).await.unwrap();
        self.version = version;
        let Some(people) = people else {
            (self.filters, self.people) = everybody(&self.store).await;
            return None;
        };
        for number in &people {
            self.filters.remove(number);
            self.people.remove(number);
        }
        for one in self.store.filters_of(&people).await.unwrap() {
            self.filters.entry(one.person).or_default().insert(one.subscription);
        }
        let mut tx = self.store.begin_ingest(at(0)).await.unwrap();
        for person in tx.people_by_number(&people).await.unwrap() {
            self.people.insert(person.number, person);
        }
        Some(people.len())
    }
}

/// Everybody, as someone finds them who never looked before.
async fn everybody(store: &Store) -> (BTreeMap<i64, BTreeSet<String>>, BTreeMap<i64, Person>) {
    let (mut filters, mut last) = (BTreeMap::<i64, BTreeSet<String>>::new(), (0, String::new()));
    loop {
        // Two at a time: a person with three is on two pages.
        let page = store.filters_after((last.0, &last.1), 2).await.unwrap();
        let Some(end) = page.last() else { break };
        last = (end.person, end.subscription.clone());
        for one in page {
            filters.entry(one.person).or_default().insert(one.subscription);
        }
    }
    let everyone = store.subscribers().await.unwrap();
    let ids: Vec<&str> = everyone.iter().map(|p| p.id.as_str()).collect();
    let mut tx = store.begin_ingest(at(0)).await.unwrap();
    let people = tx.people_by_id(&ids).await.unwrap();
    (filters, people.into_iter().map(|p| (p.number, p)).collect())
}

fn of(department: &str) -> Filter {
    Filter { departments: Department::parse(department).into_iter().collect(), ..Filter::default() }
}

/// One change of each kind that matters to who hears of a notice, or how.
async fn change(store: &Store, step: usize) -> bool {
    let address = async |of: &str| store.addresses(of).await.unwrap().first().map(|a| a.id.clone());
    let first = async |of: &str| store.subscriptions_of(of).await.unwrap()[0].id.clone();
    let declare = async |name: &str| {
        let subscriber =
            Subscriber { id: "p".into(), name: name.into(), role: Role::Structure, profile: Profile::default() };
        let new = NewSubscriber { subscriber, addresses: Vec::new(), declared: false };
        store.put_subscriber(&new, at(0)).await.unwrap();
    };
    match step {
        0 => drop(person(store, "p").await),
        1 => drop(store.put_subscription("p", &of("59"), Cadence::Instant, at(0)).await.unwrap()),
        2 => drop(store.put_subscription("p", &of("62"), Cadence::Daily, at(0)).await.unwrap()),
        3 => drop(store.put_subscription("p", &of("75"), Cadence::Daily, at(0)).await.unwrap()),
        4 => assert!(store.set_filter(&first("p").await, &of("06")).await.unwrap()),
        5 => assert!(store.pause_subscription(&first("p").await, Some(at(9))).await.unwrap()),
        6 => assert!(store.change_own_subscription("p", &first("p").await, &of("13"), Cadence::Weekly).await.unwrap()),
        7 => assert!(store.remove_subscription(&first("p").await).await.unwrap()),
        8 => store.set_rhythm("p", &Rhythm { per_hour: Some(2), ..Rhythm::default() }).await.unwrap(),
        9 => assert!(store.set_role("p", Role::Facilitator).await.unwrap()),
        10 => declare("Atelier").await,
        11 => assert!(
            store.set_address_state(&address("p").await.unwrap(), AddressState::Unconfirmed, "x").await.unwrap()
        ),
        12 => assert!(store.confirm(&address("p").await.unwrap(), "page", at(1)).await.unwrap()),
        13 => assert_eq!(store.move_chat(Channel::Email, "p@exemple.fr", "q@exemple.fr").await.unwrap(), 1),
        14 => {
            let invited = NewInvitation {
                role: Role::Structure,
                name: "I".into(),
                siret: None,
                subscriber: None,
                expires: at(60),
            };
            let code = store.invite(&invited, at(0)).await.unwrap();
            let taken = store.take_invitation(&code, Channel::Telegram, "42", "I", at(1)).await.unwrap();
            assert!(matches!(taken, Taken::Welcome(_)));
        }
        15 => {
            let old = NewSubscriber {
                subscriber: store.subscriber("p").await.unwrap().unwrap(),
                addresses: vec![(Channel::Email, "old@exemple.fr".into(), AddressState::Unconfirmed)],
                declared: false,
            };
            store.put_subscriber(&old, at(0)).await.unwrap();
        }
        16 => {
            let keep = Keep {
                unconfirmed: 1,
                idle: 0,
                messages: 0,
                journal: 0,
                access: 0,
                quarantine: 0,
                attachments: 0,
                consultations: 0,
            };
            assert_eq!(store.delete_unconfirmed(&keep, at(60 * 48)).await.unwrap(), 1);
        }
        17 => assert!(store.erase("p", true, at(2)).await.unwrap().is_some()),
        _ => return false,
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_follows_knows_what_one_that_looks_anew_finds() {
    for empty in Empty::each() {
        let writer = Store::open(&empty.url).await.unwrap();
        for other in ["x", "y"] {
            person(&writer, other).await;
            writer.put_subscription(other, &of("59"), Cadence::Instant, at(0)).await.unwrap();
        }
        let mut follower = Follower::open(&empty.url).await;
        assert_eq!(follower.follow().await, None, "everybody, the first time");
        let mut step = 0;
        while change(&writer, step).await {
            assert_eq!(follower.follow().await, Some(1), "step {step} changes one person");
            let (filters, people) = everybody(&writer).await;
            assert_eq!((&follower.filters, &follower.people), (&filters, &people), "step {step}");
            assert_eq!(follower.follow().await, Some(0), "once");
            step += 1;
        }
        assert_eq!(follower.people.len(), 3, "x, y, and who came by invitation");
        follower.store.close().await;
        writer.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_is_no_change() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        person(&store, "p").await;
        store.put_subscription("p", &of("59"), Cadence::Instant, at(0)).await.unwrap();
        let before = store.audience_changes(0).await.unwrap().version;
        // What every start does with the people of the settings file.
        person(&store, "p").await;
        store.put_subscription("p", &of("59"), Cadence::Instant, at(0)).await.unwrap();
        store.set_rhythm("p", &Rhythm::default()).await.unwrap();
        assert_eq!(store.audience_changes(before).await.unwrap().people, Some(vec![]));
        assert!(!store.remove_subscription("none").await.unwrap());
        assert!(!store.set_address_state("none", AddressState::Stopped, "x").await.unwrap());
        assert_eq!(store.audience_changes(before).await.unwrap().people, Some(vec![]));
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_far_behind_reads_everybody_anew() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        person(&store, "p").await;
        let mut behind = Follower::open(&empty.url).await;
        behind.follow().await;
        for n in 0..10 {
            store.set_rhythm("p", &Rhythm { per_hour: Some(n), ..Rhythm::default() }).await.unwrap();
        }
        let now = store.audience_changes(0).await.unwrap().version;
        assert!(store.forget_changes_but(3).await.unwrap() >= 7);
        assert_eq!(store.forget_changes_but(3).await.unwrap(), 0);
        assert_eq!(store.audience_changes(now - 3).await.unwrap().people.map(|p| p.len()), Some(1));
        assert_eq!(store.audience_changes(now - 4).await.unwrap().people, None);
        assert_eq!(behind.follow().await, None);
        let found = behind.people.values().map(|p| p.rhythm.per_hour).collect::<Vec<_>>();
        assert_eq!(found, [Some(9)]);
        behind.store.close().await;
        store.close().await;
    }
}
