// An admin makes a token, connects a source, sees its first key arrive, ends a session, and revokes the token.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { at, atOwnDevice, path, reveal } from './journeys.mjs';
import { axe, closeBrowser, noKey, press, signIn, visit } from './lib.mjs';
import { demo } from './product.mjs';

const MAC = { serial: 'KHADMIN00001', recovery_key: '7QXM-O4LD-ZB83-KWTE-2PVN-HC99' };
const TOKEN = /^kh_[0-9a-f]{16}_[0-9A-Za-z]{43}$/;
let full;

before(async () => { full = await demo(); });
after(async () => {
  await closeBrowser();
  await full?.stop();
});

const asAdmin = (options, steps) => visit({ width: 1280, ...options }, async (page, opened) => {
  await signIn(page, full, full.person('admin'));
  return steps(page, opened);
});

/** Makes a token for a kind of source; it stands in the page's text and nowhere around it. */
async function makeToken(page, way, name) {
  await page.goto(`${full.portal}/admin/connect`);
  await page.locator(`main a[href="/admin/tokens/new?way=${way}"]`).click();
  await page.locator(`${at.makeToken} [name=name]`).fill(name);
  const answer = await press(page, at.makeToken);
  assert.equal(answer.status(), 200);
  const token = (await page.locator('[data-token]').innerText()).trim();
  assert.match(token, TOKEN);
  const around = await page.evaluate(() => JSON.stringify([
    location.href, document.title, document.cookie, history.state, { ...localStorage }, { ...sessionStorage },
    [...document.querySelectorAll('*')].flatMap(node => [...node.attributes].map(a => a.value)),
    [...document.querySelectorAll('input, textarea, select')].map(field => field.value),
  ]));
  assert.equal(around.includes(token.split('_')[2]), false, 'the token stands outside the text');
  return token;
}

const deposit = (token, body) => fetch(`${full.portal}/api/v1/deposits`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

test('a token is made, its first key is seen arriving, and it is revoked', () => asAdmin({}, async page => {
  const token = await makeToken(page, 'json', 'Browser journey');
  assert.ok((await page.locator('pre.lines').allInnerTexts()).some(text => text.includes(`POST ${full.portal}/api/v1/deposits`)));
  await page.locator('main a.btn[href^="/admin/connect/"]').click();
  const said = page.locator('[data-wait] [data-text]');
  const before = await said.innerText();
  assert.ok((await deposit(token, MAC)).ok);
  // Without a reload: the page asks by itself.
  await page.locator('[data-wait] [data-text]', { hasText: MAC.serial }).waitFor();
  assert.notEqual(await said.innerText(), before);
  assert.equal(await page.locator('[data-tag].ok').count(), 1);
  await axe(page);
  await noKey(page, MAC.recovery_key);

  await page.goto(`${full.portal}/admin/sources`);
  assert.ok((await page.locator('main').innerText()).includes(MAC.serial));
  await page.goto(`${full.portal}/admin/tokens`);
  await page.locator('tr', { hasText: 'Browser journey' }).locator('a[href$="/revoke"]').click();
  assert.equal((await press(page, at.revokeToken)).status(), 303);
  assert.equal(path(page), '/admin/tokens');
  assert.equal((await deposit(token, MAC)).status, 401);
}));

test('a new token is copied with one press, which is said; without script there is its text', () => asAdmin({}, async (page, { context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const token = await makeToken(page, 'json', 'Copied');
  const copy = page.locator('[data-copying]');
  assert.equal(await copy.getByRole('button').innerText().then(text => text.trim().split(/\s/)[0]), 'Copy');
  await copy.getByRole('button').click();
  await copy.getByRole('status').filter({ hasText: 'Copied.' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  await axe(page);
  await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); });
  await copy.getByRole('button').click();
  await copy.getByRole('status').filter({ hasText: 'That did not work.' }).waitFor();
}));

test('reloading the page of a new token, or going back to it, shows it no more', () => asAdmin({}, async page => {
  const token = await makeToken(page, 'crypt', 'Reloaded');
  await page.reload();
  assert.equal(path(page), '/admin/tokens');
  const text = await page.content();
  assert.equal(text.includes(token), false);
  assert.equal(text.split('Reloaded').length > 1, true, 'there is one of that name');
  assert.equal(await page.locator('tbody tr', { hasText: 'Reloaded' }).count(), 1);
}));

test('the page that waits works without script', () => asAdmin({ js: false }, async page => {
  const token = await makeTokenPlain(page);
  assert.equal(await page.locator('[data-copying]').isVisible(), false, 'a button that does nothing is not shown');
  await page.locator('main a.btn[href^="/admin/connect/"]').click();
  const serial = 'KHADMIN00002';
  assert.equal((await page.content()).includes(serial), false);
  assert.ok((await deposit(token, { ...MAC, serial })).ok);
  await page.locator('main a.btn.sec[href^="/admin/connect/"]').click();
  assert.ok((await page.locator('[data-text]').innerText()).includes(serial));
}));

async function makeTokenPlain(page) {
  await page.goto(`${full.portal}/admin/tokens/new?way=curl`);
  await page.locator(`${at.makeToken} [name=name]`).fill('Without script');
  await press(page, at.makeToken);
  return (await page.locator('[data-token]').innerText()).trim();
}

test('S42 a session that the admin ends shows no key any more', () => asAdmin({}, page => visit({}, async own => {
  await atOwnDevice(own, full);
  const key = await reveal(own);
  await page.goto(`${full.portal}/admin/sessions`);
  const { login } = full.person('employee');
  const ended = page.waitForResponse(response => response.request().method() === 'POST');
  await page.locator('tr', { hasText: login }).first().locator('form button').first().click();
  assert.equal((await ended).status(), 303);
  await own.reload();
  await noKey(own, key);
})));

test('the menu of the administration is one row on a telephone and a list when asked, by keyboard and without script', () =>
  asAdmin({ width: 390, js: false }, async page => {
    await page.goto(`${full.portal}/admin/tokens`);
    const menu = page.locator('nav.tabs').first();
    assert.ok((await menu.boundingBox()).height < 60, 'one row');
    assert.equal(await menu.getByRole('link').filter({ visible: true }).count(), 0);
    const name = menu.locator('summary');
    assert.equal((await name.innerText()).trim(), 'Tokens', 'it says where one is');
    await name.focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    assert.notEqual(await name.evaluate(node => getComputedStyle(node).outlineStyle), 'none', 'focus is seen');
    await page.keyboard.press('Enter');
    assert.equal(await menu.getByRole('link').filter({ visible: true }).count(), 7);
    await menu.getByRole('link', { name: 'Sessions' }).click();
    assert.equal(path(page), '/admin/sessions');
    await page.setViewportSize({ width: 1280, height: 844 });
    assert.equal(await menu.getByRole('link').filter({ visible: true }).count(), 7, 'all of them where there is room');
    assert.ok((await menu.boundingBox()).height < 60, 'in one row');
  }));
