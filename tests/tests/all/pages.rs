//! The pages and the API, as browsers and programs ask for them: who sees what, what forms do, what links open, hostile text.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};
use vigie_delivery::worker;
use vigie_domain::delivery::DeliveryState;
use vigie_domain::subscription::Role;
use vigie_domain::{
    Cause, Decision, Department, Filter, Lot, Notice, NoticeKind, Passage, ProvisionKind, Stage, TypedDate,
};
use vigie_service::Clock;
use vigie_store::Store;
use vigie_store::search::{Query, SearchRow, State};
use vigie_store::tokens::Scope;
use vigie_tests::pages::{Answer, Pages, Visitor};
use vigie_tests::servers::{Postgres, Smtp};

const MINE: &str = "21590350100017";
const OTHERS: &str = "26590671900017";
const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\r\nSet-Cookie: a=b\u{0}\u{202e}=cmd|' /C calc'!A0";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

fn call(id: &str, title: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = title.to_owned();
    notice.buyer.name = "Ville de Lille".into();
    notice.buyer.siret = Some("21590350100017".into());
    notice.departments.extend(Department::parse("59"));
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 18);
    notice.url = Some(format!("https://www.boamp.fr/avis/detail/{id}"));
    let at = DateTime::parse_from_rfc3339("2026-12-21T12:00:00+01:00").unwrap();
    notice.dates.push(TypedDate::of_field(vigie_domain::DateKind::Tender, (at, true), "dateReceptionOffres"));
    for (n, lot) in ["Blanchisserie du linge plat", "Nettoyage des vitres"].into_iter().enumerate() {
        notice.lots.push(Lot { id: (n + 1).to_string(), title: lot.into(), ..Lot::default() });
    }
    notice.passages.push(Passage {
        field: "rensgComplt".into(),
        lot: None,
        text: "Le marché comporte deux lots. Le lot 1 est réservé aux entreprises adaptées et aux établissements et services d’accompagnement par le travail (article L2113-12). Une visite du site est obligatoire.".into(),
    });
    notice
}

async fn pages() -> Pages {
    Pages::start(now(), "").await.unwrap()
}

async fn ok(visitor: &Visitor, path: &str) -> Answer {
    let answer = visitor.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer
}

#[tokio::test]
async fn a_link_signs_in_once_after_a_post_and_leads_to_the_page_that_was_wanted() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let mut visitor = pages.stranger().unwrap();
    let answer = visitor.get("/mois?mois=2026-10").await.unwrap();
    assert_eq!(answer.location.as_deref(), Some("/entrer?next=%2Fmois%3Fmois%3D2026-10"));
    let link = pages.link("jeanne").await.unwrap();
    let path = link.strip_prefix(&pages.base).unwrap();
    for _ in 0..2 {
        let shown = ok(&visitor, path).await;
        assert!(shown.cookie.is_none(), "a scanner that fetches the link signs nobody in");
    }
    let opened = visitor.post(path, &[]).await.unwrap();
    assert_eq!((opened.status.as_u16(), opened.location.as_deref()), (303, Some("/abonnements")));
    assert!(opened.headers.contains("HttpOnly; SameSite=Lax"), "{}", opened.headers);
    assert_eq!(visitor.post(path, &[]).await.unwrap().status, 404, "a link serves once");
    visitor.cookie = opened.cookie;
    ok(&visitor, "/mois").await;
    let altered = format!("{}0", path);
    assert_eq!(visitor.get(&altered).await.unwrap().status, 404);
    let out = visitor.post_form("/sortir", &[]).await.unwrap();
    assert_eq!(out.location.as_deref(), Some("/"));
    assert_eq!(visitor.get("/mois").await.unwrap().status, 303, "the cookie of a session that is over opens nothing");
}

#[tokio::test]
async fn asking_for_a_link_says_the_same_of_everybody_and_sends_one_to_who_is_known() {
    let pages = pages().await;
    let email = pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let visitor = pages.stranger().unwrap();
    let known = visitor.post("/entrer", &[("email", &email.to_uppercase()), ("next", "/mois")]).await.unwrap();
    let unknown = visitor.post("/entrer", &[("email", "personne@ailleurs.example")]).await.unwrap();
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let sent = wait_for(|| async { pages.app.service.store.deliveries(None, 10).await.unwrap().pop() }).await;
    let Cause::SignIn(id) = &sent.cause else { panic!("{sent:?}") };
    let link = vigie_service::sign_in::link_of(&pages.app.service, id, now()).await.unwrap().unwrap();
    let opened = visitor.post(link.strip_prefix(&pages.base).unwrap(), &[]).await.unwrap();
    assert_eq!(opened.location.as_deref(), Some("/mois"));
    assert!(
        vigie_service::sign_in::link_of(&pages.app.service, id, now()).await.unwrap().is_none(),
        "used, it is not sent any more"
    );
    for _ in 0..30 {
        visitor.post("/entrer", &[("email", &email)]).await.unwrap();
    }
    assert_eq!(visitor.post("/entrer", &[("email", &email)]).await.unwrap().status, 429);
    let sent = pages.app.service.store.deliveries(None, 50).await.unwrap().len();
    assert!(sent <= 5, "a mailbox gets five links an hour at most: {sent}");
}

/// Waits for what is done after an answer.
async fn wait_for<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    for _ in 0..2_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn a_form_of_another_site_or_without_its_token_changes_nothing() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let visitor = pages.signed_in("jeanne").await.unwrap();
    let path = format!("/procedure/{procedure}/decision");
    for csrf in ["", "0123456789abcdef0123456789abcdef"] {
        let answer = visitor.post(&path, &[("csrf", csrf), ("stage", "go")]).await.unwrap();
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
    assert!(pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap().is_empty());
    let next = visitor.post("/entrer", &[("email", "a@b.example"), ("next", "//ailleurs.example")]).await.unwrap();
    assert!(!next.body.contains("ailleurs.example"));
}

