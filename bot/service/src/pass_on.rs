//! A network passes a notice on to its members: those who were told of the procedure hear nothing, and passed on twice it is
//! told once.

use std::collections::BTreeSet;
use std::sync::Arc;

use vigie_domain::subscription::Match;
use vigie_domain::{Access, Alert, AlertKind, Subscriber, concerned_lots, french};
use vigie_store::journal::NoticeRow;
use vigie_store::{StoreError, derived_id};

use crate::ingest::Audience;
use crate::ingest::hourly_cap::HourlyLoad;
use crate::ingest::plan::Planner;
use crate::ingest::stored::People;
use crate::service::Service;

/// How many members of a network were told of what it passes on, how many knew, and how many it is not for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassedOn {
    /// Told now, or in their next merged message.
    pub told: usize,
    /// Told before: they hear nothing.
    pub knew: usize,
    /// Of a kind that cannot answer it: they hear nothing.
    pub cannot: usize,
}

impl PassedOn {
    /// What is said to whoever passed it on.
    #[must_use]
    pub fn in_french(self) -> String {
        let left = match self.cannot {
            0 => String::new(),
            n => format!(
                " {} ne {} pas y répondre.",
                french::plural(n, "membre"),
                if n > 1 { "peuvent" } else { "peut" }
            ),
        };
        let said = match (self.told, self.knew) {
            (0, 0) if self.cannot > 0 => "Personne n’a rien reçu.".to_owned(),
            (0, 0) => {
                "Personne n’est noté comme membre de votre réseau : ajoutez-en sur la page « Réseau ».".to_owned()
            }
            (0, n) => format!(
                "{} le {} déjà : personne n’a rien reçu de plus.",
                french::plural(n, "membre"),
                if n > 1 { "savent" } else { "sait" }
            ),
            (n, 0) => format!("Transmis à {}.", french::plural(n, "membre")),
            (n, k) => format!(
                "Transmis à {} ; {} le {} déjà.",
                french::plural(n, "membre"),
                french::plural(k, "autre"),
                if k > 1 { "savaient" } else { "savait" }
            ),
        };
        format!("{said}{left}")
    }
}

/// Passes a notice on to the members of a network.
///
/// # Errors
/// The database fails; nobody is told.
pub async fn pass_on(service: &Service, row: &NoticeRow, network: &Subscriber) -> Result<PassedOn, StoreError> {
    if row.notice.visibility.structure().is_some() {
        return Ok(PassedOn::default()); // a structure's own lead goes nowhere before it is published
    }
    let mut members = service.store.subscribers().await?;
    members.retain(|s| s.id != network.id && s.profile.is_member_of(&network.name));
    let mut tx = service.store.begin_ingest_at(|| service.clock.now()).await?;
    let mut audience = Audience::default();
    let ids: Vec<&str> = members.iter().map(|m| m.id.as_str()).collect();
    tx.people_by_id(&ids).await?.into_iter().for_each(|person| audience.add(Arc::new(person)));
    let told = tx.told(&row.procedure).await?;
    let told: BTreeSet<&str> = told.iter().filter(|t| t.disposition.is_told()).map(|t| t.subscriber.as_str()).collect();
    let alert = Alert {
        id: derived_id(&["passed on", &network.id, &row.id]),
        kind: AlertKind::New,
        procedure: row.procedure.clone(),
        notice: row.id.clone(),
        changes: Vec::new(),
    };
    let planner = Planner::new(service, &audience, None, tx.now());
    let capped: Vec<(&str, u32)> = members.iter().map(|m| (m.id.as_str(), planner.cap_of(&m.id))).collect();
    let people = People { load: HourlyLoad::read(&mut tx, &capped, false).await?, ..People::default() };
    let mut outcome = PassedOn::default();
    let mut shares = Vec::new();
    for member in &members {
        let met = concerned_lots::narrowed(member.role, &member.profile, &row.assessment, Match::default());
        if met.is_none_or(|m| m.access == Access::Closed) {
            outcome.cannot += 1;
            continue;
        }
        let knew = told.contains(member.id.as_str());
        *(if knew { &mut outcome.knew } else { &mut outcome.told }) += 1;
        let remark = format!("Transmis par {}", network.name);
        shares.push(planner.passed_on(&member.id, knew, remark, (&alert, &row.assessment), &people));
    }
    if !shares.is_empty() {
        tx.put_shares(&alert, None, &shares).await?;
    }
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(outcome)
}
