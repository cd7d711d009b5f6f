// The journeys of the portal, in Chromium, against the real server (`keyharbor demo`).

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
  GOOD_FORM, at, atOwnDevice, deskForm, fillDesk, ownDevice, ownDevices, path, reveal, search, untilStepUp,
} from './journeys.mjs';
import {
  atProvider, axe, closeBrowser, demo, freePort, home, keyOnlyInTiles, matrix, newRootKey, noKey, noSidewaysScroll,
  nothingSecretVisible, picture, press, printed, readKey, serve, signIn, signOut, traces, until, visit,
} from './lib.mjs';
import { startProvider } from './provider.mjs';

/** The real thing; the same with keys shown for five seconds; the same asking for a fresh sign-in after five. */
let full, brief, wary;

before(async () => {
  [full, brief, wary] = await Promise.all([
    demo(),
    demo({ REVEAL__WINDOW_SECONDS: 5 }),
    demo({ REVEAL__STEP_UP_OWNER_SECONDS: 5, REVEAL__STEP_UP_DESK_SECONDS: 5 }),
  ]);
});
after(async () => {
  await closeBrowser();
  await Promise.all([full, brief, wary].map(product => product?.stop()));
});

const KNOWN = { serial: 'KHBROWSER01', recovery_key: '7QXM-O4LD-ZB83-KWTE-2PVN-HC96' };

describe('an employee and the own Mac', () => {
  test('the key stands in six tiles and nowhere else', () => visit({}, async page => {
    await atOwnDevice(page, full);
    await keyOnlyInTiles(page, await reveal(page));
    assert.equal(await page.locator('.key input, input.secret').count(), 0);
  }));

  test('a reveal is an answer to a POST, never to a GET', () => visit({}, async page => {
    const device = await atOwnDevice(page, full);
    const answer = await page.goto(`${full.portal}${device}/reveal`);
    assert.equal(answer.status(), 405);
    assert.equal(await page.locator(at.secret).count(), 0);
  }));

  test('the answer is not kept by caches', () => visit({}, async page => {
    await atOwnDevice(page, full);
    await reveal(page);
    const answer = await page.reload();
    assert.match(answer.headers()['cache-control'], /no-store/);
  }));

  test('a reload shows the same grant with the same deadline', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const deadline = () => page.locator('.clock time').getAttribute('datetime');
    const [address, before] = [page.url(), await deadline()];
    await page.reload();
    assert.equal(await readKey(page), key);
    assert.equal(page.url(), address);
    assert.equal(await deadline(), before);
  }));

  test('five more minutes is a new grant at a new address, ten times', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const addresses = new Set([page.url()]);
    for (let n = 1; n <= 10; n++) {
      assert.equal((await press(page, at.renew)).status(), 303);
      assert.equal(await readKey(page), key);
      addresses.add(page.url());
      assert.equal(addresses.size, n + 1, 'the address is new');
    }
    if (await page.locator(at.renew).count()) {
      await press(page, at.renew);
      assert.equal(await page.locator(at.secret).count(), 0, 'there is no eleventh');
    }
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

  test('what leaves the page takes no key along: page cache, hidden tab, paper', () => visit({}, async page => {
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

  test('the address of a reveal is of no use to anybody else', () => visit({}, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const address = page.url();
    for (const role of ['helpdesk', 'auditor', 'admin']) {
      await visit({}, async other => {
        await signIn(other, full, full.person(role));
        assert.equal((await other.goto(address)).status(), 404);
        await noKey(other, key);
      });
    }
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
      words.push(await page.locator('main h1').innerText());
      assert.equal(await page.locator('main form').count(), 0);
    }
    assert.equal(new Set(words).size, 1);
  }));
});

