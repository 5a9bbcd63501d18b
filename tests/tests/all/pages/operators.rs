//! What operators do about people who are kept out, deliveries that are looked for, what could not be read, alarms and directories.

use super::*;
use vigie_conversation::{Chat, Incoming, Input, Sender, dispatch};
use vigie_domain::Channel;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::quarantine::Quarantined;

const PERSON: &str = "/exploitation/personnes/jeanne";

async fn says(visitor: &Visitor, path: &str) -> String {
    let answer = visitor.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    said(&answer.body).replace(['\u{a0}', '\u{202f}'], " ")
}

/// Nothing of theirs opens anything, whichever way they come, until they are let in again.
#[tokio::test]
async fn somebody_is_kept_out_and_let_in_again_and_gets_a_link_to_enter() {
    let mail = "[email]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n";
    let pages = Pages::start(now(), mail).await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(MINE)).await.unwrap();
    let store = &pages.app.service.store;
    let known = store.subscriber("jeanne").await.unwrap().unwrap();
    let chat = vec![(Channel::Telegram, "77".to_owned(), AddressState::Active)];
    store
        .put_subscriber(&NewSubscriber { subscriber: known.clone(), addresses: chat, declared: false }, now())
        .await
        .unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let (chef, jeanne) = (pages.signed_in("chef").await.unwrap(), pages.signed_in("jeanne").await.unwrap());
    let program = pages.program("jeanne", &[Scope::Subscriptions]).await.unwrap();
    let act = |word: &'static str| {
        let chef = &chef;
        async move { chef.post_form(PERSON, &[("do", word)]).await.unwrap() }
    };
    let sign_ins = || async {
        store.deliveries_of("jeanne", 50).await.unwrap().iter().filter(|d| matches!(d.cause, Cause::SignIn(_))).count()
    };
    let sent = act("lien").await;
    assert_eq!(sent.location.as_deref(), Some("/exploitation/personnes/jeanne?fait=lien"), "{}", sent.body);
    assert_eq!(sign_ins().await, 1);
    for _ in 0..4 {
        act("lien").await;
    }
    let enough = act("lien").await;
    assert!(enough.status == 409 && enough.body.contains("Assez de liens"), "{}", enough.body);
    assert_eq!(program.get("/api/v1/subscriptions").await.unwrap().status, 200);

    assert_eq!(act("suspendre").await.location.as_deref(), Some("/exploitation/personnes/jeanne?fait=suspendue"));
    assert_eq!(act("suspendre").await.status, 409);
    let shown = says(&chef, PERSON).await;
    assert!(shown.contains("suspendue depuis le 21 novembre 2026") && shown.contains("Rétablir"), "{shown}");
    assert!(says(&chef, "/exploitation/personnes").await.contains("suspendue avec la personne"));
    assert_eq!(jeanne.get("/abonnements").await.unwrap().status, 303, "her session opens nothing");
    assert_eq!(program.get("/api/v1/subscriptions").await.unwrap().status, 401, "nor does her token");
    let before = store.deliveries_of("jeanne", 50).await.unwrap().len();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    assert_eq!(store.deliveries_of("jeanne", 50).await.unwrap().len(), before, "nothing is made for her");
    assert_eq!(act("lien").await.status, 409);
    let address = store.addresses("jeanne").await.unwrap().remove(0).id;
    let mend = chef.post_form(PERSON, &[("do", "remettre"), ("adresse", &address)]).await.unwrap();
    assert_eq!(mend.status, 409, "not one address alone: {}", mend.body);
    let write = |text: &str| {
        let chat = Chat { channel: Channel::Telegram, id: "77".into(), private: true, title: String::new() };
        let sender = Sender { id: "77".into(), name: "Jeanne".into() };
        let input = Input::Text { text: text.into(), about: None, edited: false, forwarded: false };
        dispatch(&pages.app.service, Incoming { chat, sender, input })
    };
    let told = write("/marches").await.unwrap();
    assert!(told.len() == 1 && told[0].text.text.contains("suspendu"), "{told:?}");
    // An address that is new to her is none either.
    let fresh = vec![(Channel::Email, "autre@structure.example".to_owned(), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber: known, addresses: fresh, declared: false }, now()).await.unwrap();
    assert!(store.active_addresses("jeanne").await.unwrap().is_empty());

    assert_eq!(act("retablir").await.location.as_deref(), Some("/exploitation/personnes/jeanne?fait=retablie"));
    assert_eq!(act("retablir").await.status, 409);
    assert_eq!(store.active_addresses("jeanne").await.unwrap().len(), 3);
    assert_eq!(jeanne.get("/abonnements").await.unwrap().status, 200);
    assert_eq!(program.get("/api/v1/subscriptions").await.unwrap().status, 200);
    let looks = store.looks("jeanne", 20).await.unwrap();
    for what in ["personne suspendue", "personne rétablie", "lien pour entrer envoyé"] {
        assert!(looks.iter().any(|l| l.who == "chef" && l.what == what), "{what}: {looks:?}");
    }
    let me = chef.post_form("/exploitation/personnes/chef", &[("do", "suspendre")]).await.unwrap();
    assert_eq!(me.status, 400, "nobody locks themselves out: {}", me.body);
    for word in ["suspendre", "retablir", "lien"] {
        let tried = jeanne.post_form("/exploitation/personnes/chef", &[("do", word)]).await.unwrap();
        assert_eq!(tried.status, 404, "{word}");
    }
}

