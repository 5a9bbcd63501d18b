//! The Telegram channel: the real binary against a double of the Bot API.

mod dialogue;
mod documents;
use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vigie_domain::DeliveryState;
use vigie_store::Store;
use vigie_tests::replay::Replay;
use vigie_tests::servers::{Smtp, vigie};
use vigie_tests::telegram::{Double, Reaction, Shown, TOKEN};

use crate::road::{correction, national};

const NOW: &str = "2026-11-21T09:00:00+01:00";
const ADA: i64 = 501;
const TEAM: i64 = -77;

/// The binary, a publisher, a Bot API.
struct Bench {
    dir: tempfile::TempDir,
    replay: Replay,
    double: Double,
}

fn at(minutes: i64, seconds: i64) -> DateTime<Utc> {
    NOW.parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(60 * minutes + seconds)
}

/// Somebody who hears of cleaning in the Nord at once.
fn person(name: &str, addresses: &str) -> String {
    format!(
        "[[subscriber]]\nname = \"{name}\"\n{addresses}\n[[subscriber.subscription]]\ncadence = \"instant\"\n[subscriber.subscription.filter]\nsectors = [\"nettoyage-de-locaux-16\"]\ndepartments = [\"59\"]\n"
    )
}

fn cleaning(id: &str, title: &str) -> Value {
    let clause = "Marché réservé aux entreprises adaptées et aux ESAT (article L. 2113-12).";
    national(id, "2026-11-20", title, clause, "2027-01-12T12:00:00")
}

impl Bench {
    /// `more` stands in the settings file behind the rest.
    async fn new(records: Vec<Value>, more: &str) -> Self {
        let double = Double::start().await.unwrap();
        let replay = Replay::new(records);
        let (api, _) = replay.serve().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "[store]\nurl = \"sqlite:{}\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\nhost_gap_ms = 0\n[web]\nlisten = \"127.0.0.1:0\"\n\
             [operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n[telegram]\ntoken = {{ env = \"VIGIE_TEST_TOKEN\" }}\napi_url = \"{}\"\n\
             [[source]]\nid = \"boamp\"\nkind = \"boamp\"\nurl = \"{api}\"\nbaseline = \"deliver\"\nlookback_days = 4000\n{more}",
            dir.path().join("v.sqlite").display(),
            double.url,
        );
        std::fs::write(dir.path().join("vigie.toml"), config).unwrap();
        Self { dir, replay, double }
    }

    fn publish(&self, record: Value) {
        self.replay.with(|shelf| shelf.records.push(record));
    }

    fn command(&self, args: &[&str], now: DateTime<Utc>) -> Command {
        let mut command = Command::new(vigie());
        command.args(args).arg("-c").arg(self.dir.path().join("vigie.toml"));
        command.env("VIGIE_NOW", now.to_rfc3339()).env("VIGIE_TEST_TOKEN", TOKEN).env_remove("VIGIE_CONFIG");
        command
    }

    /// One pass of what is due at that moment.
    fn pass(&self, now: DateTime<Utc>) -> Output {
        let out = self.try_pass(now, "");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        out
    }

    /// A pass that may die at a named point.
    fn try_pass(&self, now: DateTime<Utc>, crash_at: &str) -> Output {
        self.double.set_now(now);
        let mut command = self.command(&["run", "--once", "--force-poll", "--role", "watch,deliver"], now);
        if !crash_at.is_empty() {
            command.env("VIGIE_CRASH_AT", crash_at);
        }
        command.output().unwrap()
    }

    async fn store(&self) -> Store {
        Store::open(&format!("sqlite:{}", self.dir.path().join("v.sqlite").display())).await.unwrap()
    }

    async fn count(&self, state: DeliveryState) -> usize {
        let store = self.store().await;
        let n = store.deliveries(Some(state), 1000).await.unwrap().len();
        store.close().await;
        n
    }
}

fn styled<'a>(message: &'a Shown, kind: &str) -> Vec<&'a str> {
    message.styles.iter().filter(|(k, ..)| k == kind).map(|(_, words, _)| words.as_str()).collect()
}

