//! Cost of the road: notices a second from record to durable delivery, on SQLite, a third each from BOAMP, TED and a
//! portal, split by step.
//!
//! `cargo bench -p vigie-tests --bench ingest [-- NOTICES SUBSCRIPTIONS]`

use std::io::Write;
use std::time::Instant;

use serde_json::json;
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::{Department, Filter, Notice};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_service::sources;
use vigie_tests::publishers::eforms;
use vigie_tests::service::subscribe;
use vigie_watcher::classify::classify;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::{Memory, boamp, eforms};
use vigie_watcher::{procedure, tree};

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
        let filter = Filter {
            sectors: vec!["nettoyage-de-locaux-16".into()],
            departments: vec![departments[n % departments.len()].clone()],
            ..Filter::default()
        };
        subscribe(&app, &id, &format!("{id}@x.example"), &filter).await?;
    }
    let (parsed, parse) = day(notices, &departments).await?;
    let t = Instant::now();
    std::hint::black_box(parsed.iter().map(|n| classify(n).provisions.len()).sum::<usize>());
    let judge = t.elapsed().as_secs_f64();
    let t = Instant::now();
    for notice in &parsed {
        ingest::ingest(&app.service, notice, None).await?;
    }
    let whole = t.elapsed().as_secs_f64();
    let t = Instant::now();
    let portraits: Vec<_> = parsed.iter().filter_map(|notice| procedure::portrait(notice, &[])).collect();
    let newest = &portraits[portraits.len().saturating_sub(100)..];
    let alike = newest.iter().map(|a| portraits.iter().filter(|b| procedure::same(a, b)).count()).sum::<usize>();
    let compare = t.elapsed().as_secs_f64() / newest.len().max(1) as f64;
    let deliveries = app.service.store.queue().await?.iter().map(|(_, n)| n).sum::<i64>();
    writeln!(
        std::io::stdout(),
        "{{\"notices\": {}, \"subscriptions\": {subscriptions}, \"deliveries\": {deliveries}, \"parse_boamp_s\": {:.3}, \"parse_ted_s\": {:.3}, \"parse_portal_s\": {:.3}, \"judge_s\": {judge:.3}, \"ingest_with_judgement_s\": {whole:.3}, \"store_match_and_join_s\": {:.3}, \"compare_with_all_ms\": {:.3}, \"alike\": {alike}, \"notices_s\": {:.0}}}",
        parsed.len(),
        parse[0],
        parse[1],
        parse[2],
        whole - judge,
        compare * 1000.0,
        parsed.len() as f64 / whole,
    )?;
    Ok(())
}

/// Seconds that reading took, by source: BOAMP, TED, portal.
type Read = [f64; 3];

/// A day's notices, a third from each of three sources, and what reading them cost.
async fn day(notices: usize, departments: &[Department]) -> Result<(Vec<Notice>, Read), Box<dyn std::error::Error>> {
    let third = notices / 3;
    let place = |n: usize| &departments[n % departments.len()];
    let records: Vec<serde_json::Value> = (0..notices - 2 * third)
        .map(|n| {
            let donnees = json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville"}, "initial": {"natureMarche": {"intitule": format!("Nettoyage du site {n}"), "codeCPV": {"objetPrincipal": {"classPrincipale": "90911200"}}, "lieuExecution": format!("{}000", place(n))},
                "procedure": {"dateReceptionOffres": "2027-01-12T12:00:00"}, "informComplementaire": {"autresInformComplementaire": "Le marché comporte une clause d'insertion de 200 heures d'insertion. ".repeat(20)}}}});
            json!({"idweb": format!("26-{n}"), "objet": "Nettoyage", "dateparution": "2026-11-20", "donnees": donnees.to_string()})
        })
        .collect();
    let documents: Vec<Vec<u8>> = (0..third)
        .map(|n| eforms(&format!("{:08}-2026", n + 1), &format!("Nettoyage du site européen {n}"), &format!("f-{n}")))
        .collect();
    let list: String = (0..third)
        .map(|n| format!("<li class='c'><a href='/{n}'>Nettoyage des locaux du site privé {n}</a><b>Groupe Exemple ({})</b><i>12/01/2027 à 12h00</i></li>", place(n)))
        .collect();
    let t = Instant::now();
    let mut parsed: Vec<Notice> = records.iter().filter_map(|r| boamp::from_json(r).ok()).collect();
    let boamp_s = t.elapsed().as_secs_f64();
    let t = Instant::now();
    let mut european: Vec<Notice> =
        documents.iter().filter_map(|d| eforms::from_tree(&tree::from_xml(d).ok()?).ok()).collect();
    let ted_s = t.elapsed().as_secs_f64();
    // The fixture names no place: without one every subscriber of the trade would be told.
    european.iter_mut().enumerate().for_each(|(n, notice)| notice.departments = vec![place(n).clone()]);
    parsed.extend(european);
    let block: settings::Source = toml::from_str(
        "id = 'p'\nkind = 'portal'\nurl = 'https://p.example/'\n[list]\nitems = 'li.c'\n[list.fields]\ntitle = 'a'\nlink = 'a@href'\nbuyer = 'b'\ndeadline = 'i'",
    )?;
    let settings = Settings { source: vec![block], ..Settings::default() };
    let portal = sources::enabled(&settings).map_err(|f| f.to_string())?;
    let fetcher = Fetcher::Bundled(Box::new(move |_| Some(list.clone().into_bytes())));
    let t = Instant::now();
    parsed.extend(portal[0].peek(&fetcher, &Memory::default(), chrono::Utc::now()).await?.notices);
    Ok((parsed, [boamp_s, ted_s, t.elapsed().as_secs_f64()]))
}
