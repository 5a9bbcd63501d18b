//! Keeps a task going: one that ends before the service does (a panic, whatever it read) is started anew after a pause that
//! grows, and the operators are told once a day. The others go on meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch::Receiver;
use tokio::task::{JoinError, JoinSet};
use vigie_service::Service;
use vigie_service::operators::{self, OperatorEvent};

/// Pause before the first new start; each one after it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two starts.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// A task that went on for longer starts again at the first pause.
const STEADY: Duration = Duration::from_secs(600);

/// Runs what `start` gives, again and again, until `stopping`.
pub async fn keep<F, T>(service: Arc<Service>, name: String, mut stopping: Receiver<bool>, start: F)
where
    F: Fn() -> T + Send,
    T: Future<Output = ()> + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        // A set aborts what it holds when this task is aborted.
        let mut task = JoinSet::new();
        task.spawn(start());
        let ended = task.join_next().await;
        if *stopping.borrow() {
            return;
        }
        let why = ended.and_then(Result::err).map_or_else(|| "terminée d’elle-même".to_owned(), reason);
        tracing::error!(task = %name, "a task ended and starts anew in {} s: {why}", pause.as_secs());
        if let Err(e) = tell(&service, &name, &why).await {
            tracing::error!("the operators cannot be told: {}", e.what);
        }
        if began.elapsed() > STEADY {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

async fn tell(service: &Service, name: &str, why: &str) -> Result<(), vigie_service::Failure> {
    let now = service.clock.now();
    let body = format!(
        "Une tâche s’est interrompue et a repris\n« {name} » : {why}. Les autres tâches ont continué. Si cela se répète, signalez-le avec le journal du service."
    );
    let event = format!("task:{name}:{}", now.date_naive());
    operators::tell(service, OperatorEvent::Once(&event), &body, now).await
}

/// The words of a panic.
fn reason(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "interrompue".to_owned() };
    let words =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    words.unwrap_or_else(|| "panique sans mots".to_owned())
}
