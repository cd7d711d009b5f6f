// Helpdesk and audit: a key for someone else, with a reason, and what the trail says of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GOOD_FORM, KNOWN, at, atOwnDevice, deskForm, fillDesk, reveal, search } from './journeys.mjs';
import { axe, closeBrowser, keyOnlyInTiles, noKey, press, signIn, traces, visit } from './lib.mjs';
import { demo } from './product.mjs';

let full;

before(async () => {
  full = await demo();
  await full.deposit(KNOWN.serial, KNOWN.recovery_key);
});
after(async () => {
  await closeBrowser();
  await full?.stop();
});

const atDesk = steps => visit({ width: 1280 }, async page => {
  await signIn(page, full, full.person('helpdesk'));
  const found = await search(page, full.portal, KNOWN.serial);
  assert.equal(found.length, 1);
  assert.deepEqual(traces(await page.content(), KNOWN.recovery_key), []);
  await page.goto(full.portal + found[0]);
  return steps(page, found[0]);
});

test('finds by serial number, shows with a reason, extends twice', () => atDesk(async (page, device) => {
  assert.deepEqual(traces(await page.content(), KNOWN.recovery_key), []);
  await fillDesk(page, GOOD_FORM);
  const key = await reveal(page, at.deskReveal);
  assert.equal(key, KNOWN.recovery_key);
  await keyOnlyInTiles(page, key);
  assert.equal(await page.locator('[data-copy]:visible').count(), 0, 'no copying at the desk');
  assert.equal(await page.locator('details.secret[open]').count(), 1, 'the spelling is open');
  for (let n = 1; n <= 2; n++) await press(page, at.renew);
  assert.equal(await page.locator(at.renew).count(), 0, 'there is no third');
  await press(page, at.hide);
  await noKey(page, key);
  await page.goto(full.portal + device);
  assert.ok((await page.locator('main').innerText()).includes('Version 1') || (await page.locator('main table').count()) > 0);
}));

test('a form that lacks something is shown again with what was right, and says what is wrong', () => atDesk(async page => {
  for (const [name, fields] of [
    ['no reason', { ...GOOD_FORM, reason: '' }],
    ['no word on identity', { ...GOOD_FORM, identity: '' }],
    ['only spaces', { ...GOOD_FORM, identity: ' \u200b  ' }],
    ['more than 500 characters', { ...GOOD_FORM, identity: 'x'.repeat(501) }],
    ['"other" without a description', { ...GOOD_FORM, reason: 'other', reason_text: '' }],
    ['something that looks like a key', { ...GOOD_FORM, identity: 'the key is abcd-efgh-jklm-npqr-tuvw-xyz2' }],
  ]) {
    await fillDesk(page, { reason_text: '', ...fields });
    assert.equal((await press(page, at.deskReveal)).status(), 422, name);
    assert.equal(await page.locator(at.secret).count(), 0, name);
    assert.ok(await page.locator(at.errors).count(), `${name}: the page says what is wrong`);
    await page.locator('#errors:focus').waitFor();
    assert.equal((await page.content()).includes('abcd-efgh'), false, 'a key is not echoed');
    assert.equal((await deskForm(page)).ticket, GOOD_FORM.ticket, 'what was right is kept');
    await axe(page);
  }
}));

for (const js of [true, false]) {
  test(`what was wrong has the focus, script: ${js}`, () => visit({ js, width: 1280 }, async page => {
    await signIn(page, full, full.person('helpdesk'));
    for (const wrong of ['', 'AAAB-BBBC-CCCD-DDDE-EEEF-FFF2']) {
      await page.goto(`${full.portal}/desk`);
      assert.equal(await page.locator('#q:focus').count(), 0, 'nothing is wrong yet');
      await page.locator('#q').fill(wrong);
      await page.locator('main form button').click();
      await page.locator('#q:focus').waitFor();
      assert.equal(await page.locator(at.errors).count(), 1);
    }
    await page.goto(full.portal + (await search(page, full.portal, KNOWN.serial))[0]);
    assert.equal((await press(page, at.deskReveal)).status(), 422);
    await page.locator('#errors:focus').waitFor();
  }));
}

test('S33 markup in a reason stays text, in the trail too', async () => {
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

test('the trail shows who was shown a key, without the key', () => visit({ width: 1280 }, async page => {
  const key = await visit({}, async own => {
    await atOwnDevice(own, full);
    return reveal(own);
  });
  await signIn(page, full, full.person('auditor'));
  await page.goto(`${full.portal}/trail`);
  assert.ok((await page.locator('main').innerText()).includes(full.person('employee').login));
  assert.deepEqual(traces(await page.content(), key), []);
}));
