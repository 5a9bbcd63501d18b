//! The table of roles, walked on every surface that asks it: pages, API, chats, mails, commands.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_domain::subscription::Role;
use vigie_domain::{
    Channel, DateKind, Department, Filter, Lot, Notice, NoticeKind, Passage, Permission, Stage, TypedDate,
};
use vigie_store::accounts::Account;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::tokens::Scope;
use vigie_tests::pages::{Pages, Visitor};

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

fn call() -> Notice {
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Entretien du linge des écoles".into();
    notice.buyer.name = "Ville de Lille".into();
    notice.departments.extend(Department::parse("59"));
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 18);
    let closes = DateTime::parse_from_rfc3339("2026-12-21T12:00:00+01:00").unwrap();
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "dateReceptionOffres"));
    notice.lots.push(Lot { id: "1".into(), title: "Blanchisserie du linge plat".into(), ..Lot::default() });
    let text = "Le lot 1 est réservé aux entreprises adaptées (article L2113-12).";
    notice.passages.push(Passage { field: "rensgComplt".into(), lot: None, text: text.into() });
    notice
}

/// One person of each role, told of one procedure by mail and on Telegram.
struct Cast {
    pages: Pages,
    procedure: String,
}

fn id(role: Role) -> &'static str {
    role.in_french()
}

impl Cast {
    async fn new() -> Self {
        let pages = Pages::start(now(), "").await.unwrap();
        for role in Role::ALL {
            pages.person(id(role), role.in_french(), role, None).await.unwrap();
            let subscriber = pages.app.service.store.subscriber(id(role)).await.unwrap().unwrap();
            let addresses = vec![(Channel::Telegram, format!("tg-{}", id(role)), AddressState::Active)];
            let chat = NewSubscriber { subscriber, addresses, declared: false };
            pages.app.service.store.put_subscriber(&chat, now()).await.unwrap();
            pages.subscription(id(role), &Filter::default()).await.unwrap();
        }
        let procedure = pages.take(&call()).await.unwrap();
        Self { pages, procedure }
    }

    async fn delivery(&self, role: Role, channel: Channel) -> String {
        let all = self.pages.app.service.store.deliveries(None, 100).await.unwrap();
        let one = all.iter().find(|d| d.subscriber == id(role) && d.channel == channel).unwrap();
        let chat = format!("tg-{}", id(role));
        if channel == Channel::Telegram {
            self.pages.app.service.store.remember_message(&one.id, channel, &chat, "7", now()).await.unwrap();
        }
        one.id.clone()
    }

    async fn says(&self, role: Role, input: Input) -> String {
        let chat =
            Chat { channel: Channel::Telegram, id: format!("tg-{}", id(role)), private: true, title: String::new() };
        let sender = Sender { id: id(role).into(), name: id(role).into() };
        let replies = conversation::dispatch(&self.pages.app.service, Incoming { chat, sender, input }).await.unwrap();
        replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n")
    }

    async fn decided(&self, role: Role) -> bool {
        let store = &self.pages.app.service.store;
        store.decisions_on(id(role), &self.procedure).await.unwrap().iter().any(|d| d.stage.is_decision())
    }
}

fn said(text: &str) -> Input {
    Input::Text { text: text.to_owned(), about: None, edited: false, forwarded: false }
}

