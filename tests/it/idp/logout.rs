//! Logout tokens: a right one, and whatever a test makes of it.

use serde_json::{Map, Value, json};

use super::keys::b64;
use super::{CLIENT_ID, CLIENT_SECRET, Idp, lock, object};

/// The event that makes a token a logout token.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl Idp {
    /// One that ends that person's session, signed as the ID tokens are; `change` gets its claims and its header.
    pub fn logout_token(&self, login: &str, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
        let now = self.0.clock.now().seconds();
        let mut claims = object(json!({
            "iss": self.0.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": self.0.fresh("logout"),
            "sub": format!("sub-{login}"), "sid": format!("sid-{login}"), "events": { EVENT: {} },
        }));
        let (keys, sign) = (self.keys(), lock(&self.0.behaviour).sign);
        let (alg, kid) = keys.header(sign);
        let mut header = object(json!({"alg": alg, "kid": kid, "typ": "logout+jwt"}));
        change(&mut claims, &mut header);
        let part = |map: Map<String, Value>| b64(Value::Object(map).to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        format!("{input}.{}", b64(&keys.sign(sign, &input, CLIENT_SECRET)))
    }
}
