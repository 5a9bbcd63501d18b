//! Emptying the outbox: claim, recheck the recipient, render, note "attempt started", send, settle.

use std::sync::Arc;
use std::time::Instant;

use chrono::Duration;
use tokio::task::JoinSet;
use vigie_domain::delivery::{OUTAGE_GAP, Outcome, RetryPolicy, Settlement, settle};
use vigie_domain::procedure::Change;
use vigie_domain::{AlertKind, Assessment, Channel, Notice};
use vigie_notifier::card::{Told, Why};
use vigie_notifier::channels::Envelope;
use vigie_notifier::channels::console::Console;
use vigie_notifier::message::Message;
use vigie_store::lanes::Claim;
use vigie_store::outbox::{Claimed, Item};
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::app::{App, Failure};
use crate::crash_point::CrashPoint;
use crate::observe::{self, Step};
use crate::timetable;

/// How long a delivery is held; renewed while it is in flight.
const LEASE: Duration = Duration::seconds(60);
/// Most départements whose facilitators are looked up for one message.
const MAX_DEPARTMENTS: usize = 3;
/// Most facilitators named in one message.
const MAX_CONTACTS: usize = 3;
/// How often a delivery in flight is renewed.
const RENEW_EVERY: std::time::Duration = std::time::Duration::from_secs(20);
/// Deliveries claimed at once for each worker.
const CLAIMED_AHEAD: usize = 4;

/// How many workers empty the outbox side by side.
#[must_use]
pub fn width(app: &App) -> usize {
    app.email.as_ref().map_or(1, vigie_notifier::channels::email::Email::connections)
}

/// Sends everything due, until nothing is. Gives the number of deliveries handled.
///
/// # Errors
/// The database fails.
pub async fn drain(app: &Arc<App>) -> Result<usize, Failure> {
    let mut workers = JoinSet::new();
    for _ in 0..width(app) {
        let app = Arc::clone(app);
        workers.spawn(async move {
            let mut handled = 0;
            loop {
                match round(&app).await? {
                    0 => return Ok::<usize, Failure>(handled),
                    n => handled += n,
                }
            }
        });
    }
    let mut total = 0;
    let mut failure = None;
    // Every worker ends by itself: one that fails must not cut a message that another is sending.
    while let Some(done) = workers.join_next().await {
        match done.unwrap_or_else(|e| {
            Err(Failure::new(format!("envoi interrompu : {e}"), "file d’envoi", "relancez ; rien n’est perdu"))
        }) {
            Ok(n) => total += n,
            Err(e) => failure = Some(e),
        }
    }
    failure.map_or(Ok(total), Err)
}

/// One round of one worker: sends one due delivery. 0 = nothing was due.
///
/// # Errors
/// The database fails.
pub async fn round(app: &App) -> Result<usize, Failure> {
    match next(app).await? {
        Some(delivery) => deliver(app, &delivery).await.map(|()| 1),
        None => Ok(0),
    }
}

/// The next delivery to send: workers share what any of them claimed, so that none waits behind another's slow answer.
async fn next(app: &App) -> Result<Option<Claimed>, StoreError> {
    let mut claimed = app.claimed.lock().await;
    if claimed.is_empty() {
        let token = derived_id(&[&app.holder, &uniqueness()]);
        let claim = Claim {
            holder: &app.holder,
            token: &token,
            limit: width(app) * CLAIMED_AHEAD,
            lease: LEASE,
            domain_gap: app.domain_gap(),
        };
        let began = Instant::now();
        claimed.extend(app.store.claim(&claim, app.clock.now()).await?);
        if !claimed.is_empty() {
            Step::Claim.took(began);
            CrashPoint::Claimed.reach();
        }
    }
    Ok(claimed.pop_front())
}

/// Different at every call of every process.
fn uniqueness() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{:?}", CALLS.fetch_add(1, Ordering::Relaxed), std::time::SystemTime::now())
}

