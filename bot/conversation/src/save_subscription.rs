//! Keeping what the dialogue to subscribe led to: the subscription, and what it says of the person.
//!
//! People of one structure share its decisions, so a SIRET is a key: typing one opens nothing. It is a claim that an operator
//! approves (`vigie_service::membership`).

use chrono::{DateTime, Utc};
use vigie_domain::{Cadence, Subscriber};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_service::subscriptions::{self, Saved, Wish};
use vigie_service::{Failure, Service, membership};
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
    let cadence =
        draft.cadence.unwrap_or_else(|| Cadence::default_for(person.role, draft.kind.or(person.profile.kind)));
    let wish = Wish { name: draft.title.clone(), filter: draft.filter(), cadence };
    if draft.changes.is_some() {
        let from_file = service.store.follows_file(&person.id).await?;
        let saved = subscriptions::save(service, &person.id, draft.changes.as_deref(), &wish).await?;
        return Ok(match saved {
            Saved::Kept(_) => format!(
                "C’est enregistré : {} ({}).{}",
                criteria::in_french(&wish.filter),
                cadence.in_french(),
                if from_file { format!("\n{IS_YOURS}") } else { String::new() }
            ),
            other => refused(&other).to_owned(),
        });
    }
    let from_file = service.store.follows_file(&person.id).await?;
    let mut subscriber = person.clone();
    let profile = &mut subscriber.profile;
    profile.kind = draft.kind.or(profile.kind);
    profile.sectors.extend(draft.sectors.iter().filter(|s| !person.profile.sectors.contains(s)).cloned());
    profile.departments.extend(draft.departments.iter().filter(|d| !person.profile.departments.contains(d)).cloned());
    let mut note = String::new();
    let claim =
        draft.siret.clone().filter(|siret| profile.siret.is_none() && profile.claimed_siret.as_ref() != Some(siret));
    if let Some(siret) = &claim {
        profile.claimed_siret = Some(siret.clone());
        note = format!(
            "\nVous dites parler pour {}. La personne qui gère Vigie est prévenue : dès qu’elle l’aura confirmé, vous partagerez les décisions de la structure.",
            short(&draft.name, 80)
        );
    }
    let id = subscriber.id.clone();
    service.store.put_subscriber(&NewSubscriber { subscriber, addresses: Vec::new(), declared: false }, now).await?;
    let saved = subscriptions::save(service, &id, None, &wish).await?;
    if !matches!(saved, Saved::Kept(_) | Saved::Twice) {
        return Ok(refused(&saved).to_owned());
    }
    if from_file {
        note.push_str(&format!("\n{IS_YOURS}"));
    }
    if let Some(siret) = &claim {
        membership::claimed(service, person, siret, &draft.name).await?;
    }
    Ok(format!(
        "C’est fait ! Vous recevrez ici : {} ({}).{note}\nSous chaque alerte, un bouton ou un mot suffit pour répondre. /aide le rappelle.",
        criteria::in_french(&wish.filter),
        cadence.in_french()
    ))
}

/// What whoever followed the settings file reads after their first change.
pub(super) const IS_YOURS: &str =
    "Vos abonnements et vos horaires sont désormais à vous : la personne qui gère Vigie n’y touche plus.";

/// Why a wish is not kept.
fn refused(saved: &Saved) -> &'static str {
    match saved {
        Saved::TooMany => "Vous avez déjà trente abonnements : retirez-en un d’abord. /abonnements les montre.",
        Saved::Twice => "Un autre de vos abonnements demande déjà exactement cela : rien n’est changé.",
        Saved::Gone | Saved::Kept(_) => {
            "Cet abonnement n’est plus là : il a été retiré entre-temps. /abonnements montre les vôtres."
        }
    }
}
