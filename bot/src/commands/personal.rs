//! `vigie export`, `vigie erase`: what is held on a person.

use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_watcher::fetch::Fetcher;

use super::ask;
use super::output::print;
use super::person;
use super::progress;
use crate::setup::App;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::operators::{self, OperatorEvent};
use vigie_service::personal_data;

async fn start(settings: Settings) -> Result<App, Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    App::start(settings, fetcher, Clock::from_environment()?).await
}

pub(super) async fn export(settings: Settings, key: &str) -> Result<(), Failure> {
    let app = start(settings).await?;
    let person = person::find(&app.service.store, key, "vigie export").await?;
    app.service.store.saw(&person::operator(), &person.id, "export", app.service.clock.now()).await?;
    let data = personal_data::export(&app.service, &person.id).await?;
    let text = serde_json::to_string_pretty(&data)
        .map_err(|e| Failure::new(e.to_string(), "vigie export", "signalez cette erreur"))?;
    print(&format!("{text}\n"))
}

pub(super) async fn erase(settings: Settings, key: &str, yes: bool) -> Result<(), Failure> {
    let place = "vigie erase";
    let app = start(settings).await?;
    let person = person::find(&app.service.store, key, place).await?;
    if app.service.store.is_declared(&person.id).await? {
        let what = "cette personne est déclarée dans le fichier de configuration, qui la ferait revenir";
        return Err(Failure::usage(what, place, "retirez d’abord son bloc [[subscriber]]"));
    }
    let question = format!("Effacer « {} » et tout ce que Vigie en sait, sans retour ?", person.name);
    if !yes && !ask::agreed(&question) {
        return Err(Failure::usage("rien n’a été effacé", place, "répondez « oui », ou ajoutez --yes"));
    }
    let work = personal_data::erase(&app.service, &person.id);
    let Some(erased) = progress::shown("Effacement, et réécriture de la base", 0, || 0, work).await? else {
        return print("Cette personne est déjà effacée\n");
    };
    // Whom it was is what is gone: the log and the operators keep that it was done, and by whom.
    let (who, now) = (person::operator(), app.service.clock.now());
    app.service.store.saw(&who, "", "effacement d’une personne", now).await?;
    let body = format!(
        "Une personne a été effacée\nPar {who}. Si ce n’est pas voulu, la dernière sauvegarde la contient encore."
    );
    let event = format!("erased:{who}:{}", now.timestamp_millis());
    operators::tell(&app.service, OperatorEvent::Once(&event), &body, now).await?;
    print(&format!(
        "Personne effacée : {}, {}. Ses adresses ne seront plus écrites sans un nouvel accord de sa part.\nPensez aux sauvegardes : elles gardent ce qu’elles ont copié jusqu’à leur remplacement.\n",
        french::counted(usize::try_from(erased.deleted).unwrap_or(usize::MAX), "ligne supprimée", "lignes supprimées"),
        french::counted(
            usize::try_from(erased.pseudonymised).unwrap_or(usize::MAX),
            "ligne d’envois rendue anonyme",
            "lignes d’envois rendues anonymes"
        )
    ))
}
