//! Is this the same procedure, published elsewhere? What statements cannot tell, likeness may: the same buyer, the same
//! closing moment and nearly the same title, in **another** source.
//!
//! Rather two threads for one procedure than one thread for two: an annual re-tender, lots published one by one and
//! subsequent contracts bear the same words. Every number of the two titles must agree (years, lots, phases), the moments
//! must be the same, the trades and places must not contradict each other; the caller joins only where a single procedure
//! fits, and never two records of one source. Where a buyer is not named, all the words must be the same.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};
use vigie_domain::notice::Links;
use vigie_domain::procedure::{self, Statement};
use vigie_domain::{Department, Notice, NoticeKind, TypedDate, date};

use crate::classify::fold::fold;
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
    /// A mark of all the words below the title, by which calls that name no buyer are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    says: Option<String>,
}

/// The portrait of a notice, by its dates and those that its text was read to give; `None` when it is no call, or says too little
/// to be told from others.
#[must_use]
pub fn portrait(notice: &Notice, read: &[TypedDate]) -> Option<Portrait> {
    if !matches!(notice.kind, NoticeKind::Call | NoticeKind::Private) {
        return None;
    }
    let closing = notice.deadline().or_else(|| date::closing(read))?;
    let (words, numbers) = words(&notice.title);
    let buyer = buyer(&notice.buyer.name);
    let siren = notice.buyer.siren().map(str::to_owned);
    let says = Statement::of(notice).mark.filter(|_| !notice.passages.is_empty());
    let tells = words.len() >= SHARED_WORDS && (siren.is_some() || !buyer.is_empty() || says.is_some());
    tells.then(|| Portrait {
        source: notice.source.clone(),
        words,
        numbers,
        maybe_cut: notice.title.chars().count() >= MAYBE_CUT,
        buyer,
        siren,
        closing,
        has_time: notice.dates.iter().chain(read).any(|d| d.at == closing && d.has_time),
        // Three digits of a code name a trade; the same procedure is seldom coded alike further down.
        trades: notice.cpv.iter().filter_map(|c| c.as_str().get(..3)).map(str::to_owned).collect(),
        departments: notice.departments.clone(),
        says,
    })
}

/// Words by which a title says what became of the call whose title it repeats.
const FOLLOWING: &[&str] = &[
    "avis",
    "attribution",
    "attribue",
    "attribuee",
    "annulation",
    "annule",
    "annulee",
    "abandonne",
    "abandonnee",
    "resultat",
    "resultats",
    "declare",
    "declaree",
    "declaration",
    "sans",
    "suite",
    "infructueux",
    "infructueuse",
    "procedure",
    "consultation",
    "marche",
    "rectificatif",
    "rectification",
    "rectifie",
    "modificatif",
    "erratum",
    "report",
    "prolongation",
    "delai",
    "date",
    "limite",
    "remise",
    "reception",
    "offres",
    "est",
    "pour",
    "des",
    "les",
];

/// Under what a source's calls are filed by their titles, without the words that say what became of them: notices of sources that
/// name no other notice repeat the title. `None` where the notice says which it follows, or its title is too short to tell.
#[must_use]
pub fn title_bucket(notice: &Notice) -> Option<String> {
    let (said, numbers) = words(&notice.title);
    let own: Vec<String> = said.into_iter().filter(|w| !FOLLOWING.contains(&w.as_str())).collect();
    let tells = notice.links.says_nothing() && own.len() >= SHARED_WORDS;
    let numbers: Vec<String> = numbers.into_iter().collect();
    tells.then(|| format!("title:{}:{}:{}", notice.source, own.join(" "), numbers.join(" ")))
}

/// Whether a title is another one with words that say what became of it, for entries that share a page.
#[must_use]
pub fn title_followed(call: &str, later: &str) -> bool {
    let own = |title: &str| -> (BTreeSet<String>, BTreeSet<String>) {
        let (said, numbers) = words(title);
        (said.into_iter().filter(|w| !FOLLOWING.contains(&w.as_str())).collect(), numbers)
    };
    let ((call, call_numbers), (later, numbers)) = (own(call), own(later));
    !call.is_empty() && call == later && call_numbers.is_subset(&numbers)
}

/// What ended before its call was seen, kept for the call to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    published: Option<NaiveDate>,
    page: Option<String>,
    title: String,
    buyer: BTreeSet<String>,
}

