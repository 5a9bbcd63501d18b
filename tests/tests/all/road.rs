//! The main road, as a user walks it: the real binary, a real SMTP server, recorded or written notices.

mod rhythm;
mod transport;

use std::process::{Command, Output};

use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::{Value, json};
use vigie_domain::{Decision, Stage};
use vigie_store::Store;
use vigie_tests::replay::Replay;
use vigie_tests::servers::{Postgres, Smtp, vigie};
use vigie_tests::shared;

const NOW: &str = "2026-11-21T09:00:00+01:00";

/// A set-up of its own: folder, configuration, binary.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(store: Option<&str>, api: &str, smtp: Option<u16>, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store.map_or_else(|| format!("sqlite:{}", dir.path().join("v.sqlite").display()), str::to_owned);
        let email = smtp.map_or_else(String::new, |p| {
            format!(
                "[operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n[email]\nhost = \"127.0.0.1\"\nport = {p}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n"
            )
        });
        let config = format!(
            "[store]\nurl = \"{store}\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\nhost_gap_ms = 0\n[web]\nlisten = \"127.0.0.1:0\"\n{email}\
             [[source]]\nid = \"boamp\"\nkind = \"boamp\"\nurl = \"{api}\"\nbaseline = \"deliver\"\nlookback_days = 4000\n{more}"
        );
        std::fs::write(dir.path().join("vigie.toml"), config).unwrap();
        Self { dir }
    }

    fn config(&self) -> std::path::PathBuf {
        self.dir.path().join("vigie.toml")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(vigie());
        command.args(args).arg("-c").arg(self.config()).env("VIGIE_NOW", NOW).env_remove("VIGIE_CONFIG");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let out = self.command(args).output().unwrap();
        assert!(
            out.status.success(),
            "vigie {args:?}: {}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        out
    }

    fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.run(args).stdout).unwrap()
    }

    fn pass(&self) -> Output {
        self.run(&["run", "--once", "--force-poll", "--role", "watch,deliver"])
    }

    /// A child process, for tests that kill it or run two.
    fn start(&self, args: &[&str]) -> std::process::Child {
        self.command(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    }
}

fn parsed(mails: &[Vec<u8>]) -> Vec<Message<'_>> {
    mails.iter().map(|m| MessageParser::default().parse(m.as_slice()).unwrap()).collect()
}

pub(crate) fn national(id: &str, day: &str, title: &str, info: &str, deadline: &str) -> Value {
    let donnees = json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville de Lille", "codeIdentificationNational": "21590350100017", "ville": "Lille", "cp": "59000"},
        "initial": {"natureMarche": {"intitule": title, "codeCPV": {"objetPrincipal": {"classPrincipale": "90911200"}}, "lieuExecution": "59000 Lille", "reservationMarche": {"oui": ""}},
            "procedure": {"dateReceptionOffres": deadline}, "informComplementaire": {"autresInformComplementaire": info}}}});
    json!({"idweb": id, "objet": title, "dateparution": day, "nature": "APPEL_OFFRE", "etat": "INITIAL", "famille": "FNS", "nomacheteur": "Ville de Lille",
        "code_departement": ["59"], "donnees": donnees.to_string(), "gestion": null, "annonce_lie": null, "url_avis": format!("https://www.boamp.fr/pages/avis/?q=idweb:{id}")})
}

pub(crate) fn correction(id: &str, of: &str, day: &str, deadline: &str) -> Value {
    let donnees = json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville de Lille"}, "rectificatif": {"avisInitial": {"idWeb": of},
        "natureMarche": {"intitule": "Nettoyage des écoles"}, "infosRectif": {"lireDate": deadline}}}});
    json!({"idweb": id, "objet": "Nettoyage des écoles", "dateparution": day, "nature": "RECTIFICATIF", "etat": "RECTIFICATIF", "annonce_lie": [of], "donnees": donnees.to_string()})
}

const CLEANING: [&str; 9] = [
    "subscriptions",
    "add",
    "--email",
    "atelier@structure.example",
    "--sector",
    "nettoyage-de-locaux-16",
    "--department",
    "59",
    "--confirmed",
];

