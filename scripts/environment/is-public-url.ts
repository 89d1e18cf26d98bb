import { admitUrl } from "../../src/tool/egress.ts";

/** Whether the internet can reach an address: false for this machine, for its network, and for what is no URL. By its name alone; nobody is asked. */
export function isPublicUrl(url: string): boolean {
  try {
    admitUrl(url, new Set());
    return true;
  } catch {
    return false;
  }
}
