import type { HonoRequest } from "hono";
import { AppError } from "../core/errors.ts";
import type { EdgeWire } from "./edge-wire.ts";

/**
 * Lets in what the queue has signed: this body, for this URL as the public address has it, whatever stands between.
 *
 * @throws invalid_signature (refuse)
 */
export async function checkSignature(
  { verifyDelivery, appUrl }: Pick<EdgeWire, "verifyDelivery" | "appUrl">,
  req: HonoRequest,
  body: string,
): Promise<void> {
  const { pathname, search } = new URL(req.url);
  const delivery = { signature: req.header("Upstash-Signature"), body, url: `${appUrl}${pathname}${search}` };
  if (!(await verifyDelivery(delivery))) throw new AppError("invalid_signature", "The signature does not hold.");
}
