//! What a person did alone, when they begin to speak for a structure: their answers, notes, contracts, leads, files and operations become its.
//!
//! Where a colleague answered the same market before, that answer stands, unless it was none and the person's is one; either way the
//! other's note is added to it, so that nothing that was written is lost. An operation whose reference the structure has already gets
//! another one. What a structure says once (its area, its coefficients, its monthly table) stands as it said it. A table whose rows belong
//! to a structure stands in the list below; a lead says whose it is within its notice.

use std::collections::BTreeSet;

use vigie_domain::follow_up::Decision;
use vigie_domain::{Notice, Visibility};

use crate::chats::mark_stale;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::follow_up::decisions_in;
use crate::ids::content_hash;
use crate::operations::reference_key;
use crate::sql::{self, Transaction};

/// Longest note of a decision that two were joined into, in characters.
const MAX_NOTE: usize = 2_000;

/// Tables whose rows go over as they are: $1 is the structure, $2 the person.
const MOVES: [&str; 30] = [
    "UPDATE attachment SET structure = $1 WHERE structure = $2",
    "UPDATE decision_step SET structure = $1 WHERE structure = $2",
    "UPDATE chat_message SET structure = $1, revision = revision + 1 WHERE structure = $2",
    "UPDATE consultation SET structure = $1 WHERE structure = $2",
    "DELETE FROM account WHERE structure = $2 AND EXISTS (SELECT 1 FROM account k WHERE k.structure = $1 AND k.key = account.key)",
    "UPDATE account SET structure = $1 WHERE structure = $2",
    "DELETE FROM service_offer WHERE structure = $2 AND EXISTS (SELECT 1 FROM service_offer k
       WHERE k.structure = $1 AND k.procedure_id = service_offer.procedure_id AND k.lot = service_offer.lot)",
    "UPDATE service_offer SET structure = $1 WHERE structure = $2",
    "DELETE FROM renewal WHERE structure = $2 AND EXISTS (SELECT 1 FROM renewal k
       WHERE k.structure = $1 AND k.procedure_id = renewal.procedure_id AND k.lot = renewal.lot AND k.ahead = renewal.ahead)",
    "UPDATE renewal SET structure = $1 WHERE structure = $2",
    "DELETE FROM impact WHERE structure = $2 AND EXISTS (SELECT 1 FROM impact k
       WHERE k.structure = $1 AND k.procedure_id = impact.procedure_id AND k.lot = impact.lot)",
    "UPDATE impact SET structure = $1 WHERE structure = $2",
    "UPDATE structure_choice SET structure = $1 WHERE structure = $2 AND NOT EXISTS (SELECT 1 FROM structure_choice k
       WHERE k.structure = $1 AND k.choice = structure_choice.choice AND k.about = structure_choice.about)",
    "UPDATE hours_answer SET structure = $1 WHERE structure = $2 AND NOT EXISTS (SELECT 1 FROM hours_answer k
       WHERE k.structure = $1 AND k.offer_id = hours_answer.offer_id)",
    "UPDATE operation SET structure = $1 WHERE structure = $2",
    "UPDATE operation_note SET structure = $1 WHERE structure = $2",
    "UPDATE operation_procedure SET structure = $1 WHERE structure = $2",
    "UPDATE operation_lot SET structure = $1 WHERE structure = $2",
    "UPDATE operation_hours SET structure = $1 WHERE structure = $2",
    "UPDATE operation_coefficient SET structure = $1 WHERE structure = $2 AND NOT EXISTS (SELECT 1 FROM operation_coefficient k
       WHERE k.structure = $1 AND k.name = operation_coefficient.name)",
    "UPDATE operation_table SET structure = $1 WHERE structure = $2 AND NOT EXISTS (SELECT 1 FROM operation_table k
       WHERE k.structure = $1)",
    "UPDATE operation_told SET structure = $1 WHERE structure = $2 AND NOT EXISTS (SELECT 1 FROM operation_told k
       WHERE k.structure = $1 AND k.operation_id = operation_told.operation_id AND k.what = operation_told.what)",
    "UPDATE service_area SET structure = $1 WHERE structure = $2 AND NOT EXISTS (SELECT 1 FROM service_area k WHERE k.structure = $1)",
    "DELETE FROM operation_coefficient WHERE structure = $2 AND structure <> $1",
    "DELETE FROM operation_table WHERE structure = $2 AND structure <> $1",
    "DELETE FROM operation_told WHERE structure = $2 AND structure <> $1",
    "DELETE FROM service_area WHERE structure = $2 AND structure <> $1",
    "UPDATE hours_to_fill SET structure = $1 WHERE structure = $2",
    "DELETE FROM hours_answer WHERE structure = $2 AND structure <> $1",
    "UPDATE event SET structure = $1 WHERE structure = $2",
];

