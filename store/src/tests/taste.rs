//! What people and structures are asked of subscriptions and of their taste, on both engines.

use chrono::Duration;
use vigie_domain::subscription::{Profile, Role, Subscriber};
use vigie_domain::taste::{Side, Taste};
use vigie_domain::{Alert, AlertKind, Cadence, Channel, Department, Filter};

use super::{Empty, at, person};
use crate::Store;
use crate::address::AddressState;
use crate::advice::Answered;
use crate::people::NewSubscriber;
use crate::taste::TasteState;

const SIRET: &str = "33333333300017";

fn taste(sector: &str) -> Taste {
    let side = Side::Outside(Department::parse("62").into_iter().collect());
    Taste { sector: sector.into(), side, refused: 6, decided: 6 }
}

/// Somebody of the structure.
async fn member(store: &Store, id: &str) {
    let profile = Profile { siret: Some(SIRET.into()), ..Profile::default() };
    let subscriber = Subscriber { id: id.into(), name: id.into(), role: Role::Structure, profile };
    let addresses = vec![(Channel::Email, format!("{id}@exemple.fr"), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(0)).await.unwrap();
}

async fn holding(store: &Store, id: &str) -> Vec<Taste> {
    let mut tx = store.begin_ingest(at(0)).await.unwrap();
    tx.people_by_id(&[id]).await.unwrap().remove(0).tastes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taste_is_asked_once_holds_for_all_of_its_structure_and_for_nobody_else() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        for id in ["ana", "marc"] {
            member(&store, id).await;
        }
        person(&store, "rival").await;
        // Marc's quiet hours last until then.
        let people = [("ana".to_owned(), None), ("marc".to_owned(), Some(at(90)))];
        let ask = async |taste: &Taste| store.ask_taste(SIRET, taste, (&people, "Titre\nligne"), at(1)).await.unwrap();
        assert!(ask(&taste("blanchisserie")).await);
        assert!(!ask(&taste("blanchisserie")).await, "once");
        let queued = store.deliveries(None, 10).await.unwrap();
        assert_eq!(queued.len(), 2, "one each, in the transaction that asks");
        let leaves = |who: &str| queued.iter().find(|d| d.subscriber == who).map(|d| d.next_at);
        assert_eq!((leaves("ana"), leaves("marc")), (Some(at(1)), Some(at(90))));
        let id = store.tastes_of(SIRET).await.unwrap()[0].id.clone();
        assert!(queued.iter().all(|d| d.cause.alert() == Some(id.as_str())), "{queued:?}");
        assert_eq!(holding(&store, "ana").await, [], "asked is not agreed");
        let version = store.audience_changes(0).await.unwrap().version;
        assert!(!store.settle_taste((&id, "rival"), TasteState::On, "x", at(2)).await.unwrap(), "another structure's");
        assert!(store.settle_taste((&id, SIRET), TasteState::On, "Marc\u{0}", at(2)).await.unwrap());
        assert!(!store.settle_taste((&id, SIRET), TasteState::On, "Ana", at(3)).await.unwrap(), "it stands so");
        let changed = store.audience_changes(version).await.unwrap().people.unwrap();
        assert_eq!(changed.len(), 2, "processes that follow see both of them");
        assert_eq!(holding(&store, "ana").await, [taste("blanchisserie")]);
        assert_eq!(holding(&store, "marc").await, holding(&store, "ana").await);
        assert_eq!(holding(&store, "rival").await, []);
        assert_eq!(store.taste(&id, SIRET).await.unwrap().unwrap().by, "Marc");
        assert_eq!(store.taste(&id, "rival").await.unwrap(), None);
        assert!(store.settle_taste((&id, SIRET), TasteState::Off, "Ana", at(4)).await.unwrap());
        assert_eq!(holding(&store, "ana").await, []);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_is_asked_once_a_look_answered_by_its_owner_and_passes_over_nobody() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let later = at(0) + Duration::days(31);
        for id in ["a", "b", "c", "d"] {
            person(&store, id).await;
            store.put_subscription(id, &Filter::default(), Cadence::Daily, at(0)).await.unwrap();
        }
        store
            .put_subscription("d", &Filter { min_score: 9, ..Filter::default() }, Cadence::Daily, later)
            .await
            .unwrap();
        store.set_advice("b", false).await.unwrap();
        let due = async |after: (i64, &str), most| {
            let all = store.unadvised(later - Duration::days(30), after, most).await.unwrap();
            all.into_iter().map(|u| u.person).collect::<Vec<_>>()
        };
        assert_eq!(due((-1, ""), 9).await, ["a", "c", "d"], "b wants none");
        assert_eq!(due((-1, ""), 1).await, ["a"]);
        assert_eq!(due((0, "a"), 1).await, ["c"], "from behind the one before");
        assert!(store.preferences("b").await.unwrap().unadvised);
        let subscription = store.subscriptions_of("a").await.unwrap()[0].id.clone();
        let alert = Alert::word(AlertKind::Account, "breadth1".to_owned());
        for _ in 0..2 {
            let said = &("conditions", 3);
            store.ask_advice(("a", &subscription), (&alert, "Titre\nligne"), said, later).await.unwrap();
        }
        assert_eq!(store.deliveries(None, 10).await.unwrap().len(), 1, "once");
        assert_eq!(due((-1, ""), 9).await, ["c", "d"]);
        assert_eq!(store.advice("breadth1", "c").await.unwrap(), None, "another's");
        let one = store.advice("breadth1", "a").await.unwrap().unwrap();
        assert_eq!(one.read::<(String, u8)>().unwrap(), ("conditions".to_owned(), 3));
        assert_eq!(store.advices_waiting("a").await.unwrap(), std::slice::from_ref(&one));
        assert!(store.answer_advice(&one, Answered::Left, later).await.unwrap());
        assert!(!store.answer_advice(&one, Answered::Chosen, later).await.unwrap(), "it was answered meanwhile");
        assert_eq!(store.left_alone("a", at(0)).await.unwrap(), [subscription]);
        assert!(store.left_alone("a", later + Duration::days(1)).await.unwrap().is_empty());
        assert!(store.advices_waiting("a").await.unwrap().is_empty());
        assert!(store.erase("a", true, later).await.unwrap().is_some());
        assert_eq!(store.advice("breadth1", "a").await.unwrap(), None);
        store.close().await;
    }
}
