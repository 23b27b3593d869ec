import type { RunningLimits } from '../contestants/limits.ts';
import type { Content } from '../load/content.ts';
import { HttpClient } from '../load/http-client.ts';
import type { Seed } from '../seed.ts';
import type { Flow, Subject, Target } from './subject.ts';

/** The Workers that do no more than the runtime has to. */
export class LimitSubject implements Subject {
  readonly name: string;
  readonly authorization = null;
  readonly #running: RunningLimits;
  readonly #client = new HttpClient(1);

  private constructor(name: string, running: RunningLimits) {
    this.name = name;
    this.#running = running;
  }

  /** Gives them what the operations read. */
  static async create(name: string, running: RunningLimits, seed: Seed): Promise<LimitSubject> {
    const subject = new LimitSubject(name, running);
    for (const content of seed.blobs.filter(({ size }) => size > 0)) {
      await subject.push(content, 'monolithic');
    }
    const body = { content: seed.image.manifest, isStreamed: false };
    await subject.#client.send('PUT', running.urls.query, {}, 201, body);
    return subject;
  }

  async renew(): Promise<void> {}

  locate(target: Target): string | null {
    const { answer, query, objects } = this.#running.urls;
    switch (target) {
      case 'base':
        return `${answer}/`;
      case 'manifest by digest':
        return null;
      case 'manifest by tag':
        return `${query}/`;
      default:
        return target.size === 0 ? null : `${objects}/${target.digest}`;
    }
  }

  async push(content: Content, flow: Flow): Promise<void> {
    const isStreamed = flow === 'streamed';
    const url = `${this.#running.urls.objects}/${content.digest}`;
    await this.#client.send(isStreamed ? 'POST' : 'PUT', url, {}, 201, { content, isStreamed });
  }

  async pushChecked(content: Content): Promise<void> {
    const url = `${this.#running.urls.objects}/${content.digest}?checked`;
    await this.#client.send('PUT', url, {}, 201, { content, isStreamed: false });
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#running.stop();
  }
}
