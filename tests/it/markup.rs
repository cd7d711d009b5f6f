//! Markup and control characters from outside: inert wherever they are shown or logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::telemetry;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Answer, KEY, MAC, World};

const MARKUP: [&str; 8] = [
    r#"<script>alert('kh1')</script>"#,
    r#""><img src=x onerror=alert(`kh2`)>"#,
    r#"'-alert('kh3')-'"#,
    r#"</title></textarea><svg/onload=alert("kh4")>"#,
    r#"{{7*7}}${7*7}<%=7*7%>kh5"#,
    r#"javascript:alert("kh6")"#,
    r#"<a href="javascript:alert('kh7')">x</a> {$who} { -brand }"#,
    r#"&lt;script&gt;kh8&#60;b&#62;"#,
];

const HOSTILE: [&str; 6] = [
    "a\r\n{\"level\":\"ERROR\",\"forged\":1}",
    "\u{1b}[2J\u{1b}]0;x\u{7}kh",
    "a\u{202e}txt.exe\u{2066}",
    "a\0b",
    "a\u{85}\u{2028}b",
    "\u{9b}31mred",
];

/// No markup of the corpus stands in a page as markup: every character that could begin some is written as an entity.
fn inert(page: &Answer, place: &str) {
    for bad in [
        "<script>alert",
        "<img",
        "onerror=alert(`kh2`)>",
        "<svg/onload",
        "</title></textarea>",
        "<a href=\"javascript",
        "'-alert('",
        "<%=",
        "49$",
    ] {
        assert!(!page.text.contains(bad), "{place}: {bad} in {}", page.text);
    }
    assert!(!page.text.contains("&lt;script&gt;kh8") && !page.text.contains("<b>kh8"), "{place}: an entity of the input was kept");
    for link in page.text.split("href=\"").skip(1).chain(page.text.split("action=\"").skip(1)) {
        assert!(
            ["/", "#", "?", "tel:", "mailto:", "http"].iter().any(|s| link.starts_with(s)),
            "{place}: {}",
            link.split('"').next().unwrap()
        );
    }
}

/// As a page writes it.
fn escaped(text: &str) -> String {
    [("&", "&#38;"), ("<", "&#60;"), (">", "&#62;"), ("\"", "&#34;"), ("'", "&#39;")]
        .iter()
        .fold(text.to_owned(), |t, (c, e)| t.replace(c, e))
}

/// Every free field of a device, by the API that writes them.
async fn dress(world: &World, text: &str) {
    let token = world.token(&[Scope::DevicesWrite], Door::Header, Trust::Observed).await;
    let fields = ["name", "hostname", "model", "os_version", "asset_tag", "device_key", "udid"];
    let body = fields.into_iter().map(|f| (f.to_owned(), text.into())).collect::<serde_json::Map<_, _>>();
    let answer = world.api(Method::PUT, &format!("/api/v1/devices/{MAC}"), &token, Some(body.into())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["serial"], MAC);
}

