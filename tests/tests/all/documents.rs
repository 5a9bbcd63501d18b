//! What the documents tell to type is typed: each command over an installation that was prepared once, in a copy of its own. Those
//! that cannot be run here are listed, with why.

mod containers;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::Value;
use vigie_tests::replay::Replay;
use vigie_tests::servers::{self, Smtp, vigie};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The documents that show commands to people who run Vigie.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "SECURITY.md",
    "docs/quick-start.md",
    "docs/demarrage.md",
    "docs/recipes.md",
    "docs/operator.md",
    "docs/rgpd.md",
    "docs/add-a-source.md",
];
/// Programs that are not ours, in blocks: they change the machine, or want one of their own.
const NOT_OURS: &[&str] = &[
    "apt",
    "systemctl",
    "docker",
    "cargo",
    "scripts/test",
    "install",
    "postconf",
    "adduser",
    "openssl",
    "cd",
    "mkdir",
    "chown",
    "chmod",
];
/// Commands of ours that are not run here, and why.
const NOT_HERE: &[(&str, &str)] = &[
    ("vigie init", "asks on a terminal: the quick start has it with flags, which are run"),
    ("vigie init --web", "serves a page until it is answered: operating::setting_up"),
    ("vigie demo", "goes on until it is stopped: CI runs it with --once"),
    ("vigie run", "goes on until it is stopped, and asks BOAMP without a file"),
    ("vigie run -c vigie.toml", "goes on until it is stopped: operating"),
    ("vigie run -c /etc/vigie/vigie.toml", "the same"),
    ("vigie sources test fournisseurs-exemple", "a site that is made up"),
    ("vigie deliveries replay ID", "the one refused message is of a suspended address: --reactivate is run"),
];
/// An address at which the mail server takes nothing.
const REFUSED: &str = "parti@x.example";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The lines of the blocks of commands, those that go on joined, without `sudo` and remarks.
fn typed(document: &str) -> Vec<String> {
    let block = regex::Regex::new(r"(?ms)^ *```sh\n(.*?)^ *```").unwrap();
    let remark = regex::Regex::new(r"\s+#.*$").unwrap();
    let blocks = block.captures_iter(document).map(|b| b[1].replace("\\\n", " "));
    let lines: Vec<String> = blocks.flat_map(|b| b.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines
        .iter()
        .map(|line| remark.replace(line.trim(), "").trim_start_matches("sudo ").to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Commands of ours that stand between backquotes, written whole.
fn named(document: &str) -> Vec<String> {
    let span = regex::Regex::new(r"`(?:sudo )?(vigie [a-z-][^`]*)`").unwrap();
    let one = |found: regex::Captures<'_>| found[1].split_whitespace().collect::<Vec<_>>().join(" ");
    let all = span.captures_iter(document).map(one).map(|line| line.replace("ID…", "ID").replace("DIR…", "DIR"));
    all.filter(|line| !line.contains(['…', '|', '['])).collect()
}

/// The words of a line, those between quotes as one.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out.into_iter().filter(|w| !w.is_empty()).collect()
}

/// A folder in which a command is run as the documents mean it.
struct Home {
    dir: tempfile::TempDir,
    smtp: u16,
}

impl Home {
    fn new(smtp: u16) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), smtp }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A copy of another one.
    fn of(other: &Self) -> Self {
        let home = Self::new(other.smtp);
        let copied = Command::new("cp").arg("-a").arg(other.path(".")).arg(home.dir.path()).status().unwrap();
        assert!(copied.success());
        home
    }

    fn run(&self, line: &str) -> Output {
        let here = self.dir.path().display().to_string();
        let line = line
            .replace("--mail-port 25", &format!("--mail-port {}", self.smtp))
            .replace("/etc/vigie/", &format!("{here}/"));
        let words = words(&line);
        assert_eq!(words[0], "vigie", "{line}");
        let mut command = Command::new(vigie());
        command
            .args(&words[1..])
            .current_dir(&here)
            .env("XDG_DATA_HOME", &here)
            .env("VIGIE_WEB_SECRET", "une clef de plus de seize octets");
        command.env("VIGIE_CONFIG", self.path("vigie.toml")).stdin(Stdio::null()).output().unwrap()
    }

    fn must(&self, line: &str) -> String {
        let out = self.run(line);
        assert!(out.status.success(), "{line}: {}{}", text(&out.stdout), text(&out.stderr));
        text(&out.stdout)
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.must(&format!("{line} --output json"))).unwrap()
    }
}

