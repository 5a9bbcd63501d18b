//! Other social considerations worth showing (learning contracts, traineeships, immersion periods, equality, fair trade), and *doubt*:
//! a statement that speaks of such work or access, and that no frame explains nor denies, is shown with its words.

use std::ops::Range;

use vigie_domain::{Provision, ProvisionKind};

use super::amount::counts;
use super::finding::Reading;
use super::given::buyer_speaks;
use super::lexicon::{Concept, Hit};
use super::polarity;
use super::quantity::{Quantity, Unit};
use super::reserved::{ARTICLES, STRUCTURES};
use super::statement::Statement;
use super::token::mark;
use super::undertaking::future;

/// Most doubts shown of one notice.
const MAX_DOUBTS: usize = 3;

/// Reads the first other consideration the text asks for.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    const ASKS: &[Concept] =
        &[Concept::Winner, Concept::Duty, Concept::ClauseName, Concept::SocialDuty, Concept::Criterion];
    for s in statements.iter().filter(|s| s.unit.ticked != Some(false)) {
        let Some(hit) = s.of(Concept::OtherSocial).find(|h| !polarity::void(s, h)) else { continue };
        let asked = s.heading_or_own(ASKS) && !reading.served;
        if asked && !s.says.has(Concept::OtherSocialAside) {
            explained.push(s.index);
            return vec![Provision::new(ProvisionKind::Other, reading.doc.evidence_within(s.bytes(hit), &s.context))];
        }
    }
    Vec::new()
}

/// What is social and stays unexplained: silence is the worst answer. A statement is let go only for a reason (`aside`). What a form
/// says of social objectives is one where nothing else was `told`.
#[must_use]
pub fn doubts(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    explained: &[usize],
    told: &[Provision],
) -> Vec<Provision> {
    let echo = |s: &Statement<'_>| !told.is_empty() && s.says.has(Concept::FormObjective);
    let unexplained =
        statements.iter().filter(|s| s.unit.ticked != Some(false) && !explained.contains(&s.index) && !echo(s));
    let doubt = |s: &Statement<'_>| {
        let hit = who(s).filter(|h| !aside(reading, s, h))?;
        let mut p = Provision::new(ProvisionKind::ToVerify, reading.doc.evidence_within(s.bytes(&hit), &s.context));
        p.lots = super::reserved::lots_of(reading, s, &s.bytes(&hit));
        p.doubt = Some("mention sociale à vérifier au règlement de la consultation et au CCAP".to_owned());
        Some(p)
    };
    let mut out: Vec<Provision> = Vec::new();
    for p in unexplained.filter_map(doubt) {
        if !out.iter().chain(told).any(|o| o.evidence.quote == p.evidence.quote) {
            out.push(p);
        }
        if out.len() == MAX_DOUBTS {
            break;
        }
    }
    out
}

/// What names people to be given work, structures that employ them, what is asked for them, or those who see to it.
const WHO: &[&[Concept]] = &[
    &[Concept::FarFromWork, Concept::ClauseName, Concept::IntegrationObject],
    STRUCTURES,
    &[Concept::InsertionAction, Concept::Facilitator, Concept::FormObjective],
    ARTICLES,
    &[Concept::WorkForPeople],
];

/// The words of a statement that make it social.
fn who(s: &Statement<'_>) -> Option<Hit> {
    // "Article 15" is of many a document, R2123-1 of many a service.
    let of_law = |h: &Hit| {
        let word = s.tokens[h.from].word.as_ref();
        !ARTICLES.contains(&h.concept) && !word.starts_with("r2123") || word.starts_with('l')
    };
    let said = |h: &Hit| of_law(h) && !polarity::settled(s, h);
    WHO.iter().find_map(|concepts| s.any_of(concepts).find(|h| said(h))).copied()
}

