//! Steps for what operators do.

/// Since when an operator keeps somebody out (0 = nobody does), and which of their addresses are out of use for that alone; when a
/// record put aside was last read again without success (0 = never).
pub(super) const KEPT_OUT: &str = r"
ALTER TABLE subscriber ADD COLUMN suspended BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address ADD COLUMN withheld BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN tried BIGINT NOT NULL DEFAULT 0;
";

/// The slowest statement of each day, without its values.
pub(super) const SLOW_STATEMENTS: &str =
    "CREATE TABLE slow_statement (day TEXT PRIMARY KEY, statement TEXT NOT NULL, ms BIGINT NOT NULL);";
