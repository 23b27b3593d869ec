-- How many rows SQLite expects behind the indexes of tags, and of what a mirror has not fetched. Without, or when
-- it has counted before a repository grew, it takes the primary key to find the tags of one manifest and so reads
-- all of the repository's, in the look-ups of foreign keys too. What is fixed here cannot get old; nothing else is
-- counted, so plans are the same everywhere. https://www.sqlite.org/fileformat2.html#stat1tab
ANALYZE signing_keys; -- makes the table; a small one
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('tags', 'tags', '1000000 1000 1'),
  ('tags', 'tags_by_digest', '1000000 1000 2 1'),
  ('tags', 'tags_by_subject', '100000 100 2 1'),
  ('unfetched_content', 'unfetched_content', '1000000 1000 2 1'),
  ('unfetched_content', 'unfetched_content_by_manifest', '1000000 1000 20');
ANALYZE sqlite_schema; -- reads it
