-- Collection, and what was deleted and can be had back.

-- The triggers below fill the queue, whatever statement lets go of something. A row says that the
-- collector has to look at it: not before review_after, and released_at is when it was let go of.
ALTER TABLE collection_queue ADD COLUMN released_at INTEGER; -- NULL in rows of an older Worker
ALTER TABLE collection_queue ADD COLUMN is_taken INTEGER NOT NULL DEFAULT 0; -- only inside a batch

DROP INDEX collection_queue_by_time;
CREATE INDEX collection_queue_by_time ON collection_queue (kind, review_after);

-- When a deleted repository was; its name is then one that nobody can ask for.
ALTER TABLE repositories ADD COLUMN deleted_at INTEGER;

-- The manifest that a tag like "sha256-<hex>" or "sha256-<hex>.sig" follows, by its own name: NULL for others.
ALTER TABLE tags ADD COLUMN subject_digest TEXT AS (CASE
  WHEN substr(name, 1, 7) = 'sha256-' AND length(name) >= 71
    AND substr(name, 8, 64) NOT GLOB '*[^0-9a-f]*'
    AND (length(name) = 71 OR substr(name, 72, 1) = '.')
  THEN 'sha256:' || substr(name, 8, 64) END) VIRTUAL;
CREATE INDEX tags_by_subject ON tags (repository_id, subject_digest) WHERE subject_digest IS NOT NULL;

ALTER TABLE namespaces ADD COLUMN restore_days INTEGER NOT NULL DEFAULT 14;

-- Manifests that were deleted, for as long as they can be restored. Nothing reads them meanwhile, and
-- their blobs stay in R2, whether the repository still links them or not.
CREATE TABLE deleted_manifests (
  repository_id  INTEGER NOT NULL REFERENCES repositories (id),
  digest         TEXT NOT NULL,
  media_type     TEXT NOT NULL,
  size           INTEGER NOT NULL,
  artifact_type  TEXT,
  subject_digest TEXT,
  pushed_at      INTEGER NOT NULL,
  deleted_at     INTEGER NOT NULL DEFAULT (unixepoch()),
  expires_at     INTEGER NOT NULL,        -- then the collector may take it
  r2_key         TEXT UNIQUE,
  body           TEXT,
  PRIMARY KEY (repository_id, digest)
);
CREATE INDEX deleted_manifests_by_expiry ON deleted_manifests (expires_at);
CREATE INDEX deleted_manifests_by_subject ON deleted_manifests (repository_id, subject_digest)
  WHERE subject_digest IS NOT NULL;

