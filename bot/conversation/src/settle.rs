//! What people write to settle how they are written to, as one line: text → [`Asked`]. Pure.
//!
//! ```text
//! résumé à 7 h                 jours lundi, jeudi            silence de 20 h à 7 h     urgences oui
//! au plus 5 par heure          alertes sur Telegram          résumés par courriel      ordre Telegram, courriel
//! absence jusqu’au 12 janvier 2027, Marc me remplace         absence du 3 au 12 janvier                       de retour
//! ```

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use vigie_domain::preferences::{Days, MessageKind};
use vigie_domain::subscription::QuietHours;
use vigie_domain::{Channel, Subscriber};
use vigie_service::answers::action::folded;
use vigie_service::preferences::{Change, Period, Setting};
use vigie_watcher::classify::dates;

use crate::command::{day_to_come, until};

/// Longest line read, in characters.
const MAX_LINE: usize = 300;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// How everything stands.
    Show,
    /// What can be chosen for one setting.
    Choices(Setting),
    /// What can be chosen of channels, kind by kind.
    Channels,
    /// What refusals taught, and what waits for an answer.
    Learned,
    /// These changes.
    Changes(Vec<Change>),
    /// Nothing that is understood; why, where that is known.
    Unread(Option<&'static str>),
}

/// Reads a line. `colleagues` may stand in.
#[must_use]
pub fn read(line: &str, colleagues: &[Subscriber], zone: Tz, now: DateTime<Utc>) -> Asked {
    let line: String = line.chars().take(MAX_LINE).collect();
    let said = folded(&line.replace([':', '’'], " "));
    let (head, rest) = said.split_once(' ').unwrap_or((&said, ""));
    let rest = rest.trim();
    match head {
        "" => Asked::Show,
        "resume" | "resumes" | "heure" => match kind_to(MessageKind::Digest, rest) {
            Some(asked) => asked,
            None => digest_hour(rest),
        },
        "jours" | "jour" => match rest {
            "" => Asked::Choices(Setting::DigestDays),
            rest => Days::parse(rest).map_or(Asked::Unread(None), |days| one(Change::DigestDays(days))),
        },
        "silence" => quiet(rest),
        "urgences" | "urgence" | "urgent" => match rest {
            "" => Asked::Choices(Setting::Urgent),
            rest if yes(rest) => one(Change::UrgentPasses(true)),
            rest if no(rest) => one(Change::UrgentPasses(false)),
            _ => Asked::Unread(None),
        },
        "pas" | "sans" if rest.ends_with("silence") => one(Change::Quiet(None)),
        "limite" | "maximum" => per_hour(rest),
        "au" if rest.starts_with("plus") => per_hour(rest.trim_start_matches("plus").trim()),
        "conseil" | "conseils" => match rest {
            "" => Asked::Choices(Setting::Advice),
            rest if yes(rest) => one(Change::Advice(true)),
            rest if no(rest) => one(Change::Advice(false)),
            _ => Asked::Unread(None),
        },
        "habitudes" | "habitude" | "gouts" => Asked::Learned,
        "canaux" | "canal" => Asked::Channels,
        "ordre" => order(rest),
        "absence" | "absent" | "absente" | "conges" => away(rest, colleagues, zone, now),
        "remplacant" | "remplacante" | "remplace" => match colleague(rest, colleagues) {
            _ if no(rest) => one(Change::StandIn(None)),
            Ok(id) => one(Change::StandIn(Some(id))),
            Err(why) => Asked::Unread(Some(why)),
        },
        "de" if rest.starts_with("retour") => one(Change::Away(None)),
        "retour" | "present" | "presente" => one(Change::Away(None)),
        head => kind(head).and_then(|kind| kind_to(kind, rest)).unwrap_or(Asked::Unread(None)),
    }
}

fn one(change: Change) -> Asked {
    Asked::Changes(vec![change])
}

fn yes(words: &str) -> bool {
    matches!(words, "oui" | "passent" | "passe" | "viennent" | "vient" | "vient quand meme")
}

