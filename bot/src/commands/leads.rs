//! `vigie leads`: what a person heard of (a link, a phone call, a private buyer) enters the same road as a notice: for the structure of
//! one person, or, where the operator says so, for everybody.

use std::path::PathBuf;

use vigie_config::settings::Settings;
use vigie_domain::{Department, Notice, Visibility, french};
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::ingest::{self, Outcome};
use vigie_service::leads::{self, Added, LeadFault};
use vigie_service::visibility;
use vigie_watcher::classify::dates;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::zones;

use super::output::{print, wrote};
use crate::setup::App;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Ajoute une piste, pour la structure d’une personne (--for) ou pour tous (--public) ; ceux qu’elle concerne sont prévenus
    Add(Lead),
    /// Montre à tous la piste d’une structure, avec son accord ; ceux qu’elle concerne sont prévenus
    Publish {
        /// Numéro de la piste, tel que piste:0123abcd
        notice: String,
        /// Membre de la structure, ou exploitant, qui la publie : identifiant, nom ou adresse
        #[arg(long)]
        by: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["whom", "public"])))]
pub(super) struct Lead {
    /// Pour la structure de cette personne, et elle seule : identifiant, nom ou adresse
    #[arg(long = "for", value_name = "PERSONNE")]
    whom: Option<String>,
    /// Pour tous ceux à qui elle convient
    #[arg(long)]
    public: bool,
    /// De quoi il s’agit
    #[arg(long)]
    title: String,
    /// Adresse de la page, s’il y en a une
    #[arg(long)]
    url: Option<String>,
    /// Acheteur
    #[arg(long)]
    buyer: Option<String>,
    /// L’acheteur est une entreprise privée
    #[arg(long)]
    private: bool,
    /// Date limite, telle que « 12/01/2027 à 12h » ou « 2027-01-12 »
    #[arg(long)]
    deadline: Option<String>,
    /// Départements d’exécution
    #[arg(long = "department")]
    departments: Vec<String>,
    /// Ce que l’on en sait, en quelques mots
    #[arg(long, conflicts_with = "file")]
    text: Option<String>,
    /// Fichier de texte à lire
    #[arg(long)]
    file: Option<PathBuf>,
    /// Pièce jointe à garder, pour la structure seule ; plusieurs fois s’il y en a plusieurs
    #[arg(long = "attach", value_name = "FICHIER", requires = "whom")]
    attach: Vec<PathBuf>,
}

impl Lead {
    fn notice(&self, visibility: Visibility, now: chrono::DateTime<chrono::Utc>) -> Result<Notice, Failure> {
        let usage = |what: String, place: &str, fix: &str| Failure::usage(what, place, fix);
        let text = match (&self.text, &self.file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => std::fs::read_to_string(path).map_err(|e| {
                usage(
                    format!("fichier illisible : {}", french::of_system(&e)),
                    &path.display().to_string(),
                    "donnez un fichier de texte",
                )
            })?,
            (None, None) => String::new(),
        };
        let mut departments = Vec::new();
        for written in &self.departments {
            let meant = Department::written(written);
            if meant.is_empty() {
                return Err(usage(
                    format!("département inconnu « {written} »"),
                    "--department",
                    "écrivez un code INSEE, par exemple 59, 2A ou 974",
                ));
            }
            departments.extend(meant);
        }
        let closes = match &self.deadline {
            Some(written) => Some(dates::written(written, zones::zone(departments.first())).ok_or_else(|| {
                usage(format!("date « {written} » illisible"), "--deadline", "écrivez par exemple « 12/01/2027 à 12h »")
            })?),
            None => None,
        };
        let lead = leads::Lead {
            title: self.title.clone(),
            text,
            url: self.url.clone(),
            buyer: self.buyer.clone(),
            private: self.private,
            departments,
            closes,
        };
        lead.notice(visibility, now).map_err(|fault| match fault {
            LeadFault::NoTitle => usage(fault.to_string(), "--title", "dites en quelques mots de quoi il s’agit"),
            LeadFault::Closing => usage(fault.to_string(), "--deadline", "écrivez par exemple 12/01/2027 à 12h"),
            LeadFault::Address(_) => {
                usage(fault.to_string(), "--url", "écrivez une adresse complète qui commence par https://")
            }
        })
    }

    fn files(&self) -> Result<Vec<leads::File>, Failure> {
        let read = |path: &PathBuf| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let content = std::fs::read(path).map_err(|e| {
                let (what, place) =
                    (format!("fichier illisible : {}", french::of_system(&e)), path.display().to_string());
                Failure::usage(what, &place, "donnez le chemin d’un fichier")
            })?;
            Ok(leads::File { name, content })
        };
        self.attach.iter().map(read).collect()
    }
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    let clock = Clock::from_environment()?;
    let lead = match action {
        Action::Add(lead) => lead,
        Action::Publish { notice, by } => return publish(settings, clock, &notice, &by).await,
    };
    let files = lead.files()?;
    let public = lead.notice(Visibility::Public, clock.now())?;
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings, fetcher, clock).await?;
    match &lead.whom {
        Some(whom) => for_one(&app, &lead, whom, &files).await?,
        None => for_everybody(&app, &public).await?,
    }
    wrote(&app.service.settings)
}

