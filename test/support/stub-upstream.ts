/** A registry elsewhere, which a mirror asks: inside the runtime of the tests, without a login. */
import { vi } from 'vitest';
import type { TestManifest } from './images.ts';

/** Has `fetch` answer with a manifest and its blobs, by digest, and the manifest by tag as well. */
export function stubUpstream(image: TestManifest, tag = 'v1'): void {
  const contents = new Map([image, ...image.blobs].map((content) => [content.digest, content]));
  vi.stubGlobal('fetch', async (url: URL, { method }: { method: string }) => {
    const name = url.pathname.split('/').at(-1) ?? '';
    const content = contents.get(name === tag ? image.digest : name);
    const headers = {
      'Content-Type': image.mediaType,
      'Content-Length': String(content?.bytes.byteLength ?? 0),
      'Docker-Content-Digest': content?.digest ?? '',
    };
    const body = method === 'HEAD' ? null : (content?.bytes ?? null);
    return new Response(body, { status: content === undefined ? 404 : 200, headers });
  });
}