CREATE TABLE deleted_manifest_blobs (
  repository_id   INTEGER NOT NULL,
  manifest_digest TEXT NOT NULL,
  blob_digest     TEXT NOT NULL REFERENCES blobs (digest),
  PRIMARY KEY (repository_id, manifest_digest, blob_digest),
  FOREIGN KEY (repository_id, manifest_digest) REFERENCES deleted_manifests (repository_id, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX deleted_manifest_blobs_by_blob ON deleted_manifest_blobs (blob_digest);

CREATE TABLE deleted_manifest_children (
  repository_id INTEGER NOT NULL,
  index_digest  TEXT NOT NULL,
  child_digest  TEXT NOT NULL,
  PRIMARY KEY (repository_id, index_digest, child_digest),
  FOREIGN KEY (repository_id, index_digest) REFERENCES deleted_manifests (repository_id, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX deleted_manifest_children_by_child ON deleted_manifest_children (repository_id, child_digest);

-- What an index names can be restored as long as the index, also when the namespace's days became fewer.
CREATE TRIGGER deleted_manifests_are_kept BEFORE DELETE ON manifests
BEGIN
  DELETE FROM trash WHERE r2_key = OLD.r2_key; -- an older Worker has put it there
  -- One that was deleted before, pushed again and is deleted again.
  INSERT INTO trash (r2_key, delete_after)
    SELECT r2_key, unixepoch() + 86400 FROM deleted_manifests
    WHERE repository_id = OLD.repository_id AND digest = OLD.digest AND r2_key IS NOT NULL;
  DELETE FROM deleted_manifests WHERE repository_id = OLD.repository_id AND digest = OLD.digest;
  INSERT INTO deleted_manifests
      (repository_id, digest, media_type, size, artifact_type, subject_digest, pushed_at, expires_at,
       r2_key, body)
    SELECT OLD.repository_id, OLD.digest, OLD.media_type, OLD.size, OLD.artifact_type,
      OLD.subject_digest, OLD.pushed_at,
      max(unixepoch() + 86400 * namespaces.restore_days, coalesce((
        SELECT max(expires_at) FROM deleted_manifest_children AS children
        JOIN deleted_manifests AS parents ON parents.repository_id = children.repository_id
          AND parents.digest = children.index_digest
        WHERE children.repository_id = OLD.repository_id AND child_digest = OLD.digest), 0)),
      OLD.r2_key, OLD.body
    FROM repositories JOIN namespaces ON namespaces.name = repositories.namespace
    WHERE repositories.id = OLD.repository_id;
  INSERT INTO deleted_manifest_blobs
    SELECT * FROM manifest_blobs
    WHERE repository_id = OLD.repository_id AND manifest_digest = OLD.digest;
  INSERT INTO deleted_manifest_children
    SELECT * FROM manifest_children
    WHERE repository_id = OLD.repository_id AND index_digest = OLD.digest;
  -- Children that the same statement has deleted before.
  UPDATE deleted_manifests SET expires_at = max(expires_at, (
      SELECT expires_at FROM deleted_manifests AS parents
      WHERE parents.repository_id = OLD.repository_id AND parents.digest = OLD.digest))
    WHERE repository_id = OLD.repository_id AND expires_at > unixepoch() AND digest IN (
      SELECT child_digest FROM manifest_children
      WHERE repository_id = OLD.repository_id AND index_digest = OLD.digest);
END;

-- Subjects that were deleted and cannot be restored any more, as long as something follows them: else
-- that would look as if its subject had never been here.
CREATE TABLE forgotten_subjects (
  repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  digest        TEXT NOT NULL,
  PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;

CREATE VIEW followers AS
  SELECT repository_id, subject_digest FROM manifests WHERE subject_digest IS NOT NULL
  UNION ALL SELECT repository_id, subject_digest FROM tags WHERE subject_digest IS NOT NULL;

CREATE TRIGGER subjects_of_followers_are_remembered AFTER DELETE ON deleted_manifests
WHEN NOT EXISTS (SELECT 1 FROM manifests
    WHERE repository_id = OLD.repository_id AND digest = OLD.digest)
  AND EXISTS (SELECT 1 FROM followers
    WHERE repository_id = OLD.repository_id AND subject_digest = OLD.digest)
BEGIN
  INSERT OR IGNORE INTO forgotten_subjects VALUES (OLD.repository_id, OLD.digest);
END;

CREATE TRIGGER subjects_come_back AFTER INSERT ON manifests
BEGIN
  DELETE FROM forgotten_subjects WHERE repository_id = NEW.repository_id AND digest = NEW.digest;
END;

CREATE TRIGGER subjects_lose_their_last_referrer AFTER DELETE ON manifests
WHEN OLD.subject_digest IS NOT NULL AND NOT EXISTS (SELECT 1 FROM followers
  WHERE repository_id = OLD.repository_id AND subject_digest = OLD.subject_digest)
BEGIN
  DELETE FROM forgotten_subjects
    WHERE repository_id = OLD.repository_id AND digest = OLD.subject_digest;
END;

CREATE TRIGGER subjects_lose_their_last_tag AFTER DELETE ON tags
WHEN OLD.subject_digest IS NOT NULL AND NOT EXISTS (SELECT 1 FROM followers
  WHERE repository_id = OLD.repository_id AND subject_digest = OLD.subject_digest)
BEGIN
  DELETE FROM forgotten_subjects
    WHERE repository_id = OLD.repository_id AND digest = OLD.subject_digest;
END;

-- `INSERT INTO released` is what the triggers below say of what was let go of, or nothing holds yet. Like
-- guard it is a view: only the queue is written to.
CREATE VIEW released AS SELECT 0 AS repository_id, '' AS kind, '' AS digest;
CREATE TRIGGER released_content_is_reviewed INSTEAD OF INSERT ON released
BEGIN
  INSERT INTO collection_queue (repository_id, kind, digest, released_at, review_after)
    VALUES (NEW.repository_id, NEW.kind, NEW.digest, unixepoch(), unixepoch())
    ON CONFLICT DO UPDATE SET released_at = excluded.released_at, review_after = excluded.review_after;
END;

-- What has no referrer yet: a blob that was uploaded or mounted, a manifest that was pushed.

CREATE TRIGGER new_links_are_reviewed AFTER INSERT ON repository_blobs
BEGIN
  INSERT INTO released VALUES (NEW.repository_id, 'blob', NEW.digest);
END;

CREATE TRIGGER new_manifests_are_reviewed AFTER INSERT ON manifests
BEGIN
  INSERT INTO released VALUES (NEW.repository_id, 'manifest', NEW.digest);
END;

CREATE TRIGGER manifests_pushed_again_are_reviewed AFTER UPDATE OF pushed_at ON manifests
BEGIN
  INSERT INTO released VALUES (NEW.repository_id, 'manifest', NEW.digest);
END;

-- What loses a referrer.

CREATE TRIGGER blobs_of_manifests_are_reviewed AFTER DELETE ON manifest_blobs
BEGIN
  INSERT INTO released VALUES (OLD.repository_id, 'blob', OLD.blob_digest);
END;

CREATE TRIGGER blobs_of_deleted_manifests_are_reviewed AFTER DELETE ON deleted_manifest_blobs
BEGIN
  INSERT INTO released VALUES (OLD.repository_id, 'blob', OLD.blob_digest);
END;

CREATE TRIGGER children_of_indexes_are_reviewed AFTER DELETE ON manifest_children
BEGIN
  INSERT INTO released VALUES (OLD.repository_id, 'manifest', OLD.child_digest);
END;

CREATE TRIGGER manifests_of_moved_tags_are_reviewed AFTER UPDATE OF digest ON tags
WHEN OLD.digest <> NEW.digest
BEGIN
  INSERT INTO released VALUES (OLD.repository_id, 'manifest', OLD.digest);
END;

CREATE TRIGGER manifests_of_deleted_tags_are_reviewed AFTER DELETE ON tags
BEGIN
  INSERT INTO released VALUES (OLD.repository_id, 'manifest', OLD.digest);
END;

-- Referrers follow their subject, those that cosign tags "sha256-<hex>.sig" as well.
CREATE TRIGGER referrers_of_deleted_manifests_are_reviewed AFTER DELETE ON manifests
BEGIN
  INSERT INTO released
    SELECT repository_id, 'manifest', digest FROM manifests
    WHERE repository_id = OLD.repository_id AND subject_digest = OLD.digest;
  INSERT INTO released
    SELECT DISTINCT repository_id, 'manifest', digest FROM tags
    WHERE repository_id = OLD.repository_id AND subject_digest = OLD.digest;
END;

-- What is there already and was never queued.
INSERT OR IGNORE INTO collection_queue (repository_id, kind, digest, released_at, review_after)
  SELECT repository_id, 'blob', digest, unixepoch(), unixepoch() FROM repository_blobs AS links
  WHERE NOT EXISTS (SELECT 1 FROM manifest_blobs
    WHERE manifest_blobs.repository_id = links.repository_id AND blob_digest = links.digest);
INSERT OR IGNORE INTO collection_queue (repository_id, kind, digest, released_at, review_after)
  SELECT repository_id, 'manifest', digest, unixepoch(), unixepoch() FROM manifests
  WHERE NOT EXISTS (SELECT 1 FROM tags
    WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest);

-- How often each tag and manifest was pulled: "references" are tags and digests.
CREATE TABLE pulls (
  repository_id  INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  reference      TEXT NOT NULL,
  count          INTEGER NOT NULL,
  last_pulled_at INTEGER NOT NULL,
  PRIMARY KEY (repository_id, reference)
) WITHOUT ROWID;

-- Where work that takes several runs goes on.
CREATE TABLE progress (
  job        TEXT PRIMARY KEY,
  state      TEXT NOT NULL,               -- JSON, of the job
  updated_at INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;
