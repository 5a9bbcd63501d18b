//! Conversations, from what is heard in a chat to what is answered and stored; on both engines where the store decides.

mod after_award;
mod membership;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Reply, ReplyPlace, Sender};
use vigie_delivery::state_refresh;
use vigie_domain::directory::Structure;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{
    Cadence, Channel, DateKind, Department, Filter, Notice, NoticeKind, Refusal, Stage, StructureKind, Subscriber,
    TypedDate,
};
use vigie_notifier::chat::ButtonAction;
use vigie_notifier::typeset::typeset;
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_store::claim::Claim;
use vigie_store::invitations::NewInvitation;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::servers::Postgres;
use vigie_watcher::fetch::Fetcher;

const SIRET: &str = "21590350100017";
const EA: &str = "33333333300017";

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

/// The service on a database of its own; started anew at another moment, it is the same service later.
pub(crate) struct Bench {
    url: String,
    dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite:{}", dir.path().join("t.sqlite").display()), dir }
    }

    fn on(url: &str) -> Self {
        Self { url: url.to_owned(), dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) async fn at(&self, at: DateTime<Utc>) -> App {
        assert!(self.dir.path().exists());
        let store = settings::Store { url: Some(self.url.clone()), password: None };
        let settings = Settings { store, ..Settings::default() };
        let fetcher = Fetcher::http(&settings.fetch).unwrap();
        App::start(settings, fetcher, Clock::fixed(at)).await.unwrap()
    }
}

/// A person of a structure, with a Telegram chat and a Matrix room.
async fn person(app: &App, id: &str, siret: Option<&str>, role: Role) {
    let profile = Profile { siret: siret.map(str::to_owned), ..Profile::default() };
    let subscriber = Subscriber { id: id.to_owned(), name: id.to_owned(), role, profile };
    let addresses = vec![
        (Channel::Telegram, format!("tg-{id}"), AddressState::Active),
        (Channel::Matrix, format!("!{id}:a.fr"), AddressState::Active),
    ];
    app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
    let filter = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
    app.service.store.put_subscription(id, &filter, Cadence::Instant, now()).await.unwrap();
}

pub(crate) fn call(id: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = format!("Nettoyage des écoles, secteur {id}");
    notice.departments.extend(Department::parse("59"));
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 20);
    notice.buyer.name = "Ville de Lille".into();
    notice.buyer.siret = Some(SIRET.into());
    let closes = DateTime::parse_from_rfc3339("2027-01-12T12:00:00+01:00").unwrap();
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "test"));
    notice
}

async fn take(app: &App, id: &str) {
    ingest::ingest(&app.service, &call(id), None).await.unwrap();
}

/// The delivery of a person on a channel, as sent in that message of the chat.
async fn sent(app: &App, person: &str, channel: Channel, message: &str) -> String {
    let all = app.service.store.deliveries(None, 100).await.unwrap();
    let one = all.iter().find(|d| d.subscriber == person && d.channel == channel).unwrap();
    let chat = chat_of(person, channel);
    app.service.store.remember_message(&one.id, channel, &chat, message, app.service.clock.now()).await.unwrap();
    one.id.clone()
}

fn chat_of(person: &str, channel: Channel) -> String {
    if channel == Channel::Telegram { format!("tg-{person}") } else { format!("!{person}:a.fr") }
}

fn heard(person: &str, channel: Channel, by: &str, input: Input) -> Incoming {
    Incoming {
        chat: Chat { channel, id: chat_of(person, channel), private: true, title: String::new() },
        sender: Sender { id: by.to_owned(), name: by.to_owned() },
        input,
    }
}

async fn press(app: &App, person: &str, by: &str, data: &str) -> Vec<Reply> {
    let said = Input::Pressed { data: data.to_owned(), about: None };
    conversation::dispatch(&app.service, heard(person, Channel::Telegram, by, said)).await.unwrap()
}

async fn react(app: &App, person: &str, by: &str, emoji: &str, about: &str) -> Vec<Reply> {
    let said = Input::Reacted { emoji: emoji.to_owned(), about: about.to_owned() };
    conversation::dispatch(&app.service, heard(person, Channel::Matrix, by, said)).await.unwrap()
}

