//! What time brings, on a real store and with a simulated clock: digests, the undecided, the unheard, caps, outages. The
//! service is started anew at most looks, as after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::{DateTime, Datelike, Duration, NaiveDate, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Europe::Paris;
use mail_parser::MessageParser;
use vigie_bot::monitoring;
use vigie_bot::roles::write_watch::WriteWatch;
use vigie_bot::roles::{scheduler, supervisor};
use vigie_bot::setup::App;
use vigie_delivery::worker;
use vigie_domain::subscription::{Profile, QuietHours, Rhythm, Role};
use vigie_domain::{
    Cadence, Channel, DateKind, Days, Decision, Department, Filter, Notice, NoticeKind, Stage, Subscriber, TypedDate,
};
use vigie_service::preferences::{self, Change};
use vigie_service::{Clock, ingest, network, subscriptions};
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::servers::Smtp;
use vigie_tests::service;
use vigie_tests::sink::{Moment, Reaction, Sink};

/// A moment of Paris.
fn paris(text: &str) -> DateTime<Utc> {
    let wall = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    Paris.from_local_datetime(&wall).earliest().unwrap().with_timezone(&Utc)
}

fn notice(id: &str, closes: DateTime<Utc>) -> Notice {
    let mut notice = Notice::new("essai", id, NoticeKind::Call);
    notice.title = format!("Nettoyage des locaux du site {id}");
    notice.departments = Department::parse("59").into_iter().collect();
    notice.dates = vec![TypedDate {
        kind: DateKind::Tender,
        at: closes.fixed_offset(),
        has_time: true,
        mandatory: false,
        quote: None,
        field: None,
        lot: None,
    }];
    notice
}

/// A database and a mail server, and people.
struct Bench {
    dir: tempfile::TempDir,
    port: u16,
}

impl Bench {
    fn new(port: u16) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), port }
    }

    async fn app(&self, now: DateTime<Utc>) -> Arc<App> {
        let url = format!("sqlite:{}", self.dir.path().join("t.sqlite").display());
        Arc::new(service::start(&url, self.port, 2, Clock::fixed(now)).await.unwrap())
    }

    async fn person(&self, id: &str, role: Role, addresses: &[&str], cadence: Option<Cadence>, rhythm: Rhythm) {
        let app = self.app(paris("2026-01-01 00:00")).await;
        self.person_at(&app, id, role, addresses, cadence, rhythm).await;
        app.service.store.close().await;
    }

    async fn person_at(
        &self,
        app: &App,
        id: &str,
        role: Role,
        addresses: &[&str],
        cadence: Option<Cadence>,
        rhythm: Rhythm,
    ) {
        let now = app.service.clock.now();
        let subscriber = Subscriber { id: id.into(), name: id.into(), role, profile: Profile::default() };
        let addresses = addresses.iter().map(|a| (Channel::Email, (*a).to_owned(), AddressState::Active)).collect();
        app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await.unwrap();
        app.service.store.set_rhythm(id, &rhythm).await.unwrap();
        if let Some(cadence) = cadence {
            let filter = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
            app.service.store.put_subscription(id, &filter, cadence, now).await.unwrap();
        }
    }

    async fn publish(&self, notice: &Notice, now: DateTime<Utc>) {
        let app = self.app(now).await;
        ingest::ingest(&app.service, notice, None).await.unwrap();
        app.service.store.close().await;
    }

    /// What a restarted service does at that moment.
    async fn look(&self, now: DateTime<Utc>) {
        self.look_every(now, Duration::hours(1), 1).await;
    }

    /// What the service does at each of so many moments. It is started once: the clock is set, which a restart would do too.
    async fn look_every(&self, from: DateTime<Utc>, step: Duration, times: i32) {
        let app = self.app(from).await;
        for n in 0..times {
            let now = from + step * n;
            app.service.clock.set(now);
            scheduler::run(&app.service, now).await.unwrap();
            worker::drain(&app.delivery).await.unwrap();
        }
        app.service.store.close().await;
    }
}

