//! A procedure's contracts, made anew from all its notices: in the transaction that ingests a result, or a notice of a procedure
//! that has contracts, and for what an earlier version of this program had ingested.

use vigie_domain::contract::{self, Published};
use vigie_domain::{Assessment, Contract, Notice};
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;

/// Most notices of a procedure that its contracts are made from: the essential data of a large framework agreement are hundreds.
const MAX_NOTICES: u32 = 400;

/// The contracts that these notices of a procedure make. What is not public makes none.
#[must_use]
pub fn of(procedure: &str, notices: &[(Notice, Assessment)]) -> Vec<Contract> {
    let public = notices.iter().filter(|(notice, _)| notice.visibility.is_public());
    let published: Vec<Published<'_>> = public.map(|(notice, assessment)| Published { notice, assessment }).collect();
    contract::contracts(procedure, &published)
}

/// Makes a procedure's contracts anew.
///
/// # Errors
/// The database fails, or holds a notice that cannot be read.
pub(crate) async fn refresh(tx: &mut IngestTx, procedure: &str, before_the_watch: bool) -> Result<(), StoreError> {
    let notices = tx.published_of(procedure, MAX_NOTICES).await?;
    tx.put_contracts(procedure, &of(procedure, &notices), before_the_watch).await
}
