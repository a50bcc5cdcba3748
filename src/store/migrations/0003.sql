-- How the origins of a site are spoken to.

alter table site add column origin_ca text not null default '';
alter table site add column origin_name text not null default '';
alter table site add column origin_verify text not null default 'on';
alter table site add column proxy_protocol text not null default 'off';
alter table site add column origin_http text not null default 'strict';
