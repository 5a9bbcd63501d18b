//! The clock at the edge. `VIGIE_NOW` (RFC 3339) fixes it, for tests.

use chrono::{DateTime, Utc};

use crate::error::Failure;

/// The clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    fixed: Option<DateTime<Utc>>,
}

impl Clock {
    /// The machine's clock, or the moment in `VIGIE_NOW`.
    ///
    /// # Errors
    /// `VIGIE_NOW` is no RFC 3339 moment.
    pub fn from_environment() -> Result<Self, Failure> {
        match std::env::var("VIGIE_NOW") {
            Err(_) => Ok(Self::default()),
            Ok(text) => DateTime::parse_from_rfc3339(&text)
                .map(|at| Self { fixed: Some(at.with_timezone(&Utc)) })
                .map_err(|e| {
                    Failure::usage(
                        format!("VIGIE_NOW «\u{a0}{text}\u{a0}» illisible : {e}"),
                        "environnement",
                        "écrivez par exemple 2026-11-21T08:00:00+01:00",
                    )
                }),
        }
    }

    /// A clock that stands still.
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self { fixed: Some(at) }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.fixed.unwrap_or_else(Utc::now)
    }
}