/// Waits until something holds, at most half a minute.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A service of its own, ended with its owner.
pub(crate) struct Service(pub(crate) std::process::Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_arrives_styled_and_its_correction_stands_under_it() {
    let title = "Nettoyage des écoles 🏫 & <gymnases>";
    let bench = Bench::new(vec![cleaning("26-100", title)], &person("Ada", "telegram = 501")).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let first = bench.double.messages(ADA);
    assert_eq!(first.len(), 1, "{:?}", bench.double.calls());
    let first = &first[0];
    assert!(first.text.contains(title) && first.text.contains("Ville de Lille"), "{}", first.text);
    assert!(styled(first, "bold").contains(&title), "{:?}", first.styles);
    assert!(styled(first, "blockquote").iter().any(|q| q.contains("article L. 2113-12")), "{:?}", first.styles);
    let links: Vec<_> =
        first.styles.iter().filter_map(|(_, words, url)| Some((words.as_str(), url.as_deref()?))).collect();
    assert!(links.contains(&("Lire l’avis", "https://www.boamp.fr/pages/avis/?q=idweb:26-100")), "{links:?}");
    assert!(!first.text.contains("&amp;") && first.under.is_none());

    bench.pass(at(1, 0)); // nothing new: nothing sent
    assert_eq!(bench.double.messages(ADA).len(), 1);
    bench.publish(correction("26-101", "26-100", "2026-11-21", "2027-01-20T12:00:00"));
    bench.pass(at(2, 0));
    let all = bench.double.messages(ADA);
    assert_eq!(all.len(), 2, "{:?}", bench.double.calls());
    assert_eq!(all[1].under, Some(all[0].id), "a correction stands under its first message");
    assert!(all[1].text.contains("20 janvier 2027"), "{}", all[1].text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_asked_for_is_obeyed_to_the_second_across_restarts() {
    for seconds in [1, 60, 43_837] {
        let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &person("Ada", "telegram = 501")).await;
        bench.double.person(ADA, "Ada");
        let told = std::sync::atomic::AtomicBool::new(false);
        bench.double.script(move |method, _| {
            let first = method == "sendmessage" && !told.swap(true, std::sync::atomic::Ordering::SeqCst);
            if first { Reaction::Wait(seconds) } else { Reaction::Accept }
        });
        bench.pass(at(0, 0));
        let asks = |double: &Double| double.calls().iter().filter(|c| c.method == "sendmessage").count();
        assert_eq!(asks(&bench.double), 1);
        bench.pass(at(0, i64::from(seconds) - 1));
        assert_eq!((asks(&bench.double), bench.double.early()), (1, 0), "{seconds} s: nothing leaves early");
        bench.pass(at(0, i64::from(seconds)));
        assert_eq!(bench.double.messages(ADA).len(), 1, "{seconds} s: sent as soon as it may");
        assert_eq!(bench.double.early(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_whole_bot_holds_everybody_back_once_a_second_chat_meets_it() {
    let people: String = (0..8).map(|n| person(&format!("p{n}"), &format!("telegram = {}", 600 + n))).collect();
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &people).await;
    (0..8).for_each(|n| bench.double.person(600 + n, "P"));
    let told = std::sync::atomic::AtomicBool::new(false);
    bench.double.script(move |method, _| {
        let first = method == "sendmessage" && !told.swap(true, std::sync::atomic::Ordering::SeqCst);
        if first { Reaction::WaitAll(30) } else { Reaction::Accept }
    });
    bench.pass(at(0, 0));
    bench.pass(at(0, 10));
    assert_eq!(bench.double.early(), 1, "one call shows whose limit it is: {:?}", bench.double.calls());
    bench.pass(at(0, 11));
    bench.pass(at(0, 29));
    assert_eq!((bench.double.early(), bench.double.all().len()), (1, 0));
    for second in 30..40 {
        bench.pass(at(0, second));
    }
    assert_eq!(bench.double.all().len(), 8, "everybody is told in the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_chat_is_suspended_and_the_other_channel_told() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let mail = format!(
        "[email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n",
        smtp.port
    );
    let ada = person("Ada", "telegram = 501\nemail = \"ada@structure.example\"");
    let operator =
        "[[subscriber]]\nname = \"Exploitante\"\nrole = \"operator\"\nemail = \"exploitation@vigie.example\"\n";
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &format!("{mail}{ada}{operator}")).await;
    bench.double.person(ADA, "Ada");
    bench.double.block_silently(ADA);
    bench.pass(at(0, 0));
    bench.pass(at(5, 0));
    let refusals = bench.double.calls().iter().filter(|c| c.code == 403).count();
    assert_eq!(refusals, 1, "a lost chat is not tried again");
    let mails: Vec<String> = smtp.mails().iter().map(|m| mail_text(m)).collect();
    let told = |to: &str, what: &str| mails.iter().any(|m| m.contains(to) && m.contains(what));
    assert!(told("ada@structure.example", "sur Telegram"), "{mails:?}");
    assert!(told("ada@structure.example", "Nettoyage"), "the alert itself comes by mail: {mails:?}");
    assert!(told("exploitation@vigie.example", "hors service"), "{mails:?}");
    assert_eq!(bench.count(DeliveryState::Dead).await, 1);
}

fn mail_text(mail: &[u8]) -> String {
    let parsed = mail_parser::MessageParser::default().parse(mail).unwrap();
    let to = parsed.to().and_then(|t| t.first()).and_then(|a| a.address()).unwrap_or_default().to_owned();
    format!("{to} {} {}", parsed.subject().unwrap_or_default(), parsed.body_text(0).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_became_a_supergroup_is_written_to_there_and_from_then_on() {
    let bench = Bench::new(Vec::new(), &person("Équipe", "telegram = -77")).await;
    bench.double.group(TEAM, "Équipe", &[(ADA, "Ada")]);
    bench.pass(at(-1, 0));
    assert!(bench.double.messages(TEAM)[0].text.contains("Vos alertes arrivent ici"), "who is let in says hello");
    let new = bench.double.migrate(TEAM, false);
    bench.publish(cleaning("26-100", "Nettoyage"));
    // Killed once the new number is noted: the message leaves at the next pass, once.
    bench.try_pass(at(0, 0), "mid-migration");
    assert!(bench.double.messages(new).is_empty());
    bench.pass(at(2, 0));
    assert_eq!(bench.double.messages(new).len(), 1, "{:?}", bench.double.calls());
    bench.publish(correction("26-101", "26-100", "2026-11-21", "2027-01-20T12:00:00"));
    bench.pass(at(4, 0));
    let there = bench.double.messages(new);
    assert_eq!(there.len(), 2);
    assert_eq!(there[1].under, Some(there[0].id));
    let refused = bench.double.calls().iter().filter(|c| c.chat == Some(TEAM) && c.code == 400).count();
    assert_eq!(refused, 1, "the old number is tried once, whatever the settings file says");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_cut_in_the_middle_goes_on_behind_the_last_part_sent() {
    let templates = tempfile::tempdir().unwrap();
    let line = "<b>Phrase</b> numéro {{ loop.index }} d’un long message 🏫. ";
    let long = format!("{{{{ c.title }}}}\n{{% for n in range(250) %}}{line}{{% endfor %}}");
    std::fs::write(templates.path().join("alerte.chat.html"), long).unwrap();
    let more = format!("[templates]\ndir = \"{}\"\n{}", templates.path().display(), person("Ada", "telegram = 501"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &more).await;
    bench.double.person(ADA, "Ada");
    bench.try_pass(at(0, 0), "mid-parts:2");
    let before = bench.double.messages(ADA);
    assert_eq!(before.len(), 2, "killed behind the second part");
    bench.pass(at(2, 0));
    let parts = bench.double.messages(ADA);
    assert!(parts.len() > 2, "{}", parts.len());
    for n in 1..=250 {
        let wanted = format!("numéro {n} d’un");
        assert_eq!(parts.iter().filter(|p| p.text.contains(&wanted)).count(), 1, "{wanted}");
    }
    assert_eq!(bench.count(DeliveryState::Sent).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_was_lost_is_sent_once_more_and_says_so() {
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &person("Ada", "telegram = 501")).await;
    bench.double.person(ADA, "Ada");
    let cut = std::sync::atomic::AtomicBool::new(false);
    bench.double.script(move |method, _| {
        let first = method == "sendmessage" && !cut.swap(true, std::sync::atomic::Ordering::SeqCst);
        if first { Reaction::Cut } else { Reaction::Accept }
    });
    bench.pass(at(0, 0));
    assert_eq!(bench.count(DeliveryState::Ambiguous).await, 1);
    bench.pass(at(2, 0));
    bench.pass(at(9, 0));
    let all = bench.double.messages(ADA);
    assert_eq!(all.len(), 2);
    assert!(!all[0].text.contains("Envoyé de nouveau") && all[1].text.contains("Envoyé de nouveau"), "{}", all[1].text);
    assert_eq!(bench.count(DeliveryState::Sent).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_refuses_for_its_styles_arrives_as_words() {
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &person("Ada", "telegram = 501")).await;
    bench.double.person(ADA, "Ada");
    let refused = std::sync::atomic::AtomicBool::new(false);
    bench.double.script(move |method, _| {
        let first = method == "sendmessage" && !refused.swap(true, std::sync::atomic::Ordering::SeqCst);
        if first { Reaction::Refuse(400, "Bad Request: can't parse entities: x") } else { Reaction::Accept }
    });
    bench.pass(at(0, 0));
    let all = bench.double.messages(ADA);
    assert_eq!(all.len(), 1);
    assert!(all[0].styles.is_empty() && all[0].text.contains("Ville de Lille"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_shows_nowhere() {
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &person("Ada", "telegram = 501")).await;
    // Nobody listens there, and the path is not the usual one.
    let path = bench.dir.path().join("vigie.toml");
    let settings = std::fs::read_to_string(&path).unwrap().replace(&bench.double.url, "http://127.0.0.1:1/bots/here");
    std::fs::write(&path, settings).unwrap();
    let mut command = bench.command(&["run", "--once", "--force-poll", "--role", "watch,deliver"], at(0, 0));
    let out = command.env("VIGIE_LOG", "trace").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let check = bench.command(&["check", "--connect"], at(0, 0)).output().unwrap();
    let key = TOKEN.split_once(':').unwrap().1.as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(key.len()).any(|w| w == key);
    for (what, bytes) in
        [("logs", &out.stderr), ("output", &out.stdout), ("check", &check.stdout), ("check", &check.stderr)]
    {
        assert!(!holds(bytes), "the token stands in the {what}: {}", String::from_utf8_lossy(bytes));
    }
    assert!(String::from_utf8_lossy(&out.stderr).contains("Telegram est injoignable"));
    for file in std::fs::read_dir(bench.dir.path()).unwrap().flatten() {
        assert!(!holds(&std::fs::read(file.path()).unwrap()), "the token stands in {}", file.path().display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_who_the_bot_is_and_that_a_token_is_refused() {
    let bench = Bench::new(Vec::new(), "").await;
    let good = bench.command(&["check", "--connect"], at(0, 0)).output().unwrap();
    let text = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(text.contains("@vigie_bot") && text.contains("jeton accepté"), "{text}");
    let mut wrong = bench.command(&["check", "--connect"], at(0, 0));
    let wrong = wrong.env("VIGIE_TEST_TOKEN", "424242:AAAA").output().unwrap();
    let text = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert!(!wrong.status.success() && text.contains("refuse le jeton") && !text.contains("AAAA"), "{text}");
}

/// Makes the person one of a structure, who decides for it.
const OF_A_STRUCTURE: &str = "siret = \"33333333300017\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_press_decides_and_the_message_shows_who_took_it() {
    let team = person("Équipe", &format!("telegram = -77\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &team).await;
    bench.double.group(TEAM, "Équipe", &[(ADA, "Ada"), (502, "Basile")]);
    bench.pass(at(0, 0));
    bench.pass(at(0, 5));
    let alert = bench.double.messages(TEAM).into_iter().find(|m| !m.buttons.is_empty()).unwrap();
    let labels: Vec<&str> = alert.buttons.iter().flatten().map(|(l, _)| l.as_str()).collect();
    assert!(labels.iter().any(|l| l.contains("👍")) && labels.iter().any(|l| l.contains("👎")), "{labels:?}");

    let press = bench.double.press(TEAM, ADA, alert.id, "👍");
    bench.pass(at(1, 0));
    assert!(bench.double.answered(&press).unwrap().contains("on y va"), "{:?}", bench.double.answered(&press));
    let shown = bench.double.shown(TEAM, alert.id).unwrap();
    assert!(shown.text.contains("Ada s’en occupe"), "{}", shown.text);
    assert!(shown.text.contains("Ville de Lille") && !shown.buttons.is_empty() && shown.edits == 1, "{shown:?}");
    assert!(shown.styles.iter().any(|(k, w, _)| k == "bold" && w.contains("Nettoyage")), "an edit keeps its styles");

    // A second who presses the same is told who was first; one who presses another year harms nothing.
    let again = bench.double.press(TEAM, 502, alert.id, "👍");
    bench.pass(at(2, 0));
    assert!(
        bench.double.answered(&again).unwrap().contains("Déjà noté par Ada"),
        "{:?}",
        bench.double.answered(&again)
    );
    let odd = bench.double.press_data(TEAM, 502, alert.id, "x:unknown");
    let late = bench.double.press_data(TEAM, 502, 9_999, &alert.buttons[0][0].1);
    bench.pass(at(600_000, 0));
    assert!(bench.double.answered(&odd).is_some() && bench.double.answered(&late).is_some(), "every press is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_and_answers_in_words_decide_as_buttons_do() {
    let ada = person("Ada", &format!("telegram = 501\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &ada).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let alert = bench.double.messages(ADA)[0].clone();
    bench.double.react(ADA, ADA, alert.id, "👍");
    bench.pass(at(1, 0));
    assert!(bench.double.shown(ADA, alert.id).unwrap().text.contains("Ada s’en occupe"));
    bench.double.reply(ADA, ADA, "non", alert.id);
    bench.pass(at(2, 0));
    let text = bench.double.shown(ADA, alert.id).unwrap().text;
    assert!(text.contains("Écarté par Ada"), "{text}");
    // What is corrected or passed on decides nothing.
    bench.double.forward(ADA, ADA, "oui");
    let said = bench.double.reply(ADA, ADA, "merci", alert.id);
    bench.double.correct(ADA, said, "oui");
    bench.pass(at(3, 0));
    assert!(bench.double.shown(ADA, alert.id).unwrap().text.contains("Écarté par Ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structure_s_decision_shows_in_its_other_chats_and_in_nobody_else_s() {
    let others = "siret = \"44444444400017\"";
    let people = [
        person("Ada", &format!("telegram = 501\n{OF_A_STRUCTURE}")),
        person("Basile", &format!("telegram = 502\n{OF_A_STRUCTURE}")),
        person("Chloé", &format!("telegram = 503\n{others}")),
    ];
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &people.concat()).await;
    [(501, "Ada"), (502, "Basile"), (503, "Chloé")].into_iter().for_each(|(id, name)| bench.double.person(id, name));
    (0..3).for_each(|second| drop(bench.pass(at(0, second))));
    let alert = |chat: i64| bench.double.messages(chat)[0].clone();
    bench.double.press(501, 501, alert(501).id, "👍");
    bench.pass(at(1, 0));
    assert!(alert(501).text.contains("Ada s’en occupe") && alert(502).text.contains("Ada s’en occupe"));
    assert_eq!(alert(503).edits, 0, "another structure sees nothing of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_a_crash_counts_once_and_nothing_is_lost() {
    let ada = person("Ada", &format!("telegram = 501\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &ada).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let alert = bench.double.messages(ADA)[0].clone();
    let first = bench.double.press(ADA, ADA, alert.id, "👍");
    let second = bench.double.press(ADA, ADA, alert.id, "👎");
    let asked = |double: &Double| double.calls().iter().filter(|c| c.method == "answercallbackquery").count();
    bench.try_pass(at(1, 0), "heard");
    assert_eq!((asked(&bench.double), bench.double.unconfirmed()), (1, 2), "killed behind the first press");
    bench.pass(at(2, 0));
    assert_eq!((asked(&bench.double), bench.double.unconfirmed()), (2, 0), "the first is not acted on again");
    assert!(bench.double.answered(&first).is_some() && bench.double.answered(&second).is_some());
    assert!(bench.double.shown(ADA, alert.id).unwrap().text.contains("Écarté par Ada"));
    // After a long silence the service numbers its updates anew, from below.
    bench.double.number_from(3);
    bench.double.press(ADA, ADA, alert.id, "👍");
    bench.pass(at(7 * 24 * 60 + 10, 0));
    assert!(bench.double.shown(ADA, alert.id).unwrap().text.contains("Ada s’en occupe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_blocks_and_comes_back_is_followed() {
    let bench = Bench::new(Vec::new(), &person("Ada", "telegram = 501")).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(-3, 0));
    bench.double.block(ADA, ADA);
    bench.pass(at(-2, 0));
    bench.publish(cleaning("26-100", "Nettoyage"));
    bench.pass(at(0, 0));
    let tried = bench.double.calls().iter().filter(|c| c.method == "sendmessage").count();
    assert_eq!(tried, 0, "nothing is sent to one who blocked the bot");
    bench.double.unblock(ADA, ADA);
    bench.pass(at(1, 0));
    bench.publish(cleaning("26-200", "Nettoyage des crèches"));
    bench.pass(at(2, 0));
    let texts: Vec<String> = bench.double.messages(ADA).into_iter().map(|m| m.text).collect();
    assert!(texts[0].contains("De retour") && texts.iter().any(|t| t.contains("crèches")), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_cannot_be_read_is_put_aside_and_the_others_are_heard() {
    let ada = person("Ada", &format!("telegram = 501\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &ada).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let alert = bench.double.messages(ADA)[0].clone();
    let chat = json!({ "id": ADA, "type": "private", "first_name": "Ada" });
    let thumb = json!([{ "type": "emoji", "emoji": "👎" }]);
    let nobody = json!({ "chat": chat, "message_id": alert.id, "date": 1, "old_reaction": [], "new_reaction": thumb });
    bench.double.utter("message_reaction", nobody);
    bench.double.utter("message", json!({ "message_id": "cinq" }));
    let press = bench.double.press(ADA, ADA, alert.id, "👍");
    bench.pass(at(1, 0));
    assert_eq!(bench.double.unconfirmed(), 0, "it does not come again");
    assert!(bench.double.answered(&press).unwrap().contains("on y va"));
    assert!(bench.double.shown(ADA, alert.id).unwrap().text.contains("Ada s’en occupe"));
    let store = bench.store().await;
    let aside = store.quarantined(10).await.unwrap();
    store.close().await;
    let reasons: Vec<&str> = aside.iter().map(|q| q.reason.as_str()).collect();
    assert!(aside.len() == 2 && reasons.contains(&"réaction de personne"), "{reasons:?}");
    assert!(aside.iter().any(|q| String::from_utf8_lossy(&q.raw).contains("cinq")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_one_line_and_silence() {
    let bench = Bench::new(Vec::new(), "").await;
    bench.double.person(900, "Zoé");
    for minute in 0..3 {
        bench.double.say(900, 900, "bonjour ?");
        bench.pass(at(minute, 0));
    }
    let said = bench.double.messages(900);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].text.contains("personnes invitées"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_says_it_moved_is_followed_with_its_buttons() {
    let team = person("Équipe", &format!("telegram = -77\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(Vec::new(), &team).await;
    bench.double.group(TEAM, "Équipe", &[(ADA, "Ada")]);
    bench.pass(at(-2, 0));
    let new = bench.double.migrate(TEAM, true);
    bench.pass(at(-1, 0));
    bench.publish(cleaning("26-100", "Nettoyage"));
    bench.pass(at(0, 0));
    let alert = bench.double.messages(new).into_iter().find(|m| !m.buttons.is_empty()).unwrap();
    bench.double.press(new, ADA, alert.id, "👍");
    bench.pass(at(1, 0));
    assert!(bench.double.shown(new, alert.id).unwrap().text.contains("Ada s’en occupe"));
    assert!(bench.double.calls().iter().all(|c| c.code == 200), "{:?}", bench.double.calls());
}

/// B11: a chat that says a hundred and fifty things at once delays nobody else, and nothing of it is lost in a crash.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_chat_s_queue_delays_no_other_and_survives_a_crash() {
    const BOB: i64 = 502;
    let people = format!("{}{}", person("Ada", "telegram = 501"), person("Bob", "telegram = 502"));
    let bench = Bench::new(Vec::new(), &people).await;
    bench.double.person(ADA, "Ada");
    bench.double.person(BOB, "Bob");
    for _ in 0..150 {
        bench.double.say(ADA, ADA, "/aide");
    }
    bench.double.say(BOB, BOB, "/aide");
    let start = || Service(bench.command(&["run", "--role", "deliver"], at(0, 0)).spawn().unwrap());
    let service = start();
    until("Bob is answered", || !bench.double.messages(BOB).is_empty()).await;
    let answered = bench.double.messages(ADA).len();
    assert!(answered < 30, "Bob waited for {answered} answers to Ada");
    until("everything was taken", || bench.double.unconfirmed() == 0).await;
    drop(service);
    let store = bench.store().await;
    assert!(store.waits_in("telegram", "501").await.unwrap(), "what was taken and not acted on is kept");
    store.close().await;
    let _service = start();
    let before = bench.double.messages(ADA).len();
    until("Ada is answered again", || bench.double.messages(ADA).len() > before).await;
    assert_eq!(bench.double.messages(BOB).len(), 1, "and Bob is not answered twice");
}

/// A19: the bot writes in the topic in which it was started, and in the main one when that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_go_to_the_topic_in_which_the_bot_was_started() {
    let bench = Bench::new(Vec::new(), &person("Équipe", "telegram = -77")).await;
    bench.double.group(TEAM, "Équipe", &[(ADA, "Ada")]);
    bench.pass(at(0, 0));
    bench.double.say_in(TEAM, ADA, 7, "/start");
    bench.pass(at(1, 0));
    assert_eq!(bench.double.messages(TEAM).last().unwrap().topic, Some(7), "the answer stands where one asked");
    bench.publish(cleaning("26-100", "Nettoyage"));
    bench.pass(at(2, 0));
    let alert = bench.double.messages(TEAM).pop().unwrap();
    assert!(alert.text.contains("Nettoyage") && alert.topic == Some(7), "{alert:?}");
    // The topic is deleted.
    let gone = std::sync::atomic::AtomicBool::new(false);
    bench.double.script(move |method, _| match method {
        "sendmessage" if !gone.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Reaction::Refuse(400, "Bad Request: message thread not found")
        }
        _ => Reaction::Accept,
    });
    bench.publish(cleaning("26-101", "Nettoyage de vitres"));
    bench.pass(at(3, 0));
    let alert = bench.double.messages(TEAM).pop().unwrap();
    assert!(alert.text.contains("vitres") && alert.topic.is_none(), "{alert:?}");
}

/// A19: a topic that is closed closes the chat for every message: they are kept, and the people are told elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_topic_keeps_its_messages_and_is_told() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let mail = format!(
        "[email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n",
        smtp.port
    );
    let operator = "[[subscriber]]\nname = \"Chef\"\nrole = \"operator\"\nemail = \"chef@x.example\"\n";
    let more = format!("{mail}{operator}{}", person("Ada", "telegram = 501\nemail = \"ada@x.example\""));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &more).await;
    bench.double.person(ADA, "Ada");
    bench.double.script(|method, _| match method {
        "sendmessage" => Reaction::Refuse(400, "Bad Request: TOPIC_CLOSED"),
        _ => Reaction::Accept,
    });
    bench.pass(at(0, 0));
    bench.pass(at(1, 0));
    assert_eq!((bench.count(DeliveryState::Dead).await, bench.count(DeliveryState::Deferred).await), (0, 1));
    let told = |to: &str| {
        let mails = smtp.mails();
        mails
            .iter()
            .filter(|m| {
                let text = String::from_utf8_lossy(m);
                text.contains(to) && text.contains("Telegram")
            })
            .count()
    };
    assert_eq!((told("ada@x.example"), told("chef@x.example")), (1, 1), "once a day");
    bench.double.script(|_, _| Reaction::Accept);
    bench.pass(at(70, 0));
    assert!(bench.double.messages(ADA).iter().any(|m| m.text.contains("Nettoyage")), "opened again, it arrives");
}
