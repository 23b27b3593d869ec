/** What a pull is told of a manifest that is not there. */
import { expect, test } from 'vitest';
import { ADMIN, call as api } from '../admin/api.ts';
import { call, newRepository, push } from '../support/client.ts';
import { randomImage } from '../support/images.ts';

const remove = (repository: string, reference: string) =>
  call('DELETE', `/v2/${repository}/manifests/${reference}`);

async function messageOf(repository: string, reference: string): Promise<string> {
  const answer = await call('GET', `/v2/${repository}/manifests/${reference}`);
  expect(answer.status).toBe(404);
  const { errors } = await answer.json<{ errors: { message: string }[] }>();
  return String(errors[0]?.message);
}

test('until when it can be restored, by the tag or the digest that it had', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'v1');
  await remove(repository, image.digest);
  const until = /deleted, and can be restored until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
  expect(await messageOf(repository, 'v1')).toMatch(until);
  expect(await messageOf(repository, 'v1')).toContain('"edgewater tag restore"');
  expect(await messageOf(repository, image.digest)).toMatch(until);
  expect(await messageOf(repository, image.digest)).toContain('"edgewater manifest restore"');
});

test('no more than that, when it was never there or is gone for good', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'v1');
  const never = await messageOf(repository, 'v2');
  expect(never).not.toContain('restore');
  await remove(repository, image.digest);
  const purge = `/repositories/${encodeURIComponent(repository)}/deleted-manifests/${image.digest}`;
  expect((await api(ADMIN, 'DELETE', purge)).status).toBeLessThan(300);
  expect(await messageOf(repository, 'v1')).toBe(never);
  expect(await messageOf(repository, image.digest)).toBe(never);
});
