//! What is said: one model for every channel, rendered by templates in French that an operator can override.
//!
//! Outside text (titles, quotes, names) is collapsed to one line, bounded, and escaped by the template engine for HTML.
//! Headers are built from subjects that hold no control character.

use std::path::Path;

use chrono::{DateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use vigie_domain::procedure::Change;
use vigie_domain::subscription::Match;
use vigie_domain::{
    AlertKind, Assessment, Beneficiary, DateKind, FactKind, Notice, Provision, ProvisionKind, StructureKind,
};

use crate::fit::Fit;
use vigie_domain::french;

/// Longest title shown.
const MAX_TITLE: usize = 240;
/// Longest quote shown.
const MAX_QUOTE: usize = 300;
/// Most lots listed in one message.
const MAX_LOTS: usize = 12;
/// Most items shown in full in a digest.
const MAX_DIGEST_ITEMS: usize = 30;
/// Most further items shown by their title; beyond, only their number.
const MAX_DIGEST_TITLES: usize = 200;

/// Why a person hears of a notice, as kept with the notification.
#[derive(Debug, Clone, Default, PartialEq, Serialize, serde::Deserialize)]
pub struct Why {
    /// What met.
    #[serde(default)]
    pub found: Match,
    /// How well it suits them.
    #[serde(default)]
    pub fit: Fit,
    /// A note ("première veille", "flux trop fort").
    #[serde(default)]
    pub note: Option<String>,
}

/// One notice to tell, with all that is known of it.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    /// What the alert says.
    pub kind: AlertKind,
    /// What changed.
    pub changes: &'a [Change],
    /// The notice.
    pub notice: &'a Notice,
    /// The verdict.
    pub assessment: &'a Assessment,
    /// Why this person.
    pub why: &'a Why,
}

/// A line with a label.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What it is.
    pub label: String,
    /// What it says.
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
    /// Title.
    pub title: String,
    /// Buyer.
    pub buyer: String,
    /// Where.
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
    /// What changed.
    pub changes: Vec<String>,
    /// Provisions with their words.
    pub provisions: Vec<Line>,
    /// Why this person.
    pub why: Vec<String>,
    /// Facts needed to decide.
    pub facts: Vec<Line>,
    /// Winners.
    pub winners: Vec<String>,
    /// Page of the notice.
    pub link: Option<String>,
    /// Consultation documents.
    pub documents: Option<String>,
    /// `BOAMP 26-12345`.
    pub reference: String,
    /// 0–100.
    pub score: u8,
    /// Why the message is grouped, if it is.
    pub note: Option<String>,
}

/// A message ready for a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line, no control characters.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML, equal in content.
    pub html: String,
    /// Page for one-click unsubscription, where one exists.
    pub unsubscribe: Option<String>,
}

/// What a message could not be made for.
#[derive(Debug, thiserror::Error)]
#[error("modèle de message {name} : {source}")]
pub struct RenderError {
    /// The template.
    pub name: String,
    /// Why.
    pub source: minijinja::Error,
}

/// Templates, built in or overridden.
pub struct Templates {
    environment: Environment<'static>,
}

const BUILT_IN: &[(&str, &str)] = &[
    ("sujet.txt", include_str!("../templates/sujet.txt")),
    ("alerte.txt", include_str!("../templates/alerte.txt")),
    ("alerte.html", include_str!("../templates/alerte.html")),
    ("resume.txt", include_str!("../templates/resume.txt")),
    ("resume.html", include_str!("../templates/resume.html")),
    ("operateur.txt", include_str!("../templates/operateur.txt")),
    ("operateur.html", include_str!("../templates/operateur.html")),
    ("cadre.html", include_str!("../templates/cadre.html")),
];

