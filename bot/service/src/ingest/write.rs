//! What was planned, written. Nothing else of ingest writes.

use std::sync::Arc;

use vigie_config::rules;
use vigie_config::settings::Baseline;
use vigie_domain::subscription::Candidate;
use vigie_domain::{Alert, Assessment, Notice, NoticeKind};
use vigie_store::ingest::{IngestTx, Told};
use vigie_store::search::Tells;
use vigie_store::{StoreError, accounts};
use vigie_watcher::procedure::{self as likeness, Ended};

use super::audience::{Audience, with_words_folded};
use super::plan::{self, Brought, Following, News, Planner};
use super::stored::Match;
use super::turn::Turn;
use super::{Outcome, contracts, load, search_row};

/// Stores one notice, if it says anything new.
pub(super) async fn store_one(
    tx: &mut IngestTx,
    turn: &mut Turn<'_>,
    notice: &Notice,
    hash: &str,
    verdict: Assessment,
) -> Result<Outcome, StoreError> {
    let key = notice.key();
    let known = tx.known_notice(&key).await?;
    if known.as_ref().is_some_and(|k| k.content_hash == hash) {
        return Ok(Outcome::Unchanged);
    }
    // A structure's own lead stands alone until it is published: it changes no procedure of others, and none finds it.
    let alone = notice.visibility.structure().is_some();
    let keys = if alone { Vec::new() } else { likeness::keys(notice) };
    let portrait = if alone { None } else { likeness::portrait(notice, &verdict.dates) };
    let procedure = match &known {
        // Once in a procedure, a notice stays in it.
        Some(known) => tx.procedure(&known.procedure).await?,
        None => {
            let found = load::find_procedure(tx, notice, &keys, portrait.as_ref()).await?;
            join(tx, notice, &found).await?;
            found.procedure
        }
    };
    let mut stored = load::stored(tx, notice, known, procedure).await?;
    stored.carried = load::carried(tx, &turn.service.judge, notice, &stored).await?;
    let mut plan = plan::notice(notice, hash, verdict, &stored, tx.now());
    if let (None, Some(siren)) = (&plan.assessment.buyer, notice.buyer.siren()) {
        plan.assessment.buyer = Some(tx.buyer_named(siren).await?);
    }
    tx.put_procedure(&plan.alert.procedure, &plan.assessment.title, &plan.after, &keys).await?;
    tx.put_notice(notice, &plan.assessment, hash, &plan.alert.procedure).await?;
    let row = search_row::row(&plan.alert.procedure, notice, &plan.assessment, &plan.after, tx.now());
    let tells = match notice.kind {
        kind if !kind.is_follow_up() => Tells::All,
        // What ends it, or some of its lots, offers nothing: what was offered stays as it was told.
        kind if kind.is_result() || kind == NoticeKind::Cancellation => Tells::State,
        _ => Tells::Offer,
    };
    tx.put_search_row(&row, tells).await?;
    if let Some(portrait) = &portrait {
        let written = serde_json::to_string(portrait).unwrap_or_default();
        tx.put_portrait(&key, &plan.alert.procedure, &portrait.bucket(), &written).await?;
        if let Some(title) = likeness::title_bucket(notice) {
            tx.put_portrait(&format!("{key}#title"), &plan.alert.procedure, &title, &written).await?;
        }
    }
    // The end of a call that was never seen, for the call to find.
    if let (None, false, Some(end)) = (&stored.procedure, alone, Ended::of(notice)) {
        let written = serde_json::to_string(&end).unwrap_or_default();
        for (n, bucket) in Ended::buckets(notice).iter().enumerate() {
            tx.put_portrait(&format!("{key}#ended{n}"), &plan.alert.procedure, bucket, &written).await?;
        }
    }
    let result = notice.kind.is_result() || notice.kind == NoticeKind::Cancellation;
    if !alone && (result || stored.procedure.is_some() && tx.has_contracts(&plan.alert.procedure).await?) {
        contracts::refresh(tx, &plan.alert.procedure, turn.first_poll == Some(Baseline::Quiet)).await?;
    }
    let whole = stored.whole.as_ref().unwrap_or(notice);
    turn.contradicted.clone_from(&plan.contradicted);
    let concerned = tell(tx, turn, whole, &plan.assessment, &plan.alert, plan.news(), &stored.told).await;
    turn.contradicted = None;
    let concerned = concerned?;
    Ok(Outcome::Stored(concerned.shares))
}

/// How many people an alert concerns.
pub(crate) struct Concerned {
    /// Those who have a share of it.
    pub shares: usize,
    /// Those of them who hear of it; the others knew, or are not to be told.
    pub told: usize,
}

