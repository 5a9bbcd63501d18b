//! APProch: purchases that public buyers plan, months before any notice (the Sourcing route).
//!
//! Dataset `projets-dachats-publics` of data.economie.gouv.fr, Opendatasoft Explore v2.1, Licence Ouverte. Projects are
//! read whole at each poll, those to be published from a month ago on; unchanged pages answer 304. Identity: `code`.
//! A project whose date moves is a new version of the same record.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{Buyer, Code, Cpv, DateKind, Department, Notice, NoticeKind, Passage, TypedDate};

use super::explore::{self, Dataset, PAGE, REACH};
use super::{BadRecord, Memory, Page, Polled, PutAside, Source, SourceError, SourceKind, departments, read_json};
use crate::fetch::{Answer, Fetcher};
use crate::sources::decp::says;
use crate::zones;

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "approch",
    summary: "Projets d’achats publics (APProch, Licence Ouverte) : avant l’avis, pour se faire connaître",
    default_schedule: "0 40 6 * * *",
    build: |block| Approch::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// The publisher's dataset.
const DEFAULT_URL: &str = "https://data.economie.gouv.fr/api/explore/v2.1/catalog/datasets/projets-dachats-publics";
/// Page of a project for people.
const PROJECT: &str = "https://projets-achats.marches-publics.gouv.fr/project/";
/// Always the same way, so that a page means the same at every poll.
const ORDER: &str = "code";
/// Days back from today: a project late by a month is still to come.
const PAST_DAYS: u64 = 30;

/// Keys of a block with this reader.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Only projects carried out in these départements; none = all.
    departments: Vec<String>,
}

/// The source.
pub struct Approch {
    dataset: Dataset,
    departments: Vec<Department>,
}

impl Approch {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let options: Options = block.options()?;
        Ok(Self { dataset: Dataset::at(block.url_or(DEFAULT_URL)?), departments: departments(&options.departments)? })
    }

    fn wanted(&self, notice: &Notice) -> bool {
        self.departments.is_empty()
            || notice.departments.is_empty()
            || notice.departments.iter().any(|d| self.departments.contains(d))
    }

    async fn next_page(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let today = zones::paris_day(now);
        let since = today.checked_sub_days(Days::new(PAST_DAYS)).unwrap_or(today);
        let offset: usize = memory.cursor.as_deref().and_then(|c| c.parse().ok()).unwrap_or(0);
        let condition = format!("date_previsionnelle_de_publication >= date'{since}'");
        let url = self.dataset.records(&condition, ORDER, offset);
        let known = memory.validators.get(url.as_str()).cloned().unwrap_or_default();
        let mut page = Page { memory: memory.clone(), ..Page::default() };
        let goes_on = match fetcher.get(&url, &known, now).await? {
            Answer::NotModified(fresh) => {
                page.not_before = fresh;
                known.records == Some(PAGE)
            }
            Answer::Body(body) => {
                page.not_before = body.fresh_until;
                page.quota = body.quota;
                let answer = read_json(&url, &body.bytes)?;
                let (results, total) = explore::results(&url, &answer)?;
                for (i, record) in results.iter().enumerate() {
                    match project(record) {
                        Ok(notice) if self.wanted(&notice) => page.notices.push(notice),
                        Ok(_) => {}
                        Err(reason) => page.bad.push(BadRecord {
                            record_id: text(record, "code"),
                            place: format!("{url} enregistrement {}", offset + i + 1),
                            reason,
                            raw: serde_json::to_vec(record).unwrap_or_default(),
                        }),
                    }
                }
                let mut validators = body.validators;
                validators.records = Some(results.len());
                // Addresses hold the day: those of yesterday serve no more.
                page.memory.validators.retain(|u, _| u.contains(&format!("%27{since}%27")));
                page.memory.validators.insert(url.to_string(), validators);
                !results.is_empty() && offset + results.len() < total
            }
        };
        page.more = goes_on && offset + 2 * PAGE <= REACH;
        page.memory.cursor = page.more.then(|| (offset + PAGE).to_string());
        Ok(page)
    }
}

impl Source for Approch {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(self.next_page(fetcher, memory, now))
    }

    fn again(&self, kept: &PutAside<'_>) -> Option<Page> {
        let mut page = kept.page(kept.json().and_then(|record| project(&record)));
        page.notices.retain(|notice| self.wanted(notice));
        Some(page)
    }
}

/// A field that says something: "CDL" stands for nothing.
fn text(record: &Value, field: &str) -> Option<String> {
    crate::tree::text(record, field).filter(|t| says(t))
}