#[tokio::test]
async fn a_delivery_is_found_by_whom_it_is_for_what_it_is_about_and_its_day() {
    let pages = pages().await;
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    for (id, name) in [("jeanne", "Jeanne Martin"), ("paul", "Paul Durand")] {
        pages.person(id, name, Role::Structure, None).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    pages.take(&call("26-2", "Tonte des pelouses")).await.unwrap();
    let chef = pages.signed_in("chef").await.unwrap();
    let found = |query: &'static str| {
        let chef = &chef;
        async move {
            let page = says(chef, &format!("/exploitation/envois?{query}")).await;
            let about = |words: &str| page.matches(words).count();
            (about("Entretien du linge"), about("Tonte des pelouses"), about("Paul Durand"))
        }
    };
    assert_eq!(found("").await, (2, 2, 2));
    assert_eq!(found("personne=durand").await, (1, 1, 2));
    assert_eq!(found("personne=paul@structure").await, (1, 1, 2), "by their address");
    assert_eq!(found("objet=entretien&personne=Durand").await, (1, 0, 1));
    assert_eq!(found("objet=piscine").await, (0, 0, 0));
    assert_eq!(found("jour=2026-11-21&objet=pelouses").await, (0, 2, 1));
    assert_eq!(found("jour=2026-11-20").await, (0, 0, 0));
    assert_eq!(found("etat=sent").await, (0, 0, 0));
    let odd = says(&chef, "/exploitation/envois?jour=hier").await;
    assert!(odd.contains("n’est pas un jour"), "{odd}");
    let table = chef.get("/tableaux/envois.csv?personne=durand&objet=entretien").await.unwrap().body;
    assert_eq!(table.lines().count(), 2, "its head and one row: {table}");
    assert_eq!(chef.get("/tableaux/envois.csv?jour=hier").await.unwrap().status, 400);
}

/// Bytes that a reader refuses wait; once they can be read they come in as any notice does.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_listed_and_read_again_from_the_pages() {
    let settings = "[[source]]\nid = \"projets\"\nkind = \"approch\"\n[[source]]\nid = \"fil\"\nkind = \"feed\"\nurl = \"https://mairie.example/rss\"\n";
    let pages = Pages::start(now(), settings).await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let (chef, store) = (pages.signed_in("chef").await.unwrap(), &pages.app.service.store);
    let aside = |source: &str, record: &str, place: &str, raw: Vec<u8>| Quarantined {
        source: source.into(),
        record_id: Some(record.into()),
        place: place.into(),
        reason: "illisible pour la version d’avant".into(),
        raw,
        at: now(),
    };
    let good =
        json!({"code": "P-1", "libelle": "Entretien du linge", "date_previsionnelle_de_publication": "2027-02-01"});
    let stored =
        serde_json::to_vec(&Notice { source: "projets".into(), ..call("26-7", "Tonte des pelouses") }).unwrap();
    for record in [
        aside("projets", "P-1", "ici", good.to_string().into_bytes()),
        aside("projets", "P-2", "ici", b"{\"code\":".to_vec()),
        aside("projets", "26-7", "base de données", stored),
        aside("fil", "7", "ici", b"<item/>".to_vec()),
        aside("mailbox", "m", "ici", b"Subject: x".to_vec()),
        aside("partie", "z", "ici", b"{}".to_vec()),
    ] {
        store.quarantine(&record).await.unwrap();
    }
    let list = "/exploitation/illisibles";
    let page = says(&chef, list).await;
    for words in ["P-1", "P-2", "boîte aux lettres", "illisible pour la version d’avant", "gardé 90 jours"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let id = |record: &'static str| async move {
        let rows = store.put_aside_of("", 20).await.unwrap();
        rows.into_iter().find(|r| r.record_id.as_deref() == Some(record)).map(|r| r.id).unwrap()
    };
    let again = |record: &'static str| {
        let chef = &chef;
        async move {
            let id = id(record).await;
            let answer = chef.post_form(list, &[("enregistrement", &id)]).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
            said(&answer.body).replace(['\u{a0}', '\u{202f}'], " ")
        }
    };
    assert!(again("P-1").await.contains("relu : 1 avis"), "it comes in");
    assert!(store.notice("projets:P-1").await.unwrap().is_some());
    assert!(again("26-7").await.contains("relu : 1 avis"), "what only the database refused, too");
    let still = again("P-2").await;
    assert!(
        still.contains("Toujours illisible : JSON") && still.contains("relu en vain le 21 novembre 2026"),
        "{still}"
    );
    assert!(again("7").await.contains("page entière"), "a feed is read whole");
    assert!(again("m").await.contains("pas un avis d’une source"));
    let left: Vec<(String, i64)> = store.put_aside_counts().await.unwrap();
    assert_eq!(left, [("fil", 1), ("mailbox", 1), ("partie", 1), ("projets", 1)].map(|(s, n)| (s.to_owned(), n)));
    // Several at once, from the page of their source, whose history says it.
    let (still, feed) = (id("P-2").await, id("7").await);
    let several = chef.post_form(list, &[("enregistrement", &still), ("enregistrement", &feed)]).await.unwrap();
    assert!(said(&several.body).contains("1 reste illisible"), "{}", several.body);
    let source = says(&chef, "/exploitation/sources/projets").await;
    assert!(source.contains("Historique") && source.contains("relu par chef"), "{source}");
    assert_eq!(chef.post_form(list, &[]).await.unwrap().status, 400);
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert_eq!(jeanne.get(list).await.unwrap().status, 404);
    assert_eq!(jeanne.post_form(list, &[("enregistrement", &still)]).await.unwrap().status, 404);
}

