// What a person's settings change: forced colours, more contrast, less motion, dark, large text; the screen that stays on;
// a brand's own colour and logo.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { at, atOwnDevice, reveal } from './journeys.mjs';
import { axe, closeBrowser, looksGood, noSidewaysScroll, nothingSecretVisible, picture, press, visit } from './lib.mjs';
import { demo, until } from './product.mjs';

let full;
const dir = mkdtempSync(join(tmpdir(), 'keyharbor-brand-'));

/** A plain picture of one colour, as a PNG that every browser reads. */
function png(width, height, [red, green, blue]) {
  const crc = bytes => {
    let sum = 0xFFFFFFFF;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xEDB88320 : 0);
    }
    return (sum ^ 0xFFFFFFFF) >>> 0;
  };
  const chunk = (name, body) => {
    const inner = Buffer.concat([Buffer.from(name, 'latin1'), body]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(crc(inner), 4);
    return Buffer.concat([frame.subarray(0, 4), inner, frame.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([red, green, blue]))]);
  const pixels = deflateSync(Buffer.concat(Array(height).fill(row)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

before(async () => {
  full = await demo();
});
after(async () => {
  await closeBrowser();
  await full?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const style = (page, selector, names) => page.locator(selector).first().evaluate(
  (node, names) => Object.fromEntries(names.map(name => [name, getComputedStyle(node)[name]])), names);

describe('settings of a person', () => {
  test('forced colours: where one is, what counts and what to press are drawn in the system’s colours', () => visit({ width: 1280 }, async page => {
    await page.emulateMedia({ forcedColors: 'active', colorScheme: 'dark' });
    await atOwnDevice(page, full);
    const current = await style(page, '.nav [aria-current]', ['borderBottomWidth', 'borderBottomStyle', 'color']);
    assert.deepEqual([current.borderBottomWidth, current.borderBottomStyle], ['4px', 'solid']);
    const other = await style(page, '.nav a:not([aria-current])', ['borderBottomStyle']);
    assert.equal(other.borderBottomStyle, 'none', 'the others have no line at all');
    await reveal(page);
    await page.locator('.meter').waitFor();
    const [tile, digit, meter, primary, secondary] = [
      await style(page, '.g', ['color', 'borderTopColor', 'backgroundColor']), await style(page, '.d', ['color']),
      await style(page, '.meter', ['height', 'borderTopWidth']), await style(page, '.actions form .btn', ['backgroundColor']),
      await style(page, '.actions .btn.sec', ['backgroundColor', 'borderTopWidth']),
    ];
    assert.equal(digit.color, tile.color, 'a digit is told by its shape');
    assert.notEqual(tile.color, tile.backgroundColor);
    assert.equal(tile.borderTopColor, tile.color);
    assert.deepEqual([meter.height, meter.borderTopWidth], ['12px', '1px']);
    assert.notEqual(primary.backgroundColor, secondary.backgroundColor);
    await picture(page, 'key-forced-colours');
    await page.setViewportSize({ width: 320, height: 844 });
    await noSidewaysScroll(page);
    // Where one is in the choice of language and of alphabet, without any colour.
    const chosen = await style(page, '.langs [aria-current]', ['textDecorationLine', 'borderBottomStyle']);
    const open = await style(page, '.langs a:not([aria-current])', ['textDecorationLine', 'borderBottomStyle']);
    assert.notDeepEqual(chosen, open);
  }));

  test('more contrast: lines, edges and quiet text become ink, and axe is content', () => visit({}, async page => {
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ contrast: 'more', colorScheme: scheme, reducedMotion: 'reduce' });
      await page.goto(`${full.portal}/help`);
      const ink = (await style(page, 'body', ['color'])).color;
      assert.equal((await style(page, '.head p', ['color'])).color, ink);
      assert.notEqual((await style(page, '.card', ['borderTopColor'])).borderTopColor, (await style(page, 'body', ['backgroundColor'])).backgroundColor);
      await axe(page);
      await picture(page, `help-more-contrast-${scheme}`);
    }
  }));

  test('less motion: nothing fades, and the key still goes when its time is up, without script too', async () => {
    const short = await demo({ REVEAL__WINDOW_SECONDS: 4 });
    try {
      for (const js of [true, false]) {
        await visit({ js, motion: 'reduce' }, async page => {
          await atOwnDevice(page, short);
          assert.equal((await style(page, '.btn', ['transitionDuration'])).transitionDuration, '0s');
          const key = await reveal(page);
          await until(() => page.locator('.key.secret:visible').count().then(n => n === 0), 'the key is out of sight');
          await nothingSecretVisible(page, key);
        });
      }
    } finally {
      await short.stop();
    }
  });

  test('large text: two groups a row, kept, without script', () => visit({ js: false }, async page => {
    await atOwnDevice(page, full);
    await reveal(page);
    const rows = () => page.locator('.key .g').evaluateAll(tiles => new Set(tiles.map(tile => Math.round(tile.getBoundingClientRect().top))).size);
    const size = async () => Number.parseFloat((await style(page, '.key', ['fontSize'])).fontSize);
    assert.equal(await rows(), 2);
    const before = await size();
    await page.locator('a[href="?text=large"]').click();
    await page.locator('.reveal.large').waitFor();
    assert.equal(await rows(), 3);
    assert.ok((await size()) > before * 1.5, 'the letters grow');
    for (const width of [320, 390, 1280]) {
      await page.setViewportSize({ width, height: 844 });
      await noSidewaysScroll(page);
    }
    await press(page, at.hide);
    await atOwnDeviceAgain(page);
    assert.equal(await rows(), 3, 'the next key is large too');
  }));

  async function atOwnDeviceAgain(page) {
    await press(page, at.reveal);
    await page.locator('.key.secret').waitFor();
  }

  test('the alphabet is a choice on the key’s own page, without script', () => visit({ js: false }, async page => {
    await atOwnDevice(page, full);
    const key = await reveal(page);
    const words = () => page.locator('.spell span').first().textContent();
    const first = await words();
    await page.locator('details.secret > summary').click();
    await page.locator('a[href$="?spell=nb#spell"]').click();
    await page.locator('details.secret[open]').waitFor();
    const norwegian = await words();
    assert.notEqual(norwegian, first);
    assert.equal(await page.locator('.spell span[lang=nb]').count(), 6);
    assert.equal((await page.locator('.key.secret .g').allInnerTexts()).join('-'), key, 'the same key, in the same viewing');
    await picture(page, 'key-spelled');
  }));
});

describe('the screen stays on while the key shows', () => {
  /** The browser's own lock; what it gives is also noted. */
  const watch = context => context.addInitScript(() => {
    const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
    window.locks = [];
    navigator.wakeLock.request = async kind => {
      const lock = await ask(kind);
      window.locks.push(lock);
      return lock;
    };
  });
  const held = page => page.evaluate(() => window.locks.map(lock => !lock.released));
  const look = (page, hidden) => page.evaluate(hidden => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

  test('asked for with the key, let go when the page is out of sight and when the key goes', () => visit({}, async (page, { context }) => {
    await watch(context);
    await atOwnDevice(page, full);
    assert.equal(await page.evaluate(() => window.locks.length), 0, 'no page but the key’s asks');
    await reveal(page);
    await until(async () => (await held(page)).join() === 'true', 'the lock is held');
    await look(page, true);
    await until(async () => (await held(page)).join() === 'false', 'it is let go out of sight');
    await look(page, false);
    await until(async () => (await held(page)).join() === 'false,true', 'it is held again');
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide')));
    await until(async () => (await held(page)).join() === 'false,false', 'it goes with the key');
    await look(page, false);
    assert.equal(await page.evaluate(() => window.locks.length), 2, 'and is not asked for again');
  }));

  test('a browser that refuses, or has none, shows the key all the same', async () => {
    for (const way of ['refuses', 'lacks']) {
      await visit({}, async (page, { context }) => {
        await context.addInitScript(way => {
          const refuse = { request: () => Promise.reject(new DOMException('no', 'NotAllowedError')) };
          Object.defineProperty(navigator, 'wakeLock', { value: way === 'refuses' ? refuse : undefined });
        }, way);
        await atOwnDevice(page, full);
        await reveal(page);
        await page.locator('[data-left]').waitFor();
      });
    }
  });
});

test('a brand’s colour and logo: axe is content in both schemes, and no policy is in the way', async () => {
  const [light, darker] = [join(dir, 'logo.png'), join(dir, 'dark.png')];
  writeFileSync(light, png(320, 64, [122, 31, 162]));
  writeFileSync(darker, png(320, 64, [225, 190, 231]));
  const product = await demo({ PORTAL__ACCENT: '#7A1FA2', PORTAL__ACCENT_DARK: '#E1BEE7', PORTAL__LOGO_FILE: light, PORTAL__LOGO_DARK_FILE: darker, PORTAL__BRAND: 'Acme Keys' });
  try {
    await visit({}, async page => {
      await page.goto(`${product.portal}/`);
      const shown = () => page.locator('.logo').evaluate(image => [image.complete && image.naturalWidth > 0, image.currentSrc.replace(/.*\/|\..*/g, ''), image.getBoundingClientRect().height]);
      assert.deepEqual(await shown(), [true, 'logo', 32]);
      assert.equal((await style(page, '.btn', ['backgroundColor'])).backgroundColor, 'rgb(122, 31, 162)');
      await looksGood(page, 'brand-start');
      await page.emulateMedia({ colorScheme: 'dark' });
      await until(async () => (await shown())[1] === 'logo-dark', 'the dark logo in the dark');
      await page.emulateMedia({ colorScheme: 'light' });
      await atOwnDevice(page, product);
      await looksGood(page, 'brand-device');
      await reveal(page);
      await looksGood(page, 'brand-key');
    });
  } finally {
    await product.stop();
  }
});
