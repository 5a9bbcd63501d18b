//! Is this the same procedure, published elsewhere? What statements cannot tell, likeness may: the same buyer, the same
//! closing moment and nearly the same title, in **another** source.
//!
//! Rather two threads for one procedure than one thread for two: an annual re-tender, lots published one by one and
//! subsequent contracts bear the same words. Every number of the two titles must agree (years, lots, phases), the moments
//! must be the same, the trades and places must not contradict each other; the caller joins only where a single procedure
//! fits, and never two records of one source.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vigie_domain::notice::Links;
use vigie_domain::{Department, Notice, NoticeKind, procedure};

use crate::classify::fold::fold;
use crate::classify::one_line;
use crate::links;
use vigie_classify::pattern;

pattern!(
    CITED,
    r"(?:avis initial|annonce (?:initiale|anterieure|precedente)|publication anterieure|numero de l'avis|n° de l'avis|avis (?:de marche )?(?:publie|paru)|reference de l'avis|ref(?:erence)? (?:au )?jo(?:ue)?)[^;]{0,80}?\b(?P<n>20[0-9]{2}/s ?[0-9]{1,3} ?-? ?[0-9]{4,8})\b"
);

/// Titles this long may have been cut by their publisher (BOAMP's `objet` ends at 200 characters).
const MAYBE_CUT: usize = 190;
/// Fewest words two titles must share.
const SHARED_WORDS: usize = 3;
/// Share of the shorter title's words that the longer must hold.
const CONTAINED: f64 = 0.8;
/// Share of all their words that two titles must have in common.
const IN_COMMON: f64 = 0.6;
/// Words of buyers' names that tell nothing.
const BUYER_NOISE: &[&str] = &[
    "ville",
    "mairie",
    "commune",
    "communaute",
    "communes",
    "departement",
    "conseil",
    "departemental",
    "agglomeration",
    "les",
    "des",
    "service",
    "direction",
    "syndicat",
    "centre",
    "saint",
    "hopital",
    "hospitalier",
];

/// Every statement by which a notice finds its procedure: its own links, and the EU publications its text names as its
/// own procedure's.
#[must_use]
pub fn keys(notice: &Notice) -> Vec<String> {
    let mut keys = procedure::keys(notice);
    keys.extend(page(notice));
    for passage in &notice.passages {
        if !passage.text.contains("/S") {
            continue;
        }
        let folded = fold(&passage.text);
        for cited in CITED.captures_iter(&folded) {
            let number = Links::clean_publication(&cited["n"].to_uppercase());
            keys.extend(
                number
                    .map(|n| format!("publication:{n}"))
                    .filter(|k| !keys.contains(k))
                    .into_iter()
                    .collect::<Vec<_>>(),
            );
        }
    }
    keys
}

/// The page that bears this title: one market, whichever feed or portal leads there, and under whatever name its source is watched.
/// A home page, or words that many markets bear, name none.
fn page(notice: &Notice) -> Option<String> {
    let url = notice.url.as_deref()?;
    let is_home = url::Url::parse(url).is_ok_and(|u| u.path().trim_matches('/').is_empty() && u.query().is_none());
    let title = one_line(&fold(&notice.title));
    if is_home || words(&title).0.len() < SHARED_WORDS {
        return None;
    }
    let mark = Sha256::digest(format!("{}\n{title}", links::canonical(url)));
    Some(procedure::page_key(&mark.iter().take(12).map(|b| format!("{b:02x}")).collect::<String>()))
}

/// What a call looks like, kept to be compared with those of other sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portrait {
    /// Its source.
    pub source: String,
    words: BTreeSet<String>,
    numbers: BTreeSet<String>,
    maybe_cut: bool,
    buyer: BTreeSet<String>,
    siren: Option<String>,
    closing: DateTime<FixedOffset>,
    has_time: bool,
    trades: BTreeSet<String>,
    departments: Vec<Department>,
}

/// The portrait of a notice; `None` when it is no call, or says too little to be told from others.
#[must_use]
pub fn portrait(notice: &Notice) -> Option<Portrait> {
    if !matches!(notice.kind, NoticeKind::Call | NoticeKind::Private) {
        return None;
    }
    let closing = notice.deadline()?;
    let (words, numbers) = words(&notice.title);
    let buyer = buyer(&notice.buyer.name);
    let siren = notice.buyer.siren().map(str::to_owned);
    let tells = words.len() >= SHARED_WORDS && (siren.is_some() || !buyer.is_empty());
    tells.then(|| Portrait {
        source: notice.source.clone(),
        words,
        numbers,
        maybe_cut: notice.title.chars().count() >= MAYBE_CUT,
        buyer,
        siren,
        closing,
        has_time: notice.dates.iter().any(|d| d.at == closing && d.has_time),
        // Three digits of a code name a trade; the same procedure is seldom coded alike further down.
        trades: notice.cpv.iter().filter_map(|c| c.as_str().get(..3)).map(str::to_owned).collect(),
        departments: notice.departments.clone(),
    })
}

impl Portrait {
    /// Only portraits of one bucket can be alike: the local day of closing.
    #[must_use]
    pub fn bucket(&self) -> String {
        self.closing.date_naive().to_string()
    }
}

/// Whether two calls are the same procedure.
#[must_use]
pub fn same(a: &Portrait, b: &Portrait) -> bool {
    a.source != b.source && same_closing(a, b) && same_buyer(a, b) && same_title(a, b) && !contradict(a, b)
}

