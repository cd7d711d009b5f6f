// The audit log in Chromium: filtered, wrongly filtered, of one Mac and one person, and as a file.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { KNOWN, at, atOwnDevice, path, reveal } from './journeys.mjs';
import { closeBrowser, looksGood, signIn, traces, visit } from './lib.mjs';
import { demo } from './product.mjs';

let full, key;

before(async () => {
  full = await demo();
  await full.deposit(KNOWN.serial, KNOWN.recovery_key);
  key = await visit({}, async page => {
    await atOwnDevice(page, full);
    return reveal(page);
  });
});
after(async () => {
  await closeBrowser();
  await full?.stop();
});

const audit = steps => visit({ width: 1280 }, async page => {
  await signIn(page, full, full.person('auditor'));
  await page.goto(`${full.portal}/trail`);
  return steps(page);
});

const form = 'form[action="/trail"]';
const numbers = page => page.locator('tbody tr').evaluateAll(rows => rows.map(row => Number(row.id.slice(1))));

async function filter(page, fields) {
  await page.setViewportSize({ width: 1280, height: 844 });
  for (const name of ['from', 'to', 'who', 'serial']) await page.locator(`${form} input[name=${name}]`).fill(fields[name] ?? '');
  await page.locator(`${form} select[name=event]`).selectOption(fields.event ?? '');
  const [answer] = await Promise.all([
    page.waitForResponse(response => response.request().isNavigationRequest() && response.status() !== 303),
    page.waitForEvent('load'),
    page.locator(`${form} button`).click(),
  ]);
  return answer;
}

test('the filter is open on wide screens and a fold on narrow ones', () => audit(async page => {
  assert.ok(await page.locator(`${form} input[name=who]`).isVisible());
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.locator(`${form} input[name=who]`).isVisible(), false);
  await page.locator('details.filter > summary').click();
  assert.ok(await page.locator(`${form} input[name=who]`).isVisible());
  await looksGood(page, 'trail-filter-narrow');
}));

test('names and fields of the filter stand level, and no date of a hint is broken', () => audit(async page => {
  const tops = locator => page.locator(locator).evaluateAll(nodes => nodes.map(node => Math.round(node.getBoundingClientRect().top)));
  for (const width of [1280, 1024, 960]) {
    await page.setViewportSize({ width, height: 900 });
    for (const locator of ['.filter label', '.filter input, .filter select']) {
      const rows = [...new Set(await tops(locator))];
      assert.ok(rows.length <= 2, `${width}: ${locator} at ${rows}`);
    }
    const dates = await page.locator('.filter .hint kbd').evaluateAll(nodes => nodes.map(node => node.getClientRects().length));
    assert.deepEqual(dates, [1, 1, 1, 1], `${width}`);
  }
  const cut = await page.locator('td .tag').evaluateAll(tags => tags.filter(tag => tag.scrollWidth > tag.clientWidth || tag.getBoundingClientRect().right > tag.closest('td').getBoundingClientRect().right).length);
  assert.equal(cut, 0, 'no event is cut off');
}));

test('what is asked for stands in the address and in the fields', () => audit(async page => {
  await filter(page, { event: 'reveal.granted', who: full.person('employee').login });
  assert.equal(new URL(page.url()).searchParams.get('event'), 'reveal.granted');
  assert.equal((await numbers(page)).length, 1);
  assert.equal(await page.locator(`${form} input[name=who]`).inputValue(), full.person('employee').login);
  assert.deepEqual(traces(await page.content(), key), []);
  await looksGood(page, 'trail-filtered');
  await filter(page, { serial: 'NOSUCHSERIAL' });
  assert.deepEqual(await numbers(page), []);
  await looksGood(page, 'trail-none');
  const answer = await filter(page, { from: 'yesterday', to: '2026-02-30', who: 'kim' });
  assert.equal(answer.status(), 422);
  assert.equal(await page.locator(`${at.errors} a`).count(), 2);
  await page.locator('#errors:focus').waitFor();
  assert.equal(await page.locator(`${form} input[name=from]`).inputValue(), 'yesterday');
  await page.locator(`${at.errors} a`).first().click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'from');
  await looksGood(page, 'trail-wrong');
  await filter(page, { who: KNOWN.recovery_key });
  assert.deepEqual(traces(page.url() + (await page.content()), KNOWN.recovery_key), []);
  await page.locator(`${at.errors}:focus`).waitFor();
}));

test('each Mac and each person leads to everything about them', () => audit(async page => {
  await filter(page, { event: 'reveal.granted' });
  const row = (await numbers(page))[0];
  const serial = await page.locator('tbody tr a[href^="/trail/devices/"]').first().innerText();
  for (const [link, name] of [['tbody tr a[href^="/trail/devices/"]', 'trail-device'], ['tbody tr a[href^="/trail/people"]', 'trail-person']]) {
    await page.goto(`${full.portal}/trail?event=reveal.granted`);
    await page.locator(link).first().click();
    await page.waitForURL(url => url.pathname !== '/trail');
    assert.ok((await numbers(page)).includes(row), `${name} has the row it was reached from`);
    assert.deepEqual(traces(await page.content(), key), []);
    await looksGood(page, name);
    if (name === 'trail-device') {
      const timeline = await numbers(page);
      await page.goto(`${full.portal}/trail?serial=${serial.trim()}`);
      assert.deepEqual(await numbers(page), timeline, 'the list and the timeline say the same');
    }
  }
  await page.locator('.back').click();
  assert.equal(path(page), '/trail');
}));

test('S72 the rows of the filter as files', () => audit(async page => {
  await filter(page, { event: 'reveal.granted' });
  const rows = await numbers(page);
  for (const [format, lines] of [['csv', rows.length + 2], ['jsonl', rows.length + 1]]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator(`button[value=${format}]`).click()]);
    assert.match(download.suggestedFilename(), new RegExp(`^audit-log-\\d{8}T\\d{6}Z\\.${format}$`));
    const text = await readFile(await download.path(), 'utf8');
    assert.equal(text.trimEnd().split('\n').length, lines, format);
    assert.ok(text.trimEnd().split('\n').at(-1).includes(`rows ${rows.length} upto `), format);
    assert.deepEqual(traces(text, key), []);
  }
  await page.goto(`${full.portal}/trail?event=trail.exported`);
  assert.equal((await numbers(page)).length, 2);
}));

test('the checkpoint now is shown in a fold of its own', () => visit({ width: 390 }, async page => {
  await signIn(page, full, full.person('auditor'));
  await page.goto(`${full.portal}/trail`);
  await page.locator('details:not(.filter) > summary').click();
  assert.match(await page.locator('dl.facts dd.mono').first().innerText(), /^\d+:[0-9a-f]{74}$/);
  await looksGood(page, 'trail-checkpoints');
}));