fn no(words: &str) -> bool {
    matches!(words, "non" | "attendent" | "attend" | "attend aussi" | "aucun" | "aucune" | "personne" | "sans")
}

fn usual(words: &str) -> bool {
    matches!(
        words,
        "habituelle" | "habituel" | "par defaut" | "comme d'habitude" | "l'heure habituelle" | "heure habituelle"
    )
}

/// Numbers of a text, in order; hours that have a name are told by it too.
fn numbers(text: &str) -> Vec<u16> {
    let text = text.replace("minuit", " 0 ").replace("midi", " 12 ");
    text.split(|c: char| !c.is_ascii_digit()).filter(|w| !w.is_empty()).filter_map(|w| w.parse().ok()).collect()
}

fn hour(n: u16) -> Option<u8> {
    u8::try_from(n).ok().filter(|h| *h <= 23)
}

fn digest_hour(rest: &str) -> Asked {
    if rest.is_empty() {
        return Asked::Choices(Setting::DigestHour);
    }
    if usual(rest) {
        return one(Change::DigestHour(None));
    }
    match numbers(rest).as_slice() {
        [n] | [n, 0] => {
            hour(*n).map_or(Asked::Unread(Some("L’heure va de 0 à 23.")), |h| one(Change::DigestHour(Some(h))))
        }
        _ => Asked::Unread(Some("Je prends une heure ronde, de 0 à 23.")),
    }
}

fn quiet(rest: &str) -> Asked {
    if rest.is_empty() {
        return Asked::Choices(Setting::Quiet);
    }
    if no(rest) {
        return one(Change::Quiet(None));
    }
    match numbers(rest).as_slice() {
        [from, to] | [from, 0, to, 0] => match (hour(*from), hour(*to)) {
            (Some(from), Some(to)) => one(Change::Quiet(Some(QuietHours { from, to }))),
            _ => Asked::Unread(Some("Les heures vont de 0 à 23.")),
        },
        _ => Asked::Unread(Some("Je prends deux heures rondes : « silence de 20 h à 7 h ».")),
    }
}

fn per_hour(rest: &str) -> Asked {
    if rest.is_empty() {
        return Asked::Choices(Setting::PerHour);
    }
    if usual(rest) {
        return one(Change::PerHour(None));
    }
    if no(rest) || rest == "sans limite" {
        return one(Change::PerHour(Some(0)));
    }
    match numbers(rest).as_slice() {
        [n] => one(Change::PerHour(Some(*n))),
        _ => Asked::Unread(None),
    }
}

/// A kind of message, by its first word.
fn kind(word: &str) -> Option<MessageKind> {
    Some(match word {
        "alertes" | "alerte" | "immediates" => MessageKind::Instant,
        "resumes" | "resume" => MessageKind::Digest,
        "rappels" | "rappel" => MessageKind::Reminder,
        "attributions" | "attribution" | "suites" => MessageKind::Award,
        "contrats" | "renouvellements" | "renouvellement" => MessageKind::Renewal,
        "service" | "messages" | "alarmes" | "alarme" => MessageKind::Alarm,
        _ => return None,
    })
}

fn channel(word: &str) -> Option<Channel> {
    Some(match word {
        "courriel" | "courriels" | "mail" | "mails" | "e-mail" | "email" => Channel::Email,
        "telegram" => Channel::Telegram,
        "matrix" | "tchap" | "element" => Channel::Matrix,
        "logiciel" | "webhook" | "programme" => Channel::Webhook,
        "mattermost" => Channel::Mattermost,
        "slack" => Channel::Slack,
        "teams" => Channel::Teams,
        "rocket.chat" | "rocket" => Channel::RocketChat,
        "navigateur" | "notification" | "notifications" => Channel::Browser,
        _ => return None,
    })
}

