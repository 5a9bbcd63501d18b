//! Once a month, what stands is looked over: a subscription that gives too much, or nothing, is told to its owner with the two changes
//! that would help most, each one tap away. So is hearing no more of it.
//!
//! A look reads the notices twice for some people at once, however many subscriptions they have. What somebody left as it is rests for
//! half a year.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use vigie_domain::{Alert, AlertKind, Filter, Subscriber, Subscription, french};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_store::advice::{Advised, Answered};
use vigie_store::{StoreError, derived_id};

use super::{Advice, Asked, Breadth, NARROW_DAYS, breadth_of, over, went_for};
use crate::error::Failure;
use crate::preview;
use crate::questions::{Choice, NO, Question};
use crate::service::Service;
use crate::silence_notice::is_their_hour;
use crate::subscriptions;

/// How often a person's subscriptions are looked over.
const EVERY: Duration = Duration::days(30);
/// How long one that its owner left as it is rests.
const RESTS: Duration = Duration::days(180);
/// How often such people are looked for.
const LOOK_EVERY: Duration = Duration::hours(1);
/// Most people looked over at once; the others wait for the next look.
const AT_ONCE: usize = 20;
/// People read at once to find them.
const PAGE: i64 = 200;
/// What is stored must cover so many days before anything is said of a subscription that gives nothing, or too much.
const COVERED: (u32, u32) = (55, 14);
/// The word by which somebody hears no more of it.
const NEVER: &str = "jamais";
/// The word that takes a change back.
const BACK: &str = "revenir";

/// What a person was told, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    /// The subscription's conditions then.
    filter: Filter,
    advice: Advice,
}

/// Looks over the subscriptions of those whose turn it is; gives how many were told something.
///
/// # Errors
/// The database fails.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if !service.store.take_chore("breadth", LOOK_EVERY, now).await? {
        return Ok(0);
    }
    let due = due(service, now).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let worst = worst(service, &due, now).await?;
    let asked: Vec<Asked<'_>> = worst
        .iter()
        .map(|one| Asked {
            filter: &one.subscription.filter,
            profile: &due[one.of].person.profile,
            breadth: one.breadth,
            went: &due[one.of].went,
        })
        .collect();
    let advices = match asked.is_empty() {
        true => Vec::new(),
        false => over(&service.store, &asked, NARROW_DAYS, now).await?,
    };
    let mut told = HashSet::new();
    for (one, advice) in worst.iter().zip(advices) {
        let Some(advice) = advice.filter(|a| !a.ways.is_empty()) else { continue };
        tell(service, &due[one.of], one.subscription, advice, now).await?;
        told.insert(one.of);
    }
    for (n, one) in due.iter().enumerate().filter(|(n, _)| !told.contains(n)) {
        tracing::debug!(n, "nothing to say of their subscriptions");
        service.store.note_advised(&one.person.id, now).await?;
    }
    if !told.is_empty() {
        service.deliveries_queued.notify_one();
    }
    Ok(told.len())
}

/// Someone whose subscriptions are looked over.
struct Due {
    person: Subscriber,
    /// When they were looked over before; 0 = never.
    since: i64,
    subscriptions: Vec<Subscription>,
    /// What their structure went for.
    went: HashSet<String>,
}

async fn due(service: &Service, now: DateTime<Utc>) -> Result<Vec<Due>, StoreError> {
    let store = &service.store;
    let (rhythms, absences) = (store.rhythms().await?, store.absences().await?);
    let mut out: Vec<Due> = Vec::new();
    let mut after = (-1, String::new());
    loop {
        // Whoever is not at their hour is passed over: they must not keep the others waiting.
        let page = store.unadvised(now - EVERY, (after.0, &after.1), PAGE).await?;
        let Some(last) = page.last() else { return Ok(out) };
        after = (last.since, last.person.clone());
        for one in page {
            let Some(person) = store.subscriber(&one.person).await? else { continue };
            let rhythm = rhythms.get(&person.id).copied().unwrap_or_default();
            let away = absences.get(&person.id).is_some_and(|a| a.holds(now));
            if away || !is_their_hour(service, &person, &rhythm, now) {
                continue;
            }
            let rests = store.left_alone(&person.id, now - RESTS).await?;
            let mut subscriptions = store.subscriptions_of(&person.id).await?;
            subscriptions.retain(|s| !s.is_paused(now) && !rests.contains(&s.id));
            let went = went_for(store, person.structure()).await?;
            out.push(Due { person, since: one.since, subscriptions, went });
            if out.len() == AT_ONCE {
                return Ok(out);
            }
        }
    }
}

/// The subscription of a person that stands worst.
struct Worst<'a> {
    /// Whose, among those looked over.
    of: usize,
    subscription: &'a Subscription,
    breadth: Breadth,
}

