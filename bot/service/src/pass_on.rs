//! A network passes a notice on to its members: those who were told of the procedure hear nothing, and passed on twice it is
//! told once.

use std::collections::BTreeSet;
use std::sync::Arc;

use vigie_domain::subscription::Match;
use vigie_domain::{Access, Alert, AlertKind, Subscriber, concerned_lots, french};
use vigie_notifier::card::short;
use vigie_store::journal::NoticeRow;
use vigie_store::{StoreError, derived_id};

use crate::ingest::Audience;
use crate::ingest::hourly_cap::HourlyLoad;
use crate::ingest::plan::Planner;
use crate::ingest::stored::People;
use crate::service::Service;

/// Most members named of those who hear nothing.
const NAMED: usize = 6;

/// A member by name and kind.
fn who(member: &Subscriber) -> String {
    let name = if member.name.is_empty() { "un membre sans nom" } else { &member.name };
    let kind = member.profile.kind.map(|k| format!(" ({})", k.acronym())).unwrap_or_default();
    format!("{}{kind}", short(name, 60))
}

/// How many members of a network were told of what it passes on, how many knew, and how many it is not for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOn {
    /// Told now, or in their next merged message.
    pub told: usize,
    /// Told before: they hear nothing.
    pub knew: usize,
    /// Those to whom it is closed, reserved to others, by name and kind: they hear nothing.
    pub closed: Vec<String>,
    /// Those whose kind supplies nothing of it: they hear nothing.
    pub other_trade: Vec<String>,
}

impl PassedOn {
    /// What is said to whoever passed it on.
    #[must_use]
    pub fn in_french(&self) -> String {
        let left = [
            (" C’est réservé à d’autres que :", &self.closed),
            (" Hors de ce que propose ce type de structure :", &self.other_trade),
        ];
        let left: Vec<String> =
            left.into_iter().filter_map(|(why, who)| Some(format!("{why} {}.", named(who)?))).collect();
        let left = left.concat();
        let said = match (self.told, self.knew) {
            (0, 0) if !left.is_empty() => "Personne n’a rien reçu.".to_owned(),
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

/// The first of these names, and how many more; nothing of nobody.
fn named(names: &[String]) -> Option<String> {
    let mut said: Vec<String> = names.iter().take(NAMED).cloned().collect();
    match names.len().saturating_sub(NAMED) {
        0 => {}
        n => said.push(format!("{n} de plus")),
    }
    (!said.is_empty()).then(|| french::list(&said))
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
        let Some(met) = met else {
            outcome.other_trade.push(who(member));
            continue;
        };
        if met.access == Access::Closed {
            outcome.closed.push(who(member));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_hears_nothing_is_named_with_the_reason() {
        let names = |n: usize| (1..=n).map(|i| format!("Atelier {i} (ACI)")).collect::<Vec<_>>();
        let said = PassedOn { told: 2, closed: names(1), ..PassedOn::default() };
        assert_eq!(said.in_french(), "Transmis à 2\u{a0}membres. C’est réservé à d’autres que : Atelier 1 (ACI).");
        let none = PassedOn { other_trade: names(8), ..PassedOn::default() };
        assert!(
            none.in_french()
                .starts_with("Personne n’a rien reçu. Hors de ce que propose ce type de structure : Atelier 1")
        );
        assert!(none.in_french().ends_with("Atelier 6 (ACI) et 2 de plus."), "{}", none.in_french());
        assert!(PassedOn::default().in_french().contains("ajoutez-en"));
    }
}