fn mails(smtp: &Smtp) -> Vec<(String, String)> {
    let raw = smtp.mails();
    raw.iter()
        .map(|m| {
            let mail = MessageParser::default().parse(m).unwrap();
            (mail.subject().unwrap().to_owned(), mail.body_text(0).unwrap().into_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_names_its_digest_and_the_undecided_get_one_line() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let bench = Bench::new(smtp.port);
    bench.person("p", Role::Structure, &["p@x.example"], Some(Cadence::Daily), Rhythm::default()).await;
    bench.publish(&notice("1", paris("2026-12-10 12:00")), paris("2026-11-24 10:00")).await;
    bench.look(paris("2026-11-25 08:00")).await;
    bench.publish(&notice("1", paris("2026-12-14 12:00")), paris("2026-11-25 10:00")).await;
    for day in 26..=30 {
        bench.look(paris(&format!("2026-11-{day} 08:00"))).await;
    }
    let sent = mails(&smtp);
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(sent[1].1.contains("Rectifie un marché de votre résumé du 25 novembre 2026"), "{}", sent[1].1);
    bench.look_every(paris("2026-12-06 07:00"), Duration::hours(1), 9 * 24).await;
    let sent = mails(&smtp);
    assert_eq!(sent.len(), 3, "one line, once: {sent:#?}");
    assert!(sent[2].1.contains("SANS RÉPONSE DE VOTRE PART") && sent[2].1.contains("site 1"), "{}", sent[2].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decided_meanwhile_gets_no_line() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let bench = Bench::new(smtp.port);
    bench.person("p", Role::Structure, &["p@x.example"], Some(Cadence::Instant), Rhythm::default()).await;
    bench.publish(&notice("1", paris("2026-12-10 12:00")), paris("2026-11-24 10:00")).await;
    bench.look(paris("2026-12-04 09:00")).await;
    let app = bench.app(paris("2026-12-04 10:00")).await;
    let procedure = app.service.store.notice("1").await.unwrap().unwrap().procedure;
    let refusal = Decision::new("p", &procedure, Stage::NoGo, "p", app.service.clock.now());
    app.service.store.decide(&refusal).await.unwrap();
    app.service.store.close().await;
    bench.look(paris("2026-12-05 08:00")).await;
    assert_eq!(mails(&smtp).len(), 1, "the alert alone");
}

/// Five markets written off on the pages came again the next morning, as open and to be answered.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_declined_meanwhile_is_no_line_of_a_digest_and_nothing_left_is_no_message() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let bench = Bench::new(smtp.port);
    bench.person("p", Role::Structure, &["p@x.example"], Some(Cadence::Daily), Rhythm::default()).await;
    let decline = async |id: &str, at: &str| {
        let app = bench.app(paris(at)).await;
        let procedure = app.service.store.notice(&format!("essai:{id}")).await.unwrap().unwrap().procedure;
        let refusal = Decision::new("p", &procedure, Stage::NoGo, "p", app.service.clock.now());
        app.service.store.decide(&refusal).await.unwrap();
        app.service.store.close().await;
    };
    for id in ["1", "2"] {
        bench.publish(&notice(id, paris("2026-12-20 12:00")), paris("2026-11-24 10:00")).await;
    }
    decline("1", "2026-11-24 11:00").await;
    bench.look(paris("2026-11-25 08:00")).await;
    let sent = mails(&smtp);
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert!(sent[0].1.contains("site 2") && !sent[0].1.contains("site 1"), "{}", sent[0].1);
    bench.publish(&notice("3", paris("2026-12-20 12:00")), paris("2026-11-25 10:00")).await;
    decline("3", "2026-11-25 11:00").await;
    bench.look(paris("2026-11-26 08:00")).await;
    assert_eq!(mails(&smtp).len(), 1, "nothing is left to say");
}

/// A first digest left on a Wednesday at eight, whoever had asked for Mondays and Thursdays at seven.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_digest_comes_at_the_hour_and_on_the_days_chosen_last() {
    let bench = Bench::new(9);
    bench.person("p", Role::Structure, &["p@x.example"], Some(Cadence::Daily), Rhythm::default()).await;
    bench.publish(&notice("1", paris("2026-12-20 12:00")), paris("2026-11-24 10:00")).await;
    let app = bench.app(paris("2026-11-24 11:00")).await;
    let (service, store) = (&app.service, &app.service.store);
    assert_eq!(store.next_digest_of("p").await.unwrap(), Some(paris("2026-11-25 08:00")));
    let me = store.subscriber("p").await.unwrap().unwrap();
    let settle = async |changes: &[Change]| preferences::apply(service, &me, changes).await.unwrap();
    settle(&[Change::DigestHour(Some(7)), Change::DigestDays(Days::of([0, 3]))]).await;
    assert_eq!(store.next_digest_of("p").await.unwrap(), Some(paris("2026-11-26 07:00")), "Thursday, at seven");
    // What comes by the week does so still.
    let weekly = store.subscriptions_of("p").await.unwrap().remove(0).id;
    subscriptions::set_cadence(service, "p", &weekly, Cadence::Weekly).await.unwrap();
    settle(&[Change::DigestHour(Some(9))]).await;
    assert_eq!(store.next_digest_of("p").await.unwrap(), Some(paris("2026-11-30 09:00")));
    app.service.store.close().await;
}

/// A network's question came by night; what nobody waits for leaves when the quiet hours end, and a test that was asked for at once.
#[tokio::test(flavor = "multi_thread")]
async fn word_about_an_account_keeps_the_quiet_hours() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let bench = Bench::new(smtp.port);
    let nights = Rhythm { quiet: Some(QuietHours { from: 20, to: 6 }), ..Rhythm::default() };
    bench.person("p", Role::Structure, &["p@x.example"], None, nights).await;
    bench.person("day", Role::Structure, &["day@x.example"], None, Rhythm::default()).await;
    bench.person("gie", Role::Network, &["gie@x.example"], None, Rhythm::default()).await;
    let app = bench.app(paris("2026-11-24 22:21")).await;
    let gie = app.service.store.subscriber("gie").await.unwrap().unwrap();
    network::import(&app.service, &gie, b"p@x.example\nday@x.example\n").await.unwrap();
    app.service.store.close().await;
    let asked = || mails(&smtp).iter().filter(|(subject, _)| subject.contains("compte parmi ses membres")).count();
    bench.look(paris("2026-11-24 22:22")).await;
    assert_eq!((asked(), smtp_to(&smtp, "p@x.example")), (1, 0), "the other has no quiet hours");
    bench.look(paris("2026-11-25 05:59")).await;
    assert_eq!(asked(), 1);
    bench.look(paris("2026-11-25 06:00")).await;
    assert_eq!((asked(), smtp_to(&smtp, "p@x.example")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cap_an_hour_holds_alerts_corrections_and_reminders() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let bench = Bench::new(smtp.port);
    let capped = Rhythm { per_hour: Some(3), ..Rhythm::default() };
    bench.person("p", Role::Structure, &["p@x.example"], Some(Cadence::Instant), capped).await;
    bench.person("q", Role::Structure, &["q@x.example"], Some(Cadence::Instant), Rhythm::default()).await;
    let closes = paris("2026-12-09 12:00");
    for n in 1..=2 {
        bench.publish(&notice(&n.to_string(), closes), paris("2026-11-24 08:00")).await;
    }
    bench.look(paris("2026-11-24 08:00")).await;
    let app = bench.app(paris("2026-11-24 08:01")).await;
    for n in 1..=2 {
        let procedure = app.service.store.notice(&n.to_string()).await.unwrap().unwrap().procedure;
        app.service
            .store
            .decide(&Decision::new("p", &procedure, Stage::Go, "p", app.service.clock.now()))
            .await
            .unwrap();
    }
    app.service.store.close().await;
    // Two alerts; a new one, a correction and the reminders of D-15 follow within the hour.
    bench.publish(&notice("3", closes), paris("2026-11-24 08:10")).await;
    bench.publish(&notice("1", closes + Duration::days(1)), paris("2026-11-24 08:20")).await;
    bench.look(paris("2026-11-24 08:20")).await;
    bench.look(paris("2026-11-24 08:31")).await;
    let sent = mails(&smtp);
    let (own, other) = (smtp_to(&smtp, "p@x.example"), smtp_to(&smtp, "q@x.example"));
    assert_eq!((own, other), (4, 4), "three at once and one grouped; all at once: {sent:#?}");
    // What comes above the cap comes in one message, which one line alone does not call a group.
    let moved = sent.iter().filter(|(_, text)| text.contains("site 1") && text.contains("10 décembre 2026"));
    assert_eq!(moved.count(), 2, "both are told of the new date: {sent:#?}");
}

fn smtp_to(smtp: &Smtp, to: &str) -> usize {
    smtp.mails().iter().filter(|m| String::from_utf8_lossy(m).contains(&format!("To: {to}"))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_silence_is_explained_once_a_month() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let bench = Bench::new(smtp.port);
    let app = bench.app(paris("2026-11-01 09:00")).await;
    let night = Rhythm { digest_hour: Some(9), ..Rhythm::default() };
    bench.person_at(&app, "p", Role::Structure, &["p@x.example"], Some(Cadence::Daily), night).await;
    app.service.store.close().await;
    for n in 0..3 {
        let mut elsewhere = notice(&n.to_string(), paris("2027-01-10 12:00"));
        elsewhere.departments = Department::parse("2A").into_iter().collect();
        bench.publish(&elsewhere, paris("2026-11-20 09:00")).await;
    }
    bench.look_every(paris("2026-11-02 00:00"), Duration::hours(3), 70 * 8).await;
    let sent = mails(&smtp);
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert_eq!(sent[0].0, "Vigie veille toujours pour vous");
    assert!(sent[0].1.contains("3 avis ont été lus") && sent[0].1.contains("département"), "{}", sent[0].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_tried_once_a_minute_told_and_resolved() {
    let (away, banners) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_away, counted) = (Arc::clone(&away), Arc::clone(&banners));
    let sink = Sink::start("", move |moment| {
        if *moment != Moment::Banner {
            return Reaction::Accept;
        }
        counted.fetch_add(1, Ordering::SeqCst);
        if is_away.load(Ordering::SeqCst) { Reaction::Refuse("421 4.3.2 away") } else { Reaction::Accept }
    })
    .await
    .unwrap();
    let bench = Bench::new(sink.port);
    for n in 0..20 {
        let address = format!("p{n}@x.example");
        bench.person(&format!("p{n}"), Role::Subscriber, &[&address], Some(Cadence::Instant), Rhythm::default()).await;
    }
    bench.person("op", Role::Operator, &["op@x.example"], None, Rhythm::default()).await;
    let start = paris("2026-11-24 10:00");
    bench.publish(&notice("1", paris("2026-12-10 12:00")), start).await;
    bench.look(start).await;
    let first = banners.load(Ordering::SeqCst);
    assert!(first <= 2, "each connection found it away once, the rest was given back: {first}");
    for minute in 1..=12 {
        bench.look(start + Duration::minutes(minute)).await;
        assert!(banners.load(Ordering::SeqCst) <= first + minute as usize, "one probe a minute");
    }
    let app = bench.app(start + Duration::minutes(12)).await;
    let unwell = monitoring::readiness(&app.service).await.unwrap_err();
    assert!(unwell.contains("email injoignable depuis"), "{unwell}");
    app.service.store.close().await;
    away.store(false, Ordering::SeqCst);
    bench.look(start + Duration::minutes(14)).await;
    bench.look(start + Duration::minutes(15)).await;
    let arrived: BTreeSet<String> = sink.received().into_iter().map(|m| m.to).collect();
    assert_eq!(arrived.len(), 21, "everyone, and the operator");
    let to_operator = sink.received().iter().filter(|m| m.to == "op@x.example").count();
    assert_eq!(to_operator, 2, "the alarm and its end, once each");
    let app = bench.app(start + Duration::minutes(16)).await;
    monitoring::readiness(&app.service).await.unwrap();
    app.service.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_address_is_told_on_the_other_one() {
    let sink = Sink::start("", |moment| match moment {
        Moment::Recipient(to) if to == "gone@x.example" => Reaction::Refuse("550 5.1.1 no such mailbox"),
        _ => Reaction::Accept,
    })
    .await
    .unwrap();
    let bench = Bench::new(sink.port);
    bench
        .person("p", Role::Structure, &["gone@x.example", "here@x.example"], Some(Cadence::Instant), Rhythm::default())
        .await;
    bench.publish(&notice("1", paris("2026-12-10 12:00")), paris("2026-11-24 10:00")).await;
    bench.look(paris("2026-11-24 10:00")).await;
    bench.look(paris("2026-11-24 10:01")).await;
    let to: Vec<String> = sink.received().into_iter().map(|m| m.to).collect();
    assert_eq!(to, ["here@x.example", "here@x.example"], "the alert, and word that the other address is refused");
}

/// Through every clock change of Paris from 2020 to 2035, minute by minute from 01:30 to 03:30, with a service started anew
/// again and again: one digest a person and local date, and what they carry is disjoint and complete.
#[tokio::test(flavor = "multi_thread")]
async fn digests_are_one_a_local_date_disjoint_and_complete_through_every_clock_change() {
    let bench = Bench::new(9);
    let hours = [2_u8, 3, 8];
    let app = bench.app(paris("2020-01-01 00:00")).await;
    for hour in hours {
        let rhythm = Rhythm { digest_hour: Some(hour), ..Rhythm::default() };
        let (id, address) = (format!("h{hour}"), format!("h{hour}@x.example"));
        bench.person_at(&app, &id, Role::Subscriber, &[&address], Some(Cadence::Daily), rhythm).await;
    }
    app.service.store.close().await;
    let mut published = 0;
    let mut kept = Digests::default();
    for year in 2020..=2035 {
        for month in [3, 10] {
            let sunday = (25..=31)
                .filter_map(|d| NaiveDate::from_ymd_opt(year, month, d))
                .find(|d| d.weekday() == Weekday::Sun)
                .unwrap();
            let change = Utc.from_utc_datetime(&sunday.and_hms_opt(1, 0, 0).unwrap());
            let mut app = bench.app(change - Duration::hours(26)).await;
            for minute in moments(change) {
                let now = change + Duration::minutes(minute);
                // The same database, another process: only the clock of this one is asked.
                app = restarted(&bench, app, now, minute).await;
                if minute.rem_euclid(11) == 0 {
                    published += 1;
                    let news = notice(&format!("n{published}"), now + Duration::days(40));
                    ingest::ingest(&app.service, &news, None).await.unwrap();
                }
                scheduler::run(&app.service, now).await.unwrap();
            }
            // What is older than its retention goes: it is counted before.
            kept.read(&app).await;
            app.service.store.close().await;
        }
    }
    let app = bench.app(paris("2036-01-01 00:00")).await;
    scheduler::run(&app.service, app.service.clock.now()).await.unwrap();
    kept.read(&app).await;
    for hour in hours {
        let person = format!("h{hour}");
        let (days, carried) = (&kept.days[&person], &kept.carried[&person]);
        assert!(days.values().all(|n| *n == 1), "{person}: {days:?}");
        assert_eq!(carried.len(), published, "{person}: complete");
        assert!(carried.values().all(|n| *n == 1), "{person}: disjoint");
    }
    app.service.store.close().await;
}

/// Digests by person: how many each local date, and how often each notice.
#[derive(Default)]
struct Digests {
    read: BTreeSet<String>,
    days: BTreeMap<String, BTreeMap<NaiveDate, usize>>,
    carried: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Digests {
    /// Counts the digests made since it was last asked.
    async fn read(&mut self, app: &App) {
        for digest in app.service.store.deliveries(None, 100_000).await.unwrap() {
            let person = digest.subscriber;
            if !digest.cause.is_digest() || !self.read.insert(digest.id.clone()) {
                continue;
            }
            let day = digest.created.with_timezone(&Paris).date_naive();
            *self.days.entry(person.clone()).or_default().entry(day).or_default() += 1;
            for item in app.service.store.items_of(&digest.id, &person, &digest.cause).await.unwrap() {
                *self.carried.entry(person.clone()).or_default().entry(item.document).or_default() += 1;
            }
        }
    }
}

/// Minutes from a clock change: every one from 01:30 to 03:30 of both local clocks, and some around.
fn moments(change: DateTime<Utc>) -> Vec<i64> {
    let near = (-180..=180).filter(|m| {
        let local = (change + Duration::minutes(*m)).with_timezone(&Paris);
        let minute = local.hour() * 60 + local.minute();
        (90..=210).contains(&minute)
    });
    let mut all: Vec<i64> = near.chain((-1500..=2000).step_by(121)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A service whose clock stands at `now`; the old one ends without a word.
async fn restarted(bench: &Bench, old: Arc<App>, now: DateTime<Utc>, minute: i64) -> Arc<App> {
    if minute.rem_euclid(7) == 0 {
        old.service.store.close().await;
        return bench.app(now).await;
    }
    old.service.clock.set(now);
    old
}

/// Takes the writes of a table away, as a full disk does, and gives them back.
struct FullDisk(rusqlite::Connection);

impl FullDisk {
    fn of(bench: &Bench) -> Self {
        Self(rusqlite::Connection::open(bench.dir.path().join("t.sqlite")).unwrap())
    }

    fn fill(&self) {
        for (n, what) in
            ["INSERT ON meta", "UPDATE ON meta", "INSERT ON delivery", "INSERT ON alert"].iter().enumerate()
        {
            let sql = format!(
                "CREATE TRIGGER full_{n} BEFORE {what} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            );
            self.0.execute_batch(&sql).unwrap();
        }
    }

    fn empty(&self) {
        for n in 0..4 {
            self.0.execute_batch(&format!("DROP TRIGGER full_{n}")).unwrap();
        }
    }
}

/// C2: while nothing can be written the service is not ready, and says so on every way that is left; when writes resume it
/// says that too, by the outbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_told_past_the_outbox() {
    let sink = Sink::start("", |_| Reaction::Accept).await.unwrap();
    let bench = Bench::new(sink.port);
    bench.person("op", Role::Operator, &["op@x.example", "op@y.example"], None, Rhythm::default()).await;
    bench.person("p", Role::Structure, &["p@x.example"], None, Rhythm::default()).await;
    let app = bench.app(paris("2026-11-24 10:00")).await;
    let disk = FullDisk::of(&bench);
    disk.fill();
    let mut watch = WriteWatch::default();
    let unwell = monitoring::readiness(&app.service).await.unwrap_err();
    assert!(unwell.contains("plus rien ne s’écrit") && unwell.contains("full"), "{unwell}");
    assert!(!watch.look(&app.delivery, std::time::Duration::from_secs(3600)).await.unwrap());
    assert!(sink.received().is_empty(), "a moment is not told");
    for _ in 0..3 {
        assert!(!watch.look(&app.delivery, std::time::Duration::ZERO).await.unwrap());
    }
    let told: BTreeSet<String> = sink.received().into_iter().map(|m| m.to).collect();
    assert_eq!((told.len(), sink.count()), (2, 2), "every address of every operator, once: {told:?}");
    disk.empty();
    assert!(watch.look(&app.delivery, std::time::Duration::ZERO).await.unwrap());
    monitoring::readiness(&app.service).await.unwrap();
    worker::drain(&app.delivery).await.unwrap();
    assert_eq!(sink.count(), 4, "and its end, by the outbox");
    assert!(watch.look(&app.delivery, std::time::Duration::ZERO).await.unwrap());
    app.service.store.close().await;
}

/// C2: what is committed and cannot be read back is no write.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_not_there_afterwards_is_not_ready() {
    let bench = Bench::new(9);
    let app = bench.app(paris("2026-11-24 10:00")).await;
    app.service.store.prove_write().await.unwrap();
    let broken = "CREATE TRIGGER lost AFTER UPDATE ON meta WHEN NEW.key = 'write_proof' BEGIN
                    UPDATE meta SET value = '0' WHERE key = 'write_proof' AND value <> '0'; END";
    let disk = FullDisk::of(&bench);
    disk.0.execute_batch(broken).unwrap();
    let unwell = monitoring::readiness(&app.service).await.unwrap_err();
    assert!(unwell.contains("n’est pas relue"), "{unwell}");
    disk.0.execute_batch("DROP TRIGGER lost; ALTER TABLE meta RENAME TO elsewhere").unwrap();
    assert!(monitoring::readiness(&app.service).await.is_err(), "a table that is gone");
    disk.0.execute_batch("ALTER TABLE elsewhere RENAME TO meta").unwrap();
    monitoring::readiness(&app.service).await.unwrap();
    app.service.store.close().await;
}

/// C1: a server that cuts the connection after each message got thirty-six copies of one over five days.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_twice_in_the_same_way_ends_the_copies_and_is_told() {
    let sink = Sink::start("", |moment| match moment {
        Moment::Dot(to) if to != "op@x.example" => Reaction::Cut,
        _ => Reaction::Accept,
    })
    .await
    .unwrap();
    let bench = Bench::new(sink.port);
    bench.person("op", Role::Operator, &["op@x.example"], None, Rhythm::default()).await;
    for id in ["p", "q"] {
        let address = format!("{id}@x.example");
        bench.person(id, Role::Structure, &[&address], Some(Cadence::Instant), Rhythm::default()).await;
    }
    let start = paris("2026-11-24 10:00");
    bench.publish(&notice("1", paris("2026-12-10 12:00")), start).await;
    bench.look_every(start, Duration::minutes(30), 240).await;
    let copies = |to: &str| sink.received().into_iter().filter(|m| m.to == to).count();
    assert_eq!((copies("p@x.example"), copies("q@x.example")), (2, 2));
    assert_eq!(copies("op@x.example"), 1, "told once a day and channel");
    let app = bench.app(start + Duration::days(5)).await;
    let sent = app.service.store.deliveries(None, 10).await.unwrap();
    let presumed = sent.iter().filter(|d| d.why.as_deref().is_some_and(|w| w.starts_with("arrivée supposée"))).count();
    assert_eq!(presumed, 2, "{sent:?}");
    app.service.store.close().await;
}

/// B1: a task that panics is started anew and told; whoever runs beside it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_panics_is_started_anew_and_told() {
    let sink = Sink::start("", |_| Reaction::Accept).await.unwrap();
    let bench = Bench::new(sink.port);
    bench.person("op", Role::Operator, &["op@x.example"], None, Rhythm::default()).await;
    let app = bench.app(paris("2026-11-24 10:00")).await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let starts = Arc::new(AtomicUsize::new(0));
    let again = Arc::new(tokio::sync::Notify::new());
    let (counted, started) = (Arc::clone(&starts), Arc::clone(&again));
    let kept = tokio::spawn(supervisor::keep(Arc::clone(&app.service), "essai".to_owned(), stopping, move || {
        let (n, started) = (counted.fetch_add(1, Ordering::SeqCst), Arc::clone(&started));
        async move {
            assert!(n > 0, "the first time it fails");
            started.notify_one();
            std::future::pending::<()>().await;
        }
    }));
    again.notified().await;
    worker::drain(&app.delivery).await.unwrap();
    assert_eq!((starts.load(Ordering::SeqCst), sink.count()), (2, 1));
    stop.send(true).unwrap();
    kept.abort();
    app.service.store.close().await;
}
