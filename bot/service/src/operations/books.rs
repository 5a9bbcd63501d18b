//! What is written of all operations of a structure, by operation: read once for whatever goes through them all.

use std::collections::HashMap;

use vigie_domain::operation::calibration::Sheet;
use vigie_domain::operation::{HoursRow, LotOwed};
use vigie_store::StoreError;

use crate::service::Service;

/// Hours, lots and sheets of a structure's operations.
#[derive(Debug, Default)]
pub(super) struct Books {
    hours: HashMap<String, Vec<HoursRow>>,
    lots: HashMap<String, Vec<LotOwed>>,
    sheets: HashMap<String, Sheet>,
}

impl Books {
    /// # Errors
    /// The database fails.
    pub(super) async fn read(service: &Service, structure: &str) -> Result<Self, StoreError> {
        let store = &service.store;
        let mut books = Self { sheets: store.sheets_of(structure).await?, ..Self::default() };
        for h in store.hours_of(structure, None).await? {
            books.hours.entry(h.operation).or_default().push(h.row);
        }
        for l in store.lots_of(structure, None).await? {
            books.lots.entry(l.operation).or_default().push(l.lot);
        }
        Ok(books)
    }

    /// Hours of an operation, by month.
    pub(super) fn hours(&self, operation: &str) -> &[HoursRow] {
        self.hours.get(operation).map_or(&[], Vec::as_slice)
    }

    pub(super) fn lots(&self, operation: &str) -> &[LotOwed] {
        self.lots.get(operation).map_or(&[], Vec::as_slice)
    }

    pub(super) fn sheet(&self, operation: &str) -> Option<&Sheet> {
        self.sheets.get(operation)
    }
}
