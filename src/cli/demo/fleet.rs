//! The demo's devices. Names and owners come by the operator's ways, keys through the real ingest API.

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::domain::Serial;
use crate::domain::ids::{Entropy, Env};
use crate::domain::person::Login;
use crate::formats::owners::Line;
use crate::service::Keyharbor;

/// Letters and digits that were seen in such keys.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNOPQRTUVWXYZ23456789";

/// A key as a Mac would make it.
fn key(entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; 24];
    entropy.fill(&mut bytes);
    let letters: Vec<char> = bytes.iter().filter_map(|b| ALPHABET.get(usize::from(b & 31))).map(|b| char::from(*b)).collect();
    letters.chunks(4).map(|g| g.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// As macOS makes a host name of a computer's name.
fn host_name(name: &str) -> String {
    let plain = name.replace('’', "").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

struct Mac {
    serial: String,
    name: String,
    model: &'static str,
    asset: String,
    owner: Option<&'static str>,
    /// How many keys it handed in over time.
    keys: usize,
}

fn macs() -> Vec<Mac> {
    let mac = |serial: &str, name: &str, model, asset: usize, owner, keys| Mac {
        serial: serial.to_owned(),
        name: name.to_owned(),
        model,
        asset: format!("AC-{asset}"),
        owner,
        keys,
    };
    let mut all = vec![
        mac("C02KH1DEMO01", "Anna’s MacBook Pro", "MacBook Pro 14-inch", 10442, Some("anna.berg"), 1),
        mac("FVFKH2DEMO02", "Lab Mac mini", "Mac mini", 10443, Some("anna.berg"), 2),
        mac("C17KH3DEMO03", "MacBook Air (old)", "MacBook Air 13-inch", 10444, Some("anna.berg"), 0),
        mac("C02KH4DEMO04", "Kim’s MacBook Air", "MacBook Air 15-inch", 10445, Some("kim.lund"), 1),
        mac("C02KH5DEMO05", "Eva’s MacBook Pro", "MacBook Pro 16-inch", 10446, Some("eva.holm"), 1),
        mac("C02KH6DEMO06", "Ola’s iMac", "iMac 24-inch", 10447, Some("ola.nyman"), 1),
    ];
    let models = ["MacBook Air 13-inch", "MacBook Pro 14-inch", "Mac mini", "iMac 24-inch", "Mac Studio"];
    let names = ["Reception", "Studio", "Warehouse", "Finance", "Design", "Field", "Spare", "Classroom"];
    for n in 7..=30usize {
        let model = models.get(n % models.len()).copied().unwrap_or("Mac mini");
        let name = format!("{} {}", names.get(n % names.len()).copied().unwrap_or("Mac"), n);
        all.push(mac(&format!("C02KH{n:02}FLEET"), &name, model, 10450 + n, None, usize::from(n % 9 != 0)));
    }
    all
}

/// Fills an empty demo; a folder that was filled before is left as it is.
pub async fn fill(service: &Keyharbor, origin: &str, token: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let first = format!("{origin}/api/v1/devices/C02KH1DEMO01");
    if client.get(&first).bearer_auth(token).send().await?.status().is_success() {
        return Ok(());
    }
    let macs = macs();
    for mac in &macs {
        let about = json!({ "name": mac.name, "model": mac.model, "asset_tag": mac.asset, "os_version": "15.7" });
        let put =
            client.put(format!("{origin}/api/v1/devices/{}", mac.serial)).bearer_auth(token).header("content-type", "application/json");
        let answer = put.body(about.to_string()).send().await?;
        if !answer.status().is_success() {
            bail!("a demo device was refused: {}", answer.status());
        }
    }
    for round in 0..2usize {
        deposit(&client, service.env(), origin, token, macs.iter().filter(|m| m.keys > round)).await?;
    }
    let lines: Vec<Line> = macs
        .iter()
        .filter_map(|m| Some((m, m.owner?)))
        .enumerate()
        .filter_map(|(i, (m, owner))| {
            Some(Line { number: i as u64 + 2, serial: Serial::parse(&m.serial).ok()?, login: Login::parse(owner).ok()? })
        })
        .collect();
    service.import_owners(&lines, true, false).await?;
    Ok(())
}

async fn deposit<'a>(
    client: &reqwest::Client,
    env: &Env,
    origin: &str,
    token: &str,
    macs: impl Iterator<Item = &'a Mac>,
) -> anyhow::Result<()> {
    let batch: Vec<_> = macs
        .map(|m| json!({ "serial": m.serial, "recovery_key": key(env.entropy.as_ref()), "hostname": host_name(&m.name), "user": m.owner }))
        .collect();
    let post = client.post(format!("{origin}/api/v1/deposits")).bearer_auth(token).header("content-type", "application/json");
    let answer = post.body(serde_json::Value::from(batch).to_string()).send().await?;
    let status = answer.status();
    let text = answer.text().await.context("the demo's own server did not answer")?;
    if !status.is_success() || text.contains("refused") {
        bail!("demo keys were refused: {status}");
    }
    Ok(())
}
