//! Who hears what of a notice, when, and why: a pure function of what is stored, of the audience and of the moment.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, FixedOffset, Utc};
use vigie_config::settings::Baseline;
use vigie_domain::procedure::{self, Change, Snapshot, Statement, Status};
use vigie_domain::subscription::{Candidate, Match, Profile};
use vigie_domain::{Access, Alert, AlertKind, Assessment, Cadence, Disposition, MessageKind, Notice, french};
use vigie_notifier::audience::Hit;
use vigie_notifier::card::Why;
use vigie_notifier::due::DigestTimes;
use vigie_notifier::fit::Fit;
use vigie_notifier::rhythm::{self, When};
use vigie_store::ingest::{NewDelivery, NewNotification, Share, Told};
use vigie_store::ordered_id;
use vigie_watcher::classify;

use super::audience::{Audience, Signed};
use super::hourly_cap::{self, cap};
use super::procedure::{Meaning, complete, meaning};
use super::since::Since;
use super::stored::{People, Stored};
use crate::service::Service;
use crate::taste;

/// A call that closed longer ago than this when it is first seen is no news: its source publishes old ones again.
const LONG_CLOSED: Duration = Duration::days(7);

/// What the author of a correction reads of a notice that says otherwise.
const OVERRULED: &str = "Vous aviez corrigé la lecture de ce marché ; ce nouvel avis dit autre chose, et c’est lui qui vaut désormais. Vérifiez-le, et corrigez de nouveau s’il le faut.";

/// What decides how people hear of one notice.
pub struct Planner<'a> {
    audience: &'a Audience,
    /// What the source's first poll is to cause; `None` after it.
    first_poll: Option<Baseline>,
    /// The installation's digest times.
    times: DigestTimes,
    /// The installation's hourly cap; 0 = none.
    hourly_cap: u32,
    now: DateTime<Utc>,
    signed: Option<&'a Signed>,
    following: Option<&'a Following>,
    brought: Option<&'a Brought>,
    over: bool,
    contradicted: Option<&'a str>,
}

/// What an alert is to those whom it may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// It says nothing new to those who were told.
    pub silent: bool,
    /// What it announces had ended when it was first seen.
    pub over: bool,
}

/// A structure's own lead: everyone of the structure hears of it, its bearer at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Who brought it.
    pub by: String,
    /// How they are called; empty where that is not known.
    pub name: String,
    /// Everyone of the structure.
    pub people: Vec<String>,
}

impl Brought {
    /// What a person reads of where it comes from.
    fn remark(&self, subscriber: &str) -> String {
        if self.by == subscriber {
            return "Votre piste est enregistrée. Votre structure seule la voit ; pour la montrer à d’autres : « Partager cette piste », sur sa page.".to_owned();
        }
        let by = if self.name.is_empty() { String::new() } else { format!(" par {}", self.name) };
        format!("Piste apportée{by} : votre structure seule la voit.")
    }
}

/// People whose structure follows a party of a notice, and the name that it follows.
pub type Following = BTreeMap<String, String>;

/// What a notice changes.
#[derive(Debug)]
pub struct NoticePlan {
    /// The verdict, completed by what the procedure knew and by corrections.
    pub assessment: Assessment,
    /// What the procedure is with it.
    pub after: Snapshot,
    /// What there is to say.
    pub alert: Alert,
    /// It says nothing new to those who were told.
    pub silent: bool,
    /// Whose correction of an earlier notice it says otherwise than.
    pub contradicted: Option<String>,
}

/// Whom an alert may reach.
#[derive(Debug)]
pub struct Audiences<'a> {
    /// Each person, with the subscription that meets, if one does.
    people: BTreeMap<String, Option<Hit>>,
    /// What those who were told were told last.
    before: BTreeMap<&'a str, &'a Told>,
    /// Those who have a share of the procedure already, told or not.
    known: BTreeSet<&'a str>,
}

