/** A restore, which begins in an empty registry, is given up, begun again and ended. */
import type { Example } from './example.ts';

const BEGIN: Example = {
  method: 'POST',
  route: '/restore',
  body: {
    header: {
      format: 'edgewater-metadata',
      version: 1,
      id: '7f4ff8a1-3c0e-4c0a-9b5f-6a8a52d7a001',
      schema: '0001_initial.sql',
      takenAt: '2026-11-01T00:00:00.000Z',
      tables: ['tags'],
    },
    lastAudit: 0,
  },
  event: 'restore.begin',
};

export const RESTORE: readonly Example[] = [
  BEGIN,
  {
    method: 'POST',
    route: '/restore/tables/:table',
    path: '/restore/tables/users',
    body: {
      rows: [
        {
          name: 'bob',
          password: 'scrypt$16384$8$5$AAAA$AAAA',
          is_admin: 0,
          disabled_at: 1,
          created_at: 1,
        },
      ],
    },
  },
  {
    method: 'POST',
    route: '/restore/missing',
    body: { blobs: [{ digest: `sha256:${'0'.repeat(64)}`, key: 'blobs/none', size: 1 }] },
  },
  { method: 'POST', route: '/restore/give-up', body: {}, event: 'restore.give-up' },
  BEGIN,
  { method: 'POST', route: '/restore/end', body: {}, event: 'restore.end' },
];