#[tokio::test]
async fn the_page_of_a_procedure_quotes_its_evidence_in_its_context_and_marks_my_lots() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let laundry = Filter { sectors: vec!["blanchisserie".into()], ..Filter::default() };
    pages.subscription("jeanne", &laundry).await.unwrap();
    let first = call("26-1", "Entretien du linge et des vitres");
    let procedure = pages.take(&first).await.unwrap();
    let mut correction = call("26-2", "Entretien du linge et des vitres");
    correction.kind = NoticeKind::Correction;
    correction.links.earlier.push("26-1".into());
    correction.dates[0].at += Duration::days(7);
    assert_eq!(pages.take(&correction).await.unwrap(), procedure);
    let path = format!("/procedure/{procedure}");

    let anonymous = ok(&pages.stranger().unwrap(), &path).await.body;
    assert!(anonymous.contains("<mark>"), "{anonymous}");
    assert!(anonymous.contains("Le marché comporte deux lots"), "the words before the quote");
    assert!(anonymous.contains("passe du 21 décembre 2026"), "what the correction changed");
    assert!(anonymous.contains("28 décembre 2026"), "the date that holds now");
    assert!(!anonymous.contains("pour vous"));
    assert!(
        pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap().is_empty(),
        "a stranger marks nothing as read"
    );

    let visitor = pages.signed_in("jeanne").await.unwrap();
    let mine = ok(&visitor, &path).await.body;
    assert_eq!(mine.matches("pour vous").count(), 1, "one of two lots is hers: {mine}");
    let read = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap().remove(0);
    assert_eq!((read.stage, read.by.as_str()), (Stage::Read, "Jeanne"));
    assert_eq!(pages.stranger().unwrap().get("/procedure/inconnue").await.unwrap().status, 404);
}

#[tokio::test]
async fn of_two_tabs_that_decide_differently_the_later_one_is_told() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("paul", "Paul", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let (jeanne, paul) = (pages.signed_in("jeanne").await.unwrap(), pages.signed_in("paul").await.unwrap());
    let path = format!("/procedure/{procedure}/decision");
    // Both opened the page while nobody had decided.
    ok(&jeanne, &format!("/procedure/{procedure}")).await;
    ok(&paul, &format!("/procedure/{procedure}")).await;
    let first = jeanne.post_form(&path, &[("stage", "go"), ("seen", "")]).await.unwrap();
    assert_eq!(first.status, 303);
    let second = paul.post_form(&path, &[("stage", "no_go"), ("refusal", "place"), ("seen", "")]).await.unwrap();
    assert_eq!(second.status, 409);
    assert!(second.body.contains("Jeanne a répondu"), "{}", second.body);
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap().remove(0);
    assert_eq!((standing.stage, standing.by.as_str()), (Stage::Go, "Jeanne"));
    // Having seen it, he may.
    let again =
        paul.post_form(&path, &[("stage", "no_go"), ("refusal", "place"), ("seen", &standing.mark())]).await.unwrap();
    assert_eq!(again.status, 303, "{}", again.body);
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap().remove(0);
    assert_eq!((standing.stage, standing.by.as_str()), (Stage::NoGo, "Paul"));
    // The same answer twice is no quarrel.
    let same = jeanne.post_form(&path, &[("stage", "no_go"), ("seen", "go.1")]).await.unwrap();
    assert_eq!(same.status, 303);
    let long = "x".repeat(3_000);
    assert_eq!(jeanne.post_form(&path, &[("note", &long)]).await.unwrap().status, 400);
    assert_eq!(jeanne.post_form(&path, &[("stage", "go"), ("lot", "99")]).await.unwrap().status, 400);
}

#[tokio::test]
async fn an_error_is_corrected_by_who_may_and_reported_by_who_may_not() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("fatou", "Fatou", Role::Facilitator, None).await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let path = format!("/procedure/{procedure}/signaler");
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert!(!ok(&jeanne, &path).await.body.contains("Corriger le verdict"));
    let sent = jeanne
        .post_form(&path, &[("kind", "reserved"), ("holds", "non"), ("note", "ce n’est pas réservé")])
        .await
        .unwrap();
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert_eq!(pages.app.service.store.deliveries(None, 10).await.unwrap().len(), 1, "the operator is told");
    assert!(pages.app.service.store.verdict_corrections().await.unwrap().is_empty(), "who may not, corrects nothing");
    let fatou = pages.signed_in("fatou").await.unwrap();
    let done = fatou
        .post_form(
            &path,
            &[("kind", "execution_clause"), ("holds", "oui"), ("hours", "350"), ("lots", "2"), ("note", "CCAP")],
        )
        .await
        .unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    let row = pages.app.service.store.notice("boamp:26-1").await.unwrap().unwrap();
    let clause = row.assessment.provisions.iter().find(|p| p.kind == ProvisionKind::ExecutionClause).unwrap();
    assert_eq!((clause.hours, clause.lots.as_slice()), (Some(350.0), ["2".to_owned()].as_slice()));
    assert_eq!(
        fatou.post_form(&path, &[("kind", "reserved"), ("holds", "oui"), ("lots", "9")]).await.unwrap().status,
        400
    );
}

