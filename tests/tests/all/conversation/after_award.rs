//! What is said under the messages that follow an award, in whatever order, by whoever is of the structure.

use vigie_bot::roles::scheduler;
use vigie_delivery::worker;
use vigie_domain::award::Award;
use vigie_domain::{Company, OfferStage, Passage};

use super::*;

const CLAUSE: &str = "Clause sociale d’insertion obligatoire : le titulaire réserve 300 heures de travail à des personnes éloignées de l’emploi.";

fn with_clause(id: &str) -> Notice {
    let mut notice = call(id);
    notice.passages = vec![Passage { field: "texte".into(), lot: None, text: CLAUSE.into() }];
    notice
}

fn awarded(of: &str, id: &str, holder: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Award);
    notice.title = call(of).title;
    notice.buyer = call(of).buyer;
    notice.links.earlier = vec![of.to_owned()];
    notice.published = NaiveDate::from_ymd_opt(2027, 2, 1);
    notice.awards = vec![Award::to(None, vec![Company::named(holder)])];
    notice
}

async fn pass(app: &App) {
    let now = app.service.clock.now();
    scheduler::run(&app.service, now).await.unwrap();
    worker::drain(&app.delivery).await.unwrap();
}

/// The last delivery to a person on a channel whose alert is of that kind, as sent in that message of the chat.
async fn of_kind(app: &App, who: &str, channel: Channel, kind: &str, message: &str) -> String {
    for one in app.service.store.deliveries(None, 200).await.unwrap() {
        let items = app.service.store.items_of(&one.id, &one.subscriber, &one.cause).await.unwrap();
        let of_it = items.iter().any(|i| i.alert_kind.as_str() == kind);
        if one.subscriber == who && one.channel == channel && of_it && !one.cause.is_digest() {
            let (chat, now) = (chat_of(who, channel), app.service.clock.now());
            app.service.store.remember_message(&one.id, channel, &chat, message, now).await.unwrap();
            return one.id;
        }
    }
    panic!("{who} got no {kind}");
}

