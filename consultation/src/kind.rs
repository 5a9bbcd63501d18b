//! Which piece a file is: by a line near its start that is its title, else by its name, else by a title that its first lines mention.

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
    r"(?:^|[^a-z])(?:(?P<rc>rc|rdc|reglement|guide(?: (?:de |pour )?(?:reponse|repondre|candidat[a-z]*))?|(?:dossier|fiche|lettre) (?:de )?consultation)|(?P<ccap>ccap|ca|contrat(?: cadre)?|clauses admin[a-z]*|cahier admin[a-z]*)|(?P<cctp>cctp|ct|clauses tech[a-z]*|cahier tech[a-z]*)|(?P<ccp>ccp|ccatp|cctap|cahier des charges)|(?P<ae>ae|acte d'engagement|acte engagement|attri1?)|(?P<bpu>bpu|bordereau|grille (?:de |des )?(?:prix|tarif[a-z]*)|etat des prix|cadre (?:de )?prix)|(?P<dpgf>dpgf|dqe|dgf|cdpgf|detail)|(?P<form>dc ?[0-9]|dume|noti ?[0-9]?)|(?P<memo>memoire|cadre)|(?P<notice>aapc|avis)|(?P<plan>plans?))(?:[^a-z]|$)"
);
// What stands before a piece's name in its title.
pattern!(
    BEFORE_TITLE,
    r"^(?:(?:piece|document|dce|volume|n°)[ n°]*[0-9ivx.]* ?[-–—:.]* ?|projet de |[a-z]?[0-9][a-z0-9/-]* ?[-–—:/] ?)*"
);
// Titles as buyers shorten them; one stands alone, or begins the line.
pattern!(
    TITLE,
    r"^(?:(?P<rc>reglement\b|(?:votre )?guide (?:du|des|pour les?) (?:candidat|soumissionnaire|entreprise)|regles? (?:de (?:la|cette) (?:consultation|mise en concurrence)|du jeu)|mode d'emploi de la (?:consultation|mise en concurrence)|lettre (?:de consultation|aux (?:entreprises|candidats))|invitation a (?:consulter|remettre|presenter)|r\.? ?c\.?(?: ?[-–—:]|$))|(?P<ccap>cahier (?:des clauses )?administrati|clauses administratives|c\.? ?c\.? ?a\.? ?p\b)|(?P<cctp>cahier (?:des clauses )?techniques?|clauses techniques|programme technique|c\.? ?c\.? ?t\.? ?p\b)|(?P<ccp>cahier des (?:clauses particulieres|charges))|(?P<ae>acte d'engagement)|(?P<bpu>bordereau (?:des |de )?prix|bordereau chiffre|cadre (?:de|des) prix|grille (?:tarifaire|de prix|des prix)|etat des prix|catalogue (?:de|des) prix|annexe financiere)|(?P<dpgf>decomposition d[eu]s? prix|detail (?:quantitatif )?estimatif|devis (?:quantitatif )?estimatif|dpgf\b|dqe\b)|(?P<social>annexe sociale|clauses? sociales?\b|annexe[^\n]{0,40}insertion)|(?P<form>(?:formulaire )?(?:dc ?[124]|dume)\b[^|]*$|lettre de candidature|declaration (?:du candidat|de sous-traitance)|document unique de marche europeen))"
);
// A regulation that is no consultation's.
pattern!(OTHER_RULES, r"^reglement (?:interieur|sanitaire|europeen|general|d[eu] (?:service|voirie)|\(?ue)");

/// What a piece is.
#[must_use]
pub fn kind(name: &str, text: &Text) -> Kind {
    /// A title stands this near to the start, in bytes.
    const NEAR: usize = 500;
    const HEAD: usize = 3_000;
    let mut head = String::new();
    for passage in &text.passages {
        head.push_str(&passage.text);
        head.push('\n');
        if head.len() > HEAD {
            break;
        }
    }
    let head = &head[..head.floor_char_boundary(HEAD)];
    let by_name = of_name(name);
    if let Some(found) = of_title(head) {
        // What a file says that it is an annex on, its name may shorten to the piece it is annexed to.
        return if found == Kind::SocialAnnex && by_name != Kind::Other { by_name } else { found };
    }
    let head = fold(head);
    let title = &head[..head.floor_char_boundary(NEAR)];
    // A form or a bill that the first lines name, in a text that says how to tender, is one of those to hand in.
    let named = |found: Kind| match found {
        Kind::Form | Kind::Bpu | Kind::Dpgf | Kind::Ae | Kind::SocialAnnex => match of_matter(text) {
            Some(Kind::Rc) => Kind::Rc,
            Some(Kind::Ccp) if found != Kind::SocialAnnex => Kind::Ccp,
            _ => found,
        },
        _ => found,
    };
    match (of_content(title).map(named), by_name) {
        // What its first lines mention in passing does not unname the piece.
        (_, named) if named != Kind::Other => named,
        (Some(found), _) => found,
        (None, _) => of_content(&head).map(named).or_else(|| of_matter(text)).unwrap_or(Kind::Other),
    }
}

