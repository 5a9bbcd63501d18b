//! Why a person did, or did not, hear of a notice: in lines of French, for the command line and the operators' pages; and, of what did not
//! meet, for themselves.

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use vigie_config::rules::Rules;
use vigie_domain::subscription::{Dimension, Match};
use vigie_domain::{AlertKind, Disposition, Near, Subscriber, french};
use vigie_notifier::audience::explain;
use vigie_notifier::card::{Why, short};
use vigie_notifier::criteria;
use vigie_store::journal::{NoticeRow, NotificationRow};
use vigie_store::people::AddressState;
use vigie_store::{Store, StoreError};
use vigie_watcher::classify;

use crate::ingest::audience::subscriptions_of;
use crate::ingest::candidate;

fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Paris).format("%d/%m/%Y %H:%M").to_string()
}

/// The whole answer, a line each; what is below another begins with spaces.
///
/// # Errors
/// The database fails.
pub async fn lines(
    store: &Store,
    person: &Subscriber,
    row: &NoticeRow,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let name = if person.name.is_empty() { "Cette personne" } else { &person.name };
    let shares = store.notifications(&person.id, &row.procedure).await?;
    let mut out = String::new();
    if shares.is_empty() {
        out.push_str(&not_matched(store, person, row, name, now).await?);
    }
    for share in &shares {
        out.push_str(&told(store, share, name).await?);
    }
    for address in store.addresses(&person.id).await?.iter().filter(|a| a.state != AddressState::Active) {
        out.push_str(&format!(
            "Son adresse {} est {}\n",
            address.channel.shown(&address.value),
            address.state.in_french()
        ));
    }
    Ok(out.lines().map(str::to_owned).collect())
}

async fn told(store: &Store, share: &NotificationRow, name: &str) -> Result<String, StoreError> {
    let why: Why = serde_json::from_str(&share.reasons).unwrap_or_default();
    let what = match share.alert_kind {
        AlertKind::Correction => "rectificatif",
        AlertKind::VerdictCorrection => "lecture corrigée par une personne",
        AlertKind::Cancellation => "annulation",
        AlertKind::Award => "attribution",
        AlertKind::NoAward => "sans suite",
        AlertKind::PartialResult => "lots terminés",
        AlertKind::ExAnte => "intention de conclure",
        AlertKind::Modification => "modification du contrat",
        AlertKind::Completion => "fin du contrat",
        AlertKind::Offer => "services à proposer au titulaire",
        AlertKind::AskResult => "résultat demandé",
        AlertKind::Renewal => "contrat qui se termine",
        AlertKind::PartnerCall => "appel à partenaires",
        AlertKind::HoursToFill => "heures à pourvoir",
        AlertKind::Reminder => "rappel",
        AlertKind::Undecided => "sans réponse de la structure, se clôt bientôt",
        _ => "nouveau",
    };
    let mut out = format!("{} ({what}, avis {})\n", local(share.created), share.notice);
    let decided = match share.disposition {
        Disposition::Instant => format!("{name} : alerte immédiate"),
        Disposition::Digest => {
            format!("{name} : dans le résumé{}", share.due.map(|d| format!(" du {}", local(d))).unwrap_or_default())
        }
        Disposition::Overflow => format!("{name} : groupé avec d’autres en un seul message"),
        Disposition::Baseline => format!("{name} : pas d’envoi, avis déjà publié avant le début de la veille"),
        Disposition::Paused => format!("{name} : pas d’envoi, abonnement en pause ou absence"),
        Disposition::Duplicate => format!("{name} : pas d’envoi, doublon d’un avis déjà signalé et rien n’a changé"),
    };
    out.push_str(&format!("  {decided}\n"));
    for line in why.note.iter().chain(&why.remark) {
        out.push_str(&format!("    {line}\n"));
    }
    why.fit.reasons.iter().for_each(|r| out.push_str(&format!("    parce que : {r}\n")));
    out.push_str(&matched(&why.found));
    if share.disposition.is_told() {
        let Some(first) = &share.delivery else {
            let waits = if share.due.is_some() {
                "attend son heure"
            } else {
                "aucune adresse active : rien n’a été envoyé"
            };
            out.push_str(&format!("    {waits}\n"));
            return Ok(out);
        };
        let deliveries = store.deliveries_like(first).await?;
        if deliveries.is_empty() {
            out.push_str("    aucune adresse active à ce moment : rien n’a été envoyé\n");
        }
        for d in deliveries {
            let when = d.settled_at.map_or_else(|| format!("dû {}", local(d.next_at)), local);
            out.push_str(&format!(
                "    envoi {} {} : {} {when}, {}, réponse : {}\n",
                d.id.get(..10).unwrap_or(&d.id),
                d.channel.in_french(),
                d.state.in_french(),
                french::plural(usize::try_from(d.attempts).unwrap_or(0), "essai"),
                d.why.unwrap_or_else(|| "–".to_owned())
            ));
        }
    }
    Ok(out)
}