/// Whether such words ask nothing of anybody here: they are of something else, of the public of what is bought, of a place, of what
/// bidders declare, or of what a study looks into.
fn aside(reading: &Reading<'_>, s: &Statement<'_>, hit: &Hit) -> bool {
    const ELSEWHERE: &[Concept] = &[
        Concept::TalkAboutClauses,
        Concept::StaffMatter,
        Concept::ReserveAside,
        Concept::NotDisability,
        Concept::OtherSocialAside,
        Concept::BidderPaper,
    ];
    const CALLED_FOR: &[Concept] = &[
        Concept::Subcontract,
        Concept::Criterion,
        Concept::Only,
        Concept::Reserve,
        Concept::MustBe,
        Concept::Possible,
        Concept::Optional,
        Concept::ClauseName,
        Concept::SocialDuty,
    ];
    // Hours of a course, of a group, a delay are no work given.
    let work = |q: &Quantity| matches!(q.unit, Unit::Hours | Unit::FullTime) && q.value >= 20.0 && counts(s, q, true);
    let taught = s.says.has(Concept::ServiceTalk) && !s.says.any(&[Concept::Winner, Concept::ClauseName]);
    if s.numbers.iter().any(work) && !taught && !reading.studied {
        return false;
    }
    let beside = |concepts: &[Concept]| s.any_of(concepts).any(|h| h.to <= hit.from || h.from >= hit.to);
    let asked = beside(&[Concept::Winner, Concept::Contract]) && beside(&[Concept::Duty]);
    // "formation, emploi des publics fragiles": items of a list.
    let service = s
        .of(Concept::ServiceTalk)
        .filter(|t| t.to <= hit.from || t.from >= hit.to)
        .any(|t| !(t.to..=hit.from).any(|i| s.tokens[i].after(mark::COMMA | mark::ITEM)));
    let served = reading.served || service || of_users(s, hit);
    // People and work in one breath: only where somebody is bound to it.
    if hit.concept == Concept::WorkForPeople
        && !(s.says.has(Concept::Winner) && (beside(&[Concept::Duty]) || future(s))
            || s.heading.any(&[Concept::SocialDuty, Concept::ClauseName]))
    {
        return true;
    }
    if of_others(reading, s, hit, asked) {
        return true;
    }
    let works = asked || beside(CALLED_FOR) || s.heading.any(CALLED_FOR) || speaks_of_work(s, hit);
    // "Publics visés : DELD, BRSA": nothing else is said.
    let bare = hit.concept == Concept::InsertionAction && hit.to - hit.from == 1;
    let label = (1..s.tokens.len().min(7)).any(|i| s.tokens[i].after(mark::COLON));
    let short =
        s.index > 0 && if bare { hit.from <= 2 && label || hit.from <= 1 } else { s.tokens.len() <= 10 || label };
    let passing = !works && !short && matches!(hit.concept, Concept::FarFromWork | Concept::InsertionAction);
    s.says.any(ELSEWHERE)
        || passing
        || names_somebody(s, hit) && !asked && !beside(CALLED_FOR)
        || hit.concept == Concept::SocialEconomy
            && (!beside(CALLED_FOR) || s.has_word(0, s.tokens.len(), &["distinction", "toutes"]))
        || bare && s.says.has(Concept::NotInsertion)
        || served && !asked
        || (reading.studied || s.has_word(0, 8, STUDIES)) && !asked && !s.heading_or_own(&[Concept::ClauseName])
        || (s.index == 0 || !works) && of_a_place(s, hit)
}

