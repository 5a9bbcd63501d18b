//! What the pieces say otherwise than the notice, or than each other.
//!
//! Only figures that stand for the same thing are compared: hours and share of a clause of the same lots, for whom a lot is reserved,
//! weights of criteria, dates, duration, maximum, and terms that have one figure. The notice is read as a piece is, so that both sides are
//! read alike. Where one side gives several figures of a thing, nothing is compared. Silence contradicts nothing.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use vigie_classify::fold::fold;
use vigie_classify::pattern;
use vigie_domain::{
    Assessment, Beneficiary, DateKind, FactKind, Notice, Passage, Provision, ProvisionKind, TypedDate, french,
};

use crate::consultation::Consultation;
use crate::findings::{self, Amount, Finding, Term, What};
use crate::piece::{self, Kind, Place, Text};
use crate::written::Written;

pattern!(YEARLY, r"par an\b|l'an\b|chaque annee|par annee|annuel|d'un an\b|annee pleine");

/// What the notice says, read as a piece is.
#[derive(Debug, Clone)]
pub struct Announced {
    pub assessment: Assessment,
    findings: Vec<Finding>,
}

impl Announced {
    /// The judgement of a notice, and what its texts say besides.
    #[must_use]
    pub fn of(assessment: Assessment, texts: &[Passage]) -> Self {
        let line = |(i, p): (usize, &Passage)| {
            piece::Passage::new(Place::Line(u32::try_from(i).unwrap_or(u32::MAX)), p.text.clone())
        };
        let text = Text { passages: texts.iter().enumerate().map(line).collect(), ..Text::default() };
        Self { assessment, findings: findings::of_piece(&Written::of("avis", Kind::Notice, &text)) }
    }

    /// The same of a notice that is not judged yet.
    #[must_use]
    pub fn read(notice: &Notice) -> Self {
        Self::of(vigie_classify::classify(notice), &notice.passages)
    }
}

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contradiction {
    /// What both speak of, in French: "heures d’insertion, lot 2".
    pub about: String,
    /// What the notice, or another piece, says.
    pub there: String,
    /// Where that stands; `None` = the notice.
    pub there_at: Option<String>,
    /// What the piece says.
    pub here: String,
    /// The words of the piece.
    pub finding: Finding,
}

