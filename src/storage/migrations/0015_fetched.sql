-- Inserting content that is here gives it to the manifests that have named it before: from then on they hold it, as
-- pushed ones do. Like hold it is a view. A layer that registries need not hold ('external') is held when it is here.
CREATE VIEW fetched AS SELECT 0 AS repository_id, '' AS digest, '' AS kind;
CREATE TRIGGER fetched_content_is_named INSTEAD OF INSERT ON fetched
BEGIN
  INSERT OR IGNORE INTO manifest_blobs (repository_id, manifest_digest, blob_digest)
    SELECT repository_id, manifest_digest, digest FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND NEW.kind = 'blob' AND kind <> 'manifest';
  INSERT OR IGNORE INTO manifest_children (repository_id, index_digest, child_digest)
    SELECT repository_id, manifest_digest, digest FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND NEW.kind = 'manifest' AND kind = 'manifest';
  DELETE FROM unfetched_content
    WHERE repository_id = NEW.repository_id AND digest = NEW.digest AND (kind = 'manifest') = (NEW.kind = 'manifest');
END;

DROP TRIGGER fetched_blobs_are_named;
CREATE TRIGGER fetched_blobs_are_named AFTER INSERT ON repository_blobs
BEGIN
  INSERT INTO fetched VALUES (NEW.repository_id, NEW.digest, 'blob');
END;

DROP TRIGGER fetched_manifests_are_named;
CREATE TRIGGER fetched_manifests_are_named AFTER INSERT ON manifests
BEGIN
  INSERT INTO fetched VALUES (NEW.repository_id, NEW.digest, 'manifest');
END;