impl Ended {
    /// What a notice says of the end of a call; `None` where it ends none.
    #[must_use]
    pub fn of(notice: &Notice) -> Option<Self> {
        let ends = notice.kind.is_result() || notice.kind == NoticeKind::Cancellation;
        ends.then(|| Self {
            published: notice.published,
            page: notice.url.clone(),
            title: notice.title.clone(),
            buyer: buyer(&notice.buyer.name),
        })
    }

    /// Under what the end of a call, and the call, are filed: their title, and their page. Nothing where the buyer has its number:
    /// sources that give it join notices by other statements.
    #[must_use]
    pub fn buckets(notice: &Notice) -> Vec<String> {
        if notice.buyer.siren().is_some() {
            return Vec::new();
        }
        let page = notice.url.as_deref().filter(|_| notice.links.earlier.is_empty());
        let page = page.map(|url| format!("page:{}:{}", notice.source, crate::links::canonical(url)));
        title_bucket(notice).into_iter().chain(page).map(|bucket| format!("ended:{bucket}")).collect()
    }

    /// Whether this is the end of that call: one title, one buyer where both are named, and the call no later than its end. Without
    /// both days, one page. A call published after the end of another one is its next edition.
    #[must_use]
    pub fn ends(&self, call: &Notice) -> bool {
        let named = buyer(&call.buyer.name);
        let same_buyer = named.is_empty() || self.buyer.is_empty() || named == self.buyer;
        let in_order = match (call.published, self.published) {
            (Some(call), Some(end)) => call <= end,
            _ => self.page.is_some() && self.page == call.url,
        };
        same_buyer && in_order && title_followed(&call.title, &self.title)
    }
}

/// Whether a notice that repeats this call's title speaks of the same buyer.
#[must_use]
pub fn same_title_follows(call: &Portrait, notice: &Notice) -> bool {
    match (&call.siren, notice.buyer.siren()) {
        (Some(a), Some(b)) => a == b,
        _ => buyer(&notice.buyer.name) == call.buyer,
    }
}

