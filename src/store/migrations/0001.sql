-- The record. Each entry's hash is the SHA-256 of the line "PREV SEQ CONTENT\n", where CONTENT is the
-- SHA-256 of the entry as a line of JSON: src/store/heads.rs and src/store/sqlite/line.rs.
create table entry (
    seq integer primary key,
    recorded integer not null,
    by text not null,
    kind text not null,
    fact text not null,
    prev blob not null,
    hash blob not null,
    -- What it is about, for looking it up: computed from the fact and the entries before it.
    unit text,
    service text,
    host text,
    subject text
) strict;
-- Each is ordered by seq, too: a page is a walk along one of them. Times of recording never fall, so
-- that they are looked up by seq.
create index entry_kind on entry (kind);
create index entry_unit on entry (unit, kind) where unit is not null;
create index entry_service on entry (service, kind) where service is not null;
create index entry_host on entry (host, kind) where host is not null;
create index entry_subject on entry (subject) where subject is not null;
create trigger entry_stays before update on entry begin
    select raise(abort, 'the record is append-only: put another entry on it');
end;
create trigger entry_remains before delete on entry begin
    select raise(abort, 'the record is append-only: put another entry on it');
end;

-- Further units and hosts of an entry that is about several.
create table entry_also (
    what text not null,
    value text not null,
    seq integer not null,
    primary key (what, value, seq)
) strict, without rowid;

-- Signed heads of the chain.
create table head (
    seq integer primary key,
    hash blob not null,
    at integer not null,
    signature blob not null
) strict;
create trigger head_stays before update on head begin
    select raise(abort, 'signed heads are never changed');
end;
create trigger head_remains before delete on head begin
    select raise(abort, 'signed heads are never changed');
end;

create table finding (
    seq integer primary key,
    id text not null unique,
    unit text not null,
    site text not null,
    state text not null,
    first integer not null,
    last integer not null,
    count integer not null
) strict;
create index finding_state on finding (state);
create index finding_unit on finding (unit, state);
create index finding_site on finding (site, state);

create table token (
    name text primary key,
    role text not null,
    hash text not null,
    created integer not null,
    expires integer,
    revoked integer
) strict, without rowid;

create table webhook (
    id text primary key,
    url text not null,
    secret text not null,
    kinds text not null,
    created integer not null
) strict, without rowid;

create table delivery (
    id text primary key,
    webhook text not null references webhook (id) on delete cascade,
    body text not null,
    attempts integer not null default 0,
    -- When it is due; null: it arrived or was given up, at `done`.
    next_at integer,
    done integer
) strict;
create index delivery_due on delivery (next_at) where next_at is not null;
create index delivery_done on delivery (done) where done is not null;
create index delivery_webhook on delivery (webhook);

create table answer (
    key text primary key,
    request text not null,
    status integer not null,
    body blob not null,
    at integer not null
) strict, without rowid;
create index answer_at on answer (at);

create table unfiled (
    server_ip text not null,
    host text not null,
    first integer not null,
    last integer not null,
    count integer not null,
    primary key (server_ip, host)
) strict, without rowid;
create index unfiled_last on unfiled (last);

create table site (
    host text not null,
    -- 0 file, 1 pull, 2 api: the one that was changed last holds.
    source integer not null,
    changed integer not null,
    origin text not null,
    unit text not null,
    service text not null,
    kind text not null,
    icp text not null,
    -- Or "barred": the host's row could not be applied.
    filing text not null,
    filed_until text not null,
    server_ip text not null,
    interactive text not null,
    primary key (host, source)
) strict, without rowid;

create table meta (
    name text primary key,
    value text not null
) strict, without rowid;
