import { type Counts, NOTHING } from './counts.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { dollarsPerMillion, ECR, PRICES_OF, R2_STORAGE } from './prices.ts';

const LAYERS = 6;
const IMAGE_SIZE = 0.1; // GB
const LAYER_PARTS = 2; // of 8 MiB each, as docker's uploads are cut

/** docs/costs.md, whole. */
export function costsDocument(): string {
  const operations: Operation[] = Object.values(OPERATIONS);
  return `# What it costs

Written by \`npm run costs\` from the table in \`scripts/costs\`, which \`test/costs\` compares with what the
code asks of the platform's bindings under miniflare; do not edit. The counts are exact; that a location
has in its cache what it was given, only a deployment shows. An image is one of ${LAYERS} layers of 1,000 bytes
with a config and a manifest, pulled and pushed with a bearer token, request by request as docker and
containerd do after their first \`GET /v2/\`.

## Counted

${countsTable(operations)}

*D1 calls* are round trips: queries and batches. *Look-ups* are of the edge cache, which is free. What is
warm is remembered for 60 seconds (\`MEMBERSHIP_MAX_AGE\`); a pull after that asks again, from the edge
cache or by one query an object, while the bytes stay where they are. A first pull of something larger
than 1 MiB reads R2 twice: once for the client, once for the cache. Above 512 MB nothing is cached, and
every pull reads R2. On a workers.dev name there is no edge
cache: only what fits the memory of the isolate is warm there, and the rest reads R2 once.

A layer in parts of 8 MiB costs its parts and two more; one of known length (containerd, buildx, oras,
helm) a single one.

Of a mirror ([mirror.md](mirror.md)) an image that was fetched costs what an own one does, and by tag one more query, for the tag's
age. The requests to its upstream are not in the table: one for each manifest and blob, and a \`HEAD\` for a
tag that is older than it may be.

## In dollars

Of ${PRICES_OF}, above the $5 a month of Workers Paid, which includes 10 million requests, 25 billion D1 rows
read, 50 million written and a million requests of Durable Objects, and of R2's free tier (a million class A, 10
million class B, 10 GB) each month.

${dollarsTable(operations)}

Not in it: CPU ($0.02 per million ms; a warm pull takes well below a millisecond a request, a
streamed push hashes at more than 1 GB/s), the time of Durable Objects ($12.50 per million GB-s at 128
MB: $0.016 for a thousand uploads of 10 seconds each), storage ($${R2_STORAGE} per GB and month), and the token
that a client fetches once in five minutes, which has a row of its own. There is no charge for egress.

## Beside others

An image of ${IMAGE_SIZE * 1000} MB in ${LAYERS} layers of ${LAYER_PARTS} parts each, with a token fetched for each pull and
push:

${comparison()}

A token is the dearest part of a warm pull: the audit log has a row for each that somebody is given. Nobody
in particular gets one without: a million warm pulls of a public image cost ${dollars(
    priceOf(OPERATIONS.warmTagPull) + dollarsPerMillion(1, NOTHING),
    'million',
  )}.

¹ By its source (commit 5f97b0e): L small layers take 6L+11 class A and 5L+8 class B operations to push,
larger ones more. It has no tokens, no database and no cache: every pull of every object reads R2, which is
counted here as once, the least that can be.
² To the internet; pulls from the same AWS region are free, other transfers and NAT are not.
³ Fair use. The free plan allows 100 pulls an hour, 10 without a login; both have changed often.

Prices of others: Amazon ECR (us-east-1) and Docker's documentation as of ${PRICES_OF}. They do not include
what a server of one's own (Harbor, zot, distribution) costs, with its disks and its egress.
`;
}

function countsTable(operations: readonly Operation[]): string {
  return toTable(
    ['operation', 'requests', 'R2 class A', 'R2 class B', 'D1 calls', 'objects', 'look-ups'],
    operations.map(({ title, requests, counts }) => [
      title,
      requests,
      counts.r2ClassA,
      counts.r2ClassB,
      counts.d1Queries + counts.d1Batches,
      counts.objectRequests,
      counts.cacheLookups,
    ]),
  );
}

function dollarsTable(operations: readonly Operation[]): string {
  return toTable(
    ['operation', 'rows read', 'rows written', 'dollars'],
    operations.map(({ title, per, requests, counts }) => [
      title,
      counts.d1RowsRead,
      counts.d1RowsWritten,
      `${dollars(dollarsPerMillion(requests, counts), per)} per ${per}`,
    ]),
  );
}

function comparison(): string {
  const { token, coldPull, warmTagPull, push } = OPERATIONS;
  const withToken = (operation: Operation, more: Partial<Counts>) =>
    priceOf({ ...operation, counts: { ...operation.counts, ...more } }) + priceOf(token);
  const serverlessPull = { ...NOTHING, r2ClassB: LAYERS + 2 };
  const serverlessPush = { ...NOTHING, r2ClassA: 6 * LAYERS + 11, r2ClassB: 5 * LAYERS + 8 };
  const egress = IMAGE_SIZE * ECR.egress * 1e6;
  // A layer costs its parts and two more; the config is a single put. A cold one is read twice.
  const largePush = { r2ClassA: LAYERS * (LAYER_PARTS + 2) + 1 };
  const largePull = { r2ClassB: LAYERS * 2 + 1 };
  return toTable(
    ['', 'a million pulls', 'a thousand pushes', 'a GB stored, a month'],
    [
      [
        'Edgewater, warm',
        dollars(withToken(warmTagPull, {}), 'million'),
        dollars(withToken(push, largePush), 'thousand'),
        `$${R2_STORAGE}`,
      ],
      [
        'Edgewater, cold',
        dollars(withToken(coldPull, largePull), 'million'),
        'the same',
        `$${R2_STORAGE}`,
      ],
      [
        'cloudflare/serverless-registry¹',
        dollars(dollarsPerMillion(coldPull.requests, serverlessPull), 'million'),
        dollars(dollarsPerMillion(push.requests, serverlessPush), 'thousand'),
        `$${R2_STORAGE}`,
      ],
      ['Amazon ECR', `$0 to ${dollars(egress, 'million')}²`, '$0', `$${ECR.storage.toFixed(2)}`],
      ['Docker Hub', 'in the plan³, by the seat', 'in the plan', 'in the plan'],
    ],
  );
}

function priceOf({ requests, counts }: Operation): number {
  return dollarsPerMillion(requests, counts);
}

function dollars(perMillion: number, per: Operation['per']): string {
  const value = per === 'million' ? perMillion : perMillion / 1000;
  return `$${value.toLocaleString('en-US', { maximumSignificantDigits: 3 })}`;
}

function toTable(heading: readonly string[], rows: readonly (string | number)[][]): string {
  const rule = heading.map((_, column) => (column === 0 ? '---' : '---:'));
  return [heading, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
