//! Pieces to supply, as a checklist: the items of the lists under the articles on candidatures and tenders.
//!
//! An item is a line of a list, a row of a table, or what semicolons part in a sentence that says "produira : …". The heading, else the
//! sentence that opens the list, tells which envelope it belongs to.
//!
//! A list under a heading that says nothing of the kind ("Qui vous êtes", "Premier dossier") is known by what it lists: most of its items
//! name documents, and those of who one is are not those of what one offers.

use std::ops::Range;

use vigie_classify::pattern;

use super::clause::Topics;
use super::sentence::Sentence;
use super::{Envelope, Finding, Term, What, enumeration, terms};
use crate::piece::Kind;
use crate::written::{Line, Written};

pattern!(
    ABOUT,
    r"(?:contenu|composition|presentation|constitution|elements?|pieces?|documents?|dossiers?|renseignements|justificatifs|conditions de participation|situation juridique|capacites?)[^|]*(?:candidature|offre|pli|reponse|produire|fournir|remettre|attributaire|soumissionnaire|participation|economique|technique|financiere)|^(?:la |l'|les |votre )?(?:candidature|offre|projet de marche|pli|pieces? de)s?\b|^capacites?\b|dossiers? (?:« ?)?(?:entreprise|candidat|offre|administratif|technique)|(?:pieces?|documents?) (?:relative?s? (?:au|a la|a l')|d[ue] )|pieces? (?:de la|du|des?) (?:candidature|offre|candidat)|(?:candidature|offre|pli)s? (?:contien|compren|comport|comptera|se compos|est compos|doi)"
);
pattern!(
    NO_LIST,
    r"contractuel|constitutives? d[ue] marche|jugement|criteres?|analyse|selection des candid|examen|validite|variante|consultation des|dossier de consultation|remise des|depot|transmission|langue|modalites d'envoi|ouverture|negociation"
);
pattern!(
    OPENS,
    r"(?:pieces|documents|elements|renseignements|justificatifs) (?:suivant[es]*|ci-apres|ci-dessous|a (?:produire|fournir|remettre))[^.:]*$"
);
pattern!(
    INLINE,
    r"(?:produi\w*|fourni\w*|remet\w*|compren\w*|comport\w*|contien\w*|joind\w*|compos\w*|transmet\w*|utilis\w*|suivant[es]*)[^.:;|]*:"
);
pattern!(
    WINNER,
    r"attributaire|candidat retenu|(?:que nous|que l'acheteur|que la commune) retien|\b(?:celui|celle|candidat|entreprise|concurrent) (?:qui )?(?:sera|est|aura ete) retenue?\b|laureat|\bgagnant|\bl'emporte(?:ra)?\b|\bpressentie?s?\b|titulaire pressenti|avant (?:la )?signature|avant notification|mieux classee|a titre provisoire|a l'appui de (?:la )?notification|soumissionnaire retenu|il est envisage d'attribuer|auquel il est envisage"
);
pattern!(
    TENDER,
    r"\boffres?\b|projet de marche|memoire technique|dossier technique|(?:dossier|volet|repertoire|pli) (?:technique|financier)"
);
pattern!(
    CANDIDATURE,
    r"candidat|preselection|participation|concurrent|\bentreprise\b|operateur|situation (?:juridique|propre)|capacites? (?:economique|technique|professionnel|financier)|capacite"
);
pattern!(HEAD_OF_OTHERS, r"^(?:n° \| )?(?:criteres?|lots?|manquement)\b[^|]{0,40}\|");
pattern!(
    HEAD_ROW,
    r"^(?:n° \| )?(?:refs?\b|references?|numeros?|piece|document|libelle|designation|n°|intitule|element|nature|rubrique)s?\b[^|]{0,30}\|"
);
// A row that gives amounts lot by lot.
pattern!(AMOUNTS, r"^(?:lots? ?)?[0-9 ,et]+\| ?[0-9 ]+(?:€|euros)");
// What names a document, at the start of a cell.
pattern!(
    DOCUMENT,
    r"^(?:une? |l'|le |la |les |des |du |deux |trois |quatre |cinq )?(?:lettre|formulaire|dc ?[1-4]|dume|attestation|certificat|declaration|acte d'engagement|memoire|bordereau|bpu|dqe|dpgf|detail|decomposition|annexe|fiche|note\b|licence|recepisse|rib\b|releve|planning|extrait|copie|liste|presentation|chiffre|references|echantillon|pouvoir|habilitation|descri|cadre)"
);
// A sentence that asks for a document, outside any list.
pattern!(
    SUPPLIES,
    r"\b(?:fourni[a-z]*|remet[a-z]*|remis[es]*|produi[a-z]*|joi(?:nt|nts|nte|ntes|gn[a-z]*|ndre|ndra)|vers(?:e|er|ez|ent)\b|insere[a-z]*|agrafe[a-z]*|scanne[a-z]*|glisse[a-z]*|apporte[nt]*|ajoute[nt]*|attestent|atteste|annexer|annexees?|deposee?s?|versee?s?|livrent|livrer|transmet[a-z]*)\b"
);
// What holds documents, or asks for them.
pattern!(
    HOLDS,
    r"\b(?:fourni[a-z]*|remet[a-z]*|remis[es]*|produi[a-z]*|joi(?:nt|nts|nte|ntes|gn[a-z]*|ndr[a-z]*)|accompagn[a-z]*|vers(?:e|er|ez|ent|ee|ees|es)|redig[a-z]*|detaill[a-z]*|ajout[a-z]*|indiqu[a-z]*|complet[a-z]*|annex[a-z]*|contien[a-z]*|compren[a-z]*|comport[a-z]*|compos[a-z]*|reuni[a-z]*|renferm[a-z]*|rassembl[a-z]*|regroup[a-z]*|gliss[a-z]*|plac[a-z]*|ins[eè]r[a-z]*|met(?:s|tez|tent|tre|tra|trez)?|trouv[a-z]*|demand[a-z]*|reclam[a-z]*|attend[a-z]*|present[a-z]*|etabli[a-z]*|justifi[a-z]*|constitu[a-z]*|form(?:e|ee|es|ent)|requi[a-z]*|exig[a-z]*|envo[a-z]*|adress[a-z]*|transmet[a-z]*|depos[a-z]*|faut|faudra|dire|dit|dira|inclu[a-z]*|figur[a-z]*|compt[a-z]*|voul[a-z]*|recev[a-z]*|fait parvenir|apport[a-z]*|sont|est)\b|:"
);
pattern!(
    ON_PIECES,
    r"\bdossiers?\b|\bpieces\b|documents? (?:a|de)|\bplis?\b|dire de (?:ma|mon|nous|vous)|que (?:dois|faut|devez|doit)[^?]*(?:envoyer|joindre|fournir|remettre|dire|produire)|ce qu'il (?:nous |vous )?faut|ce que vous (?:proposez|offrez)|ce que (?:vous|l'on|nous)[^?]*(?:envo|enver|joi|charg|gliss|fourni|remet|dep)"
);
// A sentence that goes on with documents that the one before began to name.
pattern!(
    ADDS,
    r"\b(?:ajout|indiqu|redig|detaill|verse|accompagn|inser|joi(?:nd|gn)|complet(?:er|e\b|ent)|annex|precis|present|fourni|remet|produi|met(?:t|s\b)|gliss)[a-z]*"
);
// Who wins sends them in; and what a sentence about who wins says otherwise.
pattern!(SENDS, r"\b(?:envo|adress|depos|transm|fourn|produi|remet|attend)[a-z]*");
pattern!(
    NAMED,
    r"attestation|certificat|releve|\brib\b|extrait|kbis|justificati|declaration|\bdc ?[1-4]\b|copie|\bpouvoir|assurance|liste nominative|jugement"
);
pattern!(WINNERS_OTHER, r"\bpas\b|aucun|notifi[a-z]* (?:a|au) |informe|publie|signera|\bclasse|negoci");
/// Longest sentence that lists documents, in bytes.
const LONGEST: usize = 1_500;
// A sentence that names documents and asks for none: what the contract is made of, what the buyer gives, what is judged.
pattern!(
    NO_ENUMERATION,
    r"\bprim(?:e|ent)\b|prevau|par ordre|ordre de priorite|(?:pieces?|documents?|valeur) (?:contractuel|constitutiv)|deviennent contractuel|(?:marche|accord-cadre|contrat) (?:est|se|compren|comport)|dossier de (?:la )?consultation|\bdce\b|mis(?:e|es)? a disposition|telecharg|[0-9] ?%|\bpoints?\b|criteres? (?:d|:|qui|de)|penalit|sous-critere[^,.;]*:|juge[es]* (?:sur|d'apres|au vu)|apprecie[es]*|avant (?:de commencer|le (?:debut|demarrage|commencement)|tout (?:debut|commencement))|de la notification|chaque (?:mois|trimestre|annee|semestre)|tous les (?:mois|trimestres|semestres|ans|[0-9]|deux|trois|six)|mensuel|facture"
);
pattern!(
    A_DOCUMENT,
    r"bons? de (?:visite|tournee|passage)|constats? de|\bdecisions?\b|\brib\b|kbis|extraits?\b|formulaires?|attestations?|\bpreuve|engagements? ecrits?|\bcopies?\b|\bconventions?\b|habilitation|certificats?|\bdc ?[1-4]\b|echantillons?|identite bancaire|jugements?|annexe sociale|arrete d|agrement|pouvoirs?\b|justificatifs"
);
pattern!(
    NO_SUPPLY,
    r"\binutile\b|sentiments|tient lieu d[eu] (?:reglement|cahier)|\bne (?:joignez|fournissez|produisez|remettez|glissez)|\bn'(?:envoyez|ajoutez|annexez)|\bacheteur (?:remet|fourni|produi)|(?:remise?s?|delivree?s?|donnee?s?) (?:aux?|a chaque|a tout|a l'issue)\b|titulaire|ne sont pas|n'est pas|ne sera|ne peut|rendus|restitu|non retenus|retire|n'ont pas a|copie de sauvegarde|est invite|dispense|deja (?:remis|produit)|accord-cadre |bons? de commande|moyen de preuve|tout moyen|\bobtenir|calculee?s?\b|visite sur|doit avoir visite"
);
// A document that is handed in itself: "le certificat remis à l'issue de la visite est joint".
pattern!(
    HANDED,
    r"\b(?:est|sont|sera|seront)(?: [a-z]+)? (?:joint|insere|agrafe|annexe|glisse|scanne|verse|depose|ajoute|fourni|produit|place|range)e?s?\b|\b(?:joindre|joignez|fournir|inserer|glisser|annexer|verser)\b"
);
// What a bill or a form says of itself: that it is part of the tender.
pattern!(
    RETURNED,
    r"\ba (?:renvoyer|retourner|remettre|joindre|rendre|deposer|fournir)\b|fait partie (?:integrante )?(?:de l'offre|de la proposition|de votre (?:offre|proposition|reponse))|(?:accompagne|(?:est|sera) jointe? a) (?:l'offre|votre (?:offre|proposition|reponse))"
);
// What a sentence makes somebody show, though it names no document: works done, an insurer's word, that nothing excludes him, a turnover.
pattern!(
    WORKS,
    r"\b(?:deux|trois|quatre|cinq|six|huit|dix|[2-9]|10) [^.;:]{3,70}\b(?:honore|servi|mene|livre|execute|realise|acheve|conduit|entretenu|exploite|equipe)e?s\b|\b(?:deux|trois|quatre|cinq|six|[2-9]) (?:[a-z]+ )?(?:[a-z]+ )?(?:clients?|chantiers|operations|marches|references|realisations|missions|prestations)\b"
);
pattern!(
    WORKS_SHOWN,
    r"\bnomme[a-z]*|\bcite[a-z]*|decri[a-z]*|presente[a-z]*|figure[a-z]*|atteste[a-z]*|enumere[a-z]*|\bliste[a-z]*|parle(?:z|r|rez|ra) de|indique[a-z]*|mentionne[a-z]*|justifi[a-z]*|detaille[a-z]*|rappele[a-z]*"
);
pattern!(
    INSURER_SAYS,
    r"\bassureur\b[^.;]{0,90}(?:attest|par ecrit|certifi|confirm|\bnote\b|ecrit\b)|(?:\bpolice\b|\bassurances?\b|garantit|couvr)[^.;]{0,120}(?:s'atteste|se prouve|se justifie|(?:est|sera) (?:attestee?|prouvee?|justifiee?))"
);
pattern!(
    HONOUR,
    r"(?:certifi|declar|attest|affirm|\bjur|ecrit|honneur)[a-z]*\b[^.;]{0,120}(?:exclu|interdi|condamn)|(?:exclu|interdi|condamn)[a-z]*\b[^.;]{0,80}(?:certifi|declar|attest|affirm|\bjur|honneur)"
);
pattern!(
    TURNOVER_SHOWN,
    r"(?:demontr|justifi|prouv|atteste|montr|ressort|etabli)[a-z]*\b[^.;]{0,120}(?:chiffres? d'affaires|recettes|ventes)|(?:chiffres? d'affaires|recettes|ventes)\b[^.;]{0,120}(?:demontr|justifi|prouv|atteste|ressort)"
);
// A criterion with its weight is nothing to supply.
pattern!(WEIGHED, r"[0-9]{1,3} ?(?:%|points?|pts)\)? ?[;.]?$");
pattern!(
    NO_ITEM,
    r"^(?:(?:le |la |les |l')[a-z' ]{3,50} (?:ne depasse|n'excede|ne comporte|ne peut|ne peuvent)(?:nt)?\b|aucune?\b|nota|nb|attention|remarque|important|rappel|toutefois|en cas de|si le candidat|si |le non-respect|l'absence|note ?:)"
);

