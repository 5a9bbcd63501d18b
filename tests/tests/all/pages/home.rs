//! The first page of whoever signed in, and what is answered from it.

use super::*;
use vigie_domain::{Cause, Refusal};
use vigie_service::decisions::{self, DecisionEdit, Seen};

async fn decide(pages: &Pages, procedure: &str, stage: Stage) {
    pages.app.service.store.decide(&Decision::new(MINE, procedure, stage, "Jeanne", now())).await.unwrap();
}

fn closing(id: &str, title: &str, day: u32) -> Notice {
    let mut notice = call(id, title);
    let at = format!("2026-12-{day:02}T12:00:00+01:00");
    notice.dates[0].at = DateTime::parse_from_rfc3339(&at).unwrap();
    notice
}

/// A section of the page, by the heading it bears.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let at = page.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}: {page}"));
    page[at..].split("</section>").next().unwrap()
}

#[tokio::test]
async fn a_structure_finds_its_markets_by_what_is_to_be_done_about_them() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("rival", "Rival", Role::Structure, Some(OTHERS)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let mut ids = Vec::new();
    for (n, (title, day)) in
        [("Linge tardif", 28), ("Linge urgent", 2), ("Vitres", 15), ("Parcs", 20), ("Écoles", 22), ("Crèches", 23)]
            .into_iter()
            .enumerate()
    {
        ids.push(pages.take(&closing(&format!("26-{n}"), title, day)).await.unwrap());
    }
    decide(&pages, &ids[2], Stage::Go).await;
    decide(&pages, &ids[3], Stage::Submitted).await;
    decide(&pages, &ids[4], Stage::NoGo).await;
    decide(&pages, &ids[5], Stage::Go).await;
    let mut off = call("26-50", "Crèches");
    off.kind = NoticeKind::Cancellation;
    off.links.earlier.push("26-5".into());
    pages.take(&off).await.unwrap();

    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let page = ok(&jeanne, "/").await.body;
    let to_decide = section(&page, "a-decider");
    assert!(to_decide.find("Linge urgent") < to_decide.find("Linge tardif"), "what closes first stands first");
    assert!(section(&page, "on-y-va").contains("Vitres") && !section(&page, "on-y-va").contains("Crèches"), "{page}");
    assert!(section(&page, "remis").contains("Parcs"), "{page}");
    assert!(
        page.contains("Écartés ou terminés") && page.contains("On y va finalement") && page.contains("Écoles"),
        "{page}"
    );
    let rival = ok(&pages.signed_in("rival").await.unwrap(), "/").await.body;
    assert!(!rival.contains("Vitres"), "nothing of another structure: {rival}");
    assert!(ok(&pages.stranger().unwrap(), "/").await.body.contains("Derniers marchés"));

    // Answered from here, it goes where it belongs, and one comes back here.
    let path = format!("/procedure/{}/decision", ids[1]);
    let done = jeanne.post_form(&path, &[("stage", "go"), ("seen", ""), ("retour", "/")]).await.unwrap();
    assert_eq!(done.location.as_deref(), Some("/?fait=note"), "{}", done.body);
    let page = ok(&jeanne, "/?fait=note").await.body;
    assert!(section(&page, "on-y-va").contains("Linge urgent") && page.contains("C’est noté"), "{page}");
    let late = format!("/procedure/{}/decision", ids[5]);
    let closed = jeanne.post_form(&late, &[("stage", "preparing"), ("seen", "go.0"), ("retour", "/")]).await.unwrap();
    assert_ne!(closed.location.as_deref(), Some("/?fait=note"), "called off: {closed:?}");
}

