//! Mail both ways, with a real SMTP server and a real IMAP server: consent, headers, threads, bounces, answers. Headers are
//! read by Python's parser, which shares nothing with ours.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use vigie_bot::app::App;
use vigie_bot::clock::Clock;
use vigie_bot::{deliver, optin, timetable, web};
use vigie_config::settings::Settings;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Department, Filter, Subscriber};
use vigie_store::consent::Asked;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::servers::{self, Imap, Smtp};
use vigie_watcher::fetch::Fetcher;

const DOMAIN: &str = "vigie.example";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("{text}:00Z")).unwrap().with_timezone(&Utc)
}

/// The service, its mail server, its mailbox and its pages.
struct Bench {
    dir: tempfile::TempDir,
    smtp: Smtp,
    imap: Option<Imap>,
    web: u16,
}

impl Bench {
    fn new(with_mailbox: bool) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let smtp = Smtp::start(&[])?;
        let imap = if with_mailbox {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            std::fs::write(dir.path().join("ca.pem"), made.cert.pem()).unwrap();
            Some(Imap::start(&made.cert.pem(), &made.signing_key.serialize_pem())?)
        } else {
            None
        };
        std::fs::write(dir.path().join("web"), "une clef de plus de seize octets").unwrap();
        std::fs::write(dir.path().join("imap"), Imap::ACCOUNT.1).unwrap();
        Some(Self { dir, smtp, imap, web: servers::free_port().unwrap() })
    }

    fn settings(&self) -> Settings {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let mut text = format!(
            "[store]\nurl = 'sqlite:{}'\n[fetch]\nallow_private = ['127.0.0.0/8', '::1/128']\n[web]\npublic_url = 'http://127.0.0.1:{}'\nsecret = {{ file = '{}' }}\n\
             [email]\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'Vigie <vigie@{DOMAIN}>'\nreturn_path = 'retours+*@{DOMAIN}'\n",
            path("m.sqlite"),
            self.web,
            path("web"),
            self.smtp.port,
        );
        if let Some(imap) = &self.imap {
            text.push_str(&format!(
                "[mailbox]\nhost = 'localhost'\nport = {}\nusername = '{}'\npassword = {{ file = '{}' }}\nca_file = '{}'\n",
                imap.port,
                Imap::ACCOUNT.0,
                path("imap"),
                path("ca.pem"),
            ));
        }
        toml::from_str(&text).unwrap()
    }

    async fn app(&self, now: DateTime<Utc>) -> Arc<App> {
        let settings = self.settings();
        let fetcher = Fetcher::http(&settings.fetch).unwrap();
        Arc::new(App::start(settings, fetcher, Clock::fixed(now)).await.unwrap())
    }

    /// What a restarted service does at that moment.
    async fn look(&self, now: DateTime<Utc>) {
        let app = self.app(now).await;
        timetable::run(&app, now).await.unwrap();
        deliver::drain(&app).await.unwrap();
        app.store.close().await;
    }

    async fn person(&self, now: DateTime<Utc>, id: &str, email: &str, state: AddressState) {
        let app = self.app(now).await;
        let subscriber =
            Subscriber { id: id.into(), name: id.into(), role: Role::Structure, profile: Profile::default() };
        let addresses = vec![(Channel::Email, email.to_owned(), state)];
        app.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await.unwrap();
        let filter = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
        app.store.put_subscription(id, &filter, Cadence::Instant, now).await.unwrap();
        app.store.close().await;
    }

    async fn state(&self, now: DateTime<Utc>, person: &str) -> AddressState {
        let app = self.app(now).await;
        let state = app.store.addresses(person).await.unwrap()[0].state;
        app.store.close().await;
        state
    }

    async fn ask(&self, now: DateTime<Utc>, person: &str) -> Asked {
        let app = self.app(now).await;
        let address = app.store.addresses(person).await.unwrap().remove(0);
        let asked = optin::ask(&app.store, &address.id, false, now).await.unwrap();
        app.store.close().await;
        asked
    }

    /// Asks for a page at a moment; gives its status and its body.
    async fn http(&self, now: DateTime<Utc>, method: &str, url: &str) -> (u16, String) {
        let app = self.app(now).await;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.web)).await.unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(web::serve_on(Arc::clone(&app), listener, async move {
            let _ = stopped.await;
        }));
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=One-Click",
            url::Url::parse(url).unwrap().path()
        );
        let port = self.web;
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        })
        .await
        .unwrap();
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        deliver::drain(&app).await.unwrap();
        app.store.close().await;
        let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    fn mails(&self) -> Vec<Mail> {
        self.smtp.mails().iter().map(|bytes| Mail::read(bytes)).collect()
    }

    fn last(&self) -> Mail {
        self.mails().pop().unwrap()
    }
}

/// A mail as Python's parser reads it.
#[derive(Debug)]
#[expect(dead_code, reason = "the rest is read by tests of headers")]
struct Mail {
    headers: BTreeMap<String, String>,
    text: String,
    html: String,
    whole: Value,
}

