//! Days of the consultation that rows ("Dernières questions | 18 janvier, 18 h"), labels ("Clôture : …") and sentences about visits and
//! questions give. A day without its year is of the year in which tenders end, or of the one before where its month comes later.
//!
//! Only what says of what it is the day becomes a date; the judgement reads the rest of the text by itself.

use std::ops::Range;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Offset, TimeZone};
use vigie_classify::pattern;
use vigie_domain::{DateKind, TypedDate};

use super::sentence::Sentence;
use crate::written::Written;

pattern!(
    DAY,
    r"\b(?:(?P<before>(?:[0-9]{1,2}, )*[0-9]{1,2} et )?(?P<d>[0-9]{1,2}|1er) (?P<m>janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)\b(?: (?P<y>20[0-9]{2}))?|(?P<dn>[0-9]{1,2})[/.](?P<mn>[0-9]{1,2})[/.](?P<yn>20[0-9]{2}))"
);
pattern!(
    HOUR,
    r"^[ ,(–-]{0,3}(?:a |des |vers )?(?:(?P<h>[0-9]{1,2}) ?(?:heures?|h|:) ?(?P<mi>[0-9]{2})?|(?P<noon>midi))"
);
pattern!(
    OF_QUESTIONS,
    r"questions?\b|questionner|renseignements?\b|interrog|eclaircissements?|precisions?\b|\bechanges?\b"
);
pattern!(ANSWERS, r"repon(?:d|s)");
pattern!(
    OF_VISIT,
    r"\bvisite(?:s|e|es|r|nt)?\b|vous attend|sur place|reconnaissance|rendez-vous|depart commun|creneaux?|\blieux\b"
);
pattern!(OF_CANDIDATURES, r"candidatures?\b|demandes? de participation");
pattern!(OF_TENDERS, r"\boffres?\b|\bplis?\b|\bdepots?\b|deposer|remise|reception|cloture");
pattern!(LAST, r"\bavant\b|au plus tard|jusqu|derniere?s?\b|limite|recues?\b|closes?\b|cloture|passe (?:ce|cette)");
// What has a day of its own, and is none of these.
pattern!(
    OTHER_DAY,
    r"inscri|s'annonc|rendez-vous (?:pris|a prendre)|prendre rendez-vous|\bcess|prend(?:ront|ra|re)? fin|prennent fin|s'acheve|publi|ouverture|travaux|facture|notifi|envoi de l'avis|validite|signature|echantillon|commence|negociation|audition"
);

/// A day and where it is said.
pub(super) struct Day {
    pub(super) date: TypedDate,
    pub(super) range: Range<usize>,
}

/// The days of a piece; `end`: when tenders end, as far as it is known.
pub(super) fn read(piece: &Written, sentences: &[Sentence], end: Option<DateTime<FixedOffset>>) -> Vec<Day> {
    let mut out: Vec<Day> = Vec::new();
    // Whose day the sentence before gave, and in which article.
    let mut before: Option<(Option<usize>, DateKind, usize)> = None;
    for sentence in sentences {
        let text = sentence.folded.as_str();
        let own = match sentence.label.as_str() {
            "" => sentence.article.map_or("", |a| piece.articles[a].title.as_str()),
            label => label,
        };
        // It goes on in the same paragraph, or in the list behind it.
        let item = text.starts_with(['-', '–', '•']) || text.trim_end().ends_with(';');
        before = before.filter(|(article, _, line)| *article == sentence.article && (*line == sentence.line || item));
        let labelled = label(text)
            .and_then(|(label, at)| Some((of_label(label)?, at)))
            .filter(|(kind, at)| *kind != DateKind::Visit || !OTHER_DAY.is_match(&text[*at..]));
        let (kind, from) = match labelled {
            Some(found) => found,
            None if sentence.is_heading => continue,
            None => match of_sentence(text, own).or(before
                .map(|b| b.1)
                .filter(|k| *k == DateKind::Visit && !LAST.is_match(text) && !OTHER_DAY.is_match(text)))
            {
                Some(kind) => (kind, 0),
                None => continue,
            },
        };
        before = Some((sentence.article, kind, sentence.line));
        for (at, has_time) in days(&text[from..], end) {
            let date = TypedDate {
                kind,
                at,
                has_time,
                mandatory: false,
                quote: Some(piece.words(sentence.range.clone())),
                field: None,
                lot: None,
            };
            if !out.iter().any(|d| d.date.kind == kind && d.date.at == at) {
                out.push(Day { date, range: sentence.range.clone() });
            }
        }
    }
    out
}

/// The label of a row or of a line, and where what it labels begins.
fn label(text: &str) -> Option<(&str, usize)> {
    /// Longest label, in bytes.
    const LONGEST: usize = 110;
    let (mark, width) = [(" | ", 3), (" : ", 3), (": ", 2)].into_iter().find_map(|(m, w)| Some((text.find(m)?, w)))?;
    (mark <= LONGEST).then_some((&text[..mark], mark + width))
}

fn of_label(label: &str) -> Option<DateKind> {
    let questions = OF_QUESTIONS.is_match(label) && !ANSWERS.is_match(label);
    match () {
        () if OTHER_DAY.is_match(label) => None,
        () if questions => Some(DateKind::Questions),
        () if OF_VISIT.is_match(label) => Some(DateKind::Visit),
        () if OF_CANDIDATURES.is_match(label) && !label.contains("offre") => Some(DateKind::Participation),
        () if OF_TENDERS.is_match(label) => Some(DateKind::Tender),
        () => None,
    }
}

