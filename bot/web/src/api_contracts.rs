//! The API after the award: contracts, services offered to their holders, buyers and companies followed.
//!
//! Contracts are public; offers and accounts are those of the owner's structure.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};
use vigie_domain::{Buyer, OfferStage, ServiceOffer};
use vigie_service::after_award::accounts::{self, Followed, Unfollowed, followed_in_french};
use vigie_service::after_award::offers::{self, Answered};
use vigie_service::after_award::renewals;
use vigie_service::answers::outcome_line;
use vigie_store::accounts::Account;
use vigie_store::contracts::{ContractQuery, ContractRow};
use vigie_store::tokens::Scope;
use vigie_watcher::zones;

use super::api::{Program, Sent, absent, seen_by, wrong};
use super::frame::{Fields, Shown, Site, Trouble};

/// Most contracts given.
const CONTRACTS: i64 = 200;
/// Most offers given.
const OFFERS: i64 = 500;

/// A contract as the API gives it: its fields with the notice that says each, and where it stands today.
fn given(row: &ContractRow, today: NaiveDate) -> Value {
    let mut out = serde_json::to_value(&row.contract).unwrap_or_default();
    out["state"] = json!(row.contract.state_on(today).as_str());
    out["known_since"] = json!(row.created);
    out
}

fn siren(fields: &Fields, name: &str) -> Result<Option<String>, Trouble> {
    match fields.one(name) {
        "" => Ok(None),
        text => {
            let number = Buyer::clean_siret(text);
            number.map(|n| Some(n[..9].to_owned())).ok_or_else(|| wrong(format!("{name} : un SIREN ou un SIRET")))
        }
    }
}

fn day(fields: &Fields, name: &str) -> Result<Option<NaiveDate>, Trouble> {
    match fields.one(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| wrong(format!("{name} : un jour tel que 2027-01-12"))),
    }
}

pub(crate) async fn contracts(State(site): State<Arc<Site>>, program: Program, fields: Fields) -> Shown {
    program.may(Scope::Procedures)?;
    let wanted = ContractQuery {
        buyer: siren(&fields, "buyer")?,
        holder: siren(&fields, "holder")?,
        ends_from: day(&fields, "ends_from")?,
        ends_before: day(&fields, "ends_before")?,
    };
    let today = zones::paris_day(site.service.clock.now());
    let found = site.service.store.find_contracts(&wanted, CONTRACTS).await?;
    let rows: Vec<Value> = found.iter().map(|row| given(row, today)).collect();
    Ok(Json(json!({ "contracts": rows })).into_response())
}

pub(crate) async fn contracts_of(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::Procedures)?;
    seen_by(&site, &program, &id).await?;
    let today = zones::paris_day(site.service.clock.now());
    let found = site.service.store.contracts_of(&id).await?;
    let rows: Vec<Value> = found.iter().map(|row| given(row, today)).collect();
    Ok(Json(json!({ "contracts": rows })).into_response())
}

/// Contracts near their end that the owner's structure was told of.
pub(crate) async fn renewals(State(site): State<Arc<Site>>, program: Program) -> Shown {
    program.may(Scope::Decisions)?;
    let now = site.service.clock.now();
    let rows: Vec<Value> = renewals::ends_of(&site.service, program.owner().structure(), now)
        .await?
        .into_iter()
        .map(|(contract, told)| {
            let mut out = serde_json::to_value(&contract).unwrap_or_default();
            out["state"] = json!(contract.state_on(zones::paris_day(now)).as_str());
            out["told"] = json!(told);
            out
        })
        .collect();
    Ok(Json(json!({ "renewals": rows })).into_response())
}

fn offer(o: &ServiceOffer) -> Value {
    json!({
        "procedure": o.procedure, "lot": o.lot, "stage": o.stage, "by": o.by, "at": o.at, "told": o.told,
    })
}

