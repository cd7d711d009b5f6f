//! Pages as people ask for them, one after the other: the time from the request to the last byte.

use std::time::Instant;

use crate::client::{Answer, Client};
use crate::fill::MINE;
use crate::generator::serial;
use crate::people::sign_in;
use crate::process::Home;
use crate::rows::PAGES;

/// Macs of a page of the search.
const PAGE: usize = 50;
/// Times of each, after some that do not count.
const TIMES: usize = 100;
const BEFORE: usize = 10;

fn ok(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The median, in milliseconds.
fn median(mut act: impl FnMut(usize)) -> f64 {
    (0..BEFORE).for_each(&mut act);
    let mut times: Vec<f64> = (0..TIMES)
        .map(|n| {
            let begin = Instant::now();
            act(n);
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[TIMES / 2]
}

/// The mean over several addresses of one page's medians.
fn over(browser: &mut Client, addresses: &[String]) -> f64 {
    let sum: f64 = addresses.iter().map(|address| median(|_| ok(&browser.get(address)))).sum();
    sum / addresses.len() as f64
}

/// The pages' times, in the order of [`PAGES`].
pub fn times(home: &Home) -> Vec<(&'static str, f64)> {
    let mut anna = sign_in(home, "anna");
    let mut kim = sign_in(home, "kim");
    let mut eva = sign_in(home, "eva");
    let own = over(&mut anna, &["/devices".to_owned()]);
    // One Mac by its serial number and by its host name, one by its owner, and as many as a page takes: at every size the same.
    let search = [serial(500), "mac-0000500".to_owned(), "user00345".to_owned(), "mac-00005".to_owned()].map(|q| format!("/desk?q={q}"));
    for (address, found) in search.iter().zip([1, 1, 1, PAGE]) {
        let macs = kim.get(address).body.matches("/desk/devices/").count();
        assert!((found..=2 * found).contains(&macs), "{address}: {macs}");
    }
    let search = over(&mut kim, &search);
    // The newest rows, those of one Mac, those of one kind.
    let trail = ["/trail".to_owned(), format!("/trail?serial={}", serial(500)), "/trail?event=deposit.new".to_owned()];
    let trail = over(&mut eva, &trail);
    let reveal = reveal(home, &mut anna);
    PAGES.iter().map(|(page, _)| *page).zip([own, search, trail, reveal]).collect()
}

/// The press and the page with the key.
fn reveal(home: &Home, anna: &mut Client) -> f64 {
    let list = anna.get("/devices").body;
    let mine: Vec<String> = list.split("href=\"/devices/").skip(1).map(|rest| rest.split(['"', '?']).next().unwrap().to_owned()).collect();
    assert!(mine.len() >= MINE.len(), "{list}");
    let csrf = anna.get(&format!("/devices/{}", mine[0])).hidden("csrf");
    let origin = format!("http://localhost:{}", home.port);
    median(|n| {
        let pressed = anna.post(&format!("/devices/{}/reveal", mine[n % mine.len()]), &origin, &format!("csrf={csrf}"));
        assert_eq!(pressed.status, 303, "{}", pressed.body);
        let to = pressed.header("location").unwrap().to_owned();
        ok(&anna.get(&to));
    })
}
