// An employee and the own Mac, in Chromium, against the real server (`keyharbor demo`).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KNOWN, TURNS, at, atOwnDevice, ownDevice, path, reveal, search, takeTurns } from './journeys.mjs';
import {
  atProvider, closeBrowser, keyOnlyInTiles, looksGood, noKey, nothingSecretVisible, picture, press, printed, readKey, signIn, traces, visit,
} from './lib.mjs';
import { demo } from './product.mjs';

let full;

before(async () => {
  full = await demo();
});
after(async () => {
  await closeBrowser();
  await full?.stop();
});

describe('the key', () => {
  test('stands in six tiles and nowhere else', () => visit({}, async page => {
    await atOwnDevice(page, full);
    await keyOnlyInTiles(page, await reveal(page));
    assert.equal(await page.locator('.key input, input.secret').count(), 0);
  }));

  test('S30 is an answer to a POST, never to a GET or HEAD, and in no address, title or history', () => visit({}, async page => {
    const device = await atOwnDevice(page, full);
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await page.request.fetch(`${full.portal}${device}/reveal`, { method })).status(), 405, method);
    }
    assert.equal((await page.goto(`${full.portal}${device}/reveal`)).status(), 405);
    assert.equal(await page.locator(at.secret).count(), 0);
    await page.goto(full.portal + device);
    const answer = await press(page, at.reveal);
    const key = await readKey(page);
    assert.equal(answer.status(), 303);
    assert.deepEqual(traces(await answer.headerValue('location'), key), []);
    const steps = await page.evaluate(() => JSON.stringify([performance.getEntries().map(e => e.name), history.state, document.title]));
    assert.deepEqual(traces(steps, key), []);
    // A link of the key's own page, clicked: what the browser then tells the next page.
    const [next] = await Promise.all([
      page.waitForRequest(request => request.isNavigationRequest() && new URL(request.url()).pathname === '/devices'),
      page.locator('a[href="/devices"]').first().click(),
    ]);
    const { referer } = await next.allHeaders();
    assert.ok(referer?.startsWith(full.portal), 'a link within the site names where it was clicked');
    assert.deepEqual(traces(referer, key), []);
  }));

  test('a reload shows the same grant with the same deadline', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const deadline = () => page.locator('.clock time').getAttribute('datetime');
    const [address, until] = [page.url(), await deadline()];
    await page.reload();
    assert.equal(await readKey(page), key);
    assert.equal(page.url(), address);
    assert.equal(await deadline(), until);
  }));

  test('S32 five more minutes is a new grant at a new address, ten times', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const addresses = new Set([page.url()]);
    for (let n = 1; n <= 10; n++) {
      assert.equal((await press(page, at.renew)).status(), 303);
      assert.equal(await readKey(page), key);
      addresses.add(page.url());
      assert.equal(addresses.size, n + 1, 'the address is new');
    }
    assert.equal(await page.locator(at.renew).count(), 0, 'there is no eleventh');
  }));

  test('hidden means gone, also by Back', () => visit({}, async page => {
    const device = await atOwnDevice(page, full);
    const key = await reveal(page);
    const address = page.url();
    assert.equal((await press(page, at.hide)).status(), 303);
    await noKey(page, key);
    await page.goBack();
    await noKey(page, key);
    await page.goto(address);
    await noKey(page, key);
    assert.equal(await page.locator(`main form[action="${device}/reveal"]`).count(), 1, 'one press shows it again');
  }));

  test('S29 what leaves the page takes no key along: page cache, hidden tab, paper', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const paper = await printed(page);
    assert.ok(paper.trim().length > 0);
    assert.deepEqual(traces(paper, key), []);

    const hide = hidden => page.evaluate(value => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await hide(true);
    await page.locator(at.key).waitFor({ state: 'hidden' });
    await nothingSecretVisible(page, key);
    await hide(false);
    await page.locator(at.key).waitFor({ state: 'visible' });

    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
    await noKey(page, key);
    const reloaded = page.waitForEvent('load');
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await reloaded;
    assert.equal(await readKey(page), key);
  }));

  test('a copied selection is one line with hyphens', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const copied = await page.evaluate(() => {
      getSelection().selectAllChildren(document.querySelector('.key'));
      const clipboardData = new DataTransfer();
      document.dispatchEvent(new ClipboardEvent('copy', { clipboardData, bubbles: true, cancelable: true }));
      return clipboardData.getData('text/plain');
    });
    assert.equal(copied, key);
  }));

  test('S32 the copy button copies, and the button beside it empties the clipboard', () => visit({}, async (page, { context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await atOwnDevice(page, full);
    const key = await reveal(page);
    assert.equal(await page.locator('[data-clear]').isVisible(), false);
    await page.locator('[data-copy]').click();
    await page.locator('[data-clear]').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
    await page.locator('[data-clear]').click();
    await page.locator('[data-clear]').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '');
  }));

  test('what was copied can be cleared on the pages that follow, and each press says what it did', () => visit({}, async (page, { context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const clear = page.locator('[data-clear]');
    const said = page.locator('[data-said]');
    const spoken = page.locator('[role=status]');
    assert.equal(await said.isVisible(), false);
    await page.locator('[data-copy]').click();
    await said.waitFor();
    const copied = await said.innerText();
    assert.ok(copied.length > 0);
    await spoken.filter({ hasText: copied }).waitFor({ state: 'attached' });
    assert.equal(await page.locator('[role=status], [aria-live]').count(), 1, 'one live region');
    await looksGood(page, 'key-copied');
    for (const next of [() => press(page, at.renew), () => page.locator('a[href="?text=large"]').click(), () => page.locator('a[href="?text=normal"]').click()]) {
      await next();
      await clear.waitFor();
    }
    await press(page, at.hide);
    await clear.waitFor();
    await noKey(page, key);
    assert.deepEqual(traces(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }])), key), []);
    await looksGood(page, 'hidden-copied');
    await clear.click();
    await clear.waitFor({ state: 'hidden' });
    await said.waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '');
    await page.reload();
    await page.locator('main h1').waitFor();
    assert.equal(await clear.isVisible(), false, 'nothing is left to clear');
  }));

  test('the other key is one press away when two take turns', () => visit({}, async page => {
    const device = await atOwnDevice(page, full);
    await takeTurns(page, full);
    await page.goto(full.portal + device);
    assert.equal(await page.locator(at.other).count(), 0);
    assert.equal(await reveal(page), TURNS[0]);
    const first = page.url();
    await looksGood(page, 'key-of-two');
    assert.equal(await reveal(page, at.other), TURNS[1]);
    assert.notEqual(page.url(), first);
    assert.equal(await page.locator(at.other).count(), 0, 'this is the other one');
  }));

  test('in the last minute only colours change: nothing moves', async () => {
    for (const lang of ['en', 'sv', 'nb']) {
      await visit({ lang }, async page => {
        await atOwnDevice(page, full);
        await reveal(page);
        for (const width of [320, 390, 1280]) {
          await page.setViewportSize({ width, height: 844 });
          const [before, after] = await page.evaluate(() => {
            const places = () => JSON.stringify([...document.querySelectorAll('.key, .extend, .actions .btn, .steps')].map(node => node.getBoundingClientRect()));
            const view = document.querySelector('[data-key-view]');
            const calm = places();
            view.classList.add('is-soon');
            return [calm, places()];
          });
          assert.equal(after, before, `${lang} ${width}`);
        }
      });
    }
  });

  test('nothing moves among the buttons when the clipboard can be cleared', async () => {
    for (const lang of ['en', 'sv', 'nb']) {
      await visit({ lang }, async (page, { context }) => {
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await atOwnDevice(page, full);
        await reveal(page);
        const places = () => page.evaluate(() => JSON.stringify([...document.querySelectorAll('.actions, .actions .btn:not([data-clear])')].map(node => {
          const { x, y, width, height } = node.getBoundingClientRect();
          return [x, y + scrollY, width, height];
        })));
        const [copy, clear] = [page.locator('[data-copy]'), page.locator('[data-clear]')];
        for (const width of [320, 390, 1280]) {
          await page.setViewportSize({ width, height: 844 });
          const before = await places();
          await picture(page, 'key-not-copied');
          await copy.click();
          await clear.waitFor();
          assert.equal(await places(), before, `${lang} ${width}`);
          await clear.click();
          await clear.waitFor({ state: 'hidden' });
          assert.equal(await places(), before, `${lang} ${width}, cleared`);
        }
      });
    }
  });

  test('large text is kept, and fits', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    await page.locator('a[href="?text=large"]').click();
    await page.locator('.large .key').waitFor();
    assert.equal(await readKey(page), key);
    await page.setViewportSize({ width: 390, height: 844 });
    await looksGood(page, 'key-large');
    await press(page, at.renew);
    assert.equal(await page.locator('.large').count(), 1);
    await page.locator('a[href="?text=normal"]').click();
    await page.locator('.reveal:not(.large) .key').waitFor();
  }));
});

