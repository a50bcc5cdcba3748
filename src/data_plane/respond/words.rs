//! What each refusal says, to a visitor and to the site's owner, in Chinese and in English.

use crate::domain::policy::Reason;

/// The words for one reason.
pub(super) struct Words {
    pub(super) title_zh: &'static str,
    pub(super) title_en: &'static str,
    pub(super) visitor_zh: &'static str,
    pub(super) visitor_en: &'static str,
    pub(super) owner_zh: &'static str,
    pub(super) owner_en: &'static str,
}

/// Whether the detail is for everybody's eyes. Rules and addresses of origins are not.
pub(super) fn shows_detail(reason: Reason) -> bool {
    match reason {
        Reason::AmbiguousFraming
        | Reason::BadHost
        | Reason::ContentBlocked
        | Reason::FiledElsewhere
        | Reason::FilingCancelled
        | Reason::MalformedRequest
        | Reason::Misdirected
        | Reason::NoCommitment
        | Reason::RequestTimeout
        | Reason::Unfiled
        | Reason::UriTooLong => true,
        Reason::DirectoryLocked
        | Reason::Draining
        | Reason::InteractiveClosed
        | Reason::OriginProtocol
        | Reason::OriginTimeout
        | Reason::OriginUnreachable
        | Reason::Overloaded
        | Reason::PageLocked
        | Reason::RateLimited
        | Reason::RegistryUnavailable
        | Reason::SiteLocked
        | Reason::Suspended
        | Reason::Terminated => false,
    }
}

const fn of(zh: [&'static str; 3], en: [&'static str; 3]) -> Words {
    let [title_zh, visitor_zh, owner_zh] = zh;
    let [title_en, visitor_en, owner_en] = en;
    Words { title_zh, title_en, visitor_zh, visitor_en, owner_zh, owner_en }
}

