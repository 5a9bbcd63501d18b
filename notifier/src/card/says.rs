//! What a notice says, in lines: what it is about, its provisions, the facts needed to decide, the sentence around a few words.

use vigie_domain::{Assessment, DecisionFact, Evidence, FactKind, Notice, Passage, Provision, ProvisionKind, french};
use vigie_domain::{commune, snapshot::Quantity};

use super::changes::{hours, optional};
use super::{Line, MAX_QUOTE, short};
use crate::labels::{beneficiary_label, provision_label, provision_label_of};

/// Longest description shown.
const MAX_DESCRIPTION: usize = 320;

/// A provision in words; `lots`: how many lots the procedure has, 0 where that is not known.
#[must_use]
pub fn provision(p: &Provision, lots: usize) -> Line {
    let quote = p.evidence.quote.as_deref().map(|q| short(q, MAX_QUOTE));
    if p.kind == ProvisionKind::SocialConditionNotSeen {
        let label = "Aucune clause visible dans l’avis".to_owned();
        // Somebody looked, and said so.
        return match p.doubt.clone().filter(|_| is_corrected(p)) {
            Some(said) => Line::new(label, said),
            None => Line { quote, doubtful: true, ..Line::new(label, "à vérifier au CCAP".to_owned()) },
        };
    }
    let mut parts: Vec<String> = Vec::new();
    parts.extend(p.beneficiary.map(|who| beneficiary_label(who).to_owned()));
    if !p.lots.is_empty() {
        parts.push(french::lots(&p.lots, lots));
    }
    parts.extend(amounts(p));
    if p.mandatory == Some(false) {
        parts.push(optional(p.kind).to_owned());
    }
    parts.extend(p.article.clone());
    parts.extend(p.doubt.clone());
    parts.extend(is_corrected(p).then(|| "lecture corrigée par une personne".to_owned()));
    Line {
        quote,
        strong: matches!(p.kind, ProvisionKind::Reserved | ProvisionKind::InsertionService),
        doubtful: p.kind == ProvisionKind::ToVerify || p.doubt.is_some(),
        ..Line::new(provision_label(p.kind).to_owned(), parts.join(" · "))
    }
}

/// Whether a person said it in the place of what was read, without words of a file.
fn is_corrected(p: &Provision) -> bool {
    p.evidence == Evidence::corrected()
}

/// What a provision asks for in figures.
fn amounts(p: &Provision) -> impl Iterator<Item = String> {
    let hours = p.hours.map(|least| {
        // Hours of several lots are those of all together.
        let of_all = if p.lots.len() > 1 { " en tout" } else { "" };
        let yearly = if p.hours_yearly { " par an" } else { "" };
        format!("{}{yearly}{of_all}", hours(Quantity { least, most: p.hours_max }))
    });
    let percent = p.percent.map(|n| format!("{} % des heures", french::number(n)));
    let weight = p.weight.map(|n| format!("{} % de la note", french::number(n)));
    hours.into_iter().chain(percent).chain(weight)
}

/// A provision beside one of its lots: « Clause d’insertion : 300 heures ». `announced`: the notice announces, and asks nothing yet.
#[must_use]
pub fn beside_lot(p: &Provision, announced: bool) -> String {
    let label = provision_label_of(p.kind, announced);
    let parts: Vec<String> =
        p.beneficiary.map(|who| beneficiary_label(who).to_owned()).into_iter().chain(amounts(p)).collect();
    if parts.is_empty() { label.to_owned() } else { format!("{label}\u{a0}: {}", parts.join(" · ")) }
}

/// A provision of a verdict in words: of what is only announced, as what is meant.
pub(super) fn provision_of(p: &Provision, a: &Assessment) -> Line {
    let line = provision(p, a.lots.len());
    if p.kind == ProvisionKind::SocialConditionNotSeen {
        return line;
    }
    Line { label: provision_label_of(p.kind, a.notice_kind.is_announcement()).to_owned(), ..line }
}

