/** What must not be shown to whoever looks at the traffic: tokens, cookies and signatures, wherever their names tell them. */
const hidden = "[secret]";

const secretName = /authorization|cookie|signature|token|secret|password|api[-_]?key/i;
/** A pair of JSON whose value is a string, or a list as headers have it; a string that is cut ends with the text. */
const jsonPair = /"((?:[^"\\]|\\.)*)"(\s*:\s*)("(?:[^"\\]|\\.)*(?:"|$)|\[[^\]]*(?:\]|$))/g;
const bearer = /\b(bearer|basic)\s+[\w.~+/=-]+/gi;
/** A signature of QStash and any other token of its kind, anywhere. */
const webToken = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const userInUrl = /(\/\/)[^/?#\s"@]+@/g;

/** Header values by name, each a text. */
export function withoutSecretHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secretName.test(name) ? hidden : withoutSecrets(value)]),
  );
}

/** A path with its query. The names of parameters stay. */
export function withoutSecretQuery(path: string): string {
  return withoutSecrets(path).replace(/([?&])([^=&#]+)=([^&#]*)/g, (pair, mark: string, name: string) =>
    secretName.test(name) ? `${mark}${name}=${hidden}` : pair,
  );
}

/** A text of any kind; JSON loses the values that belong to secret names. */
export function withoutSecrets(text: string): string {
  return text
    .replace(jsonPair, (pair, name: string, colon: string) =>
      secretName.test(name) ? `"${name}"${colon}"${hidden}"` : pair,
    )
    .replace(bearer, `$1 ${hidden}`)
    .replace(webToken, hidden)
    .replace(userInUrl, `$1${hidden}@`);
}
