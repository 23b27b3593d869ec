-- Objects of R2 that scrub found to be lost or to hold other bytes. Nobody reads what has such a key;
-- pushing the content again gives it another. A key is never reused, so a mark cannot hit new bytes.
CREATE TABLE damaged_objects (
  r2_key   TEXT PRIMARY KEY,
  problem  TEXT NOT NULL CHECK (problem IN ('missing', 'size', 'digest')),
  found_at INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;

CREATE TRIGGER marks_go_with_their_object AFTER DELETE ON trash
BEGIN
  DELETE FROM damaged_objects WHERE r2_key = OLD.r2_key;
END;
