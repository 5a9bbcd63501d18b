//! The social clause, reserved lots and staff to take over, read article by article: which articles, or which part of one, speak of
//! them, and what each of their sentences, items and rows says.
//!
//! An article speaks of the clause by its heading or that of the article around it, or from the sentence on that lays the duty upon
//! whoever wins ("il fait appel à des personnes rencontrant des difficultés d'accès à l'emploi"), whatever the heading. Elsewhere a
//! sentence speaks of it if it names it, or cites the number of such an article ("déficit d'heures au titre de l'article 5.3"). Each
//! sentence says one thing; what says nothing more precise belongs to what the clause asks.
//!
//! The heading right above a sentence ("Pour qui", "Manières de faire", "Si ce n'est pas fait") tells what it is about where its words
//! could be about several things, or are too few to tell.

use std::ops::Range;

use vigie_classify::pattern;

use super::sentence::Sentence;
use super::terms::{self, Reads};
use super::{Finding, Term, What, figures};
use crate::homonyms;
use crate::piece::{Kind, Place};
use crate::written::Written;

pattern!(
    CLAUSE_HEADING,
    r"insertion|clauses? sociale|^(?:l')?emploi\b|(?:attend[a-z]*|fait|faire|demand[a-z]*|geste|effort) pour (?:l'|son )emploi|(?:parcours|chemin|passerelles?|tremplin) (?:vers|pour) (?:l'emploi|le travail)|(?:promotion|faveur|retour|acces|service|soutien|appui|developpement|volet) (?:de |a |vers )?l'emploi|(?:condition|consideration|execution|exigence|disposition|engagement|action|volet|obligation|demarche|stipulation)s?[^/]{0,40}(?:social|\bemploi\b)|emploi et formation|\bemploi (?:local|solidaire|durable)|(?:travail|heures|place|postes?) (?:pour|aux?|faite? aux?) (?:des |les )?(?:person|public|habitant|demandeur|chomeur)|recherche d'(?:un )?emploi|(?:eloigne|prive|ecarte|exclu)[a-z]* (?:de l'|d'|du )(?:emploi|travail|marche)|publics? en insertion|chomage|(?:emploi|travail) (?:d[eu]s?|pour les?) (?:public|personne|habitant)|difficultes? d'emploi|publics? (?:eloigne|prioritaire)|matiere sociale|clause et emploi"
);
pattern!(
    NO_CLAUSE_HEADING,
    r"critere|\bnotee?s?\b|points?\b|ponder|jugement|notation|assurance|protection sociale|securite sociale|cotisation"
);
pattern!(
    PERSONS,
    r"(?:eloignee?s?|ecartee?s?) (?:durablement )?(?:de l'|du marche de l'|du marche du |du )(?:emploi|travail)|durablement (?:ecarte|eloigne)|difficultes? (?:(?:particulieres?|sociales?|et|ou|professionnelles?) )*(?:d'acces|d'insertion|particulieres)|sans (?:activite|emploi) depuis|parcours d'insertion|(?:action|dispositif|demarche|heure|part|travail)s? d'insertion|clauses? (?:sociales?|d'insertion)|insertion (?:sociale|professionnelle|par l'activite)|publics? (?:vises?|eligibles?|prioritaires?|definis)|(?:condition|consideration)s? (?:d'execution )?(?:a caractere |d'ordre |relatives? a l')?(?:social|emploi)|l\. ?2112-2\b|privees? (?:durablement )?d'emploi|(?:rencontrant|ayant|en) (?:des |de )?difficultes? (?:sociales?|professionnelles?)|difficultes? d'emploi|personnes? en (?:parcours|insertion)|travail a l'insertion|effort d'(?:emploi|insertion)|condition (?:d'execution )?sociale|\b(?:eloign|exclu|ecart|prive|peine|recherche|quete|obstacle|sans|loin)[a-z]*[^.;:]{0,40}\b(?:emploi|travail)\b|(?:chomage|handicap|emploi|travail)\b[^.;:]{0,40} (?:eloigne|ecarte|exclu|prive|tien)|(?:personnes?|publics?|jeunes|habitants|locataires|hommes|femmes|salaries)[^.;:]{0,60}(?:insertion\b|difficulte|obstacles|chomage|\brsa\b|sans (?:emploi|travail))"
);
pattern!(
    DUTY,
    r"reserv|destin|travailler|\bdevra|\bdoit|associ|employe|employ(?:er|ees?)\b|realis|consacr|s'engage|engagement|s'oblige|fait beneficier|font beneficier|comporte|fait application|mise? en oeuvre|contractuel|accept|confi|affect|fait appel|font appel|tenue?s? de|fait travailler|\b(?:assure|fait|effectue|execute)e?s? par\b|faire accomplir|accompli|assorti|recrut|embauch|emploie|integre|minimum|donn[a-z]* du travail|profit|beneficie|reviennent a|s'impose"
);
// What the rest of such an article speaks of.
pattern!(
    GOES_ON,
    r"heure|insertion|publics?\b|personnes?\b|eligib|clause|contrat|embauch|salarie|facilitat|\bplie\b|emploi|penalit|justif|tableau|releve|volume|accompagn|parcours|tuteur|interlocuteur"
);
pattern!(
    PENALTY,
    r"penalit|penalis|sanction|amende|refaction|resili|indemnite|\bcout(?:e|era|ent|eront)\b[^.;]{0,40}(?:€|euros?\b)|redevable|\bdedui(?:t|re|rons|ra|sons)|somme forfaitaire|(?:fois|double|triple|montant|valeur) (?:du|le) (?:taux (?:horaire )?du )?smic|donne lieu a[^.]{0,20}[0-9]+ ?(?:€|euros)|(?:€|euros) par (?:heure|jour|semaine|mois|document)|heures?[^.]{0,30} (?:manquante|non (?:realise|effectue|execute|fait))|refus persistant"
);
// Hours that are due and not done.
pattern!(
    UNDONE,
    r"heures? n'y (?:sont|etaient) pas|heures?[^.;]{0,50} (?:manqu|non (?:[a-z]+ )?(?:realise|effectue|execute|fait|accompli|atteint)|pas (?:ete )?(?:realise|effectue|execute|fait|accompli|atteint))|heures? due"
);
// Money that is no penalty.
pattern!(
    NO_PENALTY,
    r"\bht\b|montant (?:du|de la|des|total|estime)|superieur|depass|seuil|smic horaire est|assur|chiffre d'affaires"
);
pattern!(
    PROOF,
    r"justif|attest|bulletins? de|nombre d'heures|compte des heures|points? d'etape|tenue?s? a (?:la )?disposition|fiches? de (?:paie|suivi)|(?:le|un|les|des|du|ce|son|et|ou) releves?\b|tableaux? (?:de |d'|certif|nominat|mensuel|trimestriel|recap|des heures)|bilan|reporting|rapports?\b|bordereau|feuilles? d'heures|\betats? (?:mensuel|trimestriel|nominatif|des heures)|controle|verifie[^.]{0,30}pieces|sur place|copies? d|factures?\b|revue d|transmet|communique|renseigne|lettres? d'(?:accord|intention|engagement)"
);
pattern!(
    HELPS,
    r"facilitat|\bplie\b|\baide(?:ra|nt)?\b[^.;]{0,40} (?:trouver|recruter|parvenir|gratuit)|(?:mme|madame|monsieur|m\.) [^.;]{0,80}(?:aide|accompagn|contact|repond|joindre)|s'adress[a-z]* a (?:mme|madame|m\.|monsieur)|s'appuie sur|assistant a maitrise d'ouvrage d'insertion|suivi (?:de cette action|de l'action|social)? ?est assure|present[a-z]* des candidat|instruit les candidatures|recoit (?:le titulaire|les? entreprises?)|plan local pour l'insertion|maison de l'emploi|guichet (?:unique )?(?:des )?clauses|cellule (?:clause|insertion)|pole (?:clause|insertion)|charge[e]?s? (?:de mission )?(?:des |de la )?(?:clause|insertion)|mission (?:insertion|« ?clause)|assistance[^.]{0,60}clause|dispositif d'accompagnement|accompagn[^.]{0,80}(?:clause|insertion)|interlocut|le correspondant|correspondante? d[ue]|apporte[^.]{0,30}assistance|assiste\b|oriente|propose des candidats|met en relation|identifie les publics|coordonnees ?:|@|\b0[1-9](?:[ .][0-9]{2}){4}\b|anime par|\bgip\b|guichet|mandatee? par|mission locale [a-z]+ (?:accompagne|suit|valide)"
);
// A meeting with whoever helps.
// Whoever helps is told or given something: the sentence is about that.
pattern!(
    TO_HELPER,
    r"(?:a la|au|aux|par l[ea]|par l'|aupres d[eu]s?(?: la)?|informe l[ea]|suivis? par une?) (?:facilitat|plie|charge|pole|mission|cellule|guichet|maison de l'emploi)"
);
pattern!(
    MEETS,
    r"^(?:il|elle) (?:recoit|propose|identifie|valide|assiste|oriente|accompagne|informe)|reunion|rencontre"
);
pattern!(
    COUNTS,
    r"(?:[0-9]+|cents?|mille|dizaines?) ?(?:h\b|heures?)|\bvolumes?\b|(?:comptee?s?|decompte|pris(?:es)? en compte|comptabilise|valable)[^.]{0,40} (?:pendant|durant|mois|double|dans la limite)|tolere|reporte|excedent|reduit en proportion|compte (?:double|pour)|aucune heure|prise en compte"
);
// The matter stands elsewhere, and nothing is said of it here.
pattern!(
    POINTS_TO,
    r"(?:donnee?s?|fixee?s?|precisee?s?|definie?s?|detaillee?s?|indiquee?s?|developpee?s?|decrite?s?|voir|renvo[a-z]+) (?:a|au|aux|dans|par|en) (?:l'|le |la |les )?(?:article|ccap|ccp|annexe|titre|acte|cahier|chapitre|piece)"
);
// The figures stand in what follows.
pattern!(BELOW, r"ci-(?:dessous|apres)|tableau suivant|comme suit");
pattern!(
    PUBLICS,
    r"demandeurs? d'emploi|chom(?:age|eurs?|euses?)|sans (?:emploi|activite|travail)|privees? d'emploi|sans (?:diplome|qualification)|ni diplome|peu (?:ou pas )?(?:diplome|qualifi)|\bmdph\b|cap emploi|france travail|monoparental|protection subsidiaire|sans (?:abri|domicile)|hebergement|prison|habitants d|minim(?:um|a) socia|allocations?|handicap|seniors?|\b(?:50|cinquante) ans|sort(?:i|is|ie|ies|ants?) (?:de |d')|detention|sous main de justice|missions? locales?|contrat d'engagement|parents? isole|aide sociale a l'enfance|quartiers?\b|\bass\b|\baah\b|\brsa\b|revenu de solidarite|travailleurs? handicapes?|reconnus? handicapes?|\brqth\b|\bboeth\b|obligation d'emploi|moins de (?:26|vingt-six) ans|jeunes|minima sociaux|allocataires?|quartiers? prioritaires?|\bqpv\b|longue duree|\bdetld\b|primo[- ]arrivant|refugies?\b|exil|plus de (?:50|cinquante) ans"
);
pattern!(
    MODALITIES,
    r"embauche directe|recrutement direct|mise a disposition|sous-trait|co-?trait|interim|\betti\b|\bgeiq\b|association intermediaire|entreprises? d'insertion|travail temporaire|groupement d'employeurs|apprenti|alternance|professionnalisation|embauch|recrut|\blouer|engager (?:elle|soi|vous|lui)|atelier (?:et )?chantier|chantiers? d'insertion|travail protege|regies? de quartier|contrats? (?:direct|signes?)|\besat\b|entreprises? adaptees?|structures? d'insertion|sous-traitee?s?"
);
// A record of what was done, who hands it over, and how often: what a proof is made of.
pattern!(
    RECORD,
    r"justif|attestation|\bbulletins?\b|\breleves?\b|tableaux?\b|\bbilans?\b|reporting|rapports?\b|feuilles?\b|fiches?\b|\betats?\b|decomptes?\b|\bcopies?\b|factures?\b|compte[- ]rendu|registres?\b|\bpieces?\b|bordereaux?\b|recapitulati|suivi des heures|formulaire|attester"
);
pattern!(
    GIVES,
    r"\b(?:parvien|arriv|transm(?:et|is)|adress|communiqu|remet|remis|renseign|saisi|depos|declar|fourni|produi|joint|joign|envo|prouv|atteste|etabl|complet|vers|enregistr|consign|tient|tenu|rempli|signe|vise|livre|partag|charge)[a-z]*"
);
pattern!(
    OFTEN,
    r"chaque (?:mois|trimestre|semestre|annee|fin)|tous les|mensuel|trimestriel|semestriel|annuel|bimestriel|(?:de|en) fin d(?:e|u)\b|(?:du|par|en fin de|au terme du|a la fin d[ue]) (?:mois|trimestre|semestre|chantier|marche)|avant le [0-9]|dans les [a-z0-9]+ jours"
);
pattern!(CITES, r"(?:articles?|art\.|aux?|du|de l'article) (?P<n>[0-9]{1,2}(?:\.[0-9]{1,2}){0,3})\b");
// Elsewhere: a penalty of the clause, a helper of it, a proof of it.
pattern!(
    NAMES_CLAUSE,
    r"insertion|clauses? sociales?|annexe sociale|memoire social|publics? eloigne|\b(?:releve|tableau|bordereau|etat)s? [^.|]{0,24}heures"
);
// A form to fill in, a date and place to sign.
pattern!(FORM, r"^fait a\b|\.{6,}|^signature|^date, |^nom[ ,]|…{3,}[^…]*…{3,}|^modele|^[^.]{0,60}… …");

