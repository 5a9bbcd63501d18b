//! By what an entry is known again, remembered for each source.
//!
//! Publishers renumber ids, add campaign parameters to links, move to https, change the words of an address; some give one id
//! or one link to every entry. So an entry is known again by **any** of id, link and words, each known entry at most once a
//! document; but an id or a link that two entries of different words bore is trusted no more, for good ([`Book::id_repeats`],
//! [`Book::link_repeats`]). Its name is the first of id, link, words that nobody else bears, and never changes.
//!
//! Most entries of a document that has changed have not: one that says what it said, to the same reader, is no news and is not read
//! any further ([`Named::unchanged`]).
//!
//! On failure: a book that cannot be read is empty, and entries get the names they would get at a first poll.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::entry::Entry;
use crate::classify::fold::fold;
use crate::links::canonical as canonical_link;

/// Most entries remembered; those seen longest ago give way.
const MAX_KNOWN: usize = 5_000;
/// Share of the words of two titles that an entry and its new version have in common.
const ALIKE: f64 = 0.5;

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

impl Known {
    fn of(entry: &Entry, reader: &str, poll: u64) -> Self {
        Self {
            name: String::new(),
            guid: entry.guid.clone(),
            link: entry.link.as_deref().map(canonical_link),
            words: fingerprint(&entry.title, &entry.text),
            whole: fingerprint(reader, &format!("{entry:?}")),
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
        let twice = repeated(&read);
        self.id_repeats |= differ(&read, &twice, |k| k.guid.as_deref());
        self.link_repeats |= differ(&read, &twice, |k| k.link.as_deref());
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
            names.push(Some(Named { name, unchanged }));
        }
        let replaced: HashSet<usize> = found.values().copied().collect();
        let kept = std::mem::take(&mut self.known).into_iter().enumerate();
        let kept = kept.filter(|(i, _)| !replaced.contains(i)).map(|(_, k)| k);
        self.known =
            read.into_iter().enumerate().filter(|(i, _)| !twice.contains(i)).map(|(_, k)| k).chain(kept).collect();
        self.known.sort_by_key(|k| std::cmp::Reverse(k.poll));
        self.known.truncate(MAX_KNOWN);
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
        for ground in 0..5 {
            for (i, new) in read.iter().enumerate().filter(|(i, _)| !twice.contains(i)) {
                if found.contains_key(&i) {
                    continue;
                }
                let candidates = match ground {
                    0..=2 => same_words(new),
                    3 if !self.id_repeats => by(&guids, new.guid.as_deref()),
                    4 if !self.link_repeats => by(&links, new.link.as_deref()),
                    _ => Vec::new(),
                };
                let fits = |k: &&usize| {
                    let old = &self.known[**k];
                    !used.contains(*k)
                        && match ground {
                            0 => new.same_guid(old),
                            1 => new.same_link(old),
                            2 => new.same_day(old),
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
