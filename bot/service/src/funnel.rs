//! A year of a structure, or of the members of a network who agreed to be counted: seen → read → analysed → answered → won, and what
//! else came of it, by month, trade, buyer, provision and route. Counts stand beside every rate.
//!
//! Of a network, no cell speaks of fewer than [`FEWEST`] structures, whatever is subtracted from what: what would is left out, with as
//! much of the rest as keeps it from being worked out. Nobody's name is in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Duration, Utc};
use chrono_tz::Europe::Paris;
use vigie_config::rules::Rules;
use vigie_domain::{Refusal, Route, Stage, Subscriber};
use vigie_notifier::labels::{provision_label, route_label};
use vigie_store::StoreError;
use vigie_store::follow_up::Step;
use vigie_store::search::SearchRow;

use crate::network::counted_in;
use crate::partner_calls::members_of;
use crate::service::Service;

/// Fewest structures that a cell of a network's table may speak of.
pub const FEWEST: usize = 5;
/// Most lines of a table of one structure.
const MAX_LINES: usize = 30;

/// How long what was gone for is followed without another step.
const WENT_ON_FOR: Duration = Duration::days(400);

/// How far a procedure got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// They were told of it.
    Seen,
    /// Somebody opened it.
    Read,
    /// They made up their mind.
    Analysed,
    /// They handed in a tender.
    Answered,
    /// They won.
    Won,
}

impl Rung {
    /// Every rung.
    pub const ALL: [Self; 5] = [Self::Seen, Self::Read, Self::Analysed, Self::Answered, Self::Won];

    /// Where a stage stands.
    #[must_use]
    pub fn of(stage: Stage) -> Self {
        match stage {
            Stage::Spotted => Self::Seen,
            Stage::Read => Self::Read,
            Stage::Go | Stage::NoGo | Stage::Preparing | Stage::Abandoned => Self::Analysed,
            Stage::Submitted | Stage::Lost | Stage::NoAward => Self::Answered,
            Stage::Won => Self::Won,
        }
    }

    /// As a person reads it, of many.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Seen => "Repérés",
            Self::Read => "Lus",
            Self::Analysed => "Analysés",
            Self::Answered => "Répondus",
            Self::Won => "Gagnés",
        }
    }
}

/// What became of a procedure besides its rung: a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Lost, and why where they said.
    Lost(Option<Refusal>),
    NoAward,
    /// Abandoned, and why.
    Abandoned(Option<Refusal>),
    /// Left out, and why.
    NoGo(Option<Refusal>),
}

impl Ending {
    /// What came of it and why, in words: « perdu : notre prix ». Nothing has no reason by itself.
    fn because(self) -> Option<String> {
        let (ending, why) = match self {
            Self::Lost(why) => ("perdu", why),
            Self::Abandoned(why) => ("abandonné", why),
            Self::NoGo(why) => ("écarté", why),
            Self::NoAward => return None,
        };
        Some(format!("{ending} : {}", why.map_or("sans raison donnée", Refusal::in_french)))
    }
}

/// One procedure of one structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    pub structure: String,
    pub procedure: String,
    pub furthest: Rung,
    pub ending: Option<Ending>,
    /// `2026-11`: the month in which it began to count.
    pub month: String,
    pub trades: Vec<String>,
    pub buyer: String,
    pub provisions: Vec<String>,
    pub routes: Vec<String>,
}

/// By what tracks are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Month,
    Trade,
    Buyer,
    Provision,
    Route,
}

impl By {
    /// Every way, with its word in addresses and its name.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Month, "mois", "Mois"),
        (Self::Trade, "metier", "Métier"),
        (Self::Buyer, "acheteur", "Acheteur"),
        (Self::Provision, "disposition", "Disposition sociale"),
        (Self::Route, "voie", "Voie"),
    ];

    fn keys(self, track: &Track) -> Vec<String> {
        match self {
            Self::Month => vec![track.month.clone()],
            Self::Trade => track.trades.clone(),
            Self::Buyer => vec![track.buyer.clone()],
            Self::Provision => track.provisions.clone(),
            Self::Route => track.routes.clone(),
        }
    }
}

/// How many procedures, of how many structures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    pub procedures: usize,
    structures: BTreeSet<String>,
}