#[tokio::test]
async fn who_only_reads_has_a_home_of_what_was_told_and_a_facilitator_the_clauses_of_a_month() {
    let pages = pages().await;
    pages.person("fatou", "Fatou", Role::Facilitator, None).await.unwrap();
    pages.person("elu", "Élu", Role::Subscriber, None).await.unwrap();
    for id in ["fatou", "elu"] {
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    let mut clause = call("26-1", "Rénovation de l’école");
    clause.passages[0].text = "Le titulaire réservera 350 heures d’insertion à des personnes éloignées de l’emploi. La clause sociale d’insertion est obligatoire.".into();
    pages.take(&clause).await.unwrap();
    let elu = pages.signed_in("elu").await.unwrap();
    let home = ok(&elu, "/").await.body;
    assert!(home.contains("Rénovation de l’école") && !home.contains("name=\"stage\""), "{home}");
    assert_eq!(elu.get("/clauses").await.unwrap().status, 404);
    let fatou = pages.signed_in("fatou").await.unwrap();
    assert!(ok(&fatou, "/").await.body.contains("Ce qui vous a été signalé"));
    let month = ok(&fatou, "/clauses?mois=2026-11").await.body;
    assert!(month.contains("<strong>350</strong>") && month.contains("novembre 2026"), "{month}");
    assert!(ok(&fatou, "/clauses?mois=2026-09").await.body.contains("Aucune disposition"), "a month is chosen");
    let csv = ok(&fatou, "/tableaux/clauses.csv?mois=2026-11").await.body;
    assert!(csv.contains(";350;"), "{csv}");
}

#[tokio::test]
async fn a_month_keeps_what_began_before_and_still_goes_on() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    decide(&pages, &procedure, Stage::Go).await;
    let given_up = pages.take(&call("26-2", "Nettoyage abandonné")).await.unwrap();
    decide(&pages, &given_up, Stage::Go).await;
    let dropped = Decision::new(MINE, &given_up, Stage::Abandoned, "Jeanne", now() + Duration::hours(1));
    pages.app.service.store.decide(&dropped).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let december = ok(&jeanne, "/mois?mois=2026-12").await.body;
    assert!(december.contains("Entretien du linge"), "gone for in November, it is worked on in December: {december}");
    assert!(!december.contains("Nettoyage abandonné"), "{december}");
    let january = ok(&jeanne, "/mois?mois=2027-01").await.body;
    assert!(!january.contains("Entretien du linge"), "closed on 21 December: {january}");

    // A year does the same: what was handed in before it and waits for its result stays.
    let waits = pages.take(&call("26-3", "Linge remis")).await.unwrap();
    decide(&pages, &waits, Stage::Submitted).await;
    assert!(december.contains("href=\"/mois?mois=2026\">Toute l’année 2026"), "{december}");
    let year = ok(&jeanne, "/mois?mois=2026").await.body;
    assert!(year.contains("<h1>Année 2026</h1>") && year.contains("Nettoyage abandonné"), "{year}");
    let next = ok(&jeanne, "/mois?mois=2027").await.body;
    assert!(next.contains("Linge remis") && !next.contains("Nettoyage abandonné"), "{next}");
    assert!(!next.contains("Entretien du linge"), "closed in December: {next}");
    let table = ok(&jeanne, "/tableaux/mois.csv?mois=2027").await.body;
    assert!(table.contains("Linge remis") && !table.contains("Entretien du linge"), "{table}");
}

