//! What is told to whom, and how far the telling got.
//!
//! An [`Alert`] is something worth telling about a procedure. A *notification* is one person's share of it, with the
//! [`Disposition`] that was decided. A *delivery* is one message to one address that carries one notification or,
//! for a digest, many. A delivery is settled only on the channel's answer:
//!
//! ```text
//! Pending → Claimed → Sent | Deferred | Ambiguous | Dead | Cancelled | Superseded
//!             ↑__________________|            |
//!             ↑_______________________________|  (sent again with the same key)
//! ```

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

pub use crate::channel::Channel;
use crate::procedure::Change;
use crate::words::words;

/// What an alert says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AlertKind {
    /// A procedure not told before.
    New,
    /// Something changed in a procedure told before.
    Correction,
    /// What the notice was read to offer was wrong, and a person put it right: the buyer published nothing.
    VerdictCorrection,
    /// The procedure is called off.
    Cancellation,
    /// The procedure is awarded.
    Award,
    /// The procedure ended without award: sans suite, infructueux.
    NoAward,
    /// Some lots were awarded, or ended without award; others can still be answered.
    PartialResult,
    /// The buyer means to conclude without a call for competition.
    ExAnte,
    /// A contract under way was modified.
    Modification,
    /// A contract was completed.
    Completion,
    /// A date of a procedure that the structure goes for, or a reminder it asked for.
    Reminder,
    /// A procedure that closes soon and on which the structure decided nothing: one line of a digest.
    Undecided,
    /// A lot was awarded whose holder owes work to people far from it: a structure may offer its services.
    Offer,
    /// A structure went for what is closed or awarded since: what came of it?
    AskResult,
    /// A contract ends in some months, and what it buys will be bought again: one line of a digest.
    Renewal,
    /// A call for partners on a procedure: somebody is asked, reminded, or told its line-up.
    PartnerCall,
    /// Hours of a clause are to be worked, told to whoever asked to hear of such.
    HoursToFill,
    /// Word to a person about their own account: an address is suspended, nothing suited them for long.
    Account,
    /// Word to the operator: a source is silent, a recipient is suspended.
    Operator,
}

words!(AlertKind);

impl AlertKind {
    /// Whether there is something to answer, be it whether one has won; how the procedure stands says what
    /// ([`crate::ProcedureState`]).
    #[must_use]
    pub fn can_be_answered(self) -> bool {
        matches!(
            self,
            Self::New
                | Self::Correction
                | Self::VerdictCorrection
                | Self::PartialResult
                | Self::Award
                | Self::Reminder
                | Self::Undecided
                | Self::Offer
                | Self::AskResult
                | Self::PartnerCall
        )
    }

    /// Whether it follows an award: told for itself, to a structure, and no part of what people are told of the procedure.
    #[must_use]
    pub fn follows_award(self) -> bool {
        matches!(self, Self::Offer | Self::AskResult | Self::Renewal)
    }

    /// Whether it is made anew when it leaves, in words that are for its reader alone.
    #[must_use]
    pub fn is_for_its_reader(self) -> bool {
        self.follows_award() || matches!(self, Self::PartnerCall | Self::HoursToFill)
    }
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identifier derived from the notice's key and content, so that the same content never makes two alerts.
    pub id: String,
    /// What it says.
    pub kind: AlertKind,
    /// The procedure; empty for operator alerts.
    pub procedure: String,
    /// Key of the notice that caused it; empty for operator alerts.
    pub notice: String,
    /// What changed, for corrections.
    pub changes: Vec<Change>,
}

impl Alert {
    /// A word of that kind to people, about no notice.
    #[must_use]
    pub fn word(kind: AlertKind, id: String) -> Self {
        Self { id, kind, procedure: String::new(), notice: String::new(), changes: Vec::new() }
    }
}

/// What was decided about telling one person of one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Disposition {
    /// One message now.
    Instant,
    /// A line of the next digest.
    Digest,
    /// Matched, but the flow was too strong: a line of a grouped message.
    Overflow,
    /// Known before the watch began (quiet baseline): not told.
    Baseline,
    /// The person was told of this procedure already and nothing changed.
    Duplicate,
    /// Matched, but the person had paused: not told.
    Paused,
}

impl Disposition {
    /// Whether the person hears of it, at once or later.
    #[must_use]
    pub fn is_told(self) -> bool {
        matches!(self, Self::Instant | Self::Digest | Self::Overflow)
    }
}

words!(Disposition);