impl Cell {
    /// How many structures it speaks of.
    #[must_use]
    pub fn structures(&self) -> usize {
        self.structures.len()
    }

    fn add(&mut self, track: &Track) {
        self.procedures += 1;
        self.structures.insert(track.structure.clone());
    }

    /// Whether it speaks of nobody, or of enough.
    fn may_be_shown(&self) -> bool {
        self.structures.is_empty() || self.structures.len() >= FEWEST
    }
}

/// A line of a table: how many got to each rung, and what else came of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    pub rungs: [Cell; 5],
    /// Lost, no award, abandoned, left out.
    pub endings: [Cell; 4],
}

impl Line {
    fn add(&mut self, track: &Track) {
        for rung in Rung::ALL.into_iter().filter(|r| *r <= track.furthest) {
            self.rungs[rung as usize].add(track);
        }
        let ending = track.ending.map(|e| match e {
            Ending::Lost(_) => 0,
            Ending::NoAward => 1,
            Ending::Abandoned(_) => 2,
            Ending::NoGo(_) => 3,
        });
        if let Some(ending) = ending {
            self.endings[ending].add(track);
        }
    }

    /// Its cells, in the order shown.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.rungs.iter().chain(&self.endings)
    }
}

/// Won of what was answered, in percent, rounded; `None` where nothing was answered.
#[must_use]
pub fn won_share(answered: usize, won: usize) -> Option<usize> {
    (answered > 0).then(|| (won * 100 + answered / 2) / answered)
}

/// The line of all tracks.
#[must_use]
pub fn total<'t>(tracks: impl IntoIterator<Item = &'t Track>) -> Line {
    let mut line = Line::default();
    tracks.into_iter().for_each(|t| line.add(t));
    line
}

/// A table of one structure: a line a group, the largest first, months in their order.
#[must_use]
pub fn table(tracks: &[Track], by: By) -> Vec<(String, Line)> {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for track in tracks {
        for key in by.keys(track) {
            lines.entry(key).or_default().add(track);
        }
    }
    let mut lines: Vec<(String, Line)> = lines.into_iter().collect();
    if by != By::Month {
        let weight = |l: &Line| (l.rungs[Rung::Analysed as usize].procedures, l.rungs[0].procedures);
        lines.sort_by(|a, b| weight(&b.1).cmp(&weight(&a.1)).then_with(|| a.0.cmp(&b.0)));
        lines.truncate(MAX_LINES);
    }
    lines
}

/// A table of many structures: what may be shown of the whole and of each group. A group is left out where one of its cells speaks of
/// too few, or where what is left out in all would; what is left out may be worked out by nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// The line of all; `None` for a cell that speaks of too few.
    pub total: Vec<Option<usize>>,
    pub lines: Vec<(String, Vec<usize>)>,
    /// How many groups are left out.
    pub left_out: usize,
}

/// What may be shown of a network's year.
#[must_use]
pub fn shared(tracks: &[Track], by: By) -> Shared {
    let all: Vec<&Track> = tracks.iter().collect();
    let mut out = shared_by(&all, |t| by.keys(t));
    match by {
        By::Month => out.lines.sort_by(|a, b| a.0.cmp(&b.0)),
        _ => out.lines.sort_by(|a, b| b.1[0].cmp(&a.1[0]).then_with(|| a.0.cmp(&b.0))),
    }
    out
}

/// The same, of whatever groups: in the order of their names.
fn shared_by(tracks: &[&Track], keys: impl Fn(&Track) -> Vec<String>) -> Shared {
    let whole = total(tracks.iter().copied());
    let of_whole = whole.cells().map(|c| c.may_be_shown().then_some(c.procedures)).collect();
    // A procedure of several trades counts in each: groups do not add up to the whole, and what is left out is looked at by itself.
    let mut groups: BTreeMap<String, Vec<&Track>> = BTreeMap::new();
    for track in tracks {
        for key in keys(track) {
            groups.entry(key).or_default().push(track);
        }
    }
    let count = groups.len();
    let lines = groups.into_iter().map(|(key, of)| (key, total(of.iter().copied()), of));
    let (mut shown, mut hidden): (Vec<_>, Vec<_>) =
        lines.partition(|(_, line, _)| line.cells().all(Cell::may_be_shown));
    shown.sort_by_key(|(_, line, _)| line.rungs[0].structures());
    // What is hidden is the whole less what is shown: it must itself speak of enough, in every column.
    while !hidden.is_empty() && !shown.is_empty() {
        let rest = total(hidden.iter().flat_map(|(_, _, of)| of.iter().copied()));
        if rest.cells().all(Cell::may_be_shown) {
            break;
        }
        hidden.push(shown.remove(0));
    }
    shown.sort_by(|a, b| a.0.cmp(&b.0));
    let lines: Vec<(String, Vec<usize>)> =
        shown.into_iter().map(|(key, line, _)| (key, line.cells().map(|c| c.procedures).collect())).collect();
    Shared { total: of_whole, left_out: count - lines.len(), lines }
}

