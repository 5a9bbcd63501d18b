//! Looking inside: sources, deliveries, and why someone did or did not hear of a notice.

use std::collections::BTreeMap;

use vigie_config::settings::{Settings, Source};
use vigie_domain::{DeliveryState, Subscriber, french};
use vigie_notifier::audience::explain;
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_store::Store;
use vigie_store::outbox::DeliveryRow;
use vigie_watcher::classify;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::health;
use vigie_watcher::sources::{Memory, REGISTRY};

use super::output::{Cell, Listing, Output, OutputArg, local, print, print_json};
use crate::setup;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::after_award::explain as why_after_award;
use vigie_service::ingest::audience::subscriptions_of;
use vigie_service::ingest::candidate;
use vigie_service::replay::{self, Again};
use vigie_service::source_health::Sources;
use vigie_service::{Service, sources, why};

/// Notices looked at by `subscriptions explain`.
const EXPLAINED: i64 = 200;
/// Signs of a delivery's identifier that lists show, on pages and here; commands and pages take them for the whole.
pub(super) const ID_SHOWN: usize = 10;

pub(super) async fn list_sources(settings: &Settings, output: OutputArg) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let now = Clock::from_environment()?.now();
    let known = Sources::read(&store, now).await?;
    let mut rows = Vec::new();
    for block in &sources::blocks(settings, &store).await? {
        let (s, known) = known.of(&block.id);
        let alarms = health::alarms(&known, now);
        let health = match (&s.last_error, block.enabled) {
            (_, false) => "à l’arrêt".to_owned(),
            _ if s.paused => "en pause (/reprendre_source dans un chat)".to_owned(),
            (Some(e), _) if s.failures > 0 => format!("{} : {e}", french::plural(s.failures as usize, "échec")),
            _ if s.last_success.is_none() => "jamais interrogée".to_owned(),
            _ => match alarms.first() {
                Some((alarm, why)) => format!("{} : {why}", alarm.in_french()),
                None => "bonne".to_owned(),
            },
        };
        rows.push(vec![
            block.id.as_str().into(),
            block.kind.as_str().into(),
            Cell::Moment(s.last_success),
            Cell::Moment((block.enabled && s.last_attempt.is_some()).then_some(s.next_due)),
            Cell::Number(s.items),
            match health::habit(&known.days) {
                None => Cell::Both("–".to_owned(), serde_json::Value::Null),
                Some(n) => Cell::Both(format!("{n} / jour"), n.into()),
            },
            Cell::Number(s.bad),
            health.into(),
        ]);
    }
    let columns = &[
        ("id", "source"),
        ("kind", "lecteur"),
        ("last_success", "dernier succès"),
        ("next", "prochaine"),
        ("read", "lus"),
        ("a_day", "habitude"),
        ("set_aside", "mis de côté"),
        ("health", "santé"),
    ];
    let sources = Listing { columns, rows };
    if output.form == Output::Json {
        return print_json(&sources.json());
    }
    let rows = REGISTRY.iter().map(|k| vec![k.name.into(), k.summary.into()]).collect();
    let kinds = Listing { columns: &[("kind", "lecteur"), ("reads", "ce qu’il lit")], rows };
    print(&format!("{}\n{}", sources.table(), kinds.table()))
}

