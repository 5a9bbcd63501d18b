//! What stands in a digest: what can be answered, the urgent first, then by strength; then what is waiting for an answer, what follows
//! awards (services to propose, results asked for, contracts soon to be renewed); last what is over, and in a line each what is
//! reserved to others. A screen of it, and the way to the rest. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use serde::Serialize;
use vigie_domain::state::CLOSES_SOON;
use vigie_domain::{Access, AlertKind, ProvisionKind, Strength, french};

use crate::card::{AlertItem, Card, card, short};

/// Items in full on a screen.
pub const SCREEN: usize = 12;
/// Most items of one digest: what exceeds it makes another one, so that none is left out of both message and page. A mail
/// and a page have room for many; a chat without a page names what one message holds.
#[must_use]
pub fn most(in_a_chat: bool, has_page: bool) -> u32 {
    if in_a_chat && !has_page { 60 } else { 2000 }
}

/// What a message says that holds what exceeded a person's hourly cap.
pub const GROUPED: &str = "Beaucoup de messages à la fois : les voici groupés en un seul.";

/// Most reasons given for a whole digest, or for a line of it.
const MAX_WHY: usize = 4;

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
    /// `À rendre cette semaine`, `Réservés ou d’insertion`.
    pub title: &'static str,
    pub cards: Vec<Card>,
}

/// A digest as templates see it.
#[derive(Debug, Clone, Serialize)]
pub struct Digest {
    /// What can be answered, all of it.
    pub total: usize,
    /// Of these, what closes this week.
    pub soon: usize,
    /// `7 marchés pour vous`.
    pub headline: String,
    /// The days on which it was found: `le 21 décembre 2026`, `du 15 au 21 décembre 2026`.
    pub period: String,
    /// What it adds up to: `2 réservés à des structures comme la vôtre`, `5 200 heures d’insertion`, `12 lots`.
    pub sums: Vec<String>,
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
    /// Contracts whose holders may need the reader's services.
    pub offers: Vec<Card>,
    /// What the reader went for, and is asked the result of.
    pub results: Vec<Card>,
    /// Contracts that end in some months.
    pub renewals: Vec<Card>,
    /// What cannot be answered any more: called off, awarded, closed.
    pub over: Vec<Card>,
    /// What is reserved to others than the reader's structure, for who asked to know.
    pub of_others: Vec<Card>,
    /// Page where they stop hearing of it.
    pub without_closed: Option<String>,
    /// Why its reader hears of these: what holds for every one of them. What holds for some stands in their cards.
    pub why: Vec<String>,
    /// Meetings to come near the reader, a line each.
    pub meetings: Vec<String>,
    /// All of it is one correction of what a notice was read to say.
    pub corrected: bool,
}

