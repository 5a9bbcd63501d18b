//! Dates told by the text: visits (and whether missing one makes the offer irregular), questions, deadlines.

use std::ops::Range;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use vigie_domain::{DateKind, TypedDate};

use super::anchors::Topic;
use super::finding::Reading;
use super::pattern::pattern;
use crate::zones;

pattern!(
    DATE,
    r"(?P<d>[0-3]?[0-9])(?:er)? ?(?:(?P<m>janv(?:ier|\.)?|fevr?(?:ier|\.)?|mars|avr(?:il|\.)?|mai|juin|juil(?:let|\.)?|aout|sept?(?:embre|\.)?|oct(?:obre|\.)?|nov(?:embre|\.)?|dec(?:embre|\.)?) ?(?P<y>20[0-9]{2})|[/.-](?P<mm>[01]?[0-9])[/.-](?P<yy>20[0-9]{2}|[0-9]{2}))\b",
    r"|(?P<iy>20[0-9]{2})-(?P<im>[01][0-9])-(?P<id>[0-3][0-9])"
);
pattern!(
    TIME,
    r"^(?:[ ,(]*(?:a|-|,|vers|de|des|heure locale ?:|heure ?:|time_receipt_tenders ?:)? ?)?(?P<h>[0-2]?[0-9]) ?(?:h|:|heures?) ?(?P<min>[0-5][0-9])?"
);
pattern!(VISIT, r"\bvisites?\b");
pattern!(
    NOT_A_SITE_VISIT,
    r"aide premiere visite|visites? medicale|visites? guidee|visites? d'entretien|visites? de maintenance|visites? (?:technique|periodique|annuelle|mensuelle|reglementaire)|visiteurs?|carte de visite|contre-visite|droit de visite|visites? virtuelle|visites? preventive"
);
pattern!(
    COMPULSORY,
    r"obligatoire|imperativ|indispensable|attestation de visite|exigee|sous peine|irreguliere|devra (?:etre )?(?:visite|effectue)|doivent (?:obligatoirement )?(?:visiter|effectuer)"
);
pattern!(NOT_COMPULSORY, r"facultati|pas obligatoire|non obligatoire|conseillee|recommandee|possible|n'est pas exigee");
pattern!(NO_VISIT, r"(?:pas de|aucune|sans) visite|visites?[^.;]{0,20}: ?(?:non|neant|sans objet)");
pattern!(
    TENDER,
    r"(?:dates? (?:et heures? )?limites? (?:de |pour la |fixee pour la )?(?:reception|remise|depot|reponse|reception|des offres|des plis|de candidature)[^:0-9]*|date_receipt_tenders ?)[: ]{1,3}|(?:offres?|plis|propositions|candidatures) (?:: )?(?:[\w']+ ){0,8}?(?:au plus tard (?:le |pour le )?|(?:avant|pour) le )|(?:remise|depot|envoi|reception|transmission) des (?:offres|plis|propositions|candidatures|dossiers)(?: [\w']+){0,4}? ?(?:: ?(?:au plus tard )?(?:avant )?(?:le )?|(?:avant|pour) le |jusqu'au |au plus tard le )"
);
pattern!(PARTICIPATION, r"candidatures?|demandes? de participation");
pattern!(
    QUESTIONS,
    r"(?:questions|renseignements complementaires|demandes? (?:ecrites? )?(?:de renseignements|d'informations?))[^.;]*?(?:jusqu'au|avant le|au plus tard (?:le|jusqu'au)?)[^.;0-9]*",
    r"|dates? (?:et heures? )?limites?[^.;:0-9]*(?:questions|renseignements|demandes d'informations?)[^.;:0-9]*:? ?"
);

/// Longest gap between a visit and its date, in folded bytes.
const VISIT_REACH: usize = 200;

/// Reads the dates of the text; `known` are kinds that a structured field already gave.
#[must_use]
pub fn read(reading: &Reading<'_>, zone: Tz, known: &[DateKind]) -> Vec<TypedDate> {
    let mut out = visits(reading, zone);
    let mut once = |kind: DateKind, range: &Range<usize>, reach: usize| {
        if !known.contains(&kind) && !out.iter().any(|d| d.kind == kind) {
            out.extend(date_after(reading, range, reach, kind, zone));
        }
    };
    for range in reading.matches(Topic::Closing, &TENDER) {
        let words = &reading.doc.text()[range.clone()];
        let about_tenders = words.contains("offre") || words.contains("plis");
        let kind =
            if PARTICIPATION.is_match(words) && !about_tenders { DateKind::Participation } else { DateKind::Tender };
        let known_either = known.contains(&DateKind::Tender) || known.contains(&DateKind::Participation);
        if !known_either {
            once(kind, &range, 12);
        }
    }
    for range in reading.matches(Topic::Question, &QUESTIONS) {
        once(DateKind::Questions, &range, 20);
    }
    out
}

fn visits(reading: &Reading<'_>, zone: Tz) -> Vec<TypedDate> {
    let mut out: Vec<TypedDate> = Vec::new();
    for range in site_visits(reading) {
        let text = reading.rest_of_sentence(range.end, VISIT_REACH);
        let Some(m) = DATE.find(text) else { continue };
        let at = range.end + m.start()..range.end + m.end();
        let Some((moment, has_time)) = moment(reading, &at, zone) else { continue };
        let lot = reading.doc.lot_at(range.start).map(str::to_owned);
        if out.iter().any(|d| d.at == moment && d.lot == lot) {
            continue;
        }
        out.push(TypedDate {
            kind: DateKind::Visit,
            at: moment,
            has_time,
            mandatory: compulsory(reading, &range),
            quote: Some(reading.doc.quote(range.start..at.end)),
            field: Some(reading.doc.field(range.start).to_owned()),
            lot,
        });
    }
    out
}