pattern!(
    RESERVED_HEADING,
    r"lots? reserves?|marches? reserves?|reservations? (?:d(?:e|es|u) )?(?:lots?|marches?)|droits? de reservation|(?:^|/ )reservations?(?: /|$)|reserves? a (?:des|certaines|l')"
);
pattern!(
    RESERVES,
    r"lots? reserves?|l'acces (?:au|aux) lots?[^.]{0,30}(?:limite|reserve)|seuls? peuvent (?:soumissionner|candidater|repondre|participer)|ouverts? aux seul|perd[^.]{0,40}la qualite|perte de (?:cette|la) qualite|(?:qualite|statut)[^.]{0,40} (?:permi|au titre|attribue)|l\. ?2113-1[2-4]\b|reserve[es]* (?:a|aux) (?:des |l')?(?:operateur|entreprise|structure|siae|ea\b|esat|etablissement)|ne relevent pas de ces categories"
);
pattern!(YEARLY, r"chaque annee|annuel|justifi|par an\b");
pattern!(TO_WHOM, r"\bsiae\b|\bea\b|\besat\b|adaptee|insertion");
pattern!(
    OPEN_TO_ALL,
    r"n'est reservee? a (?:personne|aucun)|aucun (?:des )?lots?[^.;]{0,30}(?:est|sont) reserve|(?:marche|lot|participation)s?[^.;]{0,30} n'(?:est|etant) pas reservee?|(?:marche|participation) reservee? ?: ?non|ne sont pas reserves? (?:au sens|a)|ouverts? a tous (?:les )?(?:operateurs|candidats)|sans reservation"
);

