//! After the award: one contract, what a structure may offer, what ends, whom it follows; a page for each buyer and each holder.
//!
//! A contract is public, like the notices it is made from. What a structure was offered, answered and follows is read for the
//! structure of the session, and for no other.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use chrono::NaiveDate;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::service_area::Spot;
use vigie_domain::{Buyer, Contract, OfferStage, ProvisionKind, ServiceOffer, commune, french};
use vigie_notifier::after_award::{self, Addresses, HolderLine, Reader, spaced};
use vigie_notifier::card::{beneficiary_label, provision_label, short};
use vigie_service::after_award::accounts::{self, Followed, Unfollowed};
use vigie_service::after_award::{offers, renewals};
use vigie_service::alert_card;
use vigie_service::answers::outcome_line::READS_ONLY;
use vigie_service::links::{WHOLE, contract_path};
use vigie_store::accounts::keys;
use vigie_store::contracts::{ContractQuery, ContractRow, Named};
use vigie_watcher::zones;

use super::browse;
use super::frame::{Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};
use super::procedure;

/// Contracts and procedures of a buyer or a holder.
const LISTED: i64 = 60;
/// Offers and ends of a structure.
const MINE: i64 = 100;

/// A contract as lists show it.
#[derive(serde::Serialize)]
struct Row {
    path: String,
    title: String,
    lot: String,
    buyer: String,
    holders: String,
    state: &'static str,
    ends: Option<String>,
    estimated: bool,
    owed: Option<String>,
    /// To whom it is reserved, and what it asks for beside the work: « réservé aux SIAE », « critère social ».
    provisions: Vec<String>,
    /// What the visitor's own structure answered.
    stage: Option<&'static str>,
}

fn row(c: &Contract, stage: Option<OfferStage>, today: NaiveDate) -> Row {
    Row {
        path: contract_path(&c.procedure, &c.lot),
        title: short(&c.title, 160),
        lot: after_award::lot(c),
        buyer: short(&c.buyer.name, 120),
        holders: short(&c.holders_in_french(), 160),
        state: c.state_on(today).in_french(),
        ends: c.ends.map(|e| french::date(e.on)),
        estimated: c.ends.is_some_and(|e| e.is_estimated()),
        owed: c.owes_work().then(|| c.owed_in_french()),
        provisions: provisions(c),
        stage: stage.map(OfferStage::in_french),
    }
}

/// Each once: what a contract is reserved to, and its other provisions.
fn provisions(c: &Contract) -> Vec<String> {
    let reserved = c.reserved.iter().map(|b| format!("Réservé : {}", beneficiary_label(*b)));
    let others = c.provisions.iter().filter(|p| **p != ProvisionKind::Reserved || c.reserved.is_empty());
    let mut out: Vec<String> = Vec::new();
    for label in reserved.chain(others.map(|p| provision_label(*p).to_owned())) {
        if !out.contains(&label) {
            out.push(label);
        }
    }
    out
}

/// A fact of a contract and the notice that says it.
#[derive(serde::Serialize)]
struct Fact {
    label: &'static str,
    text: String,
    quote: Option<String>,
    source: String,
}

/// `BOAMP 26-123` of `boamp:26-123`.
fn source_in_french(notice: &str) -> String {
    let (source, id) = notice.split_once(':').unwrap_or(("", notice));
    match source {
        vigie_domain::contract::BY_HAND => "saisi à la main".to_owned(),
        "decp" => "données essentielles du marché".to_owned(),
        source => format!("{} {}", source.to_uppercase(), short(id, 40)),
    }
}

