import { failObject } from '../rpc/object-failure.ts';
import { gateName } from '../storage/keys.ts';
import type { UpstreamState } from './pauses.ts';
import type { UpstreamGate } from './upstream-gate.ts';

/** Whose gate is meant. */
export interface GatedUpstream {
  namespace: string;
  url: string;
}

/** The gates of all upstreams; each is a Durable Object. */
export class UpstreamGates {
  readonly #objects: DurableObjectNamespace<UpstreamGate>;

  constructor(objects: DurableObjectNamespace<UpstreamGate>) {
    this.#objects = objects;
  }

  /** The gate of one upstream. */
  of(upstream: GatedUpstream): DurableObjectStub<UpstreamGate> {
    return this.#objects.getByName(gateName(upstream.namespace, upstream.url));
  }

  /** See {@link UpstreamGate.state}. @throws UNAVAILABLE */
  state(upstream: GatedUpstream): Promise<UpstreamState> {
    return this.of(upstream).state().catch(failObject);
  }

  /** See {@link UpstreamGate.forget}. @throws UNAVAILABLE */
  forget(upstream: GatedUpstream): Promise<void> {
    return this.of(upstream).forget().catch(failObject);
  }
}
