//! What a message shows of its procedure's state, and the buttons under it. Pure.
//!
//! The state line is the same in every chat of a structure: « Ana s’en occupe : on y va ».

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, Decision, OfferStage, PartnerRole, Permission, Phase, Refusal, Stage, french};
use vigie_notifier::card::short;

use vigie_notifier::chat::Button;

use super::action::{self, Action, REMIND_DAYS};

/// Most lots told apart.
const MAX_LOTS: usize = 5;
/// Longest note shown, in characters.
const MAX_NOTE: usize = 120;
/// Longest name shown, in characters.
const MAX_NAME: usize = 40;

/// The state of a procedure for the structure whose decisions these are; `None` where nobody decided anything.
#[must_use]
pub fn line(decisions: &[Decision], now: DateTime<Utc>) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let (whole, lots): (Vec<&Decision>, Vec<&Decision>) = decisions.iter().partition(|d| d.lot.is_empty());
    lines.extend(whole.iter().filter_map(|d| one(d, now)));
    let mut by_lot: Vec<String> =
        lots.iter().filter_map(|d| Some(format!("Lot {} : {}", short(&d.lot, 20), one(d, now)?))).collect();
    let more = by_lot.len().saturating_sub(MAX_LOTS);
    by_lot.truncate(MAX_LOTS);
    lines.extend(by_lot);
    if more > 0 {
        lines.push(format!("et {} de plus", french::plural(more, "lot")));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn because(d: &Decision) -> String {
    d.refusal.map(|r| format!(" : {}", r.in_french())).unwrap_or_default()
}

fn one(d: &Decision, now: DateTime<Utc>) -> Option<String> {
    let by = short(&d.by, MAX_NAME);
    let who = if d.assignee.is_empty() { by.clone() } else { short(&d.assignee, MAX_NAME) };
    let mut parts: Vec<String> = Vec::new();
    let said = match d.stage {
        Stage::Spotted | Stage::Read => None,
        Stage::Go => Some(format!("👍 {who} s’en occupe : on y va")),
        Stage::NoGo => Some(format!("👎 Écarté par {by}{}", because(d))),
        Stage::Preparing => Some(match d.joint {
            Some(true) => format!("✍️ {who} prépare la réponse, en groupement"),
            _ => format!("✍️ {who} prépare la réponse"),
        }),
        Stage::Submitted => Some(format!("📨 Offre remise ({by})")),
        Stage::Won => Some(format!("🏆 Gagné ({by})")),
        Stage::Lost => Some(format!("Perdu ({by}){}", because(d))),
        Stage::NoAward => Some(format!("Sans suite ({by})")),
        Stage::Abandoned => Some(format!("Abandonné par {by}{}", because(d))),
    };
    parts.extend(said);
    if !d.assignee.is_empty() && matches!(d.stage, Stage::Spotted | Stage::Read) {
        parts.push(format!("{who} s’en occupe"));
    }
    if let Some(at) = d.remind_at.filter(|at| *at > now) {
        parts.push(format!("⏰ rappel le {}", french::date(at.with_timezone(&Paris).date_naive())));
    }
    if !d.note.is_empty() {
        parts.push(format!("📝 {}", short(&d.note, MAX_NOTE)));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// The buttons under a message about a contract that follows an award, however its procedure stands.
fn after_award(kind: AlertKind, role: Role, delivery: &str) -> Vec<Vec<Button>> {
    let button = |label: &str, wish: Action| action::button(label, &wish, delivery);
    match kind {
        _ if !role.may(Permission::Decide) => Vec::new(),
        AlertKind::Offer => {
            let label = |stage: OfferStage| french::capital(stage.in_french());
            vec![OfferStage::ANSWERS.map(|stage| button(&label(stage), Action::Offer(stage))).to_vec()]
        }
        AlertKind::AskResult => {
            let stage = |label: &str, stage: Stage| button(label, Action::Stage(stage));
            vec![
                vec![stage("🏆 Gagné", Stage::Won), stage("Perdu", Stage::Lost)],
                vec![stage("Sans suite", Stage::NoAward), stage("Pas répondu", Stage::Abandoned)],
            ]
        }
        _ => Vec::new(),
    }
}

/// The buttons under a message that asks as what a structure positions itself.
fn partners(role: Role, phase: Phase, delivery: &str) -> Vec<Vec<Button>> {
    if !role.may(Permission::Decide) || !phase.takes_answers() {
        return Vec::new();
    }
    let label = |role: PartnerRole| french::capital(role.in_french());
    let row = |roles: &[PartnerRole]| {
        roles.iter().map(|r| action::button(&label(*r), &Action::Position(*r), delivery)).collect::<Vec<_>>()
    };
    PartnerRole::ALL.chunks(2).map(row).collect()
}

/// The buttons under a message about a procedure that stands so, for a person of that role: what is over takes no « on y va ».
#[must_use]
pub fn buttons(kind: AlertKind, role: Role, phase: Phase, delivery: &str) -> Vec<Vec<Button>> {
    let button = |label: &str, wish: Action| action::button(label, &wish, delivery);
    let stage = |label: &str, stage: Stage| button(label, Action::Stage(stage));
    let more = button("Détails", Action::More);
    let later = button("⏰ Plus tard", Action::Remind(REMIND_DAYS));
    match kind {
        AlertKind::Offer | AlertKind::AskResult | AlertKind::Renewal => return after_award(kind, role, delivery),
        AlertKind::PartnerCall => return partners(role, phase, delivery),
        _ => {}
    }
    let of_a_contract = matches!(
        kind,
        AlertKind::ExAnte
            | AlertKind::Modification
            | AlertKind::Completion
            | AlertKind::HoursToFill
            | AlertKind::Account
            | AlertKind::Operator
    );
    if of_a_contract || phase.is_settled() && !phase.may_be_won() {
        return Vec::new();
    }
    if !role.may(Permission::Decide) {
        return vec![vec![more]];
    }
    match kind {
        _ if phase.may_be_won() => {
            vec![vec![stage("🏆 Gagné", Stage::Won), stage("Perdu", Stage::Lost)], vec![more]]
        }
        // They go for it already.
        AlertKind::Reminder => vec![
            vec![stage("📨 Offre remise", Stage::Submitted), stage("On abandonne", Stage::Abandoned)],
            vec![later, more],
        ],
        _ => vec![vec![stage("👍 On y va", Stage::Go), stage("👎 Écarter", Stage::NoGo)], vec![later, more]],
    }
}

/// Why a structure stands there, one tap each.
#[must_use]
pub fn reasons(stage: Stage, delivery: &str) -> Vec<Vec<Button>> {
    Refusal::of(stage)
        .chunks(2)
        .map(|row| {
            row.iter()
                .map(|r| action::button(french::capital(r.in_french()).as_str(), &Action::Because(*r), delivery))
                .collect()
        })
        .collect()
}

/// Where a structure stands, for those who went on; of what is not open any more, what came of it.
#[must_use]
pub fn stages(open: bool, delivery: &str) -> Vec<Vec<Button>> {
    let button = |label: &str, stage: Stage| action::button(label, &Action::Stage(stage), delivery);
    if !open {
        return vec![
            vec![button("Gagné", Stage::Won), button("Perdu", Stage::Lost)],
            vec![button("Sans suite", Stage::NoAward)],
        ];
    }
    // Nobody has won what others may still bid for.
    vec![
        vec![button("On prépare", Stage::Preparing), button("Offre remise", Stage::Submitted)],
        vec![button("On abandonne", Stage::Abandoned)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(stage: Stage) -> Decision {
        Decision::new("s", "p", stage, "Ana", DateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_state_reads_as_french() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc);
        let shown = |d: Decision| line(&[d], now);
        assert_eq!(shown(decision(Stage::Go)).unwrap(), "👍 Ana s’en occupe : on y va");
        assert_eq!(shown(decision(Stage::Read)), None);
        let refused = Decision { refusal: Some(Refusal::Place), ..decision(Stage::NoGo) };
        assert_eq!(shown(refused).unwrap(), "👎 Écarté par Ana : trop loin");
        let reminded = Decision { remind_at: Some(now + chrono::Duration::days(3)), ..decision(Stage::Read) };
        assert_eq!(shown(reminded.clone()).unwrap(), "⏰ rappel le 24 novembre 2026");
        assert_eq!(line(&[reminded], now + chrono::Duration::days(4)), None, "once reminded, nothing is left to show");
        let lots: Vec<Decision> = (1..=7).map(|n| Decision { lot: n.to_string(), ..decision(Stage::Go) }).collect();
        let text = line(&lots, now).unwrap();
        assert!(text.starts_with("Lot 1 : 👍 Ana") && text.ends_with("et 2\u{a0}lots de plus"), "{text}");
    }

    #[test]
    fn those_who_only_read_get_no_decision_buttons() {
        let labels = |role| -> Vec<String> {
            buttons(AlertKind::New, role, Phase::Open, "d").into_iter().flatten().map(|b| b.label).collect()
        };
        assert_eq!(labels(Role::Facilitator), ["Détails"]);
        assert_eq!(labels(Role::Structure), ["👍 On y va", "👎 Écarter", "⏰ Plus tard", "Détails"]);
        let of = |kind| -> Vec<String> {
            buttons(kind, Role::Structure, Phase::Awarded, "d").into_iter().flatten().map(|b| b.label).collect()
        };
        assert_eq!(of(AlertKind::Offer), ["Contacté", "Refusé", "Gagné"]);
        assert_eq!(of(AlertKind::AskResult), ["🏆 Gagné", "Perdu", "Sans suite", "Pas répondu"]);
        assert!(buttons(AlertKind::Offer, Role::Facilitator, Phase::Awarded, "d").is_empty());
    }

    /// U2: nothing is offered that means nothing any more, whatever the message was.
    #[test]
    fn what_is_over_offers_only_what_makes_sense() {
        let labels = |kind, phase| -> Vec<String> {
            buttons(kind, Role::Structure, phase, "d").into_iter().flatten().map(|b| b.label).collect()
        };
        for kind in [AlertKind::New, AlertKind::Correction, AlertKind::Reminder, AlertKind::Cancellation] {
            assert!(labels(kind, Phase::Cancelled).is_empty(), "{kind:?}");
            assert!(labels(kind, Phase::NoAward).is_empty(), "{kind:?}");
            for phase in [Phase::Closed, Phase::Awarded] {
                assert_eq!(labels(kind, phase), ["🏆 Gagné", "Perdu", "Détails"], "{kind:?}");
            }
        }
        assert_eq!(
            labels(AlertKind::Reminder, Phase::Open),
            ["📨 Offre remise", "On abandonne", "⏰ Plus tard", "Détails"]
        );
    }
}
