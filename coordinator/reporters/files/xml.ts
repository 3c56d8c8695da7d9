// Writes XML: elements, attributes and text, indented and escaped. junit.ts decides which elements there are.

import { xmlSafe } from '../../../shared/text/safe-text.ts';

export type Attributes = Readonly<Record<string, string>>;

/** One element. It contains either child elements or text. */
export interface Element {
  readonly name: string;
  readonly attributes: Attributes;
  readonly content: readonly Element[] | string;
}

export const element = (name: string, attributes: Attributes, content: readonly Element[] | string = []): Element => ({
  name,
  attributes,
  content,
});

/** Returns the whole document with a final newline. Characters that XML cannot represent become `#x1B`, as in pytest's own JUnit files. */
export const xmlDocument = (root: Element): string => `<?xml version="1.0" encoding="utf-8"?>\n${written(root, '')}\n`;

function written({ name, attributes, content }: Element, indent: string): string {
  const open = `${indent}<${name}${Object.entries(attributes).map(attribute).join('')}`;
  if (content.length === 0) return `${open}/>`;
  if (typeof content === 'string') return `${open}>${escaped(content, inText)}</${name}>`;
  return `${open}>\n${content.map((child) => written(child, `${indent}  `)).join('\n')}\n${indent}</${name}>`;
}

const attribute = ([name, value]: [string, string]): string => ` ${name}="${escaped(value, inAttribute)}"`;

/**
 * XML parsers turn a bare newline or tab in an attribute into a space (XML 1.0, 3.3.3), and a carriage return in text into a newline
 * (2.11).
 */
const inAttribute = /[&<>"\t\n\r]/g;
const inText = /[&<>\r]/g;
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#09;',
  '\n': '&#10;',
  '\r': '&#13;',
};

const escaped = (text: string, special: RegExp): string => xmlSafe(text).replace(special, (character) => entities[character] ?? character);
