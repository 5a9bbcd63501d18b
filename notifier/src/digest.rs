//! What stands in a digest: what closes this week first, then by sector, each by its deadline; a screen of it, and the way
//! to the rest. Pure.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use vigie_config::rules::Rules;
use vigie_domain::AlertKind;

use crate::card::{AlertItem, Card, card, short};

/// Items in full on a screen.
pub const SCREEN: usize = 12;
/// Most items of one digest: what exceeds it makes another one, so that none is left out of both message and page. A mail
/// and a page have room for many; a chat without a page names what one message holds.
#[must_use]
pub fn most(in_a_chat: bool, has_page: bool) -> u32 {
    if in_a_chat && !has_page { 60 } else { 2000 }
}

/// What closes within that time is closing this week.
const THIS_WEEK: Duration = Duration::days(7);
/// Stands for a sector where none was recognised.
const NO_SECTOR: &str = "Autres marchés";

/// How much of a digest is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A screen of a message; the rest by title.
    Screen,
    /// A screen of a message; the rest on that page.
    ScreenAndPage(String),
    /// All of it.
    Whole,
}

/// Items under one heading.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// `À rendre cette semaine`, or a sector.
    pub title: String,
    pub cards: Vec<Card>,
}

/// A digest as templates see it.
#[derive(Debug, Clone, Serialize)]
pub struct Digest {
    /// News, all of it.
    pub total: usize,
    /// Of these, what closes this week.
    pub soon: usize,
    /// Why the message is grouped, if it is.
    pub note: Option<String>,
    /// What is shown in full.
    pub sections: Vec<Section>,
    /// What is shown by its title.
    pub titles: Vec<Card>,
    /// How much stands on the page only.
    pub more: usize,
    /// Where all of it is.
    pub page: Option<String>,
    /// Procedures told of before that close soon and wait for an answer.
    pub undecided: Vec<Card>,
    /// Contracts that end in some months.
    pub renewals: Vec<Card>,
}

impl Digest {
    /// Sorts and cuts.
    #[must_use]
    pub fn of(told: &[AlertItem<'_>], shown: Shown, now: DateTime<Utc>) -> Self {
        let by_deadline = |t: &&AlertItem<'_>| {
            t.assessment.deadline().map_or(i64::MAX, |d| if d < now { i64::MAX } else { d.timestamp() })
        };
        let (renewals, told): (Vec<&AlertItem<'_>>, Vec<&AlertItem<'_>>) =
            told.iter().partition(|t| t.kind == AlertKind::Renewal);
        let (mut undecided, mut news): (Vec<&AlertItem<'_>>, Vec<&AlertItem<'_>>) =
            told.into_iter().partition(|t| t.kind == AlertKind::Undecided);
        undecided.sort_by_key(by_deadline);
        news.sort_by_key(by_deadline);
        let soon = |t: &&AlertItem<'_>| t.assessment.deadline().is_some_and(|d| d >= now && d < now + THIS_WEEK);
        let note = news.iter().find_map(|t| t.why.note.clone());
        let (first, mut rest): (Vec<&AlertItem<'_>>, Vec<&AlertItem<'_>>) = news.iter().partition(|t| soon(t));
        // Stable: within a sector the order by deadline stays.
        rest.sort_by_key(|t| (sector(t) == NO_SECTOR, sector(t)));
        let (total, soon) = (news.len(), first.len());
        let full = if shown == Shown::Whole { usize::MAX } else { SCREEN };
        let mut sections: Vec<Section> = Vec::new();
        let mut titles = Vec::new();
        for (n, told) in first.iter().chain(&rest).enumerate() {
            let card = card(told, now);
            if n >= full {
                titles.push(card);
                continue;
            }
            let title = if n < soon { "À rendre cette semaine" } else { sector(told) };
            match sections.last_mut().filter(|s| s.title == title) {
                Some(section) => section.cards.push(card),
                None => sections.push(Section { title: title.to_owned(), cards: vec![card] }),
            }
        }
        let mut more = 0;
        let page = match shown {
            Shown::ScreenAndPage(page) => {
                more = titles.len();
                titles.clear();
                Some(page).filter(|_| more > 0)
            }
            Shown::Screen | Shown::Whole => None,
        };
        let undecided = undecided.into_iter().map(|t| card(t, now)).collect();
        let renewals = renewals.into_iter().map(|t| card(t, now)).collect();
        Self { total, soon, note, sections, titles, more, page, undecided, renewals }
    }

