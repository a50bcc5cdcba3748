//! Locks on pages, directories and sites.

use std::{ops::Bound, str::FromStr};

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply, standing_by},
    catalogue::{Numbered, lock_id},
    customers::after,
    problem::{Problem, Word},
    route::{Operation, PAGE},
    schema::{Kind, REASON, Shape, TEXT, may, must},
    spelling::HOST,
};
use crate::{
    base::HostName,
    domain::record::{Fact, LockFact, LockScope, Unlock},
};

const SCOPES: Kind = Kind::Word(&["page", "directory", "site"]);

const LOCK: Shape = Shape {
    name: "Lock",
    members: &[
        must("id", Kind::Text(1, 100), "its id: the same for the same host, scope and path"),
        must("host", Kind::Text(1, 1_000), "the normalised host"),
        must("path", Kind::Text(0, 100_000), "path and query of a page, path of a directory, empty for a site"),
        must("scope", SCOPES, "on what"),
        must("at", Kind::Time, "since when"),
        may("rules", Kind::List(&Kind::Text(0, 1_000), 10_000), "the rules that did it"),
        may("why", TEXT, "why, where a person did it"),
        must("seq", Kind::Integer(0, i64::MAX), "the entry that locked it; also the ETag"),
    ],
};
const LOCK_BODY: Shape = Shape {
    name: "LockNew",
    members: &[
        must("host", Kind::Spelt(&HOST), "the host"),
        must("scope", SCOPES, "on what"),
        may("path", Kind::Text(0, 2_048), "begins with /; of a directory, it ends with / too; not for a site"),
        must("why", REASON, "why"),
    ],
};

pub(super) const LIST: Operation = Operation::list(
    "Locks that are on, by id",
    &LOCK,
    &[PAGE[0], PAGE[1], may("host", Kind::Spelt(&HOST), "only those on this host"), may("scope", SCOPES, "only these")],
    list,
);
pub(super) const SHOW: Operation = Operation::show("A lock", &LOCK, show).tagged();
pub(super) const CREATE: Operation =
    Operation::create("Lock a page, directory or site: in force when this answers", &LOCK_BODY, &LOCK, create);
pub(super) const DELETE: Operation =
    Operation::delete("Take a lock off; a page is then read again, and stays locked if it is not clean", delete)
        .query(&[
            must("why", REASON, "why"),
            may("asked_by", Kind::Word(&["operator", "owner"]), "an owner's page waits the longer the more was found"),
        ])
        .tagged();

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let host = call.asked("host").and_then(|host| HostName::parse(host).ok());
    let scope = call.asked("scope");
    let catalogue = api.catalogue.now(api.record.store())?;
    let behind = catalogue.locks.range::<str, _>((after(call), Bound::Unbounded));
    let meant = behind.filter(|(_, (_, lock))| {
        host.as_ref().is_none_or(|host| lock.host == host.as_str())
            && scope.is_none_or(|scope| json!(lock.scope) == scope)
    });
    let items = meant.take(call.limit() + 1).map(|(id, lock)| (id.clone(), one(id, lock)));
    Ok(Reply::first_of(items.collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    of(api, call.place("lock"))
}

fn create(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let host = HostName::parse(call.text("host")).map_err(|error| Problem::member("/host", error.to_string()))?;
    let scope = match call.text("scope") {
        "page" => LockScope::Page,
        "directory" => LockScope::Directory,
        _ => LockScope::Site,
    };
    let path = lockable(scope, call.text("path"))?;
    let fact = LockFact {
        host: host.as_str().to_owned(),
        path: path.to_owned(),
        scope,
        at: call.now,
        rules: Vec::new(),
        why: call.text("why").to_owned(),
    };
    let id = lock_id(&fact.host, scope, path);
    if api.catalogue.now(api.record.store())?.locks.contains_key(&id) {
        return Err(Problem::new(Word::Conflict, format!("it is locked already: see /api/v1/locks/{id}")));
    }
    let location = Some(format!("/api/v1/locks/{id}"));
    api.enter(call, Fact::Lock(fact.clone()), |entry| {
        let value = one(&id, &(entry.seq, fact.clone()));
        Reply { status: 201, location: location.clone(), ..Reply::tagged(value, entry.seq) }
    })
}

fn delete(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let id = call.place("lock");
    let known = api.catalogue.now(api.record.store())?.locks.get(id).cloned();
    let (seq, lock) = known.ok_or_else(|| Problem::not_found("lock", id))?;
    call.precondition(Some(seq))?;
    let why = call.asked("why").unwrap_or_default().to_owned();
    let by_owner = call.asked("asked_by") == Some("owner");
    if by_owner && lock.scope != LockScope::Page {
        return Err(Problem::new(Word::Conflict, "an owner takes locks off pages; the operator unlocks the rest"));
    }
    let at = match by_owner {
        true => api.record.with_ledger(|ledger| ledger.owner_unlock_at(&lock.host, call.now)),
        false => call.now,
    };
    api.put(call, Fact::Unlock(Unlock { host: lock.host, path: lock.path, scope: lock.scope, at, why }))?;
    Ok(Reply::nothing())
}

/// A path that can be locked with this scope.
fn lockable(scope: LockScope, path: &str) -> Result<&str, Problem> {
    let is_path = axum::http::uri::PathAndQuery::from_str(path).is_ok_and(|read| read.as_str() == path);
    let good = match scope {
        LockScope::Site => path.is_empty(),
        LockScope::Page => path.starts_with('/') && is_path,
        LockScope::Directory => path.starts_with('/') && path.ends_with('/') && is_path && !path.contains('?'),
    };
    let wanted = match scope {
        LockScope::Site => "must be left out: the whole site is locked",
        LockScope::Page => "must be the page's path and query as the browser asks for it, beginning with /",
        LockScope::Directory => "must be the directory's path, beginning and ending with /",
    };
    if good { Ok(path) } else { Err(Problem::new(Word::Conflict, format!("/path {wanted}"))) }
}

fn of(api: &Api, id: &str) -> Result<Reply, Problem> {
    let catalogue = api.catalogue.now(api.record.store())?;
    let lock = catalogue.locks.get(id).ok_or_else(|| Problem::not_found("lock", id))?;
    Ok(Reply::tagged(one(id, lock), lock.0))
}

fn one(id: &str, (seq, lock): &Numbered<LockFact>) -> Value {
    let mut value = standing_by(lock, *seq);
    value["id"] = id.into();
    value
}
