//! One order, from the names to the certificate (RFC 8555 section 7.4), proved by HTTP-01 (section 8.3).

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};

use crate::{base::HostName, domain::acme::Challenges};

/// For the authority's checks, and for its signature.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).backoff(1.5).timeout(Duration::from_secs(180));

/// What every problem's type begins with (RFC 8555 section 6.7).
const ERROR: &str = "urn:ietf:params:acme:error:";

/// A certificate as it came, PEM.
pub(super) struct Issued {
    /// Its key.
    pub(super) key: String,
    /// Itself, and who signed it.
    pub(super) chain: String,
}

/// Why there is none.
pub(super) enum Failure {
    /// The authority does not know the account.
    Account(String),
    /// The authority cannot be asked now, or has had enough of us. Nothing is wrong with the site.
    Authority(String),
    /// Something is wrong with the site: why, and what to do.
    Site(String),
}

/// Proofs that are shown as long as this lives.
struct Shown<'a> {
    challenges: &'a ArcSwap<Challenges>,
    hosts: Vec<String>,
}

impl Shown<'_> {
    fn show(&mut self, host: &str, token: &str, proof: &str) {
        self.hosts.push(host.to_owned());
        self.challenges.rcu(|shown| shown.with(host, token, proof));
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        for host in &self.hosts {
            self.challenges.rcu(|shown| shown.without(host));
        }
    }
}

/// Orders a certificate for names, and waits for it.
pub(super) async fn order(
    account: Account,
    names: Vec<HostName>,
    challenges: Arc<ArcSwap<Challenges>>,
) -> Result<Issued, Failure> {
    let identifiers: Vec<Identifier> = names.iter().map(|name| Identifier::Dns(name.as_str().to_owned())).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await.map_err(|error| Failure::of(&error))?;
    let mut shown = Shown { challenges: &challenges, hosts: Vec::new() };
    prove(&mut order, &mut shown).await?;
    let status = order.poll_ready(&PATIENCE).await;
    match status {
        Ok(OrderStatus::Ready) => {}
        // The order says that it failed, and its challenges say why.
        Ok(_) | Err(Error::Api(_)) => return Err(refused(&mut order, status).await),
        Err(error) => return Err(Failure::of(&error)),
    }
    drop(shown);
    let key = order.finalize().await.map_err(|error| Failure::of(&error))?;
    let chain = order.poll_certificate(&PATIENCE).await.map_err(|error| Failure::of(&error))?;
    Ok(Issued { key, chain })
}

/// Shows a proof for each name, and tells the authority to look.
async fn prove(order: &mut Order, shown: &mut Shown<'_>) -> Result<(), Failure> {
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next.map_err(|error| Failure::of(&error))?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => return Err(Failure::Site(format!("the authority has closed its authorization: {other:?}"))),
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::Http01) else {
            let why = "the authority offers no proof by HTTP-01 for the name: take it out of the column acme";
            return Err(Failure::Site(why.to_owned()));
        };
        let host = challenge.identifier().to_string();
        shown.show(&host, &challenge.token, challenge.key_authorization().as_str());
        challenge.set_ready().await.map_err(|error| Failure::of(&error))?;
    }
    Ok(())
}

/// What the authority saw when it looked.
async fn refused(order: &mut Order, status: Result<OrderStatus, Error>) -> Failure {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let host = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { break };
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return match Failure::of_problem(problem) {
                Failure::Site(why) => Failure::Site(format!("{host}: {why}")),
                other => other,
            };
        }
    }
    match status {
        Ok(status) => Failure::Site(format!("the order ended as {status:?}")),
        Err(error) => Failure::of(&error),
    }
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Api(problem) => Self::of_problem(problem),
            Error::Timeout(_) => Self::Authority("the authority did not finish in time".to_owned()),
            other => Self::Authority(other.to_string()),
        }
    }

    fn of_problem(problem: &Problem) -> Self {
        let kind = problem.r#type.as_deref().unwrap_or_default();
        let detail = problem.detail.as_deref().unwrap_or("the authority says no more");
        let said = format!("{detail} ({})", kind.strip_prefix(ERROR).unwrap_or(kind));
        let todo = match kind.strip_prefix(ERROR).unwrap_or_default() {
            "accountDoesNotExist" => return Self::Account(said),
            "rateLimited" | "serverInternal" | "badNonce" | "userActionRequired" | "externalAccountRequired" => {
                return Self::Authority(said);
            }
            "caa" => "the domain's CAA records must allow this authority",
            "connection" | "incorrectResponse" | "tls" | "unauthorized" => {
                "port 80 of every address of the name must lead to this edge"
            }
            "dns" => "the name must lead to this edge: look at its A and AAAA records",
            "rejectedIdentifier" | "unsupportedIdentifier" => {
                "the authority gives no certificate for the name: take it out of the column acme"
            }
            _ => "",
        };
        Self::Site(if todo.is_empty() { said } else { format!("{said}; {todo}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: &str) -> Failure {
        let problem = format!("{{\"type\": \"{ERROR}{kind}\", \"detail\": \"because\"}}");
        Failure::of_problem(&serde_json::from_str(&problem).unwrap())
    }

    #[test]
    fn a_sites_fault_is_the_sites_and_says_what_to_do() {
        for (kind, todo) in
            [("dns", "A and AAAA"), ("unauthorized", "port 80"), ("caa", "CAA"), ("orderNotReady", "because")]
        {
            assert!(matches!(failure(kind), Failure::Site(why) if why.contains(todo) && why.contains(kind)), "{kind}");
        }
        assert!(matches!(failure("rateLimited"), Failure::Authority(_)));
        assert!(matches!(failure("accountDoesNotExist"), Failure::Account(_)));
    }
}
