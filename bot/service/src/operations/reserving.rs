//! Lots that could be reserved: for each lot or trade of an operation, the structures of the directory whose trade and place suit it, by
//! whom the law lets a lot be reserved to: EA and ESAT (L2113-12), SIAE (L2113-13), both (L2113-14). What suits is `partner_calls::reach`.
//!
//! Whoever chose never to be proposed is in no list. It is a proposal: what a structure wants or can take on is for it to say.

use std::collections::{BTreeMap, BTreeSet};

use vigie_config::rules::{self, Rules};
use vigie_domain::assessment::AssessedLot;
use vigie_domain::directory::Structure;
use vigie_domain::operation::Operation;
use vigie_domain::operation::calibration::Sheet;
use vigie_domain::{Assessment, Beneficiary, Lot, NoticeKind, Place, french};
use vigie_notifier::card::{lot_title, short};
use vigie_store::StoreError;
use vigie_store::choices::Choice;
use vigie_store::operations::Standing;
use vigie_watcher::classify::sectors;

use super::unseen;
use crate::after_award::messages::main_of;
use crate::partner_calls::reach::{self, Candidate, Sought};
use crate::service::Service;
use crate::visibility;

/// Most structures named of each sort.
const NAMED: usize = 6;
/// Longest name of a lot.
const MAX_NAMED: usize = 80;
/// Fewest structures in reach for which a reservation leaves some competition.
const ENOUGH: usize = 2;

/// Structures in reach of one sort, the nearest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InReach {
    pub count: usize,
    /// The first of them: name, kind and where.
    pub named: Vec<String>,
}

/// What could be reserved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Number of the lot; empty = the whole.
    pub lot: String,
    pub trade: String,
    /// EA and ESAT.
    pub adapted: InReach,
    /// SIAE.
    pub insertion: InReach,
}

impl Proposal {
    /// To whom it could be reserved, and by which article; `None` where too few are in reach.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let (adapted, insertion) = (self.adapted.count, self.insertion.count);
        match (adapted >= ENOUGH, insertion >= ENOUGH) {
            (true, true) => Some("réservable aux EA et ESAT (L2113-12), aux SIAE (L2113-13), ou aux deux (L2113-14)"),
            (true, false) if insertion == 0 => Some("réservable aux EA et ESAT (L2113-12)"),
            (false, true) if adapted == 0 => Some("réservable aux SIAE (L2113-13)"),
            (true, false) => Some("réservable aux EA et ESAT (L2113-12), ou à eux et aux SIAE (L2113-14)"),
            (false, true) => Some("réservable aux SIAE (L2113-13), ou à elles et aux EA et ESAT (L2113-14)"),
            (false, false) if adapted + insertion >= ENOUGH => {
                Some("réservable aux EA, ESAT et SIAE ensemble (L2113-14)")
            }
            (false, false) => None,
        }
    }
}

/// A lot or a trade for which structures are looked for: number of the lot, trade.
pub type Wanted = (String, String);

/// Structures that may be proposed, read once for all works.
pub struct Listed(Vec<Candidate>);

impl Listed {
    /// Reads the directory.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(service: &Service) -> Result<Self, StoreError> {
        let never: BTreeSet<String> = service.store.who_chose(Choice::NeverProposed, "").await?.into_iter().collect();
        let mut all = service.store.listed_structures().await?;
        all.retain(|s| !never.contains(&s.siret));
        Ok(Self(all.into_iter().map(Candidate::of).collect()))
    }

    /// What could be reserved of works, lot by lot.
    #[must_use]
    pub fn proposals(&self, works: &Works, wanted: &[Wanted]) -> Vec<Proposal> {
        wanted.iter().map(|(lot, trade)| proposal(&self.0, works, lot, trade)).collect()
    }

    /// Everybody in reach of works, whatever the lot: how many, and the nearest names.
    #[must_use]
    pub fn in_french(&self, works: &Works, wanted: &[Wanted]) -> String {
        let mut all: BTreeMap<&str, Found<'_>> = BTreeMap::new();
        for (lot, trade) in wanted {
            for found in in_reach(&self.0, works, lot, trade) {
                all.entry(&found.entry.siret).or_insert(found);
            }
        }
        let mut all: Vec<Found<'_>> = all.into_values().filter(Found::may_be_reserved_to).collect();
        all.sort_by(Found::nearest);
        let named: Vec<String> = all.iter().take(NAMED).map(Found::in_french).collect();
        if named.is_empty() { String::new() } else { format!("{} : {}", all.len(), named.join(" ; ")) }
    }
}

/// What is to be carried out, and where.
#[derive(Debug, Clone)]
pub struct Works {
    /// Of the notice, else of what the organisation wrote; without its provisions: nothing is reserved yet.
    assessment: Assessment,
    places: Vec<Place>,
}

