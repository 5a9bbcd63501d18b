//! BOAMP records as notices, from every shape in use: Explore v2.1 and older JSON, DILA XML; and in each the roots
//! `EFORMS`, `FNSimple`, `MAPA`, `DSP` and the legacy flat one.
//!
//! Pure and tolerant: a field that is missing or odd is left out. Only a record without an identifier, or whose inner
//! document is unreadable, is an error. Deadlines are read from `donnees`, then `gestion`, then the flat field, whose
//! zone is not to be trusted (a local time stamped as UTC).

use std::borrow::Cow;

use serde_json::Value;
use vigie_domain::notice::{Award, ContractNature};
use vigie_domain::{Code, DateKind, Department, Notice, NoticeKind, Outcome, TypedDate};

use super::fields::zone_of;
use super::{legacy, national};
use crate::sources::eforms;
use crate::tree::{self, all, check_json, first, local, own_text, text, ticked};
use crate::zones;
use vigie_classify::{outcome, pattern};

/// Why a record is no notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (champ {field})")]
pub struct ParseError {
    /// The record's identifier, when it has one.
    pub record_id: Option<String>,
    /// The field at fault.
    pub field: String,
    /// What is wrong.
    pub what: String,
}

/// Page of a notice for people.
const PAGE: &str = "https://www.boamp.fr/pages/avis/?q=idweb:";
pattern!(IDWEB, r"^\d{2}-\d{1,7}$");

/// Every record of a JSON document, whatever its wrapper: a v2.1 answer, an export, v1 and v2.0 answers, a cached copy, a
/// list, one record.
#[must_use]
pub fn records(document: &Value) -> Vec<&Value> {
    for path in ["results", "data/results", "records"] {
        let found = all(document, path);
        if !found.is_empty() {
            return found;
        }
    }
    document.as_array().map_or_else(|| vec![document], |list| list.iter().collect())
}

/// Reads one JSON record.
///
/// # Errors
/// No identifier, or an inner document that is unreadable.
pub fn from_json(record: &Value) -> Result<Notice, ParseError> {
    let flat = ["raw_fields", "fields", "record/fields"]
        .iter()
        .find_map(|p| first(record, p).filter(|v| v.is_object()))
        .unwrap_or(record);
    let gestion = embedded(flat, "gestion")?;
    let donnees = embedded(flat, "donnees")?;
    let id = text(flat, "idweb")
        .or_else(|| text(&gestion, "REFERENCE/IDWEB"))
        .or_else(|| text(record, "reference"))
        .or_else(|| text(flat, "id").map(|i| i.replace('_', "-")));
    let Some(id) = id.filter(|i| IDWEB.is_match(i)) else {
        return Err(ParseError { record_id: None, field: "idweb".into(), what: "annonce sans numéro".into() });
    };
    if let Some((element, notice)) = first(&donnees, "EFORMS").and_then(eforms::notice_element) {
        let refused = |none: eforms::NoNotice| ParseError {
            record_id: Some(id.clone()),
            field: "donnees.EFORMS".into(),
            what: none.to_string(),
        };
        eforms::refuse_registrations(element, notice).map_err(refused)?;
    }
    Ok(read(&id, flat, &gestion, &donnees))
}

/// Reads one DILA XML file, given as a tree. The root's name is not looked at: several have been in use.
///
/// # Errors
/// No `GESTION/REFERENCE/IDWEB`.
pub fn from_xml_tree(tree: &Value) -> Result<Notice, ParseError> {
    let root = tree.as_object().and_then(|o| o.values().next()).unwrap_or(tree);
    let gestion = first(root, "GESTION").unwrap_or(&Value::Null);
    let donnees = first(root, "DONNEES").unwrap_or(&Value::Null);
    let id = text(gestion, "REFERENCE/IDWEB").filter(|i| IDWEB.is_match(i));
    let Some(id) = id else {
        return Err(ParseError {
            record_id: None,
            field: "GESTION/REFERENCE/IDWEB".into(),
            what: "annonce sans numéro".into(),
        });
    };
    Ok(read(&id, &Value::Null, gestion, donnees))
}

