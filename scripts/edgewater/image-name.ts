import { UsageError } from './errors.ts';
import { DIGEST } from './image/content.ts';

/** As docker tells a host from the first component of a name: it has a dot or a port. */
const HOST = /^(?:localhost|[^/]*[.:][^/]*)\//;

/** Reads repository and tag; the registry's own host may stand before them. @throws UsageError */
export function parseTarget(text: string, host: string): { repository: string; tag: string } {
  const name = text.startsWith(`${host}/`) ? text.slice(host.length + 1) : text;
  const [other] = (name === text && HOST.exec(name)) || [];
  if (other !== undefined) {
    throw new UsageError(
      `"${text}" names ${other.slice(0, -1)}, and this goes to ${host}: say --registry ` +
        `${other.slice(0, -1)}, or leave the host out`,
    );
  }
  const [, repository = '', tag = 'latest'] = TARGET.exec(name) ?? [];
  if (repository === '') {
    throw new UsageError(
      `"${text}" has to be as acme/app:latest; the registry is named with --registry`,
    );
  }
  return { repository, tag };
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
const TARGET =
  /^([a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?$/;

/** As {@link parseTarget}, where a digest may stand instead of the tag. @throws UsageError */
export function parseSource(text: string, host: string): { repository: string; reference: string } {
  const [, name = text, digest] = /^([^@]+)@(.+)$/.exec(text) ?? [];
  const { repository, tag } = parseTarget(name, host);
  if (digest !== undefined && !DIGEST.test(digest)) {
    throw new UsageError(`"${digest}" is no digest; it has to be as sha256:<64 hex digits>`);
  }
  return { repository, reference: digest ?? tag };
}
