//! What is wrong at this moment: alarms of sources, channels and of the mailbox, messages held back, a database that takes no writes;
//! each with since when, why, and what to do.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Duration, Utc};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Channel, french};
use vigie_notifier::card::short;
use vigie_service::source_health::Sources;
use vigie_service::sources::blocks;
use vigie_watcher::health::{self, Alarm};

use super::at;
use crate::frame::{Operator, Shown, Site, Trouble};
use crate::public::name_of;

/// What begins the name under which a channel's alarm is kept.
const CHANNEL: &str = "channel:";
/// The name under which the mailbox' alarm is kept.
const MAILBOX: &str = "mailbox";

#[derive(serde::Serialize)]
struct Line {
    what: String,
    since: Option<String>,
    why: String,
    remedy: String,
    /// Where it is looked into: an address, and its text.
    page: Option<(String, &'static str)>,
    #[serde(skip)]
    from: DateTime<Utc>,
}

/// What to do about an alarm of a source.
fn remedy(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Unreachable => {
            "Ouvrez son adresse dans un navigateur. Si elle répond, essayez la source sur sa page ; si elle a déménagé, corrigez l’adresse."
        }
        Alarm::Silent => {
            "Regardez chez elle si rien n’a été publié. Si elle publie, essayez la source sur sa page : ses sélecteurs ou ses conditions ne trouvent plus rien."
        }
        Alarm::Structure => {
            "Essayez-la sur sa page : ce que chaque sélecteur trouve y est dit. Corrigez celui qui ne trouve rien."
        }
        Alarm::Login => "Vérifiez le compte chez elle, puis son secret dans le fichier de configuration.",
        Alarm::Quota => "Espacez ses lectures, ou demandez-lui une clé qui permet davantage.",
        Alarm::Unreadable => {
            "Regardez ce qui est de côté. Une version plus récente de Vigie le lit peut-être : mettez à jour, puis relisez."
        }
    }
}

pub(crate) async fn alarms(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let mut lines = of_the_service(&site).await?;
    lines.extend(of_sources(&site).await?);
    lines.sort_by(|a, b| (a.from, &a.what).cmp(&(b.from, &b.what)));
    Ok(site.page(&operator.visitor, "alarmes.html", context! { lines => Serde(lines) }))
}

/// What keeps messages from leaving, whatever is published.
async fn of_the_service(site: &Site) -> Result<Vec<Line>, Trouble> {
    let (service, now) = (&site.service, site.service.clock.now());
    let mut lines = Vec::new();
    if let Err(fails) = service.write_proof.check(&service.store).await {
        let from = now - Duration::from_std(fails.since).unwrap_or_default();
        lines.push(Line {
            what: "Rien ne s’écrit plus dans la base".to_owned(),
            since: Some(at(from)),
            why: short(&fails.why, 300),
            remedy: "Libérez de la place sur son disque, et vérifiez que le compte du service peut y écrire. Rien n’est envoyé d’ici là.".to_owned(),
            page: Some(("/exploitation/etat".to_owned(), "État de l’installation")),
            from,
        });
    }
    if let Some(from) = service.store.held_since().await? {
        let (messages, digest_lines) = service.store.held_count().await?;
        lines.push(Line {
            what: "Des envois sont retenus depuis une restauration".to_owned(),
            since: Some(at(from)),
            why: format!(
                "Attendent {} et, pour des résumés, {}.",
                french::plural(usize::try_from(messages).unwrap_or(0), "message"),
                french::plural(usize::try_from(digest_lines).unwrap_or(0), "ligne"),
            ),
            remedy: "Voyez-les (vigie deliveries held), retirez ce qui a déjà été reçu (vigie deliveries drop), puis libérez-les (vigie deliveries release).".to_owned(),
            page: None,
            from,
        });
    }
    for outage in service.store.outages().await? {
        lines.push(Line {
            what: format!("{} : plus de réponse", french::capital(outage.channel.noun())),
            since: Some(at(outage.since)),
            why: short(&outage.why, 300),
            remedy: "Vérifiez le réseau, le serveur et le compte (vigie check --connect). Les messages attendent, et partiront ensuite.".to_owned(),
            page: Some(("/exploitation/envois?etat=deferred".to_owned(), "Ce qui attend")),
            from: outage.since,
        });
    }
    Ok(lines)
}

/// What was told of sources, of the mailbox, and of channels that are back and not told so yet.
async fn of_sources(site: &Site) -> Result<Vec<Line>, Trouble> {
    let (service, now) = (&site.service, site.service.clock.now());
    let blocks = blocks(&service.settings, &service.store).await?;
    let known = Sources::read(&service.store, now).await?;
    let away = service.store.outages().await?;
    let mut lines = Vec::new();
    for (source, alarms) in service.store.all_open_alarms().await? {
        for (kind, from) in alarms {
            if let Some(channel) = source.strip_prefix(CHANNEL).and_then(|word| word.parse::<Channel>().ok()) {
                // What is away now stands above in its own words.
                if away.iter().all(|outage| outage.channel != channel) {
                    lines.push(Line {
                        what: format!("{} : de nouveau une réponse", french::capital(channel.noun())),
                        since: Some(at(from)),
                        why: "Cette alarme va être levée.".to_owned(),
                        remedy: "Rien à faire.".to_owned(),
                        page: None,
                        from,
                    });
                }
                continue;
            }
            if source == MAILBOX {
                lines.push(Line {
                    what: "La boîte aux lettres n’est pas lue".to_owned(),
                    since: Some(at(from)),
                    why: "Les réponses et les retours d’erreur y attendent ; rien n’est perdu.".to_owned(),
                    remedy: "Vérifiez [mailbox] dans les réglages, puis vigie check --connect.".to_owned(),
                    page: Some(("/exploitation/reglages#mailbox".to_owned(), "Ses réglages")),
                    from,
                });
                continue;
            }
            let alarm = Alarm::parse(&kind);
            let block = blocks.iter().find(|b| b.id == source);
            let (_, of_it) = known.of(&source);
            let why = health::alarms(&of_it, now).into_iter().find(|(a, _)| Some(*a) == alarm).map(|(_, why)| why);
            lines.push(Line {
                what: format!(
                    "{} {}",
                    block.map_or_else(|| source.clone(), |b| name_of(&b.id, &b.kind)),
                    alarm.map_or("est en alarme", Alarm::in_french)
                ),
                since: Some(at(from)),
                why: why.map_or_else(|| "Cette alarme va être levée.".to_owned(), |why| short(&why, 300)),
                remedy: alarm.map_or("Voyez sa page.", remedy).to_owned(),
                page: match alarm {
                    Some(Alarm::Unreadable) => {
                        Some((format!("/exploitation/illisibles?source={source}"), "Ce qui est de côté"))
                    }
                    _ => block.map(|b| (format!("/exploitation/sources/{}", b.id), "Sa page")),
                },
                from,
            });
        }
    }
    Ok(lines)
}
