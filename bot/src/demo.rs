//! The demo: bundled samples in the true BOAMP and RSS shapes, through the real road into an embedded database. No
//! set-up, no network.
//!
//! The samples hold dates relative to today (`{{J+21}}`, or `{{D+21}}` in words), so that deadlines are always ahead.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};
use url::Url;
use vigie_config::secret::Secret;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::Role;
use vigie_domain::{Cadence, Filter};
use vigie_domain::{ProvisionKind, french};
use vigie_store::search::Query;
use vigie_watcher::fetch::Fetcher;

use crate::commands::output::print;
use crate::roles::{poll, scheduler};
use crate::setup::App;
use vigie_delivery::worker;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::{sign_in, sources};

const BOAMP: &str = include_str!("../samples/boamp.json");
const FEED: &str = include_str!("../samples/feed.xml");
const BOAMP_URL: &str = "https://echantillons.vigie.invalid/boamp";
const FEED_URL: &str = "https://echantillons.vigie.invalid/flux.xml";
/// Score from which the demo's subscriber hears of a notice.
const MIN_SCORE: u8 = 20;

/// Replaces the relative dates of a sample.
fn dated(text: &str, today: NaiveDate) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else { break };
        let mark = &rest[start + 2..start + end];
        out.push_str(&rest[..start]);
        let day =
            mark.get(1..).and_then(|n| n.parse::<i64>().ok()).and_then(|n| today.checked_add_signed(Duration::days(n)));
        match (day, mark.starts_with('J')) {
            (Some(day), true) => out.push_str(&day.to_string()),
            (Some(day), false) => out.push_str(&french::date(day)),
            (None, _) => out.push_str(&rest[start..start + end + 2]),
        }
        rest = &rest[start + end + 2..];
    }
    out.push_str(rest);
    out
}

/// A fetcher that answers from the samples as the two publishers do. Until `whole` is set, what was published today is
/// not there yet: so corrections arrive after the notices they correct were told.
#[must_use]
pub fn fetcher(now: DateTime<Utc>, whole: Arc<AtomicBool>) -> Fetcher {
    let today = vigie_watcher::zones::paris_day(now);
    let records = dated(BOAMP, today);
    let feed = dated(FEED, today);
    Fetcher::Bundled(Box::new(move |url: &Url| {
        if url.as_str() == FEED_URL {
            return Some(feed.clone().into_bytes());
        }
        url.as_str()
            .starts_with(BOAMP_URL)
            .then(|| page(&records, url, (!whole.load(Ordering::Relaxed)).then_some(today)))
    }))
}

fn page(records: &str, url: &Url, before: Option<NaiveDate>) -> Vec<u8> {
    let all: Value = serde_json::from_str(records).unwrap_or_default();
    let number =
        |name: &str| url.query_pairs().find(|(k, _)| k == name).and_then(|(_, v)| v.parse::<usize>().ok()).unwrap_or(0);
    let published = |r: &Value| r["dateparution"].as_str().and_then(|d| d.parse::<NaiveDate>().ok());
    let mut results = all["results"].as_array().cloned().unwrap_or_default();
    results.retain(|r| before.is_none_or(|day| published(r) < Some(day)));
    let slice: Vec<&Value> = results.iter().skip(number("offset")).take(number("limit")).collect();
    json!({ "total_count": results.len(), "results": slice }).to_string().into_bytes()
}

fn source(id: &str, kind: &str, url: &str) -> settings::Source {
    settings::Source::new(id, kind, Some(url), settings::Baseline::Deliver)
}

fn demo_settings(store: String, listen: &str) -> Settings {
    Settings {
        store: settings::Store { url: Some(store), password: None },
        source: vec![
            source("boamp", "boamp", BOAMP_URL),
            source("bourg-exemple", "feed", FEED_URL).with("buyer", "Bourg-Exemple"),
        ],
        web: settings::Web { listen: listen.to_owned(), ..settings::Web::default() },
        operator: Some(settings::Operator {
            name: "Camille Exemple".to_owned(),
            contact: "camille@exemple.invalid".to_owned(),
            organisation: "la démonstration".to_owned(),
        }),
        pace: settings::Pace { instant_per_hour: 0, ..settings::Pace::default() },
        subscriber: vec![settings::Subscriber::on_console(
            "Démonstration",
            Role::Operator,
            Cadence::Instant,
            Filter { min_score: MIN_SCORE, ..Filter::default() },
        )],
        ..Settings::default()
    }
}