impl Mail {
    fn read(bytes: &[u8]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/read_mail.py");
        let mut python = Command::new(servers::python().unwrap())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(bytes).unwrap();
        let whole: Value = serde_json::from_slice(&python.wait_with_output().unwrap().stdout).unwrap();
        let part = |kind: &str| whole["parts"][kind].as_str().unwrap_or_default().to_owned();
        let headers = serde_json::from_value(whole["headers"].clone()).unwrap();
        Self { headers, text: part("text/plain"), html: part("text/html"), whole }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The first link of its text to a page of that name.
    fn link(&self, page: &str) -> String {
        let wanted = format!("/{page}/");
        self.text.split_whitespace().find(|w| w.contains(&wanted)).unwrap_or_default().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_to_an_address_before_its_owner_agrees() {
    let Some(bench) = Bench::new(false) else { return };
    let day = |n: i64| at("2026-11-02T09:00") + Duration::days(n);
    bench.person(day(0), "p", "p@structure.example", AddressState::Unconfirmed).await;
    assert_eq!(bench.ask(day(0), "p").await, Asked::Yes);
    assert_eq!(bench.ask(day(0), "p").await, Asked::TooSoon);
    bench.look(day(0)).await;
    let mail = bench.last();
    assert_eq!(mail.header("subject"), "Confirmez votre adresse pour recevoir les alertes de Vigie");
    for said in ["Nord (59)", "À quoi elles servent", "15\u{a0}jours", "jusqu’au 9 novembre 2026"] {
        assert!(mail.text.contains(said) || mail.text.contains(&said.replace('\u{a0}', " ")), "{said}: {}", mail.text);
    }

    // Two reminders, then silence; nothing else goes out meanwhile.
    let app = bench.app(day(1)).await;
    let alert = vigie_domain::Alert {
        id: "autre".into(),
        kind: vigie_domain::AlertKind::Account,
        procedure: String::new(),
        notice: String::new(),
        changes: vec![],
    };
    app.store.tell("p", &alert, "Autre chose\nqui ne doit pas partir", day(1)).await.unwrap();
    app.store.close().await;
    for n in 1..=14 {
        bench.look(day(n)).await;
    }
    let subjects: Vec<String> = bench.mails().iter().map(|m| m.header("subject").to_owned()).collect();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    assert!(subjects[1..].iter().all(|s| s.starts_with("Rappel : ")), "{subjects:?}");

    // Opening the link changes nothing; an altered one opens nothing; one out of date sends a fresh one to the address.
    let (first, last) = (mail.link("confirmer"), bench.last().link("confirmer"));
    assert_eq!(bench.http(day(9), "GET", &last).await.0, 200);
    assert_eq!(bench.state(day(9), "p").await, AddressState::Unconfirmed);
    assert_eq!(bench.http(day(9), "POST", &last.replace(".1", ".2")).await.0, 404);
    let (status, page) = bench.http(day(9), "GET", &first).await;
    assert!(status == 410 && page.contains("périmé"), "{page}");
    assert_eq!(bench.http(day(9), "POST", &first).await.0, 200);
    assert_eq!(bench.http(day(9), "POST", &first).await.0, 429, "one fresh link at a time");
    assert_eq!(bench.mails().len(), 4);
    assert_eq!(bench.state(day(9), "p").await, AddressState::Unconfirmed);

    let (status, page) = bench.http(day(9), "POST", &bench.last().link("confirmer")).await;
    assert!(status == 200 && page.contains("confirmée"), "{page}");
    assert_eq!(bench.state(day(9), "p").await, AddressState::Active);
    assert_eq!(bench.http(day(9), "GET", &last).await.0, 200, "a second time says the same");
    for n in 10..=30 {
        bench.look(day(n)).await;
    }
    assert_eq!(bench.mails().len(), 4, "one in use is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_forgotten_and_who_says_no_is_left_alone() {
    let Some(bench) = Bench::new(false) else { return };
    let day = |n: i64| at("2026-11-02T09:00") + Duration::days(n);
    bench.person(day(0), "silent", "silent@structure.example", AddressState::Unconfirmed).await;
    bench.person(day(0), "no", "no@structure.example", AddressState::Unconfirmed).await;
    bench.ask(day(0), "silent").await;
    bench.ask(day(0), "no").await;
    bench.look(day(0)).await;
    let to_no = bench.mails().into_iter().find(|m| m.header("to").contains("no@")).unwrap();
    assert_eq!(bench.http(day(0), "POST", &to_no.link("desabonner")).await.0, 200);
    assert_eq!(bench.http(day(0), "POST", &to_no.link("confirmer")).await.0, 409);
    for n in 0..30 {
        bench.look(day(n)).await;
    }
    let mails = bench.mails();
    let to = |who: &str| mails.iter().filter(|m| m.header("to").contains(who)).count();
    assert_eq!((to("silent@"), to("no@")), (3, 1));
    let app = bench.app(day(30)).await;
    assert!(app.store.subscriber("silent").await.unwrap().is_none(), "forgotten");
    assert_eq!(app.store.addresses("no").await.unwrap()[0].state, AddressState::Stopped);
    app.store.close().await;
    assert_eq!(bench.http(day(30), "POST", &mails[0].link("confirmer")).await.0, 404);
}
