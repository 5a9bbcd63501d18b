//! One procedure out of several sources: never two that merely look alike, nearly always the same one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::procedure::Status;
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, Cadence, DateKind, Filter, Notice, NoticeKind, TypedDate};
use vigie_service::Clock;
use vigie_service::ingest::{self, Outcome};
use vigie_tests::shared;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::procedure::{Portrait, portrait, same};

fn call(source: &str, id: &str, title: &str, buyer: &str, closing: &str) -> Notice {
    let mut notice = Notice::new(source, id, NoticeKind::Call);
    notice.title = title.to_owned();
    notice.buyer.name = buyer.to_owned();
    let at = chrono::DateTime::parse_from_rfc3339(closing).unwrap();
    let has_time = !closing.contains("T23:59");
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (at, has_time), "deadline"));
    notice
}

const NOON: &str = "2027-01-12T12:00:00+01:00";

/// Eight ordinary procedures; each differs from the next in one thing that a hasty reader would pass over.
const PROCEDURES: [(&str, &str); 8] = [
    ("Nettoyage des locaux et de la vitrerie des bâtiments communaux", "Ville de Lens"),
    ("Entretien des espaces verts des collèges du département", "Département du Pas-de-Calais"),
    ("Collecte et traitement des déchets ménagers et assimilés", "Métropole européenne de Lille"),
    ("Travaux de rénovation énergétique du groupe scolaire Jean Jaurès", "Commune de Roubaix"),
    ("Fourniture et livraison de repas en liaison froide", "Centre communal d'action sociale de Douai"),
    ("Location et entretien du linge de l'établissement", "Centre hospitalier de Valenciennes"),
    ("Prestations de gardiennage et de sécurité des sites", "Université de Lille"),
    ("Transport scolaire des élèves en situation de handicap", "Région Hauts-de-France"),
];

/// Ways in which two calls look alike and are not the same.
fn twins(title: &str, buyer: &str) -> Vec<(&'static str, Notice, Notice)> {
    let one = |title: &str, buyer: &str, closing: &str| call("boamp", "1", title, buyer, closing);
    let other = |title: &str, buyer: &str, closing: &str| call("portail", "2", title, buyer, closing);
    let plain = one(title, buyer, NOON);
    let mut coded = (plain.clone(), other(title, buyer, NOON));
    coded.0.cpv.extend(vigie_domain::Cpv::parse("90911200"));
    coded.1.cpv.extend(vigie_domain::Cpv::parse("45000000"));
    let mut placed = (plain.clone(), other(title, buyer, NOON));
    placed.0.departments.extend(vigie_domain::Department::parse("59"));
    placed.1.departments.extend(vigie_domain::Department::parse("62"));
    let mut owned = (plain.clone(), other(title, buyer, NOON));
    owned.0.buyer.siret = Some("21590350100017".into());
    owned.1.buyer.siret = Some("21620498600013".into());
    vec![
        ("a year later", one(&format!("{title} 2026"), buyer, NOON), other(&format!("{title} 2027"), buyer, NOON)),
        ("an annual re-tender", plain.clone(), other(title, buyer, "2028-01-12T12:00:00+01:00")),
        ("another lot", one(&format!("{title} - lot 2"), buyer, NOON), other(&format!("{title} - lot 3"), buyer, NOON)),
        ("one lot of it", plain.clone(), other(&format!("{title} - lot n° 4 : site nord"), buyer, NOON)),
        (
            "a subsequent contract",
            one(&format!("{title} - marché subséquent n°5"), buyer, NOON),
            other(&format!("{title} - marché subséquent n°6"), buyer, NOON),
        ),
        ("a relaunch", plain.clone(), other(title, buyer, "2027-02-26T12:00:00+01:00")),
        (
            "another phase",
            one(&format!("{title} - phase I"), buyer, NOON),
            other(&format!("{title} - phase II"), buyer, NOON),
        ),
        ("another buyer", plain.clone(), other(title, "Communauté urbaine de Dunkerque", NOON)),
        ("an hour apart", plain, other(title, buyer, "2027-01-12T11:00:00+01:00")),
        ("another trade", coded.0, coded.1),
        ("another place", placed.0, placed.1),
        ("another legal person", owned.0, owned.1),
    ]
}

