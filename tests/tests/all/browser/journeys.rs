//! What people come for, as they do it: taps counted, no identifier typed.

use vigie_delivery::worker;
use vigie_domain::ProvisionKind;
use vigie_service::links::Purpose;
use vigie_store::people::AddressState;
use vigie_tests::replay::Replay;

use super::*;

/// From the message that asks for her agreement to a tender handed in.
#[tokio::test(flavor = "multi_thread")]
async fn a_commercial_goes_from_the_confirmation_to_remis_in_few_taps() {
    let Some(driver) = Driver::start() else { return };
    let (pages, _) = town().await;
    let store = &pages.app.service.store;
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    store.set_address_state(&address.id, AddressState::Unconfirmed, "essai").await.unwrap();
    let browser = driver.browser(PHONE).await;
    let link = pages.app.service.link(Purpose::Confirm, &address.id, Some(now() + Duration::days(7))).unwrap();
    browser.goto(&link).await.unwrap();
    let mut taps = 1;
    for word in ["Oui, m’écrire", "Voir mes marchés", "On y va", "Offre remise"] {
        press(&browser, word).await;
        taps += 1;
    }
    assert!(taps < 12, "{taps} taps");
    let decisions = store.decisions_of(SIRET).await.unwrap();
    let hers = decisions.iter().filter(|d| d.stage == Stage::Submitted && d.at == now());
    assert!(hers.count() >= 1, "{decisions:?}");
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facilitator_corrects_the_hours_of_one_lot_and_sees_who_will_be_told() {
    let Some(driver) = Driver::start() else { return };
    let (pages, procedure) = town().await;
    let browser = driver.browser(DESKTOP).await;
    enter(&browser, &pages, "fatou").await;
    press(&browser, "Chercher").await;
    let search = browser.find(Locator::Id("q")).await.unwrap();
    search.send_keys(&format!("26-0{}", Key::Enter)).await.unwrap();
    browser.wait().for_element(Locator::XPath("//h2[contains(., 'lots') or contains(., 'march')]")).await.unwrap();
    browser.goto(&format!("{}/procedure/{procedure}", pages.base)).await.unwrap();
    press(&browser, "Corriger le verdict").await;
    browser.find(Locator::Id("kind")).await.unwrap().select_by_value("execution_clause").await.unwrap();
    browser.find(Locator::Css("input[name=holds][value=oui]")).await.unwrap().click().await.unwrap();
    browser.find(Locator::Id("lots")).await.unwrap().send_keys("2").await.unwrap();
    browser.find(Locator::Id("hours")).await.unwrap().send_keys("6 000").await.unwrap();
    press(&browser, "Voir ce qui change").await;
    let said = browser.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
    assert!(
        said.contains("Une autre personne, qui a reçu l’alerte, sera prévenue") && said.contains("6\u{202f}000"),
        "{said}"
    );
    assert!(pages.app.service.store.verdict_corrections().await.unwrap().is_empty(), "seen before it is done");
    press(&browser, "Corriger").await;
    let notices = pages.app.service.store.notices_of(&procedure).await.unwrap();
    let clause =
        notices.iter().flat_map(|n| &n.assessment.provisions).find(|p| p.kind == ProvisionKind::ExecutionClause);
    assert_eq!(clause.map(|p| (p.hours, p.lots.clone())), Some((Some(6000.0), vec!["2".to_owned()])));
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_why_a_person_got_nothing_and_mends_it() {
    let Some(driver) = Driver::start() else { return };
    let (pages, _) = town().await;
    let store = &pages.app.service.store;
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    store.set_address_state(&address.id, AddressState::Suspended, "550").await.unwrap();
    store.note("address", &address.id, "adresse hors service : 550 boîte inconnue", now()).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();
    let browser = driver.browser(PHONE).await;
    enter(&browser, &pages, "chef").await;
    press(&browser, "Exploitation").await;
    press(&browser, "Personnes").await;
    let search = browser.find(Locator::Id("q")).await.unwrap();
    search.send_keys(&format!("jeanne{}", Key::Enter)).await.unwrap();
    browser.wait().for_element(Locator::XPath("//a[normalize-space(.)='Jeanne Martin']")).await.unwrap();
    press(&browser, "Jeanne Martin").await;
    let said = browser.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
    assert!(said.contains("son adresse est hors service") && said.contains("550"), "{said}");
    press(&browser, "Remettre en service").await;
    assert_eq!(store.address(&address.id).await.unwrap().unwrap().state, AddressState::Active);
    browser.find(Locator::Css("input[name=envoi]")).await.unwrap().click().await.unwrap();
    press(&browser, "Renvoyer ce qui est coché").await;
    assert_eq!(store.deliveries(Some(DeliveryState::Pending), 9).await.unwrap().len(), 1);
    browser.close().await.unwrap();
}

/// From the front page of Exploitation to a source that is read: added with a mistake, tried, repaired, tried again.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_adds_a_source_tries_it_and_repairs_it_with_the_pages_alone() {
    let Some(driver) = Driver::start() else { return };
    let replay = Replay::new(Vec::new());
    let feed = "<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>Entretien du linge</title><link>https://mairie.example/1</link></item></channel></rss>";
    replay.with(|shelf| shelf.feeds.insert("mairie.xml".into(), feed.as_bytes().to_vec()));
    let (_, root) = replay.serve().await.unwrap();
    let pages = Pages::start(now(), "[fetch]\nallow_private = [\"127.0.0.0/8\"]\n").await.unwrap();
    pages.person("chef", "Dominique Chef", Role::Operator, None).await.unwrap();
    let browser = driver.browser(PHONE).await;
    let fill = |field: &'static str, text: String| {
        let browser = &browser;
        async move {
            let input = browser.find(Locator::Id(field)).await.unwrap();
            input.clear().await.unwrap();
            input.send_keys(&text).await.unwrap();
        }
    };
    let said = || async { browser.find(Locator::Css("main")).await.unwrap().text().await.unwrap() };
    enter(&browser, &pages, "chef").await;
    for word in ["Exploitation", "Sources", "Ajouter une source"] {
        press(&browser, word).await;
    }
    fill("nom", "mairie".into()).await;
    fill("adresse", format!("{root}/feeds/autre.xml")).await;
    press(&browser, "Essayer").await;
    assert!(said().await.contains("La lecture a échoué"), "{}", said().await);
    look(&browser, PHONE, "source-essai-manque").await;
    press(&browser, "Ajouter la source").await;
    fill("adresse", format!("{root}/feeds/mairie.xml")).await;
    press(&browser, "Essayer").await;
    assert!(said().await.contains("Entretien du linge"), "{}", said().await);
    look(&browser, PHONE, "source-essai").await;
    press(&browser, "Enregistrer").await;
    let kept = pages.app.service.store.page_sources().await.unwrap();
    assert!(kept.len() == 1 && kept[0].1.contains("mairie.xml"), "{kept:?}");
    browser.goto(&format!("{}/exploitation/sources", pages.base)).await.unwrap();
    assert!(said().await.contains("mairie"), "{}", said().await);
    browser.close().await.unwrap();
}
