//! What is read of a piece: each with the words that say it and where they stand. Pure; nothing is told without words.
//!
//! Provisions and dates are the judgement's own (`vigie_classify`), over the piece's text. What only consultations say (criteria one
//! by one, pieces to supply, terms) is read here, under the articles that speak of it.

mod calendar;
mod clause;
pub(crate) mod criteria;
mod enumeration;
mod figures;
mod provisions;
pub(crate) mod required;
pub(crate) mod sentence;
pub(crate) mod terms;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wordings;

use serde::{Deserialize, Serialize};
use vigie_domain::{DecisionFact, Provision, ProvisionKind, TypedDate};

use crate::homonyms;
use crate::written::{Whereabouts, Written};

/// A term of the consultation or of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// What the clause asks, where its sentence gives no figure.
    ClauseDuty,
    /// How many hours, and how they are counted.
    ClauseHours,
    /// What hours of insertion that are not done cost.
    ClausePenalty,
    /// How the clause is proven.
    ClauseProof,
    /// Who helps to carry out the clause.
    Facilitator,
    /// Whose work counts.
    Publics,
    /// How the hours may be done.
    Modalities,
    /// Said not to be there: a condition of social work.
    NoClause,
    /// For whom lots are reserved, and what it takes to answer them.
    ReservedTo,
    /// Said not to be there: lots kept for some structures.
    NotReserved,
    /// How social merit is judged.
    SocialMethod,
    /// Whether the place is visited.
    Visit,
    /// How long a tender binds.
    Validity,
    /// Until when questions are taken, where no date is given.
    QuestionDelay,
    Variants,
    MinimumTurnover,
    References,
    Insurance,
    Certificate,
    PaymentDelay,
    Advance,
    /// Retenue de garantie.
    Retention,
    PriceRevision,
    StaffTakeover,
    /// When the contract begins, how long it lasts, when it ends at the latest.
    Period,
}

impl Term {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 25] = [
        Self::ClauseDuty,
        Self::ClauseHours,
        Self::ClausePenalty,
        Self::ClauseProof,
        Self::Facilitator,
        Self::Publics,
        Self::Modalities,
        Self::NoClause,
        Self::ReservedTo,
        Self::NotReserved,
        Self::SocialMethod,
        Self::StaffTakeover,
        Self::Period,
        Self::Visit,
        Self::QuestionDelay,
        Self::Validity,
        Self::Variants,
        Self::MinimumTurnover,
        Self::References,
        Self::Insurance,
        Self::Certificate,
        Self::PaymentDelay,
        Self::Advance,
        Self::Retention,
        Self::PriceRevision,
    ];

    /// How people name it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ClauseDuty => "Ce que demande la clause",
            Self::NoClause => "Clause sociale",
            Self::ClauseHours => "Heures de la clause",
            Self::ReservedTo => "À qui les lots sont réservés",
            Self::NotReserved => "Lots réservés",
            Self::SocialMethod => "Comment le critère social est noté",
            Self::Visit => "Visite",
            Self::ClausePenalty => "Pénalité si les heures ne sont pas faites",
            Self::ClauseProof => "Justificatifs de la clause",
            Self::Facilitator => "Qui accompagne la clause",
            Self::Publics => "Publics de la clause",
            Self::Modalities => "Comment faire les heures",
            Self::Validity => "Validité des offres",
            Self::QuestionDelay => "Délai des questions",
            Self::Variants => "Variantes",
            Self::MinimumTurnover => "Chiffre d’affaires demandé",
            Self::References => "Références demandées",
            Self::Insurance => "Assurance",
            Self::Certificate => "Certificats et qualifications",
            Self::PaymentDelay => "Délai de paiement",
            Self::Advance => "Avance",
            Self::Retention => "Retenue de garantie",
            Self::PriceRevision => "Prix",
            Self::StaffTakeover => "Reprise du personnel",
            Self::Period => "Début et durée",
        }
    }
}

/// A number and what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "unit", content = "n")]
pub enum Amount {
    Euros(f64),
    Percent(f64),
    Days(f64),
    Months(f64),
    /// Yes or no, where the words say one of them.
    Allowed(bool),
}

/// With what a piece is to be supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// Who one is.
    Candidature,
    /// What one offers.
    Tender,
    /// Only who is to win supplies it.
    Winner,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Provision(Box<Provision>),
    Date(Box<TypedDate>),
    Fact(Box<DecisionFact>),
    /// An award criterion; weight in percent or points as written.
    Criterion {
        name: String,
        weight: Option<f64>,
        /// It details the criterion before it.
        sub: bool,
        /// Lots that it weighs so in; empty = all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lots: Vec<String>,
    },
    /// A piece to supply.
    Required {
        envelope: Envelope,
        /// As the buyer names it.
        name: String,
    },
    Term {
        term: Term,
        amount: Option<Amount>,
        /// Lots that it is said of, where it is said of some.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lots: Vec<String>,
    },
}