/// Where a kind of message goes; `None` where the words name no channel.
fn kind_to(kind: MessageKind, rest: &str) -> Option<Asked> {
    let last = rest.rsplit(' ').next().unwrap_or_default();
    if matches!(last, "partout" | "canaux") {
        return Some(one(Change::Route(kind, None)));
    }
    if let Some(channel) = channel(last) {
        return Some(one(Change::Route(kind, Some(channel))));
    }
    (rest.is_empty() && kind != MessageKind::Digest).then_some(Asked::Choices(Setting::Route(kind)))
}

fn order(rest: &str) -> Asked {
    if rest.is_empty() {
        return Asked::Choices(Setting::Order);
    }
    if matches!(rest, "libre" | "aucun" | "sans ordre") {
        return one(Change::Order(Vec::new()));
    }
    let words = rest.replace([',', ';', '>'], " ");
    let named =
        words.split(' ').filter(|w| !matches!(*w, "" | "puis" | "et" | "le" | "par" | "sur" | "d'abord" | "ensuite"));
    let mut order: Vec<Channel> = Vec::new();
    for word in named {
        match channel(word) {
            Some(channel) if !order.contains(&channel) => order.push(channel),
            Some(_) => {}
            None => return Asked::Unread(Some("Je prends des canaux dans l’ordre : « ordre Telegram, courriel ».")),
        }
    }
    one(Change::Order(order))
}

/// The colleague who is called so.
fn colleague(words: &str, colleagues: &[Subscriber]) -> Result<String, &'static str> {
    let words = words.trim_end_matches("me remplace").trim_end_matches("remplace").trim();
    if let Some(id) = words.strip_prefix('#') {
        let mut found = colleagues.iter().filter(|c| !id.is_empty() && c.id.starts_with(id));
        return match (found.next(), found.next()) {
            (Some(one), None) => Ok(one.id.clone()),
            (Some(_), Some(_)) => Err("Plusieurs collègues répondent à ce numéro : donnez le nom entier."),
            (None, _) => Err(NOBODY),
        };
    }
    let called = |c: &&Subscriber| {
        let name = folded(&c.name);
        !name.is_empty() && (name == words || name.split(' ').any(|part| part == words))
    };
    let mut found = colleagues.iter().filter(called);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id.clone()),
        (Some(_), Some(_)) => Err("Plusieurs collègues s’appellent ainsi : donnez le nom entier."),
        (None, _) => Err(NOBODY),
    }
}

const NOBODY: &str =
    "Je ne connais pas ce collègue : il doit être de votre organisation (même SIRET) et recevoir les alertes de Vigie.";

fn away(rest: &str, colleagues: &[Subscriber], zone: Tz, now: DateTime<Utc>) -> Asked {
    if rest.is_empty() {
        return Asked::Choices(Setting::Away);
    }
    if matches!(rest, "non" | "aucune" | "fin" | "finie" | "terminee") {
        return one(Change::Away(None));
    }
    let (when, who) = rest.split_once(',').unwrap_or((rest, ""));
    let period = match BEGINS.iter().find_map(|p| when.strip_prefix(p)) {
        Some(days) => between(days, zone, now),
        None => until(when, zone, now).map(|until| Period { from: None, until }),
    };
    let Some(period) = period else {
        return Asked::Unread(Some(
            "Je ne comprends pas cette date. Par exemple : « absence 2 semaines », « absence du 3 au 12 janvier », « absence jusqu’au 12 janvier 2027, Marc me remplace ».",
        ));
    };
    let mut changes = vec![Change::Away(Some(period))];
    if !who.trim().is_empty() {
        match colleague(who.trim(), colleagues) {
            Ok(id) => changes.push(Change::StandIn(Some(id))),
            Err(why) => return Asked::Unread(Some(why)),
        }
    }
    Asked::Changes(changes)
}

/// How long ago an absence of which one speaks may have begun, in days.
const BEGUN_WITHIN: i64 = 60;

/// What stands before the first day of an absence.
const BEGINS: [&str; 3] = ["du ", "a partir du ", "des le "];

