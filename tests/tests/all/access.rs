//! Who may come in, and for how long: access is looked at anew at each use; operators see and end it; whoever acts in another's
//! place is noted, and the other is told; what is nobody's to publish is seen by those who may.

use std::process::Command;

use chrono::{DateTime, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{Channel, Decision, Department, Filter, Notice, NoticeKind, Stage, Visibility};
use vigie_service::visibility;
use vigie_store::people::AddressState;
use vigie_store::tokens::Scope;
use vigie_tests::pages::{Pages, Visitor};
use vigie_tests::servers::Postgres;

const EA: &str = "33333333300017";
const OTHER: &str = "44444444400017";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-24T10:00:00+01:00").unwrap().with_timezone(&Utc)
}

/// What a person holds: a session, a token, the addresses of their calendar and feed.
struct Keys {
    session: Visitor,
    program: Visitor,
    links: Vec<String>,
}

impl Keys {
    async fn of(pages: &Pages, person: &str) -> Self {
        let session = pages.signed_in(person).await.unwrap();
        for link in ["calendar", "feed"] {
            session.post_form("/compte/jetons", &[("lien", link)]).await.unwrap();
        }
        let tokens = pages.app.service.store.tokens(person).await.unwrap();
        let links = tokens.iter().filter_map(|t| vigie_web::account::private_url(&pages.app.service, t));
        let links = links.map(|l| l.strip_prefix(&pages.base).unwrap().to_owned()).collect();
        Self { session, program: pages.program(person, &Scope::OF_PROGRAMS).await.unwrap(), links }
    }

    /// Which of them still open something.
    async fn open(&self) -> Vec<String> {
        let mut open = Vec::new();
        if self.session.get("/compte").await.unwrap().status == 200 {
            open.push("session".to_owned());
        }
        if self.program.get("/api/v1/procedures").await.unwrap().status == 200 {
            open.push("program".to_owned());
        }
        for link in &self.links {
            if self.session.get(link).await.unwrap().status == 200 {
                open.push(link.clone());
            }
        }
        open
    }
}

/// B3: whoever is suspended, stopped, or taken out of the settings file has no access any more.
#[tokio::test(flavor = "multi_thread")]
async fn access_ends_with_the_address_that_gave_it_on_either_engine() {
    access_ends(Pages::start(now(), "").await.unwrap()).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        let clock = vigie_service::Clock::fixed(now());
        access_ends(Pages::start_on(dir, &postgres.url, clock, "").await.unwrap()).await;
    }
}

async fn access_ends(pages: Pages) {
    let store = &pages.app.service.store;
    for (id, state) in [("a", AddressState::Suspended), ("b", AddressState::Stopped), ("c", AddressState::Unconfirmed)]
    {
        pages.person(id, id, Role::Operator, None).await.unwrap();
        let keys = Keys::of(&pages, id).await;
        assert_eq!(keys.open().await.len(), 4);
        assert_eq!(keys.session.get("/exploitation").await.unwrap().status, 200);
        let address = store.addresses(id).await.unwrap().remove(0);
        store.set_address_state(&address.id, state, "essai").await.unwrap();
        assert!(keys.open().await.is_empty(), "{state:?}");
        assert_ne!(keys.session.get("/exploitation").await.unwrap().status, 200, "{state:?}");
        // Back in use, what was not revoked opens again.
        store.set_address_state(&address.id, AddressState::Active, "essai").await.unwrap();
        assert_eq!(keys.open().await.len(), 4);
    }
    // A role is read at each use.
    pages.person("d", "d", Role::Operator, None).await.unwrap();
    let keys = Keys::of(&pages, "d").await;
    assert!(store.set_role("d", Role::Subscriber).await.unwrap());
    assert_eq!(keys.session.get("/exploitation").await.unwrap().status, 404);
}

