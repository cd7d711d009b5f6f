//! The trail as a file: recorded before its first byte, the same rows as the list, bounded, and seen to be whole or not.

use std::pin::Pin;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::Service as _;
use actix_web::http::StatusCode;
use actix_web::test as http;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::formats::trail::{FIELDS, Format};
use keyharbor::service::trail::asked::Criteria;
use keyharbor::web::application;

use crate::process::Home;
use crate::world::{HOST, KEY, MAC, ORIGIN, World};

async fn lived_in() -> [World; 2] {
    let worlds = World::both().await;
    for world in &worlds {
        let device = world.astrids_mac().await;
        let mut kim = world.signed_in("kim").await;
        let fields = [("reason", "other"), ("reason_text", "=HYPERLINK(\"http://x\")\n, \"quoted\"")];
        assert_eq!(kim.desk_reveal(&device, &fields).await.status, StatusCode::SEE_OTHER);
    }
    worlds
}

fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{FEFF}').expect("a byte-order mark, for spreadsheets");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn json_rows(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn s72_both_files_hold_the_rows_of_the_list_and_are_recorded_first() {
    for world in lived_in().await {
        let mut eva = world.signed_in("eva").await;
        let query = [("serial", MAC), ("from", "2020-01-01")];
        let list = eva.get(&format!("/trail?serial={MAC}&from=2020-01-01")).await.text;
        let mut listed: Vec<i64> =
            list.split(r#"<tr role="row" id="e"#).skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
        listed.reverse();
        let upto = world.last().await.seq;
        let file = eva.post("/trail/export", &[&query[..], &[("format", "csv")]].concat()).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.text);
        assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        assert_eq!(file.header("cache-control"), Some("no-store"));
        let name = file.header("content-disposition").unwrap();
        assert!(name.starts_with("attachment; filename=\"audit-log-2") && name.ends_with("Z.csv\""), "{name}");
        let recorded = world.last().await;
        assert_eq!((recorded.event.kind, recorded.seq), (EventKind::TrailExported, upto + 1));
        assert_eq!(recorded.event.detail, format!("format=csv from=2020-01-01T00:00:00.000000Z serial={MAC} upto={upto}"));
        let rows = csv_rows(&file.text);
        assert_eq!(rows[0], FIELDS);
        let numbers: Vec<i64> = rows[1..rows.len() - 1].iter().map(|r| r[0].parse().unwrap()).collect();
        assert_eq!(numbers, listed);
        let last = rows.last().unwrap();
        assert_eq!((last[2].as_str(), last[21].as_str()), ("end", format!("rows {} upto {upto}", listed.len()).as_str()));

        let upto = world.last().await.seq;
        let lines = json_rows(&eva.post("/trail/export", &[&query[..], &[("format", "jsonl")]].concat()).await.text);
        let end = lines.last().unwrap();
        assert_eq!(end["detail"], format!("rows {} upto {upto}", listed.len()));
        for (line, cells) in lines.iter().zip(&rows[1..rows.len() - 1]) {
            for (field, cell) in FIELDS.iter().zip(cells) {
                let said = match &line[*field] {
                    serde_json::Value::Null => String::new(),
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert!(*cell == said || *cell == format!("'{said}"), "{field}: {cell} {said}");
            }
            assert_eq!(line["verified"], "ok");
        }
        let granted = lines.iter().find(|l| l["kind"] == "reveal.granted").unwrap();
        assert!(granted["reason"].as_str().unwrap().contains("=HYPERLINK"), "{granted}");
        assert!(!file.text.contains(KEY) && lines.iter().all(|l| !l.to_string().contains(KEY)));
    }
}

