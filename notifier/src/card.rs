//! A notice as a message or a page shows it: every line in words, bounded, on one line each.

mod changes;
mod says;

use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use vigie_domain::assessment::AssessedLot;
use vigie_domain::notice::Award;
use vigie_domain::outcome::no_award_in_french;
use vigie_domain::procedure::Change;
use vigie_domain::subscription::Match;
use vigie_domain::{
    Access, AlertKind, Assessment, DateKind, FactKind, Notice, NoticeKind, Outcome, Phase, ProcedureState,
    ProvisionKind, Stage, Strength, TypedDate, french,
};

use crate::fit::Fit;
pub use crate::labels::{
    alert_label, beneficiary_label, provision_label, provision_label_of, route_label, structure_label,
};
pub use changes::change;
pub use says::{beside_lot, provision};

/// Longest title shown.
const MAX_TITLE: usize = 240;
/// Longest quote shown.
const MAX_QUOTE: usize = 300;
/// Most visits named in a line of a digest.
const MAX_VISITS: usize = 2;
/// Most lots listed in one message.
const MAX_LOTS: usize = 12;

/// Why a person hears of a notice, as kept with the notification.
#[derive(Debug, Clone, Default, PartialEq, Serialize, serde::Deserialize)]
pub struct Why {
    #[serde(default)]
    pub found: Match,
    /// How well it suits them.
    #[serde(default)]
    pub fit: Fit,
    /// Why the message is grouped ("première veille", "flux trop fort"), or why there is none.
    #[serde(default)]
    pub note: Option<String>,
    /// What is to be said of this one thing: what a reminder reminds of, which digest it corrects.
    #[serde(default)]
    pub remark: Option<String>,
    /// The lot of the contract, or of the decision, that it is about; empty = the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// The call for partners that it is about, and what of it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partners: Option<OfCall>,
    /// The month whose table comes with it: `2027-03`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The hours to be worked that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// What changed since they were last told, where alerts between that and this one never reached them; else the alert's own
    /// changes say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
    /// They were told nothing of the procedure before: what corrects it is news to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
}

/// A call for partners that a person is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct OfCall {
    /// The call.
    pub call: String,
    /// What of it is told.
    pub turn: vigie_domain::partner_call::Turn,
    /// What happened, in sentences; empty where the turn says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// One notice to tell, with all that is known of it.
#[derive(Debug, Clone)]
pub struct AlertItem<'a> {
    /// What the alert says.
    pub kind: AlertKind,
    pub changes: &'a [Change],
    /// The notice, with what it inherits from its procedure ([`Notice::inheriting`]).
    pub notice: &'a Notice,
    pub assessment: &'a Assessment,
    /// How its procedure stands now.
    pub state: &'a ProcedureState,
    pub why: &'a Why,
    /// When it was decided that its reader hears of it.
    pub noticed: DateTime<Utc>,
    /// Who can help, out of the directories.
    pub contacts: &'a [String],
    /// What the reader's structure answered, where it did.
    pub stands: Option<&'a Stands>,
    /// Where Vigie's own pages tell of it.
    pub links: Links<'a>,
}

/// What a structure answered about a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stands {
    /// In a line: « Votre structure a répondu : on y va (Léa Martin, le 30 novembre 2026) ».
    pub line: String,
    pub stage: Stage,
}

/// A button of a message: what it says, and the word that its page takes.
type Choice = (&'static str, &'static str);

/// What may be answered to a message: what leads forward while the procedure is open, what came of it once it is not; of what was
/// answered before, the next step.
fn choices(state: &ProcedureState, stands: Option<Stage>) -> Vec<Choice> {
    const GO: Choice = ("On y va", "oui");
    const LATER: Choice = ("Plus tard", "plus+tard");
    match (state.phase.takes_answers(), stands) {
        (true, Some(Stage::Go | Stage::Preparing)) => {
            vec![("Offre remise", "remis"), LATER, ("On abandonne", "abandon")]
        }
        (true, Some(stage)) if stage.declines() => vec![GO],
        // What changes after it may ask for another.
        (true, Some(Stage::Submitted)) => vec![("À remettre de nouveau", "oui")],
        (true, Some(stage)) if stage.is_decided() => Vec::new(),
        (true, _) => vec![GO, ("Écarter", "non"), LATER],
        (false, Some(Stage::Won | Stage::Lost | Stage::NoAward)) => Vec::new(),
        (false, _) if state.phase.may_be_won() => vec![("Gagné", "gagne"), ("Perdu", "perdu")],
        (false, _) => Vec::new(),
    }
}

