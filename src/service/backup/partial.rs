//! A file that gets its name when it is whole: written beside its place under another one, readable by this user alone.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::BackupError;
use crate::domain::ids::Env;

/// Gone when dropped before it was published.
pub struct Partial {
    path: PathBuf,
}

impl Partial {
    /// # Errors
    /// [`BackupError::Exists`], or the folder takes no file.
    pub fn create(to: &Path, env: &Env) -> Result<(Self, File), BackupError> {
        let failed = |why| BackupError::Path { path: to.display().to_string(), why };
        // A link that leads nowhere is there too.
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(to.display().to_string()));
        }
        let name = to.file_name().ok_or_else(|| failed(Error::new(ErrorKind::InvalidInput, "it names no file")))?;
        let path = to.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), env.uuid().simple()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        Ok((Self { path }, file))
    }

    pub fn read(&self) -> std::io::Result<File> {
        File::open(&self.path)
    }

    /// Gives it its name, if nothing else has got that meanwhile.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn publish(self, to: &Path) -> Result<(), BackupError> {
        let failed = |why| BackupError::Path { path: to.display().to_string(), why };
        match std::fs::hard_link(&self.path, to) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(BackupError::Exists(to.display().to_string())),
            // A file system without hard links.
            Err(_) if to.symlink_metadata().is_err() => std::fs::rename(&self.path, to).map_err(failed)?,
            Err(e) => return Err(failed(e)),
        }
        let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
