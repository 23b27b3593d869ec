import { useRegistry } from './client.ts';

const { REGISTRY_URL } = process.env;
if (REGISTRY_URL === undefined) {
  throw new Error('set REGISTRY_URL to the address of the registry to test');
}
useRegistry(REGISTRY_URL, (request) => fetch(request));
