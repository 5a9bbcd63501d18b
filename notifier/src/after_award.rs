//! What is said once a lot is awarded: services to offer to its holder, the question what came of a tender, a contract that ends.
//! Pure: the contract and the reader come in, a model for the templates, or a line, comes out.

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use vigie_domain::contract::Amount;
use vigie_domain::subscription::Profile;
use vigie_domain::{Beneficiary, Contract, StructureKind, SupplyMode, french};

use crate::card::short;
use crate::labels::{beneficiary_label, structure_label};
use crate::message::{Form, Message, RenderError, Templates, header};
use crate::typeset;

/// Longest title shown.
const MAX_TITLE: usize = 200;
/// Longest quote shown.
const MAX_QUOTE: usize = 300;
/// Most holders named.
const MAX_HOLDERS: usize = 5;
/// Most quotes of a clause.
const MAX_QUOTES: usize = 2;

/// A holder as a message names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HolderLine {
    pub name: String,
    /// `SIRET 552 045 999 00869`; empty where no source gives a number.
    pub number: String,
    /// Seat; empty where no source says.
    pub seat: String,
}

/// « Proposer vos services », as templates see it.
#[derive(Debug, Clone, Serialize)]
pub struct OfferMessage {
    pub title: String,
    /// `Lot 1`; empty for the whole.
    pub lot: String,
    pub buyer: String,
    pub holders: Vec<HolderLine>,
    /// `300 heures`, `heures non publiées`.
    pub owed: String,
    /// The words of the clause.
    pub quotes: Vec<String>,
    /// Amount, duration, end: what is known of the contract.
    pub facts: Vec<String>,
    /// Who can help.
    pub contacts: Vec<String>,
    /// What to propose.
    pub proposals: Vec<String>,
    /// A letter to copy, a paragraph a line.
    pub letter: Vec<String>,
    /// Why it comes now, where that is to be said.
    pub remark: Option<String>,
    /// Page of the contract.
    pub page: Option<String>,
    /// Page on which its reader answers.
    pub answer: Option<String>,
    /// The publisher's page of the award.
    pub link: Option<String>,
}

/// Who reads an offer.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// Their structure, as the directory calls it; empty where it is in none.
    pub structure: &'a str,
    /// They themselves.
    pub name: &'a str,
    pub profile: &'a Profile,
}

/// Addresses that a message of these leads to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addresses<'a> {
    pub page: Option<&'a str>,
    pub answer: Option<&'a str>,
    pub link: Option<&'a str>,
}

/// What is said to a structure that may serve the holder of a contract.
#[must_use]
pub fn offer(
    c: &Contract,
    reader: Reader<'_>,
    contacts: &[String],
    remark: Option<String>,
    to: Addresses<'_>,
) -> OfferMessage {
    let quotes = c.owed.iter().filter_map(|o| o.provision.evidence.quote.as_deref());
    let proposals = proposals(reader.profile.kind);
    OfferMessage {
        title: short(&c.title, MAX_TITLE),
        lot: lot(c),
        buyer: buyer(c),
        holders: c.holders.iter().take(MAX_HOLDERS).map(|h| holder_line(&h.company)).collect(),
        owed: c.owed_in_french(),
        quotes: quotes.take(MAX_QUOTES).map(|q| short(q, MAX_QUOTE)).collect(),
        facts: facts(c),
        contacts: contacts.iter().map(|line| short(line, 200)).collect(),
        letter: letter(c, reader, &proposals),
        proposals: proposals.into_iter().map(str::to_owned).collect(),
        remark,
        page: to.page.map(str::to_owned),
        answer: to.answer.map(str::to_owned),
        link: to.link.map(str::to_owned),
    }
}

/// « Résultat ? », as templates see it.
#[derive(Debug, Clone, Serialize)]
pub struct ResultMessage {
    pub title: String,
    /// `Lot 1`; empty for the whole.
    pub lot: String,
    pub buyer: String,
    /// What is known: closed since, awarded to.
    pub remark: Option<String>,
    pub page: Option<String>,
    pub answer: Option<String>,
}

