//! A notice as a message or a page shows it: every line in words, bounded, on one line each.

use chrono::{DateTime, Utc};
use serde::Serialize;
use vigie_domain::french;
use vigie_domain::notice::Award;
use vigie_domain::outcome::no_award_in_french;
use vigie_domain::procedure::{Change, Status};
use vigie_domain::snapshot::{Quantity, Terms};
use vigie_domain::subscription::Match;
use vigie_domain::{
    Access, AlertKind, Assessment, Beneficiary, DateKind, FactKind, NoAwardReason, Notice, Outcome, Provision,
    ProvisionKind,
};

use crate::fit::Fit;
pub use crate::labels::{alert_label, beneficiary_label, provision_label, route_label, structure_label};

/// Longest title shown.
const MAX_TITLE: usize = 240;
/// Longest quote shown.
const MAX_QUOTE: usize = 300;
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
}

/// One notice to tell, with all that is known of it.
#[derive(Debug, Clone)]
pub struct AlertItem<'a> {
    /// What the alert says.
    pub kind: AlertKind,
    pub changes: &'a [Change],
    pub notice: &'a Notice,
    pub assessment: &'a Assessment,
    pub why: &'a Why,
    /// Who can help, out of the directories.
    pub contacts: &'a [String],
    /// Where Vigie's own pages tell of it.
    pub links: Links<'a>,
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
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub label: String,
    pub text: String,
    /// The words it stands on.
    pub quote: Option<String>,
    /// Worth a mark (compulsory visit, doubt).
    pub strong: bool,
}

/// A notice as a message shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// `Nouveau`, `Rectificatif`…
    pub status: String,
    /// The verdict, short enough for a subject; empty when there is nothing to boast of.
    pub short_verdict: String,
    /// The title, short enough for a subject.
    pub short_title: String,
    /// The verdict in a few words: `Réservé aux EA et ESAT`.
    pub verdict: String,
    pub title: String,
    pub buyer: String,
    pub place: String,
    /// Lots that concern the person.
    pub lots: Vec<Line>,
    /// Lots left out of the list.
    pub more_lots: usize,
    /// Typed dates with days left.
    pub dates: Vec<Line>,
    /// The closing date in short, for subjects and digests.
    pub deadline: Option<String>,
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
    /// Page where they stop hearing of what is reserved to others, where this is.
    pub without_closed: Option<String>,
    /// The publisher's page of the notice.
    pub link: Option<String>,
    pub documents: Option<String>,
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

/// Builds the card of a notice.
#[must_use]
pub fn card(told: &AlertItem<'_>, now: DateTime<Utc>) -> Card {
    let a = told.assessment;
    let found = &told.why.found;
    let deadline = a.deadline();
    let mine: Vec<&vigie_domain::assessment::AssessedLot> =
        a.lots.iter().filter(|l| found.lots.is_empty() || found.lots.contains(&l.id)).collect();
    Card {
        status: status(told.kind, a, now).to_owned(),
        short_verdict: if a.provisions.is_empty() && a.sectors.is_empty() {
            String::new()
        } else {
            short(&verdict(a), 60)
        },
        short_title: short(&a.title, 70),
        verdict: verdict(a),
        title: short(&a.title, MAX_TITLE),
        buyer: short(a.buyer.as_deref().unwrap_or("Acheteur non précisé"), 160),
        place: place(told),
        lots: mine
            .iter()
            .take(MAX_LOTS)
            .map(|l| Line { label: format!("Lot {}", l.id), text: short(&l.title, 140), quote: None, strong: false })
            .collect(),
        more_lots: mine.len().saturating_sub(MAX_LOTS),
        dates: dates(a, now),
        deadline: deadline.map(|d| french::date(d.date_naive())),
        left: deadline.map(|d| french::days_left(d, now)),
        changes: changes(told),
        provisions: a.provisions.iter().map(provision).collect(),
        why: told.why.fit.reasons.clone(),
        facts: facts(a),
        contacts: told.contacts.iter().map(|c| short(c, 200)).collect(),
        winners: a.awards.iter().filter(is_won).take(MAX_LOTS).map(award).collect(),
        unawarded: a.awards.iter().filter(|w| !w.outcome.is_award()).take(MAX_LOTS).map(unawarded).collect(),
        page: told.links.page.map(str::to_owned),
        answer: told.links.answer.map(str::to_owned),
        without_closed: told.links.without_closed.filter(|_| found.access == Access::Closed).map(str::to_owned),
        link: told.notice.url.clone().filter(|u| is_web(u)),
        documents: told.notice.documents_url.clone().filter(|u| is_web(u)),
        reference: format!("{} {}", told.notice.source.to_uppercase(), told.notice.record_id),
        score: a.score,
        note: told.why.note.clone(),
        remark: told.why.remark.clone(),
    }
}

