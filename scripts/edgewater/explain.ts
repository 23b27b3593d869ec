import { Argument, type Command } from 'commander';
import { apiPath } from './api.ts';
import { ACTIONS, parseWholeNumber } from './options.ts';
import { openSession } from './session.ts';

interface Decision {
  allowed: boolean;
  because: string;
}

interface ExplainOptions {
  address?: string;
  country?: string;
  asn?: number;
}

/** explain. */
export function addExplainCommand(program: Command): void {
  program
    .command('explain <principal>')
    .addArgument(new Argument('<action>').choices(ACTIONS))
    .argument('<repository>')
    .description('say whether somebody may do something, and by which rule')
    .option('--address <ip>', 'if they ask from here')
    .option('--country <code>', 'if they ask from here')
    .option('--asn <number>', 'if they ask from here', parseWholeNumber)
    .action(explain);
}

async function explain(
  principal: string,
  action: string,
  repository: string,
  options: ExplainOptions,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const country = options.country?.toUpperCase();
  const body = { principal, repository, action, ...options, country };
  const decision = await api.send<Decision>('POST', apiPath`/explain`, body);
  output.done(`${decision.allowed ? 'allowed' : 'refused'}: ${decision.because}`, decision);
}
