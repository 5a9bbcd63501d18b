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

/// Gives what root made in somebody's folder to whom the folder belongs: the service, which is not root, must be able to use it.
///
/// # Errors
/// The folder or the file cannot be looked at, or given away.
#[cfg(unix)]
pub fn belongs_with(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).metadata()?;
    if path.metadata()?.uid() == 0 && folder.uid() != 0 {
        chown(path, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

/// The same where there are no owners.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn belongs_with(_: &Path) -> std::io::Result<()> {
    Ok(())
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
