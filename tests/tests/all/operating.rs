//! What an operator does with an installation: sets it up, looks at it, copies it, puts a copy back, brings it to a newer version.

mod doctor;
mod setting_up;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::Value;
use vigie_service::backup;
use vigie_tests::pages::Visitor;
use vigie_tests::servers::{self, Smtp, vigie};

/// The folder of an installation.
struct Installed {
    dir: tempfile::TempDir,
    /// The clock of what is run next; the machine's own where it is empty.
    now: String,
}

impl Installed {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), now: String::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(vigie());
        command.args(line).current_dir(self.dir.path()).env("XDG_DATA_HOME", self.dir.path());
        command.env_remove("VIGIE_CONFIG").stdin(std::process::Stdio::null());
        if !self.now.is_empty() {
            command.env("VIGIE_NOW", &self.now);
        }
        command
    }

    /// Runs a command on this installation's settings.
    fn ask(&self, line: &[&str]) -> Output {
        let line: Vec<&str> = line.iter().copied().chain(["-c", "vigie.toml"]).collect();
        self.command(&line).output().unwrap()
    }

    /// The same, which must succeed; gives what it writes.
    fn run(&self, line: &[&str]) -> String {
        let out = self.ask(line);
        assert!(out.status.success(), "{line:?}: {}{}", text(&out.stdout), text(&out.stderr));
        text(&out.stdout)
    }

    /// The same, read as JSON.
    fn json(&self, line: &[&str]) -> Value {
        let line: Vec<&str> = line.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&self.run(&line)).unwrap()
    }

    /// Settings with that mail server, nobody to poll, and what else is given.
    fn settings(&self, smtp: u16, more: &str) {
        let text = format!(
            "[store]\nurl = 'sqlite:v.sqlite'\n[operator]\nname = 'Camille Essai'\ncontact = 'camille@vigie.example'\norganisation = 'Les essais'\n\
             [email]\nhost = '127.0.0.1'\nport = {smtp}\ntls = 'none'\nfrom = 'Vigie <vigie@vigie.example>'\n[pace]\ninstant_per_hour = 0\n{more}"
        );
        std::fs::write(self.path("vigie.toml"), text).unwrap();
        std::fs::set_permissions(self.path("vigie.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A service that ends with its owner, at the latest.
struct Running(Child);

impl Running {
    fn stop(mut self) {
        let ended = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(ended.success() && self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for what another process does.
async fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How often each person was told of each lead: (address, lead).
fn told(smtp: &Smtp) -> BTreeMap<(String, String), usize> {
    let mut told = BTreeMap::new();
    for mail in smtp.mails() {
        let parsed = mail_parser::MessageParser::default().parse(&mail).unwrap();
        let to = parsed.to().and_then(|t| t.first()).and_then(|a| a.address()).unwrap_or_default().to_owned();
        let body = parsed.body_text(0).unwrap_or_default().into_owned();
        let lead = body
            .split_whitespace()
            .find(|w| w.starts_with("PISTE"))
            .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()));
        *told.entry((to, lead.unwrap_or("aucune").to_owned())).or_default() += 1;
    }
    told
}

fn add_lead(installed: &Installed, n: usize) {
    let title = format!("Nettoyage des bureaux PISTE{n:02}");
    installed.run(&[
        "leads",
        "add",
        "--title",
        &title,
        "--department",
        "59",
        "--buyer",
        &format!("Ville {n}"),
        "--public",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_under_load_and_restored_sends_nothing_twice_and_loses_nothing() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let installed = Installed::new();
    let web = servers::free_port().unwrap();
    installed.settings(smtp.port, &format!("[web]\nlisten = '127.0.0.1:{web}'\n[backup]\ndir = 'copies'\nkeep = 2\n"));
    let people = ["a@x.example", "b@x.example", "c@x.example"];
    for (n, email) in people.iter().enumerate() {
        let name = format!("Personne {n}");
        installed.run(&[
            "subscriptions",
            "add",
            "--email",
            email,
            "--name",
            &name,
            "--department",
            "59",
            "--confirmed",
            "--cadence",
            "instant",
        ]);
    }
    let service = Running(installed.command(&["run", "-c", "vigie.toml"]).spawn().unwrap());
    for n in 1..=3 {
        add_lead(&installed, n);
    }
    // Notices come in and messages leave while the copy is made.
    std::thread::scope(|scope| {
        let load = scope.spawn(|| (4..=8).for_each(|n| add_lead(&installed, n)));
        let made = installed.run(&["backup", "copies"]);
        assert!(made.contains("Sauvegarde faite et relue"), "{made}");
        load.join().unwrap();
    });
    eventually("everybody is told of the eight leads", || (told(&smtp).len() == 8 * people.len()).then_some(())).await;

    let refused = installed.ask(&["restore", "copies", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("arrêtez le service"), "{}", text(&refused.stderr));
    service.stop();
    let unasked = installed.ask(&["restore", "copies"]);
    assert_eq!(unasked.status.code(), Some(2), "nobody was there to agree");
    let said = installed.run(&["restore", "copies", "--yes"]);
    assert!(said.contains("est en place") && said.contains("Rien ne part"), "{said}");
    let aside = std::fs::read_dir(installed.dir.path()).unwrap().flatten();
    let aside: Vec<String> = aside.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert!(aside.iter().any(|n| n.starts_with("v.sqlite.avant-restauration-")), "{aside:?}");

    // The service goes on, and nothing leaves.
    add_lead(&installed, 9);
    installed.run(&["run", "--once"]);
    assert_eq!(told(&smtp).values().sum::<usize>(), 8 * people.len(), "held");
    let held = installed.json(&["deliveries", "held"]);
    let about = |h: &Value| h["about"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        held.as_array().unwrap().iter().filter(|h| about(h).contains("PISTE09")).count(),
        people.len(),
        "{held}"
    );
    // What the database still holds as unsent was received meanwhile: the operator says so.
    for message in held.as_array().unwrap().iter().filter(|h| !about(h).contains("PISTE09")) {
        installed.run(&["deliveries", "drop", message["id"].as_str().unwrap()]);
    }
    let released = installed.run(&["deliveries", "release"]);
    assert!(released.contains("reprennent, chacun à son tour : 3\u{a0}messages"), "{released}");
    installed.run(&["run", "--once"]);
    let told = told(&smtp);
    assert_eq!(told.len(), 9 * people.len(), "lost: {told:?}");
    assert!(told.values().all(|n| *n == 1), "twice: {told:?}");
    assert!(installed.run(&["deliveries", "held"]).contains("Rien n’est retenu"));
    assert_eq!(installed.ask(&["deliveries", "drop", "--all"]).status.code(), Some(2), "nothing is held any more");
}

#[test]
fn backups_are_turned_over_and_a_damaged_one_is_refused() {
    let installed = Installed::new();
    installed.settings(25, "");
    installed.run(&[
        "subscriptions",
        "add",
        "--email",
        "a@x.example",
        "--name",
        "A",
        "--department",
        "59",
        "--confirmed",
    ]);
    let base = Utc::now();
    let mut installed = installed;
    for minute in 0..3 {
        installed.now = (base + chrono::Duration::minutes(minute)).to_rfc3339();
        installed.run(&["backup", "copies", "--keep", "2"]);
    }
    let mut kept: Vec<PathBuf> =
        std::fs::read_dir(installed.path("copies")).unwrap().flatten().map(|e| e.path()).collect();
    kept.sort();
    assert_eq!(kept.len(), 2, "{kept:?}");
    let newest = kept.pop().unwrap();
    let bytes = std::fs::read(newest.join("vigie.sqlite")).unwrap();
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    std::fs::write(newest.join("vigie.sqlite"), damaged).unwrap();
    let before = std::fs::read(installed.path("v.sqlite")).unwrap();
    let refused = installed.ask(&["restore", newest.to_str().unwrap(), "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("n’est plus celui qui a été écrit"), "{}", text(&refused.stderr));
    assert_eq!(std::fs::read(installed.path("v.sqlite")).unwrap(), before, "what stood there stands");
    let nothing = installed.ask(&["restore", ".", "--yes"]);
    assert!(text(&nothing.stderr).contains("n’est pas une sauvegarde"), "{}", text(&nothing.stderr));
    std::fs::write(newest.join("vigie.sqlite"), bytes).unwrap();
    installed.run(&["restore", newest.to_str().unwrap(), "--yes"]);
    assert!(installed.run(&["subscriptions", "list"]).contains("a@x.example"));
}

#[test]
fn the_matrix_account_is_copied_and_put_back_with_the_database() {
    let installed = Installed::new();
    let store = installed.path("compte");
    let matrix = format!(
        "[matrix]\nhomeserver = 'https://m.example'\nuser = '@v:m.example'\npassword = {{ env = 'P' }}\nstore = '{}'\nstore_key = {{ env = 'K' }}\n",
        store.display()
    );
    installed.settings(25, &matrix);
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("note"), "autre fichier").unwrap();
    let keys = rusqlite::Connection::open(store.join("crypto.sqlite3")).unwrap();
    keys.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE k (v INTEGER); INSERT INTO k VALUES (1)").unwrap();
    let value = |keys: &rusqlite::Connection| -> i64 { keys.query_row("SELECT v FROM k", [], |r| r.get(0)).unwrap() };
    // What stands in the log of an account in use is copied too.
    let made = installed.run(&["backup", "copies"]);
    assert!(made.contains("compte Matrix compris"), "{made}");
    keys.execute("UPDATE k SET v = 2", []).unwrap();
    drop(keys);
    installed.run(&["restore", "copies", "--yes"]);
    let open = |dir: &Path| rusqlite::Connection::open(dir.join("crypto.sqlite3")).unwrap();
    assert_eq!(value(&open(&store)), 1);
    assert_eq!(std::fs::read(store.join("note")).unwrap(), b"autre fichier");
    let aside = names(installed.dir.path()).into_iter().find(|n| n.starts_with("compte.avant-restauration-")).unwrap();
    assert_eq!(value(&open(&installed.path(&aside))), 2, "what stood there is kept");
    installed.settings(25, "");
    let without = installed.ask(&["restore", "copies", "--yes"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(text(&without.stderr).contains("compte Matrix"), "{}", text(&without.stderr));
}

/// `0.1.0.sql` is a database that the program of that version made.
#[test]
fn an_older_database_is_announced_copied_and_brought_up_to_date_and_a_newer_one_refused() {
    let installed = Installed::new();
    installed.settings(25, "");
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/src/tests/0.1.0.sql");
    let database = rusqlite::Connection::open(installed.path("v.sqlite")).unwrap();
    database.execute_batch(&std::fs::read_to_string(old).unwrap()).unwrap();
    let step = |database: &rusqlite::Connection| -> i64 {
        database.query_row("SELECT MAX(n) FROM schema_step", [], |row| row.get(0)).unwrap()
    };
    let found = step(&database);
    let said = installed.run(&["upgrade", "--check"]);
    assert!(said.contains(&format!("à l’étape {found}")) && said.contains("Durée"), "{said}");
    let looked = installed.ask(&["doctor", "--output", "json"]);
    let rows: Value = serde_json::from_slice(&looked.stdout).unwrap();
    let base = rows.as_array().unwrap().iter().find(|r| r["check"] == "database").unwrap();
    assert!(base["state"] == "fault" && base["remedy"].as_str().unwrap().contains("vigie upgrade"), "{base}");
    assert_eq!(step(&database), found, "whoever looks changes nothing");
    drop(database);
    installed.run(&["upgrade"]);
    let database = rusqlite::Connection::open(installed.path("v.sqlite")).unwrap();
    let newest = step(&database);
    assert!(newest > found);
    let copy = installed.path(&format!("v.sqlite.avant-etape-{newest}"));
    assert_eq!(step(&rusqlite::Connection::open(&copy).unwrap()), found);
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o077, 0, "the copy is its owner's alone");
    assert!(installed.run(&["upgrade", "--check"]).contains("rien à faire"));
    database.execute("INSERT INTO schema_step (n) VALUES (9999)", []).unwrap();
    drop(database);
    for line in [["subscriptions", "list"].as_slice(), &["upgrade", "--check"], &["run", "--once"]] {
        let refused = installed.ask(line);
        assert_eq!(refused.status.code(), Some(1), "{line:?}");
        assert!(text(&refused.stderr).contains("version plus récente"), "{line:?}: {}", text(&refused.stderr));
    }
}

#[test]
fn lists_are_tables_for_people_and_json_for_programs_and_exit_codes_are_those_that_are_written() {
    let installed = Installed::new();
    installed.settings(25, "[[source]]\nid = 'boamp'\nkind = 'boamp'\n");
    installed.run(&[
        "subscriptions",
        "add",
        "--email",
        "a@x.example",
        "--name",
        "Été",
        "--department",
        "59",
        "--confirmed",
    ]);
    installed.run(&["invite", "--role", "structure"]);
    for line in [
        ["sources", "list"].as_slice(),
        &["subscriptions", "list"],
        &["subscriptions", "sectors"],
        &["subscriptions", "explain", "Été"],
        &["deliveries", "list"],
        &["deliveries", "held"],
        &["invite", "list"],
        &["access", "list"],
        &["members", "claims"],
        &["members", "list", "35600000009075"],
        &["directory", "list"],
        &["contracts", "list"],
    ] {
        installed.json(line);
        installed.run(line);
    }
    let listed = installed.json(&["subscriptions", "list"]);
    assert_eq!((&listed[0]["person"], &listed[0]["addresses"][0]), (&"Été".into(), &"a@x.example (active)".into()));
    let code = |line: &[&str]| installed.command(line).output().unwrap().status.code();
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["deliverie"]), Some(2));
    assert_eq!(code(&["check", "-c", "absent.toml"]), Some(2));
    assert_eq!(code(&["sources", "test", "absente", "-c", "vigie.toml"]), Some(2));
    let alone = installed.command(&[]).output().unwrap();
    assert!(alone.status.success());
    let alone = text(&alone.stdout);
    assert!(["vigie demo", "vigie init", "vigie doctor"].iter().all(|step| alone.contains(step)), "{alone}");
    let coloured = installed.command(&["doctor", "-c", "vigie.toml"]).output().unwrap();
    assert!(!text(&coloured.stdout).contains('\u{1b}'), "colours are for terminals");
}

fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

/// SIGHUP, or a button: a wrong file changes nothing, a good one takes the place of the old one in the same process.
#[tokio::test(flavor = "multi_thread")]
async fn settings_are_read_again_while_the_service_runs_and_a_wrong_file_changes_nothing() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let installed = Installed::new();
    let (first, second) = (servers::free_port().unwrap(), servers::free_port().unwrap());
    std::fs::write(installed.path("secret"), "une clef de plus de seize octets").unwrap();
    std::fs::set_permissions(installed.path("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let pages = |port: u16| {
        format!(
            "[web]\nlisten = '127.0.0.1:{port}'\npublic_url = 'http://127.0.0.1:{second}'\nsecret = {{ file = '{}' }}\n[backup]\ndir = 'copies'\nhour = 0\n[[subscriber]]\nname = 'Camille'\nrole = 'operator'\nemail = 'camille@vigie.example'\n",
            installed.path("secret").display()
        )
    };
    installed.settings(smtp.port, &pages(first));
    let log = std::fs::File::create(installed.path("log")).unwrap();
    let service = Running(installed.command(&["run", "-c", "vigie.toml"]).stderr(log).spawn().unwrap());
    let logged = |words: &str| std::fs::read_to_string(installed.path("log")).unwrap().contains(words).then_some(());
    let answers = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop);
    let hang_up = || {
        let sent = Command::new("kill").args(["-HUP", &service.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    eventually("the pages answer", || answers(first)).await;
    // Its hour is past: the service makes the backup of the day by itself, once.
    let copies = installed.path("copies");
    eventually("the backup of the day", || backup::newest(&copies)).await;
    std::fs::write(installed.path("vigie.toml"), "[web]\nlisten = 3\n").unwrap();
    hang_up();
    eventually("the fault is said", || logged("settings unchanged")).await;
    assert!(answers(first).is_some(), "the service goes on");
    // A port that another program holds is one of the settings with which it cannot start.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    installed.settings(smtp.port, &pages(other.local_addr().unwrap().port()));
    hang_up();
    eventually("the port is said to be taken", || logged("the old ones go on")).await;
    eventually("the pages answer where they did", || answers(first)).await;
    installed.settings(smtp.port, &pages(second));
    hang_up();
    eventually("the pages answer elsewhere", || answers(second)).await;
    eventually("it is said", || logged("settings read again")).await;
    assert!(answers(first).is_none());

    let link = installed.run(&["sign-in", "--subscriber", "Camille"]);
    let base = format!("http://127.0.0.1:{second}");
    let entrance =
        link.split_whitespace().find_map(|word| word.strip_prefix(&base)).unwrap_or_else(|| panic!("{link}"));
    let camille = Visitor::enters(&base, entrance).await.unwrap();
    let settings = "/exploitation/reglages";
    let shown = camille.get(settings).await.unwrap().body;
    assert!(shown.contains("Réglages relus le") && shown.contains("Relire le fichier"), "{shown}");
    std::fs::write(installed.path("vigie.toml"), "[web]\nlisten = 3\n").unwrap();
    let refused = camille.post_form(settings, &[]).await.unwrap();
    assert!(refused.status == 422 && refused.body.contains("Rien n’est changé"), "{}", refused.body);
    installed.settings(smtp.port, &pages(first));
    let read = camille.post_form(settings, &[]).await.unwrap();
    assert!(read.status == 200 && read.body.contains("Les réglages sont relus"), "{}", read.body);
    eventually("the pages answer where the new file says", || answers(first)).await;
    service.stop();
    assert_eq!(names(&copies).len(), 1, "once a day");
}
