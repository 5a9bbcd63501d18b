//! The answer begun, as a DOCX: checklist, lines of the forms with their blanks, outline of the memo.
//!
//! Every sentence of it is the buyer's, quoted with its place, or a heading of ours. Of the structure it holds what the directory
//! says (name, SIRET, address) and nothing more: what it would have to say of itself stays blank, in yellow. "À relire" stands on
//! each page.

use std::collections::BTreeMap;
use std::io::Cursor;

use chrono::NaiveDate;
use docx_rs::{
    Docx, Footer, Header, PageNum, Paragraph, Run, RunFonts, Shading, Style, StyleType, Table, TableCell, TableRow,
    WidthType,
};
use vigie_domain::partner_call::PartnerRole;
use vigie_domain::{DateKind, french};

use crate::consultation::Consultation;
use crate::findings::{Envelope, Finding, Term, What};
use crate::passages;

/// Who answers, as the directory knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    pub siret: Option<String>,
    pub address: Option<String>,
    pub mail: Option<String>,
}

/// What is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    pub title: String,
    pub buyer: String,
    /// Lots aimed at; empty = to be chosen.
    pub lots: Vec<String>,
}

/// A part of a joint bid: who does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub member: String,
    pub role: PartnerRole,
    pub part: String,
}

/// What is left to be filled in.
const BLANK: &str = "……………………………………";

/// The document.
///
/// # Errors
/// It cannot be put together: a fault of ours.
pub fn docx(
    consultation: &Consultation,
    subject: &Subject,
    candidate: &Candidate,
    today: NaiveDate,
) -> Result<Vec<u8>, String> {
    let mut page = Page(base(subject, today));
    page.checklist(consultation);
    page.forms(subject, candidate);
    page.memo(consultation);
    let mut out = Cursor::new(Vec::new());
    page.0.build().pack(&mut out).map_err(|e| e.to_string())?;
    Ok(out.into_inner())
}

/// Who does what of which lot in a joint bid, and the lines of the forms that follow from it: (lot, parts of its members).
///
/// # Errors
/// It cannot be put together: a fault of ours.
pub fn repartition(subject: &Subject, lots: &[(String, Vec<Share>)], today: NaiveDate) -> Result<Vec<u8>, String> {
    let mut page = Page(base(subject, today));
    let lends = lots.iter().flat_map(|(_, shares)| shares).any(|s| s.role.takes_part() && !s.role.bids());
    let others = if lends { " et leurs sous-traitants" } else { "" };
    page.heading(1, &format!("Répartition des lots entre les membres du groupement{others}"));
    for (lot, shares) in lots {
        page.heading(2, lot);
        if shares.is_empty() {
            page.text("Personne ne s’est positionné sur ce lot.");
            continue;
        }
        let rows = shares.iter().map(|s| vec![s.member.clone(), s.part.clone(), BLANK.to_owned()]).collect();
        page.table(&["Structure", "Rôle et part", "Montant hors taxes"], rows);
    }
    page.heading(1, "Pour remplir le DC1 (lettre de candidature)");
    let aimed = if subject.lots.is_empty() { None } else { Some(french::lots(&subject.lots, 0)) };
    page.blank("Acheteur", Some(&subject.buyer));
    page.blank("Objet de la consultation", Some(&subject.title));
    page.blank("Lots pour lesquels le groupement candidate", aimed.as_deref());
    let rows = lots.iter().map(|(lot, shares)| {
        let of = |wanted: &[PartnerRole]| {
            let named: Vec<&str> = shares.iter().filter(|s| wanted.contains(&s.role)).map(|s| &*s.member).collect();
            if named.is_empty() { BLANK.to_owned() } else { named.join(" ; ") }
        };
        let mut bidders = shares.iter().filter(|s| s.role.bids());
        let with = match (bidders.next(), bidders.next()) {
            (Some(one), None) if one.role == PartnerRole::Lead => "aucun : répond seul".to_owned(),
            _ => of(&[PartnerRole::CoContractor]),
        };
        vec![lot.clone(), of(&[PartnerRole::Lead]), with]
    });
    page.table(&["Lot", "Mandataire", "Autres membres du groupement"], rows.collect());
    page.blank("Forme du groupement (conjoint ou solidaire)", None);
    page.blank("Mandataire solidaire des membres du groupement conjoint (oui ou non)", None);
    let who = |bids: bool| -> BTreeMap<&str, Vec<&str>> {
        let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (lot, shares) in lots {
            for share in shares.iter().filter(|s| s.role.bids() == bids && s.role.takes_part()) {
                out.entry(&share.member).or_default().push(lot);
            }
        }
        out
    };
    page.heading(1, "Un DC2 par membre du groupement");
    for member in who(true).keys() {
        page.blank(&format!("DC2 de {member} : adresse, forme juridique, personne ayant pouvoir d’engager"), None);
    }
    let subcontractors = who(false);
    if !subcontractors.is_empty() {
        page.heading(1, "Un DC4 par sous-traitant");
    }
    for (member, lots) in subcontractors {
        page.blank(
            &format!("DC4 de {member} ({}) : nature et montant des prestations, paiement", lots.join(" ; ")),
            None,
        );
    }
    let mut out = Cursor::new(Vec::new());
    page.0.build().pack(&mut out).map_err(|e| e.to_string())?;
    Ok(out.into_inner())
}

