//! Looking inside: sources, deliveries, and why someone did or did not hear of a notice.

use chrono::{DateTime, Utc};
use vigie_config::rules::Rules;
use vigie_config::settings::Settings;
use vigie_domain::subscription::Match;
use vigie_domain::{AlertKind, DeliveryState, Disposition, Near, Subscriber, french};
use vigie_notifier::audience::explain;
use vigie_notifier::card::{Why, short};
use vigie_store::Store;
use vigie_store::journal::{NoticeRow, NotificationRow};
use vigie_watcher::classify;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::health;
use vigie_watcher::sources::{Memory, REGISTRY};

use super::output::{print, table};
use crate::setup;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::after_award::explain as why_after_award;
use vigie_service::ingest::audience::subscriptions_of;
use vigie_service::ingest::candidate;
use vigie_service::{source_health, sources};

/// Notices looked at by `subscriptions explain`.
const EXPLAINED: i64 = 200;

pub(super) fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&chrono_tz::Europe::Paris).format("%d/%m/%Y %H:%M").to_string()
}

pub(super) async fn list_sources(settings: &Settings) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let now = Clock::from_environment()?.now();
    let mut states = store.source_states().await?;
    let days = store.source_days(source_health::habit_since(now)).await?;
    let mut rows = Vec::new();
    for block in &settings.source {
        let s = states.remove(&block.id).unwrap_or_default();
        let known = source_health::known(s.clone(), days.get(&block.id).map_or(&[], Vec::as_slice));
        let alarms = health::alarms(&known, now);
        let health = match (&s.last_error, block.enabled) {
            (_, false) => "à l’arrêt (enabled = false)".to_owned(),
            _ if s.paused => "en pause (/reprendre_source dans un chat)".to_owned(),
            (Some(e), _) if s.failures > 0 => format!("{} échec(s) : {e}", s.failures),
            _ if s.last_success.is_none() => "jamais interrogée".to_owned(),
            _ => match alarms.first() {
                Some((alarm, why)) => format!("{} : {why}", alarm.in_french()),
                None => "bonne".to_owned(),
            },
        };
        rows.push(vec![
            block.id.clone(),
            block.kind.clone(),
            s.last_success.map_or_else(|| "–".to_owned(), local),
            if block.enabled && s.last_attempt.is_some() { local(s.next_due) } else { "–".to_owned() },
            s.items.to_string(),
            health::habit(&known.days).map_or_else(|| "–".to_owned(), |n| format!("{n} / jour")),
            s.bad.to_string(),
            health,
        ]);
    }
    print(&table(
        &["source", "lecteur", "dernier succès", "prochaine", "lus", "habitude", "mis de côté", "santé"],
        &rows,
    ))?;
    let kinds: Vec<Vec<String>> = REGISTRY.iter().map(|k| vec![k.name.to_owned(), k.summary.to_owned()]).collect();
    print(&format!("\n{}", table(&["lecteur", "ce qu’il lit"], &kinds)))
}

pub(super) async fn test_source(settings: &Settings, id: &str) -> Result<(), Failure> {
    let sources = sources::enabled(settings)?;
    let source = sources.iter().find(|s| s.block.id == id).ok_or_else(|| {
        Failure::usage(format!("aucune source « {id} »"), "vigie sources test", "vigie sources list les énumère")
    })?;
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let now = Clock::from_environment()?.now();
    let page = source
        .peek(&fetcher, &Memory::default(), now)
        .await
        .map_err(|e| Failure::new(e.to_string(), format!("source {id}"), "vérifiez l’adresse et le réseau"))?;
    let rows: Vec<Vec<String>> = page
        .notices
        .iter()
        .map(|n| {
            let a = classify::classify(n);
            vec![
                n.record_id.clone(),
                n.kind.as_str().to_owned(),
                a.score.to_string(),
                a.deadline().map_or_else(|| "–".to_owned(), |d| french::date(d.date_naive())),
                short(&a.title, 80),
            ]
        })
        .collect();
    print(&table(&["avis", "nature", "intérêt", "date limite", "titre"], &rows))?;
    if !page.selectors.is_empty() {
        let found: Vec<Vec<String>> = page
            .selectors
            .iter()
            .map(|r| {
                vec![
                    r.field.clone(),
                    short(&r.selector, 60),
                    format!("{} / {}", r.found.0, r.found.1),
                    short(&r.sample, 70),
                ]
            })
            .collect();
        print(&format!("\n{}\n", table(&["champ", "sélecteur", "trouvé", "exemple"], &found)))?;
    }
    for remark in &page.remarks {
        print(&format!("remarque : {remark}\n"))?;
    }
    for bad in &page.bad {
        print(&format!("écarté : {} ({})\n", bad.reason, bad.place))?;
    }
    print(&format!(
        "{} avis lus, {} illisibles{}\n",
        page.notices.len(),
        page.bad.len(),
        if page.more { ", d’autres pages suivent" } else { "" }
    ))
}

