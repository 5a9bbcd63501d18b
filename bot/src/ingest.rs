//! Version, procedure, verdict, alert, everyone's share of it, and the deliveries they cause: whole in one transaction, which
//! takes as many notices of a page as its turn allows.
//!
//! Idempotent on (source, record id, content hash). The audience index is trusted only if the subscriptions are, inside
//! the transaction, at the version it was built from.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use vigie_config::rules;
use vigie_config::settings::Baseline;
use vigie_domain::french;
use vigie_domain::procedure::{self, Change, Snapshot, Status};
use vigie_domain::subscription::{Candidate, Match, Profile, Rhythm};
use vigie_domain::{Alert, AlertKind, Assessment, Cadence, DateKind, Disposition, Notice, NoticeKind, Subscriber};
use vigie_notifier::audience::{Hit, Index};
use vigie_notifier::card::Why;
use vigie_notifier::due::DigestTimes;
use vigie_notifier::rhythm::{self, When};
use vigie_store::ingest::{IngestTx, KnownProcedure, NewDelivery, NewNotification, Share, Told};
use vigie_store::journal::NoticeRow;
use vigie_store::people::{Address, AddressState};
use vigie_store::verdicts::VerdictCorrection;
use vigie_store::{Store, StoreError, derived_id};
use vigie_watcher::classify::{self, fold::fold};
use vigie_watcher::procedure::{self as same, Portrait};
use vigie_watcher::zones;

use crate::app::App;
use crate::crash_point::CrashPoint;
use crate::flood::{self, Recent};
use crate::found;
use crate::observe::Step;

/// Times a stale index is rebuilt before giving up.
const MAX_REBUILDS: usize = 5;
/// Most notices looked at for one transaction.
const MOST_TOGETHER: usize = 50;
/// After how long a transaction takes no further notice: others wait to write.
const LONGEST_TURN: Duration = Duration::from_millis(50);

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Known already, with this very content.
    Unchanged,
    /// Stored; so many people have a share of it.
    Stored(usize),
}

/// The audience, kept between notices.
#[derive(Default)]
pub struct Audience {
    index: Index,
    addresses: HashMap<String, Vec<Address>>,
    profiles: HashMap<String, Profile>,
    rhythms: HashMap<String, Rhythm>,
}

impl Audience {
    /// Reads the subscriptions anew.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let (version, entries) = store.subscriptions().await?;
        let mut addresses = HashMap::new();
        let mut profiles = HashMap::new();
        let rhythms = store.rhythms().await?;
        for (_, person) in &entries {
            profiles.entry(person.id.clone()).or_insert_with(|| person.profile.clone());
            if !addresses.contains_key(&person.id) {
                addresses.insert(person.id.clone(), store.addresses(&person.id).await?);
            }
        }
        Ok(Self { index: Index::build(version, entries, fold), addresses, profiles, rhythms })
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    fn active(&self, subscriber: &str) -> impl Iterator<Item = &Address> {
        self.addresses.get(subscriber).into_iter().flatten().filter(|a| a.state == AddressState::Active)
    }
}

/// A stored notice as filters see it at a moment; `folded` is its searchable text.
#[must_use]
pub fn candidate<'a>(row: &'a NoticeRow, folded: &'a str, now: DateTime<Utc>) -> Candidate<'a> {
    Candidate { notice: &row.notice, assessment: &row.assessment, folded, now, communes: rules::communes }
}

