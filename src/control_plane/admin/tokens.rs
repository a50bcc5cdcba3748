//! Tokens: `zhm_NAME_SECRET`. The store has an Argon2id hash of the secret; whoever reads the store
//! cannot use one.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Caller, Reply},
    problem::{Problem, Word},
    role::{Role, Scope},
    route::{Operation, PAGE},
    schema::{Kind, Shape, may, must},
    secret::{digest_hex, random_hex},
};
use crate::{
    base::Timestamp,
    control_plane::{PutError, Record},
    domain::record::{Change, Fact},
    store::{Store, StoreError, Token},
};

const PREFIX: &str = "zhm_";
/// How long a token that was verified need not be verified again.
const VERIFIED_MILLIS: i64 = 300_000;
/// Tokens remembered as verified, at most.
const VERIFIED_MAX: usize = 256;
/// Failed attempts are counted over this time …
const WINDOW_MILLIS: i64 = 60_000;
/// … for one token …
const FAILURES_OF_ONE_MAX: u32 = 10;
/// … and for all.
const FAILURES_MAX: u32 = 60;

/// Names that stand on the record for others than tokens.
const RESERVED: [&str; 4] = ["command-line", "edge", "import", "policy"];

/// Why no token was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// The name cannot be used; says why.
    Name(String),
    /// It could not be made or kept.
    Put(PutError),
}

/// Knows which tokens hold. Bounded.
#[derive(Default)]
pub(super) struct Gatekeeper {
    /// By the SHA-256 of the whole token: its hash in the store, and until when this is believed.
    verified: Mutex<HashMap<String, (String, Timestamp)>>,
    failures: Mutex<Failures>,
}

/// Failed attempts since the window began. Only names that there are have a count of their own.
#[derive(Default)]
struct Failures {
    since: Timestamp,
    all: u32,
    by_name: HashMap<String, u32>,
}

/// Makes a token, puts that on the record, and returns it: the only time that its secret is seen.
pub fn create_token(
    record: &Record,
    by: &str,
    name: &str,
    role: Role,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<String, TokenError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if name.is_empty() || name.len() > 40 || !name.chars().all(good) {
        return Err(TokenError::Name(format!(
            "{name:?} cannot be a token's name: it has 1 to 40 lower-case letters, digits, - and ."
        )));
    }
    if RESERVED.contains(&name) {
        return Err(TokenError::Name(format!("{name:?} stands on the record for Zhamen itself; take another name")));
    }
    let broken = |what: String| TokenError::Put(PutError::Refused(what));
    let secret = random_hex().map_err(|problem| broken(problem.detail))?;
    let hash = Argon2::default().hash_password(secret.as_bytes()).map_err(|error| broken(error.to_string()))?;
    let token = Token {
        name: name.to_owned(),
        role: role.as_str().into(),
        hash: hash.to_string(),
        created: now,
        expires,
        revoked: None,
    };
    if !record.store().add_token(&token).map_err(|error| TokenError::Put(PutError::Store(error)))? {
        return Err(TokenError::Name(format!("there is, or was, a token {name:?}; take another name")));
    }
    let until = expires.map_or_else(String::new, |expires| format!(", until {expires}"));
    let detail = format!("created, role {}{until}", role.as_str());
    let fact = Fact::Change(Change { what: "token".into(), subject: name.to_owned(), at: now, detail });
    record.put(by, &[fact]).map_err(TokenError::Put)?;
    Ok(format!("{PREFIX}{name}_{secret}"))
}

/// From now on the token opens nothing. `false` if there is none that is not revoked.
pub fn revoke_token(record: &Record, by: &str, name: &str, now: Timestamp) -> Result<bool, PutError> {
    if !record.store().revoke_token(name, now).map_err(PutError::Store)? {
        return Ok(false);
    }
    let fact = Change { what: "token".into(), subject: name.to_owned(), at: now, detail: "revoked".into() };
    record.put(by, &[Fact::Change(fact)])?;
    Ok(true)
}

impl Gatekeeper {
    /// Who asks with this Authorization field.
    pub(super) fn check(
        &self,
        store: &dyn Store,
        authorization: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        let Some(field) = authorization else {
            return Err(unauthorized(
                "this needs a token: make one with `zhamen admin token create NAME --role operator`, \
                 and send it as `Authorization: Bearer zhm_…`",
            ));
        };
        let text = field.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let parts = text.and_then(|(_, text)| text.trim().strip_prefix(PREFIX)).and_then(|rest| rest.split_once('_'));
        let Some((name, secret)) = parts else {
            return Err(unauthorized("the Authorization field must be `Bearer zhm_NAME_SECRET`"));
        };
        let token = store.token(name)?;
        let role = token.as_ref().and_then(|token| Role::named(&token.role));
        let (Some(token), Some(role)) = (token, role) else {
            self.is_too_often(None, now)?;
            self.failed(None, now);
            return Err(unauthorized("there is no such token"));
        };
        let key = digest_hex(&[name, secret]);
        if !self.is_verified(&key, &token.hash, now) {
            self.is_too_often(Some(name), now)?;
            let hash = PasswordHash::new(&token.hash)
                .map_err(|error| Problem::new(Word::Internal, format!("the hash of token {name:?}: {error}")))?;
            if Argon2::default().verify_password(secret.as_bytes(), &hash).is_err() {
                self.failed(Some(name), now);
                return Err(unauthorized("there is no such token"));
            }
            self.believe(key, token.hash, now);
        }
        // Only who knows the secret is told that it did hold once.
        if token.revoked.is_some() {
            return Err(unauthorized("this token was revoked"));
        }
        if token.expires.is_some_and(|expires| expires <= now) {
            return Err(unauthorized("this token has expired"));
        }
        Ok(Caller { name: token.name, role: Some(role) })
    }

