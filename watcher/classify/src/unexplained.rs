//! What speaks of work for people far from employment or of access kept for structures, and that no frame explains. What it tells is weighed by what
//! was learned from other statements ([`learned`]): where one kind is likely enough it is told as such, marked to be verified; where something is
//! likely, it is a doubt shown with its words; else it is let go.
//!
//! A kind that a frame read is not told again.

use vigie_domain::{Provision, ProvisionKind};

use super::beneficiary::{self, Found, Told, found};
use super::finding::Reading;
use super::learned::{self, ANYTHING, COLUMNS, KINDS, ORDER};
use super::lexicon::{Concept, Hit, STRUCTURES};
use super::reserved::lots_of;
use super::statement::Statement;
use super::title::About;
use super::volume::Owed;
use super::{clause, criterion, polarity, service};

/// Most doubts shown of one notice.
const MAX_DOUBTS: usize = 3;
/// Likelihoods from which a statement tells something. They were chosen on sets that served no learning.
struct Bounds {
    /// A kind is told.
    told: f32,
    /// It is told by a statement that a frame explains otherwise, or where nothing but somebody at work is spoken of.
    sure: f32,
    /// It is a doubt.
    doubted: f32,
    /// It is a doubt beside what a frame reads in the same statement.
    aside: f32,
    /// It is a doubt where nothing but somebody at work is spoken of.
    hinted: f32,
    /// Anything at all is a doubt, where nothing else was read.
    likely: f32,
    /// Anything at all: below it a statement is not read.
    nothing: f32,
}

/// In a text that says enough to know what its statements are about.
const IN_A_TEXT: Bounds =
    Bounds { told: 0.4, sure: 0.75, doubted: 0.1, aside: 0.3, hinted: 0.2, likely: 0.25, nothing: 0.015 };
/// Of a statement or two that stand alone.
const ALONE: Bounds =
    Bounds { told: 0.7, sure: 0.8, doubted: 0.25, aside: 0.3, hinted: 0.5, likely: 0.6, nothing: 0.1 };