#[actix_web::test]
async fn s33_markup_is_text_on_every_page_and_a_string_in_json() {
    for text in MARKUP {
        let world = World::new().await;
        world.idp.claim("astrid", "name", text.into());
        world.idp.claim("kim", "name", text.into());
        world.own(MAC, "astrid").await;
        let token = world.token(&[Scope::EscrowWrite, Scope::DevicesRead], Door::Header, Trust::Observed).await;
        let deposit = serde_json::json!({ "serial": MAC, "recovery_key": KEY, "hostname": text, "user": text });
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &token, Some(deposit)).await.status, StatusCode::CREATED);
        dress(&world, text).await;
        let device = world.device_id(MAC).await;
        let json = world.api(Method::GET, &format!("/api/v1/devices/{MAC}"), &token, None).await;
        assert_eq!((json.json()["name"].as_str(), json.json()["user_hint"].as_str()), (Some(text), Some(text)));
        assert_eq!(json.header("content-type"), Some("application/json"));

        let mut astrid = world.signed_in("astrid").await;
        let mut kim = world.signed_in("kim").await;
        for browser in [&mut astrid, &mut kim] {
            browser.headers.push(("user-agent".into(), text.into()));
        }
        // Names are the same text: what stands only in the reason has a word of its own.
        let reason = format!("typed {text}");
        let fields = [("reason_text", reason.as_str()), ("identity", text), ("ticket", text)];
        let refused = kim.desk_reveal(&device, &[("reason", text), ("reason_text", text), ("identity", text), ("ticket", text)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        inert(&refused, "the desk's form, shown again");
        let shown = kim.desk_reveal(&device, &fields).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.text);
        inert(&kim.get(shown.location()).await, "the desk's key page");
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for path in [format!("/desk?q={query}"), format!("/desk?q={MAC}"), format!("/desk/devices/{device}"), format!("/nothing?{query}")] {
            inert(&kim.get(&path).await, &path);
        }
        let own = astrid.reveal(&device).await;
        inert(&astrid.get(own.location()).await, "the owner's key page");
        astrid.post(&format!("{}/hide", own.location()), &[]).await;
        for path in [
            "/devices".to_owned(),
            format!("/devices/{device}"),
            own.location().to_owned(),
            "/trail".into(),
            format!("/sign-in?return_to={query}"),
        ] {
            inert(&astrid.get(&path).await, &path);
        }
        let trail = world.signed_in("eva").await.get("/trail").await;
        inert(&trail, "the trail");
        assert!(trail.text.contains(&format!("typed {}", escaped(text))), "the reason's cell: {}", trail.text);
    }
}

#[actix_web::test]
async fn s33_s21_what_a_provider_or_a_link_says_is_not_shown() {
    let world = World::new().await;
    let mut browser = world.browser();
    for text in MARKUP {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for path in [
            format!("/auth/callback?error={query}&error_description={query}&state={query}"),
            format!("/language/{query}"),
            format!("/devices/{query}"),
        ] {
            let answer = browser.get(&path).await;
            assert!(answer.status.is_client_error(), "{path}");
            inert(&answer, &path);
            assert!(!answer.text.contains("kh"), "{path}: {}", answer.text);
        }
    }
    // An error page of the callback links back to nothing that holds a code.
    let answer = browser.get("/auth/callback?code=thecode&state=thestate").await;
    assert!(!answer.text.contains("thecode") && !answer.text.contains("thestate"), "{}", answer.text);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Takes what was written: one JSON object per line, nothing between the lines; answers those of our own code.
    fn take(&self) -> Vec<serde_json::Value> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines()
            .map(|line| {
                let odd = line.chars().find(|c| c.is_control() || keyharbor::domain::device::is_format(*c));
                assert_eq!(odd, None, "{line:?}");
                serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{e}: {line:?}"))
            })
            .filter(|line| line["target"].as_str().is_some_and(|t| t.starts_with("keyharbor")))
            .collect()
    }
}

