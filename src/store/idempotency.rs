//! Answers that are given again to who asks the same thing again.

use super::StoreError;
use crate::base::Timestamp;

/// Responses by idempotency key.
pub trait Idempotency: Send + Sync {
    /// What was answered under a key.
    fn recall(&self, key: &str) -> Result<Option<Remembered>, StoreError>;

    /// Keeps an answer. `false` if there is one already, which stays.
    fn remember(&self, key: &str, answer: &Remembered) -> Result<bool, StoreError>;

    /// Takes out what was answered before a time.
    fn forget_answers(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What was asked (a hash of it): the same key with another question is a mistake.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// When.
    pub at: Timestamp,
}