/// Tells everyone whom an alert concerns; `notice` holds what it inherits from its procedure.
pub(crate) async fn tell(
    tx: &mut IngestTx,
    turn: &mut Turn<'_>,
    notice: &Notice,
    assessment: &Assessment,
    alert: &Alert,
    news: News,
    told: &[Told],
) -> Result<Concerned, StoreError> {
    let folded = turn.searchable(notice, assessment);
    let candidate = Candidate { notice, assessment, folded: &folded, now: tx.now(), communes: rules::communes };
    let mut audience = turn.reach(tx, &candidate, told).await?;
    let mut missing = audience.missing_stand_ins(tx.now());
    missing.extend(turn.contradicted.clone().filter(|by| !audience.has(by)));
    for person in tx.people_by_id(&missing.iter().map(String::as_str).collect::<Vec<_>>()).await? {
        audience.add(Arc::new(with_words_folded(person)));
    }
    let following = following(tx, turn, (notice, assessment), &mut audience).await?;
    let brought = brought(tx, turn, notice, &mut audience).await?;
    let planner = Planner::new(turn.service, &audience, turn.first_poll, tx.now())
        .signed(turn.signed.as_ref())
        .contradicting(turn.contradicted.as_deref())
        .following(&following)
        .brought(brought.as_ref())
        .over(news.over);
    let audiences = planner.audiences(&candidate, told);
    let people = load::people(tx, &planner, &audiences, &alert.procedure, &alert.id).await?;
    let plan = planner.people(audiences, alert, news.silent, assessment, &people);
    for person in &plan.replaced {
        tx.supersede_unsent(person, &alert.procedure).await?;
        tx.drop_waiting_lines(person, &alert.procedure, &alert.id).await?;
    }
    if !plan.shares.is_empty() {
        tx.put_shares(alert, None, &plan.shares).await?;
    }
    let told = plan.shares.iter().filter(|(share, _)| share.disposition.is_told()).count();
    if told > 0 {
        // The alert's identifier stands in the line of each of its deliveries too.
        tracing::info!(alert = %alert.id, notice = %notice.key(), procedure = %alert.procedure, told, "told");
    }
    Ok(Concerned { shares: plan.shares.len(), told })
}

/// People whose structure follows the buyer, or a company that won, each with the name it goes by. What is not public is for nobody
/// who only follows.
async fn following(
    tx: &mut IngestTx,
    turn: &Turn<'_>,
    (notice, assessment): (&Notice, &Assessment),
    audience: &mut Audience,
) -> Result<Following, StoreError> {
    let mut following = Following::new();
    if !notice.visibility.is_public() {
        return Ok(following);
    }
    let mut keys = accounts::keys(notice.buyer.siren(), &notice.buyer.name);
    for award in &assessment.awards {
        award.companies.iter().for_each(|c| keys.extend(accounts::keys(c.siren(), &c.name)));
        award.winners.iter().for_each(|w| keys.extend(accounts::keys(None, w)));
    }
    for (structure, name) in tx.followers(&keys).await? {
        let members = members(tx, turn, &structure, audience).await?;
        following.extend(members.into_iter().map(|id| (id, name.clone())));
    }
    Ok(following)
}

/// Everyone of a structure, added to the audience.
async fn members(
    tx: &mut IngestTx,
    turn: &Turn<'_>,
    structure: &str,
    audience: &mut Audience,
) -> Result<Vec<String>, StoreError> {
    let members = turn.service.store.members(structure).await?;
    let unread: Vec<&str> = members.iter().map(String::as_str).filter(|id| !audience.has(id)).collect();
    for person in tx.people_by_id(&unread).await? {
        audience.add(Arc::new(with_words_folded(person)));
    }
    Ok(members)
}

/// A structure's own lead: who brought it, and everyone of the structure, whatever they subscribed to.
async fn brought(
    tx: &mut IngestTx,
    turn: &Turn<'_>,
    notice: &Notice,
    audience: &mut Audience,
) -> Result<Option<Brought>, StoreError> {
    let Some(structure) = notice.visibility.structure() else { return Ok(None) };
    let Some(by) = tx.bearer_of(&notice.key()).await? else { return Ok(None) };
    let people = members(tx, turn, structure, audience).await?;
    let name = audience.person(&by).map(|p| p.name.clone()).unwrap_or_default();
    Ok(Some(Brought { by, name, people }))
}

/// Makes one procedure of those that a notice shows to be the same.
async fn join(tx: &mut IngestTx, notice: &Notice, found: &Match) -> Result<(), StoreError> {
    let Some(kept) = found.procedure.as_ref().filter(|_| !found.duplicates.is_empty()) else { return Ok(()) };
    let ended = tx.join_procedures(&kept.id, &found.duplicates).await?;
    tracing::info!(notice = %notice.key(), procedure = %kept.id, ?ended, "procedures found to be one");
    Ok(())
}