#[tokio::test]
async fn a_subscription_is_previewed_kept_changed_and_removed_by_its_owner_alone() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.person("autre", "Autre", Role::Structure, Some(OTHERS)).await.unwrap();
    for n in 0..12 {
        pages.take(&call(&format!("26-{n}"), &format!("Blanchisserie du collège {n}"))).await.unwrap();
    }
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let form = [("secteur", "blanchisserie"), ("rythme", "daily"), ("do", "garder")];
    let everything = jeanne.post_form("/abonnements/nouveau", &form).await.unwrap();
    assert!(
        everything.status == 200 && everything.body.contains("presque tout"),
        "said before it is kept: {}",
        everything.body
    );
    assert!(pages.app.service.store.subscriptions_of("jeanne").await.unwrap().is_empty());
    let nothing = jeanne
        .post_form(
            "/abonnements/nouveau",
            &[("secteur", "blanchisserie"), ("departement", "06"), ("rythme", "daily"), ("do", "garder")],
        )
        .await
        .unwrap();
    assert!(nothing.body.contains("aucun avis de ce secteur dans ce département"), "{}", nothing.body);
    let kept = jeanne
        .post_form("/abonnements/nouveau", &[("secteur", "blanchisserie"), ("rythme", "daily"), ("do", "quand-meme")])
        .await
        .unwrap();
    assert_eq!(kept.location.as_deref(), Some("/abonnements?fait=garde"), "{}", kept.body);
    let id = pages.app.service.store.subscriptions_of("jeanne").await.unwrap().remove(0).id;
    assert!(ok(&jeanne, "/abonnements").await.body.contains("Blanchisserie"));
    assert!(ok(&jeanne, &format!("/abonnements/{id}")).await.body.contains("12"));

    let autre = pages.signed_in("autre").await.unwrap();
    assert_eq!(autre.get(&format!("/abonnements/{id}")).await.unwrap().status, 404);
    for action in ["", "/retirer"] {
        let answer = autre.post_form(&format!("/abonnements/{id}{action}"), &form).await.unwrap();
        assert_eq!(answer.status, 404, "{action}");
    }
    let bad = jeanne
        .post_form("/abonnements/nouveau", &[("cpv", "1"), ("min", "beaucoup"), ("rythme", "jamais"), ("do", "garder")])
        .await
        .unwrap();
    assert_eq!(bad.status, 422);
    for fault in ["préfixe CPV", "n’est pas un nombre", "rythme"] {
        assert!(bad.body.contains(fault), "{fault}");
    }
    let changed = jeanne
        .post_form(
            &format!("/abonnements/{id}"),
            &[("secteur", "nettoyage"), ("mots", "vitres, linge"), ("rythme", "4h"), ("do", "quand-meme")],
        )
        .await
        .unwrap();
    assert_eq!(changed.status, 303, "{}", changed.body);
    let now = pages.app.service.store.subscriptions_of("jeanne").await.unwrap().remove(0);
    assert_eq!((now.id.as_str(), now.cadence.to_string().as_str(), now.filter.words.len()), (id.as_str(), "4h", 2));
    jeanne.post_form("/abonnements/message-essai", &[]).await.unwrap();
    jeanne.post_form("/abonnements/message-essai", &[]).await.unwrap();
    assert_eq!(
        pages.app.service.store.deliveries(None, 10).await.unwrap().len(),
        1,
        "two presses in a minute send one"
    );
    assert_eq!(jeanne.post_form(&format!("/abonnements/{id}/retirer"), &[]).await.unwrap().status, 303);
    assert!(pages.app.service.store.subscriptions_of("jeanne").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_search_crosses_its_filters_and_is_read_page_by_page() {
    let pages = pages().await;
    for n in 0..45 {
        let mut notice = call(&format!("26-{n}"), &format!("Nettoyage des écoles, marché {n}"));
        notice.departments = Department::parse(if n % 3 == 0 { "62" } else { "59" }).into_iter().collect();
        pages.take(&notice).await.unwrap();
    }
    let visitor = pages.stranger().unwrap();
    let page = ok(&visitor, "/chercher?departement=59&q=ecoles").await.body;
    assert!(page.contains("30\u{a0}marchés"), "{page}");
    assert_eq!(page.matches("<h3><a href=\"/procedure/").count(), 20);
    let page = page.replace("&#x2f;", "/").replace("&amp;", "&");
    let links = page.split("href=\"").filter_map(|rest| rest.split('"').next());
    let next = links.into_iter().find(|l| l.starts_with("/chercher?") && l.contains("apres=")).unwrap();
    let second = ok(&visitor, next).await.body;
    assert_eq!(second.matches("<h3><a href=\"/procedure/").count(), 10);
    for (query, n) in [
        ("disposition=reserved&departement=62", "15\u{a0}marchés"),
        ("acheteur=commune", "45\u{a0}marchés"),
        ("acheteur=region", "Aucun marché"),
        ("etat=awarded", "Aucun marché"),
        ("secteur=nettoyage", "45\u{a0}marchés"),
        ("q=100%25", "Aucun marché"),
        ("q=marche+44&etat=tous", "1\u{a0}marché"),
    ] {
        let found = ok(&visitor, &format!("/chercher?{query}")).await.body;
        assert!(
            found.contains(&format!(">{n}<")),
            "{query}: {}",
            found.split("resultats\">").nth(1).unwrap_or_default()
        );
    }
    let csv = ok(&visitor, "/tableaux/recherche.csv?departement=62").await.body;
    assert_eq!(csv.lines().count(), 16);
}

/// The search's SQL gives the same on both engines.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_the_same_on_either_engine() {
    let dir = tempfile::tempdir().unwrap();
    search_story(&format!("sqlite:{}", dir.path().join("s.sqlite").display())).await;
    if let Some(postgres) = Postgres::start() {
        search_story(&postgres.url).await;
    }
}

