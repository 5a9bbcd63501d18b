//! The files of a consultation: from bytes to what a bidder looks for, each with file, page and words.
//!
//! | module | does |
//! |---|---|
//! | [`reader`] | the service's side: each file opened in a child process, in a folder of its own, within limits |
//! | [`sandbox`] | the child's side: limits taken on, one task done |
//! | [`limits`] | what a reading may cost |
//! | [`archive`], [`formats`] | ZIPs; PDF, DOCX, ODT, spreadsheets, RTF, HTML, text |
//! | [`piece`], [`kind`] | a file as read; which piece it is |
//! | [`written`] | a piece's text as one, with the way back to page and article |
//! | `homonyms` | "insertion" of announcements and of things, set aside before a piece is judged |
//! | [`findings`] | provisions, dates, criteria, pieces to supply, terms; the clause article by article |
//! | [`consultation`] | the pieces together, what was looked for in vain |
//! | [`contradiction`] | what the pieces say otherwise than the notice, or than each other |
//! | [`passages`] | a word looked for in the text |
//! | [`answer`] | the answer begun, as a DOCX |
//!
//! Invariants: every finding has words that stand in a piece; a file costs itself only; nothing is left on disk.

pub mod answer;
pub mod archive;
pub mod consultation;
pub mod contradiction;
pub mod findings;
pub mod formats;
mod homonyms;
pub mod kind;
pub mod limits;
pub mod passages;
pub mod piece;
pub mod reader;
pub mod sandbox;
pub mod written;

pub use consultation::Consultation;
pub use findings::{Amount, Elsewhere, Envelope, Finding, Term, What};
pub use piece::{Kind, Piece, Place, Text, Unread};
pub use reader::{Given, Progress, Reader};
pub use written::{Whereabouts, Written};
