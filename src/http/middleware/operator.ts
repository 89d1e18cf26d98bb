import { isSameText } from "../../session/same-text.ts";
import type { EdgeWire } from "../edge-wire.ts";

/** Whether the request carries the internal key. */
export async function isOperator(
  key: string | undefined,
  { internalKey }: Pick<EdgeWire, "internalKey">,
): Promise<boolean> {
  return key !== undefined && (await isSameText(key, internalKey.reveal()));
}