// What one shows of oneself, and what one offers: by these a list is known.
pattern!(
    OF_WHO,
    r"\bdc ?[12]\b|\bdume\b|lettre de candidature|formulaire|imprime|declaration|chiffre d'affaires|references?\b|liste des? |attestation|effectifs?|pouvoir|habilit|extrait|kbis|registre|qualification|certificat|agrement|licence|recepisse|convention|contrat d'objectifs|arrete|assurance|clients|prestations (?:comparables|similaires)|moyens (?:humains|techniques)"
);
pattern!(
    OF_WHAT,
    r"acte d'engagement|bordereau|decomposition|detail (?:quantitatif|estimatif)|\bdpgf\b|\bbpu\b|\bdqe\b|\bprix\b|memoire|\bnote\b|planning|calendrier|\bplan\b|fiches? techniques?|echantillon|menus?\b|cadre de (?:reponse|decomposition)|questionnaire|schema|methode|visite|passage|projet social|simulation|devis|grille|proposition|estimation|conditions generales|\btarif|catalogue"
);

/// The checklist of a piece.
pub(super) fn read(piece: &Written, sentences: &[Sentence], topics: &Topics) -> Vec<Finding> {
    if matches!(piece.kind, Kind::Ae | Kind::Ccap) {
        // What is to be joined to the commitment itself; in a contract, what whoever wins supplies before it is signed.
        return asked(piece, sentences, topics, Vec::new());
    }
    if matches!(piece.kind, Kind::Bpu | Kind::Dpgf | Kind::Form | Kind::MemoFrame | Kind::SocialAnnex) {
        return itself(piece, sentences);
    }
    if !matches!(piece.kind, Kind::Rc | Kind::Notice | Kind::Ccp | Kind::Other) {
        return Vec::new();
    }
    let mut out: Vec<Finding> = Vec::new();
    let mut list: Option<Open> = None;
    let mut article = None;
    let mut about = None;
    let mut last = "";
    for (at, line) in piece.lines.iter().enumerate() {
        // Numbers that begin anew under a heading on pieces are those of a list.
        if about.is_some() && list.is_none() && line.article != article && numbered_item(piece, line, 1) {
            list = about.map(|envelope| Open { envelope, marked: Some(true), next: 1 });
        }
        let after_semicolon = last.trim_end().ends_with(';');
        last = &line.folded;
        let numbered = list.as_ref().is_some_and(|open| numbered_item(piece, line, open.next));
        if line.article != article {
            article = line.article;
            if !numbered {
                about = envelope_of_headings(piece, line.article);
                list = None;
            }
        }
        if line.is_heading && !numbered {
            continue;
        }
        let bullet = numbered || is_list_item(piece, line);
        // The number of an item that is no heading, since it is long.
        let counted = list.as_ref().is_some_and(|open| line.folded.starts_with(&format!("{}.", open.next)));
        let numbered = numbered || counted;
        // "Au stade de l'offre", and its items under it.
        let announces = !bullet
            && line.folded.len() < 60
            && !line.folded.ends_with(['.', ';', ','])
            && !DOCUMENT.is_match(&line.folded)
            && of_words(&line.folded).is_some()
            && piece.lines.get(at + 1).is_some_and(|next| is_list_item(piece, next) && !next.folded.contains(" | "));
        let lead = !bullet && (opens(line) || announces);
        // "• la seconde rassemble l'acte d'engagement, le bordereau et une note".
        if bullet && let Some((envelope, items)) = item_of_items(piece, line) {
            push(piece, &mut out, envelope, items);
            continue;
        }
        let named = of_line(&line.folded).filter(|_| lead || line.folded.contains(':'));
        let envelope = match (about, named) {
            (None, Some(named)) if ABOUT.is_match(&line.folded) => named,
            (Some(of_heading), named) => named.unwrap_or(of_heading),
            (None, _) => {
                if let Some(open) = list.as_ref().filter(|_| bullet) {
                    push(piece, &mut out, open.envelope, vec![line.range.clone()]);
                } else {
                    list = None;
                }
                continue;
            }
        };
        let labelled = if bullet { Vec::new() } else { labelled(piece, line) };
        if !labelled.is_empty() {
            for (envelope, items) in labelled {
                push(piece, &mut out, envelope, items);
            }
            list = None;
        } else if let Some(items) = inline(piece, line).filter(|_| !bullet) {
            push(piece, &mut out, envelope, items);
            list = None;
        } else if lead {
            list = Some(Open { envelope, marked: None, next: 1 });
        } else if HEAD_ROW.is_match(&line.folded) {
            list = Some(Open { envelope, marked: Some(true), next: 1 });
        } else if list.is_none() && about.is_some() && (bullet || is_item(piece, line)) && !lead {
            // The heading opens the list itself, and a list goes on behind a paragraph.
            if !is_no_item(line) {
                push(piece, &mut out, envelope, vec![line.range.clone()]);
            }
            list = Some(Open { envelope, marked: Some(bullet), next: 1 + u32::from(numbered) });
        } else if let Some(open) = &mut list {
            // What follows a list of bullets without one ends it; without bullets, a long sentence is prose.
            let follows = bullet || is_item(piece, line) || after_semicolon;
            let ended = !follows && (open.marked.is_some() || line.folded.len() > 220);
            open.marked.get_or_insert(bullet);
            open.next += u32::from(numbered);
            if ended {
                list = None;
            } else if !is_no_item(line) {
                let envelope = open.envelope;
                push(piece, &mut out, envelope, vec![line.range.clone()]);
            }
        }
    }
    side_by_side(piece, &mut out);
    by_column(piece, &mut out);
    by_content(piece, &mut out);
    asked(piece, sentences, topics, out)
}

