//! Hours that people may set.

use vigie_domain::subscription::{QuietHours, Rhythm};

/// Attack: a silence of no hour was accepted, and nothing was silent.
#[test]
fn a_silence_has_hours() {
    let fault = |from: u8, to: u8| Rhythm { quiet: Some(QuietHours { from, to }), ..Rhythm::default() }.fault();
    for (from, to) in [(20, 7), (0, 23), (7, 20), (23, 0)] {
        assert_eq!(fault(from, to), None, "{from}-{to}");
    }
    for (from, to) in [(20, 20), (0, 0), (24, 7), (20, 99)] {
        assert!(fault(from, to).is_some(), "{from}-{to}");
    }
}