async fn search_story(url: &str) {
    let store = Store::open(url).await.unwrap();
    let row = |n: i64| SearchRow {
        procedure: format!("p{n:05}"),
        title: format!("Titre {n}"),
        buyer: "Acheteur".into(),
        buyer_type: vigie_domain::BuyerType::Commune,
        verdict: String::new(),
        sectors: vec!["blanchisserie".into()],
        departments: Department::parse("59").into_iter().collect(),
        provisions: vec![ProvisionKind::Reserved],
        state: State::Open,
        score: 10,
        closes: None,
        until: now() + Duration::days(n % 3 - 1),
        at: now() - Duration::minutes(n / 10),
        words: format!(" titre {n} 100%_sur "),
    };
    let rows: Vec<SearchRow> = (0..10_000).map(row).collect();
    store.put_search_rows(&rows).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let mut after: Option<(DateTime<Utc>, String)> = None;
    loop {
        let place = after.as_ref().map(|(at, id)| (*at, id.as_str()));
        let page = store.search(&Query::default(), place, 500, now()).await.unwrap();
        assert!(page.rows.len() <= 500);
        assert!(page.rows.iter().all(|r| seen.insert(r.procedure.clone())), "no row twice");
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 10_000, "no row lost");
    let count = |query: Query| {
        let store = store.clone();
        async move { store.search_count(&query, 20_000, now()).await.unwrap() }
    };
    let open = Query { state: Some(State::Open), ..Query::default() };
    assert_eq!(count(open).await, 3_333);
    assert_eq!(count(Query { words: vec!["100%_".into()], ..Query::default() }).await, 10_000);
    assert_eq!(count(Query { words: vec!["100__".into()], ..Query::default() }).await, 0, "marks of LIKE are words");
    assert_eq!(count(Query { sectors: vec!["blanchisserie".into(), "x".into()], ..Query::default() }).await, 10_000);
    assert_eq!(store.search_count(&Query::default(), 1_000, now()).await.unwrap(), 1_000, "counting stops");
}

/// Every route, with what stands in braces filled in.
fn paths(procedure: &str, token: &str) -> Vec<String> {
    let fill = |path: &&str| {
        let id = match *path {
            p if p.starts_with("/procedure") || p.contains("/procedures/") => procedure,
            _ => token,
        };
        path.replace("{id}", id).replace("{token}", token)
    };
    vigie_web::PATHS.iter().map(fill).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_structure_is_seen_by_another_on_any_route_on_either_engine() {
    nothing_is_seen_by_another(pages().await).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        let pages = Pages::start_on(dir, &postgres.url, Clock::fixed(now()), "").await.unwrap();
        nothing_is_seen_by_another(pages).await;
    }
}

