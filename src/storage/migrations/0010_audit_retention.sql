-- Entries of the audit log go when they are old; until then nobody can take one away, but those that a
-- restore has brought which is given up: their ids are between its own and those from before it.

DROP TRIGGER audit_is_kept;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.at > unixepoch() - 30 * 86400
  AND NOT EXISTS (SELECT 1 FROM progress WHERE job = 'restore' AND state ->> 'phase' = 'given up'
    AND OLD.id > state ->> 'own' AND OLD.id < state ->> 'audit')
BEGIN
  SELECT RAISE(ABORT, 'audit entries of the last 30 days cannot be deleted');
END;

-- `INSERT INTO waits_for_restores VALUES (1)` rolls a batch back while a restore is under way, or one that was
-- given up has left something. Like guard it is a view.
CREATE VIEW waits_for_restores AS SELECT 1 AS waits;
CREATE TRIGGER restores_come_first INSTEAD OF INSERT ON waits_for_restores
WHEN EXISTS (SELECT 1 FROM progress
  WHERE job = 'restore' AND state ->> 'phase' IN ('open', 'given up'))
BEGIN
  SELECT RAISE(ABORT, 'restore is under way');
END;

-- While a restore is under way, nothing else changes: whatever does has its entry behind the one that
-- began the restore, whose own entries are before that. What changes no content may go on.
CREATE TRIGGER changes_wait_for_restores AFTER INSERT ON audit
WHEN NEW.event NOT IN ('restore.begin', 'restore.end', 'restore.give-up', 'login.failed',
    'token.issue', 'quota.warning', 'scrub.start', 'object.damaged')
  AND EXISTS (SELECT 1 FROM progress WHERE job = 'restore'
    AND state ->> 'phase' IN ('open', 'given up')
    AND NEW.id > state ->> 'audit')
BEGIN
  SELECT RAISE(ABORT, 'restore is under way');
END;

-- No copy is made of what is half restored, nor goes on that was begun before.
CREATE TRIGGER copies_wait_for_restores BEFORE INSERT ON progress WHEN NEW.job = 'copy'
BEGIN
  INSERT INTO waits_for_restores VALUES (1);
END;
