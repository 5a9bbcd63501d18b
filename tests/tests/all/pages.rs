//! The pages and the API, as browsers and programs ask for them: who sees what, what forms do, what links open, hostile text.

mod forms;
mod home;
mod next_steps;
mod operate;
mod operators;
mod private;
mod programs;
mod search;
mod slow;
mod states;
mod told;

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
use vigie_store::search::{Query, SearchRow};
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

pub(crate) fn call(id: &str, title: &str) -> Notice {
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

/// Every route, with what stands in braces filled in.
fn paths(procedure: &str, token: &str) -> Vec<String> {
    let fill = |path: &&str| {
        let id = match *path {
            p if p.starts_with("/procedure") || p.contains("/procedures/") || p.starts_with("/contrat/") => procedure,
            _ => token,
        };
        path.replace("{id}", id).replace("{token}", token).replace("{lot}", "1")
    };
    vigie_web::PATHS.iter().map(fill).collect()
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
    assert_eq!((opened.status.as_u16(), opened.location.as_deref()), (303, Some("/")));
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
    assert_eq!(mine.matches("Pour vous").count(), 1, "one of two lots is hers: {mine}");
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
    let armed = ok(&fatou, &path).await.body;
    assert!(!armed.contains(" checked") && !armed.contains(" selected"), "nothing is chosen beforehand: {armed}");
    let unsaid = fatou.post_form(&path, &[("note", "CCAP"), ("hours", "beaucoup"), ("lots", "9")]).await.unwrap();
    assert_eq!(unsaid.status, 422, "{}", unsaid.body);
    for kept in
        ["Choisissez de quoi", "si elle existe", "pas de lot 9", "écrivez un nombre", "CCAP", "value=\"beaucoup\""]
    {
        assert!(unsaid.body.contains(kept), "{kept}: {}", unsaid.body);
    }
    let before = pages.app.service.store.notice("boamp:26-1").await.unwrap().unwrap().assessment;
    let said = [
        ("kind", "execution_clause"),
        ("holds", "oui"),
        ("hours", "6 000"),
        ("percent", "7,5"),
        ("lots", "2"),
        ("note", "article 5 du CCAP"),
    ];
    let preview = fatou.post_form(&path, &said).await.unwrap();
    assert!(preview.status == 200 && preview.body.contains("6\u{202f}000"), "{}", preview.body);
    assert!(pages.app.service.store.verdict_corrections().await.unwrap().is_empty(), "seen before it is done");
    let done = fatou.post_form(&path, &[said.as_slice(), &[("do", "corriger")]].concat()).await.unwrap();
    assert!(done.status == 200 && done.body.contains("Annuler cette correction"), "{}", done.body);
    let row = pages.app.service.store.notice("boamp:26-1").await.unwrap().unwrap();
    let clause = row.assessment.provisions.iter().find(|p| p.kind == ProvisionKind::ExecutionClause).unwrap();
    assert_eq!((clause.hours, clause.percent), (Some(6000.0), Some(7.5)));
    assert_eq!(clause.lots, ["2"]);
    // Who corrected, and why, stands on its page: for those who are signed in.
    let of_procedure = format!("/procedure/{procedure}");
    let shown = ok(&jeanne, &of_procedure).await.body;
    assert!(shown.contains("Corrigé par Fatou") && shown.contains("article 5 du CCAP"), "{shown}");
    assert!(shown.contains("Lecture corrigée"), "{shown}");
    let public = ok(&pages.stranger().unwrap(), &of_procedure).await.body;
    assert!(public.contains("Corrigé par une personne") && !public.contains("Fatou"), "{public}");
    // Only who made it takes it back.
    let chef = pages.signed_in("chef").await.unwrap();
    chef.post_form(&path, &[("do", "annuler")]).await.unwrap();
    assert_eq!(pages.app.service.store.verdict_corrections().await.unwrap().len(), 1);
    let undone = fatou.post_form(&path, &[("do", "annuler")]).await.unwrap();
    assert_eq!(undone.status, 200, "{}", undone.body);
    let row = pages.app.service.store.notice("boamp:26-1").await.unwrap().unwrap();
    assert_eq!(row.assessment.provisions, before.provisions, "what held before holds again");

    // A rectificatif that says the same again brings nothing back; it is taken back from the page, which shows the latest notice.
    let reserved = async |id: &str| {
        let row = pages.app.service.store.notice(id).await.unwrap().unwrap();
        row.assessment.provisions.iter().any(|p| p.kind == ProvisionKind::Reserved)
    };
    assert!(reserved("boamp:26-1").await);
    let clock = &pages.app.service.clock;
    clock.set(clock.now() + chrono::Duration::minutes(1));
    let not_reserved = [("kind", "reserved"), ("holds", "non"), ("note", "relu"), ("do", "corriger")];
    assert_eq!(fatou.post_form(&path, &not_reserved).await.unwrap().status, 200);
    let mut again = call("26-2", "Entretien du linge");
    again.kind = NoticeKind::Correction;
    again.links.earlier.push("26-1".into());
    assert_eq!(pages.take(&again).await.unwrap(), procedure);
    assert!(!reserved("boamp:26-2").await, "the correction holds");
    assert_eq!(fatou.post_form(&path, &[("do", "annuler")]).await.unwrap().status, 200);
    assert!(reserved("boamp:26-2").await, "what it is read to say holds again");
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
    for fault in ["réfixe CPV", "n’est pas un nombre", "rythme"] {
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
    // One tap opens the question, a second one answers it.
    let listed = jeanne.get("/abonnements").await.unwrap().body;
    let asks = listed.split("<summary>Retirer").nth(1).unwrap();
    assert!(asks.contains("seront perdus") && asks.contains("Retirer pour de bon"), "{listed}");
    assert_eq!(jeanne.post_form(&format!("/abonnements/{id}/retirer"), &[]).await.unwrap().status, 303);
    assert!(pages.app.service.store.subscriptions_of("jeanne").await.unwrap().is_empty());
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
    assert!(ok(&chef, "/exploitation").await.body.contains("refusé"));
    let listed = ok(&chef, "/exploitation/envois?etat=dead").await.body;
    assert!(listed.contains(&format!("value=\"{dead}\"")) && listed.contains("550"), "{listed}");
    let shown = ok(&chef, &format!("/exploitation/envois/{dead}")).await.body;
    assert!(shown.contains("550") && shown.contains("Jeanne"), "{shown}");
    let looks = pages.app.service.store.looks("jeanne", 5).await.unwrap();
    assert!(looks.iter().any(|l| l.who == "chef" && l.what.contains("envoi")), "who saw it is noted: {looks:?}");
    // U8: its address is suspended, and it would be called off in silence.
    let refused = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead)]).await.unwrap();
    assert!(refused.status == 409 && refused.body.contains("hors service"), "{}", refused.body);
    let address = pages.app.service.store.addresses("jeanne").await.unwrap().remove(0).id;
    let mend = [("do", "remettre"), ("adresse", address.as_str())];
    assert_eq!(chef.post_form("/exploitation/personnes/jeanne", &mend).await.unwrap().status, 303);
    let again = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead)]).await.unwrap();
    assert_eq!(again.location.as_deref(), Some("/exploitation/envois?rejoues=1&refus=0"));
    let row = pages.app.service.store.delivery(&dead).await.unwrap().unwrap();
    assert_eq!(row.state, DeliveryState::Pending);
    let twice = chef.post_form("/exploitation/envois/rejouer", &[("envoi", &dead)]).await.unwrap();
    assert!(twice.status == 409 && twice.body.contains("en attente"), "one that waits is not doubled: {}", twice.body);
}

/// What a page says, without its tags, its code and its forms' values.
pub(crate) fn said(html: &str) -> String {
    let mut text = html.replace("&nbsp;", "\u{a0}").replace("&#8239;", "\u{202f}").replace("&#39;", "’");
    for (from, to) in [
        ("<head>", "</head>"),
        ("<code", "</code>"),
        ("<option", "</option>"),
        ("<textarea", "</textarea>"),
        ("<", ">"),
    ] {
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
