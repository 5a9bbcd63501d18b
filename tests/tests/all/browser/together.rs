//! Calls for partners in a browser: the table of a market of 173 lots that 27 structures answer, one of these structures' own page, the
//! network, the year and what contracts won gave.

use vigie_domain::partner_call::{CallState, PartnerCall, PartnerRole, Position, Turn};
use vigie_store::partner_calls::Invitation;

use super::*;

const LOTS: usize = 173;
const STRUCTURES: usize = 27;
/// Lots of the call that axe-core looks at.
const FEW: usize = 6;

/// A call on a market of many lots, and what many answered.
async fn asked(pages: &Pages, id: &str, count: usize) -> String {
    let store = &pages.app.service.store;
    pages.person("gie", "Réseau des AI du Pas-de-Calais", Role::Network, None).await.unwrap();
    let mut notice = call(300 + count, "Remplacement de personnel dans les collèges", false);
    notice.lots = (1..=count)
        .map(|n| Lot {
            id: n.to_string(),
            title: format!("Collège n° {n}, Arrondissement {}", n % 9 + 1),
            ..Lot::default()
        })
        .collect();
    let procedure = pages.take(&notice).await.unwrap();
    let partners = PartnerCall {
        id: id.into(),
        coordinator: "gie".into(),
        name: "Réseau des AI du Pas-de-Calais".into(),
        procedure,
        lots: (1..=count).map(|n| n.to_string()).collect(),
        note: "Réunion mardi à Arras, apportez vos plannings.".into(),
        state: CallState::Open,
        closes: now() + Duration::days(8),
        tender: Some(now() + Duration::days(25)),
        opened: now(),
        by: "Claire".into(),
        told: Turn::Asked,
        ended: Vec::new(),
        follows: String::new(),
    };
    let mut tx = store.begin_ingest(now()).await.unwrap();
    tx.put_partner_call(&partners).await.unwrap();
    for n in 0..=STRUCTURES {
        // The last is the one whose page is looked at.
        let structure = if n == STRUCTURES { SIRET.to_owned() } else { format!("s{n:02}") };
        let invitation = Invitation {
            call: id.into(),
            name: format!("Association intermédiaire de l’Artois n° {n}"),
            at: now(),
            shows_decision: false,
            structure,
        };
        tx.put_partner_invitation(&invitation).await.unwrap();
    }
    tx.commit().await.unwrap();
    for n in 0..STRUCTURES {
        let structure = format!("s{n:02}");
        let lots = (0..count).filter(|lot| (lot * 7 + n * 13) % 29 < 3 && lot % 11 != 5);
        let answers: Vec<Position> = lots
            .map(|lot| Position {
                structure: structure.clone(),
                lot: (lot + 1).to_string(),
                role: PartnerRole::ALL[(lot + n) % 4],
                share: (lot % 3 == 0).then_some(30),
                hours: (lot % 5 == 0).then_some(400),
                people: None,
                note: if lot == 7 { "Disponibles dès janvier".into() } else { String::new() },
                by: "Ana Dupuis".into(),
                at: now(),
            })
            .collect();
        store.put_positions(id, &structure, answers, (None, None), now()).await.unwrap();
    }
    format!("/groupements/{id}")
}

/// Looks at a page of thousands of cells: it is no wider than the screen. axe-core, which looks at each of them, would take a minute;
/// it looks at the same templates with fewer lots in the other pages' test.
async fn glance(browser: &Client, screen: Screen, name: &str) {
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.execute(wide, vec![]).await.unwrap(), json!(0), "{name} is wider than a {} screen", screen.name);
    if let Some(dir) = screenshots() {
        let png = browser.screenshot().await.unwrap();
        std::fs::write(dir.join(format!("{name}-{}.png", screen.name)), &png).unwrap();
        let down = "[...document.querySelectorAll('.matrix-box, .matrix-list, ul.lots')].find(e => e.offsetParent)?.scrollIntoView()";
        browser.execute(down, vec![]).await.unwrap();
        let png = browser.screenshot().await.unwrap();
        std::fs::write(dir.join(format!("{name}-plus-bas-{}.png", screen.name)), &png).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_many_lots_and_structures_on_a_phone_and_on_a_desktop() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let (pages, first) = town().await;
        let path = asked(&pages, "appel", LOTS).await;
        let small = asked(&pages, "petit-appel", FEW).await;
        let browser = driver.browser(screen).await;
        let open = |path: &str| {
            let url = format!("{}{path}", pages.base);
            let browser = browser.clone();
            async move { browser.goto(&url).await.unwrap() }
        };
        enter(&browser, &pages, "jeanne").await;
        open(&path).await;
        glance(&browser, screen, "appel-reponse-173-lots").await;
        open(&small).await;
        look(&browser, screen, "appel-reponse").await;
        for (path, name) in [("/groupements", "groupements"), ("/annee", "annee"), ("/bilan", "bilan")] {
            open(path).await;
            look(&browser, screen, name).await;
        }
        browser.delete_all_cookies().await.unwrap();
        enter(&browser, &pages, "gie").await;
        open(&path).await;
        let shown = if screen == PHONE { ".matrix-list .item" } else { ".matrix tbody tr" };
        let rows = browser.find_all(Locator::Css(shown)).await.unwrap();
        assert_eq!(rows.len(), LOTS, "each lot has its line");
        assert!(rows[0].is_displayed().await.unwrap() && !rows[0].text().await.unwrap().is_empty());
        glance(&browser, screen, "appel-tableau-173-lots").await;
        open(&small).await;
        look(&browser, screen, "appel-tableau").await;
        open("/reseau").await;
        look(&browser, screen, "reseau").await;
        open(&format!("{small}/partenaires")).await;
        look(&browser, screen, "appel-partenaires").await;
        open(&format!("/groupements/nouveau?marche={first}")).await;
        look(&browser, screen, "appel-nouveau").await;
        browser.close().await.unwrap();
    }
}
