//! Days of the consultation that rows ("Dernières questions | 18 janvier, 18 h"), labels ("Clôture : …") and sentences about visits and
//! questions give. A day without its year is of the year in which tenders end, or of the one before where its month comes later.
//!
//! Only what says of what it is the day becomes a date; the judgement reads the rest of the text by itself.

use std::ops::Range;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Offset, TimeZone};
use vigie_classify::numerals::counted;
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
    r"^[ ,(|–-]{0,3}(?:a (?:partir de |compter de )?|des |vers |de |avant )?(?:(?P<h>[0-9]{1,2}) ?(?:heures?|h|:) ?(?P<mi>[0-9]{2})?|(?P<noon>midi))"
);
pattern!(LATER, r"^[^.;|]*?\b(?:a|des|vers) (?P<h>[0-9]{1,2}) ?(?:heures?|h|:) ?(?P<mi>[0-9]{2})?(?P<noon>midi)?");
pattern!(
    OF_QUESTIONS,
    r"questions?\b|\bdemandez-(?:le|nous)|questionner|renseignements?\b|interrog|eclaircissements?|precisions?\b|\bechanges?\b"
);
pattern!(ANSWERS, r"repon(?:d|s)");
pattern!(
    OF_VISIT,
    r"\bvisite(?:s|e|es|r|nt)?\b|\bvous (?:y |en )?(?:attend|conduir|accueill|recevr|guider|montrer)|\btour (?:des|du|de l)|demonstration|\btournees? (?:des|du|de)|parcours (?:du|des|de la)|ce parcours|\bvous verrez\b|\bvotre venue|(?:leur|vous) (?:est|sont|sera|seront) ouverte?s?\b|ouverte?s? aux (?:candidats|entreprises|concurrents)|sur place|reconnaissance|rendez-vous|depart commun|creneaux?|\blieux\b"
);
pattern!(
    OF_CANDIDATURES,
    r"candidatures?\b|demandes? de participation|preselection|manifest[a-z]* (?:d'interet|(?:votre|leur|son) interet)|intention de (?:participer|concourir|repondre)|si vous (?:entrez|participez|concourez|souhaitez)|dossier de presentation"
);
pattern!(OF_TENDERS, r"\boffres?\b|\bplis?\b|\bdepots?\b|\bdepos(?:er|ez|e|es|ee|ees|ent)\b|remise|reception|cloture");
pattern!(
    OF_ANSWERS,
    r"votre (?:reponse|proposition|dossier)|vos (?:reponses|propositions)|(?:votre|vos|le) devis|soumissions?\b"
);
pattern!(
    LAST,
    r"attendue?s?\b|dernier delai|terme de rigueur|s'acheve|expire|\bcess|pren(?:d|dra|nent|dront) fin|\bavant\b|au plus tard|jusqu|derniere?s?\b|limite|recues?\b|closes?\b|cloture|passe (?:ce|cette|le)\b|(?:devr|doi)[a-z]* etre (?:arrive|parvenu|recu|depose|remis|transmis)"
);
// What has a day of its own, and is none of these.
pattern!(
    OTHER_DAY,
    r"\binscri|s'annonc|rendez-vous (?:pris|a prendre)|prendre rendez-vous|publi|ouverture|travaux|facture|notifi|envoi de l'avis|validite|signature|echantillon|commence|negociation|audition"
);

// What ends that day: time for questions or tenders, or something else.
pattern!(ENDING, r"\bcess|prend(?:ront|ra|re)? fin|prennent fin|s'acheve");

/// Whether words give the day of something that nobody waits for.
fn is_other(text: &str) -> bool {
    let awaited = || OF_QUESTIONS.is_match(text) || OF_TENDERS.is_match(text);
    OTHER_DAY.is_match(text) || ENDING.is_match(text) && !awaited()
}

/// A day and where it is said.
pub(super) struct Day {
    pub(super) date: TypedDate,
    pub(super) range: Range<usize>,
    /// A label says what it is the day of.
    pub(super) labelled: bool,
}

