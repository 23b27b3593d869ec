import assert from 'node:assert/strict';
import type { Login } from '../edgewater/api.ts';
import type { Accounts } from './accounts.ts';
import type { Bench } from './bench.ts';
import { manifestStatus } from './remote.ts';
import type { Action } from './suite.ts';

/** How a client logs in, and the least that it can do then. All of it rejects when it is refused. */
export interface LoginClient {
  logIn(login: Login): Promise<unknown>;
  logOut(): Promise<unknown>;
  push(reference: string): Promise<unknown>; // something that the client has
  pull(reference: string): Promise<unknown>;
  /** It does not ask the registry about a login before it has something to do there. */
  logsInLater?: true;
  /** Of a refusal it shows the status at most, not what the registry says. */
  hidesReasons?: true;
}

const UNAUTHORIZED = /unauthorized|invalid username\/password|denied|authorization failed/i;
const DENIED = /requested access to the resource is denied|insufficient_scope|\b401\b/;
const FULL = /has no room for this: it uses \d+ of 100 bytes/;

/** Logs a client in for all that it does with the registry; with an open one there is no need. */
export async function logInAsRobot(
  bench: Bench,
  client: Pick<LoginClient, 'logIn'>,
): Promise<void> {
  if (bench.accounts !== null) {
    await client.logIn(bench.accounts.robot);
  }
}

/**
 * What roles let people do: in the namespace of the run, which is private, and in the public one.
 * They end logged out. An open registry has none of it.
 */
export function loginActions(bench: Bench, client: LoginClient, denied = DENIED): Action[] {
  const { accounts } = bench;
  return accounts === null
    ? []
    : [
        { name: 'login: wrong password', run: () => refuseLogin(bench, client, accounts) },
        { name: 'login: developer pushes', run: () => pushBoth(bench, client, accounts) },
        { name: 'quota: the push says what is missing', run: () => refuseFull(bench, client) },
        {
          name: 'login: reader only pulls',
          run: () => refusePush(bench, client, accounts, denied),
        },
        { name: 'logout: private is refused', run: () => refusePull(bench, client) },
        { name: 'logout: public is pulled', run: () => pullPublic(bench, client) },
      ];
}

const REFERENCE = 'login:v1';

async function refuseLogin(bench: Bench, client: LoginClient, accounts: Accounts): Promise<void> {
  const login = client.logIn({ ...accounts.developer, password: 'not the password' });
  await (client.logsInLater
    ? login.then(() => assert.rejects(client.pull(bench.remote(REFERENCE)), UNAUTHORIZED))
    : assert.rejects(login, UNAUTHORIZED));
}

async function pushBoth(bench: Bench, client: LoginClient, accounts: Accounts): Promise<void> {
  await client.logIn(accounts.developer);
  await client.push(bench.remote(REFERENCE));
  await client.push(bench.publicRemote(REFERENCE));
}

async function refuseFull(bench: Bench, client: LoginClient): Promise<void> {
  const reason = client.hidesReasons ? /\b4\d\d\b/ : FULL;
  await assert.rejects(client.push(bench.fullRemote(REFERENCE)), reason);
}

/** Also what everybody may pull is for developers to push. */
async function refusePush(
  bench: Bench,
  client: LoginClient,
  accounts: Accounts,
  denied: RegExp,
): Promise<void> {
  await client.logIn(accounts.reader);
  await client.pull(bench.remote(REFERENCE));
  await assert.rejects(client.push(bench.remote('login:v2')), denied);
  await assert.rejects(client.push(bench.publicRemote('login:v2')), denied);
  assert.equal(await manifestStatus(bench, 'login', 'v2'), 404, 'it was pushed all the same');
}

async function refusePull(bench: Bench, client: LoginClient): Promise<void> {
  await client.logOut();
  await assert.rejects(client.pull(bench.remote(REFERENCE)), UNAUTHORIZED);
}

async function pullPublic(bench: Bench, client: LoginClient): Promise<void> {
  await client.pull(bench.publicRemote(REFERENCE));
}
