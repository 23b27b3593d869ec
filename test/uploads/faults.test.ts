/** R2 and D1 that fail in the middle of an upload, before or after the effect of a call. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { UploadSession } from '../../src/uploads/upload-session.ts';
import { newRepository } from '../support/client.ts';
import { failing, type Moment, withFaults } from '../support/faults.ts';
import { randomBlob } from '../support/images.ts';
import {
  alarmOf,
  expectBlob,
  expectNoOrphans,
  query,
  rowOf,
  storedValues,
} from '../support/storage.ts';

afterEach(expectNoOrphans);

const MOMENTS: Moment[] = ['before', 'after'];
const SIZES = [1000, PART_SIZE + 1000];
const CASES = SIZES.flatMap((size) => MOMENTS.map((moment): [number, Moment] => [size, moment]));

/** An upload whose steps run in its real Durable Object, each with bindings of its own. */
class Upload {
  readonly repository = newRepository();
  readonly id = crypto.randomUUID();
  readonly stub = env.UPLOADS.getByName(`${this.repository}/${this.id}`);
  readonly blob;

  constructor(size: number) {
    this.blob = randomBlob(size);
  }

  run<T>(
    step: (session: UploadSession) => Promise<T>,
    faults: Partial<Pick<Env, 'BUCKET' | 'DB'>> = {},
  ): Promise<T> {
    return runInDurableObject(this.stub, (_session, state) =>
      step(new UploadSession(state, { ...env, ...faults })),
    );
  }

  start = (session: UploadSession) =>
    session.start(this.id, parseRepositoryName(this.repository), 'sha256');

  append = (session: UploadSession) =>
    session.append({ body: new Blob([this.blob.bytes]).stream(), length: null, range: null });

  finish = (session: UploadSession) => session.finish(parseDigest(this.blob.digest), null);

  /** All in one PUT of known length. */
  put = (session: UploadSession) =>
    session.finish(parseDigest(this.blob.digest), {
      body: new Blob([this.blob.bytes]).stream(),
      length: this.blob.bytes.byteLength,
      range: null,
    });
}

type Env = typeof env;

const bucket = (method: string, moment: Moment, times = 1) => ({
  BUCKET: withFaults(env.BUCKET, failing(method, moment, times)),
});
const database = (method: string, moment: Moment) => ({
  DB: withFaults(env.DB, failing(method, moment)),
});
const UNAVAILABLE = { error: 'UNAVAILABLE' };

describe('finishing again after a failure', () => {
  test.each(CASES)('of the commit of %i bytes, %s it', async (size, moment) => {
    const upload = new Upload(size);
    await upload.run(upload.start);
    await upload.run(upload.append);
    const failed = await upload.run(upload.finish, database('batch', moment));
    expect(failed).toMatchObject(UNAVAILABLE);
    expect((await rowOf(upload.stub))?.state).toBe('completing');
    expect(await upload.run(upload.finish)).toMatchObject({ value: { offset: size } });
    await expectBlob(upload.repository, upload.blob);
    expect(await query('SELECT id FROM uploads WHERE id = ?1', upload.id)).toEqual([]);
  });

  test.each([
    [1000, 'put', 'before'],
    [1000, 'put', 'after'],
    [PART_SIZE + 1000, 'complete', 'before'],
    [PART_SIZE + 1000, 'complete', 'after'],
    [PART_SIZE, 'complete', 'after'],
  ] as const)('of the storing of %i bytes by %s, %s it', async (size, method, moment) => {
    const upload = new Upload(size);
    await upload.run(upload.start);
    await upload.run(upload.append);
    const failed = await upload.run(upload.finish, bucket(method, moment));
    expect(failed).toMatchObject(UNAVAILABLE);
    expect(await upload.run(upload.finish)).toMatchObject({ value: { offset: size } });
    await expectBlob(upload.repository, upload.blob);
  });

  test.each(CASES)('of one put of %i bytes, %s it', { timeout: 10_000 }, async (size, moment) => {
    const upload = new Upload(size);
    await upload.run(upload.start);
    expect(await upload.run(upload.put, bucket('put', moment))).toMatchObject(UNAVAILABLE);
    expect(await upload.run(upload.put)).toMatchObject({ value: { offset: size } });
    await expectBlob(upload.repository, upload.blob);
  });

  test.each([1000, PART_SIZE + 1000])(
    'of %i bytes: until then the status is all of them, and a chunk more is out of order',
    async (size) => {
      const upload = new Upload(size);
      await upload.run(upload.start);
      await upload.run(upload.put, database('batch', 'before'));
      const whole = { value: { offset: size } };
      expect(await upload.run((session) => session.status())).toMatchObject(whole);
      expect(await upload.run(upload.append)).toEqual({
        value: { offset: size, isOutOfOrder: true },
      });
      expect(await upload.run(upload.finish)).toMatchObject(whole);
    },
  );

  test('of the last part, three times, after it', async () => {
    const upload = new Upload(PART_SIZE + 1000);
    await upload.run(upload.start);
    await upload.run(upload.append);
    const failed = await upload.run(upload.finish, bucket('uploadPart', 'after', 3));
    expect(failed).toMatchObject(UNAVAILABLE);
    expect(await upload.run(upload.finish)).toMatchObject({ value: { offset: PART_SIZE + 1000 } });
    await expectBlob(upload.repository, upload.blob);
  });
});