/// Why procedures were left out, abandoned or lost, the most frequent reason first.
#[must_use]
pub fn reasons(tracks: &[Track]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for because in tracks.iter().filter_map(|t| t.ending?.because()) {
        *counts.entry(because).or_default() += 1;
    }
    most_frequent(counts.into_iter().collect())
}

/// The same of a network, as far as it may be shown.
#[must_use]
pub fn shared_reasons(tracks: &[Track]) -> Vec<(String, usize)> {
    let because = |t: &Track| t.ending.and_then(Ending::because);
    let ended: Vec<&Track> = tracks.iter().filter(|t| because(t).is_some()).collect();
    let shown = shared_by(&ended, |t| because(t).into_iter().collect());
    // Each of them was at least seen.
    most_frequent(shown.lines.into_iter().map(|(key, cells)| (key, cells[0])).collect())
}

fn most_frequent(mut reasons: Vec<(String, usize)>) -> Vec<(String, usize)> {
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    reasons
}

/// What one structure did from `from` to before `to`: each procedure where it got to by then, what began earlier and still went on
/// among them.
///
/// # Errors
/// The database fails.
pub async fn of_structure(
    service: &Service,
    structure: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Track>, StoreError> {
    let store = &service.store;
    let members = store.members(structure).await?;
    let mut tracks: BTreeMap<String, Track> = BTreeMap::new();
    let new = |procedure: &str, at: DateTime<Utc>| Track {
        structure: structure.to_owned(),
        procedure: procedure.to_owned(),
        furthest: Rung::Seen,
        ending: None,
        month: month(at),
        trades: Vec::new(),
        buyer: String::new(),
        provisions: Vec::new(),
        routes: Vec::new(),
    };
    for told in store.spotted(&members, from, to).await? {
        tracks.entry(told.procedure.clone()).or_insert_with(|| new(&told.procedure, told.at));
    }
    for step in under_way(service, structure, from).await? {
        let track = tracks.entry(step.procedure.clone()).or_insert_with(|| new(&step.procedure, from));
        track.furthest = Rung::of(step.stage);
    }
    for step in store.decision_steps(structure, from).await?.into_iter().filter(|s| s.at < to) {
        let track = tracks.entry(step.procedure.clone()).or_insert_with(|| new(&step.procedure, step.at));
        let rung = Rung::of(step.stage);
        track.furthest = track.furthest.max(rung);
        track.ending = match step.stage {
            Stage::Lost => Some(Ending::Lost(None)),
            Stage::NoAward => Some(Ending::NoAward),
            Stage::Abandoned => Some(Ending::Abandoned(None)),
            Stage::NoGo => Some(Ending::NoGo(None)),
            // Who won one lot and lost another won.
            _ if track.furthest == Rung::Won => None,
            _ => track.ending,
        };
        if track.furthest == Rung::Won {
            track.ending = None;
        }
    }
    // Of several lots that ended alike, the reason told last.
    let mut refusals: HashMap<(String, Stage), Refusal> = HashMap::new();
    for d in store.decisions_of(structure).await? {
        if let Some(why) = d.refusal {
            refusals.entry((d.procedure, d.stage)).or_insert(why);
        }
    }
    let ids: Vec<String> = tracks.keys().cloned().collect();
    let rules = Rules::embedded();
    for row in store.search_rows(&ids).await? {
        let Some(track) = tracks.get_mut(&row.procedure) else { continue };
        track.trades = row.sectors.iter().map(|s| rules.trade(s).to_owned()).collect();
        track.buyer = row.buyer;
        track.provisions = row.provisions.iter().map(|p| provision_label(*p).to_owned()).collect();
    }
    let routes: BTreeMap<String, Vec<Route>> = store.routes_of(&ids).await?.into_iter().collect();
    for track in tracks.values_mut() {
        let of = |stage| refusals.get(&(track.procedure.clone(), stage)).copied();
        match &mut track.ending {
            Some(Ending::NoGo(why)) => *why = of(Stage::NoGo),
            Some(Ending::Abandoned(why)) => *why = of(Stage::Abandoned),
            Some(Ending::Lost(why)) => *why = of(Stage::Lost),
            Some(Ending::NoAward) | None => {}
        }
        let routes = routes.get(&track.procedure).into_iter().flatten();
        track.routes = routes.map(|r| route_label(*r).to_owned()).collect();
    }
    Ok(tracks.into_values().collect())
}

/// What was under way at a moment: what a structure went for or had handed in before and was still at, and what it was told of and had
/// not made up its mind about, which could be answered yet. The latest step of each procedure.
///
/// # Errors
/// The database fails.
pub async fn under_way(service: &Service, structure: &str, from: DateTime<Utc>) -> Result<Vec<Step>, StoreError> {
    let store = &service.store;
    let since = from - WENT_ON_FOR;
    let members = store.members(structure).await?;
    let told = store.spotted(&members, since, from).await?.into_iter().map(|told| Step {
        procedure: told.procedure,
        lot: String::new(),
        stage: Stage::Spotted,
        by: String::new(),
        at: told.at,
    });
    let steps = store.decision_steps(structure, since).await?.into_iter().filter(|s| s.at < from);
    let mut last: BTreeMap<String, Step> = told.chain(steps).map(|s| (s.procedure.clone(), s)).collect();
    let goes_on = |stage: Stage| matches!(stage, Stage::Go | Stage::Preparing | Stage::Submitted);
    last.retain(|_, s| goes_on(s.stage) || !s.stage.is_decided());
    let ids: Vec<String> = last.keys().cloned().collect();
    let rows = store.search_rows(&ids).await?.into_iter();
    let rows: HashMap<String, SearchRow> = rows.map(|f| (f.procedure.clone(), f)).collect();
    // What was handed in waits for its result; what was gone for ended with its closing date, and what is over is not to be decided on.
    last.retain(|id, s| match (s.stage, rows.get(id)) {
        (Stage::Submitted, _) => true,
        (stage, None) => goes_on(stage),
        (stage, Some(row)) if goes_on(stage) => row.until >= from,
        (_, Some(row)) => row.until >= from && row.state_at(from).phase.takes_answers(),
    });
    Ok(last.into_values().collect())
}

/// `2026-11`, in Paris.
fn month(at: DateTime<Utc>) -> String {
    let day = at.with_timezone(&Paris);
    format!("{:04}-{:02}", day.year(), day.month())
}

/// What the members of a network did who agreed to be counted in it: the tracks, how many agreed, and how many members there are.
///
/// # Errors
/// The database fails.
pub async fn of_network(
    service: &Service,
    network: &Subscriber,
    period: (DateTime<Utc>, DateTime<Utc>),
) -> Result<(Vec<Track>, usize, usize), StoreError> {
    let agreed = counted_in(service, &network.name).await?;
    let (mut tracks, mut counted, mut all) = (Vec::new(), 0, 0);
    for (structure, _) in members_of(service, network).await? {
        all += 1;
        if agreed.contains(&structure) {
            counted += 1;
            tracks.extend(of_structure(service, &structure, period).await?);
        }
    }
    Ok((tracks, counted, all))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn track(structure: usize, procedure: usize, furthest: Rung, ending: Option<Ending>, trades: &[&str]) -> Track {
        Track {
            structure: format!("s{structure}"),
            procedure: format!("p{procedure}"),
            furthest,
            ending,
            month: format!("2026-{:02}", procedure % 12 + 1),
            trades: trades.iter().map(|t| (*t).to_owned()).collect(),
            buyer: "Ville de Lille".into(),
            provisions: Vec::new(),
            routes: Vec::new(),
        }
    }

    #[test]
    fn who_got_further_got_past_each_rung_and_a_rate_has_its_counts() {
        let mut tracks: Vec<Track> = (0..40)
            .map(|n| track(1, n, Rung::Analysed, Some(Ending::NoGo(Some(Refusal::Size))), &["Nettoyage"]))
            .collect();
        tracks.extend(
            (40..43).map(|n| track(1, n, Rung::Answered, Some(Ending::Lost(Some(Refusal::Price))), &["Nettoyage"])),
        );
        tracks.extend((43..55).map(|n| track(1, n, Rung::Won, None, &["Espaces verts"])));
        let line = total(&tracks);
        let counts: Vec<usize> = line.cells().map(|c| c.procedures).collect();
        assert_eq!(counts, [55, 55, 55, 15, 12, 3, 0, 0, 40]);
        assert_eq!(won_share(counts[3], counts[4]), Some(80), "55 analysed, 15 answered, 80 % won");
        let told = [("écarté : pas à notre taille".to_owned(), 40), ("perdu : notre prix".to_owned(), 3)];
        assert_eq!(reasons(&tracks), told);
        assert_eq!(shared_reasons(&tracks), [], "of one structure, nothing is shared");
        let by_trade = table(&tracks, By::Trade);
        assert_eq!(by_trade.iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>(), ["Nettoyage", "Espaces verts"]);
        assert_eq!(table(&tracks, By::Month).len(), 12);
    }

    prop_compose! {
        fn some_track()(s in 0..9_usize, p in 0..40_usize, rung in 0..5_usize, ending in 0..5_usize, trade in 0..4_usize, twice in any::<bool>())
            -> Track {
            let names = ["Nettoyage", "Linge", "Espaces verts", "Traiteur"];
            let why = [None, Some(Refusal::Place), Some(Refusal::Time)][s % 3];
            let endings =
                [None, Some(Ending::Lost(None)), Some(Ending::NoAward), Some(Ending::Abandoned(why)), Some(Ending::NoGo(why))];
            let trades: Vec<&str> = if twice { vec![names[trade], names[(trade + 1) % 4]] } else { vec![names[trade]] };
            track(s, p, Rung::ALL[rung], endings[ending], &trades)
        }
    }

    proptest! {
        /// Whatever members did: no cell that is shown speaks of fewer than five structures, nor does what is left out.
        #[test]
        fn no_cell_speaks_of_fewer_than_five(tracks in proptest::collection::vec(some_track(), 0..120)) {
            for by in [By::Month, By::Trade, By::Buyer] {
                let shown = shared(&tracks, by);
                let all: BTreeMap<String, Line> = {
                    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
                    for t in &tracks {
                        for key in by.keys(t) {
                            lines.entry(key).or_default().add(t);
                        }
                    }
                    lines
                };
                for (key, cells) in &shown.lines {
                    for (n, cell) in all[key].cells().enumerate() {
                        prop_assert_eq!(cells[n], cell.procedures);
                        prop_assert!(cell.structures() == 0 || cell.structures() >= FEWEST);
                    }
                }
                let whole = total(&tracks);
                for (cell, said) in whole.cells().zip(&shown.total) {
                    prop_assert_eq!(said.is_some(), cell.structures() == 0 || cell.structures() >= FEWEST);
                }
                let hidden: Vec<&Track> = tracks
                    .iter()
                    .filter(|t| by.keys(t).iter().any(|k| shown.lines.iter().all(|(s, _)| s != k)))
                    .collect();
                let reasons = shared_reasons(&tracks);
                let because = |t: &Track| t.ending.and_then(Ending::because);
                for (reason, count) in &reasons {
                    let of: Vec<&Track> = tracks.iter().filter(|t| because(t).as_ref() == Some(reason)).collect();
                    prop_assert_eq!(of.len(), *count);
                    prop_assert!(total(of).rungs[0].structures() >= FEWEST);
                }
                let untold = tracks.iter().filter(|t| because(t).is_some_and(|b| reasons.iter().all(|(r, _)| *r != b)));
                let untold = total(untold).rungs[0].structures();
                prop_assert!(reasons.is_empty() || untold == 0 || untold >= FEWEST);
                if !shown.lines.is_empty() {
                    for cell in total(hidden).cells() {
                        prop_assert!(cell.structures() == 0 || cell.structures() >= FEWEST);
                    }
                }
            }
        }
    }
}
