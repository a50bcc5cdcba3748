//! `zhamen admin call`: whatever the admin API can do, asked for by words; `zhamen admin routes`: what that is.

use std::{
    env, fs,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    base::Problem,
    cli::{
        Exit,
        place::Place,
        problems::give_up,
        table::{Table, printable},
    },
    control_plane::{AdminClient, AdminRequest, AdminRoute},
};

/// Where the token is looked for.
const TOKEN_VARIABLE: &str = "ZHAMEN_TOKEN";

/// Ask the running Zhamen over its admin API: whatever a program can do there, by hand.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zhamen admin call PUT /units/u1 name=某公司 parent=r1
  zhamen admin call PUT /services/s1 unit=u1 kind=server server_ips=10.0.0.5 server_ips=10.0.0.6
  zhamen admin call DELETE /sites/www.example.cn --if-match '\"17\"'
  zhamen admin call GET /findings unit=u1 limit=20

The token is that of `zhamen admin token create`, in the environment as ZHAMEN_TOKEN or in a file.

Exit status:
  0  done
  1  refused: the answer says why
  2  an error: wrong usage, or no answer")]
pub(in crate::cli) struct Args {
    /// GET, POST, PUT or DELETE.
    method: String,
    /// The path; /api/v1 may be left out.
    path: String,
    /// Parameters and members of the body; a list takes a name several times.
    #[arg(value_name = "NAME=VALUE", value_parser = word)]
    words: Vec<(String, String)>,
    /// Change what exists only if this is its ETag.
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    /// Read the token from this file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Ask there instead of where admin.listen says.
    #[arg(long, value_name = "IP:PORT")]
    address: Option<SocketAddr>,
    /// Write the answer to a file: letters, evidence, exports.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Wait so long for the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(flatten)]
    place: Place,
}

/// List what can be asked for over the admin API, with parameters and members.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  listed\n  1  there is none with that text\n  2  an error")]
pub(in crate::cli) struct RoutesArgs {
    /// Only those that have this in path or description.
    #[arg(default_value = "")]
    text: String,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let wrong = |place: &str, why: &dyn std::fmt::Display| Problem::error(place, 0, 0, why.to_string());
    let config = match args.place.config() {
        Ok(config) => config,
        Err(problems) => return give_up(&problems),
    };
    let place = config.path.display().to_string();
    let Some(mut admin) = config.admin else {
        return give_up(&[wrong(&place, &"there is no admin listener to ask").help("set admin.listen")]);
    };
    admin.listen = args.address.unwrap_or(admin.listen);
    let asked = match AdminRequest::new(&args.method, &args.path, &args.words) {
        Ok(asked) => asked,
        Err(why) => {
            return give_up(&[
                wrong("zhamen", &why).help("`zhamen admin routes` lists everything that can be asked for")
            ]);
        }
    };
    let sent = AdminClient::new(&admin).map_err(|error| wrong(&place, &error)).and_then(|client| {
        let request = args.request(&asked).map_err(|why| wrong("zhamen", &why))?;
        let no_answer = |error| {
            let why = format!("no answer from {}: {error}", client.address());
            wrong("zhamen", &why).help("is `zhamen run` running with this configuration?")
        };
        client.ask(&asked.target, request, Duration::from_secs(args.timeout)).map_err(no_answer)
    });
    let answer = match sent {
        Ok(answer) => answer,
        Err(problem) => return give_up(&[problem]),
    };
    if !answer.status().is_success() {
        return refused(answer.status().as_u16(), answer.body());
    }
    if let Some(tag) = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) {
        writeln!(io::stderr(), "ETag: {tag}")?;
    }
    match &args.out {
        Some(path) => {
            if let Err(error) = fs::write(path, answer.body()) {
                return give_up(&[wrong(&path.display().to_string(), &error)]);
            }
        }
        None => match serde_json::from_slice::<Value>(answer.body()) {
            Ok(value) => writeln!(out, "{value:#}")?,
            Err(_) => out.write_all(answer.body())?,
        },
    }
    Ok(Exit::Ok)
}

pub(super) fn routes(args: &RoutesArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let routes = AdminRoute::with(&args.text);
    if routes.is_empty() {
        writeln!(io::stderr(), "zhamen: nothing of the admin API has {:?} in it", args.text)?;
        return Ok(Exit::No);
    }
    let mut table = Table::new(["method", "path", "what it does; * must be given"]);
    for AdminRoute { method, path, summary, members } in routes {
        if args.json {
            let members: Vec<Value> = members
                .iter()
                .map(|(name, required, about)| json!({"name": name, "required": required, "about": about}))
                .collect();
            writeln!(out, "{}", json!({"method": method, "path": path, "summary": summary, "members": members}))?;
            continue;
        }
        table.row([method.to_owned(), path.to_owned(), summary.to_owned()]);
        for (name, required, about) in members {
            let mark = if required { "*" } else { " " };
            table.row([String::new(), format!("  {name}={mark}"), format!("  {about}")]);
        }
    }
    if !args.json {
        table.write(out)?;
    }
    Ok(Exit::Ok)
}

impl Args {
    fn request(&self, asked: &AdminRequest) -> Result<Request<Full<Bytes>>, String> {
        let body = Full::new(Bytes::from(asked.body.clone().unwrap_or_default()));
        let mut request = Request::new(body);
        *request.method_mut() = asked.method.parse().map_err(|_| format!("{} is no method", asked.method))?;
        let field = |text: &str| HeaderValue::from_str(text).map_err(|_| format!("{text:?} fits into no field"));
        if asked.body.is_some() {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(tag) = &self.if_match {
            request.headers_mut().insert(header::IF_MATCH, field(tag)?);
        }
        let token = match &self.token_file {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Some(text.trim().to_owned())
            }
            None => env::var(TOKEN_VARIABLE).ok(),
        };
        if let Some(token) = token {
            request.headers_mut().insert(header::AUTHORIZATION, field(&format!("Bearer {token}"))?);
        }
        Ok(request)
    }
}

/// Says what the problem document says (RFC 9457).
fn refused(status: u16, body: &[u8]) -> io::Result<Exit> {
    let mut err = io::stderr();
    let Ok(problem) = serde_json::from_slice::<Value>(body) else {
        writeln!(err, "zhamen: {status} {}", printable(String::from_utf8_lossy(body).trim()))?;
        return Ok(Exit::No);
    };
    let text = |value: &Value, name: &str| printable(value[name].as_str().unwrap_or_default()).to_string();
    writeln!(err, "zhamen: {status} {}: {}", text(&problem, "title"), text(&problem, "detail"))?;
    for fault in problem["errors"].as_array().into_iter().flatten().skip(1) {
        writeln!(err, "  {}: {}", text(fault, "pointer"), text(fault, "detail"))?;
    }
    Ok(Exit::No)
}

fn word(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("write NAME=VALUE".to_owned()),
    }
}
