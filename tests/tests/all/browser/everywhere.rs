//! Pages off the beaten track, looked at like the others: homes of who only reads, what forms answer, links of messages, a
//! procedure at each stage, a year.

use vigie_domain::{Award, Refusal};
use vigie_service::links::Purpose;
use vigie_store::people::AddressState;

use super::*;

/// Opens a path of the installation.
async fn open(browser: &Client, pages: &Pages, path: &str) {
    browser.goto(&format!("{}{path}", pages.base)).await.unwrap();
}

async fn type_in(browser: &Client, id: &str, text: &str) {
    browser.find(Locator::Id(id)).await.unwrap().send_keys(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn homes_and_clauses_of_who_only_reads() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let (pages, _) = town().await;
        let nord = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
        pages.subscription("fatou", &nord).await.unwrap();
        pages.person("elu", "Claude Élu", Role::Subscriber, None).await.unwrap();
        pages.subscription("elu", &nord).await.unwrap();
        pages.person("neuf", "Dominique Neuf", Role::Structure, Some("26590671900017")).await.unwrap();
        for n in [300, 301] {
            pages.take(&call(n, &format!("Entretien du linge, marché {n}"), n == 300)).await.unwrap();
        }
        let browser = driver.browser(screen).await;
        enter(&browser, &pages, "fatou").await;
        look(&browser, screen, "territoire").await;
        open(&browser, &pages, "/clauses").await;
        look(&browser, screen, "clauses").await;
        browser.delete_all_cookies().await.unwrap();
        enter(&browser, &pages, "elu").await;
        look(&browser, screen, "signales").await;
        browser.delete_all_cookies().await.unwrap();
        enter(&browser, &pages, "neuf").await;
        look(&browser, screen, "marches-vide").await;
        open(&browser, &pages, "/abonnements").await;
        look(&browser, screen, "abonnements-vide").await;
        browser.close().await.unwrap();
    }
}

