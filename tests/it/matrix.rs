//! The authorisation matrix without a hole, committed: what the policy says to every set of roles and scopes, and what
//! every route answers to every kind of caller, by real requests.

mod callers;
mod recipes;

use std::fmt::Write as _;

use keyharbor::domain::device::Ownership;
use keyharbor::domain::person::{Role, Roles};
use keyharbor::domain::policy::{Action, Caller, Refusal, Relation, decide};
use keyharbor::domain::token::{Scope, Scopes};
use keyharbor::web::ROUTES;

use callers::{Cast, Who};
use recipes::{Target, recipe};

const RELATIONS: [(&str, Relation); 6] = [
    ("no device", Relation::NoDevice),
    ("own", Relation::Own(Ownership::Corporate)),
    ("own personal", Relation::Own(Ownership::Personal)),
    ("other's", Relation::Other(Ownership::Corporate)),
    ("other's personal", Relation::Other(Ownership::Personal)),
    ("unknown", Relation::Unknown),
];

fn word(caller: Caller, action: Action, relation: Relation) -> &'static str {
    match decide(caller, action, relation) {
        Ok(permit) => {
            assert_eq!(permit.action(), action);
            permit.basis().code()
        }
        Err(Refusal::NotSignedIn) => "401",
        Err(Refusal::NotFound) => "404",
        Err(Refusal::Forbidden) => "403",
    }
}

fn section(text: &mut String, name: &str, caller: Caller) {
    let heads: Vec<String> = RELATIONS.iter().map(|(name, _)| format!("{name:16}")).collect();
    let _ = writeln!(text, "{:38} {}", format!("## {name}"), heads.join(" ").trim_end());
    for action in Action::ALL {
        let cells: Vec<String> = RELATIONS.iter().map(|(_, relation)| format!("{:16}", word(caller, action, *relation))).collect();
        let _ = writeln!(text, "{:38} {}", action.code(), cells.join(" ").trim_end());
    }
    text.push('\n');
}

#[test]
fn s39_every_role_set_and_every_scope_by_action_and_relation() {
    let mut text = String::new();
    section(&mut text, "anonymous", Caller::Anonymous);
    // All sixteen sets: those that exclude each other too, since settings may allow them.
    for bits in 0..16 {
        let roles = Roles::from_bits(bits);
        let name = if bits == 0 { "no role".to_owned() } else { roles.codes() };
        section(&mut text, &name, Caller::Person(roles));
    }
    section(&mut text, "token without a scope", Caller::Token(Scopes::default()));
    for scope in Scope::ALL {
        section(&mut text, &format!("token {}", scope.code()), Caller::Token(Scopes::default().with(scope)));
    }
    let all = Scope::ALL.into_iter().fold(Scopes::default(), Scopes::with);
    section(&mut text, "token, every scope", Caller::Token(all));
    assert_eq!(Role::ALL.len(), 4, "a fifth role wants thirty-two sets");
    insert_no_reveal(&text);
    insta::assert_snapshot!("policy", text);
}

/// What no snapshot may ever say, whatever was accepted in a review.
fn insert_no_reveal(text: &str) {
    for part in text.split("## ").skip(1) {
        let name = part.lines().next().unwrap_or_default();
        for line in part.lines().filter(|l| l.starts_with("reveal ") || l.starts_with("desk_reveal ")) {
            let shows = line.contains("owner") || line.contains("desk  ") || line.ends_with("desk");
            let may = name.contains("employee") || name.contains("helpdesk");
            assert!(!shows || may, "{name}: {line}");
        }
    }
}

#[actix_web::test]
async fn s39_every_route_by_every_caller() {
    let cast = Cast::new().await;
    let mut text = String::new();
    let mut recipes_used = 0;
    for route in ROUTES {
        let found = recipe(route.method, route.path).unwrap_or_else(|| panic!("{} {} has no recipe: add one", route.method, route.path));
        recipes_used += 1;
        let _ = writeln!(text, "{} {}  ({:?})", route.method, route.path, route.admits);
        for who in Who::ALL {
            let targets: &[Target] = match found.device {
                true if route.path.starts_with("/reveals/") => &Target::GRANTS,
                true => &Target::DEVICES,
                false => &[Target::Own],
            };
            let mut cells = Vec::new();
            for target in targets {
                let status = cast.ask(who, route, &found, *target).await;
                cells.push(if found.device { format!("{}: {status}", target.name()) } else { status.to_string() });
            }
            let _ = writeln!(text, "    {:22} {}", who.name(), cells.join("  "));
        }
    }
    assert_eq!(recipes_used, ROUTES.len());
    insta::assert_snapshot!("routes", text);
}
