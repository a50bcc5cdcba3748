//! Origins in sites.csv: lists, how they are spoken to, and what is wrong with them.

use std::sync::Arc;

use super::{Registry, import};
use crate::domain::registry::{OriginHttp, OriginOptions, OriginVerify, ProxyProtocol, RegistryBuilder};

const HEADER: &str = "host,origin,unit,service,kind,origin_ca,origin_name,origin_verify,proxy_protocol,origin_http\n";

#[test]
fn what_a_row_says_of_origins_is_written_as_it_was_read() {
    let rows = "a.cn,http://10.0.0.1 ;https://b.cn:443/,u,s,server,ca.pem,B.cn.,off,v2,tolerant\n\
                b.cn,http://10.0.0.1;https://b.cn,u,s,server,,,on,off,strict\n\
                c.cn,http://10.0.0.1;https://b.cn,u,s,server,,,,,\n";
    let imported = import(&format!("{HEADER}{rows}"));
    let problems: Vec<_> = imported.problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
    assert_eq!(problems, [(2, "whoever answers in the origin's place is believed")]);
    let registry = Arc::new(imported.registry.unwrap());
    let site = registry.site("a.cn").unwrap();
    assert_eq!((site.upstream().to_string().as_str(), site.server_ip()), ("http://10.0.0.1;https://b.cn", "10.0.0.1"));
    let options = OriginOptions {
        ca: "ca.pem".into(),
        name: "b.cn".into(),
        verify: OriginVerify::Off,
        proxy_protocol: ProxyProtocol::V2,
        http: OriginHttp::Tolerant,
    };
    assert_eq!(*site.upstream().options(), options);
    let [second, third] = ["b.cn", "c.cn"].map(|host| registry.site(host).unwrap());
    assert!(Arc::ptr_eq(second.upstream(), third.upstream()), "rows that say the same share one");
    assert!(!Arc::ptr_eq(site.upstream(), second.upstream()));

    let mut builder = RegistryBuilder::default();
    assert!(registry.sites().all(|site| builder.add(&site.to_row(), 0)));
    let again: Arc<Registry> = Arc::new(builder.finish());
    for site in registry.sites() {
        let row = site.to_row();
        assert_eq!(again.site(site.host()).unwrap().to_row(), row);
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!(json["proxy_protocol"], site.upstream().options().proxy_protocol.as_str());
        assert_eq!(serde_json::from_value::<super::super::SiteRow>(json).unwrap(), row);
        let text: Vec<_> = row.columns().into_iter().map(|(_, text)| text).collect();
        let header: Vec<_> = row.columns().into_iter().map(|(name, _)| name).collect();
        let read = import(&format!("{}\n{}\n", header.join(","), text.join(",")));
        assert_eq!(Arc::new(read.registry.unwrap()).site(site.host()).unwrap().to_row(), row, "as it is exported");
    }
}

#[test]
fn what_is_wrong_is_told_at_its_column() {
    for (row, column, said) in [
        ("http://10.0.0.1;ftp://b.cn,u,s,server,,,,,", 6, "\"ftp://b.cn\""),
        ("http://10.0.0.1;http://10.0.0.1:80,u,s,server,,,,,", 6, "twice"),
        ("h2://10.0.0.1;http://10.0.0.2,u,s,server,,,,,", 6, "HTTP/2"),
        ("http://10.0.0.1,u,s,server,,a b,,,", 34, ""),
        ("http://10.0.0.1,u,s,server,,,no,,", 35, "on"),
        ("http://10.0.0.1,u,s,server,,,,v1,", 36, "v2"),
        ("http://10.0.0.1,u,s,server,,,,,loose", 37, "tolerant"),
    ] {
        let problems = import(&format!("{HEADER}a.cn,{row}\n")).problems;
        let found = problems.iter().find(|problem| problem.column == column);
        let found = found.unwrap_or_else(|| panic!("{row}: {problems:?}"));
        assert!(found.message.contains(said) || found.help.contains(said), "{row}: {found}");
    }
}
