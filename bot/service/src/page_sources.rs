//! Sources that operators set on the pages, beside those of the settings file.
//!
//! One rule keeps the two apart (`docs/decisions/0160-sources-of-the-pages.md`): a name stands in one place. What the file names is
//! the file's, and pages show it without changing it; a source of the pages whose name the file takes later gives way to it. What
//! needs a secret belongs to the file: a form holds none, and none can be read out by way of one.
//!
//! A form is looked at as the file is before anything is kept. One that a later version cannot read any more is not watched, which is
//! logged, and its page says why; nothing else of the watch is touched.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vigie_config::fault::Step;
use vigie_config::load::source_faults;
use vigie_config::settings::{Baseline, Settings, Source, SourceVisibility};
use vigie_domain::french;
use vigie_store::{Store, StoreError};
use vigie_watcher::sources::readers;

use crate::error::Failure;
use crate::service::Service;

/// Longest name of a source, in characters, and longest text of a field, in bytes.
const MAX_NAME: usize = 60;
const MAX_FIELD: usize = 20_000;
/// Most sources set on the pages.
const MAX_SOURCES: usize = 1_000;

/// A source as its form was filled. Empty texts stand for the reader's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// The reader.
    pub kind: String,
    pub url: String,
    /// Cron expression, seconds first.
    pub schedule: String,
    /// What the first poll does: `quiet`, `digest` or `deliver`.
    pub baseline: String,
    /// `public`, `told`.
    pub visibility: String,
    /// Who buys, where all of it is one buyer's.
    pub buyer: String,
    /// Codes of départements, apart by spaces or commas.
    pub departments: String,
    /// The reader's own keys, as TOML.
    pub options: String,
}