/// Whether words are of somebody outside the contract: an office named by its acronym, those who are said not to be concerned, the buyer
/// itself, the people or the house that the title names.
fn of_others(reading: &Reading<'_>, s: &Statement<'_>, hit: &Hit, asked: bool) -> bool {
    const ABOUT: &[Concept] =
        &[Concept::ClauseName, Concept::InsertionAction, Concept::FarFromWork, Concept::SocialDuty, Concept::Winner];
    words!(THIS, "chantier chantiers titulaire entreprise entreprises marche travaux candidats prestataire");
    const CALLED_FOR: &[Concept] = &[
        Concept::Criterion,
        Concept::Only,
        Concept::Reserve,
        Concept::MustBe,
        Concept::ClauseName,
        Concept::SocialDuty,
    ];
    let all = s.tokens.len();
    let beside = |concepts: &[Concept]| s.any_of(concepts).any(|h| h.to <= hit.from || h.from >= hit.to);
    // "Fournitures pour les bureaux du PLIE", "association porteuse du PLIE".
    let of_clauses = s.heading_or_own(ABOUT) || s.has_word(0, all, &["heures", "clauses", "clause", "entreprises"]);
    let contact =
        all <= 12 && s.has_word(0, 3, &["facilitateur", "facilitatrice", "contact", "interlocuteur", "suivi"]);
    let office = hit.concept == Concept::Facilitator && !of_clauses && !contact;
    // "Les personnes détenues ne participent pas aux travaux", "les structures d'insertion ne sont pas visées".
    // "Examinées dans les mêmes conditions que les autres", "aucun avantage n'est donné aux …", "comme tout opérateur".
    let as_others = STRUCTURES.contains(&hit.concept)
        && (s.has_word(hit.to, all, &["memes"]) && s.has_word(hit.to, all, &["conditions"])
            || s.has_word(0, hit.from, &["aucun"])
                && s.has_word(1, hit.from, &["avantage", "preference", "privilege"])
            || s.has_word(hit.to, all, &["comme"]) && s.has_word(hit.to, all, &["tout", "toute", "tous"])
            || s.has_word(0, all, &["librement"]));
    let not_them = as_others
        || STRUCTURES.contains(&hit.concept)
            && (hit.to..all.min(hit.to + 4)).any(|i| {
                matches!(s.tokens[i].word.as_ref(), "ne" | "n")
                    && s.has_word(i, i + 5, &["pas"])
                    && !s.has_word(i, i + 6, &["exclu", "exclues", "exclus", "seul", "seules"])
            });
    // "La Région encourage …", "la Ville favorise l'économie sociale": of itself, not of this contract.
    let optional = beside(&[Concept::Subcontract, Concept::Possible, Concept::Optional]);
    let of_the_buyer = buyer_speaks(s) && !beside(CALLED_FOR) && !optional && !s.has_one(0, all, &THIS);
    // "Cour d'un ESAT", "transport des personnes handicapées".
    let house = reading.for_them
        && (STRUCTURES.contains(&hit.concept) || hit.concept == Concept::FarFromWork)
        && !(asked && speaks_of_work(s, hit))
        && !beside(CALLED_FOR);
    office || not_them || of_the_buyer || house
}

/// Whether a structure is only named: at its address, as a neighbour, as where something comes from, as one among others, or as somebody
/// outside the contract.
fn names_somebody(s: &Statement<'_>, hit: &Hit) -> bool {
    const FROM: &[&str] = &[
        "issu",
        "proven",
        "voisin",
        "riverain",
        "mitoyen",
        "siege",
        "loue",
        "heberg",
        "adherent",
        "benevole",
        "acheteur",
        "usage",
        "gestionnaire",
        "exploit",
        "gere",
    ];
    let starts =
        |at: usize, words: &[&str]| s.tokens.get(at).is_some_and(|t| words.iter().any(|w| t.word.starts_with(w)));
    let address = s.tokens.iter().any(|t| t.word.len() == 5 && t.word.bytes().all(|b| b.is_ascii_digit()));
    let near = (hit.from.saturating_sub(7)..hit.from).chain(hit.to..hit.to + 2).any(|i| starts(i, FROM));
    let among = s.has_word(hit.to, hit.to + 1, &["ou"]) && starts(hit.to + 1, &["autre"]);
    let elsewhere = (1..s.tokens.len()).any(|i| {
        s.tokens[i - 1].word == "autres" && s.tokens[i].begins(&["marche", "contrat", "operation", "consultation"])
    });
    let given_up = hit.concept == Concept::Facilitator && s.of(Concept::Deny).any(|d| d.from > hit.to);
    let outside = given_up
        || elsewhere
        || (1..s.tokens.len()).any(|i| s.tokens[i - 1].word == "hors" && s.tokens[i].word == "marche");
    STRUCTURES.contains(&hit.concept) && (address || near || among)
        || outside
        || address && s.says.any(STRUCTURES)
        || address && matches!(hit.concept, Concept::InsertionAction | Concept::FarFromWork)
        // "Une entreprise adaptée à ses volumes".
        || hit.concept == Concept::Sheltered && hit.to - hit.from == 2 && s.has_word(hit.to, hit.to + 1, &["a"])
}

