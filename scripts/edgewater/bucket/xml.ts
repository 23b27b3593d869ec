const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};

/**
 * What stands in each element of that name. It is for answers of S3: their elements have no attributes but
 * the outermost, and none is within another of its name.
 */
export function elementsOf(xml: string, name: string): string[] {
  const elements = xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'));
  return Array.from(elements, ([, inner = '']) => inner);
}

/** The text of the first element of that name, or null. */
export function textOf(xml: string, name: string): string | null {
  const [inner] = elementsOf(xml, name);
  return inner === undefined ? null : unescapeText(inner);
}

/** Text as it stands in an element. */
export function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}

function unescapeText(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (all, hex, decimal, name) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return ENTITIES[name] ?? (code <= 0x10ffff ? String.fromCodePoint(code) : all);
  });
}
