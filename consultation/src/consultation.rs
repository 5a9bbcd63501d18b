//! What a whole consultation says: the findings of its pieces together, what was looked for in vain, and where it contradicts the
//! notice or itself.

use serde::{Deserialize, Serialize};
use vigie_classify::fold::fold;
use vigie_domain::{DateKind, ProvisionKind};

use crate::findings::{Elsewhere, Envelope, Finding, Term, What};
use crate::piece::{Kind, Piece, Text};

/// A consultation as read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Consultation {
    /// Every file, read or not.
    pub pieces: Vec<Piece>,
    /// What was found, the surest first within each kind.
    pub findings: Vec<Finding>,
}

impl Consultation {
    /// Joins what was found in each piece.
    #[must_use]
    pub fn gather(pieces: Vec<Piece>, found: Vec<Vec<Finding>>) -> Self {
        let mut findings: Vec<Finding> = found.into_iter().flatten().collect();
        findings.sort_by_key(|f| (order(&f.what), rank(&f.what, f.at.kind), std::cmp::Reverse(f.weight)));
        let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
        for finding in findings {
            match repeated(&kept, &finding) {
                None => kept.push(finding),
                Some(Again::At(i)) => kept[i].say_again(finding),
                Some(Again::NotTold) => {}
            }
        }
        Self { pieces, findings: kept }
    }

    /// This, and what was read later: a file of the same name takes the place of the one before.
    #[must_use]
    pub fn with(self, later: Self) -> Self {
        let again = |name: &str| later.pieces.iter().any(|p| p.name == name);
        let mut pieces: Vec<Piece> = self.pieces.into_iter().filter(|p| !again(&p.name)).collect();
        let mut found: Vec<Finding> = self.findings.into_iter().filter(|f| !again(&f.at.piece)).collect();
        found.iter_mut().for_each(|f| f.also.retain(|said| !again(&said.at.piece)));
        found.extend(later.findings);
        pieces.extend(later.pieces);
        Self::gather(pieces, vec![found])
    }

    /// The same without its texts: all that most surfaces show.
    #[must_use]
    pub fn without_texts(&self) -> Self {
        let mut out = self.clone();
        for piece in &mut out.pieces {
            if let Ok(text) = &mut piece.outcome {
                text.passages.clear();
            }
        }
        out
    }

    /// Whether any of it could be read.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.pieces.iter().any(|p| p.outcome.is_ok())
    }

    /// Provisions other than doubts.
    pub fn provisions(&self) -> impl Iterator<Item = (&vigie_domain::Provision, &Finding)> {
        self.findings.iter().filter_map(|f| match &f.what {
            What::Provision(p) if p.kind != ProvisionKind::ToVerify => Some((&**p, f)),
            _ => None,
        })
    }

    /// What is said of a term, the surest first.
    pub fn of_term(&self, wanted: Term) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| matches!(f.what, What::Term { term, .. } if term == wanted))
    }

    /// The checklist of an envelope.
    pub fn required(&self, wanted: Envelope) -> impl Iterator<Item = (&str, &Finding)> {
        self.findings.iter().filter_map(move |f| match &f.what {
            What::Required { envelope, name } if *envelope == wanted => Some((name.as_str(), f)),
            _ => None,
        })
    }

    /// Names of what was looked for in the pieces and is not there; none where no piece could be read, since nothing was looked into.
    #[must_use]
    pub fn not_found(&self) -> Vec<&'static str> {
        if self.pieces.iter().all(|p| p.text().is_none_or(Text::is_blank)) {
            return Vec::new();
        }
        let any = |test: &dyn Fn(&What) -> bool| self.findings.iter().any(|f| test(&f.what));
        let mut out = Vec::new();
        if self.provisions().next().is_none() {
            out.push("Clause ou critère d’insertion");
        }
        if !any(&|w| matches!(w, What::Criterion { .. })) {
            out.push("Critères et leur poids");
        }
        if !any(&|w| matches!(w, What::Date(d) if d.kind == DateKind::Tender || d.kind == DateKind::Participation)) {
            out.push("Date limite");
        }
        if !any(&|w| matches!(w, What::Required { .. })) {
            out.push("Pièces à fournir");
        }
        let clause = self.provisions().any(|(p, _)| p.kind == ProvisionKind::ExecutionClause);
        for term in Term::ALL {
            let of_clause = matches!(
                term,
                Term::ClausePenalty | Term::ClauseProof | Term::Facilitator | Term::Publics | Term::Modalities
            );
            // Told where it is said; nobody looks for it in vain.
            if matches!(
                term,
                Term::ClauseDuty
                    | Term::ClauseHours
                    | Term::NoClause
                    | Term::NotReserved
                    | Term::ReservedTo
                    | Term::SocialMethod
                    | Term::Period
            ) {
                continue;
            }
            if (clause || !of_clause) && self.of_term(term).next().is_none() {
                out.push(term.label());
            }
        }
        out
    }
}