/// The contradictions of a consultation, with its notice where there is one.
#[must_use]
pub fn contradictions(consultation: &Consultation, notice: Option<&Announced>) -> Vec<Contradiction> {
    let mut out = Vec::new();
    let found: Vec<(&Provision, &Finding)> = consultation.provisions().collect();
    for (here, finding) in &found {
        if let Some(notice) = notice {
            for there in &notice.assessment.provisions {
                out.extend(between(there, None, here, finding));
            }
        }
    }
    for (i, (there, earlier)) in found.iter().enumerate() {
        for (here, finding) in &found[i + 1..] {
            if earlier.at.piece != finding.at.piece {
                out.extend(between(there, Some(earlier), here, finding));
            }
        }
    }
    out.extend(closing(consultation, notice.map(|n| &n.assessment)));
    out.extend(figures(consultation, notice));
    out.extend(notice.map(|n| denied(consultation, n)).unwrap_or_default());
    let mut seen: Vec<(String, String, String)> = Vec::new();
    out.retain(|c: &Contradiction| {
        let key = (c.about.clone(), c.there.clone(), c.here.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    out
}

fn between(there: &Provision, earlier: Option<&Finding>, here: &Provision, finding: &Finding) -> Option<Contradiction> {
    if there.kind != here.kind || !same_lots(&there.lots, &here.lots) {
        return None;
    }
    let lots = of_lots(&here.lots);
    let told = |about: &str, there: String, here: String| {
        Some(Contradiction {
            about: format!("{about}{lots}"),
            there,
            there_at: earlier.map(|f| f.at.to_string()),
            here,
            finding: finding.clone(),
        })
    };
    let differ = |a: Option<f64>, b: Option<f64>| a.zip(b).filter(|(a, b)| (a - b).abs() > 0.01);
    let hours = |n: f64| format!("{} h", french::number(n));
    let percent = |n: f64| format!("{} %", french::number(n));
    if there.kind == ProvisionKind::ExecutionClause {
        // Hours of a year and hours of the whole contract are not compared.
        let yearly = |p: &Provision| p.evidence.quote.as_deref().is_some_and(|q| YEARLY.is_match(&fold(q)));
        // A table may leave the year to its head: then one is not so many years of the other.
        let years = |(a, b): &(f64, f64)| {
            let times = a.max(*b) / a.min(*b) * 2.0;
            times >= 3.0 && (times - times.round()).abs() < 0.02
        };
        let comparable = |n: &(f64, f64)| yearly(there) == yearly(here) || !years(n);
        if let Some((a, b)) = differ(there.hours, here.hours).filter(comparable) {
            return told("heures d’insertion", hours(a), hours(b));
        }
        if let Some((a, b)) = differ(there.percent, here.percent) {
            return told("part des heures en insertion", percent(a), percent(b));
        }
    }
    if there.kind == ProvisionKind::AwardCriterion
        && let Some((a, b)) = differ(there.weight, here.weight)
    {
        return told("poids du critère social", percent(a), percent(b));
    }
    if there.kind == ProvisionKind::Reserved
        && !names_each(there)
        && !names_each(here)
        && let Some((a, b)) =
            there.beneficiary.zip(here.beneficiary).filter(|(a, b)| a != b && specific(*a) && specific(*b))
    {
        return told("pour qui c’est réservé", for_whom(a).to_owned(), for_whom(b).to_owned());
    }
    None
}

/// Whether words say of several lots for whom each is: "6 et 11 (entreprises adaptées), 14 et 17 (structures d'insertion)".
fn names_each(provision: &Provision) -> bool {
    let quote = provision.evidence.quote.as_deref().unwrap_or_default();
    provision.beneficiary == Some(Beneficiary::Both) && quote.matches('(').count() >= 2
}

/// What one side says is there and the other says is not.
fn denied(consultation: &Consultation, notice: &Announced) -> Vec<Contradiction> {
    let mut out = Vec::new();
    let announced = |kind| notice.assessment.provisions.iter().find(|p| p.kind == kind);
    let here = |kind| consultation.provisions().find(|(p, _)| p.kind == kind);
    let mut told = |about: &str, there: &str, here: &str, finding: &Finding| {
        out.push(Contradiction {
            about: about.to_owned(),
            there: there.to_owned(),
            there_at: None,
            here: here.to_owned(),
            finding: finding.clone(),
        });
    };
    let visit = |f: &&Finding, wanted| matches!(f.what, What::Term { term: Term::Visit, amount: Some(Amount::Allowed(told)), .. } if told == wanted);
    let must = consultation.of_term(Term::Visit).find(|f| visit(f, true));
    if let Some(finding) = must.filter(|_| notice.findings.iter().any(|f| visit(&f, false))) {
        told("visite", "qu’aucune n’est prévue", "elle est obligatoire", finding);
    }
    let optional = |f: &&Finding| {
        matches!(f.what, What::Term { term: Term::Visit, amount: None, .. })
            && findings::terms::is_free_visit(&fold(&f.quote))
    };
    let free = consultation.of_term(Term::Visit).find(|f| optional(f) && is_of_all(f));
    if let Some(finding) = free.filter(|_| must.is_none())
        && notice.findings.iter().any(|f| visit(&f, true))
    {
        told("visite", "qu’elle est obligatoire", "elle est facultative", finding);
    }
    if let Some(finding) = must.filter(|_| {
        // Optional for the other lots is no less compulsory for these.
        let of_all = |f: &&Finding| optional(f) && is_of_all(f);
        notice.findings.iter().any(|f| optional(&f)) && !consultation.of_term(Term::Visit).any(|f| of_all(&f))
    }) {
        told("visite", "qu’elle est facultative", "elle est obligatoire", finding);
    }
    let says_none =
        |term: Term| notice.findings.iter().any(|f| matches!(f.what, What::Term { term: t, .. } if t == term));
    for (kind, term, about) in [
        (ProvisionKind::ExecutionClause, Term::NoClause, "clause sociale"),
        (ProvisionKind::Reserved, Term::NotReserved, "réservé à certaines structures"),
    ] {
        if let Some((_, finding)) = here(kind)
            && announced(kind).is_none()
            && says_none(term)
        {
            told(about, "qu’il n’y en a pas", "il y en a", finding);
        }
        if let Some(finding) = consultation.of_term(term).next()
            && announced(kind).is_some()
            && here(kind).is_none()
        {
            told(about, "qu’il y en a", "il n’y en a pas", finding);
        }
    }
    out
}

/// Whether a term is said of no lots in particular.
fn is_of_all(finding: &Finding) -> bool {
    let named = matches!(&finding.what, What::Term { lots, .. } if !lots.is_empty());
    !named && !fold(&finding.quote).contains("autres lots")
}

/// In front of what is answered by yes or no, within: such an answer is compared with another one alone.
const ASKED: &str = "oui ou non : ";

/// A thing that has one figure.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    /// What it is of, in French; the same on both sides.
    about: String,
    /// As it is told.
    told: String,
    value: f64,
}

/// The figure that a finding gives of something that has one.
fn figure(finding: &Finding) -> Option<Figure> {
    let some = |about: &str, told: String, value: f64| Some(Figure { about: about.to_owned(), told, value });
    match &finding.what {
        What::Fact(fact) if fact.lot.is_none() => {
            let n = fact.value?;
            match fact.kind {
                // A contract's terms speak of other durations as well.
                FactKind::Duration if finding.at.kind != Kind::Ccap => some("durée", french::months(n), n),
                FactKind::FrameworkMaximum => {
                    some("maximum de l’accord-cadre", format!("{} € HT", french::number(n)), n)
                }
                FactKind::LotCap => some("lots par candidat", french::number(n), n),
                _ => None,
            }
        }
        What::Criterion { name, weight: Some(weight), sub: false, lots } => {
            let name = criterion(name);
            some(&format!("poids du critère « {name} »{}", of_lots(lots)), french::number(*weight), *weight)
        }
        // What is said of "les autres lots" is of no lot that has a name here.
        What::Term { .. } if fold(&finding.quote).contains("autres lots") => None,
        What::Term { term, amount: Some(amount), lots } => {
            let one = matches!(
                term,
                Term::Validity
                    | Term::Variants
                    | Term::MinimumTurnover
                    | Term::PaymentDelay
                    | Term::Retention
                    | Term::ClausePenalty
            );
            let (told, value) = match amount {
                Amount::Euros(n) => (format!("{} €", french::number(*n)), *n),
                Amount::Percent(n) => (format!("{} %", french::number(*n)), *n),
                Amount::Days(n) => (french::days(*n as u32), *n),
                Amount::Months(n) => (french::months(*n), *n * 30.0),
                Amount::Allowed(yes) => ((if *yes { "oui" } else { "non" }).to_owned(), f64::from(u8::from(*yes))),
            };
            // A yes against a figure is no contradiction: it is told of another matter.
            let asked = if matches!(amount, Amount::Allowed(_)) { ASKED } else { "" };
            let about = format!("{asked}{}{}", french::lower(term.label()), of_lots(lots));
            one.then_some(Figure { about, told, value })
        }
        _ => None,
    }
}

/// Of which lots something is said; nothing where of all.
fn of_lots(lots: &[String]) -> String {
    if lots.is_empty() { String::new() } else { format!(", {}", french::lots(lots, 0)) }
}

/// What a criterion is of, so that « Prix des prestations » and « Prix » are one.
fn criterion(name: &str) -> String {
    const OF: [(&str, &str); 8] = [
        ("prix", "prix"),
        ("cout", "prix"),
        ("technique", "valeur technique"),
        ("insertion", "insertion"),
        ("social", "performance sociale"),
        ("environnement", "environnement"),
        ("delai", "délai"),
        ("qualite", "qualité"),
    ];
    let folded = fold(name);
    let known = OF.iter().find(|(word, _)| folded.contains(word));
    known.map_or(folded.clone(), |(_, of)| (*of).to_owned())
}

/// Figures that differ: notice against piece, and piece against piece where their readers are meant to find the same.
fn figures(consultation: &Consultation, notice: Option<&Announced>) -> Vec<Contradiction> {
    let of_piece = |piece: &str| -> Vec<(Figure, &Finding)> {
        let own = consultation.findings.iter().filter(|f| f.at.piece == piece);
        single(own.filter_map(|f| Some((figure(f)?, f))).collect())
    };
    let pieces: Vec<Vec<(Figure, &Finding)>> = consultation.pieces.iter().map(|p| of_piece(&p.name)).collect();
    let announced: Vec<(Figure, &Finding)> =
        notice.map(|n| single(n.findings.iter().filter_map(|f| Some((figure(f)?, f))).collect())).unwrap_or_default();
    let mut out = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        for (here, finding) in piece {
            let differs = |there: &Figure| there.about == here.about && (there.value - here.value).abs() > 0.01;
            let from_notice = announced.iter().map(|(there, _)| (there, None));
            let earlier = pieces[..i].iter().flatten().map(|(there, f)| (there, Some(f.at.to_string())));
            for (there, there_at) in from_notice.chain(earlier).filter(|(there, _)| differs(there)) {
                out.push(Contradiction {
                    about: here.about.strip_prefix(ASKED).unwrap_or(&here.about).to_owned(),
                    there: there.told.clone(),
                    there_at,
                    here: here.told.clone(),
                    finding: (*finding).clone(),
                });
            }
        }
    }
    out
}

/// The figures that a side gives once, or always alike.
fn single(all: Vec<(Figure, &Finding)>) -> Vec<(Figure, &Finding)> {
    let mut out: Vec<(Figure, &Finding)> = Vec::new();
    for (figure, finding) in &all {
        let alike = |other: &Figure| other.about != figure.about || (other.value - figure.value).abs() <= 0.01;
        let told = out.iter().any(|(f, _)| f.about == figure.about);
        if !told && all.iter().all(|(other, _)| alike(other)) {
            out.push((figure.clone(), finding));
        }
    }
    out
}

/// Both of all lots, or of the same; of one lot alone, where it has a number on one side only.
fn same_lots(a: &[String], b: &[String]) -> bool {
    let sorted = |lots: &[String]| {
        let mut lots = lots.to_vec();
        lots.sort();
        lots
    };
    sorted(a) == sorted(b)
}

fn specific(who: Beneficiary) -> bool {
    who != Beneficiary::Unspecified
}

fn for_whom(who: Beneficiary) -> &'static str {
    match who {
        Beneficiary::Disability => "aux EA et ESAT",
        Beneficiary::Insertion => "à l’insertion par l’activité économique",
        Beneficiary::Both => "aux EA, ESAT et structures d’insertion",
        Beneficiary::Prison => "au travail en prison",
        Beneficiary::SocialEconomy => "à l’économie sociale et solidaire",
        Beneficiary::Unspecified => "sans dire à qui",
    }
}

