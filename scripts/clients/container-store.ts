import type { Bench } from './bench.ts';
import type { LoginClient } from './login-actions.ts';

/** A store of images that podman or buildah keeps, apart from the machine's. */
export class ContainerStore {
  readonly #bench: Bench;
  readonly #command: 'podman' | 'buildah';
  readonly #options: readonly string[];

  /** Names a store; one that was not used before is empty. */
  constructor(bench: Bench, command: 'podman' | 'buildah', name: string) {
    this.#bench = bench;
    this.#command = command;
    const folders = ['--root', bench.path(`${name}-root`), '--runroot', bench.path(`${name}-run`)];
    this.#options = [...folders, '--storage-driver', 'vfs'];
  }

  /** Runs the client on this store. */
  run(...args: string[]): Promise<string> {
    return this.#bench.run(this.#command, [...this.#options, ...args]);
  }

  /** Pulls an image and returns its ID as the digest that it is. */
  async pull(source: string): Promise<string> {
    const id = await this.run('pull', '--quiet', '--tls-verify=false', source);
    return `sha256:${id.trim().replace('sha256:', '')}`;
  }

  /** Pushes an image. */
  async push(image: string, reference: string, ...args: string[]): Promise<void> {
    const to = `docker://${reference}`;
    await this.run('push', '--tls-verify=false', ...args, image.replace('sha256:', ''), to);
  }

  /**
   * Logs in, pushes the image that `idOf` finds in the store, and pulls into an empty store each
   * time: buildah asks for nothing that it has.
   */
  loginClient(idOf: () => string): LoginClient {
    const login = [...this.#options, 'login', '--tls-verify=false'];
    let pulls = 0;
    return {
      logIn: (account) => this.#bench.logIn(account, this.#command, login),
      logOut: () => this.run('logout', this.#bench.host),
      push: (reference) => this.push(idOf(), reference),
      pull: (reference) =>
        new ContainerStore(this.#bench, this.#command, `login-${++pulls}`).pull(
          `docker://${reference}`,
        ),
    };
  }
}
