//! What operators see and mend, without an identifier: a person whom nothing reaches, a message that was not sent, a source.

use super::*;
use vigie_store::people::AddressState;

#[tokio::test]
async fn why_a_person_got_nothing_is_found_and_mended_without_an_identifier() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let store = &pages.app.service.store;
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    store.set_address_state(&address.id, AddressState::Suspended, "550").await.unwrap();
    store.note("address", &address.id, "adresse suspendue : 550 boîte inconnue", now()).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();

    let chef = pages.signed_in("chef").await.unwrap();
    let people = ok(&chef, "/exploitation/personnes?q=jeanne").await.body;
    let path =
        people.split("href=\"").find_map(|l| l.strip_prefix("/exploitation/personnes/").or(l.strip_prefix("&#x2f;")));
    assert!(people.contains("Jeanne Martin") && people.contains("ne reçoit rien") && path.is_some(), "{people}");
    let person = "/exploitation/personnes/jeanne";
    let page = ok(&chef, person).await.body;
    assert!(page.contains("adresse est suspendue") && page.contains("550 boîte inconnue"), "{page}");
    assert!(page.contains("Entretien du linge") && page.contains("annulé"), "her message, by what it is about: {page}");
    assert!(store.looks("jeanne", 9).await.unwrap().iter().any(|l| l.who == "chef"), "who looked is noted");

    // Sent again to an address that gets nothing, it would be called off in silence.
    let dead = store.deliveries_of("jeanne", 1).await.unwrap().remove(0);
    assert_eq!(dead.state, DeliveryState::Cancelled);
    let refused = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead.id)]).await.unwrap();
    assert!(refused.status == 409 && refused.body.contains("suspendue"), "{}", refused.body);
    let mended = chef.post_form(person, &[("do", "remettre"), ("adresse", &address.id)]).await.unwrap();
    assert_eq!(mended.location.as_deref(), Some("/exploitation/personnes/jeanne?fait=adresse"), "{}", mended.body);
    assert!(ok(&chef, person).await.body.contains("Rien n’empêche"));
    let again = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead.id[..10])]).await.unwrap();
    assert_eq!(again.location.as_deref(), Some("/exploitation/envois?rejoues=1&refus=0"), "lists show ten signs");

    // Why, by words of the title.
    let why = ok(&chef, &format!("{person}?avis=linge")).await.body;
    assert!(why.contains("Lequel") && why.contains("avis=boamp%3A26-1"), "{why}");
    let why = ok(&chef, &format!("{person}?avis=26-1")).await.body;
    assert!(why.contains("alerte immédiate"), "{why}");
    assert!(ok(&chef, &format!("{person}?avis=26-999")).await.body.contains("Aucun avis lu"));
    // Nobody is brought back who said stop.
    store.set_address_state(&address.id, AddressState::Stopped, "stop").await.unwrap();
    let stopped = chef.post_form(person, &[("do", "remettre"), ("adresse", &address.id)]).await.unwrap();
    assert_eq!(stopped.status, 409, "{}", stopped.body);
    let foreign = chef.post_form("/exploitation/personnes/chef", &[("do", "remettre"), ("adresse", &address.id)]).await;
    assert_eq!(foreign.unwrap().status, 404, "not by way of somebody else");
}

#[tokio::test]
async fn a_source_is_read_at_once_put_to_rest_and_taken_up_and_subscriptions_pause_from_the_pages() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let subscription = pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let store = &pages.app.service.store;
    let end = vigie_store::sources::PollEnd { items: 3, ..Default::default() };
    let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    store.claim_source("boamp", "essai", Duration::minutes(5), true, now()).await.unwrap();
    store.poll_done("boamp", &end, now() + Duration::hours(3), day, now()).await.unwrap();
    let chef = pages.signed_in("chef").await.unwrap();
    let act = |word: &'static str| {
        let chef = &chef;
        async move { chef.post_form("/exploitation/sources/boamp", &[("do", word)]).await.unwrap().status }
    };
    assert_eq!(act("lire").await, 303);
    assert!(store.source("boamp").await.unwrap().next_due <= now(), "it is due");
    assert_eq!(act("pause").await, 303);
    assert!(store.source("boamp").await.unwrap().paused);
    assert!(ok(&chef, "/exploitation/sources").await.body.contains("Reprendre"));
    assert_eq!(act("reprendre").await, 303);
    assert!(!store.source("boamp").await.unwrap().paused);
    assert_eq!(act("autre").await, 400);
    assert_eq!(chef.post_form("/exploitation/sources/inconnue", &[("do", "lire")]).await.unwrap().status, 404);

    let person = "/exploitation/personnes/jeanne";
    let paused = chef.post_form(person, &[("do", "pause"), ("abonnement", &subscription)]).await.unwrap();
    assert_eq!(paused.status, 303, "{}", paused.body);
    assert!(ok(&chef, person).await.body.contains("tous ses abonnements sont en pause"));
    chef.post_form(person, &[("do", "reprise"), ("abonnement", &subscription)]).await.unwrap();
    assert!(ok(&chef, person).await.body.contains("Rien n’empêche"));
    assert_eq!(chef.post_form(person, &[("do", "essai")]).await.unwrap().status, 303);
    assert!(store.deliveries_of("jeanne", 9).await.unwrap().len() >= 2, "she is told of the pause, and gets the test");
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert_eq!(jeanne.post_form(person, &[("do", "essai")]).await.unwrap().status, 404);
    assert_eq!(jeanne.post_form("/exploitation/sources/boamp", &[("do", "pause")]).await.unwrap().status, 404);
}

#[tokio::test]
async fn pages_say_who_runs_the_installation() {
    let pages = pages().await;
    let stranger = pages.stranger().unwrap();
    for path in ["/", "/donnees-personnelles", "/a-propos", "/entrer"] {
        let page = ok(&stranger, path).await.body;
        assert!(page.contains("camille@vigie.example") && page.contains("Les essais"), "{path}: {page}");
    }
    let privacy = ok(&stranger, "/donnees-personnelles").await.body;
    assert!(privacy.contains("Responsable du traitement"), "{privacy}");
}

/// The lines of `vigie doctor` stand on a page for operators, and for nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_the_installation_stands_and_what_to_do() {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(MINE)).await.unwrap();
    let (chef, jeanne) = (pages.signed_in("chef").await.unwrap(), pages.signed_in("jeanne").await.unwrap());
    let page = ok(&chef, "/exploitation/etat").await.body;
    for said in ["ouverte et relue, sans", "faite et relue en", "aucun processus", "systemctl start vigie", "tag stop"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(ok(&chef, "/exploitation").await.body.contains("/exploitation/etat"));
    assert_eq!(jeanne.get("/exploitation/etat").await.unwrap().status, 404);
}
