//! Cost of the road: notices a second from record to durable delivery, on SQLite, split by step.
//!
//! `cargo bench -p vigie-tests --bench ingest [-- NOTICES SUBSCRIPTIONS]`

use std::io::Write;
use std::time::Instant;

use serde_json::json;
use vigie_bot::app::App;
use vigie_bot::clock::Clock;
use vigie_bot::ingest::{self, Audience};
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Department, Filter, Subscriber};
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_watcher::classify::classify;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::boamp;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let (notices, subscriptions) = (arguments.next().unwrap_or(1000), arguments.next().unwrap_or(500));
    tokio::runtime::Runtime::new()?.block_on(run(notices, subscriptions))
}

async fn run(notices: usize, subscriptions: usize) -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let settings = Settings {
        store: settings::Store {
            url: Some(format!("sqlite:{}", dir.path().join("i.sqlite").display())),
            password: None,
        },
        pace: settings::Pace { instant_per_hour: 0, ..settings::Pace::default() },
        ..Settings::default()
    };
    let fetcher = Fetcher::http(&settings.fetch)?;
    let app = App::start(settings, fetcher, Clock::default()).await.map_err(|f| f.to_string())?;
    let departments: Vec<Department> = (1..=95).filter_map(|n| Department::parse(&format!("{n:02}"))).collect();
    for n in 0..subscriptions {
        let id = format!("s{n}");
        let subscriber =
            Subscriber { id: id.clone(), name: id.clone(), role: Role::Structure, profile: Profile::default() };
        app.store
            .put_subscriber(
                &NewSubscriber {
                    subscriber,
                    addresses: vec![(Channel::Email, format!("{id}@x.example"), AddressState::Active)],
                    declared: false,
                },
                app.clock.now(),
            )
            .await?;
        let filter = Filter {
            sectors: vec!["nettoyage-de-locaux-16".into()],
            departments: vec![departments[n % departments.len()].clone()],
            ..Filter::default()
        };
        app.store.put_subscription(&id, &filter, Cadence::Instant, app.clock.now()).await?;
    }
    let records: Vec<serde_json::Value> = (0..notices)
        .map(|n| {
            let d = &departments[n % departments.len()];
            let donnees = json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville"}, "initial": {"natureMarche": {"intitule": format!("Nettoyage du site {n}"), "codeCPV": {"objetPrincipal": {"classPrincipale": "90911200"}}, "lieuExecution": format!("{}000", d)},
                "procedure": {"dateReceptionOffres": "2027-01-12T12:00:00"}, "informComplementaire": {"autresInformComplementaire": "Le marché comporte une clause d'insertion de 200 heures d'insertion. ".repeat(20)}}}});
            json!({"idweb": format!("26-{n}"), "objet": "Nettoyage", "dateparution": "2026-11-20", "donnees": donnees.to_string()})
        })
        .collect();
    let t = Instant::now();
    let parsed: Vec<_> = records.iter().filter_map(|r| boamp::from_json(r).ok()).collect();
    let parse = t.elapsed().as_secs_f64();
    let t = Instant::now();
    std::hint::black_box(parsed.iter().map(|n| classify(n).provisions.len()).sum::<usize>());
    let judge = t.elapsed().as_secs_f64();
    let mut audience = Audience::default();
    let t = Instant::now();
    for notice in &parsed {
        ingest::ingest(&app, &mut audience, notice, None).await?;
    }
    let whole = t.elapsed().as_secs_f64();
    let deliveries = app.store.queue().await?.iter().map(|(_, n)| n).sum::<i64>();
    writeln!(
        std::io::stdout(),
        "{{\"notices\": {}, \"subscriptions\": {subscriptions}, \"deliveries\": {deliveries}, \"parse_s\": {parse:.3}, \"judge_s\": {judge:.3}, \"ingest_with_judgement_s\": {whole:.3}, \"store_and_match_s\": {:.3}, \"notices_s\": {:.0}}}",
        parsed.len(),
        whole - judge,
        parsed.len() as f64 / whole,
    )?;
    Ok(())
}
