// For tests/machine.sh: an employee's way to a key, in Chromium, at a server that runs elsewhere.
//
//   node machine.mjs PORTAL LOGIN      prints the key of that person's first Mac (a made-up one; tests have no other)

import { atOwnDevice, reveal } from './journeys.mjs';
import { closeBrowser, keyOnlyInTiles, visit } from './lib.mjs';

const [portal, login] = process.argv.slice(2);
try {
  const key = await visit({}, async page => {
    await atOwnDevice(page, { portal }, { login });
    const key = await reveal(page);
    await keyOnlyInTiles(page, key);
    return key;
  });
  console.log(key);
} finally {
  await closeBrowser();
}
