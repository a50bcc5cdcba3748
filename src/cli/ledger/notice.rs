//! `zhamen ledger notice`.

use std::io::{self, Write};

use super::{EXIT_STATUS, Exit, PutArgs};
use crate::{
    base::Timestamp,
    domain::record::{Entry, Fact, Notice},
    engine::rules::Class,
    store::Query,
};

/// Put a notification by a superior authority (通报) on record: a strike.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    put: PutArgs,
    /// Its id; default: made from document and time.
    #[arg(long)]
    id: Option<String>,
    /// The service that it is about.
    #[arg(long)]
    service: String,
    /// What it is counted as.
    #[arg(long, value_enum)]
    class: NoticeClass,
    /// When the violation was, as 2026-03-15T10:00:00+08:00; default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Who notified.
    #[arg(long, default_value = "")]
    authority: String,
    /// The document's number.
    #[arg(long, default_value = "")]
    document: String,
    /// Where the content was.
    #[arg(long, default_value = "")]
    url: String,
    /// Until when something has to be done.
    #[arg(long, value_name = "TIME")]
    deadline: Option<Timestamp>,
    /// What it says.
    #[arg(long, default_value = "")]
    note: String,
    /// Enter it although this document is on record for this service and address: it is another strike.
    #[arg(long)]
    again: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let facts = |opened: &super::Opened| {
        let at = args.at.unwrap_or(opened.now);
        if at > opened.now {
            return Err(format!("the violation cannot have been in the future, at {at}"));
        }
        if let Some(same) = args.same(opened).filter(|_| !args.again && args.id.is_none()) {
            return Err(format!(
                "{} of {} is on record for {} as {same:?} already; --again enters a second one, which counts as well",
                args.document, args.authority, args.service
            ));
        }
        let id =
            args.id.clone().unwrap_or_else(|| format!("n-{}-{}", opened.now.local_date(), opened.now.0 % 86_400_000));
        Ok(vec![Fact::Notice(Notice {
            id,
            service: args.service.clone(),
            class: args.class.into(),
            at,
            recorded: Some(opened.now),
            authority: args.authority.clone(),
            document: args.document.clone(),
            url: args.url.clone(),
            deadline: args.deadline,
            note: args.note.clone(),
        })])
    };
    args.put.put(facts, out)
}

impl Args {
    /// The notice on record that says the same and was not withdrawn: an arrow key and Enter must not suspend.
    fn same(&self, opened: &super::Opened) -> Option<String> {
        let store = opened.record.store();
        let query = |kind| Query { kinds: vec![kind], limit: 1_000, descending: true, ..Query::default() };
        let of_service = Query { service: Some(self.service.clone()), ..query("notice") };
        let same = |entry: Entry| match entry.fact {
            Fact::Notice(it) => {
                let is_same = it.document == self.document && it.authority == self.authority && it.url == self.url;
                (is_same && !self.document.is_empty()).then_some(it.id)
            }
            _ => None,
        };
        let is_withdrawn = |id: &String| {
            let of = Query { subject: Some(id.clone()), ..query("withdrawal") };
            store.entries(&of).is_ok_and(|found| !found.is_empty())
        };
        store.entries(&of_service).ok()?.into_iter().filter_map(same).find(|id| !is_withdrawn(id))
    }
}

/// What a notice is counted as.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum NoticeClass {
    /// 政治类.
    Political,
    /// 低俗类.
    Vulgar,
    /// 其他类非法信息.
    Other,
    /// Concerns the filing itself; never a strike.
    Filing,
}

impl From<NoticeClass> for Class {
    fn from(class: NoticeClass) -> Self {
        match class {
            NoticeClass::Political => Self::Political,
            NoticeClass::Vulgar => Self::Vulgar,
            NoticeClass::Other => Self::Other,
            NoticeClass::Filing => Self::Filing,
        }
    }
}
