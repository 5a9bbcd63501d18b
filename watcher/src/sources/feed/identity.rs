//! By what an entry is known again, remembered for each source.
//!
//! Publishers renumber ids, add campaign parameters to links, move to https, change the words of an address; some give one id
//! or one link to every entry. So an entry is known again by **any** of id, link and words, each known entry at most once a
//! document; but an id or a link that two entries of different words bore is trusted no more, for good ([`Book::id_repeats`],
//! [`Book::link_repeats`]). Its name is the first of id, link, words that nobody else bears, and never changes.
//!
//! Two **versions** of one entry in one document (same id or link, same title, same words but for dates) are one entry: the one
//! published last counts, and they take no trust from anybody. Nor does an entry that says what became of another one (« Rectificatif :
//! … », « Avis d’attribution – … ») whose link it bears: it names that one ([`Named::follows`]).
//!
//! Most entries of a document that has changed have not: one that says what it said, to the same reader, is no news and is not read
//! any further ([`Named::unchanged`]).
//!
//! On failure: a book that cannot be read is empty, and entries get the names they would get at a first poll.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use chrono::NaiveDate;
use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::entry::Entry;
use super::follow_up::follow_up;
use crate::classify::fold::fold;
use crate::links::canonical as canonical_link;
use crate::procedure::title_followed;

/// Most entries remembered; those seen longest ago give way.
const MAX_KNOWN: usize = 5_000;
/// Share of the words of two titles that an entry and its new version have in common.
const ALIKE: f64 = 0.5;
/// Share of all their words, but for dates, that two versions of one entry have in common.
const VERSIONS: f64 = 0.8;

/// What moves from one version to the next: days and hours, in figures or words.
static DATE: LazyLock<Regex> = LazyLock::new(date);

#[expect(clippy::unwrap_used, reason = "a constant, compiled by every test here")]
fn date() -> Regex {
    Regex::new(
        r"\d{4}-\d{1,2}-\d{1,2}(?:t[\d:.]+z?)?|\d{1,2} ?[/.-] ?\d{1,2}(?: ?[/.-] ?\d{2,4})?|(?:(?:lun|mar|mercre|jeu|vendre|same)di |dimanche )?\b\d{1,2}(?:er)? (?:janv(?:ier)?|fevr(?:ier)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|aout|sept(?:embre)?|oct(?:obre)?|nov(?:embre)?|dec(?:embre)?)\b\.?(?: \d{4})?|\b\d{1,2} ?(?:h|heures?)\b ?(?:\d{2})?|\b\d{1,2}h\d{2}\b|\b\d{1,2}:\d{2}\b",
    )
    .unwrap()
}

/// A known entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    words: String,
    /// Fingerprint of all that it says, and of who read it; empty where an earlier version of this program wrote the book.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    whole: String,
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day: Option<NaiveDate>,
    poll: u64,
}

/// What is known of a source's entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Book {
    /// Different entries bore one id.
    id_repeats: bool,
    /// Different entries bore one link.
    link_repeats: bool,
    polls: u64,
    known: Vec<Known>,
}

/// An entry by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub name: String,
    /// It was read before, by the same reader, and says what it said then.
    pub unchanged: bool,
    /// The name of the entry whose link it bears and of which it says what became, where it is the only one.
    pub follows: Option<String>,
}

fn fingerprint(title: &str, text: &str) -> String {
    let digest = Sha256::digest(format!("{title}\n{text}"));
    digest.iter().take(12).map(|b| format!("{b:02x}")).collect()
}

