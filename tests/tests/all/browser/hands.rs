//! Signing up on a phone and by the keyboard alone, and the pages where people settle how they are written to.

use super::*;

const OPEN: &str = "[sign_up]\nmode = \"open\"\n[email]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n";

async fn opened() -> Pages {
    let pages = Pages::start(now(), OPEN).await.unwrap();
    for n in 0..6 {
        pages.take(&call(n, &format!("Location et entretien du linge, secteur {n}"), n % 2 == 0)).await.unwrap();
    }
    pages
}

async fn is_asked(pages: &Pages, email: &str) {
    for _ in 0..500 {
        let found = pages.app.service.store.find_subscribers(email).await.unwrap();
        if !found.is_empty() && !pages.app.service.store.deliveries(None, 5).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{email} is asked for their agreement");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_on_a_phone_takes_a_question_a_screen() {
    let Some(driver) = Driver::start() else { return };
    let pages = opened().await;
    let browser = driver.browser(PHONE).await;
    let began = std::time::Instant::now();
    browser.goto(&format!("{}/inscription", pages.base)).await.unwrap();
    look(&browser, PHONE, "inscription-qui").await;
    press(&browser, "Continuer").await;
    look(&browser, PHONE, "inscription-siret").await;
    press(&browser, "Continuer").await;
    look(&browser, PHONE, "inscription-structure").await;
    press(&browser, "Continuer").await;
    browser.find(Locator::Id("metier")).await.unwrap().send_keys("Blanchisserie").await.unwrap();
    look(&browser, PHONE, "inscription-metiers").await;
    press(&browser, "Continuer").await;
    browser.find(Locator::Id("commune")).await.unwrap().send_keys("Lille (59)").await.unwrap();
    look(&browser, PHONE, "inscription-lieux").await;
    press(&browser, "Continuer").await;
    look(&browser, PHONE, "inscription-exemple").await;
    let said = browser.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
    assert!(said.contains("vous auraient été signalés") && said.contains("linge"), "{said}");
    press(&browser, "Retour").await;
    let commune = browser.find(Locator::Id("commune")).await.unwrap();
    assert_eq!(commune.prop("value").await.unwrap().as_deref(), Some("Lille (59)"), "nothing is lost on the way back");
    press(&browser, "Continuer").await;
    press(&browser, "Continuer").await;
    look(&browser, PHONE, "inscription-rythme").await;
    press(&browser, "Continuer").await;
    browser.find(Locator::Id("email")).await.unwrap().send_keys("lea@structure.example").await.unwrap();
    look(&browser, PHONE, "inscription-adresse").await;
    press(&browser, "M’inscrire").await;
    is_asked(&pages, "lea@structure.example").await;
    eprintln!("from the first screen to the confirmation mail: {:.1} s with pictures", began.elapsed().as_secs_f32());
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_signs_up() {
    let Some(driver) = Driver::start() else { return };
    let pages = opened().await;
    let browser = driver.browser(DESKTOP).await;
    let enter = Key::Enter.to_string();
    let arrives = async |title: &str| {
        let path = format!("//h1[contains(., '{title}')]");
        browser.wait().for_element(Locator::XPath(&path)).await.unwrap();
    };
    browser.goto(&format!("{}/inscription", pages.base)).await.unwrap();
    look(&browser, DESKTOP, "inscription-bureau").await;
    tab_to(&browser, "Continuer").await.send_keys(&enter).await.unwrap();
    arrives("Quelle est votre structure").await;
    tab_to(&browser, "siret").await.send_keys(&enter).await.unwrap();
    arrives("Quelle sorte").await;
    tab_to(&browser, "Continuer").await.send_keys(&enter).await.unwrap();
    arrives("Quels métiers").await;
    tab_to(&browser, "metier").await.send_keys(&format!("Blanchisserie{enter}")).await.unwrap();
    arrives("Où").await;
    tab_to(&browser, "commune").await.send_keys(&format!("Lille (59){enter}")).await.unwrap();
    arrives("Ce que cela aurait donné").await;
    tab_to(&browser, "Continuer").await.send_keys(&enter).await.unwrap();
    arrives("Quand vous écrire").await;
    tab_to(&browser, "Continuer").await.send_keys(&enter).await.unwrap();
    arrives("Où vous écrire").await;
    tab_to(&browser, "email").await.send_keys(&format!("lea@structure.example{enter}")).await.unwrap();
    arrives("messagerie").await;
    is_asked(&pages, "lea@structure.example").await;
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_other_tools_look_well() {
    let Some(driver) = Driver::start() else { return };
    let (pages, _) = town().await;
    let store = &pages.app.service.store;
    let jeanne = store.subscriber("jeanne").await.unwrap().unwrap();
    let addresses = vec![
        (vigie_domain::Channel::Telegram, "42".to_owned(), vigie_store::people::AddressState::Active),
        (
            vigie_domain::Channel::Webhook,
            "https://outil.example/x".to_owned(),
            vigie_store::people::AddressState::Active,
        ),
        (
            vigie_domain::Channel::Slack,
            "https://hooks.slack.example/y".to_owned(),
            vigie_store::people::AddressState::Unconfirmed,
        ),
    ];
    let known = vigie_store::people::NewSubscriber { subscriber: jeanne, addresses, declared: false };
    store.put_subscriber(&known, now()).await.unwrap();
    pages.person("marc", "Marc Dupont", Role::Structure, Some(SIRET)).await.unwrap();
    for screen in [PHONE, DESKTOP] {
        let browser = driver.browser(screen).await;
        enter(&browser, &pages, "jeanne").await;
        for (path, name) in
            [("/reglages", "reglages"), ("/reglages/outils", "outils"), ("/abonnements", "abonnements-nommes")]
        {
            browser.goto(&format!("{}{path}", pages.base)).await.unwrap();
            look(&browser, screen, name).await;
        }
        browser.close().await.unwrap();
    }
}

/// What Vigie asks, where it is answered: on the settings page, on a page of its own, by the link of a mail, and before a subscription
/// that gives too much is kept; and what was learned, as the settings page lists it.
#[tokio::test(flavor = "multi_thread")]
async fn questions_and_habits_look_well() {
    let Some(driver) = Driver::start() else { return };
    let pages = crate::hands::learned::questions_wait().await;
    let service = &pages.app.service;
    let ana = service.store.subscriber("ana").await.unwrap().unwrap();
    let waiting = vigie_service::questions::waiting(service, &ana).await.unwrap();
    let text = async |browser: &Client| browser.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
    for screen in [PHONE, DESKTOP] {
        let browser = driver.browser(screen).await;
        for (n, question) in waiting.iter().enumerate() {
            let link = service.question_url(&question.id, "ana", service.clock.now()).unwrap();
            browser.goto(&link).await.unwrap();
            look(&browser, screen, &format!("proposition-courriel-{n}")).await;
        }
        enter(&browser, &pages, "ana").await;
        for (n, question) in waiting.iter().enumerate() {
            browser.goto(&format!("{}/reglages/propositions/{}", pages.base, question.id)).await.unwrap();
            look(&browser, screen, &format!("proposition-{n}")).await;
        }
        browser.goto(&format!("{}/reglages", pages.base)).await.unwrap();
        if screen == PHONE {
            assert!(text(&browser).await.contains("hors du 62"), "a question waits");
            look(&browser, screen, "reglages-question").await;
            press(&browser, "Oui, dans le résumé").await;
            browser.goto(&format!("{}/reglages", pages.base)).await.unwrap();
        }
        assert!(text(&browser).await.contains("Revenir aux alertes"), "what holds is listed");
        look(&browser, screen, "reglages-habitude").await;
        let wish = "secteur=blanchisserie&departement=59&departement=62&rythme=instant";
        browser.goto(&format!("{}/abonnements/nouveau?{wish}", pages.base)).await.unwrap();
        press(&browser, "Enregistrer").await;
        assert!(text(&browser).await.contains("resserrer"), "{}", text(&browser).await);
        look(&browser, screen, "abonnement-resserrer").await;
        browser.close().await.unwrap();
    }
}

/// A browser is added by its button. Headless Chromium has no push service: that half is a stub; page, script, worker and form are ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_added_by_its_button() {
    let Some(driver) = Driver::start() else { return };
    let (pages, _) = town().await;
    let keys = vigie_tests::push::Browser::new([3; 16]).unwrap().keys();
    for screen in [PHONE, DESKTOP] {
        let browser = driver.browser(screen).await;
        enter(&browser, &pages, "jeanne").await;
        browser.goto(&format!("{}/reglages/navigateur", pages.base)).await.unwrap();
        look_with_scripts(&browser, screen, "navigateur", 1).await;
        let stub = "const [permission, p256dh, auth, name] = arguments;
            Notification.requestPermission = async () => permission;
            PushManager.prototype.subscribe = async function (wanted) {
                sessionStorage.setItem('key', String(wanted.applicationServerKey.length));
                return { toJSON: () => ({ endpoint: 'https://push.example/' + name, keys: { p256dh, auth } }) };
            };";
        let stubbed = async |permission: &str| {
            let given = vec![json!(permission), json!(keys.0), json!(keys.1), json!(screen.name)];
            browser.execute(stub, given).await.unwrap();
        };
        stubbed("denied").await;
        browser.find(Locator::Id("activer")).await.unwrap().click().await.unwrap();
        let refused = "//p[@id='etat'][contains(., 'autorisez les notifications')]";
        browser.wait().for_element(Locator::XPath(refused)).await.unwrap();
        stubbed("granted").await;
        press(&browser, "Recevoir mes alertes sur cet appareil").await;
        let added = "//p[@role='status'][contains(., 'ce navigateur reçoit vos alertes')]";
        browser.wait().for_element(Locator::XPath(added)).await.unwrap();
        let length = browser.execute("return sessionStorage.getItem('key')", vec![]).await.unwrap();
        assert_eq!(length, json!("65"), "the whole key of this installation");
        let worker = "return navigator.serviceWorker.ready.then(r => new URL(r.active.scriptURL).pathname)";
        assert_eq!(browser.execute(worker, vec![]).await.unwrap(), json!("/notifications.js"));
        look(&browser, screen, "outils-navigateur").await;
        browser.close().await.unwrap();
    }
    let tools = vigie_service::hooks::of(&pages.app.service, "jeanne").await.unwrap();
    assert_eq!(tools.iter().filter(|t| t.channel == vigie_domain::Channel::Browser).count(), 2);
}
