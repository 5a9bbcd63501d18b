//! Partners proposed to a coordinator, each with its reasons: partners of earlier bids, subscribers who agreed to be proposed, and
//! structures of the directory that suit a lot that nobody covers (`reach`).
//!
//! Whoever chose never to be proposed is not, wherever a directory lists them. No proposal says what a structure decided, or in which
//! other call it is: only its trade, its place, its kind, and what it did with this very coordinator count.

use std::collections::{BTreeMap, BTreeSet};

use vigie_config::rules::Rules;
use vigie_config::settings::SignUpMode;
use vigie_domain::access::{self, Access};
use vigie_domain::directory::Structure;
use vigie_domain::partner_call::{line_up, uncovered};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Assessment, Subscriber, SupplyMode, commune, french};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::choices::Choice;

use super::looking::{About, live_lots};
use super::opening::{coordinates, earlier, may_be_asked, partners_before};
use super::reach::{self, Candidate, Sought};
use super::{members_of, name_of};
use crate::after_award::messages::main_of;
use crate::service::Service;

/// Most trades named in a reason.
const MAX_TRADES: usize = 2;

/// A structure that may be asked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub structure: String,
    pub name: String,
    /// The reasons, in words.
    pub reason: String,
}

/// Structures here, besides the members of a network, that a coordinator may ask about a procedure: partners of before first, then
/// those who agreed to be proposed and whose kind, trade and place fit it.
///
/// # Errors
/// The database fails.
pub async fn known_partners(service: &Service, person: &Subscriber, procedure: &str) -> Result<Vec<Known>, StoreError> {
    let notices = service.store.notices_of(procedure).await?;
    let Some(row) = main_of(&notices).or(notices.last()) else { return Ok(Vec::new()) };
    let members: BTreeSet<String> = members_of(service, person).await?.into_iter().map(|(s, _)| s).collect();
    let never: BTreeSet<String> = service.store.who_chose(Choice::NeverProposed, "").await?.into_iter().collect();
    let before = partners_before(service, person.structure()).await?;
    let on_this = match earlier(service, person.structure(), procedure).await? {
        Some(call) => service.store.positions_on(&call.id).await?,
        None => Vec::new(),
    };
    let mut out: Vec<(bool, Known)> = Vec::new();
    for structure in before.keys() {
        let skipped = members.contains(structure) || never.contains(structure);
        if skipped || service.store.members(structure).await?.is_empty() {
            continue;
        }
        let same = on_this.iter().find(|p| p.structure == *structure && p.role.takes_part());
        let reason = match same {
            Some(p) => format!("{} dans votre groupement pour le marché précédent", p.role.in_french()),
            None => "déjà partenaire".to_owned(),
        };
        out.push((true, Known { structure: structure.clone(), name: name_of(service, structure).await?, reason }));
    }
    let agreed: BTreeSet<String> = service.store.who_chose(Choice::Proposed, "").await?.into_iter().collect();
    let mut people: BTreeMap<String, Subscriber> = BTreeMap::new();
    for one in service.store.subscribers().await? {
        let structure = one.structure().to_owned();
        let fits = agreed.contains(&structure) && !members.contains(&structure) && !before.contains_key(&structure);
        if fits && one.role == Role::Structure && structure != person.structure() && !never.contains(&structure) {
            people.entry(structure).or_insert(one);
        }
    }
    for (structure, one) in people {
        if let Some(reasons) = reasons(&one.profile, &person.profile, &row.assessment) {
            let name = name_of(service, &structure).await?;
            out.push((false, Known { structure, name, reason: french::list(&reasons) }));
        }
    }
    out.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.name.cmp(&y.name)));
    Ok(out.into_iter().map(|(_, known)| known).collect())
}

/// Most structures proposed for a lot.
pub const MOST: usize = 6;
/// Of these, most that lend staff beside a lot that asks for none.
const MOST_BESIDE: usize = 2;

/// A structure proposed for a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Its SIRET: the key of a structure.
    pub siret: String,
    pub name: String,
    pub kind: &'static str,
    pub reasons: Vec<String>,
    /// It may be asked here: somebody speaks for it and agreed, or it was a partner before.
    pub may_be_asked: bool,
}

