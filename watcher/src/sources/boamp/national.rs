//! The national forms: FNSimple, MAPA and DSP. Each holds `organisme` and one of `initial`, `rectificatif`, `attribution`,
//! `annulation`. In flags the key is the value: `{"non": {"#text": "true"}}` means no.

use serde_json::Value;
use vigie_domain::notice::{Award, Criterion};
use vigie_domain::{Buyer, Code, Company, Cpv, DateKind, Department, Lot, NoAwardReason, Notice, Place};

use super::fields::{collect_texts, push_deadline};
use crate::tree::{all, first, local, own_text, text, ticked};
use vigie_classify::pattern;

pattern!(POSTCODE, r"\b((?:0[1-9]|[1-8]\d|9[0-5])\d{3}|97[1-8]\d{2}|98[4-8]\d{2})\b");
pattern!(PLACE_CODE, r"\((2[ABab]|\d{2,3})\)");
pattern!(LOT_HEAD, r"^\s*(?i:lot)?\s*(?:n\s*[°ºo]?\s*)?0*(\d{1,3}[a-z]?)\s*[:.\-–)]\s*(\S.*)");
pattern!(WEIGHTED, r"^(.{2,160}?)\s*[:(\-–=]?\s*(\d{1,3}(?:[.,]\d+)?)\s*(?:%|pour ?cent)");

/// FNSimple, MAPA and DSP: `organisme` and one of `initial`, `rectificatif`, `attribution`, `annulation`.
pub(super) fn national(notice: &mut Notice, root: &Value, name: &str) {
    let organisme = first(root, "organisme").unwrap_or(&Value::Null);
    if let Some(buyer) = text(organisme, "nomOfficiel").or_else(|| text(organisme, "acheteurPublic")) {
        notice.buyer.name = buyer;
    }
    notice.buyer.siret = text(organisme, "codeIdentificationNational").and_then(|s| Buyer::clean_siret(&s));
    notice.buyer.place = Place {
        city: text(organisme, "ville").or_else(|| text(organisme, "adr/ville")),
        postcode: text(organisme, "cp").or_else(|| text(organisme, "adr/cp")),
        nuts: text(organisme, "codeNUTS").or_else(|| text(organisme, "codeNuts")),
    };
    notice.concession |= name == "DSP";
    let (block_name, block) = ["initial", "rectificatif", "attribution", "annulation"]
        .into_iter()
        .find_map(|b| Some((b, first(root, b)?)))
        .unwrap_or(("", &Value::Null));
    let path = format!("{name}.{block_name}");
    let titles = [
        "natureMarche/intitule",
        "description/objet",
        "descriptionMarche/titreMarche",
        "descriptionMarche/objetMarche",
    ];
    if let Some(title) = titles.iter().find_map(|p| text(block, p)).filter(|t| better_title(t, &notice.title)) {
        notice.title = title;
    }
    notice.cpv = cpv(block);
    notice.places = [
        "natureMarche/lieuExecution",
        "description/lieuExecutionLivraison",
        "description/lieuExecution",
        "descriptionMarche/lieuExecution",
    ]
    .iter()
    .flat_map(|p| all(block, p))
    .filter_map(place)
    .collect();
    notice.departments = crate::classify::departments_of(&notice.places);
    notice.links.buyer_reference = [
        "communication/identifiantInterne",
        "identifiantProcedure",
        "renseignements/idMarche",
        "descriptionMarche/numeroReference",
    ]
    .iter()
    .find_map(|p| text(block, p));
    notice.documents_url =
        ["communication/urlDocConsul", "communication/urlProfilAch", "adressesComplt/document/coord/url"]
            .iter()
            .find_map(|p| text(block, p))
            .or_else(|| text(organisme, "urlProfilAcheteur"));
    let value = |p: &str| text(block, p).and_then(|v| v.replace(',', ".").parse::<f64>().ok()).filter(|v| *v > 1.0);
    notice.estimated_value = [
        "natureMarche/valeurEstimee/valeur",
        "natureMarche/valeurEstimee/fourchette/valeurHaute",
        "descriptionMarche/valeurEstimee/valeur",
    ]
    .iter()
    .find_map(|p| value(p));
    notice.duration_months =
        ["natureMarche/dureeMois", "duree/nbMois", "natureMarche/nbMois"].iter().find_map(|p| value(p));
    notice.lots = lots(block);
    for (p, kind) in [
        ("procedure/dateReceptionOffres", DateKind::Tender),
        ("delais/receptionOffres", DateKind::Tender),
        ("infosRectif/lireDate", DateKind::Tender),
        ("delais/receptionCandidatures", DateKind::Participation),
    ] {
        push_deadline(notice, text(block, p), kind, &format!("{path}.{}", p.replace('/', ".")));
    }
    reservation_flags(notice, block, &path, 0);
    criteria(notice, block, &path);
    notice.awards = results(block);
    collect_texts(notice, block, &path, None, 0);
    notice.drop_repeated_passages();
}