/// What changed; for a correction that no field tells, the publisher's own words.
fn changes(told: &AlertItem<'_>) -> Vec<String> {
    let found: Vec<String> = told.changes.iter().map(change).collect();
    if !found.is_empty() || told.kind != AlertKind::Correction {
        return found;
    }
    let says_what =
        |field: &str| ["infosRectif", "ReasonDescription", "ChangeDescription"].iter().any(|f| field.ends_with(f));
    let words = told
        .notice
        .passages
        .iter()
        .find(|p| says_what(&p.field))
        .map(|p| format!("«\u{a0}{}\u{a0}»", short(&p.text, MAX_QUOTE)));
    vec![words.unwrap_or_else(|| "Un rectificatif est publié : relisez l’avis".to_owned())]
}

/// Outside links: web addresses only.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn status(kind: AlertKind, a: &Assessment, now: DateTime<Utc>) -> &'static str {
    match kind {
        AlertKind::New if a.deadline().is_some_and(|d| d < now) => "Déjà clos",
        AlertKind::New if a.notice_kind == vigie_domain::NoticeKind::PriorInformation => "À venir",
        kind => alert_label(kind),
    }
}

/// The strongest thing the notice offers, in a few words.
#[must_use]
pub fn verdict(a: &Assessment) -> String {
    a.reasons.first().map(|r| short(r, 120)).unwrap_or_default()
}

fn place(told: &AlertItem<'_>) -> String {
    let rules = vigie_config::rules::Rules::embedded();
    let departments: Vec<String> = told
        .assessment
        .departments
        .iter()
        .take(4)
        .map(|d| format!("{} ({d})", rules.department_name(d.as_str())))
        .collect();
    let more = told.assessment.departments.len().saturating_sub(4);
    let text = french::list(&departments);
    if more > 0 {
        format!(
            "{text} et {}",
            if more > 1 { format!("{more} autres départements") } else { "un autre département".to_owned() }
        )
    } else {
        text
    }
}

fn dates(a: &Assessment, now: DateTime<Utc>) -> Vec<Line> {
    let mut sorted: Vec<_> = a.dates.iter().collect();
    sorted.sort_by_key(|d| d.at);
    sorted
        .into_iter()
        .map(|d| {
            let label = match (d.kind, d.mandatory) {
                (DateKind::Visit, true) => "Visite obligatoire",
                (DateKind::Visit, false) => "Visite",
                (DateKind::Questions, _) => "Questions jusqu’au",
                (DateKind::Participation, _) => "Candidatures avant le",
                (DateKind::Tender, _) => "Offres avant le",
            };
            let lot = d.lot.as_ref().map(|l| format!(" (lot {l})")).unwrap_or_default();
            Line {
                label: format!("{label}{lot}"),
                text: format!("{} ({})", french::moment(d), french::days_left(d.at, now)),
                quote: d.quote.as_deref().map(|q| short(q, MAX_QUOTE)),
                strong: d.mandatory || matches!(d.kind, DateKind::Tender | DateKind::Participation),
            }
        })
        .collect()
}

/// A provision in words.
#[must_use]
pub fn provision(p: &Provision) -> Line {
    let mut parts: Vec<String> = Vec::new();
    if let Some(who) = p.beneficiary {
        parts.push(beneficiary_label(who).to_owned());
    }
    if !p.lots.is_empty() {
        let mut shown: Vec<String> = p.lots.iter().take(MAX_LOTS).cloned().collect();
        if p.lots.len() > MAX_LOTS {
            shown.push(format!("{} autres", p.lots.len() - MAX_LOTS));
        }
        parts.push(format!("{} {}", if p.lots.len() > 1 { "lots" } else { "lot" }, french::list(&shown)));
    }
    if let Some(least) = p.hours {
        // Hours of several lots are those of all together.
        let of_all = if p.lots.len() > 1 { " en tout" } else { "" };
        parts.push(format!("{}{of_all}", hours(Quantity { least, most: p.hours_max })));
    }
    if let Some(percent) = p.percent {
        parts.push(format!("{}\u{202f}% des heures", french::number(percent)));
    }
    if let Some(weight) = p.weight {
        parts.push(format!("{}\u{202f}% de la note", french::number(weight)));
    }
    if p.mandatory == Some(false) {
        parts.push(optional(p.kind).to_owned());
    }
    if let Some(article) = &p.article {
        parts.push(article.clone());
    }
    if p.kind == ProvisionKind::SocialConditionNotSeen {
        parts.push("non vue dans l’avis, à vérifier au CCAP".to_owned());
    }
    if let Some(doubt) = &p.doubt {
        parts.push(doubt.clone());
    }
    Line {
        label: provision_label(p.kind).to_owned(),
        text: parts.join(" · "),
        quote: p.evidence.quote.as_deref().map(|q| short(q, MAX_QUOTE)),
        strong: matches!(p.kind, ProvisionKind::Reserved | ProvisionKind::InsertionService),
    }
}

