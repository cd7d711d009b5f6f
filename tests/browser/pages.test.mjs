// Every page, in every language, both schemes, two widths, and 320 px: policies, console, axe, and a picture of each.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GOOD_FORM, KNOWN, at, atOwnDevice, fillDesk, ownDevice, ownDevices, path, reveal, search } from './journeys.mjs';
import { atProvider, closeBrowser, looksGood, press, signIn, signOut, visit } from './lib.mjs';
import { demo, until } from './product.mjs';

let full;

before(async () => {
  full = await demo();
  await full.deposit(KNOWN.serial, KNOWN.recovery_key);
});
after(async () => {
  await closeBrowser();
  await full?.stop();
});

const to = address => page => page.goto(full.portal + address);

/** name → how to get there; signed out, or signed in as that role. */
const PAGES = {
  'signed out': [
    ['start', to('/')],
    ['help', to('/help')],
    ['help-unfolded', page => page.locator('details').evaluateAll(folds => folds.forEach(fold => { fold.open = true; }))],
    ['help-sign-in', to('/help/sign-in')],
    ['help-not-listed', to('/help/not-listed')],
    ['status', to('/status')],
    ['signed-out-in-between', to('/devices')],
    ['sign-in-lost', to('/auth/callback?code=none&state=none')],
    ['not-found-signed-out', to('/nowhere')],
  ],
  employee: [
    ['devices', to('/devices')],
    ['device', page => ownDevice(page, full.portal)],
    ['device-without-key', async page => page.goto(full.portal + (await ownDevices(page, full.portal)).without[0])],
    ['key', async page => (await ownDevice(page, full.portal), reveal(page))],
    ['key-unfolded', page => page.locator('details').evaluateAll(folds => folds.forEach(fold => { fold.open = true; }))],
    ['hidden', page => press(page, at.hide)],
    ['not-found', to('/devices/none')],
    ['not-allowed', to('/trail')],
    ['help-signed-in', to('/help')],
    ['signed-out', page => signOut(page)],
  ],
  helpdesk: [
    ['desk', to('/desk')],
    ['desk-found', page => search(page, full.portal, 'C02KH')],
    ['desk-nothing', to('/desk?q=NOSUCHSERIAL')],
    ['desk-device', async page => page.goto(full.portal + (await search(page, full.portal, 'FVFKH2DEMO02'))[0])],
    ['desk-no-key', async page => page.goto(full.portal + (await search(page, full.portal, 'C17KH3DEMO03'))[0])],
    ['desk-no-owner', async page => page.goto(full.portal + (await search(page, full.portal, KNOWN.serial))[0])],
    ['desk-errors', async page => (await fillDesk(page, { reason: '', identity: '' }), press(page, at.deskReveal))],
    ['desk-key', async page => (await fillDesk(page, GOOD_FORM), reveal(page, at.deskReveal))],
    ['desk-hidden', page => press(page, at.hide)],
  ],
  admin: [
    ['admin', to('/admin')],
    ['admin-connect', to('/admin/connect')],
    ['admin-connect-unfolded', page => page.locator('details').evaluateAll(folds => folds.forEach(fold => { fold.open = true; }))],
    ['admin-token-new', to('/admin/tokens/new?way=crypt')],
    ['admin-token-errors', async page => (await press(page, at.makeToken), page.locator('#errors:focus').waitFor())],
    ['admin-token-made', async page => {
      await page.locator(`${at.makeToken} [name=name]`).fill('Crypt clients');
      await press(page, at.makeToken);
      await page.locator('[data-token]').evaluate(node => { node.textContent = 'kh_0123456789abcdef_…'; });
    }],
    ['admin-wait', page => page.locator('main a.btn[href^="/admin/connect/"]').click()],
    ['admin-tokens', to('/admin/tokens')],
    ['admin-token-revoke', page => page.locator('main a[href$="/revoke"]').first().click()],
    ['admin-sources', to('/admin/sources')],
    ['admin-no-owner', to('/admin/devices')],
    ['admin-no-key', to('/admin/devices?list=no-key')],
    ['admin-contested', to('/admin/devices?list=contested')],
    ['admin-never-signed-in', to('/admin/devices?list=never-signed-in')],
    ['admin-no-device', to('/admin/devices?list=no-device')],
    ['admin-sessions', to('/admin/sessions')],
    ['admin-sign-in', to('/admin/sign-in')],
    ['admin-sign-in-report', async page => {
      await page.locator('main a[href="/admin/sign-in/start"]').click();
      await atProvider(page, full.person('admin'), full.portal);
    }],
  ],
  auditor: [
    ['trail', to('/trail')],
    ['trail-older', page => page.locator('.pager a[rel=next]').click()],
  ],
};

