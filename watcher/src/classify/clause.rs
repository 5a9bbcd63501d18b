//! Execution clauses told by the text: work owed to people far from employment (L2112-2, L2112-2-1; former article 14
//! of the code and article 38 of ordonnance 2015-899; concessions L3114-2), with hours, share and lots.

use std::ops::Range;

use vigie_domain::{Provision, ProvisionKind};

use super::anchors::Topic;
use super::finding::Reading;
use super::numbers::{lot_mentions, number};
use super::pattern::pattern;

// Wordings that say it by themselves.
pattern!(
    STRONG,
    r"clauses? (?:[\w']+ ){0,3}?(?:d ?'? ?|a l ?'? ?)?(?:aide a l ?'? ?)?(?:e?')?insertion",
    r"|clauses? (?:[a-z]+ ){0,3}?sociales?\b|clauses? de promotion de l'(?:insertion|emploi)|conditions? sociales? d'execution|clauses? d'execution sociales?\b",
    r"|[0-9]+ ?(?:h|heures?) d ?'? ?insertion|volume (?:horaire )?(?:[a-z]+ )?d ?'? ?insertion",
    r"|clauses? (?:[\w']+ ){0,3}?(?:en faveur|au profit|au benefice) (?:de l'|de la |des |d'|de |du )[^.;]{0,40}?(?:emploi|insertion|handicap|eloigne|en difficulte)",
    r"|\bheures? (?:de travail )?(?:[\w']+ ){0,8}?d ?'? ?insertion|promouvoir l'emploi et l'insertion|promotion de l'emploi (?:et de l'insertion|des? (?:personnes|publics|travailleurs))",
    r"|\bheures?\b[^.;]{0,60}(?:reservee?s?|confiee?s?|dediee?s?|consacree?s?) (?:a|aux?|pour)\b[^.;]{0,50}(?:insertion|eloigne|en difficulte|quartiers prioritaires)",
    r"|[0-9] ?(?:%|pour ?cent) (?:[\w']+ ){0,4}?(?:d'|des |de la |du )?(?:heures|temps|masse|main)\b[^.;]{0,90}(?:insertion|quartiers prioritaires|eloigne|en difficulte|demandeurs? d'emploi|chomeurs?|beneficiaires? du rsa|sans emploi)",
    r"|(?:objectif|part|volet|taux|quota)s? (?:d ?'? ?)?insertion[^.;0-9]{0,20}[0-9]+ ?(?:%|h\b|heures|pour ?cent)",
    r"|insertion[^.;0-9]{0,30}[0-9]+(?:[.,][0-9]+)? ?(?:%|pour ?cent) (?:[a-z']+ ){0,3}?(?:d'|l')?(?:heures|temps|masse|main|effectif|volume)",
    r"|(?:emploi|travail|embauche) (?:de |des |d')(?:personnes|publics)[^.;]{0,40}(?:en difficulte|eloigne|en insertion)[^.;]{0,60}\bheures\b",
    r"|\binsertion [0-9][0-9 .]* ?(?:h\b|heures\b)|\binsertion ?: ?(?:[a-z-]+ ){0,6}\(?[0-9][0-9 .]*\)? ?(?:h\b|heures\b)",
    r"|\bheures?\b[^.;]{0,60}(?:executee?s?|effectuee?s?|realisee?s?|assuree?s?|accomplie?s?) par [^.;]{0,50}(?:insertion|eloigne|quartiers prioritaires|publics? prioritaire|sans emploi)",
    r"|(?:reserve[rz]?|consacre[rz]?|affecte[rz]?|dedie[rz]?|destine[rz]?)(?: [\w'%]+){0,6}? a (?:l'|des actions d'|une action d')insertion\b",
    r"|[0-9]+ ?h[^a-z0-9] ?[^.;]{0,12}insertion|insertion (?:[\w']+ ){0,4}[(:] ?[0-9][0-9 .]* ?(?:h|heures)\b|\betp\b[^.;]{0,30}\binsertion",
    r"|clause\(s\) sociale|clauses? (?:dites? )?[\x22«“ ]+(?:insertion|sociale?s?\b)|charte (?:nationale |locale |departementale )?d'insertion",
    r"|(?:conditions?|clauses?) [^.;:]{0,30}execution[^.;:]{0,30}:[ -]{0,3}insertion|acte d'engagement[^.;:]{0,40}: ?engagements? d'insertion|annexe (?:[a-z]+ ){0,2}[\x22«“ ]*insertion",
    r"|possibilites d'emploi des chomeurs de longue duree|articles? (?:14 du c|38 de l'ordonnance)[^.;]{0,60}insertion|clauses? (?:visant|destinees?|favorisant|tendant)[^.;]{0,40}l'emploi",
    r"|(?:(?:\bdevra|\bdevront|\bdoit|\bdoivent|s'engagent? a|\btenue?s? de|l'obligation de|s'oblige a)[^.;]{0,40}(?:sous-trait\w+|confier|faire appel|recourir|avoir recours|faire (?:realiser|executer))|(?:titulaire|attributaire|prestataire|entreprise|groupement)s? (?:[a-z]+ )?(?:sous-traiter|confier|fer|recourr|aur)(?:a|ont)\b) [^.;]{0,90}(?:structures? d'insertion|entreprises? d'insertion|associations? d'insertion|entreprises? adaptee?s?|\besats?\b|\bsiaes?\b|(?:personnes?|publics?|salaries?) (?:en (?:parcours d')?insertion|eloignee?s?))"
);
// Wordings that need an obligation beside them.
pattern!(
    WEAK,
    r"(?:actions?|engagements?|objectifs?|demarche|volet|dispositif|obligations?|parcours|plan|convention|politique|programme|recour[a-z]*|mesures?|strategie|postes?) (?:obligatoires? |minim[a-z]+ |[a-z]+ment )?(?:sociale? )?(?:d ?'? ?|a l'|en )insertion",
    r"|(?:publics?|personnes?|demandeurs d'emploi|jeunes) (?:[\w']+ ){0,3}?eloignee?s? (?:de l'emploi|du marche)|\binsertion de (?:publics?|personnes?|jeunes)",
    r"|personnes? rencontrant des difficultes (?:[a-z]+ ){0,4}?(?:d ?'? ?)?(?:insertion|acces|emploi)|personnes? en difficulte (?:[a-z]+ ){0,2}d'insertion",
    r"|(?:[0-9] ?%|heures|temps|part) (?:[\w'%]+ ){0,9}?(?:a |d ?'? ?|en |pour )(?:l ?'? ?)?insertion",
    r"|(?:salaries?|personnels?|personnes|publics?) en (?:parcours d')?insertion|demandeurs d'emploi de longue duree|beneficiaires du rsa|publics? prioritaires?|quartiers prioritaires",
    r"|l2112-2\b|considerations? sociales?|mesures? sociales?|exigences? sociales?|objectifs? sociaux|aspects? sociaux|dispositions? sociales?",
    r"|(?:actions?|engagements?|mesures?|dispositions?) (?:[a-z]+ ){0,2}?(?:en faveur de l'|en matiere d'|en termes d'|d')insertion",
    r"|(?:embaucher?|employer|recruter?) (?:[\w'%]+ ){0,3}?(?:demandeurs? d'emploi|beneficiaires? (?:du|de) rsa|personnes? (?:en insertion|eloignee|beneficiaire|sans emploi|en recherche d'emploi|en difficulte)|(?:des )?(?:personnes )?beneficiaires du rsa|publics? (?:en insertion|eloigne|prioritaire))",
    r"|\breferente?s? (?:d'|en charge de l')?insertion\b|personnes? (?:sans emploi|en recherche d'emploi)|\btravailleurs? defavorise"
);
// A social condition of execution that does not say which: insertion only where the notice speaks of it elsewhere.
pattern!(
    UNNAMED,
    r"(?:conditions?|clauses?|elements?|dispositions?|exigences?|considerations?|obligations?)[^.;:]{0,50}? (?:a|de) (?:caractere|nature|portee) (?:environnementale? et )?sociale?\b",
    r"|conditions? (?:particulieres? )?d'execution (?:[a-z]+ ){0,3}?sociale?s?\b"
);
pattern!(
    OBLIGES,
    r"titulaire|attributaire|prestataire|il est demande|a respecter|concessionnaire|delegataire|cocontractant|contractant|soumis a|comporte|prevoit|applicable|entreprises? (?:retenue|devr|doi|s'engage)|s'engage|execution du marche|execution des (?:prestations|travaux)|conditions? d'execution|clause|devra|devront|oblig|reserve[rz]?\b|consacrer|a raison de|impos|penalite|[0-9] ?(?:h|heures?)\b"
);
pattern!(
    DENIED_AFTER,
    r"^(?:(?: et| ou|,| /) [a-z]+){0,3}[^.;:]{0,45}(?: ?[:=] ?(?:non\b|neant|sans objet|aucun|pas de\b|so\b|ø|/(?: |$)|0(?: ?h(?:eures?)?)?(?:[ .;]|$))|(?:☐|\[ ?\]) ?oui[^.;]{0,4}(?:☒|☑|✓|\[ ?x ?\]) ?non)",
    r"|^[^.;:]{0,15}(?: non (?:applicable|prevue?|concernee?|retenue?)| sans objet| neant)"
);
pattern!(ASKED_NO, r"^[^.;:?]{0,40}\? ?:? ?non\b");
pattern!(
    NOT_FOR_A_LOT,
    r"^ ne (?:s'applique|concerne)(?:nt)? pas (?:aux?|les?) (?:lots?|marches? subsequents?|bons? de commande|commandes?|tranches?)\b"
);
pattern!(IS_CRITERION_AFTER, r"^[^.;]{0,40}?(?:ac_weighting|/ ?ponderation)");
pattern!(IS_CRITERION_BEFORE, r"(?:sous-)?criteres?\b[^.]{0,40}$|criteres? (?:n ?° ?)?[0-9]{1,2} ?[:-][^.;]{0,110}$");
pattern!(
    CRITERIA,
    r"criteres? (?:d'attribution|de jugement|n)\b|sous-criteres?\b|\bponderation\b|\bpoints\b|[0-9] ?% (?:prix|qualite|technique|delais?)"
);
pattern!(
    NO_LONGER_CRITERIA,
    r"titulaire|clause|devra|s'engage|execution|renseignements|informations? complementaires?|\blots?\b"
);
pattern!(
    STAFF_MATTER,
    r"convention collective|reprise d[ue]s? (?:personnel|salarie)|dumping|travail dissimule|transport(?:eur)?s? routiers?|\boit\b|organisation internationale du travail|conventions? fondamentales?|droits? humains|droits de l'homme|travail des enfants"
);
pattern!(
    ABOUT_CLAUSES,
    r"assistance a (?:la )?maitrise d'ouvrage|\bamo\b|redaction de clauses|\bsql\b|insertion (?:du|des|de) (?:batiments?|projet|ouvrages?|reseaux)|dans (?:son|le) (?:site|paysage)|insertion dans (?:la base|son|le quartier|l'environnement|le tissu|le reseau)|^assistance (?:a|pour) la |charte (?:de|du|des) |insertion paysagere|delai d'insertion|logiciel de suivi|guide sur|insertion (?:d'une? |d'|du |des |de l'|de )(?:encarts?|annonces?|avis\b|publicit|images?|contenus?|pages?|photos?|videos?|visuels?|illustrations?|liens?|donnees|puces?|logos?|messages?|textes?|tramway|lignes?|articles?|tetes?|enregistrement)|dans les? dce\b|mission (?:opc|d'assistance)|(?:mission|prestation|poste)s? de facilitat|facilitat\w+ des clauses sociales pour"
);
pattern!(MEANS_INSERTION, r"insertion|eloigne|chomeur|demandeurs d'emploi|difficulte|promotion de l'emploi");
pattern!(
    SERVICE_TALK,
    r"(?:actions?|prestations?|organismes?|stages?|parcours|dispositifs?|programmes?|modules?) de formations?|\bformations? (?:des|pour|aux?|qualifiante|professionnelle|linguistique|certifiante)|beneficiaires de la prestation|accompagnement (?:des|vers|socio|global|renforce|a la recherche)|ateliers? de (?:remobilisation|recherche)|remobilisation|recherche d'emploi|placement|pole emploi|france travail|bilan de competences"
);
pattern!(
    HARD_TALK,
    r"heures? (?:de travail )?d ?'? ?insertion|clauses? (?:sociale|d ?'? ?insertion)|conditions? (?:particulieres? )?d'execution|execution du marche"
);
pattern!(
    DESCRIBES_BIDDERS,
    r"reserve[es]* (?:a|aux)\b|structures? (?:d'insertion|employant|qui emploient)|emploi(?:ent|ant) (?:[\w' ]+ ){0,6}(?:handicap|defavoris|insertion)"
);
pattern!(
    SERVED_PEOPLE,
    r"\binsertion\b|demandeurs? d'emploi|accompagnement|formations?\b|competences|parcours|retour a l'emploi|\bemploi\b|remobilisation|orientation|hebergement"
);
pattern!(
    OF_PEOPLE,
    r"^(?:publics?|personnes?|salaries?|personnels?|demandeurs?|jeunes|beneficiaires?|quartiers?|travailleurs?)\b"
);
pattern!(
    HIRES,
    r"emplo[iy]e|embauch|recrut|reserv|confi|consacr|dedi|realis|execut|effectu|affect|heures|[0-9] ?%|recour|faire appel|favoris|promouvoir|promotion|profit|faveur|acces|retour|condition|clause|insertion (?:de|des|sociale|prof)|mobilis|integr|sous-trait"
);
pattern!(JUDGED, r"\b(?:pertinence|qualite|adequation|coherence|efficacite|niveau) d(?:e |u |es |e la |e l')$");
pattern!(A_PLAN, r"^(?:politique|plan|programme|strategie|mesures?|convention|postes?|insertion|parcours)\b");
pattern!(MEANS_PEOPLE, r"insertion|emplo[iy]|embauch|recrut|faire travailler");
pattern!(
    OTHER_SOCIAL,
    r"(?:securite|protection|action|cohesion|raison|aide|mixite|vie|responsabilite|paix|couverture|legislation|garantie|politique|economie|innovation) sociale"
);
pattern!(INTERNSHIP_ONLY, r"stage|apprenti|alternance");
pattern!(DEROGATION, r"(?:il est )?deroge|derogation");