async fn nothing_is_seen_by_another(pages: Pages) {
    for (id, siret) in [("jeanne", MINE), ("rival", OTHERS)] {
        pages.person(id, id, Role::Structure, Some(siret)).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let secret = "confidence-de-la-structure";
    let mut decision = Decision::new(MINE, &procedure, Stage::Submitted, secret, now());
    decision.note = format!("note {secret}");
    decision.assignee = secret.into();
    pages.app.service.store.decide(&decision).await.unwrap();
    let mut of_lot = decision.clone();
    of_lot.lot = "1".into();
    pages.app.service.store.decide(&of_lot).await.unwrap();
    let hers = pages.signed_in("jeanne").await.unwrap();
    hers.post_form("/compte/jetons", &[("lien", "calendar")]).await.unwrap();
    hers.post_form("/compte/jetons", &[("lien", "feed")]).await.unwrap();
    let her_links = pages.app.service.store.tokens("jeanne").await.unwrap();
    let program = pages.program("jeanne", &Scope::OF_PROGRAMS).await.unwrap();
    assert!(program.get("/api/v1/decisions").await.unwrap().body.contains(secret), "the search must be able to find");
    assert!(ok(&hers, "/tableaux/decisions.csv").await.body.contains(secret));

    let rival = pages.signed_in("rival").await.unwrap();
    let rivals_program = pages.program("rival", &Scope::OF_PROGRAMS).await.unwrap();
    let stranger = pages.stranger().unwrap();
    let csrf = rival.csrf().await.unwrap();
    let mut asked = 0;
    let tokens: Vec<String> = her_links.iter().map(|t| t.id.clone()).chain([procedure.clone()]).collect();
    for token in &tokens {
        for path in paths(&procedure, token) {
            for (who, visitor) in [("rival", &rival), ("program", &rivals_program), ("stranger", &stranger)] {
                let mut answers = vec![visitor.get(&path).await.unwrap()];
                if path.starts_with("/api/v1") {
                    answers.push(visitor.json("PUT", &path, &json!({ "stage": "go", "seen": "go" })).await.unwrap());
                    answers.push(visitor.json("POST", &path, &json!({})).await.unwrap());
                    answers.push(visitor.json("DELETE", &path, &json!({})).await.unwrap());
                } else if !["/sortir", "/entrer", "/compte/effacer"].contains(&path.as_str()) {
                    answers.push(
                        visitor
                            .post(&path, &[("csrf", &csrf), ("stage", "go"), ("seen", "submitted.1")])
                            .await
                            .unwrap(),
                    );
                }
                for answer in answers {
                    asked += 1;
                    assert!(!answer.body.contains(secret), "{who} sees it at {path}: {}", answer.body);
                    assert_ne!(answer.status, 500, "{who} at {path}: {}", answer.body);
                    assert!(!answer.body.contains("remis</span>"), "{who} sees a stage at {path}");
                }
            }
        }
    }
    assert!(asked > 400, "{asked}");
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap();
    assert!(standing.iter().all(|d| d.stage == Stage::Submitted && d.note.contains(secret)), "nor changed by them");
    assert_eq!(pages.app.service.store.tokens("jeanne").await.unwrap().len(), her_links.len() + 1);
    assert_eq!(pages.app.service.store.subscriptions_of("jeanne").await.unwrap().len(), 1);
}

#[tokio::test]
async fn operators_alone_have_operators_pages_and_what_they_see_of_people_is_noted() {
    let pages = pages().await;
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();
    let delivery = pages.app.service.store.deliveries(None, 1).await.unwrap().remove(0).id;
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let chef = pages.signed_in("chef").await.unwrap();
    for path in ["", "/sources", "/envois", "/personnes", &format!("/envois/{delivery}")] {
        let path = format!("/exploitation{path}");
        assert_eq!(jeanne.get(&path).await.unwrap().status, 404, "{path}");
        ok(&chef, &path).await;
    }
    for path in ["/tableaux/envois.csv", "/tableaux/personnes.csv"] {
        assert_eq!(jeanne.get(path).await.unwrap().status, 404, "{path}");
        ok(&chef, path).await;
    }
    let role = [("role", "operator")];
    assert_eq!(jeanne.post_form("/exploitation/personnes/jeanne/role", &role).await.unwrap().status, 404);
    assert_eq!(jeanne.post_form("/exploitation/envois/rejouer", &[("envoi", &delivery)]).await.unwrap().status, 404);
    let changed = chef.post_form("/exploitation/personnes/jeanne/role", &[("role", "facilitator")]).await.unwrap();
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(pages.app.service.store.subscriber("jeanne").await.unwrap().unwrap().role, Role::Facilitator);
    assert_eq!(
        chef.post_form("/exploitation/personnes/chef/role", &[("role", "structure")]).await.unwrap().status,
        400
    );
    let looks = pages.app.service.store.looks("", 20).await.unwrap();
    assert!(looks.iter().any(|l| l.who == "chef" && l.whom == "jeanne"), "{looks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_seen_with_its_journal_and_sent_again_from_the_pages() {
    let Some(smtp) = Smtp::start(&["--refuse", "jeanne@structure.example"]) else { return };
    let email =
        format!("[email]\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'vigie@vigie.example'\n", smtp.port);
    let pages = Pages::start(now(), &email).await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();
    let chef = pages.signed_in("chef").await.unwrap();
    let dead = pages.app.service.store.deliveries(Some(DeliveryState::Dead), 5).await.unwrap().remove(0).id;
    assert!(ok(&chef, "/exploitation").await.body.contains("mort"));
    let listed = ok(&chef, "/exploitation/envois?etat=dead").await.body;
    assert!(listed.contains(&format!("value=\"{dead}\"")) && listed.contains("550"), "{listed}");
    let shown = ok(&chef, &format!("/exploitation/envois/{dead}")).await.body;
    assert!(shown.contains("550") && shown.contains("Jeanne"), "{shown}");
    let looks = pages.app.service.store.looks("jeanne", 5).await.unwrap();
    assert!(looks.iter().any(|l| l.who == "chef" && l.what.contains("envoi")), "who saw it is noted: {looks:?}");
    let again = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead)]).await.unwrap();
    assert_eq!(again.location.as_deref(), Some("/exploitation/envois?rejoues=1"));
    let row = pages.app.service.store.delivery(&dead).await.unwrap().unwrap();
    assert_eq!(row.state, DeliveryState::Pending);
    let twice = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead)]).await.unwrap();
    assert_eq!(twice.location.as_deref(), Some("/exploitation/envois?rejoues=0"), "one that waits is not doubled");
}

/// What a page says, without its tags, its code and its forms' values.
fn said(html: &str) -> String {
    let mut text = html.replace("&nbsp;", "\u{a0}").replace("&#8239;", "\u{202f}").replace("&#39;", "’");
    for (from, to) in
        [("<head", "</head>"), ("<code", "</code>"), ("<option", "</option>"), ("<textarea", "</textarea>"), ("<", ">")]
    {
        while let Some(at) = text.find(from) {
            let end = text[at..].find(to).map_or(text.len(), |n| at + n + to.len());
            text.replace_range(at..end, "");
        }
    }
    text
}

/// Where a line may break before a sign that must follow its word, or after an opening quotation mark.
fn breaking(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let around = |n: usize| chars[n.saturating_sub(30)..(n + 20).min(chars.len())].iter().collect::<String>();
    let faulty = |(n, w): (usize, &[char])| {
        let after = chars.get(n + 3).copied();
        let sign = ";?!»".contains(w[2]) || w[2] == ':' && after.is_none_or(char::is_whitespace);
        let breaks = !w[0].is_whitespace() && w[1] == ' ' && sign;
        let glued = w[0].is_alphabetic() && "?!".contains(w[1]) && w[2].is_whitespace();
        (breaks || glued || (w[0] == '«' && w[1] == ' ')).then(|| around(n))
    };
    chars.windows(3).enumerate().filter_map(faulty).collect()
}