/// Two days as people write them, `3 au 12 janvier`: the second is the return, as after « jusqu’au ». A day without a year is the
/// next one of that name. `None` where there are no two days in that order.
fn between(days: &str, zone: Tz, now: DateTime<Utc>) -> Option<Period> {
    let (from, to) = [" jusqu'au ", " jusqu au ", " au "].iter().find_map(|p| days.split_once(p))?;
    let today = now.with_timezone(&zone).date_naive();
    let day = |text: &str| day_to_come(text, zone, today);
    // Said once it has begun: the first day is behind, and not far.
    let past = |text: &str| -> Option<NaiveDate> {
        let of_year = |year: i32| Some(dates::written(&format!("{text} {year}"), zone)?.0.date_naive());
        [today.year(), today.year() - 1]
            .into_iter()
            .filter_map(of_year)
            .find(|day| *day <= today && (today - *day).num_days() <= BEGUN_WITHIN)
    };
    // « du 3 au 12 janvier », « du 3 janvier au 12 »: the month of one day is the other's too.
    let rest_of = |text: &str| text.split_once(' ').map_or(String::new(), |(_, rest)| rest.to_owned());
    let until = day(to).or_else(|| day(&format!("{to} {}", rest_of(from))))?;
    let rest = rest_of(to);
    let from = [from.to_owned(), format!("{from} {rest}")]
        .iter()
        .flat_map(|text| [day(text), past(text)])
        .flatten()
        .find(|d| *d < until)?;
    let midnight =
        |day: NaiveDate| Some(zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest()?.with_timezone(&Utc));
    Some(Period { from: midnight(from).filter(|from| *from > now), until: midnight(until)? })
}

