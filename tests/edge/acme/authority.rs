//! An authority of certificates (RFC 8555) on loopback: it checks what it is sent, fetches the proofs through
//! the proxy as any authority would, and signs.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SerialNumber, SignatureAlgorithm,
};
use rustls::RootCertStore;
use serde_json::{Value, json};
use x509_parser::{certification_request::X509CertificationRequest, extensions::GeneralName, prelude::FromDer};

use crate::{
    harness::{Exchange, Origin, eventually, get},
    trust::{certificate, in_front_of},
};

/// A running authority.
pub struct Authority {
    /// Vouches for its server.
    files: tempfile::TempDir,
    front: SocketAddr,
    _server: Origin,
    office: Arc<Office>,
}

/// What it knows.
struct Office {
    issuer: CertifiedIssuer<'static, KeyPair>,
    base: OnceLock<String>,
    /// Where port 80 of all names is.
    edge: Mutex<Option<SocketAddr>>,
    desk: Mutex<Desk>,
}

struct Desk {
    nonces: HashSet<String>,
    counter: u64,
    /// Public keys by account.
    accounts: HashMap<String, Value>,
    orders: Vec<Order>,
    /// Orders that are turned away first, with 429.
    enough: usize,
    /// What is issued is good for so long.
    life: Duration,
    /// Names that lead nowhere.
    lost: HashSet<String>,
}

#[derive(Default)]
struct Order {
    names: Vec<String>,
    /// By name: not looked at yet, good, or bad.
    proved: HashMap<String, bool>,
    chain: Option<String>,
}

/// What a signed request says.
struct Said {
    account: Option<String>,
    key: Value,
    payload: Value,
}

/// The public key of a request for a certificate.
struct PublicKey(Vec<u8>);

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Authority {
    pub fn start() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let desk = Desk {
            nonces: HashSet::new(),
            counter: 0,
            accounts: HashMap::new(),
            orders: Vec::new(),
            enough: 0,
            life: Duration::from_secs(90 * 86_400),
            lost: HashSet::new(),
        };
        let office = Arc::new(Office { issuer, base: OnceLock::new(), edge: Mutex::default(), desk: Mutex::new(desk) });
        let at_work = Arc::clone(&office);
        let origin = Origin::start(move |exchange| at_work.serve(exchange));
        let files = tempfile::tempdir().unwrap();
        let front = in_front_of(origin.address(), &certificate(files.path(), "server"));
        office.base.set(format!("https://{front}")).unwrap();
        Self { files, front, _server: origin, office }
    }

    /// What `acme.server` is set to.
    pub fn server(&self) -> String {
        format!("\"https://{}/directory\"", self.front)
    }

    /// What `acme.ca` is set to.
    pub fn ca(&self) -> String {
        let path: PathBuf = self.files.path().join("server.crt");
        format!("{:?}", path.display().to_string())
    }

    /// What vouches for the certificates that it gives.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.office.issuer.der().clone()).unwrap();
        roots
    }

    /// All names lead to this edge.
    pub fn looks_at(&self, edge: SocketAddr) {
        *self.office.edge.lock().unwrap() = Some(edge);
    }

    pub fn forgets_accounts(&self) {
        self.desk(|desk| desk.accounts.clear());
    }

    pub fn has_enough_of(&self, orders: usize) {
        self.desk(|desk| desk.enough = orders);
    }

    pub fn gives_for(&self, life: Duration) {
        self.desk(|desk| desk.life = life);
    }

    pub fn loses(&self, name: &str, is_lost: bool) {
        self.desk(|desk| {
            if is_lost {
                desk.lost.insert(name.to_owned())
            } else {
                desk.lost.remove(name)
            };
        });
    }

    /// The names of all orders so far.
    pub fn orders(&self) -> Vec<Vec<String>> {
        self.desk(|desk| desk.orders.iter().map(|order| order.names.clone()).collect())
    }

    pub fn accounts(&self) -> usize {
        self.desk(|desk| desk.accounts.len())
    }

    fn desk<T>(&self, with: impl FnOnce(&mut Desk) -> T) -> T {
        with(&mut self.office.desk.lock().unwrap())
    }
}