describe('when the time is over', () => {
  test('the key leaves the document, the paper and the address', () => visit({}, async page => {
    await atOwnDevice(page, brief);
    const key = await reveal(page);
    const address = page.url();
    await page.locator(at.secret).first().waitFor({ state: 'detached' });
    await page.locator(at.gone).waitFor();
    await noKey(page, key);
    await nothingSecretVisible(page, key);
    assert.deepEqual(traces(await printed(page), key), []);
    await axe(page);
    await page.goBack();
    await noKey(page, key);
    await until(async () => {
      assert.equal((await page.goto(address)).status(), 200);
      return (await page.locator(at.secret).count()) === 0;
    }, 'the server refuses the address', 5);
    await noKey(page, key);
  }));

  test('the focus follows only if it was on what went away', () => visit({}, async page => {
    await atOwnDevice(page, brief);
    await reveal(page);
    await page.locator(`${at.hide} button`).focus();
    await page.locator(at.gone).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest('[data-gone]') !== null), true);
  }));

  for (const motion of ['no-preference', 'reduce']) {
    test(`without script, motion ${motion}: shown by POST, hidden by the style sheet`, () => visit({ js: false, motion }, async page => {
      await atOwnDevice(page, brief);
      const key = await reveal(page);
      const address = page.url();
      await page.locator(at.key).waitFor({ state: 'hidden' });
      await page.locator('.expired').waitFor();
      await nothingSecretVisible(page, key);
      await until(async () => {
        await page.goto(address);
        return (await page.locator(at.secret).count()) === 0;
      }, 'the server refuses the address', 5);
    }));
  }

  test('without script: renew and hide', () => visit({ js: false }, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    await press(page, at.renew);
    assert.equal(await readKey(page), key);
    await press(page, at.hide);
    assert.deepEqual(traces(await page.content(), key), []);
  }));
});