describe('the same key in two tabs', () => {
  /** Another tab of the same browser, with a viewing of its own of the same Mac's key. */
  async function second(context, page, device) {
    const other = await context.newPage();
    await other.goto(full.portal + device);
    assert.equal(await reveal(other), await readKey(page));
    assert.notEqual(other.url(), page.url());
    return other;
  }
  const gone = async (tab, key) => {
    await tab.locator(at.gone).waitFor();
    await noKey(tab, key);
  };

  test('S32 hidden in one it goes in the other, and no other key does', () => visit({}, async (page, { context }) => {
    const device = await atOwnDevice(page, full);
    await takeTurns(page, full);
    await page.goto(full.portal + device);
    const key = await reveal(page);
    const other = await second(context, page, device);
    const renewed = await context.newPage();
    await renewed.goto(page.url());
    await press(renewed, at.renew);
    const unlike = await context.newPage();
    await unlike.goto(page.url());
    const unlikeKey = await reveal(unlike, at.other);
    assert.notEqual(unlikeKey, key);
    await press(renewed, at.hide);
    for (const tab of [page, other]) await gone(tab, key);
    assert.equal(await readKey(unlike), unlikeKey);
    // A look at what is over hides nothing: a new viewing stays.
    await other.goto(full.portal + device);
    assert.equal(await reveal(other), key);
    await renewed.reload();
    await press(unlike, at.hide);
    await noKey(unlike, unlikeKey);
    assert.equal(await readKey(other), key);
  }));

  test('S18 signed out in one, every key goes in all; a later look at that page hides nothing', () => visit({}, async (page, { context }) => {
    const device = await atOwnDevice(page, full);
    const key = await reveal(page);
    const other = await second(context, page, device);
    const away = await context.newPage();
    await away.goto(`${full.portal}/help`);
    await press(away, at.signOut);
    for (const tab of [page, other]) await gone(tab, key);
    // The provider still knows who it is: no form.
    await page.goto(`${full.portal}/sign-in?return_to=${device}`);
    assert.equal(path(page), device);
    assert.equal(await reveal(page), key);
    await away.reload();
    await away.locator('main h1').waitFor();
    await page.reload();
    assert.equal(await readKey(page), key);
  }));

  test('a browser without the channel shows and hides as ever', () => visit({}, async (page, { context }) => {
    await context.addInitScript(() => { delete window.BroadcastChannel; });
    await atOwnDevice(page, full);
    const key = await reveal(page);
    await page.locator('[data-left]').waitFor();
    await press(page, at.hide);
    await noKey(page, key);
    await press(page, at.signOut);
    assert.equal(path(page), '/signed-out');
  }));
});

