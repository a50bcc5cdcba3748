//! Who is asked about a name: `/etc/hosts`, then name servers, then whatever else the system knows.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolverConfig},
    name_server::TokioConnectionProvider,
    proto::xfer::Protocol,
};
use tokio::net::lookup_host;

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// For one question to one name server.
const ATTEMPT: Duration = Duration::from_millis(1_500);
/// How long holds what has no time to live: a line of `/etc/hosts`, what the system says.
const SYSTEM_TTL: Duration = Duration::from_secs(5);

/// Those that are asked.
#[derive(Default)]
pub(super) struct NameServers {
    made: Mutex<Option<Made>>,
}

struct Made {
    by: Vec<SocketAddr>,
    /// When the system's configuration was last changed.
    modified: Option<SystemTime>,
    resolver: TokioResolver,
}

impl NameServers {
    /// Asks. The name servers are these, or else those of the system.
    pub(super) async fn ask(&self, host: &str, by: &[SocketAddr]) -> Result<(Vec<IpAddr>, Duration), String> {
        let in_file = fs::read_to_string(HOSTS).map(|text| in_hosts(&text, host)).unwrap_or_default();
        if !in_file.is_empty() {
            return Ok((in_file, SYSTEM_TTL));
        }
        let asked = match self.resolver(by) {
            Ok(resolver) => resolver.lookup_ip(host).await.map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        let why = match asked {
            Ok(found) => {
                let time_to_live = found.valid_until().saturating_duration_since(Instant::now());
                let addresses: Vec<_> = found.iter().collect();
                if !addresses.is_empty() {
                    return Ok((addresses, time_to_live));
                }
                "the name has no address".to_owned()
            }
            Err(why) => why,
        };
        if by.is_empty()
            && let Ok(found) = lookup_host((host, 0)).await
        {
            let mut addresses: Vec<_> = found.map(|address| address.ip()).collect();
            addresses.dedup();
            if !addresses.is_empty() {
                return Ok((addresses, SYSTEM_TTL));
            }
        }
        Err(format!("{host} cannot be looked up: {why}"))
    }

    fn resolver(&self, by: &[SocketAddr]) -> Result<TokioResolver, String> {
        let modified = || fs::metadata(RESOLV_CONF).and_then(|file| file.modified()).ok();
        let modified = if by.is_empty() { modified() } else { None };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.as_ref().filter(|made| made.by == by && made.modified == modified) {
            return Ok(made.resolver.clone());
        }
        let provider = TokioConnectionProvider::default();
        let mut builder = if by.is_empty() {
            TokioResolver::builder(provider).map_err(|error| format!("{RESOLV_CONF}: {error}"))?
        } else {
            let mut config = ResolverConfig::new();
            for server in by {
                for protocol in [Protocol::Udp, Protocol::Tcp] {
                    config.add_name_server(NameServerConfig::new(*server, protocol));
                }
            }
            TokioResolver::builder_with_config(config, provider)
        };
        let options = builder.options_mut();
        // What was found is remembered by us.
        options.cache_size = 0;
        // A second attempt is to be made before whoever waits for the connection gives up.
        options.timeout = options.timeout.min(ATTEMPT);
        let resolver = builder.build();
        *made = Some(Made { by: by.to_owned(), modified, resolver: resolver.clone() });
        Ok(resolver)
    }
}

/// The addresses of a name in the text of `/etc/hosts`.
fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::in_hosts;

    #[test]
    fn hosts_as_the_system_reads_them() {
        let text = "127.0.0.1\tlocalhost loop\n# 192.0.2.9 a.cn\n192.0.2.1 b.cn A.cn # a\n::1 a.cn\nx a.cn\n";
        let found = |host| in_hosts(text, host).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("a.cn"), ["192.0.2.1", "::1"]);
        assert_eq!(found("loop"), ["127.0.0.1"]);
        assert!(found("c.cn").is_empty() && found("a").is_empty());
    }
}