fn facts(c: &Contract) -> Vec<Fact> {
    let fact = |label, text: String, notice: &str| Fact { label, text, quote: None, source: source_in_french(notice) };
    let mut out = Vec::new();
    out.extend(c.amount.as_ref().map(|a| fact("Montant", after_award::amount(a.value), &a.notice)));
    out.extend(c.decided_on.as_ref().map(|d| fact("Attribué le", french::date(d.value), &d.notice)));
    out.extend(c.awarded_on.as_ref().map(|d| fact("Attribution publiée le", french::date(d.value), &d.notice)));
    out.extend(c.notified_on.as_ref().map(|d| fact("Notifié le", french::date(d.value), &d.notice)));
    if let (Some(end), Some(notice)) =
        (&c.ends, c.lasts.as_ref().map(|l| &l.notice).or(c.holders.first().map(|h| &h.notice)))
    {
        let head = if end.is_estimated() { "estimée au " } else { "" };
        out.push(fact("Fin au plus tard", format!("{head}{} : {}", french::date(end.on), end.in_french()), notice));
    }
    out.extend(c.modified_on.as_ref().map(|d| fact("Modifié le", french::date(d.value), &d.notice)));
    out.extend(c.subcontracts.iter().map(|s| {
        let amount = s.amount.map(|a| format!(", {}", after_award::euros(a))).unwrap_or_default();
        let on = s.notified.map(|day| format!(", notifiée le {}", french::date(day))).unwrap_or_default();
        // Essential data alone tell of them.
        fact("Sous-traitance", format!("{}{amount}{on}", short(s.company.said(), 120)), "decp")
    }));
    out.extend(c.offers_received.as_ref().map(|n| fact("Offres reçues", n.value.to_string(), &n.notice)));
    if c.owes_work() {
        for owed in &c.owed {
            let quote = owed.provision.evidence.quote.as_deref().map(|q| short(q, 400));
            out.push(Fact {
                quote, ..fact("Dû aux personnes éloignées de l’emploi", owed.in_french(), &owed.notice)
            });
        }
    }
    out
}

/// The lot of a path.
fn lot_of(path: &str) -> &str {
    if path == WHOLE { "" } else { path }
}

async fn found(site: &Site, visitor: &Visitor, id: &str, lot: &str) -> Result<ContractRow, Trouble> {
    // Whoever may not see the procedure sees no contract of it.
    procedure::notices(site, visitor.session.as_ref(), id).await?;
    site.service.store.contract(id, lot).await?.ok_or_else(|| {
        Trouble::unknown(
            "Contrat inconnu",
            "Aucune attribution n’est connue pour ce lot. La page du marché dit où il en est.",
        )
    })
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((id, lot)): Path<(String, String)>,
) -> Shown {
    if let Some(now) = site.service.store.procedure_now(&id).await? {
        return Ok(Redirect::permanent(&contract_path(&now, lot_of(&lot))).into_response());
    }
    let service = &site.service;
    let c = found(&site, &visitor, &id, lot_of(&lot)).await?.contract;
    let today = zones::paris_day(service.clock.now());
    let reader = visitor.session.as_ref().map(|s| s.person.id.as_str());
    let contacts = alert_card::contacts_of(service, &c, reader).await?;
    let holders: Vec<(HolderLine, Option<String>, String)> = c
        .holders
        .iter()
        .map(|h| {
            let page = party_page("titulaire", h.company.siren(), &h.company.name);
            (after_award::holder_line(&h.company), page, source_in_french(&h.notice))
        })
        .collect();
    let (offer, letter) = match &visitor.session {
        Some(session) => {
            let offer = service.store.service_offer_of(session.structure(), &id, &c.lot).await?;
            let own = service.store.structure(session.structure()).await?.map(|s| s.name).unwrap_or_default();
            let reader = Reader { structure: &own, name: &session.person.name, profile: &session.person.profile };
            let said = after_award::offer(&c, reader, &[], None, Addresses::default());
            (offer, c.owes_work().then_some((said.proposals, said.letter)))
        }
        None => (None, None),
    };
    let retendered = renewals::retendered(service, &c).await?;
    Ok(site.page(
        &visitor,
        "contrat.html",
        context! {
            id => id,
            r => Serde(row(&c, None, today)),
            place => browse::place(&c.departments),
            reason => c.reason.map(|r| vigie_domain::outcome::no_award_in_french(Some(r))),
            holders => Serde(holders),
            facts => Serde(facts(&c)),
            reserved => c.reserved.iter().map(|b| beneficiary_label(*b)).collect::<Vec<_>>(),
            provisions => c.provisions.iter().map(|p| provision_label(*p)).collect::<Vec<_>>(),
            doubts => c.doubts,
            contacts => contacts,
            buyer_page => party_page("acheteur", c.buyer.siren(), &c.buyer.name),
            retendered => retendered,
            answers => Serde(OfferStage::ANSWERS.map(|s| (s.as_str(), french::capital(s.in_french())))),
            open => offer.as_ref().is_some_and(|o| o.stage.is_open()),
            stage => offer.as_ref().filter(|o| OfferStage::ANSWERS.contains(&o.stage)).map(said),
            letter => Serde(letter),
        },
    ))
}