/// The days of a piece; `end`: when tenders end, as far as it is known.
pub(super) fn read(piece: &Written, sentences: &[Sentence], end: Option<DateTime<FixedOffset>>) -> Vec<Day> {
    let mut out: Vec<Day> = Vec::new();
    // Whose day the sentence before gave, and in which article.
    let mut before: Option<(Option<usize>, DateKind, usize)> = None;
    // Semicolons part days of different things.
    let parted = |s: &Sentence| {
        s.folded.contains(';') && !s.folded.contains(" | ") && DAY.find_iter(&in_digits(&s.folded)).nth(1).is_some()
    };
    let parts = sentences.iter().flat_map(|s| if parted(s) { s.cut(piece, ';') } else { vec![s.clone()] });
    let parts: Vec<Sentence> = parts.collect();
    for (i, sentence) in parts.iter().enumerate() {
        // The year behind the month, once the month has its day.
        let wrapped = wrapped(&sentence.folded, parts.get(i + 1).map(|next| next.folded.as_str()));
        let days_told = in_digits(&wrapped);
        let told = in_digits(&days_told);
        let text = told.as_ref();
        let own = match sentence.label.as_str() {
            "" => sentence.article.map_or("", |a| piece.articles[a].title.as_str()),
            label => label,
        };
        // It goes on in the same paragraph, or in the list behind it.
        let item = text.starts_with(['-', '–', '•']) || text.trim_end().ends_with(';');
        before = before.filter(|(article, _, line)| *article == sentence.article && (*line == sentence.line || item));
        let labelled = label(text)
            .and_then(|(label, at)| Some((of_label(label)?, at)))
            .filter(|(kind, at)| *kind != DateKind::Visit || !is_other(&text[*at..]));
        let (kind, from) = match labelled {
            Some(found) => found,
            None if sentence.is_heading => continue,
            None => match of_sentence(text, own)
                .or(before.map(|b| b.1).filter(|k| *k == DateKind::Visit && !LAST.is_match(text) && !is_other(text)))
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
                out.push(Day { date, range: sentence.range.clone(), labelled: labelled.is_some() });
            }
        }
    }
    out
}

/// A row with what its last cell wraps into: "… | lundi 18 janvier, neuf" and "l'Est | heures trente".
fn wrapped<'t>(row: &'t str, next: Option<&'t str>) -> std::borrow::Cow<'t, str> {
    pattern!(
        OPEN,
        r"(?:,|\b(?:huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|dix-sept|dix-huit|[0-9]{1,2})| a)$"
    );
    let rest = next.and_then(|n| n.rsplit(" | ").next()).filter(|n| n.len() < 40 && n.contains("heure"));
    match rest.filter(|n| row.contains(" | ") && OPEN.is_match(row.trim_end()) && DAY.find(n).is_none()) {
        Some(rest) => format!("{row} {rest}").into(),
        None => row.into(),
    }
}

/// The label of a row or of a line, and where what it labels begins.
fn label(text: &str) -> Option<(&str, usize)> {
    /// Longest label, in bytes.
    const LONGEST: usize = 110;
    if text.contains(" | ") {
        // The cells in front of the one that has the day, else those behind it.
        let day = DAY.find(text)?.start();
        return match (text[..day].rfind(" | "), text[day..].find(" | ")) {
            (Some(end), _) => Some((&text[..end], end + 3)),
            (None, Some(end)) => Some((&text[day + end + 3..], 0)),
            (None, None) => None,
        };
    }
    let (mark, width) = [(" : ", 3), (": ", 2)].into_iter().find_map(|(m, w)| Some((text.find(m)?, w)))?;
    (mark <= LONGEST).then_some((&text[..mark], mark + width))
}

