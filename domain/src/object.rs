//! Whether two titles speak of the same purchase: a contract and the call that led to it, a contract and the call that takes its
//! place. A title of essential data is often that of the procedure with the lot behind it, so the shorter one counts.

use std::collections::BTreeSet;

use crate::{Cpv, commune};

/// Shortest word that tells something.
const SHORTEST: usize = 4;
/// Share of the shorter title's words that the longer one must have.
const SHARED: f64 = 0.6;
/// Digits of the CPV that two purchases of one kind have in common: the group.
const CPV_GROUP: usize = 3;

/// Words of any title, which tell nothing of its object.
const COMMON: [&str; 45] = [
    "marche",
    "marches",
    "public",
    "publics",
    "accord",
    "accords",
    "cadre",
    "cadres",
    "prestation",
    "prestations",
    "service",
    "services",
    "travaux",
    "fourniture",
    "fournitures",
    "lots",
    "pour",
    "dans",
    "avec",
    "ville",
    "commune",
    "departement",
    "region",
    "metropole",
    "relatif",
    "relatifs",
    "relative",
    "mise",
    "oeuvre",
    "realisation",
    "procedure",
    "attribution",
    "avis",
    "annee",
    "annees",
    "bons",
    "commande",
    "commandes",
    "divers",
    "ensemble",
    // A role beside any works: « mission de maîtrise d’œuvre », « assistance à maîtrise d’ouvrage ».
    "mission",
    "missions",
    "maitrise",
    "assistance",
    "ouvrage",
];

fn words(title: &str) -> BTreeSet<String> {
    let key = commune::key(title);
    let telling = |w: &&str| w.len() >= SHORTEST && !COMMON.contains(w) && !w.bytes().all(|b| b.is_ascii_digit());
    // Singular and plural are one word.
    key.split(' ').filter(telling).map(|w| w.trim_end_matches(['s', 'x']).to_owned()).collect()
}

/// Whether two titles, with what codes are known of each, speak of the same object. Two codes of different groups never do.
#[must_use]
pub fn alike(a: (&str, &[Cpv]), b: (&str, &[Cpv])) -> bool {
    let group = |cpv: &[Cpv]| cpv.first().map(|c| c.as_str()[..CPV_GROUP].to_owned());
    if let (Some(one), Some(other)) = (group(a.1), group(b.1))
        && one != other
    {
        return false;
    }
    let (a, b) = (words(a.0), words(b.0));
    let (shared, shorter) = (a.intersection(&b).count(), a.len().min(b.len()));
    shorter > 0 && shared >= shorter.min(2) && shared as f64 >= SHARED * shorter as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpv(code: &str) -> Vec<Cpv> {
        Cpv::parse(code).into_iter().collect()
    }

    #[test]
    fn a_contract_is_of_the_call_whose_object_it_repeats() {
        for (call, contract) in [
            ("Nettoyage des locaux communaux", "NETTOYAGE DES LOCAUX COMMUNAUX - LOT 2 : VITRERIE"),
            ("Entretien des espaces verts de la ville", "Marché d'entretien d'espaces verts"),
            ("Collecte et tri des papiers de bureau", "Collecte papier bureau (2026-2030)"),
            ("Mission de maîtrise d'œuvre pour la rénovation du gymnase", "MAITRISE D'OEUVRE RENOVATION DU GYMNASE"),
        ] {
            assert!(alike((call, &[]), (contract, &[])), "{call} / {contract}");
        }
        for (call, contract) in [
            ("Nettoyage des locaux communaux", "Entretien des espaces verts"),
            ("Travaux de voirie", "Travaux de peinture"),
            ("Marché public de services", "Marché public de services"),
            // Two contracts of one buyer that three years of awards brought together.
            (
                "Mission d'assistance à maîtrise d'ouvrage dans le cadre de la politique forestière",
                "Mission de maîtrise d'oeuvre",
            ),
        ] {
            assert!(!alike((call, &[]), (contract, &[])), "{call} / {contract}");
        }
        let same = "Nettoyage des locaux communaux";
        assert!(alike((same, &cpv("90910000")), (same, &cpv("90911200"))));
        assert!(!alike((same, &cpv("90910000")), (same, &cpv("45000000"))));
    }
}