/// Order of the kinds of findings.
fn order(what: &What) -> (u8, u8) {
    match what {
        What::Provision(p) => (0, u8::from(p.kind == ProvisionKind::ToVerify)),
        What::Date(_) => (1, 0),
        What::Criterion { .. } => (2, 0),
        What::Required { envelope, .. } => (3, *envelope as u8),
        What::Term { term, .. } => (4, Term::ALL.iter().position(|t| t == term).unwrap_or_default() as u8),
        What::Fact(f) => (5, f.kind as u8),
    }
}

/// Which piece is believed first on what.
fn rank(what: &What, kind: Kind) -> u8 {
    let order: &[Kind] = match what {
        What::Provision(p) if p.kind == ProvisionKind::ExecutionClause => {
            &[Kind::SocialAnnex, Kind::Ccap, Kind::Ccp, Kind::Ae, Kind::Rc, Kind::Cctp]
        }
        // Within a term its weight already counts the piece.
        What::Term { .. } => return 0,
        _ => &[Kind::Rc, Kind::Notice, Kind::Ccp, Kind::Ccap, Kind::Ae, Kind::Cctp],
    };
    order.iter().position(|k| *k == kind).map_or(u8::MAX, |i| i as u8)
}

/// Most sentences told of a term.
const TOLD: usize = 24;

/// What is said again.
enum Again {
    /// The same as what is kept there.
    At(usize),
    /// Too many, or of another contract.
    NotTold,
}

/// Whether it is a document that only who wins supplies.
fn of_winner(found: &Finding) -> bool {
    matches!(found.what, What::Required { envelope: Envelope::Winner, .. })
}

/// Whether the same is said already: another piece that says otherwise is told too.
fn repeated(kept: &[Finding], new: &Finding) -> Option<Again> {
    // One piece lists them: another only repeats, or is of another contract. What the commitment asks to join is told too, and what a bill
    // or a form says of itself.
    let says_itself = |kind: Kind| {
        let forms = [Kind::Ae, Kind::Bpu, Kind::Dpgf, Kind::Form, Kind::MemoFrame, Kind::SocialAnnex];
        matches!(new.what, What::Required { .. }) && forms.contains(&kind) || kind == Kind::Ae
    };
    let listed = |old: &Finding| {
        old.at.piece != new.at.piece
            && old.at.kind != Kind::Other
            && !says_itself(new.at.kind)
            && (of_winner(old) || !of_winner(new))
            && std::mem::discriminant(&old.what) == std::mem::discriminant(&new.what)
    };
    let same = |old: &Finding| match (&old.what, &new.what) {
        (What::Provision(a), What::Provision(b)) => {
            a.kind == b.kind
                && a.beneficiary == b.beneficiary
                && a.weight == b.weight
                && (a.lots == b.lots || b.lots.is_empty())
                && (b.hours.is_none() || a.hours == b.hours)
                && (b.percent.is_none() || a.percent == b.percent)
        }
        (What::Date(a), What::Date(b)) => a.kind == b.kind && a.at == b.at && a.lot == b.lot,
        (What::Term { .. }, What::Term { .. }) => old.what == new.what && fold(&old.quote) == fold(&new.quote),
        (What::Fact(a), What::Fact(b)) => a.kind == b.kind && a.value == b.value,
        _ => false,
    };
    if let Some(at) = kept.iter().position(same) {
        return Some(Again::At(at));
    }
    let told = match new.what {
        What::Criterion { .. } | What::Required { .. } => kept.iter().any(listed),
        What::Term { term, .. } => {
            kept.iter().filter(|k| matches!(k.what, What::Term { term: t, .. } if t == term)).count() >= TOLD
        }
        _ => false,
    };
    told.then_some(Again::NotTold)
}

impl Finding {
    /// Notes where the same is said again, and the places that one knew.
    fn say_again(&mut self, other: Self) {
        /// Most other places told.
        const PLACES: usize = 8;
        let own = Elsewhere { quote: other.quote, at: other.at };
        for said in std::iter::once(own).chain(other.also) {
            let known = said.at == self.at && said.quote == self.quote || self.also.contains(&said);
            if !known && self.also.len() < PLACES {
                self.also.push(said);
            }
        }
    }
}
