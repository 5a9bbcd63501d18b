//! Contracts, services offered, ends told and accounts on both engines.

use chrono::{Duration, NaiveDate};
use vigie_domain::contract::{DurationBasis, EndFormula, Holder, Lasts, LatestEnd};
use vigie_domain::{Buyer, Company, Contract, Decision, OfferStage, ServiceOffer, Stage};

use super::{Empty, at, person};
use crate::Store;
use crate::accounts::{Account, keys};
use crate::contracts::{ContractQuery, holders_key};
use crate::renewals::RenewalTold;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn contract(procedure: &str, lot: &str, holder: &str, siren: Option<&str>) -> Contract {
    let company = Company { id: siren.map(str::to_owned), ..Company::named(holder) };
    let lasts = Lasts { months: 48.0, basis: DurationBasis::AllIncluded };
    Contract {
        procedure: procedure.into(),
        lot: lot.into(),
        title: "Nettoyage".into(),
        buyer: Buyer { name: "Ville de Lens".into(), siret: Some("21620498200012".into()), ..Buyer::default() },
        holders: vec![Holder { company, notice: "boamp:1".into() }],
        ends: Some(LatestEnd {
            on: day("2030-02-20"),
            formula: EndFormula::FromNotification { from: day("2026-02-20"), lasts },
        }),
        ..Contract::default()
    }
}

async fn put(store: &Store, contracts: &[Contract], before_the_watch: bool) {
    let mut tx = store.begin_ingest(at(0)).await.unwrap();
    tx.put_contracts("p", contracts, before_the_watch).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_are_found_by_their_parties_and_end_and_a_corrected_holder_is_offered_anew() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let first = [contract("p", "1", "Martin SARL", Some("552045999")), contract("p", "2", "Dupont", None)];
        put(&store, &first, false).await;
        put(&store, &first, false).await;
        let to_offer = store.contracts_to_offer(9).await.unwrap();
        assert_eq!(to_offer.len(), 2, "written twice, there once");
        let mut tx = store.begin_ingest(at(1)).await.unwrap();
        tx.note_offered(&to_offer[0].contract).await.unwrap();
        assert!(tx.has_contracts("p").await.unwrap() && !tx.has_contracts("q").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(store.contracts_to_offer(9).await.unwrap().len(), 1);
        let of = |query: ContractQuery| {
            let store = store.clone();
            async move { store.find_contracts(&query, 9).await.unwrap().len() }
        };
        let holder = |n: &str| ContractQuery { holder: Some(n.into()), ..ContractQuery::default() };
        assert_eq!((of(holder("552045999")).await, of(holder("999999999")).await), (1, 0));
        // By name only who has no number.
        let named = |name: &str| holder(&keys(None, name)[0]);
        assert_eq!((of(named("DUPONT")).await, of(named("Martin SARL")).await), (1, 0));
        assert_eq!(store.name_of(&keys(None, "dupont")[0]).await.unwrap().as_deref(), Some("Dupont"));
        assert_eq!(of(ContractQuery { buyer: Some("216204982".into()), ..ContractQuery::default() }).await, 2);
        let from = |d: &str| ContractQuery { ends_from: Some(day(d)), ..ContractQuery::default() };
        assert_eq!((of(from("2030-02-20")).await, of(from("2030-02-21")).await), (2, 0));
        let before = |d: &str| ContractQuery { ends_before: Some(day(d)), ..ContractQuery::default() };
        assert_eq!((of(before("2030-02-20")).await, of(before("2030-02-21")).await), (0, 2));
        assert_eq!(store.contracts_ending(day("2030-02-20"), day("2030-02-21")).await.unwrap().len(), 2);
        assert_eq!(store.name_of("552045999").await.unwrap().as_deref(), Some("Martin SARL"));
        assert_eq!(store.parties_named("martin", 9).await.unwrap()[0].siren, "552045999");
        // Another holder: services are offered again. A lot that nothing is said of any more goes.
        put(&store, &[contract("p", "1", "Durand", None)], false).await;
        let anew = store.contracts_to_offer(9).await.unwrap();
        assert_eq!((anew.len(), holders_key(&anew[0].contract).as_str()), (1, "durand"));
        assert!(store.contract("p", "2").await.unwrap().is_none());
        assert!(store.parties_named("martin", 9).await.unwrap().is_empty());
        put(&store, &[contract("p", "3", "Durand", None)], true).await;
        assert!(store.contracts_to_offer(9).await.unwrap().is_empty(), "known before the watch");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_structure_was_offered_told_and_follows_is_its_own_and_goes_with_it() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        person(&store, "ana").await;
        person(&store, "bob").await;
        for structure in ["ana", "bob"] {
            let mut tx = store.begin_ingest(at(0)).await.unwrap();
            let offer = ServiceOffer {
                structure: structure.into(),
                procedure: "p".into(),
                lot: "1".into(),
                stage: OfferStage::Told,
                holders: "552045999".into(),
                by: String::new(),
                at: at(0),
                told: Some(at(0)),
                reminded: false,
            };
            tx.put_service_offer(&offer).await.unwrap();
            assert_eq!(tx.offers_told_since(structure, at(-1)).await.unwrap(), 1);
            assert_eq!(tx.offers_told_since(structure, at(0)).await.unwrap(), 0);
            let told = RenewalTold {
                structure: structure.into(),
                procedure: "p".into(),
                lot: "1".into(),
                ahead: 12,
                ends: day("2030-02-20"),
                at: at(0),
            };
            tx.put_renewal(&told).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.renewals_of(structure, 9).await.unwrap(), [told]);
            let key = keys(Some("216204982"), "Ville de Lens").remove(0);
            let account =
                Account { structure: structure.into(), key, name: "Ville de Lens".into(), by: "Ana".into(), at: at(0) };
            assert!(store.follow(&account).await.unwrap() && !store.follow(&account).await.unwrap());
        }
        let answered = store.answer_service_offer(("ana", "p", "1"), OfferStage::Declined, "Ana", at(5)).await.unwrap();
        assert_eq!(answered.unwrap().1.stage, OfferStage::Declined);
        assert_eq!(store.service_offer_of("bob", "p", "1").await.unwrap().unwrap().stage, OfferStage::Told);
        assert!(store.answer_service_offer(("eve", "p", "1"), OfferStage::Won, "Eve", at(5)).await.unwrap().is_none());
        assert_eq!(store.service_offers_to_remind(OfferStage::Told, at(1), 9).await.unwrap().len(), 1);
        let following = store.structures_following(&keys(Some("216204982"), "Lens")).await.unwrap();
        assert_eq!(following, ["ana", "bob"]);
        assert_eq!(store.renewal_lines_since(at(0) - Duration::days(1)).await.unwrap().len(), 2);
        store.erase("ana", true, at(9)).await.unwrap();
        assert!(store.service_offers_of("ana", 9).await.unwrap().is_empty());
        assert!(
            store.accounts_of("ana").await.unwrap().is_empty() && store.renewals_of("ana", 9).await.unwrap().is_empty()
        );
        assert_eq!(store.accounts_of("bob").await.unwrap().len(), 1, "another's stays");
        assert!(store.unfollow("bob", "216204982").await.unwrap());
        store.close().await;
    }
}

