//! Matrix against a real homeserver (Synapse), with a second person on a device of their own: the channel alone, then the
//! real binary beside the double of the Bot API.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use matrix_sdk::config::SyncSettings;
use matrix_sdk::deserialized_responses::TimelineEventKind;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::room::create_room::v3::Request as CreateRoom;
use matrix_sdk::ruma::events::{EmptyStateKey, InitialStateEvent, room::encryption::RoomEncryptionEventContent};
use matrix_sdk::{Client, Room};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vigie_bot::roles::matrix_listener::{Listener, listen};
use vigie_config::settings;
use vigie_delivery::Engine;
use vigie_delivery::channels::matrix::opened;
use vigie_domain::delivery::Outcome;
use vigie_matrix::{EventKind, Matrix};
use vigie_notifier::channels::Envelope;
use vigie_notifier::chat::Rich;
use vigie_notifier::message::{Body, Message};
use vigie_tests::homeserver::Synapse;
use vigie_tests::replay::Replay;
use vigie_tests::servers::vigie;
use vigie_tests::telegram::{Double, TOKEN};

use crate::road::national;
use crate::telegram::{Service, until};

/// Longest wait for anything in these tests.
const PATIENCE: Duration = Duration::from_secs(120);
const TITLE: &str = "Nettoyage des écoles maternelles zyzomys";
const USERS: [&str; 2] = ["vigie", "claire"];
const VIGIE: &str = "@vigie:localhost";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The account, as a settings file has it; its secrets stand in the folder.
fn account(server: &Synapse, dir: &Path, allowed: &str) -> String {
    let file = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name).display().to_string()
    };
    format!(
        "homeserver = '{}'\nuser = '{VIGIE}'\npassword = {{ file = '{}' }}\nstore = '{}'\nstore_key = {{ file = '{}' }}\nallowed_servers = [{allowed}]\n",
        server.url,
        file("password", Synapse::PASSWORD),
        dir.join("matrix").display(),
        file("key", KEY)
    )
}

async fn channel(server: &Synapse, dir: &Path) -> Matrix {
    let block: settings::Matrix = toml::from_str(&account(server, dir, "'localhost'")).unwrap();
    Matrix::open(&block, &SecretString::from(Synapse::PASSWORD), &SecretString::from(KEY)).await.unwrap()
}

/// A second person, on a device of her own.
pub(crate) struct Claire {
    client: Client,
    url: String,
}

/// A message as she reads it.
pub(crate) struct Read {
    pub(crate) event: String,
    pub(crate) body: String,
    relation: Value,
    pub(crate) encrypted: bool,
}

impl Claire {
    async fn sign_in(server: &Synapse) -> Self {
        let client = Client::builder().homeserver_url(&server.url).build().await.unwrap();
        client.matrix_auth().login_username(USERS[1], Synapse::PASSWORD).send().await.unwrap();
        client.sync_once(sync()).await.unwrap();
        Self { client, url: server.url.clone() }
    }

    async fn room(&self, invites: bool, encrypted: bool) -> Room {
        let mut request = CreateRoom::new();
        if invites {
            request.invite = vec![UserId::parse(VIGIE).unwrap()];
        }
        if encrypted {
            let on = RoomEncryptionEventContent::with_recommended_defaults();
            request.initial_state = vec![InitialStateEvent::new(EmptyStateKey, on).to_raw_any()];
        }
        self.client.create_room(request).await.unwrap()
    }

