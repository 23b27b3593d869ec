import type { Content } from '../load/content.ts';

/** How a blob is sent: with a length in one PUT as containerd does, or as a stream as docker does. */
export type Flow = 'monolithic' | 'streamed';

/** What can be asked for over and over. */
export type Target = 'base' | 'manifest by digest' | 'manifest by tag' | Content;

/** A contestant that runs, in the words of the work it is given. */
export interface Subject {
  readonly name: string;
  /** Sent with every request; null where everybody may do everything. */
  readonly authorization: string | null;
  /** Gets a new token, for they do not last. */
  renew(): Promise<void>;
  /** Where something is; null when this one has no such thing. */
  locate(target: Target): string | null;
  push(content: Content, flow: Flow): Promise<void>;
  /** As a monolithic push, with the digest checked, where that is not what a push does anyhow. */
  pushChecked?(content: Content): Promise<void>;
  stop(): Promise<void>;
}
