/**
 * How many tokens a text is, as far as that can be told without the model's own tokenizer, which weighs megabytes and differs from model to model.
 *
 * Four characters of ASCII count as one token, any other character as one. Against the tokenizers of today's models that is within a quarter for English prose, too
 * little for dense code and digits (up to a third), and too much for accented Latin and for Chinese (up to a half). So a budget should stay below what the model
 * takes; see docs/memory.md.
 */
const asciiCharsPerToken = 4;
/** What a message costs beside its text. */
export const messageTokens = 4;

export function estimateTokens(text: string): number {
  const others = text.replaceAll(/[\0-\x7f]+/g, "").length;
  return Math.ceil((text.length - others) / asciiCharsPerToken) + others;
}

/** Whether the text is more than `tokens`; a text that must be is not looked at. */
export function isOver(text: string, tokens: number): boolean {
  return text.length > tokens * asciiCharsPerToken || estimateTokens(text) > tokens;
}