/// Facts in their order; words that prove several of them (duration, renewals, latest end) stand under the first one.
fn facts(a: &Assessment) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (at, f) in a.facts.iter().enumerate() {
        let mut line = fact(f);
        if a.facts[..at].iter().any(|earlier| earlier.evidence.quote == f.evidence.quote) {
            line.quote = None;
        }
        lines.push(line);
    }
    lines
}

fn fact(f: &vigie_domain::DecisionFact) -> Line {
    let months = |v: f64| {
        if v >= 24.0 && v % 12.0 == 0.0 {
            format!("{} ans", french::number(v / 12.0))
        } else {
            format!("{} mois", french::number(v))
        }
    };
    let (label, text) = match (f.kind, f.value) {
        (FactKind::Visit, _) => ("Visite obligatoire", String::new()),
        (FactKind::Duration, Some(v)) => ("Durée", months(v)),
        (FactKind::Renewals, Some(v)) => ("Reconductions", french::number(v)),
        (FactKind::LatestEnd, Some(v)) => ("Fin au plus tard après", months(v)),
        (FactKind::FrameworkMaximum, Some(v)) => {
            let yearly = f.evidence.quote.as_deref().map(str::to_lowercase).is_some_and(|q| {
                ["maximum annuel", "maximal annuel", "maximum par an", "annuel maximum"].iter().any(|w| q.contains(w))
            });
            (
                "Maximum de l’accord-cadre",
                format!("{}\u{a0}€ HT{}", french::number(v), if yearly { " par an" } else { "" }),
            )
        }
        (FactKind::LotCap, Some(v)) => ("Lots par candidat", format!("{} au plus", french::number(v))),
        (FactKind::MinimumTurnover, Some(v)) => ("Chiffre d’affaires minimal", format!("{}\u{a0}€", french::number(v))),
        (FactKind::JointBidForm, _) => ("Forme de groupement", String::new()),
        (FactKind::StaffTakeover, _) => ("Reprise du personnel", String::new()),
        (FactKind::Certificate, _) => ("Certificat demandé", String::new()),
        (_, None) => ("À savoir", String::new()),
    };
    Line {
        label: label.to_owned(),
        text,
        quote: f.evidence.quote.as_deref().map(|q| short(q, 200)),
        strong: matches!(f.kind, FactKind::Visit | FactKind::StaffTakeover),
    }
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

/// A change in words.
#[must_use]
pub fn change(change: &Change) -> String {
    let what = |kind: &DateKind| match kind {
        DateKind::Visit => "La visite",
        DateKind::Questions => "La date limite des questions",
        DateKind::Participation => "La date limite des candidatures",
        DateKind::Tender => "La date limite des offres",
    };
    // 23:59 stands for a day without a time (see `TypedDate::has_time`).
    let at = |t: &DateTime<chrono::FixedOffset>| match french::clock(*t) {
        end if end == "23\u{a0}h\u{a0}59" => french::date(t.date_naive()),
        clock => format!("{} à {clock}", french::date(t.date_naive())),
    };
    match change {
        Change::Date { kind, from: Some(from), to: Some(to) } => {
            format!("{} passe du {} au {}", what(kind), at(from), at(to))
        }
        Change::Date { kind, from: None, to: Some(to) } => format!("{} est fixée au {}", what(kind), at(to)),
        Change::Date { kind, .. } => format!("{} n’est plus indiquée", what(kind)),
        Change::LotDropped(lot) => format!("Le lot {lot} est retiré"),
        Change::LotAdded(lot) => format!("Le lot {lot} est ajouté"),
        Change::ProvisionAppeared(kind, who, lots) => format!("Ajouté : {}", stated(*kind, *who, lots)),
        Change::ProvisionVanished(kind, who, lots) => format!("Retiré : {}", stated(*kind, *who, lots)),
        Change::BeneficiaryChanged { kind, lots, from, to } => {
            let who = |who: &Option<Beneficiary>| who.map_or("bénéficiaires non précisés", beneficiary_label);
            format!("{}\u{a0}: {} → {}", stated(*kind, None, lots), who(from), who(to))
        }
        Change::TermsChanged { kind, lots, from, to } => {
            format!("{}\u{a0}: {}", stated(*kind, None, lots), terms_changed(*kind, from, to))
        }
        Change::Cancelled => "La procédure est annulée ou déclarée sans suite".to_owned(),
        Change::Awarded => "Le marché est attribué".to_owned(),
        Change::NoAward => "Personne n’est retenu\u{a0}: le marché n’est pas attribué".to_owned(),
        Change::Intended => "L’acheteur envisage de conclure sans mise en concurrence".to_owned(),
        Change::Because(reason) => french::capital(&no_award_in_french(Some(*reason))),
        Change::LotsEnded { status, lots, reason } => {
            format!("{}\u{a0}: {}", lots_named(lots), ended(*status, *reason))
        }
    }
}

/// How a procedure or a lot ended, in a word or two.
#[must_use]
pub fn ended(status: Status, reason: Option<NoAwardReason>) -> String {
    match status {
        Status::Open => "ouvert".to_owned(),
        Status::Cancelled if reason.is_none() => "annulé".to_owned(),
        Status::Cancelled | Status::NoAward => no_award_in_french(reason),
        Status::Awarded => "attribué".to_owned(),
        Status::Intended => "attribution envisagée sans mise en concurrence".to_owned(),
    }
}

/// "Lot 2", "Lots 2, 3 et 5".
fn lots_named(lots: &[String]) -> String {
    let mut shown: Vec<String> = lots.iter().take(MAX_LOTS).cloned().collect();
    if lots.len() > MAX_LOTS {
        shown.push(format!("{} autres", lots.len() - MAX_LOTS));
    }
    format!("{} {}", if lots.len() > 1 { "Lots" } else { "Lot" }, french::list(&shown))
}

/// A provision as a change names it.
fn stated(kind: ProvisionKind, who: Option<Beneficiary>, lots: &[String]) -> String {
    let who = who.map(|w| format!(" ({})", beneficiary_label(w))).unwrap_or_default();
    let lots = if lots.is_empty() { String::new() } else { format!(", {}", lots_named(lots).to_lowercase()) };
    format!("{}{who}{lots}", provision_label(kind))
}

/// "facultative" of a clause, "facultatif" of the rest.
fn optional(kind: ProvisionKind) -> &'static str {
    match kind {
        ProvisionKind::ExecutionClause | ProvisionKind::InsertionService => "facultative",
        _ => "facultatif",
    }
}

