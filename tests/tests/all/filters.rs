//! Conditions of subscriptions, from whoever writes them to whom a notice reaches and why: chats, pages, API, command line.

use std::process::Command;

use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_domain::subscription::Role;
use vigie_domain::{Around, BuyerType, Channel, Department, Filter, Lot, Notice, Place};
use vigie_service::ingest;
use vigie_store::tokens::Scope;
use vigie_tests::pages::Pages;
use vigie_tests::servers::vigie;

use crate::conversation::{Bench, all_of, call, datas, from, invitation, now, text};

const CHAT: &str = "42";

/// A call carried out in a place.
fn there(id: &str, city: &str, postcode: &str) -> Notice {
    let mut notice = call(id);
    let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let place = Place { city: some(city), postcode: some(postcode), nuts: None };
    notice.departments = place.department().into_iter().collect();
    notice.places.push(place);
    notice
}

#[tokio::test]
async fn a_circle_brings_what_is_near_says_how_near_and_shrinks_in_one_tap() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    let code = app.service.store.invite(&invitation(Role::Structure, None), now()).await.unwrap();
    from(&app, CHAT, &format!("/start {code}")).await;
    for words in ["/abonner", "à la main", "EA", "tous", "Lens 30 km", "continuer", "tout", "tout de suite"] {
        from(&app, CHAT, words).await;
    }
    assert!(from(&app, CHAT, "je m’abonne").await.contains("30\u{a0}km autour de Lens (62)"));
    let mut lots = there("26-4", "Bordeaux", "33000");
    lots.lots = vec![
        Lot { id: "1".into(), places: lots.places.clone(), ..Lot::default() },
        Lot { id: "2".into(), places: there("x", "Liévin", "62800").places, ..Lot::default() },
    ];
    lots.lots[1].departments = Department::parse("62").into_iter().collect();
    let mut vague = call("26-3");
    vague.departments = Department::parse("62").into_iter().collect();
    for notice in [there("26-1", "Lille", "59000"), there("26-2", "Marcq-en-Barœul", "59700"), vague, lots] {
        ingest::ingest(&app.service, &notice, None).await.unwrap();
    }
    for (notice, why) in [
        ("26-1", "Lille (28\u{a0}km)"),
        ("26-2", "Marcq-en-Barœul, à 33\u{a0}km de Lens, hors de votre rayon de 30\u{a0}km"),
        ("26-3", "lieu précis inconnu dans le département 62\u{a0}: à vérifier"),
        ("26-4", "Liévin (3\u{a0}km)"),
    ] {
        let said = from(&app, CHAT, &format!("/pourquoi {notice}")).await.replace('\u{a0}', " ");
        assert!(said.contains(&why.replace('\u{a0}', " ")), "{notice}: {said}");
    }
    let all = app.service.store.deliveries(None, 10).await.unwrap();
    assert_eq!(all.len(), 3, "the one outside does not come");

    let person = app.service.store.people_of_chat(Channel::Telegram, CHAT).await.unwrap().remove(0).0.id;
    let procedure = app.service.store.notice("boamp:26-1").await.unwrap().unwrap().procedure;
    let mut delivery = String::new();
    for d in &all {
        app.service.store.remember_message(&d.id, Channel::Telegram, CHAT, &d.id, now()).await.unwrap();
        if app.service.store.received(&d.id, Channel::Telegram, CHAT).await.unwrap().unwrap().procedure == procedure {
            delivery.clone_from(&d.id);
        }
    }
    let heard = |input: Input| Incoming {
        chat: Chat { channel: Channel::Telegram, id: CHAT.into(), private: true, title: String::new() },
        sender: Sender { id: CHAT.into(), name: "Ana".into() },
        input,
    };
    let offered = conversation::dispatch(&app.service, heard(text("trop loin", Some(&delivery)))).await.unwrap();
    assert!(all_of(&offered).contains("Rayon ramené à 27\u{a0}km"), "{offered:?}");
    let data = datas(&offered).remove(0);
    let press = || heard(Input::Pressed { data: data.clone(), about: Some(delivery.clone()) });
    let done = all_of(&conversation::dispatch(&app.service, press()).await.unwrap()).replace('\u{a0}', " ");
    assert!(done.contains("27 km autour de Lens"), "{done}");
    assert!(
        all_of(&conversation::dispatch(&app.service, press()).await.unwrap()).contains("déjà fait"),
        "pressed twice"
    );
    let mine = app.service.store.subscriptions_of(&person).await.unwrap();
    assert_eq!(mine[0].filter.around, [Around { commune: "62498".into(), km: 27 }]);
    // Every other reason that can, offers what it can.
    for (reason, offer) in [("délai trop court", "Au moins 53\u{a0}jours"), ("pas cet acheteur", "Plus jamais")] {
        let offered = conversation::dispatch(&app.service, heard(text(reason, Some(&delivery)))).await.unwrap();
        assert!(all_of(&offered).contains(offer), "{reason}: {offered:?}");
    }
    let nothing = conversation::dispatch(&app.service, heard(text("pas notre métier", Some(&delivery)))).await.unwrap();
    assert!(all_of(&nothing).contains("resserrez"), "a subscription to every trade has none to leave: {nothing:?}");
}

