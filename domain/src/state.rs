//! How a procedure, or one of its lots, stands at a moment: the one answer that mails, digests, chats, pages, calendars and feeds
//! give. Pure.
//!
//! [`ProcedureState::of`] reads what was published ([`Snapshot`]) at a moment; nothing else decides whether something is open.
//! Whatever is over keeps its reason, in the buyer's words where there are any, or its winners.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveTime, Utc};
use strum::{EnumString, IntoStaticStr};

use crate::outcome::{NoAwardReason, no_award_in_french};
use crate::snapshot::{Snapshot, Status, Winner};
use crate::{Assessment, french};

/// What closes within that time is about to close.
pub const CLOSES_SOON: Duration = Duration::days(7);

/// How long what has no closing date counts as open: planned purchases are announced up to a year ahead.
pub const OPEN_WITHOUT_DATE: Duration = Duration::days(365);

/// Most winners named in one line.
const MAX_NAMED: usize = 3;

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Announced, and not open to answers yet.
    Planned,
    /// It can be answered.
    Open,
    /// It can be answered, for no longer than [`CLOSES_SOON`].
    ClosingSoon,
    /// The time to answer is over, and nobody has said what became of it.
    Closed,
    /// Called off.
    Cancelled,
    /// Ended without a winner: sans suite, infructueux.
    NoAward,
    /// Awarded.
    Awarded,
    /// The buyer means to conclude without a call for competition.
    Intended,
}

impl Phase {
    /// In a word or two, as a chip shows it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Planned => "À venir",
            Self::Open => "Ouvert",
            Self::ClosingSoon => "Bientôt clos",
            Self::Closed => "Clos",
            Self::Cancelled => "Annulé",
            Self::NoAward => "Sans suite",
            Self::Awarded => "Attribué",
            Self::Intended => "Attribution envisagée",
        }
    }

    /// Every phase, in the order in which one looks for them.
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::ClosingSoon,
        Self::Planned,
        Self::Closed,
        Self::Awarded,
        Self::Intended,
        Self::NoAward,
        Self::Cancelled,
    ];

    /// Its name in style sheets, addresses, programs and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether one can answer, now or later: « on y va » means something.
    #[must_use]
    pub fn takes_answers(self) -> bool {
        matches!(self, Self::Planned | Self::Open | Self::ClosingSoon)
    }

    /// Whether what became of it is known.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Cancelled | Self::NoAward | Self::Awarded | Self::Intended)
    }

    /// Whether one who answered may have won or lost it.
    #[must_use]
    pub fn may_be_won(self) -> bool {
        matches!(self, Self::Closed | Self::Awarded)
    }
}

/// How a procedure, or one of its lots, stands at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcedureState {
    pub phase: Phase,
    /// Something of it was corrected since it was published, and it can still be answered.
    pub modified: bool,
    /// Until when it can, or could, be answered; `None` where no notice says so.
    pub closes: Option<DateTime<FixedOffset>>,
    /// Whether the hour of `closes` is known.
    pub has_time: bool,
    /// Why it ended without a winner, where that was said.
    pub reason: Option<NoAwardReason>,
    /// The same in the buyer's own words, verbatim.
    pub words: Option<String>,
    /// Who won, or is meant to.
    pub winners: Vec<Winner>,
}