impl Digest {
    /// Sorts and cuts.
    #[must_use]
    pub fn of(told: &[AlertItem<'_>], shown: Shown, now: DateTime<Utc>) -> Self {
        let closes = |t: &AlertItem<'_>| t.state.closes.or_else(|| t.assessment.deadline());
        let by_deadline = |t: &&AlertItem<'_>| closes(t).filter(|d| *d >= now).map_or(i64::MAX, |d| d.timestamp());
        let open = |t: &&AlertItem<'_>| t.state.phase.takes_answers();
        let of_others = |t: &&AlertItem<'_>| t.why.found.access == Access::Closed && t.kind != AlertKind::Undecided;
        // What follows an award stands apart, however its procedure stands.
        let of_kind = |kind| told.iter().filter(|t| t.kind == kind).collect::<Vec<_>>();
        let [offers, results, renewals, mut undecided] =
            [AlertKind::Offer, AlertKind::AskResult, AlertKind::Renewal, AlertKind::Undecided].map(of_kind);
        let news: Vec<&AlertItem<'_>> =
            told.iter().filter(|t| !t.kind.follows_award() && t.kind != AlertKind::Undecided).collect();
        // One that ended since is no question any more.
        undecided.retain(open);
        // One alone is grouped with nothing.
        let note = news.iter().find_map(|t| t.why.note.clone()).filter(|note| told.len() > 1 || *note != GROUPED);
        let corrected = matches!(told, [one] if one.kind == AlertKind::VerdictCorrection);
        let (live, over): (Vec<&AlertItem<'_>>, Vec<_>) = news.into_iter().partition(open);
        let (others, mut live): (Vec<&AlertItem<'_>>, Vec<_>) = live.into_iter().partition(of_others);
        undecided.sort_by_key(by_deadline);
        let soon = |t: &AlertItem<'_>| closes(t).is_some_and(|d| d >= now && d < now + CLOSES_SOON);
        let strength = |t: &AlertItem<'_>| std::cmp::Reverse(Strength::of(t.assessment));
        live.sort_by_key(|t| (!soon(t), (!soon(t)).then(|| strength(t)), by_deadline(t)));
        let (total, urgent) = (live.len(), live.iter().filter(|t| soon(t)).count());
        let (sums, why) = (sums(&live), why(&live));
        let full = if shown == Shown::Whole { usize::MAX } else { SCREEN };
        let mut sections: Vec<Section> = Vec::new();
        let mut titles = Vec::new();
        for (n, told) in live.iter().enumerate() {
            let mut card = card(told, now);
            card.why.retain(|reason| !why.contains(reason));
            card.why.truncate(MAX_WHY);
            if n >= full {
                titles.push(card);
                continue;
            }
            let title = if soon(told) { "À rendre cette semaine" } else { heading(told) };
            match sections.last_mut().filter(|s| s.title == title) {
                Some(section) => section.cards.push(card),
                None => sections.push(Section { title, cards: vec![card] }),
            }
        }
        let cards = |items: Vec<&AlertItem<'_>>| items.into_iter().map(|t| card(t, now)).collect::<Vec<_>>();
        let (mut over, mut of_others) = (cards(over), cards(others));
        let without_closed = of_others.iter().find_map(|c| c.without_closed.clone());
        let mut more = 0;
        let page = match shown {
            Shown::ScreenAndPage(page) => {
                let kept = |list: &mut Vec<Card>| list.split_off(list.len().min(full)).len();
                more = titles.len() + kept(&mut over) + kept(&mut of_others);
                titles.clear();
                Some(page).filter(|_| more > 0)
            }
            Shown::Screen | Shown::Whole => None,
        };
        let after = AfterAwards { offers: offers.len(), results: results.len(), renewals: renewals.len() };
        let headline = headline(total, over.len(), undecided.len(), after);
        let period = period(told, now);
        let [undecided, offers, results, renewals] = [undecided, offers, results, renewals].map(cards);
        Self {
            total,
            soon: urgent,
            headline,
            period,
            sums,
            note,
            sections,
            titles,
            more,
            page,
            undecided,
            offers,
            results,
            renewals,
            over,
            of_others,
            without_closed,
            why,
            meetings: Vec::new(),
            corrected,
        }
    }

    /// The subject of its message.
    #[must_use]
    pub fn subject(&self) -> String {
        let first = || self.sections.first().and_then(|s| s.cards.first());
        match (self.total, self.over.as_slice()) {
            (1, _) => {
                let title = first().map(|card| short(&card.title, 90)).filter(|title| !title.is_empty());
                let (what, sign) =
                    if self.corrected { ("lecture corrigée", " – ") } else { ("1 marché pour vous", ", ") };
                format!("Vigie : {what}{}", title.map(|title| format!("{sign}{title}")).unwrap_or_default())
            }
            (0, [one]) if self.offers.is_empty() && self.results.is_empty() && self.renewals.is_empty() => {
                format!("Vigie : {} – {}", french::lower(&one.status), short(&one.title, 90))
            }
            (n, _) if self.soon > 0 => {
                format!("Vigie : {n} marchés pour vous, dont {} à rendre sous 7 jours", self.soon)
            }
            _ => format!("Vigie : {}", self.headline),
        }
    }
}

/// How much of a digest follows awards.
#[derive(Debug, Clone, Copy)]
struct AfterAwards {
    offers: usize,
    results: usize,
    renewals: usize,
}

impl AfterAwards {
    /// `2 titulaires à qui proposer vos services, 1 contrat bientôt à renouveler`; empty where there is nothing of it.
    fn in_french(self) -> String {
        let many = |n: usize| if n > 1 { "s" } else { "" };
        let mut said = Vec::new();
        if self.offers > 0 {
            said.push(format!("{} titulaire{} à qui proposer vos services", self.offers, many(self.offers)));
        }
        if self.results > 0 {
            said.push(format!("{} résultat{} à préciser", self.results, many(self.results)));
        }
        if self.renewals > 0 {
            said.push(format!("{} contrat{} bientôt à renouveler", self.renewals, many(self.renewals)));
        }
        said.join(", ")
    }
}

/// What a digest holds, in a few words: what says most of it, since a subject is short.
fn headline(total: usize, over: usize, undecided: usize, after: AfterAwards) -> String {
    let many = |n: usize| if n > 1 { "s" } else { "" };
    let after = after.in_french();
    match (total, over, undecided) {
        (0, ..) if !after.is_empty() => after,
        (0, 0, 0) => "pour information, ce qui est réservé à d’autres".to_owned(),
        (0, 0, n) => format!("{n} marché{} sans réponse de votre part", many(n)),
        (0, n, _) => format!("{n} marché{0} terminé{0}", many(n)),
        (n, ..) => format!("{n} marché{} pour vous", many(n)),
    }
}

/// The days on which it was decided that the reader hears of these: `du 15 au 21 décembre 2026`.
fn period(told: &[AlertItem<'_>], now: DateTime<Utc>) -> String {
    let day = |at: DateTime<Utc>| at.with_timezone(&Paris).date_naive();
    let first = told.iter().map(|t| day(t.noticed)).min().unwrap_or(day(now));
    let last = told.iter().map(|t| day(t.noticed)).max().unwrap_or(first);
    if first == last {
        format!("le {}", french::date(last))
    } else {
        format!("du {} au {}", french::date_before(first, last), french::date(last))
    }
}

/// What these add up to.
fn sums(live: &[&AlertItem<'_>]) -> Vec<String> {
    let reserved = live.iter().filter(|t| {
        let mine = |lots: &[String]| {
            let found = &t.why.found.lots;
            found.is_empty() || lots.is_empty() || lots.iter().any(|l| found.contains(l))
        };
        t.assessment.provisions.iter().any(|p| p.kind == ProvisionKind::Reserved && mine(&p.lots))
    });
    let hours: f64 = live.iter().flat_map(|t| &t.assessment.provisions).filter_map(|p| p.hours).sum();
    let lots: usize = live
        .iter()
        .map(|t| if t.why.found.lots.is_empty() { t.assessment.lots.len() } else { t.why.found.lots.len() })
        .sum();
    let mut out = Vec::new();
    match reserved.count() {
        0 => {}
        1 => out.push("1 réservé".to_owned()),
        n => out.push(format!("{n} réservés")),
    }
    if hours > 0.0 {
        out.push(format!("{} d’insertion", french::hours(hours)));
    }
    if lots > 1 && live.len() > 1 {
        out.push(format!("{lots} lots"));
    }
    out
}

/// The reasons that all of these share, in the order of the first one.
fn why(live: &[&AlertItem<'_>]) -> Vec<String> {
    let Some((first, rest)) = live.split_first() else { return Vec::new() };
    let of_all = |reason: &&String| rest.iter().all(|t| t.why.fit.reasons.contains(reason));
    first.why.fit.reasons.iter().filter(of_all).take(MAX_WHY).cloned().collect()
}

fn heading(told: &AlertItem<'_>) -> &'static str {
    match Strength::of(told.assessment) {
        Strength::Strong => "Réservés, ou d’insertion",
        Strength::Medium => "Avec une clause d’insertion ou un critère social",
        // Whoever named no trade has none of their own.
        Strength::Light if told.why.found.sectors.is_empty() => "Dans les métiers de l’insertion",
        Strength::Light => "Dans vos métiers",
        Strength::None => "Autres marchés",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{Links, Why};
    use chrono::Duration;
    use vigie_domain::subscription::Match;
    use vigie_domain::{Assessment, DateKind, Evidence, Notice, NoticeKind, ProcedureState, Provision, TypedDate};

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
        let states: Vec<ProcedureState> = items.iter().map(|(_, a, _)| ProcedureState::of_verdict(a, now())).collect();
        let told: Vec<AlertItem<'_>> = items
            .iter()
            .zip(&states)
            .map(|((notice, assessment, why), state)| AlertItem {
                kind,
                changes: &[],
                notice,
                assessment,
                state,
                why,
                noticed: now(),
                contacts: &[],
                links: Links::default(),
                stands: None,
            })
            .collect();
        Digest::of(&told, shown, now())
    }

    fn offering(
        mut item: (Notice, Assessment, Why),
        kind: ProvisionKind,
        hours: Option<f64>,
    ) -> (Notice, Assessment, Why) {
        item.1.provisions.push(Provision { hours, ..Provision::new(kind, Evidence::default()) });
        item
    }

    #[test]
    fn what_closes_this_week_comes_first_then_the_strongest_by_deadline() {
        let items = [
            item("f", None, 20),
            item("e", Some("nettoyage-de-locaux-16"), 30),
            offering(item("d", None, 40), ProvisionKind::ExecutionClause, Some(5_200.0)),
            offering(item("c", Some("blanchisserie"), 30), ProvisionKind::Reserved, None),
            offering(item("b", Some("blanchisserie"), 10), ProvisionKind::Reserved, None),
            item("a", Some("blanchisserie"), 3),
        ];
        let digest = digest(&items, AlertKind::New, Shown::Screen);
        let titles: Vec<&str> = digest.sections.iter().flat_map(|s| &s.cards).map(|c| c.title.as_str()).collect();
        assert_eq!(titles, ["a", "b", "c", "d", "e", "f"], "{:?}", digest.sections);
        assert_eq!(digest.sections[0].title, "À rendre cette semaine");
        assert_eq!(digest.sections.last().unwrap().title, "Autres marchés");
        assert_eq!(digest.subject(), "Vigie : 6 marchés pour vous, dont 1 à rendre sous 7 jours");
        assert_eq!(digest.sums, ["2 réservés", "5\u{202f}200 heures d’insertion"]);
        assert_eq!(digest.period, "le 22 décembre 2026");
    }

    /// U12 and U2: what is over stands apart, is no market « pour vous », and asks for nothing.
    #[test]
    fn what_is_over_is_apart_and_last_and_counts_for_nothing() {
        let off = |title: &str| {
            let (notice, mut a, why) = item(title, Some("blanchisserie"), 5);
            a.notice_kind = NoticeKind::Cancellation;
            (notice, a, why)
        };
        let alone = digest(&[off("x")], AlertKind::Cancellation, Shown::Screen);
        assert_eq!((alone.total, alone.soon, alone.over.len()), (0, 0, 1));
        assert_eq!(alone.subject(), "Vigie : annulé – x");
        assert!(alone.over[0].deadline.is_none() && alone.over[0].answer_by.is_none());
        let both = digest(&[off("x"), off("y"), item("z", None, 20)], AlertKind::New, Shown::Screen);
        assert_eq!((both.total, both.over.len()), (1, 2));
        assert_eq!(both.subject(), "Vigie : 1 marché pour vous, z");
        assert_eq!(
            digest(&[off("x"), off("y")], AlertKind::Cancellation, Shown::Screen).subject(),
            "Vigie : 2 marchés terminés"
        );
    }

    /// « Beaucoup de messages à la fois » over one message, of a market that its reader had already.
    #[test]
    fn one_that_exceeded_the_cap_alone_is_grouped_with_nothing_and_a_correction_is_called_one() {
        let grouped = |title: &str| {
            let (notice, a, _) = item(title, None, 20);
            (notice, a, Why { note: Some(GROUPED.to_owned()), ..Why::default() })
        };
        let alone = digest(&[grouped("x")], AlertKind::VerdictCorrection, Shown::Screen);
        assert_eq!((alone.note.as_deref(), alone.subject().as_str()), (None, "Vigie : lecture corrigée – x"));
        let two = digest(&[grouped("x"), grouped("y")], AlertKind::VerdictCorrection, Shown::Screen);
        assert_eq!((two.note.as_deref(), two.subject().as_str()), (Some(GROUPED), "Vigie : 2 marchés pour vous"));
        assert_eq!(digest(&[grouped("x")], AlertKind::New, Shown::Screen).subject(), "Vigie : 1 marché pour vous, x");
    }

    /// One paragraph for all said of each what was true of another.
    #[test]
    fn reasons_that_differ_stand_by_their_market_and_shared_ones_once() {
        let with = |title: &str, own: &str| {
            let mut item = item(title, None, 20);
            item.2.fit.reasons = vec!["Pas-de-Calais (62)".to_owned(), own.to_owned()];
            item
        };
        let two = [with("x", "Clause d’insertion"), with("y", "Marché réservé")];
        let both = digest(&two, AlertKind::New, Shown::Screen);
        assert_eq!(both.why, ["Pas-de-Calais (62)"]);
        let own: Vec<&[String]> = both.sections.iter().flat_map(|s| &s.cards).map(|c| c.why.as_slice()).collect();
        assert_eq!(own, [["Clause d’insertion"], ["Marché réservé"]]);
        assert_eq!(digest(&two[..1], AlertKind::New, Shown::Screen).why.len(), 2, "one alone: once");
    }

    #[test]
    fn a_line_says_the_hour_and_the_visit_that_an_offer_needs() {
        let mut market = item("x", None, 20);
        let visit = |days: i64, mandatory| TypedDate {
            kind: DateKind::Visit,
            at: (now() + Duration::days(days)).fixed_offset(),
            mandatory,
            ..market.1.dates[0].clone()
        };
        let visits = [visit(-1, true), visit(8, true)];
        market.1.dates.extend(visits);
        let digest = digest(&[market], AlertKind::New, Shown::Screen);
        let card = &digest.sections[0].cards[0];
        assert!(card.closes.as_deref().is_some_and(|c| c.contains("à 8\u{a0}h")), "{:?}", card.closes);
        assert_eq!(card.visits_in_short.len(), 1, "the one to come: {:?}", card.visits_in_short);
        assert!(card.visits_in_short[0].starts_with("Visite obligatoire le "), "{:?}", card.visits_in_short);
    }

    /// U1: what is reserved to others is never among « pour vous ».
    #[test]
    fn what_is_reserved_to_others_is_a_line_apart() {
        let mut closed = offering(item("x", None, 20), ProvisionKind::Reserved, None);
        closed.2.found = Match { access: Access::Closed, ..Match::default() };
        let digest = digest(&[closed, item("y", None, 20)], AlertKind::New, Shown::Screen);
        assert_eq!((digest.total, digest.of_others.len(), digest.sums.len()), (1, 1, 0));
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

    /// What follows awards is no market that ended: each has a heading of its own, and the subject says what it is.
    #[test]
    fn what_follows_awards_stands_under_headings_of_its_own() {
        let awarded = |title: &str| {
            let (notice, mut a, why) = item(title, None, -40);
            a.notice_kind = NoticeKind::Award;
            (notice, a, why)
        };
        let items = [awarded("x"), awarded("y")];
        for (kind, subject) in [
            (AlertKind::Offer, "Vigie : 2 titulaires à qui proposer vos services"),
            (AlertKind::AskResult, "Vigie : 2 résultats à préciser"),
            (AlertKind::Renewal, "Vigie : 2 contrats bientôt à renouveler"),
        ] {
            let digest = digest(&items, kind, Shown::Screen);
            let lists = [&digest.offers, &digest.results, &digest.renewals, &digest.over].map(Vec::len);
            let own = [AlertKind::Offer, AlertKind::AskResult, AlertKind::Renewal].map(|k| 2 * usize::from(k == kind));
            assert_eq!((&lists[..3], lists[3], digest.total), (&own[..], 0, 0), "{kind:?}");
            assert_eq!(digest.subject(), subject);
        }
    }
}
