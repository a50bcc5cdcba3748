//! The chain: every entry's hash goes into the next one's, so that nothing can be altered, taken out or
//! put in between without all hashes behind it becoming others; and heads that are signed.
//!
//! The bytes that are hashed are lines of text, so that `sha256sum` alone can follow: a link is the line
//! `PREV SEQ CONTENT` with a line feed, where CONTENT is the SHA-256 of the line that is linked. So a
//! link can be shown, and checked, without what it links.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};

use super::StoreError;
use crate::base::Timestamp;

/// A SHA-256. As text: 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// What the first link follows.
pub const GENESIS: Hash = Hash([0; 32]);

/// One link of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The hash of the link before it; of the first: [`GENESIS`].
    pub prev: Hash,
    /// Its number: 1, 2, 3, ….
    pub seq: u64,
    /// The hash of what it links.
    pub content: Hash,
}

/// A head of the chain and its signature: what anybody with the public key can hold against the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRow {
    /// The last entry under it.
    pub seq: u64,
    /// That entry's hash.
    pub hash: Hash,
    /// When it was signed.
    pub at: Timestamp,
    /// Ed25519, over [`HeadRow::signed_line`].
    pub signature: Vec<u8>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// When it was put on the record.
    pub recorded: Timestamp,
    /// What kind of fact it is, as it is looked up by.
    pub kind: String,
    /// What it is about, as it is looked up by.
    pub unit: Option<String>,
    /// The id that it belongs to, as it is looked up by.
    pub subject: Option<String>,
    /// The fact as JSON.
    pub fact: String,
    /// The entry as a line of JSON with a line feed: what its link links.
    pub text: String,
    /// The link's hash of the link before it, as it is stored.
    pub prev: Hash,
    /// The link's hash, as it is stored.
    pub hash: Hash,
}

/// The chain's links and its signed heads.
pub trait Heads: Send + Sync {
    /// The number and hash of the last entry; 0 and [`GENESIS`] if there is none.
    fn head(&self) -> Result<(u64, Hash), StoreError>;

    /// Keeps a signed head.
    fn put_head(&self, head: &HeadRow) -> Result<(), StoreError>;

    /// The last signed head.
    fn last_head(&self) -> Result<Option<HeadRow>, StoreError>;

    /// Shows the entries from one number to another as they are stored, in order, until `take` fails.
    fn each_line(
        &self,
        from: u64,
        to: u64,
        take: &mut dyn FnMut(Line) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Signed heads of entries beyond `after`, in ascending order, at most `limit`.
    fn heads(&self, after: u64, limit: usize) -> Result<Vec<HeadRow>, StoreError>;
}

impl Hash {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bad = || StoreError::new(format!("{text:?} is not a SHA-256 in 64 hexadecimal digits"));
        let mut hash = [0; 32];
        hash.copy_from_slice(&unhex(text).filter(|bytes| bytes.len() == 32).ok_or_else(bad)?);
        Ok(Self(hash))
    }
}

/// The bytes of a text of hexadecimal digits in lower case.
pub(in crate::store) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

impl Line {
    /// Its link, as it follows from the text.
    pub fn link(&self) -> Link {
        Link { prev: self.prev, seq: self.seq, content: Hash::of(self.text.as_bytes()) }
    }
}

impl Link {
    /// The line that is hashed.
    pub fn line(&self) -> String {
        format!("{} {} {}\n", self.prev, self.seq, self.content)
    }

    /// Its hash, which the next one begins with.
    pub fn hash(&self) -> Hash {
        Hash::of(self.line().as_bytes())
    }
}

impl HeadRow {
    /// The line that is signed.
    pub fn signed_line(chain: &str, seq: u64, hash: Hash, at: Timestamp) -> String {
        format!("zhamen {chain} {seq} {hash} {at}\n")
    }
}
