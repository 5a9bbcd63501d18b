//! Terms: one table of what is looked for, by what words, under which headings, in which pieces, and how its number is read.
//!
//! A sentence tells a term if its words do; that it stands under an article of that name, in the piece where it belongs, and gives the
//! number, makes it surer. The two surest of a piece are kept.

use regex::Regex;
use vigie_classify::pattern;

use super::sentence::Sentence;
use super::{Amount, Finding, Term, What};
use crate::piece::Kind;
use crate::written::Written;

pattern!(
    INSERTION,
    r"insertion|clauses? sociales?|action sociale d|eloignee?s? de l'emploi|publics? (?:vises?|eligibles?|concernes?|prioritaires?)"
);
// What makes of an article one on the clause, whatever its title: "Emploi et formation sur le chantier", "Main-d'œuvre".
pattern!(
    OF_CLAUSE,
    r"eloignee?s? (?:de l'|du marche de l'|du marche du )(?:emploi|travail)|action d'insertion|heures? d'insertion|clauses? (?:sociales?|d'insertion)|insertion professionnelle|part d'insertion|insertion par l'activite"
);
pattern!(
    DUTY,
    r"reserv|realis|consacr|s'engage|engagement|fait beneficier|font beneficier|comporte|fait application|mise? en oeuvre|contractuel|accept|confie"
);
pattern!(
    CLAUSE_WORDS,
    r"eloignee?s? de l'emploi|action d'insertion|insertion (?:professionnelle|sociale|par l'activite|de)|difficultes? (?:d'acces|sociales|d'insertion|particulieres)|clauses? (?:sociales?|d'insertion)|l\. ?2112-2\b|l\. ?2112-2-1|publics? (?:vises?|eligibles?|concernes?|prioritaires?)"
);
pattern!(
    NO_CLAUSE,
    r"(?:ne comporte|ne comprend|n'est (?:assorti|soumis)|sans|aucune?|pas de)[^.;]{0,40}(?:consideration|clause|condition)s? (?:d'execution (?:a caractere )?)?(?:social|d'insertion)"
);
pattern!(
    NOT_RESERVED,
    r"aucun (?:des )?lots?[^.;]{0,30}(?:est|sont) reserve|(?:marche|lot|participation)s?[^.;]{0,30} n'(?:est|etant) pas reservee?|(?:marche|participation) reservee? ?: ?non|ne sont pas reserves? au sens"
);
pattern!(VISIT, r"\bvisites?\b");
pattern!(
    OTHER_VISIT,
    r"visites? (?:medicale|periodique|preventive|de controle|technique|de maintenance|d'entretien|de chantier|mensuelle|hebdomadaire|de reprise|d'information et de prevention)|rendez-vous de visite|carte de visite"
);
pattern!(MUST_VISIT, r"obligatoire|impose|doi[vt]|exige|irregul");
pattern!(
    NO_VISIT,
    r"aucune visite|pas de visite|(?:n'est|ne sera)[^.]{0,20} (?:prevu|organise)[^.]{0,10} de visite|visites? (?:n'est|ne sont|ne sera)[^.]{0,30} (?:prevu|organise)|n'appelle pas de visite"
);
pattern!(ASKED, r"minimum|minimal|au moins|exige|superieur|inferieur|egal");
pattern!(
    CLAUSE_PENALTY,
    r"penalit|penalis|amende|pour chaque heure|par heure|heures? non (?:realisee|effectuee|executee)s?"
);
pattern!(
    CLAUSE_UNDONE,
    r"penalit|penalis|non (?:realisee|effectuee|executee|respect|atteint)|inexecut|manque|manquant|defaut|sanction|refus persistant"
);
pattern!(
    PROOF,
    r"justif|attest|transm|bulletins?|releves?|tableau de (?:bord|suivi)|bilan|controle|communiqu|reporting|renseignements"
);
pattern!(
    FACILITATOR,
    r"facilitat|\bplie\b|maison de l'emploi|guichet (?:unique )?(?:des )?clauses|cellule (?:clause|insertion)|charge[e]?s? (?:de mission )?(?:des |de la )?(?:clause|insertion)|mission (?:locale|insertion)|assistance[^.]{0,60}clause|dispositif d'accompagnement|accompagn[^.]{0,80}(?:clause|insertion)"
);
pattern!(
    PUBLICS,
    r"demandeurs? d'emploi|\brsa\b|travailleurs? handicapes?|\brqth\b|\bboeth\b|moins de 26 ans|jeunes|minima sociaux|allocataires?|quartiers? prioritaires?|\bqpv\b|longue duree|\bdetld\b|primo[- ]arrivant|refugies"
);
pattern!(
    MODALITIES,
    r"embauche directe|recrutement direct|mise a disposition (?:de (?:personnel|salarie|travailleur|main|demandeur)|par|via|aupres|d'un salarie|du personnel)|sous-trait|co-?trait|interim|\betti\b|\bgeiq\b|association intermediaire|entreprise d'insertion|apprentissage|professionnalisation|recours a"
);
pattern!(
    VALIDITY,
    r"validite des (?:offres|propositions)|(?:delai|duree) (?:minimum |minimale |maximale? )?(?:de|pendant lequel|durant laquelle)[^.]{0,40}(?:valid|engage|lies?|tenu)[^.]{0,60}offre|(?:maintenir|lie[es]* par|engages? par|tenus? de maintenir)[^.]{0,20} (?:son|leur|l'|leurs) ?offres?|offres?[^.]{0,40}(?:valables?|valides?)\b|restent valables|tenus? (?:par|de) (?:son|leurs?) offre|maintient son offre|(?:le|me|nous) (?:lie|engage)\b[^.]{0,60}(?:jours|mois|duree|delai)|^duree de validite"
);
pattern!(
    QUESTION,
    r"(?:questions?|renseignements? complementaires?|demandes? (?:de renseignements|d'informations?|ecrites?))[^.]*(?:au plus tard|avant|jours|delai)"
);
pattern!(VARIANT, r"\bvariantes?\b|prestations? supplementaires? eventuelles?|\bpse\b");
pattern!(TURNOVER, r"chiffres? d'affaires");
pattern!(
    REFERENCES,
    r"\breferences\b(?: (?:professionnelles?|similaires?|equivalentes?|recentes?|de|des|d'|en|sur|au|dans|pour|relatives?)|[^a-z]*$)|(?:une|deux|trois|quatre|cinq) references?\b|liste des (?:principa(?:ux|les) )?(?:services|prestations|travaux|fournitures|livraisons|marches)|certificats? de bonne execution|attestations? de bonne execution"
);
pattern!(NO_INSURANCE, r"assurance[- ]qualite|plan d'assurance");
pattern!(INSURANCE, r"\bassurances?\b|responsabilite civile|decennale");
pattern!(
    CERTIFICATE,
    r"qualipropre|qualibat|qualifelec|\biso ?[0-9]{4,5}|certificats? de qualification|certifications?\b|qualifications? (?:professionnelles?|exigee)|habilitations?|agrement|\bcnaps\b|\bmase\b|certiphyto|\bhaccp\b|ecolabels?"
);
pattern!(
    PAYMENT,
    r"delai (?:global |maximum |maximal )?de (?:paiement|reglement|mandatement)|(?:paiement|paye|regl|mandat|verse)[a-z]*[^.]{0,80}(?:delai|sous)[^.]{0,24}(?:[0-9]+\)? ?|[a-z-]+ )jours|interets moratoires|chorus pro|acomptes? mensuels?|factur(?:e|ation)s? (?:est|sont) (?:mensuel|transmis|depos)|demandes? de paiement"
);
pattern!(ADVANCE, r"\bavances?\b");
pattern!(NO_ADVANCE, r"(?:jours?|heures?|mois|semaines?|paye[a-z]*) d'avance|en avance|a l'avance|par avance");
pattern!(RETENTION, r"retenue de garantie|garantie a premiere demande|caution personnelle");
pattern!(
    PRICES,
    r"prix[^.]{0,60}(?:fermes?|revisables?|revises?|actualisables?|ajustables?|actualises?)|revision (?:annuelle )?(?:des|du|de) prix|formule (?:de (?:revision|variation)|p ?=|cn ?=|du ccap)|mois zero|(?:hausse|augmentation)[^.]{0,40} (?:limitee?|excede|plafonn)|revises? (?:annuellement|une fois|au )|ind(?:ex|ices?) (?:bt|tp|icht)|coefficient de revision|clause (?:butoir|de sauvegarde)"
);
pattern!(
    TAKEOVER,
    r"repri(?:se|ses) (?:d[ue]s? |de l'ensemble du |obligatoire du )?(?:personnels?|salaries?|agents)|l ?\.?1224-1|personnels? (?:a reprendre|repris|transferables?)|transfert (?:conventionnel )?d(?:u|es) (?:personnels?|contrats? de travail|salaries)|article 7 de la convention collective"
);