pattern!(
    TAKEOVER_HEADING,
    r"repri(?:se|ses) (?:d[ue]s? |de l'ensemble du )?(?:personnel|salarie|agent)|transfert (?:d[ue]s? |conventionnel)|personnels? (?:a reprendre|repris|transferable|en place)|(?:salarie|personnel|agent)s? (?:affecte|en place|actuel)"
);
pattern!(
    TAKES_OVER,
    r"repri(?:se|ses) (?:d[ue]s? |de l'ensemble du |obligatoire du )?(?:personnels?|salaries?|agents)|repren(?:d|dra|nent|ne) (?:a son service )?(?:les|l'ensemble|tous|le) [^.;]{0,20}(?:salarie|agent|personnel|contrat)|l ?\.? ?1224-1|personnels?[^.]{0,30} (?:a reprendre|repris|transferables?)|(?:salarie|agent)s? (?:[^.]{0,20})?(?:transferables?|repris\b)|transfert (?:conventionnel )?d(?:u|es|e) (?:personnels?|contrats? de travail|salaries)|article 7 de la convention collective|poursui[^.]{0,12} (?:les |des )?contrats de travail|en vue de la reprise|liste [^.]{0,30}(?:personnels?|salaries) (?:affecte|a repri|susceptible|transfer|et )|liste des (?:personnels|salaries)|reprendre (?:les |tous les |l'ensemble des )?(?:salaries|agents|personnels?)|(?:salarie|agent|conducteur|ouvrier|personnel|employe)s?[^.;]{0,60} (?:est|sont|seront|sera) (?:a reprendre|repris|transferes?)\b|lieu a aucun transfert|\btransferables?\b|(?:conducteur|salarie|agent|personnel|ouvrier|employe)s?[^.;]{0,80} conserv|(?:n'est|personne|aucune?) a reprendre|(?:actuel|ancien|precedent) (?:titulaire|prestataire|exploitant)[^.;]{0,80}(?:contrat|repri|transfer|conserv)|(?:titulaire|prestataire|entreprise|exploitant) (?:sortant|actuel|en place)[a-z]*[^.;]{0,80}(?:repri|transfer|conserv)|(?:repri|transfer)[^.;]{0,80}(?:titulaire|prestataire|entreprise|exploitant) (?:sortant|actuel|en place)|transfert conventionnel|(?:agent|salarie|personnel|employe|ouvrier)s?\b[^.;]{0,60} (?:(?:est|sont|a) (?:a )?(?:garder|conserver)|(?:passe|passent|rejoint|rejoignent|suivent|changent) (?:au |chez |le |a l'|d')?(?:nouveau|nouvel|futur|entrant|employeur))"
);
// Said not to be there: staff to take over.
pattern!(
    NO_TAKEOVER,
    r"sans objet|\bneant\b|personne (?:n'est )?(?:a reprendre|transfere|repris)|pas de (?:reprise|transfert)|(?:ne|n')[^.;]{0,40}(?:pas|aucun)[^.;]{0,60}(?:salarie|personnel|agents?\b|reprise|reprendre|transfer)|aucun(?:e)? (?:transfert|reprise|salarie|personnel|agent)|(?:pas|sans) (?:lieu a )?(?:de )?(?:reprise|transfert) (?:du |de )?(?:personnel|salarie)|pas de personnel a reprendre"
);
// The head of a table of staff.
pattern!(
    STAFF_COLUMN,
    r"anciennete|contrat|nature|heures|duree mensuelle|date d'entree|\bentree\b|coefficient|qualification|\bemploi\b|classification|\bcdi\b|echelon|statut"
);
// A contract that is over, and what the buyer does elsewhere: nothing that whoever wins owes.
pattern!(
    OVER,
    r"\b(?:marche|contrat|accord-cadre|prestataire|operation|convention|clause|chantier|campagne|saison|edition|consultation)s? (?:precedent|anterieur|sortant|expire|acheve|termine|(?:conclu|notifi|attribu|signe|lanc|pass)[a-z]* en 20|de 20[0-9]{2})|\bprecedente?s? (?:marche|contrat|accord-cadre|operation|convention|clause|chantier|campagne|saison|edition|consultation|titulaire|prestataire)|\bancien(?:ne)?s? (?:marche|contrat|titulaire|prestataire|accord-cadre)|\b(?:avait|avaient|comportait|prevoyait|imposait|exigeait|reservait|comprenait|consacrait)\b|\b20[0-9]{2}\b[^.;]{0,120}\b(?:a|ont|avons) (?:ainsi |deja |ete )?(?:permis|accueilli|beneficie|realise|effectue|travaille|confie|represente|consacre|mobilise|atteint|embauche|recrute|employe)|\b(?:a|ont|avons) (?:ainsi |deja |ete )?(?:permis|accueilli|beneficie|realise|effectue|travaille|confie|represente|consacre|mobilise|atteint|embauche|recrute|employe)[a-z]*\b[^.;]{0,120}\b(?:20[0-9]{2}|l'an (?:dernier|passe)|l'annee (?:derniere|passee))\b|l'an (?:dernier|passe)\b|l'annee (?:derniere|passee)\b"
);
pattern!(
    POLICY,
    r"(?:%|pour cent) (?:de (?:son|sa|ses|leurs?|nos|notre)|du|des|de l') (?:[a-z]+ )?(?:budgets?|marches|achats|commandes|contrats|depenses|consultations|achat|commande publique)\b|\b(?:schema|politique|strategie|feuille de route|spaser|plan d'action)s?\b[^.;]{0,160}(?:%|pour cent|[0-9] ?(?:h\b|heures))"
);
/// Whether folded words tell of a contract that is over, or of what the buyer does in general.
pub(super) fn is_of_others(text: &str) -> bool {
    pattern!(
        OWES,
        r"\bdevra|\bdoi(?:t|vent)\b|s'engage|\breserve(?:ra)?\b|est tenu|s'oblige|\bconsacrera|\bconfiera|le titulaire [a-z]+(?:e|ra)\b"
    );
    // "… qui sont l'objet du contrat et non une condition sociale".
    pattern!(
        DENIED,
        r"\bet non (?:pas )?(?:une |la |d'une |de la |celui|celle|ceux|un )?(?:condition|clause|obligation|engagement|d[eu]\b)"
    );
    OVER.is_match(text) || DENIED.is_match(text) || POLICY.is_match(text) && !OWES.is_match(text)
}