/// `Lot 3`; empty for the whole.
#[must_use]
pub fn lot(c: &Contract) -> String {
    if c.lot.is_empty() { String::new() } else { format!("Lot {}", short(&c.lot, 20)) }
}

fn buyer(c: &Contract) -> String {
    if c.buyer.name.is_empty() { "Acheteur non précisé".to_owned() } else { short(&c.buyer.name, 160) }
}

/// A company with its number and seat.
#[must_use]
pub fn holder_line(company: &vigie_domain::Company) -> HolderLine {
    let number = match company.id.as_deref() {
        Some(id) if company.siren().is_some() => {
            format!("{} {}", if id.len() == 14 { "SIRET" } else { "SIREN" }, spaced(id))
        }
        Some(id) => format!("n° {}", short(id, 30)),
        None => String::new(),
    };
    let city = company.place.city.as_deref().unwrap_or_default();
    let postcode = company.place.postcode.as_deref().unwrap_or_default();
    let seat = short(format!("{postcode} {city}").trim(), 80);
    let name = if company.name.is_empty() {
        "Entreprise dont seul le numéro est publié".to_owned()
    } else {
        short(&company.name, 120)
    };
    HolderLine { name, number, seat }
}

/// `552 045 999 00869`.
#[must_use]
pub fn spaced(number: &str) -> String {
    let group = |n: usize| number.get(n..n + 3).unwrap_or_default();
    let rest = number.get(9..).unwrap_or_default();
    format!("{}\u{a0}{}\u{a0}{}{}{rest}", group(0), group(3), group(6), if rest.is_empty() { "" } else { "\u{a0}" })
}

/// What structures of a kind can propose to whoever owes hours of insertion.
fn proposals(kind: Option<StructureKind>) -> Vec<&'static str> {
    const SUBCONTRACT: &str = "sous-traiter une part des travaux ou des services : les heures de vos salariés en insertion comptent pour la clause";
    const STAFF: &str = "mettre des salariés à disposition pour les heures dues";
    const CANDIDATES: &str = "présenter des candidats à l’embauche, et les suivre";
    let Some(kind) = kind else { return vec![SUBCONTRACT, STAFF, CANDIDATES] };
    let first = if kind.supply_modes().contains(&SupplyMode::Staff) { STAFF } else { SUBCONTRACT };
    vec![first, CANDIDATES]
}

/// What is known of the contract itself.
fn facts(c: &Contract) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(c.amount.as_ref().map(|a| amount(a.value)));
    if let Some(end) = &c.ends {
        out.push(format!("fin {}au {} ({})", estimated(c), french::date(end.on), end.in_french()));
    }
    if !c.subcontracts.is_empty() {
        out.push(format!(
            "{} déjà déclarée{}",
            french::plural(c.subcontracts.len(), "sous-traitance"),
            if c.subcontracts.len() > 1 { "s" } else { "" }
        ));
    }
    out
}

fn estimated(c: &Contract) -> &'static str {
    if c.ends.is_some_and(|e| e.is_estimated()) { "estimée " } else { "" }
}

/// `120 000 € HT`, `120 000 € HT au plus (accord-cadre)`.
#[must_use]
pub fn amount(a: Amount) -> String {
    let most = if a.maximum { " au plus (accord-cadre : les commandes décident)" } else { "" };
    format!("{}{most}", euros(a.euros))
}

/// An amount in euros without tax.
#[must_use]
pub fn euros(amount: f64) -> String {
    format!("{}\u{a0}€ HT", french::number(amount.round()))
}