/// How far a delivery got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting.
    Pending,
    /// A worker holds it.
    Claimed,
    /// The channel accepted it.
    Sent,
    /// Refused for now; will be tried again.
    Deferred,
    /// Bytes went out and no answer came: it may or may not have arrived.
    Ambiguous,
    /// Will not be tried again.
    Dead,
    /// No longer wanted (unsubscribed, closed).
    Cancelled,
    /// A later message says it all.
    Superseded,
}

impl DeliveryState {
    /// Whether an operator may have it sent again.
    #[must_use]
    pub fn can_be_replayed(self) -> bool {
        matches!(self, Self::Dead | Self::Ambiguous | Self::Cancelled)
    }

    /// As a person reads it, of one message.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Pending => "en attente",
            Self::Claimed => "en cours",
            Self::Sent => "parti",
            Self::Deferred => "reporté",
            Self::Ambiguous => "réponse perdue",
            Self::Dead => "refusé",
            Self::Cancelled => "annulé",
            Self::Superseded => "remplacé",
        }
    }

    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Claimed,
        Self::Sent,
        Self::Deferred,
        Self::Ambiguous,
        Self::Dead,
        Self::Cancelled,
        Self::Superseded,
    ];
}

words!(DeliveryState);

/// What a delivery is about. With the address it is the key of a delivery: the same address is never told twice of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The alert of that identifier.
    Alert(String),
    /// A digest: when it was due, and its number among the person's digests of that moment, from 0.
    Digest {
        /// When it was due.
        due: DateTime<Utc>,
        /// Its number.
        number: u32,
    },
    /// It asks an unconfirmed address to confirm; asked at that moment. Nothing else goes to such an address.
    OptIn(DateTime<Utc>),
    /// It carries the sign-in link of that identifier.
    SignIn(String),
}

impl Cause {
    /// The alert, where it is about one.
    #[must_use]
    pub fn alert(&self) -> Option<&str> {
        match self {
            Self::Alert(id) => Some(id),
            _ => None,
        }
    }

    /// Whether it asks an address to confirm.
    #[must_use]
    pub fn is_opt_in(&self) -> bool {
        matches!(self, Self::OptIn(_))
    }

    /// Whether it is a digest.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        matches!(self, Self::Digest { .. })
    }
}

/// The words used in the database; [`Cause::from_str`] reads them back.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(id) => f.write_str(id),
            Self::Digest { due, number } => write!(f, "digest:{}:{number}", due.timestamp_millis()),
            Self::OptIn(asked) => write!(f, "optin:{}", asked.timestamp_millis()),
            Self::SignIn(link) => write!(f, "signin:{link}"),
        }
    }
}

/// Words that name no cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("« {0} » ne désigne aucun envoi")]
pub struct UnknownCause(String);

impl FromStr for Cause {
    type Err = UnknownCause;

    fn from_str(words: &str) -> Result<Self, UnknownCause> {
        let moment = |millis: &str| DateTime::from_timestamp_millis(millis.parse().ok()?);
        let read = match words.split_once(':') {
            None if words.is_empty() => None,
            None => Some(Self::Alert(words.to_owned())),
            Some(("digest", rest)) => rest
                .split_once(':')
                .and_then(|(due, number)| Some(Self::Digest { due: moment(due)?, number: number.parse().ok()? })),
            Some(("optin", asked)) => moment(asked).map(Self::OptIn),
            Some(("signin", link)) => Some(Self::SignIn(link.to_owned())).filter(|_| !link.is_empty()),
            Some(_) => None,
        };
        read.ok_or_else(|| UnknownCause(words.to_owned()))
    }
}

/// What a channel answered to one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted; the text is the channel's answer.
    Accepted(String),
    /// The channel's server cannot be reached, or lets us in no more: nobody can be reached there for now.
    Unreachable(String),
    /// Refused for now. `retry_after` is what the channel asked for, if it did: for this address, nothing goes there sooner.
    Transient {
        /// Why, in the channel's words.
        why: String,
        /// The wait it asked for.
        retry_after: Option<chrono::Duration>,
    },
    /// The message is refused for good.
    Permanent(String),
    /// The address is refused for good: no message will ever arrive there.
    AddressRefused(String),
    /// The message went out and the answer was lost.
    Unknown(String),
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Done.
    Sent(String),
    /// Try again at that time.
    Deferred(DateTime<Utc>, String),
    /// It may have arrived; try again at that time with the same key.
    Ambiguous(DateTime<Utc>, String),
    /// Give up.
    Dead(String),
}