/// Words of a title, to tell a new version from another entry.
fn alike(a: &str, b: &str) -> bool {
    let words = |t: &str| -> BTreeSet<String> {
        fold(t).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    a == b || a.intersection(&b).count() as f64 >= ALIKE * a.len().max(b.len()) as f64
}

/// The words of a text but for its dates, and the numbers among them.
fn frame(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let folded = fold(text);
    let words = DATE.replace_all(&folded, " ");
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned);
    words.partition(|w| !w.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether two entries of one document are two versions of one: an id or a link in common, none apart that both have, one title, one
/// text but for its dates.
fn are_versions(a: &Entry, b: &Entry) -> bool {
    let differ = |a: Option<&str>, b: Option<&str>| a.is_some() && b.is_some() && a != b;
    let same = |a: Option<&str>, b: Option<&str>| a.is_some() && a == b;
    let (guids, links) = ((a.guid.as_deref(), b.guid.as_deref()), (a.link.as_deref(), b.link.as_deref()));
    if differ(guids.0, guids.1) || differ(links.0, links.1) || !(same(guids.0, guids.1) || same(links.0, links.1)) {
        return false;
    }
    let ((words_a, numbers_a), (words_b, numbers_b)) = (frame(&a.text), frame(&b.text));
    let shared = words_a.intersection(&words_b).count() as f64;
    frame(&a.title) == frame(&b.title)
        && numbers_a == numbers_b
        && shared >= VERSIONS * words_a.union(&words_b).count() as f64
}

/// Entries that are an earlier version of another one of the document: of two published at one moment the first is the later. `twice`
/// count for nothing: what they say stands there once more.
fn outdated(entries: &[Entry], twice: &HashSet<usize>) -> HashSet<usize> {
    let mut alike: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (i, entry) in entries.iter().enumerate().filter(|(i, _)| !twice.contains(i)) {
        let named = [("id", entry.guid.as_deref()), ("link", entry.link.as_deref())];
        for (by, value) in named.into_iter().filter_map(|(by, value)| Some((by, value?))) {
            alike.entry((by, value)).or_default().push(i);
        }
    }
    let mut out = HashSet::new();
    // A value that many bear names nobody: those are no versions, and comparing each with each would take long.
    for same in alike.values().filter(|same| (2..=MAX_VERSIONS).contains(&same.len())) {
        for (n, &i) in same.iter().enumerate() {
            for &later in &same[n + 1..] {
                if are_versions(&entries[i], &entries[later]) {
                    out.insert(if entries[later].at > entries[i].at { i } else { later });
                }
            }
        }
    }
    out
}

/// Most versions of one entry that a document is thought to hold.
const MAX_VERSIONS: usize = 20;

impl Known {
    fn of(entry: &Entry, reader: &str, poll: u64) -> Self {
        Self {
            name: String::new(),
            guid: entry.guid.clone(),
            link: entry.link.as_deref().map(canonical_link),
            words: fingerprint(&entry.title, &entry.text),
            whole: fingerprint(reader, &format!("{:?}", Entry { at: None, ..entry.clone() })),
            title: entry.title.chars().take(200).collect(),
            day: entry.published,
            poll,
        }
    }

    fn same_guid(&self, other: &Self) -> bool {
        self.guid.is_some() && self.guid == other.guid
    }

    fn same_link(&self, other: &Self) -> bool {
        self.link.is_some() && self.link == other.link
    }

    /// Short words without a day (« Avis de marché ») are borne by many.
    fn same_day(&self, other: &Self) -> bool {
        match (self.day, other.day) {
            (Some(a), Some(b)) => a == b,
            _ => self.title.split_whitespace().count() >= 3 || (&self.guid, &self.link) == (&other.guid, &other.link),
        }
    }
}

/// Indexes of what bears one value.
type Index<'a> = HashMap<&'a str, Vec<usize>>;

fn index<'a>(of: &'a [Known], value: impl Fn(&'a Known) -> Option<&'a str>) -> Index<'a> {
    let mut out: Index<'a> = HashMap::new();
    for (i, known) in of.iter().enumerate() {
        if let Some(value) = value(known) {
            out.entry(value).or_default().push(i);
        }
    }
    out
}

impl Book {
    /// Whether some link of this source is no entry's own.
    pub(super) fn gives_one_link_to_several(&self) -> bool {
        self.link_repeats
    }

    /// The names of a document's entries, in order; `None` for one that stands there twice. `reader` says in what version and with
    /// what settings they are read.
    pub(super) fn name(&mut self, entries: &[Entry], reader: &str) -> Vec<Option<Named>> {
        self.polls += 1;
        let mut read: Vec<Known> = entries.iter().map(|e| Known::of(e, reader, self.polls)).collect();
        let mut twice = repeated(&read);
        twice.extend(outdated(entries, &twice));
        self.id_repeats |= differ(&read, &twice, |k| k.guid.as_deref());
        let following: HashSet<usize> = (0..read.len())
            .filter(|i| follow_up(&read[*i].title).is_some() && followed(&read[*i], &read).is_some())
            .collect();
        let passed_over: HashSet<usize> = twice.union(&following).copied().collect();
        self.link_repeats |= differ(&read, &passed_over, |k| k.link.as_deref());
        let found = self.recognize(&read, &twice);
        let mut taken: HashSet<String> = self.known.iter().map(|k| k.name.clone()).collect();
        let mut names = Vec::with_capacity(read.len());
        for (i, known) in read.iter_mut().enumerate() {
            if twice.contains(&i) {
                names.push(None);
                continue;
            }
            let old = found.get(&i).map(|k| &self.known[*k]);
            let unchanged = old.is_some_and(|old| old.whole == known.whole);
            let old = old.map(|old| old.name.clone());
            let name = old.unwrap_or_else(|| self.new_name(known, entries[i].link.as_deref(), &taken));
            taken.insert(name.clone());
            known.name.clone_from(&name);
            names.push(Some(Named { name, unchanged, follows: None }));
        }
        let replaced: HashSet<usize> = found.values().copied().collect();
        let kept = std::mem::take(&mut self.known).into_iter().enumerate();
        let kept = kept.filter(|(i, _)| !replaced.contains(i)).map(|(_, k)| k);
        self.known =
            read.into_iter().enumerate().filter(|(i, _)| !twice.contains(i)).map(|(_, k)| k).chain(kept).collect();
        self.known.sort_by_key(|k| std::cmp::Reverse(k.poll));
        self.known.truncate(MAX_KNOWN);
        for (entry, named) in entries.iter().zip(&mut names) {
            if let Some(named) = named.as_mut().filter(|n| !n.unchanged && follow_up(&entry.title).is_some()) {
                let mine = self.known.iter().find(|k| k.name == named.name);
                named.follows = mine.and_then(|k| followed(k, &self.known)).map(|k| k.name.clone());
            }
        }
        names
    }

    /// Which known entry each entry read is, from the surest ground to the weakest.
    fn recognize(&self, read: &[Known], twice: &HashSet<usize>) -> HashMap<usize, usize> {
        let words = index(&self.known, |k| Some(&k.words));
        let guids = index(&self.known, |k| k.guid.as_deref());
        let links = index(&self.known, |k| k.link.as_deref());
        let (mut found, mut used) = (HashMap::new(), HashSet::new());
        let same_words = |new: &Known| words.get(new.words.as_str()).cloned().unwrap_or_default();
        let by = |index: &Index<'_>, value: Option<&str>| value.and_then(|v| index.get(v)).cloned().unwrap_or_default();
        for ground in 0..6 {
            for (i, new) in read.iter().enumerate().filter(|(i, _)| !twice.contains(i)) {
                if found.contains_key(&i) {
                    continue;
                }
                let candidates = match ground {
                    0..=2 => same_words(new),
                    3 if !self.id_repeats => by(&guids, new.guid.as_deref()),
                    4 if !self.link_repeats => by(&links, new.link.as_deref()),
                    // Though ids and links are trusted no more: both of them, borne together by one entry alone, under one title.
                    5 if new.guid.is_some() && new.link.is_some() && alone(new, read, twice) => {
                        let of_both: Vec<usize> = by(&guids, new.guid.as_deref())
                            .into_iter()
                            .filter(|k| new.same_link(&self.known[*k]))
                            .collect();
                        if of_both.len() == 1 { of_both } else { Vec::new() }
                    }
                    _ => Vec::new(),
                };
                let fits = |k: &&usize| {
                    let old = &self.known[**k];
                    !used.contains(*k)
                        && match ground {
                            0 => new.same_guid(old),
                            1 => new.same_link(old),
                            2 => new.same_day(old),
                            5 => frame(&new.title) == frame(&old.title),
                            _ => alike(&new.title, &old.title),
                        }
                };
                if let Some(k) = candidates.iter().find(fits).copied() {
                    used.insert(k);
                    found.insert(i, k);
                }
            }
        }
        found
    }

    /// The first of id, link and words that nobody bears yet.
    fn new_name(&self, known: &Known, link: Option<&str>, taken: &HashSet<String>) -> String {
        let guid = known.guid.clone().filter(|_| !self.id_repeats);
        let link = link.map(str::to_owned).filter(|_| !self.link_repeats);
        let free = [guid, link, Some(known.words.clone())].into_iter().flatten().find(|n| !taken.contains(n));
        free.unwrap_or_else(|| {
            let place = format!("{:?}{:?}{:?}", known.guid, known.link, known.day);
            fingerprint(&known.words, &place)
        })
    }
}

/// Whether no other entry of the document bears both the id and the link of this one.
fn alone(entry: &Known, read: &[Known], twice: &HashSet<usize>) -> bool {
    let same = read.iter().enumerate().filter(|(i, k)| !twice.contains(i) && entry.same_guid(k) && entry.same_link(k));
    same.count() == 1
}

/// The one entry among these whose link another one bears, and of which that one says by its title what became.
fn followed<'a>(entry: &Known, among: &'a [Known]) -> Option<&'a Known> {
    let follows =
        |k: &&Known| entry.same_link(k) && follow_up(&k.title).is_none() && title_followed(&k.title, &entry.title);
    let mut found = among.iter().filter(follows);
    found.next().filter(|one| found.all(|other| other.words == one.words))
}

