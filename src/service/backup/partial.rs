//! A file that gets its name when it is whole: written beside its place under another one, readable by this user alone.
//!
//! Whoever writes one holds a lock on it that ends with the process, however that ends. So what a killed one left behind can be
//! told from what is being written, and the next backup into that folder takes it away.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use uuid::Uuid;

use super::BackupError;
use super::file::FIRST_LINE;
use crate::domain::ids::Env;

/// Tries at a name, where another backup sweeps at the very moment.
const TRIES: usize = 8;

/// Gone when dropped before it was published.
pub struct Partial {
    path: PathBuf,
    /// Keeps the lock until the file has its name.
    _lock: File,
}

impl Partial {
    /// Sweeps the folder first.
    ///
    /// # Errors
    /// [`BackupError::Exists`], or the folder takes no file.
    pub fn create(to: &Path, env: &Env) -> Result<(Self, File), BackupError> {
        let failed = |why| BackupError::Make { path: to.display().to_string(), why };
        // A link that leads nowhere is there too.
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(to.display().to_string()));
        }
        let name = to.file_name().ok_or_else(|| failed(Error::new(ErrorKind::InvalidInput, "it names no file")))?;
        sweep(folder_of(to));
        for _ in 0..TRIES {
            let path = to.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), env.uuid().simple()));
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
            let partial = Self { path, _lock: file.try_clone().map_err(failed)? };
            if partial.is_held(&file) {
                return Ok((partial, file));
            }
        }
        Err(failed(Error::new(ErrorKind::ResourceBusy, "other backups are at work in that folder")))
    }

    /// Takes the lock. `false`: somebody who sweeps was faster.
    fn is_held(&self, file: &File) -> bool {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => is_at(&self.path, file),
            // A file system without locks: then nobody gets one, and nothing is swept.
            Err(e) => e != rustix::io::Errno::WOULDBLOCK,
        }
    }

    pub fn read(&self) -> std::io::Result<File> {
        File::open(&self.path)
    }

    /// Gives it its name, if nothing else has got that meanwhile.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn publish(self, to: &Path) -> Result<(), BackupError> {
        let failed = |why| BackupError::Make { path: to.display().to_string(), why };
        match std::fs::hard_link(&self.path, to) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(BackupError::Exists(to.display().to_string())),
            // A file system without hard links.
            Err(_) if to.symlink_metadata().is_err() => std::fs::rename(&self.path, to).map_err(failed)?,
            Err(e) => return Err(failed(e)),
        }
        File::open(folder_of(to)).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn folder_of(to: &Path) -> &Path {
    to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what backups that were killed left in a folder. What cannot be removed stays: it is in nobody's way.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_named_so(path)) {
        let _ = take_away(&path);
    }
}

/// `.NAME.` and the 32 digits of an id, as `create` names them.
fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let inner = name.and_then(|name| name.strip_prefix('.')?.strip_suffix(".partial")?.rsplit_once('.'));
    inner.is_some_and(|(of, id)| !of.is_empty() && id.len() == 32 && Uuid::try_parse(id).is_ok())
}

/// Removes it if it begins like a backup and nobody holds its lock; under that lock, so that nobody gets it meanwhile.
fn take_away(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    let mut start = Vec::with_capacity(FIRST_LINE.len());
    file.by_ref().take(FIRST_LINE.len() as u64).read_to_end(&mut start)?;
    // One that was killed early has not written its first line.
    if FIRST_LINE.starts_with(&start) && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() && is_at(path, &file) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// Is it still this file that lies there?
fn is_at(path: &Path, file: &File) -> bool {
    match (path.symlink_metadata(), file.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}
