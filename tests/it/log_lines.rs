//! The program's log as `serve` starts it: a process has one, so each level has a process of its own.

use std::process::{Command, Stdio};

use actix_web::http::StatusCode;
use keyharbor::telemetry;

use crate::world::World;

const PAGES: usize = 10;

/// Does nothing, unless the test below runs it.
#[actix_web::test]
async fn the_process_that_logs() {
    let Some(level) = std::env::var_os("KEYHARBOR_TEST_LOG") else { return };
    telemetry::start(level.to_str().unwrap(), std::io::stderr, None);
    for world in World::both().await {
        let mut astrid = world.signed_in("astrid").await;
        for _ in 0..PAGES {
            assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
        }
    }
}

#[test]
fn no_line_is_lost_at_any_level_and_libraries_have_none_below_warnings() {
    for level in ["info", "debug", "trace"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "log_lines::the_process_that_logs", "--nocapture"])
            .env("KEYHARBOR_TEST_LOG", level)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let lines: Vec<serde_json::Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let pages = lines.iter().filter(|l| l["target"] == "keyharbor::request" && l["route"] == "/devices" && l["status"] == 200).count();
        assert_eq!(pages, 2 * PAGES, "at {level}, on both engines: {said}");
        let ours = |l: &serde_json::Value| l["target"].as_str().is_some_and(|t| t.starts_with("keyharbor"));
        assert!(lines.iter().all(|l| ours(l) || l["level"] == "WARN" || l["level"] == "ERROR"), "{said}");
    }
}
