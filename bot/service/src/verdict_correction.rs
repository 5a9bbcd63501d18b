//! A verdict corrected by someone entitled to it: kept for every later version of the notice, and told to those who were told
//! of the first one, but to its author. It is signed, and its author can take it back. The command line and the pages come here.

use vigie_domain::procedure::{self, Snapshot};
use vigie_domain::{Alert, AlertKind, Assessment, Beneficiary, Evidence, Provision, ProvisionKind, Subscriber, french};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;
use vigie_store::journal::NoticeRow;
use vigie_store::search::Tells;
use vigie_store::verdicts::VerdictCorrection;
use vigie_watcher::classify;

use crate::ingest::audience::Signed;
use crate::ingest::plan::News;
use crate::ingest::{Turn, content_hash, search_row, tell};
use crate::service::Service;

/// What a person says holds.
#[derive(Debug, Clone, Default)]
pub struct CorrectedProvision {
    /// For whom, if reserved.
    pub beneficiary: Option<Beneficiary>,
    /// Lots concerned; empty = all.
    pub lots: Vec<String>,
    /// Hours of insertion.
    pub hours: Option<f64>,
    /// Share of the hours (clause), or of the mark (criterion), in percent.
    pub percent: Option<f64>,
}

/// Most hours of insertion that a contract may ask for: far above any real one.
const MAX_HOURS: f64 = 1e7;

/// Hours as people write them (`1 200`, `1 200 h`).
///
/// # Errors
/// What is no number, none at all, or more than any contract asks for; the words say so.
pub fn hours(text: &str) -> Result<f64, &'static str> {
    within(text, MAX_HOURS).ok_or("écrivez un nombre d’heures plus grand que zéro, par exemple 1 200")
}

/// A share in percent as people write it (`7,5`, `7,5 %`).
///
/// # Errors
/// What is no number, or not above 0 and at most 100; the words say so.
pub fn percent(text: &str) -> Result<f64, &'static str> {
    within(text, 100.0).ok_or("écrivez un pourcentage plus grand que 0 et de 100 au plus, par exemple 7,5")
}

fn within(text: &str, most: f64) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.trim_end_matches('%').trim_end_matches(['h', 'H']).replace(',', ".");
    // A number in figures: « inf » and « 1e3 » are how programs write.
    let figures = plain.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain.parse().ok().filter(|n: &f64| figures && *n > 0.0 && *n <= most)
}

impl CorrectedProvision {
    /// The provision of that kind that it makes.
    #[must_use]
    pub fn provision(self, kind: ProvisionKind) -> Provision {
        let mut provision = Provision::new(kind, Evidence::corrected());
        provision.beneficiary =
            self.beneficiary.or((kind == ProvisionKind::Reserved).then_some(Beneficiary::Unspecified));
        provision.lots = self.lots;
        provision.hours = self.hours;
        match kind {
            ProvisionKind::AwardCriterion => provision.weight = self.percent,
            _ => provision.percent = self.percent,
        }
        provision.mandatory = (kind == ProvisionKind::ExecutionClause).then_some(true);
        provision
    }
}

/// The provisions of a notice with `holds` in the place of those of that kind (nothing: there is none): of these lots, or of all where
/// none is named. What the same kind says of other lots stays.
#[must_use]
pub fn corrected(
    assessment: &Assessment,
    kind: ProvisionKind,
    lots: &[String],
    holds: Option<Provision>,
) -> Vec<Provision> {
    let rest = |p: &Provision| -> Option<Provision> {
        if p.kind == ProvisionKind::SocialConditionNotSeen {
            return None;
        }
        let elsewhere = |lot: &&String| !lots.contains(lot);
        let (before, kept): (usize, Vec<String>) = if p.kind != kind {
            return Some(p.clone());
        } else if lots.is_empty() {
            return None;
        } else if p.lots.is_empty() {
            let all = assessment.lots.iter().map(|l| &l.id);
            (assessment.lots.len(), all.filter(elsewhere).cloned().collect())
        } else {
            (p.lots.len(), p.lots.iter().filter(elsewhere).cloned().collect())
        };
        if kept.is_empty() {
            return None;
        }
        let mut left = p.clone();
        // Hours of several lots together are those of none of them.
        if kept.len() < before && before > 1 {
            (left.hours, left.hours_max) = (None, None);
        }
        left.lots = kept;
        Some(left)
    };
    assessment.provisions.iter().filter_map(rest).chain(holds).collect()
}

