//! Emptying the outbox: claim, recheck the recipient, render, note "attempt started", send, settle.

use std::sync::Arc;

use chrono::Duration;
use tokio::task::JoinSet;
use vigie_domain::delivery::{Outcome, RetryPolicy, Settlement, settle};
use vigie_domain::procedure::Change;
use vigie_domain::{AlertKind, Assessment, Channel, Notice};
use vigie_notifier::channels::Envelope;
use vigie_notifier::channels::console::Console;
use vigie_notifier::message::{Message, Told, Why};
use vigie_store::derived_id;
use vigie_store::outbox::{Claimed, Item};
use vigie_store::people::AddressState;

use crate::app::{App, Failure};

/// How long a delivery is held; renewed while it is in flight.
const LEASE: Duration = Duration::seconds(60);
/// How often a delivery in flight is renewed.
const RENEW_EVERY: std::time::Duration = std::time::Duration::from_secs(20);
/// Deliveries claimed at once, for each connection.
const CLAIMED_PER_CONNECTION: usize = 4;

/// Sends everything due, until nothing is. Gives the number of deliveries attempted.
///
/// # Errors
/// The database fails.
pub async fn drain(app: &Arc<App>) -> Result<usize, Failure> {
    let mut attempted = 0;
    loop {
        let n = round(app).await?;
        if n == 0 {
            return Ok(attempted);
        }
        attempted += n;
    }
}

/// One round: claims a handful of due deliveries and sends them side by side. 0 = nothing was due.
///
/// # Errors
/// The database fails.
pub async fn round(app: &Arc<App>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let token = derived_id(&[&app.holder, &uniqueness()]);
    let width = app.email.as_ref().map_or(1, vigie_notifier::channels::email::Email::connections);
    let limit = i64::try_from(width * CLAIMED_PER_CONNECTION).unwrap_or(8);
    let claimed = app.store.claim(&app.holder, &token, limit, LEASE, now).await?;
    let n = claimed.len();
    let mut lanes: Vec<Vec<Claimed>> = (0..width.max(1)).map(|_| Vec::new()).collect();
    // One address stays in one lane, so that its messages keep their order.
    for delivery in claimed {
        let lane = delivery.address.bytes().fold(0usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b))) % lanes.len();
        lanes[lane].push(delivery);
    }
    let mut tasks = JoinSet::new();
    for lane in lanes.into_iter().filter(|l| !l.is_empty()) {
        let app = Arc::clone(app);
        tasks.spawn(async move {
            for delivery in lane {
                deliver(&app, &delivery).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|e| Failure::new(format!("envoi interrompu : {e}"), "file d’envoi", "relancez ; rien n’est perdu"))??;
    }
    Ok(n)
}

/// Different at every call of every process.
fn uniqueness() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{:?}", CALLS.fetch_add(1, Ordering::Relaxed), std::time::SystemTime::now())
}

async fn deliver(app: &App, delivery: &Claimed) -> Result<(), Failure> {
    let now = app.clock.now();
    let (to, state) = match app.store.address_for(delivery).await? {
        Some((to, state)) => (to, state),
        None => (String::new(), AddressState::Stopped),
    };
    if state != AddressState::Active {
        app.store.cancel(delivery, &format!("adresse {}", state_in_words(state)), now).await?;
        return Ok(());
    }
    if delivery.expires.is_some_and(|e| e <= now) {
        app.store.cancel(delivery, "la date limite du marché est passée avant l’envoi", now).await?;
        return Ok(());
    }
    let items = app.store.items(delivery).await?;
    let message = match render(app, delivery, &items) {
        Ok(Some(message)) => message,
        Ok(None) => {
            app.store.cancel(delivery, "plus rien à dire", now).await?;
            return Ok(());
        }
        Err(why) => {
            // A message that cannot be made is the operator's to see, and can be replayed once mended.
            tracing::error!(delivery = %delivery.id, "message cannot be rendered: {why}");
            return settled(app, delivery, Outcome::Permanent(why)).await;
        }
    };
    let thread = app.store.thread(delivery).await?;
    if !app.store.start_attempt(delivery, app.clock.now()).await? {
        return Ok(()); // the lease ran out: another process has it
    }
    let envelope = Envelope { to: &to, key: &delivery.id, thread: &thread, resend: delivery.attempts > 0, message: &message };
    let outcome = tokio::select! {
        outcome = send(app, delivery.channel, &envelope) => outcome,
        () = keep_hold(app, delivery) => Outcome::Unknown("le bail de cet envoi a été perdu".to_owned()),
    };
    settled(app, delivery, outcome).await
}

