//! Many rows in one statement: they travel as one JSON array in `$1`, which each engine reads as a table.
//!
//! What a statement costs is mostly the way to the database and back; a hundred rows make that way once. In such statements
//! `state || ''` is the state as something to look at, not to look up by: SQLite, which keeps no statistics, would go through
//! all deliveries of that state rather than through the rows.

/// A statement over the rows given in `$1`: `[before] rows [after]`, in the words of `$engine`. Each row is the column
/// `value`, whose fields `value ->> 'name'` gives as text (NULL where JSON says null).
macro_rules! over_rows {
    ($engine:expr, [$($before:tt)*], [$($after:tt)*]) => {
        match $engine {
            $crate::Engine::Sqlite => concat!($($before)*, "json_each($1) AS given", $($after)*),
            $crate::Engine::Postgres => {
                // An array of unknown length counts for ten rows; what a function gives, for a hundred: enough to make the planner
                // read whole tables.
                concat!(
                    $($before)*,
                    "unnest(ARRAY(SELECT json_array_elements(CAST($1 AS json)))) AS given(value)",
                    $($after)*
                )
            }
        }
    };
}

pub(crate) use over_rows;
