//! Emptying the outbox: claim, recheck the recipient, render, note "attempt started", send, settle.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use vigie_domain::Channel;
use vigie_domain::delivery::{Outcome, RetryPolicy, Settlement, settle};
use vigie_notifier::channels::Envelope;
use vigie_notifier::channels::console::Console;
use vigie_notifier::channels::email::Email;
use vigie_store::consent::ASK_CAUSE;
use vigie_store::lanes::Claim;
use vigie_store::outbox::Claimed;
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::app::{App, Failure};
use crate::compose::{self, Composed, compose};
use crate::crash_point::CrashPoint;
use crate::observe::{self, Step};
use crate::outage;

/// How long a delivery is held; renewed while it is in flight.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often a delivery in flight is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Workers for each connection: while one message is on the wire, others are made and settled.
const WORKERS_A_CONNECTION: usize = 4;
/// Messages noted as begun for each connection.
const BEGUN_A_CONNECTION: usize = 2;
/// Connections where no mail server says how many.
const CONNECTIONS: usize = 2;
/// Deliveries leave fast where a claim is used up sooner than this.
const BRISK: Duration = Duration::from_millis(250);
/// Most deliveries claimed at once: what a crash leaves to be claimed again, and how long what comes now waits behind others.
const MAX_CLAIMED: usize = 128;

/// How long a worker rests that finds nothing due: paces are tens of milliseconds apart, and what another process adds rings no
/// bell here.
const LEAST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(15);

/// How many workers empty the outbox side by side.
#[must_use]
pub fn width(app: &App) -> usize {
    connections(app.email.as_ref()) * WORKERS_A_CONNECTION
}

fn connections(email: Option<&Email>) -> usize {
    email.map_or(CONNECTIONS, Email::connections)
}

/// How many messages of each channel may be noted as begun at once: for each connection, the one on the wire and the next,
/// which leaves as soon as the wire is free.
#[derive(Debug)]
pub struct Slots([Semaphore; Channel::ALL.len()]);

impl Slots {
    /// Twice as many as the mail server is to see connections, for each channel apart.
    #[must_use]
    pub fn new(email: Option<&Email>) -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(connections(email) * BEGUN_A_CONNECTION)))
    }

    async fn of(&self, channel: Channel) -> Option<SemaphorePermit<'_>> {
        let place = Channel::ALL.iter().position(|c| *c == channel)?;
        // Never closed.
        self.0[place].acquire().await.ok()
    }
}

