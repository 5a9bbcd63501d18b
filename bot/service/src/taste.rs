//! Learned taste: what the refusals of a structure say is asked, and holds once somebody of it agrees. Only order and rhythm change:
//! what would have come at once comes in the next digest, behind the others. What is reserved for them, or closes soon, is never touched
//! (`ingest::plan`), nothing is hidden, and one tap takes it back.
//!
//! What it rests on are the structure's own decisions; nothing of it leaves the structure.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use vigie_config::rules::Rules;
use vigie_domain::subscription::Match;
use vigie_domain::taste::{Taste, Verdict, against, learned};
use vigie_domain::{Assessment, Cadence, Decision, Department, Permission, Stage, Subscriber};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::taste::{StoredTaste, TasteState};

use crate::error::Failure;
use crate::questions::{Choice, NO, Question, SHOW, YES};
use crate::quiet;
use crate::service::Service;

/// Decisions older than that say nothing any more.
const LOOKED_BACK: Duration = Duration::days(365);
/// Most procedures looked at, the latest decided first.
const MOST: usize = 500;
/// Between two questions to one structure.
const BETWEEN: Duration = Duration::days(7);
/// How long a trade rests of which they said no.
const RESTS: Duration = Duration::days(180);
/// Markets shown that a question rests on.
const SHOWN: usize = 10;

const BACK: &str = "revenir";

fn trade(taste: &Taste) -> String {
    short(Rules::embedded().trade(&taste.sector), 80)
}

/// Why something of that taste comes in a digest, as « pourquoi vous » says it.
fn reason(taste: &Taste) -> String {
    format!("dans le résumé plutôt qu’en alerte : {} ; « Mes réglages » y revient", taste.in_french(&trade(taste)))
}

/// When something comes that met, by what their structure agreed to hear of later: in a digest, if not in one already; and why.
#[must_use]
pub fn later(tastes: &[Taste], cadence: Cadence, found: &Match, assessment: &Assessment) -> (Cadence, Option<String>) {
    let sectors = if found.sectors.is_empty() { &assessment.sectors } else { &found.sectors };
    let departments: Vec<Department> = assessment.departments.iter().chain(&found.departments).cloned().collect();
    match (against(tastes, sectors, &departments), cadence) {
        (None, cadence) => (cadence, None),
        (Some(taste), Cadence::Instant | Cadence::Auto) => (Cadence::Daily, Some(reason(taste))),
        (Some(taste), cadence) => (cadence, Some(reason(taste))),
    }
}

/// Whether a person may answer for their structure.
pub(crate) fn may_answer(person: &Subscriber) -> bool {
    person.role.may(Permission::Decide)
}

/// Looks whether what a structure refused says something, and asks its people if so. One question waits at a time.
///
/// # Errors
/// The database fails.
pub async fn look(service: &Service, person: &Subscriber) -> Result<(), StoreError> {
    let (store, structure, now) = (&service.store, person.structure(), service.clock.now());
    let known = store.tastes_of(structure).await?;
    let waits = |t: &StoredTaste| t.state == TasteState::Asked;
    if known.iter().any(|t| waits(t) || t.at > now - BETWEEN) {
        return Ok(());
    }
    let rests = |t: &StoredTaste| t.state == TasteState::On || t.at > now - RESTS;
    let (verdicts, _) = verdicts(service, structure, now).await?;
    let new = learned(&verdicts, &person.profile.departments);
    let asks = new.into_iter().find(|t| !known.iter().any(|k| k.taste.sector == t.sector && rests(k)));
    let Some(taste) = asks else { return Ok(()) };
    let mut people = Vec::new();
    for id in store.members(structure).await? {
        if store.subscriber(&id).await?.is_some_and(|p| may_answer(&p)) {
            let after = quiet::until(service, &id, false, now).await?;
            people.push((id, after));
        }
    }
    let place = taste.side.in_french();
    let body = format!(
        "Moins d’alertes pour « {} »{}{place} ?\n{}\n{PROMISE}",
        trade(&taste),
        if place.is_empty() { "" } else { " " },
        asked(&taste),
    );
    if store.ask_taste(structure, &taste, (&people, &body), now).await? {
        service.deliveries_queued.notify_one();
    }
    Ok(())
}

const PROMISE: &str = "Rien ne sera caché : seuls le moment et l’ordre changent. Ce qui est réservé à une structure comme la vôtre, ou se clôt sous 48 heures, vient toujours comme avant.";