/// A short letter to the holder, to copy.
fn letter(c: &Contract, reader: Reader<'_>, proposals: &[&str]) -> Vec<String> {
    let of_lot =
        if c.lot.is_empty() { "du marché".to_owned() } else { format!("du lot {} du marché", short(&c.lot, 20)) };
    let hours = if c.owed.iter().any(|o| o.provision.hours.is_some() || o.provision.percent.is_some()) {
        format!(" ({})", c.owed_in_french())
    } else {
        String::new()
    };
    let structure = if reader.structure.is_empty() { "Notre structure" } else { reader.structure };
    let who = match reader.profile.kind {
        None => format!("{structure} travaille avec des personnes éloignées de l’emploi"),
        Some(kind) => format!("{structure} est {} {}", article(kind), structure_label(kind)),
    };
    let help = proposals.first().map(|p| p.split(" : ").next().unwrap_or(p)).unwrap_or_default();
    vec![
        "Bonjour,".to_owned(),
        format!(
            "Vous êtes titulaire {of_lot} « {} » ({}). Ce contrat comporte une clause sociale d’insertion{hours}.",
            short(&c.title, 160),
            buyer(c)
        ),
        format!("{who}. Nous pouvons vous aider à la tenir : {help}, ou présenter des candidats."),
        "Pouvons-nous en parler cette semaine ?".to_owned(),
        "Cordialement,".to_owned(),
        [reader.name, reader.structure]
            .into_iter()
            .filter(|n| !n.is_empty())
            .map(|n| short(n, 80))
            .collect::<Vec<_>>()
            .join(", "),
    ]
}

/// The article of a kind's name.
fn article(kind: StructureKind) -> &'static str {
    match kind {
        StructureKind::Aci | StructureKind::Geiq | StructureKind::Esat => "un",
        _ => "une",
    }
}

/// An offer in one line, for a digest.
#[must_use]
pub fn offer_line(c: &Contract) -> String {
    let lot = lot(c);
    let lot = if lot.is_empty() { String::new() } else { format!("{lot}, ") };
    format!("{lot}titulaire : {} ; dus : {}", short(&c.holders_in_french(), 120), c.owed_in_french())
}

/// A contract that ends, in one line: who holds it, for how much, for how long, what it owes, for whom it was reserved, when it
/// ends and how that is known.
#[must_use]
pub fn renewal_line(c: &Contract) -> String {
    let mut parts: Vec<String> = Vec::new();
    let lot = lot(c);
    if !lot.is_empty() {
        parts.push(lot);
    }
    let holders = c.holders_in_french();
    parts.push(if holders.is_empty() {
        "titulaire non publié".to_owned()
    } else {
        format!("titulaire : {}", short(&holders, 120))
    });
    parts.extend(c.amount.as_ref().map(|a| amount(a.value)));
    if c.owes_work() {
        parts.push(c.owed_in_french());
    }
    if !c.reserved.is_empty() {
        let who: Vec<String> = c.reserved.iter().map(|who| beneficiary_label(*who).to_owned()).collect();
        parts.push(format!("réservé : {}", french::list(&who)));
    }
    let mut line = parts.join(" · ");
    if let Some(end) = &c.ends {
        line.push_str(&format!(". Fin {}au {} : {}", estimated(c), french::date(end.on), end.in_french()));
    }
    line.push('.');
    if c.reserved.contains(&Beneficiary::SocialEconomy) {
        line.push_str(" Réservé au titre de l’article L2113-15 : trois ans au plus, et pas à qui l’a tenu ces trois dernières années.");
    }
    line
}

/// The question what came of a tender. `lot` empty = the whole.
#[must_use]
pub fn result((title, lot): (&str, &str), buyer: &str, remark: Option<String>, to: Addresses<'_>) -> ResultMessage {
    let lot = if lot.is_empty() { String::new() } else { format!("Lot {}", short(lot, 20)) };
    ResultMessage {
        title: short(title, MAX_TITLE),
        lot,
        buyer: short(buyer, 160),
        remark,
        page: to.page.map(str::to_owned),
        answer: to.answer.map(str::to_owned),
    }
}