/// A project as a notice, or why it is none.
fn project(record: &Value) -> Result<Notice, String> {
    let code = text(record, "code").ok_or("projet sans code (champ code)")?;
    let title = text(record, "libelle").ok_or("projet sans titre (champ libelle)")?;
    let page = format!("{PROJECT}{code}");
    let mut notice = Notice::new("approch", code, NoticeKind::Planned);
    notice.title = title;
    notice.buyer = Buyer {
        // A number, without the zeros that a SIREN may begin with.
        siret: text(record, "siren_de_l_entite_acheteuse").and_then(|s| Buyer::clean_siret(&format!("{s:0>9}"))),
        ..Buyer::default()
    };
    notice.cpv = list(record, "code_s_cpv").iter().filter_map(|c| Cpv::parse(c)).collect();
    notice.departments = list(record, "departement_s_d_execution_du_marche")
        .iter()
        .flat_map(|d| Department::written(d.split([' ', '-']).next().unwrap_or(d).trim_matches(['(', ')'])))
        .collect();
    notice.published = day(record, "date_previsionnelle_de_publication");
    let zone = zones::zone(notice.departments.first());
    let target = "date_cible_de_remise_des_offres";
    let read = text(record, target).and_then(|d| zones::deadline(d.get(..10)?, zone));
    notice.dates.extend(read.map(|read| TypedDate::of_field(DateKind::Tender, read, target)));
    notice.duration_months = text(record, "duree_previsionnelle_du_marche").and_then(|d| months(&d));
    notice.url = text(record, "lien_vers_la_consultation").filter(|u| u.starts_with("http")).or(Some(page));
    for field in ["description", "type_de_procedure", "categorie_d_achat", "montant_estime_du_marche"] {
        if let Some(text) = text(record, field).filter(|t| t.contains(' ')) {
            notice.passages.push(Passage { field: field.to_owned(), lot: None, text });
        }
    }
    considerations(&mut notice, record);
    Ok(notice)
}

/// Social considerations: every field whose name speaks of them, as text and, where it is a plain "oui", as a hint.
fn considerations(notice: &mut Notice, record: &Value) {
    for (name, value) in record.as_object().into_iter().flatten().filter(|(name, _)| name.contains("socia")) {
        for said in crate::tree::all(value, "").into_iter().filter_map(crate::tree::own_text) {
            match said.to_lowercase().as_str() {
                "non" | "aucune" | "sans objet" => {}
                "oui" => notice.codes.push(Code {
                    list: "criteres".to_owned(),
                    value: "sociaux".to_owned(),
                    field: name.clone(),
                    lot: None,
                }),
                _ => notice.passages.push(Passage { field: name.clone(), lot: None, text: said }),
            }
        }
    }
}

/// The values of a field that is a list, or a text with `|`, `,` or `;` between values. "tous" names none.
fn list(record: &Value, field: &str) -> Vec<String> {
    crate::tree::all(record, field)
        .into_iter()
        .filter_map(crate::tree::own_text)
        .flat_map(|t| t.split(['|', ',', ';']).map(|v| v.trim().to_owned()).collect::<Vec<_>>())
        .filter(|v| !v.is_empty())
        .collect()
}

fn day(record: &Value, field: &str) -> Option<NaiveDate> {
    zones::day_of(&text(record, field)?)
}

/// A duration in months: `24`, `24 mois`, `2 ans`.
fn months(text: &str) -> Option<f64> {
    let (number, unit) =
        text.trim().split_at(text.trim().find(|c: char| !c.is_ascii_digit()).unwrap_or(text.trim().len()));
    let number: f64 = number.parse().ok()?;
    Some(if unit.trim_start().starts_with("an") { number * 12.0 } else { number })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Value {
        json!({"code": "APP-2027-0001", "libelle": "Entretien des espaces verts du site", "description": "Marché réservé aux ESAT envisagé.",
            "statut": "Publié", "siren_de_l_entite_acheteuse": 5_520_176, "code_s_cpv": "77310000-6|77314000",
            "date_previsionnelle_de_publication": "2027-02-01", "date_cible_de_remise_des_offres": "2027-03-15",
            "departement_s_d_execution_du_marche": "59|62 - Pas-de-Calais", "duree_previsionnelle_du_marche": "2 ans",
            "considerations_sociales": ["Oui", "Clause sociale d'insertion"], "lien_vers_la_consultation": "https://a.example/1"})
    }

    #[test]
    fn a_project_is_read_whole() {
        let notice = project(&record()).unwrap();
        assert_eq!((notice.record_id.as_str(), notice.kind), ("APP-2027-0001", NoticeKind::Planned));
        assert_eq!(notice.buyer.siret.as_deref(), Some("005520176"));
        assert_eq!(notice.cpv.len(), 2);
        assert_eq!(notice.departments.iter().map(Department::as_str).collect::<Vec<_>>(), vec!["59", "62"]);
        assert_eq!(notice.dates[0].at.to_rfc3339(), "2027-03-15T23:59:00+01:00");
        assert_eq!(notice.duration_months, Some(24.0));
        assert_eq!(notice.codes.len(), 1);
        assert!(notice.passages.iter().any(|p| p.field == "considerations_sociales"));
    }

    #[test]
    fn everywhere_is_no_departement_and_a_project_without_code_is_refused() {
        let mut whole = record();
        whole["departement_s_d_execution_du_marche"] = json!("tous");
        assert!(project(&whole).unwrap().departments.is_empty());
        whole["code"] = Value::Null;
        assert!(project(&whole).unwrap_err().contains("code"));
    }
}