/// A change as it is written: [`read`] gives it back.
#[must_use]
pub fn written(change: &Change, zone: Tz) -> String {
    let channel = |c: &Channel| match c {
        Channel::Email => "courriel",
        other => other.noun(),
    };
    match change {
        Change::DigestHour(Some(hour)) => format!("resume {hour} h"),
        Change::DigestHour(None) => "resume heure habituelle".to_owned(),
        Change::DigestDays(days) => format!("jours {}", days.in_french()),
        Change::Quiet(Some(q)) => format!("silence {} h {} h", q.from, q.to),
        Change::Quiet(None) => "silence aucun".to_owned(),
        Change::UrgentPasses(passes) => format!("urgences {}", if *passes { "oui" } else { "non" }),
        Change::Advice(wants) => format!("conseils {}", if *wants { "oui" } else { "non" }),
        Change::PerHour(Some(0)) => "limite aucune".to_owned(),
        Change::PerHour(Some(n)) => format!("limite {n}"),
        Change::PerHour(None) => "limite habituelle".to_owned(),
        Change::Route(kind, to) => {
            let head = match kind {
                MessageKind::Instant => "alertes",
                MessageKind::Digest => "resumes",
                MessageKind::Reminder => "rappels",
                MessageKind::Award => "attributions",
                MessageKind::Renewal => "contrats",
                MessageKind::Alarm => "service",
            };
            format!("{head} {}", to.as_ref().map_or("partout", channel))
        }
        Change::Order(order) if order.is_empty() => "ordre libre".to_owned(),
        Change::Order(order) => format!("ordre {}", order.iter().map(channel).collect::<Vec<_>>().join(" ")),
        Change::Away(Some(Period { from, until })) => {
            let day = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%d/%m/%Y").to_string();
            match from {
                Some(from) => format!("absence du {} au {}", day(from), day(until)),
                None => format!("absence jusqu'au {}", day(until)),
            }
        }
        Change::Away(None) => "de retour".to_owned(),
        Change::StandIn(Some(id)) => format!("remplacant #{}", id.chars().take(12).collect::<String>()),
        Change::StandIn(None) => "remplacant aucun".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use vigie_domain::subscription::{Profile, Role};

    use super::*;

    const ZONE: Tz = Tz::Europe__Paris;

    fn now() -> DateTime<Utc> {
        ZONE.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap().with_timezone(&Utc)
    }

    fn colleagues() -> Vec<Subscriber> {
        let of = |id: &str, name: &str| Subscriber {
            id: id.into(),
            name: name.into(),
            role: Role::Structure,
            profile: Profile::default(),
        };
        vec![of("aaaabbbbcccc1111", "Marc Dupont"), of("ddddeeeeffff2222", "Léa Martin"), of("x", "Marc Petit")]
    }

    fn said(line: &str) -> Asked {
        read(line, &colleagues(), ZONE, now())
    }

    #[test]
    fn people_write_it_as_they_say_it() {
        let at = |y, m, d| ZONE.with_ymd_and_hms(y, m, d, 0, 0, 0).unwrap().with_timezone(&Utc);
        let until = |y, m, d| Change::Away(Some(Period { from: None, until: at(y, m, d) }));
        let days = |from, until| vec![Change::Away(Some(Period { from: Some(from), until }))];
        assert!(matches!(said("remplaçant #"), Asked::Unread(Some(_))), "a number without digits names nobody");
        assert_eq!(said("remplaçant #dddd"), Asked::Changes(vec![Change::StandIn(Some("ddddeeeeffff2222".into()))]));
        for (line, wanted) in [
            ("résumé à 7 h", vec![Change::DigestHour(Some(7))]),
            ("Résumé : 7h", vec![Change::DigestHour(Some(7))]),
            ("resume 7h00", vec![Change::DigestHour(Some(7))]),
            ("résumé heure habituelle", vec![Change::DigestHour(None)]),
            ("jours : lundi, jeudi", vec![Change::DigestDays(Days::of([0, 3]))]),
            ("jours tous les jours", vec![Change::DigestDays(Days::ALL)]),
            ("silence de 20 h à 7 h", vec![Change::Quiet(Some(QuietHours { from: 20, to: 7 }))]),
            ("silence de minuit à 6 h", vec![Change::Quiet(Some(QuietHours { from: 0, to: 6 }))]),
            ("silence de midi à minuit", vec![Change::Quiet(Some(QuietHours { from: 12, to: 0 }))]),
            ("résumé à midi", vec![Change::DigestHour(Some(12))]),
            ("silence 20-7", vec![Change::Quiet(Some(QuietHours { from: 20, to: 7 }))]),
            ("pas de silence", vec![Change::Quiet(None)]),
            ("urgences oui", vec![Change::UrgentPasses(true)]),
            ("urgences attendent", vec![Change::UrgentPasses(false)]),
            ("au plus 5 par heure", vec![Change::PerHour(Some(5))]),
            ("limite aucune", vec![Change::PerHour(Some(0))]),
            ("Résumés par courriel", vec![Change::Route(MessageKind::Digest, Some(Channel::Email))]),
            ("alertes sur Telegram", vec![Change::Route(MessageKind::Instant, Some(Channel::Telegram))]),
            ("rappels sur Tchap", vec![Change::Route(MessageKind::Reminder, Some(Channel::Matrix))]),
            ("messages de service partout", vec![Change::Route(MessageKind::Alarm, None)]),
            ("contrats à renouveler par courriel", vec![Change::Route(MessageKind::Renewal, Some(Channel::Email))]),
            ("ordre Telegram, puis courriel", vec![Change::Order(vec![Channel::Telegram, Channel::Email])]),
            ("absence jusqu’au 12 janvier 2027", vec![until(2027, 1, 12)]),
            ("absence jusqu’au 3 décembre", vec![until(2026, 12, 3)]),
            (
                "absence jusqu’au 12/01/2027, Léa me remplace",
                vec![until(2027, 1, 12), Change::StandIn(Some("ddddeeeeffff2222".into()))],
            ),
            ("absence du 3 au 12 janvier", days(at(2027, 1, 3), at(2027, 1, 12))),
            ("absence du 3 au 12 janvier 2028", days(at(2028, 1, 3), at(2028, 1, 12))),
            ("absence du 28 décembre au 4 janvier", days(at(2026, 12, 28), at(2027, 1, 4))),
            ("absence : à partir du 01/12/2026 jusqu’au 12/12/2026", days(at(2026, 12, 1), at(2026, 12, 12))),
            ("absence du 21 au 30 novembre 2026", vec![until(2026, 11, 30)]),
            ("absence du 3 janvier au 12", days(at(2027, 1, 3), at(2027, 1, 12))),
            ("absence du 3 janvier 2028 au 12", days(at(2028, 1, 3), at(2028, 1, 12))),
            ("absence du 28/12 au 04/01", days(at(2026, 12, 28), at(2027, 1, 4))),
            ("absence jusqu’au 12/01", vec![until(2027, 1, 12)]),
            ("absence jusqu’au 12 janvier", vec![until(2027, 1, 12)]),
            ("absence fin", vec![Change::Away(None)]),
            ("remplaçant Marc Dupont", vec![Change::StandIn(Some("aaaabbbbcccc1111".into()))]),
            ("remplaçant aucun", vec![Change::StandIn(None)]),
            ("de retour", vec![Change::Away(None)]),
        ] {
            assert_eq!(said(line), Asked::Changes(wanted), "{line}");
        }
        assert_eq!(said(""), Asked::Show);
        assert_eq!(said("Résumé"), Asked::Choices(Setting::DigestHour));
        assert_eq!(said("alertes"), Asked::Choices(Setting::Route(MessageKind::Instant)));
        assert_eq!(said("canaux"), Asked::Channels);
        for line in [
            "résumé à 25 h",
            "résumé à 7 h 30",
            "silence",
            "silence 99",
            "jours lundo",
            "ordre pigeon",
            "remplaçant Marc",
            "remplaçant Zoé",
            "absence hier",
            "absence du 12 au 3 janvier 2027",
            "absence à partir du 3 janvier 2027",
            "n’importe quoi",
            "🎉",
        ] {
            assert!(!matches!(said(line), Asked::Changes(_)), "{line}");
        }
    }

    #[test]
    fn what_a_button_writes_is_read_back() {
        let until = ZONE.with_ymd_and_hms(2027, 1, 12, 0, 0, 0).unwrap().with_timezone(&Utc);
        let mut all = vec![
            Change::DigestHour(Some(0)),
            Change::DigestHour(None),
            Change::DigestDays(Days::WORKING),
            Change::DigestDays(Days::ALL),
            Change::DigestDays(Days::of([1, 5])),
            Change::Quiet(Some(QuietHours { from: 22, to: 6 })),
            Change::Quiet(None),
            Change::UrgentPasses(true),
            Change::UrgentPasses(false),
            Change::PerHour(Some(0)),
            Change::PerHour(Some(3)),
            Change::PerHour(None),
            Change::Order(vec![Channel::Matrix, Channel::Email]),
            Change::Order(Vec::new()),
            Change::Away(Some(Period { from: None, until })),
            Change::Away(Some(Period { from: Some(until), until: until + chrono::Duration::days(9) })),
            Change::Away(None),
            Change::StandIn(Some("ddddeeeeffff2222".into())),
            Change::StandIn(None),
        ];
        for kind in MessageKind::ALL {
            all.extend(
                [None, Some(Channel::Email), Some(Channel::Telegram), Some(Channel::Matrix)]
                    .map(|c| Change::Route(kind, c)),
            );
        }
        for change in all {
            let line = written(&change, ZONE);
            assert!(line.len() + "/reglages ".len() <= 64, "{line}");
            assert_eq!(said(&line), Asked::Changes(vec![change]), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read(line in "\\PC{0,120}", head in "résumé|jours|silence|limite|ordre|absence|remplaçant|alertes") {
            let _ = (said(&line), said(&format!("{head} {line}")));
        }
    }
}
