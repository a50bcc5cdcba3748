//! The sites of the demonstration: who they are, and what the registry says of them.
//!
//! The names end in `.localhost`, which browsers lead to this machine by themselves (RFC 6761
//! section 6.3).

use std::net::SocketAddr;

/// A filed site without anything to object to.
pub(super) const TEAHOUSE: &str = "teahouse.localhost";
/// A filed site whose guest book was flooded with advertisements.
pub(super) const BOARD: &str = "board.localhost";
/// A filed newspaper.
pub(super) const NEWS: &str = "news.localhost";
/// A filed site with an event stream and a WebSocket.
pub(super) const LIVE: &str = "live.localhost";
/// A filed site with large files.
pub(super) const FILES: &str = "files.localhost";
/// A filed site that loses its filing while Zhamen runs.
pub(super) const MOVING: &str = "moving.localhost";
/// A filed site whose origin is switched off.
pub(super) const DARK: &str = "dark.localhost";
/// A site in the registry without a filing number.
pub(super) const UNFILED: &str = "unfiled.localhost";
/// A site that is filed with another access provider.
pub(super) const ELSEWHERE: &str = "elsewhere.localhost";
/// A site whose filing was cancelled.
pub(super) const CANCELLED: &str = "cancelled.localhost";
/// A name that the registry does not know.
pub(super) const STRANGER: &str = "stranger.localhost";

/// The sites that have an origin.
pub(super) const WITH_ORIGIN: [&str; 9] = [TEAHOUSE, BOARD, NEWS, LIVE, FILES, MOVING, UNFILED, ELSEWHERE, CANCELLED];

/// The number under which [`MOVING`] is filed.
pub(super) const MOVING_ICP: &str = "蜀ICP备20260006号";

/// The registry as text; `origin` tells where the origin of a site listens, if it has one.
pub(super) fn registry(origin: impl Fn(&str) -> Option<SocketAddr>) -> String {
    let rows = [
        (TEAHOUSE, "u-tea", "蜀ICP备20260001号", ""),
        (BOARD, "u-board", "蜀ICP备20260002号", ""),
        (NEWS, "u-news", "蜀ICP备20260003号", ""),
        (LIVE, "u-live", "蜀ICP备20260004号", ""),
        (FILES, "u-files", "蜀ICP备20260005号", ""),
        (MOVING, "u-moving", MOVING_ICP, ""),
        (DARK, "u-dark", "蜀ICP备20260007号", ""),
        (UNFILED, "u-new", "", ""),
        (ELSEWHERE, "u-else", "京ICP备20260008号", "elsewhere"),
        (CANCELLED, "u-gone", "蜀ICP备20260009号", "cancelled"),
    ];
    let mut text = String::from("host,origin,unit,service,kind,icp,filing\n");
    for (host, unit, icp, filing) in rows {
        // Nothing listens on the discard port of a machine of today.
        let origin = origin(host).map_or_else(|| "http://127.0.0.1:9".into(), |address| format!("http://{address}"));
        text.push_str(&format!("{host},{origin},{unit},{unit}-web,virtual_host,{icp},{filing}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::{Imported, import_csv};

    #[test]
    fn the_registry_is_without_fault() {
        let text = registry(|_| Some("127.0.0.1:1".parse().unwrap()));
        let Imported { registry, problems, .. } = import_csv("sites.csv", text.as_bytes());
        assert!(registry.is_some() && problems.is_empty(), "{problems:?}");
        assert!(text.contains(MOVING_ICP));
    }
}
