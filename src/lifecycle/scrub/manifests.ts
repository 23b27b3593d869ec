import { algorithmOf, digestOf } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type Manifest, parseManifest } from '../../oci/manifest.ts';
import type { ContentRow, ContentTable, ManifestRow } from '../../storage/metadata/scrub.ts';
import type { Stores } from '../../storage/stores.ts';
import type { ScrubProblem } from './findings.ts';

/** Bodies that one query brings along: what D1 answers has to fit the memory of an isolate. */
const MAX_BODIES = 4 * 2 ** 20; // bytes

type ManifestTable = Exclude<ContentTable, 'blobs'>;

/** Compares the bytes of manifests with their rows: digest, size, and what they name. */
export async function compareManifests(
  stores: Stores,
  table: ManifestTable,
  rows: readonly ContentRow[],
): Promise<ScrubProblem[]> {
  const problems: ScrubProblem[] = [];
  for (const group of groups(rows)) {
    const suspects = await compare(stores, table, group);
    // Once more, for they may have changed between the reads of the row and of the body.
    problems.push(
      ...(
        await compare(
          stores,
          table,
          suspects.map(({ row }) => row),
        )
      ).map(({ row, kind, detail }) => ({
        kind,
        where: table,
        repository: row.repository,
        digest: row.digest,
        key: row.key,
        detail,
      })),
    );
  }
  return problems;
}

/** Cuts rows so that the bodies of each part are no more than {@link MAX_BODIES}, or are one. */
function* groups(rows: readonly ContentRow[]): Generator<ContentRow[]> {
  let group: ContentRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (group.length > 0 && bytes + row.size > MAX_BODIES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(row);
    bytes += row.size;
  }
  yield group;
}

interface Finding {
  row: ContentRow;
  kind: 'size' | 'digest' | 'edges';
  detail: string;
}

async function compare(
  { metadata, blobs }: Stores,
  table: ManifestTable,
  rows: readonly ContentRow[],
): Promise<Finding[]> {
  if (rows.length === 0) {
    return [];
  }
  const stored = new Map(rows.map((row) => [row.place, row]));
  const findings: Finding[] = [];
  for (const manifest of await metadata.scrub.manifests(table, [...stored.keys()])) {
    const row = stored.get(manifest.place);
    const bytes =
      manifest.body !== null
        ? new TextEncoder().encode(manifest.body)
        : await blobs.bytes(row?.key ?? '');
    if (row !== undefined && bytes !== null) {
      const found = compareOne(row, manifest, bytes);
      findings.push(...(found === null ? [] : [{ row, ...found }]));
    }
  }
  return findings;
}

function compareOne(
  row: ContentRow,
  manifest: ManifestRow,
  bytes: Uint8Array,
): Omit<Finding, 'row'> | null {
  const digest = digestOf(bytes, algorithmOf(row.digest));
  if (digest !== row.digest) {
    return { kind: 'digest', detail: `the body has the digest ${digest}` };
  }
  if (bytes.byteLength !== row.size) {
    return {
      kind: 'size',
      detail: `the body has ${bytes.byteLength} bytes, the row says ${row.size}`,
    };
  }
  const differences = differencesOf(manifest, bytes);
  return differences.length === 0 ? null : { kind: 'edges', detail: differences.join('; ') };
}

/** What the row says otherwise than the manifest. Layers that may be elsewhere need no edge. */
function differencesOf(row: ManifestRow, bytes: Uint8Array): string[] {
  let parsed: Manifest;
  try {
    parsed = parseManifest(bytes, row.mediaType);
  } catch (error) {
    if (error instanceof RegistryError) {
      return [`it cannot be parsed: ${error.message}`];
    }
    throw error;
  }
  const { blobs, externalBlobs, children, subject } = parsed;
  const digestsOf = (...lists: (readonly { digest: string }[])[]) =>
    lists.flat().map((descriptor) => descriptor.digest);
  return [
    ...missing('the database lacks the blob', digestsOf(blobs), row.blobs),
    ...missing('the database alone names the blob', row.blobs, digestsOf(blobs, externalBlobs)),
    ...missing('the database lacks the manifest', digestsOf(children), row.children),
    ...missing('the database alone names the manifest', row.children, digestsOf(children)),
    ...(subject === row.subject ? [] : [`the database has the subject ${row.subject}`]),
  ];
}

/** A remark for those of `expected` that are not among the others: the first of them. */
function missing(what: string, expected: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  const absent = new Set(expected.filter((digest) => !known.has(digest)));
  const [first] = absent;
  const more = absent.size > 1 ? ` and ${absent.size - 1} more` : '';
  return first === undefined ? [] : [`${what} ${first}${more}`];
}
