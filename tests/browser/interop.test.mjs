// `keyharbor serve` against an identity provider of another make (a certified one).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GOOD_FORM, KNOWN, at, fillDesk, path, reveal, search, untilStepUp } from './journeys.mjs';
import { atProvider, closeBrowser, looksGood, press, signIn, signOut, visit } from './lib.mjs';
import { freePort, home, keyharbor, newToken, serve } from './product.mjs';
import { ACR, startProvider } from './provider.mjs';

const person = login => ({ login });
let provider, place, product;

before(async () => {
  const port = await freePort();
  const portal = `http://localhost:${port}`;
  provider = await startProvider({ portal, backchannel: `${portal}/auth/backchannel-logout` });
  place = await home(provider, port, sections => {
    sections.oidc.acr_values = [ACR.high];
    sections.oidc.require_acr = true;
  });
  product = await serve(place, { apiToken: await newToken(place, ['escrow:write']) });
});
after(async () => {
  await closeBrowser();
  await product?.stop();
  await provider?.stop();
});

test('the check before the first sign-in finds that it fits', async () => {
  const told = await keyharbor('--config', place.config, 'oidc', 'check', '--json');
  const { ok, checks } = JSON.parse(told);
  assert.equal(ok, true, told);
  // This provider is plain http on loopback, and nothing else is amiss.
  const warnings = checks.filter(({ state }) => state !== 'ok');
  assert.ok(warnings.every(({ state, text }) => state === 'warning' && text.includes('http, without encryption')), told);
  assert.deepEqual(warnings.map(({ check }) => check), ['issuer', 'addresses']);
  const about = name => checks.filter(({ check }) => check === name).map(({ text }) => text).join(' ');
  assert.match(about('back channel'), /by session/);
  assert.match(about('client'), /made-up code/);
  assert.match(about('acr'), /two-factor/);
  assert.match(about('clock'), /agree/);
  assert.ok(!told.includes(provider.client_secret));
});

test('a sign-in asks for PKCE, a nonce, max_age and never for max_age=0', () => visit({}, async page => {
  await signIn(page, product, person('anna'));
  const asked = provider.authorizations.at(-1);
  assert.equal(asked.response_type, 'code');
  assert.equal(asked.code_challenge_method, 'S256');
  assert.ok(asked.nonce && asked.state);
  assert.ok(Number(asked.max_age) >= 1);
  assert.equal((await page.goto(`${product.portal}/devices`)).status(), 200);
}));

test('groups make roles, at the next sign-in', async () => {
  const desk = login => visit({}, async page => {
    await signIn(page, product, person(login));
    return (await page.goto(`${product.portal}/desk`)).status();
  });
  assert.equal(await desk('kim'), 200);
  assert.notEqual(await desk('anna'), 200);
  for (const groups of ['mac-helpdesk', ['MAC-HELPDESK'], [' mac-helpdesk '], { 0: 'mac-helpdesk' }, [['mac-helpdesk']]]) {
    provider.people.anna.groups = groups;
    assert.notEqual(await desk('anna'), 200, JSON.stringify(groups));
  }
  provider.people.anna.groups = ['mac-helpdesk'];
  assert.equal(await desk('anna'), 200);
  provider.people.anna.groups = [];
});

test('step-up asks for the higher context and takes no lower one', async () => {
  await product.deposit(KNOWN.serial, KNOWN.recovery_key);
  const toForm = async page => {
    await page.goto(product.portal + (await search(page, product.portal, KNOWN.serial))[0]);
    await fillDesk(page, GOOD_FORM);
  };
  await visit({ width: 1280 }, async page => {
    await signIn(page, product, person('kim'));
    await untilStepUp(page, at.deskReveal, () => toForm(page));
    await page.locator(at.confirm).click();
    await page.locator('input[name=login]').waitFor();
    const asked = provider.authorizations.at(-1);
    assert.ok(asked.acr_values.split(' ').includes(ACR.high));
    assert.equal(asked.prompt, 'login');
    assert.ok(Number(asked.max_age) >= 1);
    await atProvider(page, person('kim'), product.portal);
    assert.equal(await reveal(page, at.deskReveal), KNOWN.recovery_key);
  });
  await visit({ width: 1280 }, async page => {
    await signIn(page, product, person('lovisa'));
    await untilStepUp(page, at.deskReveal, () => toForm(page));
    await page.locator(at.confirm).click();
    await atProvider(page, person('lovisa'));
    assert.equal(path(page), '/auth/callback');
    await looksGood(page, 'sign-in-too-weak');
    await toForm(page);
    await press(page, at.deskReveal);
    assert.equal(await page.locator(at.secret).count(), 0, 'the lower context gets no key');
    await page.locator(at.confirm).waitFor();
  });
});

test('sign-out leads to our own page, and from there out of the provider', () => visit({}, async page => {
  await signIn(page, product, person('anna'));
  await signOut(page);
  assert.equal(path(page), '/signed-out');
  const link = page.locator(`main a[href^="${provider.issuer}"]`);
  const target = new URL(await link.getAttribute('href'));
  assert.equal(target.searchParams.get('client_id'), provider.client_id);
  assert.equal(target.searchParams.has('id_token_hint'), false);
  await link.click();
  await page.locator('button[name=logout]').click();
  await page.waitForURL(url => url.href.startsWith(product.portal));
  await page.goto(`${product.portal}/`);
  await page.locator('main a[href^="/sign-in"]').first().click();
  await page.locator('input[name=login]').waitFor();
}));

test('S17, S42 who signs out at the provider is signed out here, and nobody else is', async () => {
  const device = page => page.goto(`${product.portal}/devices`).then(answer => answer.status());
  await visit({}, async other => {
    await signIn(other, product, person('kim'));
    await visit({}, async page => {
      await signIn(page, product, person('anna'));
      assert.equal(await device(page), 200);
      const before = provider.logouts.length;
      await page.goto(`${provider.issuer}/session/end`);
      await page.locator('button[name=logout]').click();
      await page.getByRole('heading', { name: 'Signed out' }).waitFor();
      const [call, ...more] = provider.logouts.slice(before);
      assert.deepEqual([call.login, call.error, more.length], ['anna', undefined, 0]);
      assert.ok(call.sid);
      assert.equal(await device(page), 401);
    });
    assert.equal(await device(other), 200);
  });
});

test('the signing key may change', async () => {
  provider.rotateKeys();
  await visit({}, page => signIn(page, product, person('anna')));
});

for (const [endpoint, how] of [['/token', 500], ['/token', 'html']]) {
  test(`${endpoint} answers ${how}: a page of ours, and sessions go on`, () => visit({}, async page => {
    await visit({}, async signedIn => {
      await signIn(signedIn, product, person('anna'));
      provider.breakEndpoint(endpoint, how);
      try {
        await page.goto(`${product.portal}/sign-in`);
        await page.locator('input[name=login]').fill('kim');
        await page.locator('form button').click();
        await page.waitForURL(url => url.origin === product.portal);
        assert.equal(await page.locator('main h1').count(), 1);
        assert.equal(await page.locator(at.signOut).count(), 0);
        assert.equal((await signedIn.goto(`${product.portal}/devices`)).status(), 200);
      } finally {
        provider.breakEndpoint(endpoint, null);
      }
    });
  }));
}
