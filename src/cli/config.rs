//! `zhamen config`: the reference of zhamen.toml for people and for editors.

use std::io::{self, Write};

use super::Exit;
use crate::config::Reference;

/// The reference of zhamen.toml: every key, and a schema for editors.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Reference(ReferenceArgs),
    Schema(SchemaArgs),
}

/// Print every key: what it takes, its default, its effect, and whether a change wants a restart.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0.")]
pub(super) struct ReferenceArgs {
    /// As what: a Markdown document, or the manual page zhamen.toml(5).
    #[arg(long, value_enum, default_value = "markdown")]
    format: Format,
}

/// Print a JSON Schema: editors complete and check zhamen.toml with it.
///
/// With taplo (Even Better TOML), the first line of zhamen.toml: #:schema ./zhamen.schema.json
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0.")]
pub(super) struct SchemaArgs {}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// Markdown.
    Markdown,
    /// roff, for man(1).
    Man,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    let reference = Reference::new();
    match command {
        Command::Reference(ReferenceArgs { format: Format::Markdown }) => {
            out.write_all(reference.markdown().as_bytes())?
        }
        Command::Reference(ReferenceArgs { format: Format::Man }) => out.write_all(reference.man().as_bytes())?,
        Command::Schema(SchemaArgs {}) => writeln!(out, "{:#}", reference.schema())?,
    }
    Ok(Exit::Ok)
}
