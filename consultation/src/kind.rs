//! Which piece a file is: by the title it opens with, else by its name, else by the title that stands somewhere near its start.

use vigie_classify::fold::fold;
use vigie_classify::pattern;

use crate::piece::{Kind, Text};

pattern!(
    RC,
    r"reglement (?:particulier )?(?:de (?:la )?)?consultation|reglement de (?:l')?(?:appel d'offres|appel public)"
);
pattern!(
    CCP,
    r"cahier des clauses (?:administratives et techniques )?particulieres|\bccatp\b|\bcctap\b|cahier des charges"
);
pattern!(CCAP, r"cahier des clauses administratives particulieres");
pattern!(CCTP, r"cahier des clauses techniques particulieres");
pattern!(AE, r"acte d'engagement|\battri ?1\b");
pattern!(BPU, r"bordereau (?:des |de )?prix(?: unitaires?)?");
pattern!(DPGF, r"decomposition d[eu]s? prix|detail (?:quantitatif )?estimatif|devis (?:quantitatif )?estimatif");
pattern!(
    SOCIAL,
    r"annexe[^\n]{0,60}(?:clause|social|insertion|handicap)|clauses? sociales? d'insertion|(?:clause|dispositif|annexe) (?:sociale?|d'insertion)"
);
pattern!(
    STAFF,
    r"(?:liste|etat|tableau) (?:du |des )?(?:personnels?|salaries|effectifs?)[^\n]{0,40}(?:repr|transfer)|reprise (?:du|des|de) (?:personnels?|salaries)|masse salariale"
);
pattern!(
    FORM,
    r"lettre de candidature|declaration du candidat|declaration de sous-traitance|document unique de marche europeen|\bdc ?[124]\b|\bdume\b"
);
pattern!(MEMO, r"cadre (?:de |du )?(?:reponse|memoire)|memoire (?:technique|methodologique|justificatif)");
pattern!(NOTICE, r"avis (?:d'appel public|de marche|d'appel a)|\baapc\b");

pattern!(
    BY_NAME,
    r"(?:^|[^a-z])(?:(?P<rc>rc|reglement)|(?P<ccap>ccap)|(?P<cctp>cctp)|(?P<ccp>ccp|ccatp|cctap|cahier des charges)|(?P<ae>ae|acte d'engagement|acte engagement|attri1?)|(?P<bpu>bpu|bordereau)|(?P<dpgf>dpgf|dqe|dgf|cdpgf|detail)|(?P<form>dc ?[0-9]|dume|noti ?[0-9]?)|(?P<memo>memoire|cadre)|(?P<notice>aapc|avis)|(?P<plan>plans?))(?:[^a-z]|$)"
);

/// What a piece is.
#[must_use]
pub fn kind(name: &str, text: &Text) -> Kind {
    /// A title stands this near to the start, in bytes.
    const TITLE: usize = 500;
    const HEAD: usize = 3_000;
    let mut head = String::new();
    for passage in &text.passages {
        head.push_str(&passage.text);
        head.push('\n');
        if head.len() > HEAD {
            break;
        }
    }
    let head = fold(&head[..head.floor_char_boundary(HEAD)]);
    let by_name = of_name(name);
    let title = &head[..head.floor_char_boundary(TITLE)];
    match (of_content(title), by_name) {
        // What a file says that it is an annex on, its name may shorten to the piece it is annexed to.
        (Some(Kind::SocialAnnex), Kind::Other | Kind::SocialAnnex) => Kind::SocialAnnex,
        // A title that speaks of clauses in passing does not unname the piece.
        (Some(Kind::SocialAnnex | Kind::Form | Kind::StaffList | Kind::Notice), named) if named != Kind::Other => named,
        (Some(found), _) => found,
        (None, Kind::Other) => of_content(&head).unwrap_or(Kind::Other),
        (None, named) => named,
    }
}

/// The kind whose title stands first.
fn of_content(text: &str) -> Option<Kind> {
    let titles: [(&regex::Regex, Kind); 12] = [
        (&RC, Kind::Rc),
        (&CCAP, Kind::Ccap),
        (&CCTP, Kind::Cctp),
        (&CCP, Kind::Ccp),
        (&AE, Kind::Ae),
        (&BPU, Kind::Bpu),
        (&DPGF, Kind::Dpgf),
        (&SOCIAL, Kind::SocialAnnex),
        (&STAFF, Kind::StaffList),
        (&FORM, Kind::Form),
        (&MEMO, Kind::MemoFrame),
        (&NOTICE, Kind::Notice),
    ];
    let found = titles.iter().enumerate().filter_map(|(i, (title, kind))| Some((title.find(text)?.start(), i, *kind)));
    found.min_by_key(|(at, i, _)| (*at, *i)).map(|(_, _, kind)| kind)
}

fn of_name(name: &str) -> Kind {
    let last = name.rsplit('/').next().unwrap_or(name);
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let words = fold(&stem.replace(['_', '-', '.', '(', ')', '+'], " "));
    if STAFF.is_match(&words) || words.contains("reprise") && words.contains("perso") {
        return Kind::StaffList;
    }
    if words.contains("annexe") && ["social", "insertion", "clause"].iter().any(|w| words.contains(w)) {
        return Kind::SocialAnnex;
    }
    let Some(found) = BY_NAME.captures(&words) else {
        return of_content(&words).unwrap_or(Kind::Other);
    };
    [
        ("rc", Kind::Rc),
        ("ccap", Kind::Ccap),
        ("cctp", Kind::Cctp),
        ("ccp", Kind::Ccp),
        ("ae", Kind::Ae),
        ("bpu", Kind::Bpu),
        ("dpgf", Kind::Dpgf),
        ("form", Kind::Form),
        ("memo", Kind::MemoFrame),
        ("notice", Kind::Notice),
        ("plan", Kind::Plan),
    ]
    .into_iter()
    .find(|(group, _)| found.name(group).is_some())
    .map_or(Kind::Other, |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::piece::{Passage, Place};

    #[test]
    fn pieces_are_known_by_title_and_by_name() {
        let of = |name: &str, text: &str| {
            let passage = Passage::new(Place::Page(1), text.to_owned());
            kind(name, &Text { passages: vec![passage], ..Text::default() })
        };
        for (name, text, expected) in [
            ("2026_045_RC.pdf", "Ville de Sète", Kind::Rc),
            ("doc3.pdf", "RÈGLEMENT DE LA CONSULTATION", Kind::Rc),
            ("CCAP.docx", "Cahier des Clauses Administratives\nParticulières", Kind::Ccap),
            ("piece 2.pdf", "Cahier des clauses techniques particulières (CCTP)", Kind::Cctp),
            ("CCP nettoyage.pdf", "Cahier des clauses particulières", Kind::Ccp),
            ("Annexe 2 clause sociale.pdf", "Annexe n° 2 au CCAP\nClause sociale d’insertion", Kind::SocialAnnex),
            ("DPGF lot 1.xlsx", "Désignation | Unité", Kind::Dpgf),
            ("liste_personnel_reprise.ods", "Poste | Ancienneté", Kind::StaffList),
            ("DC1.odt", "Lettre de candidature", Kind::Form),
            ("notes.txt", "Bonjour", Kind::Other),
        ] {
            assert_eq!(of(name, text), expected, "{name}");
        }
    }
}