fn base(subject: &Subject, today: NaiveDate) -> Docx {
    let heading =
        |id: &str, name: &str, size| Style::new(id, StyleType::Paragraph).name(name).size(size).bold().color("1F3864");
    let warning = Run::new()
        .add_text("À relire : document préparé à partir des pièces de l’acheteur, à vérifier et à compléter")
        .bold()
        .color("B00020");
    let number = Paragraph::new()
        .add_run(Run::new().add_text(format!("{} – page ", subject.title)))
        .add_page_num(PageNum::new());
    Docx::new()
        .default_fonts(RunFonts::new().ascii("Liberation Sans").hi_ansi("Liberation Sans"))
        .default_size(21)
        .add_style(heading("Heading1", "heading 1", 30))
        .add_style(heading("Heading2", "heading 2", 24))
        .header(Header::new().add_paragraph(Paragraph::new().add_run(warning)))
        .footer(Footer::new().add_paragraph(number))
        .add_paragraph(Paragraph::new().style("Heading1").add_run(Run::new().add_text(subject.title.as_str())))
        .add_paragraph(
            Paragraph::new().add_run(Run::new().add_text(format!("Acheteur : {}", or_blank(&subject.buyer)))),
        )
        .add_paragraph(
            Paragraph::new().add_run(Run::new().add_text(format!("Préparé le {}", french::date(today))).italic()),
        )
}

fn or_blank(text: &str) -> &str {
    if text.trim().is_empty() { BLANK } else { text }
}

/// A document under way.
struct Page(Docx);

impl Page {
    fn add(&mut self, paragraph: Paragraph) {
        let docx = std::mem::take(&mut self.0);
        self.0 = docx.add_paragraph(paragraph);
    }

    fn heading(&mut self, level: u8, text: &str) {
        let style = if level == 1 { "Heading1" } else { "Heading2" };
        self.add(Paragraph::new().style(style).add_run(Run::new().add_text(text)));
    }

    fn text(&mut self, text: &str) {
        self.add(Paragraph::new().add_run(Run::new().add_text(text)));
    }

    /// The buyer's words and where they stand.
    fn quote(&mut self, quote: &str, at: &str) {
        let words = Run::new().add_text(format!("« {quote} »")).italic();
        self.add(
            Paragraph::new()
                .indent(Some(360), None, None, None)
                .add_run(words)
                .add_run(Run::new().add_text(format!(" — {at}")).size(17)),
        );
    }

    /// A line to be filled in.
    fn blank(&mut self, label: &str, known: Option<&str>) {
        let line = Paragraph::new().add_run(Run::new().add_text(format!("{label} : ")));
        self.add(match known.filter(|k| !k.trim().is_empty()) {
            Some(known) => line.add_run(Run::new().add_text(known).bold()),
            None => line.add_run(Run::new().add_text(BLANK).highlight("yellow")),
        });
    }

    fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        let cell = |text: &str, bold: bool| {
            let run = Run::new().add_text(text).size(18);
            let run = if bold { run.bold() } else { run };
            let run = if text == BLANK { run.highlight("yellow") } else { run };
            TableCell::new().add_paragraph(Paragraph::new().add_run(run))
        };
        let first = head.iter().map(|h| cell(h, true).shading(Shading::new().fill("DDE6F2"))).collect();
        let mut all = vec![TableRow::new(first)];
        all.extend(rows.iter().map(|row| TableRow::new(row.iter().map(|c| cell(c, false)).collect())));
        let docx = std::mem::take(&mut self.0);
        self.0 = docx.add_table(Table::new(all).width(5000, WidthType::Pct)).add_paragraph(Paragraph::new());
    }

    fn checklist(&mut self, consultation: &Consultation) {
        self.heading(1, "1. Ce qu’il faut faire, et pour quand");
        let mut rows = Vec::new();
        for finding in &consultation.findings {
            if let What::Date(date) = &finding.what {
                let what = match date.kind {
                    DateKind::Visit if date.mandatory => "Visite obligatoire",
                    DateKind::Visit => "Visite",
                    DateKind::Questions => "Dernier jour pour poser des questions",
                    DateKind::Participation => "Remise des candidatures",
                    DateKind::Tender => "Remise des offres",
                };
                rows.push(vec![what.to_owned(), french::moment(date), BLANK.to_owned(), finding.at.to_string()]);
            }
        }
        for term in [Term::QuestionDelay, Term::Validity] {
            if let Some(f) = consultation.of_term(term).next() {
                rows.push(vec![term.label().to_owned(), f.quote.clone(), BLANK.to_owned(), f.at.to_string()]);
            }
        }
        if rows.is_empty() {
            self.text("Aucune date n’a été trouvée dans les pièces : demandez-la à l’acheteur.");
        } else {
            self.table(&["Quoi", "Quand", "Qui s’en charge", "Où c’est écrit"], rows);
        }
        for (envelope, title) in [
            (Envelope::Candidature, "Pièces de la candidature"),
            (Envelope::Tender, "Pièces de l’offre"),
            (Envelope::Winner, "Si vous êtes retenu"),
        ] {
            let rows: Vec<Vec<String>> = consultation
                .required(envelope)
                .map(|(name, f)| vec!["☐".to_owned(), name.to_owned(), BLANK.to_owned(), f.at.to_string()])
                .collect();
            if !rows.is_empty() {
                self.heading(2, title);
                self.table(&["Fait", "Pièce", "Qui s’en charge", "Où c’est écrit"], rows);
            }
        }
        let missing = consultation.not_found();
        if !missing.is_empty() {
            self.heading(2, "Cherché dans les pièces, non trouvé");
            self.text(&missing.join(" ; "));
        }
        let unread: Vec<String> = consultation
            .pieces
            .iter()
            .filter_map(|p| Some(format!("{} : {}", p.name, p.outcome.as_ref().err()?)))
            .collect();
        if !unread.is_empty() {
            self.heading(2, "Fichiers qui n’ont pas été lus");
            unread.iter().for_each(|line| self.text(line));
        }
    }

    fn forms(&mut self, subject: &Subject, candidate: &Candidate) {
        let lots = if subject.lots.is_empty() { None } else { Some(french::lots(&subject.lots, 0)) };
        self.heading(1, "2. Pour remplir le DC1 (lettre de candidature)");
        self.blank("Acheteur", Some(&subject.buyer));
        self.blank("Objet de la consultation", Some(&subject.title));
        self.blank("Lots pour lesquels vous candidatez", lots.as_deref());
        self.blank("Candidat seul, ou groupement (conjoint ou solidaire)", None);
        self.blank("Nom commercial et dénomination sociale", Some(&candidate.name));
        self.blank("Adresse de l’établissement et du siège", candidate.address.as_deref());
        self.blank("Courriel", candidate.mail.as_deref());
        self.blank("Téléphone", None);
        self.blank("SIRET", candidate.siret.as_deref());
        self.blank("Mandataire du groupement", None);
        self.blank("Date et signataire", None);
        self.heading(1, "3. Pour remplir le DC2 (déclaration du candidat)");
        self.blank("Forme juridique", None);
        self.blank("Personne ayant pouvoir d’engager la structure", None);
        self.blank("Marché réservé : agrément, conventionnement ou contrat (numéro, date)", None);
        self.blank("Chiffre d’affaires des trois derniers exercices", None);
        self.blank("Assurance des risques professionnels (compagnie, numéro)", None);
        self.blank("Effectifs et moyens", None);
        self.blank("Références de prestations semblables", None);
        self.heading(1, "4. En cas de sous-traitance : lignes du DC4");
        self.blank("Titulaire ou candidat", None);
        self.blank("Sous-traitant : dénomination, SIRET", None);
        self.blank("Nature des prestations sous-traitées", None);
        self.blank("Montant maximum hors taxes", None);
        self.blank("Conditions de paiement", None);
    }

    fn memo(&mut self, consultation: &Consultation) {
        /// Passages of the buyer quoted under a criterion.
        const QUOTED: usize = 4;
        self.heading(1, "5. Plan du mémoire technique");
        /// A criterion; one that weighs otherwise in each lot is one all the same.
        struct Chapter<'a> {
            name: &'a str,
            sub: bool,
            /// Each weight as it is told, and where it stands.
            weights: Vec<(&'a Finding, String)>,
        }
        let mut criteria: Vec<Chapter<'_>> = Vec::new();
        for finding in &consultation.findings {
            let What::Criterion { name, weight, sub, lots } = &finding.what else { continue };
            let weight = weight.map(|w| weight_in_words(w, &finding.quote)).unwrap_or_default();
            let told = of_lots(&weight, lots);
            match criteria.iter_mut().find(|known| known.name == name && !lots.is_empty()) {
                Some(chapter) => chapter.weights.push((finding, told)),
                None => criteria.push(Chapter { name, sub: *sub, weights: vec![(finding, told)] }),
            }
        }
        if criteria.is_empty() {
            self.text("Les critères n’ont pas été trouvés dans les pièces : demandez-les à l’acheteur.");
        }
        for Chapter { name, sub, weights } in criteria {
            let told: Vec<&str> = weights.iter().map(|(_, t)| t.as_str()).filter(|t| !t.is_empty()).collect();
            let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(" ; ")) };
            self.heading(2, &format!("{}{name}{told}", if sub { "– " } else { "" }));
            self.text("Ce que l’acheteur écrit :");
            let mut quoted: Vec<&str> = Vec::new();
            for (finding, _) in &weights {
                if !quoted.contains(&finding.quote.as_str()) {
                    self.quote(&finding.quote, &finding.at.to_string());
                    quoted.push(&finding.quote);
                }
            }
            for hit in passages::search(consultation, name, QUOTED) {
                // Nor the sentence that holds it, or that lists the criteria.
                let lists = consultation.findings.iter().any(|f| {
                    matches!(f.what, What::Criterion { .. })
                        && (hit.quote.contains(&f.quote) || f.quote.contains(&hit.quote))
                });
                if !lists {
                    self.quote(&hit.quote, &hit.at.to_string());
                }
            }
            self.blank("Votre réponse", None);
        }
        let clause: Vec<Finding> = consultation.provisions().map(|(_, f)| f.clone()).collect();
        if !clause.is_empty() {
            self.heading(2, "Insertion : ce que l’acheteur demande");
            for finding in clause {
                self.quote(&finding.quote, &finding.at.to_string());
            }
            self.blank("Votre réponse", None);
        }
    }
}

