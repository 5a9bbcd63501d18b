//! What the pieces say of the clause, said to everybody by a facilitator who gave them: words and their place, never a file.
//!
//! It goes the way of every corrected verdict: signed, told to those who had heard of the procedure, taken back as any other. Only a
//! public notice that shows no clause is added to; one that shows a clause is corrected from its page.

use vigie_consultation::{Consultation, Finding, Term, What, Whereabouts};
use vigie_domain::{Evidence, Permission, Provision, ProvisionKind, Subscriber};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;

use super::shown::known;
use crate::after_award::messages::main_of;
use crate::service::Service;
use crate::{verdict_correction, visibility};

/// Longest quote that is shared, in characters.
const QUOTE: usize = 400;
/// Most clauses shared: more lots than that are read in the pieces.
const MOST: usize = 40;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// So many others hear of it.
    Told(usize),
    /// The pieces that were read show no clause, or the notice shows one already.
    Nothing,
    /// Their role corrects nothing.
    MayNot,
}

/// Says for everybody what a structure's pieces say of the clause.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn share_clause(service: &Service, person: &Subscriber, procedure: &str) -> Result<Shared, StoreError> {
    if !person.role.may(Permission::CorrectVerdict) {
        return Ok(Shared::MayNot);
    }
    let read = known(service, person.structure(), procedure).await?.and_then(|known| known.read);
    let notices = visibility::visible(service, None, service.store.notices_of(procedure).await?).await?;
    let (Some(read), Some(row)) = (read, main_of(&notices)) else { return Ok(Shared::Nothing) };
    let clauses = sayable(&read, row);
    let Some(place) = clauses.first().and_then(|p| p.article.clone()) else { return Ok(Shared::Nothing) };
    let mut provisions = verdict_correction::corrected(&row.assessment, ProvisionKind::ExecutionClause, &[], None);
    provisions.extend(clauses);
    verdict_correction::correct(service, person, row, provisions, &place).await.map(Shared::Told)
}

/// The clauses of the pieces that everybody may be told of a notice, each with its words and their place; none where the notice shows
/// a clause already.
#[must_use]
pub fn sayable(read: &Consultation, row: &NoticeRow) -> Vec<Provision> {
    let is_clause = |p: &Provision| p.kind == ProvisionKind::ExecutionClause;
    if !row.notice.visibility.is_public() || row.assessment.provisions.iter().any(is_clause) {
        return Vec::new();
    }
    let figured: Vec<(&Provision, &Finding)> = read.provisions().filter(|(p, _)| is_clause(p)).collect();
    // One piece says it; the others repeat.
    if let Some((_, first)) = figured.first() {
        let of_piece = figured.iter().filter(|(_, f)| f.at.piece == first.at.piece);
        return of_piece.take(MOST).map(|(p, f)| said((*p).clone(), f)).collect();
    }
    let duty = read.findings.iter().find(|f| matches!(f.what, What::Term { term: Term::ClauseDuty, .. }));
    let bare = || Provision::new(ProvisionKind::ExecutionClause, Evidence { field: None, quote: None });
    duty.map(|f| said(bare(), f)).into_iter().collect()
}

/// A clause with its words and their place.
fn said(clause: Provision, finding: &Finding) -> Provision {
    let place = format!("vue {}", place(&finding.at));
    Provision {
        article: Some(place),
        evidence: Evidence { field: Some(Evidence::CORRECTION.to_owned()), quote: Some(short(&finding.quote, QUOTE)) },
        mandatory: Some(true),
        doubt: None,
        ..clause
    }
}

/// Where words stand, without the name of the file: "au CCAP, art. 5.2, p. 11".
fn place(at: &Whereabouts) -> String {
    use vigie_consultation::{Kind, Place};
    let piece = match at.kind {
        Kind::Ae => "à l’acte d’engagement".to_owned(),
        Kind::SocialAnnex => "à l’annexe sociale".to_owned(),
        Kind::Rc | Kind::Ccap | Kind::Ccp | Kind::Cctp => format!("au {}", at.kind.label()),
        _ => "au dossier de consultation".to_owned(),
    };
    let numbered = |a: &&String| a.starts_with(|c: char| c.is_ascii_digit());
    let article = at.article.as_ref().filter(numbered).map(|a| format!(", art. {a}")).unwrap_or_default();
    let page = if let Place::Page(n) = at.place { format!(", p. {n}") } else { String::new() };
    format!("{piece}{article}{page}")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use vigie_consultation::{Kind, Place};
    use vigie_domain::{Notice, NoticeKind};
    use vigie_watcher::classify;

    use super::*;

    fn row(description: &str) -> NoticeRow {
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        notice.passages.push(vigie_domain::Passage {
            field: "objet".to_owned(),
            lot: None,
            text: description.to_owned(),
        });
        let assessment = classify::classify(&notice);
        NoticeRow {
            id: notice.key(),
            procedure: "p".to_owned(),
            notice,
            assessment,
            first_seen: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    fn read(hours: Option<f64>) -> Consultation {
        let at = Whereabouts {
            piece: "secret/CCAP de la ville.pdf".to_owned(),
            kind: Kind::Ccap,
            place: Place::Page(11),
            article: Some("5.2".to_owned()),
        };
        let what = match hours {
            None => What::Term { term: Term::ClauseDuty, amount: None, lots: Vec::new() },
            Some(hours) => What::Provision(Box::new(Provision {
                hours: Some(hours),
                ..Provision::new(ProvisionKind::ExecutionClause, Evidence { field: None, quote: None })
            })),
        };
        let quote = "Le titulaire réserve des heures à l’insertion.".to_owned();
        Consultation { pieces: Vec::new(), findings: vec![Finding { what, quote, at, weight: 0, also: Vec::new() }] }
    }

    #[test]
    fn words_and_place_are_said_and_no_file_is_named() {
        for hours in [Some(500.0), None] {
            let said = sayable(&read(hours), &row("Travaux de voirie"));
            assert_eq!(said.len(), 1);
            assert_eq!(said[0].hours, hours);
            assert_eq!(said[0].article.as_deref(), Some("vue au CCAP, art. 5.2, p. 11"));
            assert!(!format!("{said:?}").contains("secret"));
        }
    }

    #[test]
    fn nothing_is_said_of_a_notice_that_shows_a_clause() {
        let shown = row("Clause d’insertion : 800 heures d’insertion sont réservées aux publics éloignés de l’emploi.");
        assert_eq!(sayable(&read(Some(500.0)), &shown), []);
        assert_eq!(sayable(&Consultation::default(), &row("Travaux de voirie")), []);
    }
}