fn matched(found: &Match) -> String {
    let rules = Rules::embedded();
    let mut parts = Vec::new();
    if !found.sectors.is_empty() {
        parts.push(format!(
            "secteur {}",
            french::list(&found.sectors.iter().map(|s| rules.sector_label(s).to_owned()).collect::<Vec<_>>())
        ));
    }
    if !found.departments.is_empty() {
        parts.push(format!(
            "département {}",
            french::list(&found.departments.iter().map(ToString::to_string).collect::<Vec<_>>())
        ));
    }
    parts.extend(found.near.iter().map(Near::in_french));
    if !found.lots.is_empty() {
        parts.push(french::lots(&found.lots, 0));
    }
    if parts.is_empty() { String::new() } else { format!("    correspond par : {}\n", parts.join(" ; ")) }
}

/// A subscription that a notice did not come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// As its owner knows it: its name, else its conditions.
    pub subscription: String,
    /// « ne correspond pas (métier) ».
    pub why: String,
}

/// Why nobody told a person of a notice, for each of their subscriptions, as it is said to themselves.
///
/// # Errors
/// The database fails.
pub async fn unmet(store: &Store, person: &Subscriber, row: &NoticeRow) -> Result<Vec<Unmet>, StoreError> {
    let subscriptions = subscriptions_of(store, &person.id).await?;
    let folded = classify::searchable(&row.notice, &row.assessment.lots);
    let candidate = candidate(row, &folded, row.first_seen);
    let written = store.subscriptions_of(&person.id).await?;
    let of = |(id, verdict): (String, Result<Match, Dimension>)| {
        let own = written.iter().find(|s| s.id == id);
        let why = match verdict {
            Err(dimension) => {
                let near = own.filter(|_| dimension == Dimension::Place).and_then(|s| s.filter.nearest(&candidate));
                let what = near.map_or_else(|| dimension.in_french().to_owned(), |n| n.in_french());
                format!("ne correspond pas ({what})")
            }
            Ok(_) => {
                let read = french::date(row.first_seen.with_timezone(&Paris).date_naive());
                format!("correspond aujourd’hui, mais pas quand l’avis a été lu ({read})")
            }
        };
        let name = own.map(|s| if s.name.is_empty() { criteria::in_french(&s.filter) } else { s.name.clone() });
        Unmet { subscription: short(&name.unwrap_or_default(), 80), why }
    };
    Ok(explain(person, &subscriptions, &candidate).into_iter().map(of).collect())
}

async fn not_matched(
    store: &Store,
    person: &Subscriber,
    row: &NoticeRow,
    name: &str,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let subscriptions = subscriptions_of(store, &person.id).await?;
    let folded = classify::searchable(&row.notice, &row.assessment.lots);
    let candidate = candidate(row, &folded, now);
    let verdicts = explain(person, &subscriptions, &candidate);
    if verdicts.is_empty() {
        return Ok(format!("{name} : pas d’envoi, aucun abonnement\n"));
    }
    // As they wrote it: what is compared is folded.
    let written = store.subscriptions_of(&person.id).await?;
    let mut out = String::new();
    for (subscription, verdict) in verdicts {
        let asked = written.iter().find(|s| s.id == subscription).map(|s| criteria::in_french(&s.filter));
        let subscription = short(&asked.unwrap_or(subscription), 120);
        let line = match verdict {
            Err(dimension) => format!(
                "{name} : pas d’envoi, l’abonnement « {subscription} » ne correspond pas ({})\n",
                dimension.in_french()
            ),
            Ok(_) => format!(
                "{name} : l’abonnement « {subscription} » correspond aujourd’hui, mais il n’existait pas quand l’avis a été lu ({})\n",
                local(row.first_seen)
            ),
        };
        out.push_str(&line);
    }
    Ok(out)
}
