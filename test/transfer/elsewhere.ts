/** Another registry, as `fetch` sees it: what is put into it, and what is asked of it. */
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { ADMIN, call } from '../admin/api.ts';
import { OCI_INDEX, type TestBlob, type TestManifest } from '../support/images.ts';

export const MIRROR = 'old.example.com';

interface Asked {
  method: string;
  path: string; // behind /v2/, with the query
}

export class Elsewhere {
  readonly asked: Asked[] = [];
  readonly contents = new Map<string, TestBlob & { mediaType?: string }>();
  readonly tags = new Map<string, string>();
  readonly referrers = new Map<string, TestManifest[]>();
  /** What is answered instead; it may throw as the platform does, and take its time. */
  reply: (asked: Asked) => Response | null | Promise<Response | null> = () => null;

  /** Has a manifest with its blobs, by its digest and by a tag. */
  add(manifest: TestManifest, tag?: string): void {
    for (const content of [manifest, ...manifest.blobs]) {
      this.contents.set(content.digest, content);
    }
    if (tag !== undefined) {
      this.tags.set(tag, manifest.digest);
    }
  }

  async answer(asked: Asked): Promise<Response> {
    this.asked.push(asked);
    const instead = await this.reply(asked);
    if (instead !== null) {
      return instead;
    }
    if (asked.path.includes('/tags/list')) {
      return Response.json({ tags: [...this.tags.keys()] });
    }
    const [, kind, name = ''] = /\/(manifests|blobs|referrers)\/([^/?]+)$/.exec(asked.path) ?? [];
    if (kind === 'referrers') {
      const manifests = (this.referrers.get(name) ?? []).map(({ mediaType, digest, bytes }) => ({
        ...{ mediaType, digest, size: bytes.byteLength },
      }));
      const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
      return new Response(body, { headers: { 'Content-Type': OCI_INDEX } });
    }
    const content = this.contents.get(this.tags.get(name) ?? name);
    const headers = {
      'Content-Type': content?.mediaType ?? 'application/octet-stream',
      'Content-Length': String(content?.bytes.byteLength ?? 0),
      'Docker-Content-Digest': content?.digest ?? '',
    };
    const body = asked.method === 'HEAD' ? null : (content?.bytes ?? null);
    return new Response(body, { status: content === undefined ? 404 : 200, headers });
  }
}

export let elsewhere: Elsewhere;

beforeEach(async () => {
  elsewhere = new Elsewhere();
  vi.stubGlobal('fetch', async (url: URL, { method }: { method: string }) =>
    elsewhere.answer({ method, path: `${url.pathname}${url.search}`.slice('/v2/'.length) }),
  );
  await mirror({});
});

afterEach(() => vi.unstubAllGlobals());

/** Makes it a mirror, or changes that. */
export async function mirror(settings: object): Promise<void> {
  const body = { url: `https://${MIRROR}`, tagMaxAge: 0, missingMaxAge: 0, ...settings };
  expect((await call(ADMIN, 'PUT', `/upstreams/${MIRROR}`, { body })).status).toBe(200);
}
