//! What one notice says of the contract of one lot: what contracts are put together of.

use chrono::NaiveDate;

use super::{BY_HAND, Stated};
use crate::award::{Award, ContractModification};
use crate::{Assessment, Notice};

/// A notice of a procedure with its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    pub notice: &'a Notice,
    pub assessment: &'a Assessment,
}

/// What one notice says of one lot's contract.
pub(super) struct Statement<'a> {
    /// The notice.
    pub(super) of: Published<'a>,
    pub(super) key: String,
    pub(super) award: Award,
}

impl Statement<'_> {
    /// How sure it is of what it says: the greater, the surer.
    pub(super) fn trust(&self) -> u8 {
        if self.of.notice.source == BY_HAND { 2 } else { u8::from(self.award.is_of_one_contract()) }
    }

    pub(super) fn published(&self) -> Option<NaiveDate> {
        self.of.notice.published
    }

    pub(super) fn stated<T>(&self, value: T) -> Stated<T> {
        Stated { value, notice: self.key.clone() }
    }
}

/// A change of a contract, and the notice that tells it.
pub(super) struct Change {
    pub(super) change: ContractModification,
    pub(super) notice: String,
}
