//! Certificates that Zhamen has from an authority by itself (ACME, RFC 8555), and renews.
//!
//! # Switch it on
//!
//! ```toml
//! [tls]
//! certificates = "/var/lib/zhamen/certs"
//!
//! [acme]
//! server = "https://acme-v02.api.letsencrypt.org/directory"
//! terms_agreed = true                 # the operator has read the authority's terms
//! contact = ["ops@dc.example.cn"]
//! ```
//!
//! and, in the registry, the column `acme` (自动证书) of each site that is to have one:
//!
//! | text | asks for |
//! | --- | --- |
//! | empty | nothing: the operator puts certificates there, or there is no TLS |
//! | `on` | a certificate for the row's host |
//! | `a.cn;www.a.cn` | one certificate for these names: the host and hosts below it that have no row of their own |
//!
//! `zhamen check` says what would be asked for, and whose rows will get nothing; nobody is asked for it.
//! Try a new installation with the authority's test server first: each server has an account file of its own.
//! A private authority's server is trusted by the certificates in `acme.ca`.
//!
//! # What happens
//!
//! One process of an installation, the one that serves, keeps certificates. For each site that is filed and in
//! good standing, and whose names are not all covered by certificates in force, or not for long enough, it
//! orders one; the most urgent first, `acme.orders` at a time. The authority then asks for
//! `http://NAME/.well-known/acme-challenge/TOKEN`, and the edge answers by itself: after the gate, before the
//! origin, and only for a token of an order under way
//! (`a_filed_site_that_asks_is_served_with_a_certificate_and_its_origin_hears_nothing_of_it`). Every other
//! request below that path is the origin's, which may have a client of its own. The access log has
//! `"outcome":"proved"`.
//!
//! So port 80 of each name has to lead to this edge, on every address that the name has, and
//! `listen.http` has to be there. HTTP-01 proves no wildcard. Where several edges share a name, one of them asks
//! and the others get its files; an authority that asks the wrong edge gets the origin's answer.
//!
//! What comes back is written to `HOST.acme.pem` in `tls.certificates`, key and chain in one file, readable by
//! its owner alone, whole or not at all. From there it is loaded like any other, without a restart. A file that
//! is not ours is never touched, not even under that name, and a site whose names are covered by certificates
//! that an operator put there asks for nothing (`an_operators_certificate_is_left_alone`). Files of sites that
//! are gone stay until somebody removes them.
//!
//! # Renewal
//!
//! A certificate is due `acme.renew_before` its end; one whose whole life is short, when a third of it is left.
//! Hosts are spread over a tenth of that time, so that what was issued in one night is not renewed in one hour
//! ([`renewal_due`](crate::domain::acme::renewal_due)). `zhamen acme renew HOST` has it ordered now, for
//! example after a key was exposed.
//!
//! # When it fails
//!
//! `zhamen acme show` lists what every site has, and for those that fail how often, when it is tried again, why,
//! and what to do; so does the operational log. A site that fails is tried again after `acme.retry`, twice as
//! long after each further failure, up to a day; a restart does not shorten that
//! (`what_fails_is_told_and_tried_again_later_or_when_an_operator_asks`). When the authority cannot be reached,
//! or says that it has had enough, nothing is asked of it until the time that it names, or for up to an hour
//! (`an_authority_that_has_had_enough_is_left_alone_for_as_long_as_it_says`); no site is blamed for it.
//!
//! | metric | means |
//! | --- | --- |
//! | `zhamen_acme_sites` | sites that ask, by `state`: `held`, `due`, `failing`, `barred` (not filed, or not in good standing) |
//! | `zhamen_acme_orders_total` | orders by `result`: `issued`, `failed` by the site's fault, `authority` |
//! | `zhamen_certificate_expiry_timestamp_seconds` | the end of the first of all certificates in force |
//!
//! # On disk
//!
//! `acme.dir`, beside the database if nothing else is said, holds `account-….json`, one for each authority, with the account's key (mode 0600: back it up with
//! the store), and `failed/`, a file a host. The directory of certificates must be writable for the process: with
//! the package's unit that is below `/var/lib/zhamen`, not below `/etc`.
