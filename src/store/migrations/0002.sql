-- How many findings are in each state: the queue's length without walking along it.
create table finding_count (
    state text primary key,
    count integer not null
) strict, without rowid;
insert into finding_count
    select word, (select count(*) from finding where state = word)
    from (select 'pending' as word union all select 'confirmed' union all select 'dismissed'
          union all select 'withdrawn');
create trigger finding_counted after insert on finding begin
    update finding_count set count = count + 1 where state = new.state;
end;
create trigger finding_recounted after update of state on finding when old.state <> new.state begin
    update finding_count set count = count - 1 where state = old.state;
    update finding_count set count = count + 1 where state = new.state;
end;

-- Where evidence lies in the segments, by the hash of its link. Written with the findings that it shows;
-- a row that leads nowhere is none, for segments go after their time.
create table evidence (
    hash blob primary key,
    segment integer not null,
    offset integer not null
) strict, without rowid;

-- Rows of an import that wait for the end of a control period that freezes admissions.
create table waiting_site (
    source integer not null,
    host text not null,
    row text not null,
    primary key (source, host)
) strict, without rowid;
