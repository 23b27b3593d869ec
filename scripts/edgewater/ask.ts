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
  const answer = await readLine(`${question}${suggestion}: `, false);
  return answer.trim() || fallback;
}

/** As {@link ask}, for what nobody else should see. */
export function askSecret(question: string): Promise<string> {
  return readLine(`${question}: `, true);
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

/** Reads a line; a secret one goes nowhere, from before the question on. */
async function readLine(question: string, isSecret: boolean): Promise<string> {
  requireTerminal();
  const output = isSecret ? nowhere() : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const closed = new Promise<never>((_, reject) => {
    lines.once('close', () => reject(new RefusalError('broken off')));
  });
  if (isSecret) {
    process.stderr.write(question);
  }
  try {
    const line = await Promise.race([lines.question(isSecret ? '' : question), closed]);
    process.stderr.write(isSecret ? '\n' : '');
    return line;
  } catch {
    process.stderr.write('\n');
    throw new RefusalError('broken off');
  } finally {
    lines.close();
  }
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function requireTerminal(): void {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'there is no terminal to ask at; give --username and --password-stdin, or set ' +
        'EDGEWATER_USER and EDGEWATER_PASSWORD',
    );
  }
}