/// Vigie's own pages about a notice, where they are served to the outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Links<'a> {
    /// The page of its procedure.
    pub page: Option<&'a str>,
    /// The page where the one who reads the message answers, without signing in.
    pub answer: Option<&'a str>,
    /// The page where they stop hearing of what is reserved to others.
    pub without_closed: Option<&'a str>,
}

/// A line with a label.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Line {
    pub label: String,
    pub text: String,
    /// The words it stands on.
    pub quote: Option<String>,
    /// Worth a mark (compulsory visit, reservation).
    pub strong: bool,
    /// To be verified by a person: never shown as certain.
    pub doubtful: bool,
}

impl Line {
    fn new(label: String, text: String) -> Self {
        Self { label, text, ..Self::default() }
    }
}

/// How a procedure stands, as templates see it.
#[derive(Debug, Clone, Serialize)]
pub struct StateLine {
    /// `Ouvert`, `Annulé`.
    pub label: &'static str,
    /// [`Phase::as_str`], for style sheets.
    pub name: &'static str,
    /// The whole line: « Sans suite : budget insuffisant ».
    pub line: String,
    /// What there is beside the label; may be empty.
    pub detail: String,
    /// The buyer's own words for why nobody won.
    pub words: Option<String>,
    /// One can answer it, now or later.
    pub open: bool,
    /// One who answered may have won or lost.
    pub may_be_won: bool,
}

impl StateLine {
    /// The line of that state.
    #[must_use]
    pub fn of(state: &ProcedureState, now: DateTime<Utc>) -> Self {
        Self {
            label: state.label(),
            name: state.phase.as_str(),
            line: state.in_french(now),
            detail: state.detail(now),
            words: state.words.as_deref().map(|w| short(w, MAX_QUOTE)),
            open: state.phase.takes_answers(),
            may_be_won: state.phase.may_be_won(),
        }
    }
}

/// A notice as a message shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// What the message is: `Nouveau`, `Rectificatif`…; of what ended, how: `Annulé`.
    pub status: String,
    /// How the procedure stands now.
    pub state: StateLine,
    /// What it offers, in a few words: `Réservé aux EA et ESAT`; empty where there is nothing to say, or nothing left to answer.
    pub verdict: String,
    /// How much it offers: [`Strength::as_str`].
    pub strength: &'static str,
    /// The verdict, short enough for a subject; only of what stands out.
    pub short_verdict: String,
    /// The title, short enough for a subject.
    pub short_title: String,
    pub title: String,
    pub buyer: String,
    pub place: String,
    /// What is to be done, as the notice describes it.
    pub description: Option<String>,
    /// What the lots listed are called: `Lots`, `Lots qui vous concernent`.
    pub lots_title: &'static str,
    /// Lots that concern the person.
    pub lots: Vec<Line>,
    /// Lots left out of the list.
    pub more_lots: usize,
    /// Typed dates with days left.
    pub dates: Vec<Line>,
    /// Of these, the visits to come.
    pub visits: Vec<Line>,
    /// Until when one can answer, in whole: « À rendre avant le mardi 12 janvier 2027 à 12 h (dans 21 jours) »; of what is open and
    /// gives no date, where to look for it.
    pub answer_by: Option<String>,
    /// The closing date in short, for subjects; none of what cannot be answered any more.
    pub deadline: Option<String>,
    /// The closing day, and the hour where it is known, for lines that have no room for the whole.
    pub closes: Option<String>,
    /// Visits to come, a sentence each, for a digest: without a compulsory one an offer is refused.
    pub visits_in_short: Vec<String>,
    /// Days left in words.
    pub left: Option<String>,
    pub changes: Vec<String>,
    /// Provisions with their words.
    pub provisions: Vec<Line>,
    pub why: Vec<String>,
    /// Facts needed to decide.
    pub facts: Vec<Line>,
    /// Who can help: facilitators of the territory, the buyer's commitment.
    pub contacts: Vec<String>,
    pub winners: Vec<String>,
    /// Lots that nobody won, and why; whom the buyer means to conclude with.
    pub unawarded: Vec<String>,
    /// Vigie's page of the procedure.
    pub page: Option<String>,
    /// Page where the reader answers.
    pub answer: Option<String>,
    /// What they may answer there.
    pub choices: Vec<Choice>,
    /// What their structure answered, where it did.
    pub stands: Option<String>,
    /// What met is reserved to others than the reader's structure.
    pub reserved_to_others: bool,
    /// Page where they stop hearing of what is reserved to others, where this is.
    pub without_closed: Option<String>,
    /// The publisher's page of the notice.
    pub link: Option<String>,
    pub documents: Option<String>,
    /// What its link is called: the home of a portal has no files of its own.
    pub documents_label: &'static str,
    /// `BOAMP 26-12345`.
    pub reference: String,
    /// 0–100.
    pub score: u8,
    /// Why the message is grouped, if it is.
    pub note: Option<String>,
    /// What is to be said of this one thing.
    pub remark: Option<String>,
}

