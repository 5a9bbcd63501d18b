//! Plain text as a notice: what `text-jsonl` lines, HTML pages and forwarded mails become before judgement.

use chrono::NaiveDate;
use vigie_domain::{Cpv, Notice, NoticeKind, Passage};

use super::fold::fold;
use super::lot_place;

pattern!(CODE, r"(?:cpv|classification|pccpv)[^0-9]{0,60}(?P<c>[0-9]{8})\b");
pattern!(
    TITLE,
    r"(?m)(?:^Objet du march[ée] ?:|^Intitul[ée](?: attribu[ée] au (?:march[ée]|contrat)[^:\n]{0,60})? ?:|^Objet de la consultation ?:|^TITitre)[ \t]*\n?[ \t]*(?P<t>[^\n]{8}[^\n]*)"
);
pattern!(
    BUYER,
    r"(?im)(?:^(?:OFFICIALNAME|Nom officiel|Nom complet de l['’]acheteur|Nom de l['’]acheteur|Acheteur(?: public)?|Organisme acheteur|Ma[îi]tre d['’]ouvrage|Pouvoir adjudicateur|Entité adjudicatrice|Donneur d['’]ordre|Organisme)[ ]?:[ \t]*|\bNom et adresse officiels[^:\n]{0,60}:[ \t]*\n?)(?P<n>[^\n]{3}[^\n]*)"
);
pattern!(
    HEADED,
    r"(?im)^[ \t]*(?:article[ ]*)?(?:[0-9]{1,2}(?:\.[0-9]{1,2})*)?[ .)–-]*(?:identification de l['’])?(?:acheteur|organisme acheteur|pouvoir adjudicateur|ma[îi]tre d['’]ouvrage)[ \t]*(?:\n+|[:–-][ \t]*)(?P<n>[^\n]{3}[^\n]*)"
);
pattern!(
    BODY,
    r"(?i)^(?P<n>(?:ville|commune|mairie|d[ée]partement|conseil (?:d[ée]partemental|r[ée]gional)|r[ée]gion|(?:euro)?m[ée]tropole|communaut[ée] (?:de communes|d['’]agglom[ée]ration|urbaine)|syndicat|centre hospitalier|hôpita(?:l|ux)|groupement hospitalier|universit[ée]|minist[èe]re|pr[ée]fecture|office public|SPL|SIVU|SYTRAD|syctom|sydom|EPAGE|EPCI|EHPAD|lyc[ée]e|coll[èe]ge|parc (?:national|naturel)|CC (?:du|de|des)|CA (?:du|de|des)|CU (?:du|de|des)|C\.?H\.? (?:de|du|d[’'])|OPH|SEM|SIVOM|SMICTOM|SITTOMAT|SICTOM|CCI|CCAS|CROUS|GHT|CHU|PETR|caisse|chambre|direction (?:interr[ée]gionale|r[ée]gionale|d[ée]partementale)|maison de l['’]emploi|territoire d['’][ée]nergie|habitat|agence de l['’]eau|SDIS)\b[^\n:(;,]{2,120}?)(?:[ ]+[–—-][ ]|[ ]*[:(;,\n]|[ ]*—|\.?$)"
);
pattern!(
    ADDRESS,
    r"(?i)(?:\s[-–,]\s?|,\s|\s)(?:[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|av|boulevard|bd|place|pl|chemin|quai|all[ée]e|route|cours|impasse)\b|(?:rue|avenue|boulevard|place|quai|chemin|route|all[ée]e|cours|BP|CS|TSA) |[0-9]{5}\b|Correspondant|SIRET|\(SIRET|t[ée]l)|\.\s*(?:Correspondant|$)|\.$"
);
// A title that says that what it announces is no more, before or behind its words: "[ANNULÉ] Nettoyage", "Nettoyage – sans suite".
pattern!(
    CANCELLED_TITLE,
    r"^[\s*!«]*(?:[\[(]\s*(?:procedure |consultation |marche |avis )?(?:annul(?:ee?|ation)|abandonnee?|(?:declaree? )?sans suite)\s*[\])]|(?:procedure |consultation |marche |avis )?(?:annulee?|annulation|abandonnee?|(?:declaree? )?sans suite)\s*(?:[:–—-]|$)|annulee? [^\s]|avis d'annulation\b|annulation (?:de |du |d'|de la |de l')(?:procedure|consultation|marche|avis|appel d'offres)\b)|[\[(:,–—-]\s*(?:procedure |consultation |marche |avis |appel d'offres )?(?:annulee?|abandonnee?|(?:declaree? )?sans suite)\s*[\])!.*»]*\s*$|\b(?:procedure|consultation|marche|appel d'offres) (?:est )?(?:annulee?|abandonnee?|declaree? sans suite)\b"
);
// A title that says, before or behind its words, that what it announced has its winner: "ATTRIBUÉ - Nettoyage".
pattern!(
    AWARDED_TITLE,
    r"^[\s*!«]*(?:[\[(]\s*(?:marche |contrat )?(?:attribuee?|attribution)\s*[\])]|(?:marche |contrat )?(?:attribuee?|attribution)(?: (?:du|de) (?:marche|contrat))?\s*[:–—-])|[\[(:–—-]\s*(?:marche |contrat )?attribuee?\s*[\])!.*»]*\s*$"
);
// A statement of a text about the procedure itself; one about an earlier one names it otherwise ("la première consultation").
pattern!(
    CANCELLED_TEXT,
    r"(?:^|[.!:;\n])[\s*!«]*(?:attention[ :,!]*)?(?:(?:la |cette |le |ce |l')(?:presente? )?)?(?:consultation|procedure|marche|appel d'offres|mise en concurrence|avis)(?: n° ?[\w/.-]+)? (?:(?:est|a ete|vient d'etre) )?(?:donc )?(?:annulee?|abandonnee?|declaree? sans suite|classee? sans suite)\b"
);
// "Annule et remplace" announces the procedure that goes on; "relance" the one that follows.
pattern!(
    GOES_ON,
    r"\bet remplace|\brelance\b|\bsuite a\b|\bnouvelle (?:procedure|consultation)|\bannule (?:le|la|les|l'|et)\b"
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
    if !notice.departments.is_empty() {
        // What circles and intercommunalities are compared with; a sentence may name the buyer's town, a label does not.
        let labelled = text.lines().take(PLACE_LINES).filter(|line| lot_place::is_labelled(line));
        notice.places = lot_place::places(&notice.title, labelled, &notice.departments);
    }
    notice.passages.push(Passage { field: "text".into(), lot: None, text: text.to_owned() });
    super::outcome::settle(&mut notice);
    notice
}

