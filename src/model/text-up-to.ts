/**
 * The text of a body, read no further than `bytesMax` and a chunk. A body that breaks off gives what came.
 * @returns `isWhole` is false when there was more, or when it broke off.
 */
export async function textUpTo(response: Response, bytesMax: number): Promise<{ text: string; isWhole: boolean }> {
  if (response.body === null) return { text: "", isWhole: true };
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const utf8 = new TextDecoder();
  let text = "";
  let isWhole = false;
  try {
    for (let byteCount = 0; byteCount <= bytesMax;) {
      const { value, done } = await reader.read();
      isWhole = done;
      if (done) break;
      byteCount += value.byteLength;
      text += utf8.decode(value, { stream: true });
    }
  } catch {
    // To the caller a broken body is one that is not whole.
  }
  reader.cancel().catch(() => {});
  return { text: text + utf8.decode(), isWhole };
}
