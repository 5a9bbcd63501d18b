//! The words that answers are made of, folded (small letters without accents): each stands alone here; what may stand around it
//! is `action` and `reading`.

use chrono::{Datelike, Months, NaiveDate, Weekday};
use vigie_domain::{OfferStage, Refusal, Stage};
use vigie_watcher::classify::fold::fold;
use vigie_watcher::classify::when::{MONTHS, WEEKDAYS};

/// Most days a reminder waits.
const MAX_REMIND_DAYS: i64 = 365;
/// Days a reminder waits where nobody says how many.
pub const REMIND_DAYS: i64 = 3;

/// When somebody wants to be reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remind {
    /// In so many days.
    In(i64),
    /// On that day.
    On(RemindDay),
}

/// A day that somebody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemindDay {
    /// The next such day of the week.
    Next(Weekday),
    /// A date; without its year, the next such day.
    Date {
        /// Day of the month.
        day: u32,
        /// Month, 1–12.
        month: u32,
        /// Year.
        year: Option<i32>,
    },
}

impl RemindDay {
    /// The day meant, after `today`; `None` where that date is past or does not exist.
    #[must_use]
    pub fn after(self, today: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Next(weekday) => today.iter_days().skip(1).find(|d| d.weekday() == weekday),
            Self::Date { day, month, year } => {
                let of = |year: i32| NaiveDate::from_ymd_opt(year, month, day);
                let this = of(year.unwrap_or(today.year())).filter(|d| *d > today);
                this.or_else(|| of(today.checked_add_months(Months::new(12))?.year()).filter(|_| year.is_none()))
            }
        }
    }
}