// Volumes.
pattern!(
    HOURS,
    r"nombre (?:minim\w+ )?(?:total )?d ?'? ?heures?[^.:]{0,160}?insertion[^.:]{0,120}? ?: ?(?P<a>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+)",
    r"|(?P<b>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+)\)?(?:,[0-9]+)? ?(?:h\.?|heures?)(?: de travail)?(?: minimum| mini| au minimum)? ?(?:d ?'? ?|en |pour l ?'? ?|a l ?'? ?)(?:actions? d'|parcours d')?insertion",
    r"|(?P<g>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+)\)? ?(?:h\b\.?|heures?) (?:de travail )?(?:[\w']+ ){0,4}?(?:seront |sont )?(?:dediees|reservees|consacrees|confiees|realisees|effectuees)\b",
    r"|(?:a raison de|soit|porte sur|dont|a hauteur de|a concurrence de|equivalent a) (?P<h>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\b|heures?\b)",
    r"|(?P<i>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\b|heures?) (?:d'insertion )?\(?(?:pour |sur )?(?:le |les )?lots? ",
    r"|(?:reserver|consacrer|affecter|realiser|effectuer)(?: au moins| a minima| un minimum de| au minimum| un volume de)? (?P<c>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h|heures?)\b",
    r"|(?:clause|action|volet|engagement|heures|horaire|volume|objectif|minimum|total) [^.;]{0,60}?(?:de |: ?|est de |a |fixee? a |= ?|- |\()(?P<d>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\b|heures?\b)",
    r"|\binsertion (?P<j>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\b|heures\b)",
    r"|insertion(?: [\w']+){0,4} ?[(:] ?(?:(?:[a-z-]+ ){1,6}\()?(?P<e>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+)\)? ?(?:h\b|heures\b)",
    r"|lots? (?:n ?° ?)?[0-9]{1,3}[a-gi-z]?(?: ?(?:a|et|,|-) ?[0-9]{1,3})*? ?[^0-9.;]{0,60}?[:\-(,=] ?(?P<f>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\b|heures\b)"
);
pattern!(
    PERCENT,
    r"(?P<a>[0-9]{1,2}(?:[.,][0-9]+)?) ?(?:%|pour ?cent)(?: [\w'()]+){0,8}? (?:heures?|d'heures|temps|main d'oeuvre|masse salariale|effectif)",
    r"|(?:heures?|temps de travail|main d'oeuvre)(?: [\w']+){0,6} ?[:(a]? ?(?P<b>[0-9]{1,2}(?:[.,][0-9]+)?) ?%",
    r"|insertion(?: [\w']+){0,4} ?(?:[(:]|\bde\b|\bd'|\b) ?(?P<c>[0-9]{1,2}(?:[.,][0-9]+)?) ?(?:%|pour ?cent)"
);
pattern!(
    LOT_SHARE,
    r"\blots? (?:n ?° ?)?0*(?P<lot>[0-9]{1,3}[a-z]?)[^0-9%.;]{0,40}?[ :(=-](?P<n>[0-9]{1,2}(?:[.,][0-9]+)?) ?(?:%|pour ?cent)",
    r"|(?P<m>[0-9]{1,2}(?:[.,][0-9]+)?) ?(?:%|pour ?cent)[^0-9%.;,]{0,40}?(?:\(|pour le |sur le )lot (?:n ?° ?)?0*(?P<of>[0-9]{1,3}[a-z]?)\b"
);
pattern!(ANY_HOURS, r"\b(?P<n>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+)\)?(?:,[0-9]+)? ?(?:h\b|heures?\b)");
pattern!(LABELLED, r"\blots? (?:n ?° ?)?[0-9]{1,3}[^0-9.;]{0,24}$");
pattern!(FULL_TIME, r"(?P<n>[0-9]+(?:[.,][0-9]+)?) ?(?:etp|equivalents? temps plein)\b");
pattern!(
    NOT_A_VOLUME,
    r"(?:delai|sous|dans les|semaine|preavis|jour|intervention|horaires? d'ouverture|par heure|euros? par|€ par|penalite)[^.;]{0,25}$"
);
pattern!(LOT_JUST_BEFORE, r"\blots? (?:n ?° ?)?$");
pattern!(A_YEAR, r"^ ?(?:d'insertion )?(?:par|/) ?an");
pattern!(TOTAL_FOLLOWS, r"\bsoit [0-9]");
pattern!(DETAIL_FOLLOWS, r"\bdont [0-9]");
pattern!(TOTAL_BEFORE, r"\btotal[^.;]{0,14}$");
pattern!(IN_PROPORTION, r"^[^.;]{0,20}(?:par|pour chaque) tranche de [0-9]|^ ?(?:d'insertion )?pour [0-9]");
pattern!(A_WEEK, r"^ ?(?:par|/) ?(?:semaine|jour|heure)|^ ?(?:hebdo|ouvrees|a l'avance|avant)");

