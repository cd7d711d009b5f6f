// What time does: the key leaves after its seconds, and a sign-in grows too old for the next one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GOOD_FORM, KNOWN, TURNS, at, atOwnDevice, deskForm, fillDesk, path, reveal, search, takeTurns, untilStepUp } from './journeys.mjs';
import {
  atProvider, axe, closeBrowser, looksGood, noKey, nothingSecretVisible, paint, picture, press, printed, readKey, signIn, traces, visit,
} from './lib.mjs';
import { demo, until } from './product.mjs';

const SECONDS = 8;

/** Keys are shown for a few seconds; a fresh sign-in is asked for after a few; neither. */
let brief, wary, full;

before(async () => {
  [brief, wary, full] = await Promise.all([
    demo({ REVEAL__WINDOW_SECONDS: SECONDS }),
    demo({ REVEAL__STEP_UP_OWNER_SECONDS: SECONDS, REVEAL__STEP_UP_DESK_SECONDS: SECONDS }),
    demo(),
  ]);
});
after(async () => {
  await closeBrowser();
  await Promise.all([brief, wary, full].map(product => product?.stop()));
});

describe('when the time is over', { concurrency: 3 }, () => {
  test('S32 S29 the key leaves the document, the paper and the address, also by Back', () => visit({}, async page => {
    await atOwnDevice(page, brief);
    const key = await reveal(page);
    const address = page.url();
    await page.locator('.is-soon').waitFor();
    for (const scheme of ['dark', 'light']) {
      await paint(page, scheme);
      await picture(page, 'key-last-minute');
    }
    await page.locator(at.secret).first().waitFor({ state: 'detached' });
    await page.locator(at.gone).waitFor();
    await noKey(page, key);
    await nothingSecretVisible(page, key);
    assert.deepEqual(traces(await printed(page), key), []);
    await looksGood(page, 'key-expired');
    await page.goBack();
    await noKey(page, key);
    await until(async () => {
      assert.equal((await page.goto(address)).status(), 200);
      return (await page.locator(at.secret).count()) === 0;
    }, 'the server refuses the address', 5);
    await noKey(page, key);
    await page.goBack();
    await noKey(page, key);
  }));

  for (const keepsPages of [false, true]) {
    test(`S29 Back to a key whose time is over shows none, pages kept for Back: ${keepsPages}`, () => visit({ keepsPages }, async page => {
      await atOwnDevice(page, brief);
      const key = await reveal(page);
      const address = page.url();
      await page.goto(`${brief.portal}/help`);
      await until(async () => traces(await (await page.request.get(address)).text(), key).length === 0, 'the server refuses the address');
      await page.evaluate(() => history.back());
      await page.waitForURL(address);
      await noKey(page, key);
      await nothingSecretVisible(page, key);
    }));
  }

  test('S32 what was copied can still be cleared', () => visit({}, async (page, { context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await atOwnDevice(page, brief);
    const key = await reveal(page);
    await page.locator('[data-copy]').click();
    await page.locator('[data-clear]').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
    await page.locator(at.secret).first().waitFor({ state: 'detached' });
    await axe(page);
    await picture(page, 'key-expired-copied');
    await page.locator(`${at.gone} [data-clear]`).click();
    await page.locator('[data-clear]').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '');
  }));

  test('the focus follows only if it was on what went away', () => visit({}, async page => {
    await atOwnDevice(page, brief);
    await reveal(page);
    await page.locator(`${at.hide} button`).focus();
    await page.locator(at.gone).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest('[data-gone]') !== null), true);
  }));

  for (const motion of ['no-preference', 'reduce']) {
    test(`S32 without script, motion ${motion}: shown by POST, hidden by the style sheet`, () => visit({ js: false, motion }, async page => {
      await atOwnDevice(page, brief);
      const key = await reveal(page);
      const address = page.url();
      await page.locator(at.key).waitFor({ state: 'hidden' });
      await page.locator('.expired').waitFor();
      await nothingSecretVisible(page, key);
      await picture(page, 'key-expired-no-script');
      // A list of letters that is opened only now shows nothing either.
      for (const summary of await page.locator('details.secret summary').all()) await summary.click();
      assert.equal(await page.locator('details.secret[open]').count(), 1);
      await nothingSecretVisible(page, key);
      await until(async () => {
        await page.goto(address);
        return (await page.locator(at.secret).count()) === 0;
      }, 'the server refuses the address', 5);
    }));
  }

  test('a tab that nobody looks at is silent, and says so when it is looked at again', () => visit({}, async page => {
    await atOwnDevice(page, brief);
    await reveal(page);
    const hide = hidden => page.evaluate(value => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await page.locator('.is-soon').waitFor();
    await page.locator(`${at.hide} button`).focus();
    await hide(true);
    await page.locator(at.secret).first().waitFor({ state: 'detached' });
    const gone = JSON.parse(await page.locator('[data-key-view]').getAttribute('data-text')).gone;
    assert.notEqual(await page.locator('[role=status]').innerText(), gone);
    assert.equal(await page.evaluate(() => document.activeElement.closest('[data-gone]')), null);
    await hide(false);
    await page.locator('[role=status]').filter({ hasText: gone }).waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => document.activeElement.closest('[data-gone]') !== null), true);
  }));

  test('S32 a machine that slept shows no key when it wakes: the wall clock counts too', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    await page.evaluate(() => {
      const now = Date.now;
      Date.now = () => now() + 301_000;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await noKey(page, key);
    await page.locator(at.gone).waitFor();
  }));

  test('without script: renew and hide', () => visit({ js: false }, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    await press(page, at.renew);
    assert.equal(await readKey(page), key);
    await press(page, at.hide);
    assert.deepEqual(traces(await page.content(), key), []);
  }));
});