describe('a part that R2 does not take', () => {
  test.each(MOMENTS)('twice, %s it: nobody notices', async (moment) => {
    const upload = new Upload(2 * PART_SIZE + 5);
    await upload.run(upload.start);
    const faults = bucket('uploadPart', moment, 2);
    const size = upload.blob.bytes.byteLength;
    expect(await upload.run(upload.append, faults)).toMatchObject({ value: { offset: size } });
    expect(await upload.run(upload.finish)).toMatchObject({ value: { offset: size } });
    await expectBlob(upload.repository, upload.blob);
  });

  test.each(MOMENTS)(
    'three times, %s it: the chunk fails and is sent again from the offset',
    async (moment) => {
      const upload = new Upload(2 * PART_SIZE + 5);
      await upload.run(upload.start);
      const failed = await upload.run(upload.append, bucket('uploadPart', moment, 3));
      expect(failed).toMatchObject(UNAVAILABLE);
      const status = await upload.run((session) => session.status());
      expect(status).toMatchObject({ value: { offset: 0 } });
      await upload.run(upload.append);
      await upload.run(upload.finish);
      await expectBlob(upload.repository, upload.blob);
    },
  );

  test('because the multipart upload does not start: the same', async () => {
    const upload = new Upload(PART_SIZE + 5);
    await upload.run(upload.start);
    const faults = bucket('createMultipartUpload', 'before', 3);
    expect(await upload.run(upload.append, faults)).toMatchObject(UNAVAILABLE);
    await upload.run(upload.append);
    await upload.run(upload.finish);
    await expectBlob(upload.repository, upload.blob);
  });
});

describe('giving up', () => {
  test.each([
    ['the database', database('batch', 'before')],
    ['the database, after it', database('batch', 'after')],
    ['R2', bucket('abort', 'before')],
    ['R2, after it', bucket('abort', 'after')],
  ])('goes on by alarm when %s failed', async (_what, faults) => {
    const upload = new Upload(PART_SIZE + 5);
    await upload.run(upload.start);
    await upload.run(upload.append);
    const failed = await upload.run((session) => session.cancel(), faults);
    expect(failed).toMatchObject(UNAVAILABLE);
    expect((await rowOf(upload.stub))?.state).toBe('closed');
    expect(await alarmOf(upload.stub)).not.toBeNull();
    await upload.run((session) => session.alarm());
    expect(await storedValues(upload.stub)).toBe(0);
    expect(await query('SELECT id FROM uploads WHERE id = ?1', upload.id)).toEqual([]);
    const key = `blobs/${upload.id}`;
    expect(await query('SELECT r2_key FROM trash WHERE r2_key = ?1', key)).toEqual([key]);
  });
});

test('a session that cannot announce itself is none', async () => {
  const upload = new Upload(10);
  expect(await upload.run(upload.start, database('all', 'before'))).toMatchObject(UNAVAILABLE);
  expect(await storedValues(upload.stub)).toBe(0);
  await evictDurableObject(upload.stub);
  expect(await upload.stub.status()).toMatchObject({ error: 'BLOB_UPLOAD_UNKNOWN' });
});
