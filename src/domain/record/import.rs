//! Files about customers → [`Fact`]s: units, services, commitments, persons. Every bad row is reported at
//! its line and column and left out.

use std::net::IpAddr;

use csv::StringRecord;

use super::{Commitment, CommitmentForm, Fact, Person, PersonRole, ServiceFact, UnitFact};
use crate::{
    base::Problem,
    domain::{
        registry::ServiceKind,
        tabular::{
            Column, Columns, Complaints, Content, Fault, Fields, RawRecord, fits, help, is_good_enough, read_alias,
            read_day, read_id, read_optional_day, read_records, read_text,
        },
    },
};

/// Servers of one service, at most.
const SERVERS_MAX: usize = 1_000;

/// What a file about customers lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerFile {
    /// Letters that were signed.
    Commitments,
    /// Principals and reviewers.
    Persons,
    /// What units rent.
    Services,
    /// Units, and which is below which.
    Units,
}

/// What came of reading a file about customers.
pub struct ImportedCustomers {
    /// One a good row, with its line; `None` if the file as a whole must not be applied.
    pub facts: Option<Vec<(u32, Fact)>>,
    /// Rows read.
    pub rows_good: usize,
    /// Rows skipped.
    pub rows_bad: usize,
    /// What is wrong, by line and column.
    pub problems: Vec<Problem>,
}

impl CustomerFile {
    /// All kinds of files; the first whose header fits is meant.
    pub const ALL: [Self; 4] = [Self::Commitments, Self::Persons, Self::Services, Self::Units];

    /// The word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commitments => "commitments",
            Self::Persons => "persons",
            Self::Services => "services",
            Self::Units => "units",
        }
    }

    /// Which kind a header is of.
    pub fn of_header(header: &StringRecord) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| match kind {
            Self::Commitments => fits::<CommitmentColumn>(header),
            Self::Persons => fits::<PersonColumn>(header),
            Self::Services => fits::<ServiceColumn>(header),
            Self::Units => fits::<UnitColumn>(header),
        })
    }
}

/// Reads a file about customers. `path` is only named in the problems.
pub fn import_customers(kind: CustomerFile, path: &str, content: Content<'_>) -> ImportedCustomers {
    match kind {
        CustomerFile::Commitments => import(path, content, read_commitment),
        CustomerFile::Persons => import(path, content, read_person),
        CustomerFile::Services => import(path, content, read_service),
        CustomerFile::Units => import(path, content, read_unit),
    }
}

fn import<C: Column>(
    path: &str,
    content: Content<'_>,
    read: fn(&mut Fields<'_, '_, C>) -> Option<Fact>,
) -> ImportedCustomers {
    let mut complaints = Complaints::new(path, content.is_sheet());
    let mut columns: Option<Columns<C>> = None;
    let mut facts = Vec::new();
    let mut rows_bad = 0;
    let mut each = |record: &StringRecord, raw: &RawRecord<'_>, complaints: &mut Complaints| {
        let Some(columns) = &columns else {
            columns = Some(Columns::read(record, raw, complaints)?);
            return Ok(());
        };
        if record.iter().all(|field| field.trim().is_empty()) {
            return Ok(());
        }
        match Fields::of(columns, record, raw, complaints).and_then(|mut fields| read(&mut fields)) {
            Some(fact) => facts.push((raw.line(), fact)),
            None => rows_bad += raw.lines(),
        }
        Ok(())
    };
    let mut complete = read_records(content, &mut complaints, &mut each).is_ok();
    if complete && columns.is_none() {
        complaints.refuse(0, 0, "the file is empty", &help::<C>());
        complete = false;
    }
    let rows_good = facts.len();
    let whole = complete && is_good_enough(rows_good, rows_bad, &mut complaints);
    ImportedCustomers { facts: whole.then_some(facts), rows_good, rows_bad, problems: complaints.finish() }
}

fn read_unit(fields: &mut Fields<'_, '_, UnitColumn>) -> Option<Fact> {
    use UnitColumn as Column;
    let unit = fields.read(Column::Unit, read_id);
    let parent = fields.read(Column::Parent, |text| match text {
        "" => Ok(None),
        _ if unit == Some(text) => Err(Fault::new("a unit is not above itself").help("leave it empty")),
        _ => read_id(text).map(|id| Some(id.to_owned())),
    });
    let name = fields.read(Column::Name, read_text);
    let identity = fields.read(Column::Identity, read_text);
    let contact = fields.read(Column::Contact, read_text);
    Some(Fact::Unit(UnitFact {
        unit: unit?.to_owned(),
        parent: parent?,
        name: name?,
        identity: identity?,
        contact: contact?,
    }))
}

fn read_service(fields: &mut Fields<'_, '_, ServiceColumn>) -> Option<Fact> {
    use ServiceColumn as Column;
    let service = fields.read(Column::Service, read_id);
    let unit = fields.read(Column::Unit, read_id);
    let kind = fields.read(Column::Kind, |text| {
        read_alias(text, &ServiceKind::ALL.map(|kind| (kind.as_str(), kind)), ServiceKind::ALIASES)
    });
    let server_ips = fields.read(Column::ServerIps, read_addresses);
    Some(Fact::Service(ServiceFact {
        service: service?.to_owned(),
        unit: unit?.to_owned(),
        kind: kind?,
        server_ips: server_ips?,
    }))
}

