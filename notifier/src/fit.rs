//! Fit: what a notice offers to *one* structure. Each point comes with its reason in French.

use vigie_domain::subscription::{Match, Profile};
use vigie_domain::{Access, Assessment, ProvisionKind, StructureKind, SupplyMode, concerned_lots};

use crate::labels::{beneficiary_label, provision_label};

/// How well a notice suits a structure.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fit {
    /// 0–100.
    pub score: u8,
    /// Reasons, strongest first.
    pub reasons: Vec<String>,
}

/// Whether what met is reserved for structures of their kind; for any structure, where their kind is not known.
#[must_use]
pub fn reserved_for(profile: &Profile, assessment: &Assessment, found: &Match) -> bool {
    assessment.provisions.iter().any(|p| {
        let my_lots = found.lots.is_empty() || p.lots.is_empty() || p.lots.iter().any(|l| found.lots.contains(l));
        let for_them = match (profile.kind, p.beneficiary) {
            (None, _) => true,
            (Some(kind), beneficiary) => beneficiary.is_some_and(|b| kind.may_bid(b)),
        };
        p.kind == ProvisionKind::Reserved && my_lots && for_them
    })
}

/// What a structure of a kind is told of, whatever its trades: nothing says so on a form where « rien de coché = tout ».
#[must_use]
pub fn scope_in_french(kind: StructureKind) -> String {
    let who = format!("À une structure de votre type ({})", kind.acronym());
    if kind == StructureKind::Sep {
        return format!("{who}, Vigie signale ce qui lui est réservé.");
    }
    if !kind.supply_modes().contains(&SupplyMode::Staff) {
        return format!(
            "{who}, Vigie ne signale ni ce qui est réservé à d’autres, ni les mises à disposition de personnel."
        );
    }
    let serves = match kind.delivers_clause_hours() {
        true => ", et les marchés réservés ou à clause où elle peut mettre du personnel à disposition",
        false => "",
    };
    format!(
        "{who}, Vigie signale les mises à disposition de personnel et ce qui lui est réservé{serves}. Un marché ordinaire, même de vos métiers, ne vous est pas signalé."
    )
}

/// Weighs a match for a structure.
#[must_use]
pub fn weigh(profile: &Profile, assessment: &Assessment, found: &Match) -> Fit {
    let rules = vigie_config::rules::Rules::embedded();
    let mut points: Vec<(i32, String)> = Vec::new();
    let mut add = |weight: i32, reason: String| points.push((weight, reason));
    if let Some(kind) = profile.kind {
        let reserved_for_us = found.access == Access::Bid && reserved_for(profile, assessment, found);
        match found.access {
            Access::Bid if reserved_for_us => {
                add(40, format!("réservé à des structures comme la vôtre ({})", kind.acronym()))
            }
            Access::Bid => add(20, format!("les {} peuvent y répondre", kind.acronym())),
            Access::Serve => add(
                15,
                format!(
                    "les {} n’y répondent pas, mais peuvent mettre du personnel à disposition de qui y répond",
                    kind.acronym()
                ),
            ),
            Access::Closed => {
                let who = concerned_lots::reserved_to(assessment, found)
                    .map_or("à d’autres structures".to_owned(), |b| format!("aux {}", beneficiary_label(b)));
                add(-30, format!("réservé {who}\u{a0}: fermé aux {}", kind.acronym()));
            }
        }
        let clause = assessment.has(ProvisionKind::ExecutionClause);
        if clause && kind.delivers_clause_hours() && !reserved_for_us && found.access != Access::Closed {
            add(15, "vos salariés comptent pour la clause d’insertion".to_owned());
        }
    }
    if !found.sectors.is_empty() {
        let labels: Vec<String> = found.sectors.iter().take(3).map(|s| rules.trade(s).to_owned()).collect();
        let (weight, what) = if found.side_need { (10, "besoin à côté des travaux") } else { (30, "votre métier") };
        add(weight, format!("{what} ({})", vigie_domain::french::list(&labels)));
    }
    if !found.near.is_empty() {
        let said: Vec<String> = found.near.iter().take(3).map(vigie_domain::Near::briefly).collect();
        add(20, said.join(", "));
    } else if !found.departments.is_empty() {
        let names: Vec<String> = found.departments.iter().take(3).map(|d| rules.department_label(d.as_str())).collect();
        add(20, vigie_domain::french::list(&names));
    }
    if !found.words.is_empty() {
        let quoted: Vec<String> = found.words.iter().take(3).map(|w| format!("«\u{a0}{}\u{a0}»", w.trim())).collect();
        add(10, format!("vos mots {}", vigie_domain::french::list(&quoted)));
    }
    if !found.lots.is_empty() {
        add(10, format!("{} à votre portée", vigie_domain::french::plural(found.lots.len(), "lot")));
    }
    let asked: Vec<ProvisionKind> = found
        .provisions
        .iter()
        .copied()
        .filter(|p| {
            matches!(p, ProvisionKind::Reserved | ProvisionKind::ExecutionClause | ProvisionKind::InsertionService)
        })
        .collect();
    if profile.kind.is_none() && !asked.is_empty() {
        let labels: Vec<String> = asked.iter().map(|p| provision_label(*p).to_owned()).collect();
        add(20, vigie_domain::french::list(&labels));
    }
    points.sort_by_key(|p| -p.0);
    let sum: i32 = points.iter().map(|p| p.0).sum();
    Fit { score: u8::try_from(sum.clamp(0, 100)).unwrap_or(0), reasons: points.into_iter().map(|p| p.1).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::{Beneficiary, Evidence, NoticeKind, Provision, Route, StructureKind};

    fn reserved(who: Beneficiary) -> Assessment {
        let mut p = Provision::new(ProvisionKind::Reserved, Evidence { field: Some("f".into()), quote: None });
        p.beneficiary = Some(who);
        Assessment {
            title: "t".into(),
            provisions: vec![p],
            routes: vec![Route::Reserved],
            eligible_kinds: StructureKind::ALL.into_iter().filter(|k| k.may_bid(who)).collect(),
            score: 70,
            ..Assessment::new("1", NoticeKind::Call)
        }
    }

    #[test]
    fn what_a_kind_is_told_of_is_said() {
        let said = scope_in_french(StructureKind::Ai);
        assert!(said.contains("(AI)") && said.contains("même de vos métiers"), "{said}");
        assert!(scope_in_french(StructureKind::Ei).contains("ni les mises à disposition"));
        assert!(scope_in_french(StructureKind::Sep).ends_with("ce qui lui est réservé."));
    }

    #[test]
    fn what_is_reserved_for_others_fits_less() {
        let esat = Profile { kind: Some(StructureKind::Esat), ..Profile::default() };
        let ours = weigh(&esat, &reserved(Beneficiary::Disability), &Match::default());
        let closed = Match { access: Access::Closed, ..Match::default() };
        let theirs = weigh(&esat, &reserved(Beneficiary::Insertion), &closed);
        assert!(ours.score > theirs.score, "{ours:?} {theirs:?}");
        assert!(ours.reasons[0].contains("ESAT"));
        assert_eq!(theirs.reasons, ["réservé aux SIAE\u{a0}: fermé aux ESAT"]);
    }
}