/// Begins the words of a delivery that counts as arrived though no answer ever said so.
pub const PRESUMED: &str = "arrivée supposée après la même réponse perdue plusieurs fois";

/// Least wait before a message is tried again, whatever the channel asks for.
const LEAST_GAP: chrono::Duration = chrono::Duration::seconds(1);

/// Whether two lost answers are the same doubt: the same words, whatever numbers (a port, a message) stand in them.
#[must_use]
pub fn is_same_doubt(one: &str, other: &str) -> bool {
    let words = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    words(one) == words(other)
}

/// How long a channel rests when its server cannot be reached.
pub const OUTAGE_GAP: chrono::Duration = chrono::Duration::minutes(1);

/// Decides what becomes of a delivery. Pure: `now`, the number of attempts made (this one included), how many of them in a row
/// ended just before in the same doubt ([`is_same_doubt`]), the time the delivery was made and the time it loses its meaning all
/// come in.
#[must_use]
pub fn settle(
    outcome: Outcome,
    policy: &RetryPolicy,
    attempts: u32,
    same_doubts: u32,
    created: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Settlement {
    let end = expires.map_or(created + policy.give_up_after, |e| e.min(created + policy.give_up_after));
    // A wait that the channel names is the right one, be it shorter than ours or longer.
    let next = |asked: Option<chrono::Duration>| now + asked.map_or(policy.gap(attempts), |a| a.max(LEAST_GAP));
    match outcome {
        Outcome::Accepted(answer) => Settlement::Sent(answer),
        Outcome::Permanent(why) | Outcome::AddressRefused(why) => Settlement::Dead(why),
        Outcome::Transient { why, retry_after } => match next(retry_after) {
            at if at >= end => Settlement::Dead(format!("abandon : {why}")),
            at => Settlement::Deferred(at, why),
        },
        // Not the message's fault: it does not wait longer at every turn.
        Outcome::Unreachable(why) => match now + OUTAGE_GAP {
            at if at >= end => Settlement::Dead(format!("abandon : {why}")),
            at => Settlement::Deferred(at, why),
        },
        // The whole message left each time, and the server does the same each time: another copy would only be one more.
        Outcome::Unknown(why) if same_doubts + 1 >= policy.doubts => Settlement::Sent(format!("{PRESUMED} : {why}")),
        Outcome::Unknown(why) => match next(None) {
            at if at >= end => Settlement::Dead(format!("abandon après réponse perdue : {why}")),
            at => Settlement::Ambiguous(at, why),
        },
    }
}

/// When to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Gaps after the first, second… attempt; the last one repeats.
    pub gaps: Vec<chrono::Duration>,
    /// How long to go on.
    pub give_up_after: chrono::Duration,
    /// After how many answers lost in the same way a message counts as arrived: each may have brought a copy.
    pub doubts: u32,
}

impl RetryPolicy {
    /// E-mail: RFC 5321 §4.5.4.1 asks for at least 30 minutes between tries, sooner for the first ones, and four to
    /// five days before giving up.
    #[must_use]
    pub fn email() -> Self {
        let minutes = [1, 5, 15, 30, 60, 120, 240];
        Self {
            gaps: minutes.into_iter().map(chrono::Duration::minutes).collect(),
            give_up_after: chrono::Duration::days(5),
            doubts: 2,
        }
    }

    /// Matrix: servers allow 0.2 message a second by default (Synapse, `rc_message`) and say how long to wait; what waits
    /// longest is a server under repair. Servers forget transaction ids after 30 minutes to a day (Synapse), so an
    /// ambiguous message is sent again soon.
    #[must_use]
    pub fn matrix() -> Self {
        let minutes = [1, 2, 5, 15, 60];
        Self {
            gaps: minutes.into_iter().map(chrono::Duration::minutes).collect(),
            give_up_after: chrono::Duration::days(2),
            doubts: 4, // 23 minutes: until then a repeated message arrives once
        }
    }

    /// Telegram: says itself how long to wait (`retry_after`), and has no key that would make a message sent twice arrive
    /// once, so a lost answer is followed by one marked resend, soon.
    #[must_use]
    pub fn telegram() -> Self {
        let minutes = [1, 5, 15, 60];
        Self {
            gaps: minutes.into_iter().map(chrono::Duration::minutes).collect(),
            give_up_after: chrono::Duration::days(2),
            doubts: 2,
        }
    }

    /// Console: a closed pipe is not cured by waiting long.
    #[must_use]
    pub fn console() -> Self {
        Self { gaps: vec![chrono::Duration::seconds(5)], give_up_after: chrono::Duration::minutes(1), doubts: 2 }
    }