fn read_commitment(fields: &mut Fields<'_, '_, CommitmentColumn>) -> Option<Fact> {
    use CommitmentColumn as Column;
    let unit = fields.read(Column::Unit, read_id);
    let form = fields.read(Column::Form, |text| match text {
        "" => Ok(CommitmentForm::Hosting),
        _ => read_alias(
            text,
            &[("datacenter", CommitmentForm::Datacenter), ("hosting", CommitmentForm::Hosting)],
            &[("信息安全承诺书", CommitmentForm::Datacenter), ("互联网安全承诺书", CommitmentForm::Hosting)],
        ),
    });
    let signed = fields.read(Column::Signed, read_day);
    let until = fields.read(Column::Until, |text| match (read_optional_day(text)?, signed) {
        (Some(until), Some(signed)) if until < signed => {
            Err(Fault::new("this is before the day of signing").help("write the last day on which it is in force"))
        }
        (until, _) => Ok(until),
    });
    let signatory = fields.read(Column::Signatory, read_text);
    Some(Fact::Commitment(Commitment {
        unit: unit?.to_owned(),
        form: form?,
        signed: signed?,
        until: until?,
        signatory: signatory?,
    }))
}

fn read_person(fields: &mut Fields<'_, '_, PersonColumn>) -> Option<Fact> {
    use PersonColumn as Column;
    let unit = fields.read(Column::Unit, read_id);
    let role = fields.read(Column::Role, |text| {
        read_alias(
            text,
            &[("principal", PersonRole::Principal), ("reviewer", PersonRole::Reviewer)],
            &[
                ("信息安全责任人", PersonRole::Principal),
                ("责任人", PersonRole::Principal),
                ("信息安全审查员", PersonRole::Reviewer),
                ("审查员", PersonRole::Reviewer),
            ],
        )
    });
    let name = fields.read(Column::Name, |text| match text {
        "" => Err(Fault::new("the field is empty").help("the letter wants the person's name")),
        _ => read_text(text),
    });
    let certificate = fields.read(Column::Certificate, read_text);
    let expires = fields.read(Column::Expires, read_optional_day);
    let contact = fields.read(Column::Contact, read_text);
    Some(Fact::Person(Person {
        unit: unit?.to_owned(),
        role: role?,
        name: name?,
        certificate: certificate?,
        expires: expires?,
        contact: contact?,
    }))
}

/// IP addresses, separated by white space, commas or semicolons of either width.
fn read_addresses(text: &str) -> Result<Vec<String>, Fault> {
    let mut addresses: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || ",;，；、".contains(c)).filter(|word| !word.is_empty()) {
        let address: IpAddr = word.parse().map_err(|_| {
            Fault::new(format!("{word:?} is not an IP address")).help("separate several of them by semicolons")
        })?;
        let address = address.to_string();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.len() {
        0..=SERVERS_MAX => Ok(addresses),
        _ => Err(Fault::new("these are too many servers for one service").help("make it several services")),
    }
}

/// Makes a kind of columns: name, aliases, whether it is required.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($column:ident $word:literal $required:literal [$($alias:literal),*],)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq)]
        enum $name {
            $($column,)*
        }

        impl Column for $name {
            const ALL: &'static [Self] = &[$(Self::$column,)*];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$column => $word,)*
                }
            }

            fn aliases(self) -> &'static [&'static str] {
                match self {
                    $(Self::$column => &[$($alias),*],)*
                }
            }

            fn is_required(self) -> bool {
                match self {
                    $(Self::$column => $required,)*
                }
            }
        }
    };
}

columns! {
    /// Of a file of units.
    UnitColumn {
        Unit "unit" true ["单位", "单位编号", "客户", "客户编号"],
        Parent "parent" false ["上级", "上级单位", "上级单位编号"],
        Name "name" false ["名称", "单位名称", "承诺单位名称"],
        Identity "identity" false ["证件号", "证件号码", "统一社会信用代码", "身份证号"],
        Contact "contact" false ["联系方式", "联系人", "电话"],
    }
}

columns! {
    /// Of a file of services.
    ServiceColumn {
        Service "service" true ["服务", "服务编号", "业务", "产品"],
        Unit "unit" true ["单位", "单位编号", "客户", "客户编号"],
        Kind "kind" true ["类型", "服务类型"],
        ServerIps "server_ips" false ["server_ip", "服务器IP", "服务器地址", "IP"],
    }
}

columns! {
    /// Of a file of commitments.
    CommitmentColumn {
        Unit "unit" true ["单位", "单位编号", "客户", "客户编号"],
        Form "form" false ["承诺书", "承诺书类型"],
        Signed "signed" true ["签署日期", "签订日期", "承诺日期"],
        Until "until" false ["到期", "到期日期", "有效期至"],
        Signatory "signatory" false ["签署人", "负责人"],
    }
}

columns! {
    /// Of a file of principals and reviewers.
    PersonColumn {
        Unit "unit" true ["单位", "单位编号", "客户", "客户编号"],
        Role "role" true ["角色", "职务"],
        Name "name" true ["姓名"],
        Certificate "certificate" false ["证书", "证书编号"],
        Expires "expires" false ["证书到期", "证书有效期", "证书有效期至", "有效期至"],
        Contact "contact" false ["联系方式", "电话"],
    }
}