#[tokio::test]
async fn pages_and_programs_take_every_condition_and_show_what_is_wrong() {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, None).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let form = [
        ("rayon", "Lens (62) 30 km"),
        ("epci", "Métropole Européenne de Lille"),
        ("type", "commune"),
        ("type", "health"),
        ("rythme", "daily"),
        ("do", "quand-meme"),
    ];
    assert_eq!(jeanne.post_form("/abonnements/nouveau", &form).await.unwrap().status, 303);
    let kept = pages.app.service.store.subscriptions_of("jeanne").await.unwrap().remove(0);
    let wanted = Filter {
        epcis: vec!["200093201".into()],
        around: vec![Around { commune: "62498".into(), km: 30 }],
        buyer_types: vec![BuyerType::Commune, BuyerType::Health],
        ..Filter::default()
    };
    assert_eq!(kept.filter, wanted);
    let shown = jeanne.get(&format!("/abonnements/{}", kept.id)).await.unwrap().body;
    for value in ["Lens (62) 30 km", "Métropole Européenne de Lille", "30\u{a0}km autour de Lens (62)"] {
        assert!(shown.contains(value), "{value}");
    }
    // The same commune with another distance takes the place of the first.
    let wider = [("rayon", "Lens (62) 30 km"), ("commune", "Lens (62)"), ("km", "50"), ("rythme", "daily")];
    let wider = [&wider[..], &[("do", "quand-meme")]].concat();
    assert_eq!(jeanne.post_form("/abonnements/nouveau", &wider).await.unwrap().status, 303);
    let both = pages.app.service.store.subscriptions_of("jeanne").await.unwrap();
    let wider = both.into_iter().find(|s| s.id != kept.id).unwrap();
    assert_eq!(wider.filter.around, [Around { commune: "62498".into(), km: 50 }]);
    pages.app.service.store.remove_subscription(&wider.id).await.unwrap();
    // A circle that stands has a distance of its own.
    assert!(shown.contains("name=\"distance-62498\""), "{shown}");
    let own = [("rayon", "Lens (62) 30 km"), ("distance-62498", "50"), ("rythme", "daily"), ("do", "quand-meme")];
    assert_eq!(jeanne.post_form("/abonnements/nouveau", &own).await.unwrap().status, 303);
    let both = pages.app.service.store.subscriptions_of("jeanne").await.unwrap();
    let own = both.into_iter().find(|s| s.id != kept.id).unwrap();
    assert_eq!(own.filter.around, [Around { commune: "62498".into(), km: 50 }]);
    pages.app.service.store.remove_subscription(&own.id).await.unwrap();
    let wrong = [("rayon", "Saint-Denis 30 km"), ("epci", "Atlantis"), ("rythme", "daily"), ("do", "garder")];
    let wrong = jeanne.post_form("/abonnements/nouveau", &wrong).await.unwrap();
    assert_eq!(wrong.status, 422);
    for fault in ["Plusieurs communes s’appellent ainsi", "Je ne connais pas l’intercommunalité"] {
        assert!(wrong.body.contains(fault), "{fault}: {}", wrong.body);
    }

    let program = pages.program("jeanne", &[Scope::Subscriptions, Scope::SubscriptionsWrite]).await.unwrap();
    let body =
        serde_json::json!({ "filter": { "around": [{ "commune": "62498", "km": 30 }], "epcis": ["246200364"] } });
    let made = program.json("POST", "/api/v1/subscriptions", &body).await.unwrap();
    assert!(made.status.is_success() && made.body.contains("CA de Lens - Liévin"), "{} {}", made.status, made.body);
    for odd in [
        serde_json::json!({ "around": [{ "commune": "00000", "km": 30 }] }),
        serde_json::json!({ "around": [{ "commune": "62498", "km": 0 }] }),
        serde_json::json!({ "epcis": ["000000000"] }),
        serde_json::json!({ "buyer_types": ["martian"] }),
    ] {
        let refused =
            program.json("POST", "/api/v1/subscriptions", &serde_json::json!({ "filter": odd })).await.unwrap();
        assert!(refused.status.is_client_error(), "{odd}: {}", refused.body);
    }
}

#[test]
fn the_command_line_and_the_settings_file_take_places_and_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("vigie.toml");
    let base = format!("[store]\nurl = \"sqlite:{}\"\n", dir.path().join("v.sqlite").display());
    std::fs::write(&config, &base).unwrap();
    let run = |args: &[&str]| {
        let out = Command::new(vigie()).args(args).arg("-c").arg(&config).env_remove("VIGIE_CONFIG").output().unwrap();
        let text = [&out.stdout, &out.stderr].map(|b| String::from_utf8_lossy(b).into_owned()).concat();
        (out.status.success(), text)
    };
    let preview = [
        "subscriptions",
        "preview",
        "--around",
        "30 km autour d’Arras",
        "--epci",
        "agglo Lens Liévin",
        "--buyer-type",
        "health",
    ];
    let (fine, said) = run(&preview);
    assert!(fine && said.contains("CA de Lens - Liévin ou 30\u{a0}km autour d’Arras (62)"), "{said}");
    let (fine, said) = run(&["subscriptions", "preview", "--around", "Atlantis 3 km"]);
    assert!(!fine && said.contains("je ne connais pas la commune"), "{said}");

    let person = "[operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n[email]\nhost = \"127.0.0.1\"\nfrom = \"Vigie <v@exemple.fr>\"\n[[subscriber]]\nname = \"A\"\nemail = \"a@exemple.fr\"\n[[subscriber.subscription]]\n[subscriber.subscription.filter]\n";
    std::fs::write(
        &config,
        format!("{base}{person}epcis = [\"246200364\"]\naround = [{{ commune = \"62498\", km = 30 }}]\n"),
    )
    .unwrap();
    let (fine, said) = run(&["check"]);
    assert!(fine, "{said}");
    std::fs::write(
        &config,
        format!("{base}{person}epcis = [\"123456789\"]\naround = [{{ commune = \"Lens\", km = 30 }}]\n"),
    )
    .unwrap();
    let (fine, said) = run(&["check"]);
    let told = said.contains("intercommunalité «\u{a0}123456789\u{a0}» inconnue")
        && said.contains("commune «\u{a0}Lens\u{a0}» inconnue");
    assert!(!fine && told, "{said}");
}
