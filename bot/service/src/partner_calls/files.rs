//! The pieces of a joint bid that follow from its line-up: who does what of which lot, as CSV and DOCX. Both are made from what the
//! coordinator sees, so making them is a look that is logged.

use chrono::{DateTime, Utc};
use vigie_consultation::answer::{self, Share, Subject};
use vigie_domain::Subscriber;
use vigie_domain::partner_call::Position;
use vigie_store::StoreError;
use vigie_watcher::zones;

use super::closing::form_word;
use super::looking::{self, Coordinated};
use crate::error::Failure;
use crate::service::Service;

/// Heads of the repartition's columns.
pub const HEADS: [&str; 9] =
    ["Lot", "Intitulé", "Structure", "SIRET", "Rôle", "Part du lot (%)", "Heures", "Personnes", "À regarder"];

/// The repartition, a line a lot and structure; a lot that nobody covers has a line of its own. `None` for who does not coordinate
/// the call.
///
/// # Errors
/// The database fails.
pub async fn rows(service: &Service, person: &Subscriber, call: &str) -> Result<Option<Vec<Vec<String>>>, StoreError> {
    Ok(looking::coordinated(service, person, call).await?.map(|view| rows_of(&view)))
}

/// The lines of a repartition. Pure.
#[must_use]
pub fn rows_of(view: &Coordinated) -> Vec<Vec<String>> {
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    let mut out = Vec::new();
    for lot in &view.line_up {
        let title = view.about.lots.get(&lot.lot).cloned().unwrap_or_default();
        let id = if lot.lot.is_empty() { "Ensemble".to_owned() } else { lot.lot.clone() };
        let doubts: Vec<&str> = lot.doubts.iter().map(|d| d.in_french()).collect();
        if lot.on.is_empty() {
            let mut row = vec![id.clone(), title.clone()];
            row.resize(HEADS.len() - 1, String::new());
            row.push(doubts.join(", "));
            out.push(row);
        }
        for p in &lot.on {
            out.push(vec![
                id.clone(),
                title.clone(),
                view.name_of(&p.structure).to_owned(),
                siret(&p.structure).to_owned(),
                p.role.in_french().to_owned(),
                number(p.share),
                number(p.hours),
                number(p.people),
                doubts.join(", "),
            ]);
        }
    }
    out
}

/// The key of a structure is its SIRET, where it has one.
fn siret(structure: &str) -> &str {
    if structure.len() == 14 && structure.bytes().all(|b| b.is_ascii_digit()) { structure } else { "" }
}

/// The repartition table and the lines of DC1, DC2 and DC4 that follow from it, to be read over and signed. `None` for who does not
/// coordinate the call.
///
/// # Errors
/// The database fails, or the document cannot be put together.
pub async fn docx(
    service: &Service,
    person: &Subscriber,
    call: &str,
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(view) = looking::coordinated(service, person, call).await? else { return Ok(None) };
    let subject = Subject {
        title: view.about.title.clone(),
        buyer: view.about.buyer.clone(),
        lots: view.line_up.iter().filter(|l| !l.lot.is_empty()).map(|l| l.lot.clone()).collect(),
    };
    let part = |p: &Position| {
        let mut said = vec![form_word(p.role).to_owned()];
        said.extend(p.capacity());
        said.join(", ")
    };
    let lots: Vec<(String, Vec<Share>)> = view
        .line_up
        .iter()
        .map(|lot| {
            let id = match lot.lot.as_str() {
                "" => "Ensemble du marché".to_owned(),
                id => match view.about.lots.get(id).filter(|t| !t.is_empty()) {
                    Some(title) => format!("Lot {id} : {title}"),
                    None => format!("Lot {id}"),
                },
            };
            let shares = lot.on.iter().map(|p| {
                let number = siret(&p.structure);
                let name = view.name_of(&p.structure);
                let member = if number.is_empty() { name.to_owned() } else { format!("{name} (SIRET {number})") };
                Share { member, role: p.role, part: part(p) }
            });
            (id, shares.collect())
        })
        .collect();
    answer::repartition(&subject, &lots, zones::paris_day(now))
        .map(Some)
        .map_err(|e| Failure::new(e, "répartition des lots", "signalez cette erreur"))
}
