//! The admin API: everything that the record holds, to be read and decided over HTTP.
//!
//! It is on the admin listener (`admin.listen`), below `/api/v1`. The OpenAPI document at
//! `/api/v1/openapi.json` has every route, parameter and member; it is made from the table that the router
//! is made from, and stands in the sources as `control_plane/admin/openapi.json`.
//!
//! # Who may do what
//!
//! Without any token, who is on the machine sees `/metrics` and `/api/v1/status`, and nothing else. Make
//! the first token on the machine:
//!
//! ```text
//! $ zhamen admin token create desk --role operator
//! zhm_desk_6d0b…
//! ```
//!
//! It is shown once; the store has an Argon2id hash of it. From then on everything but `/healthz` and
//! `/readyz` wants a token. What a token does stands on the record under its name.
//!
//! | role | may |
//! | --- | --- |
//! | `operator` | everything; but tokens of its own role are made on the machine only |
//! | `reviewer` | read everything, confirm and dismiss findings |
//! | `rules` | see rules, lint and test them, see what was found, explain decisions |
//! | `inspector` | read everything, change nothing; each path that it reads stands on the record, once a day |
//! | `metrics` | `/metrics` |
//!
//! `zhamen admin token list` and `zhamen admin token revoke NAME` do what they say; a revoked token opens
//! nothing from the next request on. After ten failed attempts in a minute with one name, or sixty with
//! all, tokens that were not used lately wait until the minute is over.
//!
//! Beyond loopback the listener has TLS (`admin.tls.certificate`, `admin.tls.key`), and with
//! `admin.tls.client_ca` it talks only to who has a certificate of that authority. `admin.allow_plain`
//! switches the demand off where something else protects the connection.
//!
//! # By hand
//!
//! `zhamen admin call` asks the running Zhamen for whatever stands in the table of routes, with the names of
//! parameters and members as words; `zhamen admin routes` lists them:
//!
//! ```text
//! $ export ZHAMEN_TOKEN=zhm_desk_6d0b…
//! $ zhamen admin routes units
//! $ zhamen admin call PUT /units/u1 name=某公司 parent=r1
//! $ zhamen admin call PUT /services/s1 unit=u1 kind=server server_ips=10.0.0.5 server_ips=10.0.0.6
//! $ zhamen admin call GET /reports/commitment unit=u1 format=pdf --out letter.pdf
//! ```
//!
//! # A walk with curl
//!
//! ```text
//! A='http://127.0.0.1:9900/api/v1'; T="Authorization: Bearer $TOKEN"; J='Content-Type: application/json'
//!
//! curl -s -H "$T" -H "$J" -X PUT $A/units/u1 -d '{"name":"某某公司"}'
//! curl -s -H "$T" -H "$J" -X PUT $A/services/s1 -d '{"unit":"u1","kind":"server","server_ips":["10.0.0.5"]}'
//! curl -s -H "$T" -H "$J" -X POST $A/commitments -d '{"unit":"u1","form":"hosting","signed":"2026-03-01"}'
//!
//! # A notice came in: a strike.
//! curl -s -H "$T" -H "$J" -H 'Idempotency-Key: 2026-114' -X POST $A/notices \
//!      -d '{"service":"s1","class":"vulgar","document":"2026-114","url":"http://a.cn/x"}'
//! curl -s -H "$T" $A/standing/u1
//!
//! # What would another table say?
//! curl -s -H "$T" -H "$J" -X POST $A/standing/replay -d @events-and-thresholds.json
//!
//! # Suspended when this answers; lifted with a report on file.
//! curl -s -H "$T" -H "$J" -X POST $A/suspensions -d '{"unit":"u1","why":"2026-114"}'
//! curl -s -H "$T" -H "$J" -X POST $A/rectifications -d '{"unit":"u1","measures":["删除"],"signatory":"张三"}'
//! curl -s -H "$T" -H "$J" -X POST $A/reinstatements -d '{"unit":"u1","kind":"server","rectification":"r-…"}'
//!
//! # What the matcher saw, and what a reviewer says of it.
//! curl -s -H "$T" "$A/review_queue?limit=10"
//! curl -s -H "$T" -H "$J" -X POST $A/findings/f-…/reviews -d '{"decision":"confirmed"}'
//!
//! # Letters and reports, and the record as a whole.
//! curl -s -H "$T" -o report.pdf "$A/reports/rectification?unit=u1&format=pdf"
//! curl -s -H "$T" $A/verification
//! curl -s -H "$T" -o march.tar "$A/export?from=2026-03-01T00:00:00%2B08:00&to=2026-04-01T00:00:00%2B08:00"
//!
//! # Who did what.
//! curl -s -H "$T" "$A/audit?unit=u1&descending=true"
//! ```
//!
//! # Rules that hold everywhere
//!
//! - A list has pages: `limit` (100, at most 1000), and `after` with the `next` of the page before; the
//!   order is stable. `next` is null on the last page.
//! - What is edited has an `ETag`. A PUT or DELETE of something that exists wants it in `If-Match`: 428
//!   without, 412 if somebody changed it meanwhile. Reads answer 304 to `If-None-Match`.
//! - What is created takes an `Idempotency-Key`: the same key with the same body gets the same answer for
//!   24 hours (`Idempotency-Replayed: true`), with another body 409. The answer is stored with the entry, so
//!   that this holds across a crash. A secret is in the first answer only.
//! - Errors are `application/problem+json` (RFC 9457); `errors` has a JSON pointer for each bad member, and
//!   an unknown one is answered with the nearest that is known.
//! - A change is on disk and in force when it is answered. Changes through the API come one after the
//!   other.
//! - Bodies have at most 1 MiB, 64 connections are served at a time, a connection lives ten minutes.
//!
//! # Webhooks
//!
//! ```text
//! curl -s -H "$T" -H "$J" -X POST $A/webhooks -d '{"url":"https://desk.example.cn/zhamen","events":["notice","suspension"]}'
//! ```
//!
//! Events: `finding` (new ones, up to a hundred in a message), `notice` (and withdrawals), `suspension`
//! and `reinstatement` (of units and servers; what a threshold suspends as well), `lock` (directories and
//! sites), `incident` (and the reminders of its clock), `registry`. A message is a POST of JSON with the
//! entries of the record that it tells of.
//!
//! `Zhamen-Signature: t=SECONDS,v1=HEX` is HMAC-SHA256 with the subscription's secret over
//! `SECONDS.BODY`. To check it by hand:
//!
//! ```text
//! printf '%s.%s' "$SECONDS" "$BODY" | openssl dgst -sha256 -hmac "$SECRET"
//! ```
//!
//! Over https a receiver shows a certificate of the public Web, or of `webhooks.ca`. Refuse what is older than some minutes. A message that is not answered with 2xx within ten seconds
//! comes again after 1, 2, 4, … seconds, later every hour, for about a day, and after a restart as well;
//! it may come twice, and has the same `Zhamen-Delivery` then. Redirects are not followed.
