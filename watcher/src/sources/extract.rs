//! Declared pages: from a list of items and a few selectors to notices. Shared by portals and mailboxes.
//!
//! In HTML a field is a CSS selector, with `@name` for an attribute (`a.titre@href`) and ` || ` before a second try; in JSON
//! a pointer (RFC 6901). A regular expression may cut the value out of the text; its first group counts.
//!
//! A page **no longer fits** when it holds no item (and not the mark of an empty list), or when a field that every page
//! had is found in none of its items: that is a [`Misfit`] which names the selector, and nothing of the page is taken.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use regex::Regex;
use scraper::{ElementRef, Html, Selector};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;
use vigie_config::settings::BlockFault;
use vigie_domain::{
    Buyer, BuyerKind, Code, Cpv, DateKind, Department, Lot, Notice, NoticeKind, Passage, Place, TypedDate,
};

use super::SelectorReport;
use super::feed::plain_text;
use crate::classify::pattern::pattern;
use crate::classify::{dates, one_line, plain};
use crate::zones;

pattern!(LOT, r"(?i)^\s*lot\s*(?:n[°ºo]\s*)?(?P<id>[0-9]{1,3}[a-z]?)\b[\s:.–—-]*(?P<title>.*)$");
pattern!(DEPARTMENT, r"\((?P<d>2[AaBb]|[0-9]{2,3})\)|\b(?P<p>[0-9]{5})\b");

/// Most items read of one page.
const MAX_ITEMS: usize = 2_000;
/// Items from which a field that none of them has is a sign that the page changed.
const ENOUGH_ITEMS: usize = 3;

/// How a page is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// HTML, read by CSS selectors.
    #[default]
    Html,
    /// JSON, read by pointers.
    Json,
}

/// What a field of an item can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Field {
    /// Identity; the link when absent.
    Id,
    /// Title.
    Title,
    /// Page of the notice.
    Link,
    /// Who buys.
    Buyer,
    /// SIRET or SIREN of the buyer.
    Siret,
    /// The buyer's own reference.
    Reference,
    /// Closing date.
    Deadline,
    /// Day of publication.
    Published,
    /// Free text; all matches are joined.
    Text,
    /// CPV codes.
    Cpv,
    /// Places of performance: postcodes, or départements in parentheses.
    Place,
    /// Lots, one a match: `Lot 3 : Vitrerie`.
    Lots,
    /// Where the consultation documents are.
    Documents,
    /// Present when the page marks a social provision.
    Social,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Title => "title",
            Self::Link => "link",
            Self::Buyer => "buyer",
            Self::Siret => "siret",
            Self::Reference => "reference",
            Self::Deadline => "deadline",
            Self::Published => "published",
            Self::Text => "text",
            Self::Cpv => "cpv",
            Self::Place => "place",
            Self::Lots => "lots",
            Self::Documents => "documents",
            Self::Social => "social",
        }
    }

    /// Several matches make one value.
    fn takes_all(self) -> bool {
        matches!(self, Self::Text | Self::Cpv | Self::Lots)
    }
}

/// A field as the settings file writes it: `"css"`, `"css@attribute"`, `"/pointer"`, or a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(super) struct Written {
    /// Selector or pointer; empty = the item itself.
    select: String,
    /// Cuts the value out of the text.
    pattern: Option<String>,
    /// Some pages hold it nowhere.
    optional: bool,
}

impl Written {
    /// A field of a preset.
    pub(super) fn preset(select: &str, pattern: Option<&str>, optional: bool) -> Self {
        Self { select: select.to_owned(), pattern: pattern.map(str::to_owned), optional }
    }
}

impl TryFrom<toml::Value> for Written {
    type Error = &'static str;

    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            #[serde(default)]
            select: String,
            #[serde(default)]
            pattern: Option<String>,
            #[serde(default)]
            optional: bool,
        }
        if let toml::Value::String(select) = value {
            return Ok(Self { select, ..Self::default() });
        }
        Table::deserialize(value)
            .map(|t| Self { select: t.select, pattern: t.pattern, optional: t.optional })
            .map_err(|_| "un champ s’écrit \"sélecteur\" ou { select = \"…\", pattern = \"…\", optional = true }")
    }
}