/// Hash of a notice's content: what makes a new version.
#[must_use]
pub fn content_hash(notice: &Notice) -> String {
    let bytes = serde_json::to_vec(notice).unwrap_or_default();
    Sha256::digest(&bytes).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Stores a notice and all it causes.
///
/// # Errors
/// The database fails, or what it holds of the notice's procedure cannot be read; nothing of this notice was written.
pub async fn ingest(
    app: &App,
    audience: &mut Audience,
    notice: &Notice,
    first_poll: Option<Baseline>,
) -> Result<Outcome, StoreError> {
    let outcome = ingest_page(app, audience, std::slice::from_ref(notice), first_poll).await?.pop();
    outcome.unwrap_or(Ok(Outcome::Unchanged))
}

/// Stores the notices of a page in order, each with all it causes, several in one transaction. What became of each; one whose
/// procedure cannot be read back stops none of the others.
///
/// # Errors
/// The database fails; what was written before is whole.
pub async fn ingest_page(
    app: &App,
    audience: &mut Audience,
    notices: &[Notice],
    first_poll: Option<Baseline>,
) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
    let keys: Vec<String> = notices.iter().map(Notice::key).collect();
    let known = app.store.content_hashes(&keys).await?;
    let mut outcomes: Vec<Result<Outcome, StoreError>> = notices.iter().map(|_| Ok(Outcome::Unchanged)).collect();
    let mut changed: Vec<Judged<'_>> = Vec::new();
    let mut seen = HashSet::new();
    for (place, (notice, key)) in notices.iter().zip(keys).enumerate() {
        let hash = content_hash(notice);
        // After a changed record, the same one again is compared with what that one leaves.
        if known.get(&key) != Some(&hash) || seen.contains(&key) {
            seen.insert(key.clone());
            let began = Instant::now();
            let verdict = classify::classify(notice);
            changed.push(Judged { place, notice, key, hash, verdict, took: began.elapsed() });
            tokio::task::yield_now().await;
        }
    }
    let mut rest = changed.as_slice();
    let mut alone = 0_usize;
    while !rest.is_empty() {
        let most = if alone > 0 { 1 } else { rest.len().min(MOST_TOGETHER) };
        match together(app, audience, &rest[..most], first_poll).await {
            Ok(done) => {
                alone = alone.saturating_sub(done.len());
                for (one, outcome) in rest.iter().zip(&done) {
                    outcomes[one.place] = Ok(*outcome);
                }
                rest = &rest[done.len()..];
            }
            Err(e @ StoreError::Unreadable { .. }) if most == 1 => {
                alone = alone.saturating_sub(1);
                outcomes[rest[0].place] = Err(e);
                rest = &rest[1..];
            }
            // One of them is the cause: each on its own shows which.
            Err(e) if most > 1 => {
                tracing::warn!("{most} notices together were refused, each goes alone: {e}");
                alone = most;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(outcomes)
}

/// A notice to be stored.
struct Judged<'a> {
    /// Where it stands on its page.
    place: usize,
    notice: &'a Notice,
    key: String,
    hash: String,
    verdict: Assessment,
    /// How long the verdict took.
    took: Duration,
}

/// Stores as many of these notices as fit in one turn of writing, one at least, in one transaction.
async fn together(
    app: &App,
    audience: &mut Audience,
    notices: &[Judged<'_>],
    first_poll: Option<Baseline>,
) -> Result<Vec<Outcome>, StoreError> {
    let keys: Vec<String> = notices.iter().map(|n| n.key.clone()).collect();
    for _ in 0..MAX_REBUILDS {
        let mut tx = app.store.begin_ingest_at(|| app.clock.now()).await?;
        let turn = Instant::now();
        let now = tx.now();
        if tx.subscription_version().await? != audience.index.version() {
            drop(tx);
            *audience = Audience::read(&app.store).await?;
            continue;
        }
        tx.look_up_notices(&keys).await?;
        let mut outcomes = Vec::new();
        for one in notices {
            let began = Instant::now();
            let job = Ingest { app, audience, notice: one.notice, hash: &one.hash, first_poll, now };
            outcomes.push(job.run(&mut tx, one.verdict.clone()).await?);
            Step::Ingest.took(began.checked_sub(one.took).unwrap_or(began));
            if turn.elapsed() > LONGEST_TURN {
                break;
            }
        }
        tx.commit().await?;
        CrashPoint::AfterCommit.reach();
        return Ok(outcomes);
    }
    Err(StoreError::Restless)
}

/// Stores a verdict corrected by a person, and tells those who were told of the first one, and those whom the new one
/// concerns. Gives the number of people.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn correct_verdict(app: &App, row: &NoticeRow, correction: &VerdictCorrection) -> Result<usize, StoreError> {
    let audience = Audience::read(&app.store).await?;
    let now = app.clock.now();
    let assessment = classify::with_provisions(&row.notice, &row.assessment, correction.provisions.clone());
    let mut tx = app.store.begin_ingest(now).await?;
    let cause = tx.put_verdict_correction(correction).await?;
    let hash = content_hash(&row.notice);
    let before = tx.procedure(&row.procedure).await?.map(|p| p.snapshot).unwrap_or_default();
    let after = Snapshot { provisions: Snapshot::of(&assessment).provisions, ..before.clone() };
    let alert = Alert {
        id: cause,
        kind: AlertKind::Correction,
        procedure: row.procedure.clone(),
        notice: row.id.clone(),
        changes: procedure::changes(&before, &after),
    };
    let told = tx.told(&row.procedure).await?;
    tx.put_procedure(&row.procedure, &assessment.title, &after, &[]).await?;
    tx.put_notice(&row.notice, &assessment, &hash, &row.procedure).await?;
    tx.put_found(&found::row(&row.procedure, &row.notice, &assessment, &after, now), true).await?;
    let job = Ingest { app, audience: &audience, notice: &row.notice, hash: &hash, first_poll: None, now };
    let people = job.tell(&mut tx, &alert, false, &assessment, &told).await?;
    tx.commit().await?;
    Ok(people)
}

/// How many members of a network were told of what it passes on, and how many knew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassedOn {
    /// Told now, or in their next grouped message.
    pub told: usize,
    /// Told before: they hear nothing.
    pub knew: usize,
}

/// Passes a notice on to the members of a network, but for those who were told of its procedure. Passed on twice, it is told
/// once.
///
/// # Errors
/// The database fails; nobody is told.
pub async fn pass_on(app: &App, row: &NoticeRow, network: &Subscriber) -> Result<PassedOn, StoreError> {
    let mut audience = Audience::read(&app.store).await?;
    let mut members = app.store.subscribers().await?;
    members.retain(|s| s.id != network.id && s.profile.is_member_of(&network.name));
    for member in &members {
        audience.profiles.entry(member.id.clone()).or_insert_with(|| member.profile.clone());
        audience.addresses.insert(member.id.clone(), app.store.addresses(&member.id).await?);
    }
    let mut tx = app.store.begin_ingest_at(|| app.clock.now()).await?;
    let told = tx.told(&row.procedure).await?;
    let told: BTreeSet<&str> = told.iter().filter(|t| t.disposition.is_told()).map(|t| t.subscriber.as_str()).collect();
    let alert = Alert {
        id: derived_id(&["passed on", &network.id, &row.id]),
        kind: AlertKind::New,
        procedure: row.procedure.clone(),
        notice: row.id.clone(),
        changes: Vec::new(),
    };
    let hash = content_hash(&row.notice);
    let now = tx.now();
    let job = Ingest { app, audience: &audience, notice: &row.notice, hash: &hash, first_poll: None, now };
    let (mut shares, mut outcome) = (Vec::new(), PassedOn::default());
    let recent = job.recent(&mut tx, members.iter().map(|m| m.id.as_str())).await?;
    for member in &members {
        let mut decided = if told.contains(member.id.as_str()) {
            outcome.knew += 1;
            Decided::untold(Disposition::Duplicate, "déjà signalé")
        } else {
            outcome.told += 1;
            job.decide(&mut tx, &recent, &member.id, None, None, (&alert, &row.assessment)).await?
        };
        decided.remark = Some(format!("Transmis par {}", network.name));
        shares.push(job.with_deliveries(&member.id, None, decided, &alert, &row.assessment));
    }
    if !shares.is_empty() {
        tx.put_shares(&alert, None, &shares).await?;
    }
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(outcome)
}

struct Ingest<'a> {
    app: &'a App,
    audience: &'a Audience,
    notice: &'a Notice,
    hash: &'a str,
    first_poll: Option<Baseline>,
    now: DateTime<Utc>,
}

