-- Who may do what. A principal is a user ("alice"), a robot ("acme+ci"), a workload
-- ("oidc:<subject>") or, in a member's row, everybody ("*").

CREATE TABLE users (
  name        TEXT PRIMARY KEY,
  password    TEXT NOT NULL,              -- scrypt$N$r$p$salt$hash: the parameters of this hash
  is_admin    INTEGER NOT NULL DEFAULT 0, -- of the whole system
  disabled_at INTEGER,
  created_at  INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;

CREATE TABLE namespaces (
  name            TEXT PRIMARY KEY,       -- the first component of its repositories' names
  is_public       INTEGER NOT NULL DEFAULT 0,
  creates_on_push INTEGER NOT NULL DEFAULT 1,
  network         TEXT NOT NULL DEFAULT '{}', -- JSON: what auth/network.ts calls NetworkRules
  created_at      INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;

INSERT INTO namespaces (name) SELECT DISTINCT namespace FROM repositories;

CREATE TRIGGER repositories_have_namespaces AFTER INSERT ON repositories
BEGIN
  INSERT OR IGNORE INTO namespaces (name) VALUES (NEW.namespace);
END;

CREATE TABLE robots (
  name        TEXT PRIMARY KEY,           -- "<namespace>+<its own name>"
  namespace   TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  description TEXT NOT NULL DEFAULT '',
  disabled_at INTEGER,
  created_at  INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;
CREATE INDEX robots_by_namespace ON robots (namespace);

-- A role on the repositories that match a glob: "**" for the whole namespace. Where several rows of
-- one principal match, the one with the longest glob counts.
CREATE TABLE members (
  namespace    TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  principal    TEXT NOT NULL,
  repositories TEXT NOT NULL,             -- glob over the name behind the namespace
  role         TEXT NOT NULL,
  created_at   INTEGER NOT NULL DEFAULT (unixepoch()),
  PRIMARY KEY (namespace, principal, repositories)
) WITHOUT ROWID;
CREATE INDEX members_by_principal ON members (principal);

-- "A token of this issuer with these claims may do that": a workload logs in without a secret.
CREATE TABLE trust_rules (
  id         TEXT PRIMARY KEY,
  namespace  TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  issuer     TEXT NOT NULL,
  audience   TEXT NOT NULL,
  claims     TEXT NOT NULL,               -- JSON: {"<claim>": "<glob>" or ["<glob>", …]}
  grants     TEXT NOT NULL,               -- JSON: [{"repositories": "<glob>", "actions": […]}]
  created_at INTEGER NOT NULL DEFAULT (unixepoch()),
  UNIQUE (namespace, name)
) WITHOUT ROWID;
CREATE INDEX trust_rules_by_issuer ON trust_rules (issuer);

-- Secrets that the registry gave out. Each has 160 random bits, so a plain hash is enough.
CREATE TABLE credentials (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('personal', 'robot', 'temporary', 'refresh')),
  principal    TEXT NOT NULL,
  name         TEXT NOT NULL,
  secret_hash  TEXT NOT NULL UNIQUE,      -- SHA-256, hex
  limits       TEXT NOT NULL,             -- JSON: lists of grants, each of which has to allow
  grants       TEXT,                      -- JSON: a workload's rights; NULL where members decide
  parent       TEXT REFERENCES credentials (id) ON DELETE CASCADE, -- what it was made with
  trust_rule   TEXT REFERENCES trust_rules (id) ON DELETE CASCADE,
  created_at   INTEGER NOT NULL DEFAULT (unixepoch()),
  expires_at   INTEGER,                   -- NULL: never
  last_used_at INTEGER
) WITHOUT ROWID;
CREATE INDEX credentials_by_principal ON credentials (principal);
CREATE INDEX credentials_by_parent ON credentials (parent);
CREATE INDEX credentials_by_trust_rule ON credentials (trust_rule);
CREATE INDEX credentials_by_expiry ON credentials (expires_at);

-- Keys that sign access tokens. The private one is encrypted with the secret ADMIN_PASSWORD.
CREATE TABLE signing_keys (
  id          TEXT PRIMARY KEY,           -- the "kid" of its tokens
  public_key  TEXT NOT NULL,              -- JWK
  private_key TEXT NOT NULL,              -- base64 of salt, nonce and AES-256-GCM ciphertext
  created_at  INTEGER NOT NULL DEFAULT (unixepoch()),
  retires_at  INTEGER NOT NULL            -- its tokens are refused from then on
) WITHOUT ROWID;

-- What happened. Rows are added by the batch that makes the change, and stay as they are.
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL DEFAULT (unixepoch()),
  event      TEXT NOT NULL,               -- "tag.set", "login.failed", …
  principal  TEXT NOT NULL,
  address    TEXT,
  namespace  TEXT,
  repository TEXT,
  target     TEXT,                        -- a tag, a digest, or the name of what was changed
  before     TEXT,
  after      TEXT
);
CREATE INDEX audit_by_namespace ON audit (namespace, id);
CREATE INDEX audit_by_principal ON audit (principal, id);

CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit entries cannot be changed');
END;

-- INSERT OR REPLACE would delete without the trigger below.
CREATE TRIGGER audit_is_appended BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'audit entries cannot be replaced');
END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit entries cannot be deleted');
END;