/// Fields by name.
pub(super) type Fields = BTreeMap<Field, Written>;

/// A field, ready to be read.
struct Pick {
    written: String,
    way: Way,
    pattern: Option<Regex>,
    optional: bool,
}

enum Way {
    /// The item itself.
    Whole,
    /// Selectors with the attribute they read, the first that finds something counts.
    Css(Vec<(Selector, Option<String>)>),
    Pointer(String),
}

impl Pick {
    fn new(written: &Written, format: Format, key: &str) -> Result<Self, BlockFault> {
        let pattern =
            written.pattern.as_deref().map(Regex::new).transpose().map_err(|e| {
                BlockFault::at(key, format!("expression régulière illisible : {e}"), "corrigez ce motif")
            })?;
        let way = match (written.select.as_str(), format) {
            ("", _) => Way::Whole,
            (select, Format::Html) => {
                Way::Css(select.split(" || ").map(|one| css(one, key)).collect::<Result<_, _>>()?)
            }
            (select, Format::Json) if select.starts_with('/') => Way::Pointer(select.to_owned()),
            _ => {
                return Err(BlockFault::at(
                    key,
                    "un pointeur JSON commence par « / »",
                    "écrivez par exemple \"/titre\"",
                ));
            }
        };
        let written_as =
            written.pattern.as_ref().map_or_else(|| written.select.clone(), |p| format!("{} ~ {p}", written.select));
        Ok(Self { written: written_as, way, pattern, optional: written.optional })
    }

    fn of_element(&self, item: ElementRef<'_>, field: Field) -> Vec<String> {
        let text = |element: ElementRef<'_>| match field {
            Field::Text => plain_text(&element.html()),
            _ => one_line(&element.text().collect::<String>()),
        };
        let found: Vec<String> = match &self.way {
            Way::Whole => vec![text(item)],
            Way::Css(tries) => {
                let read = |(css, attribute): &(Selector, Option<String>)| -> Vec<String> {
                    let found = item.select(css).filter_map(|e| match attribute {
                        Some(name) => e.value().attr(name).map(str::to_owned),
                        None => Some(text(e)),
                    });
                    found.collect()
                };
                tries.iter().map(read).find(|found| !found.is_empty()).unwrap_or_default()
            }
            Way::Pointer(_) => Vec::new(),
        };
        self.cut(found, field)
    }

    fn of_json(&self, item: &Value, field: Field) -> Vec<String> {
        let at = match &self.way {
            Way::Pointer(pointer) => item.pointer(pointer),
            Way::Whole => Some(item),
            Way::Css(..) => None,
        };
        let values = at.map(|v| crate::tree::all(v, "")).unwrap_or_default();
        let found = values.into_iter().filter_map(|v| match v {
            // A mark is there when it is true.
            Value::Bool(set) => set.then(|| "oui".to_owned()),
            v => crate::tree::own_text(v)
                .map(|t| if field == Field::Text { plain_text(&t) } else { one_line(&plain_text(&t)) }),
        });
        self.cut(found.collect(), field)
    }

    /// What the expression keeps of each text; empty texts say nothing, save a mark, which counts by being there.
    fn cut(&self, found: Vec<String>, field: Field) -> Vec<String> {
        let kept = found.into_iter().filter_map(|text| match &self.pattern {
            None => Some(text),
            Some(pattern) => {
                pattern.captures(&text).map(|c| c.get(1).or_else(|| c.get(0)).map_or("", |m| m.as_str()).to_owned())
            }
        });
        let mut values: Vec<String> =
            kept.map(|t| t.trim().to_owned()).filter(|t| field == Field::Social || !t.is_empty()).collect();
        if !field.takes_all() {
            values.truncate(1);
        }
        values
    }
}

