-- Catalog: what vendors offer, as it was when it was seen. Shared by all tenants; holds no tenant's data.

create table catalog_source (
  id               text primary key,
  stream           text        not null,             -- OS stream, e.g. debian-12-amd64
  title            text        not null,
  kind             text        not null check (kind in ('debian')),
  definition       jsonb       not null,             -- uri, suite, components, keyring: as the adapter needs them
  state            text        not null default 'new'
                   check (state in ('new', 'ok', 'stale', 'unverified', 'unreachable')),
  reason           text        not null default '',
  last_polled_at   timestamptz,
  last_verified_at timestamptz,
  release_date     timestamptz,                      -- of the newest snapshot accepted: never goes back
  valid_until      timestamptz
);

create table catalog_snapshot (
  id              uuid primary key,
  source_id       text        not null references catalog_source,
  index_sha256    text        not null,              -- of the signed index, kept in the content store
  release_date    timestamptz not null,
  valid_until     timestamptz,
  fetched_at      timestamptz not null,
  package_count   integer     not null,
  signed_by       text        not null,
  unique (source_id, index_sha256)
);

create table catalog_patch (
  id          uuid primary key,
  source_id   text not null references catalog_source,
  external_id text not null,                         -- the source package's name
  unique (source_id, external_id)
);

create table catalog_revision (
  id              uuid primary key,
  patch_id        uuid        not null references catalog_patch,
  version         text        not null,
  metadata_sha256 text        not null,
  artefacts_sha256 text       not null,              -- over the sorted set of artefact digests
  first_snapshot  uuid        not null references catalog_snapshot,
  last_snapshot   uuid        not null references catalog_snapshot,
  state           text        not null default 'offered' check (state in ('offered', 'replaced', 'vanished', 'suspect')),
  reason          text        not null default '',
  unique (patch_id, version, metadata_sha256, artefacts_sha256)
);
create index catalog_revision_patch on catalog_revision (patch_id, state);

create table catalog_artefact (
  revision_id  uuid    not null references catalog_revision,
  package      text    not null,
  version      text    not null,
  architecture text    not null,
  file_name    text    not null,                     -- path below the source's URI
  size_bytes   bigint  not null,
  sha256       text    not null,
  stanza       text    not null,                     -- the vendor's index stanza, unchanged
  primary key (revision_id, package, architecture)
);
create index catalog_artefact_sha256 on catalog_artefact (sha256);

-- Bytes that were fetched for a revision under test and kept in the content store, or why they were refused.
create table catalog_artefact_file (
  sha256     text primary key,
  size_bytes bigint      not null,
  state      text        not null check (state in ('stored', 'refused')),
  reason     text        not null default '',
  at         timestamptz not null
);

grant select on catalog_source, catalog_snapshot, catalog_patch, catalog_revision, catalog_artefact, catalog_artefact_file to vouch_app;
grant select, insert, update on catalog_source, catalog_snapshot, catalog_patch, catalog_revision, catalog_artefact, catalog_artefact_file
  to vouch_platform;
