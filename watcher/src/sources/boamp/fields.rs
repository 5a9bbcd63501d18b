//! What every shape of record has in common: local times, and texts with the lot they stand under.

use chrono_tz::Tz;
use serde_json::Value;
use vigie_domain::{DateKind, Lot, Notice, Passage, TypedDate};

use crate::tree::{local, own_text, text};
use crate::zones;

/// Branches that hold no text for bidders.
const SKIPPED: &[&str] = &[
    "organisme",
    "IDENTITE",
    "adr",
    "coord",
    "correspondantPRM",
    "adressesComplt",
    "ADRESSES_COMPLEMENTAIRES",
    "PROCEDURES_RECOURS",
    "procedureRecours",
    "communication",
    "avisInitial",
    "ANNONCE_ANTERIEUR",
    "codeCPV",
    "CPV",
    "voie",
    "TITULAIRE",
];

/// The zone of a notice's local times: where the buyer is, else where the work is.
pub(super) fn zone_of(notice: &Notice) -> Tz {
    zones::zone(notice.buyer.place.department().as_ref().or(notice.departments.first()))
}

pub(super) fn push_deadline(notice: &mut Notice, written: Option<String>, kind: DateKind, field: &str) {
    let zone = zone_of(notice);
    let Some((at, has_time)) = written.and_then(|w| zones::deadline(&w, zone)) else { return };
    notice.dates.push(TypedDate {
        kind,
        at,
        has_time,
        mandatory: false,
        quote: None,
        field: Some(field.to_owned()),
        lot: None,
    });
}

/// Gathers every text long enough to say something, with the lot it stands under.
pub(super) fn collect_texts(notice: &mut Notice, value: &Value, path: &str, lot: Option<&str>, depth: usize) {
    let Some(object) = value.as_object().filter(|_| depth < 40) else { return };
    for (key, child) in object {
        let name = local(key);
        if SKIPPED.contains(&name) || key.starts_with('@') || name.starts_with("url") || name.starts_with("URL") {
            continue;
        }
        let here = format!("{path}.{name}");
        let many = child.as_array().map_or(std::slice::from_ref(child), Vec::as_slice);
        for (i, one) in many.iter().enumerate() {
            let in_lot = matches!(name, "lot" | "LOT") && one.is_object();
            let by_place = || notice.lots.get(i).filter(|_| notice.lots.len() == many.len()).map(|l| l.id.clone());
            let own_lot = in_lot.then(|| text(one, "NUM").map(|n| Lot::clean_id(&n)).or_else(by_place)).flatten();
            let lot = own_lot.as_deref().or(lot);
            match own_text(one) {
                Some(text) => {
                    let says_something = text.len() > 14 && text.contains(' ') && text != notice.title;
                    if says_something {
                        notice.passages.push(Passage { field: here.clone(), lot: lot.map(str::to_owned), text });
                    }
                }
                None => collect_texts(notice, one, &here, lot, depth + 1),
            }
        }
    }
}
