//! Who may use the admin API.

use super::StoreError;
use crate::base::Timestamp;

/// Tokens by name. A revoked one stays: its name is on the record.
pub trait Tokens: Send + Sync {
    /// Keeps a new token. `false` if the name is taken, revoked or not.
    fn add_token(&self, token: &Token) -> Result<bool, StoreError>;

    /// One by its name.
    fn token(&self, name: &str) -> Result<Option<Token>, StoreError>;

    /// All, by name.
    fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// From now on it opens nothing. `false` if there is none that is not revoked.
    fn revoke_token(&self, name: &str, at: Timestamp) -> Result<bool, StoreError>;
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// Argon2 of the secret, as a PHC string.
    pub hash: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it opens nothing, if it was made so.
    pub expires: Option<Timestamp>,
    /// Since when it opens nothing, because it was revoked.
    pub revoked: Option<Timestamp>,
}
