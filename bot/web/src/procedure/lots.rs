//! The lots of a procedure: mine first, then by place, a line each; and the forms that answer several at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use vigie_domain::assessment::AssessedLot;
use vigie_domain::procedure::Snapshot;
use vigie_domain::{Assessment, Decision, ProcedureState, commune};
use vigie_notifier::card::{beside_lot, short};

use crate::browse;

/// Lots listed: one contract had 173.
const MAX_LOTS: usize = 250;
/// Lots from which the groups of others are folded, and titles cut sooner: the page stays light.
const MANY: usize = 20;
/// Longest title of a lot, of few and of many.
const TITLE: (usize, usize) = (180, 90);

/// Lots that are shown together.
#[derive(serde::Serialize)]
pub(super) struct LotGroup {
    /// Where, or « Pour vous »; empty where all lots make one group.
    pub(super) name: String,
    pub(super) mine: bool,
    /// Folded until asked for.
    pub(super) folded: bool,
    pub(super) rows: Vec<LotRow>,
}

#[derive(serde::Serialize)]
pub(super) struct LotRow {
    pub(super) id: String,
    title: String,
    place: String,
    provisions: Vec<String>,
    stage: Option<&'static str>,
    /// How it stands, where it takes no answers and that is not said of the whole: « Attribué à Martin SARL ».
    ended: Option<String>,
    /// Until when it can be answered, where that is not until when the whole can.
    closes: Option<String>,
}

/// The lots in groups. `mine`: those that concern the reader, where that is known.
pub(super) fn groups(
    a: &Assessment,
    state: &Snapshot,
    mine: Option<&[String]>,
    decisions: &[Decision],
    now: DateTime<Utc>,
) -> Vec<LotGroup> {
    let whole = ProcedureState::of(state, "", now);
    let many = a.lots.len() > MANY;
    // What holds for every lot is said above them.
    let common = |p: &vigie_domain::Provision| a.lots.iter().all(|l| p.covers(Some(&l.id)));
    let told: Vec<_> = a.provisions.iter().filter(|p| !common(p)).collect();
    let row = |l: &AssessedLot, place: String| {
        let mut provisions: Vec<String> = told
            .iter()
            .filter(|p| p.covers(Some(&l.id)))
            .map(|p| beside_lot(p, a.notice_kind.is_announcement()))
            .collect();
        provisions.dedup();
        let stands = ProcedureState::of(state, &l.id, now);
        let open = stands.phase.takes_answers();
        let of_its_own = stands.phase != whole.phase || stands.winners != whole.winners;
        LotRow {
            id: l.id.clone(),
            title: short(title(l), if many { TITLE.1 } else { TITLE.0 }),
            place,
            provisions,
            stage: decisions.iter().find(|d| d.lot == l.id).map(|d| d.stage.in_french()),
            ended: (!open && of_its_own).then(|| stands.in_french(now)),
            closes: (open && stands.closes != whole.closes).then(|| stands.detail(now)).filter(|d| !d.is_empty()),
        }
    };
    let is_mine = |l: &AssessedLot| mine.is_some_and(|lots| lots.contains(&l.id));
    let all_mine = a.lots.iter().all(is_mine);
    let mut out = Vec::new();
    if !all_mine && a.lots.iter().any(is_mine) {
        let rows = a.lots.iter().filter(|l| is_mine(l)).map(|l| row(l, place(l))).collect();
        out.push(LotGroup { name: "Pour vous".to_owned(), mine: true, folded: false, rows });
    }
    let mut by_place: BTreeMap<String, Vec<LotRow>> = BTreeMap::new();
    for l in a.lots.iter().filter(|l| all_mine || !is_mine(l)).take(MAX_LOTS) {
        by_place.entry(place(l)).or_default().push(row(l, String::new()));
    }
    // One place for all needs no heading of its own, nor do as many places as lots.
    let apart = by_place.len() > 1 && by_place.len() * 2 <= a.lots.len().max(4);
    if apart {
        out.extend(by_place.into_iter().map(|(name, rows)| LotGroup {
            name: if name.is_empty() { "Lieu non précisé".to_owned() } else { name },
            mine: false,
            folded: many,
            rows,
        }));
    } else {
        let rows: Vec<LotRow> = by_place
            .into_iter()
            .flat_map(|(place, rows)| rows.into_iter().map(move |r| LotRow { place: place.clone(), ..r }))
            .collect();
        let name = if out.is_empty() { String::new() } else { "Les autres".to_owned() };
        if !rows.is_empty() {
            out.push(LotGroup { name, mine: false, folded: many && !out.is_empty(), rows });
        }
    }
    for group in &mut out {
        group.rows.sort_by_key(|r| number(&r.id));
    }
    out
}

/// Lots in the order of their numbers.
fn number(id: &str) -> (u32, String) {
    let digits: String = id.chars().filter(char::is_ascii_digit).take(9).collect();
    (digits.parse().unwrap_or(u32::MAX), id.to_owned())
}

