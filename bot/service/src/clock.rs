//! The clock at the edge. `VIGIE_NOW` (RFC 3339) fixes it, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

use crate::error::Failure;

/// The machine's clock, or one that stands still until it is set.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Where it stands, in microseconds of the Unix epoch.
    standing: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock, or the moment in `VIGIE_NOW`.
    ///
    /// # Errors
    /// `VIGIE_NOW` is no RFC 3339 moment.
    pub fn from_environment() -> Result<Self, Failure> {
        match std::env::var("VIGIE_NOW") {
            Err(_) => Ok(Self::default()),
            Ok(text) => {
                DateTime::parse_from_rfc3339(&text).map(|at| Self::fixed(at.with_timezone(&Utc))).map_err(|e| {
                    Failure::usage(
                        format!("VIGIE_NOW « {text} » illisible : {e}"),
                        "environnement",
                        "écrivez par exemple 2026-11-21T08:00:00+01:00",
                    )
                })
            }
        }
    }

    /// A clock that stands still.
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self { standing: Some(Arc::new(AtomicI64::new(at.timestamp_micros()))) }
    }

    /// Moves a clock that stands still, for all who hold it; the machine's clock is left alone.
    pub fn set(&self, at: DateTime<Utc>) {
        if let Some(standing) = &self.standing {
            standing.store(at.timestamp_micros(), Ordering::Release);
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let standing = self.standing.as_ref().map(|at| at.load(Ordering::Acquire));
        standing.and_then(DateTime::from_timestamp_micros).unwrap_or_else(Utc::now)
    }
}