/// B3: taken out of the settings file, an operator is gone at the next start.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_out_of_the_settings_file_is_out() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
    let person =
        |name: &str| format!("[[subscriber]]\nname = \"{name}\"\nrole = \"operator\"\nemail = \"{name}@x.example\"\n");
    let clock = || vigie_service::Clock::fixed(now());
    let both = format!("{}{}", person("ana"), person("bob"));
    let pages = Pages::start_on(tempfile::tempdir().unwrap(), &url, clock(), &both).await.unwrap();
    let id = |name: &str| vigie_store::derived_id(&["declared", name]);
    let (ana, bob) = (Keys::of(&pages, &id("ana")).await, Keys::of(&pages, &id("bob")).await);
    let cookies = [&ana, &bob].map(|k| k.session.cookie.clone());
    drop(pages);
    let pages = Pages::start_on(tempfile::tempdir().unwrap(), &url, clock(), &person("ana")).await.unwrap();
    let visit = async |cookie: &Option<String>| {
        let mut visitor = pages.stranger().unwrap();
        visitor.cookie.clone_from(cookie);
        visitor.get("/exploitation").await.unwrap().status.as_u16()
    };
    assert_eq!((visit(&cookies[0]).await, visit(&cookies[1]).await), (200, 303));
    assert!(pages.app.service.store.tokens(&id("bob")).await.unwrap().is_empty(), "their tokens are gone");
    assert_eq!(pages.app.service.store.tokens(&id("ana")).await.unwrap().len(), 3);
}

/// B3: operators see what is open and end it; the person is told.
#[tokio::test(flavor = "multi_thread")]
async fn operators_list_and_end_what_is_open() {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(EA)).await.unwrap();
    let keys = Keys::of(&pages, "jeanne").await;
    let chef = pages.signed_in("chef").await.unwrap();
    assert_eq!(keys.session.get("/exploitation/acces").await.unwrap().status, 404, "operators alone");
    let page = chef.get("/exploitation/acces?de=jeanne").await.unwrap().body;
    assert_eq!(page.matches("name=\"acces\"").count(), 4, "{page}");
    let open = pages.app.service.store.open_access(Some("jeanne"), 10, now()).await.unwrap();
    let session = open.iter().find(|o| o.scopes.is_empty()).unwrap();
    assert!(!page.contains(keys.session.cookie.as_deref().unwrap().split('=').nth(1).unwrap()), "no secret is shown");
    let done = chef.post_form("/exploitation/acces", &[("acces", &session.id)]).await.unwrap();
    assert_eq!(done.location.as_deref(), Some("/exploitation/acces?fermes=1"));
    assert_eq!(keys.open().await.len(), 3, "the session alone is closed");
    let told = pages.app.service.store.deliveries(None, 10).await.unwrap();
    assert!(told.iter().any(|d| d.subscriber == "jeanne"), "and its owner is told");
    assert_eq!(pages.app.service.store.revoke_all("jeanne").await.unwrap(), 3);
    assert!(keys.open().await.is_empty());
    let looks = pages.app.service.store.looks("jeanne", 20).await.unwrap();
    assert!(looks.iter().any(|l| l.who == "chef" && l.what == "accès fermé"), "{looks:?}");
}

/// B13: two at a time are not one more than allowed.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_made_at_the_same_moment_stay_within_the_quota() {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(EA)).await.unwrap();
    let makes = (0..60).map(|_| {
        let service = pages.app.service.clone();
        tokio::spawn(async move {
            let made = vigie_web::account::make_token(&service, "jeanne", "x", &[Scope::Procedures], None).await;
            made.unwrap().is_some()
        })
    });
    let mut made = 0;
    for make in makes.collect::<Vec<_>>() {
        made += usize::from(make.await.unwrap());
    }
    assert_eq!(made, usize::try_from(vigie_store::tokens::MAX_TOKENS).unwrap());
}

/// B13: whoever knows an address cannot have it written to for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_so_many_sign_in_links_a_day() {
    let pages = Pages::start(now(), "").await.unwrap();
    let email = pages.person("jeanne", "Jeanne", Role::Structure, Some(EA)).await.unwrap();
    let service = &pages.app.service;
    for hour in 0..24 {
        for _ in 0..6 {
            let at = now() + chrono::Duration::hours(hour);
            vigie_service::sign_in::send_links(service, &email, "/", at).await.unwrap();
        }
    }
    assert_eq!(service.store.deliveries(None, 1000).await.unwrap().len(), 10);
}

