//! Random texts and digests of texts.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

use super::problem::{Problem, Word};

/// 64 hexadecimal digits that nobody can guess.
pub(super) fn random_hex() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Problem::new(Word::Internal, "the system has no random numbers"))?;
    Ok(hex(&bytes))
}

/// SHA-256 of texts, each with its length, so that no two lists are the same text.
pub(super) fn digest_hex(parts: &[&str]) -> String {
    let text: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