/// A selector with the attribute it may name.
fn css(written: &str, key: &str) -> Result<(Selector, Option<String>), BlockFault> {
    let (css, attribute) = match written.rsplit_once('@') {
        Some((css, name)) if !name.contains([']', ' ', '"']) => (css, Some(name.to_owned())),
        _ => (written, None),
    };
    Ok((selector(if css.is_empty() { ":scope" } else { css }, key)?, attribute))
}

fn selector(css: &str, key: &str) -> Result<Selector, BlockFault> {
    Selector::parse(css)
        .map_err(|e| BlockFault::at(key, format!("sélecteur CSS « {css} » illisible : {e}"), "corrigez ce sélecteur"))
}

/// A page that no longer fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The key and the selector that failed.
    pub(super) selector: String,
    /// What was expected of it.
    pub(super) what: String,
}

/// The layout of a page: what its items are and where their fields stand.
pub(super) struct Layout {
    format: Format,
    /// Key of the block that declares it, for faults and misfits.
    key: String,
    items: Option<(String, Way)>,
    empty: Option<Selector>,
    fields: BTreeMap<Field, Pick>,
}

/// One item of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    values: BTreeMap<Field, Vec<String>>,
    /// As it came.
    pub(super) raw: Vec<u8>,
}

/// A page read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its items.
    pub(super) items: Vec<Item>,
    /// What each selector found.
    pub(super) reports: Vec<SelectorReport>,
}

impl Layout {
    /// A list of items. `items` is a selector or pointer; `empty` marks a list that holds none.
    pub(super) fn list(
        key: &str,
        format: Format,
        items: &str,
        empty: Option<&str>,
        fields: &Fields,
    ) -> Result<Self, BlockFault> {
        let place = format!("{key}.items");
        let way = match format {
            Format::Html => Way::Css(vec![(selector(items, &place)?, None)]),
            Format::Json => Way::Pointer(items.to_owned()),
        };
        let empty = empty.map(|e| selector(e, &format!("{key}.empty"))).transpose()?;
        Ok(Self { items: Some((items.to_owned(), way)), empty, ..Self::item(key, format, fields)? })
    }

    /// A page that is one item.
    pub(super) fn item(key: &str, format: Format, fields: &Fields) -> Result<Self, BlockFault> {
        let picks = fields
            .iter()
            .map(|(field, written)| {
                Ok((*field, Pick::new(written, format, &format!("{key}.fields.{}", field.name()))?))
            })
            .collect::<Result<_, BlockFault>>()?;
        Ok(Self { format, key: key.to_owned(), items: None, empty: None, fields: picks })
    }

    /// Reads a page of text.
    pub(super) fn read(&self, text: &str) -> Result<Found, Misfit> {
        let (items, marked_empty) = match self.format {
            Format::Html => self.of_html(text),
            Format::Json => self.of_json(text)?,
        };
        if items.is_empty() && !marked_empty {
            let (selector, _) = self.items.as_ref().map_or(("", &Way::Whole), |(s, w)| (s.as_str(), w));
            let what = "aucun élément de liste trouvé".to_owned();
            return Err(Misfit { selector: format!("{}.items = {selector}", self.key), what });
        }
        let reports = self.reports(&items);
        self.fits(&items)?;
        Ok(Found { items, reports })
    }

