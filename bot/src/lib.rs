//! The `vigie` binary: sources in, verdicts, messages out.
//!
//! | module | does |
//! |---|---|
//! | [`app`] | what every role shares: store, channels, templates, clock |
//! | [`watch`] | polls due sources, page by page |
//! | [`ingest`] | one transaction a notice: version, procedure, alert, shares, deliveries |
//! | [`deliver`] | empties the outbox |
//! | [`compose`] | what a delivery says |
//! | `rooms` | the Matrix channel: answers and reactions become decisions |
//! | `telegram` | the Telegram channel: alerts leave for chats, what is done there is heard |
//! | [`timetable`] | what time brings: digests, silent sources |
//! | [`preview`] | what a subscription would have given over the last days |
//! | [`remind`] | reminders for structures that go for a procedure, a line for those who decided nothing |
//! | [`found`] | the row by which a search finds a procedure |
//! | [`flood`] | what exceeds a person's messages of the hour is grouped |
//! | [`outage`] | channels whose server is away, addresses refused for good |
//! | [`watching`] | a word a month to those who heard of nothing |
//! | [`talk`] | what people say in chats, and what is answered |
//! | [`personal`] | what is held on a person: export, erasure, retention |
//! | [`places`] | intercommunalities and circles as people write them |
//! | [`mailbox`] | what comes back by mail: error reports, answers, things passed on |
//! | [`optin`] | asking an address for its owner's agreement |
//! | [`links`] | signed links for one person and one purpose |
//! | [`verdicts`] | verdicts corrected by people |
//! | [`web`] | the pages, the API, calendars and feeds |
//! | [`observe`] | metrics, health and readiness, the outside heartbeat |
//! | [`crash_point`] | named places where tests make the process die |
//! | [`commands`] | the command line |
//! | [`demo`] | bundled samples through the real road |
//!
//! Roles may run in one process or in several that share a PostgreSQL database: sources, deliveries and the timetable are
//! held by leases.

pub mod app;
pub mod clock;
pub mod commands;
pub mod compose;
pub mod crash_point;
pub mod deliver;
pub mod demo;
pub mod flood;
pub mod found;
pub mod holder;
pub mod ingest;
pub mod links;
pub mod mailbox;
pub mod observe;
pub mod optin;
pub mod outage;
pub mod personal;
pub mod places;
pub mod preview;
pub mod remind;
#[cfg(feature = "matrix")]
pub mod rooms;
pub mod talk;
#[cfg(feature = "telegram")]
pub mod telegram;
pub mod timetable;
pub mod verdicts;
pub mod watch;
pub mod watching;
pub mod web;
