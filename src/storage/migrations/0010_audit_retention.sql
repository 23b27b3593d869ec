-- Entries of the audit log go when they are old; until then nobody can take one away.

DROP TRIGGER audit_is_kept;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.at > unixepoch() - 30 * 86400
BEGIN
  SELECT RAISE(ABORT, 'audit entries of the last 30 days cannot be deleted');
END;