/// Yearly hours of one full-time post: the legal duration (Code du travail L3121-41).
const HOURS_A_YEAR: f64 = 1607.0;
/// How far from the wording its volume may stand, in folded bytes.
const VOLUME_REACH: usize = 420;

struct Statement {
    range: Range<usize>,
    lots: Vec<String>,
    strong: bool,
}

/// Reads every execution clause the text tells. A social condition that does not say which is one where the contract is
/// `for_structures` anyway (some lot is reserved to them), else another consideration with a doubt.
#[must_use]
pub fn read(reading: &Reading<'_>, for_structures: bool) -> Vec<Provision> {
    let strong = reading.matches(Topic::Clause, &STRONG).map(|r| (true, r));
    let weak = reading.matches(Topic::Clause, &WEAK).map(|r| (false, r));
    let mut statements: Vec<Statement> = strong
        .chain(weak)
        .filter(|(strong, range)| holds(reading, *strong, range))
        .map(|(strong, range)| statement(reading, range, strong))
        .collect();
    if statements.is_empty() {
        let Some(range) = reading.matches(Topic::Clause, &UNNAMED).find(|range| holds(reading, true, range)) else {
            return Vec::new();
        };
        let sentence = &reading.doc.text()[reading.doc.sentence(range.clone())];
        if !for_structures && !MEANS_INSERTION.is_match(sentence) {
            let mut p = Provision::new(ProvisionKind::Other, reading.doc.evidence(range));
            p.doubt = Some("condition sociale dont l’avis ne dit pas la nature : à vérifier au CCAP".to_owned());
            return vec![p];
        }
        statements.push(statement(reading, range, true));
    }
    statements.sort_by_key(|s| (!s.strong, s.range.start));
    let Some(first) = statements.first() else { return Vec::new() };
    let volumes = volumes(reading, &statements);
    let percents = percents(reading, &statements);
    let mandatory = Some(!optional(reading, &first.range));
    let article = cited_article(reading, &statements);
    let base = |lots: Vec<String>, range: Range<usize>| {
        let mut p = Provision::new(ProvisionKind::ExecutionClause, reading.doc.evidence(range));
        p.lots = lots;
        p.mandatory = mandatory;
        p.article = article.clone();
        p
    };
    let mut out: Vec<Provision> = volumes
        .into_iter()
        .map(|v| {
            let mut p = base(v.lots, v.range);
            p.hours = Some(v.hours);
            p.doubt = v.doubt;
            p
        })
        .collect();
    // Lots that owe a clause without a volume of their own.
    let told: Vec<String> = out.iter().flat_map(|p| p.lots.clone()).collect();
    let mut without: Vec<String> =
        statements.iter().flat_map(|s| s.lots.clone()).filter(|l| !told.contains(l)).collect();
    without.sort_by_key(|l| (l.parse::<u32>().unwrap_or(u32::MAX), l.clone()));
    without.dedup();
    let for_all =
        statements.iter().any(|s| s.strong && s.lots.is_empty()) || statements.iter().all(|s| s.lots.is_empty());
    if out.is_empty() || (!without.is_empty() && !out.iter().any(|p| p.lots.is_empty())) {
        let lots = if for_all && out.is_empty() && without.is_empty() { Vec::new() } else { without };
        let anchor = statements
            .iter()
            .find(|s| s.lots == lots || s.lots.iter().any(|l| lots.contains(l)))
            .unwrap_or(&statements[0]);
        out.push(base(lots, anchor.range.clone()));
    }
    match percents.as_slice() {
        [] => {}
        [first, rest @ ..] if rest.iter().all(|other| other.percent == first.percent) => {
            for p in &mut out {
                p.percent = Some(first.percent);
                if p.hours.is_none() {
                    // The sentence that tells the share proves it best.
                    p.evidence = reading.doc.evidence(first.range.clone());
                }
            }
        }
        // Each lot its own share.
        several => {
            out.retain(|p| p.hours.is_some());
            for share in several {
                let mut p = base(share.lots.clone(), share.range.clone());
                p.percent = Some(share.percent);
                out.push(p);
            }
        }
    }
    out
}