/// Facts in their order. Duration, renewals and latest end of one lot are one line; a visit that has its date is told there; words
/// that prove several facts stand under the first one.
pub(super) fn facts(facts: &[DecisionFact], visit_dated: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut quoted: Vec<&str> = Vec::new();
    let of_time = |f: &DecisionFact| matches!(f.kind, FactKind::Duration | FactKind::Renewals | FactKind::LatestEnd);
    let mut timed: Vec<Option<&str>> = Vec::new();
    for f in facts.iter().filter(|f| !(visit_dated && f.kind == FactKind::Visit)) {
        let quote = f.evidence.quote.as_deref().filter(|q| !quoted.contains(q));
        let line = if of_time(f) {
            let lot = f.lot.as_deref();
            if timed.contains(&lot) {
                continue;
            }
            timed.push(lot);
            let same: Vec<&DecisionFact> = facts.iter().filter(|o| of_time(o) && o.lot == f.lot).collect();
            Line::new("Durée".to_owned(), span(&same))
        } else {
            fact(f)
        };
        quoted.extend(quote);
        lines.push(Line { quote: quote.map(|q| short(q, 200)), ..line });
    }
    lines
}

/// "12 mois, reconductible 3 fois : 4 ans au plus".
fn span(facts: &[&DecisionFact]) -> String {
    let of = |kind| facts.iter().find(|f| f.kind == kind).and_then(|f| f.value);
    let (first, renewals, end) = (of(FactKind::Duration), of(FactKind::Renewals), of(FactKind::LatestEnd));
    let mut said: Vec<String> = Vec::new();
    said.extend(first.map(french::months));
    said.extend(renewals.filter(|n| *n > 0.0).map(|n| {
        if n == 1.0 { "reconductible une fois".to_owned() } else { format!("reconductible {} fois", french::number(n)) }
    }));
    let latest = end.filter(|end| first != Some(*end)).map(|end| format!("{} au plus", french::months(end)));
    match (said.is_empty(), latest) {
        (true, latest) => latest.unwrap_or_default(),
        (false, Some(latest)) => format!("{} : {latest}", said.join(", ")),
        (false, None) => said.join(", "),
    }
}

fn fact(f: &DecisionFact) -> Line {
    let (label, text) = match (f.kind, f.value) {
        (FactKind::Visit, _) => ("Visite obligatoire", String::new()),
        (FactKind::FrameworkMaximum, Some(v)) => {
            let yearly = f.evidence.quote.as_deref().map(str::to_lowercase).is_some_and(|q| {
                ["maximum annuel", "maximal annuel", "maximum par an", "annuel maximum"].iter().any(|w| q.contains(w))
            });
            let each = if yearly { " par an" } else { "" };
            ("Maximum de l’accord-cadre", format!("{}\u{a0}€ HT{each}", french::number(v)))
        }
        (FactKind::LotCap, Some(v)) => ("Lots par candidat", format!("{} au plus", french::number(v))),
        (FactKind::MinimumTurnover, Some(v)) => ("Chiffre d’affaires minimal", format!("{}\u{a0}€", french::number(v))),
        (FactKind::JointBidForm, _) => ("Forme de groupement", String::new()),
        (FactKind::StaffTakeover, _) => ("Reprise du personnel", String::new()),
        (FactKind::Certificate, _) => ("Certificat demandé", String::new()),
        _ => ("À savoir", String::new()),
    };
    Line { strong: matches!(f.kind, FactKind::Visit | FactKind::StaffTakeover), ..Line::new(label.to_owned(), text) }
}

/// What is to be done, as the notice describes it: the longest of the texts that its form keeps for that, unless it only says the
/// title again.
pub(super) fn description(notice: &Notice, title: &str) -> Option<String> {
    const FIELDS: [&str; 9] = [
        "objet",
        "objetcomplet",
        "objet_complet",
        "description",
        "descriptif",
        "caracteristiques",
        "entry",
        "text",
        "mail",
    ];
    const ELSEWHERE: [&str; 5] = ["criter", "terms", "party", "document", "condition"];
    let describes = |p: &&Passage| {
        let path = p.field.to_lowercase();
        let last = path.rsplit(['.', '/']).next().unwrap_or(&path);
        p.lot.is_none() && FIELDS.contains(&last) && !ELSEWHERE.iter().any(|word| path.contains(word))
    };
    let said = notice.passages.iter().filter(describes).max_by_key(|p| p.text.len())?;
    let (ours, theirs) = (commune::key(&said.text), commune::key(title));
    let rest = ours.strip_prefix(theirs.as_str()).unwrap_or(&ours);
    (rest.len() > 20 && !theirs.contains(&ours)).then(|| short(&said.text, MAX_DESCRIPTION))
}

