//! Regular expressions of the classifier, compiled once. They run on short windows around anchor words only.

/// Declares a regular expression as a lazily compiled static. That it compiles is proven by the test that touches
/// every pattern of its module.
macro_rules! pattern {
    ($name:ident, $($part:expr),+ $(,)?) => {
        static $name: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "the expression is a constant; each is exercised by tests")]
            regex::Regex::new(concat!($($part),+)).expect("a constant expression compiles")
        });
    };
}

pub(crate) use pattern;