/// The full title of the form, unless it is only a broken copy of the one known.
fn better_title(candidate: &str, known: &str) -> bool {
    candidate.len() > 3 && (!candidate.contains("'?") || known.is_empty() || known.chars().count() >= 199)
}

fn cpv(block: &Value) -> Vec<Cpv> {
    let mut out = Vec::new();
    for holder in
        ["natureMarche/codeCPV", "objet/codeCPV", "description/codeCPV", "descriptionMarche/CPV", "codeCPV", "CPV"]
    {
        for part in ["objetPrincipal", "objetComplementaire", "objetSecondaire"] {
            for v in all(block, &format!("{holder}/{part}")) {
                let keyed = v.as_object().and_then(|o| o.keys().find_map(|k| Cpv::parse(k)));
                if let Some(code) =
                    text(v, "classPrincipale").and_then(|c| Cpv::parse(&c)).or(keyed).filter(|c| !out.contains(c))
                {
                    out.push(code);
                }
            }
        }
    }
    out
}

fn place(value: &Value) -> Option<Place> {
    if let Some(free) = own_text(value) {
        let postcode = POSTCODE.captures(&free).and_then(|c| c.get(1)).map(|m| m.as_str().to_owned());
        // "Argonay (74)": any postcode of that département leads to it.
        let from_code = || {
            PLACE_CODE
                .captures(&free)
                .and_then(|c| c.get(1))
                .and_then(|m| Department::parse(m.as_str()))
                .map(|d| format!("{:0<5}", d.as_str().replace(['A', 'B'], "0")))
        };
        let postcode = postcode.or_else(from_code);
        return Some(Place { city: Some(free), postcode, nuts: None });
    }
    let place = Place {
        city: text(value, "ville").or_else(|| text(value, "libelle")),
        postcode: text(value, "cp"),
        nuts: text(value, "codeNuts").or_else(|| text(value, "codeNUTS")),
    };
    (place != Place::default()).then_some(place)
}

fn lots(block: &Value) -> Vec<Lot> {
    let found: Vec<&Value> = ["lots/lot", "natureMarche/lotsMarche/lot", "descriptionMarche/lot"]
        .iter()
        .map(|p| all(block, p))
        .find(|l| !l.is_empty())
        .unwrap_or_default();
    found
        .into_iter()
        .enumerate()
        .map(|(i, lot)| {
            let words = text(lot, "intitule").or_else(|| text(lot, "description")).unwrap_or_default();
            let numbered = LOT_HEAD.captures(&words);
            let in_words = numbered.as_ref().and_then(|c| c.get(1)).map(|m| m.as_str().to_owned());
            let id = text(lot, "numLot").or(in_words).map_or_else(|| (i + 1).to_string(), |n| Lot::clean_id(&n));
            let title = numbered.and_then(|c| c.get(2)).map_or_else(|| words.clone(), |m| m.as_str().trim().to_owned());
            let places: Vec<Place> = ["lieuExecutionLivraison", "lieuExecution", "lieuCodeNUTS"]
                .iter()
                .flat_map(|p| all(lot, p))
                .filter_map(place)
                .collect();
            Lot { id, title, cpv: cpv(lot), departments: crate::classify::departments_of(&places), places }
        })
        .collect()
}