fn notice(id: &str, visibility: Visibility) -> Notice {
    let mut notice = Notice::new("portail", id, NoticeKind::Private);
    notice.title = format!("Blanchisserie confidentielle {id}");
    notice.buyer.name = "Groupe Secret".into();
    notice.departments.extend(Department::parse("59"));
    notice.visibility = visibility;
    notice
}

/// Where something public stands, and what a page of its own is.
async fn seen(visitor: &Visitor, procedure: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let paths = [
        "/".to_owned(),
        "/chercher?etat=tous".to_owned(),
        "/chercher?q=blanchisserie&etat=tous".to_owned(),
        "/tableaux/recherche.csv?etat=tous".to_owned(),
        "/api/v1/procedures".to_owned(),
        format!("/api/v1/procedures/{procedure}"),
        format!("/procedure/{procedure}"),
        format!("/procedure/{procedure}/signaler"),
    ];
    for path in paths {
        if visitor.get(&path).await.unwrap().body.contains("confidentielle") {
            seen.push(path);
        }
    }
    seen
}

/// B8: what came behind a login is seen by those who were told of it, and by operators.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_behind_a_login_is_no_public_page() {
    let pages = Pages::start(now(), "").await.unwrap();
    for (id, department) in [("jeanne", "59"), ("paul", "2A")] {
        pages.person(id, id, Role::Structure, None).await.unwrap();
        let filter = Filter { departments: Department::parse(department).into_iter().collect(), ..Filter::default() };
        pages.subscription(id, &filter).await.unwrap();
    }
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    let procedure = pages.take(&notice("1", Visibility::Told)).await.unwrap();
    let page = format!("/procedure/{procedure}");
    let (stranger, paul) = (pages.stranger().unwrap(), pages.signed_in("paul").await.unwrap());
    assert!(seen(&stranger, &procedure).await.is_empty());
    assert!(seen(&paul, &procedure).await.is_empty());
    assert!(seen(&pages.program("paul", &Scope::OF_PROGRAMS).await.unwrap(), &procedure).await.is_empty());
    for who in ["jeanne", "chef"] {
        let visitor = pages.signed_in(who).await.unwrap();
        assert!(seen(&visitor, &procedure).await.contains(&page), "{who}");
    }
    let decided = paul.post_form(&format!("{page}/decision"), &[("stage", "go")]).await.unwrap();
    assert_eq!(decided.status, 404, "nor is it decided on blindly");
    let hers = pages.program("jeanne", &Scope::OF_PROGRAMS).await.unwrap();
    assert!(hers.get(&format!("/api/v1/procedures/{procedure}")).await.unwrap().body.contains("confidentielle"));
    // A decision on it is shown to the structure that took it.
    let decision = Decision::new("jeanne", &procedure, Stage::Go, "Jeanne", now());
    pages.app.service.store.decide(&decision).await.unwrap();
    assert!(seen(&stranger, &procedure).await.is_empty());
}

