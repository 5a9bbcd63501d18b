//! The form of a subscription: where first, then what, then the rest; what is wrong stands at its field.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_domain::{
    Around, Buyer, BuyerKind, BuyerType, Cadence, Cpv, Department, Filter, NoticeKind, Subscription, SupplyMode, french,
};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_service::ingest::search_row;
use vigie_service::{place_input, subscriptions};
use vigie_watcher::classify::fold::fold;

use crate::browse::{Choice, departments, provisions, sectors};
use crate::frame::{Fields, Site, Visitor};

/// Most items of one list of a filter.
const MAX_ITEMS: usize = 120;
/// Most trades proposed for one word.
const MAX_NEAR: usize = 12;
/// Longest word.
const MAX_WORD: usize = 80;
/// Rhythms offered.
const CADENCES: [&str; 7] = ["auto", "reserved", "instant", "daily", "weekly", "4h", "2d"];
/// Distances offered around a commune, in kilometres.
const DISTANCES: [u16; 7] = [5, 10, 15, 20, 30, 50, 100];
/// The one chosen beforehand.
const DISTANCE: u16 = 20;
/// Kinds of notice offered.
const KINDS: [NoticeKind; 8] = [
    NoticeKind::Call,
    NoticeKind::PriorInformation,
    NoticeKind::Planned,
    NoticeKind::Private,
    NoticeKind::Correction,
    NoticeKind::Cancellation,
    NoticeKind::Award,
    NoticeKind::Event,
];
const SUPPLY: [SupplyMode; 3] = [SupplyMode::Service, SupplyMode::Goods, SupplyMode::Staff];

/// What the form holds, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Wish {
    /// How it is to be called.
    pub(crate) name: String,
    pub(crate) filter: Filter,
    pub(crate) cadence: Cadence,
    /// Départements that stood there before anybody touched the form: a circle takes their place.
    pub(crate) prefilled: Vec<Department>,
    /// What was typed and could not be read, by its field.
    pub(crate) typed: Vec<(&'static str, String)>,
    /// Trades that what was typed may mean (slug, name): one of them is to be chosen.
    pub(crate) near: Vec<(String, String)>,
    /// What is wrong: the field (empty = the whole), and a sentence.
    pub(crate) faults: Vec<(&'static str, String)>,
}

impl Wish {
    pub(crate) fn fault(&mut self, field: &'static str, text: &str) {
        self.faults.push((field, french::capital(text)));
    }
}

/// What the page is made for.
pub(super) struct Asked<'a> {
    /// The subscription that is changed.
    pub(crate) id: Option<&'a str>,
    pub(crate) wish: &'a Wish,
    pub(crate) said: Option<Said>,
    /// A search was to be alerted of.
    pub(crate) from_search: bool,
    /// How the subscription stood when its owner read it ([`stands`]); empty for a new one.
    pub(crate) stands: &'a str,
}

/// What is said of a subscription above its form.
#[derive(Clone, serde::Serialize)]
pub(super) struct Said {
    pub(crate) text: String,
    /// Nothing or everything: to be read before it is kept.
    pub(crate) warns: bool,
    pub(crate) samples: Vec<(String, String)>,
    pub(crate) reserved: usize,
    /// Markets that a change would lose, of those told before; some of them.
    pub(crate) lost: usize,
    pub(crate) lost_samples: Vec<(String, String)>,
    /// Too much, or nothing: what is asked.
    pub(crate) question: Option<String>,
    /// The changes that would help most: what a button says, and the conditions that it carries.
    pub(crate) ways: Vec<(String, String)>,
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Words between commas.
fn split(text: &str) -> Vec<String> {
    let parts = text.split([',', ';', '\n']).map(str::trim).filter(|p| !p.is_empty());
    parts.map(|p| p.chars().take(MAX_WORD).collect()).take(MAX_ITEMS).collect()
}

/// A number whose dots part thousands, as in `20.000`, without them; any other as it is.
fn without_thousands(number: &str) -> String {
    let groups: Vec<&str> = number.split('.').collect();
    let parted = groups.len() > 1 && groups[1..].iter().all(|g| g.len() == 3) && (1..=3).contains(&groups[0].len());
    if parted { groups.concat() } else { number.to_owned() }
}

impl Wish {
    fn number<T: std::str::FromStr>(&mut self, fields: &Fields, name: &'static str, what: &str) -> Option<T> {
        let text = fields.one(name);
        let plain: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '€').collect::<String>().replace(',', ".");
        if plain.is_empty() {
            return None;
        }
        let read = without_thousands(&plain).parse().ok().filter(|_| !plain.starts_with(['-', '−']));
        if read.is_none() {
            self.typed.push((name, text.to_owned()));
            self.fault(name, &format!("{what} : « {} » n’est pas un nombre", short(text, 30)));
        }
        read
    }