describe('whose it is', () => {
  test('S32 the address of a reveal is of no use to anybody else, nor in another sign-in', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const address = page.url();
    for (const role of ['helpdesk', 'auditor', 'admin', 'employee']) {
      await visit({}, async other => {
        await signIn(other, full, full.person(role));
        const status = (await other.goto(address)).status();
        assert.equal(status, role === 'employee' ? 200 : 404, role);
        await noKey(other, key);
        if (role !== 'employee') return;
        assert.equal(await other.locator(at.renew).count(), 0, 'another sign-in cannot extend it either');
      });
    }
    await page.reload();
    assert.equal(await readKey(page), key);
  }));

  test("a stranger's device, an unknown one and a malformed id are one page", () => visit({}, async page => {
    const stranger = await visit({}, async desk => {
      await signIn(desk, full, full.person('helpdesk'));
      await full.deposit(KNOWN.serial, KNOWN.recovery_key);
      return (await search(desk, full.portal, KNOWN.serial))[0].replace('/desk', '');
    });
    await signIn(page, full, full.person('employee'));
    const words = [];
    for (const address of [stranger, '/devices/019a0000-0000-7000-8000-000000000000', '/devices/..%2f..%2fetc']) {
      assert.equal((await page.goto(full.portal + address)).status(), 404);
      words.push((await page.locator('main').innerText()).replace(/[0-9A-Z]{3}-[0-9A-Z]{3}/, ''));
      assert.equal(await page.locator('main form').count(), 0);
    }
    assert.equal(new Set(words).size, 1);
  }));

  test('a long name breaks no page', () => visit({ lang: 'sv' }, async page => {
    await full.describe('FVFKH2DEMO02', {
      name: 'Anna-Karin Östergaard-Wennerströms reservdator i konferensrummet Informationssäkerhetsavdelningen-Nordväst',
      model: 'Mac mini (2024, M4 Pro, tio gigabit Ethernet)',
      asset_tag: 'INV-2024-000000000000000000000000000010443',
    });
    await signIn(page, full, full.person('employee'));
    await page.goto(`${full.portal}/devices`);
    await looksGood(page, 'long-devices');
    await page.locator('main a', { hasText: 'Wennerström' }).click();
    await page.locator(at.reveal).waitFor();
    await looksGood(page, 'long-device');
    await reveal(page);
    await looksGood(page, 'long-key');
  }));
});

