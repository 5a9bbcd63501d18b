//! The index of subscriptions: an inverted index over what is asked for and where.
//!
//! Each subscription is filed under every pair of something it asks for (a buyer, else a sector, else a CPV prefix, else a kind
//! of provision, else anything) and a département it reaches into (else anywhere). A notice looks under the pairs of what it
//! is and where it is. Behind each entry stands what else rules many out for little memory: kinds of notice, provisions, least
//! score, CPV prefixes, words.
//!
//! Invariant: whoever a notice concerns is found ([`Index::candidates`] is never too few); whoever is found may still be ruled
//! out by what is not held here (amounts, lead time, excluded words, distances…), or because what meets belongs to
//! different lots.
//!
//! People are numbers. What changes of a person is filed anew ([`Index::set`]) in time proportional to it; what it replaces
//! stays behind as dead weight, until the owner of a [worn](Index::is_worn) index builds another.

use std::collections::HashMap;
use std::sync::Arc;

use vigie_config::rules;
use vigie_domain::subscription::Candidate;
use vigie_domain::territory::Around;
use vigie_domain::{Department, Filter, NoticeKind, wording};

/// Most pairs that a subscription is filed under: one that asks for more asks for nearly all trades or nearly all places, and is
/// filed under the fewer of the two alone.
const MAX_PAIRS: usize = 512;
/// Dead entries from which on an index is worn, if they are also more than the live ones.
const WORN: usize = 10_000;

/// Marks a dead entry, and the end of a person's list.
const NONE: u32 = u32::MAX;

/// Something asked for, or [`ANYTHING`].
type What = u32;
/// A place asked for, or one of [`ANYWHERE`] and [`NOWHERE`].
type Place = u32;

const ANYTHING: What = 0;
/// Without a condition on places.
const ANYWHERE: Place = 0;
/// With one: looked under when a part of the notice names no place, which may then be anywhere.
const NOWHERE: Place = 1;
/// Before the numbers of names.
const PLACES: Place = 2;

/// What a [`What`] is a number of: its highest bits.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Sector = 1,
    Cpv,
    Buyer,
    Provision,
}

impl Kind {
    fn of(self, number: u32) -> What {
        (self as u32) << 29 | number
    }
}

/// What is held of one subscription.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Whose it is; [`NONE`] = dead.
    person: u32,
    /// The person's next entry.
    next: u32,
    /// Where its CPV prefixes and words stand in `conditions`; [`NONE`] = it has none.
    conditions: u32,
    /// Kinds of notice that it takes, as bits.
    kinds: u16,
    /// Kinds of provision of which it wants one, as bits; none = it asks for none.
    provisions: u16,
    min_score: u8,
    reads_text: bool,
    /// It asks for more precise places than départements.
    fine: bool,
}

/// Words and codes, each once, under numbers.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let (name, number) = (Arc::<str>::from(name), as_u32(self.names.len()));
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    fn known(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    fn bytes(&self) -> usize {
        let texts: usize = self.names.iter().map(|n| n.len() + 2 * size_of::<usize>()).sum();
        texts + vec_bytes(&self.names) + map_bytes(&self.numbers)
    }
}

/// The index.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    /// Each person's first entry.
    first: HashMap<u32, u32>,
    /// Entries under each pair of what and where.
    filed: HashMap<(What, Place), Vec<u32>>,
    /// For each entry that has any: how many CPV prefixes and words, then their numbers.
    conditions: Vec<u32>,
    sectors: Names,
    prefixes: Names,
    buyers: Names,
    words: Names,
    departments: Names,
    /// Départements that circles reach into: costly to find, and many people draw the same.
    circles: HashMap<Around, Vec<Department>>,
    live: usize,
    /// Live entries that look for words.
    reading: usize,
    /// Live entries that ask for precise places.
    fine: usize,
}

/// A notice as the index looks at it.
struct Seen<'a> {
    kind: u16,
    provisions: u16,
    score: u8,
    prefixes: Vec<u32>,
    /// Words looked for so far, and whether the text holds each.
    words: HashMap<u32, bool>,
    folded: &'a str,
}