pub(super) async fn test_source(settings: &Settings, id: &str, output: OutputArg) -> Result<(), Failure> {
    let named = |blocks: &[Source]| blocks.iter().find(|b| b.id == id).cloned();
    let block = match named(&settings.source) {
        Some(block) => Some(block),
        None => named(&sources::blocks(settings, &setup::open_store(settings).await?).await?),
    };
    let source = sources::watched(&block.ok_or_else(|| {
        Failure::usage(format!("aucune source « {id} »"), "vigie sources test", "vigie sources list les énumère")
    })?)?;
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let now = Clock::from_environment()?.now();
    let page = source
        .peek(&fetcher, &Memory::default(), now)
        .await
        .map_err(|e| Failure::new(e.to_string(), format!("source {id}"), "vérifiez l’adresse et le réseau"))?;
    let rows = page
        .notices
        .iter()
        .map(|n| {
            let a = classify::classify(n);
            vec![
                n.record_id.as_str().into(),
                Cell::Word(criteria::notice_kind_label(n.kind), n.kind.as_str()),
                Cell::Number(a.score.into()),
                Cell::Day(a.deadline().map(|d| d.date_naive())),
                Cell::Long(a.title, 80),
            ]
        })
        .collect();
    let columns = &[
        ("record", "avis"),
        ("kind", "nature"),
        ("score", "intérêt"),
        ("deadline", "date limite"),
        ("title", "titre"),
    ];
    let notices = Listing { columns, rows };
    let rows = page
        .selectors
        .iter()
        .map(|r| {
            vec![
                r.field.as_str().into(),
                Cell::Long(r.selector.clone(), 60),
                Cell::Both(format!("{} / {}", r.found.0, r.found.1), serde_json::json!([r.found.0, r.found.1])),
                Cell::Long(r.sample.clone(), 70),
            ]
        })
        .collect();
    let columns = &[("field", "champ"), ("selector", "sélecteur"), ("found", "trouvé"), ("sample", "exemple")];
    let selectors = Listing { columns, rows };
    if output.form == Output::Json {
        let bad: Vec<_> =
            page.bad.iter().map(|b| serde_json::json!({"reason": b.reason, "place": b.place.to_string()})).collect();
        return print_json(&serde_json::json!({
            "notices": notices.json(), "selectors": selectors.json(), "remarks": page.remarks, "bad": bad, "more": page.more,
        }));
    }
    print(&notices.table())?;
    if !page.selectors.is_empty() {
        print(&format!("\n{}\n", selectors.table()))?;
    }
    for remark in &page.remarks {
        print(&format!("remarque : {remark}\n"))?;
    }
    for bad in &page.bad {
        print(&format!("écarté : {} ({})\n", bad.reason, bad.place))?;
    }
    print(&format!(
        "{}, {}{}\n",
        french::counted(page.notices.len(), "avis lu", "avis lus"),
        french::counted(page.bad.len(), "illisible", "illisibles"),
        if page.more { ", d’autres pages suivent" } else { "" }
    ))
}

pub(super) async fn list_deliveries(
    settings: &Settings,
    state: Option<&str>,
    limit: i64,
    output: OutputArg,
) -> Result<(), Failure> {
    let wanted = match state {
        None => None,
        Some(word) => Some(parse_state(word).ok_or_else(|| {
            let known: Vec<&str> = DeliveryState::ALL.iter().map(|s| s.as_str()).collect();
            Failure::usage(
                format!("état inconnu « {word} »"),
                "--state",
                format!("choisissez parmi : {}", known.join(", ")),
            )
        })?),
    };
    let store = setup::open_store(settings).await?;
    store.saw(&super::person::operator(), "", "deliveries list", Clock::from_environment()?.now()).await?;
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut rows = Vec::new();
    for d in store.deliveries(wanted, limit).await? {
        if !names.contains_key(&d.subscriber) {
            let name = store.subscriber(&d.subscriber).await?.map(|p| p.name).filter(|n| !n.is_empty());
            names.insert(d.subscriber.clone(), name.unwrap_or_else(|| "sans nom".to_owned()));
        }
        let when = match d.state {
            DeliveryState::Pending | DeliveryState::Deferred | DeliveryState::Ambiguous => {
                Cell::Both(format!("dû {}", local(d.next_at)), serde_json::json!({"due": d.next_at}))
            }
            _ => Cell::Both(
                d.settled_at.map_or_else(|| "–".to_owned(), local),
                serde_json::json!({"settled": d.settled_at}),
            ),
        };
        rows.push(vec![
            Cell::Both(d.id.get(..ID_SHOWN).unwrap_or(&d.id).to_owned(), d.id.as_str().into()),
            Cell::Long(names[&d.subscriber].clone(), 30),
            Cell::Word(d.channel.in_french(), d.channel.as_str()),
            Cell::Word(d.state.in_french(), d.state.as_str()),
            Cell::Number(d.attempts),
            when,
            d.why.unwrap_or_default().into(),
        ]);
    }
    let columns = &[
        ("id", "envoi"),
        ("person", "personne"),
        ("channel", "canal"),
        ("state", "état"),
        ("attempts", "essais"),
        ("when", "quand"),
        ("why", "réponse ou raison"),
    ];
    Listing { columns, rows }.print(output)
}

/// A state by its word, or as lists show it.
fn parse_state(word: &str) -> Option<DeliveryState> {
    DeliveryState::parse(word).or_else(|| DeliveryState::ALL.into_iter().find(|s| s.in_french() == word))
}

/// The delivery of that identifier, which may be cut as lists show it.
async fn named(store: &Store, id: &str, place: &str) -> Result<DeliveryRow, Failure> {
    let found = replay::find(store, id).await?;
    found.map_err(|not| Failure::usage(not.line(), place, "vigie deliveries list les énumère"))
}

