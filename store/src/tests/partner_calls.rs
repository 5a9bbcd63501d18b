//! Calls for partners and choices of structures on both engines.

use chrono::Duration;
use vigie_domain::partner_call::{CallState, PartnerCall, PartnerRole, Position, Turn};

use super::{Empty, at, person};
use crate::Store;
use crate::choices::Choice;
use crate::partner_calls::{Invitation, PositionsPut, positions_mark};

fn call(id: &str, coordinator: &str, procedure: &str) -> PartnerCall {
    PartnerCall {
        id: id.into(),
        coordinator: coordinator.into(),
        name: "GIE Nord".into(),
        procedure: procedure.into(),
        lots: vec!["1".into(), "2".into()],
        note: "Réunion\u{0} mardi".into(),
        state: CallState::Open,
        closes: at(0) + Duration::days(10),
        tender: Some(at(0) + Duration::days(30)),
        opened: at(0),
        by: "Claire".into(),
        told: Turn::Asked,
        ended: Vec::new(),
        follows: String::new(),
    }
}

fn position(structure: &str, lot: &str, role: PartnerRole, by: &str, hours: i64) -> Position {
    Position {
        structure: structure.into(),
        lot: lot.into(),
        role,
        share: Some(30),
        hours: None,
        people: Some(4),
        note: String::new(),
        by: by.into(),
        at: at(0) + Duration::hours(hours),
    }
}

async fn put(store: &Store, call: &PartnerCall, asked: &[&str]) {
    let mut tx = store.begin_ingest(at(0)).await.unwrap();
    tx.put_partner_call(call).await.unwrap();
    for structure in asked {
        let invitation = Invitation {
            call: call.id.clone(),
            structure: (*structure).into(),
            name: (*structure).into(),
            at: at(0),
            shows_decision: false,
        };
        assert!(tx.put_partner_invitation(&invitation).await.unwrap());
        assert!(!tx.put_partner_invitation(&invitation).await.unwrap(), "asked once");
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_taken_from_those_asked_while_the_call_is_open_and_the_second_learns_of_the_first() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        put(&store, &call("c", "gie", "p"), &["a", "b"]).await;
        let later = at(0) + Duration::hours(1);
        let lead = |by: &str, hours| vec![position("a", "1", PartnerRole::Lead, by, hours)];
        let done = store.put_positions("c", "a", lead("Ana", 1), (Some(""), None), later).await.unwrap();
        assert!(
            matches!(&done, PositionsPut::Noted { before, now } if before.is_empty() && now.len() == 1),
            "{done:?}"
        );
        let stale = store.put_positions("c", "a", lead("Bob", 2), (Some(""), None), later).await.unwrap();
        assert!(matches!(&stale, PositionsPut::Meanwhile(standing) if standing[0].by == "Ana"), "{stale:?}");
        let seen = positions_mark(&store.positions_of("c", "a").await.unwrap());
        let both = vec![position("a", "2", PartnerRole::CoContractor, "Bob", 3)];
        let done = store.put_positions("c", "a", both, (Some(&seen), Some(true)), later).await.unwrap();
        assert!(matches!(&done, PositionsPut::Noted { now, .. } if now.len() == 2), "{done:?}");
        let stranger = vec![position("z", "1", PartnerRole::Lead, "Zoé", 1)];
        assert_eq!(store.put_positions("c", "z", stranger, (None, None), later).await.unwrap(), PositionsPut::Refused);
        let late = at(0) + Duration::days(11);
        assert_eq!(
            store.put_positions("c", "b", lead("Béa", 1), (None, None), late).await.unwrap(),
            PositionsPut::Refused,
            "closed by its moment"
        );
        let all = store.positions_on("c").await.unwrap();
        assert_eq!((all.len(), all[0].share, all[0].people), (2, Some(30), Some(4)));
        let asked = store.partner_invitations("c").await.unwrap();
        assert!(asked.iter().any(|i| i.structure == "a" && i.shows_decision));
        let kept = store.partner_call("c").await.unwrap().unwrap();
        assert_eq!((kept.note.as_str(), kept.tender), ("Réunion mardi", call("c", "gie", "p").tender));
        // A refusal of everything takes each lot back.
        let none = vec![position("a", "", PartnerRole::Declined, "Ana", 4)];
        let done = store.put_positions("c", "a", none, (None, None), later).await.unwrap();
        assert!(matches!(&done, PositionsPut::Noted { now, .. } if now.len() == 1), "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_procedure_keeps_its_calls_and_who_leaves_takes_their_answers_along() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        for id in ["gie", "a", "b"] {
            person(&store, id).await;
        }
        put(&store, &call("c", "gie", "old"), &["a", "b"]).await;
        put(&store, &call("other", "b", "p"), &["a"]).await;
        for (of, structure) in [("c", "a"), ("c", "b"), ("other", "a")] {
            let answer = vec![position(structure, "", PartnerRole::CoContractor, structure, 1)];
            store.put_positions(of, structure, answer, (None, None), at(1)).await.unwrap();
        }
        let mut tx = store.begin_ingest(at(2)).await.unwrap();
        tx.join_procedures("p", &["old".into()]).await.unwrap();
        tx.commit().await.unwrap();
        let c = store.partner_call("c").await.unwrap().unwrap();
        assert_eq!(c.procedure, "p");
        assert_eq!(store.bids_elsewhere(&c, "a").await.unwrap(), [""], "the two calls are on one procedure now");
        assert!(store.bids_elsewhere(&c, "b").await.unwrap().is_empty());
        store.erase("a", true, at(3)).await.unwrap().unwrap();
        let left: Vec<String> = store.positions_on("c").await.unwrap().into_iter().map(|p| p.structure).collect();
        assert_eq!(left, ["b"], "who is erased in the middle leaves nothing");
        assert!(store.partner_invitations("c").await.unwrap().iter().all(|i| i.structure != "a"));
        store.erase("gie", true, at(4)).await.unwrap().unwrap();
        assert_eq!(store.partner_call("c").await.unwrap(), None);
        assert!(store.positions_on("c").await.unwrap().is_empty(), "answers to a coordinator who is gone go too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn never_to_be_proposed_stands_for_good() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let choose = |choice, chosen| {
            let store = store.clone();
            async move { store.choose("s", (choice, ""), chosen, "Ana", at(1)).await.unwrap() }
        };
        assert!(choose(Choice::Proposed, true).await);
        assert_eq!(store.who_chose(Choice::Proposed, "").await.unwrap(), ["s"]);
        assert!(choose(Choice::NeverProposed, true).await);
        assert!(store.who_chose(Choice::Proposed, "").await.unwrap().is_empty());
        assert!(!choose(Choice::Proposed, true).await, "a colleague who agrees later changes nothing");
        choose(Choice::NeverProposed, false).await;
        assert!(store.chose("s", Choice::NeverProposed, "").await.unwrap());
        assert!(store.choose("s", (Choice::CountedIn, "gie"), true, "Ana", at(2)).await.unwrap());
        assert!(store.chose("s", Choice::CountedIn, "gie").await.unwrap());
        assert!(!store.chose("s", Choice::CountedIn, "other").await.unwrap());
    }
}
