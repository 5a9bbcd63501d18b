//! Personal data: what is held on a person is exported whole, and after an erasure no byte of it is left, on either engine.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::directory::Facilitator;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Alert, AlertKind, Cadence, Channel, Decision, Filter, Stage, Subscriber, Visibility};
use vigie_service::Clock;
use vigie_service::leads::{self, Added, Lead};
use vigie_service::personal_data;
use vigie_store::Store;
use vigie_store::leads::NewAttachment;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::personal::{IMPERSONAL, REGISTER};
use vigie_store::quarantine::Quarantined;
use vigie_tests::servers::{self, Postgres, Smtp};
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
    store.note("address", &address.id, &format!("hors service : {WORDS}"), now()).await.unwrap();
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
    let content = format!("De la part de {NAME} : {WORDS}");
    let attachment = NewAttachment {
        structure: SIRET,
        notice: "piste:1",
        subscriber: "jeanne",
        name: "lettre.txt",
        media_type: "text/plain",
        content: content.as_bytes(),
        fingerprint: "1",
    };
    assert!(store.put_attachment(&attachment, (10, 1_000), now()).await.unwrap());
    store.count_soft(&address.id, ("mail", "soft"), Duration::days(30), now()).await.unwrap();
    let mut decision = Decision::new(SIRET, "p1", Stage::Go, NAME, now());
    decision.assignee = NAME.into();
    decision.note = format!("à voir avec {NAME}");
    store.decide(&decision).await.unwrap();
    let facilitator = Facilitator {
        territory: "Lille".into(),
        area: vigie_domain::service_area::Area::default(),
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
    needles.extend([NAME, &ADDRESS.to_uppercase()].map(|text| hex::encode(text).into_bytes()));
    holding(&needles, dir)
}