impl Works {
    /// The one lot of an assessment that is looked for.
    fn lot(&self, number: &str, trade: &str) -> Assessment {
        let of_notice = self.assessment.lots.iter().find(|l| !number.is_empty() && l.id == number);
        let mut lot = of_notice.cloned().unwrap_or_else(|| AssessedLot {
            id: number.to_owned(),
            title: self.assessment.title.clone(),
            departments: self.assessment.departments.clone(),
            sectors: self.assessment.sectors.clone(),
            ..AssessedLot::default()
        });
        // What the notice knows of its own lot says more than the words of its title.
        let told = sectors::from_words(trade, &[]);
        if !told.is_empty() && (lot.sectors.is_empty() || trade != named(&lot)) {
            lot.sectors = told;
        }
        if lot.places.is_empty() {
            lot.places.clone_from(&self.places);
        }
        Assessment { lots: vec![lot], ..self.assessment.clone() }
    }

    /// The lots that the notice announces, each as the buyer calls it; the whole, by its trade, where it announces none.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        if self.assessment.lots.is_empty() {
            return vec![(String::new(), trade(&self.assessment.sectors))];
        }
        self.assessment.lots.iter().map(|l| (l.id.clone(), named(l))).collect()
    }
}

/// The trade of the first of these sectors.
fn trade(sectors: &[String]) -> String {
    sectors.first().map(|s| Rules::embedded().trade(s).to_owned()).unwrap_or_default()
}

/// A lot as its buyer calls it; by its trade where it has no title.
fn named(lot: &AssessedLot) -> String {
    match short(lot_title(&lot.id, &lot.title), MAX_NAMED) {
        title if title.is_empty() => trade(&lot.sectors),
        title => title,
    }
}

/// What an operation buys and where: by its notice, else by what the organisation wrote of it.
///
/// # Errors
/// The database fails.
pub async fn works(service: &Service, structure: &str, o: &Operation) -> Result<Works, StoreError> {
    for a in service.store.operation_procedures(structure).await? {
        if a.operation == o.id
            && a.standing == Standing::Attached
            && let Some(works) = works_of(service, &a.procedure).await?
        {
            return Ok(works);
        }
    }
    let mut departments = o.departments.clone();
    if departments.is_empty() {
        departments = unseen::area(service, structure).await?.reach(rules::communes());
    }
    let here = rules::communes().meant(&o.territory);
    let places: Vec<Place> = match here.as_slice() {
        [only] if departments.is_empty() || only.department().is_some_and(|d| departments.contains(&d)) => {
            only.department().into_iter().for_each(|d| departments = vec![d]);
            let postcode = only.postcode().map(str::to_owned);
            vec![Place { city: Some(only.name.to_owned()), postcode, nuts: None }]
        }
        _ => Vec::new(),
    };
    let written = Assessment {
        title: o.title.clone(),
        departments,
        sectors: sectors::from_words(&o.title, &[]),
        ..Assessment::new("", NoticeKind::Planned)
    };
    Ok(Works { assessment: written, places })
}

/// What a procedure buys and where; `None` where nothing of it is public.
///
/// # Errors
/// The database fails.
pub async fn works_of(service: &Service, procedure: &str) -> Result<Option<Works>, StoreError> {
    let notices = visibility::notices_of(service, None, procedure).await?;
    let Some(row) = main_of(&notices).or(notices.last()) else { return Ok(None) };
    let assessment = Assessment { provisions: Vec::new(), ..row.assessment.clone() };
    Ok(Some(Works { assessment, places: row.notice.places.clone() }))
}

/// The lots and trades of a sheet, each once; those of the notice where the sheet has none.
#[must_use]
pub fn wanted(sheet: Option<&Sheet>, works: &Works) -> Vec<Wanted> {
    let mut out: Vec<Wanted> = Vec::new();
    for line in sheet.iter().flat_map(|s| &s.lines) {
        let one = (Lot::clean_id(&line.lot), line.trade.clone());
        if !out.contains(&one) {
            out.push(one);
        }
    }
    if out.is_empty() { works.wanted() } else { out }
}

/// What could be reserved of an operation, by its sheet.
///
/// # Errors
/// The database fails.
pub async fn of(
    service: &Service,
    structure: &str,
    o: &Operation,
    sheet: Option<&Sheet>,
) -> Result<Vec<Proposal>, StoreError> {
    let works = works(service, structure, o).await?;
    Ok(Listed::read(service).await?.proposals(&works, &wanted(sheet, &works)))
}

/// « 3 EA et ESAT à portée : … » ; empty of none.
#[must_use]
pub fn in_reach_in_french(sort: &InReach, name: &str) -> String {
    if sort.count == 0 {
        return String::new();
    }
    let more = sort.count - sort.named.len();
    let mut named = sort.named.clone();
    if more > 0 {
        named.push(format!("{more} de plus"));
    }
    format!("{}\u{a0}{name} à portée : {}", sort.count, french::list(&named))
}

/// A structure in reach of a lot.
struct Found<'a> {
    km: f64,
    entry: &'a Structure,
    /// Where it is, in words.
    place: String,
}

