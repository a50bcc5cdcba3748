//! `zhamen report`: letters and reports, as HTML and PDF.

mod share;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Exit, problems,
    record::{Opened, RecordArgs, failed},
};
use crate::{
    control_plane::{
        registry::in_force,
        report::{Format, Gather, Letterhead, RectificationWishes, Report, ReportError, print},
    },
    domain::{record::CommitmentForm, registry::ServiceKind, report::Month},
};

const EXIT_STATUS: &str =
    "Exit status:\n  0  it is written\n  2  there is nothing to write about, or it cannot be written";

/// Letters and reports in Chinese, for printing and signing.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Rectification(RectificationArgs),
    Commitment(CommitmentArgs),
    Suspension(SuspensionArgs),
    Notice(NoticeArgs),
    Incident(IncidentArgs),
    Statistics(StatisticsArgs),
    Apportion(share::Args),
}

/// 整改报告: a unit's rectification report, filled in as far as the record goes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct RectificationArgs {
    #[command(flatten)]
    print: PrintArgs,
    /// The unit.
    #[arg(long)]
    unit: String,
    /// Only this server.
    #[arg(long)]
    ip: Option<String>,
    /// A measure. May be repeated; without any there are lines to write on.
    #[arg(long, value_name = "TEXT")]
    measure: Vec<String>,
    /// Who signs.
    #[arg(long, value_name = "NAME", default_value = "")]
    signatory: String,
}

/// 承诺书: the letter of commitment, for signing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct CommitmentArgs {
    #[command(flatten)]
    print: PrintArgs,
    /// The unit.
    #[arg(long)]
    unit: String,
    /// Which of the two letters.
    #[arg(long, value_enum, default_value = "hosting")]
    form: Form,
}

/// 中止接入服务通知书: why a unit is suspended, with the strikes that did it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct SuspensionArgs {
    #[command(flatten)]
    print: PrintArgs,
    /// The unit.
    #[arg(long)]
    unit: String,
    /// Which services: virtual_host or server.
    #[arg(long, value_parser = kind)]
    kind: ServiceKind,
}

/// 书面通知: the written notice of an incident to a unit.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct NoticeArgs {
    #[command(flatten)]
    print: PrintArgs,
    /// The unit.
    #[arg(long)]
    unit: String,
    /// The incident.
    #[arg(long, value_name = "ID")]
    incident: String,
}

/// 网络安全事件报告: an incident, for the authority.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct IncidentArgs {
    #[command(flatten)]
    print: PrintArgs,
    /// The incident.
    id: String,
}

/// 月度信息安全统计: a month in numbers, by unit.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct StatisticsArgs {
    #[command(flatten)]
    print: PrintArgs,
    /// The month: 2026-03.
    #[arg(long)]
    month: Month,
    /// Only this unit.
    #[arg(long)]
    unit: Option<String>,
}

/// How and where to.
#[derive(Debug, clap::Args)]
pub(super) struct PrintArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The file to write; without it standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to write it; default: as the file's name ends, HTML otherwise.
    #[arg(long, value_enum)]
    format: Option<FormatName>,
}

/// HTML or PDF.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum FormatName {
    /// One page, for a browser to print.
    Html,
    /// A4, with its font in it.
    Pdf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// 互联网安全承诺书, of a unit with sites.
    Hosting,
    /// 网络与信息安全承诺书, of a unit with customers of its own.
    Datacenter,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    match command {
        Command::Rectification(args) => args.print.run(out, |gather| {
            let (ip, measures, signatory) = (args.ip.clone(), args.measure.clone(), args.signatory.clone());
            let wishes = RectificationWishes { ip, measures, signatory };
            gather.rectification(&args.unit, &wishes).map(Report::Rectification)
        }),
        Command::Commitment(args) => args.print.run(out, |gather| {
            let form = match args.form {
                Form::Hosting => CommitmentForm::Hosting,
                Form::Datacenter => CommitmentForm::Datacenter,
            };
            gather.commitment(&args.unit, form).map(Report::Commitment)
        }),
        Command::Suspension(args) => {
            args.print.run(out, |gather| gather.suspension(&args.unit, args.kind).map(Report::Suspension))
        }
        Command::Notice(args) => {
            args.print.run(out, |gather| gather.notice(&args.unit, &args.incident).map(Report::Notice))
        }
        Command::Incident(args) => args.print.run(out, |gather| gather.incident(&args.id).map(Report::Incident)),
        Command::Statistics(args) => {
            args.print.run(out, |gather| gather.statistics(args.month, args.unit.as_deref()).map(Report::Statistics))
        }
        Command::Apportion(args) => share::run(args, out),
    }
}

impl PrintArgs {
    /// Gathers, prints and writes.
    fn run(
        &self,
        out: &mut dyn Write,
        report: impl FnOnce(&Gather<'_>) -> Result<Report, ReportError>,
    ) -> io::Result<Exit> {
        let opened = match self.record.open() {
            Ok(opened) => opened,
            Err(wrong) => return problems::give_up(&wrong),
        };
        match report(&gather(&opened)) {
            Ok(report) => self.write(&opened, &report, out),
            Err(error) => failed(&error.to_string()),
        }
    }

    fn write(&self, opened: &Opened, report: &Report, out: &mut dyn Write) -> io::Result<Exit> {
        let bytes = match printed(opened, report, format_of(self.format, self.output.as_deref())) {
            Ok(bytes) => bytes,
            Err(error) => return failed(&error.to_string()),
        };
        match &self.output {
            None => out.write_all(&bytes)?,
            Some(file) => {
                if let Err(error) = fs::write(file, &bytes) {
                    return failed(&format!("{}: {error}", file.display()));
                }
            }
        }
        Ok(Exit::Ok)
    }
}

/// Where reports come from. A registry that cannot be read has no sites.
pub(super) fn gather(opened: &Opened) -> Gather<'_> {
    let today = opened.now.local_date();
    let begun = in_force(Some(opened.record.store()), &opened.config.registry, today);
    Gather { record: &opened.record, registry: Arc::new(begun.registry), now: opened.now }
}

/// A report's bytes.
pub(super) fn printed(opened: &Opened, report: &Report, format: Format) -> Result<Vec<u8>, ReportError> {
    let letterhead = Letterhead::of(&opened.config.report, &opened.config.policy.operator);
    print(&report.document(&letterhead, opened.now), format, &opened.config.report.font)
}

/// The format that was asked for, or that a file's name says.
pub(super) fn format_of(format: Option<FormatName>, file: Option<&Path>) -> Format {
    let is_pdf = file.and_then(Path::extension).is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"));
    match format {
        Some(FormatName::Html) => Format::Html,
        Some(FormatName::Pdf) => Format::Pdf,
        None if is_pdf => Format::Pdf,
        None => Format::Html,
    }
}

fn kind(text: &str) -> Result<ServiceKind, String> {
    ServiceKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| "the kinds of services are virtual_host and server".to_owned())
}