/// Makes what `person` did alone the structure's.
pub(crate) async fn carry_over(tx: &mut Transaction, person: &str, structure: &str) -> Result<(), StoreError> {
    let there = decisions_in(tx, structure).await?;
    for own in decisions_in(tx, person).await? {
        let met = there.iter().find(|d| d.procedure == own.procedure && d.lot == own.lot);
        let kept = match met {
            Some(theirs) => joined(theirs, &own),
            None => Decision { structure: structure.to_owned(), ..own.clone() },
        };
        if met.is_some() {
            sql::query("DELETE FROM decision WHERE structure = $1 AND procedure_id = $2 AND lot = $3")
                .bind(person.to_owned())
                .bind(own.procedure.clone())
                .bind(clean(&own.lot))
                .execute(tx)
                .await?;
        }
        let before = if met.is_some() { structure } else { person };
        sql::query(
            "UPDATE decision SET structure = $1, stage = $2, refusal = $3, joint = $4, assignee = $5, note = $6, remind_at = $7,
               decided_by = $8, at = $9 WHERE structure = $10 AND procedure_id = $11 AND lot = $12",
        )
        .bind(structure.to_owned())
        .bind(kept.stage.as_str().to_owned())
        .bind(kept.refusal.map(|r| r.as_str().to_owned()))
        .bind(kept.joint.map(i64::from))
        .bind(clean(&kept.assignee))
        .bind(clean(&kept.note))
        .bind(kept.remind_at.map(millis))
        .bind(clean(&kept.by))
        .bind(millis(kept.at))
        .bind(before.to_owned())
        .bind(kept.procedure.clone())
        .bind(clean(&kept.lot))
        .execute(tx)
        .await?;
        mark_stale(tx, &kept).await?;
    }
    give_leads(tx, person, structure).await?;
    give_free_references(tx, person, structure).await?;
    for moves in MOVES {
        sql::query(moves).bind(structure.to_owned()).bind(person.to_owned()).execute(tx).await?;
    }
    Ok(())
}

/// Makes the leads that `person` alone could see the structure's.
async fn give_leads(tx: &mut Transaction, person: &str, structure: &str) -> Result<(), StoreError> {
    let rows: Vec<(String, String)> = sql::query_as(
        "SELECT n.id, n.document FROM notice n JOIN lead l ON l.notice_id = n.id WHERE l.subscriber_id = $1",
    )
    .bind(person.to_owned())
    .fetch_all(&mut *tx)
    .await?;
    for (id, document) in rows {
        let mut notice: Notice = from_json(&document, &format!("notice {id}"))?;
        if notice.visibility.structure() != Some(person) {
            continue;
        }
        notice.visibility = Visibility::Structure(structure.to_owned());
        sql::query("UPDATE notice SET document = $1, content_hash = $2 WHERE id = $3")
            .bind(to_json(&notice)?)
            .bind(content_hash(&notice))
            .bind(id)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Gives each operation of `person` a reference that none of the structure's bears: « 2027-1 » becomes « 2027-1 (2) ».
async fn give_free_references(tx: &mut Transaction, person: &str, structure: &str) -> Result<(), StoreError> {
    let rows: Vec<(String, String, String)> =
        sql::query_as("SELECT id, structure, reference FROM operation WHERE structure IN ($1, $2) ORDER BY id")
            .bind(structure.to_owned())
            .bind(person.to_owned())
            .fetch_all(&mut *tx)
            .await?;
    let mut taken: BTreeSet<String> = rows.iter().map(|(.., reference)| reference_key(reference)).collect();
    let theirs: BTreeSet<String> =
        rows.iter().filter(|(_, of, _)| of == structure).map(|(.., reference)| reference_key(reference)).collect();
    for (id, _, reference) in
        rows.iter().filter(|(_, of, reference)| of == person && theirs.contains(&reference_key(reference)))
    {
        // As many names as there are operations, and one more: one of them is free.
        let named = (2..=rows.len() + 2).map(|n| format!("{reference} ({n})"));
        let Some(free) = named.into_iter().find(|name| !taken.contains(&reference_key(name))) else { continue };
        let key = reference_key(&free);
        sql::query("UPDATE operation SET reference = $1, reference_key = $2 WHERE id = $3")
            .bind(clean(&free))
            .bind(key.clone())
            .bind(id.clone())
            .execute(tx)
            .await?;
        taken.insert(key);
    }
    Ok(())
}

/// What a structure decided, with what a newcomer decided of the same.
fn joined(theirs: &Decision, own: &Decision) -> Decision {
    let answers = |d: &Decision| d.stage.is_decision();
    let (kept, other) = if answers(own) && !answers(theirs) { (own, theirs) } else { (theirs, own) };
    let note = match (kept.note.trim(), other.note.trim()) {
        (kept, "") => kept.to_owned(),
        ("", other) => other.to_owned(),
        (kept, other) if kept == other => kept.to_owned(),
        (kept, note) => format!("{kept} – {} : {note}", other.by),
    };
    let or = |kept: &str, other: &str| if kept.is_empty() { other.to_owned() } else { kept.to_owned() };
    Decision {
        structure: theirs.structure.clone(),
        note: note.chars().take(MAX_NOTE).collect(),
        assignee: or(&kept.assignee, &other.assignee),
        remind_at: kept.remind_at.or(other.remind_at),
        ..kept.clone()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use vigie_domain::follow_up::Stage;

    use super::*;

    fn decision(structure: &str, stage: Stage, by: &str, note: &str) -> Decision {
        let at = DateTime::<Utc>::from_timestamp_millis(1_796_000_000_000).unwrap();
        Decision { note: note.to_owned(), ..Decision::new(structure, "p", stage, by, at) }
    }

    #[test]
    fn the_answer_that_is_there_stands_and_no_note_is_lost() {
        let theirs = decision("354", Stage::NoGo, "Marc", "trop loin");
        let own = Decision { assignee: "Marc".into(), ..decision("lea", Stage::Go, "Léa", "appeler le CH") };
        let kept = joined(&theirs, &own);
        assert_eq!((kept.stage, kept.structure.as_str(), kept.by.as_str()), (Stage::NoGo, "354", "Marc"));
        assert_eq!((kept.note.as_str(), kept.assignee.as_str()), ("trop loin – Léa : appeler le CH", "Marc"));
        let read = decision("354", Stage::Read, "Marc", "");
        let kept = joined(&read, &own);
        assert_eq!((kept.stage, kept.structure.as_str(), kept.note.as_str()), (Stage::Go, "354", "appeler le CH"));
    }
}