/// One worker: sends what is due, and rests while nothing is, until told to stop. A database that fails for a moment is tried
/// again.
pub async fn work(app: &App, mut stopping: watch::Receiver<bool>) {
    loop {
        let busy = round(app).await.unwrap_or_else(|e| {
            tracing::error!("delivery failed: {}", e.what);
            0
        });
        if *stopping.borrow() {
            return;
        }
        if let Err(e) = refresh(app).await {
            tracing::error!("state not shown in chats: {}", e.what);
        }
        if busy > 0 {
            continue;
        }
        let pause = match app.store.next_delivery_at().await {
            Ok(Some(at)) => (at - app.clock.now()).to_std().unwrap_or_default().clamp(LEAST_REST, LONGEST_REST),
            _ => LONGEST_REST,
        };
        tokio::select! {
            () = app.outbox_bell.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
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
    let mut failure: Option<Failure> = None;
    // Every worker ends by itself: one that fails must not cut a message that another is sending.
    while let Some(done) = workers.join_next().await {
        match done.unwrap_or_else(|e| {
            Err(Failure::new(format!("envoi interrompu : {e}"), "file d’envoi", "relancez ; rien n’est perdu"))
        }) {
            Ok(n) => total += n,
            Err(e) => failure = Some(e),
        }
    }
    refresh(app).await?;
    failure.map_or(Ok(total), Err)
}

/// Shows in chats what was decided meanwhile, on whatever channel. One worker at a time.
///
/// # Errors
/// The database fails.
pub async fn refresh(app: &App) -> Result<(), Failure> {
    let Ok(_turn) = app.refreshing.try_lock() else { return Ok(()) };
    #[cfg(feature = "matrix")]
    crate::rooms::refresh(app).await?;
    #[cfg(feature = "telegram")]
    crate::telegram::refresh(app).await?;
    Ok(())
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

/// Deliveries that this process holds and has not begun to send: workers share what any of them claimed, so that none waits
/// behind another's slow answer.
#[derive(Debug, Default)]
pub struct Hand {
    waiting: Mutex<VecDeque<Claimed>>,
    /// Held by the worker that claims more.
    claiming: tokio::sync::Mutex<Appetite>,
}

/// How many to claim: the faster they leave, the more, since each claim costs the same way to the database.
#[derive(Debug, Default)]
struct Appetite {
    claimed: usize,
    at: Option<Instant>,
}

impl Appetite {
    fn now(&self, least: usize) -> usize {
        let brisk = self.at.is_some_and(|at| at.elapsed() < BRISK) && self.claimed >= least;
        if brisk { (self.claimed * 2).min(MAX_CLAIMED) } else { least }
    }
}

impl Hand {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Claimed>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that waits, and how many wait behind it.
    fn pop(&self) -> (Option<Claimed>, usize) {
        let mut waiting = self.waiting();
        let first = waiting.pop_front();
        (first, waiting.len())
    }
}

/// The next delivery to send.
async fn next(app: &App) -> Result<Option<Claimed>, StoreError> {
    loop {
        let (mut first, left) = app.hand.pop();
        if first.is_none() {
            let appetite = app.hand.claiming.lock().await;
            if app.hand.waiting().is_empty() && claim(app, appetite).await? == 0 {
                return Ok(None);
            }
            first = app.hand.pop().0;
        } else if left < width(app)
            && let Ok(appetite) = app.hand.claiming.try_lock()
            && appetite.claimed > 0
        {
            // More is on its way before the last one has gone; what fails here fails again, and is told, once nothing is left.
            if let Err(e) = claim(app, appetite).await {
                tracing::warn!("nothing more claimed for now: {e}");
            }
        }
        let Some(delivery) = first else { continue };
        let now = app.clock.now();
        if !app.rests(delivery.channel, now) {
            if !app.hand.waiting().is_empty() {
                // There is work for one more, who does the same.
                app.outbox_bell.notify_one();
            }
            return Ok(Some(delivery));
        }
        // Another worker found the server away a moment ago.
        let mut back = vec![delivery];
        {
            let mut waiting = app.hand.waiting();
            let (resting, others) = std::mem::take(&mut *waiting).into_iter().partition(|d| app.rests(d.channel, now));
            *waiting = others;
            back.extend::<VecDeque<Claimed>>(resting);
        }
        app.store.give_back(&back, now).await?;
    }
}

/// Takes more in hand; gives how many.
async fn claim(app: &App, mut appetite: tokio::sync::MutexGuard<'_, Appetite>) -> Result<usize, StoreError> {
    let token = derived_id(&[&app.holder, &uniqueness()]);
    let limit = appetite.now(width(app));
    let claim = Claim { holder: &app.holder, token: &token, limit, lease: LEASE, domain_gap: app.domain_gap() };
    let began = Instant::now();
    let mut claimed = app.store.claim(&claim, app.clock.now()).await?;
    *appetite = Appetite { claimed: claimed.len(), at: Some(Instant::now()) };
    if !claimed.is_empty() {
        Step::Claim.took(began);
        CrashPoint::Claimed.reach();
        if let Err(e) = compose::read_ahead(app, &mut claimed).await {
            tracing::warn!("not read ahead, each message is read in its turn: {e}");
        }
    }
    app.hand.waiting().extend(claimed);
    Ok(appetite.claimed)
}

/// Different at every call of every process.
fn uniqueness() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{:?}", CALLS.fetch_add(1, Ordering::Relaxed), std::time::SystemTime::now())
}

async fn deliver(app: &App, delivery: &Claimed) -> Result<(), Failure> {
    let now = app.clock.now();
    let asks = delivery.cause.starts_with(ASK_CAUSE);
    let to = match &delivery.to {
        Some((_, AddressState::Active)) if asks => {
            app.store.cancel(delivery, "adresse déjà confirmée", now).await?;
            return Ok(());
        }
        Some((to, AddressState::Unconfirmed)) if asks => to,
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
    let message = match compose(app, delivery).await? {
        Composed::Message(message) => message,
        Composed::Nothing(why) => {
            app.store.cancel(delivery, why, now).await?;
            return Ok(());
        }
        Composed::Broken(why) => {
            // A message that cannot be made is the operator's to see, and can be replayed once mended.
            tracing::error!(delivery = %delivery.id, "message cannot be rendered: {why}");
            return settled(app, delivery, Outcome::Permanent(why)).await;
        }
    };
    let buttons = compose::buttons_of(delivery);
    Step::Render.took(began);
    let slot = app.slots.of(delivery.channel).await;
    if app.rests(delivery.channel, app.clock.now()) {
        // Another worker found the server away while this one waited for its place.
        app.store.give_back(std::slice::from_ref(delivery), app.clock.now()).await?;
        return Ok(());
    }
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
        thread: &delivery.thread,
        resend: delivery.attempts > 0,
        message: &message,
        buttons: &buttons,
    };
    let began = Instant::now();
    let outcome = tokio::select! {
        outcome = send(app, delivery.channel, &envelope) => outcome,
        () = keep_hold(app, delivery) => Outcome::Unknown("le bail de cet envoi a été perdu".to_owned()),
    };
    Step::Send.took(began);
    if matches!(outcome, Outcome::Unreachable(_)) {
        // Before the place goes to the next one.
        outage::found_away(app, delivery.channel);
    }
    drop(slot);
    CrashPoint::Answered.reach();
    if let (Channel::Matrix, Outcome::Accepted(event)) = (delivery.channel, &outcome) {
        // Before it is settled: after a crash the same event comes back from the next attempt.
        app.store.remember_message(&delivery.id, delivery.channel, to, event, app.clock.now()).await?;
    }
    settled(app, delivery, outcome).await
}

async fn send(app: &App, channel: Channel, envelope: &Envelope<'_>) -> Outcome {
    match (channel, &app.email) {
        (Channel::Console, _) => Console.send(envelope),
        (Channel::Email, Some(email)) => email.send(envelope).await,
        (Channel::Matrix, _) => send_to_room(app, envelope).await,
        (Channel::Telegram, _) => send_to_chat(app, envelope).await,
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

async fn send_to_chat(app: &App, envelope: &Envelope<'_>) -> Outcome {
    #[cfg(feature = "telegram")]
    if let Some(chats) = &app.telegram {
        return chats.send(app, envelope).await;
    }
    let _ = (app, envelope);
    Outcome::Unreachable("aucun bot Telegram configuré ([telegram])".to_owned())
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
        outage::begins(app, delivery.channel, why, now).await?;
    } else if delivery.probe {
        outage::ends(app, delivery.channel, now).await?;
    }
    if address_refused {
        outage::suspend(app, delivery, why, now).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_grow_while_all_of_them_leave_fast() {
        let just = |claimed| Appetite { claimed, at: Some(Instant::now()) };
        assert_eq!(Appetite::default().now(16), 16);
        assert_eq!(just(16).now(16), 32);
        assert_eq!(just(100).now(16), MAX_CLAIMED);
        assert_eq!(just(15).now(16), 16, "there was no more to claim");
        let slow = Appetite { claimed: 64, at: Instant::now().checked_sub(BRISK) };
        assert_eq!(slow.now(16), 16);
    }
}