fn statement(reading: &Reading<'_>, range: Range<usize>, strong: bool) -> Statement {
    let mut lots = reading.lots(&range);
    // "La clause sociale ne s'applique pas au lot 3" says whom it spares, not whom it binds.
    if NOT_FOR_A_LOT.is_match(reading.doc.after(range.end, 60)) {
        lots = Vec::new();
    }
    Statement { range, lots, strong }
}

fn holds(reading: &Reading<'_>, strong: bool, range: &Range<usize>) -> bool {
    let doc = reading.doc;
    let (before, after) = (reading.start_of_line(range.start, 130), reading.rest_of_line(range.end, 90));
    let around_start = range.start - doc.before(range.start, 220).len();
    let around_end = range.end + doc.after(range.end, 220).len();
    let around = &doc.text()[around_start..around_end];
    let words = &doc.text()[range.clone()];
    let denied = reading.denied(range)
        || (reading.taken_back(range.end) && !NOT_FOR_A_LOT.is_match(after))
        || (DENIED_AFTER.is_match(after) && !NOT_FOR_A_LOT.is_match(after));
    let derogates = DEROGATION.is_match(reading.start_of_sentence(range.start, 120));
    let sentence = &doc.text()[doc.sentence(range.clone())];
    let other_matter = STAFF_MATTER.is_match(sentence) && !MEANS_INSERTION.is_match(sentence);
    if denied
        || derogates
        || ASKED_NO.is_match(doc.after(range.end, 60))
        || other_matter
        || OTHER_SOCIAL.is_match(words)
        || IS_CRITERION_AFTER.is_match(after)
        || IS_CRITERION_BEFORE.is_match(before)
        || ABOUT_CLAUSES.is_match(sentence)
    {
        return false;
    }
    if strong {
        // "Clauses sociales" may be about anything; "éléments à caractère social" of internships only are another matter.
        return !INTERNSHIP_ONLY.is_match(around) || MEANS_INSERTION.is_match(around);
    }
    if !(OBLIGES.is_match(around) && MEANS_PEOPLE.is_match(around)) {
        return false;
    }
    // A group of people, or a plan, is bound by an obligation of its own sentence, not by the next one's ("l'acheteur se
    // réserve…").
    let people = OF_PEOPLE.is_match(words);
    let names_no_duty = people || !words.contains("insertion") && !words.contains("l2112-2") || A_PLAN.is_match(words);
    if names_no_duty {
        let (head, tail) = (reading.start_of_line(range.start, 220), reading.rest_of_line(range.end, 220));
        let own = &doc.text()[range.start - head.len()..range.end + tail.len()];
        if JUDGED.is_match(head) || !OBLIGES.is_match(own) || (people && !HIRES.is_match(own)) {
            return false;
        }
    }
    // An item of a list of criteria is weighed, not owed.
    let head = doc.before(range.start, 170);
    if let Some(list) = CRITERIA.find_iter(head).last()
        && !NO_LONGER_CRITERIA.is_match(&head[list.end()..])
        && !HARD_TALK.is_match(words)
    {
        return false;
    }
    if words.contains("l2112-2") && !MEANS_INSERTION.is_match(around) {
        return false;
    }
    // "Réservé aux structures qui emploient des personnes éloignées de l'emploi" describes who may bid.
    if DESCRIBES_BIDDERS.is_match(sentence) && !HARD_TALK.is_match(sentence) {
        return false;
    }
    // A service *for* people far from employment speaks of them on every page without asking the winner to hire any.
    let title = &doc.text()[doc.passage_range(0)];
    let served = SERVED_PEOPLE.is_match(title) || SERVICE_TALK.is_match(around);
    !served || HARD_TALK.is_match(around)
}