// What a heading within the clause announces.
pattern!(
    OF_PUBLICS,
    r"pour qui|^(?:.* / )?qui\b ?\??$|personnes?|publics?|benefici|eligib|concernee?s?\b|qui (?:peut|est) compte"
);
pattern!(
    OF_MODALITIES,
    r"manieres?|^comment (?:puis|pou|dois|fa|real|s'y|proced|mettre|les|ces|m'y|vous)|^comment ?\??$|s'y prendre|modalites? (?:de realisation|d'execution|de mise en oeuvre|possibles)|voies|facons?\b|comment faire|moyens"
);
pattern!(
    OF_HELP,
    r"qui (?:m'|vous |nous )?(?:aide|accompagne|contacter)|a qui (?:parler|s'adresser)|avec qui|correspondant|\baide\b|appui|accompagnement|interlocut|facilitat|contacts?\b|referente?s?\b|guichet"
);
pattern!(
    OF_THE_REST,
    r"ponctualit|qualite du service|livraison|pour le reste|autres? (?:penalite|sanction|manquement|cas)|retard|paie|\bprix\b|avance"
);
pattern!(
    OF_PROOF,
    r"preuves?|prouv|justif|pieces? a (?:transmettre|fournir|remettre)|compte[- ]rendu|verifi|controle|suivi"
);
pattern!(
    OF_PENALTY,
    r"sanction|penalit|\by arriv|risqu|consequence|que se passe|pas (?:fait|tenu)|defaillance|defaut|manquement|inexecution|non-respect"
);
pattern!(
    TAKEOVER_GOES_ON,
    r"salarie|personnel|\bagents?\b|anciennete|sortant|titulaire actuel|contrats? de travail|convention collective|\bliste\b|masse salariale|recens"
);

/// What the sentences of a piece speak of.
pub(super) struct Topics {
    /// Of each sentence.
    of: Vec<Option<Topic>>,
    /// Numbers of the articles on the clause.
    numbers: Vec<String>,
    /// Of each article: it speaks of the clause.
    clause_articles: Vec<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Clause,
    Reserved,
    Takeover,
}

impl Topics {
    /// Of a piece's sentences.
    ///
    /// `judged`: where the judgement found a clause; what stands behind it may go on about it.
    /// `weighing`: where criteria stand, whose sentences judge and lay no duty upon anybody.
    pub(super) fn of(piece: &Written, sentences: &[Sentence], judged: &[Range<usize>], weighing: &[usize]) -> Self {
        let headings: Vec<String> = (0..piece.articles.len()).map(|a| piece.headings(Some(a))).collect();
        let mut out = Self {
            of: vec![None; sentences.len()],
            numbers: Vec::new(),
            clause_articles: vec![false; piece.articles.len()],
        };
        // The article in which something began without a heading, what, and how many sentences ago one was of it.
        let mut begun: Option<(Option<usize>, Topic)> = None;
        let mut ago = 0;
        let mut line = usize::MAX;
        for (i, sentence) in sentences.iter().enumerate() {
            let above = sentence.article.map_or("", |a| headings[a].as_str());
            let text = sentence.folded.as_str();
            if begun.is_some_and(|(article, _)| article != sentence.article) {
                // A contract without headings, whose paragraphs are numbered: the next one may go on about it.
                let numbered = sentence.article.is_some_and(|a| piece.articles[a].title.is_empty());
                let on = numbered && matches!(piece.kind, Kind::Ccap | Kind::Ccp) && speaks_on(text);
                begun = begun.filter(|(_, topic)| on && *topic == Topic::Clause).map(|(_, t)| (sentence.article, t));
            }
            let others = is_of_others(text);
            let mut topic = by_heading(piece.kind, above).filter(|t| !(others && *t == Topic::Clause));
            if is_staff_head(text) {
                begun = Some((sentence.article, Topic::Takeover));
                topic = topic.or(Some(Topic::Takeover));
            }
            if topic.is_none() && !sentence.is_heading {
                let named = judged.iter().any(|r| r.start < sentence.range.end && sentence.range.start < r.end);
                let weighs = weighing.iter().any(|at| sentence.range.contains(at));
                let found =
                    begins(piece.kind, above, text, named).filter(|t| !(weighs || others && *t == Topic::Clause));
                // Without headings a paragraph that does not speak of it is about something else.
                let paragraph = sentence.article.is_none() && sentence.line != line && !is_item(text);
                // How it begins says what it is about.
                let next = sentences.get(i + 1).filter(|s| s.line == sentence.line).map_or("", |s| s.folded.as_str());
                if paragraph && !speaks_on(text) && !speaks_on(next) && !proves(text) {
                    begun = None;
                }
                line = sentence.line;
                ago = match begun {
                    Some((_, topic)) if found.is_none() && !goes_on(topic, text) => ago + 1,
                    _ => 0,
                };
                // One sentence in passing does not end it, within a contract's article.
                let passing = match piece.kind {
                    _ if sentence.article.is_none() => 2,
                    Kind::Ccap | Kind::Ccp => 1,
                    _ => 0,
                };
                begun = found.map(|topic| (sentence.article, topic)).or(begun.filter(|_| ago <= passing));
                topic = begun.map(|(_, topic)| topic).filter(|t| !(others && *t == Topic::Clause));
            }
            // Within reserved lots as elsewhere, what names the clause is of the clause.
            out.of[i] = topic;
            if let Some(article) = sentence.article.filter(|_| topic == Some(Topic::Clause)) {
                out.clause_articles[article] = true;
                out.numbers.extend(piece.articles[article].number.clone());
            }
        }
        out.spread(piece, sentences);
        out.numbers.sort();
        out.numbers.dedup();
        out
    }

