//! What programs read: private addresses, calendars, feeds, tables, the API; and how long a secret lasts.

use super::*;

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

/// U2: what is called off says so, with the buyer's words, in the feed and in the calendar.
#[tokio::test]
async fn what_is_called_off_says_so_in_feeds_and_calendars() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    pages.app.service.store.decide(&Decision::new(MINE, &procedure, Stage::Go, "Jeanne", now())).await.unwrap();
    let mut off = call("26-9", "Entretien du linge");
    off.kind = NoticeKind::Cancellation;
    off.links.earlier = vec!["26-1".into()];
    let words = "La consultation est déclarée sans suite pour motif d’intérêt général";
    off.awards = vec![vigie_domain::notice::Award {
        words: Some(words.into()),
        ..vigie_domain::notice::Award::none(None, Some(vigie_domain::NoAwardReason::GeneralInterest))
    }];
    assert_eq!(pages.take(&off).await.unwrap(), procedure);
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    for kind in ["calendar", "feed"] {
        jeanne.post_form("/compte/jetons", &[("lien", kind)]).await.unwrap();
    }
    let stranger = pages.stranger().unwrap();
    for token in pages.app.service.store.tokens("jeanne").await.unwrap() {
        let url = vigie_web::account::private_url(&pages.app.service, &token).unwrap();
        let said = ok(&stranger, url.strip_prefix(&pages.base).unwrap()).await.body.replace("\r\n ", "");
        assert!(said.contains("Annulé"), "{said}");
        assert!(!said.contains("avant le"), "{said}");
        assert!(said.contains("STATUS:CANCELLED") || said.contains(words), "{said}");
    }
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

/// A body was read as JSON whatever its label said that it was.
#[tokio::test]
async fn the_api_reads_json_under_its_own_label() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let program = pages.program("jeanne", &Scope::OF_PROGRAMS).await.unwrap();
    let doors = [
        ("POST", "/api/v1/subscriptions".to_owned(), json!({ "cadence": "daily" })),
        ("PUT", format!("/api/v1/procedures/{procedure}/decisions"), json!({ "stage": "go" })),
        ("POST", "/api/v1/leads".to_owned(), json!({ "title": "Nettoyage" })),
        ("POST", "/api/v1/accounts".to_owned(), json!({ "who": "Ville de Lens" })),
    ];
    for (method, path, body) in &doors {
        let body = body.to_string();
        for label in ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp", ""] {
            let answer = program.labelled(method, path, Some(label), &body).await.unwrap();
            assert_eq!(answer.status, 415, "{path} {label:?}: {}", answer.body);
            let said: Value = serde_json::from_str(&answer.body).unwrap();
            assert!(said["detail"].as_str().unwrap().contains("application/json"), "{said}");
        }
    }
    assert!(program.get("/api/v1/subscriptions").await.unwrap().body.contains("[]"), "nothing was made");
    for label in
        [Some("application/json; charset=utf-8"), Some("Application/JSON"), Some("application/merge-patch+json"), None]
    {
        for (method, path, body) in &doors {
            let answer = program.labelled(method, path, label, &body.to_string()).await.unwrap();
            assert!(answer.status.is_success(), "{path} {label:?}: {} {}", answer.status, answer.body);
        }
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
    assert_eq!(lines.next().unwrap(), vigie_web::clauses::COLUMNS.join(";"));
    let row = lines.next().unwrap();
    assert!(row.starts_with("2026-11;2026-11-18;boamp;") && row.contains("Marché réservé"), "{row}");
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert_eq!(jeanne.get("/tableaux/clauses.csv").await.unwrap().status, 404);
    pages.app.service.store.decide(&Decision::new(MINE, &procedure, Stage::Submitted, "Jeanne", now())).await.unwrap();
    let month = ok(&jeanne, "/mois").await.body;
    for (step, count) in [("Repérés", 2), ("Lus", 1), ("Analysés", 1), ("Répondus", 1), ("Gagnés", 0)] {
        assert!(
            month.contains(&format!("<span>{step}</span> <progress max=\"2\" value=\"{count}\"")),
            "{step}: {month}"
        );
    }
    let before = ok(&jeanne, "/mois?mois=2026-10").await.body;
    assert!(before.contains("Rien ce mois-ci"), "{before}");
}
