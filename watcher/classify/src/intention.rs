//! What a buyer only means to reserve: "envisage de réserver", "réservation envisagée", "pourrait être réservé". It is told, as what it
//! is: neither a reservation, nor silence.

use vigie_domain::Provision;
use vigie_domain::provision::INTENDED;

use super::fold::fold;

pattern!(
    MEANS_TO,
    r"\b(?:envisag\w*|etudi\w*|souhait\w*|reflech\w*|a l'intention|ont l'intention|prevoi(?:t|ent)|compte(?:nt)?)\b[^.;]{0,40}\breserv|\breservation\w*\b[^.;]{0,30}\b(?:envisage|a l'etude|possible|eventuelle)|\b(?:pourrai(?:t|ent)|pourra|pourront|devrai(?:t|ent)) (?:etre|faire l'objet d'une?) reserv"
);

/// Marks the reservations that are only intended.
pub fn mark(provisions: &mut [Provision]) {
    for p in provisions.iter_mut().filter(|p| p.doubt.is_none()) {
        if p.evidence.quote.as_deref().is_some_and(|q| MEANS_TO.is_match(&fold(q))) {
            p.doubt = Some(INTENDED.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Beneficiary, Notice, NoticeKind, Passage, ProvisionKind};

    fn verdict(kind: NoticeKind, text: &str) -> (Vec<(Option<Beneficiary>, bool)>, String) {
        let mut notice = Notice::new("t", "1", kind);
        notice.title = "Projet d'achat".into();
        notice.passages.push(Passage { field: "f".into(), lot: None, text: text.into() });
        let a = crate::classify(&notice);
        let reserved = a.provisions.iter().filter(|p| p.kind == ProvisionKind::Reserved);
        (reserved.map(|p| (p.beneficiary, p.is_intended())).collect(), a.reasons.first().cloned().unwrap_or_default())
    }

    /// U15: a planned purchase had a certain verdict, or none.
    #[test]
    fn what_is_meant_to_be_reserved_is_told_as_such() {
        for (text, who) in [
            ("Le Département envisage de réserver ce lot aux structures d'insertion (L. 2113-13).", "aux SIAE"),
            ("Réservation envisagée : structures d'insertion par l'activité économique.", "aux SIAE"),
            ("Le marché pourrait être réservé aux entreprises adaptées.", "aux EA et ESAT"),
        ] {
            let (reserved, said) = verdict(NoticeKind::Planned, text);
            assert!(matches!(reserved.as_slice(), [(Some(_), true)]), "{text}: {reserved:?}");
            assert_eq!(said, format!("Réservation envisagée {who}"), "{text}");
        }
        for text in ["Le marché est réservé aux entreprises adaptées.", "Le lot est réservé aux SIAE (L. 2113-13)."]
        {
            assert!(matches!(verdict(NoticeKind::Call, text).0.as_slice(), [(Some(_), false)]), "{text}");
        }
    }
}
