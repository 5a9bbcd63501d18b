//! Tools that take messages at an address of their own, outgoing half: what is posted is made by `vigie_notifier::channels::hooks`, one
//! post an attempt. The address check is at connect time, and no redirect is followed.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use url::Url;
use vigie_domain::delivery::Outcome;
use vigie_domain::{Cause, Channel};
use vigie_notifier::channels::Envelope;
use vigie_notifier::channels::hooks::answer::{Answer, outcome};
use vigie_notifier::channels::hooks::web_push::{self, Browser};
use vigie_notifier::channels::hooks::webhook::{self, Event};
use vigie_notifier::channels::hooks::{mattermost, rocket_chat, signature, slack, teams};
use vigie_service::{Failure, Service, alert_card};
use vigie_store::StoreError;
use vigie_watcher::fetch::{Posted, Poster};

/// Most markets that one event lists; a digest may hold thousands.
const MAX_TOLD: usize = 100;

fn answer_of(posted: Posted) -> Answer {
    match posted {
        Posted::Status { status, retry_after, words } => Answer::Status { status, retry_after, words },
        Posted::Forbidden(what) => Answer::Forbidden(what),
        Posted::NotConnected(why) => Answer::NotConnected(why),
        Posted::Lost(why) => Answer::Lost(why),
    }
}

/// The channel of such tools.
pub struct Hooks {
    service: Arc<Service>,
    poster: Poster,
}

impl Hooks {
    /// Makes the client; nothing is asked of anybody.
    ///
    /// # Errors
    /// A network of the settings is unreadable.
    pub fn open(service: Arc<Service>) -> Result<Self, Failure> {
        let poster = Poster::new(&service.settings.fetch)
            .map_err(|e| Failure::usage(e, "[fetch] allow_private", "corrigez cette valeur"))?;
        Ok(Self { service, poster })
    }

    /// Posts one message.
    pub async fn send(&self, channel: Channel, envelope: &Envelope<'_>) -> Outcome {
        let Ok(url) = Url::parse(envelope.to) else {
            return Outcome::AddressRefused("ce n’est pas une adresse du web".to_owned());
        };
        let now = self.service.clock.now();
        if channel == Channel::Browser {
            return self.push(envelope, now).await;
        }
        let mut headers = Vec::new();
        let mut owner = String::new();
        let document = match channel {
            Channel::Slack => slack::post(envelope),
            Channel::Mattermost => mattermost::post(envelope),
            Channel::RocketChat => rocket_chat::post(envelope),
            Channel::Teams => teams::post(envelope),
            _ => match self.event(envelope).await {
                Ok((event, subscriber)) => {
                    owner = subscriber;
                    webhook::post(envelope, &event)
                }
                // Nothing has left as long as the database was not read.
                Err(e) => return Outcome::Transient { why: e.to_string(), retry_after: None },
            },
        };
        let body = document.to_string().into_bytes();
        if channel == Channel::Webhook {
            let at = now.timestamp();
            let key = self.service.webhook_key(&owner, envelope.to);
            let signed = key.and_then(|key| signature::sign(&key, envelope.key, at, &body));
            let Some(signed) = signed else {
                return Outcome::Permanent("[web] secret manque : l’envoi ne peut pas être signé".to_owned());
            };
            headers = vec![
                ("webhook-id", envelope.key.to_owned()),
                ("webhook-timestamp", at.to_string()),
                ("webhook-signature", signed),
            ];
        }
        outcome(channel, answer_of(self.poster.post(&url, &headers, body, now).await))
    }

    /// Posts one message to a browser's push service, for that browser alone to read.
    async fn push(&self, envelope: &Envelope<'_>, now: DateTime<Utc>) -> Outcome {
        let Some(browser) = Browser::read(envelope.to) else {
            return Outcome::AddressRefused("ce n’est pas l’adresse d’un navigateur".to_owned());
        };
        let sender = self.service.push_sender();
        let proof = sender.and_then(|s| s.proof(&browser.endpoint, &self.service.push_contact(), now));
        let shown = web_push::shown(envelope, self.service.home_url().as_deref());
        let (Some(proof), Some(body)) = (proof, browser.encrypt(&shown)) else {
            return Outcome::Permanent("[web] secret manque, ou la clé du navigateur n’en est pas une".to_owned());
        };
        let mut headers = web_push::headers(envelope);
        headers.push(("authorization", proof));
        outcome(Channel::Browser, answer_of(self.poster.post(&browser.endpoint, &headers, body, now).await))
    }

    /// What an event is about, read from what its delivery carries, and whose it is.
    async fn event(&self, envelope: &Envelope<'_>) -> Result<(Event, String), StoreError> {
        let store = &self.service.store;
        let Some(row) = store.delivery(envelope.key).await? else {
            let event = Event { kind: "message".to_owned(), at: self.service.clock.now(), alerts: Vec::new() };
            return Ok((event, String::new()));
        };
        let mut alerts = Vec::new();
        for item in store.items_of(&row.id, &row.subscriber, &row.cause).await?.iter().take(MAX_TOLD) {
            if item.procedure.is_empty() {
                continue;
            }
            if let Ok(card) = alert_card::read(&self.service, item).await? {
                alerts.push(alert_card::told(&self.service, &item.procedure, &card));
            }
        }
        let kind = match (&row.cause, alerts.first()) {
            (Cause::Digest { .. }, _) => "digest".to_owned(),
            (Cause::Alert(_), Some(first)) => format!("alert.{}", first.kind),
            (Cause::OptIn(_), _) => "confirmation".to_owned(),
            _ => "message".to_owned(),
        };
        Ok((Event { kind, at: row.created, alerts }, row.subscriber))
    }
}