pub(crate) fn text(text: &str, about: Option<&str>) -> Input {
    Input::Text { text: text.to_owned(), about: about.map(str::to_owned), edited: false, forwarded: false }
}

async fn say(app: &App, person: &str, words: &str) -> String {
    let replies =
        conversation::dispatch(&app.service, heard(person, Channel::Telegram, "Ana", text(words, None))).await.unwrap();
    all_of(&replies)
}

/// What a chat shows of replies.
pub(crate) fn all_of(replies: &[Reply]) -> String {
    replies.iter().map(|r| typeset(&conversation::in_words(r).bare())).collect::<Vec<_>>().join("\n")
}

pub(crate) fn datas(replies: &[Reply]) -> Vec<String> {
    let presses = replies.iter().flat_map(|r| r.buttons.iter().flatten()).filter_map(|b| match &b.action {
        ButtonAction::Press(data) => Some(data.clone()),
        ButtonAction::Open(_) => None,
    });
    presses.collect()
}

/// The state lines that wait to be shown on a channel, by chat.
async fn to_show(app: &App, channel: Channel) -> Vec<(String, String)> {
    let stale = state_refresh::stale(&app.service, channel).await.unwrap();
    stale.into_iter().map(|s| (s.message.chat, typeset(&s.line))).collect()
}

async fn show_all(app: &App, channel: Channel) {
    for stale in state_refresh::stale(&app.service, channel).await.unwrap() {
        app.service.store.refreshed(&stale.message, &stale.line, Some("note")).await.unwrap();
    }
}

async fn one_state_on_every_channel(bench: &Bench) {
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    person(&app, "collegue", Some(EA), Role::Structure).await;
    person(&app, "rival", Some("44444444400014"), Role::Structure).await;
    take(&app, "26-1").await;
    let telegram = sent(&app, "ea", Channel::Telegram, "7").await;
    let matrix = sent(&app, "ea", Channel::Matrix, "$ea").await;
    let colleague = sent(&app, "collegue", Channel::Matrix, "$collegue").await;
    sent(&app, "rival", Channel::Matrix, "$rival").await;
    sent(&app, "rival", Channel::Telegram, "9").await;
    assert!(to_show(&app, Channel::Matrix).await.is_empty(), "nothing is decided yet");

    let replies = press(&app, "ea", "Ana", &format!("go:{telegram}")).await;
    assert_eq!(all_of(&replies), "Noté\u{a0}: on y va.");
    let line = "👍 Ana s’en occupe\u{a0}: on y va".to_owned();
    let mut shown = to_show(&app, Channel::Matrix).await;
    shown.sort();
    let wanted = [("!collegue:a.fr".to_owned(), line.clone()), ("!ea:a.fr".to_owned(), line.clone())];
    assert_eq!(shown, wanted, "their own chats and their colleagues', never the rival's");
    assert_eq!(to_show(&app, Channel::Telegram).await, [("tg-ea".to_owned(), line)]);
    show_all(&app, Channel::Matrix).await;
    show_all(&app, Channel::Telegram).await;

    let second = react(&app, "collegue", "Bob", "👍", &colleague).await;
    assert_eq!(all_of(&second), "Déjà noté par Ana\u{a0}: on y va.");
    assert!(to_show(&app, Channel::Matrix).await.is_empty(), "nothing changed");

    // The reverse, after a restart: decided on Matrix, shown on Telegram.
    app.service.store.close().await;
    let app = bench.at(now() + Duration::hours(1)).await;
    let refused = react(&app, "ea", "Léa", "👎", &matrix).await;
    assert!(all_of(&refused).contains("Pourquoi") && datas(&refused).len() == Refusal::ALL.len());
    let because = conversation::dispatch(
        &app.service,
        heard("ea", Channel::Matrix, "Léa", text("Pas cet acheteur", Some(&matrix))),
    )
    .await;
    assert!(all_of(&because.unwrap()).contains("Plus jamais cet acheteur"));
    let shown = to_show(&app, Channel::Telegram).await;
    assert_eq!(shown, [("tg-ea".to_owned(), "👎 Écarté par Léa\u{a0}: pas cet acheteur".to_owned())]);
    let stale = state_refresh::stale(&app.service, Channel::Telegram).await.unwrap();
    let (whole, buttons) = state_refresh::whole(&app.service, &stale[0]).await.unwrap().unwrap();
    assert!(whole.text.contains("Ville de Lille") && whole.text.ends_with(&stale[0].line) && buttons.len() == 2);

    let rival = app.service.store.decisions_on("44444444400014", &stale[0].message.procedure).await.unwrap();
    assert!(rival.is_empty());
    app.service.store.close().await;
}