    /// The next message she reads that holds these words.
    pub(crate) async fn reads(&self, words: &str) -> Read {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "« {words} » never arrived");
            for update in self.client.sync_once(sync()).await.unwrap().rooms.joined.into_values() {
                for event in update.timeline.events {
                    let encrypted = matches!(event.kind, TimelineEventKind::Decrypted(_));
                    let value: Value = serde_json::from_str(event.raw().json().get()).unwrap();
                    let body = value["content"]["body"].as_str().unwrap_or_default().to_owned();
                    if body.contains(words) {
                        let event = value["event_id"].as_str().unwrap().to_owned();
                        return Read { event, body, relation: value["content"]["m.relates_to"].clone(), encrypted };
                    }
                }
            }
        }
    }

    async fn says(&self, room: &Room, text: &str, under: Option<&str>) {
        let mut content = json!({ "msgtype": "m.text", "body": text });
        if let Some(event) = under {
            content["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": event });
        }
        room.send_raw("m.room.message", content).await.unwrap();
    }

    async fn reacts(&self, room: &Room, event: &str, emoji: &str) {
        let content = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": emoji } });
        room.send_raw("m.reaction", content).await.unwrap();
    }

    /// A call of the client-server API, for what the library has no words for.
    async fn calls(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/_matrix/client/v3/rooms/{path}", self.url);
        let token = self.client.access_token().unwrap();
        let request = reqwest::Client::new().request(method, url).bearer_auth(token).json(body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Invites Vigie with these words, and waits for what it does: `join` or `leave`.
    async fn invites(&self, room: &Room, reason: &str) -> String {
        let id = room.room_id();
        self.calls(reqwest::Method::POST, &format!("{id}/invite"), &json!({ "user_id": VIGIE, "reason": reason }))
            .await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "the invite is not answered");
            let path = format!("{id}/state/m.room.member/{VIGIE}");
            let state = self.calls(reqwest::Method::GET, &path, &Value::Null).await;
            match state["membership"].as_str() {
                Some("invite") | None => tokio::time::sleep(Duration::from_millis(50)).await,
                Some(done) => return done.to_owned(),
            }
        }
    }
}

/// A homeserver with an encrypted room that Vigie, in this process, is asked into.
pub(crate) struct Salon {
    server: Synapse,
    pub(crate) claire: Claire,
    pub(crate) room: Room,
    _dir: tempfile::TempDir,
    /// What the settings say of the account.
    pub(crate) settings: String,
    listening: Option<JoinHandle<()>>,
}

impl Drop for Salon {
    fn drop(&mut self) {
        if let Some(task) = &self.listening {
            task.abort();
        }
    }
}

impl Salon {
    /// `None` where no homeserver is at hand.
    pub(crate) async fn open() -> Option<Self> {
        let server = Synapse::start(&USERS)?;
        let dir = tempfile::tempdir().unwrap();
        let settings = format!("[matrix]\n{}", account(&server, dir.path(), "'localhost'"));
        let claire = Claire::sign_in(&server).await;
        let room = claire.room(true, true).await;
        Some(Self { server, claire, room, _dir: dir, settings, listening: None })
    }

    pub(crate) fn id(&self) -> String {
        self.room.room_id().to_string()
    }

    /// Vigie enters and listens.
    pub(crate) async fn entered(&mut self, engine: &Arc<Engine>) {
        assert!(opened(engine).await);
        let listener = Listener::new(Arc::clone(engine));
        self.listening = Some(tokio::spawn(async move { while listen(&listener).await.is_ok() {} }));
        self.claire.reads("ici Vigie").await;
    }

    /// What she says in the room, under a message or not, and the next that she reads with these words.
    pub(crate) async fn asks(&self, text: &str, under: Option<&str>, words: &str) -> Read {
        self.claire.says(&self.room, text, under).await;
        let read = self.claire.reads(words).await;
        assert!(read.encrypted, "{}", read.body);
        read
    }

    /// The homeserver read nothing of it all.
    pub(crate) fn stays_shut(&self, said: &[&str]) {
        let kept = self.server.kept();
        assert!(holds(&kept, "m.room.encrypted"));
        for said in said {
            assert!(!holds(&kept, said), "the server can read « {said} »");
        }
    }
}

fn sync() -> SyncSettings {
    SyncSettings::default().timeout(Duration::from_secs(2))
}

/// What happens in Vigie's rooms until `wanted` does.
async fn happens(matrix: &Matrix, wanted: impl Fn(&EventKind) -> bool) -> EventKind {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "it never happened");
        if let Some(event) = matrix.next().await.unwrap().into_iter().find(|e| wanted(&e.kind)) {
            return event.kind;
        }
    }
}