/// B5, B8: a structure's own lead is told to its members alone, until one of them, or an operator, publishes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_its_structure_s_until_it_is_published() {
    let pages = Pages::start(now(), "").await.unwrap();
    for (id, siret) in [("ana", EA), ("bea", EA), ("rival", OTHER)] {
        pages.person(id, id, Role::Structure, Some(siret)).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    let store = &pages.app.service.store;
    let procedure = pages.take(&notice("2", Visibility::Structure(EA.into()))).await.unwrap();
    let told = |all: Vec<vigie_store::outbox::DeliveryRow>| {
        let mut people: Vec<String> = all.into_iter().map(|d| d.subscriber).collect();
        people.sort();
        people
    };
    assert_eq!(told(store.deliveries(None, 10).await.unwrap()), ["ana", "bea"]);
    let (rival, ana) = (pages.signed_in("rival").await.unwrap(), pages.signed_in("ana").await.unwrap());
    assert!(seen(&rival, &procedure).await.is_empty() && seen(&pages.stranger().unwrap(), &procedure).await.is_empty());
    // The same call, published elsewhere, stands apart: nothing of the lead shows in it, and nobody is told by way of it.
    let mut published = notice("2", Visibility::Public);
    published.source = "boamp".into();
    published.title = "Blanchisserie du centre hospitalier".into();
    assert_ne!(pages.take(&published).await.unwrap(), procedure);
    let row = store.notice("portail:2").await.unwrap().unwrap();
    let stranger_to_it = store.subscriber("rival").await.unwrap().unwrap();
    assert_eq!(visibility::publish(&pages.app.service, &stranger_to_it, &row).await.unwrap(), None);
    let refused = rival.post_form(&format!("/procedure/{procedure}/publier"), &[("avis", "portail:2")]).await.unwrap();
    assert_eq!(refused.status, 404);
    let page = ana.get(&format!("/procedure/{procedure}")).await.unwrap().body;
    assert!(page.contains("Partager cette piste") && page.contains("n’est pas publique"), "{page}");
    let before = store.deliveries(None, 100).await.unwrap().len();
    let done = ana.post_form(&format!("/procedure/{procedure}/publier"), &[("avis", "portail:2")]).await.unwrap();
    assert!(done.status == 200 && done.body.contains("Une personne"), "{}", done.body);
    let after = store.deliveries(None, 100).await.unwrap();
    assert_eq!(after.len(), before + 1, "the rival is told, the others were");
    assert!(after.iter().any(|d| d.subscriber == "rival"));
    assert!(seen(&pages.stranger().unwrap(), &procedure).await.contains(&format!("/procedure/{procedure}")));
    let again = ana.post_form(&format!("/procedure/{procedure}/publier"), &[("avis", "portail:2")]).await.unwrap();
    assert_eq!(again.status, 404, "there is nothing left to publish");
}

/// The command line on a database with some people.
struct Shell {
    dir: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "un secret de signature pour les essais").unwrap();
        let settings = format!(
            "[store]\nurl = \"sqlite:{}\"\n[web]\npublic_url = \"https://vigie.example\"\nsecret = {{ file = \"{}\" }}\n[log]\nfilter = \"error\"\n",
            dir.path().join("v.sqlite").display(),
            secret.display()
        );
        std::fs::write(dir.path().join("vigie.toml"), settings).unwrap();
        Self { dir }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let (command, rest) = arguments.split_first().unwrap();
        let out = Command::new(vigie_tests::servers::vigie())
            .arg(command)
            .args(["-c", &self.dir.path().join("vigie.toml").display().to_string()])
            .args(rest)
            .env("USER", "essai")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        (out.status.code().unwrap_or(-1), text)
    }
}