fn stranger(chat: &str, words: &str) -> Incoming {
    Incoming {
        chat: Chat { channel: Channel::Telegram, id: chat.to_owned(), private: true, title: String::new() },
        sender: Sender { id: chat.to_owned(), name: "Zoé".into() },
        input: text(words, None),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_shows_on_every_channel_of_its_structure_and_on_no_other() {
    one_state_on_every_channel(&Bench::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_shows_on_every_channel_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    one_state_on_every_channel(&Bench::on(&postgres.url)).await;
}

#[tokio::test]
async fn a_message_sent_after_the_decision_shows_it_too() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    take(&app, "26-1").await;
    let telegram = sent(&app, "ea", Channel::Telegram, "7").await;
    press(&app, "ea", "Ana", &format!("later:{telegram}")).await;
    sent(&app, "ea", Channel::Matrix, "$late").await;
    let shown = to_show(&app, Channel::Matrix).await;
    assert_eq!(shown, [("!ea:a.fr".to_owned(), "⏰ rappel le 24 novembre 2026".to_owned())]);
}

#[tokio::test]
async fn only_the_chat_that_got_the_alert_decides() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    person(&app, "rival", None, Role::Structure).await;
    person(&app, "lectrice", None, Role::Facilitator).await;
    take(&app, "26-1").await;
    let mine = sent(&app, "ea", Channel::Telegram, "7").await;
    let reader = sent(&app, "lectrice", Channel::Telegram, "8").await;
    let stolen = press(&app, "rival", "Eve", &format!("go:{mine}")).await;
    assert!(all_of(&stolen).contains("ne retrouve pas"), "{stolen:?}");
    assert!(react(&app, "rival", "Eve", "👍", &mine).await.is_empty());
    let reads = press(&app, "lectrice", "Fanny", &format!("go:{reader}")).await;
    assert!(all_of(&reads).contains("sans décider"), "{reads:?}");
    let more = press(&app, "lectrice", "Fanny", &format!("more:{reader}")).await;
    assert!(all_of(&more).contains("Nettoyage des écoles") && datas(&more).is_empty());
    let procedure = app.service.store.notice("boamp:26-1").await.unwrap().unwrap().procedure;
    for structure in [EA, "rival", "lectrice"] {
        assert!(app.service.store.decisions_on(structure, &procedure).await.unwrap().is_empty(), "{structure}");
    }
}

#[tokio::test]
async fn a_reason_narrows_the_subscription_in_one_tap() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    take(&app, "26-1").await;
    let delivery = sent(&app, "ea", Channel::Telegram, "7").await;
    let refused = press(&app, "ea", "Ana", &format!("no:{delivery}")).await;
    assert_eq!(refused.iter().map(|r| r.place).collect::<Vec<_>>(), [ReplyPlace::Toast, ReplyPlace::Answer]);
    let because = press(&app, "ea", "Ana", &format!("why-buyer:{delivery}")).await;
    assert_eq!(because[0].place, ReplyPlace::Edit);
    let never = datas(&because);
    assert_eq!(never, [format!("never:{delivery}")]);
    for _ in 0..2 {
        let done = press(&app, "ea", "Ana", &never[0]).await;
        assert!(all_of(&done).contains("Ville de Lille"), "pressed twice: {done:?}");
    }
    let mine = app.service.store.subscriptions_of("ea").await.unwrap();
    assert_eq!((mine.len(), &mine[0].filter.excluded_buyers[..]), (1, &[SIRET.to_owned()][..]));
    let before = app.service.store.deliveries(None, 100).await.unwrap().len();
    take(&app, "26-2").await;
    assert_eq!(app.service.store.deliveries(None, 100).await.unwrap().len(), before, "never again");
}