/// 173 lots: mine first, then by place, a line each, several answered at once, on a page that stays light.
#[tokio::test]
async fn many_lots_are_grouped_mine_first_and_answered_together() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let mut notice = call("26-1", "Nettoyage des collèges");
    notice.lots = (1..=173)
        .map(|n| Lot {
            id: n.to_string(),
            title: format!("Lot {n} : nettoyage des locaux du collège numéro {n}, salles de classe"),
            departments: Department::parse(if n % 2 == 0 { "59" } else { "62" }).into_iter().collect(),
            ..Lot::default()
        })
        .collect();
    notice.lots[6].title = "Blanchisserie du collège Jean-Moulin".into();
    let procedure = pages.take(&notice).await.unwrap();
    pages.subscription("jeanne", &Filter { sectors: vec!["blanchisserie".into()], ..Filter::default() }).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let path = format!("/procedure/{procedure}");
    let page = ok(&jeanne, &path).await.body;
    assert!(page.len() <= 60_000, "{} bytes", page.len());
    assert!(page.contains("Les 173 lots") && !page.contains("Lot 8 : "), "{page}");
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(
        at("Pour vous") < at("Blanchisserie du collège") && at("Blanchisserie du collège") < at("<summary>Nord (59)")
    );
    let answer = format!("{path}/decision");
    let two = [("lots", "oui"), ("lot", "7"), ("lot", "9"), ("stage", "go")];
    assert_eq!(jeanne.post_form(&answer, &two).await.unwrap().status, 303);
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap();
    assert_eq!(
        standing.iter().filter(|d| d.stage == Stage::Go).map(|d| d.lot.as_str()).collect::<Vec<_>>(),
        ["7", "9"]
    );
    assert_eq!(
        jeanne.post_form(&answer, &[("lots", "oui"), ("stage", "go")]).await.unwrap().status,
        400,
        "none ticked"
    );
    // What a colleague decided meanwhile stands, and the rest is noted.
    let blind = [("lots", "oui"), ("lot", "7"), ("lot", "11"), ("stage", "no_go")];
    let refused = jeanne.post_form(&answer, &blind).await.unwrap();
    assert!(refused.status == 409 && refused.body.contains("pour le lot 7"), "{}", refused.body);
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap();
    let stage = |lot: &str| standing.iter().find(|d| d.lot == lot).map(|d| d.stage);
    assert_eq!((stage("7"), stage("11")), (Some(Stage::Go), Some(Stage::NoGo)));
    let seen = standing.iter().find(|d| d.lot == "7").map(|d| format!("7 {}", d.mark())).unwrap();
    let knowing = [("lots", "oui"), ("lot", "7"), ("vu", seen.as_str()), ("stage", "no_go"), ("refusal", "place")];
    assert_eq!(jeanne.post_form(&answer, &knowing).await.unwrap().status, 303);
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap();
    assert!(standing.iter().any(|d| d.lot == "7" && d.refusal == Some(Refusal::Place)));
}

/// The button that a chat offers after « trop loin » was nowhere on the pages.
#[tokio::test]
async fn a_reason_given_on_the_page_offers_to_narrow_ones_own_subscriptions_by_one_tap() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("karim", "Karim", Role::Structure, Some(MINE)).await.unwrap();
    let two =
        Filter { departments: ["59", "62"].iter().filter_map(|d| Department::parse(d)).collect(), ..Filter::default() };
    for who in ["jeanne", "karim"] {
        pages.subscription(who, &two).await.unwrap();
    }
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let path = format!("/procedure/{procedure}");
    assert!(!ok(&jeanne, &path).await.body.contains("D’un geste"));
    let no = [("stage", "no_go"), ("refusal", "place"), ("seen", "")];
    assert_eq!(jeanne.post_form(&format!("{path}/decision"), &no).await.unwrap().status, 303);
    let page = ok(&jeanne, &path).await.body;
    assert!(page.contains("value=\"cut-place\" class=\"quiet slim\">Plus rien dans"), "{page}");
    let narrow = format!("{path}/resserrer");
    assert_eq!(jeanne.post_form(&narrow, &[("par", "tout")]).await.unwrap().status, 400);
    let done = jeanne.post_form(&narrow, &[("par", "cut-place")]).await.unwrap();
    assert!(
        done.status == 200 && done.body.contains("C’est fait") && done.body.contains("Pas-de-Calais"),
        "{}",
        done.body
    );
    let store = &pages.app.service.store;
    let mine = store.subscriptions_of("jeanne").await.unwrap().remove(0).filter;
    assert_eq!(mine.departments, Department::parse("62").into_iter().collect::<Vec<_>>());
    assert_eq!(store.subscriptions_of("karim").await.unwrap().remove(0).filter, two, "a colleague's are theirs");
    assert!(!ok(&jeanne, &path).await.body.contains("D’un geste"), "nothing is left to narrow");
}

/// Nothing but the settings told that one is away.
#[tokio::test]
async fn the_first_page_says_that_one_is_away() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("paul", "Paul", Role::Subscriber, None).await.unwrap();
    for who in ["jeanne", "paul"] {
        let visitor = pages.signed_in(who).await.unwrap();
        assert!(!ok(&visitor, "/").await.body.contains("Vous êtes absent"));
        let until = now() + chrono::Duration::days(20);
        let away = vigie_domain::Absence { from: None, until, stand_in: None };
        pages.app.service.store.set_absence(who, Some(&away)).await.unwrap();
        let page = ok(&visitor, "/").await.body;
        assert!(page.contains("Vous êtes absent jusqu’au") && page.contains("/reglages#t-absence"), "{page}");
    }
}

