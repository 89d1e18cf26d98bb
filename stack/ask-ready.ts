const waitMsMax = 10_000;

/** Why an app that answers `/health` would serve nobody, by the code of `/ready`; undefined where it is ready. Never throws. */
export async function whyNotReady(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(waitMsMax) });
    const body: unknown = await response.json();
    if (response.ok) return undefined;
    const isProblem = typeof body === "object" && body !== null && "code" in body;
    return isProblem ? String(body.code) : `status ${response.status}`;
  } catch {
    return "no answer";
  }
}