/// What is wrong with a form: the name of the field, and a sentence that says what to do.
pub type FormFault = (&'static str, String);

/// A source set on the pages.
#[derive(Debug, Clone)]
pub struct PageSource {
    pub id: String,
    pub form: Form,
    /// Its block as the file would hold it; what is wrong with it, else.
    pub block: Result<Source, Vec<FormFault>>,
    /// The settings file names a source so too, which is the one that is watched.
    pub given_way: bool,
    /// When it was last changed, in milliseconds since 1970: what a form was shown from.
    pub changed: i64,
}

/// Reads a form.
///
/// # Errors
/// Every fault, each with its field.
pub fn read(id: &str, form: &Form) -> Result<Source, Vec<FormFault>> {
    let said = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let mut faults: Vec<FormFault> = Vec::new();
    if id.chars().count() > MAX_NAME {
        faults.push(("nom", format!("{MAX_NAME} signes au plus.")));
    }
    if [&form.url, &form.schedule, &form.options].iter().any(|text| text.len() > MAX_FIELD) {
        return Err(vec![("reglages", "Trop long pour une source.".to_owned())]);
    }
    let baseline = match form.baseline.as_str() {
        "digest" => Baseline::Digest,
        "deliver" => Baseline::Deliver,
        _ => Baseline::Quiet,
    };
    let mut block = Source::new(id, &form.kind, said(&form.url).as_deref(), baseline);
    block.schedule = said(&form.schedule);
    block.visibility = match form.visibility.as_str() {
        "public" => Some(SourceVisibility::Public),
        "told" => Some(SourceVisibility::Told),
        _ => None,
    };
    match form.options.parse::<toml::Table>() {
        Err(e) => {
            let before = e.span().map_or(0, |span| span.start).min(form.options.len());
            let line = form.options.as_bytes()[..before].iter().filter(|b| **b == b'\n').count() + 1;
            let what = format!("Ligne {line} illisible : écrivez clé = valeur, les textes entre guillemets droits.");
            faults.push(("reglages", what));
        }
        Ok(options) if holds_secret(&options) => {
            let what = "Un secret ne s’écrit pas ici : une source qui en demande un se déclare dans le fichier de configuration.";
            faults.push(("reglages", what.to_owned()));
        }
        Ok(options) => block.options = options,
    }
    if let Some(buyer) = said(&form.buyer) {
        block.options.insert("buyer".to_owned(), buyer.into());
    }
    let departments: Vec<toml::Value> =
        form.departments.split([' ', ',', ';']).filter(|d| !d.is_empty()).map(toml::Value::from).collect();
    if !departments.is_empty() {
        block.options.insert("departments".to_owned(), departments.into());
    }
    for fault in source_faults(&block, &readers()) {
        let field = match fault.path.first() {
            Some(Step::Key(key)) if key == "id" => "nom",
            Some(Step::Key(key)) if key == "kind" => "lecteur",
            Some(Step::Key(key)) if key == "url" => "adresse",
            Some(Step::Key(key)) if key == "schedule" => "rythme",
            Some(Step::Key(key)) if key == "buyer" => "acheteur",
            Some(Step::Key(key)) if key == "departments" => "departements",
            _ => "reglages",
        };
        faults.push((field, format!("{} : {}.", french::capital(&fault.what), fault.fix.trim_end_matches('.'))));
    }
    if faults.is_empty() { Ok(block) } else { Err(faults) }
}

/// Whether a key of the reader names a secret: of the environment, or of a file of this machine.
fn holds_secret(options: &toml::Table) -> bool {
    options.values().any(|value| match value {
        toml::Value::Table(inner) => inner.contains_key("env") || inner.contains_key("file") || holds_secret(inner),
        toml::Value::Array(list) => list.iter().filter_map(toml::Value::as_table).any(holds_secret),
        _ => false,
    })
}

/// Every source set on the pages.
///
/// # Errors
/// The database fails.
pub async fn all(settings: &Settings, store: &Store) -> Result<Vec<PageSource>, StoreError> {
    let rows = store.page_sources().await?;
    Ok(rows
        .into_iter()
        .map(|(id, form, changed)| {
            let given_way = settings.source.iter().any(|s| s.id == id);
            let (form, block) = match serde_json::from_str::<Form>(&form) {
                Ok(form) => (form.clone(), read(&id, &form)),
                Err(e) => (Form::default(), Err(vec![("reglages", format!("Formulaire illisible : {e}"))])),
            };
            PageSource { id, form, block, given_way, changed }
        })
        .collect())
}

/// Keeps a source: a new one where `seen` is `None`, else over the one whose [`PageSource::changed`] was `seen` when its form was
/// shown. It is watched within the minute, by every process.
///
/// # Errors
/// What is wrong with the form, field by field, or that somebody changed it meanwhile; nothing is kept then.
pub async fn keep(
    service: &Service,
    id: &str,
    form: &Form,
    seen: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Result<(), Vec<FormFault>>, Failure> {
    if let Err(faults) = read(id, form) {
        return Ok(Err(faults));
    }
    let known = service.store.page_sources().await?;
    let taken = service.settings.source.iter().any(|s| s.id.eq_ignore_ascii_case(id))
        || seen.is_none() && known.iter().any(|(name, ..)| name.eq_ignore_ascii_case(id));
    if taken {
        return Ok(Err(vec![("nom", format!("Une source s’appelle déjà « {id} »."))]));
    }
    if seen.is_none() && known.len() >= MAX_SOURCES {
        return Ok(Err(vec![("nom", format!("{MAX_SOURCES} sources au plus se déclarent sur les pages."))]));
    }
    let kept =
        serde_json::to_string(form).map_err(|e| Failure::new(e.to_string(), "source", "signalez cette erreur"))?;
    if !service.store.put_page_source(id, &kept, seen, now).await? {
        let meanwhile = "Quelqu’un d’autre vient de changer cette source : rouvrez sa page pour voir ses réglages, puis refaites le vôtre.";
        return Ok(Err(vec![("", meanwhile.to_owned())]));
    }
    let said = if seen.is_none() { "source ajoutée depuis les pages" } else { "réglages changés depuis les pages" };
    service.store.note("source", id, said, now).await?;
    Ok(Ok(()))
}

/// Takes a source of the pages away; what it brought stays. `false` where there is none of that name.
///
/// # Errors
/// The database fails.
pub async fn drop(service: &Service, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let gone = service.store.drop_page_source(id).await?;
    if gone {
        service.store.note("source", id, "source retirée depuis les pages", now).await?;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str, url: &str, options: &str) -> Form {
        Form { kind: kind.into(), url: url.into(), options: options.into(), ..Form::default() }
    }

    fn fields(id: &str, form: &Form) -> Vec<&'static str> {
        read(id, form).err().unwrap_or_default().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_form_is_looked_at_as_the_file_is() {
        assert_eq!(fields("mairie", &form("feed", "https://mairie.example/rss", "")), [""; 0]);
        assert_eq!(fields("boamp-62", &form("boamp", "", "departments = [\"62\"]")), [""; 0]);
        assert_eq!(fields("deux mots", &form("feed", "https://mairie.example/rss", "")), ["nom"]);
        assert_eq!(fields("m", &form("inconnu", "https://mairie.example/rss", "")), ["lecteur"]);
        assert!(fields("m", &form("feed", "ftp://mairie.example", "")).contains(&"adresse"));
        assert_eq!(fields("m", &form("feed", "https://mairie.example/rss", "inconnue = 1")), ["reglages"]);
        assert_eq!(fields("m", &form("feed", "https://mairie.example/rss", "= ?")), ["reglages"]);
        let placed = Form { departments: "62, 999".into(), ..form("feed", "https://mairie.example/rss", "") };
        assert_eq!(fields("m", &placed), ["departements"]);
        let placed = Form { departments: "62 59".into(), buyer: "Ville de Lens".into(), ..placed };
        assert_eq!(fields("m", &placed), [""; 0]);
        let often = Form { schedule: "souvent".into(), ..form("feed", "https://mairie.example/rss", "") };
        assert_eq!(fields("m", &often), ["rythme"]);
    }

    /// A form that named a file of this machine could send what is in it anywhere.
    #[test]
    fn no_secret_is_read_by_way_of_a_form() {
        for options in [
            "login = { username = \"u\", password = { file = \"/etc/shadow\" } }",
            "[[pages]]\n[pages.header]\nenv = \"VIGIE_WEB_SECRET\"",
        ] {
            let faults = read("m", &form("portal", "https://portail.example/", options)).unwrap_err();
            assert!(faults.iter().any(|(_, said)| said.contains("secret")), "{options}: {faults:?}");
        }
    }
}