    /// The sectors that are ticked, and the one that was typed.
    fn sectors(&mut self, fields: &Fields) {
        let rules = Rules::embedded();
        // Of several that a word may mean, those that were then ticked count by themselves: the word may be gone.
        let chosen = fields.all("secteur").chain(fields.all("precis")).filter(|s| rules.is_sector(s));
        self.filter.sectors = chosen.take(MAX_ITEMS).map(str::to_owned).collect();
        let meant: Vec<&str> = fields.all("precis").take(MAX_ITEMS).collect();
        for typed in split(fields.one("metier")) {
            let key = fold(&typed);
            let found = rules.sectors().find(|(_, row)| fold(&row.label) == key).map(|(slug, _)| slug.to_owned());
            let near = || rules.sectors().filter(|(_, row)| fold(&row.label).contains(&key)).map(|(s, _)| s.to_owned());
            let several: Vec<String> = if found.is_some() { Vec::new() } else { near().collect() };
            match (found, several.as_slice()) {
                (Some(slug), _) => self.filter.sectors.push(slug),
                (None, [one]) => self.filter.sectors.push(one.clone()),
                (None, []) => {
                    self.typed.push(("metier", typed.clone()));
                    self.fault("metier", &format!("aucun métier ne s’appelle « {} » : choisissez-le dans la liste, ou mettez-le dans les mots voulus", short(&typed, 40)));
                }
                (None, several) if several.iter().any(|s| meant.contains(&s.as_str())) => {}
                (None, several) => {
                    let label = |s: &String| (s.clone(), rules.sector_label(s).to_owned());
                    self.near.extend(several.iter().take(MAX_NEAR).map(label));
                    self.typed.push(("metier", typed.clone()));
                    self.fault("metier", "plusieurs métiers portent ces mots : cochez ci-dessous ceux que vous faites");
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        self.filter.sectors.retain(|s| seen.insert(s.clone()));
    }

    /// Where: communes with a distance, intercommunalities, départements. A circle takes the place of départements that the form
    /// held by itself.
    fn places(&mut self, fields: &Fields) {
        for written in fields.all("rayon").flat_map(split) {
            let of_own = |around: Around| {
                let km = fields.one(&distance_field(&around.commune)).parse().unwrap_or(around.km);
                Around { km, ..around }
            };
            match place_input::around(&written).map(of_own) {
                Ok(around) if !self.filter.around.contains(&around) => self.filter.around.push(around),
                Ok(_) => {}
                Err(why) => self.fault("commune", &why),
            }
        }
        let commune = fields.one("commune");
        let ticked: Vec<Department> = fields.all("departement").filter_map(Department::parse).take(MAX_ITEMS).collect();
        if !commune.is_empty() {
            let written = match place_input::speaks_of_distance(commune) {
                true => commune.to_owned(),
                false => format!("{commune} {} km", if fields.one("km").is_empty() { "20" } else { fields.one("km") }),
            };
            match place_input::around(&written).and_then(|around| place_input::meant_among(around, commune, &ticked)) {
                Ok(around) => {
                    // The same commune with another distance: what is typed now is meant.
                    let known = self.filter.around.iter().position(|a| a.commune == around.commune);
                    match known {
                        Some(at) => self.filter.around[at] = around,
                        None => self.filter.around.push(around),
                    }
                }
                Err(why) => {
                    self.typed.push(("commune", commune.to_owned()));
                    self.fault("commune", &why);
                }
            }
        }
        for written in split(fields.one("epci")) {
            match place_input::epci(&written) {
                Ok(epci) => self.filter.epcis.push(epci.siren.to_owned()),
                Err(why) => {
                    self.typed.push(("epci", written));
                    self.fault("epci", &why);
                }
            }
        }
        let mut departments = ticked;
        departments.sort();
        departments.dedup();
        self.prefilled = fields.all("prerempli").filter_map(Department::parse).take(MAX_ITEMS).collect();
        self.prefilled.sort();
        self.prefilled.dedup();
        if !self.filter.around.is_empty() && !departments.is_empty() && departments == self.prefilled {
            departments.clear();
            self.prefilled.clear();
        }
        self.filter.departments = departments;
    }
}

/// What a form, or an address of the pages, wants.
pub(crate) fn wish(fields: &Fields) -> Wish {
    let name = fields.one("nom").chars().take(subscriptions::MAX_NAME).collect();
    let mut wish = Wish { name, ..Wish::default() };
    wish.places(fields);
    wish.sectors(fields);
    let chosen = |name: &'static str| fields.all(name).collect::<Vec<_>>();
    let (kinds, supply) = (chosen("nature"), chosen("mode"));
    let written = |name: &str, read: fn(&str) -> String| -> Vec<String> {
        split(fields.one(name)).iter().map(|text| read(text)).collect()
    };
    let min_score = wish.number(fields, "interet", "intérêt").unwrap_or(0);
    let min_lead_days = wish.number(fields, "jours", "jours pour répondre");
    let min_amount = wish.number(fields, "min", "montant minimal").filter(|n: &f64| n.is_finite());
    let max_amount = wish.number(fields, "max", "montant maximal").filter(|n: &f64| n.is_finite());
    wish.filter = Filter {
        cpv: written("cpv", Cpv::written),
        provisions: search_row::KINDS
            .into_iter()
            .filter(|k| fields.all("disposition").any(|w| w == k.as_str()))
            .collect(),
        notice_kinds: KINDS.into_iter().filter(|k| kinds.contains(&k.as_str())).collect(),
        supply_modes: SUPPLY.into_iter().filter(|m| supply.contains(&word(m).as_str())).collect(),
        buyers: written("acheteurs", Buyer::written),
        excluded_buyers: written("sans-acheteurs", Buyer::written),
        buyer_kind: match fields.one("acheteur") {
            "public" => Some(BuyerKind::Public),
            "private" => Some(BuyerKind::Private),
            _ => None,
        },
        buyer_types: BuyerType::ALL.into_iter().filter(|t| fields.all("type").any(|w| w == t.as_str())).collect(),
        words: split(fields.one("mots")),
        excluded_words: split(fields.one("sans-mots")),
        min_score,
        min_lead_days,
        min_amount,
        max_amount,
        ..std::mem::take(&mut wish.filter)
    };
    for fault in wish.filter.faults() {
        wish.fault(field_of(&fault), &fault);
    }
    match fields.one("rythme") {
        "" => {}
        text => match text.parse() {
            Ok(cadence) => wish.cadence = cadence,
            Err(e) => wish.fault("rythme", &format!("{e}")),
        },
    }
    wish
}

/// Conditions as fields that [`wish`] reads: places, trades, provisions, interest, days. What else a filter asks for is left out.
pub(crate) fn written(filter: &Filter) -> Vec<(String, String)> {
    let mut out: Vec<(&str, String)> = Vec::new();
    out.extend(filter.sectors.iter().map(|s| ("secteur", s.clone())));
    out.extend(filter.departments.iter().map(|d| ("departement", d.to_string())));
    out.extend(filter.around.iter().map(|a| ("rayon", place_input::written(a))));
    if !filter.epcis.is_empty() {
        let names: Vec<String> = filter.epcis.iter().map(|siren| place_input::epci_written(siren)).collect();
        out.push(("epci", names.join(", ")));
    }
    out.extend(filter.provisions.iter().map(|p| ("disposition", p.as_str().to_owned())));
    out.extend((filter.min_score > 0).then(|| ("interet", filter.min_score.to_string())));
    out.extend(filter.min_lead_days.map(|days| ("jours", days.to_string())));
    out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The conditions that a button of the form carries, where one was pressed: one change of those that were proposed.
pub(super) fn way(fields: &Fields) -> Option<Filter> {
    let filter: Filter = serde_json::from_str(fields.one("voie")).ok()?;
    filter.faults().is_empty().then_some(filter)
}

/// The field that holds the distance of a circle that the form shows.
fn distance_field(commune: &str) -> String {
    format!("distance-{commune}")
}

/// A circle of the filter, as the form shows it.
#[derive(serde::Serialize)]
struct Circle {
    value: String,
    place: String,
    field: String,
    distances: Vec<Choice>,
}

impl Circle {
    fn of(around: &Around) -> Self {
        let value = place_input::written(around);
        let place =
            value.rsplit_once(&format!(" {} km", around.km)).map_or(value.clone(), |(place, _)| place.to_owned());
        Self { value, place, field: distance_field(&around.commune), distances: distances(around.km) }
    }
}

/// The distances offered, and the one that stands.
fn distances(km: u16) -> Vec<Choice> {
    let mut offered = DISTANCES.to_vec();
    offered.extend(Some(km).filter(|km| !DISTANCES.contains(km)));
    offered.sort_unstable();
    let choice = |n: u16| Choice { value: n.to_string(), label: format!("{n}\u{a0}km"), on: n == km };
    offered.into_iter().map(choice).collect()
}

/// What a page that told what these conditions would have given sends back: whoever keeps the same was told.
pub(super) fn mark(filter: &Filter) -> String {
    vigie_store::derived_id(&[&serde_json::to_string(filter).unwrap_or_default()])
}

/// How a subscription stands: what is changed from it is kept only while it stands so still, whatever another tab, a chat or a
/// program did meanwhile.
pub(super) fn stands(subscription: &Subscription) -> String {
    let filter = serde_json::to_string(&subscription.filter).unwrap_or_default();
    vigie_store::derived_id(&[&filter, &subscription.cadence.to_string(), &subscription.name])
}

/// The field that a fault of a filter speaks of.
fn field_of(fault: &str) -> &'static str {
    let words = [
        ("CPV", "cpv"),
        ("acheteur", "acheteurs"),
        ("intercommunalité", "epci"),
        ("rayon", "commune"),
        ("montant", "min"),
        ("mot ", "mots"),
        ("intérêt", "interet"),
        ("jours restants", "jours"),
    ];
    words.into_iter().find(|(word, _)| fault.contains(word)).map_or("", |(_, field)| field)
}

/// The rhythms offered, as (value, label, chosen).
pub(crate) fn cadences(chosen: Cadence) -> Vec<(String, String, bool)> {
    let read = CADENCES.into_iter().filter_map(|w| w.parse::<Cadence>().ok());
    read.map(|c| (c.to_string(), french::capital(&c.in_french()), c == chosen)).collect()
}

/// The names of all trades.
pub(crate) fn trades() -> Vec<String> {
    Rules::embedded().sectors().map(|(_, row)| row.label.clone()).collect()
}

/// The form as a page.
pub(super) fn page(site: &Site, status: StatusCode, visitor: &Visitor, asked: &Asked<'_>) -> Response {
    let wish = asked.wish;
    let f = &wish.filter;
    let cadence = wish.cadence.to_string();
    let mut cadences: Vec<Choice> = CADENCES
        .into_iter()
        .filter_map(|w| w.parse::<Cadence>().ok())
        .map(|c| Choice { value: c.to_string(), label: french::capital(&c.in_french()), on: c == wish.cadence })
        .collect();
    if !cadences.iter().any(|c| c.on) {
        cadences.push(Choice { value: cadence, label: french::capital(&wish.cadence.in_french()), on: true });
    }
    let choice = |value: String, label: &str, on: bool| Choice { value, label: french::capital(label), on };
    let kinds: Vec<Choice> = KINDS
        .into_iter()
        .map(|k| choice(k.as_str().to_owned(), criteria::notice_kind_label(k), f.notice_kinds.contains(&k)))
        .collect();
    let supply: Vec<Choice> =
        SUPPLY.into_iter().map(|m| choice(word(&m), criteria::supply_label(m), f.supply_modes.contains(&m))).collect();
    let buyer_types: Vec<Choice> = BuyerType::ALL
        .into_iter()
        .map(|t| choice(t.as_str().to_owned(), t.in_french(), f.buyer_types.contains(&t)))
        .collect();
    let around: Vec<Circle> = f.around.iter().map(Circle::of).collect();
    let typed = |name: &str, otherwise: String| {
        let said: Vec<&str> = wish.typed.iter().filter(|(n, _)| *n == name).map(|(_, t)| t.as_str()).collect();
        if said.is_empty() { otherwise } else { said.join(", ") }
    };
    let epcis: Vec<String> = f.epcis.iter().map(|s| place_input::epci_written(s)).collect();
    let number = |n: Option<f64>| n.map(|n| n.to_string()).unwrap_or_default();
    let at_fault = |names: &[&str]| wish.faults.iter().any(|(field, _)| names.contains(field));
    let fine = !(f.cpv.is_empty() && f.words.is_empty() && f.excluded_words.is_empty() && f.buyers.is_empty())
        || !(f.excluded_buyers.is_empty() && f.notice_kinds.is_empty() && f.supply_modes.is_empty())
        || !f.buyer_types.is_empty()
        || f.buyer_kind.is_some()
        || f.min_score != 0
        || f.min_lead_days.is_some()
        || f.min_amount.is_some()
        || f.max_amount.is_some()
        || at_fault(&["cpv", "mots", "acheteurs", "interet", "jours", "min", "max"]);
    site.page_as(
        status,
        visitor,
        "abonnement.html",
        context! {
            id => asked.id.map(str::to_owned),
            name => wish.name.clone(),
            criteria => french::capital(&criteria::in_french(f)),
            faults => wish.faults.clone(),
            said => Serde(asked.said.clone()),
            told => asked.said.as_ref().map(|_| mark(f)),
            stands => asked.stands,
            scope => visitor.session.as_ref().and_then(|s| super::scope(&s.person)),
            from_search => asked.from_search,
            cadences => Serde(cadences),
            sectors => Serde(sectors(&f.sectors)),
            trades => trades(),
            metier => typed("metier", String::new()),
            departments => Serde(departments(&f.departments)),
            prefilled => wish.prefilled.iter().map(ToString::to_string).collect::<Vec<_>>(),
            provisions => Serde(provisions(&f.provisions)),
            kinds => Serde(kinds),
            supply => Serde(supply),
            buyer_types => Serde(buyer_types),
            near => wish.near.clone(),
            epcis => typed("epci", epcis.join(", ")),
            around => Serde(around),
            commune => typed("commune", String::new()),
            distances => Serde(distances(DISTANCE)),
            buyer_kind => f.buyer_kind.map(|k| word(&k)),
            words => f.words.join(", "),
            excluded_words => f.excluded_words.join(", "),
            buyers => f.buyers.join(", "),
            excluded_buyers => f.excluded_buyers.join(", "),
            cpv => f.cpv.join(", "),
            min_score => typed("interet", if f.min_score == 0 { String::new() } else { f.min_score.to_string() }),
            min_lead_days => typed("jours", f.min_lead_days.map(|d| d.to_string()).unwrap_or_default()),
            min_amount => typed("min", number(f.min_amount)),
            max_amount => typed("max", number(f.max_amount)),
            fine => fine,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::without_thousands;

    #[test]
    fn dots_that_part_thousands_are_no_decimals() {
        for (written, meant) in [
            ("20.000", "20000"),
            ("1.250.000", "1250000"),
            ("20.5", "20.5"),
            ("20.0000", "20.0000"),
            ("20000", "20000"),
            (".500", ".500"),
        ] {
            assert_eq!(without_thousands(written), meant);
        }
    }
}