/// What is said of a criterion, with the lots that it is said of.
#[must_use]
pub fn of_lots(name: &str, lots: &[String]) -> String {
    if lots.is_empty() { name.to_owned() } else { format!("{name}, {}", vigie_domain::french::lots(lots, 0)) }
}

/// `40 %`, or `40 points` where the buyer counts so.
pub fn weight_in_words(weight: f64, quote: &str) -> String {
    let number = french::number(weight);
    let points = quote.to_lowercase();
    if !points.contains('%') && (points.contains("point") || points.contains("pts")) {
        format!("{number} points")
    } else {
        format!("{number} %")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_joint_bid_names_its_lead_its_members_and_its_subcontractors_in_their_forms() {
        let share = |member: &str, role| Share { member: member.into(), role, part: role.in_french().to_owned() };
        let lots = [
            (
                "Lot 1 : écoles".to_owned(),
                vec![
                    share("Arc", PartnerRole::Lead),
                    share("Bois", PartnerRole::CoContractor),
                    share("Cap", PartnerRole::Subcontractor),
                ],
            ),
            ("Lot 2 : gymnases".to_owned(), vec![share("Bois", PartnerRole::Lead)]),
        ];
        let subject = Subject { title: "Nettoyage".into(), buyer: "Ville de Lens".into(), lots: Vec::new() };
        let made = repartition(&subject, &lots, NaiveDate::default()).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(made)).unwrap();
        let mut xml = String::new();
        archive.by_name("word/document.xml").unwrap().read_to_string(&mut xml).unwrap();
        let words = regex::Regex::new("<[^>]+>").unwrap().replace_all(&xml, "|");
        let words = regex::Regex::new(r"\|+").unwrap().replace_all(&words, "|");
        for wanted in [
            "les membres du groupement et leurs sous-traitants|",
            "|Structure|Rôle et part|",
            "|Lot 1 : écoles|Arc|Bois|",
            "|Lot 2 : gymnases|Bois|aucun : répond seul|",
            "DC2 de Arc",
            "DC2 de Bois",
        ] {
            assert!(words.contains(wanted), "{wanted}: {words}");
        }
        assert!(words.contains("DC4 de Cap (Lot 1 : écoles)"), "{words}");
        assert!(!words.contains("DC2 de Cap") && !words.contains("DC4 de Bois"), "{words}");
    }
}