/// What a text without a title speaks of: how to tender, how the contract is carried out, or both.
fn of_matter(text: &Text) -> Option<Kind> {
    /// So many sentences of one matter show that a text is about it.
    const LEAST: usize = 3;
    pattern!(
        RULES,
        r"\bplis?\b|votre (?:offre|proposition|dossier)|candidature|remise des offres|soumissionn|\bcriteres?\b|valeur technique|acte d'engagement|variantes?\b|regles? de la consultation|\bdc ?[12]\b|attestation sur l'honneur|date limite"
    );
    pattern!(
        CONTRACT,
        r"penalit|\bfactur|\bavance\b|retenue de garantie|\bassurances?\b|resiliation|\bprix sont\b|le titulaire|indice\b"
    );
    let lines: Vec<String> = text.passages.iter().flat_map(|p| p.text.lines()).map(fold).collect();
    let count = |of: &regex::Regex| lines.iter().map(|l| of.find_iter(l).count()).sum::<usize>() >= LEAST;
    match (count(&RULES), count(&CONTRACT)) {
        (true, true) => Some(Kind::Ccp),
        (true, false) => Some(Kind::Rc),
        (false, true) => Some(Kind::Ccap),
        (false, false) => None,
    }
}

/// The kind of the first short line that is a title.
fn of_title(head: &str) -> Option<Kind> {
    /// Lines looked at, and the longest title, in bytes.
    const LINES: usize = 14;
    const LONGEST: usize = 150;
    let lines = head.lines().map(str::trim).filter(|l| !l.is_empty()).take(LINES);
    lines
        .filter(|l| l.len() <= LONGEST && !l.ends_with([';', ',']) && !l.contains(" | ") && !is_sentence(l))
        .map(fold)
        .find_map(|line| {
            let bare = &line[BEFORE_TITLE.find(&line).map_or(0, |m| m.end())..];
            let found = TITLE.captures(bare).filter(|_| !OTHER_RULES.is_match(bare))?;
            let kind = of_group(&found)?;
            // Both kinds of clauses in one.
            let both =
                kind == Kind::Ccap && bare.contains("technique") || kind == Kind::Cctp && bare.contains("administrati");
            Some(if both { Kind::Ccp } else { kind })
        })
}

/// Whether a line is a sentence: "C.C.A.P." is none.
fn is_sentence(line: &str) -> bool {
    const WORDS: usize = 5;
    line.ends_with('.') && line.split(' ').count() > WORDS
}

/// The kind whose title stands first; in a sentence only those are looked for that a piece names itself by.
fn of_content(text: &str) -> Option<Kind> {
    /// Longest line that is a title, in bytes.
    const TITLE: usize = 150;
    let in_sentence = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
        let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        let line = text[start..end].trim_end();
        line.len() > TITLE || line.ends_with(['.', ';', ':', ','])
    };
    let names_itself =
        |kind: Kind| matches!(kind, Kind::Rc | Kind::Ccp | Kind::Ccap | Kind::Cctp | Kind::SocialAnnex | Kind::Notice);
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
    let found = found.filter(|(at, _, kind)| names_itself(*kind) || !in_sentence(*at));
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
    of_group(&found).unwrap_or(Kind::Other)
}

/// The kind whose name, as a group of an expression, was found.
fn of_group(found: &regex::Captures<'_>) -> Option<Kind> {
    const GROUPS: [(&str, Kind); 12] = [
        ("rc", Kind::Rc),
        ("ccap", Kind::Ccap),
        ("cctp", Kind::Cctp),
        ("ccp", Kind::Ccp),
        ("ae", Kind::Ae),
        ("bpu", Kind::Bpu),
        ("dpgf", Kind::Dpgf),
        ("social", Kind::SocialAnnex),
        ("form", Kind::Form),
        ("memo", Kind::MemoFrame),
        ("notice", Kind::Notice),
        ("plan", Kind::Plan),
    ];
    GROUPS.into_iter().find(|(group, _)| found.name(group).is_some()).map(|(_, kind)| kind)
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
            ("piece2.pdf", "Pièce n° 2 — Cahier administratif\nL’acte d’engagement prévaut.", Kind::Ccap),
            ("x-technique.docx", "Cahier technique des prestations", Kind::Cctp),
            ("doc 1.pdf", "Ville de Sète\nRèglement du marché 2027-12", Kind::Rc),
            ("Marche_CCAP_v2.pdf", "Ville de Sète\nL’acte d’engagement l’emporte sur le présent cahier.", Kind::Ccap),
            ("prix.xlsx", "Cadre de prix – lot 1", Kind::Bpu),
            ("tarifs.xlsx", "Grille tarifaire", Kind::Bpu),
            ("annexe.pdf", "Règlement intérieur du site", Kind::Other),
            ("Annexe.docx", "Annexe sociale à l’acte d’engagement", Kind::SocialAnnex),
        ] {
            assert_eq!(of(name, text), expected, "{name}");
        }
    }
}