    fn is_verified(&self, key: &str, hash: &str, now: Timestamp) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(key).is_some_and(|(of, until)| of == hash && now < *until)
    }

    fn believe(&self, key: String, hash: String, now: Timestamp) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= VERIFIED_MAX {
            verified.retain(|_, (_, until)| now < *until);
        }
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert(key, (hash, now.plus_millis(VERIFIED_MILLIS)));
    }

    /// Refuses to look at a token while too many did not hold.
    fn is_too_often(&self, name: Option<&str>, now: Timestamp) -> Result<(), Problem> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.0.saturating_sub(failures.since.0);
        // A clock that was set back begins a window, too.
        if !(0..WINDOW_MILLIS).contains(&age) {
            *failures = Failures { since: now, ..Failures::default() };
        }
        let of_one = name.and_then(|name| failures.by_name.get(name)).copied().unwrap_or(0);
        if failures.all >= FAILURES_MAX || of_one >= FAILURES_OF_ONE_MAX {
            return Err(Problem::new(Word::TooManyAttempts, "try again in a minute; tokens in use still work"));
        }
        Ok(())
    }

    fn failed(&self, name: Option<&str>, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.all += 1;
        if let Some(name) = name {
            *failures.by_name.entry(name.to_owned()).or_default() += 1;
        }
        tracing::warn!(token = name.unwrap_or("unknown"), at = %now, "a token did not hold");
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Word::Unauthorized, detail)
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) => f.write_str(why),
            Self::Put(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TokenError {}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Put(PutError::Store(error))
    }
}

// ---------------------------------------------------------------------------------------------
// The routes.

const ROLES: Kind = Kind::Word(&["inspector", "metrics", "operator", "reviewer", "rules"]);

const TOKEN: Shape = Shape {
    name: "Token",
    members: &[
        must("name", Kind::Text(1, 40), "its name; stands as `by` on the record"),
        must("role", ROLES, "what it may do"),
        must("created", Kind::Time, "when it was made"),
        may("expires", Kind::Time, "from when on it opens nothing"),
        may("revoked", Kind::Time, "since when it opens nothing"),
        may("token", Kind::Text(1, 200), "the token itself: shown once, where it is made"),
    ],
};

const NEW: Shape = Shape {
    name: "NewToken",
    members: &[
        must("name", Kind::Text(1, 40), "1 to 40 lower-case letters, digits, - and ."),
        must("role", Kind::Word(&["inspector", "metrics", "reviewer", "rules"]), "what it may do"),
        may("expires", Kind::Time, "from when on it opens nothing"),
    ],
};

pub(super) const LIST: Operation = Operation::list("Tokens, by name, without their secrets", &TOKEN, &PAGE, list);
pub(super) const CREATE: Operation =
    Operation::create("Make a token; operators' are made with `zhamen admin token create`", &NEW, &TOKEN, create)
        .secret("token");
pub(super) const REVOKE: Operation = Operation::delete("Revoke a token", revoke);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let tokens = api.record.store().tokens()?.into_iter();
    let after = call.asked("after").unwrap_or_default().to_owned();
    let behind = tokens.filter(|token| token.name > after).take(call.limit() + 1);
    Ok(Reply::first_of(behind.map(|token| (token.name.clone(), shown(&token))).collect(), call.limit()))
}

fn create(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let Some(role) = Role::named(call.text("role")) else { return Err(Problem::member("/role", "is no role")) };
    let expires = call.text("expires").parse().ok();
    let made = create_token(&api.record, &call.caller.name, call.text("name"), role, expires, call.now);
    let token = made.map_err(|error| match error {
        TokenError::Name(why) => Problem::new(Word::Conflict, why),
        TokenError::Put(error) => error.into(),
    })?;
    let kept = api.record.store().token(call.text("name"))?;
    let mut value = kept.as_ref().map_or(Value::Null, shown);
    value["token"] = token.into();
    Ok(Reply::created(value, ""))
}

fn revoke(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let name = call.place("token");
    if !revoke_token(&api.record, &call.caller.name, name, call.now)? {
        return Err(Problem::not_found("token in force", name));
    }
    Ok(Reply::nothing())
}

fn shown(token: &Token) -> Value {
    json!({
        "name": token.name, "role": token.role, "created": token.created,
        "expires": token.expires, "revoked": token.revoked,
    })
}

/// What it takes to use a route.
pub(super) fn forbidden(caller: &Caller, scope: Scope) -> Problem {
    let role = caller.role.map_or("none", Role::as_str);
    Problem::new(
        Word::Forbidden,
        format!("the role of token {:?} is {role}; this takes {}", caller.name, scope.roles()),
    )
}
