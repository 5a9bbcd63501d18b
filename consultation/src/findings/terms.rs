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
pattern!(
    CLAUSE_PENALTY,
    r"penalit|penalis|amende|pour chaque heure|par heure|heures? non (?:realisee|effectuee|executee)s?"
);
pattern!(CLAUSE_UNDONE, r"penalit|penalis|non (?:realisee|effectuee|executee|respect)|inexecut|manque|defaut|sanction");
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
    r"embauche directe|recrutement direct|mise a disposition|sous-trait|co-?trait|interim|\betti\b|\bgeiq\b|association intermediaire|entreprise d'insertion|apprentissage|professionnalisation|recours a"
);
pattern!(
    VALIDITY,
    r"validite des (?:offres|propositions)|(?:delai|duree) (?:minimum |minimale |maximale? )?(?:de|pendant lequel|durant laquelle)[^.]{0,40}(?:valid|engage|lies?|tenu)[^.]{0,60}offre|(?:maintenir|lie[es]* par|engages? par|tenus? de maintenir)[^.]{0,20} (?:son|leur|l'|leurs) ?offres?|offres?[^.]{0,40}(?:valables?|valides?)\b|restent valables"
);
pattern!(
    QUESTION,
    r"(?:questions?|renseignements? complementaires?|demandes? (?:de renseignements|d'informations?|ecrites?))[^.]*(?:au plus tard|avant|jours|delai)"
);
pattern!(VARIANT, r"\bvariantes?\b");
pattern!(TURNOVER, r"chiffres? d'affaires");
pattern!(
    REFERENCES,
    r"\breferences?\b|liste des (?:principa(?:ux|les) )?(?:services|prestations|travaux|fournitures|livraisons|marches)|certificats? de bonne execution|attestations? de bonne execution"
);
pattern!(INSURANCE, r"\bassurances?\b|responsabilite civile|decennale");
pattern!(
    CERTIFICATE,
    r"qualipropre|qualibat|qualifelec|\biso ?[0-9]{4,5}|certificats? de qualification|certifications?\b|qualifications? (?:professionnelles?|exigee)|habilitations?|agrement|\bcnaps\b|\bmase\b|certiphyto|\bhaccp\b|ecolabels?"
);
pattern!(
    PAYMENT,
    r"delai (?:global |maximum |maximal )?de (?:paiement|reglement|mandatement)|(?:paiement|paye|regl|mandat|verse)[a-z]*[^.]{0,80}(?:delai|sous)[^.]{0,24}[0-9]+\)? ?jours|trente jours"
);
pattern!(ADVANCE, r"\bavances?\b");
pattern!(NO_ADVANCE, r"(?:jours?|heures?|mois|semaines?|paye[a-z]*) d'avance|en avance|a l'avance|par avance");
pattern!(RETENTION, r"retenue de garantie|garantie a premiere demande|caution personnelle");
pattern!(
    PRICES,
    r"prix[^.]{0,60}(?:fermes?|revisables?|revises?|actualisables?|ajustables?|actualises?)|revision (?:annuelle )?(?:des|du|de) prix|formule de (?:revision|variation)|coefficient de revision|clause (?:butoir|de sauvegarde)"
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
    r"(?P<n>[0-9]{1,3}) ?(?:\([^)]{1,30}\) ?)?jours?|\((?P<m>[0-9]{1,3})\) ?jours?|(?P<w>trente|soixante|quatre-vingt-dix|cent vingt|cent quatre-vingts?|dix|huit|quinze|six) (?:\([0-9]{1,3}\) )?jours"
);
pattern!(
    MONTHS,
    r"(?P<n>[0-9]{1,2}) ?(?:\([^)]{1,20}\) ?)?mois|(?P<w>deux|trois|quatre|cinq|six) (?:\([0-9]{1,2}\) )?mois"
);
pattern!(
    REFUSES,
    r"(?:ne|n')[^.]{0,30}(?:pas|aucune?|point)|interdit|exclu|sans (?:avance|retenue)|\baucune?\b|non autoris|neant|refuse"
);
pattern!(ALLOWS, r"autoris|admis|possible|accept|prevu|libre|peu[vt]|verse|accorde|applique|preleve|opere|soit\b|fixe");

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

fn sought() -> [Sought; 17] {
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
        Sought { needs_amount: true, ..row(Term::PaymentDelay, &PAYMENT, "paiement", ADMINISTRATIVE, Reads::Delay) },
        row(Term::Advance, &ADVANCE, "avance", ADMINISTRATIVE, Reads::Share),
        row(Term::Retention, &RETENTION, "garantie", ADMINISTRATIVE, Reads::Share),
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

/// The terms of a piece, the two surest sentences of each.
pub(super) fn read(piece: &Written, sentences: &[Sentence]) -> Vec<Finding> {
    const KEPT: usize = 2;
    if !is_read(piece.kind) {
        return Vec::new();
    }
    let headings: Vec<String> = (0..piece.articles.len()).map(|a| piece.headings(Some(a))).collect();
    let mut out = Vec::new();
    for sought in sought() {
        let mut found: Vec<Finding> = Vec::new();
        for sentence in sentences {
            let above = sentence.article.map_or("", |a| headings[a].as_str());
            let own = sentence.article.map_or("", |a| piece.articles[a].title.as_str());
            found.extend(told(&sought, piece, sentence, above, own));
        }
        found.sort_by_key(|f| std::cmp::Reverse(f.weight));
        found.truncate(KEPT);
        out.extend(found);
    }
    out
}

fn told(sought: &Sought, piece: &Written, sentence: &Sentence, above: &str, own: &str) -> Option<Finding> {
    let text = &sentence.folded;
    let named = own.contains(sought.under);
    // Under an article of that very name a sentence may leave the name out, if it gives the number.
    let says = sought.words.is_match(text);
    let bare = named && matches!(sought.reads, Reads::Share | Reads::Delay | Reads::YesNo);
    if !says && !bare {
        return None;
    }
    if let Some(within) = sought.within
        && !(within.is_match(text) || within.is_match(above) || piece.kind == Kind::SocialAnnex)
    {
        return None;
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
    if amount.is_none() && (sought.needs_amount || !says) {
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
