//! Reads what is stored of a notice, of its procedure, and of the people it may concern; writes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveTime, Utc};
use vigie_domain::procedure::{self, Status};
use vigie_domain::{Notice, NoticeKind, object};
use vigie_store::StoreError;
use vigie_store::ingest::{IngestTx, KnownNotice, KnownProcedure};
use vigie_watcher::procedure::{self as likeness, Ended, Portrait};

use super::carried::Carried;
use super::hourly_cap::HourlyLoad;
use super::judge::Judge;
use super::plan::{Audiences, Planner};
use super::procedure::speaks_of_the_same;
use super::stored::{Match, People, Stored};

/// Most notices of a procedure that a new one is compared with.
const MAX_OTHERS: u32 = 50;
/// Most of them that a follow-up inherits from.
const MAX_EARLIER: u32 = 5;

/// The procedure a notice belongs to: by statements first, and where they lead to several procedures these are found to be
/// one. A buyer's reference joins a call only to what is still open and speaks of the same thing: under the reference of a
/// procedure called off or awarded it is a relaunch, under that of another object a reference used twice; both are news. A call
/// that names the one before it is a relaunch likewise where that one ended. At last by likeness. A page joins only records of
/// different sources: within one, its reader knows its entries.
pub(super) async fn find_procedure(
    tx: &mut IngestTx,
    notice: &Notice,
    keys: &[String],
    portrait: Option<&Portrait>,
) -> Result<Match, StoreError> {
    let (pages, stated): (Vec<_>, Vec<_>) =
        tx.procedures_of(keys).await?.into_iter().partition(|(key, _)| procedure::is_page(key));
    let (weak, strong): (Vec<_>, Vec<_>) = stated.into_iter().partition(|(key, _)| procedure::is_reference(key));
    if relaunches(tx, notice, &strong).await? {
        return Ok(Match::default());
    }
    if let Some((_, id)) = strong.first()
        && let Some(found) = tx.procedure(id).await?
    {
        let mut duplicates: Vec<String> = strong.into_iter().map(|(_, id)| id).filter(|id| *id != found.id).collect();
        duplicates.extend(contracts_alone(tx, notice, &found).await?);
        return Ok(Match { procedure: Some(found), duplicates });
    }
    let calls = !notice.kind.is_follow_up();
    let same = |p: &KnownProcedure| p.snapshot.status == Status::Open && speaks_of_the_same(&p.title, &notice.title);
    if let Some((_, id)) = weak.first()
        && let Some(found) = tx.procedure(id).await?.filter(|p| !calls || same(p))
    {
        return Ok(Match { procedure: Some(found), duplicates: Vec::new() });
    }
    let mut found = None;
    if let Some((_, id)) = pages.first() {
        found = on_the_same_page(tx, id, notice).await?;
    }
    if let (None, Some(portrait)) = (&found, portrait) {
        found = look_alike(tx, portrait).await?;
    }
    if found.is_none() && notice.kind.is_follow_up() {
        found = followed(tx, notice).await?;
    }
    if found.is_none() && portrait.is_none() {
        found = awarded(tx, notice).await?;
    }
    if found.is_none() && calls {
        found = ended_before(tx, notice).await?;
    }
    Ok(Match { procedure: found, duplicates: Vec::new() })
}

