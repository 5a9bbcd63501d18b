//! What a person sees and changes of their own on the pages: each statement names its owner, so that nobody reaches another's.

use chrono::{DateTime, Utc};
use vigie_domain::{AlertKind, Cadence, Filter, Subscriber};

use crate::Store;
use crate::columns::{millis, moment, to_json};
use crate::error::StoreError;
use crate::people_rows::PersonRow;
use crate::sql::{self, row};

/// A procedure that a structure was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spotted {
    pub procedure: String,
    /// When it was first told.
    pub at: DateTime<Utc>,
}

/// An alert of one person, as a feed lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAlert {
    /// The alert.
    pub id: String,
    pub kind: AlertKind,
    /// The procedure; empty when it is about none.
    pub procedure: String,
    pub notice: String,
    /// What changed, as JSON.
    pub changes: String,
    /// When it was told.
    pub at: DateTime<Utc>,
}

row!(OwnAlert { id, kind, procedure, notice, changes, at });

impl Store {
    /// Puts other conditions and another rhythm in the place of a subscription's; `false` when that person has none of that
    /// identifier.
    pub async fn change_own_subscription(
        &self,
        owner: &str,
        id: &str,
        filter: &Filter,
        cadence: Cadence,
    ) -> Result<bool, StoreError> {
        let update = sql::query_as(
            "UPDATE subscription SET filter = $1, cadence = $2 WHERE id = $3 AND subscriber_id = $4 RETURNING subscriber_id",
        )
        .bind(to_json(filter)?)
        .bind(cadence.to_string())
        .bind(id.to_owned())
        .bind(owner.to_owned());
        self.change_person(update).await
    }

    /// Identifiers of the persons who speak for a structure: those of that SIRET, or the one person who stands alone.
    pub async fn members(&self, structure: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.people_of(structure).await?.into_iter().map(|p| p.id).collect())
    }

    /// The persons who speak for a structure: see [`Store::members`].
    pub async fn people_of(&self, structure: &str) -> Result<Vec<Subscriber>, StoreError> {
        let like = structure.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let rows: Vec<PersonRow> = sql::query_as(
            "SELECT id, name, role, profile FROM subscriber WHERE id = $1 OR profile LIKE $2 ESCAPE '\\' ORDER BY id",
        )
        .bind(structure.to_owned())
        .bind(format!("%\"{like}\"%"))
        .fetch_all(&self.reader)
        .await?;
        // LIKE finds candidates; who belongs is for the domain to say.
        Ok(rows.into_iter().map(|PersonRow(person)| person).filter(|p| p.structure() == structure).collect())
    }

    /// Procedures that these persons were told of from `from` to before `to`, each once, first ones first. What a correction or the end of
    /// some lots tells in the place of a line that waited is the same market.
    pub async fn spotted(
        &self,
        members: &[String],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Spotted>, StoreError> {
        let mut all: Vec<Spotted> = Vec::new();
        for member in members {
            let rows: Vec<(String, i64)> = sql::query_as(
                "SELECT a.procedure_id, MIN(n.created) FROM notification n JOIN alert a ON a.id = n.alert_id
                 WHERE n.subscriber_id = $1 AND n.created >= $2 AND n.created < $3 AND a.procedure_id <> ''
                   AND n.disposition IN ('instant', 'digest', 'overflow')
                   AND (a.kind = 'new' OR a.kind IN ('correction', 'partial_result', 'verdict_correction') AND NOT EXISTS (
                     SELECT 1 FROM notification e JOIN alert b ON b.id = e.alert_id WHERE e.subscriber_id = n.subscriber_id
                       AND b.procedure_id = a.procedure_id AND b.kind = 'new' AND e.disposition IN ('instant', 'digest', 'overflow')
                       AND e.created < n.created))
                 GROUP BY a.procedure_id",
            )
            .bind(member.clone())
            .bind(millis(from))
            .bind(millis(to))
            .fetch_all(&self.reader)
            .await?;
            for (procedure, at) in rows {
                let at = moment(at);
                match all.iter_mut().find(|s| s.procedure == procedure) {
                    Some(known) => known.at = known.at.min(at),
                    None => all.push(Spotted { procedure, at }),
                }
            }
        }
        all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.procedure.cmp(&b.procedure)));
        Ok(all)
    }

    /// Of each of a person's subscriptions, how many procedures it told since `since`, and how many more wait for a digest.
    pub async fn told_by_subscription(
        &self,
        subscriber: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(String, i64, i64)>, StoreError> {
        Ok(sql::query_as(
            "SELECT n.subscription_id, COUNT(DISTINCT CASE WHEN n.due IS NULL OR n.delivery_id IS NOT NULL THEN a.procedure_id END),
               COUNT(DISTINCT CASE WHEN n.due IS NOT NULL AND n.delivery_id IS NULL THEN a.procedure_id END)
             FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE n.subscriber_id = $1 AND n.created >= $2 AND n.subscription_id IS NOT NULL
               AND n.disposition IN ('instant', 'digest', 'overflow') GROUP BY n.subscription_id",
        )
        .bind(subscriber.to_owned())
        .bind(millis(since))
        .fetch_all(&self.reader)
        .await?)
    }

    /// The latest alerts that a person was told, newest first.
    pub async fn own_alerts(&self, subscriber: &str, limit: i64) -> Result<Vec<OwnAlert>, StoreError> {
        Ok(sql::query_as(
            "SELECT a.id, a.kind, a.procedure_id, a.notice_id, a.changes, n.created FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE n.subscriber_id = $1 AND n.disposition IN ('instant', 'digest', 'overflow') AND a.procedure_id <> ''
             ORDER BY n.created DESC, n.id LIMIT $2",
        )
        .bind(subscriber)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// What a person was told after that place (moment, notification), until `until`, oldest first: each alert with the notification
    /// that tells of it.
    pub async fn told_after(
        &self,
        subscriber: &str,
        (at, id): (DateTime<Utc>, &str),
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<(String, DateTime<Utc>, String)>, StoreError> {
        Ok(sql::query_as(
            "SELECT n.id, n.created, n.alert_id FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE n.subscriber_id = $1 AND (n.created > $2 OR (n.created = $2 AND n.id > $3)) AND n.created <= $4
               AND n.disposition IN ('instant', 'digest', 'overflow') AND a.procedure_id <> ''
             ORDER BY n.created, n.id LIMIT $5",
        )
        .bind(subscriber)
        .bind(millis(at))
        .bind(id)
        .bind(millis(until))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Whether a person was told of a notice.
    pub async fn was_told(&self, subscriber: &str, notice: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> = sql::query_as(
            "SELECT n.id FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE n.subscriber_id = $1 AND a.notice_id = $2 AND n.disposition IN ('instant', 'digest', 'overflow') LIMIT 1",
        )
        .bind(subscriber)
        .bind(notice)
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.is_some())
    }

    /// What a structure decided, latest first, after the place at which the page before ended.
    pub async fn own_decisions(&self, structure: &str, limit: i64) -> Result<Vec<vigie_domain::Decision>, StoreError> {
        let rows: Vec<(String, String)> = sql::query_as(
            "SELECT procedure_id, lot FROM decision WHERE structure = $1 ORDER BY at DESC, procedure_id, lot LIMIT $2",
        )
        .bind(structure.to_owned())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        let mut procedures: Vec<String> = Vec::new();
        for (procedure, _) in rows {
            if !procedures.contains(&procedure) {
                procedures.push(procedure);
            }
        }
        let mut out = Vec::new();
        for procedure in procedures {
            out.extend(self.decisions_on(structure, &procedure).await?);
        }
        Ok(out)
    }
}
