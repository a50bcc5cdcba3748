-- The names that a certificate is asked for.

alter table site add column acme text not null default '';