impl Found<'_> {
    fn nearest(&self, other: &Self) -> std::cmp::Ordering {
        self.km.total_cmp(&other.km).then_with(|| self.entry.siret.cmp(&other.entry.siret))
    }

    fn may_be_reserved_to(&self) -> bool {
        [Beneficiary::Disability, Beneficiary::Insertion].into_iter().any(|b| self.entry.kind.may_bid(b))
    }

    fn in_french(&self) -> String {
        format!("{} ({}, {})", short(&self.entry.name, 60), self.entry.kind.acronym(), self.place)
    }
}

/// Those who suit a lot by themselves, the nearest first.
fn in_reach<'a>(all: &'a [Candidate], works: &Works, lot: &str, trade: &str) -> Vec<Found<'a>> {
    let assessment = works.lot(lot, trade);
    let sought = Sought::of(&assessment, assessment.lots.first());
    let suits = |c: &'a Candidate| {
        let suits = reach::suits(c, &sought).filter(|s| !s.beside)?;
        let place = suits.reasons.last().cloned().unwrap_or_default();
        Some(Found { km: suits.km.unwrap_or(f64::MAX), entry: &c.entry, place })
    };
    let mut found: Vec<Found<'a>> = all.iter().filter_map(suits).collect();
    found.sort_by(Found::nearest);
    found
}

fn proposal(all: &[Candidate], works: &Works, lot: &str, trade: &str) -> Proposal {
    let found = in_reach(all, works, lot, trade);
    let of = |beneficiary: Beneficiary| {
        let mut fit = found.iter().filter(|f| f.entry.kind.may_bid(beneficiary));
        let named: Vec<String> = fit.by_ref().take(NAMED).map(Found::in_french).collect();
        InReach { count: named.len() + fit.count(), named }
    };
    Proposal {
        lot: lot.to_owned(),
        trade: trade.to_owned(),
        adapted: of(Beneficiary::Disability),
        insertion: of(Beneficiary::Insertion),
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Department, StructureKind};

    use super::*;
    use crate::directory::tests::listed;

    fn entry(n: u32, name: &str, kind: StructureKind, naf: &str, city: &str, postcode: &str) -> Structure {
        listed(&format!("8074693170{n:04}"), name, kind, naf, (city, postcode))
    }

    #[test]
    fn a_lot_is_proposed_to_those_whose_trade_and_place_fit_and_none_where_one_is_alone() {
        let listed = Listed(Vec::from(
            [
                entry(1, "Jardins de Lens", StructureKind::Aci, "8130Z", "Lens", "62300"),
                entry(2, "Espaces de Liévin", StructureKind::Ei, "8130Z", "Liévin", "62800"),
                entry(3, "ESAT du bassin", StructureKind::Esat, "8130Z", "Lens", "62300"),
                entry(4, "Propreté", StructureKind::Ei, "8121Z", "Lens", "62300"),
                entry(5, "Jardins du Sud", StructureKind::Ei, "8130Z", "Marseille", "13001"),
                entry(6, "Intérim", StructureKind::Etti, "7820Z", "Lens", "62300"),
            ]
            .map(Candidate::of),
        ));
        let works = Works {
            assessment: Assessment {
                title: "Parc des Cytises".into(),
                departments: Department::parse("62").into_iter().collect(),
                ..Assessment::new("", NoticeKind::Planned)
            },
            places: vec![Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None }],
        };
        let wanted = [
            ("1".to_owned(), "Entretien des espaces verts".to_owned()),
            (String::new(), "Nettoyage de locaux".to_owned()),
        ];
        let told = listed.proposals(&works, &wanted);
        assert_eq!((told[0].insertion.count, told[0].adapted.count), (2, 1), "{told:?}");
        assert!(told[0].insertion.named[0].starts_with("Jardins de Lens (ACI"), "the nearest first: {told:?}");
        assert!(told[0].advice().is_some_and(|a| a.contains("L2113-13") && a.contains("L2113-14")));
        assert_eq!((told[1].insertion.count, told[1].adapted.count, told[1].advice()), (1, 0, None), "{told:?}");
        assert!(in_reach_in_french(&told[0].insertion, "SIAE").starts_with("2\u{a0}SIAE à portée : Jardins"));
        assert_eq!(in_reach_in_french(&told[1].adapted, "EA et ESAT"), "");
    }

    #[test]
    fn lots_of_the_sheet_come_before_those_of_the_notice() {
        let line = |lot: &str, trade: &str| vigie_domain::operation::calibration::Line {
            lot: lot.into(),
            trade: trade.into(),
            ..Default::default()
        };
        let mut assessment = Assessment::new("", NoticeKind::Planned);
        assessment.lots =
            vec![AssessedLot { id: "2".into(), title: "Peinture des façades".into(), ..AssessedLot::default() }];
        let works = Works { assessment, places: Vec::new() };
        assert_eq!(wanted(None, &works), [("2".to_owned(), "Peinture des façades".to_owned())]);
        let sheet = Sheet { lines: vec![line("Lot 01", "Maçonnerie"), line("1", "Maçonnerie")], ..Sheet::default() };
        assert_eq!(wanted(Some(&sheet), &works), [("1".to_owned(), "Maçonnerie".to_owned())]);
    }
}
