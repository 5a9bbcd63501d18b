//! The `vigie` binary: sources in, verdicts, messages out.
//!
//! | module | does |
//! |---|---|
//! | [`app`] | what every role shares: store, channels, templates, clock |
//! | [`watch`] | polls due sources, page by page |
//! | [`ingest`] | one transaction a notice: version, procedure, alert, shares, deliveries |
//! | [`deliver`] | empties the outbox |
//! | `rooms` | the Matrix channel: answers and reactions become decisions |
//! | [`timetable`] | what time brings: digests, silent sources |
//! | [`remind`] | reminders for structures that go for a procedure |
//! | [`talk`] | what people say in chats, and what is answered |
//! | [`personal`] | what is held on a person: export, erasure, retention |
//! | [`links`] | signed links for one person and one purpose |
//! | [`web`] | the local page and one-click unsubscription |
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
pub mod crash_point;
pub mod deliver;
pub mod demo;
pub mod holder;
pub mod ingest;
pub mod links;
pub mod observe;
pub mod personal;
pub mod remind;
#[cfg(feature = "matrix")]
pub mod rooms;
pub mod talk;
pub mod timetable;
pub mod watch;
pub mod web;
