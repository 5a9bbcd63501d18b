//! One market, and everything that shows it: mails as words and as a page, digests, both chats, the console, pages, the calendar, the
//! feed, the API, the command line. What is told of it is told alike on each, by the real binary to servers that keep what they get.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use mail_parser::MessageParser;
use vigie_domain::notice::Award;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{
    Around, Cadence, Channel, DateKind, Decision, Department, Filter, NoAwardReason, Notice, NoticeKind, Passage,
    Place, Stage, StructureKind, Subscriber, TypedDate,
};
use vigie_notifier::message::Form;
use vigie_service::{Clock, alert_card};
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::tokens::Scope;
use vigie_tests::pages::{Pages, Visitor};
use vigie_tests::servers::vigie;
use vigie_tests::sink::Sink;
use vigie_tests::telegram::{Double, TOKEN};

const JEANNE: &str = "21590350100017";
const PAUL: &str = "26590671900017";
const ROOMS: [(&str, i64); 3] = [("jeanne", 501), ("paul", 502), ("fatou", 503)];

fn morning() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

/// Jeanne hears at once by mail, on Telegram and on the console; Paul in digests, by mail and on Telegram; Fatou is a facilitator.
struct Town {
    pages: Pages,
    sink: Sink,
    double: Double,
    config: PathBuf,
}

/// What each surface shows, by its name, with plain spaces.
type Said = BTreeMap<&'static str, String>;

