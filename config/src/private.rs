//! Folders that their owner alone may enter: databases and keys stand in them.

use std::path::Path;

/// Makes a folder, and those above it, that nobody but their owner may enter. One that is there already stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn create_dir(path: &Path) -> std::io::Result<()> {
    builder().recursive(true).create(path)
}

/// Makes a folder that was not there: what somebody else put in its place is not taken for it.
///
/// # Errors
/// It is there already, or cannot be made.
pub fn create_new_dir(path: &Path) -> std::io::Result<()> {
    builder().create(path)
}

fn builder() -> std::fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are Unix's"))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
}