pattern!(
    EUROS,
    r"(?P<n>[0-9]{1,3}(?:[ .\u{a0}\u{202f}][0-9]{3})+(?:,[0-9]{1,2})?|[0-9]+(?:,[0-9]{1,2})?) ?(?:€|euros?\b|eur\b)"
);
pattern!(PERCENT, r"(?P<n>[0-9]{1,3}(?:[.,][0-9]{1,2})?) ?(?:\([^)]{0,20}\) ?)?(?:%|pour ?cent)");
pattern!(
    DAYS,
    r"(?P<n>[0-9]{1,3}) ?(?:\([^)]{1,30}\) ?)?jours?|\((?P<m>[0-9]{1,3})\) ?jours?|(?P<w>trente|quarante-cinq|quarante|cinquante|soixante|quatre-vingt-dix|cent vingt|cent quatre-vingts?|dix|huit|quinze|six) (?:\([0-9]{1,3}\) )?jours"
);
pattern!(
    MONTHS,
    r"(?P<n>[0-9]{1,2}) ?(?:\([^)]{1,20}\) ?)?mois|(?P<w>deux|trois|quatre|cinq|six) (?:\([0-9]{1,2}\) )?mois"
);
pattern!(
    REFUSES,
    r"(?:ne|n')[^.]{0,30}(?:pas|aucune?|point)|interdit|exclu|sans (?:avance|retenue)|\baucune?\b|non autoris|neant|refuse"
);
pattern!(
    ALLOWS,
    r"autoris|admis|possible|accept|pris[es]* en consideration|prevu|libre|peu[vt]|verse|accorde|applique|preleve|opere|soit\b|fixe"
);

