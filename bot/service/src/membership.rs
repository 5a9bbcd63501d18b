//! Who speaks for a structure. Colleagues share its decisions, so that a SIRET is a key: saying one opens nothing until somebody
//! who may has approved it, and whoever is there already hears of each newcomer.
//!
//! A claim stands in the person's profile; approved, it becomes their structure. So does that somebody says to be a facilitator.

use vigie_domain::subscription::Role;
use vigie_domain::{Permission, Subscriber, french};
use vigie_notifier::card::short;
use vigie_store::choices::Choice;

use crate::areas;
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

/// How many people wait for an answer of the operators: to speak for a structure, or to be a facilitator.
///
/// # Errors
/// The database fails.
pub async fn waiting(service: &Service) -> Result<usize, Failure> {
    let people = service.store.subscribers().await?;
    Ok(people.iter().filter(|p| p.profile.claimed_siret.is_some() || p.asks_to_be_facilitator()).count())
}

/// Tells the operators that somebody says to speak for a structure; until they approve, nothing is shared.
///
/// # Errors
/// The database fails.
pub async fn claimed(service: &Service, person: &Subscriber, siret: &str, structure: &str) -> Result<(), Failure> {
    let there = members(service, siret).await?;
    let names: Vec<String> = there.iter().map(|p| short(&p.name, 60)).collect();
    let named = named(siret, structure);
    let answer = match &service.settings.web.public_url {
        Some(base) => format!(" : {}/exploitation/personnes/{}", base.trim_end_matches('/'), person.id),
        None => format!(" : vigie members approve {id} ou vigie members refuse {id}", id = person.id),
    };
    // What a network wrote of its member is not the member's word.
    let mut networks = Vec::new();
    for network in service.store.chosen_about(person.structure(), Choice::AskedToJoin).await? {
        networks.extend(service.store.subscriber(&network).await?.map(|n| short(&n.name, 60)));
    }
    let who = short(&person.name, 60);
    let said = match networks.as_slice() {
        [] => format!("Quelqu’un dit parler pour une structure\n{who} dit parler pour {named}."),
        by => format!(
            "Un réseau dit qui parle pour une structure\n{} a écrit que {who} parle pour {named} ; {who} a accepté les alertes, et n’en a rien dit.",
            by.join(", ")
        ),
    };
    let body = format!(
        "{said} {} Rien n’est partagé d’ici votre réponse{answer}.",
        if names.is_empty() {
            "Personne ne le fait encore.".to_owned()
        } else {
            format!("En sont déjà : {}.", names.join(", "))
        },
    );
    let event = format!("structure:{}:{siret}", person.id);
    operators::tell(service, OperatorEvent::Once(&event), &body, service.clock.now()).await
}

fn named(siret: &str, structure: &str) -> String {
    match structure.is_empty() {
        true => format!("la structure {siret}, que l’annuaire ne connaît pas"),
        false => format!("{} ({siret})", short(structure, 80)),
    }
}

/// Tells the operators that somebody says to be a facilitator, of the organisation that they claim where they do (SIRET, name); until
/// they give the role, that person reads as everybody does.
///
/// # Errors
/// The database fails.
pub async fn asks_to_be_facilitator(
    service: &Service,
    person: &Subscriber,
    claim: Option<&(String, String)>,
) -> Result<(), Failure> {
    let who = if person.name.is_empty() { "Une personne".to_owned() } else { short(&person.name, 60) };
    let of = claim.map(|(siret, name)| format!(", pour {}", named(siret, name))).unwrap_or_default();
    let place = match &service.settings.web.public_url {
        Some(base) => format!(" : {}/exploitation/personnes/{}", base.trim_end_matches('/'), person.id),
        None => ", à la page Personnes".to_owned(),
    };
    let body = format!(
        "Quelqu’un se dit facilitateur\n{who} se dit facilitateur des clauses sociales{of}. Un bouton lui en donne le rôle{place}. D’ici là, cette personne reçoit ses alertes et ne corrige rien.",
    );
    let event = format!("facilitator:{}", person.id);
    operators::tell(service, OperatorEvent::Once(&event), &body, service.clock.now()).await
}

