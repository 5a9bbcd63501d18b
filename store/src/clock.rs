//! Moments that a clock which ran ahead left behind. A machine that starts with a wrong time, or takes one from the network, writes
//! when things may go on; when its clock is set right, they would wait until then.
//!
//! A moment that nothing here waits for so long is brought back to now; what was made in the future is as old as now. What people
//! asked for (a digest, a pause, a deadline) is no such moment.

use chrono::{DateTime, Duration, Utc};

use crate::Store;
use crate::columns::millis;
use crate::error::StoreError;
use crate::lanes::NEVER;
use crate::sql;

/// Longest wait of a pace, a lease or a message that failed: retries are hours apart, leases minutes.
const LONGEST_WAIT: Duration = Duration::days(2);
/// What was made further ahead was made by a clock that ran ahead: clocks of several machines differ by less.
const AHEAD: Duration = Duration::hours(1);

/// Each statement: what is brought back. `$1` is now, `$2` the longest wait from now, `$3` the moment from which on something was made
/// by a clock that ran ahead.
const BRINGS_BACK: [&str; 10] = [
    "UPDATE pace SET free_at = $1 WHERE free_at > $2 AND $3 >= 0",
    "UPDATE lease SET until = $1 WHERE until > $2 AND $3 >= 0",
    "UPDATE chore SET done = $1 WHERE done > $3 AND $2 >= 0",
    "UPDATE outage SET since = $1 WHERE since > $3 AND $2 >= 0",
    "UPDATE source SET next_due = $1, lease_until = 0, last_attempt = $1 WHERE last_attempt > $3 AND $2 >= 0",
    "UPDATE delivery SET lease_until = $1 WHERE state = 'claimed' AND lease_until > $2 AND $3 >= 0",
    // As long after they were made as they were to wait.
    "UPDATE delivery SET next_at = CASE WHEN next_at > created THEN $1 + next_at - created ELSE $1 END, created = $1,
       expires_at = CASE WHEN expires_at IS NULL THEN NULL ELSE $1 + expires_at - created END
     WHERE state IN ('pending', 'deferred', 'ambiguous') AND created > $3 AND $2 >= 0",
    "UPDATE delivery SET next_at = $1 WHERE state IN ('deferred', 'ambiguous') AND next_at > $2 AND $3 >= 0",
    "UPDATE notification SET due = CASE WHEN due > created THEN $1 + due - created ELSE $1 END, created = $1
     WHERE delivery_id IS NULL AND due IS NOT NULL AND created > $3 AND $2 >= 0",
    "UPDATE lane SET free_at = CASE WHEN free_at > $2 THEN $1 ELSE free_at END, ready_at = (SELECT MIN(d.next_at) FROM delivery d
       WHERE d.address_id = lane.address_id AND d.state IN ('pending', 'deferred', 'ambiguous'))
     WHERE held = 0 AND $3 >= 0 AND (free_at > $2 OR ready_at > $2) AND EXISTS (SELECT 1 FROM delivery d
       WHERE d.address_id = lane.address_id AND d.state IN ('pending', 'deferred', 'ambiguous') AND d.next_at < lane.ready_at)",
];

impl Store {
    /// Brings back what a clock that ran ahead put off; gives how many rows, zero where no clock did.
    pub async fn bring_back(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let (latest, ahead) = (millis(now + LONGEST_WAIT), millis(now + AHEAD));
        // A look first, at what a clock ahead always leaves: most looks find nothing.
        let (found,): (i64,) = sql::query_as(
            "SELECT (SELECT COUNT(*) FROM pace WHERE free_at > $1) + (SELECT COUNT(*) FROM lease WHERE until > $1)
               + (SELECT COUNT(*) FROM chore WHERE done > $2) + (SELECT COUNT(*) FROM source WHERE last_attempt > $2)
               + (SELECT COUNT(*) FROM delivery WHERE state IN ('pending', 'deferred', 'ambiguous') AND created > $2)
               + (SELECT COUNT(*) FROM lane WHERE free_at > $1 AND ready_at < $3)",
        )
        .bind(latest)
        .bind(ahead)
        .bind(NEVER)
        .fetch_one(&self.reader)
        .await?;
        if found == 0 {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let mut brought = 0;
        for statement in BRINGS_BACK {
            brought += sql::query(statement).bind(millis(now)).bind(latest).bind(ahead).execute(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(brought)
    }
}
