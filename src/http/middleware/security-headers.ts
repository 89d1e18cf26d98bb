import { secureHeaders } from "hono/secure-headers";

/**
 * Headers that narrow what a browser does with our answers.
 *
 * The policy fits an app that this origin serves as files: no inline script, no other origin, no frame around it. Inline
 * styles are allowed, since the app sets widths and colours on elements. Images come from here only: an image in a model's
 * answer would otherwise carry the conversation to any server that a prompt names.
 */
export function securityHeaders() {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", "data:"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: "DENY",
    referrerPolicy: "no-referrer",
    crossOriginResourcePolicy: "same-origin",
    crossOriginOpenerPolicy: "same-origin",
    xXssProtection: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    originAgentCluster: false,
  });
}
