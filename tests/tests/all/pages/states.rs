//! One state: lists, filters, tables, the API, « Mes marchés » and the page of a procedure say the same of how it stands.

use super::*;
use vigie_domain::{Award, NoAwardReason, Phase};

/// A procedure in each phase that a published notice leads to, with what its page says on top.
async fn in_each_phase(pages: &Pages) -> Vec<(Phase, String, &'static str)> {
    let closing = |n: usize, days: i64| {
        let mut notice = call(&format!("26-{n}"), &format!("Entretien du linge, marché {n}"));
        notice.dates[0].at = (now() + Duration::days(days)).fixed_offset();
        notice
    };
    let follow_up = |n: usize, kind: NoticeKind, award: Award| {
        let mut notice = Notice::new("boamp", format!("26-9{n}"), kind);
        notice.title = "Suite".into();
        notice.links.earlier = vec![format!("26-{n}")];
        notice.awards = vec![award];
        notice
    };
    let mut planned = closing(2, 40);
    planned.kind = NoticeKind::Planned;
    planned.dates.clear();
    let mut told = Vec::new();
    for (phase, notice, said) in [
        (Phase::Open, closing(0, 30), "Ouvert"),
        (Phase::ClosingSoon, closing(1, 3), "Bientôt clos"),
        (Phase::Planned, planned, "À venir"),
        (Phase::Closed, closing(3, -2), "Clos"),
        (Phase::Awarded, closing(4, 30), "Attribué"),
        (Phase::NoAward, closing(5, 30), "Infructueux"),
        (Phase::Cancelled, closing(6, 30), "Annulé"),
    ] {
        told.push((phase, pages.take(&notice).await.unwrap(), said));
    }
    let won = Award { winners: vec!["Martin SARL".into()], ..Award::default() };
    pages.take(&follow_up(4, NoticeKind::Award, won)).await.unwrap();
    let none = Award::none(None, Some(NoAwardReason::NoRece));
    pages.take(&follow_up(5, NoticeKind::NoAward, none)).await.unwrap();
    pages.take(&follow_up(6, NoticeKind::Cancellation, Award::none(None, None))).await.unwrap();
    told
}

#[tokio::test]
async fn lists_filters_tables_and_the_api_say_what_the_page_says() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let all = in_each_phase(&pages).await;
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let program = pages.program("jeanne", &[Scope::Procedures]).await.unwrap();
    let table = ok(&jeanne, "/tableaux/recherche.csv?etat=tous").await.body;
    for (phase, procedure, said) in &all {
        let page = ok(&jeanne, &format!("/procedure/{procedure}")).await.body;
        let chip = format!("<span class=\"tag state-{}\">{said}", phase.as_str());
        assert!(page.contains(&chip), "{said}: {page}");
        let link = format!("/procedure/{procedure}\"");
        let found = ok(&jeanne, &format!("/chercher?etat={}", phase.as_str())).await.body;
        assert!(found.contains(&link), "{said}: {found}");
        let others = all.iter().filter(|(p, ..)| p != phase && !(*phase == Phase::Open && *p == Phase::ClosingSoon));
        for (_, other, name) in others {
            assert!(!found.contains(&format!("/procedure/{other}\"")), "{name} among {said}: {found}");
        }
        assert!(*phase == Phase::Open || found.contains(&chip), "{said}: {found}");
        let row = table.lines().find(|l| l.ends_with(procedure.as_str())).unwrap();
        assert!(row.contains(&format!(";{said};")), "{row}");
        let listed = ok(&program, &format!("/api/v1/procedures?state={}", phase.as_str())).await.body;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let states: Vec<&str> =
            listed["procedures"].as_array().unwrap().iter().filter_map(|p| p["state"].as_str()).collect();
        assert!(states.contains(&phase.as_str()), "{states:?}");
        let one = ok(&program, &format!("/api/v1/procedures/{procedure}")).await.body;
        let one: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(one["state"].as_str(), Some(phase.as_str()));
    }
    let everything = ok(&jeanne, "/chercher?etat=tous").await.body;
    for said in ["Attribué à Martin SARL", "Infructueux\u{a0}: aucune offre reçue"] {
        assert!(everything.contains(said), "{said}: {everything}");
    }
}

#[tokio::test]
async fn what_has_no_date_is_closed_after_a_year_in_lists_and_on_its_page() {
    let pages = pages().await;
    let mut undated = call("26-1", "Entretien sans date");
    undated.dates.clear();
    let procedure = pages.take(&undated).await.unwrap();
    let stranger = pages.stranger().unwrap();
    let find = |state: &'static str| {
        let stranger = &stranger;
        async move { ok(stranger, &format!("/chercher?etat={state}")).await.body.contains("Entretien sans date") }
    };
    assert!(find("open").await && !find("closed").await);
    pages.app.service.clock.set(now() + Duration::days(400));
    assert!(!find("open").await && find("closed").await);
    let page = ok(&stranger, &format!("/procedure/{procedure}")).await.body;
    assert!(page.contains("state-closed\">Clos"), "{page}");
}
