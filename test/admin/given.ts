/** What the tests of namespaces find: two, with an admin each. */
import { newNamespace, newUser, user } from './api.ts';

export const boss = user('boss'); // admin of "own" and of nothing else
export const developer = user('developer'); // of "own"

/** Makes it all; for `beforeAll`. "rival" is admin of "other"; "stranger" has no role. */
export async function prepare(): Promise<void> {
  for (const name of ['boss', 'developer', 'rival', 'stranger']) {
    await newUser(name);
  }
  await newNamespace('own', { boss: 'admin', developer: 'developer' });
  await newNamespace('other', { rival: 'admin' });
}
