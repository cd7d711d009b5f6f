//! From the start of the process to its first answer, with a database that is there and a provider that is not.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::process::Home;

/// How it is out of reach.
#[derive(Clone, Copy)]
pub enum Provider {
    /// Nothing listens there.
    Refuses,
    /// Calls are taken, and nothing is said.
    Silent,
}

const STARTS: usize = 5;

/// The median, in milliseconds.
pub fn first_answer(home: &Home, provider: Provider) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    home.settings(&format!("http://{address}"));
    let listener = match provider {
        Provider::Silent => Some(listener),
        Provider::Refuses => {
            drop(listener);
            None
        }
    };
    let mut times: Vec<f64> = (0..STARTS)
        .map(|_| {
            let begin = Instant::now();
            let server = home.start();
            while !home.is_live() {
                assert!(begin.elapsed() < Duration::from_secs(60), "it does not start");
                std::thread::sleep(Duration::from_millis(1));
            }
            let took = begin.elapsed().as_secs_f64() * 1e3;
            drop(server);
            took
        })
        .collect();
    drop(listener);
    times.sort_by(f64::total_cmp);
    times[STARTS / 2]
}