/// What a notice means for a procedure.
struct Meaning {
    kind: AlertKind,
    changes: Vec<Change>,
    /// Nothing new for those who were told.
    silent: bool,
}

impl Ingest<'_> {
    async fn run(&self, tx: &mut IngestTx, mut assessment: Assessment) -> Result<Outcome, StoreError> {
        let key = self.notice.key();
        let known = tx.known_notice(&key).await?;
        if known.as_ref().is_some_and(|k| k.content_hash == self.hash) {
            return Ok(Outcome::Unchanged);
        }
        let keys = same::keys(self.notice);
        let portrait = same::portrait(self.notice);
        let procedure = match &known {
            // Once in a procedure, a notice stays in it.
            Some(known) => tx.procedure(&known.procedure).await?,
            None => self.find_procedure(tx, &keys, portrait.as_ref()).await?,
        };
        if known.is_some()
            && let Some(provisions) = tx.corrected_provisions(&key).await?
        {
            assessment = classify::with_provisions(self.notice, &assessment, provisions);
        }
        if let Some(p) = &procedure
            && is_partial(self.notice.kind)
            && let Some(earlier) = tx.latest_assessment(&p.id, &key).await?
        {
            complete(&mut assessment, &earlier);
        }
        let snapshot = Snapshot::of(&assessment);
        let after = procedure
            .as_ref()
            .map_or_else(|| snapshot.clone(), |p| p.snapshot.followed_by(&snapshot, self.notice.kind));
        let meaning = meaning(self.notice.kind, known.is_some(), procedure.as_ref(), &after);
        let id = procedure.as_ref().map_or_else(|| derived_id(&["procedure", &key]), |p| p.id.clone());
        let told = if procedure.is_some() { tx.told(&id).await? } else { Vec::new() };
        tx.put_procedure(&id, &assessment.title, &after, &keys).await?;
        tx.put_notice(self.notice, &assessment, self.hash, &id).await?;
        let row = found::row(&id, self.notice, &assessment, &after, self.now);
        tx.put_found(&row, is_partial(self.notice.kind)).await?;
        if let Some(portrait) = &portrait {
            let written = serde_json::to_string(portrait).unwrap_or_default();
            tx.put_portrait(&key, &id, &portrait.bucket(), &written).await?;
        }
        // The version is part of the name: a content that comes back after another one is news again.
        let version = known.as_ref().map_or(1, |k| k.version + 1).to_string();
        let alert = Alert {
            id: derived_id(&[&key, self.hash, &version]),
            kind: meaning.kind,
            procedure: id,
            notice: key,
            changes: meaning.changes,
        };
        let people = self.tell(tx, &alert, meaning.silent, &assessment, &told).await?;
        Ok(Outcome::Stored(people))
    }

    /// The procedure this notice belongs to: by statements first, and where they lead to several procedures these are found
    /// to be one. A buyer's reference joins a call only to what is still open and speaks of the same thing: under the
    /// reference of a procedure called off or awarded it is a relaunch, under that of another object a reference used twice;
    /// both are news. At last by likeness.
    async fn find_procedure(
        &self,
        tx: &mut IngestTx,
        keys: &[String],
        portrait: Option<&Portrait>,
    ) -> Result<Option<KnownProcedure>, StoreError> {
        let (weak, strong): (Vec<_>, Vec<_>) =
            tx.procedures_of(keys).await?.into_iter().partition(|(key, _)| procedure::is_reference(key));
        if let Some((_, id)) = strong.first()
            && let Some(found) = tx.procedure(id).await?
        {
            let all: Vec<String> = strong.into_iter().map(|(_, id)| id).collect();
            let ended = tx.join_procedures(&found.id, &all).await?;
            if !ended.is_empty() {
                tracing::info!(notice = %self.notice.key(), procedure = %found.id, ?ended, "procedures found to be one");
            }
            return Ok(Some(found));
        }
        let calls = !is_partial(self.notice.kind);
        let same = |p: &KnownProcedure| p.snapshot.status == Status::Open && alike(&p.title, &self.notice.title);
        if let Some((_, id)) = weak.first()
            && let Some(found) = tx.procedure(id).await?.filter(|p| !calls || same(p))
        {
            return Ok(Some(found));
        }
        match portrait {
            Some(portrait) => self.look_alike(tx, portrait).await,
            None => Ok(None),
        }
    }

    /// The one open procedure of other sources that looks the same; none where several do, or where this source has a
    /// record in it already.
    async fn look_alike(&self, tx: &mut IngestTx, portrait: &Portrait) -> Result<Option<KnownProcedure>, StoreError> {
        let rows = tx.portraits(&portrait.bucket()).await?;
        let known: Vec<(String, Portrait)> =
            rows.into_iter().filter_map(|(id, text)| Some((id, serde_json::from_str(&text).ok()?))).collect();
        let found: BTreeSet<&String> =
            known.iter().filter(|(_, other)| same::same(portrait, other)).map(|(id, _)| id).collect();
        let (Some(one), 1) = (found.first(), found.len()) else { return Ok(None) };
        if known.iter().any(|(id, other)| id == *one && other.source == portrait.source) {
            return Ok(None);
        }
        Ok(tx.procedure(one).await?.filter(|p| p.snapshot.status == Status::Open))
    }

    /// Writes the alert and everyone's share of it, if there is anyone; gives their number.
    async fn tell(
        &self,
        tx: &mut IngestTx,
        alert: &Alert,
        silent: bool,
        assessment: &Assessment,
        told: &[Told],
    ) -> Result<usize, StoreError> {
        let shares = self.shares(tx, alert, silent, assessment, told).await?;
        if !shares.is_empty() {
            tx.put_shares(alert, None, &shares).await?;
        }
        Ok(shares.len())
    }

    /// Everyone's share: those whom it concerns now, and those who were told before.
    async fn shares(
        &self,
        tx: &mut IngestTx,
        alert: &Alert,
        silent: bool,
        assessment: &Assessment,
        told: &[Told],
    ) -> Result<Vec<Share>, StoreError> {
        let wanted = self.audience.index.reads_text();
        let folded = if wanted { classify::searchable(self.notice, &assessment.lots) } else { String::new() };
        let candidate =
            Candidate { notice: self.notice, assessment, folded: &folded, now: self.now, communes: rules::communes };
        let mut hits: BTreeMap<String, Option<Hit>> =
            self.audience.index.hits(&candidate).into_iter().map(|h| (h.subscriber.clone(), Some(h))).collect();
        let mut how: BTreeMap<&str, &Told> = BTreeMap::new();
        let known: BTreeSet<&str> = told.iter().map(|t| t.subscriber.as_str()).collect();
        for t in told.iter().rev().filter(|t| t.disposition.is_told()) {
            how.insert(&t.subscriber, t);
            hits.entry(t.subscriber.clone()).or_insert(None);
        }
        let at_once = |id: &str, hit: &Option<Hit>| {
            how.contains_key(id) || hit.as_ref().is_none_or(|h| matches!(h.cadence, Cadence::Instant | Cadence::Auto))
        };
        let may: Vec<&str> = hits.iter().filter(|(id, hit)| at_once(id, hit)).map(|(id, _)| id.as_str()).collect();
        let recent = self.recent(tx, may.into_iter()).await?;
        let mut out = Vec::new();
        for (subscriber, hit) in hits {
            let before = how.get(subscriber.as_str()).copied();
            if silent && known.contains(subscriber.as_str()) {
                // Nothing new for someone who has a share already, told or not: the journal says so.
                if hit.is_some() {
                    let decided = Decided::untold(Disposition::Duplicate, "déjà signalé, rien n’a changé");
                    out.push((self.share(&subscriber, hit, decided), Vec::new()));
                }
                continue;
            }
            let disposition = before.map(|t| t.disposition);
            let mut decided =
                self.decide(tx, &recent, &subscriber, hit.as_ref(), disposition, (alert, assessment)).await?;
            decided.remark = before.and_then(|t| t.digest).map(|at| self.follows(&subscriber, alert.kind, at));
            out.push(self.with_deliveries(&subscriber, hit, decided, alert, assessment));
        }
        Ok(out)
    }

    /// Says that what a digest told is not all any more.
    fn follows(&self, subscriber: &str, kind: AlertKind, digest: DateTime<Utc>) -> String {
        let does = match kind {
            AlertKind::Correction => "Rectifie",
            AlertKind::Cancellation => "Annule",
            _ => "Fait suite à",
        };
        let day = digest.with_timezone(&self.zone(subscriber)).date_naive();
        format!("{does} un marché de votre résumé du {}", french::date(day))
    }

    fn zone(&self, subscriber: &str) -> Tz {
        zones::zone(self.audience.profiles.get(subscriber).and_then(|p| p.departments.first()))
    }

    /// What these people had at once within the last hour.
    async fn recent<'a>(&self, tx: &mut IngestTx, people: impl Iterator<Item = &'a str>) -> Result<Recent, StoreError> {
        Recent::of(self.app, tx, people.map(|id| (id, self.rhythm(id)))).await
    }

    fn rhythm(&self, subscriber: &str) -> Rhythm {
        self.audience.rhythms.get(subscriber).copied().unwrap_or_default()
    }

    /// How one person hears of it.
    async fn decide(
        &self,
        tx: &mut IngestTx,
        recent: &Recent,
        subscriber: &str,
        hit: Option<&Hit>,
        before: Option<Disposition>,
        (alert, assessment): (&Alert, &Assessment),
    ) -> Result<Decided, StoreError> {
        match self.first_poll {
            Some(Baseline::Quiet) if before.is_none() => {
                return Ok(Decided::untold(Disposition::Baseline, "déjà publié avant le début de la veille"));
            }
            Some(Baseline::Digest) if before.is_none() => {
                let due = flood::due(tx, subscriber).await?;
                return Ok(Decided::grouped(due, "Première veille : voici ce qui était déjà publié."));
            }
            _ => {}
        }
        if before.is_none() && hit.is_some_and(|h| h.paused) {
            return Ok(Decided::untold(Disposition::Paused, "abonnement en pause"));
        }
        let cadence = match before {
            // What follows a message comes the way the message came.
            Some(Disposition::Instant | Disposition::Overflow) => Cadence::Instant,
            Some(_) => hit.map_or(Cadence::Daily, |h| h.cadence),
            None => hit.map_or(Cadence::Instant, |h| h.cadence),
        };
        if let Some(before) = before {
            tx.supersede_unsent(subscriber, &alert.procedure, &alert.id).await?;
            if let Some(due) = tx.take_from_digest(subscriber, &alert.procedure, &alert.id).await? {
                return Ok(Decided { due: Some(due), ..Decided::at_once(before) });
            }
        }
        let (unknown, nothing) = (Profile::default(), Match::default());
        let profile = self.audience.profiles.get(subscriber).unwrap_or(&unknown);
        let rhythm = self.rhythm(subscriber);
        let found = hit.map_or(&nothing, |h| &h.found);
        let pressing = rhythm::presses(profile, assessment, found, self.now);
        let times = DigestTimes { zone: self.zone(subscriber), ..self.app.digest_times() };
        match rhythm::when(cadence, pressing, &rhythm, times, self.now) {
            When::Digest(due) => Ok(Decided { due: Some(due), ..Decided::at_once(Disposition::Digest) }),
            When::AfterQuiet(due) => Ok(Decided::grouped(due, "Reçus pendant vos heures de silence.")),
            When::Now => Ok(match flood::grouped(self.app, tx, recent, subscriber, &rhythm).await? {
                Some(due) => Decided::grouped(due, flood::NOTE),
                None => Decided::at_once(Disposition::Instant),
            }),
        }
    }

    fn share(&self, subscriber: &str, hit: Option<Hit>, decided: Decided) -> NewNotification {
        let subscription = hit.as_ref().map(|h| h.subscription.clone());
        let why = hit.map_or_else(Why::default, |h| Why { found: h.found, fit: h.fit, ..Why::default() });
        let why = Why { note: decided.note.map(str::to_owned), remark: decided.remark, ..why };
        NewNotification {
            subscriber: subscriber.to_owned(),
            subscription,
            disposition: decided.disposition,
            reasons: serde_json::to_string(&why).unwrap_or_default(),
            due: decided.due,
        }
    }

    fn with_deliveries(
        &self,
        subscriber: &str,
        hit: Option<Hit>,
        decided: Decided,
        alert: &Alert,
        assessment: &Assessment,
    ) -> Share {
        let share = self.share(subscriber, hit, decided);
        if share.disposition != Disposition::Instant {
            return (share, Vec::new());
        }
        // A message about a procedure that is still open loses its meaning when it closes.
        let expires = assessment.deadline().map(|d| d.with_timezone(&Utc)).filter(|d| *d > self.now);
        (share, self.audience.active(subscriber).map(|a| NewDelivery::of(alert, a, expires)).collect())
    }
}

