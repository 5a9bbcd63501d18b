//! Whether a structure of a directory suits a lot, and why: its trade, where it is, how it supplies. Pure.
//!
//! A trade is what the directory says of it, else what its activity code or its name says; a structure whose trade nothing tells is
//! proposed for no lot of a trade. Who lends staff suits what is staff on loan, whatever its trade; beside a lot that is not, it is
//! proposed where its hours count.

use std::collections::BTreeSet;

use vigie_config::rules::{self, Rules};
use vigie_domain::access::{self, Access};
use vigie_domain::assessment::AssessedLot;
use vigie_domain::commune::Commune;
use vigie_domain::directory::Structure;
use vigie_domain::{Assessment, Department, Sector, StructureKind, SupplyMode, commune, french};

/// How far structures go, in kilometres as the crow flies. An AI has an agreed zone, often an employment area, and an ACI its own basin; an
/// ETTI is agreed for a département at least (instruction DGEFP 2021).
const AI_REACH: f64 = 25.0;
const ACI_REACH: f64 = 30.0;
const STAFF_REACH: f64 = 90.0;
/// Works and what is done once.
const WORKS_REACH: f64 = 60.0;
/// What is done on the spot week after week, or eaten warm.
const DAILY_REACH: f64 = 35.0;
/// A restaurant feeds its town; a caterer comes from farther.
const RESTAURANT_REACH: f64 = 10.0;
const RESTAURANTS: (&str, &str) = ("561", "restaurant");
const DAILY: [&str; 5] = [
    "hygiene-et-proprete-64",
    "restauration",
    "espaces-verts-exterieurs-2",
    "collecte-traitement-des-dechets",
    "entretien-du-linge",
];

/// Activity codes (NAF rév. 2) by their beginning, the longer before the shorter, and the sectors, or whole groups of sectors, that they
/// are.
const BY_NAF: &[(&str, &[&str])] = &[
    ("8130", &["espaces-verts-exterieurs-2", "entretien-des-jardins"]),
    ("812", &["hygiene-et-proprete-64"]),
    ("9601", &["blanchisserie", "pressing-et-nettoyage-a-sec", "repassage"]),
    ("141", &["couture-reprisage-retouches", "confection-a-facon"]),
    ("381", &["collecte-traitement-des-dechets"]),
    ("382", &["collecte-traitement-des-dechets"]),
    ("383", &["recyclage-economie-circulaire"]),
    ("4779", &["recyclage-economie-circulaire"]),
    ("4321", &["electricite"]),
    ("4322", &["plomberie"]),
    ("4332A", &["menuiserie"]),
    ("4332B", &["ouvrages-metalliques"]),
    ("4333", &["carrelage-revetement-des-sols", "peinture-revetement-des-murs"]),
    ("4334", &["peinture-revetement-des-murs"]),
    ("4331", &["amenagement-interieur"]),
    ("4391", &["travaux-de-chantiers-74"]),
    ("4311", &["deconstruction-curage-demolition"]),
    ("4399", &["travaux-de-chantiers-74", "tous-travaux-et-petits-bricolages-42"]),
    ("41", &["batiments-et-travaux-publics-65"]),
    ("42", &["travaux-de-chantiers-74"]),
    ("43", &["travaux-de-chantiers-74", "tous-travaux-et-petits-bricolages-42"]),
    ("1071", &["boulangerie-patisserie-confiseries-118"]),
    ("1085", &["restauration"]),
    ("56", &["restauration"]),
    ("0113", &["maraichage", "livraison-de-fruits-et-legumes-34", "agriculture"]),
    ("011", &["agro-alimentaire"]),
    ("012", &["agro-alimentaire"]),
    ("4520", &["garage-mecanique-automobile-10", "nettoyage-de-vehicules-12"]),
    // 9529Z repairs bicycles, jewels and instruments alike: a name tells which.
    ("9521", &["entretien-machines-materiels-50"]),
    ("9522", &["entretien-machines-materiels-50"]),
    ("4942", &["demenagement-45"]),
    ("4941", &["transport-de-marchandises"]),
    ("493", &["transports-de-personnes"]),
    ("532", &["coursiers-livraison-de-plis-colis"]),
    ("8292", &["logistique-conditionnement", "manutention"]),
    ("52", &["logistique-conditionnement", "manutention"]),
    ("25", &["metallurgie", "sous-traitance-industrielle-generale-53"]),
    ("62", &["prestations-informatiques"]),
    ("801", &["poste-de-garde-accueil"]),
    ("181", &["impressions"]),
    ("16", &["travail-du-bois"]),
    ("31", &["equipements-et-mobiliers", "travail-du-bois"]),
];