/// The whole sentence around a few words of a notice; those words where they are not found.
pub(super) fn sentence(words: &str, passages: &[Passage]) -> String {
    let found = passages.iter().find_map(|p| p.text.find(words).map(|at| (p.text.as_str(), at)));
    let Some((text, at)) = found else { return short(words, MAX_QUOTE) };
    let (before, after) = (&text[..at], &text[at + words.len()..]);
    let from = [before.rfind('\n').map(|n| n + 1), before.rfind(". ").map(|n| n + 2)].into_iter().flatten().max();
    let ends_there = words.trim_end().ends_with('.');
    let to = if ends_there {
        0
    } else {
        [after.find('\n'), after.find(". ").map(|n| n + 1)].into_iter().flatten().min().unwrap_or(after.len())
    };
    let whole = &text[from.unwrap_or(0)..at + words.len() + to];
    // A text without full stops is no sentence.
    if whole.chars().count() > MAX_QUOTE { short(words, MAX_QUOTE) } else { short(whole, MAX_QUOTE) }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Evidence, NoticeKind};

    use super::*;

    fn timed(kind: FactKind, value: f64) -> DecisionFact {
        let evidence = Evidence { field: None, quote: Some("durée".into()) };
        DecisionFact { kind, value: Some(value), evidence, lot: None }
    }

    #[test]
    fn a_duration_and_its_renewals_are_one_line() {
        let all = [timed(FactKind::Duration, 12.0), timed(FactKind::Renewals, 3.0), timed(FactKind::LatestEnd, 48.0)];
        let lines = facts(&all, false);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].text, "12\u{a0}mois, reconductible 3 fois : 4\u{a0}ans au plus");
        assert_eq!(lines[0].quote.as_deref(), Some("durée"));
        assert_eq!(facts(&all[..1], false)[0].text, "12\u{a0}mois");
        assert_eq!(facts(&all[2..], false)[0].text, "4\u{a0}ans au plus");
    }

    #[test]
    fn a_visit_is_told_once_and_in_its_whole_sentence() {
        assert!(facts(&[timed(FactKind::Visit, 1.0)], true).is_empty(), "its date tells it");
        let text = "Dossier en ligne. Une visite obligatoire aura lieu le 3 décembre à 10 h, à l’accueil. Sans elle, l’offre est rejetée.";
        let passages = [Passage { field: "f".into(), lot: None, text: text.into() }];
        assert_eq!(
            sentence("visite obligatoire aura lieu le 3 décembre", &passages),
            "Une visite obligatoire aura lieu le 3 décembre à 10 h, à l’accueil."
        );
        assert_eq!(sentence("ailleurs", &passages), "ailleurs");
    }

    #[test]
    fn what_is_to_be_done_is_what_its_form_says_beyond_the_title() {
        let mut notice = Notice::new("boamp", "1", NoticeKind::Call);
        let mut say = |field: &str, text: &str| {
            notice.passages.push(Passage { field: field.into(), lot: None, text: text.into() });
        };
        say("MAPA.initial.description.objet", "Nettoyage des locaux : hôtel de ville, médiathèque, trois écoles");
        say(
            "MAPA.initial.criteres.description",
            "Une longue description des critères qui ne dit rien de ce qui est à faire",
        );
        let said = description(&notice, "Nettoyage des locaux");
        assert_eq!(said.as_deref(), Some("Nettoyage des locaux : hôtel de ville, médiathèque, trois écoles"));
        assert_eq!(description(&notice, "Nettoyage des locaux : hôtel de ville, médiathèque, trois écoles"), None);
    }

    #[test]
    fn a_condition_not_seen_is_a_doubt() {
        let clause = Provision::new(ProvisionKind::ExecutionClause, Evidence::default());
        let label = |kind| provision_of(&clause, &Assessment::new("1", kind)).label;
        assert_eq!(label(NoticeKind::Call), "Clause d’insertion");
        assert_eq!(label(NoticeKind::Planned), "Clause d’insertion envisagée", "nobody is bound yet");
        let line = provision(&Provision::new(ProvisionKind::SocialConditionNotSeen, Evidence::default()), 0);
        assert!(line.doubtful && !line.strong);
        assert_eq!(format!("{} : {}", line.label, line.text), "Aucune clause visible dans l’avis : à vérifier au CCAP");
        let looked = Provision {
            doubt: Some("absente du CCAP".into()),
            ..Provision::new(ProvisionKind::SocialConditionNotSeen, Evidence::corrected())
        };
        assert!(!provision(&looked, 0).doubtful && provision(&looked, 0).text == "absente du CCAP");
        let hours =
            Provision { hours: Some(500.0), ..Provision::new(ProvisionKind::ExecutionClause, Evidence::corrected()) };
        assert_eq!(provision(&hours, 0).text, "500\u{a0}heures · lecture corrigée par une personne");
    }
}
