//! The header: which column stands where.

use csv::StringRecord;

use super::{Refused, complaints::Complaints, raw::RawRecord};

/// A column of sites.csv.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Host,
    Origin,
    Unit,
    Service,
    Kind,
    Icp,
    Filing,
    ServerIp,
    Interactive,
}

impl Column {
    const ALL: [Self; 9] = [
        Self::Host,
        Self::Origin,
        Self::Unit,
        Self::Service,
        Self::Kind,
        Self::Icp,
        Self::Filing,
        Self::ServerIp,
        Self::Interactive,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Unit => "unit",
            Self::Service => "service",
            Self::Kind => "kind",
            Self::Icp => "icp",
            Self::Filing => "filing",
            Self::ServerIp => "server_ip",
            Self::Interactive => "interactive",
        }
    }

    const fn is_required(self) -> bool {
        match self {
            Self::Host | Self::Origin | Self::Unit | Self::Service | Self::Kind => true,
            Self::Icp | Self::Filing | Self::ServerIp | Self::Interactive => false,
        }
    }
}

/// Where the columns stand.
pub(super) struct Columns {
    by_column: [Option<usize>; Column::ALL.len()],
    count: usize,
}

impl Columns {
    /// Reads the header: names in any order and case.
    pub(super) fn read(
        header: &StringRecord,
        raw: &RawRecord<'_>,
        complaints: &mut Complaints,
    ) -> Result<Self, Refused> {
        let mut columns = Self { by_column: [None; Column::ALL.len()], count: header.len() };
        for (at, name) in header.iter().enumerate() {
            let name = name.trim();
            let (line, place) = raw.place(at);
            let Some(column) = Column::ALL.into_iter().find(|column| name.eq_ignore_ascii_case(column.as_str())) else {
                if !name.is_empty() {
                    let message = format!("the column {:?} is unknown and ignored", shorten(name));
                    complaints.warn(line, place, &message, &help());
                }
                continue;
            };
            if columns.by_column[column as usize].replace(at).is_some() {
                complaints.refuse(line, place, &format!("there are two columns {name:?}"), "remove one of them");
                return Err(Refused);
            }
        }
        let missing: Vec<_> = Column::ALL
            .into_iter()
            .filter(|column| column.is_required() && columns.position(*column).is_none())
            .map(Column::as_str)
            .collect();
        if missing.is_empty() {
            return Ok(columns);
        }
        let message = format!("the first row names no column {}", missing.join(", "));
        complaints.refuse(raw.line(), 0, &message, &help());
        Err(Refused)
    }

    /// The 0-based position of a column.
    pub(super) fn position(&self, column: Column) -> Option<usize> {
        self.by_column[column as usize]
    }

    /// The position of `host`, without which there are no columns.
    pub(super) fn host(&self) -> usize {
        self.position(Column::Host).unwrap_or_default()
    }

    /// Number of columns, ignored ones included.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

/// What a header must be.
pub(super) fn help() -> String {
    let (required, optional): (Vec<_>, Vec<_>) = Column::ALL.into_iter().partition(|column| column.is_required());
    let names = |columns: &[Column]| columns.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(", ");
    format!(
        "the first row names the columns, separated by commas: {}, and if wanted {}",
        names(&required),
        names(&optional)
    )
}

/// A text as it is quoted in a message.
pub(super) fn shorten(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