    fn of_html(&self, text: &str) -> (Vec<Item>, bool) {
        let page = Html::parse_document(text);
        let elements: Vec<ElementRef<'_>> = match &self.items {
            Some((_, Way::Css(tries))) => tries.iter().flat_map(|(css, _)| page.select(css)).take(MAX_ITEMS).collect(),
            _ => vec![page.root_element()],
        };
        let items = elements
            .iter()
            .map(|e| Item {
                values: self.values(|pick, field| pick.of_element(*e, field)),
                raw: if self.items.is_some() { e.html().into_bytes() } else { Vec::new() },
            })
            .collect();
        (items, self.empty.as_ref().is_some_and(|css| page.select(css).next().is_some()))
    }

    fn of_json(&self, text: &str) -> Result<(Vec<Item>, bool), Misfit> {
        let misfit = |what: String| Misfit {
            selector: self.items.as_ref().map_or_else(String::new, |(s, _)| format!("{}.items = {s}", self.key)),
            what,
        };
        let tree: Value = serde_json::from_str(text).map_err(|e| misfit(format!("JSON illisible ({e})")))?;
        let values: Vec<&Value> = match &self.items {
            Some((pointer, _)) => match tree.pointer(pointer) {
                Some(Value::Array(many)) => many.iter().take(MAX_ITEMS).collect(),
                _ => return Err(misfit("pas de liste à cet endroit".to_owned())),
            },
            None => vec![&tree],
        };
        let items: Vec<Item> = values
            .into_iter()
            .map(|v| Item {
                values: self.values(|pick, field| pick.of_json(v, field)),
                raw: serde_json::to_vec(v).unwrap_or_default(),
            })
            .collect();
        // An empty list of JSON says by itself that it is empty.
        let empty = items.is_empty();
        Ok((items, empty))
    }

    fn values(&self, read: impl Fn(&Pick, Field) -> Vec<String>) -> BTreeMap<Field, Vec<String>> {
        self.fields.iter().map(|(field, pick)| (*field, read(pick, *field))).filter(|(_, v)| !v.is_empty()).collect()
    }

    fn reports(&self, items: &[Item]) -> Vec<SelectorReport> {
        self.fields
            .iter()
            .map(|(field, pick)| {
                let with: Vec<&Vec<String>> = items.iter().filter_map(|i| i.values.get(field)).collect();
                SelectorReport {
                    field: format!("{}.{}", self.key, field.name()),
                    selector: pick.written.clone(),
                    found: (with.len(), items.len()),
                    sample: with.first().and_then(|v| v.first()).cloned().unwrap_or_default(),
                }
            })
            .collect()
    }

    /// A field that no item has: at once for what every notice needs, on a page of some length for the rest.
    fn fits(&self, items: &[Item]) -> Result<(), Misfit> {
        for (field, pick) in self.fields.iter().filter(|(_, p)| !p.optional) {
            let needed = matches!(field, Field::Id | Field::Title | Field::Link)
                || items.len() >= ENOUGH_ITEMS
                || self.items.is_none();
            if needed && !items.is_empty() && items.iter().all(|i| !i.values.contains_key(field)) {
                return Err(Misfit {
                    selector: format!("{}.fields.{} = {}", self.key, field.name(), pick.written),
                    what: format!("rien trouvé dans {} élément(s)", items.len()),
                });
            }
        }
        Ok(())
    }
}

/// What holds for every notice of a source.
#[derive(Debug, Clone)]
pub(super) struct Common {
    /// Address of the page, against which links are read.
    pub(super) base: Option<Url>,
    /// Who buys, where the source belongs to one buyer.
    pub(super) buyer: Option<String>,
    /// Public or private.
    pub(super) kind: BuyerKind,
    /// What its items announce, where that is always the same.
    pub(super) announces: Option<NoticeKind>,
    /// Where an item that names no place belongs.
    pub(super) departments: Vec<Department>,
}

impl Item {
    fn first(&self, field: Field) -> Option<&str> {
        self.values.get(&field)?.first().map(String::as_str)
    }

    /// What the detail page adds; what the list said stays where the detail says nothing.
    pub(super) fn add(&mut self, detail: Item) {
        for (field, values) in detail.values {
            self.values.insert(field, values);
        }
    }

    /// The page of the notice, as an absolute web address.
    pub(super) fn link(&self, base: Option<&Url>) -> Option<Url> {
        let written = self.first(Field::Link)?;
        let url = base.map_or_else(|| Url::parse(written), |b| b.join(written)).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// The name under which the item is known for ever: its id, else its link.
    pub(super) fn identity(&self, base: Option<&Url>) -> Option<String> {
        self.first(Field::Id).map(str::to_owned).or_else(|| {
            let mut url = self.link(base)?;
            url.set_fragment(None);
            let kept: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(k, _)| !k.starts_with("utm_"))
                .map(|(k, v)| (k.into_owned(), v.into_owned()))
                .collect();
            url.set_query(None);
            if !kept.is_empty() {
                url.query_pairs_mut().extend_pairs(kept);
            }
            Some(url.into())
        })
    }