impl Audiences<'_> {
    /// Whether someone was told before.
    pub(super) fn tells_again(&self) -> bool {
        !self.before.is_empty()
    }
}

/// Everyone's share of an alert.
#[derive(Debug, Default)]
pub struct PeoplePlan {
    /// Each share, with the deliveries it causes.
    pub shares: Vec<Share>,
    /// People whose unsent messages and waiting lines about the procedure this alert replaces.
    pub replaced: Vec<String>,
}

/// What a notice changes of what is stored; what is new is named after the moment `now`.
#[must_use]
pub fn notice(notice: &Notice, hash: &str, verdict: Assessment, stored: &Stored, now: DateTime<Utc>) -> NoticePlan {
    let over = stored.carried.as_ref().map(|c| (c, c.over(&verdict.provisions, notice.issue.is_some())));
    let contradicted = over.as_ref().filter(|(_, over)| over.contradicted).map(|(carried, _)| carried.by.clone());
    let holds = stored.corrected.clone().or(over.map(|(_, over)| over.provisions));
    let mut assessment = match holds.filter(|holds| *holds != verdict.provisions) {
        Some(provisions) => classify::with_provisions(notice, &verdict, provisions),
        None => verdict,
    };
    if notice.kind.is_follow_up()
        && let Some(earlier) = &stored.earlier
    {
        complete(&mut assessment, earlier, notice.issue.is_some());
    }
    let before = stored.procedure.as_ref().map(|p| &p.snapshot);
    let offers = |a: &Assessment| Snapshot::of(a).provisions;
    // A record that is shown cut for a while, or whose page cannot be read, takes nothing back of what it said.
    if let (Some(said), Some(previous)) = (&stored.said, &stored.previous) {
        let cut = notice.is_part_of(said) && offers(previous) == offers(&assessment);
        if cut || notice.partial {
            complete(&mut assessment, previous, false);
        }
    }
    let stated = Snapshot::of(&assessment);
    // A record published again that states what it stated before leaves what was stated since as it is, whole or in part.
    let said = stored.previous.as_ref().map(Snapshot::of);
    let unchanged = said.as_ref() == Some(&stated);
    let this = Statement::of(notice);
    let outdated = unchanged || is_outdated(&this, &stored.others);
    let after = match before {
        None => stated,
        Some(before) if outdated => before.clone(),
        Some(before) => match &said {
            None => before.followed_by(&assessment),
            Some(said) => before.followed_by(&assessment).where_it_changed(before, said, &stated),
        },
    };
    let opened = match after.published {
        Some(day) if outdated || notice.kind.is_follow_up() => day,
        _ => notice.published.unwrap_or_else(|| now.date_naive()),
    };
    let after = Snapshot { published: Some(opened), ..after };
    let repeats = stored.others.iter().any(|other| this.repeats(other));
    let mut meaning = meaning(notice.kind, stored.notice.is_some(), repeats, before, &after);
    // That the list alone was read is our gap, not the publisher's: what its page adds is no correction.
    if stored.said.as_ref().is_some_and(|said| said.partial) && meaning.changes.iter().all(adds) {
        meaning = Meaning { kind: AlertKind::New, changes: Vec::new(), silent: true };
    }
    let key = notice.key();
    let procedure = stored.procedure.as_ref().map_or_else(|| ordered_id(now, &["procedure", &key]), |p| p.id.clone());
    // The version is part of the name: a content that comes back after another one is news again.
    let version = stored.notice.as_ref().map_or(1, |k| k.version + 1).to_string();
    let alert = Alert {
        id: ordered_id(now, &[&key, hash, &version]),
        kind: meaning.kind,
        procedure,
        notice: key,
        changes: meaning.changes,
    };
    NoticePlan { assessment, after, alert, silent: meaning.silent || outdated, contradicted }
}