impl Templates {
    /// Services to offer to the holder of a contract.
    pub fn offer(&self, form: Form, offer: &OfferMessage, unsubscribe: Option<String>) -> Result<Message, RenderError> {
        let who = offer.holders.first().map(|h| h.name.as_str()).unwrap_or_default();
        let subject = format!("Proposer vos services à {} – {}", short(who, 60), short(&offer.title, 70));
        let values = context! { o => Serde(offer.clone()), unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&typeset::typeset(&subject)),
            body: self.body(form, ("proposer", "proposer"), &values)?,
            unsubscribe,
            files: Vec::new(),
        })
    }

    /// The question what came of a tender.
    pub fn ask_result(
        &self,
        form: Form,
        ask: &ResultMessage,
        unsubscribe: Option<String>,
    ) -> Result<Message, RenderError> {
        let lot = if ask.lot.is_empty() { String::new() } else { format!(", {}", ask.lot.to_lowercase()) };
        let subject = format!("Résultat ? {}{lot}", short(&ask.title, 90));
        let values = context! { r => Serde(ask.clone()), unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&typeset::typeset(&subject)),
            body: self.body(form, ("resultat", "resultat"), &values)?,
            unsubscribe,
            files: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::contract::{DurationBasis, EndFormula, Holder, Lasts, LatestEnd, Owed, Stated};
    use vigie_domain::{Company, Evidence, Place, Provision, ProvisionKind};

    fn contract() -> Contract {
        let mut clause = Provision::new(
            ProvisionKind::ExecutionClause,
            Evidence { field: None, quote: Some("le titulaire réserve 300 heures".into()) },
        );
        clause.hours = Some(300.0);
        let place = Place { city: Some("LENS".into()), postcode: Some("62300".into()), nuts: None };
        let company = Company { id: Some("55204599900869".into()), place, ..Company::named("Martin SARL") };
        let from = chrono::NaiveDate::from_ymd_opt(2026, 2, 20).unwrap();
        let lasts = Lasts { months: 48.0, basis: DurationBasis::AllIncluded };
        Contract {
            lot: "1".into(),
            title: "Nettoyage des écoles".into(),
            buyer: vigie_domain::Buyer { name: "Ville de Lens".into(), ..Default::default() },
            holders: vec![Holder { company, notice: "decp:1".into() }],
            amount: Some(Stated { value: Amount { euros: 120_000.0, maximum: false }, notice: "decp:1".into() }),
            owed: vec![Owed { provision: clause, notice: "boamp:26-1".into() }],
            ends: Some(LatestEnd {
                on: chrono::NaiveDate::from_ymd_opt(2030, 2, 20).unwrap(),
                formula: EndFormula::FromNotification { from, lasts },
            }),
            ..Contract::default()
        }
    }

    #[test]
    fn an_offer_says_who_what_and_how_and_the_letter_can_be_sent_as_it_is() {
        let profile = Profile { kind: Some(StructureKind::Etti), ..Profile::default() };
        let said = offer(
            &contract(),
            Reader { structure: "Artois Intérim", name: "Léa Dubois", profile: &profile },
            &[],
            None,
            Addresses::default(),
        );
        assert_eq!(said.holders[0].number, "SIRET 552\u{a0}045\u{a0}999\u{a0}00869");
        assert_eq!((said.holders[0].seat.as_str(), said.owed.as_str()), ("62300 LENS", "300\u{a0}heures"));
        assert_eq!(said.quotes, ["le titulaire réserve 300 heures"]);
        assert!(said.proposals[0].starts_with("mettre des salariés à disposition"), "{:?}", said.proposals);
        let letter = said.letter.join("\n");
        assert!(letter.contains("titulaire du lot 1 du marché « Nettoyage des écoles » (Ville de Lens)"), "{letter}");
        assert!(letter.contains("Artois Intérim est une entreprise de travail temporaire d’insertion."), "{letter}");
        let unnamed = Contract { owed: Vec::new(), ..contract() };
        assert_eq!(unnamed.owed_in_french(), "heures non publiées");
    }

    #[test]
    fn a_contract_that_ends_says_how_that_is_known_and_warns_of_three_years() {
        let line = renewal_line(&contract());
        assert_eq!(
            line,
            "Lot 1 · titulaire : Martin SARL · 120\u{202f}000\u{a0}€ HT · 300\u{a0}heures. Fin estimée au 20 février 2030 : notifié le 20 février 2026, 48\u{a0}mois au plus, reconductions comprises."
        );
        let reserved = Contract { reserved: vec![Beneficiary::SocialEconomy], ..contract() };
        assert!(renewal_line(&reserved).ends_with("pas à qui l’a tenu ces trois dernières années."));
    }
}
