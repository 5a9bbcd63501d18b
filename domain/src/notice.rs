//! A notice as a source published it, before any judgement.
//!
//! Invariant: (`source`, `record_id`) names a notice for ever; a new content under the same name is a new version of
//! it. All text is kept as published (line breaks included); renderers collapse white space.

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};

pub use crate::award::Award;
use crate::{Cpv, Department, Place, TypedDate};

/// What a notice announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A call for competition.
    Call,
    /// Prior information, call for expressions of interest.
    PriorInformation,
    /// A purchase planned, long before the notice (APProch).
    Planned,
    /// A contract, or some of its lots, was awarded.
    Award,
    /// Nobody won what the notice tells of: sans suite, infructueux, or no winner yet.
    NoAward,
    /// The buyer means to conclude a contract without a call for competition (ex ante, VEAT).
    ExAnte,
    /// A contract under way was modified.
    Modification,
    /// A contract was completed.
    Completion,
    /// A correction of an earlier notice.
    Correction,
    /// The procedure is called off.
    Cancellation,
    /// A private buyer's call.
    Private,
    /// A business event.
    Event,
}

impl NoticeKind {
    /// What a buyer of that kind announces with it: a private company's call is a private one.
    #[must_use]
    pub fn of_buyer(self, buyer: BuyerKind) -> Self {
        if self == Self::Call && buyer == BuyerKind::Private { Self::Private } else { self }
    }

    /// Whether it tells what became of a procedure, or of its contract: nothing in it can be answered.
    #[must_use]
    pub fn is_result(self) -> bool {
        matches!(self, Self::Award | Self::NoAward | Self::ExAnte | Self::Modification | Self::Completion)
    }

    /// Whether a buyer opens a purchase with it: a call, or what comes before one.
    #[must_use]
    pub fn opens_a_purchase(self) -> bool {
        matches!(self, Self::Call | Self::PriorInformation | Self::Planned | Self::ExAnte | Self::Private)
    }

    /// Whether it announces something that cannot be answered yet.
    #[must_use]
    pub fn is_announcement(self) -> bool {
        matches!(self, Self::PriorInformation | Self::Planned)
    }

    /// Whether it only follows up another notice: what it leaves out is as it was.
    #[must_use]
    pub fn is_follow_up(self) -> bool {
        matches!(self, Self::Correction | Self::Cancellation) || self.is_result()
    }

    /// Whether someone who asked for these kinds asked for this one. Who asks for awards asks for all that takes their place or
    /// follows them.
    #[must_use]
    pub fn is_among(self, kinds: &[Self]) -> bool {
        kinds.contains(&self) || self.is_result() && kinds.contains(&Self::Award)
    }

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::PriorInformation => "prior_information",
            Self::Planned => "planned",
            Self::Award => "award",
            Self::NoAward => "no_award",
            Self::ExAnte => "ex_ante",
            Self::Modification => "modification",
            Self::Completion => "completion",
            Self::Correction => "correction",
            Self::Cancellation => "cancellation",
            Self::Private => "private",
            Self::Event => "event",
        }
    }
}

/// Public law or not: decides thresholds and wording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuyerKind {
    /// A contracting authority or entity of the Code de la commande publique.
    #[default]
    Public,
    /// A private company.
    Private,
}

/// Who buys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Official name as published; may be empty when the notice gives none.
    pub name: String,
    /// Fourteen-digit SIRET, or nine-digit SIREN where only that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub siret: Option<String>,
    /// Seat of the buyer.
    #[serde(default)]
    pub place: Place,
    /// Public or private.
    #[serde(default)]
    pub kind: BuyerKind,
}

impl Buyer {
    /// The SIREN: the first nine digits of the SIRET.
    #[must_use]
    pub fn siren(&self) -> Option<&str> {
        self.siret.as_deref()?.get(..9)
    }

    /// Keeps the digits of a SIRET (14) or SIREN (9); anything else is `None`.
    #[must_use]
    pub fn clean_siret(text: &str) -> Option<String> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        matches!(digits.len(), 9 | 14).then_some(digits)
    }

    /// Whether the digits of a SIRET or SIREN agree with its last one (the Luhn key of INSEE; those of the SIRET of La Poste, SIREN
    /// 356000000, sum up to a multiple of five instead). Of fourteen digits or nine alone.
    #[must_use]
    pub fn has_key(number: &str) -> bool {
        let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
        let doubled = |(place, digit): (usize, &u32)| match (place % 2, digit * 2) {
            (1, twice) if twice > 9 => twice - 9,
            (1, twice) => twice,
            _ => *digit,
        };
        let luhn = digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0;
        let post = number.starts_with("356000000") && digits.len() == 14 && digits.iter().sum::<u32>() % 5 == 0;
        matches!(digits.len(), 9 | 14) && digits.len() == number.chars().count() && (luhn || post)
    }

    /// A SIREN or SIRET as people write it, without spaces, dots and dashes; what is none stays as it is, for whoever refuses it.
    #[must_use]
    pub fn written(text: &str) -> String {
        let bare: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-')).collect();
        let number = matches!(bare.len(), 9 | 14) && bare.bytes().all(|b| b.is_ascii_digit());
        if number { bare } else { text.trim().to_owned() }
    }
}