/// How the number of a term is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Nothing,
    Euros,
    /// Days, else months.
    Delay,
    /// A share, else yes or no.
    Share,
    YesNo,
    /// It is not there.
    Absent,
    /// A visit that one must make, or that there is none.
    Visit,
}

/// What is looked for.
struct Sought {
    term: Term,
    words: &'static Regex,
    /// Headings that make it surer.
    under: &'static str,
    /// Words of which the sentence or its headings must have one.
    within: Option<&'static Regex>,
    pieces: &'static [Kind],
    reads: Reads,
    /// The number is what is asked: a sentence without it tells nothing.
    needs_amount: bool,
}

const ADMINISTRATIVE: &[Kind] = &[Kind::Ccap, Kind::Ccp, Kind::SocialAnnex, Kind::Ae];
const SOCIAL: &[Kind] = &[Kind::SocialAnnex, Kind::Ccap, Kind::Ccp, Kind::Ae, Kind::Rc];
const RULES: &[Kind] = &[Kind::Rc, Kind::Ccp, Kind::Notice];

fn sought() -> [Sought; 21] {
    let row = |term, words, under, pieces, reads| Sought {
        term,
        words,
        under,
        within: None,
        pieces,
        reads,
        needs_amount: false,
    };
    let social =
        |term, words, under, reads| Sought { within: Some(&*INSERTION), ..row(term, words, under, SOCIAL, reads) };
    [
        Sought { within: Some(&*DUTY), ..social(Term::ClauseDuty, &CLAUSE_WORDS, "insertion", Reads::Nothing) },
        row(Term::NoClause, &NO_CLAUSE, "execution", RULES, Reads::Absent),
        row(Term::NotReserved, &NOT_RESERVED, "reserve", RULES, Reads::Absent),
        row(Term::Visit, &VISIT, "visite", RULES, Reads::Visit),
        social(Term::ClausePenalty, &CLAUSE_PENALTY, "penalit", Reads::Euros),
        social(Term::ClauseProof, &PROOF, "control", Reads::Nothing),
        Sought { pieces: SOCIAL, ..social(Term::Facilitator, &FACILITATOR, "accompagn", Reads::Nothing) },
        social(Term::Publics, &PUBLICS, "public", Reads::Nothing),
        social(Term::Modalities, &MODALITIES, "modalite", Reads::Nothing),
        Sought { needs_amount: true, ..row(Term::Validity, &VALIDITY, "validite", RULES, Reads::Delay) },
        Sought { needs_amount: true, ..row(Term::QuestionDelay, &QUESTION, "renseignement", RULES, Reads::Delay) },
        row(Term::Variants, &VARIANT, "variante", RULES, Reads::YesNo),
        row(Term::MinimumTurnover, &TURNOVER, "capacite", RULES, Reads::Euros),
        row(Term::References, &REFERENCES, "capacite", RULES, Reads::Nothing),
        row(Term::Insurance, &INSURANCE, "assurance", ADMINISTRATIVE, Reads::Nothing),
        row(Term::Certificate, &CERTIFICATE, "capacite", RULES, Reads::Nothing),
        Sought { needs_amount: false, ..row(Term::PaymentDelay, &PAYMENT, "paiement", ADMINISTRATIVE, Reads::Delay) },
        row(Term::Advance, &ADVANCE, "avance", ADMINISTRATIVE, Reads::Share),
        row(Term::Retention, &RETENTION, "retenue", ADMINISTRATIVE, Reads::Share),
        row(Term::PriceRevision, &PRICES, "prix", ADMINISTRATIVE, Reads::Nothing),
        row(
            Term::StaffTakeover,
            &TAKEOVER,
            "personnel",
            &[Kind::Cctp, Kind::Ccap, Kind::Ccp, Kind::Rc, Kind::StaffList],
            Reads::Nothing,
        ),
    ]
}

