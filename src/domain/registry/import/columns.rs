//! The columns of sites.csv.

use crate::domain::tabular::Column;

/// A column of sites.csv.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SiteColumn {
    Host,
    Origin,
    Unit,
    Service,
    Kind,
    Icp,
    Filing,
    FiledUntil,
    ServerIp,
    Interactive,
    OriginCa,
    OriginName,
    OriginVerify,
    ProxyProtocol,
    OriginHttp,
    Acme,
}

impl Column for SiteColumn {
    const ALL: &'static [Self] = &[
        Self::Host,
        Self::Origin,
        Self::Unit,
        Self::Service,
        Self::Kind,
        Self::Icp,
        Self::Filing,
        Self::FiledUntil,
        Self::ServerIp,
        Self::Interactive,
        Self::OriginCa,
        Self::OriginName,
        Self::OriginVerify,
        Self::ProxyProtocol,
        Self::OriginHttp,
        Self::Acme,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Unit => "unit",
            Self::Service => "service",
            Self::Kind => "kind",
            Self::Icp => "icp",
            Self::Filing => "filing",
            Self::FiledUntil => "filed_until",
            Self::ServerIp => "server_ip",
            Self::Interactive => "interactive",
            Self::OriginCa => "origin_ca",
            Self::OriginName => "origin_name",
            Self::OriginVerify => "origin_verify",
            Self::ProxyProtocol => "proxy_protocol",
            Self::OriginHttp => "origin_http",
            Self::Acme => "acme",
        }
    }

    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Host => &["域名", "网站域名", "主机", "主机名"],
            Self::Origin => &["源站", "源站地址", "回源地址"],
            Self::Unit => &["单位", "单位编号", "客户", "客户编号"],
            Self::Service => &["服务", "服务编号", "业务", "产品"],
            Self::Kind => &["类型", "服务类型"],
            Self::Icp => &["备案号", "ICP备案号", "网站备案号"],
            Self::Filing => &["备案状态"],
            Self::FiledUntil => &["备案有效期", "备案有效期至", "备案到期", "备案到期日"],
            Self::ServerIp => &["服务器IP", "服务器地址", "IP"],
            Self::Interactive => &["交互", "交互栏目"],
            Self::OriginCa => &["源站CA", "源站CA证书"],
            Self::OriginName => &["源站证书域名", "源站SNI"],
            Self::OriginVerify => &["验证源站证书"],
            Self::ProxyProtocol => &["PROXY协议"],
            Self::OriginHttp => &["源站HTTP"],
            Self::Acme => &["自动证书", "证书域名"],
        }
    }

    fn is_required(self) -> bool {
        match self {
            Self::Host | Self::Origin | Self::Unit | Self::Service | Self::Kind => true,
            Self::Icp
            | Self::Filing
            | Self::FiledUntil
            | Self::ServerIp
            | Self::Interactive
            | Self::OriginCa
            | Self::OriginName
            | Self::OriginVerify
            | Self::ProxyProtocol
            | Self::OriginHttp
            | Self::Acme => false,
        }
    }
}
