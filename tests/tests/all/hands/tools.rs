//! Other tools: webhooks and chats by their incoming webhooks, against doubles that misbehave.

use chrono::Duration;
use serde_json::Value;
use vigie_delivery::worker;
use vigie_domain::delivery::DeliveryState;
use vigie_domain::subscription::Role;
use vigie_service::Clock;
use vigie_service::hooks::{self, Added};
use vigie_store::tokens::Scope;
use vigie_tests::hooks::{Does, Tools};
use vigie_tests::push::{Browser, sender};
use vigie_tests::shared::skip;

use super::*;

/// Only the address that the doubles listen on may be reached, and no answer takes long.
const HOUSE: &str = "[fetch]\nallow_private = [\"127.0.0.1/32\"]\ntimeout_s = 1\n";

/// Somebody with a subscription, and what leaves for them.
struct Bench {
    pages: Pages,
    tools: Tools,
}

impl Bench {
    async fn new() -> Self {
        let pages = Pages::start(now(), HOUSE).await.unwrap();
        pages.person("ana", "Ana", Role::Structure, Some(SIRET)).await.unwrap();
        pages.subscription("ana", &north()).await.unwrap();
        Self { pages, tools: Tools::start().await.unwrap() }
    }

    async fn drain(&self, after: Duration) {
        self.pages.app.service.clock.set(now() + after);
        worker::drain(&self.pages.app.delivery).await.unwrap();
    }

    /// Adds a tool and agrees by the link that it was sent.
    async fn tool(&self, channel: Channel, path: &str) -> String {
        let service = &self.pages.app.service;
        let ana = service.store.subscriber("ana").await.unwrap().unwrap();
        let url = format!("{}{path}", self.tools.base);
        assert_eq!(hooks::add(service, &ana, channel, &url).await.unwrap(), Added::Asked);
        self.drain(Duration::zero()).await;
        let asked = self.tools.at(path).pop().unwrap().body;
        if channel == Channel::Webhook {
            // A program finds what it may open without reading the text.
            let event: Value = serde_json::from_str(&asked).unwrap();
            let first = event["data"]["links"][0]["url"].as_str().unwrap();
            assert!(first.contains("/confirmer/"), "{asked}");
        }
        let link = asked.split(&format!("{}/confirmer/", self.pages.base)).nth(1).unwrap().to_owned();
        let token: String = link.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c)).collect();
        let visitor = self.pages.stranger().unwrap();
        let path_of = format!("/confirmer/{token}");
        assert_eq!(visitor.get(&path_of).await.unwrap().status, 200);
        assert_eq!(visitor.post(&path_of, &[]).await.unwrap().status, 200);
        let tool = hooks::of(service, "ana").await.unwrap().into_iter().find(|a| a.value == url).unwrap();
        assert_eq!(tool.state, AddressState::Active);
        tool.id
    }

    async fn states(&self) -> Vec<DeliveryState> {
        let all = self.pages.app.service.store.deliveries(None, 50).await.unwrap();
        // Mail has no server here: what is looked at is what goes elsewhere.
        all.into_iter().filter(|d| d.channel.is_hook() && d.cause.alert().is_some()).map(|d| d.state).collect()
    }
}

/// What the reference implementation says of an event, of one with a byte changed, and of one that is replayed an hour later.
const REFERENCE: &str = r#"
import json, sys
from datetime import datetime, timezone
import standardwebhooks.webhooks as reference
kept = json.load(sys.stdin)
def says(body, hours):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(int(kept["at"]) + 3600 * hours, tz=tz or timezone.utc)
    reference.datetime = Clock
    headers = {"webhook-id": kept["id"], "webhook-timestamp": kept["at"], "webhook-signature": kept["signature"]}
    try:
        reference.Webhook(kept["key"]).verify(body, headers)
        return "holds"
    except reference.WebhookVerificationError:
        return "does not"
print(says(kept["body"], 0), "|", says(kept["body"].replace("Nettoyage", "nettoyage", 1), 0), "|", says(kept["body"], 1))
"#;

