//! 承诺书, for signing: the operator's own two letters, clause by clause, with the provider's name, the
//! unit's, and the thresholds that the ledger counts by.

use super::{
    Letterhead,
    document::{Block, Document, Field},
    suspension, words,
};
use crate::{
    base::Timestamp,
    domain::{
        record::CommitmentForm,
        report::{LetterOfCommitment, Limit},
    },
};

/// What neither letter lets anybody publish (first letter 6, second letter 7).
const CONTENT: [&str; 9] = [
    "反对宪法所确定的基本原则的；",
    "危害国家安全，泄露国家秘密，颠覆国家政权，破坏国家统一的；",
    "损害国家荣誉和利益的；",
    "煽动民族仇恨，民族歧视，破坏民族团结的；",
    "破坏国家宗教政策，宣扬邪教和封建迷信的；",
    "散布谣言，扰乱社会秩序，破坏社会稳定的；",
    "散布淫秽，色情，赌博，暴力，凶杀，恐怖或者教唆犯罪的；",
    "侮辱或者诽谤他人，侵害他人合法权益的；",
    "含有法律，行政法规禁止的其他内容的。",
];

/// What neither letter lets anybody do (first letter 7, second letter 8).
const SECURITY: [&str; 5] = [
    "未经允许，进入计算机信息网络或者使用计算机信息网络资源的；",
    "未经允许，对计算机信息网络功能进行删除，修改或者增加的；",
    "未经允许，对计算机信息网络中存储或者传输的数据和应用程序进行删除，修改或者增加的；",
    "故意制作，传播计算机病毒等破坏性程序的；",
    "其他危害计算机信息网络安全的。",
];

/// The letter, to be signed by the unit.
pub(super) fn document(letterhead: &Letterhead, letter: &LetterOfCommitment, made: Timestamp) -> Document {
    let (title, prefix, blocks) = match letter.form {
        CommitmentForm::Hosting => ("互联网安全承诺书", "CN", hosting(letterhead, letter)),
        CommitmentForm::Datacenter => ("网络与信息安全承诺书", "CNJ", datacenter(letterhead)),
    };
    let mut blocks = blocks;
    blocks.push(Block::Fields(vec![
        Field::new("承诺人签字", ""),
        Field::new("承诺人身份证号码", letter.party.identity.as_str()),
        Field::new("承诺单位名称（盖章）", letter.party.name.as_str()),
        Field::new("承诺日期", ""),
    ]));
    blocks.push(Block::Note("【备注】互联网安全承诺书及整改报告每页均要签名（单位需加盖公章）。".to_owned()));
    if !letterhead.mail.is_empty() {
        blocks.push(Block::Note(format!("本承诺书请发邮件至：{}", letterhead.mail)));
    }
    Document {
        title: title.to_owned(),
        number: format!("{prefix}-{}-{}", letter.party.unit, super::compact(made)),
        made,
        blocks,
        signatures: vec!["承诺人签字", "单位盖章", "日期"],
    }
}

/// The second letter, part one.
fn hosting(letterhead: &Letterhead, letter: &LetterOfCommitment) -> Vec<Block> {
    let provider = &letterhead.provider;
    let mut letters = Clauses::new(provider);
    letters.clause(
        "本单位（本人）郑重承诺遵守本承诺书的有关条款，如有违反本承诺书有关条款的行为，由本单位承担由此带来的一切民事，行政和刑事责任。",
    );
    letters.clause(
        "本单位（本人）承诺遵守《中华人民共和国计算机信息系统安全保护条例》和《计算机信息网络国际联网安全保护管理办法》等国家的有关法\
         律，法规和行政规章制度。",
    );
    letters.clause(&format!("本单位（本人）承诺安装{provider}开发的“不良信息监控管理系统”，自愿接受监管。"));
    letters.clause(
        "本单位（本人）保证不利用国际互联网危害国家安全，泄露国家秘密，不侵犯国家的，社会的，集体的利益和公民的合法权益，不从事违法\
         犯罪活动。",
    );
    letters.clause(
        "本单位（本人）承诺严格按照国家相关的法律法规做好本单位网站的信息安全管理工作，设立信息安全责任人和信息安全审查员。",
    );
    letters.clause("本单位（本人）承诺健全各项互联网安全管理制度和落实各项安全保护技术措施。");
    letters.clause("本单位（本人）承诺不制作，复制，查阅和传播下列信息：");
    letters.items(&CONTENT);
    letters.clause("本单位（本人）承诺不从事下列危害计算机信息网络安全的活动：");
    letters.items(&SECURITY);
    letters.clause(&format!(
        "本单位（本人）承诺当计算机信息系统发生重大安全事故时，立即采取应急措施，保留有关原始记录，并在24小时内向{}报告。",
        letterhead.authority
    ));
    letters.clause(
        "若违反本承诺书有关条款和国家相关法律法规的，本单位直接承担相应法律责任，造成第三方财产损失的，由本单位（本人）直接赔偿。",
    );
    letters.clause(
        "本单位（本人）承诺所经营、管理的网站不出现任何违反“先备案，再接入”原则及因此被上级主管部门通报的情况，如出现上述情况，本单位\
         （本人）愿承担因此带来的一切责任。",
    );
    letters.item(
        "1.",
        &format!(
            "本单位（本人）承诺所经营、管理的站点已经关闭一切交互式栏目，或者已经严格落实先审后贴制度，不会再次出现任何被主管部门通报的\
             有害信息。若被上级相关部门再次通报网站存在有害信息且达到以下频率的，自愿接受{provider}中止本单位（本人）的接入服务，余额不\
             予退还。"
        ),
    );
    for limit in &letter.limits {
        letters.item("", &frequency(limit));
    }
    letters.item(
        "2.",
        "本单位（本人）承诺对于所经营、管理的站点若含有未备案、色情、淫秽等低俗内容，自愿接受相关部门的处罚及罚金或机房封存服务器处理。",
    );
    letters.item(
        "3.",
        &format!(
            "本单位（本人）承诺对于本单位（本人）所经营、管理的站点因未备案或不良信息导致{provider}被相关部门处罚的，自愿接受根据所涉及\
             的网站数量比例分担{provider}的罚款，否则{provider}有权对服务器进行停机、扣留产权、扣留数据并追究本单位（本人）的经济赔偿。"
        ),
    );
    letters.item(
        "4.",
        &format!(
            "本单位（本人）承诺如果本单位（本人）所经营、管理的服务器上擅自开通未备案的网站或存在被相关主管部门认定的低俗网站，{provider}\
             有权提前终止服务合同、余额不予退还。"
        ),
    );
    letters.clause("本承诺书自签署之日起生效。");
    letters.blocks
}