    /// Changes when what the list says changes.
    pub(super) fn fingerprint(&self) -> String {
        let digest = Sha256::digest(format!("{:?}", self.values));
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// The item as a notice, or why it is none.
    pub(super) fn notice(&self, source: &str, common: &Common) -> Result<Notice, String> {
        let id = self.identity(common.base.as_ref()).ok_or("élément sans identifiant ni lien")?;
        let title = self.first(Field::Title).ok_or("élément sans titre")?;
        let text = self.values.get(&Field::Text).map(|t| t.join("\n\n")).unwrap_or_default();
        let mut notice = plain::notice(&id, title, &text);
        source.clone_into(&mut notice.source);
        notice.kind = common.announces.unwrap_or_else(|| notice.kind.of_buyer(common.kind));
        let said_buyer = self.first(Field::Buyer).map(str::to_owned);
        notice.buyer = Buyer {
            name: said_buyer.or_else(|| common.buyer.clone()).unwrap_or(notice.buyer.name),
            siret: self.first(Field::Siret).and_then(Buyer::clean_siret),
            kind: common.kind,
            place: Place::default(),
        };
        for code in self.values.get(&Field::Cpv).into_iter().flatten().filter_map(|c| Cpv::parse(c)) {
            if !notice.cpv.contains(&code) {
                notice.cpv.push(code);
            }
        }
        self.places(&mut notice, common);
        self.lots(&mut notice);
        self.dates(&mut notice);
        notice.links.buyer_reference = self.first(Field::Reference).map(str::to_owned);
        notice.url = self.link(common.base.as_ref()).map(Into::into);
        notice.documents_url = self.first(Field::Documents).map(str::to_owned);
        if self.values.contains_key(&Field::Social) {
            let (list, value) = ("criteres".to_owned(), "sociaux".to_owned());
            notice.codes.push(Code { list, value, field: "social".to_owned(), lot: None });
        }
        notice.passages =
            if text.is_empty() { Vec::new() } else { vec![Passage { field: "text".into(), lot: None, text }] };
        Ok(notice)
    }

    fn places(&self, notice: &mut Notice, common: &Common) {
        let said = self.first(Field::Place).or_else(|| self.first(Field::Buyer)).unwrap_or_default();
        let found: Vec<Department> = DEPARTMENT
            .captures_iter(said)
            .filter_map(|c| {
                let code = c.name("d").and_then(|d| Department::parse(d.as_str()));
                code.or_else(|| Department::of_postcode(c.name("p")?.as_str()))
            })
            .collect();
        let known = if found.is_empty() { std::mem::take(&mut notice.departments) } else { found };
        for department in if known.is_empty() { common.departments.clone() } else { known } {
            if !notice.departments.contains(&department) {
                notice.departments.push(department);
            }
        }
    }

    fn lots(&self, notice: &mut Notice) {
        for (i, line) in self.values.get(&Field::Lots).into_iter().flatten().enumerate() {
            let (id, title) = LOT.captures(line).map_or_else(
                || ((i + 1).to_string(), line.clone()),
                |c| (Lot::clean_id(&c["id"]), c["title"].trim().to_owned()),
            );
            notice.lots.push(Lot { id, title, ..Lot::default() });
        }
    }

    fn dates(&self, notice: &mut Notice) {
        let zone: Tz = zones::zone(notice.departments.first());
        notice.published =
            self.first(Field::Published).and_then(|d| dates::written(d, zone)).map(|(at, _)| at.date_naive());
        if let Some(read) = self.first(Field::Deadline).and_then(|d| dates::written(d, zone)) {
            notice.dates.push(TypedDate::of_field(DateKind::Tender, read, "deadline"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(Field, &str)]) -> Fields {
        list.iter().map(|(f, s)| (*f, Written::preset(s, None, false))).collect()
    }

    fn common() -> Common {
        Common {
            base: Url::parse("https://portail.example/liste?page=1").ok(),
            buyer: None,
            kind: BuyerKind::Public,
            announces: None,
            departments: Vec::new(),
        }
    }

    const PAGE: &str = "<ul><li class=c id=7><a href='/avis/7?utm_source=x'>Nettoyage  des écoles</a><b>Ville de Lens (62300)</b><i>13/05/27 à 16h00</i>
        <u>Lot n° 2 : Vitrerie</u><u>Lot 3 - Sols</u></li></ul>";

    fn list() -> Layout {
        let fields = fields(&[
            (Field::Title, "a"),
            (Field::Link, "a@href"),
            (Field::Buyer, "b"),
            (Field::Deadline, "i"),
            (Field::Lots, "u"),
        ]);
        Layout::list("list", Format::Html, "li.c", Some("p.none"), &fields).unwrap()
    }

    #[test]
    fn an_item_becomes_a_notice() {
        let found = list().read(PAGE).unwrap();
        let notice = found.items[0].notice("s", &common()).unwrap();
        assert_eq!(notice.record_id, "https://portail.example/avis/7");
        assert_eq!((notice.title.as_str(), notice.departments[0].as_str()), ("Nettoyage des écoles", "62"));
        assert_eq!(notice.dates[0].at.to_rfc3339(), "2027-05-13T16:00:00+02:00");
        assert_eq!(
            notice.lots.iter().map(|l| (l.id.as_str(), l.title.as_str())).collect::<Vec<_>>(),
            [("2", "Vitrerie"), ("3", "Sols")]
        );
        assert!(found.reports.iter().any(|r| r.field == "list.title" && r.found == (1, 1)));
    }

    #[test]
    fn a_page_without_items_is_a_change_unless_it_says_that_it_is_empty() {
        let misfit = list().read("<html><body>Bienvenue</body></html>").unwrap_err();
        assert_eq!(misfit.selector, "list.items = li.c");
        assert!(list().read("<p class=none>Aucune consultation</p>").unwrap().items.is_empty());
    }

    #[test]
    fn a_field_that_no_item_has_any_more_is_a_change() {
        let misfit = list().read(&PAGE.replace("<a ", "<em ").replace("</a>", "</em>")).unwrap_err();
        assert!(misfit.selector.starts_with("list.fields.title"), "{}", misfit.selector);
        let many = (0..3).map(|i| format!("<li class=c><a href='/{i}'>T</a><b>B</b><u>L</u></li>")).collect::<String>();
        assert!(list().read(&many).unwrap_err().selector.starts_with("list.fields.deadline"));
    }

    #[test]
    fn json_is_read_by_pointers() {
        let fields = fields(&[(Field::Id, "/ref"), (Field::Title, "/objet/fr"), (Field::Social, "/clause")]);
        let layout = Layout::list("list", Format::Json, "/data", None, &fields);
        let layout = layout.unwrap();
        let found = layout
            .read(r#"{"data": [{"ref": 12, "objet": {"fr": "Tri &amp; recyclage"}, "clause": true}, {"ref": 13, "objet": {"fr": "B"}, "clause": false}]}"#)
            .unwrap();
        let notices: Vec<Notice> = found.items.iter().map(|i| i.notice("s", &common()).unwrap()).collect();
        assert_eq!(notices[0].title, "Tri & recyclage");
        assert_eq!(notices.iter().map(|n| n.codes.len()).collect::<Vec<_>>(), [1, 0]);
        assert!(layout.read("{\"data\": []}").unwrap().items.is_empty());
        assert!(layout.read("{\"items\": []}").unwrap_err().what.contains("pas de liste"));
    }

    #[test]
    fn a_bad_selector_names_its_key() {
        let fault = Layout::item("detail", Format::Html, &fields(&[(Field::Text, "div[")])).err().unwrap();
        assert!(fault.what.contains("illisible") && fault.path.len() == 3, "{fault:?}");
    }
}
