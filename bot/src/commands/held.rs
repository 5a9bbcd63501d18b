//! `vigie deliveries held | drop | release`: what waits for an operator after a backup was restored.

use chrono::NaiveDate;
use vigie_config::settings::Settings;
use vigie_domain::{Cause, french};
use vigie_service::{Clock, Failure, replay};

use super::backup::{lines_of_digests, many};
use super::inspect::ID_SHOWN;
use super::output::{Cell, Listing, Output, OutputArg, print, print_json, wrote};
use super::person;
use crate::setup;

/// Most messages shown, and taken out at once.
const MOST: i64 = 100_000;

#[derive(Debug, clap::Args)]
pub(super) struct DropArgs {
    /// Identifiants, ou leur début tel que la liste le montre
    #[arg(conflicts_with_all = ["all", "published_until"])]
    ids: Vec<String>,
    /// Tout ce qui attend, lignes de résumés comprises
    #[arg(long)]
    all: bool,
    /// Ce qui parle de marchés publiés jusqu’à ce jour compris, tel que 2026-11-30, lignes de résumés comprises
    #[arg(long, conflicts_with = "all", value_parser = day)]
    published_until: Option<NaiveDate>,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "écrivez un jour tel que 2026-11-30".to_owned())
}

fn about(cause: &Cause, title: &str) -> String {
    match cause {
        Cause::Digest { .. } => "résumé".to_owned(),
        Cause::OptIn(_) => "demande d’accord".to_owned(),
        Cause::SignIn(_) => "lien pour entrer".to_owned(),
        Cause::Alert(_) if title.is_empty() => "message".to_owned(),
        Cause::Alert(_) => title.to_owned(),
    }
}

pub(super) async fn list(settings: &Settings, output: OutputArg) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    store.saw(&person::operator(), "", "deliveries held", Clock::from_environment()?.now()).await?;
    if store.held_since().await?.is_none() {
        return match output.form {
            Output::Json => print_json(&serde_json::Value::Array(Vec::new())),
            Output::Text => print("Rien n’est retenu : les messages partent à leur tour\n"),
        };
    }
    let mut rows = Vec::new();
    for held in store.held(MOST).await? {
        let published = match held.procedure.as_str() {
            "" => None,
            procedure => store.published_last(procedure).await?,
        };
        rows.push(vec![
            Cell::Both(held.id.get(..ID_SHOWN).unwrap_or(&held.id).to_owned(), held.id.as_str().into()),
            Cell::Long(held.person, 30),
            Cell::Word(held.channel.in_french(), held.channel.as_str()),
            Cell::Moment(Some(held.created)),
            Cell::Day(published),
            Cell::Long(about(&held.cause, &held.title), 60),
        ]);
    }
    let columns = &[
        ("id", "envoi"),
        ("person", "personne"),
        ("channel", "canal"),
        ("created", "fait le"),
        ("published", "marché publié le"),
        ("about", "objet"),
    ];
    Listing { columns, rows }.print(output)?;
    if output.form == Output::Text {
        let (_, lines) = store.held_count().await?;
        let lines = usize::try_from(lines).unwrap_or(0);
        print(&format!("Et {} de résumés à venir\n", french::plural(lines, "ligne")))?;
    }
    Ok(())
}

pub(super) async fn take_out(settings: &Settings, args: DropArgs) -> Result<(), Failure> {
    let place = "vigie deliveries drop";
    let store = setup::open_store(settings).await?;
    if store.held_since().await?.is_none() {
        let fix = "cette commande ne sert qu’après « vigie restore »";
        return Err(Failure::usage("rien n’est retenu", place, fix));
    }
    let until = |procedure: Option<NaiveDate>| match args.published_until {
        None => true,
        Some(last) => procedure.is_some_and(|published| published <= last),
    };
    let (mut deliveries, mut lines) = (Vec::new(), Vec::new());
    if args.all || args.published_until.is_some() {
        for held in store.held(MOST).await? {
            // Who asks for a link or an agreement asked after the restoration, or asks again.
            let asked = matches!(held.cause, Cause::SignIn(_) | Cause::OptIn(_));
            if !asked && until(store.published_last(&held.procedure).await?) {
                deliveries.push(held.id);
            }
        }
        for (id, procedure) in store.held_lines().await? {
            if until(store.published_last(&procedure).await?) {
                lines.push(id);
            }
        }
    } else if args.ids.is_empty() {
        let fix = "donnez des envois (vigie deliveries held les énumère), --published-until JOUR ou --all";
        return Err(Failure::usage("rien à retirer", place, fix));
    }
    for id in &args.ids {
        let found = replay::find(&store, id).await?;
        deliveries
            .push(found.map_err(|not| Failure::usage(not.line(), place, "vigie deliveries held les énumère"))?.id);
    }
    let dropped = store.drop_held(&deliveries, &lines, Clock::from_environment()?.now()).await?;
    store.note("delivery", "", "messages retirés après une restauration", Clock::from_environment()?.now()).await?;
    print(&format!(
        "Retirés, comme déjà reçus : {}, {}\n",
        many(dropped.messages, "message"),
        lines_of_digests(dropped.lines)
    ))?;
    wrote(settings)
}

pub(super) async fn release(settings: &Settings) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let (messages, lines) = store.held_count().await?;
    if !store.release_held().await? {
        return print("Rien n’était retenu\n");
    }
    let now = Clock::from_environment()?.now();
    store.note("delivery", "", "envois repris après une restauration", now).await?;
    print(&format!(
        "Les envois reprennent, chacun à son tour : {}, {}\n",
        many(messages, "message"),
        lines_of_digests(lines)
    ))?;
    wrote(settings)
}
