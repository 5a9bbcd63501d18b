//! What the store costs: notices that each concern one person, the messages they cause, and polls that bring nothing.
//!
//! `cargo bench -p vigie-store --bench cost -- [NOTICES] [DATABASE]`; without a database, a SQLite file of its own. Gives the
//! wall and processor time of each step; under `strace -f -c` or `perf stat` it says what they are made of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use vigie_domain::delivery::Settlement;
use vigie_domain::procedure::Snapshot;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Alert, AlertKind, Assessment, Channel, Disposition, Notice, NoticeKind, Subscriber};
use vigie_store::Store;
use vigie_store::claim::Claim;
use vigie_store::ingest::{NewDelivery, NewNotification};
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::sources::PollEnd;

/// Notices of a page, which one transaction takes.
const PAGE: usize = 20;
/// Sources polled at the same moment.
const SOURCES: usize = 500;
/// Workers that send side by side.
const WORKERS: usize = 16;

/// What was judged of a notice, as short as it may be.
const VERDICT: &str = r#"{"id": "1", "notice_kind": "call", "title": "Nettoyage des écoles", "buyer": null, "cpv": [],
    "departments": [], "dates": [], "lots": [], "provisions": [], "sectors": [], "routes": [], "eligible_kinds": [], "score": 40,
    "reasons": []}"#;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

/// Processor time of this process so far, of user and kernel, in hundredths of a second.
fn processor() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|n| fields.get(*n)?.parse::<u64>().ok()).sum()
}

async fn step<T>(name: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let (began, before) = (Instant::now(), processor());
    let done = work.await?;
    let busy = Duration::from_millis((processor() - before) * 10);
    eprintln!("{name:24} wall {:6.2} s, processor {:5.2} s", began.elapsed().as_secs_f64(), busy.as_secs_f64());
    Ok(done)
}

async fn ingest(store: &Store, address: &str, notices: usize) -> Result<(), Failure> {
    let assessment: Assessment = serde_json::from_str(VERDICT)?;
    for page in (0..notices).collect::<Vec<_>>().chunks(PAGE) {
        let keys: Vec<String> = page.iter().map(|n| format!("s:{n}")).collect();
        store.content_hashes(&keys).await?;
        let mut tx = store.begin_ingest(now()).await?;
        tx.look_up_notices(&keys).await?;
        for n in page {
            let mut notice = Notice::new("s", n.to_string(), NoticeKind::Call);
            notice.title = format!("Nettoyage des écoles, lot {n}");
            let procedure = format!("procedure-{n}");
            let keys = [format!("record:s:{n}")];
            tx.known_notice(&notice.key()).await?;
            tx.procedures_of(&keys).await?;
            tx.put_procedure(&procedure, &notice.title, &Snapshot::default(), &keys).await?;
            tx.put_notice(&notice, &assessment, "hash", &procedure).await?;
            tx.put_portrait(&notice.key(), &procedure, "2026-12-01", "{}").await?;
            let alert = Alert {
                id: vigie_store::derived_id(&["alert", &procedure]),
                kind: AlertKind::New,
                procedure,
                notice: notice.key(),
                changes: Vec::new(),
            };
            let delivery = NewDelivery {
                subscriber: "p".into(),
                address: address.to_owned(),
                channel: Channel::Email,
                cause: vigie_domain::Cause::Alert(alert.id.clone()),
                procedure: alert.procedure.clone(),
                expires: None,
            };
            let share = NewNotification {
                subscriber: "p".into(),
                subscription: None,
                disposition: Disposition::Instant,
                reasons: "{}".into(),
                due: None,
            };
            tx.put_shares(&alert, None, &[(share, vec![delivery])]).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn send(store: &Store) -> Result<(), Failure> {
    let lease = chrono::Duration::minutes(1);
    for token in 0.. {
        let token = token.to_string();
        let claim =
            Claim { lease_holder: "bench", token: &token, limit: 256, lease, domain_gap: chrono::Duration::zero() };
        let claimed = store.claim(&claim, now()).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        let claimed = Arc::new(tokio::sync::Mutex::new(claimed));
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (store, claimed) = (store.clone(), Arc::clone(&claimed));
                tokio::spawn(async move {
                    loop {
                        let Some(delivery) = claimed.lock().await.pop() else { return Ok(()) };
                        store.start_attempt(&delivery, lease, now()).await?;
                        store.settle(&delivery, &Settlement::Sent("250".into()), now(), now()).await?;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await?.map_err(|e: vigie_store::StoreError| e)?;
        }
    }
    Ok(())
}

async fn poll(store: &Store, minute: i64) -> Result<(), Failure> {
    let at = now() + chrono::Duration::minutes(minute);
    let polls: Vec<_> = (0..SOURCES)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("source-{n}");
                let taken = store.claim_source(&id, "bench", chrono::Duration::minutes(5), false, at).await?;
                assert!(taken.is_some(), "{id} is due and free");
                store.poll_done(&id, &PollEnd::default(), at + chrono::Duration::seconds(30), at.date_naive(), at).await
            })
        })
        .collect();
    for poll in polls {
        poll.await??;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let notices = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(5_000);
    let dir = tempfile::tempdir()?;
    let url = arguments.next().unwrap_or_else(|| format!("sqlite:{}", dir.path().join("v.sqlite").display()));
    let store = Store::open(&url).await?;
    let subscriber =
        Subscriber { id: "p".into(), name: "p".into(), role: Role::Subscriber, profile: Profile::default() };
    let addresses = vec![(Channel::Email, "p@exemple.fr".into(), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await?;
    let address = store.addresses("p").await?.pop().ok_or("no address")?.id;
    step(&format!("{notices} notices"), ingest(&store, &address, notices)).await?;
    step(&format!("{notices} messages"), send(&store)).await?;
    step(&format!("{SOURCES} first polls"), poll(&store, 0)).await?;
    step(&format!("{SOURCES} idle polls"), poll(&store, 1)).await?;
    store.close().await;
    Ok(())
}