impl ProcedureState {
    /// How `lot` of what was published stands; empty = the procedure as a whole, which is open as long as one lot is.
    #[must_use]
    pub fn of(published: &Snapshot, lot: &str, now: DateTime<Utc>) -> Self {
        let closes = published.deadline_of(lot);
        let phase = match published.status_of(lot) {
            Status::Cancelled => Phase::Cancelled,
            Status::NoAward => Phase::NoAward,
            Status::Awarded => Phase::Awarded,
            Status::Intended => Phase::Intended,
            Status::Open => match closes {
                Some(at) if at <= now => Phase::Closed,
                None if published.published.is_some_and(|day| open_until(day) <= now) => Phase::Closed,
                _ if published.planned => Phase::Planned,
                Some(at) if at < now + CLOSES_SOON => Phase::ClosingSoon,
                _ => Phase::Open,
            },
        };
        let ended = published.ended.iter().find(|e| e.lot == lot);
        let reason = ended.map_or(published.reason, |e| e.reason.or(published.reason));
        let whole = |w: &&Winner| lot.is_empty() || w.lot.as_deref().is_none_or(|l| l == lot);
        let without_winner = matches!(phase, Phase::Cancelled | Phase::NoAward);
        Self {
            phase,
            modified: published.modified && phase.takes_answers(),
            closes,
            // 23:59 stands for a day without a time (see `TypedDate::has_time`).
            has_time: closes.is_none_or(|at| at.format("%H:%M").to_string() != "23:59"),
            reason: reason.filter(|_| without_winner),
            words: published.words.clone().filter(|_| without_winner),
            winners: if matches!(phase, Phase::Awarded | Phase::Intended) {
                published.winners.iter().filter(whole).cloned().collect()
            } else {
                Vec::new()
            },
        }
    }

    /// How what one verdict alone describes stands.
    #[must_use]
    pub fn of_verdict(assessment: &Assessment, now: DateTime<Utc>) -> Self {
        Self::of(&Snapshot::of(assessment), "", now)
    }

    /// As a chip shows it: `Ouvert`, `Infructueux`, `Annulé`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.phase {
            Phase::NoAward if self.reason.is_some_and(NoAwardReason::is_unsuccessful) => "Infructueux",
            phase => phase.in_french(),
        }
    }

    /// What there is to know beside the label, in words: until when, why, or who; empty where there is nothing.
    #[must_use]
    pub fn detail(&self, now: DateTime<Utc>) -> String {
        let why = || self.reason.map(NoAwardReason::in_french).unwrap_or_default().to_owned();
        match (self.phase, self.closes) {
            (Phase::Planned, None) => "pas encore ouvert aux réponses".to_owned(),
            (Phase::Open | Phase::ClosingSoon | Phase::Planned, Some(at)) => {
                format!("jusqu’au {} ({})", self.moment(at), french::days_left(at, now))
            }
            (Phase::Open | Phase::ClosingSoon, None) => NO_DEADLINE.to_owned(),
            (Phase::Closed, Some(at)) => format!("depuis le {}", french::date(at.date_naive())),
            (Phase::Closed, None) => "publié il y a plus d’un an, sans date limite connue".to_owned(),
            (Phase::Cancelled | Phase::NoAward, _) => why(),
            (Phase::Awarded, _) if self.winners.is_empty() => String::new(),
            (Phase::Awarded, _) => format!("à {}", self.named()),
            (Phase::Intended, _) if self.winners.is_empty() => "sans mise en concurrence".to_owned(),
            (Phase::Intended, _) => format!("sans mise en concurrence, à {}", self.named()),
        }
    }

    /// The whole line: « Ouvert jusqu’au 12 janvier 2027 à 12 h (dans 21 jours) », « Sans suite : budget insuffisant »,
    /// « Attribué à Martin SARL ».
    #[must_use]
    pub fn in_french(&self, now: DateTime<Utc>) -> String {
        let (label, detail) = (self.label(), self.detail(now));
        // « Attribué à X » and « Ouvert jusqu’au… » are one sentence; a reason or a doubt stands behind a colon.
        let stop = match self.phase {
            Phase::Cancelled | Phase::NoAward | Phase::Planned => true,
            Phase::Awarded | Phase::Intended => false,
            Phase::Open | Phase::ClosingSoon | Phase::Closed => self.closes.is_none(),
        };
        let line = match (detail.is_empty(), stop) {
            (true, _) => label.to_owned(),
            (false, true) => format!("{label}\u{a0}: {detail}"),
            (false, false) => format!("{label} {detail}"),
        };
        if self.modified { format!("{line}, modifié depuis sa publication") } else { line }
    }

    /// The closing moment as people read it, without the day of the week.
    fn moment(&self, at: DateTime<FixedOffset>) -> String {
        let day = french::date(at.date_naive());
        if self.has_time { format!("{day} à {}", french::told_clock(at)) } else { day }
    }

    /// Winners by name, each once.
    fn named(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for name in self.winners.iter().flat_map(|w| &w.names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let more = names.len().saturating_sub(MAX_NAMED);
        names.truncate(MAX_NAMED);
        if more > 0 {
            names.push(if more == 1 { "un autre".to_owned() } else { format!("{more} autres") });
        }
        french::list(&names)
    }
}

