//! A structure that answers only what is reserved leaves aside markets that structures like it win. One line says so, with its figures,
//! where it holds: on « Mon mois », off for the whole structure by one tap.
//!
//! It is made of the structure's own decisions and of published awards, held against the directory: nothing that another structure decided
//! is read.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Contract, Department, Refusal, Route, Stage, StructureKind, Subscriber};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::choices::Choice;

use crate::funnel::{self, Ending, Rung, Track};
use crate::service::Service;

/// Over how long a structure's decisions are looked at.
const LOOKED_BACK: Duration = Duration::days(365);
/// Over how long awards are.
const AWARDS_LOOKED_BACK: Duration = Duration::days(730);
/// Fewest open markets left aside of which anything can be said.
const FEWEST_DECLINED: usize = 5;
/// Fewest awards to structures like it.
const FEWEST_WON: usize = 2;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenMarkets {
    /// Open markets that the structure looked at and left aside, in twelve months: all that it looked at.
    pub declined: usize,
    /// Open markets of the same trades and départements that structures of the same kind won, in two years.
    pub won: usize,
    pub kind: StructureKind,
    /// One of them: who won it, and what it is.
    pub example: (String, String),
    /// Its procedure.
    pub procedure: String,
}

impl OpenMarkets {
    /// The line, as its structure reads it.
    #[must_use]
    pub fn in_french(&self) -> String {
        format!(
            "En douze mois, votre structure a écarté les {}\u{a0}marchés ouverts à tous qu’elle a regardés. Dans les mêmes métiers et départements, des {} en ont gagné {} en deux ans (attributions publiées), par exemple {} : « {} ».",
            self.declined,
            self.kind.acronym(),
            self.won,
            short(&self.example.0, 80),
            short(&self.example.1, 120),
        )
    }
}

/// The open markets that a structure left aside, if it left aside every one it looked at for reasons of its own; none where a trade, a
/// place or a buyer that is not its own was the reason. Pure.
fn left_aside(tracks: &[Track], is_open: impl Fn(&str) -> bool) -> Option<Vec<&Track>> {
    let looked_at: Vec<&Track> =
        tracks.iter().filter(|t| t.furthest >= Rung::Analysed && is_open(&t.procedure)).collect();
    let not_theirs = |why: Option<Refusal>| matches!(why, Some(Refusal::Trade | Refusal::Place | Refusal::Buyer));
    let mut aside = Vec::new();
    for track in looked_at {
        match track.ending {
            Some(Ending::NoGo(why)) if not_theirs(why) => {}
            Some(Ending::NoGo(_)) if track.furthest == Rung::Analysed => aside.push(track),
            // It goes for one, or went.
            _ => return None,
        }
    }
    (aside.len() >= FEWEST_DECLINED).then_some(aside)
}

/// Whether an award shows that a structure like it won what is open to all: of one of these trades, in one of these départements.
fn shows(c: &Contract, trades: &BTreeSet<String>, departments: &BTreeSet<Department>) -> bool {
    c.reserved.is_empty()
        && c.is_held()
        && c.sectors.iter().any(|s| trades.contains(s))
        && c.departments.iter().any(|d| departments.contains(d))
}

