//! What end-to-end tests and load programs share: servers, doubles, and where things are.
//!
//! A test that needs a server it cannot find says so and skips, unless `VIGIE_REQUIRE` names that server: then it fails.

pub mod block_font;
#[cfg(feature = "telegram")]
pub mod fuzz;
pub mod homeserver;
pub mod hooks;
pub mod looks;
pub mod name_server;
pub mod pages;
mod postgres;
pub mod publishers;
pub mod push;
pub mod replay;
pub mod servers;
pub mod service;
pub mod shared;
pub mod sink;
pub mod telegram;
