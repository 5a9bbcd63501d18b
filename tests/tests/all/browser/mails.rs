//! Mails as a telephone and a desktop show them: what one needs to decide stands in the first 500 pixels of a telephone; what is over
//! offers nothing; a reminder is short; how each kind of mail looks.

use fantoccini::Client;
use serde_json::json;
use vigie_domain::delivery::DeliveryState;
use vigie_domain::subscription::Role;
use vigie_domain::{
    AlertKind, Award, Cadence, Department, Filter, Lot, NoAwardReason, Notice, NoticeKind, Passage, Place, TypedDate,
};
use vigie_notifier::after_award;
use vigie_notifier::digest::Shown;
use vigie_notifier::message::{ANSWER_HERE, Ask, Form, Message, UNSUBSCRIBE_HERE};
use vigie_service::alert_card::{self, AlertCard};
use vigie_tests::pages::Pages;

use super::{DESKTOP, Driver, PHONE, SIRET, Screen, now, photograph, screenshots};

/// Pixels within which a reader decides.
const FIRST_SIGHT: f64 = 500.0;

/// A call as long as real ones are: a title of two lines, a buyer, a town, a visit, three lots.
fn call(n: usize) -> Notice {
    let mut notice = Notice::new("boamp", format!("26-{n}"), NoticeKind::Call);
    notice.title = "Nettoyage des locaux et de la vitrerie des bâtiments communaux et scolaires de la ville".into();
    notice.buyer.name = "Communauté d’agglomération de Lens-Liévin".into();
    notice.departments.extend(Department::parse("62"));
    notice.places.push(Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None });
    notice.url = Some("https://www.boamp.fr/pages/avis/?q=idweb:26-1".into());
    notice.documents_url = Some("https://marchespublics.example/consultation/1".into());
    let at = |text: &str| (chrono::DateTime::parse_from_rfc3339(text).unwrap(), true);
    notice.dates.push(TypedDate::of_field(vigie_domain::DateKind::Tender, at("2026-12-21T12:00:00+01:00"), "d"));
    for (id, lot) in ["Lot 1 : écoles", "Lot 2 : hôtel de ville", "Lot 3 : vitrerie"].iter().enumerate() {
        notice.lots.push(Lot { id: (id + 1).to_string(), title: (*lot).into(), ..Lot::default() });
    }
    let mut say = |field: &str, text: &str| {
        notice.passages.push(Passage { field: field.into(), lot: None, text: text.into() });
    };
    say("MAPA.initial.description.objet", "Nettoyage de l’hôtel de ville, de la médiathèque et de trois écoles.");
    say(
        "MAPA.initial.renseignements.rensgComplt",
        "Le marché est réservé aux entreprises adaptées et aux structures d’insertion (articles L2113-12 et L2113-13). Une visite obligatoire du site aura lieu le 3 décembre 2026 à 10 h 00, sur inscription au 03 20 49 50 00 ou à marches@ville.example. La durée du marché est de 12 mois, reconductible 3 fois.",
    );
    notice
}

/// What a message of that kind to Jeanne is made from.
async fn told(pages: &Pages, kind: AlertKind) -> AlertCard {
    let service = &pages.app.service;
    let told = service.store.deliveries(None, 200).await.unwrap();
    for row in told.iter().filter(|d| d.subscriber == "jeanne" && d.state != DeliveryState::Superseded) {
        let items = service.store.items_of(&row.id, &row.subscriber, &row.cause).await.unwrap();
        let Some(item) = items.first().filter(|i| i.alert_kind == kind) else { continue };
        let mut part: AlertCard = alert_card::read(service, item).await.unwrap().unwrap();
        part.asks = true;
        return part;
    }
    panic!("no mail about {kind:?} among {}", told.len());
}

/// As it would leave.
fn addressed(message: Message) -> Message {
    message.addressed(Some("https://vigie.example/desabonner/x".into()), Some("https://vigie.example/repondre/x"))
}