/// Until when what was published on `day` without a closing date counts as open.
#[must_use]
pub fn open_until(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + OPEN_WITHOUT_DATE
}

/// Said where one can answer and no notice says until when.
pub const NO_DEADLINE: &str = "date limite non trouvée\u{a0}: voir l’avis";

/// How something ended, where its state is only known by its end: « attribué », « infructueux : aucune offre reçue ».
#[must_use]
pub fn ended_in_french(status: Status, reason: Option<NoAwardReason>) -> String {
    match status {
        Status::Open => "ouvert".to_owned(),
        Status::Cancelled if reason.is_none() => "annulé".to_owned(),
        Status::Cancelled | Status::NoAward => no_award_in_french(reason),
        Status::Awarded => "attribué".to_owned(),
        Status::Intended => "attribution envisagée sans mise en concurrence".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::AssessedLot;
    use crate::notice::Award;
    use crate::{DateKind, NoticeKind, Outcome, TypedDate};

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    fn now() -> DateTime<Utc> {
        at("2026-12-22T09:00:00+01:00").with_timezone(&Utc)
    }

    fn call(closes: &str) -> Assessment {
        let dates = vec![TypedDate::of_field(DateKind::Tender, (at(closes), true), "f")];
        Assessment { dates, ..Assessment::new("1", NoticeKind::Call) }
    }

    fn said(snapshot: &Snapshot, lot: &str) -> String {
        ProcedureState::of(snapshot, lot, now()).in_french(now())
    }

    #[test]
    fn one_line_says_how_it_stands() {
        let open = Snapshot::of(&call("2027-01-12T12:00:00+01:00"));
        let soon = Snapshot::of(&call("2026-12-24T23:59:00+01:00"));
        let past = Snapshot::of(&call("2026-12-20T12:00:00+01:00"));
        let planned = Snapshot::of(&Assessment::new("1", NoticeKind::Planned));
        let undated = Snapshot::of(&Assessment::new("1", NoticeKind::Call));
        for (snapshot, line) in [
            (&open, "Ouvert jusqu’au 12 janvier 2027 à 12\u{a0}h (dans 21 jours)"),
            (&soon, "Bientôt clos jusqu’au 24 décembre 2026 (dans 2 jours)"),
            (&past, "Clos depuis le 20 décembre 2026"),
            (&planned, "À venir\u{a0}: pas encore ouvert aux réponses"),
            (&undated, "Ouvert\u{a0}: date limite non trouvée\u{a0}: voir l’avis"),
        ] {
            assert_eq!(said(snapshot, ""), line);
        }
        assert_eq!(said(&planned.followed_by(&call("2027-01-12T12:00:00+01:00")), ""), said(&open, ""), "now open");
    }

    #[test]
    fn what_is_over_keeps_its_reason_or_its_winners() {
        let open = Snapshot::of(&call("2027-01-12T12:00:00+01:00"));
        let mut off = Assessment::new("2", NoticeKind::Cancellation);
        off.awards = vec![Award {
            words: Some("Déclarée sans suite : le besoin est redéfini.".into()),
            ..Award::none(None, Some(NoAwardReason::ChanNeed))
        }];
        let state = ProcedureState::of(&open.followed_by(&off), "", now());
        assert_eq!(state.in_french(now()), "Annulé\u{a0}: le besoin a changé");
        assert_eq!(state.words.as_deref(), Some("Déclarée sans suite : le besoin est redéfini."));
        assert!(!state.phase.takes_answers() && !state.modified);
        let mut won = Assessment::new("3", NoticeKind::Award);
        won.awards = vec![Award { winners: vec!["Martin SARL".into()], ..Award::default() }];
        assert_eq!(said(&open.followed_by(&won), ""), "Attribué à Martin SARL");
        let bare = Assessment::new("4", NoticeKind::Cancellation);
        assert_eq!(said(&open.followed_by(&bare), ""), "Annulé");
        let none = Assessment {
            awards: vec![Award::none(None, Some(NoAwardReason::NoRece))],
            ..Assessment::new("5", NoticeKind::NoAward)
        };
        assert_eq!(said(&open.followed_by(&none), ""), "Infructueux\u{a0}: aucune offre reçue");
    }

    #[test]
    fn lots_stand_each_for_itself() {
        let mut a = call("2027-01-12T12:00:00+01:00");
        a.lots = ["1", "2"].map(|id| AssessedLot { id: id.into(), ..AssessedLot::default() }).into();
        a.dates[0].lot = Some("1".into());
        let second = TypedDate { lot: Some("2".into()), at: at("2026-12-20T12:00:00+01:00"), ..a.dates[0].clone() };
        a.dates.push(second);
        let open = Snapshot::of(&a);
        let phases = |s: &Snapshot| ["", "1", "2"].map(|lot| ProcedureState::of(s, lot, now()).phase);
        assert_eq!(phases(&open), [Phase::Open, Phase::Open, Phase::Closed]);
        let mut won = Assessment::new("3", NoticeKind::Award);
        won.awards = vec![Award {
            lot: Some("1".into()),
            winners: vec!["Martin".into()],
            outcome: Outcome::Awarded,
            ..Award::default()
        }];
        let after = open.followed_by(&won);
        assert_eq!(phases(&after), [Phase::Open, Phase::Awarded, Phase::Closed]);
        assert_eq!(said(&after, "1"), "Attribué à Martin");
    }

    /// A list keeps less, and says the same.
    #[test]
    fn a_list_says_what_the_whole_says() {
        let open = Snapshot::of(&call("2027-01-12T12:00:00+01:00"));
        let mut won = Assessment::new("3", NoticeKind::Award);
        won.awards = ["1", "2"]
            .map(|lot| Award { lot: Some(lot.into()), winners: vec!["Martin SARL".into()], ..Award::default() })
            .into();
        let none = Assessment {
            awards: vec![Award::none(None, Some(NoAwardReason::NoRece))],
            ..Assessment::new("5", NoticeKind::NoAward)
        };
        let later = Assessment { notice_kind: NoticeKind::Correction, ..call("2027-01-20T12:00:00+01:00") };
        let planned = Snapshot::of(&Assessment::new("1", NoticeKind::Planned));
        let all = [open.followed_by(&won), open.followed_by(&none), open.followed_by(&later), open, planned];
        for whole in all {
            assert_eq!(said(&whole.in_short(), ""), said(&whole, ""));
        }
    }

    #[test]
    fn what_has_no_date_is_open_for_a_year() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 10);
        let undated = Snapshot { published: day, ..Snapshot::of(&Assessment::new("1", NoticeKind::Call)) };
        assert_eq!(ProcedureState::of(&undated, "", now()).phase, Phase::Open);
        let later = ProcedureState::of(&undated, "", now() + Duration::days(20));
        assert_eq!(later.in_french(now()), "Clos\u{a0}: publié il y a plus d’un an, sans date limite connue");
        let unknown = Snapshot { published: None, ..undated };
        assert_eq!(ProcedureState::of(&unknown, "", now() + Duration::days(400)).phase, Phase::Open);
    }

    #[test]
    fn a_correction_leaves_its_mark_while_it_can_be_answered() {
        let open = Snapshot::of(&call("2027-01-12T12:00:00+01:00"));
        let later = Assessment { notice_kind: NoticeKind::Correction, ..call("2027-01-20T12:00:00+01:00") };
        let after = open.followed_by(&later);
        assert_eq!(
            said(&after, ""),
            "Ouvert jusqu’au 20 janvier 2027 à 12\u{a0}h (dans 29 jours), modifié depuis sa publication"
        );
        assert!(!ProcedureState::of(&after, "", now() + Duration::days(40)).modified, "over");
    }
}