/// How one person hears of something.
struct Decided {
    disposition: Disposition,
    due: Option<DateTime<Utc>>,
    /// Why the message is grouped, or why there is none.
    note: Option<&'static str>,
    /// What is to be said of this one thing.
    remark: Option<String>,
}

impl Decided {
    fn at_once(disposition: Disposition) -> Self {
        Self { disposition, due: None, note: None, remark: None }
    }

    fn untold(disposition: Disposition, note: &'static str) -> Self {
        Self { note: Some(note), ..Self::at_once(disposition) }
    }

    fn grouped(due: DateTime<Utc>, note: &'static str) -> Self {
        Self { due: Some(due), note: Some(note), ..Self::at_once(Disposition::Overflow) }
    }
}

fn is_partial(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Correction | NoticeKind::Cancellation | NoticeKind::Award)
}

/// What a correction, cancellation or award leaves out is as it was.
fn complete(later: &mut Assessment, earlier: &Assessment) {
    fn fill<T: Clone>(mine: &mut Vec<T>, theirs: &[T]) -> bool {
        let empty = mine.is_empty();
        if empty {
            mine.extend_from_slice(theirs);
        }
        empty
    }
    fill(&mut later.cpv, &earlier.cpv);
    fill(&mut later.departments, &earlier.departments);
    fill(&mut later.lots, &earlier.lots);
    fill(&mut later.sectors, &earlier.sectors);
    fill(&mut later.side_sectors, &earlier.side_sectors);
    fill(&mut later.facts, &earlier.facts);
    if fill(&mut later.provisions, &earlier.provisions) && later.notice_kind == NoticeKind::Correction {
        later.score = later.score.max(earlier.score);
        later.reasons.clone_from(&earlier.reasons);
        later.routes.clone_from(&earlier.routes);
        later.eligible_kinds.clone_from(&earlier.eligible_kinds);
    }
    let told: Vec<DateKind> = later.dates.iter().map(|d| d.kind).collect();
    later.dates.extend(earlier.dates.iter().filter(|d| !told.contains(&d.kind)).cloned());
    if later.buyer.is_none() {
        later.buyer.clone_from(&earlier.buyer);
    }
    if later.title.is_empty() {
        later.title.clone_from(&earlier.title);
    }
}