async fn deliver(app: &App, delivery: &Claimed) -> Result<(), Failure> {
    let now = app.clock.now();
    let to = match &delivery.to {
        Some((to, AddressState::Active)) => to,
        Some((_, state)) => {
            app.store.cancel(delivery, &format!("adresse {}", state_in_words(*state)), now).await?;
            return Ok(());
        }
        None => {
            app.store.cancel(delivery, "adresse effacée", now).await?;
            return Ok(());
        }
    };
    if delivery.expires.is_some_and(|e| e <= now) {
        app.store.cancel(delivery, "la date limite du marché est passée avant l’envoi", now).await?;
        return Ok(());
    }
    let began = Instant::now();
    let items = app.store.items(delivery).await?;
    if items.iter().any(|i| i.alert_kind == AlertKind::Reminder.as_str()) && !still_wanted(app, delivery).await? {
        app.store.cancel(delivery, "la structure n’y va plus, ou la procédure n’est plus ouverte", now).await?;
        return Ok(());
    }
    let message = match render(app, delivery, &items).await {
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
    Step::Render.took(began);
    let began = Instant::now();
    if !app.store.start_attempt(delivery, LEASE, app.clock.now()).await? {
        // The lease ran out and another process has it; or the address was stopped a moment ago.
        app.store.cancel(delivery, "adresse arrêtée avant l’envoi", app.clock.now()).await?;
        return Ok(());
    }
    Step::Start.took(began);
    CrashPoint::Started.reach();
    let envelope = Envelope {
        to,
        key: &delivery.id,
        thread: &thread,
        resend: delivery.attempts > 0,
        message: &message,
        buttons: &[],
    };
    let began = Instant::now();
    let outcome = tokio::select! {
        outcome = send(app, delivery.channel, &envelope) => outcome,
        () = keep_hold(app, delivery) => Outcome::Unknown("le bail de cet envoi a été perdu".to_owned()),
    };
    Step::Send.took(began);
    CrashPoint::Answered.reach();
    settled(app, delivery, outcome).await
}

async fn send(app: &App, channel: Channel, envelope: &Envelope<'_>) -> Outcome {
    match (channel, &app.email) {
        (Channel::Console, _) => Console.send(envelope),
        (Channel::Email, Some(email)) => email.send(envelope).await,
        (Channel::Matrix, _) => send_to_room(app, envelope).await,
        (Channel::Telegram, _) => Outcome::Unreachable("aucun compte Telegram configuré ([telegram])".to_owned()),
        (Channel::Email, None) => Outcome::Unreachable("aucun serveur de courrier configuré ([email])".to_owned()),
    }
}

async fn send_to_room(app: &App, envelope: &Envelope<'_>) -> Outcome {
    #[cfg(feature = "matrix")]
    if let Some(matrix) = app.matrix.get() {
        return matrix.send(envelope).await;
    }
    let _ = envelope;
    Outcome::Unreachable(if app.settings.matrix.is_some() {
        "le compte Matrix n’est pas ouvert".to_owned()
    } else {
        "aucun serveur Matrix configuré ([matrix])".to_owned()
    })
}

/// Whether a reminder still has its reason: the procedure is open, and nobody of the structure said no meanwhile.
async fn still_wanted(app: &App, delivery: &Claimed) -> Result<bool, StoreError> {
    if app.store.open_dates(&delivery.procedure).await?.is_none() {
        return Ok(false);
    }
    let Some(person) = app.store.subscriber(&delivery.subscriber).await? else { return Ok(false) };
    let decisions = app.store.decisions_on(person.structure(), &delivery.procedure).await?;
    Ok(decisions.iter().any(|d| !d.stage.declines()))
}

/// Renews the lease until it is lost.
async fn keep_hold(app: &App, delivery: &Claimed) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        // A database that fails for a moment takes nothing away from us.
        if matches!(app.store.renew(delivery, LEASE, app.clock.now()).await, Ok(false)) {
            return;
        }
    }
}

