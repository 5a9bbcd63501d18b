//! The conditions of a subscription, as the command line asks for them.

use vigie_config::rules::Rules;
use vigie_domain::{Buyer, BuyerKind, BuyerType, Cpv, Department, Filter, NoticeKind, ProvisionKind, SupplyMode};

use super::output::parse_word;
use vigie_service::Failure;
use vigie_service::place_input;

/// The conditions; repeated ones add up, different ones cross.
#[derive(Debug, clap::Args)]
pub(super) struct Criteria {
    /// Secteur (voir « vigie subscriptions sectors »)
    #[arg(long = "sector")]
    sectors: Vec<String>,
    /// Département d’exécution, tel que 59, 2A ou 974
    #[arg(long = "department")]
    departments: Vec<String>,
    /// Intercommunalité d’exécution : son SIREN ou son nom, tel que « CA de Lens - Liévin »
    #[arg(long = "epci")]
    epcis: Vec<String>,
    /// Rayon autour d’une commune d’exécution, tel que « Lens (62) 30 km »
    #[arg(long = "around")]
    around: Vec<String>,
    /// Préfixe CPV de 2 à 8 chiffres
    #[arg(long = "cpv")]
    cpv: Vec<String>,
    /// Disposition sociale : reserved, execution_clause, award_criterion, insertion_service, social_condition_not_seen, other
    #[arg(long = "provision", value_parser = parse_word::<ProvisionKind>)]
    provisions: Vec<ProvisionKind>,
    /// Nature d’avis : call, prior_information, planned, award, correction, cancellation, private, event
    #[arg(long = "notice-kind", value_parser = parse_word::<NoticeKind>)]
    notice_kinds: Vec<NoticeKind>,
    /// Mot qui doit figurer
    #[arg(long = "word")]
    words: Vec<String>,
    /// Mot qui écarte l’avis
    #[arg(long = "without-word")]
    excluded_words: Vec<String>,
    /// Mode de fourniture qui doit être possible : staff, service, goods
    #[arg(long = "supply", value_parser = parse_word::<SupplyMode>)]
    supply_modes: Vec<SupplyMode>,
    /// SIRET ou SIREN d’un acheteur voulu
    #[arg(long = "buyer")]
    buyers: Vec<String>,
    /// SIRET ou SIREN d’un acheteur écarté
    #[arg(long = "without-buyer")]
    excluded_buyers: Vec<String>,
    /// Acheteurs publics ou privés seulement : public, private
    #[arg(long, value_parser = parse_word::<BuyerKind>)]
    buyer_kind: Option<BuyerKind>,
    /// Nature d’acheteur : commune, intercommunal, department, region, state, health, housing, private, other
    #[arg(long = "buyer-type", value_parser = parse_word::<BuyerType>)]
    buyer_types: Vec<BuyerType>,
    /// Intérêt minimal pour les structures, de 0 à 100
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    min_score: u8,
    /// Jours restants au minimum
    #[arg(long)]
    min_lead_days: Option<i64>,
    /// Montant minimal en euros hors taxes, là où l’avis le dit
    #[arg(long)]
    min_amount: Option<f64>,
    /// Montant maximal en euros hors taxes, là où l’avis le dit
    #[arg(long)]
    max_amount: Option<f64>,
}

impl Criteria {
    /// The filter they make; `place` is the command, for what is said of a fault.
    pub(super) fn filter(&self, place: &str) -> Result<Filter, Failure> {
        let rules = Rules::embedded();
        if let Some(slug) = self.sectors.iter().find(|s| !rules.is_sector(s)) {
            return Err(Failure::usage(
                format!("secteur inconnu « {slug} »"),
                place,
                format!(
                    "vouliez-vous dire « {} » ? vigie subscriptions sectors les énumère",
                    rules.nearest_sector(slug)
                ),
            ));
        }
        let mut departments = Vec::new();
        for code in &self.departments {
            let meant = Department::written(code);
            if meant.is_empty() {
                return Err(Failure::usage(
                    format!("département inconnu « {code} »"),
                    place,
                    "écrivez un code INSEE, tel que 59, 2A ou 974",
                ));
            }
            departments.extend(meant);
        }
        let unclear = |what: String| Failure::usage(what, place, "corrigez ce lieu");
        let epcis = self.epcis.iter().map(|text| place_input::epci(text).map(|e| e.siren.to_owned()).map_err(unclear));
        let filter = Filter {
            sectors: self.sectors.clone(),
            cpv: self.cpv.iter().map(|text| Cpv::written(text)).collect(),
            departments,
            epcis: epcis.collect::<Result<_, _>>()?,
            around: self
                .around
                .iter()
                .map(|text| place_input::around(text).map_err(unclear))
                .collect::<Result<_, _>>()?,
            provisions: self.provisions.clone(),
            notice_kinds: self.notice_kinds.clone(),
            supply_modes: self.supply_modes.clone(),
            words: words(&self.words),
            excluded_words: words(&self.excluded_words),
            buyers: self.buyers.iter().map(|text| Buyer::written(text)).collect(),
            excluded_buyers: self.excluded_buyers.iter().map(|text| Buyer::written(text)).collect(),
            buyer_kind: self.buyer_kind,
            buyer_types: self.buyer_types.clone(),
            min_score: self.min_score,
            min_lead_days: self.min_lead_days,
            min_amount: self.min_amount,
            max_amount: self.max_amount,
        };
        match filter.faults().into_iter().next() {
            None => Ok(filter),
            Some(fault) => {
                Err(Failure::usage(fault, place, format!("corrigez cette valeur ; {place} --help les décrit")))
            }
        }
    }
}

/// Words as people list them: commas between them, quotes around them, a star for an end of which any will do, as it always is.
fn words(written: &[String]) -> Vec<String> {
    let bare = |w: &str| w.trim().trim_matches(['"', '«', '»', '*', ' ', '\u{a0}', '\u{202f}']).to_owned();
    written.iter().flat_map(|text| text.split(',')).map(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: a list in one option was one word that no notice holds.
    #[test]
    fn words_are_read_as_people_list_them() {
        for (written, read) in [
            (vec!["nettoyage,linge"], vec!["nettoyage", "linge"]),
            (vec!["nettoyage", "espaces verts, tonte"], vec!["nettoyage", "espaces verts", "tonte"]),
            (vec!["\"propreté\"", "« linge »", "net*"], vec!["propreté", "linge", "net"]),
            (vec!["nettoyage,"], vec!["nettoyage", ""]),
        ] {
            let written: Vec<String> = written.into_iter().map(str::to_owned).collect();
            assert_eq!(words(&written), read, "{written:?}");
        }
    }
}
