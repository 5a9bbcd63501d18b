//! What is true without any input or output: notices, procedures, social provisions, subscriptions, deliveries.
//!
//! Everything here is a plain value. No clock, socket, file or database is touched: functions that depend on time
//! take `now`. Names follow eForms, OCDS and the Code de la commande publique, so a *notice* announces a *procedure*
//! that may be divided into *lots*; "tender" is kept for its eForms meaning, a bid.
//!
//! | module | holds |
//! |---|---|
//! | [`notice`] | what a source published: [`Notice`], [`Lot`], [`Buyer`], text passages and structured codes |
//! | [`place`] | départements, places of performance, time zones by territory |
//! | [`date`] | typed dates (visit, questions, participation, tender) |
//! | [`cpv`] | Common Procurement Vocabulary codes |
//! | [`provision`] | social provisions and the evidence for each |
//! | [`assessment`] | the verdict on a notice: provisions, sectors, routes, score, reasons |
//! | [`access`] | who can: bid, serve, or be kept out, lot by lot |
//! | [`concerned_lots`] | the lots of a match that a structure can do something about |
//! | [`structure`] | kinds of structure (SIAE, EA, ESAT…) and how they supply |
//! | [`award`] | results as a source states them: winners, amounts, the contract that follows |
//! | [`contract`] | the contract of a lot, out of all that was published of it: holder, amount, end, hours owed |
//! | [`object`] | whether two titles speak of the same purchase |
//! | [`operation`] | what a facilitator follows: calibrated, awarded lot by lot, hours planned and done |
//! | [`event`] | meetings worth going to |
//! | [`hours_to_fill`] | hours of a clause that are to be worked, and what is answered |
//! | [`outcome`] | what became of lots: awarded, or why not |
//! | [`procedure`], [`snapshot`] | how notices are joined into one procedure, and what changed between two of them |
//! | [`untold`] | what changed since a person was last told, where alerts between never left |
//! | [`state`] | how a procedure or a lot stands at a moment, the same on every surface |
//! | [`strength`] | how much a notice offers |
//! | [`buyer_type`] | what kind of body a buyer is |
//! | [`directory`] | structures, facilitators and committed buyers, as directories list them |
//! | [`cadence`] | how often a person hears of what a subscription finds |
//! | [`channel`] | by which ways messages reach people |
//! | [`commune`] | communes, their places and intercommunalities, and which of them a notice means |
//! | [`spelling`] | one spelling of names, so that what is the same is found the same |
//! | [`reach`] | what somebody works in, and where |
//! | [`service_area`] | the area that an organisation of facilitators serves, and how near a place is within it |
//! | [`territory`] | where a subscription looks: départements, intercommunalities, circles |
//! | [`permission`] | who may do what: the table of roles |
//! | [`preferences`] | how a person is written to: days, channels, who stands in for them |
//! | [`subscription`] | who wants to hear of what: filters and their verdicts |
//! | [`delivery`] | alerts, notifications, deliveries and their states |
//! | [`follow_up`] | what a structure decides and does about a procedure |
//! | [`partner_call`] | a call for partners: who positions itself on which lot, and the line-up it is closed into |
//! | [`service_offer`] | services offered to whoever holds a contract |
//! | [`working_day`] | days on which people work in France |
//! | [`french`] | dates, numbers and lists as French writes them |

pub mod access;
mod account_free;
pub mod assessment;
pub mod award;
pub mod buyer_type;
pub mod cadence;
pub mod channel;
pub mod commune;
pub mod concerned_lots;
pub mod contract;
pub mod cpv;
pub mod date;
pub mod delivery;
pub mod directory;
pub mod event;
pub mod follow_up;
pub mod french;
pub mod hours_to_fill;
pub mod json;
pub mod notice;
pub mod object;
pub mod operation;
pub mod outcome;
pub mod partner_call;
pub mod permission;
pub mod place;
pub mod preferences;
pub mod procedure;
pub mod provision;
pub mod reach;
pub mod service_area;
pub mod service_offer;
pub mod snapshot;
pub mod spelling;
pub mod state;
pub mod strength;
pub mod structure;
pub mod subscription;
pub mod taste;
pub mod territory;
pub mod untold;
mod visible;
pub mod wording;
mod words;
pub mod working_day;

pub use access::Access;
pub use account_free::without_accounts;
pub use assessment::{Assessment, DecisionFact, FactKind, Route};
pub use award::{Award, Company};
pub use buyer_type::BuyerType;
pub use cadence::Cadence;
pub use commune::Communes;
pub use contract::{Contract, ContractState};
pub use cpv::Cpv;
pub use date::{DateKind, TypedDate};
pub use delivery::{Alert, AlertKind, Cause, Channel, DeliveryState, Disposition};
pub use follow_up::{Decision, Refusal, Stage};
pub use notice::{Buyer, BuyerKind, Code, Lot, Notice, NoticeKind, Passage, Visibility};
pub use operation::{Hours, Operation, OperationState, Programme};
pub use outcome::{NoAwardReason, Outcome};
pub use partner_call::{PartnerCall, PartnerRole, Position};
pub use permission::Permission;
pub use place::{Department, Place};
pub use preferences::{Absence, Days, MessageKind, Routes};
pub use provision::{Beneficiary, Evidence, Provision, ProvisionKind};
pub use service_offer::{OfferStage, ServiceOffer};
pub use state::{Phase, ProcedureState};
pub use strength::Strength;
pub use structure::{StructureKind, SupplyMode};
pub use subscription::{Dimension, Filter, Subscriber, Subscription};
pub use territory::{Around, Near};
pub use visible::visible;

/// A sector's slug in the taxonomy of Le Marché de l'inclusion, such as `blanchisserie`.
///
/// The list of valid slugs is data (`config/rules/sectors.csv`); this type only names the role of the string.
pub type Sector = String;
