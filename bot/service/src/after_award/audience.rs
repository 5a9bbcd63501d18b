//! Whom a contract suits: the lot as it was called for, seen through everybody's subscriptions, whether or not they were told of the
//! call. Dates do not count, since the call is over.

use std::collections::BTreeMap;

use vigie_config::rules;
use vigie_domain::contract::{self, Published};
use vigie_domain::subscription::{Candidate, Role};
use vigie_domain::{Access, Assessment, Contract, Notice, NoticeKind};
use vigie_notifier::audience::Hit;
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;

use crate::ingest::{Audience, Turn};

/// Most notices of a procedure that are read.
const MAX_NOTICES: u32 = 100;

/// What was called for, narrowed to the lot of a contract.
pub(super) struct Called {
    pub notice: Notice,
    pub assessment: Assessment,
}

/// What a contract's lot was called for as; `None` where nobody in general may see it.
///
/// # Errors
/// The database fails.
pub(super) async fn called(tx: &mut IngestTx, c: &Contract) -> Result<Option<Called>, StoreError> {
    let notices = tx.published_of(&c.procedure, MAX_NOTICES).await?;
    let public = notices.iter().filter(|(notice, _)| notice.visibility.is_public());
    let published: Vec<Published<'_>> = public.map(|(notice, assessment)| Published { notice, assessment }).collect();
    let Some(base) = contract::base(&published) else { return Ok(None) };
    let (notice, mut assessment) = (base.notice.clone(), base.assessment.clone());
    assessment.notice_kind = NoticeKind::Call;
    assessment.dates.clear();
    if !c.lot.is_empty() {
        assessment.lots.retain(|l| l.id == c.lot);
        assessment.provisions.retain(|p| p.covers(Some(&c.lot)));
        // A lot's own trades and places are all that counts of it.
        if let [lot] = assessment.lots.as_slice() {
            let trades = Some(lot.sectors.clone()).filter(|s| !s.is_empty());
            assessment.sectors = trades.unwrap_or(assessment.sectors);
        }
    }
    Ok(Some(Called { notice, assessment }))
}

/// Everyone whom it suits, and why.
///
/// # Errors
/// The database fails.
pub(super) async fn reach(
    tx: &mut IngestTx,
    turn: &mut Turn<'_>,
    called: &Called,
) -> Result<(Audience, BTreeMap<String, Hit>), StoreError> {
    let folded = turn.searchable(&called.notice, &called.assessment);
    let (notice, assessment) = (&called.notice, &called.assessment);
    let candidate = Candidate { notice, assessment, folded: &folded, now: tx.now(), communes: rules::communes };
    let audience = turn.reach(tx, &candidate, &[]).await?;
    let hits: BTreeMap<String, Hit> = audience.hits(&candidate).filter(|(_, hit)| !hit.paused).collect();
    Ok((audience, hits))
}

/// People whom it suits, by structure: those of that role, who can do that about it.
pub(super) fn by_structure(
    audience: &Audience,
    hits: &BTreeMap<String, Hit>,
    fits: impl Fn(Role, Access) -> bool,
) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, hit) in hits {
        if let Some(person) = audience.person(id).filter(|p| fits(p.role, hit.found.access)) {
            out.entry(person.structure().to_owned()).or_default().push(id.clone());
        }
    }
    out
}