/// What facilitators keep, empty and filled: the list, an operation, its sheet and hours, tables, the territory, hours to fill, meetings.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_facilitators() {
    let Some(driver) = Driver::start() else { return };
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("fatou", "Fatou Diallo", Role::Facilitator, Some("26590671900017")).await.unwrap();
    let nord = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
    pages.subscription("fatou", &nord).await.unwrap();
    let mut planned = call(400, "Entretien des espaces verts, projet d’achat", true);
    planned.kind = NoticeKind::Planned;
    planned.dates.clear();
    planned.estimated_value = Some(1_000_000.0);
    let purchase = pages.take(&planned).await.unwrap();
    let mut bare = call(401, "Fourniture et pose de mobilier urbain", false);
    bare.above_eu_threshold = true;
    bare.passages.clear();
    pages.take(&bare).await.unwrap();
    let fatou = pages.signed_in("fatou").await.unwrap();
    let browser = driver.browser(DESKTOP).await;
    enter(&browser, &pages, "fatou").await;
    open(&browser, &pages, "/operations").await;
    look(&browser, DESKTOP, "operations-vide").await;
    browser.close().await.unwrap();
    let done = async |path: &str, fields: &[(&str, &str)]| {
        let answer = fatou.post_form(path, fields).await.unwrap();
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        answer.location.unwrap()
    };
    let browser = driver.browser(PHONE).await;
    enter(&browser, &pages, "fatou").await;
    for (path, name) in [("/operations/a-calibrer", "a-calibrer"), ("/operations/a-verifier", "a-verifier")] {
        open(&browser, &pages, path).await;
        look(&browser, PHONE, name).await;
    }
    browser.close().await.unwrap();
    let page = done("/operations/suivre", &[("procedure", &purchase)]).await;
    let line = [("metier", "Espaces verts"), ("montant", "1 000 000"), ("part", "60"), ("taux", ""), ("cout", "")];
    done(&format!("{page}/calibrage"), &[&[("lot", "1")], &line[..], &[("avis", "Favorable")]].concat()).await;
    let lot =
        [("lot", "1"), ("entreprise", "Martin SARL"), ("dues", "900"), ("debut", "01/01/2026"), ("fin", "31/12/2027")];
    done(&format!("{page}/lots"), &lot).await;
    for (month, modality, hours) in
        [("2026-08", "direct", "40"), ("2026-09", "temporary", "25,5"), ("2026-10", "geiq", "12")]
    {
        let row =
            [("mois", month), ("lot", "1"), ("entreprise", "Martin SARL"), ("modalite", modality), ("prevues", "30")];
        done(&format!("{page}/heures"), &[&row[..], &[("realisees", hours), ("personnes", "6")]].concat()).await;
    }
    done(&format!("{page}/note"), &[("texte", "Réunion de lancement tenue avec la ville.")]).await;
    for screen in [PHONE, DESKTOP] {
        let browser = driver.browser(screen).await;
        enter(&browser, &pages, "fatou").await;
        for (path, name) in [
            ("/operations", "operations"),
            (page.as_str(), "operation"),
            (&format!("{page}/calibrage"), "calibrage"),
            (&format!("{page}/heures"), "heures"),
            ("/operations/nouvelle", "operation-nouvelle"),
            ("/operations/tableau?mois=2026-10", "tableau"),
            ("/operations/tableau?modele=clauses&mois=2026-11", "tableau-clauses"),
            ("/operations/importer", "importer"),
            ("/operations/coefficients", "coefficients"),
            ("/operations/territoire", "notre-territoire"),
            ("/operations/heures-a-pourvoir", "heures-a-pourvoir"),
            ("/rencontres", "rencontres"),
            (&format!("/procedure/{purchase}"), "procedure-facilitateur"),
        ] {
            open(&browser, &pages, path).await;
            look(&browser, screen, name).await;
        }
        // A market that is typed by its title.
        open(&browser, &pages, &page).await;
        browser.execute("document.querySelectorAll('main details').forEach(d => d.open = true)", vec![]).await.unwrap();
        type_in(&browser, "marche", "Entretien").await;
        press(&browser, "Rattacher").await;
        look(&browser, screen, "operation-rattacher-faute").await;
        browser.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_forms_and_searches_answer() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let (pages, procedure) = town().await;
        let browser = driver.browser(screen).await;
        for (path, name) in [
            ("/chercher?q=astronef", "chercher-rien"),
            ("/chercher?q=26-99999", "chercher-numero"),
            ("/chercher?q=blanchiserie", "chercher-coquille"),
            ("/chercher?etat=tous&secteur=blanchisserie&departement=59", "chercher-filtres"),
        ] {
            open(&browser, &pages, path).await;
            look(&browser, screen, name).await;
        }
        enter(&browser, &pages, "jeanne").await;
        open(&browser, &pages, "/abonnements/nouveau?mots=linge").await;
        type_in(&browser, "commune", "Trifouillis").await;
        type_in(&browser, "metier", "Dentellerie").await;
        press(&browser, "Enregistrer").await;
        look(&browser, screen, "abonnement-fautes").await;
        for (path, name) in [("/mois?mois=2026", "mois-annee"), ("/mois?mois=2025-01", "mois-vide")] {
            open(&browser, &pages, path).await;
            look(&browser, screen, name).await;
        }
        open(&browser, &pages, "/compte").await;
        browser.execute("document.querySelectorAll('main details').forEach(d => d.open = true)", vec![]).await.unwrap();
        type_in(&browser, "nom", "Tableur").await;
        browser.find(Locator::Css("input[name=droit]")).await.unwrap().click().await.unwrap();
        press(&browser, "Créer le jeton").await;
        look(&browser, screen, "jeton").await;
        browser.delete_all_cookies().await.unwrap();

        enter(&browser, &pages, "fatou").await;
        open(&browser, &pages, &format!("/procedure/{procedure}/signaler")).await;
        look(&browser, screen, "corriger-formulaire").await;
        browser.find(Locator::Id("kind")).await.unwrap().select_by_value("execution_clause").await.unwrap();
        browser.find(Locator::Css("input[name=holds][value=oui]")).await.unwrap().click().await.unwrap();
        type_in(&browser, "hours", "beaucoup").await;
        press(&browser, "Voir ce qui change").await;
        look(&browser, screen, "corriger-fautes").await;
        browser.find(Locator::Id("hours")).await.unwrap().clear().await.unwrap();
        type_in(&browser, "hours", "6 000").await;
        type_in(&browser, "note", "Vu au CCAP, article 7.").await;
        press(&browser, "Voir ce qui change").await;
        look(&browser, screen, "corriger").await;
        press(&browser, "Corriger").await;
        look(&browser, screen, "corrige").await;
        browser.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_links_of_messages_open() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let (pages, _) = town().await;
        let (service, store) = (&pages.app.service, &pages.app.service.store);
        let address = store.addresses("jeanne").await.unwrap().remove(0);
        let browser = driver.browser(screen).await;
        let leave = service.unsubscribe_url(&address.id).unwrap();
        browser.goto(&leave).await.unwrap();
        look(&browser, screen, "desabonner").await;
        press(&browser, "Un seul résumé par semaine").await;
        look(&browser, screen, "desabonne-moins").await;
        browser.goto(&leave).await.unwrap();
        press(&browser, "Ne plus rien recevoir à cette adresse").await;
        look(&browser, screen, "desabonne").await;
        browser.goto(&leave).await.unwrap();
        look(&browser, screen, "desabonner-deja").await;
        press(&browser, "Recevoir de nouveau").await;
        look(&browser, screen, "reabonne").await;
        browser.goto(&service.without_closed_url("jeanne").unwrap()).await.unwrap();
        look(&browser, screen, "sans-reserves-aux-autres").await;

        let told = store.deliveries(None, 100).await.unwrap();
        let told = told.into_iter().find(|d| d.subscriber == "jeanne" && d.state != DeliveryState::Superseded).unwrap();
        browser.goto(&service.answer_url(&told.id, now()).unwrap()).await.unwrap();
        press(&browser, "Écarter").await;
        look(&browser, screen, "repondre-raisons").await;
        press(&browser, &vigie_domain::french::capital(Refusal::ALL[0].in_french())).await;
        look(&browser, screen, "repondre-raison-notee").await;

        store.set_address_state(&address.id, AddressState::Unconfirmed, "essai").await.unwrap();
        let late = service.link(Purpose::Confirm, &address.id, Some(now() - Duration::days(1))).unwrap();
        browser.goto(&late).await.unwrap();
        look(&browser, screen, "lien-perime").await;
        let link = service.link(Purpose::Confirm, &address.id, Some(now() + Duration::days(7))).unwrap();
        browser.goto(&link).await.unwrap();
        look(&browser, screen, "confirmer").await;
        press(&browser, "Oui, m’écrire").await;
        look(&browser, screen, "confirme").await;
        browser.goto(&link).await.unwrap();
        look(&browser, screen, "confirme-deja").await;
        // Who confirmed is signed in.
        browser.delete_all_cookies().await.unwrap();
        browser.goto(&format!("{}/entrer", pages.base)).await.unwrap();
        type_in(&browser, "email", "jeanne@structure.example").await;
        press(&browser, "Recevoir un lien").await;
        look(&browser, screen, "entrer-envoye").await;
        browser.close().await.unwrap();
    }
}