/// `gestion` and `donnees` are JSON written as text; some copies hold the object itself.
fn embedded<'a>(flat: &'a Value, field: &str) -> Result<Cow<'a, Value>, ParseError> {
    match first(flat, field) {
        None => Ok(Cow::Owned(Value::Null)),
        Some(Value::String(s)) if s.trim().is_empty() => Ok(Cow::Owned(Value::Null)),
        Some(Value::String(s)) => {
            let bounded = check_json(s.as_bytes()).map_err(|e| e.to_string());
            let where_to = |e: serde_json::Error| format!("ligne {}, colonne {}", e.line(), e.column());
            let read = bounded.and_then(|()| tree::from_json(s.as_bytes()).map_err(where_to));
            read.map(Cow::Owned).map_err(|e| ParseError {
                record_id: text(flat, "idweb"),
                field: field.to_owned(),
                what: format!("JSON intérieur illisible : {e}"),
            })
        }
        Some(other) => Ok(Cow::Borrowed(other)),
    }
}

fn read(id: &str, flat: &Value, gestion: &Value, donnees: &Value) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.url = text(flat, "url_avis").or_else(|| Some(format!("{PAGE}{id}")));
    notice.published = text(flat, "dateparution")
        .or_else(|| text(gestion, "INDEXATION/DATE_PUBLICATION"))
        .or_else(|| text(flat, "publication_date"))
        .and_then(|d| zones::day_of(&d));
    notice.title = text(flat, "objet")
        .or_else(|| text(gestion, "INDEXATION/RESUME_OBJET"))
        .or_else(|| text(flat, "title"))
        .unwrap_or_default();
    notice.buyer.name =
        text(flat, "nomacheteur").or_else(|| text(gestion, "INDEXATION/NOMORGANISME")).unwrap_or_default();
    notice.links.contract_folder = text(flat, "contractfolderid");
    notice.natures = natures(flat, gestion);
    notice.above_eu_threshold =
        text(flat, "famille").as_deref() == Some("JOUE") || ticked(gestion, "REFERENCE/TYPE_AVIS/FAMILLE/JOUE");
    let root = fill_from_root(&mut notice, donnees);
    notice.kind = kind(flat, gestion, donnees, root);
    notice.links.earlier = earlier(flat, gestion, donnees, id);
    notice.codes.extend(social_criteria(flat, gestion));
    if notice.departments.is_empty() {
        notice.departments = departments(flat, gestion);
    }
    if notice.dates.iter().all(|d| d.kind == DateKind::Questions) {
        notice.dates.extend(fallback_deadline(flat, gestion, &notice));
    }
    if notice.awards.is_empty() && notice.kind != NoticeKind::Modification {
        let winners: Vec<String> = all(flat, "titulaire").into_iter().filter_map(own_text).collect();
        if !winners.is_empty() {
            notice.awards.push(Award { winners, ..Award::default() });
        }
    }
    if notice.kind == NoticeKind::ExAnte {
        notice.awards.iter_mut().for_each(|a| a.outcome = Outcome::Intended);
    }
    if root != "EFORMS" && notice.kind == NoticeKind::Award {
        notice.kind = eforms::kind_of_results(&notice.awards);
    }
    decode_entities(&mut notice);
    if root != "EFORMS" {
        outcome::settle(&mut notice);
    }
    notice
}

/// Texts hold HTML entities, sometimes twice escaped.
fn decode_entities(notice: &mut Notice) {
    let decode = |text: &mut String| {
        for _ in 0..2 {
            if !text.contains('&') {
                return;
            }
            *text = text
                .replace("&amp;", "&")
                .replace("&#039;", "'")
                .replace("&#39;", "'")
                .replace("&quot;", "\"")
                .replace("&nbsp;", " ")
                .replace("&lt;br/&gt;", "\n")
                .replace("<br/>", "\n")
                .replace("<br />", "\n")
                .replace("&#140;", "Œ")
                .replace("&#156;", "œ")
                .replace("&eacute;", "é")
                .replace("&egrave;", "è")
                .replace("&agrave;", "à")
                .replace("&rsquo;", "’")
                .replace("&lt;", "<")
                .replace("&gt;", ">");
        }
    };
    decode(&mut notice.title);
    decode(&mut notice.buyer.name);
    notice.passages.iter_mut().for_each(|p| decode(&mut p.text));
    notice.lots.iter_mut().for_each(|l| decode(&mut l.title));
    notice.criteria.iter_mut().for_each(|c| decode(&mut c.name));
}

