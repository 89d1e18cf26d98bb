/** Text into words that can be compared: without case, accents and punctuation, in any script. */

/** Scripts that put no spaces between words. Their text is cut into pairs of characters, which finds any word of two or more. */
const unspacedScripts = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"];
const letters = "[\\p{L}\\p{N}\\p{M}]";
// With the extensions, else the sign that lengthens a vowel of Katakana belongs to no script.
const unspaced = `[${unspacedScripts.map((script) => `\\p{scx=${script}}`).join("")}]`;
const runs = new RegExp(`[${letters}&&${unspaced}]+|[${letters}--${unspaced}]+`, "gv");
const isUnspaced = new RegExp(`^${unspaced}`, "v");

/** The same text in any spelling of its characters. */
export function foldText(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f]+/g, "")
    .normalize("NFC");
}

/** @param folded from `foldText`. In order, with repetitions. */
export function tokensOf(folded: string): string[] {
  return (folded.match(runs) ?? []).flatMap((run) => (isUnspaced.test(run) ? pairsOf(run) : [run]));
}

function pairsOf(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]!}${character}`);
}