/// B12: a key that means two people means nobody; acting in somebody's place leaves a line, and they are told.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_acts_on_one_person_and_leaves_a_line() {
    let shell = Shell::new();
    for email in ["un@x.example", "deux@x.example"] {
        let (code, said) = shell.run(&["subscriptions", "add", "--email", email, "--name", "Dupont", "--confirmed"]);
        assert_eq!(code, 0, "{said}");
    }
    for command in [
        vec!["erase", "--subscriber", "Dupont", "--yes"],
        vec!["export", "--subscriber", "Dupont"],
        vec!["sign-in", "--subscriber", "Dupont"],
        vec!["token", "--subscriber", "Dupont", "--name", "x", "--scope", "procedures"],
        vec!["access", "revoke", "--subscriber", "Dupont"],
    ] {
        let (code, said) = shell.run(&command);
        assert!(code == 2 && said.contains("désigne 2 personnes"), "{command:?}: {said}");
    }
    assert_eq!(shell.run(&["sign-in", "--subscriber", "un@x.example"]).0, 0);
    assert_eq!(shell.run(&["token", "--subscriber", "un@x.example", "--name", "x", "--scope", "procedures"]).0, 0);
    let (_, held) = shell.run(&["export", "--subscriber", "un@x.example"]);
    for line in ["lien pour entrer, fait pour elle", "jeton « x »", "ligne de commande (essai)"] {
        assert!(held.contains(line), "{line}: {held}");
    }
    assert!(
        held.contains("Un jeton agit en votre nom") && held.contains("Un lien vers vos pages a été fait pour vous"),
        "{held}"
    );
    let (_, open) = shell.run(&["access", "list", "--subscriber", "un@x.example"]);
    assert!(open.contains("procedures") && open.contains("Dupont"), "{open}");
    let (code, said) = shell.run(&["access", "revoke", "--subscriber", "un@x.example"]);
    assert!(code == 0 && said.contains("fermé"), "{said}");
    assert!(!shell.run(&["access", "list"]).1.contains("Dupont"));
    assert_eq!(shell.run(&["erase", "--subscriber", "un@x.example", "--yes"]).0, 0);
    let store =
        vigie_store::Store::open(&format!("sqlite:{}", shell.dir.path().join("v.sqlite").display())).await.unwrap();
    let looks = store.looks("", 50).await.unwrap();
    assert!(looks.iter().any(|l| l.what == "effacement d’une personne" && l.who.contains("essai")), "{looks:?}");
    let mut left = store.subscribers().await.unwrap();
    assert_eq!(left.len(), 1, "the other Dupont is there");
    assert_eq!(store.active_addresses(&left.remove(0).id).await.unwrap()[0].channel, Channel::Email);
}

/// B9: the command shows who is there and asks; elsewhere than on a terminal, --yes says so.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_joins_a_structure_without_being_asked_about() {
    let shell = Shell::new();
    assert_eq!(shell.run(&["invite", "--role", "structure", "--siret", EA]).0, 0, "nobody is there yet");
    let store =
        vigie_store::Store::open(&format!("sqlite:{}", shell.dir.path().join("v.sqlite").display())).await.unwrap();
    let profile = vigie_domain::subscription::Profile { siret: Some(EA.into()), ..Default::default() };
    let subscriber = vigie_domain::Subscriber { id: "ana".into(), name: "Ana".into(), role: Role::Structure, profile };
    let addresses = vec![(Channel::Email, "ana@x.example".to_owned(), AddressState::Active)];
    let new = vigie_store::people::NewSubscriber { subscriber, addresses, declared: false };
    store.put_subscriber(&new, now()).await.unwrap();
    let (code, said) = shell.run(&["invite", "--role", "structure", "--siret", EA]);
    assert!(code == 2 && said.contains("a déjà des membres : Ana"), "{said}");
    assert_eq!(shell.run(&["invite", "--role", "structure", "--siret", EA, "--yes"]).0, 0);
    let (_, members) = shell.run(&["members", "list", EA]);
    assert!(members.contains("Ana"), "{members}");
}

/// B13: the public health page showed how many messages wait. What stands in the database is for operators.
#[tokio::test(flavor = "multi_thread")]
async fn health_tells_anybody_that_pages_answer_and_nothing_more() {
    let pages = Pages::start(now(), "").await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(EA)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let visitor = pages.stranger().unwrap();
    let before = visitor.get("/sante").await.unwrap();
    for n in 0..3 {
        pages.take(&notice(&n.to_string(), Visibility::Public)).await.unwrap();
    }
    let after = visitor.get("/sante").await.unwrap();
    assert_eq!((before.status.as_u16(), before.body.as_str()), (200, "{\"ok\":true}"));
    assert_eq!((after.status.as_u16(), after.body.as_str()), (200, "{\"ok\":true}"));
    for page in ["/exploitation", "/metrics", "/readyz", "/exploitation/envois"] {
        let answer = visitor.get(page).await.unwrap();
        assert_ne!(answer.status.as_u16(), 200, "{page}: {}", answer.body);
    }
}