/// What is said to a person's structure, if anything.
///
/// # Errors
/// The database fails.
pub async fn line(
    service: &Service,
    person: &Subscriber,
    now: DateTime<Utc>,
) -> Result<Option<OpenMarkets>, StoreError> {
    let (store, structure) = (&service.store, person.structure());
    let Some(kind) = person.profile.kind else { return Ok(None) };
    if store.chose(structure, Choice::NoOpenMarketsLine, "").await? {
        return Ok(None);
    }
    let declined: Vec<String> = store
        .decisions_of(structure)
        .await?
        .into_iter()
        .filter(|d| d.stage == Stage::NoGo)
        .map(|d| d.procedure)
        .collect();
    if declined.len() < FEWEST_DECLINED {
        return Ok(None);
    }
    let tracks = funnel::of_structure(service, structure, (now - LOOKED_BACK, now + Duration::seconds(1))).await?;
    let ids: Vec<String> = tracks.iter().map(|t| t.procedure.clone()).collect();
    let routes = store.routes_of(&ids).await?;
    let open: BTreeSet<String> = routes
        .into_iter()
        .filter(|(_, routes)| routes.contains(&Route::DirectBid) && !routes.contains(&Route::Reserved))
        .map(|(procedure, _)| procedure)
        .collect();
    let Some(aside) = left_aside(&tracks, |procedure| open.contains(procedure)) else { return Ok(None) };
    let ids: Vec<String> = aside.iter().map(|t| t.procedure.clone()).collect();
    let (mut trades, mut departments) = (BTreeSet::new(), BTreeSet::new());
    for row in store.search_rows(&ids).await? {
        trades.extend(row.sectors);
        departments.extend(row.departments);
    }
    let own = structure.get(..9).unwrap_or(structure);
    let like: Vec<String> = store
        .listed_structures()
        .await?
        .into_iter()
        .filter(|s| s.kind == kind && s.siret.get(..9).is_some_and(|siren| siren != own))
        .filter_map(|s| s.siret.get(..9).map(str::to_owned))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let held = store.contracts_held_by(&like, now - AWARDS_LOOKED_BACK).await?;
    let won: Vec<Contract> =
        held.into_iter().map(|row| row.contract).filter(|c| shows(c, &trades, &departments)).collect();
    let Some(first) = won.first().filter(|_| won.len() >= FEWEST_WON) else { return Ok(None) };
    let holder = first.holders.iter().find(|h| h.company.siren().is_some_and(|s| like.iter().any(|l| l == s)));
    Ok(Some(OpenMarkets {
        declined: aside.len(),
        won: won.len(),
        kind,
        example: (
            holder.map_or_else(|| first.holders_in_french(), |h| h.company.said().to_owned()),
            first.title.clone(),
        ),
        procedure: first.procedure.clone(),
    }))
}

/// A structure wants no such line any more.
///
/// # Errors
/// The database fails.
pub async fn no_more(service: &Service, person: &Subscriber, by: &str) -> Result<(), StoreError> {
    let now = service.clock.now();
    service.store.choose(person.structure(), (Choice::NoOpenMarketsLine, ""), true, by, now).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(n: usize, furthest: Rung, ending: Option<Ending>) -> Track {
        Track {
            structure: "s".into(),
            procedure: format!("p{n}"),
            furthest,
            ending,
            month: "2026-11".into(),
            trades: Vec::new(),
            buyer: String::new(),
            provisions: Vec::new(),
            routes: Vec::new(),
        }
    }

    #[test]
    fn it_is_said_to_whoever_left_every_open_market_aside_for_a_reason_of_their_own() {
        let no = |n, why| track(n, Rung::Analysed, Some(Ending::NoGo(why)));
        let mut tracks: Vec<Track> = (0..6).map(|n| no(n, Some(Refusal::Size))).collect();
        let count = |tracks: &[Track]| left_aside(tracks, |_| true).map(|t| t.len());
        assert_eq!(count(&tracks), Some(6));
        assert_eq!(left_aside(&tracks, |p| p != "p0").map(|t| t.len()), Some(5), "a reserved one is no open one");
        assert_eq!(left_aside(&tracks, |p| p == "p0"), None, "one is too few");
        tracks.extend([no(6, Some(Refusal::Trade)), no(7, Some(Refusal::Place)), track(8, Rung::Seen, None)]);
        assert_eq!(count(&tracks), Some(6), "what is not theirs, or was not looked at, says nothing");
        tracks.push(track(9, Rung::Analysed, None));
        assert_eq!(count(&tracks), None, "who goes for one censors nothing");
    }

    #[test]
    fn the_line_is_french_and_has_its_figures() {
        let said = OpenMarkets {
            declined: 6,
            won: 3,
            kind: StructureKind::Ei,
            example: ("Les Ateliers".into(), "Nettoyage des gymnases".into()),
            procedure: "p".into(),
        };
        let line = said.in_french();
        assert!(line.contains("a écarté les 6\u{a0}marchés ouverts à tous qu’elle a regardés"), "{line}");
        assert!(line.contains("des EI en ont gagné 3 en deux ans") && line.contains("Les Ateliers"), "{line}");
    }
}
