//! The words by which enums stand in the database, in settings, in links and on the command line: one for each kind, in small letters.

/// The words of an enum, which `strum` derives, and their reading.
macro_rules! words {
    ($kind:ident) => {
        impl $kind {
            /// The word used in the database, in links and on the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// Reads the database's word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                word.parse().ok()
            }
        }
    };
}

pub(crate) use words;