/// One line of at most `n` characters, cut at a word.
#[must_use]
pub fn short(text: &str, n: usize) -> String {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= n {
        return line;
    }
    let cut: String = line.chars().take(n.saturating_sub(1)).collect();
    let at = cut.rfind(' ').filter(|i| *i > n / 2).unwrap_or(cut.len());
    format!("{}…", cut[..at].trim_end_matches([',', ';', ':', ' ']))
}

/// A title without the word that says what the message is already: « Rectificatif : Entretien du linge ».
fn without_status<'t>(title: &'t str, status: &str) -> &'t str {
    let begins = title.get(..status.len()).is_some_and(|start| start.to_lowercase() == status.to_lowercase());
    let rest = title.get(status.len()..).map(str::trim_start).filter(|_| begins && !status.is_empty());
    let told = rest.and_then(|rest| rest.strip_prefix([':', '–', '—', '-'])).map(str::trim_start);
    told.filter(|rest| !rest.is_empty()).unwrap_or(title)
}

/// Builds the card of a notice.
#[must_use]
pub fn card(told: &AlertItem<'_>, now: DateTime<Utc>) -> Card {
    let a = told.assessment;
    let found = &told.why.found;
    let open = told.state.phase.takes_answers();
    let deadline = told.state.closes.or_else(|| a.deadline()).filter(|_| open);
    let mine: Vec<&AssessedLot> =
        a.lots.iter().filter(|l| found.lots.is_empty() || found.lots.contains(&l.id)).collect();
    let strength = Strength::of(a);
    let dates = dates(told, now, |_| true);
    let visit_dated = a.dates.iter().any(|d| d.kind == DateKind::Visit);
    let whole = without_status(&a.title, status(told));
    let title = short(whole, MAX_TITLE);
    Card {
        status: status(told).to_owned(),
        state: StateLine::of(told.state, now),
        verdict: if open { verdict(a) } else { String::new() },
        strength: strength.as_str(),
        short_verdict: if open && strength >= Strength::Medium { short(&verdict(a), 60) } else { String::new() },
        short_title: short(whole, 70),
        buyer: short(a.buyer.as_deref().unwrap_or("Acheteur non précisé"), 160),
        place: place(told),
        description: says::description(told.notice, &title),
        lots_title: if mine.len() < a.lots.len() { "Lots qui vous concernent" } else { "Lots" },
        lots: mine.iter().take(MAX_LOTS).map(|l| lot_line(l)).collect(),
        more_lots: mine.len().saturating_sub(MAX_LOTS),
        visits: self::dates(told, now, |d| d.kind == DateKind::Visit && d.at > now),
        dates,
        answer_by: open.then(|| answer_by(told, deadline, now)),
        deadline: deadline.map(|d| french::date(d.date_naive())),
        closes: deadline.map(|d| closing(a, d)),
        visits_in_short: visits_in_short(told, now),
        left: deadline.map(|d| french::days_left(d, now)),
        changes: changes(told),
        provisions: a.provisions.iter().map(|p| says::provision_of(p, a)).collect(),
        why: told.why.fit.reasons.clone(),
        facts: says::facts(&a.facts, visit_dated),
        contacts: told.contacts.iter().map(|c| short(c, 200)).collect(),
        winners: a.awards.iter().filter(is_won).take(MAX_LOTS).map(award).collect(),
        unawarded: a.awards.iter().filter(|w| !w.outcome.is_award()).take(MAX_LOTS).map(unawarded).collect(),
        page: told.links.page.map(str::to_owned),
        answer: told.links.answer.map(str::to_owned),
        choices: choices(told.state, told.stands.map(|s| s.stage)),
        stands: told.stands.map(|s| s.line.clone()),
        reserved_to_others: found.access == Access::Closed,
        without_closed: told.links.without_closed.filter(|_| found.access == Access::Closed).map(str::to_owned),
        link: told.notice.url.clone().filter(|u| is_web(u)),
        documents: told.notice.documents_url.clone().filter(|u| is_web(u)),
        documents_label: documents_label(told.notice.documents_url.as_deref().unwrap_or_default()),
        reference: format!("{} {}", told.notice.source.to_uppercase(), told.notice.record_id),
        score: a.score,
        note: told.why.note.clone(),
        remark: told.why.remark.clone(),
        title,
    }
}