#[test]
fn calls_that_look_alike_are_not_merged() {
    let mut pairs = 0;
    for (title, buyer) in PROCEDURES {
        for (why, a, b) in twins(title, buyer) {
            let (a, b) = (portrait(&a, &[]).unwrap(), portrait(&b, &[]).unwrap());
            assert!(!same(&a, &b) && !same(&b, &a), "{why}: {title}");
            pairs += 1;
        }
    }
    assert!(pairs >= 60);
}

/// What another site makes of a title and a buyer.
fn republished(n: usize, title: &str, buyer: &str) -> (String, String) {
    let flat: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = buyer.split(" (").next().unwrap_or(buyer);
    match n % 4 {
        0 => (flat.to_uppercase(), bare.to_uppercase()),
        1 => (flat.chars().take(200).collect(), format!("{bare} (59000)")),
        2 => (flat.replace(['-', ',', '.'], " "), buyer.to_owned()),
        _ => (format!("{flat}."), bare.to_owned()),
    }
}

#[test]
fn real_calls_are_known_again_elsewhere_and_taken_for_no_other() {
    let Some(path) = shared::data("data/boamp/summaries_real_10000.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let mut calls: Vec<(Portrait, Portrait, String)> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        let said = |name: &str| record[name].as_str().unwrap_or_default();
        let (id, closing) = (said("idweb"), said("datelimitereponse"));
        if closing.is_empty() {
            continue;
        }
        let (title, buyer) = republished(n, said("objet"), said("nomacheteur"));
        let (Some(here), Some(there)) = (
            portrait(&call("boamp", id, said("objet"), said("nomacheteur"), closing), &[]),
            portrait(&call("portail", id, &title, &buyer, closing), &[]),
        ) else {
            continue;
        };
        calls.push((here, there, format!("{}|{}", said("nomacheteur"), said("objet").to_lowercase())));
    }
    let mut by_day: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, (here, ..)) in calls.iter().enumerate() {
        by_day.entry(here.bucket()).or_default().push(i);
    }
    let (mut found, mut missed, mut doubtful, mut wrong) = (0, 0, 0, Vec::new());
    for (i, (_, there, _)) in calls.iter().enumerate() {
        let like: Vec<usize> = by_day[&there.bucket()].iter().copied().filter(|j| same(there, &calls[*j].0)).collect();
        match like.as_slice() {
            [one] if *one == i => found += 1,
            // The same words of the same buyer for the same moment: published twice, nobody could tell them apart.
            [one] if calls[*one].2 == calls[i].2 => found += 1,
            [one] => wrong.push((calls[i].2.clone(), calls[*one].2.clone())),
            [] => missed += 1,
            _ => doubtful += 1,
        }
    }
    let alone = calls.len() - doubtful;
    eprintln!(
        "{} real calls: {found} known again, {missed} missed, {doubtful} left alone since several fit, {} taken for another",
        calls.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found as f64 >= 0.95 * alone as f64, "{found} of {alone}");
}

async fn app(dir: &tempfile::TempDir) -> App {
    let settings = Settings {
        store: settings::Store {
            url: Some(format!("sqlite:{}", dir.path().join("m.sqlite").display())),
            password: None,
        },
        subscriber: vec![settings::Subscriber::on_console(
            "Écran",
            Role::Operator,
            Cadence::Instant,
            Filter::default(),
        )],
        ..Settings::default()
    };
    let now = chrono::DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&chrono::Utc);
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    App::start(settings, fetcher, Clock::fixed(now)).await.unwrap()
}

async fn take(app: &App, notice: &Notice) {
    ingest::ingest(&app.service, notice, None).await.unwrap();
}

async fn procedure(app: &App, notice: &Notice) -> String {
    app.service.store.notice(&notice.key()).await.unwrap().unwrap().procedure
}

