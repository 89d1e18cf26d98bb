/** Everything of a user as one JSON text, made while it is read: no more than one thing of theirs is in memory at a time. */
import { limits } from "../core/limits.ts";

export interface ExportItem {
  /** Names the thing among those of its kind; those after it come after it. */
  readonly place: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Things of one kind. */
export interface ExportSection {
  readonly kind: string;
  /** In the order of their places, behind `after`. */
  items(userId: string, after: string | undefined): AsyncIterable<ExportItem>;
}

export interface ExportParts {
  readonly sections: readonly ExportSection[];
  /** False when the invocation has done as much as it may: then the text ends, and says where to go on. */
  readonly mayGoOn: () => boolean;
}

export interface ExportCursor {
  readonly kind: string;
  readonly after: string;
}

/** @param cursor where an export ended that had to; its kind is one of `sections`. */
export async function* exportUser(
  { sections, mayGoOn }: ExportParts,
  o: { readonly userId: string; readonly nowMs: number; readonly cursor: ExportCursor | undefined },
): AsyncGenerator<string> {
  const { userId, nowMs, cursor } = o;
  yield `{"format":"skipstone-export/1","userId":${JSON.stringify(userId)},"exportedAt":${nowMs},"items":[`;
  const first = cursor === undefined ? 0 : sections.findIndex(({ kind }) => kind === cursor.kind);
  let count = 0;
  let last = cursor;
  for (const [index, section] of sections.slice(first).entries()) {
    const after = index === 0 ? cursor?.after : undefined;
    for await (const { place, value } of section.items(userId, after)) {
      yield `${count === 0 ? "" : ","}\n${JSON.stringify({ kind: section.kind, ...value })}`;
      count += 1;
      last = { kind: section.kind, after: place };
      // At least one: an export that is asked for again gets on.
      if (mayGoOn()) continue;
      yield `],"next":${JSON.stringify(formatExportCursor(last))}}\n`;
      return;
    }
  }
  yield `]}\n`;
}

function formatExportCursor({ kind, after }: ExportCursor): string {
  return `${kind}.${after}`;
}

/** `undefined` for what no export has given out. */
export function parseExportCursor(text: string, kinds: readonly string[]): ExportCursor | undefined {
  const [kind = "", after = "", ...rest] = text.split(".");
  const isPlace = /^[A-Za-z0-9_-]+$/.test(after) && after.length <= limits.exportPlaceCharsMax;
  return kinds.includes(kind) && isPlace && rest.length === 0 ? { kind, after } : undefined;
}
