-- What each tag named, and what is needed to undo a deletion.

-- One row for each move and deletion of a tag. Its id is that of the entry of the audit log which says
-- so; 0 for a tag that was set before there was a log.
CREATE TABLE tag_history (
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  name          TEXT NOT NULL,
  id            INTEGER NOT NULL,
  digest        TEXT,                     -- what it names from then on; NULL: it was deleted
  previous      TEXT,                     -- what it named until then; NULL: nothing
  at            INTEGER NOT NULL,
  principal     TEXT NOT NULL,            -- '' where nobody knows
  PRIMARY KEY (repository_id, name, id)
) WITHOUT ROWID;
CREATE INDEX tag_history_deletions ON tag_history (repository_id, name) WHERE digest IS NULL;
CREATE INDEX tag_history_deletions_by_digest ON tag_history (repository_id, previous)
  WHERE digest IS NULL;

-- Whatever statement moves or deletes a tag, of an older Worker too, adds these entries to its batch.
CREATE TRIGGER tag_changes_are_kept AFTER INSERT ON audit
WHEN NEW.event IN ('tag.set', 'tag.delete')
BEGIN
  INSERT INTO tag_history (repository_id, name, id, digest, previous, at, principal)
    SELECT repositories.id, NEW.target, NEW.id, NEW.after, NEW.before, NEW.at, NEW.principal
    FROM repositories WHERE name = NEW.repository;
END;

-- An entry is forgotten with the entry of the audit log that has superseded it, and a deletion with its
-- own: so for as long as the log is kept, what a tag named can be told.
CREATE TRIGGER old_tag_changes_are_forgotten AFTER DELETE ON audit
WHEN OLD.event IN ('tag.set', 'tag.delete')
BEGIN
  DELETE FROM tag_history
    WHERE repository_id = (SELECT id FROM repositories WHERE name = OLD.repository)
      AND name = OLD.target AND (id < OLD.id OR id = OLD.id AND digest IS NULL);
END;

INSERT INTO tag_history (repository_id, name, id, digest, previous, at, principal)
  SELECT repositories.id, target, audit.id, after, before, at, principal
  FROM audit JOIN repositories ON repositories.name = audit.repository
  WHERE event IN ('tag.set', 'tag.delete');
INSERT INTO tag_history (repository_id, name, id, digest, previous, at, principal)
  SELECT repository_id, name, 0, digest, NULL, updated_at, '' FROM tags
  WHERE NOT EXISTS (SELECT 1 FROM tag_history
    WHERE tag_history.repository_id = tags.repository_id AND tag_history.name = tags.name);

-- A deleted repository is called "!<id>/<its name>"; when the collector may take it.
ALTER TABLE repositories ADD COLUMN expires_at INTEGER;
CREATE INDEX repositories_by_expiry ON repositories (expires_at) WHERE expires_at IS NOT NULL;
