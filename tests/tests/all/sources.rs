//! Each source end to end: real client code, real store, a double or a real server on the other side. Items arrive once;
//! a crash between two pages loses nothing.

use serde_json::{Value, json};
use vigie_bot::roles::{poll, scheduler};
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::Role;
use vigie_domain::{Cadence, Filter, Notice};
use vigie_service::Clock;
use vigie_service::sources;
use vigie_store::sources::PageEnd;
use vigie_tests::publishers::{Publishers, eforms};
use vigie_tests::replay::Replay;
use vigie_tests::servers::Imap;
use vigie_tests::shared;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::{Memory, SourceError, Trouble};

const NOW: &str = "2026-11-21T09:00:00+01:00";

fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::parse_from_rfc3339(NOW).unwrap().with_timezone(&chrono::Utc)
}

fn fetch() -> settings::Fetch {
    settings::Fetch {
        allow_private: vec!["127.0.0.0/8".into(), "::1/128".into()],
        host_gap_ms: 0,
        ..settings::Fetch::default()
    }
}

fn block(toml: &str) -> settings::Source {
    toml::from_str(toml).unwrap()
}

struct Bench {
    _dir: tempfile::TempDir,
    app: App,
    source: sources::Watched,
}

impl Bench {
    async fn new(block: settings::Source) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = Some(format!("sqlite:{}", dir.path().join("b.sqlite").display()));
        let settings = Settings {
            store: settings::Store { url, password: None },
            fetch: fetch(),
            source: vec![block],
            subscriber: vec![settings::Subscriber::on_console(
                "Écran",
                Role::Operator,
                Cadence::Instant,
                Filter::default(),
            )],
            ..Settings::default()
        };
        let fetcher = Fetcher::http(&settings.fetch).unwrap();
        let source = sources::enabled(&settings).unwrap().pop().unwrap();
        let app = App::start(settings, fetcher, Clock::fixed(now())).await.unwrap();
        Self { _dir: dir, app, source }
    }

    async fn poll(&mut self) -> poll::Polled {
        poll::poll(&self.app.service, &self.app.fetcher, &self.source, true).await.unwrap().unwrap()
    }

    async fn notices(&self) -> Vec<Notice> {
        let mut found: Vec<Notice> =
            self.app.service.store.recent_notices(0, 1000).await.unwrap().into_iter().map(|r| r.notice).collect();
        found.sort_by(|a, b| a.record_id.cmp(&b.record_id));
        found
    }

    async fn error(&self) -> String {
        self.app.service.store.source(&self.source.block.id).await.unwrap().last_error.unwrap_or_default()
    }
}

/// Pages asked one by one from the memory each left behind, the memory of `again` pages being lost once: what a crash
/// between the page's notices and its memory does.
async fn with_a_crash_at_each_page(block: settings::Source) -> (Vec<String>, usize) {
    let settings = Settings { source: vec![block], fetch: fetch(), ..Settings::default() };
    let source = sources::enabled(&settings).unwrap().pop().unwrap();
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    let (mut memory, mut ids, mut pages) = (Memory::default(), Vec::new(), 0);
    loop {
        let lost = source.peek(&fetcher, &memory, now()).await.unwrap();
        let page = source.peek(&fetcher, &memory, now()).await.unwrap();
        let of = |p: &vigie_watcher::sources::Page| p.notices.iter().map(|n| n.record_id.clone()).collect::<Vec<_>>();
        assert_eq!(of(&lost), of(&page), "the same memory gives the same page");
        ids.extend(of(&page));
        memory = page.memory;
        pages += 1;
        if !page.more {
            return (ids, pages);
        }
    }
}

fn hit(n: usize) -> Value {
    json!({"publication-number": format!("{n}-2026"), "publication-date": "2026-11-20+01:00", "notice-type": "cn-standard",
        "notice-title": {"fra": format!("France – Nettoyage – Objet {n}")}, "buyer-name": {"fra": ["Ville de Lille"]}})
}