describe('a fresh sign-in is due', { concurrency: 3 }, () => {
  async function confirm(page, person) {
    assert.match(await page.locator(at.confirm).getAttribute('href'), /^(\/|https?:)/);
    await looksGood(page, 'step-up');
    await page.locator(at.confirm).click();
    await atProvider(page, person, wary.portal);
    assert.equal(await page.locator(at.secret).count(), 0, 'coming back reveals nothing');
  }

  test('for the own Mac: confirm, come back, press once more', () => visit({}, async page => {
    const person = wary.person('employee');
    const device = await atOwnDevice(page, wary, person);
    await untilStepUp(page, at.reveal, () => page.goto(wary.portal + device));
    await confirm(page, person);
    assert.equal(path(page), device);
    await reveal(page);
  }));

  test('for the other key: what comes back asks for that one still', () => visit({}, async page => {
    const person = wary.person('employee');
    const device = await atOwnDevice(page, wary, person);
    await takeTurns(page, wary);
    await page.goto(wary.portal + device);
    assert.equal(await reveal(page), TURNS[0]);
    const address = page.url();
    await untilStepUp(page, at.other, () => page.goto(address));
    await confirm(page, person);
    assert.equal(path(page), device);
    assert.equal(await reveal(page, at.other), TURNS[1]);
  }));

  test('at the desk: the form comes back as it was filled in', () => visit({ lang: 'sv' }, async page => {
    const person = wary.person('helpdesk');
    await wary.deposit(KNOWN.serial, KNOWN.recovery_key);
    await signIn(page, wary, person);
    const [device] = await search(page, wary.portal, KNOWN.serial);
    await untilStepUp(page, at.deskReveal, async () => {
      await page.goto(wary.portal + device);
      await fillDesk(page, GOOD_FORM);
    });
    await confirm(page, person);
    assert.deepEqual(await deskForm(page), GOOD_FORM);
    assert.equal(await reveal(page, at.deskReveal), KNOWN.recovery_key);
  }));

  test('another person who comes back gets nothing and ends the session', () => visit({}, async (page, { context }) => {
    const device = await atOwnDevice(page, wary);
    await untilStepUp(page, at.reveal, () => page.goto(wary.portal + device));
    await page.locator(at.confirm).click();
    await atProvider(page, wary.person('auditor'));
    assert.equal(path(page), '/auth/callback');
    assert.equal(await page.locator(at.secret).count(), 0);
    assert.deepEqual((await context.cookies()).filter(c => c.name === '__Host-keyharbor'), []);
    const links = await page.locator('a').evaluateAll(nodes => nodes.map(node => node.getAttribute('href')));
    assert.deepEqual(links.filter(link => /code=|state=/.test(decodeURIComponent(link))), [], 'no link leads through the callback again');
    await looksGood(page, 'another-account');
    await page.goto(wary.portal + device);
    assert.equal(await page.locator(at.reveal).count(), 0);
  }));
});
