import { RegistryError } from '../oci/errors.ts';

/** Has what an upstream refuses count as not there, as it does for those that do not tell the two apart. */
export function refusedIsNull(error: unknown): null {
  if (error instanceof RegistryError && error.error === 'UPSTREAM_REFUSED') {
    return null;
  }
  throw error;
}
