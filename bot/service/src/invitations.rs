//! Somebody is let in by who runs the installation: by mail, to an address that its owner confirms, or by a code that opens a chat.
//!
//! An invitation changes nothing of somebody who is known, and asks nothing of an address whose owner had it erased. Who is invited to
//! speak for a structure shares its decisions from the start: whoever invites answers for it, and the others who do are told.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::directory::Structure;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Filter, ProvisionKind, Subscriber};
use vigie_store::derived_id;
use vigie_store::invitations::NewInvitation;

use crate::error::Failure;
use crate::service::Service;
use crate::{membership, on_behalf, opt_in};

/// How long a code serves, in days.
pub const DAYS: i64 = 14;

/// Who is invited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guest {
    /// How they are called; may be empty.
    pub name: String,
    pub role: Role,
    /// The structure they speak for: fourteen digits.
    pub siret: Option<String>,
    /// Their address, spelled as it is kept; none = a code for a chat.
    pub email: Option<String>,
}

/// What became of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invited {
    /// A mail asks this person to confirm their address.
    Asked(String),
    /// This code opens a chat, once.
    Code(String),
    /// The address is this person's already: nothing was changed.
    Known(String),
    /// Its owner had the address erased: only they may come back.
    Suppressed,
    /// The installation sends no mail that could be answered.
    NoMail,
}

/// What a structure of the directory may want to hear: its trades where it is; where its trades are not known, what is reserved or has
/// a clause there. `None` where neither is known: that is theirs to say.
fn first_filter(structure: Structure) -> Option<Filter> {
    let Structure { sectors, departments, .. } = structure;
    let provisions = match sectors.is_empty() {
        true => vec![ProvisionKind::Reserved, ProvisionKind::ExecutionClause, ProvisionKind::AwardCriterion],
        false => Vec::new(),
    };
    let known = !sectors.is_empty() || !departments.is_empty();
    known.then(|| Filter { sectors, departments, provisions, ..Filter::default() })
}

/// Invites a guest, as `who`.
///
/// # Errors
/// The database fails.
pub async fn invite(service: &Service, who: &str, guest: &Guest, now: DateTime<Utc>) -> Result<Invited, Failure> {
    let Some(email) = &guest.email else {
        let new = NewInvitation {
            role: guest.role,
            name: guest.name.clone(),
            siret: guest.siret.clone(),
            subscriber: None,
            expires: now + Duration::days(DAYS),
        };
        let code = service.store.invite(&new, now).await?;
        on_behalf::noted(service, who, "", "code d’invitation créé").await?;
        return Ok(Invited::Code(code));
    };
    if !opt_in::possible(&service.settings) {
        return Ok(Invited::NoMail);
    }
    let store = &service.store;
    if let Some((person, _)) = store.people_of_mailbox(email).await?.into_iter().next() {
        return Ok(Invited::Known(person.id));
    }
    if store.is_suppressed(Channel::Email, email).await? {
        return Ok(Invited::Suppressed);
    }
    let listed = match &guest.siret {
        Some(siret) => store.structure(siret).await?,
        None => None,
    };
    let mut profile = Profile { siret: guest.siret.clone(), ..Profile::default() };
    let mut filter = None;
    if let Some(structure) = listed {
        profile.kind = Some(structure.kind);
        profile.sectors.clone_from(&structure.sectors);
        profile.departments.clone_from(&structure.departments);
        filter = first_filter(structure);
    }
    let cadence = Cadence::default_for(guest.role, profile.kind);
    let id = derived_id(&["email", email]);
    let subscriber = Subscriber { id: id.clone(), name: guest.name.clone(), role: guest.role, profile };
    let address = opt_in::enrol(store, subscriber.clone(), email, now).await?;
    if let Some(filter) = &filter {
        store.put_subscription(&id, filter, cadence, now).await?;
    }
    store.saw(who, &id, "invitation", now).await?;
    on_behalf::noted(service, who, &id, "invitation envoyée").await?;
    if let Some(siret) = &guest.siret {
        membership::welcome(service, who, &subscriber, siret).await?;
    }
    opt_in::ask(store, &address, false, now).await?;
    service.deliveries_queued.notify_one();
    Ok(Invited::Asked(id))
}
