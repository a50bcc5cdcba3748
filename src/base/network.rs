//! Networks of IP addresses, as configurations name them.

use std::{fmt, net::IpAddr, str::FromStr};

/// A network: an address with the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Whether an address belongs to it. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is
    /// IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_bits)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_bits)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = &'static str;

    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| "this is no IP address and no network")?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => bits_max,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= bits_max).ok_or("the network has no such prefix")?,
        };
        let network = Self { address: address.to_canonical(), prefix_bits };
        if network.address != address {
            return Err("an IPv4 network is written as IPv4");
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use proptest::prelude::*;

    use super::Network;

    proptest! {
        #[test]
        fn an_address_belongs_to_the_networks_of_its_first_bits(bits: u128, prefix in 0_u8..=128, flipped in 0_u32..128) {
            let address = Ipv6Addr::from_bits(bits | 1 << 127);
            let network: Network = format!("{address}/{prefix}").parse().unwrap();
            prop_assert!(network.contains(IpAddr::V6(address)));
            let other = Ipv6Addr::from_bits(address.to_bits() ^ (1 << (127 - flipped)));
            prop_assert_eq!(network.contains(IpAddr::V6(other)), flipped >= u32::from(prefix));
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }

    #[test]
    fn networks_as_people_write_them() {
        let holds =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("10.1.2.3", "::ffff:10.1.2.3") && !holds("10.1.2.3", "10.1.2.4"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "::1"));
        for bad in ["", "a.cn", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "::ffff:10.0.0.0/104"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
