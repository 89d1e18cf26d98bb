/** The text of a `.dev.vars`: lines of `NAME=value`, comments, empty lines. */

const line = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/;

/** Of a name that stands there twice the last line counts, as it does for wrangler. */
export function readVars(text: string): Map<string, string> {
  const vars = new Map<string, string>();
  for (const each of text.split(/\r?\n/)) {
    const [, name, value = ""] = line.exec(each) ?? [];
    if (name !== undefined) vars.set(name, unquoted(value));
  }
  return vars;
}

/**
 * The text with other values: a name that stands there keeps its place, a new one comes at the end. Comments, order and
 * every other line stay as they are.
 *
 * @throws Error for a value that no line can hold.
 */
export function mergeVars(text: string, changes: ReadonlyMap<string, string>): string {
  const left = new Map(changes);
  const lines = (text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/)).map((each) => {
    const name = line.exec(each)?.[1];
    const value = name === undefined ? undefined : changes.get(name);
    if (name === undefined || value === undefined) return each;
    left.delete(name);
    return written(name, value);
  });
  for (const [name, value] of left) lines.push(written(name, value));
  return `${lines.join("\n")}\n`;
}

function written(name: string, value: string): string {
  if (/^[\w.:/@%+,=~-]*$/.test(value)) return `${name}=${value}`;
  const quote = ["'", '"', "`"].find((mark) => !value.includes(mark));
  if (quote === undefined || /[\r\n\u2028\u2029]/.test(value))
    throw new Error(`The value of ${name} cannot be written to a file.`);
  return `${name}=${quote}${value}${quote}`;
}

function unquoted(value: string): string {
  const quoted = /^(["'`])(.*)\1(?:\s+#.*)?$/.exec(value);
  return quoted === null ? value.replace(/(?:^|\s+)#.*$/, "") : (quoted[2] ?? "");
}
