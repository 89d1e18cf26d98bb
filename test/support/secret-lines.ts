/** What is printed, searched for the secrets that whoever prints it was given or has given out. */

/** What guards the app or proves who somebody is. Names, addresses and switches among the bindings do neither. */
export function secretsAmong(bindings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(bindings).flatMap(([name, value]) => {
    if (typeof value !== "string" || value === "") return [];
    // A list of `id:key`, each of which opens what it has sealed.
    if (name === "ENCRYPTION_KEYS") return value.split(",").map((each) => each.slice(each.indexOf(":") + 1));
    return /_(?:TOKEN|KEY|SECRET)$/.test(name) ? [value] : [];
  });
}

/** The lines that hold any of these words, as they are or as JSON or a URL writes them. */
export function linesWith(lines: readonly string[], words: readonly string[]): string[] {
  const spellings = words.flatMap((word) => [word, JSON.stringify(word).slice(1, -1), encodeURIComponent(word)]);
  return lines.filter((line) => spellings.some((spelling) => line.includes(spelling)));
}

/** The value of a cookie, as it is set or presented; empty for one that is taken back. */
export function sessionOf(cookie: string): string {
  return cookie.split(";")[0]!.split("=")[1] ?? "";
}

export interface SecretWatch {
  /** One line more that was printed. */
  take(line: string): void;
  /** Must stand in no line, neither before nor after this. */
  note(...secrets: readonly string[]): void;
  /** One for each line that holds a secret. */
  leaks(): Error[];
}

export function createSecretWatch(bindings: Readonly<Record<string, unknown>>, lines: string[] = []): SecretWatch {
  const secrets = new Set(secretsAmong(bindings));
  return {
    take: (line) => void lines.push(line),
    note: (...more) => more.filter((secret) => secret !== "").forEach((secret) => secrets.add(secret)),
    leaks: () => linesWith(lines, [...secrets]).map((line) => new Error(`a secret is printed: ${line}`)),
  };
}

/** @throws AggregateError */
export function throwAny(errors: readonly Error[]): void {
  if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join("\n"));
}
