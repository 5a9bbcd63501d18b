//! What was to be told of a procedure and has reached nobody yet.

use std::collections::HashMap;

use vigie_domain::AlertKind;

use super::IngestTx;
use crate::error::StoreError;
use crate::sql;

/// A person's share of an alert that has not left.
#[derive(Debug, Clone)]
pub struct Untold {
    /// What the alert is.
    pub kind: AlertKind,
    /// What it changes, as JSON.
    pub changes: String,
    /// Why they were to hear of it, as JSON: see [`super::NewNotification::reasons`].
    pub reasons: String,
}

impl IngestTx {
    /// What waits to be told of a procedure and has reached nobody, by person, in its order: but for `alert` itself.
    pub async fn untold(&mut self, procedure: &str, alert: &str) -> Result<HashMap<String, Vec<Untold>>, StoreError> {
        let rows: Vec<(String, AlertKind, String, String)> = sql::query_as(
            "SELECT n.subscriber_id, a.kind, a.changes, n.reasons FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE a.procedure_id = $1 AND a.id <> $2
               AND a.kind NOT IN ('undecided', 'offer', 'ask_result', 'renewal', 'partner_call')
               AND (n.delivery_id IS NULL AND n.due IS NOT NULL AND n.disposition IN ('digest', 'overflow')
                 OR n.disposition = 'instant'
                   AND EXISTS (SELECT 1 FROM delivery d WHERE d.subscriber_id = n.subscriber_id AND d.cause = a.id)
                   AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.subscriber_id = n.subscriber_id AND d.cause = a.id
                     AND (d.attempts > 0 OR d.state <> 'pending')))
             ORDER BY n.created, n.id",
        )
        .bind(procedure.to_owned())
        .bind(alert.to_owned())
        .fetch_all(&mut self.tx)
        .await?;
        let mut out: HashMap<String, Vec<Untold>> = HashMap::new();
        for (person, kind, changes, reasons) in rows {
            out.entry(person).or_default().push(Untold { kind, changes, reasons });
        }
        Ok(out)
    }
}
