//! Ways to narrow or to widen a subscription, each of one condition, with what a person reads of it. Pure.
//!
//! A cut never asks for everything by emptying a list, and no change touches a second condition.

use vigie_config::rules::{self, Rules};
use vigie_domain::follow_up::{Narrowing, narrowed};
use vigie_domain::subscription::Profile;
use vigie_domain::territory::MAX_KM;
use vigie_domain::{BuyerKind, Department, Dimension, Filter, ProvisionKind, french};
use vigie_notifier::card::{provision_label, short};

/// Most values of one list that are tried to be left out.
const MOST_OF_A_LIST: usize = 15;
/// Days for an answer below which notices are proposed to be left out.
const LEAD: i64 = 15;
/// Interest below which notices are proposed to be left out.
const SCORE: u8 = 50;
/// How far a neighbouring département may be, middle to middle, in kilometres, and how many are proposed.
const NEAR: (u16, usize) = (130, 3);
/// Longest name of a trade or a place in a button, in characters.
const NAME: usize = 40;

/// One way to change a subscription.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// The condition that changes.
    pub(super) of: Dimension,
    /// What a person reads of it.
    pub(super) label: String,
    /// What it would ask for then.
    pub(super) filter: Filter,
}

fn department(d: &Department) -> String {
    Rules::embedded().department_label(d.as_str())
}

fn commune(code: &str) -> String {
    rules::communes().by_code(code).map_or_else(|| code.to_owned(), |c| c.label())
}

fn quoted(name: &str) -> String {
    format!("«\u{a0}{}\u{a0}»", short(name, NAME))
}

/// Changes that would give less.
pub(super) fn cuts(filter: &Filter, profile: &Profile) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    let mut put = |of, label: String, filter: Filter| out.push(Change { of, label, filter });
    for sector in filter.sectors.iter().take(MOST_OF_A_LIST) {
        if let Some(less) = narrowed(filter, &Narrowing::Sectors(vec![sector.clone()])) {
            put(Dimension::Sector, format!("Sans {}", quoted(Rules::embedded().trade(sector))), less);
        }
    }
    if filter.sectors.is_empty() && !profile.sectors.is_empty() {
        let less = Filter { sectors: profile.sectors.clone(), ..filter.clone() };
        put(Dimension::Sector, "Seulement vos métiers".to_owned(), less);
    }
    for d in filter.departments.iter().take(MOST_OF_A_LIST) {
        if let Some(less) = narrowed(filter, &Narrowing::Departments(vec![d.clone()])) {
            put(Dimension::Department, format!("Sans {}", department(d)), less);
        }
    }
    for epci in filter.epcis.iter().take(MOST_OF_A_LIST).filter(|_| places(filter) > 1) {
        let mut less = filter.clone();
        less.epcis.retain(|e| e != epci);
        let name = rules::communes().epci(epci).map_or(epci.as_str(), |e| e.name);
        put(Dimension::Place, format!("Sans {}", quoted(name)), less);
    }
    for (n, around) in filter.around.iter().enumerate().filter(|(_, a)| a.km > 1).take(MOST_OF_A_LIST) {
        let mut less = filter.clone();
        less.around[n].km = around.km / 2;
        let label = format!(
            "À {}\u{a0}km {} au lieu de {}",
            around.km / 2,
            french::of(&short(&commune(&around.commune), NAME)),
            around.km
        );
        put(Dimension::Place, label, less);
    }
    if places(filter) == 0 && !profile.departments.is_empty() {
        let less = Filter { departments: profile.departments.clone(), ..filter.clone() };
        put(Dimension::Department, "Seulement vos départements".to_owned(), less);
    }
    if filter.provisions.is_empty() {
        let social = vec![
            ProvisionKind::Reserved,
            ProvisionKind::ExecutionClause,
            ProvisionKind::AwardCriterion,
            ProvisionKind::InsertionService,
        ];
        let label = "Seulement avec une disposition sociale".to_owned();
        put(Dimension::Provision, label, Filter { provisions: social, ..filter.clone() });
    }
    for kind in filter.provisions.iter().filter(|_| filter.provisions.len() > 1) {
        let provisions = filter.provisions.iter().copied().filter(|p| p != kind).collect();
        let label = format!("Sans {}", quoted(provision_label(*kind)));
        put(Dimension::Provision, label, Filter { provisions, ..filter.clone() });
    }
    if filter.buyer_kind.is_none() {
        let less = Filter { buyer_kind: Some(BuyerKind::Public), ..filter.clone() };
        put(Dimension::Buyer, "Sans les acheteurs privés".to_owned(), less);
    }
    if let Some(less) = narrowed(filter, &Narrowing::Lead(LEAD)) {
        put(Dimension::LeadTime, format!("Au moins {LEAD}\u{a0}jours pour répondre"), less);
    }
    if filter.min_score < SCORE {
        let less = Filter { min_score: SCORE, ..filter.clone() };
        put(Dimension::Score, "Seulement les plus intéressants".to_owned(), less);
    }
    out
}

