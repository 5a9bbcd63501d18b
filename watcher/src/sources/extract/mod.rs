//! Declared pages: from a list of items and a few selectors to notices. Shared by portals and mailboxes.
//!
//! In HTML a field is a CSS selector, with `@name` for an attribute (`a.titre@href`) and ` || ` before a second try; in JSON
//! a pointer (RFC 6901). A regular expression may cut the value out of the text; its first group counts.
//!
//! A page **no longer fits** when it holds no item (and not the mark of an empty list), or when a field that every page
//! had is found in none of its items: that is a [`Misfit`] which names the selector, and nothing of the page is taken.

mod field;
mod item;

use std::collections::BTreeMap;

use scraper::{ElementRef, Selector};
use serde_json::Value;
use url::Url;
use vigie_config::settings::BlockFault;
use vigie_domain::{french, json};

use super::SelectorReport;
use crate::html::{self, Dom, outer_html};
use field::{Allowance, Pick, Way, selector};
pub(super) use field::{Field, Fields, Format, Written};
pub(super) use item::{Common, Item};

/// Most items read of one page.
const MAX_ITEMS: usize = 2_000;
/// Most bytes of an item kept to be put aside.
const MAX_RAW: usize = 64 * 1024;
/// Most of it of the items of one page, which may hold each other; each is left the beginning of its own.
const MAX_RAWS: usize = 4 * 1024 * 1024;
const LEAST_RAW: usize = 1024;
/// Items from which a field that none of them has is a sign that the page changed.
const ENOUGH_ITEMS: usize = 3;

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

