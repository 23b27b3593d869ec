import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { RefusalError, UsageError } from './errors.ts';

/**
 * Asks the one at the terminal; an empty answer is `fallback`.
 *
 * @throws UsageError when there is no terminal, RefusalError when they break off
 */
export async function ask(question: string, fallback = ''): Promise<string> {
  const suggestion = fallback === '' ? '' : ` [${fallback}]`;
  const answer = await readLine(`${question}${suggestion}: `, process.stderr);
  return answer.trim() || fallback;
}

/** As {@link ask}, for what nobody else should see. */
export async function askSecret(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  requireTerminal();
  process.stderr.write(`${question}: `);
  try {
    return await readLine('', nowhere);
  } finally {
    process.stderr.write('\n');
  }
}

/** A new password: the first line of standard input, or asked for twice. */
export async function newPassword(isOnStdin: boolean | undefined): Promise<string> {
  if (isOnStdin) {
    return passwordFromStdin();
  }
  const password = await askSecret('New password');
  if ((await askSecret('Once more')) !== password) {
    throw new UsageError('the two passwords differ');
  }
  return password;
}

/** A password that comes through a pipe, without the end of its line. @throws UsageError */
export async function passwordFromStdin(): Promise<string> {
  const [password = ''] = await linesFromStdin();
  return password;
}

/** The lines of standard input. @throws UsageError when it is empty */
export async function linesFromStdin(): Promise<string[]> {
  const input = await text(process.stdin);
  if (input.trim() === '') {
    throw new UsageError('there is no password on standard input');
  }
  return input.replace(/\r?\n$/, '').split(/\r?\n/);
}

async function readLine(question: string, output: NodeJS.WritableStream): Promise<string> {
  requireTerminal();
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const closed = new Promise<never>((_, reject) => {
    lines.once('close', () => reject(new RefusalError('broken off')));
  });
  try {
    return await Promise.race([lines.question(question), closed]);
  } catch {
    throw new RefusalError('broken off');
  } finally {
    lines.close();
  }
}

function requireTerminal(): void {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'there is no terminal to ask at; give --username and --password-stdin, or set ' +
        'EDGEWATER_USER and EDGEWATER_PASSWORD',
    );
  }
}
