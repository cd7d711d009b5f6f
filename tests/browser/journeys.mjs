// The selectors and steps that journeys share. They follow the structure of the pages (forms by their action, fields by
// their name), not the wording, so that one journey serves every language.

import assert from 'node:assert/strict';
import { press, readKey, signIn } from './lib.mjs';
import { until } from './product.mjs';

export const at = {
  reveal: 'main form[action^="/devices/"][action$="/reveal"]',
  deskReveal: 'main form[action^="/desk/devices/"][action$="/reveal"]',
  renew: 'form[action^="/reveals/"][action$="/renew"]',
  /** "Show the other one", on the key's page and on the way back from a step-up. */
  other: 'main form[action^="/devices/"]:has(input[name=which][value=other])',
  hide: 'form[action^="/reveals/"][action$="/hide"]',
  signOut: 'form[action="/sign-out"]',
  makeToken: 'main form[action="/admin/tokens"]',
  revokeToken: 'main form[action^="/admin/tokens/"][action$="/revoke"]',
  key: '.key.secret',
  secret: '.secret',
  gone: '[data-gone]',
  /** The link to the provider on "Confirm it's you". */
  confirm: 'main a.btn:not(.sec)',
  errors: '[role=alert]',
};

/** A Mac that a test hands in, and its key. */
export const KNOWN = { serial: 'KHBROWSER01', recovery_key: '7QXM-O4LD-ZB83-KWTE-2PVN-HC96' };

/** Two keys that take turns: of the Mac whose page is open the first is offered then, and the second is the other one. */
export const TURNS = ['7QXM-O4LD-ZB83-KWTE-2PVN-HC97', '7QXM-O4LD-ZB83-KWTE-2PVN-HC98'];

export async function takeTurns(page, product) {
  const serial = await page.locator('dl.facts dd.mono').first().innerText();
  for (const key of [...TURNS, TURNS[0]]) await product.deposit(serial.trim(), key);
}

export const path = page => new URL(page.url()).pathname;

/** Addresses of the signed-in person's devices, those with a key apart from those without. */
export async function ownDevices(page, portal) {
  await page.goto(`${portal}/devices`);
  const links = await page.locator('main a[href^="/devices/"]').evaluateAll(nodes => nodes.map(node => node.getAttribute('href')));
  const found = { withKey: [], without: [] };
  for (const link of new Set(links)) {
    await page.goto(portal + link);
    (await page.locator(at.reveal).count() ? found.withKey : found.without).push(link);
  }
  assert.ok(found.withKey.length > 0, 'the person has a Mac with a key');
  return found;
}

export async function ownDevice(page, portal) {
  const { withKey } = await ownDevices(page, portal);
  await page.goto(portal + withKey[0]);
  return withKey[0];
}

/** Signed in as an employee, on the page of a Mac with a key. */
export async function atOwnDevice(page, product, person = product.person('employee')) {
  await signIn(page, product, person);
  return ownDevice(page, product.portal);
}

/** Presses "Get recovery key"; the key stands at an address of its own. */
export async function reveal(page, form = at.reveal) {
  const answer = await press(page, form);
  assert.equal(answer.status(), 303);
  assert.match(path(page), /^\/reveals\/[^/]+$/);
  return readKey(page);
}

/** The devices that a search at the desk finds, as addresses. */
export async function search(page, portal, query) {
  await page.goto(`${portal}/desk?q=${encodeURIComponent(query)}`);
  return page.locator('main a[href^="/desk/devices/"]').evaluateAll(nodes => nodes.map(node => node.getAttribute('href')));
}

export const GOOD_FORM = { ticket: 'INC0012345', reason: 'forgot_password', identity: 'Called back on the number in the directory' };

/** Writes the desk's form; the browser's own checks are off, so that the server's are met. */
export async function fillDesk(page, fields) {
  await page.locator(at.deskReveal).evaluate(form => {
    form.noValidate = true;
    for (const field of form.elements) field.removeAttribute('maxlength');
  });
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`${at.deskReveal} [name="${name}"]`);
    if (name === 'reason') await field.selectOption(value);
    else await field.fill(value);
  }
}

export function deskForm(page) {
  return page.locator(at.deskReveal).evaluate(form => {
    const { ticket, reason, identity } = Object.fromEntries(new FormData(form));
    return { ticket, reason, identity };
  });
}

/** Presses until the sign-in has become too old for a reveal. Until then keys are shown; the way back is `again`. */
export function untilStepUp(page, form, again) {
  return until(async () => {
    await again();
    await press(page, form);
    return (await page.locator(at.key).count()) === 0;
  }, 'a fresh sign-in is asked for');
}
