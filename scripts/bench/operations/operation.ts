import type { Reading } from '../samples.ts';
import type { Subject } from '../subjects/subject.ts';

/** Some work that is measured. */
export interface Operation {
  name: string;
  /** Whether this one can do it. */
  fits(subject: Subject): boolean;
  measure(subject: Subject): Promise<Reading[]>;
}