/// A lot of a procedure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Number as published, without "LOT-" and leading zeros (`LOT-0003` → `3`).
    pub id: String,
    /// Title; may be empty.
    #[serde(default)]
    pub title: String,
    /// Codes of this lot.
    #[serde(default)]
    pub cpv: Vec<Cpv>,
    /// Départements where it is carried out; empty = as the procedure.
    #[serde(default)]
    pub departments: Vec<Department>,
    /// Places where it is carried out; empty = as the procedure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

impl Lot {
    /// Reduces the many spellings of a lot number to one: `LOT-0003`, `n° 3`, `03` → `3`.
    #[must_use]
    pub fn clean_id(text: &str) -> String {
        let folded = text.trim().to_lowercase();
        let mut rest = folded.trim_start_matches("lot").trim_start_matches(['-', ' ', '_']);
        for mark in ["n°", "nº", "no", "numéro", "numero", "par-"] {
            rest = rest.strip_prefix(mark).unwrap_or(rest).trim_start();
        }
        let stripped = rest.trim_start_matches('0');
        let kept = if stripped.starts_with(|c: char| c.is_ascii_digit()) { stripped } else { rest };
        if kept.is_empty() { text.trim().to_owned() } else { kept.to_owned() }
    }

    /// What lots are sorted by, so that 22 comes before 142: their number, else their name.
    #[must_use]
    pub fn order(id: &str) -> (u32, &str) {
        (id.parse().unwrap_or(u32::MAX), id)
    }
}

/// A piece of free text with the path it stood at. Quotes are cut out of passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Path in the source's own names, such as `MAPA.initial.renseignements.rensgComplt`.
    pub field: String,
    /// The lot this text belongs to; `None` = the whole notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// The text as published.
    pub text: String,
}

/// A coded statement of a structured field, such as `res-ws` in BT-71.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Code list or tag name: `reserved-procurement`, `strategic-procurement`, `MARCHE_RESERVE`, `criteres`…
    pub list: String,
    /// The code: `res-ws`, `soc-obj`, `ATELIERS_PROTEGES`, `non`…
    pub value: String,
    /// Path of the field.
    pub field: String,
    /// The lot concerned; `None` = the whole notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

/// An award criterion that a form lists by itself (BT-539, BT-734, BT-540, BT-541).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// Its name or description, as published.
    pub name: String,
    /// Its weight in percent, where the form gives percents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Path of the field.
    pub field: String,
    /// The lot concerned; `None` = the whole notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

/// Works, supplies or services (eForms BT-23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractNature {
    /// Works (`travaux`).
    Works,
    /// Supplies (`fournitures`).
    Supplies,
    /// Services.
    Services,
}

/// What other notices this one speaks of; used to find its procedure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// eForms contract folder identifier (BT-04), a UUID shared by all notices of the procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_folder: Option<String>,
    /// The buyer's own reference (BT-22, `idMarche`), unique only together with the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer_reference: Option<String>,
    /// Record ids, in the same source, of notices this one corrects, cancels or follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// Numbers in the Official Journal of the EU that this notice bears, or names as its own procedure's (`123456-2024`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publications: Vec<String>,
    /// Address of the notice's own page, in the one spelling by which others are compared with it; `None` where its source gives
    /// one page to several notices, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Links {
    /// Whether it names no other notice, nor anything by which one is known.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        Self { page: None, ..self.clone() } == Self::default()
    }

    /// One spelling of a publication number: `00123456-2024`, `2024/S 012-123456` → `123456-2024`.
    #[must_use]
    pub fn clean_publication(text: &str) -> Option<String> {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
        let (first, last) = (numbers.next()?, numbers.next_back()?);
        let (number, year) = if text.contains("/S") { (last, first) } else { (first, last) };
        let number = number.trim_start_matches('0');
        let fits = year.len() == 4 && year.starts_with("20") && (1..=8).contains(&number.len());
        fits.then(|| format!("{number}-{year}"))
    }
}