/// A bill or a form that says of itself that it is handed in.
fn itself(piece: &Written, sentences: &[Sentence]) -> Vec<Finding> {
    let mut out = Vec::new();
    let says = |s: &&Sentence| {
        RETURNED.is_match(&s.folded)
            && s.folded.len() < 240
            && !NO_SUPPLY.is_match(&s.folded)
            && !WINNER.is_match(&s.folded)
    };
    if let Some(sentence) = sentences.iter().find(says) {
        push(piece, &mut out, Envelope::Tender, vec![sentence.range.clone()]);
    }
    // "À renvoyer au format tableur" names nothing: the file does.
    for found in &mut out {
        if let What::Required { name, .. } = &mut found.what {
            *name = format!("{} ({name})", piece.name);
        }
    }
    out
}

/// Whether folded words have works done before shown: how many, and by what.
pub(super) fn works(text: &str) -> bool {
    WORKS.is_match(text) && WORKS_SHOWN.is_match(text)
}

/// Whether a sentence makes a candidate show something, though it names no document.
fn shows(text: &str) -> bool {
    works(text) || [&*INSURER_SAYS, &*HONOUR, &*TURNOVER_SHOWN].iter().any(|of| of.is_match(text))
}

/// The documents that an item of a list holds, where it says which envelope it is.
fn item_of_items(piece: &Written, line: &Line) -> Option<(Envelope, Vec<Range<usize>>)> {
    let words = &piece.text[line.range.clone()];
    let items = enumeration::items(words);
    let lead = vigie_classify::fold::fold(&words[..items.first()?.start]);
    let envelope = said(&lead).filter(|_| items.len() >= 3 && HOLDS.is_match(&lead) && !words.contains(" | "))?;
    Some((envelope, items.into_iter().map(|r| line.range.start + r.start..line.range.start + r.end).collect()))
}

