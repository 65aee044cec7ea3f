// A configuration file, YAML or JSON, as plain data that still knows which line each value stood on.
// Judges only whether it can be read and parsed; what is in it is the schema's business.

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import type { Finding } from './finding.ts';

type Path = readonly PropertyKey[];

/** A configuration file that was read. */
export class ConfigurationFile {
  /** The whole of it as plain data; one with nothing but comments is an empty mapping. */
  readonly content: Readonly<Record<string, unknown>>;
  readonly #name: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  /** Throws what resolving the document's aliases throws. */
  constructor(name: string, document: Document.Parsed, lines: LineCounter) {
    this.content = document.toJS() ?? {};
    this.#name = name;
    this.#document = document;
    this.#lines = lines;
  }

  /** Whether the file says anything at `path`. */
  has(path: Path): boolean {
    return this.#document.hasIn(path);
  }

  /** `lunaring.yaml:14`: the line of the value at `path`, or of the nearest one that it would stand in. */
  where(path: Path): string {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return `${this.#name}:${this.#lines.linePos(node.range[0]).line}`;
    }
    return this.#name;
  }
}

function failed(name: string, received: string, allowed: string, remedy: string): Finding {
  return { severity: 'error', path: 'the configuration file', origin: name, received, allowed, remedy };
}

/** Reads `path`, or takes `given` for what is in it. A YAML parser reads JSON as well. */
export function readConfigurationFile(path: string, given?: string): ConfigurationFile | Finding {
  let text: string;
  try {
    text = given ?? readFileSync(path, 'utf8');
    if (text === '' && given === undefined) {
      const file = statSync(path);
      // Whoever writes it has failed, or is still at work; an empty pipe has been read before. Nobody means by it that all targets are to go.
      const once = 'give it as a file: what comes through a pipe can be read once';
      const again = 'write it again: it may have been cut off, as by a full disk; {} serves the defaults';
      if (file.isFIFO() || file.isFile())
        return failed(path, 'nothing', 'a configuration', file.isFIFO() ? once : again);
    }
  } catch (error) {
    const received = (error as NodeJS.ErrnoException).code ?? String(error);
    return failed(path, received, 'a file that can be read', 'check --config or LUNARING_CONFIG, and the permissions');
  }
  const name = basename(path);
  const lines = new LineCounter();
  // Plain messages: the pretty ones quote the line, and a line may hold a secret. For the same reason quotations are cut off below.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const place = `${name}:${lines.linePos(error.pos[0]).line}`;
    return failed(
      place,
      error.message.replace(/:? *["'`].*/s, ''),
      'YAML, or JSON',
      'mend the line, or the one before it',
    );
  }
  // The tag is not quoted: a secret may begin with an exclamation mark.
  const tag = document.warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED');
  if (tag !== undefined) {
    return failed(
      `${name}:${lines.linePos(tag.pos[0]).line}`,
      'a tag (!) of no meaning here',
      'values without tags of YAML',
      'put a text that begins with ! in quotes; a secret that is kept elsewhere goes into a file that secretFile names',
    );
  }
  if (document.contents !== null && !isMap(document.contents)) {
    return failed(name, 'something else', 'a mapping: portals, targets, …', 'write the configuration as key: value');
  }
  try {
    return new ConfigurationFile(name, document, lines);
  } catch {
    return failed(
      name,
      'an alias that leads nowhere, or too many of them',
      'anchors before their aliases',
      'write it out',
    );
  }
}