/// Files of a folder, and of those below, that hold one of these words, in whatever case.
fn holding(needles: &[Vec<u8>], dir: &Path) -> Vec<PathBuf> {
    let mut pattern = regex::bytes::RegexBuilder::new(
        &needles.iter().map(|n| regex::escape(&String::from_utf8_lossy(n))).collect::<Vec<_>>().join("|"),
    );
    let pattern = pattern.case_insensitive(true).build().unwrap();
    let (mut folders, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() && pattern.is_match(&std::fs::read(&path).unwrap()) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_byte_of_a_person_is_left_in_the_files_of_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
    let app = app(&url).await;
    lives(&app.service.store).await;
    assert!(!traces(dir.path()).is_empty(), "the search must be able to find");
    export_says_it_all(&app).await;
    leaves(&app).await;
    assert_eq!(traces(dir.path()), Vec::<PathBuf>::new());
    app.service.store.close().await;
    assert_eq!(traces(dir.path()), Vec::<PathBuf>::new(), "nor after closing");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_a_dump_of_postgresql_knows_nothing_of_a_person() {
    let Some(postgres) = Postgres::start() else { return };
    let app = app(&postgres.url).await;
    lives(&app.service.store).await;
    let dir = tempfile::tempdir().unwrap();
    let dump = || {
        let out = Command::new(postgres.program("pg_dump")).arg(&postgres.url).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        std::fs::write(dir.path().join("dump.sql"), out.stdout).unwrap();
        traces(dir.path())
    };
    assert_eq!(dump().len(), 1, "the search must be able to find");
    // The server's own files, where it writes what it holds in memory; its write-ahead log is left to its archives.
    let files = || {
        let args = ["-c", "CHECKPOINT", "-c", "CHECKPOINT"];
        let asked = Command::new(postgres.program("psql")).arg("-q").arg(&postgres.url).args(args).status().unwrap();
        assert!(asked.success());
        let mut found = traces(postgres.folder());
        found.retain(|path| !path.components().any(|c| c.as_os_str() == "pg_wal"));
        found
    };
    assert!(files().len() > 3, "the search must be able to find");
    export_says_it_all(&app).await;
    leaves(&app).await;
    assert_eq!(dump(), Vec::<PathBuf>::new());
    assert_eq!(files(), Vec::<PathBuf>::new());
}

/// What a program writes to its standard output and error goes to that file.
fn logged(command: &mut Command, log: &Path) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    command.stdout(file.try_clone().unwrap()).stderr(file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_lived_in_the_real_program_leaves_nothing_in_files_logs_or_exports() {
    const REFUSED: &str = "jeanne.ailleurs@refuse.example";
    let Some(smtp) = Smtp::start(&["--refuse", REFUSED]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let web = servers::free_port().unwrap();
    std::fs::write(path("secret"), "une clef de plus de seize octets").unwrap();
    std::fs::write(
        path("vigie.toml"),
        format!(
            "[store]\nurl = 'sqlite:{}'\n[log]\nfilter = 'debug'\n[web]\nlisten = '127.0.0.1:{web}'\npublic_url = 'http://127.0.0.1:{web}'\nsecret = {{ file = '{}' }}\n\
             [operator]\nname = 'Camille Essai'\ncontact = 'camille@vigie.example'\norganisation = 'Les essais'\n[email]\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'Vigie <vigie@vigie.example>'\nreturn_path = 'retours+*@vigie.example'\n\
             [[subscriber]]\nname = 'Exploitation'\nrole = 'operator'\nemail = 'chef@vigie.example'\n",
            path("v.sqlite"),
            path("secret"),
            smtp.port
        ),
    )
    .unwrap();
    let command = |args: &[&str]| {
        let mut command = Command::new(servers::vigie());
        command.args(args).arg("-c").arg(path("vigie.toml")).env_remove("VIGIE_CONFIG");
        command
    };
    let run = |args: &[&str]| {
        let out = command(args).output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    // Two addresses of one name, one of which the mail server refuses; a lead that reaches both.
    for address in [ADDRESS, REFUSED] {
        run(&["subscriptions", "add", "--email", address, "--name", NAME, "--department", "59", "--confirmed"]);
    }
    let log = dir.path().join("log");
    let mut service = command(&["run"]);
    logged(&mut service, &log);
    let mut service = service.spawn().unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let at = |page: &str| format!("http://127.0.0.1:{web}{page}");
    eventually("the pages answer", || async { client.get(at("/sante")).send().await.ok() }).await;
    let lead = [
        "leads",
        "add",
        "--public",
        "--title",
        "Nettoyage de bureaux à Lille",
        "--department",
        "59",
        "--buyer",
        "Ville",
    ];
    run(&lead);
    let mail_to_her = |word: &'static str| {
        let smtp = &smtp;
        eventually("a mail", move || async move {
            let text = |m: &Vec<u8>| String::from_utf8_lossy(m).replace("=\r\n", "").replace("=3D", "=");
            smtp.mails().iter().map(text).find(|m| m.contains(ADDRESS) && m.contains(word))
        })
    };
    let link = |mail: &str, page: &str| {
        let from = mail.find(&at(page)).unwrap_or_else(|| panic!("no {page} in {mail}"));
        mail[from..].split(|c: char| c.is_whitespace() || "\"'<>".contains(c)).next().unwrap().to_owned()
    };
    let alert = mail_to_her("/repondre/").await;
    let post = async |url: &str, form: &[(&str, &str)], cookie: &str| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = client.post(url).header("cookie", cookie).body(body);
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    // She answers, signs in, writes a note, looks at everything, is seen by operators.
    assert_eq!(post(&link(&alert, "/repondre/"), &[("mot", "oui")], "").await.status(), 200);
    assert_eq!(post(&at("/entrer"), &[("email", ADDRESS)], "").await.status(), 200);
    let opened = post(&link(&mail_to_her("/entrer/").await, "/entrer/"), &[], "").await;
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let account = client.get(at("/compte")).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    let csrf = account.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = link(&alert, "/procedure/");
    let note = [("csrf", csrf.as_str()), ("note", WORDS), ("assignee", NAME)];
    assert_eq!(post(&format!("{page}/decision"), &note, &cookie).await.status(), 303);
    let wrong = [("csrf", csrf.as_str()), ("note", WORDS), ("lot", WORDS)];
    assert_eq!(post(&format!("{page}/decision"), &wrong, &cookie).await.status(), 400);
    for seen in ["/compte/donnees.json", "/mois", "/abonnements", "/tableaux/decisions.csv", &format!("/{ADDRESS}")] {
        client.get(at(seen)).header("cookie", &cookie).send().await.unwrap();
    }
    for args in [["export", "--subscriber", ADDRESS].as_slice(), &["sign-in", "--subscriber", ADDRESS]] {
        run(args);
    }
    eventually("the refused address is suspended", || async {
        run(&["deliveries", "list", "--state", "dead"]).contains("550").then_some(())
    })
    .await;
    assert!(!holding(&[NAME.as_bytes().to_vec()], dir.path()).is_empty(), "the search must be able to find");

    for address in [ADDRESS, REFUSED] {
        run(&["erase", "--subscriber", address, "--yes"]);
    }
    let ended = Command::new("kill").args(["-TERM", &service.id().to_string()]).status().unwrap();
    assert!(ended.success() && service.wait().unwrap().success());
    run(&["backup", &path("copies")]);
    let outputs = [
        run(&["subscriptions", "list"]),
        run(&["deliveries", "list"]),
        run(&["export", "--subscriber", "chef@vigie.example"]),
        run(&["sources", "list"]),
    ];
    std::fs::write(path("outputs"), outputs.join("\n")).unwrap();
    let needles: Vec<Vec<u8>> =
        [ADDRESS, REFUSED, NAME, "Untel", WORDS].iter().map(|s| s.as_bytes().to_vec()).collect();
    assert_eq!(holding(&needles, dir.path()), Vec::<PathBuf>::new());
    let kept = std::fs::read_to_string(&log).unwrap();
    assert!(kept.lines().count() > 5, "the program logged: {kept}");
}

/// Waits for what another process does.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn export_says_it_all(app: &App) {
    let export = personal_data::export(&app.service, "jeanne").await.unwrap();
    let text = export.to_string();
    for held in [ADDRESS, NAME, WORDS, "vos abonnements", "envois vers vos adresses", "2026-11-21T09:00:00+01:00"] {
        assert!(text.contains(held), "{held} in {text}");
    }
    assert!(!text.contains("paul@structure.example"), "nobody else's data: {text}");
}

async fn leaves(app: &App) {
    let erased = personal_data::erase(&app.service, "jeanne").await.unwrap().unwrap();
    assert!(erased.deleted > 5 && erased.pseudonymised >= 1, "{erased:?}");
    assert_eq!(personal_data::export(&app.service, "jeanne").await.unwrap(), Value::Null);
    assert_eq!(personal_data::erase(&app.service, "jeanne").await.unwrap(), None, "a second time finds nobody");

    let decision = app.service.store.decisions_on(SIRET, "p1").await.unwrap().remove(0);
    assert_eq!(
        (decision.stage, decision.by.as_str()),
        (Stage::Go, "personne effacée"),
        "the structure keeps its decision"
    );
    assert_eq!(app.service.store.deliveries(None, 10).await.unwrap().len(), 2, "figures stay");
    assert!(app.service.store.facilitators(&vigie_domain::Department::parse("59").unwrap()).await.unwrap().is_empty());

    // An import does not bring the address back into use; its owner does.
    assert!(app.service.store.is_suppressed(Channel::Email, &ADDRESS.to_uppercase()).await.unwrap());
    assert!(!app.service.store.is_suppressed(Channel::Email, "paul@structure.example").await.unwrap());
    person(&app.service.store, "import", "x", ADDRESS).await;
    assert!(app.service.store.addresses("import").await.unwrap().is_empty());
    app.service.store.erase("import", true, now()).await.unwrap();
    app.service.store.scrub().await.unwrap();
}

/// A lead that its bearer alone could see goes with them; what colleagues see, and what was published, stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_nobody_else_sees_goes_with_who_brought_it() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&format!("sqlite:{}", dir.path().join("v.sqlite").display())).await;
    let store = &app.service.store;
    let alone =
        Subscriber { id: "jeanne".into(), name: NAME.into(), role: Role::Structure, profile: Profile::default() };
    let addresses = vec![(Channel::Email, ADDRESS.to_owned(), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber: alone, addresses, declared: false }, now()).await.unwrap();
    person(store, "paul", COLLEAGUE, "paul@structure.example").await;
    for (who, title) in
        [("jeanne", "Piste de Jeanne seule"), ("jeanne", "Piste publiée"), ("paul", "Piste de la structure")]
    {
        let person = store.subscriber(who).await.unwrap().unwrap();
        let lead = Lead { title: title.into(), text: format!("{WORDS}, dit {NAME}"), ..Lead::default() };
        let own = Visibility::Structure(person.structure().to_owned());
        let notice = lead.notice(own, now()).unwrap();
        assert!(matches!(leads::add(&app.service, &person, notice).await.unwrap(), Added::Brought { new: true, .. }));
    }
    let titles = async || {
        let all = store.recent_notices(0, 10).await.unwrap();
        let mut all: Vec<String> = all.into_iter().map(|n| n.notice.title).collect();
        all.sort();
        all
    };
    let jeanne = store.subscriber("jeanne").await.unwrap().unwrap();
    let all = store.recent_notices(0, 10).await.unwrap();
    let shared = all.iter().find(|n| n.notice.title == "Piste publiée").unwrap();
    assert!(!format!("{:?}", shared.notice.passages).contains(NAME), "the words are nobody's");
    assert!(vigie_service::visibility::publish(&app.service, &jeanne, shared).await.unwrap().is_some());
    assert_eq!(titles().await.len(), 3);
    personal_data::erase(&app.service, "jeanne").await.unwrap().unwrap();
    assert_eq!(titles().await, ["Piste de la structure", "Piste publiée"]);
    app.service.store.close().await;
    assert!(holding(&[b"Piste de Jeanne seule".to_vec()], dir.path()).is_empty());
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
    person(&app.service.store, "stays", "Reste", "reste@structure.example").await;
    person(&app.service.store, "stopped", "Arrêtée", "arret@structure.example").await;
    let subscriber =
        Subscriber { id: "waits".into(), name: "Attend".into(), role: Role::Subscriber, profile: Profile::default() };
    let addresses = vec![(Channel::Email, "attend@structure.example".to_owned(), AddressState::Unconfirmed)];
    app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
    let address = app.service.store.addresses("stopped").await.unwrap().remove(0);
    app.service.store.set_address_state(&address.id, AddressState::Stopped, "").await.unwrap();
    app.service.store.note("source", "boamp", "ancienne ligne", now()).await.unwrap();

    let known = |people: Vec<Subscriber>| people.into_iter().map(|p| p.id).collect::<Vec<_>>();
    personal_data::keep_retention(&app.service, now()).await.unwrap();
    assert_eq!(app.service.store.subscribers().await.unwrap().len(), 3, "nothing is old yet");
    personal_data::keep_retention(&app.service, now() + Duration::days(16)).await.unwrap();
    let left = known(app.service.store.subscribers().await.unwrap());
    assert!(!left.contains(&"waits".to_owned()) && left.len() == 2, "{left:?}");
    assert_eq!(app.service.store.journal("boamp", 5).await.unwrap().len(), 1);
    personal_data::keep_retention(&app.service, now() + Duration::days(401)).await.unwrap();
    assert_eq!(known(app.service.store.subscribers().await.unwrap()), ["stays"]);
    assert!(app.service.store.journal("boamp", 5).await.unwrap().is_empty());
}