/// « contacté, par Ana, le 3 mars 2027 ».
fn said(offer: &ServiceOffer) -> String {
    let by = if offer.by.is_empty() { String::new() } else { format!(", par {}", short(&offer.by, 60)) };
    format!("{}{by}, le {}", offer.stage.in_french(), french::date(zones::paris_day(offer.at)))
}

/// What came of offering services.
pub(crate) async fn answer(
    State(site): State<Arc<Site>>,
    Path((id, lot)): Path<(String, String)>,
    posted: Posted,
) -> Shown {
    let stage =
        OfferStage::parse(posted.fields.one("reponse")).ok_or_else(|| Trouble::bad("Choisissez une réponse."))?;
    let (session, lot) = (&posted.session, lot_of(&lot));
    let noted = offers::answer(&site.service, &session.person, (&id, lot), stage, session.name()).await?;
    match noted {
        offers::Answered::Noted { .. } => Ok(Redirect::to(&contract_path(&id, lot)).into_response()),
        other => Err(Trouble::bad(offers::answered_in_french(&other))),
    }
}

#[derive(serde::Serialize)]
struct AccountRow {
    key: String,
    name: String,
    number: Option<String>,
    page: Option<String>,
    /// It has a commitment to socially responsible purchases (SPASER).
    committed: bool,
}

/// What a structure may offer, what ends, whom it follows.
pub(crate) async fn mine(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    overview(&site, &signed.visitor, signed.session.structure(), fields.one("fait").to_owned(), Vec::new()).await
}

async fn overview(
    site: &Site,
    visitor: &Visitor,
    structure: &str,
    done: String,
    choices: Vec<(String, String, String)>,
) -> Shown {
    let store = &site.service.store;
    let today = zones::paris_day(site.service.clock.now());
    let mut open = Vec::new();
    let mut settled = Vec::new();
    for offer in store.service_offers_of(structure, MINE).await? {
        let Some(found) = store.contract(&offer.procedure, &offer.lot).await? else { continue };
        let shown = row(&found.contract, Some(offer.stage), today);
        match offer.stage {
            stage if stage.is_open() => open.push(shown),
            OfferStage::Won | OfferStage::Declined => settled.push(shown),
            _ => {}
        }
    }
    let ending = renewals::ends_of(&site.service, structure, site.service.clock.now()).await?;
    let ending: Vec<Row> = ending.iter().map(|(c, _)| row(c, None, today)).collect();
    let accounts: Vec<AccountRow> = accounts::followed_by(&site.service, structure)
        .await?
        .into_iter()
        .map(|(a, committed)| AccountRow {
            committed,
            number: a.siren().map(spaced),
            page: party_page("acheteur", a.siren(), &a.name),
            name: short(&a.name, 120),
            key: a.key,
        })
        .collect();
    let values = context! {
        open => Serde(open), settled => Serde(settled), ending => Serde(ending), accounts => Serde(accounts), done => done,
        choices => choices,
    };
    Ok(site.page(visitor, "contrats.html", values))
}

pub(crate) async fn follow(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let session = &posted.session;
    let followed = accounts::follow(&site.service, &session.person, session.name(), posted.fields.one("qui")).await?;
    let said = accounts::followed_in_french(&followed);
    let choices = match followed {
        Followed::Which(some) => {
            let number =
                |n: &Named| if n.siren.is_empty() { "sans SIREN publié".to_owned() } else { spaced(&n.siren) };
            some.iter().map(|n| (accounts::meaning(n), short(&n.name, 120), number(n))).collect()
        }
        _ => Vec::new(),
    };
    overview(&site, &posted.visitor, session.structure(), said, choices).await
}