fn fill_from_root(notice: &mut Notice, donnees: &Value) -> &'static str {
    if let Some(eforms) = first(donnees, "EFORMS").or_else(|| eforms::notice_element(donnees).map(|_| donnees)) {
        if let Some((element, value)) = eforms::notice_element(eforms) {
            eforms::fill(notice, value, &format!("EFORMS.{element}"));
        }
        return "EFORMS";
    }
    for root in ["FNSimple", "MAPA", "DSP"] {
        if let Some(value) = first(donnees, root) {
            national::national(notice, value, root);
            return root;
        }
    }
    if ["IDENTITE", "OBJET", "PROCEDURE", "ATTRIBUTION"].iter().any(|k| first(donnees, k).is_some()) {
        legacy::legacy(notice, donnees);
        return "legacy";
    }
    ""
}

fn kind(flat: &Value, gestion: &Value, donnees: &Value, root: &str) -> NoticeKind {
    let state = text(flat, "etat").or_else(|| tag(gestion, "REFERENCE/TYPE_AVIS/STATUT")).unwrap_or_default();
    let nature = text(flat, "nature").or_else(|| tag(gestion, "REFERENCE/TYPE_AVIS/NATURE")).unwrap_or_default();
    if state.contains("ANNUL") || nature == "ANNULATION" {
        return NoticeKind::Cancellation;
    }
    if root == "EFORMS" {
        let tree = first(donnees, "EFORMS").unwrap_or(donnees);
        if let Some((element, value)) = eforms::notice_element(tree) {
            let own = eforms::kind(element, value);
            return if own == NoticeKind::Call && state == "RECTIFICATIF" { NoticeKind::Correction } else { own };
        }
    }
    match (state.as_str(), nature.as_str()) {
        (_, "ATTRIBUTION") => NoticeKind::Award,
        (_, "INTENTION_CONCLURE" | "EX_ANTE_VOLONTAIRE") => NoticeKind::ExAnte,
        (_, "MODIFICATION") => NoticeKind::Modification,
        (_, "PRE-INFORMATION" | "PREINFORMATION" | "PERIODIQUE") => NoticeKind::PriorInformation,
        ("RECTIFICATIF" | "MODIFICATION", _) | (_, "RECTIFICATIF") => NoticeKind::Correction,
        _ if ticked(donnees, &format!("{root}/rectificatif")) => NoticeKind::Correction,
        _ if ticked(donnees, &format!("{root}/attribution")) || ticked(donnees, "ATTRIBUTION") => NoticeKind::Award,
        _ => NoticeKind::Call,
    }
}

/// The name of the first child: in these forms the key is the value.
fn tag(value: &Value, path: &str) -> Option<String> {
    first(value, path)
        .and_then(Value::as_object)
        .and_then(|o| o.keys().find(|k| !k.starts_with('@')).map(|k| local(k).to_owned()))
}

/// Many as array, scalar or comma-joined text.
fn list(value: &Value, path: &str) -> Vec<String> {
    all(value, path)
        .into_iter()
        .filter_map(own_text)
        .flat_map(|t| t.split([',', ';']).map(|s| s.trim().to_owned()).collect::<Vec<_>>())
        .filter(|s| !s.is_empty())
        .collect()
}

fn natures(flat: &Value, gestion: &Value) -> Vec<ContractNature> {
    let mut words = list(flat, "type_marche");
    if let Some(o) = first(gestion, "INDEXATION/NATURE_MARCHE").and_then(Value::as_object) {
        words.extend(o.keys().map(|k| local(k).to_owned()));
    }
    let mut out: Vec<ContractNature> = words
        .iter()
        .filter_map(|w| match w.as_str() {
            "TRAVAUX" => Some(ContractNature::Works),
            "FOURNITURES" => Some(ContractNature::Supplies),
            "SERVICES" | "SERVICE" => Some(ContractNature::Services),
            _ => None,
        })
        .collect();
    out.dedup();
    out
}