struct Volume {
    range: Range<usize>,
    lots: Vec<String>,
    hours: f64,
    doubt: Option<String>,
    /// Told as a total.
    total: bool,
}

/// Hours near the clause, each once by (lots, value): a form tells them two or three times.
fn volumes(reading: &Reading<'_>, statements: &[Statement]) -> Vec<Volume> {
    let mut found: Vec<Volume> = Vec::new();
    let text = reading.doc.text();
    // What tells its lot one by one is surer than a number alone.
    found.extend(statements.iter().take(MAX_SENTENCES).flat_map(|s| respectively(reading, s)));
    found.extend(statements.iter().take(MAX_SENTENCES).flat_map(|s| listed(reading, s)));
    found.extend(statements.iter().take(MAX_SENTENCES).flat_map(|s| table(reading, s)));
    for window in reading.anchors.windows(Topic::Clause) {
        for c in HOURS.captures_iter(&text[window.clone()]) {
            if let Some((digits, name)) = captured(&c, &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]) {
                let at = window.start + digits.start()..window.start + digits.end();
                let said = name == "h" || c.get(0).is_some_and(|m| m.as_str().contains("insertion"));
                found.extend(volume(reading, statements, at, said));
            }
        }
    }
    // Any other number of hours that the clause's own sentence gives.
    for s in statements.iter().take(MAX_SENTENCES) {
        let sentence = clip(reading, reading.doc.sentence(s.range.clone()), &s.range);
        for c in ANY_HOURS.captures_iter(&text[sentence.clone()]) {
            if let Some((digits, _)) = captured(&c, &["n"]) {
                let at = sentence.start + digits.start()..sentence.start + digits.end();
                let labelled = LABELLED.is_match(reading.doc.before(at.start, 40));
                found.extend(volume(reading, statements, at, labelled));
            }
        }
    }
    found.sort_by_key(|v| v.range.start);
    let mut once: Vec<Volume> = Vec::new();
    for v in found {
        let told = |known: &Volume| {
            known.range.start == v.range.start || (known.lots == v.lots && (known.hours - v.hours).abs() < 0.5)
        };
        if !once.iter().any(told) {
            once.push(v);
        }
    }
    if once.is_empty() {
        once.extend(full_time_posts(reading, statements));
    }
    without_total(once)
}

