/** A namespace that was a mirror, and is one again. */
import { expect, test } from 'vitest';
import { call } from '../../support/client.ts';
import { api, image, newMirror, pullImage, setMirror, upstream, usePlace } from './place.ts';

usePlace();

const deleteRepository = (mirror: string) =>
  api('DELETE', `/namespaces/${mirror}/repositories/${encodeURIComponent(`${mirror}/app`)}`);

function put(mirror: string): Promise<Response> {
  return call('PUT', `/api/v1/upstreams/${mirror}`, {
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: upstream.url }),
  });
}

test('it fetches into new repositories, when what it had is deleted', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  const mirror = await newMirror();
  await pullImage(`${mirror}/app`, wanted);
  await api('DELETE', `/upstreams/${mirror}`);
  expect((await put(mirror)).status).toBe(409);
  await deleteRepository(mirror);
  await setMirror(mirror);
  await pullImage(`${mirror}/app`, wanted);
});

test('what can be restored yet is in the way: it would be mixed with what is fetched', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  const mirror = await newMirror();
  await pullImage(`${mirror}/app`, wanted);
  await api('DELETE', `/upstreams/${mirror}`);
  await api('PATCH', `/namespaces/${mirror}`, { restoreDays: 7 });
  await deleteRepository(mirror);
  const refused = await put(mirror);
  expect(refused.status).toBe(409);
  expect(await refused.text()).toContain('repo purge');
  const deleted = `/namespaces/${mirror}/deleted-repositories`;
  const { repositories } = JSON.parse(await api('GET', deleted));
  await api('DELETE', `${deleted}/${repositories[0].id}`);
  expect((await put(mirror)).status).toBe(200);
});
