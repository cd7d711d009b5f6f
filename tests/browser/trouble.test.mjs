// `keyharbor serve` when something is out of order: no provider, no root key, no more viewings.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KNOWN, at, atOwnDevice, path, reveal } from './journeys.mjs';
import { closeBrowser, looksGood, press, signIn, visit } from './lib.mjs';
import { freePort, home, newToken, serve, setOwners, until, wrongRootKey } from './product.mjs';
import { startProvider } from './provider.mjs';

after(closeBrowser);

/** A place to serve from and a provider to sign in with, for as long as the steps run. */
async function withProvider(steps, change) {
  const port = await freePort();
  const provider = await startProvider({ portal: `http://localhost:${port}` });
  try {
    await steps(provider, await home(provider, port, change));
  } finally {
    await provider.stop();
  }
}

async function served(place, steps, facts) {
  const product = await serve(place, facts);
  try {
    await steps(product);
  } finally {
    await product.stop();
  }
}

test('the provider goes down: sessions go on', () => withProvider((provider, place) => served(place, async product => {
  await visit({}, async page => {
    await signIn(page, product, { login: 'anna' });
    await provider.stop();
    assert.equal((await page.goto(`${product.portal}/devices`)).status(), 200);
    await looksGood(page, 'devices-empty');
  });
})));

test('the provider is down from the start: the pages say so, and sign-in works when it is back', () => withProvider(async (provider, place) => {
  await provider.stop();
  await served(place, async product => {
    for (const lang of ['en', 'nb']) {
      await visit({ lang }, async page => {
        const answer = await page.goto(`${product.portal}/sign-in`);
        assert.equal(answer.status(), 503);
        assert.equal(path(page), '/sign-in');
        assert.equal(await page.locator('main h1').count(), 1);
        await looksGood(page, 'provider-down');
        await page.goto(`${product.portal}/`);
        assert.equal(await page.locator('main .note').count(), 1);
        await looksGood(page, 'start-provider-down');
        await page.goto(`${product.portal}/status`);
        await looksGood(page, 'status-provider-down');
      });
    }
    await provider.resume();
    await visit({}, page => until(async () => {
      await page.goto(`${product.portal}/sign-in`);
      return (await page.locator('input[name=login]').count()) > 0;
    }, 'the way to the provider is open again'));
  });
}));

test('a wrong root key: every page is the sealed page', () => withProvider(async (_provider, place) => {
  await wrongRootKey(place);
  await served(place, async product => {
    assert.equal((await fetch(`${product.portal}/readyz`)).status, 503);
    const headers = { 'content-type': 'application/json' };
    assert.equal((await fetch(`${product.portal}/api/v1/deposits`, { method: 'POST', headers, body: '{}' })).status, 503);
    for (const lang of ['en', 'nb']) {
      await visit({ lang }, async page => {
        const headings = new Set();
        for (const address of ['/', '/devices', '/desk', '/trail', '/help', '/status', '/sign-in', '/nowhere']) {
          assert.equal((await page.goto(product.portal + address)).status(), 503, address);
          headings.add(await page.locator('main h1').innerText());
        }
        assert.equal(headings.size, 1);
        await looksGood(page, 'sealed');
      });
    }
  });
}));

test('too many viewings: the page says from when it works again', () => withProvider(async (_provider, place) => {
  await setOwners(place, { [KNOWN.serial]: 'anna' });
  const apiToken = await newToken(place, ['escrow:write']);
  await served(place, async product => {
    await product.deposit(KNOWN.serial, KNOWN.recovery_key);
    await visit({}, async page => {
      const device = await atOwnDevice(page, product, { login: 'anna' });
      assert.equal(await reveal(page), KNOWN.recovery_key);
      await page.goto(product.portal + device);
      const answer = await press(page, at.reveal);
      assert.equal(answer.status(), 429);
      assert.ok(Number(await answer.headerValue('retry-after')) > 0);
      assert.equal(await page.locator(at.secret).count(), 0);
      await looksGood(page, 'too-many');
    });
  }, { apiToken });
}, sections => {
  sections.reveal.per_minute = 1;
}));