/// U10: facilitators and elected people could press « On y va » on pages, though they only read.
#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_is_offered_no_decision_and_none_is_noted_on_any_surface() {
    let cast = Cast::new().await;
    for role in Role::ALL {
        let may = role.may(Permission::Decide);
        let visitor = cast.pages.signed_in(id(role)).await.unwrap();
        let page = format!("/procedure/{}", cast.procedure);
        let shown = visitor.get(&page).await.unwrap().body;
        assert_eq!(shown.contains("name=\"stage\""), may, "buttons of the page, {role:?}");
        let posted = visitor.post_form(&format!("{page}/decision"), &[("stage", "go")]).await.unwrap();
        assert_eq!(posted.status.as_u16(), if may { 303 } else { 403 }, "{role:?}");
        assert_eq!(cast.decided(role).await, may, "page, {role:?}");
        for path in ["/mois", "/tableaux/decisions.csv", "/tableaux/mois.csv"] {
            assert_eq!(visitor.get(path).await.unwrap().status == 200, may, "{path}, {role:?}");
        }
        let program = cast.pages.program(id(role), &Scope::OF_PROGRAMS).await.unwrap();
        let path = format!("/api/v1/procedures/{}/decisions", cast.procedure);
        let put = program.json("PUT", &path, &json!({ "stage": "preparing", "seen": "go" })).await.unwrap();
        assert_eq!(put.status.as_u16(), if may { 200 } else { 403 }, "API, {role:?}: {}", put.body);
        assert_eq!(program.get("/api/v1/procedures").await.unwrap().status, 200, "everybody reads, {role:?}");

        let mail = cast.delivery(role, Channel::Email).await;
        let link = cast.pages.app.service.answer_url(&mail, now()).unwrap();
        let link = link.strip_prefix(&cast.pages.base).unwrap();
        let answered = cast.pages.stranger().unwrap().post(link, &[("mot", "non")]).await.unwrap();
        assert_eq!(answered.status != 403, may, "link of a mail, {role:?}: {}", answered.body);
        assert_eq!(answered.body.contains("sans décider"), !may, "{role:?}: {}", answered.body);

        let chat = cast.delivery(role, Channel::Telegram).await;
        let buttons = vigie_service::answers::state_line::buttons(
            vigie_domain::AlertKind::New,
            role,
            vigie_domain::Phase::Open,
            &chat,
        );
        let offered = buttons.into_iter().flatten().any(|b| b.label.contains("On y va"));
        assert_eq!(offered, may, "buttons of a chat, {role:?}");
        let pressed = cast.says(role, Input::Pressed { data: format!("go:{chat}"), about: None }).await;
        assert_eq!(pressed.contains("sans décider"), !may, "{role:?}: {pressed}");
        let dates = cast.says(role, said("/echeances")).await;
        assert_eq!(dates.contains("ne décide pour aucune structure"), !may, "{role:?}: {dates}");
        assert_eq!(cast.decided(role).await, may, "nothing is noted by a chat or a mail, {role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_corrected_and_clauses_tabled_by_who_may() {
    let cast = Cast::new().await;
    for role in Role::ALL {
        let visitor = cast.pages.signed_in(id(role)).await.unwrap();
        let form = visitor.get(&format!("/procedure/{}/signaler", cast.procedure)).await.unwrap().body;
        assert_eq!(form.contains("name=\"holds\""), role.may(Permission::CorrectVerdict), "{role:?}");
        let table = visitor.get("/tableaux/clauses.csv").await.unwrap().status;
        assert_eq!(table == 200, role.may(Permission::ReadClauseTable), "{role:?}");
        let follows = role.may(Permission::FollowOperations);
        for path in vigie_web::PATHS.iter().filter(|p| p.starts_with("/operations") && !p.contains('{')) {
            let status = visitor.get(path).await.unwrap().status.as_u16();
            assert!(if follows { status != 404 } else { [404, 405].contains(&status) }, "{path}: {status}, {role:?}");
        }
        assert_eq!(nav_has(&visitor, "/operations").await, follows, "{role:?}");
        let said = cast.says(role, said("/operations")).await;
        assert_eq!(said.contains("pour les facilitateurs"), !follows, "{role:?}: {said}");
        let posted = visitor.post_form("/operations/suivre", &[("procedure", &cast.procedure)]).await.unwrap();
        assert_eq!(posted.status == 303, follows, "{role:?}");
    }
    // What may not be done from a page may not be done by posting to it either.
    let reader = cast.pages.signed_in(id(Role::Subscriber)).await.unwrap();
    let fields = [("kind", "reserved"), ("holds", "non"), ("do", "corriger"), ("note", "non")];
    reader.post_form(&format!("/procedure/{}/signaler", cast.procedure), &fields).await.unwrap();
    assert!(cast.pages.app.service.store.verdict_corrections().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_installation_is_run_and_notices_are_passed_on_by_who_may() {
    let cast = Cast::new().await;
    for role in Role::ALL {
        let (operates, passes) = (role.may(Permission::Operate), role.may(Permission::PassOn));
        let visitor = cast.pages.signed_in(id(role)).await.unwrap();
        for path in vigie_web::PATHS.iter().filter(|p| p.starts_with("/exploitation") && !p.contains('{')) {
            let status = visitor.get(path).await.unwrap().status.as_u16();
            assert!(
                if operates { status != 404 } else { status == 404 || status == 405 },
                "{path}: {status}, {role:?}"
            );
        }
        assert_eq!(nav_has(&visitor, "/exploitation").await, operates, "{role:?}");
        let health = cast.says(role, said("/sante")).await;
        assert_eq!(health.contains("pour la personne qui gère Vigie"), !operates, "{role:?}: {health}");
        let passed = cast.says(role, said("/transmettre 26-1")).await;
        assert_eq!(passed.contains("pour les réseaux"), !passes, "{role:?}: {passed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_structure_follows_is_chosen_by_who_may() {
    let cast = Cast::new().await;
    let store = &cast.pages.app.service.store;
    for role in Role::ALL {
        let may = role.may(Permission::Decide) || role == Role::Facilitator;
        let follows = async || !store.accounts_of(id(role)).await.unwrap().is_empty();
        let visitor = cast.pages.signed_in(id(role)).await.unwrap();
        let program = cast.pages.program(id(role), &Scope::OF_PROGRAMS).await.unwrap();
        visitor.post_form("/contrats/suivre", &[("qui", "215903501")]).await.unwrap();
        assert_eq!(follows().await, may, "page, {role:?}");
        visitor.post_form("/contrats/oublier", &[("qui", "215903501")]).await.unwrap();
        assert!(!follows().await, "page, {role:?}");
        // What a colleague follows is not given up by who only reads.
        let account = Account {
            structure: id(role).into(),
            key: "215903501".into(),
            name: "Ville de Lille".into(),
            by: "Ana".into(),
            at: now(),
        };
        store.follow(&account).await.unwrap();
        let gone = visitor.post_form("/contrats/oublier", &[("qui", "215903501")]).await.unwrap();
        assert_eq!((gone.status == 303, !follows().await), (may, may), "page, {role:?}");
        store.follow(&account).await.unwrap();
        let gone = program.json("DELETE", "/api/v1/accounts/215903501", &json!({})).await.unwrap();
        assert_eq!((gone.status.as_u16(), !follows().await), (if may { 204 } else { 403 }, may), "API, {role:?}");
        store.follow(&account).await.unwrap();
        cast.says(role, said("/oublier Ville de Lille")).await;
        assert_eq!(!follows().await, may, "chat, {role:?}");
    }
}

async fn nav_has(visitor: &Visitor, path: &str) -> bool {
    visitor.get("/a-propos").await.unwrap().body.contains(&format!("href=\"{path}\""))
}

/// A token made before a role was taken away opens no more than the role does.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_taken_away_is_taken_from_tokens_and_private_links_too() {
    let cast = Cast::new().await;
    let who = id(Role::Structure);
    let store = &cast.pages.app.service.store;
    let visitor = cast.pages.signed_in(who).await.unwrap();
    visitor.post_form("/compte/jetons", &[("lien", "calendar")]).await.unwrap();
    let token = store.tokens(who).await.unwrap().remove(0);
    let calendar = vigie_web::account::private_url(&cast.pages.app.service, &token).unwrap();
    let calendar = calendar.strip_prefix(&cast.pages.base).unwrap();
    let program = cast.pages.program(who, &[Scope::Decisions]).await.unwrap();
    assert_eq!(program.get("/api/v1/decisions").await.unwrap().status, 200);
    assert_eq!(visitor.get(calendar).await.unwrap().status, 200);
    store.decide(&vigie_domain::Decision::new(who, &cast.procedure, Stage::Go, who, now())).await.unwrap();
    assert!(store.set_role(who, Role::Subscriber).await.unwrap());
    assert_eq!(program.get("/api/v1/decisions").await.unwrap().status, 403);
    assert_eq!(visitor.get(calendar).await.unwrap().status, 404);
    assert_eq!(visitor.get("/mois").await.unwrap().status, 404);
    let page = visitor.get("/compte").await.unwrap().body;
    assert!(!page.contains("decisions:write") && !page.contains("adresse d’agenda"), "{page}");
}
