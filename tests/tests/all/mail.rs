//! Mail both ways, with a real SMTP server and a real IMAP server: consent, headers, threads, bounces, answers. Headers are
//! read by Python's parser, which shares nothing with ours.

mod in_life;
mod reading;
mod signed;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use vigie_bot::roles::{mailbox, scheduler};
use vigie_bot::setup::App;
use vigie_config::settings::Settings;
use vigie_delivery::worker;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, DateKind, Department, Filter, Notice, NoticeKind, Stage, Subscriber, TypedDate};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_service::opt_in;
use vigie_store::consent::Asked;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::servers::{self, Imap, Postfix, Smtp};
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
    /// Another server to send through.
    through: Option<u16>,
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
        Some(Self { dir, smtp, imap, web: servers::free_port().unwrap(), through: None })
    }

    fn settings(&self) -> Settings {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let mut text = format!(
            "[store]\nurl = 'sqlite:{}'\n[fetch]\nallow_private = ['127.0.0.0/8', '::1/128']\n[web]\npublic_url = 'http://127.0.0.1:{}'\nsecret = {{ file = '{}' }}\n\
             [operator]\nname = 'Camille Essai'\ncontact = 'camille@vigie.example'\norganisation = 'Les essais'\n[email]\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'Vigie <vigie@{DOMAIN}>'\nreturn_path = 'retours+*@{DOMAIN}'\n",
            path("m.sqlite"),
            self.web,
            path("web"),
            self.through.unwrap_or(self.smtp.port),
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
        scheduler::run(&app.service, now).await.unwrap();
        worker::drain(&app.delivery).await.unwrap();
        app.service.store.close().await;
    }

    async fn person(&self, now: DateTime<Utc>, id: &str, email: &str, state: AddressState) {
        let app = self.app(now).await;
        let subscriber =
            Subscriber { id: id.into(), name: id.into(), role: Role::Structure, profile: Profile::default() };
        let addresses = vec![(Channel::Email, email.to_owned(), state)];
        app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await.unwrap();
        let filter = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
        app.service.store.put_subscription(id, &filter, Cadence::Instant, now).await.unwrap();
        app.service.store.close().await;
    }

    async fn state(&self, now: DateTime<Utc>, person: &str) -> AddressState {
        self.state_of(now, person, "").await
    }

    async fn state_of(&self, now: DateTime<Utc>, person: &str, address: &str) -> AddressState {
        let app = self.app(now).await;
        let all = app.service.store.addresses(person).await.unwrap();
        let state = all.iter().find(|a| a.value.starts_with(address)).unwrap().state;
        app.service.store.close().await;
        state
    }

    async fn ask(&self, now: DateTime<Utc>, person: &str) -> Asked {
        let app = self.app(now).await;
        let address = app.service.store.addresses(person).await.unwrap().remove(0);
        let asked = opt_in::ask(&app.service.store, &address.id, false, now).await.unwrap();
        app.service.store.close().await;
        asked
    }

    /// Asks for a page at a moment; gives its status and its body.
    async fn http(&self, now: DateTime<Utc>, method: &str, url: &str) -> (u16, String) {
        self.form(now, method, url, "List-Unsubscribe=One-Click").await
    }

    /// The same with a form of one's own.
    async fn form(&self, now: DateTime<Utc>, method: &str, url: &str, form: &str) -> (u16, String) {
        let app = self.app(now).await;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.web)).await.unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(vigie_web::serve_on(Arc::clone(&app.service), listener, async move {
            let _ = stopped.await;
        }));
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            url::Url::parse(url).unwrap().path(),
            form.len()
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
        worker::drain(&app.delivery).await.unwrap();
        app.service.store.close().await;
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
struct Mail {
    headers: BTreeMap<String, String>,
    text: String,
    html: String,
    whole: Value,
}

