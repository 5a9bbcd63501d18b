//! One index of subscriptions a process: what another process changes is known to the next notice.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Rhythm;
use vigie_domain::{Department, Filter, Notice, NoticeKind};
use vigie_service::ingest::{self, Outcome};
use vigie_service::{Clock, personal_data};
use vigie_tests::servers::Postgres;
use vigie_tests::service::{start, subscribe};

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-24T09:00:00Z").unwrap().with_timezone(&Utc)
}

fn call(id: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = format!("Nettoyage du site {id}");
    notice.departments = Department::parse("59").into_iter().collect();
    notice
}

fn of(department: &str) -> Filter {
    Filter { departments: Department::parse(department).into_iter().collect(), ..Filter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_changes_is_known_to_the_next_notice_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    two_processes(&format!("sqlite:{}", dir.path().join("two.sqlite").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_changes_is_known_to_the_next_notice_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    two_processes(&postgres.url).await;
}

async fn two_processes(url: &str) {
    let watches = start(url, 9, 1, Clock::fixed(now())).await.unwrap();
    let other = start(url, 9, 1, Clock::fixed(now())).await.unwrap();
    let (store, mut n) = (&other.service.store, 0);
    let mut told = async || {
        n += 1;
        let outcome = ingest::ingest(&watches.service, &call(&format!("26-{n}")), None).await.unwrap();
        let Outcome::Stored(people) = outcome else { panic!("{outcome:?}") };
        let waiting = store.deliveries(None, 100).await.unwrap().len();
        (people, waiting)
    };
    assert_eq!(told().await, (0, 0), "nobody yet");
    subscribe(&other, "ana", "ana@x.example", &of("59")).await.unwrap();
    subscribe(&other, "bob", "bob@x.example", &of("62")).await.unwrap();
    assert_eq!(told().await, (1, 1), "who subscribed elsewhere hears");
    let bob = store.subscriptions_of("bob").await.unwrap().remove(0).id;
    assert!(store.set_filter(&bob, &of("59")).await.unwrap());
    assert_eq!(told().await, (2, 3));
    // What is kept of a person in memory follows too.
    let quiet = vigie_domain::subscription::QuietHours { from: 0, to: 23 };
    store.set_rhythm("bob", &Rhythm { quiet: Some(quiet), ..Rhythm::default() }).await.unwrap();
    assert_eq!(told().await, (2, 4), "bob's waits for the end of his quiet hours");
    let ana = store.subscriptions_of("ana").await.unwrap().remove(0).id;
    assert!(store.pause_subscription(&ana, Some(now() + Duration::days(1))).await.unwrap());
    assert_eq!(told().await, (2, 4), "ana's share says that she paused");
    assert!(store.remove_subscription(&bob).await.unwrap());
    assert_eq!(told().await, (1, 4));
    assert!(personal_data::erase(&other.service, "ana").await.unwrap().is_some());
    let (people, _) = told().await;
    assert_eq!(people, 0, "who is erased is told nothing");
}
