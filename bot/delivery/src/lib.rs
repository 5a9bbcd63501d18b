//! From the outbox to the world: claim, compose, send, settle; outages; and what chats show anew.
//!
//! | module | does |
//! |---|---|
//! | [`engine`] | what one process needs to deliver |
//! | [`worker`] | takes what is due, sends it, settles it |
//! | [`compose`] | what a delivery says |
//! | [`channels`] | the outgoing half of each channel |
//! | [`outage`] | channels whose server is away, addresses refused for good |
//! | [`failover`] | another channel takes over from one that fails |
//! | [`past_the_outbox`] | word to the operators where nothing can be written |
//! | [`state_refresh`] | messages whose state line is to be shown anew |
//! | [`prefetched`], [`in_flight`], [`message_cache`], [`resting`] | what a process holds in memory, and may lose |
//!
//! "Attempt started" is durable before the first byte leaves, and a delivery is settled only on the channel's answer.

pub mod channels;
pub mod compose;
pub mod engine;
pub mod failover;
pub mod in_flight;
pub mod message_cache;
pub mod outage;
pub mod past_the_outbox;
pub mod prefetched;
pub mod resting;
pub mod state_refresh;
pub mod worker;

pub use engine::Engine;