/// Text folded, without the signs around it.
#[must_use]
pub fn folded(text: &str) -> String {
    fold(text).trim_matches(|c: char| !c.is_alphanumeric()).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What came of offering services to the holder of a contract.
pub(super) fn offer(said: &str) -> Option<OfferStage> {
    match said {
        "contacte" | "contactes" | "titulaire contacte" | "nous avons contacte le titulaire" => {
            Some(OfferStage::Contacted)
        }
        "refuse" | "refuses" | "ils ont refuse" | "le titulaire a refuse" => Some(OfferStage::Declined),
        _ => None,
    }
}

/// What an answer is about, said at its end: it changes nothing of the answer.
const OBJECTS: [&str; 17] = [
    " a ce marche",
    " par ce marche",
    " pour ce marche",
    " sur ce marche",
    " a ce lot",
    " par ce lot",
    " pour ce lot",
    " a cet appel d'offres",
    " par cet appel d'offres",
    " pour cet appel d'offres",
    " sur cet appel d'offres",
    " a cette consultation",
    " par cette consultation",
    " pour cette consultation",
    " sur cette consultation",
    " pour nous",
    " cette fois",
];

/// Where a structure stands, in the words of the buttons or in others: alone, with what it is about (« nous allons répondre à ce
/// marché »), or behind a yes or a no that says the same (« non merci, pas pour nous »).
pub(super) fn stage(said: &str) -> Option<Stage> {
    alone(said).or_else(|| about(said)).or_else(|| {
        let (head, rest) =
            ["non merci ", "non ", "oui ", "ok "].iter().find_map(|h| Some((*h, said.strip_prefix(h)?)))?;
        let told = alone(rest).or_else(|| about(rest))?;
        let same = if head.starts_with("non") { Stage::NoGo } else { Stage::Go };
        (told == same).then_some(told)
    })
}

/// A yes or a no with what it is about.
fn about(said: &str) -> Option<Stage> {
    let rest = OBJECTS.iter().find_map(|object| said.strip_suffix(object))?;
    alone(rest).filter(|stage| matches!(stage, Stage::Go | Stage::NoGo | Stage::Preparing))
}

fn alone(said: &str) -> Option<Stage> {
    Some(match said {
        "oui" | "ok" | "d'accord" | "on y va" | "go" | "j'y vais" | "interesse" | "interessee" | "je prends" => {
            Stage::Go
        }
        "c'est oui"
        | "nous y allons"
        | "oui on y va"
        | "oui nous y allons"
        | "ok on y va"
        | "ok nous y allons"
        | "go on y va"
        | "oui nous allons repondre"
        | "nous allons repondre"
        | "on va repondre"
        | "oui pour nous"
        | "ok pour nous"
        | "c'est oui pour nous"
        | "oui bien sur"
        | "bien sur"
        | "oui avec plaisir"
        | "avec plaisir"
        | "oui tout a fait"
        | "oui volontiers"
        | "volontiers"
        | "oui absolument"
        | "oui parfait"
        | "oui evidemment"
        | "oui cordialement"
        | "oui svp"
        | "oui s'il vous plait"
        | "oui interesse"
        | "oui interessee"
        | "oui interesses"
        | "nous sommes interesses"
        | "interesses"
        | "ca nous interesse"
        | "cela nous interesse"
        | "oui ca nous interesse"
        | "oui cela nous interesse"
        | "ca m'interesse"
        | "cela m'interesse"
        | "partant"
        | "partants"
        | "on est partant"
        | "on est partants"
        | "nous sommes partants"
        | "je suis partant"
        | "je suis partante"
        | "nous repondrons"
        | "on repondra"
        | "banco"
        | "on se positionne"
        | "nous nous positionnons"
        | "nous allons nous positionner"
        | "je me positionne"
        | "on candidate"
        | "nous candidatons"
        | "nous allons candidater"
        | "on postule"
        | "nous postulons"
        | "on se lance"
        | "yes" => Stage::Go,
        "non" | "no" | "ecarte" | "ecarter" | "no go" | "pas interesse" | "on passe" => Stage::NoGo,
        "non merci"
        | "c'est non"
        | "c'est non pour nous"
        | "pas pour nous"
        | "non pas pour nous"
        | "on n'y va pas"
        | "nous n'y allons pas"
        | "pas interesses"
        | "pas interessee"
        | "non pas interesse"
        | "non pas interesses"
        | "nous ne sommes pas interesses"
        | "nous ne sommes pas interesses par ce marche"
        | "nous ne sommes pas interesses par cet appel d'offres"
        | "je ne suis pas interesse"
        | "je ne suis pas interessee"
        | "ca ne nous interesse pas"
        | "cela ne nous interesse pas"
        | "ne nous interesse pas"
        | "sans interet pour nous"
        | "nous passons"
        | "pas cette fois"
        | "non pas cette fois"
        | "pas cette fois ci"
        | "nous ne repondrons pas"
        | "nous ne repondons pas"
        | "on ne repondra pas"
        | "on ne repond pas"
        | "je ne repondrai pas"
        | "on y va pas"
        | "on passe notre tour"
        | "nous passons notre tour"
        | "je passe mon tour"
        | "je passe"
        | "nous declinons"
        | "je decline"
        | "on laisse passer" => Stage::NoGo,
        "on prepare" | "en preparation" | "preparation" | "on repond" => Stage::Preparing,
        "remis" | "remise" | "depose" | "envoye" | "on a repondu" | "offre remise" => Stage::Submitted,
        "gagne" => Stage::Won,
        "perdu" => Stage::Lost,
        "sans suite" | "infructueux" => Stage::NoAward,
        "abandon" | "abandonne" | "on abandonne" | "pas repondu" | "nous n'avons pas repondu" => Stage::Abandoned,
        _ => return None,
    })
}

/// Ways to say that one looks at it first: neither a yes nor a no.
const LOOKING: [&str; 16] = [
    "on regarde",
    "nous regardons",
    "je regarde",
    "on va regarder",
    "a regarder",
    "a etudier",
    "on etudie",
    "nous etudions",
    "on regarde et on vous dit",
    "on regarde et on revient vers vous",
    "a voir",
    "on verra",
    "en reflexion",
    "on reflechit",
    "nous reflechissons",
    "a l'etude",
];

/// When to be reminded: in some days, or on a day.
pub(super) fn remind(said: &str) -> Option<Remind> {
    if LOOKING.contains(&said) {
        return Some(Remind::In(REMIND_DAYS));
    }
    // The longest first: « rappel » begins most of them.
    let asks = [
        "rappelle moi",
        "rappelle-moi",
        "rappelez moi",
        "rappelez-moi",
        "me le rappeler",
        "le rappeler",
        "rappeler",
        "rappel",
        "relancez moi",
        "relancez-moi",
        "relance moi",
        "relance-moi",
        "a revoir",
        "plus tard",
    ];
    let rest = asks.iter().find_map(|w| said.strip_prefix(w))?;
    let rest = rest.trim_matches([' ', ':', ',']);
    if rest.is_empty() {
        return Some(Remind::In(REMIND_DAYS));
    }
    days(rest).map(Remind::In).or_else(|| day(rest).map(Remind::On))
}

/// « dans cinq jours », « demain », « la semaine prochaine ».
fn days(said: &str) -> Option<i64> {
    let rest = said.trim_start_matches("dans ").trim();
    match rest {
        "demain" => return Some(1),
        "apres demain" | "apres-demain" => return Some(2),
        "la semaine prochaine" | "semaine prochaine" => return Some(7),
        "un mois" | "1 mois" => return Some(30),
        _ => {}
    }
    let (n, unit) = rest.split_once(' ')?;
    let n: i64 = n.parse().ok().or_else(|| small_number(n))?;
    let days = match unit {
        "jour" | "jours" | "j" => n,
        "semaine" | "semaines" => n.checked_mul(7)?,
        _ => return None,
    };
    (1..=MAX_REMIND_DAYS).contains(&days).then_some(days)
}

fn small_number(word: &str) -> Option<i64> {
    let words = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"];
    let at = words.iter().position(|w| *w == word).or((word == "une").then_some(0));
    at.and_then(|i| i64::try_from(i + 1).ok()).or((word == "quinze").then_some(15))
}

/// « lundi », « vendredi prochain », « le 2 décembre », « le mercredi 02/12/2026 ».
fn day(said: &str) -> Option<RemindDay> {
    let said = said.trim_start_matches("le ").trim();
    let named = WEEKDAYS.iter().find_map(|(name, day)| Some((said.strip_prefix(name)?.trim(), *day)));
    match named {
        Some(("" | "prochain", weekday)) => Some(RemindDay::Next(weekday)),
        Some((rest, _)) => date(rest),
        None => date(said),
    }
}

/// « 2 décembre », « 1er mars 2027 », « 02/12/2026 ».
fn date(said: &str) -> Option<RemindDay> {
    let mut parts = said.split([' ', '/', '.']).filter(|p| !p.is_empty());
    let day: u32 = parts.next()?.trim_end_matches("er").parse().ok()?;
    let month = parts.next()?;
    let named = MONTHS.iter().zip(1..).find_map(|(name, number)| (*name == month).then_some(number));
    let month: u32 = named.or_else(|| month.parse().ok())?;
    let year: Option<i32> = parts.next().map(str::parse).transpose().ok()?;
    let year = year.map(|y| if y < 100 { 2000 + y } else { y });
    // A leap day exists in some year.
    let exists = NaiveDate::from_ymd_opt(year.unwrap_or(2028), month, day).is_some();
    (exists && parts.next().is_none()).then_some(RemindDay::Date { day, month, year })
}

/// Why not, in the words of the buttons or in others.
pub(super) fn refusal(said: &str) -> Option<Refusal> {
    let said = said.strip_prefix("c'est ").unwrap_or(said);
    let said = said.strip_suffix(" pour nous").unwrap_or(said);
    let named = Refusal::ALL.into_iter().chain(Refusal::OF_LOSS);
    named.into_iter().find(|r| folded(r.in_french()) == said).or(match said {
        "metier" | "ce n'est pas notre metier" => Some(Refusal::Trade),
        "loin" => Some(Refusal::Place),
        "taille"
        | "trop gros"
        | "trop grand"
        | "trop petit"
        | "nous n'avons pas la capacite"
        | "on n'a pas la capacite"
        | "pas la capacite"
        | "nous n'avons pas les moyens" => Some(Refusal::Size),
        "delai" | "trop tard" | "pas le temps" | "trop court" | "nous n'avons pas le temps" => Some(Refusal::Time),
        "acheteur" => Some(Refusal::Buyer),
        "le prix" | "nous etions trop chers" => Some(Refusal::Price),
        "note technique" | "la note technique" => Some(Refusal::Quality),
        "autre" => Some(Refusal::Other),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_somebody_names_is_the_next_one() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let wednesday = day("2026-11-25");
        let date = |day, month, year| RemindDay::Date { day, month, year };
        for (named, meant) in [
            (RemindDay::Next(Weekday::Mon), Some("2026-11-30")),
            (RemindDay::Next(Weekday::Wed), Some("2026-12-02")),
            (date(2, 12, None), Some("2026-12-02")),
            (date(5, 1, None), Some("2027-01-05")),
            (date(5, 1, Some(2026)), None),
            (date(31, 11, None), None),
        ] {
            assert_eq!(named.after(wednesday), meant.map(day), "{named:?}");
        }
    }
}