impl Mail {
    fn read(bytes: &[u8]) -> Self {
        let whole = servers::read_mail(bytes).unwrap();
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
    app.service.store.tell("p", &alert, "Autre chose\nqui ne doit pas partir", day(1)).await.unwrap();
    app.service.store.close().await;
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
    assert!(app.service.store.subscriber("silent").await.unwrap().is_none(), "forgotten");
    assert_eq!(app.service.store.addresses("no").await.unwrap()[0].state, AddressState::Stopped);
    app.service.store.close().await;
    let to_silent = mails.iter().find(|m| m.header("to").contains("silent@")).unwrap();
    assert_eq!(bench.http(day(30), "POST", &to_silent.link("confirmer")).await.0, 404);
}

impl Bench {
    /// Puts a mail into the mailbox; `{to}` stands for the return address of the mail it is about.
    fn receive(&self, name: &str, about: &Mail, mail: &str) {
        let to = about.header("x-envelope-from");
        self.imap.as_ref().unwrap().put(name, &mail.replace("{to}", to).replace("{id}", about.header("message-id")));
    }

    /// Reads the mailbox, then sends what there is to send; gives the number of mails handled.
    async fn read(&self, now: DateTime<Utc>) -> usize {
        let app = self.app(now).await;
        let handled = mailbox::look(&app.delivery, &app.fetcher).await.unwrap();
        scheduler::run(&app.service, now).await.unwrap();
        worker::drain(&app.delivery).await.unwrap();
        app.service.store.close().await;
        handled
    }

    async fn publish(&self, now: DateTime<Utc>, notice: &Notice) {
        let app = self.app(now).await;
        ingest::ingest(&app.service, notice, None).await.unwrap();
        worker::drain(&app.delivery).await.unwrap();
        app.service.store.close().await;
    }

    fn to(&self, who: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|m| m.header("to").contains(who)).collect()
    }

    async fn decision(&self, now: DateTime<Utc>, structure: &str, notice: &str) -> Option<Stage> {
        let app = self.app(now).await;
        let procedure = app.service.store.notice(notice).await.unwrap().unwrap().procedure;
        let stage = app.service.store.decisions_on(structure, &procedure).await.unwrap().first().map(|d| d.stage);
        app.service.store.close().await;
        stage
    }
}

fn call(id: &str, closes: &str) -> Notice {
    let mut notice = Notice::new("essai", id, NoticeKind::Call);
    notice.title = format!("Nettoyage des écoles « {id} » à Mons-en-Barœul\r\nBcc: tous@x.example");
    notice.departments = Department::parse("59").into_iter().collect();
    notice.dates = vec![TypedDate {
        kind: DateKind::Tender,
        at: at(closes).fixed_offset(),
        has_time: true,
        mandatory: false,
        quote: None,
        field: None,
        lot: None,
    }];
    notice
}

/// What every mail must be, whoever reads it.
fn is_well_formed(mail: &Mail) {
    assert_eq!(mail.whole["defects"], serde_json::json!([]), "{mail:?}");
    assert_eq!(mail.whole["order"], serde_json::json!(["multipart/alternative", "text/plain", "text/html"]));
    assert!(mail.whole["longest_line"].as_u64().unwrap() <= 998, "RFC 5322 §2.1.1");
    for name in ["from", "to", "subject", "message-id", "date", "list-id", "list-unsubscribe", "auto-submitted"] {
        assert_eq!(mail.whole["counts"][name], 1, "{name}: {:?}", mail.headers);
    }
    assert!(!mail.headers.contains_key("bcc"), "a title makes no header");
    assert_eq!(mail.header("auto-submitted"), "auto-generated");
    assert!(mail.header("list-id").ends_with("<alertes.vigie.example>"));
    let envelope = mail.header("x-envelope-from");
    assert!(envelope.starts_with("retours+") && envelope.ends_with("@vigie.example"), "{envelope}");
    assert!(mail.html.contains("<!--[if mso]>") && mail.html.contains("color-scheme"), "{}", mail.html);
}

const REPORT: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.structure.example\nTo: {to}\nSubject: Undelivered Mail\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nDesole.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.structure.example\n\nFinal-Recipient: rfc822; {who}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} <{who}>\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {id}\n\n--b--\n";

