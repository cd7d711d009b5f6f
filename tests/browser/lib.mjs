// Chromium, pages that are watched for problems, what a person does there, and the questions asked of a page. Nothing
// here sleeps; everything waits for a condition.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { root, scratch, shown } from './product.mjs';

const run = promisify(execFile);
const pictures = join(root, 'target', 'pictures');
const LOCALES = { en: 'en-GB', sv: 'sv-SE', nb: 'nb-NO' };

// ---- Chromium ------------------------------------------------------------------------------------------------------

function findChromium() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch { /* not there */ }
    }
  }
  throw new Error('no chromium, chromium-browser or google-chrome in PATH');
}

const browsers = new Map();

/** One for all tests, and one that keeps pages whole for Back, as a person's does; the driver's own choice is not to. */
function launched(keepsPages) {
  if (!browsers.has(keepsPages)) browsers.set(keepsPages, chromium.launch({
    executablePath: findChromium(),
    ignoreDefaultArgs: keepsPages ? ['--disable-back-forward-cache'] : [],
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    ],
  }));
  return browsers.get(keepsPages);
}

export async function closeBrowser() {
  for (const browser of browsers.values()) await (await browser).close();
  browsers.clear();
}

/**
 * A browser context with one page, watched. `problems()` lists console errors and warnings, page errors, violations of
 * CSP and Trusted Types, requests to hosts other than those named, answers of the portal that a cache may keep, and keys
 * in addresses or referrers. A page that answered 4xx or 5xx by intention makes Chromium log that status; this line
 * alone is let through. The portal is `localhost`; a provider is 127.0.0.1.
 */
export async function open({ scheme = 'light', width = 390, lang = 'en', js = true, motion = 'no-preference', keepsPages = false, hosts = ['localhost', '127.0.0.1'] } = {}) {
  const context = await (await launched(keepsPages)).newContext({
    javaScriptEnabled: js,
    colorScheme: scheme,
    locale: LOCALES[lang],
    reducedMotion: motion,
    timezoneId: 'Europe/Stockholm',
    viewport: { width, height: 844 },
  });
  context.setDefaultTimeout(20_000);
  const noted = [];
  const refused = new Set();
  const addresses = new Set();
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', e =>
      console.error(`[policy] ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile ?? ''}:${e.lineNumber} ${e.sample}`));
  });
  context.on('console', message => {
    if (['error', 'warning'].includes(message.type())) noted.push({ text: message.text(), url: message.location().url });
  });
  context.on('weberror', error => noted.push({ text: `page error: ${error.error()?.stack ?? error.error()}` }));
  context.on('request', request => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && !hosts.includes(hostname)) noted.push({ text: `request to ${hostname}` });
    addresses.add(`${request.url()} ${request.headers().referer ?? ''}`);
  });
  context.on('response', response => {
    const { hostname, pathname } = new URL(response.url());
    if (response.request().isNavigationRequest() && response.status() >= 400) refused.add(response.url());
    if (hostname !== 'localhost' || pathname.startsWith('/static/')) return;
    if (response.headers()['cache-control'] !== 'no-store') noted.push({ text: `may be kept by a cache: ${pathname}` });
  });
  const page = await context.newPage();
  page.look = { scheme, lang };
  const meant = ({ text, url }) => /^Failed to load resource: the server responded with a status of [45]\d\d/.test(text) && refused.has(url);
  const leaks = () => [...addresses].filter(address => [...shown].some(key => traces(address, key).length > 0));
  return {
    context,
    page,
    problems: () => [
      ...noted.filter(note => !meant(note)).map(({ text, url }) => (url ? `${text} (${url})` : text)),
      ...leaks().map(() => 'a key stands in an address'),
    ],
    forgive: () => noted.splice(0),
  };
}

/** Opens a context, runs the steps, and demands that nothing was wrong on the way. */
export async function visit(options, steps) {
  const opened = await open(options);
  try {
    const result = await steps(opened.page, opened);
    assert.deepEqual(opened.problems(), []);
    return result;
  } finally {
    await opened.context.close();
  }
}

// ---- what a person does --------------------------------------------------------------------------------------------

/** Fills in the provider's form, whichever provider it is, and comes back: to `portal` past the callback, or to the callback's own page. */
export async function atProvider(page, person, portal) {
  await page.locator('input[name=login]').fill(person.login);
  const password = page.locator('input[name=password]');
  if (await password.count()) await password.fill(person.password ?? '');
  const back = page.waitForURL(url => (portal ? url.href.startsWith(`${portal}/`) && !url.pathname.startsWith('/auth/') : url.pathname === '/auth/callback'));
  await page.locator('form:has(input[name=login])').locator('button, input[type=submit]').first().click();
  await back;
}

export async function signIn(page, product, person) {
  await page.goto(`${product.portal}/`);
  await page.locator('main a[href^="/sign-in"]').first().click();
  await atProvider(page, person, product.portal);
}

export async function signOut(page) {
  await press(page, 'form[action="/sign-out"]');
}

/** Presses a form's button and returns the answer to the POST; the page that follows is loaded. */
export async function press(page, form) {
  const button = page.locator(`${form} button:not([type=button])`).first();
  const [answer] = await Promise.all([
    page.waitForResponse(response => response.request().method() === 'POST' && response.request().isNavigationRequest()),
    page.waitForEvent('load'),
    button.click(),
  ]);
  return answer;
}