/// Runs the demo; with `once`, ends after the last alert instead of serving the page.
///
/// # Errors
/// The folder for its database cannot be made, or the page's address is taken.
pub async fn run(listen: &str, once: bool, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
    let clock = Clock::from_environment()?;
    let dir = std::env::temp_dir().join(format!("vigie-demo-{}", std::process::id()));
    vigie_config::private::create_new_dir(&dir).map_err(|e| {
        Failure::new(
            format!("dossier impossible à créer : {}", french::of_system(&e)),
            dir.display().to_string(),
            "vérifiez les droits",
        )
    })?;
    let outcome = walk(&dir, clock, listen, once, stop).await;
    let _ = std::fs::remove_dir_all(&dir);
    outcome
}

async fn walk(
    dir: &std::path::Path,
    clock: Clock,
    listen: &str,
    once: bool,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let mut settings = demo_settings(format!("sqlite:{}", dir.join("demo.sqlite").display()), listen);
    // The page is bound first, so that a taken port is said before anything else.
    let listener = match once {
        true => None,
        false => Some(vigie_web::server::listen(listen, "--listen").await?),
    };
    let address = listener.as_ref().and_then(|l| l.local_addr().ok());
    if let Some(address) = address {
        settings.web.public_url = Some(format!("http://{address}"));
        settings.web.secret = Some(secret(dir)?);
    }
    let whole = Arc::new(AtomicBool::new(false));
    let app = App::start(settings, fetcher(clock.now(), Arc::clone(&whole)), clock).await?;
    let (mut read, mut sent) = (0, 0);
    for today in [false, true] {
        whole.store(today, Ordering::Relaxed);
        for source in sources::enabled(&app.service.settings)? {
            read += poll::poll(&app.service, &app.fetcher, &source, true).await?.unwrap_or_default().stored;
        }
        scheduler::run(&app.service, app.service.clock.now()).await?;
        sent += worker::drain(&app.delivery).await?;
    }
    summary(&app, read, sent).await?;
    let Some(listener) = listener else { return Ok(()) };
    let address = address.map_or_else(|| listen.to_owned(), |a| a.to_string());
    say(&format!("Pages locales : http://{address} (Ctrl+C pour arrêter)"))?;
    for person in app.service.store.subscribers().await? {
        for console in app.service.store.active_addresses(&person.id).await? {
            if let Some(link) = sign_in::link(&app.service, &console).await? {
                say(&format!("Pour y entrer comme « {} » : {link}", person.name))?;
            }
        }
    }
    vigie_web::serve_on(app.service, listener, stop).await
}

/// What the demo did, once its alerts have scrolled by.
async fn summary(app: &App, read: usize, sent: usize) -> Result<(), Failure> {
    let now = app.service.clock.now();
    let kinds = [
        ("réservés à des structures", ProvisionKind::Reserved),
        ("avec une clause d’insertion", ProvisionKind::ExecutionClause),
        ("avec un critère social", ProvisionKind::AwardCriterion),
    ];
    say(&format!("\nDémonstration : {read} avis d’exemple lus, {sent} alertes affichées ci-dessus, dont des marchés"))?;
    for (words, kind) in kinds {
        let wanted = Query { provisions: vec![kind], ..Query::default() };
        say(&format!("  • {words} : {}", app.service.store.search_count(&wanted, 1_000, now).await?))?;
    }
    say("Rien n’est gardé : la base de cette démonstration disparaît avec elle.")
}

/// A key of this demo alone, to sign its links with.
fn secret(dir: &std::path::Path) -> Result<Secret, Failure> {
    let path = dir.join("secret");
    let secret = vigie_store::random()?;
    vigie_store::new_for_owner(&path).and_then(|mut file| file.write_all(secret.as_bytes())).map_err(|e| {
        Failure::new(
            format!("fichier impossible à écrire : {}", french::of_system(&e)),
            path.display().to_string(),
            "vérifiez les droits",
        )
    })?;
    Ok(Secret::File(path))
}

fn say(line: &str) -> Result<(), Failure> {
    print(&format!("{line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_dates_become_dates() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        assert_eq!(dated("a {{J+2}} b {{D-1}} c {{x}}", today), "a 2026-11-23 b 20 novembre 2026 c {{x}}");
    }

    #[test]
    fn the_samples_are_many_and_all_readable() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        let all: Value = serde_json::from_str(&dated(BOAMP, today)).unwrap();
        let records = all["results"].as_array().unwrap();
        assert!(records.len() >= 40, "{}", records.len());
        for record in records {
            let notice = vigie_watcher::sources::boamp::from_json(record);
            assert!(notice.is_ok(), "{notice:?}");
        }
    }
}