#[tokio::test]
async fn a_button_pressed_a_year_later_says_what_became_of_it() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    take(&app, "26-1").await;
    let delivery = sent(&app, "ea", Channel::Telegram, "7").await;
    app.service.store.close().await;
    let app = bench.at(now() + Duration::days(365)).await;
    let late = press(&app, "ea", "Ana", &format!("go:{delivery}")).await;
    assert!(all_of(&late).contains("est clos depuis le 12 janvier 2027"), "{late:?}");
    let won = press(&app, "ea", "Ana", &format!("won:{delivery}")).await;
    assert_eq!(all_of(&won), "Noté\u{a0}: gagné.");
    let procedure = app.service.store.notice("boamp:26-1").await.unwrap().unwrap().procedure;
    assert_eq!(app.service.store.decisions_on(EA, &procedure).await.unwrap()[0].stage, Stage::Won);
    let odd = press(&app, "ea", "Ana", "go:0123456789abcdef01234567").await;
    assert!(all_of(&odd).contains("ne retrouve pas"));
    assert!(all_of(&press(&app, "ea", "Ana", "n’importe quoi").await).contains("ne sert plus"));
}

#[tokio::test]
async fn a_word_without_an_alert_asks_which_one_and_talk_of_a_group_is_left_alone() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    assert!(say(&app, "ea", "oui").await.contains("De quel marché"));
    let mut group = heard("ea", Channel::Telegram, "Ana", text("oui, à demain", None));
    group.chat.private = false;
    assert!(conversation::dispatch(&app.service, group).await.unwrap().is_empty());
}

pub(crate) async fn from(app: &App, chat: &str, words: &str) -> String {
    all_of(&conversation::dispatch(&app.service, stranger(chat, words)).await.unwrap())
}

pub(crate) fn invitation(role: Role, subscriber: Option<&str>) -> NewInvitation {
    NewInvitation {
        role,
        name: String::new(),
        siret: None,
        subscriber: subscriber.map(str::to_owned),
        expires: now() + Duration::days(14),
    }
}

#[tokio::test]
async fn a_pause_is_obeyed_until_its_day() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    assert!(say(&app, "ea", "/pause bientôt").await.contains("Je ne comprends pas cette date"));
    let paused = say(&app, "ea", "/pause 2 semaines").await;
    assert!(paused.contains("jusqu’au 5 décembre 2026"), "{paused}");
    assert!(say(&app, "ea", "/abonnements").await.contains("en pause jusqu’au 5 décembre 2026"));
    take(&app, "26-1").await;
    assert!(app.service.store.deliveries(None, 10).await.unwrap().is_empty(), "nothing while paused");
    assert!(say(&app, "ea", "/pourquoi 26-999").await.contains("Je n’ai pas lu"));
    assert!(say(&app, "ea", "/pourquoi 26-1").await.contains("abonnement en pause"));
    assert!(say(&app, "ea", "/pourquoi boamp:26-1").await.contains("abonnement en pause"));
    let back = say(&app, "ea", "/reprendre").await;
    assert!(back.contains("un avis n’a pas été signalé"), "{back}");
    take(&app, "26-2").await;
    assert_eq!(app.service.store.deliveries(None, 10).await.unwrap().len(), 2);
    say(&app, "ea", "/pause 5 jours").await;
    app.service.store.close().await;
    let app = bench.at(now() + Duration::days(6)).await;
    take(&app, "26-3").await;
    assert_eq!(app.service.store.deliveries(None, 10).await.unwrap().len(), 4, "it ended by itself");
}