/// Most statements whose sentences are looked into for volumes.
const MAX_SENTENCES: usize = 60;

/// The part of a sentence within reach of the statement that stands in it.
fn clip(reading: &Reading<'_>, sentence: Range<usize>, statement: &Range<usize>) -> Range<usize> {
    let text = reading.doc.text();
    let start = text.ceil_char_boundary(sentence.start.max(statement.start.saturating_sub(VOLUME_REACH)));
    let end = text.floor_char_boundary(sentence.end.min(statement.end + VOLUME_REACH));
    start..end.max(start)
}

fn captured<'t>(c: &regex::Captures<'t>, names: &[&'static str]) -> Option<(regex::Match<'t>, &'static str)> {
    names.iter().find_map(|n| Some((c.name(n)?, *n)))
}

/// The volume that digits tell, unless they tell something else. `said`: the words around call it insertion.
fn volume(reading: &Reading<'_>, statements: &[Statement], digits: Range<usize>, said: bool) -> Option<Volume> {
    let (mut start, end) = (digits.start, digits.end);
    let text = reading.doc.text();
    // "lot 1 100 h": the first number is the lot's.
    if LOT_JUST_BEFORE.is_match(reading.doc.before(start, 10))
        && let Some(space) = text[start..end].find(' ')
    {
        start += space + 1;
    }
    let hours = number(&text[start..end]).filter(|h| *h > 0.0)?;
    let behind = after_unit(reading, end);
    let yearly_then_total = A_YEAR.is_match(behind) && TOTAL_FOLLOWS.is_match(reading.rest_of_sentence(end, 90));
    if IN_PROPORTION.is_match(behind) || yearly_then_total {
        return None;
    }
    let spurious = NOT_A_VOLUME.is_match(reading.doc.before(start, 40)) || A_WEEK.is_match(behind);
    if !near(reading, statements, start) || (spurious && !said) || (hours <= 48.0 && !said) {
        return None;
    }
    let total = TOTAL_BEFORE.is_match(reading.doc.before(start, 24))
        || DETAIL_FOLLOWS.is_match(reading.rest_of_sentence(end, 90));
    Some(Volume { lots: lots_of_volume(reading, start, end), range: start..end, hours, doubt: None, total })
}

fn near(reading: &Reading<'_>, statements: &[Statement], at: usize) -> bool {
    statements.iter().any(|s| {
        at + VOLUME_REACH >= s.range.start
            && at <= s.range.end + VOLUME_REACH
            && reading.doc.field(at) == reading.doc.field(s.range.start)
    })
}

