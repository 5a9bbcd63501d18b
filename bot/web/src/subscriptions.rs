//! My subscriptions: made, changed, paused and removed by their owner; what one would have given is said before it is kept.
//!
//! A subscription that would have matched nothing, or almost everything, is kept only once its owner has read so. Those of a
//! person declared in the settings file are shown, and changed there.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_domain::{
    Alert, AlertKind, Buyer, BuyerKind, BuyerType, Cadence, Cpv, Department, Filter, NoticeKind, Subscription,
    SupplyMode, french,
};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_store::derived_id;

use super::browse::{Choice, departments, provisions, sectors};
use super::cookies::Session;
use super::frame::{Client, Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};
use super::limits::What;
use vigie_service::ingest::search_row;
use vigie_service::place_input;
use vigie_service::preview::{self, Verdict};

/// Most subscriptions of one person.
const MAX: usize = 30;
/// Most items of one list of a filter.
const MAX_ITEMS: usize = 120;
/// Longest word.
const MAX_WORD: usize = 80;
/// Stands for "until I say so".
const FAR: i64 = 36_500;
/// Rhythms offered.
const CADENCES: [&str; 6] = ["auto", "instant", "daily", "weekly", "4h", "2d"];
/// Kinds of notice offered.
const KINDS: [NoticeKind; 8] = [
    NoticeKind::Call,
    NoticeKind::PriorInformation,
    NoticeKind::Planned,
    NoticeKind::Private,
    NoticeKind::Correction,
    NoticeKind::Cancellation,
    NoticeKind::Award,
    NoticeKind::Event,
];
const SUPPLY: [SupplyMode; 3] = [SupplyMode::Service, SupplyMode::Goods, SupplyMode::Staff];

#[derive(serde::Serialize)]
struct Row {
    id: String,
    criteria: String,
    cadence: String,
    told: i64,
    paused: Option<String>,
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

pub(crate) async fn list(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let me = &signed.session.person;
    let told = site.service.store.told_by_subscription(&me.id, now - Duration::days(i64::from(preview::DAYS))).await?;
    let row = |s: Subscription| Row {
        criteria: capital(&criteria::in_french(&s.filter)),
        cadence: s.cadence.in_french(),
        told: told.iter().find(|(id, _)| *id == s.id).map_or(0, |(_, n)| *n),
        paused: s.paused_until.filter(|until| *until > now).map(|until| paused(until, now)),
        id: s.id,
    };
    let rows: Vec<Row> = site.service.store.subscriptions_of(&me.id).await?.into_iter().map(row).collect();
    let done = match fields.one("fait") {
        "garde" => "Abonnement enregistré.",
        "pause" => "Abonnement en pause.",
        "reprise" => "L’abonnement reprend.",
        "retire" => "Abonnement retiré.",
        "essai" => "Un message d’essai part vers toutes vos adresses en service.",
        _ => "",
    };
    let addresses: Vec<String> =
        site.service.store.active_addresses(&me.id).await?.into_iter().map(|a| a.value).collect();
    Ok(site.page(
        &signed.visitor,
        "abonnements.html",
        context! {
            rows => Serde(rows),
            days => preview::DAYS,
            done => done,
            addresses => addresses,
            declared => site.service.store.is_declared(&me.id).await?,
        },
    ))
}

fn paused(until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if until - now > Duration::days(FAR / 2) {
        "en pause".to_owned()
    } else {
        format!("en pause jusqu’au {}", french::date(until.with_timezone(&Paris).date_naive()))
    }
}

/// What the form holds, and what is wrong with it.
struct Wish {
    filter: Filter,
    cadence: Cadence,
    faults: Vec<String>,
}

/// Words between commas.
fn split(text: &str) -> Vec<String> {
    let parts = text.split([',', ';', '\n']).map(str::trim).filter(|p| !p.is_empty());
    parts.map(|p| p.chars().take(MAX_WORD).collect()).take(MAX_ITEMS).collect()
}

fn number<T: std::str::FromStr>(text: &str, what: &str, faults: &mut Vec<String>) -> Option<T> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '€').collect::<String>().replace(',', ".");
    if plain.is_empty() {
        return None;
    }
    let read = plain.parse().ok();
    if read.is_none() {
        faults.push(format!("{what} : « {} » n’est pas un nombre", short(text, 30)));
    }
    read
}