async fn worst<'a>(service: &Service, due: &'a [Due], now: DateTime<Utc>) -> Result<Vec<Worst<'a>>, StoreError> {
    let all: Vec<(usize, &Subscription)> =
        due.iter().enumerate().flat_map(|(n, one)| one.subscriptions.iter().map(move |s| (n, s))).collect();
    let wanted: Vec<_> = all.iter().map(|(n, s)| (&s.filter, &due[*n].person.profile)).collect();
    let replay = preview::replay(&service.store, &wanted, NARROW_DAYS, now).await?;
    let (narrow, broad) = COVERED;
    let mut worst: HashMap<usize, (f64, Worst<'a>)> = HashMap::new();
    for (place, (of, subscription)) in all.into_iter().enumerate() {
        let seen = replay.preview(place);
        let Some(breadth) = breadth_of(&seen) else { continue };
        if seen.days < if breadth == Breadth::Broad { broad } else { narrow } {
            continue;
        }
        let one = Worst { of, subscription, breadth };
        match worst.get(&of) {
            Some((most, _)) if *most >= seen.per_week => {}
            _ => drop(worst.insert(of, (seen.per_week, one))),
        }
    }
    let mut out: Vec<Worst<'a>> = worst.into_values().map(|(_, one)| one).collect();
    out.sort_by_key(|one| one.of);
    Ok(out)
}

async fn tell(
    service: &Service,
    due: &Due,
    subscription: &Subscription,
    advice: Advice,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let alert = Alert::word(AlertKind::Account, derived_id(&["breadth", &due.person.id, &due.since.to_string()]));
    let stands = match advice.breadth {
        Breadth::Broad => format!("{} alertes par semaine", french::number(advice.per_week.round())),
        Breadth::Narrow => format!("rien depuis {}\u{a0}jours", advice.days),
    };
    let called = match subscription.name.as_str() {
        "" => "Un de vos abonnements".to_owned(),
        name => format!("Abonnement « {name} »"),
    };
    let body = format!(
        "{called} : {stands}\n{}\n{}",
        short(&criteria::in_french(&subscription.filter), 300),
        advice.question()
    );
    let said = Said { filter: subscription.filter.clone(), advice };
    service.store.ask_advice((&due.person.id, &subscription.id), (&alert, &body), &said, now).await
}

/// A question that was put, as it stands.
///
/// # Errors
/// It cannot be read.
pub(crate) fn question(one: &Advised) -> Result<Question, StoreError> {
    let said: Said = one.read()?;
    let lines = vec![short(&criteria::in_french(&said.filter), 300)];
    let choice = |word: &str, label: &str| Choice { word: word.to_owned(), label: label.to_owned() };
    let ways = said.advice.choices().into_iter().enumerate();
    let mut choices: Vec<Choice> = ways.map(|(n, label)| Choice { word: (n + 1).to_string(), label }).collect();
    choices.push(choice(NO, "Ne rien changer"));
    choices.push(choice(NEVER, "Ne plus me le demander"));
    let (title, choices, waits) = match one.answered {
        Answered::Asked => (said.advice.question(), choices, true),
        Answered::Chosen => {
            ("Cet abonnement est changé.".to_owned(), vec![choice(BACK, "Revenir à ce qu’il était")], false)
        }
        Answered::Left => ("Cet abonnement reste comme il est.".to_owned(), choices, false),
    };
    Ok(Question { id: one.id.clone(), title, lines, choices, waits })
}

/// What a person answers; `None` where the word is none of the question's.
///
/// # Errors
/// The database fails.
pub(crate) async fn answer(
    service: &Service,
    person: &Subscriber,
    one: &Advised,
    word: &str,
) -> Result<Option<String>, Failure> {
    let (store, now) = (&service.store, service.clock.now());
    let said: Said = one.read()?;
    if word == NEVER {
        store.set_advice(&person.id, false).await?;
        store.answer_advice(one, Answered::Left, now).await?;
        return Ok(Some(
            "C’est noté : vous ne serez plus interrogé là-dessus. « Mes réglages » permet d’y revenir.".to_owned(),
        ));
    }
    if word == NO {
        store.answer_advice(one, Answered::Left, now).await?;
        return Ok(Some("C’est noté : cet abonnement reste comme il est.".to_owned()));
    }
    let changed = |word: &str| {
        let n = word.parse::<usize>().ok()?.checked_sub(1)?;
        said.advice.ways.get(n).map(|way| way.filter.clone())
    };
    let chosen = (one.answered == Answered::Chosen && word == BACK).then(|| said.filter.clone());
    let back = chosen.is_some();
    let Some(filter) = chosen.or_else(|| changed(word)) else { return Ok(None) };
    let Some(stands) = subscriptions::own(service, &person.id, &one.subscription).await? else {
        return Ok(Some("Cet abonnement n’est plus là : rien n’est changé.".to_owned()));
    };
    let known = stands.filter == said.filter || said.advice.ways.iter().any(|way| way.filter == stands.filter);
    if !known {
        return Ok(Some(
            "Cet abonnement a changé depuis la question : rien n’y est touché. « Mes abonnements » le montre."
                .to_owned(),
        ));
    }
    subscriptions::narrow(service, person, &one.subscription, &filter).await?;
    let answered = if back { Answered::Asked } else { Answered::Chosen };
    store.answer_advice(one, answered, now).await?;
    let now_asks = short(&criteria::in_french(&filter), 200);
    let way_back =
        if back { "" } else { " Pour revenir en arrière, rouvrez cette question, ou « Mes abonnements »." };
    Ok(Some(format!("C’est fait. Vous recevez maintenant : {now_asks}.{way_back}")))
}
