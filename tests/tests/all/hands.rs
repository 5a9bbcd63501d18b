//! In their own hands: what people settle of how they are written to, and of their subscriptions, is the same wherever they do it.

pub(crate) mod learned;
mod sign_up;
mod tools;

use chrono::{DateTime, Duration, Utc};
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_delivery::failover;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Department, Filter, MessageKind, StructureKind, Subscriber};
use vigie_notifier::typeset::typeset;
use vigie_service::preferences::{self, Change, Setting};
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::preferences::Preferences;
use vigie_tests::pages::{Pages, Visitor};

use crate::conversation::{all_of, datas, text};
use crate::pages::call;

const SIRET: &str = "33333333300017";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

/// A person of the structure, reached by mail, on Telegram and on Matrix.
async fn person(pages: &Pages, id: &str, name: &str) {
    let profile = Profile { kind: Some(StructureKind::Ea), siret: Some(SIRET.to_owned()), ..Profile::default() };
    let subscriber = Subscriber { id: id.to_owned(), name: name.to_owned(), role: Role::Structure, profile };
    let addresses = vec![
        (Channel::Email, format!("{id}@structure.example"), AddressState::Active),
        (Channel::Telegram, format!("tg-{id}"), AddressState::Active),
        (Channel::Matrix, format!("!{id}:a.fr"), AddressState::Active),
    ];
    let new = NewSubscriber { subscriber, addresses, declared: false };
    pages.app.service.store.put_subscriber(&new, now()).await.unwrap();
}

fn north() -> Filter {
    Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() }
}

async fn hears(pages: &Pages, id: &str, channel: Channel, input: Input) -> Vec<conversation::Reply> {
    let chat = if channel == Channel::Telegram { format!("tg-{id}") } else { format!("!{id}:a.fr") };
    let incoming = Incoming {
        chat: Chat { channel, id: chat, private: true, title: String::new() },
        sender: Sender { id: id.to_owned(), name: "Ana".into() },
        input,
    };
    conversation::dispatch(&pages.app.service, incoming).await.unwrap()
}

async fn says(pages: &Pages, id: &str, channel: Channel, words: &str) -> String {
    all_of(&hears(pages, id, channel, text(words, None)).await)
}

async fn presses(pages: &Pages, id: &str, channel: Channel, data: &str) -> String {
    all_of(&hears(pages, id, channel, Input::Pressed { data: data.to_owned(), about: None }).await)
}

async fn stands(pages: &Pages, id: &str) -> Preferences {
    pages.app.service.store.preferences(id).await.unwrap()
}

/// The fields of the page as they stand, one changed: what a browser sends.
async fn form(visitor: &Visitor, changed: &[(&str, &str)]) -> u16 {
    let page = visitor.get("/reglages").await.unwrap().body;
    let mut fields: Vec<(String, String)> = Vec::new();
    for select in page.split("<select ").skip(1) {
        let name = between(select, "name=\"", "\"");
        let chosen = select.split("</select>").next().unwrap().split("<option ").find(|o| o.contains(" selected"));
        fields.push((name, chosen.map(|o| between(o, "value=\"", "\"")).unwrap_or_default()));
    }
    for input in page.split("<input ").skip(1).map(|i| i.split('>').next().unwrap()) {
        let (name, value) = (between(input, "name=\"", "\""), between(input, "value=\"", "\""));
        let on = !input.contains("type=\"checkbox\"") || input.contains(" checked");
        if on && name != "csrf" && !name.is_empty() {
            fields.push((name, value));
        }
    }
    for (name, _) in changed {
        fields.retain(|(n, _)| n != name);
    }
    let mut all: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    all.extend(changed.iter().filter(|(_, v)| !v.is_empty()));
    visitor.post_form("/reglages", &all).await.unwrap().status.as_u16()
}