async fn settled(app: &App, delivery: &Claimed, outcome: Outcome) -> Result<(), Failure> {
    let now = app.clock.now();
    let address_refused = matches!(&outcome, Outcome::AddressRefused(_));
    let unreachable = matches!(&outcome, Outcome::Unreachable(_));
    let asked = if let Outcome::Transient { retry_after, .. } = &outcome { *retry_after } else { None };
    let settlement = settle(
        outcome,
        &RetryPolicy::of(delivery.channel),
        delivery.attempts + 1,
        delivery.created,
        delivery.expires,
        now,
    );
    let (word, why) = match &settlement {
        Settlement::Sent(answer) => ("sent", answer),
        Settlement::Deferred(_, why) => ("deferred", why),
        Settlement::Ambiguous(_, why) => ("ambiguous", why),
        Settlement::Dead(why) => ("dead", why),
    };
    tracing::info!(delivery = %delivery.id, channel = delivery.channel.as_str(), attempt = delivery.attempts + 1, outcome = word, "{why}");
    observe::attempted(delivery.channel, word);
    let began = Instant::now();
    app.store.settle(delivery, &settlement, now + asked.unwrap_or_default().max(delivery.gap), now).await?;
    Step::Settle.took(began);
    if unreachable {
        app.store.hold_channel(delivery.channel, now + OUTAGE_GAP).await?;
    }
    if address_refused {
        app.store.set_address_state(&delivery.address, AddressState::Suspended, why).await?;
        app.store.note("address", &delivery.address, &format!("adresse suspendue : {why}"), now).await?;
        let body = format!(
            "Une adresse est suspendue\nLe serveur la refuse pour de bon : {why}. Envoi concerné : {}. Vérifiez-la avec son propriétaire (vigie subscriptions list), puis : vigie subscriptions add --email ADRESSE --confirmed.",
            delivery.id
        );
        let cause = format!("suspended:{}:{}", delivery.address, delivery.id);
        timetable::tell_operators(app, timetable::Cause::Event(&cause), &body, now).await?;
    }
    Ok(())
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
    contacts: Vec<String>,
}

/// Who can help with what a message tells: facilitators where the contract is carried out, the buyer's commitment.
async fn contacts(app: &App, part: &Part) -> Result<Vec<String>, StoreError> {
    let mut out: Vec<String> = Vec::new();
    if part.assessment.provisions.is_empty() {
        return Ok(out);
    }
    for department in part.assessment.departments.iter().take(MAX_DEPARTMENTS) {
        for facilitator in app.store.facilitators(department).await? {
            let line = facilitator.in_french();
            if !out.contains(&line) && out.len() < MAX_CONTACTS {
                out.push(line);
            }
        }
    }
    if let Some(siren) = part.notice.buyer.siren()
        && app.store.is_committed(siren).await?
    {
        out.push("Cet acheteur s’est doté d’un schéma d’achats socialement responsables (SPASER)".to_owned());
    }
    Ok(out)
}

async fn render(app: &App, delivery: &Claimed, items: &[Item]) -> Result<Option<Message>, String> {
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::Operator.as_str()) {
        let body = item.body.as_deref().unwrap_or_default();
        let (title, text) = body.split_once('\n').unwrap_or((body, ""));
        return app.templates.operator(title, text).map(Some).map_err(|e| e.to_string());
    }
    let mut parts: Vec<Part> = Vec::new();
    for item in items {
        match part(item) {
            Ok(part) => parts.push(part),
            // One unreadable line must not keep the rest of a digest; alone, it is the operator's to see.
            Err(e) if items.len() > 1 => tracing::error!(delivery = %delivery.id, "unreadable item: {e}"),
            Err(e) => return Err(format!("donnée illisible : {e}")),
        }
    }
    // A digest has no room for contacts.
    if let [one] = parts.as_mut_slice()
        && !delivery.procedure.is_empty()
    {
        one.contacts = contacts(app, one).await.map_err(|e| e.to_string())?;
    }
    let told: Vec<Told<'_>> = parts
        .iter()
        .map(|p| Told {
            kind: p.kind,
            changes: &p.changes,
            notice: &p.notice,
            assessment: &p.assessment,
            why: &p.why,
            contacts: &p.contacts,
        })
        .collect();
    let unsubscribe = app.unsubscribe_url(&delivery.address);
    let now = app.clock.now();
    match told.as_slice() {
        [] => Ok(None),
        [one] if !delivery.procedure.is_empty() => {
            app.templates.alert(one, unsubscribe, now).map(Some).map_err(|e| e.to_string())
        }
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
        contacts: Vec::new(),
    })
}