fn plain(text: &str) -> String {
    let text =
        text.replace(['\u{a0}', '\u{202f}'], " ").replace("\r\n ", "").replace("&#39;", "'").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Town {
    async fn new(kind: StructureKind, filter: &Filter) -> Self {
        let (sink, double) = (Sink::that_keeps().await.unwrap(), Double::start().await.unwrap());
        let dir = tempfile::tempdir().unwrap();
        let (root, url) = (dir.path().to_owned(), format!("sqlite:{}", dir.path().join("v.sqlite").display()));
        std::fs::write(root.join("jeton"), TOKEN).unwrap();
        let more = format!(
            "[fetch]\nallow_private = [\"127.0.0.0/8\"]\n[email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n\
             [telegram]\ntoken = {{ file = \"{}\" }}\napi_url = \"{}\"\n",
            sink.port,
            root.join("jeton").display(),
            double.url
        );
        let pages = Pages::start_on(dir, &url, Clock::fixed(morning()), &more).await.unwrap();
        let config = root.join("vigie.toml");
        let head = format!(
            "[store]\nurl = \"{url}\"\n[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"{}\"\nsecret = {{ file = \"{}\" }}\n\
             [operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n",
            pages.base,
            root.join("secret").display()
        );
        std::fs::write(&config, format!("{head}{more}")).unwrap();
        let town = Self { pages, sink, double, config };
        for (id, siret, cadence, role) in [
            ("jeanne", Some(JEANNE), Cadence::Instant, Role::Structure),
            ("paul", Some(PAUL), Cadence::Daily, Role::Structure),
            ("fatou", None, Cadence::Instant, Role::Facilitator),
        ] {
            let room = ROOMS.iter().find(|(who, _)| *who == id).unwrap().1;
            town.double.person(room, id);
            let mut addresses = vec![
                (Channel::Email, format!("{id}@structure.example"), AddressState::Active),
                (Channel::Telegram, room.to_string(), AddressState::Active),
            ];
            if id == "jeanne" {
                addresses.push((Channel::Console, "stdout".to_owned(), AddressState::Active));
            }
            let name = if id == "fatou" { "Fatou Diallo".to_owned() } else { id.to_owned() };
            let profile = Profile { kind: siret.map(|_| kind), siret: siret.map(str::to_owned), ..Profile::default() };
            let subscriber = Subscriber { id: id.into(), name, role, profile };
            let person = NewSubscriber { subscriber, addresses, declared: false };
            let store = &town.pages.app.service.store;
            store.put_subscriber(&person, morning()).await.unwrap();
            store.put_subscription(id, filter, cadence, morning()).await.unwrap();
        }
        town
    }

    fn vigie(&self, args: &[&str]) -> String {
        let now = self.pages.app.service.clock.now();
        self.double.set_now(now);
        let mut command = Command::new(vigie());
        command.args(args).arg("-c").arg(&self.config).env("VIGIE_NOW", now.to_rfc3339()).env_remove("VIGIE_CONFIG");
        let out = command.output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// Sends what is due; gives what the console shows. Chats have a pace: one message now, the next some seconds later.
    fn deliver(&self) -> String {
        let clock = &self.pages.app.service.clock;
        let pass = |_| {
            let shown = self.vigie(&["run", "--once", "--role", "deliver"]);
            clock.set(clock.now() + Duration::seconds(5));
            shown
        };
        (0..4).map(pass).collect()
    }

    /// The last mail to somebody, as words and as a page.
    fn mail(&self, who: &str) -> Option<[String; 2]> {
        let to = format!("{who}@structure.example");
        let received = self.sink.received();
        let last = received.iter().rev().find(|m| m.to.contains(&to))?;
        let read = MessageParser::default().parse(last.whole.as_slice()).unwrap();
        let subject = read.subject().unwrap_or_default().to_owned();
        Some([
            format!("{subject}\n{}", read.body_text(0).unwrap()),
            format!("{subject}\n{}", read.body_html(0).unwrap()),
        ])
    }

    /// The last message of a chat, with its buttons and the addresses of its links.
    fn chat(&self, who: &str) -> Option<String> {
        let room = ROOMS.iter().find(|(id, _)| *id == who)?.1;
        let last = self.double.messages(room).pop()?;
        let buttons = last.buttons.iter().flatten().map(|(label, _)| label.clone());
        let links = last.styles.iter().filter_map(|(.., link)| link.clone());
        Some(std::iter::once(last.text.clone()).chain(buttons).chain(links).collect::<Vec<_>>().join("\n"))
    }

    /// What a room of Matrix gets of the last message to Jeanne.
    async fn room(&self) -> Option<String> {
        let service = &self.pages.app.service;
        let rows = service.store.deliveries(None, 100).await.unwrap();
        let row = rows.into_iter().find(|d| d.subscriber == "jeanne" && d.channel == Channel::Telegram)?;
        let item = service.store.items_of(&row.id, &row.subscriber, &row.cause).await.unwrap().into_iter().next()?;
        let part = alert_card::read(service, &item).await.unwrap().unwrap();
        let message = service.templates.alert(Form::Chat, &part.item(), None, service.clock.now()).unwrap();
        let content = vigie_matrix::content::message(&message.chat(), None);
        Some(format!("{}\n{}", content["body"].as_str()?, content["formatted_body"].as_str()?))
    }

    /// Sends what is due now and the next morning; gives all that left, and all that can be looked at then. A surface that heard nothing
    /// is not there.
    async fn told(&self, procedure: &str, record: &str) -> Said {
        let clock = &self.pages.app.service.clock;
        self.sink.clear();
        let before: BTreeMap<&str, usize> =
            ROOMS.iter().map(|(who, room)| (*who, self.double.messages(*room).len())).collect();
        let heard =
            |who: &str| self.double.messages(ROOMS.iter().find(|(id, _)| *id == who).unwrap().1).len() > before[who];
        let mut said = Said::new();
        let console = self.deliver();
        if console.contains("Objet") {
            said.insert("console", console);
        }
        if heard("jeanne") {
            said.extend(self.chat("jeanne").map(|text| ("Telegram", text)));
            said.extend(self.room().await.map(|text| ("Matrix", text)));
        }
        let next = (clock.now() + Duration::days(1)).date_naive().and_hms_opt(7, 0, 30).unwrap().and_utc();
        clock.set(next);
        self.deliver();
        if let Some([words, page]) = self.mail("jeanne") {
            said.extend([("mail, words", words), ("mail, page", page)]);
        }
        if let Some([words, page]) = self.mail("paul") {
            said.extend([("digest, words", words), ("digest, page", page)]);
        }
        if heard("paul") {
            said.extend(self.chat("paul").map(|text| ("digest, Telegram", text)));
        }
        let jeanne = self.pages.signed_in("jeanne").await.unwrap();
        let main = async |visitor: &Visitor, path: &str| {
            let body = visitor.get(path).await.unwrap().body;
            body.split("<main").nth(1).unwrap_or(&body).split("</main>").next().unwrap().to_owned()
        };
        said.insert("page", main(&jeanne, &format!("/procedure/{procedure}")).await);
        said.insert("home", main(&jeanne, "/").await);
        said.insert("search", main(&jeanne, "/chercher?etat=tous").await);
        let store = &self.pages.app.service.store;
        if store.tokens("jeanne").await.unwrap().is_empty() {
            for kind in ["calendar", "feed"] {
                jeanne.post_form("/compte/jetons", &[("lien", kind)]).await.unwrap();
            }
        }
        for token in store.tokens("jeanne").await.unwrap() {
            let Some(url) = vigie_web::account::private_url(&self.pages.app.service, &token) else { continue };
            let body = jeanne.get(url.strip_prefix(&self.pages.base).unwrap()).await.unwrap().body;
            said.insert(if url.contains("/fil/") { "feed" } else { "calendar" }, body);
        }
        let program = self.pages.program("jeanne", &[Scope::Procedures]).await.unwrap();
        said.insert("API", program.get(&format!("/api/v1/procedures/{procedure}")).await.unwrap().body);
        said.insert("command line", self.vigie(&["why", "--notice", record, "--subscriber", "jeanne"]));
        said.into_iter().map(|(surface, text)| (surface, plain(&text))).collect()
    }
}

/// Surfaces that bring a message.
const MESSAGES: [&str; 8] =
    ["mail, words", "mail, page", "digest, words", "digest, page", "Telegram", "digest, Telegram", "Matrix", "console"];

/// Each of these surfaces says that.
#[track_caller]
fn each_says(said: &Said, surfaces: &[&str], words: &str) {
    let silent: Vec<_> = surfaces.iter().filter(|s| !said.get(**s).is_some_and(|text| text.contains(words))).collect();
    let first = silent.first().map(|s| said.get(**s));
    assert!(silent.is_empty(), "« {words} » is not said by {silent:?}; the first says {first:#?}");
}

/// None of these surfaces says that.
#[track_caller]
fn none_says(said: &Said, surfaces: &[&str], words: &str) {
    let wrong: Vec<_> = surfaces.iter().filter(|s| said.get(**s).is_some_and(|text| text.contains(words))).collect();
    let first = wrong.first().map(|s| said.get(**s));
    assert!(wrong.is_empty(), "« {words} » is said by {wrong:?}; the first says {first:#?}");
}

fn and<'a>(some: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [some, more].concat()
}

fn north() -> Filter {
    Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() }
}

