import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentFactory, ManifestContent } from './content.ts';
import type { Repository, Tools } from './repository.ts';

/** What all clients have in common. */
export interface Stage {
  contents: ContentFactory;
  repositories: readonly Repository[];
  /** Images that were pushed lately, deleted ones too. */
  recent: ManifestContent[];
}

/** One kind of event, and how often it happens beside the others. */
export interface Action {
  name: string;
  weight: number;
  run(stage: Stage, repository: Repository, tools: Tools): Promise<void>;
}

export const ACTIONS: readonly Action[] = [
  { name: 'push of an image', weight: 12, run: pushNew },
  { name: 'push of an untagged image', weight: 4, run: pushUntagged },
  { name: 'push of something pushed before', weight: 8, run: pushAgain },
  { name: 'push with a pause before the manifest', weight: 2, run: pushWithPause },
  { name: 'push of an index', weight: 3, run: pushIndex },
  { name: 'push of a referrer', weight: 3, run: pushReferrer },
  { name: 'push of a signature by its tag', weight: 1, run: pushSignature },
  { name: 'push by mounts', weight: 5, run: pushByMounts },
  { name: 'move of a tag', weight: 8, run: moveTag },
  { name: 'pull by tag', weight: 20, run: pullTag },
  { name: 'pull by digest', weight: 12, run: pullDigest },
  { name: 'delete of a tag', weight: 6, run: deleteTag },
  { name: 'delete of a manifest', weight: 7, run: deleteManifest },
  { name: 'delete of a blob', weight: 3, run: deleteBlob },
  { name: 'list of tags', weight: 2, run: listTags },
  { name: 'list of referrers', weight: 3, run: listReferrers },
  { name: 'upload that is cancelled', weight: 1, run: cancelUpload },
];

const TAGS = 24; // of each repository
const RECENT = 150;
const ATTEMPTS = 5;

async function pushNew(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  await push(stage, repository, tools, stage.contents.image(tools.random), someTag(tools));
}

async function pushUntagged(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  await push(stage, repository, tools, stage.contents.image(tools.random), null);
}

/** What others may have deleted meanwhile, or what the collector has taken. */
async function pushAgain(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const image = someImage(stage, tools);
  if (image !== null) {
    await push(stage, repository, tools, image, someTag(tools));
  }
}

/** The pause is inside what an upload promises, or for what is there already a HEAD. */
async function pushWithPause(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const { random, windows } = tools;
  const known = random.next() < 0.5 ? someImage(stage, tools) : null;
  const image = known ?? stage.contents.image(random);
  const pause = random.next() * (known === null ? 0.8 : 0.4) * windows.lease * 1000;
  await push(stage, repository, tools, image, someTag(tools), pause);
}

async function pushIndex(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const children: ManifestContent[] = [];
  for (let made = tools.random.between(1, 3); made > 0; made--) {
    const child =
      (tools.random.next() < 0.4 && someImage(stage, tools)) || stage.contents.image(tools.random);
    if (child.children.length === 0) {
      await push(stage, repository, tools, child, null);
      children.push(child);
    }
  }
  const index = stage.contents.index(children);
  remember(stage, index);
  const tag = tools.random.next() < 0.8 ? someTag(tools) : null;
  await push(stage, repository, tools, index, tag);
}

async function pushReferrer(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const subject = someSubject(repository, tools);
  if (subject !== null) {
    await push(stage, repository, tools, stage.contents.image(tools.random, subject), null);
  }
}

async function pushSignature(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const subject = someSubject(repository, tools);
  if (subject !== null) {
    const signature = stage.contents.image(tools.random);
    repository.model.manifest(signature, subject);
    const tag = `${subject.digest.replace(':', '-')}.sig`;
    await push(stage, repository, tools, signature, tag);
  }
}

async function pushByMounts(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const from = tools.random.pick(stage.repositories.filter((other) => other !== repository));
  const image = someHeld(from, tools)?.content;
  if (image !== undefined && image.children.length === 0 && image.subject === null) {
    for (const blob of image.blobs) {
      if (!(await repository.mountBlob(blob, from))) {
        await repository.pushBlob(blob);
      }
    }
    await push(stage, repository, tools, image, someTag(tools));
  }
}

async function moveTag(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const held = someHeld(repository, tools);
  if (held !== null && held.content.subject === null) {
    await repository.putManifest(held.content, someTag(tools));
  }
}

async function pullTag(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  await repository.pullTag(someTag(tools));
}

async function pullDigest(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const held = someHeld(repository, tools);
  if (held !== null) {
    await repository.pull(held);
  }
}

async function deleteTag(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  await repository.deleteTag(someTag(tools));
}