/// Adds what tables list under a head that has one envelope a column: "Pièces de la candidature | Pièces de l'offre".
fn side_by_side(piece: &Written, out: &mut Vec<Finding>) {
    let cells = |line: &Line| -> Vec<Range<usize>> {
        let text = &piece.text[line.range.clone()];
        let mut at = line.range.start;
        let cells = text.split(" | ").map(|cell| {
            let range = at..at + cell.len();
            at += cell.len() + 3;
            range
        });
        cells.collect()
    };
    let mut columns: Vec<Envelope> = Vec::new();
    for line in &piece.lines {
        if !line.folded.contains(" | ") {
            columns.clear();
            continue;
        }
        let folded: Vec<&str> = line.folded.split(" | ").collect();
        let head: Vec<Envelope> =
            folded.iter().filter(|c| c.len() < 60 && !DOCUMENT.is_match(c)).filter_map(|c| of_words(c)).collect();
        if head.len() == folded.len() && head.windows(2).any(|w| w[0] != w[1]) {
            columns = head;
        } else if columns.len() == folded.len() {
            for (envelope, cell) in columns.iter().zip(cells(line)) {
                push(piece, out, *envelope, vec![cell]);
            }
        }
    }
}

/// Adds the rows of a table that says in a column which envelope a document belongs to: "DPGF | Offre".
fn by_column(piece: &Written, out: &mut Vec<Finding>) {
    pattern!(COLUMN, r"^(?:dossier |pli |enveloppe |partie )?(?:de |d')?(?:la |l')?(?P<of>candidature|offre)s?$");
    pattern!(MARK, r"^(?:x+|oui|[✓✔●•☒☑■1])$");
    // Columns of which one is marked: "Kbis | X | ", "DPGF |  | X".
    let mut columns: Vec<Option<Envelope>> = Vec::new();
    for line in &piece.lines {
        if !line.folded.contains(" |") {
            columns.clear();
            continue;
        }
        let cells: Vec<&str> = line.folded.split('|').map(str::trim).collect();
        let named: Vec<Option<Envelope>> =
            cells.iter().map(|c| of_words(c).filter(|_| c.len() < 40 && !DOCUMENT.is_match(c))).collect();
        let marked = cells.iter().position(|c| MARK.is_match(c));
        let envelopes = named.iter().flatten();
        if marked.is_none()
            && envelopes.clone().count() >= 2
            && envelopes.clone().any(|e| Some(e) != envelopes.clone().next())
        {
            columns = named;
        } else if let Some(envelope) = marked.and_then(|at| columns.get(at).copied().flatten()) {
            push(piece, out, envelope, vec![line.range.clone()]);
        }
    }
    for line in piece.lines.iter().filter(|l| l.folded.contains(" | ")) {
        let said = line.folded.split(" | ").find_map(|cell| COLUMN.captures(cell.trim()));
        let Some(said) = said else { continue };
        let envelope = if &said["of"] == "offre" { Envelope::Tender } else { Envelope::Candidature };
        if line.folded.split(" | ").any(|cell| DOCUMENT.is_match(cell.trim())) {
            push(piece, out, envelope, vec![line.range.clone()]);
        }
    }
}

