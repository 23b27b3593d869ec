-- How much a namespace holds, and how much it may. Triggers keep the numbers and refuse growth, so they
-- are right whatever statements run, in whatever order.

ALTER TABLE namespaces ADD COLUMN quota_bytes INTEGER;          -- NULL: as much as it likes
ALTER TABLE namespaces ADD COLUMN quota_repositories INTEGER;   -- NULL: as many as it likes
ALTER TABLE namespaces ADD COLUMN quota_warning INTEGER NOT NULL DEFAULT 80; -- percent of a quota
ALTER TABLE namespaces ADD COLUMN used_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE namespaces ADD COLUMN repository_count INTEGER NOT NULL DEFAULT 0; -- without deleted ones

-- Each content of a namespace once, whatever repositories have it, as a blob or as a manifest.
CREATE TABLE namespace_content (
  namespace TEXT NOT NULL,
  digest    TEXT NOT NULL,
  size      INTEGER NOT NULL,             -- bytes
  holders   INTEGER NOT NULL,             -- rows of the tables whose triggers hold it and let it go
  PRIMARY KEY (namespace, digest)
) WITHOUT ROWID;
CREATE INDEX namespace_content_by_size ON namespace_content (namespace, size);

-- What there is already, before the triggers count on.

INSERT INTO namespace_content (namespace, digest, size, holders)
  SELECT namespace, held.digest, max(size), count(*)
  FROM repositories JOIN (
    SELECT repository_id, links.digest, size
      FROM repository_blobs AS links JOIN blobs ON blobs.digest = links.digest
    UNION ALL SELECT repository_id, digest, size FROM manifests
    UNION ALL SELECT repository_id, digest, size FROM deleted_manifests
    UNION ALL SELECT repository_id, blob_digest, size
      FROM deleted_manifest_blobs JOIN blobs ON blobs.digest = blob_digest
  ) AS held ON held.repository_id = repositories.id
  GROUP BY namespace, held.digest;
UPDATE namespaces SET
  used_bytes = (SELECT coalesce(sum(size), 0) FROM namespace_content WHERE namespace = namespaces.name),
  repository_count = (SELECT count(*) FROM repositories
    WHERE namespace = namespaces.name AND deleted_at IS NULL);

-- `INSERT INTO hold` and `INSERT INTO let_go` are what the triggers of each table say: like guard,
-- they are views, and nothing is written to them.

CREATE VIEW hold AS SELECT 0 AS repository_id, '' AS digest, 0 AS size;
CREATE TRIGGER holders_are_added INSTEAD OF INSERT ON hold
BEGIN
  INSERT INTO namespace_content (namespace, digest, size, holders)
    SELECT namespace, NEW.digest, NEW.size, 1 FROM repositories WHERE id = NEW.repository_id
    ON CONFLICT DO UPDATE SET holders = holders + 1;
END;

CREATE VIEW let_go AS SELECT 0 AS repository_id, '' AS digest;
CREATE TRIGGER holders_are_taken_away INSTEAD OF INSERT ON let_go
BEGIN
  UPDATE namespace_content SET holders = holders - 1
    WHERE digest = NEW.digest
      AND namespace = (SELECT namespace FROM repositories WHERE id = NEW.repository_id);
  DELETE FROM namespace_content
    WHERE digest = NEW.digest AND holders = 0
      AND namespace = (SELECT namespace FROM repositories WHERE id = NEW.repository_id);
END;

CREATE TRIGGER links_hold_blobs AFTER INSERT ON repository_blobs
BEGIN
  INSERT INTO hold SELECT NEW.repository_id, digest, size FROM blobs WHERE digest = NEW.digest;
END;
CREATE TRIGGER links_let_blobs_go AFTER DELETE ON repository_blobs
BEGIN
  INSERT INTO let_go VALUES (OLD.repository_id, OLD.digest);
END;

CREATE TRIGGER manifests_are_held AFTER INSERT ON manifests
BEGIN
  INSERT INTO hold VALUES (NEW.repository_id, NEW.digest, NEW.size);
END;
CREATE TRIGGER manifests_are_let_go AFTER DELETE ON manifests
BEGIN
  INSERT INTO let_go VALUES (OLD.repository_id, OLD.digest);
END;

-- What can be restored is still stored.

