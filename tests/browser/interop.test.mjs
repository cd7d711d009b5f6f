// `keyharbor serve` against an identity provider of another make (a certified one).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GOOD_FORM, at, fillDesk, path, reveal, search, untilStepUp } from './journeys.mjs';
import { atProvider, closeBrowser, freePort, home, newToken, press, serve, signIn, signOut, until, visit } from './lib.mjs';
import { ACR, startProvider } from './provider.mjs';

const KNOWN = { serial: 'KHINTEROP01', recovery_key: 'W3ZK-9PVA-O7RX-46TN-B8DQ-2MHE' };
const person = login => ({ login });
let provider, product;

before(async () => {
  const port = await freePort();
  const portal = `http://localhost:${port}`;
  provider = await startProvider({ portal, backchannel: `${portal}/auth/backchannel-logout` });
  const place = await home(provider, port, sections => {
    sections.oidc.acr_values = [ACR.high];
    sections.oidc.require_acr = true;
    sections.reveal = { step_up_owner_seconds: 60, step_up_desk_seconds: 60 };
  });
  product = await serve(place);
  product.apiToken = await newToken(place.config, ['escrow:write']);
});
after(async () => {
  await closeBrowser();
  await product?.stop();
  await provider?.stop();
});

async function deposit() {
  const answer = await fetch(`${product.portal}/api/v1/deposits`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.apiToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(KNOWN),
  });
  assert.ok(answer.ok, `deposit: ${answer.status} ${await answer.text()}`);
}

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
  await deposit();
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
    await atProvider(page, person('lovisa'), product.portal);
    if (await page.locator(at.deskReveal).count()) {
      await fillDesk(page, GOOD_FORM);
      await press(page, at.deskReveal);
    }
    assert.equal(await page.locator(at.secret).count(), 0, 'the lower context gets no key');
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

test('signing out at the provider ends the session here, over the back channel', () => visit({}, async (page, { context }) => {
  await signIn(page, product, person('anna'));
  const other = await context.newPage();
  await other.goto(`${provider.issuer}/session/end?client_id=${provider.client_id}`);
  await other.locator('button[name=logout]').click();
  await other.waitForLoadState();
  await other.close();
  await until(async () => {
    await page.goto(`${product.portal}/devices`);
    return (await page.locator(at.signOut).count()) === 0;
  }, 'the session is over', 5);
}));

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