#[actix_web::test]
async fn an_export_is_a_form_of_ours_and_an_auditors() {
    for world in lived_in().await {
        let mut eva = world.signed_in("eva").await;
        let before = world.count(EventKind::TrailExported).await;
        assert_eq!(eva.get("/trail/export").await.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(eva.post_raw("/trail/export", "format=csv".into()).await.status, StatusCode::FORBIDDEN);
        let wrong: [&[(&str, &str)]; 5] = [
            &[],
            &[("format", "xls")],
            &[("format", "csv"), ("from", "x")],
            &[("format", "csv"), ("x", "y")],
            &[("format", "csv"), ("who", KEY)],
        ];
        for fields in wrong {
            let answer = eva.post("/trail/export", fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert!(!answer.text.contains(KEY));
        }
        for login in ["astrid", "kim", "ola"] {
            let refused = world.signed_in(login).await.post("/trail/export", &[("format", "csv")]).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{login}");
        }
        assert_eq!(world.count(EventKind::TrailExported).await, before);
    }
}

#[actix_web::test]
async fn s44_without_its_row_there_is_no_export() {
    for world in lived_in().await {
        let mut eva = world.signed_in("eva").await;
        eva.get("/help").await;
        world.sql("UPDATE audit_head SET seq = seq - 1").await;
        let answer = eva.post("/trail/export", &[("format", "csv")]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!answer.text.contains("reveal.granted"), "{}", answer.text);
        assert!(world.service.export_here(&Criteria::default(), Format::Csv).await.is_err());
    }
}

#[actix_web::test]
async fn an_export_comes_in_parts_ends_where_it_began_and_says_when_it_is_whole() {
    for world in lived_in().await {
        fill(&world, 1_100).await;
        let upto = world.last().await.seq;
        let mut export = world.service.export_here(&Criteria::default(), Format::JsonLines).await.unwrap();
        assert_eq!((world.last().await.event.kind, world.last().await.event.actor), (EventKind::TrailExported, Actor::Operator));
        let (mut parts, mut numbers) = (0, Vec::new());
        let mut end = None;
        while let Some(part) = export.part().await.unwrap() {
            parts += 1;
            let lines = json_rows(std::str::from_utf8(&part).unwrap());
            assert!(lines.len() <= 501, "a part is bounded");
            for line in lines {
                match line["seq"].as_i64() {
                    Some(seq) => numbers.push(seq),
                    None => end = Some(line["detail"].as_str().unwrap().to_owned()),
                }
            }
            // What comes meanwhile is not in it.
            world.deposit(MAC, KEY, Trust::Observed).await;
        }
        numbers.sort();
        assert_eq!((numbers, parts), ((1..=upto).collect(), 3));
        assert_eq!(end, Some(format!("rows {upto} upto {upto}")));
        assert!(export.part().await.unwrap().is_none());
    }
}

/// So many rows more.
async fn fill(world: &World, n: i64) {
    let row = world.last().await;
    let mut tx = world.fresh.store.write().await.unwrap();
    let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    let events: Vec<_> = (0..n)
        .map(|_| {
            let mut event = row.event.clone();
            event.id = keyharbor::domain::ids::EventId::new(&world.env);
            event
        })
        .collect();
    let pending = tx.audit_append(&events, &ring).await.unwrap();
    tx.commit(pending).await.unwrap();
}

async fn next(body: &mut BoxBody) -> Option<Result<actix_web::web::Bytes, String>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await.map(|part| part.map_err(|e| e.to_string()))
}

#[actix_web::test]
async fn an_export_that_breaks_off_has_no_end() {
    for world in lived_in().await {
        fill(&world, 1_100).await;
        let mut eva = world.signed_in("eva").await;
        let csrf = eva.get("/trail").await.csrf().unwrap();
        let cookies = eva.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let service = http::init_service(application(world.app.clone())).await;
        let request = http::TestRequest::post()
            .uri("/trail/export")
            .peer_addr(eva.peer)
            .insert_header(("host", HOST))
            .insert_header(("origin", ORIGIN))
            .insert_header(("cookie", cookies))
            .set_form([("csrf", csrf.as_str()), ("format", "csv")]);
        let answer = service.call(request.to_request()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let mut body = answer.into_parts().1.into_body().boxed();
        let first = next(&mut body).await.unwrap().unwrap();
        assert!(first.starts_with("\u{FEFF}seq,".as_bytes()));
        world.sql("ALTER TABLE audit_events RENAME TO gone").await;
        // An error, not an end: the server closes the connection without the last chunk.
        assert!(next(&mut body).await.unwrap().is_err());
        assert!(!String::from_utf8_lossy(&first).contains(",end,"));
        assert!(next(&mut body).await.is_none());
    }
}

#[test]
fn audit_export_writes_a_file_and_a_row() {
    let home = Home::ready("http://127.0.0.1:9");
    home.run(&["token", "create", "--name", "x", "--scope", "escrow:write"]).ok();
    let csv = csv_rows(&home.run(&["audit", "export", "--format", "csv", "--event", "token.created"]).ok().out);
    assert_eq!((csv[0][0].as_str(), csv[1][2].as_str(), csv[2][2].as_str(), csv.len()), ("seq", "token.created", "end", 3));
    let lines = json_rows(&home.run(&["audit", "export", "--format", "jsonl"]).ok().out);
    assert!(lines.iter().any(|l| l["kind"] == "trail.exported" && l["actor_kind"] == "operator" && l["verified"] == "ok"), "{lines:?}");
    home.run(&["audit", "verify"]).ok();
    for (arguments, named) in [
        (["--format", "csv", "--from", "yesterday"], "keyharbor: --from must be a date"),
        (["--format", "csv", "--event", "no.such"], "known events: sign_in, "),
        (["--format", "csv", "--serial", KEY], "--serial looks like a recovery key"),
    ] {
        let said = home.run(&[&["audit", "export"][..], &arguments].concat()).fails(named);
        assert!(said.out.is_empty() && !said.err.contains(KEY), "{}", said.err);
    }
    assert_eq!(home.run(&["audit", "export", "--format", "xls"]).status.code(), Some(2));
}