pub(crate) async fn unfollow(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    match accounts::unfollow(&site.service, &posted.session.person, posted.fields.one("qui")).await? {
        Unfollowed::ReadsOnly => Err(Trouble::bad(READS_ONLY)),
        Unfollowed::Yes | Unfollowed::NotFollowed => Ok(Redirect::to("/contrats").into_response()),
    }
}

pub(crate) async fn buyer(State(site): State<Arc<Site>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    party(&site, &visitor, &id, true).await
}

pub(crate) async fn holder(State(site): State<Arc<Site>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    party(&site, &visitor, &id, false).await
}

/// What stands in a path before the name of a party of which no number is published.
const NAMED: &str = "nom-";

/// The page of a buyer or a holder: by its SIREN, else by its name; of one without either there is none.
pub(super) fn party_page(as_what: &str, siren: Option<&str>, name: &str) -> Option<String> {
    let own = || {
        Some(commune::key(name)).filter(|key| !key.is_empty()).map(|key| format!("{NAMED}{}", key.replace(' ', "-")))
    };
    Some(format!("/{as_what}/{}", siren.map(str::to_owned).or_else(own)?))
}

/// The key of the party that a path means.
fn party_key(id: &str) -> Option<String> {
    match id.strip_prefix(NAMED) {
        Some(name) => keys(None, name).into_iter().next(),
        None => Buyer::clean_siret(id).filter(|n| n.len() == id.len()).map(|n| n[..9].to_owned()),
    }
}

/// What a buyer buys, or a company wins: with which provisions, until when, who helps.
async fn party(site: &Site, visitor: &Visitor, id: &str, buys: bool) -> Shown {
    let store = &site.service.store;
    let unknown =
        || Trouble::unknown("Personne de connu", "Aucun avis public ne nomme cet acheteur ou cette entreprise.");
    let key = party_key(id).ok_or_else(unknown)?;
    let mine = match &visitor.session {
        Some(session) => store.accounts_of(session.structure()).await?,
        None => Vec::new(),
    };
    // One that is followed before anything of it was read has a page for who follows it.
    let own_name = || mine.iter().find(|a| a.key == key).map(|a| a.name.clone());
    let name = store.name_of(&key).await?.or_else(own_name).ok_or_else(unknown)?;
    let siren = Some(key.as_str()).filter(|_| !id.starts_with(NAMED));
    let today = zones::paris_day(site.service.clock.now());
    let contracts_of = |query: ContractQuery| async move { store.find_contracts(&query, LISTED).await };
    let bought = contracts_of(ContractQuery { buyer: Some(key.clone()), ..ContractQuery::default() }).await?;
    let held = contracts_of(ContractQuery { holder: Some(key.clone()), ..ContractQuery::default() }).await?;
    let ids = store.procedures_bought_by(&key, LISTED).await?;
    let procedures = store.search_rows(&ids).await?;
    let departments = bought
        .iter()
        .chain(&held)
        .flat_map(|c| c.contract.departments.clone())
        .collect::<std::collections::BTreeSet<_>>();
    let departments: Vec<_> = departments.into_iter().collect();
    let reader = visitor.session.as_ref().map(|s| s.person.id.as_str());
    // Who helps near what it buys, or near what it won.
    let spot = Spot { departments: &departments, buyer: siren.filter(|_| buys), ..Spot::default() };
    let contacts = alert_card::contacts_in(&site.service, &spot, reader).await?;
    let rows = |found: &[ContractRow]| found.iter().map(|c| row(&c.contract, None, today)).collect::<Vec<_>>();
    let followed = keys(siren, &name).into_iter().find(|key| mine.iter().any(|a| a.key == *key));
    let committed = match siren {
        Some(siren) => store.commitment(siren).await?.map(|c| c.in_french(today)),
        None => None,
    };
    let meaning = accounts::meaning(&Named { siren: siren.unwrap_or_default().to_owned(), name: name.clone() });
    let values = context! {
        name => short(&name, 160), meaning => meaning, number => siren.map(spaced), buys => buys, bought => Serde(rows(&bought)),
        held => Serde(rows(&held)), procedures => Serde(browse::rows(site, visitor, &procedures).await?), contacts => contacts,
        committed => committed, followed => followed,
    };
    Ok(site.page(visitor, "acteur.html", values))
}
