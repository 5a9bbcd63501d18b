//! Emptying the outbox: claim, recheck the recipient, render, note "attempt started", send, settle.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vigie_config::settings::Settings;
use vigie_domain::Channel;
use vigie_domain::delivery::{Outcome, PRESUMED, RetryPolicy, Settlement, is_same_doubt, settle};
use vigie_notifier::channels::Envelope;
use vigie_service::Failure;
use vigie_service::crash_point::CrashPoint;
use vigie_service::metrics::{self, Step};
use vigie_store::claim::Claim;
use vigie_store::outbox::Claimed;
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::compose::{self, Composed, compose};
use crate::engine::Engine;
use crate::prefetched::ClaimSize;
use crate::{channels, failover, outage};

/// How long a delivery is held; renewed while it is in flight.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often a delivery in flight is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Idle back-off of a worker that finds nothing due. Paces are tens of milliseconds apart.
const MIN_IDLE: Duration = Duration::from_millis(10);
/// The longest: how late this process notices deliveries queued by another.
const MAX_IDLE: Duration = Duration::from_secs(15);

/// One worker: sends what is due, and rests while nothing is, until told to stop. A database that fails for a moment is tried
/// again.
pub async fn work(engine: &Engine, mut stopping: watch::Receiver<bool>) {
    loop {
        let busy = round(engine).await.unwrap_or_else(|e| {
            tracing::error!("delivery failed: {}", e.what);
            0
        });
        if *stopping.borrow() {
            return;
        }
        if let Err(e) = channels::refresh(engine).await {
            tracing::error!("state not shown in chats: {}", e.what);
        }
        if busy > 0 {
            continue;
        }
        let pause = match engine.service.store.next_delivery_at().await {
            Ok(Some(at)) => (at - engine.service.clock.now()).to_std().unwrap_or_default().clamp(MIN_IDLE, MAX_IDLE),
            _ => MAX_IDLE,
        };
        tokio::select! {
            () = engine.service.deliveries_queued.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Sends everything due, until nothing is. Gives the number of deliveries handled.
///
/// # Errors
/// The database fails.
pub async fn drain(engine: &Arc<Engine>) -> Result<usize, Failure> {
    let mut workers = JoinSet::new();
    for _ in 0..engine.workers() {
        let engine = Arc::clone(engine);
        workers.spawn(async move {
            let mut handled = 0;
            loop {
                match round(&engine).await? {
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
    channels::refresh(engine).await?;
    failure.map_or(Ok(total), Err)
}

/// One round of one worker: sends one due delivery. 0 = nothing was due.
///
/// # Errors
/// The database fails.
pub async fn round(engine: &Engine) -> Result<usize, Failure> {
    match next(engine).await? {
        Some(delivery) => deliver(engine, &delivery).await.map(|()| 1),
        None => Ok(0),
    }
}

/// The next delivery to send.
async fn next(engine: &Engine) -> Result<Option<Claimed>, StoreError> {
    loop {
        let (mut first, left) = engine.prefetched.pop();
        if first.is_none() {
            let size = engine.prefetched.claiming.lock().await;
            if engine.prefetched.waiting().is_empty() && claim(engine, size).await? == 0 {
                return Ok(None);
            }
            first = engine.prefetched.pop().0;
        } else if left < engine.workers()
            && let Ok(size) = engine.prefetched.claiming.try_lock()
            && size.claimed > 0
        {
            // More is on its way before the last one has gone; what fails here fails again, and is told, once nothing is left.
            if let Err(e) = claim(engine, size).await {
                tracing::warn!("nothing more claimed for now: {e}");
            }
        }
        let Some(delivery) = first else { continue };
        let now = engine.service.clock.now();
        if !engine.resting.is_resting(delivery.channel, now) {
            if !engine.prefetched.waiting().is_empty() {
                // There is work for one more, who does the same.
                engine.service.deliveries_queued.notify_one();
            }
            return Ok(Some(delivery));
        }
        // Another worker found the server away a moment ago.
        let mut back = vec![delivery];
        {
            let mut waiting = engine.prefetched.waiting();
            let (resting, others) =
                std::mem::take(&mut *waiting).into_iter().partition(|d| engine.resting.is_resting(d.channel, now));
            *waiting = others;
            back.extend::<VecDeque<Claimed>>(resting);
        }
        engine.service.store.give_back(&back, now).await?;
    }
}

/// Takes more in hand; gives how many.
async fn claim(engine: &Engine, mut size: tokio::sync::MutexGuard<'_, ClaimSize>) -> Result<usize, StoreError> {
    let token = derived_id(&[&engine.service.lease_holder, &uniqueness()]);
    let limit = size.next(engine.workers());
    let claim = Claim {
        lease_holder: &engine.service.lease_holder,
        token: &token,
        limit,
        lease: LEASE,
        domain_gap: domain_gap(&engine.service.settings),
    };
    let began = Instant::now();
    let mut claimed = engine.service.store.claim(&claim, engine.service.clock.now()).await?;
    *size = ClaimSize { claimed: claimed.len(), at: Some(Instant::now()) };
    if !claimed.is_empty() {
        Step::Claim.took(began);
        CrashPoint::Claimed.reach();
        if let Err(e) = compose::read_ahead(engine, &mut claimed).await {
            tracing::warn!("not read ahead, each message is read in its turn: {e}");
        }
    }
    engine.prefetched.waiting().extend(claimed);
    Ok(size.claimed)
}

/// Least time between two mails to one domain.
fn domain_gap(settings: &Settings) -> chrono::Duration {
    chrono::Duration::milliseconds(i64::from(settings.pace.domain_gap_ms))
}

/// Different at every call of every process.
fn uniqueness() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{:?}", CALLS.fetch_add(1, Ordering::Relaxed), std::time::SystemTime::now())
}

async fn deliver(engine: &Engine, delivery: &Claimed) -> Result<(), Failure> {
    let now = engine.service.clock.now();
    let asks = delivery.cause.is_opt_in();
    let to = match &delivery.to {
        Some((_, AddressState::Active)) if asks => {
            engine.service.store.cancel(delivery, "adresse déjà confirmée", now).await?;
            return Ok(());
        }
        Some((to, AddressState::Unconfirmed)) if asks => to,
        Some((to, AddressState::Active)) => to,
        Some((_, state)) => {
            engine.service.store.cancel(delivery, &format!("adresse {}", state.in_french()), now).await?;
            return Ok(());
        }
        None => {
            engine.service.store.cancel(delivery, "adresse effacée", now).await?;
            return Ok(());
        }
    };
    if delivery.expires.is_some_and(|e| e <= now) {
        engine.service.store.cancel(delivery, "la date limite du marché est passée avant l’envoi", now).await?;
        return Ok(());
    }
    let began = Instant::now();
    let message = match compose(engine, delivery).await? {
        Composed::Message(message) => message,
        Composed::Nothing(why) => {
            engine.service.store.cancel(delivery, why, now).await?;
            return Ok(());
        }
        Composed::Broken(why) => {
            // A message that cannot be made is the operator's to see, and can be replayed once mended.
            tracing::error!(delivery = %delivery.id, "message cannot be rendered: {why}");
            return settled(engine, delivery, Outcome::Permanent(why)).await;
        }
    };
    let buttons = compose::buttons_of(engine, delivery).await?;
    Step::Render.took(began);
    let slot = engine.permits.of(delivery.channel).await;
    if engine.resting.is_resting(delivery.channel, engine.service.clock.now()) {
        // Another worker found the server away while this one waited for its place.
        engine.service.store.give_back(std::slice::from_ref(delivery), engine.service.clock.now()).await?;
        return Ok(());
    }
    let began = Instant::now();
    if !engine.service.store.start_attempt(delivery, LEASE, engine.service.clock.now()).await? {
        // The lease ran out and another process has it; or the address was stopped a moment ago.
        engine.service.store.cancel(delivery, "adresse désabonnée avant l’envoi", engine.service.clock.now()).await?;
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
        outcome = channels::send(engine, delivery.channel, &envelope) => outcome,
        () = keep_hold(engine, delivery) => Outcome::Unknown("le bail de cet envoi a été perdu".to_owned()),
    };
    Step::Send.took(began);
    if matches!(outcome, Outcome::Unreachable(_)) {
        // Before the place goes to the next one.
        outage::found_away(engine, delivery.channel);
    }
    drop(slot);
    CrashPoint::Answered.reach();
    if let (Channel::Matrix, Outcome::Accepted(event)) = (delivery.channel, &outcome) {
        // Before it is settled: after a crash the same event comes back from the next attempt.
        engine
            .service
            .store
            .remember_message(&delivery.id, delivery.channel, to, event, engine.service.clock.now())
            .await?;
    }
    settled(engine, delivery, outcome).await
}

/// Renews the lease until it is lost.
async fn keep_hold(engine: &Engine, delivery: &Claimed) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        // A database that fails for a moment takes nothing away from us.
        if matches!(engine.service.store.renew(delivery, LEASE, engine.service.clock.now()).await, Ok(false)) {
            return;
        }
    }
}

async fn settled(engine: &Engine, delivery: &Claimed, outcome: Outcome) -> Result<(), Failure> {
    let now = engine.service.clock.now();
    let address_refused = matches!(&outcome, Outcome::AddressRefused(_));
    let unreachable = matches!(&outcome, Outcome::Unreachable(_));
    let asked = if let Outcome::Transient { retry_after, .. } = &outcome { *retry_after } else { None };
    let same_doubts = match &outcome {
        Outcome::Unknown(why) => {
            engine.service.store.same_doubts(&delivery.id, |last| is_same_doubt(why, last)).await?
        }
        _ => 0,
    };
    let settlement = settle(
        outcome,
        &RetryPolicy::of(delivery.channel),
        delivery.attempts + 1,
        same_doubts,
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
    if matches!(settlement, Settlement::Dead(_)) {
        // Before it is settled: after a crash in between, the same message is made once.
        failover::takes_over(engine, delivery, now).await?;
    }
    let alert = delivery.cause.alert().unwrap_or("-");
    tracing::info!(delivery = %delivery.id, alert, channel = delivery.channel.as_str(), attempt = delivery.attempts + 1, outcome = word, "{why}");
    metrics::attempted(delivery.channel, word);
    let began = Instant::now();
    let free = now + asked.unwrap_or_default().max(delivery.gap);
    let held = engine.service.store.settle(delivery, &settlement, free, now).await?;
    Step::Settle.took(began);
    if held && word == "sent" && why.starts_with(PRESUMED) {
        outage::presumed(&engine.service, delivery, why, now).await?;
    }
    if unreachable {
        outage::begins(&engine.service, delivery.channel, why, now).await?;
    } else if delivery.probe {
        outage::ends(engine, delivery.channel, now).await?;
    }
    if address_refused {
        outage::suspend(&engine.service, delivery, why, now).await?;
    }
    Ok(())
}
