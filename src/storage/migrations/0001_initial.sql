-- Times are seconds since the Unix epoch by D1's own clock: no comparison mixes two clocks.
-- Digests are "<algorithm>:<encoded>". Text compares byte by byte: tags "V1" and "v1" differ.

CREATE TABLE repositories (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  namespace  TEXT NOT NULL,               -- the first component of the name
  created_at INTEGER NOT NULL DEFAULT (unixepoch())
);
CREATE INDEX repositories_by_namespace ON repositories (namespace);

-- Content that R2 holds whole and verified. One row per digest, whoever pushed it.
CREATE TABLE blobs (
  digest     TEXT PRIMARY KEY,
  r2_key     TEXT NOT NULL UNIQUE,        -- written once, never reused
  size       INTEGER NOT NULL,            -- bytes
  created_at INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;

-- "This repository may see this blob": made by an upload or a mount, and the only way to read it.
CREATE TABLE repository_blobs (
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  digest        TEXT NOT NULL REFERENCES blobs (digest),
  linked_at     INTEGER NOT NULL DEFAULT (unixepoch()),
  lease_until   INTEGER NOT NULL,         -- collection leaves the link alone until then
  PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

CREATE TABLE manifests (
  repository_id  INTEGER NOT NULL REFERENCES repositories (id),
  digest         TEXT NOT NULL,
  media_type     TEXT NOT NULL,           -- as first pushed; what every GET answers
  size           INTEGER NOT NULL,        -- bytes
  artifact_type  TEXT,
  subject_digest TEXT,                    -- need not exist
  pushed_at      INTEGER NOT NULL DEFAULT (unixepoch()),
  r2_key         TEXT UNIQUE,             -- where the bytes are; NULL when body is set
  body           TEXT,                    -- the exact bytes (UTF-8); NULL above 1 MB. Last, for it
                                          -- is long and what stands behind it is slow to reach
  PRIMARY KEY (repository_id, digest),
  CHECK ((body IS NULL) <> (r2_key IS NULL))
);
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject_digest, digest)
  WHERE subject_digest IS NOT NULL;

-- A blob that a manifest names cannot lose its link while the manifest is there.
CREATE TABLE manifest_blobs (
  repository_id   INTEGER NOT NULL,
  manifest_digest TEXT NOT NULL,
  blob_digest     TEXT NOT NULL,
  PRIMARY KEY (repository_id, manifest_digest, blob_digest),
  FOREIGN KEY (repository_id, manifest_digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE,
  FOREIGN KEY (repository_id, blob_digest) REFERENCES repository_blobs (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX manifest_blobs_by_blob ON manifest_blobs (repository_id, blob_digest);

-- A manifest that an index names cannot go while the index is there.
CREATE TABLE manifest_children (
  repository_id INTEGER NOT NULL,
  index_digest  TEXT NOT NULL,
  child_digest  TEXT NOT NULL,
  PRIMARY KEY (repository_id, index_digest, child_digest),
  FOREIGN KEY (repository_id, index_digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE,
  FOREIGN KEY (repository_id, child_digest) REFERENCES manifests (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX manifest_children_by_child ON manifest_children (repository_id, child_digest);

CREATE TABLE tags (
  repository_id INTEGER NOT NULL,
  name          TEXT NOT NULL,
  digest        TEXT NOT NULL,
  updated_at    INTEGER NOT NULL DEFAULT (unixepoch()),
  PRIMARY KEY (repository_id, name),
  FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX tags_by_digest ON tags (repository_id, digest);

-- The intent to write one key: an upload session's, or a large manifest's. Committing the content
-- consumes the row and giving up does too, so exactly one of both happens.
CREATE TABLE uploads (
  id         TEXT PRIMARY KEY,            -- of the session; of a manifest, the key
  repository TEXT NOT NULL,               -- its name: the repository itself may not exist yet
  r2_key     TEXT NOT NULL UNIQUE,
  started_at INTEGER NOT NULL DEFAULT (unixepoch()),
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX uploads_by_expiry ON uploads (expires_at);

-- R2 keys that no row names any more, kept for readers that still stream them.
CREATE TABLE trash (
  r2_key       TEXT PRIMARY KEY,
  trashed_at   INTEGER NOT NULL DEFAULT (unixepoch()),
  delete_after INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX trash_by_time ON trash (delete_after);

-- What lost a referrer and may be collectable: filled by the statements that unlink.
CREATE TABLE collection_queue (
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  kind          TEXT NOT NULL CHECK (kind IN ('blob', 'manifest')),
  digest        TEXT NOT NULL,
  review_after  INTEGER NOT NULL,
  PRIMARY KEY (repository_id, kind, digest)
) WITHOUT ROWID;
CREATE INDEX collection_queue_by_time ON collection_queue (review_after);

-- `INSERT INTO guard SELECT <condition>` inside a batch rolls the whole batch back unless the
-- condition holds. It is a view: nothing is written.
CREATE VIEW guard AS SELECT 1 AS holds;
CREATE TRIGGER guard_holds INSTEAD OF INSERT ON guard WHEN NOT NEW.holds
BEGIN
  SELECT RAISE(ABORT, 'guard failed');
END;
