//! From an item to a notice.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use url::Url;
use vigie_config::rules;
use vigie_domain::{
    Buyer, BuyerKind, Code, Cpv, DateKind, Department, Lot, Notice, NoticeKind, Passage, Place, TypedDate,
};

use super::field::Field;
use crate::classify::{dates, plain};
use crate::links;
use crate::zones;
use vigie_classify::pattern;

pattern!(LOT, r"(?i)^\s*lot\s*(?:n[°ºo]\s*)?(?P<id>[0-9]{1,3}[a-z]?)\b[\s:.–—-]*(?P<title>.*)$");
pattern!(DEPARTMENT, r"\((?P<d>2[AaBb]|[0-9]{2,3})\)|\b(?P<p>[0-9]{5})\b");

/// The one commune that a field names: `Lens (62)`, `Lens (62300)`, `62300 Lens`.
fn commune(said: &str) -> Option<Place> {
    match rules::communes().meant(said)[..] {
        [one] => Some(one.place()),
        _ => None,
    }
}

/// One item of a page.
#[derive(Debug, Clone, Default)]
pub(in crate::sources) struct Item {
    pub(super) values: BTreeMap<Field, Vec<String>>,
    /// As it came.
    pub(in crate::sources) raw: Vec<u8>,
}

/// What holds for every notice of a source.
#[derive(Debug, Clone)]
pub(in crate::sources) struct Common {
    /// Address of the page, against which links are read.
    pub(in crate::sources) base: Option<Url>,
    /// Who buys, where the source belongs to one buyer.
    pub(in crate::sources) buyer: Option<String>,
    /// Public or private.
    pub(in crate::sources) kind: BuyerKind,
    /// What its items announce, where that is always the same.
    pub(in crate::sources) announces: Option<NoticeKind>,
    /// Where an item that names no place belongs.
    pub(in crate::sources) departments: Vec<Department>,
}

impl Item {
    fn first(&self, field: Field) -> Option<&str> {
        self.values.get(&field)?.first().map(String::as_str)
    }

    /// What the detail page adds; what the list said stays where the detail says nothing.
    pub(in crate::sources) fn add(&mut self, detail: Item) {
        for (field, values) in detail.values {
            self.values.insert(field, values);
        }
    }

    /// Links as they were before a mail gateway wrapped them.
    pub(in crate::sources) fn unwrap_links(&mut self) {
        for (field, values) in &mut self.values {
            for written in values {
                *written = match field {
                    Field::Link | Field::Documents | Field::Id => crate::links::unwrap(written),
                    _ => crate::links::unwrap_all(written),
                };
            }
        }
    }

    /// Makes addresses whole: a page says what its links are read against.
    pub(in crate::sources) fn complete_addresses(&mut self, base: Option<&Url>) {
        let Some(base) = base else { return };
        for (_, values) in self.values.iter_mut().filter(|(f, _)| matches!(f, Field::Link | Field::Documents)) {
            for written in values {
                if let Ok(whole) = base.join(written.trim()) {
                    *written = whole.into();
                }
            }
        }
    }

    /// The page of the notice, as an absolute web address.
    pub(in crate::sources) fn link(&self, base: Option<&Url>) -> Option<Url> {
        let written = self.first(Field::Link)?;
        let url = base.map_or_else(|| Url::parse(written), |b| b.join(written)).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// The name under which the item is known for ever: its id, else its link.
    pub(in crate::sources) fn identity(&self, base: Option<&Url>) -> Option<String> {
        self.first(Field::Id).map(str::to_owned).or_else(|| {
            let mut url = links::without_visit(&self.link(base)?);
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

    /// Gives an item without id and whole link a name out of its title, buyer and closing date: a mail is no page against which
    /// its links could be read.
    pub(in crate::sources) fn name_by_words(&mut self) {
        if self.identity(None).is_some() {
            return;
        }
        let said = [Field::Title, Field::Buyer, Field::Deadline].map(|f| self.first(f).unwrap_or_default());
        if said[0].is_empty() {
            return;
        }
        let digest = Sha256::digest(said.join("\n"));
        let name = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
        self.values.insert(Field::Id, vec![name]);
    }

    /// Changes when what the list says changes.
    pub(in crate::sources) fn fingerprint(&self) -> String {
        let digest = Sha256::digest(format!("{:?}", self.values));
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// The item as a notice, or why it is none.
    pub(in crate::sources) fn notice(&self, source: &str, common: &Common) -> Result<Notice, String> {
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
        notice.places.extend(self.first(Field::Place).and_then(commune));
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

    #[test]
    fn a_field_that_names_one_commune_is_its_place() {
        for said in ["Lens (62300)", "Lens (62)", "62300 Lens"] {
            let place = commune(said).unwrap();
            assert_eq!((place.city.as_deref(), place.postcode.as_deref()), (Some("Lens"), Some("62300")), "{said}");
        }
        for said in ["", "Pas-de-Calais", "Saint-Martin", "Lens et Liévin"] {
            assert_eq!(commune(said), None, "{said}: several, or none");
        }
    }
}
