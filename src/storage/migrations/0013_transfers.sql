-- Copies from a mirrored registry into repositories of our own. What a transfer has yet to do is in its
-- Durable Object; here is what people see of it.

CREATE TABLE transfers (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  principal   TEXT NOT NULL,                     -- who started it, and whose pushes these are
  source      TEXT NOT NULL,                     -- a repository of a mirror, or what several begin with
  target      TEXT NOT NULL,
  options     TEXT NOT NULL,                     -- JSON: which tags, and what along with them
  state       TEXT NOT NULL DEFAULT 'running',   -- then done, failed (in part) or canceled
  progress    TEXT NOT NULL,                     -- JSON: counts, and why what failed did
  created_at  INTEGER NOT NULL DEFAULT (unixepoch()),
  updated_at  INTEGER NOT NULL DEFAULT (unixepoch()),
  finished_at INTEGER
);
CREATE INDEX transfers_by_principal ON transfers (principal, number);
CREATE INDEX running_transfers ON transfers (updated_at) WHERE state = 'running';
