//! A correction of one notice, over the notices of its procedure that come after it. Pure.
//!
//! A person corrected what was read of a text. A later notice that says the same again is read wrongly in the same way, so that the
//! correction holds for it too; one that says something else of what was corrected stands by its own words, and whoever
//! corrected is told that theirs hold no more. What a correction left as it was read is none of its business.

use vigie_domain::{Provision, ProvisionKind};

/// The correction that stands for a procedure.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// Who made it.
    pub by: String,
    /// The provisions that the corrected notice is read to offer.
    pub read: Vec<Provision>,
    /// Those that hold instead.
    pub corrected: Vec<Provision>,
}

/// What a correction makes of a later notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// The provisions of the later notice.
    pub provisions: Vec<Provision>,
    /// Whether its words say something else than what was corrected, and than the correction.
    pub contradicted: bool,
}

impl Carried {
    /// The correction over a notice that states these provisions; `restates`: it tells all of the procedure anew, so that what it
    /// leaves out is withdrawn.
    #[must_use]
    pub fn over(&self, stated: &[Provision], restates: bool) -> Over {
        let mut over = Over { provisions: stated.to_vec(), contradicted: false };
        let mut kinds: Vec<ProvisionKind> = Vec::new();
        for p in self.read.iter().chain(&self.corrected) {
            if !kinds.contains(&p.kind) {
                kinds.push(p.kind);
            }
        }
        for kind in kinds {
            let [read, corrected, said] = [&self.read[..], &self.corrected, stated].map(|all| of_kind(all, kind));
            if same(&read, &corrected) || said.is_empty() && !restates && !read.is_empty() {
                continue;
            }
            let repeats = said.iter().all(|p| read.iter().any(|r| like(p, r)));
            if repeats && (!restates || said.len() == read.len()) {
                over.provisions.retain(|p| p.kind != kind);
                over.provisions.extend(corrected.into_iter().cloned());
            } else if !same(&said, &corrected) {
                over.contradicted = true;
            }
        }
        over
    }
}

fn of_kind(all: &[Provision], kind: ProvisionKind) -> Vec<&Provision> {
    all.iter().filter(|p| p.kind == kind).collect()
}

/// Whether two lists say the same, in any order.
fn same(a: &[&Provision], b: &[&Provision]) -> bool {
    a.len() == b.len() && a.iter().all(|p| b.iter().any(|q| like(p, q)))
}

/// Whether two provisions ask the same, whatever words say so.
fn like(a: &Provision, b: &Provision) -> bool {
    let asked = |p: &Provision| (p.beneficiary, p.hours, p.hours_max, p.percent, p.weight);
    let of = |p: &Provision| {
        let mut lots = p.lots.clone();
        lots.sort_unstable();
        lots
    };
    a.kind == b.kind && asked(a) == asked(b) && of(a) == of(b)
}

#[cfg(test)]
mod tests {
    use vigie_domain::Evidence;

    use super::*;

    fn clause(lot: &str, hours: f64) -> Provision {
        Provision {
            lots: vec![lot.to_owned()],
            hours: Some(hours),
            ..Provision::new(ProvisionKind::ExecutionClause, Evidence { field: None, quote: Some("…".into()) })
        }
    }

    fn correction() -> Carried {
        Carried {
            by: "bea".into(),
            read: vec![clause("1", 450.0), clause("2", 100.0)],
            corrected: vec![clause("1", 600.0), clause("2", 100.0)],
        }
    }

    #[test]
    fn a_correction_holds_over_a_text_that_says_the_same_again() {
        for (stated, restates) in [
            (vec![clause("1", 450.0), clause("2", 100.0)], true),
            (vec![clause("2", 100.0), clause("1", 450.0)], false),
            (vec![clause("1", 450.0)], false),
        ] {
            let over = correction().over(&stated, restates);
            assert_eq!(over, Over { provisions: correction().corrected, contradicted: false }, "{stated:?}");
        }
    }

    #[test]
    fn another_text_stands_by_its_own_words() {
        for (stated, restates, contradicted) in [
            (vec![clause("1", 500.0), clause("2", 100.0)], true, true),
            (vec![clause("1", 600.0), clause("2", 100.0)], true, false),
            (vec![clause("1", 450.0)], true, true),
            (vec![], true, true),
            (vec![], false, false),
        ] {
            let over = correction().over(&stated, restates);
            assert_eq!(over, Over { provisions: stated.clone(), contradicted }, "{stated:?}");
        }
    }

    #[test]
    fn what_a_person_added_or_took_away_stays_so() {
        let added = Carried { by: "bea".into(), read: vec![], corrected: vec![clause("1", 600.0)] };
        assert_eq!(added.over(&[], true).provisions, added.corrected);
        let taken = Carried { by: "bea".into(), read: vec![clause("1", 450.0)], corrected: vec![] };
        assert_eq!(taken.over(&[clause("1", 450.0)], true), Over { provisions: vec![], contradicted: false });
    }
}