impl Office {
    fn serve(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let (method, target) = (exchange.method().to_owned(), exchange.target().to_owned());
        let answer = match (method.as_str(), target.as_str()) {
            ("GET", "/directory") => Ok(self.directory()),
            ("HEAD", "/nonce") => Ok(("200 OK", vec![], Value::Null)),
            ("POST", _) => {
                let content_type = exchange.head.field("Content-Type").map(str::to_owned);
                assert_eq!(content_type.as_deref(), Some("application/jose+json"), "section 6.2");
                let body = exchange.body()?;
                self.post(&target, &body)
            }
            _ => panic!("{method} {target}"),
        };
        let (status, mut fields, body) = answer.unwrap_or_else(|(status, kind, detail)| {
            let problem = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
            let wait = if status.starts_with("429") { vec![("Retry-After", "2".to_owned())] } else { vec![] };
            (status, wait, problem)
        });
        fields.push(("Replay-Nonce", self.nonce()));
        let (media_type, bytes) = match body {
            Value::Null => ("text/plain", Vec::new()),
            Value::String(pem) => ("application/pem-certificate-chain", pem.into_bytes()),
            json => ("application/json", json.to_string().into_bytes()),
        };
        fields.push(("Content-Type", media_type.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        exchange.respond(status, &fields, &bytes)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.get().unwrap())
    }

    fn directory(&self) -> Answer {
        let body = json!({
            "newNonce": self.url("/nonce"), "newAccount": self.url("/account"), "newOrder": self.url("/order"),
            "revokeCert": self.url("/revoke"), "keyChange": self.url("/key"),
        });
        ("200 OK", vec![], body)
    }

    fn nonce(&self) -> String {
        let mut desk = self.desk.lock().unwrap();
        desk.counter += 1;
        let nonce = format!("nonce{}", desk.counter);
        desk.nonces.insert(nonce.clone());
        nonce
    }

    fn post(&self, target: &str, body: &[u8]) -> Result<Answer, Refused> {
        let said = self.verify(target, body)?;
        let (place, number) = match target.rsplit_once('/') {
            Some((place, number)) if !place.is_empty() => (place, number.parse::<usize>().unwrap()),
            _ => (target, 0),
        };
        if place == "/account" {
            return Ok(self.account(&said));
        }
        assert!(said.account.is_some(), "section 6.2: a key is for new accounts only");
        match place {
            "/order" if number == 0 => self.new_order(&said.payload),
            "/order" => Ok(("200 OK", vec![], self.show(number))),
            "/authorization" => Ok(("200 OK", vec![], self.authorization(number))),
            "/challenge" => Ok(("200 OK", vec![], self.challenge(number, &said))),
            "/finalize" => Ok(self.finalize(number, &said.payload)),
            "/certificate" => {
                let chain = self.desk.lock().unwrap().orders[number - 1].chain.clone();
                Ok(("200 OK", vec![], Value::String(chain.unwrap())))
            }
            _ => panic!("{target}"),
        }
    }

    /// Section 6: a flattened JWS, with a nonce that was not used, for this URL, signed by the account.
    fn verify(&self, target: &str, body: &[u8]) -> Result<Said, Refused> {
        let jws: Value = serde_json::from_slice(body).unwrap();
        let text = |name: &str| jws[name].as_str().unwrap();
        let decode = |text: &str| BASE64.decode(text).unwrap();
        let protected: Value = serde_json::from_slice(&decode(text("protected"))).unwrap();
        assert_eq!((&protected["alg"], &protected["url"]), (&json!("ES256"), &json!(self.url(target))));
        let mut desk = self.desk.lock().unwrap();
        if !desk.nonces.remove(protected["nonce"].as_str().unwrap()) {
            return Err(("400 Bad Request", "badNonce", "it was used".into()));
        }
        let account = protected["kid"].as_str().map(str::to_owned);
        let key = match &account {
            None => protected["jwk"].clone(),
            Some(account) => match desk.accounts.get(account) {
                Some(key) => key.clone(),
                None => return Err(("400 Bad Request", "accountDoesNotExist", "who is that?".into())),
            },
        };
        let mut point = vec![4];
        point.extend(["x", "y"].iter().flat_map(|part| decode(key[part].as_str().unwrap())));
        let signed = format!("{}.{}", text("protected"), text("payload"));
        let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &decode(text("signature")));
        verified.expect("signed by the account");
        let payload = decode(text("payload"));
        let payload = if payload.is_empty() { Value::Null } else { serde_json::from_slice(&payload).unwrap() };
        Ok(Said { account, key, payload })
    }

    fn account(&self, said: &Said) -> Answer {
        assert_eq!(said.payload["termsOfServiceAgreed"], true);
        let mut desk = self.desk.lock().unwrap();
        let url = self.url(&format!("/account/{}", desk.accounts.len() + 1));
        desk.accounts.insert(url.clone(), said.key.clone());
        ("201 Created", vec![("Location", url)], json!({"status": "valid", "contact": said.payload["contact"]}))
    }

    fn new_order(&self, payload: &Value) -> Result<Answer, Refused> {
        let number = {
            let mut desk = self.desk.lock().unwrap();
            if desk.enough > 0 {
                desk.enough -= 1;
                return Err(("429 Too Many Requests", "rateLimited", "too many orders".into()));
            }
            let identifiers = payload["identifiers"].as_array().unwrap();
            let names = identifiers.iter().map(|it| it["value"].as_str().unwrap().to_owned()).collect();
            desk.orders.push(Order { names, ..Order::default() });
            desk.orders.len()
        };
        Ok(("201 Created", vec![("Location", self.url(&format!("/order/{number}")))], self.show(number)))
    }