/// How many places are asked for.
fn places(filter: &Filter) -> usize {
    filter.departments.len() + filter.epcis.len() + filter.around.len()
}

/// Changes that would give more.
pub(super) fn openings(filter: &Filter) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    let mut put = |of, label: &str, more: Filter| {
        if more != *filter {
            out.push(Change { of, label: label.to_owned(), filter: more });
        }
    };
    let with = |change: &dyn Fn(&mut Filter)| {
        let mut more = filter.clone();
        change(&mut more);
        more
    };
    let rules = Rules::embedded();
    let mut groups: Vec<&str> = filter.sectors.iter().filter_map(|s| rules.sector_group(s)).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let more = with(&|f| {
            let all = rules.sectors().filter(|(_, row)| row.group == group).map(|(slug, _)| slug.to_owned());
            let others: Vec<String> = all.filter(|s| !f.sectors.contains(s)).collect();
            f.sectors.extend(others);
        });
        let label = format!("Tous les métiers de {}", quoted(rules.group_label(group)));
        put(Dimension::Sector, &label, more);
    }
    put(Dimension::Sector, "Tous les métiers", with(&|f| f.sectors.clear()));
    put(Dimension::Cpv, "Sans code CPV imposé", with(&|f| f.cpv.clear()));
    for (n, around) in filter.around.iter().enumerate().filter(|(_, a)| a.km < MAX_KM).take(MOST_OF_A_LIST) {
        let km = around.km.saturating_mul(2).min(MAX_KM);
        let centre = french::of(&short(&commune(&around.commune), NAME));
        let label = format!("À {km}\u{a0}km {centre} au lieu de {}", around.km);
        put(Dimension::Place, &label, with(&|f| f.around[n].km = km));
    }
    for epci in filter.epcis.iter().take(MOST_OF_A_LIST) {
        let around: Vec<Department> = rules::communes().departments_of(epci).to_vec();
        let names: Vec<String> = around.iter().map(department).collect();
        let more = with(&|f| f.departments.extend(around.iter().filter(|d| !filter.departments.contains(d)).cloned()));
        put(Dimension::Place, &format!("Aussi {}", french::list(&names)), more);
    }
    let near = neighbours(filter);
    if !near.is_empty() {
        let names: Vec<String> = near.iter().map(department).collect();
        let label = format!("Aussi {}", french::list(&names));
        put(Dimension::Department, &label, with(&|f| f.departments.extend(near.iter().cloned())));
    }
    let nowhere = with(&|f| (f.departments, f.epcis, f.around) = Default::default());
    put(Dimension::Department, "Partout en France", nowhere);
    put(Dimension::Provision, "Avec ou sans disposition sociale", with(&|f| f.provisions.clear()));
    put(Dimension::NoticeKind, "Toutes les natures d’avis", with(&|f| f.notice_kinds.clear()));
    put(Dimension::SupplyMode, "Personnel, services ou biens", with(&|f| f.supply_modes.clear()));
    let anyone = with(&|f| (f.buyers, f.buyer_kind, f.buyer_types) = Default::default());
    put(Dimension::Buyer, "Tous les acheteurs", anyone);
    put(Dimension::Words, "Sans mot imposé", with(&|f| f.words.clear()));
    put(Dimension::ExcludedWords, "Sans mot exclu", with(&|f| f.excluded_words.clear()));
    put(Dimension::Score, "Même les moins intéressants", with(&|f| f.min_score = 0));
    put(Dimension::LeadTime, "Quel que soit le délai", with(&|f| f.min_lead_days = None));
    put(Dimension::Amount, "Quel que soit le montant", with(&|f| (f.min_amount, f.max_amount) = (None, None)));
    out
}