/// A procedure that is announced, closes soon, closed, was called off, brought no winner, was awarded; one of many lots.
#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_at_each_stage() {
    let Some(driver) = Driver::start() else { return };
    for screen in [PHONE, DESKTOP] {
        let pages = Pages::start(now(), "").await.unwrap();
        pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(SIRET)).await.unwrap();
        pages.subscription("jeanne", &Filter::default()).await.unwrap();
        let mut shown = Vec::new();
        for (n, name, days) in [(1, "bientot-clos", 3), (2, "clos", -2), (3, "annule", 20), (4, "infructueux", 20)] {
            let mut notice = call(n, &format!("Entretien du linge des crèches, secteur {n}"), true);
            notice.dates.truncate(1);
            notice.dates[0].at = (now() + Duration::days(days)).fixed_offset();
            shown.push((pages.take(&notice).await.unwrap(), name));
        }
        let mut planned = call(5, "Blanchisserie, projet d’achat", true);
        planned.kind = NoticeKind::Planned;
        planned.dates.clear();
        shown.push((pages.take(&planned).await.unwrap(), "a-venir"));
        shown.push((pages.take(&call(6, "Nettoyage des vitres des écoles", true)).await.unwrap(), "attribue"));
        let follow_up = |n: usize, kind: NoticeKind, award: Award| {
            let mut notice = Notice::new("boamp", format!("26-{}", 100 + n), kind);
            notice.title = "Suite".into();
            notice.links.earlier = vec![format!("26-{n}")];
            notice.published = NaiveDate::from_ymd_opt(2026, 11, 20);
            notice.awards = vec![award];
            notice
        };
        let reason = vigie_domain::NoAwardReason::NoRece;
        for notice in [
            follow_up(
                3,
                NoticeKind::Cancellation,
                Award {
                    words: Some("Déclarée sans suite pour motif d’intérêt général.".into()),
                    ..Award::none(None, None)
                },
            ),
            follow_up(4, NoticeKind::NoAward, Award::none(None, Some(reason))),
            follow_up(6, NoticeKind::Award, Award { winners: vec!["Martin SARL".into()], ..Award::default() }),
        ] {
            pages.take(&notice).await.unwrap();
        }
        let mut many = call(7, "Travaux d’entretien des bâtiments, accord-cadre à 60 lots", true);
        many.lots = (1..=60)
            .map(|n| Lot {
                id: n.to_string(),
                title: format!("Entretien, secteur {n}"),
                departments: Department::parse(if n % 2 == 0 { "59" } else { "62" }).into_iter().collect(),
                ..Lot::default()
            })
            .collect();
        shown.push((pages.take(&many).await.unwrap(), "60-lots"));
        let browser = driver.browser(screen).await;
        enter(&browser, &pages, "jeanne").await;
        for (procedure, name) in shown {
            open(&browser, &pages, &format!("/procedure/{procedure}")).await;
            look(&browser, screen, &format!("procedure-{name}")).await;
        }
        open(&browser, &pages, "/chercher?etat=tous&tri=closing").await;
        look(&browser, screen, "chercher-etats").await;
        browser.close().await.unwrap();
    }
}
