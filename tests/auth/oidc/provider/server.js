// A certified OpenID provider for one test: people log in by any password, and what it knows of them can be changed.
//
// Prints its port as a line of JSON. POST /test/{client,groups,ttl,end} changes things; GET /test/asked counts requests.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const groups = new Map();
const ttl = { AccessToken: 300, IdToken: 300, RefreshToken: 3600 };
const asked = {};

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

function makeKey(kid, type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

const provider = new Provider(issuer, {
  jwks: {
    keys: [
      makeKey("rsa", "rsa", { modulusLength: 2048 }, "RS256"),
      makeKey("ec", "ec", { namedCurve: "P-256" }, "ES256"),
      makeKey("ed", "ed25519", {}, "EdDSA"),
    ],
  },
  enabledJWA: {
    idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"],
  },
  clients: [],
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email"] },
  scopes: ["openid", "profile", "email", "offline_access"],
  conformIdTokenClaims: process.env.CLAIMS_IN !== "id_token",
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: () => ttl.AccessToken,
    IdToken: () => ttl.IdToken,
    RefreshToken: () => ttl.RefreshToken,
    ClientCredentials: () => ttl.AccessToken,
    Session: 3600,
    Grant: 3600,
    Interaction: 600,
  },
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => false,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: "",
        audience: resource,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
  extraTokenClaims: (_ctx, token) => ({ groups: groups.get(token.clientId) ?? [] }),
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `Name of ${id}`, email: `${id}@example.org`, groups: groups.get(id) ?? [] }),
  }),
});

async function readJson(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

const tests = {
  async client(given) {
    await provider.Client.adapter.upsert(given.client_id, given);
  },
  groups(given) {
    groups.set(given.subject, given.groups);
  },
  ttl(given) {
    Object.assign(ttl, given);
  },
  /** End every refresh token and grant, as when somebody is locked out. */
  async end() {
    ended = true;
  },
};

let ended = false;
const answer = provider.callback();
server.on("request", async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === "/test/asked") return response.end(JSON.stringify(asked));
  if (pathname.startsWith("/test/")) {
    await tests[pathname.slice(6)](await readJson(request));
    return response.end("{}");
  }
  asked[pathname] = (asked[pathname] ?? 0) + 1;
  if (ended && pathname === "/token") {
    response.writeHead(400, { "Content-Type": "application/json" });
    return response.end(JSON.stringify({ error: "invalid_grant" }));
  }
  return answer(request, response);
});

console.log(JSON.stringify({ issuer }));
process.stdin.resume().on("end", () => process.exit());