impl Templates {
    /// Loads the templates; a file of the same name in `dir` replaces the built-in one.
    ///
    /// # Errors
    /// A template is unreadable.
    pub fn load(dir: Option<&Path>) -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        environment
            .set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|source| RenderError { name: "syntaxe".to_owned(), source })?);
        for (name, built_in) in BUILT_IN {
            let own = dir.and_then(|d| std::fs::read_to_string(d.join(name)).ok());
            let text = own.unwrap_or_else(|| (*built_in).to_owned());
            environment
                .add_template_owned(*name, text)
                .map_err(|source| RenderError { name: (*name).to_owned(), source })?;
        }
        Ok(Self { environment })
    }

    fn render(&self, name: &str, values: &minijinja::Value) -> Result<String, RenderError> {
        self.environment
            .get_template(name)
            .and_then(|t| t.render(values))
            .map_err(|source| RenderError { name: name.to_owned(), source })
    }

    /// A message about one notice.
    ///
    /// # Errors
    /// A template fails.
    pub fn alert(
        &self,
        told: &Told<'_>,
        unsubscribe: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Message, RenderError> {
        let card = card(told, now);
        let values = context! { c => Serde(card), unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&self.render("sujet.txt", &values)?),
            text: tidy(&self.render("alerte.txt", &values)?),
            html: self.render("alerte.html", &values)?,
            unsubscribe,
        })
    }

    /// One message about many notices: closing soonest first.
    ///
    /// # Errors
    /// A template fails.
    pub fn digest(
        &self,
        told: &[Told<'_>],
        unsubscribe: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Message, RenderError> {
        let mut order: Vec<&Told<'_>> = told.iter().collect();
        order.sort_by_key(|t| {
            t.assessment.deadline().map_or(i64::MAX, |d| if d < now { i64::MAX } else { d.timestamp() })
        });
        let cards: Vec<Card> = order.iter().take(MAX_DIGEST_ITEMS).map(|t| card(t, now)).collect();
        let week = now + chrono::Duration::days(7);
        let soon = order
            .iter()
            .take(MAX_DIGEST_ITEMS)
            .filter(|t| t.assessment.deadline().is_some_and(|d| d >= now && d < week))
            .count();
        let note = cards.iter().find_map(|c| c.note.clone());
        let titles: Vec<Card> =
            order.iter().skip(MAX_DIGEST_ITEMS).take(MAX_DIGEST_TITLES).map(|t| card(t, now)).collect();
        let more = told.len().saturating_sub(MAX_DIGEST_ITEMS + MAX_DIGEST_TITLES);
        let values = context! { cards => Serde(&cards), titles => Serde(&titles), soon => soon, total => told.len(), more => more, note => note, unsubscribe => unsubscribe.as_deref() };
        let subject = match told.len() {
            1 => format!("Vigie : 1 marché pour vous, {}", short(&cards[0].title, 90)),
            n => format!(
                "Vigie : {n} marchés pour vous{}",
                if soon > 0 { format!(", dont {soon} à rendre sous 7 jours") } else { String::new() }
            ),
        };
        Ok(Message {
            subject: header(&subject),
            text: tidy(&self.render("resume.txt", &values)?),
            html: self.render("resume.html", &values)?,
            unsubscribe,
        })
    }

    /// A word to the operator.
    ///
    /// # Errors
    /// A template fails.
    pub fn operator(&self, title: &str, body: &str) -> Result<Message, RenderError> {
        let values = context! { title => title, body => body };
        Ok(Message {
            subject: header(&format!("Vigie – {title}")),
            text: tidy(&self.render("operateur.txt", &values)?),
            html: self.render("operateur.html", &values)?,
            unsubscribe: None,
        })
    }
}

/// No control characters, single spaces, bounded: fit for a header.
fn header(text: &str) -> String {
    short(text, 200)
}

/// At most one empty line in a row.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut empty = 0;
    for line in text.lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 && !(line.is_empty() && out.is_empty()) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
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
pub fn card(told: &Told<'_>, now: DateTime<Utc>) -> Card {
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
        facts: a.facts.iter().map(fact).collect(),
        winners: a.awards.iter().filter(|w| !w.winners.is_empty()).take(MAX_LOTS).map(award).collect(),
        link: told.notice.url.clone().filter(|u| is_web(u)),
        documents: told.notice.documents_url.clone().filter(|u| is_web(u)),
        reference: format!("{} {}", told.notice.source.to_uppercase(), told.notice.record_id),
        score: a.score,
        note: told.why.note.clone(),
    }
}