/// A lot: its number, and its title without that number again.
fn lot_line(lot: &AssessedLot) -> Line {
    Line::new(format!("Lot {}", lot.id), short(lot_title(&lot.id, &lot.title), 140))
}

/// A lot's title without the number that stands before it: `gros œuvre` of « Lot n° 1 : gros œuvre ».
#[must_use]
pub fn lot_title<'t>(id: &str, title: &'t str) -> &'t str {
    let whole = title.trim();
    let Some(rest) = whole.get(..3).filter(|head| head.eq_ignore_ascii_case("lot")).map(|_| &whole[3..]) else {
        return whole;
    };
    let number = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | 'n' | 'N' | '°' | 'º' | '0'));
    let Some(rest) = number.strip_prefix(id).filter(|r| !r.starts_with(char::is_alphanumeric)) else { return whole };
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | '.' | '/'));
    if rest.is_empty() { whole } else { rest }
}

/// What changed; for a correction that no field tells, the publisher's own words.
fn changes(told: &AlertItem<'_>) -> Vec<String> {
    // How it ended stands in its state already.
    let ended = |c: &&Change| {
        matches!(c, Change::Cancelled | Change::Awarded | Change::NoAward | Change::Intended | Change::Because(_))
    };
    let settled = told.state.phase.is_settled();
    let found: Vec<String> = told.changes.iter().filter(|c| !(settled && ended(c))).map(change).collect();
    if !found.is_empty() || told.kind != AlertKind::Correction {
        return found;
    }
    let says_what =
        |field: &str| ["infosRectif", "ReasonDescription", "ChangeDescription"].iter().any(|f| field.ends_with(f));
    let words =
        told.notice.passages.iter().find(|p| says_what(&p.field)).map(|p| format!("« {} »", short(&p.text, MAX_QUOTE)));
    vec![words.unwrap_or_else(|| "Un rectificatif est publié : relisez l’avis".to_owned())]
}

/// Outside links: web addresses only.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// What a link to the files of a consultation is called. Where the notice gives a portal's home alone, the files are to be looked for.
fn documents_label(url: &str) -> &'static str {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    if path.trim_matches('/').is_empty() { "Chercher sur le profil d’acheteur" } else { "Retirer le dossier" }
}