#[tokio::test]
async fn a_call_published_again_elsewhere_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let (title, buyer) = PROCEDURES[0];
    let (here, there) = (
        call("boamp", "26-1", title, buyer, NOON),
        call("portail", "77", &title.to_uppercase(), "MAIRIE DE LENS", NOON),
    );
    take(&app, &here).await;
    take(&app, &there).await;
    assert_eq!(procedure(&app, &here).await, procedure(&app, &there).await);
    assert_eq!(app.service.store.deliveries(None, 10).await.unwrap().len(), 1);
    // A second record of the portal with the same words is another procedure: sites publish a procedure once.
    let twin = call("portail", "78", &title.to_uppercase(), "MAIRIE DE LENS", NOON);
    take(&app, &twin).await;
    assert_ne!(procedure(&app, &twin).await, procedure(&app, &here).await);
}

/// What a feed shows: the closing date stands in the text, the buyer nowhere.
fn entry(source: &str, id: &str, title: &str, page: Option<&str>) -> Notice {
    let text = "Marché réservé aux entreprises adaptées et aux ESAT. Date limite de réception des offres : 15/01/2027 à 12h00.";
    let mut notice = vigie_watcher::classify::plain::notice(id, title, text);
    notice.source = source.into();
    notice.url = page.map(str::to_owned);
    notice.links.page = page.and_then(vigie_watcher::links::page);
    notice
}

/// Attack: one item in two feeds, a source that is renamed, a lead that a feed publishes later, were told twice.
#[tokio::test]
async fn one_market_under_two_sources_is_told_once() {
    const TITLE: &str = "Nettoyage des locaux de la mairie";
    const PAGE: Option<&str> = Some("https://www.mairie.example/consultation/1");
    let told = async |first: &Notice, second: &Notice| {
        let dir = tempfile::tempdir().unwrap();
        let app = app(&dir).await;
        take(&app, first).await;
        take(&app, second).await;
        let one = procedure(&app, first).await == procedure(&app, second).await;
        let sent = app.service.store.deliveries(None, 10).await.unwrap().len();
        assert_eq!(one, sent == 1, "{first:?} {second:?}");
        sent
    };
    let first = entry("a", "g1", TITLE, PAGE);
    let mut reworded = entry("b", "g1", TITLE, Some("http://mairie.example/consultation/1/?utm_source=rss"));
    reworded.passages[0].text = "Marché réservé aux EA.".into();
    for (why, second) in [
        ("the same item", entry("b", "g1", TITLE, PAGE)),
        ("another id", entry("b", "zz", TITLE, PAGE)),
        ("the same words under another link", entry("b", "g1", TITLE, Some("https://autre.example/x"))),
        ("the same words without a link", entry("b", "g1", TITLE, None)),
    ] {
        assert_eq!(told(&first, &second).await, 1, "{why}");
        assert_eq!(told(&second, &first).await, 1, "{why}, the other way round");
    }
    // The other way round, its closing date would be news.
    assert_eq!(told(&first, &reworded).await, 1);
    let mut shared = entry("b", "g2", "Tonte des pelouses du stade municipal", PAGE);
    shared.passages[0].text = "Marché réservé aux EA.".into();
    for (why, second) in [
        ("another object on that page", shared),
        ("another lot on that page", entry("b", "g2", "Nettoyage des locaux de la mairie - lot 2", PAGE)),
        ("a second record of one source", entry("a", "g2", TITLE, PAGE)),
    ] {
        assert_eq!(told(&first, &second).await, 2, "{why}");
    }
    // The next edition, on the page of one that is over.
    let mut closed = entry("a", "g1", TITLE, PAGE);
    closed.passages[0].text = closed.passages[0].text.replace("15/01/2027", "15/11/2026");
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    take(&app, &closed).await;
    take(&app, &entry("b", "g1", TITLE, PAGE)).await;
    assert_eq!(app.service.store.notices_of(&procedure(&app, &closed).await).await.unwrap().len(), 1);
}