/// What changed; for a correction that no field tells, the publisher's own words.
fn changes(told: &Told<'_>) -> Vec<String> {
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
        AlertKind::New => "Nouveau",
        AlertKind::Correction => "Rectificatif",
        AlertKind::Cancellation => "Annulation",
        AlertKind::Award => "Attribution",
        AlertKind::Operator => "Exploitation",
    }
}

/// The strongest thing the notice offers, in a few words.
#[must_use]
pub fn verdict(a: &Assessment) -> String {
    a.reasons.first().map(|r| short(r, 120)).unwrap_or_default()
}

fn place(told: &Told<'_>) -> String {
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

/// Name of a provision for people.
#[must_use]
pub fn provision_label(kind: ProvisionKind) -> &'static str {
    match kind {
        ProvisionKind::Reserved => "Marché réservé",
        ProvisionKind::ExecutionClause => "Clause d’insertion",
        ProvisionKind::AwardCriterion => "Critère social",
        ProvisionKind::InsertionService => "Prestation d’insertion",
        ProvisionKind::SocialConditionNotSeen => "Condition sociale non vue",
        ProvisionKind::Other => "Autre considération sociale",
    }
}

/// For whom, for people.
#[must_use]
pub fn beneficiary_label(who: Beneficiary) -> &'static str {
    match who {
        Beneficiary::Disability => "EA et ESAT",
        Beneficiary::Insertion => "SIAE",
        Beneficiary::Both => "SIAE, EA et ESAT",
        Beneficiary::Prison => "production en établissement pénitentiaire",
        Beneficiary::SocialEconomy => "entreprises de l’économie sociale et solidaire",
        Beneficiary::Unspecified => "bénéficiaires non précisés",
    }
}