/// Offers that nobody answers stay for ever: they must keep nobody else from a reminder, nor from being told after a result.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_without_end_keeps_nothing_else_from_its_turn() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let offer = |structure: &str, stage: OfferStage, minute: i64, reminded: bool| ServiceOffer {
            structure: structure.into(),
            procedure: "p".into(),
            lot: "1".into(),
            stage,
            holders: "martin".into(),
            by: String::new(),
            at: at(minute),
            told: None,
            reminded,
        };
        let mut tx = store.begin_alert(at(0)).await.unwrap();
        for n in 0..3 {
            tx.put_service_offer(&offer(&format!("silent-{n}"), OfferStage::Told, n, true)).await.unwrap();
            tx.put_service_offer(&offer(&format!("bidder-{n}"), OfferStage::Asked, n, false)).await.unwrap();
        }
        tx.put_service_offer(&offer("due", OfferStage::Told, 9, false)).await.unwrap();
        tx.put_service_offer(&offer("lost", OfferStage::Asked, 9, false)).await.unwrap();
        tx.commit().await.unwrap();
        for (structure, stage) in [("bidder-0", Stage::Preparing), ("bidder-1", Stage::Read), ("lost", Stage::Lost)] {
            store.decide(&Decision::new(structure, "p", stage, "Ana", at(10))).await.unwrap();
        }
        let due = store.service_offers_to_remind(OfferStage::Told, at(20), 1).await.unwrap();
        assert_eq!(due.iter().map(|o| o.structure.as_str()).collect::<Vec<_>>(), ["due"]);
        let answered = store.service_offers_with_result(1).await.unwrap();
        assert_eq!(answered.iter().map(|o| o.structure.as_str()).collect::<Vec<_>>(), ["lost"]);
        store.close().await;
    }
}
