// Every page × language × scheme × width: axe is content, nothing violates the policy or speaks on the console, nothing
// is wider than the window. Once per page also in forced colours and as printed. A picture of each in target/pictures.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { axe, closeBrowser, noSidewaysScroll, paint, picture, visit } from './lib.mjs';
import { samples } from './samples.mjs';

/** In the dark only the colours differ. */
const COLOURS = "{ type: 'rule', values: ['color-contrast', 'color-contrast-enhanced', 'link-in-text-block'] }";

let pages;

before(async () => {
  pages = await samples();
  assert.ok(pages.names.length > 50, `${pages.names.length} samples`);
});
after(async () => {
  await closeBrowser();
  pages?.close();
});

async function go(page, name) {
  await page.goto(pages.address(name, page.look.lang));
  assert.equal(await page.locator('html').getAttribute('lang'), page.look.lang, name);
  await page.evaluate(() => document.fonts.ready);
}

async function everywhere(page, name) {
  await go(page, name);
  for (const scheme of ['light', 'dark']) {
    await paint(page, scheme);
    for (const width of [320, 390, 1280]) {
      await page.setViewportSize({ width, height: 844 });
      await noSidewaysScroll(page);
    }
    await (scheme === 'light' ? axe(page) : axe(page, COLOURS));
    if (scheme === 'dark') await picture(page, `all/${name}`);
  }
  await paint(page, 'light');
  await page.setViewportSize({ width: 390, height: 844 });
  await picture(page, `all/${name}`);
}

describe('S27 every page, scheme and width', { concurrency: 2 }, () => {
  for (const lang of ['en', 'sv', 'nb']) {
    test(lang, () => visit({ lang }, async page => {
      for (const name of pages.names) await everywhere(page, name);
    }));
  }

  test('in forced colours, and printed', () => visit({}, async page => {
    for (const name of pages.names) {
      await go(page, name);
      await page.emulateMedia({ forcedColors: 'active' });
      await noSidewaysScroll(page);
      await picture(page, `forced/${name}`);
      await page.emulateMedia({ forcedColors: 'none', media: 'print' });
      await page.setViewportSize({ width: 700, height: 1000 });
      await noSidewaysScroll(page);
      assert.equal(await page.locator('.secret:visible, button:visible, nav:visible').count(), 0, `${name}: printed`);
      await picture(page, `print/${name}`);
      await page.emulateMedia({ media: 'screen' });
      await page.setViewportSize({ width: 390, height: 844 });
    }
  }));
});