fn meaning(kind: NoticeKind, same_record: bool, procedure: Option<&KnownProcedure>, after: &Snapshot) -> Meaning {
    let first = match kind {
        NoticeKind::Cancellation => AlertKind::Cancellation,
        NoticeKind::Award => AlertKind::Award,
        _ => AlertKind::New,
    };
    let Some(procedure) = procedure else { return Meaning { kind: first, changes: Vec::new(), silent: false } };
    let changes = procedure::changes(&procedure.snapshot, after);
    let (kind, silent) = match kind {
        NoticeKind::Cancellation => (AlertKind::Cancellation, !changes.contains(&Change::Cancelled)),
        NoticeKind::Award => (AlertKind::Award, !changes.contains(&Change::Awarded)),
        // A published correction is told even when no field shows what it changes.
        NoticeKind::Correction => (AlertKind::Correction, same_record && changes.is_empty()),
        _ if same_record => (AlertKind::Correction, changes.is_empty()),
        // Published again with another closing date.
        _ if reschedules(&changes) => (AlertKind::Correction, false),
        // The call after a prior information: now there is a deadline. Else the same procedure from another source.
        _ => (AlertKind::New, !opens(&changes)),
    };
    Meaning { kind, changes, silent }
}

/// Whether two titles share at least half of their words of four letters or more.
fn alike(a: &str, b: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() >= 4).map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    a.intersection(&b).count() * 2 >= a.union(&b).count()
}

