//! Who speaks for a structure. Colleagues share its decisions, so that a SIRET is a key: saying one opens nothing until somebody
//! who may has approved it, and whoever is there already hears of each newcomer.
//!
//! A claim stands in the person's profile; approved, it becomes their structure.

use vigie_domain::Subscriber;
use vigie_notifier::card::short;

use crate::error::Failure;
use crate::on_behalf;
use crate::operators::{self, OperatorEvent};
use crate::service::Service;

/// A claim that waits.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who says so.
    pub person: Subscriber,
    /// For which structure.
    pub siret: String,
    /// Who speaks for it already.
    pub members: Vec<Subscriber>,
}

/// The persons who speak for a structure.
///
/// # Errors
/// The database fails.
pub async fn members(service: &Service, siret: &str) -> Result<Vec<Subscriber>, Failure> {
    Ok(service.store.people_of(siret).await?)
}

/// Every claim that waits.
///
/// # Errors
/// The database fails.
pub async fn claims(service: &Service) -> Result<Vec<Claim>, Failure> {
    let mut out = Vec::new();
    for person in service.store.subscribers().await? {
        if let Some(siret) = person.profile.claimed_siret.clone() {
            let members = members(service, &siret).await?;
            out.push(Claim { person, siret, members });
        }
    }
    Ok(out)
}

/// Tells the operators that somebody says to speak for a structure; until they approve, nothing is shared.
///
/// # Errors
/// The database fails.
pub async fn claimed(service: &Service, person: &Subscriber, siret: &str, structure: &str) -> Result<(), Failure> {
    let there = members(service, siret).await?;
    let names: Vec<String> = there.iter().map(|p| short(&p.name, 60)).collect();
    let named = if structure.is_empty() {
        format!("la structure {siret}, que l’annuaire ne connaît pas")
    } else {
        format!("{} ({siret})", short(structure, 80))
    };
    let answer = match &service.settings.web.public_url {
        Some(base) => format!(" : {}/exploitation/personnes/{}", base.trim_end_matches('/'), person.id),
        None => format!(" : vigie members approve {id} ou vigie members refuse {id}", id = person.id),
    };
    let body = format!(
        "Quelqu’un dit parler pour une structure\n{} dit parler pour {named}. {} Rien n’est partagé d’ici votre réponse{answer}.",
        short(&person.name, 60),
        if names.is_empty() {
            "Personne ne le fait encore.".to_owned()
        } else {
            format!("En sont déjà : {}.", names.join(", "))
        },
    );
    let event = format!("structure:{}:{siret}", person.id);
    operators::tell(service, OperatorEvent::Once(&event), &body, service.clock.now()).await
}

/// Approves or refuses the claim of a person, as `who`; `false` when they have none. The person and their colleagues are told.
///
/// # Errors
/// The database fails.
pub async fn settle(service: &Service, who: &str, person: &Subscriber, approved: bool) -> Result<bool, Failure> {
    let Some(siret) = service.store.settle_claim(&person.id, approved).await? else { return Ok(false) };
    let (what, body) = if approved {
        (
            "rattachement approuvé",
            format!(
                "Vous parlez pour votre structure\nVotre demande est acceptée : vous partagez désormais les décisions de la structure {siret}."
            ),
        )
    } else {
        (
            "rattachement refusé",
            format!(
                "Votre demande n’est pas acceptée\nVous ne parlez pas pour la structure {siret} ; vos abonnements et vos décisions restent les vôtres."
            ),
        )
    };
    on_behalf::acted(service, who, &person.id, what, &body).await?;
    if approved {
        welcome(service, who, person, &siret).await?;
    }
    Ok(true)
}

/// Tells those who speak for a structure that somebody joins them.
///
/// # Errors
/// The database fails.
pub async fn welcome(service: &Service, who: &str, newcomer: &Subscriber, siret: &str) -> Result<(), Failure> {
    let listed = service.store.structure(siret).await?.map(|s| s.name);
    let structure = listed.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("la structure {siret}"));
    for member in members(service, siret).await?.into_iter().filter(|m| m.id != newcomer.id) {
        let body = format!(
            "Un nouveau membre dans votre structure\n{} parle désormais pour {structure}, comme vous : vous partagez vos décisions. Si vous ne connaissez pas cette personne, prévenez celle qui gère Vigie.",
            if newcomer.name.is_empty() { "Une personne".to_owned() } else { short(&newcomer.name, 60) },
        );
        on_behalf::acted(service, who, &member.id, &format!("nouveau membre {}", newcomer.id), &body).await?;
    }
    Ok(())
}
