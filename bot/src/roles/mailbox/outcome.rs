//! What is made of mails, counted; what the operators are told of a mailbox.

use chrono::{DateTime, Duration, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use vigie_service::operators::{self, OperatorEvent, local};
use vigie_service::{Failure, Service};
use vigie_watcher::imap::MailboxError;

/// Source under which mails that cannot be read are put aside, and the alarm's.
pub const SOURCE: &str = "mailbox";
/// A mailbox that cannot be reached for longer is told.
const TOLD_AFTER: Duration = Duration::minutes(30);
/// When the operators get their line.
const REPORT_HOUR: u32 = 7;

/// What was made of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The address is suspended.
    Suspended,
    /// An error was counted.
    Counted,
    /// A report with nothing to do.
    Reported,
    /// Written by no human.
    Automatic,
    /// An answer was acted on.
    Answered,
    /// Files of a consultation were taken in.
    Consultation,
    /// An address was stopped.
    Stopped,
    /// An address was confirmed.
    Confirmed,
    /// A lead was made.
    Lead,
    /// Left for a human.
    Left,
    /// Put aside.
    Unreadable,
}

impl Outcome {
    /// All of them, with what the operators read of one and of several.
    const ALL: [(Self, &'static str, (&'static str, &'static str)); 11] = [
        (Self::Suspended, "suspended", ("adresse mise hors service", "adresses mises hors service")),
        (Self::Counted, "soft", ("erreur passagère", "erreurs passagères")),
        (Self::Reported, "report", ("avis de transit", "avis de transit")),
        (Self::Automatic, "automatic", ("réponse automatique", "réponses automatiques")),
        (Self::Answered, "answer", ("réponse", "réponses")),
        (Self::Consultation, "consultation", ("dossier de consultation", "dossiers de consultation")),
        (Self::Stopped, "stop", ("désinscription", "désinscriptions")),
        (Self::Confirmed, "confirmed", ("accord", "accords")),
        (Self::Lead, "lead", ("piste", "pistes")),
        (Self::Left, "left", ("laissé dans la boîte", "laissés dans la boîte")),
        (Self::Unreadable, "unreadable", ("illisible, mis de côté", "illisibles, mis de côté")),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(o, _, _)| *o == self).map_or("", |(_, word, _)| word)
    }
}

/// Tells the operators of a mailbox that cannot be read, and that it can again, once each. `failing`: since when, if it is.
///
/// # Errors
/// The database fails.
pub async fn alarm(
    service: &Service,
    failing: Option<(DateTime<Utc>, &MailboxError)>,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    const KIND: &str = "unreachable";
    let told = service.store.open_alarms(SOURCE).await?.into_iter().next();
    match (failing, told) {
        (Some((since, why)), None)
            if now - since > TOLD_AFTER || matches!(why, MailboxError::Login { .. } | MailboxError::Folder { .. }) =>
        {
            let body = format!(
                "La boîte aux lettres ne peut pas être lue\n{why}. Depuis le {}. Les réponses et les retours d’erreur attendent dans la boîte ; rien n’est perdu. Vérifiez [mailbox] : vigie check --connect.",
                local(since)
            );
            operators::tell(service, OperatorEvent::AlarmBegins { source: SOURCE, kind: KIND }, &body, now).await
        }
        (None, Some((kind, since))) => {
            let body = format!(
                "Résolu : la boîte aux lettres est lue de nouveau\nElle ne l’était plus depuis le {}. Ce qui attendait est traité.",
                local(since)
            );
            operators::tell(service, OperatorEvent::AlarmEnds { source: SOURCE, kind: &kind }, &body, now).await
        }
        _ => Ok(()),
    }
}

/// Once a day, tells the operators what was left for them.
///
/// # Errors
/// The database fails.
pub async fn report(service: &Service, now: DateTime<Utc>) -> Result<(), Failure> {
    if service.settings.mailbox.is_none() {
        return Ok(());
    }
    let today = now.with_timezone(&Paris).date_naive();
    let hour = |day: chrono::NaiveDate| {
        day.and_hms_opt(REPORT_HOUR, 0, 0).and_then(|t| Paris.from_local_datetime(&t).earliest())
    };
    let (Some(to), Some(from)) = (hour(today), today.pred_opt().and_then(hour)) else { return Ok(()) };
    let (from, to) = (from.with_timezone(&Utc), to.with_timezone(&Utc));
    if now < to || !service.store.take_chore("mailbox-report", now - to, now).await? {
        return Ok(());
    }
    let counts = service.store.mails_read(from, to).await?;
    let of = |outcome: Outcome| counts.iter().find(|(w, _)| w == outcome.as_str()).map_or(0, |(_, n)| *n);
    if of(Outcome::Left) + of(Outcome::Unreadable) == 0 {
        return Ok(());
    }
    let lines: Vec<String> = Outcome::ALL
        .iter()
        .map(|(o, _, text)| (of(*o), text))
        .filter(|(n, _)| *n > 0)
        .map(|(n, (one, many))| format!("{n} {}", if n > 1 { many } else { one }))
        .collect();
    let body = format!(
        "Boîte aux lettres : des courriels attendent d’être lus\nDepuis hier à 7 h : {}. Ceux laissés dans la boîte n’ont pas été compris : lisez-les vous-même.",
        lines.join(", ")
    );
    operators::tell(service, OperatorEvent::Once(&format!("mailbox:{today}")), &body, now).await
}