/// "450 heures", "300 à 400 heures".
fn hours(of: Quantity) -> String {
    format!("{}\u{a0}heures", range(of))
}

fn range(of: Quantity) -> String {
    let most = of.most.filter(|m| *m > of.least).map(|m| format!(" à {}", french::number(m))).unwrap_or_default();
    format!("{}{most}", french::number(of.least))
}

/// What a provision asks for before and after: "300 → 450 heures".
fn terms_changed(kind: ProvisionKind, from: &Terms, to: &Terms) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (from.hours, to.hours) {
        (a, b) if a == b => {}
        (Some(a), Some(b)) => parts.push(format!("{} → {}", range(a), hours(b))),
        (None, Some(b)) => parts.push(format!("{} (non chiffré auparavant)", hours(b))),
        (Some(a), None) => parts.push(format!("{} auparavant, plus de nombre d’heures indiqué", hours(a))),
        (None, None) => {}
    }
    let mut share = |a: Option<f64>, b: Option<f64>, of: &str| match (a, b) {
        (a, b) if a == b => {}
        (Some(a), Some(b)) => parts.push(format!("{} → {}\u{202f}% {of}", french::number(a), french::number(b))),
        (None, Some(b)) => parts.push(format!("{}\u{202f}% {of} (non chiffré auparavant)", french::number(b))),
        (Some(a), None) => {
            parts.push(format!("{}\u{202f}% {of} auparavant, plus de pourcentage indiqué", french::number(a)))
        }
        (None, None) => {}
    };
    share(from.percent, to.percent, "des heures");
    share(from.weight, to.weight, "de la note");
    if from.mandatory != to.mandatory {
        parts.push(match to.mandatory {
            Some(false) => format!("devient {}", optional(kind)),
            _ => "devient obligatoire".to_owned(),
        });
    }
    parts.join(" ; ")
}
