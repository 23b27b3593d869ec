import { randomBytes } from 'node:crypto';
import { type Api, apiPath, type Login } from '../edgewater/api.ts';

/** Who there is for one run of the suite, and where, at a registry with a login. */
export interface Accounts {
  robot: Login; // the clients work as it: it maintains the namespace, and knows of no other
  developer: Login; // of all namespaces
  reader: Login; // of all namespaces
  publicNamespace: string;
  fullNamespace: string; // with a quota that is smaller than any image
}

/**
 * Makes a private namespace, a public one and a full one, with what has a role in them.
 *
 * @throws RefusalError in one line, when `api` does not ask as a system administrator
 */
export async function createAccounts(api: Api, namespace: string): Promise<Accounts> {
  const publicNamespace = `${namespace}-public`;
  await api.send('POST', apiPath`/namespaces`, { name: namespace, isPublic: false });
  await api.send('POST', apiPath`/namespaces`, { name: publicNamespace, isPublic: true });
  const fullNamespace = `${namespace}-full`;
  await api.send('POST', apiPath`/namespaces`, { name: fullNamespace, isPublic: false });
  await api.send('PATCH', apiPath`/namespaces/${fullNamespace}/quota`, { bytes: 100 });
  const { name, secret } = await api.send<{ name: string; secret: string }>(
    'POST',
    apiPath`/namespaces/${namespace}/robots`,
    { name: 'ci', role: 'maintainer', expiresInDays: 1 },
  );
  const createUser = async (role: 'developer' | 'reader') => {
    const login = { username: `${namespace}-${role}`, password: randomBytes(24).toString('hex') };
    await api.send('POST', apiPath`/users`, { name: login.username, password: login.password });
    for (const place of [namespace, publicNamespace, fullNamespace]) {
      await api.send('PUT', apiPath`/namespaces/${place}/members/${login.username}`, { role });
    }
    return login;
  };
  return {
    robot: { username: name, password: secret },
    developer: await createUser('developer'),
    reader: await createUser('reader'),
    publicNamespace,
    fullNamespace,
  };
}

/** Ends the logins. The namespaces stay, for the clients leave repositories in them. */
export async function removeAccounts(api: Api, namespace: string): Promise<void> {
  await api.send('DELETE', apiPath`/users/${`${namespace}-developer`}`);
  await api.send('DELETE', apiPath`/users/${`${namespace}-reader`}`);
  await api.send('DELETE', apiPath`/namespaces/${namespace}/robots/ci`);
}
