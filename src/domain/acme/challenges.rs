//! What is answered while an order is under way (RFC 8555 section 8.3).

use std::{collections::HashMap, sync::Arc};

/// Where an authority asks for the proof.
pub const CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// The proofs of all orders under way, by host and token. Immutable; swapped when an order begins and ends.
#[derive(Clone, Debug, Default)]
pub struct Challenges {
    by_host: HashMap<String, Vec<(String, Arc<str>)>>,
}

impl Challenges {
    /// The answer for a request's path (without its query), where it asks for a proof that is known.
    pub fn proof(&self, host: &str, path: &str) -> Option<&Arc<str>> {
        // Nothing more is looked at on the way of any other request.
        let token = path.strip_prefix(CHALLENGE_PATH)?;
        let proofs = self.by_host.get(host)?;
        proofs.iter().find(|(known, _)| known == token).map(|(_, proof)| proof)
    }

    /// With one more.
    #[must_use]
    pub fn with(&self, host: &str, token: &str, proof: &str) -> Self {
        let mut next = self.clone();
        next.by_host.entry(host.to_owned()).or_default().push((token.to_owned(), proof.into()));
        next
    }

    /// Without those of a host.
    #[must_use]
    pub fn without(&self, host: &str) -> Self {
        let mut next = self.clone();
        next.by_host.remove(host);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_token_of_the_host_is_answered() {
        let challenges = Challenges::default().with("a.cn", "t1", "t1.key").with("a.cn", "t2", "t2.key");
        let proof = |host, path: &str| challenges.proof(host, path).map(|proof| proof.to_string());
        assert_eq!(proof("a.cn", "/.well-known/acme-challenge/t2").as_deref(), Some("t2.key"));
        for (host, path) in [
            ("b.cn", "/.well-known/acme-challenge/t1"),
            ("a.cn", "/.well-known/acme-challenge/t"),
            ("a.cn", "/.well-known/acme-challenge/"),
            ("a.cn", "/.well-known/acme-challenge/t1/"),
            ("a.cn", "/t1"),
        ] {
            assert_eq!(proof(host, path), None, "{host}{path}");
        }
        assert!(challenges.without("a.cn").proof("a.cn", "/.well-known/acme-challenge/t1").is_none());
    }
}