/// Puts these provisions in the place of a notice's; gives the number of people told.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn correct(
    service: &Service,
    person: &Subscriber,
    row: &NoticeRow,
    provisions: Vec<Provision>,
    note: &str,
) -> Result<usize, StoreError> {
    let assessment = classify::with_provisions(&row.notice, &row.assessment, provisions.clone());
    let correction = made(service, person, &row.id, Some(provisions), note);
    store(service, person, row, correction, &assessment, "Corrigé").await
}

fn made(
    service: &Service,
    person: &Subscriber,
    notice: &str,
    provisions: Option<Vec<Provision>>,
    note: &str,
) -> VerdictCorrection {
    let (notice, subscriber) = (notice.to_owned(), person.id.clone());
    VerdictCorrection { notice, subscriber, provisions, note: note.to_owned(), at: service.clock.now() }
}

/// Takes back the last correction of a notice, or the one of an earlier notice that holds for it, if it is this person's: what held
/// before holds again. The number of people told, or `None`: there is nothing of theirs to take back.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn undo(service: &Service, person: &Subscriber, row: &NoticeRow) -> Result<Option<usize>, StoreError> {
    let mut corrections = service.store.verdict_corrections_of(&row.id).await?;
    let Some(last) = corrections.pop() else { return undo_carried(service, person, row).await };
    if last.subscriber != person.id || last.provisions.is_none() {
        return Ok(None);
    }
    let before = corrections.pop().and_then(|c| c.provisions);
    let assessment = match &before {
        Some(provisions) => classify::with_provisions(&row.notice, &row.assessment, provisions.clone()),
        None => classify::classify(&row.notice),
    };
    let correction = made(service, person, &row.id, before, "");
    store(service, person, row, correction, &assessment, UNDONE).await.map(Some)
}

const UNDONE: &str = "Correction annulée";

/// The same for a notice that follows the corrected one: it offers what that one is read to offer.
async fn undo_carried(service: &Service, person: &Subscriber, row: &NoticeRow) -> Result<Option<usize>, StoreError> {
    let standing = service.store.standing_correction(&row.procedure).await?;
    let Some(standing) = standing.filter(|c| c.subscriber == person.id) else { return Ok(None) };
    let notices = service.store.notices_of(&row.procedure).await?;
    let Some(first) = notices.iter().find(|n| n.id == standing.notice) else { return Ok(None) };
    let read = classify::classify(&first.notice).provisions;
    let assessment = classify::with_provisions(&row.notice, &row.assessment, read);
    let correction = made(service, person, &first.id, None, "");
    store(service, person, row, correction, &assessment, UNDONE).await.map(Some)
}

/// How many others a correction reaches, but for those whom the market concerns from then on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// They had the alert.
    pub had: usize,
    /// Their digest has not left: they read the market as it is corrected.
    pub waiting: usize,
}

/// How many others a correction would reach: those who are told of the procedure.
///
/// # Errors
/// The database fails.
pub async fn reach(service: &Service, person: &Subscriber, row: &NoticeRow) -> Result<Reach, StoreError> {
    let told = service.store.told_of(&row.procedure).await?;
    let others = told.into_iter().filter(|(id, _)| *id != person.id);
    Ok(others.fold(Reach::default(), |reach, (_, had)| match had {
        true => Reach { had: reach.had + 1, ..reach },
        false => Reach { waiting: reach.waiting + 1, ..reach },
    }))
}

/// What others read of a correction: whose it is, and why.
fn remark(done: &str, person: &Subscriber, note: &str) -> String {
    let by = if person.name.is_empty() { "la personne qui suit ce marché" } else { &person.name };
    match note.trim() {
        "" => format!("{done} par {by}"),
        note => format!("{done} par {by} : {}", short(note, 300)),
    }
}

/// Stores a correction, and tells those who were told of the first verdict, and those whom the new one concerns.
async fn store(
    service: &Service,
    person: &Subscriber,
    row: &NoticeRow,
    correction: VerdictCorrection,
    assessment: &Assessment,
    done: &str,
) -> Result<usize, StoreError> {
    let (now, note) = (correction.at, correction.note.as_str());
    let (mut tx, mut turn) = Turn::begin(service, None).await?;
    turn.signed = Some(Signed { by: person.id.clone(), remark: remark(done, person, note) });
    let cause = tx.put_verdict_correction(&correction).await?;
    let told = Telling { id: cause, kind: AlertKind::VerdictCorrection, silent: false };
    let people = put_verdict(&mut tx, &mut turn, row, assessment, told).await?;
    drop(turn);
    tx.commit().await?;
    let title = short(&assessment.title, 80);
    let what = format!("« {title} » : {}", french::lower(&remark(done, person, note)));
    service.store.note("verdict", &row.id, &what, now).await?;
    service.deliveries_queued.notify_one();
    Ok(people)
}