fn between(text: &str, open: &str, close: &str) -> String {
    text.split(open).nth(1).and_then(|rest| rest.split(close).next()).unwrap_or_default().to_owned()
}

/// Fields of the form, what a chat says, and how it reads wherever it is shown.
type Preference = (&'static [(&'static str, &'static str)], &'static str, &'static str);

/// Each preference, as the page sets it, as a chat says it, and how it reads wherever it is shown.
const TABLE: &[Preference] = &[
    (&[("heure", "7")], "/reglages résumé à 7 h", "Heure des résumés : 7 h"),
    (&[("jour", "lundi"), ("jour", "jeudi")], "/reglages jours lundi, jeudi", "Jours des résumés : lundi et jeudi"),
    (
        &[("silence-de", "20"), ("silence-a", "7")],
        "/reglages silence de 20 h à 7 h",
        "Heures de silence : de 20 h à 7 h",
    ),
    (&[("urgences", "oui")], "/reglages urgences oui", "ce qui est urgent : vient quand même"),
    (&[("limite", "5")], "/reglages au plus 5 par heure", "Messages par heure : 5 au plus, le reste groupé"),
    (&[("canal-instant", "telegram")], "/reglages alertes sur Telegram", "Alertes immédiates : sur Telegram"),
    (&[("canal-digest", "email")], "/reglages résumés par courriel", "Résumés : par courriel"),
    (&[("canal-reminder", "matrix")], "/reglages rappels sur Matrix", "Rappels : sur Matrix"),
    (&[("canal-award", "email")], "/reglages attributions par courriel", "Attributions et suites : par courriel"),
    (&[("canal-renewal", "email")], "/reglages contrats par courriel", "Contrats à renouveler : par courriel"),
    (&[("canal-alarm", "email")], "/reglages messages de service par courriel", "Messages de service : par courriel"),
    (
        &[("ordre-0", "telegram"), ("ordre-1", "email")],
        "/reglages ordre Telegram, courriel",
        "Si un canal ne répond plus : Telegram, puis courriel",
    ),
    (
        &[("depart", "2027-01-03"), ("retour", "2027-01-12")],
        "/absence du 3 au 12 janvier 2027",
        "Absence : départ le 3 janvier 2027, retour le 12 janvier 2027, personne ne remplace",
    ),
    (&[("conseils", "")], "/reglages conseils non", "Abonnement trop large ou trop étroit : ne m’est pas signalé"),
    (
        &[("retour", "2027-01-12"), ("remplacant", "marc")],
        "/absence jusqu’au 12 janvier 2027, Marc me remplace",
        "Absence : retour le 12 janvier 2027, Marc remplace",
    ),
];

#[tokio::test]
async fn each_preference_set_on_the_page_shows_in_both_chats_and_each_set_in_a_chat_shows_on_the_page() {
    for setting in Setting::all() {
        let named = format!("{} : ", setting.in_french());
        assert!(
            TABLE.iter().any(|(.., reads)| named.ends_with(reads.split_inclusive(" : ").next().unwrap())),
            "{named}"
        );
    }
    for from_page in [true, false] {
        for (n, (fields, words, reads)) in TABLE.iter().enumerate() {
            let pages = Pages::start(now(), "").await.unwrap();
            person(&pages, "ana", "Ana").await;
            person(&pages, "marc", "Marc").await;
            let ana = pages.signed_in("ana").await.unwrap();
            let said_in = if n % 2 == 0 { Channel::Telegram } else { Channel::Matrix };
            if from_page {
                assert_eq!(form(&ana, fields).await, 303, "{words}");
            } else {
                let answer = says(&pages, "ana", said_in, words).await;
                assert!(answer.contains(&typeset(&format!("{reads}."))), "{words}: {answer}");
            }
            for channel in [Channel::Telegram, Channel::Matrix] {
                let shown = says(&pages, "ana", channel, "/reglages").await;
                assert!(shown.contains(&typeset(reads)), "{words} on {channel:?}: {shown}");
            }
            let page = ana.get("/reglages").await.unwrap().body;
            for (name, value) in fields.iter() {
                let held = match *name {
                    "jour" | "urgences" => {
                        let input = page.split("<input ").find(|i| {
                            i.contains(&format!("name=\"{name}\"")) && i.contains(&format!("value=\"{value}\""))
                        });
                        input.is_some_and(|i| i.split('>').next().unwrap().contains(" checked"))
                    }
                    "conseils" => !between(&page, "name=\"conseils\"", ">").contains(" checked"),
                    "limite" | "depart" | "retour" => page.contains(&format!("name=\"{name}\" value=\"{value}\"")),
                    _ => {
                        let select = page.split("<select ").find(|s| s.contains(&format!("name=\"{name}\""))).unwrap();
                        select.contains(&format!("<option value=\"{value}\" selected>"))
                    }
                };
                assert!(held, "{words}: {name} = {value} is not on the page: {page}");
            }
            // The same by either road, and back to nothing by the page.
            let here = stands(&pages, "ana").await;
            assert_ne!(here, Preferences::default(), "{words}");
            let other = Pages::start(now(), "").await.unwrap();
            person(&other, "ana", "Ana").await;
            person(&other, "marc", "Marc").await;
            if from_page {
                says(&other, "ana", said_in, words).await;
            } else {
                form(&other.signed_in("ana").await.unwrap(), fields).await;
            }
            assert_eq!(stands(&other, "ana").await, here, "{words}: page and chat lead to the same");
        }
    }
}

#[tokio::test]
async fn buttons_of_the_settings_do_what_they_say_and_what_is_wrong_changes_nothing() {
    let pages = Pages::start(now(), "").await.unwrap();
    person(&pages, "ana", "Ana").await;
    person(&pages, "marc", "Marc").await;
    let ana = pages.signed_in("ana").await.unwrap();
    for topic in
        ["resume", "jours", "silence", "urgences", "limite", "canaux", "alertes", "ordre", "absence", "conseils"]
    {
        let replies = hears(&pages, "ana", Channel::Telegram, text(&format!("/reglages {topic}"), None)).await;
        let buttons = datas(&replies);
        assert!(buttons.len() >= 2, "{topic}: {buttons:?}");
        for data in buttons.iter().filter(|d| *d != "/reglages") {
            let answer = presses(&pages, "ana", Channel::Telegram, data).await;
            assert!(!answer.contains("Je ne lis pas") && !answer.contains("Je ne comprends pas"), "{data}: {answer}");
        }
    }
    let answer = says(&pages, "ana", Channel::Matrix, "/absence 2 semaines").await;
    assert!(answer.contains("Marc me remplace"), "{answer}");
    assert!(
        says(&pages, "ana", Channel::Matrix, "Marc me remplace").await.contains("Marc remplace"),
        "a label is a button"
    );
    let before = stands(&pages, "ana").await;
    for words in [
        "/reglages résumé à 25 h",
        "/reglages silence de 7 h à 7 h",
        "/reglages remplaçant Zoé",
        "/absence hier",
        "/reglages alertes sur pigeon",
        "/reglages n’importe quoi",
    ] {
        says(&pages, "ana", Channel::Telegram, words).await;
        assert_eq!(stands(&pages, "ana").await, before, "{words}");
    }
    for wrong in [
        &[("silence-de", "7"), ("silence-a", "7")][..],
        &[("silence-de", "7"), ("silence-a", "")][..],
        &[("limite", "beaucoup")][..],
        &[("jour", "")][..],
        &[("retour", "2020-01-01")][..],
        &[("retour", ""), ("remplacant", "zoe")][..],
        &[("depart", "2027-01-12"), ("retour", "2027-01-03")][..],
        &[("depart", "2027-01-12"), ("retour", ""), ("remplacant", "")][..],
    ] {
        assert_eq!(form(&ana, wrong).await, 422, "{wrong:?}");
        assert_eq!(stands(&pages, "ana").await, before, "{wrong:?}");
    }
    let typed = ana.post_form("/reglages", &[("jour", "lundi"), ("limite", "beaucoup"), ("heure", "6")]).await.unwrap();
    assert!(
        typed.body.contains("value=\"beaucoup\"") && typed.body.contains("<option value=\"6\" selected>"),
        "{}",
        typed.body
    );
    // Nobody of another structure stands in, and no channel carries anything that one does not have.
    pages.person("rival", "Rival", Role::Structure, Some("44444444400014")).await.unwrap();
    let me = pages.app.service.store.subscriber("ana").await.unwrap().unwrap();
    for change in [Change::StandIn(Some("rival".into())), Change::Route(MessageKind::Digest, Some(Channel::Console))] {
        let refused = preferences::apply(&pages.app.service, &me, std::slice::from_ref(&change)).await.unwrap();
        assert!(matches!(refused, preferences::Settled::Refused(_)), "{change:?}");
    }
    assert!(!ana.get("/reglages").await.unwrap().body.contains("Rival"));
    // An absence ends by its day of return taken out, or by its box.
    for ends in [("retour", ""), ("absence", "annuler")] {
        let said = says(&pages, "ana", Channel::Telegram, "/absence du 3 au 12 janvier 2027, Marc me remplace").await;
        assert!(stands(&pages, "ana").await.away.is_some(), "{said}");
        assert_eq!(form(&ana, &[ends]).await, 303, "{ends:?}");
        assert_eq!(stands(&pages, "ana").await.away, None, "{ends:?}");
    }
}

#[tokio::test]
async fn a_subscription_is_changed_tried_named_paused_and_resumed_in_a_chat_and_on_the_page() {
    let pages = Pages::start(now(), "").await.unwrap();
    person(&pages, "ana", "Ana").await;
    let store = &pages.app.service.store;
    let first = store.put_subscription("ana", &north(), Cadence::Instant, now()).await.unwrap();
    store
        .put_subscription(
            "ana",
            &Filter { words: vec!["linge".into()], ..north() },
            Cadence::Daily,
            now() + Duration::seconds(1),
        )
        .await
        .unwrap();
    let one = || async { store.subscriptions_of("ana").await.unwrap().into_iter().find(|s| s.id == first).unwrap() };
    let listed = hears(&pages, "ana", Channel::Telegram, text("/abonnements", None)).await;
    let change = datas(&listed).into_iter().find(|d| d.starts_with("/changer #")).unwrap();
    let asked = presses(&pages, "ana", Channel::Telegram, &change).await;
    assert!(asked.contains("Nord (59)") && asked.contains("Que changer"), "{asked}");
    for (words, wanted) in [
        ("Lieux", "Où travaillez-vous"),
        ("62", "Pas-de-Calais (62)"),
        ("continuer", "Que changer"),
        ("Rythme", "À quel rythme"),
        ("tous les 2 jours", "Que changer"),
        ("Nommer", "Comment l’appeler"),
        ("Le Nord", "Le Nord"),
        ("affiner", "Une autre condition"),
        ("sans amiante", "amiante"),
        ("continuer", "Que changer"),
        ("Enregistrer", "C’est enregistré"),
    ] {
        let answer = says(&pages, "ana", Channel::Telegram, words).await;
        assert!(answer.contains(wanted), "« {words} »: {answer}");
    }
    let changed = one().await;
    assert_eq!((changed.filter.departments.len(), changed.name.as_str()), (2, "Le Nord"));
    assert_eq!((changed.cadence, changed.filter.excluded_words.len()), ("2d".parse().unwrap(), 1));
    assert!(says(&pages, "ana", Channel::Matrix, "/abonnements").await.contains("1. Le Nord"));
    let ana = pages.signed_in("ana").await.unwrap();
    let page = ana.get("/abonnements").await.unwrap().body;
    assert!(page.contains("<h2>Le Nord</h2>") && page.contains(&format!("/abonnements/{first}#apercu")), "{page}");
    // On the page: another name and rhythm; both chats show it.
    let posted = [("nom", "Nord et côte"), ("departement", "59"), ("rythme", "weekly"), ("do", "quand-meme")];
    assert_eq!(ana.post_form(&format!("/abonnements/{first}"), &posted).await.unwrap().status, 303);
    for channel in [Channel::Telegram, Channel::Matrix] {
        let shown = says(&pages, "ana", channel, "/abonnements").await;
        assert!(shown.contains("Nord et côte") && shown.contains("un résumé par semaine"), "{shown}");
    }
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    for channel in [Channel::Telegram, Channel::Matrix] {
        let tried = says(&pages, "ana", channel, "/essayer 1").await;
        assert!(tried.contains("vous aurait été signalé") && tried.contains("Entretien du linge"), "{tried}");
    }
    assert!(says(&pages, "ana", Channel::Matrix, "/essayer").await.contains("Lequel"), "there are two");
    assert!(says(&pages, "ana", Channel::Matrix, "/nommer 1 Littoral").await.contains("Littoral"));
    assert!(ana.get("/abonnements").await.unwrap().body.contains("Littoral"));
    says(&pages, "ana", Channel::Telegram, "/pause 1 2 semaines").await;
    assert!(ana.get("/abonnements").await.unwrap().body.contains("en pause jusqu’au 5 décembre 2026"));
    assert_eq!(ana.post_form(&format!("/abonnements/{first}/pause"), &[("jours", "0")]).await.unwrap().status, 303);
    assert!(!says(&pages, "ana", Channel::Telegram, "/abonnements").await.contains('⏸'));
    // Until a day, on the page: one that is ahead.
    let pause = format!("/abonnements/{first}/pause");
    let until = |day: &'static str| [("jours", "date"), ("jusque", day)];
    assert_eq!(ana.post_form(&pause, &until("2026-11-20")).await.unwrap().status, 400);
    assert_eq!(ana.post_form(&pause, &until("2026-12-20")).await.unwrap().status, 303);
    assert!(ana.get("/abonnements").await.unwrap().body.contains("en pause jusqu’au 20 décembre 2026"));
    assert!(
        says(&pages, "ana", Channel::Telegram, "/abonnements").await.contains("en pause jusqu’au 20 décembre 2026")
    );
    assert_eq!(ana.post_form(&pause, &[("jours", "0")]).await.unwrap().status, 303);
    // What one changes while another removes it is not made again.
    says(&pages, "ana", Channel::Telegram, "/changer 1").await;
    store.remove_subscription(&first).await.unwrap();
    assert!(says(&pages, "ana", Channel::Telegram, "enregistrer").await.contains("n’est plus là"));
    assert_eq!(store.subscriptions_of("ana").await.unwrap().len(), 1);
}

const DECLARED: &str = "[[subscriber]]\nname = \"Ana\"\nemail = \"ana@structure.example\"\ntelegram = 501\nkind = \"EA\"\n[subscriber.rhythm]\ndigest_hour = 9\n[[subscriber.subscription]]\ncadence = \"daily\"\n[subscriber.subscription.filter]\ndepartments = [\"59\"]\n";

/// Attack: two tabs on one subscription. What changed meanwhile is said, and written over by a second press alone.
#[tokio::test]
async fn a_subscription_that_changed_meanwhile_is_not_written_over_unasked() {
    let pages = Pages::start(now(), DECLARED).await.unwrap();
    let store = &pages.app.service.store;
    let id = store.find_subscribers("ana@structure.example").await.unwrap().remove(0).id;
    let ana = pages.signed_in(&id).await.unwrap();
    let path = format!("/abonnements/{}", store.subscriptions_of(&id).await.unwrap().remove(0).id);
    let state = |body: &str| {
        let (_, rest) = body.split_once("name=\"etat\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let one = || async { store.subscriptions_of(&id).await.unwrap().remove(0) };
    // What the other tab changes: places, rhythm, name.
    for (other, said) in [
        ([("departement", "62"), ("rythme", "daily"), ("nom", "")], "Pas-de-Calais (62) (un résumé par jour)"),
        ([("departement", "59"), ("rythme", "weekly"), ("nom", "")], "(un résumé par semaine)"),
        ([("departement", "59"), ("rythme", "weekly"), ("nom", "Littoral")], "Nord (59)"),
    ] {
        let read = state(&ana.get(&path).await.unwrap().body);
        let posted = |form: [(&'static str, &'static str); 3], state: &str, press: &'static str| {
            let mut fields: Vec<(&str, String)> = form.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
            fields.extend([("do", press.to_owned()), ("etat", state.to_owned())]);
            fields
        };
        let send = |fields: Vec<(&'static str, String)>| {
            let (ana, path) = (&ana, &path);
            async move {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
                ana.post_form(path, &fields).await.unwrap()
            }
        };
        assert_eq!(send(posted(other, &read, "quand-meme")).await.status, 303);
        let stored = one().await;
        let mine = [("departement", "80"), ("rythme", "instant"), ("nom", "Somme")];
        // Trying it keeps in mind what was read.
        let tried = send(posted(mine, &read, "essai")).await;
        assert_eq!(tried.status, 200, "{}", tried.body);
        assert_eq!(state(&tried.body), read);
        for press in ["garder", "quand-meme"] {
            let told = send(posted(mine, &read, press)).await;
            assert_eq!(told.status, 409, "{}", told.body);
            assert!(told.body.contains("a changé depuis") && told.body.contains("Somme"), "{}", told.body);
            let words = told.body.replace('\u{a0}', " ");
            assert!(words.contains(said), "{said}: {words}");
            let still = one().await;
            assert_eq!((&still.filter, still.cadence, &still.name), (&stored.filter, stored.cadence, &stored.name));
            if press == "quand-meme" {
                let again = state(&told.body);
                assert_eq!(send(posted(mine, &again, "quand-meme")).await.status, 303);
                assert_eq!(one().await.name, "Somme");
            }
        }
        assert_eq!(
            send(posted([("departement", "59"), ("rythme", "daily"), ("nom", "")], "", "quand-meme")).await.status,
            303
        );
    }
}

#[tokio::test]
async fn whom_the_settings_file_declares_has_it_in_hand_from_the_first_change_until_they_give_it_back() {
    let pages = Pages::start(now(), DECLARED).await.unwrap();
    let service = &pages.app.service;
    let store = &service.store;
    let id = store.find_subscribers("ana@structure.example").await.unwrap().remove(0).id;
    let ana = pages.signed_in(&id).await.unwrap();
    for path in ["/abonnements", "/reglages"] {
        let page = ana.get(path).await.unwrap().body;
        assert!(page.contains("ont été réglés pour vous") && page.contains("dès votre premier changement"), "{page}");
    }
    vigie_service::declared::sync(service).await.unwrap();
    assert_eq!(store.preferences(&id).await.unwrap().rhythm.digest_hour, Some(9));
    assert_eq!(form(&ana, &[("heure", "7")]).await, 303);
    let first = store.subscriptions_of(&id).await.unwrap().remove(0).id;
    let posted = [("departement", "62"), ("rythme", "weekly"), ("do", "quand-meme")];
    assert_eq!(ana.post_form(&format!("/abonnements/{first}"), &posted).await.unwrap().status, 303);
    // A restart, or SIGHUP.
    vigie_service::declared::sync(service).await.unwrap();
    let stands = || async {
        let one = store.subscriptions_of(&id).await.unwrap();
        assert_eq!(one.len(), 1);
        let code = one[0].filter.departments[0].as_str().to_owned();
        (store.preferences(&id).await.unwrap().rhythm.digest_hour, code, one[0].cadence)
    };
    assert_eq!(stands().await, (Some(7), "62".to_owned(), Cadence::Weekly), "the file touches it no more");
    let page = ana.get("/reglages").await.unwrap().body;
    assert!(
        page.contains("Revenir à ceux qui avaient été réglés pour moi") && !page.contains("ont été réglés pour vous"),
        "{page}"
    );
    assert_eq!(ana.post_form("/reglages/fichier", &[]).await.unwrap().status, 303);
    assert_eq!(stands().await, (Some(9), "59".to_owned(), Cadence::Daily), "as the file says");
    // In a chat too; a pause is no change of what the file says.
    let service = &pages.app.service;
    let tg = |words: &'static str| async move {
        let incoming = Incoming {
            chat: Chat { channel: Channel::Telegram, id: "501".into(), private: true, title: String::new() },
            sender: Sender { id: "501".into(), name: "Ana".into() },
            input: text(words, None),
        };
        all_of(&conversation::dispatch(service, incoming).await.unwrap())
    };
    assert!(tg("/abonnements").await.contains("ont été réglés pour vous"));
    tg("/pause").await;
    assert!(store.follows_file(&id).await.unwrap());
    assert!(tg("/reglages résumé à 6 h").await.contains("désormais à vous"));
    assert!(!store.follows_file(&id).await.unwrap());
    // Somebody whom the file does not declare has nothing to give back.
    pages.person("lea", "Léa", Role::Structure, None).await.unwrap();
    let lea = pages.signed_in("lea").await.unwrap();
    assert_eq!(lea.post_form("/reglages/fichier", &[]).await.unwrap().status, 404);
}

/// The identifier of somebody's mailbox.
async fn mail_of(store: &vigie_store::Store, person: &str) -> String {
    let all = store.addresses(person).await.unwrap();
    all.into_iter().find(|a| a.channel == Channel::Email).unwrap().id
}

#[tokio::test]
async fn each_kind_of_message_goes_by_its_channel_and_the_next_one_takes_over_when_it_is_away() {
    let pages = Pages::start(now(), "").await.unwrap();
    person(&pages, "ana", "Ana").await;
    let service = &pages.app.service;
    let store = &service.store;
    store.put_subscription("ana", &north(), Cadence::Instant, now()).await.unwrap();
    for words in [
        "/reglages alertes sur Telegram",
        "/reglages messages de service par courriel",
        "/reglages ordre Telegram, Matrix",
    ] {
        says(&pages, "ana", Channel::Matrix, words).await;
    }
    let channels = |procedure: Option<String>| async move {
        let mut of: Vec<(Channel, &'static str)> = Vec::new();
        for delivery in store.deliveries(None, 50).await.unwrap() {
            let about = store.subject_of(&delivery.id).await.unwrap().map(|(_, procedure)| procedure);
            if delivery.subscriber == "ana" && about == procedure {
                of.push((delivery.channel, delivery.state.as_str()));
            }
        }
        of.sort_by_key(|(c, _)| c.as_str());
        of
    };
    let procedure = pages.take(&call("26-1", "Nettoyage")).await.unwrap();
    assert_eq!(channels(Some(procedure.clone())).await, [(Channel::Telegram, "pending")]);
    // The server of Telegram is away for an hour: what waits goes by Matrix, once, and not twice when it is back.
    store.begin_outage(Channel::Telegram, now() + Duration::hours(2), "essai", now()).await.unwrap();
    let later = now() + Duration::minutes(59);
    failover::around_outages(service, later).await.unwrap();
    assert_eq!(channels(Some(procedure.clone())).await, [(Channel::Telegram, "pending")]);
    for _ in 0..2 {
        failover::around_outages(service, now() + Duration::hours(1)).await.unwrap();
        let both = [(Channel::Matrix, "pending"), (Channel::Telegram, "superseded")];
        assert_eq!(channels(Some(procedure.clone())).await, both);
    }
    // Then Matrix is away as well: it waits where it is, and nothing is lost; it goes back once one of them is there again.
    let second = now() + Duration::hours(1);
    store.begin_outage(Channel::Matrix, second + Duration::hours(2), "essai", second).await.unwrap();
    store.set_address_state(&mail_of(store, "ana").await, AddressState::Stopped, "essai").await.unwrap();
    failover::around_outages(service, second + Duration::hours(2)).await.unwrap();
    let both = [(Channel::Matrix, "pending"), (Channel::Telegram, "superseded")];
    assert_eq!(channels(Some(procedure.clone())).await, both, "both are away");
    store.end_outage(Channel::Telegram, second + Duration::hours(2)).await.unwrap();
    failover::around_outages(service, second + Duration::hours(2)).await.unwrap();
    let both = [(Channel::Matrix, "superseded"), (Channel::Telegram, "pending")];
    assert_eq!(channels(Some(procedure.clone())).await, both, "the one that is back carries it");
    store.set_address_state(&mail_of(store, "ana").await, AddressState::Active, "essai").await.unwrap();
    let told = vigie_domain::Alert {
        id: "mot".into(),
        kind: vigie_domain::AlertKind::Account,
        procedure: String::new(),
        notice: String::new(),
        changes: Vec::new(),
    };
    store.tell("ana", &told, "Un mot\nBonjour", now()).await.unwrap();
    assert_eq!(channels(None).await, [(Channel::Email, "pending")]);
}

#[tokio::test]
async fn who_stands_in_hears_what_the_other_would_have_heard_and_nobody_else_does() {
    let pages = Pages::start(now(), "").await.unwrap();
    person(&pages, "ana", "Ana").await;
    person(&pages, "marc", "Marc").await;
    pages.person("rival", "Rival", Role::Structure, Some("44444444400014")).await.unwrap();
    let store = &pages.app.service.store;
    store.put_subscription("ana", &north(), Cadence::Instant, now()).await.unwrap();
    says(&pages, "ana", Channel::Telegram, "/absence jusqu’au 12 janvier 2027, Marc me remplace").await;
    let procedure = pages.take(&call("26-1", "Nettoyage")).await.unwrap();
    let who = || async {
        let mut who: Vec<String> = Vec::new();
        for delivery in store.deliveries(None, 50).await.unwrap() {
            if store.subject_of(&delivery.id).await.unwrap().is_some() && !who.contains(&delivery.subscriber) {
                who.push(delivery.subscriber);
            }
        }
        who
    };
    assert_eq!(who().await, ["marc"]);
    let why = store.notifications("marc", &procedure).await.unwrap();
    assert!(why[0].reasons.contains("En l’absence d’Ana"), "{why:?}");
    let why = store.notifications("ana", &procedure).await.unwrap();
    assert!(why[0].reasons.contains("la personne qui remplace l’a reçu") && !why[0].disposition.is_told(), "{why:?}");
    // Back: they hear again, and the other no more.
    says(&pages, "ana", Channel::Telegram, "/reglages de retour").await;
    pages.take(&call("26-2", "Blanchisserie")).await.unwrap();
    let latest = store.deliveries(None, 3).await.unwrap();
    assert!(latest.iter().all(|d| d.subscriber == "ana"), "{latest:?}");
    // Whoever is erased stands in for nobody.
    says(&pages, "ana", Channel::Telegram, "/absence jusqu’au 12 janvier 2027, Marc me remplace").await;
    vigie_service::personal_data::erase(&pages.app.service, "marc").await.unwrap();
    assert_eq!(stands(&pages, "ana").await.away.unwrap().stand_in, None);
}