    /// The subject of its message.
    #[must_use]
    pub fn subject(&self) -> String {
        let s = if self.undecided.len() > 1 { "s" } else { "" };
        match (self.total, self.sections.first().and_then(|s| s.cards.first())) {
            (0, _) if self.undecided.is_empty() => {
                let ends = self.renewals.len();
                format!("Vigie : {ends} contrat{} qui se termine{}", plural(ends), if ends > 1 { "nt" } else { "" })
            }
            (0, _) => format!("Vigie : {} marché{s} sans réponse de votre part", self.undecided.len()),
            (1, Some(card)) => format!("Vigie : 1 marché pour vous, {}", short(&card.title, 90)),
            (n, _) if self.soon > 0 => {
                format!("Vigie : {n} marchés pour vous, dont {} à rendre sous 7 jours", self.soon)
            }
            (n, _) => format!("Vigie : {n} marchés pour vous"),
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n > 1 { "s" } else { "" }
}

/// The sector by which the person is told, else the first of the notice.
fn sector<'a>(told: &AlertItem<'a>) -> &'a str {
    let slug = told.why.found.sectors.first().or(told.assessment.sectors.first());
    slug.map_or(NO_SECTOR, |slug| Rules::embedded().sector_label(slug))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{Links, Why};
    use vigie_domain::{Assessment, DateKind, Notice, NoticeKind, TypedDate};

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-12-22T08:00:00Z").unwrap().with_timezone(&Utc)
    }

    fn item(title: &str, sector: Option<&str>, days: i64) -> (Notice, Assessment, Why) {
        let mut notice = Notice::new("boamp", title, NoticeKind::Call);
        notice.title = title.to_owned();
        let assessment = Assessment {
            title: title.to_owned(),
            sectors: sector.into_iter().map(str::to_owned).collect(),
            dates: vec![TypedDate {
                kind: DateKind::Tender,
                at: (now() + Duration::days(days)).fixed_offset(),
                has_time: true,
                mandatory: false,
                quote: None,
                field: None,
                lot: None,
            }],
            ..Assessment::new(title.to_owned(), NoticeKind::Call)
        };
        (notice, assessment, Why::default())
    }

    fn digest(items: &[(Notice, Assessment, Why)], kind: AlertKind, shown: Shown) -> Digest {
        let told: Vec<AlertItem<'_>> = items
            .iter()
            .map(|(notice, assessment, why)| AlertItem {
                kind,
                changes: &[],
                notice,
                assessment,
                why,
                contacts: &[],
                links: Links::default(),
            })
            .collect();
        Digest::of(&told, shown, now())
    }

    #[test]
    fn what_closes_this_week_comes_first_then_sectors_by_deadline() {
        let items = [
            item("e", None, 20),
            item("d", Some("nettoyage-de-locaux-16"), 30),
            item("c", Some("nettoyage-de-locaux-16"), 10),
            item("b", Some("blanchisserie"), 40),
            item("a", Some("blanchisserie"), 3),
        ];
        let digest = digest(&items, AlertKind::New, Shown::Screen);
        let titles: Vec<&str> = digest.sections.iter().flat_map(|s| &s.cards).map(|c| c.title.as_str()).collect();
        assert_eq!(titles, ["a", "b", "c", "d", "e"], "{:?}", digest.sections);
        assert_eq!(digest.sections[0].title, "À rendre cette semaine");
        assert_eq!(digest.sections.last().unwrap().title, NO_SECTOR);
        assert_eq!(digest.subject(), "Vigie : 5 marchés pour vous, dont 1 à rendre sous 7 jours");
    }

    #[test]
    fn a_screen_is_enough_and_the_rest_is_never_hidden() {
        let items: Vec<_> = (0..300).map(|n| item(&format!("n{n}"), None, 20)).collect();
        let alone = digest(&items, AlertKind::New, Shown::Screen);
        let shown: usize = alone.sections.iter().map(|s| s.cards.len()).sum();
        assert_eq!((shown, alone.titles.len(), alone.more), (SCREEN, 300 - SCREEN, 0));
        let with_page = digest(&items, AlertKind::New, Shown::ScreenAndPage("https://v.example/resume/x".into()));
        assert_eq!((with_page.titles.len(), with_page.more), (0, 300 - SCREEN));
        assert!(with_page.page.is_some());
        let few = digest(&items[..3], AlertKind::New, Shown::ScreenAndPage("https://v.example/resume/x".into()));
        assert_eq!((few.page, few.more), (None, 0), "no link where nothing is left out");
        assert_eq!(digest(&items, AlertKind::New, Shown::Whole).more, 0);
    }

    #[test]
    fn the_undecided_stand_apart() {
        let digest = digest(&[item("x", None, 5)], AlertKind::Undecided, Shown::Screen);
        assert_eq!((digest.total, digest.undecided.len()), (0, 1));
        assert_eq!(digest.subject(), "Vigie : 1 marché sans réponse de votre part");
    }
}
