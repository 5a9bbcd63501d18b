//! `vigie verdict`: a wrong verdict corrected by someone entitled to it, and the corrected ones as labelled cases.

use std::collections::BTreeMap;

use serde_json::json;
use vigie_config::settings::Settings;
use vigie_domain::{Beneficiary, Lot, Permission, Provision, ProvisionKind};
use vigie_store::journal::NoticeRow;
use vigie_store::verdicts::VerdictCorrection;
use vigie_watcher::fetch::Fetcher;

use super::output::{parse_word, print, wrote};
use crate::setup::App;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::verdict_correction::{self, CorrectedProvision};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Dit qu’une disposition existe (elle remplace celles de même nature)
    Set(SetArgs),
    /// Dit qu’une disposition n’existe pas
    Remove(RemoveArgs),
    /// Écrit les verdicts corrigés comme cas d’essai, un objet JSON par ligne
    Cases,
}

#[derive(Debug, clap::Args)]
pub(super) struct About {
    /// Numéro de l’avis, tel que 26-12345
    #[arg(long)]
    notice: String,
    /// Qui corrige : identifiant, nom ou adresse d’une personne de rôle facilitator ou operator
    #[arg(long)]
    by: String,
    /// Disposition : reserved, execution_clause, award_criterion, insertion_service, other
    #[arg(long, value_parser = parse_word::<ProvisionKind>)]
    provision: ProvisionKind,
    /// Pourquoi
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    about: About,
    /// Pour qui, si réservé : disability, insertion, both, prison, social_economy, unspecified
    #[arg(long, value_parser = parse_word::<Beneficiary>)]
    beneficiary: Option<Beneficiary>,
    /// Lot concerné (répétable ; aucun = tous)
    #[arg(long = "lot")]
    lots: Vec<String>,
    /// Heures d’insertion
    #[arg(long, value_parser = verdict_correction::hours)]
    hours: Option<f64>,
    /// Part des heures (clause) ou de la note (critère), en pour cent
    #[arg(long, value_parser = verdict_correction::percent)]
    percent: Option<f64>,
}

#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    about: About,
    /// Lot concerné (répétable ; aucun = tous)
    #[arg(long = "lot")]
    lots: Vec<String>,
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let clock = Clock::from_environment()?;
    let app = App::start(settings, fetcher, clock).await?;
    match action {
        Action::Cases => cases(&app).await,
        Action::Remove(args) => correct(&app, &args.about, &lots(&args.lots), None).await,
        Action::Set(args) => {
            let said = CorrectedProvision {
                beneficiary: args.beneficiary,
                lots: lots(&args.lots),
                hours: args.hours,
                percent: args.percent,
            };
            let provision = said.provision(args.about.provision);
            correct(&app, &args.about, &lots(&args.lots), Some(provision)).await
        }
    }
}

fn lots(written: &[String]) -> Vec<String> {
    written.iter().map(|l| Lot::clean_id(l)).collect()
}

async fn correct(app: &App, about: &About, lots: &[String], holds: Option<Provision>) -> Result<(), Failure> {
    let place = "vigie verdict";
    let person = super::person::find(&app.service.store, &about.by, "--by").await?;
    if !person.role.may(Permission::CorrectVerdict) {
        return Err(Failure::usage(
            "seuls un facilitateur ou un exploitant corrigent un verdict",
            place,
            "demandez à l’un d’eux, ou changez le rôle de cette personne",
        ));
    }
    let row = app.service.store.notice(&about.notice).await?.ok_or_else(|| {
        Failure::usage(format!("avis inconnu « {} »", about.notice), "--notice", "vérifiez le numéro")
    })?;
    if let Some(lot) = lots.iter().find(|l| !row.assessment.lots.iter().any(|known| known.id == **l)) {
        return Err(Failure::usage(
            format!("cet avis n’a pas de lot {lot}"),
            "--lot",
            "vigie classify --output text énumère les lots",
        ));
    }
    let provisions = verdict_correction::corrected(&row.assessment, about.provision, lots, holds);
    let people = verdict_correction::correct(&app.service, &person, &row, provisions, &about.note).await?;
    print(&match people {
        0 => "Verdict corrigé ; personne d’autre n’en avait été alerté\n".to_owned(),
        1 => "Verdict corrigé ; une personne est prévenue au prochain envoi\n".to_owned(),
        n => format!("Verdict corrigé ; {n} personnes sont prévenues au prochain envoi\n"),
    })?;
    wrote(&app.service.settings)
}

/// The table of wordings is made of such lines. Of several corrections of a notice, the last one holds.
async fn cases(app: &App) -> Result<(), Failure> {
    let last: BTreeMap<String, VerdictCorrection> =
        app.service.store.verdict_corrections().await?.into_iter().map(|c| (c.notice.clone(), c)).collect();
    for correction in last.values() {
        let Some(provisions) = &correction.provisions else { continue };
        if let Some(row) = app.service.store.notice(&correction.notice).await? {
            print(&format!("{}\n", case(&row, provisions)))?;
        }
    }
    Ok(())
}

fn case(row: &NoticeRow, provisions: &[Provision]) -> serde_json::Value {
    let of = |kind: ProvisionKind| provisions.iter().filter(move |p| p.kind == kind);
    let text: Vec<&str> = row.notice.passages.iter().map(|p| p.text.as_str()).collect();
    let reserved: Vec<_> =
        of(ProvisionKind::Reserved).map(|p| json!({"beneficiary": p.beneficiary, "lots": p.lots})).collect();
    let clauses: Vec<&Provision> = of(ProvisionKind::ExecutionClause).collect();
    json!({
        "id": row.id, "title": row.assessment.title, "text": text.join("\n"),
        "expect": {
            "reserved": reserved,
            "clause": !clauses.is_empty(),
            "hours": hours(&clauses),
            "percent": clauses.iter().find_map(|p| p.percent),
            "criterion": of(ProvisionKind::AwardCriterion).next().is_some(),
            "insertion_service": of(ProvisionKind::InsertionService).next().is_some(),
        }
    })
}

/// Hours as a case tells them: a number for all lots, or numbers by lot; nothing where none are known.
fn hours(clauses: &[&Provision]) -> serde_json::Value {
    let told = clauses.iter().filter_map(|p| Some((p, p.hours?)));
    let by_lot: serde_json::Map<String, serde_json::Value> =
        told.clone().flat_map(|(p, h)| p.lots.iter().map(move |l| (l.clone(), json!(h)))).collect();
    if by_lot.is_empty() { told.map(|(_, h)| json!(h)).next().unwrap_or_default() } else { by_lot.into() }
}