CREATE TRIGGER deleted_manifests_are_held AFTER INSERT ON deleted_manifests
BEGIN
  INSERT INTO hold VALUES (NEW.repository_id, NEW.digest, NEW.size);
END;
CREATE TRIGGER deleted_manifests_are_let_go AFTER DELETE ON deleted_manifests
BEGIN
  INSERT INTO let_go VALUES (OLD.repository_id, OLD.digest);
END;

CREATE TRIGGER deleted_manifests_hold_blobs AFTER INSERT ON deleted_manifest_blobs
BEGIN
  INSERT INTO hold SELECT NEW.repository_id, digest, size FROM blobs WHERE digest = NEW.blob_digest;
END;
CREATE TRIGGER deleted_manifests_let_blobs_go AFTER DELETE ON deleted_manifest_blobs
BEGIN
  INSERT INTO let_go VALUES (OLD.repository_id, OLD.blob_digest);
END;

CREATE TRIGGER content_is_added_up AFTER INSERT ON namespace_content
BEGIN
  UPDATE namespaces SET used_bytes = used_bytes + NEW.size WHERE name = NEW.namespace;
END;
CREATE TRIGGER content_is_taken_off AFTER DELETE ON namespace_content
BEGIN
  UPDATE namespaces SET used_bytes = used_bytes - OLD.size WHERE name = OLD.namespace;
END;

-- In one trigger, for the count needs the row, and triggers of one event have no order.
DROP TRIGGER repositories_have_namespaces;
CREATE TRIGGER repositories_have_namespaces AFTER INSERT ON repositories
BEGIN
  INSERT OR IGNORE INTO namespaces (name) VALUES (NEW.namespace);
  UPDATE namespaces SET repository_count = repository_count + (NEW.deleted_at IS NULL)
    WHERE name = NEW.namespace;
END;
CREATE TRIGGER deleted_repositories_do_not_count AFTER UPDATE OF deleted_at ON repositories
BEGIN
  UPDATE namespaces
    SET repository_count = repository_count + (NEW.deleted_at IS NULL) - (OLD.deleted_at IS NULL)
    WHERE name = NEW.namespace;
END;
CREATE TRIGGER gone_repositories_do_not_count AFTER DELETE ON repositories
BEGIN
  UPDATE namespaces SET repository_count = repository_count - (OLD.deleted_at IS NULL)
    WHERE name = OLD.namespace;
END;

-- Only growth is refused: what is above a quota that was lowered may stay, and can be deleted.

CREATE TRIGGER quotas_of_bytes_hold BEFORE UPDATE OF used_bytes ON namespaces
WHEN NEW.used_bytes > OLD.used_bytes AND NEW.used_bytes > NEW.quota_bytes
BEGIN
  SELECT RAISE(ABORT, 'quota of bytes exceeded');
END;
CREATE TRIGGER quotas_of_repositories_hold BEFORE UPDATE OF repository_count ON namespaces
WHEN NEW.repository_count > OLD.repository_count AND NEW.repository_count > NEW.quota_repositories
BEGIN
  SELECT RAISE(ABORT, 'quota of repositories exceeded');
END;

CREATE TRIGGER warnings_of_bytes_are_noted AFTER UPDATE OF used_bytes ON namespaces
WHEN NEW.used_bytes * 100 >= NEW.quota_bytes * NEW.quota_warning
  AND OLD.used_bytes * 100 < NEW.quota_bytes * NEW.quota_warning
BEGIN
  INSERT INTO audit (event, principal, namespace, target, before, after)
    VALUES ('quota.warning', 'quota', NEW.name, 'bytes', OLD.used_bytes,
      NEW.used_bytes || ' of ' || NEW.quota_bytes);
END;
CREATE TRIGGER warnings_of_repositories_are_noted AFTER UPDATE OF repository_count ON namespaces
WHEN NEW.repository_count * 100 >= NEW.quota_repositories * NEW.quota_warning
  AND OLD.repository_count * 100 < NEW.quota_repositories * NEW.quota_warning
BEGIN
  INSERT INTO audit (event, principal, namespace, target, before, after)
    VALUES ('quota.warning', 'quota', NEW.name, 'repositories', OLD.repository_count,
      NEW.repository_count || ' of ' || NEW.quota_repositories);
END;