/// A return address whose token nobody signed: its last figure is another.
fn forged(address: &str) -> String {
    let (token, domain) = address.rsplit_once('@').unwrap();
    let (kept, last) = token.split_at(token.len() - 1);
    format!("{kept}{}@{domain}", if last == "0" { "1" } else { "0" })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_journey_by_mail() {
    let Some(bench) = Bench::new(true) else { return };
    let t = |hour: u32| at("2026-11-24T06:00") + Duration::hours(i64::from(hour));
    // Opt-in, here by an answer; the link is tried elsewhere.
    bench.person(t(0), "jeanne", "jeanne@structure.example", AddressState::Unconfirmed).await;
    bench.ask(t(0), "jeanne").await;
    bench.look(t(0)).await;
    let asked = bench.last();
    is_well_formed(&asked);
    bench.receive("01", &asked, "From: Jeanne <jeanne@structure.example>\nTo: {to}\nSubject: Re: Confirmez\nIn-Reply-To: {id}\n\nOui\n\n> Rappel\n");
    assert_eq!(bench.read(t(1)).await, 1);
    assert_eq!(bench.state(t(1), "jeanne").await, AddressState::Active);
    assert_eq!(bench.read(t(1)).await, 0, "each mail once");

    // An alert, and its correction in the same thread.
    bench.person(t(1), "paul", "paul@autre.example", AddressState::Active).await;
    bench.publish(t(2), &call("1", "2026-12-15T11:00")).await;
    bench.publish(t(3), &call("1", "2026-12-20T11:00")).await;
    let mails = bench.to("jeanne@");
    let (alert, correction) = (&mails[mails.len() - 2], &mails[mails.len() - 1]);
    is_well_formed(alert);
    is_well_formed(correction);
    assert!(alert.header("subject").contains("« 1 »"), "{}", alert.header("subject"));
    assert_eq!(correction.header("in-reply-to"), alert.header("message-id"));
    assert_eq!(correction.header("references"), alert.header("message-id"));
    assert_eq!(alert.header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
    assert_eq!(
        alert.header("reply-to").split('<').nth(1).unwrap().trim_end_matches('>'),
        alert.header("x-envelope-from")
    );

    // An answer by a word decides, once, and is answered in the thread.
    bench.receive("02", alert, "From: jeanne@structure.example\nTo: {to}\nSubject: Re: Nouveau\n\nBonjour,\n\nOui, merci.\n\nCordialement,\nJeanne\n\nLe mar. 24 nov. 2026 à 09:00, Vigie <vigie@vigie.example> a écrit :\n> non\n");
    bench.receive(
        "03",
        alert,
        "From: jeanne@structure.example\nTo: {to}\nSubject: Re: Nouveau\nAuto-Submitted: auto-replied\n\nnon\n",
    );
    assert_eq!(bench.read(t(4)).await, 2);
    assert_eq!(bench.decision(t(4), "jeanne", "1").await, Some(Stage::Go));
    let told = bench.to("jeanne@").pop().unwrap();
    assert!(
        told.header("subject") == "Re: Nouveau"
            && told.text.contains("Votre réponse\u{a0}: «\u{a0}Oui\u{a0}»")
            && told.header("references").contains(alert.header("message-id")),
        "{told:?}"
    );
    assert!(told.text.contains("À propos de «") && told.text.contains("Nettoyage"), "what it is about: {}", told.text);

    // Opening the unsubscription link changes nothing; one click stops.
    let page = alert.header("list-unsubscribe").split(['<', '>']).nth(1).unwrap().to_owned();
    assert!(page.starts_with("http"), "the page comes first: {}", alert.header("list-unsubscribe"));
    assert_eq!(bench.http(t(5), "GET", &page).await.0, 200);
    assert_eq!(bench.state(t(5), "jeanne").await, AddressState::Active);
    assert_eq!(bench.http(t(5), "POST", &page).await.0, 200);
    assert_eq!(bench.state(t(5), "jeanne").await, AddressState::Stopped);

    // A hard error suspends; the operator hears of it. A forged one does nothing.
    bench.person(t(5), "ana", "ana@structure.example", AddressState::Active).await;
    bench.publish(t(6), &call("2", "2026-12-15T11:00")).await;
    let (to_ana, to_paul) = (bench.to("ana@").pop().unwrap(), bench.to("paul@").pop().unwrap());
    let report = |who: &str, status: &str| REPORT.replace("{who}", who).replace("{status}", status);
    let forged = report("paul@autre.example", "5.1.1").replace("{to}", &forged(to_paul.header("x-envelope-from")));
    bench.receive("04", &to_paul, &forged);
    bench.receive("05", &to_ana, &report("ana@structure.example", "5.1.1"));
    bench.receive("06", &to_paul, &report("paul@autre.example", "5.2.2"));
    assert_eq!(bench.read(t(7)).await, 3);
    assert_eq!(bench.state(t(7), "ana").await, AddressState::Suspended);
    assert_eq!(bench.state(t(7), "paul").await, AddressState::Active);

    // B2: « Stop » works, from whoever got the message, and from nobody else.
    bench.receive(
        "07",
        &to_paul,
        "From: mallory@evil.example\nTo: vigie@vigie.example\nIn-Reply-To: {id}\nSubject: Re: x\n\nstop\n",
    );
    assert_eq!(bench.read(t(8)).await, 1);
    assert_eq!(bench.state(t(8), "paul").await, AddressState::Active);
    bench.receive("08", &to_paul, "From: Paul <paul@autre.example>\nTo: {to}\nSubject: Re: x\n\nSTOP\n\n-- \nPaul\n");
    assert_eq!(bench.read(t(9)).await, 1);
    assert_eq!(bench.state(t(9), "paul").await, AddressState::Stopped);
    let sent = bench.mails().len();
    bench.publish(t(10), &call("3", "2026-12-15T11:00")).await;
    assert_eq!(bench.mails().len(), sent, "nobody is left to write to");
}

/// Attack: what was not understood was answered by silence, and what was noted by a mail that named no market.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_understood_is_answered_once_and_one_in_a_sentence_decides() {
    let Some(bench) = Bench::new(true) else { return };
    let t = |hour: i64| at("2026-11-24T06:00") + Duration::hours(hour);
    for who in ["jeanne", "paul"] {
        bench.person(t(0), who, &format!("{who}@structure.example"), AddressState::Active).await;
    }
    bench.publish(t(1), &call("1", "2026-12-15T11:00")).await;
    let (jeanne, paul) = (bench.to("jeanne@").pop().unwrap(), bench.to("paul@").pop().unwrap());
    let from = |who: &str, said: &str| {
        format!("From: {who}@structure.example\nTo: {{to}}\nSubject: RE: Nouveau – Nettoyage\n\n{said}\n\n> oui\n")
    };
    // Not understood: said once, whatever is answered to that; nothing is noted.
    bench.receive("01", &jeanne, &from("jeanne", "Oui pour les lots 2 et 3"));
    assert_eq!(bench.read(t(2)).await, 1);
    let told = bench.to("jeanne@").pop().unwrap();
    assert_eq!(told.header("subject"), "Re: Nouveau – Nettoyage");
    for words in ["« Oui pour les lots 2 et 3 » n’a pas été comprise", "rien n’est noté", "trop loin", "Nettoyage"]
    {
        assert!(told.text.replace('\u{a0}', " ").contains(words), "{words}: {}", told.text);
    }
    assert_eq!(bench.decision(t(2), "jeanne", "1").await, None);
    let sent = bench.mails().len();
    bench.receive("02", &told, &from("jeanne", "Je ne comprends pas ce que vous dites"));
    bench.receive("03", &jeanne, &from("jeanne", "Alors peut-être"));
    // A machine that answers, and somebody who is not the one who got the mail, are told nothing.
    bench.receive(
        "04",
        &paul,
        &from("paul", "Votre demande a été reçue").replace("\n\n", "\nAuto-Submitted: auto-replied\n\n"),
    );
    bench.receive(
        "05",
        &paul,
        "From: mallory@evil.example\nTo: vigie@vigie.example\nIn-Reply-To: {id}\nSubject: Re: x\n\nPeut-être\n",
    );
    assert_eq!(bench.read(t(3)).await, 4);
    assert_eq!(bench.mails().len(), sent, "nobody is told twice");
    // A sentence decides as its words do.
    bench.receive("06", &paul, &from("paul", "Trop loin pour nous"));
    assert_eq!(bench.read(t(4)).await, 1);
    assert_eq!(bench.decision(t(4), "paul", "1").await, Some(Stage::NoGo));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_leads_to_its_page_and_is_answered_by_its_link_without_telling_what_colleagues_said() {
    let Some(bench) = Bench::new(false) else { return };
    let t = |hour: i64| at("2026-11-24T06:00") + Duration::hours(hour);
    bench.person(t(0), "jeanne", "jeanne@structure.example", AddressState::Active).await;
    bench.person(t(0), "lit", "lit@structure.example", AddressState::Active).await;
    let app = bench.app(t(0)).await;
    for (id, role) in [("jeanne", Role::Structure), ("lit", Role::Facilitator)] {
        let mut person = app.service.store.subscriber(id).await.unwrap().unwrap();
        (person.role, person.profile.siret) = (role, Some("21590350100017".into()));
        let known = NewSubscriber { subscriber: person, addresses: vec![], declared: false };
        app.service.store.put_subscriber(&known, t(0)).await.unwrap();
    }
    app.service.store.close().await;
    let mut notice = call("1", "2026-12-15T11:00");
    notice.url = Some("https://www.boamp.fr/avis/detail/1".into());
    bench.publish(t(1), &notice).await;
    let (alert, to_reader) = (bench.to("jeanne@").remove(0), bench.to("lit@").remove(0));
    let page = alert.link("procedure");
    for body in [&alert.text, &alert.html] {
        assert!(body.contains(&page) && body.contains("https://www.boamp.fr/avis/detail/1"), "{body}");
    }
    assert!(to_reader.text.contains(&page) && to_reader.link("repondre").is_empty(), "who only reads is asked nothing");
    assert_eq!(bench.http(t(2), "GET", &page).await.0, 200);

    let link = alert.link("repondre");
    assert!(alert.html.contains(&format!("{link}?mot=oui")), "{}", alert.html);
    let (status, shown) = bench.http(t(2), "GET", &link).await;
    assert!(status == 200 && shown.contains("On y va") && shown.contains("Nettoyage des écoles"), "{shown}");
    assert_eq!(bench.decision(t(2), "21590350100017", "1").await, None, "opening it decides nothing");
    for (wrong, form, expected) in [
        (link.replace(".1", ".2"), "mot=oui", 404),
        (link.replace("/repondre/", "/desabonner/"), "mot=oui", 404),
        (link.clone(), "mot=peut-etre", 400),
    ] {
        assert_eq!(bench.form(t(2), "POST", &wrong, form).await.0, expected, "{wrong} {form}");
    }
    assert_eq!(bench.form(t(2) + Duration::days(91), "POST", &link, "mot=oui").await.0, 404, "out of date");
    assert_eq!(bench.decision(t(2), "21590350100017", "1").await, None);
    let (status, done) = bench.form(t(3), "POST", &link, "mot=oui").await;
    assert!(status == 200 && done.contains("on y va"), "{done}");
    assert_eq!(bench.decision(t(3), "21590350100017", "1").await, Some(Stage::Go));

    // What follows says what was answered, and asks for the next step alone.
    let mut moved = notice.clone();
    moved.dates[0].at += Duration::days(5);
    bench.publish(t(3), &moved).await;
    let (next, to_reader) = (bench.to("jeanne@").pop().unwrap(), bench.to("lit@").pop().unwrap());
    for said in ["Votre structure a répondu : on y va (", "le 24 novembre 2026)"] {
        assert!(next.text.replace('\u{a0}', " ").contains(said), "{}", next.text);
    }
    assert!(next.html.contains("?mot=remis") && !next.html.contains("?mot=non"), "{}", next.html);
    assert!(
        !to_reader.text.contains("Votre structure"),
        "who only reads has no structure's answer: {}",
        to_reader.text
    );

    // Changing one's own mind is one's own business; what a colleague answered is neither shown nor changed.
    assert_eq!(bench.form(t(3), "POST", &link, "mot=non").await.0, 200);
    let app = bench.app(t(4)).await;
    let procedure = app.service.store.notice("1").await.unwrap().unwrap().procedure;
    let said = vigie_domain::Decision::new("21590350100017", &procedure, Stage::Submitted, "Collègue", t(4));
    app.service.store.decide(&said).await.unwrap();
    app.service.store.close().await;
    let (status, told) = bench.form(t(5), "POST", &link, "mot=oui").await;
    assert!(status == 409 && !told.contains("Collègue") && !told.contains("remis"), "{told}");
    assert_eq!(bench.decision(t(5), "21590350100017", "1").await, Some(Stage::Submitted));
}

/// Writes the mails of a journey as pages, for whoever wants to look at them: `VIGIE_MAILS=DIR`.
#[tokio::test(flavor = "multi_thread")]
async fn mails_are_written_as_pages_where_asked() {
    let Some(dir) = std::env::var_os("VIGIE_MAILS").map(std::path::PathBuf::from) else { return };
    let Some(bench) = Bench::new(true) else { return };
    let t = at("2026-11-24T09:00");
    bench.person(t, "waits", "waits@structure.example", AddressState::Unconfirmed).await;
    bench.ask(t, "waits").await;
    bench.person(t, "jeanne", "jeanne@structure.example", AddressState::Active).await;
    let mut rich = call("1", "2026-12-15T11:00");
    rich.title = "Nettoyage des locaux et vitrerie des groupes scolaires de la ville de Mons-en-Barœul".into();
    rich.buyer.name = "Ville de Mons-en-Barœul".into();
    rich.url = Some("https://www.boamp.fr/pages/avis/?q=idweb:26-12345".into());
    rich.passages = vec![vigie_domain::Passage {
        field: "complement".into(),
        lot: None,
        text: "Marché réservé aux entreprises adaptées et aux établissements de services d’aide par le travail en application de l’article L. 2113-12 du code de la commande publique. Une visite du site est obligatoire le 1er décembre 2026 à 14h. Durée : 24 mois reconductible deux fois.".into(),
    }];
    bench.publish(t, &rich).await;
    let mut moved = rich.clone();
    moved.dates[0].at = at("2026-12-20T11:00").fixed_offset();
    bench.publish(t + Duration::hours(1), &moved).await;
    bench.look(t + Duration::hours(1)).await;
    let app = bench.app(t).await;
    let subscriber =
        Subscriber { id: "lit".into(), name: "lit".into(), role: Role::Structure, profile: Profile::default() };
    let addresses = vec![(Channel::Email, "lit@structure.example".to_owned(), AddressState::Active)];
    app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, t).await.unwrap();
    app.service.store.put_subscription("lit", &Filter::default(), Cadence::Daily, t).await.unwrap();
    app.service.store.close().await;
    for n in 2..18 {
        let mut more = rich.clone();
        more.record_id = n.to_string();
        more.title = format!("{} (tranche {n})", rich.title);
        more.dates[0].at += Duration::days(n);
        bench.publish(t + Duration::hours(2), &more).await;
    }
    bench.look(t + Duration::hours(24)).await;
    std::fs::create_dir_all(&dir).unwrap();
    for (n, mail) in bench.mails().iter().enumerate() {
        std::fs::write(dir.join(format!("{n}.html")), &mail.html).unwrap();
        std::fs::write(dir.join(format!("{n}.txt")), format!("{:#?}\n\n{}", mail.headers, mail.text)).unwrap();
    }
}