pub(super) async fn list_deliveries(settings: &Settings, state: Option<&str>, limit: i64) -> Result<(), Failure> {
    let wanted = match state {
        None => None,
        Some(word) => Some(DeliveryState::parse(word).ok_or_else(|| {
            let known: Vec<&str> = DeliveryState::ALL.iter().map(|s| s.as_str()).collect();
            Failure::usage(
                format!("état inconnu « {word} »"),
                "--state",
                format!("choisissez parmi : {}", known.join(", ")),
            )
        })?),
    };
    let rows: Vec<Vec<String>> = setup::open_store(settings)
        .await?
        .deliveries(wanted, limit)
        .await?
        .into_iter()
        .map(|d| {
            let when = match d.state {
                DeliveryState::Pending | DeliveryState::Deferred | DeliveryState::Ambiguous => {
                    format!("dû {}", local(d.next_at))
                }
                _ => d.settled_at.map_or_else(|| "–".to_owned(), local),
            };
            vec![
                d.id,
                d.channel.as_str().to_owned(),
                d.state.as_str().to_owned(),
                d.attempts.to_string(),
                when,
                d.why.unwrap_or_default(),
            ]
        })
        .collect();
    print(&table(&["envoi", "canal", "état", "essais", "quand", "réponse ou raison"], &rows))
}

pub(super) async fn show_delivery(settings: &Settings, id: &str) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let Some(d) = store.delivery(id).await? else {
        return Err(Failure::usage(
            format!("aucun envoi « {id} »"),
            "vigie deliveries show",
            "vigie deliveries list les énumère",
        ));
    };
    let mut out =
        format!("Envoi {} par {}, fait le {}\nÉtat : {}", d.id, d.channel.as_str(), local(d.created), d.state.as_str());
    if let Some(why) = &d.why {
        out.push_str(&format!(" ({why})"));
    }
    out.push_str(&format!("\nCause : {}\n", d.cause));
    for a in store.attempts(&d.id).await? {
        let end = a.ended.map_or_else(|| "sans réponse".to_owned(), local);
        out.push_str(&format!(
            "  essai {} : {} → {end} {} {}\n",
            a.n,
            local(a.started),
            a.outcome.unwrap_or_default(),
            a.detail.unwrap_or_default()
        ));
    }
    print(&out)
}

pub(super) async fn replay(settings: &Settings, ids: &[String]) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let now = Clock::from_environment()?.now();
    let mut refused = Vec::new();
    for id in ids {
        if store.replay(id, now).await? {
            print(&format!("{id} remis en file\n"))?;
        } else {
            refused.push(id.as_str());
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("pas de quoi rejouer : {}", refused.join(", ")),
        "vigie deliveries replay",
        "seuls les envois morts, ambigus ou annulés se rejouent",
    ))
}

/// The person, about whom `what` is about to be shown: the access log says so.
async fn person(store: &Store, key: &str, what: &str) -> Result<Subscriber, Failure> {
    let person = super::person::find(store, key, "--subscriber").await?;
    store.saw(&super::person::operator(), &person.id, what, Clock::from_environment()?.now()).await?;
    Ok(person)
}

/// Answers "why did X (not) get notice Y?".
pub(super) async fn why(settings: &Settings, notice: &str, subscriber: &str) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let person = person(&store, subscriber, "why").await?;
    let Some(row) = store.notice(notice).await? else {
        let aside = store.quarantined(500).await?.into_iter().find(|q| q.record_id.as_deref() == Some(notice));
        return match aside {
            Some(q) => {
                print(&format!("L’avis {notice} a été mis de côté le {} : {} ({})\n", local(q.at), q.reason, q.place))
            }
            None => Err(Failure::usage(
                format!("avis inconnu « {notice} »"),
                "--notice",
                "vérifiez le numéro ; vigie sources list dit ce qui est veillé",
            )),
        };
    };
    let name = if person.name.is_empty() { "Cette personne" } else { &person.name };
    let mut out = format!("Avis {} : {}\n", row.id, short(&row.assessment.title, 120));
    let shares = store.notifications(&person.id, &row.procedure).await?;
    if shares.is_empty() {
        out.push_str(&not_matched(&store, &person, &row, name).await?);
    }
    for share in &shares {
        out.push_str(&told(&store, share, name).await?);
    }
    for line in why_after_award::lines(&store, person.structure(), &row.procedure).await? {
        out.push_str(&format!("  {line}\n"));
    }
    print(&out)
}

