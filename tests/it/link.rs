//! A wire between the server and its PostgreSQL that the test cuts where it wants.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

#[derive(Default)]
struct Orders {
    words: Mutex<VecDeque<&'static str>>,
    cuts: AtomicUsize,
}

/// The message that commits, and no word of the one that begins.
pub const COMMIT: &str = "COMMIT\0";

pub struct Link {
    /// The database's address by way of this link.
    pub url: String,
    orders: Arc<Orders>,
}

impl Link {
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let orders = Arc::<Orders>::default();
        let shared = Arc::clone(&orders);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, orders) = (server.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    carry(client, server, &orders).await;
                });
            }
        });
        Self { url: url.to_string(), orders }
    }

    /// The next message with the first word reaches the server; its answer is lost, and the connection with it. Then so with the
    /// second.
    pub fn cut_after(&self, words: &[&'static str]) {
        self.orders.words.lock().unwrap().extend(words);
    }

    /// How often it was cut.
    pub fn cuts(&self) -> usize {
        self.orders.cuts.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: TcpStream, orders: &Orders) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let cut = AtomicBool::new(false);
    let there = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from_client.read(&mut chunk).await {
            orders.words.lock().unwrap().pop_front_if(|word| {
                let hit = chunk[..n].windows(word.len()).any(|part| part == word.as_bytes());
                cut.fetch_or(hit, Ordering::SeqCst);
                hit
            });
            if to_server.write_all(&chunk[..n]).await.is_err() {
                break;
            }
        }
    };
    let back = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from_server.read(&mut chunk).await {
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