pub(super) async fn show_delivery(settings: &Settings, id: &str, output: OutputArg) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let d = named(&store, id, "vigie deliveries show").await?;
    store.saw(&super::person::operator(), &d.subscriber, "deliveries show", Clock::from_environment()?.now()).await?;
    let person = store.subscriber(&d.subscriber).await?.map(|p| p.name).unwrap_or_default();
    let attempts = store.attempts(&d.id).await?;
    if output.form == Output::Json {
        let attempts: Vec<_> = attempts
            .iter()
            .map(|a| {
                serde_json::json!({
                    "n": a.n, "started": a.started, "ended": a.ended, "outcome": a.outcome, "detail": a.detail,
                })
            })
            .collect();
        return print_json(&serde_json::json!({
            "id": d.id, "person": person, "channel": d.channel.as_str(), "state": d.state.as_str(), "why": d.why,
            "cause": d.cause.to_string(), "created": d.created, "settled": d.settled_at, "attempts": attempts,
        }));
    }
    let mut out = format!(
        "Envoi {} à {} {}, fait le {}\nÉtat : {}",
        d.id,
        if person.is_empty() { "une personne sans nom" } else { &person },
        d.channel.in_french(),
        local(d.created),
        d.state.in_french()
    );
    if let Some(why) = &d.why {
        out.push_str(&format!(" ({why})"));
    }
    out.push_str(&format!("\nCause : {}\n", d.cause));
    for a in attempts {
        let end = a.ended.map_or_else(|| "sans réponse".to_owned(), local);
        let outcome = a.outcome.as_deref().and_then(DeliveryState::parse).map_or("en cours", DeliveryState::in_french);
        let detail = a.detail.unwrap_or_default();
        out.push_str(&format!("  essai {} : {} → {end} {outcome} {detail}\n", a.n, local(a.started)));
    }
    print(&out)
}

pub(super) async fn replay(settings: &Settings, ids: &[String], reactivate: bool) -> Result<(), Failure> {
    let place = "vigie deliveries replay";
    let service = Service::new(settings.clone(), setup::open_store(settings).await?, Clock::from_environment()?)?;
    let who = super::person::operator();
    let mut refused = Vec::new();
    for id in ids {
        let mut said = replay::again(&service, &who, id).await?;
        if let (Again::AddressOut { address, .. }, true) = (&said, reactivate)
            && replay::reactivate(&service, &who, address).await?
        {
            print("Adresse remise en service\n")?;
            said = replay::again(&service, &who, id).await?;
        }
        if said.is_queued() { print(&format!("{}\n", said.line()))? } else { refused.push(said.line()) }
    }
    if refused.is_empty() {
        return super::output::wrote(settings);
    }
    Err(Failure::usage(refused.join(" "), place, "vigie deliveries list énumère les envois et leur état"))
}

/// The person, about whom `what` is about to be shown: the access log says so.
async fn person(store: &Store, key: &str, what: &str) -> Result<Subscriber, Failure> {
    let person = super::person::find(store, key, "--subscriber").await?;
    store.saw(&super::person::operator(), &person.id, what, Clock::from_environment()?.now()).await?;
    Ok(person)
}

/// Answers "why did X (not) get notice Y?".
pub(super) async fn why(settings: &Settings, notice: &str, subscriber: &str, output: OutputArg) -> Result<(), Failure> {
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
    let lines = why::lines(&store, &person, &row, Clock::from_environment()?.now()).await?;
    let after_award = why_after_award::lines(&store, person.structure(), &row.procedure).await?;
    if output.form == Output::Json {
        return print_json(&serde_json::json!({
            "notice": row.id, "title": row.assessment.title, "person": person.id, "why": lines, "after_award": after_award,
        }));
    }
    let mut out = format!("Avis {} : {}\n", row.id, short(&row.assessment.title, 120));
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
    for line in after_award {
        out.push_str(&format!("  {line}\n"));
    }
    print(&out)
}

/// What a person's subscriptions would have given on the latest notices.
pub(super) async fn explain_subscriber(settings: &Settings, key: &str, output: OutputArg) -> Result<(), Failure> {
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
            met.push(vec![
                row.id.as_str().into(),
                Cell::Number(row.assessment.score.into()),
                Cell::Long(row.assessment.title.clone(), 90),
            ]);
        } else if let Some((_, Err(d))) = verdicts.first() {
            *refused.entry(d.in_french()).or_default() += 1;
        }
    }
    let met = Listing { columns: &[("notice", "avis"), ("score", "intérêt"), ("title", "titre")], rows: met };
    if output.form == Output::Json {
        return print_json(&serde_json::json!({"met": met.json(), "left_out": refused, "looked_at": notices.len()}));
    }
    print(&met.table())?;
    let reasons: Vec<String> = refused.iter().map(|(why, n)| format!("{n} pour {why}")).collect();
    let rest = if reasons.is_empty() { String::new() } else { format!(" ; écartés : {}", reasons.join(", ")) };
    print(&format!("{} sur les {} derniers avis{rest}\n", met.rows.len(), notices.len()))
}