/// Whether the closing date moved.
fn reschedules(changes: &[Change]) -> bool {
    changes.iter().any(|c| {
        matches!(c, Change::Date { kind: DateKind::Tender | DateKind::Participation, from: Some(_), to: Some(_) })
    })
}

/// Whether a procedure that had no closing date has one now.
fn opens(changes: &[Change]) -> bool {
    changes.iter().any(|c| {
        matches!(c, Change::Date { kind: DateKind::Tender | DateKind::Participation, from: None, to: Some(_) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_changes_with_the_content_only() {
        let mut notice = Notice::new("t", "1", NoticeKind::Call);
        let first = content_hash(&notice);
        assert_eq!(first, content_hash(&notice.clone()));
        notice.title = "autre".into();
        assert_ne!(first, content_hash(&notice));
    }

    #[test]
    fn titles_are_alike_when_half_their_words_are() {
        assert!(alike("Nettoyage des écoles de la ville", "NETTOYAGE DES ECOLES"));
        assert!(!alike("Nettoyage des écoles", "Entretien des espaces verts"));
    }

    #[test]
    fn the_same_call_from_another_source_says_nothing_new() {
        let procedure = KnownProcedure { id: "p".into(), title: String::new(), snapshot: Snapshot::default() };
        assert!(meaning(NoticeKind::Call, false, Some(&procedure), &Snapshot::default()).silent);
        assert!(!meaning(NoticeKind::Correction, false, Some(&procedure), &Snapshot::default()).silent);
        assert!(!meaning(NoticeKind::Call, false, None, &Snapshot::default()).silent);
    }
}
