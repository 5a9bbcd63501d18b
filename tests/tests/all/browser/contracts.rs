//! After the award, in a browser: the contract, what may be offered, whom one follows, a buyer and a holder.

use vigie_domain::{Award, Company, OfferStage, Place, ServiceOffer};

use super::*;

/// A lot of the town's first procedure, won by somebody, and offered to Jeanne's structure.
async fn awarded(pages: &Pages) -> String {
    let mut call = call(200, "Nettoyage des écoles et des gymnases", false);
    call.buyer.name = "Ville de Lille".into();
    call.buyer.siret = Some("21590350100017".into());
    call.duration_months = Some(24.0);
    call.passages.push(Passage {
        field: "texte".into(),
        lot: None,
        text: "Clause sociale : le titulaire réserve 300 heures de travail à des personnes éloignées de l’emploi."
            .into(),
    });
    let procedure = pages.take(&call).await.unwrap();
    let mut award = Notice::new("boamp", "26-900", NoticeKind::Award);
    award.title.clone_from(&call.title);
    award.buyer = call.buyer.clone();
    award.published = NaiveDate::from_ymd_opt(2026, 11, 19);
    award.links.earlier = vec![call.record_id.clone()];
    let place = Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None };
    let company =
        Company { id: Some("55204599900869".into()), place, ..Company::named("Établissements Martin et fils") };
    let lot = call.lots.first().map(|l| l.id.clone());
    award.awards = vec![Award { amount: Some(120_000.0), ..Award::to(lot.clone(), vec![company]) }];
    pages.take(&award).await.unwrap();
    let lot = lot.unwrap_or_default();
    let mut tx = pages.app.service.store.begin_alert(now()).await.unwrap();
    let offer = ServiceOffer {
        structure: SIRET.into(),
        procedure: procedure.clone(),
        lot: lot.clone(),
        stage: OfferStage::Told,
        holders: "552045999".into(),
        by: String::new(),
        at: now(),
        told: Some(now()),
        reminded: false,
    };
    tx.put_service_offer(&offer).await.unwrap();
    tx.commit().await.unwrap();
    vigie_service::links::contract_path(&procedure, &lot)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_an_award_on_a_phone_and_on_a_desktop() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let (pages, _) = town().await;
        let path = awarded(&pages).await;
        let browser = driver.browser(screen).await;
        let open = |path: &str| {
            let url = format!("{}{path}", pages.base);
            let browser = browser.clone();
            async move { browser.goto(&url).await.unwrap() }
        };
        open(&path).await;
        look(&browser, screen, "contrat-public").await;
        enter(&browser, &pages, "jeanne").await;
        open(&path).await;
        look(&browser, screen, "contrat").await;
        press(&browser, "Contacté").await;
        let noted = Locator::XPath("//*[contains(., 'contacté, par Jeanne Martin')]");
        browser.wait().for_element(noted).await.unwrap();
        open("/contrats").await;
        look(&browser, screen, "contrats").await;
        let who = browser.find(Locator::Css("input[name=qui]")).await.unwrap();
        who.send_keys("Ville de Lille").await.unwrap();
        press(&browser, "Suivre").await;
        look(&browser, screen, "contrats-suivi").await;
        for (path, name) in [("/acheteur/215903501", "acheteur"), ("/titulaire/552045999", "titulaire")] {
            open(path).await;
            look(&browser, screen, name).await;
        }
        open("/pistes/nouvelle").await;
        look(&browser, screen, "piste").await;
        for (name, words) in [
            ("titre", "Blanchisserie du linge de l’hôtel Exemple"),
            ("acheteur", "Groupe Exemple"),
            ("limite", "bientôt"),
            ("texte", "Mme Martin a appelé : ils cherchent un ESAT près d’Arras (62000)."),
        ] {
            browser.find(Locator::Id(name)).await.unwrap().send_keys(words).await.unwrap();
        }
        press(&browser, "Enregistrer la piste").await;
        look(&browser, screen, "piste-a-corriger").await;
        let closes = browser.find(Locator::Id("limite")).await.unwrap();
        closes.clear().await.unwrap();
        closes.send_keys("12/01/2027 à 12h").await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let files = ["Besoins du client, linge plat et vêtements de travail - version 2.pdf", "photo.jpg"];
        let paths: Vec<String> = files.iter().map(|f| dir.path().join(f).display().to_string()).collect();
        paths.iter().for_each(|path| std::fs::write(path, format!("contenu de {path}")).unwrap());
        let input = browser.find(Locator::Id("pieces")).await.unwrap();
        input.send_keys(&paths.join("\n")).await.unwrap();
        press(&browser, "Enregistrer la piste").await;
        browser.wait().for_element(Locator::LinkText("photo.jpg")).await.unwrap();
        look(&browser, screen, "piste-et-pieces").await;
        open("/").await;
        browser.wait().for_element(Locator::LinkText("Ajouter une piste")).await.unwrap();
        look(&browser, screen, "marches-avec-piste").await;
        browser.close().await.unwrap();
    }
}