/// The départements nearest to those asked for, that are not among them.
fn neighbours(filter: &Filter) -> Vec<Department> {
    let (km, most) = NEAR;
    let mut near: Vec<Department> = Vec::new();
    // Those of whoever asks for many are named one by one already.
    for home in filter.departments.iter().take(most) {
        let around = rules::communes().nearest_departments(home, km, most);
        near.extend(around.into_iter().filter(|d| !filter.departments.contains(d)));
    }
    near.sort();
    near.dedup();
    near.truncate(most);
    near
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::Around;

    fn labels(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|c| c.label.as_str()).collect()
    }

    fn departments(codes: &[&str]) -> Vec<Department> {
        codes.iter().filter_map(|c| Department::parse(c)).collect()
    }

    #[test]
    fn each_change_is_named_and_touches_one_condition() {
        let filter = Filter {
            sectors: vec!["blanchisserie".into(), "nettoyage-de-bureaux".into()],
            departments: departments(&["59", "62"]),
            around: vec![Around { commune: "62498".into(), km: 30 }],
            min_lead_days: Some(10),
            ..Filter::default()
        };
        let less = cuts(&filter, &Profile::default());
        let said = labels(&less);
        for wanted in [
            "Sans Nord (59)",
            "À 15\u{a0}km de Lens (62) au lieu de 30",
            "Au moins 15\u{a0}jours pour répondre",
            "Seulement avec une disposition sociale",
        ] {
            assert!(said.contains(&wanted), "{said:?}");
        }
        let more = openings(&filter);
        let said = labels(&more);
        for wanted in ["À 60\u{a0}km de Lens (62) au lieu de 30", "Quel que soit le délai", "Partout en France"] {
            assert!(said.contains(&wanted), "{said:?}");
        }
        assert!(said.iter().any(|l| l.starts_with("Aussi ") && l.contains("Somme (80)")), "{said:?}");
        assert!(!said.contains(&"Sans mot imposé"), "nothing is opened that is open: {said:?}");
    }

    #[test]
    fn what_stands_alone_is_not_cut_away() {
        let filter =
            Filter { sectors: vec!["blanchisserie".into()], departments: departments(&["59"]), ..Filter::default() };
        let less = cuts(&filter, &Profile::default());
        assert!(less.iter().all(|c| c.filter.sectors == filter.sectors && c.filter.departments == filter.departments));
        let profile = Profile { sectors: vec!["blanchisserie".into()], ..Profile::default() };
        let own = cuts(&Filter::default(), &profile);
        assert!(labels(&own).contains(&"Seulement vos métiers"));
    }

    #[test]
    fn no_change_has_a_fault() {
        let wide = Filter { around: vec![Around { commune: "62498".into(), km: 300 }], ..Filter::default() };
        let small = Filter { around: vec![Around { commune: "62498".into(), km: 1 }], ..Filter::default() };
        for filter in [Filter::default(), wide, small] {
            let all = cuts(&filter, &Profile::default()).into_iter().chain(openings(&filter));
            for change in all {
                assert_eq!(change.filter.faults(), Vec::<String>::new(), "{}", change.label);
                assert_ne!(change.filter, filter, "{}", change.label);
            }
        }
    }
}