/// What a form, or a program, wants.
fn wish(fields: &Fields) -> Wish {
    let rules = Rules::embedded();
    let mut faults = Vec::new();
    let mut departments: Vec<Department> =
        fields.all("departement").filter_map(Department::parse).take(MAX_ITEMS).collect();
    departments.dedup();
    let chosen = |name: &'static str| fields.all(name).collect::<Vec<_>>();
    let (kinds, supply) = (chosen("nature"), chosen("mode"));
    let written = |name: &str, read: fn(&str) -> String| -> Vec<String> {
        split(fields.one(name)).iter().map(|text| read(text)).collect()
    };
    let mut read = |found: Result<_, String>| found.map_err(|e| faults.push(capital(&e))).ok();
    let epcis = split(fields.one("epci"))
        .iter()
        .filter_map(|t| read(place_input::epci(t).map(|e| e.siren.to_owned())))
        .collect();
    let mut read = |found: Result<_, String>| found.map_err(|e| faults.push(capital(&e))).ok();
    let around = split(fields.one("rayon")).iter().filter_map(|t| read(place_input::around(t))).collect();
    let filter = Filter {
        sectors: fields.all("secteur").filter(|s| rules.is_sector(s)).map(str::to_owned).take(MAX_ITEMS).collect(),
        cpv: written("cpv", Cpv::written),
        departments,
        epcis,
        around,
        provisions: search_row::KINDS
            .into_iter()
            .filter(|k| fields.all("disposition").any(|w| w == k.as_str()))
            .collect(),
        notice_kinds: KINDS.into_iter().filter(|k| kinds.contains(&k.as_str())).collect(),
        supply_modes: SUPPLY.into_iter().filter(|m| supply.contains(&word(m).as_str())).collect(),
        buyers: written("acheteurs", Buyer::written),
        excluded_buyers: written("sans-acheteurs", Buyer::written),
        buyer_kind: match fields.one("acheteur") {
            "public" => Some(BuyerKind::Public),
            "private" => Some(BuyerKind::Private),
            _ => None,
        },
        buyer_types: BuyerType::ALL.into_iter().filter(|t| fields.all("type").any(|w| w == t.as_str())).collect(),
        words: split(fields.one("mots")),
        excluded_words: split(fields.one("sans-mots")),
        min_score: number(fields.one("interet"), "Intérêt", &mut faults).unwrap_or(0),
        min_lead_days: number(fields.one("jours"), "Jours pour répondre", &mut faults),
        min_amount: number(fields.one("min"), "Montant minimal", &mut faults).filter(|n: &f64| n.is_finite()),
        max_amount: number(fields.one("max"), "Montant maximal", &mut faults).filter(|n: &f64| n.is_finite()),
    };
    faults.extend(filter.faults());
    let cadence = match fields.one("rythme").parse() {
        Ok(cadence) => cadence,
        Err(e) => {
            faults.push(format!("{e}"));
            Cadence::default()
        }
    };
    Wish { filter, cadence, faults }
}

/// What is said of a subscription above its form.
#[derive(serde::Serialize)]
struct Said {
    text: String,
    /// Nothing or everything: to be read before it is kept.
    warns: bool,
    samples: Vec<(String, String)>,
    reserved: usize,
}

async fn preview_of(site: &Site, session: &Session, filter: &Filter) -> Result<Said, Trouble> {
    let _one_of_few = site.previews.acquire().await.map_err(|_| Trouble::no_page())?;
    let seen = preview::preview(&site.service, filter, &session.person.profile, preview::DAYS).await?;
    Ok(Said {
        text: seen.in_french(filter),
        warns: !matches!(seen.verdict, Verdict::Fine | Verdict::Nothing { because: None }),
        samples: seen.samples.iter().map(|s| (s.procedure.clone(), short(&s.title, 140))).collect(),
        reserved: seen.reserved,
    })
}