/// Where terms are looked for at all.
fn is_read(kind: Kind) -> bool {
    !matches!(kind, Kind::Bpu | Kind::Dpgf | Kind::Form | Kind::Plan)
}

/// The terms of a piece, the surest sentences of each.
pub(super) fn read(piece: &Written, sentences: &[Sentence]) -> Vec<Finding> {
    const KEPT: usize = 5;
    if !is_read(piece.kind) {
        return Vec::new();
    }
    let headings: Vec<String> = (0..piece.articles.len()).map(|a| piece.headings(Some(a))).collect();
    let mut of_clause = vec![false; piece.articles.len()];
    for sentence in sentences {
        if let Some(article) = sentence.article.filter(|_| OF_CLAUSE.is_match(&sentence.folded)) {
            of_clause[article] = true;
        }
    }
    let mut out = turnover_rows(piece);
    for sought in sought() {
        let mut found: Vec<Finding> = Vec::new();
        for sentence in sentences {
            let above = sentence.article.map_or("", |a| headings[a].as_str());
            let own = sentence.article.map_or("", |a| piece.articles[a].title.as_str());
            let speaks = sentence.article.is_some_and(|a| of_clause[a]);
            found.extend(told(&sought, piece, sentence, (above, own, speaks)));
        }
        found.sort_by_key(|f| std::cmp::Reverse(f.weight));
        found.truncate(KEPT);
        out.extend(found);
    }
    out
}