/// Structures of the directory, and subscribers who agreed to be proposed, for each lot that nobody covers: those already partners
/// first, then those who agreed, then the nearest. `None` for who does not coordinate the call. Whoever is asked already is not proposed
/// again.
///
/// # Errors
/// The database fails.
pub async fn for_call(
    service: &Service,
    person: &Subscriber,
    call: &str,
) -> Result<Option<Vec<(String, Vec<Proposed>)>>, StoreError> {
    let store = &service.store;
    let Some(call) = store.partner_call(call).await?.filter(|c| coordinates(person, c)) else { return Ok(None) };
    let notices = store.notices_of(&call.procedure).await?;
    let Some(row) = main_of(&notices).or(notices.last()) else { return Ok(Some(Vec::new())) };
    let mut skipped: BTreeSet<String> = store.who_chose(Choice::NeverProposed, "").await?.into_iter().collect();
    skipped.extend(store.partner_invitations(&call.id).await?.into_iter().map(|i| i.structure));
    skipped.insert(call.coordinator.clone());
    let (entries, agreed) = candidates(service, &skipped).await?;
    let candidates: Vec<Candidate> = entries.into_iter().map(Candidate::of).collect();
    let beside = Beside {
        before: partners_before(service, &call.coordinator).await?,
        agreed,
        lends_staff: person.profile.kind.is_some_and(|k| k.supply_modes().contains(&SupplyMode::Staff)),
    };
    let lots = line_up(&live_lots(&call), &store.positions_on(&call.id).await?);
    let mut out = Vec::new();
    let mut askable: BTreeMap<String, bool> = BTreeMap::new();
    for lot in uncovered(&lots) {
        let of_notice = row.assessment.lots.iter().find(|l| l.id == lot);
        let sought = Sought::of(&row.assessment, of_notice);
        let mut proposed = Vec::new();
        for one in pick(&candidates, &sought, &beside) {
            let may = match askable.get(&one.siret) {
                Some(may) => *may,
                None => {
                    let may = may_be_asked(service, person, &one.siret).await?;
                    askable.insert(one.siret.clone(), may);
                    may
                }
            };
            proposed.push(Proposed { may_be_asked: may, ..one });
        }
        out.push((lot.to_owned(), proposed));
    }
    Ok(Some(out))
}

/// Structures that may be proposed: those of the directory, with what they say of themselves where it says nothing, and subscribers who
/// agreed and are in no directory; and who agreed.
async fn candidates(
    service: &Service,
    skipped: &BTreeSet<String>,
) -> Result<(Vec<Structure>, BTreeSet<String>), StoreError> {
    let store = &service.store;
    let mut all: BTreeMap<String, Structure> =
        store.listed_structures().await?.into_iter().map(|s| (s.siret.clone(), s)).collect();
    all.retain(|siret, _| !skipped.contains(siret));
    let agreed: BTreeSet<String> = store.who_chose(Choice::Proposed, "").await?.into_iter().collect();
    for one in store.subscribers().await?.into_iter().filter(|one| one.role == Role::Structure) {
        let (structure, profile) = (one.structure().to_owned(), one.profile);
        let Some(kind) = profile.kind.filter(|_| agreed.contains(&structure) && !skipped.contains(&structure)) else {
            continue;
        };
        if !all.contains_key(&structure) {
            let name = name_of(service, &structure).await?;
            let own = Structure {
                siret: structure.clone(),
                name,
                kind,
                sectors: Vec::new(),
                departments: Vec::new(),
                place: None,
                naf: None,
            };
            all.insert(structure.clone(), own);
        }
        let Some(entry) = all.get_mut(&structure) else { continue };
        if entry.sectors.is_empty() {
            entry.sectors = profile.sectors;
        }
        if entry.departments.is_empty() {
            entry.departments = profile.departments;
        }
    }
    Ok((all.into_values().collect(), agreed))
}

/// What is known of a coordinator's partners.
struct Beside {
    /// Partners before, and the most hours that each offered.
    before: BTreeMap<String, u32>,
    /// Who agreed to be proposed.
    agreed: BTreeSet<String>,
    /// The coordinator itself lends staff.
    lends_staff: bool,
}

/// In which order structures that suit are proposed: not a partner before, lends staff beside, did not agree.
type Order = (bool, bool, bool);

/// The best for a lot. Pure.
fn pick(candidates: &[Candidate], sought: &Sought<'_>, of: &Beside) -> Vec<Proposed> {
    let mut found: Vec<(Order, f64, &Structure, Vec<String>)> = Vec::new();
    for candidate in candidates {
        let Some(suits) = reach::suits(candidate, sought) else { continue };
        let entry = &candidate.entry;
        let mut reasons = suits.reasons;
        let before = of.before.get(&entry.siret);
        match before {
            Some(0) => reasons.push("déjà partenaire".to_owned()),
            Some(hours) => {
                reasons.push(format!("déjà partenaire : proposait {} heures", french::number(f64::from(*hours))));
            }
            None => {}
        }
        let agreed = of.agreed.contains(&entry.siret);
        if agreed {
            reasons.push("accepte d’être proposée".to_owned());
        }
        if of.lends_staff && !entry.kind.supply_modes().contains(&SupplyMode::Staff) {
            reasons.push(format!(
                "{} : réalise la prestation, à côté du personnel que vous mettez à disposition",
                entry.kind.acronym()
            ));
        }
        let order = (before.is_none(), suits.beside, !agreed);
        found.push((order, suits.km.unwrap_or(f64::MAX), entry, reasons));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1)).then_with(|| a.2.siret.cmp(&b.2.siret)));
    // One firm has several establishments, some under a number of before: the nearest of them is proposed.
    let (mut firms, mut names) = (BTreeSet::new(), BTreeSet::new());
    found.retain(|(.., entry, _)| firms.insert(firm(&entry.siret).to_owned()) & names.insert(proper_name(&entry.name)));
    let mut beside = 0;
    let picked = found.into_iter().filter(|((_, lends, _), ..)| {
        beside += usize::from(*lends);
        !lends || beside <= MOST_BESIDE
    });
    let proposed = picked.take(MOST).map(|(.., entry, reasons)| Proposed {
        siret: entry.siret.clone(),
        name: entry.name.clone(),
        kind: entry.kind.acronym(),
        reasons,
        may_be_asked: false,
    });
    proposed.collect()
}

