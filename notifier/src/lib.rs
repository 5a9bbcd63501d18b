//! Telling people.
//!
//! | module | does |
//! |---|---|
//! | [`audience`] | who should hear of a notice: an index over subscriptions |
//! | [`fit`] | how well a notice suits one structure, with the reason of each point |
//! | [`labels`] | what people call the words of the verdict |
//! | [`card`] | a notice in words, line by line |
//! | [`chat`] | text as chats show it: words and styles |
//! | [`criteria`] | a filter in words |
//! | [`message`] | what is said: cards rendered by templates in French |
//! | [`escape`] | how outside text is written into HTML |
//! | [`digest`] | what stands in a digest: sections, a screen, the way to the rest |
//! | [`due`] | when digests go out: local dates of the person's territory |
//! | [`partner_call`] | what is said of a call for partners |
//! | [`reminders`] | which dates to remind a structure of |
//! | [`rhythm`] | at once, in a digest, or after quiet hours |
//! | [`typeset`] | the spaces of French |
//! | [`channels`] | one folder a channel |
//!
//! This crate knows neither the watcher nor the store: what a message is made from comes in, what the channel answered
//! goes out as a [`vigie_domain::delivery::Outcome`].

pub mod after_award;
pub mod audience;
pub mod card;
pub mod channels;
pub mod chat;
pub mod criteria;
pub mod digest;
pub mod due;
pub mod escape;
pub mod fit;
pub mod labels;
pub mod message;
pub mod partner_call;
pub mod reminders;
pub mod rhythm;
pub mod tappable;
pub mod typeset;