/// Gives the role to a person who says to be a facilitator, or not, as `who`; `false` when they say no such thing. They are told. The
/// places that they follow become the area of their organisation, where it said none.
///
/// # Errors
/// The database fails.
pub async fn settle_facilitator(
    service: &Service,
    who: &str,
    person: &Subscriber,
    granted: bool,
) -> Result<bool, Failure> {
    if !service.store.settle_facilitator(&person.id, granted).await? {
        return Ok(false);
    }
    let (what, body) = if granted {
        (
            "rôle facilitateur donné",
            "Vous êtes facilitateur dans Vigie\nVotre demande est acceptée : vos opérations, votre territoire et les corrections de verdict vous sont ouverts. Le territoire de votre inscription est repris : vérifiez-le à la page « Notre territoire ».",
        )
    } else {
        (
            "rôle facilitateur refusé",
            "Votre demande n’est pas acceptée\nVous n’avez pas le rôle de facilitateur ; vos abonnements et vos décisions restent les vôtres.",
        )
    };
    on_behalf::acted(service, who, &person.id, what, body).await?;
    begin_area(service, &person.id).await?;
    Ok(true)
}

/// Gives a person the role that an operator, `who`, chose, which answers what they say to be; `false` when there is no such person, or the
/// settings file says what they are.
///
/// # Errors
/// The database fails.
pub async fn set_role(service: &Service, who: &str, person: &str, role: Role) -> Result<bool, Failure> {
    if !service.store.set_role(person, role).await? {
        return Ok(false);
    }
    let by = on_behalf::named(service, who).await?;
    let said = format!("rôle {} donné depuis les pages par {by}", role.in_french());
    service.store.note("person", person, &said, service.clock.now()).await?;
    begin_area(service, person).await?;
    Ok(true)
}

/// What a facilitator follows is where their organisation works, until somebody of it says so.
async fn begin_area(service: &Service, person: &str) -> Result<(), Failure> {
    if let Some(person) = service.store.subscriber(person).await?.filter(|p| p.role == Role::Facilitator) {
        areas::begin(service, &person).await?;
    }
    Ok(())
}

/// Approves or refuses the claim of a person, as `who`; `false` when they have none. The person and their colleagues are told.
///
/// # Errors
/// The database fails.
pub async fn settle(service: &Service, who: &str, person: &Subscriber, approved: bool) -> Result<bool, Failure> {
    let Some(siret) = service.store.settle_claim(&person.id, approved).await? else { return Ok(false) };
    let listed = service.store.structure(&siret).await?.map(|s| s.name).filter(|name| !name.is_empty());
    let of = listed.map_or_else(|| format!("de la structure {siret}"), |name| french::of(&short(&name, 80)));
    let operations = person.role.may(Permission::FollowOperations);
    let own = if operations { "Vos réponses, vos notes et vos opérations" } else { "Vos réponses et vos notes" };
    let (what, body) = if approved {
        (
            "rattachement approuvé",
            format!(
                "Vous parlez pour votre structure\nVotre demande est acceptée : vous partagez désormais les décisions {of}. {own} sont devenues les siennes ; là où un collègue avait déjà répondu, sa réponse reste et votre note s’y ajoute."
            ),
        )
    } else {
        (
            "rattachement refusé",
            format!(
                "Votre demande n’est pas acceptée\nVous ne partagez pas les décisions {of} ; vos abonnements et vos décisions restent les vôtres."
            ),
        )
    };
    on_behalf::acted(service, who, &person.id, what, &body).await?;
    if approved {
        welcome(service, who, person, &siret).await?;
        begin_area(service, &person.id).await?;
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
        let operations = member.role.may(Permission::FollowOperations);
        let shared = if operations { "vos décisions et vos opérations" } else { "vos décisions" };
        let body = format!(
            "Un nouveau membre dans votre structure\n{} parle désormais pour {structure}, comme vous : vous partagez {shared}. Si vous ne connaissez pas cette personne, prévenez celle qui gère Vigie.",
            if newcomer.name.is_empty() { "Une personne".to_owned() } else { short(&newcomer.name, 60) },
        );
        on_behalf::acted(service, who, &member.id, "nouveau membre dans sa structure", &body).await?;
    }
    Ok(())
}
