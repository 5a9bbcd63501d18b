//! `[backup]`: what the service copies by itself, and how much of it is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Hour of the daily backup, local time: before the first digests.
pub const BACKUP_HOUR: u8 = 3;
/// Backups kept: a week, so that what is noticed after a week-end can be mended.
pub const BACKUPS_KEPT: u32 = 7;

/// `[backup]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Folder of the backups; none = the service makes none.
    pub dir: Option<PathBuf>,
    /// Hour of the daily backup, local time (Europe/Paris).
    pub hour: u8,
    /// Backups kept, the newest; 0 = all.
    pub keep: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self { dir: None, hour: BACKUP_HOUR, keep: BACKUPS_KEPT }
    }
}