#[tokio::test]
async fn no_page_breaks_a_line_before_a_sign_of_french() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    pages.person("chef", "Chef", Role::Operator, Some(MINE)).await.unwrap();
    pages
        .subscription("chef", &Filter { words: vec!["linge".into()], min_score: 10, ..Filter::default() })
        .await
        .unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let mut moved = call("26-2", "Entretien du linge");
    moved.kind = NoticeKind::Correction;
    moved.links.earlier.push("26-1".into());
    moved.dates[0].at += Duration::days(7);
    pages.take(&moved).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();
    let visitor = pages.signed_in("chef").await.unwrap();
    let delivery = pages.app.service.store.deliveries(None, 1).await.unwrap().remove(0).id;
    let subscription = pages.app.service.store.subscriptions_of("chef").await.unwrap().remove(0).id;
    let mut walked = paths(&procedure, &delivery);
    walked.push(format!("/abonnements/{subscription}"));
    walked.extend(["/entrer", "/chercher?q=rien", "/abonnements?fait=essai"].map(str::to_owned));
    let (mut faults, mut read) = (Vec::new(), 0);
    for path in walked {
        let answer = visitor.get(&path).await.unwrap();
        if answer.headers.contains("text/html") {
            read += 1;
            faults.extend(breaking(&said(&answer.body)).into_iter().map(|f| format!("{path}: {f}")));
        }
    }
    assert!(read > 25, "{read} pages");
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(breaking(&said("<p>Quoi ? « Oui » : 12\u{a0}: oui, 10:30</p>")).len(), 4);
}