/// Adds the lists that no heading announces.
fn by_content(piece: &Written, out: &mut Vec<Finding>) {
    /// Least items of such a list.
    const LEAST: usize = 3;
    let mut run: Vec<&Line> = Vec::new();
    let mut runs: Vec<Vec<&Line>> = Vec::new();
    for line in &piece.lines {
        let row = line.folded.contains(" | ");
        // A line of its own that begins with a document is an item without a mark.
        let words = piece.text[line.range.clone()].trim_end();
        let short = || line.folded.len() < 160 && !words.ends_with(['.', ':']) && words.starts_with(char::is_uppercase);
        let headed = || short() && envelope_of_headings(piece, line.article).is_some();
        let names = || DOCUMENT.is_match(&line.folded) && line.folded.len() < 160 || headed();
        let goes_on = || !run.is_empty() && !is_list_item(piece, run[0]) && line.folded.len() < 160;
        let same = run.last().is_none_or(|l| l.article == line.article);
        let item = is_list_item(piece, line) || names() || goes_on();
        if item && same && !row && !line.is_heading && !is_no_item(line) {
            run.push(line);
        } else {
            runs.push(std::mem::take(&mut run));
        }
    }
    runs.push(run);
    for run in runs.into_iter().filter(|r| r.len() >= LEAST) {
        let known = |l: &&Line| out.iter().any(|f| f.quote == piece.words(l.range.clone()));
        let own = run[0].article.map_or("", |a| piece.articles[a].title.as_str());
        if run.iter().any(known) || NO_LIST.is_match(own) || WINNER.is_match(own) {
            continue;
        }
        let count = |of: &regex::Regex| run.iter().filter(|l| of.is_match(&l.folded)).count();
        let (who, what) = (count(&OF_WHO), count(&OF_WHAT));
        let named = run.iter().filter(|l| OF_WHO.is_match(&l.folded) || OF_WHAT.is_match(&l.folded)).count();
        let unmarked = run.iter().filter(|l| !is_list_item(piece, l)).collect::<Vec<_>>();
        let begun = unmarked.iter().filter(|l| DOCUMENT.is_match(&l.folded)).count();
        let headed = envelope_of_headings(piece, run[0].article);
        if named * 2 < run.len() || named < 2 || headed.is_none() && begun * 2 < unmarked.len() {
            continue;
        }
        let by_content = if what > who { Envelope::Tender } else { Envelope::Candidature };
        let envelope = headed.unwrap_or(by_content);
        for line in run {
            push(piece, out, envelope, vec![line.range.clone()]);
        }
    }
}

/// What items of a checklist are besides: references, insurances, certificates and a turnover that are asked.
pub(super) fn terms(found: &[Finding]) -> Vec<Finding> {
    pattern!(
        CERTIFIES,
        r"certificat|agrement|licence|recepisse|habilitation|\bnormes?\b|\bqualifi|\biso ?[0-9]|formation|convention|contrat d'objectifs|\barretes?\b|decision administrative|carte professionnelle|\blabels?\b|qualite d[e'u]|\bstatut d"
    );
    pattern!(
        NO_CERTIFICATE,
        r"visite|passage|signature|mandataire|signataire|convention collective|assurance|bonne execution|capacite|urssaf|fiscal"
    );
    pattern!(
        REFERS,
        r"references?\b|(?:liste|deux|trois|quatre|cinq|six|coordonnees|attestations?|presentation)\b[^;]{0,50}(?:chantiers?|prestations?|clients?|realisations?|marches|operations|sites|services|travaux)\b"
    );
    let mut out = Vec::new();
    let asked = found.iter().filter_map(|f| match &f.what {
        What::Required { envelope: Envelope::Candidature, name } => Some((f, vigie_classify::fold::fold(name))),
        _ => None,
    });
    for (item, name) in asked {
        let terms = [
            (Term::References, REFERS.is_match(&name) || terms::refers(&name)),
            (
                Term::Insurance,
                ["assurance", "assureur", "decennale", "police ", "votre compagnie"].iter().any(|w| name.contains(w)),
            ),
            (
                Term::Certificate,
                terms::is_certificate(&name)
                    || (CERTIFIES.is_match(&name) || terms::certifies(&name)) && !NO_CERTIFICATE.is_match(&name),
            ),
            (Term::MinimumTurnover, name.contains("chiffre d'affaires") || name.contains("chiffres d'affaires")),
        ];
        for (term, _) in terms.into_iter().filter(|(_, is)| *is) {
            let mentions = super::figures::mentions(&item.quote);
            let lots = if let [one] = mentions.as_slice() { one.lots.clone() } else { Vec::new() };
            let euros = super::figures::of(&vigie_classify::fold::fold(&item.quote), super::figures::Unit::Euros);
            let least = euros.first().filter(|_| term == Term::MinimumTurnover).map(|f| super::Amount::Euros(f.n));
            let what = What::Term { term, amount: least, lots };
            out.push(Finding { what, weight: 16, at: item.at.clone(), quote: item.quote.clone(), also: Vec::new() });
        }
    }
    out
}