/// "Les lots 2 et 3 (…) : respectivement 300 et 180 heures": as many volumes as lots, in their order.
fn respectively(reading: &Reading<'_>, statement: &Statement) -> Vec<Volume> {
    pattern!(
        IN_ORDER,
        r"respectivement (?:de |a |d'au moins )?(?P<n>[0-9][0-9 .]*(?: ?h\b| ?heures?\b)?(?:(?: ?, ?| et | ?/ ?)(?:de )?[0-9][0-9 .]*(?: ?h\b| ?heures?\b)?)+)"
    );
    pattern!(ONE, r"[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+");
    let text = reading.doc.text();
    let sentence = clip(reading, reading.doc.sentence(statement.range.clone()), &statement.range);
    let Some(list) = IN_ORDER.captures(&text[sentence.clone()]).and_then(|c| c.name("n")) else { return Vec::new() };
    let start = sentence.start + list.start();
    let words = list.as_str();
    let lots = lot_mentions(reading.start_of_sentence(start, 200)).pop().map(|m| m.lots).unwrap_or_default();
    let numbers: Vec<_> = ONE.find_iter(words).collect();
    if numbers.len() != lots.len() || !words.ends_with(['h', 's']) {
        return Vec::new();
    }
    let volumes = lots.into_iter().zip(numbers).filter_map(|(lot, n)| {
        let hours = number(n.as_str()).filter(|h| *h > 0.0)?;
        Some(Volume { lots: vec![lot], hours, range: start + n.start()..start + n.end(), doubt: None, total: false })
    });
    volumes.collect()
}

/// "Nombre d'heures d'insertion : lot 1 : 80 ; lot 2 : 120": the unit is said once, before the lots.
fn listed(reading: &Reading<'_>, statement: &Statement) -> Vec<Volume> {
    pattern!(
        ITEM,
        r"\b(?:lots? )?(?:n ?° ?)?0*(?P<lot>[0-9]{1,3}[a-gi-z]?) ?(?P<sign>[:=(-]) ?(?P<n>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{2,5}) ?(?:h\b|heures?\b)?"
    );
    let text = reading.doc.text();
    let start = statement.range.start;
    let line = start
        ..reading.doc.line_end(
            statement.range.end,
            statement.range.end + reading.doc.after(statement.range.end, VOLUME_REACH).len(),
        );
    let words = &text[line.clone()];
    let unit_first =
        words.find("heures").is_some_and(|at| at < 70) || words[..words.floor_char_boundary(40)].contains("lot");
    let of_lots = words.contains("lot") || reading.start_of_line(start, 90).contains("lots");
    if !unit_first || !of_lots {
        return Vec::new();
    }
    let items = ITEM.captures_iter(words).filter_map(|c| {
        let (lot, n) = (c.name("lot")?, c.name("n")?);
        let hours = number(n.as_str()).filter(|h| *h > 0.0)?;
        let behind = &words[n.end()..];
        if behind.trim_start().starts_with(['%', '€', '/']) || behind.trim_start().starts_with("pour") {
            return None;
        }
        let lots = vec![vigie_domain::Lot::clean_id(lot.as_str())];
        Some(Volume { range: line.start + n.start()..line.start + n.end(), lots, hours, doubt: None, total: false })
    });
    let items: Vec<Volume> = items.collect();
    if items.len() > 1 { items } else { Vec::new() }
}

/// Rows of a table under the clause whose heading names lots and hours: "Lot | Heures", then "1 | 250".
fn table(reading: &Reading<'_>, statement: &Statement) -> Vec<Volume> {
    pattern!(HEADING, r"\blots?\b.*\b(?:heures?|volumes?|nombre)\b|\b(?:heures?|volumes?|nombre)\b.*\blots?\b");
    pattern!(
        ROW,
        r"^[^a-z0-9]*(?:lots? ?)?(?:n ?° ?)?0*(?P<lot>[0-9]{1,3}[a-gi-z]?)\b(?:[^0-9].*?)?(?:[|:;=(-] ?(?P<n>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\.?|heures?)?| (?P<m>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]+) ?(?:h\.?|heures?))[^a-z0-9%€]*$"
    );
    let text = reading.doc.text();
    let lines = reading.doc.lines_after(statement.range.start, MAX_ROWS);
    let own_line = {
        let start = reading.doc.line_start(statement.range.start, reading.doc.sentence(statement.range.clone()).start);
        start..reading.doc.line_end(statement.range.end, (statement.range.end + 200).min(text.len()).max(start))
    };
    let mut rows = Vec::new();
    let own = text.get(own_line).unwrap_or_default();
    let mut inside = HEADING.is_match(own);
    // "Nombre d'heures d'insertion", then "Lot 1 : 1 200": the rows name the lots.
    let rows_name_lots = (own.contains("heures") || own.contains("volume")) && !ANY_HOURS.is_match(own);
    for line in lines {
        let Some(words) = text.get(line.clone()) else { break };
        match ROW
            .captures(words.trim_end())
            .filter(|_| inside || (rows_name_lots && words.trim_start().starts_with("lot")))
        {
            Some(c) => {
                let (Some(lot), Some(n)) = (c.name("lot"), c.name("n").or(c.name("m"))) else { continue };
                let Some(hours) = number(n.as_str()).filter(|h| *h > 0.0) else { continue };
                let lots = vec![vigie_domain::Lot::clean_id(lot.as_str())];
                let range = line.start + n.start()..line.start + n.end();
                rows.push(Volume { range, lots, hours, doubt: None, total: false });
            }
            None if rows.is_empty() => inside |= HEADING.is_match(words),
            None if words.trim().is_empty() => {}
            None => break,
        }
    }
    rows
}

/// Most lines of a table of hours.
const MAX_ROWS: usize = 40;