/// Reads every key about a reservation below the block; the key is the value (`{"non": ""}`), and reserved *professions*
/// are another matter.
fn reservation_flags(notice: &mut Notice, value: &Value, path: &str, depth: usize) {
    let Some(object) = value.as_object().filter(|_| depth < 12) else { return };
    for (key, child) in object {
        let name = local(key);
        let lower = name.to_lowercase();
        let here = format!("{path}.{name}");
        let about = lower.contains("reserv")
            && !lower.contains("prestation")
            && !lower.contains("profession")
            && !lower.contains("pouvoir");
        let said = if lower.ends_with("oui") {
            Some("oui")
        } else if lower.ends_with("non") {
            Some("non")
        } else {
            ["oui", "non"].into_iter().find(|k| ticked(child, k)).or_else(|| {
                own_text(child).and_then(|t| ["oui", "non"].into_iter().find(|k| t.eq_ignore_ascii_case(k)))
            })
        };
        match said {
            Some(value) if about => {
                notice.codes.push(Code { list: "reservation".into(), value: value.into(), field: here, lot: None })
            }
            _ => {
                for one in child.as_array().map_or(std::slice::from_ref(child), Vec::as_slice) {
                    reservation_flags(notice, one, &here, depth + 1);
                }
            }
        }
    }
}

/// Decisions that a form lists one by one, lot by lot.
fn results(block: &Value) -> Vec<Award> {
    let listed =
        ["decision", "decisions/decision", "attributionMarche/decision", "attributionMarche/lot", "resultats/lot"];
    let decisions = listed.iter().map(|p| all(block, p)).find(|found| !found.is_empty()).unwrap_or_default();
    decisions
        .into_iter()
        .filter_map(|decision| {
            let number = ["numLot", "numeroLot", "num"].iter().find_map(|p| text(decision, p));
            let lot = number.map(|n| Lot::clean_id(&n));
            if ticked(decision, "infructueux") {
                return Some(Award::none(lot, Some(NoAwardReason::Unsuccessful)));
            }
            if ticked(decision, "sansSuite") {
                return Some(Award::none(lot, None));
            }
            let names = [
                "titulaire/denomination",
                "titulaire/nomOfficiel",
                "titulaire/nom",
                "titulaires/titulaire/denomination",
            ];
            let named = names.iter().map(|p| all(decision, p)).find(|found| !found.is_empty()).unwrap_or_default();
            let companies: Vec<Company> = match named.as_slice() {
                [one] => own_text(one).map(|name| only_holder(name, decision)).into_iter().collect(),
                many => many.iter().filter_map(|n| own_text(n)).map(Company::named).collect(),
            };
            let amount = ["renseignement/montant", "montant"].iter().find_map(|p| text(decision, p));
            let amount = amount.and_then(|m| m.replace([' ', '\u{a0}', '\u{202f}'], "").replace(',', ".").parse().ok());
            (!companies.is_empty()).then(|| Award { amount, ..Award::to(lot, companies) })
        })
        .collect()
}

/// The one holder of a decision, with what the form says of it beside its name.
fn only_holder(name: String, decision: &Value) -> Company {
    let of = |fields: &[&str]| {
        ["titulaire", "titulaires/titulaire"]
            .iter()
            .flat_map(|party| fields.iter().map(move |field| format!("{party}/{field}")))
            .find_map(|path| text(decision, &path))
    };
    let id = of(&["siret", "codeIdentificationNational", "numeroSiret"]).and_then(|n| Buyer::clean_siret(&n));
    let place = Place { city: of(&["ville"]), postcode: of(&["cp", "codePostal"]), nuts: None };
    Company { name, id, place }
}

fn criteria(notice: &mut Notice, block: &Value, path: &str) {
    for c in all(block, "criteres/criterePondere") {
        if let Some(name) = text(c, "critere") {
            let weight = text(c, "criterePCT").and_then(|w| w.replace(',', ".").parse().ok());
            notice.criteria.push(Criterion {
                name,
                weight,
                field: format!("{path}.criteres.criterePondere"),
                lot: None,
            });
        }
    }
    for free in ["procedure/criteresAttrib", "natureMarche/criteresAttrib"].iter().filter_map(|p| text(block, p)) {
        for line in free.split(['\n', ';']) {
            if let Some(c) = WEIGHTED.captures(line.trim()) {
                let weight = c.get(2).and_then(|w| w.as_str().replace(',', ".").parse().ok());
                notice.criteria.push(Criterion {
                    name: c[1].to_owned(),
                    weight,
                    field: format!("{path}.procedure.criteresAttrib"),
                    lot: None,
                });
            }
        }
    }
}
