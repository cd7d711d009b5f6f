//! The desk's search and the lists by owner.

use keyharbor::domain::device::{Device, Ownership};
use keyharbor::domain::ids::DeviceId;
use keyharbor::store::Store;

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(finds_by_every_name, takes_patterns_literally, lists_what_a_login_owns, limits_and_order);

async fn put(store: &Store, devices: &[Device]) {
    let mut tx = store.write().await.unwrap();
    for device in devices {
        assert!(tx.insert_device(device).await.unwrap());
    }
    tx.commit_unrecorded().await.unwrap();
}

async fn find(store: &Store, text: &str) -> Vec<String> {
    let found = store.read().await.unwrap().search_devices(text, 10).await.unwrap();
    found.into_iter().map(|d| d.serial.as_str().to_owned()).collect()
}

async fn finds_by_every_name(fresh: Fresh) {
    let store = &fresh.store;
    let mut full = device(1, "CO2KHI-DEM0");
    full.name = Some("Ånnas MacBook".into());
    full.host_name = Some("acme-mbp-17".into());
    full.asset_tag = Some("A-4711".into());
    full.device_key = Some("O1IL99".into());
    let mut hidden = device(3, "CO2KHIDEMX");
    hidden.ownership = Ownership::Personal;
    hidden.name = Some("Ånnas private".into());
    put(store, &[full, device(2, "C02KH1DEM"), hidden]).await;
    let mut tx = store.write().await.unwrap();
    for device in [1, 3] {
        assert!(tx.insert_owner(&signed(owner(20 + device, DeviceId(id(device)), "anna@acme.example"))).await.unwrap());
    }
    assert!(tx.insert_binding(&signed(binding(30, "anna@acme.example", "anna"))).await.unwrap());
    tx.upsert_person(&person(40, "anna", "Anna Öberg")).await.unwrap();
    tx.commit_unrecorded().await.unwrap();

    // O and 0, I and 1 and L are one; the exact one stands first.
    assert_eq!(find(store, "c02khldem0").await, ["CO2KHI-DEM0"]);
    assert_eq!(find(store, " co2khidem ").await, ["C02KH1DEM", "CO2KHI-DEM0"]);
    for text in ["ÅNNAS macbook", "a\u{30A}nnas", "acme-MBP", "a-47", "o1i", "011199", "anna@ac", "anna ö", "Anna"] {
        assert_eq!(find(store, text).await, ["CO2KHI-DEM0"], "{text}");
    }
    for text in ["", "  ", "-", "\u{200B}", "\0", "nothing", "\u{10FFFF}", "ånnas private"] {
        assert!(find(store, text).await.is_empty(), "{text:?}");
    }
}

async fn takes_patterns_literally(fresh: Fresh) {
    let mut percent = device(1, "AAA111");
    percent.name = Some("100% Mac".into());
    let mut underscore = device(2, "BBB222");
    underscore.name = Some("100_ Mac".into());
    let mut plain = device(3, "CCC333");
    plain.name = Some("100x Mac".into());
    put(&fresh.store, &[percent, underscore, plain]).await;
    assert_eq!(find(&fresh.store, "100%").await, ["AAA111"]);
    assert_eq!(find(&fresh.store, "100_").await, ["BBB222"]);
    assert_eq!(find(&fresh.store, "100").await, ["AAA111", "BBB222", "CCC333"]);
    for text in ["%", "_", "' OR 1=1 --", "*", "A%1", "\\"] {
        assert!(find(&fresh.store, text).await.is_empty(), "{text}");
    }
}

async fn limits_and_order(fresh: Fresh) {
    let mut devices: Vec<_> = (1..=30).map(|n| device(n, &format!("LOOP{n:02}"))).collect();
    for (n, device) in devices.iter_mut().enumerate() {
        device.name = Some(format!("Loop {n:02}"));
        // Personal ones do not eat up the limit.
        device.ownership = if n < 15 { Ownership::Personal } else { Ownership::Corporate };
    }
    put(&fresh.store, &devices).await;
    let found = fresh.store.read().await.unwrap().search_devices("loop", 5).await.unwrap();
    assert_eq!(found.iter().map(|d| d.serial.as_str()).collect::<Vec<_>>(), ["LOOP16", "LOOP17", "LOOP18", "LOOP19", "LOOP20"]);
}

async fn lists_what_a_login_owns(fresh: Fresh) {
    let store = &fresh.store;
    let mut named = device(1, "ZZZ");
    named.name = Some("Aardvark".into());
    put(store, &[named.clone(), device(2, "MMM"), device(3, "BBB"), device(4, "OTHER")]).await;
    let mut tx = store.write().await.unwrap();
    for n in 1..=3 {
        assert!(tx.insert_owner(&signed(owner(10 + n, DeviceId(id(n)), "anna@acme.example"))).await.unwrap());
    }
    assert!(tx.insert_owner(&signed(owner(20, DeviceId(id(4)), "anna@other.example"))).await.unwrap());
    tx.commit_unrecorded().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let anna = login("anna@acme.example");
    let list = tx.owned_devices(ISSUER, &anna, 10).await.unwrap();
    assert_eq!(list.iter().map(|(d, _)| d.serial.as_str()).collect::<Vec<_>>(), ["ZZZ", "BBB", "MMM"]);
    assert_eq!(list[0].0, named);
    for (device, owner) in list {
        assert_eq!(owner.check(&TestMac).unwrap().device, device.id);
    }
    assert_eq!(tx.owned_devices(ISSUER, &anna, 2).await.unwrap().len(), 2);
    assert!(tx.owned_devices("https://else.example", &anna, 2).await.unwrap().is_empty());
    let (device, owner) = tx.owned_device(ISSUER, &anna, DeviceId(id(2))).await.unwrap().unwrap();
    assert_eq!((device.serial.as_str(), owner.check(&TestMac).unwrap().login), ("MMM", anna.clone()));
    assert!(tx.owned_device(ISSUER, &anna, DeviceId(id(4))).await.unwrap().is_none());
    assert!(tx.owned_device("https://else.example", &anna, DeviceId(id(2))).await.unwrap().is_none());
}
