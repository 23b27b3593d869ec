import Table from 'cli-table3';

/** What a table shows. */
export type Cell = string | number | boolean | null | undefined;

/** The columns of a table, by their headings. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>;

/** Where answers go: tables for people, JSON for programs. Remarks go to standard error. */
export class Output {
  readonly #isJson: boolean;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /** Many things of one kind; JSON has them as they are. `none` is the remark where there are none. */
  list<Row>(rows: readonly Row[], columns: Columns<Row>, none = 'none'): void {
    this.table(rows, rows, columns, none);
  }

  /** As {@link list}, where JSON has `value` instead of the rows. */
  table<Row>(value: unknown, rows: readonly Row[], columns: Columns<Row>, none = 'none'): void {
    if (this.#isJson) {
      this.#json(value);
    } else if (rows.length === 0) {
      this.note(none);
    } else {
      const cells = rows.map((row) => Object.values(columns).map((cell) => show(cell(row))));
      this.#line(toTable([Object.keys(columns), ...cells]));
    }
  }

  /** One thing. */
  item<Row>(row: Row, columns: Columns<Row>): void {
    if (this.#isJson) {
      this.#json(row);
    } else {
      const cells = Object.entries(columns).map(([name, cell]) => [name, show(cell(row))]);
      this.#line(toTable(cells));
    }
  }

  /** A secret that was asked for: alone on its line, so that it can go through a pipe. */
  secret(secret: string, item: object, remark: string): void {
    if (this.#isJson) {
      this.#json(item);
    } else {
      this.note(remark);
      this.#line(secret);
    }
    warnOfNpm();
  }

  /** That something was done, and what came of it, if anything. */
  done(message: string, item: object | null = null): void {
    if (!this.#isJson) {
      this.#line(printable(message));
    } else if (item !== null) {
      this.#json(item);
    }
  }

  /** A remark to the one at the terminal. */
  note(message: string): void {
    process.stderr.write(`${printable(message)}\n`);
  }

  #json(value: unknown): void {
    this.#line(toJson(value, 2));
  }

  #line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

/** JSON without what would steer a terminal. */
export function toJson(value: unknown, indent?: number): string {
  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(4, '0');
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${hex(character)}`,
  );
}

/** Text without what would steer a terminal: names in the audit log are what strangers wrote. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') {
    return '-';
  }
  return printable(typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : String(cell));
}

const PARTS = ['', '-mid', '-left', '-right'];

/** Lines without frames: two spaces between columns, and cli-table3 leaves empty lines out. */
const FRAMELESS = {
  ...Object.fromEntries(
    ['top', 'bottom'].flatMap((line) => PARTS.map((part) => [line + part, ''])),
  ),
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

function toTable(rows: readonly string[][]): string {
  const table = new Table({
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows);
  return table.toString().replace(/ +$/gm, '');
}

/** npm writes the name of the script to standard output first, unless it is told not to. */
function warnOfNpm(): void {
  const { npm_lifecycle_event: script, npm_config_loglevel: level } = process.env;
  if (!process.stdout.isTTY && script === 'edgewater' && level !== 'silent') {
    process.stderr.write('npm wrote lines of its own before this: use "npm run --silent"\n');
  }
}
