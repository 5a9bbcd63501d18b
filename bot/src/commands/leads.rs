//! `vigie leads`: what a person heard of (a link, a phone call, a private buyer) enters the same road as a notice.

use std::path::PathBuf;

use chrono_tz::Tz;
use vigie_config::settings::Settings;
use vigie_domain::procedure::page_key;
use vigie_domain::{BuyerKind, DateKind, Department, Notice, Passage, TypedDate, french};
use vigie_store::derived_id;
use vigie_watcher::classify::{dates, plain};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::links;
use vigie_watcher::zones;

use super::output::{print, wrote};
use crate::setup::App;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::ingest::{self, Outcome};
use vigie_service::visibility;

/// Source under which leads are kept.
const SOURCE: &str = "piste";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Ajoute une piste ; ceux qu’elle concerne sont prévenus
    Add(Lead),
    /// Montre à tous une piste transmise par courriel, avec l’accord de sa structure ; ceux qu’elle concerne sont prévenus
    Publish {
        /// Numéro de la piste, tel que piste:0123abcd
        notice: String,
        /// Membre de la structure, ou exploitant, qui la publie : identifiant, nom ou adresse
        #[arg(long)]
        by: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Lead {
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
}

impl Lead {
    fn notice(&self, now: chrono::DateTime<chrono::Utc>) -> Result<Notice, Failure> {
        let usage = |what: String, place: &str, fix: &str| Failure::usage(what, place, fix);
        let text = match (&self.text, &self.file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => std::fs::read_to_string(path).map_err(|e| {
                usage(format!("fichier illisible : {e}"), &path.display().to_string(), "donnez un fichier de texte")
            })?,
            (None, None) => String::new(),
        };
        if self.title.trim().is_empty() {
            return Err(usage(
                "une piste a besoin d’un titre".into(),
                "--title",
                "dites en quelques mots de quoi il s’agit",
            ));
        }
        // A link copied out of a mail holds whom the mail was for.
        let url = self.url.as_deref().map(|written| links::unwrap(written.trim()));
        // The same link, or the same words, are the same lead.
        let id = url
            .clone()
            .unwrap_or_else(|| derived_id(&["lead", &self.title, self.buyer.as_deref().unwrap_or_default()]));
        let text = links::unwrap_all(&text);
        let mut notice = plain::notice(&id, &self.title, &text);
        SOURCE.clone_into(&mut notice.source);
        notice.buyer.kind = if self.private { BuyerKind::Private } else { BuyerKind::Public };
        notice.kind = notice.kind.of_buyer(notice.buyer.kind);
        if let Some(buyer) = &self.buyer {
            notice.buyer.name.clone_from(buyer);
        }
        for written in &self.departments {
            let meant = Department::written(written);
            if meant.is_empty() {
                return Err(usage(
                    format!("département inconnu « {written} »"),
                    "--department",
                    "écrivez un code INSEE, par exemple 59, 2A ou 974",
                ));
            }
            notice.departments.extend(meant);
        }
        if let Some(url) = url {
            let web = url::Url::parse(&url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
            if !web {
                return Err(usage(
                    format!("adresse « {url} » impossible"),
                    "--url",
                    "écrivez une adresse complète qui commence par https://",
                ));
            }
            notice.links.page = links::page(&url);
            notice.url = Some(url);
        }
        if let Some(written) = &self.deadline {
            let zone: Tz = zones::zone(notice.departments.first());
            let read = dates::written(written, zone).ok_or_else(|| {
                usage(format!("date « {written} » illisible"), "--deadline", "écrivez par exemple « 12/01/2027 à 12h »")
            })?;
            notice.dates.push(TypedDate::of_field(DateKind::Tender, read, "deadline"));
        }
        notice.published = Some(zones::paris_day(now));
        notice.passages =
            if text.is_empty() { Vec::new() } else { vec![Passage { field: "piste".into(), lot: None, text }] };
        Ok(notice)
    }
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    let clock = Clock::from_environment()?;
    let lead = match action {
        Action::Add(lead) => lead,
        Action::Publish { notice, by } => return publish(settings, clock, &notice, &by).await,
    };
    let notice = lead.notice(clock.now())?;
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings, fetcher, clock).await?;
    if let Some(known) = shown_there(&app, &notice).await? {
        return print(&format!("Cette page est celle d’un avis déjà connu : {known}. Rien n’est ajouté.\n"));
    }
    let key = notice.key();
    match ingest::ingest(&app.service, &notice, None).await? {
        Outcome::Unchanged => print(&format!("Cette piste est déjà connue : {key}\n"))?,
        Outcome::Stored(people) => print(&format!(
            "Piste {key} ajoutée ; {} concernée{}. Les messages partent au prochain passage du service.\n",
            french::plural(people, "personne"),
            if people > 1 { "s" } else { "" }
        ))?,
    }
    wrote(&app.service.settings)
}

/// The notice of a source whose page a lead names, where people were told of it or may yet be.
async fn shown_there(app: &App, lead: &Notice) -> Result<Option<String>, Failure> {
    let Some(page) = &lead.links.page else { return Ok(None) };
    let Some(procedure) = app.service.store.procedure_of_key(&page_key(page)).await? else { return Ok(None) };
    let notices = app.service.store.notices_of(&procedure).await?;
    let of_page = notices.into_iter().find(|n| n.notice.source != SOURCE && n.notice.links.page.as_ref() == Some(page));
    Ok(of_page.map(|n| n.id))
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
            title: "Entretien des bureaux".into(),
            url: None,
            buyer: Some("Groupe Exemple".into()),
            private: true,
            deadline: Some("12/01/2027 à 12h".into()),
            departments: vec!["59".into()],
            text: Some("Cherche une entreprise adaptée.".into()),
            file: None,
        }
    }

    #[test]
    fn a_lead_is_read_and_known_again() {
        let now = chrono::Utc::now();
        let notice = lead().notice(now).unwrap();
        assert_eq!(
            (notice.kind, notice.dates[0].at.to_rfc3339().as_str()),
            (NoticeKind::Private, "2027-01-12T12:00:00+01:00")
        );
        assert_eq!(notice.key(), lead().notice(now).unwrap().key());
    }

    /// What a gateway wrapped around a link, the recipient's address among it, is no part of a lead.
    #[test]
    fn a_wrapped_link_is_what_it_was() {
        let wrapped = "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fportail.example%2Fconsultation%2F71&data=05%7C01%7Cjeanne%40x.example";
        for written in [
            wrapped,
            " https://portail.example/consultation/71",
            "https://www.google.com/url?q=https://portail.example/consultation/71",
        ] {
            let text = Some(format!("Voir {wrapped}"));
            let notice = Lead { url: Some(written.into()), text, ..lead() }.notice(chrono::Utc::now()).unwrap();
            let own = "https://portail.example/consultation/71";
            assert_eq!((notice.url.as_deref(), notice.record_id.as_str()), (Some(own), own), "{written}");
            assert_eq!(notice.links.page.as_deref(), Some("portail.example/consultation/71"));
            assert!(!format!("{notice:?}").contains("jeanne"), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let now = chrono::Utc::now();
        let wrong = |lead: Lead| lead.notice(now).unwrap_err().place;
        assert_eq!(wrong(Lead { deadline: Some("bientôt".into()), ..lead() }), "--deadline");
        assert_eq!(wrong(Lead { departments: vec!["999".into()], ..lead() }), "--department");
        assert_eq!(wrong(Lead { url: Some("javascript:alert(1)".into()), ..lead() }), "--url");
        assert_eq!(wrong(Lead { title: " ".into(), ..lead() }), "--title");
    }
}