/// A mail as it would leave, made from what is stored.
async fn mail(pages: &Pages, kind: AlertKind) -> Message {
    let (part, service) = (told(pages, kind).await, &pages.app.service);
    let leave = Some(UNSUBSCRIBE_HERE.to_owned());
    addressed(service.templates.alert(Form::Mail, &part.item(), leave, service.clock.now()).unwrap())
}

/// Shows a mail in the browser: it looks as it did, nothing serious for axe-core, nothing of it is wider than the screen.
async fn show(browser: &Client, screen: Screen, message: &Message, name: &str) {
    let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    std::fs::write(file.path(), message.html().unwrap()).unwrap();
    browser.goto(&format!("file://{}", file.path().display())).await.unwrap();
    if let Some(dir) = screenshots() {
        std::fs::write(dir.join(format!("mail-{name}.txt")), message.text()).unwrap();
    }
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.execute(wide, vec![]).await.unwrap(), json!(0), "{name} is wider than the screen");
    let found = photograph(browser, screen, &format!("mail-{name}")).await;
    assert!(found.is_empty(), "{name} on a {} screen: {found:#?}", screen.name);
}

/// The lowest pixel of the first element whose own text holds these words; none where nothing visible does.
async fn bottom(browser: &Client, words: &str) -> Option<f64> {
    let script = "const words = arguments[0];
        for (const e of document.querySelectorAll('span, a, strong, h1, p, li')) {
            const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent).join(' ');
            if (own.replace(/[\\s\\u00a0\\u202f]+/g, ' ').includes(words) && e.getClientRects().length) {
                return e.getBoundingClientRect().bottom;
            }
        }
        return null;";
    browser.execute(script, vec![json!(words)]).await.unwrap().as_f64()
}