fn form(
    site: &Site,
    status: StatusCode,
    visitor: &Visitor,
    id: Option<&str>,
    wish: &Wish,
    said: Option<Said>,
) -> Response {
    let f = &wish.filter;
    let cadence = wish.cadence.to_string();
    let mut cadences: Vec<Choice> = CADENCES
        .into_iter()
        .filter_map(|w| w.parse::<Cadence>().ok())
        .map(|c| Choice { value: c.to_string(), label: capital(&c.in_french()), on: c == wish.cadence })
        .collect();
    if !cadences.iter().any(|c| c.on) {
        cadences.push(Choice { value: cadence, label: capital(&wish.cadence.in_french()), on: true });
    }
    let choice = |value: String, label: &str, on: bool| Choice { value, label: capital(label), on };
    let kinds: Vec<Choice> = KINDS
        .into_iter()
        .map(|k| choice(k.as_str().to_owned(), criteria::notice_kind_label(k), f.notice_kinds.contains(&k)))
        .collect();
    let supply: Vec<Choice> =
        SUPPLY.into_iter().map(|m| choice(word(&m), criteria::supply_label(m), f.supply_modes.contains(&m))).collect();
    let buyer_types: Vec<Choice> = BuyerType::ALL
        .into_iter()
        .map(|t| choice(t.as_str().to_owned(), t.in_french(), f.buyer_types.contains(&t)))
        .collect();
    let text = |n: Option<f64>| n.map(|n| n.to_string()).unwrap_or_default();
    site.page_as(
        status,
        visitor,
        "abonnement.html",
        context! {
            id => id,
            criteria => capital(&criteria::in_french(f)),
            faults => &wish.faults,
            said => Serde(said),
            days => preview::DAYS,
            cadences => Serde(cadences),
            sectors => Serde(sectors(&f.sectors)),
            departments => Serde(departments(&f.departments)),
            provisions => Serde(provisions(&f.provisions)),
            kinds => Serde(kinds),
            supply => Serde(supply),
            buyer_types => Serde(buyer_types),
            epcis => f.epcis.iter().map(|s| place_input::epci_written(s)).collect::<Vec<_>>().join(", "),
            around => f.around.iter().map(place_input::written).collect::<Vec<_>>().join(", "),
            buyer_kind => f.buyer_kind.map(|k| word(&k)),
            words => f.words.join(", "),
            excluded_words => f.excluded_words.join(", "),
            buyers => f.buyers.join(", "),
            excluded_buyers => f.excluded_buyers.join(", "),
            cpv => f.cpv.join(", "),
            min_score => if f.min_score == 0 { String::new() } else { f.min_score.to_string() },
            min_lead_days => f.min_lead_days.map(|d| d.to_string()).unwrap_or_default(),
            min_amount => text(f.min_amount),
            max_amount => text(f.max_amount),
            fine => !(f.cpv.is_empty() && f.words.is_empty() && f.excluded_words.is_empty() && f.buyers.is_empty()
                && f.excluded_buyers.is_empty() && f.notice_kinds.is_empty() && f.supply_modes.is_empty()
                && f.epcis.is_empty() && f.around.is_empty() && f.buyer_types.is_empty() && f.min_score == 0 && f.min_lead_days.is_none() && f.min_amount.is_none() && f.max_amount.is_none()),
        },
    )
}

async fn may_change(site: &Site, session: &Session) -> Result<(), Trouble> {
    if site.service.store.is_declared(&session.person.id).await? {
        return Err(Trouble::new(
            StatusCode::CONFLICT,
            "Abonnements tenus ailleurs",
            "Vos abonnements sont écrits dans le fichier de configuration de Vigie. Demandez à la personne qui la gère de les changer.",
        ));
    }
    Ok(())
}

pub(crate) async fn fresh(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    may_change(&site, &signed.session).await?;
    let me = &signed.session.person;
    let filter = Filter {
        sectors: me.profile.sectors.clone(),
        departments: me.profile.departments.clone(),
        ..Filter::default()
    };
    let wish = Wish { filter, cadence: Cadence::default_for(me.role, me.profile.kind), faults: Vec::new() };
    Ok(form(&site, StatusCode::OK, &signed.visitor, None, &wish, None))
}

/// The subscription of that identifier, if it is theirs.
async fn own(site: &Site, session: &Session, id: &str) -> Result<Subscription, Trouble> {
    let mine = site.service.store.subscriptions_of(&session.person.id).await?;
    mine.into_iter().find(|s| s.id == id).ok_or_else(Trouble::no_page)
}