/// Words of a name, as keys, and the sector, or the whole group of sectors, that they tell. A word ends there, or goes on where it
/// ends in `*`.
const BY_NAME: &[(&str, &str)] = &[
    ("jardinage", "espaces-verts-exterieurs-2"),
    ("jardiniers", "espaces-verts-exterieurs-2"),
    ("espaces verts", "espaces-verts-exterieurs-2"),
    ("paysag*", "espaces-verts-exterieurs-2"),
    ("riviere*", "espaces-verts-exterieurs-2"),
    ("proprete", "hygiene-et-proprete-64"),
    ("nettoyage", "hygiene-et-proprete-64"),
    ("blanchisserie", "entretien-du-linge"),
    ("laverie", "entretien-du-linge"),
    ("linge", "entretien-du-linge"),
    ("repassage", "entretien-du-linge"),
    ("couture", "entretien-du-linge"),
    ("recycl*", "recyclage-economie-circulaire"),
    ("ressourcerie", "recyclage-economie-circulaire"),
    ("emmaus", "recyclage-economie-circulaire"),
    ("dechets", "collecte-traitement-des-dechets"),
    ("collecterie", "collecte-traitement-des-dechets"),
    ("batiment", "batiments-et-travaux-publics-65"),
    ("btp", "batiments-et-travaux-publics-65"),
    ("renovation", "batiments-et-travaux-publics-65"),
    ("maconnerie", "batiments-et-travaux-publics-65"),
    ("patrimoine", "batiments-et-travaux-publics-65"),
    ("traiteur", "restauration"),
    ("restaurant", "restauration"),
    ("cuisine*", "restauration"),
    ("maraich*", "agro-alimentaire"),
    ("cocagne", "agro-alimentaire"),
    ("potager*", "agro-alimentaire"),
    ("velo*", "reparation-de-velos-14"),
    ("cycles", "reparation-de-velos-14"),
    ("industrie*", "sous-traitance-industrielle"),
    ("garage", "garage-mecanique-automobile-10"),
    ("demenagement*", "demenagements-livraisons-transports-79"),
    ("transport*", "demenagements-livraisons-transports-79"),
    ("menuiserie", "ameublement-deco-textile-artisanat-73"),
    ("ebenisterie", "ameublement-deco-textile-artisanat-73"),
];

/// Words of a name that tell a trade so plainly that an activity code of another one does not count: gardens, whether kept or cropped.
const GARDENS: [&str; 3] = ["jardin*", "espaces verts", "paysag*"];
const OF_GARDENS: [&str; 2] = ["espaces-verts-exterieurs-2", "agro-alimentaire"];

/// A lot, as structures are looked for.
pub(crate) struct Sought<'a> {
    pub(crate) assessment: &'a Assessment,
    /// `None` = the undivided whole.
    pub(crate) lot: Option<&'a AssessedLot>,
    trades: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
    communes: Vec<Commune>,
    departments: BTreeSet<&'a Department>,
    staff: bool,
}

impl<'a> Sought<'a> {
    pub(crate) fn of(a: &'a Assessment, lot: Option<&'a AssessedLot>) -> Self {
        let own = lot.map(|l| &l.sectors).filter(|s| !s.is_empty()).unwrap_or(&a.sectors);
        let trades: BTreeSet<&str> = own.iter().map(String::as_str).collect();
        let rules = Rules::embedded();
        let groups = trades.iter().filter_map(|s| rules.sector_group(s)).collect();
        let places = lot.map(|l| l.places.as_slice()).unwrap_or_default();
        let communes = places.iter().flat_map(|p| rules::communes().locate(p)).collect();
        let departments = match lot {
            Some(lot) if !lot.departments.is_empty() => lot.departments.iter().collect(),
            _ => a.departments.iter().collect(),
        };
        let staff = access::of_lot(StructureKind::Etti, a, lot) == Some(Access::Bid);
        Self { assessment: a, lot, trades, groups, communes, departments, staff }
    }