/// A lead for the structure of one person.
async fn for_one(app: &App, lead: &Lead, whom: &str, files: &[leads::File]) -> Result<(), Failure> {
    let service = &app.service;
    let person = super::person::find(&service.store, whom, "--for").await?;
    let now = service.clock.now();
    let notice = lead.notice(Visibility::Structure(person.structure().to_owned()), now)?;
    service.store.saw(&super::person::operator(), &person.id, "piste ajoutée en son nom", now).await?;
    match leads::add(service, &person, notice).await? {
        Added::TooMany => Err(Failure::usage(
            "cette personne a apporté trop de pistes aujourd’hui",
            "vigie leads add",
            "recommencez demain",
        )),
        Added::Published { title, told, .. } => {
            let told = if told { "Cette personne en est prévenue." } else { "Cette personne le connaît." };
            print(&format!("Cette page est celle d’un avis public déjà connu : {title}. {told}\n"))
        }
        Added::Brought { notice, new, .. } => {
            let attached = leads::attach(service, &person, &notice, files).await?.in_french();
            let said = if new { "ajoutée pour cette structure seule" } else { "déjà connue de cette structure" };
            print(&format!("{}\n", format!("Piste {notice} {said}. {attached}").trim_end()))
        }
    }
}

/// A lead for everybody whom it suits.
async fn for_everybody(app: &App, notice: &Notice) -> Result<(), Failure> {
    let known = leads::shown_there(&app.service, notice).await?;
    if let Some(known) = known.filter(|row| row.notice.source != leads::SOURCE) {
        return print(&format!("Cette page est celle d’un avis déjà connu : {}. Rien n’est ajouté.\n", known.id));
    }
    let key = notice.key();
    match ingest::ingest(&app.service, notice, None).await? {
        Outcome::Unchanged => print(&format!("Cette piste est déjà connue : {key}\n")),
        Outcome::Stored(people) => print(&format!(
            "Piste {key} ajoutée ; {} concernée{}. Les messages partent au prochain passage du service.\n",
            french::plural(people, "personne"),
            if people > 1 { "s" } else { "" }
        )),
    }
}

async fn publish(settings: Settings, clock: Clock, notice: &str, by: &str) -> Result<(), Failure> {
    let place = "vigie leads publish";
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings, fetcher, clock).await?;
    let person = super::person::find(&app.service.store, by, "--by").await?;
    let row = app.service.store.notice(notice).await?.ok_or_else(|| {
        Failure::usage(format!("piste inconnue « {notice} »"), place, "donnez son numéro, tel que piste:0123abcd")
    })?;
    let what = format!("piste {} publiée", row.id);
    app.service.store.saw(&super::person::operator(), &person.id, &what, app.service.clock.now()).await?;
    match visibility::publish(&app.service, &person, &row).await? {
        Some(people) => print(&format!(
            "Piste {} publiée ; {} concernée{}\n",
            row.id,
            french::plural(people, "personne"),
            if people > 1 { "s" } else { "" }
        )),
        None => {
            let what = "cette personne ne peut pas publier cette piste, ou elle l’est déjà";
            Err(Failure::usage(what, place, "seuls les membres de sa structure et les exploitants le peuvent"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::NoticeKind;

    fn lead() -> Lead {
        Lead {
            whom: None,
            public: true,
            title: "Entretien des bureaux".into(),
            url: None,
            buyer: Some("Groupe Exemple".into()),
            private: true,
            deadline: Some("12/01/2027 à 12h".into()),
            departments: vec!["59".into()],
            text: Some("Cherche une entreprise adaptée.".into()),
            file: None,
            attach: Vec::new(),
        }
    }

    #[test]
    fn a_lead_is_read_and_known_again() {
        let now = chrono::Utc::now();
        let notice = lead().notice(Visibility::Public, now).unwrap();
        assert_eq!(
            (notice.kind, notice.dates[0].at.to_rfc3339().as_str()),
            (NoticeKind::Private, "2027-01-12T12:00:00+01:00")
        );
        assert_eq!(notice.key(), lead().notice(Visibility::Public, now).unwrap().key());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let now = chrono::Utc::now();
        let wrong = |lead: Lead| lead.notice(Visibility::Public, now).unwrap_err().place;
        assert_eq!(wrong(Lead { deadline: Some("bientôt".into()), ..lead() }), "--deadline");
        assert_eq!(wrong(Lead { departments: vec!["999".into()], ..lead() }), "--department");
        assert_eq!(wrong(Lead { url: Some("javascript:alert(1)".into()), ..lead() }), "--url");
        assert_eq!(wrong(Lead { title: " ".into(), ..lead() }), "--title");
    }
}
