//! Plain text as a notice: what `text-jsonl` lines, HTML pages and forwarded mails become before judgement.

use vigie_domain::{Cpv, Notice, NoticeKind, Passage};

use super::fold::fold;

pattern!(CODE, r"(?:cpv|classification|pccpv)[^0-9]{0,60}(?P<c>[0-9]{8})\b");
pattern!(
    TITLE,
    r"(?m)(?:^Objet du march[ée] ?:|^Intitul[ée](?: attribu[ée] au (?:march[ée]|contrat)[^:\n]{0,60})? ?:|^Objet de la consultation ?:|^TITitre)[ \t]*\n?[ \t]*(?P<t>[^\n]{8,400})"
);
pattern!(
    BUYER,
    r"(?im)(?:^(?:OFFICIALNAME|Nom officiel|Nom complet de l['’]acheteur|Nom de l['’]acheteur|Acheteur(?: public)?|Organisme acheteur|Ma[îi]tre d['’]ouvrage|Pouvoir adjudicateur|Entité adjudicatrice|Donneur d['’]ordre|Organisme)[ ]?:[ \t]*|\bNom et adresse officiels[^:\n]{0,60}:[ \t]*\n?)(?P<n>[^\n]{3,160})"
);
pattern!(
    HEADED,
    r"(?im)^[ \t]*(?:article[ ]*)?(?:[0-9]{1,2}(?:\.[0-9]{1,2})*)?[ .)–-]*(?:identification de l['’])?(?:acheteur|organisme acheteur|pouvoir adjudicateur|ma[îi]tre d['’]ouvrage)[ \t]*\n+(?P<n>[^\n]{3,160})"
);
pattern!(
    BODY,
    r"(?i)^(?P<n>(?:ville|commune|mairie|d[ée]partement|conseil (?:d[ée]partemental|r[ée]gional)|r[ée]gion|(?:euro)?m[ée]tropole|communaut[ée] (?:de communes|d['’]agglom[ée]ration|urbaine)|syndicat|centre hospitalier|hôpita(?:l|ux)|groupement hospitalier|universit[ée]|minist[èe]re|pr[ée]fecture|office public|SPL|SIVOM|SMICTOM|SITTOMAT|SICTOM|CCI|CCAS|CROUS|GHT|CHU|PETR|caisse|chambre|direction (?:interr[ée]gionale|r[ée]gionale|d[ée]partementale)|maison de l['’]emploi|territoire d['’][ée]nergie|habitat|agence de l['’]eau|SDIS)\b[^\n:(;,]{2,120}?)(?:[ ]+[–—-][ ]|[ ]*[:(;,\n]|[ ]*—|\.?$)"
);
pattern!(
    ADDRESS,
    r"(?i)(?:\s[-–,]\s?|,\s|\s)(?:[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|av|boulevard|bd|place|pl|chemin|quai|all[ée]e|route|cours|impasse)\b|(?:rue|avenue|boulevard|place|quai|chemin|route|all[ée]e|cours|BP|CS|TSA) |[0-9]{5}\b|Correspondant|SIRET|\(SIRET|t[ée]l)|\.\s*(?:Correspondant|$)|\.$"
);
pattern!(FORM_LINE, r"^[A-Z][A-Z_0-9]{3,}:");

/// Makes a notice out of a title and a text.
#[must_use]
pub fn notice(id: &str, title: &str, text: &str) -> Notice {
    let folded = fold(&text[..text.floor_char_boundary(200_000)]);
    let head = &folded[..folded.floor_char_boundary(4000)];
    let mut notice = Notice::new("text", id, kind(&fold(title), head));
    notice.title = if title.trim().is_empty() { title_in(text) } else { title.to_owned() };
    let named = BUYER.captures(text).or_else(|| HEADED.captures(text)).and_then(|c| c.name("n"));
    notice.buyer.name = named.map(|n| buyer(n.as_str())).or_else(|| letterhead(text)).unwrap_or_default();
    for c in CODE.captures_iter(&folded).filter_map(|c| c.name("c")).filter_map(|c| Cpv::parse(c.as_str())) {
        if !notice.cpv.contains(&c) {
            notice.cpv.push(c);
        }
    }
    notice.departments = super::place::departments(title, text);
    notice.passages.push(Passage { field: "text".into(), lot: None, text: text.to_owned() });
    super::outcome::settle(&mut notice);
    notice
}

