//! Signals to the process, listened to through every restart of the service within it: none is missed in between. One that cannot be
//! listened to is said in the log and never comes.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from now on.
pub(super) struct Listener(Option<Signal>);

impl Listener {
    /// To signals of that kind; `without` says what cannot be done where the system refuses.
    pub(super) fn to(kind: SignalKind, without: &str) -> Self {
        Self(signal(kind).inspect_err(|e| tracing::warn!("{without}: {e}")).ok())
    }

    /// Ends at the next signal; never where none can be heard.
    pub(super) async fn heard(&mut self) {
        if let Some(signals) = &mut self.0
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

/// SIGTERM and Ctrl+C: one that comes during a restart stops what starts next.
pub(super) struct Stops {
    terminate: Listener,
    interrupt: Listener,
}

impl Stops {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let of = |kind| Listener::to(kind, "a signal that stops is not heard");
        Self { terminate: of(SignalKind::terminate()), interrupt: of(SignalKind::interrupt()) }
    }

    /// Ends when the process is told to stop.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            () = self.terminate.heard() => {}
            () = self.interrupt.heard() => {}
        }
    }
}
