-- Transfers are forgotten by when they ended; of those of a replication only the last few stay.

CREATE INDEX ended_transfers ON transfers (finished_at) WHERE finished_at IS NOT NULL;

ALTER TABLE transfers ADD COLUMN replication TEXT; -- the name of the one that started it
CREATE INDEX transfers_by_replication ON transfers (replication, number) WHERE replication IS NOT NULL;