/// Places where the text speaks of a visit of the site by bidders.
pub(super) fn site_visits(reading: &Reading<'_>) -> Vec<Range<usize>> {
    reading
        .matches(Topic::Visit, &VISIT)
        .filter(|range| {
            let around = &reading.doc.text()[range.start - reading.doc.before(range.start, 30).len()
                ..range.end + reading.doc.after(range.end, 40).len()];
            let asked = reading.doc.text()[reading.doc.sentence(range.clone())].len() > 10;
            !NOT_A_SITE_VISIT.is_match(around) && !NO_VISIT.is_match(around) && asked
        })
        .collect()
}

/// Whether a bidder who stays away is out.
pub(super) fn compulsory(reading: &Reading<'_>, range: &Range<usize>) -> bool {
    let sentence = &reading.doc.text()[reading.doc.sentence(range.clone())];
    let near = format!("{} {}", reading.start_of_sentence(range.start, 120), reading.doc.after(range.start, 260));
    !NOT_COMPULSORY.is_match(sentence) && (COMPULSORY.is_match(&near) || sentence.contains("visite obligatoire"))
}

fn date_after(
    reading: &Reading<'_>,
    range: &Range<usize>,
    reach: usize,
    kind: DateKind,
    zone: Tz,
) -> Option<TypedDate> {
    let text = reading.doc.after(range.end, reach + 40);
    let m = DATE.find(text).filter(|m| m.start() <= reach)?;
    let at = range.end + m.start()..range.end + m.end();
    let (moment, has_time) = moment(reading, &at, zone)?;
    Some(TypedDate {
        kind,
        at: moment,
        has_time,
        mandatory: false,
        quote: Some(reading.doc.quote(range.start..at.end)),
        field: Some(reading.doc.field(range.start).to_owned()),
        lot: reading.doc.lot_at(range.start).map(str::to_owned),
    })
}

fn moment(reading: &Reading<'_>, at: &Range<usize>, zone: Tz) -> Option<(DateTime<FixedOffset>, bool)> {
    moment_of(&reading.doc.text()[at.clone()], reading.doc.after(at.end, 34), zone)
}

/// The moment that a folded date, and the words that follow it, tell; and whether they give a time of day.
fn moment_of(date: &str, rest: &str, zone: Tz) -> Option<(DateTime<FixedOffset>, bool)> {
    let day = day(date)?;
    let clock = TIME.captures(rest).and_then(|c| {
        let minute = c.name("min").map_or(Some(0), |m| m.as_str().parse().ok())?;
        NaiveTime::from_hms_opt(c.name("h")?.as_str().parse().ok()?, minute, 0)
    });
    let time = clock.or_else(|| NaiveTime::from_hms_opt(23, 59, 0))?;
    Some((zones::local(day.and_time(time), zone), clock.is_some()))
}

/// A date as portals and mails write it, with whether a time of day was given: `13/05/22 à 16h00`, `20 Déc. 2023 12:00`,
/// `12 janvier 2027`, or one of the shapes of [`zones::deadline`].
#[must_use]
pub fn written(text: &str, zone: Tz) -> Option<(DateTime<FixedOffset>, bool)> {
    if let Some(found) = zones::deadline(text, zone) {
        return Some(found);
    }
    let folded = super::fold::fold(text);
    let found = DATE.find(&folded)?;
    moment_of(found.as_str(), &folded[found.end()..], zone)
}

/// Reads a folded French or ISO date.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    const MONTHS: [&str; 12] =
        ["janv", "fev", "mars", "avr", "mai", "juin", "juil", "aout", "sep", "oct", "nov", "dec"];
    let c = DATE.captures(text)?;
    let number = |name: &str| c.name(name).and_then(|m| m.as_str().parse::<u32>().ok());
    if let (Some(y), Some(m), Some(d)) = (number("iy"), number("im"), number("id")) {
        return NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d);
    }
    let month = match c.name("m") {
        Some(name) => MONTHS.iter().position(|m| name.as_str().starts_with(m)).and_then(|i| u32::try_from(i + 1).ok()),
        None => number("mm"),
    }?;
    let year = number("y").or_else(|| number("yy").map(|y| if y < 100 { 2000 + y } else { y }))?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, number("d")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_days_are_read() {
        for (given, read) in [
            ("12 janvier 2027", "2027-01-12"),
            ("1er mars 2027", "2027-03-01"),
            ("4.9.20", "2020-09-04"),
            ("26/08/2020", "2020-08-26"),
            ("2020-08-26", "2020-08-26"),
        ] {
            assert_eq!(day(given).map(|d| d.to_string()).as_deref(), Some(read), "{given}");
        }
        assert_eq!(day("31 fevrier 2027"), None);
    }

    #[test]
    fn dates_of_portals_and_mails_are_read() {
        for (given, read) in [
            ("Date limite : le\n 13/05/22 à 16h00", "2022-05-13T16:00:00+02:00"),
            ("20 Déc. 2023 12:00", "2023-12-20T12:00:00+01:00"),
            ("20\nDéc.\n2023", "2023-12-20T23:59:00+01:00"),
            ("mardi 12 janvier 2027 à 12 h 30", "2027-01-12T12:30:00+01:00"),
            ("2027-01-12T12:00:00", "2027-01-12T12:00:00+01:00"),
            ("le 2 août 2026 avant 9h", "2026-08-02T23:59:00+02:00"),
        ] {
            assert_eq!(written(given, Tz::Europe__Paris).map(|d| d.0.to_rfc3339()).as_deref(), Some(read), "{given}");
        }
        assert_eq!(written("bientôt", Tz::Europe__Paris), None);
    }
}
