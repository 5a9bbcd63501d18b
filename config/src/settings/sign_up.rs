//! `[sign_up]`: whether people sign themselves up on the pages, and how many may be written to.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Confirmation mails that sign-ups may cause a day, of everybody together: what a small installation can look over.
pub const SIGN_UPS_A_DAY: u32 = 100;

/// Who may sign themselves up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpMode {
    /// Nobody: the page does not exist.
    #[default]
    Off,
    /// Whoever has the code.
    Code,
    /// Everybody.
    Open,
}

/// `[sign_up]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignUp {
    /// Who may.
    pub mode: SignUpMode,
    /// The code, for `mode = "code"`.
    pub code: Option<Secret>,
    /// Most confirmation mails in 24 hours, of everybody together.
    pub a_day: u32,
}

impl Default for SignUp {
    fn default() -> Self {
        Self { mode: SignUpMode::Off, code: None, a_day: SIGN_UPS_A_DAY }
    }
}