fn day(text: &str) -> (DateTime<chrono::FixedOffset>, bool) {
    (DateTime::parse_from_rfc3339(text).unwrap(), true)
}

/// A call of Lens: reserved, with a visit, a way to its documents, and what is to be done.
fn call() -> Notice {
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage des locaux communaux".into();
    notice.buyer.name = "Ville de Lens".into();
    notice.buyer.siret = Some("21620498200010".into());
    notice.departments.extend(Department::parse("62"));
    notice.places.push(Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None });
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 20);
    notice.url = Some("https://www.boamp.fr/pages/avis/?q=idweb:26-1".into());
    notice.documents_url = Some("https://marches.example/consultation/1".into());
    notice.dates.push(TypedDate::of_field(DateKind::Tender, day("2026-12-21T12:00:00+01:00"), "dateReceptionOffres"));
    notice.dates.push(TypedDate::of_field(DateKind::Visit, day("2026-12-03T10:00:00+01:00"), "dateVisite"));
    let mut say = |field: &str, text: &str| {
        notice.passages.push(Passage { field: field.into(), lot: None, text: text.into() });
    };
    say("MAPA.initial.description.objet", "Nettoyage de l’hôtel de ville, de la médiathèque et de trois écoles");
    say("rensgComplt", "Le marché est réservé aux entreprises adaptées et aux ESAT (article L2113-12).");
    notice
}