fn closing(consultation: &Consultation, notice: Option<&Assessment>) -> Vec<Contradiction> {
    let of = |kind: DateKind| {
        consultation.findings.iter().filter_map(move |f| match &f.what {
            What::Date(d) if d.kind == kind && d.lot.is_none() => Some((&**d, f)),
            _ => None,
        })
    };
    let mut out = Vec::new();
    for (kind, about) in [
        (DateKind::Tender, "date limite des offres"),
        (DateKind::Participation, "date limite des candidatures"),
        (DateKind::Visit, "date de visite"),
        (DateKind::Questions, "date limite des questions"),
    ] {
        let told: Vec<(&TypedDate, &Finding)> = of(kind).collect();
        let known: Vec<&TypedDate> =
            notice.into_iter().flat_map(|n| &n.dates).filter(|d| d.kind == kind && d.lot.is_none()).collect();
        let contradicts = |there: &TypedDate, there_at: Option<String>, here: &TypedDate, finding: &Finding| {
            let timed = there.has_time && here.has_time;
            let differs = if timed { there.at != here.at } else { day(there.at) != day(here.at) };
            differs.then(|| Contradiction {
                about: about.to_owned(),
                there: french::moment(there),
                there_at,
                here: french::moment(here),
                finding: finding.clone(),
            })
        };
        // Several visits are visits.
        if let [there] = known.as_slice() {
            out.extend(told.iter().filter_map(|(here, f)| contradicts(there, None, here, f)));
        }
        if kind == DateKind::Visit {
            continue;
        }
        for (i, (here, finding)) in told.iter().enumerate() {
            let earlier = told[..i].iter().filter(|(_, f)| f.at.piece != finding.at.piece);
            out.extend(earlier.filter_map(|(there, f)| contradicts(there, Some(f.at.to_string()), here, finding)));
        }
    }
    out
}

fn day(at: DateTime<FixedOffset>) -> chrono::NaiveDate {
    at.date_naive()
}