/// The same with the documents that sentences ask for outside any list.
fn asked(piece: &Written, sentences: &[Sentence], topics: &Topics, mut out: Vec<Finding>) -> Vec<Finding> {
    pattern!(REMARK, r"\b(?:ne |n')(?:depasse|excede|comporte|compte|peut|peuvent|doit|doivent|fait)(?:nt|ra|ront)?\b");
    pattern!(SAYS, r"\b(?:est|sont|sera|seront|doit|doivent|devra|devront|ont)\b");
    pattern!(
        TO_YOU,
        r"\b(?:vous|lui|leur) (?:est|sont|sera|seront) (?:donne|remis|delivre|fourni|adresse|envoye)e?s?\b"
    );
    pattern!(IN_TENDER, r"\b(?:dans|avec|a) (?:votre|l'|son|leur) ?(?:offre|proposition)\b");
    pattern!(THEN, r"^(?:ensuite|puis|viennent ensuite|vient ensuite|apres quoi)\b");
    pattern!(GIVEN_TO, r"(?:remise?s?|delivree?s?|donnee?s?) (?:aux?|a chaque|a tout|a l'issue)\b");
    let listed: Vec<String> = out.iter().map(|f| f.quote.clone()).collect();
    // What the sentence before announced, in the same article: "Votre dossier dira d'abord qui vous êtes."
    let mut announced: Option<(Option<usize>, Envelope, usize)> = None;
    for (i, sentence) in sentences.iter().enumerate().filter(|(_, s)| !s.is_heading && !s.folded.contains(" | ")) {
        let text = sentence.folded.as_str();
        announced = announced.filter(|(article, _, at)| *article == sentence.article && i - at <= 2);
        let of_contract = matches!(piece.kind, Kind::Ccp | Kind::Other) && topics.is_clause(i);
        if text.len() > LONGEST || text.trim_end().ends_with(':') || NO_ENUMERATION.is_match(text) {
            continue;
        }
        let headings = piece.headings(sentence.article);
        let own = match sentence.label.as_str() {
            "" => piece.title(sentence.article),
            label => label,
        };
        let words = &piece.text[sentence.range.clone()];
        let items = enumeration::items(words);
        // "Dans un second dossier, celui de l'offre, vous mettrez …, votre engagement d'insertion".
        let envelope = || items.first().and_then(|first| said(&vigie_classify::fold::fold(&words[..first.start])));
        if of_contract && (items.len() < 2 || envelope().is_none()) {
            continue;
        }
        let winner = WINNER.is_match(text) || WINNER.is_match(own);
        if winner || piece.kind == Kind::Ccap {
            let asked = SUPPLIES.is_match(text) || ADDS.is_match(text) || SENDS.is_match(text);
            let items = items.into_iter().filter(|r| NAMED.is_match(&vigie_classify::fold::fold(&words[r.clone()])));
            let items: Vec<Range<usize>> =
                items.map(|r| sentence.range.start + r.start..sentence.range.start + r.end).collect();
            if winner && asked && !WINNERS_OTHER.is_match(text) {
                push(piece, &mut out, Envelope::Winner, items);
            }
            continue;
        }
        let lead = items.first().map_or(text.to_owned(), |first| vigie_classify::fold::fold(&words[..first.start]));
        let named = said(&lead);
        // "Ensuite ce qui concerne le travail": behind who one is, what one offers.
        let then = announced.filter(|(_, e, _)| *e == Envelope::Candidature && THEN.is_match(text));
        let named = named.or(then.filter(|_| items.is_empty()).map(|_| Envelope::Tender));
        if items.is_empty() {
            announced = named.map(|envelope| (sentence.article, envelope, i)).or(announced);
        }
        let speaks = ABOUT.is_match(own) || ABOUT.is_match(&headings) && !NO_LIST.is_match(own);
        let goes_on = announced.is_some() && piece.kind != Kind::Ae;
        // Right behind what announces them, documents are asked for without a verb.
        let at_once = goes_on
            && announced.is_some_and(|(.., at)| at + 1 == i)
            && items.first().is_some_and(|r| r.start < 14)
            && !SAYS.is_match(text);
        // Under « Ce que l'on glisse dans le dossier » a sentence that begins with a document asks for it.
        let headed = piece.kind != Kind::Ae && own.len() < 90 && ON_PIECES.is_match(own) && !NO_LIST.is_match(own);
        let begins = items.first().is_some_and(|r| r.start < 14 || HOLDS.is_match(&lead));
        let asks = headed
            || HOLDS.is_match(&lead)
            || named.is_some()
            || speaks && piece.kind != Kind::Ae
            || goes_on && ADDS.is_match(text)
            || at_once;
        // One more document, behind those of the sentence before.
        let more = items.len() == 1
            && !REMARK.is_match(text)
            && (goes_on || headed || speaks && begins && piece.kind == Kind::Rc);
        // Nothing but documents, parted by semicolons.
        let bare = items.len() >= 3 && text.matches(';').count() >= 2 && lead.len() < 60 && piece.kind != Kind::Ccp;
        let several = items.len() >= 2 && asks || more || bare;
        let single = SUPPLIES.is_match(text) && A_DOCUMENT.is_match(text) && text.len() < 400;
        let handed = || HANDED.is_match(text) && !text.contains("titulaire");
        let other = NO_SUPPLY.is_match(text) && piece.kind != Kind::Ae && !(GIVEN_TO.is_match(text) && handed());
        // What a candidate shows, named by no document.
        let shown = (headed || speaks || goes_on) && text.len() < 400 && !(several || single) && shows(text);
        if shown && !other && !listed.iter().any(|q| q.contains(&piece.words(sentence.range.clone()))) {
            let tender = of_words(own) == Some(Envelope::Tender) && !own.contains("candidat");
            let envelope = if tender { Envelope::Tender } else { Envelope::Candidature };
            push(piece, &mut out, envelope, vec![sentence.range.clone()]);
            announced = announced.map(|(article, envelope, _)| (article, envelope, i));
            continue;
        }
        if other || !(several || single) {
            continue;
        }
        let whole = piece.words(sentence.range.clone());
        if listed.iter().any(|q| q.contains(&whole) || whole.contains(q.as_str())) {
            continue;
        }
        let items: Vec<Range<usize>> = match several {
            true => items
                .into_iter()
                .filter(|r| !TO_YOU.is_match(&vigie_classify::fold::fold(&words[r.clone()])))
                .map(|r| sentence.range.start + r.start..sentence.range.start + r.end)
                .collect(),
            false => vec![sentence.range.clone()],
        };
        let count = |of: &regex::Regex| {
            items.iter().filter(|r| of.is_match(&vigie_classify::fold::fold(&piece.text[(*r).clone()]))).count()
        };
        // What is shown of the offer itself.
        let of_offer = count(&OF_WHAT) > count(&OF_WHO);
        let by_content = if of_offer { Envelope::Tender } else { Envelope::Candidature };
        let both = TENDER.is_match(own) && own.contains("candidature");
        let headed = || of_words(own).or_else(|| of_words(&headings)).filter(|_| speaks && !both);
        let envelope = match piece.kind {
            Kind::Ae => Envelope::Tender,
            _ if several && IN_TENDER.is_match(text) => Envelope::Tender,
            // What is clearly of the offer, behind what one is.
            _ if several && named.is_none() && count(&OF_WHAT) >= 2 && count(&OF_WHO) == 0 => Envelope::Tender,
            _ if several => named.or(announced.map(|(_, envelope, _)| envelope)).or_else(headed).unwrap_or(by_content),
            _ => {
                let envelope = of_line(text).or_else(|| of_words(&headings));
                let envelope =
                    envelope.filter(|e| *e != Envelope::Candidature || text.contains("candidature") || !of_offer);
                envelope.unwrap_or(by_content)
            }
        };
        if several {
            announced = Some((sentence.article, envelope, i));
        }
        push(piece, &mut out, envelope, items);
    }
    out
}