/// U2, on pages: what is over has no deadline in bold and no way forward, and a refusal is called what it is.
#[tokio::test]
async fn a_market_that_is_over_offers_nothing_that_means_nothing() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let mut off = call("26-2", "Entretien du linge");
    off.kind = NoticeKind::Cancellation;
    off.links.earlier.push("26-1".into());
    assert_eq!(pages.take(&off).await.unwrap(), procedure);
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let path = format!("/procedure/{procedure}");
    let page = ok(&jeanne, &path).await.body;
    assert!(page.contains("state-cancelled") && !page.contains("value=\"go\""), "{page}");
    assert!(!page.contains("rendre avant le"), "{page}");
    let refused = jeanne.post_form(&format!("{path}/decision"), &[("stage", "go"), ("seen", "")]).await.unwrap();
    assert_eq!(refused.status, 409);
    assert!(!refused.body.contains("Quelqu’un a répondu avant vous"), "{}", refused.body);
    assert!(
        refused.body.contains("Réponse non notée") && refused.body.contains("n’est plus ouvert"),
        "{}",
        refused.body
    );
}

/// A facilitator read her own name under « Qui peut aider ».
#[tokio::test]
async fn nobody_is_sent_to_themselves_for_help() {
    let pages = pages().await;
    let entry = |territory: &str, name: &str, contact: &str| vigie_domain::directory::Facilitator {
        territory: territory.into(),
        area: vigie_domain::service_area::Area::default(),
        departments: Department::parse("59").into_iter().collect(),
        name: name.into(),
        contact: contact.into(),
    };
    let known = [
        entry("PLIE de Lille", "F. Diallo", "Fatou@structure.example, 03 20 00 00 00"),
        entry("PLIE de Roubaix", "Hélène Lefebvre", "helene@plie.example"),
    ];
    let service = &pages.app.service;
    service.store.put_entries(&known, now()).await.unwrap();
    for (id, role, siret) in [("fatou", Role::Facilitator, None), ("jeanne", Role::Structure, Some(MINE))] {
        pages.person(id, id, role, siret).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    for row in service.store.deliveries(None, 9).await.unwrap() {
        let card = vigie_service::alert_card::card_of(service, &row.id).await.unwrap().unwrap();
        let told = |name: &str| card.contacts.iter().any(|c| c.contains(name));
        assert!(told("Hélène Lefebvre"), "{:?}", card.contacts);
        assert_eq!(told("F. Diallo"), row.subscriber == "jeanne", "{}: {:?}", row.subscriber, card.contacts);
    }
}

/// Who is put in charge by a colleague hears of it, once, and nobody hears of what they took themselves.
#[tokio::test]
async fn a_colleague_is_told_of_a_market_in_their_charge() {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("jeanne", "Jeanne Martin", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("lea", "Léa Petit", Role::Structure, Some(MINE)).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let service = &pages.app.service;
    let procedure = service.store.notice("boamp:26-1").await.unwrap().unwrap().procedure;
    let jeanne = service.store.subscriber("jeanne").await.unwrap().unwrap();
    let decide = async |assignee: &str| {
        let asker =
            decisions::Asker { person: &jeanne, name: "Jeanne", procedure: &procedure, lot: "", seen: Seen::Latest };
        let edit = DecisionEdit { assignee: Some(assignee.to_owned()), ..DecisionEdit::default() };
        assert!(matches!(decisions::decide(service, &asker, &edit).await.unwrap(), decisions::Outcome::Noted { .. }));
    };
    for assignee in ["Jeanne Martin", "lea petit", "lea petit", "quelqu’un"] {
        decide(assignee).await;
    }
    assert!(service.store.deliveries_of("jeanne", 9).await.unwrap().is_empty());
    let told = service.store.deliveries_of("lea", 9).await.unwrap();
    assert_eq!(told.len(), 1, "once, though it was said twice: {told:?}");
    assert!(matches!(told[0].cause, Cause::Alert(_)), "{told:?}");
}
