-- `INSERT INTO pushed_to` is how a push makes its repository: it looks again, in the transaction of what is
-- pushed, whether the namespace wants that, for the caller's right may be older than a delete. None is made
-- while a restore is under way, for it would get an id that a row of the backup has; but the restore's own
-- comes after those rows. Like guard it is a view.
CREATE VIEW pushed_to AS SELECT '' AS repository, '' AS namespace;
CREATE TRIGGER pushes_make_repositories INSTEAD OF INSERT ON pushed_to
WHEN NOT EXISTS (SELECT 1 FROM repositories WHERE name = NEW.repository)
BEGIN
  INSERT INTO waits_for_restores SELECT 1 WHERE NEW.repository <> 'edgewater-restore/deleted';
  SELECT RAISE(ABORT, 'pushes make no repositories') FROM namespaces
    WHERE name = NEW.namespace AND NOT creates_on_push;
  INSERT INTO repositories (name, namespace) VALUES (NEW.repository, NEW.namespace);
END;

-- What keeps content is asked by its digest alone.
CREATE INDEX manifests_by_digest ON manifests (digest, repository_id);
CREATE INDEX deleted_manifests_by_digest ON deleted_manifests (digest, repository_id);

-- Pages of a namespace: of what is there by name, of what is deleted by id.
CREATE INDEX repositories_by_name ON repositories (namespace, name) WHERE deleted_at IS NULL;
CREATE INDEX deleted_repositories_by_namespace ON repositories (namespace) WHERE deleted_at IS NOT NULL;
