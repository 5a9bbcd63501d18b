//! HTML, through the reader that the watcher uses.

use super::by_lines;
use crate::piece::Text;

pub(super) fn read(bytes: &[u8], lines: fn(&[u8]) -> String) -> Text {
    Text { passages: by_lines(&lines(bytes)), ..Text::default() }
}
