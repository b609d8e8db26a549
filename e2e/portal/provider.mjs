// An OpenID provider for the suite `portal`: oidc-provider with a page on which anybody signs in under any name, since what a portal
// makes of a name is what is tested. Usage: node provider.mjs CONFIG, a JSON file: {port, certificate, key, bad, clients}.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const config = JSON.parse(readFileSync(process.argv[2]));
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(`https://localhost:${config.port}`, {
  clients: config.clients,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'e2e' }] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  // As providers in use do: the name is in the ID token.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id }) }),
  // Nobody is asked for consent: the portals are the organisation's own.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope(oidc.params.scope);
    await grant.save();
    return grant;
  },
});
const callback = provider.callback();

const page = (action) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head><body><main>
<h1>Sign in</h1><form method="post" action="${action}"><label>Name <input name="name" autocomplete="off"></label>
<button>Sign in</button></form></main></body></html>`;

async function text(request) {
  let body = '';
  for await (const part of request) body += part;
  return body;
}

async function answer(request, response) {
  if (request.url === '/bad') {
    // What the browser's checks must find: see the suite's first test.
    response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src *" });
    return response.end(config.bad);
  }
  if (!request.url.startsWith('/interaction/')) return callback(request, response);
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method === 'POST') {
    const accountId = new URLSearchParams(await text(request)).get('name');
    return provider.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false });
  }
  response.writeHead(200, { 'Content-Type': 'text/html', 'Cache-Control': 'no-store' });
  return response.end(page(`/interaction/${uid}`));
}

createServer({ cert: readFileSync(config.certificate), key: readFileSync(config.key) }, (request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(config.port, '127.0.0.1');