    /// Whether it is of that sector, or of one of that group.
    fn is_of(&self, sector_or_group: &str) -> bool {
        self.trades.contains(sector_or_group) || self.groups.contains(sector_or_group)
    }
}

/// A structure as lots are looked for it: what its name and its address tell, read once for all lots.
pub(crate) struct Candidate {
    pub(crate) entry: Structure,
    at: Option<Commune>,
    /// Sectors, or groups of sectors, that its name tells.
    named: Vec<&'static str>,
    /// Its name tells gardens.
    gardens: bool,
    restaurant: bool,
}

impl Candidate {
    pub(crate) fn of(entry: Structure) -> Self {
        let name = format!(" {} ", commune::key(&entry.name));
        let said = |word: &str| match word.strip_suffix('*') {
            Some(begins) => name.contains(&format!(" {begins}")),
            None => name.contains(&format!(" {word} ")),
        };
        Self {
            at: entry.place.as_ref().and_then(|p| rules::communes().locate(p).into_iter().next()),
            named: BY_NAME.iter().filter(|(word, _)| said(word)).map(|(_, group)| *group).collect(),
            gardens: GARDENS.iter().any(|word| said(word)),
            restaurant: said(RESTAURANTS.1) || entry.naf.as_ref().is_some_and(|code| code.starts_with(RESTAURANTS.0)),
            entry,
        }
    }

    /// Whether anything tells its trade.
    fn has_trade(&self) -> bool {
        let coded = |code: &String| BY_NAF.iter().any(|(from, _)| code.starts_with(from));
        !self.entry.sectors.is_empty()
            || !self.named.is_empty()
            || self.gardens
            || self.entry.naf.as_ref().is_some_and(coded)
    }
}

/// Why a structure suits a lot, and how far it is in kilometres where both places are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Suits {
    pub(crate) reasons: Vec<String>,
    pub(crate) km: Option<f64>,
    /// It lends staff beside those who carry the lot out.
    pub(crate) beside: bool,
}

/// Whether a structure suits a lot.
pub(crate) fn suits(candidate: &Candidate, sought: &Sought<'_>) -> Option<Suits> {
    let entry = &candidate.entry;
    let access = access::of_lot(entry.kind, sought.assessment, sought.lot)?;
    if access == Access::Closed {
        return None;
    }
    let lends = entry.kind.supply_modes().contains(&SupplyMode::Staff);
    let mut reasons = Vec::new();
    if sought.staff || access == Access::Serve {
        // A GEIQ lends to its members, for long: beside whoever carries a lot out, and never as what the lot buys.
        if sought.staff && entry.kind == StructureKind::Geiq {
            return None;
        }
        // « GEIQ BTP » lends builders.
        if !candidate.named.is_empty() && !candidate.named.iter().any(|told| sought.is_of(told)) {
            return None;
        }
        let how = if sought.staff {
            "met du personnel à disposition, ce que demande le lot"
        } else {
            "met du personnel à disposition de ceux qui portent le lot"
        };
        reasons.push(format!("{} : {how}", entry.kind.acronym()));
    } else if lends {
        return None;
    } else {
        reasons.push(trade(candidate, sought)?);
    }
    let (place, km) = place(candidate, sought)?;
    reasons.push(place);
    Some(Suits { reasons, km, beside: access == Access::Serve })
}

/// Whether a structure may suit a lot that it is not known to suit: nothing tells its trade, or that of the lot; why, in words. None is kept
/// out by law, by its way of working or, as far as it is known, by its place.
pub(crate) fn may_suit(candidate: &Candidate, sought: &Sought<'_>) -> Option<Suits> {
    let entry = &candidate.entry;
    let access = access::of_lot(entry.kind, sought.assessment, sought.lot).filter(|a| *a != Access::Closed)?;
    let lends = entry.kind.supply_modes().contains(&SupplyMode::Staff);
    let unknown = match (candidate.has_trade(), sought.trades.is_empty()) {
        _ if lends => return None,
        (_, true) => "le métier de ce lot n’est pas reconnu",
        (false, false) => "métier non renseigné",
        (true, false) => return None,
    };
    let (said, km) = if candidate.at.is_none() && entry.departments.is_empty() {
        ("lieu non renseigné".to_owned(), None)
    } else {
        place(candidate, sought)?
    };
    Some(Suits { reasons: vec![unknown.to_owned(), said], km, beside: access == Access::Serve })
}