async fn told(store: &Store, share: &NotificationRow, name: &str) -> Result<String, Failure> {
    let why: Why = serde_json::from_str(&share.reasons).unwrap_or_default();
    let what = match share.alert_kind {
        AlertKind::Correction => "rectificatif",
        AlertKind::VerdictCorrection => "verdict corrigé par une personne",
        AlertKind::Cancellation => "annulation",
        AlertKind::Award => "attribution",
        AlertKind::NoAward => "sans suite",
        AlertKind::PartialResult => "lots terminés",
        AlertKind::ExAnte => "intention de conclure",
        AlertKind::Modification => "modification du contrat",
        AlertKind::Completion => "fin du contrat",
        AlertKind::Reminder => "rappel",
        AlertKind::Undecided => "sans réponse de la structure, se clôt bientôt",
        AlertKind::Offer => "services à proposer au titulaire",
        AlertKind::AskResult => "résultat demandé",
        AlertKind::Renewal => "contrat qui se termine",
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
        Disposition::Paused => format!("{name} : pas d’envoi, l’abonnement était en pause"),
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
                "    envoi {} par {} : {} {when}, {} essai(s), réponse : {}\n",
                d.id,
                d.channel.as_str(),
                d.state.as_str(),
                d.attempts,
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
        parts.push(format!("lots {}", french::list(&found.lots)));
    }
    if parts.is_empty() { String::new() } else { format!("    correspond par : {}\n", parts.join(" ; ")) }
}

async fn not_matched(store: &Store, person: &Subscriber, row: &NoticeRow, name: &str) -> Result<String, Failure> {
    let subscriptions = subscriptions_of(store, &person.id).await?;
    let folded = classify::searchable(&row.notice, &row.assessment.lots);
    let now = Clock::from_environment()?.now();
    let candidate = candidate(row, &folded, now);
    let verdicts = explain(person, &subscriptions, &candidate);
    if verdicts.is_empty() {
        return Ok(format!("{name} : pas d’envoi, aucun abonnement\n"));
    }
    let mut out = String::new();
    for (subscription, verdict) in verdicts {
        let line = match verdict {
            Err(dimension) => format!(
                "{name} : pas d’envoi, l’abonnement {subscription} ne correspond pas ({})\n",
                dimension.in_french()
            ),
            Ok(_) => format!(
                "{name} : l’abonnement {subscription} correspond aujourd’hui, mais il n’existait pas quand l’avis a été lu ({})\n",
                local(row.first_seen)
            ),
        };
        out.push_str(&line);
    }
    Ok(out)
}

/// What a person's subscriptions would have given on the latest notices.
pub(super) async fn explain_subscriber(settings: &Settings, key: &str) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let person = person(&store, key, "explain").await?;
    let subscriptions = subscriptions_of(&store, &person.id).await?;
    let now = Clock::from_environment()?.now();
    let notices = store.recent_notices(0, EXPLAINED).await?;
    let (mut met, mut refused) = (Vec::new(), std::collections::BTreeMap::<&str, usize>::new());
    for row in &notices {
        let folded = classify::searchable(&row.notice, &row.assessment.lots);
        let candidate = candidate(row, &folded, now);
        let verdicts = explain(&person, &subscriptions, &candidate);
        if verdicts.iter().any(|(_, v)| v.is_ok()) {
            met.push(vec![row.id.clone(), row.assessment.score.to_string(), short(&row.assessment.title, 90)]);
        } else if let Some((_, Err(d))) = verdicts.first() {
            *refused.entry(d.in_french()).or_default() += 1;
        }
    }
    print(&table(&["avis", "intérêt", "titre"], &met))?;
    let reasons: Vec<String> = refused.iter().map(|(why, n)| format!("{n} pour {why}")).collect();
    let rest = if reasons.is_empty() { String::new() } else { format!(" ; écartés : {}", reasons.join(", ")) };
    print(&format!("{} sur les {} derniers avis{rest}\n", met.len(), notices.len()))
}