    /// An article of a contract that stands behind one on the clause, within the same article, and whose heading is one that a clause
    /// has ("14.2 Bénéficiaires", "14.6 Sanction"), is on the clause as well.
    fn spread(&mut self, piece: &Written, sentences: &[Sentence]) {
        if !matches!(piece.kind, Kind::Ccap | Kind::Ccp | Kind::Ae | Kind::Other) {
            return;
        }
        let around = |a: usize| Some(piece.articles[a].number.as_deref()?.rsplit_once('.')?.0);
        for a in 1..piece.articles.len() {
            let title = piece.articles[a].title.as_str();
            let headed = [&*OF_PUBLICS, &*OF_MODALITIES, &*OF_HELP, &*OF_PROOF, &*OF_PENALTY];
            // Within the same article, or, without numbers, one question or title after the other.
            let beside = match (around(a), around(a - 1)) {
                (None, None) => piece.articles[a].number.is_none() && piece.articles[a - 1].number.is_none(),
                (of, before) => of.is_some() && of == before,
            };
            let before = self.clause_articles[a - 1] || a > 1 && self.clause_articles[a - 2] && around(a).is_none();
            let follows = before && beside && !OF_THE_REST.is_match(title);
            if follows && !self.clause_articles[a] && headed.iter().any(|h| h.is_match(title)) {
                self.clause_articles[a] = true;
                self.numbers.extend(piece.articles[a].number.clone());
            }
        }
        for (topic, sentence) in self.of.iter_mut().zip(sentences) {
            let of_clause = || sentence.article.is_some_and(|a| self.clause_articles[a]);
            if topic.is_none() && !sentence.is_heading && of_clause() && !is_of_others(&sentence.folded) {
                *topic = Some(Topic::Clause);
            }
        }
    }

    /// Whether a sentence, by its place, is of the clause.
    pub(super) fn is_clause(&self, sentence: usize) -> bool {
        self.of[sentence] == Some(Topic::Clause)
    }

    /// Whether an article speaks of the clause.
    pub(super) fn is_of_clause(&self, article: Option<usize>) -> bool {
        article.is_some_and(|a| self.clause_articles[a])
    }

    /// Whether folded words cite an article on the clause, or the one around it.
    fn is_cited(&self, text: &str) -> bool {
        CITES.captures_iter(text).any(|c| {
            let cited = &c["n"];
            self.numbers.iter().any(|n| n == cited || n.starts_with(&format!("{cited}.")) && cited.contains('.'))
        })
    }
}

/// Whether a row is the head of a table of staff.
fn is_staff_head(text: &str) -> bool {
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    text.contains(" | ") && !digits && STAFF_COLUMN.find_iter(text).count() >= 3
}

fn by_heading(kind: Kind, above: &str) -> Option<Topic> {
    let own = above.split(" / ").next().unwrap_or_default();
    // Reservations in a technical piece are holes in walls.
    if RESERVED_HEADING.is_match(above) && kind != Kind::Cctp {
        return Some(Topic::Reserved);
    }
    if TAKEOVER_HEADING.is_match(above) || kind == Kind::StaffList {
        return Some(Topic::Takeover);
    }
    let clause = CLAUSE_HEADING.is_match(above) && !homonyms::is_of_things(above);
    let clause = clause && !NO_CLAUSE_HEADING.is_match(own) && !matches!(kind, Kind::Form | Kind::Bpu | Kind::Dpgf);
    (clause || kind == Kind::SocialAnnex).then_some(Topic::Clause)
}

/// What a sentence begins that no heading announces.
fn begins(kind: Kind, above: &str, text: &str, judged: bool) -> Option<Topic> {
    if text.contains(" | ") || above.contains("penalit") {
        return None;
    }
    if TAKES_OVER.is_match(text) {
        return Some(Topic::Takeover);
    }
    let speaks = matches!(kind, Kind::Ccap | Kind::Ccp | Kind::Ae | Kind::Rc | Kind::Other | Kind::Notice);
    // A sentence of a contract that lists three kinds of publics or more says whose work counts.
    let contract = matches!(kind, Kind::Ccap | Kind::Ccp | Kind::Ae | Kind::Other | Kind::Rc);
    let listed = || contract && kinds(&PUBLICS, text) >= 3 && ELIGIBLE_HERE.is_match(text);
    let asked = judged || PERSONS.is_match(text) && DUTY.is_match(text) || listed();
    // Documents that one hands in lay no duty upon anybody.
    let lists = || matches!(kind, Kind::Rc | Kind::Other | Kind::Notice) && super::enumeration::items(text).len() >= 3;
    let clause = speaks && asked && !terms::is_denied_clause(text) && !lists();
    let clause = clause && !RESERVES.is_match(text) && !text.contains("critere") && !text.contains("memoire");
    clause.then_some(Topic::Clause)
}

pattern!(
    ELIGIBLE_HERE,
    r"\bcompte|\bentre|\bentend|eligib|\bplaces?\b|priorit|d'abord|concern|\bpostes?\b|heures?|benefici|profit|recrut|embauch|reserv|destin|public"
);

/// How many different things of a kind folded words name.
fn kinds(of: &regex::Regex, text: &str) -> usize {
    let mut named: Vec<&str> = of.find_iter(text).map(|m| m.as_str()).collect();
    named.sort_unstable();
    named.dedup();
    named.len()
}

/// Whether folded words are the heading of an article, or the title of a sheet, on the clause.
pub(super) fn is_heading(folded: &str) -> bool {
    folded.len() < 90
        && CLAUSE_HEADING.is_match(folded)
        && !NO_CLAUSE_HEADING.is_match(folded)
        && !homonyms::is_of_things(folded)
}

