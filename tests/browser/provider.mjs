// The certified npm oidc-provider as the identity provider of the tests: an implementation that is not ours.
// Loopback only, no passwords: whoever names a login is that person.
//
//   node provider.mjs --port N --portal URL [--backchannel URL]
//
// prints one JSON line {issuer, client_id, client_secret} and runs until it is told to stop.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Provider, interactionPolicy } from 'oidc-provider';

/** The two authentication contexts, low to high. */
export const ACR = { low: 'urn:example:acr:password', high: 'urn:example:acr:two-factor' };

/** login → claims. `lowOnly`: this person has no second factor. */
export const PEOPLE = {
  anna: { name: 'Anna Berg', email: 'anna@acme.example', groups: [] },
  kim: { name: 'Kim Lund', email: 'kim@acme.example', groups: ['everyone', 'mac-helpdesk'] },
  rut: { name: 'Rut Ek', email: 'rut@acme.example', groups: ['mac-auditors'] },
  adam: { name: 'Adam Dahl', email: 'adam@acme.example', groups: ['mac-admins'] },
  lovisa: { name: 'Lovisa Låg', email: 'lovisa@acme.example', groups: ['mac-helpdesk'], lowOnly: true },
};

const escape = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), use: 'sig', alg: 'RS256' };
}

/** The stock policy, and: an old low session does not satisfy a request for the higher context. */
function policyWithLevels() {
  const { Check, base } = interactionPolicy;
  const policy = base();
  policy.get('login').checks.add(
    new Check('level_too_low', 'A higher authentication context is needed', ({ oidc }) => {
      const wanted = (oidc.params.acr_values ?? '').split(' ');
      const satisfied = !wanted.includes(ACR.high) || wanted.includes(oidc.acr) || Boolean(oidc.result?.login);
      return satisfied ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
    }),
  );
  return policy;
}

