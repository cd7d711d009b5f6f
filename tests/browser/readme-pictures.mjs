// Takes the pictures of the README from the demo, with a key that is nobody's: `node tests/browser/readme-pictures.mjs`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { at, atOwnDevice, reveal } from './journeys.mjs';
import { closeBrowser, press, visit } from './lib.mjs';
import { demo, root } from './product.mjs';

const images = join(root, 'docs', 'images');
const KEY = 'M7KD-ORXJ-4CPV-QLFG-8DAM-2K9Z';

mkdirSync(images, { recursive: true });
const product = await demo();
try {
  await product.deposit('C02KH1DEMO01', KEY);
  for (const [name, width] of [['key-page', 1280], ['key-page-phone', 390]]) {
    await visit({ width, motion: 'reduce' }, async page => {
      await atOwnDevice(page, product);
      if ((await reveal(page)) !== KEY) throw new Error('the key of the picture is not on the page');
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: join(images, `${name}.png`), fullPage: width > 1000, caret: 'initial' });
      await press(page, at.hide);
    });
  }
} finally {
  await closeBrowser();
  await product.stop();
}