/// What the message is; of a procedure that is over, how it stands, whatever the message was to tell.
fn status(told: &AlertItem<'_>) -> &'static str {
    let follows_a_contract = matches!(told.kind, AlertKind::Modification | AlertKind::Completion);
    match told.state.phase {
        Phase::Planned if told.kind == AlertKind::New => told.state.label(),
        Phase::Planned | Phase::Open | Phase::ClosingSoon => alert_label(told.kind),
        _ if follows_a_contract => alert_label(told.kind),
        Phase::Closed if told.kind != AlertKind::New => alert_label(told.kind),
        _ => told.state.label(),
    }
}

/// The strongest thing the notice offers, in a few words; empty where it offers nothing that was recognised.
#[must_use]
pub fn verdict(a: &Assessment) -> String {
    let result = a.notice_kind.is_result() || a.notice_kind == NoticeKind::Cancellation;
    match Strength::of(a) {
        Strength::None if !result => String::new(),
        Strength::Light if a.sectors.is_empty() && a.has(ProvisionKind::ToVerify) && !result => {
            provision_label(ProvisionKind::ToVerify).to_owned()
        }
        _ => a.reasons.first().map(|r| short(r, 120)).unwrap_or_default(),
    }
}

fn place(told: &AlertItem<'_>) -> String {
    let rules = vigie_config::rules::Rules::embedded();
    let departments: Vec<String> =
        told.assessment.departments.iter().take(4).map(|d| rules.department_label(d.as_str())).collect();
    let more = told.assessment.departments.len().saturating_sub(4);
    let text = french::list(&departments);
    let whole = if more > 0 {
        let others = if more > 1 { format!("{more} autres départements") } else { "un autre département".to_owned() };
        format!("{text} et {others}")
    } else {
        text
    };
    // The town says more than its département.
    let mut towns: Vec<&str> = told.notice.places.iter().filter_map(|p| p.city.as_deref()).map(str::trim).collect();
    towns.retain(|t| !t.is_empty() && t.chars().count() < 40);
    towns.dedup();
    match towns.as_slice() {
        [] => whole,
        [town] if whole.is_empty() => (*town).to_owned(),
        [town] => format!("{town}, {whole}"),
        [first, second] if !whole.is_empty() => format!("{first} et {second}, {whole}"),
        _ => whole,
    }
}

/// A closing moment: its day, and its hour where a date of the notice gives it.
fn closing(a: &Assessment, closes: DateTime<FixedOffset>) -> String {
    let stated = a.dates.iter().find(|d| d.kind != DateKind::Visit && d.at == closes);
    stated.map_or_else(|| french::date(closes.date_naive()), french::moment)
}

/// Visits to come of what can be answered, the first ones: « Visite obligatoire le mercredi 9 décembre 2026 à 14 h (dans 8 jours) »; that
/// one is compulsory, where the notice gives no day.
fn visits_in_short(told: &AlertItem<'_>, now: DateTime<Utc>) -> Vec<String> {
    let (a, lots) = (told.assessment, &told.why.found.lots);
    if !told.state.phase.takes_answers() {
        return Vec::new();
    }
    let mine = |lot: Option<&String>| lots.is_empty() || lot.is_none_or(|l| lots.contains(l));
    let mut visits: Vec<&TypedDate> =
        a.dates.iter().filter(|d| d.kind == DateKind::Visit && mine(d.lot.as_ref())).collect();
    if visits.is_empty() && a.facts.iter().any(|f| f.kind == FactKind::Visit && mine(f.lot.as_ref())) {
        return vec!["Visite obligatoire, sans date dans l’avis".to_owned()];
    }
    visits.sort_by_key(|d| d.at);
    let said = visits.into_iter().filter(|d| d.at > now).map(|d| {
        let what = if d.mandatory { "Visite obligatoire" } else { "Visite" };
        format!("{what} le {} ({})", french::moment(d), french::days_left(d.at, now))
    });
    let mut said: Vec<String> = said.collect();
    said.dedup();
    said.truncate(MAX_VISITS);
    said
}

/// Until when one can answer, in whole; where no notice says so, where to look for it.
fn answer_by(told: &AlertItem<'_>, deadline: Option<DateTime<FixedOffset>>, now: DateTime<Utc>) -> String {
    let Some(closes) = deadline else { return french::capital(&told.state.detail(now)) };
    let apply = told.assessment.dates.iter().any(|d| d.kind == DateKind::Participation && d.at == closes);
    let what = if apply { "Candidature à" } else { "À" };
    format!("{what} rendre avant le {} ({})", closing(told.assessment, closes), french::days_left(closes, now))
}

fn dates(told: &AlertItem<'_>, now: DateTime<Utc>, wanted: impl Fn(&TypedDate) -> bool) -> Vec<Line> {
    let mut sorted: Vec<_> = told.assessment.dates.iter().filter(|d| wanted(d)).collect();
    sorted.sort_by_key(|d| d.at);
    sorted
        .into_iter()
        .map(|d| {
            let label = match (d.kind, d.mandatory) {
                (DateKind::Visit, true) => "Visite obligatoire",
                (DateKind::Visit, false) => "Visite",
                (DateKind::Questions, _) => "Questions jusqu’au",
                (DateKind::Participation, _) => "Candidature à rendre avant le",
                (DateKind::Tender, _) => "À rendre avant le",
            };
            let lot = d.lot.as_ref().map(|l| format!(" (lot {l})")).unwrap_or_default();
            let quote = d.quote.as_deref();
            Line {
                quote: if d.kind == DateKind::Visit {
                    quote.map(|q| says::sentence(q, &told.notice.passages))
                } else {
                    quote.map(|q| short(q, MAX_QUOTE))
                },
                strong: d.mandatory || matches!(d.kind, DateKind::Tender | DateKind::Participation),
                ..Line::new(
                    format!("{label}{lot}"),
                    format!("{} ({})", french::moment(d), french::days_left(d.at, now)),
                )
            }
        })
        .collect()
}

fn is_won(award: &&Award) -> bool {
    award.outcome.is_award() && !award.winners.is_empty()
}

fn of_lot(award: &Award) -> String {
    award.lot.as_ref().map(|l| format!("Lot {l}\u{a0}: ")).unwrap_or_default()
}

/// A lot without a winner, in words.
fn unawarded(award: &Award) -> String {
    let said = match award.outcome {
        Outcome::StillOpen => "pas encore de titulaire, la procédure continue".to_owned(),
        Outcome::Intended if award.winners.is_empty() => "attribution envisagée sans mise en concurrence".to_owned(),
        Outcome::Intended => {
            format!("attribution envisagée sans mise en concurrence à {}", short(&french::list(&award.winners), 160))
        }
        Outcome::NoAward | Outcome::Awarded => no_award_in_french(award.reason),
    };
    match of_lot(award) {
        lot if lot.is_empty() => french::capital(&said),
        lot => format!("{lot}{said}"),
    }
}

fn award(award: &Award) -> String {
    let lot = of_lot(award);
    let amount =
        award.amount.filter(|a| *a > 0.0).map(|a| format!(" ({}\u{a0}€ HT)", french::number(a))).unwrap_or_default();
    format!("{lot}{}{amount}", short(&french::list(&award.winners), 160))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_does_not_say_again_what_the_message_is() {
        for (title, said) in [
            ("Rectificatif : Gardiennage du gymnase", "Gardiennage du gymnase"),
            ("RECTIFICATIF – Gardiennage", "Gardiennage"),
            ("Rectificatif", "Rectificatif"),
            ("Rectificatif :", "Rectificatif :"),
            ("Rectificatifs budgétaires : audit", "Rectificatifs budgétaires : audit"),
            ("Été : entretien", "Été : entretien"),
        ] {
            assert_eq!(without_status(title, "Rectificatif"), said);
        }
        assert_eq!(without_status(": x", ""), ": x");
    }

    /// A correction of what was answered offered « On y va » again.
    #[test]
    fn what_was_answered_is_not_asked_again() {
        let at = DateTime::parse_from_rfc3339("2027-01-12T12:00:00+01:00").unwrap();
        let mut call = Assessment::new("1", NoticeKind::Call);
        call.dates = vec![TypedDate::of_field(DateKind::Tender, (at, true), "f")];
        let words = |days: i64, stage| -> Vec<&str> {
            let now = at.with_timezone(&Utc) + chrono::Duration::days(days);
            choices(&ProcedureState::of_verdict(&call, now), stage).into_iter().map(|(_, word)| word).collect()
        };
        assert_eq!(words(-20, None), ["oui", "non", "plus+tard"]);
        assert_eq!(words(-20, Some(Stage::Read)), ["oui", "non", "plus+tard"]);
        assert_eq!(words(-20, Some(Stage::Go)), ["remis", "plus+tard", "abandon"]);
        assert_eq!(words(-20, Some(Stage::NoGo)), ["oui"], "the way back");
        assert_eq!(words(-20, Some(Stage::Submitted)), ["oui"], "a correction may ask for another offer");
        assert_eq!(words(20, Some(Stage::Submitted)), ["gagne", "perdu"]);
        assert!(words(20, Some(Stage::Won)).is_empty());
    }

    #[test]
    fn a_portal_s_home_is_no_file() {
        for home in ["https://www.marches-securises.fr", "https://www.marches-securises.fr/"] {
            assert_eq!(documents_label(home), "Chercher sur le profil d’acheteur");
        }
        assert_eq!(documents_label("https://portail.example/?id=12"), "Retirer le dossier");
        assert_eq!(documents_label("https://portail.example/consultation/12"), "Retirer le dossier");
    }

    #[test]
    fn a_lot_is_not_numbered_twice() {
        for (id, title, said) in [
            ("1", "Lot 1 : gros œuvre", "gros œuvre"),
            ("1", "LOT N°01 - Gros œuvre", "Gros œuvre"),
            ("2", "Lot n° 2 – Peinture", "Peinture"),
            ("1", "Lot 12 : serrurerie", "Lot 12 : serrurerie"),
            ("1", "Lotissement des Prés", "Lotissement des Prés"),
            ("1", "Lot 1", "Lot 1"),
            ("3", "Vitrerie", "Vitrerie"),
        ] {
            assert_eq!(lot_title(id, title), said);
        }
    }
}
