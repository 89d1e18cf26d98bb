/**
 * The session cookie: `__Host-session` on https, which browsers bind to this very host, `session` on http, where they
 * would refuse that name. Out of reach of scripts, and not sent along by other sites' forms.
 */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import type { Clock } from "../core/ports.ts";
import type { IssuedToken } from "../session/session-token.ts";

export function readSessionCookie(c: Context): string | undefined {
  return getCookie(c, cookieName(c));
}

export function writeSessionCookie(c: Context, issued: IssuedToken, clock: Clock): void {
  const maxAge = Math.floor((issued.expiresAtMs - clock.now()) / 1000);
  setCookie(c, cookieName(c), issued.token, { ...attributes(c), maxAge });
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, cookieName(c), attributes(c));
}

function attributes(c: Context): CookieOptions {
  return { path: "/", httpOnly: true, sameSite: "Lax", secure: isHttps(c) };
}

function cookieName(c: Context): string {
  return isHttps(c) ? "__Host-session" : "session";
}

function isHttps(c: Context): boolean {
  return c.req.url.startsWith("https:");
}
