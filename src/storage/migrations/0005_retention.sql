-- Which tags stay as they are, and which go by themselves.

-- Rules for the tags of a namespace, or of one repository, whose row then counts instead.
CREATE TABLE tag_rules (
  namespace  TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  repository TEXT NOT NULL,               -- its whole name, whether it is there yet or not; '' for all
  immutable  TEXT NOT NULL,               -- JSON: globs of tags that neither move nor go
  exceptions TEXT NOT NULL,               -- JSON: globs of those among them that may all the same
  PRIMARY KEY (namespace, repository)
) WITHOUT ROWID;

-- The tags that are there and immutable, with the rule and the first of its globs that says so. Not
-- those that follow a subject, as sha256-<hex>.sig: who signs again moves them. And not those of a
-- deleted repository, which is taken apart.
CREATE VIEW immutable_tags AS
  SELECT tags.repository_id, tags.name, tags.digest, rules.namespace, rules.repository,
    (SELECT value FROM json_each(rules.immutable) WHERE tags.name GLOB value LIMIT 1) AS glob
  FROM tags
  JOIN repositories ON repositories.id = tags.repository_id AND repositories.deleted_at IS NULL
  JOIN tag_rules AS rules ON rules.namespace = repositories.namespace
    AND rules.repository = iif(EXISTS (SELECT 1 FROM tag_rules AS own
      WHERE own.namespace = repositories.namespace AND own.repository = repositories.name),
      repositories.name, '')
  WHERE EXISTS (SELECT 1 FROM json_each(rules.immutable) WHERE tags.name GLOB value)
    AND NOT EXISTS (SELECT 1 FROM json_each(rules.exceptions) WHERE tags.name GLOB value)
    AND tags.subject_digest IS NULL;

CREATE TRIGGER immutable_tags_do_not_move BEFORE UPDATE OF digest ON tags
WHEN OLD.digest <> NEW.digest AND EXISTS (SELECT 1 FROM immutable_tags
  WHERE repository_id = OLD.repository_id AND name = OLD.name)
BEGIN
  SELECT RAISE(ABORT, 'tag is immutable');
END;

CREATE TRIGGER immutable_tags_are_kept BEFORE DELETE ON tags
WHEN EXISTS (SELECT 1 FROM immutable_tags
  WHERE repository_id = OLD.repository_id AND name = OLD.name)
BEGIN
  SELECT RAISE(ABORT, 'tag is immutable');
END;

-- With its repository an immutable tag would go as well.
CREATE TRIGGER repositories_of_immutable_tags_are_kept BEFORE UPDATE OF deleted_at ON repositories
WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
  AND EXISTS (SELECT 1 FROM immutable_tags WHERE repository_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'tag is immutable');
END;

-- Which tags of a namespace go by themselves, and how long its untagged manifests stay.
CREATE TABLE retention_policies (
  namespace   TEXT PRIMARY KEY REFERENCES namespaces (name) ON DELETE CASCADE,
  rules       TEXT NOT NULL,              -- JSON: what lifecycle/retention/rules.ts calls Rules
  is_enabled  INTEGER NOT NULL,
  every_hours INTEGER NOT NULL,           -- from one run to the next
  revision    TEXT NOT NULL,              -- random, another one for other rules
  next_run_at INTEGER NOT NULL,
  place       TEXT NOT NULL DEFAULT '',   -- in a run, the repository with which it goes on
  last_run_at INTEGER                     -- when a run was last through; NULL: never
) WITHOUT ROWID;
CREATE INDEX retention_policies_by_time ON retention_policies (next_run_at) WHERE is_enabled = 1;

-- Namespaces whose rules are others now, so that the collector looks again at the manifests that wait there:
-- at those behind this place, some in each run.
CREATE TABLE untagged_reviews (
  namespace     TEXT PRIMARY KEY REFERENCES namespaces (name) ON DELETE CASCADE,
  repository_id INTEGER NOT NULL DEFAULT 0,
  digest        TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

ALTER TABLE audit ADD COLUMN reason TEXT; -- the rule, when one decided; NULL when somebody did