/// What was found, its words and where they stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub what: What,
    /// Verbatim.
    pub quote: String,
    pub at: Whereabouts,
    /// The more, the surer; compared within one kind of finding only.
    #[serde(default)]
    pub weight: u8,
    /// Where else the same is said, in another piece.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Elsewhere>,
}

/// The same, said at another place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Verbatim.
    pub quote: String,
    pub at: Whereabouts,
}

/// Everything that one piece says.
#[must_use]
pub fn of_piece(piece: &Written) -> Vec<Finding> {
    let piece = &homonyms::set_aside(piece);
    let sentences = sentence::sentences(piece);
    let criteria = criteria::read(piece);
    let judgement = provisions::Judgement::of(piece);
    let weighing: Vec<usize> = criteria.iter().filter_map(|f| piece.find(&f.quote)).collect();
    let topics = clause::Topics::of(piece, &sentences, &judgement.clauses(piece), &weighing);
    let mut out = provisions::read(piece, &sentences, &criteria, &topics, judgement);
    out.extend(criteria);
    // A row that weighs a criterion is nothing to supply.
    let weighed = criteria_quotes(&out);
    out.extend(required::read(piece, &sentences, &topics).into_iter().filter(|f| !weighed.contains(&f.quote)));
    let mut said = criteria::method(piece, &sentences, &weighing);
    let judged: Vec<String> = said.iter().map(|f| f.quote.clone()).collect();
    said.extend(clause::read(piece, &sentences, &topics).into_iter().filter(|f| !judged.contains(&f.quote)));
    let listed: Vec<&str> =
        out.iter().filter(|f| matches!(f.what, What::Required { .. })).map(|f| f.quote.as_str()).collect();
    let mut terms = terms::read(piece, &sentences, &listed);
    // What a sentence tells of a term already, an item of the checklist does not tell again.
    let told = |f: &Finding| {
        let term = |f: &Finding| match f.what {
            What::Term { term, .. } => Some(term),
            _ => None,
        };
        terms.iter().any(|t| term(t) == term(f) && (t.quote.contains(&f.quote) || f.quote.contains(&t.quote)))
    };
    let of_items: Vec<Finding> = required::terms(&out).into_iter().filter(|f| !told(f)).collect();
    terms.extend(of_items);
    // A doubt whose words are told as something is none any more.
    let told: Vec<String> = said.iter().map(|f| f.quote.clone()).collect();
    let is_doubt = |f: &Finding| matches!(&f.what, What::Provision(p) if p.kind == ProvisionKind::ToVerify);
    out.retain(|f| !(is_doubt(f) && told.iter().any(|q| q.contains(&f.quote) || f.quote.contains(q.as_str()))));
    // What a provision says with its figure is not said again as a term.
    let provisions: Vec<String> =
        out.iter().filter(|f| matches!(f.what, What::Provision(_))).map(|f| f.quote.clone()).collect();
    let asked: Vec<String> = out
        .iter()
        .filter(|f| matches!(&f.what, What::Provision(p) if p.hours.is_some() || p.percent.is_some()))
        .map(|f| f.quote.clone())
        .collect();
    let duty = |f: &Finding| matches!(f.what, What::Term { term: Term::ClauseDuty, .. }) && asked.contains(&f.quote);
    let figure = |f: &Finding| matches!(f.what, What::Term { term: Term::ClauseHours | Term::ReservedTo, .. });
    out.extend(
        said.into_iter()
            .filter(|f| !(duty(f) || figure(f) && provisions.iter().any(|q| q.contains(f.quote.as_str()))))
            .chain(terms),
    );
    out
}

fn criteria_quotes(found: &[Finding]) -> Vec<String> {
    let criteria = found.iter().filter(|f| matches!(f.what, What::Criterion { .. }));
    criteria.map(|f| f.quote.clone()).collect()
}

impl Finding {
    /// Words of `piece` at `at`.
    pub(crate) fn new(what: What, piece: &Written, range: std::ops::Range<usize>, weight: u8) -> Self {
        /// Longest quote, in characters.
        const QUOTE: usize = 420;
        let at = piece.whereabouts(range.start);
        let words = piece.words(range);
        let quote = match words.char_indices().nth(QUOTE) {
            None => words,
            Some((cut, _)) => format!("{}…", words[..cut].rsplit_once(' ').map_or(&words[..cut], |w| w.0)),
        };
        Self { what, quote, at, weight, also: Vec::new() }
    }
}
