//! What a consultation says, in lines for every surface: the command line, a page, a mail, a chat.

use vigie_consultation::answer::{of_lots, weight_in_words};
use vigie_consultation::contradiction::Contradiction;
use vigie_consultation::{Amount, Consultation, Envelope, Finding, Term, What};
use vigie_domain::{DateKind, FactKind, ProvisionKind, french};
use vigie_notifier::card;

/// The first line of a message that tells what was read.
pub const SUBJECT: &str = "Ce que dit le dossier de consultation";
/// What is said of files that could not be read at all.
pub const FAILED: &str = "La lecture de ces fichiers s’est interrompue plusieurs fois : ils ne sont pas lus, et ne sont pas gardés. Donnez-les un par un ; celui qui échoue est à lire à l’œil.";

/// What is said in a chat of a reading that lasts.
#[must_use]
pub fn progress(done: usize, of: usize) -> String {
    let read = if done > 1 { "pièces lues" } else { "pièce lue" };
    format!("Lecture en cours : {done}\u{a0}{read} sur {of}. La suite arrive ici.")
}

/// One thing said.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Said {
    pub label: String,
    pub text: String,
    /// The words that say it.
    pub quote: String,
    /// File, article, page.
    pub at: String,
    /// Other pieces that say the same, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// Things said of one matter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Section {
    pub title: &'static str,
    /// Its words are told in messages too.
    #[serde(skip)]
    pub quoted: bool,
    pub lines: Vec<Said>,
}

/// All that is said, what matters most first; sections without lines are left out.
#[must_use]
pub fn sections(consultation: &Consultation, contradictions: &[Contradiction]) -> Vec<Section> {
    let of = |wanted: &dyn Fn(&What) -> Option<(String, String)>| -> Vec<Said> {
        let told = consultation.findings.iter().filter_map(|f| Some((wanted(&f.what)?, f)));
        told.map(|((label, text), f)| said(label, text, f)).collect()
    };
    let mut out = vec![
        Section {
            title: "À vérifier : les pièces se contredisent",
            quoted: true,
            lines: contradictions.iter().map(contradicted).collect(),
        },
        Section { title: "Ce que le dossier offre", quoted: true, lines: of(&provision) },
        plain("Dates", of(&date)),
        plain("Critères", criteria(consultation)),
    ];
    for (envelope, title) in [
        (Envelope::Candidature, "À fournir : candidature"),
        (Envelope::Tender, "À fournir : offre"),
        (Envelope::Winner, "À fournir si vous êtes retenu"),
    ] {
        let lines = consultation.required(envelope).map(|(name, f)| Said {
            label: name.to_owned(),
            at: f.at.to_string(),
            ..Said::default()
        });
        out.push(plain(title, lines.collect()));
    }
    out.push(plain("Conditions", terms(consultation)));
    let missing = consultation.not_found().into_iter().map(|label| Said { label: label.to_owned(), ..Said::default() });
    out.push(plain("Cherché dans les pièces, non trouvé", missing.collect()));
    out.push(plain("Fichiers", consultation.pieces.iter().map(file).collect()));
    out.retain(|s| !s.lines.is_empty());
    out
}

fn plain(title: &'static str, lines: Vec<Said>) -> Section {
    Section { title, quoted: false, lines }
}

/// The same as one text.
#[must_use]
pub fn text(sections: &[Section]) -> String {
    let mut out = String::new();
    for section in sections {
        out.push_str(&format!("\n{}\n", section.title.to_uppercase()));
        for line in &section.lines {
            let told = if line.text.is_empty() { String::new() } else { format!(" : {}", line.text) };
            out.push_str(&format!("  • {}{told}", line.label));
            match (line.quote.is_empty(), line.at.is_empty()) {
                (true, true) => {}
                (true, false) => out.push_str(&format!(" ({})", line.at)),
                (false, _) => out.push_str(&format!("\n      « {} » — {}", line.quote, line.at)),
            }
            if !line.also.is_empty() {
                out.push_str(&format!("\n      aussi : {}", line.also.join(" ; ")));
            }
            out.push('\n');
        }
    }
    out
}

/// Provisions alone.
#[must_use]
pub fn provisions(consultation: &Consultation) -> Vec<Said> {
    let told = consultation.findings.iter().filter_map(|f| Some((provision(&f.what)?, f)));
    told.filter(|(_, f)| !matches!(&f.what, What::Provision(p) if p.kind == ProvisionKind::ToVerify))
        .map(|((label, text), f)| said(label, text, f))
        .collect()
}

/// The most important of it, for a message: each line with its place, the words of what is offered and of what contradicts; `page`
/// leads to all of it.
#[must_use]
pub fn brief(sections: &[Section], page: Option<&str>) -> String {
    /// Lines of a section that a message holds; the clause and what contradicts it are told whole.
    const LINES: usize = 8;
    /// Longest quote, in characters.
    const QUOTE: usize = 220;
    let mut out = String::new();
    for section in sections {
        let whole = section.quoted;
        out.push_str(&format!("\n{}\n", section.title));
        let most = if whole { 2 * LINES } else { LINES };
        for line in section.lines.iter().take(most) {
            let told = if line.text.is_empty() { String::new() } else { format!(" : {}", line.text) };
            let at = if line.at.is_empty() { String::new() } else { format!(" — {}", line.at) };
            match line.quote.is_empty() || !whole {
                true => out.push_str(&format!("• {}{told}{at}\n", line.label)),
                false => {
                    out.push_str(&format!("• {}{told}\n  « {} »{at}\n", line.label, card::short(&line.quote, QUOTE)));
                }
            }
        }
        if let Some(more @ 1..) = section.lines.len().checked_sub(most) {
            out.push_str(&format!("• et {more} de plus\n"));
        }
    }
    out.push_str("\nPour chercher un mot dans ces pièces : /chercher pénalité");
    if let Some(page) = page {
        out.push_str(&format!("\nTout, avec les mots des pièces : {page}/dossier"));
    }
    out.trim_start().to_owned()
}

