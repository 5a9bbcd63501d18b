//! What the files of a consultation say, for people.

pub mod words;