/// When a notice was issued, and which one it says that it changes (eForms).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// Identifier and version of the notice: `9f1c…-01` (BT-701, BT-757).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Identifier and version, or publication, of the notice that it changes (BT-758).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// When it was issued (BT-05).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<FixedOffset>>,
    /// Day of issue, where no hour is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
}

/// A notice, parsed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Identifier of the source that published it, such as `boamp`.
    pub source: String,
    /// The source's own identifier of the record.
    pub record_id: String,
    /// What it announces.
    pub kind: NoticeKind,
    /// Full title.
    pub title: String,
    /// Who buys.
    pub buyer: Buyer,
    /// Codes of the whole procedure, main one first.
    pub cpv: Vec<Cpv>,
    /// Works, supplies, services; several where the notice mixes them.
    #[serde(default)]
    pub natures: Vec<ContractNature>,
    /// Départements of performance; those of publication where nothing better is known.
    pub departments: Vec<Department>,
    /// Places of performance.
    #[serde(default)]
    pub places: Vec<Place>,
    /// Lots, in published order; empty when the procedure is not divided.
    pub lots: Vec<Lot>,
    /// Dates read from structured fields.
    pub dates: Vec<TypedDate>,
    /// Day of publication.
    #[serde(default)]
    pub published: Option<NaiveDate>,
    /// Estimated value, or framework maximum, in euros without tax (BT-27, BT-271).
    #[serde(default)]
    pub estimated_value: Option<f64>,
    /// `true` when the procedure is formal, published to the EU (above the thresholds).
    #[serde(default)]
    pub above_eu_threshold: bool,
    /// A concession (délégation de service public included).
    #[serde(default)]
    pub concession: bool,
    /// Page of the notice for people.
    #[serde(default)]
    pub url: Option<String>,
    /// Where the consultation documents are (BT-15).
    #[serde(default)]
    pub documents_url: Option<String>,
    /// Free text, in reading order.
    pub passages: Vec<Passage>,
    /// Coded statements.
    pub codes: Vec<Code>,
    /// Award criteria listed one by one.
    #[serde(default)]
    pub criteria: Vec<Criterion>,
    /// Contract duration in months, where a field gives it (BT-36).
    #[serde(default)]
    pub duration_months: Option<f64>,
    /// Greatest number of renewals, where a field gives it (BT-58).
    #[serde(default)]
    pub renewals: Option<u32>,
    /// Results, on award notices.
    #[serde(default)]
    pub awards: Vec<Award>,
    /// Other notices of the same procedure.
    #[serde(default)]
    pub links: Links,
    /// When it was issued, and what it changes, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<Issue>,
    /// Its own page could not be read: it says no more than the list that announced it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Who may see it.
    #[serde(default, skip_serializing_if = "Visibility::is_public")]
    pub visibility: Visibility,
}

/// Who may see a notice. What came behind a login or by mail is nobody's to publish.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Anybody: it was published.
    #[default]
    Public,
    /// Those who were told of it, whatever they subscribed to.
    Told,
    /// The structure that brought it, and nobody else is told.
    Structure(String),
}

impl Visibility {
    /// Whether anybody may see it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        *self == Self::Public
    }

    /// The structure that alone hears of it, where it is one's own.
    #[must_use]
    pub fn structure(&self) -> Option<&str> {
        match self {
            Self::Structure(structure) => Some(structure),
            Self::Public | Self::Told => None,
        }
    }
}

impl Notice {
    /// An empty notice to be filled by a parser.
    #[must_use]
    pub fn new(source: impl Into<String>, record_id: impl Into<String>, kind: NoticeKind) -> Self {
        Self {
            source: source.into(),
            record_id: record_id.into(),
            kind,
            title: String::new(),
            buyer: Buyer::default(),
            cpv: Vec::new(),
            natures: Vec::new(),
            departments: Vec::new(),
            places: Vec::new(),
            lots: Vec::new(),
            dates: Vec::new(),
            published: None,
            estimated_value: None,
            above_eu_threshold: false,
            concession: false,
            url: None,
            documents_url: None,
            passages: Vec::new(),
            codes: Vec::new(),
            criteria: Vec::new(),
            duration_months: None,
            renewals: None,
            awards: Vec::new(),
            links: Links::default(),
            issue: None,
            partial: false,
            visibility: Visibility::Public,
        }
    }