describe('signed out', () => {
  test('S18 S29 the old session is dead and Back shows nothing', () => visit({}, async (page, { context }) => {
    const device = await atOwnDevice(page, full);
    const key = await reveal(page);
    const address = page.url();
    const old = (await context.cookies()).filter(c => c.domain === 'localhost');
    const cookie = old.map(c => `${c.name}=${c.value}`).join('; ');
    const answer = await press(page, at.signOut);
    assert.equal(answer.status(), 303);
    assert.equal(await answer.headerValue('location'), '/signed-out');
    assert.equal(await answer.headerValue('clear-site-data'), '"cache", "storage"');
    assert.equal(path(page), '/signed-out');
    const left = (await context.cookies()).filter(c => c.domain === 'localhost').map(c => c.name);
    assert.equal(left.includes('__Host-keyharbor'), false, 'the cookie has expired');
    await page.goBack();
    await noKey(page, key);
    for (const gone of [address, full.portal + device]) {
      const again = await fetch(gone, { headers: { cookie }, redirect: 'manual' });
      assert.equal(again.status, 401, gone);
      assert.deepEqual(traces(await again.text(), key), []);
    }
  }));

  test('S28 a link to another site takes no referrer along', () => visit({}, async page => {
    await atOwnDevice(page, full);
    await press(page, at.signOut);
    const [left] = await Promise.all([
      page.waitForRequest(request => request.isNavigationRequest() && new URL(request.url()).origin === new URL(full.issuer).origin),
      page.locator('main a[href^="http"]').first().click(),
    ]);
    const headers = await left.allHeaders();
    assert.ok('user-agent' in headers, 'all of them are seen');
    assert.equal(headers.referer, undefined);
  }));

  test('the page that says so leads back to where one wanted to go', () => visit({}, async page => {
    const device = await visit({}, async other => {
      await signIn(other, full, full.person('employee'));
      return ownDevice(other, full.portal);
    });
    assert.equal((await page.goto(full.portal + device)).status(), 401);
    await page.locator('main a[href^="/sign-in"]').click();
    await atProvider(page, full.person('employee'), full.portal);
    assert.equal(path(page), device);
  }));

  test('a form that is pressed after the session has ended leads back to its page', () => visit({}, async (page, { context }) => {
    const device = await atOwnDevice(page, full);
    await context.clearCookies({ name: '__Host-keyharbor' });
    assert.equal((await press(page, at.reveal)).status(), 401);
    await page.locator('main a.btn').click();
    // The provider still knows who it is: no form.
    await page.waitForURL(full.portal + device);
  }));
});