pattern!(
    OF_CLAUSE_ITSELF,
    r"(?:chaque|toute) heure\b|faute de quoi|a defaut|heures? (?:[a-z]+ )?(?:due|promise|prevue|manqu|non|restee|pas)|\bheures?\b[^.;]{0,60}(?:pas|non|sans|moins|inferieur|manqu)|releve|tableau|bilan|justif|publics?\b|personnes?\b|embauch|recrut|tuteur|obligation|engagement|social|volume|document|piece|attestation|refus|manquement|\benvoi|\bdepot|\bportail|trimestre|non-respect|inexecution"
);

/// Whether a paragraph behind one on the clause speaks of it by its own words.
fn speaks_on(text: &str) -> bool {
    NAMES_CLAUSE.is_match(text) || UNDONE.is_match(text) || PUBLICS.is_match(text) || HELPS.is_match(text)
}

/// Whether what began before goes on with this sentence.
fn goes_on(topic: Topic, text: &str) -> bool {
    match topic {
        Topic::Clause => GOES_ON.is_match(text) || text.contains(" | ") || names_proof(text),
        Topic::Takeover => TAKEOVER_GOES_ON.is_match(text) || text.contains(" | "),
        Topic::Reserved => false,
    }
}

/// What the sentences of a piece say of these.
pub(super) fn read(piece: &Written, sentences: &[Sentence], topics: &Topics) -> Vec<Finding> {
    if matches!(piece.kind, Kind::Form | Kind::Plan) {
        return Vec::new();
    }
    let mut out: Vec<Finding> = Vec::new();
    let mut helped = false;
    let mut lead: Option<String> = None;
    for (i, sentence) in sentences.iter().enumerate() {
        let text = sentence.folded.as_str();
        let row = text.contains(" | ");
        let digits = text.bytes().any(|b| b.is_ascii_digit());
        let empty = text.chars().filter(|c| c.is_alphabetic()).count() < 12 && !(row && digits);
        // A row in the midst of a table is its head where it names columns.
        let first = i.checked_sub(1).is_none_or(|b| !sentences[b].folded.contains(" | "));
        let head = row && !digits && text.len() < 90 && (first && !MODALITIES.is_match(text) || names_columns(text));
        if sentence.is_heading || empty || head || FORM.is_match(text) {
            helped &= sentence.is_heading;
            // The head of a table is the heading of its rows.
            lead = head.then(|| text.to_owned());
            continue;
        }
        let above = || piece.headings(sentence.article);
        // What only opens a list.
        let opens = text.trim_end().ends_with(':') && text.len() < 120;
        // What opens a list is the heading of its items.
        lead = match opens {
            true => Some(text.to_owned()),
            false => lead.filter(|_| is_item(text) || row),
        };
        // "Interlocuteur | Mme Roux, au PLIE": the first cell labels its row.
        let cell = text.split_once(" | ").filter(|(cell, rest)| cell.len() < 45 && cell.len() < rest.len());
        let lead = lead.as_deref().filter(|_| !opens).or(cell.map(|(cell, _)| cell));
        let titled = sentence.article.map_or("", |a| piece.articles[a].title.as_str());
        let own = match (lead, sentence.label.as_str()) {
            (Some(lead), _) => &format!("{titled} / {lead}"),
            (None, "") => titled,
            (None, label) => &format!("{titled} / {label}"),
        };
        let term = match topics.of[i] {
            _ if opens => None,
            Some(Topic::Clause) => {
                // Where no heading says so, what names neither persons nor the clause asks nothing of it.
                let named = || PERSONS.is_match(text) || text.contains("insertion") || text.contains("clause");
                let headed = || CLAUSE_HEADING.is_match(&above());
                clause(text, row, helped, own).filter(|t| match t {
                    Term::ClauseDuty => named() || headed(),
                    // Without a heading what is sanctioned says that it is of the clause.
                    Term::ClausePenalty => named() || headed() || OF_CLAUSE_ITSELF.is_match(text),
                    _ => true,
                })
            }
            Some(Topic::Reserved) if PROOF.is_match(text) && YEARLY.is_match(text) => Some(Term::ClauseProof),
            Some(Topic::Reserved) if terms::is_denied_clause(text) => None,
            // Under « Lots réservés et considérations sociales ».
            Some(Topic::Reserved) if text.contains("clause") && !RESERVES.is_match(text) => {
                clause(text, row, helped, own)
            }
            Some(Topic::Reserved) => reserved(text).or(Some(Term::ReservedTo)),
            // The rows of a sheet of staff are for whoever opens it.
            Some(Topic::Takeover) if text.matches(" | ").count() >= 2 && in_sheet(piece, sentence) => None,
            Some(Topic::Takeover) => {
                let speaks = [&*TAKEOVER_GOES_ON, &*NO_TAKEOVER, &*TAKES_OVER].iter().any(|of| of.is_match(text));
                let answers = text.starts_with("oui") || text.starts_with("non");
                (speaks || answers || row).then_some(Term::StaffTakeover)
            }
            None if is_of_others(text) => None,
            None => elsewhere(piece.kind, text, &above, topics),
        };
        helped = term == Some(Term::Facilitator);
        let Some(term) = term else { continue };
        let reads = if term == Term::ClausePenalty { Reads::Euros } else { Reads::Nothing };
        let amount = match term {
            Term::NotReserved => Some(super::Amount::Allowed(false)),
            Term::StaffTakeover if NO_TAKEOVER.is_match(text) => Some(super::Amount::Allowed(false)),
            _ => terms::amount(reads, text),
        };
        let weight = 20 + rank(piece.kind) + if amount.is_some() { 4 } else { 0 };
        for (range, amount) in one_by_one(piece, sentence, term, amount) {
            let mentions = figures::mentions(&piece.text[range.clone()]);
            let lots = if let [one] = mentions.as_slice() { one.lots.clone() } else { Vec::new() };
            out.push(Finding::new(What::Term { term, amount, lots }, piece, range, weight));
        }
    }
    out
}

/// Whether a row names the columns of the rows under it: "Preuve attendue | Rythme".
fn names_columns(text: &str) -> bool {
    pattern!(
        NAMES,
        r"^(?:codes?|n°|publics?|preuves?|justificatifs?|pieces?|documents?|manquements?|sanctions?|penalites?|voies?|modalites?|beneficiaires?|lots?|rubriques?|objet|motifs?)\b"
    );
    const WORDS: usize = 6;
    NAMES.is_match(text) && text.split(" | ").all(|cell| cell.split_whitespace().count() <= WORDS)
}