/// The envelope that the words in front of documents name.
fn said(lead: &str) -> Option<Envelope> {
    pattern!(
        WHO,
        r"qui (?:vous etes|elle est|il est|ils sont)|vous concerne\b|concerne (?:l'entreprise|le candidat|la societe)|parle (?:de vous|du candidat|de l'entreprise)|\bprem(?:ier|iere)\b|votre (?:entreprise|structure|societe)|aptitude|identite|\bcandidature"
    );
    pattern!(
        WHAT,
        r"ce que vous (?:proposez|offrez)|ce qui concerne (?:le|votre) (?:travail|projet)|^l'autre\b|concerne (?:la prestation|l'offre|le travail|les travaux|le projet|le marche)|(?:sur|pour|quant) (?:au |le )(?:travail|chantier|projet)\b|parle (?:de l'ouvrage|du travail|de l'offre|du projet)|(?:votre|sa|la|leur) (?:reponse|proposition)\b|\bseconde?\b|deuxieme|vous juger|juger (?:de )?(?:votre|son|leur|l')|(?:projet|travail) propose|cote (?:proposition|offre)|dossier d'offre|pour ce qui est de votre"
    );
    match (WHO.is_match(lead), WHAT.is_match(lead)) {
        (true, false) => Some(Envelope::Candidature),
        (false, true) => Some(Envelope::Tender),
        _ => of_line(lead),
    }
}

/// Whether a line under a list is a remark, and nothing to supply: "si …" names a document all the same.
fn is_no_item(line: &Line) -> bool {
    let text = line.folded.trim_start_matches(['-', '•', ' ', '–', '\u{f0b7}']);
    let may_name = text.starts_with("si ") || text.starts_with("en cas de");
    pattern!(
        NOT_WANTED,
        r"(?:n'est|ne sont) pas (?:attendu|demande|exige|souhaite)|ne pas (?:fournir|joindre|produire|remettre)|: non (?:demande|exige|requis)"
    );
    pattern!(SAYS, r"\b(?:est|sont|sera|seront)\b");
    let said = text.ends_with('.') && SAYS.is_match(text) && !OF_WHO.is_match(text) && !OF_WHAT.is_match(text);
    said || NOT_WANTED.is_match(text) || NO_ITEM.is_match(text) && !(may_name && A_DOCUMENT.is_match(text))
}

/// A list under way.
struct Open {
    envelope: Envelope,
    /// Whether its items have bullets; known with the first.
    marked: Option<bool>,
    /// The number that its next item would have.
    next: u32,
}

/// Whether a line that is numbered like an article is the next item of a list.
fn numbered_item(piece: &Written, line: &Line, next: u32) -> bool {
    let number = line.article.and_then(|a| piece.articles[a].number.as_deref());
    line.is_heading && number == Some(next.to_string().as_str()) && !is_shouted(&piece.text[line.range.clone()])
}

/// Whether a line without a bullet is an item: what ends with a semicolon.
fn is_item(piece: &Written, line: &Line) -> bool {
    line.folded.len() < 400 && piece.text[line.range.clone()].trim_end().ends_with(';')
}

fn is_shouted(text: &str) -> bool {
    !text.chars().any(char::is_lowercase)
}

fn envelope_of_headings(piece: &Written, article: Option<usize>) -> Option<Envelope> {
    let own = article.map_or("", |a| piece.articles[a].title.as_str());
    let all = piece.headings(article);
    if NO_LIST.is_match(own) && !ABOUT.is_match(own) {
        return None;
    }
    // "Ce que vous chargez pour la présélection".
    let holds = own.len() < 80 && HOLDS.is_match(own) && of_words(own).is_some() && !NO_LIST.is_match(own);
    let speaks = ABOUT.is_match(own) || holds || ABOUT.is_match(&all) && !NO_LIST.is_match(own);
    speaks.then(|| of_words(own).or_else(|| of_words(&all)).unwrap_or(Envelope::Candidature))
}