impl NoticePlan {
    /// What there is to say, to those whom it may reach.
    #[must_use]
    pub fn news(&self) -> News {
        News { silent: self.silent, over: self.alert.kind == AlertKind::New && self.after.status != Status::Open }
    }
}

/// Whether a change only adds to what was stated.
fn adds(change: &Change) -> bool {
    matches!(change, Change::Date { from: None, .. } | Change::LotAdded(_) | Change::ProvisionAppeared(..))
}

impl<'a> Planner<'a> {
    /// A planner with the installation's paces.
    #[must_use]
    pub fn new(service: &Service, audience: &'a Audience, first_poll: Option<Baseline>, now: DateTime<Utc>) -> Self {
        let cap = service.settings.pace.instant_per_hour;
        Self::with_paces(audience, first_poll, (service.digest_times(), cap), now)
    }

    /// A planner with these digest times and hourly cap.
    #[must_use]
    pub fn with_paces(
        audience: &'a Audience,
        first_poll: Option<Baseline>,
        (times, hourly_cap): (DigestTimes, u32),
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            audience,
            first_poll,
            times,
            hourly_cap,
            now,
            signed: None,
            following: None,
            brought: None,
            over: false,
            contradicted: None,
        }
    }

    /// The same, for what a person says.
    #[must_use]
    pub fn signed(self, signed: Option<&'a Signed>) -> Self {
        Self { signed, ..self }
    }

    /// The same, for what parties do whom these people follow.
    #[must_use]
    pub fn following(self, following: &'a Following) -> Self {
        Self { following: Some(following), ..self }
    }

    /// The same, for a lead of these people.
    #[must_use]
    pub fn brought(self, brought: Option<&'a Brought>) -> Self {
        Self { brought, ..self }
    }

    /// The same, for what says otherwise than a person who corrected an earlier notice.
    #[must_use]
    pub fn contradicting(self, author: Option<&'a str>) -> Self {
        Self { contradicted: author, ..self }
    }

    /// The same, for what had ended when it was first seen.
    #[must_use]
    pub fn over(self, over: bool) -> Self {
        Self { over, ..self }
    }

    /// The name of the account by which alone a person hears of something.
    fn followed_by(&self, subscriber: &str) -> Option<&str> {
        self.following?.get(subscriber).map(String::as_str)
    }

    /// Whom an alert on this notice may reach: those whom it concerns now, those who were told before, and those who follow a
    /// party of it.
    #[must_use]
    pub fn audiences<'t>(&self, candidate: &Candidate<'_>, told: &'t [Told]) -> Audiences<'t> {
        let mut people: BTreeMap<String, Option<Hit>> =
            self.audience.hits(candidate).map(|(id, hit)| (id, Some(hit))).collect();
        let mut before: BTreeMap<&str, &Told> = BTreeMap::new();
        for t in told.iter().rev().filter(|t| t.disposition.is_told()) {
            before.insert(&t.subscriber, t);
            people.entry(t.subscriber.clone()).or_insert(None);
        }
        for person in self.following.into_iter().flat_map(BTreeMap::keys) {
            people.entry(person.clone()).or_insert(None);
        }
        if let Some(author) = self.contradicted {
            people.entry(author.to_owned()).or_insert(None);
        }
        if let Some(structure) = candidate.notice.visibility.structure() {
            people.retain(|person, _| self.audience.is_of(person, structure));
            for person in self.brought.into_iter().flat_map(|b| &b.people) {
                people.entry(person.clone()).or_insert(None);
            }
        }
        Audiences { people, before, known: told.iter().map(|t| t.subscriber.as_str()).collect() }
    }

    /// Those who may have this at once, each with their hourly cap.
    pub(super) fn may_hear_at_once<'p>(&'p self, audiences: &'p Audiences<'_>) -> Vec<(&'p str, u32)> {
        let at_once = |id: &str, hit: &Option<Hit>| {
            audiences.before.contains_key(id) || hit.as_ref().is_none_or(|h| !h.cadence.waits()) || self.merges_all()
        };
        let people = audiences.people.iter().filter(|(id, hit)| at_once(id, hit)).map(|(id, _)| id.as_str());
        let stand_ins = audiences.people.keys().filter_map(|id| self.audience.stand_in_of(id, self.now));
        let all: BTreeSet<&str> = people.chain(stand_ins.map(|p| p.id.as_str())).collect();
        all.into_iter().map(|id| (id, self.cap_of(id))).collect()
    }

    /// Whether everything goes into merged messages: what a first poll brings, where it is to be told at all.
    pub(super) fn merges_all(&self) -> bool {
        self.first_poll == Some(Baseline::Digest)
    }

    /// Everyone's share of an alert. `silent`: it says nothing new to those who were told.
    #[must_use]
    pub fn people(
        &self,
        audiences: Audiences<'_>,
        alert: &Alert,
        silent: bool,
        assessment: &Assessment,
        stored: &People,
    ) -> PeoplePlan {
        let mut plan = PeoplePlan::default();
        let stood_in = self.stood_in(&audiences);
        for (subscriber, hit) in audiences.people {
            let before = audiences.before.get(subscriber.as_str()).copied();
            let met = before.map(|told| inherited(told, alert.kind)).unwrap_or_default();
            if before.is_some() && of_other_lots(alert, &met.found) {
                let decided = Decided::untold(Disposition::Duplicate, "d’autres lots que les vôtres");
                plan.shares.push((share(subscriber, hit, met, decided), Vec::new()));
                continue;
            }
            if self.signed.is_some_and(|s| s.by == subscriber) {
                let decided = Decided::untold(Disposition::Duplicate, "vous en êtes l’auteur");
                plan.shares.push((share(subscriber, hit, met, decided), Vec::new()));
                continue;
            }
            if silent && audiences.known.contains(subscriber.as_str()) {
                // Nothing new for someone who has a share already, told or not: the journal says so.
                if hit.is_some() {
                    let decided = Decided::untold(Disposition::Duplicate, "déjà signalé, rien n’a changé");
                    plan.shares.push((share(subscriber, hit, met, decided), Vec::new()));
                }
                continue;
            }
            let since = before.and_then(|_| Since::of(stored.untold.get(&subscriber)?, alert));
            if before.is_some() {
                plan.replaced.push(subscriber.clone());
            }
            if since == Some(Since::Nothing) {
                let decided = Decided::untold(Disposition::Duplicate, "revenu à ce que vous saviez");
                plan.shares.push((share(subscriber, hit, met, decided), Vec::new()));
                continue;
            }
            let mut decided = self.decide(&subscriber, (alert.kind, hit.as_ref()), before, stored, assessment);
            decided.since = since;
            let follows = || before.and_then(|t| t.digest).map(|at| self.follows(&subscriber, alert.kind, at));
            let account = || {
                let name = self.followed_by(&subscriber).filter(|_| hit.is_none() && before.is_none())?;
                Some(format!("Vous suivez {name}"))
            };
            let lead = || self.brought.filter(|_| before.is_none()).map(|b| b.remark(&subscriber));
            let overruled = (self.contradicted == Some(subscriber.as_str())).then(|| OVERRULED.to_owned());
            decided.remark =
                self.signed.map(|s| s.remark.clone()).or(overruled).or_else(follows).or_else(lead).or_else(account);
            plan.shares.push(self.with_deliveries(share(subscriber, hit, met, decided), alert, assessment));
        }
        for (stand_in, hit, remark) in stood_in {
            let mut decided = self.decide(&stand_in, (alert.kind, hit.as_ref()), None, stored, assessment);
            decided.remark = Some(remark);
            let mut share = share(stand_in, hit, Why::default(), decided);
            share.subscription = None; // it is the other's
            plan.shares.push(self.with_deliveries(share, alert, assessment));
        }
        plan
    }

    /// Who hears in the place of people who are away, once each, with what met and in whose place: those whom this does not reach
    /// by themselves.
    fn stood_in(&self, audiences: &Audiences<'_>) -> Vec<(String, Option<Hit>, String)> {
        let mut out: Vec<(String, Option<Hit>, String)> = Vec::new();
        for (person, hit) in audiences.people.iter().filter(|(id, _)| !audiences.known.contains(id.as_str())) {
            let Some(stand_in) = self.audience.stand_in_of(person, self.now) else { continue };
            let reached = audiences.people.contains_key(&stand_in.id) || audiences.known.contains(stand_in.id.as_str());
            if hit.as_ref().is_some_and(|h| h.paused) || reached || out.iter().any(|(id, ..)| *id == stand_in.id) {
                continue;
            }
            let name = self.audience.person(person).map(|p| p.name.clone()).unwrap_or_default();
            let whose = if name.is_empty() { "d’un collègue".to_owned() } else { french::of(&name) };
            out.push((stand_in.id.clone(), hit.clone(), format!("En l’absence {whose}")));
        }
        out
    }

    /// The share of someone who hears without subscribing: told at once within their cap, with that remark; or `knew` it.
    #[must_use]
    pub fn passed_on(
        &self,
        subscriber: &str,
        knew: bool,
        remark: String,
        (alert, assessment): (&Alert, &Assessment),
        stored: &People,
    ) -> Share {
        let mut decided = if knew {
            Decided::untold(Disposition::Duplicate, "déjà signalé")
        } else {
            self.decide(subscriber, (alert.kind, None), None, stored, assessment)
        };
        decided.remark = Some(remark);
        self.with_deliveries(share(subscriber.to_owned(), None, Why::default(), decided), alert, assessment)
    }

    /// The share of someone who is told something for itself, at once within their cap: `why` says what of it they read.
    #[must_use]
    pub fn for_itself(
        &self,
        subscriber: &str,
        why: Why,
        (alert, assessment): (&Alert, &Assessment),
        stored: &People,
    ) -> Share {
        let decided = self.decide(subscriber, (alert.kind, None), None, stored, assessment);
        let why = Why { note: decided.note.map(str::to_owned), ..why };
        let share = NewNotification {
            subscriber: subscriber.to_owned(),
            subscription: None,
            disposition: decided.disposition,
            reasons: serde_json::to_string(&why).unwrap_or_default(),
            due: decided.due,
        };
        self.with_deliveries(share, alert, assessment)
    }

    /// Most messages at once within an hour for a person; 0 = no limit.
    #[must_use]
    pub fn cap_of(&self, subscriber: &str) -> u32 {
        cap(self.hourly_cap, &self.audience.rhythm(subscriber))
    }

    /// Says that what a digest told is not all any more.
    fn follows(&self, subscriber: &str, kind: AlertKind, digest: DateTime<Utc>) -> String {
        let does = match kind {
            AlertKind::Correction => "Rectifie",
            AlertKind::Cancellation => "Annule",
            _ => "Fait suite à",
        };
        let day = digest.with_timezone(&self.audience.zone(subscriber)).date_naive();
        format!("{does} un marché de votre résumé du {}", french::date(day))
    }

    /// How one person hears of it.
    fn decide(
        &self,
        subscriber: &str,
        (kind, hit): (AlertKind, Option<&Hit>),
        before: Option<&Told>,
        stored: &People,
        assessment: &Assessment,
    ) -> Decided {
        let subscription = before.and_then(|t| t.subscription.as_deref());
        let before = before.map(|t| t.disposition);
        // What is open when they agree comes in their first digest (`open_now`).
        if before.is_none() && self.audience.awaits_consent(subscriber) {
            return Decided::untold(Disposition::Paused, "adresse pas encore confirmée");
        }
        match self.first_poll {
            Some(Baseline::Quiet) if before.is_none() => {
                return Decided::untold(Disposition::Baseline, "déjà publié avant le début de la veille");
            }
            Some(Baseline::Digest) if before.is_none() => {
                let due = stored.load.next_merged(subscriber, self.now);
                return Decided::merged(due, "Première veille : voici ce qui était déjà publié.");
            }
            _ => {}
        }
        if before.is_none() && self.over && kind == AlertKind::New {
            return Decided::untold(Disposition::Baseline, "déjà terminé quand la source l’a publié");
        }
        let long_closed = |at: DateTime<FixedOffset>| at.with_timezone(&Utc) < self.now - LONG_CLOSED;
        if before.is_none() && kind == AlertKind::New && assessment.deadline().is_some_and(long_closed) {
            return Decided::untold(Disposition::Baseline, "clos depuis longtemps quand la source l’a publié");
        }
        if before.is_none() && hit.is_some_and(|h| h.paused) {
            return Decided::untold(Disposition::Paused, "abonnement en pause");
        }
        if before.is_none() && self.audience.away(subscriber, self.now).is_some() {
            let note = match self.audience.stand_in_of(subscriber, self.now) {
                Some(_) => "absence : la personne qui remplace l’a reçu",
                None => "absence",
            };
            return Decided::untold(Disposition::Paused, note);
        }
        let waits = matches!(kind, AlertKind::Modification | AlertKind::Completion);
        let cadence = match before {
            // What follows a message comes the way the message came, but for what becomes of a contract under way.
            Some(Disposition::Instant | Disposition::Overflow) if !waits => Cadence::Instant,
            Some(_) => hit
                .map(cadence_of)
                .unwrap_or_else(|| self.audience.digest_cadence(subscriber, subscription).unwrap_or(Cadence::Daily)),
            None if self.brought.is_some_and(|b| b.by == subscriber) => Cadence::Instant,
            // What somebody follows, or a colleague brought, is a line of their digest.
            None if hit.is_none() && (self.followed_by(subscriber).is_some() || self.brought.is_some()) => {
                Cadence::Daily
            }
            None => hit.map_or(Cadence::Instant, cadence_of),
        };
        if let Some(before) = before
            && let Some(due) = stored.lines.get(subscriber)
        {
            // The new line takes the place of the one that waits.
            return Decided { due: Some(*due), ..Decided::at_once(before) };
        }
        let (unknown, nothing) = (Profile::default(), Match::default());
        let profile = self.audience.profile(subscriber).unwrap_or(&unknown);
        let rhythm = self.audience.rhythm(subscriber);
        let found = hit.map_or(&nothing, |h| &h.found);
        let pressing = rhythm::presses(profile, assessment, found, self.now);
        let times = DigestTimes { zone: self.audience.zone(subscriber), ..self.times };
        let cadence = rhythm::settled(cadence, profile, assessment, found);
        let (cadence, taste) = match hit.filter(|_| before.is_none() && !pressing) {
            Some(_) => taste::later(self.audience.tastes(subscriber), cadence, found, assessment),
            None => (cadence, None),
        };
        match rhythm::when(cadence, pressing, &rhythm, times, self.now) {
            When::Digest(due) => Decided { due: Some(due), taste, ..Decided::at_once(Disposition::Digest) },
            When::AfterQuiet(due) => Decided::merged(due, "Reçus pendant vos heures de silence."),
            When::Now => match stored.load.merged_at(subscriber, self.cap_of(subscriber), self.now) {
                Some(due) => Decided::merged(due, hourly_cap::NOTE),
                None => Decided::at_once(Disposition::Instant),
            },
        }
    }

    fn with_deliveries(&self, share: NewNotification, alert: &Alert, assessment: &Assessment) -> Share {
        if share.disposition != Disposition::Instant {
            return (share, Vec::new());
        }
        // A message about a procedure that is still open loses its meaning when it closes.
        let expires = assessment.deadline().map(|d| d.with_timezone(&Utc)).filter(|d| *d > self.now);
        let addresses = self.audience.addresses_for(&share.subscriber, MessageKind::of(alert.kind));
        let deliveries = addresses.into_iter().map(|a| NewDelivery::of(alert, a, expires)).collect();
        (share, deliveries)
    }
}