/// Whether two titles are those of one call, for notices that share a page: a site may show another one there, and lots of one
/// procedure may share theirs.
#[must_use]
pub fn same_call(a: &str, b: &str) -> bool {
    let ((a, a_numbers), (b, b_numbers)) = (words(a), words(b));
    let (shared, shorter) = (a.intersection(&b).count(), a.len().min(b.len()));
    let alike = shared >= SHARED_WORDS && shared as f64 >= CONTAINED * shorter as f64;
    a_numbers == b_numbers && (a == b || alike)
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
    if a.buyer.is_empty() || b.buyer.is_empty() {
        return a.says.is_some() && a.says == b.says && a.words == b.words;
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
        portrait(&notice, &[])
    }

    /// Attack: one item in two feeds that name no buyer, and whose closing date stands in the text alone.
    #[test]
    fn calls_that_name_no_buyer_are_the_same_where_all_their_words_are() {
        let read = |source: &str, title: &str, text: &str| {
            let mut notice = Notice::new(source, "1", NoticeKind::Call);
            notice.title = title.into();
            notice.passages.push(Passage { field: "entry".into(), lot: None, text: text.into() });
            portrait(&notice, &crate::classify::classify(&notice).dates)
        };
        let text = "Marché réservé aux ESAT. Date limite de réception des offres : 15/01/2027 à 12h00.";
        let title = "Nettoyage des locaux de la mairie";
        let a = read("a", title, text).unwrap();
        assert!(same(&a, &read("b", "NETTOYAGE DES LOCAUX DE LA MAIRIE", text).unwrap()));
        for (why, title, text) in [
            (
                "other words below",
                title,
                "Marché réservé aux EA. Date limite de réception des offres : 15/01/2027 à 12h00.",
            ),
            ("another object", "Nettoyage des locaux de la crèche", text),
            ("another lot", "Nettoyage des locaux de la mairie lot 2", text),
        ] {
            assert!(!same(&a, &read("b", title, text).unwrap()), "{why}");
        }
        assert_eq!(read("b", title, "Marché réservé aux ESAT."), None, "no closing date");
    }

    /// F7: the award that came before its call was a market of its own, and the call an open one.
    #[test]
    fn a_call_finds_its_end_where_that_came_first_and_its_next_edition_does_not() {
        let notice = |kind, title: &str, day: Option<u32>, page: &str| {
            let mut notice = Notice::new("feed", title, kind);
            notice.title = title.into();
            notice.published = day.and_then(|d| NaiveDate::from_ymd_opt(2026, 11, d));
            notice.url = Some(format!("https://a.example/{page}"));
            notice
        };
        let end = notice(NoticeKind::Award, "Avis d’attribution – Entretien des espaces verts du parc", Some(20), "12");
        let finds = |end: &Notice, call: &Notice| {
            let shared = Ended::buckets(end).iter().any(|b| Ended::buckets(call).contains(b));
            shared && Ended::of(end).unwrap().ends(call)
        };
        let title = "Entretien des espaces verts du parc";
        assert!(finds(&end, &notice(NoticeKind::Call, title, Some(17), "12")));
        assert!(finds(&end, &notice(NoticeKind::Call, title, Some(17), "13")));
        assert!(finds(&end, &notice(NoticeKind::Call, title, None, "12")));
        assert!(!finds(&end, &notice(NoticeKind::Call, title, None, "13")));
        assert!(!finds(&end, &notice(NoticeKind::Call, title, Some(24), "12")), "its next edition");
        assert!(!finds(&end, &notice(NoticeKind::Call, "Entretien des espaces verts du parc nord", Some(17), "12")));
        let short = notice(NoticeKind::Cancellation, "ANNULÉ – Gardiennage du gymnase", Some(20), "10");
        assert!(finds(&short, &notice(NoticeKind::Call, "Gardiennage du gymnase", Some(20), "10")));
        assert_eq!(Ended::of(&notice(NoticeKind::Call, title, None, "12")), None);
    }

    /// Attack: the award or cancellation that a feed shows as another item was nobody's news, or a market of its own.
    #[test]
    fn what_became_of_a_call_repeats_its_title_and_no_more() {
        let at = "2027-01-12T12:00:00+01:00";
        let call = call("feed", "Nettoyage des locaux de la mairie", "Ville de Lens", at).unwrap();
        let after = |source: &str, title: &str, buyer: &str| {
            let mut notice = Notice::new(source, "2", NoticeKind::Award);
            (notice.title, notice.buyer.name) = (title.into(), buyer.into());
            let mut first = Notice::new("feed", "1", NoticeKind::Call);
            first.title = "Nettoyage des locaux de la mairie".into();
            title_bucket(&notice) == title_bucket(&first) && same_title_follows(&call, &notice)
        };
        for title in [
            "Avis d’attribution : Nettoyage des locaux de la mairie",
            "NETTOYAGE DES LOCAUX DE LA MAIRIE - déclaré sans suite",
            "Annulation de la consultation pour le nettoyage des locaux de la mairie",
        ] {
            assert!(after("feed", title, "Mairie de Lens"), "{title}");
        }
        for (source, title, buyer) in [
            ("feed", "Avis d’attribution : nettoyage des locaux de la mairie annexe", "Ville de Lens"),
            ("feed", "Avis d’attribution : nettoyage des locaux", "Ville de Lens"),
            ("feed", "Avis d’attribution : nettoyage des locaux de la mairie, lot 2", "Ville de Lens"),
            ("feed", "Avis d’attribution : Nettoyage des locaux de la mairie", "Ville de Liévin"),
            ("autre", "Avis d’attribution : Nettoyage des locaux de la mairie", "Ville de Lens"),
        ] {
            assert!(!after(source, title, buyer), "{source} {title} {buyer}");
        }
    }

    #[test]
    fn titles_on_one_page_are_of_one_call_unless_they_speak_of_something_else() {
        let title = "Nettoyage des locaux de la mairie";
        for other in ["NETTOYAGE DES LOCAUX DE LA MAIRIE", "Mairie : nettoyage des locaux et de la vitrerie", title] {
            assert!(same_call(title, other) && same_call(other, title), "{other}");
        }
        for other in [
            "Nettoyage des locaux de la mairie 2027",
            "Tonte des pelouses de la mairie",
            "Nettoyage",
            "Lot 2 : nettoyage des locaux de la mairie",
        ] {
            assert!(!same_call(title, other) && !same_call(other, title), "{other}");
        }
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
}
