// Reads the tags of an XML file as a stream, within limits. It keeps no text and does not know what the tags mean.

import { createReadStream } from 'node:fs';
import { SaxesParser } from 'saxes';

export type XmlAttributes = Readonly<Record<string, string>>;

export interface TagHandlers {
  /** `parent` is the name of the enclosing element; null for the root. */
  readonly open: (name: string, attributes: XmlAttributes, parent: string | null) => void;
  readonly close: (name: string) => void;
}

/** Far above every file of a test runner. They bound the time and memory that a damaged or hostile file can take. */
export const xmlLimits = {
  bytes: 1_000_000_000,
  /** Elements inside each other. */
  depth: 100,
  /** Of one element. */
  attributes: 100,
  /** From one tag to the next: the longest text, comment or attribute. */
  characters: 50_000_000,
} as const;

type Limits = Readonly<Record<keyof typeof xmlLimits, number>>;

/**
 * Throws if the file cannot be read, is not well-formed XML, exceeds a limit, or has a document type: test runners never write one, and its
 * entities can expand a small file into a huge one.
 */
export async function readXmlTags(path: string, { open, close }: TagHandlers, limits: Limits = xmlLimits): Promise<void> {
  const parser = new SaxesParser();
  const parents: string[] = [];
  let attributesHere = 0;
  let lastTagAt = 0;
  parser.on('doctype', () => {
    throw new Error('it has a document type');
  });
  parser.on('attribute', () => {
    attributesHere += 1;
    if (attributesHere > limits.attributes) throw new Error(`one of its elements has more than ${limits.attributes} attributes`);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const parent = parents.at(-1) ?? null;
    if (parents.push(name) > limits.depth) throw new Error(`its elements are nested more than ${limits.depth} deep`);
    attributesHere = 0;
    lastTagAt = parser.position;
    open(name, attributes, parent);
  });
  parser.on('closetag', ({ name }) => {
    parents.pop();
    lastTagAt = parser.position;
    close(name);
  });
  const file = createReadStream(path, { encoding: 'utf8' });
  for await (const chunk of file) {
    parser.write(chunk as string);
    if (file.bytesRead > limits.bytes) throw new Error(`it has more than ${counted(limits.bytes)} bytes`);
    if (parser.position - lastTagAt > limits.characters)
      throw new Error(`it has more than ${counted(limits.characters)} characters between two tags`);
  }
  parser.close();
}

const counted = (limit: number): string => limit.toLocaleString('en');
