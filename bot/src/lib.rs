//! The `vigie` binary: set-up, command line, and the roles a process holds.
//!
//! | module | does |
//! |---|---|
//! | [`setup`] | what a process is made of, from the settings file |
//! | [`commands`] | the command line |
//! | [`roles`] | polling, the schedule, listening to chats, reading the mailbox |
//! | [`monitoring`] | metrics, health and readiness, the outside heartbeat |
//! | [`demo`] | bundled samples through the real road |
//!
//! What Vigie does stands in the crates below: `service` (use cases), `delivery`, `conversation`, `web`. Roles may run in one
//! process or in several that share a PostgreSQL database: sources, deliveries and the schedule are held by leases.

pub mod commands;
pub mod demo;
pub mod monitoring;
#[cfg(test)]
mod reference;
pub mod roles;
pub mod setup;
