//! A verdict corrected by someone entitled to it: kept for every later version of the notice, and told to those who were told
//! of the first one. The command line and the pages come here.

use vigie_domain::subscription::Role;
use vigie_domain::{Beneficiary, Evidence, Provision, ProvisionKind, Subscriber};
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_store::verdicts::VerdictCorrection;

use crate::app::App;
use crate::ingest;

/// Whether a person of that role corrects verdicts.
#[must_use]
pub fn may_correct(role: Role) -> bool {
    matches!(role, Role::Facilitator | Role::Operator)
}

/// What a person says holds.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// For whom, if reserved.
    pub beneficiary: Option<Beneficiary>,
    /// Lots concerned; empty = all.
    pub lots: Vec<String>,
    /// Hours of insertion.
    pub hours: Option<f64>,
}

impl Said {
    /// The provision of that kind that it makes.
    #[must_use]
    pub fn provision(self, kind: ProvisionKind) -> Provision {
        let mut provision = Provision::new(kind, Evidence { field: Some("correction".to_owned()), quote: None });
        provision.beneficiary =
            self.beneficiary.or((kind == ProvisionKind::Reserved).then_some(Beneficiary::Unspecified));
        provision.lots = self.lots;
        provision.hours = self.hours;
        provision.mandatory = (kind == ProvisionKind::ExecutionClause).then_some(true);
        provision
    }
}

/// Puts `holds` in the place of every provision of that kind (nothing: there is none); gives the number of people told.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn correct(
    app: &App,
    person: &Subscriber,
    row: &NoticeRow,
    kind: ProvisionKind,
    holds: Option<Provision>,
    note: &str,
) -> Result<usize, StoreError> {
    let kept = |p: &&Provision| p.kind != kind && p.kind != ProvisionKind::SocialConditionNotSeen;
    let mut provisions: Vec<Provision> = row.assessment.provisions.iter().filter(kept).cloned().collect();
    provisions.extend(holds);
    let now = app.clock.now();
    let correction = VerdictCorrection {
        notice: row.id.clone(),
        subscriber: person.id.clone(),
        provisions,
        note: note.to_owned(),
        at: now,
    };
    let people = ingest::correct_verdict(app, row, &correction).await?;
    app.store.note("verdict", &row.id, &format!("verdict corrigé par {} : {note}", person.id), now).await?;
    app.outbox_bell.notify_one();
    Ok(people)
}