fn asked(taste: &Taste) -> String {
    format!("{} : mettre ces marchés dans le résumé plutôt qu’en alerte ?", taste.in_french(&trade(taste)))
}

/// What a structure decided of late, procedure by procedure, as far as taste goes; and the titles of these procedures.
async fn verdicts(
    service: &Service,
    structure: &str,
    now: DateTime<Utc>,
) -> Result<(Vec<Verdict>, Vec<String>), StoreError> {
    let mut procedures: BTreeMap<String, Vec<Decision>> = BTreeMap::new();
    let decisions = service.store.decisions_of(structure).await?;
    let of_late = decisions.into_iter().filter(|d| d.stage.is_decided() && d.at > now - LOOKED_BACK);
    for decision in of_late {
        if procedures.len() < MOST || procedures.contains_key(&decision.procedure) {
            procedures.entry(decision.procedure.clone()).or_default().push(decision);
        }
    }
    let names: Vec<String> = procedures.keys().cloned().collect();
    let rows = service.store.search_rows(&names).await?;
    let mut rows: HashMap<String, _> = rows.into_iter().map(|row| (row.procedure.clone(), row)).collect();
    let (mut verdicts, mut titles) = (Vec::new(), Vec::new());
    for (procedure, decisions) in procedures {
        let Some(row) = rows.remove(&procedure) else { continue };
        // A lot that they went for is a yes to the whole.
        let refused = decisions.iter().all(|d| d.stage == Stage::NoGo);
        let reason = decisions.iter().find_map(|d| d.refusal).filter(|_| refused);
        verdicts.push(Verdict { refused, reason, sectors: row.sectors, departments: row.departments });
        titles.push(row.title);
    }
    Ok((verdicts, titles))
}

/// A taste as a question, as it stands.
pub(crate) fn question(one: &StoredTaste) -> Question {
    let choice = |word: &str, label: &str| Choice { word: word.to_owned(), label: label.to_owned() };
    let counts = one.taste.in_french(&trade(&one.taste));
    let by = if one.by.is_empty() { String::new() } else { format!(" ({})", short(&one.by, 60)) };
    let (title, choices) = match one.state {
        TasteState::Asked => (
            asked(&one.taste),
            vec![choice(YES, "Oui, dans le résumé"), choice(NO, "Non, en alerte"), choice(SHOW, "Voir ces marchés")],
        ),
        TasteState::On => (
            format!("{counts} : ces marchés viennent dans le résumé{by}."),
            vec![choice(BACK, "Revenir aux alertes"), choice(SHOW, "Voir ces marchés")],
        ),
        TasteState::Off => (
            format!("{counts} : ces marchés viennent en alerte{by}."),
            vec![choice(YES, "Plutôt dans le résumé"), choice(SHOW, "Voir ces marchés")],
        ),
    };
    Question {
        id: one.id.clone(),
        title,
        lines: vec![PROMISE.to_owned()],
        choices,
        waits: one.state == TasteState::Asked,
    }
}

/// What somebody answers for their structure; `None` where the word is none of the question's.
///
/// # Errors
/// The database fails.
pub(crate) async fn answer(
    service: &Service,
    one: &StoredTaste,
    by: &str,
    word: &str,
) -> Result<Option<String>, Failure> {
    let settle = |state| service.store.settle_taste((&one.id, &one.structure), state, by, service.clock.now());
    Ok(Some(match word {
        YES => {
            settle(TasteState::On).await?;
            "C’est noté : ces marchés viennent dans votre résumé, après les autres. « Mes réglages » permet d’y revenir.".to_owned()
        }
        NO => {
            settle(TasteState::Off).await?;
            "C’est noté : rien ne change, ces marchés viennent comme avant.".to_owned()
        }
        BACK => {
            settle(TasteState::Off).await?;
            "C’est fait : ces marchés reviennent comme avant.".to_owned()
        }
        SHOW => shown(service, one).await?,
        _ => return Ok(None),
    }))
}

/// The markets that a taste rests on, a line each.
async fn shown(service: &Service, one: &StoredTaste) -> Result<String, StoreError> {
    let (verdicts, titles) = verdicts(service, &one.structure, service.clock.now()).await?;
    let of_it = verdicts.iter().zip(titles).filter(|(v, _)| v.bears(&one.taste.sector, &one.taste.side));
    let mut lines: Vec<String> = of_it.map(|(_, title)| format!("• {}", short(&title, 140))).collect();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("et {more} de plus."));
    }
    Ok(format!("Écartés par votre structure :\n{}", lines.join("\n")))
}
