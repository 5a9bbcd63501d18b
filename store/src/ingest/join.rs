//! Several procedures that are found to be one: whatever names one that ends names the one that is kept from then on, in the
//! transaction of the notice that says so. A table that names a procedure belongs in the list below.

use super::IngestTx;
use crate::error::StoreError;
use crate::sql;

impl IngestTx {
    /// Makes one procedure of several: everything that belonged to another one belongs to `kept` from now on. Gives the
    /// identifiers of those that ended.
    pub async fn join_procedures(&mut self, kept: &str, all: &[String]) -> Result<Vec<String>, StoreError> {
        let mut ended: Vec<String> = Vec::new();
        for other in all {
            if other == kept || ended.contains(other) {
                continue;
            }
            for sql in [
                "UPDATE notice SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE procedure_key SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE likeness SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE alert SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE delivery SET procedure_id = $1 WHERE procedure_id = $2",
                // What was decided on the kept one stands; what was decided on the other alone is carried over.
                "DELETE FROM decision WHERE procedure_id = $2 AND EXISTS (SELECT 1 FROM decision k
                   WHERE k.procedure_id = $1 AND k.structure = decision.structure AND k.lot = decision.lot)",
                "UPDATE decision SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE chat_message SET procedure_id = $1, revision = revision + 1 WHERE procedure_id = $2",
                "UPDATE decision_step SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE consultation SET procedure_id = $1 WHERE procedure_id = $2",
                "DELETE FROM search WHERE procedure_id = $2 AND procedure_id <> $1",
                // The contracts of the kept one are made anew from the notices of both.
                "DELETE FROM contract WHERE procedure_id = $2 AND procedure_id <> $1",
                "DELETE FROM contract_holder WHERE procedure_id = $2 AND procedure_id <> $1",
                "DELETE FROM service_offer WHERE procedure_id = $2 AND EXISTS (SELECT 1 FROM service_offer k
                   WHERE k.procedure_id = $1 AND k.structure = service_offer.structure AND k.lot = service_offer.lot)",
                "UPDATE service_offer SET procedure_id = $1 WHERE procedure_id = $2",
                "DELETE FROM renewal WHERE procedure_id = $2 AND EXISTS (SELECT 1 FROM renewal k
                   WHERE k.procedure_id = $1 AND k.structure = renewal.structure AND k.lot = renewal.lot AND k.ahead = renewal.ahead)",
                "UPDATE renewal SET procedure_id = $1 WHERE procedure_id = $2",
                // What a person said of either stands against what was found by itself.
                "DELETE FROM operation_procedure WHERE procedure_id = $1 AND by_hand = 0 AND EXISTS (SELECT 1 FROM operation_procedure k
                   WHERE k.procedure_id = $2 AND k.operation_id = operation_procedure.operation_id AND k.by_hand = 1)",
                "DELETE FROM operation_procedure WHERE procedure_id = $2 AND EXISTS (SELECT 1 FROM operation_procedure k
                   WHERE k.procedure_id = $1 AND k.operation_id = operation_procedure.operation_id)",
                "UPDATE operation_procedure SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE partner_call SET procedure_id = $1 WHERE procedure_id = $2",
                "DELETE FROM impact WHERE procedure_id = $2 AND EXISTS (SELECT 1 FROM impact k
                   WHERE k.procedure_id = $1 AND k.structure = impact.structure AND k.lot = impact.lot)",
                "UPDATE impact SET procedure_id = $1 WHERE procedure_id = $2",
                "DELETE FROM procedure WHERE id = $2 AND id <> $1",
                // Addresses under the old identifier stand in messages.
                "INSERT INTO procedure_key (key, procedure_id) VALUES ('was:' || $2, $1)
                   ON CONFLICT (key) DO UPDATE SET procedure_id = excluded.procedure_id",
            ] {
                sql::query(sql).bind(kept.to_owned()).bind(other.clone()).execute(&mut self.tx).await?;
            }
            for known in self.known.values_mut().flatten().filter(|k| k.procedure == *other) {
                kept.clone_into(&mut known.procedure);
            }
            ended.push(other.clone());
        }
        Ok(ended)
    }
}