/** The key as six tiles. */
export async function readKey(page) {
  const tiles = page.locator('.key.secret .g');
  await tiles.first().waitFor();
  const groups = await tiles.allInnerTexts();
  assert.equal(groups.length, 6, 'six tiles');
  for (const group of groups) assert.match(group, /^[A-Z0-9]{4}$/);
  const key = groups.join('-');
  shown.add(key);
  return key;
}

// ---- what a page must hold -----------------------------------------------------------------------------------------

/** Any trace of a key in a text: whole, without hyphens, or one of its groups as a word of its own. */
export function traces(text, key) {
  const groups = key.split('-');
  const found = [key, groups.join(''), groups.join(' ')].filter(form => text.toUpperCase().includes(form));
  const words = new Set(text.toUpperCase().split(/[^A-Z0-9]+/));
  return [...found, ...groups.filter(group => words.has(group))];
}

/** Everything of a page but its visible text: address, title, attributes, storage, history, cookies. */
async function surroundings(page) {
  const inside = await page.evaluate(async () => {
    const attributes = [...document.querySelectorAll('*')].flatMap(node => [...node.attributes].map(a => a.value));
    const fields = [...document.querySelectorAll('input, textarea, select')].map(field => field.value);
    return JSON.stringify([
      location.href, document.title, document.referrer, document.cookie, history.state, attributes, fields,
      { ...localStorage }, { ...sessionStorage }, await caches.keys(), (await indexedDB.databases()).map(d => d.name),
    ]);
  });
  return inside + JSON.stringify(await page.context().cookies());
}

/** The key stands in the tiles and nowhere else. */
export async function keyOnlyInTiles(page, key) {
  assert.deepEqual(traces(await surroundings(page), key), [], 'the key stands outside the tiles');
}

/** No trace of the key in the document or around it. */
export async function noKey(page, key) {
  assert.equal(await page.locator('.secret').count(), 0);
  assert.deepEqual(traces(await page.content(), key), [], 'the key is still in the document');
  await keyOnlyInTiles(page, key);
}

/** Nothing secret can be seen, although it may still be in the document (without script). */
export async function nothingSecretVisible(page, key) {
  const text = await page.evaluate(() => document.body.innerText);
  assert.deepEqual(traces(text, key), []);
}

/** The text of the page as it would be printed. */
export async function printed(page) {
  const dir = scratch();
  try {
    const file = join(dir, 'page.pdf');
    await page.pdf({ path: file });
    return (await run('pdftotext', ['-layout', file, '-'])).stdout;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** axe-core in a world of its own: the page's policy stays as it is and the page sees nothing of it. */
export async function axe(page, only = "{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }") {
  const session = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
    const evaluate = async expression => {
      const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression, contextId, awaitPromise: true, returnByValue: true });
      assert.ok(!exceptionDetails, `axe: ${exceptionDetails?.exception?.description ?? exceptionDetails?.text}`);
      return result.value;
    };
    // The world of this name is the document's for as long as it lives.
    if ((await evaluate('typeof axe')) !== 'object') await evaluate(`${axeSource};0`);
    const violations = await evaluate(`axe.run(document, {
      resultTypes: ['violations'],
      runOnly: ${only},
    }).then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))`);
    assert.deepEqual(violations, [], `axe at ${page.url()}`);
  } finally {
    await session.detach();
  }
}

/** No sideways scroll, and no tile of the key runs out of its box. */
export async function noSidewaysScroll(page) {
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const tiles = [...document.querySelectorAll('.key .g')].filter(tile => tile.scrollWidth > tile.clientWidth + 1).map(tile => 'tile');
    if (scrollWidth <= clientWidth) return tiles;
    const over = [...document.body.querySelectorAll('*')].filter(node => node.getBoundingClientRect().right > clientWidth + 1);
    return [...tiles, `${scrollWidth} > ${clientWidth}`, ...over.slice(0, 5).map(node => `${node.localName}.${node.className}`)];
  });
  assert.deepEqual(wide, [], `wider than the window: ${page.url()}`);
}

/** target/pictures/NAME-{lang}-{scheme}-{width}.png, the full page. */
export async function picture(page, name) {
  const { lang, scheme } = page.look;
  mkdirSync(dirname(join(pictures, name)), { recursive: true });
  const path = join(pictures, `${name}-${lang}-${scheme}-${page.viewportSize().width}.png`);
  // Not even the caret is touched: hiding it would write style attributes into the page.
  await page.screenshot({ path, fullPage: true, caret: 'initial' });
}

/** With reduced motion: under no-preference colours take a moment to change, and axe would measure them half-way. */
export async function paint(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
  page.look.scheme = scheme;
}

/** In both schemes: fits 320, and at 390 and 1280 axe is content; a picture of each. Ends light, at 390. */
export async function looksGood(page, name) {
  for (const scheme of ['dark', 'light']) {
    await paint(page, scheme);
    for (const width of [320, 1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await noSidewaysScroll(page);
      if (width === 320) continue;
      // In the dark only the colours differ, and they are the same in every language.
      if (scheme === 'light') await axe(page);
      else if (page.look.lang === 'en') await axe(page, "{ type: 'rule', values: ['color-contrast', 'color-contrast-enhanced', 'link-in-text-block'] }");
      await picture(page, name);
    }
  }
}