/// `above`: the headings over a sentence; `own`: that of its article; `speaks`: its article is on the clause.
fn told(
    sought: &Sought,
    piece: &Written,
    sentence: &Sentence,
    (above, own, speaks): (&str, &str, bool),
) -> Option<Finding> {
    let text = &sentence.folded;
    let named = own.contains(sought.under);
    // Under an article of that very name a sentence may leave the name out, if it gives the number.
    let says = sought.words.is_match(text);
    let alone = match sought.term {
        Term::Insurance => named && own.len() < 60,
        Term::PriceRevision => ["revis", "variation", "actualis"].iter().any(|w| own.contains(w)),
        _ => false,
    };
    let bare = alone || named && matches!(sought.reads, Reads::Share | Reads::Delay | Reads::YesNo);
    if !says && !bare {
        return None;
    }
    if let Some(within) = sought.within
        && !(within.is_match(text)
            || sought.term != Term::ClauseDuty && (within.is_match(above) || speaks || piece.kind == Kind::SocialAnnex))
    {
        return None;
    }
    match sought.term {
        // The head of a table, and what only opens a list.
        _ if text.contains(" | ") && !text.bytes().any(|b| b.is_ascii_digit()) && text.len() < 90 => return None,
        Term::References if !(RULES.contains(&piece.kind) || piece.kind == Kind::Other) || text.ends_with(':') => {
            return None;
        }
        Term::Insurance if NO_INSURANCE.is_match(text) => return None,
        Term::Visit if OTHER_VISIT.is_match(text) || !RULES.contains(&piece.kind) => return None,
        Term::NoClause | Term::NotReserved if !(RULES.contains(&piece.kind) || piece.kind == Kind::Ccap) => {
            return None;
        }
        Term::MinimumTurnover if !ASKED.is_match(text) => return None,
        Term::ClauseDuty if !(speaks || INSERTION.is_match(above)) => return None,
        _ => {}
    }
    if sought.term == Term::Advance && NO_ADVANCE.is_match(text) && !text.contains("une avance") {
        return None;
    }
    if sought.term == Term::ClausePenalty && !CLAUSE_UNDONE.is_match(text) {
        return None;
    }
    let amount = amount(sought.reads, text);
    // A heading names the matter; only with its figure does it say something.
    if sentence.is_heading
        && !matches!(amount, Some(Amount::Euros(_) | Amount::Percent(_) | Amount::Days(_) | Amount::Months(_)))
    {
        return None;
    }
    if amount.is_none() && (sought.needs_amount || !says && !alone) {
        return None;
    }
    let mut weight = 10;
    weight += if amount.is_some() { 8 } else { 0 };
    weight += if named { 5 } else { 0 };
    weight += if says { 4 } else { 0 };
    weight += match sought.pieces.iter().position(|k| *k == piece.kind) {
        Some(rank) => 6u8.saturating_sub(rank as u8),
        None => 0,
    };
    // A word in passing, in a sentence about something else.
    if text.len() < 25 {
        weight -= 4;
    }
    let what = What::Term { term: sought.term, amount };
    Some(Finding::new(what, piece, sentence.range.clone(), weight))
}

/// The rows of a table that gives a least turnover lot by lot.
fn turnover_rows(piece: &Written) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut head = "";
    for line in &piece.lines {
        let row = line.folded.contains(" | ") && EUROS.is_match(&line.folded);
        if !row {
            // What a cell wraps into stands between two rows.
            if line.folded.len() > 40 || TURNOVER.is_match(&line.folded) || line.is_heading {
                head = &line.folded;
            }
            continue;
        }
        if let Some(euros) = number(&EUROS, &line.folded).filter(|_| TURNOVER.is_match(head)) {
            let what = What::Term { term: Term::MinimumTurnover, amount: Some(Amount::Euros(euros)) };
            out.push(Finding::new(what, piece, line.range.clone(), 30));
        }
    }
    out
}

fn amount(reads: Reads, text: &str) -> Option<Amount> {
    let yes_no = || match (REFUSES.is_match(text), ALLOWS.is_match(text)) {
        (true, _) => Some(Amount::Allowed(false)),
        (false, true) => Some(Amount::Allowed(true)),
        (false, false) => None,
    };
    match reads {
        Reads::Nothing => None,
        Reads::Euros => number(&EUROS, text).map(Amount::Euros),
        Reads::Delay => number(&DAYS, text).map(Amount::Days).or_else(|| number(&MONTHS, text).map(Amount::Months)),
        Reads::Share => number(&PERCENT, text).map(Amount::Percent).or_else(yes_no),
        Reads::YesNo => yes_no(),
        Reads::Absent => Some(Amount::Allowed(false)),
        Reads::Visit if NO_VISIT.is_match(text) => Some(Amount::Allowed(false)),
        Reads::Visit => MUST_VISIT.is_match(text).then_some(Amount::Allowed(true)),
    }
}

fn number(expression: &Regex, text: &str) -> Option<f64> {
    let found = expression.captures(text)?;
    let group = |name| found.name(name).map(|m: regex::Match<'_>| m.as_str());
    if let Some(digits) = group("n").or_else(|| group("m")) {
        let bare: String = digits.chars().filter(|c| c.is_ascii_digit() || *c == ',').collect();
        // "1.500" is a thousand and more, "2.5" is not: amounts of money part thousands, shares do not.
        let bare = if digits.contains('.') && digits.rsplit('.').next().is_some_and(|d| d.len() < 3) {
            digits.to_owned()
        } else {
            bare
        };
        return bare.replace(',', ".").parse().ok();
    }
    let words = group("w").and_then(vigie_classify::numerals::counted).map(f64::from);
    // "quatre-vingt-dix (90) jours": the digits of what was found, where its words are no number.
    words.or_else(|| found.get(0)?.as_str().split(|c: char| !c.is_ascii_digit()).find(|d| !d.is_empty())?.parse().ok())
}
