-- What was counted of a tag or a manifest goes with it.

CREATE TRIGGER pulls_of_deleted_tags_are_forgotten AFTER DELETE ON tags
BEGIN
  DELETE FROM pulls WHERE repository_id = OLD.repository_id AND reference = OLD.name;
END;

CREATE TRIGGER pulls_of_deleted_manifests_are_forgotten AFTER DELETE ON manifests
BEGIN
  DELETE FROM pulls WHERE repository_id = OLD.repository_id AND reference = OLD.digest;
END;

-- How large what lies in the trash is, as far as a row knew it: NULL for uploads that were given up.
ALTER TABLE trash ADD COLUMN size INTEGER;

CREATE TRIGGER trash_is_measured AFTER INSERT ON trash
BEGIN
  UPDATE trash SET size = coalesce(
    (SELECT size FROM blobs WHERE r2_key = NEW.r2_key),
    (SELECT size FROM manifests WHERE r2_key = NEW.r2_key),
    (SELECT size FROM deleted_manifests WHERE r2_key = NEW.r2_key))
  WHERE r2_key = NEW.r2_key;
END;
