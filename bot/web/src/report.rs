//! Errors of verdicts: who reads a notice reports one; a facilitator or an operator corrects it, sees first what changes and how
//! many are told, and can take it back.
//!
//! Nothing is chosen beforehand, and a form at fault comes back as it was filled. What is wrong in it stops the correction.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Beneficiary, Lot, Permission, Provision, ProvisionKind};
use vigie_notifier::card::{self, beneficiary_label, provision_label, short};
use vigie_service::decisions;
use vigie_service::operators::{self, OperatorEvent};
use vigie_service::verdict_correction::{self, CorrectedProvision, Reach};
use vigie_store::journal::NoticeRow;

use super::browse::Choice;
use super::frame::{Client, Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};
use super::procedure::{checked, current, notices};

/// Kinds of provision a report may speak of.
const REPORTED: [ProvisionKind; 5] = [
    ProvisionKind::Reserved,
    ProvisionKind::ExecutionClause,
    ProvisionKind::AwardCriterion,
    ProvisionKind::InsertionService,
    ProvisionKind::Other,
];
const BENEFICIARIES: [Beneficiary; 6] = [
    Beneficiary::Unspecified,
    Beneficiary::Both,
    Beneficiary::Disability,
    Beneficiary::Insertion,
    Beneficiary::Prison,
    Beneficiary::SocialEconomy,
];
/// The fields of a correction, sent again by the page that confirms it.
const FIELDS: [&str; 7] = ["kind", "holds", "beneficiary", "lots", "hours", "percent", "note"];

/// What the form says.
struct Wish {
    kind: ProvisionKind,
    /// Lots that it is about; empty = all.
    lots: Vec<String>,
    holds: Option<Provision>,
    note: String,
}

pub(crate) async fn ask(State(site): State<Arc<Site>>, signed: SignedIn, Path(id): Path<String>) -> Shown {
    let notices = notices(&site, Some(&signed.session), &id).await?;
    let main = current(&notices).ok_or_else(Trouble::no_page)?;
    let corrects = signed.session.person.role.may(Permission::CorrectVerdict);
    Ok(form(&site, &signed.visitor, (&id, main), corrects, &Fields::default(), &[]))
}

pub(crate) async fn send(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    client: Client,
    posted: Posted,
) -> Shown {
    site.costly(client)?;
    let notices = notices(&site, Some(&posted.session), &id).await?;
    let main = current(&notices).ok_or_else(Trouble::no_page)?;
    if !posted.session.person.role.may(Permission::CorrectVerdict) {
        return reported(&site, &id, &posted, main).await;
    }
    if posted.fields.one("do") == "annuler" {
        return undone(&site, &id, &posted, main).await;
    }
    match wish(&posted.fields, main) {
        Err(faults) => Ok(form(&site, &posted.visitor, (&id, main), true, &posted.fields, &faults)),
        Ok(wish) if posted.fields.one("do") == "corriger" => corrected(&site, &id, &posted, main, wish).await,
        Ok(wish) => preview(&site, &id, &posted, main, wish).await,
    }
}

/// The form, as it was filled.
fn form(
    site: &Site,
    visitor: &Visitor,
    (id, main): (&str, &NoticeRow),
    corrects: bool,
    fields: &Fields,
    faults: &[String],
) -> Response {
    let chosen = fields.one("kind");
    let kinds: Vec<Choice> = REPORTED
        .into_iter()
        .map(|k| Choice {
            value: k.as_str().to_owned(),
            label: provision_label(k).to_owned(),
            on: chosen == k.as_str(),
        })
        .collect();
    let whom: Vec<Choice> = BENEFICIARIES
        .into_iter()
        .map(|b| Choice {
            value: word(&b),
            label: beneficiary_label(b).to_owned(),
            on: fields.one("beneficiary") == word(&b),
        })
        .collect();
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    site.page_as(
        status,
        visitor,
        "signaler.html",
        context! {
            id => id,
            title => &main.assessment.title,
            held => Serde(lines(&main.assessment.provisions)),
            may_correct => corrects,
            kinds => Serde(kinds),
            whom => Serde(whom),
            has_lots => !main.assessment.lots.is_empty(),
            holds => fields.one("holds"),
            lots => fields.one("lots"),
            hours => fields.one("hours"),
            percent => fields.one("percent"),
            note => fields.one("note"),
            faults => faults.to_vec(),
        },
    )
}