async fn under(app: &App, who: &str, channel: Channel, by: &str, words: &str, about: &str) -> String {
    let said = conversation::dispatch(&app.service, heard(who, channel, by, text(words, Some(about)))).await.unwrap();
    said.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_and_questions_are_answered_in_any_order_on_both_chats_on_either_engine() {
    in_any_order(Bench::new()).await;
    if let Some(postgres) = Postgres::start() {
        in_any_order(Bench::on(&postgres.url)).await;
    }
}

async fn in_any_order(bench: Bench) {
    let app = bench.at(now()).await;
    let store = &app.service.store;
    for (id, siret) in [("ana", EA), ("bob", EA), ("rival", "44444444400017")] {
        person(&app, id, Some(siret), Role::Structure).await;
    }
    person(&app, "plie", None, Role::Facilitator).await;
    ingest::ingest(&app.service, &with_clause("26-1"), None).await.unwrap();
    let procedure = store.notice("boamp:26-1").await.unwrap().unwrap().procedure;
    // The rival goes for it; Ana's structure does not.
    let call_of_rival = sent(&app, "rival", Channel::Telegram, "1").await;
    press(&app, "rival", "Rita", &format!("prep:{call_of_rival}")).await;
    let call_of_ana = sent(&app, "ana", Channel::Telegram, "2").await;
    ingest::ingest(&app.service, &with_clause("26-2"), None).await.unwrap();
    // Words that answer offers, before there is one.
    assert!(
        under(&app, "ana", Channel::Telegram, "Ana", "contacté", &call_of_ana)
            .await
            .contains("propositions de services")
    );

    let later = DateTime::parse_from_rfc3339("2027-02-02T09:00:00+01:00").unwrap().to_utc();
    app.service.clock.set(later);
    ingest::ingest(&app.service, &awarded("26-1", "27-1", "MARTIN SARL"), None).await.unwrap();
    pass(&app).await;
    let offer = of_kind(&app, "ana", Channel::Telegram, "offer", "10").await;
    let of_bob = of_kind(&app, "bob", Channel::Matrix, "offer", "$10").await;
    let stage = async |who: &str| store.service_offer_of(who, &procedure, "").await.unwrap().unwrap().stage;
    assert_eq!((stage(EA).await, stage("44444444400017").await), (OfferStage::Told, OfferStage::Asked));

    // « Rappel » is its own; « gagné » before « contacté », then the other way round, by two people on two chats.
    assert!(under(&app, "ana", Channel::Telegram, "Ana", "rappel 5 jours", &offer).await.contains("d’elle-même"));
    assert!(under(&app, "ana", Channel::Telegram, "Ana", "gagné", &offer).await.contains("bravo"));
    let changed = under(&app, "bob", Channel::Matrix, "Bob", "contacté", &of_bob).await;
    assert!(changed.contains("Ana avait noté : gagné") && changed.contains("contacté"), "{changed}");
    react(&app, "bob", "Bob", "👎", &of_bob).await;
    assert_eq!(stage(EA).await, OfferStage::Declined, "a thumb down says no to the offer, not to the market");
    assert!(store.decisions_on(EA, &procedure).await.unwrap().iter().all(|d| d.stage != Stage::NoGo));
    // The button of somebody else's message does nothing: nobody acts for another.
    let odd = press(&app, "rival", "Rita", &format!("serving:{offer}")).await;
    assert!(odd.iter().any(|r| r.text.text.contains("ne retrouve pas")), "{odd:?}");
    assert_eq!(stage(EA).await, OfferStage::Declined);
    // What is said under it as a sentence may be a note; a word without sense is not.
    assert!(
        under(&app, "ana", Channel::Telegram, "Ana", "à revoir avec Marc en mars", &offer).await.contains("Garder")
    );

    // The rival is asked, answers the question on the wrong message first, then twice.
    app.service.clock.set(later + Duration::days(2));
    pass(&app).await;
    let asked = of_kind(&app, "rival", Channel::Telegram, "ask_result", "11").await;
    assert!(
        under(&app, "rival", Channel::Telegram, "Rita", "contacté", &asked).await.contains("propositions de services")
    );
    press(&app, "rival", "Rita", &format!("lost:{asked}")).await;
    press(&app, "rival", "Rita", &format!("lost:{asked}")).await;
    pass(&app).await;
    assert_eq!(stage("44444444400017").await, OfferStage::Told, "who lost may serve the winner");
    let serves = of_kind(&app, "rival", Channel::Telegram, "offer", "12").await;
    // They remember that they won: nothing is left to offer.
    press(&app, "rival", "Rita", &format!("won:{asked}")).await;
    assert_eq!(store.decisions_on("44444444400017", &procedure).await.unwrap()[0].stage, Stage::Won);
    app.service.clock.set(later + Duration::days(20));
    pass(&app).await;
    let reminders = store.own_alerts("rival", 50).await.unwrap().iter().filter(|a| a.kind.as_str() == "offer").count();
    assert_eq!(reminders, 1, "no reminder to who won");
    assert!(under(&app, "rival", Channel::Telegram, "Rita", "refusé", &serves).await.contains("Noté : refusé"));

    // A contract called off: its old message still answers, and nothing comes of it.
    ingest::ingest(&app.service, &awarded("26-2", "27-2", "DURAND"), None).await.unwrap();
    pass(&app).await;
    let second = of_kind(&app, "ana", Channel::Telegram, "offer", "13").await;
    let mut off = Notice::new("boamp", "27-3", NoticeKind::Cancellation);
    off.title = call("26-2").title;
    off.links.earlier = vec!["26-2".into()];
    off.published = NaiveDate::from_ymd_opt(2027, 2, 25);
    ingest::ingest(&app.service, &off, None).await.unwrap();
    assert!(under(&app, "ana", Channel::Telegram, "Ana", "contacté", &second).await.contains("Noté"));
    app.service.clock.set(later + Duration::days(60));
    pass(&app).await;
    let told = store.own_alerts("ana", 100).await.unwrap();
    assert_eq!(told.iter().filter(|a| a.kind.as_str() == "offer").count(), 2, "no reminder of what was called off");
    // Who only reads is told nothing of offers.
    assert!(store.own_alerts("plie", 100).await.unwrap().iter().all(|a| a.kind.as_str() != "offer"));
    store.close().await;
}

/// Following by words, in whatever order: a name that two bear, its number, the label of a button, the same again, away.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_followed_and_left_whatever_is_said_first() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ana", Some(EA), Role::Structure).await;
    for (n, (name, siret)) in [
        ("Ville de Lens", "21620498200017"),
        ("Ville de Lens et environs", "21620499000017"),
        ("Ville de Lille", SIRET),
    ]
    .into_iter()
    .enumerate()
    {
        let mut notice = call(&format!("26-{n}"));
        (notice.buyer.name, notice.buyer.siret) = (name.into(), Some(siret.into()));
        ingest::ingest(&app.service, &notice, None).await.unwrap();
    }
    let say = async |words: &str| {
        let said = heard("ana", Channel::Telegram, "Ana", text(words, None));
        let replies = conversation::dispatch(&app.service, said).await.unwrap();
        replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n")
    };
    for (words, wanted) in [
        ("/oublier Ville de Lille", "Vous ne suivez personne de ce nom"),
        ("/suivre", "Dites qui suivre"),
        ("/suivre a", "Dites qui suivre"),
        ("/suivre lens", "Plusieurs portent ce nom"),
        ("Ville de Lens et environs (216 204 990)", "Vous suivez Ville de Lens et environs"),
        ("/suivre Ville de Lens", "Vous suivez Ville de Lens"),
        ("/suivre 216204982", "suivez déjà Ville de Lens"),
        ("/suivre Société Inconnue", "Vous suivez Société Inconnue"),
        ("/suivre", "Société Inconnue"),
        ("/oublier lens", "Plusieurs portent ce nom"),
        ("/oublier Ville de Lens", "C’est fait"),
        ("/oublier 216204990", "C’est fait"),
        ("/oublier 216204990", "Vous ne suivez personne"),
    ] {
        let answer = say(words).await;
        let answer = answer.replace(['\u{a0}', '\u{202f}'], " ");
        assert!(answer.contains(wanted), "{words}: {answer}");
    }
    app.service.store.close().await;
}