#[tokio::test]
async fn every_command_answers_something_useful() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    person(&app, "op", None, Role::Operator).await;
    take(&app, "26-1").await;
    let delivery = sent(&app, "ea", Channel::Telegram, "7").await;
    press(&app, "ea", "Ana", &format!("go:{delivery}")).await;
    for (said, wanted) in [
        ("/aide", "/echeances"),
        ("/start", "Vos alertes arrivent ici"),
        ("Mes abonnements", "Nord (59)"),
        ("/echeances", "Offres (dans 52\u{a0}jours)"),
        ("/pourquoi", "envoyé tout de suite"),
        ("/ajouter", "Dites de quoi"),
        ("/ajouter Nettoyage des bureaux du Groupe Exemple", "votre structure seule"),
        ("/ajouter Nettoyage des bureaux du Groupe Exemple", "déjà connue"),
        ("/export", "vos abonnements"),
        ("/effacer", "Effacer tout"),
        ("/sante", "pour la personne qui gère Vigie"),
        ("/zzz", "ne connais pas"),
        ("/retirer 9", "ne trouve pas"),
    ] {
        let answer = say(&app, "ea", said).await;
        assert!(answer.contains(wanted), "{said}: {answer}");
    }
    for (said, wanted) in [
        ("/sante", "Les sources"),
        ("/file", "en attente"),
        ("/pauser x", "Quelle source"),
        ("/rejouer x", "Aucun envoi"),
    ] {
        let answer = say(&app, "op", said).await;
        assert!(answer.contains(wanted), "{said}: {answer}");
    }
    let asked = say(&app, "ea", "/retirer 1").await;
    assert!(asked.contains("Retirer cet abonnement"), "{asked}");
    assert!(say(&app, "ea", "oui, le retirer").await.contains("Retiré"), "the label is the button");
    assert!(app.service.store.subscriptions_of("ea").await.unwrap().is_empty());
    assert!(say(&app, "ea", "/stop").await.contains("plus aucun message ici"));
    assert!(say(&app, "ea", "/start").await.contains("De retour"));
    // B7: anybody of a group writes in it.
    for (person, words) in [("ea", "/effacer"), ("ea", "/effacer oui"), ("op", "/sante"), ("op", "/rejouer x")] {
        let mut group = heard(person, Channel::Telegram, "Ana", text(words, None));
        group.chat.private = false;
        let answer = all_of(&conversation::dispatch(&app.service, group).await.unwrap());
        assert!(answer.contains("conversation privée"), "{words}: {answer}");
    }
    assert!(app.service.store.subscriber("ea").await.unwrap().is_some());
    assert!(say(&app, "ea", "/effacer oui").await.contains("ne sait plus rien"));
    assert!(app.service.store.subscriber("ea").await.unwrap().is_none());
    assert!(say(&app, "ea", "/aide").await.contains("personnes invitées"), "a stranger again");
}

#[tokio::test]
async fn a_lost_chat_is_told_on_the_other_channel_and_comes_back_when_it_speaks() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    person(&app, "op", None, Role::Operator).await;
    let left = |said| heard("ea", Channel::Telegram, "Ana", said);
    for _ in 0..2 {
        assert!(conversation::dispatch(&app.service, left(Input::Left)).await.unwrap().is_empty());
    }
    let all = app.service.store.deliveries(None, 100).await.unwrap();
    let told: Vec<(&str, &str)> = all.iter().map(|d| (d.subscriber.as_str(), d.channel.as_str())).collect();
    assert_eq!(told.iter().filter(|t| **t == ("ea", "matrix")).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|(who, _)| *who == "op").count(), 2, "the operator, on both channels: {told:?}");
    assert!(!told.contains(&("ea", "telegram")));
    assert!(all_of(&conversation::dispatch(&app.service, left(Input::Joined)).await.unwrap()).contains("De retour"));
    assert_eq!(app.service.store.active_addresses("ea").await.unwrap().len(), 2);
}