const page = (title, body) => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,"><title>${title}</title>
<main><h1>${title}</h1>${body}</main></html>`;

/** One store for a provider's whole life, also when it is built anew with other signing keys. */
function memory() {
  const rows = new Map();
  return class {
    constructor(model) {
      this.model = model;
    }
    async upsert(id, payload) {
      rows.set(`${this.model}:${id}`, structuredClone(payload));
    }
    async find(id) {
      return structuredClone(rows.get(`${this.model}:${id}`));
    }
    async findByUid(uid) {
      for (const [key, payload] of rows) if (key.startsWith(`${this.model}:`) && payload.uid === uid) return structuredClone(payload);
      return undefined;
    }
    async consume(id) {
      rows.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1000);
    }
    async destroy(id) {
      rows.delete(`${this.model}:${id}`);
    }
    async revokeByGrantId(grantId) {
      for (const [key, payload] of rows) if (payload.grantId === grantId) rows.delete(key);
    }
  };
}

function configuration({ portal, client, keys, people, cookieKeys, adapter, backchannel }) {
  return {
    clients: [{
      ...client,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [`${portal}/auth/callback`],
      post_logout_redirect_uris: [`${portal}/signed-out`, `${portal}/`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: 'RS256',
      require_auth_time: true,
      default_acr_values: [ACR.low],
      ...(backchannel && { backchannel_logout_uri: backchannel, backchannel_logout_session_required: true }),
    }],
    jwks: { keys },
    cookies: { keys: cookieKeys },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid', 'profile', 'email', 'groups'],
    acrValues: Object.values(ACR),
    conformIdTokenClaims: false,
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email'],
      groups: ['groups'],
      acr: null,
      auth_time: null,
      iss: null,
      sid: null,
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.body = page('Sign out?', `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
        },
        postLogoutSuccessSource(ctx) {
          ctx.body = page('Signed out', '');
        },
      },
      backchannelLogout: { enabled: true },
    },
    interactions: { policy: policyWithLevels(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
    // Without its dispatcher, which refuses loopback: the back channel of these tests is there.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    adapter,
    findAccount: (_ctx, login) => people[login] && {
      accountId: login,
      claims: () => ({
        sub: people[login].sub ?? `subject-of-${login}`,
        preferred_username: login,
        name: people[login].name,
        email: people[login].email,
        groups: people[login].groups,
      }),
    },
    async loadExistingGrant(ctx) { // no consent page
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile email groups');
      grant.addOIDCClaims(['acr', 'auth_time', 'sid', 'sub']);
      await grant.save();
      return grant;
    },
    renderError(ctx, out, error) {
      ctx.type = 'html';
      ctx.body = page('Error', `<p>${escape(out.error)}: ${escape(out.error_description)}</p><!-- ${escape(error.message)} -->`);
    },
  };
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/**
 * Starts the provider. The returned handle changes it while it runs:
 * `people` may be edited in place, `rotateKeys()`, `breakEndpoint(path, how)` with how = 500 | 'html' | 'hang' | null,
 * `authorizations` holds the parameters of every authorization request, `logouts` how each call of the back channel ended
 * (`error`: it was refused), `stop()`.
 */
export async function startProvider({ port = 0, portal, backchannel, people = structuredClone(PEOPLE) }) {
  const client = { client_id: 'keyharbor', client_secret: randomBytes(24).toString('base64url') };
  const cookieKeys = [randomBytes(24).toString('base64url')];
  const adapter = memory();
  let keys = [signingKey()];
  const broken = new Map();
  const authorizations = [];
  const logouts = [];
  const errors = [];
  let provider, handler;

  const server = createServer((request, response) => {
    serve(request, response).catch(error => {
      errors.push(error);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/html' });
      response.end(page('Error', `<p>${escape(error.message)}</p>`));
    });
  });
  await new Promise((ready, failed) => server.once('error', failed).listen(port, '127.0.0.1', ready));
  const issuer = `http://127.0.0.1:${server.address().port}`;

  function build() {
    provider = new Provider(issuer, configuration({ portal, client, keys, people, cookieKeys, adapter, backchannel }));
    provider.on('server_error', (_ctx, error) => errors.push(error));
    provider.on('backchannel.success', (_ctx, _client, login, sid) => logouts.push({ login, sid }));
    provider.on('backchannel.error', (_ctx, error, _client, login, sid) => logouts.push({ login, sid, error }));
    handler = provider.callback();
  }
  build();

  async function serve(request, response) {
    const url = new URL(request.url, issuer);
    const how = broken.get(url.pathname);
    if (how === 'hang') return;
    if (how) {
      response.writeHead(how === 'html' ? 200 : how, { 'content-type': 'text/html' }).end(page('Out of order', ''));
      return;
    }
    if (url.pathname === '/auth') authorizations.push(Object.fromEntries(url.searchParams));
    if (url.pathname.startsWith('/interaction/')) return interaction(request, response);
    return handler(request, response);
  }

  async function interaction(request, response) {
    const details = await provider.interactionDetails(request, response);
    if (request.method === 'POST') {
      const login = new URLSearchParams(await body(request)).get('login');
      if (people[login]) {
        const wanted = (details.params.acr_values ?? '').split(' ');
        const high = wanted.includes(ACR.high) && !people[login].lowOnly;
        await provider.interactionFinished(request, response, {
          login: { accountId: login, acr: high ? ACR.high : ACR.low, amr: high ? ['pwd', 'otp'] : ['pwd'] },
        }, { mergeWithLastSubmission: false });
        return;
      }
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(page('Sign in', `<form method="post"><p><label>Login <input name="login" required autofocus></label></p>
<p><button type="submit">Sign in</button></p></form>`));
  }

  return {
    issuer,
    ...client,
    people,
    authorizations,
    logouts,
    errors,
    keyIds: () => keys.map(key => key.kid),
    rotateKeys() {
      keys = [signingKey()];
      build();
    },
    breakEndpoint: (path, how) => (how ? broken.set(path, how) : broken.delete(path)),
    /** Answers again after `stop()`, at the same address, with all it knew. */
    async resume() {
      await new Promise((ready, failed) => server.once('error', failed).listen(new URL(issuer).port, '127.0.0.1', ready));
    },
    async stop() {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '0' }, portal: { type: 'string' }, backchannel: { type: 'string' } },
  });
  if (!values.portal) {
    console.error('usage: node provider.mjs --port N --portal URL [--backchannel URL]');
    process.exit(2);
  }
  const { issuer, client_id, client_secret, stop } =
    await startProvider({ port: Number(values.port), portal: values.portal, backchannel: values.backchannel });
  console.log(JSON.stringify({ issuer, client_id, client_secret }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop().then(() => process.exit(0)));
}
