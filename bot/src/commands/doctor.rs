//! `vigie doctor`: how the installation stands, and what to do.

use std::net::SocketAddr;
use std::path::Path;

use vigie_config::settings::Settings;
use vigie_doctor::{Finding, Ground, State, examine};
use vigie_domain::french;
use vigie_service::{Clock, Failure};
use vigie_store::Store;
use vigie_store::backup::upgrade;

use super::output::{Cell, Listing, Output, OutputArg, print};
use crate::setup;

#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Serveur de noms à interroger, tel que 9.9.9.9:53 [par défaut : celui du système]
    #[arg(long, value_parser = server)]
    resolver: Option<SocketAddr>,
    #[command(flatten)]
    output: OutputArg,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "écrivez une adresse et un port, tels que 9.9.9.9:53".to_owned())
}

pub(super) async fn doctor(settings: &Settings, file: Option<&Path>, args: &DoctorArgs) -> Result<(), Failure> {
    let store = open(settings).await;
    let ground = Ground {
        settings,
        file,
        store: store.as_ref().map_err(Clone::clone),
        version: super::version(),
        now: Clock::from_environment()?.now(),
        name_server: args.resolver,
    };
    let findings = examine(&ground).await;
    if let Ok(store) = &store {
        store.close().await;
    }
    let rows = findings.iter().map(row).collect();
    let columns = &[
        ("check", "contrôle"),
        ("state", "état"),
        ("what", "quoi"),
        ("found", "ce qui est vu"),
        ("remedy", "que faire"),
    ];
    // What a program needs a word for, a person reads in the next column.
    match args.output.form {
        Output::Json => Listing { columns, rows }.print(args.output)?,
        Output::Text => print(&in_words(&findings))?,
    }
    let faults = findings.iter().filter(|f| f.state == State::Fault).count();
    if faults == 0 {
        return Ok(());
    }
    Err(Failure::new(
        french::plural(faults, "défaut"),
        "tableau ci-dessus",
        "faites ce que dit la flèche sous chaque défaut, puis relancez vigie doctor",
    ))
}

/// Opens the database, unless that would change its schema: whoever looks changes nothing.
async fn open(settings: &Settings) -> Result<Store, (String, String)> {
    let said = |f: Failure| (f.what, f.fix);
    let (url, name) = (setup::database_url(settings).map_err(said)?, setup::database_name(settings).map_err(said)?);
    let change = upgrade(&url).await.map_err(|e| said(setup::not_opened(&e, name)))?;
    match change.found {
        0 => Err(("pas encore de base".to_owned(), "lancez le service : il la fait".to_owned())),
        found if found < change.newest => Err((
            format!("à l’étape {found}, ce programme veut l’étape {}", change.newest),
            "voyez ce qui sera fait (vigie upgrade --check), puis relancez le service avec cette version".to_owned(),
        )),
        _ => setup::open_store(settings).await.map_err(said),
    }
}

fn row(finding: &Finding) -> Vec<Cell> {
    vec![
        finding.check.into(),
        Cell::Word(finding.state.in_french(), finding.state.as_str()),
        finding.what.as_str().into(),
        finding.found.as_str().into(),
        finding.remedy.as_str().into(),
    ]
}

/// One line each; what to do stands under what is not well.
fn in_words(findings: &[Finding]) -> String {
    let width = findings.iter().map(|f| f.what.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for f in findings {
        let pad = " ".repeat(width - f.what.chars().count());
        out.push_str(&format!("{:<7} {}{pad}  {}\n", f.state.in_french(), f.what, f.found));
        if !f.remedy.is_empty() {
            out.push_str(&format!("{}→ {}\n", " ".repeat(10 + width), f.remedy));
        }
    }
    out
}
