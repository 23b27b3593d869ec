import type { Database, Statement } from './database.ts';

/** Manifests of one step: about as many as a run of the collector looks at. */
const STEP = 2000;

/** The next ones of the namespace ?1. */
const CHOSEN = `
  SELECT queue.repository_id, queue.digest
  FROM untagged_reviews AS reviews
  JOIN repositories ON repositories.namespace = reviews.namespace
    AND repositories.id >= reviews.repository_id
  JOIN collection_queue AS queue ON queue.repository_id = repositories.id AND queue.kind = 'manifest'
  WHERE reviews.namespace = ?1
    AND (queue.repository_id, queue.digest) > (reviews.repository_id, reviews.digest)
  ORDER BY queue.repository_id, queue.digest LIMIT ${STEP}`;

/**
 * Has the collector look again at the manifests of a namespace that wait: other rules may let them go
 * earlier. The first ones now, for the batch that changes the rules; {@link UntaggedReviewMetadata.goOn}
 * does the rest.
 */
export function reviewUntagged(namespace: string): Statement[] {
  return [
    [
      `INSERT INTO untagged_reviews (namespace) VALUES (?1)
       ON CONFLICT DO UPDATE SET repository_id = 0, digest = ''`,
      namespace,
    ],
    ...step(namespace),
  ];
}

/** Namespaces in which what waits has to be looked at again. */
export class UntaggedReviewMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Goes on with one namespace, a bounded step; false when there is none left. */
  async goOn(): Promise<boolean> {
    const next = await this.#database.first<{ namespace: string }>(
      'SELECT namespace FROM untagged_reviews LIMIT 1',
    );
    if (next === null) {
      return false;
    }
    await this.#database.batch(step(next.namespace));
    return true;
  }
}

function step(namespace: string): Statement[] {
  return [
    [
      `UPDATE collection_queue SET review_after = min(review_after, unixepoch())
       WHERE kind = 'manifest' AND (repository_id, digest) IN (${CHOSEN})`,
      namespace,
    ],
    [
      `DELETE FROM untagged_reviews
       WHERE namespace = ?1 AND (SELECT count(*) FROM (${CHOSEN})) < ${STEP}`,
      namespace,
    ],
    [
      `UPDATE untagged_reviews SET (repository_id, digest) = (
         SELECT repository_id, digest FROM (${CHOSEN}) ORDER BY repository_id DESC, digest DESC LIMIT 1)
       WHERE namespace = ?1`,
      namespace,
    ],
  ];
}
