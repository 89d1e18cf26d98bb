/**
 * Recognises the next text delta without parsing it.
 *
 * Within one answer the lines of a provider differ in little but the text, whatever keys the provider adds and in
 * whatever order. So the first text line, which was parsed, is split around its content; a later line that repeats the
 * pieces on both sides, with a valid JSON string body between, parses to the same tree with another text. Nothing about
 * any provider is written down here, and nothing is guessed:
 *
 * T1 A template is kept only if a marker put into the place of the content comes out of `JSON.parse` as
 *    `choices[0].delta.content` of a plain text delta.
 * T2 A line matches only if it is the template's pieces, byte for byte, around valid JSON string bodies. Anything else
 *    is the parser's.
 *
 * Some providers pad each line with a last member of changing length (`"obfuscation"`, `"p"`) against traffic analysis:
 * a top-level string at the end of the line, under a key that means nothing to us, is a second gap.
 */
import { isPlainText, type ChunkTree } from "./completion-chunk.ts";
import { payloadStart } from "./event-line.ts";

interface Template {
  /** Up to and including the quote that opens the content. */
  readonly head: string;
  /** From the quote that closes the content to the end of the line, or to the quote that opens the padding. */
  readonly neck: string;
  /** From the quote that closes the padding to the end of the line; absent without padding. */
  readonly tail: string | undefined;
}

export interface ContentTemplate {
  /** Whether `text` has at `position` a whole line, its line end included, that fits; then the three indices are set. */
  matches(text: string, position: number): boolean;
  contentStart: number;
  contentEnd: number;
  /** Index of the line end. */
  lineEnd: number;
  /** Takes the shape of a line that the parser found to be a plain text delta. */
  learn(line: string): void;
}

/** A provider whose every line is different is not studied for ever: so many lessons in a row without a match. */
const lessonsMax = 8;
const contentMarker = "skipstone-content";
const paddingMarker = "skipstone-padding";
const meaningfulKeys = new Set(["id", "object", "error", "choices", "usage"]);

export function createContentTemplate(): ContentTemplate {
  let template: Template | undefined;
  let lessonsLeft = lessonsMax;

  const self: ContentTemplate = {
    contentStart: 0,
    contentEnd: 0,
    lineEnd: 0,
    matches(text, position) {
      if (template === undefined || !text.startsWith(template.head, position)) return false;
      const contentStart = position + template.head.length;
      const contentEnd = endOfStringBody(text, contentStart);
      if (contentEnd < 0 || !text.startsWith(template.neck, contentEnd)) return false;
      let lineEnd = contentEnd + template.neck.length;
      if (template.tail !== undefined) {
        const paddingEnd = endOfStringBody(text, lineEnd);
        if (paddingEnd < 0 || !text.startsWith(template.tail, paddingEnd)) return false;
        lineEnd = paddingEnd + template.tail.length;
      }
      const after = text.charCodeAt(lineEnd);
      if (after !== 10 && after !== 13) return false;
      lessonsLeft = lessonsMax;
      self.contentStart = contentStart;
      self.contentEnd = contentEnd;
      self.lineEnd = lineEnd;
      return true;
    },
    learn(line) {
      if (lessonsLeft === 0) return;
      lessonsLeft -= 1;
      template = templateOf(line) ?? template;
    },
  };
  return self;
}

function templateOf(line: string): Template | undefined {
  const opening = /"content"[ \t]*:[ \t]*"/.exec(line);
  if (opening === null) return undefined;
  const contentStart = opening.index + opening[0].length;
  const contentEnd = endOfStringBody(line, contentStart);
  if (contentEnd < 0) return undefined;
  const head = line.slice(0, contentStart);
  const neck = line.slice(contentEnd);
  const padding = /:[ \t]*"([^"\\\u0000-\u001f]*)("[ \t]*\}[ \t]*)$/.exec(neck);
  if (padding !== null) {
    const tail = padding[2]!;
    const shortNeck = neck.slice(0, neck.length - tail.length - padding[1]!.length);
    if (isProven(head + contentMarker + shortNeck + paddingMarker + tail, true)) {
      return { head, neck: shortNeck, tail };
    }
  }
  return isProven(head + contentMarker + neck, false) ? { head, neck, tail: undefined } : undefined;
}

function isProven(line: string, hasPadding: boolean): boolean {
  const start = payloadStart(line);
  if (start < 0) return false;
  try {
    const tree = JSON.parse(line.slice(start)) as ChunkTree;
    if (!isPlainText(tree, contentMarker)) return false;
    return !hasPadding || Object.entries(tree).some(isMeaninglessPadding);
  } catch {
    return false;
  }
}

function isMeaninglessPadding([key, value]: [string, unknown]): boolean {
  return value === paddingMarker && !meaningfulKeys.has(key);
}

/** Index of the quote that ends the JSON string body at `start`; -1 when it is not valid or not whole. */
function endOfStringBody(text: string, start: number): number {
  const length = text.length;
  for (let index = start; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 34) return index;
    if (code < 32) return -1;
    if (code === 92) {
      index += 1;
      const escape = text.charCodeAt(index);
      if (escape === 117) {
        for (let digit = 0; digit < 4; digit += 1) {
          index += 1;
          if (!isHexDigit(text.charCodeAt(index))) return -1;
        }
      } else if (!isSimpleEscape(escape)) return -1;
    }
  }
  return -1;
}

function isHexDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** One of `" \ / b f n r t`. */
function isSimpleEscape(code: number): boolean {
  return (
    code === 34 ||
    code === 92 ||
    code === 47 ||
    code === 98 ||
    code === 102 ||
    code === 110 ||
    code === 114 ||
    code === 116
  );
}