/// Words before a name that are no part of it.
const FORMS: [&str; 9] = ["assoc", "association", "ass", "sarl", "sas", "sa", "eurl", "scop", "scic"];

/// A name as it is compared with others: without the form of who bears it.
fn proper_name(name: &str) -> String {
    let key = commune::key(name);
    let words: Vec<&str> = key.split(' ').filter(|w| !FORMS.contains(w)).collect();
    if words.is_empty() { key } else { words.join(" ") }
}

/// What its establishments have in common: the SIREN, where the key is a SIRET.
fn firm(key: &str) -> &str {
    if key.len() == 14 && key.bytes().all(|b| b.is_ascii_digit()) { &key[..9] } else { key }
}

/// Why a structure fits a procedure beside its coordinator; `None` where it does not: it cannot bid for any lot, or its trades and
/// places, as far as it says them, are others. Pure.
fn reasons(profile: &Profile, coordinator: &Profile, a: &Assessment) -> Option<Vec<String>> {
    let mut reasons = Vec::new();
    if let Some(kind) = profile.kind {
        let accesses: Vec<Access> = match a.lots.as_slice() {
            [] => access::of_lot(kind, a, None).into_iter().collect(),
            lots => lots.iter().filter_map(|lot| access::of_lot(kind, a, Some(lot))).collect(),
        };
        if !accesses.iter().any(|x| *x != Access::Closed) {
            return None;
        }
        let other = coordinator.kind.filter(|k| k.supply_modes().first() != kind.supply_modes().first());
        if let Some(other) = other {
            let gives = if kind.supply_modes().contains(&SupplyMode::Staff) { "du personnel" } else { "un service" };
            reasons.push(format!("{} : apporte {gives} à côté d’une {}", kind.acronym(), other.acronym()));
        }
    }
    let trades: BTreeSet<&String> = a.sectors.iter().chain(a.lots.iter().flat_map(|l| &l.sectors)).collect();
    let shared: Vec<&String> = profile.sectors.iter().filter(|s| trades.contains(s)).collect();
    if !profile.sectors.is_empty() && !trades.is_empty() {
        if shared.is_empty() {
            return None;
        }
        let rules = Rules::embedded();
        let named: Vec<String> = shared.iter().take(MAX_TRADES).map(|s| rules.trade(s).to_owned()).collect();
        reasons.insert(0, french::list(&named));
    }
    let places: BTreeSet<_> = a.departments.iter().chain(a.lots.iter().flat_map(|l| &l.departments)).collect();
    let near: Vec<String> =
        profile.departments.iter().filter(|d| places.contains(d)).map(ToString::to_string).collect();
    if !profile.departments.is_empty() && !places.is_empty() {
        if near.is_empty() {
            return None;
        }
        let rules = Rules::embedded();
        let named: Vec<String> = near.iter().take(MAX_TRADES).map(|d| rules.department_name(d).to_owned()).collect();
        reasons.push(format!("travaille dans {}", french::list(&named)));
    }
    if reasons.is_empty() {
        reasons.push("accepte d’être proposée".to_owned());
    }
    Some(reasons)
}

/// A message that a coordinator may send by themselves to a structure that Vigie does not write to, line by line.
#[must_use]
pub fn letter(service: &Service, about: &About, tender: Option<&str>, name: &str) -> Vec<String> {
    let until = tender.map(|tender| format!(" Les offres sont à remettre avant le {tender}.")).unwrap_or_default();
    let asked = format!(
        "Nous préparons une réponse à « {} » ({}) et cherchons des partenaires.{until} Cela vous intéresse-t-il ?",
        short(&about.title, 240),
        about.buyer
    );
    let at = |page: &str| service.home_url().map(|home| format!(" ({home}{page})")).unwrap_or_default();
    let how = match service.settings.sign_up.mode {
        SignUpMode::Off => format!(
            "Pour répondre en un toucher, votre structure peut être inscrite à Vigie{}, puis accepter d’être proposée dans « Mon compte ».",
            at("")
        ),
        SignUpMode::Code | SignUpMode::Open => format!(
            "Pour répondre en un toucher, inscrivez votre structure à Vigie{}, puis acceptez d’être proposée dans « Mon compte ».",
            at("inscription")
        ),
    };
    vec!["Bonjour,".to_owned(), asked, how, name.to_owned()]
}
