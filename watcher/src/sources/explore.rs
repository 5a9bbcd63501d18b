//! Opendatasoft Explore v2.1: the addresses and limits that BOAMP and APProch share.
//!
//! <https://help.opendatasoft.com/apis/ods-explore-v2/>

use serde_json::Value;
use url::Url;

use super::SourceError;

/// Records a page (documented limit of `limit`).
pub(super) const PAGE: usize = 100;
/// Records one query can reach (documented limit of `offset + limit`).
pub(super) const REACH: usize = 10_000;

/// A dataset of a portal.
pub(super) struct Dataset {
    base: Url,
}

impl Dataset {
    /// The dataset at `…/catalog/datasets/NAME`.
    pub(super) fn at(base: Url) -> Self {
        Self { base }
    }

    fn endpoint(&self, what: &str, condition: &str, order: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{what}", self.base.path().trim_end_matches('/')));
        url.query_pairs_mut().append_pair("where", condition).append_pair("order_by", order);
        url
    }

    /// One page of records.
    pub(super) fn records(&self, condition: &str, order: &str, offset: usize) -> Url {
        let mut url = self.endpoint("records", condition, order);
        url.query_pairs_mut().append_pair("limit", &PAGE.to_string()).append_pair("offset", &offset.to_string());
        url
    }

    /// Everything at once, without the bound of a query.
    pub(super) fn export(&self, condition: &str, order: &str) -> Url {
        self.endpoint("exports/json", condition, order)
    }
}

/// The records of a page, and how many the query has in all.
pub(super) fn results<'a>(url: &Url, answer: &'a Value) -> Result<(&'a [Value], usize), SourceError> {
    let results = answer.get("results").and_then(Value::as_array).ok_or_else(|| SourceError::Unexpected {
        url: url.to_string(),
        what: "pas de liste « results » dans la réponse".into(),
    })?;
    let total = answer.get("total_count").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    Ok((results, total.unwrap_or(results.len())))
}