fn provision(p: &Provision) -> Line {
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
    if let Some(hours) = p.hours {
        parts.push(format!("{}\u{a0}heures", french::number(hours)));
    }
    if let Some(percent) = p.percent {
        parts.push(format!("{}\u{202f}% des heures", french::number(percent)));
    }
    if let Some(weight) = p.weight {
        parts.push(format!("{}\u{202f}% de la note", french::number(weight)));
    }
    if p.mandatory == Some(false) {
        parts.push("facultatif".to_owned());
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
            ("Maximum de l’accord-cadre", format!("{}\u{a0}€ HT", french::number(v)))
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

fn award(award: &vigie_domain::notice::Award) -> String {
    let lot = award.lot.as_ref().map(|l| format!("Lot {l} : ")).unwrap_or_default();
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
    let provision = |kind: &ProvisionKind, who: &Option<Beneficiary>, lots: &[String]| {
        let who = who.map(|w| format!(" ({})", beneficiary_label(w))).unwrap_or_default();
        let lots = if lots.is_empty() {
            String::new()
        } else {
            format!(", {} {}", if lots.len() > 1 { "lots" } else { "lot" }, french::list(lots))
        };
        format!("{}{who}{lots}", provision_label(*kind))
    };
    match change {
        Change::Date { kind, from: Some(from), to: Some(to) } => {
            format!("{} passe du {} au {}", what(kind), at(from), at(to))
        }
        Change::Date { kind, from: None, to: Some(to) } => format!("{} est fixée au {}", what(kind), at(to)),
        Change::Date { kind, .. } => format!("{} n’est plus indiquée", what(kind)),
        Change::LotDropped(lot) => format!("Le lot {lot} est retiré"),
        Change::LotAdded(lot) => format!("Le lot {lot} est ajouté"),
        Change::ProvisionAppeared(kind, who, lots) => format!("Ajouté : {}", provision(kind, who, lots)),
        Change::ProvisionVanished(kind, who, lots) => format!("Retiré : {}", provision(kind, who, lots)),
        Change::Cancelled => "La procédure est annulée ou déclarée sans suite".to_owned(),
        Change::Awarded => "Le marché est attribué".to_owned(),
    }
}

/// The kind's name for people, for pages and commands.
#[must_use]
pub fn structure_label(kind: StructureKind) -> &'static str {
    match kind {
        StructureKind::Ei => "entreprise d’insertion",
        StructureKind::Ai => "association intermédiaire",
        StructureKind::Aci => "atelier et chantier d’insertion",
        StructureKind::Etti => "entreprise de travail temporaire d’insertion",
        StructureKind::Eiti => "entreprise d’insertion par le travail indépendant",
        StructureKind::Geiq => "groupement d’employeurs pour l’insertion et la qualification",
        StructureKind::Ea => "entreprise adaptée",
        StructureKind::Eatt => "entreprise adaptée de travail temporaire",
        StructureKind::Esat => "établissement et service d’accompagnement par le travail",
        StructureKind::Sep => "structure de production en prison",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::{Evidence, NoticeKind, TypedDate};

    fn assessment(title: &str) -> Assessment {
        let mut p = Provision::new(
            ProvisionKind::Reserved,
            Evidence { field: Some("f".into()), quote: Some("réservé aux <b>EA</b>".into()) },
        );
        p.beneficiary = Some(Beneficiary::Disability);
        Assessment {
            id: "26-1".into(),
            notice_kind: NoticeKind::Call,
            title: title.into(),
            buyer: Some("Ville de Lille".into()),
            cpv: vec![],
            departments: vec![],
            dates: vec![TypedDate {
                kind: DateKind::Tender,
                at: DateTime::parse_from_rfc3339("2027-01-12T12:00:00+01:00").unwrap(),
                has_time: true,
                mandatory: false,
                quote: None,
                field: None,
                lot: None,
            }],
            lots: vec![],
            provisions: vec![p],
            sectors: vec![],
            side_sectors: vec![],
            routes: vec![],
            eligible_kinds: vec![],
            facts: vec![],
            awards: vec![],
            score: 70,
            reasons: vec!["Réservé aux EA et ESAT".into()],
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-12-22T08:00:00Z").unwrap().with_timezone(&Utc)
    }

    fn render(title: &str) -> Message {
        let templates = Templates::load(None).unwrap();
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        notice.url = Some("https://www.boamp.fr/pages/avis/?q=idweb:26-1".into());
        let (a, why) = (assessment(title), Why::default());
        let told = Told { kind: AlertKind::New, changes: &[], notice: &notice, assessment: &a, why: &why };
        templates.alert(&told, Some("https://vigie.example/x".into()), now()).unwrap()
    }

    #[test]
    fn a_message_says_what_when_where_and_why() {
        let message = render("Nettoyage des écoles");
        for wanted in [
            "Nettoyage des écoles",
            "Ville de Lille",
            "mardi 12 janvier 2027 à 12\u{a0}h",
            "dans 21 jours",
            "EA et ESAT",
            "idweb:26-1",
        ] {
            assert!(message.text.contains(wanted), "{wanted} in {}", message.text);
        }
        assert!(message.subject.contains("Nettoyage des écoles"), "{}", message.subject);
    }

    #[test]
    fn outside_text_breaks_neither_header_nor_page() {
        let message = render("Titre\r\nBcc: x@y.fr\t<script>alert(1)</script>");
        assert!(!message.subject.contains(['\r', '\n', '\t']), "{:?}", message.subject);
        assert!(!message.html.contains("<script>") && !message.html.contains("<b>EA</b>"), "{}", message.html);
    }

    #[test]
    fn a_moved_date_is_told_in_full() {
        let at = |t: &str| Some(DateTime::parse_from_rfc3339(t).unwrap());
        let moved = Change::Date {
            kind: DateKind::Tender,
            from: at("2027-01-12T12:00:00+01:00"),
            to: at("2027-01-20T12:00:00+01:00"),
        };
        assert_eq!(
            change(&moved),
            "La date limite des offres passe du 12 janvier 2027 à 12\u{a0}h au 20 janvier 2027 à 12\u{a0}h"
        );
    }

    #[test]
    fn long_titles_are_cut_at_a_word() {
        let cut = short(&"mot ".repeat(100), 50);
        assert!(cut.chars().count() <= 50 && cut.ends_with("mot…"), "{cut}");
    }

    proptest::proptest! {
        #[test]
        fn any_title_makes_a_valid_message(title in "\\PC{0,400}|[\\x00-\\x7f]{0,200}") {
            let message = render(&title);
            proptest::prop_assert!(message.subject.chars().count() <= 200 && !message.subject.chars().any(char::is_control));
        }
    }
}
