//! `zhamen acme`: certificates that are asked for, what they are, and asking now.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{Exit, place::Place, problems, registry::existing_store, table::Table};
use crate::{
    app,
    base::{Clock, HostName, Problem},
    config::Config,
    control_plane::{
        SystemClock,
        acme::{AcmeFiles, Known, Wanted, WantedState, wanted},
        registry::in_force,
    },
    domain::registry::Registry,
    store::Store,
};

/// Certificates by ACME.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Show(ShowArgs),
    Renew(RenewArgs),
}

/// List the sites that ask for certificates: what they have, when it is renewed, what failed and why.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  every site has a certificate, or will have one in a moment\n  1  some fail, or \
                        are not filed\n  2  an error"
)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Have the running Zhamen order a site's certificate now, whatever it has and whatever failed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  it is asked\n  1  the host has no row that asks for certificates, or no authority \
                        is named\n  2  an error"
)]
pub(super) struct RenewArgs {
    /// The host of the row.
    host: String,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> io::Result<Exit> {
    let result = match command {
        Command::Show(args) => {
            read(&args.place).and_then(|(config, registry)| Ok((look(&config, &registry)?, args.json)))
        }
        Command::Renew(args) => return renew(args, out),
    };
    match result {
        Ok((sites, true)) => {
            let sites_json: Vec<Value> = sites.iter().map(to_json).collect();
            writeln!(out, "{}", json!({"sites": sites_json}))?;
            Ok(exit(&sites))
        }
        Ok((sites, false)) => {
            let mut table = Table::new(["host", "names", "state", "detail"]);
            for site in &sites {
                table.row([site.host.clone(), names(site), site.state.as_str().to_owned(), detail(site)]);
            }
            table.write(out)?;
            Ok(exit(&sites))
        }
        Err(found) => problems::give_up(&found),
    }
}

/// What a registry asks for, with what is in the directory of certificates and what failed before.
pub(super) fn look(config: &Config, registry: &Arc<Registry>) -> Result<Vec<Wanted>, Vec<Problem>> {
    let failed = AcmeFiles::new(&config.acme.directory).failed().map_err(|error| {
        vec![Problem::error(&config.acme.directory.display().to_string(), 0, 0, format!("cannot be read: {error}"))]
    })?;
    let failed: HashMap<_, _> = failed.into_iter().collect();
    // Ten thousand certificates are not read for nobody.
    let asks = registry.asking_for_certificates().next().is_some();
    let covering = app::covering(config.edge.certificates.as_deref().filter(|_| asks));
    Ok(wanted(&Known {
        registry,
        standing: None,
        covering: &covering,
        failed: &failed,
        renew_before: config.acme.renew_before,
        now: SystemClock.now(),
    }))
}

/// The names of a site's certificate.
pub(super) fn names(site: &Wanted) -> String {
    site.names.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ")
}

pub(super) fn to_json(site: &Wanted) -> Value {
    let names: Vec<&str> = site.names.iter().map(HostName::as_str).collect();
    let (renewal, failed) = match &site.state {
        WantedState::Held(due) => (Some(due), None),
        WantedState::Failing(failed) => (None, Some(failed)),
        WantedState::Barred(_) | WantedState::Due => (None, None),
    };
    json!({
        "host": site.host,
        "names": names,
        "state": site.state.as_str(),
        "until": site.validity.map(|validity| validity.not_after),
        "renewal": renewal,
        "failed": failed,
        "detail": detail(site),
    })
}

fn detail(site: &Wanted) -> String {
    let until = site.validity.map(|validity| format!("until {}", validity.not_after.local_date()));
    match &site.state {
        WantedState::Barred(why) => why.clone(),
        WantedState::Due => until.unwrap_or_else(|| "no certificate yet".to_owned()),
        WantedState::Failing(failed) => format!("{} times, again at {}: {}", failed.failures, failed.next, failed.why),
        WantedState::Held(due) => format!("{}, renewed {}", until.unwrap_or_default(), due.local_date()),
    }
}

fn exit(sites: &[Wanted]) -> Exit {
    let is_well = |site: &Wanted| matches!(site.state, WantedState::Due | WantedState::Held(_));
    if sites.iter().all(is_well) { Exit::Ok } else { Exit::No }
}

fn renew(args: &RenewArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let (config, registry) = match read(&args.place) {
        Ok(read) => read,
        Err(found) => return problems::give_up(&found),
    };
    let path = config.path.display().to_string();
    if config.acme.server.is_none() {
        let problem = Problem::error(&path, 0, 0, "no authority is named to have certificates from");
        problems::give_up(&[problem.help("set acme.server")])?;
        return Ok(Exit::No);
    }
    let host = HostName::parse(&args.host).ok().and_then(|host| registry.site(host.as_str()));
    let Some(site) = host.filter(|site| !site.acme().is_empty()) else {
        let problem = Problem::error(&path, 0, 0, format!("{} has no row that asks for certificates", args.host));
        problems::give_up(&[problem.help("put on into the column acme of its row")])?;
        return Ok(Exit::No);
    };
    match AcmeFiles::new(&config.acme.directory).ask(site.host()) {
        Ok(()) => {
            writeln!(out, "{}: asked; zhamen acme show says what comes of it", site.host())?;
            Ok(Exit::Ok)
        }
        Err(error) => {
            let directory = config.acme.directory.display().to_string();
            problems::give_up(&[Problem::error(&directory, 0, 0, format!("cannot be written: {error}"))])
        }
    }
}

fn read(place: &Place) -> Result<(Config, Arc<Registry>), Vec<Problem>> {
    let config = place.config()?;
    let store = existing_store(&config)?;
    let store = store.as_ref().map(|store| &**store as &dyn Store);
    let begun = in_force(store, &config.registry, SystemClock.now().local_date());
    if begun.registry.is_available() { Ok((config, Arc::new(begun.registry))) } else { Err(begun.problems) }
}