fn said(label: String, text: String, finding: &Finding) -> Said {
    let also = finding.also.iter().map(|said| said.at.to_string()).collect();
    Said { label, text, quote: finding.quote.clone(), at: finding.at.to_string(), also }
}

pub(super) fn contradicted(c: &Contradiction) -> Said {
    let there = c.there_at.as_ref().map_or_else(|| "l’avis".to_owned(), Clone::clone);
    let text = format!("{there} dit {}, ici {}", c.there, c.here);
    said(french::capital(&c.about), text, &c.finding)
}

fn provision(what: &What) -> Option<(String, String)> {
    let What::Provision(p) = what else { return None };
    let line = card::provision(p, 0);
    let label = if p.kind == ProvisionKind::ToVerify { "À lire".to_owned() } else { line.label };
    Some((label, line.text))
}

fn date(what: &What) -> Option<(String, String)> {
    let What::Date(d) = what else { return None };
    let label = match d.kind {
        DateKind::Visit if d.mandatory => "Visite obligatoire",
        DateKind::Visit => "Visite",
        DateKind::Questions => "Questions jusqu’au",
        DateKind::Participation => "Candidatures jusqu’au",
        DateKind::Tender => "Offres jusqu’au",
    };
    let lot = d.lot.as_ref().map(|l| format!(" (lot {l})")).unwrap_or_default();
    Some((format!("{label}{lot}"), french::moment(d)))
}

fn criteria(consultation: &Consultation) -> Vec<Said> {
    let lines = consultation.findings.iter().filter_map(|f| match &f.what {
        What::Criterion { name, weight, sub, lots } => {
            let name = of_lots(name, lots);
            let label = if *sub { format!("– {name}") } else { name };
            let text = weight.map(|w| weight_in_words(w, &f.quote)).unwrap_or_default();
            Some(Said { label, text, at: f.at.to_string(), ..Said::default() })
        }
        _ => None,
    });
    lines.collect()
}

fn terms(consultation: &Consultation) -> Vec<Said> {
    let mut out: Vec<Said> = Term::ALL
        .into_iter()
        .flat_map(|term| consultation.of_term(term).map(move |f| (term, f)))
        .map(|(term, f)| {
            let text = match &f.what {
                What::Term { amount, lots, .. } => {
                    let figure = amount.map(amount_in_words).unwrap_or_default();
                    let whose = french::lots(lots, 0);
                    [figure, whose].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ")
                }
                _ => String::new(),
            };
            said(term.label().to_owned(), text, f)
        })
        .collect();
    // Duration, lots and forms of joint bids come from the judgement; what terms tell already is not told twice.
    for f in &consultation.findings {
        if let What::Fact(fact) = &f.what {
            let label = match fact.kind {
                FactKind::Duration => "Durée",
                FactKind::LatestEnd => "Durée, reconductions comprises",
                FactKind::FrameworkMaximum => "Maximum de l’accord-cadre",
                FactKind::LotCap => "Lots par candidat, au plus",
                FactKind::JointBidForm => "Forme de groupement",
                _ => continue,
            };
            let text = match (fact.kind, fact.value) {
                (FactKind::Duration | FactKind::LatestEnd, Some(n)) => french::months(n),
                (FactKind::FrameworkMaximum, Some(n)) => format!("{} € HT", french::number(n)),
                (_, Some(n)) => french::number(n),
                (_, None) => String::new(),
            };
            out.push(said(label.to_owned(), text, f));
        }
    }
    out
}

fn amount_in_words(amount: Amount) -> String {
    match amount {
        Amount::Euros(n) => format!("{} €", french::number(n)),
        Amount::Percent(n) => format!("{} %", french::number(n)),
        Amount::Days(n) => french::days(n as u32),
        Amount::Months(n) => french::months(n),
        Amount::Allowed(true) => "oui".to_owned(),
        Amount::Allowed(false) => "non".to_owned(),
    }
}

fn file(piece: &vigie_consultation::Piece) -> Said {
    let text = match &piece.outcome {
        Err(why) => format!("non lu : {why}"),
        Ok(text) => {
            let mut parts = vec![piece.kind.label().to_owned()];
            parts.extend(text.pages.map(|n| french::plural(n as usize, "page")));
            if !text.mute_pages.is_empty() {
                let pages: Vec<String> = text.mute_pages.iter().take(20).map(u32::to_string).collect();
                parts.push(format!("sans texte à lire, pages {} : à regarder à l’œil", pages.join(", ")));
            }
            parts.extend(text.cut.clone());
            parts.join(", ")
        }
    };
    Said { label: piece.name.clone(), text, ..Said::default() }
}