fn of_sentence(text: &str, own: &str) -> Option<DateKind> {
    if OTHER_DAY.is_match(text) {
        return None;
    }
    let questions = LAST.is_match(text) && super::terms::is_question(text, own);
    let ends = OF_TENDERS.is_match(text) && LAST.is_match(text);
    let visit = OF_VISIT.is_match(text) || OF_VISIT.is_match(own);
    match () {
        () if questions => Some(DateKind::Questions),
        () if visit && !ends && !LAST.is_match(text) => Some(DateKind::Visit),
        () => None,
    }
}

/// The days of folded words, each with whether it has an hour.
fn days(text: &str, end: Option<DateTime<FixedOffset>>) -> Vec<(DateTime<FixedOffset>, bool)> {
    const MONTHS: [&str; 12] = [
        "janvier",
        "fevrier",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "aout",
        "septembre",
        "octobre",
        "novembre",
        "decembre",
    ];
    let mut out = Vec::new();
    for found in DAY.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let number = |group: &str| found.name(group)?.as_str().trim_end_matches("er").parse::<u32>().ok();
        let named = found.name("m").and_then(|m| MONTHS.iter().position(|n| *n == m.as_str()));
        let Some(month) = named.map(|i| i as u32 + 1).or_else(|| number("mn")) else { continue };
        let told = number("y").or_else(|| number("yn")).map(|y| y as i32);
        let year = told.or_else(|| end.map(|e| e.year() - i32::from(month > e.month())));
        let (Some(year), Some(day)) = (year, number("d").or_else(|| number("dn"))) else { continue };
        let hour = HOUR.captures(&text[whole.end()..]);
        let time = hour.and_then(|c| {
            let digits = |group: &str| c.name(group)?.as_str().parse::<u32>().ok();
            let hours = digits("h").or_else(|| c.name("noon").map(|_| 12))?;
            NaiveTime::from_hms_opt(hours, digits("mi").unwrap_or(0), 0)
        });
        // "Les 13, 15 et 20 janvier".
        let several = found.name("before").map_or("", |b| b.as_str());
        let earlier = several.split(|c: char| !c.is_ascii_digit()).filter_map(|d| d.parse::<u32>().ok());
        for day in earlier.chain([day]) {
            let moment = NaiveDate::from_ymd_opt(year, month, day)
                .and_then(|d| Some(d.and_time(time.or(NaiveTime::from_hms_opt(23, 59, 0))?)))
                .and_then(|local| in_clock_of(end, local));
            out.extend(moment.map(|at| (at, time.is_some())));
        }
    }
    out
}

/// A local moment in the clock of Paris, or in that of the end where this is another.
fn in_clock_of(end: Option<DateTime<FixedOffset>>, local: chrono::NaiveDateTime) -> Option<DateTime<FixedOffset>> {
    let paris = chrono_tz::Europe::Paris;
    let elsewhere = end
        .map(|e| *e.offset())
        .filter(|own| end.is_some_and(|e| paris.offset_from_utc_datetime(&e.naive_utc()).fix() != *own));
    match elsewhere {
        Some(offset) => offset.from_local_datetime(&local).single(),
        None => paris.from_local_datetime(&local).earliest().map(|at| at.fixed_offset()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::sentence::sentences;
    use crate::piece::{Kind, Passage, Place, Text};

    fn found(text: &str) -> Vec<(DateKind, String)> {
        let text = Text { passages: vec![Passage::new(Place::Page(1), text.to_owned())], ..Text::default() };
        let piece = Written::of("RC.pdf", Kind::Rc, &text);
        let end = DateTime::parse_from_rfc3339("2027-02-08T12:00:00+01:00").ok();
        let days = read(&piece, &sentences(&piece), end).into_iter();
        days.map(|d| (d.date.kind, d.date.at.format("%Y-%m-%d %H:%M").to_string())).collect()
    }

    #[test]
    fn rows_and_labels_say_what_their_day_is() {
        let table = "Étape | Échéance\nVisite du site (facultative) | 8 janvier 2027, 14 h\nDernières questions | 18 janvier 2027, 18 h\n\
                     Remise des plis | 28/01/2027 à 12h30\nPublication de l’avis | 3 décembre 2026";
        let at = |kind, at: &str| (kind, at.to_owned());
        assert_eq!(
            found(table),
            [
                at(DateKind::Visit, "2027-01-08 14:00"),
                at(DateKind::Questions, "2027-01-18 18:00"),
                at(DateKind::Tender, "2027-01-28 12:30")
            ]
        );
        assert_eq!(found("Clôture : lundi 15 février 2027 à midi"), [at(DateKind::Tender, "2027-02-15 12:00")]);
    }

    #[test]
    fn days_without_a_year_are_of_the_year_of_the_end() {
        let at = |kind, at: &str| (kind, at.to_owned());
        let text = "ARTICLE 3 – VISITE DES LIEUX\nLa visite est obligatoire. Lot 1 : mardi 5 janvier, 8 heures, à la mairie ; lot 2 : \
                    jeudi 17 décembre, 9 h 30.";
        assert_eq!(found(text), [at(DateKind::Visit, "2027-01-05 08:00"), at(DateKind::Visit, "2026-12-17 09:30")]);
        let asked = "Les demandes de renseignements sont reçues jusqu’au 15 janvier inclus.";
        assert_eq!(found(asked), [at(DateKind::Questions, "2027-01-15 23:59")]);
        let several = "ARTICLE 3 – VISITES\nTrois créneaux sont ouverts : les 13, 15 et 20 janvier 2027.";
        assert_eq!(found(several).len(), 3);
        assert!(found("Les offres sont remises avant le 8 février 2027.").is_empty());
    }
}
