//! What operators see and mend, without an identifier: a person whom nothing reaches, a message that was not sent, a source.

use super::*;
use vigie_bot::roles::poll;
use vigie_service::sources;
use vigie_store::people::AddressState;
use vigie_tests::replay::Replay;

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
    store.note("address", &address.id, "adresse hors service : 550 boîte inconnue", now()).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();

    let chef = pages.signed_in("chef").await.unwrap();
    let people = ok(&chef, "/exploitation/personnes?q=jeanne").await.body;
    let path =
        people.split("href=\"").find_map(|l| l.strip_prefix("/exploitation/personnes/").or(l.strip_prefix("&#x2f;")));
    assert!(people.contains("Jeanne Martin") && people.contains("ne reçoit rien") && path.is_some(), "{people}");
    let person = "/exploitation/personnes/jeanne";
    let page = ok(&chef, person).await.body;
    assert!(page.contains("adresse est hors service") && page.contains("550 boîte inconnue"), "{page}");
    assert!(page.contains("Entretien du linge") && page.contains("annulé"), "her message, by what it is about: {page}");
    assert!(store.looks("jeanne", 9).await.unwrap().iter().any(|l| l.who == "chef"), "who looked is noted");

    // Sent again to an address that gets nothing, it would be called off in silence.
    let dead = store.deliveries_of("jeanne", 1).await.unwrap().remove(0);
    assert_eq!(dead.state, DeliveryState::Cancelled);
    let refused = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead.id)]).await.unwrap();
    assert!(refused.status == 409 && refused.body.contains("hors service"), "{}", refused.body);
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

/// A source is made, tried, repaired, watched and taken away from the pages alone; what the file declares is shown and left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_added_tried_and_repaired_from_the_pages() {
    let item = |guid: &str, title: &str| {
        format!("<item><guid>{guid}</guid><title>{title}</title><link>https://mairie.example/{guid}</link></item>")
    };
    let feed =
        format!("<rss version='2.0'><channel><title>t</title>{}</channel></rss>", item("1", "Entretien du linge"));
    let replay = Replay::new(vec![]);
    replay.with(|s| s.feeds.insert("mairie.xml".into(), feed.into_bytes()));
    let (_, root) = replay.serve().await.unwrap();
    let good = format!("{root}/feeds/mairie.xml");
    let settings = "[fetch]\nallow_private = [\"127.0.0.0/8\"]\n[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n";
    let pages = Pages::start(now(), settings).await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let (chef, service) = (pages.signed_in("chef").await.unwrap(), &pages.app.service);
    let new = "/exploitation/sources/nouvelle";
    ok(&chef, new).await;

    // What is wrong is said at its field, and nothing is kept.
    let wrong = format!("{root}/feeds/autre.xml");
    let form = |name: &str, url: &str, word: &str| {
        [("nom", name), ("lecteur", "feed"), ("adresse", url), ("premier", "deliver"), ("do", word)]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
    };
    let post = |path: String, form: [(String, String); 5]| {
        let chef = &chef;
        async move {
            let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            chef.post_form(&path, &fields).await.unwrap()
        }
    };
    let refused = post(new.into(), form("la mairie", "pas une adresse", "enregistrer")).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("faute-nom-1") && refused.body.contains("value=\"la mairie\""), "{}", refused.body);
    let tried = post(new.into(), form("mairie", &wrong, "essayer")).await;
    assert!(tried.status == 200 && tried.body.contains("La lecture a échoué"), "{}", tried.body);
    assert_eq!(post(new.into(), form("boamp", &good, "enregistrer")).await.status, 422, "the file's");
    assert!(service.store.page_sources().await.unwrap().is_empty());

    // Kept with a wrong address, then repaired where a try shows what is found.
    let kept = post(new.into(), form("mairie", &wrong, "enregistrer")).await;
    assert_eq!(kept.location.as_deref(), Some("/exploitation/sources/mairie?fait=ajout"), "{}", kept.body);
    let page = "/exploitation/sources/mairie";
    let tried = post(page.into(), form("", &good, "essayer")).await;
    assert!(
        tried.body.contains("Entretien du linge") && tried.body.contains("Rien n’est enregistré"),
        "{}",
        tried.body
    );
    assert!(service.store.page_sources().await.unwrap()[0].1.contains("autre.xml"), "a try keeps nothing");
    let kept = post(page.into(), form("", &good, "enregistrer")).await;
    assert_eq!(kept.location.as_deref(), Some("/exploitation/sources/mairie?fait=change"), "{}", kept.body);
    // Another tab, opened before that change, undoes none of it.
    let stale = [("lecteur", "feed"), ("adresse", wrong.as_str()), ("do", "enregistrer"), ("vue", "1")];
    let refused = chef.post_form(page, &stale).await.unwrap();
    assert!(refused.status == 422 && refused.body.contains("Quelqu’un d’autre vient"), "{}", refused.body);
    assert!(service.store.page_sources().await.unwrap()[0].1.contains("mairie.xml"));
    for source in sources::all(service).await.unwrap().into_iter().filter(|s| s.block.id == "mairie") {
        poll::poll(service, &pages.app.fetcher, &source, true).await.unwrap();
    }
    assert_eq!(service.store.source("mairie").await.unwrap().items, 1);
    assert!(ok(&chef, "/exploitation/sources").await.body.contains("mairie (fil d’annonces)"));
    let known = service.store.procedures_of_keys(&["record:mairie:1".to_owned()]).await.unwrap();
    assert_eq!(known.len(), 1, "its notice is stored");

    // What was put aside is there as it came.
    let aside = vigie_store::quarantine::Quarantined {
        source: "mairie".into(),
        record_id: Some("2".into()),
        place: "2".into(),
        reason: "sans titre".into(),
        raw: b"<item/>".to_vec(),
        at: now(),
    };
    service.store.quarantine(&aside).await.unwrap();
    let shown = ok(&chef, page).await.body;
    let link = shown.split('"').find(|part| part.starts_with("/exploitation/illisibles/")).unwrap();
    assert_eq!(ok(&chef, link).await.body, "<item/>");

    // Nobody else, and nothing of the file.
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    for path in [new, page, link] {
        assert_eq!(jeanne.get(path).await.unwrap().status, 404, "{path}");
    }
    assert_eq!(jeanne.post_form(page, &[("do", "retirer")]).await.unwrap().status, 404);
    let file = "/exploitation/sources/boamp";
    assert!(ok(&chef, file).await.body.contains("déclarée dans le fichier de configuration"));
    assert_eq!(chef.post_form(file, &[("do", "retirer")]).await.unwrap().status, 409);
    let gone = chef.post_form(page, &[("do", "retirer")]).await.unwrap();
    assert_eq!(gone.location.as_deref(), Some("/exploitation/sources?fait=retirer"));
    assert_eq!(chef.get(page).await.unwrap().status, 404);
    assert!(sources::all(service).await.unwrap().iter().all(|s| s.block.id == "boamp"));
}

