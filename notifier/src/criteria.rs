//! A filter in words, as chats, pages and the command line show it.

use vigie_config::rules::{self, Rules};
use vigie_domain::{BuyerKind, Filter, NoticeKind, SupplyMode, french};

use crate::labels::provision_label;

/// Most items named of one criterion.
const MAX_NAMED: usize = 6;

/// `nettoyage ou blanchisserie ; Nord (59) ; au moins 10 jours pour répondre`; `tout` for a filter that asks for nothing.
#[must_use]
pub fn in_french(filter: &Filter) -> String {
    let rules = Rules::embedded();
    let mut parts = Vec::new();
    let mut add = |before: &str, names: Vec<String>| {
        if !names.is_empty() {
            parts.push(format!("{before}{}", either(names)));
        }
    };
    add("", filter.sectors.iter().map(|s| rules.sector_label(s).to_owned()).collect());
    add("CPV ", filter.cpv.clone());
    add("", places(filter));
    add("", filter.provisions.iter().map(|p| provision_label(*p).to_owned()).collect());
    add("", filter.notice_kinds.iter().map(|k| notice_kind_label(*k).to_owned()).collect());
    add("", filter.supply_modes.iter().map(|m| supply_label(*m).to_owned()).collect());
    add("acheteur ", filter.buyers.clone());
    add("sauf l’acheteur ", filter.excluded_buyers.clone());
    add(
        "",
        filter
            .buyer_kind
            .iter()
            .map(|k| match k {
                BuyerKind::Public => "acheteurs publics".to_owned(),
                BuyerKind::Private => "acheteurs privés".to_owned(),
            })
            .collect(),
    );
    add("acheteur\u{a0}: ", filter.buyer_types.iter().map(|t| t.in_french().to_owned()).collect());
    let quoted = |words: &[String]| words.iter().map(|w| format!("«\u{a0}{}\u{a0}»", w.trim())).collect::<Vec<_>>();
    add("avec ", quoted(&filter.words));
    add("sans ", quoted(&filter.excluded_words));
    let euros = |n: f64| format!("{}\u{a0}€", french::number(n));
    let amount = match (filter.min_amount, filter.max_amount) {
        (Some(least), Some(most)) => Some(format!("de {} à {}", euros(least), euros(most))),
        (Some(least), None) => Some(format!("à partir de {}", euros(least))),
        (None, Some(most)) => Some(format!("jusqu’à {}", euros(most))),
        (None, None) => None,
    };
    parts.extend(amount);
    if let Some(days) = filter.min_lead_days {
        let unit = if days > 1 { "jours" } else { "jour" };
        parts.push(format!("au moins {days}\u{a0}{unit} pour répondre"));
    }
    if filter.min_score > 0 {
        parts.push(format!("intérêt d’au moins {} sur 100", filter.min_score));
    }
    if parts.is_empty() { "tout".to_owned() } else { parts.join("\u{202f}; ") }
}

/// Every place asked for: `Nord (59)`, `CA de Lens - Liévin`, `30 km autour d’Arras (62)`.
#[must_use]
pub fn places(filter: &Filter) -> Vec<String> {
    let (rules, communes) = (Rules::embedded(), rules::communes);
    let departments = filter.departments.iter().map(|d| rules.department_label(d.as_str()));
    let epcis = filter.epcis.iter().map(|s| communes().epci(s).map_or_else(|| s.clone(), |e| e.name.to_owned()));
    let circles = filter.around.iter().map(|a| {
        let centre = communes().by_code(&a.commune).map_or_else(|| a.commune.clone(), |c| c.label());
        format!("{}\u{a0}km autour {}", a.km, french::of(&centre))
    });
    departments.chain(epcis).chain(circles).collect()
}

/// `a`, `a ou b`, `a, b ou c`, `a, b et 7 autres`.
fn either(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    if more > 1 {
        names.truncate(MAX_NAMED);
        return format!("{} ou {more}\u{a0}autres", names.join(", "));
    }
    match names.as_slice() {
        [head @ .., last] if !head.is_empty() => format!("{} ou {last}", head.join(", ")),
        _ => names.concat(),
    }
}

/// A kind of notice, as a person reads it.
#[must_use]
pub fn notice_kind_label(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Call => "avis de marché",
        NoticeKind::PriorInformation => "avis de préinformation",
        NoticeKind::Planned => "projets d’achat",
        NoticeKind::Award => "attributions",
        NoticeKind::NoAward => "marchés sans suite",
        NoticeKind::ExAnte => "intentions de conclure",
        NoticeKind::Modification => "modifications de contrats",
        NoticeKind::Completion => "fins de contrats",
        NoticeKind::Correction => "rectificatifs",
        NoticeKind::Cancellation => "annulations",
        NoticeKind::Private => "appels d’acheteurs privés",
        NoticeKind::Event => "rencontres",
    }
}

/// A supply mode, as a person reads it.
#[must_use]
pub fn supply_label(mode: SupplyMode) -> &'static str {
    match mode {
        SupplyMode::Staff => "mise à disposition de personnel",
        SupplyMode::Service => "prestation de service",
        SupplyMode::Goods => "fourniture de biens",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::{Around, BuyerType, Department, ProvisionKind};

    #[test]
    fn a_filter_reads_as_french() {
        let filter = Filter {
            sectors: vec!["blanchisserie".into()],
            departments: ["59", "2A"].iter().filter_map(|d| Department::parse(d)).collect(),
            provisions: vec![ProvisionKind::Reserved],
            epcis: vec!["246200364".into()],
            around: vec![Around { commune: "62041".into(), km: 30 }],
            buyer_types: vec![BuyerType::Health],
            excluded_words: vec!["amiante".into()],
            min_amount: Some(40_000.0),
            min_lead_days: Some(10),
            ..Filter::default()
        };
        assert_eq!(
            in_french(&filter),
            "Blanchisserie\u{202f}; Nord (59), Corse-du-Sud (2A), CA de Lens - Liévin ou 30\u{a0}km autour d’Arras (62)\u{202f}; \
             Marché réservé\u{202f}; acheteur\u{a0}: hôpital, médico-social\u{202f}; sans «\u{a0}amiante\u{a0}»\u{202f}; \
             à partir de 40\u{202f}000\u{a0}€\u{202f}; au moins 10\u{a0}jours pour répondre"
        );
        assert_eq!(in_french(&Filter::default()), "tout");
    }

    #[test]
    fn a_long_list_is_cut() {
        let filter = Filter { cpv: (10..30).map(|n| n.to_string()).collect(), ..Filter::default() };
        assert_eq!(in_french(&filter), "CPV 10, 11, 12, 13, 14, 15 ou 14\u{a0}autres");
    }
}