/// A sentence, or the parts of it where semicolons part what is taken over for some lots and not for others, or several penalties.
fn one_by_one(
    piece: &Written,
    sentence: &Sentence,
    term: Term,
    amount: Option<super::Amount>,
) -> Vec<(Range<usize>, Option<super::Amount>)> {
    let text = &piece.text[sentence.range.clone()];
    let several = term == Term::StaffTakeover || term == Term::ClausePenalty;
    if !several || amount.is_none() {
        return vec![(sentence.range.clone(), amount)];
    }
    if !text.contains(';') {
        let parts = match term {
            Term::ClausePenalty => each_figure(text),
            _ => Vec::new(),
        };
        if parts.is_empty() {
            return vec![(sentence.range.clone(), amount)];
        }
        let start = sentence.range.start;
        let read = |r: &Range<usize>| terms::amount(Reads::Euros, &vigie_classify::fold::fold(&text[r.clone()]));
        return parts.into_iter().map(|r| (start + r.start..start + r.end, read(&r))).collect();
    }
    let mut out = Vec::new();
    for part in sentence.cut(piece, ';') {
        let told = match term {
            Term::ClausePenalty => terms::amount(Reads::Euros, &part.folded),
            _ => NO_TAKEOVER.is_match(&part.folded).then_some(super::Amount::Allowed(false)),
        };
        if told.is_some() || term == Term::StaffTakeover && TAKES_OVER.is_match(&part.folded) {
            out.push((part.range, told));
        }
    }
    out
}

/// The parts of a sentence that gives several penalties ("55 € par heure due, et 30 € par jour de retard"), each with its figure; none
/// where a figure only bounds another.
fn each_figure(text: &str) -> Vec<Range<usize>> {
    pattern!(EACH, r"\bpar\b|chaque|retard|heure|jour");
    pattern!(BOUND, r"plafon|limite|maximum|minimum|sans pouvoir|excede|depass|soit\b|frais");
    let found = figures::written(text, figures::Unit::Euros);
    let mut cuts = vec![0];
    for pair in found.windows(2) {
        let between = &text[pair[0].range.end..pair[1].range.start];
        let Some(cut) = [", et ", ", ", " et "].iter().find_map(|m| between.rfind(m)) else { return Vec::new() };
        cuts.push(pair[0].range.end + cut);
    }
    cuts.push(text.len());
    let parts: Vec<Range<usize>> = cuts.windows(2).map(|c| c[0]..c[1]).collect();
    let each = |r: &Range<usize>| {
        let folded = vigie_classify::fold::fold(&text[r.clone()]);
        EACH.is_match(&folded) && !BOUND.is_match(&folded)
    };
    let trimmed = |r: Range<usize>| {
        let part = &text[r.clone()];
        r.start + (part.len() - part.trim_start_matches([',', ' ']).len())..r.end
    };
    if found.len() > 1 && parts.iter().all(each) { parts.into_iter().map(trimmed).collect() } else { Vec::new() }
}

/// What a sentence of an article on the clause says; `helped`: the one before named whoever helps; `own`: the heading right above.
fn clause(text: &str, row: bool, helped: bool, own: &str) -> Option<Term> {
    // A row may give what a lot is worth beside its hours.
    let priced = row && figures::of(text, figures::Unit::Hours).iter().any(|f| f.n >= 25.0) && !UNDONE.is_match(text);
    let money = !priced && terms::amount(Reads::Euros, text).is_some() && !NO_PENALTY.is_match(text);
    pattern!(
        CONTACT,
        r"^(?:[0-9.]+ )?(?:mme|madame|m\.|monsieur) [^.;]{0,80}(?:facilitat|chargee? d|referent|conseill|correspondant|repond|accompagn|\baide)"
    );
    pattern!(NONE_HERE, r"\bn'en (?:comporte|compte|prevoit|porte|contient|a) (?:pas|aucun)");
    if CONTACT.is_match(text) {
        return Some(Term::Facilitator);
    }
    if NONE_HERE.is_match(text) {
        return None;
    }
    if PENALTY.is_match(text) || money {
        return Some(Term::ClausePenalty);
    }
    if let Some(term) = reserved(text) {
        return Some(term);
    }
    // "… que le chômage tient éloignées" names no public.
    if POINTS_TO.is_match(text) && figures::all(text).is_empty() {
        return None;
    }
    let publics = PUBLICS.find_iter(&KEPT_OUT.replace_all(text, " ")).take(2).count();
    let modalities = ways(text);
    let item = is_item(text) || row;
    let proves = proves(text) || OF_PROOF.is_match(own) && OFTEN.is_match(text);
    let headed = |heading: &regex::Regex| heading.is_match(own);
    match () {
        () if item && headed(&OF_PUBLICS) && modalities < 2 && STARTS_WITH_PERSON.is_match(text) => {
            return Some(Term::Publics);
        }
        () if proves && (headed(&OF_PROOF) || publics < 2 && modalities < 2 && !is_helper(text)) => {
            return Some(Term::ClauseProof);
        }
        () if headed(&OF_MODALITIES) && modalities > 0 && publics < 2 => return Some(Term::Modalities),
        () if publics == 2 && modalities < 2 => return Some(Term::Publics),
        () if headed(&OF_PUBLICS) && !row && modalities == 0 && ELIGIBLE.is_match(text) => return Some(Term::Publics),
        () if publics == 1 && (item && modalities == 0 || headed(&OF_PUBLICS)) => return Some(Term::Publics),
        () if item && !row && headed(&OF_PUBLICS) && modalities == 0 => return Some(Term::Publics),
        () if modalities == 2 && !headed(&OF_PROOF) => return Some(Term::Modalities),
        () if item && !row && headed(&OF_MODALITIES) => return Some(Term::Modalities),
        () if lays_duty(text) && modalities < 2 && publics < 2 && !item && !is_helper(text) => {
            return Some(Term::ClauseDuty);
        }
        () if headed(&OF_HELP) && !row && (!item || HELPS.is_match(text)) => return Some(Term::Facilitator),
        () if headed(&OF_PENALTY) && !row => return Some(Term::ClausePenalty),
        () if row && headed(&OF_PROOF) && RECORD.is_match(text) => return Some(Term::ClauseProof),
        () if row && headed(&OF_HELP) && !priced => return Some(Term::Facilitator),
        () => {}
    }
    // Rows of hours are told as provisions.
    if row {
        return MODALITIES.is_match(text).then_some(Term::Modalities);
    }
    let told = TO_HELPER.is_match(text);
    let helps = (!told || text.contains("s'adress")) && HELPS.is_match(text) || helped && MEETS.is_match(text);
    // A title, a name, an address: no duty.
    let says =
        text.trim_end().ends_with(['.', ';', '»']) || PERSONS.is_match(text) || DUTY.is_match(text) && text.len() > 60;
    let term = match () {
        () if helps => Term::Facilitator,
        () if names_proof(text) => Term::ClauseProof,
        () if COUNTS.is_match(text) && !BELOW.is_match(text) => Term::ClauseHours,
        () if MODALITIES.is_match(text) => Term::Modalities,
        () if publics > 0 && !PERSONS.is_match(text) => Term::Publics,
        () if says && (DUTY.is_match(text) || PERSONS.is_match(text) || GOES_ON.is_match(text)) => Term::ClauseDuty,
        () => return None,
    };
    Some(term)
}