/// The first letter.
fn datacenter(letterhead: &Letterhead) -> Vec<Block> {
    let mut letters = Clauses::new(&letterhead.provider);
    letters.blocks.push(Block::paragraph(
        "本单位（本人）郑重承诺遵守本承诺书的有关条款，如有违反本承诺书有关条款的行为，由本单位（本人）承担由此带来的一切民事、行政和刑\
         事责任。",
    ));
    letters.clause(
        "承诺遵守《中华人民共和国计算机信息系统安全保护条例》、《计算机信息网络国际联网安全保护管理办法》及有关法律、法规和行政规章制度、\
         文件规定。",
    );
    letters.clause(
        "承诺不利用网络危害国家安全、泄露国家秘密，不侵犯国家、社会、集体的利益和第三方的合法权益，不从事违法犯罪活动。",
    );
    letters.clause(
        "承诺严格按照国家相关法律法规做好网站的信息安全管理工作，按政府有关部门要求设立信息安全责任人和信息安全审查员，信息安全责任人\
         和信息安全审查员应在通过公安机关的安全技术培训后，持证上岗。",
    );
    letters.clause("承诺健全各项网络安全管理制度和落实各项安全保护技术措施。");
    letters.clause(
        "承诺接受公安机关的监督和检查，如实主动提供有关安全保护的信息、资料及数据文件，积极协助查处通过国际联网的计算机信息网络违法\
         犯罪行为。",
    );
    letters.clause("承诺不通过互联网制作、复制、查阅和传播下列信息：");
    letters.items(&CONTENT);
    letters.clause("承诺不从事任何危害计算机信息网络安全的活动，包括但不限于：");
    letters.items(&SECURITY);
    letters.clause(
        "承诺当计算机信息系统发生重大安全事故时，立即采取应急措施，保留有关原始记录，并在24小时内向政府监管部门报告，并书面知会贵单位。",
    );
    letters.clause(
        "若违反本承诺书有关条款和国家相关法律法规的，本单位（本人）直接承担相应法律责任，造成财产损失的，由本单位（本人）直接赔偿。同时，\
         贵单位有权暂停提供主机租用服务，直至解除双方间《租用服务协议》。",
    );
    letters.clause(
        "用户承诺与最终用户参照签订此《网络信息安全承诺书》，并督促最终用户履行相应责任，否则，用户承担连带责任。",
    );
    letters.clause("本承诺书自签署之日起生效并遵行。");
    letters.blocks
}

/// A row of the table, as the letter says it.
fn frequency(limit: &Limit) -> String {
    let contents = if limit.other { suspension::row(true) } else { "政治类、低俗类" };
    format!(
        "{}：{contents}：一月内{}次（含）以上或一年内{}次（含）以上的。",
        words::kind(limit.kind),
        words::numeral(limit.month),
        words::numeral(limit.year),
    )
}

/// Clauses, numbered 一、二、三、.
struct Clauses {
    blocks: Vec<Block>,
    number: u32,
}

impl Clauses {
    fn new(provider: &str) -> Self {
        Self { blocks: vec![Block::Line(format!("{provider}："))], number: 0 }
    }

    fn clause(&mut self, text: &str) {
        self.number += 1;
        let number = if self.number == 2 { "二".to_owned() } else { words::numeral(self.number) };
        self.blocks.push(Block::Item { mark: format!("{number}、"), text: text.to_owned() });
    }

    fn items(&mut self, texts: &[&str]) {
        for (at, text) in texts.iter().enumerate() {
            self.item(&format!("{}.", at + 1), text);
        }
    }

    fn item(&mut self, mark: &str, text: &str) {
        self.blocks.push(Block::Item { mark: format!("　　{mark}"), text: text.to_owned() });
    }
}
