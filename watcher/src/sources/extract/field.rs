//! What a field of an item is, how the settings file writes it, and how it is read out of HTML or JSON.

use std::cell::Cell;
use std::collections::BTreeMap;

use regex::Regex;
use scraper::{ElementRef, Selector};
use serde::Deserialize;
use serde_json::Value;
use vigie_config::settings::BlockFault;

use crate::classify::one_line;
use crate::html::{plain_text, text_of_element};

/// Most bytes of text and markup taken out of one page: items may hold each other, and each would repeat the page.
const MAX_TAKEN: usize = 32 * 1024 * 1024;

/// How a page is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::sources) enum Format {
    /// HTML, read by CSS selectors.
    #[default]
    Html,
    /// JSON, read by pointers.
    Json,
}

/// What a field of an item can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::sources) enum Field {
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
    pub(in crate::sources) fn name(self) -> &'static str {
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
pub(in crate::sources) struct Written {
    /// Selector or pointer; empty = the item itself.
    select: String,
    /// Cuts the value out of the text.
    pattern: Option<String>,
    /// Some pages hold it nowhere.
    optional: bool,
}

impl Written {
    /// A field of a preset.
    pub(in crate::sources) fn preset(select: &str, pattern: Option<&str>, optional: bool) -> Self {
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
pub(in crate::sources) type Fields = BTreeMap<Field, Written>;

/// Most values of a field that takes all it finds; most that are tried where the first that fits is kept.
const MOST_VALUES: usize = 500;
const MOST_TRIED: usize = 20;

/// What may still be taken out of a page, in bytes.
pub(in crate::sources) struct Allowance(Cell<usize>);

impl Allowance {
    pub(in crate::sources) fn of_a_page() -> Self {
        Self(Cell::new(MAX_TAKEN))
    }

    /// Takes what `read` makes of the bytes that are left.
    pub(in crate::sources) fn take(&self, read: impl FnOnce(usize) -> String) -> String {
        let left = self.0.get();
        let taken = if left == 0 { String::new() } else { read(left) };
        self.0.set(left.saturating_sub(taken.len()));
        taken
    }
}

/// A field, ready to be read.
pub(in crate::sources) struct Pick {
    pub(in crate::sources) written: String,
    way: Way,
    pattern: Option<Regex>,
    pub(in crate::sources) optional: bool,
}

pub(in crate::sources) enum Way {
    /// The item itself.
    Whole,
    /// Selectors with the attribute they read, the first that finds something counts.
    Css(Vec<(Selector, Option<String>)>),
    Pointer(String),
}

impl Pick {
    pub(in crate::sources) fn new(written: &Written, format: Format, key: &str) -> Result<Self, BlockFault> {
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

    pub(in crate::sources) fn of_element(
        &self,
        item: ElementRef<'_>,
        field: Field,
        allowance: &Allowance,
    ) -> Vec<String> {
        let text = |element: ElementRef<'_>| {
            let text = allowance.take(|limit| text_of_element(element, limit));
            if field == Field::Text { text } else { one_line(&text) }
        };
        // Items within items hold each other's: of what is found, what can be kept is taken.
        let most = if field.takes_all() { MOST_VALUES } else { MOST_TRIED };
        let found: Vec<String> = match &self.way {
            Way::Whole => vec![text(item)],
            Way::Css(tries) => {
                let read = |(css, attribute): &(Selector, Option<String>)| -> Vec<String> {
                    let found = item.select(css).filter_map(|e| match attribute {
                        Some(name) => {
                            let value = e.value().attr(name)?;
                            Some(allowance.take(|left| value[..value.floor_char_boundary(left)].to_owned()))
                        }
                        None => Some(text(e)),
                    });
                    found.take(most).collect()
                };
                tries.iter().map(read).find(|found| !found.is_empty()).unwrap_or_default()
            }
            Way::Pointer(_) => Vec::new(),
        };
        self.cut(found, field)
    }

    pub(in crate::sources) fn of_json(&self, item: &Value, field: Field) -> Vec<String> {
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

pub(in crate::sources) fn selector(css: &str, key: &str) -> Result<Selector, BlockFault> {
    Selector::parse(css)
        .map_err(|e| BlockFault::at(key, format!("sélecteur CSS « {css} » illisible : {e}"), "corrigez ce sélecteur"))
}
