-- Copies between registries that are known as upstreams and repositories of our own. What a transfer has yet to do is in its
-- Durable Object; here is what people see of it.

CREATE TABLE transfers (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  principal   TEXT NOT NULL,                     -- who started it, and whose pushes these are
  source      TEXT NOT NULL,                     -- a repository, or what several begin with
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

-- Copies that are made again and again.
CREATE TABLE replications (
  name          TEXT PRIMARY KEY,
  principal     TEXT NOT NULL,                   -- who set it, and whose transfers these are
  source        TEXT NOT NULL,
  target        TEXT NOT NULL,
  options       TEXT NOT NULL,                   -- JSON, as of a transfer
  every_minutes INTEGER NOT NULL,
  is_enabled    INTEGER NOT NULL DEFAULT 1,
  next_run_at   INTEGER NOT NULL DEFAULT (unixepoch()),
  last_transfer TEXT                             -- the id; the transfer may be forgotten by then
);
CREATE INDEX due_replications ON replications (next_run_at) WHERE is_enabled;
