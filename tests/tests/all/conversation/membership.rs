//! Who comes in and what they ask for: invitations, subscribing step by step.

use super::*;
use vigie_service::membership;

async fn the_door(bench: &Bench) {
    let app = bench.at(now()).await;
    assert!(from(&app, "42", "bonjour").await.contains("personnes invitées"));
    assert_eq!(from(&app, "42", "allô ?").await, "", "one polite line, then silence");
    app.service.store.close().await;
    let app = bench.at(now() + Duration::hours(2)).await;
    assert_eq!(from(&app, "42", "toujours là ?").await, "", "after a restart too");

    let code = app.service.store.invite(&invitation(Role::Structure, None), now()).await.unwrap();
    assert!(from(&app, "42", "/start AAAA-BBBB-CCCC").await.contains("n’est pas valable"));
    let welcome = from(&app, "42", &format!("/start {}", code.to_lowercase())).await;
    assert!(welcome.contains("Bienvenue Zoé") && welcome.contains("/abonner"), "{welcome}");
    assert!(from(&app, "43", &code).await.contains("n’est pas valable"), "a code serves once");
    assert!(from(&app, "42", "/aide").await.contains("/abonnements"));
    let people = app.service.store.people_of_chat(Channel::Telegram, "42").await.unwrap();
    let (zoe, address) = &people[0];
    assert_eq!((people.len(), zoe.role, address.state), (1, Role::Structure, AddressState::Active));

    // Another chat of the same person, and a chat that has its owner already.
    let second = app.service.store.invite(&invitation(Role::Structure, Some(&zoe.id)), now()).await.unwrap();
    assert!(from(&app, "42", &format!("/start {second}")).await.contains("déjà reliée"));
    assert!(from(&app, "44", &format!("Voici votre code : {second}.")).await.contains("Bienvenue"));
    assert_eq!(app.service.store.addresses(&zoe.id).await.unwrap().len(), 2);

    let late = app
        .service
        .store
        .invite(&NewInvitation { expires: now(), ..invitation(Role::Operator, None) }, now())
        .await
        .unwrap();
    assert!(from(&app, "45", &late).await.contains("périmé"));
    for _ in 0..12 {
        from(&app, "46", "/start AAAA-BBBB-CCCC").await;
    }
    let good = app.service.store.invite(&invitation(Role::Operator, None), now()).await.unwrap();
    assert_eq!(from(&app, "46", &good).await, "", "whoever guesses waits");
    let name = app.service.store.invitations().await.unwrap().into_iter().find(|i| i.used.is_none()).unwrap().name;
    assert!(app.service.store.revoke_invitation(&name).await.unwrap());
    app.service.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_one_line_and_a_code_opens_once() {
    the_door(&Bench::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_opens_once_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    the_door(&Bench::on(&postgres.url)).await;
}

async fn subscribing(bench: &Bench) {
    let app = bench.at(now()).await;
    let structure = Structure {
        siret: EA.into(),
        name: "Ateliers du Nord".into(),
        kind: StructureKind::Ea,
        sectors: vec!["blanchisserie".into()],
        departments: Department::parse("59").into_iter().collect(),
        place: None,
        naf: None,
    };
    app.service.store.put_entries(&[structure], now()).await.unwrap();
    let mut laundry = call("26-9");
    laundry.title = "Location et entretien du linge, blanchisserie".into();
    ingest::ingest(&app.service, &laundry, None).await.unwrap();
    let code = app.service.store.invite(&invitation(Role::Structure, None), now()).await.unwrap();
    from(&app, "42", &code).await;
    assert!(from(&app, "42", "/abonnements").await.contains("aucun abonnement"));

    assert!(from(&app, "42", "/abonner").await.contains("SIRET"));
    assert!(from(&app, "42", "73282932000074").await.contains("annuaire"), "unknown: by hand");
    assert!(from(&app, "42", "retour").await.contains("SIRET"));
    assert!(from(&app, "42", "333 333 333 00017").await.contains("Ateliers du Nord (EA)"));
    app.service.store.close().await;
    // A restart, and a day.
    let app = bench.at(now() + Duration::days(1)).await;
    let sectors = from(&app, "42", "oui").await;
    assert!(sectors.contains("Quels métiers") && sectors.contains("Blanchisserie"), "{sectors}");
    assert!(from(&app, "42", "🎉🎉🎉").await.contains("Quels métiers"), "nothing is lost by nonsense");
    assert!(from(&app, "42", "/echeances").await.contains("Aucune échéance"), "commands go on working");
    assert!(from(&app, "42", "continuer").await.contains("Nord (59)"));
    assert!(from(&app, "42", "62").await.contains("Pas-de-Calais (62)"));
    assert!(from(&app, "42", "Continuer").await.contains("Quelles dispositions"));
    assert!(from(&app, "42", "Tout").await.contains("À quel rythme"));
    let confirm = from(&app, "42", "Tout de suite").await;
    assert!(
        confirm.contains("Blanchisserie") && confirm.contains("1\u{a0}marché vous aurait été signalé"),
        "{confirm}"
    );
    let done = from(&app, "42", "Je m’abonne").await;
    assert!(done.contains("C’est fait"), "{done}");
    let again = Input::Pressed { data: "=confirm:Je m’abonne".into(), about: None };
    let twice = conversation::dispatch(&app.service, Incoming { input: again, ..stranger("42", "") }).await.unwrap();
    assert!(all_of(&twice).contains("est passée"), "pressed twice, kept once");

    let zoe = app.service.store.people_of_chat(Channel::Telegram, "42").await.unwrap().remove(0).0;
    // B9: what was typed is a claim; approved by an operator, it is theirs.
    assert_eq!((zoe.structure(), zoe.profile.kind), (zoe.id.as_str(), Some(StructureKind::Ea)));
    assert_eq!(zoe.profile.claimed_siret.as_deref(), Some(EA));
    assert!(membership::settle(&app.service, "op", &zoe, true).await.unwrap());
    assert!(!membership::settle(&app.service, "op", &zoe, true).await.unwrap(), "it is settled once");
    let zoe = app.service.store.subscriber(&zoe.id).await.unwrap().unwrap();
    assert_eq!((zoe.structure(), zoe.profile.claimed_siret.as_deref()), (EA, None));
    let mine = app.service.store.subscriptions_of(&zoe.id).await.unwrap();
    assert_eq!((mine.len(), mine[0].cadence), (1, Cadence::Instant));
    assert!(from(&app, "42", "/abonnements").await.contains("Blanchisserie"));
    app.service.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_step_by_step_survives_restarts_and_nonsense() {
    subscribing(&Bench::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_step_by_step_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    subscribing(&Bench::on(&postgres.url)).await;
}

#[tokio::test]
async fn typing_a_siret_opens_nobodys_decisions() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    let structure = Structure {
        siret: EA.into(),
        name: "Ateliers du Nord".into(),
        kind: StructureKind::Ea,
        sectors: Vec::new(),
        departments: Vec::new(),
        place: None,
        naf: None,
    };
    app.service.store.put_entries(&[structure], now()).await.unwrap();
    person(&app, "ea", Some(EA), Role::Structure).await;
    let code = app.service.store.invite(&invitation(Role::Structure, None), now()).await.unwrap();
    from(&app, "42", &code).await;
    for words in ["/abonner", EA, "oui", "tous", "partout", "tout", "chaque jour"] {
        from(&app, "42", words).await;
    }
    let done = from(&app, "42", "je m’abonne").await;
    assert!(done.contains("La personne qui gère Vigie est prévenue"), "{done}");
    let eve = app.service.store.people_of_chat(Channel::Telegram, "42").await.unwrap().remove(0).0;
    assert_ne!(eve.structure(), EA);
    let claims = membership::claims(&app.service).await.unwrap();
    let named: Vec<(&str, Vec<&str>)> =
        claims.iter().map(|c| (c.siret.as_str(), c.members.iter().map(|m| m.id.as_str()).collect())).collect();
    assert_eq!(named, [(EA, vec!["ea"])], "the operator sees who is there already");
    // Refused, nothing is shared; and nobody of the structure hears of it.
    let before = app.service.store.deliveries(None, 100).await.unwrap().len();
    assert!(membership::settle(&app.service, "op", &eve, false).await.unwrap());
    let eve = app.service.store.subscriber(&eve.id).await.unwrap().unwrap();
    assert!(eve.structure() != EA && eve.profile.claimed_siret.is_none());
    let told = app.service.store.deliveries(None, 100).await.unwrap();
    assert_eq!(told.len(), before + 1, "eve alone is told");
    // Who comes by an invitation that names the structure is announced to those who are there.
    let named = NewInvitation { siret: Some(EA.into()), ..invitation(Role::Structure, None) };
    let code = app.service.store.invite(&named, now()).await.unwrap();
    from(&app, "43", &code).await;
    let told = app.service.store.deliveries(None, 100).await.unwrap();
    assert!(told.len() > before + 1 && told.iter().any(|d| d.subscriber == "ea"), "{told:?}");
}

#[tokio::test]
async fn two_who_answer_one_question_move_it_once() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", None, Role::Structure).await;
    say(&app, "ea", "/abonner").await;
    // Both press the button of the same question; the second one finds it gone.
    let by_hand = "=siret:À la main";
    assert!(all_of(&press(&app, "ea", "Ana", by_hand).await).contains("Quelle sorte"));
    assert!(all_of(&press(&app, "ea", "Bob", by_hand).await).contains("est passée"));
    assert!(say(&app, "ea", "EA").await.contains("Quels métiers"), "and the dialogue goes on");
    app.service.store.close().await;
    let app = bench.at(now() + Duration::days(8)).await;
    assert!(say(&app, "ea", "continuer").await.contains("pas compris"), "forgotten after a week");
    assert!(say(&app, "ea", "/annuler").await.contains("rien à annuler"));
}
