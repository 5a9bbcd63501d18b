//! What one reading may cost. Beyond it the file is refused in words, and the rest is read.

use std::time::Duration;

/// Most bytes handed in at once: portals cut consultations at about that, and a mail carries less.
pub const MAX_INPUT: usize = 100 * 1024 * 1024;
/// Most bytes that all pieces of an archive take once unpacked.
pub const MAX_UNPACKED: u64 = 300 * 1024 * 1024;
/// Most bytes of one piece.
pub const MAX_PIECE: u64 = 80 * 1024 * 1024;
/// Most pieces read; a real consultation of 173 lots has about 60.
pub const MAX_PIECES: usize = 300;
/// Most entries that an archive may announce.
pub const MAX_ENTRIES: usize = 5_000;
/// How many times larger than packed a piece may become: prose gains about ten, a blank page a hundred.
pub const MAX_RATIO: u64 = 250;
/// Most text kept of one piece, in bytes: about 1,500 pages.
pub const MAX_TEXT: usize = 6 * 1024 * 1024;
/// Most pages read of one piece.
pub const MAX_PAGES: u32 = 2_000;
/// Memory of one child, in bytes.
pub const MEMORY: u64 = 512 * 1024 * 1024;
/// Computing time of one child, and of the converter that it starts, in seconds.
pub const CPU_SECONDS: u64 = 25;
/// Computing time of a whole reading: the piece that passes it is the last one read.
pub const COMPUTING: Duration = Duration::from_secs(55);
/// What a whole reading may last by the clock: nothing that only waits its turn on a busy machine comes near it.
pub const WALL: Duration = Duration::from_secs(30 * 60);
/// What one piece may last by the clock.
pub const PIECE_WALL: Duration = Duration::from_secs(10 * 60);