/// A page read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its items.
    pub(super) items: Vec<Item>,
    /// What each selector found.
    pub(super) reports: Vec<SelectorReport>,
    /// The page is longer than what is read of one.
    pub(super) cut: bool,
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

    /// Reads a page of text; addresses are made whole against `base`.
    pub(super) fn read(&self, text: &str, base: Option<&Url>) -> Result<Found, Misfit> {
        match self.format {
            Format::Html => self.read_tree(&html::parse(text), base),
            Format::Json => self.found(self.of_json(text)?, base),
        }
    }

    /// Reads a page whose tree is there already, where it is one of HTML; else its text.
    pub(super) fn read_landed(&self, text: &str, tree: &Dom, base: Option<&Url>) -> Result<Found, Misfit> {
        match self.format {
            Format::Html => self.read_tree(tree, base),
            Format::Json => self.read(text, base),
        }
    }

    fn read_tree(&self, tree: &Dom, base: Option<&Url>) -> Result<Found, Misfit> {
        self.found(self.of_html(tree), base)
    }

    /// What was found, where it fits: items, whether the page says that it has none, whether its end is missing.
    fn found(&self, read: (Vec<Item>, bool, bool), base: Option<&Url>) -> Result<Found, Misfit> {
        let (mut items, marked_empty, cut) = read;
        let cut = cut || items.len() >= MAX_ITEMS;
        if items.is_empty() && !marked_empty {
            let (selector, _) = self.items.as_ref().map_or(("", &Way::Whole), |(s, w)| (s.as_str(), w));
            let what = "aucun élément de liste trouvé".to_owned();
            return Err(Misfit { selector: format!("{}.items = {selector}", self.key), what });
        }
        let reports = self.reports(&items);
        self.fits(&items)?;
        items.iter_mut().for_each(|i| i.complete_addresses(base));
        Ok(Found { items, reports, cut })
    }

    fn of_html(&self, Dom { html: page, cut }: &Dom) -> (Vec<Item>, bool, bool) {
        let allowance = Allowance::of_a_page();
        let mut raws = MAX_RAWS;
        let elements: Vec<ElementRef<'_>> = match &self.items {
            Some((_, Way::Css(tries))) => tries.iter().flat_map(|(css, _)| page.select(css)).take(MAX_ITEMS).collect(),
            _ => vec![page.root_element()],
        };
        let items = elements
            .iter()
            .map(|e| {
                let values = self.values(|pick, field| pick.of_element(*e, field, &allowance));
                let raw = match self.items {
                    Some(_) => outer_html(*e, raws.clamp(LEAST_RAW, MAX_RAW)).into_bytes(),
                    None => Vec::new(),
                };
                raws = raws.saturating_sub(raw.len());
                Item { values, raw }
            })
            .collect();
        (items, self.empty.as_ref().is_some_and(|css| page.select(css).next().is_some()), *cut)
    }

    fn of_json(&self, text: &str) -> Result<(Vec<Item>, bool, bool), Misfit> {
        let misfit = |what: String| Misfit {
            selector: self.items.as_ref().map_or_else(String::new, |(s, _)| format!("{}.items = {s}", self.key)),
            what,
        };
        crate::tree::check_json(text.as_bytes()).map_err(|e| misfit(e.to_string()))?;
        let tree = crate::tree::from_json(text.as_bytes())
            .map_err(|e| misfit(format!("JSON illisible ({})", json::in_french(&e.to_string()))))?;
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
        Ok((items, empty, false))
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
                    what: format!("rien trouvé dans {}", french::plural(items.len(), "élément")),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{BuyerKind, Notice};

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
        let found = list().read(PAGE, None).unwrap();
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
        let misfit = list().read("<html><body>Bienvenue</body></html>", None).unwrap_err();
        assert_eq!(misfit.selector, "list.items = li.c");
        assert!(list().read("<p class=none>Aucune consultation</p>", None).unwrap().items.is_empty());
    }

    #[test]
    fn a_field_that_no_item_has_any_more_is_a_change() {
        let misfit = list().read(&PAGE.replace("<a ", "<em ").replace("</a>", "</em>"), None).unwrap_err();
        assert!(misfit.selector.starts_with("list.fields.title"), "{}", misfit.selector);
        let many = (0..3).map(|i| format!("<li class=c><a href='/{i}'>T</a><b>B</b><u>L</u></li>")).collect::<String>();
        assert!(list().read(&many, None).unwrap_err().selector.starts_with("list.fields.deadline"));
    }

    #[test]
    fn json_is_read_by_pointers() {
        let fields = fields(&[(Field::Id, "/ref"), (Field::Title, "/objet/fr"), (Field::Social, "/clause")]);
        let layout = Layout::list("list", Format::Json, "/data", None, &fields);
        let layout = layout.unwrap();
        let found = layout
            .read(r#"{"data": [{"ref": 12, "objet": {"fr": "Tri &amp; recyclage"}, "clause": true}, {"ref": 13, "objet": {"fr": "B"}, "clause": false}]}"#, None)
            .unwrap();
        let notices: Vec<Notice> = found.items.iter().map(|i| i.notice("s", &common()).unwrap()).collect();
        assert_eq!(notices[0].title, "Tri & recyclage");
        assert_eq!(notices.iter().map(|n| n.codes.len()).collect::<Vec<_>>(), [1, 0]);
        assert!(layout.read("{\"data\": []}", None).unwrap().items.is_empty());
        assert!(layout.read("{\"items\": []}", None).unwrap_err().what.contains("pas de liste"));
    }

    #[test]
    fn a_bad_selector_names_its_key() {
        let fault = Layout::item("detail", Format::Html, &fields(&[(Field::Text, "div[")])).err().unwrap();
        assert!(fault.what.contains("illisible") && fault.path.len() == 3, "{fault:?}");
    }

    /// B4: items that hold each other repeat the page no further than its allowance.
    #[test]
    fn items_within_items_take_a_bounded_part() {
        let fields = fields(&[(Field::Title, "b"), (Field::Text, "")]);
        let layout = Layout::list("list", Format::Html, "li.c", None, &fields).unwrap();
        for (depth, size) in [(100, 2_000), (4_000, 40)] {
            let words = "mot ".repeat(size);
            let page = format!("{}{}", format!("<ul><li class=c><b>T</b>{words}").repeat(depth), "</ul>".repeat(depth));
            let found = layout.read(&page, None).unwrap();
            let taken: usize = found.items.iter().map(|i| i.raw.len()).sum();
            assert!(taken <= MAX_RAW * found.items.len() && taken < 40 * 1024 * 1024, "{taken}");
        }
    }
}
