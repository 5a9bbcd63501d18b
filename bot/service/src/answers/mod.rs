//! What people answer to a message: what a button, a reaction or a word asks for, and the line that shows what was decided. Pure.

pub mod action;
pub mod outcome_line;
pub mod positions;
pub mod reading;
pub mod state_line;
pub mod vocabulary;