pub(crate) async fn offers(State(site): State<Arc<Site>>, program: Program) -> Shown {
    program.may(Scope::Decisions)?;
    let mine = site.service.store.service_offers_of(program.owner().structure(), OFFERS).await?;
    let rows: Vec<Value> = mine.iter().map(offer).collect();
    Ok(Json(json!({ "offers": rows })).into_response())
}

/// What came of an offer, as the API takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    #[serde(default)]
    lot: String,
    stage: OfferStage,
}

pub(crate) async fn answer(
    State(site): State<Arc<Site>>,
    program: Program,
    Path(id): Path<String>,
    sent: Sent,
) -> Shown {
    program.may(Scope::DecisionsWrite)?;
    let says: Says = sent.read()?;
    if !OfferStage::ANSWERS.contains(&says.stage) {
        return Err(wrong("stage : contacted, declined ou won"));
    }
    let (owner, of) = (program.owner(), (id.as_str(), says.lot.as_str()));
    match offers::answer(&site.service, owner, of, says.stage, program.called()).await? {
        Answered::Noted { now, .. } => Ok(Json(offer(&now)).into_response()),
        Answered::ReadsOnly => Err(Trouble::new(StatusCode::FORBIDDEN, "forbidden", outcome_line::READS_ONLY)),
        Answered::Unknown => Err(absent("rien n’est proposé pour ce contrat")),
    }
}

fn account((a, committed): &(Account, bool)) -> Value {
    json!({ "key": a.key, "siren": a.siren(), "name": a.name, "by": a.by, "at": a.at, "spaser": committed })
}

/// Whom the structure of a program's owner follows.
async fn followed(site: &Site, program: &Program) -> Result<Value, Trouble> {
    let mine = accounts::followed_by(&site.service, program.owner().structure()).await?;
    Ok(json!({ "accounts": mine.iter().map(account).collect::<Vec<_>>() }))
}

pub(crate) async fn accounts(State(site): State<Arc<Site>>, program: Program) -> Shown {
    program.may(Scope::Subscriptions)?;
    Ok(Json(followed(&site, &program).await?).into_response())
}

/// Whom to follow, as the API takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// A SIREN, a SIRET or a name.
    who: String,
}

pub(crate) async fn follow(State(site): State<Arc<Site>>, program: Program, sent: Sent) -> Shown {
    program.may(Scope::SubscriptionsWrite)?;
    let wish: Wish = sent.read()?;
    let followed = accounts::follow(&site.service, program.owner(), program.called(), &wish.who).await?;
    let said = followed_in_french(&followed);
    match followed {
        Followed::Yes { .. } | Followed::Already(_) => {
            let status = if matches!(followed, Followed::Yes { .. }) { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(self::followed(&site, &program).await?)).into_response())
        }
        Followed::Which(some) => {
            let choices: Vec<Value> =
                some.iter().map(|n| json!({ "siren": n.siren, "name": n.name, "who": accounts::meaning(n) })).collect();
            let body = json!({ "error": "conflict", "detail": said, "choices": choices });
            Ok((StatusCode::CONFLICT, Json(body)).into_response())
        }
        Followed::TooMany => Err(Trouble::new(StatusCode::CONFLICT, "too_many", &said)),
        Followed::ReadsOnly => Err(Trouble::new(StatusCode::FORBIDDEN, "forbidden", &said)),
        Followed::Nothing => Err(wrong("who : un SIREN, un SIRET ou un nom")),
    }
}

pub(crate) async fn unfollow(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::SubscriptionsWrite)?;
    match accounts::unfollow(&site.service, program.owner(), &id).await? {
        Unfollowed::Yes => Ok(StatusCode::NO_CONTENT.into_response()),
        Unfollowed::NotFollowed => Err(absent("vous ne suivez pas cet acheteur ou cette entreprise")),
        Unfollowed::ReadsOnly => Err(Trouble::new(StatusCode::FORBIDDEN, "forbidden", outcome_line::READS_ONLY)),
    }
}
