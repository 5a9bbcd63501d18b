//! The use cases: what Vigie does for someone, whichever door they came by. No socket is opened here; pages, chats, mails, the
//! command line and the roles of the service call these.
//!
//! | module | does |
//! |---|---|
//! | [`ingest`] | a notice comes in: load what is stored, plan who hears what, write it in one transaction |
//! | [`decisions`] | a structure decides: one rule for pages, API, mails and chats |
//! | [`leads`] | what a structure hears of by itself, with its files |
//! | [`my_markets`] | what a structure has on its table: to decide, gone for, handed in, done with |
//! | [`answers`] | what a button or a word asks for, and how a decision is shown |
//! | [`funnel`] | the year of a structure, and of the members of a network who agreed to be counted |
//! | [`after_award`] | contracts, services offered to their holders, results asked, renewals, accounts followed |
//! | [`areas`] | the area that an organisation of facilitators serves; who is nearest |
//! | [`clauses`] | the clauses of a territory, month by month |
//! | [`contract_by_hand`] | a contract as somebody who knows it tells of it |
//! | [`alert_card`] | what a message is made from, read and parsed |
//! | [`hooks`] | tools that take messages at an address of their own |
//! | [`sign_up`], [`invitations`] | somebody signs themselves up on the pages, or is invited by who runs the installation |
//! | [`opt_in`], [`sign_in`], [`links`] | agreement of an address, signing in, signed links |
//! | [`second_reader`] | a second reader for statements in doubt, where the settings name one |
//! | [`verdict_correction`], [`pass_on`] | a verdict corrected by a person; a notice passed on by a network |
//! | [`membership`], [`on_behalf`] | who speaks for a structure; what somebody did in another's place |
//! | [`consultation`] | what the files of a consultation say, in lines for every surface |
//! | [`preferences`], [`subscriptions`] | how a person is written to, and what they want to hear of, as they settle it |
//! | [`events`] | meetings worth going to: by hand, from sources, told in digests |
//! | [`hours_to_fill`] | hours of clauses to be worked: told to those who asked for it, answered, filled |
//! | [`open_now`] | what is open for somebody now; the first digest of who has just agreed |
//! | [`open_markets`] | the line for a structure that leaves every open market aside |
//! | [`impact`] | what contracts won gave |
//! | [`network`] | a network and its members: asked, joined, left |
//! | [`partner_calls`] | who positions itself on which lot of a procedure: asked, answered, closed into a line-up |
//! | [`preview`], [`breadth`] | what a subscription would have given over the last days; which changes would help one that gives too much, or nothing |
//! | `presence` | who of a structure is here, and when they are written to |
//! | [`taste`] | what a structure's refusals say of its taste, asked before it holds |
//! | [`narrowing`] | one tap after a refusal: subscriptions leave out what its reason speaks of |
//! | [`questions`] | what a person is asked in a message of its own, and their answer |
//! | [`reminders`], [`silence_notice`] | what time brings to people |
//! | [`operations`] | what a facilitator follows: operations, calibration, hours, monthly tables |
//! | [`spreadsheet`] | tables as files for spreadsheets, and back |
//! | [`operators`], [`suspension`], [`source_health`] | alarms, addresses that get nothing more, the health of sources |
//! | [`why`] | why a person did, or did not, hear of a notice |
//! | [`replay`] | a message sent again, an address put back into use |
//! | [`visibility`] | who may see a notice, and who publishes one |
//! | [`write_proof`] | whether writes become durable |
//! | [`backup`] | a copy of the installation: made, read through, put back, made again every day |
//! | [`outgoing_mail`] | the e-mail channel that the settings describe |
//! | [`personal_data`] | what is held on a person: export, erasure, retention |
//! | [`place_input`] | intercommunalities and circles as people write them |
//! | [`declared`], [`sources`] | people of the settings file; sources that are watched |
//! | [`directory`] | directories out of files: structures, facilitators, committed buyers |
//! | [`put_aside`] | a record that could not be read, read again |
//! | [`reload`] | the settings file read again while the service runs |
//! | [`page_sources`] | sources that operators set on the pages |
//! | [`clock`], [`process`], [`crash_point`], [`metrics`], [`error`] | the edge: time, this process, tests of crashes, figures, failures |

pub mod after_award;
pub mod alert_card;
pub mod answers;
pub mod areas;
pub mod backup;
pub mod breadth;
pub mod clauses;
pub mod clock;
pub mod consultation;
pub mod contract_by_hand;
pub mod crash_point;
pub mod decisions;
pub mod declared;
pub mod directory;
pub mod error;
pub mod events;
pub mod funnel;
mod handed_over;
pub mod hooks;
pub mod hours_to_fill;
pub mod impact;
pub mod ingest;
pub mod invitations;
pub mod leads;
pub mod links;
pub mod membership;
pub mod metrics;
pub mod my_markets;
pub mod narrowing;
pub mod network;
pub mod on_behalf;
pub mod open_markets;
pub mod open_now;
pub mod operations;
pub mod operators;
pub mod opt_in;
pub mod outgoing_mail;
pub mod page_sources;
pub mod partner_calls;
pub mod pass_on;
pub mod personal_data;
pub mod place_input;
pub mod preferences;
mod presence;
pub mod preview;
pub mod process;
pub mod put_aside;
pub mod questions;
mod quiet;
pub mod reload;
pub mod reminders;
pub mod replay;
pub mod second_reader;
mod service;
pub mod sign_in;
pub mod sign_up;
pub mod silence_notice;
pub mod source_health;
pub mod sources;
pub mod spreadsheet;
pub mod subscriptions;
pub mod suspension;
pub mod taste;
pub mod verdict_correction;
pub mod visibility;
pub mod why;
pub mod write_proof;

pub use clock::Clock;
pub use error::Failure;
pub use service::{MIN_SECRET, Service};
