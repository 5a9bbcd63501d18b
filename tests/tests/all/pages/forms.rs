//! The form of a subscription, the search as people type it, and the page at the foot of every message.

use super::*;
use vigie_domain::Cadence;
use vigie_service::links::Purpose;
use vigie_store::people::AddressState;

#[tokio::test]
async fn a_circle_takes_the_place_of_the_departement_that_the_form_held_and_a_trade_is_typed() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let store = &pages.app.service.store;
    let mut person = store.subscriber("jeanne").await.unwrap().unwrap();
    person.profile.departments = Department::parse("62").into_iter().collect();
    let known = vigie_store::people::NewSubscriber { subscriber: person, addresses: Vec::new(), declared: false };
    store.put_subscriber(&known, now()).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let form = ok(&jeanne, "/abonnements/nouveau").await.body;
    assert!(form.contains("name=\"prerempli\" value=\"62\"") && form.len() <= 60_000, "{} bytes", form.len());
    assert!(form.find("Où").unwrap() < form.find("Dispositions sociales").unwrap(), "where comes first");
    let posted = [
        ("prerempli", "62"),
        ("departement", "62"),
        ("commune", "Lens (62)"),
        ("km", "30"),
        ("metier", "Blanchisserie"),
        ("rythme", "daily"),
        ("do", "quand-meme"),
    ];
    let kept = jeanne.post_form("/abonnements/nouveau", &posted).await.unwrap();
    assert_eq!(kept.status, 303, "{}", kept.body);
    let filter = store.subscriptions_of("jeanne").await.unwrap().remove(0).filter;
    assert!(filter.departments.is_empty(), "the circle stands in its place: {filter:?}");
    assert_eq!((filter.around[0].commune.as_str(), filter.around[0].km), ("62498", 30));
    assert_eq!(filter.sectors, ["blanchisserie"]);
    let twice = jeanne.post_form("/abonnements/nouveau", &posted).await.unwrap();
    assert!(twice.status == 422 && twice.body.contains("déjà un abonnement"), "{}", twice.body);
    // Chosen by hand besides the circle, a département stays.
    let both = [("departement", "59"), ("commune", "Lens (62) 20 km"), ("rythme", "daily"), ("do", "quand-meme")];
    assert_eq!(jeanne.post_form("/abonnements/nouveau", &both).await.unwrap().status, 303);
    let filter = store.subscriptions_of("jeanne").await.unwrap().remove(1).filter;
    assert_eq!((filter.departments.len(), filter.around[0].km), (1, 20));
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_what_was_typed_stays() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let wrong = [
        ("commune", "Atlantis"),
        ("metier", "souffleur de verre"),
        ("min", "beaucoup"),
        ("departement", "59"),
        ("do", "garder"),
    ];
    let page = jeanne.post_form("/abonnements/nouveau", &wrong).await.unwrap();
    assert_eq!(page.status, 422);
    for (field, typed) in [("commune", "Atlantis"), ("metier", "souffleur de verre"), ("min", "beaucoup")] {
        let marked = format!("aria-describedby=\"faute-{field}\"");
        assert!(page.body.contains(&marked) && page.body.contains(&format!("id=\"faute-{field}\"")), "{field}");
        assert!(page.body.contains(&format!("value=\"{typed}\"")), "{typed}: {}", page.body);
    }
    assert!(page.body.contains("<details open><summary>Plus précis"), "what is at fault is open");
    assert!(page.body.contains("value=\"59\" checked"), "the rest stays as it was");
}