/// The day against which days without a year are read, where a text does not say when it was published: the one on which it is read,
/// `today`, unless all the dates that it tells in full are long past.
#[must_use]
pub fn read_against(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    const LONG: chrono::Days = chrono::Days::new(120);
    let newest = super::dates::newest(&text[..text.floor_char_boundary(200_000)]);
    let past = newest.is_some_and(|day| day.checked_add_days(LONG).is_some_and(|d| d < today));
    (!past).then_some(today)
}

/// The kind that a title alone tells, without a reading of it as a notice; a call where it tells none.
#[must_use]
pub fn kind_of_words(title: &str) -> NoticeKind {
    kind(&fold(title), "")
}

/// Lines of a text among which the place of performance is looked for.
const PLACE_LINES: usize = 400;

/// Longest line read as a buyer's name and address, in bytes.
const MAX_BUYER: usize = 160;

/// The buyer's name alone, without the address that may follow it.
fn buyer(line: &str) -> String {
    let line = &line[..line.floor_char_boundary(MAX_BUYER)];
    let end = ADDRESS.find(line).map_or(line.len(), |m| m.start());
    line[..end].trim().trim_end_matches([',', ';', '.', '-']).trim().to_owned()
}

/// The public body that a text begins with, as letters and extracts do: "Ville de Hem – RC".
fn letterhead(text: &str) -> Option<String> {
    /// Lines among which it may stand: a head of an article or the kind of notice may come first.
    const FIRST: usize = 5;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty()).take(FIRST);
    lines.flat_map(|l| [l].into_iter().chain(l.split_once(" – ").map(|(_, tail)| tail))).find_map(|line| {
        let line = &line[..line.floor_char_boundary(300)];
        let name = BODY.captures(line)?.name("n")?.as_str().trim();
        // A sentence about a body is no name of one.
        let says = ["attribue", "lance", "souhaite", "recherche", "confie", "a pour objet", "est", "sont", "doit"];
        (!says.iter().any(|w| fold(name).split(' ').any(|n| n == *w))).then(|| name.to_owned())
    })
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
        || AWARDED_TITLE.is_match(title)
        || head.contains("date_conclusion_contract")
    {
        NoticeKind::Award
    } else if said(&["avis rectificatif", "rectificatif au", "avis de rectificatif"]) {
        NoticeKind::Correction
    } else if is_cancelled(title, &head[..head.floor_char_boundary(1500)]) {
        NoticeKind::Cancellation
    } else if said(&["avis de preinformation", "avis de pre-information", "avis de pre information"]) {
        NoticeKind::PriorInformation
    } else {
        NoticeKind::Call
    }
}