impl Bounds {
    const fn of(statements: &[Statement<'_>]) -> &'static Self {
        if statements.len() < learned::WHOLE { &ALONE } else { &IN_A_TEXT }
    }
}

/// From which what is said not to be so is looked at at all.
const DENIED: f32 = 0.7;

const LEARNED: &str = "compris d’après le sens de la phrase : à vérifier au règlement de la consultation et au CCAP";
const DOUBTFUL: &str = "à lire au règlement de la consultation et au CCAP";

/// What a statement that a frame explains may tell besides, by kind.
const ALSO: [&str; KINDS] = [
    "cette mention peut aussi réserver l’accès : à vérifier au règlement de la consultation",
    "cette mention peut aussi imposer une clause sociale : à vérifier au CCAP",
    "cette mention peut aussi être un critère de jugement : à vérifier au règlement de la consultation",
    "cette mention peut aussi décrire un achat d’insertion : à vérifier au CCTP",
];

/// A statement with the kind it most likely tells.
struct Likely {
    at: usize,
    kind: usize,
    chance: f32,
    hit: Hit,
    /// A frame explains it.
    aside: bool,
}

impl Likely {
    /// Whether its kind is told, rather than shown as a doubt.
    fn tells(&self, bounds: &Bounds) -> bool {
        self.chance >= if self.aside || self.hit.concept == Concept::WorkHint { bounds.sure } else { bounds.told }
    }
}

/// Reads what the frames left; `told` is what they read.
#[must_use]
pub fn read(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    explained: &mut Vec<usize>,
    told: &[Provision],
) -> Vec<Provision> {
    let bounds = Bounds::of(statements);
    let known = ORDER.map(|kind| told.iter().any(|p| p.kind == kind));
    let likely: Vec<Likely> = statements
        .iter()
        .enumerate()
        .filter(|(_, s)| s.unit.ticked != Some(false))
        .filter_map(|(at, s)| {
            let hit = learned::social(s)?;
            // What a frame set aside, or read as something else, must be surer.
            let aside = explained.contains(&s.index);
            let chances = s.chances?;
            let new = (0..KINDS).filter(|k| !known[*k]);
            let kind = new.max_by(|a, b| chances[*a].total_cmp(&chances[*b]))?;
            let hinted = hit.concept == Concept::WorkHint;
            // "Le lot 4 n'est réservé ni aux ESAT ni aux EA": what is said not to be so.
            let open_to_all =
                ORDER[kind] == ProvisionKind::Reserved && s.of(Concept::Reserve).any(|r| polarity::denied(s, r));
            if (open_to_all || polarity::settled(s, &hit)) && (aside || chances[kind] < DENIED) {
                return None;
            }
            let telling = match (aside, hinted) {
                (true, false) => chances[kind] >= bounds.aside,
                (true, true) => chances[kind] >= bounds.sure,
                // A title that speaks of somebody at work says what is bought, of whatever kind.
                (false, true) => s.index > 0 && chances[kind] >= bounds.hinted,
                (false, false) => {
                    chances[kind] >= bounds.doubted || chances[ANYTHING] >= bounds.likely && !known.contains(&true)
                }
            };
            telling.then_some(Likely { at, kind, chance: chances[kind], hit, aside })
        })
        .collect();
    let mut out: Vec<Provision> = Vec::new();
    for (kind, of_kind) in ORDER.iter().enumerate() {
        let those: Vec<&Likely> = likely.iter().filter(|l| l.kind == kind && l.tells(bounds)).collect();
        if those.is_empty() {
            continue;
        }
        let mut provisions = match of_kind {
            ProvisionKind::Reserved => reserved(reading, statements, &those),
            ProvisionKind::ExecutionClause => {
                let owed = those.iter().map(|l| owed(reading, statements, l)).collect();
                clause::of_owed(reading, statements, owed, explained)
            }
            ProvisionKind::AwardCriterion => {
                criterion::of_hits(reading, statements, those.iter().map(|l| (l.at, l.hit)))
            }
            _ => vec![service::of_hit(reading, &statements[those[0].at], &those[0].hit)],
        };
        provisions.iter_mut().for_each(|p| p.doubt = Some(LEARNED.to_owned()));
        out.extend(provisions);
    }
    let doubts = likely.iter().filter(|l| !l.tells(bounds)).map(|l| {
        let s = &statements[l.at];
        let mut p = Provision::new(ProvisionKind::ToVerify, reading.doc.evidence_within(s.bytes(&l.hit), &s.context));
        p.lots = lots_of(reading, s, &s.bytes(&l.hit));
        let doubt = if l.aside { ALSO[l.kind] } else { DOUBTFUL };
        p.doubt = Some(doubt.to_owned());
        (l.aside, p)
    });
    let mut shown: Vec<Provision> = Vec::new();
    for (aside, p) in doubts {
        let same = |o: &Provision| o.evidence.quote == p.evidence.quote && !aside;
        if shown.len() < MAX_DOUBTS && !told.iter().chain(&out).chain(&shown).any(same) {
            shown.push(p);
        }
    }
    out.extend(shown);
    out
}

/// Asks how likely each statement tells something. Those that tell nothing, as far as was learned, are as options that nobody ticked: no frame reads
/// them.
pub(super) fn weigh(statements: &mut [Statement<'_>], about: About) {
    let nothing = Bounds::of(statements).nothing;
    let open = |s: &Statement<'_>| s.unit.ticked != Some(false) && s.chances.is_none();
    // Most texts say nothing social: what the whole says is not looked for in them.
    let social = statements.iter().any(|s| open(s) && learned::social(s).is_some());
    let around = if social { learned::around(statements) } else { [0.0; COLUMNS] };
    for s in statements.iter_mut().filter(|s| open(s)) {
        s.chances = learned::social(s).map(|_| learned::chances(s, about, &around));
        let tells_nothing = s.chances.is_some_and(|c| c[ANYTHING] < nothing) || polarity::taken_away(s);
        if s.unit.ticked.is_none() && tells_nothing {
            s.unit.to_mut().ticked = Some(false);
        }
    }
}

/// For whom the statements say access is kept; for nobody named where they name none.
fn reserved(reading: &Reading<'_>, statements: &[Statement<'_>], likely: &[&Likely]) -> Vec<Provision> {
    let of_one = |l: &&Likely| -> Vec<Found> {
        let s = &statements[l.at];
        let named: Vec<&Hit> = s.any_of(STRUCTURES).filter(|h| !polarity::supposed(s, h)).collect();
        match named.first() {
            Some(first) => beneficiary::grouped(reading, s, &named, first),
            None => {
                let told = Told::Words(vigie_domain::Beneficiary::Unspecified);
                vec![found(reading, s, s.bytes(&l.hit), told, lots_of(reading, s, &s.bytes(&l.hit)))]
            }
        }
    };
    let mut found: Vec<Found> = likely.iter().flat_map(of_one).collect();
    beneficiary::narrow(reading, statements, &mut found, &mut Vec::new());
    beneficiary::combine(reading, found)
}

fn owed(reading: &Reading<'_>, statements: &[Statement<'_>], likely: &Likely) -> Owed {
    let s = &statements[likely.at];
    let range = s.bytes(&likely.hit);
    let lots = lots_of(reading, s, &range);
    Owed { at: likely.at, range, lots, named: false, optional: s.says.has(Concept::Optional) }
}
