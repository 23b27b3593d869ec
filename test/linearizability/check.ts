/** What somebody did to a register, and what they were told. Moments are counted, not measured. */
export interface Operation {
  client: number;
  start: number;
  /** Infinity when nobody knows whether it took effect, or when. */
  end: number;
  what: string; // for a reader of the history
  /** The value after it, if it can have come when the register had `value`; else undefined. */
  apply: (value: string | null) => string | null | undefined;
}

/** Ended before it was known whether it took effect: it may be left out. */
const isUnsure = ({ end }: Operation) => end === Number.POSITIVE_INFINITY;

/**
 * Whether the operations can be put in one order that explains all answers and in which none comes before
 * one that had ended when it began: the search of Wing and Gong, which remembers where it has been
 * (https://doi.org/10.1006/jpdc.1993.1015).
 */
export function isLinearizable(history: readonly Operation[], first: string | null): boolean {
  const seen = new Set<string>();
  const search = (left: readonly Operation[], value: string | null): boolean => {
    if (left.every(isUnsure)) {
      return true;
    }
    const key = `${value} ${left.map(({ start }) => start).join()}`;
    if (seen.has(key)) {
      return false;
    }
    seen.add(key);
    const earliestEnd = Math.min(...left.map(({ end }) => end));
    return left.some((operation) => {
      if (operation.start > earliestEnd) {
        return false;
      }
      const next = operation.apply(value);
      const others = () => left.filter((other) => other !== operation);
      return next !== undefined && search(others(), next);
    });
  };
  return search(history, first);
}