#[tokio::test]
async fn a_hostile_title_stays_text_on_every_page_table_feed_and_header() {
    let pages = pages().await;
    pages.person("chef", HOSTILE, Role::Operator, Some(MINE)).await.unwrap();
    pages.subscription("chef", &Filter::default()).await.unwrap();
    let mut notice = call("26-1", HOSTILE);
    notice.buyer.name = HOSTILE.into();
    notice.lots[0].title = HOSTILE.into();
    notice.passages[0].text.push_str(HOSTILE);
    notice.url = Some("javascript:alert(1)".into());
    notice.documents_url = Some("data:text/html,<script>alert(1)</script>".into());
    let procedure = pages.take(&notice).await.unwrap();
    let mut decision = Decision::new(MINE, &procedure, Stage::Go, HOSTILE, now());
    decision.note = HOSTILE.into();
    pages.app.service.store.decide(&decision).await.unwrap();
    let visitor = pages.signed_in("chef").await.unwrap();
    visitor.post_form("/compte/jetons", &[("lien", "calendar")]).await.unwrap();
    visitor.post_form("/compte/jetons", &[("lien", "feed")]).await.unwrap();
    let mut shown: Vec<String> = paths(&procedure, "x").into_iter().filter(|p| !p.starts_with("/api/v1")).collect();
    for token in pages.app.service.store.tokens("chef").await.unwrap() {
        let url = vigie_web::account::private_url(&pages.app.service, &token).unwrap();
        shown.push(url.strip_prefix(&pages.base).unwrap().to_owned());
    }
    let delivery = pages.app.service.store.deliveries(None, 1).await.unwrap().remove(0).id;
    for link in [pages.app.service.answer_url(&delivery, now()), pages.app.service.digest_url(&delivery, now())] {
        let path = link.unwrap().strip_prefix(&pages.base).unwrap().to_owned();
        assert!(ok(&visitor, &path).await.body.contains("&lt;script&gt;"), "{path} tells the title");
        shown.push(path);
    }
    for path in shown {
        let answer = visitor.get(&path).await.unwrap();
        assert!(!answer.headers.to_lowercase().contains("\nset-cookie: a=b"), "{path}: {}", answer.headers);
        if answer.headers.contains("text/html") {
            for raw in ["<script", "<img src=x", "javascript:alert", "data:text/html"] {
                assert!(!answer.body.contains(raw), "{path} holds {raw}");
            }
            assert!(answer.body.len() <= 60_000, "{path} weighs {} bytes", answer.body.len());
            for header in [
                "content-security-policy: default-src 'none'",
                "x-content-type-options: nosniff",
                "referrer-policy: no-referrer",
            ] {
                assert!(answer.headers.contains(header), "{path} lacks {header}");
            }
        }
        if answer.headers.contains("text/csv") {
            assert!(
                !answer.body.split([';', '\n']).any(|c| c.trim_matches('"').starts_with('=')),
                "{path}: {}",
                answer.body
            );
        }
        if answer.headers.contains("atom+xml") {
            let feed = feed_rs::parser::parse(answer.body.as_bytes()).unwrap();
            assert_eq!(feed.entries.len(), 1);
            assert!(feed.entries[0].title.as_ref().unwrap().content.contains("<script>"), "told whole, as text");
        }
        if answer.headers.contains("text/calendar") {
            assert!(answer.body.lines().all(|l| !l.starts_with("Set-Cookie")), "{}", answer.body);
            assert!(answer.body.contains("BEGIN:VEVENT"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn private_addresses_and_tokens_end_when_their_owner_says_so() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    pages.app.service.store.decide(&Decision::new(MINE, &procedure, Stage::Go, "Jeanne", now())).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    jeanne.post_form("/compte/jetons", &[("lien", "calendar")]).await.unwrap();
    let token = pages.app.service.store.tokens("jeanne").await.unwrap().remove(0);
    let url = vigie_web::account::private_url(&pages.app.service, &token).unwrap();
    let path = url.strip_prefix(&pages.base).unwrap().to_owned();
    let stranger = pages.stranger().unwrap();
    let calendar = ok(&stranger, &path).await.body;
    assert!(
        calendar.contains("DTSTART:20261221T110000Z") && calendar.contains("SUMMARY:Offre à remettre"),
        "{calendar}"
    );
    assert!(calendar.contains("STATUS:CONFIRMED") && calendar.contains("SEQUENCE:0"), "{calendar}");
    assert_eq!(stranger.get(&path.replace("/agenda/", "/fil/")).await.unwrap().status, 404, "it opens nothing else");
    pages.app.service.store.decide(&Decision::new(MINE, &procedure, Stage::Abandoned, "Jeanne", now())).await.unwrap();
    let calendar = ok(&stranger, &path).await.body;
    assert!(calendar.contains("STATUS:CANCELLED") && calendar.contains("SEQUENCE:1"), "{calendar}");

    let made = jeanne
        .post_form("/compte/jetons", &[("nom", "tableur"), ("droit", "decisions"), ("jours", "30")])
        .await
        .unwrap();
    let secret = made.body.split("vigie_").nth(1).and_then(|r| r.split('<').next()).unwrap();
    let mut program = pages.stranger().unwrap();
    program.bearer = Some(format!("vigie_{secret}"));
    assert_eq!(program.get("/api/v1/decisions").await.unwrap().status, 200);
    assert_eq!(program.get("/api/v1/procedures").await.unwrap().status, 403, "only what its scopes say");
    for token in pages.app.service.store.tokens("jeanne").await.unwrap() {
        jeanne.post_form(&format!("/compte/jetons/{}/retirer", token.id), &[]).await.unwrap();
    }
    assert_eq!(program.get("/api/v1/decisions").await.unwrap().status, 401);
    assert_eq!(stranger.get(&path).await.unwrap().status, 404);
}

/// What a script of `servers/` says of that text.
fn other_eyes(script: &str, text: &str) -> Option<String> {
    use std::io::Write;
    let path = format!("{}/servers/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut python = std::process::Command::new(vigie_tests::servers::python()?)
        .arg(path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap())
}

#[tokio::test]
async fn two_other_programs_read_the_calendar_alike_and_the_feed_keeps_to_its_rules() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let mut visit =
        call("26-2", "Un titre, avec ; des \\ signes, un retour\nà la ligne et soixante-quinze octets passés 🧺");
    let at = DateTime::parse_from_rfc3339("2026-12-03T10:00:00+01:00").unwrap();
    visit.dates.push(TypedDate::of_field(vigie_domain::DateKind::Visit, (at, true), "visite"));
    let mut ids = Vec::new();
    for notice in [call("26-1", "Entretien du linge"), visit, call("26-3", "Abandonné")] {
        ids.push(pages.take(&notice).await.unwrap());
    }
    for (id, stage) in ids.iter().zip([Stage::Go, Stage::Go, Stage::Go]) {
        pages.app.service.store.decide(&Decision::new(MINE, id, stage, "Jeanne", now())).await.unwrap();
    }
    pages.app.service.store.decide(&Decision::new(MINE, &ids[2], Stage::Abandoned, "Jeanne", now())).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    for kind in ["calendar", "feed"] {
        jeanne.post_form("/compte/jetons", &[("lien", kind)]).await.unwrap();
    }
    for token in pages.app.service.store.tokens("jeanne").await.unwrap() {
        let url = vigie_web::account::private_url(&pages.app.service, &token).unwrap();
        let body = ok(&pages.stranger().unwrap(), url.strip_prefix(&pages.base).unwrap()).await.body;
        if url.contains("/fil/") {
            let Some(said) = other_eyes("read_atom.py", &body) else { return };
            assert_eq!(said.trim(), "3 entries", "{body}");
            continue;
        }
        let Some(said) = other_eyes("read_calendar.py", &body) else { return };
        let read: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(read["icalendar"], read["vobject"], "{body}");
        assert_eq!((&read["errors"], &read["bare_ends"]), (&json!([]), &json!(0)), "{body}");
        assert!(read["longest_line"].as_u64().unwrap() <= 75, "RFC 5545 §3.1: {body}");
        let events = read["icalendar"].as_array().unwrap();
        let has = |title: &str, at: &str, status: &str| {
            events.iter().any(|e| e[1].as_str().unwrap().contains(title) && e[2] == at && e[3] == status)
        };
        assert!(has("Entretien du linge", "2026-12-21T11:00Z", "CONFIRMED"), "{said}");
        assert!(
            has("Un titre, avec ; des \\ signes, un retour à la ligne", "2026-12-03T09:00Z", "CONFIRMED"),
            "{said}"
        );
        assert!(has("Abandonné", "2026-12-21T11:00Z", "CANCELLED"), "{said}");
    }
}

#[tokio::test]
async fn a_session_a_link_and_a_token_end_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
    let pages = pages().await;
    drop(pages);
    let store = Store::open(&url).await.unwrap();
    let secret = "secret";
    store.put_token("jeanne", "x", &[Scope::Decisions], secret, Some(now() + Duration::days(1)), now()).await.unwrap();
    assert!(store.token_by_secret(secret, now()).await.unwrap().is_none(), "nobody owns it");
    let pages = Pages::start_on(dir, &url, Clock::fixed(now()), "").await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let store = &pages.app.service.store;
    assert!(store.token_by_secret(secret, now()).await.unwrap().is_some());
    assert!(store.token_by_secret(secret, now() + Duration::days(1)).await.unwrap().is_none());
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    let id = store.put_sign_in(&address.id, now() + Duration::minutes(30), now()).await.unwrap();
    let late = now() + Duration::minutes(30);
    assert!(store.open_session(&id, "cookie", late + Duration::days(1), late).await.unwrap().is_none());
    assert!(store.open_session(&id, "cookie", now() + Duration::days(30), now()).await.unwrap().is_some());
    assert!(store.session("cookie", now() + Duration::days(29)).await.unwrap().is_some());
    assert!(store.session("cookie", now() + Duration::days(30)).await.unwrap().is_none());
    store.forget_ended_sessions(now() + Duration::days(40)).await.unwrap();
    assert_eq!(store.session_count("jeanne", now()).await.unwrap(), 0);
}

#[tokio::test]
async fn the_api_is_documented_path_by_path_and_answers_what_is_wrong_in_words() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let document: Value =
        serde_json::from_str(&ok(&pages.stranger().unwrap(), "/api/openapi.json").await.body).unwrap();
    let documented: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut served: Vec<&str> = vigie_web::PATHS.iter().copied().filter(|p| p.starts_with("/api/v1")).collect();
    served.sort_unstable();
    let mut documented = documented;
    documented.sort_unstable();
    assert_eq!(documented, served);

    let program = pages.program("jeanne", &Scope::OF_PROGRAMS).await.unwrap();
    let found: Value =
        serde_json::from_str(&ok(&program, "/api/v1/procedures?provision=reserved&department=59").await.body).unwrap();
    assert_eq!(found["procedures"][0]["id"], procedure.as_str(), "{found}");
    let whole: Value =
        serde_json::from_str(&ok(&program, &format!("/api/v1/procedures/{procedure}")).await.body).unwrap();
    assert_eq!(whole["notices"][0]["assessment"]["provisions"][0]["kind"], "reserved", "{whole}");
    let wish = json!({ "filter": { "sectors": ["blanchisserie"] }, "cadence": "4h" });
    let made = program.json("POST", "/api/v1/subscriptions", &wish).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let path =
        format!("/api/v1/subscriptions/{}", serde_json::from_str::<Value>(&made.body).unwrap()["id"].as_str().unwrap());
    let changed = program.json("PUT", &path, &json!({ "filter": { "departments": ["2A"] } })).await.unwrap();
    assert!(changed.body.contains("2A") && changed.body.contains("4h"), "{}", changed.body);
    assert_eq!(program.json("DELETE", &path, &json!({})).await.unwrap().status, 204);
    assert_eq!(program.get(&path).await.unwrap().status, 404);

    let decide = format!("/api/v1/procedures/{procedure}/decisions");
    let done = program.json("PUT", &decide, &json!({ "stage": "go", "note": "à voir" })).await.unwrap();
    assert!(done.status == 200 && done.body.contains("\"by\":\"Jeanne\""), "{}", done.body);
    let late = program.json("PUT", &decide, &json!({ "stage": "no_go", "seen": "submitted" })).await.unwrap();
    assert!(late.status == 409 && late.body.contains("\"stage\":\"go\""), "{}", late.body);
    for (method, path, body, status) in [
        ("PUT", decide.as_str(), json!({ "stage": "read" }), 422),
        ("PUT", &decide, json!({ "stage": "go", "lot": "99" }), 422),
        ("PUT", &decide, json!({ "stage": "go", "remind_at": "9999-12-31T23:59:59Z" }), 422),
        ("PUT", &decide, json!([]), 422),
        ("POST", "/api/v1/subscriptions", json!({ "filter": { "sectors": ["rien"] } }), 422),
        ("POST", "/api/v1/subscriptions", json!({ "filter": { "departments": ["99"] } }), 422),
        ("POST", "/api/v1/subscriptions", json!({ "filter": { "min_score": 999 } }), 422),
        ("POST", "/api/v1/subscriptions", json!({ "filter": { "words": [""] } }), 422),
        ("GET", "/api/v1/procedures?limit=0", json!({}), 422),
        ("GET", "/api/v1/procedures?after=x", json!({}), 422),
        ("GET", "/api/v1/procedures/%FF", json!({}), 400),
        ("PATCH", "/api/v1/subscriptions", json!({}), 405),
        ("GET", "/api/v1/rien", json!({}), 404),
    ] {
        let answer = program.json(method, path, &body).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.body);
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert!(said["error"].is_string(), "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_facilitators_table_has_its_fixed_columns_and_the_month_counts_each_step() {
    let pages = pages().await;
    pages.person("fatou", "Fatou", Role::Facilitator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages
        .subscription(
            "fatou",
            &Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() },
        )
        .await
        .unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    pages.take(&call("26-2", "Blanchisserie du lycée")).await.unwrap();
    let fatou = pages.signed_in("fatou").await.unwrap();
    let table = ok(&fatou, "/tableaux/clauses.csv?mois=2026-11").await.body;
    let mut lines = table.trim_start_matches('\u{feff}').lines();
    assert_eq!(lines.next().unwrap(), vigie_web::tables::CLAUSES.join(";"));
    let row = lines.next().unwrap();
    assert!(row.starts_with("2026-11;2026-11-18;boamp;") && row.contains("Marché réservé"), "{row}");
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert_eq!(jeanne.get("/tableaux/clauses.csv").await.unwrap().status, 404);
    pages.app.service.store.decide(&Decision::new(MINE, &procedure, Stage::Submitted, "Jeanne", now())).await.unwrap();
    let month = ok(&jeanne, "/mois").await.body;
    assert!(month.contains("Repérés : 2. Lus : 1. On y va : 1. Remis : 1. Gagnés : 0."), "{month}");
    let before = ok(&jeanne, "/mois?mois=2026-10").await.body;
    assert!(before.contains("Rien ce mois-ci"), "{before}");
}

#[tokio::test]
async fn a_person_takes_their_data_along_and_erases_themselves() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let held = ok(&jeanne, "/compte/donnees.json").await;
    assert!(
        held.body.contains("jeanne@structure.example") && held.body.contains("connexions aux pages"),
        "{}",
        held.body
    );
    assert_eq!(jeanne.post_form("/compte/effacer", &[]).await.unwrap().status, 400, "not by a slip");
    let gone = jeanne.post_form("/compte/effacer", &[("sur", "oui")]).await.unwrap();
    assert_eq!(gone.location.as_deref(), Some("/adieu"));
    assert_eq!(jeanne.get("/compte").await.unwrap().status, 303, "the session is gone with the person");
    assert!(pages.app.service.store.subscriber("jeanne").await.unwrap().is_none());
}