describe('S27 every page', { concurrency: 2 }, () => {
  // The other languages are walked as samples, see matrix.test.mjs.
  for (const lang of ['en']) {
    for (const [who, pages] of Object.entries(PAGES)) {
      test(`${lang}, ${who}: no violation, nothing on the console, axe is content, fits`, () => visit({ lang }, async page => {
        if (who !== 'signed out') await signIn(page, full, full.person(who));
        for (const [name, go] of pages) {
          await go(page);
          await page.waitForLoadState();
          assert.equal(await page.locator('html').getAttribute('lang'), lang, name);
          assert.equal(await page.locator('main h1').count(), 1, name);
          assert.equal(await page.locator('[style]').count(), 0, `${name}: a style attribute`);
          await looksGood(page, name);
        }
      }));
    }
  }

  test('the pages of the demo’s own provider', () => visit({}, async page => {
    await page.goto(`${full.portal}/sign-in`);
    await looksGood(page, 'demo-sign-in');
    await page.locator('input[name=login]').fill('anna.berg');
    await page.locator('input[name=password]').fill('wrong');
    await page.locator('form button').click();
    await page.locator('[role=alert]').waitFor();
    await looksGood(page, 'demo-sign-in-wrong');
    await page.goto(`${full.issuer}/`);
    await looksGood(page, 'demo-home');
  }));
});

describe('S27 the policy', () => {
  test('a script that got into a page does not run, and is reported to an address of ours', () => visit({}, async (page, { problems, forgive }) => {
    const address = `${full.portal}/help`;
    await page.route(address, async route => {
      const answer = await route.fetch();
      const body = (await answer.text())
        .replace('</main>', '</main><script>window.intruder = 1</script><img src="/x" onerror="window.intruder = 2"><b style="color:red">x</b>');
      await route.fulfill({ response: answer, body });
    });
    const policy = (await page.goto(address)).headers()['content-security-policy'];
    for (const directive of ['script-src-elem', 'script-src-attr', 'style-src-attr']) {
      await until(() => problems().some(text => text.startsWith(`[policy] ${directive}`)), `${directive} speaks up`);
    }
    assert.equal(await page.evaluate(() => window.intruder), undefined);
    const report = /(?:^|; )report-uri (\/[^ ;]+)/.exec(policy)?.[1];
    assert.ok(report, `the policy names a report address: ${policy}`);
    const taken = await fetch(full.portal + report, { method: 'POST', headers: { 'content-type': 'application/csp-report' }, body: '{"csp-report":{}}' });
    assert.equal(taken.status, 204);
    forgive();
  }));

  test('no text becomes markup: Trusted Types', () => visit({}, async (page, { problems, forgive }) => {
    await page.goto(`${full.portal}/help`);
    const refusals = await page.evaluate(() => {
      const refused = act => {
        try {
          act();
          return 'done';
        } catch (error) {
          return error.name;
        }
      };
      return [
        refused(() => { document.querySelector('main').innerHTML = '<b>x</b>'; }),
        refused(() => document.createElement('script').text = 'window.intruder = 1'),
        refused(() => trustedTypes.createPolicy('mine', {})),
      ];
    });
    assert.deepEqual(refusals, ['TypeError', 'TypeError', 'TypeError']);
    await until(() => problems().some(text => text.startsWith('[policy] require-trusted-types-for')), 'the policy speaks up');
    forgive();
  }));
});

test('S31 every form of ours, pressed in Chromium, has our origin and passes', async () => {
  const name = action => action.replace(/^(\/(?:desk\/)?(?:devices|reveals))\/[^/]+/, '$1/{id}');
  const [seen, passed] = [new Set(), new Set()];
  const look = async page => {
    for (const action of await page.locator('form').evaluateAll(forms => forms.map(form => form.method === 'post' && form.getAttribute('action')))) {
      if (action) seen.add(name(action));
    }
  };
  const pass = async (page, form) => {
    await look(page);
    const answer = await press(page, form);
    const headers = await answer.request().allHeaders();
    assert.equal(headers.origin, full.portal, form);
    assert.equal(headers['sec-fetch-site'], 'same-origin', form);
    assert.equal(answer.status(), 303, form);
    passed.add(name(new URL(answer.url()).pathname));
    await look(page);
  };
  await visit({}, async page => {
    await atOwnDevice(page, full);
    for (const form of [at.reveal, at.renew, at.hide, at.reveal]) await pass(page, form);
    for (const address of ['/', '/devices', '/help', '/help/sign-in', '/help/not-listed', '/status', '/trail', '/devices']) {
      await page.goto(full.portal + address);
      await look(page);
    }
    await pass(page, at.signOut);
  });
  await visit({}, async page => {
    await signIn(page, full, full.person('helpdesk'));
    const [device] = await search(page, full.portal, KNOWN.serial);
    await look(page);
    await page.goto(full.portal + device);
    await fillDesk(page, GOOD_FORM);
    for (const form of [at.deskReveal, at.renew, at.hide]) await pass(page, form);
  });
  assert.deepEqual([...passed].sort(), [...seen].sort());
  assert.ok(passed.size >= 5, [...passed].join(' '));
});

test('the language is a choice that stays', () => visit({ lang: 'en' }, async page => {
  await page.goto(`${full.portal}/help`);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await page.goto(`${full.portal}/language/sv?return_to=/help`);
  assert.equal(path(page), '/help');
  assert.equal(await page.locator('html').getAttribute('lang'), 'sv');
  await page.goto(`${full.portal}/status`);
  assert.equal(await page.locator('html').getAttribute('lang'), 'sv');
}));
