//! HTML as it comes from outside, read in time and memory that grow with its length and no faster.
//!
//! | module | does |
//! |---|---|
//! | `token` | tags and text, in one pass that never looks at a byte twice |
//! | `element` | names of elements, by what they do to words |
//! | `entity` | character references, windows-1252 numbers included |
//! | `text` | the words, one line a block, without any layout drawn into them |
//! | `dom` | a tree of bounded depth and size for CSS selectors |
//!
//! Why not html5ever's tree builder or html2text: what pages leave open makes the first one's work grow with the square of
//! their length (scope checks over a stack without a bound, formatting elements opened again in every block, attributes
//! compared with each other), and a column span was enough to end the second (`docs/decisions/0035-html.md`).
//!
//! On failure: there is none. Whatever bytes come in, some words or some tree come out, cut at the limits given.

mod dom;
mod element;
mod entity;
mod text;
mod token;

pub use dom::{Dom, outer_html, parse};
pub use entity::decode;
pub use text::{plain_text, text_of_element, text_with_links};
