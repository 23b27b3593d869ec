import { explain } from '../api.ts';
import { RefusalError } from '../errors.ts';
import type { Answer } from '../upload/upstream.ts';

/** What to say of an answer that is not the hoped-for one. `what` was to be done. */
export function refusalFor(what: string, answer: Answer): RefusalError {
  const said = explain(answer.body.toString()) ?? `the registry answered ${answer.status}`;
  const hint = HINTS[answer.status];
  const message = [`${what}: ${said}`, hint].filter((part) => part !== undefined).join('; ');
  return new RefusalError(message, answer.status);
}

const HINTS: Readonly<Record<number, string>> = {
  401: '"edgewater login" logs in, "edgewater whoami" says as whom, "edgewater explain" what they may',
  413: 'the edge takes less in one request: give a smaller --chunk-size',
};