#[actix_web::test]
async fn s49_a_failed_callback_a_report_a_machine_and_an_agent_stay_within_their_lines() {
    let lines = Lines::default();
    // See below.
    let _second: tracing::Dispatch = telemetry::lines("info", std::io::sink).into();
    let _logging = tracing::subscriber::set_default(telemetry::lines("info", lines.clone()));
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let agent = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for text in HOSTILE {
        // A callback that belongs to an open sign-in, so that its `error` is read.
        let mut browser = world.browser();
        let leave = browser.get("/sign-in").await;
        let url = url::Url::parse(leave.location()).unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let issuer = encoded(world.idp.issuer());
        let back = format!("/auth/callback?error={0}&error_description={0}&state={1}&iss={issuer}", encoded(text), encoded(&state));
        let report = serde_json::json!({ "csp-report": { "effective-directive": text, "blocked-uri": text } }).to_string();
        let deposit = serde_json::json!({ "serial": text, "recovery_key": text, "hostname": text, text: text }).to_string();
        let hinted = serde_json::json!({ "serial": MAC, "recovery_key": KEY, "hostname": text, "user": text }).to_string();
        let bearer = format!("Bearer {token}");
        let json = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let csp = [("content-type", "application/csp-report")];
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("serial={MAC}&recovery_password={KEY}&macname={0}&username={0}", encoded(text));
        let odd = format!("serial={0}&recovery_password={0}&secret_type={0}&{0}={0}", encoded(text));
        let door = format!("/compat/crypt/{agent}/checkin/");
        lines.take();
        let callback = browser.get(&back).await;
        assert!(callback.status.is_client_error(), "{}", callback.status);
        let mut said = vec![("/auth/callback", lines.take())];
        for (path, headers, body, route) in [
            ("/csp-report", &csp[..], report, "/csp-report"),
            ("/api/v1/deposits", &json, deposit, "/api/v1/deposits"),
            ("/api/v1/deposits", &json, hinted, "/api/v1/deposits"),
            (&door, &form, odd, "/compat/crypt/{token}/checkin/"),
            (&door, &form, body, "/compat/crypt/{token}/checkin/"),
        ] {
            world.raw(Method::POST, path, headers, body).await;
            said.push((route, lines.take()));
        }
        for (route, said) in said {
            let requests: Vec<_> = said.iter().filter(|l| l["target"] == "keyharbor::request").collect();
            assert!(requests.len() == 1 && requests[0]["route"] == route, "{route}: {said:?}");
            assert!(said.len() <= 2 && said.iter().all(|l| l.get("forged").is_none()), "{route}: {said:?}");
        }
    }
    for row in world.trail().await {
        let kept = format!("{}{}", row.personal_text.unwrap(), row.event.detail + row.event.serial.as_deref().unwrap_or_default());
        assert!(!kept.chars().any(|c| c.is_control() || keyharbor::domain::device::is_format(c)), "{kept:?}");
    }
    assert_eq!(world.count(EventKind::DepositNew).await, 1);
}

#[actix_web::test]
async fn s49_s33_one_json_line_per_request_whatever_stands_in_it() {
    let lines = Lines::default();
    // With one subscriber alone, a line that another test's thread reaches first would be taken for one that nobody wants. And
    // `SubscriberInitExt` would let the whole process ask through `log`, too: see `telemetry::start`.
    let _second: tracing::Dispatch = telemetry::lines("info", std::io::sink).into();
    let _logging = tracing::subscriber::set_default(telemetry::lines("info", lines.clone()));
    for text in HOSTILE.into_iter().chain(MARKUP) {
        let world = World::new().await;
        world.own(MAC, "astrid").await;
        world.idp.claim("kim", "name", text.into());
        assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.status, StatusCode::CREATED);
        dress(&world, text).await;
        let device = world.device_id(MAC).await;
        let mut kim = world.signed_in("kim").await;
        // A header cannot hold line ends at all; what it can hold arrives as bytes.
        let agent: String = text.chars().filter(|c| !"\r\n\0".contains(*c)).collect();
        let agent = if actix_web::http::header::HeaderValue::from_str(&agent).is_ok() { agent } else { "\u{202e}agent".into() };
        kim.headers.push(("user-agent".into(), agent));
        kim.get("/help").await;
        lines.take();
        let shown = kim.desk_reveal(&device, &[("reason_text", text), ("identity", text), ("ticket", text)]).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.text);
        let said = lines.take();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!((said[0]["route"].as_str(), said[0]["status"].as_u64()), (Some("/desk/devices/{id}/reveal"), Some(303)));
        assert!(said[0].get("forged").is_none());
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for (path, route) in
            [(format!("/desk?q={query}"), "/desk"), (format!("/devices/{query}"), "/devices/{id}"), (format!("/no/{query}"), "-")]
        {
            kim.get(&path).await;
            let said = lines.take();
            assert_eq!((said.len(), said[0]["route"].as_str()), (1, Some(route)), "{said:?}");
        }
        let event = world.trail().await.into_iter().rfind(|r| r.event.kind == EventKind::RevealGranted).unwrap().event;
        let personal = event.personal;
        for kept in [personal.reason, personal.identity, personal.ticket, personal.name, personal.user_agent] {
            let kept = kept.unwrap();
            assert!(!kept.chars().any(|c| c.is_control() || keyharbor::domain::device::is_format(c)), "{kept:?}");
        }
    }
}