/// Somebody is let in by mail or by a code, and nothing of who is known already changes; what is in force says where it comes from.
#[tokio::test]
async fn somebody_is_invited_from_the_pages_and_the_settings_in_force_are_shown() {
    let mail = "[email]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n";
    let pages = Pages::start(now(), mail).await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(MINE)).await.unwrap();
    let (chef, store) = (pages.signed_in("chef").await.unwrap(), &pages.app.service.store);
    let page = "/exploitation/inviter";
    let guest = |email: &'static str| {
        [("do", "inviter"), ("role", "structure"), ("nom", "Paul"), ("siret", MINE), ("email", email)]
    };

    // Who shares decisions is asked first, and what was typed stays.
    let asked = chef.post_form(page, &guest("Paul@Acl.Example")).await.unwrap();
    assert!(asked.status == 422 && asked.body.contains("Jeanne Martin parle déjà"), "{}", asked.body);
    assert!(
        asked.body.contains("value=\"Paul@Acl.Example\"")
            && store.find_subscribers("paul@acl.example").await.unwrap().is_empty()
    );
    let wrong = chef
        .post_form(page, &[("do", "inviter"), ("role", "structure"), ("siret", "12"), ("email", "paul")])
        .await
        .unwrap();
    assert!(wrong.body.contains("faute-siret") && wrong.body.contains("faute-email"), "{}", wrong.body);

    let yes = [guest("Paul@Acl.Example").as_slice(), &[("oui", "oui")]].concat();
    let sent = chef.post_form(page, &yes).await.unwrap();
    let paul = store.find_subscribers("paul@acl.example").await.unwrap().remove(0);
    assert_eq!(
        sent.location,
        Some(format!("/exploitation/personnes/{}?fait=invite-sans-abonnement", paul.id)),
        "{}",
        sent.body
    );
    assert_eq!(store.addresses(&paul.id).await.unwrap()[0].state, AddressState::Unconfirmed, "its owner agrees first");
    let queued = store.deliveries(None, 9).await.unwrap();
    assert_eq!(queued.iter().filter(|d| d.cause.is_opt_in()).count(), 1, "{queued:?}");
    let told = store.looks("jeanne", 9).await.unwrap();
    assert!(told.iter().any(|l| l.what.starts_with("nouveau membre")), "{told:?}");
    let again = chef.post_form(page, &yes).await.unwrap();
    assert_eq!(again.location, Some(format!("/exploitation/personnes/{}?fait=connu", paul.id)));

    // A code is shown once, waits, and is withdrawn.
    let made = chef.post_form(page, &[("do", "inviter"), ("role", "facilitator"), ("nom", "Ana")]).await.unwrap();
    let code = made.body.split("/start ").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned();
    let listed = ok(&chef, page).await.body;
    assert!(listed.contains("Ana") && !listed.contains(&code), "{listed}");
    let name = store.invitations().await.unwrap().remove(0).name;
    chef.post_form(page, &[("do", "retirer"), ("invitation", &name)]).await.unwrap();
    assert!(store.invitations().await.unwrap().is_empty());

    let shown = ok(&chef, "/exploitation/reglages").await.body;
    assert!(shown.contains("[email]") && shown.contains("127.0.0.1") && shown.contains("max_body_mib"), "{shown}");
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    for path in [page, "/exploitation/reglages"] {
        assert_eq!(jeanne.get(path).await.unwrap().status, 404, "{path}");
    }
    assert_eq!(jeanne.post_form(page, &yes).await.unwrap().status, 404);
}
