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
    NO_CLAUSE,
    r"(?:ne comporte|ne comprend|n'est (?:assorti|soumis)|sans|aucune?|pas de)[^.;]{0,40}(?:consideration|clause|condition)s? (?:d'execution (?:a caractere )?)?(?:social|d'insertion)|(?:consideration|clause|condition)s?[^.:;]{0,60}social[^.:;]{0,40} ?: ?(?:aucune?|neant|non|sans objet)\b"
);
pattern!(VISIT, r"\bvisites?\b");
pattern!(
    OTHER_VISIT,
    r"^[-–• \x{f0b7}]*(?:l'|une? |le )?(?:attestation|certificat) de visite|visites? (?:medicale|periodique|preventive|de controle|technique|de maintenance|d'entretien|de chantier|mensuelle|hebdomadaire|de reprise|d'information et de prevention)|rendez-vous de visite|carte de visite"
);
pattern!(MUST_VISIT, r"obligatoire|impose|doi[vt]|exige|irregul");
// A row that says of a lot whether its place is visited.
pattern!(VISIT_OF_LOT, r"facultati|obligatoire|neant|sans objet");
pattern!(MAY_VISIT, r"sans etre (?:imposee|obligatoire)|n'est pas (?:obligatoire|imposee)|non obligatoire|facultati");
pattern!(
    NO_VISIT,
    r"aucune visite|pas de visite|(?:n'est|ne sera)[^.]{0,20} (?:prevu|organise)[^.]{0,10} de visite|visites? (?:n'est|ne sont|ne sera)[^.]{0,30} (?:prevu|organise)|n'appelle pas de visite"
);
pattern!(
    IS_VISIT,
    r"facultative|rendez-vous|conseillee|sur place|inscription|\bdates?\b|lieu|attest|certificat|emargement|preuve|delegue|absence|participant|convoqu|[0-9] ?h(?:eures?)?\b"
);
pattern!(ASKED, r"minimum|minimal|au moins|exige|superieur|inferieur|egal");
pattern!(
    VALIDITY,
    r"validite des (?:offres|propositions)|(?:delai|duree) (?:minimum |minimale |maximale? )?(?:de|pendant lequel|durant laquelle)[^.]{0,40}(?:valid|engage|lies?|tenu)[^.]{0,60}offre|(?:maintenir|lie[es]* par|engages? par|tenus? de maintenir)[^.]{0,20} (?:son|leur|l'|leurs) ?offres?|offres?[^.]{0,40}(?:valables?|valides?)\b|restent valables|tenus? (?:par|de) (?:son|leurs?) offre|maintient son offre|(?:le|me|nous|leurs? auteurs?|l'entreprise|le candidat|le soumissionnaire) (?:lie|engage)\b[^.]{0,60}(?:jours|mois|duree|delai)|offres? (?:[^.]{0,30}ne )?(?:lient?|engagent?) [^.]{0,80}(?:jours|mois)|conditions valent (?:pendant|durant)|^duree de validite"
);
pattern!(
    QUESTION,
    r"(?:questions?|renseignements? complementaires?|demandes? (?:de renseignements|d'informations?|d'eclaircissements?|de precisions?|ecrites?))[^.]*(?:au plus tard|avant|jours?|delai)"
);
pattern!(VARIANT, r"\bvariantes?\b|prestations? supplementaires? eventuelles?|\bpse\b");
pattern!(TURNOVER, r"chiffres? d'affaires");
pattern!(
    REFERENCES,
    r"\breferences\b(?: (?:professionnelles?|similaires?|equivalentes?|recentes?|de|des|d'|en|sur|au|dans|pour|relatives?)|[^a-z]*$)|(?:une|deux|trois|quatre|cinq) references?\b|liste des (?:principa(?:ux|les) )?(?:services|prestations|travaux|fournitures|livraisons|marches)|(?:presentation|liste) (?:de |d'une liste)[^.]{0,40}(?:chantiers?|operations?|plans?|projets?|realisations?|prestations?|services)\b[^.]{0,200}(?:dernieres? annees|moins de|\bans\b|annees)|certificats? de bonne execution|attestations? de bonne execution"
);
pattern!(
    NO_INSURANCE,
    r"assurance[- ]qualite|plan d'assurance|assurance maladie|garanties? (?:biennale|decennale)|garanties? [^.]{0,20}et decennale|frais d[^.]{0,40}d'assurance|prix [^.]{0,80}assurances?\b"
);
pattern!(INSURANCE, r"\bassurances?\b|responsabilite civile|decennale");
pattern!(
    CERTIFICATE,
    r"qualipropre|qualibat|qualifelec|\biso ?[0-9]{4,5}|certificats? de qualification|certifications?\b|qualifications? (?:professionnelles?|exigee)|habilitations?|agrement|\bcnaps\b|\bmase\b|certiphyto|\bhaccp\b|ecolabels?"
);
pattern!(
    PAYMENT,
    r"delai (?:global |maximum |maximal )?de (?:paiement|reglement|mandatement)|(?:paiement|paye|regl|mandat|verse)[a-z]*[^.]{0,80}(?:delai|sous)[^.]{0,24}(?:[0-9]+\)? ?|[a-z-]+ )jours|interets moratoires|chorus pro|acomptes? mensuels?|\bregle\b[^.]{0,60}jours|acomptes? sont (?:paye|verse|mandate)|factur(?:e|ation)s? (?:est|sont) (?:mensuel|transmis|depos)|factures? mensuelles?|facture[es]* (?:mensuellement|chaque mois)|regle[es]* par (?:douzieme|quart|mensualite)|projets? de decompte|(?:mandat|factures?|sommes?) [^.]{0,20}(?:regle|paye)|demandes? de paiement"
);
pattern!(ADVANCE, r"\bavances?\b");
// A part of the contract that is firm, the rules in force when prices were made.
pattern!(NO_PRICES, r"tranches? ferme|dans sa version|en vigueur au mois");
pattern!(
    INDEXED,
    r"indice|formule|coefficient|%|\bferme|mois|revis|actualis|\bp ?0|\bicht|\bterme fixe|plafon|hausse|index"
);
pattern!(
    ON_VARIANTS,
    r"examine|offre de base|solution de base|exigences? minimale|limitee?s? a|dossier general|chiffr|reponse (?:obligatoire|facultative)|deux au plus|porte"
);
pattern!(NO_ADVANCE, r"(?:jours?|heures?|mois|semaines?|paye[a-z]*) d'avance|en avance|a l'avance|par avance");
pattern!(RETENTION, r"retenue de garantie|retenue? au titre de la garantie|somme n'est retenue");
// What secures either of them, or says when it ends: of the one spoken of last.
pattern!(
    SECURITY,
    r"garantie a premiere demande|\bcaution|substitu|restitu|\bliberee?\b|recuper|rembours|resorb|^elle (?:est|n'est|s'eleve|peut)|^(?:celle-ci|son montant)"
);
pattern!(
    PRICES,
    r"\bp ?= ?\(?p|\bp ?0 ?[x×\[(]|\bicht\b|\b(?:bt|tp) ?[0-9]{2}|prix (?:varient|evoluent)|valeurs de base|mois (?:zero|d'etablissement)|conditions economiques|(?:hausse|augmentation)[^.]{0,60} (?:ecrete|plafonn|limite|depass|exced)|prix[^.]{0,60}\b(?:fermes?|revisables?|revises?|actualisables?|ajustables?|actualises?)|revision (?:annuelle )?(?:des|du|de) prix|formule (?:de (?:revision|variation)|p ?=|cn ?=|du ccap)|mois zero|(?:hausse|augmentation)[^.]{0,40} (?:limitee?|excede|plafonn)|revises? (?:annuellement|une fois|au )|ind(?:ex|ices?) (?:bt|tp|icht)|coefficient de revision|clause (?:butoir|de sauvegarde)"
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
pattern!(A_DAY, r"\bjours?\b");
pattern!(A_MONTH, r"\bmois\b");
// "Sixième", "dixième": the number, and what makes a rank of it.
pattern!(ORDINAL_DAY, r"\b(?P<stem>deux|trois|quatr|cinq|six|sept|huit|dix|douz|quinz|vingt)u?iemes? jours?");
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
pub(super) enum Reads {
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
    pieces: &'static [Kind],
    reads: Reads,
    /// The number is what is asked: a sentence without it tells nothing.
    needs_amount: bool,
}

const ADMINISTRATIVE: &[Kind] = &[Kind::Ccap, Kind::Ccp, Kind::SocialAnnex, Kind::Ae];
const PRICED: &[Kind] = &[Kind::Ccap, Kind::Ccp, Kind::Ae, Kind::Bpu, Kind::Dpgf];
const RULES: &[Kind] = &[Kind::Rc, Kind::Ccp, Kind::Notice];

fn sought() -> [Sought; 13] {
    let row = |term, words, under, pieces, reads| Sought { term, words, under, pieces, reads, needs_amount: false };
    [
        row(Term::NoClause, &NO_CLAUSE, "execution", RULES, Reads::Absent),
        row(Term::Visit, &VISIT, "visite", RULES, Reads::Visit),
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
        row(Term::PriceRevision, &PRICES, "prix", PRICED, Reads::Nothing),
    ]
}

/// Where terms are looked for at all; a bill of prices says how these are revised, and which of them are options.
fn is_read(kind: Kind, term: Term) -> bool {
    match kind {
        Kind::Bpu | Kind::Dpgf => matches!(term, Term::PriceRevision | Term::Variants),
        Kind::Form | Kind::Plan => false,
        _ => true,
    }
}

/// Whether folded words say that there is no clause.
pub(super) fn is_denied_clause(text: &str) -> bool {
    NO_CLAUSE.is_match(text)
}

/// The terms of a piece, the surest sentences of each.
pub(super) fn read(piece: &Written, sentences: &[Sentence]) -> Vec<Finding> {
    const KEPT: usize = 8;
    // Rows of a table of indices, lot by lot.
    const ROWS: usize = 24;
    let headings: Vec<String> = (0..piece.articles.len()).map(|a| piece.headings(Some(a))).collect();
    let mut out = turnover_rows(piece);
    let secured = secured(sentences);
    for sought in sought().iter().filter(|s| is_read(piece.kind, s.term)) {
        let mut found: Vec<Finding> = Vec::new();
        for (sentence, of) in sentences.iter().zip(&secured) {
            let above = sentence.article.map_or("", |a| headings[a].as_str());
            let own = sentence.article.map_or("", |a| piece.articles[a].title.as_str());
            match of {
                Some(of) if *of == sought.term => found.push(of_money(sought, piece, sentence)),
                Some(_) if matches!(sought.term, Term::Advance | Term::Retention) => {}
                _ => found.extend(told(sought, piece, sentence, (above, own))),
            }
        }
        found.sort_by_key(|f| std::cmp::Reverse(f.weight));
        found.truncate(if sought.term == Term::PriceRevision { ROWS } else { KEPT });
        out.extend(found);
    }
    out
}

/// Of each sentence that speaks of an advance or a retention without naming it: which of them it is, by the one named before it in
/// its article.
fn secured(sentences: &[Sentence]) -> Vec<Option<Term>> {
    let mut last: Option<(Option<usize>, Term, usize)> = None;
    let mut out = Vec::with_capacity(sentences.len());
    for (i, sentence) in sentences.iter().enumerate() {
        let text = sentence.folded.as_str();
        let named = match (RETENTION.is_match(text), ADVANCE.is_match(text) && !NO_ADVANCE.is_match(text)) {
            (true, _) => Some(Term::Retention),
            (false, true) => Some(Term::Advance),
            (false, false) => None,
        };
        last = last.filter(|(article, _, at)| *article == sentence.article && i - at <= 3);
        out.push(match (named, last) {
            (None, Some((_, term, _))) if SECURITY.is_match(text) && !sentence.is_heading => Some(term),
            _ => None,
        });
        if let Some(term) = named.or(out[i]) {
            last = Some((sentence.article, term, i));
        }
    }
    out
}

/// What goes on about an advance or a retention.
fn of_money(sought: &Sought, piece: &Written, sentence: &Sentence) -> Finding {
    Finding::new(What::Term { term: sought.term, amount: None }, piece, sentence.range.clone(), 12)
}

/// `above`: the headings over a sentence; `own`: that of its article.
fn told(sought: &Sought, piece: &Written, sentence: &Sentence, (above, own): (&str, &str)) -> Option<Finding> {
    let text = &sentence.folded;
    let named = own.contains(sought.under);
    let says = sought.words.is_match(text);
    // Under an article of that very name a sentence may leave the name out.
    let alone = !sentence.is_heading
        && match sought.term {
            Term::Insurance => named && own.len() < 60,
            Term::PriceRevision => {
                ["revis", "variation", "actualis"].iter().any(|w| above.contains(w)) && INDEXED.is_match(text)
            }
            Term::Visit => named && own.len() < 60 && IS_VISIT.is_match(text),
            Term::Variants => named && own.len() < 60 && ON_VARIANTS.is_match(text),
            _ => false,
        };
    let bare = alone || named && matches!(sought.reads, Reads::Share | Reads::Delay | Reads::YesNo);
    if !says && !bare {
        return None;
    }
    let is_row = text.contains(" | ");
    match sought.term {
        // The head of a table, and what only opens a list.
        _ if is_row
            && !text.bytes().any(|b| b.is_ascii_digit())
            && text.len() < 90
            && !(sought.term == Term::Visit && VISIT_OF_LOT.is_match(text)) =>
        {
            return None;
        }
        // A line of a form that leaves the matter open.
        Term::Variants if text.trim_end().ends_with('|') => return None,
        Term::References if !(RULES.contains(&piece.kind) || piece.kind == Kind::Other) || text.ends_with(':') => {
            return None;
        }
        Term::Insurance if NO_INSURANCE.is_match(text) => return None,
        Term::Visit if !alone && OTHER_VISIT.is_match(text) || !RULES.contains(&piece.kind) => return None,
        Term::NoClause if !(RULES.contains(&piece.kind) || piece.kind == Kind::Ccap) => return None,
        Term::MinimumTurnover if !ASKED.is_match(text) => return None,
        Term::Advance if NO_ADVANCE.is_match(text) && !text.contains("une avance") && !text.contains("renon") => {
            return None;
        }
        Term::Visit if text.contains("echantillon") && !text.contains("visite") => return None,
        Term::PriceRevision if NO_PRICES.is_match(text) => return None,
        // A percentage under « Avance et retenue de garantie » is of what its sentence names.
        Term::Advance if !says && RETENTION.is_match(text) => return None,
        Term::Retention if !says && ADVANCE.is_match(text) => return None,
        Term::PaymentDelay if text.contains("avance") && !text.contains("paiement") => return None,
        _ => {}
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

pub(super) fn amount(reads: Reads, text: &str) -> Option<Amount> {
    let yes_no = || match (REFUSES.is_match(text), ALLOWS.is_match(text)) {
        (true, _) => Some(Amount::Allowed(false)),
        (false, true) => Some(Amount::Allowed(true)),
        (false, false) => None,
    };
    match reads {
        Reads::Nothing => None,
        Reads::Euros => number(&EUROS, text).map(Amount::Euros),
        Reads::Delay => delay(text),
        Reads::Share => number(&PERCENT, text).map(Amount::Percent).or_else(yes_no),
        Reads::YesNo => yes_no(),
        Reads::Absent => Some(Amount::Allowed(false)),
        Reads::Visit if NO_VISIT.is_match(text) => Some(Amount::Allowed(false)),
        Reads::Visit if MAY_VISIT.is_match(text) => None,
        Reads::Visit => MUST_VISIT.is_match(text).then_some(Amount::Allowed(true)),
    }
}

/// A delay in days, else in months, in digits or words: "180 jours", "six (6) mois", "sixième jour ouvré".
fn delay(text: &str) -> Option<Amount> {
    let in_words = |unit: &Regex| {
        let before = unit.find(text)?.start();
        let words: Vec<&str> = text[..before].split_whitespace().rev().take(4).collect();
        // The longest run of words that is a number.
        (1..=words.len()).rev().find_map(|n| {
            let run: Vec<&str> =
                words[..n].iter().rev().map(|w| w.trim_start_matches(|c: char| !c.is_alphanumeric())).collect();
            vigie_classify::numerals::counted(&run.join(" ")).filter(|n| *n > 0).map(f64::from)
        })
    };
    let ordinal = || {
        ORDINAL_DAY
            .captures(text)
            .and_then(|c| vigie_classify::numerals::counted(c["stem"].trim_end_matches('i')))
            .map(f64::from)
    };
    number(&DAYS, text)
        .or_else(|| in_words(&A_DAY))
        .or_else(ordinal)
        .map(Amount::Days)
        .or_else(|| number(&MONTHS, text).or_else(|| in_words(&A_MONTH)).map(Amount::Months))
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