/// How another verdict is told.
pub(crate) struct Telling {
    /// Identifier of the alert.
    pub id: String,
    pub kind: AlertKind,
    /// It says nothing to those who were told of the procedure: only to those whom it newly concerns.
    pub silent: bool,
}

/// Puts a verdict in the place of a notice's, and tells it; gives the number of those who hear of it.
pub(crate) async fn put_verdict(
    tx: &mut IngestTx,
    turn: &mut Turn<'_>,
    row: &NoticeRow,
    assessment: &Assessment,
    telling: Telling,
) -> Result<usize, StoreError> {
    let before = tx.procedure(&row.procedure).await?.map(|p| p.snapshot).unwrap_or_default();
    let after = Snapshot { provisions: Snapshot::of(assessment).provisions, ..before.clone() };
    let alert = Alert {
        id: telling.id,
        kind: telling.kind,
        procedure: row.procedure.clone(),
        notice: row.id.clone(),
        changes: procedure::changes(&before, &after),
    };
    let told = tx.told(&row.procedure).await?;
    tx.put_procedure(&row.procedure, &assessment.title, &after, &[]).await?;
    tx.put_notice(&row.notice, assessment, &content_hash(&row.notice), &row.procedure).await?;
    let found_by = search_row::row(&row.procedure, &row.notice, assessment, &after, tx.now());
    tx.put_search_row(&found_by, Tells::Offer).await?;
    let news = News { silent: telling.silent, over: false };
    Ok(tell(tx, turn, &row.notice, assessment, &alert, news, &told).await?.told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_corrected_of_one_lot_leaves_the_others_as_they_were() {
        let clause = |lots: &[&str], hours: f64| Provision {
            lots: lots.iter().map(|l| (*l).to_owned()).collect(),
            hours: Some(hours),
            ..Provision::new(ProvisionKind::ExecutionClause, Evidence { field: None, quote: Some("…".into()) })
        };
        let notice = |provisions: Vec<Provision>| {
            let mut notice = vigie_domain::Notice::new("t", "1", vigie_domain::NoticeKind::Call);
            for id in ["1", "2", "3"] {
                notice.lots.push(vigie_domain::Lot { id: id.into(), title: "Peinture".into(), ..Default::default() });
            }
            let mut assessment = classify::classify(&notice);
            assessment.provisions = provisions;
            assessment
        };
        let said = |a: &Assessment, lots: &[&str], holds: Option<Provision>| -> Vec<(String, Option<f64>)> {
            let lots: Vec<String> = lots.iter().map(|l| (*l).to_owned()).collect();
            let after = corrected(a, ProvisionKind::ExecutionClause, &lots, holds);
            after.iter().map(|p| (p.lots.join("+"), p.hours)).collect()
        };
        let pair = |lots: &str, hours: f64| (lots.to_owned(), Some(hours));
        let two = notice(vec![clause(&["1"], 1200.0), clause(&["2"], 400.0)]);
        assert_eq!(said(&two, &["2"], Some(clause(&["2"], 450.0))), [pair("1", 1200.0), pair("2", 450.0)]);
        assert_eq!(said(&two, &["2"], None), [pair("1", 1200.0)]);
        assert_eq!(said(&two, &[], Some(clause(&[], 900.0))), [pair("", 900.0)], "no lot named: all of them");
        let all = notice(vec![clause(&[], 1600.0)]);
        assert_eq!(said(&all, &["2"], Some(clause(&["2"], 450.0))), [("1+3".to_owned(), None), pair("2", 450.0)]);
    }

    /// Attack: 150 % and 0 h were told to people.
    #[test]
    fn numbers_are_read_as_people_write_them_and_only_where_they_can_be() {
        for (text, wanted) in [
            ("6000", Some(6000.0)),
            ("1 200", Some(1200.0)),
            ("6\u{202f}000 h", Some(6000.0)),
            ("beaucoup", None),
            ("", None),
            ("0", None),
            ("-5", None),
            ("inf", None),
            ("1e9", None),
        ] {
            assert_eq!(hours(text).ok(), wanted, "{text}");
        }
        for (text, wanted) in [("7,5 %", Some(7.5)), ("100", Some(100.0)), ("150", None), ("0", None), ("NaN", None)] {
            assert_eq!(percent(text).ok(), wanted, "{text}");
        }
    }
}
