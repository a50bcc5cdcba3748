//! What can go wrong with the store.

use std::{fmt, io, path::Path};

/// Why something was not stored or could not be read. Opaque: says what and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    message: String,
}

impl StoreError {
    /// An error with its message.
    pub(in crate::store) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// A file that could not be read or written.
    pub(in crate::store) fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("{}: {error}{}", path.display(), remedy(error)))
    }
}

/// What an operator can do about an error of the file system.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; make room on the file system: nothing that was acknowledged is lost"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; let the user that runs zhamen write there"
        }
        _ => "",
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let remedy = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
                "; make room on the file system and look at its health: nothing that was acknowledged is lost"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                "; let the user that runs zhamen write the file and its directory"
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                "; keep the file as it is, and put a copy back with `zhamen store restore`"
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "; another process has been writing for long: try again"
            }
            _ => "",
        };
        Self::new(format!("the database: {error}{remedy}"))
    }
}