/// The trade that a structure and a lot have in common, in words, and who says so.
fn trade(candidate: &Candidate, sought: &Sought<'_>) -> Option<String> {
    let entry = &candidate.entry;
    let rules = Rules::embedded();
    let own: Vec<&Sector> = entry.sectors.iter().filter(|s| sought.trades.contains(s.as_str())).collect();
    if !own.is_empty() {
        let named: Vec<String> = own.iter().take(2).map(|s| rules.trade(s).to_owned()).collect();
        return Some(french::list(&named));
    }
    if !entry.sectors.is_empty() {
        return None;
    }
    if candidate.gardens && !OF_GARDENS.iter().any(|group| sought.is_of(group)) {
        return None;
    }
    if let Some(code) = &entry.naf
        && let Some((_, trades)) = BY_NAF.iter().find(|(from, _)| code.starts_with(from))
    {
        let is_it = trades.iter().find(|told| sought.is_of(told))?;
        return Some(format!("{} (code d’activité {code})", label(is_it)));
    }
    let told = candidate.named.iter().find(|told| sought.is_of(told))?;
    Some(format!("{} (d’après son nom)", label(told)))
}

/// A sector, or a group of sectors, as people read it.
fn label(sector_or_group: &'static str) -> &'static str {
    let rules = Rules::embedded();
    if rules.is_sector(sector_or_group) { rules.trade(sector_or_group) } else { rules.group_label(sector_or_group) }
}

/// Where a structure is, in words, if it is within reach of a lot; a lot without a place is within nobody's.
fn place(candidate: &Candidate, sought: &Sought<'_>) -> Option<(String, Option<f64>)> {
    let (entry, own) = (&candidate.entry, candidate.at.as_ref());
    let reach = match entry.kind {
        StructureKind::Ai => AI_REACH,
        StructureKind::Aci => ACI_REACH,
        StructureKind::Etti | StructureKind::Eatt | StructureKind::Geiq => STAFF_REACH,
        _ if candidate.restaurant => RESTAURANT_REACH,
        _ if DAILY.iter().any(|group| sought.groups.contains(group)) => DAILY_REACH,
        _ => WORKS_REACH,
    };
    if let (Some(own), false) = (own, sought.communes.is_empty()) {
        let km = sought.communes.iter().filter_map(|c| c.km_to(own)).min_by(f64::total_cmp)?;
        let said =
            if km < 1.0 { format!("à {}", own.name) } else { format!("à {}, {} km du lot", own.name, km.round()) };
        return (km <= reach).then_some((said, Some(km)));
    }
    let shared = entry.departments.iter().find(|d| sought.departments.contains(d))?;
    let name = Rules::embedded().department_name(shared.as_str()).to_owned();
    let said = match own {
        Some(own) => format!("à {}, même département ({name})", own.name),
        None => format!("même département ({name})"),
    };
    Some((said, None))
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Place, Provision, ProvisionKind};

    use super::*;
    use crate::directory::tests::listed;

    fn suits(entry: &Structure, sought: &Sought<'_>) -> Option<Suits> {
        super::suits(&Candidate::of(entry.clone()), sought)
    }

    fn entry(name: &str, kind: StructureKind, naf: &str, city: &str, postcode: &str) -> Structure {
        listed("80746931700018", name, kind, naf, (city, postcode))
    }

    fn lens(title: &str, sector: &str) -> Assessment {
        let mut a = Assessment { title: title.into(), ..Assessment::new("26-1", vigie_domain::NoticeKind::Call) };
        a.sectors = vec![sector.into()];
        a.departments = Department::parse("62").into_iter().collect();
        a.lots = vec![AssessedLot {
            id: "1".into(),
            title: title.into(),
            cpv: Vec::new(),
            departments: a.departments.clone(),
            places: vec![Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None }],
            sectors: vec![sector.into()],
        }];
        a
    }

    #[test]
    fn trade_place_and_kind_decide_and_each_is_told() {
        let a = lens("Entretien des espaces verts", "creation-et-entretien-des-espaces-verts");
        let sought = Sought::of(&a, a.lots.first());
        let near = suits(&entry("Les chantiers", StructureKind::Aci, "8130Z", "Liévin", "62800"), &sought).unwrap();
        assert!(near.reasons[0].contains("8130Z") && near.reasons[1].contains("Liévin"), "{near:?}");
        assert!(near.km.is_some_and(|km| km < 10.0));
        let by_name = entry("Jardinage de l’Artois", StructureKind::Aci, "8899B", "Lens", "62300");
        assert!(suits(&by_name, &sought).unwrap().reasons[0].contains("d’après son nom"));
        for (other, why) in [
            (entry("Propre", StructureKind::Ei, "8121Z", "Lens", "62300"), "another trade"),
            (entry("Jardin de Cocagne", StructureKind::Aci, "8899B", "Lens", "62300"), "crops, and keeps no parks"),
            (entry("Sans métier connu", StructureKind::Aci, "8899B", "Lens", "62300"), "no trade known"),
            (entry("Jardins du Sud", StructureKind::Aci, "8130Z", "Marseille", "13001"), "too far"),
            (entry("Intérim", StructureKind::Etti, "7820Z", "Lens", "62300"), "lends staff, and none is asked for"),
        ] {
            assert_eq!(suits(&other, &sought), None, "{why}");
        }
    }

    #[test]
    fn an_activity_code_counts_where_the_name_tells_no_other_trade_and_the_place_is_near_enough_for_it() {
        let a = lens("Nettoyage des locaux", "nettoyage-de-locaux-16");
        let sought = Sought::of(&a, a.lots.first());
        let cleans = |name: &str, city: &str, postcode: &str| {
            suits(&entry(name, StructureKind::Ei, "8121Z", city, postcode), &sought).is_some()
        };
        assert!(cleans("Artois Propreté", "Douai", "59500"));
        assert!(!cleans("Douaisis Jardins", "Douai", "59500"), "it keeps gardens, whatever its code");
        assert!(!cleans("Propre", "Saint-Amand-les-Eaux", "59230"), "nobody cleans every day 42 km away");
        let bikes = lens("Réparation de vélos", "reparation-de-velos-14");
        let sought = Sought::of(&bikes, bikes.lots.first());
        assert_eq!(suits(&entry("Les Ateliers", StructureKind::Aci, "9529Z", "Lens", "62300"), &sought), None);
        let named = entry("Cycles & Go", StructureKind::Aci, "9529Z", "Lens", "62300");
        assert!(suits(&named, &sought).is_some());
        let garage = entry("Garage pour tous", StructureKind::Ei, "9499Z", "Lens", "62300");
        assert_eq!(suits(&garage, &sought), None, "it mends cars");
        let a = lens("Travaux de peinture", "peinture-revetement-des-murs");
        let sought = Sought::of(&a, a.lots.first());
        assert_eq!(suits(&entry("SAS DSL", StructureKind::Ei, "4331Z", "Lens", "62300"), &sought), None, "plaster");
        let a = lens("Traiteur", "traiteur");
        let sought = Sought::of(&a, a.lots.first());
        let cooks = |naf: &str, city: &str, postcode: &str| {
            suits(&entry("La Table", StructureKind::Ei, naf, city, postcode), &sought).is_some()
        };
        assert!(cooks("5610A", "Liévin", "62800") && cooks("5621Z", "Oignies", "62590"));
        assert!(!cooks("5610A", "Oignies", "62590"), "a restaurant feeds its town");
    }

    #[test]
    fn who_may_not_bid_for_a_reserved_lot_is_never_proposed_and_who_lends_staff_suits_staff() {
        let mut a = lens("Entretien des espaces verts", "creation-et-entretien-des-espaces-verts");
        let mut reserved = Provision::new(ProvisionKind::Reserved, vigie_domain::Evidence::default());
        reserved.beneficiary = Some(vigie_domain::Beneficiary::Disability);
        a.provisions.push(reserved);
        let sought = Sought::of(&a, a.lots.first());
        assert_eq!(suits(&entry("Jardins", StructureKind::Aci, "8130Z", "Lens", "62300"), &sought), None);
        assert!(suits(&entry("Jardins", StructureKind::Ea, "8130Z", "Lens", "62300"), &sought).is_some());
        let staff = lens("Mise à disposition de personnel d’entretien", "nettoyage-de-locaux-16");
        let sought = Sought::of(&staff, staff.lots.first());
        assert!(suits(&entry("AI du bassin", StructureKind::Ai, "7830Z", "Liévin", "62800"), &sought).is_some());
        assert_eq!(suits(&entry("Propre", StructureKind::Ei, "8121Z", "Lens", "62300"), &sought), None);
    }
}
