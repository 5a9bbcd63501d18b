//! Personal data: what is held on a person is exported whole, and after an erasure no byte of it is left, on either engine.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use vigie_bot::app::App;
use vigie_bot::clock::Clock;
use vigie_bot::personal;
use vigie_config::settings::{self, Settings};
use vigie_domain::directory::Facilitator;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Alert, AlertKind, Cadence, Channel, Decision, Filter, Stage, Subscriber};
use vigie_store::Store;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::personal::{IMPERSONAL, REGISTER};
use vigie_store::sources::Quarantined;
use vigie_tests::servers::Postgres;
use vigie_watcher::fetch::Fetcher;

const ADDRESS: &str = "jeanne.untel@structure.example";
const NAME: &str = "Jeanne Untel-Ferrand";
const COLLEAGUE: &str = "Paul Collègue";
const WORDS: &str = "mots-confiés-à-vigie";
const SIRET: &str = "21590350100017";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z").unwrap().with_timezone(&Utc)
}

async fn app(url: &str) -> App {
    let settings =
        Settings { store: settings::Store { url: Some(url.to_owned()), password: None }, ..Settings::default() };
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    App::start(settings, fetcher, Clock::fixed(now())).await.unwrap()
}

async fn person(store: &Store, id: &str, name: &str, email: &str) {
    let profile = Profile { siret: Some(SIRET.into()), ..Profile::default() };
    let subscriber = Subscriber { id: id.into(), name: name.into(), role: Role::Structure, profile };
    let addresses = vec![(Channel::Email, email.to_owned(), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
    store.put_subscription(id, &Filter::default(), Cadence::Instant, now()).await.unwrap();
}

/// Leaves traces of the person wherever they can be left.
async fn lives(store: &Store) {
    person(store, "jeanne", NAME, ADDRESS).await;
    person(store, "paul", COLLEAGUE, "paul@structure.example").await;
    let alert = |id: &str| Alert {
        id: id.into(),
        kind: AlertKind::Operator,
        procedure: String::new(),
        notice: String::new(),
        changes: vec![],
    };
    store.tell("jeanne", &alert("to-her"), &format!("Bonjour {NAME}\n{WORDS}"), now()).await.unwrap();
    store
        .tell("paul", &alert("about-her"), &format!("À savoir\n{NAME} ({ADDRESS}) ne répond plus"), now())
        .await
        .unwrap();
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    store.note("address", &address.id, &format!("suspendue : {WORDS}"), now()).await.unwrap();
    store.note("mail", "boîte", &format!("un mail de {ADDRESS} n’a pas été compris"), now()).await.unwrap();
    store.saw("paul", "jeanne", "export", now()).await.unwrap();
    store
        .quarantine(&Quarantined {
            source: "mailbox".into(),
            record_id: None,
            place: "imap://boite;UID=1".into(),
            reason: "courriel illisible".into(),
            raw: format!("From: {} <{}>\r\n\r\n\u{fffd}", NAME, ADDRESS.to_uppercase()).into_bytes(),
            at: now(),
        })
        .await
        .unwrap();
    store.put_lead("piste:1", "jeanne", now()).await.unwrap();
    store.count_soft(&address.id, ("mail", "soft"), Duration::days(30), now()).await.unwrap();
    let mut decision = Decision::new(SIRET, "p1", Stage::Go, NAME, now());
    decision.assignee = NAME.into();
    decision.note = format!("à voir avec {NAME}");
    store.decide(&decision).await.unwrap();
    let facilitator = Facilitator {
        territory: "Lille".into(),
        departments: vec![vigie_domain::Department::parse("59").unwrap()],
        name: NAME.into(),
        contact: ADDRESS.into(),
    };
    store.put_entries(&[facilitator], now()).await.unwrap();
}

/// Files that hold one of the person's traces.
fn traces(dir: &Path) -> Vec<PathBuf> {
    let mut needles: Vec<Vec<u8>> = [ADDRESS, NAME, WORDS, "jeanne"].iter().map(|s| s.as_bytes().to_vec()).collect();
    // As PostgreSQL dumps bytes.
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes();
    needles.extend([hex(NAME), hex(&ADDRESS.to_uppercase())]);
    let files: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        needles.iter().any(|n| bytes.windows(n.len()).any(|w| w.eq_ignore_ascii_case(n)))
    };
    files.into_iter().filter(holds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_byte_of_a_person_is_left_in_the_files_of_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
    let app = app(&url).await;
    lives(&app.store).await;
    assert!(!traces(dir.path()).is_empty(), "the search must be able to find");
    export_says_it_all(&app).await;
    leaves(&app).await;
    assert_eq!(traces(dir.path()), Vec::<PathBuf>::new());
    app.store.close().await;
    assert_eq!(traces(dir.path()), Vec::<PathBuf>::new(), "nor after closing");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_a_dump_of_postgresql_knows_nothing_of_a_person() {
    let Some(postgres) = Postgres::start() else { return };
    let app = app(&postgres.url).await;
    lives(&app.store).await;
    let dir = tempfile::tempdir().unwrap();
    let dump = || {
        let out = Command::new(postgres.program("pg_dump")).arg(&postgres.url).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        std::fs::write(dir.path().join("dump.sql"), out.stdout).unwrap();
        traces(dir.path())
    };
    assert_eq!(dump().len(), 1, "the search must be able to find");
    export_says_it_all(&app).await;
    leaves(&app).await;
    assert_eq!(dump(), Vec::<PathBuf>::new());
}

async fn export_says_it_all(app: &App) {
    let export = personal::export(app, "jeanne").await.unwrap();
    let text = export.to_string();
    for held in [ADDRESS, NAME, WORDS, "vos abonnements", "envois vers vos adresses", "2026-11-21T09:00:00+01:00"] {
        assert!(text.contains(held), "{held} in {text}");
    }
    assert!(!text.contains("paul@structure.example"), "nobody else's data: {text}");
}

async fn leaves(app: &App) {
    let erased = personal::erase(app, "jeanne").await.unwrap().unwrap();
    assert!(erased.deleted > 5 && erased.pseudonymised >= 1, "{erased:?}");
    assert_eq!(personal::export(app, "jeanne").await.unwrap(), Value::Null);
    assert_eq!(personal::erase(app, "jeanne").await.unwrap(), None, "a second time finds nobody");

    let decision = app.store.decisions_on(SIRET, "p1").await.unwrap().remove(0);
    assert_eq!(
        (decision.stage, decision.by.as_str()),
        (Stage::Go, "personne effacée"),
        "the structure keeps its decision"
    );
    assert_eq!(app.store.deliveries(None, 10).await.unwrap().len(), 2, "figures stay");
    assert!(app.store.facilitators(&vigie_domain::Department::parse("59").unwrap()).await.unwrap().is_empty());

    // An import does not bring the address back into use; its owner does.
    assert!(app.store.is_suppressed(Channel::Email, &ADDRESS.to_uppercase()).await.unwrap());
    assert!(!app.store.is_suppressed(Channel::Email, "paul@structure.example").await.unwrap());
    person(&app.store, "import", "x", ADDRESS).await;
    assert!(app.store.addresses("import").await.unwrap().is_empty());
    app.store.erase("import", true, now()).await.unwrap();
    app.store.scrub().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_says_what_it_holds_on_persons() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.sqlite");
    Store::open(&format!("sqlite:{}", path.display())).await.unwrap().close().await;
    let store = Store::open(&format!("sqlite:{}", path.display())).await.unwrap();
    let tables = store.tables().await.unwrap();
    let unknown: Vec<&String> = tables
        .iter()
        .filter(|t| !REGISTER.iter().any(|h| h.table == t.as_str()) && !IMPERSONAL.contains(&t.as_str()))
        .collect();
    assert!(unknown.is_empty(), "say in store/src/personal.rs what {unknown:?} hold on persons");
    let gone: Vec<&str> = REGISTER
        .iter()
        .map(|h| h.table)
        .chain(IMPERSONAL.iter().copied())
        .filter(|t| !tables.iter().any(|known| known == t))
        .collect();
    assert!(gone.is_empty(), "{gone:?} are no tables");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_it_may_be_goes_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&format!("sqlite:{}", dir.path().join("v.sqlite").display())).await;
    person(&app.store, "stays", "Reste", "reste@structure.example").await;
    person(&app.store, "stopped", "Arrêtée", "arret@structure.example").await;
    let subscriber =
        Subscriber { id: "waits".into(), name: "Attend".into(), role: Role::Subscriber, profile: Profile::default() };
    let addresses = vec![(Channel::Email, "attend@structure.example".to_owned(), AddressState::Unconfirmed)];
    app.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
    let address = app.store.addresses("stopped").await.unwrap().remove(0);
    app.store.set_address_state(&address.id, AddressState::Stopped, "").await.unwrap();
    app.store.note("source", "boamp", "ancienne ligne", now()).await.unwrap();

    let known = |people: Vec<Subscriber>| people.into_iter().map(|p| p.id).collect::<Vec<_>>();
    personal::keep_retention(&app, now()).await.unwrap();
    assert_eq!(app.store.subscribers().await.unwrap().len(), 3, "nothing is old yet");
    personal::keep_retention(&app, now() + Duration::days(16)).await.unwrap();
    let left = known(app.store.subscribers().await.unwrap());
    assert!(!left.contains(&"waits".to_owned()) && left.len() == 2, "{left:?}");
    assert_eq!(app.store.journal("boamp", 5).await.unwrap().len(), 1);
    personal::keep_retention(&app, now() + Duration::days(401)).await.unwrap();
    assert_eq!(known(app.store.subscribers().await.unwrap()), ["stays"]);
    assert!(app.store.journal("boamp", 5).await.unwrap().is_empty());
}
