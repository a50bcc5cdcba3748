//! The key that signs heads: Ed25519, made at the first start, readable by its owner alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{StoreError, ownership::belongs_to_its_directory};

/// What stands before an Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const KEY_FILE: &str = "signing.key";
const PUBLIC_FILE: &str = "public.pem";

/// Signs heads.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

/// Checks signatures of heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; 32],
}

impl SigningKey {
    /// The key of a store's directory; it is made if there is none.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        make_directory(directory)?;
        let path = directory.join(KEY_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::make(directory, &path),
            Err(error) => return Err(StoreError::file(&path, &error)),
        };
        let key = Self::read(&path, &bytes)?;
        // A crash may have come between the two files.
        if !directory.join(PUBLIC_FILE).exists() {
            key.write_public(directory)?;
        }
        Ok(key)
    }

    /// Whether the key of a store's directory can be used, if there is one.
    pub(in crate::store) fn check(directory: &Path) -> Result<(), StoreError> {
        let path = directory.join(KEY_FILE);
        match fs::read(&path) {
            Ok(bytes) => Self::read(&path, &bytes).map(drop),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::file(&path, &error)),
        }
    }

    fn write_public(&self, directory: &Path) -> Result<(), StoreError> {
        let (public, aside) =
            (directory.join(PUBLIC_FILE), directory.join(format!("{PUBLIC_FILE}.{}", std::process::id())));
        let written = File::create(&aside).and_then(|mut file| {
            file.write_all(self.public().to_pem().as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &public)
        });
        written.map_err(|error| StoreError::file(&public, &error))?;
        belongs_to_its_directory(&public)?;
        sync_directory(directory)
    }

    fn read(path: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        let pair = Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| {
            StoreError::new(format!("{}: not an Ed25519 key; put it back from a backup", path.display()))
        })?;
        Ok(Self { pair })
    }

    fn make(directory: &Path, path: &Path) -> Result<Self, StoreError> {
        let fail = |error| StoreError::file(path, &error);
        let unmade = |_| StoreError::new("no key could be made: the system gives no random numbers");
        let pair = Ed25519KeyPair::generate().map_err(unmade)?;
        let bytes = pair.to_pkcs8().map_err(unmade)?;
        let aside = directory.join(format!("{KEY_FILE}.{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(fail)?;
        file.write_all(bytes.as_ref()).and_then(|()| file.sync_all()).map_err(fail)?;
        belongs_to_its_directory(&aside)?;
        // A link fails where another process was faster; its key is the one then.
        let linked = fs::hard_link(&aside, path);
        fs::remove_file(&aside).map_err(fail)?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Self::read(path, &fs::read(path).map_err(fail)?);
            }
            Err(error) => return Err(fail(error)),
        }
        let key = Self { pair };
        key.write_public(directory)?;
        Ok(key)
    }

    /// The half that may be given away.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey { bytes }
    }

    /// 64 bytes.
    pub(in crate::store) fn sign(&self, message: &str) -> Vec<u8> {
        self.pair.sign(message.as_bytes()).as_ref().to_vec()
    }
}

impl PublicKey {
    /// The public key of a store's directory.
    pub fn of_store(directory: &Path) -> Result<Self, StoreError> {
        Self::read(&directory.join(PUBLIC_FILE))
    }

    /// A public key in a PEM file.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let text = fs::read_to_string(path).map_err(|error| StoreError::file(path, &error))?;
        Self::from_pem(&text)
            .ok_or_else(|| StoreError::new(format!("{}: not an Ed25519 public key in PEM", path.display())))
    }

    fn from_pem(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
        let packed: String = inner.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(packed).ok()?;
        let bytes = der.strip_prefix(&SPKI_PREFIX)?.try_into().ok()?;
        Some(Self { bytes })
    }

    /// As `openssl` reads it.
    pub fn to_pem(&self) -> String {
        let der = [&SPKI_PREFIX[..], &self.bytes].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der))
    }

    /// Whether the key signed the message.
    pub(in crate::store) fn verifies(&self, message: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message.as_bytes(), signature).is_ok()
    }
}

/// Makes a directory for the store, for its owner alone.
pub(in crate::store) fn make_directory(directory: &Path) -> Result<(), StoreError> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| StoreError::file(directory, &error))?;
    belongs_to_its_directory(directory)?;
    sync_directory(parent(directory))
}

/// The directory that a file or directory stands in.
pub(in crate::store) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the names in a directory to disk.
pub(in crate::store) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(|error| StoreError::file(directory, &error))
}

/// Files of a directory that are named `NUMBER.SUFFIX`, by number.
pub(in crate::store) fn numbered(directory: &Path, suffix: &str) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let fail = |error| StoreError::file(directory, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(suffix));
        if let Some(number) = name.and_then(|name| name.strip_suffix('.')).and_then(|number| number.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}