/// The words: title, for the visitor, for the owner.
pub(super) const fn words(reason: Reason) -> Words {
    match reason {
        Reason::AmbiguousFraming => of(
            [
                "请求的长度有歧义",
                "请更新浏览器，或检查途中的代理。",
                "请检查网站前面的代理或客户端：不得同时发送 Content-Length 与 Transfer-Encoding。",
            ],
            [
                "The length of this request is ambiguous",
                "Update your browser, or check proxies on the way.",
                "Check the client or proxy: it must not send both Content-Length and Transfer-Encoding.",
            ],
        ),
        Reason::BadHost => of(
            ["请求没有有效的主机名", "请检查地址是否正确。", "请求必须带有且仅带有一个有效的 Host。"],
            ["This request names no valid host", "Check the address.", "A request must have exactly one valid Host."],
        ),
        Reason::ContentBlocked => of(
            [
                "该页面因含有禁止发布的内容而被拦截",
                "您无需做任何事；如认为有误，请向接入服务商申诉。",
                "请删除所列类别的内容；删除后页面即自动恢复。如认为有误，请附请求编号申诉。",
            ],
            [
                "This page was blocked for what it contains",
                "There is nothing you need to do. If you think this is a mistake, appeal to the hosting provider.",
                "Remove the content of the category named below; the page is then served again at once. If you think this is a mistake, appeal with the request number.",
            ],
        ),
        Reason::DirectoryLocked => of(
            ["该目录已被锁定", "网站的其他部分仍可访问。", "请清除该目录下的禁止内容，然后申请解锁。"],
            [
                "This directory is locked",
                "The rest of the site can still be reached.",
                "Remove the forbidden content under this directory, then ask for it to be unlocked.",
            ],
        ),
        Reason::Draining => of(
            ["服务正在重启", "请几秒钟后再试。", "无需处理。"],
            ["The service is restarting", "Try again in a few seconds.", "Nothing needs to be done."],
        ),
        Reason::FiledElsewhere => of(
            [
                "该网站尚未在本接入商办理接入备案",
                "网站主办者完成接入备案后即可访问。",
                "您的域名已在其他接入商备案。请在本接入商的备案系统办理“新增接入”，审核通过后即自动开通。",
            ],
            [
                "This site is filed with another access provider",
                "It can be reached once its owner has added this provider to the filing.",
                "Your domain has an ICP filing with another provider. Apply for “新增接入” (adding an access provider) with this one; access opens by itself once it is granted.",
            ],
        ),
        Reason::FilingCancelled => of(
            [
                "该网站的备案已被注销",
                "网站主办者重新备案后方可访问。",
                "您的备案已被注销。请在本接入商的备案系统重新提交备案，审核通过后即自动开通。",
            ],
            [
                "The filing of this site was cancelled",
                "It can be reached once its owner has filed again.",
                "Your ICP filing was cancelled. File again through this provider; access opens by itself once it is granted.",
            ],
        ),
        Reason::InteractiveClosed => of(
            [
                "该网站的交互栏目已关闭",
                "您可以继续浏览，但暂时不能发表或提交内容。",
                "根据信息安全承诺书，交互栏目须先审后贴或关闭。如需开放，请联系服务商。",
            ],
            [
                "Interactive sections of this site are closed",
                "You can go on reading, but not post or submit.",
                "Under the letter of commitment, interactive sections are reviewed before posting or closed. Contact your provider to open them.",
            ],
        ),
        Reason::MalformedRequest => of(
            ["请求不符合 HTTP 协议", "请更新浏览器后再试。", "请检查客户端发出的请求。"],
            ["This request breaks HTTP", "Update your browser and try again.", "Check what the client sends."],
        ),
        Reason::Misdirected => of(
            ["该连接的证书不属于此网站", "请刷新页面。", "请为此域名安装证书，或将其加入现有证书。"],
            [
                "The certificate of this connection is not for this site",
                "Reload the page.",
                "Install a certificate for this host, or add it to the one you have.",
            ],
        ),
        Reason::NoCommitment => of(
            ["网站主办者尚未签署信息安全承诺书", "签署后即可访问。", "请签署《网络信息安全承诺书》并交服务商。"],
            [
                "The owner has signed no letter of commitment",
                "The site can be reached once it is signed.",
                "Sign the letter of commitment on network information security and hand it to your provider.",
            ],
        ),
        Reason::OriginProtocol => of(
            ["网站服务器的响应有误", "请稍后再试。", "网站服务器断开了连接，或其响应不符合 HTTP 协议，请检查其日志。"],
            [
                "The site's server gave a broken answer",
                "Try again later.",
                "Your server broke off, or its answer breaks HTTP: check its log.",
            ],
        ),
        Reason::OriginTimeout => of(
            ["网站服务器响应超时", "请稍后再试。", "网站服务器未在规定时间内响应，请检查其负载与日志。"],
            [
                "The site's server did not answer in time",
                "Try again later.",
                "Your server did not answer in time: check its load and its log.",
            ],
        ),
        Reason::OriginUnreachable => of(
            ["无法连接网站服务器", "请稍后再试。", "请检查网站服务器是否运行，以及登记的地址与端口是否正确。"],
            [
                "The site's server cannot be reached",
                "Try again later.",
                "Check that your server runs, and that the address and port on record are right.",
            ],
        ),
        Reason::Overloaded => of(
            ["服务繁忙", "请几秒钟后再试。", "无需处理；如持续出现，请联系服务商。"],
            [
                "The service is busy",
                "Try again in a few seconds.",
                "Nothing needs to be done; if it goes on, contact your provider.",
            ],
        ),
        Reason::PageLocked => of(
            [
                "该页面因含有禁止发布的内容而被锁定",
                "网站的其他页面仍可访问。如认为有误，请向接入服务商申诉。",
                "请删除页面上的禁止内容；系统会定期复查，确认清除后自动解锁。如认为有误，请附请求编号申诉。",
            ],
            [
                "This page is locked for what it contained",
                "Other pages of the site can still be reached. If you think this is a mistake, appeal to the hosting provider.",
                "Remove the forbidden content. The page is read again at intervals and unlocks itself once it is clean. If you think this is a mistake, appeal with the request number.",
            ],
        ),
        Reason::RateLimited => of(
            ["请求过于频繁", "请稍后再试。", "如属正常流量，请联系服务商调整限额。"],
            [
                "Too many requests",
                "Try again later.",
                "If this is normal traffic, ask your provider to raise the limit.",
            ],
        ),
        Reason::RegistryUnavailable => of(
            ["暂时无法核验备案信息", "请几秒钟后再试。", "无需处理；如持续出现，请联系服务商。"],
            [
                "The filing cannot be checked right now",
                "Try again in a few seconds.",
                "Nothing needs to be done; if it goes on, contact your provider.",
            ],
        ),
        Reason::RequestTimeout => of(
            ["请求未在规定时间内送达", "请检查网络后重试。", "无需处理；如持续出现，请检查客户端的网络。"],
            [
                "This request did not arrive in time",
                "Check your connection and try again.",
                "Nothing needs to be done; if it goes on, check the client's connection.",
            ],
        ),
        Reason::SiteLocked => of(
            ["该网站已被锁定", "如认为有误，请向接入服务商申诉。", "请清除禁止内容并提交整改报告，然后申请解锁。"],
            [
                "This site is locked",
                "If you think this is a mistake, appeal to the hosting provider.",
                "Remove the forbidden content and hand in a rectification report, then ask for the site to be unlocked.",
            ],
        ),
        Reason::Suspended => of(
            [
                "该网站已被暂停服务",
                "如认为有误，请向接入服务商申诉。",
                "违规次数已达承诺书规定的上限。请提交整改报告，经核准后恢复服务。",
            ],
            [
                "This site is suspended",
                "If you think this is a mistake, appeal to the hosting provider.",
                "The number of violations has reached the limit of the letter of commitment. Hand in a rectification report; service resumes once it is accepted.",
            ],
        ),
        Reason::Terminated => of(
            ["该网站的服务已终止", "如认为有误，请向接入服务商申诉。", "服务合同已提前终止，请联系服务商。"],
            [
                "Service for this site has ended",
                "If you think this is a mistake, appeal to the hosting provider.",
                "The contract was ended early: contact your provider.",
            ],
        ),
        Reason::Unfiled => of(
            [
                "该网站尚未备案，暂不能访问",
                "网站主办者完成备案后即可访问。",
                "根据《互联网信息服务管理办法》，网站须先备案后接入。请在本接入商的备案系统提交 ICP 备案，审核通过后即自动开通。",
            ],
            [
                "This site has no ICP filing and cannot be reached",
                "It can be reached once its owner has filed it.",
                "A site in mainland China is filed first and connected then. File it (ICP备案) through this provider; access opens by itself once the filing is granted.",
            ],
        ),
        Reason::UriTooLong => of(
            ["请求的地址过长", "请检查地址是否正确。", "请缩短链接，或改用 POST 提交数据。"],
            [
                "The address of this request is too long",
                "Check the address.",
                "Use a shorter link, or send the data in a POST.",
            ],
        ),
    }
}
