//! The people declared in the settings file: the file says who they are, the database follows it. What they want to hear of, and at
//! which hours, is said there first: it is theirs from their first change on (`subscriptions`, `preferences`).

use vigie_config::secret::expose;
use vigie_config::{mail_address, settings};
use vigie_domain::subscription::Profile;
use vigie_domain::{Cadence, Channel, Subscriber};
use vigie_store::derived_id;
use vigie_store::people::{AddressState, NewSubscriber};

use crate::error::Failure;
use crate::hooks;
use crate::preferences;
use crate::service::Service;

/// Brings the people declared in the settings file in step with the database. Subscriptions and rhythm of whoever has taken them in
/// hand stay as they are.
///
/// # Errors
/// The database fails.
pub async fn sync(service: &Service) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for (i, declared) in service.settings.subscriber.iter().enumerate() {
        match sync_one(service, declared).await? {
            Some(id) => kept.push(id),
            None => tracing::warn!(
                block = i + 1,
                "a declared subscriber had themselves erased: remove their [[subscriber]] block"
            ),
        }
    }
    service.store.keep_only_declared(&kept).await?;
    Ok(())
}

/// Gives subscriptions and rhythm of a declared person back to the settings file; `false` where it does not declare them.
///
/// # Errors
/// The database fails.
pub async fn follow_file_again(service: &Service, subscriber: &str) -> Result<bool, Failure> {
    let of_them = |d: &&settings::Subscriber| id_of(d) == subscriber;
    let Some(declared) = service.settings.subscriber.iter().find(of_them) else { return Ok(false) };
    // What they changed bears the name of what the file said: all of it goes first.
    service.store.keep_only_subscriptions(subscriber, &[]).await?;
    service.store.give_back_to_file(subscriber).await?;
    Ok(sync_one(service, declared).await?.is_some())
}

fn id_of(declared: &settings::Subscriber) -> String {
    derived_id(&["declared", &declared.name])
}

/// Brings one person in step; gives their identifier, or `None` where they had themselves erased.
async fn sync_one(service: &Service, declared: &settings::Subscriber) -> Result<Option<String>, Failure> {
    let now = service.clock.now();
    // Checked with the settings: one that is no address stands as it is.
    let spelled = |email: &String| mail_address::canonical(email).unwrap_or_else(|_| email.clone());
    let email = declared.email.as_ref().map(spelled);
    if let Some(email) = &email
        && service.store.is_suppressed(Channel::Email, email).await?
    {
        return Ok(None);
    }
    let id = id_of(declared);
    let mut addresses = Vec::new();
    if let Some(email) = &email {
        addresses.push((Channel::Email, email.clone(), AddressState::Active));
    }
    if let Some(room) = &declared.matrix {
        addresses.push((Channel::Matrix, room.clone(), AddressState::Active));
    }
    if let Some(chat) = declared.telegram {
        addresses.push((Channel::Telegram, chat.to_string(), AddressState::Active));
    }
    if declared.console {
        addresses.push((Channel::Console, "stdout".to_owned(), AddressState::Active));
    }
    // A tool whose secret cannot be read today stays as it was known, and keeps nobody else from their alerts; `vigie doctor` names it.
    let mut unread = false;
    for tool in &declared.tool {
        let read = tool.url.read().map_err(|e| e.to_string());
        match read.and_then(|url| hooks::read_url(service, expose(&url))) {
            Ok(url) => addresses.push((tool.kind, url, AddressState::Active)),
            Err(why) => {
                tracing::warn!(
                    subscriber = declared.name,
                    tool = tool.kind.as_str(),
                    why,
                    "a tool's address cannot be read"
                );
                unread = true;
            }
        }
    }
    let sectors = declared.subscription.iter().flat_map(|s| s.filter.sectors.clone()).collect();
    let departments = declared.subscription.iter().flat_map(|s| s.filter.departments.clone()).collect();
    let profile = Profile {
        kind: declared.kind,
        siret: declared.siret.clone(),
        claimed_siret: None,
        sectors,
        departments,
        networks: declared.networks.clone(),
        ..Profile::default()
    };
    let mut named = addresses.clone();
    for (channel, chat, _) in addresses.iter().filter(|(c, ..)| matches!(c, Channel::Telegram | Channel::Matrix)) {
        // A chat that has moved, a group or a room, keeps its identifier under its new name.
        let known = derived_id(&[&id, channel.as_str(), chat]);
        named.extend(service.store.address(&known).await?.map(|a| (a.channel, a.value, a.state)));
    }
    // Tools that they added themselves, and were asked about, are theirs.
    for tool in service.store.addresses(&id).await?.into_iter().filter(|a| a.channel.is_hook()) {
        if unread || tool.channel == Channel::Browser || service.store.consent(&tool.id).await?.0.is_some() {
            named.push((tool.channel, tool.value, tool.state));
        }
    }
    service.store.keep_only_addresses(&id, &named).await?;
    let subscriber = Subscriber { id: id.clone(), name: declared.name.clone(), role: declared.role, profile };
    service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: true }, now).await?;
    if !service.store.follows_file(&id).await? {
        return Ok(Some(id));
    }
    preferences::set_rhythm(service, &id, &declared.rhythm).await?;
    let mut subscriptions = Vec::new();
    for s in &declared.subscription {
        let cadence = s.cadence.unwrap_or_else(|| Cadence::default_for(declared.role, declared.kind));
        subscriptions.push(service.store.put_subscription(&id, &s.filter, cadence, now).await?);
    }
    service.store.keep_only_subscriptions(&id, &subscriptions).await?;
    Ok(Some(id))
}