#[tokio::test]
async fn a_search_knows_numbers_plurals_phrases_and_slips_and_becomes_a_subscription() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    let first = pages.take(&call("26-131001", "Blanchisserie des hôpitaux")).await.unwrap();
    let mut sooner = call("26-131002", "Nettoyage de l’hôpital");
    sooner.dates[0].at = DateTime::parse_from_rfc3339("2026-12-01T12:00:00+01:00").unwrap();
    pages.take(&sooner).await.unwrap();
    let visitor = pages.stranger().unwrap();
    let found = visitor.get("/chercher?q=26-131001").await.unwrap();
    assert_eq!(found.location.as_deref(), Some(format!("/procedure/{first}").as_str()));
    let unknown = ok(&visitor, "/chercher?q=26-999999").await.body;
    assert!(unknown.contains("ne porte le numéro 26-999999"), "{unknown}");
    let count = |query: &'static str| {
        let visitor = &visitor;
        async move {
            let page = ok(visitor, &format!("/chercher?{query}")).await.body;
            page.matches("<h3><a href=\"/procedure/").count()
        }
    };
    assert_eq!(count("q=hopitaux").await, 2, "plural and singular");
    assert_eq!(count("q=blanchisseries").await, 2, "a lot of each is one");
    assert_eq!(count("q=%22blanchisserie+du%22").await, 2);
    assert_eq!(count("q=%22blanchisserie+nettoyage%22").await, 0, "a phrase stands as it stands");
    let slip = ok(&visitor, "/chercher?q=blanchiserie").await.body;
    assert!(
        slip.contains("Voici ceux pour « blanchisserie »".replace(" »", "\u{a0}»").replace("« ", "«\u{a0}").as_str()),
        "{slip}"
    );
    let sorted = ok(&visitor, "/chercher?tri=closing").await.body;
    assert!(sorted.find("Nettoyage de l’hôpital") < sorted.find("Blanchisserie des hôpitaux"), "{sorted}");
    let alert = ok(&visitor, "/chercher?q=linge&departement=59&disposition=reserved").await.body;
    assert!(alert.contains("/abonnements/nouveau?mots=linge&amp;departement=59&amp;disposition=reserved"), "{alert}");
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let form = ok(&jeanne, "/abonnements/nouveau?mots=linge&departement=59&disposition=reserved").await.body;
    assert!(
        form.contains("Prérempli") && form.contains("value=\"linge\"") && form.contains("value=\"59\" checked"),
        "{form}"
    );
}

#[tokio::test]
async fn less_a_pause_or_nothing_each_is_undone_by_the_same_link() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let id = pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let store = &pages.app.service.store;
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    let link = pages.app.service.unsubscribe_url(&address.id).unwrap();
    let path = link.strip_prefix(&pages.base).unwrap();
    let visitor = pages.stranger().unwrap();
    let page = ok(&visitor, path).await.body;
    assert!(["moins", "pause", "arret"].iter().all(|w| page.contains(&format!("value=\"{w}\""))), "{page}");
    let one = || async { store.subscriptions_of("jeanne").await.unwrap().remove(0) };

    let done = visitor.post(path, &[("que", "moins")]).await.unwrap();
    assert_eq!(one().await.cadence, Cadence::Weekly);
    let before = format!("{id} instant");
    assert!(done.body.contains(&format!("value=\"{before}\"")), "{}", done.body);
    visitor.post(path, &[("que", "annuler"), ("avant", &before)]).await.unwrap();
    assert_eq!(one().await.cadence, Cadence::Instant);
    visitor.post(path, &[("que", "pause")]).await.unwrap();
    assert!(one().await.paused_until.is_some_and(|until| until > now()));
    visitor.post(path, &[("que", "annuler"), ("reprendre", &id)]).await.unwrap();
    assert_eq!(one().await.paused_until.filter(|until| *until > now()), None);
    // RFC 8058: a mail service posts this, and nothing else.
    visitor.post(path, &[("List-Unsubscribe", "One-Click")]).await.unwrap();
    assert_eq!(store.address(&address.id).await.unwrap().unwrap().state, AddressState::Stopped);
    assert!(ok(&visitor, path).await.body.contains("Recevoir de nouveau"));
    visitor.post(path, &[("que", "annuler")]).await.unwrap();
    assert_eq!(store.address(&address.id).await.unwrap().unwrap().state, AddressState::Active);
    // The link is of one person: it changes nothing of another's.
    pages.person("rival", "Rival", Role::Structure, Some(OTHERS)).await.unwrap();
    let theirs = pages.subscription("rival", &Filter::default()).await.unwrap();
    visitor.post(path, &[("que", "annuler"), ("avant", &format!("{theirs} weekly"))]).await.unwrap();
    assert_eq!(store.subscriptions_of("rival").await.unwrap()[0].cadence, Cadence::Instant);
}

#[tokio::test]
async fn who_agrees_sees_what_is_open_and_is_let_in_once() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let store = &pages.app.service.store;
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    store.set_address_state(&address.id, AddressState::Unconfirmed, "essai").await.unwrap();
    let link = pages.app.service.link(Purpose::Confirm, &address.id, Some(now() + Duration::days(7))).unwrap();
    let path = link.strip_prefix(&pages.base).unwrap();
    let mut visitor = pages.stranger().unwrap();
    let asked = ok(&visitor, path).await;
    assert!(asked.cookie.is_none() && asked.body.contains("Camille Essai"), "{}", asked.body);
    let agreed = visitor.post(path, &[]).await.unwrap();
    assert!(agreed.body.contains("Entretien du linge") && agreed.body.contains("Voir mes marchés"), "{}", agreed.body);
    visitor.cookie = agreed.cookie;
    assert!(ok(&visitor, "/").await.body.contains("Mes marchés"));
    let again = pages.stranger().unwrap().post(path, &[]).await.unwrap();
    assert!(again.cookie.is_none(), "a link agrees once, and lets in once");
}