async fn replay(records: Vec<Value>) -> (Replay, String) {
    let replay = Replay::new(records);
    let (api, _) = replay.serve().await.unwrap();
    (replay, api)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_becomes_the_right_mail_and_its_correction_a_reply() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let first = national(
        "26-100",
        "2026-11-20",
        "Nettoyage des écoles\r\n\tet des gymnases",
        "Marché réservé aux entreprises adaptées et aux ESAT (article L. 2113-12).",
        "2027-01-12T12:00:00",
    );
    let (double, api) = replay(vec![first]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    bench.pass();
    bench.pass(); // nothing new: nothing sent
    let mails = smtp.mails();
    assert_eq!(mails.len(), 1, "one notice, one mail");
    let mail = &parsed(&mails)[0];
    let subject = mail.subject().unwrap();
    assert!(
        subject.contains("Réservé aux EA et ESAT") && subject.contains("Nettoyage des écoles et des gymnases"),
        "{subject}"
    );
    let text = mail.body_text(0).unwrap();
    for wanted in [
        "Ville de Lille",
        "Nord (59)",
        "mardi 12 janvier 2027 à 12\u{a0}h",
        "dans 52\u{a0}jours",
        "Nettoyage de locaux",
        "idweb:26-100",
        "article L. 2113-12",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in {text}");
    }
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("Réservé aux EA et ESAT") && html.contains("Ville de Lille"));
    assert!(mail.attachments().all(|a| a.attachment_name().is_none()));
    assert_eq!(mail.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));

    double.with(|s| s.records.push(correction("26-101", "26-100", "2026-11-21", "2027-01-20T12:00:00")));
    bench.pass();
    bench.pass();
    let mails = smtp.mails();
    assert_eq!(mails.len(), 2, "the correction, once");
    let mails = parsed(&mails);
    assert_eq!(mails[1].in_reply_to().as_text(), mails[0].message_id(), "in the same thread");
    assert_eq!(mails[1].references().as_text(), mails[0].message_id());
    let text = mails[1].body_text(0).unwrap();
    assert!(text.contains("passe du 12 janvier 2027 à 12\u{a0}h au 20 janvier 2027 à 12\u{a0}h"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_answers_for_sent_for_not_matched_and_for_duplicates() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let mut copy = national("26-201", "2026-11-21", "Nettoyage des écoles", "", "2027-01-12T12:00:00");
    let mut first = national("26-200", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00");
    for record in [&mut first, &mut copy] {
        record["contractfolderid"] = json!("11111111-2222-4333-8444-555555555555");
    }
    let (_double, api) = replay(vec![
        first,
        copy,
        national("26-202", "2026-11-21", "Assurance dommages aux biens", "", "2027-01-12T12:00:00"),
    ])
    .await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    bench.run(&[
        "subscriptions",
        "add",
        "--email",
        "sud@structure.example",
        "--sector",
        "nettoyage-de-locaux-16",
        "--department",
        "13",
        "--confirmed",
    ]);
    bench.pass();
    assert_eq!(smtp.mails().len(), 2, "the procedure once and the other notice once");
    let why = |notice: &str, who: &str| bench.text(&["why", "--notice", notice, "--subscriber", who]);
    let sent = why("26-200", "atelier@structure.example");
    assert!(sent.contains("alerte immédiate") && sent.contains("parti") && sent.contains("2.0.0 kept"), "{sent}");
    assert!(sent.contains("doublon"), "{sent}");
    let refused = why("26-200", "sud@structure.example");
    assert!(refused.contains("ne correspond pas (département)"), "{refused}");
    let unknown =
        bench.command(&["why", "--notice", "26-999", "--subscriber", "sud@structure.example"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relaunch_under_the_same_reference_is_news_and_a_second_publication_is_not() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let with_reference = |id: &str, day: &str, deadline: &str, state: &str| {
        let mut record = national(id, day, "Nettoyage des écoles", "", deadline);
        let mut donnees: Value = serde_json::from_str(record["donnees"].as_str().unwrap()).unwrap();
        donnees["FNSimple"]["initial"]["communication"] = json!({"identifiantInterne": "2026-MP-0142"});
        record["donnees"] = json!(donnees.to_string());
        record["etat"] = json!(state);
        record
    };
    let (double, api) = replay(vec![with_reference("26-250", "2026-11-17", "2027-01-12T12:00:00", "INITIAL")]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    let told_after = |record: Value| {
        double.with(|s| s.records.push(record));
        bench.pass();
        smtp.mails().len()
    };
    bench.pass();
    assert_eq!(smtp.mails().len(), 1);
    assert_eq!(
        told_after(with_reference("26-251", "2026-11-18", "2027-01-12T12:00:00", "INITIAL")),
        1,
        "the same call again"
    );
    assert_eq!(told_after(with_reference("26-252", "2026-11-18", "2027-01-19T12:00:00", "INITIAL")), 2, "another date");
    assert_eq!(
        told_after(with_reference("26-253", "2026-11-19", "2027-01-19T12:00:00", "ANNULATION")),
        3,
        "called off"
    );
    assert_eq!(told_after(with_reference("26-254", "2026-11-20", "2027-02-12T12:00:00", "INITIAL")), 4, "the relaunch");
    let mut other = with_reference("26-255", "2026-11-20", "2027-02-12T12:00:00", "INITIAL");
    other["donnees"] =
        json!(other["donnees"].as_str().unwrap().replace("Nettoyage des écoles", "Vitrerie du palais des sports"));
    assert_eq!(told_after(other), 5, "a reference used twice for different things");
    let mails = smtp.mails();
    let mails = parsed(&mails);
    assert!(mails[3].in_reply_to().as_text().is_none(), "a relaunch is a thread of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_commit_it_delivers_after_restart_once() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let (_double, api) =
        replay(vec![national("26-300", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00")]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    // Only the watch role runs: everything is committed, nothing is sent; then it is killed.
    let mut watcher = bench.start(&["run", "--role", "watch"]);
    loop {
        let listed = bench.text(&["deliveries", "list", "--state", "pending"]);
        if listed.contains("par courriel") {
            break;
        }
        assert!(watcher.try_wait().unwrap().is_none(), "the watcher ended by itself");
    }
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    assert!(smtp.mails().is_empty());
    bench.pass();
    bench.pass();
    assert_eq!(smtp.mails().len(), 1);
}

/// One HTTP/1.1 request, by hand: status line and body.
fn http(method: &str, url: &str) -> String {
    use std::io::{Read, Write};
    let url = url::Url::parse(url).unwrap();
    let mut stream = std::net::TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    write!(
        stream,
        "{method} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        url.path()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_stops_the_messages_and_looking_at_the_link_does_not() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let port = vigie_tests::servers::free_port().unwrap();
    let (double, api) =
        replay(vec![national("26-970", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00")]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    let web = format!(
        "listen = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\nsecret = {{ file = \"{}\" }}\n",
        bench.config().display()
    );
    let config = std::fs::read_to_string(bench.config()).unwrap().replace("listen = \"127.0.0.1:0\"\n", &web);
    std::fs::write(bench.config(), config).unwrap();
    bench.run(&CLEANING);
    bench.pass();
    let mails = smtp.mails();
    let mail = &parsed(&mails)[0];
    let link = mail.header_raw("List-Unsubscribe").unwrap().trim().trim_matches(['<', '>']).to_owned();
    assert_eq!(mail.header_raw("List-Unsubscribe-Post").map(str::trim), Some("List-Unsubscribe=One-Click"));
    let mut site = bench.start(&["run", "--role", "web"]);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(site.try_wait().unwrap().is_none(), "the page ended by itself");
    }
    assert!(http("GET", &link).contains("Ne plus rien recevoir"), "a page with a button");
    assert!(
        bench.text(&["subscriptions", "list"]).contains("(en service)"),
        "a mail scanner that follows the link changes nothing"
    );
    assert!(http("POST", &format!("{link}0")).starts_with("HTTP/1.1 404"), "an altered token is refused");
    assert!(http("POST", &link).contains("C’est fait"));
    assert!(bench.text(&["subscriptions", "list"]).contains("(désabonnée par son propriétaire)"));
    assert!(http("GET", &format!("http://127.0.0.1:{port}/")).contains("content-security-policy"));
    site.kill().unwrap();
    site.wait().unwrap();
    double.with(|s| {
        s.records.push(national("26-971", "2026-11-21", "Nettoyage de la mairie", "", "2027-01-12T12:00:00"))
    });
    bench.pass();
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_postgresql_share_the_work_without_a_duplicate() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let Some(postgres) = Postgres::start() else { return };
    let records: Vec<Value> = (0..60)
        .map(|n| {
            national(
                &format!("26-{}", 7000 + n),
                "2026-11-20",
                &format!("Nettoyage du site {n}"),
                "",
                "2027-01-12T12:00:00",
            )
        })
        .collect();
    let (_double, api) = replay(records).await;
    let bench = Bench::new(Some(&postgres.url), &api, Some(smtp.port), "[pace]\ninstant_per_hour = 0\n");
    bench.run(&CLEANING);
    let mut both: Vec<_> = (0..2).map(|_| bench.start(&["run", "--role", "watch,deliver"])).collect();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while !bench.text(&["deliveries", "list", "--state", "sent", "--limit", "100"]).lines().count().gt(&60) {
        assert!(
            std::time::Instant::now() < deadline,
            "not all was sent: {}",
            bench.text(&["deliveries", "list", "--limit", "100"])
        );
    }
    for process in &mut both {
        let _ = Command::new("kill").arg("-TERM").arg(process.id().to_string()).status();
        assert!(process.wait().unwrap().success(), "SIGTERM ends it in good order");
    }
    let mails = smtp.mails();
    let mut ids: Vec<_> = parsed(&mails).iter().map(|m| m.message_id().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((mails.len(), ids.len()), (60, 60));
}

/// What an outside eye can see of the service: metrics, readiness, and the heartbeat.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_can_be_watched_from_outside() {
    let beats = std::sync::Arc::new(tokio::sync::Notify::new());
    let heard = std::sync::Arc::clone(&beats);
    let beat = move || async move {
        heard.notify_one();
        "ok"
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pinged = format!("http://{}/beat", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/beat", axum::routing::get(beat));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (_double, api) = replay(vec![national("26-1101", "2026-11-20", "Nettoyage", "", "2027-01-12T12:00:00")]).await;
    let port = vigie_tests::servers::free_port().unwrap();
    let observe = format!("[observe]\nlisten = \"127.0.0.1:{port}\"\nheartbeat_url = \"{pinged}\"\n");
    let bench = Bench::new(None, &api, None, &observe);
    let mut service = bench.start(&["run", "--role", "watch,deliver"]);
    tokio::time::timeout(std::time::Duration::from_secs(60), beats.notified()).await.unwrap();
    let ask = |path: &'static str| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let metrics = loop {
        match ask("/metrics").await {
            Some(text) if text.contains("vigie_notices_total{source=\"boamp\"} 1") => break text,
            last => assert!(std::time::Instant::now() < deadline, "{last:?}"),
        }
    };
    assert!(metrics.contains("vigie_step_duration_seconds_bucket{step=\"ingest\""), "{metrics}");
    assert!(metrics.contains("vigie_deliveries{state=\"dead\"} 0"), "{metrics}");
    assert!(ask("/readyz").await.unwrap().starts_with("HTTP/1.1 200"), "ready");
    service.kill().unwrap();
    service.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_records_become_mails() {
    let (Some(dir), Some(smtp)) = (shared::data("data/boamp"), Smtp::start(&[])) else { return };
    let double = Replay::of_folder(&dir).unwrap();
    let (api, _) = double.serve().await.unwrap();
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    let mut add = bench.command(&["subscriptions", "add", "--email", "tout@structure.example", "--confirmed"]);
    assert!(add.env("VIGIE_NOW", "2025-11-25T08:00:00+01:00").status().unwrap().success());
    // When they were published: what closed long before it is first seen is told to nobody.
    let pass = || {
        let mut command = bench.command(&["run", "--once", "--force-poll", "--role", "watch,deliver"]);
        assert!(command.env("VIGIE_NOW", "2025-11-25T09:00:00+01:00").status().unwrap().success());
    };
    pass();
    let mails = smtp.mails();
    let parsed_mails = parsed(&mails);
    let subjects: Vec<&str> = parsed_mails.iter().filter_map(Message::subject).collect();
    // Of two MAPA records and three procedures by eForms those that were still open; the call that is cancelled in the same pass is
    // told as cancelled.
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    assert!(
        subjects.iter().any(|s| s.contains("Nettoyage des parkings") && s.contains("9 décembre 2025")),
        "{subjects:?}"
    );
    assert!(subjects.iter().any(|s| s.starts_with("Annulé") && s.contains("géomètre")), "{subjects:?}");
    pass();
    assert_eq!(smtp.mails().len(), 3, "a second pass sends nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_verdict_is_told_again_kept_and_exported() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let (double, api) = replay(vec![national(
        "26-950",
        "2026-11-20",
        "Nettoyage des écoles",
        "Marché réservé aux ESAT.",
        "2027-01-12T12:00:00",
    )])
    .await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    bench.run(&[
        "subscriptions",
        "add",
        "--email",
        "facil@plie.example",
        "--word",
        "introuvable",
        "--role",
        "facilitator",
        "--confirmed",
    ]);
    bench.pass();
    let refused = bench
        .command(&[
            "verdict",
            "remove",
            "--notice",
            "26-950",
            "--provision",
            "reserved",
            "--by",
            "atelier@structure.example",
        ])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "a structure does not correct verdicts");
    bench.run(&[
        "verdict",
        "remove",
        "--notice",
        "26-950",
        "--provision",
        "reserved",
        "--by",
        "facil@plie.example",
        "--note",
        "vu au RC",
    ]);
    bench.pass();
    let mails = smtp.mails();
    let mails = parsed(&mails);
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].in_reply_to().as_text(), mails[0].message_id());
    assert!(
        mails[1].body_text(0).unwrap().contains("Retiré\u{a0}: Marché réservé"),
        "{}",
        mails[1].body_text(0).unwrap()
    );
    // A later version of the notice does not bring the wrong verdict back.
    double.with(|s| {
        s.records[0] = national(
            "26-950",
            "2026-11-20",
            "Nettoyage des écoles",
            "Marché réservé aux ESAT. Bis.",
            "2027-01-14T12:00:00",
        )
    });
    bench.pass();
    let mails = smtp.mails();
    let mails = parsed(&mails);
    assert_eq!(mails.len(), 3, "the moved date");
    assert!(!mails[2].body_text(0).unwrap().contains("Ajouté"), "{}", mails[2].body_text(0).unwrap());
    let case: Value = serde_json::from_str(&bench.text(&["verdict", "cases"])).unwrap();
    assert_eq!(
        (case["id"].as_str(), case["expect"]["reserved"].as_array().map(Vec::len)),
        (Some("boamp:26-950"), Some(0))
    );
    let set = ["verdict", "set", "--notice", "26-950", "--provision", "execution_clause", "--hours", "120"];
    let later = bench
        .command(&[&set[..], &["--by", "facil@plie.example"]].concat())
        .env("VIGIE_NOW", "2026-11-25T09:00:00+01:00")
        .output()
        .unwrap();
    assert!(later.status.success(), "{}", String::from_utf8_lossy(&later.stderr));
    let case: Value = serde_json::from_str(&bench.text(&["verdict", "cases"])).unwrap();
    assert_eq!((case["expect"]["clause"].as_bool(), case["expect"]["hours"].as_f64()), (Some(true), Some(120.0)));
}

#[test]
fn the_demo_shows_alerts_without_anything_set_up() {
    let out = Command::new(vigie()).args(["demo", "--once"]).env_remove("VIGIE_NOW").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.matches("Objet : ").count() >= 25, "{text}");
    for wanted in ["RECTIFICATIF", "ANNULÉ", "ATTRIBUÉ", "Pourquoi vous", "Propreté du Dauphiné"] {
        assert!(text.contains(wanted), "{wanted}");
    }
}
