-- Namespaces that mirror another registry. What is in one was fetched from there; nobody pushes to it.

CREATE TABLE upstreams (
  namespace       TEXT PRIMARY KEY REFERENCES namespaces (name),
  url             TEXT NOT NULL,                 -- https://registry-1.docker.io
  username        TEXT,
  secret          TEXT,                          -- sealed; NULL without credentials
  token_host      TEXT,                          -- besides its own, to whose realm the credentials may go
  repositories    TEXT NOT NULL DEFAULT '["**"]', -- JSON: globs of what may be fetched
  platforms       TEXT,                          -- JSON: those that may be fetched; NULL for all
  tag_max_age     INTEGER NOT NULL DEFAULT 300,  -- seconds until a tag is asked for again
  missing_max_age INTEGER NOT NULL DEFAULT 60,   -- seconds until what was not there is
  keep_bytes      INTEGER,                       -- above that the least recently pulled goes
  on_missing      TEXT NOT NULL DEFAULT 'forget', -- or 'keep': when a tag is gone there
  on_failure      TEXT NOT NULL DEFAULT 'stale', -- or 'fail': when it does not answer, or limits us
  created_at      INTEGER NOT NULL DEFAULT (unixepoch())
);

-- When the upstream was last asked for a tag.
CREATE TABLE upstream_tags (
  repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  name          TEXT NOT NULL,
  checked_at    INTEGER NOT NULL,
  PRIMARY KEY (repository_id, name)
) WITHOUT ROWID;

-- What a mirrored manifest names and nobody has asked for yet.
CREATE TABLE unfetched_content (
  repository_id   INTEGER NOT NULL,
  digest          TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  kind            TEXT NOT NULL,                 -- blob or manifest
  size            INTEGER NOT NULL,              -- as the manifest says
  platform        TEXT,                          -- of a manifest, as "linux/arm64"
  PRIMARY KEY (repository_id, digest, manifest_digest),
  FOREIGN KEY (repository_id, manifest_digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX unfetched_content_by_manifest ON unfetched_content (repository_id, manifest_digest);

-- From then on the manifest holds it, as a pushed one does.
CREATE TRIGGER fetched_blobs_are_named AFTER INSERT ON repository_blobs
BEGIN
  INSERT OR IGNORE INTO manifest_blobs (repository_id, manifest_digest, blob_digest)
    SELECT repository_id, manifest_digest, digest FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND kind = 'blob';
  DELETE FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND kind = 'blob';
END;

CREATE TRIGGER fetched_manifests_are_named AFTER INSERT ON manifests
BEGIN
  INSERT OR IGNORE INTO manifest_children (repository_id, index_digest, child_digest)
    SELECT repository_id, manifest_digest, digest FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND kind = 'manifest';
  DELETE FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND kind = 'manifest';
END;

-- Tags that go take that along.
CREATE TRIGGER deleted_tags_are_not_mirrored AFTER DELETE ON tags
BEGIN
  DELETE FROM upstream_tags WHERE repository_id = OLD.repository_id AND name = OLD.name;
END;
