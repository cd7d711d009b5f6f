//! A wire between the server and its PostgreSQL that the test cuts, holds or takes away.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// The end of a transaction as it goes over the wire; how one begins has the word in it, too.
pub const COMMIT: &str = "COMMIT\0";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing passes, and nothing ends.
    Held,
    /// Nobody is there.
    Away,
}

struct Orders {
    /// Words, and how often each passes before the wire is cut.
    words: Mutex<VecDeque<(&'static str, usize)>>,
    cuts: AtomicUsize,
    /// Before this goes on, nothing passes any more.
    last: Mutex<Option<&'static str>>,
    state: watch::Sender<State>,
}

pub struct Link {
    /// The database's address by way of this link.
    pub url: String,
    /// Host and port of this link.
    pub host: String,
    orders: Arc<Orders>,
}

impl Link {
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let orders = Arc::new(Orders {
            words: Mutex::default(),
            cuts: AtomicUsize::new(0),
            last: Mutex::default(),
            state: watch::Sender::new(State::Open),
        });
        let shared = Arc::clone(&orders);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *shared.state.borrow() == State::Away {
                    continue;
                }
                let (server, orders) = (server.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    let mut state = orders.state.subscribe();
                    tokio::select! {
                        () = carry(client, server, &orders) => {},
                        _ = state.wait_for(|state| *state == State::Away) => {},
                    }
                });
            }
        });
        Self { url: url.to_string(), host, orders }
    }

    /// The next message with the first word reaches the server; its answer is lost, and the connection with it. Then so with the
    /// second.
    pub fn cut_after(&self, words: &[&'static str]) {
        self.orders.words.lock().unwrap().extend(words.iter().map(|word| (*word, 0)));
    }

    /// The same, once the word has passed so often.
    pub fn cut_after_more(&self, word: &'static str, times: usize) {
        self.orders.words.lock().unwrap().push_back((word, times));
    }

    /// How often it was cut.
    pub fn cuts(&self) -> usize {
        self.orders.cuts.load(Ordering::SeqCst)
    }

    /// From now on nothing passes, and nobody is told.
    pub fn hold(&self) {
        self.orders.state.send_replace(State::Held);
    }

    /// The same, as soon as a message with this word comes, which does not pass.
    pub fn hold_before(&self, word: &'static str) {
        *self.orders.last.lock().unwrap() = Some(word);
    }

    /// Every connection ends, and new ones at once.
    pub fn take_away(&self) {
        self.orders.state.send_replace(State::Away);
    }

    pub fn mend(&self) {
        self.orders.state.send_replace(State::Open);
    }
}

/// Is the word in it?
fn has(chunk: &[u8], word: &str) -> bool {
    chunk.windows(word.len()).any(|part| part == word.as_bytes())
}

impl Orders {
    fn hold_if_it_is_the_last(&self, chunk: &[u8]) {
        if self.last.lock().unwrap().take_if(|word| has(chunk, word)).is_some() {
            self.state.send_replace(State::Held);
        }
    }

    /// Is the wire to be cut after this?
    fn cuts_after(&self, chunk: &[u8]) -> bool {
        let mut words = self.words.lock().unwrap();
        let Some((word, passes)) = words.front_mut() else { return false };
        if !has(chunk, word) {
            return false;
        }
        if let Some(left) = passes.checked_sub(1) {
            *passes = left;
            return false;
        }
        words.pop_front().is_some()
    }
}

async fn carry(client: TcpStream, server: TcpStream, orders: &Orders) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let cut = AtomicBool::new(false);
    let flows = || async { drop(orders.state.subscribe().wait_for(|state| *state != State::Held).await) };
    let there = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from_client.read(&mut chunk).await {
            orders.hold_if_it_is_the_last(&chunk[..n]);
            flows().await;
            if orders.cuts_after(&chunk[..n]) {
                cut.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&chunk[..n]).await.is_err() {
                break;
            }
        }
    };
    let back = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from_server.read(&mut chunk).await {
            flows().await;
            if cut.load(Ordering::SeqCst) {
                orders.cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if to_client.write_all(&chunk[..n]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! { () = there => {}, () = back => {} }
}
