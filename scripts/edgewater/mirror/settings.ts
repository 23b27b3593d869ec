import { type Command, Option } from 'commander';
import { type Limit, parseBytes, toLimit } from '../amount.ts';
import { askSecret, passwordFromStdin } from '../ask.ts';
import { UsageError } from '../errors.ts';
import { addValues, parseDuration } from '../options.ts';

/** A mirror's upstream as the API has it. */
export interface Upstream {
  namespace: string;
  url: string;
  username: string | null;
  tokenHost: string | null;
  repositories: string[];
  platforms: string[] | null;
  tagMaxAge: number; // seconds
  missingMaxAge: number; // seconds
  keepBytes: number | null;
  onMissing: 'forget' | 'keep';
  onFailure: 'stale' | 'fail';
}

/** What is given for one; the rest is as it was, or as the registry sees fit. */
export interface UpstreamOptions {
  url?: string;
  username?: string;
  anonymous?: true;
  passwordStdin?: true;
  tokenHost?: string;
  repositories?: string[];
  platforms?: string[];
  tagMaxAge?: number; // seconds
  missingMaxAge?: number; // seconds
  keep?: Limit; // bytes
  onMissing?: Upstream['onMissing'];
  onFailure?: Upstream['onFailure'];
}

/** The options of a mirror's settings. */
export function addUpstreamOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where the registry is: scheme and host')
    .option('--username <name>', 'the login there; asks for the password')
    .addOption(new Option('--anonymous', 'without a login').conflicts('username'))
    .option('--password-stdin', 'the password is on standard input')
    .option('--token-host <host>', 'the host of its token server, if that is another; or none')
    .option('--repositories <globs>', "only these, as 'library/*,acme/**'; repeatable", addValues)
    .option('--platforms <platforms>', 'only these, as linux/amd64; or all', addValues)
    .option('--tag-max-age <time>', 'a tag is asked for again after this, as 5m', parseDuration)
    .option('--missing-max-age <time>', 'what was not there, too, as 1m', parseDuration)
    .option(
      '--keep <bytes>',
      'above this the least recently pulled goes, as 50GB; or none',
      parseBytes,
    )
    .addOption(
      new Option('--on-missing <what>', 'when a tag is gone there').choices(['forget', 'keep']),
    )
    .addOption(
      new Option('--on-failure <what>', 'when it does not answer').choices(['stale', 'fail']),
    );
}

/** What the options say, in the API's words. Asks for a password where there is a user name. */
export async function readUpstream(
  options: UpstreamOptions,
): Promise<Partial<Upstream> & { password?: string | null }> {
  const { keep, platforms, tokenHost, anonymous, username, passwordStdin, ...same } = options;
  if (passwordStdin && username === undefined) {
    throw new UsageError('a password is of somebody: give --username too');
  }
  return {
    ...same,
    ...(keep !== undefined && { keepBytes: toLimit(keep) }),
    ...(tokenHost !== undefined && { tokenHost: tokenHost === 'none' ? null : tokenHost }),
    ...(platforms !== undefined && { platforms: platforms[0] === 'all' ? null : platforms }),
    ...(anonymous && { username: null, password: null }),
    ...(username !== undefined && {
      username,
      password: await (passwordStdin ? passwordFromStdin() : askSecret(`Password of ${username}`)),
    }),
  };
}