/// Whether a title, or a statement of a text, says that the procedure is no more.
fn is_cancelled(title: &str, text: &str) -> bool {
    if GOES_ON.is_match(title) {
        return false;
    }
    let said = CANCELLED_TEXT.find_iter(text).any(|m| {
        let end = text[m.end()..].find(['.', '\n', ';']).map_or(text.len(), |i| m.end() + i);
        !GOES_ON.is_match(&text[m.start()..end])
    });
    said || CANCELLED_TITLE.is_match(title) || text.contains("avis d'annulation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commune_of_a_text_is_its_place() {
        let city = |title: &str, text: &str| -> Vec<String> {
            notice("1", title, text).places.into_iter().filter_map(|p| p.city).collect()
        };
        assert_eq!(city("Nettoyage du collège Jean-Moulin, Arras", ""), ["Arras"]);
        assert_eq!(city("Entretien des espaces verts", "Lieu d’exécution : 62300 Lens"), ["Lens"]);
        assert_eq!(city("Entretien", "Sites : Lens et Liévin (62)"), ["Lens", "Liévin"]);
        assert_eq!(city("Entretien", "Ville de Lens, place Jean-Jaurès, 62300 Lens"), [""; 0], "the buyer's seat");
    }

    /// A title or a statement may say that nothing comes any more; what speaks of another procedure, or of a lot, says no such thing.
    #[test]
    fn a_cancellation_is_known_by_its_title_or_by_what_it_states() {
        let kind = |title: &str, text: &str| notice("1", title, text).kind;
        for title in [
            "[ANNULÉ] Nettoyage des locaux de la mairie",
            "Annulation : nettoyage des locaux de la mairie",
            "Nettoyage des locaux de la mairie (sans suite)",
            "Nettoyage des locaux de la mairie – PROCÉDURE ANNULÉE",
            "ANNULÉE - Nettoyage des locaux",
            "Nettoyage des locaux : déclaré sans suite",
            "(Consultation annulée) Nettoyage des locaux",
            "Nettoyage des locaux - ABANDONNÉ",
            "Avis d’annulation – Nettoyage des locaux",
            "Annulation de la consultation de nettoyage",
        ] {
            assert_eq!(kind(title, "Nettoyage courant des bureaux."), NoticeKind::Cancellation, "{title}");
        }
        for text in [
            "CETTE CONSULTATION EST ANNULÉE.",
            "Procédure déclarée sans suite",
            "Nettoyage courant. Le marché est abandonné.",
            "La procédure a été déclarée sans suite pour motif d’intérêt général.",
            "Attention : la présente consultation est annulée",
            "L’appel d’offres n° 26-12 a été annulé.",
        ] {
            assert_eq!(kind("Nettoyage des locaux", text), NoticeKind::Cancellation, "{text}");
        }
        for (title, text) in [
            ("Annule et remplace : nettoyage des locaux", ""),
            ("Nettoyage des locaux (annule et remplace l’avis précédent)", ""),
            ("Relance suite à déclaration sans suite – nettoyage", ""),
            ("Nettoyage des locaux", "La première consultation a été déclarée sans suite."),
            ("Nettoyage des locaux", "Le lot 2 est annulé."),
            ("Nettoyage des locaux", "La consultation est annulée et remplacée par la présente."),
            ("Nettoyage des locaux", "Toute prestation annulée moins de 48 heures avant est due."),
            ("Nettoyage sans suite logicielle", ""),
            ("Conseil en annulation de dettes", ""),
        ] {
            assert_eq!(kind(title, text), NoticeKind::Call, "{title} {text}");
        }
    }

    #[test]
    fn an_award_is_known_by_its_title() {
        let kind = |title: &str| notice("1", title, "Marché réservé aux entreprises adaptées.").kind;
        for title in [
            "ATTRIBUÉ - Nettoyage des locaux de la mairie",
            "[Attribué] Nettoyage des locaux de la mairie",
            "Attribution du marché : nettoyage des locaux",
            "Nettoyage des locaux de la mairie (attribué)",
            "Nettoyage des locaux de la mairie – MARCHÉ ATTRIBUÉ",
            "Avis d’attribution : nettoyage des locaux de la mairie",
        ] {
            assert_eq!(kind(title), NoticeKind::Award, "{title}");
        }
        for title in [
            "Nettoyage des locaux attribués aux associations",
            "Attribution de logements : gestion des dossiers",
            "Nettoyage des locaux - critères d’attribution pondérés",
            "Logiciel d’attribution des places en crèche",
        ] {
            assert_eq!(kind(title), NoticeKind::Call, "{title}");
        }
    }

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
