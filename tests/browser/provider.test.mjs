// The provider of the tests, tried alone: a fault here must not be mistaken for one of the product.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { ACR, startProvider } from './provider.mjs';

const portal = 'http://localhost:9';
const b64 = bytes => Buffer.from(bytes).toString('base64url');
let provider, metadata, backchannel;
const logoutTokens = [];

before(async () => {
  backchannel = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    logoutTokens.push(new URLSearchParams(text).get('logout_token'));
    response.writeHead(200).end();
  });
  await new Promise(ready => backchannel.listen(0, '127.0.0.1', ready));
  provider = await startProvider({ portal, backchannel: `http://127.0.0.1:${backchannel.address().port}/` });
  metadata = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
});
after(async () => {
  await provider.stop();
  backchannel.close();
});

/** A browser without pictures: a cookie jar and no automatic redirects. */
function browser() {
  const jar = new Map();
  return async (address, { form } = {}) => {
    const response = await fetch(address, {
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    return response;
  };
}

async function codeFor(go, login, extra = {}) {
  const verifier = b64(randomBytes(32));
  const state = b64(randomBytes(8));
  const nonce = b64(randomBytes(8));
  const start = new URL(metadata.authorization_endpoint);
  start.search = new URLSearchParams({
    client_id: provider.client_id,
    response_type: 'code',
    scope: 'openid profile email groups',
    redirect_uri: `${portal}/auth/callback`,
    code_challenge: b64(createHash('sha256').update(verifier).digest()),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...extra,
  });
  let asked = 0;
  let response = await go(start.href);
  for (let hop = 0; hop < 10; hop++) {
    const next = response.headers.get('location');
    if (next?.startsWith(`${portal}/auth/callback`)) {
      const answer = new URL(next).searchParams;
      assert.equal(answer.get('state'), state);
      assert.equal(answer.get('iss'), provider.issuer);
      return { code: answer.get('code'), error: answer.get('error'), verifier, nonce, asked };
    }
    if (next) {
      response = await go(new URL(next, provider.issuer).href);
    } else {
      assert.match(await response.text(), /name="login"/);
      asked += 1;
      response = await go(response.url, { form: { login } });
    }
  }
  throw new Error('the sign-in does not end');
}

function redeem({ code, verifier }) {
  return fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${provider.client_id}:${provider.client_secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: `${portal}/auth/callback` }),
  });
}

async function checked(token) {
  const [head, payload, signature] = token.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  const { keys } = await (await fetch(metadata.jwks_uri)).json();
  const key = keys.find(k => k.kid === header.kid);
  assert.ok(verify('RSA-SHA256', `${head}.${payload}`, createPublicKey({ key, format: 'jwk' }), Buffer.from(signature, 'base64url')));
  return { header, claims: JSON.parse(Buffer.from(payload, 'base64url')) };
}

async function signIn(go, login, extra) {
  const grant = await codeFor(go, login, extra);
  const response = await redeem(grant);
  assert.equal(response.status, 200);
  const { claims } = await checked((await response.json()).id_token);
  assert.equal(claims.nonce, grant.nonce);
  return { ...claims, asked: grant.asked };
}

test('metadata promises what the product relies on', () => {
  assert.equal(metadata.issuer, provider.issuer);
  assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
  assert.equal(metadata.authorization_response_iss_parameter_supported, true);
  assert.equal(metadata.backchannel_logout_session_supported, true);
  assert.ok(metadata.end_session_endpoint);
  assert.deepEqual(metadata.acr_values_supported, Object.values(ACR));
});

test('claims: login, groups, auth_time, acr, sid', async () => {
  const claims = await signIn(browser(), 'kim', { max_age: '300' });
  assert.equal(claims.preferred_username, 'kim');
  assert.deepEqual(claims.groups, ['everyone', 'mac-helpdesk']);
  assert.equal(claims.acr, ACR.low);
  assert.ok(claims.sid);
  assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 30);
});

test('groups follow the person at the next sign-in', async () => {
  provider.people.anna.groups = ['mac-helpdesk'];
  assert.deepEqual((await signIn(browser(), 'anna')).groups, ['mac-helpdesk']);
  provider.people.anna.groups = [];
  assert.deepEqual((await signIn(browser(), 'anna')).groups, []);
});

test('an open session signs in silently; prompt=login asks', async () => {
  const go = browser();
  assert.equal((await signIn(go, 'anna', { max_age: '300' })).asked, 1);
  assert.equal((await signIn(go, 'anna', { max_age: '300' })).asked, 0);
  assert.equal((await signIn(go, 'anna', { prompt: 'login', max_age: '1' })).asked, 1);
});

test('an old low session does not satisfy a request for the higher context', async () => {
  const go = browser();
  assert.equal((await signIn(go, 'kim')).acr, ACR.low);
  const raised = await signIn(go, 'kim', { acr_values: ACR.high });
  assert.equal(raised.acr, ACR.high);
  assert.equal(raised.asked, 1);
  assert.equal((await signIn(browser(), 'lovisa', { acr_values: ACR.high })).acr, ACR.low);
});

test('refuses a wrong verifier, a replayed code, a foreign redirect address, no PKCE', async () => {
  const wrong = await codeFor(browser(), 'anna');
  assert.equal((await redeem({ ...wrong, verifier: b64(randomBytes(32)) })).status, 400);
  const once = await codeFor(browser(), 'anna');
  assert.equal((await redeem(once)).status, 200);
  assert.equal((await redeem(once)).status, 400);
  const go = browser();
  const foreign = new URL(metadata.authorization_endpoint);
  foreign.search = new URLSearchParams({ client_id: provider.client_id, response_type: 'code', scope: 'openid', redirect_uri: 'http://localhost:9/elsewhere' });
  assert.equal((await go(foreign.href)).status, 400);
  assert.ok((await codeFor(browser(), 'anna', { code_challenge: '' })).error);
});

test('sign-out: by client id alone, with a form, then a logout token over the back channel', async () => {
  const go = browser();
  const { sid } = await signIn(go, 'anna');
  const end = new URL(metadata.end_session_endpoint);
  end.search = new URLSearchParams({ client_id: provider.client_id, post_logout_redirect_uri: `${portal}/signed-out` });
  const ask = await (await go(end.href)).text();
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(ask)[1];
  const action = /action="([^"]+)"/.exec(ask)[1];
  const done = await go(action, { form: { xsrf, logout: 'yes' } });
  assert.equal(done.headers.get('location'), `${portal}/signed-out`);
  const { header, claims } = await checked(logoutTokens.at(-1));
  assert.equal(header.typ, 'logout+jwt');
  assert.equal(claims.sid, sid);
  assert.ok('http://schemas.openid.net/event/backchannel-logout' in claims.events);
  assert.equal((await signIn(go, 'anna')).asked, 1);
});

test('a new signing key replaces the old; open sessions go on', async () => {
  const go = browser();
  await signIn(go, 'anna');
  const [old] = provider.keyIds();
  provider.rotateKeys();
  assert.notEqual(provider.keyIds()[0], old);
  assert.equal((await signIn(go, 'anna')).asked, 0);
});

test('endpoints can be put out of order', async () => {
  for (const how of [500, 'html']) {
    provider.breakEndpoint('/jwks', how);
    const response = await fetch(metadata.jwks_uri);
    assert.equal(response.status, how === 'html' ? 200 : 500);
    await assert.rejects(response.json());
  }
  provider.breakEndpoint('/jwks', null);
  assert.equal((await fetch(metadata.jwks_uri)).status, 200);
  assert.deepEqual(provider.errors, []);
});