/// Whether words beside a hit speak of work done, given or found.
fn speaks_of_work(s: &Statement<'_>, hit: &Hit) -> bool {
    const WORK: &[&str] = &[
        "emplo", "embauch", "recrut", "heure", "poste", "chantier", "main", "salari", "effectif", "confi", "mobilis",
        "associ", "sous", "attend", "contribu", "favoris", "profit", "benefic", "particip", "recherch", "effort",
        "realis",
    ];
    let beside = s
        .tokens
        .iter()
        .enumerate()
        .filter(|(i, _)| *i < hit.from || *i >= hit.to || hit.to - hit.from > 4)
        .map(|(_, t)| t.word.as_ref());
    beside.into_iter().any(|w| {
        WORK.iter().any(|v| w.starts_with(v)) && w != "heurte" && w != "beneficiaires"
            || matches!(
                w,
                "travail" | "travaille" | "travailler" | "equipe" | "equipes" | "plan" | "faveur" | "engagement"
            )
    })
}

// What looks into something, or designs it.
pub(super) const STUDIES: &[&str] = &[
    "analyse",
    "revision",
    "etude",
    "etudes",
    "audit",
    "evaluation",
    "diagnostic",
    "programmation",
    "schema",
    "enquete",
    "maitrise",
    "moe",
    "amo",
    "assistance",
    "elaboration",
    "animation",
    "observatoire",
];

/// "un foyer pour personnes handicapées", "transport des publics fragiles": those whom the contract serves.
fn of_users(s: &Statement<'_>, hit: &Hit) -> bool {
    const SERVICES: &[&str] = &[
        "foyer",
        "residen",
        "accueil",
        "transport",
        "logement",
        "heberge",
        "aide",
        "usager",
        "patient",
        "accessib",
        "tarif",
        "gratuit",
        "exoner",
        "reduc",
        "journee",
        "creneau",
        "seance",
        "adapte",
    ];
    const USE: &[&str] = &["acced", "utilis", "circul", "exoner", "benefici", "gratuit", "tarif"];
    let says = |range: Range<usize>, words: &[&str]| {
        s.tokens[range].iter().any(|t| words.iter().any(|w| t.word.starts_with(w)))
    };
    hit.concept == Concept::FarFromWork
        && (says(hit.from.saturating_sub(9)..hit.from, SERVICES) || says(hit.to..s.tokens.len().min(hit.to + 4), USE))
        && !s.says.any(&[Concept::Winner, Concept::Duty])
}

/// "la maison d'arrêt de Douai", "les quartiers prioritaires", "construction d'un ESAT": where, not who.
fn of_a_place(s: &Statement<'_>, hit: &Hit) -> bool {
    const PLACES: &[&str] = &["quartier", "quartiers", "qpv", "npnru", "maison", "centre", "etablissement"];
    const WEAK: &[&str] =
        &["vulnerables", "fragiles", "precaires", "precarite", "refugies", "decrochage", "difficulte", "difficultes"];
    const BUILT: &[&str] = &[
        "construction",
        "locaux",
        "batiment",
        "batiments",
        "site",
        "renovation",
        "rehabilitation",
        "extension",
        "restructuration",
        "travaux",
        "maitrise",
        "salle",
        "restauration",
        "toiture",
        "chaufferie",
        "cuisine",
    ];
    match hit.concept {
        Concept::Prison => !s.has_word(hit.from, hit.to, &["travail", "production", "emploi"]),
        Concept::FarFromWork => s.has_word(hit.from, hit.to, PLACES) || s.has_word(hit.from, hit.to, WEAK),
        Concept::Sheltered | Concept::WorkIntegration => s.has_word(hit.from.saturating_sub(8), hit.from, BUILT),
        Concept::Facilitator => true,
        _ => false,
    }
}
