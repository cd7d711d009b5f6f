//! Those who make the load: machines that hand keys in, and people who look at theirs. What they do and get is in the ledger.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::ledger::{Ledger, hash};
use super::wire::{Dice, Got, Round, TILES, Wire};
use crate::idp::Idp;

/// Letters of a recovery key.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A synthetic key.
pub fn key(dice: &mut Dice) -> String {
    let group = |dice: &mut Dice| (0..4).map(|_| char::from(LETTERS[dice.roll(32) as usize])).collect::<String>();
    (0..6).map(|_| group(dice)).collect::<Vec<_>>().join("-")
}

/// A machine that hands in keys of its own Macs, one request after the other.
pub struct Machine {
    pub name: usize,
    pub wire: Wire,
    pub dice: Dice,
    pub host: String,
    pub token: String,
    /// Its Macs and their newest keys, as many as it has made up.
    macs: Vec<(String, String)>,
    /// Not yet answered: to be sent again.
    open: Option<(String, String)>,
}

impl Machine {
    pub fn new(name: usize, wire: Wire, dice: Dice, host: &str, token: &str) -> Self {
        Self { name, wire, dice, host: host.to_owned(), token: token.to_owned(), macs: Vec::new(), open: None }
    }

    /// A new Mac mostly; now and then one of the last with a new key, or with the same again.
    fn next(&mut self) -> (String, String) {
        let recent = self.macs.len().min(50);
        let turn = self.dice.roll(10);
        if turn < 3 && recent > 0 {
            let place = self.macs.len() - 1 - self.dice.roll(recent as u64) as usize;
            if turn > 0 {
                self.macs[place].1 = key(&mut self.dice);
            }
            return self.macs[place].clone();
        }
        let made = (format!("K{}M{:06}", self.name, self.macs.len()), key(&mut self.dice));
        self.macs.push(made.clone());
        made
    }

    pub fn run(&mut self, round: &Round<'_>, ledger: &Ledger) {
        while !round.over() {
            let (serial, key) = self.open.take().unwrap_or_else(|| self.next());
            self.hand_in(round, ledger, &serial, &key);
        }
    }

    /// One deposit; was it acknowledged?
    pub fn hand_in(&mut self, round: &Round<'_>, ledger: &Ledger, serial: &str, key: &str) -> bool {
        let body = serde_json::json!({ "serial": serial, "recovery_key": key }).to_string();
        let request = format!(
            "POST /api/v1/deposits HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.host,
            self.token,
            body.len()
        );
        let hash = hash(serial, key);
        ledger.note(format_args!("sent {serial} {hash}"));
        let got = self.wire.ask(round, &request);
        let version = |got: &Got| serde_json::from_str::<serde_json::Value>(&got.text).ok()?["version"].as_i64();
        match got {
            Some(got) if matches!(got.status, 200 | 201) => {
                // The first line of the answer is a promise already.
                let version = version(&got).map_or("-".to_owned(), |n| n.to_string());
                ledger.note(format_args!("kept {serial} {version} {hash}"));
                round.kept.fetch_add(1, Ordering::SeqCst);
                true
            }
            // Too many changes of one Mac; all else is sent again.
            Some(got) if matches!(got.status, 409 | 422 | 429) => false,
            Some(got) if got.status < 500 => panic!("{} {}", got.status, got.text),
            _ => {
                self.open = Some((serial.to_owned(), key.to_owned()));
                false
            }
        }
    }
}

/// Somebody at a browser.
pub struct Person<'a> {
    pub login: String,
    pub wire: Wire,
    pub idp: &'a Idp,
    pub origin: String,
    /// The Mac whose key is looked at.
    pub device: String,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

impl<'a> Person<'a> {
    pub fn new(login: &str, wire: Wire, idp: &'a Idp, origin: &str) -> Self {
        let (login, origin) = (login.to_owned(), origin.to_owned());
        Self { login, wire, idp, origin, device: String::new(), cookies: BTreeMap::new(), csrf: String::new() }
    }

    fn request(&mut self, round: &Round<'_>, line: &str, more: &str) -> Option<Got> {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let host = self.origin.trim_start_matches("http://");
        let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\n{more}", cookies.join("; "));
        let got = self.wire.ask(round, &request)?;
        for cookie in got.headers("set-cookie") {
            if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Some(got)
    }

    fn get(&mut self, round: &Round<'_>, path: &str) -> Option<Got> {
        self.request(round, &format!("GET {path}"), "\r\n")
    }

    /// Presses the button that shows the key: the grant's address.
    fn press(&mut self, round: &Round<'_>) -> Option<String> {
        let body = format!("csrf={}", self.csrf);
        let more = format!(
            "Origin: {}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.origin,
            body.len()
        );
        let got = self.request(round, &format!("POST /devices/{}/reveal", self.device), &more)?;
        Some(got.header("location").to_owned()).filter(|to| got.status == 303 && to.starts_with("/reveals/"))
    }

    fn sign_in(&mut self, round: &Round<'_>) -> Option<()> {
        let leave = self.get(round, "/sign-in")?;
        if leave.status != 303 {
            return None;
        }
        let back = self.idp.authorize(leave.header("location"), &self.login);
        self.get(round, back.strip_prefix(&self.origin)?)?;
        let help = self.get(round, "/help")?;
        let (_, rest) = help.text.split_once(r#"name="csrf" value=""#)?;
        rest.split_once('"')?.0.clone_into(&mut self.csrf);
        Some(())
    }

    pub fn run(&mut self, round: &Round<'_>, ledger: &Ledger, serial: &str) {
        while !round.over() {
            match self.press(round) {
                Some(address) => {
                    for _ in 0..3 {
                        self.look(round, ledger, serial, &address);
                    }
                }
                None => drop(self.sign_in(round)),
            }
        }
    }

    fn look(&mut self, round: &Round<'_>, ledger: &Ledger, serial: &str, address: &str) {
        let Some(got) = self.get(round, address) else { return };
        let Some((_, tiles)) = got.text.split_once(TILES) else { return };
        let grant = address.trim_start_matches("/reveals/");
        // A page that broke off shows a part: that needs its row as well.
        let hash = tiles.split_once("</p>").map_or("-".to_owned(), |(tiles, _)| {
            let text: String = tiles.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
            hash(serial, &text.split_whitespace().collect::<Vec<_>>().join("-"))
        });
        ledger.note(format_args!("shown {grant} {hash}"));
    }
}
