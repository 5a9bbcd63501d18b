//! What a reader does next: from a message to the subscription that brought it, from an answer to its note, from a facilitator's own words
//! to what structures read, from markets left aside to the line about them.

use super::*;
use vigie_domain::award::Award;
use vigie_domain::directory::Structure;
use vigie_domain::{Company, Refusal, StructureKind};
use vigie_store::people::NewSubscriber;

#[tokio::test]
async fn a_message_leads_to_the_subscription_that_brought_it() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let other = Filter { departments: Department::parse("13").into_iter().collect(), ..Filter::default() };
    pages.subscription("jeanne", &other).await.unwrap();
    let mine = pages
        .subscription("jeanne", &Filter { departments: Department::parse("59").into_iter().collect(), ..other })
        .await
        .unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let path = format!("/procedure/{procedure}/abonnement");
    let asked = pages.stranger().unwrap().get(&path).await.unwrap();
    assert!(
        asked.location.unwrap().starts_with("/entrer?next=%2Fprocedure"),
        "whoever is not signed in signs in first"
    );
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let form = format!("/abonnements/{mine}");
    assert_eq!(jeanne.get(&path).await.unwrap().location.as_deref(), Some(form.as_str()));
    assert!(ok(&jeanne, &format!("/procedure/{procedure}")).await.body.contains(&format!("href=\"{form}\"")));
    // Of what no subscription brought, to all of them.
    pages.person("paul", "Paul", Role::Structure, Some(OTHERS)).await.unwrap();
    let paul = pages.signed_in("paul").await.unwrap();
    assert_eq!(paul.get(&path).await.unwrap().location.as_deref(), Some("/abonnements"));
}

#[tokio::test]
async fn a_note_and_a_colleague_follow_an_answer_by_the_link_that_gave_it() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let store = &pages.app.service.store;
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let delivery = store.deliveries(None, 10).await.unwrap().remove(0).id;
    let link = pages.app.service.answer_url(&delivery, now()).unwrap();
    let link = link.strip_prefix(&pages.base).unwrap();
    let reader = pages.stranger().unwrap();
    let early = reader.post(link, &[("mot", "suite"), ("note", "trop tôt")]).await.unwrap();
    assert_eq!(early.status, 400, "nothing is noted before an answer: {}", early.body);
    let answered = reader.post(link, &[("mot", "oui")]).await.unwrap().body;
    assert!(answered.contains("name=\"note\""), "{answered}");
    for (note, assignee) in [("Appeler la mairie", "Karim"), ("Visite le 3", "")] {
        let fields = [("mot", "suite"), ("note", note), ("assignee", assignee)];
        let done = reader.post(link, &fields).await.unwrap();
        assert_eq!(done.status, 200, "{}", done.body);
        assert!(!done.body.contains("Appeler la mairie"), "what stands is not shown: {}", done.body);
    }
    let stands = store.decisions_on(MINE, &procedure).await.unwrap().remove(0);
    assert_eq!((stands.stage, stands.by.as_str()), (Stage::Go, "Jeanne"));
    assert_eq!((stands.note.as_str(), stands.assignee.as_str()), ("Appeler la mairie\nVisite le 3", "Karim"));
    // Once a colleague answered otherwise, the link adds nothing to it.
    store.decide(&Decision::new(MINE, &procedure, Stage::NoGo, "Paul", now())).await.unwrap();
    let late = reader.post(link, &[("mot", "suite"), ("note", "encore")]).await.unwrap();
    assert_ne!(late.status, 200, "{}", late.body);
    assert!(!store.decisions_on(MINE, &procedure).await.unwrap().remove(0).note.contains("encore"));
}

#[tokio::test]
async fn whoever_leaves_every_open_market_aside_reads_one_line_and_may_turn_it_off() {
    let pages = pages().await;
    let store = &pages.app.service.store;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let mut person = store.subscriber("jeanne").await.unwrap().unwrap();
    person.profile.kind = Some(StructureKind::Ei);
    store
        .put_subscriber(&NewSubscriber { subscriber: person, addresses: Vec::new(), declared: false }, now())
        .await
        .unwrap();
    let like = Structure {
        siret: "55204599900869".into(),
        name: "Les Ateliers".into(),
        kind: StructureKind::Ei,
        sectors: Vec::new(),
        departments: Department::parse("59").into_iter().collect(),
        place: None,
        naf: None,
    };
    store.put_entries(&[like], now()).await.unwrap();
    let open = |id: &str| {
        let mut notice = call(id, "Nettoyage des locaux de la mairie");
        notice.lots.clear();
        notice.passages.clear();
        notice
    };
    for n in 0..3 {
        let mut award = Notice::new("boamp", format!("27-{n}"), NoticeKind::Award);
        pages.take(&open(&format!("25-{n}"))).await.unwrap();
        award.title = "Nettoyage des locaux de la mairie".into();
        award.links.earlier = vec![format!("25-{n}")];
        award.published = now().date_naive().into();
        let holder = Company { id: Some("55204599900869".into()), ..Company::named("Les Ateliers") };
        award.awards = vec![Award::to(None, vec![holder])];
        pages.take(&award).await.unwrap();
    }
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let said = async || ok(&jeanne, "/mois").await.body.contains("des EI en ont gagné 3");
    let mut last = String::new();
    for n in 0..5 {
        assert!(!said().await, "{n} left aside say nothing");
        last = pages.take(&open(&format!("26-{n}"))).await.unwrap();
        let no = Decision { refusal: Some(Refusal::Size), ..Decision::new(MINE, &last, Stage::NoGo, "Jeanne", now()) };
        store.decide(&no).await.unwrap();
    }
    assert!(said().await, "{}", ok(&jeanne, "/mois").await.body);
    store.decide(&Decision::new(MINE, &last, Stage::Go, "Jeanne", now() + Duration::hours(1))).await.unwrap();
    assert!(!said().await, "who goes for one hears nothing of it");
    store.decide(&Decision::new(MINE, &last, Stage::Abandoned, "Jeanne", now() + Duration::hours(2))).await.unwrap();
    assert!(!said().await, "nor who went");
    let done = jeanne.post_form("/mois/marches-ouverts", &[]).await.unwrap();
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(store.chose(MINE, vigie_store::choices::Choice::NoOpenMarketsLine, "").await.unwrap());
}
