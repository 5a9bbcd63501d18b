//! Keeping what the dialogue to subscribe led to: the subscription, and what it says of the person.
//!
//! People of one structure share its decisions, so a SIRET is a key: typing one never opens what others decided. The first
//! to name a structure speaks for it, and the operators hear of it; where others speak for it already, an invitation that
//! names it is needed (`vigie invite --siret`).

use chrono::{DateTime, Utc};
use vigie_domain::{Cadence, Subscriber};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_service::operators::{self, OperatorEvent};
use vigie_service::{Failure, Service};
use vigie_store::people::NewSubscriber;

use super::subscribe::Draft;

/// Keeps a subscription; gives what to say. The same twice is one.
///
/// # Errors
/// The database fails.
pub(super) async fn save(
    service: &Service,
    person: &Subscriber,
    draft: &Draft,
    now: DateTime<Utc>,
) -> Result<String, Failure> {
    let mut subscriber = person.clone();
    let profile = &mut subscriber.profile;
    profile.kind = draft.kind.or(profile.kind);
    profile.sectors.extend(draft.sectors.iter().filter(|s| !person.profile.sectors.contains(s)).cloned());
    profile.departments.extend(draft.departments.iter().filter(|d| !person.profile.departments.contains(d)).cloned());
    let mut note = String::new();
    if let Some(siret) = draft.siret.as_ref().filter(|_| profile.siret.is_none()) {
        let taken = service.store.subscribers().await?.iter().any(|p| p.id != person.id && p.structure() == siret);
        if taken {
            note = format!(
                "\nD’autres personnes reçoivent déjà Vigie pour {}. Pour partager leurs décisions, demandez à la personne qui gère Vigie une invitation au nom de la structure.",
                short(&draft.name, 80)
            );
        } else {
            profile.siret = Some(siret.clone());
        }
        let body = format!(
            "Quelqu’un parle pour une structure\n{} dit parler pour {} ({siret}). {}",
            short(&person.name, 60),
            short(&draft.name, 80),
            if taken {
                "D’autres le font déjà : rien n’est partagé. Pour les réunir : vigie invite --siret."
            } else {
                "Si ce n’est pas le cas : vigie erase --subscriber."
            }
        );
        operators::tell(service, OperatorEvent::Once(&format!("structure:{}:{siret}", person.id)), &body, now).await?;
    }
    let cadence = draft.cadence.unwrap_or_else(|| Cadence::default_for(person.role, subscriber.profile.kind));
    let id = subscriber.id.clone();
    service.store.put_subscriber(&NewSubscriber { subscriber, addresses: Vec::new(), declared: false }, now).await?;
    let filter = draft.filter();
    service.store.put_subscription(&id, &filter, cadence, now).await?;
    Ok(format!(
        "C’est fait ! Vous recevrez ici : {} ({}).{note}\nSous chaque alerte, un bouton ou un mot suffit pour répondre. /aide le rappelle.",
        criteria::in_french(&filter),
        cadence.in_french()
    ))
}
