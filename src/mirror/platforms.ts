/**
 * Whether a mirror fetches what is for a platform. "linux/arm64" stands for all its variants, because
 * official images say linux/arm64/v8; "linux/arm/v7" for itself.
 */
export function isWanted(platform: string, wanted: readonly string[]): boolean {
  return wanted.some(
    (name) =>
      name === platform || (name.split('/').length === 2 && platform.startsWith(`${name}/`)),
  );
}