fn after_unit<'a>(reading: &Reading<'a>, end: usize) -> &'a str {
    pattern!(UNIT, r"^ ?(?:heures?|h)\b");
    let after = reading.doc.after(end, 40);
    UNIT.find(after).map_or(after, |m| &after[m.end()..])
}

/// The lot named nearest before the number in its sentence, else just after it, else the block's.
fn lots_of_volume(reading: &Reading<'_>, start: usize, end: usize) -> Vec<String> {
    let named = lot_mentions(reading.start_of_sentence(start, 120)).pop();
    let after = reading.rest_of_sentence(end, 60);
    let after = after.find(" et ").map_or(after, |i| &after[..i]);
    pattern!(FOR_LOT, r"^ ?(?:h\b\.?|heures?)?[^0-9,:;]{0,30}?(?:\( ?|(?:pour|sur) (?:le |les )?|au |du )lots? ");
    let named = if FOR_LOT.is_match(after) { lot_mentions(after).into_iter().next().or(named) } else { named };
    named.map(|m| m.lots).or_else(|| reading.doc.lot_at(start).map(|l| vec![l.to_owned()])).unwrap_or_default()
}

fn full_time_posts(reading: &Reading<'_>, statements: &[Statement]) -> Option<Volume> {
    statements.iter().find_map(|s| {
        let sentence = reading.doc.sentence(s.range.clone());
        let c = FULL_TIME.captures(&reading.doc.text()[sentence.clone()])?;
        let n = c.name("n")?;
        let start = sentence.start + n.start();
        let posts = number(n.as_str()).or_else(|| n.as_str().replace(',', ".").parse().ok())?;
        Some(Volume {
            range: start..sentence.start + n.end(),
            total: false,
            lots: s.lots.clone(),
            hours: (posts * HOURS_A_YEAR).round(),
            doubt: Some(format!("volume donné en ETP : {posts} × 1 607 h (base légale)")),
        })
    })
}

/// When lots are told one by one, a number that is their sum is the total told again.
fn without_total(mut volumes: Vec<Volume>) -> Vec<Volume> {
    let single = |v: &&Volume| v.lots.len() == 1 && !v.total;
    let sum: f64 = volumes.iter().filter(single).map(|v| v.hours).sum();
    let several = volumes.iter().filter(single).count() > 1;
    if several {
        volumes.retain(|v| !v.total && (v.lots.len() == 1 || (v.hours - sum).abs() > 0.5));
    }
    volumes
}

/// The shares of hours that the clause's sentences tell, once by lots.
fn percents(reading: &Reading<'_>, statements: &[Statement]) -> Vec<Share> {
    let mut found: Vec<Share> = Vec::new();
    for s in statements.iter().take(MAX_SENTENCES) {
        let before = reading.start_of_sentence(s.range.start, 160).len();
        let end = s.range.end + reading.rest_of_sentence(s.range.end, 260).len();
        let start = s.range.start - before;
        let text = &reading.doc.text()[start..end];
        let by_lot: Vec<Share> = LOT_SHARE
            .captures_iter(text)
            .filter_map(|c| {
                let (lot, n) = (c.name("lot").or(c.name("of"))?, c.name("n").or(c.name("m"))?);
                let range = start + c.get(0)?.start()..start + c.get(0)?.end();
                Some(Share {
                    lots: vec![vigie_domain::Lot::clean_id(lot.as_str())],
                    percent: percent(n.as_str())?,
                    range,
                })
            })
            .collect();
        let shares = if by_lot.len() > 1 {
            by_lot
        } else {
            let Some(c) = PERCENT.captures(text) else { continue };
            let Some((digits, _)) = captured(&c, &["a", "b", "c"]) else { continue };
            let Some(percent) = percent(digits.as_str()) else { continue };
            let range = c.get(0).map_or(s.range.clone(), |m| start + m.start()..start + m.end());
            vec![Share { lots: s.lots.clone(), percent, range }]
        };
        for share in shares {
            if !found.iter().any(|k| k.lots == share.lots && (k.percent - share.percent).abs() < f64::EPSILON) {
                found.push(share);
            }
        }
    }
    found
}

/// A share of hours, with its words.
struct Share {
    lots: Vec<String>,
    percent: f64,
    range: Range<usize>,
}

fn percent(digits: &str) -> Option<f64> {
    digits.replace(',', ".").parse().ok().filter(|p| *p > 0.0 && *p <= 100.0)
}

fn optional(reading: &Reading<'_>, range: &Range<usize>) -> bool {
    pattern!(OPTIONAL, r"facultati|souhait|encourag|incitati|pourra (?:proposer|prevoir)");
    let sentence = reading.doc.sentence(range.clone());
    OPTIONAL.is_match(&reading.doc.text()[sentence])
}

fn cited_article(reading: &Reading<'_>, statements: &[Statement]) -> Option<String> {
    pattern!(ARTICLE, r"l2112-2(?:-1)?|l3114-2|article (?:14 du code|38 de l'ordonnance)");
    let near = statements.iter().find_map(|s| {
        let before = reading.doc.before(s.range.start, 220).len();
        let end = s.range.end + reading.doc.after(s.range.end, 220).len();
        ARTICLE.find(&reading.doc.text()[s.range.start - before..end]).map(|m| m.as_str())
    })?;
    Some(match near {
        a if a.starts_with("article 14") => "article 14 (ancien code)".to_owned(),
        a if a.starts_with("article 38") => "article 38 (ordonnance 2015-899)".to_owned(),
        a => a.to_uppercase(),
    })
}