fn of_label(label: &str) -> Option<DateKind> {
    pattern!(ASIDE, r" ?\([^()]*\)");
    pattern!(
        OF_BUYER,
        r"\bcommission|\bjury\b|\bconseil (?:municipal|syndical|communautaire|d'admin)|soutenance|attribution|\bvote\b"
    );
    let bare = ASIDE.replace_all(label, "");
    let questions = OF_QUESTIONS.is_match(label) && !ANSWERS.is_match(label);
    match () {
        () if is_other(&bare) || OF_BUYER.is_match(label) => None,
        () if questions => Some(DateKind::Questions),
        () if OF_VISIT.is_match(label) => Some(DateKind::Visit),
        () if OF_CANDIDATURES.is_match(label) && !label.contains("offre") => Some(DateKind::Participation),
        () if OF_TENDERS.is_match(label) => Some(DateKind::Tender),
        () => None,
    }
}

fn of_sentence(text: &str, own: &str) -> Option<DateKind> {
    if is_other(text) {
        return None;
    }
    let ends = OF_TENDERS.is_match(text) && LAST.is_match(text);
    // "Remise des plis et renseignements" is the heading of both.
    let questions = LAST.is_match(text)
        && super::terms::is_question(text, own)
        && (OF_QUESTIONS.is_match(text) || !(ends && OF_TENDERS.is_match(own)));
    let visit = OF_VISIT.is_match(text) || OF_VISIT.is_match(own);
    // "Quand le dossier doit-il être déposé ? Le 3 mars au plus tard."
    let asked = own.ends_with('?') && OF_TENDERS.is_match(own);
    let tenders = LAST.is_match(text) && (asked || OF_TENDERS.is_match(text) || OF_ANSWERS.is_match(text));
    match () {
        () if questions => Some(DateKind::Questions),
        () if visit && !ends && !LAST.is_match(text) => Some(DateKind::Visit),
        () if LAST.is_match(text) && OF_CANDIDATURES.is_match(text) && !text.contains("offre") => {
            Some(DateKind::Participation)
        }
        () if tenders && !ANSWERS.is_match(text) => Some(DateKind::Tender),
        () => None,
    }
}

/// Folded words with the numbers of their days and hours in digits: "le dix-huit septembre deux mille vingt-huit à neuf heures trente".
fn in_digits(text: &str) -> std::borrow::Cow<'_, str> {
    pattern!(
        SPELT,
        r"\b(?P<d>(?:(?:un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt|trente|et)[ -]?)+|premier) (?P<m>janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)\b|(?P<of>janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre) (?P<y>deux[ -]mille(?:[ -](?:et|un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt|trente|quarante))+)\b|\b(?P<h>(?:(?:une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt)[ -]?(?:et une)?)+) heures?\b(?: (?P<mi>trente|quinze|quarante-cinq|et demie|et quart))?"
    );
    let number = |words: &str| counted(words.trim().trim_end_matches('-'));
    let replaced = |c: &regex::Captures<'_>| {
        let whole = c.get(0).map_or("", |m| m.as_str()).to_owned();
        let told = match (c.name("m"), c.name("of"), c.name("h")) {
            (Some(month), ..) if &c["d"] == "premier" => Some(format!("1er {}", month.as_str())),
            (Some(month), ..) => number(&c["d"]).map(|d| format!("{d} {}", month.as_str())),
            (_, Some(month), _) => number(&c["y"]).map(|y| format!("{} {y}", month.as_str())),
            (_, _, Some(hours)) => number(hours.as_str()).map(|h| {
                let minutes = match c.name("mi").map(|m| m.as_str()) {
                    Some("trente" | "et demie") => 30,
                    Some("quinze" | "et quart") => 15,
                    Some(_) => 45,
                    None => 0,
                };
                format!("{h} h {minutes:02}")
            }),
            _ => None,
        };
        told.unwrap_or(whole)
    };
    SPELT.replace_all(text, replaced)
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
        // Right behind the day, or a little further on: "le 14 janvier, départ de la gare à 13 h 30".
        let rest = &text[whole.end()..];
        let near = &rest[..DAY.find(rest).map_or(rest.len(), |m| m.start()).min(rest.floor_char_boundary(60))];
        let hour = HOUR.captures(rest).or_else(|| LATER.captures(near));
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
        let ends = "Les offres sont remises avant le lundi huit février deux mille vingt-sept à onze heures trente.";
        assert_eq!(found(ends), [at(DateKind::Tender, "2027-02-08 11:30")]);
    }
}