    /// The name under which the notice is stored and cited: `source:record`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.source, self.record_id)
    }

    /// Removes from every text what nobody sees ([`crate::visible`]), and from every address the account in it
    /// ([`crate::without_accounts`]).
    pub fn clean_texts(&mut self) {
        use std::borrow::Cow;
        let lots = self.lots.iter_mut().map(|l| &mut l.title);
        let passages = self.passages.iter_mut().map(|p| &mut p.text);
        let criteria = self.criteria.iter_mut().map(|c| &mut c.name);
        let own = [&mut self.title, &mut self.buyer.name].into_iter();
        let addresses = [&mut self.url, &mut self.documents_url].into_iter().flatten();
        for text in own.chain(lots).chain(passages).chain(criteria).chain(addresses) {
            if let Cow::Owned(seen) = crate::visible(text) {
                *text = seen;
            }
            if let Cow::Owned(shown) = crate::without_accounts(text) {
                *text = shown;
            }
        }
    }

    /// Cuts what is longer than any notice: its title and names each at `name` bytes, what it says in all at `whole`. Gives whether
    /// something was cut.
    pub fn cut_texts(&mut self, name: usize, whole: usize) -> bool {
        let cut = |text: &mut String, most: usize| {
            let is_longer = text.len() > most;
            if is_longer {
                text.truncate(text.floor_char_boundary(most));
            }
            is_longer
        };
        let lots = self.lots.iter_mut().map(|l| &mut l.title);
        let criteria = self.criteria.iter_mut().map(|c| &mut c.name);
        let names = [&mut self.title, &mut self.buyer.name].into_iter().chain(lots).chain(criteria);
        let mut was_cut = names.map(|text| cut(text, name)).fold(false, |a, b| a | b);
        let mut left = whole;
        for passage in &mut self.passages {
            was_cut |= cut(&mut passage.text, left);
            left -= passage.text.len();
        }
        if was_cut {
            self.passages.retain(|p| !p.text.is_empty());
        }
        was_cut
    }

    /// Keeps each passage once by (lot, text): forms repeat themselves.
    pub fn drop_repeated_passages(&mut self) {
        let mut seen = std::collections::HashSet::new();
        self.passages.retain(|p| seen.insert((p.lot.clone(), p.text.clone())));
    }

    /// Whether this version says a part of what another one of the record says, and nothing else: its publisher showed it cut.
    #[must_use]
    pub fn is_part_of(&self, other: &Self) -> bool {
        fn words(notice: &Notice) -> String {
            let all: Vec<&str> = notice.passages.iter().flat_map(|p| p.text.split_whitespace()).collect();
            all.join(" ")
        }
        let (mine, theirs) = (words(self), words(other));
        let stated =
            self.dates.iter().all(|d| other.dates.contains(d)) && self.codes.iter().all(|c| other.codes.contains(c));
        let less = mine.len() < theirs.len() || self.dates.len() < other.dates.len();
        (self.kind, &self.title, &self.buyer) == (other.kind, &other.title, &other.buyer)
            && self.lots.len() <= other.lots.len()
            && stated
            && less
            && theirs.contains(&mine)
    }

    /// What this notice leaves out, as an earlier one of the procedure said it: a follow-up repeats little of the place, the lots,
    /// the documents and the words.
    #[must_use]
    pub fn inheriting(&self, earlier: &Self) -> Self {
        fn or<T: Clone>(mine: &[T], theirs: &[T]) -> Vec<T> {
            if mine.is_empty() { theirs.to_vec() } else { mine.to_vec() }
        }
        let mut whole = self.clone();
        whole.places = or(&self.places, &earlier.places);
        whole.departments = or(&self.departments, &earlier.departments);
        whole.cpv = or(&self.cpv, &earlier.cpv);
        whole.natures = or(&self.natures, &earlier.natures);
        for lot in &mut whole.lots {
            if let Some(known) = earlier.lots.iter().find(|l| l.id == lot.id) {
                lot.places = or(&lot.places, &known.places);
                lot.departments = or(&lot.departments, &known.departments);
                lot.cpv = or(&lot.cpv, &known.cpv);
                if lot.title.is_empty() {
                    lot.title.clone_from(&known.title);
                }
            }
        }
        let others: Vec<Lot> =
            earlier.lots.iter().filter(|l| !self.lots.iter().any(|mine| mine.id == l.id)).cloned().collect();
        if self.lots.is_empty() || self.kind.is_result() {
            whole.lots.extend(others);
        }
        let theirs = earlier.passages.iter().filter(|p| !self.passages.iter().any(|mine| mine.text == p.text));
        whole.passages.extend(theirs.cloned());
        whole.documents_url = self.documents_url.clone().or_else(|| earlier.documents_url.clone());
        whole.estimated_value = self.estimated_value.or(earlier.estimated_value);
        if self.buyer.name.is_empty() {
            whole.buyer = earlier.buyer.clone();
        }
        whole
    }

    /// The earliest moment after which no tender (or request to participate) is accepted.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<FixedOffset>> {
        crate::date::closing(&self.dates)
    }
}

#[cfg(test)]
mod tests;
