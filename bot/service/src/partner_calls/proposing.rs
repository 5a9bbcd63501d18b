//! Partners proposed to a coordinator, each with its reasons: partners of earlier bids, subscribers who agreed to be proposed, and
//! structures of the directory that suit a lot that nobody covers (`reach`).
//!
//! Whoever chose never to be proposed is not, wherever a directory lists them. No proposal says what a structure decided, or in which
//! other call it is: only its trade, its place, its kind, and what it did with this very coordinator count.

use std::collections::{BTreeMap, BTreeSet};

use vigie_config::settings::SignUpMode;
use vigie_domain::assessment::AssessedLot;
use vigie_domain::directory::Structure;
use vigie_domain::partner_call::{line_up, uncovered};
use vigie_domain::subscription::Role;
use vigie_domain::{Assessment, Subscriber, SupplyMode, commune, french};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::choices::Choice;

use super::looking::About;
use super::opening::{coordinates, earlier, may_be_asked, partners_before};
use super::reach::{self, Candidate, Sought, Suits};
use super::{members_of, name_of};
use crate::after_award::messages::main_of;
use crate::service::Service;

/// A structure that may be asked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub structure: String,
    pub name: String,
    /// The reasons, in words.
    pub reason: String,
}

/// Structures here, besides the members of a network, that a coordinator may ask about a procedure: partners of before first, then
/// those who agreed to be proposed and suit one of its lots by kind, trade and place (`reach`), the nearest first, each with its lots; last
/// those of whom that is not known.
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
    let mut out: Vec<Known> = Vec::new();
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
        out.push(Known { structure: structure.clone(), name: name_of(service, structure).await?, reason });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    let mut skipped: BTreeSet<String> = members.into_iter().chain(never).chain(before.into_keys()).collect();
    skipped.insert(person.structure().to_owned());
    let (mut entries, agreed) = candidates(service, &skipped).await?;
    let mut here: BTreeSet<String> = BTreeSet::new();
    for one in service.store.subscribers().await?.into_iter().filter(|one| one.role == Role::Structure) {
        here.extend(Some(one.structure().to_owned()).filter(|s| agreed.contains(s) && !skipped.contains(s)));
    }
    entries.retain(|one| here.contains(&one.siret));
    for one in &entries {
        here.remove(&one.siret);
    }
    let mut whole = row.assessment.clone();
    if whole.lots.is_empty() {
        // The undivided whole is carried out where its notice says.
        whole.lots.push(AssessedLot {
            id: String::new(),
            title: whole.title.clone(),
            cpv: whole.cpv.clone(),
            departments: whole.departments.clone(),
            places: Vec::new(),
            sectors: whole.sectors.clone(),
        });
    }
    for lot in whole.lots.iter_mut().filter(|lot| lot.places.is_empty()) {
        lot.places.clone_from(&row.notice.places);
    }
    out.extend(fitting(entries, &whole));
    for structure in here {
        let name = name_of(service, &structure).await?;
        out.push(Known { structure, name, reason: "type de structure non renseigné".to_owned() });
    }
    Ok(out)
}

/// Those of these that suit a lot, or may: the nearest first, each with its reasons and, of several lots, which. Pure.
fn fitting(entries: Vec<Structure>, a: &Assessment) -> Vec<Known> {
    let lots: Vec<(&str, Sought<'_>)> = a.lots.iter().map(|lot| (lot.id.as_str(), Sought::of(a, Some(lot)))).collect();
    let mut found: Vec<((bool, bool), f64, Known)> = Vec::new();
    for candidate in entries.into_iter().map(Candidate::of) {
        let by = |suits: fn(&Candidate, &Sought<'_>) -> Option<Suits>| {
            lots.iter().filter_map(|(id, sought)| Some((*id, suits(&candidate, sought)?))).collect::<Vec<_>>()
        };
        let mut suited = by(reach::suits);
        let sure = !suited.is_empty();
        if !sure {
            suited = by(reach::may_suit);
        }
        let Some((_, best)) = suited.iter().min_by(|(_, a), (_, b)| km(a).total_cmp(&km(b))) else { continue };
        let mut reasons = best.reasons.clone();
        if sure && lots.len() > 1 {
            let ids: Vec<String> = suited.iter().map(|(id, _)| (*id).to_owned()).collect();
            reasons.insert(0, french::lots(&ids, lots.len()));
        }
        let order = (!sure, best.beside);
        let km = km(best);
        let Structure { siret, name, .. } = candidate.entry;
        found.push((order, km, Known { structure: siret, name, reason: reasons.join(" ; ") }));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1)).then_with(|| a.2.name.cmp(&b.2.name)));
    found.into_iter().map(|(.., known)| known).collect()
}

/// How far that is; what is not known is far.
fn km(suits: &Suits) -> f64 {
    suits.km.unwrap_or(f64::MAX)
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
    let lots = line_up(&call.live_lots(), &store.positions_on(&call.id).await?);
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

#[cfg(test)]
mod tests {
    use vigie_domain::{Department, NoticeKind, Place, StructureKind};

    use super::*;
    use crate::directory::tests::listed;

    fn lot(id: &str, title: &str, sector: &str) -> AssessedLot {
        AssessedLot {
            id: id.into(),
            title: title.into(),
            cpv: Vec::new(),
            departments: Department::parse("62").into_iter().collect(),
            places: vec![Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None }],
            sectors: vec![sector.into()],
        }
    }

    /// Whoever worked in the département was proposed for cleaning, works and gardens alike, by name and with that one reason.
    #[test]
    fn who_agreed_is_proposed_by_trade_and_distance_with_its_lots_and_who_says_no_trade_last() {
        let mut a = Assessment::new("26-1", NoticeKind::Call);
        a.departments = Department::parse("62").into_iter().collect();
        a.lots = vec![
            lot("1", "Nettoyage des locaux", "nettoyage-de-locaux-16"),
            lot("2", "Espaces verts", "creation-et-entretien-des-espaces-verts"),
        ];
        let of = |siret: &str, name: &str, kind, naf: &str, place| listed(siret, name, kind, naf, place);
        let entries = || {
            vec![
                of("1", "Habitat Actif", StructureKind::Ei, "4334Z", ("Liévin", "62800")),
                of("2", "Cipres", StructureKind::Aci, "8899B", ("Liévin", "62800")),
                of("3", "Les Prés", StructureKind::Aci, "8130Z", ("Liévin", "62800")),
                of("4", "Vitaservices", StructureKind::Ei, "8122Z", ("Arras", "62000")),
                of("5", "Opur", StructureKind::Aci, "8130Z", ("Guînes", "62340")),
            ]
        };
        let named = |a: &Assessment| fitting(entries(), a).into_iter().map(|k| k.name).collect::<Vec<_>>();
        assert_eq!(named(&a), ["Les Prés", "Vitaservices", "Cipres"]);
        let told = fitting(entries(), &a);
        assert!(told[0].reason.starts_with("lot 2 ; "), "{}", told[0].reason);
        assert!(told[1].reason.contains("8122Z") && told[1].reason.contains("km"), "{}", told[1].reason);
        assert!(told[2].reason.starts_with("métier non renseigné"), "{}", told[2].reason);
        a.lots.truncate(1);
        assert_eq!(named(&a), ["Vitaservices", "Cipres"]);
        a.lots[0].sectors.clear();
        assert!(fitting(entries(), &a).iter().all(|k| k.reason.contains("n’est pas reconnu")));
    }
}