impl Index {
    /// Files a person's subscriptions in the place of those they had. Words of filters are expected folded.
    pub fn set<'a>(&mut self, person: u32, filters: impl IntoIterator<Item = &'a Filter>) {
        self.remove(person);
        for filter in filters {
            self.add(person, filter);
        }
    }

    /// Files one more subscription of a person.
    pub fn add(&mut self, person: u32, filter: &Filter) {
        let entry = Entry {
            person,
            next: self.first.get(&person).copied().unwrap_or(NONE),
            conditions: self.put_conditions(filter),
            kinds: kinds_wanted(filter),
            provisions: filter.provisions.iter().fold(0, |bits, p| bits | bit(*p as u32)),
            min_score: filter.min_score,
            reads_text: filter.reads_text(),
            fine: filter.territory().is_fine(),
        };
        let slot = as_u32(self.entries.len());
        self.entries.push(entry);
        self.first.insert(person, slot);
        self.count(entry, 1);
        for pair in self.pairs(filter) {
            self.filed.entry(pair).or_default().push(slot);
        }
    }

    /// Takes a person's subscriptions out.
    pub fn remove(&mut self, person: u32) {
        let mut slot = self.first.remove(&person).unwrap_or(NONE);
        while let Some(entry) = self.entries.get_mut(slot as usize) {
            slot = entry.next;
            entry.person = NONE;
            let gone = *entry;
            self.count(gone, -1);
        }
    }

    /// Gives back the memory that filing many at once took ahead.
    pub fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.conditions.shrink_to_fit();
        self.first.shrink_to_fit();
        self.filed.values_mut().for_each(Vec::shrink_to_fit);
        self.filed.shrink_to_fit();
    }

    /// Number of subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nobody subscribes to anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Whether more of it is dead than alive.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        let dead = self.entries.len() - self.live;
        dead > WORN && dead > self.live
    }

    /// Whether any filter looks for words: else the caller need not fold the text.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        self.reading > 0
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let lists: usize = self.filed.values().map(vec_bytes).sum();
        let names = [&self.sectors, &self.prefixes, &self.buyers, &self.words, &self.departments];
        lists
            + map_bytes(&self.filed)
            + map_bytes(&self.first)
            + map_bytes(&self.circles)
            + vec_bytes(&self.entries)
            + vec_bytes(&self.conditions)
            + names.into_iter().map(Names::bytes).sum::<usize>()
    }

    /// Everyone whom a notice may concern, in order, once each.
    #[must_use]
    pub fn candidates(&self, candidate: &Candidate<'_>) -> Vec<u32> {
        let mut seen = self.seen(candidate);
        let places = self.places_of(candidate);
        let mut people = Vec::new();
        for what in self.whats_of(candidate, &seen.prefixes) {
            for place in &places {
                for slot in self.filed.get(&(what, *place)).into_iter().flatten() {
                    let Some(entry) = self.entries.get(*slot as usize) else { continue };
                    if self.passes(entry, &mut seen) {
                        people.push(entry.person);
                    }
                }
            }
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    fn passes(&self, entry: &Entry, seen: &mut Seen<'_>) -> bool {
        entry.person != NONE
            && entry.kinds & seen.kind != 0
            && entry.min_score <= seen.score
            && (entry.provisions == 0 || entry.provisions & seen.provisions != 0)
            && self.meets_conditions(entry.conditions, seen)
    }

    /// Whether one of the CPV prefixes is the notice's, and one of the words stands in it, where there are any.
    fn meets_conditions(&self, at: u32, seen: &mut Seen<'_>) -> bool {
        let Some([prefixes, words, rest @ ..]) = self.conditions.get(at as usize..) else { return true };
        let (prefixes, rest) = rest.split_at(*prefixes as usize);
        let words = &rest[..*words as usize];
        (prefixes.is_empty() || prefixes.iter().any(|p| seen.prefixes.contains(p)))
            && (words.is_empty() || words.iter().any(|w| self.holds(*w, seen)))
    }

    fn holds(&self, word: u32, seen: &mut Seen<'_>) -> bool {
        let Some(name) = self.words.names.get(word as usize) else { return true };
        *seen.words.entry(word).or_insert_with(|| wording::holds(seen.folded, name))
    }

    fn put_conditions(&mut self, filter: &Filter) -> u32 {
        if filter.cpv.is_empty() && filter.words.is_empty() {
            return NONE;
        }
        let at = as_u32(self.conditions.len());
        self.conditions.extend([as_u32(filter.cpv.len()), as_u32(filter.words.len())]);
        self.conditions.extend(filter.cpv.iter().map(|prefix| self.prefixes.number(prefix)));
        self.conditions.extend(filter.words.iter().map(|word| self.words.number(word)));
        at
    }

    /// The pairs that a subscription is filed under.
    fn pairs(&mut self, filter: &Filter) -> Vec<(What, Place)> {
        let whats = self.whats_wanted(filter);
        let places = self.places_wanted(filter);
        if whats.len() * places.len() <= MAX_PAIRS {
            return whats.iter().flat_map(|what| places.iter().map(|place| (*what, *place))).collect();
        }
        if whats.len() <= places.len() {
            whats.iter().map(|what| (*what, ANYWHERE)).collect()
        } else {
            places.iter().map(|place| (ANYTHING, *place)).collect()
        }
    }

    /// What a subscription asks for most precisely.
    fn whats_wanted(&mut self, filter: &Filter) -> Vec<What> {
        let buyers: Option<Vec<&str>> = filter.buyers.iter().map(|b| siren(b)).collect();
        let mut whats: Vec<What> = match buyers {
            Some(buyers) if !buyers.is_empty() => {
                buyers.into_iter().map(|b| Kind::Buyer.of(self.buyers.number(b))).collect()
            }
            _ if !filter.sectors.is_empty() => {
                filter.sectors.iter().map(|s| Kind::Sector.of(self.sectors.number(s))).collect()
            }
            _ if !filter.cpv.is_empty() => filter.cpv.iter().map(|p| Kind::Cpv.of(self.prefixes.number(p))).collect(),
            _ if !filter.provisions.is_empty() => {
                filter.provisions.iter().map(|p| Kind::Provision.of(*p as u32)).collect()
            }
            _ => vec![ANYTHING],
        };
        whats.sort_unstable();
        whats.dedup();
        whats
    }

    fn places_wanted(&mut self, filter: &Filter) -> Vec<Place> {
        if filter.departments.is_empty() && !filter.territory().is_fine() {
            return vec![ANYWHERE];
        }
        let communes = rules::communes;
        let mut reach = filter.departments.clone();
        reach.extend(filter.epcis.iter().flat_map(|siren| communes().departments_of(siren)).cloned());
        for circle in &filter.around {
            if !self.circles.contains_key(circle) {
                let around = communes().departments_around(&circle.commune, circle.km);
                self.circles.insert(circle.clone(), around);
            }
            reach.extend(self.circles.get(circle).into_iter().flatten().cloned());
        }
        let mut places: Vec<Place> = reach.iter().map(|d| PLACES + self.departments.number(d.as_str())).collect();
        places.push(NOWHERE);
        places.sort_unstable();
        places.dedup();
        places
    }

    fn seen<'a>(&self, candidate: &Candidate<'a>) -> Seen<'a> {
        let assessment = candidate.assessment;
        let codes = assessment.cpv.iter().chain(assessment.lots.iter().flat_map(|lot| &lot.cpv));
        let starts = codes.flat_map(|code| (0..=code.as_str().len()).map(|n| &code.as_str()[..n]));
        let mut prefixes: Vec<u32> = starts.filter_map(|start| self.prefixes.known(start)).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        Seen {
            kind: bit(assessment.notice_kind as u32),
            provisions: assessment.provisions.iter().fold(0, |bits, p| bits | bit(p.kind as u32)),
            score: assessment.score,
            prefixes,
            words: HashMap::new(),
            folded: candidate.folded,
        }
    }

    /// What a notice is, in the numbers of what is asked for.
    fn whats_of(&self, candidate: &Candidate<'_>, prefixes: &[u32]) -> Vec<What> {
        let assessment = candidate.assessment;
        let sectors = assessment.sectors.iter().chain(&assessment.side_sectors);
        let sectors = sectors.chain(assessment.lots.iter().flat_map(|lot| &lot.sectors));
        let mut whats = vec![ANYTHING];
        whats.extend(sectors.filter_map(|s| self.sectors.known(s)).map(|n| Kind::Sector.of(n)));
        whats.extend(prefixes.iter().map(|n| Kind::Cpv.of(*n)));
        let buyer = candidate.notice.buyer.siret.as_deref().and_then(siren);
        whats.extend(buyer.and_then(|b| self.buyers.known(b)).map(|n| Kind::Buyer.of(n)));
        whats.extend(assessment.provisions.iter().map(|p| Kind::Provision.of(p.kind as u32)));
        whats.sort_unstable();
        whats.dedup();
        whats
    }

    /// Where a notice is, in the numbers of what is asked for.
    fn places_of(&self, candidate: &Candidate<'_>) -> Vec<Place> {
        let assessment = candidate.assessment;
        let mut named: Vec<Department> = assessment.departments.clone();
        named.extend(assessment.lots.iter().flat_map(|lot| &lot.departments).cloned());
        if self.fine > 0 {
            let notice = candidate.notice;
            let communes = (candidate.communes)();
            let places = notice.places.iter().chain(notice.lots.iter().flat_map(|lot| &lot.places));
            named.extend(places.flat_map(|place| communes.locate(place)).filter_map(|commune| commune.department()));
        }
        let known = named.iter().filter_map(|d| self.departments.known(d.as_str()));
        let mut places: Vec<Place> = known.map(|n| PLACES + n).chain([ANYWHERE]).collect();
        if assessment.departments.is_empty() {
            places.push(NOWHERE);
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    fn count(&mut self, entry: Entry, by: isize) {
        self.live = self.live.saturating_add_signed(by);
        if entry.reads_text {
            self.reading = self.reading.saturating_add_signed(by);
        }
        if entry.fine {
            self.fine = self.fine.saturating_add_signed(by);
        }
    }
}

/// The first nine characters: a buyer may be asked for by SIREN or SIRET. `None` for what is shorter than either.
fn siren(siret: &str) -> Option<&str> {
    siret.get(..9)
}

/// Kinds of notice that a filter takes; without a wish all but awards and events.
fn kinds_wanted(filter: &Filter) -> u16 {
    if filter.notice_kinds.is_empty() {
        return !(bit(NoticeKind::Award as u32) | bit(NoticeKind::Event as u32));
    }
    filter.notice_kinds.iter().fold(0, |bits, kind| bits | bit(*kind as u32))
}

/// One bit for each variant of an enum that has at most sixteen.
fn bit(variant: u32) -> u16 {
    1 << (variant % 16)
}

/// A number of names or entries: memory ends before it does.
fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NONE)
}

fn vec_bytes<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}

/// Entries with one byte each to find them by, at most seven of eight places in use.
fn map_bytes<K, V>(map: &HashMap<K, V>) -> usize {
    map.capacity() * 8 / 7 * (size_of::<(K, V)>() + 1)
}
