// The main job once in Firefox: sign in, choose the Mac, see the key, hide it. Debian's Firefox, driven over WebDriver BiDi,
// which it speaks by itself.

import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { at } from './journeys.mjs';
import { traces } from './lib.mjs';
import { demo, shown } from './product.mjs';

function findFirefox() {
  for (const name of ['firefox-esr', 'firefox']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch { /* not there */ }
    }
  }
  throw new Error('no firefox-esr or firefox in PATH');
}

let product, browser;

before(async () => {
  [product, browser] = await Promise.all([
    demo(),
    puppeteer.launch({ browser: 'firefox', executablePath: findFirefox(), headless: true, timeout: 120_000 }),
  ]);
});
after(async () => {
  await browser?.close();
  await product?.stop();
});

/** Presses what leads to another page, and waits for that page. */
async function follow(page, selector) {
  await Promise.all([page.waitForNavigation(), page.locator(selector).click()]);
}

test('Firefox plays the reveal', async () => {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.setViewport({ width: 390, height: 844 });
  const noted = [];
  page.on('console', message => { if (['error', 'warn'].includes(message.type())) noted.push(message.text()); });
  page.on('pageerror', error => noted.push(String(error)));

  await page.goto(`${product.portal}/`);
  await follow(page, 'main a[href^="/sign-in"]');
  const person = product.person('employee');
  await page.locator('input[name=login]').fill(person.login);
  await page.locator('input[name=password]').fill(person.password ?? '');
  await follow(page, 'form button');
  await page.goto(`${product.portal}/devices`);
  const devices = await page.$$eval('main a[href^="/devices/"]', links => links.map(link => link.getAttribute('href')));
  for (const device of devices) {
    await page.goto(product.portal + device);
    if (await page.$(at.reveal)) break;
  }
  await follow(page, `${at.reveal} button`);

  const look = () => page.evaluate(() => {
    const seen = node => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().height > 0;
    const tiles = [...document.querySelectorAll('.key.secret .g')].filter(seen);
    return {
      groups: tiles.map(tile => tile.innerText), text: document.body.innerText, clock: document.querySelector('[data-left]')?.innerText,
      font: tiles[0] && document.fonts.check(`600 24px "Key Mono"`), secrets: document.querySelectorAll('.secret').length,
      sideways: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    };
  });
  await page.evaluate(() => document.fonts.ready.then(() => true));
  const open = await look();
  assert.equal(open.groups.length, 6);
  for (const group of open.groups) assert.match(group, /^[A-Z0-9]{4}$/);
  const key = open.groups.join('-');
  shown.add(key);
  assert.match(open.clock, /^[0-4]:[0-5]\d$|^5:00$/, 'the clock of the script runs');
  assert.deepEqual([open.font, open.sideways, open.secrets], [true, false, 3]);

  await follow(page, `${at.hide} button`);
  const hidden = await look();
  assert.deepEqual([hidden.groups, hidden.secrets, traces(hidden.text, key)], [[], 0, []], 'the key is gone');
  assert.deepEqual(traces(await page.content(), key), []);
  // Back shows what the server says now, not what the browser kept.
  await page.goBack();
  assert.deepEqual(traces((await look()).text, key), []);
  assert.deepEqual(noted, []);
});
