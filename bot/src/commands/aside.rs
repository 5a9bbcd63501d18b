//! `vigie sources aside` and `vigie sources retry`: what could not be read, and read again (`vigie_service::put_aside`).

use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_service::put_aside::{Again, retry as read_again};
use vigie_service::{Clock, Failure};
use vigie_watcher::fetch::Fetcher;

use super::inspect::ID_SHOWN;
use super::output::{Cell, Listing, Output, OutputArg, print, wrote};
use crate::setup::{self, App};

/// Records listed, and read again at once.
const MOST: i64 = 1_000;
/// Longest reason shown in a table, in signs.
const REASON_SHOWN: usize = 90;

pub(super) async fn list(settings: &Settings, source: Option<&str>, output: OutputArg) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let rows = store.put_aside_of(source.unwrap_or_default(), MOST).await?;
    let rows = rows
        .into_iter()
        .map(|r| {
            vec![
                Cell::Both(r.id.chars().take(ID_SHOWN).collect(), r.id.into()),
                r.source.into(),
                r.record_id.unwrap_or_default().into(),
                Cell::Moment(Some(r.at)),
                Cell::Moment(r.tried),
                Cell::Number(r.bytes),
                Cell::Long(r.reason, REASON_SHOWN),
            ]
        })
        .collect::<Vec<_>>();
    if rows.is_empty() && output.form == Output::Text {
        return print("Rien n’est de côté.\n");
    }
    let columns = &[
        ("id", "identifiant"),
        ("source", "source"),
        ("record", "enregistrement"),
        ("at", "de côté depuis"),
        ("tried", "relu en vain"),
        ("bytes", "octets"),
        ("reason", "pourquoi"),
    ];
    Listing { columns, rows }.print(output)
}

pub(super) async fn retry(settings: Settings, ids: Vec<String>, source: Option<&str>) -> Result<(), Failure> {
    let place = "vigie sources retry";
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings.clone(), fetcher, Clock::from_environment()?).await?;
    let aside = app.service.store.put_aside_of(source.unwrap_or_default(), MOST).await?;
    let mut chosen = Vec::new();
    for id in &ids {
        let found: Vec<_> = aside.iter().filter(|r| r.id.starts_with(id.as_str())).collect();
        match found.as_slice() {
            [one] => chosen.push(*one),
            [] => {
                let fix = "vigie sources aside montre ce qui est de côté";
                return Err(Failure::usage(format!("rien n’est de côté sous « {id} »"), place, fix));
            }
            _ => {
                let what = format!("plusieurs enregistrements commencent par « {id} »");
                return Err(Failure::usage(what, place, "donnez-en un peu plus"));
            }
        }
    }
    if ids.is_empty() {
        chosen.extend(&aside);
    }
    // Of several records of one notice, the last one counts.
    chosen.sort_by_key(|record| record.at);
    let who = super::person::operator();
    let mut failed = 0;
    for record in chosen {
        let again = read_again(&app.service, &who, &record.id).await?;
        failed += usize::from(!matches!(again, Again::Read(_) | Again::SourceAsked));
        let about = record.record_id.as_deref().unwrap_or(&record.id[..ID_SHOWN.min(record.id.len())]);
        print(&format!("{} {about} : {}\n", record.source, again.line()))?;
    }
    app.service.store.close().await;
    if failed > 0 {
        let what = french::counted(failed, "enregistrement reste de côté", "enregistrements restent de côté");
        return Err(Failure::new(
            what,
            place,
            "leur raison est dite ci-dessus ; une version plus récente les lira peut-être",
        ));
    }
    wrote(&settings)
}