async function deleteManifest(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const held = someHeld(repository, tools);
  if (held !== null) {
    await repository.deleteManifest(held);
  }
}

async function deleteBlob(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const held = someHeld(repository, tools);
  if (held !== null && held.content.blobs.length > 0) {
    await repository.deleteBlob(repository.model.link(tools.random.pick(held.content.blobs)));
  }
}

async function listTags(_stage: Stage, repository: Repository, { tally }: Tools): Promise<void> {
  const before = [...repository.model.tags].map(([name, tag]) => ({
    name,
    tag,
    version: tag.version,
    named: tag.certain,
  }));
  const { status, body } = await repository.ask({
    method: 'GET',
    path: repository.path('tags/list?n=1000'),
  });
  if (status !== 200 && status !== 404) {
    tally.fail(`tags/list: ${status} ${body}`);
    return;
  }
  const found = new Set<string>(status === 404 ? [] : JSON.parse(body.toString()).tags);
  for (const { name, tag, version, named } of before) {
    const isSettled = version === tag.version && named !== undefined && !name.endsWith('.sig');
    if (isSettled && found.has(name) !== (named !== null)) {
      tally.fail(
        `tags/list of ${repository.model.name}: ${name} is ${named}, listed: ${found.has(name)}`,
      );
    }
  }
}

async function listReferrers(_stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const subject = someHeld(repository, tools);
  if (subject === null) {
    return;
  }
  const { model } = repository;
  const wanted = [...subject.referrers].map((held) => ({
    held,
    until: model.manifestUntil(held),
    version: held.present.version,
  }));
  const { digest } = subject.content;
  const { status, body } = await repository.ask({
    method: 'GET',
    path: repository.path(`referrers/${digest}`),
  });
  if (status !== 200) {
    tools.tally.fail(`referrers of ${digest}: ${status} ${body}`);
    return;
  }
  const now = performance.now();
  for (const { held, until, version } of wanted) {
    const isPromised = Math.min(until, model.manifestUntil(held)) > now;
    if (isPromised && version === held.present.version && !body.includes(held.content.digest)) {
      tools.tally.fail(`referrers of ${digest}: ${held.content.digest} is not listed`);
    }
  }
}

async function cancelUpload(stage: Stage, repository: Repository, tools: Tools): Promise<void> {
  const { headers } = await repository.ask({
    method: 'POST',
    path: repository.path('blobs/uploads/'),
  });
  const path = headers.location ?? '';
  const body = stage.contents.layer(tools.random).bytes();
  await repository.ask({ method: 'PATCH', path, body });
  const { status, isRepeated } = await repository.ask({ method: 'DELETE', path });
  if (status !== 204 && !(isRepeated && status === 404) && !tools.isKilled) {
    tools.tally.fail(`DELETE of an upload: ${status}`);
  }
}

/**
 * Pushes as docker does: asks for each blob, uploads what is not there, then the manifest. When that is
 * refused, because a lease was over or somebody has deleted something, from the start again.
 */
async function push(
  stage: Stage,
  repository: Repository,
  tools: Tools,
  content: ManifestContent,
  tag: string | null,
  pause = 0, // milliseconds, between the blobs and the manifest
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    for (const child of content.children) {
      if (attempt > 1) {
        await push(stage, repository, tools, child, null);
      }
    }
    for (const blob of content.blobs) {
      if (!(await repository.headBlob(blob))) {
        await repository.pushBlob(blob);
      }
    }
    await sleep(pause);
    if (await repository.putManifest(content, tag)) {
      remember(stage, content);
      return;
    }
  }
  tools.tally.remark(`pushes that were given up after ${ATTEMPTS} attempts`);
}

function remember({ recent }: Stage, content: ManifestContent): void {
  if (content.subject === null && content.children.length === 0) {
    recent.push(content);
    if (recent.length > RECENT) {
      recent.shift();
    }
  }
}

function someImage({ recent }: Stage, { random }: Tools): ManifestContent | null {
  return recent.length === 0 ? null : random.pick(recent);
}

/** A manifest of the repository that may be there; now and then one that is not. */
function someHeld({ model }: Repository, { random }: Tools) {
  const all = [...model.manifests.values()].slice(-200);
  const there = all.filter(({ present }) => present.may(true));
  const some = random.next() < 0.9 ? there : all;
  return some.length === 0 ? null : random.pick(some);
}

/** One that is there: what was never there holds its referrers for ever, for it may be elsewhere. */
function someSubject(repository: Repository, tools: Tools): ManifestContent | null {
  const { model } = repository;
  const held = someHeld(repository, tools);
  const isThere = held !== null && model.manifestUntil(held) > performance.now();
  return isThere ? held.content : null;
}

function someTag({ random }: Tools): string {
  return `t${random.between(1, TAGS)}`;
}
