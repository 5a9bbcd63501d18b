//! What surrounds operations: the area that an organisation serves, hours to fill, commitments of buyers, meetings.

use super::*;

/// The names of facilitators that the alert of a notice gives to a structure.
async fn named_in(pages: &Pages, notice: &Notice) -> Vec<String> {
    let procedure = pages.take(notice).await.unwrap();
    let notices = pages.app.service.store.notices_of(&procedure).await.unwrap();
    let row = &notices[0];
    let spot = Spot {
        places: &row.notice.places,
        departments: &row.assessment.departments,
        buyer: row.notice.buyer.siret.as_deref(),
        words: &row.assessment.title,
    };
    alert_card::contacts_in(&pages.app.service, &spot, Some("jeanne")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_territory_is_said_once_for_colleagues_and_its_facilitator_comes_before_that_of_the_departement() {
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let store = &pages.app.service.store;
    let whole = Facilitator {
        territory: "Département du Pas-de-Calais".into(),
        departments: Department::parse("62").into_iter().collect(),
        area: Area::default(),
        name: String::new(),
        contact: "clauses@departement.example".into(),
    };
    store.put_entries(&[whole], pages.app.service.clock.now()).await.unwrap();
    let (ana, bea) = (pages.signed_in("ana").await.unwrap(), pages.signed_in("bea").await.unwrap());
    let page = "/operations/territoire";
    let wrong = ana.post_form(page, &[("epci", "Syldavie"), ("montrer", "oui")]).await.unwrap();
    assert!(wrong.status == 400 && wrong.body.contains("Syldavie"), "{}", wrong.body);
    let said = [
        ("nom", "PLIE de Lens-Liévin"),
        ("epci", "246200364"),
        ("communes", "Arras (62)"),
        ("contact", "clauses@plie.example"),
        ("montrer", "oui"),
    ];
    done(&ana, page, &said).await;
    done(&bea, page, &[("faire", "suivre")]).await;
    let followed = store.subscriptions_of("bea").await.unwrap();
    assert_eq!(followed.iter().map(|s| s.filter.epcis.len()).collect::<Vec<_>>(), [1]);
    // A colleague changes it: the subscription of the other follows.
    assert!(ok(&ana, page).await.contains("Le reçoivent aussi : bea"));
    done(&ana, page, &[&said[..], &[("acheteurs", "21620041600014")]].concat()).await;
    let followed = store.subscriptions_of("bea").await.unwrap();
    let buyers: Vec<&str> = followed.iter().flat_map(|s| s.filter.buyers.iter().map(String::as_str)).collect();
    assert_eq!((followed.len(), buyers.as_slice()), (2, ["21620041600014"].as_slice()));
    assert!(ok(&bea, page).await.contains("21620041600014"));
    let rival = pages.signed_in("rival").await.unwrap();
    assert!(!ok(&rival, page).await.contains("PLIE de Lens"), "another organisation has its own");

    let of = |id: &str, city: &str, postcode: &str| {
        let mut notice = notice(id, NoticeKind::Call, &format!("Nettoyage de locaux {id}"), "2026-11-24");
        notice.buyer.siret = None;
        notice.buyer.name = format!("Commune {id}");
        notice.places = vec![Place { city: Some(city.into()), postcode: Some(postcode.into()), nuts: None }];
        notice
    };
    let lens = named_in(&pages, &of("27-1", "Lens", "62300")).await;
    assert_eq!(lens.len(), 2, "{lens:?}");
    assert!(lens[0].contains("PLIE de Lens-Liévin") && lens[1].contains("Département du Pas-de-Calais"), "{lens:?}");
    let calais = named_in(&pages, &of("27-2", "Calais", "62100")).await;
    assert!(calais.len() == 1 && calais[0].contains("Département"), "{calais:?}");
    let anywhere = Notice { places: Vec::new(), ..of("27-3", "", "") };
    let somewhere = named_in(&pages, &anywhere).await;
    assert!(somewhere.len() == 1 && somewhere[0].contains("Département"), "not sure, and somebody is: {somewhere:?}");
    done(&bea, page, &[("faire", "ne-plus-suivre")]).await;
    assert!(store.subscriptions_of("bea").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_like_calls_one_attaches_itself_and_who_stands_in_is_told_of_it() {
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let procedure = pages.take(&planned()).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    done(&ana, "/operations/suivre", &[("procedure", &procedure)]).await;
    pages.app.service.clock.set(at("2027-01-11T10:00:00+01:00"));
    let second = Notice { record_id: "27-10002".into(), passages: Vec::new(), ..call() };
    let second = Notice {
        dates: Vec::new(),
        lots: vec![],
        title: "Réhabilitation de l’école Jean Jaurès, mobilier".into(),
        ..second
    };
    let (one, two) = (pages.take(&call()).await.unwrap(), pages.take(&second).await.unwrap());
    assert_ne!(one, two);
    let store = &pages.app.service.store;
    let away = Absence { from: None, until: at("2027-02-01T10:00:00+01:00"), stand_in: Some("bea".into()) };
    store.set_absence("ana", Some(&away)).await.unwrap();
    let told = pass(&pages, "2027-01-12T10:00:00+01:00").await;
    assert_eq!(told.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["bea"], "{told:?}");
    assert!(told[0].1.contains("à rattacher, ou non") && told[0].1.contains("(en l’absence d’ana)"), "{told:?}");
    let beside = store.operation_procedures(PLIE).await.unwrap();
    let attached: Vec<&str> =
        beside.iter().filter(|a| a.standing == Standing::Attached).map(|a| a.procedure.as_str()).collect();
    assert_eq!(attached.len(), 2, "the planned purchase and one call: {beside:?}");
    assert!(beside.iter().any(|a| a.standing == Standing::Proposed), "{beside:?}");
}

/// What messages said since, by reader and channel.
async fn said_since(pages: &Pages, before: &[String]) -> Vec<(String, String)> {
    let store = &pages.app.service.store;
    let mut out = Vec::new();
    for one in store.deliveries(None, 1_000).await.unwrap().into_iter().filter(|d| !before.contains(&d.id)) {
        let items = store.items_of(&one.id, &one.subscriber, &one.cause).await.unwrap();
        out.extend(items.into_iter().filter_map(|i| Some((one.subscriber.clone(), plain(&i.body?)))));
    }
    out.sort();
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_are_offered_to_those_who_asked_answered_from_any_door_and_closed_once_filled() {
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    pages.person("marc", "marc", Role::Structure, Some("44444444400014")).await.unwrap();
    pages.person("mission", "mission", Role::Subscriber, None).await.unwrap();
    let (service, store) = (&pages.app.service, &pages.app.service.store);
    let (ana, jeanne) = (pages.signed_in("ana").await.unwrap(), pages.signed_in("jeanne").await.unwrap());
    let page = "/operations/heures-a-pourvoir";
    let fields = [
        ("metier", "Maçonnerie"),
        ("lieu", "Lens (62)"),
        ("debut", "2027-01-11"),
        ("heures", "400"),
        ("contact", "ana, 03 21 00 00 00"),
        ("jusqu", "2026-12-15"),
    ];
    let empty = ana.post_form(page, &[("metier", "Maçonnerie"), ("lieu", "Syldavie")]).await.unwrap();
    assert!(empty.status == 400 && empty.body.contains("Rien n’est envoyé encore"), "{}", empty.body);
    assert_eq!(jeanne.post_form(page, &fields).await.unwrap().status, 404, "for facilitators");

    // Nobody asked to hear of such hours: nobody does.
    done(&ana, page, &fields).await;
    assert!(said_since(&pages, &[]).await.is_empty());
    assert!(ok(&ana, page).await.contains("Personne ne les a reçues"));
    done(&jeanne, "/heures", &[("recevoir", "oui")]).await;
    let told = said_since(&pages, &[]).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == "jeanne" && told[0].1.contains("400 heures : Maçonnerie – Lens (62)"), "{told:?}");
    assert!(ok(&ana, page).await.contains("Pour 1 personne qui a demandé"));
    let marc = pages.signed_in("marc").await.unwrap();
    assert!(!ok(&marc, "/heures").await.contains("Maçonnerie"), "who did not ask sees none");
    for who in ["marc", "mission"] {
        let person = store.subscriber(who).await.unwrap().unwrap();
        vigie_service::hours_to_fill::want(service, &person, true).await.unwrap();
    }
    worker::drain(&pages.app.delivery).await.unwrap();

    // One answers on the page, one by the link of a mail, one in a chat.
    let id = store.hours_to_fill_of(PLIE).await.unwrap().remove(0).id;
    done(&jeanne, &format!("/heures/{id}"), &[("dire", "oui"), ("heures", "250")]).await;
    let until = at("2026-12-16T00:00:00Z");
    let link =
        service.token(vigie_service::links::Purpose::HoursToFill, &format!("{id}:mission"), Some(until)).unwrap();
    let stranger = pages.stranger().unwrap();
    let path = format!("/pourvoir/{link}");
    assert!(ok(&stranger, &path).await.contains("Maçonnerie"));
    let answered = stranger.post(&path, &[("dire", "non")]).await.unwrap();
    assert!(answered.status == 200 && answered.body.contains("pas pour vous"), "{}", answered.body);
    assert_eq!(stranger.get(&path.replace("mission", "marc")).await.unwrap().status, 404, "a link is its reader's");
    let subscriber = store.subscriber("marc").await.unwrap().unwrap();
    let addresses = vec![(Channel::Telegram, "tg-marc".to_owned(), AddressState::Active)];
    store
        .put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, pages.app.service.clock.now())
        .await
        .unwrap();
    let says = async |text: &str| {
        let chat = Chat { channel: Channel::Telegram, id: "tg-marc".into(), private: true, title: String::new() };
        let sender = Sender { id: "marc".into(), name: "Marc".into() };
        let input = Input::Text { text: text.to_owned(), about: None, edited: false, forwarded: false };
        let replies = conversation::dispatch(service, Incoming { chat, sender, input }).await.unwrap();
        plain(&replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n"))
    };
    assert!(says("/heures").await.contains("Maçonnerie"));
    assert!(says(&format!("/heures oui {id} 200")).await.contains("C’est noté"));
    assert!(says("/heures oui inconnu").await.contains("Je ne connais pas"));

    // The facilitator alone reads who answered what, is told of it once, and keeps what fills it.
    let shown = ok(&ana, page).await;
    assert!(shown.contains("450 proposées") && shown.contains("1 réponse négative"), "{shown}");
    for visitor in [&jeanne, &pages.signed_in("rival").await.unwrap()] {
        assert!(!visitor.get(page).await.unwrap().body.contains("Marc"));
        let kept = [("faire", "retenir"), ("structure", "44444444400014"), ("heures", "200")];
        assert_eq!(visitor.post_form(&format!("{page}/{id}"), &kept).await.unwrap().status, 404);
        // What was offered is the organisation's: a number that is too large tells nobody else.
        let many = [kept[0], kept[1], ("heures", "9000")];
        let refused = visitor.post_form(&format!("{page}/{id}"), &many).await.unwrap();
        assert!(refused.status == 404 && !refused.body.contains("400"), "{}", refused.body);
    }
    let many = [("faire", "retenir"), ("structure", "33333333300017"), ("heures", "401")];
    let refused = ana.post_form(&format!("{page}/{id}"), &many).await.unwrap();
    assert!(refused.status == 400 && plain(&refused.body).contains("400 heures sont proposées"), "{}", refused.body);
    let told = pass(&pages, "2026-11-25T10:00:00+01:00").await;
    let to_ana: Vec<&str> = told.iter().filter(|(who, _)| who == "ana").map(|(_, text)| text.as_str()).collect();
    assert!(to_ana.len() == 1 && to_ana[0].contains("répond oui, 250 heures"), "{told:?}");
    let before: Vec<String> = store.deliveries(None, 1_000).await.unwrap().into_iter().map(|d| d.id).collect();
    let keep = [("faire", "retenir"), ("structure", "33333333300017"), ("heures", "400")];
    done(&ana, &format!("{page}/{id}"), &keep).await;
    let told = said_since(&pages, &before).await;
    assert!(told.iter().any(|(who, text)| who == "jeanne" && text.contains("Vos heures sont retenues")), "{told:?}");
    assert!(told.iter().any(|(who, text)| who == "marc" && text.contains("Ces heures sont pourvues")), "{told:?}");
    assert!(!told.iter().any(|(who, _)| who == "mission"), "who said no is left alone: {told:?}");
    assert!(says(&format!("/heures oui {id}")).await.contains("ne sont plus à pourvoir"));
    assert!(ok(&stranger, &path).await.contains("ne sont plus à pourvoir"));

    // It was a slip: it is opened again by those who told it alone, and what was kept is corrected.
    assert_eq!(jeanne.post_form(&format!("{page}/{id}"), &[("faire", "rouvrir")]).await.unwrap().status, 404);
    assert!(ok(&ana, page).await.contains("Rouvrir, pour corriger"));
    let before: Vec<String> = store.deliveries(None, 1_000).await.unwrap().into_iter().map(|d| d.id).collect();
    done(&ana, &format!("{page}/{id}"), &[("faire", "rouvrir")]).await;
    assert_eq!(
        ana.post_form(&format!("{page}/{id}"), &[("faire", "rouvrir")]).await.unwrap().status,
        404,
        "it is open"
    );
    done(&ana, &format!("{page}/{id}"), &[keep[0], keep[1], ("heures", "200")]).await;
    done(&ana, &format!("{page}/{id}"), &[keep[0], keep[1], ("heures", "200")]).await;
    let told = said_since(&pages, &before).await;
    let of = |who: &str, words: &str| told.iter().filter(|(w, text)| w == who && text.contains(words)).count();
    assert_eq!(
        (of("jeanne", "retient 200 heures, et non 400,"), of("marc", "de nouveau à pourvoir")),
        (1, 2),
        "Marc has a mail and a chat: {told:?}"
    );
    assert!(says(&format!("/heures oui {id} 200")).await.contains("C’est noté"));
    let page = ok(&ana, page).await;
    assert!(page.contains("à pourvoir") && page.contains("200 retenues"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_ends_is_a_line_once_to_facilitators_of_the_place_and_a_filter_of_the_search() {
    let pages = Pages::start(at("2026-06-20T10:00:00+02:00"), "").await.unwrap();
    cast(&pages).await;
    let store = &pages.app.service.store;
    let spaser =
        |siren: &str, to| CommittedBuyer { siren: siren.into(), name: "Ville de Lens".into(), from: Some(2024), to };
    let all = [spaser(&CITY[..9], Some(2026)), spaser("213300635", Some(2026))];
    store.put_entries(&all, pages.app.service.clock.now()).await.unwrap();
    pages.take(&planned()).await.unwrap();
    let other = Notice {
        buyer: vigie_domain::Buyer {
            name: "Ville d’Arras".into(),
            siret: Some("21620041600014".into()),
            ..vigie_domain::Buyer::default()
        },
        title: "Entretien des parcs de la ville".into(),
        record_id: "27-9".into(),
        ..call()
    };
    pages.take(&other).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    done(&ana, "/operations/territoire", &[("departements", "62")]).await;
    assert!(pass(&pages, "2026-06-23T10:00:00+02:00").await.iter().all(|(_, text)| !text.contains("SPASER")));
    let told = pass(&pages, "2026-07-02T10:00:00+02:00").await;
    let to_ana = told.iter().find(|(who, _)| who == "ana").map(|(_, text)| text.as_str()).unwrap_or_default();
    assert!(to_ana.contains("Le SPASER 2024–2026 de Ville de Lens se termine"), "{told:?}");
    assert!(
        !to_ana.contains("213300635") && !told.iter().any(|(who, t)| who == "rival" && t.contains("SPASER")),
        "{told:?}"
    );
    assert!(pass(&pages, "2026-07-04T10:00:00+02:00").await.iter().all(|(_, text)| !text.contains("SPASER")), "once");
    let ana = pages.signed_in("ana").await.unwrap();
    let found = ok(&ana, "/chercher?etat=tous&spaser=oui").await;
    assert!(found.contains("Jaurès") && !found.contains("Entretien des parcs"), "{found}");
    assert!(ok(&ana, &format!("/acheteur/{}", &CITY[..9])).await.contains("SPASER 2024–2026, dans sa dernière année"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_written_by_hand_or_brought_by_a_source_is_told_near_until_its_day() {
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let (service, store) = (&pages.app.service, &pages.app.service.store);
    let mut jeanne = store.subscriber("jeanne").await.unwrap().unwrap();
    jeanne.profile.departments = Department::parse("62").into_iter().collect();
    let addresses = Vec::new();
    store
        .put_subscriber(
            &NewSubscriber { subscriber: jeanne.clone(), addresses, declared: false },
            pages.app.service.clock.now(),
        )
        .await
        .unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    let fields = [
        ("rencontre", "Rencontre des acheteurs"),
        ("jour", "12/01/2027"),
        ("heure", "14 h 30"),
        ("lieu", "Lens (62)"),
        ("adresse", "https://plie.example/rencontre"),
    ];
    let bad =
        ana.post_form("/rencontres", &[("rencontre", "x"), ("jour", "12/01/2027"), ("adresse", "javascript:1")]).await;
    let bad = bad.unwrap();
    assert!(bad.status == 400 && bad.body.contains("https://"), "{}", bad.body);
    done(&ana, "/rencontres", &fields).await;
    done(&ana, "/rencontres", &[("rencontre", "Salon de Bordeaux"), ("jour", "13/01/2027"), ("lieu", "Bordeaux (33)")])
        .await;
    let writer = pages.signed_in("jeanne").await.unwrap();
    assert_eq!(writer.post_form("/rencontres", &fields).await.unwrap().status, 404, "a structure reads them");
    let shown = ok(&writer, "/rencontres").await;
    assert!(
        shown.contains("12 janvier 2027 à 14 h 30") && !shown.contains("Bordeaux"),
        "near, and not elsewhere: {shown}"
    );

    // A source whose entries announce meetings brings one, by the day that its words say.
    let mut brought = notice("r-1", NoticeKind::Event, "Journée d’information sur la clause sociale", "2026-11-24");
    brought.passages.push(Passage {
        field: "summary".into(),
        lot: None,
        text: "Le 20 janvier 2027 à 9 h, à Arras. Inscription en ligne.".into(),
    });
    pages.take(&brought).await.unwrap();
    vigie_service::events::run(service, pages.app.service.clock.now()).await.unwrap();
    let lines = async |cause: &str| vigie_service::events::of_digest(service, "jeanne", cause).await.unwrap();
    let first = lines("digest:1:0").await;
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(plain(&first[0]).starts_with("12 janvier 2027 à 14 h 30, Lens (62) : Rencontre"), "{first:?}");
    assert!(plain(&first[1]).starts_with("20 janvier 2027 à 9 h") && first[1].contains("Journée"), "{first:?}");
    assert_eq!(lines("digest:1:0").await, first, "the same digest on another channel, or tried again, says the same");
    assert!(lines("digest:2:0").await.is_empty(), "told once");

    // After its day it is nowhere.
    service.clock.set(at("2027-01-13T10:00:00+01:00"));
    let ana = pages.signed_in("ana").await.unwrap();
    let later = ok(&ana, "/rencontres").await;
    assert!(!later.contains("Rencontre des acheteurs") && later.contains("Salon de Bordeaux"), "{later}");
    let ahead = vigie_service::events::ahead(service, Some(&jeanne)).await.unwrap();
    assert_eq!(
        ahead.iter().map(|e| e.title.as_str()).collect::<Vec<_>>(),
        ["Journée d’information sur la clause sociale"]
    );
}
