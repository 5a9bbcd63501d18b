//! What a subscription would have given, said before it is kept.

use chrono::{DateTime, NaiveDate, Utc};
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::notice::Links;
use vigie_domain::subscription::Profile;
use vigie_domain::{Department, Dimension, Filter, Notice, NoticeKind};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_service::preview::{self, Preview, Verdict};
use vigie_watcher::fetch::Fetcher;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

async fn app(dir: &tempfile::TempDir) -> App {
    let url = Some(format!("sqlite:{}", dir.path().join("p.sqlite").display()));
    let settings = Settings { store: settings::Store { url, password: None }, ..Settings::default() };
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    App::start(settings, fetcher, Clock::fixed(now())).await.unwrap()
}

fn call(id: &str, title: &str, department: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = title.to_owned();
    notice.departments.extend(Department::parse(department));
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 8);
    notice
}

async fn take(app: &App, notice: &Notice) {
    ingest::ingest(&app.service, notice, None).await.unwrap();
}

async fn seen(app: &App, filter: &Filter) -> (Preview, String) {
    let seen = preview::preview(&app.service, filter, &Profile::default(), preview::DAYS).await.unwrap();
    let said = seen.in_french(filter);
    (seen, said)
}

fn laundry(department: &str) -> Filter {
    let departments = Department::parse(department).into_iter().collect();
    Filter { sectors: vec!["blanchisserie".into()], departments, ..Filter::default() }
}

#[tokio::test]
async fn a_preview_counts_each_procedure_once_over_the_days_that_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    for n in 0..12 {
        take(&app, &call(&format!("a{n}"), &format!("Travaux de voirie, rue {n}"), "59")).await;
    }
    let mut first = call("b1", "Location et entretien du linge, blanchisserie", "59");
    first.links = Links { contract_folder: Some("0df69801".into()), ..Links::default() };
    let mut again = call("b2", "Location et entretien du linge, blanchisserie : avis modifié", "59");
    again.links = first.links.clone();
    let mut old = call("b3", "Blanchisserie des internats", "59");
    old.published = NaiveDate::from_ymd_opt(2026, 9, 1);
    for notice in [&first, &again, &old, &call("b4", "Blanchisserie de l’hôpital", "59")] {
        take(&app, notice).await;
    }
    let (met, said) = seen(&app, &laundry("59")).await;
    assert_eq!((met.looked_at, met.matching, met.days, met.verdict), (14, 2, 13, Verdict::Fine));
    assert_eq!(met.samples.len(), 2);
    assert_eq!(said, "Sur les 13 derniers jours, 2\u{a0}marchés vous auraient été signalés, environ 1 par semaine.");
    let procedure = app.service.store.notice("boamp:b1").await.unwrap().unwrap().procedure;
    assert!(met.samples.iter().any(|s| s.procedure == procedure), "{met:?}");
}

#[tokio::test]
async fn a_subscription_that_matches_nothing_or_everything_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let (_, said) = seen(&app, &Filter::default()).await;
    assert!(said.starts_with("Rien n’est encore veillé ici"), "{said}");
    for n in 0..12 {
        take(&app, &call(&format!("a{n}"), &format!("Blanchisserie du collège {n}"), "59")).await;
    }
    let (met, said) = seen(&app, &laundry("06")).await;
    assert_eq!(met.verdict, Verdict::Nothing { because: Some(Dimension::Department) });
    assert_eq!(said, "Rien : sur les 13 derniers jours, aucun avis de ce secteur dans ce département.");
    let (met, said) = seen(&app, &Filter { words: vec!["Collège".into()], ..Filter::default() }).await;
    assert_eq!((met.matching, met.verdict), (12, Verdict::Everything));
    assert!(said.contains("presque tout"), "{said}");
}