/// Provisions in words, one a line.
fn lines(provisions: &[Provision]) -> Vec<String> {
    let shown =
        provisions.iter().filter(|p| p.kind != ProvisionKind::SocialConditionNotSeen).map(|p| card::provision(p, 0));
    shown.map(|l| if l.text.is_empty() { l.label } else { format!("{} : {}", l.label, l.text) }).collect()
}

/// What changes, and how many are told, before it is done.
async fn preview(site: &Site, id: &str, posted: &Posted, main: &NoticeRow, wish: Wish) -> Shown {
    let others = verdict_correction::reach(&site.service, &posted.session.person, main).await?;
    let after = verdict_correction::corrected(&main.assessment, wish.kind, &wish.lots, wish.holds);
    let fields: Vec<(String, String)> =
        FIELDS.iter().map(|name| ((*name).to_owned(), posted.fields.one(name).to_owned())).collect();
    Ok(site.page(
        &posted.visitor,
        "corriger.html",
        context! {
            id => id,
            title => &main.assessment.title,
            before => Serde(lines(&main.assessment.provisions)),
            after => Serde(lines(&after)),
            told => will_be_told(others),
            note => wish.note,
            fields => fields,
        },
    ))
}

async fn corrected(site: &Site, id: &str, posted: &Posted, main: &NoticeRow, wish: Wish) -> Shown {
    let provisions = verdict_correction::corrected(&main.assessment, wish.kind, &wish.lots, wish.holds);
    let person = &posted.session.person;
    let others = verdict_correction::reach(&site.service, person, main).await?;
    let people = verdict_correction::correct(&site.service, person, main, provisions, &wish.note).await?;
    Ok(site.page(&posted.visitor, "corrige.html", context! { id => id, told => told(others, people) }))
}

async fn undone(site: &Site, id: &str, posted: &Posted, main: &NoticeRow) -> Shown {
    let others = verdict_correction::reach(&site.service, &posted.session.person, main).await?;
    let text = match verdict_correction::undo(&site.service, &posted.session.person, main).await? {
        Some(people) => format!("Le verdict est de nouveau celui d’avant. {}", told(others, people)),
        None => "Il n’y a pas de correction à vous qui soit la dernière : rien n’est changé.".to_owned(),
    };
    Ok(site.back_to(&posted.visitor, id, "Correction annulée", &text))
}

/// Who will hear of a correction.
fn will_be_told(others: Reach) -> String {
    let had = match others.had {
        0 => None,
        1 => Some("Une autre personne, qui a reçu l’alerte, sera prévenue, à son rythme.".to_owned()),
        n => Some(format!("{n} autres personnes, qui ont reçu l’alerte, seront prévenues, chacune à son rythme.")),
    };
    let waiting = match others.waiting {
        0 => None,
        1 => Some("Une personne dont le résumé n’est pas parti y lira le marché corrigé.".to_owned()),
        n => Some(format!("{n} personnes dont le résumé n’est pas parti y liront le marché corrigé.")),
    };
    let said: Vec<String> = had.into_iter().chain(waiting).collect();
    let first = if said.is_empty() { "Personne d’autre n’a reçu l’alerte.".to_owned() } else { said.join(" ") };
    let names = if others.had + others.waiting > 0 { " Qui reçoit quoi n’est montré à personne." } else { "" };
    format!("{first}{names} Si la correction fait que le marché concerne d’autres abonnés, ils le recevront aussi.")
}

/// Who hears of a correction: of `people` in all, those who had the alert or wait for it, and those whom it newly concerns.
fn told(others: Reach, people: usize) -> String {
    let had = others.had.min(people);
    let waiting = others.waiting.min(people - had);
    let said = [
        match had {
            0 => String::new(),
            1 => "Une autre personne, qui avait reçu l’alerte, est prévenue, à son rythme.".to_owned(),
            n => format!("{n} autres personnes, qui avaient reçu l’alerte, sont prévenues, chacune à son rythme."),
        },
        match waiting {
            0 => String::new(),
            1 => "Une personne dont le résumé n’est pas parti y lira le marché corrigé.".to_owned(),
            n => format!("{n} personnes dont le résumé n’est pas parti y liront le marché corrigé."),
        },
        match people - had - waiting {
            0 => String::new(),
            1 => "Une personne que le marché concerne désormais le reçoit.".to_owned(),
            n => format!("{n} personnes que le marché concerne désormais le reçoivent."),
        },
    ];
    match said.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>() {
        said if said.is_empty() => "Personne d’autre n’est à prévenir.".to_owned(),
        said => said.join(" "),
    }
}