/// Entries that say what an earlier one of the document says, under the same id or link.
fn repeated(read: &[Known]) -> HashSet<usize> {
    let words = index(read, |k| Some(&k.words));
    let mut out = HashSet::new();
    for same in words.values() {
        let mut first: HashSet<(Option<&str>, Option<&str>)> = HashSet::new();
        for i in same {
            let (guid, link) = (read[*i].guid.as_deref(), read[*i].link.as_deref());
            let by_guid = guid.is_some() && !first.insert((guid, None));
            let by_link = link.is_some() && !first.insert((None, link));
            let by_words = guid.is_none() && link.is_none() && !first.insert((None, None));
            if by_guid || by_link || by_words {
                out.insert(*i);
            }
        }
    }
    out
}

/// Whether entries of different words bear one value.
fn differ<'a>(read: &'a [Known], twice: &HashSet<usize>, value: impl Fn(&'a Known) -> Option<&'a str>) -> bool {
    index(read, value).values().any(|same| same.iter().filter(|i| !twice.contains(i)).count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(guid: &str, link: &str, title: &str) -> Entry {
        let some = |t: &str| Some(t.to_owned()).filter(|t| !t.is_empty());
        Entry {
            guid: some(guid),
            link: some(link),
            title: title.into(),
            text: format!("{title} : texte"),
            ..Entry::default()
        }
    }

    /// The names that a row of documents brings, each once.
    fn told(documents: &[Vec<Entry>]) -> usize {
        let mut book = Book::default();
        let mut names = HashSet::new();
        for document in documents {
            names.extend(book.name(document, READER).into_iter().flatten().map(|named| named.name));
            book = serde_json::from_str(&serde_json::to_string(&book).unwrap()).unwrap();
        }
        names.len()
    }

    const TITLE: &str = "Entretien des espaces verts du lycée";
    const READER: &str = "1";

    /// What an entry says beside its words counts too, and so does who reads it.
    #[test]
    fn an_entry_is_unchanged_where_all_of_it_is_to_the_same_reader() {
        let first = entry("17", "https://a.example/17", TITLE);
        let dated = Entry { published: NaiveDate::from_ymd_opt(2026, 11, 3), ..first.clone() };
        let documented = Entry { document: Some("https://a.example/dce.pdf".into()), ..first.clone() };
        for (later, reader, unchanged) in [
            (&first, READER, true),
            (&first, "2", false),
            (&dated, READER, false),
            (&documented, READER, false),
            (&entry("17", "https://a.example/18", TITLE), READER, false),
        ] {
            let mut book = Book::default();
            let names =
                |named: Vec<Option<Named>>| named.into_iter().flatten().map(|n| n.unchanged).collect::<Vec<_>>();
            assert_eq!(names(book.name(std::slice::from_ref(&first), READER)), [false]);
            assert_eq!(names(book.name(std::slice::from_ref(later), reader)), [unchanged], "{later:?}");
        }
    }

    /// A7: whatever the publisher changes beside the words, an entry is told once.
    #[test]
    fn an_entry_is_known_again_by_any_of_id_link_and_words() {
        let first = entry("17", "https://a.example/avis/71", TITLE);
        for later in [
            entry("18", "https://a.example/avis/71", TITLE),
            entry("17", "https://a.example/avis/71?utm_source=rss&utm_medium=feed", TITLE),
            entry("17", "http://www.a.example/avis/71/", TITLE),
            entry("", "https://a.example/avis/71-entretien-espaces-verts", TITLE),
            entry("https://a.example/?p=99", "https://a.example/avis/71-nouveau", TITLE),
            entry("17", "https://a.example/autre", &format!("{TITLE} (rectifié)")),
            entry("99", "https://a.example/avis/71#haut", &format!("{TITLE} - relance")),
            entry("", "", TITLE),
        ] {
            assert_eq!(told(&[vec![first.clone()], vec![later.clone()]]), 1, "{later:?}");
            assert_eq!(
                told(&[vec![first.clone()], vec![later.clone()], vec![first.clone()]]),
                1,
                "{later:?}, and back"
            );
        }
    }

    /// A8: one id for several entries, now or later.
    #[test]
    fn entries_whose_words_differ_are_never_one() {
        let (a, b) = ("Nettoyage des vitres", "Tonte des pelouses du parc");
        let link = "https://a.example/feed";
        for (documents, expected) in [
            (
                vec![
                    vec![entry("17", "", a)],
                    vec![entry("17", "", a), entry("17", "", b)],
                    vec![entry("17", "", a), entry("18", "", b)],
                ],
                2,
            ),
            (vec![["Un lot", "Deux écoles", "Trois ponts", "Quatre rues"].map(|t| entry("17", link, t)).to_vec()], 4),
            (vec![vec![entry("17", "", a)], vec![entry("17", "", b)]], 2),
            (vec![vec![entry("", link, a)], vec![entry("", link, b)], vec![entry("", link, a)]], 2),
            (vec![vec![entry("1", "https://a.example/1", a), entry("2", "https://a.example/2", a)]], 2),
            (vec![vec![entry("1", link, a), entry("1", link, a)]], 1),
            (vec![vec![entry("", "", a), entry("", "", b)], vec![entry("", "", b), entry("", "", a)]], 2),
        ] {
            assert_eq!(told(&documents), expected, "{documents:?}");
        }
    }

    fn closing(guid: &str, link: &str, day: &str, hour: u32) -> Entry {
        let at = chrono::NaiveDate::from_ymd_opt(2026, 11, 30)
            .and_then(|d| d.and_hms_opt(hour, 30, 0))
            .map(|at| at.and_utc());
        Entry { text: format!("{TITLE} municipal. Date limite : {day}."), at, ..entry(guid, link, TITLE) }
    }

    /// F1: two versions of one entry in one document made two markets of it, and of every later correction of that feed.
    #[test]
    fn versions_of_one_entry_in_one_document_are_one_and_take_no_trust() {
        let link = "https://a.example/3";
        let first = closing("c1", link, "15/12/2026 à 12h00", 10);
        for (what, guid, link) in [("id and link", "c1", link), ("id alone", "c1", ""), ("link alone", "", link)] {
            for (newer, older) in [
                ("28/12/2026 à 12h00", "22/12/2026 à 12h00"),
                ("lundi 28 décembre 2026, 12 heures", "mardi 22 décembre 2026, 12 heures"),
                ("2026-12-28", "2026-12-22"),
            ] {
                let (newer, older) = (closing(guid, link, newer, 12), closing(guid, link, older, 11));
                for document in [vec![newer.clone(), older.clone()], vec![older.clone(), newer.clone()]] {
                    let mut book = Book::default();
                    let start = Entry { guid: newer.guid.clone(), link: newer.link.clone(), ..first.clone() };
                    let name =
                        |named: &[Option<Named>]| named.iter().flatten().map(|n| n.name.clone()).collect::<Vec<_>>();
                    let before = name(&book.name(&[start], READER));
                    let named = book.name(&document, READER);
                    assert_eq!(name(&named), before, "{what}");
                    let kept = named.iter().position(Option::is_some).unwrap();
                    assert_eq!(document[kept].at, newer.at, "the later one counts, {what}");
                    assert!(!book.id_repeats && !book.link_repeats, "{what}");
                    let again = book.name(&document, READER);
                    assert!(again.iter().flatten().all(|n| n.unchanged), "{what}: {again:?}");
                }
            }
        }
        // Lots, and other objects, are no versions.
        for other in [
            Entry { text: format!("{TITLE}, lot 2. Date limite : 22/12/2026."), ..first.clone() },
            Entry { text: "Blanchisserie du linge de la crèche. Date limite : 22/12/2026.".into(), ..first.clone() },
            Entry { link: Some("https://a.example/4".into()), ..closing("c1", "", "22/12/2026", 11) },
        ] {
            assert_eq!(told(&[vec![first.clone(), other.clone()]]), 2, "{other:?}");
        }
    }

    /// F1: where ids and links are trusted no more, what is corrected under both of its own is no new market.
    #[test]
    fn a_feed_that_lost_trust_still_corrects_its_entries() {
        let mut book = Book { id_repeats: true, link_repeats: true, ..Book::default() };
        let link = "https://a.example/9";
        let name = |named: Vec<Option<Named>>| named.into_iter().flatten().map(|n| n.name).collect::<Vec<_>>();
        let first = name(book.name(&[closing("z9", link, "15/12/2026", 10)], READER));
        assert_eq!(name(book.name(&[closing("z9", link, "20/12/2026", 11)], READER)), first);
        let other = Entry { title: "Tonte des pelouses du stade".into(), ..closing("z9", link, "20/12/2026", 11) };
        assert_ne!(name(book.name(&[other], READER)), first);
    }

    /// F7, F8: an entry that says what became of another one under its link.
    #[test]
    fn what_became_of_an_entry_under_its_link_names_it_and_takes_no_trust() {
        let link = "https://a.example/10";
        let call = entry("k1", link, "Gardiennage du gymnase");
        for title in [
            "Rectificatif : Gardiennage du gymnase",
            "[RECTIFICATIF] Gardiennage du gymnase",
            "Gardiennage du gymnase – rectificatif",
            "Report de la date limite – Gardiennage du gymnase",
            "Avis d’attribution – Gardiennage du gymnase",
        ] {
            let later = entry("k2", link, title);
            let mut book = Book::default();
            book.name(std::slice::from_ref(&call), READER);
            for document in [vec![later.clone(), call.clone()], vec![call.clone(), later.clone()]] {
                let mut book = book.clone();
                let named = book.name(&document, READER);
                let follows: Vec<_> = named.into_iter().flatten().filter_map(|n| n.follows).collect();
                assert_eq!(follows, ["k1"], "{title}");
                assert!(!book.link_repeats, "{title}");
            }
        }
        let mut book = Book::default();
        let other = entry("k2", link, "Rectificatif : Peinture de la salle des fêtes");
        let named = book.name(&[call, other], READER);
        assert!(named.iter().flatten().all(|n| n.follows.is_none()) && book.link_repeats);
    }

    #[test]
    fn a_repeated_id_is_trusted_no_more() {
        let mut book = Book::default();
        book.name(&[entry("17", "", "Nettoyage"), entry("17", "", "Tonte")], READER);
        assert!(book.id_repeats && !book.link_repeats);
        let names = book.name(&[entry("17", "", "Tonte du parc communal et du stade")], READER);
        assert_ne!(names[0].as_ref().unwrap().name, "17");
    }

    #[test]
    fn two_notices_of_one_common_title_and_different_days_are_two() {
        let on = |day: u32| Entry {
            published: NaiveDate::from_ymd_opt(2026, 11, day),
            ..entry(&day.to_string(), &format!("https://a.example/{day}"), "Avis de marché public")
        };
        assert_eq!(told(&[vec![on(3)], vec![on(9)]]), 2);
    }

    proptest::proptest! {
        #[test]
        fn a_document_read_again_brings_no_new_name(items in proptest::collection::vec(("[ab]?", "[cd]?", "[efg]"), 0..8)) {
            let entries: Vec<Entry> = items.iter().map(|(g, l, t)| entry(g, l, t)).collect();
            let mut book = Book::default();
            let first: Vec<Named> = book.name(&entries, READER).into_iter().flatten().collect();
            let second: Vec<Named> = book.name(&entries, READER).into_iter().flatten().collect();
            proptest::prop_assert!(first.iter().all(|n| !n.unchanged) && second.iter().all(|n| n.unchanged));
            let names = |named: Vec<Named>| named.into_iter().map(|n| n.name).collect::<Vec<_>>();
            proptest::prop_assert_eq!(names(first), names(second));
        }
    }
}