fn of_words(folded: &str) -> Option<Envelope> {
    if WINNER.is_match(folded) {
        return Some(Envelope::Winner);
    }
    let (tender, candidature) = (TENDER.find(folded), CANDIDATURE.find(folded));
    match (tender, candidature) {
        (Some(t), Some(c)) => Some(if t.start() < c.start() { Envelope::Tender } else { Envelope::Candidature }),
        (Some(_), None) => Some(Envelope::Tender),
        (None, Some(_)) => Some(Envelope::Candidature),
        (None, None) => None,
    }
}

/// The envelope that a line names. Who hands something in is no envelope: "le candidat remet".
fn of_line(folded: &str) -> Option<Envelope> {
    pattern!(ACTOR, r"\b(?:candidats?|entreprises?|concurrents?|soumissionnaires?|operateurs?|groupement)\b");
    match SUPPLIES.is_match(folded) && !WINNER.is_match(folded) {
        true => of_words(&ACTOR.replace_all(folded, "")),
        false => of_words(folded),
    }
}

fn opens(line: &Line) -> bool {
    line.folded.trim_end().ends_with(':') || OPENS.is_match(line.folded.trim())
}

/// Whether a line has a bullet or a letter in front, or is a row.
fn is_list_item(piece: &Written, line: &Line) -> bool {
    pattern!(BULLET, r"^(?:[-–—•·▪►●○◦*➢✓\x{F000}-\x{F0FF}]|o |[a-z0-9]{1,2}[.)°] |[0-9]{1,2} ?[-–] )");
    let text = piece.text[line.range.clone()].trim_start();
    BULLET.is_match(text) || text.contains(" | ")
}

/// The items of sentences that an envelope labels: "Candidature : DC1 ; DC2. Offre : acte d'engagement ; mémoire."
fn labelled(piece: &Written, line: &Line) -> Vec<(Envelope, Vec<Range<usize>>)> {
    pattern!(
        LABEL,
        r"^(?:pour |dans )?(?:la |l'|le |les )?(?:dossier (?:de |d')|pieces? (?:de |d'))?(?:la |l')?(?:candidatures?|offres?)$"
    );
    let mut out = Vec::new();
    for sentence in super::sentence::split(&piece.text, &line.range) {
        let text = &piece.text[sentence.clone()];
        let Some((label, items)) = text.split_once(':').filter(|(_, items)| items.contains(';')) else { continue };
        let label_folded = vigie_classify::fold::fold(label.trim());
        let Some(envelope) = of_words(&label_folded).filter(|_| LABEL.is_match(&label_folded)) else { continue };
        let mut at = sentence.start + label.len() + 1;
        let ranges = items.split(';').map(|item| {
            let range = at..at + item.len();
            at += item.len() + 1;
            range
        });
        out.push((envelope, ranges.collect()));
    }
    out
}

/// The items of a sentence: "produira : la lettre de candidature ; le DC2 ; …".
fn inline(piece: &Written, line: &Line) -> Option<Vec<Range<usize>>> {
    let text = &piece.text[line.range.clone()];
    let colon = text.find(" :").map(|i| i + 2).or_else(|| text.find(':').map(|i| i + 1))?;
    let head = vigie_classify::fold::fold(&text[..colon]);
    if !INLINE.is_match(&head) || text[colon..].matches(';').count() == 0 {
        return None;
    }
    let mut out = Vec::new();
    let mut at = colon;
    // The sentence's end ends the list.
    let end = super::sentence::split(&piece.text, &line.range).into_iter().find(|r| r.end > line.range.start + colon);
    let end = end.map_or(text.len(), |r| r.end - line.range.start);
    for part in text[colon..end].split(';') {
        out.push(line.range.start + at..line.range.start + at + part.len());
        at += part.len() + 1;
    }
    Some(out)
}

fn push(piece: &Written, out: &mut Vec<Finding>, envelope: Envelope, items: Vec<Range<usize>>) {
    for range in items {
        let words = piece.words(range.clone());
        let folded = vigie_classify::fold::fold(&words);
        let is_head = HEAD_ROW.is_match(&folded) && !folded.bytes().any(|b| b.is_ascii_digit());
        if WEIGHED.is_match(&folded) || HEAD_OF_OTHERS.is_match(&folded) || AMOUNTS.is_match(&folded) || is_head {
            continue;
        }
        // Of a row, the cell that names the piece: by its first word, else the longest.
        let is_document = |cell: &&str| DOCUMENT.is_match(&vigie_classify::fold::fold(cell));
        let longest = || words.split(" | ").max_by_key(|c| c.chars().filter(|c| c.is_alphabetic()).count());
        let words = words.split(" | ").find(is_document).or_else(longest).unwrap_or(&words);
        let name = words
            .trim_matches(|c: char| {
                let bullet = " -–—•·▪►●○*;.,|➢✓".contains(c);
                // Those of a font of symbols.
                bullet || ('\u{f000}'..='\u{f0ff}').contains(&c)
            })
            .trim_start_matches("o ")
            .to_owned();
        let joined = ["et ", "ainsi que ", "ainsi qu'", "ainsi qu’", "puis "].iter().find_map(|j| name.strip_prefix(j));
        let name = joined.map_or(name.clone(), str::to_owned);
        if name.chars().filter(|c| c.is_alphabetic()).count() < 2 {
            continue;
        }
        let known =
            |f: &Finding| matches!(&f.what, What::Required { name: n, envelope: e } if *n == name && *e == envelope);
        if !out.iter().any(known) {
            let what = What::Required { envelope, name: shortened(&name) };
            out.push(Finding::new(what, piece, range, 0));
        }
    }
}

/// As many words of a long item as name it.
fn shortened(name: &str) -> String {
    const LONGEST: usize = 200;
    match name.char_indices().nth(LONGEST) {
        None => name.to_owned(),
        Some((cut, _)) => format!("{}…", name[..cut].rsplit_once(' ').map_or(&name[..cut], |w| w.0)),
    }
}
