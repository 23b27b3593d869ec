import type { ManifestContent } from './content.ts';
import { Register } from './register.ts';
import { SLACK, type Windows } from './windows.ts';

/** A blob as one repository may see it. */
export interface Link {
  digest: string;
  size: number;
  present: Register<boolean>;
  safeUntil: number; // milliseconds of performance.now(): collection leaves it alone before
  namedBy: Set<Held>;
}

/** A manifest of one repository. */
export interface Held {
  content: ManifestContent;
  present: Register<boolean>;
  safeUntil: number; // as that of a link
  parents: Set<Held>;
  /** What it follows, as a referrer or by a tag like cosign's. */
  follows: Held | null;
  followed: number; // the lapses of that when this was pushed
  /** How often it was pushed when it did not have to be there any more: what followed it may be gone. */
  lapses: number;
  referrers: Set<Held>;
}

/** What clients know of one repository. A tag that names nothing is null. */
export class RepositoryModel {
  readonly name: string;
  readonly tags = new Map<string, Register<string | null>>();
  readonly manifests = new Map<string, Held>();
  readonly links = new Map<string, Link>();
  readonly #windows: Windows;

  constructor(name: string, windows: Windows) {
    this.name = name;
    this.#windows = windows;
  }

  tag(name: string): Register<string | null> {
    return getOrMake(this.tags, name, () => new Register<string | null>(null));
  }

  link({ digest, size }: { digest: string; size: number }): Link {
    return getOrMake(this.links, digest, () => ({
      digest,
      size,
      present: new Register(false),
      safeUntil: 0,
      namedBy: new Set<Held>(),
    }));
  }

  /** The manifest, which is known from now on; it need not be there. */
  manifest(content: ManifestContent, follows: ManifestContent | null = content.subject): Held {
    const known = this.manifests.get(content.digest);
    if (known !== undefined) {
      return known;
    }
    const held: Held = {
      content,
      present: new Register(false),
      safeUntil: 0,
      parents: new Set(),
      follows: follows && this.manifest(follows),
      followed: 0,
      lapses: 0,
      referrers: new Set(),
    };
    this.manifests.set(content.digest, held);
    if (content.subject !== null) {
      this.manifest(content.subject).referrers.add(held);
    }
    for (const blob of content.blobs) {
      this.link(blob).namedBy.add(held);
    }
    for (const child of content.children) {
      this.manifest(child).parents.add(held);
    }
    return held;
  }

  /**
   * Until when a manifest has to be there if nobody does anything; 0 when it need not be. Infinity for
   * what is held.
   */
  manifestUntil(held: Held): number {
    if (!held.present.is(true)) {
      return 0;
    }
    const { untagged } = this.#windows;
    const holders = [...held.parents]
      .map((parent) => later(this.manifestUntil(parent), untagged))
      .concat(held.follows === null ? [] : this.#followsUntil(held, held.follows))
      .concat(this.#isTagged(held) ? Number.POSITIVE_INFINITY : []);
    return Math.max(held.safeUntil, ...holders);
  }

  /** As {@link manifestUntil}, of a blob. */
  linkUntil(link: Link): number {
    if (!link.present.is(true)) {
      return 0;
    }
    const { review } = this.#windows;
    const holders = [...link.namedBy].map((held) => later(this.manifestUntil(held), review));
    return Math.max(link.safeUntil, ...holders);
  }

  /** Something was pushed, or asked for by a pusher, at `since`: for how long it is safe, in seconds. */
  protect(thing: Held | Link, since: number, seconds: number): void {
    thing.safeUntil = Math.max(thing.safeUntil, since + seconds * 1000 - SLACK);
  }

  /** A manifest loses a holder: it stays for a while. */
  release(held: Held, since: number): void {
    const { untagged, review } = this.#windows;
    this.protect(held, since, held.follows === null ? untagged : review);
  }

  /** A manifest is about to be deleted: what it holds is let go of, and stays for a while. */
  releaseContents(held: Held, since: number): void {
    if (this.manifestUntil(held) <= since) {
      return; // it may be gone already, and they with it
    }
    const { content, referrers } = held;
    for (const child of content.children) {
      this.release(this.manifest(child), since);
    }
    for (const referrer of referrers) {
      this.release(referrer, since);
    }
    for (const blob of content.blobs) {
      this.protect(this.link(blob), since, this.#windows.review);
    }
  }

  /** The tags that may name a manifest. */
  tagsOf(digest: string): Register<string | null>[] {
    return [...this.tags.values()].filter((tag) => tag.may(digest));
  }

  #followsUntil({ followed }: Held, subject: Held): number {
    return followed === subject.lapses
      ? later(this.manifestUntil(subject), this.#windows.review)
      : 0;
  }

  /** By a tag that holds it: one that follows a subject does not. */
  #isTagged({ content, follows }: Held): boolean {
    const isHolding = follows === null || content.subject !== null;
    return isHolding && [...this.tags.values()].some((tag) => tag.is(content.digest));
  }
}

function later(until: number, seconds: number): number {
  return until === 0 ? 0 : until + seconds * 1000 - SLACK;
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) {
    return known;
  }
  const made = make();
  map.set(key, made);
  return made;
}