describe('a fresh sign-in is due', () => {
  async function confirm(page, person) {
    assert.match(await page.locator(at.confirm).getAttribute('href'), /^(\/|https?:)/);
    await axe(page);
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

  test('at the desk: the form comes back as it was filled in', () => visit({ width: 1280 }, async page => {
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

  test('another person who comes back gets nothing and ends the session', () => visit({}, async page => {
    const device = await atOwnDevice(page, wary);
    await untilStepUp(page, at.reveal, () => page.goto(wary.portal + device));
    await page.locator(at.confirm).click();
    await atProvider(page, wary.person('auditor'), wary.portal);
    assert.equal(await page.locator(at.secret).count(), 0);
    await page.goto(wary.portal + device);
    assert.equal(await page.locator(at.reveal).count(), 0);
  }));
});

describe('helpdesk', () => {
  const atDesk = steps => visit({ width: 1280 }, async page => {
    await full.deposit(KNOWN.serial, KNOWN.recovery_key);
    await signIn(page, full, full.person('helpdesk'));
    const found = await search(page, full.portal, KNOWN.serial);
    assert.equal(found.length, 1);
    assert.deepEqual(traces(await page.content(), KNOWN.recovery_key), []);
    await page.goto(full.portal + found[0]);
    return steps(page);
  });

  test('finds by serial number and shows with a reason', () => atDesk(async page => {
    await fillDesk(page, GOOD_FORM);
    const key = await reveal(page, at.deskReveal);
    assert.equal(key, KNOWN.recovery_key);
    await keyOnlyInTiles(page, key);
    assert.equal(await page.locator('[data-copy]:visible').count(), 0, 'no copying at the desk');
    assert.equal(await page.locator('details.secret[open]').count(), 1, 'the spelling is open');
    for (let n = 1; n <= 2; n++) await press(page, at.renew);
    if (await page.locator(at.renew).count()) {
      await press(page, at.renew);
      assert.equal(await page.locator(at.secret).count(), 0, 'there is no third');
    }
  }));

  for (const [name, fields] of [
    ['no reason', { ...GOOD_FORM, reason: '' }],
    ['no word on identity', { ...GOOD_FORM, identity: '' }],
    ['only spaces', { ...GOOD_FORM, identity: ' \u200b  ' }],
    ['more than 500 characters', { ...GOOD_FORM, identity: 'x'.repeat(501) }],
    ['"other" without a description', { ...GOOD_FORM, reason: 'other', reason_text: '' }],
    ['something that looks like a key', { ...GOOD_FORM, identity: 'the key is abcd-efgh-jklm-npqr-tuvw-xyz2' }],
  ]) {
    test(`refuses: ${name}`, () => atDesk(async page => {
      await fillDesk(page, fields);
      assert.equal((await press(page, at.deskReveal)).status(), 422);
      assert.equal(await page.locator(at.secret).count(), 0);
      assert.ok(await page.locator(at.errors).count(), 'the page says what is wrong');
      assert.equal((await page.content()).includes('abcd-efgh'), false, 'a key is not echoed');
      assert.equal((await deskForm(page)).ticket, GOOD_FORM.ticket, 'what was right is kept');
      await axe(page);
    }));
  }

  test('markup in a reason stays text, in the trail too', async () => {
    const markup = '<img src=x onerror="window.intruder=1"><script>window.intruder=1</script>';
    await atDesk(async page => {
      await fillDesk(page, { ...GOOD_FORM, reason: 'other', reason_text: markup });
      await reveal(page, at.deskReveal);
      assert.equal(await page.evaluate(() => window.intruder), undefined);
    });
    await visit({ width: 1280 }, async page => {
      await signIn(page, full, full.person('auditor'));
      await page.goto(`${full.portal}/trail`);
      assert.ok((await page.locator('main').innerText()).includes('onerror='), 'the trail shows the reason');
      assert.equal(await page.evaluate(() => window.intruder), undefined);
      assert.equal(await page.locator('main img').count(), 0);
    });
  });

  test('an employee has no desk and no trail', () => visit({}, async page => {
    await signIn(page, full, full.person('employee'));
    for (const address of ['/desk', '/trail']) {
      assert.ok([403, 404].includes((await page.goto(full.portal + address)).status()));
    }
  }));
});

test('the trail shows the reveal, without the key', () => visit({ width: 1280 }, async page => {
  const key = await visit({}, async own => {
    await atOwnDevice(own, full);
    return reveal(own);
  });
  await signIn(page, full, full.person('auditor'));
  await page.goto(`${full.portal}/trail`);
  assert.ok((await page.locator('main').innerText()).includes(full.person('employee').login));
  assert.deepEqual(traces(await page.content(), key), []);
}));

test('an inline script that got into the page does not run', () => visit({}, async (page, { problems, forgive }) => {
  const pattern = `${full.portal}/help`;
  await page.route(pattern, async route => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace('</main>', `</main><script>window.intruder = 1</script><img src="/x" onerror="window.intruder = 2">`);
    await route.fulfill({ response: answer, body });
  });
  await page.goto(pattern);
  await until(() => problems().some(text => text.startsWith('[policy] script-src')), 'the policy speaks up');
  assert.equal(await page.evaluate(() => window.intruder), undefined);
  forgive();
}));

test('signed out: the old session is dead and Back shows nothing', () => visit({}, async (page, { context }) => {
  const device = await atOwnDevice(page, full);
  const key = await reveal(page);
  const address = page.url();
  const cookie = (await context.cookies()).filter(c => c.domain === 'localhost').map(c => `${c.name}=${c.value}`).join('; ');
  const answer = await press(page, at.signOut);
  assert.equal(answer.status(), 303);
  assert.equal(await answer.headerValue('clear-site-data'), '"cache", "storage"');
  assert.equal(path(page), '/signed-out');
  await page.goBack();
  await noKey(page, key);
  for (const gone of [address, full.portal + device]) {
    const old = await fetch(gone, { headers: { cookie }, redirect: 'manual' });
    assert.ok([401, 302, 303].includes(old.status), `${gone}: ${old.status}`);
    assert.deepEqual(traces(await old.text(), key), []);
  }
}));

test('the language is a choice that stays', () => visit({ lang: 'en' }, async page => {
  await page.goto(`${full.portal}/help`);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await page.goto(`${full.portal}/language/sv?return_to=/help`);
  assert.equal(path(page), '/help');
  assert.equal(await page.locator('html').getAttribute('lang'), 'sv');
  await page.goto(`${full.portal}/status`);
  assert.equal(await page.locator('html').getAttribute('lang'), 'sv');
}));

describe('trouble', () => {
  /** A place to serve from and a provider to sign in with, for as long as the steps run. */
  async function withProvider(steps) {
    const port = await freePort();
    const provider = await startProvider({ portal: `http://localhost:${port}` });
    try {
      await steps(provider, await home(provider, port));
    } finally {
      await provider.stop();
    }
  }

  test('the provider is down: sessions go on, sign-in says so', () => withProvider(async (provider, place) => {
    const product = await serve(place);
    try {
      await visit({}, async page => {
        await signIn(page, product, { login: 'anna' });
        await provider.stop();
        assert.equal((await page.goto(`${product.portal}/devices`)).status(), 200);
      });
      await visit({}, async page => {
        const answer = await page.goto(`${product.portal}/sign-in`);
        assert.ok([200, 502, 503].includes(answer.status()), `${answer.status()}`);
        assert.equal(new URL(page.url()).origin, product.portal);
        assert.equal(await page.locator('main h1').count(), 1);
        await axe(page);
        await picture(page, 'provider-down');
      });
    } finally {
      await product.stop();
    }
  }));

  test('a wrong root key: every page is the sealed page', () => withProvider(async (_provider, place) => {
    await (await serve(place)).stopOnly();
    rmSync(place.keyFile);
    await newRootKey(place.keyFile);
    const product = await serve(place);
    try {
      assert.equal((await fetch(`${product.portal}/readyz`)).status, 503);
      const headers = { 'content-type': 'application/json' };
      assert.equal((await fetch(`${product.portal}/api/v1/deposits`, { method: 'POST', headers, body: '{}' })).status, 503);
      await visit({}, async page => {
        const headings = new Set();
        for (const address of ['/', '/devices', '/desk', '/trail', '/help', '/status', '/sign-in', '/nowhere']) {
          assert.equal((await page.goto(product.portal + address)).status(), 503, address);
          headings.add(await page.locator('main h1').innerText());
        }
        assert.equal(headings.size, 1);
        await axe(page);
        await picture(page, 'sealed');
      });
    } finally {
      await product.stop();
    }
  }));
});

// ---- every page, every language, both schemes, two widths, and 320 px ----------------------------------------------

/** name → how to get there; signed out, or signed in as `who`. A step that returns false is skipped: nothing to show. */
const PAGES = [
  ['start', null, page => page.goto(`${full.portal}/`)],
  ['help', null, page => page.goto(`${full.portal}/help`)],
  ['help-sign-in', null, page => page.goto(`${full.portal}/help/sign-in`)],
  ['help-not-listed', null, page => page.goto(`${full.portal}/help/not-listed`)],
  ['status', null, page => page.goto(`${full.portal}/status`)],
  ['signed-out-in-between', null, page => page.goto(`${full.portal}/devices`)],
  ['devices', 'employee', page => page.goto(`${full.portal}/devices`)],
  ['device', 'employee', page => ownDevice(page, full.portal)],
  ['device-without-key', 'employee', async page => {
    const [device] = (await ownDevices(page, full.portal)).without;
    return device ? page.goto(full.portal + device) : false;
  }],
  ['key', 'employee', async page => (await ownDevice(page, full.portal), reveal(page))],
  ['key-unfolded', 'employee', page => page.locator('details').evaluateAll(folds => folds.forEach(fold => { fold.open = true; }))],
  ['hidden', 'employee', page => press(page, at.hide)],
  ['not-found', 'employee', page => page.goto(`${full.portal}/devices/none`)],
  ['not-allowed', 'employee', page => page.goto(`${full.portal}/trail`)],
  ['signed-out', 'employee', page => signOut(page)],
  ['desk', 'helpdesk', page => page.goto(`${full.portal}/desk`)],
  ['desk-found', 'helpdesk', page => search(page, full.portal, KNOWN.serial)],
  ['desk-nothing', 'helpdesk', page => page.goto(`${full.portal}/desk?q=NOSUCHSERIAL`)],
  ['desk-device', 'helpdesk', async page => page.goto(full.portal + (await search(page, full.portal, KNOWN.serial))[0])],
  ['desk-errors', 'helpdesk', async page => (await fillDesk(page, { reason: '', identity: '' }), press(page, at.deskReveal))],
  ['desk-key', 'helpdesk', async page => (await fillDesk(page, GOOD_FORM), reveal(page, at.deskReveal))],
  ['desk-hidden', 'helpdesk', page => press(page, at.hide)],
  ['trail', 'auditor', page => page.goto(`${full.portal}/trail`)],
];

describe('every page', { concurrency: 2 }, () => {
  for (const [lang, scheme] of matrix(['en', 'sv'], ['light', 'dark'])) {
    test(`${lang}, ${scheme}: no violation, nothing on the console, axe is content, fits 320, 390 and 1280`, async t => {
      await full.deposit(KNOWN.serial, KNOWN.recovery_key);
      for (const who of [null, 'employee', 'helpdesk', 'auditor']) {
        await visit({ lang, scheme }, async page => {
          if (who) await signIn(page, full, full.person(who));
          for (const [name, , go] of PAGES.filter(([, role]) => role === who)) {
            if ((await go(page)) === false) {
              t.diagnostic(`${name}: nothing to show`);
              continue;
            }
            assert.equal(await page.locator('html').getAttribute('lang'), lang, name);
            assert.equal(await page.locator('[style]').count(), 0, `${name}: a style attribute`);
            for (const width of [320, 390, 1280]) {
              await page.setViewportSize({ width, height: 844 });
              await noSidewaysScroll(page);
              if (width === 320) continue;
              await axe(page);
              await picture(page, name);
            }
            await page.setViewportSize({ width: 390, height: 844 });
          }
        });
      }
    });
  }
});