#[tokio::test]
async fn alarms_are_shown_with_since_when_why_and_what_to_do() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    let (chef, store) = (pages.signed_in("chef").await.unwrap(), &pages.app.service.store);
    let page = "/exploitation/alarmes";
    assert!(says(&chef, page).await.contains("Aucune alarme"));
    let before = now() - Duration::hours(30);
    store.claim_source("boamp", "essai", Duration::minutes(5), true, before).await.unwrap();
    let end = vigie_store::sources::PollEnd { items: 3, ..Default::default() };
    store.poll_done("boamp", &end, now(), before.date_naive(), before).await.unwrap();
    let mut tx = store.begin_alert(now()).await.unwrap();
    tx.open_alarm("boamp", "unreachable", now() - Duration::hours(3)).await.unwrap();
    tx.open_alarm("mailbox", "unreachable", now()).await.unwrap();
    tx.commit().await.unwrap();
    let shown = says(&chef, page).await;
    for words in [
        "BOAMP",
        "ne répond plus",
        "21 novembre 2026 à 6 h",
        "essayez la source",
        "La boîte aux lettres n’est pas lue",
        "vigie check --connect",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(chef.get("/exploitation").await.unwrap().body.contains("/exploitation/alarmes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_read_from_the_pages_with_its_report() {
    let pages = pages().await;
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let (chef, store) = (pages.signed_in("chef").await.unwrap(), &pages.app.service.store);
    let page = "/exploitation/annuaires";
    let give = |what: &'static str, text: &'static str| {
        let chef = &chef;
        async move {
            let files: [(&str, &str, &[u8]); 1] = [("fichier", "a.csv", text.as_bytes())];
            chef.post_files(page, &[("annuaire", what)], &files).await.unwrap()
        }
    };
    let table = "siret;nom;type;departement\n12345678900012;Atelier du linge;EI;59\n12;Autre;EI;59\n";
    let done = give("structures", table).await;
    let told = said(&done.body).replace(['\u{a0}', '\u{202f}'], " ");
    assert!(done.status == 200 && told.contains("1 ligne dans l’annuaire, 1 refusée"), "{told}");
    assert!(told.contains("Ligne 3 :") && told.contains("SIRET"), "{told}");
    assert_eq!(store.structure("12345678900012").await.unwrap().unwrap().name, "Atelier du linge");
    assert!(says(&chef, page).await.contains("1 entrée, dernière lecture le 21 novembre 2026"));
    let none = give("buyers", "siret;nom\n1;x\n").await;
    assert!(none.status == 422 && none.body.contains("Comparez la première ligne"), "{}", none.body);
    let broken = give("buyers", "[{").await;
    assert!(broken.status == 422 && broken.body.contains("JSON illisible"), "{}", broken.body);
    assert_eq!(give("autre", table).await.status, 400);
    assert_eq!(give("structures", "").await.status, 400);
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert_eq!(jeanne.get(page).await.unwrap().status, 404);
    let files: [(&str, &str, &[u8]); 1] = [("fichier", "a.csv", table.as_bytes())];
    assert_eq!(jeanne.post_files(page, &[("annuaire", "structures")], &files).await.unwrap().status, 404);
    // Where nothing listens for it, the settings are not read again from here.
    let reload = chef.post_form("/exploitation/reglages", &[]).await.unwrap();
    assert!(reload.status == 409 && reload.body.contains("Rien n’est relu"), "{}", reload.body);
    assert_eq!(jeanne.post_form("/exploitation/reglages", &[]).await.unwrap().status, 404);
}