async fn send(matrix: &Matrix, room: &Room, key: &str, thread: &[String], text: &str) -> Outcome {
    let message = Message {
        subject: TITLE.to_owned(),
        body: Body::Chat(Rich::plain(format!("{TITLE}\n{text}"))),
        unsubscribe: None,
        files: Vec::new(),
    };
    let to = room.room_id().as_str();
    matrix.send(&Envelope { to, key, thread, resend: false, message: &message, buttons: &[] }).await
}

fn holds(kept: &[u8], text: &str) -> bool {
    kept.windows(text.len()).any(|w| w == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_room_is_read_answered_and_survives_a_restart() {
    let Some(server) = Synapse::start(&USERS) else { return };
    let dir = tempfile::tempdir().unwrap();
    let claire = Claire::sign_in(&server).await;
    let vigie = channel(&server, dir.path()).await;
    let salon = claire.room(true, true).await;
    happens(&vigie, |w| *w == EventKind::Joined).await;

    let sent = send(&vigie, &salon, "livraison-1", &[], "Date limite\u{a0}: 12 janvier 2027").await;
    let Outcome::Accepted(event) = sent else { panic!("{sent:?}") };
    let again = send(&vigie, &salon, "livraison-1", &[], "Date limite\u{a0}: 12 janvier 2027").await;
    assert_eq!(again, Outcome::Accepted(event.clone()), "sent twice, arrived once");
    let read = claire.reads(TITLE).await;
    assert!(read.event == event && read.encrypted);

    claire.reacts(&salon, &event, "👍").await;
    let seen = happens(&vigie, |w| matches!(w, EventKind::Reaction { .. })).await;
    assert_eq!(seen, EventKind::Reaction { emoji: "👍".to_owned(), event: event.clone() });
    assert_eq!(vigie.delivery_of(&event).await.as_deref(), Some("livraison-1"));

    drop(vigie);
    let vigie = channel(&server, dir.path()).await;
    claire.says(&salon, "/aide", None).await;
    happens(&vigie, |w| matches!(w, EventKind::Text { text, .. } if text == "/aide")).await;
    let thread = ["livraison-1".to_owned()];
    let sent = send(&vigie, &salon, "livraison-2", &thread, "La date limite est reportée").await;
    assert!(matches!(sent, Outcome::Accepted(_)), "{sent:?}");
    let Read { relation, encrypted, .. } = claire.reads("reportée").await;
    assert!(encrypted && relation["rel_type"] == "m.thread" && relation["event_id"] == event.as_str(), "{relation}");

    let account = UserId::parse(VIGIE).unwrap();
    claire.client.encryption().request_user_identity(&account).await.unwrap();
    let devices: Vec<_> = claire.client.encryption().get_user_devices(&account).await.unwrap().devices().collect();
    assert!(devices.len() == 1 && devices[0].is_cross_signed_by_owner(), "one device, verified, across the restart");

    let clear = claire.room(true, false).await;
    happens(&vigie, |w| *w == EventKind::Joined).await;
    let refused = send(&vigie, &clear, "livraison-3", &[], "en clair").await;
    assert!(matches!(refused, Outcome::Permanent(_)), "{refused:?}");

    let kept = server.kept();
    assert!(holds(&kept, "m.room.encrypted") && !holds(&kept, "zyzomys") && !holds(&kept, "reportée"));
}

/// The real binary on a database of its own.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(settings: &str, server: &Synapse, allowed: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let account = account(server, dir.path(), allowed);
        let store = dir.path().join("v.sqlite");
        let text = format!(
            "[store]\nurl = \"sqlite:{}\"\n[operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n[matrix]\n{account}{settings}",
            store.display()
        );
        std::fs::write(dir.path().join("vigie.toml"), text).unwrap();
        Self { dir }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(vigie());
        command.args(args).arg("-c").arg(self.dir.path().join("vigie.toml"));
        command.env("VIGIE_TEST_TOKEN", TOKEN).env_remove("VIGIE_CONFIG").env_remove("VIGIE_NOW");
        command
    }

    fn once(&self, args: &[&str]) -> String {
        let out = self.command(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn service(&self) -> Service {
        let mut command = self.command(&["run", "--role", "deliver"]);
        Service(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_from_elsewhere_is_taken_with_a_code_and_declined_without() {
    let Some(server) = Synapse::start(&USERS) else { return };
    let bench = Bench::new("", &server, "'ailleurs.example'");
    let said = bench.once(&["invite", "--role", "structure", "--name", "Claire"]);
    let dashes = |w: &&str| w.len() == 14 && w.matches('-').count() == 2;
    let code = said.split_whitespace().find(dashes).unwrap_or_else(|| panic!("no code in {said}"));
    let _service = bench.service();
    let claire = Claire::sign_in(&server).await;
    let salon = claire.room(false, true).await;
    for reason in ["", "bonjour, c’est Claire", "AAAA-BBBB-CCCC"] {
        assert_eq!(claire.invites(&salon, reason).await, "leave", "« {reason} »");
    }
    assert_eq!(claire.invites(&salon, &format!("Voici mon code : {code}.")).await, "join");
    let welcome = claire.reads("Bienvenue").await;
    assert!(welcome.encrypted && welcome.body.contains("/abonner"), "{}", welcome.body);
    claire.says(&salon, "/abonner", None).await;
    assert!(claire.reads("SIRET").await.body.contains("À la main"));
    let other = claire.room(false, true).await;
    assert_eq!(claire.invites(&other, code).await, "leave", "a code serves once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_on_telegram_shows_on_matrix_and_the_reverse_and_to_nobody_else() {
    const ADA: i64 = 501;
    const RIVAL: i64 = 503;
    const OPERATOR: i64 = 700;
    let Some(server) = Synapse::start(&USERS) else { return };
    let claire = Claire::sign_in(&server).await;
    let salon = claire.room(true, true).await;
    let double = Double::start().await.unwrap();
    double.person(ADA, "Ada");
    double.person(RIVAL, "Chloé");
    double.person(OPERATOR, "Exploitante");
    let day = |days: i64| (Utc::now() + chrono::Duration::days(days)).format("%Y-%m-%d").to_string();
    let clause = "Marché réservé aux entreprises adaptées et aux ESAT (article L. 2113-12).";
    let record = national("26-100", &day(-1), TITLE, clause, &format!("{}T12:00:00", day(40)));
    let (api, _) = Replay::new(vec![record]).serve().await.unwrap();
    let person = |name: &str, siret: &str, addresses: &str| {
        format!(
            "[[subscriber]]\nname = \"{name}\"\nsiret = \"{siret}\"\n{addresses}\n[[subscriber.subscription]]\ncadence = \"instant\"\n[subscriber.subscription.filter]\ndepartments = [\"59\"]\n"
        )
    };
    let operator = format!("[[subscriber]]\nname = \"Exploitante\"\nrole = \"operator\"\ntelegram = {OPERATOR}\n");
    let settings = format!(
        "account_until = \"{}\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\nhost_gap_ms = 0\n[telegram]\ntoken = {{ env = \"VIGIE_TEST_TOKEN\" }}\napi_url = \"{}\"\n\
         [[source]]\nid = \"boamp\"\nkind = \"boamp\"\nurl = \"{api}\"\nbaseline = \"deliver\"\nlookback_days = 4000\n{}{}{}",
        day(5),
        double.url,
        person("Ada", "33333333300017", &format!("telegram = {ADA}\nmatrix = \"{}\"", salon.room_id())),
        person("Chloé", "44444444400017", &format!("telegram = {RIVAL}")),
        operator,
    );
    let bench = Bench::new(&settings, &server, "'localhost'");
    let service = bench.service();
    claire.reads("ici Vigie").await;
    bench.once(&["run", "--once", "--force-poll", "--role", "watch"]);
    let alert = claire.reads("zyzomys").await;
    assert!(alert.encrypted && alert.body.contains("On y va"), "{}", alert.body);
    until("both Telegram chats are told", || double.messages(ADA).len() == 1 && double.messages(RIVAL).len() == 1)
        .await;
    let message = double.messages(ADA)[0].id;
    until("the operator hears that the account ends", || {
        double.messages(OPERATOR).iter().any(|m| m.text.contains("Le compte Matrix de Vigie prend fin bientôt"))
    })
    .await;

    // Decided on Telegram, shown on Matrix.
    double.press(ADA, ADA, message, "👍");
    let began = Instant::now();
    let shown = claire.reads("Ada s’en occupe").await;
    eprintln!("from Telegram to Matrix: {:?}", began.elapsed());
    assert!(shown.encrypted && shown.relation["event_id"] == alert.event.as_str(), "{:?}", shown.relation);
    until("and in the chat itself", || double.shown(ADA, message).is_some_and(|m| m.text.contains("Ada s’en occupe")))
        .await;

    // Decided on Matrix, shown on Telegram.
    claire.reacts(&salon, &alert.event, "👎").await;
    let began = Instant::now();
    until("it shows on Telegram", || double.shown(ADA, message).is_some_and(|m| m.text.contains("Écarté par claire")))
        .await;
    eprintln!("from Matrix to Telegram: {:?}", began.elapsed());

    // A message that Vigie cannot decrypt is said to be so, and the next one is heard.
    let lost = json!({ "algorithm": "m.megolm.v1.aes-sha2", "sender_key": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA",
        "session_id": "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ", "device_id": "RJYKSTBOIE",
        "ciphertext": "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVchHyprqTqsg2yyOwAtHaZTwyNg37afzg8f3r9IsN9rH4RNFg7MaZencUJe4qvELiDiopUjy5wYVDAtqdBzer5bWRD9ldxp1FLgbQvBcjkkywYjCsmsq6+hArLd9oAQZnGKn/qLsK+5uNX3PaWzDRC9wZPQvWYYPCTov3jCwXKTPsLKIiTrcCXDqMvnn8m+T3zF/I2zqxg158tnUwWWIw51UO" });
    claire.calls(reqwest::Method::PUT, &format!("{}/send/m.room.encrypted/perdu", salon.room_id()), &lost).await;
    assert!(claire.reads("pas pu déchiffrer").await.encrypted);
    claire.says(&salon, "/aide", None).await;
    claire.reads("Ce que je sais faire").await;

    // Killed; what is said meanwhile is decrypted by the next process.
    drop(service);
    claire.says(&salon, "oui", Some(&alert.event)).await;
    let _next = bench.service();
    until("what was said meanwhile counts", || {
        double.shown(ADA, message).is_some_and(|m| m.text.contains("claire s’en occupe"))
    })
    .await;

    let rival = double.messages(RIVAL);
    assert!(rival.len() == 1 && rival[0].edits == 0, "another structure sees nothing of it: {rival:?}");
    let kept = server.kept();
    assert!(holds(&kept, "m.room.encrypted"));
    for said in ["zyzomys", "s’en occupe", "pas pu déchiffrer", "je sais faire"] {
        assert!(!holds(&kept, said), "the server can read « {said} »");
    }
}

/// A20: an upgraded room goes on, before Vigie is asked into the new one and while Vigie is away; a room that only claims to be
/// the next of another is not followed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_an_upgraded_room_goes_on_in_the_new_one_and_in_no_other() {
    let Some(server) = Synapse::start(&USERS) else { return };
    let claire = Claire::sign_in(&server).await;
    let salon = claire.room(true, true).await;
    let day = |days: i64| (Utc::now() + chrono::Duration::days(days)).format("%Y-%m-%d").to_string();
    let call = |id: &str, title: &str| {
        let clause = "Marché réservé aux entreprises adaptées et aux ESAT (article L. 2113-12).";
        national(id, &day(-1), title, clause, &format!("{}T12:00:00", day(40)))
    };
    let replay = Replay::new(vec![call("26-200", "Nettoyage des gymnases")]);
    let (api, _) = replay.serve().await.unwrap();
    let settings = format!(
        "[fetch]\nallow_private = [\"127.0.0.0/8\"]\nhost_gap_ms = 0\n\
         [[source]]\nid = \"boamp\"\nkind = \"boamp\"\nurl = \"{api}\"\nbaseline = \"deliver\"\nlookback_days = 4000\n\
         [[subscriber]]\nname = \"Claire\"\nsiret = \"33333333300017\"\nmatrix = \"{}\"\n[[subscriber.subscription]]\ncadence = \"instant\"\n[subscriber.subscription.filter]\ndepartments = [\"59\"]\n",
        salon.room_id()
    );
    let bench = Bench::new(&settings, &server, "'ailleurs.example'");
    // The first room is entered with nobody's leave but the settings': later ones are not.
    let text = std::fs::read_to_string(bench.dir.path().join("vigie.toml")).unwrap();
    let allows = |servers: &str| {
        std::fs::write(bench.dir.path().join("vigie.toml"), text.replace("'ailleurs.example'", servers)).unwrap();
    };
    let told = |title: &'static str| {
        let (bench, claire) = (&bench, &claire);
        async move {
            bench.once(&["run", "--once", "--force-poll", "--role", "watch"]);
            assert!(claire.reads(title).await.encrypted);
        }
    };
    allows("'localhost'");
    let service = bench.service();
    claire.reads("ici Vigie").await;
    told("gymnases").await;

    // A tombstone that names a room of somebody else leads nowhere.
    let other = claire.room(false, true).await;
    let public = json!({ "join_rule": "public" });
    claire.calls(reqwest::Method::PUT, &format!("{}/state/m.room.join_rules", other.room_id()), &public).await;
    let claim = json!({ "body": "suite", "replacement_room": other.room_id() });
    let here = salon.room_id().to_owned();
    claire.calls(reqwest::Method::PUT, &format!("{here}/state/m.room.tombstone"), &claim).await;
    let members = |room: String| {
        let claire = &claire;
        async move {
            let path = format!("{room}/joined_members");
            claire.calls(reqwest::Method::GET, &path, &Value::Null).await["joined"].to_string()
        }
    };
    eventually("the room that was named is looked at", || members(other.room_id().to_string()), |m| m.contains(VIGIE))
        .await;
    let known = || bench.once(&["export", "--subscriber", "Claire"]);
    assert!(known().contains(here.as_str()) && !known().contains(other.room_id().as_str()), "{}", known());

    // The real upgrade, seen while Vigie is away: the new room lets in who is invited, and what is said meanwhile waits.
    drop(service);
    allows("'ailleurs.example'");
    let answer = claire.calls(reqwest::Method::POST, &format!("{here}/upgrade"), &json!({ "new_version": "10" })).await;
    let next = answer["replacement_room"].as_str().unwrap().to_owned();
    for n in 0..30 {
        claire.says(&salon, &format!("{n}"), None).await;
    }
    let service = bench.service();
    replay.with(|s| s.records.push(call("26-201", "Nettoyage des crèches")));
    bench.once(&["run", "--once", "--force-poll", "--role", "watch"]);
    claire.calls(reqwest::Method::POST, &format!("{next}/invite"), &json!({ "user_id": VIGIE })).await;
    assert!(claire.reads("crèches").await.encrypted);
    // What was sent there keeps its room; the address has moved.
    let address = |room: &str| format!("\"value\": \"{room}\"");
    assert!(known().contains(&address(&next)) && !known().contains(&address(here.as_str())), "{}", known());

    // The settings file still names the old room.
    drop(service);
    let _service = bench.service();
    replay.with(|s| s.records.push(call("26-202", "Nettoyage des piscines")));
    told("piscines").await;
}

/// Asks until the answer is as wanted.
async fn eventually<F: Future<Output = String>>(what: &str, ask: impl Fn() -> F, wanted: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !wanted(&ask().await) {
        assert!(Instant::now() < deadline, "{what}: never");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