/// Départements of performance where given, else of publication (`gestion` keeps the leading zeros).
fn departments(flat: &Value, gestion: &Value) -> Vec<Department> {
    let read = |codes: Vec<String>| {
        let mut out: Vec<Department> = Vec::new();
        for code in codes {
            let insee = match code.as_str() {
                "20A" => "2A",
                "20B" => "2B",
                other => other,
            };
            for d in Department::written(insee) {
                if !out.contains(&d) {
                    out.push(d);
                }
            }
        }
        out
    };
    for (value, path) in [
        (flat, "code_departement_prestation"),
        (gestion, "INDEXATION/DEP_PRESTATION"),
        (gestion, "INDEXATION/DEP_PUBLICATION"),
        (flat, "code_departement"),
        (flat, "department"),
    ] {
        let found = read(list(value, path));
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn social_criteria(flat: &Value, gestion: &Value) -> Option<Code> {
    let field = if list(flat, "criteres").iter().any(|c| c == "sociaux") {
        "criteres"
    } else if ticked(gestion, "INDEXATION/CRITERES_SOCIAUX_ENV/SOCIAUX") {
        "gestion.INDEXATION.CRITERES_SOCIAUX_ENV.SOCIAUX"
    } else {
        return None;
    };
    Some(Code { list: "criteres".into(), value: "sociaux".into(), field: field.into(), lot: None })
}

/// Numbers of earlier notices. Only keys that hold a number are read: dates look like numbers.
fn earlier(flat: &Value, gestion: &Value, donnees: &Value, own: &str) -> Vec<String> {
    let mut found = list(flat, "annonce_lie");
    if let Some(previous) = text(flat, "annonces_anterieures").and_then(|t| serde_json::from_str::<Value>(&t).ok()) {
        found.extend(
            all(&previous, "ANNONCE_ANTERIEUR/REFERENCE/IDWEB")
                .into_iter()
                .chain(all(&previous, "REFERENCE/IDWEB"))
                .filter_map(own_text),
        );
    }
    for path in ["REFERENCE/ANNONCE_ANTERIEUR/IDWEB", "MARCHE/ANNONCE_ANTERIEUR/REFERENCE/IDWEB"] {
        found.extend(all(gestion, path).into_iter().filter_map(own_text));
    }
    for root in ["FNSimple", "MAPA", "DSP"] {
        for block in ["rectificatif", "attribution", "annulation"] {
            found.extend(all(donnees, &format!("{root}/{block}/avisInitial/idWeb")).into_iter().filter_map(own_text));
        }
    }
    found.extend(all(donnees, "RECTIF/ANNONCE_ANTERIEUR/REFERENCE/IDWEB").into_iter().filter_map(own_text));
    let mut out: Vec<String> = Vec::new();
    for id in found {
        if IDWEB.is_match(&id) && id != own && !out.contains(&id) {
            out.push(id);
        }
    }
    out
}

/// The flat field stamps local times as UTC: `+00:00` there is read as local.
fn fallback_deadline(flat: &Value, gestion: &Value, notice: &Notice) -> Option<TypedDate> {
    let zone = zone_of(notice);
    let (written, field) = match text(gestion, "INDEXATION/DATE_LIMITE_REPONSE") {
        Some(t) => (t, "gestion.INDEXATION.DATE_LIMITE_REPONSE"),
        None => {
            let flat = text(flat, "datelimitereponse").or_else(|| text(flat, "application_deadline"))?;
            (flat.trim_end_matches("+00:00").to_owned(), "datelimitereponse")
        }
    };
    let (at, has_time) = zones::deadline(&written, zone)?;
    Some(TypedDate {
        kind: DateKind::Tender,
        at,
        has_time,
        mandatory: false,
        quote: None,
        field: Some(field.into()),
        lot: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn notice(mut flat: Value, donnees: &Value) -> Notice {
        flat["idweb"] = json!("26-1");
        flat["donnees"] = json!(donnees.to_string());
        from_json(&flat).unwrap()
    }

    fn national(initial: Value) -> Notice {
        notice(
            json!({}),
            &json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville", "cp": "59000"}, "initial": initial}}),
        )
    }

    #[test]
    fn the_key_of_a_flag_is_its_value() {
        for (flag, said) in [
            (json!({"non": ""}), "non"),
            (json!({"non": {"@ns2:type": "ns4:boolean", "#text": "true"}}), "non"),
            (json!({"oui": ""}), "oui"),
            (json!({"oui": {"detail": "EA"}}), "oui"),
        ] {
            let n = national(json!({"natureMarche": {"reservationMarche": flag}}));
            assert_eq!(n.codes.iter().map(|c| c.value.as_str()).collect::<Vec<_>>(), vec![said], "{flag}");
        }
    }

    #[test]
    fn a_reserved_profession_is_no_reservation() {
        let n = national(json!({"procedure": {"prestationReserveeOui": "avocats"}}));
        assert!(n.codes.is_empty(), "{:?}", n.codes);
    }

    #[test]
    fn the_flat_deadline_stamps_local_time_as_utc() {
        let n = notice(json!({"datelimitereponse": "2026-07-01T12:00:00+00:00"}), &json!({}));
        assert_eq!(n.dates[0].at.to_rfc3339(), "2026-07-01T12:00:00+02:00");
        let n = notice(
            json!({"datelimitereponse": "2026-07-01T10:00:00+00:00", "gestion": "{\"INDEXATION\":{\"DATE_LIMITE_REPONSE\":\"2026-07-01T12:00:00\"}}"}),
            &json!({}),
        );
        assert_eq!(n.dates[0].at.to_rfc3339(), "2026-07-01T12:00:00+02:00");
    }

    #[test]
    fn one_lot_or_many_are_read_alike_and_numbers_come_out_of_words() {
        let one = national(json!({"lots": {"lot": {"description": "Lot 2 : Vitrerie"}}}));
        assert_eq!((one.lots[0].id.as_str(), one.lots[0].title.as_str()), ("2", "Vitrerie"));
        let many = national(
            json!({"lots": {"lot": [{"description": "01 : VRD"}, {"description": "Peinture", "lieuExecution": "Arras (62)"}]}}),
        );
        let ids: Vec<_> = many.lots.iter().map(|l| l.id.as_str()).collect();
        assert_eq!(ids, vec!["1", "2"]);
        assert_eq!(many.lots[1].departments[0].as_str(), "62");
    }

    #[test]
    fn a_title_cut_at_200_characters_is_completed() {
        let long = format!("Entretien {}", "des espaces verts ".repeat(15));
        let cut: String = long.chars().take(200).collect();
        let n = notice(json!({"objet": cut}), &json!({"MAPA": {"initial": {"description": {"objet": long.trim()}}}}));
        assert_eq!(n.title, long.trim());
    }

    #[test]
    fn criteria_weights_and_free_text_are_read() {
        let n = notice(
            json!({}),
            &json!({"MAPA": {"initial": {"criteres": {"criterePondere": {"criterePCT": "20", "critere": "Insertion"}}}}}),
        );
        assert_eq!((n.criteria[0].name.as_str(), n.criteria[0].weight), ("Insertion", Some(20.0)));
        let n = national(json!({"procedure": {"criteresAttrib": "Prix : 60 %\nInsertion professionnelle : 40 %"}}));
        assert_eq!(n.criteria.iter().map(|c| c.weight).collect::<Vec<_>>(), vec![Some(60.0), Some(40.0)]);
    }

    #[test]
    fn old_boxes_and_old_lists_are_read() {
        let n = notice(
            json!({"annonce_lie": "25-1,25-2", "code_departement": "1", "criteres": "sociaux,environnementaux"}),
            &json!({"IDENTITE": {"DENOMINATION": "X"}, "CONDITION_PARTICIPATION": {"MARCHE_RESERVE_OUI": {"ATELIERS_PROTEGES": ""}}}),
        );
        assert_eq!(n.links.earlier, vec!["25-1", "25-2"]);
        assert_eq!(n.departments[0].as_str(), "01");
        let said: Vec<_> = n.codes.iter().map(|c| c.value.as_str()).collect();
        assert_eq!(said, vec!["ATELIERS_PROTEGES", "sociaux"]);
    }

    #[test]
    fn a_date_is_never_taken_for_an_earlier_notice() {
        let previous = json!({"ANNONCE_ANTERIEUR": {"REFERENCE": {"IDWEB": "14-10"}, "REFERENCE_PUBLICATION": {"DATE_PUBLICATION": "2014-10-15"}}});
        let n = notice(json!({"annonces_anterieures": previous.to_string()}), &json!({}));
        assert_eq!(n.links.earlier, vec!["14-10"]);
    }
}