pub(crate) async fn edit(
    State(site): State<Arc<Site>>,
    signed: SignedIn,
    client: Client,
    Path(id): Path<String>,
) -> Shown {
    let subscription = own(&site, &signed.session, &id).await?;
    may_change(&site, &signed.session).await?;
    let now = site.service.clock.now();
    let said = if site.limits.allow(client.0, What::Costly, now) {
        Some(preview_of(&site, &signed.session, &subscription.filter).await?)
    } else {
        None
    };
    let wish = Wish { filter: subscription.filter, cadence: subscription.cadence, faults: Vec::new() };
    Ok(form(&site, StatusCode::OK, &signed.visitor, Some(&id), &wish, said))
}

pub(crate) async fn make(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    keep(&site, client, &posted, None).await
}

pub(crate) async fn change(
    State(site): State<Arc<Site>>,
    client: Client,
    Path(id): Path<String>,
    posted: Posted,
) -> Shown {
    own(&site, &posted.session, &id).await?;
    keep(&site, client, &posted, Some(&id)).await
}

/// Shows what the wish would have given, or keeps it.
async fn keep(site: &Site, client: Client, posted: &Posted, id: Option<&str>) -> Shown {
    may_change(site, &posted.session).await?;
    let now = site.service.clock.now();
    site.costly(client)?;
    let wish = wish(&posted.fields);
    let me = &posted.session.person;
    if !wish.faults.is_empty() {
        return Ok(form(site, StatusCode::UNPROCESSABLE_ENTITY, &posted.visitor, id, &wish, None));
    }
    let kept = match posted.fields.one("do") {
        "quand-meme" => true,
        "garder" => {
            let said = preview_of(site, &posted.session, &wish.filter).await?;
            if said.warns {
                return Ok(form(site, StatusCode::OK, &posted.visitor, id, &wish, Some(said)));
            }
            true
        }
        _ => false,
    };
    if !kept {
        let said = preview_of(site, &posted.session, &wish.filter).await?;
        return Ok(form(site, StatusCode::OK, &posted.visitor, id, &wish, Some(said)));
    }
    match id {
        Some(id) => {
            site.service.store.change_own_subscription(&me.id, id, &wish.filter, wish.cadence).await?;
        }
        None => {
            if site.service.store.subscriptions_of(&me.id).await?.len() >= MAX {
                return Err(Trouble::bad(format!("Vous avez déjà {MAX} abonnements : retirez-en un d’abord.")));
            }
            site.service.store.put_subscription(&me.id, &wish.filter, wish.cadence, now).await?;
        }
    }
    Ok(Redirect::to("/abonnements?fait=garde").into_response())
}

pub(crate) async fn pause(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    own(&site, &posted.session, &id).await?;
    may_change(&site, &posted.session).await?;
    let now = site.service.clock.now();
    let days = match posted.fields.one("jours") {
        "0" => 0,
        "" => FAR,
        text => text
            .parse::<i64>()
            .ok()
            .filter(|d| (1..=FAR).contains(d))
            .ok_or_else(|| Trouble::bad("Durée impossible."))?,
    };
    let until = (days > 0).then(|| now + Duration::days(days));
    site.service.store.pause_subscription(&id, until).await?;
    let done = if days == 0 { "reprise" } else { "pause" };
    Ok(Redirect::to(&format!("/abonnements?fait={done}")).into_response())
}

pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    own(&site, &posted.session, &id).await?;
    may_change(&site, &posted.session).await?;
    site.service.store.remove_subscription(&id).await?;
    Ok(Redirect::to("/abonnements?fait=retire").into_response())
}

pub(crate) async fn test_message(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    let now = site.service.clock.now();
    site.costly(client)?;
    let me = &posted.session.person;
    // One a minute, however often the button is pressed.
    let minute = (now.timestamp() / 60).to_string();
    let alert = Alert {
        id: derived_id(&["test-message", &me.id, &minute]),
        kind: AlertKind::Account,
        procedure: String::new(),
        notice: String::new(),
        changes: Vec::new(),
    };
    let body =
        "Message d’essai\nC’est bien ici que vos alertes arriveront.\nVous avez demandé cet essai depuis vos pages.";
    site.service.store.tell(&me.id, &alert, body, now).await?;
    site.service.deliveries_queued.notify_one();
    Ok(Redirect::to("/abonnements?fait=essai").into_response())
}