/// The buyer's name alone, without the address that may follow it.
fn buyer(line: &str) -> String {
    let end = ADDRESS.find(line).map_or(line.len(), |m| m.start());
    line[..end].trim().trim_end_matches([',', ';', '.', '-']).trim().to_owned()
}

/// The public body that a text begins with, as letters and extracts do: "Ville de Hem – RC".
fn letterhead(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty())?;
    let line = &line[..line.floor_char_boundary(300)];
    let name = BODY.captures(line)?.name("n")?.as_str().trim();
    // A sentence about a body is no name of one.
    let says = ["attribue", "lance", "souhaite", "recherche", "confie", "a pour objet"];
    (!says.iter().any(|w| fold(name).split(' ').any(|n| n == *w))).then(|| name.to_owned())
}

/// The title that a form or a page prints, where the line gave none.
fn title_in(text: &str) -> String {
    let head = &text[..text.floor_char_boundary(20_000)];
    let printed = TITLE.captures(head).and_then(|c| c.name("t")).map(|t| t.as_str());
    // A form flattened to "NAME: value" lines prints its title as the first line without a name.
    let flattened = || head.lines().find(|l| l.len() >= 8 && !FORM_LINE.is_match(l));
    let title = printed.or_else(|| FORM_LINE.is_match(head).then(flattened).flatten());
    title.unwrap_or_default().trim().chars().take(400).collect()
}

fn kind(title: &str, head: &str) -> NoticeKind {
    let said =
        |words: &[&str]| words.iter().any(|w| title.contains(w) || head[..head.floor_char_boundary(1500)].contains(w));
    if said(&["avis de modification de marche", "avis de modification d'un marche", "modification de marche en cours"])
    {
        NoticeKind::Modification
    } else if said(&["avis d'intention de conclure", "transparence ex ante", "avis ex ante"]) {
        NoticeKind::ExAnte
    } else if said(&["avis d'attribution", "resultat de marche", "resultats de marche"])
        || head.contains("date_conclusion_contract")
    {
        NoticeKind::Award
    } else if said(&["avis rectificatif", "rectificatif au", "avis de rectificatif"]) {
        NoticeKind::Correction
    } else if said(&["avis d'annulation", "declaree sans suite", "declare sans suite"]) {
        NoticeKind::Cancellation
    } else if said(&["avis de preinformation", "avis de pre-information", "avis de pre information"]) {
        NoticeKind::PriorInformation
    } else {
        NoticeKind::Call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buyer_is_named_without_its_address() {
        for (text, name) in [
            ("Nom complet de l'acheteur : Ville de Lens\nType : commune", "Ville de Lens"),
            (
                "I.1) Nom et adresse officiels de l'organisme acheteur : Commune de Liévin, 45 rue Édouard-Vaillant, 62800 Liévin",
                "Commune de Liévin",
            ),
            ("Article 1 - Acheteur\nRégion Centre-Val de Loire\nArticle 2", "Région Centre-Val de Loire"),
            ("Ville de Hem – RC\nRénovation de trois écoles", "Ville de Hem"),
            ("DÉPARTEMENT DE L'ARIÈGE\nCCAP – lot 6", "DÉPARTEMENT DE L'ARIÈGE"),
            ("Syndicat de rivière Vienne Gorre – RC", "Syndicat de rivière Vienne Gorre"),
        ] {
            assert_eq!(notice("1", "t", text).buyer.name, name, "{text}");
        }
        for text in ["La ville est belle", "Entretien des espaces verts de la commune", "Ville lance une consultation"]
        {
            assert_eq!(notice("1", "t", text).buyer.name, "", "{text}");
        }
    }
}