/// An installation with what commands ask for, and the words of the documents that stand for it.
fn prepare(smtp: u16, source: &str) -> (Home, Home, BTreeMap<&'static str, String>) {
    let home = Home::new(smtp);
    let web = servers::free_port().unwrap();
    let settings = format!(
        "[store]\nurl = 'sqlite:v.sqlite'\n[operator]\nname = 'Camille Exemple'\ncontact = 'camille@exemple.fr'\norganisation = 'Les essais'\n\
         [email]\nhost = '127.0.0.1'\nport = {smtp}\ntls = 'none'\nfrom = 'Vigie <vigie@exemple.fr>'\n\
         [web]\nlisten = '127.0.0.1:{web}'\npublic_url = 'http://127.0.0.1:{web}'\nsecret = {{ env = 'VIGIE_WEB_SECRET' }}\n[backup]\ndir = 'copies'\n[fetch]\nallow_private = ['127.0.0.0/8']\n\
         [[source]]\nid = 'boamp'\nkind = 'boamp'\nurl = '{source}'\n"
    );
    std::fs::write(home.path("vigie.toml"), settings).unwrap();
    std::fs::set_permissions(home.path("vigie.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let add = |name: &str, email: &str| {
        home.must(&format!("vigie subscriptions add --name \"{name}\" --email {email} --department 59 --sector nettoyage-de-locaux-16 --cadence instant --confirmed"));
    };
    add("Atelier Exemple", "a@x.example");
    add("Atelier parti", REFUSED);
    home.must("vigie leads add --public --title \"Nettoyage des bureaux\" --department 59 --buyer Ville");
    home.must("vigie run --once");
    home.must("vigie subscriptions add --name \"GIE Exemple\" --email gie@x.example --department 75 --role network --confirmed");
    home.must("vigie invite --role structure --name Invitation");
    home.must("vigie token --subscriber a@x.example --name essai --scope procedures");
    home.must("vigie backup");
    let id_of = |rows: &Value, wanted: &dyn Fn(&Value) -> bool| {
        let row = rows.as_array().unwrap().iter().find(|r| wanted(r)).unwrap_or_else(|| panic!("{rows:#}"));
        row["id"].as_str().unwrap().to_owned()
    };
    let sent = id_of(&home.json("vigie deliveries list"), &|r| r["state"] == "sent");
    let dead = id_of(&home.json("vigie deliveries list --state dead"), &|_| true);
    let invitation = id_of(&home.json("vigie invite list"), &|_| true);
    let access = id_of(&home.json("vigie access list"), &|_| true);
    let shown = home.json(&format!("vigie deliveries show {sent}"));
    // What was put back holds what would be sent again.
    let restored = Home::of(&home);
    restored.must("vigie restore copies --yes");
    restored.must("vigie leads add --public --title \"Blanchisserie et nettoyage\" --department 59 --buyer Ville");
    restored.must("vigie run --once");
    let held = id_of(&restored.json("vigie deliveries held"), &|_| true);
    let notice = notice(&home, &shown);
    let stands = BTreeMap::from([
        ("vigie deliveries show ID", sent),
        ("vigie deliveries replay --reactivate ID", dead),
        ("vigie deliveries drop ID", held),
        ("vigie access revoke ID", access),
        ("vigie invite revoke ID", invitation),
        ("vigie sources test ID", "boamp".to_owned()),
        ("Y", notice.clone()),
        ("N", notice),
        ("DIR", "copies".to_owned()),
    ]);
    (home, restored, stands)
}

/// The number of the lead, by which it is asked after.
fn notice(home: &Home, shown: &Value) -> String {
    let database = rusqlite::Connection::open(home.path("v.sqlite")).unwrap();
    let found =
        database.query_row("SELECT source || ':' || record_id FROM notice LIMIT 1", [], |row| row.get::<_, String>(0));
    found.unwrap_or_else(|e| panic!("{e}: {shown:#}"))
}

/// A line with what its words in capitals stand for here.
fn filled(line: &str, stands: &BTreeMap<&'static str, String>) -> String {
    let person = ["PERSON", "PERSONNE", "P", "X", "S"];
    let of_the_line = |word: &str| stands.get(line).filter(|_| word == "ID").or_else(|| stands.get(word)).cloned();
    let filled = line.split(' ').map(|word| match word {
        word if person.contains(&word) => "a@x.example".to_owned(),
        word => of_the_line(word).unwrap_or_else(|| word.to_owned()),
    });
    let line = filled.collect::<Vec<_>>().join(" ");
    // What asks before it acts is told that it may.
    let asks = line.starts_with("vigie erase ") || line.starts_with("vigie restore ");
    if asks { format!("{line} --yes") } else { line }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_documents_show_are_run() {
    let Some(smtp) = Smtp::start(&["--refuse", REFUSED]) else { return };
    let replay = Replay::new(Vec::new());
    let (source, _) = replay.serve().await.unwrap();
    let (home, restored, stands) = prepare(smtp.port, &source);
    let (mut lines, mut unused) = (BTreeMap::new(), NOT_HERE.to_vec());
    for name in DOCUMENTS {
        let said = document(name);
        for (line, whole) in
            typed(&said).into_iter().map(|l| (l, true)).chain(named(&said).into_iter().map(|l| (l, false)))
        {
            unused.retain(|(left_out, _)| *left_out != line);
            if NOT_HERE.iter().any(|(left_out, _)| *left_out == line) {
                continue;
            }
            let program = line.split(' ').next().unwrap_or_default().to_owned();
            if program == "vigie" {
                *lines.entry(line).or_insert(false) |= whole;
            } else {
                assert!(NOT_OURS.contains(&program.as_str()), "{name}: {line}");
            }
        }
    }
    assert!(unused.is_empty(), "no document shows these any more: {unused:?}");
    let queue = Mutex::new(lines.into_iter());
    let (run, faults) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some((line, whole)) = queue.lock().unwrap().next() else { return };
                    let held =
                        ["held", "drop", "release"].iter().any(|w| line.starts_with(&format!("vigie deliveries {w}")));
                    let home = if line.starts_with("vigie init ") {
                        Home::new(home.smtp)
                    } else {
                        Home::of(if held { &restored } else { &home })
                    };
                    let mut typed = filled(&line, &stands);
                    if line.starts_with("vigie init ") && !line.contains("--dir") {
                        typed.push_str(" --dir .");
                    }
                    let out = home.run(&typed);
                    let said = text(&out.stderr);
                    // A doctor finds fault with an installation of tests; what is only named misses what it needs.
                    let looked =
                        line.starts_with("vigie doctor") && out.status.code() == Some(1) && !out.stdout.is_empty();
                    if out.status.success() || looked {
                        *run.lock().unwrap() += 1;
                    } else if whole || !said.contains("il manque") {
                        faults.lock().unwrap().push(format!("{line} ({typed}): {}{said}", text(&out.stdout)));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n---\n"));
    assert!(run.into_inner().unwrap() > 35);
}

/// From nothing to the first alert, by the very lines of the quick start.
#[test]
fn the_quick_start_ends_with_a_first_alert() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let said = document("docs/quick-start.md");
    let (before, first_alert) = said.split_once("## The first alert").unwrap();
    let home = Home::new(smtp.port);
    let by_package = before.split_once("## By package").unwrap().1.split("## With").next().unwrap();
    let init = typed(by_package).into_iter().find(|l| l.starts_with("vigie init --")).unwrap();
    home.must(&format!("{init} --dir ."));
    let lines: Vec<String> = typed(first_alert).into_iter().filter(|l| !l.starts_with("vigie doctor")).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    for line in &lines {
        home.must(line);
    }
    // The service of the quick start is running; here a pass does what is due, and its sources are not asked.
    let settings = std::fs::read_to_string(home.path("vigie.toml")).unwrap();
    std::fs::write(home.path("vigie.toml"), settings.split("[[source]]").next().unwrap()).unwrap();
    home.must("vigie run --once");
    let mails: Vec<String> = smtp.mails().iter().map(|m| text(m)).collect();
    let to = |address: &str| mails.iter().filter(|m| m.contains(&format!("X-Envelope-To: {address}"))).count();
    assert_eq!((to("camille@exemple.fr"), to("marches@atelier-exemple.fr")), (1, 1), "{mails:#?}");
}