fn ted(publishers: &Publishers, n: usize) {
    publishers.with(|d| {
        for i in 1..=n {
            d.ted.push(hit(i));
            d.xml.insert(
                format!("{i}-2026"),
                eforms(&format!("0000000{i}-2026"), &format!("Nettoyage, objet {i}"), &format!("f-{i}")),
            );
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn ted_is_read_page_by_page_and_each_document_once() {
    let publishers = Publishers::default();
    ted(&publishers, 95);
    let root = publishers.serve().await.unwrap();
    let mut bench =
        Bench::new(block(&format!("id = 'ted'\nkind = 'ted'\nurl = '{root}/v3/notices/search'\nbaseline = 'deliver'")))
            .await;
    assert_eq!(bench.poll().await.stored, 95);
    let first = &bench.notices().await[0];
    assert_eq!(first.buyer.siret.as_deref(), Some("21590350100017"));
    assert_eq!(first.dates[0].at.to_rfc3339(), "2027-01-12T12:00:00+01:00");
    assert!(first.codes.iter().any(|c| c.value == "res-ws"));
    assert_eq!(bench.poll().await.stored, 0);
    assert_eq!(publishers.asked("xml 1-2026"), 1, "a document is asked for once");
}

#[tokio::test(flavor = "multi_thread")]
async fn ted_survives_a_forgotten_run_a_missing_document_and_a_broken_one() {
    let publishers = Publishers::default();
    ted(&publishers, 60);
    publishers.with(|d| {
        d.forget_tokens = true;
        d.xml.remove("3-2026");
        d.xml.insert("4-2026".into(), b"<ContractNotice><cut".to_vec());
    });
    let root = publishers.serve().await.unwrap();
    let mut bench =
        Bench::new(block(&format!("id = 'ted'\nkind = 'ted'\nurl = '{root}/v3/notices/search'\nbaseline = 'deliver'")))
            .await;
    let polled = bench.poll().await;
    assert_eq!(
        (polled.stored, polled.bad),
        (60, 2),
        "told from the search where the document fails, which is looked for again as the run is; {}",
        bench.error().await
    );
    assert_eq!(publishers.asked("xml 1-2026"), 1, "a run begun again asks for no document twice");
    publishers.with(|d| d.xml.insert("3-2026".into(), eforms("3-2026", "Nettoyage, objet 3", "f-3")));
    assert_eq!(bench.poll().await.stored, 1, "the document that was not there yet");
    // A page of maintenance in the place of a document, for one poll.
    let maintenance = || b"<!DOCTYPE html><html><body>Site en maintenance</body></html>".to_vec();
    publishers.with(|d| {
        d.ted.push(hit(61));
        d.xml.insert("61-2026".into(), maintenance());
        d.xml.insert("4-2026".into(), eforms("4-2026", "Nettoyage, objet 4", "f-4"));
    });
    let polled = bench.poll().await;
    assert_eq!((polled.stored, polled.bad), (2, 1), "one told from the search, one whole at last");
    publishers.with(|d| d.xml.insert("61-2026".into(), eforms("61-2026", "Nettoyage, objet 61", "f-61")));
    let polled = bench.poll().await;
    assert_eq!((polled.stored, polled.bad), (1, 0), "{}", bench.error().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn awards_of_the_table_are_joined_across_pages_and_a_crash_repeats_none() {
    let publishers = Publishers::default();
    publishers.with(|d| {
        for n in 0..120 {
            for winner in ["Un", "Deux"].iter().take(1 + usize::from(n % 3 == 0)) {
                d.rows.push(json!({"uid": format!("{n:04}"), "id": n, "objet": "Entretien", "acheteur_id": "21590350100017", "acheteur_nom": "Ville de Lille",
                    "titulaire_nom": winner, "montant": 1000.0, "datePublicationDonnees": "2026-11-20", "dateNotification": "2026-11-02", "considerationsSociales": "Clause sociale"}));
            }
        }
    });
    let root = publishers.serve().await.unwrap();
    let text = format!("id = 'decp'\nkind = 'decp'\nurl = '{root}/api/resources/x/data/'\nbaseline = 'deliver'");
    let (ids, pages) = with_a_crash_at_each_page(block(&text)).await;
    assert_eq!((ids.len(), pages), (120, 4));
    let mut bench = Bench::new(block(&text)).await;
    assert_eq!(bench.poll().await.stored, 120);
    assert_eq!(bench.poll().await.stored, 0);
    let winners: Vec<usize> = bench.notices().await.iter().map(|n| n.awards[0].winners.len()).collect();
    assert_eq!(winners.iter().sum::<usize>(), 160, "every winner, on whatever page");
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_purchases_are_read_whole_and_again_for_nothing() {
    let records: Vec<Value> = (0..150)
        .map(|n| json!({"code": n, "libelle": format!("Projet {n}"), "siren_de_l_entite_acheteuse": 110_014_016, "dateparution": "2027-01-09", "idweb": format!("{n:04}"), "date_previsionnelle_de_publication": "2027-01-09"}))
        .collect();
    let replay = Replay::new(records);
    let (api, _) = replay.serve().await.unwrap();
    let text = format!("id = 'approch'\nkind = 'approch'\nurl = '{api}'\nbaseline = 'deliver'");
    let mut bench = Bench::new(block(&text)).await;
    assert_eq!(bench.poll().await.stored, 150, "{}", bench.error().await);
    assert_eq!(bench.poll().await.stored, 0);
    assert!(replay.with(|s| s.answered.get(&304).copied().unwrap_or(0)) >= 1, "unchanged pages cost nothing");
}

fn portal(root: &str, more: &str) -> settings::Source {
    block(&format!(
        "id = 'portail'\nkind = 'portal'\nurl = '{root}/consultations'\nbaseline = 'deliver'\nbuyer = 'Groupe Exemple'\nprivate = true\n\
         [login]\nmethod = 'form'\nurl = '/connexion'\nusername = 'vigie'\npassword = {{ file = '{}' }}\n\
         [list]\nitems = 'li.consultation'\nempty = 'p.vide'\nnext = 'a.suivant'\n{more}\n[list.fields]\ntitle = 'a'\nlink = 'a@href'\ndeadline = 'i'\n\
         [detail.fields]\ntext = 'main'\n",
        secret("s3cret")
    ))
}

/// A secret in a file of its own.
fn secret(value: &str) -> String {
    let path = std::env::temp_dir().join(format!("vigie-test-secret-{value}"));
    std::fs::write(&path, value).unwrap();
    path.display().to_string()
}

fn items(publishers: &Publishers, n: u32) {
    publishers.with(|d| d.items = (1..=n).map(|i| (i, format!("Nettoyage du site {i}"))).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_is_read_behind_its_login_and_the_session_is_kept_and_renewed() {
    let publishers = Publishers::default();
    items(&publishers, 5);
    let root = publishers.serve().await.unwrap();
    let mut bench = Bench::new(portal(&root, "")).await;
    assert_eq!(bench.poll().await.stored, 5, "{}", bench.error().await);
    let first = &bench.notices().await[0];
    assert_eq!(first.kind, vigie_domain::NoticeKind::Private);
    assert!(first.passages[0].text.contains("L. 2113-12"), "the detail page is read");
    assert_eq!((publishers.asked("login"), publishers.asked("detail")), (1, 5));
    assert_eq!(bench.poll().await.stored, 0);
    assert_eq!((publishers.asked("login"), publishers.asked("detail")), (1, 5), "known items cost no request");
    publishers.with(|d| d.session = 7);
    items(&publishers, 6);
    publishers.with(|d| d.items.rotate_right(1));
    assert_eq!(bench.poll().await.stored, 1, "{}", bench.error().await);
    assert_eq!(publishers.asked("login"), 2, "an ended session is renewed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_changed_is_an_alarm_and_nothing_of_it_is_taken_as_seen() {
    let publishers = Publishers::default();
    items(&publishers, 2);
    publishers.with(|d| d.restyled = true);
    let root = publishers.serve().await.unwrap();
    let mut bench = Bench::new(portal(&root, "")).await;
    assert_eq!(bench.poll().await.stored, 0);
    assert!(bench.error().await.contains("list.items = li.consultation"), "{}", bench.error().await);
    scheduler::run(&bench.app.service, now()).await.unwrap();
    scheduler::run(&bench.app.service, now()).await.unwrap();
    let told = bench.app.service.store.open_alarms("portail").await.unwrap();
    assert_eq!(told.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["structure"]);
    let deliveries = bench.app.service.store.deliveries(None, 50).await.unwrap();
    assert_eq!(deliveries.len(), 1, "the operator is told once");
    publishers.with(|d| d.restyled = false);
    assert_eq!(bench.poll().await.stored, 2, "what could not be read is read once the page is back");
    scheduler::run(&bench.app.service, now()).await.unwrap();
    assert!(bench.app.service.store.open_alarms("portail").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_account_is_told_as_such_and_its_secret_never() {
    let publishers = Publishers::default();
    items(&publishers, 2);
    let root = publishers.serve().await.unwrap();
    let text = format!(
        "id = 'p'\nkind = 'portal'\nurl = '{root}/consultations'\n[login]\nmethod = 'form'\nurl = '/connexion'\nusername = 'vigie'\npassword = {{ file = '{}' }}\n[list]\nitems = 'li'\n[list.fields]\ntitle = 'a'\nlink = 'a@href'",
        secret("wr0ng")
    );
    let mut bench = Bench::new(block(&text)).await;
    bench.poll().await;
    let error = bench.error().await;
    assert!(error.contains("connexion refusée") && !error.contains("wr0ng"), "{error}");
    let state = bench.app.service.store.source("p").await.unwrap();
    assert_eq!(state.trouble.as_deref(), Some(Trouble::Login.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_portal_takes_a_bearer_token_and_robots_txt_governs_pages() {
    let publishers = Publishers::default();
    items(&publishers, 3);
    let root = publishers.serve().await.unwrap();
    let fields = "[list.fields]\nid = '/ref'\ntitle = '/objet'\ndeadline = '/fin'";
    let text = format!(
        "id = 'j'\nkind = 'portal'\nformat = 'json'\nurl = '{root}/api/consultations'\nbaseline = 'deliver'\n[login]\nmethod = 'bearer'\ntoken = {{ file = '{}' }}\n[list]\nitems = '/data'\n{fields}",
        secret("t0ken")
    );
    let mut bench = Bench::new(block(&text)).await;
    assert_eq!(bench.poll().await.stored, 3, "{}", bench.error().await);
    let page = format!(
        "id = 'h'\nkind = 'portal'\nurl = '{root}/prive/liste'\n[list]\nitems = 'li'\n[list.fields]\ntitle = 'a'"
    );
    let mut bench = Bench::new(block(&page)).await;
    bench.poll().await;
    assert!(bench.error().await.contains("robots.txt"), "{}", bench.error().await);
}

#[test]
fn a_site_whose_terms_forbid_reuse_needs_an_agreement() {
    let text = "id = 'place'\nkind = 'portal'\npreset = 'atexo'\nurl = 'https://www.marches-publics.gouv.fr/?page=x'";
    let settings = |text: &str| Settings { source: vec![block(text)], ..Settings::default() };
    assert!(sources::enabled(&settings(text)).err().unwrap().what.contains("accord écrit"));
    assert!(sources::enabled(&settings(&format!("{text}\npermission = 'accord du 3 mars 2026'"))).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn real_portal_lists_are_read_by_their_presets() {
    for (preset, file, count) in [
        ("atexo", "data/portals/atexo_list_maximilien.html", 10),
        ("aws", "data/portals/aws_marches-publics-info_list.html", 8),
    ] {
        let Some(path) = shared::data(file) else { return };
        let bytes = std::fs::read(path).unwrap();
        let fetcher = Fetcher::Bundled(Box::new(move |_| Some(bytes.clone())));
        let text = format!("id = 'p'\nkind = 'portal'\npreset = '{preset}'\nurl = 'https://portail.example/liste'");
        let settings = Settings { source: vec![block(&text)], ..Settings::default() };
        let page = sources::enabled(&settings).unwrap()[0].peek(&fetcher, &Memory::default(), now()).await.unwrap();
        assert_eq!((page.notices.len(), page.bad.len()), (count, 0), "{preset}");
        for notice in &page.notices {
            assert!(
                !notice.title.is_empty() && notice.url.is_some() && !notice.buyer.name.is_empty(),
                "{preset}: {notice:?}"
            );
            assert!(notice.codes.is_empty(), "no social mark on these pages");
        }
        let dated = page.notices.iter().filter(|n| !n.dates.is_empty()).count();
        assert_eq!(dated, count, "{preset}: {:?}", page.selectors);
        assert!(page.notices.iter().any(|n| n.departments.len() > usize::from(preset == "atexo")), "{preset}");
    }
}

fn certificate() -> (String, String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem(), made.cert.pem())
}

fn mail(n: usize) -> String {
    format!(
        "From: Alertes <alertes@portail.example>\nSubject: Nouvelle consultation\nMessage-ID: <m{n}@portail.example>\nDate: Fri, 20 Nov 2026 08:00:00 +0100\nContent-Type: text/plain; charset=utf-8\n\nNettoyage du site {n}\nDate limite : 12/01/2027 à 12h00\nhttps://portail.example/consultation/{n}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_read_once_and_left_as_it_was() {
    let (certificate, key, authority) = certificate();
    let Some(server) = Imap::start(&certificate, &key) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    (1..=30).for_each(|n| server.put(&format!("{n:04}"), &mail(n)));
    server.put("9999", "From: inconnu@ailleurs.example\nSubject: Bonjour\n\nRien à voir.\n");
    let text = format!(
        "id = 'boite'\nkind = 'mailbox'\nhost = 'localhost'\nport = {}\nusername = 'veille'\npassword = {{ file = '{}' }}\nca_file = '{}'\nbaseline = 'deliver'\nlookback_days = 3650\n[[rule]]\nfrom = ['@portail.example']\nlinks = '/consultation/'",
        server.port,
        secret("s3cret"),
        ca.display()
    );
    let (ids, pages) = with_a_crash_at_each_page(block(&text)).await;
    assert_eq!((ids.len(), pages), (30, 2), "two batches, each the same when read again");
    let mut bench = Bench::new(block(&text)).await;
    assert_eq!(bench.poll().await.stored, 30, "{}", bench.error().await);
    assert_eq!(bench.poll().await.records, 0);
    server.put("a031", &mail(31));
    assert_eq!(bench.poll().await.stored, 1);
    assert_eq!(bench.notices().await.len(), 31);
    let wrong = text.replace(&secret("s3cret"), &secret("wr0ng"));
    let settings = Settings { source: vec![block(&wrong)], ..Settings::default() };
    let fetcher = Fetcher::http(&fetch()).unwrap();
    let refused = sources::enabled(&settings).unwrap()[0].peek(&fetcher, &Memory::default(), now()).await;
    assert!(matches!(refused, Err(SourceError::Login { .. })), "{refused:?}");
}

/// Peak resident memory of this process so far, in MiB (Linux).
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn files_below(dir: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

/// Most memory that reading all the feeds, one after the other, may add.
const FEEDS_MEMORY_MIB: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_real_and_hostile_feeds_crash_nothing_and_flood_nobody() {
    let Some(dir) = shared::data("data/feeds") else { return };
    let mut files = Vec::new();
    files_below(&dir, &mut files);
    files.sort();
    let before = peak_memory_mib();
    let (mut read, mut refused, mut notices, mut most) = (0, 0, 0, 0);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let fetcher = Fetcher::Bundled(Box::new(move |_| Some(bytes.clone())));
        let settings = Settings {
            source: vec![block("id = 'f'\nkind = 'feed'\nurl = 'https://flux.example/f.xml'")],
            ..Settings::default()
        };
        match sources::enabled(&settings).unwrap()[0].peek(&fetcher, &Memory::default(), now()).await {
            Ok(page) => {
                read += 1;
                notices += page.notices.len();
                most = most.max(page.notices.len());
                let again =
                    sources::enabled(&settings).unwrap()[0].peek(&fetcher, &Memory::default(), now()).await.unwrap();
                let ids = |p: &vigie_watcher::sources::Page| {
                    p.notices.iter().map(|n| n.record_id.clone()).collect::<Vec<_>>()
                };
                assert_eq!(ids(&page), ids(&again), "identity is stable: {}", file.display());
            }
            Err(e) => {
                refused += 1;
                assert!(!e.to_string().is_empty());
            }
        }
    }
    let grown = peak_memory_mib().saturating_sub(before);
    eprintln!(
        "{} feeds: {read} read, {refused} refused in words, {notices} entries, at most {most} of one; {grown} MiB more",
        files.len()
    );
    assert!(files.len() > 800 && read > refused);
    assert!(grown < FEEDS_MEMORY_MIB, "{grown} MiB");
}

/// The contract of every source: the same memory gives the same page, records carry an identity that stays, and a record
/// read again, its memory lost, is told to nobody twice.
async fn complies(block: settings::Source, expected: usize) {
    let kind = block.kind.clone();
    let (mut ids, _) = with_a_crash_at_each_page(block.clone()).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), expected, "{kind}");
    let mut bench = Bench::new(block).await;
    assert_eq!(bench.poll().await.stored, expected, "{kind}: {}", bench.error().await);
    let sent = bench.app.service.store.deliveries(None, 1000).await.unwrap().len();
    let id = bench.source.block.id.clone();
    bench
        .app
        .service
        .store
        .page_done(&id, PageEnd { memory: Some("{}"), records: 0 }, chrono::Duration::zero(), now())
        .await
        .unwrap();
    let again = bench.poll().await;
    assert_eq!((again.stored, again.records >= expected), (0, true), "{kind}: {}", bench.error().await);
    assert_eq!(bench.app.service.store.deliveries(None, 1000).await.unwrap().len(), sent, "{kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_keeps_the_contract() {
    let publishers = Publishers::default();
    ted(&publishers, 90);
    items(&publishers, 5);
    publishers.with(|d| {
        d.rows = (0..70)
            .map(|n| json!({"uid": format!("{n:03}"), "objet": "Entretien", "datePublicationDonnees": "2026-11-20"}))
            .collect();
    });
    let root = publishers.serve().await.unwrap();
    let boamp: Vec<Value> = (0..130).map(|n| json!({"idweb": format!("26-{}", 1000 + n), "objet": format!("Objet {n}"), "dateparution": "2026-11-20", "nature": "APPEL_OFFRE"})).collect();
    let (boamp, _) = Replay::new(boamp).serve().await.unwrap();
    let planned: Vec<Value> = (0..130).map(|n| json!({"code": n, "idweb": format!("{n:03}"), "libelle": format!("Projet {n}"), "dateparution": "2027-01-09", "date_previsionnelle_de_publication": "2027-01-09"})).collect();
    let (planned, _) = Replay::new(planned).serve().await.unwrap();
    let feeds = Replay::new(Vec::new());
    let entries: String =
        (0..40).map(|n| format!("<item><guid>{n}</guid><title>Nettoyage {n}</title></item>")).collect();
    feeds.with(|s| {
        s.feeds.insert(
            "f.xml".into(),
            format!("<rss version=\"2.0\"><channel><title>t</title>{entries}</channel></rss>").into_bytes(),
        )
    });
    let (_, feeds) = feeds.serve().await.unwrap();
    complies(block(&format!("id = 's'\nkind = 'boamp'\nurl = '{boamp}'\nbaseline = 'deliver'")), 130).await;
    complies(block(&format!("id = 's'\nkind = 'ted'\nurl = '{root}/v3/notices/search'\nbaseline = 'deliver'")), 90)
        .await;
    complies(block(&format!("id = 's'\nkind = 'approch'\nurl = '{planned}'\nbaseline = 'deliver'")), 130).await;
    complies(
        block(&format!("id = 's'\nkind = 'decp'\nurl = '{root}/api/resources/x/data/'\nbaseline = 'deliver'")),
        70,
    )
    .await;
    complies(block(&format!("id = 's'\nkind = 'feed'\nurl = '{feeds}/feeds/f.xml'\nbaseline = 'deliver'")), 40).await;
    complies(portal(&root, ""), 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_source_reaches_a_private_address_whatever_leads_there() {
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = canary.local_addr().unwrap().port();
    let touched = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&touched);
    tokio::spawn(async move {
        while canary.accept().await.is_ok() {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    let fetcher = Fetcher::http(&settings::Fetch { host_gap_ms: 0, ..settings::Fetch::default() }).unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"] {
        let secret = secret("s3cret");
        for text in [
            format!("id = 's'\nkind = 'feed'\nurl = 'http://{host}:{port}/f.xml'"),
            format!("id = 's'\nkind = 'ted'\nurl = 'http://{host}:{port}/v3/notices/search'"),
            format!(
                "id = 's'\nkind = 'portal'\nurl = 'http://{host}:{port}/liste'\n[list]\nitems = 'li'\n[list.fields]\ntitle = 'a'"
            ),
            format!(
                "id = 's'\nkind = 'mailbox'\nhost = '{}'\nport = {port}\nusername = 'x'\npassword = {{ file = '{secret}' }}\n[[rule]]\nwhole = true",
                host.trim_matches(['[', ']'])
            ),
        ] {
            let settings = Settings { source: vec![block(&text)], ..Settings::default() };
            let answer = sources::enabled(&settings).unwrap()[0].peek(&fetcher, &Memory::default(), now()).await;
            assert!(answer.is_err(), "{text}");
        }
    }
    assert_eq!(touched.load(std::sync::atomic::Ordering::SeqCst), 0, "nobody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_space_that_lists_a_table_is_read_by_its_preset() {
    let page = "<table><thead><tr><th>Objet</th></tr></thead><tbody>
        <tr><td>01/11/2026</td><td><a href='/c/1'>Entretien des espaces verts</a></td><td>12/01/2027 à 16h30</td></tr>
        <tr><td>02/11/2026</td><td><a href='/c/2'>Blanchisserie</a></td><td>13-01-27</td></tr></tbody></table>";
    let fetcher = Fetcher::Bundled(Box::new(move |_| Some(page.as_bytes().to_vec())));
    let text = "id = 'f'\nkind = 'portal'\npreset = 'fournisseurs'\nurl = 'https://f.example/consultations'\nprivate = true\nbuyer = 'Groupe Exemple'";
    let settings = Settings { source: vec![block(text)], ..Settings::default() };
    let page = sources::enabled(&settings).unwrap()[0].peek(&fetcher, &Memory::default(), now()).await.unwrap();
    let read: Vec<(String, String)> =
        page.notices.iter().map(|n| (n.title.clone(), n.dates[0].at.to_rfc3339())).collect();
    assert_eq!(read[0], ("Entretien des espaces verts".into(), "2027-01-12T16:30:00+01:00".into()));
    assert_eq!(read[1], ("Blanchisserie".into(), "2027-01-13T23:59:00+01:00".into()));
}