async fn send(app: &App, channel: Channel, envelope: &Envelope<'_>) -> Outcome {
    match (channel, &app.email) {
        (Channel::Console, _) => Console.send(envelope),
        (Channel::Email, Some(email)) => email.send(envelope).await,
        (Channel::Email, None) => Outcome::Transient { why: "aucun serveur de courrier configuré ([email])".to_owned(), retry_after: Some(Duration::hours(1)) },
    }
}

/// Renews the lease until it is lost.
async fn keep_hold(app: &App, delivery: &Claimed) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        if !matches!(app.store.renew(delivery, LEASE, app.clock.now()).await, Ok(true)) {
            return;
        }
    }
}

async fn settled(app: &App, delivery: &Claimed, outcome: Outcome) -> Result<(), Failure> {
    let now = app.clock.now();
    let hard_bounce = matches!(&outcome, Outcome::Permanent(why) if delivery.channel == Channel::Email && address_refused(why));
    let settlement = settle(outcome, &RetryPolicy::of(delivery.channel), delivery.attempts + 1, delivery.created, delivery.expires, now);
    let (word, why) = match &settlement {
        Settlement::Sent(answer) => ("sent", answer),
        Settlement::Deferred(_, why) => ("deferred", why),
        Settlement::Ambiguous(_, why) => ("ambiguous", why),
        Settlement::Dead(why) => ("dead", why),
    };
    tracing::info!(delivery = %delivery.id, channel = delivery.channel.as_str(), attempt = delivery.attempts + 1, outcome = word, "{why}");
    app.store.settle(delivery, &settlement, now).await?;
    if hard_bounce {
        app.store.set_address_state(&delivery.address, AddressState::Suspended, why).await?;
        app.store.note("address", &delivery.address, &format!("adresse suspendue : {why}"), now).await?;
    }
    Ok(())
}

/// The server says that there is no such mailbox (RFC 3463: X.1.1, X.1.2, X.1.3, X.1.6; or a bare 550/551/553).
fn address_refused(why: &str) -> bool {
    let enhanced = ["5.1.1", "5.1.2", "5.1.3", "5.1.6"].iter().any(|c| why.contains(c));
    let bare = ["550", "551", "553"].iter().any(|c| why.starts_with(c)) && !why.contains("5.7.");
    enhanced || bare
}

fn state_in_words(state: AddressState) -> &'static str {
    match state {
        AddressState::Unconfirmed => "non confirmée",
        AddressState::Active => "active",
        AddressState::Suspended => "suspendue après un refus définitif",
        AddressState::Stopped => "arrêtée par son propriétaire",
    }
}

/// What a message is made from, parsed.
struct Part {
    kind: AlertKind,
    changes: Vec<Change>,
    notice: Notice,
    assessment: Assessment,
    why: Why,
}

fn render(app: &App, delivery: &Claimed, items: &[Item]) -> Result<Option<Message>, String> {
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::Operator.as_str()) {
        let body = item.body.as_deref().unwrap_or_default();
        let (title, text) = body.split_once('\n').unwrap_or((body, ""));
        return app.templates.operator(title, text).map(Some).map_err(|e| e.to_string());
    }
    let parts: Vec<Part> = items.iter().filter_map(|i| part(i).map_err(|e| tracing::error!(delivery = %delivery.id, "unreadable item: {e}")).ok()).collect();
    let told: Vec<Told<'_>> = parts.iter().map(|p| Told { kind: p.kind, changes: &p.changes, notice: &p.notice, assessment: &p.assessment, why: &p.why }).collect();
    let unsubscribe = app.unsubscribe_url(&delivery.address);
    let now = app.clock.now();
    match told.as_slice() {
        [] => Ok(None),
        [one] if !delivery.procedure.is_empty() => app.templates.alert(one, unsubscribe, now).map(Some).map_err(|e| e.to_string()),
        many => app.templates.digest(many, unsubscribe, now).map(Some).map_err(|e| e.to_string()),
    }
}

fn part(item: &Item) -> Result<Part, serde_json::Error> {
    Ok(Part {
        kind: serde_json::from_str(&format!("\"{}\"", item.alert_kind))?,
        changes: serde_json::from_str(&item.changes)?,
        notice: serde_json::from_str(&item.document)?,
        assessment: serde_json::from_str(&item.assessment)?,
        why: serde_json::from_str(&item.reasons).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_mailbox_suspends_an_address() {
        assert!(address_refused("550 5.1.1 no such user"));
        assert!(address_refused("551 user moved"));
        assert!(!address_refused("550 5.7.1 blocked for spam"));
        assert!(!address_refused("554 5.3.4 message too big"));
    }
}