/// PyPI `standardwebhooks` checks an event as a program of somebody would, where a Python has it.
fn reference_agrees(event: &Value) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let none = "no Python has the module standardwebhooks (scripts/test-setup installs it)";
    let Some(python) = vigie_tests::servers::python() else { return skip(none) };
    let has = Command::new(python).args(["-c", "import standardwebhooks"]).stderr(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        return skip(none);
    }
    let mut child =
        Command::new(python).args(["-c", REFERENCE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(event.to_string().as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "holds | does not | does not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_gets_nothing_before_its_reader_agrees_and_then_alerts_with_links_that_ask_once_more() {
    let bench = Bench::new().await;
    let service = &bench.pages.app.service;
    let ana = bench.pages.signed_in("ana").await.unwrap();
    let url = format!("{}/services/T1/B1/secret", bench.tools.base);
    let added = ana.post_form("/reglages/outils", &[("outil", "slack"), ("adresse", &url)]).await.unwrap();
    assert_eq!(added.location.as_deref(), Some("/reglages/outils?fait=demande"), "{}", added.body);
    bench.pages.take(&call("26-1", "Nettoyage <!channel> @here")).await.unwrap();
    bench.drain(Duration::zero()).await;
    assert_eq!(bench.tools.taken().len(), 1, "the question alone");
    let page = ana.get("/reglages/outils").await.unwrap().body;
    assert!(page.contains("à confirmer") && !page.contains("secret"), "its server alone is shown: {page}");
    // What can never arrive is refused, and what does not arrive is said.
    let post = async |url: &str| ana.post_form("/reglages/outils", &[("outil", "webhook"), ("adresse", url)]).await;
    for private in ["http://169.254.169.254/latest", "https://[::1]/x", "https://10.0.0.7/x", "https://2130706434/x"] {
        let refused = post(private).await.unwrap();
        assert!(refused.status == 422 && refused.body.contains("réseau privé"), "{private}: {}", refused.body);
    }
    let gone = post("http://127.0.0.1:1/ferme").await.unwrap();
    assert_eq!(gone.location.as_deref(), Some("/reglages/outils?fait=demande"), "{}", gone.body);
    bench.drain(Duration::zero()).await;
    let page = ana.get("/reglages/outils").await.unwrap().body;
    assert!(page.contains("n’y arrive pas encore"), "{page}");
    let gone = hooks::of(service, "ana").await.unwrap().into_iter().find(|a| a.value.contains("ferme")).unwrap();
    assert!(hooks::remove(service, "ana", &gone.id).await.unwrap());
    bench.tool(Channel::Mattermost, "/hooks/mm").await;
    bench.tool(Channel::RocketChat, "/hooks/rc").await;
    bench.tool(Channel::Teams, "/workflows/t").await;
    let program = bench.tool(Channel::Webhook, "/events").await;
    let procedure = bench.pages.take(&call("26-2", "Nettoyage @here")).await.unwrap();
    bench.drain(Duration::seconds(5)).await;
    for (path, marks) in
        [("/hooks/mm", "**"), ("/hooks/rc", "*"), ("/workflows/t", "AdaptiveCard"), ("/events", "alert.new")]
    {
        let last = bench.tools.at(path).pop().unwrap().body;
        assert!(
            last.contains(marks) && last.contains("Nettoyage") && (path == "/events" || !last.contains("@here")),
            "{path}: {last}"
        );
        assert!(
            last.contains("/repondre/") && last.contains("mot=oui") && last.contains("/desabonner/"),
            "{path}: {last}"
        );
    }
    assert_eq!(bench.tools.at("/services/T1/B1/secret").len(), 1, "nobody agreed there");

    // The program's event says which market; its signature is by the key that the page shows.
    let event = bench.tools.at("/events").pop().unwrap();
    let told: Value = serde_json::from_str(&event.body).unwrap();
    assert_eq!(told["data"]["alerts"][0]["procedure"], procedure.as_str(), "{told}");
    let page = ana.get("/reglages/outils").await.unwrap().body;
    let shown = between(&page[page.find("whsec_").unwrap() - 10..], "value=\"", "\"");
    let value = service.store.address(&program).await.unwrap().unwrap().value;
    let key = service.webhook_key("ana", &value).unwrap();
    assert_eq!(shown, vigie_notifier::channels::hooks::signature::key_in_words(&key));
    let [id, at, signature] = &event.signed;
    let again = vigie_notifier::channels::hooks::signature::sign(&key, id, at.parse().unwrap(), event.body.as_bytes());
    assert_eq!(again.as_ref(), Some(signature));
    assert_ne!(service.webhook_key("another", &value).unwrap(), key, "another person's key is another");
    let kept = serde_json::json!({ "key": shown, "id": id, "at": at, "signature": signature, "body": event.body });
    reference_agrees(&kept);

    // A link of the message shows a page, and only its button decides.
    let text = bench.tools.at("/hooks/mm").pop().unwrap().body;
    let link = format!("/repondre/{}", between(&text, "/repondre/", "?mot=oui"));
    let visitor = bench.pages.stranger().unwrap();
    assert_eq!(visitor.get(&format!("{link}?mot=oui")).await.unwrap().status, 200);
    assert!(service.store.decisions_on(SIRET, &procedure).await.unwrap().is_empty());
    visitor.post(&link, &[("mot", "oui")]).await.unwrap();
    assert_eq!(service.store.decisions_on(SIRET, &procedure).await.unwrap().len(), 1);
    assert_eq!(ana.post_form(&format!("/reglages/outils/{program}/retirer"), &[]).await.unwrap().status, 303);
    bench.pages.take(&call("26-3", "Blanchisserie")).await.unwrap();
    let before = bench.tools.at("/events").len();
    bench.drain(Duration::seconds(10)).await;
    assert_eq!(bench.tools.at("/events").len(), before, "nothing goes where it was taken away");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_times_out_fails_or_leads_elsewhere_loses_nothing_and_reaches_no_private_network() {
    let bench = Bench::new().await;
    bench.tool(Channel::Webhook, "/events").await;
    let elsewhere = Tools::start().await.unwrap();
    let private = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    private.set_nonblocking(true).unwrap();
    let first = bench.tools.at("/events").len();
    for (n, does) in [
        Does::Says(500, "panne"),
        Does::Hangs,
        Does::Redirects(format!("{}/ailleurs", elsewhere.base)),
        Does::Redirects(format!("http://{}/dedans", private.local_addr().unwrap())),
        Does::Says(429, "doucement"),
        Does::Says(404, "absent"),
    ]
    .into_iter()
    .enumerate()
    {
        bench.tools.does("/events", does.clone());
        bench.pages.take(&call(&format!("26-{n}"), "Nettoyage")).await.unwrap();
        bench.drain(Duration::hours(n as i64 * 5)).await;
        let waits = bench.states().await.into_iter().filter(|s| *s != DeliveryState::Sent).count();
        assert_eq!(waits, 1, "{does:?}: it waits for another try");
        bench.tools.does("/events", Does::Says(204, ""));
        bench.drain(Duration::hours(n as i64 * 5 + 4)).await;
        assert!(bench.states().await.iter().all(|s| *s == DeliveryState::Sent), "{does:?}: {:?}", bench.states().await);
    }
    assert!(elsewhere.taken().is_empty() && private.accept().is_err(), "nobody is led anywhere");
    // Each message under one identifier, however often it was tried.
    let taken = bench.tools.at("/events")[first..].to_vec();
    let ids: std::collections::BTreeSet<&str> = taken.iter().map(|t| t.signed[0].as_str()).collect();
    assert_eq!(ids.len(), 6, "lost 0");
    assert!(taken.len() > ids.len(), "what was tried again is the same message");
    // What is gone for good is put out of use, and its owner can add it again.
    bench.tools.does("/events", Does::Says(410, ""));
    bench.pages.take(&call("26-9", "Nettoyage")).await.unwrap();
    bench.drain(Duration::hours(35)).await;
    let tools = hooks::of(&bench.pages.app.service, "ana").await.unwrap();
    assert_eq!(tools[0].state, AddressState::Suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_a_private_network_is_never_connected_to() {
    let bench = Bench::new().await;
    let service = &bench.pages.app.service;
    let private = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    private.set_nonblocking(true).unwrap();
    let port = private.local_addr().unwrap().port();
    let ana = service.store.subscriber("ana").await.unwrap().unwrap();
    for url in [
        format!("http://127.0.0.2:{port}/x"),
        format!("http://[::ffff:127.0.0.2]:{port}/x"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://10.0.0.1/hooks".to_owned(),
    ] {
        let added = hooks::add(service, &ana, Channel::Webhook, &url).await.unwrap();
        assert!(matches!(&added, Added::Refused(why) if why.contains("réseau privé")), "{url}: {added:?}");
    }
    bench.drain(Duration::zero()).await;
    assert!(private.accept().is_err(), "no connection");
    for bad in ["", "pas une adresse", "ftp://a.example/x", "https://nom:secret@a.example/x", "file:///etc/passwd"] {
        assert!(matches!(hooks::add(service, &ana, Channel::Webhook, bad).await.unwrap(), Added::Refused(_)), "{bad}");
    }
    let more = format!("{}/encore", bench.tools.base);
    for n in 1..=hooks::MAX {
        assert_eq!(hooks::add(service, &ana, Channel::Slack, &format!("{more}/{n}")).await.unwrap(), Added::Asked);
    }
    let sixth = hooks::add(service, &ana, Channel::Slack, &format!("{more}/six")).await.unwrap();
    assert!(matches!(sixth, Added::Refused(_)), "{sixth:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_keeps_its_cursor_misses_nothing_and_gets_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
    let at = |minutes| Clock::fixed(now() + Duration::minutes(minutes));
    let pages = Pages::start_on(tempfile::tempdir().unwrap(), &url, at(0), "").await.unwrap();
    pages.person("ana", "Ana", Role::Structure, Some(SIRET)).await.unwrap();
    pages.person("rival", "Rival", Role::Structure, Some("44444444400014")).await.unwrap();
    pages.subscription("ana", &north()).await.unwrap();
    pages.subscription("rival", &Filter::default()).await.unwrap();
    for n in 0..5 {
        pages.app.service.clock.set(now() + Duration::seconds(n / 2));
        pages.take(&call(&format!("26-{n}"), "Nettoyage")).await.unwrap();
    }
    let program = pages.program("ana", &[Scope::Alerts]).await.unwrap();
    let read = async |cursor: &str| -> Value {
        let answer = program.get(&format!("/api/v1/changes?limit=2&cursor={cursor}")).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    };
    assert!(read("").await["changes"].as_array().unwrap().is_empty(), "what was written just now waits");
    pages.app.service.clock.set(now() + Duration::minutes(1));
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = read(&cursor).await;
        cursor = page["next"].as_str().unwrap().to_owned();
        seen.extend(
            page["changes"].as_array().unwrap().iter().map(|c| c["alert"]["procedure"].as_str().unwrap().to_owned()),
        );
        if page["more"] == false {
            break;
        }
    }
    let each: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), each.len()), (5, 5));
    assert!(read(&cursor).await["changes"].as_array().unwrap().is_empty());
    assert_eq!(read(&cursor).await["next"], cursor.as_str());
    let odd = program.get("/api/v1/changes?cursor=../x").await.unwrap();
    assert_eq!(odd.status, 422);
    let other = pages.program("ana", &[Scope::Procedures]).await.unwrap();
    assert_eq!(other.get("/api/v1/changes").await.unwrap().status, 403);
}

/// A browser is a channel like the others: what it is sent only it reads, a server in trouble is tried again under the same topic, and one
/// that is gone ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_reads_its_notifications_and_one_that_is_gone_gets_no_more() {
    let bench = Bench::new().await;
    let service = &bench.pages.app.service;
    let ana = bench.pages.signed_in("ana").await.unwrap();
    let page = ana.get("/reglages/navigateur").await.unwrap();
    let policy = |headers: &str| headers.contains("script-src 'self'");
    assert!(page.status == 200 && policy(&page.headers), "{}", page.headers);
    assert_eq!(page.body.matches("<script").count(), 1, "ours alone");
    assert!(!policy(&ana.get("/reglages").await.unwrap().headers), "no other page has one");
    for path in ["/navigateur.js", "/notifications.js"] {
        let script = bench.pages.stranger().unwrap().get(path).await.unwrap();
        assert!(script.status == 200 && !script.body.contains("://"), "nothing is asked of anybody else");
    }
    let key = between(&page.body, "data-cle=\"", "\"");
    let browser = Browser::new([7; 16]).unwrap();
    let (p256dh, auth) = browser.keys();
    let endpoint = format!("{}/push/abc", bench.tools.base);
    for wrong in [
        [("adresse", endpoint.as_str()), ("cle", "x"), ("secret", "y")],
        [("adresse", "rien"), ("cle", &p256dh), ("secret", &auth)],
    ] {
        assert_eq!(ana.post_form("/reglages/navigateur", &wrong).await.unwrap().status, 422, "{wrong:?}");
    }
    let given = [("adresse", endpoint.as_str()), ("cle", p256dh.as_str()), ("secret", auth.as_str())];
    assert_eq!(ana.post_form("/reglages/navigateur", &given).await.unwrap().status, 303);
    let listed = ana.get("/reglages/outils").await.unwrap().body;
    assert!(listed.contains("Navigateur") && !listed.contains("push/abc"), "its server alone is shown: {listed}");
    bench.tools.does("/push/abc", Does::Says(503, "plus tard"));
    let procedure = bench.pages.take(&call("26-1", "Nettoyage des écoles")).await.unwrap();
    bench.drain(Duration::zero()).await;
    bench.tools.does("/push/abc", Does::Says(201, ""));
    bench.drain(Duration::hours(1)).await;
    let taken = bench.tools.at("/push/abc");
    assert_eq!(taken.len(), 2, "once more after trouble");
    let header = |n: usize, name: &str| taken[n].headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header(0, "topic"), header(1, "topic"), "the second takes the place of the first");
    assert_eq!(header(1, "ttl"), "86400");
    let shown = browser.reads(&taken[1]).unwrap();
    assert!(shown["title"].as_str().unwrap().contains("Nettoyage des écoles"), "{shown}");
    assert!(shown["url"].as_str().unwrap().starts_with(&bench.pages.base), "{shown}");
    assert!(Browser::new([7; 16]).unwrap().reads(&taken[1]).is_err(), "another browser reads nothing");
    let claims = sender(&taken[1], &key).unwrap();
    assert_eq!(claims["aud"], bench.tools.base);
    assert!(claims["sub"].as_str().unwrap().contains("camille@vigie.example"), "{claims}");
    assert!(!String::from_utf8_lossy(&taken[1].bytes).contains("Nettoyage"), "nobody on the way reads it");
    // Gone: the address ends, the person is told elsewhere, and nothing goes there any more.
    bench.tools.does("/push/abc", Does::Says(410, ""));
    bench.pages.take(&call("26-2", "Nettoyage des crèches")).await.unwrap();
    bench.drain(Duration::hours(2)).await;
    let address = hooks::of(service, "ana").await.unwrap().remove(0);
    assert_eq!(address.state, AddressState::Suspended);
    bench.pages.take(&call("26-3", "Nettoyage des gymnases")).await.unwrap();
    bench.drain(Duration::hours(3)).await;
    assert_eq!(bench.tools.at("/push/abc").len(), 3);
    // It is added again by the same button, and taken away by another.
    assert_eq!(ana.post_form("/reglages/navigateur", &given).await.unwrap().status, 303);
    bench.tools.does("/push/abc", Does::Says(201, ""));
    bench.pages.take(&call("26-4", "Nettoyage des stades")).await.unwrap();
    bench.drain(Duration::hours(4)).await;
    assert_eq!(bench.tools.at("/push/abc").len(), 4);
    let away = format!("/reglages/outils/{}/retirer", address.id);
    assert_eq!(ana.post_form(&away, &[]).await.unwrap().status, 303);
    assert!(!procedure.is_empty());
}