/// A report goes to the operators.
async fn reported(site: &Site, id: &str, posted: &Posted, main: &NoticeRow) -> Shown {
    let (session, now) = (&posted.session, site.service.clock.now());
    let note = checked(posted.fields.one("note"), decisions::MAX_NOTE, "Explication")?;
    if note.is_empty() {
        return Err(Trouble::bad("Dites en quelques mots ce qui est faux."));
    }
    let kind = REPORTED.into_iter().find(|k| k.as_str() == posted.fields.one("kind"));
    let about = kind.map(|k| format!("{} : ", provision_label(k))).unwrap_or_default();
    let page = site.service.procedure_url(id).unwrap_or_else(|| format!("/procedure/{id}"));
    let body = format!(
        "Un verdict est signalé comme faux\n« {} » ({}).\n{} dit : {about}{note}\nPour corriger : {page}/signaler, ou vigie verdict.",
        short(&main.assessment.title, 120),
        main.id,
        session.name(),
    );
    let cause = format!("report:{id}:{}:{}", session.person.id, now.timestamp_millis());
    operators::tell(&site.service, OperatorEvent::Once(&cause), &body, now).await?;
    site.service.store.note("verdict", &main.id, "un verdict est signalé comme faux", now).await?;
    let text = "Votre signalement est parti vers les personnes qui gèrent Vigie.";
    Ok(site.back_to(&posted.visitor, id, "Merci", text))
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What the form asks for.
///
/// # Errors
/// All that is wrong with it, a sentence each.
fn wish(fields: &Fields, main: &NoticeRow) -> Result<Wish, Vec<String>> {
    let mut faults = Vec::new();
    let kind = REPORTED.into_iter().find(|k| k.as_str() == fields.one("kind"));
    if kind.is_none() {
        faults.push("Choisissez de quoi il s’agit.".to_owned());
    }
    if !["oui", "non"].contains(&fields.one("holds")) {
        faults.push("Dites si elle existe ou non.".to_owned());
    }
    if fields.one("note").chars().count() > decisions::MAX_NOTE {
        faults.push(format!("L’explication est trop longue : {} caractères au plus.", decisions::MAX_NOTE));
    }
    let lots: Vec<String> =
        fields.one("lots").split([',', ';', ' ']).filter(|l| !l.is_empty()).map(Lot::clean_id).collect();
    let unknown = lots.iter().filter(|lot| !main.assessment.lots.iter().any(|l| l.id == **lot));
    faults.extend(unknown.map(|lot| format!("Cet avis n’a pas de lot {lot}.")));
    let mut number = |name: &str, read: fn(&str) -> Result<f64, &'static str>, what: &str| {
        let written = fields.one(name).trim();
        let read = (!written.is_empty()).then(|| read(written)).transpose();
        read.unwrap_or_else(|why| {
            faults.push(format!("{what} : {why}."));
            None
        })
    };
    let hours = number("hours", verdict_correction::hours, "Heures d’insertion");
    let percent = number("percent", verdict_correction::percent, "Part en %");
    let (Some(kind), true) = (kind, faults.is_empty()) else { return Err(faults) };
    let holds = (fields.one("holds") == "oui").then(|| {
        let beneficiary = BENEFICIARIES.into_iter().find(|b| word(b) == fields.one("beneficiary"));
        let beneficiary = beneficiary.filter(|_| kind == ProvisionKind::Reserved);
        CorrectedProvision { beneficiary, lots: lots.clone(), hours, percent }.provision(kind)
    });
    Ok(Wish { kind, lots, holds, note: fields.one("note").to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_had_the_alert_is_told_apart_from_whom_it_newly_concerns() {
        let reach = |had, waiting| Reach { had, waiting };
        for (others, people, wanted) in [
            (reach(0, 0), 0, "Personne d’autre n’est à prévenir."),
            (reach(0, 0), 1, "Une personne que le marché concerne désormais le reçoit."),
            (
                reach(1, 1),
                3,
                "Une autre personne, qui avait reçu l’alerte, est prévenue, à son rythme. Une personne dont le résumé n’est pas parti y lira le marché corrigé. Une personne que le marché concerne désormais le reçoit.",
            ),
            // Of those who had it, some are no longer to be told.
            (reach(3, 1), 2, "2 autres personnes, qui avaient reçu l’alerte, sont prévenues, chacune à son rythme."),
        ] {
            assert_eq!(told(others, people), wanted);
        }
        assert!(will_be_told(reach(0, 0)).starts_with("Personne d’autre n’a reçu l’alerte."));
    }
}