/// Whether a call opens anew what ended: all that leads to what is stored is that it names records of procedures that were called off
/// or awarded, and it is open to answers for longer than they were.
async fn relaunches(tx: &mut IngestTx, notice: &Notice, strong: &[(String, String)]) -> Result<bool, StoreError> {
    let Some(closes) = notice.deadline().filter(|at| *at > tx.now() && !notice.kind.is_follow_up()) else {
        return Ok(false);
    };
    let earlier: Vec<String> = notice.links.earlier.iter().map(|id| procedure::record_key(notice, id)).collect();
    if strong.is_empty() || !strong.iter().all(|(key, _)| earlier.contains(key)) {
        return Ok(false);
    }
    for (_, id) in strong {
        let Some(found) = tx.procedure(id).await? else { return Ok(false) };
        let until = found.snapshot.deadline_of("");
        if found.snapshot.status == Status::Open || until.is_some_and(|until| until >= closes) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The one open procedure of its source whose title a notice repeats to say what became of it; none where several bear that title.
async fn followed(tx: &mut IngestTx, notice: &Notice) -> Result<Option<KnownProcedure>, StoreError> {
    let Some(bucket) = likeness::title_bucket(notice) else { return Ok(None) };
    let of_title = |(id, text): (String, String)| {
        let call: Portrait = serde_json::from_str(&text).ok()?;
        likeness::same_title_follows(&call, notice).then_some(id)
    };
    let ids: BTreeSet<String> = tx.portraits(&bucket).await?.into_iter().filter_map(of_title).collect();
    let mut open = Vec::new();
    for id in &ids {
        open.extend(tx.procedure(id).await?.filter(|p| p.snapshot.status == Status::Open));
    }
    Ok(open.pop().filter(|_| open.is_empty()))
}

/// The procedure of whose end its source told before it showed the call; none where that may be the end of several.
async fn ended_before(tx: &mut IngestTx, notice: &Notice) -> Result<Option<KnownProcedure>, StoreError> {
    if notice.visibility.structure().is_some() {
        return Ok(None);
    }
    let mut ids = BTreeSet::new();
    for bucket in Ended::buckets(notice) {
        let ends = |text: &str| serde_json::from_str::<Ended>(text).is_ok_and(|end| end.ends(notice));
        ids.extend(tx.portraits(&bucket).await?.into_iter().filter(|(_, text)| ends(text)).map(|(id, _)| id));
    }
    match (ids.pop_first(), ids.is_empty()) {
        (Some(id), true) => tx.procedure(&id).await,
        _ => Ok(None),
    }
}

/// The procedure whose notice another source shows on the page of this one, where it is open and its title is of the same call.
async fn on_the_same_page(
    tx: &mut IngestTx,
    procedure: &str,
    notice: &Notice,
) -> Result<Option<KnownProcedure>, StoreError> {
    let Some(found) = tx.procedure(procedure).await? else { return Ok(None) };
    let closes = found.snapshot.closes();
    // Once it closed, the page may show its next edition.
    let over = closes.is_some_and(|at| at < tx.now() && notice.deadline() != Some(at));
    if found.snapshot.status != Status::Open || over || !likeness::same_call(&found.title, &notice.title) {
        return Ok(None);
    }
    let ours = format!("{}:", notice.source);
    let others = tx.other_statements(&found.id, &notice.key(), MAX_OTHERS).await?;
    let told_here = others.iter().flat_map(|other| &other.names).any(|name| name.starts_with(&ours));
    Ok((!told_here).then_some(found))
}

/// The one open procedure of other sources that looks the same; none where several do, or where this source has a
/// record in it already.
async fn look_alike(tx: &mut IngestTx, portrait: &Portrait) -> Result<Option<KnownProcedure>, StoreError> {
    let rows = tx.portraits(&portrait.bucket()).await?;
    let known: Vec<(String, Portrait)> =
        rows.into_iter().filter_map(|(id, text)| Some((id, serde_json::from_str(&text).ok()?))).collect();
    let found: BTreeSet<&String> =
        known.iter().filter(|(_, other)| likeness::same(portrait, other)).map(|(id, _)| id).collect();
    let (Some(one), 1) = (found.first(), found.len()) else { return Ok(None) };
    if known.iter().any(|(id, other)| id == *one && other.source == portrait.source) {
        return Ok(None);
    }
    Ok(tx.procedure(one).await?.filter(|p| p.snapshot.status == Status::Open))
}

/// How long after its call a contract is notified at most.
const CALL_TO_CONTRACT: Duration = Duration::days(450);
/// How long after its call it is notified at least: tenders alone take as long.
const LEAST_TO_CONTRACT: Duration = Duration::days(15);
/// How far apart a notice of results and the essential data of a contract are published.
const RESULTS_APART: Duration = Duration::days(150);
/// Most procedures of a buyer that are compared.
const MAX_OF_BUYER: u32 = 300;

/// When a result was published, or notified.
fn moment_of(notice: &Notice) -> Option<DateTime<Utc>> {
    notice.published.map(|day| day.and_time(NaiveTime::MIN).and_utc())
}

/// The procedure of the contract that essential data tell of: they name the buyer and the object, and no notice. It is the latest of
/// that buyer whose call came in time and speaks of the same; none where two came on one day, or where this source has told of that
/// lot under another number.
async fn awarded(tx: &mut IngestTx, notice: &Notice) -> Result<Option<KnownProcedure>, StoreError> {
    let (Some(siren), Some(at), true) = (notice.buyer.siren(), moment_of(notice), notice.kind.is_result()) else {
        return Ok(None);
    };
    let between = (at - CALL_TO_CONTRACT, at + RESULTS_APART);
    let mut found = tx.procedures_of_buyer(siren, between, MAX_OF_BUYER).await?;
    found.retain(|p| object::alike((&p.title, &[]), (&notice.title, &[])));
    for candidate in &found {
        let published = tx.published_of(&candidate.procedure, MAX_OTHERS).await?;
        let is_call = published.iter().any(|(n, _)| !n.kind.is_follow_up());
        if !is_call && published.iter().any(|(n, _)| n.source == notice.source) {
            continue; // contracts without a call stand each for itself
        }
        let in_time =
            if is_call { candidate.at + LEAST_TO_CONTRACT <= at } else { (candidate.at - at).abs() <= RESULTS_APART };
        let same_kind =
            published.iter().any(|(n, a)| object::alike((&candidate.title, &a.cpv), (&n.title, &notice.cpv)));
        if !in_time || !same_kind {
            continue;
        }
        let twin = found.iter().any(|o| o.procedure != candidate.procedure && o.at == candidate.at);
        let lots = |n: &Notice| n.awards.iter().map(|a| a.lot.clone()).collect::<Vec<_>>();
        let told = published.iter().any(|(n, _)| {
            n.source == notice.source
                && n.record_id != notice.record_id
                && lots(n).iter().any(|l| lots(notice).contains(l))
                && n.title == notice.title
        });
        return if twin || told && is_call { Ok(None) } else { tx.procedure(&candidate.procedure).await };
    }
    Ok(None)
}

/// Procedures that are nothing but the essential data of contracts of this one, which came before its results did.
async fn contracts_alone(tx: &mut IngestTx, notice: &Notice, of: &KnownProcedure) -> Result<Vec<String>, StoreError> {
    let (Some(siren), Some(at), true) = (notice.buyer.siren(), moment_of(notice), notice.kind.is_result()) else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    for other in tx.procedures_of_buyer(siren, (at - RESULTS_APART, at + RESULTS_APART), MAX_OF_BUYER).await? {
        if other.procedure == of.id || !object::alike((&of.title, &[]), (&other.title, &[])) {
            continue;
        }
        let kinds = tx.kinds_in(&other.procedure).await?;
        let only_results =
            kinds.iter().all(|(source, kind)| *source != notice.source && kind == NoticeKind::Award.as_str());
        if only_results {
            out.push(other.procedure);
        }
    }
    Ok(out)
}

/// What is stored beside the procedure.
pub(super) async fn stored(
    tx: &mut IngestTx,
    notice: &Notice,
    known: Option<KnownNotice>,
    procedure: Option<KnownProcedure>,
) -> Result<Stored, StoreError> {
    let key = notice.key();
    let corrected = if known.is_some() { tx.corrected_provisions(&key).await? } else { None };
    let previous = if known.is_some() { tx.assessment_of(&key).await? } else { None };
    let said = if known.is_some() { tx.document_of(&key).await? } else { None };
    let (mut earlier, mut others, mut whole, mut told) = (None, Vec::new(), None, Vec::new());
    if let Some(p) = &procedure {
        if known.is_none() {
            others = tx.other_statements(&p.id, &key, MAX_OTHERS).await?;
        }
        if notice.kind.is_follow_up() {
            earlier = tx.latest_assessment(&p.id, &key).await?;
            let said = tx.other_notices(&p.id, &key, MAX_EARLIER).await?;
            let said = said.iter().filter(|n| !n.kind.is_result());
            whole = Some(said.fold(notice.clone(), |whole, earlier| whole.inheriting(earlier)));
        }
        told = tx.told(&p.id).await?;
    }
    Ok(Stored { notice: known, said, previous, procedure, corrected, carried: None, earlier, others, whole, told })
}

/// The correction of another notice that stands for the procedure of this one; the text that was corrected is read anew, to be compared
/// with what this one says.
pub(super) async fn carried(
    tx: &mut IngestTx,
    judge: &Judge,
    notice: &Notice,
    stored: &Stored,
) -> Result<Option<Carried>, StoreError> {
    let (Some(procedure), None) = (&stored.procedure, &stored.corrected) else { return Ok(None) };
    let Some(made) = tx.standing_correction(&procedure.id).await? else { return Ok(None) };
    let (Some(corrected), false) = (made.provisions, made.notice == notice.key()) else { return Ok(None) };
    let Some(text) = tx.document_of(&made.notice).await? else { return Ok(None) };
    // A text that cannot be read any more says nothing to compare with.
    let read = judge.verdicts(&[Arc::new(text)]).await.pop().and_then(Result::ok);
    Ok(read.map(|(verdict, _)| Carried { by: made.subscriber, read: verdict.provisions, corrected }))
}

/// What is stored of the people whom an alert may reach.
pub(super) async fn people(
    tx: &mut IngestTx,
    planner: &Planner<'_>,
    audiences: &Audiences<'_>,
    procedure: &str,
    alert: &str,
) -> Result<People, StoreError> {
    let may: Vec<(&str, u32)> = planner.may_hear_at_once(audiences);
    let load = HourlyLoad::read(tx, &may, planner.merges_all()).await?;
    if !audiences.tells_again() {
        return Ok(People { load, ..People::default() });
    }
    let lines = tx.waiting_lines(procedure, alert).await?;
    let untold = tx.untold(procedure, alert).await?;
    Ok(People { load, lines, untold })
}