/// How often a person hears of what met; of what is reserved to others, once a day at most.
fn cadence_of(hit: &Hit) -> Cadence {
    match hit.cadence {
        Cadence::Instant | Cadence::Auto if hit.found.access == Access::Closed => Cadence::Daily,
        cadence => cadence,
    }
}

/// Why a person was told before, as far as it still holds: what is corrected may be none of the reasons any more.
fn inherited(told: &Told, kind: AlertKind) -> Why {
    let why: Why = serde_json::from_str(&told.reasons).unwrap_or_default();
    let corrected = matches!(kind, AlertKind::Correction | AlertKind::VerdictCorrection);
    Why { found: why.found, fit: if corrected { Fit::default() } else { why.fit }, ..Why::default() }
}

/// Whether an alert is about the end of lots of which none is among those that met when a person was told.
fn of_other_lots(alert: &Alert, met: &Match) -> bool {
    let mut lots = alert.changes.iter().filter(|c| c.is_ending()).flat_map(Change::lots).peekable();
    alert.kind == AlertKind::PartialResult
        && !met.lots.is_empty()
        && lots.peek().is_some()
        && !lots.any(|l| met.lots.contains(l))
}

/// Whether another notice of the procedure states something later: what this one says came before, whenever it arrives.
fn is_outdated(this: &Statement, others: &[Statement]) -> bool {
    others.iter().any(|other| procedure::later(other, this) == Some(Ordering::Greater))
}