/// Its communes as written, else its départements.
fn place(l: &AssessedLot) -> String {
    let mut named: Vec<String> = Vec::new();
    for city in l.places.iter().filter_map(|p| p.city.as_ref()) {
        if !named.contains(city) {
            named.push(city.clone());
        }
    }
    match named.as_slice() {
        [] => browse::place(&l.departments),
        [one] => one.clone(),
        [first, second] => format!("{first} et {second}"),
        [first, rest @ ..] => format!("{first} et {} autres communes", rest.len()),
    }
}

/// Its title without the words « Lot 1 : », which the page says itself.
fn title(l: &AssessedLot) -> &str {
    let rest = l.title.trim();
    let folded = commune::key(rest);
    if !folded.starts_with("lot ") {
        return rest;
    }
    let after =
        rest.get(3..).unwrap_or_default().trim_start_matches(|c: char| c.is_whitespace() || "n°Nº.".contains(c));
    let id = l.id.trim_start_matches('0');
    let Some(after) = after.trim_start_matches('0').strip_prefix(id) else { return rest };
    let cut = after.trim_start();
    match cut.strip_prefix([':', '-', '–', '—', '.']) {
        Some(cut) if !cut.trim().is_empty() => cut.trim_start(),
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::snapshot::{EndedLot, LotDate, Status, Winner};
    use vigie_domain::{DateKind, Department};

    fn lot(id: &str, title: &str, department: &str) -> AssessedLot {
        AssessedLot {
            id: id.into(),
            title: title.into(),
            departments: Department::parse(department).into_iter().collect(),
            ..AssessedLot::default()
        }
    }

    #[test]
    fn a_lot_says_its_number_once() {
        for (id, said, shown) in [
            ("1", "Lot 1 : gros œuvre", "gros œuvre"),
            ("1", "Lot n°01 - Gros œuvre", "Gros œuvre"),
            ("2", "Lot 12 : peinture", "Lot 12 : peinture"),
            ("1", "Lot 1", "Lot 1"),
            ("3", "Lotissement des Prés", "Lotissement des Prés"),
        ] {
            assert_eq!(title(&lot(id, said, "59")), shown, "{said}");
        }
    }

    #[test]
    fn lots_are_mine_first_then_by_place() {
        let mut a = Assessment::new("1", vigie_domain::NoticeKind::Call);
        a.lots = (1..=173).map(|n| lot(&n.to_string(), "Remplacement", if n % 2 == 0 { "59" } else { "62" })).collect();
        let mine = ["7".to_owned(), "120".to_owned()];
        let groups = groups(&a, &Snapshot::default(), Some(&mine), &[], DateTime::UNIX_EPOCH);
        let names: Vec<(&str, usize, bool)> =
            groups.iter().map(|g| (g.name.as_str(), g.rows.len(), g.folded)).collect();
        assert_eq!(names, [("Pour vous", 2, false), ("Nord (59)", 85, true), ("Pas-de-Calais (62)", 86, true)]);
        assert_eq!(groups[1].rows[0].id, "2", "by number");
    }

    #[test]
    fn few_lots_of_one_place_make_one_group_without_a_name() {
        let mut a = Assessment::new("1", vigie_domain::NoticeKind::Call);
        a.lots = vec![lot("1", "Linge", "59"), lot("2", "Vitres", "59")];
        let groups = groups(&a, &Snapshot::default(), None, &[], DateTime::UNIX_EPOCH);
        assert_eq!((groups.len(), groups[0].name.as_str(), groups[0].rows.len()), (1, "", 2));
    }

    #[test]
    fn each_lot_stands_as_it_stands_where_the_whole_does_not_say_it() {
        let now = DateTime::from_timestamp(1_795_248_000, 0).unwrap();
        let closes = |lot: &str, days| LotDate {
            lot: lot.into(),
            kind: DateKind::Tender,
            at: (now + chrono::Duration::days(days)).fixed_offset(),
        };
        let mut a = Assessment::new("1", vigie_domain::NoticeKind::Call);
        a.lots = ["1", "2", "3", "4"].map(|id| lot(id, "Nettoyage", "59")).to_vec();
        let state = Snapshot {
            lots: a.lots.iter().map(|l| l.id.clone()).collect(),
            dates: vec![(DateKind::Tender, closes("", 30).at)],
            lot_dates: vec![closes("1", -2), closes("2", 12)],
            ended: vec![EndedLot { lot: "3".into(), status: Status::Awarded, reason: None }],
            winners: vec![Winner { lot: Some("3".into()), names: vec!["Martin SARL".into()], amount: None }],
            ..Snapshot::default()
        };
        let rows = groups(&a, &state, None, &[], now).remove(0).rows;
        let ended: Vec<&str> = rows.iter().map(|r| r.ended.as_deref().unwrap_or_default()).collect();
        assert!(ended[0].starts_with("Clos depuis le"), "{ended:?}");
        assert_eq!((ended[1], ended[2], ended[3]), ("", "Attribué à Martin SARL", ""));
        assert!(rows[1].closes.as_ref().is_some_and(|c| c.starts_with("jusqu’au")), "{:?}", rows[1].closes);
        assert_eq!(rows[3].closes, None, "as the whole");
    }
}