    fn show(&self, number: usize) -> Value {
        let desk = self.desk.lock().unwrap();
        let order = &desk.orders[number - 1];
        let proved = |name: &String| order.proved.get(name).copied();
        let status = match &order.chain {
            Some(_) => "valid",
            None if order.names.iter().any(|name| proved(name) == Some(false)) => "invalid",
            None if order.names.iter().all(|name| proved(name) == Some(true)) => "ready",
            None => "pending",
        };
        let authorizations =
            (0..order.names.len()).map(|at| self.url(&format!("/authorization/{}", number * 100 + at)));
        json!({
            "status": status,
            "identifiers": order.names.iter().map(|name| json!({"type": "dns", "value": name})).collect::<Vec<_>>(),
            "authorizations": authorizations.collect::<Vec<_>>(),
            "finalize": self.url(&format!("/finalize/{number}")),
            "certificate": order.chain.as_ref().map(|_| self.url(&format!("/certificate/{number}"))),
        })
    }

    /// The hundreds are the order, the rest is the name.
    fn authorization(&self, number: usize) -> Value {
        let desk = self.desk.lock().unwrap();
        let order = &desk.orders[number / 100 - 1];
        let name = &order.names[number % 100];
        let status = match order.proved.get(name) {
            None => "pending",
            Some(true) => "valid",
            Some(false) => "invalid",
        };
        let mut challenge = json!({
            "type": "http-01", "status": status, "token": format!("token-{number}"),
            "url": self.url(&format!("/challenge/{number}")),
        });
        if status == "invalid" {
            let kind = if desk.lost.contains(name) { "dns" } else { "unauthorized" };
            challenge["error"] =
                json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "looked in vain"});
        }
        json!({"identifier": {"type": "dns", "value": name}, "status": status, "challenges": [challenge]})
    }

    /// Section 8.3: asks the name itself.
    fn challenge(&self, number: usize, said: &Said) -> Value {
        let (name, is_lost) = {
            let desk = self.desk.lock().unwrap();
            let name = desk.orders[number / 100 - 1].names[number % 100].clone();
            let is_lost = desk.lost.contains(&name);
            (name, is_lost)
        };
        // RFC 7638: the members in the order of the alphabet.
        let (x, y) = (said.key["x"].as_str().unwrap(), said.key["y"].as_str().unwrap());
        let thumb = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
        let expected = format!("token-{number}.{}", BASE64.encode(digest(&SHA256, thumb.as_bytes())));
        let is_proved = !is_lost && {
            let path = format!("/.well-known/acme-challenge/token-{number}");
            let edge = || *self.edge.lock().unwrap();
            eventually("where the edge is", || edge().is_some());
            let answer = get(edge().unwrap(), &name, &path);
            answer.status() == 200 && answer.text() == expected
        };
        self.desk.lock().unwrap().orders[number / 100 - 1].proved.insert(name, is_proved);
        let authorization = self.authorization(number);
        let mut challenge = authorization["challenges"][0].clone();
        // An authority says at first that it will look.
        challenge["status"] = "processing".into();
        challenge.as_object_mut().unwrap().remove("error");
        challenge
    }

    fn finalize(&self, number: usize, payload: &Value) -> Answer {
        let csr = BASE64.decode(payload["csr"].as_str().unwrap()).unwrap();
        let (_, request) = X509CertificationRequest::from_der(&csr).unwrap();
        let key = PublicKey(request.certification_request_info.subject_pki.subject_public_key.data.to_vec());
        let asked: HashSet<String> = request
            .requested_extensions()
            .unwrap()
            .filter_map(|extension| match extension {
                x509_parser::extensions::ParsedExtension::SubjectAlternativeName(names) => Some(names),
                _ => None,
            })
            .flat_map(|names| &names.general_names)
            .map(|name| match name {
                GeneralName::DNSName(name) => (*name).to_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        {
            let mut desk = self.desk.lock().unwrap();
            let (life, serial) = (desk.life, desk.orders.len() as u64 * 1_000 + number as u64);
            let order = &mut desk.orders[number - 1];
            assert_eq!(asked, order.names.iter().cloned().collect(), "section 7.4: the order's names");
            let mut params = CertificateParams::new(order.names.clone()).unwrap();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let epoch = rcgen::date_time_ymd(1970, 1, 1);
            // An hour ago, as authorities do.
            params.not_before = epoch + (now - Duration::from_secs(3_600));
            params.not_after = epoch + (now + life);
            params.serial_number = Some(SerialNumber::from(serial));
            let certificate = params.signed_by(&key, &self.issuer).unwrap();
            order.chain = Some(format!("{}{}", certificate.pem(), self.issuer.pem()));
        }
        ("200 OK", vec![], self.show(number))
    }
}

/// Status, fields and body.
type Answer = (&'static str, Vec<(&'static str, String)>, Value);
/// Status, the problem's type and its detail.
type Refused = (&'static str, &'static str, String);