/// A share; a follow-up that meets no subscription inherits why the person was told before.
fn share(subscriber: String, hit: Option<Hit>, inherited: Why, decided: Decided) -> NewNotification {
    let subscription = hit.as_ref().map(|h| h.subscription.clone());
    let why = hit.map_or(inherited, |h| Why { found: h.found, fit: h.fit, ..Why::default() });
    let mut why = Why { note: decided.note.map(str::to_owned), remark: decided.remark, ..why };
    if let Some(taste) = decided.taste {
        // Behind what suits them as well and that they do not refuse; said first, for it is what they may wonder at.
        why.fit.score /= 2;
        why.fit.reasons.insert(0, taste);
    }
    let why = match decided.since {
        Some(Since::Changes(changes)) => Why { changes: Some(changes), ..why },
        Some(Since::First(endings)) => Why { changes: Some(endings), first: true, ..why },
        Some(Since::Nothing) | None => why,
    };
    NewNotification {
        subscriber,
        subscription,
        disposition: decided.disposition,
        reasons: serde_json::to_string(&why).unwrap_or_default(),
        due: decided.due,
    }
}

/// How one person hears of something.
struct Decided {
    disposition: Disposition,
    due: Option<DateTime<Utc>>,
    /// Why the message is merged with others, or why there is none.
    note: Option<&'static str>,
    /// What is to be said of this one thing.
    remark: Option<String>,
    /// What is new since they were told, where that is not what the alert says.
    since: Option<Since>,
    /// Why it comes later than it would.
    taste: Option<String>,
}

impl Decided {
    fn at_once(disposition: Disposition) -> Self {
        Self { disposition, due: None, note: None, remark: None, since: None, taste: None }
    }

    fn untold(disposition: Disposition, note: &'static str) -> Self {
        Self { note: Some(note), ..Self::at_once(disposition) }
    }

    fn merged(due: DateTime<Utc>, note: &'static str) -> Self {
        Self { due: Some(due), note: Some(note), ..Self::at_once(Disposition::Overflow) }
    }
}