    /// Programs know a message sent twice by its identifier (Standard Webhooks), so that a lost answer never counts as arrived;
    /// the gaps are about those that Standard Webhooks proposes.
    #[must_use]
    pub fn webhook() -> Self {
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000];
        Self {
            gaps: seconds.into_iter().map(chrono::Duration::seconds).collect(),
            give_up_after: chrono::Duration::days(3),
            doubts: u32::MAX,
        }
    }

    /// Chats by their incoming webhooks: a message sent twice stands there twice.
    #[must_use]
    pub fn hook() -> Self {
        let minutes = [1, 5, 15, 60];
        Self {
            gaps: minutes.into_iter().map(chrono::Duration::minutes).collect(),
            give_up_after: chrono::Duration::days(2),
            doubts: 2,
        }
    }

    /// The policy of a channel.
    #[must_use]
    pub fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::email(),
            Channel::Telegram => Self::telegram(),
            Channel::Matrix => Self::matrix(),
            Channel::Console => Self::console(),
            // A second attempt takes the place of the first, under its topic and its tag.
            Channel::Webhook | Channel::Browser => Self::webhook(),
            Channel::Mattermost | Channel::Slack | Channel::Teams | Channel::RocketChat => Self::hook(),
        }
    }

    /// The gap after `attempts` attempts.
    #[must_use]
    pub fn gap(&self, attempts: u32) -> chrono::Duration {
        let index = (attempts.max(1) as usize - 1).min(self.gaps.len().saturating_sub(1));
        self.gaps.get(index).copied().unwrap_or_else(|| chrono::Duration::minutes(1))
    }
}

/// Least time between two messages to a Matrix server: one call a second is advised to bots (Tchap).
pub const MATRIX_CALL_GAP: chrono::Duration = chrono::Duration::seconds(1);

/// Least time between two messages to one Telegram chat: about one a second (Bot API FAQ, "My bot is hitting limits").
pub const TELEGRAM_CHAT_GAP: chrono::Duration = chrono::Duration::seconds(1);
/// Least time between two messages to one Telegram group: 20 a minute (same source). Identifiers of groups are negative.
pub const TELEGRAM_GROUP_GAP: chrono::Duration = chrono::Duration::seconds(3);
/// Least time between two messages of the bot: 30 a second (same source).
pub const TELEGRAM_CALL_GAP: chrono::Duration = chrono::Duration::milliseconds(34);

/// Least time between two messages to one incoming webhook: one a second (docs.slack.dev, "Rate limits"; the others take more).
pub const HOOK_GAP: chrono::Duration = chrono::Duration::seconds(1);
/// Least time between two events to one address of a program.
pub const WEBHOOK_GAP: chrono::Duration = chrono::Duration::milliseconds(100);

/// How fast an address may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Least time between two messages to the address.
    pub gap: chrono::Duration,
    /// Paces shared with other addresses: a name, and the least time between two messages under it.
    pub shared: Vec<(String, chrono::Duration)>,
}

impl Pace {
    /// Whether nothing keeps one message from following another.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.gap.is_zero() && self.shared.is_empty()
    }

    /// The pace of an address. `domain_gap` is the least time between two mails to one domain.
    #[must_use]
    pub fn of(channel: Channel, address: &str, domain_gap: chrono::Duration) -> Self {
        match channel {
            Channel::Email => {
                let domain = address.rsplit_once('@').map_or("", |(_, d)| d).to_ascii_lowercase();
                let shared = (domain_gap > chrono::Duration::zero()).then(|| (format!("email:{domain}"), domain_gap));
                Self { gap: chrono::Duration::zero(), shared: shared.into_iter().collect() }
            }
            Channel::Matrix => {
                Self { gap: MATRIX_CALL_GAP, shared: vec![("matrix:calls".to_owned(), MATRIX_CALL_GAP)] }
            }
            Channel::Telegram => Self {
                gap: if address.starts_with('-') { TELEGRAM_GROUP_GAP } else { TELEGRAM_CHAT_GAP },
                shared: vec![("telegram:calls".to_owned(), TELEGRAM_CALL_GAP)],
            },
            Channel::Console => Self { gap: chrono::Duration::zero(), shared: Vec::new() },
            Channel::Webhook => Self { gap: WEBHOOK_GAP, shared: Vec::new() },
            Channel::Mattermost | Channel::Slack | Channel::Teams | Channel::RocketChat | Channel::Browser => {
                Self { gap: HOOK_GAP, shared: Vec::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests;