/// Attack: a title that says « annulé », in the item itself or in another one of its feed, was no news of the market.
#[tokio::test]
async fn what_a_title_says_became_of_a_market_is_told_in_reply() {
    const TITLE: &str = "Nettoyage des locaux de la mairie";
    let first = entry("feed", "g1", TITLE, Some("https://mairie.example/1"));
    for (id, title, kind) in [
        ("g1", "[ANNULÉ] Nettoyage des locaux de la mairie", AlertKind::Cancellation),
        ("g1", "Nettoyage des locaux de la mairie (déclaré sans suite)", AlertKind::Cancellation),
        ("g2", "Avis d’annulation : Nettoyage des locaux de la mairie", AlertKind::Cancellation),
        ("g3", "Avis d’attribution : Nettoyage des locaux de la mairie", AlertKind::Award),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let app = app(&dir).await;
        take(&app, &first).await;
        let second = entry("feed", id, title, Some(&format!("https://mairie.example/{id}")));
        take(&app, &second).await;
        assert_eq!(procedure(&app, &first).await, procedure(&app, &second).await, "{title}");
        let told = app.service.store.deliveries(None, 10).await.unwrap();
        let shares = app.service.store.latest_notifications(&told[0].subscriber, 10).await.unwrap();
        assert!(told.len() == 2 && shares.iter().any(|s| s.alert_kind == kind), "{title}: {shares:?}");
        take(&app, &second).await;
        assert_eq!(app.service.store.deliveries(None, 10).await.unwrap().len(), told.len(), "{title}: once");
    }
    // Two open markets of that title: which one ended is not known.
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    take(&app, &first).await;
    let mut twin = entry("feed", "g9", TITLE, None);
    twin.passages[0].text = twin.passages[0].text.replace("15/01", "22/02");
    take(&app, &twin).await;
    let after = entry("feed", "g2", "Avis d’annulation : Nettoyage des locaux de la mairie", None);
    take(&app, &after).await;
    assert_ne!(procedure(&app, &after).await, procedure(&app, &first).await);
    assert_ne!(procedure(&app, &after).await, procedure(&app, &twin).await);
}

#[tokio::test]
async fn two_procedures_found_to_be_one_become_one() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let mut first = call("boamp", "26-1", "Nettoyage des écoles de la ville", "Ville de Lens", NOON);
    first.links.contract_folder = Some("0df69801".into());
    let mut second = call("ted", "123-2026", "Cleaning services for schools", "Lens", "2027-01-12T23:59:00+01:00");
    second.links.publications.push("123-2026".into());
    take(&app, &first).await;
    take(&app, &second).await;
    let before = [procedure(&app, &first).await, procedure(&app, &second).await];
    assert_ne!(before[0], before[1]);
    let mut award = Notice::new("boamp", "26-9", NoticeKind::Award);
    award.title = "Nettoyage des écoles de la ville".into();
    award.links.contract_folder = Some("0df69801".into());
    award.links.publications.push("123-2026".into());
    take(&app, &award).await;
    let kept = procedure(&app, &award).await;
    assert_eq!((procedure(&app, &first).await, procedure(&app, &second).await), (kept.clone(), kept.clone()));
    for old in before {
        let leads_to = app.service.store.procedure_now(&old).await.unwrap();
        assert_eq!(leads_to, (old != kept).then(|| kept.clone()), "addresses in messages go on leading there");
    }
}

#[tokio::test]
async fn a_notice_whose_procedure_ended_earlier_on_the_page_follows_it() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let mut first = call("boamp", "26-1", "Nettoyage des écoles de la ville", "Ville de Lens", NOON);
    first.links.contract_folder = Some("0df69801".into());
    let mut second = call("boamp", "26-2", "Propreté scolaire", "Lens", "2027-01-13T12:00:00+01:00");
    second.links.publications.push("123-2026".into());
    take(&app, &first).await;
    take(&app, &second).await;
    let mut award = Notice::new("boamp", "26-9", NoticeKind::Award);
    award.links.contract_folder = Some("0df69801".into());
    award.links.publications.push("123-2026".into());
    "Propreté scolaire, lots 1 à 3".clone_into(&mut second.title);
    let page = [award.clone(), second.clone()].map(Arc::new);
    let outcomes = ingest::ingest_page(&app.service, &page, None).await.unwrap();
    assert!(outcomes.iter().all(|o| matches!(o, Ok(Outcome::Stored(_)))), "{outcomes:?}");
    let kept = procedure(&app, &award).await;
    assert_eq!(procedure(&app, &second).await, kept);
    let made = app.service.store.deliveries(None, 20).await.unwrap();
    let mut subjects = std::collections::BTreeSet::new();
    for delivery in &made {
        subjects.extend(app.service.store.subject_of(&delivery.id).await.unwrap());
    }
    assert_eq!(subjects.len(), 1, "all that was told is about one procedure: {subjects:?}");
}

