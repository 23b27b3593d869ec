import fc from 'fast-check';
import { describe, expect, inject, test, vi } from 'vitest';
import { contentLength, discardBody, readBody } from '../../src/http/body.ts';
import { toErrorResponse } from '../../src/http/error-response.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import { streamOf } from '../support/bodies.ts';
import { errorsOf } from '../support/client.ts';
import { randomBytes } from '../support/images.ts';

fc.configureGlobal({ seed: inject('seed') });

const requestWith = (body: BodyInit, method = 'PUT') =>
  new Request('http://registry.test/v2/', { method, body });

describe('contentLength', () => {
  test('is a number of bytes, or null when it is not announced', () => {
    expect(contentLength(new Headers())).toBeNull();
    fc.assert(
      fc.property(fc.nat(), (length) => {
        expect(contentLength(new Headers({ 'Content-Length': String(length) }))).toBe(length);
      }),
    );
  });

  test.each(['-1', '1.5', '1e3', '0x10', '', '1, 1', '9'.repeat(16)])(
    '"%s" is SIZE_INVALID',
    (length) => {
      const headers = new Headers({ 'Content-Length': length });
      expect(() => contentLength(headers)).toThrow(
        expect.objectContaining({ error: 'SIZE_INVALID' }),
      );
    },
  );
});

describe('readBody', () => {
  test('gives every byte of a body up to the limit, however it is cut, and refuses one more', async () => {
    const sizes = fc.integer({ min: 1, max: 150_000 });
    const chunks = fc.integer({ min: 2000, max: 150_000 });
    await fc.assert(
      fc.asyncProperty(sizes, chunks, async (size, chunk) => {
        const bytes = randomBytes(size);
        const body = await readBody(requestWith(streamOf(bytes, chunk)), size);
        expect(Buffer.compare(body, bytes)).toBe(0);
        const larger = requestWith(streamOf(bytes, chunk));
        await expect(readBody(larger, size - 1)).rejects.toThrow(
          expect.objectContaining({ error: 'MANIFEST_TOO_LARGE' }),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('gives nothing of no body', async () => {
    expect(await readBody(new Request('http://registry.test/'), 10)).toHaveLength(0);
  });

  test('refuses by the announced length alone', async () => {
    await expect(readBody(requestWith('12345'), 4)).rejects.toThrow(RegistryError);
  });
});

describe('toErrorResponse', () => {
  test('has an entry for each detail, the status of the table and the extra headers', async () => {
    const error = new RegistryError('MANIFEST_BLOB_UNKNOWN', 'missing', {
      details: ['sha256:a', 'sha256:b'],
      headers: { 'X-Extra': '1' },
    });
    const response = toErrorResponse(error, requestWith('x'));
    expect(response.status).toBe(400);
    expect(response.headers.get('X-Extra')).toBe('1');
    expect(await errorsOf(response)).toEqual(
      ['sha256:a', 'sha256:b'].map((detail) => ({
        code: 'MANIFEST_BLOB_UNKNOWN',
        message: 'missing',
        detail,
      })),
    );
  });

  test('hides what is not meant for the client and logs it', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const cause = new Error('password');
    const response = toErrorResponse(cause, requestWith('x'));
    expect(response.status).toBe(500);
    const [entry] = await errorsOf(response);
    expect(entry?.code).toBe('UNKNOWN');
    expect(entry?.message).not.toContain('password');
    expect(log).toHaveBeenCalledWith(expect.any(String), cause);
    log.mockRestore();
  });
});

describe('discardBody', () => {
  test('reads a body that nobody wanted, so that the client sees the answer', async () => {
    const request = requestWith(streamOf(randomBytes(500_000)));
    await discardBody(request);
    expect(request.bodyUsed).toBe(true);
  });
});
