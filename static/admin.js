// Admin pages: a form is posted once, a new token can be copied, and the page that waits for a source's first key asks until
// it came.
// Runs under script-src 'self' and Trusted Types: texts are set as text, never as markup.
(() => {
  'use strict';
  for (const form of document.querySelectorAll('form[data-once]')) {
    const button = form.querySelector('button');
    // After the press has been taken: a button that is disabled at once would not be sent.
    form.addEventListener('submit', () => setTimeout(() => { button.disabled = true; }, 0));
    // Back to a page that was kept whole.
    addEventListener('pageshow', () => { button.disabled = false; });
  }

  const copying = document.querySelector('[data-copying]');
  if (copying && navigator.clipboard) {                 // absent on a plain http address
    const said = copying.querySelector('[data-said]');
    const token = () => document.querySelector('[data-token]').textContent;
    const tell = text => {
      said.textContent = '';                            // the same words are said again
      setTimeout(() => { said.textContent = text; }, 50);
    };
    copying.hidden = false;
    copying.querySelector('button').addEventListener('click', () => navigator.clipboard.writeText(token())
      .then(() => tell(copying.dataset.copied), () => tell(copying.dataset.nocopy)));
  }

  const place = document.querySelector('[data-wait]');
  if (!place || 'received' in place.dataset) return;
  const part = name => place.querySelector(`[data-${name}]`);
  const EVERY = 3000;
  let left = 200;                                       // ten minutes: an open page must not keep a session alive for ever

  const show = ({ class: kind, glyph, word, text }) => {
    if (part('text').textContent === text) return;      // said once, not every three seconds
    part('tag').className = `tag ${kind}`;
    part('glyph').textContent = glyph;
    part('word').textContent = word;
    part('text').textContent = text;
  };
  const end = text => { part('text').textContent = text; };

  async function ask() {
    if (document.hidden) return again();
    if (left-- === 0) return end(place.dataset.tired);
    try {
      const answer = await fetch(place.dataset.wait, { cache: 'no-store', redirect: 'error' });
      if (!answer.ok) return end(place.dataset.lost);
      const found = await answer.json();
      show(found);
      if (!found.received) again();
    } catch {
      again();                                          // the network was away for a moment
    }
  }
  const again = () => setTimeout(ask, EVERY);
  again();
})();
