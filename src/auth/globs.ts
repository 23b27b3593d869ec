/**
 * True when a glob matches: `*` stands for any text without a slash, `**` for any text, all else for
 * itself. Linear in the text for each star, so no pattern takes long.
 */
export function globMatches(glob: string, text: string): boolean {
  let reachable = new Set([0]); // places in `text` that the glob so far can end at
  for (const token of glob.match(/\*\*|\*|[^*]+/g) ?? []) {
    const next = new Set<number>();
    for (const start of reachable) {
      if (token === '*' || token === '**') {
        const slash = token === '*' ? text.indexOf('/', start) : -1;
        const end = slash === -1 ? text.length : slash;
        for (let place = start; place <= end && !next.has(place); place++) {
          next.add(place);
        }
      } else if (text.startsWith(token, start)) {
        next.add(start + token.length);
      }
    }
    reachable = next;
  }
  return reachable.has(text.length);
}