fn same_closing(a: &Portrait, b: &Portrait) -> bool {
    if a.has_time && b.has_time { a.closing == b.closing } else { a.closing.date_naive() == b.closing.date_naive() }
}

fn same_buyer(a: &Portrait, b: &Portrait) -> bool {
    if let (Some(a), Some(b)) = (&a.siren, &b.siren) {
        return a == b;
    }
    let shared = a.buyer.intersection(&b.buyer).count();
    shared > 0 && shared == a.buyer.len().min(b.buyer.len())
}

fn same_title(a: &Portrait, b: &Portrait) -> bool {
    let cut = a.maybe_cut || b.maybe_cut;
    let numbers =
        if cut { a.numbers.is_subset(&b.numbers) || b.numbers.is_subset(&a.numbers) } else { a.numbers == b.numbers };
    let shared = a.words.intersection(&b.words).count();
    let shorter = a.words.len().min(b.words.len());
    let all = a.words.union(&b.words).count();
    let share = |of: usize| shared as f64 / of.max(1) as f64;
    numbers && shared >= SHARED_WORDS && share(shorter) >= CONTAINED && (cut || share(all) >= IN_COMMON)
}

fn contradict(a: &Portrait, b: &Portrait) -> bool {
    let trades = !a.trades.is_empty() && !b.trades.is_empty() && a.trades.is_disjoint(&b.trades);
    let places = !a.departments.is_empty()
        && !b.departments.is_empty()
        && !a.departments.iter().any(|d| b.departments.contains(d));
    trades || places
}

/// Words of three letters or more, and numbers with the letters glued to them ("2b").
fn words(title: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let folded = fold(title);
    let (mut words, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            numbers.insert(word.trim_start_matches('0').to_owned());
        } else if matches!(word, "i" | "ii" | "iii" | "iv" | "v" | "vi") {
            numbers.insert(word.to_owned());
        } else if word.chars().count() >= 3 {
            words.insert(word.to_owned());
        }
    }
    (words, numbers)
}

fn buyer(name: &str) -> BTreeSet<String> {
    let folded = fold(name);
    let words =
        folded.split(|c: char| !c.is_alphabetic()).filter(|w| w.chars().count() >= 3 && !BUYER_NOISE.contains(w));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use vigie_domain::{DateKind, Passage, TypedDate};

    use super::*;

    #[test]
    fn a_cited_publication_is_a_statement_and_another_one_is_not() {
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Correction);
        let text = "Numéro de l'avis au JO série S : 2026/S 012-123456 du 17/01/2026.";
        notice.passages.push(Passage { field: "t".into(), lot: None, text: text.into() });
        assert!(keys(&notice).contains(&"publication:123456-2026".to_owned()));
        notice.passages[0].text = "Renouvellement du contrat de 2022 (2022/S 001-000123).".into();
        assert_eq!(keys(&notice), ["record:boamp:26-1"]);
    }

    fn call(source: &str, title: &str, buyer: &str, closing: &str) -> Option<Portrait> {
        let mut notice = Notice::new(source, "1", NoticeKind::Call);
        notice.title = title.into();
        notice.buyer.name = buyer.into();
        let at = DateTime::parse_from_rfc3339(closing).unwrap();
        notice.dates.push(TypedDate::of_field(DateKind::Tender, (at, true), "deadline"));
        portrait(&notice)
    }

    #[test]
    fn the_same_call_in_capitals_elsewhere_is_known_again() {
        let at = "2027-01-12T12:00:00+01:00";
        let a = call("boamp", "Nettoyage des écoles et gymnases de la ville", "Ville de Lens (62)", at).unwrap();
        let b = call("portail", "NETTOYAGE DES ECOLES ET GYMNASES DE LA VILLE", "MAIRIE DE LENS", at).unwrap();
        assert!(same(&a, &b));
        assert!(!same(&a, &Portrait { source: "boamp".into(), ..b.clone() }), "a source publishes a procedure once");
        assert!(call("x", "Travaux", "Ville de Lens", at).is_none(), "too little to be told from others");
    }

    /// One market in two feeds, or in one whose source was renamed, is one.
    #[test]
    fn the_same_title_on_the_same_page_is_one_market() {
        let key = |source: &str, title: &str, url: &str| {
            let mut notice = Notice::new(source, "1", NoticeKind::Call);
            notice.title = title.into();
            notice.url = Some(url.into());
            keys(&notice).into_iter().find(|k| procedure::is_weak(k))
        };
        const TITLE: &str = "Nettoyage des locaux de la mairie";
        let one = key("a", TITLE, "https://ville.example/avis/1");
        assert!(one.is_some());
        assert_eq!(
            key("b", "NETTOYAGE  des locaux de la Mairie", "http://www.ville.example/avis/1/?utm_source=x"),
            one
        );
        assert_ne!(key("a", TITLE, "https://ville.example/avis/2"), one);
        assert_ne!(key("a", "Nettoyage des écoles de la mairie", "https://ville.example/avis/1"), one);
        assert_eq!(key("a", TITLE, "https://ville.example/"), None, "a home page is nobody's");
        assert_eq!(key("a", "Avis de marché", "https://ville.example/avis/1"), None, "such words are borne by many");
    }
}