async fn moving(bench: &Bench) {
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    take(&app, "26-1").await;
    let delivery = sent(&app, "ea", Channel::Telegram, "7").await;
    say(&app, "ea", "/abonner").await;
    let moved = heard("ea", Channel::Telegram, "", Input::Moved { to: "-100777".into() });
    for _ in 0..2 {
        assert!(conversation::dispatch(&app.service, moved.clone()).await.unwrap().is_empty());
    }
    let addresses = app.service.store.active_addresses("ea").await.unwrap();
    assert!(addresses.iter().any(|a| a.value == "-100777"), "{addresses:?}");
    let claim =
        Claim { lease_holder: "h", token: "t", limit: 10, lease: Duration::seconds(60), domain_gap: Duration::zero() };
    let claimed = app.service.store.claim(&claim, now()).await.unwrap();
    let waiting = claimed.iter().find(|c| c.id == delivery).unwrap();
    assert_eq!(waiting.to, Some(("-100777".to_owned(), AddressState::Active)), "what waited goes to the new address");
    let mut there =
        heard("ea", Channel::Telegram, "Ana", Input::Pressed { data: format!("go:{delivery}"), about: None });
    there.chat.id = "-100777".into();
    assert_eq!(all_of(&conversation::dispatch(&app.service, there.clone()).await.unwrap()), "Noté\u{a0}: on y va.");
    there.input = text("à la main", None);
    assert!(
        all_of(&conversation::dispatch(&app.service, there).await.unwrap()).contains("Quelle sorte"),
        "the dialogue moved along"
    );
    app.service.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moves_keeps_what_waits_and_what_was_said() {
    moving(&Bench::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moves_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    moving(&Bench::on(&postgres.url)).await;
}

#[tokio::test]
async fn whatever_is_said_gets_one_bounded_answer() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "ea", Some(EA), Role::Structure).await;
    let long = "é".repeat(10_000);
    for said in [
        &long,
        &format!("/{long}"),
        &format!("/pourquoi {long}"),
        "🎉",
        "\u{202e}ediA\u{202c}",
        "",
        "\u{0}",
        "/pause\u{0}",
    ] {
        let answer = say(&app, "ea", said).await;
        assert!(!answer.is_empty() && answer.chars().count() < 2000, "{said}: {answer}");
    }
    let mut last = String::new();
    for _ in 0..70 {
        last = say(&app, "ea", "/aide").await;
    }
    assert_eq!(last, "", "what exceeds is left unanswered");
    app.service.store.close().await;
    let app = bench.at(now() + Duration::minutes(11)).await;
    assert!(!say(&app, "ea", "/aide").await.is_empty(), "and heard again later");
}

#[tokio::test]
async fn a_network_passes_on_to_its_members_what_they_were_not_told() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    person(&app, "gie", None, Role::Network).await;
    for (id, departments) in [("knows", "59"), ("new", "62"), ("outside", "62")] {
        person(&app, id, None, Role::Structure).await;
        let filter = Filter { departments: Department::parse(departments).into_iter().collect(), ..Filter::default() };
        let kept = app.service.store.put_subscription(id, &filter, Cadence::Instant, now()).await.unwrap();
        app.service.store.keep_only_subscriptions(id, &[kept]).await.unwrap();
        if id != "outside" {
            let mut subscriber = app.service.store.subscriber(id).await.unwrap().unwrap();
            subscriber.profile.networks.push("GIE".into());
            let member = NewSubscriber { subscriber, addresses: Vec::new(), declared: false };
            app.service.store.put_subscriber(&member, now()).await.unwrap();
        }
    }
    take(&app, "26-1").await;
    let told = async |id: &str| {
        app.service.store.deliveries(None, 100).await.unwrap().iter().filter(|d| d.subscriber == id).count()
    };
    assert_eq!((told("knows").await, told("new").await), (2, 0), "one of the members asked for that place");

    let delivery = sent(&app, "gie", Channel::Matrix, "$1").await;
    let pass_on = async || {
        let said = text("/transmettre", Some(&delivery));
        all_of(&conversation::dispatch(&app.service, heard("gie", Channel::Matrix, "claire", said)).await.unwrap())
    };
    assert_eq!(pass_on().await, "Transmis à 1\u{a0}membre\u{202f}; 1\u{a0}autre le savait déjà.");
    assert_eq!((told("knows").await, told("new").await, told("outside").await), (2, 2, 0));
    let row = app.service.store.notice("26-1").await.unwrap().unwrap();
    let why = app.service.store.notifications("new", &row.procedure).await.unwrap();
    assert!(why[0].reasons.contains("Transmis par gie"), "{why:?}");
    let why = app.service.store.notifications("knows", &row.procedure).await.unwrap();
    assert!(why.iter().any(|w| w.reasons.contains("déjà signalé") && w.reasons.contains("Transmis par gie")));

    assert_eq!(pass_on().await, "2\u{a0}membres le savent déjà\u{a0}: personne n’a rien reçu de plus.");
    let refused = say(&app, "new", "/transmettre 26-1").await;
    assert!(refused.starts_with("/transmettre est pour les réseaux"), "{refused}");

    // What follows reaches the member whom only the network told.
    let mut later = call("26-1");
    later.dates[0].at += Duration::days(3);
    ingest::ingest(&app.service, &later, None).await.unwrap();
    assert_eq!((told("new").await, told("outside").await), (4, 0));
}