#[tokio::test]
async fn a_record_that_stands_twice_on_a_page_ends_as_it_stands_last() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let one = call("boamp", "26-1", "Nettoyage des écoles", "Ville de Lens", NOON);
    let other = call("boamp", "26-1", "Nettoyage des gymnases", "Ville de Lens", NOON);
    take(&app, &one).await;
    let page = [other, one.clone()].map(Arc::new);
    ingest::ingest_page(&app.service, &page, None).await.unwrap();
    assert_eq!(app.service.store.notice(&one.key()).await.unwrap().unwrap().notice.title, "Nettoyage des écoles");
}

/// A record that changes says what it changed: the rest of it is as old as it was, and takes nothing back of what was corrected since.
#[tokio::test]
async fn a_record_that_changes_undoes_no_correction() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let (title, buyer) = PROCEDURES[0];
    let mut first = call("boamp", "26-1", title, buyer, NOON);
    take(&app, &first).await;
    let moved = "2027-01-20T12:00:00+01:00";
    let mut correction = call("boamp", "26-2", title, buyer, moved);
    correction.kind = NoticeKind::Correction;
    correction.links.earlier = vec!["26-1".into()];
    take(&app, &correction).await;
    let id = procedure(&app, &first).await;
    let state = async || app.service.store.state_of(&id).await.unwrap().unwrap();
    assert_eq!(state().await.deadline_of("").unwrap().to_rfc3339(), moved);

    // The old record says a clause now, and still prints its first date.
    let clause = "20 % des heures de travail sont réservées à des personnes éloignées de l'emploi.";
    first.passages.push(vigie_domain::Passage { field: "text".into(), lot: None, text: clause.into() });
    take(&app, &first).await;
    let after = state().await;
    assert_eq!(after.deadline_of("").unwrap().to_rfc3339(), moved, "the correction stands");
    assert_eq!(after.provisions.len(), 1, "what is new counts: {after:?}");

    // A date of its own that moves is news.
    first.dates[0] = call("boamp", "26-1", title, buyer, "2027-02-03T12:00:00+01:00").dates.remove(0);
    take(&app, &first).await;
    assert_eq!(state().await.deadline_of("").unwrap().to_rfc3339(), "2027-02-03T12:00:00+01:00");
}

/// A call that names the one that was called off, or awarded, as the notice before it is a new market; one that restates it is not.
#[tokio::test]
async fn a_call_linked_to_one_that_ended_opens_a_market_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    for (number, kind) in [(1, NoticeKind::Cancellation), (2, NoticeKind::Award)] {
        let (title, buyer) = PROCEDURES[number];
        let name = |n: usize| format!("26-{number}{n}");
        let linked = |n: usize, kind: NoticeKind, closing: &str| {
            let mut notice = call("boamp", &name(n), title, buyer, closing);
            notice.kind = kind;
            notice.links.earlier = vec![name(0)];
            notice
        };
        let first = call("boamp", &name(0), title, buyer, NOON);
        take(&app, &first).await;
        take(&app, &linked(1, kind, NOON)).await;
        // A correction of what is over moves nothing, and nobody is written to.
        let before = app.service.store.deliveries(None, 20).await.unwrap().len();
        take(&app, &linked(2, NoticeKind::Correction, "2027-01-19T12:00:00+01:00")).await;
        assert_eq!(app.service.store.deliveries(None, 20).await.unwrap().len(), before, "{kind:?}");
        let restated = linked(3, NoticeKind::Call, NOON);
        let anew = linked(4, NoticeKind::Call, "2027-02-26T12:00:00+01:00");
        take(&app, &restated).await;
        take(&app, &anew).await;
        assert_eq!(procedure(&app, &restated).await, procedure(&app, &first).await, "{kind:?}");
        let relaunched = procedure(&app, &anew).await;
        assert_ne!(relaunched, procedure(&app, &first).await, "{kind:?}");
        assert_eq!(app.service.store.state_of(&relaunched).await.unwrap().unwrap().status, Status::Open);
        assert_eq!(app.service.store.deliveries(None, 20).await.unwrap().len(), before + 1, "{kind:?}: told");
    }
}