fn follow_up(record: &str, kind: NoticeKind) -> Notice {
    let mut notice = Notice::new("boamp", record, kind);
    notice.title = call().title;
    notice.buyer.name = call().buyer.name;
    notice.links.earlier = vec!["26-1".into()];
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 22);
    notice
}

impl Town {
    /// The call, told to everybody; Jeanne goes for it.
    async fn with_call(kind: StructureKind) -> (Self, String, Said) {
        let town = Self::new(kind, &north()).await;
        let procedure = town.pages.take(&call()).await.unwrap();
        let said = town.told(&procedure, "26-1").await;
        let go = Decision::new(JEANNE, &procedure, Stage::Go, "jeanne", town.pages.app.service.clock.now());
        town.pages.app.service.store.decide(&go).await.unwrap();
        (town, procedure, said)
    }
}

/// What is reserved to others reaches nobody who did not ask for it: no message, no page of theirs, no feed. The digest has it apart for
/// who asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_to_others_is_on_no_surface_of_theirs() {
    let town = Town::new(StructureKind::Ei, &north()).await;
    let procedure = town.pages.take(&call()).await.unwrap();
    let said = town.told(&procedure, "26-1").await;
    for silent in MESSAGES {
        let digest = silent.starts_with("digest");
        assert!(!said.contains_key(silent) || digest, "{silent}: {:?}", said.get(silent));
    }
    none_says(&said, &["home", "feed", "calendar"], "Nettoyage des locaux");
    none_says(&said, &["digest, words", "digest, page", "digest, Telegram"], "marché pour vous");
    each_says(&said, &["page", "search"], "Réservé aux EA et ESAT");
    each_says(&said, &["command line"], "hors de ce que votre structure peut faire");
    none_says(&said, &["page"], "Pourquoi vous");
    // To whom it is open, it is told at once, as such.
    let (_town, _, said) = Town::with_call(StructureKind::Ea).await;
    each_says(&said, &and(&MESSAGES, &["page", "home", "search", "feed"]), "Réservé aux EA et ESAT");
    each_says(&said, &["mail, words", "mail, page", "Telegram", "Matrix", "console"], "Pourquoi vous");
}

/// What is called off says so on top with the buyer's reason, and offers nothing that means nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_is_called_off_on_every_surface() {
    let (town, procedure, _) = Town::with_call(StructureKind::Ea).await;
    let mut off = follow_up("26-9", NoticeKind::Cancellation);
    let reason = "La consultation est déclarée sans suite : le besoin doit être redéfini";
    off.awards = vec![Award { words: Some(reason.into()), ..Award::none(None, Some(NoAwardReason::GeneralInterest)) }];
    town.pages.take(&off).await.unwrap();
    let said = town.told(&procedure, "26-9").await;
    let people = and(&MESSAGES, &["page", "home", "search", "feed", "calendar"]);
    each_says(&said, &people, "Annulé");
    each_says(&said, &and(&MESSAGES[..4], &["Telegram", "Matrix", "console", "page", "feed"]), reason);
    for gone in ["endre avant", "On y va", "Écarter", "Plus tard", "Gagné", "marché pour vous"] {
        let without_home = and(&MESSAGES, &["page", "search", "feed", "calendar"]);
        none_says(&said, &without_home, gone);
    }
    each_says(&said, &["API"], "\"cancelled\"");
    each_says(&said, &["calendar"], "STATUS:CANCELLED");
    each_says(&said, &["command line"], "annul");
}