async fn bench() -> Pages {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(SIRET)).await.unwrap();
    let artois = Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() };
    pages.subscription("jeanne", &artois).await.unwrap();
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_decides_by_stands_in_the_first_500_pixels_of_a_mail() {
    let Some(driver) = Driver::start() else { return };
    let pages = bench().await;
    pages.take(&call(1)).await.unwrap();
    let alert = mail(&pages, AlertKind::New).await;
    for screen in [PHONE, DESKTOP] {
        let browser = driver.browser(screen).await;
        show(&browser, screen, &alert, "alerte").await;
        let mut above = 0.0;
        for words in [
            "Réservé aux SIAE, EA et ESAT",
            "Nettoyage des locaux et de la vitrerie",
            "Communauté d’agglomération",
            "Lens, Pas-de-Calais (62)",
            "À rendre avant le lundi 21 décembre 2026 à 12 h",
            "On y va",
            "Retirer le dossier",
        ] {
            let at = bottom(&browser, words).await.unwrap_or_else(|| panic!("{words}: {}", alert.text()));
            assert!(at >= above && at <= FIRST_SIGHT, "« {words} » ends at {at} px, after {above}");
            above = at;
        }
        let visit = bottom(&browser, "Une visite obligatoire du site aura lieu").await;
        assert!(visit.is_some_and(|at| at > above), "the visit is told below");
        let links = "return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))";
        let links = browser.execute(links, vec![]).await.unwrap().to_string();
        assert!(links.contains("tel:0320495000") && links.contains("mailto:marches@ville.example"), "{links}");
        browser.close().await.unwrap();
    }
    // Once, and in the plain text in the same order.
    let text = alert.text();
    assert_eq!(text.matches("isite obligatoire").count(), 2, "its label, and its sentence: {text}");
    let order = [
        "Réservé aux",
        "Nettoyage des locaux et",
        "Communauté",
        "À rendre avant le",
        "Répondre (on y va, écarter, plus tard)",
        "Retirer le dossier",
        "CE QUI EST À FAIRE",
        "DATES",
    ];
    let places: Vec<usize> = order.iter().map(|w| text.find(w).unwrap_or_else(|| panic!("{w}: {text}"))).collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
    assert!(text.contains("Lot 1 : écoles") || text.contains("Lot 1\u{a0}: écoles"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_about_what_is_over_offers_nothing_and_keeps_the_buyer_s_reason() {
    let Some(driver) = Driver::start() else { return };
    let pages = bench().await;
    pages.take(&call(1)).await.unwrap();
    let mut off = Notice::new("boamp", "26-9", NoticeKind::Cancellation);
    off.title = call(1).title;
    off.links.earlier = vec!["26-1".into()];
    off.passages.push(Passage {
        field: "t".into(),
        lot: None,
        text: "La consultation est déclarée sans suite pour motif d’intérêt général : le besoin doit être redéfini."
            .into(),
    });
    vigie_watcher::classify::outcome::settle(&mut off);
    pages.take(&off).await.unwrap();
    let message = mail(&pages, AlertKind::Cancellation).await;
    show(&driver.browser(DESKTOP).await, DESKTOP, &message, "annulation").await;
    let browser = driver.browser(PHONE).await;
    show(&browser, PHONE, &message, "annulation").await;
    for said in ["Annulé", "La consultation est déclarée sans suite pour motif d’intérêt général"] {
        assert!(bottom(&browser, said).await.is_some_and(|at| at <= FIRST_SIGHT), "{said}: {}", message.text());
    }
    for gone in ["On y va", "Écarter", "Plus tard", "rendre avant le", "Gagné"] {
        assert_eq!(bottom(&browser, gone).await, None, "{gone}");
        assert!(!message.text().contains(gone), "{gone}: {}", message.text());
    }
    assert!(message.subject.starts_with("Annulé – Nettoyage"), "{}", message.subject);
    // U5: what it does not say is its procedure's.
    for inherited in ["Retirer le dossier", "Nettoyage de l’hôtel de ville", "Pas-de-Calais"] {
        assert!(message.text().contains(inherited), "{inherited}: {}", message.text());
    }
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_says_what_it_covers_and_leads_to_each() {
    let Some(driver) = Driver::start() else { return };
    let pages = bench().await;
    let service = &pages.app.service;
    for s in service.store.subscriptions_of("jeanne").await.unwrap() {
        service.store.remove_subscription(&s.id).await.unwrap();
    }
    let artois = Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() };
    service.store.put_subscription("jeanne", &artois, Cadence::Daily, now()).await.unwrap();
    for n in 1..4 {
        let mut notice = call(n);
        notice.title = format!("{} n° {n}", notice.title);
        notice.passages[1].text = format!("{} Secteur {n}.", notice.passages[1].text);
        if n == 2 {
            notice.dates[0].at = (now() + chrono::Duration::days(3)).fixed_offset();
        }
        pages.take(&notice).await.unwrap();
    }
    let due =
        service.store.due_digests(now() + chrono::Duration::days(1), now() + chrono::Duration::days(1)).await.unwrap();
    let address = service.store.active_addresses("jeanne").await.unwrap().remove(0);
    let to = [(address.id, address.channel)];
    let at = now() + chrono::Duration::days(1);
    service.store.make_digest(&due[0], (vigie_store::digests::Lines::All, &to), 2000, at, at).await.unwrap();
    let row = service.store.deliveries(None, 50).await.unwrap().into_iter().find(|d| d.cause.is_digest()).unwrap();
    let items = service.store.items_of(&row.id, &row.subscriber, &row.cause).await.unwrap();
    let mut parts = Vec::new();
    for item in &items {
        parts.push(alert_card::read(service, item).await.unwrap().unwrap());
    }
    let told: Vec<_> = parts.iter().map(AlertCard::item).collect();
    let message = service.templates.digest(Form::Mail, (&told, Vec::new()), Shown::Screen, None, now()).unwrap();
    show(&driver.browser(DESKTOP).await, DESKTOP, &message, "resume").await;
    let browser = driver.browser(PHONE).await;
    show(&browser, PHONE, &message, "resume").await;
    for said in ["3 marchés pour vous", "Repérés le 21 novembre 2026", "1 à rendre sous 7 jours", "Pourquoi vous"] {
        assert!(bottom(&browser, said).await.is_some_and(|at| at <= FIRST_SIGHT), "{said}: {}", message.text());
    }
    let text = message.text();
    assert_eq!(text.matches("Pourquoi vous").count(), 1, "{text}");
    assert_eq!(text.matches("Voir et répondre").count(), 3, "a way to each: {text}");
    assert!(text.contains("Régler ou recevoir moins : ") || text.contains("recevoir moins\u{a0}: "), "{text}");
    browser.close().await.unwrap();
}

/// Of a town's call: a correction and an award; a reminder, and what no notice brings.
async fn others(pages: &Pages) -> Vec<(&'static str, Message)> {
    let (service, templates) = (&pages.app.service, &pages.app.service.templates);
    let leave = || Some(UNSUBSCRIBE_HERE.to_owned());
    pages.take(&call(1)).await.unwrap();
    let mut reminder = told(pages, AlertKind::New).await;
    reminder.kind = AlertKind::Reminder;
    reminder.why.remark = Some("Offres à rendre lundi à 12 h".into());
    let reminder = templates.alert(Form::Mail, &reminder.item(), leave(), now()).unwrap();
    let follow_up = |record: &str, kind: NoticeKind| {
        let mut notice = Notice::new("boamp", record, kind);
        notice.title = call(1).title;
        notice.links.earlier = vec!["26-1".into()];
        notice
    };
    let mut correction = follow_up("26-8", NoticeKind::Correction);
    correction.dates = call(1).dates;
    correction.dates[0].at += chrono::Duration::days(9);
    pages.take(&correction).await.unwrap();
    let correction = mail(pages, AlertKind::Correction).await;
    let mut award = follow_up("26-9", NoticeKind::Award);
    award.awards = ["1", "2"]
        .map(|lot| Award {
            lot: Some(lot.into()),
            winners: vec!["Martin SARL".into()],
            amount: Some(48_000.0),
            ..Award::default()
        })
        .into();
    award.awards.push(Award::none(Some("3".into()), Some(NoAwardReason::NoRece)));
    pages.take(&award).await.unwrap();
    let award = mail(pages, AlertKind::Award).await;
    let ask = Ask {
        wishes: vec!["Nettoyage, à moins de 20 km de Lens (62)".into()],
        markets: vec!["Nettoyage des écoles – Ville de Lens, avant le 12 janvier 2027".into()],
        link: Some("https://vigie.example/confirmer/x".into()),
        until: "28 novembre 2026".into(),
        given_by: Vec::new(),
        by_reply: true,
        again: false,
        purpose: vigie_service::personal_data::PURPOSE.into(),
        forgotten_after: 15,
        retention: vigie_service::personal_data::retention_in_french(&service.settings.retention),
    };
    let to = after_award::Addresses {
        page: Some("https://vigie.example/procedure/x"),
        answer: Some(ANSWER_HERE),
        link: None,
    };
    let result = after_award::result((&call(1).title, "2"), "Ville de Lens", Some("Clos hier".into()), to);
    let word = "Vos alertes sont en pause\nElles reprennent le 21 décembre 2026.\nVous pouvez les reprendre plus tôt.";
    vec![
        ("rappel", reminder),
        ("rectificatif", correction),
        ("attribution", award),
        ("accord", templates.ask(Form::Mail, &ask, leave()).unwrap()),
        ("entrer", templates.sign_in(Form::Mail, "https://vigie.example/entrer/x").unwrap()),
        ("mot", templates.word(Form::Mail, word, leave()).unwrap()),
        ("operateur", templates.operator(Form::Mail, "Source muette", "boamp ne répond plus.\nDepuis hier.").unwrap()),
        ("resultat", templates.ask_result(Form::Mail, &result, leave()).unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_kind_of_mail_is_looked_at() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let pages = bench().await;
        let browser = driver.browser(screen).await;
        for (name, message) in others(&pages).await {
            show(&browser, screen, &addressed(message), name).await;
        }
        browser.close().await.unwrap();
    }
}
