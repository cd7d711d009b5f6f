//! What the provider remembers while it runs: open requests, sessions, codes, access tokens. All end by themselves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::domain::{Env, Timestamp};

/// More than this of one kind are not kept.
const CAP: usize = 1000;
/// Wrong passwords at one form.
const TRIES: u8 = 10;

/// An authorization request that has been checked.
#[derive(Clone)]
pub(super) struct Request {
    pub state: String,
    pub nonce: Option<String>,
    pub challenge: String,
    /// `acr_values` asked for "2".
    pub high: bool,
}

/// A person at this browser.
#[derive(Clone)]
pub(super) struct Session {
    pub login: String,
    pub auth_time: Timestamp,
    pub high: bool,
    pub sid: String,
}

struct Open {
    request: Request,
    browser: String,
    tries: u8,
}

/// What a code stands for.
#[derive(Clone)]
pub(super) struct Grant {
    pub request: Request,
    pub session: Session,
}

/// Values under random names, each with an end.
struct Shelf<T>(HashMap<String, (Timestamp, T)>);

impl<T> Shelf<T> {
    fn put(&mut self, name: String, value: T, now: Timestamp, seconds: i64) {
        self.0.retain(|_, (end, _)| *end > now);
        if self.0.len() >= CAP
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (end, _))| *end).map(|(name, _)| name.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(name, (now.plus_seconds(seconds), value));
    }

    fn get(&mut self, name: &str, now: Timestamp) -> Option<&mut T> {
        self.0.get_mut(name).filter(|(end, _)| *end > now).map(|(_, value)| value)
    }

    fn take(&mut self, name: &str, now: Timestamp) -> Option<T> {
        self.0.remove(name).filter(|(end, _)| *end > now).map(|(_, value)| value)
    }
}

struct Shelves {
    open: Shelf<Open>,
    sessions: Shelf<Session>,
    codes: Shelf<Grant>,
    access: Shelf<String>,
}

/// All of it.
pub(super) struct Book {
    env: Env,
    shelves: Mutex<Shelves>,
}

impl Book {
    pub fn new(env: Env) -> Self {
        let shelves = Shelves {
            open: Shelf(HashMap::new()),
            sessions: Shelf(HashMap::new()),
            codes: Shelf(HashMap::new()),
            access: Shelf(HashMap::new()),
        };
        Self { env, shelves: Mutex::new(shelves) }
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 256 random bits as text.
    pub fn random(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.env.secret())
    }

    /// Keeps a request while its form is filled in, for ten minutes and this browser only.
    pub fn open(&self, request: Request, browser: &str) -> String {
        let name = self.random();
        let open = Open { request, browser: browser.to_owned(), tries: 0 };
        self.lock().open.put(name.clone(), open, self.env.now(), 600);
        name
    }

    /// A try at a form: its request, if the form is this browser's and not used up.
    pub fn attempt(&self, name: &str, browser: &str) -> Option<Request> {
        let now = self.env.now();
        let mut shelves = self.lock();
        let open = shelves.open.get(name, now).filter(|o| o.browser == browser && o.tries < TRIES)?;
        open.tries += 1;
        Some(open.request.clone())
    }

    pub fn close(&self, name: &str) {
        self.lock().open.take(name, self.env.now());
    }

    pub fn session(&self, browser: &str) -> Option<Session> {
        self.lock().sessions.get(browser, self.env.now()).cloned()
    }

    /// A new session, under a new name: what the browser had before is not adopted.
    pub fn sign_in(&self, login: &str, high: bool, before: &str) -> (String, Session) {
        let now = self.env.now();
        let (name, sid) = (self.random(), self.random());
        let session = Session { login: login.to_owned(), auth_time: now, high, sid };
        let mut shelves = self.lock();
        shelves.sessions.take(before, now);
        shelves.sessions.put(name.clone(), session.clone(), now, 8 * 3600);
        (name, session)
    }

    pub fn sign_out(&self, browser: &str) {
        self.lock().sessions.take(browser, self.env.now());
    }

    /// A code for one minute and one use.
    pub fn code(&self, grant: Grant) -> String {
        let name = self.random();
        self.lock().codes.put(name.clone(), grant, self.env.now(), 60);
        name
    }

    pub fn redeem(&self, code: &str) -> Option<Grant> {
        self.lock().codes.take(code, self.env.now())
    }

    /// An access token for five minutes.
    pub fn access(&self, login: &str) -> String {
        let name = self.random();
        self.lock().access.put(name.clone(), login.to_owned(), self.env.now(), 300);
        name
    }

    pub fn whose(&self, access: &str) -> Option<String> {
        self.lock().access.get(access, self.env.now()).cloned()
    }
}