/// What a facilitator corrects is signed, with its note, and no rectificatif of the buyer; its author hears nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_by_a_facilitator_is_signed_on_every_surface() {
    let (town, procedure, _) = Town::with_call(StructureKind::Ea).await;
    let fatou = town.pages.signed_in("fatou").await.unwrap();
    let fields = [
        ("kind", "execution_clause"),
        ("holds", "oui"),
        ("hours", "6 000"),
        ("note", "article 5 du CCAP"),
        ("do", "corriger"),
    ];
    let done = fatou.post_form(&format!("/procedure/{procedure}/signaler"), &fields).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    let before = town.double.messages(503).len();
    let said = town.told(&procedure, "26-1").await;
    let people = and(&MESSAGES, &["page", "feed"]);
    for words in ["Fatou Diallo", "article 5 du CCAP"] {
        each_says(&said, &people, words);
    }
    // An entry of a feed names what was added, the page behind it says how much.
    each_says(&said, &and(&MESSAGES, &["page"]), "6 000 h");
    none_says(&said, &and(&people, &["home", "search", "calendar"]), "Rectificatif");
    none_says(&said, &people, "relisez l’avis");
    none_says(&said, &people, "Champ");
    each_says(&said, &["command line"], "corrig");
    assert!(
        town.mail("fatou").is_none() && town.double.messages(503).len() == before,
        "its author hears nothing of it"
    );
}

/// A rectificatif that gives a date alone keeps what its procedure said: the way to the documents, what is to be done, where, the visit.
#[tokio::test(flavor = "multi_thread")]
async fn a_rectificatif_keeps_what_it_does_not_say_on_every_surface() {
    let (town, procedure, _) = Town::with_call(StructureKind::Ea).await;
    let mut later = follow_up("26-2", NoticeKind::Correction);
    later.departments = call().departments;
    later.dates = vec![TypedDate::of_field(DateKind::Tender, day("2027-01-11T12:00:00+01:00"), "lireDate")];
    town.pages.take(&later).await.unwrap();
    let said = town.told(&procedure, "26-2").await;
    let told = ["mail, words", "mail, page", "Telegram", "Matrix", "console"];
    each_says(&said, &and(&MESSAGES, &["page", "home", "search", "feed", "API"]), "Nettoyage des locaux communaux");
    each_says(&said, &and(&told, &["page", "feed"]), "https://marches.example/consultation/1");
    each_says(&said, &and(&told, &["page", "feed"]), "médiathèque");
    each_says(&said, &and(&told, &["page", "feed"]), "Lens, Pas-de-Calais (62)");
    each_says(&said, &and(&MESSAGES, &["page", "home", "search", "feed"]), "Pas-de-Calais (62)");
    each_says(&said, &and(&MESSAGES, &["page", "home", "search", "feed"]), "11 janvier 2027");
    each_says(&said, &and(&told, &["page", "home"]), "3 décembre 2026");
    // What is reserved stays so, and the appointments of the calendar too.
    each_says(&said, &and(&MESSAGES, &["page", "home", "search", "feed"]), "Réservé aux EA et ESAT");
    each_says(&said, &["calendar"], "DTSTART:20270111T110000Z");
    each_says(&said, &["calendar"], "DTSTART:20261203T090000Z");
    none_says(&said, &["calendar"], "DTSTART:20261221");
}

/// A rectificatif that repeats only the département reaches nobody out of the area of its procedure.
#[tokio::test(flavor = "multi_thread")]
async fn a_rectificatif_reaches_nobody_out_of_the_area_on_any_surface() {
    let department = Department::parse("62");
    let calais = vigie_config::rules::communes().named("Calais", department.as_ref())[0].code.to_owned();
    let filter = Filter { around: vec![Around { commune: calais, km: 8 }], ..Filter::default() };
    let town = Town::new(StructureKind::Ea, &filter).await;
    let procedure = town.pages.take(&call()).await.unwrap();
    let mut later = follow_up("26-2", NoticeKind::Correction);
    later.departments = call().departments;
    later.dates = vec![TypedDate::of_field(DateKind::Tender, day("2027-01-11T12:00:00+01:00"), "lireDate")];
    town.pages.take(&later).await.unwrap();
    let said = town.told(&procedure, "26-2").await;
    for silent in MESSAGES {
        assert!(!said.contains_key(silent), "{silent}: {:?}", said.get(silent));
    }
    none_says(&said, &["home", "feed", "calendar"], "Nettoyage des locaux");
}

