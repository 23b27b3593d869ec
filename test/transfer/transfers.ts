/** Transfers from that registry, which run by their own alarms. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { ADMIN, call } from '../admin/api.ts';

const startTransfer = (id: string) => env.TRANSFERS.getByName(id).start(id);

/** Starts one: its id. */
export async function begin(body: object): Promise<string> {
  const answer = await call(ADMIN, 'POST', '/transfers', { body, context: { startTransfer } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id;
}

/** What the API says of one. */
export async function look(id: string) {
  return (await call(ADMIN, 'GET', `/transfers/${id}`)).json;
}

/** Waits until one has ended: what the API says of it. */
export async function ended(id: string) {
  await expect
    .poll(async () => (await look(id)).state, { timeout: 50_000, interval: 50 })
    .not.toBe('running');
  return look(id);
}

export const run = async (body: object) => ended(await begin(body));
