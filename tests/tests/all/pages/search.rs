//! Searching: filters crossed, pages of results, the same on either engine.

use super::*;
use vigie_domain::Phase;
use vigie_domain::procedure::Snapshot;

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
        siren: String::new(),
        buyer_type: vigie_domain::BuyerType::Commune,
        verdict: String::new(),
        sectors: vec!["blanchisserie".into()],
        departments: Department::parse("59").into_iter().collect(),
        provisions: vec![ProvisionKind::Reserved],
        published: Snapshot::default(),
        score: 10,
        closes: None,
        until: now() + Duration::days(n % 3 - 1),
        at: now() - Duration::minutes(n / 10),
        words: format!(" titre {n} 100%_sur "),
        restricted: false,
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
    let open = Query { state: Some(Phase::Open), ..Query::default() };
    assert_eq!(count(open).await, 3_333);
    assert_eq!(count(Query { words: vec!["100%_".into()], ..Query::default() }).await, 10_000);
    assert_eq!(count(Query { words: vec!["100__".into()], ..Query::default() }).await, 0, "marks of LIKE are words");
    assert_eq!(count(Query { sectors: vec!["blanchisserie".into(), "x".into()], ..Query::default() }).await, 10_000);
    assert_eq!(store.search_count(&Query::default(), 1_000, now()).await.unwrap(), 1_000, "counting stops");
}