/// A closing date that is written in the text alone is read, and one that is nowhere is said to be missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_in_the_text_is_read_and_a_missing_one_is_told_on_every_surface() {
    let open = and(&MESSAGES, &["page", "search", "feed"]);
    for (text, told) in [("Date limite : 12 décembre 2026 à 12h00", true), ("Les offres sont attendues.", false)] {
        let town = Town::new(StructureKind::Ea, &north()).await;
        let mut notice = call();
        notice.dates.clear();
        notice.passages.push(Passage { field: "text".into(), lot: None, text: text.into() });
        let procedure = town.pages.take(&notice).await.unwrap();
        let said = town.told(&procedure, "26-1").await;
        if told {
            each_says(&said, &and(&open, &["home"]), "12 décembre 2026");
            none_says(&said, &open, "non trouvée");
        } else {
            let lowered: Said = said.iter().map(|(surface, text)| (*surface, text.to_lowercase())).collect();
            // Lists show a date, or none.
            let telling: Vec<&str> = open.iter().copied().filter(|surface| *surface != "search").collect();
            each_says(&lowered, &telling, "date limite non trouvée : voir l’avis");
        }
    }
}

/// What a buyer means to reserve is told to those it would be for, as what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_is_meant_is_told_as_such_on_every_surface() {
    let town = Town::new(StructureKind::Ei, &north()).await;
    let mut planned = call();
    planned.kind = NoticeKind::Planned;
    planned.dates.clear();
    planned.passages.pop();
    let text =
        "L’acheteur envisage de réserver ce lot aux structures d’insertion par l’activité économique (L. 2113-13).";
    planned.passages.push(Passage { field: "text".into(), lot: None, text: text.into() });
    let procedure = town.pages.take(&planned).await.unwrap();
    let said = town.told(&procedure, "26-1").await;
    let people = and(&MESSAGES, &["page", "home", "search", "feed"]);
    let lowered: Said = said.iter().map(|(surface, text)| (*surface, text.to_lowercase())).collect();
    each_says(&lowered, &people, "réservation envisagée");
    none_says(&said, &people, "Réservé aux");
    none_says(&said, &people, "endre avant");
}

/// Who reads a message knows who writes it: name, organisation and a way to reach them.
#[tokio::test(flavor = "multi_thread")]
async fn who_runs_the_installation_is_named_where_it_writes() {
    let (town, ..) = Town::with_call(StructureKind::Ea).await;
    for who in ["jeanne", "paul"] {
        for text in town.mail(who).unwrap() {
            for words in ["Camille Essai", "Les essais", "camille@vigie.example"] {
                assert!(text.contains(words), "{words}: {text}");
            }
        }
    }
    let service = &town.pages.app.service;
    for path in ["/", "/a-propos", "/donnees-personnelles", "/entrer"] {
        let page = town.pages.stranger().unwrap().get(path).await.unwrap().body;
        assert!(page.contains("Camille Essai") && page.contains("Les essais"), "{path}: {page}");
    }
    // Somebody who writes to the bot and is not known to it is told whom to ask.
    use vigie_conversation::{Chat, Incoming, Input, Sender, dispatch};
    for channel in [Channel::Telegram, Channel::Matrix] {
        let chat = Chat { channel, id: "inconnu".into(), private: true, title: String::new() };
        let input = Input::Text { text: "/start".into(), about: None, edited: false, forwarded: false };
        let sender = Sender { id: "inconnu".into(), name: "Ana".into() };
        let replies = dispatch(service, Incoming { chat, sender, input }).await.unwrap();
        assert!(replies.iter().any(|r| r.text.text.contains("Camille Essai")), "{replies:?}");
    }
}
