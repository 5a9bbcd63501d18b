//! `[after_award]`: what is told once contracts are awarded, and how much of it.

use serde::{Deserialize, Serialize};

/// Services that a structure is told to offer, a month: an analysis a week is what one can bear, calls included.
pub const OFFERS_A_MONTH: u32 = 2;
/// Lines about contracts that end, a structure and month.
pub const RENEWALS_A_MONTH: u32 = 2;
/// Days after which an offer without an answer is brought back, once.
pub const OFFER_REMINDER_DAYS: u32 = 14;
/// Days after the closing at which those who went for it are asked what came of it, while no award is known.
pub const RESULT_DAYS: u32 = 30;
/// Months before its latest end at which structures hear of a contract: the time to know the need, and to be ready for the call.
pub const RENEWAL_MONTHS: [u32; 2] = [12, 6];
/// The same for facilitators: a clause is written before the call.
pub const FACILITATOR_MONTHS: [u32; 1] = [18];

/// `[after_award]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AfterAward {
    /// Most offers of service that a structure is told of in 30 days; 0 = none. The others stand on its page.
    pub offers_a_month: u32,
    /// Days after which an offer without an answer is brought back, once; 0 = never.
    pub offer_reminder_days: u32,
    /// Days after the closing at which results are asked for; 0 = only at the award.
    pub result_days: u32,
    /// Months before the latest end at which structures hear of a contract; none = never.
    pub renewal_months: Vec<u32>,
    /// The same for facilitators.
    pub facilitator_renewal_months: Vec<u32>,
    /// Most lines about ends that a structure gets in 30 days; 0 = none. The others stand on its page.
    pub renewals_a_month: u32,
}

impl Default for AfterAward {
    fn default() -> Self {
        Self {
            offers_a_month: OFFERS_A_MONTH,
            offer_reminder_days: OFFER_REMINDER_DAYS,
            result_days: RESULT_DAYS,
            renewal_months: RENEWAL_MONTHS.to_vec(),
            facilitator_renewal_months: FACILITATOR_MONTHS.to_vec(),
            renewals_a_month: RENEWALS_A_MONTH,
        }
    }
}