pattern!(KEPT_OUT, r"(?:chomage|handicap|emploi|travail)\b[^.;:]{0,40} (?:eloigne|ecarte|exclu|prive|tien)[a-z]*");

pattern!(
    STARTS_WITH_PERSON,
    r"^[-–•*\x{f0b7} ]*(?:[a-z][.)] )?(?:les |des |toutes? |l'|une? )?(?:autres )?(?:personnes?|demandeurs?|demandeuses?|jeunes|titulaires? (?:du|de la|d')|beneficiaires?|allocataires?|habitante?s?|salariee?s?|travailleu[a-z]+|publics?|refugie[a-z]*|parents?|seniors?|femmes|hommes|chomeu[a-z]+|sortants?|detenu[a-z]*|mineurs?|majeurs?|adultes?)\b"
);

// Who may be counted besides.
pattern!(ELIGIBLE, r"\beligib|\badmis|\bsituations?\b|\bagree|sur (?:avis|proposition)");

/// Whether a sentence says that somebody shall give work to such persons.
fn lays_duty(text: &str) -> bool {
    pattern!(MAY, r"\bpeu(?:t|vent)\b|\bpourr|\bpossib|\blibre");
    pattern!(GIVES_WORK, r"recrut|embauch|confi|reserv|emploie|donn[a-z]* du travail|faire? travailler|fait appel");
    let persons = PERSONS.is_match(text) || text.contains("parmi les personnes");
    persons && GIVES_WORK.is_match(text) && !MAY.is_match(text) && figures::of(text, figures::Unit::Hours).is_empty()
}

/// How many ways of doing the hours words name, two at most; "embauche ou fait embaucher" is one.
fn ways(text: &str) -> usize {
    let stem = |m: regex::Match<'_>| text[m.start()..text.floor_char_boundary(m.end().min(m.start() + 5))].to_owned();
    let mut stems: Vec<String> = MODALITIES.find_iter(text).map(stem).collect();
    stems.sort();
    stems.dedup();
    stems.len().min(2)
}

/// An item of a list, marked as one or ended as one.
fn is_item(text: &str) -> bool {
    let text = text.trim();
    text.ends_with([';', ',']) || text.starts_with(['-', '–', '•', '\u{f0b7}', '☐', '□', '*', '▪'])
}

// Papers of the tender, which prove nothing of the clause.
pattern!(
    OF_TENDER,
    r"bordereaux? (?:des |de )?prix|prix (?:du|des|de leurs?) bordereaux?|bordereaux? (?:annexe|joint)|acte d'engagement|memoire technique"
);

fn names_proof(text: &str) -> bool {
    PROOF.is_match(&OF_TENDER.replace_all(text, " "))
}

/// Whether a sentence holds together what a proof is made of.
fn proves(text: &str) -> bool {
    let text = &OF_TENDER.replace_all(text, " ");
    let (record, gives, often) = (RECORD.is_match(text), GIVES.is_match(text), OFTEN.is_match(text));
    record && (gives || often) || text.contains("heures") && gives && often
}

/// Whether a sentence is about whoever helps: it begins with them.
fn is_helper(text: &str) -> bool {
    /// So near to the start, in bytes.
    const NEAR: usize = 24;
    HELPS.find(text).is_some_and(|m| m.start() < NEAR) && !TO_HELPER.is_match(text)
}

/// Whether folded words say that nothing is kept for anybody.
pub(super) fn is_open(text: &str) -> bool {
    OPEN_TO_ALL.is_match(text)
}

fn reserved(text: &str) -> Option<Term> {
    // "20 % pour le titulaire du lot réservé" says something of a figure.
    let of_figure = figures::all(text).iter().any(|f| matches!(f.unit, figures::Unit::Percent | figures::Unit::Euros));
    if of_figure && !TO_WHOM.is_match(text) && !text.contains("handicap") {
        return None;
    }
    match (OPEN_TO_ALL.is_match(text), RESERVES.is_match(text)) {
        (true, _) => Some(Term::NotReserved),
        (false, true) => Some(Term::ReservedTo),
        (false, false) => None,
    }
}

/// What a sentence of another article says.
fn elsewhere(kind: Kind, text: &str, above: &dyn Fn() -> String, topics: &Topics) -> Option<Term> {
    // What a bill of prices counts for the clause.
    if matches!(kind, Kind::Bpu | Kind::Dpgf) && text.contains("insertion") && !homonyms::is_of_things(text) {
        let hours = figures::of(text, figures::Unit::Hours).len();
        return Some(if hours > 0 { Term::ClauseHours } else { Term::ClauseDuty })
            .filter(|_| hours > 0 || PERSONS.is_match(text));
    }
    if matches!(kind, Kind::Bpu | Kind::Dpgf | Kind::Cctp | Kind::MemoFrame) {
        let to_whom = || TO_WHOM.is_match(text) && kind != Kind::Cctp;
        return reserved(text).filter(|t| *t == Term::ReservedTo && to_whom());
    }
    if let Some(term) = reserved(text) {
        return Some(term);
    }
    let named = NAMES_CLAUSE.is_match(text);
    if PENALTY.is_match(text) && (named && !text.contains("critere") || topics.is_cited(text)) {
        return Some(Term::ClausePenalty);
    }
    let contract = matches!(kind, Kind::Ccap | Kind::Ccp | Kind::Ae);
    if contract && UNDONE.is_match(text) && terms::amount(Reads::Euros, text).is_some() {
        return Some(Term::ClausePenalty);
    }
    if contract && named && HELPS.is_match(text) && !TO_HELPER.is_match(text) {
        return Some(Term::Facilitator);
    }
    // A row of a table of penalties.
    let row = text.contains(" | ") && (text.contains('€') || text.contains("euros"));
    let of_clause = topics.is_cited(text) || named && !text.contains("critere");
    if row && of_clause && above().contains("penalit") {
        return Some(Term::ClausePenalty);
    }
    text.contains("penalites sociales").then_some(Term::ClausePenalty)
}

fn in_sheet(piece: &Written, sentence: &Sentence) -> bool {
    matches!(piece.whereabouts(sentence.range.start).place, Place::Cell { .. })
}

/// Which piece is believed first on the clause.
fn rank(kind: Kind) -> u8 {
    let order = [Kind::SocialAnnex, Kind::Ccap, Kind::Ccp, Kind::Ae, Kind::Rc];
    order.iter().position(|k| *k == kind).map_or(0, |i| 6 - i as u8)
}
